/* policy_near.c - why an exit is not proposed though nearly all of it holds, in one sentence.
 *
 * Nearly: it would be proposed but for a safeguard, a milder measure or a restriction that goes
 * first; or of three or more parts that the book's condition joins by `and`, exactly one fails. A
 * documented fact that is not on record is no near miss: nearly everybody lacks it.
 */
#include "policy/policy_reading.h"

#include <math.h>

enum { PARTS_LEAST = 3 };

/* ---- the book ---- */

static bool reads_documented_fact(const Policy *p, const Expr *e)
{
    size_t names;
    const Str *name = lang_names(e, &names);
    for (size_t i = 0; i < names; i++) {
        const FactView *fact = policy_fact(p, name[i]);
        if (fact != NULL && (fact->kind == FACT_ORDER || fact->kind == FACT_HARD))
            return true;
    }
    return false;
}

static Part make_part(const Reading *r, Expr *e)
{
    Part part = {.when = e, .name = lang_bare_name(e), .fact = reads_documented_fact(r->p, e)};
    part.compares = lang_compared(&part.sides, r->keep, e);
    const Expr *inner = lang_negated(r->keep, e);
    if (inner != NULL) {
        part.name = lang_bare_name(inner);
        part.negated = part.name.size > 0;
    }
    if (!part.compares)
        return part;
    /* A threshold is what others are compared with. */
    Str left = lang_bare_name(part.sides.left), right = lang_bare_name(part.sides.right);
    part.flipped = right.size > 0 && (left.size == 0 || str_starts(left, S("threshold_")));
    part.name = part.flipped ? right : left;
    return part;
}

void reading_parts(const Reading *r)
{
    for (size_t i = 0; i < r->p->actions; i++) {
        Clause *c = &r->p->action[i];
        Expr **part;
        if (c->action != ACTION_PROPOSE_OFFBOARDING)
            continue;
        size_t parts = lang_parts(&part, r->keep, c->when, PARTS_AND);
        if (parts < PARTS_LEAST)
            continue;
        c->part = ARENA_ARRAY(r->keep, Part, parts);
        c->parts = parts;
        for (size_t k = 0; k < parts; k++)
            c->part[k] = make_part(r, part[k]);
    }
}

/* ---- columns ---- */

/* The one part that fails; parts when none does, and one beyond when there are more. */
static size_t failing_part(const Clause *c, const PartColumns *column, size_t row)
{
    size_t found = c->parts;
    for (size_t k = 0; k < c->parts; k++) {
        if (slice_holds(&column[k].when, row))
            continue;
        if (found < c->parts)
            return c->parts + 1;
        found = k;
    }
    return found;
}

/* The sides of the comparisons that some customer fails alone: those that are told of. */
static Status gather_sides(PartColumns *column, const Clause *c, const Slice *s, Arena *scratch,
                           Arena spare, Error *err)
{
    for (size_t row = 0; row < s->rows; row++) {
        size_t at = failing_part(c, column, row);
        if (at >= c->parts || !c->part[at].compares || column[at].left.data != NULL)
            continue;
        const ComparedSides *sides = &c->part[at].sides;
        TRY(lang_evaluate(&column[at].left, scratch, spare, sides->left, s->table, NULL, err));
        TRY(lang_evaluate(&column[at].right, scratch, spare, sides->right, s->table, NULL, err));
    }
    return STATUS_OK;
}

Status near_gather(Slice *s, Arena *scratch, Arena spare, const Policy *p, const Column *parts,
                   Error *err)
{
    s->part = ARENA_ARRAY(scratch, PartColumns *, p->actions);
    for (size_t i = 0; i < p->actions; i++) {
        const Clause *c = &p->action[i];
        PartColumns *column = s->part[i] = ARENA_ARRAY(scratch, PartColumns, c->parts);
        for (size_t k = 0; k < c->parts; k++)
            column[k].when = *parts++;
        TRY(gather_sides(column, c, s, scratch, spare, err));
    }
    return STATUS_OK;
}

/* ---- words ---- */

static const struct {
    const char *words;
    Format format;
} own[OWN_NAMES] = {
    [OWN_PROBABILITY] = {"the score", FORMAT_PERCENT},
    [OWN_PROBABILITY_LOW] = {"the lower end of the score", FORMAT_PERCENT},
    [OWN_PROBABILITY_HIGH] = {"the upper end of the score", FORMAT_PERCENT},
    [OWN_THRESHOLD_MEDIUM] = {"the monitoring bound", FORMAT_PERCENT},
    [OWN_THRESHOLD_HIGH] = {"the review bound", FORMAT_PERCENT},
    [OWN_THRESHOLD_OFFBOARDING] = {"the bound for an exit", FORMAT_PERCENT},
    [OWN_RULES] = {"the number of patterns seen", FORMAT_COUNT},
    [OWN_SEVERE_RULES] = {"the number of severe patterns", FORMAT_COUNT},
    [OWN_FAMILIES] = {"the number of independent kinds of evidence", FORMAT_COUNT},
    [OWN_EXPOSURE] = {"the exposure", FORMAT_MONEY},
    [OWN_INSUFFICIENT_DATA] = {"insufficient data", FORMAT_PLAIN},
};

static size_t own_index(const Policy *p, Str name)
{
    for (size_t i = 0; i < OWN_NAMES; i++)
        if (str_equal(p->name[p->plan->features + i].name, name))
            return i;
    return OWN_NAMES;
}

static Str words_of(const Policy *p, Str name)
{
    size_t i = own_index(p, name);
    if (i < OWN_NAMES)
        return str_from(own[i].words);
    const FactView *fact = policy_fact(p, name);
    if (fact != NULL)
        return fact->says;
    const Feature *f = plan_find(p->plan, name);
    return f != NULL && f->says.text.size > 0 ? f->says.text : name;
}

static Format format_of(const Policy *p, Str name)
{
    size_t i = own_index(p, name);
    if (i < OWN_NAMES)
        return own[i].format;
    const Feature *f = plan_find(p->plan, name);
    return f == NULL ? FORMAT_PLAIN : f->format;
}

/* What a comparison that fails says of the value. */
static Str failing_words(const Slice *s, CompareSign sign, bool flipped)
{
    static const CompareSign other[] = {
        [COMPARE_EQUAL] = COMPARE_EQUAL,  [COMPARE_UNEQUAL] = COMPARE_UNEQUAL,
        [COMPARE_LESS] = COMPARE_GREATER, [COMPARE_LESS_EQUAL] = COMPARE_GREATER_EQUAL,
        [COMPARE_GREATER] = COMPARE_LESS, [COMPARE_GREATER_EQUAL] = COMPARE_LESS_EQUAL,
    };
    switch (flipped ? other[sign] : sign) {
    case COMPARE_EQUAL:
        return slice_say(s, S("not"));
    case COMPARE_UNEQUAL:
        return slice_say(s, S("the same as"));
    case COMPARE_LESS:
        return slice_say(s, S("not below"));
    case COMPARE_LESS_EQUAL:
        return slice_say(s, S("above"));
    case COMPARE_GREATER:
        return slice_say(s, S("not above"));
    case COMPARE_GREATER_EQUAL:
        return slice_say(s, S("below"));
    }
    return S("");
}

static Str comparison_words(Arena *keep, const Policy *p, const Part *part, const PartColumns *c,
                            const Slice *s, size_t row)
{
    Str currency = p->plan->schema->currency.text;
    const Column *mine = part->flipped ? &c->right : &c->left;
    const Column *bound = part->flipped ? &c->left : &c->right;
    Format f = format_of(p, part->name);
    bool alone = own_index(p, part->name) == OWN_NAMES; /* what a feature says stands alone */
    Str value = format_cell(keep, f, s->language, currency, mine, row);
    Str limit = format_cell(keep, f, s->language, currency, bound, row);
    if (str_equal(value, limit)) { /* rounded alike, though one is beyond the other */
        value = format_cell(keep, FORMAT_PLAIN, s->language, currency, mine, row);
        limit = format_cell(keep, FORMAT_PLAIN, s->language, currency, bound, row);
    }
    const MessagePart words[] = {{S("name"), slice_say(s, words_of(p, part->name))},
                                 {S("value"), value},
                                 {S("failing"), failing_words(s, part->sides.sign, part->flipped)},
                                 {S("bound"), limit}};
    if (!column_valid(mine, row))
        return slice_words(keep, s, alone ? S("{name}: unknown") : S("{name} is unknown"), words,
                           COUNT_OF(words));
    return slice_words(keep, s,
                       alone ? S("{name}: {value}, {failing} {bound}")
                             : S("{name} is {value}, {failing} {bound}"),
                       words, COUNT_OF(words));
}

/* Any other part: the condition as written, and the customer's value of every name in it. */
static Str condition_words(Arena *keep, const Policy *p, const Part *part, const Slice *s,
                           size_t row)
{
    Buffer b = buffer_new(keep);
    size_t names;
    const Str *name = lang_names(part->when, &names);
    for (size_t i = 0; i < names; i++) {
        const Column *c = table_find(s->table, name[i]);
        Str value = c == NULL ? format_unknown(s->language)
                              : format_cell(keep, format_of(p, name[i]), s->language,
                                            p->plan->schema->currency.text, c, row);
        const MessagePart one[] = {{S("name"), name[i]}, {S("value"), value}};
        buffer_add(&b, i == 0 ? S("") : S(", "));
        buffer_add(&b, slice_words(keep, s, S("{name} is {value}"), one, COUNT_OF(one)));
    }
    const MessagePart words[] = {{S("condition"), lang_text(part->when)},
                                 {S("values"), buffer_str(&b)}};
    return slice_words(keep, s,
                       names == 0 ? S("`{condition}` does not hold")
                                  : S("`{condition}` does not hold: {values}"),
                       words, COUNT_OF(words));
}

static Str part_words(Arena *keep, const Policy *p, const Part *part, const PartColumns *c,
                      const Slice *s, size_t row)
{
    if (s->wordless)
        return S("");
    if (part->compares && part->name.size > 0)
        return comparison_words(keep, p, part, c, s, row);
    const FactView *fact = policy_fact(p, part->name);
    if (fact == NULL)
        return condition_words(keep, p, part, s, row);
    const MessagePart words = {S("fact"), slice_say(s, fact->says)};
    return slice_words(keep, s,
                       part->negated ? S("a fact on record speaks against it: {fact}")
                                     : S("the book asks for a fact that is not on record: {fact}"),
                       &words, 1);
}

/* ---- a customer ---- */

/* How far a comparison is from holding, as a share of the larger side; 1 of anything else. */
static double gap_of(const Part *part, const PartColumns *c, size_t row)
{
    double left = part->compares ? cell_double(&c->left, row) : NAN;
    double right = part->compares ? cell_double(&c->right, row) : NAN;
    double larger = fmax(fabs(left), fabs(right));
    double gap = fabs(left - right) / larger;
    return isfinite(gap) && gap < 1 ? gap : 1;
}

static Str lowered(Arena *keep, const Slice *s, const Decision *out)
{
    for (size_t i = 0; out->safeguards == 0 && i < out->measures; i++)
        if (out->measure[i].suffices) {
            const MessagePart words = {S("measure"), out->measure[i].sentence};
            return slice_words(keep, s,
                               S("Not proposed, because a milder measure suffices: {measure}"),
                               &words, 1);
        }
    const MessagePart words[] = {{S("safeguard"), out->safeguard[0]},
                                 {S("count"), str_format(keep, "%zu", out->safeguards)}};
    return slice_words(keep, s,
                       out->safeguards == 1
                           ? S("Not proposed, because a safeguard holds: {safeguard}")
                           : S("Not proposed, because a safeguard holds: {safeguard} ({count} "
                               "safeguards hold in all.)"),
                       words, COUNT_OF(words));
}

void near_add(Decision *out, Arena *keep, const Deciding *d, const Slice *s, size_t row)
{
    const Policy *p = d->p;
    out->near_miss = S("");
    if (out->action == ACTION_PROPOSE_OFFBOARDING)
        return;
    if (out->before_safeguards == ACTION_PROPOSE_OFFBOARDING) {
        out->near_miss = lowered(keep, s, out);
        return;
    }
    double closest = INFINITY;
    for (size_t i = 0; i < p->actions; i++) {
        const Clause *c = &p->action[i];
        size_t at = c->parts == 0 ? 1 : failing_part(c, s->part[i], row);
        if (at > c->parts || (at < c->parts && c->part[at].fact))
            continue;
        if (at == c->parts) {
            const MessagePart first[] = {{S("action"), action_name(out->action)},
                                         {S("because"), out->because}};
            out->near_miss =
                slice_words(keep, s, S("Not proposed, because {action} goes first: {because}"),
                            first, COUNT_OF(first));
            return;
        }
        double gap = gap_of(&c->part[at], &s->part[i][at], row);
        if (gap >= closest)
            continue;
        closest = gap;
        const MessagePart part = {S("part"),
                                  part_words(keep, p, &c->part[at], &s->part[i][at], s, row)};
        out->near_miss = slice_words(keep, s, S("Not proposed: {part}."), &part, 1);
    }
}
