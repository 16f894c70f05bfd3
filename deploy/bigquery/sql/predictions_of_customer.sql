-- The days and decisions of a customer's lines in the prediction log, for deploy/bigquery/erase.
--   @customer         STRING, the customer's id
--   @customer_hash    STRING, the hash of it that prediction logs hold
SELECT DISTINCT DATE(time) AS day, decision_id
FROM assay.predictions
WHERE time >= TIMESTAMP '2020-01-01' AND (
  customer IN (@customer, @customer_hash)
  OR decision_id IN (SELECT decision_id FROM assay.decisions WHERE customer_id = @customer))
ORDER BY day, decision_id
