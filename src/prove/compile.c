/* compile.c - conditions into diagrams, and the way of a customer through the book. */
#include "prove/prove_internal.h"

#include <string.h>

enum { LEAF_COMBINATIONS = 20000, CONDITION_NODES = 50000, COUNT_NODES = 60000, WAY_NODES = 100000 };

void part_names(Proving *p, const ExprNode *n, uint8_t *used, bool derived[DERIVED])
{
    View v = lang_view(n);
    if (v.kind == VIEW_NAME) {
        int which = derived_find(v.text);
        const Variable *named = variable_find(p, v.text);
        if (which >= 0)
            derived[which] = true;
        else if (str_equal(v.text, S("exposure")))
            part_names(p, lang_root(policy_exposure(p->policy)), used, derived);
        else if (named != NULL)
            used[named - p->variable] = 1;
    }
    for (size_t i = 0; i < v.children; i++)
        part_names(p, lang_child(n, i), used, derived);
}

/* A comparison that pieces do not settle is a name of its own: equal texts, one name. */
static uint32_t opaque(Proving *p, const ExprNode *n)
{
    Str text = lang_node_text(p->keep, n);
    if (lang_view(n).type != TYPE_BOOLEAN)
        text = str_format(p->keep, "%.*s > 0", STR_ARG(text));
    for (size_t i = 0; i < p->variables; i++)
        if (p->variable[i].kind == VARIABLE_OPAQUE && str_equal(p->variable[i].name, text))
            return (uint32_t)i;
    Variable *v = ARENA_PUSH(p->keep, p->variable, p->variables, p->variable_capacity);
    *v = (Variable){.name = text,
                    .kind = VARIABLE_OPAQUE,
                    .type = TYPE_BOOLEAN,
                    .bound = value_truth(MAY_ANY),
                    .numbers = 3,
                    .pieces = 3};
    return diagrams_variable(&p->d, 3);
}

static Diagram truth_diagram(Proving *p, const ExprNode *n, uint8_t set)
{
    static const uint8_t bit[] = {
        [IS_FALSE] = MAY_FALSE, [IS_TRUE] = MAY_TRUE, [IS_UNKNOWN] = MAY_UNKNOWN};
    Diagram child[3], one = IS_UNKNOWN;
    for (Diagram i = 0; i < 3; i++)
        if (set & bit[i])
            one = i;
    for (Diagram i = 0; i < 3; i++)
        child[i] = (set & bit[i]) ? i : one;
    if ((set & (set - 1)) == 0)
        return one;
    return diagram_node(&p->d, opaque(p, n), child);
}

typedef struct Leaf {
    const ExprNode *n;
    bool positive;  /* it is a number, and asked is whether it is above 0; missing is not */
    uint32_t *name; /* ascending */
    size_t names;
} Leaf;

static Diagram leaf_pieces(Proving *p, const Leaf *leaf, size_t i)
{
    if (i == leaf->names) {
        Lookup lookup = proving_lookup(p);
        Value v = value_of(leaf->n, &lookup);
        if (!leaf->positive)
            return truth_diagram(p, leaf->n, v.truth);
        bool yes = v.may_have && v.high > 0, no = v.may_miss || v.low <= 0;
        return truth_diagram(p, leaf->n, (uint8_t)((yes ? MAY_TRUE : 0) | (no ? MAY_FALSE : 0)));
    }
    uint32_t name = leaf->name[i];
    size_t pieces = p->variable[name].pieces;
    Arena mark = p->scratch;
    Diagram *child = ARENA_ARRAY(&p->scratch, Diagram, pieces);
    for (size_t k = 0; k < pieces; k++) {
        p->at[name] = variable_value(&p->variable[name], k);
        child[k] = leaf_pieces(p, leaf, i + 1);
    }
    Diagram out = diagram_node(&p->d, name, child);
    p->scratch = mark;
    return out;
}

/* Over every number that the counts in it can be. */
static Diagram leaf_counts(Proving *p, const Leaf *leaf, const bool derived[DERIVED], int which)
{
    while (which < DERIVED && !derived[which])
        which++;
    if (which == DERIVED)
        return leaf_pieces(p, leaf, 0);
    Diagram out = IS_FALSE;
    for (size_t k = 0; k <= p->derived_most[which]; k++) {
        p->derived_at[which] = k;
        Diagram is = diagram_is(&p->d, p->derived[which], (uint32_t)k);
        Diagram then = leaf_counts(p, leaf, derived, which + 1);
        out = diagram_choose(&p->d, is, then, out);
    }
    return out;
}

static Diagram compile_leaf(Proving *p, const ExprNode *n, bool positive)
{
    uint8_t *used = ARENA_ARRAY(&p->scratch, uint8_t, p->variables + 1);
    bool derived[DERIVED] = {false};
    size_t combinations = 1, known = p->variables;
    part_names(p, n, used, derived);
    Leaf leaf = {
        .n = n, .positive = positive, .name = ARENA_ARRAY(&p->scratch, uint32_t, known + 1)};
    for (size_t i = 0; i < known; i++)
        if (used[i]) {
            leaf.name[leaf.names++] = (uint32_t)i;
            combinations *= combinations <= LEAF_COMBINATIONS ? p->variable[i].pieces : 1;
        }
    for (int i = 0; i < DERIVED; i++)
        if (derived[i])
            combinations *= combinations <= LEAF_COMBINATIONS ? p->derived_most[i] + 1 : 1;
    if (combinations > LEAF_COMBINATIONS)
        return truth_diagram(p, n, MAY_ANY);
    return leaf_counts(p, &leaf, derived, 0);
}

Diagram compile_part(Proving *p, const ExprNode *n)
{
    View v = lang_view(n);
    Arena mark = p->scratch;
    Diagram out;
    if (v.kind == VIEW_AND || v.kind == VIEW_OR) {
        bool and = v.kind == VIEW_AND;
        out = and? IS_TRUE : IS_FALSE;
        for (size_t i = 0; i < v.children; i++)
            out = diagram_apply(&p->d, and? OPERATION_AND : OPERATION_OR, out,
                                compile_part(p, lang_child(n, i)));
    } else if (v.kind == VIEW_NOT) {
        out = diagram_not(&p->d, compile_part(p, lang_child(n, 0)));
    } else if (v.kind == VIEW_NULL) {
        out = IS_UNKNOWN;
    } else {
        out = compile_leaf(p, n, false);
    }
    p->scratch = mark;
    return out;
}

/* ---- the book ---- */

/* A condition that does not fit may be anything. */
static void compile_list(Proving *p, ConditionOf of)
{
    for (size_t i = 0; i < p->conditions; i++) {
        const Condition *c = &p->condition[i];
        if (c->of != of)
            continue;
        diagrams_begin(&p->d, CONDITION_NODES);
        p->truth[i] = compile_part(p, lang_root(c->when));
        if (p->d.full) {
            diagrams_begin(&p->d, CONDITION_NODES);
            p->truth[i] = truth_diagram(p, lang_root(c->when), MAY_ANY);
        }
        diagrams_keep(&p->d);
    }
}

static Diagram holds(Proving *p, size_t condition)
{
    return diagram_is(&p->d, p->truth[condition], IS_TRUE);
}

static bool counted(const Condition *c, int which)
{
    return c->of == CONDITION_RULE && (which != DERIVED_SEVERE || c->severe);
}

static Diagram count_fired(Proving *p, int which)
{
    Diagram out = 0;
    for (size_t i = 0; i < p->conditions; i++)
        if (counted(&p->condition[i], which))
            out = diagram_apply(&p->d, OPERATION_ADD, out, holds(p, i));
    return out;
}

static Diagram count_families(Proving *p)
{
    Diagram out = 0;
    for (size_t family = 0; family < p->derived_most[DERIVED_FAMILIES]; family++) {
        Diagram any = IS_FALSE;
        for (size_t i = 0; i < p->conditions; i++)
            if (counted(&p->condition[i], DERIVED_FAMILIES) &&
                p->condition[i].family_index == family)
                any = diagram_apply(&p->d, OPERATION_OR, any, holds(p, i));
        out = diagram_apply(&p->d, OPERATION_ADD, out, any);
    }
    return out;
}

/* Any number up to the most there can be. */
static Diagram any_count(Proving *p, int which)
{
    size_t pieces = p->derived_most[which] + 1;
    Variable *v = ARENA_PUSH(p->keep, p->variable, p->variables, p->variable_capacity);
    *v = (Variable){.name = derived_name(which),
                    .kind = VARIABLE_COUNT,
                    .type = TYPE_INT64,
                    .numbers = pieces,
                    .pieces = pieces};
    Diagram *child = ARENA_ARRAY(p->keep, Diagram, pieces);
    for (size_t i = 0; i < pieces; i++)
        child[i] = (Diagram)i;
    return diagram_node(&p->d, diagrams_variable(&p->d, (uint32_t)pieces), child);
}

static void count_rules(Proving *p)
{
    for (size_t i = 0; i < p->conditions; i++) {
        const Condition *c = &p->condition[i];
        p->derived_most[DERIVED_RULES] += counted(c, DERIVED_RULES);
        p->derived_most[DERIVED_SEVERE] += counted(c, DERIVED_SEVERE);
        if (c->of == CONDITION_RULE && c->family_index >= p->derived_most[DERIVED_FAMILIES])
            p->derived_most[DERIVED_FAMILIES] = c->family_index + 1;
        if (c->of == CONDITION_INSUFFICIENT)
            p->derived[DERIVED_INSUFFICIENT] = holds(p, i);
    }
    p->derived_most[DERIVED_INSUFFICIENT] = 1;
    diagrams_keep(&p->d);
    for (int which = 0; which < DERIVED_INSUFFICIENT; which++) {
        diagrams_begin(&p->d, COUNT_NODES);
        p->derived[which] =
            which == DERIVED_FAMILIES ? count_families(p) : count_fired(p, which);
        if (p->d.full) {
            diagrams_begin(&p->d, COUNT_NODES);
            p->derived[which] = any_count(p, which);
            p->free_counts = true;
        }
        diagrams_keep(&p->d);
    }
}

static Diagram fewer_families(Proving *p, uint32_t than)
{
    Diagram out = IS_FALSE;
    for (uint32_t k = 0; k < than; k++)
        out = diagram_apply(&p->d, OPERATION_OR, out,
                            diagram_is(&p->d, p->derived[DERIVED_FAMILIES], k));
    return out;
}

Diagram score_at_least(Proving *p, Str name, double threshold)
{
    const Variable *v = variable_find(p, name);
    Arena mark = p->scratch;
    Diagram *child = ARENA_ARRAY(&p->scratch, Diagram, v->pieces);
    for (size_t i = 0; i < v->numbers; i++)
        child[i] = v->piece[i].low >= threshold ? IS_TRUE : IS_FALSE;
    Diagram out = diagram_node(&p->d, (uint32_t)(v - p->variable), child);
    p->scratch = mark;
    return out;
}

/* Is a fact that stands for an exit by itself behind this entry? */
static Diagram supported(Proving *p, const Condition *c)
{
    const FactView *fact;
    size_t facts = policy_facts(p->policy, &fact), names;
    const Str *name = lang_names(c->when, &names);
    Diagram out = IS_FALSE;
    for (size_t i = 0; i < names; i++)
        for (size_t k = 0; k < facts; k++) {
            const Variable *v = variable_find(p, name[i]);
            if (fact[k].kind != FACT_HARD || !str_equal(fact[k].name, name[i]) || v == NULL)
                continue;
            const Diagram known[2] = {IS_FALSE, IS_TRUE};
            out = diagram_apply(&p->d, OPERATION_OR, out,
                                diagram_node(&p->d, (uint32_t)(v - p->variable), known));
        }
    return out;
}

/* Where the engine lets no exit pass whatever a book says (docs/policy.md). */
static Diagram held_back(Proving *p, const Condition *c)
{
    double high = p->thresholds.high;
    Diagram score = diagram_apply(&p->d, OPERATION_OR, score_at_least(p, S("probability"), high),
                                  score_at_least(p, S("probability_low"), high));
    Diagram out =
        diagram_apply(&p->d, OPERATION_OR, fewer_families(p, 2), diagram_not(&p->d, score));
    Arena mark = p->scratch;
    Diagram stake = compile_leaf(p, lang_root(policy_exposure(p->policy)), true);
    p->scratch = mark;
    out = diagram_apply(&p->d, OPERATION_OR, out, diagram_not(&p->d, stake));
    return diagram_and(&p->d, out, diagram_not(&p->d, supported(p, c)));
}

/* What is left of an entry's action after safeguards, the engine's caps and milder measures. */
static Diagram cap_entry(Proving *p, const Condition *c)
{
    Diagram out = c->action;
    for (size_t i = 0; i < p->conditions && !c->uncapped; i++) {
        const Condition *s = &p->condition[i];
        bool passes = c->action == s->allows;
        if (s->of != CONDITION_SAFEGUARD || s->action >= c->action || passes)
            continue;
        Diagram cap = diagram_apply(&p->d, OPERATION_LEAST, out, (Diagram)s->action);
        out = diagram_choose(&p->d, holds(p, i), cap, out);
    }
    if (c->action != ACTION_PROPOSE_OFFBOARDING)
        return out;
    Diagram cap = diagram_apply(&p->d, OPERATION_LEAST, out, ACTION_ENHANCED_DUE_DILIGENCE);
    out = diagram_choose(&p->d, held_back(p, c), cap, out);
    Diagram measured = out;
    for (size_t i = p->conditions; i-- > 0;) /* the mildest stands first, and goes before */
        if (p->condition[i].of == CONDITION_MEASURE)
            measured =
                diagram_choose(&p->d, holds(p, i), (Diagram)p->condition[i].action, measured);
    return diagram_choose(&p->d, diagram_is(&p->d, out, ACTION_PROPOSE_OFFBOARDING), measured, out);
}

/* The first action that holds is taken. */
static void follow_customer(Proving *p)
{
    diagrams_begin(&p->d, WAY_NODES);
    p->action = p->capped = ACTION_RETAIN;
    for (size_t i = p->conditions; i-- > 0;) {
        const Condition *c = &p->condition[i];
        if (c->of != CONDITION_ACTION)
            continue;
        p->action = diagram_choose(&p->d, holds(p, i), (Diagram)c->action, p->action);
        p->capped = diagram_choose(&p->d, holds(p, i), cap_entry(p, c), p->capped);
    }
    p->no_actions = p->d.full;
    diagrams_keep(&p->d);
}

void proving_compile(Proving *p)
{
    p->truth = ARENA_ARRAY(p->keep, Diagram, p->conditions + 1);
    p->at = ARENA_ARRAY(p->keep, Value, p->variables + 1);
    for (size_t i = 0; i < p->variables; i++)
        p->at[i] = value_anything(p->variable[i].type);
    compile_list(p, CONDITION_INSUFFICIENT);
    compile_list(p, CONDITION_RULE);
    count_rules(p);
    compile_list(p, CONDITION_MITIGATING);
    compile_list(p, CONDITION_SAFEGUARD);
    compile_list(p, CONDITION_MEASURE);
    compile_list(p, CONDITION_FLOOR);
    compile_list(p, CONDITION_ACTION);
    follow_customer(p);
}
