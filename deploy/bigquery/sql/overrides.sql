-- What analysts made of the proposals: how many they looked at, confirmed and changed, by what had been proposed.
--   @since    DATE
WITH judged AS (
  SELECT
    d.action AS proposed,
    f.verdict,
    f.action AS became,
    f.reviewed_seconds
  FROM assay.feedback AS f
  JOIN (SELECT DISTINCT decision_id, action FROM assay.decisions) AS d
    ON d.decision_id = f.decision_id
  WHERE DATE(f.`at`) >= @since
)
SELECT
  proposed,
  COUNT(*) AS judged,
  COUNTIF(verdict = 'agree') AS agreed,
  COUNTIF(verdict = 'overrule') AS overruled,
  COUNTIF(became IS NOT NULL AND became <> proposed) AS changed,
  COUNTIF(verdict = 'overrule') / COUNT(*) AS overruled_share,
  AVG(reviewed_seconds) AS mean_seconds
FROM judged
GROUP BY proposed
ORDER BY proposed
