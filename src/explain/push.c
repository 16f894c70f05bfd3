/* push.c - what the score is made of, feature by feature. */
#include "explain/case_internal.h"

#include <math.h>
#include <stdlib.h>

static int stronger(const void *left, const void *right)
{
    const CasePush *a = left, *b = right;
    double x = fabs(a->value), y = fabs(b->value);
    if (x != y)
        return x > y ? -1 : 1;
    return str_compare(a->feature, b->feature);
}

void case_read_pushes(Case *c, const Gathering *g, Arena *keep)
{
    const Decision *d = c->decision;
    const MatrixPlan *columns = g->bundle->columns;
    const Plan *plan = g->bundle->plan;
    if (d->contributions == 0 || columns == NULL)
        return;
    CasePush *push = ARENA_ARRAY(keep, CasePush, plan->features + 1);
    for (size_t k = 0; k < columns->columns; k++)
        push[columns->feature[k]].value += d->contribution[k];
    c->push_start = d->contribution[columns->columns];
    for (size_t k = 0; k < d->contributions; k++)
        c->push_sum += d->contribution[k];
    for (size_t f = 0; f < plan->features; f++) {
        if (push[f].value == 0)
            continue;
        const Feature *feature = &plan->feature[f];
        push[c->pushes++] =
            (CasePush){feature->name.text, case_text(c, feature->says.text), push[f].value};
    }
    qsort(push, c->pushes, sizeof *push, stronger);
    c->push = push;
}
