/* assay completion - shell completion, made from the tables of commands and options. */
#include "cli/commands.h"

#include <string.h>

static const char *choices_of(const char *value)
{
    return value != NULL && strchr(value, '|') != NULL ? value : NULL;
}

/* "a|b|c" as "a b c". */
static void add_choices(Buffer *b, const char *choices)
{
    for (; *choices != '\0'; choices++)
        buffer_char(b, *choices == '|' ? ' ' : *choices);
}

/* Within single quotes of any of the three shells, `special` ones behind a backslash. */
static void add_quoted(Buffer *b, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_add(b, S("'\\''"));
        else {
            if (strchr(special, *text) != NULL)
                buffer_char(b, '\\');
            buffer_char(b, *text);
        }
    }
}

/* A name that a shell takes for a function's: assay-serve is assay_serve. */
static Str identifier(Arena *arena, const char *program)
{
    Buffer b = buffer_new(arena);
    for (; *program != '\0'; program++)
        buffer_char(&b, *program == '-' ? '_' : *program);
    buffer_char(&b, '\0');
    b.size--;
    return buffer_str(&b);
}

/* ---- bash ---- */

static void bash_values(Buffer *b, const Command *c)
{
    OptionWalk walk = option_walk(c);
    for (const Option *o; (o = option_next(&walk)) != NULL;) {
        if (o->value == NULL)
            continue;
        buffer_format(b, "        %s:--%s) ", c->name, o->name);
        if (choices_of(o->value) != NULL) {
            buffer_add(b, S("words='"));
            add_choices(b, o->value);
            buffer_add(b, S("'"));
        } else if (strcmp(o->value, "FILE") == 0)
            buffer_add(b, S("kind=-f"));
        else if (strcmp(o->value, "FOLDER") == 0)
            buffer_add(b, S("kind=-d"));
        else
            buffer_add(b, S("return"));
        buffer_add(b, S(" ;;\n"));
    }
}

static void bash_words(Buffer *b, const Command *c)
{
    buffer_format(b, "            %s) words='", c->name);
    OptionWalk walk = option_walk(c);
    size_t count = 0;
    for (const Option *o; (o = option_next(&walk)) != NULL;)
        buffer_format(b, "%s--%s", count++ > 0 ? " " : "", o->name);
    if (choices_of(c->operand) != NULL) {
        buffer_char(b, ' ');
        add_choices(b, c->operand);
    }
    buffer_format(b, "'%s ;;\n",
                  c->operand != NULL && choices_of(c->operand) == NULL ? " kind=-f" : "");
}

static void bash(Buffer *b, const Args *args)
{
    Str name = identifier(args->arena, args->program);
    buffer_format(b,
                  "# bash completion for %s; made by `%s completion bash`\n"
                  "_%.*s() {\n"
                  "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                  "    local command=${COMP_WORDS[1]} words= kind=\n"
                  "    COMPREPLY=()\n"
                  "    # --name=value comes as three words\n"
                  "    [ \"$current\" = = ] && current=\n"
                  "    [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
                  "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                  "        words='--help --version",
                  args->program, args->program, STR_ARG(name));
    for (const Command *const *c = args->commands; *c != NULL; c++)
        buffer_format(b, " %s", (*c)->name);
    buffer_add(b, S("'\n    else\n        case $command:$before in\n"));
    for (const Command *const *c = args->commands; *c != NULL; c++)
        bash_values(b, *c);
    buffer_add(b, S("        *) case $command in\n"));
    for (const Command *const *c = args->commands; *c != NULL; c++)
        bash_words(b, *c);
    buffer_format(b,
                  "            esac ;;\n"
                  "        esac\n"
                  "    fi\n"
                  "    mapfile -t COMPREPLY < <(compgen ${kind:+\"$kind\"} -W \"$words\" -- "
                  "\"$current\")\n"
                  "}\n"
                  "complete -o filenames -F _%.*s %s\n",
                  STR_ARG(name), args->program);
}

/* ---- zsh ---- */

static void zsh_action(Buffer *b, const char *value)
{
    if (choices_of(value) != NULL) {
        buffer_add(b, S(":value:("));
        add_choices(b, value);
        buffer_add(b, S(")"));
    } else if (strcmp(value, "FILE") == 0)
        buffer_add(b, S(":file:_files"));
    else if (strcmp(value, "FOLDER") == 0)
        buffer_add(b, S(":folder:_files -/"));
    else
        buffer_format(b, ":%s: ", value);
}

static void zsh_command(Buffer *b, const Command *c)
{
    buffer_format(b, "    %s)\n        _arguments", c->name);
    OptionWalk walk = option_walk(c);
    for (const Option *o; (o = option_next(&walk)) != NULL;) {
        /* An option may be given again, hence the star. */
        buffer_format(b, " \\\n            '*--%s%s[", o->name, o->value == NULL ? "" : "=");
        add_quoted(b, o->says, "[]:\\");
        buffer_char(b, ']');
        if (o->value != NULL)
            zsh_action(b, o->value);
        buffer_char(b, '\'');
    }
    if (c->operand != NULL) {
        buffer_add(b, S(" \\\n            '*"));
        zsh_action(b, choices_of(c->operand) != NULL ? c->operand : "FILE");
        buffer_char(b, '\'');
    }
    buffer_add(b, S("\n        ;;\n"));
}

static void zsh(Buffer *b, const Args *args)
{
    Str name = identifier(args->arena, args->program);
    buffer_format(b,
                  "#compdef %s\n"
                  "# zsh completion for %s; made by `%s completion zsh`\n"
                  "_%.*s() {\n"
                  "    local -a commands\n"
                  "    if (( CURRENT == 2 )); then\n"
                  "        commands=(\n",
                  args->program, args->program, args->program, STR_ARG(name));
    for (const Command *const *c = args->commands; *c != NULL; c++) {
        buffer_format(b, "            '%s:", (*c)->name);
        add_quoted(b, (*c)->says, ":\\");
        buffer_add(b, S("'\n"));
    }
    buffer_add(b, S("        )\n"
                    "        _describe command commands\n"
                    "        return\n"
                    "    fi\n"
                    "    local command=$words[2]\n"
                    "    shift words\n"
                    "    (( CURRENT-- ))\n"
                    "    case $command in\n"));
    for (const Command *const *c = args->commands; *c != NULL; c++)
        zsh_command(b, *c);
    buffer_format(
        b,
        "    esac\n}\nif [ \"$funcstack[1]\" = \"_%.*s\" ]; then\n    _%.*s \"$@\"\nelse\n"
        "    compdef _%.*s %s\nfi\n",
        STR_ARG(name), STR_ARG(name), STR_ARG(name), args->program);
}

/* ---- fish ---- */

static void fish(Buffer *b, const Args *args)
{
    buffer_format(b,
                  "# fish completion for %s; made by `%s completion fish`\n"
                  "complete -c %s -f\n",
                  args->program, args->program, args->program);
    for (const Command *const *c = args->commands; *c != NULL; c++) {
        buffer_format(b, "complete -c %s -n __fish_use_subcommand -a %s -d '", args->program,
                      (*c)->name);
        add_quoted(b, (*c)->says, "\\");
        buffer_add(b, S("'\n"));
        OptionWalk walk = option_walk(*c);
        for (const Option *o; (o = option_next(&walk)) != NULL;) {
            buffer_format(b, "complete -c %s -n '__fish_seen_subcommand_from %s' -l %s -d '",
                          args->program, (*c)->name, o->name);
            add_quoted(b, o->says, "\\");
            buffer_char(b, '\'');
            if (choices_of(o->value) != NULL) {
                buffer_add(b, S(" -x -a '"));
                add_choices(b, o->value);
                buffer_char(b, '\'');
            } else if (o->value != NULL && strcmp(o->value, "FILE") == 0)
                buffer_add(b, S(" -r -F"));
            else if (o->value != NULL && strcmp(o->value, "FOLDER") == 0)
                buffer_add(b, S(" -x -a '(__fish_complete_directories)'"));
            else if (o->value != NULL)
                buffer_add(b, S(" -x"));
            buffer_char(b, '\n');
        }
        if (choices_of((*c)->operand) != NULL) {
            buffer_format(b, "complete -c %s -n '__fish_seen_subcommand_from %s' -a '",
                          args->program, (*c)->name);
            add_choices(b, (*c)->operand);
            buffer_add(b, S("'\n"));
        } else if ((*c)->operand != NULL)
            buffer_format(b, "complete -c %s -n '__fish_seen_subcommand_from %s' -F\n",
                          args->program, (*c)->name);
    }
}

typedef struct Shell {
    const char *name;
    void (*write)(Buffer *b, const Args *args);
} Shell;

static Status run(const Args *args, Error *err)
{
    static const Shell shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    Buffer b = buffer_new(args->arena);
    for (size_t i = 0; i < COUNT_OF(shells) && args->operands == 1; i++)
        if (strcmp(shells[i].name, args->operand[0]) == 0) {
            /* The names of functions and the rest of the arena's texts are made first. */
            Arena own = arena_new();
            b.arena = &own;
            shells[i].write(&b, args);
            answer(str_trim(buffer_str(&b)));
            arena_free(&own);
            return STATUS_OK;
        }
    if (args->operands == 1)
        (void)error_set(err, STATUS_USAGE, "there is no completion for `%.40s`", args->operand[0]);
    else
        (void)error_set(err, STATUS_USAGE, "completion is for one shell");
    return error_remedy(err, "say bash, zsh or fish");
}

const Command command_completion = {
    .name = "completion",
    .says = "print what a shell needs to complete commands and options",
    .example = "  assay completion bash > assay.bash && . ./assay.bash",
    .operand = "bash|zsh|fish",
    .run = run};
