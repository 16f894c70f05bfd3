/* sort.h - the few values of one customer put in order.
 *
 * Most customers have a handful: then moving each to its place is cheaper than a sort that is made
 * for many. Equal items stay in their order. */
#ifndef FEATURE_SORT_H
#define FEATURE_SORT_H

#include <stdlib.h>

enum { SORT_FEW = 40 };

/* before(a, b): must b stand before a? compare: the same for qsort. */
#define SORT_FEW_ITEMS(Item, item, count, before, compare)                                         \
    do {                                                                                           \
        Item *const items_ = (item);                                                               \
        const size_t count_ = (count);                                                             \
        if (count_ > SORT_FEW) {                                                                   \
            qsort(items_, count_, sizeof *items_, (compare));                                      \
            break;                                                                                 \
        }                                                                                          \
        for (size_t i_ = 1; i_ < count_; i_++) {                                                   \
            const Item moved_ = items_[i_];                                                        \
            size_t to_ = i_;                                                                       \
            for (; to_ > 0 && before(items_[to_ - 1], moved_); to_--)                              \
                items_[to_] = items_[to_ - 1];                                                     \
            items_[to_] = moved_;                                                                  \
        }                                                                                          \
    } while (0)

#define SORT_AFTER(a, b) ((a) > (b))

#endif
