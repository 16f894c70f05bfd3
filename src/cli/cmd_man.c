/* assay man - the manual page, made from the same tables as the help. */
#include "cli/commands.h"

#include <ctype.h>
#include <string.h>

/* Text as roff reads it: no escape, no request at the start of a line, hyphens that copy as such.
 */
static void add_text(Buffer *b, const char *text)
{
    bool start = true;
    for (; *text != '\0'; text++) {
        if (start && (*text == '.' || *text == '\''))
            buffer_add(b, S("\\&"));
        if (*text == '\\')
            buffer_add(b, S("\\e"));
        else if (*text == '-')
            buffer_add(b, S("\\-"));
        else
            buffer_char(b, *text);
        start = *text == '\n';
    }
}

static void add_upper(Buffer *b, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '-')
            buffer_add(b, S("\\-"));
        else
            buffer_char(b, (char)toupper((unsigned char)*text));
}

static void add_option(Buffer *b, const Option *o)
{
    buffer_add(b, S(".TP\n.B \\-\\-"));
    add_text(b, o->name);
    if (o->value != NULL) {
        buffer_add(b, S("\\fR \\fI"));
        add_text(b, o->value);
        buffer_add(b, S("\\fR"));
    }
    buffer_char(b, '\n');
    add_text(b, o->says);
    buffer_add(b, o->required ? S(" (required)\n") : S("\n"));
}

/* The options that every command takes are told once, under their own heading. */
static bool of_every_command(const Args *args, const Option *o)
{
    for (const Command *const *c = args->commands; *c != NULL; c++) {
        OptionWalk walk = option_walk(*c);
        const Option *other;
        while ((other = option_next(&walk)) != NULL && other != o)
            ;
        if (other == NULL)
            return false;
    }
    return true;
}

static void add_options(Buffer *b, const Args *args, const Command *c, bool common)
{
    for (int required = 1; required >= 0; required--) {
        OptionWalk walk = option_walk(c);
        for (const Option *o; (o = option_next(&walk)) != NULL;)
            if (o->required == (required != 0) && of_every_command(args, o) == common)
                add_option(b, o);
    }
}

static void add_command(Buffer *b, const Args *args, const Command *c)
{
    buffer_format(b, ".SS %s\n", c->name);
    buffer_format(b, ".B %s ", args->program);
    add_text(b, c->name);
    buffer_add(b, S("\n.RI [ options ]"));
    if (c->operand != NULL) {
        buffer_add(b, S("\n.I "));
        add_text(b, c->operand);
    }
    buffer_add(b, S("\n.PP\n"));
    buffer_char(b, (char)toupper((unsigned char)c->says[0]));
    add_text(b, c->says + 1);
    buffer_add(b, S(".\n"));
    add_options(b, args, c, false);
    buffer_add(b, S(".PP\nExample:\n.PP\n.nf\n"));
    add_text(b, c->example);
    buffer_add(b, S("\n.fi\n"));
}

static Status run(const Args *args, Error *err)
{
    (void)err;
    Buffer b = buffer_new(args->arena);
    buffer_add(&b, S(".TH "));
    add_upper(&b, args->program);
    buffer_format(&b, " 1 %s \"assay %s\" \"User Commands\"\n.SH NAME\n", ASSAY_DATE,
                  ASSAY_VERSION);
    add_text(&b, args->program);
    buffer_add(&b, S(" \\- "));
    add_text(&b, args->program_says);
    buffer_format(&b, "\n.SH SYNOPSIS\n.B %s\n.I command\n.RI [ options ]\n", args->program);
    buffer_add(&b,
               S(".SH DESCRIPTION\n"
                 "Reads a bank's customers and their transactions, learns from past suspensions "
                 "who is risky, says why and how sure it is, and proposes what to do.\n"
                 "People decide.\n.PP\n"
                 "Standard output is data; standard error talks.\n.SH COMMANDS\n"));
    for (const Command *const *c = args->commands; *c != NULL; c++)
        add_command(&b, args, *c);
    buffer_add(&b, S(".SH OPTIONS\nEvery command takes these, too.\n"));
    add_options(&b, args, args->commands[0], true);
    buffer_add(&b, S(".SH EXIT STATUS\n"
                     ".TP\n0\nDone.\n.TP\n1\nFailed: standard error says what, where, and what to "
                     "do about it.\n.TP\n2\nThe command line is wrong.\n.TP\n3\n"
                     "A quality gate said no: the results are not to be used; or there were too "
                     "few labels to\n"
                     "learn from, and what was decided rests on rules alone.\n"
                     ".TP\n130, 143\nInterrupted by SIGINT or SIGTERM; the same command again goes "
                     "on where its\nsearch was.\n"
                     ".SH SEE ALSO\nThe documentation that is installed with the program: "
                     "language, policy, learning, csv, run\\-folder, months.\n"));
    answer(str_trim(buffer_str(&b)));
    return STATUS_OK;
}

const Command command_man = {
    .name = "man", .says = "print the manual page", .example = "  assay man > assay.1", .run = run};
