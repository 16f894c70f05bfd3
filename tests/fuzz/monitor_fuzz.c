/* monitor_fuzz.c - any bytes as a prediction log, plain or gzip, and as a file of verdicts: lines
 * that are taken hold what they must, others are refused with a sentence, never a crash. */
#include "monitor/monitor_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The default books' plan, as every line is read against it. */
static const Bundle *bundle_of(Arena *keep)
{
    static Bundle bundle;
    Schema *schema;
    Error err = {0};
    if (schema_default(&schema, keep, &err) != STATUS_OK ||
        plan_read(&bundle.plan, keep, book_default_text("features"), "features.yaml", schema,
                  &err) != STATUS_OK)
        abort();
    return &bundle;
}

static void read_log(const Bundle *bundle, const char *path)
{
    Arena keep = arena_new();
    PredictionReader reader;
    Prediction p;
    Lines *lines;
    Str line;
    uint64_t number, last = 0;
    uint32_t bin[1];
    Error err = {0};
    prediction_reader(&reader, &keep, bundle);
    if (lines_open(&lines, &keep, path, &err) != STATUS_OK)
        abort();
    Status status;
    while ((status = lines_next(lines, &line, &number, &err)) == STATUS_OK && line.data != NULL) {
        if (number != ++last || line.size > MONITOR_LINE_MAX)
            abort();
        status = prediction_read(&p, &reader, line, &err);
        if (status == STATUS_OK) {
            if (!(p.probability >= 0 && p.probability <= 1) || p.segment >= SEGMENTS ||
                p.action >= ACTIONS || p.decision.size == 0)
                abort();
            status = prediction_bins(bin, &reader, &p, NULL, 0, &err);
        }
        if (status != STATUS_OK && err.message[0] == '\0')
            abort();
        err = (Error){0};
    }
    if (status != STATUS_OK && err.message[0] == '\0')
        abort();
    lines_close(lines);
    arena_free(&keep);
}

static void read_reviews(const char *path)
{
    Arena keep = arena_new(), scratch = arena_new();
    const MonitorInputs in = {.feedback = path};
    Reviews *reviews;
    Error err = {0};
    if (reviews_read(&reviews, &keep, scratch, &in, &err) != STATUS_OK && err.message[0] == '\0')
        abort();
    arena_free(&scratch);
    arena_free(&keep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Arena books; /* lives as long as the process */
    static const Bundle *bundle;
    char path[64];
    if (bundle == NULL) {
        books = arena_new();
        bundle = bundle_of(&books);
    }
    int fd = memfd_create("log", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_log(bundle, path);
    read_reviews(path);
    (void)close(fd);
    return 0;
}
