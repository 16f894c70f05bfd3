/* text.c - names, values and remarks as the books write them. */
#include "profile/profile_internal.h"

#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_figure(char c)
{
    return c >= '0' && c <= '9';
}

/* Words that YAML would read as something else than text. */
static bool is_special(Str text)
{
    static const char *const special[] = {"true", "false", "yes", "no", "on",   "off",
                                          "null", "~",     "y",   "n",  ".nan", ".inf"};
    for (size_t i = 0; i < COUNT_OF(special); i++)
        if (str_equal_fold(text, str_from(special[i])))
            return true;
    return false;
}

/* Plain where that is the same in every YAML: it begins with a letter and holds no mark. */
static bool is_plain(Str text)
{
    if (text.size == 0 || !is_letter(text.data[0]) || is_special(text) ||
        text.data[text.size - 1] == ' ' || text.data[text.size - 1] == ':')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i], after = i + 1 < text.size ? text.data[i + 1] : ' ';
        if ((unsigned char)c < ' ' || c == '[' || c == ']' || c == '{' || c == '}' || c == ',' ||
            (c == ':' && after == ' ') || (c == '#' && i > 0 && text.data[i - 1] == ' '))
            return false;
    }
    return true;
}

void add_yaml(Buffer *b, Str text)
{
    if (is_plain(text)) {
        buffer_add(b, text);
        return;
    }
    buffer_char(b, '"');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\')
            buffer_char(b, '\\');
        if ((unsigned char)c < ' ')
            buffer_format(b, "\\x%02x", (unsigned)(unsigned char)c);
        else
            buffer_char(b, c);
    }
    buffer_char(b, '"');
}

void add_name(Buffer *b, Str name)
{
    static const char *const reserved[] = {"and",    "or",     "not",   "in",    "is",   "between",
                                           "null",   "true",   "false", "where", "over", "to",
                                           "within", "like",   "case",  "when",  "then", "else",
                                           "end",    "escape", "first", "all",   "time", "by"};
    bool plain = name.size > 0 && is_letter(name.data[0]);
    for (size_t i = 0; i < name.size; i++)
        plain = plain && (is_letter(name.data[i]) || is_figure(name.data[i]));
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        plain = plain && !str_equal_fold(name, str_from(reserved[i]));
    if (plain) {
        buffer_add(b, name);
        return;
    }
    buffer_char(b, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"')
            buffer_char(b, '"');
        buffer_char(b, name.data[i]);
    }
    buffer_char(b, '"');
}

void add_literal(Buffer *b, Str value)
{
    buffer_char(b, '\'');
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '\'')
            buffer_char(b, '\'');
        buffer_char(b, value.data[i]);
    }
    buffer_char(b, '\'');
}

void add_comment(Buffer *b, const char *indent, Str text)
{
    enum { WIDTH = 96 };
    size_t at = 0;
    while (at < text.size) {
        size_t room = WIDTH - strlen(indent) - 2, end = text.size - at <= room ? text.size : at;
        if (end != text.size) {
            for (size_t i = at; i < text.size && i - at <= room; i++)
                if (text.data[i] == ' ')
                    end = i;
            if (end == at) /* one long word */
                for (end = at; end < text.size && text.data[end] != ' ';)
                    end++;
        }
        buffer_format(b, "%s# ", indent);
        for (size_t i = at; i < end; i++) /* a name may hold a line break; a comment may not */
            buffer_char(b, (unsigned char)text.data[i] < ' ' ? ' ' : text.data[i]);
        buffer_char(b, '\n');
        for (at = end; at < text.size && text.data[at] == ' ';)
            at++;
    }
}

Str name_of_feature(Arena *keep, Str column)
{
    Str plain = words_plain(keep, column);
    Buffer b = buffer_new(keep);
    bool usable = column.size > 0 && column.size <= 60 && is_letter(column.data[0]);
    for (size_t i = 0; i < column.size; i++)
        usable = usable && (is_letter(column.data[i]) || is_figure(column.data[i]));
    if (usable)
        return column;
    buffer_add(&b, S("column"));
    for (size_t i = 0; i + 1 < plain.size && b.size < 60; i++)
        buffer_char(&b, plain.data[i] == ' ' ? '_' : plain.data[i]);
    return buffer_str(&b);
}

bool is_engine_name(Str name)
{
    static const char *const names[] = {"probability",
                                        "probability_low",
                                        "probability_high",
                                        "threshold_medium",
                                        "threshold_high",
                                        "rules",
                                        "threshold_offboarding",
                                        "severe_rules",
                                        "families",
                                        "exposure",
                                        "insufficient_data",
                                        "and",
                                        "or",
                                        "not",
                                        "greatest"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal(name, str_from(names[i])))
            return true;
    return false;
}

Str own_name(Arena *keep, const Profile *p, Str name)
{
    for (size_t k = 0; k < p->customers.columns; k++)
        if (str_equal(p->customers.column[k].name, name))
            return own_name(keep, p, str_format(keep, "own_%.*s", STR_ARG(name)));
    return name;
}
