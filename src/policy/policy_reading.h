/* policy_reading.h - what the parts of the policy book's reader share. */
#ifndef POLICY_POLICY_READING_H
#define POLICY_POLICY_READING_H

#include "policy/policy_internal.h"
#include "policy/policy_shape.h"

typedef struct Reading {
    Policy *p;
    Arena *keep;
    const char *file;
    Scope features; /* of rules: the features alone */
    Scope all;      /* of the rest: also the engine's own names and the facts */
    Error *err;
} Reading;

Status reading_refuse(const Reading *r, Mark mark, const char *format, ...) PRINTF_LIKE(3, 4);
/* What is only monitored may not count against a customer. */
MUST_USE Status reading_refuse_monitored(const Reading *r, const Str *names, size_t count,
                                         Mark mark, const char *where);
/* Nor what may only protect: a fact of kind safeguard. */
MUST_USE Status reading_refuse_protective(const Reading *r, const Expr *e, Mark mark,
                                          const char *where);
MUST_USE Status reading_check_id(const Reading *r, BookText id, const Str *before, size_t count,
                                 const char *list);
MUST_USE Status reading_check_count(const Reading *r, size_t count, const char *list);
MUST_USE Status reading_clauses(Clause **out, size_t *count, const Reading *r,
                                const BookRecords *list, const char *name, bool has_ids);

/* Facts first: the scopes of all else hold their names. */
MUST_USE Status reading_facts(const Reading *r, const BookRecords *list);
MUST_USE Status reading_scopes(Reading *r, const BookRecords *facts);
const FactView *policy_fact(const Policy *p, Str name); /* NULL when absent */

MUST_USE Status reading_actions(const Reading *r, const BookRecords *list);
MUST_USE Status reading_segments(const Reading *r, const SegmentsText *text);
MUST_USE Status reading_measures(const Reading *r, const BookRecords *list);
/* The parts of the conditions that propose an exit, for near misses. */
void reading_parts(const Reading *r);

#endif
