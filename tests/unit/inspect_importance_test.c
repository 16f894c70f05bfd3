/* What the chosen model lives on, against slow and obvious forms of the same. */
#include "inspect/inspect_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

/* ---- a made-up bank, and what learning made of it ---- */

typedef struct Made {
    Arena keep;
    Matrix *x;
    uint8_t *label, *late;
    TrainingSet set;
    LearnOptions options;
    Validation *validation;
    Str *name, *family;
    uint32_t *feature;
    ImportanceInputs inputs;
    const uint8_t *in[2];
    Str stratum[2];
} Made;

static Made *made_new(size_t rows, size_t columns)
{
    Made *m = calloc(1, sizeof *m);
    m->keep = arena_new();
    m->x = matrix_new(&m->keep, rows, columns);
    m->label = ARENA_ARRAY(&m->keep, uint8_t, rows);
    m->late = ARENA_ARRAY(&m->keep, uint8_t, rows);
    m->name = ARENA_ARRAY(&m->keep, Str, columns);
    m->family = ARENA_ARRAY(&m->keep, Str, columns);
    m->feature = ARENA_ARRAY(&m->keep, uint32_t, columns);
    for (size_t c = 0; c < columns; c++) {
        m->name[c] = m->x->name[c] = str_format(&m->keep, "c%zu", c);
        m->family[c] = c % 2 == 0 ? S("even") : S("odd");
        m->feature[c] = (uint32_t)c;
    }
    for (size_t i = 0; i < rows; i++) {
        m->x->id[i] = str_format(&m->keep, "u%zu", i);
        m->late[i] = i % 3 == 0;
    }
    m->in[1] = m->late;
    m->stratum[0] = S("ALL");
    m->stratum[1] = S("LATE");
    m->set = (TrainingSet){
        .x = m->x, .label = m->label, .strata = 2, .stratum = m->stratum, .in_stratum = m->in};
    m->options = learn_options_default();
    m->options.repeats = 2;
    m->options.inner_folds = 3;
    m->options.replicates = 20; /* of intervals that nothing here reads */
    m->inputs = (ImportanceInputs){.set = &m->set,
                                   .options = &m->options,
                                   .features = columns,
                                   .name = m->name,
                                   .family = m->family,
                                   .feature = m->feature};
    return m;
}

static void made_validate(Made *m, const char *candidate)
{
    Error err = {0};
    Arena scratch = arena_new();
    assert_int_equal(
        learn_validate(&m->validation, &m->keep, scratch, &m->set, &m->options, NULL, NULL, &err),
        STATUS_OK);
    arena_free(&scratch);
    for (size_t k = 0; k < m->validation->candidates; k++)
        if (str_equal(m->validation->candidate[k].name, str_from(candidate)))
            m->validation->chosen = k;
    assert_true(
        str_equal(m->validation->candidate[m->validation->chosen].name, str_from(candidate)));
    m->inputs.validation = m->validation;
}

static void made_free(Made *m)
{
    arena_free(&m->keep);
    free(m);
}

static Importance *measured(Made *m, size_t threads)
{
    Arena scratch = arena_new();
    Team *team = threads == 0 ? NULL : team_new(threads);
    Importance *out = inspect_importance(&m->keep, scratch, &m->inputs, team);
    if (team != NULL)
        team_free(team);
    arena_free(&scratch);
    return out;
}

/* Columns of a normal law; `signals` of them tell the label. */
static Made *normal(size_t rows, size_t columns, size_t signals, double strength, uint64_t seed)
{
    Made *m = made_new(rows, columns);
    Random r = random_new(seed);
    for (size_t i = 0; i < rows; i++) {
        float *v = m->x->value + i * columns;
        double sum = -1;
        for (size_t c = 0; c < columns; c++)
            v[c] = (float)random_normal(&r);
        for (size_t c = 0; c < signals; c++)
            sum += strength * (double)v[c];
        m->label[i] = random_uniform(&r) < stable_sigmoid(sum);
    }
    return m;
}

static const ImportanceItem *item_named(const Importance *m, ImportanceOf of, const char *name)
{
    for (size_t i = 0; i < m->items; i++)
        if (m->item[i].of == of && str_equal(m->item[i].name, str_from(name)))
            return &m->item[i];
    fail_msg("no item of kind %d called %s", (int)of, name);
    return NULL;
}

static const ImportanceShap *shap_named(const Importance *m, ImportanceOf of, const char *name)
{
    for (size_t i = 0; i < m->shaps; i++)
        if (m->shap[i].of == of && str_equal(m->shap[i].name, str_from(name)))
            return &m->shap[i];
    fail_msg("no contribution of kind %d called %s", (int)of, name);
    return NULL;
}

/* ---- the parts ---- */

static void placements_count_the_other_class(void **state)
{
    (void)state;
    enum { N = 90 };
    Arena scratch = arena_new();
    Random r = random_new(3);
    double score[N], placed[N];
    uint8_t label[N];
    for (size_t i = 0; i < N; i++) {
        score[i] = (double)random_below(&r, 12); /* many ties */
        label[i] = random_below(&r, 3) == 0;
    }
    importance_placements(placed, score, label, N, scratch);
    for (size_t i = 0; i < N; i++) {
        double mine = 0;
        for (size_t k = 0; k < N; k++)
            if (label[k] != label[i]) {
                bool right = label[i] ? score[k] < score[i] : score[k] > score[i];
                mine += right ? 1 : score[k] == score[i] ? 0.5 : 0;
            }
        assert_true(placed[i] == mine);
    }
    arena_free(&scratch);
}

static void ranks_share_ties_and_put_missing_in_the_middle(void **state)
{
    (void)state;
    Arena scratch = arena_new();
    const double value[] = {3, 1, NAN, 3, 10}, flat[] = {2, 2, NAN};
    double rank[5], none[3];
    /* Ranks 2.5, 1, -, 2.5, 4 less 2.5; squares add up to 4.5. */
    const double expected[] = {0, -1.5, 0, 0, 1.5};
    importance_ranks(rank, value, 5, scratch);
    for (size_t i = 0; i < 5; i++)
        assert_near(rank[i], expected[i] / sqrt(4.5), 1e-15);
    importance_ranks(none, flat, 3, scratch);
    for (size_t i = 0; i < 3; i++)
        assert_true(none[i] == 0);
    arena_free(&scratch);
}

/* Reference: scipy.cluster.hierarchy 1.x, linkage(1 - C, "average") and fcluster(.3, "distance").
 */
static void groups_are_those_of_average_linkage(void **state)
{
    (void)state;
    enum { N = 8 };
    static const double like[N][N] = {{1.0, 0.86, 0.82, 0.04, 0.03, 0.03, 0.13, 0.74},
                                      {0.86, 1.0, 0.7, 0.03, 0.11, 0.08, 0.12, 0.62},
                                      {0.82, 0.7, 1.0, 0.08, 0.16, 0.02, 0.1, 0.59},
                                      {0.04, 0.03, 0.08, 1.0, 0.77, 0.02, 0.03, 0.03},
                                      {0.03, 0.11, 0.16, 0.77, 1.0, 0.1, 0.03, 0.03},
                                      {0.03, 0.08, 0.02, 0.02, 0.1, 1.0, 0.07, 0.04},
                                      {0.13, 0.12, 0.1, 0.03, 0.03, 0.07, 1.0, 0.11},
                                      {0.74, 0.62, 0.59, 0.03, 0.03, 0.04, 0.11, 1.0}};
    static const uint32_t expected[N] = {1, 1, 1, 2, 2, 0, 0, 0};
    /* At .62 the last, alike by .65 on average, is in; at .8 only the closest two are. */
    static const uint32_t loose[N] = {1, 1, 1, 2, 2, 0, 0, 1}, tight[N] = {1, 1};
    Arena scratch = arena_new();
    const struct {
        double cut;
        size_t groups;
        const uint32_t *group;
    } cases[] = {{0.7, 2, expected}, {0.62, 2, loose}, {0.8, 1, tight}};
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        double copy[N * N];
        uint32_t group[N];
        memcpy(copy, like, sizeof copy);
        assert_int_equal(importance_cluster(group, copy, N, cases[k].cut, scratch),
                         cases[k].groups);
        for (size_t i = 0; i < N; i++)
            assert_int_equal(group[i], cases[k].group[i]);
    }
    arena_free(&scratch);
}

/* Reference: scipy.stats 1.x (friedmanchisquare / (m (n - 1)), and the mean of spearmanr). */
static void agreement_is_kendalls_w_with_ties(void **state)
{
    (void)state;
    static const double value[] = {5, 4, 3, 2, 1, 5, 3, 4, 2, 2, 1, 4, 3, 5, 0};
    static const double same[] = {3, 2, 1, 30, 20, 10};
    Arena scratch = arena_new();
    ImportanceRank rank[5];
    ImportanceAgreement a;
    importance_rank(rank, &a, value, 3, 5, scratch);
    assert_near(a.kendall_w, 0.502824858757062, 1e-12);
    assert_near(a.spearman, 0.2556286429517834, 1e-12);
    /* The first stood at 1, 1 and 4; the last at 5, 4.5 and 5. */
    assert_near(rank[0].median, 1, 0);
    assert_near(rank[0].high, 3.7, 1e-12);
    assert_near(rank[4].low, 4.55, 1e-12);
    assert_near(rank[4].top5, 1, 0);
    importance_rank(rank, &a, same, 2, 3, scratch);
    assert_near(a.kendall_w, 1, 1e-12);
    assert_near(a.spearman, 1, 1e-12);
    arena_free(&scratch);
}

/* Reference: scipy.stats.t.ppf(.975, degrees). */
static void intervals_over_models_use_students_t(void **state)
{
    (void)state;
    assert_near(importance_t_limit(1), 12.706204736174694, 1e-9);
    assert_near(importance_t_limit(10), 2.228138851986274, 1e-9);
    assert_near(importance_t_limit(11), 2.200985160091639, 2e-5);
    assert_near(importance_t_limit(19), 2.0930240544083087, 1e-6);
    assert_near(importance_t_limit(49), 2.0095752371292392, 1e-7);
    const double value[] = {1, 2, 3, NAN, 6};
    /* Mean 3, variance 14 / 3, of the mean with 5 folds times 1/4 + 1/4. */
    Interval i = importance_over_models(value, 5, 5);
    assert_near(i.value, 3, 1e-15);
    assert_near(i.high - 3, 3.182446305284263 * sqrt(14.0 / 3 / 2), 1e-9);
    assert_near(3 - i.low, i.high - 3, 1e-12);
}

static void bins_keep_equal_values_together_and_heavy_ones_alone(void **state)
{
    (void)state;
    double value[100], upper[101];
    for (size_t i = 0; i < 100; i++)
        value[i] = i < 60 ? 0 : (double)i;
    size_t bins = importance_bins(upper, value, 100, 8); /* 13 a bin */
    assert_int_equal(bins, 4);
    assert_true(upper[0] == 0 && upper[1] == 72 && upper[2] == 85 && upper[3] == 99);
    for (size_t i = 0; i < 100; i++)
        // NOLINTNEXTLINE(bugprone-integer-division)
        value[i] = (double)(i / 50);
    assert_int_equal(importance_bins(upper, value, 100, 8), 2); /* a truth: both values */
    for (size_t i = 0; i < 100; i++)
        value[i] = i < 95 ? (double)i : 94;
    bins = importance_bins(upper, value, 100, 8);
    assert_int_equal(bins, 8);
    assert_true(upper[bins - 1] == 94);
    assert_int_equal(importance_bins(upper, value, 1, 8), 1);
    assert_int_equal(importance_bins(upper, value, 0, 8), 0);
}

/* ---- shuffling ---- */

static double plain_loss(double p, uint8_t label)
{
    return -stable_log(label ? p : 1 - p);
}

/* Share of pairs of a positive and a negative that the scores put in order. */
static double plain_auc(const double *score, const uint8_t *label, size_t n)
{
    double right = 0, pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (label[i] && !label[k]) {
                right += score[i] > score[k] ? 1 : score[i] == score[k] ? 0.5 : 0;
                pairs++;
            }
    return right / pairs;
}

/* The same figure the slow way: a whole copy of the fold for every shuffle, probabilities, pairs.
 */
static void plain_rise(Made *m, const uint32_t *column, size_t columns, double *rise, double *fall)
{
    Arena own = arena_new(), scratch = arena_new();
    const Validation *v = m->validation;
    double loss = 0, auc = 0, judges = (double)(v->repeats * v->folds);
    for (size_t judge = 0; judge < v->repeats * v->folds; judge++) {
        size_t repeat = judge / v->folds, fold = judge % v->folds, others = 0;
        FoldModel f;
        learn_fold_model(&f, &own, scratch, &m->set, v, v->chosen, repeat, fold, &m->options);
        double *margin = ARENA_ARRAY(&own, double, v->rows);
        uint8_t *label = ARENA_ARRAY(&own, uint8_t, v->rows);
        for (size_t i = 0; i < v->rows; i++)
            if (v->fold[repeat][i] != fold) {
                margin[others] = v->candidate[v->chosen].margin[repeat][i];
                label[others++] = m->label[i];
            }
        Platt platt = learn_platt(margin, label, others);
        for (size_t i = 0; i < f.rows; i++)
            label[i] = m->label[f.row[i]];
        Matrix *x = matrix_take(&own, f.x, f.row, f.rows);
        double *before = ARENA_ARRAY(&own, double, f.rows),
               *after = ARENA_ARRAY(&own, double, f.rows);
        model_margin(f.model, x, before);
        for (size_t i = 0; i < f.rows; i++)
            before[i] = platt_apply(platt, before[i]);
        for (uint64_t t = 0; t < IMPORTANCE_PERMUTATIONS; t++) {
            uint32_t *order = ARENA_ARRAY(&own, uint32_t, f.rows);
            Random random = random_new(
                seed_derive(seed_derive(seed_derive(m->options.seed, STREAM_PERMUTE), judge), t));
            for (size_t i = 0; i < f.rows; i++)
                order[i] = (uint32_t)i;
            random_shuffle(&random, order, f.rows);
            Matrix *shuffled = matrix_take(&own, f.x, f.row, f.rows);
            for (size_t i = 0; i < f.rows; i++)
                for (size_t c = 0; c < columns; c++)
                    shuffled->value[i * x->columns + column[c]] =
                        matrix_row(x, order[i])[column[c]];
            model_margin(f.model, shuffled, after);
            for (size_t i = 0; i < f.rows; i++) {
                after[i] = platt_apply(platt, after[i]);
                loss += (plain_loss(after[i], label[i]) - plain_loss(before[i], label[i])) /
                        (double)f.rows / IMPORTANCE_PERMUTATIONS / judges;
            }
            auc += (plain_auc(before, label, f.rows) - plain_auc(after, label, f.rows)) /
                   IMPORTANCE_PERMUTATIONS / judges;
        }
    }
    *rise = loss;
    *fall = auc;
    arena_free(&scratch);
    arena_free(&own);
}

static void shuffling_costs_what_the_plain_way_finds(void **state)
{
    (void)state;
    static const char *const candidates[] = {"boosting", "blend"};
    for (size_t k = 0; k < COUNT_OF(candidates); k++) {
        Made *m = normal(150, 5, 2, 1.2, 8);
        for (size_t i = 0; i < 150; i += 7)
            m->x->value[i * 5 + 1] = NAN;
        made_validate(m, candidates[k]);
        Importance *out = measured(m, 0);
        const uint32_t one[] = {0}, family[] = {0, 2, 4};
        double rise, fall;
        plain_rise(m, one, 1, &rise, &fall);
        const ImportanceItem *item = item_named(out, IMPORTANCE_FEATURE, "c0");
        assert_near(item->log_loss.value, rise, 1e-12);
        assert_near(item->auc.value, fall, 1e-12);
        assert_true(rise > 0.01);
        plain_rise(m, family, 3, &rise, &fall);
        item = item_named(out, IMPORTANCE_FAMILY, "even");
        assert_near(item->log_loss.value, rise, 1e-12);
        assert_near(item->auc.value, fall, 1e-12);
        made_free(m);
    }
}

/* Columns of one category are exchanged together: no customer is of two levels or, unless one was,
 * of none. */
static void a_category_is_shuffled_whole(void **state)
{
    (void)state;
    Made *m = normal(150, 4, 1, 0.5, 18);
    m->name[1] = S("why");
    m->x->name[1] = S("why=A");
    m->x->name[2] = S("why=B");
    m->feature[2] = 1;
    m->feature[3] = 2;
    m->name[2] = S("c3");
    Random r = random_new(19);
    for (size_t i = 0; i < 150; i++) {
        float *v = m->x->value + i * 4;
        uint64_t level = random_below(&r, 3);
        v[1] = level == 0;
        v[2] = level == 1;
        m->label[i] = random_uniform(&r) < (level == 0 ? 0.7 : level == 1 ? 0.2 : 0.4);
    }
    made_validate(m, "boosting");
    const ImportanceItem *item = item_named(measured(m, 0), IMPORTANCE_FEATURE, "why");
    const uint32_t column[] = {1, 2};
    double rise, fall;
    plain_rise(m, column, 2, &rise, &fall);
    assert_near(item->log_loss.value, rise, 1e-12);
    assert_near(item->auc.value, fall, 1e-12);
    assert_true(rise > 0.005);
    made_free(m);
}

/* 95 % intervals of columns that tell nothing hold 0, but for one in twenty. */
static void noise_cannot_be_told_from_nothing(void **state)
{
    (void)state;
    size_t noise = 0, outside = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        Made *m = normal(240, 16, 2, 1.2, seed);
        made_validate(m, "logistic");
        Importance *out = measured(m, 2);
        for (size_t i = 0; i < out->items; i++) {
            const ImportanceItem *item = &out->item[i];
            if (item->of != IMPORTANCE_FEATURE)
                continue;
            if (item->feature[0] < 2) {
                assert_true(item->log_loss.low > 0 && item->auc.low > 0);
                assert_true(item->harmed >= 0.8);
                continue;
            }
            noise++;
            outside += item->log_loss.low > 0 || item->log_loss.high < 0;
        }
        made_free(m);
    }
    print_message("%zu of %zu columns of noise have an interval without 0\n", outside, noise);
    assert_int_equal(noise, 42);
    assert_true(outside <= 4);
}

/* Copies of one signal: each can be spared while the others are there, all together cannot. */
static void copies_hide_each_other_alone_but_not_as_a_group(void **state)
{
    (void)state;
    Made *m = normal(300, 6, 1, 1.5, 4);
    Random r = random_new(9);
    for (size_t i = 0; i < 300; i++)
        for (size_t c = 1; c < 4; c++)
            m->x->value[i * 6 + c] = m->x->value[i * 6] + 0.05F * (float)random_normal(&r);
    made_validate(m, "random_forest");
    Importance *out = measured(m, 2);
    const ImportanceItem *group = item_named(out, IMPORTANCE_CORRELATED, "c0");
    assert_int_equal(group->features, 4);
    assert_true(group->log_loss.low > 0);
    for (size_t c = 0; c < 4; c++) {
        char name[] = {'c', (char)('0' + c), '\0'};
        const ImportanceItem *alone = item_named(out, IMPORTANCE_FEATURE, name);
        assert_true(alone->log_loss.value < group->log_loss.value / 4);
        assert_int_equal(group->feature[c], c);
    }
    made_free(m);
}

static void features_missing_together_are_a_group(void **state)
{
    (void)state;
    Made *m = normal(200, 5, 1, 1, 6);
    for (size_t i = 0; i < 200; i += 4)
        m->x->value[i * 5 + 2] = m->x->value[i * 5 + 4] = NAN;
    made_validate(m, "logistic");
    Importance *out = measured(m, 0);
    const ImportanceItem *group = item_named(out, IMPORTANCE_MISSING, "c2");
    assert_int_equal(group->features, 2);
    assert_int_equal(group->feature[1], 4);
    for (size_t i = 0; i < out->items; i++)
        assert_true(out->item[i].of != IMPORTANCE_CORRELATED);
    made_free(m);
}

/* ---- contributions ---- */

static void contributions_of_a_line_are_its_terms(void **state)
{
    (void)state;
    Made *m = normal(160, 4, 2, 1.2, 11);
    made_validate(m, "logistic");
    Importance *out = measured(m, 0);
    Arena own = arena_new(), scratch = arena_new();
    const Validation *v = m->validation;
    double size[4] = {0}, late = 0, lates = 0, even = 0, positive = 0, positives = 0;
    for (size_t judge = 0; judge < 10; judge++) {
        FoldModel f;
        size_t others = 0, repeat = judge / 5, fold = judge % 5;
        learn_fold_model(&f, &own, scratch, &m->set, v, v->chosen, repeat, fold, &m->options);
        double margin[160], of_fold[4] = {0}, fold_late = 0, fold_lates = 0, fold_even = 0;
        uint8_t label[160];
        for (size_t i = 0; i < v->rows; i++)
            if (v->fold[repeat][i] != fold) {
                margin[others] = v->candidate[v->chosen].margin[repeat][i];
                label[others++] = m->label[i];
            }
        double slope = learn_platt(margin, label, others).slope;
        const Linear *l = f.model->linear;
        for (size_t i = 0; i < f.rows; i++) {
            double term[4];
            for (size_t c = 0; c < 4; c++) {
                double x = (double)matrix_row(f.x, f.row[i])[c];
                assert_int_equal(l->transform[c], TRANSFORM_NONE);
                x = x < l->low[c] ? l->low[c] : x > l->high[c] ? l->high[c] : x;
                term[c] = slope * l->weight[c] * (x - l->center[c]) / l->scale[c];
                of_fold[c] += fabs(term[c]);
            }
            fold_even += fabs(term[0] + term[2]);
            if (m->late[f.row[i]]) {
                fold_late += fabs(term[0]);
                fold_lates++;
            }
            if (m->label[f.row[i]]) {
                positive += term[1];
                positives++;
            }
        }
        for (size_t c = 0; c < 4; c++)
            size[c] += of_fold[c] / (double)f.rows / 10;
        even += fold_even / (double)f.rows / 10;
        late += fold_late / fold_lates;
        lates++;
    }
    for (size_t c = 0; c < 4; c++) {
        char name[] = {'c', (char)('0' + c), '\0'};
        const ImportanceShap *s = shap_named(out, IMPORTANCE_FEATURE, name);
        assert_near(s->size[0].value, size[c], 1e-12);
        assert_true(s->size[0].low >= 0 && s->size[0].low <= size[c] && s->size[0].high >= size[c]);
    }
    assert_near(shap_named(out, IMPORTANCE_FAMILY, "even")->size[0].value, even, 1e-12);
    assert_int_equal(out->slices,
                     4); /* ALL, positive, negative, LATE: the stratum ALL is the first */
    assert_true(str_equal(out->slice[3].name, S("LATE")));
    assert_near(shap_named(out, IMPORTANCE_FEATURE, "c0")->size[3].value, late / lates, 1e-12);
    assert_near(shap_named(out, IMPORTANCE_FEATURE, "c1")->mean[1], positive / positives, 1e-12);
    const ImportanceShap *first = shap_named(out, IMPORTANCE_FEATURE, "c0");
    assert_true(first->direction.low > 0.999); /* a line: the same order */
    assert_true(first->mean[1] > 0 && first->mean[2] < 0);
    assert_true(first->rank.median <= 2 && first->rank.top5 == 1);
    assert_true(is_missing(first->scored.value));
    arena_free(&scratch);
    arena_free(&own);
    made_free(m);
}

/* What features add, and the bias, make the score: so on average too. */
static void contributions_sum_to_the_score(void **state)
{
    (void)state;
    Made *m = normal(150, 6, 3, 1, 12);
    made_validate(m, "blend");
    Importance *out = measured(m, 2);
    Arena own = arena_new(), scratch = arena_new();
    double odds = 0, sum = 0, family = 0;
    for (size_t judge = 0; judge < 10; judge++) {
        FoldModel f;
        const Validation *v = m->validation;
        size_t repeat = judge / 5, fold = judge % 5, others = 0;
        double margin[150], phi[150 * 7];
        uint8_t label[150];
        learn_fold_model(&f, &own, scratch, &m->set, v, v->chosen, repeat, fold, &m->options);
        for (size_t i = 0; i < v->rows; i++)
            if (v->fold[repeat][i] != fold) {
                margin[others] = v->candidate[v->chosen].margin[repeat][i];
                label[others++] = m->label[i];
            }
        Platt platt = learn_platt(margin, label, others);
        Matrix *x = matrix_take(&own, f.x, f.row, f.rows);
        model_margin(f.model, x, margin);
        model_explain(f.model, x, scratch, phi);
        for (size_t i = 0; i < f.rows; i++)
            odds += platt.slope * (margin[i] - phi[i * 7 + 6]) / 300;
    }
    for (size_t i = 0; i < out->shaps; i++)
        *(out->shap[i].of == IMPORTANCE_FEATURE ? &sum : &family) += out->shap[i].mean[0];
    assert_near(sum, odds, 1e-9);
    assert_near(family, odds, 1e-9);
    arena_free(&scratch);
    arena_free(&own);
    made_free(m);
}

static void contributions_of_scored_customers_are_the_bundles(void **state)
{
    (void)state;
    Made *m = normal(120, 3, 1, 1, 13);
    made_validate(m, "logistic");
    Matrix *x = matrix_new(&m->keep, 4, 3);
    static const double phi[] = {1, 0, 0, .5, -2, 0, 0, .5, 3, 0, 0, .5, -2, 1, 1, .5};
    m->inputs.scored = x;
    m->inputs.contribution = phi;
    Importance *out = measured(m, 0);
    const ImportanceShap *s = shap_named(out, IMPORTANCE_FEATURE, "c0");
    assert_near(s->scored.value, 2, 1e-15);
    assert_near(s->scored_mean, 0, 1e-15);
    /* Sizes 1, 2, 3, 2: variance one half. */
    assert_near(s->scored.high - 2, 1.959963984540054 * sqrt(0.5 / 4), 1e-12);
    assert_near(shap_named(out, IMPORTANCE_FAMILY, "even")->scored.value, (1 + 2 + 3 + 1) / 4.0,
                1e-15);
    made_free(m);
}

/* ---- curves ---- */

static const ImportanceCurve *curve_named(const Importance *m, const char *name)
{
    for (size_t c = 0; c < m->curves; c++)
        if (str_equal(m->curve[c].name, str_from(name)))
            return &m->curve[c];
    fail_msg("no curve of %s", name);
    return NULL;
}

/* Of a line the accumulated local effect is the line itself, whatever else it has (Apley and Zhu
 * 2020, section 2), even where the features hang together. */
static void effect_of_a_line_is_the_line(void **state)
{
    (void)state;
    enum { ROWS = 240 };
    Made *m = made_new(ROWS, 3);
    Random r = random_new(21);
    for (size_t i = 0; i < ROWS; i++) {
        float *v = m->x->value + i * 3;
        v[0] =
            (float)(random_below(&r, 16)); /* so few that every part has the least and greatest */
        v[1] = v[0] * 0.5F + (float)random_normal(&r);
        v[2] = (float)random_normal(&r);
        m->label[i] =
            random_uniform(&r) < stable_sigmoid(0.25 * (double)v[0] - 2.5 + (double)v[1] * 0.2);
    }
    made_validate(m, "logistic");
    Importance *out = measured(m, 2);
    const ImportanceCurve *curve = curve_named(out, "c0");
    Arena own = arena_new(), scratch = arena_new();
    double slope = 0, mean = 0;
    for (size_t i = 0; i < ROWS; i++)
        mean += (double)matrix_row(m->x, i)[0] / ROWS;
    for (size_t judge = 0; judge < 10; judge++) {
        FoldModel f;
        const Validation *v = m->validation;
        size_t repeat = judge / 5, fold = judge % 5, others = 0;
        double margin[ROWS];
        uint8_t label[ROWS];
        learn_fold_model(&f, &own, scratch, &m->set, v, v->chosen, repeat, fold, &m->options);
        for (size_t i = 0; i < v->rows; i++)
            if (v->fold[repeat][i] != fold) {
                margin[others] = v->candidate[v->chosen].margin[repeat][i];
                label[others++] = m->label[i];
            }
        const Linear *l = f.model->linear;
        assert_int_equal(l->transform[0], TRANSFORM_NONE);
        assert_true(l->low[0] == 0 && l->high[0] == 15);
        slope += learn_platt(margin, label, others).slope * l->weight[0] / l->scale[0] / 10;
    }
    assert_true(slope > 0.05 && curve->bins >= 6);
    size_t customers = 0, positives = 0;
    for (size_t b = 0; b < curve->bins; b++) {
        const ImportanceBin *bin = &curve->bin[b];
        double at = 0, n = 0;
        for (size_t i = 0; i < ROWS; i++) {
            double x = (double)matrix_row(m->x, i)[0];
            if (bin->low == bin->high ? x == bin->high
                                      : x <= bin->high && (b == 0 ? x >= bin->low : x > bin->low)) {
                at += x;
                n++;
            }
        }
        assert_true(n == (double)bin->customers);
        assert_near(bin->effect.value, slope * (at / n - mean), 1e-9);
        assert_true(bin->effect.low <= bin->effect.value && bin->effect.high >= bin->effect.value);
        Interval wilson = metric_proportion(bin->positives, bin->customers);
        assert_true(wilson.low == bin->share.low && wilson.high == bin->share.high);
        customers += bin->customers;
        positives += bin->positives;
    }
    assert_int_equal(customers, ROWS);
    assert_int_equal(positives, m->validation->positives);
    arena_free(&scratch);
    arena_free(&own);
    made_free(m);
}

static void curves_count_levels_missing_and_what_lies_outside(void **state)
{
    (void)state;
    Made *m = normal(200, 4, 1, 1.5, 14);
    m->name[1] = S("why");
    m->x->name[1] = S("why=A");
    m->x->name[2] = S("why=B");
    m->feature[2] = 1;
    m->feature[3] = 2;
    m->name[2] = S("c3");
    for (size_t i = 0; i < 200; i++) {
        float *v = m->x->value + i * 4;
        v[1] = i % 3 == 0;
        v[2] = i % 3 == 1;
        if (i % 5 == 0)
            v[0] = NAN;
        m->label[i] = i % 5 != 0 && (v[0] > 0 || (v[1] > 0 && i % 2 == 0));
    }
    made_validate(m, "logistic");
    Matrix *x = matrix_new(&m->keep, 3, 4);
    static const float scored[] = {100, 1, 0, 0, -100, 0, 0, 0, NAN, 0, 0, 0};
    static const double phi[3 * 5] = {0};
    memcpy(x->value, scored, sizeof scored);
    m->inputs.scored = x;
    m->inputs.contribution = phi;
    Importance *out = measured(m, 0);
    const ImportanceCurve *number = curve_named(out, "c0"), *level = curve_named(out, "why");
    const ImportanceBin *missing = &number->bin[number->bins - 1];
    assert_true(missing->missing && is_missing(missing->effect.value));
    assert_int_equal(missing->customers, 40);
    assert_int_equal(missing->positives, 0);
    assert_int_equal(missing->scored, 1);
    assert_true(missing->contribution < 0); /* none of them was positive */
    assert_int_equal(number->scored_below, 1);
    assert_int_equal(number->scored_above, 1);
    assert_true(level->levels && level->bins == 3);
    assert_true(str_equal(level->bin[0].level, S("A")) &&
                str_equal(level->bin[2].level, S("other")));
    assert_int_equal(level->bin[0].customers, 67);
    assert_int_equal(level->bin[2].customers, 66);
    assert_int_equal(level->bin[0].scored, 1);
    assert_int_equal(level->bin[2].scored, 2);
    assert_true(level->bin[0].contribution > level->bin[1].contribution);
    made_free(m);
}

/* ---- the whole ---- */

static void threads_change_nothing(void **state)
{
    (void)state;
    Made *m = normal(150, 5, 2, 1, 15);
    made_validate(m, "boosting");
    const Importance *a = measured(m, 1), *b = measured(m, 4);
    assert_int_equal(a->items, b->items);
    for (size_t i = 0; i < a->items; i++) {
        assert_true(str_equal(a->item[i].name, b->item[i].name));
        assert_memory_equal(&a->item[i].log_loss, &b->item[i].log_loss, 2 * sizeof(Interval));
        assert_memory_equal(&a->item[i].rank, &b->item[i].rank, sizeof(ImportanceRank));
    }
    for (size_t i = 0; i < a->shaps; i++) {
        assert_memory_equal(a->shap[i].size, b->shap[i].size, a->slices * sizeof(Interval));
        assert_memory_equal(&a->shap[i].direction, &b->shap[i].direction, sizeof(Interval));
    }
    for (size_t c = 0; c < a->curves; c++)
        for (size_t k = 0; k < a->curve[c].bins; k++)
            assert_memory_equal(&a->curve[c].bin[k].effect, &b->curve[c].bin[k].effect,
                                sizeof(Interval));
    made_free(m);
}

/* The fold model's calibrated score is as good as the validation says: it is the same model. */
static void nothing_shuffled_gives_the_validations_margins(void **state)
{
    (void)state;
    Made *m = normal(150, 4, 2, 1, 16);
    made_validate(m, "tree");
    Importance *out = measured(m, 0);
    const Validation *v = m->validation;
    double auc = 0;
    for (size_t judge = 0; judge < 10; judge++) {
        double margin[150];
        uint8_t label[150];
        size_t n = 0;
        for (size_t i = 0; i < v->rows; i++)
            if (v->fold[judge / 5][i] == judge % 5) {
                margin[n] = v->candidate[v->chosen].margin[judge / 5][i];
                label[n++] = m->label[i];
            }
        auc += plain_auc(margin, label, n) / 10;
    }
    assert_near(out->auc, auc, 1e-12);
    assert_int_equal(out->customers, 150);
    assert_int_equal(out->repeats, 2);
    made_free(m);
}

/* Columns that are the same for all: nothing is lost, nothing added, and no order to agree on. */
static void constant_columns_are_worth_nothing(void **state)
{
    (void)state;
    Made *m = made_new(100, 3);
    for (size_t i = 0; i < 100; i++)
        m->label[i] = i % 4 == 0;
    for (size_t i = 0; i < 300; i++)
        m->x->value[i] = 5;
    made_validate(m, "logistic");
    Importance *out = measured(m, 0);
    for (size_t i = 0; i < out->items; i++)
        assert_true(out->item[i].log_loss.value == 0 && out->item[i].log_loss.high == 0 &&
                    out->item[i].auc.value == 0 && out->item[i].harmed == 0);
    for (size_t i = 0; i < out->shaps; i++)
        assert_true(out->shap[i].size[0].value == 0 && is_missing(out->shap[i].direction.value));
    assert_int_equal(out->curves, 0);
    assert_true(is_missing(out->by_loss.kendall_w));
    made_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placements_count_the_other_class),
        cmocka_unit_test(ranks_share_ties_and_put_missing_in_the_middle),
        cmocka_unit_test(groups_are_those_of_average_linkage),
        cmocka_unit_test(agreement_is_kendalls_w_with_ties),
        cmocka_unit_test(intervals_over_models_use_students_t),
        cmocka_unit_test(bins_keep_equal_values_together_and_heavy_ones_alone),
        cmocka_unit_test(shuffling_costs_what_the_plain_way_finds),
        cmocka_unit_test(a_category_is_shuffled_whole),
        cmocka_unit_test(noise_cannot_be_told_from_nothing),
        cmocka_unit_test(copies_hide_each_other_alone_but_not_as_a_group),
        cmocka_unit_test(features_missing_together_are_a_group),
        cmocka_unit_test(contributions_of_a_line_are_its_terms),
        cmocka_unit_test(contributions_sum_to_the_score),
        cmocka_unit_test(contributions_of_scored_customers_are_the_bundles),
        cmocka_unit_test(effect_of_a_line_is_the_line),
        cmocka_unit_test(curves_count_levels_missing_and_what_lies_outside),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(constant_columns_are_worth_nothing),
        cmocka_unit_test(nothing_shuffled_gives_the_validations_margins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
