#include "quality/quality_internal.h"

static Status one_currency(const Schema *s, const Table *t, Arena scratch, Error *err)
{
    const Column *c = s->transactions.currency.text.size == 0
                          ? NULL
                          : table_find(t, s->transactions.currency.text);
    if (c == NULL || s->currency.text.size == 0)
        return STATUS_OK;
    for (size_t row = 0; row < t->rows; row++) {
        if (!column_valid(c, row))
            continue;
        Str value = c->dictionary->text[c->code[row]];
        if (str_equal(value, s->currency.text))
            continue;
        (void)error_set(err, STATUS_DATA, "amounts are in more than one currency: %.*s beside %.*s",
                        STR_ARG(value), STR_ARG(s->currency.text));
        Arena own = scratch;
        (void)error_place(err, str_chars(&own, t->files[t->file[row]]), (int64_t)t->line[row], 0);
        return error_remedy(err, "convert the amounts, or keep the rows of one currency; amounts "
                                 "of different currencies are never added up");
    }
    return STATUS_OK;
}

static Str nth_file(const Table *t, size_t row)
{
    return t->files[t->file[row]];
}

/* The latest event time of any customer: the instant at which the files were taken. */
static int64_t latest(const Table *t, const uint32_t *owner, const Column *created,
                      const Column *completed)
{
    int64_t best = INT64_MIN;
    for (size_t row = 0; row < t->rows; row++) {
        if (owner[row] == NO_CODE)
            continue;
        if (column_valid(created, row) && created->integer[row] > best)
            best = created->integer[row];
        if (completed != NULL && column_valid(completed, row) && completed->integer[row] > best)
            best = completed->integer[row];
    }
    return best;
}

typedef struct Tally {
    uint64_t exact, versions, unknown, unknown_customers, other_cohort, after, early_completion;
    uint64_t no_currency, no_amount, negative_amount, no_state;
    uint64_t no_completion, still_pending, amount_changed, many_finals, without_events, shared_ids;
} Tally;

/* In the order a reader wants them. `what` follows the count. */
static void report(Dataset *d, Arena *keep, const Tally *n)
{
    char text[TIME_TEXT];
    const char *as_known = str_format(keep, "merged into one event each, as known at %.*s",
                                      STR_ARG(time_text(text, d->as_of_us)))
                               .data;
    const char *of_nobody =
        str_format(keep, "transaction rows belong to %llu customers who are in no customer file",
                   (unsigned long long)n->unknown_customers)
            .data;
    const struct {
        Severity severity;
        const char *code;
        uint64_t count;
        const char *what, *done;
    } line[] = {
        {SEVERITY_INFO, "duplicate_transaction_rows", n->exact,
         "transaction rows say the same as another row", "merged"},
        {SEVERITY_INFO, "transaction_versions", n->versions,
         "transaction rows are further state versions of an id (pending, then final)", as_known},
        {SEVERITY_WARNING, "transactions_of_the_other_cohort", n->other_cohort,
         "transaction rows came in a file of the cohort that their customer is not in",
         "routed to their customer, whichever file they came in"},
        {SEVERITY_WARNING, "transactions_of_nobody", n->unknown, of_nobody,
         "set aside in quarantine.csv"},
        {SEVERITY_WARNING, "transactions_after_as_of", n->after,
         "transaction rows were created after as_of",
         "set aside in quarantine.csv: they were not known then"},
        {SEVERITY_WARNING, "customers_without_transactions", n->without_events,
         "customers have no transaction",
         "scored, and marked INSUFFICIENT_DATA: absence of evidence is not evidence of good"},
        {SEVERITY_WARNING, "completed_before_created", n->early_completion,
         "transaction rows were completed before they were created",
         "taken as final from their creation on"},
        {SEVERITY_WARNING, "final_without_time", n->no_completion,
         "transaction rows have a final state and no completion time",
         "taken as final from their creation on"},
        {SEVERITY_WARNING, "no_currency", n->no_currency, "transaction rows name no currency",
         "taken to be in the currency of the schema book"},
        {SEVERITY_WARNING, "no_amount", n->no_amount, "transaction rows have no amount",
         "counted as events; sums leave them out"},
        {SEVERITY_WARNING, "negative_amount", n->negative_amount,
         "transaction rows have an amount below zero",
         "used as they are, which lowers sums: the schema book expects amounts without a sign"},
        {SEVERITY_WARNING, "no_state", n->no_state, "transaction rows have no state",
         "taken as pending"},
        {SEVERITY_INFO, "still_pending", n->still_pending, "transactions are still pending",
         "kept as pending"},
        {SEVERITY_INFO, "amount_changed", n->amount_changed,
         "transactions settled at another amount than they were announced with",
         "the amount of the version known at as_of counts"},
        {SEVERITY_WARNING, "several_final_states", n->many_finals,
         "transactions have more than one final row", "the latest known at as_of counts"},
        {SEVERITY_WARNING, "shared_transaction_ids", n->shared_ids,
         "transaction ids are used by more than one customer",
         "taken as one event for each customer"},
    };
    for (size_t i = 0; i < COUNT_OF(line); i++)
        findings_add(d->findings, line[i].severity, line[i].code, line[i].count,
                     str_format(keep, "%llu %s", (unsigned long long)line[i].count, line[i].what),
                     str_from(line[i].done));
}

/* Rows of one id: count what their versions say. */
static void look_at_versions(Tally *n, const Schema *s, const Table *t, const uint32_t *row,
                             size_t count)
{
    const Column *state = table_find(t, s->transactions.state.text);
    const Column *amount = table_find(t, s->transactions.amount.text);
    size_t finals = 0;
    bool changed = false;
    for (size_t i = 0; i < count; i++) {
        finals += !quality_pending(s, state, row[i]);
        changed = changed || !cell_equal(amount, row[0], amount, row[i]);
    }
    n->versions += count - 1;
    n->still_pending += finals == 0;
    n->many_finals += finals > 1;
    n->amount_changed += changed;
}

/* Add a row of one id to those kept, order[start .. kept), unless one of them says all that it
 * says; those that say less than it go. What is left does not depend on the order of rows. */
static size_t keep_fullest(const Schema *s, const Table *t, uint32_t *order, size_t start,
                           size_t kept, uint32_t row)
{
    size_t left = start;
    for (size_t i = start; i < kept; i++)
        if (quality_says_all(s, t, order[i], row))
            return kept;
    for (size_t i = start; i < kept; i++)
        if (!quality_says_all(s, t, row, order[i]))
            order[left++] = order[i];
    order[left++] = row; /* left <= the row's own place: compacts in place */
    return left;
}

Status quality_route_transactions(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                                  const DatasetInputs *inputs, Error *err)
{
    const Schema *s = d->schema;
    const Table *t = all->rows;
    const Column *key = table_find(t, s->transactions.key.text);
    const Column *customer = table_find(t, s->transactions.customer.text);
    const Column *created = table_find(t, s->transactions.created.text);
    const Column *completed = s->transactions.completed.text.size == 0
                                  ? NULL
                                  : table_find(t, s->transactions.completed.text);
    const Column *state = table_find(t, s->transactions.state.text);
    const Column *amount = table_find(t, s->transactions.amount.text);
    const Column *currency = s->transactions.currency.text.size == 0
                                 ? NULL
                                 : table_find(t, s->transactions.currency.text);
    TRY(one_currency(s, t, scratch, err));

    /* Customer of each code of the transactions' customer column. */
    Dictionary *ids = dictionary_new(&scratch);
    for (size_t i = 0; i < d->customers; i++)
        (void)dictionary_add(ids, d->id[i]);
    size_t codes = customer->dictionary->count;
    uint32_t *owner_of = ARENA_ARRAY(&scratch, uint32_t, codes + 1);
    for (size_t i = 0; i < codes; i++)
        owner_of[i] = dictionary_find(ids, customer->dictionary->text[i]);

    Tally tally = {0};
    uint32_t *owner = ARENA_ARRAY(&scratch, uint32_t, t->rows + 1);
    for (size_t row = 0; row < t->rows; row++)
        owner[row] = owner_of[customer->code[row]];
    d->as_of_us = inputs->has_as_of ? inputs->as_of_us : latest(t, owner, created, completed);
    quality_find_times(d, keep, scratch, t, owner, created, completed);
    uint32_t *order = ARENA_ARRAY(&scratch, uint32_t, t->rows + 1);
    uint8_t *unknown_seen = ARENA_ARRAY(&scratch, uint8_t, codes + 1);
    size_t usable = 0;
    for (uint32_t row = 0; row < t->rows; row++) {
        LedgerLine *line = &d->ledger[all->source[row]];
        bool unknown = owner[row] == NO_CODE, after = created->integer[row] > d->as_of_us;
        if (unknown || after) {
            Arena own = scratch;
            quarantine_add(
                d->quarantine, nth_file(t, row),
                (QuarantineRow){.line = t->line[row],
                                .code = unknown ? S("unknown_customer") : S("after_as_of"),
                                .reason = unknown ? S("the customer is in no customer file")
                                                  : S("created after as_of"),
                                .raw = quality_row_text(&own, t, row)});
            line->quarantined++;
            tally.unknown += unknown;
            tally.after += !unknown;
            if (unknown && !unknown_seen[customer->code[row]]) {
                unknown_seen[customer->code[row]] = 1;
                tally.unknown_customers++;
            }
            continue;
        }
        tally.no_currency += currency != NULL && !column_valid(currency, row);
        tally.no_amount += !column_valid(amount, row);
        tally.negative_amount += column_valid(amount, row) && amount->integer[row] < 0;
        tally.no_state += state != NULL && !column_valid(state, row);
        bool labelled_file = str_equal(line->role, S("transactions"));
        tally.other_cohort +=
            (d->cohort[owner[row]] & (labelled_file ? COHORT_LABELLED : COHORT_SCORED)) == 0;
        if (completed != NULL && column_valid(completed, row))
            tally.early_completion += completed->integer[row] < created->integer[row];
        else
            tally.no_completion += !quality_pending(s, state, row);
        order[usable++] = row;
    }
    if (usable == 0 && tally.after > 0 && inputs->customers.count > 0) {
        char text[TIME_TEXT];
        (void)error_set(err, STATUS_DATA,
                        "all %llu transaction rows were created after as_of, %.*s",
                        (unsigned long long)tally.after, STR_ARG(time_text(text, d->as_of_us)));
        return error_remedy(err, "give a later as_of, or none: then it is the latest event");
    }
    if (usable == 0 && tally.after == 0 && (t->rows > 0 || !inputs->has_as_of)) {
        (void)error_set(err, STATUS_DATA,
                        "none of the %zu transaction rows belongs to any of the %zu customers",
                        t->rows, d->customers);
        return error_remedy(err, "check that customers and transactions come from the same "
                                 "extract, and `key` and `customer` in the schema book");
    }

    quality_sort_versions(order, usable, owner, key);
    uint8_t *has_events = ARENA_ARRAY(&scratch, uint8_t, d->customers + 1);
    uint8_t *users = ARENA_ARRAY(&scratch, uint8_t, key->dictionary->count + 1);
    size_t kept = 0;
    for (size_t from = 0, to; from < usable; from = to) {
        uint32_t first = order[from];
        size_t start = kept;
        for (to = from; to < usable && owner[order[to]] == owner[first] &&
                        key->code[order[to]] == key->code[first];)
            to++;
        TRY(quality_check_versions(t, first, to - from, key->name, scratch, err));
        for (size_t i = from; i < to; i++) {
            LedgerLine *line = &d->ledger[all->source[order[i]]];
            if (i == from)
                line->used++;
            else
                line->merged++;
            kept = keep_fullest(s, t, order, start, kept, order[i]);
        }
        tally.exact += to - from - (kept - start);
        look_at_versions(&tally, s, t, order + start, kept - start);
        has_events[owner[first]] = 1;
        uint8_t *used = &users[key->code[first]]; /* customers so far, at most 2 */
        tally.shared_ids += *used == 1;
        *used = *used == 0 ? 1 : 2;
    }
    for (size_t i = 0; i < d->customers; i++)
        tally.without_events += !has_events[i];

    d->versions = table_take(keep, t, order, kept);
    d->owner = ARENA_ARRAY(keep, uint32_t, kept + 1);
    for (size_t i = 0; i < kept; i++)
        d->owner[i] = owner[order[i]];
    report(d, keep, &tally);
    return STATUS_OK;
}
