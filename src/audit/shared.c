/* shared.c - identifiers that customers of either cohort have in common. Counts alone are kept. */
#include "audit/audit_internal.h"

enum { SHARED_MAX = 32 };

static void add(Audit *a, Findings *f, Severity severity, const char *code, Str column, Str what,
                Str done, uint64_t values, uint64_t customers)
{
    if (values == 0 || a->shareds == SHARED_MAX)
        return;
    if (code != NULL)
        findings_add(f, severity, code, values, what, done);
    a->shared[a->shareds++] = (Shared){column, what, values, customers};
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
    if (!customers_file && wide == 0)
        return; /* within a cohort a shared reference links customers, which the folds heed */
    add(a, f, SEVERITY_WARNING, person ? NULL : "shared_identifier", c->name,
        str_format(keep,
                   "%zu values of %.*s are those of several customers, %llu customers in all; %zu "
                   "of them are found in both cohorts",
                   values, STR_ARG(c->name), (unsigned long long)customers, wide),
        customers_file
            ? S("if it stands for a person, name it as `person` in the schema book: one person in "
                "several rows must not judge a model that knows them")
            : S("what links them may carry the outcome of one to the other: check what it is"),
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
    add(audit, findings, SEVERITY_INFO, NULL, S(""),
        str_format(keep,
                   "%llu transaction rows of %llu customers came in a file of the cohort that the "
                   "customer is not in",
                   (unsigned long long)d->across.rows, (unsigned long long)d->across.customers),
        S(""), d->across.customers, d->across.customers);
    add(audit, findings, SEVERITY_INFO, NULL, S(""),
        str_format(keep, "%llu transactions are in files of both cohorts",
                   (unsigned long long)d->across.ids),
        S(""), d->across.ids, 0);
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
