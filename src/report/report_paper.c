/* report_paper.c - what the model card and the validation file say alike. */
#include "report/report_internal.h"

PaperKind paper_kind(const Run *run)
{
    return run->validation != NULL && run->training != NULL ? PAPER_LEARNT
           : run->judged != NULL && run->training != NULL   ? PAPER_JUDGED
                                                            : PAPER_RULES;
}

const char *paper_headline(Page *p)
{
    return p->run->training == NULL ? "(no slice)"
                                    : say_text(p, p->run->training->stratum[p->run->headline]);
}

size_t paper_findings(const Run *run, Severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < run->data->findings->count; i++)
        count += run->data->findings->item[i].severity == severity;
    return count;
}

/* ---- versions and hashes ---- */

static void identity_of_book(Page *p, const char *name, Str bytes)
{
    char hash[SHA256_TEXT];
    sha256_text(hash, bytes);
    markdown_pair(p, name, str_from(hash));
}

static Str model_says(Page *p)
{
    const Run *run = p->run;
    if (paper_kind(run) == PAPER_LEARNT) {
        const Candidate *c = &run->validation->candidate[run->validation->chosen];
        return str_format(p->arena, "%s: %s", say_text(p, c->name), say_text(p, c->says));
    }
    if (run->bundle != NULL && run->bundle->model != NULL && paper_kind(run) == PAPER_JUDGED)
        return model_kind_name(run->bundle->model);
    return run->training != NULL ? S("none: too few labelled customers of one kind to learn from")
                                 : S("as in the bundle");
}

void paper_identity(Page *p)
{
    const Run *run = p->run;
    const Bundle *b = run->bundle;
    Arena *a = p->arena;
    char time[TIME_TEXT];
    markdown_table(p, "What|Value");
    markdown_pair(p, "Model", model_says(p));
    markdown_pair(p, "Bundle",
                  b != NULL ? str_from(b->id)
                            : S("none: nothing was kept, the procedure was judged"));
    if (b != NULL) {
        markdown_pair(p, "Training data (SHA-256)", b->data_hash);
        markdown_pair(
            p, "Learnt from",
            str_format(a, "%zu customers, %zu of them suspended", b->customers, b->positives));
        markdown_pair(p, "Learnt as of", time_text(time, b->as_of_us));
        if (b->imported.size > 0)
            markdown_pair(p, "Trained elsewhere, file (SHA-256)", b->imported);
    }
    markdown_pair(p, "Data as of", time_text(time, run->data->as_of_us));
    markdown_pair(p, "assay", run->version);
    markdown_pair(p, "Seed", str_format(a, "%llu", (unsigned long long)run->seed));
    identity_of_book(p, "Schema book (SHA-256)", run->plan->schema->text);
    identity_of_book(p, "Features book (SHA-256)", run->plan->text);
    identity_of_book(p, "Policy book (SHA-256)", policy_text(run->policy));
    markdown_paragraph(p, "The command, as typed:");
    markdown_code(p, run->command);
}

/* ---- slices ---- */

static void figure(Page *p, const MetricSet *m, MetricKind kind)
{
    if (m->positives < FIGURE_CLASS_MIN || m->customers - m->positives < FIGURE_CLASS_MIN)
        markdown_cell(p, S("too few"));
    else
        markdown_cell(p, number_interval(p->arena, m->metric[kind], 3));
}

static const MetricKind shown[] = {METRIC_AUC,   METRIC_PR_AUC,    METRIC_LOG_LOSS,
                                   METRIC_BRIER, METRIC_PRECISION, METRIC_RECALL};

static void figures_begin(Page *p, bool full)
{
    markdown_table(p, full ? "Slice|>Customers|>Suspended|>ROC AUC|>PR AUC|>Log loss|>Brier score|"
                             ">Precision|>Recall"
                           : "Slice|>Customers|>Suspended|>ROC AUC|>PR AUC|>Precision|>Recall");
}

static void figures_row(Page *p, Str name, bool quoted, const MetricSet *m, bool full)
{
    markdown_row(p);
    markdown_say(p, "%s%s", say_text(p, name), quoted ? " (quoted)" : "");
    markdown_cell(p, number_count(p->arena, m->customers));
    markdown_cell(p, number_count(p->arena, m->positives));
    for (size_t k = 0; k < COUNT_OF(shown); k++)
        if (full || shown[k] == METRIC_AUC || shown[k] == METRIC_PR_AUC ||
            shown[k] == METRIC_PRECISION || shown[k] == METRIC_RECALL)
            figure(p, m, shown[k]);
    markdown_row_end(p);
}

void paper_strata(Page *p, bool full)
{
    const Run *run = p->run;
    const Strata *s = run->strata;
    PaperKind kind = paper_kind(run);
    if (kind == PAPER_RULES) {
        markdown_absent(p, "No figure was measured in this run.");
        return;
    }
    figures_begin(p, full);
    if (kind == PAPER_JUDGED)
        for (size_t k = 0; k < run->training->strata; k++)
            figures_row(p, run->training->stratum[k], false, &run->judged[k], full);
    else if (s != NULL)
        for (size_t i = 0; i < s->slices; i++)
            figures_row(p, s->slice[i].name, i == s->headline, s->slice[i].metric, full);
    else
        for (size_t k = 0; k < run->training->strata; k++)
            figures_row(p, run->training->stratum[k], k == run->headline,
                        &run->validation->candidate[run->validation->chosen].metric[k], full);
    if (kind == PAPER_LEARNT) {
        const Nested *n = &run->validation->nested;
        figures_row(
            p, str_format(p->arena, "%s, choice of the model included (nested)", paper_headline(p)),
            false, &n->metric[run->headline], full);
    }
    markdown_paragraph(p,
                       "In brackets 95 %% intervals. Precision and recall are those of the High "
                       "threshold, %s. \"Too few\": fewer than %d of either class.",
                       say_fixed(p, policy_thresholds(run->policy).high, 3), FIGURE_CLASS_MIN);
}

/* ---- what a score is ---- */

void paper_score_is(Page *p)
{
    const Run *run = p->run;
    const Tally t = tally_run(run);
    const char *share = say_share(p, t.positive + t.negative == 0
                                         ? MISSING_VALUE
                                         : (double)t.positive / (double)(t.positive + t.negative));
    if (paper_kind(run) == PAPER_RULES && run->training != NULL)
        markdown_paragraph(p, "Everyone has the same score, the share of suspended among the "
                              "labelled customers. It says nothing of a customer.");
    else if (store_prior_by_design(run))
        markdown_paragraph(p,
                           "A score is calibrated to the mix of the labelled customers (here %s "
                           "suspended), which counts as made by whoever drew the sample. It says "
                           "how a customer stands among customers like those, and is no "
                           "probability in the bank's population.",
                           share);
    else
        markdown_paragraph(p,
                           "A score is calibrated to the mix of the labelled customers (here %s "
                           "suspended), which is the bank's own by the schema book. Where or when "
                           "that share is another, the same score means something else.",
                           share);
}

/* ---- the guarantee ---- */

static void reached(Page *p, const MetricCertificate *c)
{
    markdown_paragraph(
        p,
        "Reached. Of the labelled customers of %s, the %zu with a probability of %s or more hold "
        "%zu who were not suspended: at %s confidence at least %s of such customers are "
        "suspended. Of the candidates of this run %zu have a score in that set.",
        paper_headline(p), c->selected, say_fixed(p, c->threshold, 3), c->errors,
        say_share(p, c->confidence), say_share(p, c->precision), tally_certified(p->run));
}

static void not_reached(Page *p, const ThresholdStratum *s)
{
    const MetricCertificate *c = &s->certificate;
    const char *precision = say_share(p, c->precision), *confidence = say_share(p, c->confidence);
    if (c->start == 0)
        markdown_paragraph(p,
                           "Not reached: a precision of %s at %s confidence cannot be shown by any "
                           "number of customers.",
                           precision, confidence);
    else if (c->first_selected == 0)
        markdown_paragraph(p,
                           "Not reached: a precision of %s at %s confidence needs a set of at "
                           "least %zu customers, and %s has %zu labelled ones in all.",
                           precision, confidence, c->start, paper_headline(p), c->customers);
    else
        markdown_paragraph(p,
                           "Not reached. Asked is a precision of %s at %s confidence. Of the %zu "
                           "labelled customers of %s with the highest probabilities, %zu were not "
                           "suspended, which shows only %s.",
                           precision, confidence, c->first_selected, paper_headline(p),
                           c->first_errors, say_share(p, c->first_low));
    if (s->levels_reached == 0) {
        markdown_paragraph(p, "Nothing less can be certified either, not even a precision of "
                              "50 %%: the list rests on its evidence, not on the score.");
        return;
    }
    const MetricCertificate *best = &s->level[s->levels_reached - 1];
    markdown_paragraph(p,
                       "What can be certified instead: a precision of %s, for the %zu customers "
                       "with a probability of %s or more (%zu of them not suspended). That is a "
                       "second test on the same labels after the first failed: the chance of "
                       "certifying wrongly is at most %s in each.",
                       say_share(p, best->precision), best->first_selected,
                       say_fixed(p, best->first_threshold, 3), best->first_errors,
                       say_share(p, 1 - best->confidence));
}

void paper_guarantee(Page *p)
{
    const Run *run = p->run;
    if (run->thresholds == NULL) {
        markdown_absent(p, "Whether a set of scores carries a guarantee was not tested in this "
                           "run: take it that none does.");
        return;
    }
    const ThresholdStratum *s = &run->thresholds->stratum[run->headline];
    if (headline_elsewhere(run))
        markdown_paragraph(p,
                           "The figure to quote is that of %s; what follows is for the mix of "
                           "labelled customers in %s, and nobody is marked as certified.",
                           say_text(p, headline_quoted(run).name),
                           say_text(p, run->training->stratum[run->headline]));
    if (s->certificate.selected > 0)
        reached(p, &s->certificate);
    else
        not_reached(p, s);
}

/* ---- groups ---- */

void paper_fairness(Page *p)
{
    const Fairness *f = p->run->fairness;
    if (f == NULL) {
        markdown_absent(p, "Groups on protected grounds were not compared in this run: nothing can "
                           "be said of how they fare.");
        return;
    }
    if (f->attributes == 0) {
        markdown_absent(p, "The schema book marks no column of the customers as protected: nothing "
                           "can be said of how groups fare.");
        return;
    }
    size_t clear = 0;
    for (size_t i = 0; i < f->proxies; i++)
        clear += f->proxy[i].clear;
    markdown_paragraph(
        p,
        "Columns marked as protected (%zu) are kept from the model and from rules, and used to "
        "compare groups alone. Of %zu comparisons with enough customers %zu ratios lie outside 0.8 "
        "to 1.25 with an interval that excludes 1 (about %s would by chance); %zu stand out even "
        "after correcting for their number.",
        f->attributes, f->comparisons, f->apart, say_fixed(p, 0.05 * (double)f->comparisons, 0),
        f->clear);
    if (f->proxies == 0)
        markdown_paragraph(p,
                           "Whether the inputs stand for a group was not tested: none has %d "
                           "customers and %d others.",
                           GROUP_JUDGED_MIN, GROUP_JUDGED_MIN);
    else
        markdown_paragraph(p,
                           "Of %zu groups tested, the model's inputs tell %zu from the other "
                           "customers with an AUC whose whole interval lies above %s.",
                           f->proxies, clear, say_fixed(p, f->proxy_mark, 2));
}

/* ---- controls ---- */

static void silence(Page *p, const Silence *s)
{
    char age[TIME_TEXT];
    Str cut = duration_text(age, s->age_us);
    if (!s->tested)
        markdown_item(p,
                      "Silence test: not possible, only %zu customers are older than %.*s. Nothing "
                      "is known of what the model makes of silence.%s",
                      s->customers, STR_ARG(cut),
                      s->passed ? ""
                                : " Its windows are longer than many customers were observed: do "
                                  "not use these results.");
    else
        markdown_item(p,
                      "Silence test: %s. With every history cut at the age of %.*s the "
                      "probabilities of %zu customers move by %s on average (limit %s), at most by "
                      "%s; rank correlation %s.",
                      s->passed ? "passed" : "FAILED", STR_ARG(cut), s->customers,
                      say_fixed(p, s->mean_change, 3), say_fixed(p, s->limit, 3),
                      say_fixed(p, s->max_change, 3), say_fixed(p, s->rank_correlation, 3));
}

void paper_controls(Page *p)
{
    const Audit *audit = p->run->audit;
    if (audit != NULL && audit->control.shuffles > 0)
        markdown_item(
            p,
            "Negative control: %s. On labels shuffled over customers, %zu times, "
            "search and fit of %s reach a mean AUC of %s; clean data stays between %s and "
            "%s. %s",
            control_verdict(&audit->control), audit->control.shuffles,
            say_text(p, audit->control.candidate), say_fixed(p, audit->control.mean, 3),
            say_fixed(p, audit->control.low, 3), say_fixed(p, audit->control.high, 3),
            say_text(p, control_sees(p->arena, &audit->control)));
    else
        markdown_item(p, "Negative control: absent, it was not run.");
    if (p->run->silence != NULL)
        silence(p, p->run->silence);
    else
        markdown_item(p, "Silence test: absent, it was not run.");
}

/* ---- for people to fill ---- */

void paper_sign_offs(Page *p, const char *const *role, size_t roles)
{
    markdown_table(p, "Role|Name|Decision and remarks|Date");
    for (size_t i = 0; i < roles; i++) {
        markdown_row(p);
        markdown_cell(p, str_from(role[i]));
        for (size_t k = 0; k < 3; k++)
            markdown_cell(p, S(""));
        markdown_row_end(p);
    }
}

/* ---- written ---- */

static const char *const papers[] = {"model-card.md", "validation.md"};

Status report_papers_write(const Run *run, const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status =
        file_write(path_join(&own, folder, papers[0]), report_model_card(&own, run), err);
    if (status == STATUS_OK)
        status = file_write(path_join(&own, folder, papers[1]), report_validation(&own, run), err);
    arena_free(&own);
    return status;
}

Status report_papers_remove(const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(papers) && status == STATUS_OK; i++)
        status = file_remove(path_join(&own, folder, papers[i]), err);
    arena_free(&own);
    return status;
}
