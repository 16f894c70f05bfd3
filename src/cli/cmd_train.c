/* assay train - books and labelled customers to a bundle, which scores in the months after. */
#include "cli/commands.h"
#include "cli/job.h"

#include "report/report.h"

static const Option options[] = {{"out", "FOLDER", "where the bundle goes (default bundle)", false},
                                 {0}};
static const Option *const shared[] = {job_labelled_files,
                                       job_scored_files,
                                       job_book_options,
                                       job_read_options,
                                       job_learn_options,
                                       job_quarantine_option,
                                       NULL};

static Status train(Job *j, const char *out, Error *err)
{
    j->resume = str_chars(j->keep, str_format(j->keep, "%s.resume", out));
    TRY(job_begin(j, NULL, err));
    TRY(bundle_remove(out, err)); /* an older bundle must not pass for this training's */
    TRY(report_papers_remove(out, err));
    TRY(job_features(j, err));
    talk_findings(j->args, j->data->findings, 0, SEVERITY_WARNING);
    TRY(job_validate(j, err));
    TRY(job_strata(j, err));
    TRY(job_verdict(j, err));
    Status control = job_verdict(j, err);
    if (control != STATUS_OK) {
        Status removed = job_resume_remove(j, NULL); /* the gate's own error stands */
        (void)removed;
        return control;
    }
    TRY(job_train(j, out, err));
    size_t told = j->data->findings->count;
    TRY(job_silence(j, err));
    talk_findings(j->args, j->data->findings, told, SEVERITY_WARNING);
    TRY(job_resume_remove(j, err));
    Status verdict = job_verdict(j, err);
    if (verdict != STATUS_OK) {
        /* What a gate refuses is not left where next month would take it for a bundle; the gate's
         * own error stands. */
        Status removed = bundle_remove(out, NULL);
        (void)removed;
        return verdict;
    }
    return report_papers_write(job_record(j), out, err);
}

static Status run(const Args *args, Error *err)
{
    Job *j = job_new(args);
    const char *out = args_value(args, "out", "bundle");
    Status status = train(j, out, err);
    arena_free(&j->scratch);
    if (status == STATUS_OK)
        answer(str_trim(report_learnt(j->keep, job_record(j), out)));
    return status;
}

const Command command_train = {
    .name = "train",
    .says = "learn from labelled customers and leave a bundle for the months after",
    .example =
        "  assay train --customers labelled_users.csv --transactions labelled_transactions.csv \\\n"
        "              --score-customers unlabelled_users.csv \\\n"
        "              --score-transactions unlabelled_transactions.csv --out bundle",
    .options = options,
    .shared = shared,
    .run = run};
