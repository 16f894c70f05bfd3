/* answer.h - a request about one customer, answered.
 *
 * A request is JSON: the customer's columns, the transactions, an instant. It becomes a very small
 * pair of tables and goes down the same corridor as a run of a million, so the decision in the
 * answer is, byte for byte, what a run writes of the same customer. docs/api.md has every field.
 *
 * Every byte of a request is hostile: bounded, checked, and never echoed where it could harm.
 */
#ifndef ANSWER_ANSWER_H
#define ANSWER_ANSWER_H

#include "record/record.h"

/* What is wrong with a request, for whoever sent it. */
typedef struct Fault {
    const char *code;  /* stable: unknown_field, not_a_time, ...; NULL: nothing is wrong */
    char pointer[256]; /* JSON pointer (RFC 6901) of the place; empty: the whole */
    char detail[384];  /* one sentence with the remedy; names of fields, never a customer's value */
} Fault;

/* A bundle made ready for requests. Shared by any number of threads; nothing in it changes. */
typedef struct Answerer Answerer;
MUST_USE Status answer_open(Answerer **out, const char *folder, Error *err);
void answer_close(Answerer *a); /* NULL is fine */
const Bundle *answer_bundle(const Answerer *a);

typedef struct AnswerLimits {
    size_t transactions_max, depth_max;
} AnswerLimits;

/* Transactions of a history, at most; a request's own bound is its sender's. */
enum { ANSWER_HELD_MAX = 100000 };

typedef struct AnswerInputs {
    Str request; /* JSON, UTF-8 */
    /* {"customer": {...}, "transactions": [...]} as a database holds it; empty: nothing is held.
     * What the request says is added to it, and stands where both say something. */
    Str history;
    int64_t now_us; /* what "as_of": "now" stands for */
    AnswerLimits limits;
} AnswerInputs;

typedef struct AnswerTimes {
    int64_t read_ns, features_ns, score_ns, reasons_ns, write_ns;
} AnswerTimes;

typedef struct Answer {
    Str body;   /* the reply: one JSON object on one line, without a newline */
    Str record; /* of it, the decision itself: the bytes between the braces of a log's line, from
                   decision_id to contributions */
    Str decision_id, customer_id;
    int64_t as_of_us;
    const Scored *scored; /* of the one customer: features are scored->features, row 0 */
    const Decision *decision;
    const Change *change;  /* NULL: nobody asked */
    size_t transactions;   /* in the request and the history, after versions are collapsed */
    size_t missing_inputs; /* of the model's, by what the customer is or was not said */
    size_t unknown_values; /* categories that training never saw */
    bool dry_run;          /* decided with a policy book of the request: nothing to keep */
    AnswerTimes took;
} Answer;

/* The customer id of a request, without answering it; false when there is none to be found. */
bool answer_customer(Str *out, Arena *keep, Str request, const AnswerLimits *limits);

/* Answer a request. FORMAT or USAGE with *fault filled: it is the sender's to mend; anything else
 * is ours, and in *err.  Memory: keep.  Cost: O(bytes + transactions + model). */
MUST_USE Status answer_score(Answer *out, Arena *keep, Arena scratch, const Answerer *a,
                             const AnswerInputs *inputs, Fault *fault, Error *err);

/* ---- what a database is to hold: checked like a request, so that it can be scored ---- */

/* A customer's columns, one JSON object; id stands for its key. *out: what is to be held, in the
 * columns' order.  FORMAT with *fault filled as above.  Memory: keep. */
MUST_USE Status answer_hold_customer(Str *out, Arena *keep, Arena scratch, const Answerer *a,
                                     Str id, Str body, const AnswerLimits *limits, Fault *fault,
                                     Error *err);

/* A version of a transaction as it is to be held. One with two sides is there for each of them. */
typedef struct HeldVersion {
    Str customer, id, state, json;
} HeldVersion;
/* {"transactions": [...]}, a list of transactions or one of them; of any customers. *rows: how many
 * were sent.  Likewise. */
MUST_USE Status answer_hold_transactions(HeldVersion **out, size_t *count, size_t *rows,
                                         Arena *keep, Arena scratch, const Answerer *a, Str body,
                                         const AnswerLimits *limits, Fault *fault, Error *err);

/* Open Inference Protocol: a body of `inputs` (a tensor for each column of the model's matrix
 * (`assay bundle matrix` has them), by name and of one length; FP32, FP64, INT64 or BOOL; null is
 * missing) to a body of `outputs` (probability, probability_low, probability_high, segment).
 * Likewise. */
MUST_USE Status answer_infer(Str *out, size_t *rows, Arena *keep, Arena scratch, const Answerer *a,
                             Str body, const AnswerLimits *limits, Fault *fault, Error *err);
/* What the model is and reads, for GET /v1/model and for the Open Inference Protocol. */
Str answer_model(Arena *keep, const Answerer *a);
Str answer_model_metadata(Arena *keep, const Answerer *a);

/* The OpenAPI 3.1 document of the service with this bundle: the skeleton (built in from
 * spec/openapi.yaml) with what its schema book says of customers and transactions.
 * base_path: "/ai", or empty.  Memory: keep. */
MUST_USE Status answer_openapi(Str *out, Arena *keep, const Answerer *a, Str base_path, Error *err);

#endif
