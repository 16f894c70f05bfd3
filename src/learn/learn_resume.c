#include "learn/learn_internal.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
Keeper *keeper_new(Arena *keep, const Validation *v, Searched *searched, const size_t *worked,
                   size_t work, const TrainingSet *set, const LearnOptions *options,
                   const Progress *progress)
{
    return NULL;
}
void keeper_done(Keeper *k, size_t task)
{
}
Status keeper_close(Keeper *k, Error *err)
{
    return STATUS_OK;
}
