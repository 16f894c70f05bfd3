/* report_fairness.c - how customers alike on a protected ground fare, and what stands for them. */
#include "report/report_internal.h"

#include <math.h>

enum {
    MEASURED_SUSPENDED = 0,
    MEASURED_HIGH,
    MEASURED_LISTED,
    MEASURED_FALSE = 4,
    MEASURED_MISSED = 7
};
enum { PROXIES_SHOWN = 12, GROUPS_SHOWN = 15 };

/* "22 % (52 of 231)", and below it the ratio to the rest. */
static void cell(Page *p, const GroupComparison *c)
{
    Arena *a = p->arena;
    if (c->of == 0) {
        html_cell(p, S("\xE2\x80\x93"));
        return;
    }
    Str share = number_share(a, c->rate.value);
    html(p, c->verdict == FAIRNESS_CLEAR ? "<td class=\"n gap\">" : "<td class=\"n\">");
    html_say(p, "%.*s (%zu of %zu)", STR_ARG(share), c->count, c->of);
    html(p, "<div class=\"ci\">");
    if (c->verdict == FAIRNESS_FEW)
        html(p, "too few to judge");
    else if (!isfinite(c->ratio.high)) {
        Str low = number_fixed(a, c->ratio.low, 2);
        html_say(p, "ratio above %.*s", STR_ARG(low));
    } else {
        Str ratio = number_interval(a, c->ratio, 2);
        html_say(p, "ratio %.*s", STR_ARG(ratio));
    }
    if (c->verdict >= FAIRNESS_APART)
        html(p, c->verdict == FAIRNESS_CLEAR ? " <span class=\"tag\">beyond chance</span>"
                                             : " <span class=\"tag\">may be chance</span>");
    html(p, "</div></td>");
}

static void attribute(Page *p, const FairnessAttribute *a)
{
    static const size_t shown[] = {MEASURED_SUSPENDED, MEASURED_HIGH, MEASURED_LISTED,
                                   MEASURED_FALSE, MEASURED_MISSED};
    Arena *arena = p->arena;
    const char *caption = str_chars(
        arena, str_format(arena, "%.*s (%.*s)%s%.*s", STR_ARG(a->column), STR_ARG(a->ground),
                          a->bands.size > 0 ? ": " : "", STR_ARG(a->bands)));
    html_table(p, caption,
               "Group|>Labelled|>Suspended|>High segment, scored|>Candidates, scored|>Flagged "
               "though not suspended|>Missed though suspended|>Mean probability less rate|>AUC "
               "within");
    for (size_t i = 0; i < a->groups && i < GROUPS_SHOWN; i++) {
        const FairnessGroup *g = &a->group[i];
        html_row(p);
        html_head(p, g->name);
        html_cell_number(p, number_count(arena, g->labelled));
        for (size_t k = 0; k < COUNT_OF(shown); k++)
            cell(p, &g->comparison[shown[k]]);
        html_cell_interval(p, g->calibration, 2);
        if (is_missing(g->auc.value))
            html_cell_number(p, S("too few"));
        else
            html_cell_interval(p, g->auc, 2);
        html_row_end(p);
    }
    html_table_end(p);
    if (!a->known_scored)
        html_note(p, "Nothing is said of customers to be scored: this column is not known of "
                     "them, or none were given.");
    if (a->left_out)
        html_note(p,
                  "Customers whose value fewer than %d labelled customers share are in no "
                  "group shown.",
                  GROUP_SHOWN_MIN);
    if (a->groups > GROUPS_SHOWN)
        html_note(p, "The largest %d of %zu groups; fairness.csv has all.", GROUPS_SHOWN,
                  a->groups);
}

static void proxies(Page *p, const Fairness *f)
{
    Arena *a = p->arena;
    html(p, "<h4>Do the inputs stand for a group?</h4>\n");
    if (f->proxies == 0) {
        html_paragraph(p, "No group has %d customers and %d others: not tested.", GROUP_JUDGED_MIN,
                       GROUP_JUDGED_MIN);
        return;
    }
    Str mark = number_fixed(a, f->proxy_mark, 2);
    html_paragraph(p,
                   "No protected column enters the model; others may stand for it. A logistic "
                   "regression learns from the model's inputs who is of a group and is judged on "
                   "customers it has not seen: 0.5 means the inputs tell nothing. Where the whole "
                   "interval lies above %.*s the group can be told, and a finding says so. The "
                   "score's own AUC says whether that reaches the score: above 0.5 members score "
                   "higher.",
                   STR_ARG(mark));
    html_table(p, "Groups that the inputs tell best",
               "Column|Group|>Members|>AUC of the inputs|>AUC of the score|Inputs that tell most "
               "(alone)");
    for (size_t i = 0; i < f->proxies && i < PROXIES_SHOWN; i++) {
        const Proxy *one = &f->proxy[i];
        html(p, one->clear ? "<tr class=\"severe\">" : "<tr>");
        html_head(p, one->column);
        html_cell(p, one->group);
        html_cell_number(p, str_format(a, "%zu of %zu", one->members, one->customers));
        html_cell_interval(p, one->auc, 2);
        html_cell_interval(p, one->score, 2);
        Buffer b = buffer_new(a);
        for (size_t k = 0; k < one->inputs && k < 3; k++)
            buffer_format(&b, "%s%.*s (%.2f)", k > 0 ? ", " : "", STR_ARG(one->input[k].feature),
                          one->input[k].auc);
        html_cell_code(p, buffer_str(&b));
        html_row_end(p);
    }
    html_table_end(p);
    if (f->proxies > PROXIES_SHOWN)
        html_note(p, "%d of %zu; proxies.csv has all.", PROXIES_SHOWN, f->proxies);
}

void section_fairness(Page *p)
{
    const Fairness *f = p->run->fairness;
    Arena *a = p->arena;
    if (f == NULL)
        return;
    html(p, "<h3 id=\"fairness\">Groups on protected grounds</h3>\n");
    if (f->attributes == 0) {
        html_paragraph(p, "The schema book marks no column of the customers as protected: nothing "
                          "can be said of how groups fare.");
        return;
    }
    Str chance = number_fixed(a, 0.05 * (double)f->comparisons, 0);
    size_t told = 0;
    for (size_t i = 0; i < f->proxies; i++)
        told += f->proxy[i].clear;
    html_verdict(
        p,
        "%zu of %zu comparisons between groups differ beyond chance, and %zu of %zu groups "
        "can be told from the model\xE2\x80\x99s inputs.",
        f->clear, f->comparisons, told, f->proxies);
    html_paragraph(p,
                   "Columns that the schema book marks as protected are used here alone. A rate of "
                   "each group is set beside that of all other customers. %zu comparisons rest on "
                   "at least %d customers on either side (and %d of the class); %zu ratios lie "
                   "outside 0.8 to 1.25 with an interval that excludes 1, where about %.*s would "
                   "by chance alone; %zu stand out even so (marked beyond chance).",
                   f->comparisons, GROUP_JUDGED_MIN, GROUP_CLASS_MIN, f->apart, STR_ARG(chance),
                   f->clear);
    html_paragraph(p, "A difference is no proof of unfair treatment, and none is no proof of fair "
                      "treatment: the labels are past decisions of people, and a difference may "
                      "lie in what they decided, in whom they looked at, or in conduct.");
    for (size_t i = 0; i < f->attributes; i++)
        attribute(p, &f->attribute[i]);
    html_note(p,
              "Flagged and missed hold at the High threshold, out of fold; fairness.csv has all "
              "thresholds, counts and intervals (Wilson; ratios Koopman). Groups of fewer than %d "
              "labelled customers are together \"other\".",
              GROUP_SHOWN_MIN);
    proxies(p, f);
}
