#include "record/record.h"

#include <assert.h>
#include <math.h>

/* Documents live in an arena: nothing to free, and memory is there or the program ends. */
static void *take(void *context, size_t size)
{
    return arena_raw(context, size, 1);
}

static void *retake(void *context, void *old, size_t old_size, size_t size)
{
    return arena_grow(context, old, old_size, size, 1);
}

static void give_back(void *context, void *old)
{
    (void)context;
    (void)old;
}

yyjson_alc arena_memory(Arena *arena)
{
    return (yyjson_alc){take, retake, give_back, arena};
}

void document_open(Document *j, Arena *arena)
{
    j->arena = arena;
    j->memory = arena_memory(arena);
    j->doc = yyjson_mut_doc_new(&j->memory);
    j->root = yyjson_mut_obj(j->doc);
    yyjson_mut_doc_set_root(j->doc, j->root);
}

Str document_write(Document *j, bool pretty)
{
    size_t size = 0;
    yyjson_write_flag flags = YYJSON_WRITE_NEWLINE_AT_END;
    if (pretty)
        flags |= YYJSON_WRITE_PRETTY_TWO_SPACES;
    char *text = yyjson_mut_write_opts(j->doc, flags, &j->memory, &size, NULL);
    assert(text != NULL); /* texts are UTF-8 and numbers finite by then */
    return (Str){text, size};
}

/* Only a command line or a path can hold other bytes; the CSV room sets such rows aside. */
static Str clean(Arena *arena, Str text)
{
    if (text.size == 0)
        return S("");
    if (str_valid_utf8(text))
        return text;
    Buffer b = buffer_new(arena);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x80)
            buffer_char(&b, text.data[i]);
        else
            buffer_format(&b, "\\x%02X", c);
    }
    return buffer_str(&b);
}

static void put(Document *j, yyjson_mut_val *in, const char *key, yyjson_mut_val *value)
{
    if (key == NULL)
        (void)yyjson_mut_arr_append(in, value);
    else
        (void)yyjson_mut_obj_add(in, yyjson_mut_str(j->doc, key), value);
}

yyjson_mut_val *document_object(Document *j, yyjson_mut_val *in, const char *key)
{
    yyjson_mut_val *value = yyjson_mut_obj(j->doc);
    put(j, in, key, value);
    return value;
}

yyjson_mut_val *document_list(Document *j, yyjson_mut_val *in, const char *key)
{
    yyjson_mut_val *value = yyjson_mut_arr(j->doc);
    put(j, in, key, value);
    return value;
}

void document_text(Document *j, yyjson_mut_val *in, const char *key, Str text)
{
    Str s = clean(j->arena, text);
    put(j, in, key, yyjson_mut_strn(j->doc, s.data, s.size));
}

void document_count(Document *j, yyjson_mut_val *in, const char *key, uint64_t count)
{
    put(j, in, key, yyjson_mut_uint(j->doc, count));
}

static yyjson_mut_val *real(Document *j, double value)
{
    return isfinite(value) ? yyjson_mut_real(j->doc, value) : yyjson_mut_null(j->doc);
}

void document_real(Document *j, yyjson_mut_val *in, const char *key, double value)
{
    put(j, in, key, real(j, value));
}

void document_interval(Document *j, yyjson_mut_val *in, const char *key, Interval i)
{
    yyjson_mut_val *o = document_object(j, in, key);
    document_real(j, o, "value", i.value);
    document_real(j, o, "low", i.low);
    document_real(j, o, "high", i.high);
}

void document_truth(Document *j, yyjson_mut_val *in, const char *key, bool truth)
{
    put(j, in, key, yyjson_mut_bool(j->doc, truth));
}

void document_null(Document *j, yyjson_mut_val *in, const char *key)
{
    put(j, in, key, yyjson_mut_null(j->doc));
}

void document_time(Document *j, yyjson_mut_val *in, const char *key, int64_t time_us)
{
    char text[TIME_TEXT];
    if (time_us == NO_TIME)
        document_null(j, in, key);
    else
        document_text(j, in, key, str_copy(j->arena, time_text(text, time_us)));
}

void document_texts(Document *j, yyjson_mut_val *in, const char *key, const Str *text, size_t count)
{
    yyjson_mut_val *list = document_list(j, in, key);
    for (size_t i = 0; i < count; i++)
        document_text(j, list, NULL, text[i]);
}

void document_named_real(Document *j, yyjson_mut_val *in, Str name, double value)
{
    Str s = clean(j->arena, name);
    (void)yyjson_mut_obj_add(in, yyjson_mut_strn(j->doc, s.data, s.size), real(j, value));
}
