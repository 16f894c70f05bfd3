#include "fairness/fairness_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RATIO_LOW = 0.8, RATIO_HIGH = 1.25, Z95 = 1.959963984540054;

/* One customer of either population, as the measures see it. */
typedef struct Person {
    uint32_t customer;
    double p;
    bool positive;        /* labelled only */
    bool high, candidate; /* scored only */
} Person;

typedef struct People {
    Person *labelled, *scored;
    size_t labelled_count, scored_count;
    double *out_of_fold; /* [rows] mean over repeats */
} People;

static People people_of(Arena *keep, const FairnessInputs *in)
{
    const Validation *v = in->validation;
    const Candidate *c = &v->candidate[v->chosen];
    size_t scored = in->scored == NULL ? 0 : in->scored->count;
    People out = {.labelled = ARENA_ARRAY(keep, Person, v->rows + 1),
                  .scored = ARENA_ARRAY(keep, Person, scored + 1),
                  .out_of_fold = ARENA_ARRAY(keep, double, v->rows + 1)};
    for (size_t i = 0; i < v->rows; i++) {
        double sum = 0;
        for (size_t r = 0; r < v->repeats; r++)
            sum += c->probability[r][i];
        double p = out.out_of_fold[i] = sum / (double)v->repeats;
        out.labelled[out.labelled_count++] =
            (Person){in->training_row[i], p, in->set->label[i] != 0, false, false};
    }
    uint8_t *listed = ARENA_ARRAY(keep, uint8_t, scored + 1);
    for (size_t i = 0; i < in->candidates; i++)
        listed[in->candidate[i]] = 1;
    for (size_t i = 0; i < scored; i++) {
        uint32_t customer = in->scored->row[i];
        if ((in->data->cohort[customer] & COHORT_SCORED) != 0)
            out.scored[out.scored_count++] =
                (Person){customer, in->scored->probability[i], false,
                         policy_segment(in->thresholds, in->scored->probability[i]) == SEGMENT_HIGH,
                         listed[i] != 0};
    }
    return out;
}

/* ---- groups ---- */

typedef struct Sized {
    uint32_t level;
    size_t labelled;
    Str name;
    bool last; /* missing */
} Sized;

static int largest_first(const void *a, const void *b)
{
    const Sized *x = a, *y = b;
    if (x->last != y->last)
        return x->last ? 1 : -1;
    if (x->labelled != y->labelled)
        return x->labelled > y->labelled ? -1 : 1;
    return str_compare(x->name, y->name);
}

/* Levels of fewer than GROUP_SHOWN_MIN labelled customers become "other"; where these are fewer,
 * too, they are of no group. Fills group_of and the groups' names. */
static void make_groups(FairnessAttribute *a, uint32_t *group_of, Arena *keep, Arena scratch,
                        const Levels *l, const People *people, size_t customers)
{
    Sized *sized = ARENA_ARRAY(&scratch, Sized, l->levels);
    uint32_t *group = ARENA_RAW(&scratch, uint32_t, l->levels);
    size_t other = 0, shown = 0;
    for (size_t k = 0; k < l->levels; k++)
        sized[k] = (Sized){(uint32_t)k, 0, l->name[k], k + 1 == l->levels};
    for (size_t i = 0; i < people->labelled_count; i++)
        sized[l->of[people->labelled[i].customer]].labelled++;
    for (size_t k = 0; k < l->levels; k++)
        other += sized[k].labelled < GROUP_SHOWN_MIN ? sized[k].labelled : 0;
    qsort(sized, l->levels, sizeof *sized, largest_first);
    a->group = ARENA_ARRAY(keep, FairnessGroup, l->levels + 1);
    for (size_t k = 0; k < l->levels; k++) {
        group[sized[k].level] = UINT32_MAX;
        if (sized[k].labelled < GROUP_SHOWN_MIN)
            continue;
        group[sized[k].level] = (uint32_t)shown;
        a->group[shown++].name = str_copy(keep, sized[k].name);
    }
    if (other >= GROUP_SHOWN_MIN) {
        for (size_t k = 0; k < l->levels; k++)
            if (group[k] == UINT32_MAX)
                group[k] = (uint32_t)shown;
        a->group[shown++].name = S("other");
    }
    a->groups = shown;
    for (size_t i = 0; i < customers; i++)
        group_of[i] = group[l->of[i]];
    a->left_out = other > 0 && other < GROUP_SHOWN_MIN;
}

/* ---- measures ---- */

typedef enum MeasureOf { OF_ALL, OF_NEGATIVES, OF_POSITIVES, OF_SCORED } MeasureOf;

typedef struct Measure {
    const char *name;
    MeasureOf of;
    int threshold; /* of the three, lowest first */
} Measure;

static const Measure measures[FAIRNESS_MEASURES] = {
    {"suspended", OF_ALL, 0},
    {"high_segment", OF_SCORED, 0},
    {"candidate", OF_SCORED, 1},
    {"false_positive_medium", OF_NEGATIVES, 0},
    {"false_positive_high", OF_NEGATIVES, 1},
    {"false_positive_offboarding", OF_NEGATIVES, 2},
    {"missed_medium", OF_POSITIVES, 0},
    {"missed_high", OF_POSITIVES, 1},
    {"missed_offboarding", OF_POSITIVES, 2},
};

/* Is the person in the denominator, and in the numerator? */
static bool counts(const Measure *m, const Person *one, const Thresholds *t, bool *hit)
{
    const double threshold[] = {t->medium, t->high, t->offboarding};
    bool above = one->p >= threshold[m->threshold];
    switch (m->of) {
    case OF_ALL:
        *hit = one->positive;
        return true;
    case OF_NEGATIVES:
        *hit = above;
        return !one->positive;
    case OF_POSITIVES:
        *hit = !above;
        return one->positive;
    case OF_SCORED:
        *hit = m->threshold == 0 ? one->high : one->candidate;
        return true;
    }
    return false;
}

static void compare(GroupComparison *out, const Measure *m, const Person *people, size_t count,
                    const uint32_t *group_of, uint32_t group, const Thresholds *t)
{
    size_t inside = 0;
    *out = (GroupComparison){.measure = str_from(m->name)};
    for (size_t i = 0; i < count; i++) {
        bool hit = false, in = group_of[people[i].customer] == group;
        inside += in;
        if (!counts(m, &people[i], t, &hit))
            continue;
        *(in ? &out->of : &out->rest_of) += 1;
        *(in ? &out->count : &out->rest_count) += hit;
    }
    /* Fewer are not counted before anybody's eyes, on either side. */
    if (out->of < GROUP_CLASS_MIN)
        out->count = out->of = 0;
    if (out->of < GROUP_CLASS_MIN || out->rest_of < GROUP_CLASS_MIN)
        out->rest_count = out->rest_of = 0;
    out->rate = metric_proportion(out->count, out->of);
    out->ratio = metric_ratio(out->count, out->of, out->rest_count, out->rest_of);
    bool enough = inside >= GROUP_JUDGED_MIN && count - inside >= GROUP_JUDGED_MIN &&
                  out->rest_of > 0 && out->count + out->rest_count > 0;
    out->verdict = enough ? FAIRNESS_WITHIN : FAIRNESS_FEW;
}

static Interval mean_of(const Person *people, size_t count, const uint32_t *group_of,
                        uint32_t group)
{
    double sum = 0, squares = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        if (group_of[people[i].customer] == group) {
            sum += people[i].p;
            n += 1;
        }
    if (n < 2)
        return (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
    double mean = sum / n;
    for (size_t i = 0; i < count; i++)
        if (group_of[people[i].customer] == group)
            squares += (people[i].p - mean) * (people[i].p - mean);
    double error = Z95 * sqrt(squares / (n - 1) / n);
    return (Interval){mean, mean - error, mean + error};
}

typedef struct Task {
    const FairnessInputs *in;
    const LearnOptions *options;
    const People *people;
    FairnessGroup *group;
    const FairnessAttribute *attribute;
    const uint32_t *group_of;
    uint32_t number;
} Task;

static void group_task(void *context, size_t task, Arena scratch)
{
    const Task *t = (const Task *)context + task;
    const People *people = t->people;
    const Validation *v = t->in->validation;
    FairnessGroup *g = t->group;
    size_t scored = t->attribute->known_scored ? people->scored_count : 0, in_scored = 0;
    for (size_t i = 0; i < scored; i++)
        in_scored += t->group_of[people->scored[i].customer] == t->number;
    if (in_scored < GROUP_SHOWN_MIN)
        scored = in_scored = 0;
    g->scored = in_scored;
    for (size_t m = 0; m < FAIRNESS_MEASURES; m++) {
        bool of_scored = measures[m].of == OF_SCORED;
        compare(&g->comparison[m], &measures[m], of_scored ? people->scored : people->labelled,
                of_scored ? scored : people->labelled_count, t->group_of, t->number,
                &t->in->thresholds);
    }
    g->labelled = g->comparison[0].of;
    g->positives = g->comparison[0].count;
    g->mean_labelled = mean_of(people->labelled, people->labelled_count, t->group_of, t->number);
    g->mean_scored = mean_of(people->scored, scored, t->group_of, t->number);
    Interval rate = g->comparison[0].rate;
    g->calibration =
        (Interval){g->mean_labelled.value - rate.value, g->mean_labelled.value - rate.high,
                   g->mean_labelled.value - rate.low};
    g->auc = (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
    if (g->positives < FIGURE_CLASS_MIN || g->labelled - g->positives < FIGURE_CLASS_MIN)
        return;
    uint8_t *inside = ARENA_ARRAY(&scratch, uint8_t, v->rows + 1);
    for (size_t i = 0; i < v->rows; i++)
        inside[i] = t->group_of[t->in->training_row[i]] == t->number;
    MetricSet metric;
    metric_evaluate_groups(&metric, (const double *const *)v->candidate[v->chosen].probability,
                           v->repeats, t->in->set->label, inside, t->in->set->group, v->rows,
                           t->in->thresholds.high, t->options->replicates,
                           seed_derive(seed_derive(t->options->seed, STREAM_FAIRNESS), task), NULL);
    g->auc = metric.metric[METRIC_AUC];
}

/* ---- verdicts, when it is known how many comparisons there are ---- */

static void judge(Fairness *f)
{
    for (size_t a = 0; a < f->attributes; a++)
        for (size_t g = 0; g < f->attribute[a].groups; g++)
            for (size_t m = 0; m < FAIRNESS_MEASURES; m++)
                f->comparisons += f->attribute[a].group[g].comparison[m].verdict != FAIRNESS_FEW;
    if (f->comparisons == 0)
        return;
    for (size_t a = 0; a < f->attributes; a++)
        for (size_t g = 0; g < f->attribute[a].groups; g++)
            for (size_t m = 0; m < FAIRNESS_MEASURES; m++) {
                GroupComparison *c = &f->attribute[a].group[g].comparison[m];
                bool far = !(c->ratio.value >= RATIO_LOW && c->ratio.value <= RATIO_HIGH);
                bool excludes = c->ratio.low > 1 || c->ratio.high < 1;
                if (c->verdict == FAIRNESS_FEW || !far || !excludes)
                    continue;
                double chance = metric_fisher(c->count, c->of, c->rest_count, c->rest_of);
                c->verdict =
                    chance * (double)f->comparisons < 0.05 ? FAIRNESS_CLEAR : FAIRNESS_APART;
                f->apart++;
                f->clear += c->verdict == FAIRNESS_CLEAR;
            }
}

/* ---- in words ---- */

static const char *measure_words(size_t m)
{
    static const char *const words[FAIRNESS_MEASURES] = {
        "suspended",
        "in the High segment",
        "candidates for off-boarding",
        "at or above the Medium threshold though not suspended",
        "at or above the High threshold though not suspended",
        "at or above the off-boarding threshold though not suspended",
        "below the Medium threshold though suspended",
        "below the High threshold though suspended",
        "below the off-boarding threshold though suspended"};
    return words[m];
}

typedef struct Gap {
    const FairnessGroup *group;
    size_t measure;
    const GroupComparison *c;
} Gap;

static double size_of(const GroupComparison *c)
{
    double r = c->ratio.value;
    return r > 1 ? r : r > 0 ? 1 / r : INFINITY;
}

static int worst_first(const void *a, const void *b)
{
    const Gap *x = a, *y = b;
    if (x->c->verdict != y->c->verdict)
        return x->c->verdict > y->c->verdict ? -1 : 1;
    double p = size_of(x->c), q = size_of(y->c);
    if (p != q)
        return p > q ? -1 : 1;
    if (x->measure != y->measure)
        return x->measure < y->measure ? -1 : 1;
    return str_compare(x->group->name, y->group->name);
}

static void say_gaps(const Fairness *f, const FairnessAttribute *a, Findings *findings,
                     Arena scratch)
{
    enum { NAMED = 3 };
    Gap *gap = ARENA_ARRAY(&scratch, Gap, a->groups * FAIRNESS_MEASURES + 1);
    size_t gaps = 0;
    for (size_t g = 0; g < a->groups; g++)
        for (size_t m = 0; m < FAIRNESS_MEASURES; m++)
            if (a->group[g].comparison[m].verdict >= FAIRNESS_APART)
                gap[gaps++] = (Gap){&a->group[g], m, &a->group[g].comparison[m]};
    if (gaps == 0)
        return;
    qsort(gap, gaps, sizeof *gap, worst_first);
    bool clear = gap[0].c->verdict == FAIRNESS_CLEAR;
    while (clear && gap[gaps - 1].c->verdict != FAIRNESS_CLEAR)
        gaps--; /* what may be chance is in the table, not in a warning */
    Arena text = arena_new();
    Buffer b = buffer_new(&text);
    buffer_format(&b, "%.*s (%.*s): ", STR_ARG(a->column), STR_ARG(a->ground));
    for (size_t i = 0; i < gaps && i < NAMED; i++) {
        const GroupComparison *c = gap[i].c;
        buffer_format(&b, "%sof %.*s %zu of %zu were %s, of the others %zu of %zu",
                      i > 0 ? "; " : "", STR_ARG(gap[i].group->name), c->count, c->of,
                      measure_words(gap[i].measure), c->rest_count, c->rest_of);
        if (isfinite(c->ratio.high))
            buffer_format(&b, " (ratio %.2f, 95 %%: %.2f to %.2f)", c->ratio.value, c->ratio.low,
                          c->ratio.high);
    }
    if (gaps > NAMED)
        buffer_format(&b, "; and %zu more", gaps - NAMED);
    buffer_format(&b,
                  clear ? ". Of %zu comparisons these differ beyond chance"
                        : ". Of %zu comparisons some differ so by chance alone",
                  f->comparisons);
    findings_add(findings, clear ? SEVERITY_WARNING : SEVERITY_INFO, "fairness_gap", gaps,
                 buffer_str(&b),
                 S("told, not corrected: the labels are past decisions of people, so a difference "
                   "may lie in what was decided, in who was looked at, or in conduct; have it "
                   "reviewed before the list is used"));
    arena_free(&text);
}

/* ---- all of it ---- */

static bool dropped(const Dataset *d, Str column)
{
    for (size_t i = 0; i < d->dropped_count; i++)
        if (str_equal(d->dropped[i], column))
            return true;
    return false;
}

void fairness_measure(Fairness **out, Arena *keep, Arena scratch, const FairnessInputs *in,
                      const LearnOptions *options, Team *team)
{
    const Dataset *d = in->data;
    const SchemaCustomers *customers = &d->schema->customers;
    const SchemaColumn *column = customers->columns.item;
    Fairness *f = *out = ARENA_NEW(keep, Fairness);
    Arena own = arena_new();
    People people = people_of(&own, in);
    f->thresholds = in->thresholds;
    f->attribute = ARENA_ARRAY(keep, FairnessAttribute, customers->columns.count + 1);
    uint32_t **group_of = ARENA_ARRAY(&own, uint32_t *, customers->columns.count + 1);
    size_t groups = 0;
    for (size_t k = 0; k < customers->columns.count; k++) {
        const Column *value = table_find(d->profile, column[k].name.text);
        if (column[k].protected.text.size == 0 || value == NULL)
            continue;
        FairnessAttribute *a = &f->attribute[f->attributes];
        Levels levels = group_levels(&own, scratch, &column[k], value, d->customers, d->as_of_us);
        *a = (FairnessAttribute){.column = column[k].name.text,
                                 .ground = column[k].protected.text,
                                 .bands = levels.bands,
                                 .known_scored =
                                     people.scored_count > 0 && !dropped(d, column[k].name.text)};
        group_of[f->attributes] = ARENA_ARRAY(&own, uint32_t, d->customers + 1);
        make_groups(a, group_of[f->attributes], keep, scratch, &levels, &people, d->customers);
        groups += a->groups;
        f->attributes++;
    }
    Task *task = ARENA_ARRAY(&own, Task, groups + 1);
    ProxyTarget *target = ARENA_ARRAY(&own, ProxyTarget, groups + 1);
    size_t n = 0;
    for (size_t a = 0; a < f->attributes; a++)
        for (size_t g = 0; g < f->attribute[a].groups; g++, n++) {
            FairnessAttribute *attribute = &f->attribute[a];
            task[n] = (Task){in,        options,     &people,    &attribute->group[g],
                             attribute, group_of[a], (uint32_t)g};
            target[n] = (ProxyTarget){attribute, g, group_of[a]};
        }
    team_run(team, n, group_task, task);
    judge(f);
    fairness_proxies(f, keep, scratch, in, target, n, people.out_of_fold, options, team);
    for (size_t a = 0; a < f->attributes; a++)
        say_gaps(f, &f->attribute[a], d->findings, scratch);
    arena_free(&own);
}
