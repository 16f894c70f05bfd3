/* cli_internal.h - how errors and progress reach the person; for args.c and talk.c. */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/cli.h"

void report_error(const Args *args, const Error *err);
void progress_line(void *context, const char *stage, size_t done, size_t total);

#endif
