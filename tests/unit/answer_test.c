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
    assert_true(size > 10 && strchr(".?", fault.detail[size - 1]) != NULL);
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
        assert_true(str_equal(str_from(yyjson_get_str(yyjson_obj_get(root, "decision_id"))),
                              answer.decision_id));
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

/* ---- what is said beside the decision ---- */

static void what_is_missing_and_unknown_is_said(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    Str request = S("{\"customer_id\":\"new\",\"customer\":{\"kyc_state\":null},\"as_of\":"
                    "\"2024-08-27\",\"transactions\":[]}");
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
    yyjson_val *root = parsed(&keep, answer.body);
    yyjson_val *missing = yyjson_obj_get(root, "missing"), *v;
    size_t i, n, found = 0;
    yyjson_arr_foreach(missing, i, n, v)
    {
        found += strcmp(yyjson_get_str(v), "customer.kyc_state") == 0;
        assert_true(strncmp(yyjson_get_str(v), "customer.", 9) == 0);
    }
    assert_int_equal(found, 1);
    assert_int_equal(answer.transactions, 0);
    assert_true(answer.missing_inputs > 0);
    assert_true(yyjson_get_bool(yyjson_obj_get(root, "insufficient_data")));
    request = S("{\"customer_id\":\"new\",\"customer\":{\"kyc_state\":\"NEVER SEEN\"},\"as_of\":"
                "\"2024-08-27\",\"transactions\":[]}");
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
    assert_true(answer.unknown_values <= 1);
    arena_free(&keep);
}

static void an_instant_is_the_request_s_the_latest_event_or_now(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    Str said = sample(f, &keep, NULL);
    const char *from = strstr(str_chars(&keep, said), "\"as_of\":");
    Str as_of = {from, (size_t)(strchr(from, ',') - from) + 1};
    Str latest = with(&keep, said, str_chars(&keep, as_of), "");
    assert_int_equal(ask(f, &answer, &keep, latest, &fault), STATUS_OK);
    assert_true(answer.as_of_us < f->run->data->as_of_us && answer.as_of_us > 19000 * DAY_US);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(parsed(&keep, answer.body), "as_of_from")),
                        "latest_event");
    Str now = with(&keep, said, str_chars(&keep, as_of), "\"as_of\":\"now\",");
    assert_int_equal(ask(f, &answer, &keep, now, &fault), STATUS_OK);
    assert_int_equal(answer.as_of_us, 20000 * DAY_US);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(parsed(&keep, answer.body), "as_of")),
                        "2024-10-04 00:00:00 UTC");
    arena_free(&keep);
}

static void transactions_after_as_of_are_left_out_and_counted(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    Str request = request_of(&keep, f->run->data, 0, 19000 * DAY_US, NULL, SIZE_MAX);
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
    yyjson_val *counts = yyjson_obj_get(parsed(&keep, answer.body), "transactions");
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(counts, "used")), 0);
    assert_true(yyjson_get_uint(yyjson_obj_get(counts, "after_as_of")) > 0);
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(counts, "after_as_of")),
                     yyjson_get_uint(yyjson_obj_get(counts, "given")));
    arena_free(&keep);
}

static void money_never_passes_through_binary(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer text, number, written;
    Fault fault;
    static const char form[] =
        "{\"customer_id\":\"m\",\"as_of\":\"2024-08-27\",\"transactions\":[{\"id\":"
        "\"1\",\"user_id\":\"m\",\"state\":\"COMPLETED\",\"type\":\"CARDS\","
        "\"amount\":%s,\"currency\":\"EUR\",\"direction\":\"OUT\",\"completed_at\":"
        "\"2024-08-01T10:00:00Z\",\"created_at\":\"2024-08-01T10:00:00Z\"}]}";
    Str a = str_format(&keep, form, "\"90071992547409.93\""); /* no double has this value */
    Str b = str_format(&keep, form, "90071992547409.93");
    Str c = str_format(&keep, form, "9007199254740993e-2");
    assert_int_equal(ask(f, &text, &keep, a, &fault), STATUS_OK);
    assert_int_equal(ask(f, &number, &keep, b, &fault), STATUS_OK);
    assert_int_equal(ask(f, &written, &keep, c, &fault), STATUS_OK);
    assert_true(str_equal(text.record, number.record));
    assert_true(str_equal(text.record, written.record));
    arena_free(&keep);
}

static void what_is_held_is_merged_with_what_is_asked(void **state)
{
    Fixture *f = *state;
    const Dataset *d = f->run->data;
    Arena keep = arena_new();
    Answer whole, merged;
    Fault fault;
    Error err = {0};
    Str all = request_of(&keep, d, 0, d->as_of_us, NULL, SIZE_MAX);
    Str few = request_of(&keep, d, 0, d->as_of_us, NULL, 2);
    char as_of[TIME_TEXT];
    Str bare = str_format(&keep, "{\"customer_id\":\"%.*s\",\"as_of\":\"%.*s\"}", STR_ARG(d->id[0]),
                          STR_ARG(time_text(as_of, d->as_of_us)));
    AnswerInputs in = {.request = few, .history = all, .limits = limits};
    assert_int_equal(ask(f, &whole, &keep, all, &fault), STATUS_OK);
    const Str asked[] = {few, bare};
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        in.request = asked[i];
        assert_int_equal(answer_score(&merged, &keep, f->scratch, f->answerer, &in, &fault, &err),
                         STATUS_OK);
        assert_true(str_equal(whole.record, merged.record));
    }
    /* What is held has a bound of its own. */
    in.limits.transactions_max = 2;
    in.request = few;
    assert_int_equal(answer_score(&merged, &keep, f->scratch, f->answerer, &in, &fault, &err),
                     STATUS_OK);
    assert_true(str_equal(whole.record, merged.record));
    in.limits = limits;
    in.request = bare;
    in.history = S("{\"transactions\":[{\"amount\":{}}]}");
    assert_int_equal(answer_score(&merged, &keep, f->scratch, f->answerer, &in, &fault, &err),
                     STATUS_DATA);
    assert_null(fault.code); /* it is not the sender's */
    in.history = with(&keep, all, "\"EUR\"", "\"USD\"");
    err = (Error){0};
    assert_int_equal(answer_score(&merged, &keep, f->scratch, f->answerer, &in, &fault, &err),
                     STATUS_DATA);
    assert_null(fault.code);
    assert_true(err.message[0] != '\0');
    arena_free(&keep);
}

static void a_version_that_is_sent_stands_over_the_one_held(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer alone, both, more;
    Fault fault;
    Error err = {0};
    static const char form[] =
        "{\"customer_id\":\"m\",\"as_of\":\"2024-08-27\",\"transactions\":[{\"id\":"
        "\"%s\",\"user_id\":\"m\",\"state\":\"COMPLETED\",\"type\":\"CARDS\","
        "\"amount\":\"%s\",\"currency\":\"EUR\",\"direction\":\"OUT\",\"completed_at\":"
        "\"2024-08-01T10:00:00Z\",\"created_at\":\"2024-08-01T10:00:00Z\"}]}";
    AnswerInputs in = {.request = str_format(&keep, form, "1", "10.00"), .limits = limits};
    assert_int_equal(ask(f, &alone, &keep, in.request, &fault), STATUS_OK);
    in.history = str_format(&keep, form, "1", "90.00");
    assert_int_equal(answer_score(&both, &keep, f->scratch, f->answerer, &in, &fault, &err),
                     STATUS_OK);
    assert_true(str_equal(alone.record, both.record));
    in.history = str_format(&keep, form, "2", "90.00");
    assert_int_equal(answer_score(&more, &keep, f->scratch, f->answerer, &in, &fault, &err),
                     STATUS_OK);
    assert_false(str_equal(alone.record, more.record));
    arena_free(&keep);
}

static void facts_and_the_earlier_segment_are_heard(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    const FactView *view;
    assert_true(policy_facts(answer_bundle(f->answerer)->policy, &view) > 0);
    Str request =
        with(&keep, sample(f, &keep, NULL), "{\"customer_id\"",
             str_format(&keep,
                        "{\"facts\":[{\"name\":\"%.*s\",\"evidence\":\"file 7\",\"since\":"
                        "\"2024-01-05\"}],\"earlier\":{\"segment\":\"High\",\"since\":"
                        "\"2024-05-01\"},\"customer_id\"",
                        STR_ARG(view[0].name))
                 .data);
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
    yyjson_val *given = yyjson_obj_get(parsed(&keep, answer.body), "given");
    yyjson_val *fact = yyjson_arr_get_first(yyjson_obj_get(given, "facts"));
    assert_string_equal(yyjson_get_str(yyjson_obj_get(fact, "evidence")), "file 7");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(yyjson_obj_get(given, "earlier"), "segment")),
                        "High");
    refused(f, with(&keep, request, str_chars(&keep, view[0].name), "nonsense"), "bad_fact",
            "/facts/0");
    refused(f, with(&keep, request, "2024-05-01", "2034-05-01"), "after_as_of", "/earlier/since");
    refused(f, with(&keep, request, "\"High\"", "\"Highest\""), "bad_value", "/earlier/segment");
    arena_free(&keep);
}

static void a_policy_book_can_be_tried_and_is_checked(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer usual, tried;
    Fault fault;
    Document j;
    document_open(&j, &keep);
    document_text(&j, j.root, "policy", policy_text(answer_bundle(f->answerer)->policy));
    Str same = document_write(&j, false);
    assert_int_equal(ask(f, &usual, &keep, sample(f, &keep, NULL), &fault), STATUS_OK);
    Str request = sample(f, &keep, str_chars(&keep, str_slice(same, 0, same.size - 1)));
    assert_int_equal(ask(f, &tried, &keep, request, &fault), STATUS_OK);
    assert_true(tried.dry_run && !usual.dry_run);
    assert_true(str_equal(usual.record, tried.record)); /* the same book, the same decision */
    assert_true(yyjson_get_bool(yyjson_obj_get(parsed(&keep, tried.body), "dry_run")));
    refused(f, sample(f, &keep, "{\"policy\":\"version: 1\\nname: x\\nrulez: []\\n\"}"),
            "bad_policy", "/options/policy");
    arena_free(&keep);
}

static void what_would_change_is_said_when_asked(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    Str request = sample(f, &keep, "{\"counterfactual\":true,\"language\":\"fr\"}");
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
    yyjson_val *root = parsed(&keep, answer.body);
    assert_true(yyjson_is_obj(yyjson_obj_get(root, "would_change")));
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "language")), "fr");
    assert_int_equal(ask(f, &answer, &keep, sample(f, &keep, NULL), &fault), STATUS_OK);
    assert_null(yyjson_obj_get(parsed(&keep, answer.body), "would_change"));
    arena_free(&keep);
}

/* ---- what is refused ---- */

static void what_is_no_request_is_refused_by_place(void **state)
{
    Fixture *f = *state;
    refused_text(f, "", "not_json", "");
    refused_text(f, "{", "not_json", "");
    refused_text(f, "{} {}", "not_json", "");
    refused_text(f, "[]", "wrong_type", "");
    refused_text(f, "{\"a\":\"\xFF\"}", "not_utf8", "");
    refused_text(f, "{\"customer_id\":NaN}", "not_json", "");
    refused_text(f, "{\"customer_id\":\"c\",\"customr\":{}}", "unknown_field", "/customr");
    refused_text(f, "{\"customer_id\":\"c\",\"customer_id\":\"d\"}", "duplicate_field",
                 "/customer_id");
    refused_text(f, "{\"transactions\":[]}", "missing_field", "/customer_id");
    refused_text(f, "{\"customer_id\":\" \",\"transactions\":[]}", "missing_field", "/customer_id");
    refused_text(f, "{\"customer_id\":{},\"transactions\":[]}", "wrong_type", "/customer_id");
    refused_text(f, "{\"customer_id\":\"c\\u0000\",\"transactions\":[]}", "bad_value",
                 "/customer_id");
    refused_text(f, "{\"customer_id\":\"c\"}", "missing_field", "/transactions");
    refused_text(f, "{\"customer_id\":\"c\",\"transactions\":[]}", "missing_field", "/as_of");
    refused_text(f, "{\"customer_id\":\"c\",\"as_of\":\"soon\",\"transactions\":[]}", "not_a_time",
                 "/as_of");
    refused_text(f, "{\"customer_id\":\"c\",\"transactions\":{}}", "wrong_type", "/transactions");
    refused_text(f, "{\"customer_id\":\"c\",\"transactions\":[3]}", "wrong_type",
                 "/transactions/0");
    refused_text(f, "{\"customer_id\":\"c\",\"customer\":{\"user_id\":\"d\"},\"transactions\":[]}",
                 "other_customer", "/customer/user_id");
    refused_text(f, "{\"customer_id\":\"c\",\"customer\":{\"is_pep\":[]},\"transactions\":[]}",
                 "wrong_type", "/customer/is_pep");
    refused_text(f, "{\"customer_id\":\"c\",\"customer\":{\"is_pep\":true,\"is_pep\":true}}",
                 "duplicate_field", "/customer/is_pep");
    refused_text(f, "{\"customer_id\":\"c\",\"customer\":{\"x/~\":1},\"transactions\":[]}",
                 "unknown_field", "/customer/x~1~0");
    refused_text(f, "{\"customer_id\":\"c\",\"options\":{\"language\":\"de\"}}", "bad_value",
                 "/options/language");
    refused_text(f, "{\"customer_id\":\"c\",\"options\":{\"reasons\":1}}", "wrong_type",
                 "/options/reasons");
    refused_text(f, "{\"options\":{\"reasons\":true,\"reasons\":true}}", "duplicate_field",
                 "/options/reasons");
}

static void rows_that_a_run_would_set_aside_are_refused_by_place(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Str good =
        S("{\"customer_id\":\"m\",\"as_of\":\"2024-08-27\",\"transactions\":[{\"id\":\"a\\nb\","
          "\"state\":\"PENDING\",\"type\":\"CARDS\",\"amount\":null,\"currency\":\"EUR\","
          "\"direction\":\"OUT\",\"completed_at\":null,\"created_at\":\"2024-08-01\"},"
          "{\"id\":\"1\",\"state\":\"COMPLETED\",\"type\":\"CARDS\",\"amount\":5,"
          "\"currency\":\"EUR\",\"direction\":\"OUT\",\"completed_at\":"
          "\"2024-08-01T10:00:00Z\",\"created_at\":\"2024-08-01T10:00:00Z\"}]}");
    Answer answer;
    Fault fault;
    if (ask(f, &answer, &keep, good, &fault) != STATUS_OK)
        fail_msg("%s at %s: %s", fault.code, fault.pointer, fault.detail);
    assert_int_equal(answer.transactions, 2);
    refused(f, with(&keep, good, "\"amount\":5", "\"amount\":\"five\""), "bad_value",
            "/transactions/1/amount");
    refused(f, with(&keep, good, "\"amount\":5", "\"amount\":1e99"), "bad_value",
            "/transactions/1/amount");
    refused(f, with(&keep, good, "\"amount\":5", "\"amount\":5.001"), "bad_value",
            "/transactions/1/amount");
    refused(f, with(&keep, good, "\"created_at\":\"2024-08-01T10:00:00Z\"", "\"created_at\":null"),
            "missing_key", "/transactions/1/created_at");
    refused(f, with(&keep, good, "\"id\":\"1\"", "\"id\":\"1\",\"user_id\":\"other\""),
            "other_customer", "/transactions/1/user_id");
    refused(f,
            with(&keep, good, "\"currency\":\"EUR\",\"direction\":\"OUT\",\"completed_at\":\"2",
                 "\"currency\":\"USD\",\"direction\":\"OUT\",\"completed_at\":\"2"),
            "other_currency", "/transactions/1/currency");
    arena_free(&keep);
}

static void a_column_left_out_does_not_pass_for_nothing_done(void **state)
{
    Fixture *f = *state;
    refused_text(f,
                 "{\"customer_id\":\"m\",\"as_of\":\"2024-08-27\",\"transactions\":[{\"id\":\"0\","
                 "\"state\":\"COMPLETED\",\"type\":\"CARDS\",\"currency\":\"EUR\",\"direction\":"
                 "\"OUT\",\"completed_at\":null,\"created_at\":\"2024-08-01\"}]}",
                 "missing_field", "/transactions/0/amount");
}

static void unknown_fields_pass_when_allowed_and_not_twice(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Answer answer;
    Fault fault;
    Str request =
        S("{\"customer_id\":\"m\",\"as_of\":\"2024-08-27\",\"transactions\":[],\"x\":[[]],"
          "\"customer\":{\"y\":{}},\"options\":{\"allow_unknown_fields\":true}}");
    assert_int_equal(ask(f, &answer, &keep, request, &fault), STATUS_OK);
    refused(f, with(&keep, request, "\"y\":{}", "\"y\":{},\"y\":1"), "duplicate_field",
            "/customer/y");
    arena_free(&keep);
}

static void depth_and_counts_are_bounded(void **state)
{
    Fixture *f = *state;
    Arena keep = arena_new();
    Buffer deep = buffer_new(&keep), many = buffer_new(&keep);
    buffer_add(&deep, S("{\"x\":"));
    for (size_t i = 0; i < 100000; i++)
        buffer_char(&deep, '[');
    refused(f, buffer_str(&deep), "too_deep", "");
    buffer_add(&many, S("{\"customer_id\":\"c\",\"transactions\":[{}"));
    for (size_t i = 0; i < limits.transactions_max; i++)
        buffer_add(&many, S(",{}"));
    buffer_add(&many, S("]}"));
    refused(f, buffer_str(&many), "too_many", "/transactions");
    Buffer wide = buffer_new(&keep);
    buffer_add(&wide, S("{\"customer_id\":\""));
    for (size_t i = 0; i < 600; i++)
        buffer_char(&wide, 'c');
    buffer_add(&wide, S("\",\"transactions\":[]}"));
    refused(f, buffer_str(&wide), "too_long", "/customer_id");
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_customer_is_answered_with_the_bytes_of_a_run),
        cmocka_unit_test(without_reasons_the_bytes_are_a_brief_run_s),
        cmocka_unit_test(what_is_missing_and_unknown_is_said),
        cmocka_unit_test(an_instant_is_the_request_s_the_latest_event_or_now),
        cmocka_unit_test(transactions_after_as_of_are_left_out_and_counted),
        cmocka_unit_test(money_never_passes_through_binary),
        cmocka_unit_test(what_is_held_is_merged_with_what_is_asked),
        cmocka_unit_test(a_version_that_is_sent_stands_over_the_one_held),
        cmocka_unit_test(facts_and_the_earlier_segment_are_heard),
        cmocka_unit_test(a_policy_book_can_be_tried_and_is_checked),
        cmocka_unit_test(what_would_change_is_said_when_asked),
        cmocka_unit_test(what_is_no_request_is_refused_by_place),
        cmocka_unit_test(rows_that_a_run_would_set_aside_are_refused_by_place),
        cmocka_unit_test(a_column_left_out_does_not_pass_for_nothing_done),
        cmocka_unit_test(unknown_fields_pass_when_allowed_and_not_twice),
        cmocka_unit_test(depth_and_counts_are_bounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
