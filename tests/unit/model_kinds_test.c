/* Models in other clothes: XGBoost's UBJSON, blends, models over a wider matrix, many rows at once.
 */
#include "model/model_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static Str file(Arena *arena, const char *path)
{
    Error err = {0};
    Str text = {0};
    if (file_read(&text, arena, path, &err) != STATUS_OK)
        fail_msg("%s: %s", path, err.message);
    return text;
}

static Model *model_of(Arena *arena, Str bytes)
{
    Error err = {0};
    Model *m = NULL;
    if (model_read(&m, arena, bytes, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return m;
}

static Model *fixture(Arena *arena, const char *name)
{
    return model_of(arena,
                    file(arena, str_chars(arena, str_format(arena, "tests/data/model/%s", name))));
}

static void refused(Str bytes, Status status, const char *says)
{
    Arena arena = arena_new();
    Error err = {0};
    Model *m = NULL;
    Status got = model_read(&m, &arena, bytes, &err);
    if (got != status || strstr(err.message, says) == NULL)
        fail_msg("wanted \"%s\", got %d \"%s\"", says, (int)got, err.message);
    arena_free(&arena);
}

static Matrix *rows_for(Arena *arena, const Model *m, uint64_t seed, size_t rows)
{
    const Str *name;
    Matrix *x = matrix_new(arena, rows, model_columns(m, &name));
    Random random = random_new(seed);
    memcpy(x->name, name, x->columns * sizeof *name);
    for (size_t i = 0; i < rows * x->columns; i++) {
        double value = 2 * random_normal(&random);
        x->value[i] = random_below(&random, 5) == 0 ? NAN : (float)value;
    }
    return x;
}

/* ---- UBJSON ---- */

static void ubj_reads_as_the_json_of_the_same_model(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *json = fixture(&arena, "xgboost-3.2.json"), *ubj = fixture(&arena, "xgboost-3.2.ubj");
    assert_true(json->forest->trees > 5);
    assert_true(str_equal(model_write(&arena, json), model_write(&arena, ubj)));
    arena_free(&arena);
}

static void ubj_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Str whole = file(&arena, "tests/data/model/xgboost-3.2.ubj");
    for (size_t size = 2; size < whole.size;
         size += size < 80 || whole.size - size < 80 ? 1 : 211) {
        Arena own = arena_new();
        Error err = {0};
        Model *m = NULL;
        Str part = {arena_copy(&own, whole.data, size), size};
        if (model_read(&m, &own, part, &err) != STATUS_FORMAT ||
            strstr(err.message, "UBJSON") == NULL || err.remedy[0] == '\0')
            fail_msg("%zu bytes: \"%s\"", size, err.message);
        arena_free(&own);
    }
    Buffer longer = buffer_new(&arena);
    buffer_add(&longer, whole);
    buffer_char(&longer, 'Z');
    refused(buffer_str(&longer), STATUS_FORMAT, "after the model's end");
    arena_free(&arena);
}

#define BYTES(text) ((Str){text, sizeof(text) - 1})

static void ubj_that_asks_for_more_than_it_holds_is_refused(void **state)
{
    (void)state;
    /* {"a": ...}: no bytes an entry, more entries than bytes, less than none, no number at all. */
    refused(BYTES("{i\1a[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff}"), STATUS_FORMAT, "not of numbers");
    refused(BYTES("{i\1a[$d#L\x00\x00\x00\x01\x00\x00\x00\x00}"), STATUS_FORMAT, "passes the end");
    refused(BYTES("{i\1a[#L\x7f\xff\xff\xff\xff\xff\xff\xff}"), STATUS_FORMAT, "passes the end");
    refused(BYTES("{i\1aSi\xff}"), STATUS_FORMAT, "passes the end");
    refused(BYTES("{i\1a[#d\x3f\x80\x00\x00}"), STATUS_FORMAT, "not an integer");
    refused(BYTES("{i\1aHi\1"
                  "1}"),
            STATUS_FORMAT, "type that XGBoost does not write");
    refused(BYTES("{i\1a[$d#i\2\x3f\x80\x00\x00}"), STATUS_FORMAT, "the bytes end");
    Arena arena = arena_new();
    Buffer deep = buffer_new(&arena);
    buffer_add(&deep, BYTES("{i\1a"));
    for (int i = 0; i < 1000000; i++)
        buffer_char(&deep, '[');
    refused(buffer_str(&deep), STATUS_LIMIT, "nests deeper");
    arena_free(&arena);
}

static void ubj_numbers_of_every_width_come_over(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    Str json = {0};
    Str bytes = BYTES("{i\1a[i\xffU\xffI\xff\xfel\x00\x01\x00\x00L\xff\xff\xff\xff\xff\xff\xff\xfd"
                      "d\x3d\xcc\xcc\xcd"
                      "D\x3f\xb9\x99\x99\x99\x99\x99\x9a"
                      "TFZ]"
                      "I\x00\x02q\"[$U#U\3\x01\x02\xff}");
    assert_int_equal(ubj_to_json(&json, &arena, bytes, &err), STATUS_OK);
    assert_string_equal(str_chars(&arena, json),
                        "{\"a\":[-1,255,-2,65536,-3,0.100000001,0.10000000000000001,true,false,"
                        "null],\"q\\\"\":[1,2,255]}");
    arena_free(&arena);
}

/* ---- what is not understood ---- */

static Str replaced(Arena *arena, Str text, const char *from, const char *to)
{
    const char *all = str_chars(arena, text), *at = strstr(all, from);
    if (at == NULL)
        fail_msg("%s is not there", from);
    return str_format(arena, "%.*s%s%s", (int)(at - all), all, to, at + strlen(from));
}

static void unknown_fields_are_refused_by_name_and_place(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Str good = file(&arena, "tests/data/model/xgboost-3.2.json");
    refused(replaced(&arena, good, "\"base_weights\"", "\"leaf_transform\":[],\"base_weights\""),
            STATUS_FORMAT, "tree 0 has a field \"leaf_transform\"");
    refused(replaced(&arena, good, "\"tree_info\"", "\"weight_drop\":[],\"tree_info\""),
            STATUS_FORMAT, "gradient_booster.model has a field \"weight_drop\"");
    refused(replaced(&arena, good, "\"attributes\"", "\"scaler\":{},\"attributes\""), STATUS_FORMAT,
            "learner has a field \"scaler\"");
    refused(replaced(&arena, good, "\"num_class\"", "\"num_class\":\"0\",\"num_class\""),
            STATUS_FORMAT, "\"num_class\" twice");
    /* Blocks that are not there, or are no objects, have no fields. */
    refused(S("{\"learner\":{\"objective\":{\"name\":\"binary:logistic\"},\"gradient_booster\":"
              "{\"name\":\"gbtree\",\"model\":7},\"learner_model_param\":[]}}"),
            STATUS_FORMAT, "base_score");
    refused(replaced(&arena, good, "\"enc\":[]", "\"enc\":[{}]"), STATUS_FORMAT, "categorical");
    arena_free(&arena);
}

static void leaves_beyond_a_floats_range_are_refused(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Forest f = *fixture(&arena, "xgboost-2.1.json")->forest;
    f.threshold = arena_copy(&arena, f.threshold, f.nodes * sizeof *f.threshold);
    for (size_t i = 0; i < f.nodes; i++)
        if (f.left[i] == 0)
            f.threshold[i] = 2e38f;
    Model m = {.kind = MODEL_FOREST, .forest = &f};
    refused(model_write(&arena, &m), STATUS_FORMAT, "beyond a float's range");
    arena_free(&arena);
}

/* ---- many rows ---- */

static void margins_of_many_rows_are_those_of_each_row(void **state)
{
    (void)state;
    static const char *const names[] = {"xgboost-1.7.json", "xgboost-2.1.json", "xgboost-3.2.json"};
    Arena arena = arena_new();
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        Model *m = fixture(&arena, names[k]);
        Matrix *x = rows_for(&arena, m, k, 333); /* whole blocks, whole lanes, and five more */
        double *many = ARENA_ARRAY(&arena, double, x->rows);
        model_margin(m, x, many);
        for (size_t r = 0; r < x->rows; r++) {
            Matrix one = *x;
            double margin = 0;
            one.rows = 1;
            one.value = x->value + r * x->columns;
            model_margin(m, &one, &margin);
            assert_true(margin == many[r]);
        }
    }
    arena_free(&arena);
}

/* ---- contributions, prepared ---- */

static uint32_t grow(Forest *f, Random *random, size_t columns, size_t depth)
{
    uint32_t node = (uint32_t)f->nodes++;
    f->threshold[node] = (float)random_normal(random);
    f->cover[node] = (float)(1 + random_below(random, 50)) / 7;
    f->left[node] = 0;
    if (depth == 0 || random_below(random, 6) == 0)
        return node;
    f->column[node] = (uint32_t)random_below(random, columns);
    f->default_left[node] = random_below(random, 2) == 0;
    uint32_t left = grow(f, random, columns, depth - 1);
    f->left[node] = left;
    f->right[node] = grow(f, random, columns, depth - 1);
    return node;
}

/* Of few columns, so that they come again and again on the way down. */
static Model *grown(Arena *arena, uint64_t seed, size_t trees, size_t depth)
{
    enum { COLUMNS = 5 };
    size_t most = trees << (depth + 1);
    Random random = random_new(seed);
    Forest *f = ARENA_NEW(arena, Forest);
    Model *m = ARENA_NEW(arena, Model);
    *f = (Forest){.columns = COLUMNS, .trees = trees, .base_margin = 0.25f};
    f->name = ARENA_ARRAY(arena, Str, COLUMNS);
    for (size_t c = 0; c < COLUMNS; c++)
        f->name[c] = str_format(arena, "c%zu", c);
    f->root = ARENA_ARRAY(arena, uint32_t, trees + 1);
    f->left = ARENA_ARRAY(arena, uint32_t, most);
    f->right = ARENA_ARRAY(arena, uint32_t, most);
    f->column = ARENA_ARRAY(arena, uint32_t, most);
    f->threshold = ARENA_ARRAY(arena, float, most);
    f->default_left = ARENA_ARRAY(arena, uint8_t, most);
    f->cover = ARENA_ARRAY(arena, float, most);
    f->gain = ARENA_ARRAY(arena, float, most);
    for (size_t t = 0; t < trees; t++) {
        (void)grow(f, &random, COLUMNS, depth);
        f->root[t + 1] = (uint32_t)f->nodes;
    }
    *m = (Model){.kind = MODEL_FOREST, .forest = f};
    return m;
}

static void same_contributions(Arena *arena, Model *m, uint64_t seed)
{
    Matrix *x = rows_for(arena, m, seed, 60);
    size_t cells = x->rows * (x->columns + 1);
    double *plain = ARENA_ARRAY(arena, double, cells), *quick = ARENA_ARRAY(arena, double, cells);
    Arena scratch = arena_new();
    model_prepare(m, arena);
    assert_non_null(m->forest->paths);
    double *margin = ARENA_ARRAY(arena, double, x->rows);
    double *served = ARENA_ARRAY(arena, double, x->rows);
    forest_explain_plain(m->forest, x, scratch, margin, plain);
    model_answer(m, x, scratch, served, quick);
    assert_memory_equal(plain, quick, cells * sizeof *plain);
    assert_memory_equal(margin, served, x->rows * sizeof *margin);
    model_margin(m, x, served);
    assert_memory_equal(margin, served, x->rows * sizeof *margin);
    arena_free(&scratch);
}

static void prepared_contributions_are_the_plain_ones_to_the_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"xgboost-1.7.json", "xgboost-2.1.json", "xgboost-3.2.json"};
    Arena arena = arena_new();
    for (size_t k = 0; k < COUNT_OF(names); k++)
        same_contributions(&arena, fixture(&arena, names[k]), k);
    for (size_t depth = 0; depth <= 9; depth++)
        same_contributions(&arena, grown(&arena, depth, 1 + 3 * depth, depth), depth);
    arena_free(&arena);
}

static void branches_without_cover_are_explained_the_plain_way(void **state)
{
    (void)state;
    Arena arena = arena_new(), scratch = arena_new();
    Model *m = grown(&arena, 3, 4, 3);
    m->forest->cover[m->forest->left[0]] = 0;
    Matrix *x = rows_for(&arena, m, 1, 20);
    double plain[20 * 6], phi[20 * 6], margin[20];
    forest_explain_plain(m->forest, x, scratch, margin, plain);
    model_prepare(m, &arena);
    assert_null(m->forest->paths);
    model_explain(m, x, scratch, phi);
    assert_memory_equal(plain, phi, sizeof phi);
    arena_free(&scratch);
    arena_free(&arena);
}

/* ---- numbers ---- */

static void single(const char *text)
{
    float got = 0;
    assert_true(json_single(str_from(text), &got));
    float want = strtof(text, NULL);
    uint32_t got_bits, want_bits; /* zeros have signs, too */
    memcpy(&got_bits, &got, sizeof got);
    memcpy(&want_bits, &want, sizeof want);
    if (got_bits != want_bits)
        fail_msg("%s is read as %.9g, and is %.9g", text, (double)got, (double)want);
}

static void numbers_are_rounded_once_as_strtof_does(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0", "-0", "0E0", "5E-1", "1", "-1.5", "16777217", "16777219", "33554434.999999999",
        /* half-way between two floats, and by a little not */
        "1.000000059604644775390625", "1.00000005960464477539", "1.0000000596046448",
        "1.00000005960464478", "9007199791611905", "9007199791611904", "9007199791611903",
        "8388608.5", "8388609.5", "0.1", "1e22", "1e23", "123456789e-30", "1e38", "3.4028235e38",
        "1.17549435e-38", "1.1754942E-38", "1e-45", "1E+10", "00012.50", "1234567890123456789",
        "0.00000000000000000000000000012345678"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        single(texts[i]);
    Random random = random_new(7);
    for (size_t i = 0; i < 100000; i++) {
        char text[64];
        uint32_t bits = (uint32_t)random_next(&random);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        (void)snprintf(text, sizeof text, i % 2 ? "%.9g" : "%.8E", (double)value);
        single(text);
        if (fabsf(value) < 1e10f && fabsf(value) > 1e-10f) { /* and the middle to the next one */
            double middle = ((double)value + (double)nextafterf(value, INFINITY)) / 2;
            (void)snprintf(text, sizeof text, "%.*g", (int)(10 + i % 8), middle);
            single(text);
        }
    }
    static const char *const bad[] = {"",    "-",   ".",    "1e",    "e5", "1.2.3", "--1", "1e+",
                                      "nan", "inf", "0x10", "1e999", " 1", "1 ",    "1-2"};
    float unused;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(json_single(str_from(bad[i]), &unused));
}

/* ---- blends ---- */

static Model *linear_beside(Arena *arena, const Model *forest)
{
    const Str *name;
    Linear *l = linear_new(arena, model_columns(forest, &name));
    memcpy(l->name, name, l->columns * sizeof *name);
    for (size_t c = 0; c < l->columns; c++) {
        l->weight[c] = 0.3 * (double)(c + 1) * (c % 2 ? -1 : 1);
        l->center[c] = 0.1;
        l->weight_missing[c] = 0.05 * (double)c;
    }
    l->intercept = -0.4;
    Model *m = ARENA_NEW(arena, Model);
    *m = (Model){.kind = MODEL_LINEAR, .linear = l};
    return m;
}

static Model *blend_of(Arena *arena, const Model *first, const Model *second)
{
    Blend *b = ARENA_NEW(arena, Blend);
    b->parts = 2;
    b->part = ARENA_ARRAY(arena, const Model *, 2);
    b->part[0] = first;
    b->part[1] = second;
    b->weight = arena_copy(arena, (const double[]){0.75, 1.0 / 3}, 2 * sizeof(double));
    b->slope = arena_copy(arena, (const double[]){0.9, 1.7}, 2 * sizeof(double));
    b->intercept = arena_copy(arena, (const double[]){-0.2, 0.6}, 2 * sizeof(double));
    Model *m = ARENA_NEW(arena, Model);
    *m = (Model){.kind = MODEL_BLEND, .blend = b};
    return m;
}

static void blend_is_the_weighted_sum_of_its_parts_log_odds(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *forest = fixture(&arena, "xgboost-2.1.json"), *linear = linear_beside(&arena, forest);
    Model *blend = blend_of(&arena, forest, linear);
    Matrix *x = rows_for(&arena, forest, 5, 100);
    size_t width = x->columns + 1;
    double margin[3][100], *phi[3];
    Model *all[3] = {forest, linear, blend};
    for (size_t k = 0; k < 3; k++) {
        phi[k] = ARENA_ARRAY(&arena, double, 100 * width);
        model_margin(all[k], x, margin[k]);
        model_explain(all[k], x, arena, phi[k]);
    }
    for (size_t r = 0; r < 100; r++) {
        double sum = 0, want = 0.75 * (0.9 * margin[0][r] - 0.2) + (1.7 * margin[1][r] + 0.6) / 3;
        assert_true(fabs(margin[2][r] - want) < 1e-14 * (1 + fabs(want)));
        for (size_t c = 0; c < width; c++) {
            size_t at = r * width + c;
            double part = 0.75 * 0.9 * phi[0][at] + 1.7 / 3 * phi[1][at];
            if (c == x->columns)
                part += 0.75 * -0.2 + 0.6 / 3;
            assert_true(fabs(phi[2][at] - part) < 1e-14 * (1 + fabs(part)));
            sum += phi[2][at];
        }
        assert_true(fabs(sum - margin[2][r]) < 1e-12 * (1 + fabs(sum)));
    }
    arena_free(&arena);
}

static void blend_written_and_read_is_equal_to_the_bit(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *forest = fixture(&arena, "xgboost-3.2.json");
    Model *blend = blend_of(&arena, forest, linear_beside(&arena, forest));
    Str text = model_write(&arena, blend);
    Model *again = model_of(&arena, text);
    assert_true(str_equal(text, model_write(&arena, again)));
    Matrix *x = rows_for(&arena, forest, 6, 70);
    double before[70], after[70];
    model_margin(blend, x, before);
    model_margin(again, x, after);
    assert_memory_equal(before, after, sizeof before);
    arena_free(&arena);
}

static void blend_fault_is_named_by_part(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *forest = fixture(&arena, "xgboost-3.2.json");
    Model *blend = blend_of(&arena, forest, linear_beside(&arena, forest));
    Str good = model_write(&arena, blend);
    refused(replaced(&arena, good, "\"slope\":0.90000000000000002", "\"slope\":null"),
            STATUS_FORMAT, "parts[0].slope");
    refused(replaced(&arena, good, "\"weight\":0.75,", ""), STATUS_FORMAT, "parts[0].weight");
    refused(replaced(&arena, good, "\"weight\"", "\"weighs\":1,\"weight\""), STATUS_FORMAT,
            "parts[0] has a field \"weighs\"");
    refused(replaced(&arena, good, "assay_blend\":1", "assay_blend\":2"), STATUS_FORMAT,
            "version 2");
    refused(S("{\"assay_blend\":1,\"parts\":[]}"), STATUS_FORMAT, "no array of parts");
    Model *nested = blend_of(&arena, forest, blend);
    refused(model_write(&arena, nested), STATUS_FORMAT, "parts[1] is itself a blend");
    Linear other = *linear_beside(&arena, forest)->linear;
    other.columns--;
    Model narrow = {.kind = MODEL_LINEAR, .linear = &other};
    refused(model_write(&arena, blend_of(&arena, forest, &narrow)), STATUS_FORMAT,
            "parts[1] has other columns");
    Buffer many = buffer_new(&arena);
    buffer_add(&many, S("{\"assay_blend\":1,\"parts\":[{}"));
    for (int i = 0; i < BLEND_PARTS_MAX; i++)
        buffer_add(&many, S(",{}"));
    buffer_add(&many, S("]}"));
    refused(buffer_str(&many), STATUS_LIMIT, "17 parts");
    arena_free(&arena);
}

/* ---- over a wider matrix ---- */

static void model_aligned_by_names_gives_the_same_margins(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Model *forest = fixture(&arena, "xgboost-3.2.json"), *linear = linear_beside(&arena, forest);
    Model *all[3] = {forest, linear, blend_of(&arena, forest, linear)};
    Matrix *x = rows_for(&arena, forest, 9, 80);
    size_t columns = x->columns, wide = columns + 2;
    Matrix *y = matrix_new(&arena, 80, wide); /* turned round, between two strangers */
    y->name[0] = S("first");
    y->name[wide - 1] = S("last");
    for (size_t c = 0; c < columns; c++)
        y->name[1 + c] = x->name[columns - 1 - c];
    for (size_t r = 0; r < 80; r++) {
        y->value[r * wide] = NAN;
        y->value[r * wide + wide - 1] = 7;
        for (size_t c = 0; c < columns; c++)
            y->value[r * wide + 1 + c] = matrix_row(x, r)[columns - 1 - c];
    }
    for (size_t k = 0; k < 3; k++) {
        Error err = {0};
        Model *aligned = NULL;
        double before[80], after[80];
        assert_int_equal(model_align(&aligned, &arena, all[k], y->name, wide, &err), STATUS_OK);
        model_margin(all[k], x, before);
        model_margin(aligned, y, after);
        for (size_t r = 0; r < 80; r++)
            assert_true(fabs(before[r] - after[r]) <= (k == 0 ? 0 : 1e-12));
        /* What is written is a model over the wider matrix. */
        Model *again = model_of(&arena, model_write(&arena, aligned));
        assert_int_equal(model_columns(again, NULL), wide);
        assert_int_equal(model_align(&aligned, &arena, all[k], y->name + 2, wide - 2, &err),
                         STATUS_DATA);
        assert_non_null(strstr(err.message, str_chars(&arena, y->name[1])));
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ubj_reads_as_the_json_of_the_same_model),
        cmocka_unit_test(ubj_cut_off_anywhere_is_refused),
        cmocka_unit_test(ubj_that_asks_for_more_than_it_holds_is_refused),
        cmocka_unit_test(ubj_numbers_of_every_width_come_over),
        cmocka_unit_test(unknown_fields_are_refused_by_name_and_place),
        cmocka_unit_test(leaves_beyond_a_floats_range_are_refused),
        cmocka_unit_test(margins_of_many_rows_are_those_of_each_row),
        cmocka_unit_test(prepared_contributions_are_the_plain_ones_to_the_bit),
        cmocka_unit_test(branches_without_cover_are_explained_the_plain_way),
        cmocka_unit_test(numbers_are_rounded_once_as_strtof_does),
        cmocka_unit_test(blend_is_the_weighted_sum_of_its_parts_log_odds),
        cmocka_unit_test(blend_written_and_read_is_equal_to_the_bit),
        cmocka_unit_test(blend_fault_is_named_by_part),
        cmocka_unit_test(model_aligned_by_names_gives_the_same_margins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
