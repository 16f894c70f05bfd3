/* sources.c - which of the book's sources a file is of. */
#include "quality/quality_internal.h"

#include <fnmatch.h>

/* The file's name without its folder; a compressed one also without that ending. */
static Str base_name(Str path)
{
    for (size_t i = path.size; i > 0; i--)
        if (path.data[i - 1] == '/')
            return str_slice(path, i, path.size);
    return path;
}

static bool ends_with(Str s, Str end)
{
    return s.size >= end.size && str_equal(str_slice(s, s.size - end.size, s.size), end);
}

static bool matches(Str pattern, Str path, Arena scratch)
{
    static const Str packed[] = {{".gz", 3}, {".zst", 4}};
    Str name = base_name(path);
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
        if (matches(source[i].files.text, str_from(path), scratch))
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
