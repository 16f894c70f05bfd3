/* assay check - read the books and say whether they hold together. */
#include "cli/check.h"
#include "cli/commands.h"

#include "policy/policy.h"

#include <string.h>

static const Option options[] = {
    {"schema", "FILE", "schema book (default: built in)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"policy", "FILE", "policy book (default: built in)", false},
    {"messages", "FILE", "their sentences in other languages (default: built in)", false},
    {"json-schema", "BOOK",
     "print the JSON Schema of schema, features, policy or messages, and stop", false},
    {0}};

static Status print_schema(const Args *args, const char *book, Error *err)
{
    if (strcmp(book, "schema") == 0)
        answer(schema_json_schema(args->arena));
    else if (strcmp(book, "features") == 0)
        answer(plan_json_schema(args->arena));
    else if (strcmp(book, "policy") == 0)
        answer(policy_json_schema(args->arena));
    else if (strcmp(book, "messages") == 0)
        answer(messages_json_schema(args->arena));
    else {
        (void)error_set(err, STATUS_USAGE, "--json-schema: there is no book `%s`", book);
        return error_remedy(err, "write schema, features, policy or messages");
    }
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    Str text;
    const char *file;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    RuleView *rules;
    const char *book = args_value(args, "json-schema", NULL);
    if (book != NULL)
        return print_schema(args, book, err);
    TRY(args_book(&text, &file, args, "schema", err));
    TRY(schema_read(&schema, args->arena, text, file, err));
    TRY(args_book(&text, &file, args, "features", err));
    TRY(plan_read(&plan, args->arena, text, file, schema, err));
    TRY(args_policy(&policy, args, plan, err));
    size_t use[3] = {0};
    for (size_t i = 0; i < plan->features; i++)
        use[plan->feature[i].use]++;
    answer(str_format(args->arena,
                      "books are good: %zu features (%zu for the model, %zu for policy, %zu to "
                      "monitor), %zu rules",
                      plan->features, use[USE_MODEL], use[USE_POLICY], use[USE_MONITOR],
                      policy_rules(policy, args->arena, &rules)));
    return check_messages(args, plan, policy, err);
}

const Command command_check = {.name = "check",
                               .says = "check the books: schema, features, policy, messages",
                               .example = "  assay check --features features.yaml",
                               .options = options,
                               .run = run};
