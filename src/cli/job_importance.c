/* job_importance.c - the stage that asks what the chosen model lives on. */
#include "cli/job.h"

static Str family_of(const Feature *f)
{
    return f->family.text.size > 0 ? f->family.text : S("without a family");
}

/* The audit has tried every column alone already; its list is ordered by severity. */
static void take_probes(Job *j, Interval *auc, uint8_t *higher)
{
    const Audit *a = j->run.audit;
    for (size_t i = 0; i < j->plan->features; i++) {
        auc[i] = (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
        for (size_t k = 0; k < a->probes; k++)
            if (str_equal(a->probe[k].name, j->plan->feature[i].name.text)) {
                auc[i] = a->probe[k].auc;
                higher[i] = a->probe[k].higher_is_risky;
            }
    }
}

static const Screening *screen(Job *j, const Str *family)
{
    static const Str uses[] = {{"model", 5}, {"policy", 6}, {"monitor", 7}};
    const Dataset *d = j->data;
    size_t features = j->plan->features, count = 0;
    uint32_t *scored = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++)
        if (d->cohort[i] == COHORT_SCORED)
            scored[count++] = (uint32_t)i;
    Str *use = ARENA_ARRAY(j->keep, Str, features + 1);
    Str *barred = ARENA_ARRAY(j->keep, Str, features + 1);
    uint8_t *in_model = ARENA_ARRAY(j->keep, uint8_t, features + 1);
    uint8_t *higher = ARENA_ARRAY(j->keep, uint8_t, features + 1);
    Interval *auc = ARENA_ARRAY(j->keep, Interval, features + 1);
    const MatrixPlan *columns = matrix_plan(j->keep, j->plan, j->skip);
    for (size_t i = 0; i < features; i++) {
        use[i] = uses[j->plan->feature[i].use];
        if (j->plan->feature[i].use == USE_MODEL)
            barred[i] = j->skip[i] ? S("the findings say why")
                                   : S("no value of it is common enough for a column");
    }
    for (size_t k = 0; k < columns->columns; k++)
        in_model[columns->feature[k]] = 1;
    take_probes(j, auc, higher);
    const ScreeningInputs inputs = {
        .labelled = table_take(j->keep, j->features, j->training_row, j->set.x->rows),
        .scored = count == 0 ? NULL : table_take(j->keep, j->features, scored, count),
        .label = j->set.label,
        .use = use,
        .family = family,
        .in_model = in_model,
        .barred = barred,
        .auc = auc,
        .higher_is_risky = higher,
        .seed = j->learn.seed};
    return inspect_screening(j->keep, j->scratch, &inputs, j->args->team);
}

enum { CONTRIBUTIONS_MAX = 20000 }; /* customers: beyond it an even sample of those scored */

Status job_importance(Job *j, Error *err)
{
    if (j->run.validation == NULL)
        return STATUS_OK;
    job_stage(j, "importance", "measuring what the model lives on");
    const Scored *scored = j->run.scored;
    size_t features = j->plan->features;
    Str *name = ARENA_ARRAY(j->keep, Str, features + 1);
    Str *family = ARENA_ARRAY(j->keep, Str, features + 1);
    for (size_t i = 0; i < features; i++) {
        name[i] = j->plan->feature[i].name.text;
        family[i] = family_of(&j->plan->feature[i]);
    }
    Matrix *x = NULL;
    const double *contribution = NULL;
    if (scored != NULL && scored->count > 0) {
        size_t count;
        uint32_t *position = score_sample(&count, j->keep, scored, CONTRIBUTIONS_MAX);
        TRY(score_matrix(&x, j->keep, j->bundle, scored, position, count, err));
        contribution = score_contributions(j->keep, j->bundle, x, j->args->team);
    }
    const ImportanceInputs inputs = {.set = &j->set,
                                     .validation = j->run.validation,
                                     .options = &j->learn,
                                     .features = features,
                                     .name = name,
                                     .family = family,
                                     .feature = matrix_plan(j->keep, j->plan, j->skip)->feature,
                                     .scored = x,
                                     .contribution = contribution};
    j->run.importance = inspect_importance(j->keep, j->scratch, &inputs, j->args->team);
    j->run.screening = screen(j, family);
    return STATUS_OK;
}
