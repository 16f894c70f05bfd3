/* policy_measures.c - the actions and the milder measures of a policy book. */
#include "policy/policy_reading.h"

/* ---- actions ---- */

/* Can the condition hold only where a documented fact of kind order or hard does? */
static bool needs_documented_fact(const Policy *p, Arena *scratch, const Expr *e)
{
    const FactView *fact = policy_fact(p, lang_bare_name(e));
    if (fact != NULL)
        return fact->kind == FACT_ORDER || fact->kind == FACT_HARD;
    Expr **part;
    size_t parts = lang_parts(&part, scratch, e, PARTS_AND);
    for (size_t i = 0; parts > 1 && i < parts; i++)
        if (needs_documented_fact(p, scratch, part[i]))
            return true;
    if (parts > 1)
        return false;
    parts = lang_parts(&part, scratch, e, PARTS_OR);
    for (size_t i = 0; parts > 1 && i < parts; i++)
        if (!needs_documented_fact(p, scratch, part[i]))
            return false;
    return parts > 1;
}

static Status check_uncapped(const Reading *r, const ClauseText *text, const Clause *action)
{
    if (!action->uncapped)
        return STATUS_OK;
    Arena scratch = arena_new();
    bool needs = needs_documented_fact(r->p, &scratch, action->when);
    arena_free(&scratch);
    if (needs)
        return STATUS_OK;
    Status status = reading_refuse(r, text->mark,
                                   "no safeguard would cap this %s, though its condition needs no "
                                   "documented fact",
                                   policy_action_names[action->action]);
    (void)error_remedy(r->err, "join a fact of kind order or hard to the condition with `and`, or "
                               "take `uncapped` away");
    return status;
}

/* The first action that holds is taken, so a graver one below a milder one would never be seen for
 * what it is. A restriction that cannot wait may go before an exit: it is no verdict on it. */
static Status check_order(const Reading *r, const ClauseText *text, const ClauseText *before)
{
    bool restriction_first =
        before->action == ACTION_RESTRICT && text->action == ACTION_PROPOSE_OFFBOARDING;
    if (text->action <= before->action || restriction_first)
        return STATUS_OK;
    Status status =
        reading_refuse(r, text->mark, "%s stands below the milder %s",
                       policy_action_names[text->action], policy_action_names[before->action]);
    (void)error_remedy(r->err, "order the actions from the gravest to the mildest");
    return status;
}

Status reading_actions(const Reading *r, const BookRecords *list)
{
    const ClauseText *text = list->item;
    Policy *p = r->p;
    TRY(reading_clauses(&p->action, &p->actions, r, list, "actions", false));
    for (size_t i = 0; i < list->count; i++) {
        const Clause *action = &p->action[i];
        if (action->action == ACTION_RETAIN) {
            Status status =
                reading_refuse(r, text[i].mark, "RETAIN needs no condition: it is the rest");
            (void)error_remedy(r->err, "take the entry away; its sentence goes to `otherwise`");
            return status;
        }
        if (i > 0)
            TRY(check_order(r, &text[i], &text[i - 1]));
        size_t names;
        const Str *name = lang_names(action->when, &names);
        TRY(reading_refuse_monitored(r, name, names, text[i].when.mark, "an action"));
        if (action->action == ACTION_PROPOSE_OFFBOARDING)
            TRY(reading_refuse_protective(r, action->when, text[i].when.mark,
                                          "the proposal of an exit"));
        TRY(check_uncapped(r, &text[i], action));
    }
    return STATUS_OK;
}

/* ---- milder measures ---- */

static Status check_measure(const Reading *r, const ClauseText *text)
{
    if (text->action != ACTION_RETAIN && text->action != ACTION_PROPOSE_OFFBOARDING)
        return STATUS_OK;
    Status status =
        reading_refuse(r, text->mark, "%s is no milder measure", policy_action_names[text->action]);
    (void)error_remedy(r->err, "name MONITOR, ENHANCED_DUE_DILIGENCE or RESTRICT");
    return status;
}

/* Mildest first; equals in the order of the book. */
static void sort_measures(Clause *measure, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        Clause moved = measure[i];
        size_t k = i;
        for (; k > 0 && measure[k - 1].action > moved.action; k--)
            measure[k] = measure[k - 1];
        measure[k] = moved;
    }
}

Status reading_measures(const Reading *r, const BookRecords *list)
{
    const ClauseText *text = list->item;
    Policy *p = r->p;
    TRY(reading_clauses(&p->measure, &p->measures, r, list, "measures", true));
    for (size_t i = 0; i < list->count; i++)
        TRY(check_measure(r, &text[i]));
    sort_measures(p->measure, p->measures);
    return STATUS_OK;
}
