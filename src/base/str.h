/* str.h - strings are a pointer and a size; bytes are UTF-8 and never NUL-terminated
 * by promise. A Buffer grows in an arena while text is put together. */
#ifndef BASE_STR_H
#define BASE_STR_H

typedef struct Str {
    const char *data;
    size_t size;
} Str;

#define S(literal) ((Str){(literal), sizeof(literal) - 1})
#define STR_ARG(s) ((int)((s).size > 1000 ? 1000 : (s).size)), (s).data /* for "%.*s" */

Str str_from(const char *text); /* of a NUL-terminated string; NULL gives the empty Str */
static inline bool str_equal(Str a, Str b)
{
    return a.size == b.size &&
           (a.size == 0 || (a.data[0] == b.data[0] && memcmp(a.data, b.data, a.size) == 0));
}
bool str_equal_fold(Str a, Str b); /* ASCII case ignored */
int str_compare(Str a, Str b);     /* by bytes, shorter first on a tie */
bool str_starts(Str s, Str prefix);
bool str_contains(Str s, Str part);
Str str_trim(Str s);
Str str_slice(Str s, size_t from, size_t to);
Str str_copy(Arena *arena, Str s);          /* also NUL-terminated */
const char *str_chars(Arena *arena, Str s); /* NUL-terminated copy */
Str str_format(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
bool str_valid_utf8(Str s);
size_t str_characters(Str s); /* of UTF-8: bytes that begin one */

/* Number of single-character edits between two names, at most `limit` + 1.
 * Memory: none.  Cost: O(a * b), both cut at 64 bytes. */
size_t str_distance(Str a, Str b, size_t limit);

/* The name nearest to `name`, or the empty Str when none is near enough to suggest. */
Str str_nearest(Str name, const Str *names, size_t count);

typedef struct Buffer {
    Arena *arena;
    char *data;
    size_t size;
    size_t capacity;
} Buffer;

Buffer buffer_new(Arena *arena);
void buffer_add(Buffer *b, Str s);
void buffer_char(Buffer *b, char c);
void buffer_format(Buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);
Str buffer_str(const Buffer *b);

#endif
