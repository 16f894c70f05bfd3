/* job_resume.c - an interrupted run of the same inputs goes on from where it was. */
#include "cli/job.h"

#include <string.h>

/* All that the searches depend on beyond the matrix and the options: books, and the files
 * themselves where columns are made anew for every part. False: a file that cannot be read twice.
 */
static bool identify(Buffer *out, const Job *j)
{
    buffer_format(out, "assay %s\nas of %lld\n", ASSAY_VERSION, (long long)j->data->as_of_us);
    buffer_add(out, j->schema->text);
    buffer_add(out, j->plan->text);
    for (size_t i = 0; i < j->data->ledger_count && j->set.refit != NULL; i++) {
        Arena own = arena_new();
        char hash[SHA256_TEXT];
        Str bytes;
        const char *path = str_chars(&own, j->data->ledger[i].file);
        bool good = strcmp(path, "-") != 0 && file_is_regular(path) &&
                    file_read(&bytes, &own, path, NULL) == STATUS_OK;
        if (good)
            sha256_text(hash, bytes);
        arena_free(&own);
        if (!good)
            return false;
        buffer_format(out, "\n%s", hash);
    }
    return true;
}

void job_resume_begin(Job *j)
{
    if (j->resume == NULL)
        return;
    Buffer identity = buffer_new(j->keep);
    if (!identify(&identity, j))
        return;
    Resume *resume = ARENA_NEW(j->keep, Resume);
    *resume = (Resume){j->resume, buffer_str(&identity)};
    j->learn.resume = resume;
    j->learn.stop = stop_gently(j->args, j->resume);
}

Status job_resume_end(Job *j, Status status, Error *err)
{
    stop_at_once(j->args);
    /* A signal that came when the searches were done is not lost. */
    bool told = j->learn.stop != NULL && atomic_load(j->learn.stop) != 0;
    if (status == STATUS_OK && told) {
        (void)error_set(err, STATUS_STOPPED, "stopped before the end");
        status = error_remedy(err, "the same command goes on from %s", j->resume);
    }
    j->learn.resume = NULL;
    j->learn.stop = NULL;
    return status;
}

Status job_resume_remove(const Job *j, Error *err)
{
    stop_forget(j->args);
    return j->resume == NULL ? STATUS_OK : file_remove(j->resume, err);
}
