/* diff.c - two books on the same customers: who moves, and what moved them. */
#include "prove/prove.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Book {
    const Policy *policy;
    Thresholds thresholds;
    Condition *condition;
    size_t conditions;
    Outcome *outcome;   /* of everybody */
    uint8_t **hold;     /* [conditions][movers] */
    Decision *decision; /* [movers] */
} Book;

typedef struct Comparing {
    Arena *keep;
    const PolicyInputs *in; /* the movers alone */
    Book book[2];           /* before and after */
} Comparing;

typedef struct Sentences {
    Arena *keep;
    Str *item;
    size_t count, capacity;
} Sentences;

PRINTF_LIKE(2, 3)
static void say(Sentences *s, const char *format, ...)
{
    va_list args;
    char few[1];
    va_start(args, format);
    int size = vsnprintf(few, sizeof few, format, args);
    va_end(args);
    char *text = ARENA_RAW(s->keep, char, size + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    *ARENA_PUSH(s->keep, s->item, s->count, s->capacity) = (Str){text, (size_t)size};
}

static Str number(Arena *keep, double x)
{
    char text[NUMBER_TEXT];
    return str_copy(keep, double_text(text, x));
}

/* A score to four decimals, never rounded over a threshold that is written with fewer. */
static Str share(Arena *keep, double x)
{
    char text[NUMBER_TEXT];
    return str_copy(keep, decimal_text(text, (int64_t)floor(x * 10000), 4));
}

/* The condition of the same list and id; NULL when there is none. Entries of actions have no ids:
 * equal action and equal condition are the same entry. */
static size_t counterpart(const Book *b, const Condition *c)
{
    bool named = c->of != CONDITION_ACTION && c->of != CONDITION_FLOOR;
    for (size_t i = 0; i < b->conditions; i++) {
        const Condition *o = &b->condition[i];
        if (o->of != c->of || !str_equal(o->id, c->id))
            continue;
        if (named || str_equal(lang_text(o->when), lang_text(c->when)))
            return i;
    }
    return b->conditions;
}

static bool same_text(const Expr *a, const Expr *b)
{
    return str_equal(lang_text(a), lang_text(b));
}

static const char *severity(const Condition *c)
{
    return c->severe ? "severe" : "supporting";
}

/* ---- what differs between the books ---- */

static void threshold_changes(Sentences *out, const Comparing *w)
{
    const Thresholds *a = &w->book[0].thresholds, *b = &w->book[1].thresholds;
    const struct {
        const char *name;
        double before, after;
    } all[] = {{"threshold_medium", a->medium, b->medium},
               {"threshold_high", a->high, b->high},
               {"threshold_offboarding", a->offboarding, b->offboarding}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i].before != all[i].after)
            say(out, "%s goes from %.*s to %.*s", all[i].name,
                STR_ARG(number(out->keep, all[i].before)),
                STR_ARG(number(out->keep, all[i].after)));
    const Expr *x = policy_exposure(w->book[0].policy), *y = policy_exposure(w->book[1].policy);
    if (!same_text(x, y))
        say(out, "exposure was `%.*s` and is `%.*s`", STR_ARG(lang_text(x)), STR_ARG(lang_text(y)));
}

static const char *list_name(const Condition *c)
{
    static const char *const names[] = {"",        "rule ",    "mitigating fact ", "safeguard ",
                                        "action ", "measure ", "floor at "};
    return names[c->of];
}

static void condition_change(Sentences *out, const Condition *a, const Condition *b)
{
    const char *list = list_name(a);
    if (!same_text(a->when, b->when))
        say(out, "%s%.*s: the condition was `%.*s` and is `%.*s`", list, STR_ARG(a->id),
            STR_ARG(lang_text(a->when)), STR_ARG(lang_text(b->when)));
    if (a->of == CONDITION_RULE && a->severe != b->severe)
        say(out, "rule %.*s was %s and is %s", STR_ARG(a->id), severity(a), severity(b));
    if (a->of == CONDITION_RULE && !str_equal(a->family, b->family))
        say(out, "rule %.*s was of the family %.*s and is of %.*s", STR_ARG(a->id),
            STR_ARG(a->family), STR_ARG(b->family));
    bool caps = a->of == CONDITION_SAFEGUARD || a->of == CONDITION_MEASURE;
    if (caps && a->action != b->action)
        say(out, "%s%.*s %s %.*s and now %.*s", list, STR_ARG(a->id),
            a->of == CONDITION_SAFEGUARD ? "capped at" : "was", STR_ARG(action_name(a->action)),
            STR_ARG(action_name(b->action)));
    if (a->of == CONDITION_SAFEGUARD && a->allows != b->allows)
        say(out, "safeguard %.*s lets another action pass", STR_ARG(a->id));
    if (a->of == CONDITION_ACTION && a->uncapped != b->uncapped)
        say(out, "action %.*s by `%.*s` is %s by safeguards", STR_ARG(a->id),
            STR_ARG(lang_text(a->when)), b->uncapped ? "no longer capped" : "capped");
}

static void book_changes(Sentences *out, const Comparing *w)
{
    threshold_changes(out, w);
    for (int side = 0; side < 2; side++) {
        const Book *own = &w->book[side], *other = &w->book[1 - side];
        for (size_t i = 0; i < own->conditions; i++) {
            const Condition *c = &own->condition[i];
            size_t k = counterpart(other, c);
            if (k == other->conditions)
                say(out, "%s%.*s %s: `%.*s`", list_name(c), STR_ARG(c->id),
                    side == 0 ? "is gone" : "is new", STR_ARG(lang_text(c->when)));
            else if (side == 0)
                condition_change(out, c, &other->condition[k]);
        }
    }
}

/* ---- what moved one customer ---- */

/* The score, or an end of its interval, lies between where a threshold was and where it is. */
static void why_threshold(Sentences *out, const Comparing *w, size_t k)
{
    const Thresholds *a = &w->book[0].thresholds, *b = &w->book[1].thresholds;
    const struct {
        const char *name;
        double before, after;
    } all[] = {{"threshold_medium", a->medium, b->medium},
               {"threshold_high", a->high, b->high},
               {"threshold_offboarding", a->offboarding, b->offboarding}};
    const struct {
        const char *name;
        double value;
    } score[] = {{"the score", w->in->probability[k]},
                 {"the lower end of the score's interval", w->in->probability_low[k]},
                 {"the upper end of the score's interval", w->in->probability_high[k]}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (size_t s = 0; s < COUNT_OF(score); s++) {
            bool was = score[s].value >= all[i].before, is = score[s].value >= all[i].after;
            if (was == is)
                continue;
            say(out, "%s goes from %.*s to %.*s: %s, %.*s, %s it now", all[i].name,
                STR_ARG(number(out->keep, all[i].before)), STR_ARG(number(out->keep, all[i].after)),
                score[s].name, STR_ARG(share(out->keep, score[s].value)),
                is ? "reaches" : "is below");
            break; /* its interval says no more about this threshold */
        }
}

static void why_one_rule(Sentences *out, const Comparing *w, int side, size_t i, size_t k)
{
    const Book *own = &w->book[side], *other = &w->book[1 - side];
    const Condition *c = &own->condition[i];
    size_t o = counterpart(other, c);
    bool fires = own->hold[i][k] != 0, there = o < other->conditions;
    bool fired = there && other->hold[o][k];
    if (fires && fired && side == 1) {
        const Condition *was = &other->condition[o];
        if (was->severe != c->severe)
            say(out, "rule %.*s, which fires, was %s and is %s", STR_ARG(c->id), severity(was),
                severity(c));
        if (!str_equal(was->family, c->family))
            say(out, "rule %.*s, which fires, was of the family %.*s and is of %.*s",
                STR_ARG(c->id), STR_ARG(was->family), STR_ARG(c->family));
    }
    if (!fires || fired)
        return;
    const char *verb = side == 1 ? "fires now" : "no longer fires";
    if (!there)
        say(out, "rule %.*s %s: it is %s", STR_ARG(c->id), verb, side == 1 ? "new" : "gone");
    else
        say(out, "rule %.*s %s: its condition was `%.*s` and is `%.*s`", STR_ARG(c->id), verb,
            STR_ARG(lang_text((side == 1 ? other->condition[o] : *c).when)),
            STR_ARG(lang_text((side == 1 ? *c : other->condition[o]).when)));
}

static void why_rules(Sentences *out, const Comparing *w, size_t k)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < w->book[side].conditions; i++)
            if (w->book[side].condition[i].of == CONDITION_RULE)
                why_one_rule(out, w, side, i, k);
}

static const Condition *taken(const Book *b, size_t k)
{
    for (size_t i = 0; i < b->conditions; i++)
        if (b->condition[i].of == CONDITION_ACTION && b->hold[i][k])
            return &b->condition[i];
    return NULL;
}

static Str entry_words(Arena *keep, const Condition *c)
{
    return c == NULL
               ? S("RETAIN, since no entry held")
               : str_format(keep, "%.*s by `%.*s`", STR_ARG(c->id), STR_ARG(lang_text(c->when)));
}

static bool reads_counts(const Condition *c)
{
    size_t names = 0;
    const Str *name = c == NULL ? NULL : lang_names(c->when, &names);
    for (size_t i = 0; i < names; i++)
        if (str_equal(name[i], S("rules")) || str_equal(name[i], S("severe_rules")) ||
            str_equal(name[i], S("families")))
            return true;
    return false;
}

/* Could the rules that fire have decided? They are counted where an entry was taken for its counts,
 * where an exit is held back, and where a floor holds in one book alone. */
static bool rules_matter(const Comparing *w, const PolicyMove *m, size_t k)
{
    const Book *a = &w->book[0], *b = &w->book[1];
    bool floors = false;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < w->book[side].conditions; i++)
            floors = floors ||
                     (w->book[side].condition[i].of == CONDITION_FLOOR && w->book[side].hold[i][k]);
    if (m->from == m->to)
        return floors;
    return reads_counts(taken(a, k)) || reads_counts(taken(b, k)) ||
           a->decision[k].before_safeguards == ACTION_PROPOSE_OFFBOARDING ||
           b->decision[k].before_safeguards == ACTION_PROPOSE_OFFBOARDING;
}

static void why_entry(Sentences *out, const Comparing *w, size_t k)
{
    const Condition *a = taken(&w->book[0], k), *b = taken(&w->book[1], k);
    if ((a == NULL && b == NULL) ||
        (a != NULL && b != NULL && a->action == b->action && same_text(a->when, b->when)))
        return;
    Str was = entry_words(out->keep, a), is = entry_words(out->keep, b);
    say(out, "the entry taken was %.*s; now it is %.*s", STR_ARG(was), STR_ARG(is));
}

/* Did the safeguard lower what this customer was to be proposed? */
static bool lowered(const Book *b, size_t i, size_t k)
{
    const Condition *c = &b->condition[i], *entry = taken(b, k);
    return c->of == CONDITION_SAFEGUARD && b->hold[i][k] && entry != NULL && !entry->uncapped &&
           c->action < entry->action && entry->action != c->allows;
}

static void why_safeguards(Sentences *out, const Comparing *w, size_t k)
{
    for (int side = 0; side < 2; side++) {
        const Book *own = &w->book[side], *other = &w->book[1 - side];
        for (size_t i = 0; i < own->conditions; i++) {
            const Condition *c = &own->condition[i];
            if (!lowered(own, i, k))
                continue;
            size_t o = counterpart(other, c);
            bool there = o < other->conditions;
            if (there && lowered(other, o, k)) {
                if (side == 0 && other->condition[o].action != c->action)
                    say(out, "safeguard %.*s caps at %.*s, no longer at %.*s", STR_ARG(c->id),
                        STR_ARG(action_name(other->condition[o].action)),
                        STR_ARG(action_name(c->action)));
                continue;
            }
            const char *because = !there ? ": it is not in the other book"
                                  : !same_text(c->when, other->condition[o].when)
                                      ? ": its condition changed"
                                      : "";
            say(out, "safeguard %.*s %s at %.*s%s", STR_ARG(c->id),
                side == 1 ? "now caps" : "no longer caps", STR_ARG(action_name(c->action)),
                because);
        }
    }
}

static bool among(Str text, const Str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(list[i], text))
            return true;
    return false;
}

/* Caps of the engine's own have no condition in a book: their sentences tell them. Sentences of the
 * book's safeguards are told above. */
static void why_engine(Sentences *out, const Comparing *w, size_t k)
{
    for (int side = 0; side < 2; side++) {
        const Book *own = &w->book[side];
        const Decision *d = &own->decision[k], *e = &w->book[1 - side].decision[k];
        size_t of_book = 0;
        for (size_t i = 0; i < own->conditions; i++)
            of_book += lowered(own, i, k);
        for (size_t i = of_book; i < d->safeguards; i++)
            if (!among(d->safeguard[i], e->safeguard, e->safeguards))
                say(out, "the engine %s the exit: %.*s", side == 1 ? "now caps" : "no longer caps",
                    STR_ARG(d->safeguard[i]));
    }
}

static const MilderMeasure *sufficing(const Decision *d)
{
    for (size_t i = 0; i < d->measures; i++)
        if (d->measure[i].suffices)
            return &d->measure[i];
    return NULL;
}

static void why_rest(Sentences *out, const Comparing *w, size_t k)
{
    const Decision *a = &w->book[0].decision[k], *b = &w->book[1].decision[k];
    const MilderMeasure *was = sufficing(a), *is = sufficing(b);
    if (a->exposure != b->exposure)
        say(out, "the exposure was %.*s and is %.*s", STR_ARG(number(out->keep, a->exposure)),
            STR_ARG(number(out->keep, b->exposure)));
    if (a->insufficient_data != b->insufficient_data)
        say(out, "insufficient data %s",
            b->insufficient_data ? "is now said" : "is no longer said");
    if (is != NULL && (was == NULL || !str_equal(was->id, is->id)))
        say(out, "measure %.*s now suffices in place of an exit", STR_ARG(is->id));
    if (was != NULL && (is == NULL || !str_equal(was->id, is->id)))
        say(out, "measure %.*s no longer stands in place of an exit", STR_ARG(was->id));
    if (a->segment != b->segment && b->segment_because.size > 0 &&
        !str_equal(a->segment_because, b->segment_because))
        say(out, "%.*s", STR_ARG(b->segment_because));
    if (a->segment != b->segment && a->segment_because.size > 0 && b->segment_because.size == 0)
        say(out, "what held the segment up no longer does: %.*s", STR_ARG(a->segment_because));
}

/* m is the k-th of the movers. */
static void explain(PolicyMove *m, const Comparing *w, size_t k)
{
    Sentences out = {.keep = w->keep};
    why_threshold(&out, w, k);
    if (rules_matter(w, m, k))
        why_rules(&out, w, k);
    why_rest(&out, w, k);
    if (m->from != m->to) {
        why_entry(&out, w, k);
        why_safeguards(&out, w, k);
        why_engine(&out, w, k);
    }
    m->why = out.item;
    m->whys = out.count;
}

/* ---- the whole ---- */

static int by_step(const void *a, const void *b, void *context)
{
    const PolicyMove *x = a, *y = b;
    const PolicyInputs *in = context;
    int one = abs((int)x->to - (int)x->from), two = abs((int)y->to - (int)y->from);
    if (one != two)
        return two - one;
    if (x->to != y->to)
        return (int)y->to - (int)x->to;
    double p = in->probability[x->at], q = in->probability[y->at];
    if (p != q)
        return p > q ? -1 : 1;
    int order = str_compare(in->id[in->row[x->at]], in->id[in->row[y->at]]);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static Status open_book(Book *b, Arena *keep, Arena scratch, const Policy *policy,
                        const PolicyInputs *in, Team *team, Error *err)
{
    b->policy = policy;
    b->thresholds = policy_thresholds(policy);
    b->conditions = policy_conditions(policy, keep, &b->condition);
    return policy_outcomes(&b->outcome, NULL, keep, scratch, policy, in, team, err);
}

static void count(PolicyDiff *out, const Comparing *w)
{
    for (int side = 0; side < 2; side++) {
        size_t cases[ACTIONS] = {0};
        for (size_t k = 0; k < out->customers; k++)
            cases[w->book[side].outcome[k].action]++;
        out->hours[side] = 0;
        for (Action a = 0; a < ACTIONS; a++) {
            out->minutes[side][a] = policy_minutes(w->book[side].policy, a);
            out->hours[side] += out->minutes[side][a] * (double)cases[a] / 60;
        }
    }
}

static void find_movers(PolicyDiff *d, const Comparing *w, const PolicyInputs *in)
{
    size_t capacity = 0;
    for (size_t k = 0; k < in->count; k++) {
        const Outcome *a = &w->book[0].outcome[k], *b = &w->book[1].outcome[k];
        d->action[a->action][b->action]++;
        d->segment[a->segment][b->segment]++;
        if (a->action == b->action && a->segment == b->segment)
            continue;
        *ARENA_PUSH(w->keep, d->move, d->moves, capacity) = (PolicyMove){.at = (uint32_t)k,
                                                                         .from = a->action,
                                                                         .to = b->action,
                                                                         .from_segment = a->segment,
                                                                         .to_segment = b->segment};
    }
    if (d->moves > 1)
        qsort_r(d->move, d->moves, sizeof *d->move, by_step, (void *)in);
}

static double *pick(Arena *keep, const PolicyDiff *d, const double *from)
{
    double *out = ARENA_ARRAY(keep, double, d->moves + 1);
    for (size_t i = 0; i < d->moves; i++)
        out[i] = from[d->move[i].at];
    return out;
}

/* The movers alone, in their order. */
static PolicyInputs movers(Arena *keep, const PolicyDiff *d, const PolicyInputs *in)
{
    PolicyInputs out = *in;
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, d->moves + 1);
    uint8_t *contradictory = ARENA_ARRAY(keep, uint8_t, d->moves + 1);
    for (size_t i = 0; i < d->moves; i++) {
        row[i] = in->row[d->move[i].at];
        contradictory[i] = in->contradictory != NULL && in->contradictory[d->move[i].at];
    }
    out.row = row;
    out.count = d->moves;
    out.contradictory = contradictory;
    out.margin = pick(keep, d, in->margin);
    out.probability = pick(keep, d, in->probability);
    out.probability_low = pick(keep, d, in->probability_low);
    out.probability_high = pick(keep, d, in->probability_high);
    out.contribution = NULL;
    out.matrix = NULL;
    return out;
}

Status prove_diff(PolicyDiff **out, Arena *keep, Arena scratch, const Policy *before,
                  const Policy *after, const PolicyInputs *inputs, Team *team, Error *err)
{
    PolicyDiff *d = *out = ARENA_NEW(keep, PolicyDiff);
    Comparing w = {.keep = keep};
    Sentences changes = {.keep = keep};
    TRY(open_book(&w.book[0], keep, scratch, before, inputs, team, err));
    TRY(open_book(&w.book[1], keep, scratch, after, inputs, team, err));
    d->customers = inputs->count;
    count(d, &w);
    find_movers(d, &w, inputs);
    const PolicyInputs moved = movers(keep, d, inputs);
    w.in = &moved;
    for (int side = 0; side < 2; side++) {
        Book *b = &w.book[side];
        TRY(policy_decide(&b->decision, keep, scratch, b->policy, &moved, team, err));
        TRY(policy_hold(&b->hold, keep, scratch, b->policy, &moved, err));
    }
    for (size_t i = 0; i < d->moves; i++)
        explain(&d->move[i], &w, i);
    book_changes(&changes, &w);
    d->change = changes.item;
    d->changes = changes.count;
    return STATUS_OK;
}
