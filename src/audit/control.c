#include "audit/audit_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Shuffles are independent of each other given the customers, so the mean of twenty is judged by
 * Student's t: beyond 4 standard errors lies one clean set in a thousand (19 degrees). */
static const double STANDARD_ERRORS = 4;

double within_fold_auc(const double *margin, const uint8_t *label, const uint32_t *fold_of,
                       size_t rows, size_t folds, Arena scratch)
{
    double won = 0, pairs = 0;
    double *score = ARENA_RAW(&scratch, double, rows);
    uint8_t *of = ARENA_RAW(&scratch, uint8_t, rows);
    for (size_t k = 0; k < folds; k++) {
        size_t n = 0, positives = 0;
        for (size_t i = 0; i < rows; i++)
            if (fold_of[i] == k) {
                score[n] = margin[i];
                of[n] = label[i] != 0;
                positives += of[n++];
            }
        double weight = (double)positives * (double)(n - positives);
        if (weight == 0)
            continue;
        won += weight * metric_auc(score, of, n, scratch);
        pairs += weight;
    }
    return won / pairs;
}

/* With labels at random the AUC of m positives and n negatives has variance
 * (m + n + 1) / (12 m n) (Mann and Whitney 1947; near Hanley and McNeil's at .5). Folds would add
 * theirs if they were independent. They are not: what one fold happens to show is what the others
 * were trained on, and the other way round, so the spread of the shuffles themselves is wider, up
 * to half as much again. The larger of the two counts. */
static void control_limits(Control *c, const uint8_t *label, size_t rows, size_t folds)
{
    double positives = 0, square = 0, shuffles = (double)c->shuffles;
    for (size_t i = 0; i < rows; i++)
        positives += label[i] != 0;
    double m = positives / (double)folds, n = ((double)rows - positives) / (double)folds;
    double least = (m + n + 1) / (12 * m * n) / (double)folds;
    for (size_t k = 0; k < c->shuffles; k++)
        square += (c->auc[k] - c->mean) * (c->auc[k] - c->mean);
    double seen = c->shuffles > 1 ? square / (shuffles - 1) : 0;
    double error = sqrt((seen > least ? seen : least) / shuffles);
    c->low = 0.5 - STANDARD_ERRORS * error;
    c->high = 0.5 + STANDARD_ERRORS * error;
    c->low = c->low < 0 ? 0 : c->low;
    c->high = c->high > 1 ? 1 : c->high;
    c->passed = c->mean >= c->low && c->mean <= c->high;
}

/* ---- shuffling ---- */

/* Units of a size that fewer than so many have are broken up: among two units of seven there is
 * hardly a shuffle, and the truth would stand every other time. */
enum { UNITS_LEAST = 5 };

typedef struct Unit {
    uint32_t size, first; /* rows, and where they begin in the list */
} Unit;

static int by_unit(const void *a, const void *b, void *context)
{
    const uint32_t *unit = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    uint32_t x = unit == NULL ? i : unit[i], y = unit == NULL ? j : unit[j];
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

static int by_size(const void *a, const void *b)
{
    const Unit *x = a, *y = b;
    return x->size != y->size ? (x->size > y->size) - (x->size < y->size)
                              : (x->first > y->first) - (x->first < y->first);
}

void shuffle_labels(uint8_t *out, const uint8_t *label, const uint32_t *unit, size_t rows,
                    Random *random, Arena scratch)
{
    uint32_t *row = ARENA_RAW(&scratch, uint32_t, rows + 1);
    Unit *units = ARENA_RAW(&scratch, Unit, rows + 1);
    uint32_t *loose = ARENA_RAW(&scratch, uint32_t, rows + 1);
    uint32_t *to = ARENA_RAW(&scratch, uint32_t, rows + 1);
    size_t count = 0, loners = 0;
    for (size_t i = 0; i < rows; i++)
        row[i] = (uint32_t)i;
    qsort_r(row, rows, sizeof *row, by_unit, (void *)(uintptr_t)unit);
    for (size_t from = 0, until; from < rows; from = until) {
        for (until = from + 1; until < rows && unit != NULL && unit[row[until]] == unit[row[from]];)
            until++;
        units[count++] = (Unit){(uint32_t)(until - from), (uint32_t)from};
    }
    qsort(units, count, sizeof *units, by_size);
    for (size_t from = 0, until; from < count; from = until) {
        uint32_t size = units[from].size;
        for (until = from + 1; until < count && units[until].size == size;)
            until++;
        if (size == 1 || until - from < UNITS_LEAST) {
            for (size_t u = from; u < until; u++)
                for (uint32_t k = 0; k < size; k++)
                    loose[loners++] = row[units[u].first + k];
            continue;
        }
        for (size_t u = 0; u < until - from; u++)
            to[u] = (uint32_t)u;
        random_shuffle(random, to, until - from);
        for (size_t u = 0; u < until - from; u++) {
            /* Who is who within a unit is chance, too. */
            uint32_t order[64],
                *turn = size <= COUNT_OF(order) ? order : ARENA_RAW(&scratch, uint32_t, size);
            for (uint32_t k = 0; k < size; k++)
                turn[k] = k;
            random_shuffle(random, turn, size);
            for (uint32_t k = 0; k < size; k++)
                out[row[units[from + u].first + k]] =
                    label[row[units[from + to[u]].first + turn[k]]] != 0;
        }
    }
    memcpy(to, loose, loners * sizeof *to);
    random_shuffle(random, to, loners);
    for (size_t i = 0; i < loners; i++)
        out[loose[i]] = label[to[i]] != 0;
}

/* ---- a sample ---- */

size_t audit_sample(uint32_t *row, const uint8_t *label, size_t rows, size_t most, size_t least,
                    uint64_t seed, Arena scratch)
{
    size_t positives = 0, count = 0;
    for (size_t i = 0; i < rows; i++) {
        row[i] = (uint32_t)i;
        positives += label[i] != 0;
    }
    if (rows <= most)
        return rows;
    size_t rarer = 2 * positives <= rows ? 1 : 0;
    size_t has = rarer == 1 ? positives : rows - positives;
    size_t rare = (size_t)((double)has * (double)most / (double)rows + 0.5);
    rare = rare < least ? least : rare;
    rare = rare > has ? has : rare;
    size_t want[2];
    want[rarer] = rare;
    want[1 - rarer] = most - rare;
    uint32_t *order = arena_copy(&scratch, row, rows * sizeof *row);
    Random r = random_new(seed);
    random_shuffle(&r, order, rows);
    for (size_t i = 0; i < rows; i++)
        if (want[label[order[i]] != 0] > 0) {
            want[label[order[i]] != 0]--;
            row[count++] = order[i];
        }
    return count;
}

size_t audit_pick(uint32_t *row, size_t rows, size_t most, uint64_t seed, Arena scratch)
{
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, rows + 1);
    uint8_t *drawn = ARENA_ARRAY(&scratch, uint8_t, rows + 1);
    size_t count = 0, want = rows < most ? rows : most;
    for (size_t i = 0; i < rows; i++)
        order[i] = (uint32_t)i;
    Random r = random_new(seed);
    random_shuffle(&r, order, rows);
    for (size_t i = 0; i < want; i++)
        drawn[order[i]] = 1;
    for (size_t i = 0; i < rows; i++)
        if (drawn[i])
            row[count++] = (uint32_t)i;
    return count;
}

/* ---- the control ---- */

void audit_control(Control *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Candidate *candidate, const uint32_t *unit, const LearnOptions *options,
                   Team *team, const Progress *progress)
{
    size_t rows = set->x->rows, count = options->shuffles, folds = options->folds;
    OutOfFold *pass = ARENA_ARRAY(&scratch, OutOfFold, count);
    for (size_t k = 0; k < count; k++) {
        uint64_t seed = seed_derive(seed_derive(options->seed, STREAM_SHUFFLE), k);
        Random random = random_new(seed_derive(seed, 0));
        uint8_t *label = ARENA_RAW(&scratch, uint8_t, rows);
        uint32_t *fold = ARENA_RAW(&scratch, uint32_t, rows);
        shuffle_labels(label, set->label, unit, rows, &random, scratch);
        learn_folds(fold, label, set->group, rows, folds, seed_derive(seed, 1));
        TrainingSet *shuffled = ARENA_NEW(&scratch, TrainingSet);
        *shuffled = *set;
        shuffled->label = label;
        pass[k] = (OutOfFold){shuffled, fold, seed, ARENA_ARRAY(&scratch, double, rows)};
    }
    progress_tell(progress, "training on shuffled labels", 0, 1);
    learn_out_of_fold(pass, count, candidate, options, team, scratch);

    out->shuffles = count;
    out->candidate = str_copy(keep, candidate->name);
    out->auc = ARENA_ARRAY(keep, double, count);
    out->mean = 0;
    for (size_t k = 0; k < count; k++) {
        out->auc[k] =
            within_fold_auc(pass[k].margin, pass[k].set->label, pass[k].fold, rows, folds, scratch);
        out->mean += out->auc[k];
    }
    out->mean /= (double)count;
    control_limits(out, set->label, rows, folds);
}

enum { SHUFFLES_ENOUGH = 20 }; /* fewer judge little */

static void say_control(Findings *f, const Control *c, Arena scratch)
{
    Str sees = c->high < 1 ? str_format(&scratch,
                                        "a leak that lifts it to %.3f or more would be seen more "
                                        "often than not",
                                        c->high)
                           : S("limits this wide show no leak at all");
    Str what =
        str_format(&scratch,
                   "with labels shuffled over customers search and fit of %.*s reach a mean "
                   "AUC of %.3f over %zu shuffles; clean data stays within %.3f and %.3f; "
                   "%.*s",
                   STR_ARG(c->candidate), c->mean, c->shuffles, c->low, c->high, STR_ARG(sees));
    findings_add(
        f, c->passed ? SEVERITY_INFO : SEVERITY_SEVERE, "negative_control", c->shuffles, what,
        c->passed && control_judges_little(c)
            ? S("passed, but it judges little: customers of the rarer class, or shuffles, are "
                "few")
        : c->passed ? S("nothing: search and fit find no signal where there is none")
                    : S("do not trust the validation: something of a customer reaches the "
                        "fold that judges it"));
    if (c->shuffles < SHUFFLES_ENOUGH)
        findings_add(f, SEVERITY_WARNING, "few_shuffles", c->shuffles,
                     str_format(&scratch,
                                "the negative control ran on %zu shuffle%s of the labels: it "
                                "judges little, for its limits are wide and rest on a spread that "
                                "was hardly seen",
                                c->shuffles, c->shuffles == 1 ? "" : "s"),
                     str_format(&scratch, "take its verdict for little; run it on %d shuffles",
                                SHUFFLES_ENOUGH));
}

Status audit_negative_control(Audit *audit, Arena *keep, Arena scratch, const TrainingSet *set,
                              const Candidate *candidate, const LearnOptions *options,
                              Findings *findings, Team *team, const Progress *progress, Error *err)
{
    TRY(learn_check_classes(set->label, NULL, set->x->rows, options->folds > 4 ? options->folds : 4,
                            err));
    audit_control(&audit->control, keep, scratch, set, candidate, set->group, options, team,
                  progress);
    say_control(findings, &audit->control, scratch);
    return STATUS_OK;
}
