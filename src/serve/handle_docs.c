/* handle_docs.c - the OpenAPI document, as it is and as a page for people.
 *
 * The page is plain HTML made here from the document: nothing is fetched, no script runs.
 */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>
static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1f24;background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;"
    "border-bottom:1px solid #d0d7de}h3{font-size:1rem;margin:1.5rem 0 .25rem}"
    "code,.m{font-family:ui-monospace,monospace;font-size:.9em}.m{font-weight:600;"
    "display:inline-block;min-width:4.5rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;"
    "border-bottom:1px solid #eaeef2}p{margin:.25rem 0}.t{color:#57606a}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}"
    "h2,th,td{border-color:#30363d}.t{color:#8d96a0}a{color:#6cb6ff}}";

static void add(Buffer *b, const char *text)
{
    buffer_add(b, str_from(text));
}

/* What stands in the document may be a bank's own words. */
static void add_text(Buffer *b, Str text)
{
    for (size_t i = 0; i < text.size; i++)
        switch (text.data[i]) {
        case '<':
            add(b, "&lt;");
            break;
        case '>':
            add(b, "&gt;");
            break;
        case '&':
            add(b, "&amp;");
            break;
        case '"':
            add(b, "&quot;");
            break;
        default:
            buffer_char(b, text.data[i]);
        }
}

static Str text_at(yyjson_val *object, const char *key)
{
    yyjson_val *v = yyjson_obj_get(object, key);
    return (Str){yyjson_get_str(v), yyjson_get_len(v)};
}

static Str key_text(yyjson_val *key)
{
    return (Str){yyjson_get_str(key), yyjson_get_len(key)};
}

static void add_paragraph(Buffer *b, Str text)
{
    if (text.size == 0)
        return;
    add(b, "<p>");
    add_text(b, text);
    add(b, "</p>\n");
}

/* The last part of "#/components/schemas/Name". */
static Str reference_name(yyjson_val *v)
{
    Str r = text_at(v, "$ref");
    for (size_t i = r.size; i > 0; i--)
        if (r.data[i - 1] == '/')
            return str_slice(r, i, r.size);
    return r;
}

/* A type in a few words: a link to a schema, "array of ...", "text or null", the choices. */
static void add_type(Buffer *b, yyjson_val *schema, int depth)
{
    Str name = reference_name(schema);
    yyjson_val *type = yyjson_obj_get(schema, "type"), *choices = yyjson_obj_get(schema, "enum");
    yyjson_val *items = yyjson_obj_get(schema, "items"), *item;
    size_t i, count;
    if (name.size > 0) {
        add(b, "<a href=\"#");
        add_text(b, name);
        add(b, "\">");
        add_text(b, name);
        add(b, "</a>");
        return;
    }
    if (choices != NULL) {
        yyjson_arr_foreach(choices, i, count, item)
        {
            add(b, i == 0 ? "<code>" : ", <code>");
            add_text(b, key_text(item));
            add(b, "</code>");
        }
        return;
    }
    if (yyjson_is_str(type))
        add_text(b, key_text(type));
    else
        yyjson_arr_foreach(type, i, count, item)
        {
            add(b, i == 0 ? "" : " or ");
            add_text(b, key_text(item));
        }
    if (items != NULL && depth < 4) {
        add(b, " of ");
        add_type(b, items, depth + 1);
    }
}

static bool is_required(yyjson_val *schema, Str name)
{
    yyjson_val *item;
    size_t i, count;
    yyjson_arr_foreach(yyjson_obj_get(schema, "required"), i, count, item)
    {
        if (str_equal(key_text(item), name))
            return true;
    }
    return false;
}

static void add_schema(Buffer *b, Str name, yyjson_val *schema)
{
    yyjson_val *properties = yyjson_obj_get(schema, "properties"), *key, *value;
    size_t i, count;
    add(b, "<h3 id=\"");
    add_text(b, name);
    add(b, "\">");
    add_text(b, name);
    add(b, "</h3>\n");
    add_paragraph(b, text_at(schema, "description"));
    if (properties == NULL) {
        add(b, "<p class=\"t\">");
        add_type(b, schema, 0);
        add(b, "</p>\n");
        return;
    }
    add(b, "<table>\n");
    yyjson_obj_foreach(properties, i, count, key, value)
    {
        add(b, "<tr><td><code>");
        add_text(b, key_text(key));
        add(b, "</code>");
        add(b, is_required(schema, key_text(key)) ? " *" : "");
        add(b, "</td><td class=\"t\">");
        add_type(b, value, 0);
        add(b, "</td><td>");
        add_text(b, text_at(value, "description"));
        add(b, "</td></tr>\n");
    }
    add(b, "</table>\n");
}

/* Of the first content type of a request or a reply: its schema. */
static void add_content(Buffer *b, const char *before, yyjson_val *of)
{
    yyjson_val *key, *value;
    size_t i, count;
    yyjson_obj_foreach(yyjson_obj_get(of, "content"), i, count, key, value)
    {
        add(b, before);
        add(b, "<code>");
        add_text(b, key_text(key));
        add(b, "</code> ");
        add_type(b, yyjson_obj_get(value, "schema"), 0);
        return;
    }
}

static void add_operation(Buffer *b, Str path, Str method, yyjson_val *o)
{
    yyjson_val *key, *value;
    size_t i, count;
    add(b, "<h3><span class=\"m\">");
    for (size_t k = 0; k < method.size; k++)
        buffer_char(b, (char)(method.data[k] & ~0x20));
    add(b, "</span> <code>");
    add_text(b, path);
    add(b, "</code></h3>\n<p><strong>");
    add_text(b, text_at(o, "summary"));
    add(b, "</strong></p>\n");
    add_paragraph(b, text_at(o, "description"));
    add(b, "<p class=\"t\">");
    add_content(b, "Takes ", yyjson_obj_get(o, "requestBody"));
    add(b, "</p>\n<table>\n");
    yyjson_obj_foreach(yyjson_obj_get(o, "responses"), i, count, key, value)
    {
        Str name = reference_name(value);
        add(b, "<tr><td><code>");
        add_text(b, key_text(key));
        add(b, "</code></td><td>");
        add_text(b, name.size > 0 ? name : text_at(value, "description"));
        add(b, "</td><td class=\"t\">");
        add_content(b, "", value);
        add(b, "</td></tr>\n");
    }
    add(b, "</table>\n");
}

static void add_page(Buffer *b, yyjson_val *root)
{
    static const char *const methods[] = {"get", "put", "post", "delete"};
    yyjson_val *info = yyjson_obj_get(root, "info"), *key, *value;
    size_t i, count;
    add(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    add_text(b, text_at(info, "title"));
    add(b, "</title><link rel=\"stylesheet\" href=\"docs/style.css\"></head><body>\n<h1>");
    add_text(b, text_at(info, "title"));
    add(b, "</h1>\n");
    add_paragraph(b, text_at(info, "summary"));
    add_paragraph(b, text_at(info, "description"));
    add(b, "<p>The same for programs: <a href=\"openapi.json\">openapi.json</a></p>\n"
           "<h2>Paths</h2>\n");
    yyjson_obj_foreach(yyjson_obj_get(root, "paths"), i, count, key, value)
    {
        for (size_t m = 0; m < COUNT_OF(methods); m++) {
            yyjson_val *o = yyjson_obj_get(value, methods[m]);
            if (o != NULL)
                add_operation(b, key_text(key), str_from(methods[m]), o);
        }
    }
    add(b, "<h2>Schemas</h2>\n<p class=\"t\">* must be there</p>\n");
    yyjson_obj_foreach(yyjson_obj_get(yyjson_obj_get(root, "components"), "schemas"), i, count, key,
                       value)
    {
        add_schema(b, key_text(key), value);
    }
    add(b, "</body></html>\n");
}

/* Both are the same for as long as the bundles are, and strangers may ask for them: they are made
 * once. False: a reply was set. Under the lock. */
static bool make(Exchange *x)
{
    Error err = {0};
    Str text;
    Served *v = x->served;
    if (v->page.size > 0)
        return true;
    if (answer_openapi(&text, x->arena, v->champion, x->service->base_path, &err) != STATUS_OK) {
        reply_error(x, &err);
        return false;
    }
    yyjson_alc memory = arena_memory(&x->scratch);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.size, YYJSON_READ_NOFLAG,
                                       &memory, NULL);
    Buffer b = buffer_new(x->arena);
    add_page(&b, yyjson_doc_get_root(doc));
    char *openapi = strndup(text.data, text.size), *html = strndup(b.data, b.size);
    if (openapi == NULL || html == NULL) {
        free(openapi);
        free(html);
        refuse_overloaded(x, "memory");
        return false;
    }
    v->openapi = (Str){openapi, text.size};
    v->page = (Str){html, b.size};
    return true;
}

/* They live as long as x->served, which the exchange holds. */
static bool made(Exchange *x)
{
    (void)pthread_mutex_lock(&x->served->showing);
    bool done = make(x);
    (void)pthread_mutex_unlock(&x->served->showing);
    return done;
}

static void openapi_json(Exchange *x)
{
    if (made(x))
        reply_json(x, 200, x->served->openapi);
}

/* Every JSON text is YAML. */
static void openapi_yaml(Exchange *x)
{
    if (made(x))
        reply_text(x, 200, "application/yaml", x->served->openapi);
}

static void page(Exchange *x)
{
    if (!made(x))
        return;
    reply_header(x, "Content-Security-Policy",
                 "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
                 "frame-ancestors 'none'");
    reply_text(x, 200, "text/html; charset=utf-8", x->served->page);
}

static void page_style(Exchange *x)
{
    reply_text(x, 200, "text/css; charset=utf-8", str_from(style));
}

const Route routes_docs[] = {
    {"GET", "/openapi.json", SCOPE_OPEN, .handle = openapi_json},
    {"GET", "/openapi.yaml", SCOPE_OPEN, .handle = openapi_yaml, .gives = "application/yaml"},
    {"GET", "/docs", SCOPE_OPEN, .handle = page, .gives = "text/html"},
    {"GET", "/docs/style.css", SCOPE_OPEN, .handle = page_style, .gives = "text/css"},
    {0}};
