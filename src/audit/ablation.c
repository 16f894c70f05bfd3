/* ablation.c - what each part of the columns is worth, and what a cheat would report. */
#include "audit/audit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICATES = 500, LEVELS_MAX = 30 };

/* ---- columns of a table as columns of a matrix ---- */

/* Numbers as they are, categories one-hot by values that 1 % of the rows and five have. */
static Matrix *encode(Arena *keep, const Table *t, Arena scratch)
{
    size_t rows = t->rows, columns = 0, least = rows / 100 > 5 ? rows / 100 : 5;
    typedef struct Slot {
        const Column *column;
        uint32_t code;
        Str name;
    } Slot;
    Slot *slot = ARENA_ARRAY(&scratch, Slot, t->columns * LEVELS_MAX + 1);
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = &t->column[k];
        if (c->dictionary == NULL) {
            slot[columns++] = (Slot){c, 0, c->name};
            continue;
        }
        size_t *count = ARENA_ARRAY(&scratch, size_t, c->dictionary->count + 1), found = 0;
        for (size_t i = 0; i < rows; i++)
            if (column_valid(c, i))
                count[c->code[i]]++;
        for (size_t v = 0; v < c->dictionary->count && found < LEVELS_MAX; v++)
            if (count[v] >= least) {
                Str value = c->dictionary->text[v];
                slot[columns++] =
                    (Slot){c, (uint32_t)v,
                           str_format(keep, "%.*s=%.*s", STR_ARG(c->name), STR_ARG(value))};
                found++;
            }
    }
    Matrix *x = matrix_new(keep, rows, columns);
    for (size_t k = 0; k < columns; k++) {
        const Slot *s = &slot[k];
        x->name[k] = str_format(keep, "+%.*s", STR_ARG(s->name)); /* no feature's name */
        for (size_t i = 0; i < rows; i++) {
            bool known = column_valid(s->column, i);
            double value = s->column->dictionary == NULL ? cell_double(s->column, i)
                           : known                       ? (double)(s->column->code[i] == s->code)
                                                         : 0;
            x->value[i * columns + k] = (float)value;
        }
    }
    return x;
}

/* ---- a set of some columns and others ---- */

typedef struct Projection {
    const TrainingSet *from;
    const uint32_t *column; /* [columns] of from's matrix */
    size_t columns;
    const Matrix *extra; /* NULL: none */
} Projection;

static const Matrix *project(Arena *keep, const Projection *p, const Matrix *x)
{
    size_t extra = p->extra == NULL ? 0 : p->extra->columns, width = p->columns + extra;
    Matrix *out = matrix_new(keep, x->rows, width);
    for (size_t k = 0; k < p->columns; k++)
        out->name[k] = x->name[p->column[k]];
    for (size_t k = 0; k < extra; k++)
        out->name[p->columns + k] = p->extra->name[k];
    for (size_t i = 0; i < x->rows; i++) {
        float *to = out->value + i * width;
        for (size_t k = 0; k < p->columns; k++)
            to[k] = x->value[i * x->columns + p->column[k]];
        for (size_t k = 0; k < extra; k++)
            to[p->columns + k] = p->extra->value[i * extra + k];
    }
    return out;
}

static const Matrix *project_again(const void *context, Arena *keep, const uint32_t *row,
                                   size_t rows, const uint8_t *label)
{
    const Projection *p = context;
    Arena own = arena_new();
    const Matrix *made = p->from->refit->make(p->from->refit->context, &own, row, rows, label);
    const Matrix *out = project(keep, p, made);
    arena_free(&own);
    return out;
}

static const TrainingSet *projected(Arena *keep, const Projection *p)
{
    size_t extra = p->extra == NULL ? 0 : p->extra->columns;
    TrainingSet *set = ARENA_NEW(keep, TrainingSet);
    int8_t *monotone = ARENA_ARRAY(keep, int8_t, p->columns + extra + 1);
    for (size_t k = 0; k < p->columns && p->from->monotone != NULL; k++)
        monotone[k] = p->from->monotone[p->column[k]];
    *set = *p->from;
    set->x = project(keep, p, p->from->x);
    set->monotone = monotone;
    if (p->from->refit != NULL) {
        Refit *refit = ARENA_NEW(keep, Refit);
        *refit = (Refit){project_again, p};
        set->refit = refit;
    }
    return set;
}

/* ---- figures ---- */

typedef struct Figures {
    const TrainingSet *set;
    size_t rows, repeats, variants, figures; /* strata, and the log loss last */
    double **probability;                    /* [variant * repeats + repeat][rows] */
    uint32_t **order;                        /* the same by probability */
    double *drawn;                           /* [replicate][variant][figure] */
    double *seen;                            /* [variant][figure] */
    /* Linked customers are drawn together: the first row of each unit with a positive and of each
     * without, and from each row the next of its unit (rows: none). */
    uint32_t *member[2], *next;
    size_t members[2];
    uint64_t seed;
} Figures;

static void gather(Figures *f, Arena *arena)
{
    size_t rows = f->rows, most = 0;
    const uint32_t *group = f->set->group;
    for (size_t i = 0; group != NULL && i < rows; i++)
        most = group[i] > most ? group[i] : most;
    f->next = ARENA_RAW(arena, uint32_t, rows + 1);
    f->member[0] = ARENA_RAW(arena, uint32_t, rows + 1);
    f->member[1] = ARENA_RAW(arena, uint32_t, rows + 1);
    uint32_t *last = group == NULL ? NULL : ARENA_ARRAY(arena, uint32_t, most + 1); /* 0: none */
    uint32_t *first = ARENA_RAW(arena, uint32_t, rows + 1);
    uint8_t *risky = ARENA_ARRAY(arena, uint8_t, rows + 1); /* by first row */
    for (size_t i = 0; i < rows; i++) {
        f->next[i] = (uint32_t)rows;
        first[i] = (uint32_t)i;
        if (group != NULL && last[group[i]] > 0) {
            first[i] = first[last[group[i]] - 1];
            f->next[last[group[i]] - 1] = (uint32_t)i;
        }
        if (group != NULL)
            last[group[i]] = (uint32_t)i + 1;
        risky[first[i]] |= f->set->label[i] != 0;
    }
    for (size_t i = 0; i < rows; i++)
        if (first[i] == i)
            f->member[risky[i]][f->members[risky[i]]++] = (uint32_t)i;
}

static int by_value(const void *a, const void *b, void *context)
{
    const double *value = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    return value[i] != value[j] ? (value[i] > value[j]) - (value[i] < value[j]) : (i > j) - (i < j);
}

/* AUC of customers counted weight[] times, walked in order of their scores. */
static double weighted_auc(const double *p, const uint32_t *order, const uint8_t *label,
                           const uint8_t *in, const uint32_t *weight, size_t rows)
{
    double won = 0, below = 0, all_risky = 0;
    for (size_t from = 0, to; from < rows; from = to) {
        double risky = 0, others = 0;
        for (to = from; to < rows && p[order[to]] == p[order[from]]; to++) {
            uint32_t i = order[to];
            double w = in == NULL || in[i] ? weight[i] : 0;
            risky += label[i] != 0 ? w : 0;
            others += label[i] != 0 ? 0 : w;
        }
        won += risky * (below + others / 2);
        below += others;
        all_risky += risky;
    }
    return won / (all_risky * below); /* NaN with one class */
}

static void measure(double *out, const Figures *f, const uint32_t *weight)
{
    const TrainingSet *set = f->set;
    for (size_t v = 0; v < f->variants; v++)
        for (size_t k = 0; k < f->figures; k++) {
            double sum = 0, weights = 0;
            for (size_t r = 0; r < f->repeats; r++) {
                const double *p = f->probability[v * f->repeats + r];
                if (k + 1 < f->figures) {
                    sum +=
                        weighted_auc(p, f->order[v * f->repeats + r], set->label,
                                     set->strata == 0 ? NULL : set->in_stratum[k], weight, f->rows);
                    continue;
                }
                double loss = 0;
                weights = 0;
                for (size_t i = 0; i < f->rows; i++) {
                    double right = set->label[i] != 0 ? p[i] : 1 - p[i];
                    loss -= weight[i] * stable_log(right < 1e-15 ? 1e-15 : right);
                    weights += weight[i];
                }
                sum += loss / weights;
            }
            out[v * f->figures + k] = sum / (double)f->repeats;
        }
}

/* Units with positives among such, the others among the others, as metric_evaluate_groups draws. */
static void draw_task(void *context, size_t replicate, Arena scratch)
{
    const Figures *f = context;
    Random r = random_new(seed_derive(f->seed, replicate));
    uint32_t *weight = ARENA_ARRAY(&scratch, uint32_t, f->rows + 1);
    for (int risky = 1; risky >= 0; risky--)
        for (size_t i = 0; i < f->members[risky]; i++) {
            size_t row = f->member[risky][random_below(&r, f->members[risky])];
            for (; row < f->rows; row = f->next[row])
                weight[row]++;
        }
    measure(f->drawn + replicate * f->variants * f->figures, f, weight);
}

/* R-7 percentiles of what is defined. */
static Interval interval(double value, double *draw, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_missing(draw[i]))
            draw[n++] = draw[i];
    Interval out = {value, (double)NAN, (double)NAN};
    if (n >= 2 && n >= count / 2)
        metric_percentiles(&out, draw, n);
    return out;
}

/* The figure k of variant v, or what it has more than the full model's. */
static Interval figure(const Figures *f, size_t v, size_t k, bool gain, Arena scratch)
{
    double *draw = ARENA_RAW(&scratch, double, REPLICATES);
    size_t width = f->variants * f->figures;
    for (size_t r = 0; r < REPLICATES; r++)
        draw[r] = f->drawn[r * width + v * f->figures + k] - (gain ? f->drawn[r * width + k] : 0);
    return interval(f->seen[v * f->figures + k] - (gain ? f->seen[k] : 0), draw, REPLICATES);
}

/* Platt on the margins of the other folds. Models that gave these have learnt from the judged fold
 * (the validation calibrates on inner margins, which have not): felt in the log loss alone, in the
 * second order, and by every variant alike. */
static void calibrate(double *p, const double *margin, const uint32_t *fold, const uint8_t *label,
                      size_t rows, size_t folds, Arena scratch)
{
    double *other = ARENA_RAW(&scratch, double, rows + 1);
    uint8_t *other_label = ARENA_RAW(&scratch, uint8_t, rows + 1);
    for (size_t k = 0; k < folds; k++) {
        size_t n = 0;
        for (size_t i = 0; i < rows; i++)
            if (fold[i] != k) {
                other[n] = margin[i];
                other_label[n++] = label[i] != 0;
            }
        Platt c = learn_platt(other, other_label, n);
        for (size_t i = 0; i < rows; i++)
            if (fold[i] == k)
                p[i] = platt_apply(c, margin[i]);
    }
}

/* ---- the table ---- */

/* The candidate with the settings that were tuned on all rows: tuned anew for each variant it would
 * cost six times as much, and what is compared is columns, not settings. */
static const Candidate *settled(Arena *keep, const Candidate *c)
{
    Candidate *out = arena_copy(keep, c, sizeof *c);
    out->settled = c->kind != MODEL_BLEND;
    out->forest.patience = 0;
    const Candidate **part = ARENA_ARRAY(keep, const Candidate *, c->parts + 1);
    for (size_t i = 0; i < c->parts; i++)
        part[i] = settled(keep, c->part[i]);
    out->part = part;
    return out;
}

typedef struct Variant {
    AblationRow row;
    Projection *projection;
} Variant;

static Projection *choose(Arena *keep, const AblationInputs *in, const Str *family, bool with,
                          const Matrix *extra)
{
    size_t columns = in->set->x->columns;
    Projection *p = ARENA_NEW(keep, Projection);
    uint32_t *column = ARENA_RAW(keep, uint32_t, columns + 1);
    *p = (Projection){.from = in->set, .column = column, .extra = extra};
    for (size_t k = 0; k < columns; k++)
        if (family == NULL || str_equal(in->family[k], *family) == with)
            column[p->columns++] = (uint32_t)k;
    return p;
}

static size_t list_variants(Variant *v, Arena *keep, Arena scratch, const AblationInputs *in)
{
    size_t columns = in->set->x->columns, count = 0, families = 0;
    Str *family = ARENA_ARRAY(&scratch, Str, columns + 1);
    for (size_t k = 0; k < columns; k++) {
        bool known = false;
        for (size_t i = 0; i < families && !known; i++)
            known = str_equal(family[i], in->family[k]);
        if (!known)
            family[families++] = in->family[k];
    }
    v[count++] = (Variant){{.kind = ABLATION_FULL}, choose(keep, in, NULL, true, NULL)};
    for (int with = 0; with < 2 && families > 1; with++)
        for (size_t i = 0; i < families; i++)
            v[count++] = (Variant){{.kind = with != 0 ? ABLATION_ONLY : ABLATION_WITHOUT,
                                    .name = str_copy(keep, family[i])},
                                   choose(keep, in, &family[i], with != 0, NULL)};
    if (in->suspicious != NULL && in->suspicious->columns > 0)
        v[count++] = (Variant){{.kind = ABLATION_SUSPICIOUS},
                               choose(keep, in, NULL, true, encode(keep, in->suspicious, scratch))};
    if (in->protected != NULL && in->protected->columns > 0)
        v[count++] = (Variant){{.kind = ABLATION_PROTECTED},
                               choose(keep, in, NULL, true, encode(keep, in->protected, scratch))};
    return count;
}

void audit_ablation(Audit *audit, Arena *keep, Arena scratch, const AblationInputs *in,
                    const LearnOptions *options, Findings *findings, Team *team,
                    const Progress *progress)
{
    const TrainingSet *set = in->set;
    size_t rows = set->x->rows, repeats = in->repeats;
    Arena own = arena_new();
    Variant *v = ARENA_ARRAY(&own, Variant, 2 * set->x->columns + 3);
    size_t variants = list_variants(v, &own, scratch, in), passes = variants * repeats;
    OutOfFold *pass = ARENA_ARRAY(&own, OutOfFold, passes);
    uint64_t seed = seed_derive(options->seed, STREAM_ABLATION);
    for (size_t k = 0; k < variants; k++) {
        const TrainingSet *some = projected(&own, v[k].projection);
        v[k].row.columns = some->x->columns;
        for (size_t r = 0; r < repeats; r++)
            pass[k * repeats + r] = (OutOfFold){some, in->fold[r], seed_derive(seed, r),
                                                ARENA_ARRAY(&own, double, rows)};
    }
    progress_tell(progress, "weighing families of features", 0, 1);
    learn_out_of_fold(pass, passes, settled(&own, in->candidate), options, team, scratch);

    size_t strata = set->strata == 0 ? 1 : set->strata;
    Figures f = {.set = set,
                 .rows = rows,
                 .repeats = repeats,
                 .variants = variants,
                 .figures = strata + 1,
                 .probability = ARENA_ARRAY(&own, double *, passes),
                 .order = ARENA_ARRAY(&own, uint32_t *, passes),
                 .drawn = ARENA_ARRAY(&own, double, REPLICATES *variants *(strata + 1)),
                 .seen = ARENA_ARRAY(&own, double, variants *(strata + 1)),
                 .seed = seed_derive(seed, 1000)};
    for (size_t k = 0; k < passes; k++) {
        f.probability[k] = ARENA_ARRAY(&own, double, rows);
        f.order[k] = ARENA_RAW(&own, uint32_t, rows);
        calibrate(f.probability[k], pass[k].margin, pass[k].fold, set->label, rows, options->folds,
                  scratch);
        for (size_t i = 0; i < rows; i++)
            f.order[k][i] = (uint32_t)i;
        qsort_r(f.order[k], rows, sizeof **f.order, by_value, f.probability[k]);
    }
    uint32_t *once = ARENA_RAW(&own, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        once[i] = 1;
    measure(f.seen, &f, once);
    gather(&f, &own);
    team_run(team, REPLICATES, draw_task, &f);

    Ablation *a = audit->ablation = ARENA_NEW(keep, Ablation);
    *a = (Ablation){.candidate = str_copy(keep, in->candidate->name),
                    .repeats = repeats,
                    .customers = rows,
                    .strata = strata,
                    .replicates = REPLICATES,
                    .stratum = ARENA_ARRAY(keep, Str, strata),
                    .rows = variants,
                    .row = ARENA_ARRAY(keep, AblationRow, variants)};
    Str *name = ARENA_ARRAY(keep, Str, strata);
    for (size_t s = 0; s < strata; s++)
        name[s] = set->strata == 0 ? S("ALL") : set->stratum[s];
    a->stratum = name;
    for (size_t k = 0; k < variants; k++) {
        AblationRow *row = &a->row[k];
        *row = v[k].row;
        row->name = str_copy(keep, row->name);
        row->auc = ARENA_ARRAY(keep, Interval, strata);
        row->auc_gain = ARENA_ARRAY(keep, Interval, strata);
        for (size_t s = 0; s < strata; s++) {
            row->auc[s] = figure(&f, k, s, false, scratch);
            row->auc_gain[s] = figure(&f, k, s, true, scratch);
        }
        row->log_loss = figure(&f, k, strata, false, scratch);
        row->log_loss_gain = figure(&f, k, strata, true, scratch);
        if (row->kind == ABLATION_SUSPICIOUS)
            findings_add(findings, SEVERITY_INFO, "what_a_cheat_reports", row->columns,
                         str_format(&scratch,
                                    "with the columns that the audit keeps out the AUC of all "
                                    "customers would read %.3f instead of %.3f (difference %+.3f "
                                    "[%+.3f, %+.3f])",
                                    row->auc[0].value, a->row[0].auc[0].value,
                                    row->auc_gain[0].value, row->auc_gain[0].low,
                                    row->auc_gain[0].high),
                         S("nothing: this is what not to believe"));
    }
    arena_free(&own);
}
