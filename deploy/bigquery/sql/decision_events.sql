-- The events of a day's decisions, each once, for `rows decisions`.
--   @day    DATE, of publishing
SELECT data
FROM assay.decision_events
WHERE DATE(publish_time) = @day
QUALIFY ROW_NUMBER() OVER (PARTITION BY JSON_VALUE(data, '$.id') ORDER BY publish_time, message_id) = 1
ORDER BY publish_time, message_id
