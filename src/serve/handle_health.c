/* handle_health.c - health and metrics. */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <string.h>

static void live(Exchange *x)
{
    reply_json(x, 200, S("{\"status\":\"live\"}"));
}

/* Ready while it is not told to stop: what needs the store is answered by 503 when it is down, and
 * `store` says so; what does not is answered all the same. */
static void ready(Exchange *x)
{
    Service *s = x->service;
    bool draining = atomic_load(&s->draining), down = atomic_load(&s->database_down);
    Served *v = served_take(s);
    Document d;
    document_open(&d, x->arena);
    document_text(&d, d.root, "status", draining ? S("draining") : S("ready"));
    document_text(&d, d.root, "bundle",
                  str_copy(x->arena, str_from(answer_bundle(v->champion)->id)));
    if (v->challenger != NULL)
        document_text(&d, d.root, "challenger",
                      str_copy(x->arena, str_from(answer_bundle(v->challenger)->id)));
    document_text(&d, d.root, "store",
                  s->database == NULL ? S("none")
                  : down              ? S("down")
                                      : S("up"));
    yyjson_mut_val *parts = document_object(&d, d.root, "answers");
    document_truth(&d, parts, "model", true);
    document_truth(&d, parts, "inference", true);
    document_truth(&d, parts, "score", !down);
    document_truth(&d, parts, "store", s->database != NULL && !down);
    reply_json(x, draining ? 503 : 200, str_trim(document_write(&d, false)));
    served_drop(v);
}

static void metrics(Exchange *x)
{
    reply_text(x, 200, "text/plain; version=0.0.4; charset=utf-8",
               telemetry_text(x->service->telemetry, x->arena));
}

const Route routes_health[] = {
    {"GET", "/healthz", SCOPE_OPEN, live, .admin = true},
    {"GET", "/readyz", SCOPE_OPEN, ready, .admin = true},
    {"GET", "/", SCOPE_OPEN, ready, .admin = true},
    {"GET", "/metrics", SCOPE_METRICS, metrics, .gives = "text/plain", .admin = true},
    {0}};
