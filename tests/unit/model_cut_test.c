/* A forest's text cut into its trees means what the whole means, whatever is done to it. */
#include "model/model_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static const char *const versions[] = {"1.7", "2.1", "3.2"};

static Str text_of(Arena *arena, const char *version)
{
    Error err = {0};
    Str text = {0};
    const char *path =
        str_chars(arena, str_format(arena, "tests/data/model/xgboost-%s.json", version));
    if (file_read(&text, arena, path, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return text;
}

/* A space where none is expected: such a text is not cut. */
static Str whole(Arena *arena, Str text)
{
    const Str trees = S("\"trees\":");
    Buffer out = buffer_new(arena);
    for (size_t i = 0; i < text.size; i++) {
        buffer_char(&out, text.data[i]);
        if (i + 1 >= trees.size &&
            memcmp(text.data + i + 1 - trees.size, trees.data, trees.size) == 0)
            buffer_char(&out, ' ');
    }
    return buffer_str(&out);
}

static bool cut_reads(Arena arena, Str text)
{
    ForestCut cut;
    Forest *f;
    Error err = {0};
    if (!forest_cut(&cut, &arena, text))
        return false;
    yyjson_doc *doc =
        yyjson_read_opts(cut.rest, cut.size, MODEL_READ_FLAGS | YYJSON_READ_INSITU, NULL, NULL);
    bool read =
        doc != NULL && forest_read(&f, &arena, yyjson_doc_get_root(doc), &cut, &err) == STATUS_OK;
    yyjson_doc_free(doc);
    return read;
}

/* Reads both ways and holds the one against the other; was it read? */
static bool same(Arena arena, Str text)
{
    Model *a = NULL, *b = NULL;
    Error first = {0}, second = {0};
    Str spaced = whole(&arena, text);
    ForestCut cut;
    assert_false(forest_cut(&cut, &arena, spaced));
    Status one = model_read(&a, &arena, text, &first);
    Status other = model_read(&b, &arena, spaced, &second);
    if (one != other ||
        (strstr(first.message, "at byte") == NULL && strcmp(first.message, second.message) != 0))
        fail_msg("%d \"%s\" but %d \"%s\"", (int)one, first.message, (int)other, second.message);
    if (one == STATUS_OK)
        assert_true(str_equal(model_write(&arena, a), model_write(&arena, b)));
    return one == STATUS_OK;
}

static void what_xgboost_writes_is_cut(void **state)
{
    (void)state;
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        Arena arena = arena_new();
        Str text = text_of(&arena, versions[v]);
        assert_true(cut_reads(arena, text));
        assert_true(same(arena, text));
        Model *m = NULL;
        Error err = {0};
        assert_int_equal(model_read(&m, &arena, text, &err), STATUS_OK);
        assert_true(cut_reads(arena, model_write(&arena, m)));
        arena_free(&arena);
    }
}

static void any_change_is_read_or_refused_as_in_the_whole(void **state)
{
    (void)state;
    static const char bytes[] = "{}[]\",:-e \\0123456789";
    Arena arena = arena_new();
    Random random = random_new(11);
    size_t read = 0, refused = 0;
    for (size_t i = 0; i < 900; i++) {
        Arena own = arena;
        Str text = text_of(&own, versions[i % COUNT_OF(versions)]);
        char *changed = arena_copy(&own, text.data, text.size);
        for (size_t k = 0; k <= i % 2; k++) {
            size_t at = (size_t)random_below(&random, text.size);
            changed[at] = bytes[random_below(&random, sizeof bytes - 1)];
        }
        if (same(own, (Str){changed, text.size}))
            read++;
        else
            refused++;
    }
    if (read < 20 || refused < 20)
        fail_msg("%zu read, %zu refused", read, refused);
    arena_free(&arena);
}

static Str replaced(Arena *arena, Str text, const char *from, const char *to)
{
    const char *found = memmem(text.data, text.size, from, strlen(from));
    assert_non_null(found);
    size_t at = (size_t)(found - text.data), behind = at + strlen(from);
    return str_format(arena, "%.*s%s%.*s", (int)at, text.data, to, (int)(text.size - behind),
                      text.data + behind);
}

static void trees_elsewhere_are_not_taken_for_the_forests(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Str text = text_of(&arena, "3.2");
    /* Of a key that ends alike, of another object, and twice. */
    assert_false(same(arena, replaced(&arena, text, "\"trees\":[", "\"\\\"trees\":[")));
    const char *attributes = "\"attributes\":{";
    Str other = replaced(&arena, text, attributes, "\"attributes\":{\"trees\":[{},{}],");
    assert_false(cut_reads(arena, other));
    (void)same(arena, other);
    Str twice = replaced(&arena, text, "\"trees\":[", "\"trees\":[{}],\"trees\":[");
    assert_false(cut_reads(arena, twice));
    assert_false(same(arena, twice));
    /* Texts where trees should be are no trees. */
    Str texts = replaced(&arena, text, "\"trees\":[", "\"trees\":[\"\",");
    assert_false(cut_reads(arena, texts));
    assert_false(same(arena, texts));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_xgboost_writes_is_cut),
        cmocka_unit_test(any_change_is_read_or_refused_as_in_the_whole),
        cmocka_unit_test(trees_elsewhere_are_not_taken_for_the_forests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
