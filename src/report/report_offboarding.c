/* report_offboarding.c - the list: who is proposed, on what evidence, and who nearly was. */
#include "report/report_internal.h"

#include <math.h>
#include <stdlib.h>

enum {
    CASES_MAX = 200,
    NEAR_MAX = 50,
    CONTRADICTORY_MAX = 100,
    CONTRIBUTIONS_SHOWN = 8,
    IDS_BUDGET = 18000,
    REASONS_MAX = 16
};

static Str probability(Page *p, const Decision *d)
{
    Str value = number_share(p->arena, d->probability);
    Str low = number_share(p->arena, d->probability_low);
    Str high = number_share(p->arena, d->probability_high);
    return str_format(p->arena, "%.*s (%.*s to %.*s)", STR_ARG(value), STR_ARG(low), STR_ARG(high));
}

static Str families(Arena *arena, const Decision *d)
{
    Buffer b = buffer_new(arena);
    Dictionary *seen = dictionary_new(arena);
    for (size_t i = 0; i < d->reasons; i++) {
        const Reason *r = &d->reason[i];
        size_t known = seen->count;
        if (r->source != REASON_RULE || dictionary_add(seen, r->family) < known)
            continue;
        if (b.size > 0)
            buffer_add(&b, S(", "));
        buffer_add(&b, r->family);
    }
    return b.size == 0 ? S("none") : buffer_str(&b);
}

static void sentence(Page *p, const char *name, Str text)
{
    if (text.size == 0)
        return;
    html(p, "<p class=\"aside\"><b>");
    html(p, name);
    html(p, "</b> ");
    html_spoken(p, text);
    html(p, "</p>\n");
}

/* ---- one case ---- */

static void transactions(Page *p, const Reason *r, size_t most)
{
    if (r->transactions == 0)
        return;
    Str count = number_plural(p->arena, r->transactions, "transaction", "transactions");
    html(p, "<details><summary>");
    html_say(p, "%.*s behind it", STR_ARG(count));
    html(p, "</summary>\n<p class=\"note\"><code>");
    html_text(p, r->feature);
    html(p, "</code> ");
    html_say(p, "over %.*s: %.*s", STR_ARG(r->window), STR_ARG(r->value));
    html(p, "</p>\n<ul class=\"ids\">");
    for (size_t i = 0; i < r->transactions && i < most; i++) {
        html(p, "<li>");
        html_id(p, r->transaction[i]);
        html(p, "</li>");
    }
    html(p, "</ul>\n");
    if (r->transactions > most)
        html_note(p, "The first %zu by time; all are in offboarding.csv and decisions.jsonl.",
                  most);
    html(p, "</details>\n");
}

static void evidence(Page *p, const Decision *d, size_t ids)
{
    html(p, "<h5>Evidence</h5>\n<ol>\n");
    for (size_t i = 0; i < d->reasons && i < REASONS_MAX; i++) {
        const Reason *r = &d->reason[i];
        if (r->source != REASON_RULE)
            continue;
        html(p, "<li><p><span class=\"tag\">");
        html_say(p, "%.*s \xC2\xB7 %.*s", STR_ARG(r->severity), STR_ARG(r->family));
        html(p, "</span> ");
        html_spoken(p, r->sentence);
        html(p, "</p>\n");
        sentence(p, "Beside others:",
                 reason_standing(p->arena, policy_messages(p->run->policy), p->run->language, r));
        sentence(p, "May also be:", r->also);
        sentence(p, "Missing proof:", r->missing_proof);
        sentence(p, "Next step:", r->next_step);
        transactions(p, r, ids);
        html(p, "</li>\n");
    }
    html(p, "</ol>\n");
}

static void list(Page *p, const char *title, const Str *item, size_t count, const char *none)
{
    html(p, "<h5>");
    html(p, title);
    html(p, "</h5>\n");
    if (count == 0) {
        html_paragraph(p, "%s", none);
        return;
    }
    html(p, "<ul>");
    for (size_t i = 0; i < count; i++) {
        html(p, "<li>");
        html_spoken(p, item[i]);
        html(p, "</li>");
    }
    html(p, "</ul>\n");
}

typedef struct Push {
    uint32_t feature;
    double value;
} Push;

static int stronger(const void *left, const void *right)
{
    const Push *a = left, *b = right;
    double x = fabs(a->value), y = fabs(b->value);
    if (x != y)
        return x > y ? -1 : 1;
    return (a->feature > b->feature) - (a->feature < b->feature);
}

static void push_row(Page *p, const char *kind, Str name, double value)
{
    buffer_format(&p->out, "<tr%s>", kind);
    html_head(p, name);
    html_cell_number(p, number_fixed(p->arena, value, 3));
    html_row_end(p);
}

/* One line for each feature; the columns of a category are one fact. */
static void contributions(Page *p, const Decision *d)
{
    const Run *run = p->run;
    const MatrixPlan *columns = run->bundle->columns;
    size_t features = run->plan->features;
    Push *push = ARENA_ARRAY(p->arena, Push, features + 1);
    double rest = 0, sum = 0;
    for (size_t f = 0; f < features; f++)
        push[f].feature = (uint32_t)f;
    for (size_t k = 0; k < columns->columns; k++)
        push[columns->feature[k]].value += d->contribution[k];
    for (size_t k = 0; k < d->contributions; k++)
        sum += d->contribution[k];
    qsort(push, features, sizeof *push, stronger);
    for (size_t f = CONTRIBUTIONS_SHOWN; f < features; f++)
        rest += push[f].value;
    html(p, "<details><summary>What the score is made of</summary>\n");
    html_table(p, "Contributions on the calibrated log-odds", "Feature|>Log-odds");
    push_row(p, "", S("starting point"), d->contribution[columns->columns]);
    for (size_t f = 0; f < features && f < CONTRIBUTIONS_SHOWN && fabs(push[f].value) > 0; f++)
        push_row(p, "", run->plan->feature[push[f].feature].name.text, push[f].value);
    push_row(p, "", S("all others"), rest);
    push_row(p, " class=\"sum\"", S("log-odds of the score"), sum);
    html_table_end(p);
    html(p, "</details>\n");
}

static void model_reasons(Page *p, const Decision *d)
{
    Str *text = ARENA_ARRAY(p->arena, Str, d->reasons + 1);
    size_t count = 0;
    for (size_t i = 0; i < d->reasons && count < REASONS_MAX; i++)
        if (d->reason[i].source == REASON_MODEL)
            text[count++] = d->reason[i].sentence;
    list(p, "What raises the score most", text, count, "Nothing raises it noticeably.");
}

static void fact(Page *p, const char *name, Str value)
{
    html(p, "<div><dt>");
    html(p, name);
    html(p, "</dt><dd>");
    html_text(p, value);
    html(p, "</dd></div>");
}

/* What was weighed before an exit was proposed; nothing where the book weighs nothing. */
static void measures(Page *p, const Decision *d)
{
    if (d->measures == 0)
        return;
    html(p, "<h5>Milder measures considered</h5>\n<ul>");
    for (size_t i = 0; i < d->measures; i++) {
        html(p, "<li>");
        html_spoken(p, d->measure[i].sentence);
        html(p, d->measure[i].suffices ? " <b>It suffices.</b></li>" : "</li>");
    }
    html(p, "</ul>\n");
}

/* What the bank knows beside profile and transactions, with where it is documented. */
static void known(Page *p, const Decision *d)
{
    if (d->facts == 0)
        return;
    html(p, "<h5>Known of the customer</h5>\n<ul>");
    for (size_t i = 0; i < d->facts; i++) {
        html(p, "<li>");
        if (d->fact[i].sentence.size > 0)
            html_spoken(p, d->fact[i].sentence);
        else
            html_text(p, d->fact[i].name);
        if (d->fact[i].evidence.size > 0) {
            html(p, " <span class=\"ci\">");
            html_text(p, d->fact[i].evidence);
            html(p, "</span>");
        }
        html(p, d->fact[i].counts ? "" : " <b>Not documented: it does not count.</b>");
        html(p, "</li>");
    }
    html(p, "</ul>\n");
}

static void candidate(Page *p, size_t rank, const Decision *d, size_t at, size_t ids)
{
    buffer_format(&p->out,
                  "<article class=\"case\" id=\"case-%zu\" aria-labelledby=\"case-%zu-h\">\n"
                  "<h4 id=\"case-%zu-h\"><span class=\"rank\">%zu</span> ",
                  rank, rank, rank, rank);
    html_id(p, d->id);
    html(p, "</h4>\n<dl class=\"facts\">");
    fact(p, "Score", probability(p, d));
    fact(p, "Segment", segment_name(d->segment));
    fact(p, "Evidence", families(p->arena, d));
    fact(p, "At stake", number_money(p->arena, p->run, d->exposure));
    fact(p, "Certified", store_certified(p->run, at) ? S("its score") : S("no"));
    Str stable = stability_of(p, at);
    if (stable.size > 0)
        fact(p, "On the list again", stable);
    if (d->queue.size > 0)
        fact(p, "Goes to", d->queue);
    html(p, "</dl>\n<p>");
    html_spoken(p, d->because);
    html(p, "</p>\n");
    sentence(p, "Segment:", d->segment_because);
    html(p, "<div class=\"columns\">\n<div>\n");
    evidence(p, d, ids);
    measures(p, d);
    change_words(p, at);
    html(p, "</div>\n<div>\n");
    known(p, d);
    list(p, "What speaks for the customer", d->mitigating, d->mitigatings,
         "No mitigating fact of the policy book is on record.");
    model_reasons(p, d);
    contributions(p, d);
    list(p, "Safeguards", d->safeguard, d->safeguards,
         "None of the policy book's safeguards holds.");
    html(p, "</div>\n</div>\n</article>\n");
}

/* The whole list on one screen; each line leads to its case. */
static void the_list(Page *p)
{
    const Run *run = p->run;
    size_t shown = run->listeds < CASES_MAX ? run->listeds : CASES_MAX;
    if (shown == 0)
        return;
    html(p, "<h3 id=\"list\">The list</h3>\n");
    const ListStability *stable = run->stability;
    html_table(p, "Candidates for off-boarding, best supported first",
               stable != NULL
                   ? ">Rank|Customer|>Probability (supported)|Evidence|>Severe rules|>At "
                     "stake|>Again without a fold|>Again with another seed|First reason"
                   : ">Rank|Customer|>Probability (supported)|Evidence|>Severe rules|>At "
                     "stake|First reason");
    for (size_t i = 0; i < shown; i++) {
        const Decision *d = &run->listed[i];
        html_row(p);
        buffer_format(&p->out, "<td class=\"n\"><a href=\"#case-%zu\">%zu</a></td>", i + 1, i + 1);
        html(p, "<th scope=\"row\" class=\"fold\">");
        html_id(p, d->id);
        html(p, "</th>");
        html_cell_number(p, probability(p, d));
        html_cell(p, families(p->arena, d));
        html_cell_number(p, number_count(p->arena, d->severe_rules));
        html_cell_number(p, number_money(p->arena, run, d->exposure));
        for (size_t k = 0; stable != NULL && k < RERUN_KINDS; k++) {
            const Reruns *r = &stable->kind[k == 0 ? RERUN_FOLDS : RERUN_SEEDS];
            html_cell_number(
                p, str_format(p->arena, "%u of %zu", r->on_list[run->candidate[i]], r->runs));
        }
        html(p, "<td class=\"why\">");
        html_spoken(p, d->reasons > 0 ? d->reason[0].sentence : d->because);
        html(p, "</td>");
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "Probability: calibrated, with what the data supports (Venn and Abers), which is "
              "not a confidence bound. Evidence: kinds of it, independent of each other. At stake: "
              "by the policy book\xE2\x80\x99s expression. Again: in how many of the runs that "
              "learnt again. Every reason, with its transactions, is below.");
}

static void cases(Page *p)
{
    const Run *run = p->run;
    size_t shown = run->listeds < CASES_MAX ? run->listeds : CASES_MAX;
    html(p, "<h3 id=\"candidates\">Candidates</h3>\n");
    if (run->candidates == 0) {
        html_paragraph(p, "No customer meets the criteria. The near misses below are the strongest "
                          "cases.");
        return;
    }
    html_paragraph(p, "Best supported first: documented facts, then by kinds of evidence, severe "
                      "rules, score and "
                      "money at stake. These are proposals for two people to look at. The program "
                      "closes no account, and none of the sentences is an accusation.");
    size_t ids = IDS_BUDGET / (shown * 6);
    ids = ids < 12 ? 12 : ids > 150 ? 150 : ids;
    for (size_t i = 0; i < shown; i++)
        candidate(p, i + 1, &run->listed[i], run->candidate[i], ids);
    if (run->candidates > shown)
        html_paragraph(p, "Shown are the first %zu of %zu; offboarding.csv has them all.", shown,
                       run->candidates);
}

/* ---- near misses and contradictory labels ---- */

static void near_misses(Page *p)
{
    size_t count = p->run->near_misses;
    html(p, "<h3 id=\"near\">Near misses</h3>\n");
    if (count == 0) {
        html_paragraph(p, "Nobody nearly meets the criteria without meeting them.");
        return;
    }
    html_verdict(p,
                 "%zu more customers miss one criterion, or are held back by a safeguard or a "
                 "milder measure; "
                 "the last column says by which. Near counts criteria, not distance: where the "
                 "score is what "
                 "fails, it may be low.",
                 count);
    html_table(p, count > NEAR_MAX ? "The nearest fifty" : "Near the criteria, not proposed",
               "Customer|>Score|Evidence|>Severe rules|>At stake|Proposed instead|Because");
    for (size_t i = 0; i < count && i < NEAR_MAX; i++) {
        const Decision *d = &p->run->near[i];
        html_row(p);
        html_head_id(p, d->id);
        html_cell_number(p, number_share(p->arena, d->probability));
        html_cell(p, families(p->arena, d));
        html_cell_number(p, number_count(p->arena, d->severe_rules));
        html_cell_number(p, number_money(p->arena, p->run, d->exposure));
        html_cell(p, action_name(d->action));
        html(p, "<td>");
        html_spoken(p, d->near_miss.size > 0 ? d->near_miss
                       : d->safeguards > 0   ? d->safeguard[0]
                                             : d->because);
        html(p, "</td>");
        html_row_end(p);
    }
    html_table_end(p);
}

static void contradictory(Page *p)
{
    const Run *run = p->run;
    if (run->contradictories == 0)
        return;
    html(p, "<h3 id=\"contradictory\">Customers with contradictory labels</h3>\n");
    html_paragraph(p,
                   "The files say both that they were suspended and that they were not. They were "
                   "kept out of training and evaluation, and nothing graver than due diligence is "
                   "proposed for them; somebody should find out which holds.");
    html_table(p, "Contradictory labels", "Customer|>Score|Segment|Evidence|Proposed");
    for (size_t i = 0; i < run->contradictories && i < CONTRADICTORY_MAX; i++) {
        const Decision *d = &run->torn[i];
        html_row(p);
        html_head_id(p, d->id);
        html_cell_number(p, number_share(p->arena, d->probability));
        html_cell(p, segment_name(d->segment));
        html_cell(p, families(p->arena, d));
        html_cell(p, action_name(d->action));
        html_row_end(p);
    }
    html_table_end(p);
    if (run->contradictories > CONTRADICTORY_MAX)
        html_note(p, "The first %d of %zu; decisions.csv marks them all.", CONTRADICTORY_MAX,
                  run->contradictories);
}

void section_offboarding(Page *p)
{
    Str count = number_plural(p->arena, p->run->candidates, "customer is a candidate",
                              "customers are candidates");
    const Tally t = tally_run(p->run);
    Str scored = tally_scored(p->arena, &t);
    html(p, "<section id=\"offboarding\" aria-labelledby=\"offboarding-h\">\n"
            "<h2 id=\"offboarding-h\">4 Off-boarding</h2>\n<p class=\"lead\">");
    html_say(p, "%.*s for off-boarding, of %.*s scored.", STR_ARG(count), STR_ARG(scored));
    html(p, "</p>\n");
    section_objectives(p);
    the_list(p);
    cases(p);
    near_misses(p);
    section_certified(p);
    section_stability(p);
    section_criteria(p);
    contradictory(p);
    html(p, "</section>\n");
}
