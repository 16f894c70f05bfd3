/* sources.c - which of the book's sources a file is of. */
#include "quality/quality_internal.h"

#include <fnmatch.h>

static bool ends_with(Str s, Str end)
{
    return s.size >= end.size && str_equal(str_slice(s, s.size - end.size, s.size), end);
}

/* A compressed file may also match without that ending. */
static bool matches(Str pattern, const char *path, Arena scratch)
{
    static const Str packed[] = {{".gz", 3}, {".zst", 4}};
    Str name = path_base(path);
    const char *glob = str_chars(&scratch, pattern);
    if (fnmatch(glob, str_chars(&scratch, name), 0) == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(packed); i++)
        if (ends_with(name, packed[i]) &&
            fnmatch(glob, str_chars(&scratch, str_slice(name, 0, name.size - packed[i].size)), 0) ==
                0)
            return true;
    return false;
}

const SchemaSource *quality_source_of(const Schema *s, const char *path, Arena scratch)
{
    const SchemaSource *source = s->transactions.sources.item;
    for (size_t i = 0; i < s->transactions.sources.count; i++)
        if (matches(source[i].files.text, path, scratch))
            return &source[i];
    return NULL;
}

const BookPair *quality_pair_of(const BookPairs *pairs, Str name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (str_equal(pairs->item[i].name.text, name))
            return &pairs->item[i];
    return NULL;
}
