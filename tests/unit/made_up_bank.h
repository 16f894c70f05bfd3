/* made_up_bank.h - a made-up bank read back as rows, for the tests of synth. */
#ifndef UNIT_MADE_UP_BANK_H
#define UNIT_MADE_UP_BANK_H

#include "synth/synth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LABELLED_USERS = SYNTH_LABELLED_USERS,
    LABELLED_ROWS = SYNTH_LABELLED_TRANSACTIONS,
    UNLABELLED_USERS = SYNTH_UNLABELLED_USERS,
    UNLABELLED_ROWS = SYNTH_UNLABELLED_TRANSACTIONS,
    TRUTH = SYNTH_TRUTH,
    PLANTED = SYNTH_TRUTH_TRANSACTIONS,
    FILES = SYNTH_FILES
};

#define CELLS_MAX 20

typedef struct Cells {
    Str cell[CELLS_MAX];
    size_t count;
} Cells;

/* The files hold no quotes, so a row is its text cut at commas. */
typedef struct Rows {
    Cells header;
    Cells *row;
    size_t count, capacity;
} Rows;

typedef struct Bank {
    Arena arena;
    char folder[64];
    SynthCounts counts;
    Str text[FILES];
    Rows rows[FILES];
} Bank;

static Cells cut(Str line)
{
    Cells out = {0};
    size_t from = 0;
    for (size_t i = 0; i <= line.size; i++)
        if (i == line.size || line.data[i] == ',') {
            assert_true(out.count < CELLS_MAX);
            out.cell[out.count++] = str_slice(line, from, i);
            from = i + 1;
        }
    return out;
}

static Rows cut_rows(Arena *arena, Str text)
{
    Rows out = {0};
    size_t from = 0;
    bool first = true;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\n')
            continue;
        Cells cells = cut(str_slice(text, from, i));
        if (first)
            out.header = cells;
        else
            *ARENA_PUSH(arena, out.row, out.count, out.capacity) = cells;
        first = false;
        from = i + 1;
    }
    assert_int_equal(from, text.size);
    return out;
}

static Bank *make(const SynthOptions *options)
{
    Arena arena = arena_new();
    Bank *b = ARENA_NEW(&arena, Bank);
    Error err = {0};
    (void)snprintf(b->folder, sizeof b->folder, "/tmp/synth_test.XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    Arena scratch = arena_new();
    assert_int_equal(synth_write(&b->counts, scratch, b->folder, options, &err), STATUS_OK);
    arena_free(&scratch);
    for (size_t i = 0; i < FILES; i++) {
        const char *path = path_join(&arena, b->folder, synth_file_name((SynthFile)i));
        assert_int_equal(file_read(&b->text[i], &arena, path, &err), STATUS_OK);
        b->rows[i] = cut_rows(&arena, b->text[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(b->folder), 0);
    b->arena = arena;
    return b;
}

static inline void drop(Bank *b)
{
    Arena arena = b->arena;
    arena_free(&arena);
}

static Str cell(const Rows *rows, size_t row, const char *name)
{
    for (size_t i = 0; i < rows->header.count; i++)
        if (str_equal(rows->header.cell[i], str_from(name))) {
            assert_int_equal(rows->row[row].count, rows->header.count);
            return rows->row[row].cell[i];
        }
    fail_msg("no column %s", name);
    return S("");
}

static inline bool is(const Rows *rows, size_t row, const char *name, const char *value)
{
    return str_equal(cell(rows, row, name), str_from(value));
}

/* The names of a cell such as a+b. */
static inline bool names_pattern(Str text, Str name)
{
    size_t from = 0;
    for (size_t i = 0; i <= text.size; i++)
        if (i == text.size || text.data[i] == '+') {
            if (str_equal(str_slice(text, from, i), name))
                return true;
            from = i + 1;
        }
    return false;
}

static inline bool has_pattern(const Rows *truth, size_t row, unsigned t)
{
    return names_pattern(cell(truth, row, t < TYPOLOGIES ? "typology" : "lookalike"),
                         str_from(typology_name((Typology)t)));
}

static inline SynthOptions options_of(uint64_t customers, uint64_t seed)
{
    SynthOptions o = synth_defaults();
    o.customers = customers;
    o.seed = seed;
    return o;
}

static int64_t time_of(const Rows *rows, size_t row, const char *name)
{
    int64_t time = 0;
    assert_true(parse_time(cell(rows, row, name), &time));
    return time;
}

static void share_between(const char *what, uint64_t part, uint64_t whole, double low, double high)
{
    double share = (double)part / (double)whole;
    if (share < low || share > high)
        fail_msg("%s: %.4f is outside %.4f .. %.4f", what, share, low, high);
}

#endif
