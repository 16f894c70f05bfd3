/* policy.h - the policy book, and what follows from a probability and a customer's facts.
 *
 * The book holds costs (which give the thresholds), rules with sentences, safeguards that cap
 * what may be proposed, and actions tried from the gravest down; all of them expressions over
 * the features and a few names of the engine's own (docs/policy.md):
 *   probability, probability_low, probability_high   the calibrated score and its interval
 *   threshold_medium, threshold_high, threshold_offboarding   from the costs
 *   rules, severe_rules, families                    how many fired; families: of severe or
 *                                                    supporting rules, each counted once
 *   exposure, insufficient_data                      the book's own expressions of these names
 *   and the book's facts: true of a customer of whom the bank knows them (never read by rules)
 * assay proposes, people decide: the gravest action is PROPOSE_OFFBOARDING. Whatever a book says,
 * an exit that no documented fact of kind hard stands for needs two families of evidence, a score
 * from threshold_high on and something at stake; else it is capped, as is everything graver than
 * due diligence for a customer whom the files call both good and risky.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "feature/feature.h"
#include "message/message.h"
#include "model/model.h"

typedef enum Action {
    ACTION_RETAIN,
    ACTION_MONITOR,
    ACTION_ENHANCED_DUE_DILIGENCE,
    ACTION_RESTRICT,
    ACTION_PROPOSE_OFFBOARDING,
    ACTIONS
} Action;
Str action_name(Action a); /* "PROPOSE_OFFBOARDING" */

typedef enum Segment { SEGMENT_LOW, SEGMENT_MEDIUM, SEGMENT_HIGH, SEGMENTS } Segment;
Str segment_name(Segment s); /* "Low" */

typedef struct Policy Policy;

/* Read a policy book against a plan's features. Unknown names in expressions, sentences and
 * evidence are FORMAT errors with place and nearest name. So are rules, actions and an exposure
 * that read a feature of `use: monitor`.  Memory: keep; refers to plan. */
MUST_USE Status policy_read(Policy **out, Arena *keep, Str yaml, const char *file, const Plan *plan,
                            Error *err);
Str policy_json_schema(Arena *keep); /* of the policy book */

/* Take every sentence in the catalogue's other languages; those that it lacks stay English, and
 * `untranslated` counts them by language (may be NULL).  Memory: keep; refers to m. */
MUST_USE Status policy_translate(Policy *p, Arena *keep, const Messages *m,
                                 size_t untranslated[LANGUAGES], Error *err);
const Messages *policy_messages(const Policy *p); /* NULL: English only */
/* Every sentence of the book with its place, in the order read.  Memory: keep. */
size_t policy_sentences(const Policy *p, Arena *keep, BookText **out);

Str policy_text(const Policy *p); /* the book as read */

/* Which book it is. */
typedef struct PolicyIdentity {
    Str name, revision; /* as written; revision may be empty */
    Str sha256;         /* of the book's bytes */
} PolicyIdentity;
PolicyIdentity policy_identity(const Policy *p);

/* Minutes an analyst needs for a case of this action; NAN when the book does not say. */
double policy_minutes(const Policy *p, Action a);

/* From the costs: medium = monitor / missed_risk, high = review / missed_risk,
 * offboarding = wrong_exit / (wrong_exit + missed_risk). */
typedef struct Thresholds {
    double medium, high, offboarding;
} Thresholds;
Thresholds policy_thresholds(const Policy *p);
Segment policy_segment(Thresholds t, double probability);

/* What an action costs by what the customer turns out to be, in units of missed_risk; the four
 * costs of the book fill it. Watching and reviewing cost the same whoever is looked at, and are
 * taken to find all the risk that is there. Each threshold is where its action costs as much as
 * doing nothing, and that is the one comparison that holds: how much less watching finds than a
 * review the book does not say, so the two cannot be set against each other. */
typedef enum CostAction {
    COST_NOTHING,
    COST_MONITOR,
    COST_REVIEW,
    COST_EXIT,
    COST_ACTIONS
} CostAction;
typedef struct CostMatrix {
    double good[COST_ACTIONS], risky[COST_ACTIONS];
} CostMatrix;
CostMatrix policy_costs(const Policy *p);

/* How many of the customers scored together analysts can review; reviews 0: the book does not say.
 */
typedef struct Capacity {
    size_t reviews;
    Str per; /* in words; may be empty */
} Capacity;
Capacity policy_capacity(const Policy *p);

/* The guarantee to look for. Where the book asks for none, threshold_offboarding at 0.95: above it
 * an exit is worth its errors. 1 is let through, though nothing can give it. */
typedef struct Certify {
    double precision, confidence;
} Certify;
Certify policy_certify(const Policy *p);

typedef struct RuleView {
    Str id, family, because, severity, condition; /* as written in the book */
} RuleView;
size_t policy_rules(const Policy *p, Arena *keep, RuleView **out); /* for reports */

typedef struct ActionView {
    Str action, condition, because;
} ActionView;
size_t policy_actions(const Policy *p, Arena *keep, ActionView **out);
size_t policy_safeguards(const Policy *p, Arena *keep, ActionView **out); /* action: the cap */

/* ---- comparable customers: whom a customer's numbers are set beside ----
 *
 * The book's `comparable:` list sorts customers into sets by conditions over the features, the
 * first that holds; two of the engine's own come after them, the customers with transactions and
 * all. Of the labelled customers a model learnt from the bundle keeps, set by set, quantiles of
 * numbers, never a customer's own: a knot stands for three customers or more, and below a hundred
 * customers for a twentieth of them or more. A set that fewer than 30 have a value in is passed
 * over for the next of the engine's own.
 */
enum { PEERS_LEAST = 30 };

typedef struct PeerKnots {
    size_t customers; /* with a value */
    size_t knots;     /* 0 where there are fewer than PEERS_LEAST */
    double *knot;     /* ascending: R-7 quantiles (k + 1/2) / knots */
} PeerKnots;

typedef struct PeerSet {
    Str name; /* in words */
    size_t customers;
    PeerKnots *feature;  /* [features] of numbers that the model or the book reads; else none */
    PeerKnots *quantity; /* [quantities of the plan] of numbers behind those features */
} PeerSet;

typedef struct PeerSets {
    PeerSet *set; /* the book's in its order, those with transactions, all */
    size_t sets;
    size_t quantities;
} PeerSets;

/* Of the customers in row. skip[feature]: not in the model.  Memory: keep.  Cost: as
 * feature_table's for these customers, and O(numbers * count log count). */
MUST_USE Status policy_peers(PeerSets **out, Arena *keep, Arena scratch, const Policy *p,
                             const uint8_t *skip, const Events *events, const Table *features,
                             const uint32_t *row, size_t count, Team *team, Error *err);

/* What sets the book's list gives, the engine's own included, without any customers: for who reads
 * them back.  Memory: keep. */
PeerSets *policy_peer_sets(Arena *keep, const Policy *p);

/* The set of each customer in row, by the conditions alone. */
MUST_USE Status policy_peer_set(uint32_t *out, Arena scratch, const Policy *p, const Events *events,
                                const Table *features, const uint32_t *row, size_t count,
                                Error *err);

/* The set to compare with, from `set` on, for a feature or a quantity; NULL when none has enough
 * customers. */
const PeerSet *peer_feature_set(const PeerSets *p, size_t set, size_t feature);
const PeerSet *peer_quantity_set(const PeerSets *p, size_t set, size_t quantity);

/* Share of these customers whose value is lower, half of the equal ones added: by lines between
 * knots, within a point for 300 customers or more and within 2.5 points for the fewest. NAN without
 * knots.  Cost: O(log knots). */
double peer_percentile(const PeerKnots *k, double value);
size_t policy_measures(const Policy *p, Arena *keep, ActionView **out); /* mildest first */
size_t policy_floors(const Policy *p, Arena *keep, ActionView **out);   /* action: the segment */

/* What may be known of a customer beside profile and transactions. */
typedef enum FactKind {
    FACT_ORDER,     /* of a court or an authority, or a sanctions match */
    FACT_HARD,      /* stands for an exit by itself, documented */
    FACT_SAFEGUARD, /* may protect a customer, never count against one */
    FACT_CONTEXT
} FactKind;
typedef struct FactView {
    Str name, says;
    FactKind kind;
    bool needs_evidence; /* without a reference it has no effect; of order and hard always */
} FactView;
size_t policy_facts(const Policy *p, const FactView **out);

/* How long the score alone must have been lower before a segment comes down; 0: at once. */
int64_t policy_cool_down(const Policy *p);

/* ---- conditions as expressions, for who reasons about a book ---- */

typedef enum ConditionOf {
    CONDITION_INSUFFICIENT,
    CONDITION_RULE,
    CONDITION_MITIGATING,
    CONDITION_SAFEGUARD,
    CONDITION_ACTION,
    CONDITION_MEASURE,
    CONDITION_FLOOR
} ConditionOf;

typedef struct Condition {
    ConditionOf of;
    Str id;              /* of an action its name, of a floor its segment */
    Str text;            /* as written */
    Action action;       /* of an action and a measure; of a safeguard the cap */
    Action allows;       /* of a safeguard: the one that passes though graver than the cap */
    bool uncapped;       /* of an action: no safeguard lowers it */
    Segment at_least;    /* of a floor */
    Str family;          /* of a rule */
    size_t family_index; /* of a rule: equal families, equal numbers */
    bool severe;         /* of a rule */
    const Expr *when;
    int64_t line, column; /* where it begins in the book */
} Condition;

/* All of them, list by list in the order of the enumeration, each list as it is written. */
size_t policy_conditions(const Policy *p, Arena *keep, Condition **out);
const Expr *policy_exposure(const Policy *p);

typedef enum ReasonSource { REASON_RULE, REASON_MODEL } ReasonSource;

typedef struct Reason {
    ReasonSource source;
    Str code; /* the rule's id, or the model feature's name (its columns are one reason) */
    Str family;
    Str severity; /* severe or supporting; empty for the model's */
    Str sentence; /* with the customer's own numbers */
    Str also;     /* what else it may mean; may be empty */
    Str missing_proof, next_step;
    Str window;  /* of the evidence feature: "first 14d", "all"; "profile" without transactions */
    Str feature; /* the feature behind the evidence */
    Str value;   /* its value, formatted */
    Str *transaction; /* ids behind it, in time order */
    size_t transactions;
    /* On the calibrated log-odds: what the model makes of this feature, its columns added up. A
     * rule fires whatever the model says, so of a rule's reason it is what the same feature does to
     * the score, 0 when the model does not read it. */
    double contribution;
    /* Share of comparable customers whose value of the feature is lower, half of the equal ones
     * added; NAN when there is nobody to compare with. */
    double percentile;
    Str peer_group; /* who they are, in words */
    size_t peers;
} Reason;

/* "Percentile 97 among 62 labelled customers (with ...)."; empty when there is none.  Memory: keep.
 */
Str reason_standing(Arena *keep, const Messages *m, Language language, const Reason *r);

#define NO_TIME INT64_MIN /* of an instant that is not known */

/* What the bank knows of a customer beside profile and transactions: an appeal, a warning, a court
 * order. The policy book names the facts that there are and what each needs for evidence; others,
 * and what begins after as_of, are not known to it. */
typedef struct CaseFact {
    Str name;         /* of the book's `facts:` */
    Str evidence;     /* where it is documented: a reference, never the document */
    int64_t since_us; /* NO_TIME: not said */
    /* Of a decision: does it count (a fact whose evidence is required and not given does not), and
     * what is known, in words. Of inputs neither is read. */
    bool counts;
    Str sentence;
} CaseFact;

typedef struct CaseFacts {
    CaseFact **of; /* [customers], by row of features; NULL: none */
    size_t *count; /* [customers] */
} CaseFacts;

/* What was decided of the customer the last time: a segment goes up at once and down only after
 * the book's cool-down. */
typedef struct Earlier {
    bool known;
    Segment segment;
    int64_t since_us;       /* the customer is in this segment since */
    int64_t lower_since_us; /* the score alone has been below it since; NO_TIME: it has not */
} Earlier;

/* A milder measure that was weighed before an exit was proposed. */
typedef struct MilderMeasure {
    Str id;
    Action action; /* what it is */
    bool suffices; /* then the proposal falls back to it */
    Str sentence;  /* why it suffices, or why it does not */
} MilderMeasure;

typedef struct Decision {
    Str id; /* the customer */
    double margin, probability, probability_low, probability_high;
    Segment segment, segment_by_score;
    Str segment_because;    /* of a floor or the cool-down that holds it up; else empty */
    Earlier next;           /* what the next run needs to know: its Earlier of this customer */
    bool insufficient_data; /* an overlay: the score says little */
    Action action, before_safeguards;
    Str queue;      /* who takes the case, as the book names them; empty: the usual reviewers */
    Str because;    /* of the action before safeguards: one sentence */
    Str *safeguard; /* sentences of the safeguards that capped it */
    size_t safeguards;
    bool documented;        /* a documented fact of kind hard stands for the exit by itself */
    MilderMeasure *measure; /* weighed where an exit would have been proposed, mildest first */
    size_t measures;
    CaseFact *fact; /* those known of the customer */
    size_t facts;
    Str near_miss; /* why it is not proposed, though nearly all of it holds; else empty */
    Reason
        *reason; /* rules first (severe before supporting), then the model's main contributions */
    size_t reasons;
    Str *mitigating; /* facts that speak for the customer, as sentences */
    size_t mitigatings;
    size_t rules, severe_rules, families;
    double exposure;      /* the book's exposure expression, in the currency's main unit */
    double *contribution; /* [columns + 1] on the calibrated log-odds, bias last; sums to
                             logit(probability) */
    size_t contributions;
} Decision;

/* The numbers of a Decision, for those who go through everybody: no sentence, no reason. */
typedef struct Outcome {
    Str id;
    double margin, probability, probability_low, probability_high, exposure;
    uint32_t rules, severe_rules, families;
    Segment segment, segment_by_score;
    Action action, before_safeguards;
    bool insufficient_data;
    bool near_miss;  /* not proposed, though nearly all of it holds */
    bool documented; /* a documented fact of kind hard stands for the exit by itself */
} Outcome;
Outcome policy_outcome(const Decision *d);

/* What is known of the customers when policy is applied. All by the same row number. */
typedef struct PolicyInputs {
    const Events *events;
    const Table *features; /* of every customer of events */
    const uint32_t *row;   /* [count] rows of features and events to decide on */
    const Str *id;         /* by row of features */
    size_t count;
    const double *margin, *probability, *probability_low, *probability_high; /* [count] */
    /* [count][columns + 1], calibrated log-odds, bias last. NULL: nobody asks for reasons, and
     * decisions come without reasons and mitigating facts. */
    const double *contribution;
    const Matrix *matrix; /* [count] rows: the model's inputs; NULL where contribution is */
    const MatrixPlan *columns;
    const uint8_t *contradictory; /* [count] the files hold both labels; NULL: none are known */
    const CaseFacts *facts;       /* NULL: none are known */
    const Earlier *earlier;       /* by row of features; NULL: nobody was decided before */
    Language language;            /* of sentences; nothing else depends on it */
    const PeerSets *peers;        /* NULL: reasons come without percentiles */
} PolicyInputs;

/* Decide for every customer of inputs. DATA when a score is no probability (it names the first
 * such customer).  Memory: keep; ids and names stay those of inputs, policy and plan.
 * Cost: O(count * (rules + columns)) and the evidence of rules that fired and of at most five
 * model reasons each. Tasks shared by team; the same result for any number. */
MUST_USE Status policy_decide(Decision **out, Arena *keep, Arena scratch, const Policy *policy,
                              const PolicyInputs *inputs, Team *team, Error *err);

/* The same for everybody, numbers only: inputs' contributions and matrix are not read. fired, where
 * it is not NULL, becomes how many customers each rule fired for, in the order of policy_rules.
 * Memory: keep, some 100 bytes a customer.  Cost: O(count * rules). */
MUST_USE Status policy_outcomes(Outcome **out, size_t **fired, Arena *keep, Arena scratch,
                                const Policy *policy, const PolicyInputs *inputs, Team *team,
                                Error *err);

/* (*out)[condition][customer of inputs]: is the condition true? In the order of policy_conditions.
 * Of inputs contributions, matrix and columns are not read.
 * Memory: keep.  Cost: O(count * conditions). */
MUST_USE Status policy_hold(uint8_t ***out, Arena *keep, Arena scratch, const Policy *policy,
                            const PolicyInputs *inputs, Error *err);

/* Candidates for off-boarding, best supported first: documented ones, then by families, then severe
 * rules, then probability, then exposure, then id. Writes row numbers into order (room for count).
 */
size_t policy_rank(uint32_t *order, const Outcome *outcome, size_t count);

#endif
