/* file.h - whole files in, whole files out.
 *
 * A file is written beside its final name and renamed when it is complete, so a reader
 * never sees half of one. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

/* Read a whole file into the arena. A path of "-" is standard input. */
MUST_USE Status file_read(Str *out, Arena *keep, const char *path, Error *err);
MUST_USE Status file_write(const char *path, Str bytes, Error *err);
/* Some bytes of a file. FORMAT when it ends before them. */
MUST_USE Status file_read_part(Str *out, Arena *keep, const char *path, uint64_t offset,
                               uint64_t bytes, Error *err);
/* The sum of a file of any size, read in pieces. */
MUST_USE Status file_sha256(char out[], const char *path, Error *err);
bool file_exists(const char *path);
/* A file that may be read again: no pipe, no device, no folder. */
bool file_is_regular(const char *path);
/* When it was last written, in microseconds since 1970; false: there is none. */
bool file_written(int64_t *time_us, const char *path);
/* The files that a pattern names (*, ? and [abc], as in a shell), by bytes of their paths; the
 * pattern itself when a file has that name or none matches.  Memory: keep. */
size_t file_glob(const char ***out, Arena *keep, const char *pattern);
/* Remove a file; one that is not there is fine. */
MUST_USE Status file_remove(const char *path, Error *err);
/* Make a folder and its parents; an existing one is fine. */
MUST_USE Status folder_make(const char *path, Error *err);
const char *path_join(Arena *arena, const char *folder, const char *name);
Str path_base(const char *path); /* without its folder */

/* A file written piece by piece; "-" is standard output. After the first failure the rest is
 * ignored and writer_close reports it. */
typedef struct Writer Writer;
MUST_USE Status writer_open(Writer **out, Arena *keep, const char *path, Error *err);
void writer_add(Writer *w, Str bytes);
void writer_format(Writer *w, const char *format, ...) PRINTF_LIKE(2, 3);
bool writer_failed(const Writer *w); /* for who would otherwise go on for long in vain */
MUST_USE Status writer_close(Writer *w, Error *err);

/* A file read line by line, in memory that does not grow with it. */
enum { LINE_BYTES_MAX = 1 << 26 };
typedef struct FileLines FileLines;
typedef struct FileLine {
    Str text;        /* without its newline; until the next line is read */
    uint64_t number; /* from 1 */
    bool whole;      /* it ends with a newline */
} FileLine;
MUST_USE Status file_lines_open(FileLines **out, Arena *keep, const char *path, Error *err);
bool file_lines_next(FileLines *l, FileLine *out); /* false at the end, and after a failure */
/* IO when it could not be read to its end, LIMIT when a line is longer than LINE_BYTES_MAX. */
MUST_USE Status file_lines_close(FileLines *l, Error *err);

#endif
