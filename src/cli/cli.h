/* cli.h - commands, their options, and how the program talks.
 *
 * A command is one file: a static option table, one function, one row in the table of its
 * program's main. stdout is data; stderr talks. Exit codes: 0 done, 1 failed, 2 usage,
 * 3 a quality gate said no; 130 and 143 when SIGINT or SIGTERM ended the program.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/base.h"
#include "policy/policy.h"
#include "quality/quality.h"

#include <stdatomic.h>

typedef struct Option {
    const char *name; /* "customers": given as --customers VALUE or --customers=VALUE */
    /* What stands for the value in help: FILE and FOLDER are completed as such, a|b|c are the only
     * ones there are; NULL for a flag. */
    const char *value;
    const char *says;
    bool required;
} Option;

typedef struct Args Args;
typedef struct Watch Watch;

typedef struct Command {
    const char *name;
    const char *says;
    const char *example;   /* one or more lines, shown by --help and run by a test */
    const char *operand;   /* the same for operands; NULL when none are taken */
    const Option *options; /* its own, ended by a NULL name */
    const Option *const
        *shared; /* tables that other commands have too, ended by NULL; may be NULL */
    Status (*run)(const Args *args, Error *err);
} Command;

typedef enum LogForm { LOG_TEXT, LOG_JSON } LogForm;

struct Args {
    const char *program;
    const char *program_says;
    const Command *const *commands; /* of the program, ended by NULL */
    const Command *command;
    Arena *arena;
    Team *team;
    LogForm log;
    bool quiet;
    Progress progress;
    int signal;          /* that ended the command; 0: none did */
    Watch *watch;        /* behind progress; knows of lines on stderr */
    const char **option; /* names given, in order */
    const char **value;  /* NULL for flags */
    size_t given;
    const char **operand;
    size_t operands;
    Str line; /* the command line as typed */
};

/* The next option of a command, in the order of its tables: its own, those it shares, those of
 * every command; NULL after the last. */
enum { OPTION_TABLES_MAX = 12 };
typedef struct OptionWalk {
    const Option *table[OPTION_TABLES_MAX];
    size_t tables, at, next;
} OptionWalk;
OptionWalk option_walk(const Command *c);
const Option *option_next(OptionWalk *w);

/* Run the command that argv names; returns the exit code. */
int cli_main(const char *program, const char *says, const Command *const *commands, int argc,
             char **argv);

/* The last value given for an option, or `otherwise`. */
const char *args_value(const Args *args, const char *name, const char *otherwise);
/* USAGE when the option, which its table does not require, is not given. */
MUST_USE Status args_need(const Args *args, const char *name, Error *err);
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

/* The policy book against this plan. When it is the built-in one and the features book is not, the
 * error names the two and not a file that is nowhere. */
MUST_USE Status args_policy(Policy **out, const Args *args, const Plan *plan, Error *err);

/* The catalogue of messages: --messages FILE, else the built-in one. */
MUST_USE Status args_messages(Messages **out, const Args *args, Error *err);
/* --language en or fr. USAGE for another language than English without a catalogue (NULL). */
MUST_USE Status args_language(Language *out, const Args *args, const Messages *m, Error *err);

/* Say a line on stderr ("note"), unless --quiet. */
void talk(const Args *args, const char *format, ...) PRINTF_LIKE(2, 3);

/* Say that a whole run in the folder is about to go. */
void talk_replacing(const Args *args, const char *folder);

/* Say the findings from number `from` on that are at least so grave. */
void talk_findings(const Args *args, const Findings *findings, size_t from, Severity least);

/* Until stop_at_once, SIGINT and SIGTERM set the flag that is answered (to the signal's number) and
 * the program goes on, so that the work under way can be kept in `file`; a second signal ends it.
 * From then on until stop_forget a signal ends it at once, and says that the file is there. */
const atomic_int *stop_gently(const Args *args, const char *file);
void stop_at_once(const Args *args);
void stop_forget(const Args *args);
/* A command that runs until it is told to stop is no work under way: nothing is said of it. */
void watch_no_work(const Args *args);

/* A line on stdout. */
void answer(Str text);

#endif
