/* Runs tests/cases/aggregate.test through the whole corridor: collapse as of an instant, events,
 * and both ways of computing a feature. The format is described at the top of that file. */
#include "feature/feature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char path[] = "tests/cases/aggregate.test";

static const char schema_text[] =
    "version: 1\n"
    "name: cases\n"
    "currency: EUR\n"
    "customers:\n"
    "  key: user_id\n"
    "  label: {column: label, positive: [B], negative: [G]}\n"
    "  columns:\n"
    "    - {name: user_id, type: text, says: The customer}\n"
    "    - {name: label, type: category, says: Its label}\n"
    "transactions:\n"
    "  key: id\n"
    "  customer: user_id\n"
    "  created: created_at\n"
    "  completed: completed_at\n"
    "  state: state\n"
    "  amount: amount\n"
    "  currency: currency\n"
    "  pending: [PENDING]\n"
    "  columns:\n"
    "    - {name: id, type: text, says: The transaction}\n"
    "    - {name: user_id, type: text, says: The customer}\n"
    "    - {name: created_at, type: time, says: When begun}\n"
    "    - {name: completed_at, type: time, says: When final}\n"
    "    - {name: state, type: category, says: How far,"
    " values: [PENDING, COMPLETED, FAILED, DECLINED, REVERSED]}\n"
    "    - {name: type, type: category, says: How, values: [CARD_TOP_UP, BANK_TRANSFER, CARDS]}\n"
    "    - {name: amount, type: decimal, scale: 2, says: How much}\n"
    "    - {name: direction, type: category, says: Which way, values: [IN, OUT]}\n"
    "    - {name: currency, type: category, says: Of the amount}\n";

typedef struct Cases {
    Arena arena, scratch;
    Schema *schema;
    size_t line;
    bool in_rows; /* between `transactions` and the next empty line */
    Buffer csv;
    Str as_of, over, expression;
    size_t checked, bad;
} Cases;

static void complain(Cases *c, const char *what, Str text)
{
    (void)fprintf(stderr, "%s:%zu: %s: %.*s\n", path, c->line, what, STR_ARG(text));
    c->bad++;
}

/* The customer's transactions as known at as_of. The customer is a line of a file of its own. */
static Status read_events(Events **out, Cases *c, const Plan *plan, Error *err)
{
    const Str text[2] = {S("user_id\nu\n"), buffer_str(&c->csv)};
    const InputFile file[2] = {{"customers", &text[0]}, {"transactions", &text[1]}};
    DatasetInputs in = {.score_customers = {&file[0], 1},
                        .score_transactions = {&file[1], 1},
                        .has_as_of = true,
                        .bad_rows_max = 0};
    Dataset *data;
    Collapsed *known;
    assert_true(parse_time(c->as_of, &in.as_of_us));
    int64_t *as_of = ARENA_ARRAY(&c->arena, int64_t, 1);
    as_of[0] = in.as_of_us;
    TRY(dataset_read(&data, &c->arena, c->scratch, c->schema, &in, err));
    TRY(quality_collapse(&known, &c->arena, c->scratch, c->schema, data->versions, data->owner,
                         as_of, err));
    return events_build(out, &c->arena, plan, data->profile, known, as_of, err);
}

static Status compute(Table *value[2], Cases *c, Error *err)
{
    Buffer book = buffer_new(&c->arena);
    Plan *plan;
    Events *events;
    buffer_format(&book,
                  "version: 1\nfeatures:\n  - name: x\n    use: monitor\n    family: f\n"
                  "    says: T\n    over: %.*s\n    expr: \"",
                  STR_ARG(c->over));
    for (size_t i = 0; i < c->expression.size; i++) {
        if (c->expression.data[i] == '"' || c->expression.data[i] == '\\')
            buffer_char(&book, '\\');
        buffer_char(&book, c->expression.data[i]);
    }
    buffer_add(&book, S("\"\n"));
    TRY(plan_read(&plan, &c->arena, buffer_str(&book), "book", c->schema, err));
    TRY(read_events(&events, c, plan, err));
    TRY(feature_table(&value[0], &c->arena, c->scratch, plan, events, NULL, err));
    return feature_table_slow(&value[1], &c->arena, c->scratch, plan, events, err);
}

static bool same(Cases *c, const Column *x, Str want)
{
    int64_t us;
    double real;
    if (str_equal(want, S("-")))
        return !column_valid(x, 0);
    if (!column_valid(x, 0))
        return false;
    if (x->type == TYPE_DOUBLE)
        return parse_double(want, &real) && x->real[0] == real;
    if (x->type == TYPE_TIME)
        return parse_time(want, &us) && x->integer[0] == us;
    if (x->type == TYPE_DURATION)
        return parse_duration(want, &us) && x->integer[0] == us;
    return str_equal(cell_text(&c->arena, x, 0), want);
}

static void check_answer(Cases *c, Str want)
{
    static const char *const ways[] = {"fast", "slow"};
    Table *value[2];
    Error err = {0};
    c->checked++;
    if (compute(value, c, &err) != STATUS_OK) {
        complain(c, err.message, c->expression);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (!same(c, &value[i]->column[0], want))
            complain(
                c, ways[i],
                str_format(&c->arena, "%.*s is `%.*s` instead of `%.*s`", STR_ARG(c->expression),
                           STR_ARG(cell_text(&c->arena, &value[i]->column[0], 0)), STR_ARG(want)));
}

static void check_error(Cases *c, Str words)
{
    Table *value[2];
    Error err = {0};
    c->checked++;
    if (compute(value, c, &err) == STATUS_OK)
        complain(c, "no error", c->expression);
    else if (!str_contains(str_from(err.message), words))
        complain(c, err.message, c->expression);
    else if (err.line != 8)
        complain(c, "the error is not in the expression", c->expression);
}

static void run_line(Cases *c, Str line)
{
    if (c->in_rows && line.size > 0) {
        buffer_add(&c->csv, line);
        buffer_add(&c->csv, buffer_str(&c->csv).size == line.size ? S(",user_id\n") : S(",u\n"));
        return;
    }
    c->in_rows = false;
    if (line.size == 0 || line.data[0] == '#')
        return;
    if (str_equal(line, S("transactions"))) {
        c->csv = buffer_new(&c->arena);
        c->in_rows = true;
    } else if (str_starts(line, S("as_of "))) {
        c->as_of = str_slice(line, 6, line.size);
    } else if (str_starts(line, S("over "))) {
        c->over = str_slice(line, 5, line.size);
    } else if (str_starts(line, S("= "))) {
        check_answer(c, str_slice(line, 2, line.size));
    } else if (str_starts(line, S("! "))) {
        check_error(c, str_slice(line, 2, line.size));
    } else {
        c->expression = line;
    }
}

static void aggregate_cases_have_their_answers_fast_and_slow(void **state)
{
    (void)state;
    Cases c = {0};
    Str text;
    Error err = {0};
    c.arena = arena_new();
    c.scratch = arena_new();
    if (file_read(&text, &c.arena, path, &err) != STATUS_OK)
        fail_msg("%s: run from the repository root", err.message);
    if (schema_read(&c.schema, &c.arena, str_from(schema_text), "schema", &err) != STATUS_OK)
        fail_msg("%lld: %s", (long long)err.line, err.message);
    size_t from = 0;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\n') {
            c.line++;
            run_line(&c, str_slice(text, from, i));
            from = i + 1;
        }
    assert_in_range(c.checked, 70, 10000);
    assert_int_equal(c.bad, 0);
    arena_free(&c.arena);
    arena_free(&c.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregate_cases_have_their_answers_fast_and_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
