/* Keys for small installs. The file holds SHA-256 of each key: a key is 256 random bits, so there
 * is nothing to guess that a slow hash would have to protect. */
#include "auth/auth_internal.h"

#include <openssl/rand.h>
#include <string.h>

enum { KEY_NAME_MAX = 64, KEY_BYTES = 32 };
#define KEY_MARK "assay_" /* so that a scanner for secrets knows one when it sees it */

static bool name_good(Str name)
{
    if (name.size == 0 || name.size > KEY_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

/* The next word of the line, after blanks. */
static Str word(Str *line)
{
    size_t from = 0, to;
    while (from < line->size && (line->data[from] == ' ' || line->data[from] == '\t'))
        from++;
    for (to = from; to < line->size && line->data[to] != ' ' && line->data[to] != '\t';)
        to++;
    Str w = str_slice(*line, from, to);
    *line = str_slice(*line, to, line->size);
    return w;
}

static bool sum_read(uint8_t out[SHA256_BYTES], Str hex)
{
    if (hex.size != (size_t)SHA256_BYTES * 2)
        return false;
    for (size_t i = 0; i < hex.size; i++) {
        char c = hex.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return true;
}

Status scopes_read(uint32_t *bits, Str names, Error *err)
{
    *bits = 0;
    for (size_t from = 0, i = 0; i <= names.size; i++) {
        if (i < names.size && names.data[i] != ',')
            continue;
        Str name = str_slice(names, from, i);
        uint32_t bit = 0;
        for (AuthScope s = SCOPE_OPEN + 1; s < SCOPES; s++) {
            Str whole = scope_name(s); /* with or without "assay." */
            if (str_equal(name, whole) ||
                str_equal(name, str_slice(whole, S("assay.").size, whole.size)))
                bit = 1U << s;
        }
        if (bit == 0) {
            (void)error_set(err, STATUS_FORMAT, "there is no scope `%.*s`", STR_ARG(name));
            return error_remedy(err, "scopes are score, model, feedback, data, jobs, erase, "
                                     "metrics and pubsub, with commas between them");
        }
        *bits |= bit;
        from = i + 1;
    }
    return STATUS_OK;
}

static Status add(Keys *k, Str line, int64_t number, Error *err)
{
    HashedKey new = {.name = word(&line)};
    Str sum = word(&line), scopes = word(&line), rest = word(&line);
    if (!name_good(new.name) || !sum_read(new.sha256, sum) || scopes.size == 0 || rest.size > 0) {
        (void)error_set(err, STATUS_FORMAT,
                        "a line is a name, the SHA-256 of a key, and scopes with commas");
        (void)error_remedy(err, "`assay key new` prints the line of a new key");
        return error_place(err, NULL, number, 0);
    }
    if (scopes_read(&new.scopes, scopes, err) != STATUS_OK)
        return error_place(err, NULL, number, 0);
    for (size_t i = 0; i < k->hashed_keys; i++)
        if (memcmp(k->hashed[i].sha256, new.sha256, SHA256_BYTES) == 0) {
            (void)error_set(err, STATUS_FORMAT, "the same key stands here twice");
            return error_place(err, NULL, number, 0);
        }
    if (k->hashed_keys == HASHED_KEYS_MAX) {
        (void)error_set(err, STATUS_LIMIT, "a file has %d keys at most", HASHED_KEYS_MAX);
        return error_remedy(err, "use tokens of an identity provider instead");
    }
    new.name = str_copy(&k->arena, new.name);
    k->hashed[k->hashed_keys++] = new;
    return STATUS_OK;
}

Status keys_read_hashed(Keys *k, Str text, Error *err)
{
    int64_t number = 0;
    k->hashed = ARENA_ARRAY(&k->arena, HashedKey, HASHED_KEYS_MAX);
    if (text.size > 0 && text.data[text.size - 1] != '\n') {
        /* A line without its end may be half of one. */
        (void)error_set(err, STATUS_FORMAT, "the last line has no end: the file is not whole");
        return error_remedy(err, "write it beside its name and rename it into place");
    }
    for (size_t from = 0, i = 0; i < text.size; i++)
        if (text.data[i] == '\n') {
            Str line = str_trim(str_slice(text, from, i));
            number++;
            from = i + 1;
            if (line.size > 0 && line.data[0] != '#')
                TRY(add(k, line, number, err));
        }
    if (k->hashed_keys == 0) {
        (void)error_set(err, STATUS_FORMAT, "the file holds no key");
        return error_remedy(err, "`assay key new` prints the line of a new key");
    }
    return STATUS_OK;
}

Status auth_make_key(Str *key, Str *line, Arena *keep, Str name, uint32_t scopes, Error *err)
{
    uint8_t random[KEY_BYTES];
    char sum[SHA256_TEXT];
    if (!name_good(name)) {
        (void)error_set(
            err, STATUS_USAGE,
            "the name of a key is 1 to 64 letters, digits, dots, dashes or underscores");
        return error_remedy(err, "name who will use it: --name back-office");
    }
    if (scopes == 0)
        return error_set(err, STATUS_USAGE, "a key without a scope opens nothing");
    if (RAND_bytes(random, sizeof random) != 1)
        return error_set(err, STATUS_IO, "the system gives no random bytes");
    Str digits = base64url_encode(keep, random, sizeof random);
    *key = str_format(keep, KEY_MARK "%.*s", STR_ARG(digits));
    sha256_text(sum, *key);
    Buffer out = buffer_new(keep);
    buffer_format(&out, "%.*s %s ", STR_ARG(name), sum);
    bool first = true;
    for (AuthScope s = SCOPE_OPEN + 1; s < SCOPES; s++)
        if ((scopes & 1U << s) != 0) {
            Str whole = scope_name(s);
            buffer_add(&out, first ? S("") : S(","));
            buffer_add(&out, str_slice(whole, S("assay.").size, whole.size));
            first = false;
        }
    *line = buffer_str(&out);
    return STATUS_OK;
}
