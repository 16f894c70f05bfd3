/* audit_internal.h - what the files of audit/ share with each other and with their tests. */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include "audit/audit.h"

/* Streams of random numbers that never meet: seed_derive(seed, one of these). The learn room has
 * those up to 5. */
enum { STREAM_SHUFFLE = 6, STREAM_PROBE, STREAM_ADVERSARY, STREAM_ABLATION };

/* From here on a column is remarkable. The AUC must reach its mark and the interval must lie clear
 * of chance, so that five suspended customers do not make a leak. */
#define AUC_LEAK       0.90 /* of a feature in the model */
#define AUC_ENCODED    0.95 /* of a column in the raw */
#define AUC_STRONG     0.80
#define AUC_CLEAR      0.65
#define AUC_WATCHED    0.55
#define COHORT_AUC     0.75
#define FALSE_LABEL    0.01 /* false discovery rates: of what tells the label, ... */
#define FALSE_COHORT   0.01 /* ... the cohort, ... */
#define FALSE_RELATION 0.01 /* ... and of relations that change */
enum { NAMED = 5 };         /* in a sentence; tables have the rest */

/* ---- probe.c: one column alone ---- */

/* Both cohorts as numbers or levels, labelled first. */
typedef struct Numbers {
    double *value;   /* of both cohorts */
    float *narrow;   /* the same for metric_psi */
    uint32_t *level; /* of a category: 0 is missing */
    size_t levels;
} Numbers;
Numbers probe_numbers(Arena *arena, const Column *a, size_t n, const Column *b, size_t m);

/* Linked rows of the labelled (group; NULL: nobody is linked) and the scored after them, each
 * alone. NULL when group is. */
uint32_t *groups_with_scored(Arena *arena, const uint32_t *group, size_t n, size_t m);

/* Scores whose AUC is at least .5, its value, and the p of chance. */
typedef struct Separation {
    double auc, p;
    bool higher;
    bool chance; /* a category whose rates on other folds order customers no better than chance */
} Separation;
Separation probe_separation(const Numbers *numbers, const uint8_t *label, size_t rows,
                            const uint32_t *group, uint64_t seed, Arena scratch);
Interval probe_interval(double auc, size_t positives, size_t negatives);

/* Everything that a probe says, but what it makes of it. *label_p and *cohort_p are of chance.
 * group: of the labelled, NULL: nobody is linked. whole: a from histories that are not cut, which
 * the cohort is asked of (NULL: a). */
void probe_column(Probe *out, double *label_p, double *cohort_p, const Column *a,
                  const Column *whole, size_t n, const Column *b, size_t m, const uint8_t *label,
                  const uint32_t *group, uint64_t seed, Arena scratch);

/* ---- leaks.c ---- */

/* Is a column in the raw as good as the label? Fills leak, and value where one is at fault. */
void leak_of_column(Probe *p, const Column *c, const uint8_t *label, size_t rows, size_t tests,
                    Arena scratch);

/* ---- words.c: findings ---- */

typedef Str Sentence(Arena *arena, const void *item);
/* "opening: one, two, three, and 4 more". Nothing when there is none. */
void say_list(Findings *f, Severity severity, const char *code, const char *opening, Str done,
              const void *const *list, size_t count, Sentence *words);
void audit_words(const Audit *audit, const AuditInputs *inputs, Findings *findings);
Str probe_kind(const Probe *p); /* "feature", "customers' column", ... */

/* ---- control.c ---- */

/* AUC over pairs of one fold, all folds together: unlike the pooled AUC it is exactly .5 on
 * average when labels are shuffled and folds stratified (docs/audit.md). */
double within_fold_auc(const double *margin, const uint8_t *label, const uint32_t *fold_of,
                       size_t rows, size_t folds, Arena scratch);

/* Labels moved over customers; those of one unit (equal unit[]) keep theirs together, in any order,
 * and go to a unit of the same size. Units of a size that hardly any other has are broken up.
 * unit NULL: every row is one. */
void shuffle_labels(uint8_t *out, const uint8_t *label, const uint32_t *unit, size_t rows,
                    Random *random, Arena scratch);

/* The negative control of one candidate's search and fit, with units apart from the set's groups:
 * folds know nothing of units, which is how a test can plant the leak that rows of one customer
 * make. */
void audit_control(Control *out, Arena *keep, Arena scratch, const TrainingSet *set,
                   const Candidate *candidate, const uint32_t *unit, const LearnOptions *options,
                   Team *team, const Progress *progress);

#endif
