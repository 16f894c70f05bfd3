/* record_test.c - what a document holds is what was put into it. */
#include "record/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A text as the library itself writes it, without a word about escapes. */
static Str as_library(Arena *keep, Str text)
{
    yyjson_alc memory = arena_memory(keep);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    size_t size = 0;
    yyjson_mut_doc_set_root(doc, root);
    (void)yyjson_mut_obj_add(root, yyjson_mut_strn(doc, text.data, text.size),
                             yyjson_mut_strn(doc, text.data, text.size));
    char *out = yyjson_mut_write_opts(doc, YYJSON_WRITE_NEWLINE_AT_END, &memory, &size, NULL);
    assert_non_null(out);
    return (Str){out, size};
}

static Str as_document(Arena *keep, Str text)
{
    Document j;
    document_open(&j, keep);
    document_text(&j, j.root, str_chars(keep, text), text);
    return document_write(&j, false);
}

static void same(Str text)
{
    Arena keep = arena_new();
    Str wanted = as_library(&keep, text), got = as_document(&keep, text);
    assert_int_equal(got.size, wanted.size);
    assert_memory_equal(got.data, wanted.data, wanted.size);
    arena_free(&keep);
}

static void document_escapes_what_the_library_escapes(void **state)
{
    enum { LONGEST = 40 };
    (void)state;
    for (size_t size = 0; size <= LONGEST; size++)
        for (size_t at = 0; at < (size == 0 ? 1 : size); at++)
            for (int c = 1; c < 0x80; c++) {
                char text[LONGEST];
                memset(text, 'a', sizeof text);
                if (size > 0)
                    text[at] = (char)c;
                same((Str){text, size});
            }
}

static void document_keeps_letters_of_every_length(void **state)
{
    static const char *letter[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x92\xB6", "\x7F", "\"\n"};
    (void)state;
    for (size_t k = 0; k < COUNT_OF(letter); k++)
        for (size_t before = 0; before < 40; before++) {
            Arena keep = arena_new();
            Buffer b = buffer_new(&keep);
            for (size_t i = 0; i < before; i++)
                buffer_char(&b, 'a');
            buffer_add(&b, str_from(letter[k]));
            same(buffer_str(&b));
            buffer_add(&b, S("and more behind it"));
            same(buffer_str(&b));
            arena_free(&keep);
        }
}

static void document_writes_bytes_that_are_no_text_as_digits(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Document j;
    document_open(&j, &keep);
    document_text(&j, j.root, "path", S("/tmp/\xFF\xC3\xA9 and a name of more than sixteen bytes"));
    assert_true(str_equal(document_write(&j, false),
                          S("{\"path\":\"/tmp/\\\\xFF\\\\xC3\\\\xA9 and a name of more than "
                            "sixteen bytes\"}\n")));
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_escapes_what_the_library_escapes),
        cmocka_unit_test(document_keeps_letters_of_every_length),
        cmocka_unit_test(document_writes_bytes_that_are_no_text_as_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
