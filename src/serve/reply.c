/* reply.c - what a handler answers, and how an error looks to whoever asked. */
#include "serve/serve_internal.h"

#include "record/record.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reply_text(Exchange *x, int status, const char *content_type, Str text)
{
    x->status = status;
    x->content_type = content_type;
    x->reply = text;
}

void reply_json(Exchange *x, int status, Str json)
{
    reply_text(x, status, "application/json", json);
}

void reply_empty(Exchange *x, int status)
{
    reply_text(x, status, NULL, S(""));
}

void reply_header(Exchange *x, const char *name, const char *value)
{
    assert(x->headers < EXCHANGE_HEADERS_MAX);
    x->header_name[x->headers] = name;
    x->header_value[x->headers++] = value;
}

static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad request";
    case 401:
        return "Not authenticated";
    case 403:
        return "Not allowed";
    case 404:
        return "Not found";
    case 405:
        return "Method not allowed";
    case 406:
        return "Not acceptable";
    case 408:
        return "Too slow";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Too large";
    case 415:
        return "Unsupported form";
    case 422:
        return "Cannot be processed";
    case 429:
        return "Too many requests";
    case 503:
        return "Not available now";
    default:
        return status >= 500 ? "Failure of the service" : "Refused";
    }
}

Str problem_text(Arena *keep, int status, const char *code, const char *pointer, Str detail,
                 const char *request_id)
{
    Document d;
    document_open(&d, keep);
    document_text(&d, d.root, "type", str_format(keep, "urn:assay:problem:%s", code));
    document_text(&d, d.root, "title", str_from(title_of(status)));
    document_count(&d, d.root, "status", (uint64_t)status);
    document_text(&d, d.root, "code", str_from(code));
    document_text(&d, d.root, "detail", detail);
    if (pointer != NULL)
        document_text(&d, d.root, "pointer", str_from(pointer));
    document_text(&d, d.root, "request_id", str_from(request_id));
    return str_trim(document_write(&d, false));
}

void reply_problem(Exchange *x, int status, const char *code, const char *pointer,
                   const char *detail, ...)
{
    char text[768];
    va_list args;
    va_start(args, detail);
    (void)vsnprintf(text, sizeof text, detail, args);
    va_end(args);
    x->problem = code;
    reply_text(x, status, "application/problem+json",
               problem_text(x->arena, status, code, pointer, str_copy(x->arena, str_from(text)),
                            x->request_id));
}

int fault_status(const Fault *fault)
{
    static const char *const unreadable[] = {"not_json", "not_utf8", "duplicate_field", "too_deep"};
    static const char *const large[] = {"too_large", "too_many", "too_many_fields", "too_long"};
    for (size_t i = 0; i < COUNT_OF(unreadable); i++)
        if (strcmp(fault->code, unreadable[i]) == 0)
            return 400;
    for (size_t i = 0; i < COUNT_OF(large); i++)
        if (strcmp(fault->code, large[i]) == 0)
            return 413;
    return 422;
}

void reply_fault(Exchange *x, const Fault *fault)
{
    reply_problem(x, fault_status(fault), fault->code, fault->pointer, "%s", fault->detail);
}

void reply_error(Exchange *x, const Error *err)
{
    bool database = err->status == STATUS_IO;
    if (err->status == STATUS_USAGE) { /* only the database says so, of what it was given */
        reply_problem(x, 422, "bad_value", NULL, "the store cannot hold a text of this request");
        return;
    }
    if (err->status == STATUS_LIMIT) { /* of what the store holds of one customer */
        reply_problem(x, 413, "too_many", NULL,
                      "more than %d transactions of a customer would be held", HISTORY_MAX);
        return;
    }
    LogField field[] = {{"error", str_from(err->message), 0},
                        {"request_id", str_from(x->request_id), 0}};
    telemetry_log(x->service->telemetry, LEVEL_ERROR, "a request could not be answered", field,
                  COUNT_OF(field));
    if (database) {
        reply_header(x, "Retry-After", "5");
        reply_problem(x, 503, "store_unavailable", NULL,
                      "the store cannot be reached; try again in a few seconds");
        return;
    }
    reply_problem(x, 500, "internal", NULL,
                  "the service failed; quote the request id to whoever runs it");
}

Str request_header(const Exchange *x, const char *name)
{
    return str_from(MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name));
}

Str request_query(const Exchange *x, const char *name)
{
    Str raw = str_from(MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name));
    Str out;
    return path_unescape(&out, x->arena, raw) ? out : S("");
}
