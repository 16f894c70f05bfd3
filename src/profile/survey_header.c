/* survey_header.c - a header that can be read: every column with a name of its own. */
#include "profile/profile_internal.h"

#include <string.h>

/* The end of the first record, its line end not included. */
static size_t record_end(Str bytes)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < bytes.size; i++) {
        char c = bytes.data[i];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '\n' || c == '\r'))
            break;
    }
    return i;
}

static char most_frequent(Str record)
{
    static const char marks[] = {',', ';', '\t', '|'};
    size_t most = 0;
    char best = ',';
    for (size_t k = 0; k < COUNT_OF(marks); k++) {
        size_t count = 0;
        bool quoted = false;
        for (size_t i = 0; i < record.size; i++) {
            quoted = record.data[i] == '"' ? !quoted : quoted;
            count += !quoted && record.data[i] == marks[k];
        }
        if (count > most) {
            most = count;
            best = marks[k];
        }
    }
    return best;
}

/* The next cell of the record, without its quotes. */
static Str next_cell(Arena *keep, Str record, size_t *at, char delimiter)
{
    Buffer b = buffer_new(keep);
    bool quoted = false;
    size_t i = *at;
    for (; i < record.size && (quoted || record.data[i] != delimiter); i++) {
        if (record.data[i] != '"')
            buffer_char(&b, record.data[i]);
        else if (quoted && i + 1 < record.size && record.data[i + 1] == '"')
            buffer_char(&b, record.data[i++]);
        else
            quoted = !quoted;
    }
    *at = i + 1;
    return str_trim(buffer_str(&b));
}

Str survey_header(bool *mended, Arena *keep, Str bytes, char delimiter, bool no_header)
{
    Str text = str_starts(bytes, S("\xEF\xBB\xBF")) ? str_slice(bytes, 3, bytes.size) : bytes;
    while (text.size > 0 && (text.data[0] == '\n' || text.data[0] == '\r'))
        text = str_slice(text, 1, text.size);
    Str record = str_slice(text, 0, record_end(text));
    char mark = delimiter != 0 ? delimiter : most_frequent(record);
    Dictionary *seen = dictionary_new(keep);
    Buffer header = buffer_new(keep);
    *mended = no_header;
    size_t columns = 0;
    for (size_t at = 0; at <= record.size; columns++) {
        Str name = next_cell(keep, record, &at, mark);
        if (no_header || name.size == 0) {
            name = str_format(keep, "column_%zu", columns + 1);
            *mended = true;
        }
        Str unique = name;
        for (size_t k = 2; dictionary_find(seen, unique) != NO_CODE; k++) {
            unique = str_format(keep, "%.*s (%zu)", STR_ARG(name), k);
            *mended = true;
        }
        (void)dictionary_add(seen, unique);
        if (columns > 0)
            buffer_char(&header, mark);
        buffer_char(&header, '"');
        for (size_t i = 0; i < unique.size; i++) {
            if (unique.data[i] == '"')
                buffer_char(&header, '"');
            buffer_char(&header, unique.data[i]);
        }
        buffer_char(&header, '"');
    }
    if (!*mended)
        return bytes;
    Str rest = no_header ? text : str_slice(text, record.size, text.size);
    Buffer out = buffer_new(keep);
    buffer_add(&out, buffer_str(&header));
    if (no_header)
        buffer_char(&out, '\n');
    buffer_add(&out, rest);
    return buffer_str(&out);
}
