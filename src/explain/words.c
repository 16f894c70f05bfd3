/* words.c - a case's numbers and sentences for people. */
#include "explain/explain.h"

#include <math.h>

Str case_text(const Case *c, Str english)
{
    if (c->words != NULL && message_find(c->words, english) != NULL)
        return message(c->words, c->language, english);
    return message(c->books, c->language, english);
}

Str case_word(const Case *c, const char *english)
{
    return case_text(c, str_from(english));
}

Str case_say(Arena *arena, const Case *c, const char *english, const MessagePart *part,
             size_t parts)
{
    Str text = case_word(c, english);
    Buffer b = buffer_new(arena);
    for (size_t i = 0; i < text.size; i++) {
        bool filled = false;
        for (size_t k = 0; k < parts && text.data[i] == '{' && !filled; k++) {
            Str rest = str_slice(text, i + 1, text.size);
            filled = str_starts(rest, part[k].name) && rest.size > part[k].name.size &&
                     rest.data[part[k].name.size] == '}';
            if (!filled)
                continue;
            buffer_add(&b, part[k].text);
            i += part[k].name.size + 1;
        }
        if (!filled)
            buffer_char(&b, text.data[i]);
    }
    return buffer_str(&b);
}

Str case_plural(Arena *arena, const Case *c, size_t count, const char *one, const char *many)
{
    const MessagePart part = {S("count"), case_count(arena, c, count)};
    bool single = count == 1 || (count == 0 && c->language == LANGUAGE_FRENCH);
    return case_say(arena, c, single ? one : many, &part, 1);
}

/* ---- numbers: one cell, formatted as the books' sentences are ---- */

static Str number(Arena *arena, const Case *c, Format format, Type type, int scale, int64_t value)
{
    uint64_t valid = 1;
    const Column cell = {.type = type, .scale = scale, .valid = &valid, .integer = &value};
    return format_cell(arena, format, c->language, c->currency, &cell, 0);
}

Str case_count(Arena *arena, const Case *c, size_t count)
{
    return number(arena, c, FORMAT_COUNT, TYPE_INT64, 0, (int64_t)count);
}

Str case_money(Arena *arena, const Case *c, int64_t amount)
{
    return number(arena, c, FORMAT_MONEY, TYPE_DECIMAL, c->scale, amount);
}

Str case_percent(Arena *arena, const Case *c, double share)
{
    return format_real(arena, FORMAT_PERCENT, c->language, c->currency, share);
}

Str case_lag(Arena *arena, const Case *c, int64_t duration_us)
{
    Format format = duration_us < HOUR_US      ? FORMAT_MINUTES
                    : duration_us < 2 * DAY_US ? FORMAT_HOURS
                                               : FORMAT_DAYS;
    return number(arena, c, format, TYPE_DURATION, 0, duration_us);
}

Str case_day(Arena *arena, int64_t at_us)
{
    char text[TIME_TEXT];
    return str_copy(arena, str_slice(time_text(text, at_us), 0, 10));
}

Str case_minute(Arena *arena, int64_t at_us)
{
    char text[TIME_TEXT];
    return str_copy(arena, str_slice(time_text(text, at_us), 0, 16));
}

Str case_standing(Arena *arena, const Case *c, const Reason *r, bool brief)
{
    if (r->peers == 0 || !isfinite(r->percentile))
        return S("");
    const MessagePart part[] = {
        {S("percentile"), case_count(arena, c, (size_t)floor(r->percentile * 100 + 0.5))},
        {S("count"), case_count(arena, c, r->peers)},
        {S("peers"), r->peer_group}};
    return case_say(arena, c,
                    brief ? "percentile {percentile} among {count} comparable"
                          : "Percentile {percentile} among {count} comparable customers: {peers}.",
                    part, COUNT_OF(part));
}
