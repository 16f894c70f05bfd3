/* policy_shape.h - the policy book as it is written: the structs that its Field table reads. */
#ifndef POLICY_POLICY_SHAPE_H
#define POLICY_POLICY_SHAPE_H

#include "book/book.h"

typedef struct Costs {
    Mark mark;
    double wrong_exit, missed_risk, review, monitor;
} Costs;

typedef struct CapacityText {
    Mark mark; /* line 0: not written */
    int64_t reviews;
    BookText per;
} CapacityText;

typedef struct CertifyText {
    Mark mark; /* line 0: not written */
    double precision, confidence;
} CertifyText;

typedef struct Overlay {
    Mark mark;
    BookText when, because;
} Overlay;

typedef struct RuleText {
    Mark mark;
    BookText id, when, family;
    int severity;
    BookText because, also, evidence, missing_proof, next_step;
} RuleText;

/* Of mitigating facts, safeguards, actions, measures and floors; each list uses the fields it has.
 */
typedef struct ClauseText {
    Mark mark;
    BookText id, when;
    int action, allows, at_least;
    bool uncapped;
    BookText queue, because, otherwise;
} ClauseText;

typedef struct ComparableText {
    Mark mark;
    BookText name, when;
} ComparableText;
typedef struct FactText {
    Mark mark;
    BookText name, says;
    int kind;     /* a FactKind */
    int evidence; /* position in policy_evidence_needs; -1: not written */
} FactText;

typedef struct MinutesText {
    Mark mark; /* line 0: not written */
    double action[5];
} MinutesText;

typedef struct SegmentsText {
    Mark mark;
    BookRecords floors;
    int64_t cool_down_us;
} SegmentsText;

typedef struct PolicyText {
    int64_t version;
    BookText name, revision;
    Costs costs;
    CapacityText capacity;
    CertifyText certify;
    MinutesText minutes;
    BookRecords facts;
    BookText exposure;
    Overlay insufficient_data;
    BookRecords rules, mitigating;
    SegmentsText segments;
    BookRecords safeguards, actions, measures;
    BookText otherwise;
    BookRecords comparable;
} PolicyText;

extern const char *const policy_severities[];     /* position 1 is severe */
extern const char *const policy_action_names[];   /* by Action */
extern const char *const policy_segment_names[];  /* by Segment */
extern const char *const policy_evidence_needs[]; /* position 1 is required */
extern const Field policy_fields[];               /* of a PolicyText */

#endif
