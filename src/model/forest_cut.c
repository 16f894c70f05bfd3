/* forest_cut.c - a forest's text cut into its trees and the rest.
 *
 * Read at once, a model of many trees takes three times its size in memory that is new and used
 * once, and asking the kernel for that memory costs as much as reading. So each tree is read by
 * itself, in the same few pages. Where to cut is a guess that needs no care: the rest is JSON with
 * a text in the place of each tree, every tree is JSON by itself, and the places must be what the
 * rest has as its trees; then so is the whole, and means the same. Whatever is not so (spaces
 * between, a blend, a mistake) is read at once, which also says what is wrong. */
#include "model/model_internal.h"

#include <string.h>

static const char opening[] = "\"trees\":[";
enum { TREE_BYTES_MAX = 1 << 20 }; /* the pages of a larger one are many */

static const char *end_of(Str s)
{
    return s.data + s.size;
}

/* Behind `},` before the next tree, or at the `]` after the last; NULL: there is neither. */
static const char *next_cut(const char *at, const char *end)
{
    while ((at = memchr(at, '}', (size_t)(end - at))) != NULL) {
        at++;
        if (end - at < 2)
            return NULL;
        if (at[0] == ']' || (at[0] == ',' && at[1] == '{'))
            return at;
    }
    return NULL;
}

static size_t find_trees(Str *tree, const char *at, const char *end)
{
    for (size_t n = 0; at < end && *at == '{'; n++) {
        const char *cut = next_cut(at, end);
        if (cut == NULL || cut - at > TREE_BYTES_MAX)
            return 0;
        if (tree != NULL)
            tree[n] = (Str){at, (size_t)(cut - at)};
        if (*cut == ']')
            return n + 1;
        at = cut + 1;
    }
    return 0;
}

bool forest_cut(ForestCut *out, Arena *keep, Str json)
{
    const char *found = memmem(json.data, json.size, opening, sizeof opening - 1);
    if (found == NULL)
        return false;
    const char *first = found + sizeof opening - 1;
    *out = (ForestCut){.trees = find_trees(NULL, first, end_of(json))};
    if (out->trees == 0 || out->trees > FOREST_TREES_MAX)
        return false;
    out->tree = ARENA_RAW(keep, Str, out->trees);
    out->place = ARENA_RAW(keep, const char *, out->trees);
    (void)find_trees(out->tree, first, end_of(json));
    Str before = {json.data, (size_t)(first - json.data)};
    const char *last = end_of(out->tree[out->trees - 1]);
    Str after = {last, (size_t)(end_of(json) - last)};
    out->size = before.size + 3 * out->trees - 1 + after.size;
    char *at = out->rest = arena_raw(keep, out->size + YYJSON_PADDING_SIZE, 1);
    memcpy(at, before.data, before.size);
    at += before.size;
    for (size_t i = 0; i < out->trees; i++) {
        if (i > 0)
            *at++ = ',';
        *at++ = '"';
        out->place[i] = at;
        *at++ = '"';
    }
    memcpy(at, after.data, after.size);
    memset(at + after.size, 0, YYJSON_PADDING_SIZE);
    return true;
}

/* Texts that are read where they lie stay there, so a place is known by its address. */
bool forest_cut_fits(const ForestCut *cut, yyjson_val *trees)
{
    yyjson_val *value;
    size_t i, count;
    if (yyjson_arr_size(trees) != cut->trees)
        return false;
    yyjson_arr_foreach(trees, i, count, value)
    {
        if (yyjson_get_str(value) != cut->place[i])
            return false;
    }
    return true;
}
