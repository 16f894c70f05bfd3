/* cli_internal.h - how errors and progress reach the person; for args.c, talk.c and watch.c. */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/cli.h"

/* ---- talk.c ---- */

void report_error(const Args *args, const Error *err);
/* Seconds so far, the share that is done (0: unknown) and the seconds left (negative: unknown). */
void progress_json(const char *stage, double seconds, double share, double left);
void stopped_line(const Args *args, const char *kept); /* kept: a file to go on from, or NULL */
void stopping_line(const Args *args);                  /* the program is told to stop */

/* ---- watch.c ---- */

/* Begin to watch over the work of args->command; before any other thread is started. */
Watch *watch_start(const Args *args);
void watch_stop(Watch *w);
int watch_signal(Watch *w); /* that work was told to stop by; 0: none */
/* Around every other line on stderr: the moving line makes room. NULL is fine. */
void watch_hush(Watch *w);
void watch_resume(Watch *w);
/* A Progress whose context is a Watch. */
void watch_stage(void *context, const char *stage, size_t done, size_t total);
void watch_say(void *context, const char *sentence);
void watch_part(void *context, size_t done, size_t total);

const char *duration_words(char out[32], double seconds); /* "12 s", "3 min 05 s", "1 h 20 min" */

#endif
