#include "judge/judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static void has(Str text, const char *part)
{
    if (!str_contains(text, str_from(part)))
        fail_msg("`%.*s` lacks `%s`", STR_ARG(text), part);
}

/* Customers in cells of which each has its size and its suspended ones; the second stratum is the
 * cells from `narrow` on. */
enum { CELLS = 4 };
typedef struct Bank {
    size_t labelled[CELLS], positives[CELLS], scored[CELLS];
    uint32_t narrow;
} Bank;

static Strata *strata_of(Arena *keep, const Bank *bank, Team *team)
{
    static const Str names[CELLS] = {{"none", 4}, {"week", 4}, {"month", 5}, {"older", 5}};
    static const Str stratum[] = {{"ALL", 3}, {"OLD", 3}};
    static const Str condition[] = {{"true", 4}, {"old", 3}};
    size_t rows = 0, in_stratum[2] = {0, 0};
    for (size_t c = 0; c < CELLS; c++) {
        rows += bank->labelled[c];
        in_stratum[0] += bank->scored[c];
        in_stratum[1] += c >= bank->narrow ? bank->scored[c] : 0;
    }
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows), *all = ARENA_ARRAY(keep, uint8_t, rows);
    uint8_t *old = ARENA_ARRAY(keep, uint8_t, rows);
    uint32_t *cell = ARENA_ARRAY(keep, uint32_t, rows);
    double *p = ARENA_ARRAY(keep, double, rows), **runs = ARENA_ARRAY(keep, double *, 1);
    const uint8_t *inside[] = {all, old};
    Random r = random_new(3);
    for (size_t c = 0, i = 0; c < CELLS; c++)
        for (size_t k = 0; k < bank->labelled[c]; k++, i++) {
            cell[i] = (uint32_t)c;
            label[i] = k < bank->positives[c];
            all[i] = 1;
            old[i] = c >= bank->narrow;
            p[i] = stable_sigmoid(0.8 * label[i] + 0.5 * (double)c - 2 + random_normal(&r));
        }
    runs[0] = p;
    LearnOptions options = learn_options_default();
    options.replicates = 100;
    MetricSet *metric = ARENA_ARRAY(keep, MetricSet, 2);
    for (size_t s = 0; s < 2; s++)
        metric_evaluate(&metric[s], (const double *const *)runs, 1, label, inside[s], rows, 0.4, 50,
                        s, NULL);
    Candidate candidate = {.name = S("made up"), .probability = runs, .metric = metric};
    const Validation v = {.rows = rows, .repeats = 1, .candidates = 1, .candidate = &candidate};
    const TrainingSet set = {.label = label, .strata = 2, .stratum = stratum, .in_stratum = inside};
    const StrataInputs inputs = {.set = &set,
                                 .validation = &v,
                                 .condition = condition,
                                 .scored_in_stratum = in_stratum,
                                 .scored = in_stratum[0],
                                 .cells = CELLS,
                                 .cell_name = names,
                                 .cell = cell,
                                 .scored_in_cell = bank->scored,
                                 .unseen = 0};
    Strata *out;
    judge_strata(&out, keep, &inputs, &options, team);
    return out;
}

static void narrowest_stratum_of_most_scored_is_quoted_in_numbers(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{110, 95, 15, 100}, {2, 0, 3, 50}, {76, 11, 6, 170}, 3};
    const Strata *s = strata_of(&keep, &bank, NULL);
    assert_true(str_equal(s->slice[s->headline].name, S("OLD")));
    has(s->reason, "170 of 263 (65 %), against 100 of 320 labelled (31 %)");
    has(s->reason, "of the 187 with transactions 170 are of the cell \"older\"");
    arena_free(&keep);
}

static void a_stratum_of_few_positives_gives_way_to_the_reweighted_estimate(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{110, 95, 60, 40}, {2, 10, 12, 9}, {76, 11, 6, 170}, 3};
    const Strata *s = strata_of(&keep, &bank, NULL);
    assert_int_equal(s->headline, s->reweighted);
    assert_int_equal(s->stratum, 0);
    has(s->reason, "OLD would be nearer, but has 9 suspended of 40");
    has(s->slice[1].says, "9 of 40 labelled customers were suspended: too few for a figure");
    assert_false(s->slice[1].told);
    arena_free(&keep);
}

static void weights_give_labelled_customers_the_scored_mix(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{110, 95, 15, 100}, {2, 0, 3, 50}, {76, 11, 6, 170}, 3};
    const Strata *s = strata_of(&keep, &bank, NULL);
    double sum[CELLS] = {0}, all = 0;
    size_t row = 0;
    for (size_t c = 0; c < CELLS; c++)
        for (size_t k = 0; k < bank.labelled[c]; k++)
            sum[c] += s->weight[row++];
    for (size_t c = 0; c < CELLS; c++)
        all += sum[c];
    near(all, 320, 1e-9);
    for (size_t c = 0; c < CELLS; c++)
        near(sum[c] / all, (double)bank.scored[c] / 263, 1e-12);
    near(s->effective, metric_effective(s->weight, 320), 0);
    has(s->slice[s->reweighted].says, "11 of those to be scored (4.2 %) are in the cell \"week\", "
                                      "where none of 95 labelled customers was suspended");
    arena_free(&keep);
}

static void equal_mixes_leave_the_figure_as_it_is(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{40, 60, 20, 80}, {4, 6, 5, 30}, {20, 30, 10, 40}, 4};
    const Strata *s = strata_of(&keep, &bank, NULL);
    near(s->slice[s->reweighted].metric->metric[METRIC_AUC].value,
         s->slice[0].metric->metric[METRIC_AUC].value, 1e-12);
    near(s->effective, 200, 1e-9);
    arena_free(&keep);
}

static void scored_customers_unlike_all_labelled_are_named(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{40, 60, 0, 80}, {4, 6, 0, 30}, {20, 30, 50, 100}, 4};
    const Strata *s = strata_of(&keep, &bank, NULL);
    assert_int_equal(s->uncovered, 50);
    has(s->slice[s->reweighted].says,
        "50 of those to be scored (25.0 %) are in the cell \"month\", which has no labelled "
        "customers: the estimate says nothing of them");
    near(s->cell[3].weight, (100.0 / 150) / (80.0 / 180), 1e-12);
    arena_free(&keep);
}

static void weights_of_zero_are_a_sentence(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{40, 60, 0, 0}, {12, 16, 0, 0}, {0, 0, 50, 100}, 4};
    const Strata *s = strata_of(&keep, &bank, NULL);
    assert_true(s->reweighted == SIZE_MAX && s->metric == NULL);
    has(s->no_estimate, "every weight is 0");
    assert_int_equal(s->headline, 0);
    has(s->reason, "no reweighted estimate could be made");
    arena_free(&keep);
}

static void nobody_to_be_scored_leaves_everybody_quoted(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{40, 60, 20, 80}, {4, 6, 5, 30}, {0}, 3};
    const Strata *s = strata_of(&keep, &bank, NULL);
    assert_int_equal(s->headline, 0);
    has(s->reason, "no customers to be scored were given");
    has(s->no_estimate, "there is no mix to weigh the labelled ones to");
    assert_int_equal(s->unseen.size, 0);
    arena_free(&keep);
}

static void customers_without_transactions_have_their_own_words(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Bank bank = {{148, 95, 15, 100}, {3, 0, 3, 50}, {76, 11, 6, 170}, 3};
    const Strata *s = strata_of(&keep, &bank, NULL);
    assert_true(str_equal(s->slice[2].name, S("NOTX")));
    assert_false(s->slice[2].told);
    has(s->unseen, "76 of the 263 customers to be scored have no transactions. Of 148 labelled "
                   "customers like them 3 were suspended (2.0 %, 95 %: 0.7 to 5.8)");
    has(s->unseen, "cannot be said");
    bank.positives[0] = 20;
    s = strata_of(&keep, &bank, NULL);
    assert_true(s->slice[2].told);
    has(s->unseen, "their own figure is NOTX");
    bank.labelled[0] = bank.positives[0] = 0;
    s = strata_of(&keep, &bank, NULL);
    has(s->unseen, "no labelled customer is like them");
    arena_free(&keep);
}

static void threads_change_no_bit_of_the_strata(void **state)
{
    (void)state;
    Arena keep = arena_new();
    const Bank bank = {{110, 95, 15, 100}, {2, 0, 3, 50}, {76, 11, 6, 170}, 3};
    Team *team = team_new(8);
    const Strata *a = strata_of(&keep, &bank, NULL), *b = strata_of(&keep, &bank, team);
    assert_memory_equal(a->metric, b->metric, sizeof *a->metric);
    assert_memory_equal(a->slice[2].metric, b->slice[2].metric, sizeof *a->metric);
    team_free(team);
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrowest_stratum_of_most_scored_is_quoted_in_numbers),
        cmocka_unit_test(a_stratum_of_few_positives_gives_way_to_the_reweighted_estimate),
        cmocka_unit_test(weights_give_labelled_customers_the_scored_mix),
        cmocka_unit_test(equal_mixes_leave_the_figure_as_it_is),
        cmocka_unit_test(scored_customers_unlike_all_labelled_are_named),
        cmocka_unit_test(weights_of_zero_are_a_sentence),
        cmocka_unit_test(nobody_to_be_scored_leaves_everybody_quoted),
        cmocka_unit_test(customers_without_transactions_have_their_own_words),
        cmocka_unit_test(threads_change_no_bit_of_the_strata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
