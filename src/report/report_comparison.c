/* report_comparison.c - champion and challenger in Markdown, for a terminal and a pull request. */
#include "report/report_internal.h"

#include <math.h>
#include <string.h>

enum { MOVES_SHOWN = 20 };

static void add_interval(Buffer *b, Interval v, bool sign)
{
    buffer_add(b, sign ? number_change(b->arena, v, 3) : number_interval(b->arena, v, 3));
}

/* Of names that come from a command line or a bundle's books. */
static Str escaped(Arena *arena, Str text)
{
    Buffer b = buffer_new(arena);
    markdown_escape(&b, text);
    return buffer_str(&b);
}

/* Lower is better of losses and errors. */
static bool lower_is_better(MetricKind k)
{
    return k == METRIC_BRIER || k == METRIC_LOG_LOSS || k == METRIC_ECE;
}

static const char *verdict(Interval d, MetricKind k)
{
    if (is_missing(d.low))
        return "cannot be judged";
    if (d.low <= 0 && d.high >= 0)
        return "cannot be told apart";
    return (d.value < 0) == lower_is_better(k) ? "challenger better" : "champion better";
}

static void say_figures(Buffer *b, const SideBySide *c)
{
    static const MetricKind shown[] = {METRIC_AUC,   METRIC_PR_AUC,    METRIC_LOG_LOSS,
                                       METRIC_BRIER, METRIC_PRECISION, METRIC_RECALL};
    buffer_format(b, "\n## On customers whose label is known\n\nJudged %.*s.",
                  STR_ARG(escaped(b->arena, c->judged_on)));
    if (c->seen_in_training)
        buffer_add(b, S(" **At least one of the two learnt from these very customers: its figures "
                        "are better than it is, and the differences say little.**"));
    buffer_add(b, S(" Differences are challenger less champion on the same bootstrap draws of "
                    "customers, with 95 % intervals.\n\n"
                    "| stratum | customers | suspended | figure | champion | challenger | "
                    "difference | |\n|---|--:|--:|---|---|---|---|---|\n"));
    for (size_t s = 0; s < c->strata; s++) {
        const Judgement *j = &c->judgement[s];
        for (size_t i = 0; i < COUNT_OF(shown); i++) {
            MetricKind k = shown[i];
            buffer_format(b, "| %.*s | %zu | %zu | %.*s | ", STR_ARG(escaped(b->arena, j->stratum)),
                          j->figures.one.customers, j->figures.one.positives,
                          STR_ARG(metric_name(k)));
            add_interval(b, j->figures.other.metric[k], false);
            buffer_add(b, S(" | "));
            add_interval(b, j->figures.one.metric[k], false);
            buffer_add(b, S(" | "));
            add_interval(b, j->figures.difference[k], true);
            buffer_format(b, " | %s |\n", verdict(j->figures.difference[k], k));
        }
    }
    if (c->strata_note.size > 0)
        buffer_format(b,
                      "\nLeft out, for the two books define them otherwise: %.*s. Their figures "
                      "would be about other customers on either side.\n",
                      STR_ARG(escaped(b->arena, c->strata_note)));
    if (c->strata == 0)
        return;
    const MetricDifference *all = &c->judgement[0].figures;
    buffer_format(b, "\nBy log loss on %.*s: %s.\n",
                  STR_ARG(escaped(b->arena, c->judgement[0].stratum)),
                  verdict(all->difference[METRIC_LOG_LOSS], METRIC_LOG_LOSS));
}

static void say_segments(Buffer *b, const SideBySide *c)
{
    buffer_add(b, S("\n| champion \\ challenger |"));
    for (int to = 0; to < SEGMENTS; to++)
        buffer_format(b, " %.*s |", STR_ARG(segment_name((Segment)to)));
    buffer_add(b, S("\n|---|--:|--:|--:|\n"));
    for (int from = 0; from < SEGMENTS; from++) {
        buffer_format(b, "| %.*s |", STR_ARG(segment_name((Segment)from)));
        for (int to = 0; to < SEGMENTS; to++)
            buffer_format(b, " %zu |", c->segment[from][to]);
        buffer_char(b, '\n');
    }
}

static void say_actions(Buffer *b, const SideBySide *c)
{
    buffer_add(b, S("\n| from | to | customers |\n|---|---|--:|\n"));
    for (int from = 0; from < ACTIONS; from++)
        for (int to = 0; to < ACTIONS; to++)
            if (from != to && c->action[from][to] > 0)
                buffer_format(b, "| %.*s | %.*s | %zu |\n", STR_ARG(action_name((Action)from)),
                              STR_ARG(action_name((Action)to)), c->action[from][to]);
}

static void say_moves(Buffer *b, const SideBySide *c)
{
    if (c->customers == 0)
        return;
    size_t kept = 0, same = 0;
    for (int k = 0; k < SEGMENTS; k++)
        kept += c->segment[k][k];
    for (int k = 0; k < ACTIONS; k++)
        same += c->action[k][k];
    buffer_format(
        b,
        "\n## Who moves\n\n%zu customers were scored by both; %zu keep their segment, %zu "
        "their proposed action. The probability changes by %.3f on average.",
        c->customers, kept, same, c->mean_change);
    if (c->only[CHAMPION] + c->only[CHALLENGER] > 0)
        buffer_format(b, " %zu were scored by the champion alone and %zu by the challenger alone.",
                      c->only[CHAMPION], c->only[CHALLENGER]);
    buffer_char(b, '\n');
    say_segments(b, c);
    if (same < c->customers)
        say_actions(b, c);
    if (c->moves == 0)
        return;
    buffer_add(b,
               S("\n| customer | segment | action | probability | why |\n|---|---|---|---|---|\n"));
    for (size_t i = 0; i < c->moves && i < MOVES_SHOWN; i++) {
        const Move *m = &c->move[i];
        buffer_add(b, S("| "));
        markdown_escape(b, m->id); /* from outside, as names of features may be */
        buffer_format(b, " | %.*s to %.*s | %.*s to %.*s | %.2f to %.2f | ",
                      STR_ARG(segment_name(m->segment[CHAMPION])),
                      STR_ARG(segment_name(m->segment[CHALLENGER])),
                      STR_ARG(action_name(m->action[CHAMPION])),
                      STR_ARG(action_name(m->action[CHALLENGER])), m->probability[CHAMPION],
                      m->probability[CHALLENGER]);
        markdown_escape(b, m->why);
        buffer_add(b, S(" |\n"));
    }
    if (c->moves > MOVES_SHOWN)
        buffer_format(b, "\n%zu more are in moves.csv.\n", c->moves - MOVES_SHOWN);
}

Str report_comparison(Arena *keep, const SideBySide *c)
{
    Buffer b = buffer_new(keep);
    static const char *const side[] = {"Champion", "Challenger"};
    buffer_add(&b, S("# Champion and challenger\n\n"));
    for (int k = 0; k < SIDES; k++) {
        const Bundle *one = c->bundle[k];
        Thresholds t = policy_thresholds(one->policy);
        char time[TIME_TEXT];
        buffer_format(&b,
                      "- %s: %.*s, bundle %.12s, %.*s, %zu customers (%zu suspended) as of %.*s, "
                      "thresholds %.2f, %.2f, %.2f\n",
                      side[k], STR_ARG(escaped(keep, c->name[k])), one->id,
                      STR_ARG(model_kind_name(one->model)), one->customers, one->positives,
                      STR_ARG(time_text(time, one->as_of_us)), t.medium, t.high, t.offboarding);
    }
    bool same = strcmp(c->bundle[CHAMPION]->id, c->bundle[CHALLENGER]->id) == 0;
    if (same) {
        buffer_add(&b, S("\nThe two are the same bundle: nobody moves, and neither is better.\n"));
        return buffer_str(&b);
    }
    if (c->judged_on.size > 0)
        say_figures(&b, c);
    else
        buffer_add(&b, S("\nNobody whose label is known was compared: nothing is said about which "
                         "is better.\n"));
    if (c->judged_on.size == 0 && c->left_out > 0)
        buffer_format(&b,
                      "All %zu labelled customers of the files were learnt from, as a run folder's "
                      "validation.csv says.\n",
                      c->left_out);
    say_moves(&b, c);
    return buffer_str(&b);
}
