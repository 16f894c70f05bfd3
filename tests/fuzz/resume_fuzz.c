/* resume_fuzz.c - a good file of kept searches with something changed: taken over whole or left
 * alone with a reason, never a crash; what is taken over is written again and taken over again.
 *
 * The first byte says whether the key and the checksum are made to agree with the change; then
 * three bytes of offset, one of bytes to leave out, and the bytes to put in. */
#include "learn/learn_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 12, FOLDS = 2, PARTS = FOLDS + 1, CANDIDATES = 2, TASKS = PARTS * CANDIDATES };
enum { KEY_AT = 20, KEY = SHA256_TEXT - 1, KEY_AGREES = 1, SUM_AGREES = 2 };

typedef struct Bench {
    Arena keep;
    Validation v;
    Candidate candidate[CANDIDATES];
    Searched searched[CANDIDATES * PARTS];
    InnerPart part[PARTS];
    uint32_t *fold[1];
    Kept kept;
} Bench;

static const size_t worked[CANDIDATES] = {0, 1};

/* A validation that is about to begin. */
static void bench_new(Bench *b)
{
    LearnOptions o = learn_options_default();
    o.trials = 2;
    b->keep = arena_new();
    b->fold[0] = ARENA_ARRAY(&b->keep, uint32_t, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        b->fold[0][i] = i % FOLDS;
    for (size_t p = 0; p < PARTS; p++) {
        uint32_t *row = ARENA_ARRAY(&b->keep, uint32_t, ROWS);
        size_t n = 0;
        for (uint32_t i = 0; i < ROWS; i++)
            if (p == FOLDS || b->fold[0][i] != p)
                row[n++] = i;
        b->part[p] = (InnerPart){n, 2, row, b->fold[0]};
    }
    for (size_t k = 0; k < CANDIDATES; k++) {
        b->candidate[k] = (Candidate){.kind = MODEL_LINEAR, .constant = k == 0};
        b->candidate[k].margin = ARENA_ARRAY(&b->keep, double *, 1);
        b->candidate[k].margin[0] = ARENA_ARRAY(&b->keep, double, ROWS);
        for (size_t p = 0; p < PARTS; p++)
            b->searched[k * PARTS + p] =
                searched_new(&b->keep, &b->candidate[k], &o, b->part[p].rows);
    }
    b->v = (Validation){.rows = ROWS,
                        .repeats = 1,
                        .folds = FOLDS,
                        .candidates = CANDIDATES,
                        .candidate = b->candidate,
                        .fold = b->fold,
                        .searched = b->searched,
                        .part = b->part};
    b->kept = (Kept){.v = &b->v, .searched = b->searched, .worked = worked, .work = CANDIDATES};
    b->kept.done = ARENA_ARRAY(&b->keep, atomic_uchar, TASKS);
    memset(b->kept.key, 'a', KEY);
}

static Str good_file(Arena *keep)
{
    Bench b = {0};
    bench_new(&b);
    for (size_t i = 0; i + 1 < TASKS; i++) {
        Searched *s = &b.searched[worked[i % CANDIDATES] * PARTS + i / CANDIDATES];
        Space space = space_of(&b.candidate[worked[i % CANDIDATES]]);
        for (size_t k = 0; k < s->trials; k++)
            s->trial[k].tuned = trial_draw(&space, k, 1);
        s->tuned = s->trial[0].tuned;
        s->trial[0].kept = true;
        s->fits = 2;
        s->whole = true;
        atomic_store(&b.kept.done[i], 1);
    }
    Str bytes = kept_write(&b.keep, &b.kept);
    bytes = (Str){arena_copy(keep, bytes.data, bytes.size), bytes.size};
    arena_free(&b.keep);
    return bytes;
}

static Str changed(Arena *keep, Str good, const uint8_t *data, size_t size)
{
    Buffer out = buffer_new(keep);
    size_t at = ((size_t)data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16) % (good.size + 1);
    size_t leave = data[4] < good.size - at ? data[4] : good.size - at;
    buffer_add(&out, (Str){good.data, at});
    buffer_add(&out, (Str){(const char *)data + 5, size - 5});
    buffer_add(&out, (Str){good.data + at + leave, good.size - at - leave});
    char *bytes = arena_copy(keep, out.data, out.size);
    if ((data[0] & KEY_AGREES) != 0 && out.size >= KEY_AT + KEY)
        memset(bytes + KEY_AT, 'a', KEY);
    if ((data[0] & SUM_AGREES) != 0 && out.size >= KEY) {
        char sum[SHA256_TEXT];
        sha256_text(sum, (Str){bytes, out.size - KEY});
        memcpy(bytes + out.size - KEY, sum, KEY);
    }
    return (Str){bytes, out.size};
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    Bench b = {0}, again = {0};
    bench_new(&b);
    bench_new(&again);
    Arena own = arena_new(), scratch = arena_new();
    const char *why = "";
    Str bytes = changed(&own, good_file(&own), data, size);
    size_t done = kept_read(&b.kept, bytes, &why, scratch), whole = 0;
    for (size_t i = 0; i < TASKS; i++) {
        whole += b.searched[i].whole;
        atomic_store(&b.kept.done[i],
                     b.searched[worked[i % CANDIDATES] * PARTS + i / CANDIDATES].whole);
    }
    must(whole == done && (why == NULL || (done == 0 && why[0] != '\0')));
    if (why == NULL) {
        Str written = kept_write(&own, &b.kept);
        // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
        for (size_t i = 0; i < CANDIDATES * PARTS; i++)
            must(b.searched[i].tuned.trees == 0); /* nothing linear has any */
        must(kept_read(&again.kept, written, &why, scratch) == done && why == NULL);
    }
    arena_free(&own);
    arena_free(&scratch);
    arena_free(&b.keep);
    arena_free(&again.keep);
    return 0;
}
