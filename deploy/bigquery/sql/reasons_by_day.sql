-- Which reasons carry the proposals, day by day.
--   @since    DATE
SELECT
  DATE(d.as_of) AS day,
  reason.code,
  reason.source,
  COUNT(DISTINCT d.decision_id) AS decisions
FROM assay.decisions AS d, UNNEST(d.reasons) AS reason
WHERE DATE(d.as_of) >= @since
GROUP BY day, reason.code, reason.source
ORDER BY day, decisions DESC, reason.code, reason.source
