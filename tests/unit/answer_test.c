#include "answer/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "made_up_run.h"
#include "request_of.h"

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
    made_up_ok(score_matrix(&x, &f->arena, run->bundle, run->scored, NULL, run->scored->count, &err),
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

static Status ask(Fixture *f, Answer *out, Arena *keep, Str request, Fault *fault)
{
    Error err = {0};
    const AnswerInputs in = {.request = request, .now_us = 20000 * DAY_US, .limits = limits};
    Status status = answer_score(out, keep, f->scratch, f->answerer, &in, fault, &err);
    if (status != STATUS_OK && fault->code == NULL)
        fail_msg("no fault, but: %s", err.message);
    return status;
}

/* What a run writes of the customer. */
static Str recorded(Fixture *f, Arena *keep, size_t customer, bool brief)
{
    Error err = {0};
    Decision *decision;
    Document j;
    uint32_t at = (uint32_t)customer;
    Scored scored = *f->scored;
    scored.options.brief = brief;
    const Bundle *b = answer_bundle(f->answerer);
    made_up_ok(score_decide(&decision, keep, f->scratch, b, &scored, &at, 1, NULL, &err), &err);
    const Recording recording = recording_of(b, &scored, f->run->data->as_of_us);
    document_open(&j, keep);
    document_decision(&j, f->scratch, &recording, decision, customer);
    Str text = document_write(&j, false);
    return str_slice(text, 1, text.size - 2);
}

static Str sample(Fixture *f, Arena *keep, const char *options)
{
    const Dataset *d = f->run->data;
    return request_of(keep, d, 0, d->as_of_us, options, SIZE_MAX);
}

static yyjson_val *parsed(Arena *keep, Str body)
{
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)body.data, body.size, 0, &memory, NULL);
    assert_non_null(doc);
    return yyjson_doc_get_root(doc);
}

/* The request with `from` replaced by `to`. */
static Str with(Arena *keep, Str request, const char *from, const char *to)
{
    const char *at = strstr(str_chars(keep, request), from);
    assert_non_null(at);
    const char *rest = at + strlen(from);
    return str_format(keep, "%.*s%s%s", (int)(strlen(str_chars(keep, request)) - strlen(at)),
                      str_chars(keep, request), to, rest);
}

/* The fault of what must be refused: its code and place, and one sentence. */
static void refused(Fixture *f, Str request, const char *code, const char *pointer)
{
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_FORMAT);
    if (strcmp(fault.code, code) != 0 || strcmp(fault.pointer, pointer) != 0)
        fail_msg("%s at %s: %s; wanted %s at %s", fault.code, fault.pointer, fault.detail, code,
                 pointer);
    size_t size = strlen(fault.detail);
    assert_true(size > 10 && fault.detail[size - 1] == '.');
    arena_free(&keep);
}

static void refused_text(Fixture *f, const char *request, const char *code, const char *pointer)
{
    refused(f, str_from(request), code, pointer);
}

/* ---- the same answer ---- */

static void every_customer_is_answered_with_the_bytes_of_a_run(void **state)
{
    Fixture *f = *state;
    const Dataset *d = f->run->data;
    size_t with_reasons = 0, contradictory = 0, idle = 0;
    for (size_t i = 0; i < d->customers; i++) {
        Arena keep = arena_new();
        Answer answer;
        Fault fault;
        Str request = request_of(&keep, d, i, d->as_of_us, NULL, SIZE_MAX);
        if (ask(f, &answer, &keep, request, &fault) != STATUS_OK)
            fail_msg("%.*s: %s at %s", STR_ARG(d->id[i]), fault.detail, fault.pointer);
        Str wanted = recorded(f, &keep, i, false);
        if (!str_equal(answer.record, wanted))
            fail_msg("answered %s, recorded %s", str_chars(&keep, answer.record),
                     str_chars(&keep, wanted));
        assert_true(answer.body.data[0] == '{');
        assert_memory_equal(answer.body.data + 1, wanted.data, wanted.size);
        assert_true(answer.body.data[wanted.size + 1] == ',');
        yyjson_val *root = parsed(&keep, answer.body);
        assert_true(
            str_equal(str_from(yyjson_get_str(yyjson_obj_get(root, "decision_id"))), answer.decision_id));
        assert_false(yyjson_get_bool(yyjson_obj_get(root, "dry_run")));
        with_reasons += answer.decision->reasons > 0;
        contradictory += d->label[i] == LABEL_CONTRADICTORY;
        idle += answer.transactions == 0;
        arena_free(&keep);
    }
    assert_true(with_reasons > 50 && contradictory > 0 && idle > 10);
}

static void without_reasons_the_bytes_are_a_brief_run_s(void **state)
{
    Fixture *f = *state;
    const Dataset *d = f->run->data;
    for (size_t i = 0; i < d->customers; i += 7) {
        Arena keep = arena_new();
        Answer answer;
        Fault fault;
        Str request = request_of(&keep, d, i, d->as_of_us, "{\"reasons\":false}", SIZE_MAX);
        assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
        assert_true(str_equal(answer.record, recorded(f, &keep, i, true)));
        arena_free(&keep);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_customer_is_answered_with_the_bytes_of_a_run),
        cmocka_unit_test(without_reasons_the_bytes_are_a_brief_run_s),
    };
    (void)sample;
    (void)with;
    (void)refused_text;
    return cmocka_run_group_tests(tests, setup, teardown);
}
