/* inspect_internal.h - what the files of inspect/ share. */
#ifndef INSPECT_INTERNAL_H
#define INSPECT_INTERNAL_H

#include "inspect/inspect.h"

/* Streams of random numbers that never meet: seed_derive(seed, one of these). learn and audit have
 * those below 16. */
enum { STREAM_STRATA = 32, STREAM_FAIRNESS, STREAM_PROXY };

#endif
