/* line.c - one JSON object in bounded memory, and the log lines made of it. */
#include "telemetry/telemetry_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A line always keeps room for its end. */
enum { END_ROOM = 8 };

static size_t room(const Line *l)
{
    return (size_t)(l->end - l->at) > END_ROOM ? (size_t)(l->end - l->at) - END_ROOM : 0;
}

static void add(Line *l, const char *bytes, size_t size)
{
    memcpy(l->at, bytes, size);
    l->at += size;
}

void line_key(Line *l, const char *key)
{
    if (!l->first)
        *l->at++ = ',';
    l->first = false;
    *l->at++ = '"';
    add(l, key, strlen(key));
    *l->at++ = '"';
    *l->at++ = ':';
}

/* Bytes of the character that begins here, of well-formed UTF-8; 0: it is not. */
static size_t character(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xC2 ? 0
               : p[0] < 0xE0 ? 2
               : p[0] < 0xF0 ? 3
               : p[0] < 0xF5 ? 4
                             : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

/* Is none of the eight a control, a quote, a backslash, or beyond ASCII?  A byte that is zero
 * takes one from above it, and so the highest bit of the byte shows it. */
static bool eight_plain(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\', erased = v ^ ones * 0x7F;
    return ((v | (v - ones * 0x20) | (quote - ones) | (slash - ones) | (erased - ones)) & high) ==
           0;
}

/* Of the text's beginning, how much stands in a string as it is. */
static size_t plain(Str text)
{
    size_t n = 0;
    while (n + 8 <= text.size && eight_plain(text.data + n))
        n += 8;
    while (n < text.size && text.data[n] >= 0x20 && text.data[n] < 0x7F && text.data[n] != '"' &&
           text.data[n] != '\\')
        n++;
    return n;
}

void line_string(Line *l, Str text, size_t most)
{
    const unsigned char *p = (const unsigned char *)text.data;
    char *stop = l->at + 1 + (room(l) < most ? room(l) : most);
    char code[8];
    if (room(l) < 8)
        stop = l->at;
    *l->at++ = '"';
    size_t left = (size_t)(stop > l->at ? stop - l->at : 0), as_is = plain(text);
    as_is = as_is < left ? as_is : left;
    if (as_is > 0)
        add(l, text.data, as_is);
    for (size_t i = as_is; i < text.size;) {
        size_t n = character(p + i, text.size - i), size = n;
        const char *as = (const char *)p + i;
        if (n == 0) { /* what is no UTF-8 shows as the sign for that */
            as = "\xEF\xBF\xBD";
            size = 3;
            n = 1;
        } else if (p[i] == '"' || p[i] == '\\') {
            code[0] = '\\';
            code[1] = (char)p[i];
            as = code;
            size = 2;
        } else if (p[i] < 0x20 || p[i] == 0x7F) {
            (void)snprintf(code, sizeof code, "\\u%04x", p[i]);
            as = code;
            size = 6;
        } else if (n == 2 && p[i] == 0xC2 && p[i + 1] < 0xA0) { /* controls of Latin 1 */
            (void)snprintf(code, sizeof code, "\\u%04x", p[i + 1]);
            as = code;
            size = 6;
        } else if (n == 3 && p[i] == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] & 0xFE) == 0xA8) {
            (void)snprintf(code, sizeof code, "\\u20%02x", p[i + 2] - 0x80); /* line separators */
            as = code;
            size = 6;
        }
        if (size > (size_t)(stop > l->at ? stop - l->at : 0))
            break;
        add(l, as, size);
        i += n;
    }
    *l->at++ = '"';
}

static bool fits(const Line *l, const char *key, size_t more)
{
    return room(l) >= strlen(key) + 4 + more;
}

void line_text(Line *l, const char *key, Str text, size_t most)
{
    if (text.size == 0 || !fits(l, key, 16))
        return;
    line_key(l, key);
    line_string(l, text, most);
}

void line_number(Line *l, const char *key, double number)
{
    char text[NUMBER_TEXT];
    if (!fits(l, key, NUMBER_TEXT))
        return;
    line_key(l, key);
    Str s = isfinite(number) ? double_text(text, number) : S("null");
    add(l, s.data, s.size);
}

static Str count_text(char out[NUMBER_TEXT], uint64_t count)
{
    size_t at = NUMBER_TEXT;
    do
        out[--at] = (char)('0' + count % 10);
    while ((count /= 10) > 0);
    return (Str){out + at, NUMBER_TEXT - at};
}

void line_count(Line *l, const char *key, uint64_t count)
{
    char text[NUMBER_TEXT];
    if (!fits(l, key, 24))
        return;
    line_key(l, key);
    Str s = count_text(text, count);
    add(l, s.data, s.size);
}

/* A decimal of so few digits is the shortest text that reads as its double again. */
void line_thousandths(Line *l, const char *key, int64_t number)
{
    char text[NUMBER_TEXT];
    if (number < 0 || number >= power_of_ten(15)) {
        line_number(l, key, (double)number / 1e3);
        return;
    }
    if (!fits(l, key, NUMBER_TEXT))
        return;
    line_key(l, key);
    Str s = decimal_text(text, number, 3);
    while (s.data[s.size - 1] == '0')
        s.size--;
    if (s.data[s.size - 1] == '.')
        s.size--;
    add(l, s.data, s.size);
}

int64_t clock_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static void write_digits(char *out, size_t count, int64_t value)
{
    for (; count-- > 0; value /= 10)
        out[count] = (char)('0' + value % 10);
}

Str rfc3339_text(char out[RFC3339_TEXT], int64_t time_us)
{
    int64_t days = time_us / DAY_US, within = time_us % DAY_US, year;
    int month, day;
    if (within < 0) {
        within += DAY_US;
        days--;
    }
    civil_from_days(days, &year, &month, &day);
    static const char form[] = "0000-00-00T00:00:00.000000Z";
    memcpy(out, form, sizeof form);
    write_digits(out, 4, year < 0 ? 0 : year > 9999 ? 9999 : year);
    write_digits(out + 5, 2, month);
    write_digits(out + 8, 2, day);
    write_digits(out + 11, 2, within / HOUR_US);
    write_digits(out + 14, 2, within / MINUTE_US % 60);
    write_digits(out + 17, 2, within / SECOND_US % 60);
    write_digits(out + 20, 6, within % SECOND_US);
    return (Str){out, sizeof form - 1};
}

/* ---- the log ---- */

static const char *const severity[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

static Line begin(char *bytes, LogLevel level, Str message)
{
    char time[RFC3339_TEXT];
    Line l = {bytes, bytes + LOG_LINE_BYTES, true};
    *l.at++ = '{';
    line_text(&l, "severity", str_from(severity[level]), 16);
    line_text(&l, "time", rfc3339_text(time, clock_wall_us()), RFC3339_TEXT);
    line_text(&l, "message", message, 600);
    return l;
}

static void finish(Telemetry *t, Line *l, char *bytes, LogLevel level)
{
    Str name = str_from(severity[level]);
    *l->at++ = '}';
    *l->at++ = '\n';
    counts_add(t->counts, COUNT_LOG_LINES, &name, 1);
    outlet_add(&t->log, (Str){bytes, (size_t)(l->at - bytes)});
}

void telemetry_log(Telemetry *t, LogLevel level, const char *message, const LogField *field,
                   size_t fields)
{
    char bytes[LOG_LINE_BYTES];
    if (level < t->settings.level)
        return;
    Line l = begin(bytes, level, str_from(message));
    for (size_t i = 0; i < fields; i++)
        if (field[i].text.data != NULL)
            line_text(&l, field[i].name, field[i].text, 1000);
        else
            line_number(&l, field[i].name, field[i].number);
    finish(t, &l, bytes, level);
}

/* The text, or its first bytes where it has more than `most`; where it ends. */
static char *put(char *at, const char *text, size_t most)
{
    size_t size = text == NULL ? 0 : strnlen(text, most);
    if (size > 0)
        memcpy(at, text, size);
    return at + size;
}

/* The same request is sampled or not wherever it is asked. */
static bool sampled(double share, const char *request_id)
{
    if (share >= 1)
        return true;
    uint64_t h = hash64(str_from(request_id), 0x5A3B1E);
    return (double)(h >> 11) * 0x1p-53 < share;
}

static void trace_fields(Line *l, const Telemetry *t, const RequestSeen *r)
{
    char trace[256], *end = trace;
    if (r->trace_id == NULL || r->trace_id[0] == '\0')
        return;
    if (t->settings.project != NULL) {
        end = put(end, "projects/", 16);
        end = put(end, t->settings.project, 100);
        end = put(end, "/traces/", 16);
    }
    end = put(end, r->trace_id, 32);
    line_text(l, "logging.googleapis.com/trace", (Str){trace, (size_t)(end - trace)}, sizeof trace);
    line_text(l, "logging.googleapis.com/spanId", str_from(r->span_id), 16);
}

static void http_fields(Line *l, const RequestSeen *r)
{
    char text[NUMBER_TEXT + 1], url[400], *end;
    Str number;
    line_key(l, "httpRequest");
    *l->at++ = '{';
    l->first = true;
    line_text(l, "requestMethod", str_from(r->method), 16);
    end = put(put(url, r->base, 199), r->route, 200);
    line_text(l, "requestUrl", (Str){url, (size_t)(end - url)}, sizeof url);
    line_count(l, "status", (uint64_t)(r->status < 0 ? 0 : r->status));
    line_text(l, "requestSize", count_text(text, r->bytes_in), sizeof text);
    line_text(l, "responseSize", count_text(text, r->bytes_out), sizeof text);
    number = decimal_text(text, r->took_ns, 9);
    text[number.size++] = 's';
    line_text(l, "latency", number, sizeof text);
    *l->at++ = '}';
    l->first = false;
}

void line_request(Telemetry *t, const RequestSeen *r)
{
    char bytes[LOG_LINE_BYTES], message[320], status[NUMBER_TEXT];
    LogLevel level = r->status >= 500 ? LEVEL_ERROR : r->status >= 400 ? LEVEL_WARNING : LEVEL_INFO;
    if (level < t->settings.level ||
        (level == LEVEL_INFO && !sampled(t->settings.sample, r->request_id)))
        return;
    char *end = put(message, r->method == NULL ? "-" : r->method, 16);
    *end++ = ' ';
    end = put(end, r->route == NULL ? "-" : r->route, 200);
    *end++ = ' ';
    end = put(end, decimal_text(status, r->status, 0).data, NUMBER_TEXT);
    if (r->code != NULL)
        *end++ = ' ';
    end = put(end, r->code, 60);
    Line l = begin(bytes, level, (Str){message, (size_t)(end - message)});
    http_fields(&l, r);
    trace_fields(&l, t, r);
    line_text(&l, "request_id", str_from(r->request_id), 64);
    line_text(&l, "decision_id", r->decision_id, 64);
    line_text(&l, "caller", str_from(r->caller_hash), 64);
    line_text(&l, "problem", str_from(r->code), 64);
    if (r->took != NULL) {
        line_thousandths(&l, "read_us", r->took->read_ns);
        line_thousandths(&l, "features_us", r->took->features_ns);
        line_thousandths(&l, "score_us", r->took->score_ns);
        line_thousandths(&l, "reasons_us", r->took->reasons_ns);
        line_thousandths(&l, "write_us", r->took->write_ns);
    }
    finish(t, &l, bytes, level);
}
