/* assay init - books for files never seen before, by looking at them. */
#include "cli/commands.h"

#include "policy/policy.h"
#include "profile/profile.h"

#include <string.h>

static const Option options[] = {
    {"score-customers", "FILE", "customers to be scored, to compare with; may be given again",
     false},
    {"score-transactions", "FILE", "transactions of customers to be scored; may be given again",
     false},
    {"label", "COLUMN", "the customers' column that holds the outcome (default: guessed)", false},
    {"out", "FOLDER",
     "write schema.yaml, features.yaml and policy.yaml there (default: the schema "
     "book goes to stdout)",
     false},
    {0}};

static ProfileFiles paths(const Args *args, const char *option)
{
    InputFiles files = args_files(args, option);
    const char **path = ARENA_ARRAY(args->arena, const char *, files.count + 1);
    for (size_t i = 0; i < files.count; i++)
        path[i] = files.item[i].path;
    return (ProfileFiles){path, files.count};
}

/* Operands `from` to `to`, patterns put out as for options. */
static ProfileFiles operands(const Args *args, size_t from, size_t to)
{
    const char **path = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = from; i < to; i++) {
        const char **found;
        size_t some = file_glob(&found, args->arena, args->operand[i]);
        for (size_t k = 0; k < some; k++)
            *ARENA_PUSH(args->arena, path, count, capacity) = found[k];
    }
    return (ProfileFiles){path, count};
}

/* A header is read, then the cells: a pipe would be empty the second time. */
static Status check_files(ProfileFiles files, Error *err)
{
    for (size_t i = 0; i < files.count; i++) {
        bool pipe = strcmp(files.path[i], "-") == 0 ||
                    (file_exists(files.path[i]) && !file_is_regular(files.path[i]));
        if (!pipe)
            continue;
        (void)error_set(err, STATUS_USAGE, "init reads a file twice, and %s can be read once",
                        files.path[i]);
        return error_remedy(err, "write it to a file first");
    }
    return STATUS_OK;
}

/* What was written must be readable: a book that init cannot read back is a bug of init, found
 * here and not by whoever runs it. */
static Status read_back(const Args *args, Str schema_text, Str features_text, Str policy_text,
                        Error *err)
{
    Schema *schema;
    Plan *plan;
    Policy *policy;
    TRY(schema_read(&schema, args->arena, schema_text, "schema.yaml", err));
    TRY(plan_read(&plan, args->arena, features_text, "features.yaml", schema, err));
    return policy_read(&policy, args->arena, policy_text, "policy.yaml", plan, err);
}

static Status write_books(const Args *args, const char *out, Str schema, Str features, Str policy,
                          Error *err)
{
    static const char *const names[] = {"schema.yaml", "features.yaml", "policy.yaml"};
    const Str texts[] = {schema, features, policy};
    TRY(folder_make(out, err));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *path = path_join(args->arena, out, names[i]);
        if (file_exists(path)) {
            (void)error_set(err, STATUS_USAGE, "%s is there already", path);
            return error_remedy(err, "give another --out; what an analyst wrote is not replaced");
        }
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        TRY(file_write(path_join(args->arena, out, names[i]), texts[i], err));
    return STATUS_OK;
}

/* The command that comes next, with the files that were given. */
static Str next_command(const Args *args, const ProfileInputs *in, const Profile *profile,
                        const char *out)
{
    Buffer b = buffer_new(args->arena);
    const struct {
        const char *option;
        ProfileFiles files;
    } parts[] = {{"customers", in->customers},
                 {"transactions", profile_transactions(profile, false)},
                 {"score-customers", in->score_customers},
                 {"score-transactions", profile_transactions(profile, true)}};
    buffer_format(&b,
                  "next:         %s run --schema %s/schema.yaml --features %s/features.yaml "
                  "--policy %s/policy.yaml",
                  args->program, out, out, out);
    for (size_t k = 0; k < COUNT_OF(parts); k++)
        for (size_t i = 0; i < parts[k].files.count; i++)
            buffer_format(&b, " \\\n              --%s %s", parts[k].option,
                          parts[k].files.path[i]);
    if (in->score_customers.count == 0)
        buffer_add(&b, S(" \\\n              --score-customers FILE"));
    if (parts[3].files.count == 0)
        buffer_add(&b, in->score_customers.count == 0
                           ? S(" --score-transactions FILE")
                           : S(" \\\n              --score-transactions FILE"));
    buffer_add(&b, S(" --out results"));
    return buffer_str(&b);
}

static Status run(const Args *args, Error *err)
{
    Profile *profile;
    const char *out = args_value(args, "out", NULL);
    if (args->operands < 2) {
        (void)error_set(err, STATUS_USAGE, "init needs two files: customers and transactions");
        return error_remedy(err, "%s init customers.csv transactions.csv --out books",
                            args->program);
    }
    const ProfileInputs in = {.customers = operands(args, 0, 1),
                              .transactions = operands(args, 1, args->operands),
                              .score_customers = paths(args, "score-customers"),
                              .score_transactions = paths(args, "score-transactions"),
                              .label = args_value(args, "label", NULL)};
    TRY(check_files(in.customers, err));
    TRY(check_files(in.transactions, err));
    TRY(check_files(in.score_customers, err));
    TRY(check_files(in.score_transactions, err));
    Arena scratch = arena_new();
    progress_tell(&args->progress, "looking", 0, 1);
    Status status = profile_read(&profile, args->arena, scratch, &in, err);
    progress_tell(&args->progress, "looking", 1, 1);
    arena_free(&scratch);
    TRY(status);
    Str schema = profile_schema_book(args->arena, profile);
    Str features = profile_features_book(args->arena, profile);
    Str policy = profile_policy_book(args->arena, profile);
    if (out == NULL) {
        answer(str_trim(schema));
    } else {
        TRY(write_books(args, out, schema, features, policy, err));
        answer(str_trim(profile_summary(args->arena, profile)));
        answer(next_command(args, &in, profile, out));
    }
    return read_back(args, schema, features, policy, err);
}

const Command command_init = {
    .name = "init",
    .says = "look at new files and write books for them: schema, features, policy",
    .example = "  assay init labelled_users.csv labelled_transactions.csv \\\n"
               "             --score-customers unlabelled_users.csv \\\n"
               "             --score-transactions unlabelled_transactions.csv --out books",
    .operand = "CUSTOMERS TRANSACTIONS...",
    .options = options,
    .run = run};
