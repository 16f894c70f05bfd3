/* key.c - keyed hashes that stand for identifiers. */
#include "telemetry/telemetry_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/random.h>

enum { KEY_LEAST = 16, KEY_MOST = 4096 };

static Status read_key(unsigned char *key, size_t *size, const char *path, Error *err)
{
    if (path == NULL) {
        *size = 32;
        return getrandom(key, *size, 0) == (ssize_t)*size
                   ? STATUS_OK
                   : error_set(err, STATUS_IO, "the system gave no random bytes for a key: %s",
                               strerror(errno));
    }
    Arena arena = arena_new();
    Str bytes;
    Status status = file_read(&bytes, &arena, path, err);
    if (status == STATUS_OK && (bytes.size < KEY_LEAST || bytes.size > KEY_MOST)) {
        error_set(err, STATUS_FORMAT, "the key of hashes must have %d to %d bytes, not %zu",
                  KEY_LEAST, KEY_MOST, bytes.size);
        error_place(err, path, 0, 0);
        status = error_remedy(err, "make one with: head -c 32 /dev/urandom > %s", path);
    }
    if (status == STATUS_OK) {
        memcpy(key, bytes.data, bytes.size);
        *size = bytes.size;
        OPENSSL_cleanse((char *)(uintptr_t)bytes.data, bytes.size);
    }
    arena_free(&arena);
    return status;
}

/* A TelemetryKey is an EVP_MAC_CTX that has its key: copied for each use, never changed. */
Status telemetry_key_open(TelemetryKey **out, const char *path, Error *err)
{
    unsigned char key[KEY_MOST];
    char digest[] = "SHA256";
    size_t size = 0;
    TRY(read_key(key, &size, path, err));
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *hash = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    const OSSL_PARAM parameter[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                    OSSL_PARAM_construct_end()};
    bool made = hash != NULL && EVP_MAC_init(hash, key, size, parameter) == 1;
    EVP_MAC_free(mac);
    OPENSSL_cleanse(key, sizeof key);
    *out = (TelemetryKey *)hash;
    return made ? STATUS_OK
                : error_set(err, STATUS_IO, "the library of hashes (libcrypto) has no HMAC-SHA256");
}

void telemetry_key_close(TelemetryKey *k)
{
    EVP_MAC_CTX_free((EVP_MAC_CTX *)k);
}

void telemetry_key_hash(char out[TELEMETRY_HASH], const TelemetryKey *k, Str identifier)
{
    unsigned char sum[32];
    size_t size = 0;
    EVP_MAC_CTX *hash = EVP_MAC_CTX_dup((const EVP_MAC_CTX *)k);
    bool done =
        hash != NULL &&
        EVP_MAC_update(hash, (const unsigned char *)identifier.data, identifier.size) == 1 &&
        EVP_MAC_final(hash, sum, &size, sizeof sum) == 1;
    EVP_MAC_CTX_free(hash);
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i + 1 < TELEMETRY_HASH; i++)
        out[i] = done ? digits[sum[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15] : '0';
    out[TELEMETRY_HASH - 1] = '\0';
}
