/* Random books over random events: what is computed fast must be what plain loops compute. The
 * expressions hold everything the language has, nested aggregates and sequences above all. Times
 * tie and values are missing. */
#include "feature/feature.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

typedef struct Writer {
    Random random;
    Buffer *b;
    int level;   /* aggregates around: 1 or 2 */
    int earlier; /* features already in the book */
} Writer;

typedef void (*Write)(Writer *w, int depth);

static void boolean(Writer *w, int depth);
static void integer(Writer *w, int depth);
static void money(Writer *w, int depth);
static void real(Writer *w, int depth);
static void span(Writer *w, int depth);
static void text(Writer *w, int depth);
static void instant(Writer *w, int depth);

static size_t pick(Writer *w, size_t count)
{
    return (size_t)random_below(&w->random, count);
}

static void put(Writer *w, const char *words)
{
    buffer_add(w->b, str_from(words));
}

static void one_of(Writer *w, const char *const *words, size_t count)
{
    put(w, words[pick(w, count)]);
}
#define ONE_OF(w, ...)                                                                             \
    one_of((w), (const char *const[]){__VA_ARGS__},                                                \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void duration(Writer *w)
{
    ONE_OF(w, "1h", "30min", "3h", "1d", "25h", "2d", "4d", "30d");
}

static Write any_type(Writer *w)
{
    static const Write all[] = {boolean, integer, money, real, span, text, instant};
    return all[pick(w, COUNT_OF(all))];
}

static Write measure(Writer *w)
{
    static const Write all[] = {integer, money, real, span};
    return all[pick(w, COUNT_OF(all))];
}

/* NAME(x [where c] [within w]), one level further in */
static void nested(Writer *w, const char *name, Write x, bool where, bool within, int depth)
{
    w->level++;
    put(w, name);
    put(w, "(");
    x(w, depth);
    if (where && pick(w, 2)) {
        put(w, " where ");
        boolean(w, depth);
    }
    if (within && pick(w, 3)) {
        put(w, " within ");
        duration(w);
    }
    put(w, ")");
    w->level--;
}

static void choice(Writer *w, Write value, int depth)
{
    put(w, "case when ");
    boolean(w, depth);
    put(w, " then ");
    value(w, depth);
    if (pick(w, 2)) {
        put(w, " else ");
        value(w, depth);
    }
    put(w, " end");
}

static void pair(Writer *w, Write a, const char *sign, Write b, int depth)
{
    put(w, "(");
    a(w, depth);
    put(w, sign);
    b(w, depth);
    put(w, ")");
}

static void boolean(Writer *w, int depth)
{
    size_t form = depth == 0 ? 0 : pick(w, w->level == 1 ? 9 : 5);
    depth--;
    switch (form) {
    case 0:
        ONE_OF(w, "direction = 'IN'", "type = 'CARDS'", "type like 'CARD%'", "state = 'FAILED'",
               "amount > 2", "completed_at is null", "true", "state <> 'COMPLETED'",
               "category_id not like '%2'", "created_at < completed_at");
        return;
    case 1:
        pair(w, boolean, pick(w, 2) ? " and " : " or ", boolean, depth);
        return;
    case 2:
        put(w, "not ");
        pair(w, boolean, " or ", boolean, depth);
        return;
    case 3:
        pair(w, money, pick(w, 2) ? " < " : " >= ", pick(w, 2) ? integer : money, depth);
        return;
    case 4:
        pair(w, text, " = ", text, depth);
        return;
    case 5:
        pair(w, integer, pick(w, 2) ? " = " : " > ", integer, depth);
        return;
    case 6:
        pair(w, span, " <= ", span, depth);
        return;
    case 7:
        pair(w, real, " > ", real, depth);
        return;
    default:
        nested(w, "share", boolean, true, true, depth);
        put(w, " >= 0.5");
    }
}

static void integer(Writer *w, int depth)
{
    size_t form = depth == 0 ? 0 : pick(w, w->level == 1 ? 8 : 3);
    depth--;
    switch (form) {
    case 0:
        ONE_OF(w, "1", "2", "-3", "hour(created_at)", "weekday(completed_at)", "records",
               "length(category_id)", "sign(amount - 3)", "round(amount)",
               "mod(hour(created_at), 3)");
        return;
    case 1:
        choice(w, integer, depth);
        return;
    case 2:
        pair(w, integer, pick(w, 2) ? " + " : " - ", integer, depth);
        return;
    case 3:
        nested(w, "count", boolean, false, true, depth);
        return;
    case 4:
        nested(w, "distinct", any_type(w), true, true, depth);
        return;
    case 5:
        nested(w, "same", any_type(w), true, true, depth);
        return;
    case 6:
        nested(w, "streak", boolean, true, false, depth);
        return;
    default:
        nested(w, pick(w, 2) ? "sum" : "max", integer, true, true, depth);
    }
}

static void looked_at(Writer *w, Write value, bool ordered, int depth)
{
    static const char *const names[] = {"first", "last", "previous", "min", "max"};
    const char *name = names[pick(w, ordered ? 5 : 3)];
    nested(w, name, value, true, name[0] != 'p', depth);
}

static void money(Writer *w, int depth)
{
    size_t form = depth == 0 ? 0 : pick(w, w->level == 1 ? 6 : 3);
    depth--;
    switch (form) {
    case 0:
        ONE_OF(w, "amount", "amount", "-amount", "coalesce(amount, 0.25)", "0.50");
        return;
    case 1:
        choice(w, money, depth);
        return;
    case 2:
        put(w, pick(w, 2) ? "min(" : "greatest(");
        money(w, depth);
        put(w, ", ");
        money(w, depth);
        put(w, ")");
        return;
    case 3:
    case 4:
        nested(w, "sum", money, true, true, depth);
        return;
    default:
        looked_at(w, money, true, depth);
    }
}

static void real(Writer *w, int depth)
{
    size_t form = depth == 0 ? 0 : pick(w, w->level == 1 ? 6 : 2);
    depth--;
    switch (form) {
    case 0:
        ONE_OF(w, "amount / 3", "records / 7", "amount / amount", "floor(amount / 4)");
        return;
    case 1:
        choice(w, real, depth);
        return;
    case 2:
        nested(w, "mean", money, true, true, depth);
        return;
    case 3:
        nested(w, "share", boolean, true, true, depth);
        return;
    case 4:
        nested(w, "sum", real, true, true, depth);
        return;
    default:
        looked_at(w, real, true, depth);
    }
}

static void span(Writer *w, int depth)
{
    size_t form = depth == 0 ? 0 : pick(w, w->level == 1 ? 7 : 2);
    depth--;
    switch (form) {
    case 0:
        ONE_OF(w, "completed_at - created_at", "1h", "created_at - day(created_at)");
        return;
    case 1:
        choice(w, span, depth);
        return;
    case 2:
    case 3:
        nested(w, "since", boolean, false, false, depth);
        return;
    case 4:
        nested(w, "until", boolean, false, false, depth);
        return;
    case 5:
        nested(w, "mean", span, true, true, depth);
        return;
    default:
        looked_at(w, span, true, depth);
    }
}

static void text(Writer *w, int depth)
{
    size_t form = depth == 0 ? 0 : pick(w, w->level == 1 ? 3 : 2);
    depth--;
    switch (form) {
    case 0:
        ONE_OF(w, "type", "state", "direction", "category_id", "lower(type)",
               "coalesce(category_id, 'none')", "nullif(category_id, 'shop1')");
        return;
    case 1:
        choice(w, text, depth);
        return;
    default:
        looked_at(w, text, false, depth);
    }
}

static void instant(Writer *w, int depth)
{
    if (depth == 0 || w->level > 1)
        ONE_OF(w, "created_at", "completed_at", "day(created_at)");
    else
        looked_at(w, instant, true, depth - 1);
}

static void parts(Writer *w, const char *name, Write x, int depth, const char *between)
{
    put(w, name);
    put(w, "(");
    x(w, depth);
    put(w, between);
    if (pick(w, 2)) {
        put(w, " where ");
        boolean(w, depth);
    }
}

static void flow(Writer *w, int depth)
{
    const char *const names[] = {"matched", "matched_lag", "drained", "followed"};
    size_t form = pick(w, 4);
    put(w, names[form]);
    put(w, "(");
    boolean(w, depth);
    put(w, " to ");
    boolean(w, depth);
    put(w, " within ");
    duration(w);
    if (form == 2)
        ONE_OF(w, ", 0.5", ", 0.9", ", 1");
}

static void outer(Writer *w, int depth)
{
    static const char *const numbers[] = {"sum", "mean", "sd", "median", "min", "max"};
    static const char *const spread[] = {"distinct",      "entropy", "modal",
                                         "concentration", "first",   "last"};
    w->level = 1;
    switch (pick(w, 7)) {
    case 0:
        put(w, "count(");
        boolean(w, depth);
        break;
    case 1:
    case 2:
        parts(w, numbers[pick(w, 6)], measure(w), depth, "");
        break;
    case 3:
        parts(w, "percentile", measure(w), depth,
              (const char *const[]){", 0.25", ", 0.9", ", 0.333"}[pick(w, 3)]);
        break;
    case 4:
        parts(w, spread[pick(w, 6)], any_type(w), depth, "");
        break;
    case 5:
        parts(w, "share", boolean, depth, "");
        break;
    default:
        flow(w, depth);
    }
    put(w, ")");
    w->level = 0;
    if (pick(w, 3) == 0)
        ONE_OF(w, " over all", " over first 1d", " over first 3d", " over 36h");
}

enum { FEATURES = 30, EVENTS = 150, OWNERS = 6 };

static Str book(Arena *arena, uint64_t seed)
{
    Buffer b = buffer_new(arena);
    Writer w = {.random = random_new(seed_derive(77, seed)), .b = &b};
    put(&w, "version: 1\nzone: +05:30\nfeatures:\n");
    for (int i = 0; i < FEATURES; i++) {
        buffer_format(&b, "  - {name: f%d, use: monitor, family: f, says: T, over: ", i);
        ONE_OF(&w, "all", "first 2d", "first 6h", "3d");
        put(&w, ", expr: \"");
        outer(&w, 1 + (int)pick(&w, 3));
        if (i > 0 && pick(&w, 3) == 0)
            buffer_format(&b, " is null and f%zu is not null", pick(&w, (size_t)i));
        put(&w, "\"}\n");
    }
    return buffer_str(&b);
}

static Str customers(Arena *arena)
{
    Buffer b = buffer_new(arena);
    buffer_add(&b, S("user_id,user_current_state,has_biometrics,reason_to_use_app\n"));
    for (int i = 0; i <= OWNERS; i++) /* the last has no event */
        buffer_format(&b, "u%d,,TRUE,SPEND\n", i);
    return buffer_str(&b);
}

static Str transactions(Arena *arena, uint64_t seed)
{
    static const char *const states[] = {"COMPLETED", "COMPLETED", "FAILED", "REVERSED"};
    static const char *const types[] = {"CARDS", "BANK_TRANSFER", "CARD_TOP_UP"};
    Buffer b = buffer_new(arena);
    Random r = random_new(seed_derive(78, seed));
    int64_t start;
    assert_true(parse_time(S("2024-08-01"), &start));
    buffer_add(&b, S("id,user_id,state,type,amount,currency,direction,completed_at,created_at,"
                     "category_id\n"));
    for (int i = 0; i < EVENTS; i++) {
        char made[TIME_TEXT], done[TIME_TEXT] = "", amount[NUMBER_TEXT] = "", shop[8] = "";
        int64_t at = start + (int64_t)random_below(&r, 4) * DAY_US +
                     (int64_t)random_below(&r, 48) * 30 * MINUTE_US;
        /* Sometimes two customers have them all: many rows are sorted otherwise than a few. */
        uint64_t owner = random_below(&r, seed % 4 == 0 ? 2 : OWNERS), state = random_below(&r, 4);
        uint64_t type = random_below(&r, 3), way = random_below(&r, 2);
        if (random_below(&r, 5) > 0)
            (void)time_text(done, at + (int64_t)random_below(&r, 5) * 20 * MINUTE_US);
        if (random_below(&r, 12) > 0)
            (void)decimal_text(amount, (int64_t)random_below(&r, 24) * 25, 2);
        if (random_below(&r, 3) > 0)
            (void)snprintf(shop, sizeof shop, "shop%d", (int)random_below(&r, 4));
        buffer_format(&b, "t%03d,u%d,%s,%s,%s,EUR,%s,%s,%s,%s\n", i, (int)owner, states[state],
                      types[type], amount, way ? "IN" : "OUT", done, time_text(made, at).data,
                      shop);
    }
    return buffer_str(&b);
}

typedef struct Seen {
    size_t cells, valid, evidence;
} Seen;

/* What stands behind every value is the same, whether the parts were kept or are computed again. */
static void same_evidence(uint64_t seed, const Plan *plan, const Events *alone, const Events *kept,
                          Seen *seen)
{
    assert_true(alone->parts == NULL && kept->parts != NULL);
    for (size_t k = 0; k < plan->features; k++) {
        Arena arena = arena_new(), scratch = arena_new();
        Error err = {0};
        uint32_t *computed = NULL, *left = NULL;
        size_t of_computed = 0, of_left = 0;
        if (feature_evidence(&computed, &of_computed, &arena, scratch, &plan->feature[k], alone, 0,
                             &err) != STATUS_OK ||
            feature_evidence(&left, &of_left, &arena, scratch, &plan->feature[k], kept, 0, &err) !=
                STATUS_OK)
            fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
        seen->evidence += of_computed;
        if (of_computed != of_left ||
            (of_left > 0 && memcmp(computed, left, of_left * sizeof *left) != 0))
            fail_msg("seed %llu: other rows stand behind %.*s", (unsigned long long)seed,
                     STR_ARG(plan->feature[k].formula.text));
        arena_free(&arena);
        arena_free(&scratch);
    }
}

/* A request of one customer: laid out cell by cell, it must give what the table of all gives. */
static void try_alone(uint64_t seed, const Plan *plan, const Events *events, const Table *all,
                      Seen *seen)
{
    for (uint32_t i = 0; i < events->customers; i++) {
        Arena arena = arena_new(), scratch = arena_new();
        Error err = {0};
        Table *own = NULL;
        const Events *alone = events_take(&arena, events, &i, 1);
        Events kept = *alone;
        if (feature_table_keeping(&own, &arena, scratch, plan, &kept, NULL, &err) != STATUS_OK)
            fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
        assert(own != NULL);
        for (size_t k = 0; k < plan->features; k++)
            if (!cell_equal(&own->column[k], 0, &all->column[k], i))
                fail_msg("seed %llu, customer %u: alone `%.*s`, among others `%.*s`: %.*s",
                         (unsigned long long)seed, i,
                         STR_ARG(cell_text(&arena, &own->column[k], 0)),
                         STR_ARG(cell_text(&arena, &all->column[k], i)),
                         STR_ARG(plan->feature[k].formula.text));
        same_evidence(seed, plan, alone, &kept, seen);
        arena_free(&arena);
        arena_free(&scratch);
    }
}

static void try_one(uint64_t seed, Seen *seen)
{
    Arena arena = arena_new(), scratch = arena_new();
    Error err = {0};
    const Str csv[2] = {customers(&arena), transactions(&arena, seed)};
    const InputFile file[2] = {{"customers.csv", &csv[0]}, {"transactions.csv", &csv[1]}};
    DatasetInputs in = {.score_customers = {&file[0], 1}, .score_transactions = {&file[1], 1}};
    Schema *schema = NULL;
    Dataset *data = NULL;
    Collapsed *known = NULL;
    Plan *plan = NULL;
    Events *events = NULL;
    Table *fast = NULL, *slow = NULL;
    int64_t as_of[OWNERS + 1];
    Str yaml = book(&arena, seed);
    if (schema_default(&schema, &arena, &err) != STATUS_OK ||
        dataset_read(&data, &arena, scratch, schema, &in, &err) != STATUS_OK ||
        plan_read(&plan, &arena, yaml, "f.yaml", schema, &err) != STATUS_OK)
        fail_msg("seed %llu: %s (%lld:%lld)\n%.*s", (unsigned long long)seed, err.message,
                 (long long)err.line, (long long)err.column, (int)yaml.size, yaml.data);
    assert(data != NULL && plan != NULL);
    for (size_t i = 0; i < data->customers; i++) /* some customers are cut short */
        as_of[i] = data->as_of_us - (int64_t)(seed % 3) * 20 * HOUR_US;
    if (quality_collapse(&known, &arena, scratch, schema, data->versions, data->owner, as_of,
                         &err) != STATUS_OK ||
        events_build(&events, &arena, plan, data->profile, known, as_of, &err) != STATUS_OK ||
        feature_table(&fast, &arena, scratch, plan, events, NULL, &err) != STATUS_OK ||
        feature_table_slow(&slow, &arena, scratch, plan, events, &err) != STATUS_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
    assert(fast != NULL && slow != NULL);
    for (size_t k = 0; k < plan->features; k++)
        for (size_t i = 0; i < fast->rows; i++) {
            const Column *a = &fast->column[k], *b = &slow->column[k];
            seen->cells++;
            seen->valid += column_valid(a, i);
            if (!cell_equal(a, i, b, i))
                fail_msg("seed %llu, customer %zu: fast `%.*s`, slow `%.*s`: %.*s over %.*s",
                         (unsigned long long)seed, i, STR_ARG(cell_text(&arena, a, i)),
                         STR_ARG(cell_text(&arena, b, i)), STR_ARG(plan->feature[k].formula.text),
                         STR_ARG(plan->feature[k].over.text));
        }
    try_alone(seed, plan, events, fast, seen);
    arena_free(&arena);
    arena_free(&scratch);
}

static void fast_equals_slow_on_random_books(void **state)
{
    (void)state;
    Seen seen = {0};
    for (uint64_t seed = 0; seed < 120; seed++)
        try_one(seed, &seen);
    assert_in_range(seen.valid * 100 / seen.cells, 40, 99); /* neither all missing nor none */
    assert_true(seen.evidence > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_equals_slow_on_random_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
