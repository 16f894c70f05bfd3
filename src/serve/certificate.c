/* certificate.c - what the service shows who speaks TLS: looked at before anybody calls, for GnuTLS
 * says of a bad pair only that it is one; and read again when its files change, for certificates
 * live for weeks and services for months. A connection keeps the pair that it began with. */
#include "serve/serve_internal.h"

#include <gnutls/gnutls.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_BYTES_MAX = 1 << 20 };

struct Pair {
    gnutls_certificate_credentials_t credentials;
    atomic_size_t holders;
};

struct Certificates {
    const ServeSettings *settings;
    pthread_mutex_t lock, reading; /* of now; of the files and their mark */
    Pair *now;
    uint64_t
        mark; /* of the files' bytes when they were last looked at, good or bad; 0: unreadable */
};

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
                     "put a new one in its place; a running service takes it by itself");
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

static Status look_at(const ServeSettings *s, Str certificate_pem, Str key_pem, Error *err)
{
    BIO *certificate_file = BIO_new_mem_buf(certificate_pem.data, (int)certificate_pem.size);
    BIO *key_file = BIO_new_mem_buf(key_pem.data, (int)key_pem.size);
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    Status status;
    if (certificate_file != NULL && key_file != NULL) {
        certificate = PEM_read_bio_X509(certificate_file, NULL, no_password, NULL);
        key = PEM_read_bio_PrivateKey(key_file, NULL, no_password, NULL);
        status = judge(s, certificate, key, err);
    } else
        status = error_set(err, STATUS_IO, "no memory for a certificate");
    EVP_PKEY_free(key);
    X509_free(certificate);
    BIO_free(key_file);
    BIO_free(certificate_file);
    return status;
}

static void pair_free(Pair *p)
{
    if (p->credentials != NULL)
        gnutls_certificate_free_credentials(p->credentials);
    free(p);
}

/* The whole chain, as GnuTLS reads it. */
static Status pair_new(Pair **out, const ServeSettings *s, Str certificate, Str key, Error *err)
{
    Pair *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set(err, STATUS_IO, "no memory for a certificate");
    atomic_store(&p->holders, 1); /* the service */
    gnutls_datum_t pem[] = {
        {(unsigned char *)(uintptr_t)certificate.data, (unsigned)certificate.size},
        {(unsigned char *)(uintptr_t)key.data, (unsigned)key.size}};
    int code = gnutls_certificate_allocate_credentials(&p->credentials);
    if (code >= 0)
        code = gnutls_certificate_set_x509_key_mem2(p->credentials, &pem[0], &pem[1],
                                                    GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code >= 0) {
        *out = p;
        return STATUS_OK;
    }
    pair_free(p);
    return unfit(err, s->tls_certificate, gnutls_strerror(code),
                 "give PEM files: the service's own certificate and its chain, and their key");
}

static Status read_pem(Str *out, Arena *keep, const char *what, const char *path, Error *err)
{
    TRY(file_read(out, keep, path, err));
    if (out->size > PEM_BYTES_MAX)
        return error_set(err, STATUS_FORMAT, "%s: a %s has no more than 1 MB", path, what);
    return STATUS_OK;
}

static Status read_both(Str pem[2], Arena *own, const ServeSettings *s, Error *err)
{
    TRY(read_pem(&pem[0], own, "certificate", s->tls_certificate, err));
    return read_pem(&pem[1], own, "key", s->tls_key, err);
}

/* *out NULL and OK: the files are those that were looked at last, or still cannot be read. */
static Status pair_read(Pair **out, Certificates *c, Error *err)
{
    Str pem[2] = {{0}};
    Arena own = arena_new();
    Status status = read_both(pem, &own, c->settings, err);
    uint64_t mark = status == STATUS_OK ? hash64(pem[1], hash64(pem[0], 1)) : 0;
    bool same = c->now != NULL && mark == c->mark;
    c->mark = mark;
    if (!same && status == STATUS_OK)
        status = look_at(c->settings, pem[0], pem[1], err);
    if (!same && status == STATUS_OK)
        status = pair_new(out, c->settings, pem[0], pem[1], err);
    explicit_bzero((char *)(uintptr_t)pem[1].data, pem[1].size);
    arena_free(&own);
    return same ? STATUS_OK : status;
}

Status certificates_refresh(Certificates *c, bool *fresh, Error *err)
{
    Pair *new_one = NULL, *old = NULL;
    (void)pthread_mutex_lock(&c->reading);
    Status status = pair_read(&new_one, c, err);
    *fresh = new_one != NULL;
    if (*fresh) {
        (void)pthread_mutex_lock(&c->lock);
        old = c->now;
        c->now = new_one;
        (void)pthread_mutex_unlock(&c->lock);
    }
    (void)pthread_mutex_unlock(&c->reading);
    pair_drop(old);
    return status;
}

Status certificates_open(Certificates **out, const ServeSettings *s, Error *err)
{
    bool fresh;
    if (s->tls_certificate == NULL)
        return STATUS_OK;
    Certificates *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set(err, STATUS_IO, "no memory for a certificate");
    c->settings = s;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_mutex_init(&c->reading, NULL);
    Status status = certificates_refresh(c, &fresh, err);
    if (status == STATUS_OK)
        *out = c;
    else
        certificates_close(c);
    return status;
}

void certificates_close(Certificates *c)
{
    if (c == NULL)
        return;
    pair_drop(c->now);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_mutex_destroy(&c->reading);
    free(c);
}

Pair *pair_take(Certificates *c)
{
    (void)pthread_mutex_lock(&c->lock);
    Pair *p = c->now;
    (void)atomic_fetch_add(&p->holders, 1);
    (void)pthread_mutex_unlock(&c->lock);
    return p;
}

void pair_drop(Pair *p)
{
    if (p != NULL && atomic_fetch_sub(&p->holders, 1) == 1)
        pair_free(p);
}

bool pair_show(const Pair *p, void *tls_session)
{
    return gnutls_credentials_set(tls_session, GNUTLS_CRD_CERTIFICATE, p->credentials) ==
           GNUTLS_E_SUCCESS;
}
