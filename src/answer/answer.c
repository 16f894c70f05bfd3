/* answer.c - one request down the corridor of a run. */
#include "answer/answer_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- a bundle made ready ---- */

static bool named(Str name, BookText role)
{
    return role.text.size > 0 && str_equal(name, role.text);
}

static bool among(BookTexts list, Str name)
{
    for (size_t i = 0; i < list.count; i++)
        if (str_equal(list.item[i].text, name))
            return true;
    return false;
}

static bool read_by(const Bundle *b, Str column)
{
    for (size_t i = 0; i < b->plan->features; i++) {
        const Feature *f = &b->plan->feature[i];
        if (f->use != USE_MONITOR && !(f->use == USE_MODEL && b->skip[i]) &&
            feature_reads(f, column))
            return true;
    }
    return false;
}

static void take_customer_columns(AnswerColumns *out, Arena *keep, const Bundle *b)
{
    const SchemaCustomers *s = &b->schema->customers;
    const SchemaColumn *column = s->columns.item;
    const SchemaHistory *history = s->history.item;
    out->count = s->columns.count;
    out->item = ARENA_ARRAY(keep, AnswerColumn, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        AnswerColumn *c = &out->item[i];
        *c = (AnswerColumn){.schema = &column[i],
                            .name = column[i].name.text,
                            .key = named(column[i].name.text, s->key),
                            .outcome = schema_is_outcome(b->schema, column[i].name.text),
                            .read = read_by(b, column[i].name.text)};
        for (size_t h = 0; h < s->history.count; h++)
            c->needed = c->needed || among(history[h].columns, c->name);
    }
}

static void take_transaction_columns(AnswerColumns *out, Arena *keep, const Bundle *b)
{
    const SchemaTransactions *s = &b->schema->transactions;
    const SchemaColumn *column = s->columns.item;
    const BookText engine[] = {s->key,   s->created, s->completed,    s->state,       s->amount,
                               s->debit, s->credit,  s->sides.source, s->sides.target};
    out->count = s->columns.count;
    out->item = ARENA_ARRAY(keep, AnswerColumn, out->count + 1);
    for (size_t i = 0; i < out->count; i++) {
        AnswerColumn *c = &out->item[i];
        *c = (AnswerColumn){.schema = &column[i],
                            .name = column[i].name.text,
                            .key = named(column[i].name.text, s->customer),
                            .read = read_by(b, column[i].name.text)};
        c->needed = c->read && !c->key;
        for (size_t k = 0; k < COUNT_OF(engine); k++)
            c->needed = c->needed || named(c->name, engine[k]);
    }
}

static void take_inputs(Answerer *a, Arena *keep)
{
    const Bundle *b = a->bundle;
    a->input = ARENA_ARRAY(keep, size_t, b->plan->features + 1);
    for (size_t i = 0; i < b->plan->features; i++)
        if (b->plan->feature[i].use == USE_MODEL && !b->skip[i])
            a->input[a->inputs++] = i;
}

Status answer_open(Answerer **out, const char *folder, Error *err)
{
    Arena arena = arena_new();
    Answerer *a = ARENA_NEW(&arena, Answerer);
    Status status = bundle_open(&a->bundle, &arena, folder, err);
    *out = NULL;
    if (status != STATUS_OK) {
        arena_free(&arena);
        return status;
    }
    take_customer_columns(&a->customer, &arena, a->bundle);
    take_transaction_columns(&a->transaction, &arena, a->bundle);
    take_inputs(a, &arena);
    const AnswerColumns *columns[] = {&a->customer, &a->transaction};
    for (size_t k = 0; k < COUNT_OF(columns); k++) {
        a->column_names[k] = ARENA_ARRAY(&arena, Str, columns[k]->count + 1);
        for (size_t i = 0; i < columns[k]->count; i++)
            a->column_names[k][i] = columns[k]->item[i].name;
    }
    sha256_text(a->policy_sha256, policy_text(a->bundle->policy));
    a->arena = arena;
    *out = a;
    return STATUS_OK;
}

void answer_close(Answerer *a)
{
    if (a == NULL)
        return;
    Arena arena = a->arena; /* it lives inside what is freed */
    arena_free(&arena);
}

const Bundle *answer_bundle(const Answerer *a)
{
    return a->bundle;
}

/* ---- one request ---- */

/* A column that the engine, the model or the policy reads, and that no row has, must not pass for a
 * customer who did nothing. */
Status request_said(Fault *fault, const char *list, AnswerColumns columns, const RequestRows *rows)
{
    for (size_t k = 0; k < columns.count && rows->rows > 0; k++)
        if (columns.item[k].needed && !rows->said[k])
            return fault_set(fault, (Place){list, rows->single ? no_at : 0, columns.item[k].name},
                             "missing_field",
                             "%.*s is read, and no entry of %s has it; give it, as null where it "
                             "is not known.",
                             STR_ARG(columns.item[k].name), list + 1);
    return STATUS_OK;
}

Status request_keys(Fault *fault, const char *list, const Answerer *a, const RequestRows *rows)
{
    const AnswerColumns t = a->transaction;
    const SchemaTransactions *s = &a->bundle->schema->transactions;
    for (size_t k = 0; k < t.count; k++) {
        if (!named(t.item[k].name, s->key) && !named(t.item[k].name, s->state))
            continue;
        for (size_t i = 0; i < rows->rows; i++)
            if (rows->cell[i * t.count + k].size > ID_BYTES_MAX)
                return fault_set(fault, (Place){list, i, t.item[k].name}, "too_long",
                                 "This text has %zu bytes; an id or a state has at most %d.",
                                 rows->cell[i * t.count + k].size, ID_BYTES_MAX);
    }
    return STATUS_OK;
}

/* Amounts of different currencies are never added up. */
Status request_currency(const Request *r, const Answerer *a, Fault *fault)
{
    const AnswerColumns t = a->transaction;
    Str wanted = a->bundle->schema->currency.text;
    size_t at = 0;
    while (at < t.count && !named(t.item[at].name, a->bundle->schema->transactions.currency))
        at++;
    for (size_t i = 0; i < r->transactions.rows && at < t.count && wanted.size > 0; i++) {
        Str said = r->transactions.cell[i * t.count + at];
        if (said.size > 0 && !str_equal(str_trim(said), wanted))
            return fault_set(fault, (Place){"/transactions", i, t.item[at].name}, "other_currency",
                             "Amounts must be in %.*s; convert them, or leave the transaction out.",
                             STR_ARG(wanted));
    }
    return STATUS_OK;
}

static Status check_complete(const Request *r, const Answerer *a, Fault *fault)
{
    bool wide = a->bundle->schema->customers.history.count > 0;
    if (!r->transactions.given && !wide)
        return fault_set(fault, (Place){"", no_at, S("transactions")}, "missing_field",
                         "The request has no transactions, and none are held of this customer; "
                         "give an empty list for a customer without any.");
    TRY(request_said(fault, "/customer", a->customer, &r->customer));
    if (wide && r->customer.rows == 0)
        return fault_set(fault, (Place){"", no_at, S("customer")}, "missing_field",
                         "The customer's columns hold its history and must be given.");
    TRY(request_said(fault, "/transactions", a->transaction, &r->transactions));
    TRY(request_currency(r, a, fault));
    if (r->as_of == AS_OF_LATEST && r->transactions.rows == 0 && !wide)
        return fault_set(fault, (Place){"", no_at, S("as_of")}, "missing_field",
                         "Without a transaction there is no latest event; give as_of, or \"now\".");
    return STATUS_OK;
}

/* What the rooms below say of a request that reads well and cannot be used. */
static Status unusable(Fault *fault, const Error *said, Status status, Error *err)
{
    if (status == STATUS_IO || status == STATUS_STOPPED || status == STATUS_GATE) {
        *err = *said;
        return status;
    }
    return fault_set(fault, (Place){NULL, no_at, S("")}, "unusable", "%.300s.", said->message);
}

Status request_data(Dataset **out, size_t *after, Arena *keep, Arena scratch, const Answerer *a,
                    const Request *r, Fault *fault, Error *err)
{
    RequestFiles files;
    DatasetInputs in = {.has_as_of = r->as_of != AS_OF_LATEST,
                        .as_of_us = r->as_of_us,
                        .bad_rows_max = 1,
                        .no_findings = true};
    request_files(&files, keep, a, r);
    in.customer_cells = &files.cells[0];
    in.transaction_cells = &files.cells[1];
    Error refused = {0};
    Status status = dataset_read(out, keep, scratch, a->bundle->schema, &in, &refused);
    Dataset *d = *out;
    /* A run sets a bad row aside and says so; who asks about one customer is told, and told of the
     * row before whatever follows from its absence. */
    const Quarantine *aside = d->quarantine;
    for (size_t i = 0; i < aside->count; i++) {
        const QuarantineRow *row = &aside->row[i];
        if (str_equal(row->code, S("after_as_of")))
            (*after)++;
        else
            return fault_row(fault, a, &files, row, aside->files->text[row->file]);
    }
    if (status != STATUS_OK)
        return unusable(fault, &refused, status, err);
    dataset_take_label(d, scratch);
    return STATUS_OK;
}

/* What the bank knows beside, for the one customer there is. */
static Status take_facts(CaseFacts *out, Arena *keep, const Request *r, const Bundle *b,
                         int64_t as_of_us, size_t *later, Fault *fault)
{
    CaseFact **list = ARENA_NEW(keep, CaseFact *);
    size_t *count = ARENA_NEW(keep, size_t);
    *out = (CaseFacts){list, count};
    for (size_t i = 0; i < r->facts; i++) {
        Error refused = {0};
        CaseFact fact = {
            .name = r->fact[i].name, .evidence = r->fact[i].evidence, .since_us = NO_TIME};
        if (r->fact[i].since.size > 0)
            (void)parse_time(r->fact[i].since, &fact.since_us);
        if (score_check_fact(&fact, keep, b->policy, &refused) != STATUS_OK)
            return fault_set(fault, (Place){"/facts", i, S("")}, "bad_fact", "%.160s; %.160s.",
                             refused.message, refused.remedy);
        if (fact.since_us > as_of_us)
            (*later)++;
        else
            score_add_fact(&list[0], &count[0], keep, &fact, b->policy);
    }
    return STATUS_OK;
}

static Status check_earlier(const Request *r, int64_t as_of_us, Fault *fault)
{
    const Earlier *e = &r->earlier;
    if (!e->known || (e->since_us <= as_of_us && e->lower_since_us <= as_of_us))
        return STATUS_OK;
    return fault_set(
        fault, (Place){"/earlier", no_at, e->since_us > as_of_us ? S("since") : S("lower_since")},
        "after_as_of", "The earlier decision knows of a later time than as_of.");
}

/* A book of the request decides instead of the bundle's, for a look. */
static Status take_policy(Bundle *b, Arena *keep, const Request *r, Fault *fault)
{
    Error refused = {0};
    const Place place = {"/options", no_at, S("policy")};
    Status status = policy_read(&b->policy, keep, r->policy, "policy", b->plan, &refused);
    if (status == STATUS_OK && b->messages != NULL)
        status = policy_translate(b->policy, keep, b->messages, NULL, &refused);
    if (status != STATUS_OK)
        return fault_set(fault, place, "bad_policy",
                         "Line %lld, column %lld of the book: %.150s%s%.150s.",
                         (long long)refused.line, (long long)refused.column, refused.message,
                         refused.remedy[0] == '\0' ? "" : "; ", refused.remedy);
    const PeerSets *before = b->peers;
    const PeerSets *now = policy_peer_sets(keep, b->policy);
    bool same = before != NULL && before->sets == now->sets;
    for (size_t i = 0; same && i < now->sets; i++)
        same = str_equal(before->set[i].name, now->set[i].name);
    if (!same)
        b->peers = NULL; /* nobody has counted the customers of these sets */
    return STATUS_OK;
}

/* Rows that are held stand after those that were sent: what is wrong with one is not the sender's.
 */
static Status held_fault(Fault *fault, size_t given, Status status, Error *err)
{
    static const char list[] = "/transactions/";
    const size_t size = sizeof list - 1;
    if (fault->code == NULL || strncmp(fault->pointer, list, size) != 0 ||
        strtoull(fault->pointer + size, NULL, 10) < given)
        return status;
    (void)error_set(err, STATUS_DATA, "what is held of the customer cannot be used: %s",
                    fault->detail);
    *fault = (Fault){0};
    return error_remedy(err, "send the transaction again, as the bundle's schema book has it");
}

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

Status answer_score(Answer *out, Arena *keep, Arena scratch, const Answerer *a,
                    const AnswerInputs *in, Fault *fault, Error *err)
{
    int64_t begun = now_ns();
    Request request, held;
    Reply reply = {.answerer = a, .request = &request};
    *out = (Answer){0};
    *fault = (Fault){0};
    TRY(request_read(&request, keep, a, in->request, &in->limits, in->now_us, false, fault));
    reply.given = request.transactions.rows;
    TRY(request_keys(fault, "/transactions", a, &request.transactions));
    if (in->history.size > 0) {
        Fault inside = {0};
        AnswerLimits limits = in->limits;
        limits.transactions_max = ANSWER_HELD_MAX;
        if (request_read(&held, keep, a, in->history, &limits, in->now_us, true, &inside) !=
            STATUS_OK) {
            if (strcmp(inside.code, "too_many") == 0)
                return fault_set(fault, (Place){"", no_at, S("")}, "unusable",
                                 "More is held of this customer than can be scored at once.");
            (void)error_set(err, STATUS_DATA, "what is held of the customer cannot be used: %s",
                            inside.detail);
            return error_remedy(err, "see %s of it", inside.pointer);
        }
        reply.held = held.transactions.rows;
        request_merge(&request, keep, a, &held);
    }
    Dataset *data;
    Status sound = check_complete(&request, a, fault);
    if (sound == STATUS_OK)
        sound = request_data(&data, &reply.after_as_of, keep, scratch, a, &request, fault, err);
    if (sound != STATUS_OK)
        return held_fault(fault, in->history.size > 0 ? reply.given : SIZE_MAX, sound, err);
    Bundle *bundle = ARENA_NEW(keep, Bundle);
    *bundle = *a->bundle;
    memcpy(reply.policy_sha256, a->policy_sha256, sizeof reply.policy_sha256);
    if (request.policy.data != NULL) {
        TRY(take_policy(bundle, keep, &request, fault));
        sha256_text(reply.policy_sha256, policy_text(bundle->policy));
        reply.dry_run = true;
    }
    CaseFacts *facts = ARENA_NEW(keep, CaseFacts);
    TRY(take_facts(facts, keep, &request, bundle, data->as_of_us, &reply.facts_later, fault));
    TRY(check_earlier(&request, data->as_of_us, fault));
    Earlier *earlier = ARENA_NEW(keep, Earlier);
    *earlier = request.earlier;
    const ScoreOptions options = {.facts = facts,
                                  .earlier = earlier,
                                  .language = request.language,
                                  .brief = !request.reasons};
    uint32_t *row = ARENA_NEW(keep, uint32_t);
    Scored *scored;
    Decision *decision;
    Change *change = NULL;
    Error refused = {0};
    int64_t read = now_ns();
    Status status =
        score_features(&scored, keep, scratch, bundle, data, row, 1, &options, NULL, &refused);
    int64_t measured = now_ns();
    if (status == STATUS_OK)
        status = score_model(scored, keep, bundle, NULL, &refused);
    int64_t scoring = now_ns();
    if (status == STATUS_OK)
        status = score_decide(&decision, keep, scratch, bundle, scored, row, 1, NULL, &refused);
    if (status == STATUS_OK) {
        scored->outcome = ARENA_NEW(keep, Outcome);
        *scored->outcome = policy_outcome(decision);
    }
    if (status == STATUS_OK && request.counterfactual)
        status = explain_changes(&change, keep, scratch, bundle, scored, row, 1, NULL, &refused);
    if (status != STATUS_OK)
        return unusable(fault, &refused, status, err);
    int64_t reasons = now_ns();
    reply.bundle = bundle;
    reply.data = data;
    reply.scored = scored;
    reply.decision = decision;
    reply.change = change;
    reply_write(out, keep, scratch, &reply);
    out->took = (AnswerTimes){.read_ns = read - begun,
                              .features_ns = measured - read,
                              .score_ns = scoring - measured,
                              .reasons_ns = reasons - scoring,
                              .write_ns = now_ns() - reasons};
    return STATUS_OK;
}
