/* json_schema.c - the JSON Schema of a book, from the table of fields that reads it, so that an
 * editor completes and checks what the program will accept. YAML's null stands for no value and
 * is refused, as book_read does. */
#include "book/book_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <yyjson.h>

typedef yyjson_mut_doc Doc;
typedef yyjson_mut_val Value;

static Value *record(Doc *d, const Field *fields);

static Value *typed(Doc *d, const char *type)
{
    Value *v = yyjson_mut_obj(d);
    (void)yyjson_mut_obj_add_str(d, v, "type", type);
    return v;
}

/* A text is any single value as it is written: 12 and true are texts too. */
static Value *scalar(Doc *d)
{
    static const char *const types[] = {"string", "number", "boolean"};
    Value *v = yyjson_mut_obj(d);
    (void)yyjson_mut_obj_add_val(d, v, "type",
                                 yyjson_mut_arr_with_str(d, (const char **)types, COUNT_OF(types)));
    return v;
}

static Value *list_of(Doc *d, Value *items, bool some)
{
    Value *v = typed(d, "array");
    (void)yyjson_mut_obj_add_val(d, v, "items", items);
    if (some)
        (void)yyjson_mut_obj_add_int(d, v, "minItems", 1);
    return v;
}

/* One text, or a list of them. */
static Value *texts(Doc *d, bool some)
{
    Value *v = yyjson_mut_obj(d), *any = yyjson_mut_arr(d);
    (void)yyjson_mut_arr_append(any, scalar(d));
    (void)yyjson_mut_arr_append(any, list_of(d, scalar(d), some));
    (void)yyjson_mut_obj_add_val(d, v, "anyOf", any);
    return v;
}

static Value *value_of(Doc *d, const Field *f)
{
    Value *v = NULL;
    switch (f->kind) {
    case FIELD_TEXT:
        v = scalar(d);
        if (f->required)
            (void)yyjson_mut_obj_add_int(d, v, "minLength", 1);
        return v;
    case FIELD_REASON:
        return typed(d, "string");
    case FIELD_TEXTS:
        return texts(d, f->required);
    case FIELD_PAIRS:
        v = typed(d, "object");
        (void)yyjson_mut_obj_add_val(d, v, "additionalProperties", scalar(d));
        return v;
    case FIELD_NUMBER:
        return typed(d, "number");
    case FIELD_INTEGER:
        return typed(d, "integer");
    case FIELD_BOOLEAN:
        return typed(d, "boolean");
    case FIELD_DURATION:
        v = typed(d, "string");
        (void)yyjson_mut_obj_add_str(d, v, "pattern", "^[0-9]+(s|min|h|d|w)$");
        return v;
    case FIELD_CHOICE: {
        Value *choices = yyjson_mut_arr(d);
        for (size_t i = 0; f->choices[i] != NULL; i++)
            (void)yyjson_mut_arr_add_str(d, choices, f->choices[i]);
        v = yyjson_mut_obj(d);
        (void)yyjson_mut_obj_add_val(d, v, "enum", choices);
        return v;
    }
    case FIELD_RECORD:
        return record(d, f->fields);
    case FIELD_RECORDS:
        return list_of(d, record(d, f->fields), f->required);
    }
    return v;
}

/* `v` is an object with its type. */
static Value *describe(Doc *d, Value *v, const Field *fields)
{
    Value *properties = yyjson_mut_obj(d), *required = yyjson_mut_arr(d);
    for (const Field *f = fields; f->name != NULL; f++) {
        Value *value = value_of(d, f);
        if (f->says != NULL)
            (void)yyjson_mut_obj_add_str(d, value, "description", f->says);
        (void)yyjson_mut_obj_add_val(d, properties, f->name, value);
        if (f->required)
            (void)yyjson_mut_arr_add_str(d, required, f->name);
    }
    (void)yyjson_mut_obj_add_val(d, v, "properties", properties);
    if (yyjson_mut_arr_size(required) > 0)
        (void)yyjson_mut_obj_add_val(d, v, "required", required);
    (void)yyjson_mut_obj_add_bool(d, v, "additionalProperties", false);
    return v;
}

static Value *record(Doc *d, const Field *fields)
{
    return describe(d, typed(d, "object"), fields);
}

Str book_json_schema(Arena *keep, const Field *fields, const char *title)
{
    size_t size = 0;
    Doc *d = yyjson_mut_doc_new(NULL);
    assert(d != NULL);
    Value *root = yyjson_mut_obj(d);
    (void)yyjson_mut_obj_add_str(d, root, "$schema",
                                 "https://json-schema.org/draft/2020-12/schema");
    (void)yyjson_mut_obj_add_str(d, root, "title", title);
    (void)yyjson_mut_obj_add_str(d, root, "type", "object");
    (void)describe(d, root, fields);
    yyjson_mut_doc_set_root(d, root);
    char *text = yyjson_mut_write(d, YYJSON_WRITE_PRETTY_TWO_SPACES, &size);
    assert(text != NULL); /* the tables are UTF-8 */
    Str out = str_copy(keep, (Str){text, size});
    free(text);
    yyjson_mut_doc_free(d);
    return out;
}
