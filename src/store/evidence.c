/* evidence.c - decisions.jsonl, quality.json, run.json and timings.json. */
#include "store/store_internal.h"

#include <string.h>

/* ---- decisions.jsonl: everything about one customer on one line ---- */

/* In how many of the runs that learnt again the customer is on the list. */
static void add_stable(Document *j, yyjson_mut_val *in, const char *key, const Reruns *r, size_t at)
{
    yyjson_mut_val *o = document_object(j, in, key);
    document_count(j, o, "runs", r->runs);
    document_count(j, o, "on_list", r->on_list[at]);
    document_real(j, o, "probability_deviation", r->deviation[at]);
}

static void add_stabilities(Document *j, yyjson_mut_val *in, const ListStability *s, size_t at)
{
    if (s == NULL)
        return;
    yyjson_mut_val *stable = document_object(j, in, "stability");
    add_stable(j, stable, "seeds", &s->kind[RERUN_SEEDS], at);
    add_stable(j, stable, "folds", &s->kind[RERUN_FOLDS], at);
}

void document_record(Document *j, const Run *run, size_t rank, size_t at,
                     const HistorySlice history[HISTORY_FILES])
{
    static const char *const of[HISTORY_FILES] = {"customers", "transactions"};
    yyjson_mut_val *o = j->root;
    document_count(j, o, "rank", rank);
    document_text(j, o, "version", run->version);
    document_truth(j, o, "certified", store_certified(run, at));
    add_stabilities(j, o, run->stability, at);
    const Change *change = store_change(run, at);
    if (change != NULL)
        document_change(j, o, "would_change", change);
    yyjson_mut_val *slices = document_object(j, o, "history");
    for (size_t k = 0; k < HISTORY_FILES; k++) {
        yyjson_mut_val *slice = document_object(j, slices, of[k]);
        document_count(j, slice, "offset", history[k].offset);
        document_count(j, slice, "bytes", history[k].bytes);
        document_text(j, slice, "sha256", str_from(history[k].sha256));
    }
}

/* ---- offboarding.jsonl and near_misses.jsonl ---- */

static void add_families(Document *j, yyjson_mut_val *in, const Decision *d)
{
    yyjson_mut_val *list = document_list(j, in, "families");
    Dictionary *seen = dictionary_new(j->arena);
    for (size_t i = 0; i < d->reasons; i++) {
        size_t known = seen->count;
        if (d->reason[i].source == REASON_RULE &&
            dictionary_add(seen, d->reason[i].family) >= known)
            document_text(j, list, NULL, d->reason[i].family);
    }
}

void document_listed(Document *j, const Run *run, const Listed *l)
{
    const Decision *d = l->decision;
    yyjson_mut_val *o = j->root;
    document_count(j, o, "rank", l->rank);
    document_text(j, o, "decision_id", l->id);
    document_text(j, o, "customer_id", d->id);
    document_real(j, o, "probability", d->probability);
    document_real(j, o, "probability_low", d->probability_low);
    document_real(j, o, "probability_high", d->probability_high);
    document_truth(j, o, "certified", store_certified(run, l->at));
    add_stabilities(j, o, run->stability, l->at);
    document_text(j, o, "segment", segment_name(d->segment));
    document_text(j, o, "action", action_name(d->action));
    document_text(j, o, "because", d->because);
    add_families(j, o, d);
    document_real(j, o, "exposure", d->exposure);
    yyjson_mut_val *list = document_list(j, o, "reasons");
    for (size_t i = 0; i < d->reasons; i++)
        document_reason(j, list, &d->reason[i]);
    document_texts(j, o, "mitigating", d->mitigating, d->mitigatings);
    document_texts(j, o, "safeguards", d->safeguard, d->safeguards);
    document_weighed(j, o, d);
}

/* ---- quality.json ---- */

static void add_ledger(Document *j, const Dataset *d)
{
    yyjson_mut_val *list = document_list(j, j->root, "ledger");
    LedgerLine sum = {0};
    for (size_t i = 0; i < d->ledger_count; i++) {
        const LedgerLine *l = &d->ledger[i];
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "file", l->file);
        document_text(j, o, "role", l->role);
        document_count(j, o, "rows", l->rows);
        document_count(j, o, "used", l->used);
        document_count(j, o, "merged", l->merged);
        document_count(j, o, "quarantined", l->quarantined);
        sum.rows += l->rows;
        sum.used += l->used;
        sum.merged += l->merged;
        sum.quarantined += l->quarantined;
    }
    yyjson_mut_val *o = document_object(j, j->root, "sums");
    document_count(j, o, "rows", sum.rows);
    document_count(j, o, "used", sum.used);
    document_count(j, o, "merged", sum.merged);
    document_count(j, o, "quarantined", sum.quarantined);
    document_truth(j, o, "accounted", sum.rows == sum.used + sum.merged + sum.quarantined);
}

static void add_counts(Document *j, yyjson_mut_val *in, const Run *run)
{
    const Dataset *d = run->data;
    size_t labelled = 0, to_score = 0, both = 0, label[4] = {0};
    for (size_t i = 0; i < d->customers; i++) {
        labelled += (d->cohort[i] & COHORT_LABELLED) != 0;
        to_score += (d->cohort[i] & COHORT_SCORED) != 0;
        both += d->cohort[i] == (COHORT_LABELLED | COHORT_SCORED);
        label[d->label[i] + 2]++;
    }
    document_count(j, in, "customers", d->customers);
    document_count(j, in, "labelled", labelled);
    document_count(j, in, "to_be_scored", to_score);
    document_count(j, in, "in_both_cohorts", both);
    document_count(j, in, "positive", label[LABEL_POSITIVE + 2]);
    document_count(j, in, "negative", label[LABEL_NEGATIVE + 2]);
    document_count(j, in, "contradictory_label", label[LABEL_CONTRADICTORY + 2]);
    document_count(j, in, "without_label", label[LABEL_NONE + 2]);
    document_count(j, in, "transaction_rows", d->versions->rows);
    document_count(j, in, "transactions", run->events->rows->rows);
}

static void add_drift(Document *j, const Drift *d)
{
    static const char *const of[] = {"feature", "score", "segment", "stratum"};
    static const char *const use[] = {"model", "policy", "monitor"};
    yyjson_mut_val *o = document_object(j, j->root, "drift");
    document_count(j, o, "customers_at_training", d->before);
    document_count(j, o, "customers_now", d->now);
    yyjson_mut_val *list = document_list(j, o, "list");
    for (size_t i = 0; i < d->count; i++) {
        const DriftItem *item = &d->item[i];
        const Distribution *before = item->before;
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "of", str_from(of[before->of]));
        document_text(j, one, "name", before->name);
        if (before->of == OF_FEATURE)
            document_text(j, one, "use", str_from(use[item->use]));
        document_real(j, one, "psi", item->stability.psi);
        document_real(j, one, "psi_null_mean", item->stability.null_mean);
        document_real(j, one, "psi_noise_limit", item->limit);
        document_text(j, one, "verdict", drift_verdict_name(item->verdict));
        document_real(j, one, "missing_at_training",
                      (double)before->count[before->bins - 1] / (double)d->before);
        document_real(j, one, "missing_now",
                      (double)item->count[before->bins - 1] / (double)d->now);
        document_truth(j, one, "missing_changed", item->missing_changed);
    }
}

Status store_quality(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Dataset *d = run->data;
    Document j;
    char time[TIME_TEXT];
    document_open(&j, &scratch);
    document_text(&j, j.root, "as_of", time_text(time, d->as_of_us));
    add_ledger(&j, d);
    add_counts(&j, document_object(&j, j.root, "counts"), run);
    yyjson_mut_val *list = document_list(&j, j.root, "findings");
    for (size_t i = 0; i < d->findings->count; i++) {
        const Finding *f = &d->findings->item[i];
        yyjson_mut_val *o = document_object(&j, list, NULL);
        document_text(&j, o, "severity", severity_name(f->severity));
        document_text(&j, o, "code", f->code);
        document_count(&j, o, "count", f->count);
        document_text(&j, o, "what", f->what);
        document_text(&j, o, "done", f->done);
    }
    if (run->drift != NULL)
        add_drift(&j, run->drift);
    document_texts(&j, j.root, "columns_absent_at_scoring", d->dropped, d->dropped_count);
    return file_write(path_join(&scratch, folder, "quality.json"), document_write(&j, true), err);
}

/* ---- run.json ---- */

static void add_book(Document *j, yyjson_mut_val *in, const char *name, Str text)
{
    char hash[SHA256_TEXT];
    sha256_text(hash, text);
    yyjson_mut_val *o = document_object(j, in, name);
    document_text(j, o, "sha256", str_copy(j->arena, str_from(hash)));
    document_count(j, o, "bytes", text.size);
}

/* Standard input, pipes and texts handed over in memory cannot be read a second time. */
static Status add_input(Document *j, yyjson_mut_val *in, const LedgerLine *l, Arena scratch,
                        Error *err)
{
    char hash[SHA256_TEXT];
    const char *path = str_chars(&scratch, l->file);
    yyjson_mut_val *o = document_object(j, in, NULL);
    document_text(j, o, "file", l->file);
    document_text(j, o, "role", l->role);
    if (strcmp(path, "-") == 0 || !file_is_regular(path)) {
        document_null(j, o, "sha256");
        return STATUS_OK;
    }
    Str bytes;
    TRY(file_read(&bytes, &scratch, path, err));
    sha256_text(hash, bytes);
    document_text(j, o, "sha256", str_copy(j->arena, str_from(hash)));
    document_count(j, o, "bytes", bytes.size);
    return STATUS_OK;
}

static Status add_inputs(Document *j, const Run *run, Error *err)
{
    const Dataset *d = run->data;
    yyjson_mut_val *list = document_list(j, j->root, "inputs");
    Arena whole_file = arena_new();
    Status status = STATUS_OK;
    for (size_t i = 0; i < d->ledger_count && status == STATUS_OK; i++)
        status = add_input(j, list, &d->ledger[i], whole_file, err);
    LedgerLine facts = {.file = str_from(run->case_facts), .role = S("case_facts")};
    if (run->case_facts != NULL && status == STATUS_OK)
        status = add_input(j, list, &facts, whole_file, err);
    const char *decisions =
        run->previous == NULL ? NULL : path_join(j->arena, run->previous, "decisions.csv");
    LedgerLine earlier = {.file = str_from(decisions), .role = S("previous_decisions")};
    if (decisions != NULL && status == STATUS_OK)
        status = add_input(j, list, &earlier, whole_file, err);
    arena_free(&whole_file);
    return status;
}

static void add_bundle(Document *j, const Bundle *b)
{
    yyjson_mut_val *bundle = document_object(j, j->root, "bundle");
    document_text(j, bundle, "id", str_from(b->id));
    document_text(j, bundle, "version", b->version);
    document_text(j, bundle, "data_sha256", b->data_hash);
    document_count(j, bundle, "customers", b->customers);
    document_count(j, bundle, "positives", b->positives);
}

static void add_actions(Document *j, yyjson_mut_val *counts, const Run *run)
{
    size_t action[ACTIONS] = {0};
    for (size_t i = 0; i < run->scored->count; i++)
        action[run->scored->outcome[i].action]++;
    document_count(j, counts, "scored", run->scored->count);
    document_count(j, counts, "candidates", run->candidates);
    yyjson_mut_val *actions = document_object(j, counts, "actions");
    for (size_t a = 0; a < ACTIONS; a++)
        document_count(j, actions, action_name((Action)a).data, action[a]);
}

Status store_identity(Str *out, Arena *keep, const Run *run, const Chain *chain, Error *err)
{
    Document j;
    char time[TIME_TEXT];
    document_open(&j, keep);
    document_text(&j, j.root, "program", S("assay"));
    document_text(&j, j.root, "version", run->version);
    document_text(&j, j.root, "command", run->command);
    document_count(&j, j.root, "seed", run->seed);
    document_text(&j, j.root, "language", language_name(run->language));
    document_text(&j, j.root, "as_of", time_text(time, run->data->as_of_us));
    yyjson_mut_val *books = document_object(&j, j.root, "books");
    add_book(&j, books, "schema", run->plan->schema->text);
    add_book(&j, books, "features", run->plan->text);
    add_book(&j, books, "policy", policy_text(run->policy));
    if (policy_messages(run->policy) != NULL)
        add_book(&j, books, "messages", messages_text(policy_messages(run->policy)));
    TRY(add_inputs(&j, run, err));
    if (run->bundle != NULL)
        add_bundle(&j, run->bundle);
    yyjson_mut_val *counts = document_object(&j, j.root, "counts");
    add_counts(&j, counts, run);
    if (run->scored != NULL && run->judged == NULL)
        add_actions(&j, counts, run);
    if (chain != NULL)
        document_chain(&j, j.root, chain);
    *out = document_write(&j, true);
    return STATUS_OK;
}

/* ---- timings.json ---- */

Status store_timings(const Run *run, const char *folder, Arena scratch, Error *err)
{
    Document j;
    double total = 0;
    document_open(&j, &scratch);
    yyjson_mut_val *list = document_list(&j, j.root, "stages");
    for (size_t i = 0; i < run->timings; i++) {
        yyjson_mut_val *o = document_object(&j, list, NULL);
        document_text(&j, o, "stage", str_from(run->timing[i].stage));
        document_real(&j, o, "seconds", run->timing[i].seconds);
        total += run->timing[i].seconds;
    }
    document_real(&j, j.root, "seconds", total);
    return file_write(path_join(&scratch, folder, "timings.json"), document_write(&j, true), err);
}
