/* assay features - every feature of every customer, or what the features book measures. */
#include "cli/commands.h"
#include "cli/job.h"

static const Option options[] = {
    {"customers", "FILE", "customers, labelled or not: a file, a pattern or -; may be given again",
     false},
    {"transactions", "FILE", "their transactions; likewise", false},
    {"bundle", "FOLDER",
     "take the books from a bundle, and compare with the customers that it was trained on", false},
    {"schema", "FILE", "schema book (default: built in, for the home task's files)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"out", "FILE", "where the table goes (default: standard output)", false},
    {"describe", NULL, "print what the features book measures, as a page of Markdown, and stop",
     false},
    {0}};
static const Option *const shared[] = {job_read_options, job_quarantine_option, NULL};

static Status describe(const Args *args, Error *err)
{
    Str text;
    const char *file;
    Schema *schema;
    Plan *plan;
    TRY(args_book(&text, &file, args, "schema", err));
    TRY(schema_read(&schema, args->arena, text, file, err));
    TRY(args_book(&text, &file, args, "features", err));
    TRY(plan_read(&plan, args->arena, text, file, schema, err));
    answer(plan_describe(args->arena, plan));
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    Job *j = job_new(args);
    if (args_flag(args, "describe"))
        return describe(args, err);
    TRY(args_need(args, "customers", err));
    TRY(args_need(args, "transactions", err));
    TRY(job_begin_unlabelled(j, args_value(args, "bundle", NULL), err));
    TRY(job_features(j, err));
    talk_findings(args, j->data->findings, 0, SEVERITY_WARNING);
    arena_free(&j->scratch);
    return store_feature_table(j->features, j->data->id, NULL, args_value(args, "out", "-"), err);
}

const Command command_features = {
    .name = "features",
    .says = "every feature of every customer; CSV on standard output",
    .example = "  assay features --customers unlabelled_users.csv \\\n"
               "                 --transactions unlabelled_transactions.csv > features.csv\n"
               "  assay features --describe > features.md",
    .options = options,
    .shared = shared,
    .run = run};
