#include "judge/judge.h"

#include <string.h>

enum { STREAM_STRATA = 32 }; /* of random numbers: learn, audit and fairness have others */

static bool enough(size_t customers, size_t positives)
{
    return positives >= FIGURE_CLASS_MIN && customers - positives >= FIGURE_CLASS_MIN;
}

/* What stands in the place of a figure. */
static Str too_few(Arena *keep, size_t customers, size_t positives)
{
    if (customers == 0)
        return S("No labelled customer is in it: nothing can be said.");
    if (positives == 0)
        return str_format(keep,
                          "None of %zu labelled customers was suspended: nothing can be said "
                          "of how suspended ones would be ranked.",
                          customers);
    if (positives == customers)
        return str_format(keep,
                          "All %zu labelled customers were suspended: there is nobody to "
                          "tell them from.",
                          customers);
    return str_format(keep,
                      "%zu of %zu labelled customers were suspended: too few for a figure, which "
                      "asks for %d suspended and %d others.",
                      positives, customers, FIGURE_CLASS_MIN, FIGURE_CLASS_MIN);
}

static StrataSlice slice_new(Arena *keep, Str name, Str condition, const MetricSet *m,
                             size_t scored)
{
    StrataSlice s = {.name = name,
                     .condition = condition,
                     .customers = m->customers,
                     .positives = m->positives,
                     .scored = scored,
                     .metric = m,
                     .told = enough(m->customers, m->positives)};
    if (!s.told)
        s.says = too_few(keep, m->customers, m->positives);
    return s;
}

static void add_book(Strata *out, Arena *keep, const StrataInputs *in)
{
    const Validation *v = in->validation;
    for (size_t s = 0; s < in->set->strata; s++)
        out->slice[out->slices++] =
            slice_new(keep, in->set->stratum[s], in->condition[s],
                      &v->candidate[v->chosen].metric[s], in->scored_in_stratum[s]);
}

/* Customers without transactions have a figure of their own, or a sentence. */
static void add_unseen(Strata *out, Arena *keep, const StrataInputs *in,
                       const LearnOptions *options, Team *team)
{
    const Validation *v = in->validation;
    const Candidate *c = &v->candidate[v->chosen];
    if (in->unseen == SIZE_MAX)
        return;
    uint8_t *inside = ARENA_ARRAY(keep, uint8_t, v->rows + 1);
    for (size_t i = 0; i < v->rows; i++)
        inside[i] = in->cell[i] == in->unseen;
    MetricSet *m = ARENA_NEW(keep, MetricSet);
    metric_evaluate_groups(m, (const double *const *)c->probability, v->repeats, in->set->label,
                           inside, in->set->group, v->rows, options->threshold, options->replicates,
                           seed_derive(seed_derive(options->seed, STREAM_STRATA), 0), team);
    size_t scored = in->scored_in_cell[in->unseen];
    if (m->customers == 0 && scored == 0)
        return;
    StrataSlice s = slice_new(keep, S("NOTX"), S("no transactions"), m, scored);
    out->slice[out->slices++] = s;
    if (scored == 0)
        return;
    Interval rate = metric_proportion(m->positives, m->customers);
    if (m->customers == 0)
        out->unseen = str_format(
            keep,
            "%zu of the %zu customers to be scored have no transactions, and no labelled "
            "customer is like them: nothing is known of how well they are scored.",
            scored, in->scored);
    else
        out->unseen = str_format(
            keep,
            "%zu of the %zu customers to be scored have no transactions. Of %zu labelled customers "
            "like them %zu were suspended (%.1f %%, 95 %%: %.1f to %.1f): %s",
            scored, in->scored, m->customers, m->positives, 100 * rate.value, 100 * rate.low,
            100 * rate.high,
            s.told ? "their own figure is NOTX."
                   : "how well the score ranks them cannot be said, and a low score says little "
                     "more than that nothing is on record.");
}

/* Fill the cells, their weights and the weight of each row; answers whether any is above 0. */
static bool weigh(Strata *out, Arena *keep, const StrataInputs *in)
{
    size_t rows = in->validation->rows, covered = 0, labelled = 0;
    out->cells = in->cells;
    out->cell = ARENA_ARRAY(keep, StrataCell, in->cells + 1);
    out->weight = ARENA_ARRAY(keep, double, rows + 1);
    out->scored = in->scored;
    for (size_t c = 0; c < in->cells; c++)
        out->cell[c] = (StrataCell){.name = in->cell_name[c], .scored = in->scored_in_cell[c]};
    for (size_t i = 0; i < rows; i++) {
        out->cell[in->cell[i]].labelled++;
        out->cell[in->cell[i]].positives += in->set->label[i] != 0;
    }
    for (size_t c = 0; c < in->cells; c++) {
        const StrataCell *cell = &out->cell[c];
        if (cell->labelled == 0)
            out->uncovered += cell->scored;
        else
            covered += cell->scored;
        labelled += cell->labelled;
    }
    for (size_t c = 0; c < in->cells && covered > 0; c++) {
        StrataCell *cell = &out->cell[c];
        if (cell->labelled > 0)
            cell->weight = ((double)cell->scored / (double)covered) /
                           ((double)cell->labelled / (double)labelled);
    }
    double positive = 0, squares = 0;
    for (size_t i = 0; i < rows; i++) {
        double w = out->weight[i] = out->cell[in->cell[i]].weight;
        if (in->set->label[i]) {
            positive += w;
            squares += w * w;
        }
    }
    out->effective = metric_effective(out->weight, rows);
    out->effective_positives = squares > 0 ? positive * positive / squares : 0;
    return covered > 0;
}

static Str reweighted_says(const Strata *s, Arena *keep)
{
    Buffer b = buffer_new(keep);
    for (size_t c = 0; c < s->cells; c++) {
        const StrataCell *cell = &s->cell[c];
        if (cell->scored == 0)
            continue;
        double share = 100 * (double)cell->scored / (double)s->scored;
        if (cell->labelled == 0)
            buffer_format(&b,
                          "%s%zu of those to be scored (%.1f %%) are in the cell \"%.*s\", which "
                          "has no labelled customers: the estimate says nothing of them.",
                          b.size > 0 ? " " : "", cell->scored, share, STR_ARG(cell->name));
        else if (cell->positives == 0)
            buffer_format(&b,
                          "%s%zu of those to be scored (%.1f %%) are in the cell \"%.*s\", where "
                          "none of %zu labelled customers was suspended: the estimate takes it "
                          "that none of them would be.",
                          b.size > 0 ? " " : "", cell->scored, share, STR_ARG(cell->name),
                          cell->labelled);
    }
    return buffer_str(&b);
}

static void add_reweighted(Strata *out, Arena *keep, const StrataInputs *in,
                           const LearnOptions *options, Team *team)
{
    const Validation *v = in->validation;
    out->reweighted = SIZE_MAX;
    bool any = weigh(out, keep, in);
    if (in->scored == 0) {
        out->no_estimate = S("No customers to be scored were given, so there is no mix to weigh "
                             "the labelled ones to.");
        return;
    }
    if (!any) {
        out->no_estimate = S("No labelled customer is in any cell of the customers to be scored: "
                             "every weight is 0, and there is no reweighted estimate.");
        return;
    }
    out->metric = ARENA_ARRAY(keep, MetricSet, v->candidates);
    uint64_t seed = seed_derive(seed_derive(options->seed, STREAM_STRATA), 1);
    for (size_t c = 0; c < v->candidates; c++)
        metric_evaluate_weighted(&out->metric[c],
                                 (const double *const *)v->candidate[c].probability, v->repeats,
                                 in->set->label, out->weight, in->cell, in->set->group, v->rows,
                                 options->threshold, options->replicates, seed, team);
    StrataSlice s = slice_new(keep, S("REWEIGHTED"), S("weighted to the mix to be scored"),
                              &out->metric[v->chosen], in->scored - out->uncovered);
    Str caution = reweighted_says(out, keep);
    s.says = s.told ? caution : str_format(keep, "%.*s %.*s", STR_ARG(s.says), STR_ARG(caution));
    out->reweighted = out->slices;
    out->slice[out->slices++] = s;
}

/* "170 of the 187 that have transactions are in ...": the largest cell of those seen. */
static Str main_cell(const Strata *s, Arena *keep, size_t unseen)
{
    size_t seen = 0, most = SIZE_MAX;
    for (size_t c = 0; c < s->cells; c++) {
        if (c == unseen)
            continue;
        seen += s->cell[c].scored;
        if (most == SIZE_MAX || s->cell[c].scored > s->cell[most].scored)
            most = c;
    }
    if (unseen == SIZE_MAX || most == SIZE_MAX || seen == 0)
        return (Str){0};
    return str_format(keep, "; of the %zu with transactions %zu are of the cell \"%.*s\"", seen,
                      s->cell[most].scored, STR_ARG(s->cell[most].name));
}

static double percent(size_t part, size_t whole)
{
    return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}

static void choose(Strata *out, Arena *keep, const StrataInputs *in)
{
    size_t strata = in->set->strata, best = 0, passed = SIZE_MAX;
    for (size_t s = 1; s < strata; s++) {
        const StrataSlice *one = &out->slice[s];
        if (2 * one->scored < in->scored || in->scored == 0 ||
            one->customers >= out->slice[best].customers)
            continue;
        if (one->told)
            best = s;
        else
            passed = s;
    }
    const StrataSlice *quoted = &out->slice[best];
    size_t rows = in->validation->rows;
    out->stratum = out->headline = best;
    Str cell = main_cell(out, keep, in->unseen);
    if (in->scored == 0) {
        out->reason = str_format(keep,
                                 "%.*s is quoted because no customers to be scored were given; on "
                                 "others than the labelled ones it may be far from true.",
                                 STR_ARG(quoted->name));
        return;
    }
    Str without = (Str){0};
    if (passed != SIZE_MAX && best == 0)
        without = str_format(keep, " (%.*s would be nearer, but has %zu suspended of %zu)",
                             STR_ARG(out->slice[passed].name), out->slice[passed].positives,
                             out->slice[passed].customers);
    if (best != 0) {
        out->reason = str_format(
            keep,
            "%.*s is quoted because most customers to be scored are of that kind: %zu of %zu "
            "(%.0f %%), against %zu of %zu labelled (%.0f %%)%.*s.",
            STR_ARG(quoted->name), quoted->scored, in->scored, percent(quoted->scored, in->scored),
            quoted->customers, rows, percent(quoted->customers, rows), STR_ARG(cell));
    } else if (out->reweighted != SIZE_MAX && out->slice[out->reweighted].told) {
        out->headline = out->reweighted;
        out->reason = str_format(
            keep,
            "The reweighted estimate is quoted because no slice narrower than %.*s holds half of "
            "the %zu customers to be scored and enough suspended ones%.*s: the labelled customers "
            "are weighted to their mix and count as %.0f of equal weight%.*s.",
            STR_ARG(quoted->name), in->scored, STR_ARG(without), out->effective, STR_ARG(cell));
    } else {
        out->reason = str_format(
            keep,
            "%.*s is quoted because no narrower slice holds half of the %zu customers to be scored "
            "and enough suspended ones%.*s, and no reweighted estimate could be made.",
            STR_ARG(quoted->name), in->scored, STR_ARG(without));
    }
}

void judge_strata(Strata **out, Arena *keep, const StrataInputs *inputs,
                  const LearnOptions *options, Team *team)
{
    Strata *s = *out = ARENA_NEW(keep, Strata);
    s->slice = ARENA_ARRAY(keep, StrataSlice, inputs->set->strata + 2);
    add_book(s, keep, inputs);
    add_unseen(s, keep, inputs, options, team);
    add_reweighted(s, keep, inputs, options, team);
    choose(s, keep, inputs);
}
