/* beside.h - what decides beside the files and the bundle: case facts, and an earlier run. */
#ifndef CLI_BESIDE_H
#define CLI_BESIDE_H

#include "cli/cli.h"

#include "score/score.h"

extern const Option beside_options[]; /* --case-facts, --previous */

/* USAGE when the earlier run would be replaced by this one before it is read. */
MUST_USE Status beside_check(const Args *args, const char *out, Error *err);

/* Read what the options name; what is not given is NULL.  Memory: the command's arena. */
MUST_USE Status beside_read(ScoreOptions *out, const Args *args, const Policy *policy,
                            Dataset *data, Arena scratch, Error *err);

#endif
