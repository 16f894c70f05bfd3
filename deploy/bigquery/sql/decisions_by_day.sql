-- What is proposed, day by day: for a chart of the business, and to see a mix that shifts. A decision counts once,
-- however often its event or its file came.
--   @since    DATE
SELECT
  DATE(as_of) AS day,
  segment,
  action,
  COUNT(DISTINCT decision_id) AS decisions,
  COUNT(DISTINCT customer_id) AS customers,
  AVG(probability) AS mean_probability,
  SUM(exposure) AS exposure
FROM assay.decisions
WHERE DATE(as_of) >= @since
GROUP BY day, segment, action
ORDER BY day, segment, action
