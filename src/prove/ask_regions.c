/* ask_regions.c - where the book leaves somebody out, and where a hair's breadth decides. */
#include "prove/prove_internal.h"

/* ---- gaps ---- */

/* Which customers, among those there can be, keep RETAIN though `though` holds? In a question that
 * has begun. */
static void ask_gap(Proving *p, Diagram though, const char *code, const char *says)
{
    bool certain;
    Diagram left = diagram_and(&p->d, though, diagram_is(&p->d, p->action, ACTION_RETAIN));
    left = diagram_and(&p->d, p->world, left);
    if (!decided(p, str_from(says)) || left == IS_FALSE)
        return;
    Str region = region_text(p, left, IS_TRUE, &certain);
    prove_add(p, PROOF_WARNING, code, NULL,
              str_format(p->keep,
                         "a gap: no action holds, and so RETAIN is proposed, though %s%s: "
                         "%.*s",
                         says, certain ? "" : " (may be: not every comparison was looked into)",
                         STR_ARG(region)),
              S("add an entry for them at the end of the actions"));
}

static void ask_gaps(Proving *p)
{
    question_of_actions(p);
    ask_gap(p, score_at_least(p, S("probability"), p->thresholds.high), "gap_high",
            "the score is at least threshold_high");
    question_of_actions(p);
    Diagram severe = diagram_not(&p->d, diagram_is(&p->d, p->derived[DERIVED_SEVERE], 0));
    ask_gap(p, severe, "gap_severe", "a severe rule fires");
}

/* ---- cliffs ---- */

/* The actions that anybody can get, as steps of one stair. */
static Diagram stair(Proving *p, Action reached[ACTIONS], size_t *steps)
{
    Diagram out = 0;
    *steps = 0;
    for (Action a = ACTION_RETAIN; a < ACTIONS; a++) {
        Diagram is = diagram_is(&p->d, p->capped, a);
        if (diagram_and(&p->d, p->world, is) == IS_FALSE)
            continue;
        out = diagram_choose(&p->d, is, (Diagram)*steps, out);
        reached[(*steps)++] = a;
    }
    return out;
}

typedef struct Cliff {
    size_t variable, piece; /* between this piece and the next */
    uint32_t jump;
    Diagram at; /* the distance, where there are such customers */
    Diagram lower, upper;
} Cliff;

/* Between two actions: the largest jump at all; then which. */
static void tell_cliff(Proving *p, const Cliff *c, const Action *reached, size_t steps)
{
    const Variable *v = &p->variable[c->variable];
    const Piece *a = &v->piece[c->piece], *b = &v->piece[c->piece + 1];
    for (size_t from = 0; from < steps; from++)
        for (size_t to = 0; to < steps; to++) {
            size_t gap = from < to ? to - from : from - to;
            if (gap != c->jump)
                continue;
            bool certain;
            Diagram both = diagram_and(&p->d, diagram_is(&p->d, c->lower, (uint32_t)from),
                                       diagram_is(&p->d, c->upper, (uint32_t)to));
            both = diagram_and(&p->d, both, diagram_is(&p->d, c->at, c->jump));
            if (both == IS_FALSE || p->d.full)
                continue;
            Str others = region_text(p, both, IS_TRUE, &certain);
            double at = b->point ? b->low : a->high;
            const char *side = b->point ? "reaching" : "passing";
            prove_add(
                p, PROOF_WARNING, "cliff", NULL,
                str_format(p->keep,
                           "a cliff: %.*s %s %.*s %s lead from %.*s to %.*s, over %u actions in "
                           "between, with all else the same: %.*s",
                           STR_ARG(v->name), side, STR_ARG(number_words(p->keep, v, at)),
                           certain ? "can" : "may", STR_ARG(action_name(reached[from])),
                           STR_ARG(action_name(reached[to])), c->jump - 1, STR_ARG(others)),
                S("put an entry between them, or ask for more than one thing"));
            return;
        }
}

static void ask_cliffs(Proving *p)
{
    enum { JUMP_LEAST = 3 }; /* steps: two actions are jumped over */
    Action reached[ACTIONS];
    size_t steps;
    question_of_actions(p);
    Diagram level = stair(p, reached, &steps);
    if (!decided(p, S("cliffs")))
        return;
    diagrams_keep(&p->d);
    if (steps <= JUMP_LEAST)
        return;
    for (size_t i = 0; i < p->variables; i++) {
        const Variable *v = &p->variable[i];
        for (size_t k = 0; v->kind == VARIABLE_NUMBER && k + 1 < v->numbers; k++) {
            Cliff c = {.variable = i, .piece = k};
            uint32_t name = (uint32_t)i;
            question(p);
            c.lower = diagram_restrict(&p->d, level, name, (uint32_t)k);
            c.upper = diagram_restrict(&p->d, level, name, (uint32_t)k + 1);
            if (c.lower == c.upper)
                continue;
            Diagram distance = diagram_apply(&p->d, OPERATION_DISTANCE, c.lower, c.upper);
            Diagram there = diagram_and(&p->d, diagram_restrict(&p->d, p->world, name, (uint32_t)k),
                                        diagram_restrict(&p->d, p->world, name, (uint32_t)k + 1));
            c.at = diagram_choose(&p->d, there, distance, 0);
            if (!decided(p, v->name))
                continue;
            c.jump = diagram_largest(&p->d, c.at, p->scratch);
            if (c.jump >= JUMP_LEAST)
                tell_cliff(p, &c, reached, steps);
        }
    }
}

void ask_regions(Proving *p)
{
    ask_gaps(p);
    ask_cliffs(p);
}
