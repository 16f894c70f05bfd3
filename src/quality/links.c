/* links.c - labelled customers who are not independent of each other: one person, or a shared
 * transaction. */
#include "quality/quality_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- union-find over customers: the first customer of a group stands for it ---- */

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* ---- what customers have in common ---- */

/* A thing (a person, a transaction's id) and a customer who has it. */
typedef struct Holding {
    uint32_t thing, customer;
} Holding;

typedef struct Holdings {
    Holding *item;
    size_t count, capacity;
} Holdings;

static int by_thing(const void *a, const void *b)
{
    const Holding *x = a, *y = b;
    if (x->thing != y->thing)
        return x->thing < y->thing ? -1 : 1;
    return (x->customer > y->customer) - (x->customer < y->customer);
}

/* Sorted, each once. */
static void settle(Holdings *h)
{
    size_t kept = 0;
    if (h->count > 0)
        qsort(h->item, h->count, sizeof *h->item, by_thing);
    for (size_t i = 0; i < h->count; i++)
        if (i == 0 || by_thing(&h->item[i], &h->item[i - 1]) != 0)
            h->item[kept++] = h->item[i];
    h->count = kept;
}

static size_t end_of(const Holdings *h, size_t from)
{
    size_t to = from;
    while (to < h->count && h->item[to].thing == h->item[from].thing)
        to++;
    return to;
}

static bool labelled(const Dataset *d, uint32_t customer)
{
    return customer != NO_CODE &&
           (d->label[customer] == LABEL_POSITIVE || d->label[customer] == LABEL_NEGATIVE);
}

/* Join the customers of each thing that at most `most` share; answers how many things more share.
 * is_linked marks who was joined. */
static size_t join_sharers(const Holdings *h, size_t most, uint32_t *parent, uint8_t *is_linked)
{
    size_t hubs = 0;
    for (size_t from = 0, to; from < h->count; from = to) {
        to = end_of(h, from);
        if (to - from < 2)
            continue;
        if (to - from > most) {
            hubs++;
            continue;
        }
        for (size_t i = from; i < to; i++) {
            join(parent, h->item[from].customer, h->item[i].customer);
            is_linked[h->item[i].customer] = 1;
        }
    }
    return hubs;
}

static Holdings persons(Arena *arena, const Dataset *d)
{
    Holdings h = {0};
    Str name = d->schema->customers.person.text;
    const Column *person = name.size == 0 ? NULL : table_find(d->profile, name);
    for (uint32_t i = 0; person != NULL && i < d->customers; i++)
        if (labelled(d, i) && column_valid(person, i))
            *ARENA_PUSH(arena, h.item, h.count, h.capacity) = (Holding){person->code[i], i};
    settle(&h);
    return h;
}

/* Transactions by their own id and by the id they refer to. A reference that is itself an id on
 * record stands for that transaction; the others are numbered after the ids. Only what two
 * customers or more have is kept: of nearly all there is one owner. */
static Holdings transactions(Arena *arena, Arena scratch, const Dataset *d)
{
    Holdings h = {0};
    const SchemaTransactions *st = &d->schema->transactions;
    const Table *t = d->versions;
    const Column *key = table_find(t, st->key.text);
    const Column *reference =
        st->reference.text.size == 0 ? NULL : table_find(t, st->reference.text);
    size_t keys = key->dictionary->count;
    size_t references = reference == NULL ? 0 : reference->dictionary->count;
    uint32_t *thing = ARENA_RAW(&scratch, uint32_t, references + 1);
    for (size_t i = 0; i < references; i++) {
        uint32_t known = dictionary_find(key->dictionary, reference->dictionary->text[i]);
        thing[i] = known != NO_CODE ? known : (uint32_t)(keys + i);
    }
    uint32_t *owner = ARENA_RAW(&scratch, uint32_t, keys + references + 1);
    uint8_t *shared = ARENA_ARRAY(&scratch, uint8_t, keys + references + 1);
    for (size_t i = 0; i < keys + references; i++)
        owner[i] = NO_CODE;
    for (int pass = 0; pass < 2; pass++)
        for (size_t row = 0; row < t->rows; row++) {
            uint32_t customer = d->owner[row], held[2];
            size_t count = 0;
            if (!labelled(d, customer))
                continue;
            if (column_valid(key, row))
                held[count++] = key->code[row];
            if (reference != NULL && column_valid(reference, row))
                held[count++] = thing[reference->code[row]];
            for (size_t i = 0; i < count; i++)
                if (pass == 0) {
                    shared[held[i]] |= owner[held[i]] != NO_CODE && owner[held[i]] != customer;
                    owner[held[i]] = customer;
                } else if (shared[held[i]]) {
                    *ARENA_PUSH(arena, h.item, h.count, h.capacity) = (Holding){held[i], customer};
                }
        }
    settle(&h);
    return h;
}

/* ---- in words ---- */

static size_t count_of(const uint8_t *flag, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += flag[i];
    return count;
}

static void say_persons(Dataset *d, const Holdings *h, Arena scratch)
{
    size_t persons = 0, customers = 0, torn = 0;
    for (size_t from = 0, to; from < h->count; from = to) {
        to = end_of(h, from);
        if (to - from < 2 || to - from > LINK_PERSON_MAX)
            continue;
        size_t positives = 0;
        for (size_t i = from; i < to; i++)
            positives += d->label[h->item[i].customer] == LABEL_POSITIVE;
        persons++;
        customers += to - from;
        torn += positives > 0 && positives < to - from;
    }
    findings_add(
        d->findings, torn > 0 ? SEVERITY_SEVERE : SEVERITY_WARNING, "same_person_twice", persons,
        str_format(&scratch,
                   "%zu persons are behind %zu labelled customers, by %.*s; %zu of these persons "
                   "are labelled risky as one customer and not risky as another",
                   persons, customers, STR_ARG(d->schema->customers.person.text), torn),
        S("each person's customers lie in one fold and are drawn together; their labels are taken "
          "as they are: a person to whom both are given should be looked at"));
}

static void say_links(Dataset *d, const Links *l, Arena scratch)
{
    findings_add(d->findings, SEVERITY_INFO, "linked_customers", l->linked,
                 str_format(&scratch,
                            "%zu labelled customers are linked to another (%zu by the person "
                            "behind them, %zu by a transaction or the reference to one): %zu "
                            "groups, the largest of %zu customers",
                            l->linked, l->by_person, l->by_transaction, l->groups, l->largest),
                 S("a group lies in one fold of validation, tuning and calibration, and is drawn "
                   "as one for every interval"));
    findings_add(d->findings, SEVERITY_INFO, "shared_by_many", l->hubs,
                 str_format(&scratch,
                            "%zu transaction ids or references are shared by more than %d labelled "
                            "customers",
                            l->hubs, LINK_TRANSACTION_MAX),
                 S("not taken as links: what so many share is a batch or a merchant, no bond"));
    findings_add(d->findings, SEVERITY_WARNING, "person_of_many", l->crowds,
                 str_format(&scratch, "%zu person keys stand for more than %d labelled customers",
                            l->crowds, LINK_PERSON_MAX),
                 S("not taken as links: such a key is a placeholder and names nobody; leave it "
                   "empty in the file if it is one"));
    findings_add(d->findings, SEVERITY_WARNING, "links_in_chains", l->chained,
                 str_format(&scratch,
                            "shared transactions chain %zu labelled customers into groups of more "
                            "than %zu, a tenth of all",
                            l->chained, l->limit),
                 S("within such groups shared transactions are not taken as links, or no fold "
                   "could be left out; the same person still is"));
}

/* Where transactions chain so many together that a fold would lose its meaning, they are no links:
 * such customers keep the group that persons alone make. */
static void cut_chains(Links *l, uint32_t *group, uint32_t *all, uint32_t *one,
                       uint8_t *by_transaction, size_t n, Arena scratch)
{
    uint32_t *size = ARENA_ARRAY(&scratch, uint32_t, n + 1);
    uint8_t *chain = ARENA_ARRAY(&scratch, uint8_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        size[root_of(all, i)]++;
        chain[root_of(all, i)] |= by_transaction[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t root = root_of(all, i);
        bool cut = chain[root] && size[root] > l->limit;
        group[i] = cut ? root_of(one, i) : root;
        if (cut) {
            l->chained++;
            by_transaction[i] = 0;
        }
    }
}

Links *quality_link(Arena *keep, Arena scratch, Dataset *d)
{
    Links *l = ARENA_NEW(keep, Links);
    size_t n = d->customers, learnt = 0;
    uint32_t *one = ARENA_RAW(&scratch, uint32_t, n + 1);
    uint32_t *all = ARENA_RAW(&scratch, uint32_t, n + 1);
    uint8_t *by_person = ARENA_ARRAY(&scratch, uint8_t, n + 1);
    uint8_t *by_transaction = ARENA_ARRAY(&scratch, uint8_t, n + 1);
    l->group = ARENA_RAW(keep, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        one[i] = i;
        learnt += labelled(d, i);
    }
    Arena own = arena_new(); /* lists that grow, beside what scratch holds */
    const Holdings person = persons(&own, d), transaction = transactions(&own, scratch, d);
    l->crowds = join_sharers(&person, LINK_PERSON_MAX, one, by_person);
    memcpy(all, one, n * sizeof *all);
    l->hubs = join_sharers(&transaction, LINK_TRANSACTION_MAX, all, by_transaction);
    l->limit = learnt / 10 > LINK_TRANSACTION_MAX ? learnt / 10 : LINK_TRANSACTION_MAX;
    cut_chains(l, l->group, all, one, by_transaction, n, scratch);

    uint32_t *size = ARENA_ARRAY(&scratch, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        size[l->group[i]]++;
    for (size_t i = 0; i < n; i++) {
        l->groups += size[i] > 1;
        l->linked += size[i] > 1 ? size[i] : 0;
        l->largest = size[i] > l->largest ? size[i] : l->largest;
    }
    l->by_person = count_of(by_person, n);
    l->by_transaction = count_of(by_transaction, n);
    say_persons(d, &person, scratch);
    say_links(d, l, scratch);
    arena_free(&own);
    return l;
}
