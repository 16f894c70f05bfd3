/* What a bundle says of itself, inference on its matrix, and the service's document. */
#include "answer/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena, scratch;
    Run *run;
    Scored *scored; /* everybody, by the bundle that was opened */
    Answerer *answerer;
    char folder[64];
} Fixture;

static const AnswerLimits limits = {10000, 16};

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    Error err = {0};
    f->arena = arena_new();
    f->scratch = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    const Run *run = f->run;
    Matrix *x;
    Table *fitted;
    uint32_t *row = ARENA_ARRAY(&f->arena, uint32_t, run->data->customers);
    uint8_t *label = ARENA_ARRAY(&f->arena, uint8_t, run->data->customers);
    Fitting labelled = {.row = row, .label = label};
    for (size_t i = 0; i < run->data->customers; i++)
        if (run->data->label[i] >= 0) {
            row[labelled.count] = (uint32_t)i;
            label[labelled.count++] = run->data->label[i] == LABEL_POSITIVE;
        }
    made_up_ok(feature_table_fit(&fitted, &f->arena, f->scratch, (Plan *)(uintptr_t)run->plan,
                                 run->events, &labelled, NULL, &err),
               &err);
    made_up_ok(
        score_matrix(&x, &f->arena, run->bundle, run->scored, NULL, run->scored->count, &err),
        &err);
    bundle_reference((Bundle *)(uintptr_t)run->bundle, &f->arena, f->scratch, x);
    strcpy(f->folder, "/tmp/assay-answer-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    Bundle *bundle = (Bundle *)(uintptr_t)run->bundle;
    made_up_ok(bundle_write(bundle, path_join(&f->arena, f->folder, "bundle"), &err), &err);
    made_up_ok(answer_open(&f->answerer, path_join(&f->arena, f->folder, "bundle"), &err), &err);
    uint32_t *all = ARENA_ARRAY(&f->arena, uint32_t, run->data->customers);
    for (size_t i = 0; i < run->data->customers; i++)
        all[i] = (uint32_t)i;
    made_up_ok(score_dataset(&f->scored, &f->arena, f->scratch, answer_bundle(f->answerer),
                             (Dataset *)(uintptr_t)run->data, all, run->data->customers, NULL, NULL,
                             &err),
               &err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    const char *command = str_format(&f->arena, "rm -r '%s'", f->folder).data;
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path of the test's own
    answer_close(f->answerer);
    arena_free(&f->arena);
    arena_free(&f->scratch);
    free(f);
    return 0;
}

/* ---- help ---- */

static yyjson_val *parsed(Arena *keep, Str text)
{
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.size, 0, &memory, NULL);
    assert_non_null(doc);
    return yyjson_doc_get_root(doc);
}

static Str text_of(yyjson_val *v)
{
    return (Str){yyjson_get_str(v), yyjson_get_len(v)};
}

/* Rows [first, first + rows) of the run's matrix as tensors, the last `left_out` columns not. */
static Str tensors(Fixture *f, Arena *keep, size_t rows, size_t left_out, const char *data)
{
    Error err = {0};
    Matrix *x;
    Buffer b = buffer_new(keep);
    Arena *made = ARENA_NEW(keep, Arena);
    *made = arena_new();
    made_up_ok(
        score_matrix(&x, made, answer_bundle(f->answerer), f->scored, NULL, f->scored->count, &err),
        &err);
    buffer_add(&b, S("{\"id\":\"seven\",\"inputs\":["));
    for (size_t k = x->columns; k-- > left_out;) { /* in another order than the matrix's */
        buffer_format(&b, "%s{\"name\":\"%.*s\",\"shape\":[%zu],\"datatype\":\"FP32\",\"data\":",
                      k + 1 == x->columns ? "" : ",", STR_ARG(x->name[k]), rows);
        if (data != NULL && k == left_out)
            buffer_add(&b, str_from(data));
        for (size_t i = 0; i < rows && !(data != NULL && k == left_out); i++) {
            float v = matrix_row(x, i)[k];
            if (v != v)
                buffer_add(&b, i == 0 ? S("[null") : S(",null"));
            else
                buffer_format(&b, "%c%.9g", i == 0 ? '[' : ',', (double)v);
        }
        buffer_add(&b, data != NULL && k == left_out ? S("}") : S("]}"));
    }
    buffer_add(&b, S("]}"));
    Str out = str_copy(keep, buffer_str(&b));
    arena_free(made);
    return out;
}

static void refused(Fixture *f, Arena *keep, Str body, const char *code, const char *pointer)
{
    Str out;
    size_t rows;
    Fault fault = {0};
    Error err = {0};
    assert_int_equal(
        answer_infer(&out, &rows, keep, f->scratch, f->answerer, body, &limits, &fault, &err),
        STATUS_FORMAT);
    assert_string_equal(fault.code, code);
    assert_string_equal(fault.pointer, pointer);
}

/* ---- claims ---- */

static void the_model_says_what_it_is_and_reads(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    const Bundle *b = answer_bundle(f->answerer);
    yyjson_val *root = parsed(&keep, answer_model(&keep, f->answerer));
    assert_true(str_equal(text_of(yyjson_obj_get(root, "bundle")), str_from(b->id)));
    Str policy = text_of(yyjson_obj_get(yyjson_obj_get(root, "policy"), "sha256"));
    assert_true(str_equal(policy, policy_identity(b->policy).sha256));
    yyjson_val *features = yyjson_obj_get(root, "features"), *one;
    size_t i, count, read = 0;
    for (size_t k = 0; k < b->plan->features; k++)
        read += b->plan->feature[k].use == USE_MODEL && !b->skip[k];
    assert_int_equal(yyjson_arr_size(features), read);
    yyjson_arr_foreach(features, i, count, one)
    {
        assert_true(text_of(yyjson_obj_get(one, "name")).size > 0);
    }
    arena_free(&keep);
}

static void inference_gives_the_probabilities_of_a_run(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Str out;
    size_t rows, n = f->scored->count < 20 ? f->scored->count : 20;
    Fault fault = {0};
    Error err = {0};
    Str body = tensors(f, &keep, n, 0, NULL);
    made_up_ok(
        answer_infer(&out, &rows, &keep, f->scratch, f->answerer, body, &limits, &fault, &err),
        &err);
    assert_int_equal(rows, n);
    yyjson_val *root = parsed(&keep, out), *outputs = yyjson_obj_get(root, "outputs");
    assert_true(str_equal(text_of(yyjson_obj_get(root, "id")), S("seven")));
    const double *want[] = {f->scored->probability, f->scored->low, f->scored->high};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < n; i++) {
            yyjson_val *data = yyjson_obj_get(yyjson_arr_get(outputs, k), "data");
            assert_true(yyjson_get_real(yyjson_arr_get(data, i)) == want[k][i]);
        }
    arena_free(&keep);
}

static void inference_refuses_by_place(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    size_t last = answer_bundle(f->answerer)->columns->columns - 1;
    const char *at = str_format(&keep, "/inputs/%zu/data", last).data;
    refused(f, &keep, S("7"), "not_json", "");
    refused(f, &keep, S("{\"inputs\":[]}"), "missing_field", "/inputs");
    refused(f, &keep, S("{\"inputs\":[7]}"), "bad_value", "/inputs/0/shape");
    refused(f, &keep, S("{\"inputs\":[{\"shape\":[1]}]}"), "missing_field", "/inputs/0/name");
    refused(f, &keep, S("{\"inputs\":[{\"name\":\"no\",\"shape\":[1]}]}"), "unknown_field",
            "/inputs/0/name");
    refused(f, &keep, S("{\"inputs\":[{\"name\":\"no\",\"shape\":[10001]}]}"), "too_many",
            "/inputs/0/shape");
    refused(f, &keep, tensors(f, &keep, 2, 1, NULL), "missing_field", "/inputs");
    refused(f, &keep, tensors(f, &keep, 2, 0, "[1]"), "bad_value", at);
    refused(f, &keep, tensors(f, &keep, 2, 0, "[1,\"x\"]"), "wrong_type", at);
    arena_free(&keep);
}

static void metadata_names_the_columns_that_inference_takes(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    const Str *column;
    size_t columns = model_columns(answer_bundle(f->answerer)->model, &column);
    yyjson_val *inputs =
        yyjson_obj_get(parsed(&keep, answer_model_metadata(&keep, f->answerer)), "inputs");
    assert_int_equal(yyjson_arr_size(inputs), columns);
    for (size_t k = 0; k < columns; k++)
        assert_true(
            str_equal(text_of(yyjson_obj_get(yyjson_arr_get(inputs, k), "name")), column[k]));
    arena_free(&keep);
}

static void the_document_has_the_bundle_s_columns_and_the_base_path(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    const Schema *schema = answer_bundle(f->answerer)->schema;
    static const char *const base[] = {"", "/ai"};
    for (size_t i = 0; i < COUNT_OF(base); i++) {
        Str text;
        Error err = {0};
        made_up_ok(answer_openapi(&text, &keep, f->answerer, str_from(base[i]), &err), &err);
        yyjson_val *root = parsed(&keep, text);
        yyjson_val *server = yyjson_arr_get_first(yyjson_obj_get(root, "servers"));
        assert_string_equal(yyjson_get_str(yyjson_obj_get(server, "url")), i == 0 ? "/" : base[i]);
        yyjson_val *customer = yyjson_ptr_get(root, "/components/schemas/Customer/properties");
        assert_int_equal(yyjson_obj_size(customer), schema->customers.columns.count);
        yyjson_val *event = yyjson_ptr_get(root, "/components/schemas/Transaction/properties");
        assert_int_equal(yyjson_obj_size(event), schema->transactions.columns.count);
        /* Numbers, truths and texts of the skeleton keep their kinds. */
        assert_true(yyjson_is_str(yyjson_ptr_get(root, "/info/version")));
        assert_true(yyjson_is_false(
            yyjson_ptr_get(root, "/components/schemas/Answer/additionalProperties")));
        assert_true(yyjson_is_uint(yyjson_ptr_get(
            root, "/components/schemas/ScoreRequest/properties/customer_id/maxLength")));
    }
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_says_what_it_is_and_reads),
        cmocka_unit_test(inference_gives_the_probabilities_of_a_run),
        cmocka_unit_test(inference_refuses_by_place),
        cmocka_unit_test(metadata_names_the_columns_that_inference_takes),
        cmocka_unit_test(the_document_has_the_bundle_s_columns_and_the_base_path),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
