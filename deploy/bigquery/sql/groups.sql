-- Groups that fairness is measured by, as `assay monitor --groups` reads them: the latest word on each customer. They
-- never enter a model.
--   @as_of    TIMESTAMP, what was loaded later is not seen
SELECT user_id AS customer_id, gender, country_of_residence, document_issuing_country
FROM assay.customers
WHERE loaded_at <= @as_of
QUALIFY ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY loaded_at DESC, session_id DESC) = 1
ORDER BY user_id
