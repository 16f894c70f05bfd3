#include "cli/beside.h"

#include <stdlib.h>
#include <string.h>

const Option beside_options[] = {
    {"case-facts", "FILE",
     "what the bank knows beside the files, CSV of customer_id, fact, since, evidence", false},
    {"previous", "FOLDER",
     "an earlier run: a segment goes up at once, and down after the policy's cool-down", false},
    {0}};

static bool same_folder(const char *a, const char *b)
{
    char *one = realpath(a, NULL), *other = realpath(b, NULL);
    bool same = one != NULL && other != NULL && strcmp(one, other) == 0;
    free(one);
    free(other);
    return same;
}

Status beside_check(const Args *args, const char *out, Error *err)
{
    const char *previous = args_value(args, "previous", NULL);
    if (previous == NULL || out == NULL || !same_folder(previous, out))
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--previous and --out name the same folder");
    return error_remedy(err, "write to another one: what is there would be removed before it is "
                             "read");
}

Status beside_read(ScoreOptions *out, const Args *args, const Policy *policy, Dataset *data,
                   Arena scratch, Error *err)
{
    const char *file = args_value(args, "case-facts", NULL);
    const char *folder = args_value(args, "previous", NULL);
    CaseFacts *facts = NULL;
    Earlier *earlier = NULL;
    uint64_t unpacked_max;
    *out = (ScoreOptions){0};
    TRY(args_size(&unpacked_max, args, "max-unpacked", err));
    if (file != NULL)
        TRY(score_read_facts(&facts, args->arena, scratch, file, unpacked_max, policy, data, err));
    if (folder != NULL)
        TRY(score_read_earlier(&earlier, args->arena, scratch, folder, data, err));
    *out = (ScoreOptions){.facts = facts, .earlier = earlier};
    return STATUS_OK;
}
