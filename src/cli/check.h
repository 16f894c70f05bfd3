/* check.h - what `assay check` looks at beside the books' own readers. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/cli.h"

/* Do the books' sentences have their translations? One line on stdout; with --messages each
 * sentence that has none and each entry that nobody uses is a note. */
MUST_USE Status check_messages(const Args *args, const Plan *plan, Policy *policy, Error *err);

#endif
