/* report_card.c - model-card.md: what the model is, for what, how far, and who answers for it. */
#include "report/report_internal.h"

static void what_it_is(Page *p)
{
    const Run *run = p->run;
    markdown_title(p, "#", "Model card");
    markdown_paragraph(p,
                       "%s Written from one run; validation.md beside it has the evidence, and "
                       "empty cells are for people to fill.",
                       paper_kind(run) == PAPER_RULES && run->training != NULL
                           ? "No model was made: rules alone decide, and what is said of scores "
                             "holds for none yet."
                           : "A model that orders customers by how much they resemble customers "
                             "whom people suspended before, so that people know where to look "
                             "first.");
    markdown_title(p, "##", "What it is");
    paper_identity(p);
    switch (paper_kind(run)) {
    case PAPER_LEARNT:
        markdown_paragraph(p, "Why this model:");
        markdown_sentences(p, run->validation->reason);
        break;
    case PAPER_JUDGED:
        markdown_absent(p, "Nothing was learnt in this run: a bundle was judged on labelled "
                           "customers. Why its model was chosen is in the papers of the run that "
                           "trained it.");
        break;
    default:
        markdown_absent(p, "No model was made in this run, and nothing was chosen%s.",
                        run->training != NULL ? ": what was decided rests on rules alone" : "");
    }
    markdown_belief(p, "The same files, books and seed give the same bytes, with any number of "
                       "threads; a hash above changes when what it names changes.");
}

static void uses(Page *p)
{
    markdown_title(p, "##", "Intended use");
    markdown_item(p, "Propose to analysts which customers to review, and in which order, with the "
                     "evidence behind each proposal.");
    markdown_item(p, "Support a decision that people take: an exit needs two of them, with notice "
                     "and the right to be heard.");
    markdown_item(p, "Customers of the bank whose files these are, scored with the bundle and the "
                     "books named above.");
    markdown_title(p, "##", "Not to be used for");
    markdown_item(p, "An automatic exit, restriction or refusal, or anything that nobody reviews.");
    markdown_item(p, "Customers of another bank, country or product, or of a later time without "
                     "a look at drift and at figures on new labelled customers.");
    if (store_prior_by_design(p->run))
        markdown_item(p, "A statement of how likely a customer of the bank is to be risky: the "
                         "score belongs to the labelled sample.");
    else
        markdown_item(p, "A statement of how likely a customer is to be risky where suspensions "
                         "are rarer or more frequent than here.");
    markdown_item(p, "Proof of anything about a person, or wording for a letter to one.");
    markdown_belief(p, "What a model may be used for is decided by people; this list is where "
                       "they start, and the sign-off at the end is where they agree.");
}

static void data_and_labels(Page *p)
{
    const Run *run = p->run;
    const Tally t = tally_run(run);
    markdown_title(p, "##", "Data and labels");
    markdown_paragraph(
        p,
        "%s labelled customers, %s of them suspended, %s not. Not learnt from: %s who "
        "carry both labels, and %s who carry none. %s customers were there to be "
        "scored. %s rows were read: %s used, %s merged, %s set aside.",
        say_count(p, t.labelled), say_count(p, t.positive), say_count(p, t.negative),
        say_count(p, t.contradictory), say_count(p, t.unlabelled), say_count(p, t.to_score),
        say_count(p, t.rows), say_count(p, t.used), say_count(p, t.merged),
        say_count(p, t.quarantined));
    markdown_paragraph(p,
                       "The label is a past decision of people%s. Customers whom nobody looked at "
                       "count as not suspended.",
                       run->data->outcome_us != NULL ? ", dated by the files: histories were cut "
                                                       "at that date"
                                                     : ", without a date in the files");
    markdown_belief(p, "The model learns whom the bank suspended, which is not the same as who was "
                       "risky.");
}

static void populations(Page *p)
{
    const Run *run = p->run;
    const Strata *s = run->strata;
    markdown_title(p, "##", "Populations");
    if (s == NULL) {
        markdown_absent(p, "Slices of customers were not set side by side in this run%s.",
                        run->training != NULL && run->judged != NULL
                            ? "; the figures below name those of the bundle's book"
                            : "");
        markdown_belief(p, "Without slices nobody can say for whom a figure holds.");
        return;
    }
    markdown_table(p, "Slice|Who|>Labelled|>Suspended|>To be scored");
    for (size_t i = 0; i < s->slices; i++) {
        const StrataSlice *one = &s->slice[i];
        markdown_row(p);
        markdown_cell(p, one->name);
        markdown_cell(p, str_equal(one->condition, S("true")) ? S("everybody labelled")
                                                              : one->condition);
        markdown_cell(p, number_count(p->arena, one->customers));
        markdown_cell(p, number_count(p->arena, one->positives));
        markdown_cell(p,
                      s->scored == 0 ? S("none were given") : number_count(p->arena, one->scored));
        markdown_row_end(p);
    }
    if (s->unseen.size > 0)
        markdown_sentences(p, s->unseen);
    markdown_belief(p, "A figure holds for customers like those of its slice and for no others.");
}

static void figures(Page *p)
{
    const Run *run = p->run;
    markdown_title(p, "##", "Figures");
    if (paper_kind(run) == PAPER_LEARNT) {
        const Quoted q = headline_quoted(run);
        if (q.told)
            markdown_paragraph(p,
                               "To quote: an AUC of %s on %s, out of fold (%zu customers, %zu "
                               "suspended).",
                               say_interval(p, q.metric->metric[METRIC_AUC], 3),
                               say_text(p, q.name), q.metric->customers, q.metric->positives);
        else
            markdown_paragraph(p, "There is no figure to quote. %s: %s", say_text(p, q.name),
                               say_text(p, q.says));
        if (run->strata != NULL)
            markdown_sentences(p, run->strata->reason);
    } else if (paper_kind(run) == PAPER_JUDGED) {
        markdown_paragraph(p, "Of the bundle, on labelled customers given to this run.");
        markdown_paragraph(p, "A bundle holds no customer: on customers that it learnt from the "
                              "figures are better than it is, and that cannot be seen unless they "
                              "are all of them.");
        if (findings_find(run->data->findings, "same_customers") != NULL)
            markdown_paragraph(p, "These are the very customers that the bundle learnt from: the "
                                  "figures are better than it is.");
    }
    paper_strata(p, false);
    if (paper_kind(run) == PAPER_LEARNT && run->strata != NULL && run->strata->no_estimate.size > 0)
        markdown_paragraph(p, "No reweighted estimate. %s", say_text(p, run->strata->no_estimate));
    if (run->forward != NULL)
        markdown_paragraph(p,
                           "Judged forward in time the AUC is %s, where cross-validation gives %s "
                           "for the same customers. %s",
                           say_interval(p, run->forward->auc, 3),
                           say_interval(p, run->forward->cross_validated, 3),
                           run->forward->worse ? "Expect the lower figure next month."
                                               : "The difference can be chance.");
    if (paper_kind(run) == PAPER_LEARNT)
        markdown_belief(p, "Every figure is of customers whom the model that judged them had not "
                           "seen. The nested row includes the choice of the model: where it is "
                           "lower, believe it.");
    else if (paper_kind(run) == PAPER_JUDGED)
        markdown_belief(p, "The figures are as good as these customers are new to the bundle and "
                           "like those to come.");
    else
        markdown_belief(p, "Without figures nothing may be claimed of how good the scores are.");
}

static void calibration(Page *p)
{
    const Run *run = p->run;
    markdown_title(p, "##", "What a score is");
    paper_score_is(p);
    if (run->calibration == NULL || run->training == NULL) {
        markdown_absent(p, "Calibration was not checked in this run.");
        markdown_belief(p, "Unchecked scores are at most an order, not probabilities.");
        return;
    }
    const CalibrationCheck *c = &run->calibration[run->headline];
    markdown_paragraph(p,
                       "On %s the calibration slope is %s (1 is right; below, scores are too "
                       "extreme), the level in the large %s (0 is right; below, scores are too "
                       "high). The calibration error is %s, where a perfectly calibrated model "
                       "would show %s by chance (95 %%: up to %s).",
                       paper_headline(p), say_interval(p, c->recalibration.slope, 2),
                       say_interval(p, c->recalibration.large, 2), say_fixed(p, c->ece.seen, 3),
                       say_fixed(p, c->ece.mean, 3), say_fixed(p, c->ece.high, 3));
    markdown_belief(p, "%s",
                    c->ece.seen > c->ece.high
                        ? "The error is more than chance explains: read scores of this slice as a "
                          "ranking, not as probabilities."
                        : "An error within what chance gives is no proof of calibration: with so "
                          "few customers a moderate error could not be told.");
}

static void thresholds(Page *p)
{
    const Thresholds t = policy_thresholds(p->run->policy);
    const Tally n = tally_run(p->run);
    markdown_title(p, "##", "Thresholds and guarantee");
    markdown_paragraph(p,
                       "From the costs in the policy book: Medium from %s, High from %s; a score "
                       "counts towards off-boarding from %s, never alone.",
                       say_fixed(p, t.medium, 3), say_fixed(p, t.high, 3),
                       say_fixed(p, t.offboarding, 3));
    if (p->run->scored != NULL && p->run->judged == NULL)
        markdown_paragraph(p,
                           "Of the customers scored, %s are Low, %s Medium and %s High; for %s "
                           "there is too little behaviour to judge. %s are proposed for "
                           "off-boarding.",
                           say_count(p, n.segment[SEGMENT_LOW]),
                           say_count(p, n.segment[SEGMENT_MEDIUM]),
                           say_count(p, n.segment[SEGMENT_HIGH]), say_count(p, n.insufficient),
                           say_count(p, p->run->candidates));
    else
        markdown_absent(p, "No customers were scored in this run.");
    paper_guarantee(p);
    markdown_belief(p, "A guarantee is about scores of customers like the labelled ones, not about "
                       "the list, which rules and safeguards shape too; confirm it on reviewed "
                       "cases.");
}

static void fairness(Page *p)
{
    markdown_title(p, "##", "Fairness");
    paper_fairness(p);
    markdown_belief(p, "A difference between groups is no proof of unfair treatment, and none is "
                       "no proof of fair treatment: the labels are decisions of people.");
}

static void kept_out(Page *p, const Audit *a)
{
    if (a->kept_outs == 0)
        markdown_item(p, "Kept from the model by the audit: nothing.");
    for (size_t i = 0; i < a->kept_outs; i++) {
        const KeptOut *k = &a->kept_out[i];
        if (k->overruled.size == 0)
            markdown_item(p, "Kept from the model: %s; %s.", say_text(p, k->name),
                          say_text(p, k->why));
        else
            markdown_item(p,
                          "Left in the model though it leaks: %s; %s. The features book says: "
                          "%s",
                          say_text(p, k->name), say_text(p, k->why), say_text(p, k->overruled));
    }
    if (a->adversary.labelled > 0)
        markdown_item(p,
                      "Labelled customers and those to be scored are told apart by the model's "
                      "inputs with an AUC of %s (0.5: they look alike).",
                      say_interval(p, a->adversary.auc, 3));
}

static void leakage(Page *p)
{
    const Findings *f = p->run->data->findings;
    markdown_title(p, "##", "Leakage: what was found and done");
    paper_controls(p);
    if (p->run->audit == NULL)
        markdown_absent(p, "Columns were not tried against the label in this run.");
    else
        kept_out(p, p->run->audit);
    for (size_t i = 0; i < f->count; i++)
        if (f->item[i].severity == SEVERITY_SEVERE)
            markdown_item(p, "Severe: %s. Done: %s.", say_text(p, f->item[i].what),
                          say_text(p, f->item[i].done));
    if (paper_findings(p->run, SEVERITY_SEVERE) == 0)
        markdown_item(p, "No severe finding, of leakage or of the data.");
    markdown_belief(p, "Both controls can show that something leaks, and neither that nothing "
                       "does; all findings are in validation.md.");
}

static void limits(Page *p)
{
    const Run *run = p->run;
    const Tally t = tally_run(run);
    markdown_title(p, "##", "Limits that this run found");
    size_t before = p->out.size;
    if (paper_kind(run) == PAPER_LEARNT) {
        const Quoted q = headline_quoted(run);
        Interval auc = q.metric->metric[METRIC_AUC];
        markdown_item(p,
                      "The headline rests on %zu customers, %zu of them suspended; its interval is "
                      "%s wide. Smaller differences cannot be told, between models or over time.",
                      q.metric->customers, q.metric->positives,
                      say_fixed(p, auc.high - auc.low, 2));
    }
    if (run->strata != NULL && run->strata->uncovered > 0)
        markdown_item(p,
                      "%s of the customers to be scored are like no labelled customer in what was "
                      "compared: nothing is known of how well they are judged.",
                      say_count(p, run->strata->uncovered));
    if (run->calibration != NULL && run->training != NULL &&
        run->calibration[run->headline].ece.seen > run->calibration[run->headline].ece.high)
        markdown_item(p,
                      "On %s scores are off by more than chance explains: they rank there, and "
                      "are no probabilities.",
                      paper_headline(p));
    if (run->forward != NULL && run->forward->worse)
        markdown_item(p, "Time makes it worse than cross-validation promises.");
    if (t.contradictory > 0)
        markdown_item(
            p, "%s carry both labels: whoever labelled was not always sure.",
            say_text(p, number_plural(p->arena, t.contradictory, "customer", "customers")));
    if (t.insufficient > 0 && run->judged == NULL)
        markdown_item(
            p, "For %s scored the data is too thin to judge.",
            say_text(p, number_plural(p->arena, t.insufficient, "customer", "customers")));
    if (run->data->dropped_count > 0)
        markdown_item(p, "%s in only one of the two cohorts' files and kept from the model.",
                      say_text(p, number_plural(p->arena, run->data->dropped_count, "column is",
                                                "columns are")));
    if (run->stability != NULL && run->stability->listed > 0)
        markdown_item(p, "Of %zu candidates %zu are on the list again with every fold left out.",
                      run->stability->listed, run->stability->kind[RERUN_FOLDS].always);
    if (p->out.size == before)
        markdown_paragraph(p, "None beyond those that hold for every run:");
    markdown_item(p, "The model sees early behaviour: whoever turns risky later is for rules and "
                     "monitoring.");
    markdown_item(p, "Rules were written, not learnt: how often one is right was not measured.");
    markdown_belief(p, "These are the limits that the program can see; validation.md has a table "
                       "for those that people find.");
}

static void monitoring(Page *p)
{
    const Drift *d = p->run->drift;
    markdown_title(p, "##", "Monitoring and going back");
    markdown_item(p,
                  "Each month, assay score --bundle says what has drifted since training: files, "
                  "values, features, score and segments (docs/months.md).");
    markdown_item(p, "When new labels are in, assay evaluate --bundle gives the bundle's figures "
                     "on customers it had not seen.");
    markdown_item(p, "A challenger is set beside this bundle with assay compare before it takes "
                     "over.");
    markdown_item(p, "Going back: bundles are folders that nothing changes. Keep the one before "
                     "and score with it; assay verify says whether it is whole, and its id whether "
                     "it is the one meant.");
    if (d == NULL)
        markdown_absent(p, "Drift was not measured in this run: it trained the bundle, or none was "
                           "opened.");
    else {
        size_t act = 0, watch = 0;
        for (size_t i = 0; i < d->count; i++) {
            act += d->item[i].verdict == DRIFT_ACT;
            watch += d->item[i].verdict == DRIFT_WATCH;
        }
        markdown_paragraph(p,
                           "In this run, of %zu distributions %zu have drifted enough to act "
                           "and %zu to watch.",
                           d->count, act, watch);
    }
    markdown_belief(p, "Drift says that customers look different, not that the model is wrong; "
                       "only new labels say that.");
}

Str report_model_card(Arena *keep, const Run *run)
{
    static const char *const role[] = {"Owner (contact)", "Validator", "Compliance",
                                       "Data protection"};
    Arena own = arena_new(), spare = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(keep), .run = run};
    what_it_is(&p);
    uses(&p);
    data_and_labels(&p);
    populations(&p);
    figures(&p);
    calibration(&p);
    thresholds(&p);
    fairness(&p);
    leakage(&p);
    limits(&p);
    monitoring(&p);
    markdown_title(&p, "##", "Contact and sign-off");
    paper_sign_offs(&p, role, COUNT_OF(role));
    arena_free(&spare);
    arena_free(&own);
    return buffer_str(&p.out);
}
