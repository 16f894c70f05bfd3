/* openapi.c - the service's OpenAPI document: spec/openapi.yaml, which is part of the program, with
 * the columns of the bundle's schema book and the base path put where they belong. */
#include "answer/answer_internal.h"

#include <assert.h>
#include <string.h>

/* ---- YAML to JSON ---- */

static yyjson_mut_val *scalar(Document *j, const Node *n)
{
    double number;
    int64_t whole;
    if (n->quoted)
        return yyjson_mut_strn(j->doc, n->text.data, n->text.size);
    if (n->text.size == 0 || str_equal(n->text, S("null")))
        return yyjson_mut_null(j->doc);
    if (str_equal(n->text, S("true")) || str_equal(n->text, S("false")))
        return yyjson_mut_bool(j->doc, n->text.data[0] == 't');
    if (parse_int64(n->text, &whole))
        return yyjson_mut_int(j->doc, whole);
    if (parse_double(n->text, &number))
        return yyjson_mut_real(j->doc, number);
    return yyjson_mut_strn(j->doc, n->text.data, n->text.size);
}

/* What the JSON of a request may hold in such a column. */
static void add_types(Document *j, yyjson_mut_val *in, const SchemaColumn *c)
{
    static const char *const texts[] = {"string", "number", "null"};
    static const char *const truths[] = {"boolean", "string", "null"};
    const char *const *types = c->type == TYPE_BOOLEAN ? truths : texts;
    yyjson_mut_val *list = document_list(j, in, "type");
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        document_text(j, list, NULL, str_from(types[i]));
    if (c->values.count == 0)
        return;
    list = document_list(j, in, "enum");
    for (size_t i = 0; i < c->values.count; i++)
        document_text(j, list, NULL, c->values.item[i].text);
    document_null(j, list, NULL);
}

static Str description_of(Document *j, const AnswerColumn *c)
{
    static const char *const types[] = {[TYPE_BOOLEAN] = "true or false",
                                        [TYPE_INT64] = "whole number",
                                        [TYPE_DECIMAL] = "decimal",
                                        [TYPE_DOUBLE] = "number",
                                        [TYPE_CATEGORY] = "category",
                                        [TYPE_TEXT] = "text",
                                        [TYPE_TIME] = "time",
                                        [TYPE_DATE] = "date",
                                        [TYPE_DURATION] = "duration"};
    return str_format(j->arena, "%.*s%s(%s%s)", STR_ARG(c->schema->says.text),
                      c->schema->says.text.size > 0 ? " " : "", types[c->schema->type],
                      c->outcome ? "; the outcome, which is never an input" : "");
}

static yyjson_mut_val *columns_schema(Document *j, const char *says, AnswerColumns columns)
{
    yyjson_mut_val *schema = yyjson_mut_obj(j->doc);
    document_text(j, schema, "type", S("object"));
    document_truth(j, schema, "additionalProperties", false);
    document_text(j, schema, "description", str_from(says));
    yyjson_mut_val *required = yyjson_mut_arr(j->doc);
    for (size_t i = 0; i < columns.count; i++)
        if (columns.item[i].needed)
            document_text(j, required, NULL, columns.item[i].name);
    if (yyjson_mut_arr_size(required) > 0)
        (void)yyjson_mut_obj_add_val(j->doc, schema, "required", required);
    yyjson_mut_val *properties = document_object(j, schema, "properties");
    for (size_t i = 0; i < columns.count; i++) {
        const AnswerColumn *c = &columns.item[i];
        yyjson_mut_val *one = yyjson_mut_obj(j->doc);
        add_types(j, one, c->schema);
        document_text(j, one, "description", description_of(j, c));
        (void)yyjson_mut_obj_add(properties, yyjson_mut_strn(j->doc, c->name.data, c->name.size),
                                 one);
    }
    return schema;
}

static yyjson_mut_val *value_of(Document *j, const Node *n)
{
    if (n->kind == NODE_SCALAR)
        return scalar(j, n);
    yyjson_mut_val *out = n->kind == NODE_LIST ? yyjson_mut_arr(j->doc) : yyjson_mut_obj(j->doc);
    for (size_t i = 0; i < n->count; i++) {
        yyjson_mut_val *item = value_of(j, &n->item[i]);
        if (n->kind == NODE_LIST)
            (void)yyjson_mut_arr_append(out, item);
        else
            (void)yyjson_mut_obj_add(
                out, yyjson_mut_strn(j->doc, n->key[i].text.data, n->key[i].text.size), item);
    }
    return out;
}

/* ---- what the bundle and the settings say ---- */

static void replace(Document *j, yyjson_mut_val *in, const char *key, yyjson_mut_val *with)
{
    bool there = yyjson_mut_obj_replace(in, yyjson_mut_str(j->doc, key), with);
    assert(there);
    (void)there;
}

Status answer_openapi(Str *out, Arena *keep, const Answerer *a, Str base_path, Error *err)
{
    Node *node;
    Document d;
    TRY(book_parse(&node, keep, book_default_text("openapi"), "openapi.yaml", err));
    document_open(&d, keep);
    d.root = value_of(&d, node);
    yyjson_mut_doc_set_root(d.doc, d.root);
    yyjson_mut_val *server = yyjson_mut_arr_get_first(yyjson_mut_obj_get(d.root, "servers"));
    Str url = base_path.size == 0 ? S("/") : base_path;
    replace(&d, server, "url", yyjson_mut_strn(d.doc, url.data, url.size));
    yyjson_mut_val *schemas =
        yyjson_mut_obj_get(yyjson_mut_obj_get(d.root, "components"), "schemas");
    replace(&d, schemas, "Customer",
            columns_schema(&d, "What is known of a customer; what is left out is missing",
                           a->customer));
    replace(&d, schemas, "Transaction",
            columns_schema(&d,
                           "A version of a transaction; what is required may be null where it is "
                           "not known",
                           a->transaction));
    *out = str_trim(document_write(&d, false));
    return STATUS_OK;
}
