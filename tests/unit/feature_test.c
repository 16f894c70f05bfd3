#include "feature/feature.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void same_text(Str got, const char *want)
{
    if (!str_equal(got, str_from(want)))
        fail_msg("`%.*s` is not `%s`", STR_ARG(got), want);
}

/* ---- a bank: the built-in schema, files in memory, everything up to features ---- */

#define CUSTOMERS "user_id,user_current_state,has_biometrics,reason_to_use_app,kyc_state,gender\n"
#define TRANSACTIONS                                                                               \
    "id,user_id,state,type,amount,currency,direction,completed_at,created_at,category_id\n"

typedef struct Bank {
    Arena keep, scratch;
    Schema *schema;
    Dataset *data;
    Error err;
} Bank;

static Bank *bank_new(Str customers, Str transactions, const char *as_of)
{
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    const Str text[2] = {customers, transactions};
    const InputFile file[2] = {{"customers.csv", &text[0]}, {"transactions.csv", &text[1]}};
    DatasetInputs in = {.score_customers = {&file[0], 1},
                        .score_transactions = {&file[1], 1},
                        .has_as_of = as_of != NULL,
                        .bad_rows_max = 0};
    if (as_of != NULL)
        assert_true(parse_time(str_from(as_of), &in.as_of_us));
    if (schema_default(&b->schema, &b->keep, &b->err) != STATUS_OK ||
        dataset_read(&b->data, &b->keep, b->scratch, b->schema, &in, &b->err) != STATUS_OK)
        fail_msg("%s", b->err.message);
    return b;
}

static void bank_free(Bank *b)
{
    arena_free(&b->keep);
    arena_free(&b->scratch);
    free(b);
}

static Plan *plan_of(Bank *b, Str book)
{
    Plan *plan = NULL;
    if (plan_read(&plan, &b->keep, book, "features.yaml", b->schema, &b->err) != STATUS_OK)
        fail_msg("%s:%lld:%lld: %s", b->err.file, (long long)b->err.line, (long long)b->err.column,
                 b->err.message);
    return plan;
}

static Events *events_at(Bank *b, const Plan *plan, int64_t as_of)
{
    int64_t *as_of_us = ARENA_ARRAY(&b->keep, int64_t, b->data->customers + 1);
    for (size_t i = 0; i < b->data->customers; i++)
        as_of_us[i] = as_of;
    Collapsed *c;
    Events *e = NULL;
    if (quality_collapse(&c, &b->keep, b->scratch, b->schema, b->data->versions, b->data->owner,
                         as_of_us, &b->err) != STATUS_OK ||
        events_build(&e, &b->keep, plan, b->data->profile, c, as_of_us, &b->err) != STATUS_OK)
        fail_msg("%s", b->err.message);
    return e;
}

static Table *features_of(Bank *b, const Plan *plan, const Events *e, Team *team)
{
    Table *t = NULL;
    if (feature_table(&t, &b->keep, b->scratch, plan, e, team, &b->err) != STATUS_OK)
        fail_msg("%s", b->err.message);
    return t;
}

static void same_tables(Arena *arena, const Table *a, const Table *b, const char *what,
                        uint64_t seed)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    for (size_t k = 0; k < a->columns; k++) {
        assert_true(str_equal(a->column[k].name, b->column[k].name));
        for (size_t i = 0; i < a->rows; i++)
            if (!cell_equal(&a->column[k], i, &b->column[k], i))
                fail_msg("%s, seed %llu, customer %zu, %.*s: `%.*s` is not `%.*s`", what,
                         (unsigned long long)seed, i, STR_ARG(a->column[k].name),
                         STR_ARG(cell_text(arena, &a->column[k], i)),
                         STR_ARG(cell_text(arena, &b->column[k], i)));
    }
}

/* Every aggregate, with and without conditions, over every kind of window. */
static const char every_aggregate[] = "version: 1\n"
                                      "define:\n"
                                      "  money_in: direction = 'IN' and state = 'COMPLETED'\n"
                                      "  money_out: direction = 'OUT' and state = 'COMPLETED'\n"
                                      "features:\n"
#define F(name, expr, over)                                                                        \
    "  - {name: " name ", expr: \"" expr "\", over: " over                                         \
    ", use: monitor, family: f, says: A test}\n"
    F("f01", "count()", "all") F("f02", "count(state = 'FAILED')", "first 1d") F(
        "f03", "count(completed_at is null)",
        "3d") F("f04", "sum(amount)",
                "all") F("f05", "sum(amount where direction = 'IN')",
                         "first 3d") F("f06",
                                       "sum(amount where type = 'CARDS' or state <> 'PENDING')",
                                       "2d") F("f07", "mean(amount)", "all")
        F("f08", "mean(amount where state = 'FAILED')", "first 2d") F(
            "f09", "mean(completed_at - created_at)",
            "all") F("f10", "min(amount)",
                     "first 1d") F("f11", "max(amount where direction = 'OUT')",
                                   "5d") F("f12", "max(created_at) - min(created_at)", "all")
            F("f13", "max(completed_at)", "first 3d") F("f14", "distinct(type)", "all") F(
                "f15", "distinct(amount where direction = 'IN')", "all")
                F("f16", "distinct(completed_at)", "2d") F("f17", "distinct(category_id)", "all") F(
                    "f18", "distinct(completed_at - created_at)",
                    "all") F("f19", "share(direction = 'IN')", "first 2d")
                    F("f20", "share(state = 'FAILED' where type = 'CARD_TOP_UP')",
                      "all") F("f21", "matched(money_in to money_out within 1h)", "all")
                        F("f22", "matched(money_in to money_out within 24h)", "first 3d") F(
                            "f23",
                            "matched(money_in to money_out within 4d) / sum(amount where money_in)",
                            "4d") F("f24", "matched(direction = 'IN' to amount > 1 within 2d)",
                                    "all") F("f25", "sum(amount / 3)",
                                             "all") F("f26", "min(amount / 3 where amount > 1)",
                                                      "all") F("f27", "distinct(amount / 7)", "all")
                            F("f28", "count() over first 1d / count()", "all") F(
                                "f29", "as_of - max(created_at)",
                                "all") F("f30",
                                         "coalesce(mean(amount where state = 'REVERSED'), 0)",
                                         "all") F("f31", "has_biometrics and count() > 3", "all")
                                F("f32", "reason_to_use_app", "all") F("f33", "records", "all") F(
                                    "f34", "log1p(sum(amount)) + least(count(), 5)",
                                    "3d") F("f35", "max(amount) - min(amount)", "7d")
                                    F("f36", "sum(records)", "all") F(
                                        "f37",
                                        "sum(completed_at - created_at where state = 'COMPLETED')",
                                        "all")
    /* how values are spread, and looking back */
    F("f38", "sd(amount)", "all") F("f39", "median(amount where direction = 'IN')", "first 2d") F(
        "f40", "percentile(completed_at - created_at, 0.9)",
        "all") F("f41", "entropy(category_id)", "all") F("f42", "modal(type)", "3d")
        F("f43", "concentration(category_id where type <> 'CARDS')", "all") F("f44", "first(type)",
                                                                              "all")
            F("f45", "last(category_id)", "first 3d") F("f46", "last(lower(state))", "all") F(
                "f47", "matched_lag(money_in to money_out within 24h)",
                "all") F("f48", "drained(money_in to money_out within 24h, 0.5)", "first 3d")
                F("f49", "followed(state = 'FAILED' to money_in within 4h)", "all") F(
                    "f50", "max(count(state = 'FAILED' within 1h))",
                    "all") F("f51", "max(sum(amount where money_in within 25h))",
                             "first 4d") F("f52", "mean(sum(amount / 4 within 2h))", "all")
                    F("f53", "max(distinct(category_id within 2d))",
                      "all") F("f54", "sum(max(amount within 1d) - min(amount within 1d))",
                               "all") F("f55", "mean(since(money_in))",
                                        "all") F("f56", "mean(until(state = 'FAILED'))", "first 2d")
                        F("f57", "count(previous(type) <> type)",
                          "3d") F("f58", "max(same(category_id where money_in within 3d))", "all")
                            F("f59", "max(streak(state = 'COMPLETED' where type = 'CARDS'))",
                              "all") F("f60",
                                       "sum(case type when 'CARDS' then amount when "
                                       "'CRYPTO_ON_RAMP' then -amount end)",
                                       "all")
                                F("f61", "count(category_id like 'shop_' and hour(created_at) < 3)",
                                  "all") F("f62", "f39 / f38 + f01", "all");

static Str pick(Random *r, const char *const *of, size_t count)
{
    return str_from(of[random_below(r, count)]);
}

/* One event as drawn: a final row, a pending row, or both. */
typedef struct Drawn {
    int id, owner, type, way, shop;
    const char *state; /* of the final row; NULL without one */
    bool pending;      /* a pending row is exported too */
    int64_t amount, announced, created_us, completed_us;
    bool has_completed;
} Drawn;

enum { DRAWN = 240, OWNERS = 14 };
static const char *const types[] = {"CARDS", "BANK_TRANSFER", "CARD_TOP_UP", "CRYPTO_ON_RAMP"};

static int64_t time_of(const char *text)
{
    int64_t us;
    assert_true(parse_time(str_from(text), &us));
    return us;
}

static void draw(Drawn *d, Random *r)
{
    static const char *const states[] = {"COMPLETED", "COMPLETED", "COMPLETED", "FAILED",
                                         "REVERSED"};
    static const int64_t amounts[] = {0, 1, 100, 100, 250, 5000, 12345, 99999};
    int64_t start = time_of("2024-08-01");
    for (int i = 0; i < DRAWN; i++) {
        Drawn *e = &d[i];
        *e = (Drawn){.id = i, .type = (int)random_below(r, 4), .way = (int)random_below(r, 2)};
        e->owner = (int)random_below(r, OWNERS - 1); /* the last has no event */
        e->shop = (int)random_below(r, 4);
        /* On whole hours of few days, so that times tie. */
        e->created_us =
            start + (int64_t)random_below(r, 8) * DAY_US + (int64_t)random_below(r, 5) * HOUR_US;
        e->has_completed = random_below(r, 6) > 0;
        e->completed_us = e->created_us + ((int64_t)random_below(r, 6) - 1) * HOUR_US *
                                              (random_below(r, 4) ? 1 : 24);
        e->state = random_below(r, 8) ? states[random_below(r, 5)] : NULL;
        e->pending = e->state == NULL || random_below(r, 3) == 0;
        e->amount = amounts[random_below(r, 8)];
        e->announced = random_below(r, 4) ? e->amount : amounts[random_below(r, 8)];
    }
}

static void add_row(Buffer *b, const Drawn *e, bool pending, int64_t amount)
{
    char money[NUMBER_TEXT], made[TIME_TEXT], done[TIME_TEXT] = "";
    if (!pending && e->has_completed)
        (void)time_text(done, e->completed_us);
    (void)decimal_text(money, amount, 2);
    (void)time_text(made, e->created_us);
    buffer_format(b, "t%03d,u%02d,%s,%s,%s,EUR,%s,%s,%s,", e->id, e->owner,
                  pending ? "PENDING" : e->state, types[e->type], money, e->way ? "IN" : "OUT",
                  done, made);
    if (e->shop > 0)
        buffer_format(b, "shop%d", e->shop);
    buffer_char(b, '\n');
}

static int64_t known_at(const Drawn *e)
{
    return e->has_completed && e->completed_us > e->created_us ? e->completed_us : e->created_us;
}

/* The file as it is; or as it would have been exported at `cut`: nothing created later, and what
 * was not final yet is pending. */
static Str transactions_of(Arena *arena, const Drawn *d, int64_t cut)
{
    Buffer b = buffer_new(arena);
    buffer_add(&b, S(TRANSACTIONS));
    for (int i = 0; i < DRAWN; i++) {
        const Drawn *e = &d[i];
        if (e->created_us > cut)
            continue;
        bool final = e->state != NULL && known_at(e) <= cut;
        if (e->pending)
            add_row(&b, e, true, e->announced);
        if (final)
            add_row(&b, e, false, e->amount);
        else if (!e->pending)
            add_row(&b, e, true, e->amount);
    }
    return buffer_str(&b);
}

static Str customers_of(Arena *arena, Random *r)
{
    static const char *const yes_no[] = {"TRUE", "FALSE", ""};
    static const char *const reasons[] = {"CRYPTO", "SPEND", "SAVE", ""};
    Buffer b = buffer_new(arena);
    buffer_add(&b, S(CUSTOMERS));
    for (int i = 0; i < OWNERS; i++) {
        Str biometrics = pick(r, yes_no, 3), reason = pick(r, reasons, 4);
        for (uint64_t k = 0; k <= random_below(r, 2); k++)
            buffer_format(&b, "u%02d,,%s,%s,VERIFIED,F\n", i, biometrics.data, reason.data);
    }
    return buffer_str(&b);
}

static void fast_equals_slow(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        Arena arena = arena_new();
        Random r = random_new(seed_derive(21, seed));
        Drawn d[DRAWN];
        draw(d, &r);
        Bank *b = bank_new(customers_of(&arena, &r), transactions_of(&arena, d, INT64_MAX), NULL);
        const Str books[] = {str_from(every_aggregate), book_default_text("features")};
        for (size_t k = 0; k < COUNT_OF(books); k++) {
            Plan *plan = plan_of(b, books[k]);
            int64_t as_of = time_of("2024-08-03") + (int64_t)(seed % 7) * 12 * HOUR_US;
            Events *e = events_at(b, plan, as_of);
            Table *slow;
            Table *fast = features_of(b, plan, e, NULL);
            assert_int_equal(feature_table_slow(&slow, &b->keep, b->scratch, plan, e, &b->err),
                             STATUS_OK);
            same_tables(&arena, fast, slow, "fast and slow", seed);
        }
        bank_free(b);
        arena_free(&arena);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    static const size_t threads[] = {1, 2, 8};
    Arena arena = arena_new();
    Random r = random_new(22);
    Drawn d[DRAWN];
    draw(d, &r);
    Bank *b = bank_new(customers_of(&arena, &r), transactions_of(&arena, d, INT64_MAX), NULL);
    Plan *plan = plan_of(b, str_from(every_aggregate));
    Events *e = events_at(b, plan, b->data->as_of_us);
    Table *alone = features_of(b, plan, e, NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        Team *team = team_new(threads[i]);
        for (int k = 0; k < 20; k++)
            same_tables(&arena, alone, features_of(b, plan, e, team), "threads", threads[i]);
        team_free(team);
    }
    bank_free(b);
    arena_free(&arena);
}

/* What is computed as of an instant is what would have been computed then. */
static void nothing_after_as_of_is_seen(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        Arena arena = arena_new();
        Random r = random_new(seed_derive(23, seed));
        Drawn d[DRAWN];
        draw(d, &r);
        int64_t as_of = time_of("2024-08-02") + (int64_t)random_below(&r, 150) * HOUR_US;
        Random same = r;
        Bank *whole =
            bank_new(customers_of(&arena, &r), transactions_of(&arena, d, INT64_MAX), NULL);
        Bank *cut = bank_new(customers_of(&arena, &same), transactions_of(&arena, d, as_of), NULL);
        const Str books[] = {str_from(every_aggregate), book_default_text("features")};
        for (size_t k = 0; k < COUNT_OF(books); k++) {
            Plan *plan = plan_of(whole, books[k]), *then = plan_of(cut, books[k]);
            Table *a = features_of(whole, plan, events_at(whole, plan, as_of), NULL);
            Table *b = features_of(cut, then, events_at(cut, then, as_of), NULL);
            same_tables(&arena, a, b, "now and then", seed);
        }
        bank_free(whole);
        bank_free(cut);
        arena_free(&arena);
    }
}

/* ---- evidence ---- */

static Int128 total(const Table *rows, const uint32_t *row, size_t count, const char *direction)
{
    const Column *amount = table_find(rows, S("amount")), *way = table_find(rows, S("direction"));
    Int128 sum = 0;
    for (size_t i = 0; i < count; i++)
        if (str_equal(way->dictionary->text[way->code[row[i]]], str_from(direction)))
            sum += amount->integer[row[i]];
    return sum;
}

static void evidence_accounts_for_the_value(void **state)
{
    (void)state;
    static const char book[] =
        "version: 1\n"
        "features:\n" F("flow",
                        "matched(direction = 'IN' and state = "
                        "'COMPLETED' to direction = 'OUT' and "
                        "state = 'COMPLETED' within 30h)",
                        "all") F("outs", "count(direction = 'OUT')", "first 3d")
            F("paid", "sum(amount where direction = 'OUT')", "3d")
                F("who", "reason_to_use_app", "all");
    size_t partial = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        Arena arena = arena_new();
        Random r = random_new(seed_derive(24, seed));
        Drawn d[DRAWN];
        draw(d, &r);
        Bank *b = bank_new(customers_of(&arena, &r), transactions_of(&arena, d, INT64_MAX), NULL);
        Plan *plan = plan_of(b, str_from(book));
        Events *e = events_at(b, plan, b->data->as_of_us);
        Table *t = features_of(b, plan, e, NULL);
        for (size_t i = 0; i < e->customers; i++) {
            uint32_t *row;
            size_t count;
            for (size_t k = 0; k < plan->features; k++) {
                assert_int_equal(feature_evidence(&row, &count, &b->keep, b->scratch,
                                                  &plan->feature[k], e, i, &b->err),
                                 STATUS_OK);
                for (size_t n = 0; n < count; n++) {
                    assert_in_range(row[n], e->start[i], e->start[i + 1] - 1);
                    assert_true(n == 0 || row[n] > row[n - 1]); /* in time order, none twice */
                }
                Int128 in = total(e->rows, row, count, "IN");
                Int128 out = total(e->rows, row, count, "OUT");
                int64_t value = t->column[k].type == TYPE_CATEGORY ? 0 : t->column[k].integer[i];
                if (k == 3)
                    assert_int_equal(count, 0);
                else if (k == 2)
                    assert_true(in == 0 && out == value);
                else if (k == 1)
                    assert_int_equal(count, value);
                if (k > 0)
                    continue;
                /* Both sides hold the matched amount, and the rest of the rows adds nothing. */
                assert_true(in >= value && out >= value);
                assert_int_equal(count == 0, value == 0);
                partial += in > value || out > value;
                uint32_t *owner = ARENA_ARRAY(&b->keep, uint32_t, count + 1);
                for (size_t n = 0; n < count; n++)
                    owner[n] = (uint32_t)i;
                Collapsed only = {table_take(&b->keep, e->rows, row, count), owner};
                Events *alone;
                assert_int_equal(events_build(&alone, &b->keep, plan, b->data->profile, &only,
                                              e->as_of_us, &b->err),
                                 STATUS_OK);
                assert_true(features_of(b, plan, alone, NULL)->column[0].integer[i] == value);
            }
        }
        bank_free(b);
        arena_free(&arena);
    }
    assert_true(partial > 10); /* partial lots were among them */
}

#define EXTREMES                                                                                   \
    "1,a,COMPLETED,BANK_TRANSFER,10.00,EUR,IN,,2024-08-01 10:00:00,\n"                             \
    "2,a,COMPLETED,CARDS,20.00,EUR,OUT,,2024-08-01 10:10:00,\n"                                    \
    "3,a,COMPLETED,CARDS,5.00,EUR,OUT,,2024-08-01 11:00:00,\n"                                     \
    "4,a,COMPLETED,BANK_TRANSFER,40.00,EUR,IN,,2024-08-01 11:35:00,\n"                             \
    "5,a,COMPLETED,BANK_TRANSFER,5.00,EUR,OUT,,2024-08-01 11:40:00,\n"                             \
    "6,a,COMPLETED,BANK_TRANSFER,90.00,EUR,IN,,2024-08-01 12:20:00,\n"                             \
    "7,a,COMPLETED,CARDS,30.00,EUR,IN,,2024-08-10 09:00:00,\n"                                     \
    "8,a,COMPLETED,CARDS,7.00,EUR,OUT,,2024-08-10 09:10:00,\n"                                     \
    "9,a,COMPLETED,CARDS,6.00,EUR,OUT,,2024-08-10 10:00:00,\n"                                     \
    "10,a,COMPLETED,CARDS,8.00,EUR,OUT,,2024-08-10 10:30:00,\n"

/* The ids of the evidence of feature k for customer 0. */
static Str evidence_of(Bank *b, const Plan *plan, const Events *e, size_t k)
{
    uint32_t *row;
    size_t count;
    const Column *id = table_find(e->rows, S("id"));
    assert_int_equal(
        feature_evidence(&row, &count, &b->keep, b->scratch, &plan->feature[k], e, 0, &b->err),
        STATUS_OK);
    Buffer ids = buffer_new(&b->keep);
    for (size_t i = 0; i < count; i++) {
        buffer_add(&ids, i == 0 ? S("") : S(" "));
        buffer_add(&ids, cell_text(&b->keep, id, row[i]));
    }
    return buffer_str(&ids);
}

static void evidence_of_an_extreme_is_what_attains_it(void **state)
{
    (void)state;
    static const struct {
        const char *expr, *over, *ids;
    } want[] = {
        {"max(amount)", "all", "6"},
        {"min(amount where direction = 'OUT')", "all", "3"}, /* the first of two equal */
        {"first(amount where direction = 'OUT')", "all", "2"},
        {"last(amount where direction = 'IN')", "all", "7"},
        {"max(count(direction = 'OUT' within 2h))", "all", "2 3 5"}, /* not 8, 9, 10 later */
        {"max(count(direction = 'OUT' within 2h))", "1d", "8 9 10"},
        {"max(count(type = 'CRYPTO_OFF_RAMP' within 2h))", "all", ""},
        {"max(sum(amount where direction = 'IN' within 2h))", "all", "4 6"},
        {"max(distinct(amount within 1h))", "all", "4 5 6"},
        {"min(sum(case when direction = 'IN' then amount else 0 - amount end))", "all", "1 2 3"},
        {"max(since(direction = 'IN') where direction = 'OUT')", "all", "7 10"},
        {"min(until(direction = 'OUT') where direction = 'IN')", "all", "4 5"},
        {"max(previous(amount))", "all", "6 7"},
        {"max(same(amount within 3h))", "all", "3 5"},
        {"max(streak(direction = 'OUT' where type = 'CARDS'))", "all", "8 9 10"},
        {"max(amount + 0 * count(direction = 'IN' within 1h))", "all", "4 6"},
        {"max(count(direction = 'OUT' within 2h)) / count()", "all", "2 3 5"},
        {"followed(direction = 'IN' to direction = 'OUT' within 30min)", "all", "1 2 4 5 7 8"},
        {"count(direction = 'IN')", "all", "1 4 6 7"},
        {"mean(amount where direction = 'IN')", "all", "1 4 6 7"},
    };
    Bank *b = bank_new(S(CUSTOMERS "a,,,,,\n"), S(TRANSACTIONS EXTREMES), "2024-08-10 12:00:00");
    Buffer book = buffer_new(&b->keep);
    buffer_add(&book, S("version: 1\nfeatures:\n"));
    for (size_t i = 0; i < COUNT_OF(want); i++)
        buffer_format(
            &book, "  - {name: f%zu, expr: \"%s\", over: %s, use: monitor, family: f, says: T}\n",
            i, want[i].expr, want[i].over);
    Plan *plan = plan_of(b, buffer_str(&book));
    Events *e = events_at(b, plan, b->data->as_of_us);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        Str got = evidence_of(b, plan, e, i);
        if (!str_equal(got, str_from(want[i].ids)))
            fail_msg("%s over %s: got %.*s, want %s", want[i].expr, want[i].over, STR_ARG(got),
                     want[i].ids);
    }
    bank_free(b);
}

static void matched_flow_uses_every_unit_once(void **state)
{
    (void)state;
    static const char book[] =
        "version: 1\n"
        "features:\n" F("flow", "matched(direction = 'IN' to direction = 'OUT' within 24h)", "all");
    Bank *b =
        bank_new(S(CUSTOMERS "a,,,,,\n"),
                 S(TRANSACTIONS
                   "1,a,COMPLETED,CARDS,100.00,EUR,IN,2024-08-01 10:00:00,2024-08-01 10:00:00,\n"
                   "2,a,COMPLETED,CARDS,60.00,EUR,OUT,2024-08-01 11:00:00,2024-08-01 11:00:00,\n"
                   "3,a,COMPLETED,CARDS,30.00,EUR,IN,2024-08-01 12:00:00,2024-08-01 12:00:00,\n"
                   "4,a,COMPLETED,CARDS,60.00,EUR,OUT,2024-08-01 13:00:00,2024-08-01 13:00:00,\n"
                   "5,a,COMPLETED,CARDS,9.00,EUR,OUT,2024-08-02 12:00:00,2024-08-02 12:00:00,\n"
                   "6,a,COMPLETED,CARDS,9.00,EUR,OUT,2024-08-02 12:00:01,2024-08-02 12:00:01,\n"),
                 NULL);
    Plan *plan = plan_of(b, str_from(book));
    Table *t = features_of(b, plan, events_at(b, plan, b->data->as_of_us), NULL);
    /* 60, then 40 + 20, then 9 of the 10 left; the last comes a second too late. */
    same_text(cell_text(&b->keep, &t->column[0], 0), "129.00");
    bank_free(b);
}

/* ---- sums ---- */

static void a_sum_too_large_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char book[] = "version: 1\n"
                               "features:\n" F("all_of_it", "sum(amount)", "all");
    Bank *b = bank_new(S(CUSTOMERS "a,,,,,\n"),
                       S(TRANSACTIONS
                         "1,a,COMPLETED,CARDS,92233720368547758.07,EUR,IN,,2024-08-01 10:00:00,\n"
                         "2,a,COMPLETED,CARDS,0.01,EUR,IN,,2024-08-01 10:00:00,\n"),
                       NULL);
    Plan *plan = plan_of(b, str_from(book));
    Table *t;
    assert_int_equal(feature_table(&t, &b->keep, b->scratch, plan,
                                   events_at(b, plan, b->data->as_of_us), NULL, &b->err),
                     STATUS_LIMIT);
    assert_string_equal(b->err.message, "a sum is too large for 64 bits");
    assert_int_not_equal(b->err.remedy[0], '\0');
    assert_string_equal(b->err.file, "features.yaml");
    assert_int_equal(b->err.line, 3);
    bank_free(b);
}

static void mean_of_durations_is_to_the_nearest_microsecond(void **state)
{
    (void)state;
    static const char book[] = "version: 1\n"
                               "features:\n" F("lag", "mean(completed_at - created_at)", "all");
    Bank *b = bank_new(
        S(CUSTOMERS "a,,,,,\n"),
        S(TRANSACTIONS
          "1,a,COMPLETED,CARDS,1,EUR,IN,2024-08-01 10:00:00.000001,2024-08-01 10:00:00,\n"
          "2,a,COMPLETED,CARDS,1,EUR,IN,2024-08-01 10:00:00.000002,2024-08-01 10:00:00,\n"
          "3,a,COMPLETED,CARDS,1,EUR,IN,2024-08-01 10:00:00.000002,2024-08-01 10:00:00,\n"),
        NULL);
    Plan *plan = plan_of(b, str_from(book));
    Events *e = events_at(b, plan, b->data->as_of_us);
    Table *slow;
    assert_int_equal(features_of(b, plan, e, NULL)->column[0].integer[0], 2);
    assert_int_equal(feature_table_slow(&slow, &b->keep, b->scratch, plan, e, &b->err), STATUS_OK);
    assert_int_equal(slow->column[0].integer[0], 2);
    bank_free(b);
}

/* ---- the matrix ---- */

static void matrix_has_one_column_for_each_level(void **state)
{
    (void)state;
    static const char book[] =
        "version: 1\n"
        "features:\n"
        "  - {name: why, expr: reason_to_use_app, use: model, family: f, risk: up, says: T}\n"
        "  - {name: lag, expr: max(completed_at - created_at), over: first 1d, use: model,"
        " family: f, risk: down, says: T}\n"
        "  - {name: bio, expr: has_biometrics, use: model, family: f, says: T}\n"
        "  - {name: paid, expr: sum(amount), over: first 1d, use: model, family: f, risk: up,"
        " says: T}\n"
        "  - {name: late, expr: sum(amount), over: 1d, use: policy, family: f, says: T}\n";
    Bank *b =
        bank_new(S(CUSTOMERS "a,,TRUE,SPEND,,\n"
                             "b,,FALSE,CRYPTO,,\n"
                             "c,,,CRYPTO,,\n"
                             "d,,TRUE,,,\n"
                             "e,,TRUE,SPEND,,\n"
                             "f,,TRUE,RARE,,\n"),
                 S(TRANSACTIONS
                   "1,a,COMPLETED,CARDS,12.34,EUR,IN,2024-08-01 11:30:00,2024-08-01 10:00:00,\n"),
                 NULL);
    Plan *plan = plan_of(b, str_from(book));
    Table *t = features_of(b, plan, events_at(b, plan, b->data->as_of_us), NULL);
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5}, some[] = {5, 2, 0};
    plan_freeze_levels(plan, &b->keep, t, all, 6, 2);
    assert_int_equal(plan->feature[0].levels, 2); /* RARE is one customer's */
    same_text(plan->feature[0].level[0], "CRYPTO");
    same_text(plan->feature[0].level[1], "SPEND");

    Matrix *x;
    assert_int_equal(feature_matrix(&x, &b->keep, plan, t, NULL, b->data->id, some, 3, &b->err),
                     STATUS_OK);
    static const char *const names[] = {"why=CRYPTO", "why=SPEND", "lag", "bio", "paid"};
    static const double expected[3][5] = {
        {0, 0, NAN, 1, 0}, {1, 0, NAN, NAN, 0}, {0, 1, 1.5, 1, 12.34}};
    assert_int_equal(x->columns, 5);
    assert_int_equal(x->rows, 3);
    same_text(x->id[0], "f");
    same_text(x->id[1], "c");
    for (size_t k = 0; k < 5; k++) {
        same_text(x->name[k], names[k]);
        for (size_t i = 0; i < 3; i++) {
            float want = (float)expected[i][k], got = matrix_row(x, i)[k];
            assert_true(isnan(want) ? isnan(got) : got == want);
        }
    }
    static const uint32_t feature[] = {0, 0, 1, 2, 3};
    static const int8_t monotone[] = {0, 0, -1, 0, 1};
    const MatrixPlan *m = matrix_plan(&b->keep, plan, NULL);
    assert_int_equal(m->columns, 5);
    assert_memory_equal(m->feature, feature, sizeof feature);
    assert_memory_equal(m->monotone, monotone, sizeof monotone);

    /* A value that was not there when the levels were frozen is none of them. */
    Bank *other =
        bank_new(S(CUSTOMERS "z,,TRUE,NEW,,\ny,,TRUE,SPEND,,\n"),
                 S(TRANSACTIONS "1,z,COMPLETED,CARDS,1,EUR,IN,,2024-08-01 10:00:00,\n"), NULL);
    Table *fresh = features_of(other, plan, events_at(other, plan, other->data->as_of_us), NULL);
    assert_int_equal(
        feature_matrix(&x, &b->keep, plan, fresh, NULL, other->data->id, all, 2, &b->err),
        STATUS_OK);
    same_text(x->id[1], "z");
    assert_true(matrix_row(x, 1)[0] == 0 && matrix_row(x, 1)[1] == 0);
    assert_true(matrix_row(x, 0)[0] == 0 && matrix_row(x, 0)[1] == 1);
    bank_free(other);

    const uint8_t skip[] = {1, 0, 1, 0, 0}, everything[] = {1, 1, 1, 1, 1};
    assert_int_equal(feature_matrix(&x, &b->keep, plan, t, skip, b->data->id, all, 6, &b->err),
                     STATUS_OK);
    assert_int_equal(x->columns, 2);
    same_text(x->name[0], "lag");
    same_text(x->name[1], "paid");
    assert_int_equal(
        feature_matrix(&x, &b->keep, plan, t, everything, b->data->id, all, 6, &b->err),
        STATUS_DATA);
    assert_string_equal(b->err.message, "no feature is left for the model");
    bank_free(b);
}

/* ---- the book ---- */

static void plan_knows_its_features(void **state)
{
    (void)state;
    Bank *b =
        bank_new(S(CUSTOMERS "a,,TRUE,SPEND,,\nb,,FALSE,SPEND,,\n"),
                 S(TRANSACTIONS "1,a,COMPLETED,CARDS,1,EUR,IN,,2024-08-01 10:00:00,\n"), NULL);
    Plan *plan = plan_of(b, str_from("version: 1\n"
                                     "observed_equally: a test\n"
                                     "define:\n"
                                     "  inward: direction = 'IN'\n"
                                     "strata:\n"
                                     "  ALL: true\n"
                                     "  TX: events > 0\n"
                                     "features:\n"
                                     "  - name: events\n"
                                     "    expr: count()\n"
                                     "    use: model\n"
                                     "    family: f\n"
                                     "    says: T\n"
                                     "  - name: both\n"
                                     "    expr: has_biometrics and sum(amount where inward) > 1\n"
                                     "    use: policy\n"
                                     "    family: f\n"
                                     "    says: T\n"));
    assert_ptr_equal(plan_find(plan, S("both")), &plan->feature[1]);
    assert_null(plan_find(plan, S("Both")));
    assert_true(feature_reads(&plan->feature[1], S("has_biometrics")));
    assert_true(feature_reads(&plan->feature[1], S("amount")));
    assert_true(feature_reads(&plan->feature[1], S("direction"))); /* by the definition */
    assert_false(feature_reads(&plan->feature[1], S("state")));
    assert_false(feature_reads(&plan->feature[0], S("amount")));
    Table *t = features_of(b, plan, events_at(b, plan, b->data->as_of_us), NULL);
    uint8_t in[2];
    assert_int_equal(plan->strata, 2);
    assert_int_equal(plan_stratum(in, b->scratch, &plan->stratum[0], t, &b->err), STATUS_OK);
    assert_true(in[0] && in[1]);
    assert_int_equal(plan_stratum(in, b->scratch, &plan->stratum[1], t, &b->err), STATUS_OK);
    assert_true(in[0] && !in[1]);
    bank_free(b);
}

static void features_use_those_before_them(void **state)
{
    (void)state;
    static const char book[] =
        "version: 1\n"
        "features:\n"
        "  - {name: has_biometrics, expr: has_biometrics, use: model, family: f, says: T}\n"
        "  - {name: paid, expr: sum(amount), over: first 1d, use: policy, family: f, says: T}\n"
        "  - {name: events, expr: count(), over: first 1d, use: model, family: f, says: T}\n"
        "  - {name: each, expr: paid / events, use: model, family: f, says: T}\n"
        "  - {name: large, expr: each > 10 and has_biometrics, use: model, family: f, says: T}\n"
        "  - {name: why, expr: \"coalesce(reason_to_use_app, 'NONE')\", use: model, family: f,"
        " says: T}\n"
        "  - {name: spends, expr: why = 'SPEND', use: model, family: f, says: T}\n";
    Bank *b = bank_new(S(CUSTOMERS "a,,TRUE,SPEND,,\nb,,TRUE,,,\n"),
                       S(TRANSACTIONS "1,a,COMPLETED,CARDS,30.00,EUR,IN,,2024-08-01 10:00:00,\n"
                                      "2,a,COMPLETED,CARDS,1.50,EUR,IN,,2024-08-01 11:00:00,\n"),
                       NULL);
    Plan *plan = plan_of(b, str_from(book));
    Events *e = events_at(b, plan, b->data->as_of_us);
    Table *t = features_of(b, plan, e, NULL), *slow;
    assert_true(t->column[3].real[0] == 15.75);
    assert_false(column_valid(&t->column[3], 1)); /* nothing over nothing */
    assert_true(column_valid(&t->column[4], 0) && t->column[4].boolean[0]);
    assert_true(t->column[6].boolean[0] && !t->column[6].boolean[1]);
    assert_int_equal(feature_table_slow(&slow, &b->keep, b->scratch, plan, e, &b->err), STATUS_OK);
    same_tables(&b->keep, t, slow, "fast and slow", 0);
    assert_true(feature_reads(&plan->feature[4], S("amount"))); /* through two others */
    assert_true(feature_reads(&plan->feature[6], S("reason_to_use_app")));
    assert_false(feature_reads(&plan->feature[4], S("paid")));
    uint32_t *row;
    size_t count;
    assert_ptr_equal(feature_source(plan, &plan->feature[4]), &plan->feature[1]);
    assert_int_equal(
        feature_evidence(&row, &count, &b->keep, b->scratch, &plan->feature[4], e, 0, &b->err),
        STATUS_OK);
    assert_int_equal(count, 2);
    bank_free(b);
}

/* 23:30 UTC on a Saturday is a Sunday morning two hours east. */
static void the_book_names_one_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t hour, weekday;
        const char *day;
    } zones[] = {{"", 23, 6, "2024-08-03 00:00:00 UTC"},
                 {"zone: '+02:00'\n", 1, 7, "2024-08-03 22:00:00 UTC"},
                 {"zone: -03:30\n", 20, 6, "2024-08-03 03:30:00 UTC"},
                 {"zone: UTC\n", 23, 6, "2024-08-03 00:00:00 UTC"}};
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        Bank *b = bank_new(
            S(CUSTOMERS "a,,TRUE,SPEND,,\n"),
            S(TRANSACTIONS "1,a,COMPLETED,CARDS,1.00,EUR,IN,,2024-08-03 23:30:00,\n"), NULL);
        Plan *plan = plan_of(b, str_format(&b->keep, "version: 1\n%sfeatures:\n%s", zones[i].zone,
                                           F("hour", "max(hour(created_at))", "all")
                                               F("weekday", "max(weekday(created_at))", "all")
                                                   F("day", "max(day(created_at))", "all")));
        Table *t = features_of(b, plan, events_at(b, plan, b->data->as_of_us), NULL);
        assert_int_equal(t->column[0].integer[0], zones[i].hour);
        assert_int_equal(t->column[1].integer[0], zones[i].weekday);
        same_text(cell_text(&b->keep, &t->column[2], 0), zones[i].day);
        bank_free(b);
    }
}

static void built_in_book_is_good(void **state)
{
    (void)state;
    Bank *b =
        bank_new(S(CUSTOMERS "a,,TRUE,SPEND,,\n"),
                 S(TRANSACTIONS "1,a,COMPLETED,CARDS,1,EUR,IN,,2024-08-01 10:00:00,\n"), NULL);
    Plan *plan = plan_of(b, book_default_text("features"));
    size_t model = 0;
    for (size_t i = 0; i < plan->features; i++)
        model += plan->feature[i].use == USE_MODEL;
    assert_true(model > 0 && model < plan->features);
    bank_free(b);
}

#define BOOK(rest) "version: 1\nfeatures:\n  - name: one\n    family: f\n    says: T\n" rest

static const struct {
    const char *claim, *book, *message, *remedy;
    int64_t line, column;
} refusals[] = {
    {"an unknown column, with the nearest name", BOOK("    use: policy\n    expr: sum(amout)\n"),
     "amout", "amount", 7, 15},
    {"an unknown value of a closed category",
     BOOK("    use: policy\n    expr: count(state = 'FAILD')\n"), "FAILD", "FAILED", 7, 25},
    {"the label", BOOK("    use: monitor\n    expr: user_current_state\n"), "user_current_state",
     "", 7, 11},
    {"a protected column for the model", BOOK("    use: model\n    expr: gender = 'F'\n"),
     "feature one reads gender, which stands for a protected ground (gender)",
     "leave it out, or watch it with `use: monitor`", 7, 11},
    {"a protected column for policy",
     BOOK("    use: policy\n    expr: count() > 1 and country_of_residence = 'FR'\n"),
     "feature one reads country_of_residence, which stands for a protected ground (residence)",
     "monitor", 7, 11},
    {"a trailing window for the model", BOOK("    use: model\n    expr: count()\n    over: 30d\n"),
     "feature one gives the model a window that ends at as_of", "first 14d", 8, 11},
    {"a trailing window on the aggregate for the model",
     BOOK("    use: model\n    expr: count() over 30d\n    over: first 14d\n"),
     "feature one gives the model a window that ends at as_of", "first 14d", 8, 11},
    {"as_of for the model",
     BOOK("    use: model\n    expr: as_of - min(created_at)\n    over: first 14d\n"),
     "feature one measures time up to as_of", "policy", 7, 11},
    {"a name twice",
     BOOK("    use: policy\n    expr: count()\n"
          "  - {name: one, expr: count(), use: policy, family: f, says: T}\n"),
     "feature one is there twice", "line 3", 8, 12},
    {"a name that is none",
     "version: 1\nfeatures:\n  - {name: 1st, expr: count(), use: policy, family: f, says: T}\n",
     "`1st` cannot be a feature's name", "letters", 3, 12},
    {"a window that is none", BOOK("    use: policy\n    expr: count()\n    over: last 3d\n"),
     "`last 3d` is not a window", "first 14d", 8, 11},
    {"a format that is none", BOOK("    use: policy\n    expr: count()\n    format: euro\n"),
     "`euro` is not a format", "eur", 8, 13},
    {"row versions for the model", BOOK("    use: model\n    expr: records\n"), "versions of a row",
     "monitor", 7, 11},
    {"everything up to as_of for the model",
     BOOK("    use: model\n    expr: sum(since(true))\n    over: all\n"),
     "feature one gives the model a window that ends at as_of", "first 14d", 8, 11},
    {"a span for the model",
     BOOK("    use: model\n    expr: max(created_at) - min(created_at)\n    over: first 14d\n"),
     "joined or fell silent", "monitor", 7, 11},
    {"a calendar date for the model",
     BOOK("    use: model\n    expr: count(created_at > time '2024-01-01')\n    over: first 14d\n"),
     "joined or fell silent", "monitor", 7, 11},
    {"a use that is none", BOOK("    use: modell\n    expr: count()\n"), "modell", "model", 6, 10},
    {"a key that is none, with the nearest",
     BOOK("    use: policy\n    expr: count()\n    ovr: 3d\n"), "ovr", "over", 8, 5},
    {"text for the model", BOOK("    use: model\n    expr: session_id\n"),
     "feature one is of type text, which a model cannot use", "number", 7, 11},
    {"a time for the model", BOOK("    use: model\n    expr: min(created_at)\n"),
     "feature one is of type time, which a model cannot use", "number", 7, 11},
    {"a stratum that is no condition",
     "version: 1\nstrata: {MANY: one + 1}\n"
     "features:\n  - {name: one, expr: count(), use: policy, family: f, says: T}\n",
     "stratum MANY is not a condition", "events > 0", 2, 16},
    {"a stratum over an unknown feature",
     "version: 1\nstrata: {MANY: onne > 1}\n"
     "features:\n  - {name: one, expr: count(), use: policy, family: f, says: T}\n",
     "onne", "one", 2, 16},
    {"another version of the form",
     "version: 2\nfeatures:\n  - {name: one, expr: count(), use: policy, family: f, says: T}\n",
     "features book of version 2; this program reads version 1", "version: 1", 1, 1},
    {"a protected column through another feature, for policy",
     "version: 1\nfeatures:\n"
     "  - {name: lives, expr: country_of_residence, use: monitor, family: f, says: T}\n"
     "  - {name: one, expr: lives = 'FR', use: policy, family: f, says: T}\n",
     "feature one uses feature lives, and feature lives reads country_of_residence, which stands "
     "for a protected ground (residence)",
     "monitor", 4, 23},
    {"a trailing window through two others, for the model",
     "version: 1\nfeatures:\n"
     "  - {name: late, expr: count(), over: 30d, use: policy, family: f, says: T}\n"
     "  - {name: much, expr: late * 2, use: policy, family: f, says: T}\n"
     "  - {name: one, expr: much > 4, use: model, family: f, says: T}\n",
     "feature one uses feature much, and feature much uses feature late, and feature late gives "
     "the "
     "model a window that ends at as_of",
     "first 14d", 5, 23},
    {"as_of through another, for the model",
     "version: 1\nfeatures:\n"
     "  - {name: now, expr: as_of, use: monitor, family: f, says: T}\n"
     "  - {name: one, expr: now - now > 1d, use: model, family: f, says: T}\n",
     "feature now measures time up to as_of", "policy", 4, 23},
    {"a point in time looked back to, for the model",
     BOOK("    use: model\n    expr: max(created_at - first(created_at))\n    over: first 14d\n"),
     "joined or fell silent", "monitor", 7, 11},
    {"a feature further down",
     "version: 1\nfeatures:\n"
     "  - {name: one, expr: two + 1, use: policy, family: f, says: T}\n"
     "  - {name: two, expr: count(), use: policy, family: f, says: T}\n",
     "there is no customer column 'two'", "only those before it", 3, 23},
    {"itself", BOOK("    use: policy\n    expr: one + 1\n"), "there is no customer column 'one'",
     "only those before it", 7, 11},
    {"a column's name on something else",
     "version: 1\nfeatures:\n"
     "  - {name: has_biometrics, expr: count() > 1, use: policy, family: f, says: T}\n",
     "feature has_biometrics has the name of a customer column and is something else", "rename", 3,
     12},
    {"the label's name",
     "version: 1\nfeatures:\n"
     "  - {name: user_current_state, expr: count(), use: policy, family: f, says: T}\n",
     "has the name of a customer column", "rename", 3, 12},
    {"a zone by name",
     "version: 1\nzone: Europe/Paris\n"
     "features:\n  - {name: one, expr: count(), use: policy, family: f, says: T}\n",
     "`Europe/Paris` is not an offset from UTC", "+02:00", 2, 7},
    {"a zone too far",
     "version: 1\nzone: +25:00\n"
     "features:\n  - {name: one, expr: count(), use: policy, family: f, says: T}\n",
     "`+25:00` is not an offset from UTC", "+02:00", 2, 7},
    {"an error inside a definition, where it is written",
     "version: 1\ndefine:\n  inward: directon = 'IN'\n"
     "features:\n  - {name: one, expr: count(inward), use: policy, family: f, says: T}\n",
     "directon", "direction", 3, 11},
};

static void plan_refuses_with_place_and_remedy(void **state)
{
    (void)state;
    size_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        Arena arena = arena_new();
        Schema *schema;
        Plan *plan;
        Error err = {0};
        assert_int_equal(schema_default(&schema, &arena, &err), STATUS_OK);
        Status status =
            plan_read(&plan, &arena, str_from(refusals[i].book), "f.yaml", schema, &err);
        if (status != STATUS_FORMAT || strstr(err.message, refusals[i].message) == NULL ||
            strstr(err.remedy, refusals[i].remedy) == NULL || strcmp(err.file, "f.yaml") != 0 ||
            err.line != refusals[i].line || err.column != refusals[i].column) {
            (void)fprintf(stderr, "%s: %s:%lld:%lld: %s (%s)\n", refusals[i].claim, err.file,
                          (long long)err.line, (long long)err.column, err.message, err.remedy);
            bad++;
        }
        arena_free(&arena);
    }
    assert_int_equal(bad, 0);
}

/* The schema may call a transaction's column protected too. */
static void protected_transaction_columns_are_kept_from_models(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Schema *schema;
    Plan *plan;
    Error err = {0};
    static const char text[] =
        "version: 1\nname: s\ncurrency: EUR\n"
        "customers:\n  key: u\n  label: {column: l, positive: [B], negative: [G]}\n  columns:\n"
        "    - {name: u, type: text, says: U}\n    - {name: l, type: category, says: L}\n"
        "transactions:\n  key: id\n  customer: u\n  created: at\n  completed: done\n"
        "  state: state\n  amount: amount\n  currency: currency\n  pending: [P]\n  columns:\n"
        "    - {name: id, type: text, says: I}\n    - {name: u, type: text, says: U}\n"
        "    - {name: at, type: time, says: A}\n    - {name: done, type: time, says: D}\n"
        "    - {name: state, type: category, says: S}\n"
        "    - {name: amount, type: decimal, says: A}\n"
        "    - {name: currency, type: category, says: C}\n"
        "    - {name: country, type: category, protected: residence, says: Where it was made}\n";
    if (schema_read(&schema, &arena, str_from(text), "s.yaml", &err) != STATUS_OK)
        fail_msg("%lld: %s", (long long)err.line, err.message);
    assert_int_equal(plan_read(&plan, &arena,
                               str_from(BOOK("    use: model\n    over: first 1d\n"
                                             "    expr: count(country = 'FR')\n")),
                               "f.yaml", schema, &err),
                     STATUS_FORMAT);
    assert_string_equal(
        err.message, "feature one reads country, which stands for a protected ground (residence)");
    err = (Error){0};
    assert_int_equal(plan_read(&plan, &arena,
                               str_from(BOOK("    use: monitor\n    expr: distinct(country)\n")),
                               "f.yaml", schema, &err),
                     STATUS_OK);
    arena_free(&arena);
}

static void a_euro_sign_is_refused_where_amounts_are_in_another_currency(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Schema *schema;
    Plan *plan;
    Error err = {0};
    assert_int_equal(schema_default(&schema, &arena, &err), STATUS_OK);
    Str book = S(BOOK("    use: policy\n    expr: sum(amount)\n    format: eur\n"));
    assert_int_equal(plan_read(&plan, &arena, book, "f.yaml", schema, &err), STATUS_OK);
    schema->currency.text = S("PLN");
    assert_int_equal(plan_read(&plan, &arena, book, "f.yaml", schema, &err), STATUS_FORMAT);
    assert_string_equal(err.message, "eur writes a euro sign, and amounts are in PLN");
    assert_string_equal(err.remedy, "write `money`, which names the currency");
    assert_int_equal(err.line, 8);
    assert_int_equal(err.column, 13);
    arena_free(&arena);
}

/* A schema book that names no `created` leaves nothing to a window, an order or an age. */
static void events_without_time_have_no_window_and_no_order(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Schema *schema;
    static const char text[] =
        "version: 1\nname: s\ncurrency: EUR\n"
        "customers:\n  key: u\n  label: {column: l, positive: [B], negative: [G]}\n  columns:\n"
        "    - {name: u, type: text}\n    - {name: l, type: category}\n"
        "transactions:\n  customer: u\n  amount: amount\n  columns:\n"
        "    - {name: u, type: text}\n    - {name: amount, type: decimal}\n";
    static const struct {
        const char *book, *asks;
        int64_t line, column;
    } refused[] = {
        {BOOK("    use: model\n    over: first 1d\n    expr: count()\n"), "a window", 7, 11},
        {BOOK("    use: policy\n    over: 30d\n    expr: sum(amount)\n"), "a window", 7, 11},
        {BOOK("    use: policy\n    expr: count() over 7d\n"), "a window", 7, 11},
        {BOOK("    use: policy\n    expr: matched(amount > 1 to amount > 2 within 1d)\n"),
         "an order", 7, 11},
        {BOOK("    use: monitor\n    expr: as_of\n"), "an age", 7, 11},
    };
    Error err = {0};
    Plan *plan;
    if (schema_read(&schema, &arena, str_from(text), "s.yaml", &err) != STATUS_OK)
        fail_msg("%lld: %s", (long long)err.line, err.message);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        err = (Error){0};
        assert_int_equal(
            plan_read(&plan, &arena, str_from(refused[i].book), "f.yaml", schema, &err),
            STATUS_FORMAT);
        assert_string_equal(err.message,
                            str_format(&arena,
                                       "feature one asks for %s of events, and the schema book "
                                       "gives them no time",
                                       refused[i].asks)
                                .data);
        assert_non_null(strstr(err.remedy, "`created`"));
        assert_int_equal(err.line, refused[i].line);
        assert_int_equal(err.column, refused[i].column);
    }
    err = (Error){0};
    assert_int_equal(plan_read(&plan, &arena,
                               str_from(BOOK("    use: model\n    over: all\n"
                                             "    expr: sum(amount) / count()\n")),
                               "f.yaml", schema, &err),
                     STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_equals_slow),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(nothing_after_as_of_is_seen),
        cmocka_unit_test(evidence_accounts_for_the_value),
        cmocka_unit_test(evidence_of_an_extreme_is_what_attains_it),
        cmocka_unit_test(matched_flow_uses_every_unit_once),
        cmocka_unit_test(a_sum_too_large_is_refused_with_its_place),
        cmocka_unit_test(mean_of_durations_is_to_the_nearest_microsecond),
        cmocka_unit_test(matrix_has_one_column_for_each_level),
        cmocka_unit_test(plan_knows_its_features),
        cmocka_unit_test(features_use_those_before_them),
        cmocka_unit_test(the_book_names_one_zone),
        cmocka_unit_test(built_in_book_is_good),
        cmocka_unit_test(plan_refuses_with_place_and_remedy),
        cmocka_unit_test(protected_transaction_columns_are_kept_from_models),
        cmocka_unit_test(a_euro_sign_is_refused_where_amounts_are_in_another_currency),
        cmocka_unit_test(events_without_time_have_no_window_and_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
