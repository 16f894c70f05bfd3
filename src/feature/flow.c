#include "feature/feature_internal.h"
#include "feature/sort.h"

#include <stdlib.h>

typedef struct Lot {
    int64_t available_us;
    int64_t amount, left; /* of it not yet matched */
    size_t row;
} Lot;

/* Rows are by created_at, then id, and lots by row before they are sorted. */
#define LOT_AFTER(a, b) ((a).available_us > (b).available_us)

static int by_availability(const void *a, const void *b)
{
    const Lot *x = a, *y = b;
    if (x->available_us != y->available_us)
        return x->available_us < y->available_us ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

Flow flow_of(const Events *e, const Folding *f)
{
    return (Flow){.in = f->filter,
                  .out = f->base,
                  .amount = f->amount,
                  .available = f->completed,
                  .created_us = e->created_us,
                  .within_us = f->aggregate->within_us,
                  .fraction = f->aggregate->fraction,
                  .fraction_scale = f->aggregate->fraction_scale};
}

Matched flow_match(const Flow *flow, Range range, Arena scratch, uint8_t *used)
{
    return flow_match_parts(flow, range, scratch, used, NULL, NULL);
}

Matched flow_match_parts(const Flow *flow, Range range, Arena scratch, uint8_t *used,
                         FlowPart *part, size_t *parts)
{
    Lot *lot = ARENA_RAW(&scratch, Lot, range.to - range.from + 1);
    size_t lots = 0;
    const Folding in = {.argument = flow->amount, .filter = flow->in};
    const Folding out = {.argument = flow->amount, .filter = flow->out};
    FOR_TAKEN(row, &in, range)
    {
        if (flow->amount->integer[row] <= 0)
            continue;
        if (flow->available != NULL && !column_valid(flow->available, row))
            continue; /* never arrived */
        int64_t available =
            flow->available == NULL ? flow->created_us[row] : flow->available->integer[row];
        if (available < flow->created_us[row])
            available = flow->created_us[row];
        lot[lots++] = (Lot){available, flow->amount->integer[row], flow->amount->integer[row], row};
    }
    SORT_FEW_ITEMS(Lot, lot, lots, LOT_AFTER, by_availability);

    Matched matched = {0};
    size_t head = 0;
    FOR_TAKEN(row, &out, range)
    {
        if (head == lots)
            continue; /* all money has left */
        int64_t now = flow->created_us[row], wanted = flow->amount->integer[row];
        while (head < lots && lot[head].available_us < now - flow->within_us)
            head++; /* too old for this outflow and all later ones */
        for (size_t i = head; i < lots && wanted > 0 && lot[i].available_us <= now; i++) {
            if (lot[i].left == 0 || lot[i].row == row)
                continue;
            int64_t taken = lot[i].left < wanted ? lot[i].left : wanted;
            lot[i].left -= taken;
            wanted -= taken;
            matched.amount += taken;
            Int128 weight = (Int128)taken * (now - lot[i].available_us);
            matched.overflow |= __builtin_add_overflow(matched.weighted, weight, &matched.weighted);
            if (used != NULL)
                used[lot[i].row - range.from] = used[row - range.from] = 1;
            if (part != NULL)
                part[(*parts)++] = (FlowPart){(uint32_t)lot[i].row, (uint32_t)row, taken,
                                              now - lot[i].available_us};
        }
        while (head < lots && lot[head].left == 0)
            head++;
    }
    const Int128 unit = power_of_ten(flow->fraction_scale);
    if (flow->fraction == 0) /* of every lot, and where nobody asks */
        matched.drained = (int64_t)lots;
    for (size_t i = 0; i < lots && flow->fraction != 0; i++)
        matched.drained +=
            (lot[i].amount - lot[i].left) * unit >= (Int128)lot[i].amount * flow->fraction;
    return matched;
}

int64_t flow_followed(const Flow *flow, Range range, uint8_t *used)
{
    int64_t count = 0;
    size_t next = range.to; /* the nearest later row where b */
    for (size_t row = range.to; row-- > range.from;) {
        if (next < range.to && condition_holds(flow->in, row) &&
            flow->created_us[next] - flow->created_us[row] <= flow->within_us) {
            count++;
            if (used != NULL)
                used[row - range.from] = used[next - range.from] = 1;
        }
        if (condition_holds(flow->out, row))
            next = row;
    }
    return count;
}
