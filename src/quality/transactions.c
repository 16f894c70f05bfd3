#include "quality/quality_internal.h"

static Status one_currency(const Schema *s, const Table *t, Arena scratch, Error *err)
{
    const Column *c = s->transactions.currency.text.size == 0
                          ? NULL
                          : table_find(t, s->transactions.currency.text);
    if (c == NULL || s->currency.text.size == 0)
        return STATUS_OK;
    uint32_t good = NO_CODE; /* the code of the book's currency, once it is met */
    for (size_t row = 0; row < t->rows; row++) {
        if (!column_valid(c, row) || c->code[row] == good)
            continue;
        Str value = c->dictionary->text[c->code[row]];
        if (str_equal(value, s->currency.text)) {
            good = c->code[row];
            continue;
        }
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
    uint64_t nameless, two_amounts, negative_part, history_after;
    size_t early_row; /* the first of early_completion */
    uint64_t no_currency, no_amount, negative_amount, no_state;
    uint64_t no_completion, still_pending, amount_changed, many_finals, without_events, shared_ids;
    uint8_t *stranger; /* [customers] has rows in a file of the other cohort */
} Tally;

/* In the order a reader wants them. `what` follows the count. */
static void report(Dataset *d, Arena *keep, const Table *t, const Tally *n)
{
    char text[TIME_TEXT];
    const char *early =
        n->early_completion == 0
            ? ""
            : str_format(keep,
                         "transaction rows were completed before they were created, such as line "
                         "%llu of %.*s",
                         (unsigned long long)t->line[n->early_row],
                         STR_ARG(t->files[t->file[n->early_row]]))
                  .data;
    const char *as_known = n->versions == 0
                               ? ""
                               : str_format(keep, "merged into one event each, as known at %.*s",
                                            STR_ARG(time_text(text, d->as_of_us)))
                                     .data;
    const char *of_nobody =
        str_format(keep, "transaction rows belong to %llu customers who are in no customer file",
                   (unsigned long long)n->unknown_customers)
            .data;
    const char *of_others =
        str_format(
            keep,
            "transaction rows came in a file of the cohort that their customer is not in (of "
            "%llu customers; %llu ids are in files of both)",
            (unsigned long long)d->across.customers, (unsigned long long)d->across.ids)
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
        {SEVERITY_WARNING, "transactions_of_the_other_cohort", n->other_cohort, of_others,
         "routed to their customer, whichever file they came in"},
        {SEVERITY_WARNING, "transactions_of_nobody", n->unknown, of_nobody,
         "set aside in quarantine.csv"},
        {SEVERITY_WARNING, "transactions_without_side", n->nameless,
         "transaction rows name neither side", "set aside in quarantine.csv"},
        {SEVERITY_WARNING, "debit_and_credit", n->two_amounts,
         "transaction rows have both a debit and a credit",
         "set aside in quarantine.csv: export them as two rows, or the one that holds"},
        {SEVERITY_WARNING, "negative_debit_or_credit", n->negative_part,
         "transaction rows have a debit or credit below zero",
         "taken by the column they stand in, without their sign"},
        {SEVERITY_WARNING, "history_after_as_of", n->history_after,
         "values of wide customer columns lie after as_of", "left out: they were not known then"},
        {SEVERITY_WARNING, "transactions_after_as_of", n->after,
         "transaction rows were created after as_of",
         "set aside in quarantine.csv: they were not known then"},
        {SEVERITY_WARNING, "customers_without_transactions", n->without_events,
         "customers have no transaction",
         "scored, and marked INSUFFICIENT_DATA: absence of evidence is not evidence of good"},
        {SEVERITY_WARNING, "completed_before_created", n->early_completion, early,
         "taken as final from their creation on; look whether `created` and `completed` are the "
         "right columns"},
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
        if (line[i].count > 0)
            findings_add(
                d->findings, line[i].severity, line[i].code, line[i].count,
                str_format(keep, "%llu %s", (unsigned long long)line[i].count, line[i].what),
                str_from(line[i].done));
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

/* What the route of the rows needs to know of them. */
typedef struct Route {
    const Schema *schema;
    const Union *all;
    Sighting seen;
    const Column *key, *created, *completed, *state, *amount, *currency, *debit, *credit;
    const Column *party; /* the column of the customer, or of the source */
    uint8_t *fate;       /* [rows of the union] what becomes of it */
    bool *labelled;      /* [ledger lines] a file of labelled customers' transactions */
} Route;

/* Rows of one id: count what their versions say. */
static void look_at_versions(Tally *n, const Route *r, const uint32_t *row, size_t count)
{
    size_t finals = 0;
    bool changed = false;
    for (size_t i = 0; i < count; i++) {
        finals += !quality_pending(r->schema, r->state, row[i]);
        changed = changed || !cell_equal(r->amount, row[0], r->amount, row[i]);
    }
    n->versions += count - 1;
    n->still_pending += finals == 0;
    n->many_finals += finals > 1;
    n->amount_changed += changed;
}

enum { FATE_OPEN, FATE_QUARANTINED, FATE_MERGED, FATE_USED }; /* a later one outdoes an earlier */

static const Column *column_of(const Table *t, BookText role)
{
    return role.text.size == 0 ? NULL : table_find(t, role.text);
}

static Sighting every_row(Arena *keep, const Union *all, const Column *customer,
                          const uint32_t *owner_of)
{
    size_t n = all->rows->rows;
    Sighting out = {all->rows, ARENA_RAW(keep, uint32_t, n + 1), ARENA_RAW(keep, uint32_t, n + 1)};
    for (size_t row = 0; row < n; row++) {
        out.owner[row] = owner_of[customer->code[row]];
        out.origin[row] = (uint32_t)row;
    }
    return out;
}

/* Keys, owners and sides for every row, whatever the book leaves out. */
static Route route_of(Dataset *d, Arena *keep, Arena scratch, const Union *all, uint32_t **owner_of)
{
    const SchemaTransactions *st = &d->schema->transactions;
    bool two_sided = schema_two_sided(d->schema);
    const Column *party =
        table_find(all->rows, two_sided ? st->sides.source.text : st->customer.text);
    Dictionary *ids = dictionary_new(&scratch);
    for (size_t i = 0; i < d->customers; i++)
        (void)dictionary_add(ids, d->id[i]);
    size_t codes = party->dictionary->count;
    *owner_of = ARENA_ARRAY(keep, uint32_t, codes + 1);
    for (size_t i = 0; i < codes; i++)
        (*owner_of)[i] = dictionary_find(ids, party->dictionary->text[i]);
    if (d->schema->keyless)
        quality_make_keys(d, keep, scratch, all);
    Route r = {.schema = d->schema, .all = all};
    r.seen = two_sided ? quality_split_sides(d, keep, scratch, all, *owner_of)
                       : every_row(keep, all, party, *owner_of);
    const Table *t = r.seen.rows;
    r.key = column_of(t, st->key);
    r.created = column_of(t, st->created);
    r.completed = column_of(t, st->completed);
    r.state = column_of(t, st->state);
    r.amount = column_of(t, st->amount);
    r.currency = column_of(t, st->currency);
    r.debit = column_of(t, st->debit);
    r.credit = column_of(t, st->credit);
    r.party = table_find(t, party->name);
    r.fate = ARENA_ARRAY(keep, uint8_t, all->rows->rows + 1);
    r.labelled = ARENA_ARRAY(keep, bool, d->ledger_count + 1);
    for (size_t i = 0; i < d->ledger_count; i++)
        r.labelled[i] = str_equal(d->ledger[i].role, S("transactions"));
    return r;
}

/* Without times everything happens at as_of, which is nobody's last event: it must be told. */
static void settle_as_of(Dataset *d, const DatasetInputs *inputs, const Route *r)
{
    const Table *t = r->seen.rows;
    if (!d->schema->timeless) {
        d->as_of_us = inputs->has_as_of ? inputs->as_of_us
                                        : latest(t, r->seen.owner, r->created, r->completed);
        return;
    }
    Column *created = table_find(t, d->schema->transactions.created.text);
    d->as_of_us = inputs->has_as_of ? inputs->as_of_us : 0;
    for (size_t row = 0; row < t->rows; row++) {
        created->integer[row] = d->as_of_us;
        column_set_valid(created, row);
    }
    findings_add(d->findings, SEVERITY_INFO, "no_times", t->rows,
                 S("transactions have no time: the schema book names no `created`"),
                 S("counted over all of them; as_of is what --as-of says, or 1970-01-01"));
}

static bool moves(const Column *amount, size_t row)
{
    return column_valid(amount, row) && amount->integer[row] != 0;
}

/* Why a row cannot be used, or the empty Str. */
static Str objection(const Route *r, const Dataset *d, size_t row, Tally *n, Str *code)
{
    uint32_t origin = r->seen.origin[row];
    bool history = r->all->source[origin] == NO_CODE;
    if (r->seen.owner[row] == NO_CODE) {
        const Column *other =
            schema_two_sided(r->schema)
                ? table_find(r->seen.rows, r->schema->transactions.sides.target.text)
                : r->party;
        if (!column_valid(r->party, row) && !column_valid(other, row)) {
            n->nameless++;
            *code = S("no_side");
            return S("neither side is named");
        }
        n->unknown++;
        *code = S("unknown_customer");
        return schema_two_sided(r->schema) ? S("neither side is in a customer file")
                                           : S("the customer is in no customer file");
    }
    if (r->created->integer[row] > d->as_of_us) {
        n->after += !history;
        n->history_after += history;
        *code = S("after_as_of");
        return S("created after as_of");
    }
    if (r->debit != NULL && moves(r->debit, row) && moves(r->credit, row)) {
        n->two_amounts++;
        *code = S("debit_and_credit");
        return S("both debit and credit hold an amount");
    }
    return S("");
}

/* Count what a usable row of a file lacks or says strangely; of a row with two sides once. */
static void look_at_row(Tally *n, const Route *r, const Dataset *d, uint32_t file, size_t row)
{
    const Table *t = r->seen.rows;
    bool plain = !r->schema->transactions.is_signed;
    n->no_currency += r->currency != NULL && !column_valid(r->currency, row);
    n->no_state += r->state != NULL && !column_valid(r->state, row);
    if (r->debit == NULL) {
        n->no_amount += !column_valid(r->amount, row);
        n->negative_amount += plain && column_valid(r->amount, row) && r->amount->integer[row] < 0;
    } else {
        bool debit = column_valid(r->debit, row), credit = column_valid(r->credit, row);
        n->no_amount += !debit && !credit;
        n->negative_part +=
            (debit && r->debit->integer[row] < 0) || (credit && r->credit->integer[row] < 0);
    }
    unsigned cohort = d->cohort[r->seen.owner[row]];
    if (row + 1 < t->rows && r->seen.origin[row + 1] == r->seen.origin[row])
        cohort |= d->cohort[r->seen.owner[row + 1]];
    bool other = (cohort & (r->labelled[file] ? COHORT_LABELLED : COHORT_SCORED)) == 0;
    n->other_cohort += other;
    n->stranger[r->seen.owner[row]] |= other;
    if (r->completed == NULL)
        return;
    if (!column_valid(r->completed, row))
        n->no_completion += r->state != NULL && !quality_pending(r->schema, r->state, row);
    else if (r->completed->integer[row] < r->created->integer[row]) {
        if (n->early_completion++ == 0)
            n->early_row = row;
    }
}

/* Set aside what cannot be used; order[0 .. returned) are the rows that can. */
static size_t sift(Dataset *d, Arena *keep, Arena scratch, const Route *r, bool findings,
                   uint32_t *order, Tally *n)
{
    const Table *t = r->seen.rows;
    size_t usable = 0, declared = d->schema->transactions.columns.count;
    uint8_t *unknown_seen = ARENA_ARRAY(&scratch, uint8_t, r->party->dictionary->count + 1);
    uint8_t *roles = ARENA_ARRAY(&scratch, uint8_t, r->key->dictionary->count + 1);
    Tally unused = {0};
    n->stranger = ARENA_ARRAY(keep, uint8_t, d->customers + 1);
    for (uint32_t row = 0; row < t->rows; row++) {
        uint32_t origin = r->seen.origin[row];
        bool again = row > 0 && r->seen.origin[row - 1] == origin;
        uint32_t file = r->all->source[origin];
        Str code, reason = objection(r, d, row, again ? &unused : n, &code);
        if (reason.size > 0) {
            Arena own = scratch;
            if (again || file == NO_CODE)
                continue;
            quarantine_add(d->quarantine, nth_file(t, row),
                           (QuarantineRow){.line = t->line[row],
                                           .code = code,
                                           .reason = reason,
                                           .raw = quality_row_text(&own, t, declared, row)});
            r->fate[origin] = FATE_QUARANTINED;
            if (str_equal(code, S("unknown_customer")) && column_valid(r->party, row) &&
                !unknown_seen[r->party->code[row]]) {
                unknown_seen[r->party->code[row]] = 1;
                n->unknown_customers++;
            }
            continue;
        }
        if (findings && !again && file != NO_CODE)
            look_at_row(n, r, d, file, row);
        if (findings && file != NO_CODE && !d->schema->keyless && column_valid(r->key, row))
            roles[r->key->code[row]] |= r->labelled[file] ? COHORT_LABELLED : COHORT_SCORED;
        order[usable++] = row;
    }
    d->across.rows = n->other_cohort;
    for (size_t i = 0; i < d->customers; i++)
        d->across.customers += n->stranger[i];
    for (size_t k = 0; k < r->key->dictionary->count; k++)
        d->across.ids += roles[k] == (COHORT_LABELLED | COHORT_SCORED);
    return usable;
}

static Status check_usable(const Dataset *d, const DatasetInputs *inputs, const Table *t,
                           const Tally *n, Error *err)
{
    if (n->after > 0 && inputs->customers.count > 0) {
        char text[TIME_TEXT];
        (void)error_set(err, STATUS_DATA,
                        "all %llu transaction rows were created after as_of, %.*s",
                        (unsigned long long)n->after, STR_ARG(time_text(text, d->as_of_us)));
        return error_remedy(err, "give a later as_of, or none: then it is the latest event");
    }
    if (n->after == 0 && n->history_after == 0 && (t->rows > 0 || !inputs->has_as_of)) {
        (void)error_set(err, STATUS_DATA,
                        "none of the %zu transaction rows belongs to any of the %zu customers",
                        t->rows, d->customers);
        return error_remedy(err,
                            "check that customers and transactions come from the same extract, and "
                            "`key` and `%s` in the schema book",
                            schema_two_sided(d->schema) ? "sides" : "customer");
    }
    return STATUS_OK;
}

static void settle_ledger(Dataset *d, const Route *r)
{
    for (size_t i = 0; i < r->all->rows->rows; i++) {
        if (r->all->source[i] == NO_CODE)
            continue;
        LedgerLine *line = &d->ledger[r->all->source[i]];
        line->quarantined += r->fate[i] == FATE_QUARANTINED;
        line->merged += r->fate[i] == FATE_MERGED;
        line->used += r->fate[i] == FATE_USED;
    }
}

/* Rows that all stay where they are need no copy. */
static Table *take_rows(Arena *keep, Table *t, const uint32_t *order, size_t count)
{
    size_t same = 0;
    while (same < count && order[same] == same)
        same++;
    return same == t->rows ? t : table_take(keep, t, order, count);
}

Status quality_route_transactions(Dataset *d, Arena *keep, Arena scratch, const Union *all,
                                  const DatasetInputs *inputs, Error *err)
{
    const Schema *s = d->schema;
    uint32_t *owner_of;
    TRY(one_currency(s, all->rows, scratch, err));
    Route r = route_of(d, keep, scratch, all, &owner_of);
    Table *t = r.seen.rows;
    const uint32_t *owner = r.seen.owner;
    Tally tally = {0};
    settle_as_of(d, inputs, &r);
    quality_find_times(d, keep, scratch, t, owner, r.created, r.completed);
    uint32_t *order = ARENA_ARRAY(&scratch, uint32_t, t->rows + 1);
    size_t usable = sift(d, keep, scratch, &r, !inputs->no_findings, order, &tally);
    if (usable == 0)
        TRY(check_usable(d, inputs, t, &tally, err));
    quality_shape_amounts(s, t);

    const EventKey event = quality_event_key(s, t, owner);
    quality_sort_versions(order, usable, &event);
    uint8_t *has_events = ARENA_ARRAY(&scratch, uint8_t, d->customers + 1);
    uint8_t *users = ARENA_ARRAY(&scratch, uint8_t, r.key->dictionary->count + 1);
    size_t kept = 0;
    for (size_t from = 0, to; from < usable; from = to) {
        uint32_t first = order[from];
        size_t start = kept;
        for (to = from; to < usable && quality_same_event(&event, order[to], first);)
            to++;
        TRY(quality_check_versions(t, first, to - from, r.key->name, scratch, err));
        for (size_t i = from; i < to; i++) {
            uint8_t *fate = &r.fate[r.seen.origin[order[i]]],
                    now = i == from ? FATE_USED : FATE_MERGED;
            *fate = *fate > now ? *fate : now;
            kept = keep_fullest(s, t, order, start, kept, order[i]);
        }
        tally.exact += to - from - (kept - start);
        if (!inputs->no_findings)
            look_at_versions(&tally, &r, order + start, kept - start);
        has_events[owner[first]] = 1;
        uint8_t *used = &users[r.key->code[first]]; /* customers so far, at most 2 */
        tally.shared_ids += *used == 1 && !schema_two_sided(s);
        *used = *used == 0 ? 1 : 2;
    }
    settle_ledger(d, &r);
    for (size_t i = 0; i < d->customers; i++)
        tally.without_events += !has_events[i];

    d->versions = take_rows(keep, t, order, kept);
    d->owner = ARENA_ARRAY(keep, uint32_t, kept + 1);
    for (size_t i = 0; i < kept; i++)
        d->owner[i] = owner[order[i]];
    if (!inputs->no_findings)
        report(d, keep, t, &tally);
    return STATUS_OK;
}
