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
    {"add-to", "FILE", "add the line to this file of keys, and print the key alone", false},
    {0}};

/* The file with a line more, whole or not at all: the service reads it while it is written. */
static Status add_line(const char *file, Str line, Arena *keep, Error *err)
{
    Str before = {0};
    if (file_exists(file))
        TRY(file_read(&before, keep, file, err));
    Buffer all = buffer_new(keep);
    buffer_add(&all, before);
    if (before.size > 0 && before.data[before.size - 1] != '\n')
        buffer_char(&all, '\n');
    buffer_add(&all, line);
    buffer_char(&all, '\n');
    return file_write(file, buffer_str(&all), err);
}

static Status run(const Args *args, Error *err)
{
    Str key, line;
    uint32_t scopes;
    const char *file = args_value(args, "add-to", NULL);
    if (args->operands != 1 || strcmp(args->operand[0], "new") != 0) {
        (void)error_set(err, STATUS_USAGE, "key needs one word: new");
        return error_remedy(err, "`%s key --help` has an example", args->program);
    }
    if (scopes_read(&scopes, str_from(args_value(args, "scopes", "score,model")), err) != STATUS_OK)
        return err->status = STATUS_USAGE;
    TRY(auth_make_key(&key, &line, args->arena, str_from(args_value(args, "name", "")), scopes,
                      err));
    if (file != NULL)
        TRY(add_line(file, line, args->arena, err));
    answer(key);
    if (file == NULL)
        answer(line);
    return STATUS_OK;
}

const Command command_key = {
    .name = "key",
    .says = "make an API key for callers of the service, and its line for the file of keys",
    .example = "  assay key new --name back-office --scopes score,model\n"
               "  assay key new --name nightly --scopes jobs --add-to keys",
    .operand = "new",
    .options = options,
    .run = run};
