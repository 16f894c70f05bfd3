/* Compressed bodies, piece by piece: the same bytes in whatever pieces they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/serve_internal.h"

#include <string.h>
#include <zstd.h>

typedef struct Sink {
    Arena *arena;
    Buffer text;
    size_t most, pieces;
} Sink;

static bool take(void *context, Str piece)
{
    Sink *s = context;
    s->pieces++;
    if (s->text.size + piece.size > s->most)
        return false;
    buffer_add(&s->text, piece);
    return true;
}

static Str sample(Arena *keep, size_t lines)
{
    Buffer b = buffer_new(keep);
    for (size_t i = 0; i < lines; i++)
        buffer_format(&b, "{\"customer\":\"c-%zu\",\"n\":%zu}\n", i, i * i);
    return buffer_str(&b);
}

static Unpacked unpack_in_pieces(Sink *s, Encoding e, Str bytes, size_t size, bool *whole)
{
    Unpacking *u = unpacking_new(e);
    Unpacked how = UNPACKED_MORE;
    assert_non_null(u);
    for (size_t at = 0; at < bytes.size && how == UNPACKED_MORE; at += size)
        how = unpacking_feed(
            u, str_slice(bytes, at, at + size < bytes.size ? at + size : bytes.size), take, s);
    *whole = unpacking_whole(u);
    unpacking_free(u);
    return how;
}

static void what_was_packed_unpacks_from_pieces_of_any_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 4096, 1 << 20};
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    Arena arena = arena_new(), own = arena_new();
    Str text = sample(&arena, 20000), bytes;
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        assert_true(packed(&bytes, &arena, encodings[e], text));
        assert_true(bytes.size < text.size / 2);
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            bool whole;
            Arena out = own;
            Sink s = {&out, buffer_new(&out), SIZE_MAX, 0};
            assert_int_equal(unpack_in_pieces(&s, encodings[e], bytes, sizes[i], &whole),
                             UNPACKED_MORE);
            assert_true(whole);
            assert_true(str_equal(buffer_str(&s.text), text));
        }
    }
    arena_free(&arena);
    arena_free(&own);
}

static void what_fills_the_last_piece_is_whole(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    static const size_t sizes[] = {65535, 65536, 65537, 131072}; /* a piece is 64 KiB */
    Arena arena = arena_new();
    for (size_t e = 0; e < COUNT_OF(encodings); e++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            bool whole;
            Str bytes, text = str_slice(sample(&arena, 20000), 0, sizes[i]);
            assert_int_equal(text.size, sizes[i]);
            assert_true(packed(&bytes, &arena, encodings[e], text));
            Sink s = {&arena, buffer_new(&arena), SIZE_MAX, 0};
            assert_int_equal(unpack_in_pieces(&s, encodings[e], bytes, bytes.size, &whole),
                             UNPACKED_MORE);
            assert_true(whole);
            assert_true(str_equal(buffer_str(&s.text), text));
        }
    arena_free(&arena);
}

static void what_is_cut_off_is_not_whole(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    Arena arena = arena_new();
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        bool whole;
        Str bytes;
        assert_true(packed(&bytes, &arena, encodings[e], sample(&arena, 1000)));
        Sink s = {&arena, buffer_new(&arena), SIZE_MAX, 0};
        assert_int_equal(
            unpack_in_pieces(&s, encodings[e], str_slice(bytes, 0, bytes.size - 5), 100, &whole),
            UNPACKED_MORE);
        assert_false(whole);
    }
    arena_free(&arena);
}

static void what_is_damaged_is_said_so(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    Arena arena = arena_new();
    bool whole;
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        Sink s = {&arena, buffer_new(&arena), SIZE_MAX, 0};
        assert_int_equal(
            unpack_in_pieces(&s, encodings[e], S("not packed at all, plain text"), 100, &whole),
            UNPACKED_DAMAGED);
    }
    arena_free(&arena);
}

static void a_bomb_stops_where_the_taker_says(void **state)
{
    (void)state;
    static const Encoding encodings[] = {ENCODING_GZIP, ENCODING_ZSTD};
    Arena arena = arena_new();
    char *zeros = arena_alloc(&arena, 64 << 20, 1);
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        bool whole;
        Str bytes;
        assert_true(packed(&bytes, &arena, encodings[e], (Str){zeros, 64 << 20}));
        assert_true(bytes.size < 512 << 10);
        Sink s = {&arena, buffer_new(&arena), 1 << 20, 0};
        assert_int_equal(unpack_in_pieces(&s, encodings[e], bytes, 1 << 20, &whole),
                         UNPACKED_STOPPED);
        assert_true(s.text.size <= 1 << 20);
        assert_true(s.pieces < 64);
    }
    arena_free(&arena);
}

static void a_window_beyond_what_the_web_uses_is_refused(void **state)
{
    (void)state;
    Arena arena = arena_new();
    bool whole;
    size_t size = (size_t)9 << 20, room = ZSTD_compressBound(size);
    char *text = arena_alloc(&arena, size, 1), *to = arena_raw(&arena, room, 1);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_inBuffer in = {text, size, 0};
    ZSTD_outBuffer out = {to, room, 0};
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 27);
    /* By pieces, so that its size is not known beforehand and the window stays what it was. */
    in.size = 1;
    (void)ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue);
    in.size = size;
    assert_int_equal(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
    (void)ZSTD_freeCCtx(c);
    Sink s = {&arena, buffer_new(&arena), SIZE_MAX, 0};
    assert_int_equal(unpack_in_pieces(&s, ENCODING_ZSTD, (Str){to, out.pos}, 4096, &whole),
                     UNPACKED_DAMAGED);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_unpacks_from_pieces_of_any_size),
        cmocka_unit_test(what_fills_the_last_piece_is_whole),
        cmocka_unit_test(what_is_cut_off_is_not_whole),
        cmocka_unit_test(what_is_damaged_is_said_so),
        cmocka_unit_test(a_bomb_stops_where_the_taker_says),
        cmocka_unit_test(a_window_beyond_what_the_web_uses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
