#include "cli/cli_internal.h"

#include "book/book.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Options that every command takes. */
static const Option common[] = {
    {"threads", "N", "threads to use; 0 is one for each processor (default 0)", false},
    {"log", "text|json", "how to talk on stderr; json is one object a line (default text)", false},
    {"quiet", NULL, "say nothing but errors", false},
    {"help", NULL, "show this help", false},
    {0}};

OptionWalk option_walk(const Command *c)
{
    OptionWalk w = {0};
    if (c->options != NULL)
        w.table[w.tables++] = c->options;
    for (const Option *const *t = c->shared; t != NULL && *t != NULL; t++) {
        assert(w.tables + 1 < OPTION_TABLES_MAX);
        w.table[w.tables++] = *t;
    }
    w.table[w.tables++] = common;
    return w;
}

const Option *option_next(OptionWalk *w)
{
    while (w->at < w->tables) {
        const Option *o = &w->table[w->at][w->next++];
        if (o->name != NULL)
            return o;
        w->at++;
        w->next = 0;
    }
    return NULL;
}

static const Option *find_option(const Command *c, const char *name, size_t size)
{
    OptionWalk walk = option_walk(c);
    for (const Option *o; (o = option_next(&walk)) != NULL;)
        if (strlen(o->name) == size && strncmp(o->name, name, size) == 0)
            return o;
    return NULL;
}

static Str nearest_option(const Command *c, Str name)
{
    Str names[64];
    size_t count = 0;
    OptionWalk walk = option_walk(c);
    for (const Option *o; (o = option_next(&walk)) != NULL && count < 64;)
        names[count++] = str_from(o->name);
    return str_nearest(name, names, count);
}

static void print_option(FILE *to, const Option *o)
{
    char left[64];
    (void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->value == NULL ? "" : " ",
                   o->value == NULL ? "" : o->value);
    (void)fprintf(to, "  %-28s %s%s\n", left, o->says, o->required ? " (required)" : "");
}

static void help_command(FILE *to, const char *program, const Command *c)
{
    (void)fprintf(to, "%s %s - %s\n\nUsage: %s %s [options]%s%s\n\nOptions:\n", program, c->name,
                  c->says, program, c->name, c->operand == NULL ? "" : " ",
                  c->operand == NULL ? "" : c->operand);
    for (int required = 1; required >= 0; required--) {
        OptionWalk walk = option_walk(c);
        for (const Option *o; (o = option_next(&walk)) != NULL;)
            if (o->required == (required != 0))
                print_option(to, o);
    }
    (void)fprintf(to, "\nExample:\n%s\n", c->example);
}

static void help_program(FILE *to, const char *program, const char *says,
                         const Command *const *commands)
{
    (void)fprintf(to, "%s %s - %s\n\nUsage: %s COMMAND [options]\n\nCommands:\n", program,
                  ASSAY_VERSION, says, program);
    for (; *commands != NULL; commands++)
        (void)fprintf(to, "  %-11s %s\n", (*commands)->name, (*commands)->says);
    (void)fprintf(
        to,
        "\n`%s COMMAND --help` shows a command's options and an example. Exit codes: 0 done,\n"
        "1 failed, 2 usage, 3 a quality gate said no, 130 and 143 interrupted (SIGINT, SIGTERM).\n",
        program);
}

static Status usage(Error *err, const char *remedy)
{
    return error_remedy(err, "%s", remedy);
}

static Status parse(Args *args, int argc, char **argv, bool *help, Error *err)
{
    const Command *c = args->command;
    args->option = ARENA_ARRAY(args->arena, const char *, argc + 1);
    args->value = ARENA_ARRAY(args->arena, const char *, argc + 1);
    args->operand = ARENA_ARRAY(args->arena, const char *, argc + 1);
    bool ended = false;
    for (int i = 2; i < argc; i++) {
        const char *word = argv[i];
        if (!ended &&
            strcmp(word, "--") == 0) { /* what follows are operands, whatever they begin with */
            ended = true;
            continue;
        }
        if (ended || strncmp(word, "--", 2) != 0) {
            args->operand[args->operands++] = word;
            continue;
        }
        const char *equals = strchr(word, '=');
        size_t size = equals == NULL ? strlen(word) - 2 : (size_t)(equals - word) - 2;
        const Option *o = find_option(c, word + 2, size);
        if (o == NULL) {
            Str near = nearest_option(c, (Str){word + 2, size});
            (void)error_set(err, STATUS_USAGE, "%s has no option --%.*s", c->name, (int)size,
                            word + 2);
            if (near.size > 0)
                return error_remedy(err, "did you mean --%.*s?", STR_ARG(near));
            return error_remedy(err, "`%s %s --help` lists them", args->program, c->name);
        }
        const char *value = equals == NULL ? NULL : equals + 1;
        if (o->value != NULL && value == NULL) {
            if (i + 1 >= argc) {
                (void)error_set(err, STATUS_USAGE, "--%s needs a value: %s", o->name, o->value);
                return usage(err, o->says);
            }
            value = argv[++i];
        }
        if (o->value == NULL && value != NULL) {
            (void)error_set(err, STATUS_USAGE, "--%s takes no value", o->name);
            return usage(err, o->says);
        }
        *help = *help || strcmp(o->name, "help") == 0;
        args->option[args->given] = o->name;
        args->value[args->given++] = value;
    }
    if (*help)
        return STATUS_OK;
    if (args->operands > 0 && c->operand == NULL) {
        (void)error_set(err, STATUS_USAGE, "%s takes no operand, and got `%s`", c->name,
                        args->operand[0]);
        return usage(err, "options begin with --");
    }
    OptionWalk walk = option_walk(c);
    for (const Option *o; (o = option_next(&walk)) != NULL;)
        if (o->required)
            TRY(args_need(args, o->name, err));
    return STATUS_OK;
}

Status args_need(const Args *args, const char *name, Error *err)
{
    if (args_value(args, name, NULL) != NULL)
        return STATUS_OK;
    const Option *o = find_option(args->command, name, strlen(name));
    assert(o != NULL);
    (void)error_set(err, STATUS_USAGE, "%s needs --%s", args->command->name, name);
    return usage(err, o->says);
}

const char *args_value(const Args *args, const char *name, const char *otherwise)
{
    for (size_t i = args->given; i > 0; i--)
        if (strcmp(args->option[i - 1], name) == 0)
            return args->value[i - 1];
    return otherwise;
}

bool args_flag(const Args *args, const char *name)
{
    for (size_t i = 0; i < args->given; i++)
        if (strcmp(args->option[i], name) == 0)
            return true;
    return false;
}

InputFiles args_files(const Args *args, const char *name)
{
    InputFile *file = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < args->given; i++) {
        const char **path;
        size_t paths =
            strcmp(args->option[i], name) == 0 ? file_glob(&path, args->arena, args->value[i]) : 0;
        for (size_t k = 0; k < paths; k++)
            *ARENA_PUSH(args->arena, file, count, capacity) = (InputFile){path[k], NULL};
    }
    return (InputFiles){file, count};
}

Status args_integer(int64_t *out, const Args *args, const char *name, int64_t otherwise,
                    int64_t least, int64_t most, Error *err)
{
    const char *text = args_value(args, name, NULL);
    *out = otherwise;
    if (text == NULL || (parse_int64(str_from(text), out) && *out >= least && *out <= most))
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--%s takes a whole number, and got `%.40s`", name, text);
    return error_remedy(err, "give one from %lld to %lld", (long long)least, (long long)most);
}

Status args_real(double *out, const Args *args, const char *name, double otherwise, double least,
                 double most, Error *err)
{
    const char *text = args_value(args, name, NULL);
    *out = otherwise;
    if (text == NULL || (parse_double(str_from(text), out) && *out >= least && *out <= most))
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--%s takes a number, and got `%.40s`", name, text);
    return error_remedy(err, "give one from %g to %g", least, most);
}

Status args_size(uint64_t *out, const Args *args, const char *name, Error *err)
{
    static const struct {
        char letter;
        int shift;
    } unit[] = {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}};
    const char *text = args_value(args, name, NULL);
    Str number = str_from(text);
    int64_t value = 0;
    int shift = 0;
    *out = 0;
    if (text == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(unit) && number.size > 0; i++)
        if (number.data[number.size - 1] == unit[i].letter)
            shift = unit[i].shift;
    if (shift > 0)
        number.size--;
    if (parse_int64(number, &value) && value > 0 && value <= INT64_MAX >> shift) {
        *out = (uint64_t)value << shift;
        return STATUS_OK;
    }
    (void)error_set(err, STATUS_USAGE, "--%s takes a size, and got `%.40s`", name, text);
    return error_remedy(err, "give bytes, or a whole number with K, M, G or T, such as 8G");
}

Status args_time(int64_t *out, bool *given, const Args *args, const char *name, Error *err)
{
    const char *text = args_value(args, name, NULL);
    *given = text != NULL;
    if (text == NULL || parse_time(str_from(text), out))
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--%s takes a time, and got `%.40s`", name, text);
    return error_remedy(err, "write it as 2024-08-27 or \"2024-08-27 12:00:00 UTC\"");
}

Status args_book(Str *out, const char **file, const Args *args, const char *name, Error *err)
{
    *file = args_value(args, name, NULL);
    if (*file != NULL)
        return file_read(out, args->arena, *file, err);
    *out = book_default_text(name);
    *file = str_format(args->arena, "spec/%s.yaml", name).data;
    return STATUS_OK;
}

Status args_policy(Policy **out, const Args *args, const Plan *plan, Error *err)
{
    Str text;
    const char *file;
    TRY(args_book(&text, &file, args, "policy", err));
    const char *features = args_value(args, "features", NULL);
    if (features == NULL || args_value(args, "policy", NULL) != NULL)
        return policy_read(out, args->arena, text, file, plan, err);
    Error own = {0};
    Status status = policy_read(out, args->arena, text, file, plan, &own);
    if (status == STATUS_OK)
        return STATUS_OK;
    (void)error_set(err, status, "the built-in policy book does not go with %.200s: %s", features,
                    own.message);
    return error_remedy(err, "give a policy book that reads the features there are: --policy FILE");
}

Status args_messages(Messages **out, const Args *args, Error *err)
{
    Str text;
    const char *file;
    TRY(args_book(&text, &file, args, "messages", err));
    return messages_read(out, args->arena, text, file, err);
}

Status args_language(Language *out, const Args *args, const Messages *m, Error *err)
{
    const char *name = args_value(args, "language", "en");
    if (!language_from_name(str_from(name), out)) {
        (void)error_set(err, STATUS_USAGE, "--language takes en or fr, and got `%.40s`", name);
        return error_remedy(err, "write --language fr for French sentences");
    }
    if (m != NULL || *out == LANGUAGE_ENGLISH)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE,
                    "the bundle has no messages in other languages than English");
    return error_remedy(err, "train it again: a bundle that is made now holds messages.yaml");
}

/* The command line for the record, without what cannot change a result: where the program lies,
 * how many threads it uses and how it talks. Two runs with equal records give equal bytes. */
static Str record_line(const Args *args, int argc, char **argv)
{
    Buffer b = buffer_new(args->arena);
    buffer_format(&b, "%s", args->program);
    for (int i = 1; i < argc; i++) {
        const Option *silent = NULL;
        for (const Option *o = common; o->name != NULL && silent == NULL; o++) {
            size_t size = strlen(o->name);
            if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, o->name, size) == 0 &&
                (argv[i][2 + size] == '\0' || argv[i][2 + size] == '='))
                silent = o;
        }
        if (silent != NULL) {
            i += silent->value != NULL && strchr(argv[i], '=') == NULL; /* its value goes too */
            continue;
        }
        bool plain = argv[i][0] != '\0' && strpbrk(argv[i], " \t\n\"'\\$`&|;<>()*?[]{}!#~") == NULL;
        buffer_format(&b, plain ? " %s" : " '%s'", argv[i]);
    }
    return buffer_str(&b);
}

static int exit_code_of(Status status)
{
    return status == STATUS_OK ? 0 : status == STATUS_USAGE ? 2 : status == STATUS_GATE ? 3 : 1;
}

static const Command *find_command(const Command *const *commands, const char *name)
{
    for (; *commands != NULL; commands++)
        if (strcmp((*commands)->name, name) == 0)
            return *commands;
    return NULL;
}

static Status unknown_command(Error *err, const Args *args, const char *name)
{
    Str names[64];
    size_t count = 0;
    for (; count < 64 && args->commands[count] != NULL; count++)
        names[count] = str_from(args->commands[count]->name);
    Str near = str_nearest(str_from(name), names, count);
    (void)error_set(err, STATUS_USAGE, "there is no command `%.40s`", name);
    if (near.size > 0)
        return error_remedy(err, "did you mean `%.*s`?", STR_ARG(near));
    return error_remedy(err, "`%s --help` lists the commands", args->program);
}

/* Looked for before anything else is read, so that whatever goes wrong is said in the form that
 * was asked for. */
static LogForm log_form(int argc, char **argv)
{
    LogForm form = LOG_TEXT;
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        const char *value = strncmp(argv[i], "--log=", 6) == 0              ? argv[i] + 6
                            : strcmp(argv[i], "--log") == 0 && i + 1 < argc ? argv[i + 1]
                                                                            : NULL;
        if (value != NULL)
            form = strcmp(value, "json") == 0 ? LOG_JSON : LOG_TEXT;
    }
    return form;
}

static Status run_command(Args *args, int argc, char **argv, Error *err)
{
    bool help = false;
    int64_t threads;
    TRY(parse(args, argc, argv, &help, err));
    if (help) {
        help_command(stdout, args->program, args->command);
        return STATUS_OK;
    }
    const char *log = args_value(args, "log", "text");
    assert(log != NULL); /* it takes a value */
    args->quiet = args_flag(args, "quiet");
    if (strcmp(log, "json") != 0 && strcmp(log, "text") != 0) {
        (void)error_set(err, STATUS_USAGE, "--log takes text or json, and got `%.40s`", log);
        return error_remedy(err, "write --log json");
    }
    TRY(args_integer(&threads, args, "threads", 0, 0, 256, err));
    args->watch = watch_start(args);
    args->progress = (Progress){watch_stage, args->watch, watch_part, watch_say};
    args->team = team_new((size_t)threads);
    team_watch(args->team, &args->progress);
    Status status = args->command->run(args, err);
    team_free(args->team);
    watch_stop(args->watch);
    args->signal = watch_signal(args->watch);
    return status;
}

int cli_main(const char *program, const char *says, const Command *const *commands, int argc,
             char **argv)
{
    if (argc < 2) {
        help_program(stderr, program, says, commands);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help_program(stdout, program, says, commands);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = "version";
    Arena arena = arena_new();
    Error err = {0};
    int exit_code = 0;
    Args args = {.program = program,
                 .program_says = says,
                 .commands = commands,
                 .command = find_command(commands, argv[1]),
                 .arena = &arena,
                 .log = log_form(argc, argv)};
    args.line = record_line(&args, argc, argv);
    Status status = args.command == NULL ? unknown_command(&err, &args, argv[1])
                                         : run_command(&args, argc, argv, &err);
    if (status != STATUS_OK) {
        report_error(&args, &err);
        exit_code = status == STATUS_STOPPED ? 128 + args.signal : exit_code_of(status);
    }
    arena_free(&arena);
    if (fflush(stdout) != 0 && exit_code == 0)
        exit_code = 1; /* a full disk or a closed pipe: the answer did not arrive */
    return exit_code;
}
