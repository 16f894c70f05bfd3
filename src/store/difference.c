/* difference.c - the first place where a decision made again is not the recorded one. */
#include "store/store_internal.h"

typedef struct Walk {
    Arena *keep;
    Difference *out;
} Walk;

static Str value_text(Arena *keep, yyjson_val *v)
{
    yyjson_alc memory = arena_memory(keep);
    size_t size = 0;
    char *text = v == NULL
                     ? NULL
                     : yyjson_val_write_opts(v, YYJSON_WRITE_ESCAPE_UNICODE, &memory, &size, NULL);
    return text == NULL ? S("nothing") : (Str){text, size};
}

static bool differ(Walk *w, Str where, yyjson_val *a, yyjson_val *b)
{
    *w->out = (Difference){where, value_text(w->keep, a), value_text(w->keep, b)};
    return true;
}

static bool walk(Walk *w, Str where, yyjson_val *a, yyjson_val *b);

static bool walk_list(Walk *w, Str where, yyjson_val *a, yyjson_val *b)
{
    size_t most = yyjson_arr_size(a) > yyjson_arr_size(b) ? yyjson_arr_size(a) : yyjson_arr_size(b);
    for (size_t i = 0; i < most; i++)
        if (walk(w, str_format(w->keep, "%.*s[%zu]", STR_ARG(where), i), yyjson_arr_get(a, i),
                 yyjson_arr_get(b, i)))
            return true;
    return false;
}

static bool walk_object(Walk *w, Str where, yyjson_val *a, yyjson_val *b)
{
    yyjson_obj_iter left = yyjson_obj_iter_with(a), right = yyjson_obj_iter_with(b);
    for (;;) {
        yyjson_val *x = yyjson_obj_iter_next(&left), *y = yyjson_obj_iter_next(&right);
        yyjson_val *named = x == NULL ? y : x;
        if (named == NULL)
            return false;
        Str key = {yyjson_get_str(named), yyjson_get_len(named)};
        Str here = str_format(w->keep, "%.*s%s%.*s", STR_ARG(where), where.size > 0 ? "." : "",
                              STR_ARG(key));
        if (x == NULL || y == NULL || !yyjson_equals(x, y)) /* another key here */
            return differ(w, here, x == NULL ? NULL : yyjson_obj_iter_get_val(x),
                          y == NULL ? NULL : yyjson_obj_get(b, key.data));
        if (walk(w, here, yyjson_obj_iter_get_val(x), yyjson_obj_iter_get_val(y)))
            return true;
    }
}

/* Decisions are not deep: a line of our own has four floors. */
static bool walk(Walk *w, Str where, yyjson_val *a, yyjson_val *b)
{
    if (a == NULL || b == NULL || yyjson_get_type(a) != yyjson_get_type(b))
        return a == b ? false : differ(w, where, a, b);
    if (yyjson_is_obj(a))
        return walk_object(w, where, a, b);
    if (yyjson_is_arr(a))
        return walk_list(w, where, a, b);
    return yyjson_equals(a, b) ? false : differ(w, where, a, b);
}

static yyjson_doc *read_body(Arena *keep, Str body)
{
    Buffer b = buffer_new(keep);
    buffer_char(&b, '{');
    buffer_add(&b, body);
    buffer_char(&b, '}');
    return yyjson_read(b.data, b.size, 0);
}

bool store_difference(Difference *out, Arena *keep, Str recorded, Str made)
{
    if (str_equal(recorded, made))
        return false;
    yyjson_doc *a = read_body(keep, recorded), *b = read_body(keep, made);
    Walk w = {keep, out};
    *out = (Difference){S("the line"), recorded, made}; /* the same values, written otherwise */
    if (a != NULL && b != NULL)
        (void)walk(&w, S(""), yyjson_doc_get_root(a), yyjson_doc_get_root(b));
    yyjson_doc_free(a);
    yyjson_doc_free(b);
    return true;
}
