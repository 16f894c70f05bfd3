/* coverage.c - which weeks have events, of how many customers, and who joins when. */
#include "describe/describe_internal.h"

/* Weeks since the Monday before 1970-01-01, a Thursday. */
static int64_t week_of(int64_t at_us)
{
    int64_t day = at_us / DAY_US - (at_us % DAY_US < 0) + 3;
    return day / 7 - (day % 7 < 0);
}

static void find_ends(Coverage *out, const Events *e, const GroupBits *bits, int64_t *first,
                      int64_t *last)
{
    *first = INT64_MAX;
    *last = INT64_MIN;
    for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
        out->first_us[g] = INT64_MAX;
        out->last_us[g] = INT64_MIN;
    }
    for (size_t i = 0; i < e->customers; i++) {
        size_t from = e->start[i], to = e->start[i + 1];
        for (size_t g = 0; g < DESCRIBE_GROUPS; g++) {
            if (!in_group(bits[i], g))
                continue;
            out->idle[g] += from == to;
            out->events[g] += to - from;
            if (from == to)
                continue;
            int64_t a = e->created_us[from], b = e->created_us[to - 1];
            out->first_us[g] = a < out->first_us[g] ? a : out->first_us[g];
            out->last_us[g] = b > out->last_us[g] ? b : out->last_us[g];
        }
        if (from == to || bits[i] == 0)
            continue;
        *first = e->created_us[from] < *first ? e->created_us[from] : *first;
        *last = e->created_us[to - 1] > *last ? e->created_us[to - 1] : *last;
    }
}

void coverage_describe(Coverage *out, Arena *keep, Arena scratch, const Events *e,
                       const GroupBits *bits, bool timeless)
{
    int64_t first, last;
    (void)scratch;
    find_ends(out, e, bits, &first, &last);
    if (timeless || first > last)
        return;
    int64_t begin = week_of(first), weeks = week_of(last) - begin + 1;
    int64_t width = (weeks + COVERAGE_STEPS_MAX - 1) / COVERAGE_STEPS_MAX;
    out->weeks_a_step = (size_t)width;
    out->steps = (size_t)((weeks + width - 1) / width);
    out->step = ARENA_ARRAY(keep, CoverageStep, out->steps);
    for (size_t s = 0; s < out->steps; s++)
        out->step[s].from_us = ((begin + (int64_t)s * width) * 7 - 3) * DAY_US;
    for (size_t i = 0; i < e->customers; i++) {
        size_t before = SIZE_MAX;
        for (size_t row = e->start[i]; row < e->start[i + 1] && bits[i] != 0; row++) {
            size_t s = (size_t)((week_of(e->created_us[row]) - begin) / width);
            for (size_t g = 0; g < DESCRIBE_GROUPS; g++)
                if (in_group(bits[i], g)) {
                    out->step[s].events[g]++;
                    out->step[s].customers[g] += s != before;
                    out->step[s].joining[g] += row == e->start[i];
                }
            before = s;
        }
    }
}
