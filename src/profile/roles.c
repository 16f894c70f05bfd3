/* roles.c - what the transactions' columns are for: time, amount, direction, state. */
#include "profile/profile_internal.h"

#include <math.h>

static bool taken(const Profile *p, const Portrait *c)
{
    const Portrait *const roles[] = {p->transaction, p->customer,  p->source, p->target,
                                     p->partner,     p->created,   p->amount, p->debit,
                                     p->credit,      p->direction, p->state,  p->type,
                                     p->currency,    p->completed};
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (roles[i] != NULL && roles[i] == c)
            return true;
    return false;
}

/* The free column with the highest score above 0. */
typedef double Score(const Profile *p, const Portrait *c, Arena scratch);
static Portrait *best(Profile *p, Score *score, Arena scratch)
{
    Portrait *out = NULL;
    double most = 0;
    for (size_t k = 0; k < p->transactions.columns; k++) {
        Portrait *c = &p->transactions.column[k];
        double s = taken(p, c) ? 0 : score(p, c, scratch);
        if (s > most) {
            most = s;
            out = c;
        }
    }
    return out;
}

/* ---- time ---- */

static double score_created(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)scratch;
    double filled = (double)c->filled / (double)p->transactions.rows;
    if (c->kind != KIND_TIME || filled < 0.5)
        return 0;
    return filled * 10 + (SPEAKS(c, WORD_CREATED) ? 2 : 0) - (SPEAKS(c, WORD_COMPLETED) ? 2 : 0) +
           (c->clock ? 1 : 0) + (SPEAKS(c, WORD_TIME) ? 0.5 : 0) - (SPEAKS(c, WORD_AGE) ? 9 : 0) -
           (SPEAKS(c, WORD_OUTCOME) ? 9 : 0);
}

static double score_step(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)scratch;
    bool counts = c->kind == KIND_INTEGER && c->negatives == 0 && c->filled == p->transactions.rows;
    return counts && SPEAKS(c, WORD_TIME) && !SPEAKS(c, WORD_AMOUNT) ? 1 : 0;
}

/* Completion comes after the beginning, and may be missing. */
static double score_completed(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)scratch;
    size_t both = 0, later = 0, same = 0;
    if (c->kind != KIND_TIME || SPEAKS(c, WORD_AGE) || c->filled * 10 < p->transactions.rows)
        return 0;
    for (size_t row = 0; row < p->transactions.rows; row++) {
        if (c->code[row] == NO_CODE || p->created->code[row] == NO_CODE)
            continue;
        double a = p->created->number[p->created->code[row]], b = c->number[c->code[row]];
        both++;
        later += b >= a;
        same += b == a;
    }
    if (both == 0 || later * 10 < both * 9)
        return 0;
    return (SPEAKS(c, WORD_COMPLETED) ? 2 : 0) + (same * 10 < both * 9 ? 0.5 : 0);
}

static void find_times(Profile *p, Arena scratch)
{
    p->created = best(p, score_created, scratch);
    if (p->created == NULL && (p->created = best(p, score_step, scratch)) != NULL) {
        Portrait *c = p->created;
        p->step_us = c->high > 3700 ? HOUR_US : DAY_US;
        c->kind = KIND_TIME;
        c->form = TIME_STEP;
        for (size_t i = 0; i < portrait_values(c); i++)
            c->number[i] *= (double)p->step_us;
        c->low *= (double)p->step_us;
        c->high *= (double)p->step_us;
        profile_note(p,
                     "%.*s counts steps from %.0f to %.0f; one step is taken for %s. If it is not, "
                     "change `step:` of the column; `from:` says when step 0 was.",
                     STR_ARG(c->name), c->low / (double)p->step_us, c->high / (double)p->step_us,
                     p->step_us == DAY_US ? "a day" : "an hour");
    }
    if (p->created == NULL) {
        profile_note(p, "No column of the transactions is a time. Without one there is no order: "
                        "windows and sequences cannot be measured.");
        return;
    }
    p->has_clock = p->created->clock || p->step_us == HOUR_US;
    p->completed = best(p, score_completed, scratch);
    p->latest_us = (int64_t)p->created->high;
}

/* ---- amount ---- */

static double score_amount(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)scratch;
    if (!portrait_numeric(c) || c->kind == KIND_DOUBLE || portrait_values(c) < 3)
        return 0;
    double filled = (double)c->filled / (double)p->transactions.rows;
    bool other = SPEAKS(c, WORD_BALANCE) || (SPEAKS(c, WORD_ID) && !SPEAKS(c, WORD_AMOUNT));
    return filled * ((SPEAKS(c, WORD_AMOUNT) ? 4 : 0) + (c->kind == KIND_DECIMAL ? 2 : 0.5) -
                     (other ? 3 : 0) + fmin(1, (double)portrait_values(c) / 1000));
}

/* Two columns of numbers, in each row one of them filled. */
static bool parted(const Profile *p, const Portrait *a, const Portrait *b)
{
    size_t one = 0;
    for (size_t row = 0; row < p->transactions.rows; row++) {
        bool in_a = a->code[row] != NO_CODE && a->number[a->code[row]] != 0;
        bool in_b = b->code[row] != NO_CODE && b->number[b->code[row]] != 0;
        one += in_a != in_b;
    }
    return one * 100 >= p->transactions.rows * 95 && a->positives + a->negatives > 0 &&
           b->positives + b->negatives > 0;
}

static void find_parted(Profile *p)
{
    for (size_t i = 0; i < p->transactions.columns; i++)
        for (size_t k = 0; k < p->transactions.columns; k++) {
            Portrait *a = &p->transactions.column[i], *b = &p->transactions.column[k];
            if (i == k || !portrait_numeric(a) || !portrait_numeric(b) || !SPEAKS(a, WORD_DEBIT) ||
                !SPEAKS(b, WORD_CREDIT) || !parted(p, a, b))
                continue;
            p->debit = a;
            p->credit = b;
            return;
        }
}

/* ---- direction ---- */

static double score_direction(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)p;
    bool few = portrait_values(c) >= 2 && portrait_values(c) <= 4;
    if (!few || (c->kind != KIND_CATEGORY && c->kind != KIND_BOOLEAN && c->kind != KIND_TEXT))
        return 0;
    double in = portrait_saying(c, SAYS_IN, scratch), out = portrait_saying(c, SAYS_OUT, scratch);
    bool both = in >= 0.01 && out >= 0.01 && in + out >= 0.98;
    return (both ? 2 : 0) + (SPEAKS(c, WORD_DIRECTION) ? 0.5 : 0) - (both ? 0 : 1);
}

static void find_direction(Profile *p, Arena scratch)
{
    p->direction = best(p, score_direction, scratch);
    if (p->direction == NULL)
        return;
    const uint32_t *order = portrait_order(&scratch, p->direction);
    for (size_t i = 0; i < portrait_values(p->direction); i++) {
        Str value = p->direction->value->text[order[i]];
        if (p->in_value.size == 0 && value_says(value, SAYS_IN, scratch))
            p->in_value = value;
        else if (p->out_value.size == 0 && value_says(value, SAYS_OUT, scratch))
            p->out_value = value;
    }
    if (p->in_value.size == 1) /* C is credit here and may be charge there */
        profile_note(p, "%.*s: %.*s is taken for money in and %.*s for money out.",
                     STR_ARG(p->direction->name), STR_ARG(p->in_value), STR_ARG(p->out_value));
}

/* ---- state, kind, currency, key ---- */

static double score_state(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)p;
    if (c->kind != KIND_CATEGORY || portrait_values(c) < 2 || portrait_values(c) > 20)
        return 0;
    double done = portrait_saying(c, SAYS_DONE, scratch);
    double other =
        portrait_saying(c, SAYS_FAILED, scratch) + portrait_saying(c, SAYS_PENDING, scratch);
    return done + other < 0.5 || done == 0 ? 0 : done + other + (SPEAKS(c, WORD_STATE) ? 1 : 0);
}

static double score_currency(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)p;
    if (portrait_values(c) > 30 || (c->kind != KIND_CATEGORY && c->kind != KIND_TEXT))
        return 0;
    double said = portrait_saying(c, SAYS_CURRENCY, scratch);
    return said < 0.95 ? 0 : said + (SPEAKS(c, WORD_CURRENCY) ? 1 : 0);
}

static double score_type(const Profile *p, const Portrait *c, Arena scratch)
{
    (void)scratch;
    if (c->kind != KIND_CATEGORY || portrait_values(c) < 2 || portrait_values(c) > 60)
        return 0;
    return (SPEAKS(c, WORD_TYPE) ? 2 : 0) + (double)c->filled / (double)p->transactions.rows * 0.5 +
           (portrait_values(c) <= 20 ? 0.3 : 0);
}

/* A transaction's key: unique, or repeated by versions of one event, which have one customer. */
static double score_key(const Profile *p, const Portrait *c, Arena scratch)
{
    size_t rows = p->transactions.rows, values = portrait_values(c), torn = 0;
    if ((c->kind != KIND_TEXT && c->kind != KIND_INTEGER) || c->filled * 100 < rows * 98 ||
        values * 10 < c->filled * 4)
        return 0;
    if (values < c->filled && !SPEAKS(c, WORD_ID))
        return 0;
    if ((SPEAKS(c, WORD_AMOUNT) || SPEAKS(c, WORD_BALANCE)) && !SPEAKS(c, WORD_ID))
        return 0;
    uint32_t *first = ARENA_ARRAY(&scratch, uint32_t, values + 1);
    const Portrait *who = p->source != NULL ? p->source : p->customer;
    for (size_t row = 0; row < rows; row++) {
        if (c->code[row] == NO_CODE)
            continue;
        uint32_t *seen = &first[c->code[row]];
        if (*seen == 0)
            *seen = (uint32_t)row + 1;
        else
            torn += who->code[*seen - 1] != who->code[row];
    }
    if (torn * 50 > rows)
        return 0;
    return (SPEAKS(c, WORD_ID) ? 2 : 0) + (SPEAKS(c, WORD_TRANSACTION) ? 1 : 0) +
           (str_equal(c->plain, S(" id ")) ? 1.5 : 0) - (SPEAKS(c, WORD_PARTNER) ? 2 : 0) -
           (str_contains(c->plain, S(" ref")) ? 0.7 : 0) + (values == c->filled ? 0.5 : 0);
}

static void find_currency(Profile *p, Arena scratch)
{
    p->currency = best(p, score_currency, scratch);
    p->currency_name = S("EUR");
    if (p->currency == NULL) {
        profile_note(p, "No column names a currency; amounts are taken to be in EUR. Change "
                        "`currency:` if they are not: it changes no figure, only how it reads.");
        return;
    }
    const uint32_t *order = portrait_order(&scratch, p->currency);
    p->currency_name = p->currency->value->text[order[0]];
    if (portrait_values(p->currency) > 1)
        profile_note(p,
                     "%.*s has %zu currencies, and amounts of two cannot be added up: a run will "
                     "refuse the files. Convert the amounts, or keep the rows in %.*s.",
                     STR_ARG(p->currency->name), portrait_values(p->currency),
                     STR_ARG(p->currency_name));
}

/* A key with a few repeated rows is no key, but the analyst may know better. */
static void note_no_key(Profile *p)
{
    const Portrait *near = NULL;
    for (size_t k = 0; k < p->transactions.columns; k++) {
        const Portrait *c = &p->transactions.column[k];
        bool names = (c->kind == KIND_TEXT || c->kind == KIND_INTEGER) && !taken(p, c) &&
                     !SPEAKS(c, WORD_AMOUNT) && !SPEAKS(c, WORD_BALANCE);
        size_t values = portrait_values(c), most = near == NULL ? 0 : portrait_values(near);
        if (names && c->filled * 10 >= p->transactions.rows * 9 && values * 10 >= c->filled * 9 &&
            values > most)
            near = c;
    }
    if (near == NULL) {
        profile_note(p, "No column names a transaction: every row counts as one of its own, so "
                        "rows that repeat cannot be told from two that are alike.");
        return;
    }
    profile_note(p,
                 "%.*s nearly names a transaction, but %zu of its %zu values repeat one and %zu "
                 "rows have none, so every row counts as one of its own. If it is the key, write "
                 "`key:` with its name and take the rows that repeat out of the file.",
                 STR_ARG(near->name), near->filled - portrait_values(near), near->filled,
                 p->transactions.rows - near->filled);
}

/* Without a state declined money counts as money that moved. */
static void note_no_state(Profile *p)
{
    enum { VALUES_MAX = 12, NAMED_MAX = 4 };
    Arena own = arena_new();
    Buffer b = buffer_new(&own);
    size_t named = 0;
    for (size_t k = 0; k < p->transactions.columns && named < NAMED_MAX; k++) {
        const Portrait *c = &p->transactions.column[k];
        if (c->kind != KIND_CATEGORY || portrait_values(c) < 2 || portrait_values(c) > VALUES_MAX ||
            (taken(p, c) && c != p->type))
            continue;
        buffer_format(&b, "%s%.*s",
                      named++ > 0 ? ", " : " Does one of these tell it: ", STR_ARG(c->name));
    }
    profile_note(p,
                 "No column is known to tell how far a transaction got, so all money counts, "
                 "declined and pending too.%.*s%s",
                 STR_ARG(buffer_str(&b)),
                 named > 0 ? "? Then write `state:` with its name, and define `completed` in the "
                             "features book."
                           : "");
    arena_free(&own);
}

Status roles_transactions(Profile *p, Arena scratch, Error *err)
{
    find_times(p, scratch);
    find_parted(p);
    if (p->debit == NULL) {
        p->amount = best(p, score_amount, scratch);
        find_direction(p, scratch);
    }
    if (p->debit == NULL && p->amount == NULL) {
        (void)error_set(err, STATUS_DATA, "no column of the transactions is an amount");
        return error_remedy(err, "give amounts as numbers, without a currency sign in the cell");
    }
    if (p->amount != NULL) {
        size_t signs = p->amount->negatives;
        bool both =
            signs * 100 >= p->amount->filled && p->amount->positives * 100 >= p->amount->filled;
        p->is_signed = both && p->direction == NULL;
        if (p->is_signed)
            profile_note(p, "%.*s has a sign; below zero is taken for money out.",
                         STR_ARG(p->amount->name));
        else if (signs > 0)
            profile_note(p,
                         "%zu amounts are below zero although the direction has a column of "
                         "its own; they may be corrections.",
                         signs);
    }
    roles_sides(p, scratch);
    roles_unknown(p);
    if (p->direction == NULL && !p->is_signed && p->debit == NULL && p->source == NULL)
        profile_note(p, "Nothing says whether money comes in or goes out: no column of direction, "
                        "no sign, no debit and credit. Flows cannot be measured.");
    p->state = best(p, score_state, scratch);
    find_currency(p, scratch);
    p->transaction = best(p, score_key, scratch);
    p->type = best(p, score_type, scratch);
    if (p->transaction == NULL)
        note_no_key(p);
    if (p->state == NULL)
        note_no_state(p);
    customers_measure(p, scratch);
    return STATUS_OK;
}
