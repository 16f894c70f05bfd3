#include "metric/metric.h"

#include <math.h>
#include <stdlib.h>

/* The plain forms: each metric by its definition, over one sorted copy of the customers.
 * They are also the oracle of the bootstrap's counting pass in evaluate.c. */

typedef struct Item {
    double score;
    size_t index;
} Item;

/* A total order, so that the result does not depend on the sorting algorithm. */
static int ascending(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The customers by score, or NULL when a score is missing: no order holds a NaN. */
static Item *sorted(const double *score, size_t n, Arena *scratch)
{
    Item *item = ARENA_RAW(scratch, Item, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (is_missing(score[i]))
            return NULL;
        item[i] = (Item){score[i], i};
    }
    qsort(item, n, sizeof *item, ascending);
    return item;
}

static size_t positives(const uint8_t *label, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += label[i] != 0;
    return count;
}

double metric_auc(const double *score, const uint8_t *label, size_t n, Arena scratch)
{
    size_t p = positives(label, n), q = n - p;
    const Item *item = p == 0 || q == 0 ? NULL : sorted(score, n, &scratch);
    if (item == NULL)
        return NAN;
    uint64_t halves = 0; /* twice the Mann-Whitney U: a tie is one half */
    size_t below = 0;    /* negatives under the present score */
    for (size_t i = 0, j; i < n; i = j) {
        size_t positive = 0, negative = 0;
        for (j = i; j < n && item[j].score == item[i].score; j++)
            *(label[item[j].index] ? &positive : &negative) += 1;
        halves += (uint64_t)positive * (2 * (uint64_t)below + negative);
        below += negative;
    }
    return (double)halves / (2.0 * (double)p * (double)q);
}

double metric_average_precision(const double *score, const uint8_t *label, size_t n, Arena scratch)
{
    size_t p = positives(label, n);
    const Item *item = p == 0 ? NULL : sorted(score, n, &scratch);
    if (item == NULL)
        return NAN;
    double sum = 0;
    size_t found = 0; /* positives at or above the present score */
    for (size_t end = n, start; end > 0; end = start) {
        size_t fresh = 0;
        for (start = end; start > 0 && item[start - 1].score == item[end - 1].score; start--)
            fresh += label[item[start - 1].index] != 0;
        found += fresh;
        sum += (double)fresh * ((double)found / (double)(n - start));
    }
    return sum / (double)p;
}

double metric_brier(const double *p, const uint8_t *label, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double gap = p[i] - (label[i] ? 1.0 : 0.0);
        sum += gap * gap;
    }
    return n == 0 ? NAN : sum / (double)n;
}

double metric_log_loss(const double *p, const uint8_t *label, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = p[i] < 1e-15 ? 1e-15 : p[i] > 1 - 1e-15 ? 1 - 1e-15 : p[i];
        sum -= label[i] ? stable_log(x) : stable_log1p(-x);
    }
    return n == 0 ? NAN : sum / (double)n;
}

double metric_ece(const double *p, const uint8_t *label, size_t n, size_t bins, Arena scratch)
{
    const Item *item = n == 0 || bins == 0 ? NULL : sorted(p, n, &scratch);
    if (item == NULL)
        return NAN;
    double sum = 0;
    size_t i = 0;
    for (size_t bin = 0; bin < bins; bin++) {
        double gap = 0; /* bin's share of customers times |mean p - mean label|, times n */
        for (; i < (bin + 1) * n / bins; i++)
            gap += item[i].score - (label[item[i].index] ? 1.0 : 0.0);
        sum += fabs(gap);
    }
    return sum / (double)n;
}

Confusion metric_confusion(const double *p, const uint8_t *label, size_t n, double threshold)
{
    Confusion c = {0};
    for (size_t i = 0; i < n; i++) {
        bool predicted = p[i] >= threshold; /* false for NaN */
        if (predicted)
            *(label[i] ? &c.true_positive : &c.false_positive) += 1;
        else
            *(label[i] ? &c.false_negative : &c.true_negative) += 1;
    }
    return c;
}

Str metric_name(MetricKind kind)
{
    switch (kind) {
    case METRIC_AUC:
        return S("auc");
    case METRIC_PR_AUC:
        return S("pr_auc");
    case METRIC_BRIER:
        return S("brier");
    case METRIC_LOG_LOSS:
        return S("log_loss");
    case METRIC_ECE:
        return S("ece");
    case METRIC_ACCURACY:
        return S("accuracy");
    case METRIC_PRECISION:
        return S("precision");
    case METRIC_RECALL:
        return S("recall");
    case METRIC_F1:
        return S("f1");
    case METRIC_KINDS:
        break;
    }
    return S("");
}

Interval metric_proportion(size_t successes, size_t trials)
{
    if (trials == 0)
        return (Interval){NAN, NAN, NAN};
    const double z = 1.959963984540054, n = (double)trials, p = (double)successes / n;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double low = successes == 0 ? 0.0 : centre - half;
    double high = successes == trials ? 1.0 : centre + half;
    return (Interval){p, low, high};
}
