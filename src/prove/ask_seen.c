/* ask_seen.c - comparisons held against customers that a run has seen. */
#include "prove/prove_internal.h"

#include <math.h>

/* How many of the customers a comparison is true, and not true, of. */
typedef struct Tally {
    size_t customers, yes, no;
    bool unclear; /* something in it is not computed here */
} Tally;

typedef struct Seeing {
    Proving *p;
    const Column **column;    /* [variables] NULL: not in the table; NULL: there is no table */
    const double **score;     /* [variables] of the engine's own; else NULL */
    size_t *derived[DERIVED]; /* [scored] */
} Seeing;

static Value cell_value(const Variable *v, const Column *c, size_t row)
{
    if (!column_valid(c, row))
        return value_missing(v->type);
    if (v->kind == VARIABLE_TRUTH)
        return value_truth(c->boolean[row] ? MAY_TRUE : MAY_FALSE);
    if (v->kind == VARIABLE_TEXT)
        return (Value){.kind = VALUE_TEXT,
                       .may_have = true,
                       .known = true,
                       .text = c->dictionary->text[c->code[row]]};
    return value_number(v->type == TYPE_DATE ? (double)(c->integer[row] * DAY_US)
                                             : cell_double(c, row));
}

/* The names of one customer: row of the table, and place among the scored where the engine's own
 * names are asked for. */
static void look_at(Seeing *s, const uint8_t *used, size_t row, size_t scored)
{
    Proving *p = s->p;
    for (size_t i = 0; i < p->variables; i++) {
        if (!used[i])
            continue;
        const Variable *v = &p->variable[i];
        if (s->column[i] != NULL)
            p->at[i] = cell_value(v, s->column[i], row);
        else
            p->at[i] = isfinite(s->score[i][scored]) ? value_number(s->score[i][scored])
                                                     : value_missing(v->type);
    }
}

static uint8_t truth_at(Proving *p, const ExprNode *n)
{
    Lookup lookup = proving_lookup(p);
    return value_of(n, &lookup).truth;
}

static void find_columns(Seeing *s)
{
    Proving *p = s->p;
    const ProveSeen *seen = p->seen;
    s->column = ARENA_ARRAY(p->keep, const Column *, p->variables + 1);
    s->score = ARENA_ARRAY(p->keep, const double *, p->variables + 1);
    for (size_t i = 0; i < p->variables; i++) {
        Str name = p->variable[i].name;
        s->column[i] = p->variable[i].feature == NULL ? NULL : table_find(seen->features, name);
        if (str_equal(name, S("probability")))
            s->score[i] = seen->probability;
        else if (str_equal(name, S("probability_low")))
            s->score[i] = seen->probability_low;
        else if (str_equal(name, S("probability_high")))
            s->score[i] = seen->probability_high;
    }
}

/* Are all names of the part known of the customers? *scored: those of the scored alone. */
static bool can_look(const Seeing *s, const uint8_t *used, const bool derived[DERIVED],
                     bool *scored)
{
    *scored = false;
    for (int i = 0; i < DERIVED; i++)
        *scored = *scored || derived[i];
    for (size_t i = 0; i < s->p->variables; i++) {
        if (!used[i] || s->column[i] != NULL)
            continue;
        if (s->score[i] == NULL)
            return false;
        *scored = true;
    }
    return true;
}

/* Which rules fire for the scored, once. */
static void count_fired(Seeing *s)
{
    Proving *p = s->p;
    const ProveSeen *seen = p->seen;
    bool derived[DERIVED] = {false};
    uint8_t *used = ARENA_ARRAY(p->keep, uint8_t, p->variables + 1);
    uint8_t *family = ARENA_ARRAY(p->keep, uint8_t, p->conditions + 1);
    for (int i = 0; i < DERIVED; i++)
        s->derived[i] = ARENA_ARRAY(p->keep, size_t, seen->scored + 1);
    for (size_t i = 0; i < p->conditions; i++)
        if (p->condition[i].of == CONDITION_RULE || p->condition[i].of == CONDITION_INSUFFICIENT)
            part_names(p, lang_root(p->condition[i].when), used, derived);
    for (size_t i = 0; i < p->variables; i++)
        used[i] = used[i] && s->column[i] != NULL;
    for (size_t k = 0; k < seen->scored; k++) {
        for (size_t i = 0; i < p->conditions; i++)
            family[i] = 0;
        look_at(s, used, seen->row[k], k);
        for (size_t i = 0; i < p->conditions; i++) {
            const Condition *c = &p->condition[i];
            if (c->of != CONDITION_RULE && c->of != CONDITION_INSUFFICIENT)
                continue;
            if (truth_at(p, lang_root(c->when)) != MAY_TRUE)
                continue;
            if (c->of == CONDITION_INSUFFICIENT) {
                s->derived[DERIVED_INSUFFICIENT][k] = 1;
                continue;
            }
            s->derived[DERIVED_RULES][k]++;
            s->derived[DERIVED_SEVERE][k] += c->severe;
            s->derived[DERIVED_FAMILIES][k] += !family[c->family_index];
            family[c->family_index] = 1;
        }
    }
}

static void tally_one(Tally *t, uint8_t truth)
{
    t->customers++;
    t->yes += truth == MAY_TRUE;
    t->no += !(truth & MAY_TRUE);
    t->unclear = t->unclear || ((truth & MAY_TRUE) && truth != MAY_TRUE);
}

static Tally tally(Seeing *s, const ExprNode *n, const uint8_t *used, bool scored)
{
    Proving *p = s->p;
    const ProveSeen *seen = p->seen;
    Tally t = {0};
    size_t count = scored ? seen->scored : seen->features->rows;
    for (size_t k = 0; k < count && !t.unclear; k++) {
        for (int i = 0; i < DERIVED && scored; i++)
            p->derived_at[i] = s->derived[i][k];
        look_at(s, used, scored ? seen->row[k] : k, k);
        tally_one(&t, truth_at(p, n));
    }
    return t;
}

/* Doubles to six digits: they are shown, not compared. */
static Str seen_words(Arena *keep, const Variable *v, double x)
{
    char text[NUMBER_TEXT];
    double unit = 1;
    if (v->type != TYPE_DOUBLE || x == 0 || !isfinite(x))
        return number_words(keep, v, x);
    while (fabs(x) * unit < 1e5 && unit < 1e12)
        unit *= 10;
    return str_copy(keep, double_text(text, floor(x * unit + 0.5) / unit));
}

/* "inflow runs from 0 to 900 there", of the numbers in the comparison. */
static Str ranges(Seeing *s, const uint8_t *used, bool scored)
{
    Proving *p = s->p;
    const ProveSeen *seen = p->seen;
    Buffer out = buffer_new(p->keep);
    size_t count = scored ? seen->scored : seen->features->rows;
    for (size_t i = 0; i < p->variables; i++) {
        const Variable *v = &p->variable[i];
        double low = INFINITY, high = -INFINITY;
        if (!used[i] || v->kind != VARIABLE_NUMBER)
            continue;
        for (size_t k = 0; k < count; k++) {
            look_at(s, used, scored ? seen->row[k] : k, k);
            if (!p->at[i].may_have)
                continue;
            low = p->at[i].low < low ? p->at[i].low : low;
            high = p->at[i].high > high ? p->at[i].high : high;
        }
        buffer_add(&out, out.size == 0 ? S(": ") : S(", "));
        if (low > high)
            buffer_format(&out, "%.*s is missing", STR_ARG(v->name));
        else
            buffer_format(&out, "%.*s runs from %.*s to %.*s", STR_ARG(v->name),
                          STR_ARG(seen_words(p->keep, v, low)),
                          STR_ARG(seen_words(p->keep, v, high)));
    }
    return buffer_str(&out);
}

static void ask_counts(Proving *p, const Condition *c, const ExprNode *n, const uint8_t *used);

static void ask_leaf(Seeing *s, const Condition *c, const ExprNode *n)
{
    Proving *p = s->p;
    Condition at = *c;
    bool derived[DERIVED] = {false}, scored;
    uint8_t *used = ARENA_ARRAY(p->keep, uint8_t, p->variables + 1);
    View v = lang_view(n);
    if (v.kind == VIEW_AND || v.kind == VIEW_OR || v.kind == VIEW_NOT) {
        for (size_t i = 0; i < v.children; i++)
            ask_leaf(s, c, lang_child(n, i));
        return;
    }
    part_names(p, n, used, derived);
    bool compares = v.kind >= VIEW_EQUAL && v.kind <= VIEW_BETWEEN;
    if (compares && s->column == NULL && !derived[0] && !derived[1] && !derived[2] && !derived[3])
        ask_counts(p, c, n, used);
    if (!compares || s->column == NULL || !can_look(s, used, derived, &scored))
        return;
    Tally t = tally(s, n, used, scored);
    if (t.unclear || t.customers == 0 || (t.yes > 0 && t.no > 0))
        return;
    lang_place(n, &at.line, &at.column);
    prove_add(p, PROOF_WARNING, "outside_data", &at,
              str_format(p->keep, "`%.*s` %s of the %zu customers in %.*s%.*s",
                         STR_ARG(lang_node_text(p->keep, n)),
                         t.yes == 0 ? "is true of none" : "is true of each", t.customers,
                         STR_ARG(p->seen->from), STR_ARG(ranges(s, used, scored))),
              S("see whether the number is meant; other customers may be otherwise"));
}

/* ---- customers of whom only counts are known ---- */

static Value bin_value(const Variable *v, const ProveCounts *c, size_t b)
{
    if (b + 1 == c->bins)
        return value_missing(v->type);
    if (c->by_value) {
        Value out = {.kind = VALUE_TEXT, .may_have = true};
        out.known = b + 2 < c->bins;
        out.text = out.known ? c->value[b] : S("");
        out.others = c->value;
        out.other_count = c->bins - 2;
        return out;
    }
    Value out =
        value_between(b == 0 ? -INFINITY : c->cut[b - 1], b + 2 == c->bins ? INFINITY : c->cut[b]);
    out.low_open = true;
    if (out.low < v->bound.low) {
        out.low = v->bound.low;
        out.low_open = v->bound.low_open;
    }
    return out;
}

static void ask_counts(Proving *p, const Condition *c, const ExprNode *n, const uint8_t *used)
{
    const ProveCounts *counts = NULL;
    const Variable *v = NULL;
    Condition at = *c;
    size_t names = 0;
    for (size_t i = 0; i < p->variables; i++)
        if (used[i]) {
            names++;
            v = &p->variable[i];
        }
    for (size_t i = 0; names == 1 && i < p->seen->counted; i++)
        if (str_equal(p->seen->counts[i].name, v->name))
            counts = &p->seen->counts[i];
    if (counts == NULL || counts->by_value != (v->kind == VARIABLE_TEXT) ||
        v->kind == VARIABLE_TRUTH)
        return;
    uint64_t all = 0, yes = 0, no = 0; /* may be true; may be not true */
    for (size_t b = 0; b < counts->bins; b++) {
        p->at[v - p->variable] = bin_value(v, counts, b);
        uint8_t truth = truth_at(p, n);
        all += counts->count[b];
        yes += (truth & MAY_TRUE) ? counts->count[b] : 0;
        no += truth != MAY_TRUE ? counts->count[b] : 0;
    }
    Str text = lang_node_text(p->keep, n);
    lang_place(n, &at.line, &at.column);
    if (all == 0)
        return;
    if (yes == 0 || no == 0)
        prove_add(p, PROOF_WARNING, "outside_data", &at,
                  str_format(p->keep, "`%.*s` is true of %s of the %llu customers of %.*s",
                             STR_ARG(text), yes == 0 ? "none" : "each", (unsigned long long)all,
                             STR_ARG(p->seen->from)),
                  S("see whether the number is meant; other customers may be otherwise"));
    else if (yes * 10 <= all)
        prove_add(p, PROOF_NOTE, "rare_in_data", &at,
                  str_format(p->keep,
                             "`%.*s` is true of %llu of the %llu customers of %.*s at most",
                             STR_ARG(text), (unsigned long long)yes, (unsigned long long)all,
                             STR_ARG(p->seen->from)),
                  S(""));
}

void ask_seen(Proving *p)
{
    Seeing s = {.p = p};
    if (p->seen->features != NULL) {
        find_columns(&s);
        count_fired(&s);
    } else if (p->seen->counted == 0)
        return;
    for (size_t i = 0; i < p->conditions; i++)
        ask_leaf(&s, &p->condition[i], lang_root(p->condition[i].when));
}
