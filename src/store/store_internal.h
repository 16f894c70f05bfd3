/* store_internal.h - JSON and CSV as the run folder's files use them. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/store.h"

#include <yyjson.h>

/* ---- JSON: one document in an arena; NaN becomes null, bytes that are not UTF-8 \xHH ---- */

typedef struct Document {
    Arena *arena;
    yyjson_alc memory;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
} Document;

void document_open(Document *d, Arena *arena);
Str document_write(Document *d, bool pretty); /* ends with a newline */

/* A key of `in`; when `in` is a list, key is NULL. Texts are referred to, not copied. */
yyjson_mut_val *document_object(Document *d, yyjson_mut_val *in, const char *key);
yyjson_mut_val *document_list(Document *d, yyjson_mut_val *in, const char *key);
void document_text(Document *d, yyjson_mut_val *in, const char *key, Str text);
void document_count(Document *d, yyjson_mut_val *in, const char *key, uint64_t count);
void document_real(Document *d, yyjson_mut_val *in, const char *key, double value);
void document_truth(Document *d, yyjson_mut_val *in, const char *key, bool truth);
void document_null(Document *d, yyjson_mut_val *in, const char *key);
void document_texts(Document *d, yyjson_mut_val *in, const char *key, const Str *text,
                    size_t count);

void document_interval(Document *d, yyjson_mut_val *in, const char *key, Interval i);

/* What the searches and the choice found, into the validation's object of metrics.json. */
void document_choice(Document *d, yyjson_mut_val *validation, const Run *run);
/* The same of one candidate, into its object. */
void document_candidate_choice(Document *d, yyjson_mut_val *in, const Validation *v,
                               const Candidate *c);

/* Names from outside as keys. */
void document_named_real(Document *d, yyjson_mut_val *in, Str name, double value);

/* Every figure of a stratum, as an item of a list. */
void document_metrics(Document *d, yyjson_mut_val *in, Str stratum, const MetricSet *m);

/* ---- a file written in pieces of about 64 KiB ---- */

typedef struct Sheet {
    Writer *writer;
    Buffer line;
} Sheet;

MUST_USE Status sheet_open(Sheet *s, Arena *keep, const char *folder, const char *name, Error *err);
void sheet_flush(Sheet *s, bool whole);
MUST_USE Status sheet_close(Sheet *s, Error *err);

/* Cells, a comma before each but the first of a line, which is not empty. Texts are guarded against
 * formulas; what is not finite is empty; an interval is three cells. */
void sheet_text(Sheet *s, Str cell);
void sheet_count(Sheet *s, size_t value);
void sheet_real(Sheet *s, double value);
void sheet_truth(Sheet *s, bool value);
void sheet_interval(Sheet *s, Interval i);
void sheet_line_end(Sheet *s);

/* ---- a decision, as a row and as a line ---- */

void decision_names(Sheet *s); /* of decisions.csv */
void decision_row(Sheet *s, Arena scratch, size_t rank, const Decision *d, bool contradictory);
void candidate_names(Sheet *s); /* of offboarding.csv */
void candidate_row(Sheet *s, Arena scratch, const Run *run, size_t rank, const Decision *d,
                   size_t at);

/* Everything about one customer, who is at position `at` in scored. */
void document_decision(Document *j, const Run *run, const Decision *d, size_t at,
                       bool contradictory);

/* ---- the files ---- */

MUST_USE Status store_decisions(const Run *run, const uint32_t *order, const char *folder,
                                Arena scratch, Error *err);
MUST_USE Status store_offboarding(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_features(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_quality(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_metrics(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_learning(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_validation(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_folds(const Run *run, const char *folder, Arena scratch, Error *err);
void store_add_split(Document *j, const Run *run);
MUST_USE Status store_strata(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_fairness(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_thresholds(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_stability(const Run *run, const char *folder, Arena scratch, Error *err);
/* Their figures, as parts of metrics.json. */
void thresholds_part(Document *j, yyjson_mut_val *in, const Run *run);
void stability_part(Document *j, yyjson_mut_val *in, const ListStability *s);

/* importance.csv, shap.csv, curves.csv and screening.csv, of what the run has. */
MUST_USE Status store_importance(const Run *run, const char *folder, Arena scratch, Error *err);
void store_add_importance(Document *j, const Run *run);
void store_add_screening(Document *j, const Run *run);

/* distributions.csv, quantiles.csv, outliers.csv, missingness.csv, correlations.csv, coverage.csv */
MUST_USE Status store_description(const Run *run, const char *folder, Arena scratch, Error *err);

MUST_USE Status store_trials(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_identity(const Run *run, const char *folder, Arena scratch, Error *err);
MUST_USE Status store_timings(const Run *run, const char *folder, Arena scratch, Error *err);

/* What strata.c and fairness.c tell in metrics.json. */
void store_strata_figures(Document *d, const Run *run);
void store_fairness_figures(Document *d, const Run *run);

MUST_USE Status store_calibration(const Run *run, const char *folder, Arena scratch, Error *err);

/* What the audit found: an object of metrics.json, and ablation.csv where there is such a table. */
void store_audit(Document *d, const Audit *audit);
MUST_USE Status store_ablation(const Run *run, const char *folder, Arena scratch, Error *err);

/* The part "calibration" of metrics.json. */
void store_calibration_part(Document *d, const Run *run, Arena scratch);

/* 1 for each position in scored that is in the list of contradictory customers. */
uint8_t *store_contradictory(Arena *keep, const Run *run);

#endif
