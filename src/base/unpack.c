#include "base/base.h"

#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE ((size_t)1 << 30) /* fits zlib's counters */
#define FIRST ((size_t)1 << 16)
/* Logarithms of zstd's windows, which are memory that the sender of the bytes asks for: 8 MiB, what
 * RFC 9659 lets the web use, and what zstd itself takes of files. */
enum { WINDOW_WEB = 23, WINDOW_FILE = 27 };

/* What has come out so far, at the end of the arena, so that it grows in place. */
typedef struct Output {
    Arena *keep;
    char *data;
    size_t size, capacity;
    uint64_t max;
    int window;
    const char *path;
    Error *err;
} Output;

static Status refuse(const Output *o, const char *what)
{
    (void)error_set(o->err, STATUS_FORMAT, "%s", what);
    (void)error_place(o->err, o->path, 0, 0);
    return error_remedy(o->err, "fetch the file again, or compress it anew");
}

/* Room for more, one byte beyond the bound included, so that its being passed is seen. */
static Status make_room(Output *o)
{
    if (o->size > o->max) {
        (void)error_set(o->err, STATUS_LIMIT, "the compressed file unpacks to more than %llu bytes",
                        (unsigned long long)o->max);
        (void)error_place(o->err, o->path, 0, 0);
        return error_remedy(o->err, "a small file that unpacks to so much may be a trap; if it is "
                                    "not, give --max-unpacked");
    }
    if (o->size < o->capacity)
        return STATUS_OK;
    size_t capacity = o->capacity == 0 ? FIRST : 2 * o->capacity;
    if (capacity > o->max)
        capacity = (size_t)o->max + 1;
    o->data = arena_grow(o->keep, o->data, o->capacity, capacity, 1);
    o->capacity = capacity;
    return STATUS_OK;
}

static bool all_zero(Str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] != '\0')
            return false;
    return true;
}

static Status gunzip_all(Output *o, z_stream *z, Str bytes)
{
    size_t at = 0;
    for (;;) {
        TRY(make_room(o));
        size_t in = bytes.size - at < PIECE ? bytes.size - at : PIECE;
        size_t room = o->capacity - o->size < PIECE ? o->capacity - o->size : PIECE;
        z->next_in = (Bytef *)(uintptr_t)(bytes.data + at);
        z->avail_in = (uInt)in;
        z->next_out = (Bytef *)(o->data + o->size);
        z->avail_out = (uInt)room;
        int code = inflate(z, Z_NO_FLUSH);
        at += in - z->avail_in;
        o->size += room - z->avail_out;
        if (code == Z_STREAM_END) {
            Str rest = str_slice(bytes, at, bytes.size);
            if (all_zero(rest)) /* the padding of tapes, or nothing */
                return STATUS_OK;
            if (!str_starts(rest, S("\x1F\x8B")))
                return refuse(o, "the gzip file has other bytes after its end");
            if (inflateReset(z) != Z_OK)
                return refuse(o, "the gzip file is damaged");
        } else if (code == Z_BUF_ERROR || (code == Z_OK && at == bytes.size && z->avail_out > 0))
            return refuse(o, "the gzip file is cut off");
        else if (code != Z_OK)
            return refuse(o, "the gzip file is damaged");
    }
}

static Status gunzip(Output *o, Str bytes)
{
    z_stream z = {0};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return error_set(o->err, STATUS_IO, "zlib could not start");
    Status status = gunzip_all(o, &z, bytes);
    (void)inflateEnd(&z);
    if (status == STATUS_OK)
        status = make_room(o); /* says whether the last bytes passed the bound */
    return status;
}

static Status unzstd_all(Output *o, ZSTD_DCtx *context, Str bytes)
{
    ZSTD_inBuffer in = {bytes.data, bytes.size, 0};
    size_t left = 1;
    while (left != 0 || in.pos < in.size) {
        TRY(make_room(o));
        size_t before = in.pos;
        ZSTD_outBuffer out = {o->data, o->capacity, o->size};
        left = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(left)) {
            char what[160];
            (void)snprintf(what, sizeof what, "the zstd file cannot be unpacked: %.100s",
                           ZSTD_getErrorName(left));
            return refuse(o, what);
        }
        bool still = out.pos == o->size && in.pos == before;
        o->size = out.pos;
        if (left != 0 && in.pos == in.size && (still || out.pos < out.size))
            return refuse(o, "the zstd file is cut off");
    }
    return make_room(o);
}

static Status unzstd(Output *o, Str bytes)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL)
        return error_set(o->err, STATUS_IO, "zstd could not start");
    (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, o->window);
    Status status = unzstd_all(o, context, bytes);
    (void)ZSTD_freeDCtx(context);
    return status;
}

static Status unpack_bytes(Str *out, Arena *keep, Str bytes, uint64_t max, int window,
                           const char *path, Error *err)
{
    bool gzip = str_starts(bytes, S("\x1F\x8B"));
    bool zstd = str_starts(bytes, S("\x28\xB5\x2F\xFD"));
    *out = bytes;
    if (!gzip && !zstd)
        return STATUS_OK;
    if (max == 0)
        max = bytes.size > UNPACK_LEAST / UNPACK_RATIO ? bytes.size * UNPACK_RATIO : UNPACK_LEAST;
    Output o = {.keep = keep, .max = max, .window = window, .path = path, .err = err};
    TRY(gzip ? gunzip(&o, bytes) : unzstd(&o, bytes));
    *out = (Str){o.data, o.size};
    return STATUS_OK;
}

Status unpack(Str *out, Arena *keep, Str bytes, uint64_t max, const char *path, Error *err)
{
    return unpack_bytes(out, keep, bytes, max, WINDOW_WEB, path, err);
}

Status file_read_unpacked(Str *out, Arena *keep, const char *path, uint64_t max, Error *err)
{
    Str bytes;
    TRY(file_read(&bytes, keep, path, err));
    return unpack_bytes(out, keep, bytes, max, WINDOW_FILE, path, err);
}
