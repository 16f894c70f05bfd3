/* feature.h - the features book made into a Plan, the Plan made into columns and a Matrix.
 *
 * A Plan is the book read and checked against a schema. Events are the transactions of all
 * customers as known at an instant. feature_table computes one typed column for each feature
 * (exact money stays exact); feature_matrix turns those that the model uses into float32,
 * categories one-hot by frozen levels. The same calls serve a run of a million customers and
 * a request of one.
 */
#ifndef FEATURE_FEATURE_H
#define FEATURE_FEATURE_H

#include "book/book.h"
#include "lang/lang.h"
#include "quality/quality.h"
#include "table/table.h"

typedef enum FeatureUse { USE_MODEL, USE_POLICY, USE_MONITOR } FeatureUse;
typedef enum FeatureRisk { RISK_EITHER, RISK_UP, RISK_DOWN } FeatureRisk; /* monotone direction */

/* What a population feature compares a customer with, frozen when a model is trained; part of the
 * bundle. Of customers it holds quantiles, or fingerprints of the ids of known positives: a keyed
 * hash still stands for a person, so a bundle with risky_partners is personal data. */
typedef struct PeerGroup {
    Str name;              /* the group's value as text; empty for all customers */
    size_t customers;      /* fitted on, with a value */
    double median, spread; /* 1.4826 MAD; where that is 0, 1.2533 mean absolute deviation */
    size_t knots;
    double *knot; /* R-7 quantiles (k + 1/2) / knots; a knot stands for three customers or more */
} PeerGroup;

enum { FINGERPRINT_TEXT = 32 }; /* hex digits */

typedef struct Peers {
    size_t groups; /* of peer_percentile and peer_z: all customers first, then groups of at least
                      30 by the bytes of their names */
    PeerGroup *group;
    Str salt; /* of risky_partners */
    size_t positives;
    Str *positive; /* fingerprints, ascending */
} Peers;

typedef struct Feature {
    Mark mark;
    BookText name;
    BookText formula; /* as written */
    BookText over;    /* as written */
    int use;          /* FeatureUse */
    int risk;         /* FeatureRisk */
    BookText family;
    BookText says; /* meaning, one sentence */
    BookText format_text;
    BookText reason;         /* why risky_partners may do more than monitor */
    BookText leak_overruled; /* why the model may read it although the audit calls it a leak */
    Format format;
    Window window;
    Expr *expr;
    const Str *reads; /* customer and transaction columns, also through earlier features */
    size_t read_count;
    const uint32_t *earlier; /* features named in the expression, all before this one */
    size_t earlier_count;
    uint32_t source; /* the one whose first aggregate stands behind it, see feature_source */
    int64_t longest_first_us; /* of its own windows and of those behind earlier features; 0: none */
    bool compares;            /* it is a population feature, or is made of one */
    const Error *barred[3];   /* by FeatureUse: why nothing of that use may read it, or NULL */
    /* Levels of a category feature, frozen when a model is trained; part of the bundle. */
    Str *level;
    size_t levels;
    Peers *peers; /* of a population feature; NULL until it is fitted, and its values missing */
} Feature;

/* A slice of customers: a condition over the features. */
typedef struct Stratum {
    Str name;
    Expr *condition;
} Stratum;

typedef struct Plan {
    const Schema *schema;
    Feature *feature;
    size_t features;
    Name *name;       /* [features] the features as names, for policy expressions and sentences */
    Stratum *stratum; /* slices that every figure is given for */
    size_t strata;
    Str title;                          /* the book's name, and what it says of itself: */
    BookPairs define, slices, families; /* words, strata, and what families are about */
    Str observed_equally; /* the book's reason to allow windows longer than customers were observed;
                             empty: none */
    Str text;             /* the book as read */
    const char *file;
    const struct PlanSteps *steps; /* what is computed over the events, and in which order */
} Plan;

/* Read a features book. FORMAT errors point into the book; features have distinct names, may use
 * those before them, and an expression that reads a protected column, or a trailing window used
 * by the model, itself or through another feature, is refused (design §8).  Memory: keep. */
MUST_USE Status plan_read(Plan **out, Arena *keep, Str yaml, const char *file, const Schema *schema,
                          Error *err);

/* The JSON Schema of the features book. */
Str plan_json_schema(Arena *keep);

/* in[customer] is 1 where the stratum's condition is true. */
MUST_USE Status plan_stratum(uint8_t *in, Arena scratch, const Stratum *s, const Table *features,
                             Error *err);

const Feature *plan_find(const Plan *p, Str name); /* NULL when absent */

/* The book as a page of Markdown: by family in the book's order, each feature with its formula,
 * window, use, meaning, direction, format and what it needs.  Memory: keep.  Cost: O(book). */
Str plan_describe(Arena *keep, const Plan *p);

/* The age at which the silence test cuts every history: twice the longest `first` window that the
 * model sees, and at least 28 days. A cut inside a window would take away what the model may see,
 * and one right at its end would test nothing. */
int64_t plan_common_age(const Plan *p);

/* The feature whose first aggregate stands behind this one: itself, or the first it uses that
 * has one. */
const Feature *feature_source(const Plan *p, const Feature *f);

/* Does the feature read this customer or transaction column, itself or through others? */
bool feature_reads(const Feature *f, Str column);

/* Does it name this value of a category, itself or through others: 'LOCKED'? */
bool feature_names_value(const Plan *p, const Feature *f, Str value);

/* What a feature is a measure of, for who asks whether it may know the outcome. */
typedef enum FeatureSight {
    SIGHT_PROFILE,    /* of the customer's record */
    SIGHT_EARLY,      /* of behaviour, in windows `first` alone, which no outcome cuts short */
    SIGHT_OPEN,       /* of behaviour, in a window that ends at as_of */
    SIGHT_OBSERVATION /* of how long, how lately, how often or in how many rows a customer was
                         seen: it reads as_of, a point in time or row versions, or counts over a
                         window that ends at as_of */
} FeatureSight;
FeatureSight feature_sight(const Plan *p, const Feature *f);

typedef struct Events {
    const Plan *plan;
    size_t customers;
    const Table *profile;      /* [customers] */
    const Table *rows;         /* sorted by customer, created_at, id */
    const size_t *start;       /* [customers + 1] */
    const int64_t *as_of_us;   /* [customers] */
    const int64_t *created_us; /* [rows] */
    ProgramRun *parts;         /* the row-level parts over the rows; NULL: nobody kept them */
} Events;

/* Put events and profiles together.  Memory: keep (refers to its arguments). */
MUST_USE Status events_build(Events **out, Arena *keep, const Plan *plan, const Table *profile,
                             const Collapsed *collapsed, const int64_t *as_of_us, Error *err);

/* One column for each feature of the plan, one row for each customer. LIMIT on
 * overflow.
 * Memory: keep.  Cost: O(rows * distinct conditions + rows * aggregates); tasks shared by team. */
MUST_USE Status feature_table(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                              const Events *events, Team *team, Error *err);

/* The same, and where there is one customer the row-level parts stay with the events, so that
 * feature_evidence need not compute them again.  Memory: keep, which the events must not outlive.
 */
MUST_USE Status feature_table_keeping(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                                      Events *events, Team *team, Error *err);

/* The customers that a model learns from: rows of the table, and their labels. */
typedef struct Fitting {
    const uint32_t *row;
    const uint8_t *label; /* [count] 0 or 1 */
    size_t count;
} Fitting;

/* The same, and every population feature is first fitted on these customers: plan->feature[].peers
 * is set.  Memory: keep. */
MUST_USE Status feature_table_fit(Table **out, Arena *keep, Arena scratch, Plan *plan,
                                  const Events *events, const Fitting *fitting, Team *team,
                                  Error *err);

/* One population feature from its definition, without tables: for every customer its peers are
 * gathered and sorted again. The oracle of the fit and of what is done with it. */
MUST_USE Status feature_population_slow(Column *out, Arena *keep, Arena scratch, const Plan *plan,
                                        size_t feature, const Events *events, const Table *features,
                                        const Fitting *fitting, Error *err);

/* ---- the quantities behind the features ---- */

/* A distinct aggregate of a plan in its window: what customers did, before shares and conditions
 * are made of it. */
typedef struct Quantity {
    const Aggregate *aggregate;
    Window window;
    uint32_t feature; /* the first that has it */
} Quantity;

typedef struct Quantities {
    Quantity *item;
    size_t count;
    uint32_t **of; /* [features][aggregates of its own expression] positions in item */
} Quantities;
void plan_quantities(Quantities *out, Arena *keep, const Plan *plan);

/* (*out)[quantities->count], one row for each customer of events.  Memory: keep.  Cost: as
 * feature_table's. */
MUST_USE Status quantity_columns(Column **out, Arena *keep, Arena scratch, const Plan *plan,
                                 const Quantities *quantities, const Events *events, Team *team,
                                 Error *err);

/* One customer as it might have been: a table like feature_table's whose `rows` rows all have this
 * customer's profile and each its own quantities, value[quantities->count] of that many rows; a
 * feature with one that has no data stays what `features` says, as does how many risky
 * partners there are; peers are the plan's. Memory: keep.  Cost: O(rows * nodes evaluated). */
MUST_USE Status feature_table_varied(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                                     const Quantities *quantities, const Column *value, size_t rows,
                                     const Events *events, const Table *features, size_t customer,
                                     Error *err);

/* The customers in row alone, with their events, in that order.  Memory: keep.  Cost: O(their
 * rows). */
Events *events_take(Arena *keep, const Events *events, const uint32_t *row, size_t count);

/* The plain, slow way: one customer at a time, every aggregate by walking all events. Kept as
 * the oracle of feature_table. */
MUST_USE Status feature_table_slow(Table **out, Arena *keep, Arena scratch, const Plan *plan,
                                   const Events *events, Error *err);

/* Freeze the levels of category features that the model uses: values seen in at least
 * `customers_min` of the given rows, by bytes. */
void plan_freeze_levels(Plan *p, Arena *keep, const Table *features, const uint32_t *row,
                        size_t count, size_t customers_min);

/* The model's inputs for the given rows. `skip[feature]` leaves a feature out (may be NULL).
 * Columns are named feature or feature=level. Ids are copied from `id` (by table row). */
MUST_USE Status feature_matrix(Matrix **out, Arena *keep, const Plan *plan, const Table *features,
                               const uint8_t *skip, const Str *id, const uint32_t *row,
                               size_t count, Error *err);

/* For each column of that matrix, its feature, monotone direction (+1, 0, -1) and name. */
typedef struct MatrixPlan {
    size_t columns;
    uint32_t *feature;
    int8_t *monotone;
    const Str **level; /* of a category the value that the column stands for; NULL: a number */
    Str *name;
} MatrixPlan;
MatrixPlan *matrix_plan(Arena *keep, const Plan *plan, const uint8_t *skip);

/* The same matrix of a plan that was made before; its names are the plan's. */
MUST_USE Status feature_matrix_planned(Matrix **out, Arena *keep, const MatrixPlan *m,
                                       const Table *features, const Str *id, const uint32_t *row,
                                       size_t count, Error *err);

/* Population columns of a matrix, to be fitted again on part of its rows. */
typedef struct FeatureRefit FeatureRefit;

/* For the matrix x that feature_matrix made of these rows. *out is NULL when no population feature
 * is in it.  Memory: keep (refers to its arguments). */
MUST_USE Status feature_refit_new(FeatureRefit **out, Arena *keep, Arena scratch, const Plan *plan,
                                  const Events *events, const Table *features, const uint8_t *skip,
                                  const Matrix *x, const uint32_t *row, size_t count, Error *err);

/* The matrix with those columns fitted on rows part[0 .. parts - 1] of it; label[row of x].
 * Any number of threads may call it with one context.  Memory: keep.  Cost: O(size of x). */
const Matrix *feature_refit(const void *context, Arena *keep, const uint32_t *part, size_t parts,
                            const uint8_t *label);

/* The rows of events->rows behind a feature's value for a customer: those that the first
 * aggregate of its source counted or added up (for flows, both sides of what was matched). Of min,
 * max, first and last the row that attains the value, the earliest of equals; where that value is
 * nested, what it saw from there: the rows of its window that meet its condition, the run of a
 * streak, both ends of since. In time order. Empty for profile features. */
MUST_USE Status feature_evidence(uint32_t **rows, size_t *count, Arena *keep, Arena scratch,
                                 const Feature *feature, const Events *events, size_t customer,
                                 Error *err);

/* Part of money that came in, and the outflow that took it. */
typedef struct FlowPart {
    uint32_t in, out; /* rows of events->rows */
    int64_t amount;   /* in the amount's units */
    int64_t lag_us;   /* from when the money was there to when it left */
} FlowPart;

/* One customer's money as a feature made of matched(a to b within w) sees it. */
typedef struct FlowView {
    const Feature *feature; /* NULL: the book matches no money; then nothing below is filled */
    FlowPart *part;         /* by outflow in time order, oldest money first; every unit once */
    size_t parts;
    size_t from, rows; /* the customer's rows of events->rows */
    uint8_t *in, *out; /* [rows] where a holds, where b does, inside the feature's window or not */
} FlowView;

/* Does the feature, or the first that it is made of, match money? */
bool feature_matches(const Plan *p, const Feature *f);

/* `feature` NULL stands for the book's first that matches money over the whole history, and is
 * neither only watched nor a reader of protected columns.  Memory: keep.
 * Cost: O(n log n) in the customer's events. */
MUST_USE Status feature_flow(FlowView *out, Arena *keep, Arena scratch, const Feature *feature,
                             const Events *events, size_t customer, Error *err);

#endif
