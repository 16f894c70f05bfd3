#include "learn/learn_internal.h"

#include <math.h>

void learn_nothing(Learned *out, Arena *keep, Arena scratch, const TrainingSet *set)
{
    size_t columns = set->x->columns, rows = set->x->rows, positives = 0;
    Linear *l = ARENA_NEW(keep, Linear);
    *l = (Linear){.columns = columns,
                  .name = ARENA_ARRAY(keep, Str, columns + 1),
                  .transform = ARENA_ARRAY(keep, Transform, columns + 1),
                  .center = ARENA_ARRAY(keep, double, columns + 1),
                  .scale = ARENA_ARRAY(keep, double, columns + 1),
                  .weight = ARENA_ARRAY(keep, double, columns + 1),
                  .weight_missing = ARENA_ARRAY(keep, double, columns + 1),
                  .low = ARENA_ARRAY(keep, double, columns + 1),
                  .high = ARENA_ARRAY(keep, double, columns + 1)};
    for (size_t k = 0; k < columns; k++) {
        l->name[k] = set->x->name[k];
        l->scale[k] = 1;
        l->low[k] = -INFINITY;
        l->high[k] = INFINITY;
    }
    for (size_t i = 0; i < rows; i++)
        positives += set->label[i] != 0;
    l->intercept = stable_log((double)(positives + 1) / (double)(rows - positives + 1));
    Model *m = ARENA_NEW(keep, Model);
    *m = (Model){.kind = MODEL_LINEAR, .linear = l};
    double *margin = ARENA_RAW(&scratch, double, rows);
    for (size_t i = 0; i < rows; i++)
        margin[i] = l->intercept;
    *out = (Learned){.model = m,
                     .calibration = {.platt = {1, 0}},
                     .venn_abers = learn_venn_abers(keep, scratch, margin, set->label, rows)};
}
