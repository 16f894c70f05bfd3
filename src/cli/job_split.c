/* job_split.c - who may be learnt from, and who must stay together: groups, folds, outcome dates. */
#include "cli/job.h"

const uint32_t *job_groups(Job *j)
{
    const Links *links = j->links = quality_link(j->keep, j->scratch, j->data);
    if (links->groups == 0)
        return NULL;
    /* A group's number is the training row of its first customer. */
    uint32_t *group = ARENA_ARRAY(j->keep, uint32_t, j->fitting.count + 1);
    Arena scratch = j->scratch;
    uint32_t *first = ARENA_ARRAY(&scratch, uint32_t, j->data->customers + 1);
    for (size_t i = 0; i < j->fitting.count; i++) {
        uint32_t number = links->group[j->training_row[i]];
        if (first[number] == 0)
            first[number] = (uint32_t)i + 1;
        group[i] = first[number] - 1;
    }
    return group;
}
