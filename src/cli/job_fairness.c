/* job_fairness.c - how customers alike on a protected ground fare. */
#include "cli/job.h"

/* Labelled customers who are linked share a number; everybody else has one of his own. */
static const uint32_t *linked(Job *j)
{
    if (j->set.group == NULL)
        return NULL;
    size_t customers = j->data->customers, rows = j->set.x->rows;
    uint32_t *group = ARENA_ARRAY(j->keep, uint32_t, customers + 1), most = 0;
    for (size_t i = 0; i < rows; i++)
        most = j->set.group[i] > most ? j->set.group[i] : most;
    for (size_t i = 0; i < customers; i++)
        group[i] = most + 1 + (uint32_t)i;
    for (size_t i = 0; i < rows; i++)
        group[j->training_row[i]] = j->set.group[i];
    return group;
}

Status job_fairness(Job *j, Error *err)
{
    const Dataset *d = j->data;
    uint32_t *row = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    Matrix *x;
    Fairness *found;
    if (j->run.validation == NULL) /* nobody was judged: rules alone decide */
        return STATUS_OK;
    job_stage(j, "fairness", "looking at groups on protected grounds");
    for (size_t i = 0; i < d->customers; i++)
        row[i] = (uint32_t)i;
    TRY(feature_matrix(&x, j->keep, j->plan, j->features, j->skip, d->id, row, d->customers, err));
    const FairnessInputs inputs = {.data = d,
                                   .plan = j->plan,
                                   .set = &j->set,
                                   .training_row = j->training_row,
                                   .validation = j->run.validation,
                                   .scored = j->run.scored,
                                   .candidate = j->run.candidate,
                                   .candidates = j->run.candidates,
                                   .thresholds = policy_thresholds(j->policy),
                                   .x = x,
                                   .columns = matrix_plan(j->keep, j->plan, j->skip),
                                   .group = linked(j)};
    fairness_measure(&found, j->keep, j->scratch, &inputs, &j->learn, j->args->team);
    j->run.fairness = found;
    return STATUS_OK;
}
