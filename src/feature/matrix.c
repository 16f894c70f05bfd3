#include "feature/feature_internal.h"

#include <stdlib.h>
#include <string.h>

static bool used(const Plan *p, size_t i, const uint8_t *skip)
{
    return p->feature[i].use == USE_MODEL && (skip == NULL || !skip[i]);
}

static bool is_category(const Feature *f)
{
    return lang_type(f->expr) == TYPE_CATEGORY;
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

void plan_freeze_levels(Plan *p, Arena *keep, const Table *features, const uint32_t *row,
                        size_t count, size_t customers_min)
{
    for (size_t i = 0; i < p->features; i++) {
        Feature *f = &p->feature[i];
        const Column *c = &features->column[i];
        if (f->use != USE_MODEL || !is_category(f))
            continue;
        size_t *seen = ARENA_ARRAY(keep, size_t, c->dictionary->count + 1);
        for (size_t k = 0; k < count; k++)
            if (column_valid(c, row[k]))
                seen[c->code[row[k]]]++;
        f->level = ARENA_ARRAY(keep, Str, c->dictionary->count + 1);
        f->levels = 0;
        for (size_t code = 0; code < c->dictionary->count; code++)
            if (seen[code] >= customers_min)
                f->level[f->levels++] = c->dictionary->text[code];
        qsort(f->level, f->levels, sizeof *f->level, by_bytes);
    }
}

static Str level_name(Arena *keep, Str feature, Str level)
{
    Str part[] = {feature, S("="), level};
    char *text = arena_raw(keep, feature.size + level.size + 2, 1), *at = text;
    for (size_t i = 0; i < COUNT_OF(part); i++) {
        if (part[i].size > 0)
            memcpy(at, part[i].data, part[i].size);
        at += part[i].size;
    }
    *at = '\0';
    return (Str){text, (size_t)(at - text)};
}

MatrixPlan *matrix_plan(Arena *keep, const Plan *plan, const uint8_t *skip)
{
    static const int8_t direction[] = {0, 1, -1};
    MatrixPlan *m = ARENA_NEW(keep, MatrixPlan);
    for (size_t i = 0; i < plan->features; i++)
        if (used(plan, i, skip))
            m->columns += is_category(&plan->feature[i]) ? plan->feature[i].levels : 1;
    m->feature = ARENA_ARRAY(keep, uint32_t, m->columns + 1);
    m->monotone = ARENA_ARRAY(keep, int8_t, m->columns + 1);
    m->level = ARENA_ARRAY(keep, const Str *, m->columns + 1);
    m->name = ARENA_ARRAY(keep, Str, m->columns + 1);
    size_t at = 0;
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        const bool category = is_category(f);
        size_t width = !used(plan, i, skip) ? 0 : category ? f->levels : 1;
        for (size_t k = 0; k < width; k++, at++) {
            m->feature[at] = (uint32_t)i;
            m->monotone[at] = category ? 0 : direction[f->risk];
            m->level[at] = category ? &f->level[k] : NULL;
            m->name[at] = category ? level_name(keep, f->name.text, f->level[k]) : f->name.text;
        }
    }
    return m;
}

/* Durations are given to the model in hours: microseconds would waste float32's digits. */
static float cell_float(const Column *c, size_t row)
{
    double value = cell_double(c, row);
    return (float)(c->type == TYPE_DURATION ? value / (double)HOUR_US : value);
}

Status feature_matrix_planned(Matrix **out, Arena *keep, const MatrixPlan *m, const Table *features,
                              const Str *id, const uint32_t *row, size_t count, Error *err)
{
    Matrix *x = *out = matrix_new(keep, count, m->columns);
    if (m->columns == 0) {
        (void)error_set(err, STATUS_DATA, "no feature is left for the model");
        return error_remedy(err, "give at least one feature `use: model` in the features book");
    }
    x->name = m->name;
    for (size_t k = 0; k < m->columns; k++) {
        const Column *c = &features->column[m->feature[k]];
        const bool category = m->level[k] != NULL;
        const uint32_t code = category ? dictionary_find(c->dictionary, *m->level[k]) : 0;
        for (size_t i = 0; i < count; i++)
            x->value[i * x->columns + k] =
                category ? (float)(column_valid(c, row[i]) && c->code[row[i]] == code)
                         : cell_float(c, row[i]);
    }
    for (size_t i = 0; i < count; i++)
        x->id[i] = id[row[i]];
    return STATUS_OK;
}

Status feature_matrix(Matrix **out, Arena *keep, const Plan *plan, const Table *features,
                      const uint8_t *skip, const Str *id, const uint32_t *row, size_t count,
                      Error *err)
{
    return feature_matrix_planned(out, keep, matrix_plan(keep, plan, skip), features, id, row,
                                  count, err);
}
