/* report_stability.c - whose place on the list, or in a segment, is luck. */
#include "report/report_internal.h"

enum { SHOWN_MAX = 50 };

static const char *const says[RERUN_KINDS] = {
    [RERUN_SEEDS] = "another seed, calibrated on another repeat",
    [RERUN_FOLDS] = "a fold of the labelled left out",
};

static Str of_runs(Page *p, size_t on, size_t runs)
{
    return str_format(p->arena, "%zu of %zu", on, runs);
}

static void summary(Page *p, const ListStability *s)
{
    html_table(p, "Candidates of this run in the runs that learnt again",
               "Learnt again with|>Runs|>In all|>In 8 of 10|>In half|>In fewer|>Others in at least "
               "half|>Jaccard, mean|>Lowest|>Same segment in all");
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        const Reruns *r = &s->kind[k];
        html_row(p);
        html_head(p, str_from(says[k]));
        const size_t count[] = {r->runs, r->always, r->mostly, r->half, r->rarely, r->newcomers};
        for (size_t i = 0; i < COUNT_OF(count); i++)
            html_cell_number(p, number_count(p->arena, count[i]));
        html_cell_number(p, number_fixed(p->arena, r->jaccard_mean, 2));
        html_cell_number(p, number_fixed(p->arena, r->jaccard_low, 2));
        html_cell_number(p, of_runs(p, r->same_segment, s->customers));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p,
              "Jaccard: customers on both lists, this run's and the other's, as a share of those "
              "on either; 1 is the same list.");
}

static bool wavers(const ListStability *s, size_t at, bool listed)
{
    bool out = false;
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        const Reruns *r = &s->kind[k];
        out = out || (listed ? r->on_list[at] < r->runs : 2 * (size_t)r->on_list[at] >= r->runs);
    }
    return out;
}

static void customer(Page *p, const ListStability *s, size_t at)
{
    const Outcome *d = &p->run->scored->outcome[at];
    html_row(p);
    html_head_id(p, d->id);
    html_cell(p, d->action == ACTION_PROPOSE_OFFBOARDING ? S("yes") : S("no"));
    html_cell_number(p, number_share(p->arena, d->probability));
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        const Reruns *r = &s->kind[k];
        html_cell_number(p, of_runs(p, r->on_list[at], r->runs));
        html_cell_number(p, number_fixed(p->arena, r->deviation[at], 3));
    }
    html_row_end(p);
}

static void customers(Page *p, const ListStability *s)
{
    const uint32_t *order = store_order(p->arena, p->run);
    size_t shown = 0, count = 0, scored = p->run->scored->count;
    for (size_t i = 0; i < scored; i++)
        count += wavers(s, order[i], i < p->run->candidates);
    if (count == 0)
        return;
    html_table(
        p, "Whose place is not certain",
        "Customer|On this list|>Probability|>Another seed: on the list|>Deviation|>A fold left "
        "out: on the list|>Deviation");
    for (size_t i = 0; i < scored && shown < SHOWN_MAX; i++)
        if (wavers(s, order[i], i < p->run->candidates)) {
            customer(p, s, order[i]);
            shown++;
        }
    html_table_end(p);
    html_note(p,
              "Candidates who are missing from some list, and others who are on at least half of "
              "them: %zu of %zu. Deviation: the standard deviation of the probability over runs. "
              "stability.csv has everybody.",
              shown, count);
}

void section_stability(Page *p)
{
    const ListStability *s = p->run->stability;
    if (s == NULL)
        return;
    const Reruns *seeds = &s->kind[RERUN_SEEDS], *folds = &s->kind[RERUN_FOLDS];
    html(p, "<h3 id=\"stability\">Would the list be the same?</h3>\n");
    html_paragraph(
        p,
        "Learning was done again: %zu times without the customers of one fold, a part of the "
        "labelled ones, and %zu times on everybody with another seed, calibrated on another "
        "repeat. The same policy then decided again for the same customers.",
        folds->runs, seeds->runs);
    if (!s->drawn)
        html_paragraph(p, "The chosen model draws nothing at random, so another seed fits the same "
                          "model and only the calibration differs: that the list is the same again "
                          "in those runs is no evidence. Look at the runs without a fold.");
    if (s->listed == 0)
        html_paragraph(p, "This run's list is empty.");
    else
        html_paragraph(p,
                       "Of %zu candidates, %zu are on every list with a fold left out%.*s. One "
                       "whose place depends on luck of the draw is no worse a person and no "
                       "better: look at the evidence first.",
                       s->listed, folds->always,
                       STR_ARG(!s->drawn ? S("")
                                         : str_format(p->arena,
                                                      " and %zu on every list with "
                                                      "another seed",
                                                      seeds->always)));
    summary(p, s);
    customers(p, s);
    html_note(p, "With another seed the settings of the model stay as tuned on all labelled "
                 "customers; with a fold left out they are those tuned without it. Rules do not "
                 "learn, so what rests on them alone does not waver.");
}

Str stability_of(Page *p, size_t at)
{
    const ListStability *s = p->run->stability;
    if (s == NULL)
        return S("");
    const Reruns *seeds = &s->kind[RERUN_SEEDS], *folds = &s->kind[RERUN_FOLDS];
    Str without = str_format(p->arena, "%u of %zu without a fold", folds->on_list[at], folds->runs);
    return !s->drawn ? without
                     : str_format(p->arena, "%.*s; %u of %zu with another seed", STR_ARG(without),
                                  seeds->on_list[at], seeds->runs);
}
