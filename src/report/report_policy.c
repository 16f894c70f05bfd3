/* report_policy.c - the criteria as written: costs, thresholds, rules, safeguards, actions. */
#include "report/report_internal.h"

static void cost_row(Page *p, const char *what, double cost, const char *gives, double threshold)
{
    html_row(p);
    html_head(p, str_from(what));
    html_cell_number(p, number_fixed(p->arena, cost, 2));
    html_cell(p, str_from(gives));
    html_cell_number(p, number_fixed(p->arena, threshold, 3));
    html_row_end(p);
}

static void costs(Page *p)
{
    Thresholds t = policy_thresholds(p->run->policy);
    html_paragraph(p, "The bank sets what errors cost, relative to one risky customer whom nobody "
                      "looks at. The thresholds on the score follow from these costs and from "
                      "nothing else.");
    html_table(p, "Costs and the thresholds they give", "Cost of|>Relative|Gives|>Threshold");
    cost_row(p, "watching one customer more closely", t.medium, "Medium: cost / 1", t.medium);
    cost_row(p, "one analyst's review", t.high, "High: cost / 1", t.high);
    cost_row(p, "one good customer's wrong exit", t.offboarding / (1 - t.offboarding),
             "off-boarding by score: cost / (cost + 1)", t.offboarding);
    html_table_end(p);
}

static void rules(Page *p)
{
    RuleView *rule;
    size_t count = policy_rules(p->run->policy, p->arena, &rule);
    html_paragraph(p, "Rules look at transactions, never at the score. Rules of one family look at "
                      "the same kind of evidence and count once.");
    html_table(p, "Rules", "Rule|Family|Severity|When|Says|>Customers");
    for (size_t i = 0; i < count; i++) {
        html_row(p);
        html(p, "<th scope=\"row\"><code>");
        html_text(p, rule[i].id);
        html(p, "</code></th>");
        html_cell(p, rule[i].family);
        html_cell(p, rule[i].severity);
        html_cell_code(p, rule[i].condition);
        html_cell(p, rule[i].because);
        html_cell_number(p, number_count(p->arena, p->run->scored->fired[i]));
        html_row_end(p);
    }
    html_table_end(p);
}

static void clauses(Page *p, const char *caption, const char *columns, const ActionView *view,
                    size_t count, bool serves)
{
    if (count == 0)
        return;
    html_table(p, caption, columns);
    for (size_t i = 0; i < count; i++) {
        html_row(p);
        html_head(p, view[i].action);
        html_cell_code(p, view[i].condition);
        html_cell(p, view[i].because);
        if (serves)
            html_cell(p, clause_serves(p->arena, p->run->policy, view[i].condition));
        html_row_end(p);
    }
    html_table_end(p);
}

static void facts(Page *p)
{
    static const char *const kinds[] = {[FACT_ORDER] = "order",
                                        [FACT_HARD] = "hard criterion",
                                        [FACT_SAFEGUARD] = "may only protect",
                                        [FACT_CONTEXT] = "context"};
    const FactView *fact;
    size_t count = policy_facts(p->run->policy, &fact);
    if (count == 0)
        return;
    html_table(p, "What the bank may know of a customer beside the files",
               "Fact|Kind|Counts without evidence|Says");
    for (size_t i = 0; i < count; i++) {
        html_row(p);
        html_head(p, fact[i].name);
        html_cell(p, str_from(kinds[fact[i].kind]));
        html_cell(p, fact[i].needs_evidence ? S("no") : S("yes"));
        html_cell(p, fact[i].says);
        html_row_end(p);
    }
    html_table_end(p);
}

void section_criteria(Page *p)
{
    ActionView *view;
    html(p, "<h3 id=\"criteria\">The criteria as written</h3>\n");
    costs(p);
    size_t count = policy_actions(p->run->policy, p->arena, &view);
    clauses(p, "Actions, the first whose condition holds", "Action|When|Says|Serves", view, count,
            true);
    html(p, "<details><summary>Rules and safeguards as written</summary>\n");
    rules(p);
    count = policy_safeguards(p->run->policy, p->arena, &view);
    clauses(p, "Safeguards: what they allow at most", "At most|When|Says|Serves", view, count,
            true);
    count = policy_measures(p->run->policy, p->arena, &view);
    if (count > 0)
        clauses(p, "Milder measures weighed before an exit is proposed",
                "Measure|Suffices when|Says", view, count, false);
    count = policy_floors(p->run->policy, p->arena, &view);
    if (count > 0)
        clauses(p, "Floors of segments", "At least|When|Says", view, count, false);
    facts(p);
    html(p, "</details>\n");
}
