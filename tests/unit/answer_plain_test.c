/* answer_plain_test.c - requests read from their bytes are read as from a tree of the whole. */
#include "request_both.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

static const AnswerLimits limits = {40, 16};

typedef struct Fixture {
    Arena arena;
    Answerer *answerer;
} Fixture;

static int setup(void **state)
{
    static Fixture f;
    f.arena = arena_new();
    f.answerer = request_answerer(&f.arena);
    *state = &f;
    return f.answerer == NULL;
}

static int teardown(void **state)
{
    arena_free(&((Fixture *)*state)->arena);
    return 0;
}

/* Bytes that end where their memory does: what reads beyond is seen by the sanitizers. */
static Status read_both(Fixture *f, Arena *keep, Str json, bool held)
{
    Request request;
    Fault fault;
    Status status;
    char *exact = malloc(json.size + (json.size == 0));
    assert_non_null(exact);
    memcpy(exact, json.data, json.size);
    const char *differs = request_both(&request, &status, &fault, keep, f->answerer,
                                       (Str){exact, json.size}, &limits, held);
    if (differs != NULL)
        fail_msg("%s differ (%s): %.*s", differs, fault.detail, (int)json.size, json.data);
    free(exact);
    return status;
}

/* ---- made-up requests ---- */

typedef struct Making {
    Buffer b;
    Random random;
    bool blanks;
    size_t strange; /* one value, name or comma in so many is odd; 0 none */
} Making;

static size_t below(Making *m, size_t count)
{
    return (size_t)random_below(&m->random, count);
}

static void blank(Making *m)
{
    static const char *const some[] = {" ", "\n", "\t\r\n  ", ""};
    if (m->blanks)
        buffer_add(&m->b, str_from(some[below(m, COUNT_OF(some))]));
}

static void mark(Making *m, char c)
{
    blank(m);
    if (m->strange == 0 || below(m, 8 * m->strange) > 0)
        buffer_char(&m->b, c);
    blank(m);
}

static void value(Making *m)
{
    static const char *const usual[] = {"null",
                                        "\"\"",
                                        "\"COMPLETED\"",
                                        "\"3f2b5c1e-7a54-4f0a-9a39-0d6c1f3a2b11\"",
                                        "\"2024-07-01T12:34:56.123456Z\"",
                                        "\"d\xC3\xA9p\xC3\xB4t \xE2\x82\xAC of the customer\"",
                                        "12.5",
                                        "-0",
                                        "0.25",
                                        "1000000",
                                        "\"exactly sixteen.\"",
                                        "\"fifteen letters\""};
    static const char *const odd[] = {"true",        "false",
                                      "01",          "1.",
                                      "-",           "1e3",
                                      "2E+1",        "-1.5e-2",
                                      "\"a\\\"b\"",  "\"\\u0000\"",
                                      "\"\\u00e9\"", "\"tab\there\"",
                                      "\"\xC3(\"",   "\"\xED\xA0\x80\"",
                                      "\"open",      "{}",
                                      "[1]",         "[[[]]]",
                                      "nul",         "NaN",
                                      "\"\x7F\"",    "+1",
                                      ".5",          "tru"};
    bool strange = m->strange > 0 && below(m, m->strange) == 0;
    buffer_add(&m->b,
               str_from(strange ? odd[below(m, COUNT_OF(odd))] : usual[below(m, COUNT_OF(usual))]));
}

static void row(Making *m, AnswerColumns columns, size_t fields, size_t first)
{
    mark(m, '{');
    for (size_t i = 0; i < fields; i++) {
        size_t k = (first + i) % columns.count;
        if (i > 0)
            mark(m, ',');
        if (m->strange > 0 && below(m, 4 * m->strange) == 0)
            k = below(m, columns.count); /* perhaps twice */
        bool unknown = m->strange > 0 && below(m, 8 * m->strange) == 0;
        buffer_format(&m->b, "\"%.*s\"", STR_ARG(unknown ? S("nobody") : columns.item[k].name));
        mark(m, ':');
        if (columns.item[k].key && (m->strange == 0 || below(m, m->strange) > 0))
            buffer_add(&m->b, S("\"c1\""));
        else
            value(m);
    }
    mark(m, '}');
}

static void transactions(Making *m, const Answerer *a)
{
    size_t rows = below(m, 12) == 0 ? below(m, 45) : below(m, 6),
           fields = below(m, a->transaction.count + 1), first = below(m, a->transaction.count);
    buffer_add(&m->b, S("\"transactions\""));
    mark(m, ':');
    mark(m, '[');
    for (size_t i = 0; i < rows; i++) {
        if (i > 0)
            mark(m, ',');
        if (below(m, 4) == 0) {
            fields = below(m, a->transaction.count + 1);
            first = below(m, a->transaction.count);
        }
        row(m, a->transaction, fields, first);
    }
    mark(m, ']');
}

static void request(Making *m, const Answerer *a)
{
    static const char *const rest[] = {
        "\"as_of\": \"2024-08-27T12:00:00Z\"",
        "\"options\": {\"allow_unknown_fields\": true}",
        "\"customer\": {\"transactions\": [{\"id\": \"t\"}]}",
        "\"facts\": []",
        "\"transactions\": null",
        "\"customer\": [{\"user_id\": \"c1\"}, {\"kyc_state\": \"\\\"transactions\\\": [1]\"}]",
        "\"options\": {\"language\": \"fr\", \"transactions\": []}",
        "\"customer\": null"};
    bool before = below(m, 2) == 0;
    mark(m, '{');
    buffer_add(&m->b, S("\"customer_id\": \"c1\""));
    for (size_t i = 0; i < 2; i++) {
        if (before == (i == 0)) {
            mark(m, ',');
            transactions(m, a);
        } else if (below(m, 2) == 0) {
            mark(m, ',');
            buffer_add(&m->b, str_from(rest[below(m, m->strange > 0 ? COUNT_OF(rest) : 1)]));
        }
    }
    mark(m, '}');
}

static Making making(Arena *keep, size_t round, size_t strange)
{
    return (Making){.b = buffer_new(keep),
                    .random = random_new(round),
                    .blanks = round % 2 == 1,
                    .strange = strange};
}

/* ---- claims ---- */

static void sound_requests_are_read_alike(void **state)
{
    Fixture *f = *state;
    size_t good = 0;
    for (size_t i = 0; i < 600; i++) {
        Arena keep = arena_new();
        Making m = making(&keep, i, 0);
        request(&m, f->answerer);
        good += read_both(f, &keep, buffer_str(&m.b), i % 3 == 0) == STATUS_OK;
        arena_free(&keep);
    }
    assert_true(good > 560); /* few have more than 40 transactions */
}

static void strange_requests_are_refused_alike(void **state)
{
    Fixture *f = *state;
    size_t good = 0, rounds = 6000;
    for (size_t i = 0; i < rounds; i++) {
        Arena keep = arena_new();
        Making m = making(&keep, i, 4 + i % 150);
        request(&m, f->answerer);
        good += read_both(f, &keep, buffer_str(&m.b), i % 3 == 0) == STATUS_OK;
        arena_free(&keep);
    }
    assert_true(good > rounds / 10 && good < rounds * 9 / 10);
}

/* Every byte of a request left out, or another in its place. */
static void any_other_byte_is_read_alike(void **state)
{
    Fixture *f = *state;
    const Str sound =
        S("{\"customer_id\":\"c1\", \"transactions\" :[{\"id\":\"t1\",\"amount\":12.50,"
          "\"completed_at\":null,\"state\":\"COMPLETED\"},{\"id\":\"t2\",\"amount\":-0.5,"
          "\"completed_at\":null,\"state\":\"a longer state \xC3\xA9\"},{}], "
          "\"as_of\":\"2024-08-27\"}");
    static const char other[] = "\"\\{}[],:0 e.-n\x80\xC3\n";
    Arena arena = arena_new();
    assert_int_equal(read_both(f, &arena, sound, false), STATUS_OK);
    for (size_t i = 0; i <= sound.size; i++)
        for (size_t k = 0; k < sizeof other; k++) {
            Arena keep = arena;
            Str left = str_slice(sound, 0, i), right = str_slice(sound, i, sound.size);
            Buffer with = buffer_new(&keep);
            buffer_add(&with, left);
            if (k + 1 < sizeof other)
                buffer_char(&with, other[k]);
            size_t added = with.size;
            buffer_add(&with, right);
            (void)read_both(f, &keep, buffer_str(&with), false);
            Buffer instead = buffer_new(&keep);
            buffer_add(&instead, str_slice(buffer_str(&with), 0, added));
            buffer_add(&instead, str_slice(right, 1, right.size));
            (void)read_both(f, &keep, buffer_str(&instead), false);
            (void)read_both(f, &keep, left, false);
        }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_requests_are_read_alike),
        cmocka_unit_test(strange_requests_are_refused_alike),
        cmocka_unit_test(any_other_byte_is_read_alike),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
