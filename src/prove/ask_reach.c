/* ask_reach.c - what can happen at all: conditions that never hold, entries that earlier ones
 * hide, rules that say the same, safeguards that lower nothing, actions that nobody gets. */
#include "prove/prove_internal.h"

#include <string.h>

enum { PAIRS_MOST = 20000, BEFORE_NODES = 20000 };

static Diagram holds(Proving *p, size_t i)
{
    return diagram_is(&p->d, p->truth[i], IS_TRUE);
}

static Diagram inside(Proving *p, Diagram a)
{
    return diagram_and(&p->d, p->world, a);
}

/* a without b, among customers that there can be. */
static Diagram beyond(Proving *p, Diagram a, Diagram b)
{
    return inside(p, diagram_and(&p->d, a, diagram_not(&p->d, b)));
}

static Str quoted(Proving *p, const Condition *c)
{
    return str_format(p->keep, "`%.*s`", STR_ARG(lang_text(c->when)));
}

/* ---- never and always ---- */

/* Parts of a condition between `and` and `or` that never change what it says. */
static void ask_parts(Proving *p, const Condition *c, const ExprNode *n)
{
    View v = lang_view(n);
    if (v.kind != VIEW_AND && v.kind != VIEW_OR)
        return;
    for (size_t i = 0; i < v.children; i++) {
        const ExprNode *part = lang_child(n, i);
        Condition at = *c;
        question(p);
        Diagram is = diagram_is(&p->d, compile_part(p, part), IS_TRUE);
        Diagram can = inside(p, is), cannot = beyond(p, IS_TRUE, is);
        if (!decided(p, condition_name(p->keep, c)))
            continue;
        lang_place(part, &at.line, &at.column);
        if (v.kind == VIEW_OR && can == IS_FALSE)
            prove_add(p, PROOF_WARNING, "part_never_holds", &at,
                      str_format(p->keep, "the part `%.*s` can never hold",
                                 STR_ARG(lang_node_text(p->keep, part))),
                      S("take it away, or mend its numbers"));
        else if (v.kind == VIEW_AND && cannot == IS_FALSE)
            prove_add(p, PROOF_NOTE, "part_always_holds", &at,
                      str_format(p->keep, "the part `%.*s` always holds",
                                 STR_ARG(lang_node_text(p->keep, part))),
                      S("take it away"));
        else if (can != IS_FALSE)
            ask_parts(p, c, part);
    }
}

static bool ask_holding(Proving *p, size_t i)
{
    const Condition *c = &p->condition[i];
    Str name = condition_name(p->keep, c);
    question(p);
    Diagram can = inside(p, holds(p, i)), cannot = beyond(p, IS_TRUE, holds(p, i));
    if (!decided(p, name))
        return true;
    bool grave = c->of == CONDITION_RULE || c->of == CONDITION_ACTION;
    if (can == IS_FALSE) {
        prove_add(
            p, grave ? PROOF_ERROR : PROOF_WARNING, "never_fires", c,
            str_format(p->keep, "can never hold: no customer meets %.*s", STR_ARG(quoted(p, c))),
            S("mend the condition, or take the entry away"));
        return false;
    }
    if (cannot == IS_FALSE)
        prove_add(p, PROOF_WARNING, "always_fires", c,
                  str_format(p->keep, "holds for every customer: %.*s tells nobody from anybody",
                             STR_ARG(quoted(p, c))),
                  S("mend the condition"));
    ask_parts(p, c, lang_root(c->when));
    return true;
}

/* ---- actions ---- */

static Str ordinal(Proving *p, size_t k)
{
    return str_format(p->keep, "entry %zu of the actions", k);
}

static void ask_hidden(Proving *p, const uint8_t *can)
{
    Diagram before = IS_FALSE;
    size_t entry = 0;
    bool followed = true;
    for (size_t i = 0; i < p->conditions; i++) {
        const Condition *c = &p->condition[i];
        if (c->of != CONDITION_ACTION)
            continue;
        entry++;
        question(p);
        p->d.full = !followed;
        Diagram mine = holds(p, i), left = beyond(p, mine, before);
        bool sure = decided(p, condition_name(p->keep, c));
        if (sure && can[i] && left == IS_FALSE) {
            size_t other = 0, which = 0;
            for (size_t k = 0; k < i && which == 0; k++) {
                if (p->condition[k].of != CONDITION_ACTION)
                    continue;
                other++;
                if (beyond(p, mine, holds(p, k)) == IS_FALSE && !p->d.full)
                    which = other;
            }
            Str by = which > 0 ? ordinal(p, which) : S("the entries above it together");
            prove_add(p, PROOF_ERROR, "hidden", c,
                      str_format(p->keep,
                                 "is never taken: whoever meets %.*s (%.*s) is taken by %.*s",
                                 STR_ARG(quoted(p, c)), STR_ARG(ordinal(p, entry)), STR_ARG(by)),
                      S("take the entry away, or set it further up"));
        }
        diagrams_begin(&p->d, BEFORE_NODES);
        before = diagram_apply(&p->d, OPERATION_OR, before, holds(p, i));
        followed = followed && !p->d.full;
        diagrams_keep(&p->d);
    }
}

static void ask_levels(Proving *p)
{
    for (Action a = ACTION_MONITOR; a < ACTIONS; a++) {
        const Condition *first = NULL;
        for (size_t i = 0; i < p->conditions && first == NULL; i++)
            if (p->condition[i].of == CONDITION_ACTION && p->condition[i].action == a)
                first = &p->condition[i];
        question_of_actions(p);
        Diagram before = inside(p, diagram_is(&p->d, p->action, a));
        Diagram after = inside(p, diagram_is(&p->d, p->capped, a));
        if (!decided(p, action_name(a)))
            continue;
        if (after == IS_FALSE && first == NULL)
            prove_add(p, PROOF_NOTE, "no_entry", NULL,
                      str_format(p->keep, "no entry proposes %.*s", STR_ARG(action_name(a))),
                      S(""));
        else if (after == IS_FALSE && before != IS_FALSE)
            prove_add(p, PROOF_ERROR, "unreachable_action", first,
                      str_format(p->keep,
                                 "nobody is ever proposed %.*s: safeguards, milder measures or the "
                                 "engine's own caps on exits always lower it",
                                 STR_ARG(action_name(a))),
                      S("ask for families >= 2 where an exit is proposed, or mend the safeguards"));
    }
}

/* ---- safeguards ---- */

/* Would it lower what somebody is proposed, were it the only one? */
static Diagram lowered_by(Proving *p, size_t safeguard)
{
    const Condition *s = &p->condition[safeguard];
    Diagram before = IS_FALSE, out = IS_FALSE;
    for (size_t i = 0; i < p->conditions; i++) {
        const Condition *c = &p->condition[i];
        if (c->of != CONDITION_ACTION)
            continue;
        Diagram mine = diagram_and(&p->d, holds(p, i), diagram_not(&p->d, before));
        bool passes = c->action == s->allows;
        if (!c->uncapped && c->action > s->action && !passes)
            out = diagram_apply(&p->d, OPERATION_OR, out, mine);
        before = diagram_apply(&p->d, OPERATION_OR, before, holds(p, i));
    }
    return inside(p, diagram_and(&p->d, out, holds(p, safeguard)));
}

static void ask_covered(Proving *p, size_t i)
{
    const Condition *c = &p->condition[i];
    for (size_t k = 0; k < p->conditions; k++) {
        const Condition *other = &p->condition[k];
        if (other->of != CONDITION_SAFEGUARD || k == i || other->action > c->action ||
            other->allows != c->allows || (other->action == c->action && k > i))
            continue;
        question(p);
        Diagram rest = beyond(p, holds(p, i), holds(p, k));
        if (!decided(p, condition_name(p->keep, c)) || rest != IS_FALSE)
            continue;
        prove_add(p, PROOF_NOTE, "covered", c,
                  str_format(p->keep,
                             "whoever meets it also meets safeguard %.*s, which caps at least as "
                             "low",
                             STR_ARG(other->id)),
                  S(""));
        return;
    }
}

static void ask_safeguards(Proving *p, const uint8_t *can)
{
    for (size_t i = 0; i < p->conditions; i++) {
        const Condition *c = &p->condition[i];
        if (c->of != CONDITION_SAFEGUARD || !can[i])
            continue;
        question(p);
        Diagram work = lowered_by(p, i);
        if (!decided(p, condition_name(p->keep, c)))
            continue;
        if (work == IS_FALSE)
            prove_add(p, PROOF_WARNING, "lowers_nothing", c,
                      str_format(p->keep,
                                 "never lowers anything: whoever meets it is proposed nothing that "
                                 "it would cap at %.*s",
                                 STR_ARG(action_name(c->action))),
                      S("take it away, or set a lower cap"));
        else
            ask_covered(p, i);
    }
}

/* ---- floors ---- */

static void ask_floors(Proving *p, const uint8_t *can)
{
    for (size_t i = 0; i < p->conditions; i++) {
        const Condition *c = &p->condition[i];
        if (c->of != CONDITION_FLOOR || !can[i])
            continue;
        double threshold = c->at_least == SEGMENT_HIGH ? p->thresholds.high : p->thresholds.medium;
        question(p);
        Diagram up = beyond(p, holds(p, i), score_at_least(p, S("probability"), threshold));
        if (decided(p, condition_name(p->keep, c)) && up == IS_FALSE)
            prove_add(p, PROOF_WARNING, "holds_nothing_up", c,
                      str_format(p->keep,
                                 "never holds anything up: whoever meets it is in the segment "
                                 "%.*s by the score alone",
                                 STR_ARG(c->id)),
                      S("take it away"));
    }
}

/* ---- rules ---- */

static bool share_a_name(const uint8_t *a, const uint8_t *b, size_t names)
{
    for (size_t i = 0; i < names; i++)
        if (a[i] & b[i])
            return true;
    return false;
}

static void ask_pair(Proving *p, size_t i, size_t k)
{
    const Condition *a = &p->condition[i], *b = &p->condition[k];
    question(p);
    bool forth = beyond(p, holds(p, i), holds(p, k)) == IS_FALSE;
    bool back = beyond(p, holds(p, k), holds(p, i)) == IS_FALSE;
    if (!decided(p, condition_name(p->keep, b)) || (!forth && !back))
        return;
    bool families = a->family_index != b->family_index;
    if (forth && back) {
        Str twice = families ? S("; they are of two families, so one fact counts as two kinds of "
                                 "evidence")
                             : S("");
        prove_add(p, PROOF_WARNING, "same_rule", b,
                  str_format(p->keep, "fires for the same customers as rule %.*s%.*s",
                             STR_ARG(a->id), STR_ARG(twice)),
                  S("take one of them away"));
        return;
    }
    const Condition *narrow = forth ? a : b, *wide = forth ? b : a;
    if (families)
        prove_add(p, PROOF_WARNING, "families_not_independent", narrow,
                  str_format(p->keep,
                             "whenever it fires, rule %.*s of another family fires too: one fact "
                             "counts as two kinds of evidence",
                             STR_ARG(wide->id)),
                  S("give both one family"));
    else if (narrow->severe == wide->severe || wide->severe)
        prove_add(p, PROOF_NOTE, "implied_rule", narrow,
                  str_format(p->keep,
                             "whenever it fires, rule %.*s of the same family fires too: it adds "
                             "to the count of rules alone",
                             STR_ARG(wide->id)),
                  S(""));
}

static void ask_rules(Proving *p, const uint8_t *can)
{
    size_t asked = 0;
    uint8_t **used = ARENA_ARRAY(&p->scratch, uint8_t *, p->conditions + 1);
    for (size_t i = 0; i < p->conditions; i++) {
        bool derived[DERIVED];
        used[i] = ARENA_ARRAY(&p->scratch, uint8_t, p->variables + 1);
        part_names(p, lang_root(p->condition[i].when), used[i], derived);
    }
    for (size_t i = 0; i < p->conditions; i++)
        for (size_t k = i + 1; k < p->conditions; k++) {
            if (p->condition[i].of != CONDITION_RULE || p->condition[k].of != CONDITION_RULE ||
                !can[i] || !can[k] || !share_a_name(used[i], used[k], p->variables))
                continue;
            if (asked++ < PAIRS_MOST) {
                ask_pair(p, i, k);
                continue;
            }
            question(p);
            p->d.full = true; /* too many pairs: said, not passed over */
            (void)decided(p, S("pairs of rules"));
        }
}

void ask_reach(Proving *p)
{
    uint8_t *can = ARENA_ARRAY(p->keep, uint8_t, p->conditions + 1);
    for (size_t i = 0; i < p->conditions; i++)
        can[i] = ask_holding(p, i);
    ask_hidden(p, can);
    ask_levels(p);
    ask_safeguards(p, can);
    ask_floors(p, can);
    ask_rules(p, can);
}
