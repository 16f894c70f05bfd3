/* inspect_internal.h - what the files behind importance.h share with each other and with their
 * tests. */
#ifndef INSPECT_INTERNAL_H
#define INSPECT_INTERNAL_H

#include "inspect/inspect.h"

/* From this absolute rank correlation on, averaged over all pairs, features are one group. */
#define CORRELATION_CUT 0.7

/* Streams of random numbers: seed_derive(seed, one of these). Other rooms count from 1. */
enum {
    STREAM_PERMUTE = 0x1A9001,
    STREAM_IMPORTANCE_SAMPLE,
    STREAM_SCREENING,
    STREAM_SCREENING_PSI
};

/* ---- correlate.c ---- */

/* Ranks of the known values, ties their mean, less the mean rank, at length 1; missing stands at 0,
 * the middle. All 0 without variation. So the dot product of two is a rank correlation. */
void importance_ranks(double *out, const double *value, size_t n, Arena scratch);

/* Absolute correlation of features: the greatest over pairs of their columns. similarity[features]
 * [features]; rank[columns][n] as above; of[column] is its feature. */
void importance_similarity(double *similarity, const double *rank, size_t columns, size_t n,
                           const uint32_t *of, size_t features, Team *team);

/* Groups by average linkage: while two groups are alike by at least cut, averaged over pairs of
 * members, the two most alike are joined. group[item] is 1, 2 ... by first member, 0 for items that
 * stay alone. similarity is used up. Answers the number of groups.  Cost: O(items^2).
 * Source: Sokal and Michener 1958; by chains of nearest neighbours (Murtagh 1983). */
size_t importance_cluster(uint32_t *group, double *similarity, size_t items, double cut,
                          Arena scratch);

/* ---- ranking.c ---- */

/* rank[features] and their agreement from value[rankings][features], greatest first. */
void importance_rank(ImportanceRank *rank, ImportanceAgreement *agreement, const double *value,
                     size_t rankings, size_t features, Arena scratch);

/* The 97.5 % point of Student's t. */
double importance_t_limit(size_t degrees);

/* Mean over fold models and its 95 % interval, values that are NaN left out; models of one set
 * share customers, so the variance of their mean is s^2 (1 / models + 1 / (folds - 1)). */
Interval importance_over_models(const double *value, size_t models, size_t folds);

/* ---- importance.c: what all measures work on ---- */

typedef struct Measuring Measuring;

/* One fold model, and the customers it judged who are in the sample. */
typedef struct Judge {
    Arena own;
    FoldModel model;
    Platt platt;
    size_t repeat, fold, rows;
    uint32_t *position; /* [rows] in the sample */
    uint8_t *label;     /* [rows] */
    Matrix *x;          /* [rows] */
    size_t positives;
} Judge;

struct Measuring {
    const ImportanceInputs *inputs;
    size_t repeats, folds, judges;
    Judge *judge; /* [repeats * folds] */
    size_t rows;
    uint32_t *row;      /* [rows] of the set: the sample */
    uint32_t *position; /* [rows of the set] in the sample, UINT32_MAX outside */
    size_t features;    /* that the matrix has; their places below are 0 .. features - 1 */
    uint32_t *feature;  /* [features] of the book */
    uint32_t *first;    /* [features + 1] columns first[f] .. first[f + 1] - 1 are feature f's */
    size_t items;
    ImportanceItem *item;
    uint32_t **member;              /* [items] places of its features */
    size_t *same;                   /* [items] an earlier item of the same features, else itself */
    double *judge_loss, *judge_auc; /* [judges][items] mean rise of the loss, fall of the AUC */
    double *base_loss, *base_auc;   /* [judges] of the fold, nothing shuffled */
    double *phi;                    /* [repeats][rows][features] contributions */
    double *direction;              /* [judges][features] */
};

/* ---- permute.c ---- */

void importance_permute(Measuring *m, size_t judge, Arena scratch);
void importance_permuted(Importance *out, Measuring *m, Arena scratch);

/* Mann-Whitney parts: of a positive the negatives below it, of a negative the positives above it,
 * ties half. */
void importance_placements(double *out, const double *score, const uint8_t *label, size_t n,
                           Arena scratch);

/* ---- shap_summary.c ---- */

void importance_contribute(Measuring *m, size_t judge, Arena scratch);
void importance_contributed(Importance *out, Arena *keep, Measuring *m, Arena scratch);

/* ---- curves.c ---- */

/* Upper ends of bins of about equal count, at most `bins`, of ascending values; equal values lie in
 * one bin, and a value as heavy as a bin stands alone. Answers how many. */
size_t importance_bins(double *upper, const double *ascending, size_t n, size_t bins);
void importance_curves(Importance *out, Arena *keep, Measuring *m, Team *team, Arena scratch);

#endif
