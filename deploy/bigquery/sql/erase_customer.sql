-- Erase a person here; deploy/bigquery/erase runs it. One script; time travel of the dataset ends after 48 hours, so nobody can
-- read him then.
--   @customer         STRING, the customer's id
--   @customer_hash    STRING, the hash of it that prediction logs hold
DELETE FROM assay.labels WHERE customer_id = @customer OR decision_id IN (SELECT decision_id FROM assay.decisions WHERE customer_id = @customer);
DELETE FROM assay.feedback WHERE customer_id = @customer OR decision_id IN (SELECT decision_id FROM assay.decisions WHERE customer_id = @customer);
DELETE FROM assay.predictions WHERE time >= TIMESTAMP '2020-01-01' AND (customer IN (@customer, @customer_hash) OR decision_id IN (SELECT decision_id FROM assay.decisions WHERE customer_id = @customer));
DELETE FROM assay.decision_events WHERE JSON_VALUE(data, '$.data.customer_id') = @customer;
DELETE FROM assay.decisions WHERE customer_id = @customer;
DELETE FROM assay.features WHERE customer_id = @customer;
DELETE FROM assay.transactions WHERE created_at >= TIMESTAMP '1970-01-01' AND user_id = @customer;
DELETE FROM assay.customers WHERE user_id = @customer;
