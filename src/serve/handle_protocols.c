/* handle_protocols.c - the Open Inference Protocol (/v2) and Vertex AI's two routes.
 *
 * The model's name is "assay"; its versions are bundles, by their id or the beginning of it.
 */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LEAST = 8 /* digits of a bundle's id that name it */ };

static bool knows_model(Exchange *x)
{
    Str name = x->parameters[0], version = x->parameters[1];
    Str id = str_from(answer_bundle(x->served->champion)->id);
    if (!str_equal(name, S("assay"))) {
        reply_problem(x, 404, "no_such_model", NULL, "the one model here is named assay");
        return false;
    }
    if (version.size > 0 && !(version.size >= ID_LEAST && str_starts(id, version))) {
        reply_problem(x, 404, "no_such_version", NULL, "the version that answers is %.12s",
                      id.data);
        return false;
    }
    return true;
}

static void live(Exchange *x)
{
    reply_json(x, 200, S("{\"live\":true}"));
}

static void ready(Exchange *x)
{
    bool draining = atomic_load(&x->service->draining);
    reply_json(x, draining ? 503 : 200, draining ? S("{\"ready\":false}") : S("{\"ready\":true}"));
}

static void model_ready(Exchange *x)
{
    if (knows_model(x))
        ready(x);
}

static void server(Exchange *x)
{
    reply_json(x, 200,
               S("{\"name\":\"assay\",\"version\":\"" ASSAY_VERSION "\",\"extensions\":[]}"));
}

static void metadata(Exchange *x)
{
    if (knows_model(x))
        reply_json(x, 200, answer_model_metadata(x->arena, x->served->champion));
}

static void infer(Exchange *x)
{
    Str out;
    size_t rows;
    Fault fault = {0};
    Error err = {0};
    if (!knows_model(x))
        return;
    if (answer_infer(&out, &rows, x->arena, x->scratch, x->served->champion, x->body,
                     &x->service->settings->limits.answer, &fault, &err) == STATUS_OK)
        reply_json(x, 200, out);
    else if (fault.code != NULL)
        reply_fault(x, &fault);
    else
        reply_error(x, &err);
}

/* ---- Vertex AI: {"instances": [request, ...], "parameters": {...}} to {"predictions": [...]} ----
 */

/* An instance as a request of its own: the parameters are fields of every one that does not say
 * them itself. */
static Str instance_text(Arena *keep, yyjson_mut_doc *doc, yyjson_val *instance,
                         yyjson_val *parameters, const yyjson_alc *memory)
{
    size_t size = 0;
    yyjson_mut_val *one = yyjson_val_mut_copy(doc, instance);
    yyjson_val *key;
    yyjson_obj_iter at = yyjson_obj_iter_with(parameters);
    while ((key = yyjson_obj_iter_next(&at)) != NULL) {
        const char *name = yyjson_get_str(key);
        if (yyjson_obj_getn(instance, name, yyjson_get_len(key)) == NULL)
            (void)yyjson_mut_obj_add(one, yyjson_val_mut_copy(doc, key),
                                     yyjson_val_mut_copy(doc, yyjson_obj_iter_get_val(key)));
    }
    (void)keep;
    char *text = yyjson_mut_val_write_opts(one, YYJSON_WRITE_NOFLAG, memory, &size, NULL);
    return (Str){text, text == NULL ? 0 : size};
}

static void predict_all(Exchange *x, yyjson_doc *body, const yyjson_alc *memory)
{
    yyjson_val *root = yyjson_doc_get_root(body), *instance;
    yyjson_val *instances = yyjson_obj_get(root, "instances");
    yyjson_val *parameters = yyjson_obj_get(root, "parameters");
    yyjson_mut_doc *doc = yyjson_mut_doc_new(memory);
    Buffer b = buffer_new(ARENA_NEW(x->arena, Arena));
    size_t i, count;
    if (!yyjson_is_arr(instances)) {
        reply_problem(x, 422, "missing_field", "/instances",
                      "send {\"instances\": [...]}, a request of /v1/score each");
        return;
    }
    if (parameters != NULL && !yyjson_is_obj(parameters)) {
        reply_problem(x, 422, "wrong_type", "/parameters", "parameters must be an object");
        return;
    }
    Arena text = arena_new();
    *b.arena = text;
    buffer_add(&b, S("{\"predictions\":["));
    yyjson_arr_foreach(instances, i, count, instance)
    {
        Answer a;
        Fault fault = {0};
        Error err = {0};
        char pointer[320];
        Str one = yyjson_is_obj(instance)
                      ? instance_text(x->arena, doc, instance, parameters, memory)
                      : S("0"); /* refused as no object, in the same words as elsewhere */
        Asked asked = {one, {0}, x->now_us, x->trace_id, x->span_id};
        Status status =
            serve_answer_one(&a, x->arena, x->scratch, x->service, x->served, &asked, &fault, &err);
        if (status == STATUS_OK) {
            if (i > 0)
                buffer_char(&b, ',');
            buffer_add(&b, a.body);
            continue;
        }
        (void)snprintf(pointer, sizeof pointer, "/instances/%zu%s", i, fault.pointer);
        if (fault.code != NULL)
            reply_problem(x, fault_status(&fault), fault.code, pointer, "%s", fault.detail);
        else
            reply_error(x, &err);
        arena_free(&text);
        return;
    }
    buffer_add(&b, S("]}"));
    reply_json(x, 200, str_copy(x->arena, buffer_str(&b)));
    arena_free(&text);
}

static void predict(Exchange *x)
{
    yyjson_alc memory = arena_memory(x->arena);
    yyjson_read_err why;
    size_t depth = 0;
    /* yyjson's reader does not recurse, but what walks a document may. */
    for (size_t i = 0, deep = 0; i < x->body.size; i++) {
        char c = x->body.data[i];
        deep += c == '[' || c == '{';
        deep -= (c == ']' || c == '}') && deep > 0;
        depth = deep > depth ? deep : depth;
    }
    if (depth > x->service->settings->limits.answer.depth_max + 4) {
        reply_problem(x, 400, "too_deep", NULL, "the body is nested too deeply");
        return;
    }
    yyjson_doc *body = yyjson_read_opts((char *)(uintptr_t)x->body.data, x->body.size,
                                        YYJSON_READ_NOFLAG, &memory, &why);
    if (body == NULL || !yyjson_is_obj(yyjson_doc_get_root(body)))
        reply_problem(x, 400, "not_json", NULL, "the body is not a JSON object");
    else
        predict_all(x, body, &memory);
}

Route *routes_of_vertex(Service *s)
{
    const char *health = getenv("AIP_HEALTH_ROUTE"), *prediction = getenv("AIP_PREDICT_ROUTE");
    size_t n = 0;
    if (health == NULL && prediction == NULL)
        return NULL;
    Route *r = ARENA_ARRAY(&s->keep, Route, 3);
    if (health != NULL && health[0] == '/')
        r[n++] = (Route){"GET", health, SCOPE_OPEN, .handle = ready, .admin = true};
    if (prediction != NULL && prediction[0] == '/')
        r[n++] = (Route){"POST", prediction, SCOPE_SCORE, .handle = predict};
    return r;
}

const Route routes_protocols[] = {
    {"GET", "/v2", SCOPE_OPEN, .handle = server},
    {"GET", "/v2/health/live", SCOPE_OPEN, .handle = live, .admin = true},
    {"GET", "/v2/health/ready", SCOPE_OPEN, .handle = ready, .admin = true},
    {"GET", "/v2/models/{model}", SCOPE_MODEL, .handle = metadata},
    {"GET", "/v2/models/{model}/ready", SCOPE_OPEN, .handle = model_ready},
    {"POST", "/v2/models/{model}/infer", SCOPE_SCORE, .handle = infer},
    {"GET", "/v2/models/{model}/versions/{version}", SCOPE_MODEL, .handle = metadata},
    {"GET", "/v2/models/{model}/versions/{version}/ready", SCOPE_OPEN, .handle = model_ready},
    {"POST", "/v2/models/{model}/versions/{version}/infer", SCOPE_SCORE, .handle = infer},
    {0}};
