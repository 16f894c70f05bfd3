/* unpacking.c - gzip and zstd in both directions: bodies unpacked piece by piece as they arrive,
 * replies packed in one go. */
#include "serve/serve_internal.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* A window of 8 MiB is what RFC 9659 lets the web use; more would be memory that a stranger takes.
 */
enum { PIECE_BYTES = 1 << 16, WINDOW_LOG_MAX = 23 };

struct Unpacking {
    Encoding encoding;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    bool whole; /* the last member or frame has ended */
    char out[PIECE_BYTES];
};

Encoding encoding_of(Str name)
{
    return name.size == 0 || str_equal_fold(name, S("identity"))                  ? ENCODING_PLAIN
           : str_equal_fold(name, S("gzip")) || str_equal_fold(name, S("x-gzip")) ? ENCODING_GZIP
           : str_equal_fold(name, S("zstd"))                                      ? ENCODING_ZSTD
                                                                                  : ENCODING_OTHER;
}

Unpacking *unpacking_new(Encoding e)
{
    Unpacking *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->encoding = e;
    bool made = false;
    if (e == ENCODING_GZIP)
        made = inflateInit2(&u->gzip, 15 + 16) == Z_OK;
    else if ((u->zstd = ZSTD_createDCtx()) != NULL)
        made = !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
    if (made)
        return u;
    unpacking_free(u);
    return NULL;
}

void unpacking_free(Unpacking *u)
{
    if (u == NULL)
        return;
    if (u->encoding == ENCODING_GZIP)
        (void)inflateEnd(&u->gzip);
    (void)ZSTD_freeDCtx(u->zstd);
    free(u);
}

static Unpacked feed_gzip(Unpacking *u, Str piece, bool (*take)(void *context, Str piece),
                          void *context)
{
    z_stream *z = &u->gzip;
    z->next_in = (Bytef *)(uintptr_t)piece.data;
    z->avail_in = (uInt)piece.size;
    do {
        if (u->whole && z->avail_in > 0) { /* another member */
            if (inflateReset(z) != Z_OK)
                return UNPACKED_DAMAGED;
            u->whole = false;
        }
        z->next_out = (Bytef *)u->out;
        z->avail_out = PIECE_BYTES;
        int code = inflate(z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return UNPACKED_DAMAGED;
        Str out = {u->out, PIECE_BYTES - z->avail_out};
        u->whole = code == Z_STREAM_END;
        if (out.size > 0 && !take(context, out))
            return UNPACKED_STOPPED;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return UNPACKED_MORE;
}

static Unpacked feed_zstd(Unpacking *u, Str piece, bool (*take)(void *context, Str piece),
                          void *context)
{
    ZSTD_inBuffer in = {piece.data, piece.size, 0};
    ZSTD_outBuffer out;
    size_t left;
    do {
        out = (ZSTD_outBuffer){u->out, PIECE_BYTES, 0};
        left = ZSTD_decompressStream(u->zstd, &out, &in);
        if (ZSTD_isError(left))
            return UNPACKED_DAMAGED;
        u->whole = left == 0;
        if (out.pos > 0 && !take(context, (Str){u->out, out.pos}))
            return UNPACKED_STOPPED;
        /* A frame that has ended must not be asked for more: that would begin another. */
    } while (in.pos < in.size || (out.pos == PIECE_BYTES && left != 0));
    return UNPACKED_MORE;
}

Unpacked unpacking_feed(Unpacking *u, Str piece, bool (*take)(void *context, Str piece),
                        void *context)
{
    if (piece.size == 0)
        return UNPACKED_MORE;
    return u->encoding == ENCODING_GZIP ? feed_gzip(u, piece, take, context)
                                        : feed_zstd(u, piece, take, context);
}

uint64_t unpacking_bytes(const Unpacking *u)
{
    /* inflate has a window of 32 KiB and some tables. */
    return sizeof *u + (u->encoding == ENCODING_GZIP ? 48 << 10 : ZSTD_sizeof_DCtx(u->zstd));
}

bool unpacking_whole(const Unpacking *u)
{
    return u->whole;
}

/* ---- replies ---- */

static bool pack_gzip(Str *out, Arena *keep, Str bytes)
{
    z_stream z = {0};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&z, (uLong)bytes.size);
    char *to = arena_raw(keep, room, 1);
    z.next_in = (Bytef *)(uintptr_t)bytes.data;
    z.avail_in = (uInt)bytes.size;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)room;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    *out = (Str){to, room - z.avail_out};
    (void)deflateEnd(&z);
    return done;
}

static bool pack_zstd(Str *out, Arena *keep, Str bytes)
{
    size_t room = ZSTD_compressBound(bytes.size);
    char *to = arena_raw(keep, room, 1);
    size_t size = ZSTD_compress(to, room, bytes.data, bytes.size, 1);
    *out = (Str){to, size};
    return !ZSTD_isError(size);
}

bool packed(Str *out, Arena *keep, Encoding e, Str bytes)
{
    if (bytes.size > (size_t)1 << 30) /* zlib counts in 32 bits */
        return false;
    return e == ENCODING_GZIP   ? pack_gzip(out, keep, bytes)
           : e == ENCODING_ZSTD ? pack_zstd(out, keep, bytes)
                                : false;
}

/* "gzip;q=0" is a refusal. */
static bool refused(Str parameters)
{
    for (size_t i = 0; i + 1 < parameters.size; i++)
        if ((parameters.data[i] == 'q' || parameters.data[i] == 'Q') &&
            parameters.data[i + 1] == '=') {
            double q = 1;
            Str value = str_trim(str_slice(parameters, i + 2, parameters.size));
            return parse_double(value, &q) && q <= 0;
        }
    return false;
}

Encoding encoding_accepted(Str accept)
{
    bool gzip = false, zstd = false;
    for (size_t at = 0; at < accept.size;) {
        size_t end = at, semicolon;
        while (end < accept.size && accept.data[end] != ',')
            end++;
        Str item = str_slice(accept, at, end);
        for (semicolon = 0; semicolon < item.size && item.data[semicolon] != ';';)
            semicolon++;
        Encoding e = encoding_of(str_trim(str_slice(item, 0, semicolon)));
        if (!refused(str_slice(item, semicolon, item.size))) {
            gzip |= e == ENCODING_GZIP;
            zstd |= e == ENCODING_ZSTD;
        }
        at = end + 1;
    }
    return zstd ? ENCODING_ZSTD : gzip ? ENCODING_GZIP : ENCODING_PLAIN;
}
