#include "store/store_internal.h"

static Status write_all(const Run *run, const char *folder, Arena scratch, Error *err)
{
    TRY(folder_make(folder, err));
    const uint32_t *order = store_order(&scratch, run);
    TRY(quarantine_write(run->data->quarantine, path_join(&scratch, folder, "quarantine.csv"),
                         err));
    TRY(store_quality(run, folder, scratch, err));
    TRY(store_features(run, folder, scratch, err));
    TRY(store_description(run, folder, scratch, err));
    TRY(store_metrics(run, folder, scratch, err));
    TRY(store_learning(run, folder, scratch, err));
    Chain chain;
    Str identity;
    TRY(store_decisions(&chain, &scratch, run, order, folder, err));
    TRY(store_listed(run, folder, scratch, err));
    TRY(store_timings(run, folder, scratch, err));
    TRY(store_identity(&identity, &scratch, run, &chain, err));
    TRY(store_chain(&chain, identity, folder, scratch, err));
    /* Last, so that a folder with run.json in it is complete. */
    return file_write(path_join(&scratch, folder, "run.json"), identity, err);
}

Status store_run(const Run *run, const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = write_all(run, folder, own, err);
    arena_free(&own);
    return status;
}

/* Of every command that writes a folder; the marks of a whole run go first. One a line. */
// clang-format off
const char *const store_written[] = {
    "run.json",
    "report.html",
    "report.md",
    "offboarding.csv",
    "offboarding.jsonl",
    "bundle/SHA256SUMS",
    "ablation.csv",
    "calibration.csv",
    "chain.json",
    "correlations.csv",
    "coverage.csv",
    "curves.csv",
    "decisions.csv",
    "decisions.jsonl",
    "distributions.csv",
    "evaluation.csv",
    "fairness.csv",
    "features.csv",
    "folds.csv",
    "histories/customers.csv",
    "histories/transactions.csv",
    "importance.csv",
    "metrics.json",
    "missingness.csv",
    "model-card.md",
    "near_misses.csv",
    "near_misses.jsonl",
    "outliers.csv",
    "proxies.csv",
    "quality.json",
    "quantiles.csv",
    "quarantine.csv",
    "screening.csv",
    "shap.csv",
    "stability.csv",
    "strata.csv",
    "thresholds.csv",
    "timings.json",
    "trials.csv",
    "validation.csv",
    "validation.md",
};
// clang-format on
const size_t store_writtens = COUNT_OF(store_written);

Status store_begin(const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = folder_make(folder, err);
    for (size_t i = 0; i < store_writtens && status == STATUS_OK; i++)
        status = file_remove(path_join(&own, folder, store_written[i]), err);
    arena_free(&own);
    return status;
}
