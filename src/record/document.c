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
    return arena_grow_raw(context, old, old_size, size, 1);
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

/* ---- texts ---- */

typedef uint8_t Sixteen __attribute__((vector_size(16)));

/* What there is among the bytes of a text. */
typedef struct Bytes {
    bool escaped; /* a quote, a backslash or a control character */
    bool wide;    /* not ASCII */
} Bytes;

/* At most fifteen bytes, some of them twice. */
static Sixteen short_text(Str text)
{
    const char *first = text.data, *last = text.data + text.size;
    uint64_t half[2];
    uint32_t four[2];
    Sixteen out;
    if (text.size >= sizeof *half) {
        memcpy(&half[0], first, sizeof *half);
        memcpy(&half[1], last - sizeof *half, sizeof *half);
    } else if (text.size >= sizeof *four) {
        memcpy(&four[0], first, sizeof *four);
        memcpy(&four[1], last - sizeof *four, sizeof *four);
        half[0] = half[1] = four[0] | (uint64_t)four[1] << 32;
    } else {
        half[0] = half[1] = 0x2020202020202020; /* spaces say nothing */
        for (size_t i = 0; i < text.size; i++)
            half[0] = half[0] << 8 | (uint8_t)first[i];
    }
    memcpy(&out, half, sizeof out);
    return out;
}

static bool any(Sixteen marks)
{
    uint64_t half[2];
    memcpy(half, &marks, sizeof half);
    return (half[0] | half[1]) != 0;
}

static Sixteen must_escape(Sixteen b)
{
    return (Sixteen)(b < 0x20) | (Sixteen)(b == '"') | (Sixteen)(b == '\\');
}

static Bytes look(Str text)
{
    Sixteen b = {0}, escaped = {0}, wide = {0};
    size_t i = 0;
    for (; i + sizeof b <= text.size; i += sizeof b) {
        memcpy(&b, text.data + i, sizeof b);
        escaped |= must_escape(b);
        wide |= b;
    }
    if (i == 0) {
        b = short_text(text);
    } else if (i < text.size) { /* the last sixteen, some of which were seen */
        memcpy(&b, text.data + text.size - sizeof b, sizeof b);
    }
    escaped |= must_escape(b);
    wide |= b;
    return (Bytes){any(escaped), any(wide & 0x80)};
}

/* Only a command line or a path can hold other bytes; the CSV room sets such rows aside. */
static __attribute__((noinline)) Str without_others(Arena *arena, Str text)
{
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

/* Rare, and apart so that text_value is short. */
static __attribute__((noinline)) yyjson_mut_val *wide_text(Document *j, Str text, bool escaped)
{
    if (!str_valid_utf8(text)) {
        text = without_others(j->arena, text);
        escaped = true;
    }
    yyjson_mut_val *value = yyjson_mut_strn(j->doc, text.data, text.size);
    if (!escaped)
        unsafe_yyjson_set_type(value, YYJSON_TYPE_STR, YYJSON_SUBTYPE_NOESC);
    return value;
}

/* What needs no escape is said to need none, and the library copies it without a look. */
yyjson_mut_val *document_text_value(Document *j, Str text)
{
    if (text.size == 0)
        text = S("");
    Bytes bytes = look(text);
    if (bytes.wide)
        return wide_text(j, text, bytes.escaped);
    yyjson_mut_val *value = yyjson_mut_strn(j->doc, text.data, text.size);
    if (!bytes.escaped)
        unsafe_yyjson_set_type(value, YYJSON_TYPE_STR, YYJSON_SUBTYPE_NOESC);
    return value;
}

/* ---- other values ---- */

yyjson_mut_val *document_object_value(Document *j)
{
    return yyjson_mut_obj(j->doc);
}

yyjson_mut_val *document_list_value(Document *j)
{
    return yyjson_mut_arr(j->doc);
}

yyjson_mut_val *document_count_value(Document *j, uint64_t count)
{
    return yyjson_mut_uint(j->doc, count);
}

yyjson_mut_val *document_truth_value(Document *j, bool truth)
{
    return yyjson_mut_bool(j->doc, truth);
}

yyjson_mut_val *document_null_value(Document *j)
{
    return yyjson_mut_null(j->doc);
}

yyjson_mut_val *document_real_value(Document *j, double value)
{
    return isfinite(value) ? yyjson_mut_real(j->doc, value) : document_null_value(j);
}

yyjson_mut_val *document_time_value(Document *j, int64_t time_us)
{
    char text[TIME_TEXT];
    return time_us == NO_TIME
               ? document_null_value(j)
               : document_text_value(j, str_copy(j->arena, time_text(text, time_us)));
}

yyjson_mut_val *document_put(Document *j, yyjson_mut_val *in, DocumentKey key,
                             yyjson_mut_val *value)
{
    if (key.name == NULL) {
        (void)yyjson_mut_arr_append(in, value);
        return value;
    }
    yyjson_mut_val *name = unsafe_yyjson_mut_val(j->doc, 1);
    name->tag = key.tag;
    name->uni.str = key.name;
    (void)yyjson_mut_obj_add(in, name, value);
    return value;
}

void document_interval(Document *j, yyjson_mut_val *in, const char *key, Interval i)
{
    yyjson_mut_val *o = document_object(j, in, key);
    document_real(j, o, "value", i.value);
    document_real(j, o, "low", i.low);
    document_real(j, o, "high", i.high);
}

void document_texts(Document *j, yyjson_mut_val *in, const char *key, const Str *text, size_t count)
{
    yyjson_mut_val *list = document_list(j, in, key);
    for (size_t i = 0; i < count; i++)
        document_text(j, list, NULL, text[i]);
}

void document_named_real(Document *j, yyjson_mut_val *in, Str name, double value)
{
    (void)yyjson_mut_obj_add(in, document_text_value(j, name), document_real_value(j, value));
}
