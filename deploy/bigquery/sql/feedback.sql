-- Verdicts of analysts, as `assay monitor --feedback` reads them: each once, however often its file was loaded.
--   @as_of    TIMESTAMP, what was said later is not seen
SELECT DISTINCT decision_id, customer_id, verdict, action, reason, reviewer, `at`, reviewed_seconds
FROM assay.feedback
WHERE `at` IS NULL OR `at` <= @as_of
ORDER BY `at`, decision_id, customer_id, verdict
