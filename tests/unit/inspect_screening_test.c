/* What each feature tells by itself. */
#include "inspect/inspect_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not within %g of %.12g", a, tolerance, b);
}

typedef struct Made {
    Arena keep;
    Table *labelled, *scored;
    uint8_t label[2000], in_model[300];
    Str use[300], family[300], barred[300];
    ScreeningInputs inputs;
} Made;

static Made *made_new(size_t rows, size_t scored, size_t columns)
{
    Arena keep = arena_new();
    Made *m = ARENA_NEW(&keep, Made);
    m->labelled = table_new(&keep, S("labelled"), rows, columns);
    m->scored = table_new(&keep, S("scored"), scored, columns);
    for (size_t c = 0; c < columns; c++) {
        m->use[c] = S("policy");
        m->family[c] = S("flow");
    }
    m->inputs = (ScreeningInputs){.labelled = m->labelled,
                                  .scored = scored == 0 ? NULL : m->scored,
                                  .label = m->label,
                                  .use = m->use,
                                  .family = m->family,
                                  .in_model = m->in_model,
                                  .barred = m->barred,
                                  .seed = 1};
    m->keep = keep;
    return m;
}

static void made_free(Made *m)
{
    Arena keep = m->keep;
    arena_free(&keep);
}

static void put(Column *c, size_t row, double value)
{
    column_set_valid(c, row);
    c->real[row] = value;
}

static Screening *screened(Made *m, size_t threads)
{
    Arena scratch = arena_new();
    Team *team = threads == 0 ? NULL : team_new(threads);
    Screening *s = inspect_screening(&m->keep, scratch, &m->inputs, team);
    if (team != NULL)
        team_free(team);
    arena_free(&scratch);
    return s;
}

static const Screened *named(const Screening *s, const char *name)
{
    for (size_t i = 0; i < s->features; i++)
        if (str_equal(s->feature[i].name, str_from(name)))
            return &s->feature[i];
    fail_msg("%s was not screened", name);
    return NULL;
}

/* The form is Siddiqi's (2006, chapter 6): the sum over bands of the difference of the shares of
 * goods and bads, times the logarithm of their ratio; missing is a band. Reference: numpy,
 * ((G - B) * log(G / B)).sum() of these counts. */
static void information_value_is_the_published_sum(void **state)
{
    (void)state;
    static const struct {
        const char *band;
        size_t good, bad;
    } bands[] = {{NULL, 42, 8},      {"18-22", 152, 48}, {"23-26", 246, 54}, {"27-29", 405, 45},
                 {"30-35", 475, 25}, {"35-44", 339, 11}, {"44+", 147, 3}};
    Made *m = made_new(2000, 0, 1);
    Column *c = &m->labelled->column[0];
    column_init(c, &m->keep, S("age"), TYPE_CATEGORY, 0, 2000, NULL);
    size_t at = 0;
    for (size_t b = 0; b < COUNT_OF(bands); b++)
        for (size_t i = 0; i < bands[b].good + bands[b].bad; i++, at++) {
            m->label[at] = i >= bands[b].good;
            if (bands[b].band == NULL)
                continue;
            column_set_valid(c, at);
            c->code[at] = dictionary_add(c->dictionary, str_from(bands[b].band));
        }
    assert_int_equal(at, 2000);
    const Screened *f = named(screened(m, 0), "age");
    assert_near(f->information, 0.6502179922425796, 1e-12);
    assert_int_equal(f->bins, 7);
    assert_int_equal(f->distinct, 6);
    assert_near(f->missing_labelled, 0.025, 1e-15);
    assert_true(is_missing(f->missing_scored) && is_missing(f->psi));
    assert_true(f->information > f->limit_99 && f->limit_99 > f->limit_95 && f->limit_95 > 0);
    made_free(m);
}

/* Under shuffled labels the value is about a chi-squared variable of bins - 1 degrees, times
 * 1 / goods + 1 / bads (Yurdakul 2018, of the same sum): its 95 % point for 9 is 16.919. */
static void noise_limits_are_passed_by_one_feature_in_twenty(void **state)
{
    (void)state;
    enum { FEATURES = 160, ROWS = 2000 };
    Made *m = made_new(ROWS, 0, FEATURES);
    Random r = random_new(17);
    for (size_t i = 0; i < ROWS; i++)
        m->label[i] = i % 4 == 0;
    for (size_t c = 0; c < FEATURES; c++) {
        column_init(&m->labelled->column[c], &m->keep, str_format(&m->keep, "f%zu", c), TYPE_DOUBLE,
                    0, ROWS, NULL);
        for (size_t i = 0; i < ROWS; i++)
            put(&m->labelled->column[c], i, random_normal(&r));
    }
    Screening *s = screened(m, 2);
    size_t beyond_95 = 0, beyond_99 = 0;
    for (size_t c = 0; c < FEATURES; c++) {
        beyond_95 += s->feature[c].information > s->feature[c].limit_95;
        beyond_99 += s->feature[c].information > s->feature[c].limit_99;
        assert_near(s->feature[c].limit_95, 16.919 * (1 / 500.0 + 1 / 1500.0), 0.006);
    }
    print_message("of %d columns of noise %zu beyond 95 %%, %zu beyond 99 %%\n", FEATURES,
                  beyond_95, beyond_99);
    assert_true(beyond_95 >= 1 && beyond_95 <= 17); /* 8 are expected, deviation 2.8 */
    assert_true(beyond_99 <= 6);
    assert_int_equal(s->groups, 0);
    made_free(m);
}

static Made *varied(void)
{
    enum { ROWS = 300, SCORED = 200, FEATURES = 6 };
    static const char *const names[] = {"signal", "copy", "moved", "flat", "rare", "kind"};
    Made *m = made_new(ROWS, SCORED, FEATURES);
    Random r = random_new(23);
    for (size_t c = 0; c < FEATURES; c++)
        for (size_t part = 0; part < 2; part++) {
            Table *t = part == 0 ? m->labelled : m->scored;
            Dictionary *levels = part == 1 ? m->labelled->column[c].dictionary : NULL;
            column_init(&t->column[c], &m->keep, str_from(names[c]),
                        c == 5 ? TYPE_CATEGORY : TYPE_DOUBLE, 0, t->rows, levels);
        }
    for (size_t part = 0; part < 2; part++) {
        Table *t = part == 0 ? m->labelled : m->scored;
        for (size_t i = 0; i < t->rows; i++) {
            double x = random_normal(&r), other = random_normal(&r);
            if (part == 0)
                m->label[i] = random_uniform(&r) < stable_sigmoid(2 * x - 1);
            if (i % 10 != 0) {
                put(&t->column[0], i, x);
                put(&t->column[1], i, -2 * x + 0.1 * other);
            }
            put(&t->column[2], i, other + (part == 1 ? 2 : 0));
            put(&t->column[3], i, 7);
            if (i % 50 == 0)
                put(&t->column[4], i, x);
            column_set_valid(&t->column[5], i);
            t->column[5].code[i] = dictionary_add(t->column[5].dictionary, x > 1    ? S("high")
                                                                           : i == 3 ? S("odd")
                                                                                    : S("low"));
        }
    }
    m->use[0] = m->use[2] = S("model");
    m->in_model[0] = 1;
    m->barred[2] = S("the findings say why");
    return m;
}

static void features_are_told_by_what_they_are(void **state)
{
    (void)state;
    Made *m = varied();
    Screening *s = screened(m, 0);
    Arena scratch = arena_new();
    const Screened *signal = named(s, "signal"), *copy = named(s, "copy");
    const Screened *moved = named(s, "moved"), *flat = named(s, "flat");
    assert_int_equal(s->labelled, 300);
    assert_int_equal(s->scored, 200);
    for (size_t i = 1; i < s->features; i++)
        assert_true(s->feature[i].information <= s->feature[i - 1].information);
    assert_near(signal->missing_labelled, 0.1, 1e-15);
    assert_near(signal->missing_scored, 0.1, 1e-15);
    assert_int_equal(signal->group, copy->group);
    assert_true(signal->group == 1 && moved->group == 0);
    assert_true(str_equal(copy->nearest, S("signal")) && copy->correlation > 0.95);
    assert_true(signal->information > signal->limit_99);
    assert_true(str_contains(signal->why, S("in the model by the features book; tells the label")));
    assert_true(str_contains(copy->why, S("gives it to policy")));
    assert_true(str_contains(moved->why, S("kept from the model: the findings say why")));
    assert_true(str_contains(moved->why, S("cannot be told from noise")));
    assert_true(str_contains(moved->why, S("has moved between the cohorts")));
    assert_true(str_contains(flat->why, S("the same for all")));
    assert_true(str_contains(named(s, "rare")->why, S("missing for nearly all")));
    assert_int_equal(named(s, "kind")->bins, 3); /* low, high, and the one other */
    /* The index is the audit's and the drift's. */
    float before[300], now[200];
    for (size_t i = 0; i < 300; i++)
        before[i] = (float)cell_double(&m->labelled->column[2], i);
    for (size_t i = 0; i < 200; i++)
        now[i] = (float)cell_double(&m->scored->column[2], i);
    assert_near(moved->psi, metric_psi(before, 300, now, 200, scratch).psi, 1e-15);
    assert_true(moved->psi > moved->psi_limit && moved->psi_limit > 0);
    arena_free(&scratch);
    made_free(m);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    Made *m = varied();
    const Screening *a = screened(m, 1), *b = screened(m, 3);
    for (size_t i = 0; i < a->features; i++) {
        const Screened *x = &a->feature[i], *y = &b->feature[i];
        assert_true(str_equal(x->name, y->name) && str_equal(x->why, y->why));
        assert_true(x->information == y->information && x->limit_95 == y->limit_95);
        assert_true(x->correlation == y->correlation && x->group == y->group);
    }
    made_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(information_value_is_the_published_sum),
        cmocka_unit_test(noise_limits_are_passed_by_one_feature_in_twenty),
        cmocka_unit_test(features_are_told_by_what_they_are),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
