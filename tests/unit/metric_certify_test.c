/* Sets with a guarantee: which sets are tested, where it ends, and how often it is wrong. */
#include "metric/metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

/* n customers from the highest score down, no two alike; those at the places given are errors, and
 * so is everybody from `good` on. */
typedef struct Ladder {
    Arena arena;
    double *p;
    uint8_t *label;
    size_t n;
} Ladder;

static Ladder ladder_new(size_t n, size_t good, size_t errors, const size_t *place)
{
    Ladder l = {.arena = arena_new(), .n = n};
    l.p = ARENA_ARRAY(&l.arena, double, n);
    l.label = ARENA_ARRAY(&l.arena, uint8_t, n);
    for (size_t i = 0; i < n; i++) {
        l.p[i] = 1 - (double)(i + 1) / (double)(n + 1);
        l.label[i] = i < good;
    }
    for (size_t i = 0; i < errors; i++)
        l.label[place[i] - 1] = 0;
    return l;
}

static MetricCertificate certify(Ladder *l, double precision, double confidence)
{
    return metric_certify(l->p, l->label, NULL, l->n, precision, confidence, l->arena);
}

static void sets_are_tested_from_strict_to_loose_until_one_fails(void **state)
{
    (void)state;
    /* No error in 14, one in 22, two in 30, then nothing but errors: 37 would have nine. */
    Ladder l = ladder_new(60, 30, 2, (size_t[]){17, 25});
    MetricCertificate c = certify(&l, 0.80, 0.95);
    assert_int_equal(c.least[0], 14);
    assert_int_equal(c.least[1], 22);
    assert_int_equal(c.least[2], 30);
    assert_int_equal(c.start, 14);
    assert_int_equal(c.tested, 4);
    assert_int_equal(c.selected, 30);
    assert_int_equal(c.errors, 2);
    near(c.threshold, l.p[29], 0);
    near(c.low, metric_proportion_low(28, 30, 0.95), 0);
    assert_true(c.low >= 0.80);
    assert_int_equal(c.failed_selected, 37);
    assert_int_equal(c.failed_errors, 9);
    near(c.failed_p, metric_binomial_least(28, 37, 0.80), 0);
    arena_free(&l.arena);
}

static void an_error_among_the_strictest_ends_it_at_once(void **state)
{
    (void)state;
    Ladder l = ladder_new(100, 100, 1, (size_t[]){14}); /* 99 of 100 are right, and yet */
    MetricCertificate c = certify(&l, 0.80, 0.95);
    assert_int_equal(c.selected, 0);
    assert_int_equal(c.tested, 1);
    assert_int_equal(c.failed_selected, 14);
    assert_int_equal(c.first_errors, 1);
    near(c.first_low, metric_proportion_low(13, 14, 0.95), 0);
    assert_true(c.first_low < 0.80);
    arena_free(&l.arena);
}

static void the_customers_may_end_before_the_proof_does(void **state)
{
    (void)state;
    Ladder l = ladder_new(25, 25, 0, NULL);
    MetricCertificate c = certify(&l, 0.80, 0.95);
    assert_int_equal(c.selected, 22); /* 30 are not there */
    assert_int_equal(c.failed_selected, 0);
    l.n = 13;
    c = certify(&l, 0.80, 0.95);
    assert_int_equal(c.selected, 0);
    assert_int_equal(c.first_selected, 0);
    assert_int_equal(c.start, 14);
    assert_int_equal(c.customers, 13);
    l.n = 0;
    assert_int_equal(certify(&l, 0.80, 0.95).tested, 0);
    arena_free(&l.arena);
}

static void what_nothing_can_prove_is_not_tested(void **state)
{
    (void)state;
    Ladder l = ladder_new(100, 100, 0, NULL);
    assert_int_equal(certify(&l, 1, 0.95).start, 0);
    assert_int_equal(certify(&l, 0.80, 1).start, 0);
    assert_int_equal(certify(&l, 0.80, 1).selected, 0);
    assert_int_equal(certify(&l, 0.99, 0.95).start, 299);
    assert_int_equal(certify(&l, 0.99, 0.95).first_selected, 0);
    arena_free(&l.arena);
}

static void a_set_has_fourteen_customers_at_least(void **state)
{
    (void)state;
    /* 0.50 is proven by 5 without an error already; the first that is tested is 16 with four. */
    Ladder l = ladder_new(16, 16, 4, (size_t[]){1, 2, 3, 4});
    MetricCertificate c = certify(&l, 0.50, 0.95);
    assert_int_equal(c.least[0], 5);
    assert_int_equal(c.start, 16);
    assert_int_equal(c.selected, 16);
    assert_int_equal(c.errors, 4);
    arena_free(&l.arena);
}

static void equal_scores_stay_together(void **state)
{
    (void)state;
    Ladder l = ladder_new(40, 40, 0, NULL);
    for (size_t i = 10; i < 20; i++)
        l.p[i] = l.p[10];
    MetricCertificate c = certify(&l, 0.80, 0.95);
    assert_int_equal(c.first_selected, 20); /* 14 would part them */
    /* Their order in the file means nothing. */
    uint8_t label = l.label[10];
    l.label[19] = 0;
    MetricCertificate one = certify(&l, 0.80, 0.95);
    l.label[19] = label;
    l.label[12] = 0;
    MetricCertificate other = certify(&l, 0.80, 0.95);
    assert_memory_equal(&one, &other, sizeof one);
    for (size_t i = 0; i < 40; i++)
        l.p[i] = 0.3;
    c = certify(&l, 0.80, 0.95);
    assert_int_equal(c.first_selected, 40);
    assert_int_equal(c.tested, 1);
    assert_int_equal(c.selected, 40);
    arena_free(&l.arena);
}

static void customers_left_out_count_for_nothing(void **state)
{
    (void)state;
    Ladder l = ladder_new(60, 60, 0, NULL);
    uint8_t *in = ARENA_ARRAY(&l.arena, uint8_t, l.n);
    for (size_t i = 0; i < l.n; i++) {
        in[i] = i % 2 == 0;
        l.label[i] = in[i];
    }
    MetricCertificate c = metric_certify(l.p, l.label, in, l.n, 0.80, 0.95, l.arena);
    assert_int_equal(c.customers, 30);
    assert_int_equal(c.selected, 30);
    assert_int_equal(c.errors, 0);
    arena_free(&l.arena);
}

/* ---- how often it is wrong ---- */

/* Scores drawn at random, labels by a known chance given the score. A wrong certificate is one
 * whose threshold selects, in truth, fewer right than it says. */
typedef double Truth(double score);

static double well_above(double score)
{
    return 0.2 + 0.75 * score;
}
static double on_the_edge(double score) /* .80 at every threshold: the hardest truth there is */
{
    (void)score;
    return 0.80;
}
static double turning(double score) /* the highest scores are not the best: not monotone */
{
    return score > 0.9 ? 0.70 : 0.86;
}

/* The precision of {score >= threshold} for scores uniform on [0, 1], by the midpoint rule. */
static double true_precision(Truth *truth, double threshold)
{
    enum { STEPS = 2000 };
    double sum = 0;
    for (int i = 0; i < STEPS; i++)
        sum += truth(threshold + (1 - threshold) * (i + 0.5) / STEPS);
    return sum / STEPS;
}

static void wrong_at_most_as_often_as_asked(Truth *truth, size_t n, double confidence)
{
    enum { DRAWS = 4000 };
    size_t wrong = 0;
    Arena arena = arena_new();
    double *p = ARENA_ARRAY(&arena, double, n);
    uint8_t *label = ARENA_ARRAY(&arena, uint8_t, n);
    for (size_t draw = 0; draw < DRAWS; draw++) {
        Random r = random_new(seed_derive(20261126, draw));
        for (size_t i = 0; i < n; i++) {
            p[i] = random_uniform(&r);
            label[i] = random_uniform(&r) < truth(p[i]);
        }
        MetricCertificate c = metric_certify(p, label, NULL, n, 0.80, confidence, arena);
        wrong += c.selected > 0 && true_precision(truth, c.threshold) < 0.80 - 1e-9;
    }
    arena_free(&arena);
    /* Three standard errors of a share this small over so many draws. */
    double asked = 1 - confidence, spread = 3 * sqrt(asked * (1 - asked) / DRAWS);
    if ((double)wrong / DRAWS > asked + spread)
        fail_msg("wrong in %zu of %d draws", wrong, DRAWS);
}

static void certificates_are_wrong_at_most_as_often_as_asked(void **state)
{
    (void)state;
    wrong_at_most_as_often_as_asked(well_above, 150, 0.95);
    wrong_at_most_as_often_as_asked(well_above, 400, 0.80);
    wrong_at_most_as_often_as_asked(turning, 300, 0.95);
    wrong_at_most_as_often_as_asked(turning, 1000, 0.90);
}

/* Where every set is right exactly as often as asked, none deserves to be certified; the chance of
 * certifying one is that of the first, 0.8^14, for what comes after it must have passed it too. */
static void at_the_edge_the_first_set_decides(void **state)
{
    (void)state;
    enum { DRAWS = 20000, N = 120 };
    size_t wrong = 0;
    double p[N];
    uint8_t label[N];
    Arena arena = arena_new();
    for (size_t draw = 0; draw < DRAWS; draw++) {
        Random r = random_new(seed_derive(7, draw));
        for (size_t i = 0; i < N; i++) {
            p[i] = random_uniform(&r);
            label[i] = random_uniform(&r) < on_the_edge(p[i]);
        }
        wrong += metric_certify(p, label, NULL, N, 0.80, 0.95, arena).selected > 0;
    }
    arena_free(&arena);
    double chance = metric_binomial_least(14, 14, 0.80); /* .0440 */
    near((double)wrong / DRAWS, chance, 3 * sqrt(chance * (1 - chance) / DRAWS));
}

/* A guarantee that is never given is worth nothing: where 97 % are right it is given mostly. */
static void what_deserves_a_certificate_mostly_gets_one(void **state)
{
    (void)state;
    enum { DRAWS = 1000, N = 200 };
    size_t given = 0;
    double p[N];
    uint8_t label[N];
    Arena arena = arena_new();
    for (size_t draw = 0; draw < DRAWS; draw++) {
        Random r = random_new(seed_derive(9, draw));
        for (size_t i = 0; i < N; i++) {
            p[i] = random_uniform(&r);
            label[i] = random_uniform(&r) < (p[i] > 0.5 ? 0.97 : 0.1);
        }
        given += metric_certify(p, label, NULL, N, 0.80, 0.95, arena).selected >= 14;
    }
    arena_free(&arena);
    near((double)given / DRAWS, 0.653, 0.05); /* 0.97^14 = .653 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_tested_from_strict_to_loose_until_one_fails),
        cmocka_unit_test(an_error_among_the_strictest_ends_it_at_once),
        cmocka_unit_test(the_customers_may_end_before_the_proof_does),
        cmocka_unit_test(what_nothing_can_prove_is_not_tested),
        cmocka_unit_test(a_set_has_fourteen_customers_at_least),
        cmocka_unit_test(equal_scores_stay_together),
        cmocka_unit_test(customers_left_out_count_for_nothing),
        cmocka_unit_test(certificates_are_wrong_at_most_as_often_as_asked),
        cmocka_unit_test(at_the_edge_the_first_set_decides),
        cmocka_unit_test(what_deserves_a_certificate_mostly_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
