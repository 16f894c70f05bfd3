/* job_strata.c - for whom the figures hold: slices side by side, and the one to quote. */
#include "cli/job.h"

/* Cells are made of what separates labelled customers from those to be scored: whether there are
 * transactions, and how long before as_of the first one was. A bank that joined no customer lately
 * has them all in one cell, and the reweighted estimate is then the plain one. */
enum { CELL_NONE, CELL_WEEK, CELL_MONTH, CELL_OLDER, CELLS };

static size_t cell_of(const Job *j, size_t customer)
{
    const Events *e = j->whole;
    if (e->start[customer] == e->start[customer + 1])
        return CELL_NONE;
    if (j->schema->timeless)
        return CELL_OLDER;
    int64_t age_us = e->as_of_us[customer] - e->created_us[e->start[customer]];
    return age_us < 7 * DAY_US ? CELL_WEEK : age_us < 28 * DAY_US ? CELL_MONTH : CELL_OLDER;
}

Status job_strata(Job *j, Error *err)
{
    const Dataset *d = j->data;
    if (j->run.validation == NULL)
        return STATUS_OK;
    size_t rows = j->set.x->rows, strata = j->set.strata;
    Str *name = ARENA_ARRAY(j->keep, Str, CELLS), *condition = ARENA_ARRAY(j->keep, Str, strata);
    size_t *scored_in_cell = ARENA_ARRAY(j->keep, size_t, CELLS);
    size_t *scored_in_stratum = ARENA_ARRAY(j->keep, size_t, strata);
    uint32_t *cell = ARENA_ARRAY(j->keep, uint32_t, rows + 1);
    uint8_t *in = ARENA_ARRAY(j->keep, uint8_t, d->customers + 1);
    StrataInputs inputs = {.set = &j->set,
                           .validation = j->run.validation,
                           .condition = condition,
                           .scored_in_stratum = scored_in_stratum,
                           .cells = CELLS,
                           .cell_name = name,
                           .cell = cell,
                           .scored_in_cell = scored_in_cell,
                           .unseen = CELL_NONE};
    job_stage(j, "strata", NULL);
    name[CELL_NONE] = S("no transactions");
    name[CELL_WEEK] = S("first transaction less than 7 days before");
    name[CELL_MONTH] = S("first transaction 7 to 28 days before");
    name[CELL_OLDER] = j->schema->timeless ? S("has transactions")
                                           : S("first transaction at least 28 days before");
    for (size_t i = 0; i < rows; i++)
        cell[i] = (uint32_t)cell_of(j, j->training_row[i]);
    for (size_t i = 0; i < d->customers; i++)
        if ((d->cohort[i] & COHORT_SCORED) != 0) {
            inputs.scored++;
            scored_in_cell[cell_of(j, i)]++;
        }
    for (size_t s = 0; s < strata; s++) {
        condition[s] = S("true");
        if (s >= j->plan->strata) {
            scored_in_stratum[s] = inputs.scored;
            continue;
        }
        condition[s] = lang_text(j->plan->stratum[s].condition);
        TRY(plan_stratum(in, j->scratch, &j->plan->stratum[s], j->slices, err));
        for (size_t i = 0; i < d->customers; i++)
            scored_in_stratum[s] += (d->cohort[i] & COHORT_SCORED) != 0 && in[i];
    }
    Strata *found;
    judge_strata(&found, j->keep, &inputs, &j->learn, j->args->team);
    j->run.strata = found;
    j->run.headline = found->stratum;
    return STATUS_OK;
}
