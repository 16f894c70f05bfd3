/* assay features - every feature of every customer, without learning anything. */
#include "cli/commands.h"
#include "cli/job.h"

static const Option options[] = {
    {"customers", "FILE", "customers, labelled or not; may be given again", false},
    {"transactions", "FILE", "their transactions; may be given again", false},
    {"schema", "FILE", "schema book (default: built in, for the home task's files)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"out", "FILE", "where the table goes (default: standard output)", false},
    {0}};
static const Option *const shared[] = {job_read_options, job_quarantine_option, NULL};

static Status run(const Args *args, Error *err)
{
    Job *j = job_new(args);
    TRY(args_need(args, "customers", err));
    TRY(args_need(args, "transactions", err));
    TRY(job_begin_unlabelled(j, err));
    TRY(job_features(j, err));
    talk_findings(args, j->data->findings, 0, SEVERITY_WARNING);
    arena_free(&j->scratch);
    return store_feature_table(j->features, j->data->id, NULL, args_value(args, "out", "-"), err);
}

const Command command_features = {
    .name = "features",
    .says = "every feature of every customer; CSV on standard output",
    .example = "  assay features --customers unlabelled_users.csv \\\n"
               "                 --transactions unlabelled_transactions.csv > features.csv",
    .options = options,
    .shared = shared,
    .run = run};
