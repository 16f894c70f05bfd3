/* job_forward.c - would it have worked then: trained at an instant, judged by what came later. */
#include "cli/job.h"

#include <stdlib.h>
#include <string.h>

enum { FORWARD_LEAST = 10 }; /* positives on either side of a cut */
static const double forward_share[FORWARD_CUTS] = {0.4, 0.55, 0.7}; /* of the outcomes before it */

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One cut: customers known then, as they were to be learnt from and as they were to be judged. */
typedef struct Moment {
    size_t rows;
    uint32_t *row;        /* [rows] of the training set */
    uint8_t *known;       /* [rows] positive then */
    Matrix *then, *whole; /* [rows] histories of equal lengths; all that was on record */
    uint32_t *fold;
    double *margin; /* [rows] of who is judged */
} Moment;

/* All that is judged, of all cuts. */
typedef struct Judged {
    double *score; /* rank within the cut, 0 to 1 */
    uint8_t *label;
    uint32_t *group, *row;
    size_t count;
} Judged;

static Status tables(Moment *m, Job *j, const int64_t *cut, int64_t at_us, Arena *keep, Error *err)
{
    const Dataset *d = j->data;
    uint32_t *row = ARENA_RAW(keep, uint32_t, m->rows + 1); /* customers */
    int64_t *as_of = ARENA_RAW(keep, int64_t, d->customers + 1);
    Events *events;
    Table *features;
    for (size_t i = 0; i < d->customers; i++)
        as_of[i] = at_us - 1;
    for (size_t i = 0; i < m->rows; i++) {
        row[i] = j->training_row[m->row[i]];
        as_of[row[i]] = cut[i];
    }
    const Fitting fitting = {row, m->known, m->rows};
    TRY(score_events(&events, keep, j->scratch, j->plan, d, as_of, err));
    TRY(feature_table_fit(&features, keep, j->scratch, j->plan, events, &fitting, j->args->team,
                          err));
    TRY(feature_matrix(&m->then, keep, j->plan, features, j->skip, d->id, row, m->rows, err));
    int64_t *until = ARENA_RAW(keep, int64_t, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++)
        until[i] = at_us - 1;
    TRY(score_events(&events, keep, j->scratch, j->plan, d, until, err));
    TRY(feature_table(&features, keep, j->scratch, j->plan, events, j->args->team, err));
    return feature_matrix(&m->whole, keep, j->plan, features, j->skip, d->id, row, m->rows, err);
}

static Status moment_make(Moment *m, Job *j, int64_t at_us, uint64_t seed, Arena *keep, Error *err)
{
    const Dataset *d = j->data;
    size_t n = j->fitting.count;
    *m = (Moment){.row = ARENA_RAW(keep, uint32_t, n), .known = ARENA_ARRAY(keep, uint8_t, n)};
    int64_t *first = ARENA_RAW(keep, int64_t, n), *end = ARENA_RAW(keep, int64_t, n);
    int64_t *cut = ARENA_RAW(keep, int64_t, n);
    uint32_t *group = j->set.group == NULL ? NULL : ARENA_RAW(keep, uint32_t, n);
    job_histories(j, j->scratch, first, end, at_us - 1);
    for (size_t i = 0; i < n; i++) {
        int64_t outcome = d->outcome_us[j->training_row[i]];
        bool undated = j->fitting.label[i] && outcome == OUTCOME_UNKNOWN;
        if (first[i] == NO_HISTORY || undated)
            continue; /* not a customer yet, or nobody knows what was known of it */
        first[m->rows] = first[i];
        end[m->rows] = end[i];
        m->known[m->rows] = j->fitting.label[i] && outcome < at_us;
        if (group != NULL)
            group[m->rows] = j->set.group[i];
        m->row[m->rows++] = (uint32_t)i;
    }
    (void)learn_cut_histories(cut, first, end, m->known, m->rows, seed_derive(seed, 0xC07));
    m->fold = ARENA_RAW(keep, uint32_t, m->rows + 1);
    m->margin = ARENA_ARRAY(keep, double, m->rows + 1);
    learn_folds(m->fold, m->known, group, m->rows, j->learn.folds, seed_derive(seed, 0xF01D));
    return tables(m, j, cut, at_us, keep, err);
}

/* The set of one fold: whom to learn from, as of then, and below them whom to judge. */
static void fold_set(TrainingSet *set, uint32_t *fold_of, uint32_t *place, const Moment *m,
                     const Job *j, uint32_t fold, Arena *keep)
{
    size_t columns = m->then->columns, count = 0;
    Matrix *x = matrix_new(keep, m->rows, columns);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, m->rows + 1);
    uint32_t *group = j->set.group == NULL ? NULL : ARENA_RAW(keep, uint32_t, m->rows + 1);
    for (size_t i = 0; i < m->rows; i++) {
        bool judged = m->fold[i] == fold;
        if (judged && m->known[i])
            continue;
        const Matrix *from = judged ? m->whole : m->then;
        memcpy(x->value + count * columns, matrix_row(from, i), columns * sizeof(float));
        x->id[count] = from->id[i];
        label[count] = judged ? j->fitting.label[m->row[i]] : m->known[i];
        fold_of[count] = judged ? 0 : 1; /* fold 0 is judged, and it alone */
        if (group != NULL)
            group[count] = j->set.group[m->row[i]];
        place[count++] = (uint32_t)i;
    }
    memcpy(x->name, m->then->name, columns * sizeof *x->name);
    x->rows = count;
    *set = (TrainingSet){.x = x, .label = label, .monotone = j->set.monotone, .group = group};
}

/* A blend's parts are averaged as they are: their calibration would need folds of their own. */
static void judge(Moment *m, Job *j, const Candidate *c, uint64_t seed, Arena *keep)
{
    size_t folds = j->learn.folds, parts = c->kind == MODEL_BLEND ? c->parts : 1;
    TrainingSet *set = ARENA_ARRAY(keep, TrainingSet, folds);
    OutOfFold *pass = ARENA_ARRAY(keep, OutOfFold, folds);
    uint32_t **place = ARENA_ARRAY(keep, uint32_t *, folds);
    for (size_t k = 0; k < folds; k++) {
        uint32_t *fold_of = ARENA_RAW(keep, uint32_t, m->rows + 1);
        place[k] = ARENA_RAW(keep, uint32_t, m->rows + 1);
        fold_set(&set[k], fold_of, place[k], m, j, (uint32_t)k, keep);
        pass[k] = (OutOfFold){&set[k], fold_of, seed_derive(seed, k),
                              ARENA_ARRAY(keep, double, m->rows + 1)};
    }
    LearnOptions once = j->learn;
    once.folds = 1;
    for (size_t part = 0; part < parts; part++) {
        const Candidate *one = c->kind == MODEL_BLEND ? c->part[part] : c;
        learn_out_of_fold(pass, folds, one, &once, j->args->team, j->scratch);
        for (size_t k = 0; k < folds; k++)
            for (size_t i = 0; i < set[k].x->rows; i++)
                if (pass[k].fold[i] == 0)
                    m->margin[place[k][i]] += pass[k].margin[i] / (double)parts;
    }
}

static Interval auc_of(const Judged *all, size_t from, size_t to, const Job *j)
{
    MetricSet m;
    const double *score[] = {all->score + from};
    metric_evaluate_groups(&m, score, 1, all->label + from, NULL, all->group + from, to - from, 0.5,
                           j->learn.replicates, seed_derive(j->learn.seed, 0xF0A), j->args->team);
    return m.metric[METRIC_AUC];
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How many of the ascending values are less, or with `or_equal` no more, than x. */
static size_t count_below(const double *sorted, size_t n, double x, bool or_equal)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        double value = sorted[middle];
        if (value < x || (or_equal && value == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Scores of different cuts are ranks, so that they may stand in one list. Equal ones share the
 * middle of theirs. */
static void collect(Judged *all, ForwardCut *cut, const Moment *m, const Job *j)
{
    size_t from = all->count, judged = 0;
    Arena scratch = j->scratch;
    double *margin = ARENA_RAW(&scratch, double, m->rows + 1);
    for (size_t i = 0; i < m->rows; i++)
        if (!m->known[i])
            margin[judged++] = m->margin[i];
    qsort(margin, judged, sizeof *margin, by_number);
    for (size_t i = 0; i < m->rows; i++) {
        if (m->known[i])
            continue;
        uint32_t row = m->row[i];
        size_t less = count_below(margin, judged, m->margin[i], false);
        size_t no_more = count_below(margin, judged, m->margin[i], true);
        all->score[all->count] = (double)less + 0.5 * (double)(no_more - less);
        all->label[all->count] = j->fitting.label[row];
        all->group[all->count] = j->set.group == NULL ? row : j->set.group[row];
        all->row[all->count++] = row;
        cut->later += j->fitting.label[row];
    }
    cut->judged = all->count - from;
    for (size_t i = from; i < all->count; i++)
        all->score[i] /= (double)cut->judged;
    cut->auc = auc_of(all, from, all->count, j);
}

/* Out of fold without regard to time, for the same customers. */
static Interval cross_validated(const Job *j, const Judged *all)
{
    const Validation *v = j->run.validation;
    MetricSet m;
    Arena scratch = j->scratch;
    uint8_t *in = ARENA_ARRAY(&scratch, uint8_t, v->rows);
    for (size_t i = 0; i < all->count; i++)
        in[all->row[i]] = 1;
    metric_evaluate_groups(&m, (const double *const *)v->candidate[v->chosen].probability,
                           v->repeats, j->set.label, in, j->set.group, v->rows, j->learn.threshold,
                           j->learn.replicates, seed_derive(j->learn.seed, 0xF0B), j->args->team);
    return m.metric[METRIC_AUC];
}

static void say(Job *j, const Forward *f)
{
    Arena scratch = j->scratch;
    const ForwardCut *last = &f->cut[f->cuts - 1];
    findings_add(j->data->findings, f->worse ? SEVERITY_WARNING : SEVERITY_INFO,
                 f->worse ? "worse_forward" : "forward", f->cuts,
                 str_format(&scratch,
                            "trained on what was known at %zu earlier instants and judged by the "
                            "outcomes since (%zu at the last), the model reaches an AUC of %.3f "
                            "[%.3f, %.3f]; cross-validation, which may learn from later customers, "
                            "says %.3f [%.3f, %.3f] for the same customers",
                            f->cuts, last->later, f->auc.value, f->auc.low, f->auc.high,
                            f->cross_validated.value, f->cross_validated.low,
                            f->cross_validated.high),
                 f->worse ? S("expect the lower figure next month: what tells risk has changed, or "
                              "the histories at hand then were too short")
                          : S("nothing: time does not make the figures worse"));
}

/* Instants before which enough outcomes were known and after which enough came. */
static size_t moments(int64_t at_us[FORWARD_CUTS], const Job *j, Arena scratch)
{
    size_t n = 0, cuts = 0;
    int64_t *outcome = ARENA_RAW(&scratch, int64_t, j->fitting.count);
    int64_t *first = ARENA_RAW(&scratch, int64_t, j->fitting.count);
    int64_t *end = ARENA_RAW(&scratch, int64_t, j->fitting.count);
    job_histories(j, scratch, first, end, j->data->as_of_us);
    for (size_t i = 0; i < j->fitting.count; i++) {
        int64_t at = j->data->outcome_us[j->training_row[i]];
        if (j->fitting.label[i] && at != OUTCOME_UNKNOWN && first[i] < at)
            outcome[n++] = at;
    }
    if (n > 0)
        qsort(outcome, n, sizeof *outcome, ascending);
    for (size_t k = 0; k < FORWARD_CUTS; k++) {
        size_t before = (size_t)(forward_share[k] * (double)n);
        if (before >= n)
            continue;
        int64_t at = outcome[before];
        while (before > 0 && outcome[before - 1] == at)
            before--;
        if (before >= FORWARD_LEAST && n - before >= FORWARD_LEAST &&
            (cuts == 0 || at_us[cuts - 1] < at))
            at_us[cuts++] = at;
    }
    return cuts;
}

static Status forward(Forward *f, Judged *all, Job *j, const int64_t *at_us, Error *err)
{
    const Candidate *chosen = &j->run.validation->candidate[j->run.validation->chosen];
    for (size_t k = 0; k < f->cuts; k++) {
        Arena own = arena_new();
        Moment m;
        uint64_t seed = seed_derive(seed_derive(j->learn.seed, 0xF0C), k);
        ForwardCut *cut = &f->cut[k];
        Status status = moment_make(&m, j, at_us[k], seed, &own, err);
        cut->at_us = at_us[k];
        for (size_t i = 0; status == STATUS_OK && i < m.rows; i++)
            cut->known += m.known[i];
        if (status == STATUS_OK) {
            judge(&m, j, chosen, seed, &own);
            collect(all, cut, &m, j);
        }
        arena_free(&own);
        TRY(status);
    }
    return STATUS_OK;
}

Status job_forward(Job *j, Error *err)
{
    int64_t at_us[FORWARD_CUTS];
    if (j->data->outcome_us == NULL || j->run.validation == NULL)
        return STATUS_OK;
    job_stage(j, "forward", "judging forward in time");
    Forward *f = ARENA_NEW(j->keep, Forward);
    f->cuts = moments(at_us, j, j->scratch);
    if (f->cuts == 0) {
        findings_add(j->data->findings, SEVERITY_INFO, "no_forward_validation", 1,
                     str_format(j->keep,
                                "no instant has %d outcomes of customers with a history before it "
                                "and %d after it",
                                FORWARD_LEAST, FORWARD_LEAST),
                     S("not judged forward in time"));
        return STATUS_OK;
    }
    size_t most = f->cuts * j->fitting.count;
    Judged all = {ARENA_RAW(j->keep, double, most), ARENA_RAW(j->keep, uint8_t, most),
                  ARENA_RAW(j->keep, uint32_t, most), ARENA_RAW(j->keep, uint32_t, most), 0};
    /* Population features are fitted anew for each instant: the run's own come back. */
    Peers **peers = ARENA_RAW(j->keep, Peers *, j->plan->features + 1);
    for (size_t i = 0; i < j->plan->features; i++)
        peers[i] = j->plan->feature[i].peers;
    Status status = forward(f, &all, j, at_us, err);
    for (size_t i = 0; i < j->plan->features; i++)
        j->plan->feature[i].peers = peers[i];
    TRY(status);
    f->auc = auc_of(&all, 0, all.count, j);
    f->cross_validated = cross_validated(j, &all);
    f->worse = f->auc.high < f->cross_validated.value;
    say(j, f);
    j->run.forward = f;
    return STATUS_OK;
}
