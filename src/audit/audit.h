/* audit.h - what a model must not know.
 *
 * Before anything is trained, every feature, every column of the files and every measure of how a
 * customer was observed is tried alone against the label and against the cohort. What is as good as
 * the label is kept from the model; the rest is told. The two cohorts are told apart by a model,
 * and the labelled customers are cut by when they joined. After the validation the chosen
 * candidate's search and fit run on shuffled labels (what they find there, they made up) and with
 * parts of its columns out and in (what each is worth, and what a cheat would report). What is
 * found becomes findings in words; nothing here trains a model that is kept.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "feature/feature.h"
#include "learn/learn.h"

/* ---- one column alone ---- */

/* Why a column is as good as the label. */
typedef enum Leak {
    LEAK_NONE,
    LEAK_SEPARATES,  /* alone it separates the classes all but perfectly */
    LEAK_ONE_CLASS,  /* it is filled for customers of one class only */
    LEAK_VALUE,      /* one of its values is found with customers of one class only */
    LEAK_IDENTIFIER, /* the order of its distinct values tells the label */
    LEAKS
} Leak;
/* As the findings say. (Here, so that who only reads an audit needs nothing of this room.) */
static inline Str leak_code(Leak leak)
{
    static const Str code[LEAKS] = {{"", 0},
                                    {"label_encoded", 13},
                                    {"filled_for_one_class", 20},
                                    {"value_of_one_class", 18},
                                    {"identifier_order", 16}};
    return code[leak];
}

typedef enum ProbeAbout {
    PROBE_FEATURE,     /* of the features book */
    PROBE_CUSTOMER,    /* a column of the customers' files */
    PROBE_TRANSACTION, /* a column of the transactions' files, summed up for each customer */
    PROBE_OBSERVATION  /* how a customer was observed: no column of any file */
} ProbeAbout;

typedef struct Probe {
    Str name; /* the feature; the column; "state = LOCKED (any)"; "days since the last event" */
    Str use; /* model, policy, monitor, audit (kept out); of what is no feature: column, observed */
    ProbeAbout about;
    Str column;         /* the file's column; empty for a feature and for PROBE_OBSERVATION */
    Str value;          /* the value that it is about, or empty */
    FeatureSight sight; /* of a feature */
    bool role;          /* the schema's amount, direction, state ...: that it tells is no leak */
    bool one_cohort;    /* the files of one cohort lack the column, which was said on reading */
    /* Alone, against the label; direction-free: at least .5. A category whose rates on other folds
     * are no better than chance has .5 and no interval (NaN): what was measured lies below. */
    Interval auc;
    bool higher_is_risky;
    double label_q; /* false discovery rate at which it counts, over all probes */
    double missing_labelled, missing_scored; /* share missing in either cohort */
    /* How well it tells labelled from to-be-scored customers, direction-free, and at which false
     * discovery rate; NaN without a scored cohort. */
    double cohort_auc, cohort_q;
    Stability stability; /* labelled against scored ... */
    double psi_limit;    /* ... and what chance stays below in 999 of 1,000 cases; NaN: not tested,
                            because it is not above its null mean */
    Leak leak;
    Severity severity;
} Probe;

/* A feature that would be in the model, were it not for the audit. */
typedef struct KeptOut {
    uint32_t feature; /* of the plan */
    Str name;
    Leak leak;
    Str column;    /* that it reads; empty: the feature itself */
    Interval auc;  /* of what leaks */
    Str why;       /* a sentence */
    Str overruled; /* the book's reason to leave it in the model; empty: it is kept out */
} KeptOut;

/* ---- columns in the raw ---- */

/* Every column of the files as something to probe: the customers' columns as they are; of the
 * transactions' columns, for each customer, the share of transactions with each value and whether
 * there is any, the mean of numbers, the share that is filled; and how the customer was observed:
 * rows, transactions, first and last of them. Both tables have the same columns. */
typedef struct RawColumns {
    const Table *labelled, *scored; /* scored: NULL without such customers */
    const Table *whole;             /* labelled, from histories that are not cut; NULL: none are */
    const Probe *probe;             /* [columns] about, name, column, value and role alone */
} RawColumns;

/* row[0 .. labelled - 1] are the labelled customers of d, scored_row the others; whole: events of
 * histories that are cut in `events` (the same pointer: none are).  Memory: keep.
 * Cost: O(events * transaction columns + customers * columns). */
void audit_raw(RawColumns *out, Arena *keep, Arena scratch, const Dataset *d, const Events *events,
               const Events *whole, const uint32_t *row, size_t labelled,
               const uint32_t *scored_row, size_t scored);

/* ---- the cohorts ---- */

/* A model that tells labelled from to-be-scored customers: if it can, the figures of the one say
 * less about the other. */
typedef struct Telling {
    Str column;
    double drop; /* of the AUC when the column is shuffled among the judged customers */
} Telling;
typedef struct Adversary {
    size_t labelled, scored; /* customers; 0: not done */
    Interval auc;            /* out of fold, one observation a customer; Hanley and McNeil's */
    size_t tellings;
    Telling *telling; /* columns whose loss is felt, most first */
} Adversary;

/* Labelled customers by when they joined. */
typedef struct JoinCohort {
    int64_t from_us, until_us; /* first and last moment of joining */
    size_t customers, positives;
    Interval share;      /* of positives, Wilson */
    double scored_share; /* of the customers to be scored with events; NaN without */
} JoinCohort;
typedef struct Relation {
    Str name; /* a feature */
    Str use;
    double auc[3]; /* [joined] signed: above .5, more is riskier */
    double p, q;   /* Cochran's Q, and its false discovery rate over the features */
    bool changes;
} Relation;
enum { JOINED_MAX = 3 };
typedef struct Joining {
    size_t cohorts; /* 0: not possible */
    JoinCohort joined[JOINED_MAX];
    /* The days before as_of in which the rate of who joined differs most from the others'. */
    int64_t late_days; /* 7, 14 or 28; 0: no difference beyond chance */
    size_t late, late_positives, others, other_positives;
    double p;
    size_t relations;
    Relation *relation; /* least p first */
} Joining;

/* What the two cohorts share that should tell them apart. Counts, never identifiers. */
typedef struct Shared {
    Str column;      /* of an identifier; empty: customers */
    Str what;        /* a sentence */
    uint64_t values; /* found in both */
    uint64_t customers;
} Shared;

/* Windows that every customer was observed for. */
typedef struct EarlyWindow {
    int64_t window_us;                   /* 3, 7 or 14 days */
    double whole_labelled, whole_scored; /* share of customers with events observed that long */
    size_t longer;                       /* features of the model that see more than it */
} EarlyWindow;
enum { EARLY_WINDOWS = 3 };

/* ---- after the validation ---- */

typedef struct Control {
    size_t shuffles;
    double *auc;            /* [shuffles] */
    double mean, low, high; /* and the limits that clean data passes, within 0 and 1 */
    bool passed;
    Str candidate; /* whose search and fit ran */
} Control;
/* Limits so wide that passing says little: few of the rarer class, or few
 * shuffles, make them so. What reaches `high`
 * on average is seen every other time. (Here for who only reads an audit.) */
static inline bool control_judges_little(const Control *c)
{
    return c->high - c->low > 0.2;
}

typedef enum AblationKind {
    ABLATION_FULL,
    ABLATION_WITHOUT,    /* one family */
    ABLATION_ONLY,       /* one family */
    ABLATION_SUSPICIOUS, /* with what the audit kept out, and what tells how customers were seen */
    ABLATION_PROTECTED   /* with the columns of protected grounds */
} AblationKind;
typedef struct AblationRow {
    AblationKind kind;
    Str name; /* of the family */
    size_t columns;
    Interval *auc;      /* [strata] value, and 95 % by bootstrap over customers */
    Interval *auc_gain; /* [strata] against the full model, the same customers drawn; 0 for it */
    Interval log_loss, log_loss_gain; /* of all customers; lower is better */
} AblationRow;
typedef struct Ablation {
    Str candidate; /* whose fit it is */
    size_t repeats, customers, strata, replicates;
    const Str *stratum;
    size_t rows;
    AblationRow *row; /* the full model first */
} Ablation;

typedef struct Audit {
    size_t probes;
    Probe *probe; /* features, worst first */
    size_t columns;
    Probe *column; /* of the files and of how customers were observed, worst first */
    size_t kept_outs;
    KeptOut *kept_out;
    Adversary adversary;
    Joining joining;
    size_t shareds;
    Shared *shared;
    EarlyWindow early[EARLY_WINDOWS];
    int64_t early_fits_us; /* the longest that 95 % of either cohort was observed for; 0: none */
    Control control;
    Ablation *ablation; /* NULL: not asked for */
} Audit;

/* ---- what to call, in this order ---- */

typedef struct AuditInputs {
    /* Features, by row of the labelled and of the scored customers. */
    const Table *labelled, *scored; /* same columns; scored may be NULL */
    const Str *use;                 /* by column: model, policy, monitor, audit */
    const FeatureSight *sight;      /* by column; NULL: all SIGHT_EARLY */
    /* The labelled with whole histories where `labelled` has them cut (outcome dates): the scored
     * ones are whole, so what tells the cohorts apart is asked of these. Same columns; NULL: not
     * cut. */
    const Table *whole;
    const uint8_t *label;  /* by labelled row */
    const uint32_t *group; /* by labelled row: who is linked; NULL: nobody */
    const Plan *plan;      /* whose features these are; NULL: none can be kept out */
    const RawColumns *raw; /* NULL: features alone */
    const Str *dropped;    /* columns that one cohort lacks, of which others tell */
    size_t dropped_count;
} AuditInputs;

/* Probe every column (missing is a level of its own: it may tell). A column that is as good as the
 * label (leak), and every feature of the model that reads it, goes to kept_out, which the caller
 * heeds. Findings are added in words; docs/audit.md has the marks.
 * Errors: DATA with fewer than 2 labelled customers of either class.  Memory: keep.
 * Cost: O(columns * customers log customers). */
MUST_USE Status audit_columns(Audit **out, Arena *keep, Arena scratch, const AuditInputs *inputs,
                              const LearnOptions *options, Findings *findings, Team *team,
                              const Progress *progress, Error *err);

/* Tell the cohorts apart by the model's columns: x[0 .. labelled - 1] and the rows after them.
 * Boosted trees, 5 folds; at most 4,000 customers of either cohort, drawn by the seed. Linked
 * labelled customers (group; NULL: nobody) lie in one fold.  Memory: keep. */
void audit_adversary(Audit *audit, Arena *keep, Arena scratch, const Matrix *labelled,
                     const uint32_t *group, const Matrix *scored, const LearnOptions *options,
                     Findings *findings, Team *team);

/* Cut the labelled customers by when they joined (first_us by labelled row; INT64_MAX: never seen),
 * and ask whether that tells the label and whether what a feature tells depends on it.
 * Memory: keep. */
typedef struct JoiningInputs {
    const int64_t *labelled_us, *scored_us; /* by row of the tables */
    size_t labelled, scored;
    int64_t as_of_us;
    Str by; /* what joining is taken from, in words: the first transaction */
} JoiningInputs;
void audit_joining(Audit *audit, Arena *keep, Arena scratch, const AuditInputs *inputs,
                   const JoiningInputs *joining, Findings *findings);
/* Which fixed early windows all customers were observed for. */
void audit_windows(Audit *audit, Arena scratch, const AuditInputs *inputs,
                   const JoiningInputs *joining, Findings *findings);

/* Look for identifiers that labelled customers and those to be scored share. */
void audit_shared(Audit *audit, Arena *keep, Arena scratch, const Dataset *d, Findings *findings);

/* The negative control: the candidate's search and fit, one repeat, on options->shuffles
 * permutations of the labels over customers; their mean AUC must lie within limits that ten clean
 * sets pass. The choice among candidates, what the audit keeps out and the cutting of histories
 * under outcome dates are not done again. Linked customers (set->group) move their labels together,
 * among groups of their size. Fewer than 20 shuffles are a warning, few_shuffles. GATE is not
 * returned here: the caller decides on control.passed.  Errors: DATA with fewer of either class
 * than folds, or 4.  Memory: keep. */
MUST_USE Status audit_negative_control(Audit *audit, Arena *keep, Arena scratch,
                                       const TrainingSet *set, const Candidate *candidate,
                                       const LearnOptions *options, Findings *findings, Team *team,
                                       const Progress *progress, Error *err);

/* Which rows of a large set stand for it: `most` at random, each class by its share, but at least
 * `least` of the rarer one. row has room for all; answers how many, all of them in order when there
 * are no more than `most`. */
size_t audit_sample(uint32_t *row, const uint8_t *label, size_t rows, size_t most, size_t least,
                    uint64_t seed, Arena scratch);

/* As many of the rows as wanted, drawn by the seed, in order; all when there are no more. row has
 * room for all; answers how many. */
size_t audit_pick(uint32_t *row, size_t rows, size_t most, uint64_t seed, Arena scratch);

/* Columns of the training set's matrix by family, and columns to add to it. */
typedef struct AblationInputs {
    const TrainingSet *set;
    const Candidate *candidate;
    uint32_t *const *fold; /* [repeats][rows] as validated */
    size_t repeats;
    const Str *family;       /* by column of the matrix */
    const Table *suspicious; /* by row of the set; NULL: none */
    const Table *protected;  /* likewise */
} AblationInputs;

/* The candidate, with the settings it has, on the same folds with parts of the columns; linked
 * customers (set->group) are drawn together.  Memory: keep.
 * Cost: 2 * families + 3 passes of learn_out_of_fold a repeat, and the bootstrap. */
void audit_ablation(Audit *audit, Arena *keep, Arena scratch, const AblationInputs *inputs,
                    const LearnOptions *options, Findings *findings, Team *team,
                    const Progress *progress);

#endif
