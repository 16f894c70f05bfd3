/* comparable.c - the book's sets of comparable customers, and which of them a customer is in. */
#include "policy/policy_internal.h"
#include "policy/policy_shape.h"

enum { SETS_MAX = 30 };

/* The engine's own sets, after the book's. */
enum { SET_TRANSACTIONS, SET_ALL, OWN_SETS };

static Status refuse(Mark mark, const char *file, Error *err)
{
    return error_place(err, file, mark.line, mark.column);
}

static Status read_one(Comparable *out, const Policy *p, Arena *keep, const ComparableText *text,
                       const Scope *features, const char *file, Error *err)
{
    Mark mark = text->when.mark;
    out->name = text->name.text;
    TRY(lang_read(&out->when, keep, text->when.text, features, file, mark.line, mark.column, err));
    if (lang_type(out->when) != TYPE_BOOLEAN) {
        (void)error_set(err, STATUS_FORMAT, "a condition must be true or false; this is a %.*s",
                        STR_ARG(type_name(lang_type(out->when))));
        (void)error_remedy(err, "compare it with something: `... >= 1000`");
        return refuse(mark, file, err);
    }
    size_t names;
    const Str *name = lang_names(out->when, &names);
    for (size_t i = 0; i < names; i++) {
        const Feature *f = plan_find(p->plan, name[i]);
        if (f == NULL || f->use != USE_MONITOR)
            continue;
        (void)error_set(err, STATUS_FORMAT,
                        "comparable customers are told apart by `%.*s`, which is only monitored",
                        STR_ARG(name[i]));
        (void)error_remedy(err, "use a feature of `use: policy`, or give `%.*s` that use",
                           STR_ARG(name[i]));
        return refuse(mark, file, err);
    }
    return STATUS_OK;
}

Status comparable_read(Policy *p, Arena *keep, const BookRecords *list, const Scope *features,
                       const char *file, Error *err)
{
    const ComparableText *text = list->item;
    if (list->count > SETS_MAX) {
        (void)error_set(err, STATUS_LIMIT,
                        "%zu sets of comparable customers; at most %d are "
                        "allowed",
                        list->count, (int)SETS_MAX);
        return refuse(text[SETS_MAX].mark, file, err);
    }
    p->comparable = ARENA_ARRAY(keep, Comparable, list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < i; k++)
            if (str_equal(text[k].name.text, text[i].name.text)) {
                (void)error_set(err, STATUS_FORMAT,
                                "two sets of comparable customers have one "
                                "name");
                return refuse(text[i].name.mark, file, err);
            }
        TRY(read_one(&p->comparable[i], p, keep, &text[i], features, file, err));
    }
    p->comparables = list->count;
    return STATUS_OK;
}

PeerSets *policy_peer_sets(Arena *keep, const Policy *p)
{
    Quantities quantities;
    PeerSets *out = ARENA_NEW(keep, PeerSets);
    plan_quantities(&quantities, keep, p->plan);
    out->quantities = quantities.count;
    out->sets = p->comparables + OWN_SETS;
    out->set = ARENA_ARRAY(keep, PeerSet, out->sets);
    for (size_t i = 0; i < out->sets; i++) {
        PeerSet *set = &out->set[i];
        set->name = i < p->comparables                       ? p->comparable[i].name
                    : i == p->comparables + SET_TRANSACTIONS ? S("customers with transactions")
                                                             : S("all customers");
        set->feature = ARENA_ARRAY(keep, PeerKnots, p->plan->features + 1);
        set->quantity = ARENA_ARRAY(keep, PeerKnots, quantities.count + 1);
    }
    return out;
}

size_t comparable_set(const Policy *p, const Column *condition, size_t row, bool transactions)
{
    for (size_t i = 0; i < p->comparables; i++)
        if (column_valid(&condition[i], row) && condition[i].boolean[row])
            return i;
    return p->comparables + (transactions ? SET_TRANSACTIONS : SET_ALL);
}

Status policy_peer_set(uint32_t *out, Arena scratch, const Policy *p, const Events *events,
                       const Table *features, const uint32_t *row, size_t count, Error *err)
{
    Arena own = arena_new(); /* what lang_evaluate keeps, apart from its temporaries */
    Table *taken = table_take(&own, features, row, count);
    Column *condition = ARENA_ARRAY(&own, Column, p->comparables + 1);
    Status status = STATUS_OK;
    for (size_t i = 0; i < p->comparables && status == STATUS_OK; i++)
        status =
            lang_evaluate(&condition[i], &own, scratch, p->comparable[i].when, taken, NULL, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        out[i] = (uint32_t)comparable_set(p, condition, i,
                                          events->start[row[i] + 1] > events->start[row[i]]);
    arena_free(&own);
    return status;
}

/* A set with too few is passed over for the engine's own, which grow; never for another of the
 * book's. */
static const PeerSet *enough(const PeerSets *p, size_t set, size_t at, bool feature)
{
    for (size_t i = set; i < p->sets; i++) {
        const PeerKnots *k = feature ? &p->set[i].feature[at] : &p->set[i].quantity[at];
        if ((i == set || i + OWN_SETS >= p->sets) && k->knots > 0)
            return &p->set[i];
    }
    return NULL;
}

const PeerSet *peer_feature_set(const PeerSets *p, size_t set, size_t feature)
{
    return enough(p, set, feature, true);
}

const PeerSet *peer_quantity_set(const PeerSets *p, size_t set, size_t quantity)
{
    return enough(p, set, quantity, false);
}
