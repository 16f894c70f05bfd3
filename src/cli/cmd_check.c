/* assay check - read the books and say whether they hold together. */
#include "cli/commands.h"

#include "prove/prove.h"

#include <string.h>

static const Option options[] = {
    {"schema", "FILE", "schema book (default: built in)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"policy", "FILE", "policy book (default: built in)", false},
    {"json", NULL, "what was found, as one JSON object", false},
    {"json-schema", "BOOK", "print the JSON Schema of schema, features or policy, and stop", false},
    {0}};

static Status print_schema(const Args *args, const char *book, Error *err)
{
    if (strcmp(book, "schema") == 0)
        answer(schema_json_schema(args->arena));
    else if (strcmp(book, "features") == 0)
        answer(plan_json_schema(args->arena));
    else if (strcmp(book, "policy") == 0)
        answer(policy_json_schema(args->arena));
    else {
        (void)error_set(err, STATUS_USAGE, "--json-schema: there is no book `%s`", book);
        return error_remedy(err, "write schema, features or policy");
    }
    return STATUS_OK;
}

/* ---- what was found ---- */

static void count_words(Buffer *out, size_t count, const char *noun)
{
    buffer_format(out, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

static void tell(const Args *args, const char *file, const Proofs *found)
{
    Buffer out = buffer_new(args->arena);
    for (size_t i = 0; i < found->count; i++) {
        const Proof *f = &found->item[i];
        buffer_format(&out, "%s:%lld:%lld: %.*s: %.*s%s%.*s\n", file, (long long)f->line,
                      (long long)f->column, STR_ARG(proof_severity_name(f->severity)),
                      STR_ARG(f->about), f->about.size > 0 ? " " : "", STR_ARG(f->sentence));
        if (f->remedy.size > 0)
            buffer_format(&out, "  remedy: %.*s\n", STR_ARG(f->remedy));
    }
    for (size_t i = 0; i < found->open_named; i++)
        buffer_format(&out, "%s: not decided within the bound: %.*s\n", file,
                      STR_ARG(found->undecided[i]));
    buffer_format(&out, "%s: ", file);
    count_words(&out, found->errors, "error");
    buffer_add(&out, S(", "));
    count_words(&out, found->warnings, "warning");
    buffer_add(&out, S(", "));
    count_words(&out, found->notes, "note");
    buffer_format(&out, "; %zu questions asked, %zu not decided", found->questions, found->open);
    answer(buffer_str(&out));
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
    Arena scratch = arena_new();
    const Proofs *found = prove_policy(args->arena, scratch, policy, plan, NULL);
    arena_free(&scratch);
    tell(args, file, found);
    size_t use[3] = {0};
    for (size_t i = 0; i < plan->features; i++)
        use[plan->feature[i].use]++;
    answer(str_format(args->arena,
                      "books are good: %zu features (%zu for the model, %zu for policy, %zu to "
                      "monitor), %zu rules",
                      plan->features, use[USE_MODEL], use[USE_POLICY], use[USE_MONITOR],
                      policy_rules(policy, args->arena, &rules)));
    return STATUS_OK;
}

const Command command_check = {.name = "check",
                               .says = "check the books: schema, features, policy",
                               .example = "  assay check --features features.yaml",
                               .options = options,
                               .run = run};
