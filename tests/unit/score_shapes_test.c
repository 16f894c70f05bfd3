/* Bundles of banks with files of other shapes: what is written is read back, its made-up customers
 * are written in the bank's own forms, and the library answers as a run does. */
#include "assay.h"
#include "score/score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CUSTOMERS = 12, EVENTS = 90 };

typedef struct Shape {
    const char *name, *customers, *transactions; /* of the schema book */
    const char *sum, *in;                        /* in the features book */
    const char *over;
    const char *header;
    void (*row)(Buffer *out, Random *r);
} Shape;

static int pick(Random *r, int below)
{
    return (int)random_below(r, (uint64_t)below);
}

static void two_sided_row(Buffer *b, Random *r)
{
    int from = pick(r, 15), to = pick(r, 15), day = pick(r, 60), amount = pick(r, 999);
    buffer_format(b, "c%d,c%d,%d,%d.%02d\n", from, to, day, amount, amount % 100);
}

static void parted_row(Buffer *b, Random *r)
{
    int who = pick(r, 12), day = pick(r, 28) + 1, amount = pick(r, 999), out = pick(r, 2);
    buffer_format(b, "c%d;%02d/03/2024 10:%02d;", who, day, pick(r, 60));
    buffer_format(b, out ? "1.%03d,5;\n" : ";2.%03d,25\n", amount);
}

static void signed_row(Buffer *b, Random *r)
{
    int id = pick(r, 60), who = pick(r, 12), day = pick(r, 28) + 1, amount = pick(r, 999);
    buffer_format(b, "%d,c%d,2403%02d,%s%d,%s\n", id, who, day, pick(r, 2) ? "-" : "", amount,
                  pick(r, 3) ? "DONE" : "OPEN");
}

static void timeless_row(Buffer *b, Random *r)
{
    int who = pick(r, 12);
    buffer_format(b, "c%d,%d.5\n", who, pick(r, 99));
}

#define AMOUNT "    - {name: sum, type: decimal}\n"

static const Shape shapes[] = {
    {"two sides, steps", "",
     "  sides: {source: from, target: to}\n  created: at\n  amount: sum\n  columns:\n"
     "    - {name: from, type: text}\n    - {name: to, type: text}\n" AMOUNT
     "    - {name: at, type: time, format: step, step: 1d, from: 2024-01-01}\n",
     "sum", "direction = 'IN'", "first 20d", "from,to,at,sum\n", two_sided_row},
    {"debit and credit, marks",
     "  history:\n    - {columns: [may, june], into: amount, from: 2024-03-01, step: 10d, "
     "set: {direction: OUT}}\n",
     "  customer: who\n  created: at\n  debit: minus\n  credit: plus\n  columns:\n"
     "    - {name: who, type: text}\n"
     "    - {name: at, type: time, format: day_month_year}\n"
     "    - {name: minus, type: decimal, decimal_mark: \",\", thousands: \".\"}\n"
     "    - {name: plus, type: decimal, decimal_mark: \",\", thousands: \".\"}\n",
     "amount", "direction = 'IN'", "first 20d", "who;at;minus;plus\n", parted_row},
    {"signs, short dates, states", "",
     "  key: id\n  customer: who\n  created: at\n  amount: sum\n  signed: true\n"
     "  state: state\n  pending: [OPEN]\n  columns:\n    - {name: id, type: text}\n"
     "    - {name: who, type: text}\n    - {name: at, type: time, format: yymmdd}\n" AMOUNT
     "    - {name: state, type: category}\n",
     "sum", "state = 'DONE' and direction = 'IN'", "first 20d", "id,who,at,sum,state\n",
     signed_row},
    {"no time", "",
     "  customer: who\n  amount: sum\n  columns:\n    - {name: who, type: text}\n" AMOUNT, "sum",
     "sum > 20", "all", "who,sum\n", timeless_row},
};

typedef struct Bank {
    Arena keep, scratch;
    const char *folder;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Dataset *data;
    Str text[2]; /* folk, events */
    Bundle *bundle;
    uint32_t row[CUSTOMERS];
} Bank;

static Error err;

static void must(Status status, const char *name)
{
    if (status != STATUS_OK)
        fail_msg("%s: %s:%lld: %s (%s)", name, err.file, (long long)err.line, err.message,
                 err.remedy);
}

static void read_books(Bank *b, const Shape *s)
{
    Str schema =
        str_format(&b->keep,
                   "version: 1\ncurrency: EUR\ncustomers:\n  key: c\n"
                   "  label: {column: bad, positive: [1], negative: [0]}\n%s  columns:\n"
                   "    - {name: c, type: text}\n    - {name: bad, type: boolean}\n"
                   "    - {name: may, type: decimal}\n    - {name: june, type: decimal}\n"
                   "    - {name: born, type: date, format: month_day_year}\ntransactions:\n%s",
                   s->customers, s->transactions);
    Str features = str_format(
        &b->keep,
        "version: 1\nfeatures:\n"
        "  - {name: events, expr: count(), use: policy, family: f, says: T}\n"
        "  - {name: many, expr: count(), over: %s, use: model, family: f, says: T}\n"
        "  - {name: came, expr: \"sum(%s where %s)\", over: %s, use: model, family: f, says: T}\n"
        "  - {name: mean, expr: mean(%s), over: %s, use: model, family: f, says: T}\n",
        s->over, s->sum, s->in, s->over, s->sum, s->over);
    static const char policy[] =
        "version: 1\nname: p\ncosts: {missed_risk: 1, wrong_exit: 4, review: 0.4, monitor: 0.15}\n"
        "exposure: came\ninsufficient_data: {when: events = 0, because: Nothing.}\n"
        "rules:\n  - {id: r, when: came > 100, family: f, severity: severe, because: \"{came} "
        "came.\", also: "
        "A, "
        "evidence: came, missing_proof: M, next_step: N}\n"
        "actions:\n  - {action: MONITOR, when: rules >= 1, because: A rule.}\notherwise: None.\n";
    must(schema_read(&b->schema, &b->keep, schema, "schema.yaml", &err), s->name);
    must(plan_read(&b->plan, &b->keep, features, "features.yaml", b->schema, &err), s->name);
    must(policy_read(&b->policy, &b->keep, str_from(policy), "policy.yaml", b->plan, &err),
         s->name);
}

static void make_files(Bank *b, const Shape *s)
{
    Random r = random_new(5);
    Buffer folk = buffer_new(&b->keep), events = buffer_new(&b->keep);
    buffer_add(&folk, S("c,bad,may,june,born\n"));
    for (int i = 0; i < CUSTOMERS; i++)
        buffer_format(&folk, "c%d,%d,%d.5,%s,%d/13/1990\n", i, i % 3 == 0, i, i % 2 ? "7" : "",
                      i + 1);
    buffer_add(&events, str_from(s->header));
    for (int i = 0; i < EVENTS; i++)
        s->row(&events, &r);
    b->text[0] = buffer_str(&folk);
    b->text[1] = buffer_str(&events);
    const InputFile file[2] = {{"folk", &b->text[0]}, {"events", &b->text[1]}};
    const DatasetInputs in = {
        .customers = {&file[0], 1}, .transactions = {&file[1], 1}, .bad_rows_max = 0};
    must(dataset_read(&b->data, &b->keep, b->scratch, b->schema, &in, &err), s->name);
    assert_int_equal(b->data->customers, CUSTOMERS);
}

/* A linear model by hand, written and opened again: opening computes the golden customers anew. */
static void make_bundle(Bank *b, const char *name)
{
    Events *events;
    Table *features;
    Matrix *x;
    int64_t as_of[CUSTOMERS];
    uint8_t *skip = ARENA_ARRAY(&b->keep, uint8_t, b->plan->features);
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        as_of[i] = b->data->as_of_us;
        b->row[i] = i;
    }
    must(score_events(&events, &b->keep, b->scratch, b->plan, b->data, as_of, &err), name);
    must(feature_table(&features, &b->keep, b->scratch, b->plan, events, NULL, &err), name);
    must(
        feature_matrix(&x, &b->keep, b->plan, features, skip, b->data->id, b->row, CUSTOMERS, &err),
        name);
    Linear *m = ARENA_NEW(&b->keep, Linear);
    size_t n = x->columns;
    *m = (Linear){.columns = n,
                  .name = x->name,
                  .transform = ARENA_ARRAY(&b->keep, Transform, n),
                  .center = ARENA_ARRAY(&b->keep, double, n),
                  .scale = ARENA_ARRAY(&b->keep, double, n),
                  .weight = ARENA_ARRAY(&b->keep, double, n),
                  .weight_missing = ARENA_ARRAY(&b->keep, double, n),
                  .low = ARENA_ARRAY(&b->keep, double, n),
                  .high = ARENA_ARRAY(&b->keep, double, n),
                  .intercept = -0.5};
    for (size_t k = 0; k < n; k++) {
        m->transform[k] = TRANSFORM_SIGNED_LOG;
        m->scale[k] = 1;
        m->weight[k] = 0.1 * (double)(k + 1);
        m->low[k] = -INFINITY;
        m->high[k] = INFINITY;
    }
    Model *model = ARENA_NEW(&b->keep, Model);
    *model = (Model){.kind = MODEL_LINEAR, .linear = m};
    static double margin[] = {-2, 0, 1.5}, p0[] = {0.1, 0.3, 0.6}, p1[] = {0.2, 0.5, 0.9};
    static VennAbers interval = {3, margin, p0, p1};
    Bundle made = {.schema = b->schema,
                   .plan = b->plan,
                   .policy = b->policy,
                   .model = model,
                   .calibration = {.platt = {0.9, -0.1}},
                   .venn_abers = &interval,
                   .skip = skip,
                   .columns = matrix_plan(&b->keep, b->plan, skip),
                   .version = S("0"),
                   .as_of_us = b->data->as_of_us,
                   .customers = CUSTOMERS,
                   .positives = 4,
                   .data_hash = S("none"),
                   .metrics = S("{}")};
    bundle_reference(&made, &b->keep, b->scratch, x);
    must(bundle_write(&made, b->folder, &err), name);
    must(bundle_open(&b->bundle, &b->keep, b->folder, &err), name);
}

/* The n-th cell of a line. */
static const char *cell(Bank *b, Str line, char mark, size_t n)
{
    size_t from = 0;
    for (size_t i = 0; i < line.size && n > 0; i++)
        if (line.data[i] == mark) {
            from = i + 1;
            n--;
        }
    size_t to = from;
    while (to < line.size && line.data[to] != mark)
        to++;
    return str_chars(&b->keep, str_slice(line, from, to));
}

static size_t lines_of(Bank *b, Str text, Str **out)
{
    size_t count = 0;
    *out = ARENA_ARRAY(&b->keep, Str, text.size);
    for (size_t from = 0, i = 0; i < text.size; i++)
        if (text.data[i] == '\n') {
            (*out)[count++] = str_slice(text, from, i);
            from = i + 1;
        }
    return count;
}

/* The same customer through the public library: its own rows, in the bank's own words. */
static double by_library(Bank *b, assay_bundle *bundle, size_t customer, const char *as_of)
{
    Str *line;
    assay_error error = {0};
    assay_customer *c;
    assay_decision *d;
    size_t count = lines_of(b, b->text[0], &line), columns = 0;
    const char *id = str_chars(&b->keep, b->data->id[customer]), *name[8], *value[8];
    assert_int_equal(assay_customer_new(&c, bundle, id, &error), ASSAY_OK);
    for (size_t i = 1; i < count; i++)
        for (size_t k = 2; k < 5 && strcmp(cell(b, line[i], ',', 0), id) == 0; k++)
            assert_int_equal(
                assay_customer_set(c, cell(b, line[0], ',', k), cell(b, line[i], ',', k), &error),
                ASSAY_OK);
    count = lines_of(b, b->text[1], &line);
    char mark = memchr(line[0].data, ';', line[0].size) != NULL ? ';' : ',';
    for (size_t i = 0; i < line[0].size; i++)
        columns += line[0].data[i] == mark;
    columns++;
    for (size_t i = 1; i < count; i++) {
        bool own = false;
        for (size_t k = 0; k < columns; k++) {
            name[k] = cell(b, line[0], mark, k);
            value[k] = cell(b, line[i], mark, k);
            own = own || strcmp(value[k], id) == 0;
        }
        if (own && assay_customer_transaction(c, name, value, columns, &error) != ASSAY_OK)
            fail_msg("%s", error.message);
    }
    if (assay_decide(&d, c, as_of, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    double p = assay_decision_outcome(d)->probability;
    assay_free(c, d);
    return p;
}

static void check(const Shape *s)
{
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    err = (Error){0};
    b->keep = arena_new();
    b->scratch = arena_new();
    char folder[] = "/tmp/assay_shapes_XXXXXX";
    assert_non_null(mkdtemp(folder));
    b->folder = folder;
    read_books(b, s);
    make_files(b, s);
    make_bundle(b, s->name);

    Scored *scored;
    must(score_dataset(&scored, &b->keep, b->scratch, b->bundle, b->data, b->row, CUSTOMERS, NULL,
                       NULL, &err),
         s->name);
    assay_error error = {0};
    assay_bundle *bundle;
    if (assay_open(&bundle, folder, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    char as_of[TIME_TEXT];
    (void)time_text(as_of, b->data->as_of_us);
    double low = 1, high = 0;
    for (size_t i = 0; i < CUSTOMERS; i++) {
        double p = by_library(b, bundle, i, as_of);
        if (p != scored->probability[i])
            fail_msg("%s: customer %zu: %.17g by the library, %.17g by a run", s->name, i, p,
                     scored->probability[i]);
        low = fmin(low, p);
        high = fmax(high, p);
    }
    assert_true(low < high);
    assay_close(bundle);

    static const char *const names[] = {"bundle.json", "features.yaml", "model.json",
                                        "policy.yaml", "schema.yaml",   "SHA256SUMS"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(unlink(path_join(&b->keep, folder, names[i])), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&b->keep);
    arena_free(&b->scratch);
    free(b);
}

static void two_sides_and_steps_are_scored_alike_everywhere(void **state)
{
    (void)state;
    check(&shapes[0]);
}

static void debit_credit_marks_and_history_are_scored_alike_everywhere(void **state)
{
    (void)state;
    check(&shapes[1]);
}

static void signs_and_short_dates_are_scored_alike_everywhere(void **state)
{
    (void)state;
    check(&shapes[2]);
}

static void events_without_time_are_scored_alike_everywhere(void **state)
{
    (void)state;
    check(&shapes[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sides_and_steps_are_scored_alike_everywhere),
        cmocka_unit_test(debit_credit_marks_and_history_are_scored_alike_everywhere),
        cmocka_unit_test(signs_and_short_dates_are_scored_alike_everywhere),
        cmocka_unit_test(events_without_time_are_scored_alike_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
