/* varied.c - customers as they might have been: their features, made from quantities that are
 * given.
 */
#include "feature/feature_internal.h"

#include <string.h>

Events *events_take(Arena *keep, const Events *events, const uint32_t *row, size_t count)
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += events->start[row[i] + 1] - events->start[row[i]];
    uint32_t *index = ARENA_ARRAY(keep, uint32_t, rows + 1);
    size_t *start = ARENA_ARRAY(keep, size_t, count + 1);
    int64_t *as_of = ARENA_ARRAY(keep, int64_t, count + 1);
    int64_t *created = ARENA_ARRAY(keep, int64_t, rows + 1);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        as_of[i] = events->as_of_us[row[i]];
        for (size_t k = events->start[row[i]]; k < events->start[row[i] + 1]; k++) {
            created[at] = events->created_us[k];
            index[at++] = (uint32_t)k;
        }
        start[i + 1] = at;
    }
    Events *out = ARENA_NEW(keep, Events);
    *out = (Events){.plan = events->plan,
                    .customers = count,
                    .profile = table_take(keep, events->profile, row, count),
                    .rows = table_take(keep, events->rows, index, rows),
                    .start = start,
                    .as_of_us = as_of,
                    .created_us = created};
    return out;
}

/* Every row has what the one row of `from` has. */
static Column repeated(Arena *keep, const Column *from, size_t row, size_t rows)
{
    Column c;
    size_t width = type_width(from->type);
    column_init(&c, keep, from->name, from->type, from->scale, rows, from->dictionary);
    for (size_t i = 0; i < rows && column_valid(from, row); i++) {
        memcpy((char *)c.data + i * width, (const char *)from->data + row * width, width);
        column_set_valid(&c, i);
    }
    return c;
}

static Status varied_population(Column *out, Arena *keep, Arena scratch, const Plan *plan,
                                size_t index, const Table *known, const Table *made,
                                const Table *features, size_t customer, size_t rows, Error *err)
{
    const Feature *f = &plan->feature[index];
    if (lang_population(f->expr)->kind == POPULATION_PARTNERS) {
        *out = repeated(keep, &features->column[index], customer, rows);
        return STATUS_OK;
    }
    Peers *peers = f->peers;
    const Events as_given = {.plan = plan, .customers = rows, .profile = known};
    return population_column(out, keep, scratch, plan, index, &as_given, made, NULL, &peers, err);
}

/* One of its quantities is not given, for nothing of the feature varies. */
static bool stays(const Quantities *quantities, const Column *value, size_t feature, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (value[quantities->of[feature][k]].data == NULL)
            return true;
    return false;
}

Status feature_table_varied(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                            const Quantities *quantities, const Column *value, size_t rows,
                            const Events *events, const Table *features, size_t customer,
                            Error *err)
{
    Table *t = *out = table_new(keep, S("features"), rows, plan->features);
    const Table *profile = events->profile;
    Table *known = table_new(keep, S("known"), rows, profile->columns + plan->features);
    for (size_t k = 0; k < profile->columns; k++)
        known->column[k] = repeated(keep, &profile->column[k], customer, rows);
    known->columns = profile->columns;
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        size_t count;
        (void)lang_aggregates(f->expr, &count);
        Status status = STATUS_OK;
        if (lang_population(f->expr) == NULL && stays(quantities, value, i, count))
            t->column[i] = repeated(keep, &features->column[i], customer, rows);
        else if (lang_population(f->expr) != NULL)
            status = varied_population(&t->column[i], keep, scratch, plan, i, known, t, features,
                                       customer, rows, err);
        else {
            Column *own = ARENA_ARRAY(keep, Column, count + 1);
            for (size_t k = 0; k < count; k++)
                own[k] = value[quantities->of[i][k]];
            status = lang_evaluate(&t->column[i], keep, scratch, f->expr, known, own, err);
        }
        if (status != STATUS_OK)
            return feature_place(plan, i, err);
        t->column[i].name = f->name.text;
        known->column[known->columns++] = t->column[i];
    }
    return STATUS_OK;
}
