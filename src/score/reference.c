/* reference.c - what the customers that a model learnt from looked like, counted in bins. */
#include "score/score_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DECILES = 10, CUSTOMERS_LEAST = 5 };

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

static bool by_value(const Feature *f)
{
    Type type = lang_type(f->expr);
    return type == TYPE_CATEGORY || type == TYPE_TEXT;
}

/* ---- the values of one item ---- */

static void sample_feature(Sample *out, Arena *keep, const Column *c, const uint32_t *row,
                           size_t count)
{
    if (c->type == TYPE_CATEGORY || c->type == TYPE_TEXT) {
        Str *text = ARENA_ARRAY(keep, Str, count + 1);
        for (size_t i = 0; i < count; i++)
            text[i] = column_valid(c, row[i]) ? c->dictionary->text[c->code[row[i]]] : S("");
        out->text = text;
        return;
    }
    double *number = ARENA_ARRAY(keep, double, count + 1);
    for (size_t i = 0; i < count; i++)
        number[i] = cell_double(c, row[i]);
    out->number = number;
}

static Status sample_stratum(Sample *out, Arena *keep, Arena scratch, const Plan *plan, Str name,
                             const Table *features, const uint32_t *row, size_t count, Error *err)
{
    Str *text = ARENA_ARRAY(keep, Str, count + 1);
    uint8_t *in = ARENA_ARRAY(&scratch, uint8_t, features->rows + 1);
    for (size_t s = 0; s < plan->strata; s++)
        if (str_equal(plan->stratum[s].name, name))
            TRY(plan_stratum(in, scratch, &plan->stratum[s], features, err));
    for (size_t i = 0; i < count; i++)
        text[i] = in[row[i]] ? S("inside") : S("outside");
    out->text = text;
    return STATUS_OK;
}

Status reference_sample(Sample *out, Arena *keep, Arena scratch, const Plan *plan,
                        const Policy *policy, const Distribution *d, size_t i,
                        const Table *features, const uint32_t *row, size_t count,
                        const double *probability, Error *err)
{
    *out = (Sample){.count = count};
    if (d->of == OF_FEATURE)
        sample_feature(out, keep, &features->column[i], row, count);
    else if (d->of == OF_SCORE)
        out->number = probability;
    else if (d->of == OF_SEGMENT) {
        Thresholds t = policy_thresholds(policy);
        Str *text = ARENA_ARRAY(keep, Str, count + 1);
        for (size_t k = 0; k < count; k++)
            text[k] = segment_name(policy_segment(t, probability[k]));
        out->text = text;
    } else
        return sample_stratum(out, keep, scratch, plan, d->name, features, row, count, err);
    return STATUS_OK;
}

/* ---- bins ---- */

size_t distribution_bin(const Distribution *d, double number, Str text)
{
    size_t others = d->bins - 2, missing = d->bins - 1;
    if (d->by_value) {
        if (text.size == 0)
            return missing;
        const Str *found =
            d->value == NULL ? NULL : bsearch(&text, d->value, others, sizeof *d->value, by_bytes);
        return found == NULL ? others : (size_t)(found - d->value);
    }
    if (is_missing(number))
        return missing;
    size_t b = 0;
    while (b < others && number > d->cut[b])
        b++;
    return b;
}

uint64_t *reference_count(Arena *keep, const Distribution *d, Sample s)
{
    uint64_t *count = ARENA_ARRAY(keep, uint64_t, d->bins);
    if ((s.text != NULL) != d->by_value && s.count > 0)
        return count;
    for (size_t i = 0; i < s.count; i++)
        count[distribution_bin(d, s.text == NULL ? s.number[i] : 0,
                               s.text == NULL ? S("") : s.text[i])]++;
    return count;
}

/* Cuts are values that occur, each once. */
static void cut_numbers(Distribution *d, Arena *keep, Arena scratch, Sample s)
{
    double *known = ARENA_ARRAY(&scratch, double, s.count + 1);
    size_t n = 0, cuts = 0;
    assert(s.number != NULL);
    for (size_t i = 0; i < s.count; i++)
        if (!is_missing(s.number[i]))
            known[n++] = s.number[i];
    qsort(known, n, sizeof *known, by_number);
    d->cut = ARENA_ARRAY(keep, double, DECILES);
    for (size_t k = 1; k < DECILES && n > 0; k++) {
        double cut = known[(n * k + DECILES - 1) / DECILES - 1];
        if (cuts == 0 || cut > d->cut[cuts - 1])
            d->cut[cuts++] = cut;
    }
    d->bins = cuts + 2;
}

/* The score is cut where it decides, at the policy's thresholds and half-way between them: that the
 * model is surer of customers it has learnt from moves few of them across these cuts. */
static void cut_score(Distribution *d, Arena *keep, const Policy *policy)
{
    Thresholds t = policy_thresholds(policy);
    const double threshold[] = {0, t.medium, t.high, t.offboarding};
    size_t cuts = 0;
    d->cut = ARENA_ARRAY(keep, double, 2 * COUNT_OF(threshold));
    for (size_t i = 1; i < COUNT_OF(threshold); i++) {
        const double next[] = {(threshold[i - 1] + threshold[i]) / 2, threshold[i]};
        for (size_t k = 0; k < COUNT_OF(next); k++)
            if (next[k] > 0 && (cuts == 0 || next[k] > d->cut[cuts - 1]))
                d->cut[cuts++] = next[k];
    }
    d->bins = cuts + 2;
}

/* A value that few customers have could point at one of them: it counts among the others. */
static void list_values(Distribution *d, Arena *keep, Arena scratch, Sample s)
{
    Dictionary *seen = dictionary_new(&scratch);
    Arena counts = arena_new(); /* the dictionary grows in scratch */
    uint32_t *count = ARENA_ARRAY(&counts, uint32_t, s.count + 1);
    for (size_t i = 0; i < s.count; i++)
        if (s.text[i].size > 0)
            count[dictionary_add(seen, s.text[i])]++;
    size_t values = 0;
    d->value = ARENA_ARRAY(keep, Str, seen->count + 1);
    for (size_t v = 0; v < seen->count; v++)
        if (count[v] >= CUSTOMERS_LEAST)
            d->value[values++] = str_copy(keep, seen->text[v]);
    qsort(d->value, values, sizeof *d->value, by_bytes);
    d->bins = values + 2;
    arena_free(&counts);
}

/* ---- the columns of the files ---- */

static int by_names(const void *a, const void *b)
{
    const Header *x = a, *y = b;
    int source = str_compare(x->source, y->source);
    if (source != 0)
        return source;
    for (size_t i = 0; i < x->count && i < y->count; i++) {
        int c = str_compare(x->name[i], y->name[i]);
        if (c != 0)
            return c;
    }
    return (x->count > y->count) - (x->count < y->count);
}

static bool same_layout(const Layout *a, const Layout *b)
{
    bool same = a->columns == b->columns && str_equal(a->source, b->source);
    for (size_t i = 0; same && i < a->columns; i++)
        same = str_equal(a->column[i], b->column[i]);
    return same;
}

/* Each layout once, whatever the order of the files: the outcome, and what the files to be scored
 * lack, are not missed later. */
static void list_layouts(Reference *r, Arena *keep, Arena scratch, const Dataset *data, size_t kind)
{
    static const Str roles[] = {{"customers", 9}, {"transactions", 12}};
    Header *file = ARENA_ARRAY(&scratch, Header, data->ledger_count + 1);
    size_t files = 0;
    for (size_t i = 0; i < data->ledger_count; i++)
        if (str_equal(data->header[i].role, roles[kind]))
            file[files++] = data->header[i];
    qsort(file, files, sizeof *file, by_names);
    Dictionary *no = dictionary_new(&scratch);
    (void)dictionary_add(no, data->schema->customers.label.column.text);
    (void)dictionary_add(no, data->schema->customers.outcome_at.text);
    for (size_t i = 0; i < data->dropped_count; i++)
        (void)dictionary_add(no, data->dropped[i]);
    r->layout[kind] = ARENA_ARRAY(keep, Layout, files + 1);
    for (size_t i = 0; i < files; i++) {
        Layout *l = &r->layout[kind][r->layouts[kind]];
        *l = (Layout){str_copy(keep, file[i].source), ARENA_ARRAY(keep, Str, file[i].count + 1), 0};
        for (size_t k = 0; k < file[i].count; k++)
            if (dictionary_find(no, file[i].name[k]) == NO_CODE)
                l->column[l->columns++] = str_copy(keep, file[i].name[k]);
        size_t known = 0;
        while (!same_layout(&r->layout[kind][known], l))
            known++; /* ends at l itself */
        r->layouts[kind] += known == r->layouts[kind];
    }
}

Status reference_make(Reference **out, Arena *keep, Arena scratch, const Plan *plan,
                      const Policy *policy, const Dataset *data, const Table *features,
                      const uint32_t *row, size_t count, const double *probability, Error *err)
{
    Reference *r = *out = ARENA_NEW(keep, Reference);
    r->customers = count;
    r->count = plan->features + 2 + plan->strata;
    r->item = ARENA_ARRAY(keep, Distribution, r->count);
    Arena values = arena_new();
    Status status = STATUS_OK;
    for (size_t i = 0; i < r->count && status == STATUS_OK; i++) {
        Distribution *d = &r->item[i];
        size_t after = i - plan->features; /* the number of an item after the features */
        Arena one = values;
        Sample s;
        if (i < plan->features)
            *d = (Distribution){OF_FEATURE, plan->feature[i].name.text,
                                .by_value = by_value(&plan->feature[i])};
        else if (after == 0)
            *d = (Distribution){OF_SCORE, S("score"), .by_value = false};
        else if (after == 1)
            *d = (Distribution){OF_SEGMENT, S("segment"), .by_value = true};
        else
            *d = (Distribution){OF_STRATUM, plan->stratum[after - 2].name, .by_value = true};
        status = reference_sample(&s, &one, scratch, plan, policy, d, i, features, row, count,
                                  probability, err);
        if (status != STATUS_OK)
            break;
        if (d->by_value)
            list_values(d, keep, scratch, s);
        else if (d->of == OF_SCORE)
            cut_score(d, keep, policy);
        else
            cut_numbers(d, keep, scratch, s);
        d->count = reference_count(keep, d, s);
    }
    for (size_t kind = 0; kind < 2; kind++)
        list_layouts(r, keep, scratch, data, kind);
    arena_free(&values);
    return status;
}
