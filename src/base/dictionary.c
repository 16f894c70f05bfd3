#include "base/base.h"

Dictionary *dictionary_new(Arena *arena)
{
    enum { SLOTS = 16 };
    struct {
        Dictionary dictionary;
        uint32_t slot[SLOTS];
    } *both = arena_alloc(arena, 1, sizeof *both); /* one piece of memory for both */
    both->dictionary.arena = arena;
    both->dictionary.slots = SLOTS;
    both->dictionary.slot = both->slot;
    return &both->dictionary;
}

static size_t find_slot(const Dictionary *d, Str s)
{
    size_t at = (size_t)hash64(s, 0) & (d->slots - 1);
    while (d->slot[at] != 0 && !str_equal(d->text[d->slot[at] - 1], s))
        at = (at + 1) & (d->slots - 1);
    return at;
}

static void rehash(Dictionary *d, size_t slots)
{
    d->slots = slots;
    d->slot = ARENA_ARRAY(d->arena, uint32_t, d->slots);
    for (size_t i = 0; i < d->count; i++)
        d->slot[find_slot(d, d->text[i])] = (uint32_t)i + 1;
}

void dictionary_reserve(Dictionary *d, size_t count)
{
    size_t slots = d->slots;
    while (slots < 2 * count)
        slots *= 2;
    if (count > d->capacity) {
        d->text = arena_grow(d->arena, d->text, d->capacity, count, sizeof *d->text);
        d->capacity = count;
    }
    if (slots > d->slots)
        rehash(d, slots);
}

uint32_t dictionary_find(const Dictionary *d, Str s)
{
    uint32_t code = d->slot[find_slot(d, s)];
    return code == 0 ? NO_CODE : code - 1;
}

uint32_t dictionary_add(Dictionary *d, Str s)
{
    size_t at = find_slot(d, s);
    if (d->slot[at] != 0)
        return d->slot[at] - 1;
    Str *text = ARENA_PUSH(d->arena, d->text, d->count, d->capacity);
    *text = str_copy(d->arena, s);
    d->slot[at] = (uint32_t)d->count;
    if (d->count * 2 > d->slots)
        rehash(d, 4 * d->slots);
    return (uint32_t)d->count - 1;
}
