/* store_internal.h - JSON and CSV as the run folder's files use them. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "record/record.h"
#include "store/store.h"

/* ---- what a run adds to a document (record/record.h) ---- */

/* What the searches and the choice found, into the validation's object of metrics.json. */
void document_choice(Document *d, yyjson_mut_val *validation, const Run *run);
/* The same of one candidate, into its object. */
void document_candidate_choice(Document *d, yyjson_mut_val *in, const Validation *v,
                               const Candidate *c);

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

/* One of a list: of those proposed, or of those who nearly are. */
typedef struct Listed {
    size_t rank, at; /* at: its position in scored */
    const Decision *decision;
    Str id; /* the decision's */
    bool near;
} Listed;
void listed_names(Sheet *s, bool near);
void listed_row(Sheet *s, Arena scratch, const Run *run, const Listed *l);
void document_listed(Document *j, const Run *run, const Listed *l);

/* ---- what the program saw of each customer ---- */

enum { HISTORY_CUSTOMERS, HISTORY_TRANSACTIONS, HISTORY_FILES };
extern const char *const history_files[HISTORY_FILES];

/* Where a customer's rows lie in one of the two files. */
typedef struct HistorySlice {
    uint64_t offset, bytes;
    char sha256[SHA256_TEXT];
} HistorySlice;

typedef struct Histories Histories;
MUST_USE Status histories_open(Histories **out, Arena *keep, const Dataset *data,
                               const char *folder, Error *err);
/* The next customer of the dataset: its rows are written. */
void histories_add(Histories *h, HistorySlice out[HISTORY_FILES], size_t customer, Arena scratch);
MUST_USE Status histories_close(Histories *h, Error *err);

/* ---- a decision's line ---- */

/* What only a run knows of a decision: it comes first on the line. */
void document_record(Document *j, const Run *run, size_t rank, size_t at,
                     const HistorySlice history[HISTORY_FILES]);
/* ---- the chain over decisions.jsonl ---- */

/* Each line names the hash of the line before it (the first: of the header) and its own. */
typedef struct Chain {
    size_t count;
    Str header;
    char first[SHA256_TEXT], head[SHA256_TEXT];
} Chain;
Chain chain_begin(Arena *keep, const Recording *r, size_t count);
/* line: a JSON object on one line; it is given back with `previous` and `chain`, and a newline. */
Str chain_line(Chain *c, Arena *keep, Str line);
/* The parts of a line of the log, its newline cut off. */
typedef struct LoggedLine {
    Str body; /* the decision itself: from decision_id to previous */
    Str id, previous, chain;
} LoggedLine;
bool logged_cut(LoggedLine *out, Str line); /* false: no line that a run writes */

/* What a line says that its decision is made of. */
typedef struct Logged {
    DecisionName name;
    uint64_t rank;
    Language language;
    bool explained; /* with reasons */
    HistorySlice slice[HISTORY_FILES];
    CaseFacts facts; /* of one customer */
    Earlier earlier;
} Logged;
/* NULL, or the name of what is not there as a run writes it.  Memory: keep. */
const char *logged_read(Logged *out, Arena *keep, Str line);
/* The hash of a line without its `chain`. */
void logged_hash(char out[SHA256_TEXT], Arena scratch, Str line);
void document_chain(Document *j, yyjson_mut_val *in, const Chain *c);
/* Every file that a chain speaks of where it is there, by name: all but timings.json and itself. */
size_t chain_files(const char ***out, Arena *keep);
/* chain.json as it must be for the folder as it is. */
MUST_USE Status chain_text(Str *out, Arena *keep, const Chain *c, Str run_json, const char *folder,
                           Error *err);
/* chain.json: the chain and the sums of the folder's files; run_json is not yet among them. */
MUST_USE Status store_chain(const Chain *c, Str run_json, const char *folder, Arena scratch,
                            Error *err);

/* ---- the files ---- */

MUST_USE Status store_decisions(Chain *chain, Arena *keep, const Run *run, const uint32_t *order,
                                const char *folder, Error *err);
/* offboarding and near_misses, as CSV and as lines of JSON. */
MUST_USE Status store_listed(const Run *run, const char *folder, Arena scratch, Error *err);
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

/* distributions.csv, quantiles.csv, outliers.csv, missingness.csv, correlations.csv, coverage.csv
 */
MUST_USE Status store_description(const Run *run, const char *folder, Arena scratch, Error *err);

MUST_USE Status store_trials(const Run *run, const char *folder, Arena scratch, Error *err);
/* run.json, to be written last.  Memory: keep. */
MUST_USE Status store_identity(Str *out, Arena *keep, const Run *run, const Chain *chain,
                               Error *err);
/* Files that a run may write, by their names in the folder; those of a bundle are besides. */
extern const char *const store_written[];
extern const size_t store_writtens;
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
