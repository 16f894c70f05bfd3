#include "model/model_internal.h"

#include <inttypes.h>
#include <string.h>

/* The UBJSON that XGBoost writes (save_model("model.ubj")), turned into JSON text, so that one
 * reader checks and refuses both. What XGBoost writes and no more:
 *
 *     objects    {  (key value)...  }                 a key is a length and its bytes
 *     arrays     [ value... ]    [ # count value...    [ $ type # count bytes...
 *     values     S string   i U I l L integers   d D floats   T F Z
 *
 * Numbers are big-endian, lengths and counts integers of any width. Typed arrays are of numbers
 * only: of a type without bytes, a few bytes could ask for any number of entries. Floats are
 * written with digits enough to come back, and are then parsed once to the type that holds them.
 *
 * Source: ubjson.org, specification of draft 12. */

enum { DEPTH_MAX = 32 }; /* XGBoost nests 8 deep */

typedef struct Reader {
    Str in;
    size_t at;
    Buffer out;
    Error *err;
} Reader;

static Status fault(const Reader *r, const char *what)
{
    (void)error_set(r->err, STATUS_FORMAT, "the model is not XGBoost's UBJSON: %s at byte %zu",
                    what, r->at);
    return error_remedy(r->err, "save it again with save_model(\"model.ubj\") or as .json");
}

/* The next size bytes as a big-endian number. */
static Status take(uint64_t *out, Reader *r, size_t size)
{
    if (r->in.size - r->at < size)
        return fault(r, "the bytes end");
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out = *out << 8 | (unsigned char)r->in.data[r->at + i];
    r->at += size;
    return STATUS_OK;
}

static Status take_marker(char *out, Reader *r)
{
    uint64_t byte = 0;
    TRY(take(&byte, r, 1));
    *out = (char)byte;
    return STATUS_OK;
}

/* Bytes of a number of this type; 0: not a number. */
static size_t width_of(char type)
{
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static int64_t integer_of(char type, uint64_t bits)
{
    switch (type) {
    case 'i':
        return (int8_t)bits;
    case 'I':
        return (int16_t)bits;
    case 'l':
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

static void add_number(Buffer *b, char type, uint64_t bits)
{
    if (type == 'd') {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof value);
        buffer_format(b, "%.9g", (double)value);
    } else if (type == 'D') {
        double value;
        memcpy(&value, &bits, sizeof value);
        buffer_format(b, "%.17g", value);
    } else {
        buffer_format(b, "%" PRId64, integer_of(type, bits));
    }
}

/* A length or a count: an integer of any width, at most what is left to read. */
static Status take_count(size_t *out, Reader *r)
{
    char type;
    uint64_t bits = 0;
    TRY(take_marker(&type, r));
    size_t width = width_of(type);
    if (width == 0 || type == 'd' || type == 'D')
        return fault(r, "a length is not an integer");
    TRY(take(&bits, r, width));
    int64_t count = integer_of(type, bits);
    if (count < 0 || (uint64_t)count > r->in.size - r->at)
        return fault(r, "a length passes the end");
    *out = (size_t)count;
    return STATUS_OK;
}

static Status add_text(Reader *r)
{
    size_t size = 0;
    TRY(take_count(&size, r));
    json_quote(&r->out, str_slice(r->in, r->at, r->at + size));
    r->at += size;
    return STATUS_OK;
}

static Status add_value(Reader *r, char type, size_t depth);

static Status add_object(Reader *r, size_t depth)
{
    buffer_char(&r->out, '{');
    for (bool first = true;; first = false) {
        if (r->at == r->in.size)
            return fault(r, "the bytes end");
        if (r->in.data[r->at] == '}')
            break;
        char type;
        if (!first)
            buffer_char(&r->out, ',');
        TRY(add_text(r));
        buffer_char(&r->out, ':');
        TRY(take_marker(&type, r));
        TRY(add_value(r, type, depth));
    }
    r->at++;
    buffer_char(&r->out, '}');
    return STATUS_OK;
}

static Status add_typed(Reader *r)
{
    char type, mark;
    size_t count = 0;
    TRY(take_marker(&type, r));
    TRY(take_marker(&mark, r));
    if (width_of(type) == 0 || mark != '#')
        return fault(r, "a typed array is not of numbers");
    TRY(take_count(&count, r));
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        TRY(take(&bits, r, width_of(type)));
        if (i > 0)
            buffer_char(&r->out, ',');
        add_number(&r->out, type, bits);
    }
    return STATUS_OK;
}

static Status add_array(Reader *r, size_t depth)
{
    size_t count = SIZE_MAX; /* unknown: until the closing bracket */
    char type = r->at < r->in.size ? r->in.data[r->at] : '\0';
    buffer_char(&r->out, '[');
    if (type == '$') {
        r->at++;
        TRY(add_typed(r));
        buffer_char(&r->out, ']');
        return STATUS_OK;
    }
    if (type == '#') {
        r->at++;
        TRY(take_count(&count, r));
    }
    for (size_t i = 0; i < count; i++) {
        TRY(take_marker(&type, r));
        if (type == ']' && count == SIZE_MAX)
            break;
        if (i > 0)
            buffer_char(&r->out, ',');
        TRY(add_value(r, type, depth));
    }
    buffer_char(&r->out, ']');
    return STATUS_OK;
}

static Status add_value(Reader *r, char type, size_t depth)
{
    uint64_t bits = 0;
    if (depth == DEPTH_MAX)
        return error_set(r->err, STATUS_LIMIT, "the model nests deeper than %d", DEPTH_MAX);
    /* A byte may become five characters of text. */
    if (r->out.size > MODEL_BYTES_MAX)
        return error_set(r->err, STATUS_LIMIT, "the model has more than %d bytes as JSON",
                         MODEL_BYTES_MAX);
    switch (type) {
    case '{':
        return add_object(r, depth + 1);
    case '[':
        return add_array(r, depth + 1);
    case 'S':
        return add_text(r);
    case 'T':
        buffer_add(&r->out, S("true"));
        return STATUS_OK;
    case 'F':
        buffer_add(&r->out, S("false"));
        return STATUS_OK;
    case 'Z':
        buffer_add(&r->out, S("null"));
        return STATUS_OK;
    default:
        if (width_of(type) == 0)
            return fault(r, "a value of a type that XGBoost does not write");
        TRY(take(&bits, r, width_of(type)));
        add_number(&r->out, type, bits);
        return STATUS_OK;
    }
}

/* After its opening brace JSON has space, a quote or a brace; XGBoost's UBJSON a key's length. */
bool ubj_is(Str bytes)
{
    return bytes.size >= 2 && bytes.data[0] == '{' && width_of(bytes.data[1]) > 0;
}

Status ubj_to_json(Str *out, Arena *keep, Str bytes, Error *err)
{
    Reader r = {.in = bytes, .out = buffer_new(keep), .err = err};
    char type;
    TRY(take_marker(&type, &r));
    TRY(add_value(&r, type, 0));
    if (r.at != bytes.size)
        return fault(&r, "bytes after the model's end");
    *out = buffer_str(&r.out);
    return STATUS_OK;
}
