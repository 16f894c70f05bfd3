#include "quality/quality_internal.h"

#include <stdlib.h>

/* Fewer events than this have no "nearly all others". */
enum { EVENTS_MIN = 50 };

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool outside(const Column *c, size_t row, int64_t low, int64_t high)
{
    return c != NULL && column_valid(c, row) && (c->integer[row] < low || c->integer[row] > high);
}

/* One mistyped year would move as_of, and with it every trailing window and age, for everybody. An
 * event is far when it lies beyond the middle 98 % of creation times by as much as these span,
 * and by 30 days at least. */
void quality_find_times(Dataset *d, Arena *keep, Arena scratch, const Table *t,
                        const uint32_t *owner, const Column *created, const Column *completed)
{
    int64_t *time = ARENA_ARRAY(&scratch, int64_t, t->rows + 1);
    size_t n = 0, first = SIZE_MAX;
    uint64_t far_rows = 0;
    for (size_t row = 0; row < t->rows; row++)
        if (owner[row] != NO_CODE)
            time[n++] = created->integer[row];
    if (n < EVENTS_MIN)
        return;
    qsort(time, n, sizeof *time, ascending);
    int64_t low = time[n / 100], high = time[n - 1 - n / 100];
    int64_t far = high - low > 30 * DAY_US ? high - low : 30 * DAY_US;
    low -= far;
    high += far;
    for (size_t row = 0; row < t->rows; row++)
        if (owner[row] != NO_CODE &&
            (outside(created, row, low, high) || outside(completed, row, low, high))) {
            far_rows++;
            if (first == SIZE_MAX)
                first = row;
        }
    if (far_rows > 0)
        findings_add(d->findings, SEVERITY_SEVERE, "times_far_off", far_rows,
                     str_format(keep,
                                "%llu transaction rows lie more than %lld days away from nearly "
                                "all others, such as line %llu of %.*s",
                                (unsigned long long)far_rows, (long long)(far / DAY_US),
                                (unsigned long long)t->line[first],
                                STR_ARG(t->files[t->file[first]])),
                     S("used as they are, and the latest event sets as_of: mend the file, or give "
                       "--as-of"));
    if (d->as_of_us > high) {
        char text[TIME_TEXT];
        findings_add(d->findings, SEVERITY_SEVERE, "as_of_far_off", 1,
                     str_format(keep,
                                "as_of, %.*s, lies more than %lld days after nearly all events",
                                STR_ARG(time_text(text, d->as_of_us)), (long long)(far / DAY_US)),
                     S("used as it is: ages and trailing windows are counted from it"));
    }
}
