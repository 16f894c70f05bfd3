#include "cli/cli_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

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
    char *json = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
    if (json != NULL)
        (void)fprintf(stderr, "%s\n", json);
    free(json);
    yyjson_mut_doc_free(doc);
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
    if (args->log == LOG_JSON)
        json_line("level", "info", "message", text, (char *)NULL);
    else
        (void)fprintf(stderr, "%s: %s\n", args->program, text);
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
    (void)fprintf(stderr, "%s: error: %s\n", args->program, err->message);
    if (place[0] != '\0')
        (void)fprintf(stderr, "  place:  %s\n", place);
    if (err->excerpt[0] != '\0')
        (void)fprintf(stderr, "    %s\n    %*s^\n", err->excerpt, (int)err->caret, "");
    if (err->remedy[0] != '\0')
        (void)fprintf(stderr, "  remedy: %s\n", err->remedy);
}

/* On a terminal one line that moves; elsewhere one line when a stage begins. */
void progress_line(void *context, const char *stage, size_t done, size_t total)
{
    const Args *args = context;
    if (args->quiet)
        return;
    bool terminal = isatty(STDERR_FILENO) != 0;
    if (args->log == LOG_JSON || !terminal) {
        if (done == 0)
            talk(args, "%s", stage);
        return;
    }
    char bar[31];
    size_t filled = total == 0 ? 0 : done * 30 / total;
    memset(bar, '.', 30);
    memset(bar, '#', filled > 30 ? 30 : filled);
    bar[30] = '\0';
    (void)fprintf(stderr, "\r\033[K%s: %-24s [%s] %zu/%zu%s", args->program, stage, bar, done,
                  total, done >= total ? "\r\033[K" : "");
    (void)fflush(stderr);
}
