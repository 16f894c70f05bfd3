/* Files of keys: what they may hold, and that those who verify never stand without keys while the
 * files are written anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/made_up_tokens.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

static EVP_PKEY *first, *second, *curve;

#define CLAIMS S("{\"sub\":\"a\",\"exp\":1700000600,\"scope\":\"assay.score\"}")

static int set_up(void **state)
{
    (void)state;
    if (begin_made_up() != 0)
        return -1;
    first = new_rsa();
    second = new_rsa();
    curve = new_p256();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    EVP_PKEY_free(curve);
    remove_file("jwks.json");
    remove_file("keys");
    return end_made_up();
}

static Str set_of(EVP_PKEY *key, const char *kid)
{
    Str jwk = jwk_of(key, kid, "");
    return set_of_keys(&jwk, 1);
}

static Auth *open_tokens(Str set)
{
    Auth *a = NULL;
    Error err = {0};
    put_file(path_of("jwks.json"), set);
    AuthSettings s = {.kind = AUTH_JWT, .jwks = path_of("jwks.json").data, .skew_seconds = 60};
    if (auth_open(&a, &s, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return a;
}

static AuthVerdict verdict_of(Auth *a, Str token)
{
    Caller caller;
    return ask(a, &caller, SCOPE_SCORE, token, NOW_US);
}

/* As a careless writer does it: into the file itself. */
static void write_in_place(const char *name, Str text, size_t size)
{
    FILE *f = fopen(path_of(name).data, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void make_old(const char *name)
{
    struct timespec at[2] = {{time(NULL) - 100, 0}, {time(NULL) - 100, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path_of(name).data, at, 0), 0);
}

static void a_set_that_is_wrong_says_which_key(void **state)
{
    (void)state;
    Str good = jwk_of(first, "r1", ""), p = jwk_of(curve, "e1", "");
    Str n = number_text(first, OSSL_PKEY_PARAM_RSA_N, 0);
    const struct {
        const char *set;
        const char *says; /* NULL: taken */
    } of[] = {
        {"", "not whole JSON"},
        {"{\"keys\":[", "not whole JSON"},
        {"[]", "a list `keys`"},
        {"{}", "a list `keys`"},
        {"{\"keys\":{}}", "a list `keys`"},
        {"{\"keys\":[]}", "no key of the set"},
        {"{\"keys\":[1]}", "key 1 of the set: it is an object"},
        {"{\"keys\":[{}]}", "key 1 of the set: it is an object with a `kty`"},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", "no key of the set"},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}",
         "no key of the set"},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
         "43 characters"},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
         "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
         "no point of P-256"},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", "2048 to 8192 bits"},
        {"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", "2048 to 8192 bits"},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"A+/=\",\"e\":\"AQAB\"}]}", "base64url"},
        {str_format(&arena, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQ\"}]}", n.data)
             .data,
         "above 1"},
        {str_format(&arena, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAA\"}]}", n.data)
             .data,
         "are odd"},
        {str_format(&arena, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"\"}]}", n.data).data,
         "base64url"},
        {str_format(&arena, "{\"keys\":[%s,%s]}", good.data, good.data).data, "the same `kid`"},
        {str_format(&arena, "{\"keys\":[%s,%s]}", good.data, p.data).data, NULL},
        {set_of_keys((Str[]){jwk_of(first, "r1", ",\"use\":\"enc\"")}, 1).data,
         "no key of the set"},
        {set_of_keys((Str[]){jwk_of(first, "r1", ",\"alg\":\"RS512\"")}, 1).data,
         "no key of the set"},
        {set_of_keys((Str[]){jwk_of(first, "r1", ",\"key_ops\":[\"encrypt\"]")}, 1).data,
         "no key of the set"},
        {set_of_keys((Str[]){jwk_of(first, "r1", ",\"key_ops\":[\"verify\"]")}, 1).data, NULL},
        {set_of_keys((Str[]){jwk_of(first, "r1", ",\"d\":\"AA\"")}, 1).data, "a private key"},
        {set_of_keys((Str[]){jwk_of(first, "r1", ",\"kid\":\"r2\"")}, 1).data,
         "stands there twice"},
        {set_of_keys((Str[]){jwk_of(first, "", "")}, 1).data, "its `kid`"},
        {set_of_keys((Str[]){jwk_of(first, NULL, "")}, 1).data, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        Keys *k = keys_new();
        Error err = {0};
        Status status = keys_read_jwks(k, str_from(of[i].set), &err);
        if ((of[i].says == NULL) != (status == STATUS_OK) ||
            (of[i].says != NULL && strstr(err.message, of[i].says) == NULL))
            fail_msg("set %zu: %s", i, err.message);
        keys_free(k);
    }
}

static void every_cut_of_a_set_is_refused(void **state)
{
    (void)state;
    Str jwk[] = {jwk_of(first, "r1", ""), jwk_of(curve, "e1", "")};
    Str set = str_trim(set_of_keys(jwk, COUNT_OF(jwk)));
    for (size_t size = 0; size < set.size; size++) {
        Keys *k = keys_new();
        Error err = {0};
        assert_int_equal(keys_read_jwks(k, str_slice(set, 0, size), &err), STATUS_FORMAT);
        keys_free(k);
    }
}

static void new_keys_take_over_and_old_ones_are_forgotten(void **state)
{
    (void)state;
    Auth *a = open_tokens(set_of(first, "k1"));
    Error err = {0};
    Str old = token_of(first, header_of(first, "k1"), CLAIMS);
    Str new = token_of(second, header_of(second, "k2"), CLAIMS);
    assert_int_equal(verdict_of(a, old), AUTH_OK);
    assert_int_equal(verdict_of(a, old), AUTH_OK); /* seen before */
    assert_int_equal(verdict_of(a, new), AUTH_INVALID);
    put_file(path_of("jwks.json"), set_of(second, "k2"));
    assert_true(auth_refresh(a, &err));
    assert_int_equal(verdict_of(a, new), AUTH_OK);
    /* the cache does not outlive the key */
    assert_int_equal(verdict_of(a, old), AUTH_INVALID);
    /* the same key id with another key behind it */
    put_file(path_of("jwks.json"), set_of(first, "k2"));
    assert_true(auth_refresh(a, &err));
    assert_int_equal(verdict_of(a, new), AUTH_INVALID);
    auth_close(a);
}

static void a_file_that_is_not_whole_leaves_the_old_keys(void **state)
{
    (void)state;
    Str set = set_of(first, "k1"), other = set_of(second, "k2");
    Auth *a = open_tokens(set);
    Str token = token_of(first, header_of(first, "k1"), CLAIMS);
    for (size_t size = 0; size < other.size - 2; size += size / 2 + 1) {
        Error err = {0};
        write_in_place("jwks.json", other, size);
        assert_false(auth_refresh(a, &err));
        assert_string_not_equal(err.message, "");
        assert_string_equal(err.file, path_of("jwks.json").data);
        assert_null(strstr(err.message, "AQAB"));
        err = (Error){0};
        assert_true(auth_refresh(a, &err)); /* said once */
        assert_int_equal(verdict_of(a, token), AUTH_OK);
    }
    Error err = {0};
    remove_file("jwks.json");
    assert_false(auth_refresh(a, &err));
    err = (Error){0};
    assert_true(auth_refresh(a, &err));
    assert_int_equal(verdict_of(a, token), AUTH_OK);
    assert_int_equal(mkdir(path_of("jwks.json").data, 0700), 0);
    (void)auth_refresh(a, &err);
    assert_int_equal(verdict_of(a, token), AUTH_OK);
    assert_int_equal(rmdir(path_of("jwks.json").data), 0);
    assert_int_equal(mkfifo(path_of("jwks.json").data, 0600), 0); /* must not be waited for */
    (void)auth_refresh(a, &err);
    assert_int_equal(verdict_of(a, token), AUTH_OK);
    remove_file("jwks.json");
    put_file(path_of("jwks.json"), other);
    err = (Error){0};
    assert_true(auth_refresh(a, &err));
    assert_int_equal(verdict_of(a, token), AUTH_INVALID);
    auth_close(a);
}

/* Within one tick of the file system's clock a file can change and look the same. */
static void a_file_of_the_same_look_is_read_while_it_is_young(void **state)
{
    (void)state;
    Str a_set = set_of(first, "k1"), b_set = set_of(second, "k1");
    Error err = {0};
    assert_int_equal(a_set.size, b_set.size);
    Auth *a = open_tokens(a_set);
    struct stat info;
    assert_int_equal(stat(path_of("jwks.json").data, &info), 0);
    write_in_place("jwks.json", b_set, b_set.size);
    struct timespec at[2] = {info.st_mtim, info.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path_of("jwks.json").data, at, 0), 0);
    assert_true(auth_refresh(a, &err));
    assert_int_equal(verdict_of(a, token_of(second, header_of(second, "k1"), CLAIMS)), AUTH_OK);
    auth_close(a);
}

/* What mounts secrets swaps a link; the times of the new file may be those of the old. */
static void another_inode_is_another_file(void **state)
{
    (void)state;
    Error err = {0};
    put_file(path_of("one"), set_of(first, "k1"));
    put_file(path_of("two"), set_of(second, "k1"));
    make_old("one");
    make_old("two");
    remove_file("jwks.json");
    assert_int_equal(symlink("one", path_of("jwks.json").data), 0);
    Auth *a;
    AuthSettings s = {.kind = AUTH_JWT, .jwks = path_of("jwks.json").data, .skew_seconds = 60};
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    assert_int_equal(symlink("two", path_of("link").data), 0);
    assert_int_equal(rename(path_of("link").data, path_of("jwks.json").data), 0);
    assert_true(auth_refresh(a, &err));
    assert_int_equal(verdict_of(a, token_of(second, header_of(second, "k1"), CLAIMS)), AUTH_OK);
    auth_close(a);
    remove_file("one");
    remove_file("two");
    remove_file("jwks.json");
}

static void the_same_keys_written_again_keep_the_cache(void **state)
{
    (void)state;
    Str set = set_of(first, "k1");
    Error err = {0};
    KeyFile f;
    put_file(path_of("jwks.json"), set);
    assert_int_equal(key_file_open(&f, path_of("jwks.json").data, keys_read_jwks, NULL, &err),
                     STATUS_OK);
    uint64_t generation = f.now->generation;
    put_file(path_of("jwks.json"), set);
    assert_int_equal(key_file_refresh(&f, &err), STATUS_OK);
    assert_int_equal(f.now->generation, generation);
    put_file(path_of("jwks.json"), set_of(second, "k1"));
    assert_int_equal(key_file_refresh(&f, &err), STATUS_OK);
    assert_int_not_equal(f.now->generation, generation);
    key_file_close(&f);
}

static void a_service_does_not_begin_without_keys(void **state)
{
    (void)state;
    Auth *a;
    AuthSettings s = {.kind = AUTH_JWT, .jwks = path_of("nothing").data};
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_IO);
    s.jwks = folder;
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_IO);
    s.jwks = NULL;
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_USAGE);
    s.kind = AUTH_KEYS;
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_USAGE);
    put_file(path_of("keys"), S("# none\n"));
    s.keys = path_of("keys").data;
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_FORMAT);
    s = (AuthSettings){.kind = AUTH_NONE, .skew_seconds = -1};
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_USAGE);
}

/* ---- while others verify ---- */

typedef struct Turning {
    Auth *auth;
    Str mine[3]; /* mine: signed by the key that all sets hold */
    Str gone;    /* signed by a key that one of two sets holds */
    atomic_bool stop;
    atomic_size_t asked, wrong, gone_known, gone_unknown;
} Turning;

static void *verify(void *argument)
{
    Turning *t = argument;
    Caller caller;
    int retry;
    for (size_t i = 0; !atomic_load(&t->stop) || i < 3; i++) {
        if (auth_check(t->auth, &caller, &retry, SCOPE_SCORE, t->mine[i % 3], (Str){0}, NOW_US,
                       0) != AUTH_OK)
            (void)atomic_fetch_add(&t->wrong, 1);
        AuthVerdict v =
            auth_check(t->auth, &caller, &retry, SCOPE_SCORE, t->gone, (Str){0}, NOW_US, 0);
        (void)atomic_fetch_add(v == AUTH_OK ? &t->gone_known : &t->gone_unknown, 1);
        (void)atomic_fetch_add(&t->asked, 1);
    }
    return NULL;
}

static Str bearer_of(EVP_PKEY *key, const char *kid, int n)
{
    Str claims =
        str_format(&arena, "{\"sub\":\"a%d\",\"exp\":1700000600,\"scope\":\"assay.score\"}", n);
    return str_format(&arena, "Bearer %s", token_of(key, header_of(key, kid), claims).data);
}

static void keys_are_replaced_under_those_who_verify(void **state)
{
    (void)state;
    Str stays = jwk_of(curve, "e1", ""), goes = jwk_of(first, "k1", "");
    Str with = set_of_keys((Str[]){stays, goes}, 2), without = set_of_keys(&stays, 1);
    Turning t = {
        .auth = open_tokens(with),
        .mine = {bearer_of(curve, "e1", 0), bearer_of(curve, "e1", 1), bearer_of(curve, "e1", 2)},
        .gone = bearer_of(first, "k1", 0)};
    pthread_t thread[4];
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, verify, &t), 0);
    for (int round = 0; round < 60; round++) {
        Error err = {0};
        Str set = round % 2 == 0 ? without : with;
        write_in_place("jwks.json", set, set.size / 2); /* half written, and then emptied */
        (void)auth_refresh(t.auth, &err);
        write_in_place("jwks.json", set, 0);
        (void)auth_refresh(t.auth, &err);
        put_file(path_of("jwks.json"), set);
        err = (Error){0};
        assert_true(auth_refresh(t.auth, &err));
        /* From here on the key that went is known to nobody. */
        Caller caller;
        int retry;
        assert_int_equal(
            auth_check(t.auth, &caller, &retry, SCOPE_SCORE, t.gone, (Str){0}, NOW_US, 0),
            round % 2 == 0 ? AUTH_INVALID : AUTH_OK);
    }
    atomic_store(&t.stop, true);
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        (void)pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&t.wrong), 0);
    assert_true(atomic_load(&t.asked) > 12);
    auth_close(t.auth);
}

/* ---- API keys ---- */

static AuthVerdict with_key(Auth *a, Caller *caller, AuthScope scope, const char *authorization,
                            const char *key)
{
    int retry;
    return auth_check(a, caller, &retry, scope, str_from(authorization), str_from(key), NOW_US, 0);
}

static void an_api_key_opens_what_its_line_says(void **state)
{
    (void)state;
    Error err = {0};
    Str key, line, other, other_line;
    Auth *a;
    Caller caller;
    uint32_t scopes;
    assert_int_equal(scopes_read(&scopes, S("score,assay.model"), &err), STATUS_OK);
    assert_int_equal(auth_make_key(&key, &line, &arena, S("back-office"), scopes, &err), STATUS_OK);
    assert_int_equal(auth_make_key(&other, &other_line, &arena, S("jobs"), 1U << SCOPE_JOBS, &err),
                     STATUS_OK);
    assert_int_equal(key.size, 49);
    assert_true(str_starts(line, S("back-office ")));
    assert_true(str_contains(line, S(" score,model")));
    assert_false(str_contains(line, key));
    assert_false(str_equal(key, other));
    put_file(path_of("keys"),
             str_format(&arena, "# who may ask\n\n%s\n  %s  \n", line.data, other_line.data));
    AuthSettings s = {.kind = AUTH_KEYS, .keys = path_of("keys").data};
    assert_int_equal(auth_open(&a, &s, &err), STATUS_OK);
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", key.data), AUTH_OK);
    assert_string_equal(caller.name, "back-office");
    char hash[17];
    auth_hash(hash, a, S("back-office"));
    assert_string_equal(caller.hash, hash);
    Str header = str_format(&arena, "Bearer %s", key.data);
    assert_int_equal(with_key(a, &caller, SCOPE_MODEL, header.data, ""), AUTH_OK);
    assert_int_equal(with_key(a, &caller, SCOPE_JOBS, "", key.data), AUTH_FORBIDDEN);
    assert_int_equal(with_key(a, &caller, SCOPE_JOBS, "", other.data), AUTH_OK);
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", ""), AUTH_MISSING);
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", "assay_"), AUTH_INVALID);
    assert_string_equal(caller.name, "anonymous");
    /* what the file holds opens nothing */
    Str sum = str_slice(line, 12, 12 + 64);
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", str_copy(&arena, sum).data),
                     AUTH_INVALID);
    for (size_t i = 0; i < key.size; i++) {
        char *bytes = arena_copy(&arena, key.data, key.size + 1);
        bytes[i] = bytes[i] == 'x' ? 'y' : 'x';
        assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", bytes), AUTH_INVALID);
    }
    /* a key that was taken out is known no more; half a line changes nothing */
    write_in_place("keys", str_format(&arena, "%s\n%s", other_line.data, line.data),
                   other_line.size + 40);
    err = (Error){0};
    assert_false(auth_refresh(a, &err));
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", key.data), AUTH_OK);
    put_file(path_of("keys"), str_format(&arena, "%s\n", other_line.data));
    assert_true(auth_refresh(a, &err));
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", key.data), AUTH_INVALID);
    assert_string_equal(caller.hash, "");
    assert_int_equal(with_key(a, &caller, SCOPE_JOBS, "", other.data), AUTH_OK);
    auth_hash(hash, a, S("jobs"));
    assert_string_equal(caller.hash, hash);
    auth_close(a);
}

static void nobody_is_hashed_as_anonymous(void **state)
{
    (void)state;
    Auth *a;
    Caller caller;
    char hash[17];
    AuthSettings s = {.kind = AUTH_NONE};
    assert_int_equal(auth_open(&a, &s, &(Error){0}), STATUS_OK);
    assert_int_equal(with_key(a, &caller, SCOPE_SCORE, "", ""), AUTH_OK);
    assert_string_equal(caller.name, "anonymous");
    auth_hash(hash, a, S("anonymous"));
    assert_string_equal(caller.hash, hash);
    auth_close(a);
}

static void a_wrong_line_is_named(void **state)
{
    (void)state;
#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    const struct {
        const char *text;
        const char *says;
        int64_t line;
    } of[] = {
        {"a " SUM " score\n", NULL, 0},
        {"a " SUM " score", "no end", 0},
        {"a " SUM "\n", "a line is", 1},
        {"# x\n\na " SUM " score more\n", "a line is", 3},
        {"a " SUM "0 score\n", "a line is", 1},
        {"a " SUM " score,\n", "no scope ``", 1},
        {"a " SUM " admin\n", "no scope `admin`", 1},
        {"a\x01 " SUM " score\n", "a line is", 1},
        {"a " SUM " score\nb " SUM " model\n", "twice", 2},
    };
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        Keys *k = keys_new();
        Error err = {0};
        Status status = keys_read_hashed(k, str_from(of[i].text), &err);
        if ((of[i].says == NULL) != (status == STATUS_OK) || err.line != of[i].line ||
            (of[i].says != NULL && strstr(err.message, of[i].says) == NULL))
            fail_msg("keys %zu: %s", i, err.message);
        keys_free(k);
    }
}

static void a_key_has_a_plain_name_and_opens_something(void **state)
{
    (void)state;
    Str key, line;
    const char *bad[] = {"", "two words", "a,b", "\xC3\xA9", "a\n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(
            auth_make_key(&key, &line, &arena, str_from(bad[i]), 1U << SCOPE_SCORE, &(Error){0}),
            STATUS_USAGE);
    assert_int_equal(auth_make_key(&key, &line, &arena, S("a"), 0, &(Error){0}), STATUS_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_that_is_wrong_says_which_key),
        cmocka_unit_test(every_cut_of_a_set_is_refused),
        cmocka_unit_test(new_keys_take_over_and_old_ones_are_forgotten),
        cmocka_unit_test(a_file_that_is_not_whole_leaves_the_old_keys),
        cmocka_unit_test(a_file_of_the_same_look_is_read_while_it_is_young),
        cmocka_unit_test(another_inode_is_another_file),
        cmocka_unit_test(the_same_keys_written_again_keep_the_cache),
        cmocka_unit_test(a_service_does_not_begin_without_keys),
        cmocka_unit_test(keys_are_replaced_under_those_who_verify),
        cmocka_unit_test(an_api_key_opens_what_its_line_says),
        cmocka_unit_test(nobody_is_hashed_as_anonymous),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(a_key_has_a_plain_name_and_opens_something),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
