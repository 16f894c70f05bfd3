/* learn_resume.c - finished searches of a validation that was interrupted, in a file.
 *
 * Bytes, numbers little-endian: magic, version, the SHA-256 of everything the searches depend on,
 * the finished tasks, and the SHA-256 of all that. Nothing of it is believed before all of it is
 * checked: a file of other inputs, a damaged one or one that does not fit is left alone, and the
 * run begins anew.
 */
#include "learn/learn_internal.h"

#include <math.h>
#include <string.h>

enum { MAGIC = 16, KEPT_VERSION = 1, KEY = SHA256_TEXT - 1, WRITE_EVERY_US = 30000000 };
static const char magic[MAGIC] = "assay resume\r\n\x1a";

/* ---- writing ---- */

static void put_integer(Buffer *b, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buffer_char(b, (char)(unsigned char)(value >> (8 * i)));
}

static void put_real(Buffer *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_integer(b, bits, 8);
}

static void put_tuned(Buffer *b, const Tuned *t)
{
    for (size_t i = 0; i < SETTINGS; i++)
        put_real(b, t->value[i]);
    put_integer(b, t->trees, 4);
}

/* ---- reading ---- */

typedef struct Reader {
    Str bytes;
    size_t at;
    bool ended; /* more was asked for than there is */
} Reader;

static uint64_t take_integer(Reader *r, size_t bytes)
{
    uint64_t value = 0;
    if (r->bytes.size - r->at < bytes) {
        r->ended = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)r->bytes.data[r->at + i] << (8 * i);
    r->at += bytes;
    return value;
}

static double take_real(Reader *r)
{
    uint64_t bits = take_integer(r, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static Tuned take_tuned(Reader *r)
{
    Tuned t;
    for (size_t i = 0; i < SETTINGS; i++)
        t.value[i] = take_real(r);
    t.trees = take_integer(r, 4);
    return t;
}

static bool same_tuned(const Tuned *a, const Tuned *b)
{
    bool same = a->trees == b->trees;
    for (size_t i = 0; i < SETTINGS; i++)
        same = same && a->value[i] == b->value[i];
    return same;
}

/* ---- what a task is ---- */

typedef struct Place {
    size_t candidate, part;
    Searched *search;
    size_t judged; /* rows of the fold outside */
} Place;

static Place place_of(const Kept *k, size_t task)
{
    const Validation *v = k->v;
    Place p = {.candidate = k->worked[task % k->work], .part = task / k->work};
    bool all = p.part + 1 == validation_parts(v);
    p.search = &k->searched[p.candidate * validation_parts(v) + p.part];
    p.judged = all ? 0 : v->rows - v->part[p.part].rows;
    return p;
}

static double *judged_margin(const Kept *k, const Place *p)
{
    return k->v->candidate[p->candidate].margin[p->part / k->v->folds];
}

static bool judges(const Kept *k, const Place *p, size_t row)
{
    return k->v->fold[p->part / k->v->folds][row] == p->part % k->v->folds;
}

static void put_task(Buffer *b, const Kept *k, size_t task)
{
    Place p = place_of(k, task);
    const Searched *s = p.search;
    size_t rows = k->v->part[p.part].rows;
    put_integer(b, task, 4);
    put_integer(b, s->trials, 4);
    put_integer(b, rows, 4);
    put_integer(b, p.judged, 4);
    put_integer(b, s->fits, 8);
    put_tuned(b, &s->tuned);
    for (size_t i = 0; i < s->trials; i++) {
        const Trial *t = &s->trial[i];
        put_tuned(b, &t->tuned);
        put_integer(b, t->rungs, 4);
        put_integer(b, t->folds, 4);
        put_integer(b, t->kept, 1);
        put_real(b, t->log_loss);
        put_real(b, t->error);
    }
    for (size_t i = 0; i < rows; i++)
        put_real(b, s->margin[i]);
    for (size_t i = 0; i < k->v->rows && p.judged > 0; i++)
        if (judges(k, &p, i))
            put_real(b, judged_margin(k, &p)[i]);
}

/* Whether a search of the candidate can have come to these settings: a file that was made up must
 * not ask for trees without end. Powers may round over their bounds by a little. */
static bool can_be(const Tuned *t, const Candidate *c)
{
    enum { BITS = 1 << 20 };
    if (c->settled) {
        Tuned settled = tuned_as_settled(c);
        for (size_t s = 0; s < SETTINGS; s++)
            if (t->value[s] != settled.value[s])
                return false;
        return t->trees <= settled.trees;
    }
    Space space = space_of(c);
    Tuned none = {{0}, 0};
    bool in_space[SETTINGS] = {false};
    for (size_t i = 0; i < space.dimensions; i++) {
        const Dimension *d = &space.dimension[i];
        double value = t->value[d->setting], slack = d->high / BITS;
        in_space[d->setting] = true;
        if (!isfinite(value) || value < d->low - slack || value > d->high + slack ||
            (d->whole && value != floor(value)))
            return false;
    }
    for (size_t i = 0; i < SETTINGS; i++)
        if (!in_space[i] && t->value[i] != 0) /* neither is a NaN */
            return false;
    return t->trees <= (c->kind == MODEL_FOREST ? forest_of(c, &none).trees : 0);
}

/* A task's bytes; `take` writes them where they belong, else they are only looked at. False: they
 * are not what this run would have written. */
static bool get_task(Reader *r, const Kept *k, uint8_t *seen, bool take)
{
    size_t task = take_integer(r, 4), trials = take_integer(r, 4);
    size_t rows = take_integer(r, 4), judged = take_integer(r, 4), kept = 0;
    if (r->ended || task >= k->work * validation_parts(k->v) || (!take && seen[task]))
        return false;
    Place p = place_of(k, task);
    if (trials != p.search->trials || rows != k->v->part[p.part].rows || judged != p.judged)
        return false;
    seen[task] = 1;
    Searched *s = p.search;
    const Candidate *c = &k->v->candidate[p.candidate];
    size_t fits = take_integer(r, 8);
    Tuned tuned = take_tuned(r);
    if (take) {
        s->fits = fits;
        s->tuned = tuned;
    }
    for (size_t i = 0; i < trials; i++) {
        Trial t = {.tuned = take_tuned(r)};
        t.rungs = (uint32_t)take_integer(r, 4);
        t.folds = (uint32_t)take_integer(r, 4);
        uint64_t won = take_integer(r, 1);
        t.kept = won == 1;
        t.log_loss = take_real(r);
        t.error = take_real(r);
        kept += t.kept;
        if (r->ended || won > 1 || !isfinite(t.log_loss) || !can_be(&t.tuned, c) ||
            (t.kept && !same_tuned(&t.tuned, &tuned)))
            return false;
        if (take)
            s->trial[i] = t;
    }
    for (size_t i = 0; i < rows; i++) {
        double margin = take_real(r);
        if (!isfinite(margin))
            return false;
        if (take)
            s->margin[i] = margin;
    }
    for (size_t i = 0; i < k->v->rows && judged > 0; i++) {
        if (!judges(k, &p, i))
            continue;
        double margin = take_real(r);
        if (!isfinite(margin))
            return false;
        if (take)
            judged_margin(k, &p)[i] = margin;
    }
    if (take)
        s->whole = true;
    return !r->ended && kept == 1;
}

/* ---- the file ---- */

Str kept_write(Arena *keep, const Kept *k)
{
    Buffer b = buffer_new(keep);
    size_t tasks = k->work * validation_parts(k->v), done = 0;
    uint8_t *is_done = ARENA_ARRAY(keep, uint8_t, tasks);
    /* Once: others finish while this is written. */
    for (size_t i = 0; i < tasks; i++)
        done += is_done[i] = atomic_load_explicit(&k->done[i], memory_order_acquire) != 0;
    buffer_add(&b, (Str){magic, MAGIC});
    put_integer(&b, KEPT_VERSION, 4);
    buffer_add(&b, (Str){k->key, KEY});
    put_integer(&b, done, 4);
    for (size_t i = 0; i < tasks; i++)
        if (is_done[i])
            put_task(&b, k, i);
    char sum[SHA256_TEXT];
    sha256_text(sum, buffer_str(&b));
    buffer_add(&b, (Str){sum, KEY});
    return buffer_str(&b);
}

size_t kept_read(const Kept *k, Str bytes, const char **why, Arena scratch)
{
    char sum[SHA256_TEXT];
    *why = "is not a resume file of this program";
    if (bytes.size < MAGIC + 4 + KEY + 4 + KEY || memcmp(bytes.data, magic, MAGIC) != 0)
        return 0;
    Reader r = {.bytes = {bytes.data, bytes.size - KEY}, .at = MAGIC};
    *why = "is of another version";
    if (take_integer(&r, 4) != KEPT_VERSION)
        return 0;
    *why = "is damaged";
    sha256_text(sum, r.bytes);
    if (memcmp(sum, bytes.data + r.bytes.size, KEY) != 0)
        return 0;
    *why = "is of other files, options or another version of the program";
    if (memcmp(r.bytes.data + r.at, k->key, KEY) != 0)
        return 0;
    r.at += KEY;
    *why = "does not fit";
    size_t done = take_integer(&r, 4), from = r.at;
    uint8_t *seen = ARENA_ARRAY(&scratch, uint8_t, k->work * validation_parts(k->v));
    for (size_t i = 0; i < done; i++)
        if (!get_task(&r, k, seen, false))
            return 0;
    if (r.at != r.bytes.size)
        return 0;
    r.at = from;
    for (size_t i = 0; i < done; i++)
        (void)get_task(&r, k, seen, true);
    *why = NULL;
    return done;
}

/* ---- what searches depend on ---- */

static void add_space(Buffer *b, const Candidate *c)
{
    const ForestOptions *f = &c->forest;
    buffer_format(b, "%.*s %d %d %d", STR_ARG(c->name), c->constant, c->lasso, c->free_signs);
    for (size_t i = 0; i < c->dimensions; i++) {
        const Dimension *d = &c->dimension[i];
        buffer_format(b, " %s %a %a %a %d %d", d->name, d->usual, d->low, d->high, d->logarithmic,
                      d->whole);
    }
    buffer_format(b, " %zu %zu %zu %zu %a %a %a %a %a %a %a %d %zu\n", f->trees, f->depth,
                  f->leaves, f->bins, f->learning_rate, f->l2, f->hessian_min, f->gain_min,
                  f->row_share, f->column_share, f->split_share, f->apart, f->patience);
}

void kept_key(char key[SHA256_TEXT], const Validation *v, const TrainingSet *set,
              const LearnOptions *o, Str identity)
{
    Arena own = arena_new();
    Buffer b = buffer_new(&own);
    const Matrix *x = set->x;
    buffer_format(&b, "%d %zu ", KEPT_VERSION, identity.size);
    buffer_add(&b, identity);
    buffer_format(&b, "\n%zu %zu %zu %zu %zu %a %llu\n", o->folds, o->repeats, o->inner_folds,
                  o->trials, o->fits, o->lead, (unsigned long long)o->seed);
    for (size_t k = 0; k < v->candidates; k++)
        add_space(&b, &v->candidate[k]);
    buffer_format(&b, "%zu %zu %d %d %d\n", x->rows, x->columns, set->group != NULL,
                  set->monotone != NULL, set->refit != NULL);
    for (size_t k = 0; k < x->columns; k++) {
        buffer_format(&b, "%zu ", x->name[k].size);
        buffer_add(&b, x->name[k]);
    }
    buffer_add(&b, (Str){(const char *)x->value, x->rows * x->columns * sizeof(float)});
    buffer_add(&b, (Str){(const char *)set->label, x->rows});
    if (set->group != NULL)
        buffer_add(&b, (Str){(const char *)set->group, x->rows * sizeof *set->group});
    if (set->monotone != NULL)
        buffer_add(&b, (Str){(const char *)set->monotone, x->columns});
    sha256_text(key, buffer_str(&b));
    arena_free(&own);
}

/* ---- keeping ---- */

struct Keeper {
    Kept kept;
    const char *path;
    const Progress *progress;
    atomic_flag writing;
    atomic_llong written_us;
    atomic_bool failed;
};

static void write_file(Keeper *k)
{
    Arena own = arena_new();
    if (file_write(k->path, kept_write(&own, &k->kept), NULL) != STATUS_OK)
        atomic_store(&k->failed, true);
    else
        atomic_store(&k->failed, false);
    atomic_store(&k->written_us, clock_monotonic_us());
    arena_free(&own);
}

Keeper *keeper_new(Arena *keep, const Validation *v, Searched *searched, const size_t *worked,
                   size_t work, const TrainingSet *set, const LearnOptions *options,
                   const Progress *progress)
{
    if (options->resume == NULL)
        return NULL;
    Keeper *k = ARENA_NEW(keep, Keeper);
    size_t tasks = work * validation_parts(v), found = 0;
    k->kept = (Kept){.v = v, .searched = searched, .worked = worked, .work = work};
    k->kept.done = ARENA_ARRAY(keep, atomic_uchar, tasks);
    k->path = options->resume->path;
    k->progress = progress;
    atomic_flag_clear(&k->writing);
    atomic_store(&k->written_us, clock_monotonic_us());
    kept_key(k->kept.key, v, set, options, options->resume->identity);
    if (!file_exists(k->path))
        return k;
    Arena own = arena_new(), spare = arena_new();
    Str bytes;
    const char *why = "cannot be read";
    if (file_is_regular(k->path) && file_read(&bytes, &own, k->path, NULL) == STATUS_OK)
        found = kept_read(&k->kept, bytes, &why, spare);
    if (why != NULL)
        progress_say(progress,
                     str_chars(&own, str_format(&own, "%s %s: it is ignored", k->path, why)));
    else
        progress_say(
            progress,
            str_chars(&own, str_format(&own, "going on from %s: %zu of %zu searches are done",
                                       k->path, found, tasks)));
    for (size_t i = 0; i < tasks; i++)
        atomic_store(&k->kept.done[i], place_of(&k->kept, i).search->whole);
    arena_free(&own);
    arena_free(&spare);
    return k;
}

void keeper_done(Keeper *k, size_t task)
{
    if (k == NULL)
        return;
    atomic_store_explicit(&k->kept.done[task], 1, memory_order_release);
    if (clock_monotonic_us() - atomic_load(&k->written_us) < WRITE_EVERY_US ||
        atomic_flag_test_and_set(&k->writing))
        return;
    write_file(k);
    atomic_flag_clear(&k->writing);
}

bool keeper_close(Keeper *k)
{
    if (k == NULL)
        return false;
    write_file(k);
    if (atomic_load(&k->failed)) {
        Arena own = arena_new();
        progress_say(k->progress,
                     str_chars(&own, str_format(&own,
                                                "%s cannot be written: an interrupted run would "
                                                "begin anew",
                                                k->path)));
        arena_free(&own);
        return false;
    }
    return true;
}
