/* report_validation.c - validation.md: what a validator asks of a model, from purpose to expiry. */
#include "report/report_internal.h"

#include <math.h>

/* ---- for whom and what ---- */

static void to_fill(Page *p, const char *const *what, size_t count)
{
    markdown_table(p, "What|To fill");
    for (size_t i = 0; i < count; i++) {
        markdown_row(p);
        markdown_cell(p, str_from(what[i]));
        markdown_cell(p, S(""));
        markdown_row_end(p);
    }
}

static void purpose(Page *p)
{
    static const char *const what[] = {"Business purpose",
                                       "Tier or materiality",
                                       "Classification under the AI Act, and why",
                                       "Owner",
                                       "Users",
                                       "Population it will be used on"};
    markdown_title(p, "#", "Validation file");
    markdown_paragraph(p, "What one run found about its model, in the order in which a validator "
                          "asks. model-card.md beside it is the summary. Figures are those of "
                          "metrics.json, which has all of them in full; no customer is named.");
    markdown_title(p, "##", "1 Purpose, tier, owner");
    markdown_paragraph(p, "The program proposes customers for review and, with evidence of "
                          "independent kinds, for off-boarding; people decide.");
    to_fill(p, what, COUNT_OF(what));
    markdown_belief(p, "Nothing here is measured: it is what the owner says and the validator "
                       "accepts.");
}

/* ---- conceptual soundness ---- */

static bool in_model(const Run *run, size_t feature)
{
    const uint8_t *skip = run->bundle != NULL ? run->bundle->skip : NULL;
    return run->plan->feature[feature].use == USE_MODEL && (skip == NULL || !skip[feature]);
}

static void families(Page *p)
{
    const Plan *plan = p->run->plan;
    markdown_table(p, "Family of features|>In the model|>For rules|>Watched or kept out");
    for (size_t i = 0; i < plan->features; i++) {
        Str family = plan->feature[i].family.text;
        size_t model = 0, policy = 0, other = 0;
        bool first = true;
        for (size_t k = 0; k < plan->features; k++) {
            if (!str_equal(plan->feature[k].family.text, family))
                continue;
            first = first && k >= i;
            bool of_model = in_model(p->run, k);
            model += of_model;
            policy += !of_model && plan->feature[k].use == USE_POLICY;
            other += !of_model && plan->feature[k].use != USE_POLICY;
        }
        if (!first)
            continue;
        markdown_row(p);
        markdown_cell(p, family);
        markdown_cell(p, number_count(p->arena, model));
        markdown_cell(p, number_count(p->arena, policy));
        markdown_cell(p, number_count(p->arena, other));
        markdown_row_end(p);
    }
}

static void soundness(Page *p)
{
    const Run *run = p->run;
    const TrainingSet *set = run->training;
    markdown_title(p, "##", "2 Conceptual soundness");
    markdown_paragraph(p, "Features are written in the features book, each with its meaning and "
                          "the direction in which risk may move; those of the model look at early "
                          "windows and ratios, so that the silence after a suspension cannot be "
                          "seen. Actions follow from the policy book: costs give the thresholds, "
                          "rules give evidence, safeguards cap what may be proposed.");
    families(p);
    if (set != NULL && set->x != NULL) {
        size_t held = 0;
        for (size_t k = 0; set->monotone != NULL && k < set->x->columns; k++)
            held += set->monotone[k] != 0;
        markdown_paragraph(p,
                           "As a matrix these are %zu columns; %zu have a direction that models "
                           "which hold signs must keep.",
                           set->x->columns, held);
    }
    markdown_belief(p, "The books say what was meant; whether that is sound is the validator's "
                       "judgement (assay features --describe prints the book as a page).");
}

/* ---- data ---- */

static void ledger_row(Page *p, Str file, Str role, uint64_t rows, uint64_t used, uint64_t merged,
                       uint64_t aside)
{
    markdown_row(p);
    markdown_cell(p, file);
    markdown_cell(p, role);
    markdown_cell(p, number_count(p->arena, rows));
    markdown_cell(p, number_count(p->arena, used));
    markdown_cell(p, number_count(p->arena, merged));
    markdown_cell(p, number_count(p->arena, aside));
    markdown_row_end(p);
}

static void lineage(Page *p)
{
    const Dataset *d = p->run->data;
    const Tally t = tally_run(p->run);
    bool holds = t.rows == t.used + t.merged + t.quarantined;
    markdown_title(p, "##", "3 Data lineage");
    markdown_table(p, "File|Role|>Rows|>Used|>Merged|>Set aside");
    for (size_t i = 0; i < d->ledger_count; i++) {
        const LedgerLine *l = &d->ledger[i];
        ledger_row(p, l->file, l->role, l->rows, l->used, l->merged, l->quarantined);
    }
    ledger_row(p, S("all"), S(""), t.rows, t.used, t.merged, t.quarantined);
    markdown_paragraph(p,
                       "Rows read = used + merged + set aside: %s. run.json has the hash of each "
                       "file, quarantine.csv each row set aside and its reason, quality.json every "
                       "repair.",
                       holds ? "the sum holds" : "THE SUM DOES NOT HOLD");
    for (size_t i = 0; i < d->dropped_count; i++)
        markdown_item(p,
                      "Column %s is in the files of one cohort alone and was kept from the "
                      "model.",
                      say_text(p, d->dropped[i]));
    for (size_t i = 0; i < d->absent_count; i++)
        markdown_item(p, "Column %s of the schema book is absent from %s.",
                      say_text(p, d->absent[i].column), say_text(p, d->absent[i].file));
    markdown_paragraph(p,
                       "Findings: %zu severe, %zu warnings, %zu notes; section 16 lists the first "
                       "two.",
                       t.severe, t.warnings, t.notes);
    markdown_belief(p, "The account covers the files as given. Whether they are all that the bank "
                       "knows, and right, is not visible from here.");
}

static void label(Page *p)
{
    const Run *run = p->run;
    const SchemaLabel *l = &run->plan->schema->customers.label;
    const Tally t = tally_run(run);
    Arena *a = p->arena;
    markdown_title(p, "##", "4 Label");
    markdown_table(p, "What|Value");
    Buffer risky = buffer_new(a), good = buffer_new(a), neither = buffer_new(a);
    const BookTexts *of[] = {&l->positive, &l->negative, &l->ignored};
    Buffer *into[] = {&risky, &good, &neither};
    static const char *const name[] = {"Counts as suspended", "Counts as not suspended",
                                       "Says neither"};
    markdown_row(p);
    markdown_cell(p, S("Column"));
    markdown_cell(p, l->column.text);
    markdown_row_end(p);
    for (size_t k = 0; k < COUNT_OF(of); k++) {
        for (size_t i = 0; i < of[k]->count; i++) {
            buffer_add(into[k], i > 0 ? S(", ") : S(""));
            buffer_add(into[k], of[k]->item[i].text);
        }
        markdown_row(p);
        markdown_cell(p, str_from(name[k]));
        markdown_cell(p, into[k]->size > 0 ? buffer_str(into[k]) : S("none"));
        markdown_row_end(p);
    }
    markdown_row(p);
    markdown_cell(p, S("Date of the outcome"));
    markdown_cell(p, run->data->outcome_us != NULL
                         ? run->plan->schema->customers.outcome_at.text
                         : S("absent: no file says when the label became known"));
    markdown_row_end(p);
    markdown_row(p);
    markdown_cell(p, S("Share of suspended"));
    markdown_cell(p, store_prior_by_design(run) ? S("by design of the sample, or unknown")
                                                : S("the bank's own"));
    markdown_row_end(p);
    markdown_paragraph(p,
                       "%s customers suspended, %s not. Not learnt from: %s who carry both labels, "
                       "and %s who carry none.",
                       say_count(p, t.positive), say_count(p, t.negative),
                       say_count(p, t.contradictory), say_count(p, t.unlabelled));
    markdown_belief(p, "Suspensions are past decisions of people: what nobody looked at counts as "
                       "good, and the reason of a suspension is not in the files. Reasons and "
                       "investigators' verdicts would make this a better label.");
}

/* ---- split ---- */

static void split(Page *p)
{
    const Run *run = p->run;
    const Links *l = run->links;
    markdown_title(p, "##", "5 Split");
    if (run->validation == NULL) {
        markdown_absent(p, "Nothing was cross-validated in this run%s.",
                        run->judged != NULL ? ": the bundle was judged on all labelled customers "
                                              "at once"
                                            : "");
    } else {
        const Validation *v = run->validation;
        markdown_paragraph(p,
                           "%zu labelled customers in %zu folds, dealt %zu times, each with about "
                           "as many suspended ones; inside each training part settings, candidate "
                           "and calibration are found on inner folds of its own. folds.csv has "
                           "every customer's fold.",
                           v->rows, v->folds, v->repeats);
    }
    if (l == NULL)
        markdown_absent(p, "Links between labelled customers were not looked for.");
    else if (l->groups == 0)
        markdown_paragraph(p, "No two labelled customers are known to be one person, share a "
                              "transaction or have one history.");
    else
        markdown_paragraph(p,
                           "%zu customers are linked (%zu by person, %zu by transaction, %zu by "
                           "history) in %zu groups, the largest of %zu. A group lies in one fold "
                           "and is drawn as one for every interval.",
                           l->linked, l->by_person, l->by_transaction, l->by_history, l->groups,
                           l->largest);
    if (run->forward == NULL)
        markdown_absent(p, "A split by time was not possible: %s.",
                        run->data->outcome_us == NULL ? "outcomes carry no date"
                                                      : "too few outcomes on either side of any "
                                                        "instant, or it was not asked for");
    markdown_belief(p, "Folds part customers, not time: figures say how well customers of the same "
                       "time are told apart, unless section 14 has a judgement forward in time.");
}

/* ---- outcome ---- */

static void outcome(Page *p)
{
    const Run *run = p->run;
    markdown_title(p, "##", "7 Outcome, with the choice inside");
    if (paper_kind(run) != PAPER_LEARNT) {
        markdown_absent(p, "No nested result: nothing was learnt in this run.");
        return;
    }
    const Validation *v = run->validation;
    const Candidate *c = &v->candidate[v->chosen];
    markdown_table(p, "Judged|>ROC AUC|>Log loss");
    markdown_row(p);
    markdown_say(p, "%s, on %s", say_text(p, c->name), paper_headline(p));
    markdown_cell(p, number_interval(p->arena, c->metric[run->headline].metric[METRIC_AUC], 3));
    markdown_cell(p,
                  number_interval(p->arena, c->metric[run->headline].metric[METRIC_LOG_LOSS], 3));
    markdown_row_end(p);
    const MetricSet *n = &v->nested.metric[run->headline];
    markdown_row(p);
    markdown_say(p, "search, fit and choice inside the folds, on %s", paper_headline(p));
    markdown_cell(p, number_interval(p->arena, n->metric[METRIC_AUC], 3));
    markdown_cell(p, number_interval(p->arena, n->metric[METRIC_LOG_LOSS], 3));
    markdown_row_end(p);
    Buffer times = buffer_new(p->arena);
    for (size_t k = 0, named = 0; k < v->candidates; k++)
        if (v->nested.times[k] > 0)
            buffer_format(&times, "%s%s %zu", named++ == 0 ? "" : ", ",
                          say_text(p, v->candidate[k].name), v->nested.times[k]);
    markdown_paragraph(p, "Times chosen inside the %zu training parts: %s.", v->repeats * v->folds,
                       say_text(p, buffer_str(&times)));
    const Confusion *k = &c->metric[run->headline].confusion;
    markdown_paragraph(p,
                       "At the High threshold on %s: %zu suspended found, %zu missed; %zu others "
                       "flagged, %zu not.",
                       paper_headline(p), k->true_positive, k->false_negative, k->false_positive,
                       k->true_negative);
    markdown_belief(p, "The nested figure is what the procedure is worth on customers like these; "
                       "the chosen candidate's own is flattered by having been chosen on it.");
}

static void strata(Page *p)
{
    const Strata *s = p->run->strata;
    markdown_title(p, "##", "9 For whom it holds");
    if (s == NULL)
        markdown_absent(p, "Slices were not weighed against the customers to be scored in this "
                           "run.");
    else
        markdown_sentences(p, s->reason);
    paper_strata(p, true);
    if (s != NULL && s->no_estimate.size > 0)
        markdown_paragraph(p, "No reweighted estimate. %s", say_text(p, s->no_estimate));
    else if (s != NULL) {
        markdown_paragraph(p,
                           "Cells of the reweighting, which says as much as %s customers of equal "
                           "weight (%s suspended):",
                           say_fixed(p, s->effective, 0), say_fixed(p, s->effective_positives, 0));
        markdown_table(p, "Cell|>Labelled|>Suspended|>To be scored|>Weight");
        for (size_t c = 0; c < s->cells; c++) {
            const StrataCell *cell = &s->cell[c];
            markdown_row(p);
            markdown_cell(p, cell->name);
            markdown_cell(p, number_count(p->arena, cell->labelled));
            markdown_cell(p, number_count(p->arena, cell->positives));
            markdown_cell(p, number_count(p->arena, cell->scored));
            markdown_cell(p, cell->labelled == 0 ? S("none labelled")
                                                 : number_fixed(p->arena, cell->weight, 2));
            markdown_row_end(p);
        }
    }
    for (size_t i = 0; s != NULL && i < s->slices; i++)
        if (s->slice[i].says.size > 0)
            markdown_item(p, "%s: %s", say_text(p, s->slice[i].name),
                          say_text(p, s->slice[i].says));
    markdown_belief(p, "Reweighting corrects for the cells alone; customers of one cell are taken "
                       "to be alike in both files.");
}

static void fairness(Page *p)
{
    enum { SHOWN = 12 };
    const Fairness *f = p->run->fairness;
    markdown_title(p, "##", "13 Fairness and proxies");
    paper_fairness(p);
    size_t rows = 0;
    for (size_t i = 0; f != NULL && i < f->attributes; i++)
        for (size_t g = 0; g < f->attribute[i].groups; g++)
            for (size_t k = 0; k < FAIRNESS_MEASURES; k++) {
                const GroupComparison *c = &f->attribute[i].group[g].comparison[k];
                if (c->verdict < FAIRNESS_APART)
                    continue;
                if (rows++ == 0)
                    markdown_table(p, "Column|Group|Measure|>Group|>All others|>Ratio|Verdict");
                markdown_row(p);
                markdown_cell(p, f->attribute[i].column);
                markdown_cell(p, f->attribute[i].group[g].name);
                markdown_cell(p, c->measure);
                markdown_say(p, "%zu of %zu", c->count, c->of);
                markdown_say(p, "%zu of %zu", c->rest_count, c->rest_of);
                if (isfinite(c->ratio.high))
                    markdown_cell(p, number_interval(p->arena, c->ratio, 2));
                else
                    markdown_say(p, "above %s", say_fixed(p, c->ratio.low, 2));
                markdown_cell(p, c->verdict == FAIRNESS_CLEAR ? S("beyond chance")
                                                              : S("may be chance"));
                markdown_row_end(p);
            }
    if (f != NULL && f->attributes > 0 && rows == 0)
        markdown_paragraph(p, "No ratio lies outside the marks beyond its interval.");
    if (f != NULL && f->proxies > 0) {
        markdown_paragraph(p, "How well the inputs tell a group, and whether that reaches the "
                              "score:");
        markdown_table(p, "Column|Group|>Members|>AUC of the inputs|>AUC of the score|Told");
        for (size_t i = 0; i < f->proxies && i < SHOWN; i++) {
            const Proxy *one = &f->proxy[i];
            markdown_row(p);
            markdown_cell(p, one->column);
            markdown_cell(p, one->group);
            markdown_say(p, "%zu of %zu", one->members, one->customers);
            markdown_cell(p, number_interval(p->arena, one->auc, 2));
            markdown_cell(p, number_interval(p->arena, one->score, 2));
            markdown_cell(p, one->clear ? S("yes") : S("not clearly"));
            markdown_row_end(p);
        }
        if (f->proxies > SHOWN)
            markdown_paragraph(p, "The first %d of %zu; proxies.csv has all.", SHOWN, f->proxies);
    }
    markdown_belief(p, "Groups are small and comparisons many: what is not told apart may still "
                       "differ, and labels carry whatever past decisions carried.");
}

/* ---- the end ---- */

static void reproducibility(Page *p)
{
    markdown_title(p, "##", "15 Reproducibility and parity");
    paper_identity(p);
    markdown_item(p, "Run it again with the same files and books: every file but timings.json has "
                     "the same bytes, with any number of threads.");
    markdown_item(p, "A bundle keeps golden rows and customers with their answers; opening it "
                     "computes them again, so batch, service and library give one answer or none.");
    markdown_item(p, "validation.csv (or evaluation.csv of a bundle) and folds.csv let anyone "
                     "recompute the figures without this program.");
    markdown_belief(p, "Equal bytes show that nothing changed, not that it is right: for that the "
                       "figures can be recomputed.");
}

/* The first of a code has the row, and what the others of it found. */
static bool first_of_code(const Findings *f, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (f->item[i].severity == f->item[at].severity &&
            str_equal(f->item[i].code, f->item[at].code))
            return false;
    return true;
}

static void findings_of(Page *p, Severity severity)
{
    enum { SENTENCES_SHOWN = 4 };
    const Findings *f = p->run->data->findings;
    for (size_t i = 0; i < f->count; i++) {
        const Finding *one = &f->item[i];
        if (one->severity != severity || !first_of_code(f, i))
            continue;
        Buffer found = buffer_new(p->arena), done = buffer_new(p->arena);
        size_t same = 0;
        for (size_t k = i; k < f->count; k++) {
            const Finding *other = &f->item[k];
            if (other->severity != severity || !str_equal(other->code, one->code))
                continue;
            if (same++ >= SENTENCES_SHOWN)
                continue;
            buffer_add(&found, same > 1 ? S("; ") : S(""));
            buffer_add(&found, other->what);
            if (same == 1 || !str_contains(buffer_str(&done), other->done)) {
                buffer_add(&done, same > 1 ? S("; ") : S(""));
                buffer_add(&done, other->done);
            }
        }
        if (same > SENTENCES_SHOWN)
            buffer_format(&found, "; and %zu more of this code (quality.json)",
                          same - SENTENCES_SHOWN);
        markdown_row(p);
        markdown_cell(p, severity_name(severity));
        markdown_cell(p, one->code);
        markdown_cell(p, number_count(p->arena, same));
        markdown_cell(p, buffer_str(&found));
        markdown_cell(p, buffer_str(&done));
        markdown_cell(p, S(""));
        markdown_row_end(p);
    }
}

static void findings(Page *p)
{
    size_t severe = paper_findings(p->run, SEVERITY_SEVERE);
    size_t warnings = paper_findings(p->run, SEVERITY_WARNING);
    markdown_title(p, "##", "16 Open findings");
    if (severe + warnings == 0)
        markdown_paragraph(p, "None severe and no warning.");
    else {
        markdown_table(
            p, "Severity|Code|>Findings|What was found|What the program did|Validator's remark");
        findings_of(p, SEVERITY_SEVERE);
        findings_of(p, SEVERITY_WARNING);
    }
    markdown_paragraph(p, "%zu notes besides; quality.json has them.",
                       paper_findings(p->run, SEVERITY_INFO));
    markdown_paragraph(p, "Findings of the validator:");
    markdown_table(p, "Finding|Severity|Remedy agreed|Owner|Due");
    for (size_t i = 0; i < 3; i++) {
        markdown_row(p);
        for (size_t k = 0; k < 5; k++)
            markdown_cell(p, S(""));
        markdown_row_end(p);
    }
    markdown_belief(p, "The program finds what it was written to look for; an empty table is no "
                       "clean bill.");
}

static void limits(Page *p)
{
    static const char *const what[][2] = {
        {"Labels are past decisions",
         "A random share of customers of low score is reviewed, too, and their verdicts become "
         "labels"},
        {"Early behaviour only", "Rules and monitoring for customers who change later"},
        {"Scores of few customers waver", "Reviewers see the evidence and the interval, and a "
                                          "candidate's place in repeated runs"},
        {"Other customers next month", "Drift each month; figures on new labels before a bundle is "
                                       "used longer"},
        {"People may follow the score", "Two approvers; the score is shown after the first view; "
                                        "share of agreement is watched"},
    };
    markdown_title(p, "##", "17 Limits and compensating controls");
    markdown_table(p, "Limit|Control proposed|In place? To fill");
    for (size_t i = 0; i < COUNT_OF(what); i++) {
        markdown_row(p);
        markdown_cell(p, str_from(what[i][0]));
        markdown_cell(p, str_from(what[i][1]));
        markdown_cell(p, S(""));
        markdown_row_end(p);
    }
    markdown_paragraph(p, "What this run itself found to be limiting is in model-card.md.");
    markdown_belief(p, "Proposals: a control counts once somebody runs it.");
}

static void approval(Page *p)
{
    static const char *const role[] = {"Owner", "Validator", "Compliance", "Risk committee"};
    static const char *const what[] = {
        "Approved for", "Conditions", "Approval expires on",
        "What ends it earlier (drift, overturned proposals, new law)"};
    markdown_title(p, "##", "18 Approval and expiry");
    to_fill(p, what, COUNT_OF(what));
    paper_sign_offs(p, role, COUNT_OF(role));
    markdown_belief(p, "No approval is given by this file before names and dates stand here.");
}

Str report_validation(Arena *keep, const Run *run)
{
    Arena own = arena_new(), spare = arena_new();
    Page p = {.arena = &own, .spare = spare, .out = buffer_new(keep), .run = run};
    purpose(&p);
    soundness(&p);
    lineage(&p);
    label(&p);
    split(&p);
    validation_candidates(&p);
    outcome(&p);
    validation_audit(&p);
    strata(&p);
    validation_calibration(&p);
    validation_thresholds(&p);
    validation_importance(&p);
    validation_screening(&p);
    fairness(&p);
    validation_sensitivity(&p);
    reproducibility(&p);
    findings(&p);
    limits(&p);
    approval(&p);
    arena_free(&spare);
    arena_free(&own);
    return buffer_str(&p.out);
}
