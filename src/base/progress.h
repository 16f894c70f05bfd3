/* progress.h - how long work tells whoever watches where it is. A Progress may be NULL; it is
 * called from the thread that called the work, never from a team's. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

typedef struct Progress {
    void (*tell)(void *context, const char *stage, size_t done, size_t total);
    void *context;
} Progress;

static inline void progress_tell(const Progress *p, const char *stage, size_t done, size_t total)
{
    if (p != NULL && p->tell != NULL)
        p->tell(p->context, stage, done, total);
}

#endif
