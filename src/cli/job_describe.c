/* job_describe.c - the files in numbers, for the report's first part. */
#include "cli/job.h"

void job_describe(Job *j)
{
    const Scored *s = j->run.scored;
    job_stage(j, "describe", "describing the data");
    j->run.description = describe_dataset(j->keep, j->scratch, j->data, j->plan, s->events,
                                          s->features, j->args->team);
}
