/* measure.c - how long customers are observed, how much they move and how densely: from this follow
 * the windows of the features and the bounds of the rules. */
#include "profile/profile_internal.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double amount_of(const Profile *p, size_t row)
{
    const Portrait *const columns[] = {p->amount, p->debit, p->credit};
    double sum = 0;
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const Portrait *c = columns[i];
        if (c != NULL && c->code[row] != NO_CODE && !is_missing(c->number[c->code[row]]))
            sum += fabs(c->number[c->code[row]]);
    }
    return sum;
}

/* One customer's event, for counting days and payers. */
typedef struct Seen {
    uint32_t who;
    int64_t day;
    uint32_t payer; /* NO_CODE when nothing came in */
} Seen;

static int by_day(const void *a, const void *b)
{
    const Seen *x = a, *y = b;
    if (x->who != y->who)
        return x->who < y->who ? -1 : 1;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->payer > y->payer) - (x->payer < y->payer);
}

static int by_week(const void *a, const void *b)
{
    const Seen *x = a, *y = b;
    if (x->who != y->who)
        return x->who < y->who ? -1 : 1;
    if (x->day / 7 != y->day / 7)
        return x->day < y->day ? -1 : 1;
    return (x->payer > y->payer) - (x->payer < y->payer);
}

static bool comes_in(const Profile *p, size_t row)
{
    if (p->direction != NULL)
        return p->direction->code[row] != NO_CODE &&
               str_equal(p->direction->value->text[p->direction->code[row]], p->in_value);
    const Portrait *c = p->debit != NULL ? p->credit : p->amount;
    return c->code[row] != NO_CODE && c->number[c->code[row]] > 0;
}

/* The value that one customer in twenty exceeds, of each customer's largest. */
static int one_in_twenty(double *most, size_t customers, int least)
{
    qsort(most, customers, sizeof *most, by_value);
    int bound = customers == 0 ? least : (int)most[customers - 1 - customers / 20] + 1;
    return bound < least ? least : bound;
}

/* How many transactions in a day, and how many payers in a week, are many here. */
static void measure_density(Profile *p, Arena scratch)
{
    size_t customers = portrait_values(p->key), count = 0, at = 0;
    p->busy_day = 20;
    p->many_payers = 8;
    if (p->created == NULL)
        return;
    const Portrait *partner = p->source != NULL ? p->source : p->partner;
    Seen *seen = ARENA_RAW(&scratch, Seen, 2 * p->transactions.rows + 1);
    double *most = ARENA_ARRAY(&scratch, double, customers + 1);
    for (size_t row = 0; row < p->transactions.rows; row++) {
        const uint32_t who[] = {p->owner[row], p->other == NULL ? NO_CODE : p->other[row]};
        uint32_t code = p->created->code[row];
        if (code == NO_CODE || is_missing(p->created->number[code]))
            continue;
        int64_t day = (int64_t)floor(p->created->number[code] / (double)DAY_US);
        for (size_t i = 0; i < COUNT_OF(who); i++) {
            bool in = p->source != NULL ? i == 1 : comes_in(p, row);
            if (who[i] != NO_CODE)
                seen[count++] =
                    (Seen){who[i], day, in && partner != NULL ? partner->code[row] : NO_CODE};
        }
    }
    qsort(seen, count, sizeof *seen, by_day);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && seen[to].who == seen[from].who;) {
            size_t first = to;
            while (to < count && seen[to].who == seen[from].who && seen[to].day == seen[first].day)
                to++;
            most[at] = fmax(most[at], (double)(to - first));
        }
        at++;
    }
    p->busy_day = one_in_twenty(most, at, 5);
    qsort(seen, count, sizeof *seen, by_week);
    for (size_t i = 0; i < customers; i++)
        most[i] = 0;
    at = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && seen[to].who == seen[from].who;) {
            size_t first = to, payers = 0;
            for (; to < count && seen[to].who == seen[from].who &&
                   seen[to].day / 7 == seen[first].day / 7;
                 to++)
                payers += seen[to].payer != NO_CODE &&
                          (to == first || seen[to].payer != seen[to - 1].payer);
            most[at] = fmax(most[at], (double)payers);
        }
        at++;
    }
    p->many_payers = one_in_twenty(most, at, 3);
}

void customers_measure(Profile *p, Arena scratch)
{
    size_t customers = portrait_values(p->key), seen = 0;
    double *first = ARENA_ARRAY(&scratch, double, customers + 1);
    double *turnover = ARENA_ARRAY(&scratch, double, customers + 1);
    uint8_t *has = ARENA_ARRAY(&scratch, uint8_t, customers + 1);
    for (size_t row = 0; row < p->transactions.rows; row++) {
        const uint32_t who[] = {p->owner[row], p->other == NULL ? NO_CODE : p->other[row]};
        double at = 0;
        if (p->created != NULL) {
            uint32_t code = p->created->code[row];
            if (code == NO_CODE || is_missing(p->created->number[code]))
                continue; /* no time is not the year 1970 */
            at = p->created->number[code];
        }
        for (size_t i = 0; i < COUNT_OF(who); i++) {
            if (who[i] == NO_CODE)
                continue;
            first[who[i]] = has[who[i]] ? fmin(first[who[i]], at) : at;
            turnover[who[i]] += amount_of(p, row);
            has[who[i]] = 1;
        }
    }
    for (size_t i = 0; i < customers; i++)
        if (has[i]) {
            turnover[seen] = turnover[i];
            first[seen++] = ((double)p->latest_us - first[i]) / (double)DAY_US;
        }
    qsort(first, seen, sizeof *first, by_value);
    qsort(turnover, seen, sizeof *turnover, by_value);
    double median = seen == 0 ? 1000 : turnover[seen / 2], unit = 1;
    while (median >= 10 * unit)
        unit *= 10;
    p->typical = fmax(1, floor(median / unit + 0.5) * unit);
    measure_density(p, scratch);
    p->span_days = seen == 0 ? 0 : first[seen / 4];
    /* Most customers must be known for twice the window, so that it can be tested whether the
     * model looks beyond it. */
    static const int windows[] = {365, 180, 90, 60, 30, 14};
    p->window_days = 14;
    for (size_t i = 0; i < COUNT_OF(windows); i++)
        if (p->span_days >= 2 * windows[i]) {
            p->window_days = windows[i];
            break;
        }
}
