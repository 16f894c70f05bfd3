-- Customers to learn from, as `assay run --customers` and `assay train` read them.
--   @as_of    TIMESTAMP, what was loaded later is not seen
SELECT * EXCEPT (loaded_at)
FROM assay.customers
WHERE user_current_state IS NOT NULL AND loaded_at <= @as_of
ORDER BY user_id, loaded_at, session_id
