/* assay.h - the public library: open a bundle, score a customer, explain, decide, free.
 *
 * Ten calls, opaque types, no global state. A bundle may be shared by any number of threads; a
 * customer and a decision belong to one. Strings are UTF-8 and NUL-terminated; those returned
 * live as long as the thing they came from. What is computed is what `assay score` computes,
 * to the bit.
 *
 *     assay_bundle *bundle;
 *     assay_error error = {0};
 *     if (assay_open(&bundle, "out/bundle", &error) != ASSAY_OK) ...
 */
#ifndef ASSAY_H
#define ASSAY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_API __attribute__((visibility("default")))

typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_USAGE,  /* a call is wrong */
    ASSAY_IO,     /* the operating system refused */
    ASSAY_FORMAT, /* a file or value is not what it must be */
    ASSAY_DATA,   /* well formed, but nothing honest can be said about it */
    ASSAY_LIMIT,  /* a stated bound was exceeded */
    ASSAY_GATE    /* a quality gate said no */
} assay_status;

typedef struct assay_error {
    char message[1024]; /* what is wrong, and where */
    char remedy[384];   /* what to do about it */
} assay_error;

typedef struct assay_bundle assay_bundle;
typedef struct assay_customer assay_customer;
typedef struct assay_decision assay_decision;

/* What is known of a customer at as_of. Actions: RETAIN, MONITOR, ENHANCED_DUE_DILIGENCE,
 * RESTRICT, PROPOSE_OFFBOARDING - a proposal that people decide on. */
typedef struct assay_outcome {
    double probability;     /* calibrated on the training sample; not a population's */
    double probability_low; /* what the calibration data supports; not a confidence bound */
    double probability_high;
    int insufficient_data; /* 1: too little is known; the score says little */
    const char *segment;   /* Low, Medium, High */
    const char *action;
    const char *because; /* one sentence */
} assay_outcome;

/* 1. The version of the library, "0.1.0". */
ASSAY_API const char *assay_version(void);

/* 2, 3. Open and check a bundle; close it. error may be NULL.  Cost: O(size of the bundle). */
ASSAY_API assay_status assay_open(assay_bundle **out, const char *folder, assay_error *error);
ASSAY_API void assay_close(assay_bundle *bundle);

/* 4. A customer without values; 5. a value of one of the schema's customer columns, as text; an
 * unknown column is ASSAY_USAGE; 6. a transaction: `count` columns of the schema with their
 * values, at least those that the engine, the model and the policy read (empty when unknown; what
 * lies after as_of is left out), in the forms that the schema book gives. Of a transaction with two
 * sides both are given, and the customer is one of them. Copies are taken. */
ASSAY_API assay_status assay_customer_new(assay_customer **out, const assay_bundle *bundle,
                                          const char *id, assay_error *error);
ASSAY_API assay_status assay_customer_set(assay_customer *customer, const char *column,
                                          const char *value, assay_error *error);
ASSAY_API assay_status assay_customer_transaction(assay_customer *customer,
                                                  const char *const *column,
                                                  const char *const *value, size_t count,
                                                  assay_error *error);

/* 7. Score and decide as of an instant ("2024-08-27 00:00:00 UTC"). A transaction that cannot be
 * read is ASSAY_FORMAT. The bundle must outlive the decision.
 * Cost: O(transactions + model). */
ASSAY_API assay_status assay_decide(assay_decision **out, const assay_customer *customer,
                                    const char *as_of, assay_error *error);

/* 8. The outcome; 9. the same with every reason, its sentence and transactions, and the
 * contributions that add up to the score, as JSON. */
ASSAY_API const assay_outcome *assay_decision_outcome(const assay_decision *decision);
ASSAY_API const char *assay_decision_explain(const assay_decision *decision);

/* 10. Free a customer, a decision, or both; NULL is fine. */
ASSAY_API void assay_free(assay_customer *customer, assay_decision *decision);

#ifdef __cplusplus
}
#endif

#endif
