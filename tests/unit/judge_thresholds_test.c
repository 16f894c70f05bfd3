/* Thresholds by cost, capacity and guarantee, on the made-up run and on small made-up labels. */
#include "judge/judge.h"
#include "store/store.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "unit/made_up_run.h"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

typedef struct Fixture {
    Arena arena;
    Run *run;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

/* A book like the default one but for a part of it. */
static const Policy *policy_with(Fixture *f, const char *from, const char *to)
{
    Str book = book_default_text("policy");
    const char *at = memmem(book.data, book.size, from, strlen(from));
    assert_non_null(at);
    size_t before = (size_t)(at - book.data), after = before + strlen(from);
    Buffer b = buffer_new(&f->arena);
    buffer_add(&b, str_slice(book, 0, before));
    buffer_add(&b, str_from(to));
    buffer_add(&b, str_slice(book, after, book.size));
    Policy *p;
    Error err = {0};
    made_up_ok(policy_read(&p, &f->arena, buffer_str(&b), "policy", f->run->plan, &err), &err);
    return p;
}

static ThresholdReview *review_with(Fixture *f, const Policy *policy, const TrainingSet *set,
                                    const Validation *v, const ThresholdScored *scored)
{
    ThresholdReview *out;
    Arena scratch = arena_new();
    judge_thresholds(&out, &f->arena, scratch, set, v, 0, policy, scored);
    arena_free(&scratch);
    return out;
}

/* What each customer would cost, one by one. */
static void expected_cost_is_the_mean_over_customers(void **state)
{
    Fixture *f = *state;
    const Run *run = f->run;
    const double *p = store_out_of_fold(&f->arena, run);
    for (size_t s = 0; s < run->training->strata; s++)
        for (size_t k = 0; k < run->thresholds->stratum[s].grid_rows; k += 7) {
            const ThresholdRow *row = &run->thresholds->stratum[s].grid[k];
            double sum = 0, square = 0, n = 0;
            for (size_t i = 0; i < run->validation->rows; i++) {
                if (!run->training->in_stratum[s][i])
                    continue;
                double cost = p[i] >= row->cut.threshold ? 0.40
                              : run->training->label[i]  ? 1.0
                                                         : 0.0;
                sum += cost;
                square += cost * cost;
                n++;
            }
            near(row->cost.value, sum / n, 1e-12);
            double error = sqrt((square / n - sum / n * sum / n) / (n - 1));
            near(row->cost.high - row->cost.value, 1.959963984540054 * error, 1e-7);
        }
}

/* The policy's own thresholds lose no less than others only if probabilities are calibrated; but
 * what the ends cost is known whatever they are. */
static void the_ends_cost_what_everybody_and_nobody_cost(void **state)
{
    Fixture *f = *state;
    Validation v = *f->run->validation;
    Candidate c = v.candidate[0];
    double *half = ARENA_ARRAY(&f->arena, double, v.rows);
    for (size_t i = 0; i < v.rows; i++)
        half[i] = 0.5;
    double *repeat[] = {half};
    c.probability = repeat;
    v.candidate = &c;
    v.chosen = 0;
    v.repeats = 1;
    const ThresholdScored none = {0};
    const ThresholdReview *t = review_with(f, f->run->policy, f->run->training, &v, &none);
    const ThresholdStratum *s = &t->stratum[0];
    near(s->grid[0].cost.value, s->cost_everybody, 1e-12);
    near(s->grid[98].cost.value, s->cost_nobody, 1e-12);
    near(s->cost_segments.value, 0.40, 1e-12); /* everybody is High */
    near(s->cost_segments_blind.value, 0.40, 1e-12);
    near(s->cost_nobody, (double)v.positives / (double)v.rows, 1e-12);
    near(s->grid[0].net_benefit.value, s->grid[0].net_benefit_all.value, 0);
    near(s->grid[98].net_benefit.value, 0, 0);
    /* Nobody can be told from anybody: one set, everybody, or none. */
    assert_int_equal(s->certificate.first_selected, v.rows);
    assert_int_equal(s->mark[MARK_TOP].cut.selected, 0);
    assert_int_equal(s->mark[MARK_TOP].cut.tied, v.rows);
    assert_null(t->certified);
    assert_int_equal(t->scored, 0);
    assert_int_equal(s->mark[MARK_CAPACITY].cut.customers, 0);
}

/* Everybody is Medium: watched, at .15, and in the other case missed all the same. */
static void what_watching_finds_bounds_what_segments_cost(void **state)
{
    Fixture *f = *state;
    Validation v = *f->run->validation;
    Candidate c = v.candidate[0];
    double *fifth = ARENA_ARRAY(&f->arena, double, v.rows);
    for (size_t i = 0; i < v.rows; i++)
        fifth[i] = 0.2;
    double *repeat[] = {fifth};
    c.probability = repeat;
    v.candidate = &c;
    v.chosen = 0;
    v.repeats = 1;
    const ThresholdScored none = {0};
    const ThresholdReview *t = review_with(f, f->run->policy, f->run->training, &v, &none);
    const ThresholdStratum *s = &t->stratum[0];
    near(s->cost_segments.value, 0.15, 1e-12);
    near(s->cost_segments_blind.value, 0.15 + s->cost_nobody, 1e-12);
    assert_true(s->cost_nobody > 0.1);
}

static void a_threshold_that_fits_leaves_no_more_than_can_be_reviewed(void **state)
{
    Fixture *f = *state;
    const Run *run = f->run;
    uint8_t *headline = ARENA_ARRAY(&f->arena, uint8_t, run->scored->count);
    double *apart = ARENA_ARRAY(&f->arena, double, run->scored->count);
    for (size_t i = 0; i < run->scored->count; i++) /* no two of these scores are alike */
        apart[i] = run->scored->probability[i] + 1e-9 * (double)i;
    const ThresholdScored scored = {apart, run->scored->outcome, headline, run->scored->count};
    for (size_t reviews = 1; reviews < 80; reviews += 6) {
        const Policy *policy =
            policy_with(f, "reviews: 20", str_format(&f->arena, "reviews: %zu", reviews).data);
        const ThresholdReview *t = review_with(f, policy, run->training, run->validation, &scored);
        const ThresholdRow *fits = &t->stratum[0].mark[MARK_CAPACITY];
        const ThresholdRow *worked = &t->stratum[0].mark[MARK_CAPACITY_WORKED];
        assert_true(fits->reviews <= reviews);
        assert_true(worked->reviews <= reviews * 8 / 10);
        /* The lowest that does. */
        size_t most = reviews < scored.count ? reviews : scored.count;
        assert_int_equal(fits->reviews, most);
        assert_true(worked->cut.threshold >= fits->cut.threshold);
        assert_int_equal(t->stratum[0].mark[MARK_TOP].cut.selected,
                         reviews < run->validation->rows ? reviews : run->validation->rows);
    }
    const ThresholdReview *t = f->run->thresholds;
    size_t reviewed = 0, by_rules = 0;
    for (size_t i = 0; i < scored.count; i++) {
        bool due = scored.outcome[i].action >= ACTION_ENHANCED_DUE_DILIGENCE;
        reviewed += due;
        by_rules += due && run->scored->probability[i] < 0.40;
    }
    assert_int_equal(t->reviews_expected, reviewed);
    assert_int_equal(t->reviews_by_rules, by_rules);
    assert_true(reviewed > by_rules);
}

static void without_a_capacity_nothing_is_said_of_it(void **state)
{
    Fixture *f = *state;
    const Policy *policy = policy_with(f, "capacity:\n  reviews: 20\n  per: batch\n", "");
    const ThresholdScored none = {0};
    const ThresholdReview *t = review_with(f, policy, f->run->training, f->run->validation, &none);
    assert_int_equal(t->capacity.reviews, 0);
    for (int m = MARK_CAPACITY; m <= MARK_TOP; m++)
        assert_int_equal(t->stratum[0].mark[m].cut.customers, 0);
}

/* Labels that follow the probability closely: then something is certified, and who among the scored
 * belongs to it is marked, in the headline stratum alone. */
static void certified_are_those_of_the_headline_above_the_threshold(void **state)
{
    Fixture *f = *state;
    const Run *run = f->run;
    Validation v = *run->validation;
    Candidate c = v.candidate[0];
    double *p = ARENA_ARRAY(&f->arena, double, v.rows);
    for (size_t i = 0; i < v.rows; i++)
        p[i] = (run->training->label[i] ? 0.6 : 0.1) + (double)i / 1000;
    double *repeat[] = {p};
    c.probability = repeat;
    v.candidate = &c;
    v.chosen = 0;
    v.repeats = 1;
    uint8_t *headline = ARENA_ARRAY(&f->arena, uint8_t, run->scored->count);
    for (size_t i = 0; i < run->scored->count; i++)
        headline[i] = i % 2 == 0;
    const ThresholdScored scored = {run->scored->probability, run->scored->outcome, headline,
                                    run->scored->count};
    const ThresholdReview *t = review_with(f, run->policy, run->training, &v, &scored);
    const MetricCertificate *got = &t->stratum[0].certificate;
    assert_true(got->selected >= v.positives);
    assert_true(got->low >= 0.80);
    assert_int_equal(t->stratum[0].repeats_certified, 1);
    assert_int_equal(t->stratum[0].levels_reached, CERTIFY_LEVELS - (v.positives < 59));
    size_t certified = 0;
    for (size_t i = 0; i < scored.count; i++) {
        assert_int_equal(t->certified[i], headline[i] && scored.probability[i] >= got->threshold);
        certified += t->certified[i];
    }
    assert_true(certified > 0);
}

static void an_impossible_guarantee_still_gives_what_can_be_had(void **state)
{
    Fixture *f = *state;
    const ThresholdScored none = {0};
    const Policy *policy =
        policy_with(f, "precision: 0.80\n  confidence: 0.95", "precision: 1\n  confidence: 1");
    const ThresholdReview *t = review_with(f, policy, f->run->training, f->run->validation, &none);
    const ThresholdStratum *s = &t->stratum[0];
    assert_int_equal(s->certificate.start, 0);
    assert_int_equal(s->certificate.selected, 0);
    assert_int_equal(s->repeats_certified, 0);
    near(s->level[0].confidence, 0.95, 0);
    near(s->level[0].precision, 0.50, 0);
    assert_true(s->level[0].first_selected > 0);
}

static void a_stratum_of_nobody_or_without_positives_has_no_figures_and_no_certificate(void **state)
{
    Fixture *f = *state;
    TrainingSet set = *f->run->training;
    size_t rows = set.x->rows;
    uint8_t *nobody = ARENA_ARRAY(&f->arena, uint8_t, rows);
    uint8_t *good = ARENA_ARRAY(&f->arena, uint8_t, rows);
    for (size_t i = 0; i < rows; i++)
        good[i] = !set.label[i];
    const uint8_t *in[] = {nobody, good, NULL};
    set.strata = 3;
    set.in_stratum = in;
    const ThresholdScored none = {0};
    const ThresholdReview *t = review_with(f, f->run->policy, &set, f->run->validation, &none);
    const ThresholdStratum *empty = &t->stratum[0], *harmless = &t->stratum[1];
    assert_int_equal(empty->mark[MARK_HIGH].cut.customers, 0);
    assert_true(is_missing(empty->mark[MARK_HIGH].cut.precision.value));
    assert_true(is_missing(empty->mark[MARK_HIGH].cost.value));
    assert_true(is_missing(empty->mark[MARK_HIGH].net_benefit.value));
    assert_true(is_missing(empty->cost_segments.value));
    assert_int_equal(empty->certificate.first_selected, 0);
    assert_int_equal(empty->levels_reached, 0);
    assert_true(is_missing(harmless->mark[MARK_HIGH].cut.recall.value));
    near(harmless->mark[MARK_MEDIUM].cut.precision.value, 0, 0);
    near(harmless->cost_nobody, 0, 0);
    assert_int_equal(harmless->certificate.selected, 0);
    assert_int_equal(harmless->certificate.first_errors, harmless->certificate.first_selected);
    assert_int_equal(harmless->levels_reached, 0);
    assert_int_equal(t->stratum[2].mark[MARK_HIGH].cut.customers, rows); /* NULL: everybody */
}

static void linked_customers_are_counted(void **state)
{
    Fixture *f = *state;
    TrainingSet set = *f->run->training;
    uint32_t *group = ARENA_ARRAY(&f->arena, uint32_t, set.x->rows);
    for (size_t i = 0; i < set.x->rows; i++)
        group[i] = (uint32_t)(i < 5 ? i / 2 * 2 : i); /* two pairs; the fifth has nobody */
    set.group = group;
    const ThresholdScored none = {0};
    assert_int_equal(review_with(f, f->run->policy, &set, f->run->validation, &none)->linked, 4);
    set.group = NULL;
    assert_int_equal(review_with(f, f->run->policy, &set, f->run->validation, &none)->linked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_cost_is_the_mean_over_customers),
        cmocka_unit_test(the_ends_cost_what_everybody_and_nobody_cost),
        cmocka_unit_test(what_watching_finds_bounds_what_segments_cost),
        cmocka_unit_test(a_threshold_that_fits_leaves_no_more_than_can_be_reviewed),
        cmocka_unit_test(without_a_capacity_nothing_is_said_of_it),
        cmocka_unit_test(certified_are_those_of_the_headline_above_the_threshold),
        cmocka_unit_test(an_impossible_guarantee_still_gives_what_can_be_had),
        cmocka_unit_test(linked_customers_are_counted),
        cmocka_unit_test(
            a_stratum_of_nobody_or_without_positives_has_no_figures_and_no_certificate),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
