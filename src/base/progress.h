/* progress.h - how long work tells whoever watches where it is: which stage has begun, and what
 * part of it is done. A Progress and its functions may be NULL; they are called from the thread
 * that called the work, never from a team's. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

typedef struct Progress {
    void (*tell)(void *context, const char *stage, size_t done, size_t total);
    void *context;
    /* The part of the stage under way that is done. */
    void (*part)(void *context, size_t done, size_t total);
    /* Something to know beforehand, in a sentence. */
    void (*say)(void *context, const char *sentence);
} Progress;

static inline void progress_tell(const Progress *p, const char *stage, size_t done, size_t total)
{
    if (p != NULL && p->tell != NULL)
        p->tell(p->context, stage, done, total);
}

static inline void progress_part(const Progress *p, size_t done, size_t total)
{
    if (p != NULL && p->part != NULL)
        p->part(p->context, done, total);
}

static inline void progress_say(const Progress *p, const char *sentence)
{
    if (p != NULL && p->say != NULL)
        p->say(p->context, sentence);
}

#endif
