/* columns.c - one column: its bins by group, its quantiles, its outliers. */
#include "describe/describe_internal.h"

#include <math.h>
#include <stdlib.h>

double describe_number(const Column *c, size_t row)
{
    double x = cell_double(c, row);
    if (c->type == TYPE_DURATION || c->type == TYPE_TIME)
        x /= (double)DAY_US;
    return x;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void count_missing(DescribedColumn *out, const Column *c, const GroupBits *bits, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
            if (in_group(bits[i], g)) {
                out->summary[g].customers++;
                out->summary[g].missing += !column_valid(c, i);
            }
}

/* ---- levels ---- */

typedef struct Level {
    Str text;
    size_t count;
    uint32_t code;
} Level;

static int by_count(const void *a, const void *b)
{
    const Level *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return str_compare(x->text, y->text);
}

static DescribeBin *add_bin(DescribedColumn *out, DescribeBin bin)
{
    out->bin[out->bins] = bin;
    return &out->bin[out->bins++];
}

static void count_in(DescribeBin *bin, GroupBits bits)
{
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
        bin->count[g] += in_group(bits, g);
}

static void add_missing(DescribedColumn *out)
{
    size_t missing = 0;
    DescribeBin bin = {
        .low = MISSING_VALUE, .high = MISSING_VALUE, .level = S("missing"), .missing = true};
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
        bin.count[g] = out->summary[g].missing;
        missing += bin.count[g];
    }
    if (missing > 0)
        add_bin(out, bin);
}

/* code[row] below codes, NO_CODE when missing. */
static void describe_levels(DescribedColumn *out, const uint32_t *code, const Str *text,
                            size_t codes, const GroupBits *bits, size_t rows, Arena scratch)
{
    Level *level = ARENA_ARRAY(&scratch, Level, codes + 1);
    uint32_t *bin = ARENA_ARRAY(&scratch, uint32_t, codes + 1);
    size_t known = 0, levels = 0;
    for (size_t i = 0; i < codes; i++)
        level[i] = (Level){text[i], 0, (uint32_t)i};
    for (size_t i = 0; i < rows; i++)
        if (code[i] != NO_CODE) {
            level[code[i]].count++;
            known++;
        }
    for (size_t i = 0; i < codes; i++)
        if (level[i].count > 0)
            level[levels++] = level[i];
    out->distinct = levels;
    if (levels <= 1) {
        out->kind = DESCRIBE_CONSTANT;
        return;
    }
    qsort(level, levels, sizeof *level, by_count);
    size_t shown = 0;
    while (shown < levels && shown < DESCRIBE_LEVELS_MAX && level[shown].count >= DESCRIBE_LEAST)
        shown++;
    if (shown == 0 || (levels > 50 && levels * 2 > known)) {
        out->kind = DESCRIBE_IDENTIFIER;
        return;
    }
    out->kind = DESCRIBE_LEVELS;
    for (size_t i = 0; i < shown; i++) {
        bin[level[i].code] = (uint32_t)i;
        add_bin(out,
                (DescribeBin){.low = MISSING_VALUE, .high = MISSING_VALUE, .level = level[i].text});
    }
    for (size_t i = shown; i < levels; i++)
        bin[level[i].code] = (uint32_t)shown;
    if (shown < levels)
        add_bin(out, (DescribeBin){.low = MISSING_VALUE,
                                   .high = MISSING_VALUE,
                                   .level = S("other levels"),
                                   .others = true});
    for (size_t i = 0; i < rows; i++)
        if (code[i] != NO_CODE)
            count_in(&out->bin[bin[code[i]]], bits[i]);
    add_missing(out);
}

static void describe_category(DescribedColumn *out, const Column *c, const GroupBits *bits,
                              size_t rows, Arena scratch)
{
    uint32_t *code = ARENA_RAW(&scratch, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        code[i] = column_valid(c, i) ? c->code[i] : NO_CODE;
    describe_levels(out, code, c->dictionary->text, c->dictionary->count, bits, rows, scratch);
}

static void describe_boolean(DescribedColumn *out, const Column *c, const GroupBits *bits,
                             size_t rows, Arena scratch)
{
    static const Str words[] = {{"no", 2}, {"yes", 3}};
    uint32_t *code = ARENA_RAW(&scratch, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        code[i] = column_valid(c, i) ? c->boolean[i] != 0 : NO_CODE;
    describe_levels(out, code, words, 2, bits, rows, scratch);
}

/* ---- numbers ---- */

static void summarize(DescribeSummary *s, const double *value, size_t n)
{
    s->mean = s->p05 = s->q1 = s->median = s->q3 = s->p95 = MISSING_VALUE;
    if (n < DESCRIBE_LEAST)
        return;
    ExactSum sum = {.count = 0};
    for (size_t i = 0; i < n; i++)
        exact_add(&sum, value[i]);
    s->mean = exact_value(&sum) / (double)n;
    s->p05 = metric_quantile(value, n, 0.05);
    s->q1 = metric_quantile(value, n, 0.25);
    s->median = metric_quantile(value, n, 0.5);
    s->q3 = metric_quantile(value, n, 0.75);
    s->p95 = metric_quantile(value, n, 0.95);
}

/* Upper ends of the bins but the last; a value of more than a tenth of all is an end once. */
static size_t cuts_of(double *cut, const double *value, size_t n)
{
    size_t bins = n / DESCRIBE_LEAST < DESCRIBE_BINS ? n / DESCRIBE_LEAST : DESCRIBE_BINS;
    size_t cuts = 0;
    for (size_t k = 1; k < bins; k++) {
        double at = metric_quantile(value, n, (double)k / (double)bins);
        if (at < value[n - 1] && (cuts == 0 || at > cut[cuts - 1]))
            cut[cuts++] = at;
    }
    return cuts;
}

static size_t bin_of(const DescribedColumn *out, size_t bins, double x)
{
    size_t b = 0;
    while (b + 1 < bins && x > out->bin[b].high)
        b++;
    return b;
}

static void describe_bins(DescribedColumn *out, const double *value, size_t n, const Column *c,
                          const GroupBits *bits, size_t rows)
{
    double cut[DESCRIBE_BINS];
    if (out->distinct <= DESCRIBE_VALUES) {
        for (size_t i = 0; i < n; i++)
            if (i == 0 || value[i] != value[i - 1])
                add_bin(out, (DescribeBin){.low = value[i], .high = value[i]});
    } else {
        size_t cuts = cuts_of(cut, value, n);
        for (size_t k = 0; k <= cuts; k++)
            add_bin(out, (DescribeBin){.low = k == 0 ? MISSING_VALUE : cut[k - 1],
                                       .high = k == cuts ? MISSING_VALUE : cut[k]});
    }
    size_t bins = out->bins;
    for (size_t i = 0; i < rows; i++) {
        double x = describe_number(c, i);
        if (!is_missing(x))
            count_in(&out->bin[bin_of(out, bins, x)], bits[i]);
    }
    add_missing(out);
}

static double deviation_of(const double *value, size_t n, double median, Arena scratch)
{
    double *away = ARENA_RAW(&scratch, double, n + 1);
    for (size_t i = 0; i < n; i++)
        away[i] = fabs(value[i] - median);
    qsort(away, n, sizeof *away, ascending);
    return metric_quantile(away, n, 0.5);
}

/* The share of the sum that the top hundredth of the customers hold. */
static double top_share(const double *value, size_t n)
{
    enum { CUSTOMERS_LEAST = 500 };
    if (n < CUSTOMERS_LEAST || value[0] < 0)
        return MISSING_VALUE;
    ExactSum all = {.count = 0}, top = {.count = 0};
    for (size_t i = 0; i < n; i++) {
        exact_add(&all, value[i]);
        if (i >= n - n / 100)
            exact_add(&top, value[i]);
    }
    double sum = exact_value(&all);
    return sum > 0 ? exact_value(&top) / sum : MISSING_VALUE;
}

static void find_outliers(DescribeOutliers *out, const double *value, size_t n, const Column *c,
                          const GroupBits *bits, size_t rows, Arena scratch)
{
    *out =
        (DescribeOutliers){.known = n, .top_mean = MISSING_VALUE, .top_share = top_share(value, n)};
    if (n < (size_t)4 * DESCRIBE_LEAST)
        return;
    out->q1 = metric_quantile(value, n, 0.25);
    out->q3 = metric_quantile(value, n, 0.75);
    out->median = metric_quantile(value, n, 0.5);
    out->deviation = deviation_of(value, n, out->median, scratch);
    double between = out->q3 - out->q1;
    out->possible = between > 0;
    ExactSum top = {.count = 0};
    for (size_t i = n - DESCRIBE_LEAST; i < n; i++)
        exact_add(&top, value[i]);
    out->top_mean = exact_value(&top) / DESCRIBE_LEAST;
    for (size_t i = 0; i < n; i++) {
        out->below += value[i] < out->q1 - 1.5 * between;
        out->above += value[i] > out->q3 + 1.5 * between;
        out->far_below += value[i] < out->q1 - 3 * between;
        out->far_above += value[i] > out->q3 + 3 * between;
        out->strange +=
            out->deviation > 0 && 0.6745 * fabs(value[i] - out->median) > 3.5 * out->deviation;
    }
    for (size_t i = 0; i < rows; i++) {
        double x = describe_number(c, i);
        if (is_missing(x))
            continue;
        bool far = x < out->q1 - 3 * between || x > out->q3 + 3 * between;
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
            if (in_group(bits[i], g)) {
                out->known_in[g]++;
                out->far[g] += far;
            }
    }
}

/* A value and whose it is, so that one sorting serves every group. */
typedef struct Item {
    double value;
    GroupBits bits;
} Item;

static int by_value(const void *a, const void *b)
{
    double x = ((const Item *)a)->value, y = ((const Item *)b)->value;
    return (x > y) - (x < y);
}

static void describe_numbers(DescribedColumn *out, const Column *c, const GroupBits *bits,
                             size_t rows, Arena scratch)
{
    Item *item = ARENA_RAW(&scratch, Item, rows + 1);
    double *value = ARENA_RAW(&scratch, double, rows + 1);
    size_t known = 0, n = 0;
    for (size_t i = 0; i < rows; i++) {
        double x = describe_number(c, i);
        if (!is_missing(x))
            item[known++] = (Item){x, bits[i]};
    }
    qsort(item, known, sizeof *item, by_value);     /* equal values are equal, whoever's they are */
    for (size_t g = 0; g <= DESCRIBE_GROUPS; g++) { /* each group, then everybody */
        n = 0;
        for (size_t i = 0; i < known; i++)
            if (g == DESCRIBE_GROUPS || in_group(item[i].bits, g))
                value[n++] = item[i].value;
        if (g < DESCRIBE_GROUPS)
            summarize(&out->summary[g], value, n);
    }
    out->whole = true;
    for (size_t i = 0; i < n; i++) {
        out->distinct += i == 0 || value[i] != value[i - 1];
        out->whole = out->whole && value[i] == floor(value[i]);
    }
    if (out->distinct <= 1) {
        out->kind = DESCRIBE_CONSTANT;
        return;
    }
    out->kind = DESCRIBE_NUMBER;
    describe_bins(out, value, n, c, bits, rows);
    find_outliers(&out->outliers, value, n, c, bits, rows, scratch);
}

void column_describe(DescribedColumn *out, const Column *c, const GroupBits *bits, size_t rows,
                     Arena scratch)
{
    out->unit = c->type == TYPE_DURATION                       ? DESCRIBE_DAYS
                : c->type == TYPE_TIME || c->type == TYPE_DATE ? DESCRIBE_DATE
                                                               : DESCRIBE_PLAIN;
    count_missing(out, c, bits, rows);
    if (out->kind == DESCRIBE_PROTECTED)
        return;
    if (c->type == TYPE_CATEGORY || c->type == TYPE_TEXT)
        describe_category(out, c, bits, rows, scratch);
    else if (c->type == TYPE_BOOLEAN)
        describe_boolean(out, c, bits, rows, scratch);
    else
        describe_numbers(out, c, bits, rows, scratch);
}
