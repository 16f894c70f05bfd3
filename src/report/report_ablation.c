/* report_ablation.c - what each family of features is worth, and what a cheat would report. */
#include "report/report_internal.h"

static Str variant_name(Arena *a, const AblationRow *row)
{
    switch (row->kind) {
    case ABLATION_FULL:
        return S("the model as it is");
    case ABLATION_WITHOUT:
        return str_format(a, "without %.*s", STR_ARG(row->name));
    case ABLATION_ONLY:
        return str_format(a, "%.*s alone", STR_ARG(row->name));
    case ABLATION_SUSPICIOUS:
        return S("with what the audit keeps out");
    default:
        return S("with protected columns");
    }
}

static Str gain(Arena *a, Interval i)
{
    if (is_missing(i.value))
        return S("not defined");
    return is_missing(i.low) ? str_format(a, "%+.3f", i.value)
                             : str_format(a, "%+.3f [%+.3f, %+.3f]", i.value, i.low, i.high);
}

/* Is any family indispensable, by the log loss of all customers? */
static void verdict(Page *p, const Ablation *a)
{
    Buffer names = buffer_new(p->arena);
    size_t without = 0, missed = 0;
    for (size_t i = 0; i < a->rows; i++) {
        const AblationRow *row = &a->row[i];
        if (row->kind != ABLATION_WITHOUT)
            continue;
        without++;
        if (!(row->log_loss_gain.low > 0))
            continue;
        buffer_format(&names, "%s%.*s", missed++ == 0 ? "" : ", ", STR_ARG(row->name));
    }
    if (missed == 0)
        html_verdict(p,
                     "Any one of the %zu families of features can be taken out without a loss that "
                     "could be told from noise: what one tells, others tell too.",
                     without);
    else
        html_verdict(p,
                     "Of %zu families of features, %zu cannot be taken out without a loss beyond "
                     "noise: %.*s.",
                     without, missed, STR_ARG(buffer_str(&names)));
}

void section_ablation(Page *p, const Ablation *a)
{
    Arena *arena = p->arena;
    Buffer columns = buffer_new(arena);
    buffer_add(&columns, S("Columns|>Number"));
    for (size_t s = 0; s < a->strata; s++)
        buffer_format(&columns, "|>AUC, %.*s|>difference", STR_ARG(a->stratum[s]));
    buffer_add(&columns, S("|>Log loss|>difference"));
    buffer_char(&columns, '\0');
    html(p, "<h3 id=\"ablation\">What the columns are worth</h3>\n");
    verdict(p, a);
    html_paragraph(
        p,
        "Fit of the chosen candidate (%.*s) with the settings that were tuned on all customers "
        "and all columns of the model, which favours the model as it is, on the same folds with "
        "some columns taken out or others put in; %zu customers, %zu "
        "%s. Differences are to the model as it is, on the same customers, with 95 %% "
        "intervals from %zu draws of customers: an interval that holds 0 cannot be told "
        "from noise. Log losses are after a calibration on the other folds, whose models have "
        "learnt "
        "from the judged one: compare them with each other, not with the validation's. The last "
        "rows are not to be believed: they show what a report would "
        "claim that lets the model see how customers were observed, or grounds on which "
        "the law forbids to decide.",
        STR_ARG(a->candidate), a->customers, a->repeats, a->repeats == 1 ? "repeat" : "repeats",
        a->replicates);
    html_table(p, "Families of features out, alone, and what must stay out in",
               buffer_str(&columns).data);
    for (size_t i = 0; i < a->rows; i++) {
        const AblationRow *row = &a->row[i];
        html_row(p);
        html_head(p, variant_name(arena, row));
        html_cell_number(p, number_count(arena, row->columns));
        for (size_t s = 0; s < a->strata; s++) {
            html_cell_number(p, number_fixed(arena, row->auc[s].value, 3));
            html_cell_number(p, i == 0 ? S("") : gain(arena, row->auc_gain[s]));
        }
        html_cell_number(p, number_fixed(arena, row->log_loss.value, 4));
        html_cell_number(p, i == 0 ? S("") : gain(arena, row->log_loss_gain));
        html_row_end(p);
    }
    html_table_end(p);
}
