/* assay features - what the features book measures, as a page. */
#include "cli/commands.h"

#include "feature/feature.h"

static const Option options[] = {
    {"describe", NULL, "print the features book as a page of Markdown", false},
    {"schema", "FILE", "schema book (default: built in, for the home task's files)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {0}};

static Status run(const Args *args, Error *err)
{
    Str text;
    const char *file;
    Schema *schema;
    Plan *plan;
    if (!args_flag(args, "describe")) {
        (void)error_set(err, STATUS_USAGE, "features needs --describe");
        return error_remedy(err, "write `assay features --describe`");
    }
    TRY(args_book(&text, &file, args, "schema", err));
    TRY(schema_read(&schema, args->arena, text, file, err));
    TRY(args_book(&text, &file, args, "features", err));
    TRY(plan_read(&plan, args->arena, text, file, schema, err));
    answer(plan_describe(args->arena, plan));
    return STATUS_OK;
}

const Command command_features = {.name = "features",
                                  .says = "what the features book measures, as a page",
                                  .example = "  assay features --describe > features.md",
                                  .options = options,
                                  .run = run};
