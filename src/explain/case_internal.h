/* case_internal.h - what case.c and record.c share while a case is gathered. */
#ifndef EXPLAIN_CASE_INTERNAL_H
#define EXPLAIN_CASE_INTERNAL_H

#include "explain/explain.h"

typedef struct Gathering {
    const Bundle *bundle;
    const Dataset *data;
    const Scored *scored;
    const Events *events;
    size_t customer;
    size_t from;    /* first row of the customer's events */
    FlowView whole; /* what counts as money in and out */
    FlowView flow;  /* the matching that is shown */
} Gathering;

/* The text of a category or text cell; empty when missing or of another type. */
Str case_cell(const Column *c, size_t row);

/* What the customer said beside what the features compare with it. */
void case_read_record(Case *c, const Gathering *g, Arena *keep);
/* What the score is made of. */
void case_read_pushes(Case *c, const Gathering *g, Arena *keep);
/* What is doubtful about the customer's rows. */
void case_read_warnings(Case *c, const Gathering *g, Arena *keep, Arena scratch);

#endif
