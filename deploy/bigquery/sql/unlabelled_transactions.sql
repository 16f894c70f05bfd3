-- Their transactions, every version of each, without what they were spent on.
--   @as_of     TIMESTAMP, what was begun or loaded later is not seen
--   @shards    INT64, how many parts
--   @shard     INT64, which of them, from 0
SELECT t.* EXCEPT (loaded_at, category_id)
FROM assay.transactions AS t
WHERE t.created_at <= @as_of AND t.loaded_at <= @as_of
  AND t.user_id IN (SELECT user_id FROM assay.customers WHERE user_current_state IS NULL AND loaded_at <= @as_of)
  AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(t.user_id)), 1, 8)) AS INT64), @shards) = @shard
ORDER BY t.user_id, t.created_at, t.id, t.completed_at
