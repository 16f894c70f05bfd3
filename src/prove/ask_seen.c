/* ask_seen.c - comparisons held against customers that a run has seen. */
#include "prove/prove_internal.h"

void ask_seen(Proving *p)
{
    (void)p;
}
