#include "unit/telemetry_bank.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
    static Bank bank; /* one for the group */
    *state = &bank;
    bank_make(&bank);
    return 0;
}

static int tear_down(void **state)
{
    bank_free(*state);
    return 0;
}

/* ---- a standard stream of the process, turned elsewhere for a while ---- */

typedef struct Turned {
    int stream, before;
} Turned;

static Turned turn(int stream, int to)
{
    Turned t = {stream, dup(stream)};
    assert_true(dup2(to, stream) == stream);
    return t;
}

static void turn_back(Turned t)
{
    assert_true(dup2(t.before, t.stream) == t.stream);
    (void)close(t.before);
}

static Str drained(Arena *keep, int fd)
{
    Buffer b = buffer_new(keep);
    char block[65536];
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;)
        buffer_add(&b, (Str){block, (size_t)n});
    return buffer_str(&b);
}

static yyjson_doc *parsed(Str line)
{
    yyjson_read_err err;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)line.data, line.size, 0, NULL, &err);
    if (doc == NULL)
        fail_msg("%s at %zu of %.*s", err.msg, err.pos, STR_ARG(line));
    return doc;
}

static void assert_text(yyjson_val *in, const char *key, const char *expected)
{
    const char *seen = yyjson_get_str(yyjson_obj_get(in, key));
    if (seen == NULL || strcmp(seen, expected) != 0)
        fail_msg("%s is %s, not %s", key, seen == NULL ? "not there" : seen, expected);
}

/* Everything that is logged between, each line parsed on its own; how many there were. */
static size_t whole_lines(Str text)
{
    size_t lines = 0;
    for (size_t at = 0; at < text.size; lines++) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        assert_non_null(end);
        Str line = str_slice(text, at, (size_t)(end - text.data));
        yyjson_doc *doc = parsed(line);
        assert_true(yyjson_is_obj(yyjson_doc_get_root(doc)));
        assert_true(line.size < LOG_LINE_BYTES);
        yyjson_doc_free(doc);
        at = (size_t)(end - text.data) + 1;
    }
    return lines;
}

/* A pipe that standard error leads into; reads[0] is its other end. */
static Turned pipe_log(int reads[1])
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    Turned t = turn(STDERR_FILENO, ends[1]);
    (void)close(ends[1]);
    reads[0] = ends[0];
    return t;
}

/* ---- log lines ---- */

static void a_request_line_is_as_cloud_logging_reads_it(void **state)
{
    Arena keep = arena_new();
    int end[1];
    (void)state;
    Turned turned = pipe_log(end);
    Telemetry *t = bank_telemetry((TelemetrySettings){.sample = 1, .project = "our-project"});
    const AnswerTimes took = {1000, 20500, 3000, 40000, 5000};
    RequestSeen r = {.route = "/v1/decisions/{id}",
                     .base = "/ai",
                     .method = "GET",
                     .status = 503,
                     .took_ns = 1500000,
                     .bytes_in = 12,
                     .bytes_out = 34,
                     .code = "busy",
                     .request_id = "req-1",
                     .trace_id = "0af7651916cd43dd8448eb211c80319c",
                     .span_id = "b7ad6b7169203331",
                     .caller_hash = "00ff00ff00ff00ff",
                     .decision_id = S("d1"),
                     .took = &took};
    telemetry_request(t, &r);
    telemetry_close(t);
    turn_back(turned);
    Str text = drained(&keep, end[0]);
    assert_int_equal(whole_lines(text), 1);
    yyjson_doc *doc = parsed(text);
    yyjson_val *root = yyjson_doc_get_root(doc), *http = yyjson_obj_get(root, "httpRequest");
    assert_text(root, "severity", "ERROR");
    assert_text(root, "message", "GET /v1/decisions/{id} 503 busy");
    assert_text(root, "logging.googleapis.com/trace",
                "projects/our-project/traces/0af7651916cd43dd8448eb211c80319c");
    assert_text(root, "logging.googleapis.com/spanId", "b7ad6b7169203331");
    assert_text(root, "request_id", "req-1");
    assert_text(root, "decision_id", "d1");
    assert_text(root, "caller", "00ff00ff00ff00ff");
    assert_text(root, "problem", "busy");
    assert_text(http, "requestMethod", "GET");
    assert_text(http, "requestUrl", "/ai/v1/decisions/{id}");
    assert_int_equal(yyjson_get_int(yyjson_obj_get(http, "status")), 503);
    assert_text(http, "requestSize", "12");
    assert_text(http, "responseSize", "34");
    assert_text(http, "latency", "0.001500000s");
    assert_true(yyjson_get_num(yyjson_obj_get(root, "features_us")) == 20.5);
    int64_t time;
    const char *at = yyjson_get_str(yyjson_obj_get(root, "time"));
    assert_true(parse_time(str_from(at), &time) && at[strlen(at) - 1] == 'Z');
    yyjson_doc_free(doc);
    (void)close(end[0]);
    arena_free(&keep);
}

/* What printf would have written, which the line does without. */
static void numbers_and_times_are_as_printf_writes_them(void **state)
{
    Random r = random_new(17);
    (void)state;
    for (int i = 0; i < 2000; i++) {
        char time[RFC3339_TEXT], wanted[64], seen[LOG_LINE_BYTES], number[NUMBER_TEXT];
        int64_t days, year, at = (int64_t)(random_next(&r) >> random_below(&r, 64)), within;
        int month, day;
        at = i % 2 == 0 ? at : -at;
        days = at / DAY_US - (at % DAY_US < 0);
        within = at - days * DAY_US;
        civil_from_days(days, &year, &month, &day);
        (void)snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                       (int)(year < 0      ? 0
                             : year > 9999 ? 9999
                                           : year),
                       month, day, (int)(within / HOUR_US), (int)(within / MINUTE_US % 60),
                       (int)(within / SECOND_US % 60), (int)(within % SECOND_US));
        assert_true(str_equal(rfc3339_text(time, at), str_from(wanted)));

        Line l = {seen, seen + sizeof seen, true};
        uint64_t count = random_next(&r) >> random_below(&r, 64);
        line_count(&l, "n", count);
        *l.at = '\0';
        (void)snprintf(wanted, sizeof wanted, "\"n\":%llu", (unsigned long long)count);
        assert_string_equal(seen, wanted);

        l = (Line){seen, seen + sizeof seen, true};
        int64_t ns = i < 3 ? i - 1 : (int64_t)(random_next(&r) >> (1 + random_below(&r, 63)));
        line_thousandths(&l, "n", ns);
        *l.at = '\0';
        Str shortest = double_text(number, (double)ns / 1e3);
        (void)snprintf(wanted, sizeof wanted, "\"n\":%.*s", (int)shortest.size, shortest.data);
        assert_string_equal(seen, wanted);
    }
}

static void a_byte_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++)
        for (size_t at = 0; at < 20; at++) {
            char text[21] = "abcdefghijklmnopqrst", as[8] = "\xEF\xBF\xBD", wanted[64], seen[64];
            Line l = {seen, seen + sizeof seen, true};
            if (byte == '"' || byte == '\\')
                (void)snprintf(as, sizeof as, "\\%c", byte);
            else if (byte < 0x20 || byte == 0x7F)
                (void)snprintf(as, sizeof as, "\\u%04x", (unsigned)byte);
            else if (byte < 0x7F)
                (void)snprintf(as, sizeof as, "%c", byte);
            (void)snprintf(wanted, sizeof wanted, "\"%.*s%s%s\"", (int)at, text, as, text + at + 1);
            text[at] = (char)byte;
            line_string(&l, str_from(text), sizeof seen);
            *l.at = '\0';
            assert_string_equal(seen, wanted);
        }
}

static void no_bytes_make_a_line_that_is_not_one_object(void **state)
{
    Arena keep = arena_new();
    int end[1];
    (void)state;
    Turned turned = pipe_log(end);
    Telemetry *t = bank_telemetry((TelemetrySettings){.sample = 1});
    Random r = random_new(7);
    enum { LINES = 7 }; /* which a pipe holds */
    for (int i = 0; i < LINES; i++) {
        char bytes[6000];
        size_t size = i < 2 ? sizeof bytes - 1 : random_below(&r, 2000);
        for (size_t k = 0; k < size; k++)
            bytes[k] = i == 0 ? '\n' : i == 1 ? '"' : (char)(1 + random_below(&r, 255));
        bytes[size] = '\0';
        const LogField field[] = {{"a", {bytes, size}, 0}, {"b", {NULL, 0}, MISSING_VALUE},
                                  {"c", {bytes, size}, 0}, {"d", {NULL, 0}, 0.5},
                                  {"e", {bytes, size}, 0}, {"f", {bytes, size}, 0}};
        telemetry_log(t, LEVEL_WARNING, bytes, field, COUNT_OF(field));
        RequestSeen seen = {.route = bytes,
                            .method = bytes,
                            .status = 400,
                            .code = bytes,
                            .request_id = bytes,
                            .trace_id = bytes,
                            .span_id = bytes,
                            .decision_id = {bytes, size},
                            .caller_hash = bytes};
        telemetry_request(t, &seen);
    }
    telemetry_close(t);
    turn_back(turned);
    assert_int_equal(whole_lines(drained(&keep, end[0])), 2 * LINES);
    (void)close(end[0]);
    arena_free(&keep);
}

static void successes_are_sampled_and_errors_are_not(void **state)
{
    Arena keep = arena_new();
    int end[1];
    (void)state;
    Turned turned = pipe_log(end);
    Telemetry *t = bank_telemetry((TelemetrySettings){.sample = 0.1});
    char id[16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof id, "r%d", i);
        RequestSeen r = {
            .route = "/x", .method = "GET", .status = i % 2 == 0 ? 200 : 429, .request_id = id};
        telemetry_request(t, &r);
    }
    telemetry_log(t, LEVEL_DEBUG, "said", NULL, 0); /* the level is DEBUG by default */
    telemetry_close(t);
    turn_back(turned);
    size_t lines = whole_lines(drained(&keep, end[0]));
    assert_true(lines > 51 && lines < 51 + 15);
    (void)close(end[0]);
    arena_free(&keep);
}

/* Nobody reads: the pipe is full, or closed at its other end. */
static void lines_into_a_dead_pipe(bool closed)
{
    Arena keep = arena_new();
    int end[1];
    enum { LINES = 40000 }; /* two queues and a pipe hold some 13,000 */
    Turned turned = pipe_log(end);
    if (closed)
        (void)close(end[0]);
    Telemetry *t = bank_telemetry((TelemetrySettings){.sample = 1});
    int64_t begun = clock_monotonic_us();
    for (int i = 0; i < LINES; i++)
        telemetry_log(t, LEVEL_ERROR, "nobody reads this", NULL, 0);
    int64_t took = clock_monotonic_us() - begun;
    double lost = 0;
    for (int i = 0; i < 50 && 2 * lost <= LINES; i++) { /* whoever writes them needs his turn */
        struct timespec while_ = {0, 200000000};
        (void)nanosleep(&while_, NULL);
        lost = metric_value(telemetry_text(t, &keep), "assay_log_lines_dropped_total");
    }
    begun = clock_monotonic_us();
    telemetry_close(t);
    int64_t closing = clock_monotonic_us() - begun;
    turn_back(turned);
    assert_true(took < 5 * SECOND_US);
    assert_true(closing < 10 * SECOND_US);
    assert_true(2 * lost > LINES);
    if (!closed)
        (void)close(end[0]);
    arena_free(&keep);
}

static void a_full_pipe_stops_nobody(void **state)
{
    (void)state;
    lines_into_a_dead_pipe(false);
}

static void a_closed_pipe_kills_nobody(void **state)
{
    (void)state;
    lines_into_a_dead_pipe(true);
}

static void hashes_are_of_the_key(void **state)
{
    char one[TELEMETRY_HASH], two[TELEMETRY_HASH], path[] = "/tmp/assay-key-XXXXXX";
    Error err = {0};
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "0123456789abcdef0123456789abcdef", 32) == 32);
    (void)close(fd);
    Telemetry *t = bank_telemetry((TelemetrySettings){.hash_key = path});
    telemetry_hash(one, t, S("customer-1"));
    telemetry_close(t);
    /* printf customer-1 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef */
    assert_string_equal(one, "d3f18362d0d216ca");
    t = bank_telemetry((TelemetrySettings){0});
    telemetry_hash(two, t, S("customer-1"));
    telemetry_close(t);
    assert_string_not_equal(one, two);
    assert_int_equal(truncate(path, 3), 0);
    const TelemetrySettings bad = {.hash_key = path};
    assert_int_equal(telemetry_open(&t, &bad, &err), STATUS_FORMAT);
    (void)unlink(path);
}

/* ---- the prediction log ---- */

typedef struct Folder {
    char path[32];
} Folder;

static Folder folder_new(void)
{
    Folder f = {"/tmp/assay-seen-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

static void folder_remove(Arena *keep, Folder f)
{
    const char **path;
    Error err = {0};
    size_t n = file_glob(&path, keep, str_format(keep, "%s/*", f.path).data);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(file_remove(path[i], &err), STATUS_OK);
    assert_int_equal(rmdir(f.path), 0);
}

static Str contents(Arena *keep, const char *path)
{
    Error err = {0};
    Str out = S("");
    if (file_exists(path))
        made_up_ok(file_read(&out, keep, path, &err), &err);
    return out;
}

static const char *bigquery_type(yyjson_val *schema, const char *name)
{
    size_t i, n;
    yyjson_val *f;
    yyjson_arr_foreach(schema, i, n,
                       f) if (strcmp(yyjson_get_str(yyjson_obj_get(f, "name")), name) ==
                              0) return yyjson_get_str(yyjson_obj_get(f, "type"));
    return NULL;
}

/* Does JSON of this kind load into a column of this type? */
static bool loads(yyjson_val *v, const char *type)
{
    int64_t time;
    if (yyjson_is_null(v))
        return true;
    if (strcmp(type, "BOOLEAN") == 0)
        return yyjson_is_bool(v);
    if (strcmp(type, "INTEGER") == 0)
        return yyjson_is_int(v);
    if (strcmp(type, "FLOAT") == 0 || strcmp(type, "BIGNUMERIC") == 0)
        return yyjson_is_num(v);
    if (strcmp(type, "TIMESTAMP") == 0)
        return yyjson_is_str(v) && parse_time(str_from(yyjson_get_str(v)), &time);
    return yyjson_is_str(v);
}

static void predictions_hold_every_feature_as_bigquery_reads_it(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Folder f = folder_new();
    const char *path = path_join(&keep, f.path, "predictions.ndjson");
    Telemetry *t = bank_telemetry((TelemetrySettings){.predictions = path});
    telemetry_bundles(t, &b->bundle, NULL);
    for (size_t i = 0; i < 30; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, i));
    telemetry_bundles(t, &b->other, NULL);
    telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, 30)); /* still on its way */
    telemetry_close(t);
    Str schema_text = telemetry_prediction_schema(&keep, b->bundle.plan);
    yyjson_doc *schema = parsed(schema_text);
    yyjson_val *columns = yyjson_doc_get_root(schema);
    yyjson_val *last = yyjson_arr_get_last(columns), *features = yyjson_obj_get(last, "fields");
    assert_text(last, "name", "features");
    assert_int_equal(yyjson_arr_size(features), b->bundle.plan->features);
    Str text = contents(&keep, path);
    size_t lines = 0;
    for (size_t at = 0; at < text.size; lines++) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        yyjson_doc *doc = parsed(str_slice(text, at, (size_t)(end - text.data)));
        yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
        size_t i, n;
        at = (size_t)(end - text.data) + 1;
        yyjson_obj_foreach(root, i, n, key, value)
        {
            const char *type = bigquery_type(columns, yyjson_get_str(key));
            assert_non_null(type);
            assert_true(strcmp(type, "RECORD") == 0 ? yyjson_is_obj(value) : loads(value, type));
        }
        assert_int_equal(n, yyjson_arr_size(columns));
        yyjson_val *record = yyjson_obj_get(root, "features");
        assert_int_equal(yyjson_obj_size(record), b->bundle.plan->features);
        yyjson_obj_foreach(record, i, n, key, value)
        {
            assert_true(loads(value, bigquery_type(features, yyjson_get_str(key))));
        }
        assert_text(root, "bundle", b->bundle.id);
        assert_text(root, "role", "champion");
        assert_true(yyjson_get_real(yyjson_obj_get(root, "probability")) == b->probability[lines]);
        /* exact values, as the features table has them */
        for (size_t k = 0; k < b->features->columns; k++) {
            const Column *c = &b->features->column[k];
            value = yyjson_obj_getn(record, c->name.data, c->name.size);
            assert_int_equal(yyjson_is_null(value),
                             !column_valid(c, lines) ||
                                 (c->type == TYPE_DOUBLE && !isfinite(c->real[lines])));
            if (c->type == TYPE_DOUBLE && !yyjson_is_null(value))
                assert_true(yyjson_get_num(value) == c->real[lines]);
        }
        const char *customer = yyjson_get_str(yyjson_obj_get(root, "customer"));
        assert_int_equal(strlen(customer), 16);
        assert_false(str_equal(str_from(customer), b->data->id[lines]));
        yyjson_doc_free(doc);
    }
    assert_int_equal(lines, 31);
    yyjson_doc_free(schema);
    folder_remove(&keep, f);
    arena_free(&keep);
}

static void long_ids_of_customers_stay_apart(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Folder f = folder_new();
    for (int plain = 0; plain < 2; plain++) {
        const char *path = path_join(&keep, f.path, plain != 0 ? "plain" : "hashed");
        char id[512], seen[2][600];
        memset(id, 'c', sizeof id);
        Telemetry *t =
            bank_telemetry((TelemetrySettings){.predictions = path, .plain_ids = plain != 0});
        telemetry_bundles(t, &b->bundle, NULL);
        for (int i = 0; i < 2; i++) {
            Answer a = *bank_answer(b, 0);
            id[sizeof id - 1] = (char)('0' + i); /* as long as a request may have them */
            a.customer_id = (Str){id, sizeof id};
            telemetry_answer(t, ROLE_CHAMPION, &b->bundle, &a);
        }
        telemetry_close(t);
        Str text = contents(&keep, path);
        for (int i = 0; i < 2; i++) {
            const char *end = memchr(text.data, '\n', text.size);
            assert_non_null(end);
            yyjson_doc *doc = parsed((Str){text.data, (size_t)(end - text.data)});
            const char *customer =
                yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "customer"));
            assert_int_equal(strlen(customer), plain != 0 ? sizeof id : 16);
            (void)strcpy(seen[i], customer);
            yyjson_doc_free(doc);
            text = str_slice(text, (size_t)(end - text.data) + 1, text.size);
        }
        assert_string_not_equal(seen[0], seen[1]);
    }
    folder_remove(&keep, f);
    arena_free(&keep);
}

static void a_full_file_is_rotated_between_lines(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Folder f = folder_new();
    const char *path = path_join(&keep, f.path, "p");
    FILE *half = fopen(path, "w"); /* what a process that was killed left */
    assert_non_null(half);
    (void)fputs("{\"whole\":1}\n{\"ha", half);
    (void)fclose(half);
    Telemetry *t = bank_telemetry((TelemetrySettings){
        .predictions = path, .predictions_bytes_max = 50000, .predictions_keep = 3});
    telemetry_bundles(t, &b->bundle, NULL);
    for (size_t i = 0; i < 100; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, i));
    telemetry_close(t);
    size_t lines = 0, files = 0;
    const char **names;
    size_t n = file_glob(&names, &keep, str_format(&keep, "%s*", path).data);
    for (size_t i = 0; i < n; i++, files++) {
        Str text = contents(&keep, names[i]);
        assert_true(text.size <= 50000);
        assert_true(text.data[text.size - 1] == '\n');
        for (size_t at = 0; at < text.size; lines++) {
            const char *end = memchr(text.data + at, '\n', text.size - at);
            yyjson_doc_free(parsed(str_slice(text, at, (size_t)(end - text.data))));
            at = (size_t)(end - text.data) + 1;
        }
    }
    assert_int_equal(files, 4); /* the file and the three that stay */
    assert_true(lines > 16 && lines < 100);
    folder_remove(&keep, f);
    arena_free(&keep);
}

/* Files may not grow above 20,000 bytes: as on a full disk a write is cut short, then refused. */
static void a_full_disk_costs_lines_and_nothing_else(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Folder f = folder_new();
    const char *path = path_join(&keep, f.path, "p");
    struct rlimit before, little;
    Telemetry *t = bank_telemetry((TelemetrySettings){.predictions = path});
    telemetry_bundles(t, &b->bundle, NULL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = before;
    little.rlim_cur = 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    double written = 0, lost = 0;
    for (size_t i = 0; i < 40; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, i));
    for (int i = 0; i < 200 && written + lost < 40; i++) {
        struct timespec while_ = {0, 20000000};
        (void)nanosleep(&while_, NULL);
        Arena once = arena_new();
        Str text = telemetry_text(t, &once);
        written = metric_value(text, "assay_predictions_written_total");
        lost = metric_value(text, "assay_predictions_dropped_total{reason=\"write\"}");
        arena_free(&once);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(written > 0 && lost > 20 && written + lost == 40);
    telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, 41)); /* room again */
    telemetry_close(t);
    Str text = contents(&keep, path);
    size_t lines = 0;
    for (size_t at = 0; at < text.size; lines++) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        assert_non_null(end);
        yyjson_doc_free(parsed(str_slice(text, at, (size_t)(end - text.data))));
        at = (size_t)(end - text.data) + 1;
    }
    assert_int_equal(lines, (size_t)written + 1);
    folder_remove(&keep, f);
    arena_free(&keep);
}

/* assay serve 2>>file: a file that others write to as well, on a disk that is full for a while. */
static void what_others_wrote_into_the_log_is_never_cut(void **state)
{
    enum { OLD = 5000, ROOM = 60 };
    Arena keep = arena_new();
    Folder f = folder_new();
    const char *path = path_join(&keep, f.path, "log");
    char old[OLD];
    struct rlimit before, little;
    (void)state;
    memset(old, 'o', sizeof old);
    old[OLD - 1] = '\n';
    Error err = {0};
    assert_int_equal(file_write(path, (Str){old, OLD}, &err), STATUS_OK);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    Turned turned = turn(STDERR_FILENO, fd);
    Telemetry *t = bank_telemetry((TelemetrySettings){0});
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = before;
    little.rlim_cur = OLD + ROOM;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    telemetry_log(t, LEVEL_ERROR, "cut short", NULL, 0); /* of which 60 bytes go in */
    double lost = 0;
    for (int i = 0; i < 200 && lost < 1; i++) {
        struct timespec while_ = {0, 20000000};
        (void)nanosleep(&while_, NULL);
        Arena once = arena_new();
        lost = metric_value(telemetry_text(t, &once), "assay_log_lines_dropped_total");
        arena_free(&once);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    telemetry_log(t, LEVEL_ERROR, "room again", NULL, 0);
    telemetry_close(t);
    turn_back(turned);
    (void)close(fd);
    assert_true(lost == 1);
    Str text = contents(&keep, path);
    assert_true(text.size > OLD + ROOM + 1 && memcmp(text.data, old, OLD) == 0);
    assert_true(text.data[OLD + ROOM] == '\n'); /* the half line ends */
    Str line = str_slice(text, OLD + ROOM + 1, text.size);
    assert_int_equal(whole_lines(line), 1);
    assert_true(str_contains(line, S("room again")));
    folder_remove(&keep, f);
    arena_free(&keep);
}

/* A line that a peer's disk refuses to take, for ever: /dev/full. */
static void a_file_that_takes_nothing_is_survived(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Telemetry *t = bank_telemetry((TelemetrySettings){.predictions = "/dev/full"});
    telemetry_bundles(t, &b->bundle, NULL);
    for (size_t i = 0; i < 20; i++)
        telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, i));
    double lost = 0;
    for (int i = 0; i < 200 && lost < 20; i++) {
        struct timespec while_ = {0, 20000000};
        (void)nanosleep(&while_, NULL);
        Arena once = arena_new();
        lost = metric_value(telemetry_text(t, &once),
                            "assay_predictions_dropped_total{reason=\"write\"}");
        arena_free(&once);
    }
    assert_true(lost == 20);
    telemetry_close(t);
    Error err = {0};
    const TelemetrySettings none = {.predictions = "/nowhere/at/all"};
    assert_int_equal(telemetry_open(&t, &none, &err), STATUS_IO);
    arena_free(&keep);
}

static void a_file_that_was_moved_away_is_begun_anew(void **state)
{
    Bank *b = *state;
    Arena keep = arena_new();
    Folder f = folder_new();
    const char *path = path_join(&keep, f.path, "p"), *moved = path_join(&keep, f.path, "q");
    Telemetry *t = bank_telemetry((TelemetrySettings){.predictions = path});
    telemetry_bundles(t, &b->bundle, NULL);
    telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, 1));
    for (int i = 0; i < 200 && contents(&keep, path).size == 0; i++) {
        struct timespec while_ = {0, 20000000};
        (void)nanosleep(&while_, NULL);
    }
    assert_int_equal(rename(path, moved), 0);
    telemetry_answer(t, ROLE_CHAMPION, &b->bundle, bank_answer(b, 2));
    telemetry_close(t);
    assert_true(contents(&keep, path).size > 1000);
    assert_true(contents(&keep, moved).size > 1000);
    folder_remove(&keep, f);
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_line_is_as_cloud_logging_reads_it),
        cmocka_unit_test(numbers_and_times_are_as_printf_writes_them),
        cmocka_unit_test(a_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(no_bytes_make_a_line_that_is_not_one_object),
        cmocka_unit_test(successes_are_sampled_and_errors_are_not),
        cmocka_unit_test(a_full_pipe_stops_nobody),
        cmocka_unit_test(a_closed_pipe_kills_nobody),
        cmocka_unit_test(hashes_are_of_the_key),
        cmocka_unit_test(predictions_hold_every_feature_as_bigquery_reads_it),
        cmocka_unit_test(long_ids_of_customers_stay_apart),
        cmocka_unit_test(a_full_file_is_rotated_between_lines),
        cmocka_unit_test(a_full_disk_costs_lines_and_nothing_else),
        cmocka_unit_test(what_others_wrote_into_the_log_is_never_cut),
        cmocka_unit_test(a_file_that_takes_nothing_is_survived),
        cmocka_unit_test(a_file_that_was_moved_away_is_begun_anew),
    };
    return cmocka_run_group_tests_name("telemetry lines", tests, set_up, tear_down);
}
