#include "cli/cli_internal.h"

#include "cli/pane.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static void write_line(yyjson_mut_doc *doc)
{
    char *json = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
    if (json != NULL)
        (void)fprintf(stderr, "%s\n", json);
    free(json);
    yyjson_mut_doc_free(doc);
}

/* One JSON object on stderr. Pairs of key and text, ended by NULL. */
static void json_line(const char *first, ...)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *o = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, o);
    va_list args;
    va_start(args, first);
    for (const char *key = first; key != NULL; key = va_arg(args, const char *)) {
        const char *text = va_arg(args, const char *);
        if (text != NULL && text[0] != '\0')
            (void)yyjson_mut_obj_add_strcpy(doc, o, key, text);
    }
    va_end(args);
    write_line(doc);
}

void talk(const Args *args, const char *format, ...)
{
    if (args->quiet)
        return;
    char text[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    watch_hush(args->watch);
    if (args->log == LOG_JSON)
        json_line("level", "info", "message", text, (char *)NULL);
    else
        (void)fprintf(stderr, "%s: %s\n", args->program, text);
    watch_resume(args->watch);
}

void talk_replacing(const Args *args, const char *folder)
{
    Arena scratch = *args->arena;
    char text[TIME_TEXT];
    int64_t at;
    if (file_written(&at, path_join(&scratch, folder, "run.json"))) {
        Str when = time_text(text, at - at % 1000000);
        talk(args, "replacing the run of %.*s in %s", STR_ARG(when), folder);
    }
}

void talk_findings(const Args *args, const Findings *findings, size_t from, Severity least)
{
    for (size_t i = from; i < findings->count; i++) {
        const Finding *f = &findings->item[i];
        if (f->severity >= least)
            talk(args, "%.*s: %.*s", STR_ARG(f->what), STR_ARG(f->done));
    }
}

void answer(Str text)
{
    (void)fwrite(text.data, 1, text.size, stdout);
    (void)fputc('\n', stdout);
}

void report_error(const Args *args, const Error *err)
{
    char place[400] = "";
    if (err->file[0] != '\0' && err->line > 0)
        (void)snprintf(place, sizeof place, "%s:%lld:%lld", err->file, (long long)err->line,
                       (long long)(err->column > 0 ? err->column : 1));
    else if (err->file[0] != '\0')
        (void)snprintf(place, sizeof place, "%s", err->file);
    if (args->log == LOG_JSON) {
        json_line("level", "error", "message", err->message, "place", place, "excerpt",
                  err->excerpt, "remedy", err->remedy, (char *)NULL);
        return;
    }
    /* An id or a path may hold what a terminal obeys. */
    Arena own = arena_new();
    Str message = terminal_text(&own, str_from(err->message), true);
    Str where = terminal_text(&own, str_from(place), true);
    Str remedy = terminal_text(&own, str_from(err->remedy), true);
    (void)fprintf(stderr, "%s: error: %.*s\n", args->program, STR_ARG(message));
    if (where.size > 0)
        (void)fprintf(stderr, "  place:  %.*s\n", STR_ARG(where));
    if (err->excerpt[0] != '\0')
        (void)fprintf(stderr, "    %s\n    %*s^\n", err->excerpt, (int)err->caret, "");
    if (remedy.size > 0)
        (void)fprintf(stderr, "  remedy: %.*s\n", STR_ARG(remedy));
    arena_free(&own);
}

void progress_json(const char *stage, double seconds, double share, double left)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *o = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, o);
    (void)yyjson_mut_obj_add_str(doc, o, "level", "progress");
    (void)yyjson_mut_obj_add_strcpy(doc, o, "stage", stage);
    (void)yyjson_mut_obj_add_real(doc, o, "seconds", seconds);
    if (left >= 0) {
        (void)yyjson_mut_obj_add_real(doc, o, "done", share);
        (void)yyjson_mut_obj_add_real(doc, o, "seconds_left", left);
    }
    write_line(doc);
}

void stopped_line(const Args *args, const char *kept)
{
    static const char message[] = "stopped before the end: what was being written is not complete";
    char remedy[400] = "";
    if (kept != NULL)
        (void)snprintf(remedy, sizeof remedy, "the same command goes on from %s", kept);
    if (args->log == LOG_JSON)
        json_line("level", "error", "message", message, "remedy", remedy, (char *)NULL);
    else
        (void)fprintf(stderr, "%s: %s%s%s\n", args->program, message, kept == NULL ? "" : "; ",
                      remedy);
}

void stopping_line(const Args *args)
{
    static const char message[] = "stopping: what is finished is kept (once more: at once)";
    if (args->log == LOG_JSON)
        json_line("level", "info", "message", message, (char *)NULL);
    else
        (void)fprintf(stderr, "%s: %s\n", args->program, message);
}
