-- Customers to be scored, in the columns that such files have: no label, and no date of birth.
-- A shard takes the customers whose hash falls to it, so that each customer is in one shard, always the same.
--   @as_of     TIMESTAMP, what was loaded later is not seen
--   @shards    INT64, how many parts
--   @shard     INT64, which of them, from 0
SELECT c.* EXCEPT (loaded_at, user_current_state, date_of_birth)
FROM assay.customers AS c
WHERE c.user_current_state IS NULL AND c.loaded_at <= @as_of
  AND MOD(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(c.user_id)), 1, 8)) AS INT64), @shards) = @shard
ORDER BY c.user_id, c.loaded_at, c.session_id
