/* describe_internal.h - the parts of a description, for the room alone. */
#ifndef DESCRIBE_INTERNAL_H
#define DESCRIBE_INTERNAL_H

#include "describe/describe.h"

/* A bit for each group that a customer is of. */
typedef uint8_t GroupBits;
static inline bool in_group(GroupBits bits, size_t group)
{
    return (bits >> group) & 1;
}

/* A cell as a number in the unit of its column; NaN when missing. */
double describe_number(const Column *c, size_t row);

void column_describe(DescribedColumn *out, const Column *c, const GroupBits *bits, size_t rows,
                     Arena scratch);
void missing_describe(Description *out, Arena *keep, const Dataset *d, const Events *events,
                      const Table *features, const Plan *plan, const GroupBits *bits);
void correlations_describe(Correlations *out, Arena *keep, Arena scratch,
                           const DescribedColumn *column, size_t columns, const Table *features,
                           Team *team);
void coverage_describe(Coverage *out, Arena *keep, Arena scratch, const Events *events,
                       const GroupBits *bits, bool timeless);

#endif
