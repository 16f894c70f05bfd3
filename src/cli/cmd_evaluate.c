/* assay evaluate - how well it would do: by cross-validation, or a bundle on customers it has not
 * seen. */
#include "cli/commands.h"
#include "cli/job.h"

#include "report/report.h"

static const Option options[] = {
    {"bundle", "FOLDER", "judge this bundle on the labelled customers, instead of learning", false},
    {"out", "FOLDER", "also write every figure, probability and finding into this folder", false},
    {0}};
static const Option *const shared[] = {job_labelled_files,
                                       job_scored_files,
                                       job_book_options,
                                       job_read_options,
                                       job_learn_options,
                                       job_quarantine_option,
                                       NULL};

/* Judging learns nothing. */
static Status refuse_options(const Args *args, Error *err)
{
    static const char *const names[] = {"folds",    "repeats",         "trials",
                                        "fits",     "criterion",       "shuffles",
                                        "ablation", "score-customers", "score-transactions"};
    TRY(job_refuse_books(args, err));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (args_value(args, names[i], NULL) != NULL) {
            (void)error_set(err, STATUS_USAGE, "--%s has no place beside --bundle", names[i]);
            return error_remedy(err, "judging a bundle learns nothing: leave one of the two out");
        }
    return STATUS_OK;
}

static Status cross_validate(Job *j, const char *out, Error *err)
{
    if (out != NULL)
        j->resume = path_join(j->keep, out, "resume");
    TRY(job_begin(j, out, err));
    TRY(job_features(j, err));
    talk_findings(j->args, j->data->findings, 0, SEVERITY_WARNING);
    TRY(job_validate(j, err));
    TRY(job_forward(j, err));
    TRY(job_strata(j, err));
    TRY(job_thresholds(j, err));
    TRY(job_fairness(j, err));
    if (out != NULL) /* what stdout says needs none of it */
        TRY(job_importance(j, err));
    job_calibration(j);
    return STATUS_OK;
}

static Status judge(Job *j, const char *bundle, const char *out, Error *err)
{
    TRY(refuse_options(j->args, err));
    talk(j->args, "a bundle holds no customer: on customers that it learnt from, which cannot be "
                  "seen unless they are all of them, its figures are better than it is");
    TRY(job_begin_bundle(j, bundle, out, err));
    TRY(job_judge(j, err));
    job_calibration(j);
    talk_findings(j->args, j->data->findings, 0, SEVERITY_INFO);
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    Job *j = job_new(args);
    const char *bundle = args_value(args, "bundle", NULL), *out = args_value(args, "out", NULL);
    TRY(bundle == NULL ? cross_validate(j, out, err) : judge(j, bundle, out, err));
    job_stage(j, NULL, NULL);
    TRY(job_resume_remove(j, err));
    const Run *r = job_record(j);
    if (out != NULL) {
        TRY(report_papers_write(r, out, err));
        TRY(store_evaluation(r, out, err));
    }
    answer(str_trim(store_figures(j->keep, r)));
    arena_free(&j->scratch);
    return bundle == NULL ? job_verdict(j, err) : STATUS_OK;
}

const Command command_evaluate = {
    .name = "evaluate",
    .says = "cross-validated figures and leakage audit, or a bundle's on new labelled customers",
    .example = "  assay evaluate --customers labelled_users.csv --transactions "
               "labelled_transactions.csv \\\n"
               "                 --out evaluation > figures.csv\n"
               "  assay evaluate --bundle out/bundle --customers labelled_in_may.csv \\\n"
               "                 --transactions transactions_of_may.csv > figures_of_bundle.csv",
    .options = options,
    .shared = shared,
    .run = run};
