/* unpack.h - compressed input, told by what it holds and not by its name.
 *
 * gzip (RFC 1952, also several members one after the other) and zstd (RFC 8878, also several
 * frames). A small file can be made to unpack to more than any machine holds, so what comes out
 * is bounded: by the caller's bytes, or else by UNPACK_RATIO times the file's size, which no
 * table of customers or transactions reaches, and never below UNPACK_LEAST. */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#define UNPACK_RATIO 200
#define UNPACK_LEAST ((uint64_t)64 << 20)

/* The bytes themselves, or what they unpack to. max 0 is the bound above. FORMAT: damaged or cut
 * off, or zstd with a window above 8 MiB; LIMIT: above the bound. `path` is for messages.  Memory:
 * keep.  Cost: O(bytes out). */
MUST_USE Status unpack(Str *out, Arena *keep, Str bytes, uint64_t max, const char *path,
                       Error *err);

/* file_read, then the same, with windows of up to 128 MiB. */
MUST_USE Status file_read_unpacked(Str *out, Arena *keep, const char *path, uint64_t max,
                                   Error *err);

#endif
