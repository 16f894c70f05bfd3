/* assay key - a key for those who ask the service, where no identity provider signs tokens. */
#include "cli/commands.h"

#include "auth/auth.h"

#include <string.h>

static const Option options[] = {
    {"name", "NAME", "who will use it: letters, digits, dots, dashes, underscores", true},
    {"scopes", "LIST",
     "what it opens: score, model, feedback, data, jobs, erase, metrics, pubsub, with commas "
     "between them (default score,model)",
     false},
    {0}};

static Status run(const Args *args, Error *err)
{
    Str key, line;
    uint32_t scopes;
    if (args->operands != 1 || strcmp(args->operand[0], "new") != 0) {
        (void)error_set(err, STATUS_USAGE, "key needs one word: new");
        return error_remedy(err, "`%s key --help` has an example", args->program);
    }
    if (scopes_read(&scopes, str_from(args_value(args, "scopes", "score,model")), err) != STATUS_OK)
        return STATUS_USAGE;
    TRY(auth_make_key(&key, &line, args->arena, str_from(args_value(args, "name", "")), scopes,
                      err));
    /* Apart, so that `>> keys` puts the one into the file and leaves the other on the screen. */
    talk(args, "the key, shown this once: %.*s", STR_ARG(key));
    answer(line);
    return STATUS_OK;
}

const Command command_key = {
    .name = "key",
    .says = "make an API key for callers of the service, and its line for the file of keys",
    .example = "  assay key new --name back-office --scopes score,model >> keys",
    .operand = "new",
    .options = options,
    .run = run};
