/* report_validation_audit.c - section 8 of validation.md: what the model must not know. */
#include "report/report_internal.h"

enum { PROBES_SHOWN = 12, COLUMNS_SHOWN = 8, TELLINGS_SHOWN = 6 };

static void probes(Page *p, const Audit *a)
{
    size_t shown = a->probes < PROBES_SHOWN ? a->probes : PROBES_SHOWN;
    markdown_paragraph(p,
                       "Each of %zu features was tried alone, missing values included, against the "
                       "label and against the cohort. Those that tell most, worst first:",
                       a->probes);
    markdown_table(p, "Feature|Used by|>AUC alone|Riskier|>Cohort AUC|>PSI|>Most by "
                      "chance|Severity");
    for (size_t i = 0; i < shown; i++) {
        const Probe *one = &a->probe[i];
        markdown_row(p);
        markdown_cell(p, one->name);
        markdown_cell(p, one->use);
        markdown_cell(p, auc_alone(p->arena, &one->auc));
        markdown_cell(p, one->higher_is_risky ? S("more") : S("less"));
        markdown_cell(p, number_fixed(p->arena, one->cohort_auc, 3));
        markdown_cell(p, number_fixed(p->arena, one->stability.psi, 2));
        markdown_cell(p, is_missing(one->psi_limit) ? S("not above chance")
                                                    : number_fixed(p->arena, one->psi_limit, 2));
        markdown_cell(p, severity_name(one->severity));
        markdown_row_end(p);
    }
    if (a->probes > shown)
        markdown_paragraph(p, "%zu more are in metrics.json.", a->probes - shown);
}

static void leaks_table(Page *p, const Audit *a, bool overruled)
{
    markdown_table(p, overruled ? "Feature|Reads|Why it leaks|>AUC alone|What the book says"
                                : "Feature|Reads|Why|>AUC alone|What was done");
    for (size_t i = 0; i < a->kept_outs; i++) {
        const KeptOut *k = &a->kept_out[i];
        if ((k->overruled.size > 0) != overruled)
            continue;
        markdown_row(p);
        markdown_cell(p, k->name);
        markdown_cell(p, k->column);
        markdown_cell(p, k->why);
        markdown_cell(p, auc_alone(p->arena, &k->auc));
        markdown_cell(p, overruled ? k->overruled : S("kept out"));
        markdown_row_end(p);
    }
}

static void kept_out(Page *p, const Audit *a)
{
    markdown_title(p, "###", "Kept from the model");
    if (a->kept_outs == count_overruled(a))
        markdown_paragraph(p,
                           "%s: no %sfeature of the model, and no column that one reads, is as "
                           "good as the label.",
                           p->run->data->dropped_count > 0
                               ? "Nothing more than the columns that the files of one cohort lack"
                               : "Nothing",
                           a->kept_outs > 0 ? "other " : "");
    else
        leaks_table(p, a, false);
    if (count_overruled(a) == 0)
        return;
    markdown_title(p, "###", "Overruled: in the model although the audit calls it a leak");
    leaks_table(p, a, true);
}

static void columns(Page *p, const Audit *a)
{
    static const char *const about[] = {"feature", "customers' file", "transactions' file",
                                        "how observed"};
    size_t shown = a->columns < COLUMNS_SHOWN ? a->columns : COLUMNS_SHOWN;
    markdown_title(p, "###", "Columns of the files, and how customers were observed");
    if (a->columns == 0) {
        markdown_absent(p, "The files' own columns were not tried in this run.");
        return;
    }
    markdown_paragraph(
        p, "%zu were tried, whether a feature reads them or not; worst first:", a->columns);
    markdown_table(p, "Column|Of|Leak|>AUC alone|Riskier|>Cohort AUC|Severity");
    for (size_t i = 0; i < shown; i++) {
        const Probe *one = &a->column[i];
        markdown_row(p);
        markdown_cell(p, one->name);
        markdown_cell(p, str_from(about[one->about]));
        markdown_cell(p, one->leak == LEAK_NONE ? S("no") : leak_code(one->leak));
        markdown_cell(p, auc_alone(p->arena, &one->auc));
        markdown_cell(p, one->higher_is_risky ? S("more") : S("less"));
        markdown_cell(p, number_fixed(p->arena, one->cohort_auc, 3));
        markdown_cell(p, severity_name(one->severity));
        markdown_row_end(p);
    }
}

static void cohorts(Page *p, const Audit *a)
{
    markdown_title(p, "###", "Labelled customers beside those to be scored");
    if (a->adversary.labelled == 0) {
        markdown_absent(p, "No model was trained to tell the cohorts apart: there is no second "
                           "one, or it is too small.");
    } else {
        markdown_paragraph(p,
                           "Adversarial check: a model that is trained to tell the cohorts apart "
                           "by what differs in the model's inputs reaches an AUC of %s out of fold "
                           "(%zu against %zu "
                           "customers). At 0.5 they look alike and figures carry over.",
                           say_interval(p, a->adversary.auc, 3), a->adversary.labelled,
                           a->adversary.scored);
        bool apart = a->adversary.auc.low > 0.5;
        for (size_t i = 0; apart && i < a->adversary.tellings && i < TELLINGS_SHOWN; i++)
            markdown_item(p, "%s: AUC lost without it %s",
                          say_text(p, a->adversary.telling[i].column),
                          say_fixed(p, a->adversary.telling[i].drop, 3));
    }
    for (size_t i = 0; i < a->shareds; i++)
        markdown_item(p, "Shared: %s.", say_text(p, a->shared[i].what));
}

static void joining(Page *p, const Joining *j)
{
    if (j->late_days > 0)
        markdown_paragraph(
            p,
            "Of %zu labelled customers who joined in the last %lld days %s are suspended, of the "
            "%zu who joined before %s: when someone joined tells the label, and says nothing of "
            "what they did.",
            j->late, (long long)j->late_days,
            say_share(p, (double)j->late_positives / (double)j->late), j->others,
            say_share(p, (double)j->other_positives / (double)j->others));
    size_t changing = 0;
    for (size_t i = 0; i < j->relations; i++)
        changing += j->relation[i].changes;
    if (j->cohorts > 0)
        markdown_paragraph(p,
                           "Cut into %zu cohorts by when they joined, customers show another "
                           "relation to the label in %zu of %zu features, beyond chance.",
                           j->cohorts, changing, j->relations);
    else
        markdown_absent(p, "Customers could not be cut by when they joined: there are too few, or "
                           "events have no time.");
}

/* ---- what the columns are worth ---- */

static void variant(Page *p, const AblationRow *row)
{
    switch (row->kind) {
    case ABLATION_FULL:
        markdown_cell(p, S("the model as it is"));
        break;
    case ABLATION_WITHOUT:
        markdown_say(p, "without %s", say_text(p, row->name));
        break;
    case ABLATION_ONLY:
        markdown_say(p, "%s alone", say_text(p, row->name));
        break;
    case ABLATION_SUSPICIOUS:
        markdown_cell(p, S("with what the audit keeps out"));
        break;
    default:
        markdown_cell(p, S("with protected columns"));
    }
}

static void ablation(Page *p, const Ablation *a)
{
    size_t headline = p->run->headline;
    markdown_title(p, "###", "Ablation");
    if (a == NULL || headline >= a->strata) {
        markdown_absent(p, "Parts of the columns were not taken out and put in (--ablation full "
                           "does it).");
        return;
    }
    markdown_paragraph(p,
                       "Fit of %s with the settings that were tuned on all customers and all "
                       "columns of the model, which favours the model as it is, on the same folds "
                       "with some columns taken out or others put in. The rows with what must stay "
                       "out show what a cheat would "
                       "report.",
                       say_text(p, a->candidate));
    markdown_table(p, str_chars(p->arena, str_format(p->arena,
                                                     "Columns|>Number|>AUC, %s|>Difference in AUC|"
                                                     ">Log loss|>Difference in log loss",
                                                     say_text(p, a->stratum[headline]))));
    for (size_t i = 0; i < a->rows; i++) {
        const AblationRow *row = &a->row[i];
        markdown_row(p);
        variant(p, row);
        markdown_cell(p, number_count(p->arena, row->columns));
        markdown_cell(p, number_fixed(p->arena, row->auc[headline].value, 3));
        markdown_cell(p, i == 0 ? S("") : number_change(p->arena, row->auc_gain[headline], 3));
        markdown_cell(p, number_fixed(p->arena, row->log_loss.value, 4));
        markdown_cell(p, i == 0 ? S("") : number_change(p->arena, row->log_loss_gain, 4));
        markdown_row_end(p);
    }
}

void validation_audit(Page *p)
{
    const Audit *a = p->run->audit;
    markdown_title(p, "##", "8 Leakage audit");
    paper_controls(p);
    if (a == NULL)
        markdown_absent(p, "Columns were not tried against the label in this run.");
    else {
        probes(p, a);
        kept_out(p, a);
        columns(p, a);
        cohorts(p, a);
        joining(p, &a->joining);
        ablation(p, a->ablation);
    }
    markdown_belief(p, "What is used by monitor or audit only is watched and never enters the "
                       "model. A test of one column at a time misses what two tell together; the "
                       "negative control sees search and fit of the chosen candidate.");
}
