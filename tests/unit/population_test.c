/* Population features: what they mean, and that a fold's own customers cannot reach them. */
#include "population_bank.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- meanings ---- */

static void tables_answer_as_the_definition_does(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        Bank *b = bank_new(seed < 2 ? 12 + 25 * seed : 400, seed, book_text);
        size_t compared = 0;
        fit(b, NULL);
        for (size_t k = 0; k < b->plan->features; k++) {
            if (lang_population(b->plan->feature[k].expr) == NULL)
                continue;
            Column slow;
            must(feature_population_slow(&slow, &b->keep, b->scratch, b->plan, k, b->events,
                                         b->features, &b->fitting, &b->err),
                 &b->err);
            for (size_t i = 0; i < b->events->customers; i++, compared++)
                if (!cell_equal(&slow, i, &b->features->column[k], i))
                    fail_msg("seed %d, customer %zu, %.*s: %.17g by definition, %.17g", (int)seed,
                             i, STR_ARG(slow.name), cell_double(&slow, i),
                             cell_double(&b->features->column[k], i));
        }
        assert_true(compared == 12 * b->events->customers);
        bank_free(b);
    }
}

/* A feature may be made of a comparison, for people. */
static void others_read_a_population_feature_by_its_name(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 8, book_text);
    fit(b, NULL);
    const Column *p1 = column_named(b->features, "p1"), *high = column_named(b->features, "high");
    size_t some = 0;
    for (size_t i = 0; i < b->events->customers; i++) {
        assert_int_equal(column_valid(high, i), column_valid(p1, i));
        assert_int_equal(high->boolean[i], p1->real[i] > 0.9);
        some += high->boolean[i];
    }
    assert_true(some > 5 && some < b->events->customers / 2);
    bank_free(b);
}

static void threads_change_no_population_feature(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 9, book_text);
    Team *one = team_new(1), *eight = team_new(8);
    fit(b, one);
    const Table *first = b->features;
    fit(b, eight);
    same_tables(first, b->features, "one thread and eight");
    team_free(one);
    team_free(eight);
    bank_free(b);
}

/* The customers of a group of five stand among all; those of forty among themselves. */
static void small_groups_back_off_to_everyone(void **state)
{
    (void)state;
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    Arena text = arena_new(), other = arena_new();
    Buffer customers = buffer_new(&text), transactions = buffer_new(&other);
    buffer_add(&customers, S("id,state,reason,gender\n"));
    buffer_add(&transactions, S("id,customer,at,amount,partner\n"));
    for (int i = 0; i < 45; i++) {
        buffer_format(&customers, "c%02d,%s,%s,\n", i, i % 3 == 0 ? "BAD" : "GOOD",
                      i < 40 ? "MANY" : "FEW");
        /* 1 to 40 for the many, 1001 to 1005 for the few */
        buffer_format(&transactions, "t%d,c%02d,2024-08-01,%d,\n", i, i,
                      i < 40 ? i + 1 : 1001 + i - 40);
    }
    bank_read(b, buffer_str(&customers), buffer_str(&transactions), book_text);
    fit(b, NULL);
    const Column *p1 = column_named(b->features, "p1"), *p2 = column_named(b->features, "p2");
    const Column *z2 = column_named(b->features, "z2");
    for (size_t i = 0; i < 45; i++) {
        if (i < 40 && i != 20)
            continue;
        if (i >= 40)
            assert_true(cell_equal(p1, i, p2, i));
    }
    /* Of 1 to 40: 13 knots at 1 + 39 (2k + 1) / 26, median 20.5, MAD 10. */
    assert_true(p2->real[0] == 0 && p2->real[39] == 1);
    assert_true(p2->real[20] == 7.0 / 13); /* 21 lies above knots 0 to 6 (of 20.5) */
    assert_true(fabs(z2->real[0] - (1 - 20.5) / 14.826) < 1e-12);
    /* Of all 45, of whom 1 to 40 and then the few. */
    assert_true(p2->real[44] > 0.99 && p1->real[39] < 0.95);
    bank_free(b);
    arena_free(&text);
    arena_free(&other);
}

static void customer_is_no_partner_of_itself(void **state)
{
    (void)state;
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    bank_read(b, S("id,state,reason,gender\na,BAD,,\nb,BAD,,\nc,GOOD,,\nd,,,\ne,GOOD,,\n"),
              S("id,customer,at,amount,partner\n"
                "1,a,2024-08-01,60,a\n" /* itself */
                "2,c,2024-08-01,60,a\n"
                "3,c,2024-08-02,60,a\n" /* the same partner again */
                "4,c,2024-08-02,10,b\n"
                "5,d,2024-08-03,60,c\n"  /* known, not risky */
                "6,d,2024-08-03,60,zz\n" /* nobody's customer */
                "7,e,2024-08-03,60,\n"
                "8,b,2024-08-03,60,a\n"
                "9,b,2024-08-03,60,d\n"),
              book_text);
    fit(b, NULL);
    const Column *r1 = column_named(b->features, "r1"), *r2 = column_named(b->features, "r2");
    const int64_t all[] = {0, 1, 2, 0, 0}, large[] = {0, 1, 1, 0, 0};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(r1->integer[i], all[i]);
        assert_int_equal(r2->integer[i], large[i]);
    }
    const Peers *p = plan_find(b->plan, S("r1"))->peers;
    assert_int_equal(p->positives, 2);
    for (size_t i = 0; i < 2; i++) { /* ids are not there as they are */
        assert_int_equal(p->positive[i].size, FINGERPRINT_TEXT);
        assert_false(str_contains(p->positive[i], S("\n")));
    }
    bank_free(b);
}

/* Without tables nothing is known, and nothing is made up. */
static void unfitted_features_are_missing(void **state)
{
    (void)state;
    Bank *b = bank_new(50, 3, book_text);
    Table *t;
    must(feature_table(&t, &b->keep, b->scratch, b->plan, b->events, NULL, &b->err), &b->err);
    for (size_t k = 0; k < t->columns; k++)
        for (size_t i = 0; i < t->rows && lang_population(b->plan->feature[k].expr) != NULL; i++)
            assert_false(column_valid(&t->column[k], i));
    bank_free(b);
}

/* ---- inside folds ---- */

/* A part of the rows gives what fitting the table on that part's customers gives. */
static void refit_of_a_part_equals_a_table_fitted_on_it(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 11, book_text);
    fit(b, NULL);
    Matrix *x, *wanted;
    FeatureRefit *refit;
    size_t n = b->fitting.count, parts = 0;
    must(feature_matrix(&x, &b->keep, b->plan, b->features, NULL, b->data->id, b->row, n, &b->err),
         &b->err);
    must(feature_refit_new(&refit, &b->keep, b->scratch, b->plan, b->events, b->features, NULL, x,
                           b->row, n, &b->err),
         &b->err);
    assert_non_null(refit);
    uint32_t *part = ARENA_ARRAY(&b->keep, uint32_t, n), *of = ARENA_ARRAY(&b->keep, uint32_t, n);
    uint8_t *label = ARENA_ARRAY(&b->keep, uint8_t, n);
    for (uint32_t i = 0; i < n; i++)
        if (i % 3 != 0) {
            part[parts] = i;
            of[parts] = b->row[i];
            label[parts++] = b->label[i];
        }
    const Matrix *got = feature_refit(refit, &b->keep, part, parts, b->label);
    b->fitting = (Fitting){of, label, parts};
    fit(b, NULL);
    must(feature_matrix(&wanted, &b->keep, b->plan, b->features, NULL, b->data->id, b->row, n,
                        &b->err),
         &b->err);
    size_t moved = 0;
    for (size_t i = 0; i < n * x->columns; i++) {
        bool both = isnan(got->value[i]) && isnan(wanted->value[i]);
        if (!both && got->value[i] != wanted->value[i])
            fail_msg("%.*s: %.9g is not %.9g", STR_ARG(x->name[i % x->columns]),
                     (double)got->value[i], (double)wanted->value[i]);
        moved += !both && got->value[i] != x->value[i];
    }
    assert_true(moved > n); /* it is another matrix than the one of all rows */
    /* And labels outside the part change nothing. */
    uint8_t *turned = ARENA_ARRAY(&b->keep, uint8_t, n);
    for (uint32_t i = 0; i < n; i++)
        turned[i] = i % 3 == 0 ? !b->label[i] : b->label[i];
    const Matrix *again = feature_refit(refit, &b->keep, part, parts, turned);
    assert_memory_equal(got->value, again->value, n * x->columns * sizeof(float));
    bank_free(b);
}

/* What a careless engine would do: fit on every labelled customer, whoever judges. */
static const Matrix *naive(const void *context, Arena *keep, const uint32_t *row, size_t rows,
                           const uint8_t *label)
{
    const FeatureRefit *refit = context;
    uint32_t everyone[1000];
    (void)row;
    (void)rows;
    for (uint32_t i = 0; i < 240; i++)
        everyone[i] = i;
    return feature_refit(refit, keep, everyone, 240, label);
}

static const char partners_text[] =
    "version: 1\nobserved_equally: a test\n"
    "features:\n" FEATURE("r", "risky_partners(partner)",
                          ", use: model, over: all, risk: up, reason: a test");

/* Four communities of sixty who all deal with each other, labels at random: in truth nothing can be
 * learnt. (The direction is left free here: held, as the book must, it would hide the leak.) */
static void risky_partners_stay_at_chance_on_random_labels(void **state)
{
    (void)state;
    Bank *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->keep = arena_new();
    b->scratch = arena_new();
    Arena text = arena_new(), other = arena_new();
    Buffer customers = buffer_new(&text), transactions = buffer_new(&other);
    Random r = random_new(17);
    buffer_add(&customers, S("id,state,reason,gender\n"));
    buffer_add(&transactions, S("id,customer,at,amount,partner\n"));
    for (int i = 0; i < 240; i++) {
        buffer_format(&customers, "c%03d,%s,,\n", i, random_below(&r, 10) < 4 ? "BAD" : "GOOD");
        for (int k = i / 60 * 60; k < i / 60 * 60 + 60; k++)
            buffer_format(&transactions, "t%d-%d,c%03d,2024-08-01,1,c%03d\n", i, k, i, k);
    }
    bank_read(b, buffer_str(&customers), buffer_str(&transactions), partners_text);
    fit(b, NULL);
    Matrix *x;
    FeatureRefit *context;
    must(
        feature_matrix(&x, &b->keep, b->plan, b->features, NULL, b->data->id, b->row, 240, &b->err),
        &b->err);
    must(feature_refit_new(&context, &b->keep, b->scratch, b->plan, b->events, b->features, NULL, x,
                           b->row, 240, &b->err),
         &b->err);
    const Refit inside = {feature_refit, context}, careless = {naive, context};
    LearnOptions o = learn_options_default();
    o.inner_folds = 3;
    Team *team = team_new(2);
    for (int kind = 0; kind < 2; kind++) {
        Candidate c = {.kind = kind == 0 ? MODEL_LINEAR : MODEL_FOREST,
                       .forest = forest_options_default()};
        Control honest, leaky;
        TrainingSet set = {.x = x, .label = b->label, .refit = &inside};
        audit_control(&honest, &b->keep, b->scratch, &set, &c, NULL, &o, team, NULL);
        set.refit = &careless;
        audit_control(&leaky, &b->keep, b->scratch, &set, &c, NULL, &o, team, NULL);
        print_message("%s: fitted inside folds %.3f [%.3f, %.3f], on everyone %.3f\n",
                      kind == 0 ? "logistic" : "forest", honest.mean, honest.low, honest.high,
                      leaky.mean);
        assert_true(honest.passed);
        assert_true(leaky.mean > honest.high);
        if (c.kind == MODEL_FOREST)
            assert_false(leaky.passed);
    }
    team_free(team);
    bank_free(b);
    arena_free(&text);
    arena_free(&other);
}

/* ---- the book ---- */

#define ONE(expr, rest) "  - {name: one, expr: \"" expr "\", family: f, says: T, " rest "}\n"
#define BEFORE                                                                                     \
    "version: 1\nfeatures:\n"                                                                      \
    "  - {name: total, expr: sum(amount), over: first 14d, use: policy, family: f, says: T}\n"     \
    "  - {name: woman, expr: gender = 'F', use: monitor, family: f, says: T}\n"                    \
    "  - {name: rank, expr: peer_percentile(total), use: policy, family: f, says: T}\n"            \
    "  - {name: recent, expr: sum(amount) over 30d, use: policy, family: f, says: T}\n"

static const struct {
    const char *claim, *book, *message, *remedy;
    int64_t line, column;
} refusals[] = {
    {"a rank of what the model may not see", BEFORE ONE("peer_z(recent)", "use: model"),
     "feature one uses feature recent, and feature recent gives the model a window that ends",
     "first 14d", 7, 24},
    {"what is made of a rank, in the model", BEFORE ONE("rank > 0.9", "use: model"),
     "feature one makes something of rank, which is fitted anew", "give the model rank itself", 7,
     24},
    {"a rank of what is made of a rank",
     BEFORE "  - {name: twice, expr: rank * 2, use: policy, family: f, says: T}\n" ONE(
         "peer_z(twice)", "use: policy"),
     "feature one compares twice, which is a comparison", "what twice compares", 8, 24},
    {"policy by way of a monitored count of partners",
     BEFORE "  - {name: r, expr: risky_partners(partner), use: monitor, family: f, says: T}\n" ONE(
         "r > 0", "use: policy"),
     "feature one uses feature r, and feature r counts partners", "monitor it", 8, 24},
    {"a group the policy may not see", BEFORE ONE("peer_z(total by woman)", "use: policy"),
     "feature one uses feature woman, and feature woman reads gender", "monitor", 7, 24},
    {"a protected column as a group", BEFORE ONE("peer_z(total by gender)", "use: policy"),
     "feature one reads gender, which stands for a protected ground", "monitor", 7, 24},
    {"a comparison of a comparison", BEFORE ONE("peer_z(rank)", "use: policy"),
     "which is a comparison", "what rank compares", 7, 24},
    {"a feature further down",
     BEFORE ONE(
         "peer_z(later)",
         "use: policy") "  - {name: later, expr: count(), use: policy, family: f, says: T}\n",
     "there is no customer column 'later'", "", 7, 31},
    {"an expression", BEFORE ONE("peer_z(total + 1)", "use: policy"),
     "takes a name, not an expression", "a feature of its own", 7, 31},
    {"a function inside an expression", BEFORE ONE("1 + peer_z(total)", "use: policy"),
     "peer_z compares a customer with others and stands alone", "whole formula", 7, 28},
    {"more behind it", BEFORE ONE("peer_z(total) > 2", "use: policy"), "stands alone",
     "whole formula", 7, 24},
    {"a text to compare", BEFORE ONE("peer_z(reason)", "use: policy"),
     "reason is category, not a number or a duration", "", 7, 31},
    {"a number to group by", BEFORE ONE("peer_z(total by total)", "use: policy"),
     "total is decimal(2), not a category", "", 7, 40},
    {"a window", BEFORE ONE("peer_z(total)", "use: policy, over: 3d"), "has a window",
     "leave `over` out", 7, 79},
    {"a bracket left open", BEFORE ONE("peer_z(total", "use: policy"),
     "expected 'by' or ')' but the expression ends here", "", 7, 36},
    {"partners beyond monitoring", BEFORE ONE("risky_partners(partner)", "use: policy"),
     "it is for `use: monitor`", "`reason:`", 7, 24},
    {"partners for the model without a direction",
     BEFORE ONE("risky_partners(partner)", "use: model, reason: known, over: first 14d"),
     "needs `risk: up`", "risk: up", 7, 12},
    {"partners for the model up to as_of",
     BEFORE ONE("risky_partners(partner)", "use: model, reason: known, risk: up, over: 30d"),
     "a window that ends at as_of", "first 14d", 7, 24},
    {"a number as a partner", BEFORE ONE("risky_partners(amount)", "use: monitor"),
     "amount is decimal(2), not a text", "", 7, 39},
    {"a customer column as a partner", BEFORE ONE("risky_partners(reason)", "use: monitor"),
     "there is no transaction column 'reason'", "", 7, 39},
    {"a value for a condition", BEFORE ONE("risky_partners(partner where amount)", "use: monitor"),
     "needs a condition", "", 7, 53},
    {"a reason where none is asked", BEFORE ONE("sum(amount)", "use: policy, reason: so"),
     "gives a reason where none is asked", "leave it out", 7, 79},
    {"a comparison in a stratum",
     "version: 1\nstrata: {S: peer_z(total) > 1}\nfeatures:\n"
     "  - {name: total, expr: sum(amount), use: policy, family: f, says: T}\n",
     "stands alone", "feature of the features book", 2, 13},
};

static void book_is_refused_with_place_and_remedy(void **state)
{
    (void)state;
    size_t bad = 0;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        Arena keep = arena_new();
        Schema *schema;
        Plan *plan;
        Error err = {0};
        must(schema_read(&schema, &keep, S(schema_text), "schema.yaml", &err), &err);
        Status status = plan_read(&plan, &keep, str_from(refusals[i].book), "f.yaml", schema, &err);
        if (status != STATUS_FORMAT || strstr(err.message, refusals[i].message) == NULL ||
            strstr(err.remedy, refusals[i].remedy) == NULL || err.line != refusals[i].line ||
            err.column != refusals[i].column) {
            (void)fprintf(stderr, "%s: %lld:%lld: %s (%s)\n", refusals[i].claim,
                          (long long)err.line, (long long)err.column, err.message, err.remedy);
            bad++;
        }
        arena_free(&keep);
    }
    assert_int_equal(bad, 0);
}

/* What is compared is read, by way of the feature that measures it. */
static void comparison_reads_what_it_compares(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Schema *schema;
    Plan *plan;
    Error err = {0};
    must(schema_read(&schema, &keep, S(schema_text), "schema.yaml", &err), &err);
    must(plan_read(&plan, &keep, S(BEFORE ONE("peer_z(total by reason)", "use: policy")), "f.yaml",
                   schema, &err),
         &err);
    const Feature *f = plan_find(plan, S("one"));
    assert_true(feature_reads(f, S("amount")) && feature_reads(f, S("reason")));
    assert_false(feature_reads(f, S("partner")));
    assert_true(str_equal(lang_text(f->expr), S("peer_z(total by reason)")));
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_answer_as_the_definition_does),
        cmocka_unit_test(others_read_a_population_feature_by_its_name),
        cmocka_unit_test(threads_change_no_population_feature),
        cmocka_unit_test(small_groups_back_off_to_everyone),
        cmocka_unit_test(customer_is_no_partner_of_itself),
        cmocka_unit_test(unfitted_features_are_missing),
        cmocka_unit_test(refit_of_a_part_equals_a_table_fitted_on_it),
        cmocka_unit_test(risky_partners_stay_at_chance_on_random_labels),
        cmocka_unit_test(book_is_refused_with_place_and_remedy),
        cmocka_unit_test(comparison_reads_what_it_compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
