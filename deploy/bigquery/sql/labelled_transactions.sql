-- Their transactions, every version of each.
--   @as_of    TIMESTAMP, what was begun or loaded later is not seen
SELECT t.* EXCEPT (loaded_at)
FROM assay.transactions AS t
WHERE t.created_at <= @as_of AND t.loaded_at <= @as_of
  AND t.user_id IN (SELECT user_id FROM assay.customers WHERE user_current_state IS NOT NULL AND loaded_at <= @as_of)
ORDER BY t.user_id, t.created_at, t.id, t.completed_at
