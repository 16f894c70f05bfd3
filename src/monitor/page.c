/* page.c - what was found, for people: one page without a script or a network. */
#include "monitor/monitor_internal.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWN = 20 };

typedef struct Paper {
    ReportSheet *sheet;
    Arena *arena;
    const Monitor *m;
} Paper;

static const ReportPart parts[] = {{"alerts", "Alerts"},
                                   {"unknown", "What cannot be said"},
                                   {"customers", "Scores, segments and proposals"},
                                   {"features", "Features"},
                                   {"truth", "Precision and calibration"},
                                   {"reviews", "Reviews of analysts"},
                                   {"groups", "Groups"},
                                   {"log", "What was read"}};

/* ---- numbers as people read them ---- */

static Str count_text(Paper *p, uint64_t n)
{
    return str_format(p->arena, "%llu", (unsigned long long)n);
}

static Str fixed(Paper *p, double value, int digits)
{
    return is_missing(value) ? S("not defined") : str_format(p->arena, "%.*f", digits, value);
}

static Str share_text(Paper *p, double share)
{
    return is_missing(share)
               ? S("not defined")
               : str_format(p->arena, share < 0.1 && share > 0 ? "%.1f %%" : "%.0f %%",
                            100 * share);
}

static Str interval_text(Paper *p, Interval i, int digits)
{
    return is_missing(i.value) ? S("not defined")
                               : str_format(p->arena, "%.*f (%.*f to %.*f)", digits, i.value,
                                            digits, i.low, digits, i.high);
}

static Str chance_text(Paper *p, double value)
{
    return is_missing(value) ? S("") : str_format(p->arena, value < 0.001 ? "%.1e" : "%.3f", value);
}

static double part_of(uint64_t count, uint64_t all)
{
    return all == 0 ? NAN : (double)count / (double)all;
}

static Str day(Paper *p, int64_t time_us)
{
    char text[TIME_TEXT];
    return str_copy(p->arena, time_text(text, time_us));
}

/* ---- the parts ---- */

static void alerts(Paper *p)
{
    const Monitor *m = p->m;
    size_t act = 0;
    report_sheet_part(p->sheet);
    for (size_t i = 0; i < m->alerts; i++)
        act += m->alert[i].gravity == GRAVITY_ACT;
    report_sheet_verdict(
        p->sheet, m->alerts == 0
                      ? S("Nothing that could be measured is beyond its threshold.")
                      : str_format(p->arena, "%zu to act on, %zu to watch.", act, m->alerts - act));
    if (m->alerts == 0)
        return;
    report_sheet_table(p->sheet, NULL, "Alerts, gravest first", "Alert|Severity|Seen|What to do");
    for (size_t i = 0; i < m->alerts; i++) {
        const MonitorAlert *a = &m->alert[i];
        Str name = str_format(p->arena, "%s %.*s", a->code, STR_ARG(a->about));
        Str seen =
            str_format(p->arena, "%.*s. Threshold: %.*s.", STR_ARG(a->seen), STR_ARG(a->threshold));
        const Str cell[] = {name, a->gravity == GRAVITY_ACT ? S("act") : S("watch"), seen,
                            str_from(a->runbook)};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
}

static void unknowns(Paper *p)
{
    report_sheet_part(p->sheet);
    if (p->m->unknowns == 0)
        report_sheet_paragraph(p->sheet, S("Every figure of this page has enough customers."));
    else
        report_sheet_note(p->sheet, S("No alert on these is no all-clear."));
    for (size_t i = 0; i < p->m->unknowns; i++)
        report_sheet_paragraph(p->sheet, p->m->unknown[i]);
}

static const MonitorItem *item_of(const Monitor *m, DistributionOf of)
{
    for (size_t i = 0; i < m->items; i++)
        if (m->item[i].was->of == of)
            return &m->item[i];
    return NULL;
}

static uint64_t segment_at_training(const Monitor *m, Str name)
{
    const MonitorItem *i = item_of(m, OF_SEGMENT);
    if (i != NULL)
        for (size_t v = 0; v + 2 < i->was->bins; v++)
            if (str_equal(i->was->value[v], name))
                return i->was->count[v];
    return 0;
}

static void mix(Paper *p)
{
    static const Str series[] = {{"now", 3}, {"window before", 13}, {"training", 8}};
    const Monitor *m = p->m;
    const uint64_t all[] = {m->now.customers, m->before.customers, m->reference};
    Str label[SEGMENTS], text[SEGMENTS * 3];
    double value[SEGMENTS * 3];
    for (int s = 0; s < SEGMENTS; s++) {
        label[s] = segment_name((Segment)s);
        const uint64_t count[] = {m->now.segment[s], m->before.segment[s],
                                  segment_at_training(m, label[s])};
        for (size_t k = 0; k < 3; k++) {
            value[s * 3 + (int)k] = part_of(count[k], all[k]);
            text[s * 3 + (int)k] =
                str_format(p->arena, "%.*s (%llu)", STR_ARG(share_text(p, value[s * 3 + (int)k])),
                           (unsigned long long)count[k]);
        }
    }
    report_sheet_bars(p->sheet, "mix", S("Segments"),
                      S("Share of customers by segment: of the window, of the window before, and "
                        "of the customers that the model learnt from."),
                      series, 3, label, value, text, SEGMENTS);
}

static void customers(Paper *p)
{
    const Monitor *m = p->m;
    const MonitorItem *score = item_of(m, OF_SCORE), *segment = item_of(m, OF_SEGMENT);
    report_sheet_part(p->sheet);
    report_sheet_paragraph(
        p->sheet,
        str_format(p->arena,
                   "%llu customers in the window from %.*s to %.*s, %llu in the one before. Each "
                   "counts once, by the first decision.",
                   (unsigned long long)m->now.customers, STR_ARG(day(p, m->now.from_us)),
                   STR_ARG(day(p, m->now.to_us)), (unsigned long long)m->before.customers));
    if (score != NULL && segment != NULL && m->now.customers > 0)
        report_sheet_verdict(
            p->sheet,
            str_format(p->arena,
                       "Against training: score PSI %.3f (%.*s; chance stays below %.3f), segments "
                       "PSI %.3f (%.*s; %.3f).",
                       score->stability.psi, STR_ARG(drift_verdict_name(score->verdict)),
                       score->limit, segment->stability.psi,
                       STR_ARG(drift_verdict_name(segment->verdict)), segment->limit));
    if (m->now.customers > 0)
        mix(p);
    report_sheet_table(p->sheet, NULL, "Proposed actions", "Action|>Now|>Share|>Before|>Share");
    for (int a = 0; a < ACTIONS; a++) {
        const Str cell[] = {action_name((Action)a), count_text(p, m->now.action[a]),
                            share_text(p, part_of(m->now.action[a], m->now.customers)),
                            count_text(p, m->before.action[a]),
                            share_text(p, part_of(m->before.action[a], m->before.customers))};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
}

static int worst_first(const void *a, const void *b)
{
    const MonitorItem *x = *(const MonitorItem *const *)a, *y = *(const MonitorItem *const *)b;
    if (x->verdict != y->verdict)
        return x->verdict > y->verdict ? -1 : 1;
    if (x->stability.psi != y->stability.psi)
        return x->stability.psi > y->stability.psi ? -1 : 1;
    return str_compare(x->was->name, y->was->name);
}

static void feature_bars(Paper *p, const MonitorItem *const *item, size_t count)
{
    static const Str series[] = {{"PSI against training", 20}, {"what chance reaches", 19}};
    Str label[DRAWN], text[DRAWN * 2];
    double value[DRAWN * 2];
    size_t drawn = count < DRAWN ? count : DRAWN;
    for (size_t i = 0; i < drawn; i++) {
        label[i] = item[i]->was->name;
        value[2 * i] = item[i]->stability.psi;
        value[2 * i + 1] = item[i]->limit;
        text[2 * i] = fixed(p, value[2 * i], 3);
        text[2 * i + 1] = fixed(p, value[2 * i + 1], 3);
    }
    report_sheet_bars(p->sheet, "psi", S("Features that moved most"),
                      S("Population stability index of the window against training, and the index "
                        "that chance alone stays below."),
                      series, 2, label, value, text, drawn);
}

static void features(Paper *p)
{
    static const char *const uses[] = {"model", "policy", "monitor"};
    const Monitor *m = p->m;
    const MonitorItem **item = ARENA_ARRAY(p->arena, const MonitorItem *, m->items + 1);
    size_t count = 0, moved = 0, found = 0, rose = 0;
    report_sheet_part(p->sheet);
    for (size_t i = 0; i < m->items; i++)
        if (m->item[i].was->of == OF_FEATURE) {
            item[count++] = &m->item[i];
            moved += m->item[i].verdict >= DRIFT_WATCH;
            found += m->item[i].q < 0.01;
            rose += m->item[i].missing_rose;
        }
    if (count == 0 || m->now.customers == 0) {
        report_sheet_paragraph(p->sheet, S("There is nothing to compare."));
        return;
    }
    qsort(item, count, sizeof(const MonitorItem *), worst_first);
    report_sheet_verdict(
        p->sheet, str_format(p->arena,
                             "Of %zu features %zu have a PSI above 0.1 that chance does not "
                             "explain, %zu differ at a false discovery rate of 1 %%, %zu are "
                             "missing more often.",
                             count, moved, found, rose));
    feature_bars(p, item, count);
    report_sheet_table(p->sheet, "Every feature", "Features against training, worst first",
                       "Feature|Use|Review|>PSI|>Chance|>Before|Test|>p|>q|>Missing at "
                       "training|>Missing now|>q missing");
    for (size_t i = 0; i < count; i++) {
        const MonitorItem *f = item[i];
        const Str cell[] = {f->was->name,
                            str_from(uses[f->use]),
                            drift_verdict_name(f->verdict),
                            fixed(p, f->stability.psi, 3),
                            fixed(p, f->limit, 3),
                            fixed(p, f->psi_before, 3),
                            monitor_test_name(f->test),
                            chance_text(p, f->p),
                            chance_text(p, f->q),
                            share_text(p, f->missing_was),
                            share_text(p, f->missing_now),
                            chance_text(p, f->missing_q)};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
    report_sheet_note(p->sheet,
                      S("Before: PSI against the window before. p and q are of tests on counts in "
                        "the bundle's bins, q with Benjamini and Hochberg's control over all "
                        "features. A bin hides what moves within it, so p is rather too large."));
}

static void truth(Paper *p)
{
    const Monitor *m = p->m;
    report_sheet_part(p->sheet);
    if (m->cohorts == 0) {
        report_sheet_paragraph(p->sheet, S("No labels were given."));
        return;
    }
    const MonitorCohort *all = &m->cohort[m->cohorts - 1];
    report_sheet_verdict(
        p->sheet,
        all->proposed == 0
            ? S("No proposal has a mature label.")
            : str_format(p->arena,
                         "%zu of %zu proposals with a mature label were right: %.0f %%, and not "
                         "below %.0f %% (one-sided, 95 %%); the floor is %.0f %%.",
                         all->right, all->proposed, 100 * all->precision.value,
                         100 * all->precision_low, 100 * m->inputs.floor));
    report_sheet_table(p->sheet, NULL, "By the month of the decision",
                       "Cohort|>Decisions|>Labelled|>Positive|>Proposed|>Right|>Precision|>Slope|"
                       ">Intercept|>AUC|>ECE|>ECE by chance");
    for (size_t i = 0; i < m->cohorts; i++) {
        const MonitorCohort *c = &m->cohort[i];
        const Str cell[] = {c->name,
                            count_text(p, c->decisions),
                            count_text(p, c->labelled),
                            count_text(p, c->positives),
                            count_text(p, c->proposed),
                            count_text(p, c->right),
                            interval_text(p, c->precision, 2),
                            interval_text(p, c->recalibration.slope, 2),
                            interval_text(p, c->recalibration.intercept, 2),
                            fixed(p, c->auc, 2),
                            fixed(p, c->ece.seen, 3),
                            fixed(p, c->ece.high, 3)};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
    report_sheet_note(
        p->sheet,
        str_format(p->arena,
                   "Decisions at least %lld days old, of whichever bundle; of a customer the first "
                   "one in the month. Precision with Clopper and Pearson's interval, slope and "
                   "intercept with Wald's, each of 95 %%; ten customers of each class are needed "
                   "for the latter. Customers without a label are not taken for good ones.",
                   (long long)(m->inputs.mature_us / DAY_US)));
}

static void reviews(Paper *p)
{
    const Monitor *m = p->m;
    const MonitorFeedback *f = &m->feedback;
    report_sheet_part(p->sheet);
    if (m->inputs.feedback == NULL) {
        report_sheet_paragraph(p->sheet, S("No verdicts were given."));
        return;
    }
    report_sheet_table(p->sheet, NULL, "Reviews by the action that was proposed",
                       "Action|>Agree|>Overrule|>Overturned|>Positive|>Negative");
    for (int a = 0; a <= ACTIONS; a++) {
        const MonitorVerdicts *v = a < ACTIONS ? &f->action[a] : &f->all;
        const Str cell[] = {a < ACTIONS ? action_name((Action)a) : S("all"),
                            count_text(p, v->agree),
                            count_text(p, v->overrule),
                            interval_text(p, a < ACTIONS ? f->overturned[a] : f->overturned_all, 2),
                            count_text(p, v->positive),
                            count_text(p, v->negative)};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
    report_sheet_note(
        p->sheet,
        str_format(p->arena,
                   "%zu verdicts, %zu on decisions that the logs do not hold, %zu "
                   "outside the last %lld days. %s",
                   f->lines, f->unmatched, f->outside, (long long)(m->inputs.mature_us / DAY_US),
                   f->timed == 0 ? "No review was timed."
                                 : str_format(p->arena,
                                              "Of %zu timed reviews the median took %.0f "
                                              "seconds.",
                                              f->timed, f->median_seconds)
                                       .data));
}

static void groups(Paper *p)
{
    const Monitor *m = p->m;
    report_sheet_part(p->sheet);
    if (m->groups == 0) {
        report_sheet_paragraph(p->sheet, S("No groups were given."));
        return;
    }
    report_sheet_table(p->sheet, NULL, "How groups fare beside everybody else of the column",
                       "Column|Group|>Customers|>Acted on|>Ratio|>Good customers|>Acted on|"
                       ">Ratio");
    for (size_t i = 0; i < m->groups; i++) {
        const MonitorGroup *g = &m->group[i];
        const Str cell[] = {g->column,
                            g->value,
                            count_text(p, g->customers),
                            count_text(p, g->acted),
                            interval_text(p, g->action_ratio, 2),
                            count_text(p, g->negatives),
                            count_text(p, g->negatives_acted),
                            interval_text(p, g->false_ratio, 2)};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
    report_sheet_note(p->sheet,
                      S("Acted on: due diligence or graver. Good customers: those with a mature "
                        "label that is negative. Ratios need 30 customers on each side; intervals "
                        "of 95 % by the score test."));
}

static void log_read(Paper *p)
{
    const Monitor *m = p->m;
    const struct {
        const char *what;
        uint64_t count;
    } row[] = {{"lines of prediction logs", m->lines},
               {"decisions in the window", m->now.decisions},
               {"decisions in the window before", m->before.decisions},
               {"older", m->older},
               {"after the end of the window", m->later},
               {"of other bundles", m->other_bundle},
               {"of the other role", m->other_role},
               {"in both windows that repeat a decision", m->repeated},
               {"labels", m->labels},
               {"labels that wait for their decision to be old enough", m->labels_waiting},
               {"labels known before the decision", m->labels_early},
               {"labels of nobody in the logs", m->labels_unmatched}};
    report_sheet_part(p->sheet);
    report_sheet_table(p->sheet, NULL, "Lines and labels", "What|>How many");
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const Str cell[] = {str_from(row[i].what), count_text(p, row[i].count)};
        report_sheet_row(p->sheet, cell);
    }
    report_sheet_table_end(p->sheet);
}

Status monitor_page(const Monitor *m, const char *path, Error *err)
{
    Arena own = arena_new();
    Paper p = {.arena = &own, .m = m};
    Str meta =
        str_format(&own, "%s, bundle %.12s, until %.*s, windows of %.3g days \xC2\xB7 assay %.*s",
                   m->inputs.challenger ? "challenger" : "champion", m->inputs.bundle->id,
                   STR_ARG(day(&p, m->inputs.until_us)),
                   (double)m->inputs.window_us / (double)DAY_US, STR_ARG(m->inputs.version));
    p.sheet = report_sheet_open(S("Monitor"), meta, parts, COUNT_OF(parts));
    alerts(&p);
    unknowns(&p);
    customers(&p);
    features(&p);
    truth(&p);
    reviews(&p);
    groups(&p);
    log_read(&p);
    Status status = report_sheet_close(
        p.sheet, S("No customer is named on this page, and it needs no network."), path, err);
    arena_free(&own);
    return status;
}
