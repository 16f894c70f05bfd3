/* certificate.c - what the service shows who speaks TLS, looked at before anybody calls: GnuTLS
 * says of a bad pair only that the server could not start. */
#include "serve/serve_internal.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

enum { PEM_BYTES_MAX = 1 << 20 };

static Status read_pem(BIO **out, Arena *keep, const char *what, const char *path, Error *err)
{
    Str text;
    TRY(file_read(&text, keep, path, err));
    if (text.size > PEM_BYTES_MAX)
        return error_set(err, STATUS_FORMAT, "%s: a %s has no more than 1 MB", path, what);
    *out = BIO_new_mem_buf(text.data, (int)text.size);
    return *out != NULL ? STATUS_OK : error_set(err, STATUS_IO, "no memory for %s", path);
}

static Status unfit(Error *err, const char *path, const char *problem, const char *remedy)
{
    (void)error_set(err, STATUS_FORMAT, "tls: %s: %s", path, problem);
    return error_remedy(err, "%s", remedy);
}

static Status judge(const ServeSettings *s, X509 *certificate, EVP_PKEY *key, Error *err)
{
    if (certificate == NULL)
        return unfit(err, s->tls_certificate, "no certificate can be read from it",
                     "give a PEM file: the service's own certificate first, then its chain");
    if (key == NULL)
        return unfit(err, s->tls_key, "no private key can be read from it",
                     "give a PEM file without a password");
    if (X509_check_private_key(certificate, key) != 1)
        return unfit(err, s->tls_key, "this key is not that of the certificate",
                     "give the key that the certificate was asked for with");
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return unfit(err, s->tls_certificate, "the certificate has expired",
                     "put a new one in its place; a running service takes it at its next start");
    return STATUS_OK;
}

/* No password is asked for on a terminal. */
static int no_password(char *buffer, int size, int writes, void *context)
{
    (void)buffer;
    (void)size;
    (void)writes;
    (void)context;
    return 0;
}

Status certificate_check(const ServeSettings *s, Error *err)
{
    BIO *certificate_file = NULL, *key_file = NULL;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    if (s->tls_certificate == NULL)
        return STATUS_OK;
    Arena own = arena_new();
    Status status = read_pem(&certificate_file, &own, "certificate", s->tls_certificate, err);
    if (status == STATUS_OK)
        status = read_pem(&key_file, &own, "key", s->tls_key, err);
    if (status == STATUS_OK) {
        certificate = PEM_read_bio_X509(certificate_file, NULL, no_password, NULL);
        key = PEM_read_bio_PrivateKey(key_file, NULL, no_password, NULL);
        status = judge(s, certificate, key, err);
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    BIO_free(key_file);
    BIO_free(certificate_file);
    arena_free(&own);
    return status;
}
