/* cli.h - commands, their options, and how the program talks.
 *
 * A command is one file: a static option table, one function, one row in the table of its
 * program's main. stdout is data; stderr talks. Exit codes: 0 done, 1 failed, 2 usage,
 * 3 a quality gate said no.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/base.h"
#include "quality/quality.h"

typedef struct Option {
    const char *name;  /* "customers": given as --customers VALUE or --customers=VALUE */
    const char *value; /* what stands for the value in help; NULL for a flag */
    const char *says;
    bool required;
} Option;

typedef struct Args Args;

typedef struct Command {
    const char *name;
    const char *says;
    const char *example;   /* one or more lines, shown by --help and run by a test */
    const char *operand;   /* what stands for operands in help; NULL when none are taken */
    const Option *options; /* ended by a NULL name */
    Status (*run)(const Args *args, Error *err);
} Command;

typedef enum LogForm { LOG_TEXT, LOG_JSON } LogForm;

struct Args {
    const char *program;
    const Command *command;
    Arena *arena;
    Team *team;
    LogForm log;
    bool quiet;
    Progress progress;
    const char **option; /* names given, in order */
    const char **value;  /* NULL for flags */
    size_t given;
    const char **operand;
    size_t operands;
    Str line; /* the command line as typed */
};

/* Run the command that argv names; returns the exit code. */
int cli_main(const char *program, const char *says, const Command *const *commands, int argc,
             char **argv);

/* The last value given for an option, or `otherwise`. */
const char *args_value(const Args *args, const char *name, const char *otherwise);
bool args_flag(const Args *args, const char *name);
/* Every value given for an option, as input files; patterns stand for the files they match. */
InputFiles args_files(const Args *args, const char *name);
/* Numbers and times, checked: USAGE names the option and what it takes. */
MUST_USE Status args_integer(int64_t *out, const Args *args, const char *name, int64_t otherwise,
                             int64_t least, int64_t most, Error *err);
MUST_USE Status args_real(double *out, const Args *args, const char *name, double otherwise,
                          double least, double most, Error *err);
/* Bytes, such as 8G; 0 when not given. */
MUST_USE Status args_size(uint64_t *out, const Args *args, const char *name, Error *err);
MUST_USE Status args_time(int64_t *out, bool *given, const Args *args, const char *name,
                          Error *err);

/* The text of a book: a file when the option is given, else the built-in one. */
MUST_USE Status args_book(Str *out, const char **file, const Args *args, const char *name,
                          Error *err);

/* Say a line on stderr ("note"), unless --quiet. */
void talk(const Args *args, const char *format, ...) PRINTF_LIKE(2, 3);

/* A line on stdout. */
void answer(Str text);

#endif
