/* report_objectives.c - what the criteria are for: the business's objectives, what in the policy
 * serves each, and how far it was met in this run. */
#include "report/report_internal.h"

#include <math.h>

static void objective(Page *p, const char *name, Str how, Str here)
{
    html_row(p);
    html_head(p, str_from(name));
    html_cell(p, how);
    html_cell(p, here);
    html_row_end(p);
}

/* Money at stake with the customers for whom something was proposed. */
static double at_stake(const Run *run, Action least, Action most)
{
    double sum = 0;
    for (size_t i = 0; i < run->scored->count; i++) {
        const Outcome *o = &run->scored->outcome[i];
        sum += o->action >= least && o->action <= most && isfinite(o->exposure) ? o->exposure : 0;
    }
    return sum;
}

static void losses(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    Str listed = number_money(a, run, at_stake(run, ACTION_PROPOSE_OFFBOARDING, ACTIONS - 1));
    Str reviewed = number_money(
        a, run, at_stake(run, ACTION_ENHANCED_DUE_DILIGENCE, ACTION_PROPOSE_OFFBOARDING - 1));
    objective(p, "Limit the loss with risky customers",
              S("The gravest action whose condition holds is taken, exposure is part of the "
                "condition, and candidates are ranked by evidence before money."),
              str_format(a,
                         "By the policy book\xE2\x80\x99s expression %.*s is at stake with the %zu "
                         "candidates, %.*s with the %zu others whom somebody is to look at.",
                         STR_ARG(listed), run->candidates, STR_ARG(reviewed),
                         t->action[ACTION_RESTRICT] + t->action[ACTION_ENHANCED_DUE_DILIGENCE]));
}

/* Does the book know facts that stand for an exit without the model? */
static bool has_hard_facts(const Policy *policy)
{
    const FactView *fact;
    size_t count = policy_facts(policy, &fact), hard = 0;
    for (size_t i = 0; i < count; i++)
        hard += fact[i].kind == FACT_HARD;
    return hard > 0;
}

static void good_customers(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    const Thresholds cut = policy_thresholds(run->policy);
    size_t high = 0, high_listed = 0, below = 0, documented = 0;
    for (size_t i = 0; i < run->scored->count; i++) {
        const Outcome *o = &run->scored->outcome[i];
        bool listed = o->action == ACTION_PROPOSE_OFFBOARDING;
        high += o->probability >= cut.high;
        high_listed += o->probability >= cut.high && listed;
        below += listed && !o->documented && o->probability < cut.offboarding;
        documented += listed && o->documented;
    }
    Buffer here = buffer_new(a);
    buffer_format(&here,
                  "%zu of %zu customers with a High score are proposed for an exit, nobody by "
                  "the score alone.",
                  high_listed, high);
    if (below > 0) {
        Str needed = number_fixed(a, cut.offboarding, 2);
        buffer_format(
            &here,
            " %zu of the %zu candidates score below %.*s: there the evidence has to carry "
            "what the score does not, and a person has to weigh it.",
            below, run->candidates, STR_ARG(needed));
    }
    if (documented > 0)
        buffer_format(&here, " %zu are proposed on a documented fact, whatever the score.",
                      documented);
    Str cost = number_fixed(a, cut.offboarding / (1 - cut.offboarding), 1);
    Str mark = number_fixed(a, cut.offboarding, 2);
    objective(
        p, "Lose no good customer",
        str_format(a,
                   "A wrong exit is set to cost %.*s times a risky customer missed, so a score by "
                   "itself would pay for an exit only from %.*s on. Whatever the score, an exit "
                   "takes two independent kinds of evidence in the transactions%s.",
                   STR_ARG(cost), STR_ARG(mark),
                   has_hard_facts(run->policy) ? ", or a documented fact" : ""),
        buffer_str(&here));
}

static void analysts(Page *p, const Tally *t)
{
    const Policy *policy = p->run->policy;
    const Capacity c = policy_capacity(policy);
    Arena *a = p->arena;
    Buffer b = buffer_new(a);
    size_t looked = 0;
    double minutes = 0;
    for (size_t k = 0; k < ACTIONS; k++) {
        looked += k >= ACTION_ENHANCED_DUE_DILIGENCE ? t->action[k] : 0;
        minutes += (double)t->action[k] * policy_minutes(policy, (Action)k);
    }
    buffer_format(&b, "%zu customers to be looked at", looked);
    if (isfinite(minutes)) {
        Str hours = number_fixed(a, minutes / 60, 0);
        buffer_format(&b, ", all proposals together %.*s hours of work", STR_ARG(hours));
    }
    if (c.reviews == 0)
        buffer_add(&b, S("; the policy book does not say how many analysts can review."));
    else
        buffer_format(&b, "; they can do %zu reviews%s%.*s: %s", c.reviews,
                      c.per.size > 0 ? " a " : "", STR_ARG(c.per),
                      looked <= c.reviews ? "enough."
                                          : "not enough. Part 3 says which threshold would fit.");
    objective(
        p, "Ask no more of analysts than they can do",
        S("The cost of a review sets the High threshold; who is to be looked at comes ranked, "
          "so that the time there is goes to the best supported cases."),
        buffer_str(&b));
}

static void law(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    size_t lowered = 0, lowered_exit = 0;
    for (size_t i = 0; i < run->scored->count; i++) {
        const Outcome *o = &run->scored->outcome[i];
        lowered += o->action < o->before_safeguards;
        lowered_exit +=
            o->action < o->before_safeguards && o->before_safeguards == ACTION_PROPOSE_OFFBOARDING;
    }
    objective(p, "Stay within the law, and be fair",
              S("Safeguards cap what may be proposed; a protected ground is read by no rule and by "
                "no model; whoever carries both labels is not taken beyond due diligence; an exit "
                "is the decision of two people, who get reasons, transactions and what speaks for "
                "the customer."),
              str_format(a,
                         "Safeguards lowered %zu proposals, %zu of them exits; %zu customers carry "
                         "both labels.",
                         lowered, lowered_exit, t->scored_torn));
}

static void proof(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    size_t certified = tally_certified(run);
    const ListStability *s = run->stability;
    Str again =
        s == NULL || s->listed == 0
            ? S("")
            : str_format(a, "; %zu are proposed again in all %zu runs that leave a fold out",
                         s->kind[RERUN_FOLDS].always, s->kind[RERUN_FOLDS].runs);
    objective(p, "Be able to show why, later",
              S("Each decision keeps its reasons, the ids of the transactions behind them and the "
                "version of policy and model; the list is tried again with other seeds and other "
                "customers."),
              str_format(a, "%zu of %zu candidates have a score in a certified set%.*s.", certified,
                         run->candidates, STR_ARG(again)));
}

void section_objectives(Page *p)
{
    const Tally t = tally_run(p->run);
    html(p, "<h3 id=\"objectives\">What the criteria serve</h3>\n");
    html_verdict(p,
                 "An exit is proposed where a score, two independent kinds of evidence and money "
                 "at stake agree and no safeguard holds%s. Each part of that serves one of the "
                 "objectives below.",
                 has_hard_facts(p->run->policy) ? ", or where a documented fact stands for it"
                                                : "");
    html_table(p, "Objectives, what in the policy serves each, and how far this run meets it",
               "Objective|What serves it|In this run");
    losses(p, &t);
    good_customers(p);
    analysts(p, &t);
    law(p, &t);
    proof(p);
    html_table_end(p);
}

/* ---- of one condition ---- */

/* Is the name a word of the condition, not a part of another name? */
static bool names(Str condition, Str name)
{
    for (size_t i = 0; i + name.size <= condition.size; i++) {
        if (!str_equal(str_slice(condition, i, i + name.size), name))
            continue;
        char before = i == 0 ? ' ' : condition.data[i - 1];
        char after = i + name.size == condition.size ? ' ' : condition.data[i + name.size];
        bool inside = before == '_' || after == '_' || (before >= 'a' && before <= 'z') ||
                      (after >= 'a' && after <= 'z') || (after >= '0' && after <= '9');
        if (!inside)
            return true;
    }
    return false;
}

static const char *fact_serves(FactKind kind)
{
    switch (kind) {
    case FACT_ORDER:
        return "the law and orders of authorities";
    case FACT_HARD:
        return "what is documented stands for itself";
    case FACT_SAFEGUARD:
        return "nobody in need of protection is pushed out";
    case FACT_CONTEXT:
        break;
    }
    return "what the case file says";
}

Str clause_serves(Arena *arena, const Policy *policy, Str condition)
{
    static const struct {
        const char *name, *serves;
    } word[] = {{"threshold_offboarding", "an exit must be worth its errors"},
                {"threshold_high", "a review must be worth its cost"},
                {"threshold_medium", "watching must be worth its cost"},
                {"probability_low", "an uncertain score must not weigh"},
                {"families", "no exit on a score alone"},
                {"severe_rules", "evidence in the transactions"},
                {"rules", "evidence in the transactions"},
                {"exposure", "money at stake"},
                {"insufficient_data", "nobody is judged on too little"}};
    Buffer b = buffer_new(arena);
    const char *last = "";
    for (size_t i = 0; i < COUNT_OF(word); i++)
        if (names(condition, str_from(word[i].name)) && word[i].serves != last) {
            buffer_add(&b, b.size > 0 ? S("; ") : S(""));
            buffer_add(&b, str_from(last = word[i].serves));
        }
    const FactView *fact;
    size_t facts = policy_facts(policy, &fact);
    for (size_t i = 0; i < facts; i++) {
        const char *serves = fact_serves(fact[i].kind);
        if (!names(condition, fact[i].name) || str_contains(buffer_str(&b), str_from(serves)))
            continue;
        buffer_add(&b, b.size > 0 ? S("; ") : S(""));
        buffer_add(&b, str_from(serves));
    }
    return b.size > 0 ? buffer_str(&b) : S("what its sentence says");
}
