/* Compressed input: what is accepted, and that no small file fills the machine. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static Arena arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static Str gzipped(Str s)
{
    z_stream z = {0};
    size_t room = s.size + s.size / 100 + 256;
    char *out = arena_raw(&arena, room, 1);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)s.data;
    z.avail_in = (uInt)s.size;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = room - z.avail_out;
    (void)deflateEnd(&z);
    return (Str){out, size};
}

static Str zstandard(Str s)
{
    size_t room = ZSTD_compressBound(s.size);
    char *out = arena_raw(&arena, room, 1);
    size_t size = ZSTD_compress(out, room, s.data, s.size, 3);
    assert_false(ZSTD_isError(size));
    return (Str){out, size};
}

static Str joined(Str a, Str b)
{
    Buffer both = buffer_new(&arena);
    buffer_add(&both, a);
    buffer_add(&both, b);
    return buffer_str(&both);
}

static Str rows(size_t count)
{
    Buffer b = buffer_new(&arena);
    Random r = random_new(7);
    for (size_t i = 0; i < count; i++)
        buffer_format(&b, "%zu,%llu\n", i, (unsigned long long)random_next(&r));
    return buffer_str(&b);
}

static void gives(Str packed, Str plain)
{
    Str out;
    Error err = {0};
    if (unpack(&out, &arena, packed, 0, "f", &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_true(str_equal(out, plain));
}

static void refuses(Str packed, uint64_t max, Status status, const char *message)
{
    Str out;
    Error err = {0};
    assert_int_equal(unpack(&out, &arena, packed, max, "f", &err), status);
    if (strstr(err.message, message) == NULL)
        fail_msg("%s", err.message);
    assert_true(err.remedy[0] != '\0');
    assert_string_equal(err.file, "f");
}

static void what_is_packed_comes_out_whole(void **state)
{
    (void)state;
    const size_t counts[] = {0, 1, 5000, 200000};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        Str plain = rows(counts[i]);
        gives(plain, plain);
        gives(gzipped(plain), plain);
        gives(zstandard(plain), plain);
        gives(joined(gzipped(plain), gzipped(S("more\n"))), joined(plain, S("more\n")));
        gives(joined(zstandard(plain), zstandard(S("more\n"))), joined(plain, S("more\n")));
        gives(joined(gzipped(plain), S("\0\0\0\0\0")), plain); /* a tape's padding */
    }
    gives(S("\x1F"), S("\x1F")); /* too short to be anything */
}

static void every_cut_is_seen(void **state)
{
    (void)state;
    Str plain = rows(300), gzip = gzipped(plain), zstd = zstandard(plain), out;
    for (size_t size = 4; size < gzip.size; size += 7) {
        Error err = {0};
        assert_int_equal(unpack(&out, &arena, str_slice(gzip, 0, size), 0, "f", &err),
                         STATUS_FORMAT);
    }
    for (size_t size = 4; size < zstd.size; size += 7) {
        Error err = {0};
        assert_int_equal(unpack(&out, &arena, str_slice(zstd, 0, size), 0, "f", &err),
                         STATUS_FORMAT);
    }
    refuses(str_slice(gzip, 0, gzip.size - 1), 0, STATUS_FORMAT, "gzip file is cut off");
    refuses(str_slice(zstd, 0, zstd.size - 1), 0, STATUS_FORMAT, "zstd file is cut off");
}

static void damage_is_seen(void **state)
{
    (void)state;
    Str plain = rows(300), gzip = gzipped(plain);
    char *bytes = arena_copy(&arena, gzip.data, gzip.size);
    bytes[gzip.size - 6] ^= 1; /* of the checksum */
    refuses((Str){bytes, gzip.size}, 0, STATUS_FORMAT, "gzip file is damaged");
    refuses(joined(gzip, S("rest")), 0, STATUS_FORMAT, "other bytes after its end");
    refuses(joined(zstandard(plain), S("rest")), 0, STATUS_FORMAT, "zstd file cannot be unpacked");
    /* Any byte changed anywhere: an answer or a refusal, never harm. */
    Str packed[] = {gzip, zstandard(plain)}, out;
    Random r = random_new(3);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 300; i++) {
            Error err = {0};
            char *copy = arena_copy(&arena, packed[k].data, packed[k].size);
            copy[random_below(&r, packed[k].size)] ^= (char)(1 + random_below(&r, 255));
            Status status = unpack(&out, &arena, (Str){copy, packed[k].size}, 0, "f", &err);
            assert_true(status == STATUS_OK || err.message[0] != '\0');
        }
}

static void the_bound_holds_to_the_byte(void **state)
{
    (void)state;
    Str plain = rows(5000), packed[] = {gzipped(plain), zstandard(plain)}, out;
    for (size_t i = 0; i < 2; i++) {
        Error err = {0};
        assert_int_equal(unpack(&out, &arena, packed[i], plain.size, "f", &err), STATUS_OK);
        refuses(packed[i], plain.size - 1, STATUS_LIMIT, "unpacks to more than");
        refuses(packed[i], 1, STATUS_LIMIT, "more than 1 bytes");
    }
}

static void a_window_that_asks_for_much_memory_is_taken_of_files_alone(void **state)
{
    (void)state;
    size_t size = (size_t)9 << 20, room = ZSTD_compressBound(size);
    Str zeros = {arena_alloc(&arena, size, 1), size}, read;
    char *to = arena_raw(&arena, room, 1), path[] = "/tmp/assay_window_XXXXXX";
    Error err = {0};
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_inBuffer in = {zeros.data, 1, 0};
    ZSTD_outBuffer out = {to, room, 0};
    (void)ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 24);
    /* By pieces, so that its size is not known beforehand and the window stays what it was. */
    (void)ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue);
    in.size = size;
    assert_int_equal(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
    (void)ZSTD_freeCCtx(c);
    refuses((Str){to, out.pos}, 0, STATUS_FORMAT, "cannot be unpacked");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(file_write(path, (Str){to, out.pos}, &err), STATUS_OK);
    assert_int_equal(file_read_unpacked(&read, &arena, path, 0, &err), STATUS_OK);
    assert_true(str_equal(read, zeros));
    (void)unlink(path);
}

static void a_bomb_is_refused_unless_it_is_asked_for(void **state)
{
    (void)state;
    size_t size = UNPACK_LEAST + 1;
    Str zeros = {arena_alloc(&arena, size, 1), size}, out;
    Str bombs[] = {gzipped(zeros), zstandard(zeros)};
    for (size_t i = 0; i < 2; i++) {
        Error err = {0};
        assert_true(bombs[i].size * UNPACK_RATIO < size);
        refuses(bombs[i], 0, STATUS_LIMIT, "unpacks to more than 67108864 bytes");
        assert_int_equal(unpack(&out, &arena, bombs[i], size, "f", &err), STATUS_OK);
        assert_int_equal(out.size, size);
    }
}

static void patterns_give_paths_by_their_bytes(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay_glob_XXXXXX";
    assert_non_null(mkdtemp(folder));
    Error err = {0};
    const char *const names[] = {"b.csv", "a.csv", "B.csv", "c.txt", "x[1].csv"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(file_write(path_join(&arena, folder, names[i]), S("x"), &err), STATUS_OK);
    const char **path;
    assert_int_equal(file_glob(&path, &arena, path_join(&arena, folder, "?.csv")), 3);
    assert_string_equal(path[0], path_join(&arena, folder, "B.csv"));
    assert_string_equal(path[1], path_join(&arena, folder, "a.csv"));
    assert_string_equal(path[2], path_join(&arena, folder, "b.csv"));
    const char *exact = path_join(&arena, folder, "x[1].csv"); /* a file of that very name */
    assert_int_equal(file_glob(&path, &arena, exact), 1);
    assert_string_equal(path[0], exact);
    const char *none = path_join(&arena, folder, "z*.csv");
    assert_int_equal(file_glob(&path, &arena, none), 1);
    assert_string_equal(path[0], none);
    assert_int_equal(file_glob(&path, &arena, "-"), 1);
    assert_string_equal(path[0], "-");
    assert_true(file_is_regular(exact));
    assert_false(file_is_regular(folder));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(unlink(path_join(&arena, folder, names[i])), 0);
    assert_int_equal(rmdir(folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_packed_comes_out_whole),
        TEST(every_cut_is_seen),
        TEST(damage_is_seen),
        TEST(the_bound_holds_to_the_byte),
        TEST(a_window_that_asks_for_much_memory_is_taken_of_files_alone),
        TEST(a_bomb_is_refused_unless_it_is_asked_for),
        TEST(patterns_give_paths_by_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
