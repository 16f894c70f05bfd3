/* routes.c - which handler a path means. Paths are compared as they are sent, segment by segment,
 * and only what stands for a parameter is unescaped: a slash in an identifier is one when it is
 * sent as %2F. */
#include "serve/serve_internal.h"

#include <stdio.h>
#include <string.h>

static const Route *const tables[] = {routes_health,   routes_docs,      routes_score,
                                      routes_batch,    routes_protocols, routes_store,
                                      routes_feedback, routes_jobs,      routes_pubsub};

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool path_unescape(Str *out, Arena *keep, Str text)
{
    char *to = arena_raw(keep, text.size + 1, 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.size ? hex(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(16 * high + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        to[size++] = c;
    }
    to[size] = '\0';
    *out = (Str){to, size};
    return str_valid_utf8(*out);
}

bool path_under(Str *rest, Str path, Str base_path)
{
    if (!str_starts(path, base_path))
        return false;
    *rest = str_slice(path, base_path.size, path.size);
    if (rest->size == 0)
        *rest = S("/");
    return rest->data[0] == '/';
}

static Str segment(Str *rest)
{
    Str s = str_slice(*rest, 1, rest->size);
    const char *slash = memchr(s.data, '/', s.size);
    size_t size = slash == NULL ? s.size : (size_t)(slash - s.data);
    *rest = str_slice(s, size, s.size);
    return str_slice(s, 0, size);
}

/* The raw parameters of the path when it has the pattern's form. */
static bool has_form(Str pattern, Str path, Str raw[PARAMETERS_MAX])
{
    const char *brace = memchr(pattern.data, '{', pattern.size);
    if (brace == NULL)
        return str_equal(pattern, path);
    if (!str_starts(path, str_slice(pattern, 0, (size_t)(brace - pattern.data))))
        return false;
    size_t n = 0;
    while (pattern.size > 0 && path.size > 0) {
        Str want = segment(&pattern), got = segment(&path);
        brace = memchr(want.data, '{', want.size);
        if (brace == NULL) {
            if (!str_equal(want, got))
                return false;
            continue;
        }
        /* {id} may be followed by a fixed end: {id}:cancel */
        const char *closing = memchr(brace, '}', (size_t)(want.data + want.size - brace));
        Str tail = {closing + 1, (size_t)(want.data + want.size - closing - 1)};
        if (got.size <= tail.size || n == PARAMETERS_MAX ||
            !str_equal(str_slice(got, got.size - tail.size, got.size), tail))
            return false;
        raw[n++] = str_slice(got, 0, got.size - tail.size);
    }
    return pattern.size == 0 && path.size == 0;
}

static void allow(Match *out, const char *method)
{
    size_t used = strlen(out->allow);
    (void)snprintf(out->allow + used, sizeof out->allow - used, "%s%s%s", used == 0 ? "" : ", ",
                   method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

/* True: here it is. */
static bool match_table(Match *out, Arena *keep, const Route *table, Str method, Str path,
                        bool admin_only)
{
    for (const Route *r = table; r->method != NULL; r++) {
        Str raw[PARAMETERS_MAX] = {{0}};
        if ((admin_only && !r->admin) || !has_form(str_from(r->path), path, raw))
            continue;
        out->known = true;
        if (!str_equal(method, str_from(r->method))) {
            allow(out, r->method);
            continue;
        }
        out->route = r;
        for (size_t i = 0; i < PARAMETERS_MAX; i++)
            out->malformed |= raw[i].size > 0 && !path_unescape(&out->parameter[i], keep, raw[i]);
        return true;
    }
    return false;
}

void route_match(Match *out, Arena *keep, const Service *s, Str method, Str path, bool root,
                 bool admin)
{
    *out = (Match){0};
    if (str_equal(method, S("HEAD")))
        method = S("GET");
    if (s->aip != NULL && match_table(out, keep, s->aip, method, path, admin))
        return;
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        if (match_table(out, keep, tables[t], method, path, root || admin))
            return;
    if (out->known)
        allow(out, "OPTIONS");
}
