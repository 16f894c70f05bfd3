/* report_limits.c - what should make the reader doubt. */
#include "report/report_internal.h"

#include <math.h>

static void item(Page *p, const char *title, Str text)
{
    html(p, "<li><b>");
    html(p, title);
    html(p, "</b> ");
    html_text(p, text);
    html(p, "</li>\n");
}

static void about_labels(Page *p, const Tally *t)
{
    Arena *a = p->arena;
    item(p, "Labels are past decisions.",
         str_format(a,
                    "Suspension was decided by people%s. Customers whom nobody looked at count as "
                    "not suspended, so the model learns whom the bank suspended, which is not the "
                    "same as who was risky.",
                    p->run->data->outcome_us == NULL ? ", without a date in the files" : ""));
    if (t->positive + t->negative > 0) {
        Str share = number_share(a, (double)t->positive / (double)(t->positive + t->negative));
        if (store_prior_by_design(p->run))
            item(p, "A score is not a population probability.",
                 str_format(a,
                            "%.*s of the labelled customers were suspended because the sample was "
                            "drawn so, or because so many were: the files do not say which. "
                            "Probabilities are calibrated to this mix; where suspensions "
                            "are rarer, the same score means less.",
                            STR_ARG(share)));
        else
            item(p, "A score is a probability for customers like these.",
                 str_format(a,
                            "%.*s of the labelled customers were suspended, and the schema book "
                            "says that this is the bank's own share. Where or when it is another, "
                            "the same score means something else.",
                            STR_ARG(share)));
    }
    if (t->contradictory > 0) {
        Str count = number_plural(a, t->contradictory, "customer carries", "customers carry");
        item(p, "Labels contradict each other.",
             str_format(a, "%.*s both labels: whoever labelled was not always sure.",
                        STR_ARG(count)));
    }
}

static void about_model(Page *p)
{
    const Run *run = p->run;
    Arena *a = p->arena;
    if (run->validation == NULL)
        return;
    const MetricSet *m = &run->validation->candidate[run->validation->chosen].metric[run->headline];
    Str name = run->training->stratum[run->headline];
    Interval auc = m->metric[METRIC_AUC];
    Str width = number_fixed(a, auc.high - auc.low, 2);
    item(
        p, "What the headline rests on.",
        str_format(a,
                   "The headline rests on %zu customers, %zu of them suspended; its 95 %% interval "
                   "is %.*s wide. Differences much smaller than that cannot be told apart here, "
                   "between models or between features.",
                   m->customers, m->positives, STR_ARG(width)));
    size_t inside = 0, suspended = 0;
    double mean = 0;
    Arena own = arena_new();
    const double *p_mean = store_out_of_fold(&own, run);
    for (size_t i = 0; i < run->training->x->rows; i++)
        if (run->training->in_stratum[run->headline][i]) {
            inside++;
            suspended += run->training->label[i];
            mean += p_mean[i];
        }
    arena_free(&own);
    if (inside > 0 && fabs(mean - (double)suspended) > 0.1 * (double)inside) {
        Str said = number_share(a, mean / (double)inside);
        Str was = number_share(a, (double)suspended / (double)inside);
        item(p, "Probabilities are off where it matters most.",
             str_format(
                 a,
                 "On %.*s the mean probability is %.*s and %.*s were suspended: the "
                 "probabilities fit the labelled customers as a whole, and are too %s for this "
                 "slice. Read them as a ranking there.",
                 STR_ARG(name), STR_ARG(said), STR_ARG(was),
                 mean < (double)suspended ? "low" : "high"));
    }
    if (run->headline != 0) {
        Str first = run->training->stratum[0];
        Str easier = number_fixed(
            a,
            run->validation->candidate[run->validation->chosen].metric[0].metric[METRIC_AUC].value,
            3);
        Str harder = number_fixed(a, auc.value, 3);
        item(
            p, "Some customers are easy.",
            str_format(a,
                       "On %.*s the AUC is %.*s, on %.*s %.*s. The difference comes from customers "
                       "unlike most of those to be scored.",
                       STR_ARG(first), STR_ARG(easier), STR_ARG(name), STR_ARG(harder)));
    }
}

static void about_audit(Page *p)
{
    const Audit *audit = p->run->audit;
    const Silence *s = p->run->silence;
    Arena *a = p->arena;
    if (audit != NULL && audit->control.shuffles > 0 && !audit->control.passed)
        item(p, "The negative control failed.",
             S("Shuffled labels were still predicted. No figure here should be relied upon."));
    if (s != NULL && !s->tested && !s->passed)
        item(p, "The silence test was not possible.",
             S("The model's windows are longer than many customers were observed: it can see who "
               "joined early."));
    if (s != NULL && s->tested && !s->passed)
        item(p, "The silence test failed.",
             S("Scores move when histories are cut at a common age: the model leans on how long an "
               "account was watched."));
    size_t left = 0, drifted = 0, kept = audit == NULL ? 0 : audit->kept_outs;
    left = count_overruled(audit);
    for (size_t i = 0; audit != NULL && i < audit->probes; i++) {
        const Probe *probe = &audit->probe[i];
        drifted += probe->stability.psi > 0.25 && probe->stability.psi > probe->psi_limit;
    }
    if (kept > 0) {
        Str count = number_plural(a, kept, "feature knows", "features know");
        Str in = left == 0
                     ? S("All were kept out of it, yet traces of the same cause may remain in "
                         "what it sees.")
                     : str_format(a,
                                  "The features book left %zu of them in it: what they are "
                                  "worth is not evidence before someone has checked why.",
                                  left);
        item(p, "The files know too much.",
             str_format(a, "%.*s the outcome or what followed it%s. %.*s", STR_ARG(count),
                        left == 0 ? " (kept from the model)" : "", STR_ARG(in)));
    }
    if (drifted > 0) {
        Str count = number_plural(a, drifted, "column differs", "columns differ");
        item(p, "The customers to be scored are others.",
             str_format(a, "%.*s between the cohorts by more than chance and a PSI of 0.25 allow.",
                        STR_ARG(count)));
    }
}

/* What the chosen model, its probabilities and its list owe to luck. */
static void about_luck(Page *p)
{
    const Run *run = p->run;
    const Validation *v = run->validation;
    const ListStability *s = run->stability;
    Arena *a = p->arena;
    if (v != NULL) {
        size_t parts = 0, alike = 0;
        for (size_t k = 0; k < v->candidates; k++) {
            parts += v->nested.times[k];
            alike += k != v->chosen &&
                     v->candidate[k].against_chosen[v->criterion].verdict == VERDICT_SAME;
        }
        if (alike > 0 || 2 * v->nested.times[v->chosen] < parts)
            item(p, "Another model might have been chosen.",
                 str_format(a,
                            "%zu of %zu other candidates cannot be told apart from the chosen one "
                            "on these customers, and the same rule chose it in %zu of %zu training "
                            "parts.",
                            alike, v->candidates - 1, v->nested.times[v->chosen], parts));
        Interval own = v->candidate[v->chosen].metric[run->headline].metric[METRIC_AUC];
        Interval nested = v->nested.metric[run->headline].metric[METRIC_AUC];
        if (isfinite(nested.value) && nested.value < own.value) {
            Str flattered = number_fixed(a, own.value, 3),
                honest = number_fixed(a, nested.value, 3);
            item(p, "Choosing flatters.",
                 str_format(a,
                            "The AUC of the chosen model, %.*s, is the one it was chosen by; with "
                            "the choice made anew inside each training part it is %.*s.",
                            STR_ARG(flattered), STR_ARG(honest)));
        }
    }
    if (s != NULL && s->listed > s->kind[RERUN_FOLDS].always)
        item(p, "Part of the list is luck of the sample.",
             str_format(a,
                        "%zu of %zu candidates are missing from the list of at least one of %zu "
                        "runs that learnt without a fold of the labelled customers.",
                        s->listed - s->kind[RERUN_FOLDS].always, s->listed,
                        s->kind[RERUN_FOLDS].runs));
    const Thresholds cut = policy_thresholds(run->policy);
    size_t below = 0;
    for (size_t i = 0; i < run->listeds; i++)
        below += !run->listed[i].documented && run->listed[i].probability < cut.offboarding;
    if (run->candidates > 0 && below > 0) {
        Str mark = number_fixed(a, cut.offboarding, 2);
        item(
            p, "Most of the weight is on the rules.",
            str_format(a,
                       "%zu of %zu candidates score below %.*s, from where on a score alone would "
                       "pay for an exit by the costs of the policy book. They are proposed because "
                       "rules agree, and how often these rules are right was not measured.",
                       below, run->listeds, STR_ARG(mark)));
    }
    if (run->thresholds != NULL && run->candidates > 0 && tally_certified(run) == 0)
        item(p, "Nothing on the list is statistically certified.",
             S("The labelled customers are too few, or the scores part them too little, for the "
               "guarantee that the policy book asks for. Part 4 says what can be guaranteed."));
    if (run->forward != NULL && run->forward->worse) {
        Str there = number_interval(a, run->forward->auc, 3);
        Str here = number_interval(a, run->forward->cross_validated, 3);
        item(p, "Next month may be worse.",
             str_format(a,
                        "Trained on the past and judged on what came later, the AUC is %.*s where "
                        "cross-validation gives %.*s.",
                        STR_ARG(there), STR_ARG(here)));
    }
}

/* Groups that fare otherwise, and inputs that stand for them. */
static void about_groups(Page *p)
{
    const Fairness *f = p->run->fairness;
    size_t told = 0;
    if (f == NULL || f->attributes == 0)
        return;
    for (size_t i = 0; i < f->proxies; i++)
        told += f->proxy[i].clear;
    if (f->clear + told > 0)
        item(
            p, "Groups on protected grounds fare differently.",
            str_format(p->arena,
                       "%zu of %zu comparisons differ beyond chance, and %zu of %zu groups can be "
                       "told from the model\xE2\x80\x99s inputs. Whether that lies in conduct, in "
                       "past decisions or in whom the bank looked at, these files cannot say: have "
                       "it reviewed before the list is used.",
                       f->clear, f->comparisons, told, f->proxies));
}

static void about_data(Page *p, const Tally *t)
{
    const Dataset *d = p->run->data;
    Arena *a = p->arena;
    if (t->insufficient > 0) {
        Str count = number_plural(a, t->insufficient, "customer", "customers");
        item(p, "Some scores say little.",
             str_format(a, "For %.*s there is too little behaviour to judge (INSUFFICIENT_DATA).",
                        STR_ARG(count)));
    }
    if (t->quarantined > 0) {
        Str count = number_plural(a, t->quarantined, "row was", "rows were");
        item(p, "Some rows were not used.",
             str_format(a, "%.*s set aside; a customer's picture may lack them (quarantine.csv).",
                        STR_ARG(count)));
    }
    if (d->dropped_count > 0) {
        Str count = number_plural(a, d->dropped_count, "column is", "columns are");
        item(p, "Some columns were not used.",
             str_format(a, "%.*s absent from the files to be scored and kept from the model.",
                        STR_ARG(count)));
    }
    for (size_t i = 0, shown = 0; i < d->findings->count && shown < 12; i++) {
        const Finding *f = &d->findings->item[i];
        if (f->severity != SEVERITY_SEVERE)
            continue;
        item(p, "Severe finding.",
             str_format(a, "%.*s: %.*s.", STR_ARG(f->what), STR_ARG(f->done)));
        shown++;
    }
}

static bool is_in(const Str *names, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

/* Does a feature read this column of the customer, itself or through others? One of the
 * transactions may have the same name. */
static bool reads_profile(const Plan *plan, const Feature *f, Str column)
{
    size_t count;
    const Str *names = lang_names(f->expr, &count);
    const Population *of = lang_population(f->expr);
    if (is_in(names, count, column) ||
        (of != NULL && (str_equal(of->value, column) || str_equal(of->group, column))))
        return true;
    for (size_t i = 0; i < f->earlier_count; i++)
        if (reads_profile(plan, &plan->feature[f->earlier[i]], column))
            return true;
    return false;
}

static bool model_reads(const Run *run, Str column)
{
    const uint8_t *skip = run->bundle->skip;
    for (size_t i = 0; i < run->plan->features; i++) {
        const Feature *f = &run->plan->feature[i];
        bool in_model = f->use == USE_MODEL && (skip == NULL || !skip[i]);
        if (in_model && reads_profile(run->plan, f, column))
            return true;
    }
    return false;
}

/* Names one after the other, each escaped and cut on its own. */
static void add_name(Page *p, size_t already, Str name)
{
    html(p, already == 0 ? "" : ", ");
    html_text(p, name);
}

/* The columns that the book marks, ground by ground. False when there are none. */
static bool list_grounds(Page *p, const BookRecords *of[2])
{
    size_t most = of[0]->count + of[1]->count, grounds = 0;
    Str *ground = ARENA_ARRAY(p->arena, Str, most + 1);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < of[k]->count; i++) {
            Str name = ((const SchemaColumn *)of[k]->item)[i].protected.text;
            if (name.size > 0 && !is_in(ground, grounds, name))
                ground[grounds++] = name;
        }
    for (size_t g = 0; g < grounds; g++) {
        size_t shown = 0;
        html(p, g == 0 ? "The schema book marks columns as standing for a protected ground, and "
                         "neither the model nor a rule reads them: "
                       : "; ");
        html_text(p, ground[g]);
        html(p, " (");
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < of[k]->count; i++) {
                const SchemaColumn *c = &((const SchemaColumn *)of[k]->item)[i];
                if (str_equal(c->protected.text, ground[g]))
                    add_name(p, shown++, c->name.text);
            }
        html(p, ")");
    }
    return grounds > 0;
}

static void about_grounds(Page *p)
{
    const Schema *s = p->run->plan->schema;
    const BookRecords *of[2] = {&s->customers.columns, &s->transactions.columns};
    html(p, "<li><b>Protected grounds.</b> ");
    if (!list_grounds(p, of))
        html(p, "The schema book marks no column as standing for a protected ground: none was "
                "kept from the model for that");
    html(p, ". Features may still stand in for a ground: part 2 says which groups the model's "
            "inputs tell, where that could be tested.</li>\n<li><b>What the model reads of the "
            "customer.</b> ");
    size_t shown = 0;
    for (size_t i = 0; i < of[0]->count; i++) {
        Str name = ((const SchemaColumn *)of[0]->item)[i].name.text;
        if (!model_reads(p->run, name))
            continue;
        html(p, shown == 0 ? "Of the columns of the customers' files the model reads " : "");
        add_name(p, shown++, name);
    }
    if (shown == 0)
        html(p, "The model reads no column of the customers' files, only what they did.</li>\n");
    else
        html(p, ". Does any of them stand for a protected ground (gender, age, residence, "
                "nationality, language, ethnicity, religion, health, family ...)? Then mark it "
                "<code>protected:</code> in the schema book and train again.</li>\n");
}

void section_limits(Page *p)
{
    const Tally t = tally_run(p->run);
    html(p, "<section id=\"limits\" aria-labelledby=\"limits-h\">\n"
            "<h2 id=\"limits-h\">5 Assumptions and limitations</h2>\n<ul class=\"limits\">\n");
    about_labels(p, &t);
    about_model(p);
    about_luck(p);
    about_audit(p);
    about_data(p, &t);
    about_groups(p);
    item(
        p, "Rules were written, not learnt.",
        S("How often a rule is right was not measured in this run; its sentence says what was seen "
          "and what else it may mean."));
    item(p, "Early behaviour only.",
         S("The model sees fixed early windows and ratios, so that it cannot see the silence after "
           "a "
           "suspension. A customer who turns risky later is for the rules and for monitoring."));
    about_grounds(p);
    item(p, "People decide.",
         S("An exit is the decision of two people, with notice and the right to be heard. The "
           "program proposes at most."));
    html(p, "</ul>\n</section>\n");
}
