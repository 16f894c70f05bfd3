#include "audit/audit_internal.h"
#include "learn/learn_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What learn_folds did before it knew groups: the deal in turn that unlinked customers must keep.
 */
static void deal_in_turn(uint32_t *fold, const uint8_t *label, size_t rows, size_t folds,
                         uint64_t seed)
{
    // NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI)
    uint32_t *index = malloc(rows * sizeof *index);
    Random random = random_new(seed);
    size_t next = 0;
    for (uint8_t class = 2; class -- > 0;) {
        size_t count = 0;
        for (size_t i = 0; i < rows; i++)
            if ((label[i] != 0) == (class != 0))
                index[count++] = (uint32_t)i;
        random_shuffle(&random, index, count);
        for (size_t i = 0; i < count; i++)
            fold[index[i]] = (uint32_t)(next++ % folds);
    }
    free(index);
}

static void folds_of_the_unlinked_are_dealt_in_turn(void **state)
{
    (void)state;
    enum { ROWS = 333 };
    uint8_t label[ROWS];
    uint32_t alone[ROWS], fold[ROWS], want[ROWS];
    for (uint64_t seed = 0; seed < 60; seed++) {
        Random r = random_new(seed);
        size_t rows = 2 + random_below(&r, ROWS - 1), folds = 2 + random_below(&r, 9);
        for (size_t i = 0; i < rows; i++) {
            label[i] = random_uniform(&r) < 0.2;
            alone[i] = (uint32_t)(rows - i); /* a number each, in any order */
        }
        deal_in_turn(want, label, rows, folds, seed);
        learn_folds(fold, label, NULL, rows, folds, seed);
        assert_memory_equal(fold, want, rows * sizeof *fold);
        learn_folds(fold, label, alone, rows, folds, seed);
        assert_memory_equal(fold, want, rows * sizeof *fold);
    }
}

/* Random groups of up to nine, random labels: the door's promises. */
static void folds_keep_groups_whole_and_share_out_both_classes(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    uint8_t label[ROWS];
    uint32_t group[ROWS], fold[ROWS], again[ROWS], of[ROWS] = {0};
    size_t positives[ROWS], size[ROWS], evened = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        Random r = random_new(seed_derive(77, seed));
        size_t rows = 20 + random_below(&r, ROWS - 19), folds = 2 + random_below(&r, 5), groups = 0;
        double share = 0.1 + 0.5 * random_uniform(&r);
        for (size_t i = 0; i < rows; groups++) {
            size_t members = random_uniform(&r) < 0.8 ? 1 : 2 + random_below(&r, 8);
            for (size_t k = 0; k < members && i < rows; k++, i++) {
                group[i] = (uint32_t)groups;
                label[i] = random_uniform(&r) < share;
            }
        }
        learn_folds(fold, label, group, rows, folds, seed);
        learn_folds(again, label, group, rows, folds, seed);
        assert_memory_equal(fold, again, rows * sizeof *fold);
        memset(positives, 0, sizeof positives);
        memset(size, 0, sizeof size);
        for (size_t i = 0; i < rows; i++) {
            if (i == 0 || group[i] != group[i - 1])
                of[group[i]] = fold[i];
            assert_true(fold[i] < folds);
            assert_int_equal(fold[i], of[group[i]]);
            positives[group[i]] += label[i];
            size[group[i]]++;
        }
        size_t most = 1, largest = 1, clean = 0; /* clean: customers in groups without positives */
        size_t in[8] = {0}, positive_in[8] = {0}, with[8] = {0};
        for (size_t g = 0; g < groups; g++) {
            most = positives[g] > most ? positives[g] : most;
            if (positives[g] > 0) {
                with[of[g]] += size[g];
            } else {
                largest = size[g] > largest ? size[g] : largest;
                clean += size[g];
            }
            in[of[g]] += size[g];
            positive_in[of[g]] += positives[g];
        }
        size_t uneven = 0, top = 0;
        for (size_t k = 0; k < folds; k++)
            top = with[k] > top ? with[k] : top;
        for (size_t k = 0; k < folds; k++)
            uneven += top - with[k];
        for (size_t a = 0; a < folds; a++)
            for (size_t b = 0; b < folds; b++) {
                assert_true(positive_in[a] <= positive_in[b] + most);
                if (clean >= uneven + folds * largest)
                    assert_true(in[a] <= in[b] + largest);
            }
        evened += clean >= uneven + folds * largest;
    }
    assert_true(evened > 100); /* the second promise was put to the test */
}

static void folds_do_not_depend_on_what_groups_are_called(void **state)
{
    (void)state;
    enum { ROWS = 60 };
    uint8_t label[ROWS];
    uint32_t group[ROWS], other[ROWS], fold[ROWS], renamed[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = i % 7 == 0;
        group[i] = (uint32_t)(i / 3);
        other[i] = 1000 - group[i];
    }
    learn_folds(fold, label, group, ROWS, 5, 3);
    learn_folds(renamed, label, other, ROWS, 5, 3);
    assert_memory_equal(fold, renamed, sizeof fold);
}

static void folds_are_no_more_than_groups_of_the_rarer_class(void **state)
{
    (void)state;
    static const uint8_t label[8] = {1, 1, 1, 0, 0, 0, 0, 1};
    static const uint32_t twins[8] = {4, 4, 9, 9, 0, 1, 2, 4};
    assert_int_equal(learn_least_groups(label, NULL, 8), 4);
    assert_int_equal(learn_least_groups(label, twins, 8), 2); /* 4 and 9 */
    assert_int_equal(learn_least_groups(label + 3, NULL, 4), 0);
}

/* ---- twins: every customer twice, under another id, with a label of chance ---- */

typedef struct Twins {
    TrainingSet set;
    uint32_t *group, *unit;
} Twins;

static Twins twins_new(Arena *keep, size_t pairs, uint64_t seed)
{
    enum { COLUMNS = 8 };
    Random r = random_new(seed);
    size_t rows = 2 * pairs;
    Matrix *x = matrix_new(keep, rows, COLUMNS);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, rows);
    Twins t = {.group = ARENA_ARRAY(keep, uint32_t, rows),
               .unit = ARENA_ARRAY(keep, uint32_t, rows)};
    for (size_t c = 0; c < COLUMNS; c++)
        x->name[c] = str_format(keep, "c%zu", c);
    for (size_t i = 0; i < rows; i++) {
        size_t first = i % pairs;
        for (size_t c = 0; c < COLUMNS; c++)
            x->value[i * COLUMNS + c] =
                i < pairs ? (float)random_normal(&r) : x->value[first * COLUMNS + c];
        label[i] = i < pairs ? random_uniform(&r) < 0.3 : label[first];
        x->id[i] = str_format(keep, "u%zu", i);
        t.group[i] = t.unit[i] = (uint32_t)first;
    }
    static const uint8_t *const all[] = {NULL};
    static const Str name[] = {{"ALL", 3}};
    t.set = (TrainingSet){.x = x, .label = label, .strata = 1, .stratum = name, .in_stratum = all};
    return t;
}

static double validated_auc(const TrainingSet *set)
{
    Arena keep = arena_new(), scratch = arena_new();
    LearnOptions o = learn_options_default();
    o.repeats = 2;
    o.inner_folds = 3;
    o.replicates = 20;
    Validation *v;
    Error err = {0};
    assert_int_equal(learn_validate(&v, &keep, scratch, set, &o, NULL, NULL, &err), STATUS_OK);
    double best = 0;
    for (size_t k = 0; k < v->candidates; k++) {
        double auc = v->candidate[k].metric[0].metric[METRIC_AUC].value;
        best = auc > best ? auc : best;
    }
    for (size_t i = 0; i < v->rows && set->group != NULL; i++)
        for (size_t j = 0; j < i; j++)
            for (size_t r = 0; r < v->repeats && set->group[i] == set->group[j]; r++)
                assert_int_equal(v->fold[r][i], v->fold[r][j]);
    arena_free(&keep);
    arena_free(&scratch);
    return best;
}

static void twins_make_chance_look_like_skill_unless_they_are_linked(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Twins t = twins_new(&keep, 120, 5);
    double apart = validated_auc(&t.set);
    t.set.group = t.group;
    double together = validated_auc(&t.set);
    assert_true(apart > 0.75);
    assert_true(together < 0.65);
    arena_free(&keep);
}

/* The folds that tune and calibrate, of a training part in an order of its own. */
static void tuning_folds_keep_twins_together(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Twins t = twins_new(&keep, 120, 6);
    uint32_t *row = ARENA_ARRAY(&keep, uint32_t, 240);
    for (uint32_t i = 0; i < 240; i++)
        row[i] = 239 - i;
    size_t parted[2];
    for (int linked = 0; linked < 2; linked++) {
        t.set.group = linked ? t.group : NULL;
        InnerPart part = inner_part(&keep, &t.set, row, 240, 5, 9);
        uint32_t of[240];
        for (size_t i = 0; i < 240; i++)
            of[part.row[i]] = part.fold[i];
        parted[linked] = 0;
        for (size_t i = 0; i < 240; i++)
            parted[linked] += of[i] != of[t.unit[i]];
    }
    assert_true(parted[0] > 50);
    assert_int_equal(parted[1], 0);
    arena_free(&keep);
}

static void control_of_linked_twins_stays_at_chance(void **state)
{
    (void)state;
    Arena keep = arena_new(), scratch = arena_new();
    Twins t = twins_new(&keep, 120, 7);
    LearnOptions o = learn_options_default();
    o.inner_folds = 3;
    Candidate line = {.name = S("logistic"), .kind = MODEL_LINEAR};
    Control apart, together;
    audit_control(&apart, &keep, scratch, &t.set, &line, t.unit, &o, NULL, NULL);
    t.set.group = t.group;
    audit_control(&together, &keep, scratch, &t.set, &line, t.unit, &o, NULL, NULL);
    assert_false(apart.passed);
    assert_true(together.passed);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_of_the_unlinked_are_dealt_in_turn),
        cmocka_unit_test(folds_keep_groups_whole_and_share_out_both_classes),
        cmocka_unit_test(folds_do_not_depend_on_what_groups_are_called),
        cmocka_unit_test(folds_are_no_more_than_groups_of_the_rarer_class),
        cmocka_unit_test(twins_make_chance_look_like_skill_unless_they_are_linked),
        cmocka_unit_test(tuning_folds_keep_twins_together),
        cmocka_unit_test(control_of_linked_twins_stays_at_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
