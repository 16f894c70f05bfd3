-- What became known of customers, as `assay monitor --labels` reads it: the last word on each decision or customer.
--   @as_of    TIMESTAMP, what became known later is not seen
SELECT decision_id, customer_id, label, known_at
FROM assay.labels
WHERE known_at <= @as_of
QUALIFY ROW_NUMBER() OVER (PARTITION BY COALESCE(decision_id, ''), COALESCE(customer_id, '') ORDER BY known_at DESC) = 1
ORDER BY known_at, decision_id, customer_id
