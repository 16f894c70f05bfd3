/* report_validation_model.c - the middle of validation.md: how the model was chosen, what
 * its scores are worth and what it lives on. */
#include "report/report_internal.h"

enum { ITEMS_SHOWN = 10 };

static const char *const measure[CRITERIA] = {"log loss", "Brier score", "AUC",
                                              "average precision"};

/* ---- candidates ---- */

static const char *told(const Comparison *c)
{
    return c->verdict == VERDICT_BETTER  ? "better"
           : c->verdict == VERDICT_WORSE ? "worse"
                                         : "cannot be told apart";
}

static void candidate_table(Page *p)
{
    const Run *run = p->run;
    const Validation *v = run->validation;
    markdown_paragraph(p,
                       "Simplest first. Differences are to the chosen one, on the same customers "
                       "drawn again, with 95 %% intervals.");
    markdown_table(
        p, str_chars(p->arena, str_format(p->arena,
                                          "Candidate|Settings|>Log loss|>ROC AUC, %s|>Difference "
                                          "in %s|By that",
                                          paper_headline(p), measure[v->criterion])));
    for (size_t i = 0; i < v->candidates; i++) {
        const Candidate *c = &v->candidate[i];
        markdown_row(p);
        markdown_say(p, "%s%s", say_text(p, c->name), i == v->chosen ? " (chosen)" : "");
        markdown_cell(p, c->says);
        markdown_say(p, "%s \xC2\xB1 %s", say_fixed(p, c->log_loss, 4),
                     say_fixed(p, c->log_loss_error, 4));
        markdown_cell(p, number_interval(p->arena, c->metric[run->headline].metric[METRIC_AUC], 3));
        if (i == v->chosen || c->against_chosen == NULL) {
            markdown_cell(p, S(""));
            markdown_cell(p, S(""));
        } else {
            const Comparison *against = &c->against_chosen[v->criterion];
            markdown_cell(p, number_change(p->arena, against->difference, 4));
            markdown_cell(p, str_from(told(against)));
        }
        markdown_row_end(p);
    }
}

static void search_space(Page *p)
{
    const Validation *v = p->run->validation;
    const SearchBudget *b = &v->budget;
    size_t dimensions = 0;
    for (size_t i = 0; i < v->candidates; i++)
        dimensions += v->candidate[i].dimensions;
    markdown_paragraph(p,
                       "Settings were searched for %zu candidates in each of %zu training parts "
                       "(all customers among them), %zu settings each, the default first and the "
                       "others drawn at random, in %zu rungs of successive halving. %s inner fits "
                       "were planned and %s made; trials.csv has every trial.",
                       b->searched, b->parts, b->trials, b->rungs, say_count(p, b->fits),
                       say_count(p, b->made));
    if (dimensions == 0) {
        markdown_absent(p, "No candidate has a setting to search for.");
        return;
    }
    markdown_table(p, "Candidate|Setting|>Default|>From|>To|Drawn");
    for (size_t i = 0; i < v->candidates; i++)
        for (size_t k = 0; k < v->candidate[i].dimensions; k++) {
            const Dimension *d = &v->candidate[i].dimension[k];
            markdown_row(p);
            markdown_cell(p, v->candidate[i].name);
            markdown_cell(p, str_from(d->name));
            markdown_say(p, "%.4g", d->usual);
            markdown_say(p, "%.4g", d->low);
            markdown_say(p, "%.4g", d->high);
            markdown_say(p, "%s%s", d->logarithmic ? "equal factors" : "evenly",
                         d->whole ? ", whole numbers" : "");
            markdown_row_end(p);
        }
}

void validation_candidates(Page *p)
{
    markdown_title(p, "##", "6 Candidates, tuning, choice");
    if (paper_kind(p->run) != PAPER_LEARNT) {
        markdown_absent(p, "No candidates: nothing was learnt in this run%s.",
                        p->run->training != NULL && p->run->judged == NULL
                            ? ", for there are too few labelled customers of one kind"
                            : "; the papers of the run that trained the bundle have them");
        return;
    }
    markdown_sentences(p, p->run->validation->reason);
    candidate_table(p);
    search_space(p);
    markdown_belief(p, "Among candidates that cannot be told apart the rule decided (the simplest "
                       "within one standard error of the best), not proof; another sample of "
                       "customers may well choose another.");
}

/* ---- calibration ---- */

static const char *level(Interval large)
{
    return is_missing(large.value) ? "cannot be told"
           : large.low > 0         ? "too low"
           : large.high < 0        ? "too high"
                                   : "nothing wrong that shows";
}

static const char *spread(Interval slope)
{
    return is_missing(slope.value) ? "cannot be told"
           : slope.low > 1         ? "too timid"
           : slope.high < 1        ? "too extreme"
                                   : "nothing wrong that shows";
}

static void calibration_checks(Page *p)
{
    const Run *run = p->run;
    markdown_table(p, "Slice|>Slope|Spread|>In the large|Level|>Intercept|>Calibration error|>By "
                      "chance|>95 % of chance");
    for (size_t s = 0; s < run->training->strata; s++) {
        const CalibrationCheck *c = &run->calibration[s];
        markdown_row(p);
        markdown_cell(p, run->training->stratum[s]);
        markdown_cell(p, number_interval(p->arena, c->recalibration.slope, 2));
        markdown_cell(p, str_from(spread(c->recalibration.slope)));
        markdown_cell(p, number_interval(p->arena, c->recalibration.large, 2));
        markdown_cell(p, str_from(level(c->recalibration.large)));
        markdown_cell(p, number_interval(p->arena, c->recalibration.intercept, 2));
        markdown_cell(p, number_fixed(p->arena, c->ece.seen, 3));
        markdown_cell(p, number_fixed(p->arena, c->ece.mean, 3));
        markdown_cell(p, number_fixed(p->arena, c->ece.high, 3));
        markdown_row_end(p);
    }
}

static void calibration_maps(Page *p, const CalibrationChoice *c)
{
    markdown_sentences(p, c->reason);
    markdown_table(p, "Map from score to probability|>Log loss|>Less Platt's");
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        const CalibrationTrial *t = &c->trial[kind];
        markdown_row(p);
        markdown_say(p, "%s%s", say_text(p, calibration_name((CalibrationKind)kind)),
                     kind == (int)c->chosen ? " (chosen)" : "");
        if (t->tried)
            markdown_say(p, "%s \xC2\xB1 %s", say_fixed(p, t->log_loss, 4),
                         say_fixed(p, t->log_loss_error, 4));
        else
            markdown_cell(p, S("too few customers"));
        if (t->tried && kind != 0)
            markdown_say(p, "%s \xC2\xB1 %s", say_fixed(p, t->difference, 4),
                         say_fixed(p, t->difference_error, 4));
        else
            markdown_cell(p, S(""));
        markdown_row_end(p);
    }
}

void validation_calibration(Page *p)
{
    const Run *run = p->run;
    markdown_title(p, "##", "10 Calibration");
    paper_score_is(p);
    if (run->calibration != NULL && run->training != NULL)
        calibration_checks(p);
    else
        markdown_absent(p, "Calibration was not checked in this run.");
    if (paper_kind(run) == PAPER_LEARNT && run->validation->calibration != NULL)
        calibration_maps(p, run->validation->calibration);
    else
        markdown_absent(p, "Maps from score to probability were not compared in this run.");
    markdown_belief(p,
                    "A slope or level in which nothing wrong shows may still be wrong by as much "
                    "as its interval allows; an error within that of chance cannot be told from "
                    "none.");
}

/* ---- thresholds ---- */

static Str mark_says(ThresholdMark mark)
{
    static const char *const says[THRESHOLD_MARKS] = {
        [MARK_MEDIUM] = "Medium, from the costs",
        [MARK_HIGH] = "High, from the costs",
        [MARK_OFFBOARDING] = "off-boarding by score, from the costs",
        [MARK_CAPACITY] = "as many scored as can be reviewed",
        [MARK_CAPACITY_WORKED] = "the same with a fifth of the time kept free",
        [MARK_TOP] = "as many labelled as can be reviewed"};
    return str_from(says[mark]);
}

static void marks(Page *p, const ThresholdReview *t)
{
    const ThresholdStratum *s = &t->stratum[p->run->headline];
    markdown_paragraph(p,
                       "On labelled customers of %s, out of fold, with exact 95 %% intervals. "
                       "Costs are per customer, one missed risky customer being 1.",
                       paper_headline(p));
    markdown_table(p, "Threshold|>Probability from|>Reviewed|>Suspended|>Precision|>Recall|>Cost|"
                      ">Net benefit|>Reviews of those scored");
    for (int m = 0; m < THRESHOLD_MARKS; m++) {
        const ThresholdRow *row = &s->mark[m];
        if (row->cut.customers == 0)
            continue;
        markdown_row(p);
        markdown_cell(p, mark_says((ThresholdMark)m));
        markdown_cell(p, number_fixed(p->arena, row->cut.threshold, 3));
        markdown_cell(p, number_count(p->arena, row->cut.selected));
        markdown_cell(p, number_count(p->arena, row->cut.hits));
        markdown_cell(p, row->cut.selected < SELECTED_MIN
                             ? S("too few")
                             : number_interval(p->arena, row->cut.precision, 2));
        markdown_cell(p, number_interval(p->arena, row->cut.recall, 2));
        markdown_cell(p, number_interval(p->arena, row->cost, 3));
        markdown_cell(p, number_interval(p->arena, row->net_benefit, 3));
        markdown_cell(p, t->scored == 0 ? S("none scored") : number_count(p->arena, row->reviews));
        markdown_row_end(p);
    }
    markdown_paragraph(p,
                       "Reviewing nobody costs %s, everybody %s; the segments as they are %s if "
                       "watching finds all the risk that is there, %s if it finds none.",
                       say_fixed(p, s->cost_nobody, 3), say_fixed(p, s->cost_everybody, 3),
                       say_interval(p, s->cost_segments, 3),
                       say_interval(p, s->cost_segments_blind, 3));
}

static void certificates(Page *p, const ThresholdReview *t)
{
    markdown_table(p, "Slice|>Labelled|Certified as asked|>Selected|>Errors|>Certified in repeats");
    for (size_t k = 0; k < t->strata; k++) {
        const ThresholdStratum *s = &t->stratum[k];
        const MetricCertificate *c = &s->certificate;
        bool any = c->selected > 0;
        markdown_row(p);
        markdown_cell(p, p->run->training->stratum[k]);
        markdown_cell(p, number_count(p->arena, c->customers));
        markdown_cell(p, any ? S("yes") : S("no"));
        markdown_cell(p, number_count(p->arena, any ? c->selected : c->first_selected));
        markdown_cell(p, number_count(p->arena, any ? c->errors : c->first_errors));
        markdown_say(p, "%zu of %zu", s->repeats_certified, t->repeats);
        markdown_row_end(p);
    }
    const MetricCertificate *c = &t->stratum[p->run->headline].certificate;
    markdown_paragraph(p, "Where nothing is certified the strictest set is shown.");
    if (c->least[0] > 0 && c->least[1] > 0 && c->least[2] > 0)
        markdown_paragraph(p,
                           "To show it on cases that people decide on their own evidence, with the "
                           "threshold fixed beforehand: %zu without an error, %zu with one, or %zu "
                           "with two.",
                           c->least[0], c->least[1], c->least[2]);
}

static void stability(Page *p)
{
    const ListStability *s = p->run->stability;
    static const char *const kind[RERUN_KINDS] = {"another seed, calibrated on another repeat",
                                                  "a fold left out"};
    markdown_title(p, "###", "Stability of the list");
    if (s == NULL) {
        markdown_absent(p, "Learning was not done again in this run: whether the list would be the "
                           "same is not known.");
        return;
    }
    markdown_paragraph(p, "This run's list has %zu of %zu customers.", s->listed, s->customers);
    if (!s->drawn)
        markdown_paragraph(p, "The chosen model draws nothing at random: another seed changes its "
                              "calibration alone, and the same list again is no evidence there.");
    markdown_table(p, "Learnt again with|>Runs|>Mean overlap (Jaccard)|>Least|>In every list|>In 8 "
                      "of 10|>In half|>In fewer|>New in half|>Same segment in every run");
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        const Reruns *r = &s->kind[k];
        markdown_row(p);
        markdown_cell(p, str_from(kind[k]));
        markdown_cell(p, number_count(p->arena, r->runs));
        markdown_cell(p, number_fixed(p->arena, r->jaccard_mean, 2));
        markdown_cell(p, number_fixed(p->arena, r->jaccard_low, 2));
        markdown_cell(p, number_count(p->arena, r->always));
        markdown_cell(p, number_count(p->arena, r->mostly));
        markdown_cell(p, number_count(p->arena, r->half));
        markdown_cell(p, number_count(p->arena, r->rarely));
        markdown_cell(p, number_count(p->arena, r->newcomers));
        markdown_cell(p, number_count(p->arena, r->same_segment));
        markdown_row_end(p);
    }
}

void validation_thresholds(Page *p)
{
    const ThresholdReview *t = p->run->thresholds;
    markdown_title(p, "##", "11 Thresholds, guarantee, stability");
    if (t == NULL)
        markdown_absent(p, "What thresholds select and cost was not computed in this run.");
    else
        marks(p, t);
    markdown_title(p, "###", "Guarantee");
    paper_guarantee(p);
    if (t != NULL)
        certificates(p, t);
    stability(p);
    markdown_belief(p, "Costs are the policy book's, not measured. Probabilities come from models "
                       "that learnt from the other labelled customers, so that a guarantee is "
                       "approximate; what wavers when learning is done again is decided by "
                       "evidence, not by the score.");
}

/* ---- what it lives on ---- */

static void items(Page *p, const Importance *m, ImportanceOf of, const char *columns)
{
    size_t shown = 0;
    for (size_t i = 0; i < m->items && shown < ITEMS_SHOWN; i++) {
        const ImportanceItem *item = &m->item[i];
        if (item->of != of)
            continue;
        if (shown++ == 0)
            markdown_table(p, columns);
        markdown_row(p);
        if (of == IMPORTANCE_CORRELATED)
            markdown_say(p, "%s and what it moves with", say_text(p, item->name));
        else
            markdown_cell(p, item->name);
        if (of != IMPORTANCE_FEATURE)
            markdown_cell(p, number_count(p->arena, item->features));
        markdown_cell(p, number_interval(p->arena, item->log_loss, 4));
        markdown_cell(p, number_interval(p->arena, item->auc, 3));
        markdown_cell(p, number_share(p->arena, item->harmed));
        markdown_row_end(p);
    }
}

void validation_importance(Page *p)
{
    const Importance *m = p->run->importance;
    markdown_title(p, "##", "12 What the model lives on");
    if (m == NULL) {
        markdown_absent(p, "Importance was not measured in this run.");
    } else {
        markdown_paragraph(
            p,
            "What is lost when features' values are shuffled among %zu customers whom the judging "
            "models had not seen (%zu shuffles, models of %zu repeats); with 95 %% intervals over "
            "fold models. Families together:",
            m->customers, m->permutations, m->repeats);
        items(p, m, IMPORTANCE_FAMILY,
              "Family|>Features|>Rise in log loss|>Fall of the AUC|>Fold models harmed");
        markdown_paragraph(p,
                           "Features that say much the same (absolute rank correlation of %s or "
                           "more), together:",
                           say_fixed(p, m->correlation_cut, 1));
        items(p, m, IMPORTANCE_CORRELATED,
              "Group|>Features|>Rise in log loss|>Fall of the AUC|>Fold models harmed");
        markdown_paragraph(p, "One at a time, greatest first:");
        items(p, m, IMPORTANCE_FEATURE,
              "Feature|>Rise in log loss|>Fall of the AUC|>Fold models harmed");
        markdown_paragraph(p,
                           "Do the %zu fold models agree on the order? Kendall's W is %s by loss "
                           "and %s by contribution (1: the same order, 0: none). Each decision "
                           "carries the contributions to its score and the reasons in words "
                           "(decisions.jsonl).",
                           m->by_loss.rankings, say_fixed(p, m->by_loss.kendall_w, 2),
                           say_fixed(p, m->by_contribution.kendall_w, 2));
    }
    markdown_belief(p, "It says what the model uses, not what causes risk; an interval that holds "
                       "0 cannot be told from no use, and correlated features hide each other when "
                       "shuffled one at a time.");
}

void validation_screening(Page *p)
{
    const Screening *s = p->run->screening;
    size_t kept = 0, told_kept = 0, told_out = 0;
    markdown_title(p, "###", "Screening: each feature alone");
    if (s == NULL) {
        markdown_absent(p, "Features were not screened in this run.");
        return;
    }
    for (size_t i = 0; i < s->features; i++) {
        bool above = s->feature[i].information > s->feature[i].limit_99;
        kept += s->feature[i].kept;
        told_kept += s->feature[i].kept && above;
        told_out += !s->feature[i].kept && above;
    }
    markdown_paragraph(p,
                       "Of %zu features of the model %zu alone tell more of the label than "
                       "shuffled labels do in 99 of 100 shuffles; of %zu outside it %zu do. Which "
                       "features a model may have is decided in the features book by what they "
                       "mean and when they are known, not by this; screening.csv has each with the "
                       "reason.",
                       kept, told_kept, s->features - kept, told_out);
    markdown_belief(p, "A feature that tells nothing alone may tell something beside others, and "
                       "one that tells much may be what should not be known.");
}

/* ---- sensitivity ---- */

static void forward(Page *p, const Forward *f)
{
    char time[TIME_TEXT];
    markdown_paragraph(p, "Trained on what was known at an instant, judged on customers whose "
                          "outcome came later or not at all:");
    markdown_table(p, "Known until|>Suspended by then|>Judged|>Suspended since|>AUC");
    for (size_t k = 0; k < f->cuts; k++) {
        markdown_row(p);
        markdown_cell(p, time_text(time, f->cut[k].at_us));
        markdown_cell(p, number_count(p->arena, f->cut[k].known));
        markdown_cell(p, number_count(p->arena, f->cut[k].judged));
        markdown_cell(p, number_count(p->arena, f->cut[k].later));
        markdown_cell(p, number_interval(p->arena, f->cut[k].auc, 3));
        markdown_row_end(p);
    }
    markdown_paragraph(p, "Together %s, where cross-validation gives %s for the same customers. %s",
                       say_interval(p, f->auc, 3), say_interval(p, f->cross_validated, 3),
                       f->worse ? "Time makes it worse: expect the lower figure."
                                : "The difference can be chance.");
}

static void prevalence(Page *p)
{
    const Prevalence *v = p->run->calibration[p->run->headline].prevalence;
    markdown_paragraph(p, "The same scores where suspensions are rarer, if either kind of customer "
                          "looks as it does here (High threshold, as it is):");
    markdown_table(p, "Assumed share of suspended|>Precision|>Recall|>Flagged of 1,000");
    for (size_t i = 0; i < PREVALENCES; i++) {
        const PrevalenceRule *high = &v[i].as_is[PREVALENCE_RULES - 1];
        markdown_row(p);
        markdown_cell(p, number_share(p->arena, v[i].assumed));
        markdown_cell(p, number_interval(p->arena, high->precision, 2));
        markdown_cell(p, number_interval(p->arena, high->recall, 2));
        markdown_cell(p, number_interval(p->arena, high->load, 0));
        markdown_row_end(p);
    }
}

void validation_sensitivity(Page *p)
{
    const Run *run = p->run;
    markdown_title(p, "##", "14 Sensitivity");
    if (run->forward != NULL)
        forward(p, run->forward);
    else
        markdown_absent(p, "No judgement forward in time (section 5 says why).");
    if (run->calibration != NULL && run->training != NULL)
        prevalence(p);
    else
        markdown_absent(p, "Other shares of suspended customers were not worked out.");
    markdown_paragraph(p, "To another seed and to customers left out: section 11. To how long "
                          "customers were observed: the silence test in section 8. To another mix "
                          "of customers: the reweighted row in section 9.");
    markdown_belief(p, "Each varies one thing and holds the others; nothing here stands in for "
                       "figures on customers of later months.");
}
