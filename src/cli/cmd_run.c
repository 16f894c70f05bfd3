/* assay run - the main job: profile, train, evaluate, score, decide, report. */
#include "cli/beside.h"
#include "cli/commands.h"
#include "cli/job.h"

#include "report/report.h"

static const Option options[] = {
    {"out", "FOLDER", "where the results go; an earlier run there is removed at once (default out)",
     false},
    {0}};
static const Option *const shared[] = {job_labelled_files,  job_scored_files,     job_book_options,
                                       job_language_option, beside_options,       job_read_options,
                                       job_learn_options,   job_stability_option, NULL};

static Status run(const Args *args, Error *err)
{
    Job *j = job_new(args);
    const char *out = args_value(args, "out", "out");
    const char *bundle = path_join(j->keep, out, "bundle");
    j->resume = path_join(j->keep, out, "resume");
    TRY(beside_check(args, out, err));
    TRY(job_begin(j, out, err));
    TRY(beside_read(&j->beside, args, j->policy, j->data, j->scratch, err));
    TRY(bundle_remove(bundle, err));
    TRY(job_features(j, err));
    TRY(job_validate(j, err));
    TRY(job_forward(j, err));
    TRY(job_strata(j, err));
    job_calibration(j);
    TRY(job_train(j, bundle, err));
    TRY(job_score(j, err));
    job_describe(j);
    TRY(job_thresholds(j, err));
    TRY(job_stability(j, err));
    TRY(job_importance(j, err));
    TRY(job_fairness(j, err));
    TRY(job_silence(j, err));
    job_stage(j, "write", "writing the report");
    const Run *r = job_record(j);
    TRY(report_write(r, path_join(j->keep, out, "report.html"), err));
    TRY(report_note_write(r, out, err));
    TRY(report_papers_write(r, out, err));
    job_stage(j, NULL, NULL);
    TRY(job_resume_remove(j, err));
    TRY(store_run(r, out, err));
    progress_tell(&args->progress, "done", 1, 1);
    answer(str_trim(report_summary(j->keep, r, out)));
    arena_free(&j->scratch);
    return job_verdict(j, err);
}

const Command command_run = {
    .name = "run",
    .says = "learn from labelled customers, score others, propose candidates for off-boarding",
    .example =
        "  assay run --customers labelled_users.csv --transactions labelled_transactions.csv \\\n"
        "            --score-customers unlabelled_users.csv \\\n"
        "            --score-transactions unlabelled_transactions.csv --out out",
    .options = options,
    .shared = shared,
    .run = run};
