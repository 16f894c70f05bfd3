/* auth.h - who asks, and what they may ask for.
 *
 * JWT (RS256, ES256; RFC 7519) against a JWKS file that is read again when it changes, hashed API
 * keys for small installs, or nobody at all where the service listens on loopback alone. Rate
 * limits by caller. Nothing here logs a token, and a refusal never says which part of it was wrong
 * to the caller beyond a stable code.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/base.h"

typedef enum AuthKind { AUTH_NONE, AUTH_JWT, AUTH_KEYS } AuthKind;

/* What an endpoint needs; a caller has a set of them. In tokens: `scope` (texts between spaces) or
 * `scp` (the same, or a list): assay.score assay.model assay.feedback assay.data assay.jobs
 * assay.erase assay.metrics assay.pubsub. */
typedef enum AuthScope {
    SCOPE_OPEN, /* nobody need be known */
    SCOPE_SCORE,
    SCOPE_MODEL,
    SCOPE_FEEDBACK,
    SCOPE_DATA, /* customers and transactions into the database, decisions out of it */
    SCOPE_JOBS,
    SCOPE_ERASE,
    SCOPE_METRICS, /* on the main listener; the admin listener asks nobody */
    SCOPE_PUBSUB,  /* the push subscription's own identity where pubsub_jwks is set, and nobody else
                    * then; otherwise a caller with this scope */
    SCOPES
} AuthScope;
Str scope_name(AuthScope s); /* "assay.score" */
/* Bits of "score,model"; "assay." before a name may be there. FORMAT names what is none. */
MUST_USE Status scopes_read(uint32_t *bits, Str names, Error *err);

typedef struct AuthSettings {
    AuthKind kind;
    const char *jwks;     /* file; AUTH_JWT */
    Str issuer, audience; /* both must match when they are not empty */
    int64_t skew_seconds; /* of clocks; default 60 */
    const char *keys;     /* file of hashed API keys; AUTH_KEYS: lines `name sha256 scope,scope` */
    /* Pub/Sub's own tokens: Google is the issuer; audience and email must be these. */
    const char *pubsub_jwks;
    Str pubsub_audience, pubsub_email;
    double rate_per_second, rate_burst; /* by caller; 0: no limit */
    double failures_per_minute; /* credentials that are not valid, by address; 0: no limit */
    const char *hash_key; /* file with the key of auth_hash, 16 bytes at least; NULL: random */
} AuthSettings;

typedef struct Auth Auth; /* shared by threads */
/* USAGE, IO or FORMAT where settings or files are wrong: a service does not begin with them. */
MUST_USE Status auth_open(Auth **out, const AuthSettings *settings, Error *err);
void auth_close(Auth *a);
/* Read files again that have changed. A file that is half written or wrong is refused and the old
 * one stays: false, and *err says why (to be logged), once for each content. To be called every
 * second or so, by any thread.  Cost: a stat(2) for each file when nothing changed. */
bool auth_refresh(Auth *a, Error *err);

typedef struct Caller {
    char name[128];  /* sub, or the key's name; "anonymous" */
    char hash[17];   /* of the name, keyed: what logs and metrics may say */
    uint32_t scopes; /* bits, 1 << AuthScope */
} Caller;

typedef enum AuthVerdict {
    AUTH_OK,
    AUTH_MISSING,   /* 401 */
    AUTH_INVALID,   /* 401: malformed, bad signature, unknown key, wrong issuer or audience */
    AUTH_EXPIRED,   /* 401: expired, or not valid yet */
    AUTH_FORBIDDEN, /* 403: known, but without the scope */
    AUTH_LIMITED    /* 429: too many requests; *retry_seconds is set */
} AuthVerdict;

/* authorization: the header's value, or empty; api_key: of X-API-Key, or empty. now_us: wall clock;
 * monotonic_us: for rates. *out is "anonymous" unless somebody was known (OK, FORBIDDEN, LIMITED).
 * Cost: SHA-256 of the token when it was seen before, else its signature's verification
 * (docs/access.md has both). */
AuthVerdict auth_check(Auth *a, Caller *out, int *retry_seconds, AuthScope needed,
                       Str authorization, Str api_key, int64_t now_us, int64_t monotonic_us);

/* How often an address may fail, for who guesses has no name. address: its bytes, or those of its
 * network. False: it has failed so often that nothing of it is to be looked at; *retry_seconds is
 * set. Where no limit is set, always true. */
bool auth_may_try(Auth *a, Str address, int64_t monotonic_us, int *retry_seconds);
void auth_failed(Auth *a, Str address, int64_t monotonic_us); /* auth_check said INVALID */

/* One line for a keys file: the key (to be handed over once) and its hashed line.  Memory: keep. */
MUST_USE Status auth_make_key(Str *key, Str *line, Arena *keep, Str name, uint32_t scopes,
                              Error *err);

/* A keyed hash of an identifier, for logs: the first 16 hexadecimal digits of its HMAC-SHA-256. The
 * key is random for each process unless one is given. */
void auth_hash(char out[17], const Auth *a, Str identifier);

#endif
