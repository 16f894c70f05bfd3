-- Is what came in fresh and whole? One row a table: rows of the last two days, and the age of the youngest.
--   @now    TIMESTAMP
SELECT 'transactions' AS name, COUNT(*) AS recent, TIMESTAMP_DIFF(@now, MAX(created_at), MINUTE) AS youngest_minutes
FROM assay.transactions
WHERE created_at >= TIMESTAMP_SUB(@now, INTERVAL 2 DAY) AND created_at <= @now
UNION ALL
SELECT 'predictions', COUNT(*), TIMESTAMP_DIFF(@now, MAX(time), MINUTE)
FROM assay.predictions
WHERE time >= TIMESTAMP_SUB(@now, INTERVAL 2 DAY) AND time <= @now
UNION ALL
SELECT 'decision_events', COUNT(*), TIMESTAMP_DIFF(@now, MAX(publish_time), MINUTE)
FROM assay.decision_events
WHERE publish_time >= TIMESTAMP_SUB(@now, INTERVAL 2 DAY) AND publish_time <= @now
ORDER BY name
