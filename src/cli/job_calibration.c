/* job_calibration.c - what the probabilities are worth, slice by slice. */
#include "cli/job.h"

enum { STREAM_CALIBRATION = 0xCA11B };

void job_calibration(Job *j)
{
    const Run *run = &j->run;
    const Validation *v = run->validation;
    const TrainingSet *set = &j->set;
    const double *judged[] = {v == NULL ? run->scored->probability : NULL};
    const double *const *p =
        v == NULL ? judged : (const double *const *)v->candidate[v->chosen].probability;
    Thresholds t = policy_thresholds(j->policy);
    const double threshold[PREVALENCE_RULES] = {t.medium, t.high};
    CalibrationCheck *check = ARENA_ARRAY(j->keep, CalibrationCheck, set->strata);
    uint64_t seed = seed_derive(j->learn.seed, STREAM_CALIBRATION);
    for (size_t s = 0; s < set->strata; s++)
        metric_calibration(&check[s], p, v == NULL ? 1 : v->repeats, set->label, set->in_stratum[s],
                           set->x->rows, threshold, j->learn.replicates, seed_derive(seed, s),
                           j->args->team);
    j->run.calibration = check;
}
