/* describe.h - what came in, in numbers: distributions, missing values, outliers, rank correlations
 * and the time that is covered, by class (risky or not) and by cohort (labelled or to be scored).
 *
 * Everything is an aggregate of bounded size, however many customers there are: bins, quantiles and
 * counts. Counts are exact; who shows them hides those below DESCRIBE_LEAST. Columns on a protected
 * ground are described by what is missing alone, and identifiers likewise. Numbers are in the
 * unit that their column says. Sources: Hyndman and Fan 1996 (quantiles, type 7); Tukey 1977
 * (fences); Iglewicz and Hoaglin 1993 (robust z); Bonett and Wright 2000 (intervals of Spearman's
 * coefficient).
 */
#ifndef DESCRIBE_DESCRIBE_H
#define DESCRIBE_DESCRIBE_H

#include "feature/feature.h"
#include "metric/metric.h"

/* A count below is shown as "fewer than 5". */
enum { DESCRIBE_LEAST = 5 };

/* Who is counted. A customer in both cohorts counts in both. */
typedef enum DescribeGroup {
    DESCRIBE_POSITIVE, /* labelled, risky */
    DESCRIBE_NEGATIVE, /* labelled, not risky */
    DESCRIBE_LABELLED, /* all of the labelled files */
    DESCRIBE_SCORED,   /* to be scored */
    DESCRIBE_GROUPS
} DescribeGroup;
static inline const char *describe_group_name(DescribeGroup g)
{
    static const char *const names[] = {"risky", "not_risky", "labelled", "to_be_scored"};
    return names[g];
}

typedef enum DescribeKind {
    DESCRIBE_NUMBER,     /* bins at deciles, or a bin a value */
    DESCRIBE_LEVELS,     /* a bin a level */
    DESCRIBE_CONSTANT,   /* one value at most: nothing to tell apart */
    DESCRIBE_IDENTIFIER, /* values name customers: only what is missing */
    DESCRIBE_PROTECTED   /* likewise */
} DescribeKind;
static inline const char *describe_kind_name(DescribeKind k)
{
    static const char *const names[] = {"number", "levels", "constant", "identifier", "protected"};
    return names[k];
}

typedef enum DescribeUnit {
    DESCRIBE_PLAIN,
    DESCRIBE_DAYS, /* a duration */
    DESCRIBE_DATE  /* days since 1970 */
} DescribeUnit;

typedef struct DescribeBin {
    double low, high; /* (low, high]; NaN at an open end; equal: one value */
    Str level;        /* of levels, and "missing", "other levels" */
    bool missing, others;
    size_t count[DESCRIBE_GROUPS];
} DescribeBin;

/* Of the customers with a value; NaN below DESCRIBE_LEAST of them. */
typedef struct DescribeSummary {
    size_t customers, missing; /* customers: with and without a value */
    double mean, p05, q1, median, q3, p95;
} DescribeSummary;

/* Of all customers with a value, whatever group. */
typedef struct DescribeOutliers {
    bool possible;                    /* the quartiles differ */
    size_t known;                     /* customers with a value */
    double q1, q3;                    /* fences at 1.5 and 3 times their distance beyond */
    size_t below, above;              /* beyond the inner fences */
    size_t far_below, far_above;      /* beyond the outer ones */
    size_t far[DESCRIBE_GROUPS];      /* beyond either outer fence, and ... */
    size_t known_in[DESCRIBE_GROUPS]; /* ... of so many with a value */
    double median, deviation;         /* median absolute deviation; 0: no robust z */
    size_t strange;                   /* robust z beyond 3.5 */
    double top_mean;                  /* of the greatest 5 */
    double top_share;                 /* of the sum that the top 1 % hold; NaN below 500
                                         customers or with values below 0 */
} DescribeOutliers;

enum { DESCRIBE_BINS = 10, DESCRIBE_VALUES = 10, DESCRIBE_LEVELS_MAX = 12, DESCRIBE_BINS_MAX = 16 };

/* A column of the customers' files, or a feature. */
typedef struct DescribedColumn {
    Str name;
    bool feature;
    uint32_t index; /* of the plan, when a feature */
    Str ground;     /* the protected ground, or empty */
    DescribeKind kind;
    DescribeUnit unit;
    size_t distinct; /* values */
    bool whole;      /* a number without a fraction, in every row */
    size_t bins;
    DescribeBin bin[DESCRIBE_BINS_MAX];
    DescribeSummary summary[DESCRIBE_GROUPS]; /* counts for every kind, figures for numbers */
    DescribeOutliers outliers;                /* of numbers */
} DescribedColumn;

/* How often a column has no value. */
typedef enum DescribeOf {
    DESCRIBE_OF_CUSTOMERS,
    DESCRIBE_OF_TRANSACTIONS, /* rows are transactions as known at as_of */
    DESCRIBE_OF_FEATURES
} DescribeOf;
static inline const char *describe_of_name(DescribeOf of)
{
    static const char *const names[] = {"customers", "transactions", "features"};
    return names[of];
}
typedef struct Missingness {
    DescribeOf of;
    Str name, ground;
    size_t rows[DESCRIBE_GROUPS], missing[DESCRIBE_GROUPS];
    /* Of customers and features: shares that differ by 5 points or more, and with which chance
     * alone would come once in 1,000 times (Fisher's exact test). Rows of one customer are not
     * independent, so of transactions nothing is tested. */
    bool cohorts_differ, classes_differ;
} Missingness;

/* Two numeric features. */
typedef struct DescribedPair {
    uint32_t a, b; /* positions in number[] */
    size_t customers;
    Interval rho; /* Spearman's, 95 % */
    bool beyond;  /* what chance gives the strongest of so many pairs once in 20 times */
} DescribedPair;

enum { DESCRIBE_NUMBERS_MAX = 256, DESCRIBE_SAMPLE_MAX = 5000, DESCRIBE_PAIRS_MAX = 5000 };
enum { DESCRIBE_PAIR_LEAST = 20 }; /* customers with both values */

typedef struct Correlations {
    size_t customers;    /* measured on */
    size_t of;           /* customers in all; the sample is taken at even steps */
    size_t numbers;      /* numeric features that vary */
    size_t numbers_left; /* more of them than DESCRIBE_NUMBERS_MAX */
    uint32_t *number;    /* [numbers] positions in column[] */
    double *rho;         /* [numbers][numbers]; NaN where too few have both */
    size_t tested;       /* pairs with enough customers */
    size_t beyond;
    double noise_z; /* |rho| * sqrt(n - 1) beyond this is beyond noise */
    size_t pairs;   /* strongest first, at most DESCRIBE_PAIRS_MAX of those tested */
    DescribedPair *pair;
} Correlations;

/* Equal steps of whole weeks, Mondays first, in UTC. */
typedef struct CoverageStep {
    int64_t from_us;
    size_t events[DESCRIBE_GROUPS];
    size_t customers[DESCRIBE_GROUPS]; /* with an event in the step */
    size_t joining[DESCRIBE_GROUPS];   /* with their first event in it */
} CoverageStep;
enum { COVERAGE_STEPS_MAX = 60 };
typedef struct Coverage {
    size_t weeks_a_step; /* 0: events have no time, or there are none */
    size_t steps;
    CoverageStep *step;
    int64_t first_us[DESCRIBE_GROUPS], last_us[DESCRIBE_GROUPS]; /* of those with events */
    size_t events[DESCRIBE_GROUPS], idle[DESCRIBE_GROUPS];       /* idle: without an event */
} Coverage;

typedef struct Description {
    size_t customers[DESCRIBE_GROUPS];
    size_t columns;
    DescribedColumn *column; /* of the customers' files, then features in the plan's order */
    size_t missings;
    Missingness *missing; /* customers' columns, transactions' columns, features */
    Correlations correlations;
    Coverage coverage;
} Description;

/* features: one row for each customer of d.  Memory: keep.  Cost: O(features * customers * log),
 * and O(features^2 * DESCRIBE_SAMPLE_MAX) for the correlations. Cannot fail: what has no value, one
 * value or nobody to compare with is said to have none. */
Description *describe_dataset(Arena *keep, Arena scratch, const Dataset *d, const Plan *plan,
                              const Events *events, const Table *features, Team *team);

#endif
