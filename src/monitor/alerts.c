/* alerts.c - which figures ask for something to be done, and what cannot be said.
 *
 * Thresholds are fixed and stand in docs/monitor.md. A rate is only held against its threshold when
 * enough customers stand behind it; else it is listed as unknown, which is no all-clear.
 */
#include "monitor/monitor_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { LEAST = 30, ALERTS_MAX = 2000, UNKNOWNS_MAX = 64, CALIBRATION_CLASS = 10 };
static const double mix_change = 0.3, proposal_factor = 2, overturn_most = 0.2,
                    agreement_most = 0.98, review_seconds_least = 180, slope_low = 0.8,
                    slope_high = 1.25, ratio_low = 0.8, ratio_high = 1.25, test_rate = 0.01,
                    repeated_most = 0.001;

typedef struct Raising {
    Monitor *m;
    Arena *keep;
} Raising;

static void alert(Raising *r, MonitorGravity gravity, const char *code, Str about, Str seen,
                  const char *threshold, const char *runbook)
{
    Monitor *m = r->m;
    if (m->alerts < ALERTS_MAX)
        m->alert[m->alerts++] = (MonitorAlert){.gravity = gravity,
                                               .code = code,
                                               .about = str_copy(r->keep, about),
                                               .seen = seen,
                                               .threshold = str_from(threshold),
                                               .runbook = runbook};
}

static void unknown(Raising *r, Str what)
{
    if (r->m->unknowns < UNKNOWNS_MAX)
        r->m->unknown[r->m->unknowns++] = what;
}

/* ---- what is decided on ---- */

static const char drift_runbook[] =
    "Check the pipeline, then who the customers are, then the model; recalibrate or train again.";

static void raise_item(Raising *r, const MonitorItem *i)
{
    Arena *keep = r->keep;
    Str name = i->was->name;
    bool feature = i->was->of == OF_FEATURE;
    Str seen = str_format(keep, "PSI %.3f; chance stays below %.3f", i->stability.psi, i->limit);
    if (i->verdict >= DRIFT_WATCH) {
        /* What decides nothing cannot do harm by itself. */
        bool act = i->verdict == DRIFT_ACT && i->use != USE_MONITOR;
        alert(r, act ? GRAVITY_ACT : GRAVITY_WATCH,
              feature                  ? "drift_feature"
              : i->was->of == OF_SCORE ? "drift_score"
                                       : "drift_segment",
              name, seen,
              i->verdict == DRIFT_ACT ? "PSI above 0.25 and beyond chance"
                                      : "PSI above 0.1 and beyond chance",
              drift_runbook);
    }
    if (feature && i->q < test_rate && i->verdict < DRIFT_WATCH)
        alert(r, GRAVITY_WATCH, "drift_test", name,
              str_format(keep, "%.*s, q %.2g; PSI %.3f", STR_ARG(monitor_test_name(i->test)), i->q,
                         i->stability.psi),
              "false discovery rate below 0.01", drift_runbook);
    if (feature && i->missing_rose)
        alert(r, i->use == USE_MONITOR ? GRAVITY_WATCH : GRAVITY_ACT, "missing_rise", name,
              str_format(keep, "missing for %.1f %% of customers; %.1f %% at training",
                         100 * i->missing_now, 100 * i->missing_was),
              "5 points more, and beyond chance",
              "Stop actions that rest on it, set the feed aside, replay when it is mended.");
}

static void raise_mix(Raising *r)
{
    Monitor *m = r->m;
    const MonitorWindow *now = &m->now, *before = &m->before;
    if (now->customers < LEAST || before->customers < LEAST) {
        unknown(r, str_format(
                       r->keep,
                       "Whether segments and proposals have shifted since the window before: "
                       "%llu customers now and %llu before; 30 of each are needed.",
                       (unsigned long long)now->customers, (unsigned long long)before->customers));
        return;
    }
    Interval high = metric_ratio(now->segment[SEGMENT_HIGH], now->customers,
                                 before->segment[SEGMENT_HIGH], before->customers);
    double share = 100 * (double)now->segment[SEGMENT_HIGH] / (double)now->customers;
    double was = 100 * (double)before->segment[SEGMENT_HIGH] / (double)before->customers;
    bool far = high.value > 1 + mix_change || high.value < 1 - mix_change;
    bool chance = high.low <= 1 && high.high >= 1;
    if (far && !chance)
        alert(r, GRAVITY_ACT, "score_mix", S("High"),
              str_format(r->keep, "%.1f %% in segment High; %.1f %% in the window before", share,
                         was),
              "30 % more or fewer than in the window before, and beyond chance",
              "Freeze the thresholds; have a sample of 30 looked at.");
    size_t a = ACTION_PROPOSE_OFFBOARDING;
    Interval proposed =
        metric_ratio(now->action[a], now->customers, before->action[a], before->customers);
    if (proposed.value > proposal_factor && proposed.low > 1)
        alert(r, GRAVITY_ACT, "proposal_rate", action_name(ACTION_PROPOSE_OFFBOARDING),
              str_format(r->keep, "%llu of %llu customers; %llu of %llu in the window before",
                         (unsigned long long)now->action[a], (unsigned long long)now->customers,
                         (unsigned long long)before->action[a],
                         (unsigned long long)before->customers),
              "more than twice the window before, and beyond chance",
              "Halt proposals; tell the risk owner.");
}

static void raise_lines(Raising *r)
{
    Monitor *m = r->m;
    uint64_t all = m->watched;
    if ((double)m->repeated > repeated_most * (double)all)
        alert(r, GRAVITY_WATCH, "repeated", S(""),
              str_format(r->keep, "%llu of %llu lines of both windows repeat a decision",
                         (unsigned long long)m->repeated, (unsigned long long)all),
              "more than 0.1 % of these lines",
              "Look for files given twice or an outbox that sends twice; replay without them.");
    if (m->items == 0)
        unknown(r, S("Drift: the bundle holds no reference distributions; train again to have "
                     "them."));
    else if (m->now.customers < LEAST)
        unknown(r, str_format(r->keep,
                              "Drift: %llu customers were decided on in the window with this "
                              "bundle; 30 are needed.",
                              (unsigned long long)m->now.customers));
}

/* ---- what became known later ---- */

static const char precision_runbook[] =
    "Disable the model's route to proposals; rules with evidence go on.";

/* Too few to prove the floor may still be enough to refute it. */
static void raise_refuted(Raising *r, const MonitorCohort *c)
{
    double floor = r->m->inputs.floor;
    double high = c->proposed == 0 ? 1 : metric_proportion_high(c->right, c->proposed, 0.95);
    if (high < floor)
        alert(r, GRAVITY_ACT, "precision", c->name,
              str_format(r->keep, "%zu of %zu right: %.2f, and not above %.2f (95 %%)", c->right,
                         c->proposed, c->precision.value, high),
              str_chars(r->keep, str_format(r->keep, "upper bound below %.2f", floor)),
              precision_runbook);
}

static bool can_prove(const Monitor *m, const MonitorCohort *c)
{
    return m->certifying > 0 && c->proposed >= m->certifying;
}

static void raise_precision(Raising *r, const MonitorCohort *c)
{
    Monitor *m = r->m;
    if (!can_prove(m, c)) {
        raise_refuted(r, c);
        unknown(r, str_format(r->keep,
                              "Precision of cohort %.*s: %zu proposals have a label; fewer than "
                              "%zu cannot show %.2f even if all are right.",
                              STR_ARG(c->name), c->proposed, m->certifying, m->inputs.floor));
        return;
    }
    if (c->precision_low < m->inputs.floor)
        alert(r, GRAVITY_ACT, "precision", c->name,
              str_format(r->keep, "%zu of %zu right: %.2f, and not below %.2f (95 %%)", c->right,
                         c->proposed, c->precision.value, c->precision_low),
              str_chars(r->keep, str_format(r->keep, "lower bound below %.2f", m->inputs.floor)),
              precision_runbook);
}

static void raise_calibration(Raising *r, const MonitorCohort *c)
{
    Interval slope = c->recalibration.slope;
    if (is_missing(slope.value)) {
        unknown(r, str_format(r->keep,
                              "Calibration of cohort %.*s: %zu labelled, %zu of them positive; ten "
                              "of each class are needed.",
                              STR_ARG(c->name), c->labelled, c->positives));
        return;
    }
    if (slope.value >= slope_low && slope.value <= slope_high)
        return;
    bool sure = slope.high < slope_low || slope.low > slope_high;
    alert(r, sure ? GRAVITY_ACT : GRAVITY_WATCH, "calibration", c->name,
          str_format(r->keep, "slope %.2f (%.2f to %.2f)", slope.value, slope.low, slope.high),
          "slope outside 0.8 to 1.25", "Recalibrate on these labels, and validate before serving.");
}

static void raise_labels(Raising *r)
{
    Monitor *m = r->m;
    if (m->cohorts == 0) {
        unknown(r, S("Precision and calibration: no labels were given."));
        return;
    }
    const MonitorCohort *all = &m->cohort[m->cohorts - 1];
    if (all->labelled == 0) {
        unknown(r, str_format(r->keep,
                              "Precision and calibration: no decision is %lld days old and has a "
                              "label (%zu labels wait for that).",
                              (long long)(m->inputs.mature_us / DAY_US), m->labels_waiting));
        return;
    }
    if (all->labelled * 2 < all->decisions)
        unknown(r, str_format(r->keep,
                              "What became of most: %zu customers of %zu mature decisions have a "
                              "label, and they may be unlike the others.",
                              all->labelled, all->decisions));
    raise_precision(r, all);
    raise_calibration(r, all);
    for (size_t i = 0; i + 1 < m->cohorts && m->cohorts > 2; i++) {
        const MonitorCohort *c = &m->cohort[i];
        if (can_prove(m, c))
            raise_precision(r, c);
        else /* months of few proposals are many: what they cannot show is not listed */
            raise_refuted(r, c);
        if (!is_missing(c->recalibration.slope.value))
            raise_calibration(r, c);
    }
}

static void raise_feedback(Raising *r)
{
    Monitor *m = r->m;
    const MonitorFeedback *f = &m->feedback;
    if (m->inputs.feedback == NULL) {
        unknown(r, S("Overturned decisions and the care of reviews: no verdicts were given."));
        return;
    }
    for (int a = 0; a < ACTIONS; a++) {
        size_t n = f->action[a].agree + f->action[a].overrule;
        if (n >= LEAST && f->overturned[a].value > overturn_most)
            alert(r, GRAVITY_ACT, "overturned", action_name((Action)a),
                  str_format(r->keep, "%zu of %zu overturned: %.0f %%", f->action[a].overrule, n,
                             100 * f->overturned[a].value),
                  "more than 20 %, of 30 or more", "Review the overturned cases by reason code.");
    }
    size_t n = f->all.agree + f->all.overrule;
    if (n < LEAST)
        unknown(r, str_format(r->keep,
                              "Overturned decisions and rubber-stamping: %zu verdicts; 30 are "
                              "needed.",
                              n));
    else if (1 - f->overturned_all.value > agreement_most)
        alert(r, GRAVITY_WATCH, "rubber_stamping", S(""),
              str_format(r->keep, "reviewers agreed with %zu of %zu", f->all.agree, n),
              "more than 98 % agreement", "Have cases reviewed again blind; insert decoys.");
    if (f->timed >= LEAST && f->median_seconds < review_seconds_least)
        alert(r, GRAVITY_WATCH, "hasty_reviews", S(""),
              str_format(r->keep, "the median review took %.0f seconds (%zu timed)",
                         f->median_seconds, f->timed),
              "median below three minutes", "Have cases reviewed again blind; insert decoys.");
    if (f->low_positive > 0)
        alert(r, GRAVITY_ACT, "low_segment_case", S("Low"),
              str_format(r->keep, "%zu confirmed in segment Low", f->low_positive),
              "any confirmed case in segment Low",
              "Review which typology the rules and the model miss.");
}

static void raise_ratio(Raising *r, const char *code, const MonitorGroup *g, Interval ratio,
                        const char *of)
{
    if (is_missing(ratio.value) || (ratio.value >= ratio_low && ratio.value <= ratio_high))
        return;
    bool sure = ratio.high < ratio_low || ratio.low > ratio_high;
    alert(r, sure ? GRAVITY_ACT : GRAVITY_WATCH, code,
          str_format(r->keep, "%.*s=%.*s", STR_ARG(g->column), STR_ARG(g->value)),
          str_format(r->keep, "%s %.2f times that of the others (%.2f to %.2f)", of, ratio.value,
                     ratio.low, ratio.high),
          "ratio outside 0.8 to 1.25, 30 or more on each side",
          "Take out what stands in for the ground (proxies) and compare; cap at due diligence.");
}

static void raise_groups(Raising *r)
{
    Monitor *m = r->m;
    size_t small = 0;
    for (size_t i = 0; i < m->groups; i++) {
        const MonitorGroup *g = &m->group[i];
        raise_ratio(r, "fairness_action", g, g->action_ratio, "rate of due diligence or graver");
        raise_ratio(r, "fairness_false", g, g->false_ratio, "false positive rate");
        small += is_missing(g->action_ratio.value);
    }
    if (small > 0)
        unknown(r, str_format(r->keep,
                              "How %zu of %zu groups fare: fewer than 30 customers, or nobody to "
                              "compare with.",
                              small, m->groups));
}

static int gravest_first(const void *a, const void *b)
{
    const MonitorAlert *x = a, *y = b;
    if (x->gravity != y->gravity)
        return x->gravity > y->gravity ? -1 : 1;
    int code = str_compare(str_from(x->code), str_from(y->code));
    return code != 0 ? code : str_compare(x->about, y->about);
}

void alerts_raise(Monitor *m, Arena *keep)
{
    Raising r = {m, keep};
    m->alert = ARENA_ARRAY(keep, MonitorAlert, ALERTS_MAX);
    m->unknown = ARENA_ARRAY(keep, Str, UNKNOWNS_MAX);
    raise_lines(&r);
    for (size_t i = 0; i < m->items && m->now.customers >= LEAST; i++)
        raise_item(&r, &m->item[i]);
    raise_mix(&r);
    raise_labels(&r);
    raise_feedback(&r);
    raise_groups(&r);
    qsort(m->alert, m->alerts, sizeof *m->alert, gravest_first);
}
