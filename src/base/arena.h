/* arena.h - memory that is given back all at once.
 *
 * An Arena is a position in one large reserved range of addresses; pages are
 * committed as they are reached, so reserving is free. Results go to the caller's
 * arena, passed by pointer (`Arena *keep`). Temporaries go to an arena passed by
 * value (`Arena scratch`): the callee moves its own copy of the position, and all
 * it took vanishes on return. So the two are never of one range: a callee that fills both
 * would write its temporaries over its results. Two threads never share an arena.
 *
 * A thread keeps a few ranges that it gave back, each with its first half megabyte, for the next
 * ones; they go when it ends.
 *
 * Allocation does not fail: when the reservation or the machine is exhausted the
 * program ends with a sentence, because no answer given after that can be trusted.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

typedef struct ArenaRange ArenaRange;

typedef struct Arena {
    ArenaRange *range;
    char *at;
} Arena;

/* Reserve a new range; arena_free gives it all back. */
Arena arena_new(void);
void arena_free(Arena *arena);

/* `other`, which a second thread may have filled, is given back with the arena. */
void arena_adopt(const Arena *arena, Arena other);

/* Give the pages beyond the first `bytes` from here on back to the system: nothing that is still
 * needed may lie there. For arenas that are used again and again.  Cost: nothing unless it ever
 * reached so far. */
void arena_trim(const Arena *arena, size_t bytes);

/* Zeroed memory for count items of size bytes, aligned for any type.
 * Cost: O(bytes).  Overflow of count * size ends the program. */
void *arena_alloc(Arena *arena, size_t count, size_t size) RETURNS_NONNULL;

/* The same without zeroing, for large buffers that are filled at once. */
void *arena_raw(Arena *arena, size_t count, size_t size) RETURNS_NONNULL;

/* A copy of size bytes. */
void *arena_copy(Arena *arena, const void *bytes, size_t size) RETURNS_NONNULL;

/* Grow an array that may be the last thing allocated (then it grows in place);
 * otherwise it is copied. Returns the array, now with room for `count` items. */
void *arena_grow(Arena *arena, void *array, size_t old_count, size_t count,
                 size_t size) RETURNS_NONNULL;
/* The same without zeroing what is new. */
void *arena_grow_raw(Arena *arena, void *array, size_t old_count, size_t count,
                     size_t size) RETURNS_NONNULL;

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                                            \
    ((type *)arena_alloc((arena), (size_t)(count), sizeof(type)))
#define ARENA_RAW(arena, type, count) ((type *)arena_raw((arena), (size_t)(count), sizeof(type)))

/* Make room for one more in a doubling array: push(arena, &items, &count, &capacity). */
#define ARENA_PUSH(arena, items, count, capacity)                                                  \
    ((void)((count) < (capacity)                                                                   \
                ? 0                                                                                \
                : ((items) = arena_grow((arena), (items), (count),                                 \
                                        (capacity) == 0 ? 16 : (capacity)*2, sizeof *(items)),     \
                   (capacity) = (capacity) == 0 ? 16 : (capacity)*2, 0)),                          \
     &(items)[(count)++])

#endif
