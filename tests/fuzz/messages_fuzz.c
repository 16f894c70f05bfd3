/* messages_fuzz.c - any bytes as a book of messages: an answer or a refusal with a sentence and a
 * place, never a crash; and what is accepted can be filled in every language, and translates the
 * sentences of a policy book. */
#include "message/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every placeholder of the English has a part, so that every translation can be filled. */
static size_t parts_of(MessagePart part[64], Str english)
{
    size_t count = 0;
    for (size_t i = 0; i < english.size && count < 64; i++) {
        if (english.data[i] != '{')
            continue;
        if (i + 1 < english.size && english.data[i + 1] == '{') {
            i++;
            continue;
        }
        size_t to = i;
        while (to < english.size && english.data[to] != '}')
            to++;
        Str name = str_trim(str_slice(english, i + 1, to));
        if (name.size > 0 && memchr(name.data, ':', name.size) != NULL)
            return 65; /* a sentence of a book's: lang fills it */
        part[count++] = (MessagePart){name, S("part")};
        i = to;
    }
    return count;
}

static void fill(Arena *arena, const Messages *m, Str english)
{
    MessagePart part[64];
    size_t parts = parts_of(part, english);
    for (Language l = 0; l < LANGUAGES; l++) {
        if (message(m, l, english).size == 0)
            abort();
        if (parts < 64 && message_fill(arena, m, l, english, part, parts).data == NULL)
            abort();
    }
}

/* As the policy room does: a name that is known in English is known in the translation. */
static void translate(Arena *arena, const Messages *m, const MessageView *entry)
{
    static const Name name[] = {{.name = {"a", 1}, .type = TYPE_INT64},
                                {.name = {"b", 1}, .type = TYPE_DECIMAL, .scale = 2}};
    const Scope scope = {.customer = name, .customers = COUNT_OF(name)};
    Template *t;
    Error err = {0};
    if (template_read(&t, arena, entry->text[LANGUAGE_ENGLISH], &scope, "p.yaml", 1, 1, &err) !=
        STATUS_OK)
        return;
    for (Language l = LANGUAGE_ENGLISH + 1; l < LANGUAGES; l++)
        if (template_translate(t, arena, l, message(m, l, entry->text[LANGUAGE_ENGLISH]), &scope,
                               "m.yaml", 1, 1, &err) != STATUS_OK)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena keep = arena_new();
    Str yaml = {(const char *)data, size};
    Messages *m = NULL, *second = NULL;
    Error err = {0}, again = {0};
    Status status = messages_read(&m, &keep, yaml, "fuzz.yaml", &err);
    if (status != messages_read(&second, &keep, yaml, "fuzz.yaml", &again) ||
        err.line != again.line || err.column != again.column)
        abort();
    if (status == STATUS_OK) {
        size_t count;
        const MessageView *entry = messages_view(m, &count);
        for (size_t i = 0; i < count; i++) {
            if (message_find(m, entry[i].text[LANGUAGE_ENGLISH]) != &entry[i])
                abort();
            fill(&keep, m, entry[i].text[LANGUAGE_ENGLISH]);
            translate(&keep, m, &entry[i]);
        }
    } else if (err.message[0] == '\0') {
        abort();
    }
    arena_free(&keep);
    return 0;
}
