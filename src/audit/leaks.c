/* leaks.c - every column alone, what is as good as the label, and what it is kept from. */
#include "audit/audit_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- columns in the raw ---- */

/* What is found with one class only must be with so many of its customers, and be chance in less
 * than one of a thousand audits, whatever number of columns and values is tried. */
static const double FOUND_SHARE = 0.10, FOUND_CHANCE = 0.001;
enum { FOUND_LEAST = 5, LEVELS_FEW = 20 };

/* All of `found` are of one class. */
static bool one_class(size_t risky, size_t found, size_t positives, size_t rows, size_t tests)
{
    size_t negatives = rows - positives;
    if (found < FOUND_LEAST || (risky != 0 && risky != found))
        return false;
    size_t of = risky == found ? positives : negatives;
    return (double)found >= FOUND_SHARE * (double)of &&
           metric_all_of_one_class(found, of, rows) * (double)tests < FOUND_CHANCE;
}

static int by_cell(const void *a, const void *b, void *context)
{
    const double *value = context;
    double x = value[*(const uint32_t *)a], y = value[*(const uint32_t *)b];
    return (x > y) - (x < y);
}

/* Numbers as levels of equal values, missing as 0; answers how many. */
static size_t number_levels(uint32_t *level, const Column *c, size_t rows, Arena scratch)
{
    double *value = ARENA_RAW(&scratch, double, rows + 1);
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, rows + 1);
    size_t filled = 0, levels = 0;
    for (size_t i = 0; i < rows; i++) {
        value[i] = cell_double(c, i);
        level[i] = 0;
        if (column_valid(c, i))
            order[filled++] = (uint32_t)i;
    }
    qsort_r(order, filled, sizeof *order, by_cell, value);
    for (size_t k = 0; k < filled; k++) {
        levels += k == 0 || value[order[k]] != value[order[k - 1]];
        level[order[k]] = (uint32_t)levels;
    }
    return levels + 1;
}

static Str level_text(const Column *c, const uint32_t *level, uint32_t one, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        if (level[i] == one)
            return c->type == TYPE_BOOLEAN ? c->boolean[i] ? S("true") : S("false")
                                           : c->dictionary->text[c->code[i]];
    return S("");
}

/* Order of distinct texts by bytes: a key that was given out in order tells when it was. */
static bool identifier_tells(Probe *p, const Column *c, const uint8_t *label, size_t rows,
                             size_t tests, Arena scratch)
{
    Dictionary *d = c->dictionary;
    double *rank = ARENA_RAW(&scratch, double, rows + 1);
    uint8_t *of = ARENA_RAW(&scratch, uint8_t, rows + 1);
    Str *text = ARENA_RAW(&scratch, Str, rows + 1);
    size_t n = 0, positives = 0;
    uint8_t *seen = ARENA_ARRAY(&scratch, uint8_t, d->count + 1);
    size_t distinct = 0;
    for (size_t i = 0; i < rows; i++)
        if (column_valid(c, i)) {
            distinct += seen[c->code[i]] == 0;
            seen[c->code[i]] = 1;
            text[n] = d->text[c->code[i]];
            positives += of[n] = label[i] != 0;
            n++;
        }
    if (n < rows / 2 || distinct < n - n / 20 || positives < 2 || n - positives < 2)
        return false;
    uint32_t *code_rank = ARENA_ARRAY(&scratch, uint32_t, d->count + 1);
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, d->count + 1);
    for (size_t k = 0; k < d->count; k++)
        order[k] = (uint32_t)k;
    /* Shell's sort: few lines, and no comparison needs a context. */
    for (size_t gap = d->count / 2; gap > 0; gap /= 2)
        for (size_t k = gap; k < d->count; k++)
            for (size_t at = k;
                 at >= gap && str_compare(d->text[order[at - gap]], d->text[order[at]]) > 0;
                 at -= gap) {
                uint32_t other = order[at];
                order[at] = order[at - gap];
                order[at - gap] = other;
            }
    for (size_t k = 0; k < d->count; k++)
        code_rank[order[k]] = (uint32_t)k;
    n = 0;
    for (size_t i = 0; i < rows; i++)
        if (column_valid(c, i))
            rank[n++] = (double)code_rank[c->code[i]];
    double auc = metric_auc(rank, of, n, scratch);
    double p_value = metric_rank_test(rank, of, n, scratch);
    Interval found = probe_interval(auc > 0.5 ? auc : 1 - auc, positives, n - positives);
    if (found.value < COHORT_AUC || found.low < AUC_CLEAR || p_value * (double)tests > FOUND_CHANCE)
        return false;
    p->auc = found;
    p->higher_is_risky = auc > 0.5;
    return true;
}

void leak_of_column(Probe *p, const Column *c, const uint8_t *label, size_t rows, size_t tests,
                    Arena scratch)
{
    bool texts = c->type == TYPE_CATEGORY || c->type == TYPE_TEXT;
    size_t positives = 0, levels;
    uint32_t *level = ARENA_ARRAY(&scratch, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        positives += label[i] != 0;
    if (texts) {
        levels = c->dictionary->count + 1;
        for (size_t i = 0; i < rows; i++)
            level[i] = column_valid(c, i) ? c->code[i] + 1 : 0;
    } else {
        levels = number_levels(level, c, rows, scratch);
    }
    size_t *count = ARENA_ARRAY(&scratch, size_t, levels);
    size_t *risky = ARENA_ARRAY(&scratch, size_t, levels);
    size_t filled = 0, filled_risky = 0, distinct = 0, most = 0;
    for (size_t i = 0; i < rows; i++) {
        count[level[i]]++;
        risky[level[i]] += label[i] != 0;
        filled += level[i] != 0;
        filled_risky += level[i] != 0 && label[i] != 0;
    }
    for (size_t k = 1; k < levels; k++) {
        distinct += count[k] > 0;
        most = count[k] > count[most] || most == 0 ? k : most;
    }
    if (distinct == 0 || (p->role && p->value.size == 0))
        return;
    bool encoded = p->auc.value >= AUC_ENCODED && p->auc.low >= AUC_LEAK;
    if (!encoded && distinct > 1 && distinct <= LEVELS_FEW && !texts) {
        /* A code need not rise with the risk. */
        size_t right = 0;
        for (size_t k = 0; k < levels; k++)
            right += risky[k] == 0 || risky[k] == count[k] ? count[k] : 0;
        encoded = right == rows && positives >= FOUND_LEAST && rows - positives >= FOUND_LEAST;
        p->auc = encoded ? probe_interval(1, positives, rows - positives) : p->auc;
    }
    /* Nearly everyone's value stands for none: -1, 0, NONE. */
    bool blank = most != 0 && 2 * count[most] > rows && distinct > 1;
    size_t other = filled - (blank ? count[most] : 0);
    size_t other_risky = filled_risky - (blank ? risky[most] : 0);
    bool sparse = p->about != PROBE_TRANSACTION; /* a share is 0 for who does not do it */
    bool one_sided =
        sparse && ((filled < rows && one_class(filled_risky, filled, positives, rows, tests)) ||
                   (blank && distinct > 2 && other_risky > 0 &&
                    one_class(other_risky, other, positives, rows, tests)));
    if (one_sided)
        p->leak = LEAK_ONE_CLASS;
    else if (encoded && !p->role)
        p->leak = LEAK_SEPARATES;
    if (p->leak != LEAK_NONE)
        return;
    if (texts && identifier_tells(p, c, label, rows, tests, scratch)) {
        p->leak = LEAK_IDENTIFIER;
        return;
    }
    for (size_t k = 1; k < levels; k++) {
        if (!texts && c->type != TYPE_BOOLEAN)
            break;
        /* What only the others have may just be rare; what only the risky have was set for them. */
        if (risky[k] == 0 || !one_class(risky[k], count[k], positives, rows, tests))
            continue;
        Str value = level_text(c, level, (uint32_t)k, rows);
        if (p->about == PROBE_TRANSACTION && str_equal(value, S("false")))
            continue; /* who has none of it */
        p->leak = LEAK_VALUE;
        p->value = p->about == PROBE_TRANSACTION ? p->value : value;
        return;
    }
}

/* ---- all columns ---- */

typedef struct Probing {
    const AuditInputs *inputs;
    uint64_t seed;
    Probe *probe; /* features, then columns in the raw */
    double *label_p, *cohort_p;
    size_t features, tests;
} Probing;

static void probe_task(void *context, size_t task, Arena scratch)
{
    Probing *t = context;
    const AuditInputs *in = t->inputs;
    bool raw = task >= t->features;
    size_t at = raw ? task - t->features : task;
    const Table *labelled = raw ? in->raw->labelled : in->labelled;
    const Table *scored = raw ? in->raw->scored : in->scored;
    const Column *a = &labelled->column[at], *b = scored == NULL ? NULL : &scored->column[at];
    const Table *whole = raw ? in->raw->whole : in->whole;
    Probe *p = &t->probe[task];
    *p = raw ? in->raw->probe[at]
             : (Probe){.name = a->name, .use = in->use[at], .sight = SIGHT_EARLY};
    if (!raw && in->sight != NULL)
        p->sight = in->sight[at];
    if (raw)
        p->use = p->about == PROBE_OBSERVATION ? S("observed") : S("column");
    probe_column(p, &t->label_p[task], &t->cohort_p[task], a,
                 whole == NULL ? NULL : &whole->column[at], labelled->rows, b,
                 scored == NULL ? 0 : scored->rows, in->label, in->group,
                 seed_derive(t->seed, task), scratch);
    if (raw && p->about != PROBE_OBSERVATION)
        leak_of_column(p, a, in->label, labelled->rows, t->tests, scratch);
}

/* Values tried, for what is found with one class only: all of all columns. */
static size_t tests_of(const RawColumns *raw)
{
    size_t tests = 1;
    for (size_t i = 0; i < raw->labelled->columns; i++) {
        const Column *c = &raw->labelled->column[i];
        bool texts = c->type == TYPE_CATEGORY || c->type == TYPE_TEXT;
        size_t levels = texts ? c->dictionary->count : 3;
        tests += levels > 1000 ? 1 : levels; /* no level of an identifier has five customers */
    }
    return tests;
}

static bool in_model(const Probe *p)
{
    return p->about == PROBE_FEATURE && str_equal(p->use, S("model"));
}

/* ---- what is kept out ---- */

static bool reads_leak(const Plan *plan, const Feature *f, const Probe *p)
{
    if (!feature_reads(f, p->column))
        return false;
    /* One value of a transactions' column taints who asks for it, not who reads another. */
    return p->about != PROBE_TRANSACTION || p->value.size == 0 ||
           feature_names_value(plan, f, p->value);
}

static Str why_of(Arena *keep, const Probe *p)
{
    switch (p->leak) {
    case LEAK_SEPARATES:
        return str_format(keep, "%.*s alone separates the labels at AUC %.2f [%.2f, %.2f]",
                          STR_ARG(p->name), p->auc.value, p->auc.low, p->auc.high);
    case LEAK_ONE_CLASS:
        return str_format(keep, "%.*s is filled for customers of one class only", STR_ARG(p->name));
    case LEAK_VALUE:
        return str_format(keep, "the value %.*s of %.*s is found with risky customers only",
                          STR_ARG(p->value), STR_ARG(p->column));
    case LEAK_IDENTIFIER:
        return str_format(keep,
                          "the values of %.*s are all different and their order tells the labels "
                          "at AUC %.2f",
                          STR_ARG(p->name), p->auc.value);
    default:
        return S("");
    }
}

static void keep_out(Audit *a, Arena *keep, const Plan *plan, uint32_t feature, const Probe *p)
{
    const Feature *f = &plan->feature[feature];
    for (size_t i = 0; i < a->kept_outs; i++)
        if (a->kept_out[i].feature == feature)
            return; /* one reason is enough */
    a->kept_out[a->kept_outs++] = (KeptOut){.feature = feature,
                                            .name = f->name.text,
                                            .leak = p->leak,
                                            .column = p->column,
                                            .auc = p->auc,
                                            .why = why_of(keep, p),
                                            .overruled = f->leak_overruled.text};
}

static void find_kept_out(Audit *a, Arena *keep, const AuditInputs *in)
{
    if (in->plan == NULL)
        return;
    a->kept_out = ARENA_ARRAY(keep, KeptOut, in->plan->features + 1);
    for (size_t i = 0; i < in->plan->features; i++) {
        if (!str_equal(in->use[i], S("model")))
            continue;
        for (size_t k = 0; k < a->columns; k++)
            if (a->column[k].leak != LEAK_NONE &&
                reads_leak(in->plan, &in->plan->feature[i], &a->column[k]))
                keep_out(a, keep, in->plan, (uint32_t)i, &a->column[k]);
        if (a->probe[i].leak != LEAK_NONE)
            keep_out(a, keep, in->plan, (uint32_t)i, &a->probe[i]);
    }
}

/* ---- judging ---- */

static bool separates(const Probe *p)
{
    return p->auc.value >= AUC_STRONG && p->auc.low > AUC_CLEAR && p->label_q <= FALSE_LABEL;
}

static Severity severity_of(const Probe *p)
{
    if (p->leak != LEAK_NONE)
        return p->about == PROBE_FEATURE ? SEVERITY_SEVERE : SEVERITY_WARNING;
    bool drifts = !p->one_cohort && p->cohort_auc >= COHORT_AUC && p->cohort_q <= FALSE_COHORT &&
                  p->stability.psi > p->psi_limit;
    bool watched = p->about == PROBE_OBSERVATION ||
                   (p->sight == SIGHT_OBSERVATION && !str_equal(p->use, S("policy")));
    bool tells = watched       ? p->auc.low > AUC_WATCHED && p->label_q <= FALSE_LABEL
                 : in_model(p) ? separates(p)
                               : false; /* nothing learns from it */
    return tells || drifts ? SEVERITY_WARNING : SEVERITY_INFO;
}

static int worst_first(const void *a, const void *b)
{
    const Probe *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->auc.value != y->auc.value)
        return x->auc.value > y->auc.value ? -1 : 1;
    return str_compare(x->name, y->name);
}

Status audit_columns(Audit **out, Arena *keep, Arena scratch, const AuditInputs *inputs,
                     const LearnOptions *options, Findings *findings, Team *team,
                     const Progress *progress, Error *err)
{
    size_t features = inputs->labelled->columns, n = inputs->labelled->rows;
    size_t columns = inputs->raw == NULL ? 0 : inputs->raw->labelled->columns;
    size_t all = features + columns;
    assert(inputs->scored == NULL || inputs->scored->columns == features);
    TRY(learn_check_classes(inputs->label, NULL, n, 2, err));

    Audit *audit = *out = ARENA_NEW(keep, Audit);
    Probing t = {.inputs = inputs,
                 .seed = seed_derive(options->seed, STREAM_PROBE),
                 .probe = ARENA_ARRAY(keep, Probe, all + 1),
                 .label_p = ARENA_ARRAY(&scratch, double, all + 1),
                 .cohort_p = ARENA_ARRAY(&scratch, double, all + 1),
                 .features = features,
                 .tests = inputs->raw == NULL ? 1 : tests_of(inputs->raw)};
    progress_tell(progress, "looking for leaks", 0, 1);
    team_run_told(team, all, probe_task, &t);

    double *q = ARENA_RAW(&scratch, double, all + 1), *r = ARENA_RAW(&scratch, double, all + 1);
    metric_false_discovery(q, t.label_p, all, scratch);
    metric_false_discovery(r, t.cohort_p, all, scratch);
    for (size_t i = 0; i < all; i++) {
        Probe *p = &t.probe[i];
        p->name = str_copy(keep, p->name);
        p->use = str_copy(keep, p->use);
        p->value = str_copy(keep, p->value);
        p->label_q = q[i];
        for (size_t k = 0; k < inputs->dropped_count && !p->one_cohort; k++)
            p->one_cohort = p->column.size > 0 && str_equal(p->column, inputs->dropped[k]);
        p->cohort_q = r[i];
        if (in_model(p) && p->auc.value >= AUC_LEAK && separates(p))
            p->leak = LEAK_SEPARATES;
        p->severity = severity_of(p);
    }
    audit->probes = features;
    audit->probe = t.probe;
    audit->columns = columns;
    audit->column = t.probe + features;
    find_kept_out(audit, keep, inputs);
    qsort(audit->probe, features, sizeof *audit->probe, worst_first);
    qsort(audit->column, columns, sizeof *audit->column, worst_first);
    audit_words(audit, inputs, findings);
    return STATUS_OK;
}
