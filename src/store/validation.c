#include "store/store_internal.h"

static void add_probabilities(Buffer *b, double *const *p, size_t repeats, size_t row)
{
    for (size_t r = 0; r < repeats; r++) {
        char text[NUMBER_TEXT];
        buffer_char(b, ',');
        buffer_add(b, double_text(text, p[r][row]));
    }
}

/* validation.csv: the labelled customers with their out-of-fold probabilities, so that anyone can
 * recompute every figure of metrics.json. */
Status store_validation(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const TrainingSet *set = run->training;
    const Validation *v = run->validation;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "validation.csv", err));
    buffer_add(&s.line, S("customer_id,label"));
    for (size_t k = 0; k < set->strata; k++) {
        buffer_char(&s.line, ',');
        csv_write_cell(&s.line, set->stratum[k], true);
    }
    for (size_t c = 0; c < v->candidates; c++)
        for (size_t r = 0; r < v->repeats; r++)
            buffer_format(&s.line, ",p_%.*s_%zu", STR_ARG(v->candidate[c].name), r + 1);
    for (size_t r = 0; r < v->repeats; r++)
        buffer_format(&s.line, ",p_nested_%zu", r + 1);
    buffer_char(&s.line, '\n');
    for (size_t i = 0; i < set->x->rows; i++) {
        csv_write_cell(&s.line, set->x->id[i], true);
        buffer_format(&s.line, ",%d", set->label[i]);
        for (size_t k = 0; k < set->strata; k++)
            buffer_format(&s.line, ",%d", set->in_stratum[k][i]);
        for (size_t c = 0; c < v->candidates; c++)
            add_probabilities(&s.line, v->candidate[c].probability, v->repeats, i);
        add_probabilities(&s.line, v->nested.probability, v->repeats, i);
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}

/* Every table of what was learnt and judged, as far as the run has it. */
Status store_learning(const Run *run, const char *folder, Arena scratch, Error *err)
{
    if (run->validation != NULL) {
        TRY(store_validation(run, folder, scratch, err));
        TRY(store_trials(run, folder, scratch, err));
        TRY(store_folds(run, folder, scratch, err));
        TRY(store_calibration(run, folder, scratch, err));
    }
    TRY(store_strata(run, folder, scratch, err));
    TRY(store_fairness(run, folder, scratch, err));
    if (run->thresholds != NULL)
        TRY(store_thresholds(run, folder, scratch, err));
    if (run->stability != NULL)
        TRY(store_stability(run, folder, scratch, err));
    TRY(store_ablation(run, folder, scratch, err));
    return store_importance(run, folder, scratch, err);
}
