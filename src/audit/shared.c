/* shared.c - identifiers that customers of either cohort have in common. Counts alone are kept. */
#include "audit/audit_internal.h"

enum { ROLE_LABELLED = 1, ROLE_SCORED = 2, SHARED_MAX = 32 };

static void add(Audit *a, Findings *f, Severity severity, const char *code, Str column, Str what,
                Str done, uint64_t values, uint64_t customers)
{
    if (values == 0 || a->shareds == SHARED_MAX)
        return;
    if (code != NULL)
        findings_add(f, severity, code, values, what, done);
    a->shared[a->shareds++] = (Shared){column, what, values, customers};
}

/* ---- rows of the transactions' files ---- */

/* The role of each of the table's files. */
static uint8_t *file_roles(Arena *arena, const Dataset *d, const Table *t)
{
    uint8_t *role = ARENA_ARRAY(arena, uint8_t, t->file_count + 1);
    for (size_t i = 0; i < t->file_count; i++)
        for (size_t k = 0; k < d->ledger_count; k++) {
            const LedgerLine *l = &d->ledger[k];
            if (!str_equal(l->file, t->files[i]))
                continue;
            if (str_equal(l->role, S("transactions")))
                role[i] |= ROLE_LABELLED;
            if (str_equal(l->role, S("score_transactions")))
                role[i] |= ROLE_SCORED;
        }
    return role;
}

static void find_rows(Audit *a, Arena *keep, Arena scratch, const Dataset *d, Findings *f)
{
    const Table *t = d->versions;
    if (t->file == NULL)
        return;
    const uint8_t *role = file_roles(&scratch, d, t);
    uint8_t *strange = ARENA_ARRAY(&scratch, uint8_t, d->customers + 1);
    uint64_t rows = 0, customers = 0, both = 0;
    const Column *key = table_find(t, d->schema->transactions.key.text);
    bool keyed = key != NULL && key->dictionary != NULL && !d->schema->keyless;
    uint8_t *of = ARENA_ARRAY(&scratch, uint8_t, keyed ? key->dictionary->count + 1 : 1);
    for (size_t i = 0; i < t->rows; i++) {
        uint32_t file = t->file[i];
        if (file >= t->file_count)
            continue; /* made of a customer's history */
        if (role[file] == ROLE_SCORED && d->cohort[d->owner[i]] == COHORT_LABELLED) {
            rows++;
            strange[d->owner[i]] = 1;
        }
        if (keyed && column_valid(key, i))
            of[key->code[i]] |= role[file];
    }
    for (size_t i = 0; i < d->customers; i++)
        customers += strange[i];
    for (size_t i = 0; keyed && i < key->dictionary->count; i++)
        both += of[i] == (ROLE_LABELLED | ROLE_SCORED);
    add(a, f, SEVERITY_WARNING, "labelled_in_scored_transactions", S(""),
        str_format(keep,
                   "the transactions to be scored hold %llu rows of %llu customers who are in the "
                   "labelled files and not in those to be scored",
                   (unsigned long long)rows, (unsigned long long)customers),
        S("each row goes to its customer, whichever file it came in, so that nobody is both learnt "
          "from and scored as someone else"),
        customers, customers);
    add(a, f, SEVERITY_WARNING, "transactions_in_both", keyed ? key->name : S(""),
        str_format(keep,
                   "%llu transactions are both in the labelled files and in those to be scored",
                   (unsigned long long)both),
        S("merged: each counts once"), both, 0);
}

/* ---- other identifiers ---- */

/* Who holds a value: the first customer and whether there are others, by cohort. */
typedef struct Holder {
    uint32_t first, rows;
    uint8_t cohorts;
    bool several;
} Holder;

static void find_column(Audit *a, Arena *keep, Arena scratch, const Dataset *d, const Column *c,
                        const uint32_t *owner, size_t rows, bool customers_file, Findings *f)
{
    size_t codes = c->dictionary->count, filled = 0, distinct = 0, wide = 0, values = 0;
    Holder *holder = ARENA_ARRAY(&scratch, Holder, codes + 1);
    for (size_t i = 0; i < rows; i++) {
        if (!column_valid(c, i))
            continue;
        Holder *h = &holder[c->code[i]];
        uint32_t customer = owner == NULL ? (uint32_t)i : owner[i];
        filled++;
        distinct += h->rows == 0;
        h->several = h->several || (h->rows > 0 && h->first != customer);
        h->first = h->rows == 0 ? customer : h->first;
        h->rows++;
        h->cohorts |= d->cohort[customer];
    }
    if (filled < 20 || 2 * distinct < filled)
        return; /* no identifier */
    uint8_t *in = ARENA_ARRAY(&scratch, uint8_t, d->customers + 1);
    for (size_t i = 0; i < rows; i++)
        if (column_valid(c, i) && holder[c->code[i]].several)
            in[owner == NULL ? i : owner[i]] = 1;
    for (size_t k = 0; k < codes; k++) {
        values += holder[k].several;
        wide += holder[k].several && holder[k].cohorts == (COHORT_LABELLED | COHORT_SCORED);
    }
    uint64_t customers = 0;
    for (size_t i = 0; i < d->customers; i++)
        customers += in[i];
    bool person = str_equal(d->schema->customers.person.text, c->name) && customers_file;
    add(a, f, SEVERITY_WARNING, "shared_identifier", c->name,
        str_format(keep,
                   "%zu values of %.*s are those of several customers, %llu customers in all; %zu "
                   "of them are found in both cohorts",
                   values, STR_ARG(c->name), (unsigned long long)customers, wide),
        person          ? S("the schema book names it the person: linked customers stay together")
        : customers_file
            ? S("if it stands for a person, name it as `person` in the schema book: one person in "
                "several rows must not judge a model that knows them")
            : S("check whether it links customers who should stay in one fold"),
        values, customers);
}

void audit_shared(Audit *audit, Arena *keep, Arena scratch, const Dataset *d, Findings *findings)
{
    const SchemaTransactions *t = &d->schema->transactions;
    uint64_t both = 0;
    audit->shared = ARENA_ARRAY(keep, Shared, SHARED_MAX);
    for (size_t i = 0; i < d->customers; i++)
        both += d->cohort[i] == (COHORT_LABELLED | COHORT_SCORED);
    add(audit, findings, SEVERITY_INFO, NULL, S(""), /* said when the files were read */
        str_format(keep, "%llu customers are both labelled and to be scored",
                   (unsigned long long)both),
        S(""), both, both);
    find_rows(audit, keep, scratch, d, findings);
    for (size_t k = 0; k < d->profile->columns; k++) {
        const Column *c = &d->profile->column[k];
        if (c->type == TYPE_TEXT && !str_equal(c->name, d->schema->customers.key.text))
            find_column(audit, keep, scratch, d, c, NULL, d->profile->rows, true, findings);
    }
    for (size_t k = 0; k < d->versions->columns; k++) {
        const Column *c = &d->versions->column[k];
        const BookText *role[] = {&t->key, &t->customer, &t->sides.source, &t->sides.target};
        bool plays = str_equal(c->name, str_from(SCHEMA_PARTNER));
        for (size_t r = 0; r < COUNT_OF(role); r++)
            plays = plays || str_equal(c->name, role[r]->text);
        if (c->type == TYPE_TEXT && !plays)
            find_column(audit, keep, scratch, d, c, d->owner, d->versions->rows, false, findings);
    }
}
