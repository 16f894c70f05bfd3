/* dictionary.h - distinct strings and their codes 0, 1, 2, ... in order of first sight.
 *
 * The one map of the house: names to positions, categories to codes, ids to customers.
 * No result may depend on hash order; codes depend only on the order of insertion. */
#ifndef BASE_DICTIONARY_H
#define BASE_DICTIONARY_H

#define NO_CODE UINT32_MAX

typedef struct Dictionary {
    Arena *arena; /* strings and slots live here */
    Str *text;    /* by code */
    size_t count;
    size_t capacity;
    uint32_t *slot; /* code + 1, 0 when empty */
    size_t slots;   /* a power of two */
} Dictionary;

Dictionary *dictionary_new(Arena *arena);
/* Make room for so many strings in all.  Cost: O(count). */
void dictionary_reserve(Dictionary *d, size_t count);
/* Cost: O(size of s) expected. The string is copied when it is new. */
uint32_t dictionary_add(Dictionary *d, Str s);
uint32_t dictionary_find(const Dictionary *d, Str s); /* NO_CODE when absent */

#endif
