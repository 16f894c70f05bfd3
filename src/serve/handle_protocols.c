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

/* ---- Vertex AI: {"instances": [request, ...], "parameters": options} to {"predictions": [...]}
 * ----
 */

enum { INSTANCES_MAX = 1000 };

/* An instance as a request of its own; the parameters are the options of those that have none. */
static Str instance_text(yyjson_mut_doc *doc, yyjson_val *instance, yyjson_val *parameters,
                         const yyjson_alc *memory)
{
    size_t size = 0;
    yyjson_mut_val *one = yyjson_val_mut_copy(doc, instance);
    if (parameters != NULL && yyjson_is_obj(instance) &&
        yyjson_obj_get(instance, "options") == NULL)
        (void)yyjson_mut_obj_add_val(doc, one, "options", yyjson_val_mut_copy(doc, parameters));
    char *text = yyjson_mut_val_write_opts(one, YYJSON_WRITE_NOFLAG, memory, &size, NULL);
    return (Str){text, text == NULL ? 0 : size};
}

/* An answer, or in its place why there is none; false: a reply was set, for the store failed. */
static bool predict_one(Exchange *x, Buffer *out, Arena *keep, size_t at, Str request)
{
    Answer a;
    Fault fault = {0};
    Error err = {0};
    char pointer[320];
    Asked asked = {request, {0}, x->now_us, x->trace_id, x->span_id, NULL};
    Status status =
        serve_answer_one(&a, keep, x->scratch, x->service, x->served, &asked, &fault, &err);
    if (status == STATUS_OK) {
        buffer_add(out, a.body);
        return true;
    }
    if (fault.code == NULL) {
        reply_error(x, &err);
        return false;
    }
    (void)snprintf(pointer, sizeof pointer, "/instances/%zu%s", at, fault.pointer);
    buffer_add(out, problem_text(keep, fault_status(&fault), fault.code, pointer,
                                 str_from(fault.detail), x->request_id));
    return true;
}

static void predict_all(Exchange *x, yyjson_val *root, const yyjson_alc *memory)
{
    yyjson_val *instances = yyjson_obj_get(root, "instances"), *instance;
    yyjson_val *parameters = yyjson_obj_get(root, "parameters");
    yyjson_mut_doc *doc = yyjson_mut_doc_new(memory);
    size_t i, count;
    if (!yyjson_is_arr(instances) || yyjson_arr_size(instances) == 0) {
        reply_problem(x, 422, "missing_field", "/instances",
                      "send {\"instances\": [...]}, each of them a request of /v1/score");
        return;
    }
    if (yyjson_arr_size(instances) > INSTANCES_MAX) {
        reply_problem(x, 413, "too_many", "/instances",
                      "send at most %d instances; a batch takes "
                      "any number",
                      INSTANCES_MAX);
        return;
    }
    if (parameters != NULL && !yyjson_is_obj(parameters)) {
        reply_problem(x, 422, "wrong_type", "/parameters", "parameters must be an object");
        return;
    }
    Arena text = arena_new(); /* the reply grows while answers come and go in x->arena */
    Buffer b = buffer_new(&text);
    bool whole = true;
    buffer_add(&b, S("{\"predictions\":["));
    yyjson_arr_foreach(instances, i, count, instance)
    {
        Str one = instance_text(doc, instance, parameters, memory);
        Arena keep = *x->arena;
        if (i > 0)
            buffer_char(&b, ',');
        if (!(whole = predict_one(x, &b, &keep, i, one)))
            break;
    }
    buffer_add(&b, S("]}"));
    if (whole)
        reply_json(x, 200, str_copy(x->arena, buffer_str(&b)));
    arena_free(&text);
}

/* Brackets within brackets, before anything that walks the document by itself. */
static bool too_deep(Str json, size_t most)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"')
            quoted = true;
        else if (c == '[' || c == '{') {
            if (++depth > most)
                return true;
        } else if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

static void predict(Exchange *x)
{
    yyjson_alc memory = arena_memory(x->arena);
    if (too_deep(x->body, x->service->settings->limits.answer.depth_max + 2)) {
        reply_problem(x, 400, "too_deep", NULL, "the body is nested too deeply");
        return;
    }
    yyjson_doc *body = yyjson_read_opts((char *)(uintptr_t)x->body.data, x->body.size,
                                        YYJSON_READ_NOFLAG, &memory, NULL);
    if (body == NULL || !yyjson_is_obj(yyjson_doc_get_root(body)))
        reply_problem(x, 400, "not_json", NULL, "the body is not a JSON object");
    else
        predict_all(x, yyjson_doc_get_root(body), &memory);
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
    {"POST", "/v1/predict", SCOPE_SCORE, .handle = predict},
    {"GET", "/v2", SCOPE_OPEN, .handle = server},
    {"GET", "/v2/health/live", SCOPE_OPEN, .handle = live, .admin = true},
    {"GET", "/v2/health/ready", SCOPE_OPEN, .handle = ready, .admin = true},
    {"GET", "/v2/models/{model}", SCOPE_MODEL, .handle = metadata},
    {"GET", "/v2/models/{model}/ready", SCOPE_OPEN, .handle = model_ready, .health = true},
    {"POST", "/v2/models/{model}/infer", SCOPE_SCORE, .handle = infer},
    {"GET", "/v2/models/{model}/versions/{version}", SCOPE_MODEL, .handle = metadata},
    {"GET", "/v2/models/{model}/versions/{version}/ready", SCOPE_OPEN, .handle = model_ready,
     .health = true},
    {"POST", "/v2/models/{model}/versions/{version}/infer", SCOPE_SCORE, .handle = infer},
    {0}};
