/* report_brief.c - the run in a dozen sentences, before everything else, and the verdicts that
 * other parts repeat. */
#include "report/report_internal.h"

#include <math.h>
#include <string.h>

/* ---- verdicts ---- */

/* Warnings that ask for somebody's judgement; the others say what was done. */
bool finding_for_people(const Finding *f)
{
    static const char *const codes[] = {"after_outcome",
                                        "certify_impossible",
                                        "cohort_drift",
                                        "cohorts_differ",
                                        "columns_gone",
                                        "cost_dominated",
                                        "drift_act",
                                        "drift_missing",
                                        "drift_policy",
                                        "drift_watch",
                                        "fairness_gap",
                                        "few_shuffles",
                                        "joining_cohort",
                                        "negative_amount",
                                        "no_record_is_visible",
                                        "observed_unequally",
                                        "outcome_undated",
                                        "person_of_many",
                                        "proxy",
                                        "relation_changes",
                                        "same_person_twice",
                                        "shared_identifier",
                                        "silence_untested",
                                        "strong_feature",
                                        "worse_forward"};
    if (f->severity != SEVERITY_WARNING)
        return f->severity == SEVERITY_SEVERE;
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (str_equal(f->code, str_from(codes[i])))
            return true;
    return false;
}

Str signal_says(Arena *arena, const Run *run)
{
    const Validation *v = run->validation;
    if (v == NULL || run->training == NULL)
        return S("");
    if (v->candidate[v->chosen].constant)
        return S("No model beats the average; scores carry no information");
    const Quoted q = headline_quoted(run);
    const Interval auc = q.metric->metric[METRIC_AUC];
    if (!q.told || !(auc.low <= 0.5 && auc.high >= 0.5))
        return S("");
    return str_format(arena, "On %.*s the ranking cannot be told from chance", STR_ARG(q.name));
}

/* The two shares with as many decimals as it takes to tell them apart. */
static void shares_apart(Arena *arena, double a, double b, Str *left, Str *right)
{
    *left = number_share(arena, a);
    *right = number_share(arena, b);
    if (str_equal(*left, *right) && fabs(a - b) > 0.0005) {
        Str x = number_fixed(arena, 100 * a, 1), y = number_fixed(arena, 100 * b, 1);
        *left = str_format(arena, "%.*s %%", STR_ARG(x));
        *right = str_format(arena, "%.*s %%", STR_ARG(y));
    }
}

Str calibration_says(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    if (run->calibration == NULL || run->training == NULL || run->validation == NULL)
        return S("");
    const CalibrationCheck *c = &run->calibration[run->headline];
    const Recalibration *r = &c->recalibration;
    Str name = run->training->stratum[run->headline];
    Buffer b = buffer_new(a);
    Reliability *bin;
    size_t bins = store_reliability(&bin, a, p->spare, run, run->headline);
    double said = 0;
    size_t customers = 0, suspended = 0;
    for (size_t i = 0; i < bins; i++) {
        said += bin[i].mean * (double)bin[i].customers;
        customers += bin[i].customers;
        suspended += bin[i].positives;
    }
    bool shifted = r->large.low > 0 || r->large.high < 0;
    bool extreme = r->slope.high<1, timid = r->slope.low> 1;
    bool off = !is_missing(c->ece.seen) && c->ece.seen > c->ece.high;
    if (customers == 0 || is_missing(c->ece.seen))
        return str_format(a, "Nobody can tell on %.*s: there are too few customers.",
                          STR_ARG(name));
    if (shifted || extreme || timid || off) {
        Str mean, was;
        shares_apart(a, said / (double)customers, (double)suspended / (double)customers, &mean,
                     &was);
        buffer_format(&b, "No on %.*s: ", STR_ARG(name));
        if (shifted)
            buffer_format(&b, "scores are too %s, %.*s on average where %.*s of %zu were suspended",
                          r->large.low > 0 ? "low" : "high", STR_ARG(mean), STR_ARG(was),
                          customers);
        else if (extreme || timid)
            buffer_format(&b, "scores are too %s",
                          extreme ? "extreme, high ones too high and low ones too low"
                                  : "timid, high ones too low and low ones too high");
        else
            buffer_add(&b, S("groups differ from their scores by more than chance explains"));
        buffer_add(&b, S(". Read them as a ranking there."));
    } else {
        buffer_format(&b, "Yes on %.*s, as far as %zu customers can tell.", STR_ARG(name),
                      customers);
    }
    const Reliability *top = &bin[bins - 1];
    Str mean, was;
    shares_apart(a, top->mean, top->share.value, &mean, &was);
    Str low = number_share(a, top->share.low), high = number_share(a, top->share.high);
    buffer_format(&b,
                  " Of the %zu with the highest scores, %.*s on average, %zu were suspended: %.*s "
                  "(95 %%: %.*s to %.*s).",
                  top->customers, STR_ARG(mean), top->positives, STR_ARG(was), STR_ARG(low),
                  STR_ARG(high));
    return buffer_str(&b);
}

/* ---- the sentences ---- */

static void item(Page *p, const char *title, Str text)
{
    html(p, "<li><b>");
    html(p, title);
    html(p, "</b> ");
    /* Whole sentences: longer than what one cell may hold. */
    for (Str left = text; left.size > 0;) {
        size_t cut = left.size;
        if (cut > TEXT_BYTES_MAX) {
            cut = TEXT_BYTES_MAX;
            while (cut > 1 && left.data[cut - 1] != ' ')
                cut--;
        }
        html_text(p, str_slice(left, 0, cut));
        left = str_slice(left, cut, left.size);
    }
    html(p, "</li>\n");
}

static void learnt(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    if (run->training != NULL && run->validation != NULL)
        item(p, "Learnt from",
             str_format(a,
                        "%zu labelled customers, %zu of them suspended. A label is what was "
                        "decided in the past, not what is true.",
                        run->training->x->rows, run->validation->positives));
    else if (run->training != NULL)
        item(p, "Learnt from",
             S("nobody: there are too few labelled customers of one kind. Rules alone decide."));
    else
        item(p, "Learnt from",
             str_format(a, "%zu customers in an earlier run, by the bundle; nothing here.",
                        run->bundle->customers));
}

static void how_good(Page *p)
{
    const Run *run = p->run;
    const Validation *v = run->validation;
    Arena *a = p->arena;
    const Quoted q = headline_quoted(run);
    Buffer b = buffer_new(a);
    Str condition =
        run->strata == NULL ? S("") : run->strata->slice[run->strata->headline].condition;
    Str whole = run->training->stratum[run->headline];
    Str nested = number_interval(a, v->nested.metric[run->headline].metric[METRIC_AUC], 2);
    if (q.told) {
        Str auc = number_interval(a, q.metric->metric[METRIC_AUC], 2);
        buffer_format(&b, "on %.*s", STR_ARG(q.name));
        bool weighted = run->strata != NULL && run->strata->headline == run->strata->reweighted;
        if (str_equal(condition, S("true")))
            buffer_add(&b, S(" (everybody)"));
        else if (condition.size > 0)
            buffer_format(&b, weighted ? " (%.*s)" : " (customers with: %.*s)", STR_ARG(condition));
        buffer_format(&b,
                      ", %zu customers with %zu suspended, a suspended one scores above another "
                      "one with chance %.*s (AUC; 95 %% interval in brackets; .5 is a coin). With "
                      "the choice of the model inside the test too, the more honest figure, it is "
                      "%.*s on %.*s.",
                      q.metric->customers, q.metric->positives, STR_ARG(auc), STR_ARG(nested),
                      STR_ARG(whole));
    } else {
        buffer_format(&b, "no figure can be quoted. %.*s: %.*s", STR_ARG(q.name), STR_ARG(q.says));
    }
    Str signal = signal_says(a, run);
    if (signal.size > 0)
        buffer_format(&b, " %.*s.", STR_ARG(signal));
    item(p, "How good", buffer_str(&b));
}

static void why_this(Page *p)
{
    const Validation *v = p->run->validation;
    const Candidate *chosen = &v->candidate[v->chosen];
    Arena *a = p->arena;
    size_t parts = 0, alike = 0;
    for (size_t k = 0; k < v->candidates; k++) {
        parts += v->nested.times[k];
        alike +=
            k != v->chosen && v->candidate[k].against_chosen[v->criterion].verdict == VERDICT_SAME;
    }
    item(p, "Why this model",
         str_format(
             a,
             "%.*s, the simplest that the best one does not clearly beat. %zu of the %zu "
             "other candidates cannot be told apart from it, and the same rule chose it in "
             "%zu of %zu training parts%s",
             STR_ARG(chosen->name), alike, v->candidates - 1, v->nested.times[v->chosen], parts,
             2 * v->nested.times[v->chosen] < parts ? ": the choice is largely arbitrary." : "."));
}

static void leaks(Page *p)
{
    const Run *run = p->run;
    const Audit *audit = run->audit;
    Arena *a = p->arena;
    Buffer b = buffer_new(a);
    if (audit == NULL) {
        buffer_add(&b, S("not looked for in this run."));
    } else {
        size_t overruled = 0;
        for (size_t i = 0; i < audit->kept_outs; i++)
            overruled += audit->kept_out[i].overruled.size > 0;
        if (audit->kept_outs == 0)
            buffer_add(&b, S("no feature of the model was found to know what it should not."));
        else
            buffer_format(&b,
                          "%zu features know what they should not: %zu were kept out, %zu left in "
                          "by the features book.",
                          audit->kept_outs, audit->kept_outs - overruled, overruled);
        if (findings_find(run->data->findings, "observation_leak") != NULL)
            buffer_add(&b, S(" When and how often a customer was observed tells the label, and is "
                             "kept from the model."));
        const Finding *strong = findings_find(run->data->findings, "strong_feature");
        if (strong != NULL)
            buffer_format(&b,
                          " %llu features tell much alone: check that each was known before the "
                          "label.",
                          (unsigned long long)strong->count);
        if (audit->control.shuffles > 0)
            buffer_format(&b, " The control on shuffled labels %s.",
                          audit->control.passed ? "passed" : "FAILED: rely on no figure here");
    }
    if (run->silence != NULL)
        buffer_format(&b,
                      " The silence test (does a score follow from how long somebody was "
                      "watched?) %s.",
                      run->silence->tested ? run->silence->passed ? "passed" : "FAILED"
                                           : "was not possible");
    item(p, "Leaks", buffer_str(&b));
}

static void silent_about(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    Buffer b = buffer_new(a);
    if (t->insufficient + t->scored_torn == 0 &&
        (run->strata == NULL || run->strata->uncovered == 0))
        return;
    buffer_format(&b, "%zu of the customers scored, whose data is too thin to judge",
                  t->insufficient);
    if (run->strata != NULL && run->strata->uncovered > 0)
        buffer_format(&b, "; %zu who are like no labelled customer", run->strata->uncovered);
    if (t->scored_torn > 0)
        buffer_format(&b, "; %zu with both labels, of whom nobody knows which holds",
                      t->scored_torn);
    buffer_add(&b, S(". A low score there is no clean bill."));
    item(p, "Nothing is known of", buffer_str(&b));
}

static void certified(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    if (run->thresholds == NULL)
        return;
    const ThresholdStratum *s = &run->thresholds->stratum[run->headline];
    const MetricCertificate *c = &s->certificate;
    Str precision = number_share(a, c->precision), confidence = number_share(a, c->confidence);
    if (c->selected > 0) {
        item(p, "Certified",
             str_format(a,
                        "yes, scores from %.3f on: at least %.*s of such customers are suspended, "
                        "at %.*s confidence. The list itself is not certified.",
                        c->threshold, STR_ARG(precision), STR_ARG(confidence)));
        return;
    }
    Str instead = S("Nothing else can be certified either.");
    if (s->levels_reached > 0) {
        const MetricCertificate *best = &s->level[s->levels_reached - 1];
        Str lower = number_share(a, best->precision);
        instead = str_format(a, "What can be: %.*s, for scores from %.3f on.", STR_ARG(lower),
                             best->first_threshold);
    }
    item(p, "Certified",
         str_format(a,
                    "no: that %.*s of a set of scores are right cannot be shown at %.*s "
                    "confidence. %.*s",
                    STR_ARG(precision), STR_ARG(confidence), STR_ARG(instead)));
}

static void segments(Page *p, const Tally *t)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    const Thresholds cut = policy_thresholds(run->policy);
    Str medium = number_share(a, cut.medium), high = number_share(a, cut.high);
    size_t thin = 0;
    for (size_t i = 0; i < run->scored->count; i++)
        thin += run->scored->outcome[i].insufficient_data &&
                run->scored->outcome[i].segment == SEGMENT_LOW;
    Buffer b = buffer_new(a);
    buffer_format(
        &b,
        "%zu customers are High (a score from %.*s on), %zu Medium (from %.*s on) and %zu "
        "Low",
        t->segment[SEGMENT_HIGH], STR_ARG(high), t->segment[SEGMENT_MEDIUM], STR_ARG(medium),
        t->segment[SEGMENT_LOW]);
    if (thin > 0)
        buffer_format(&b, ", %zu of these with too little data to judge", thin);
    buffer_add(&b, S("."));
    Str parts = run->training == NULL || run->validation == NULL ? S("") : segments_parted(p);
    if (parts.size > 0)
        buffer_format(&b, " %.*s", STR_ARG(parts));
    buffer_add(&b, S(" Part 3 says what each does."));
    item(p, "Segments", buffer_str(&b));
}

/* What the candidates have in common: "Kinds of evidence: pass_through with 13, balance with 10."
 */
static void listed_for(Page *p, Buffer *b)
{
    enum { KINDS_MAX = 32 };
    const Run *run = p->run;
    Arena *a = p->arena;
    Str kind[KINDS_MAX];
    size_t with[KINDS_MAX] = {0}, kinds = 0, documented = 0;
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < run->listeds; i++) {
        const Decision *d = &run->listed[i];
        documented += d->documented;
        low = d->probability < low ? d->probability : low;
        high = d->probability > high ? d->probability : high;
        for (size_t r = 0; r < d->reasons; r++) {
            const Reason *one = &d->reason[r];
            bool again = one->source != REASON_RULE;
            for (size_t k = 0; k < r && !again; k++)
                again = d->reason[k].source == REASON_RULE &&
                        str_equal(d->reason[k].family, one->family);
            size_t k = 0;
            while (!again && k < kinds && !str_equal(kind[k], one->family))
                k++;
            if (again || k == KINDS_MAX)
                continue;
            if (k == kinds)
                kind[kinds++] = one->family;
            with[k]++;
        }
    }
    if (run->candidates == 0 || run->listeds == 0)
        return;
    Str from = number_share(a, low), to = number_share(a, high);
    if (run->candidates > run->listeds)
        buffer_format(b, ", the first %zu", run->listeds);
    else
        buffer_add(b, S(","));
    buffer_format(b, " with scores from %.*s to %.*s", STR_ARG(from), STR_ARG(to));
    if (documented > 0)
        buffer_format(b, ", %zu of them on a documented fact", documented);
    for (size_t named = 0; named < kinds; named++) {
        size_t most = 0;
        for (size_t k = 1; k < kinds; k++)
            most = with[k] > with[most] ? k : most;
        if (with[most] == 0)
            break;
        buffer_format(b, "%s%.*s with %zu", named == 0 ? ". Kinds of evidence: " : ", ",
                      STR_ARG(kind[most]), with[most]);
        with[most] = 0;
    }
}

static void the_list(Page *p)
{
    const Run *run = p->run;
    const ListStability *stable = run->stability;
    Arena *a = p->arena;
    Buffer b = buffer_new(a);
    buffer_add(&b, number_plural(a, run->candidates, "customer is a candidate",
                                 "customers are candidates"));
    buffer_add(&b, S(" for off-boarding"));
    listed_for(p, &b);
    if (stable != NULL && stable->listed > 0)
        buffer_format(&b,
                      ". %zu of them are so again in all %zu runs that leave a fold of the "
                      "labelled customers out, %zu in all %zu with other seeds",
                      stable->kind[RERUN_FOLDS].always, stable->kind[RERUN_FOLDS].runs,
                      stable->kind[RERUN_SEEDS].always, stable->kind[RERUN_SEEDS].runs);
    buffer_add(&b, S(". These are proposals for people to decide."));
    item(p, "The list", buffer_str(&b));
}

static void lives_on(Page *p)
{
    const Importance *m = p->run->importance;
    Arena *a = p->arena;
    Buffer b = buffer_new(a);
    size_t named = 0;
    for (size_t i = 0; m != NULL && i < m->items && named < 2; i++) {
        const ImportanceItem *one = &m->item[i];
        if (one->of != IMPORTANCE_FAMILY || !(one->log_loss.value > 0))
            continue;
        Str fall = number_fixed(a, one->auc.value, 3);
        buffer_format(&b, "%s%.*s (shuffled, the AUC falls by %.*s)", named++ == 0 ? "" : " and ",
                      STR_ARG(one->name), STR_ARG(fall));
    }
    if (m == NULL)
        return;
    item(p, "What it lives on",
         named == 0 ? S("nothing that is felt when it is shuffled.")
                    : str_format(a, "above all %.*s.", STR_ARG(buffer_str(&b))));
}

static void groups(Page *p)
{
    const Fairness *f = p->run->fairness;
    Arena *a = p->arena;
    if (f == NULL || f->attributes == 0)
        return;
    size_t told = 0;
    for (size_t i = 0; i < f->proxies; i++)
        told += f->proxy[i].clear;
    item(p, "Groups on protected grounds",
         str_format(a,
                    "%zu of %zu comparisons differ beyond chance; %zu of %zu groups can be told "
                    "from the model\xE2\x80\x99s inputs. A difference is no proof of unfair "
                    "treatment, and none is no proof of fair treatment.",
                    f->clear, f->comparisons, told, f->proxies));
}

static void to_decide(Page *p, const Tally *t)
{
    const Findings *f = p->run->data->findings;
    size_t warnings = 0;
    for (size_t i = 0; i < f->count; i++)
        warnings += f->item[i].severity == SEVERITY_WARNING && finding_for_people(&f->item[i]);
    Str severe = number_plural(p->arena, t->severe, "severe finding", "severe findings");
    Str rest = number_plural(p->arena, warnings, "warning", "warnings");
    item(p, "People must decide",
         str_format(p->arena, "%.*s and %.*s; part 1 lists them first.", STR_ARG(severe),
                    STR_ARG(rest)));
}

void section_brief(Page *p)
{
    const Run *run = p->run;
    const Tally t = tally_run(run);
    bool judged = run->validation != NULL && run->training != NULL;
    html(p, "<section id=\"brief\" aria-labelledby=\"brief-h\">\n"
            "<h2 id=\"brief-h\">In short</h2>\n<ul class=\"limits\">\n");
    learnt(p);
    if (judged) {
        how_good(p);
        Str means = calibration_says(p);
        if (means.size > 0)
            item(p, "Does a score of 40 % mean 40 %?", means);
    }
    segments(p, &t);
    the_list(p);
    certified(p);
    if (judged)
        why_this(p);
    lives_on(p);
    leaks(p);
    silent_about(p, &t);
    groups(p);
    to_decide(p, &t);
    html(p, "</ul>\n</section>\n");
}
