/* join.c - the key of the customers, and the columns by which transactions name them. */
#include "profile/profile_internal.h"

#include <math.h>

/* How one transaction column answers to one customer column. */
typedef struct Join {
    Portrait *key, *by;
    double covered; /* share of its rows whose value is a customer */
    double reached; /* share of the customers that are there */
    double score;
} Join;

static bool may_name(const Portrait *c)
{
    return c->kind == KIND_TEXT || c->kind == KIND_INTEGER || c->kind == KIND_CATEGORY ||
           (c->kind == KIND_TIME && SPEAKS(c, WORD_ID));
}

static Join join_of(Portrait *key, Portrait *by)
{
    Join j = {key, by, 0, 0, 0};
    size_t covered = 0, reached = 0;
    for (size_t i = 0; i < portrait_values(by); i++)
        if (dictionary_find(key->value, by->value->text[i]) != NO_CODE) {
            covered += by->count[i];
            reached++;
        }
    j.covered = by->filled == 0 ? 0 : (double)covered / (double)by->filled;
    j.reached = (double)reached / (double)portrait_values(key);
    double unique = (double)portrait_values(key) / (double)key->filled;
    j.score = j.covered * unique + 0.5 * fmin(1, 2 * j.reached);
    j.score += str_equal(key->plain, by->plain) ? 0.3 : 0;
    j.score += SPEAKS(key, WORD_ID) || SPEAKS(key, WORD_CUSTOMER) ? 0.1 : 0;
    j.score +=
        SPEAKS(by, WORD_ID) || SPEAKS(by, WORD_CUSTOMER) || SPEAKS(by, WORD_SOURCE) ? 0.1 : 0;
    return j;
}

static bool is_side(const Portrait *c)
{
    return SPEAKS(c, WORD_SOURCE) || SPEAKS(c, WORD_TARGET);
}

/* Two sides stand in one row; columns of two files put under each other never do. */
static bool together(const Profile *p, const Portrait *a, const Portrait *b)
{
    size_t both = 0;
    for (size_t row = 0; row < p->transactions.rows; row++)
        both += a->code[row] != NO_CODE && b->code[row] != NO_CODE;
    return both * 2 > (a->filled < b->filled ? a->filled : b->filled);
}

/* The other column that names customers, if there is one: a side or a partner. Names that say
 * source and target need few known partners (other banks' accounts), others need many. */
static Portrait *second(Profile *p, const Join *first)
{
    Portrait *best = NULL;
    double most = 0;
    for (size_t k = 0; k < p->transactions.columns; k++) {
        Portrait *c = &p->transactions.column[k];
        if (c == first->by || !may_name(c) || !together(p, first->by, c))
            continue;
        Join j = join_of(first->key, c);
        bool named = is_side(c) || SPEAKS(c, WORD_PARTNER);
        if (!(named && (j.covered >= 0.01 || portrait_values(c) >= 20)) &&
            !(j.covered >= 0.5 && j.reached >= 0.1))
            continue;
        if (!named && (SPEAKS(c, WORD_TIME) || SPEAKS(c, WORD_AMOUNT)))
            continue;
        double score = j.covered + (named ? 1 : 0) + (is_side(c) && is_side(first->by) ? 1 : 0);
        if (score > most) {
            most = score;
            best = c;
        }
    }
    return best;
}

static void owners(uint32_t *owner, const Portrait *key, const Portrait *by, size_t rows,
                   Arena scratch)
{
    uint32_t *known = ARENA_ARRAY(&scratch, uint32_t, portrait_values(by) + 1);
    for (size_t i = 0; i < portrait_values(by); i++)
        known[i] = dictionary_find(key->value, by->value->text[i]);
    for (size_t row = 0; row < rows; row++)
        owner[row] = by->code[row] == NO_CODE ? NO_CODE : known[by->code[row]];
}

Status roles_join(Profile *p, Arena scratch, Error *err)
{
    Join best = {0};
    for (size_t k = 0; k < p->customers.columns; k++) {
        Portrait *key = &p->customers.column[k];
        if (!may_name(key) || key->filled * 100 < p->customers.rows * 98 ||
            portrait_values(key) * 5 < key->filled * 2)
            continue;
        for (size_t i = 0; i < p->transactions.columns; i++) {
            Portrait *by = &p->transactions.column[i];
            if (!may_name(by) || by->filled * 2 < p->transactions.rows)
                continue;
            Join j = join_of(key, by);
            if (j.covered >= 0.02 && j.score > best.score)
                best = j;
        }
    }
    if (best.key == NULL) {
        (void)error_set(err, STATUS_DATA,
                        "no column of the transactions holds values of a column that names the "
                        "customers");
        return error_remedy(err, "give the customers' file first and the transactions' file "
                                 "second, of one extract; both must hold the customer's key");
    }
    /* The sides swapped: many rows of each customer in the first file, one in the second. */
    if (portrait_values(best.by) == best.by->filled &&
        portrait_values(best.key) * 10 < best.key->filled * 9) {
        (void)error_set(err, STATUS_DATA,
                        "the first file repeats %.*s and the second does not: they look swapped",
                        STR_ARG(best.key->name));
        return error_remedy(err, "give the customers' file first, the transactions' file second");
    }
    p->key = best.key;
    p->customer = best.by;
    p->joined = best.covered;
    p->owner = ARENA_ARRAY(p->arena, uint32_t, p->transactions.rows + 1);
    owners(p->owner, p->key, p->customer, p->transactions.rows, scratch);
    p->partner = second(p, &best);
    return STATUS_OK;
}

/* Two-sided when both columns name customers and nothing else says the direction. */
void roles_sides(Profile *p, Arena scratch)
{
    Portrait *a = p->customer, *b = p->partner;
    if (b == NULL || p->direction != NULL || p->is_signed || p->debit != NULL)
        return;
    bool swapped = SPEAKS(a, WORD_TARGET) || (SPEAKS(b, WORD_SOURCE) && !SPEAKS(a, WORD_SOURCE));
    bool named = is_side(a) || is_side(b);
    double covered = join_of(p->key, b).covered;
    if (!named && covered < 0.5)
        return;
    p->source = swapped ? b : a;
    p->target = swapped ? a : b;
    p->customer = p->partner = NULL;
    p->other = ARENA_ARRAY(p->arena, uint32_t, p->transactions.rows + 1);
    owners(p->owner, p->key, p->source, p->transactions.rows, scratch);
    owners(p->other, p->key, p->target, p->transactions.rows, scratch);
    if (!named)
        profile_note(p,
                     "%.*s and %.*s both name customers; the first is taken for who pays and the "
                     "second for who is paid. Swap `source` and `target` if it is the other way.",
                     STR_ARG(p->source->name), STR_ARG(p->target->name));
}

/* What a run will set aside: rows of one owner whose owner is unknown, of two if both are. */
void roles_unknown(Profile *p)
{
    size_t unknown = 0, rows = p->transactions.rows;
    for (size_t row = 0; row < rows; row++)
        unknown += p->owner[row] == NO_CODE && (p->other == NULL || p->other[row] == NO_CODE);
    if (unknown * 10 > rows)
        profile_note(p,
                     "%.0f %% of the transactions name %s that the customers' files have; they "
                     "will be set aside. Were all files of one extract given?",
                     100 * (double)unknown / (double)rows,
                     p->other == NULL ? "no customer" : "on neither side a customer");
}
