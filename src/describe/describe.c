/* describe.c - who is of which group, and each column described by a task of its own. */
#include "describe/describe_internal.h"

static GroupBits *groups_of(Arena *scratch, const Dataset *d, size_t *customers)
{
    GroupBits *bits = ARENA_ARRAY(scratch, GroupBits, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++) {
        const bool is[DESCRIBE_GROUPS] = {[DESCRIBE_POSITIVE] = d->label[i] == LABEL_POSITIVE,
                                          [DESCRIBE_NEGATIVE] = d->label[i] == LABEL_NEGATIVE,
                                          [DESCRIBE_LABELLED] =
                                              (d->cohort[i] & COHORT_LABELLED) != 0,
                                          [DESCRIBE_SCORED] = (d->cohort[i] & COHORT_SCORED) != 0};
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
            if (is[g]) {
                bits[i] = (GroupBits)(bits[i] | 1u << g);
                customers[g]++;
            }
    }
    return bits;
}

typedef struct Work {
    DescribedColumn *column;
    const Column **from;
    const GroupBits *bits;
    size_t rows;
} Work;

static void describe_task(void *context, size_t task, Arena scratch)
{
    const Work *w = context;
    column_describe(&w->column[task], w->from[task], w->bits, w->rows, scratch);
}

/* `records` is ours: how many rows were merged into one. */
static bool is_of_files(const Column *c)
{
    return !str_equal(c->name, S("records"));
}

Description *describe_dataset(Arena *keep, Arena scratch, const Dataset *d, const Plan *plan,
                              const Events *events, const Table *features, Team *team)
{
    Description *out = ARENA_NEW(keep, Description);
    const GroupBits *bits = groups_of(&scratch, d, out->customers);
    size_t most = d->profile->columns + features->columns;
    out->column = ARENA_ARRAY(keep, DescribedColumn, most + 1);
    Work w = {out->column, ARENA_ARRAY(&scratch, const Column *, most + 1), bits, d->customers};
    for (size_t k = 0; k < d->profile->columns; k++) {
        const Column *c = &d->profile->column[k];
        if (!is_of_files(c))
            continue;
        const SchemaColumn *s = schema_customer_column(d->schema, c->name);
        out->column[out->columns] = (DescribedColumn){
            .name = c->name,
            .ground = s == NULL ? S("") : s->protected.text,
            .kind = s != NULL && s->protected.text.size > 0 ? DESCRIBE_PROTECTED : DESCRIBE_NUMBER};
        w.from[out->columns++] = c;
    }
    for (size_t k = 0; k < features->columns; k++) {
        out->column[out->columns] = (DescribedColumn){
            .name = plan->feature[k].name.text, .feature = true, .index = (uint32_t)k};
        w.from[out->columns++] = &features->column[k];
    }
    team_run(team, out->columns, describe_task, &w);
    missing_describe(out, keep, d, events, features, plan, bits);
    correlations_describe(&out->correlations, keep, scratch, out->column, out->columns, features,
                          team);
    coverage_describe(&out->coverage, keep, scratch, events, bits, d->schema->timeless);
    return out;
}
