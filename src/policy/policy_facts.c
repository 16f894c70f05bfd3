/* policy_facts.c - what the bank knows beside profile and transactions: the book's list, and a
 * customer's.
 *
 * A fact is true of a customer when it is known at as_of and, where it needs evidence, a reference
 * says where it is documented. An undocumented one is shown and has no effect.
 */
#include "policy/policy_reading.h"

enum { FACTS_MAX = 64 };

/* ---- the book's list ---- */

static bool needs_documents(FactKind kind)
{
    return kind == FACT_ORDER || kind == FACT_HARD;
}

static Status check_fact(const Reading *r, const FactText *text)
{
    if (text->name.text.size == 0)
        return reading_refuse(r, text->mark, "a fact needs a name");
    if (!needs_documents((FactKind)text->kind) || text->evidence != 0)
        return STATUS_OK;
    Status status =
        reading_refuse(r, text->mark, "`%.*s` is of kind %s and would count without evidence",
                       STR_ARG(text->name.text), text->kind == FACT_HARD ? "hard" : "order");
    (void)error_remedy(r->err, "write `evidence: required`, or leave `evidence` out: a criterion "
                               "that stands for an exit must be documented");
    return status;
}

Status reading_facts(const Reading *r, const BookRecords *list)
{
    const FactText *text = list->item;
    Policy *p = r->p;
    if (list->count > FACTS_MAX) {
        Status status = error_set(r->err, STATUS_LIMIT, "%zu facts; at most %d are allowed",
                                  list->count, FACTS_MAX);
        (void)error_place(r->err, r->file, text[FACTS_MAX].mark.line, text[FACTS_MAX].mark.column);
        return status;
    }
    p->fact = ARENA_ARRAY(r->keep, FactView, list->count);
    Str *names = ARENA_ARRAY(r->keep, Str, list->count);
    for (size_t i = 0; i < list->count; i++) {
        TRY(check_fact(r, &text[i]));
        TRY(reading_check_id(r, text[i].name, names, i, "facts"));
        names[i] = text[i].name.text;
        FactKind kind = (FactKind)text[i].kind;
        p->fact[i] = (FactView){.name = text[i].name.text,
                                .says = text[i].says.text,
                                .kind = kind,
                                .needs_evidence = needs_documents(kind) || text[i].evidence == 1};
    }
    p->facts = list->count;
    return STATUS_OK;
}

const FactView *policy_fact(const Policy *p, Str name)
{
    for (size_t i = 0; i < p->facts; i++)
        if (str_equal(p->fact[i].name, name))
            return &p->fact[i];
    return NULL;
}

Status reading_refuse_protective(const Reading *r, const Expr *e, Mark mark, const char *where)
{
    size_t names;
    const Str *name = lang_names(e, &names);
    for (size_t i = 0; i < names; i++) {
        const FactView *fact = policy_fact(r->p, name[i]);
        if (fact == NULL || fact->kind != FACT_SAFEGUARD)
            continue;
        Status status = reading_refuse(r, mark, "%s reads `%.*s`, which may only protect", where,
                                       STR_ARG(name[i]));
        (void)error_remedy(r->err, "write a safeguard that reads it, or give the fact another "
                                   "kind");
        return status;
    }
    return STATUS_OK;
}

size_t policy_facts(const Policy *p, const FactView **out)
{
    *out = p->fact;
    return p->facts;
}

/* ---- a customer's ---- */

typedef struct Known {
    const CaseFact *item;
    size_t count;
} Known;

static Known known_of(const Deciding *d, size_t k)
{
    const CaseFacts *facts = d->in->facts;
    if (facts == NULL)
        return (Known){NULL, 0};
    uint32_t row = d->in->row[k];
    return (Known){facts->of[row], facts->count[row]};
}

static bool counts(const FactView *fact, const CaseFact *c, int64_t as_of_us)
{
    return c->since_us <= as_of_us && (!fact->needs_evidence || c->evidence.size > 0);
}

static bool is_true(const Deciding *d, size_t k, const FactView *fact)
{
    Known known = known_of(d, k);
    for (size_t i = 0; i < known.count; i++)
        if (str_equal(known.item[i].name, fact->name) &&
            counts(fact, &known.item[i], slice_as_of(d, k)))
            return true;
    return false;
}

static bool any_known(const Slice *s, const Deciding *d)
{
    for (size_t row = 0; row < s->rows; row++)
        if (known_of(d, s->from + row).count > 0)
            return true;
    return false;
}

void facts_gather(Slice *s, Arena *scratch, const Deciding *d)
{
    const Policy *p = d->p;
    const bool known = any_known(s, d);
    for (size_t i = 0; i < p->facts; i++) {
        Column *c = &s->table->column[s->table->columns++];
        if (i > 0 && !known) { /* nothing is known of anybody: one column says it of every fact */
            *c = c[-1];
            c->name = p->fact[i].name;
            continue;
        }
        column_init(c, scratch, p->fact[i].name, TYPE_BOOLEAN, 0, s->rows, NULL);
        for (size_t row = 0; row < s->rows; row++) {
            c->boolean[row] = is_true(d, s->from + row, &p->fact[i]);
            column_set_valid(c, row);
        }
    }
}

static Str fact_sentence(Arena *keep, const Deciding *d, const FactView *fact, const CaseFact *c,
                         bool counts)
{
    const Messages *m = d->p->messages;
    Language l = d->in->language;
    bool since = c->since_us != NO_TIME, evidence = c->evidence.size > 0;
    const MessagePart part[] = {{S("fact"), message(m, l, fact->says)},
                                {S("day"), since ? instant_words(keep, l, c->since_us) : S("")},
                                {S("evidence"), c->evidence}};
    const Str sentence[2][2][2] = {
        {{S("{fact}: noted, but not documented, so it has no effect."),
          S("{fact}: noted (evidence: {evidence}), but not documented, so it has no effect.")},
         {S("{fact}: noted since {day}, but not documented, so it has no effect."),
          S("{fact}: noted since {day} (evidence: {evidence}), but not documented, so it has no "
            "effect.")}},
        {{S("{fact}: on record."), S("{fact}: on record (evidence: {evidence}).")},
         {S("{fact}: on record since {day}."),
          S("{fact}: on record since {day} (evidence: {evidence}).")}}};
    return message_fill(keep, m, l, sentence[counts][since][evidence], part, COUNT_OF(part));
}

void facts_add(Decision *out, Arena *keep, const Deciding *d, size_t k)
{
    Known known = known_of(d, k);
    int64_t as_of_us = slice_as_of(d, k);
    if (known.count == 0)
        return;
    out->fact = ARENA_ARRAY(keep, CaseFact, known.count);
    for (size_t i = 0; i < known.count; i++) {
        const CaseFact *c = &known.item[i];
        const FactView *fact = policy_fact(d->p, c->name);
        if (fact == NULL || c->since_us > as_of_us)
            continue;
        CaseFact *shown = &out->fact[out->facts++];
        *shown = *c;
        shown->counts = counts(fact, c, as_of_us);
        shown->sentence = fact_sentence(keep, d, fact, c, shown->counts);
    }
}

const FactView *facts_support(const Clause *c, const Deciding *d, size_t k)
{
    size_t names;
    const Str *name = lang_names(c->when, &names);
    for (size_t i = 0; i < names; i++) {
        const FactView *fact = policy_fact(d->p, name[i]);
        if (fact != NULL && fact->kind == FACT_HARD && is_true(d, k, fact))
            return fact;
    }
    return NULL;
}
