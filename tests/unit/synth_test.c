#include "synth/synth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const file_names[] = {"labelled_users.csv", "labelled_transactions.csv",
                                         "unlabelled_users.csv", "unlabelled_transactions.csv",
                                         "truth.csv"};
enum { LABELLED_USERS, LABELLED_ROWS, UNLABELLED_USERS, UNLABELLED_ROWS, TRUTH, FILES };

#define CELLS_MAX 16

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
        const char *path = path_join(&arena, b->folder, file_names[i]);
        assert_int_equal(file_read(&b->text[i], &arena, path, &err), STATUS_OK);
        b->rows[i] = cut_rows(&arena, b->text[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(b->folder), 0);
    b->arena = arena;
    return b;
}

static void drop(Bank *b)
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

static bool is(const Rows *rows, size_t row, const char *name, const char *value)
{
    return str_equal(cell(rows, row, name), str_from(value));
}

static SynthOptions options_of(uint64_t customers, uint64_t seed)
{
    SynthOptions o = synth_defaults();
    o.customers = customers;
    o.seed = seed;
    return o;
}

static void same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    SynthOptions o = options_of(300, 7), other = options_of(300, 8);
    Bank *a = make(&o), *b = make(&o), *c = make(&other);
    for (size_t i = 0; i < FILES; i++) {
        assert_true(str_equal(a->text[i], b->text[i]));
        assert_false(str_equal(a->text[i], c->text[i]));
    }
    assert_memory_equal(&a->counts, &b->counts, sizeof a->counts);
    drop(a);
    drop(b);
    drop(c);
}

/* A fixed digest, so that a change of the made-up bank is seen, on any machine. */
static void bytes_are_those_of_every_machine(void **state)
{
    (void)state;
    SynthOptions o = options_of(50, 42);
    o.malformed = 6;
    Bank *b = make(&o);
    Buffer all = buffer_new(&b->arena);
    for (size_t i = 0; i < FILES; i++)
        buffer_add(&all, b->text[i]);
    char digest[SHA256_TEXT];
    sha256_text(digest, buffer_str(&all));
    assert_string_equal(digest, "e4e112fa21761f672e348753efcc18888e1dbdcc22c296885287f72c688cabc3");
    drop(b);
}

static void first_customers_are_the_same_in_a_larger_bank(void **state)
{
    (void)state;
    SynthOptions small = options_of(40, 3), large = options_of(400, 3);
    Bank *a = make(&small), *b = make(&large);
    static const int files[] = {TRUTH, LABELLED_USERS, LABELLED_ROWS, UNLABELLED_ROWS};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        assert_true(str_starts(b->text[files[i]], a->text[files[i]]));
    drop(a);
    drop(b);
}

static void one_customer_is_a_bank(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        SynthOptions o = options_of(1, seed);
        Bank *b = make(&o);
        assert_int_equal(b->counts.labelled, 1);
        assert_int_equal(b->rows[TRUTH].count, 1);
        assert_true(b->rows[LABELLED_USERS].count >= 1);
        assert_int_equal(b->rows[UNLABELLED_USERS].count, 0);
        assert_int_equal(b->rows[UNLABELLED_ROWS].count, 0);
        drop(b);
    }
}

static void headers_are_those_of_the_home_task(void **state)
{
    (void)state;
    SynthOptions o = options_of(5, 1);
    Bank *b = make(&o);
    static const size_t columns[] = {16, 11, 14, 10, 6};
    for (size_t i = 0; i < FILES; i++)
        assert_int_equal(b->rows[i].header.count, columns[i]);
    for (size_t i = 0; i < TRUTH; i++) {
        const char *path = str_format(&b->arena, "../shared/data/deblock/%s", file_names[i]).data;
        if (!file_exists(path)) {
            print_message("*** %s is absent: its header was NOT compared ***\n", path);
            continue;
        }
        Str real;
        assert_int_equal(file_read(&real, &b->arena, path, NULL), STATUS_OK);
        size_t end = 0;
        while (b->text[i].data[end] != '\n')
            end++;
        assert_true(str_starts(real, str_slice(b->text[i], 0, end)));
        assert_int_equal(real.data[end], '\r');
    }
    drop(b);
}

/* ---- counts ---- */

typedef struct Person {
    bool labelled, unlabelled, unknown, suspended, wrote_active, wrote_suspended, contradictory;
    uint64_t events;
} Person;

static void counts_equal_what_the_files_hold(void **state)
{
    (void)state;
    SynthOptions o = options_of(1500, 11);
    Bank *b = make(&o);
    const SynthCounts *n = &b->counts;
    Dictionary *ids = dictionary_new(&b->arena);
    const Rows *truth = &b->rows[TRUTH];
    Person *person = ARENA_ARRAY(&b->arena, Person, truth->count);
    SynthCounts seen = {0};
    for (size_t i = 0; i < truth->count; i++) {
        assert_int_equal(dictionary_add(ids, cell(truth, i, "user_id")), i);
        Person *p = &person[i];
        p->labelled = is(truth, i, "cohort", "labelled");
        p->unlabelled = is(truth, i, "cohort", "unlabelled");
        p->unknown = is(truth, i, "cohort", "unknown");
        p->suspended = is(truth, i, "label", "SUSPENDED");
        p->contradictory = is(truth, i, "contradictory", "TRUE");
        seen.labelled += p->labelled;
        seen.unlabelled += p->unlabelled;
        seen.unknown += p->unknown;
        seen.suspended += p->labelled && p->suspended;
        seen.suspended_unlabelled += p->unlabelled && p->suspended;
        seen.contradictory += p->contradictory;
        for (unsigned t = 0; t < TYPOLOGIES; t++)
            seen.planted[t] +=
                str_contains(cell(truth, i, "typology"), str_from(typology_name((Typology)t)));
        assert_int_equal(cell(truth, i, "suspended_at").size > 0, p->labelled && p->suspended);
    }
    const Rows *users = &b->rows[LABELLED_USERS];
    for (size_t i = 0; i < users->count; i++) {
        Person *p = &person[dictionary_find(ids, cell(users, i, "user_id"))];
        assert_true(p->labelled);
        if (is(users, i, "user_current_state", "SUSPENDED"))
            p->wrote_suspended = true;
        else
            p->wrote_active = true;
    }
    users = &b->rows[UNLABELLED_USERS];
    for (size_t i = 0; i < users->count; i++)
        assert_true(person[dictionary_find(ids, cell(users, i, "user_id"))].unlabelled);
    Dictionary *transactions = dictionary_new(&b->arena);
    for (size_t file = LABELLED_ROWS; file <= UNLABELLED_ROWS; file += 2)
        for (size_t i = 0; i < b->rows[file].count; i++) {
            Person *p = &person[dictionary_find(ids, cell(&b->rows[file], i, "user_id"))];
            assert_true(file == UNLABELLED_ROWS || p->labelled);
            seen.rows_of_labelled += file == UNLABELLED_ROWS && p->labelled;
            seen.rows_of_unknown += p->unknown;
            p->events++;
            (void)dictionary_add(transactions, cell(&b->rows[file], i, "id"));
        }
    for (size_t i = 0; i < truth->count; i++) {
        const Person *p = &person[i];
        seen.silent += p->labelled && p->events == 0;
        if (!p->labelled)
            continue;
        assert_int_equal(p->contradictory, p->wrote_active && p->wrote_suspended);
        assert_true(p->suspended ? p->wrote_suspended : p->wrote_active);
    }
    seen.transactions = transactions->count;
    seen.labelled_users = b->rows[LABELLED_USERS].count;
    seen.unlabelled_users = b->rows[UNLABELLED_USERS].count;
    seen.labelled_transactions = b->rows[LABELLED_ROWS].count;
    seen.unlabelled_transactions = b->rows[UNLABELLED_ROWS].count;
    assert_memory_equal(&seen, n, sizeof seen);
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        assert_true(n->planted[t] > 0);
    assert_true(n->contradictory > 0 && n->silent > 0);
    drop(b);
}

static void share_between(const char *what, uint64_t part, uint64_t whole, double low, double high)
{
    double share = (double)part / (double)whole;
    if (share < low || share > high)
        fail_msg("%s: %.4f is outside %.4f .. %.4f", what, share, low, high);
}

static void shares_are_those_of_the_real_files(void **state)
{
    (void)state;
    SynthOptions o = options_of(3000, 5);
    Bank *b = make(&o);
    const SynthCounts *n = &b->counts;
    share_between("labelled", n->labelled, o.customers, 0.549, 0.551);
    share_between("suspended", n->suspended, n->labelled, 0.14, 0.20);
    share_between("silent", n->silent, n->labelled, 0.28, 0.38);
    share_between("contradictory", n->contradictory, n->labelled, 0.004, 0.018);
    share_between("of labelled", n->rows_of_labelled, n->unlabelled_transactions, 0.17, 0.22);
    share_between("of unknown", n->rows_of_unknown, n->unlabelled_transactions, 0.01, 0.09);
    uint64_t top_ups = 0, failed = 0, cards = 0, declined = 0, pending = 0, zero = 0, changed = 0;
    Dictionary *ids = dictionary_new(&b->arena);
    const Rows *rows = &b->rows[LABELLED_ROWS];
    Str *amount = ARENA_ARRAY(&b->arena, Str, rows->count);
    bool *counted = ARENA_ARRAY(&b->arena, bool, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        uint32_t id = dictionary_add(ids, cell(rows, i, "id"));
        if (amount[id].data == NULL)
            amount[id] = cell(rows, i, "amount");
        changed += !counted[id] && !str_equal(amount[id], cell(rows, i, "amount"));
        counted[id] |= !str_equal(amount[id], cell(rows, i, "amount"));
        bool waits = is(rows, i, "state", "PENDING");
        pending += waits;
        assert_int_equal(cell(rows, i, "completed_at").size == 0, waits);
        bool out = is(rows, i, "direction", "OUT");
        top_ups += is(rows, i, "type", "CARD_TOP_UP") && !waits;
        failed += is(rows, i, "type", "CARD_TOP_UP") && is(rows, i, "state", "FAILED");
        cards += is(rows, i, "type", "CARDS") && out && !waits;
        declined += is(rows, i, "type", "CARDS") && out && is(rows, i, "state", "DECLINED");
        zero += is(rows, i, "type", "CARDS") && out && !waits && is(rows, i, "amount", "0");
    }
    share_between("top-ups failed", failed, top_ups, 0.70, 0.79);
    share_between("cards declined", declined, cards, 0.20, 0.31);
    share_between("card checks", zero, cards, 0.08, 0.15);
    share_between("pending rows", pending, rows->count, 0.15, 0.40);
    share_between("settled otherwise", changed, ids->count, 0.005, 0.025);
    drop(b);
}

/* ---- typologies ---- */

static int64_t time_of(const Rows *rows, size_t row, const char *name)
{
    int64_t time = 0;
    assert_true(parse_time(cell(rows, row, name), &time));
    return time;
}

static void pass_through_is_in_the_transactions(void **state)
{
    (void)state;
    SynthOptions o = options_of(400, 13);
    o.imperfections = false; /* every row is then in the file of its cohort */
    Bank *b = make(&o);
    const Rows *truth = &b->rows[TRUTH], *rows = &b->rows[LABELLED_ROWS];
    size_t planted = 0;
    for (size_t i = 0; i < truth->count; i++) {
        if (!str_contains(cell(truth, i, "typology"), S("pass_through")) ||
            !is(truth, i, "cohort", "labelled"))
            continue;
        planted++;
        bool found = false;
        for (size_t in = 0; in < rows->count && !found; in++) {
            if (!str_equal(cell(rows, in, "user_id"), cell(truth, i, "user_id")) ||
                !is(rows, in, "type", "BANK_TRANSFER") || !is(rows, in, "direction", "IN"))
                continue;
            int64_t at = time_of(rows, in, "created_at"), left = 0, came = 0, amount = 0;
            assert_true(parse_decimal(cell(rows, in, "amount"), 2, &came));
            for (size_t out = 0; out < rows->count; out++) {
                if (!str_equal(cell(rows, out, "user_id"), cell(truth, i, "user_id")) ||
                    !is(rows, out, "type", "BANK_TRANSFER") || !is(rows, out, "direction", "OUT") ||
                    !is(rows, out, "state", "COMPLETED"))
                    continue;
                int64_t then = time_of(rows, out, "created_at");
                assert_true(parse_decimal(cell(rows, out, "amount"), 2, &amount));
                if (then >= at && then < at + 6 * HOUR_US + MINUTE_US)
                    left += amount;
            }
            found = came >= 6000 && left * 10 >= came * 8;
        }
        assert_true(found);
    }
    assert_true(planted >= 10);
    drop(b);
}

static void typologies_are_commoner_in_suspended_but_separate_nobody(void **state)
{
    (void)state;
    SynthOptions o = options_of(2000, 17);
    Bank *b = make(&o);
    const Rows *truth = &b->rows[TRUTH];
    uint64_t with[2] = {0}, all[2] = {0};
    for (size_t i = 0; i < truth->count; i++) {
        size_t bad = is(truth, i, "label", "SUSPENDED");
        all[bad]++;
        with[bad] += cell(truth, i, "typology").size > 0;
    }
    share_between("suspended with a typology", with[1], all[1], 0.5, 0.75);
    share_between("active with a typology", with[0], all[0], 0.04, 0.15);
    drop(b);
}

/* ---- the calendar leak ---- */

typedef struct Scored {
    double score;
    bool positive;
} Scored;

static int by_score(const void *left, const void *right)
{
    const Scored *a = left, *b = right;
    return (a->score > b->score) - (a->score < b->score);
}

static double auc(Scored *item, size_t count)
{
    double ranks = 0, positives = 0;
    qsort(item, count, sizeof *item, by_score);
    for (size_t i = 0; i < count;) {
        size_t j = i;
        while (j < count && item[j].score <= item[i].score)
            j++;
        for (size_t k = i; k < j; k++)
            if (item[k].positive) {
                ranks += (double)(i + j + 1) / 2;
                positives += 1;
            }
        i = j;
    }
    return (ranks - positives * (positives + 1) / 2) / (positives * ((double)count - positives));
}

/* How well the days since the last transaction separate the labels of those who have one. */
static double recency_auc(bool leak)
{
    SynthOptions o = options_of(3000, 23);
    o.calendar_leak = leak;
    Bank *b = make(&o);
    const Rows *truth = &b->rows[TRUTH];
    Dictionary *ids = dictionary_new(&b->arena);
    int64_t *last = ARENA_ARRAY(&b->arena, int64_t, truth->count);
    for (size_t i = 0; i < truth->count; i++)
        (void)dictionary_add(ids, cell(truth, i, "user_id"));
    for (size_t file = LABELLED_ROWS; file <= UNLABELLED_ROWS; file += 2)
        for (size_t i = 0; i < b->rows[file].count; i++) {
            const Rows *rows = &b->rows[file];
            uint32_t who = dictionary_find(ids, cell(rows, i, "user_id"));
            int64_t at = time_of(rows, i, "created_at");
            last[who] = at > last[who] ? at : last[who];
        }
    Scored *item = ARENA_ARRAY(&b->arena, Scored, truth->count);
    size_t count = 0;
    for (size_t i = 0; i < truth->count; i++)
        if (last[i] != 0 && is(truth, i, "cohort", "labelled"))
            item[count++] = (Scored){-(double)last[i], is(truth, i, "label", "SUSPENDED")};
    double out = auc(item, count);
    drop(b);
    return out;
}

static void calendar_leak_makes_recency_tell_the_label(void **state)
{
    (void)state;
    double with = recency_auc(true), without = recency_auc(false);
    if (with < 0.85 || without < 0.42 || without > 0.65)
        fail_msg("AUC of days since the last transaction: %.3f with, %.3f without", with, without);
}

static void nothing_happens_after_a_suspension_or_after_the_extract(void **state)
{
    (void)state;
    SynthOptions o = options_of(800, 29);
    o.as_of = days_from_civil(2023, 3, 1);
    Bank *b = make(&o);
    const Rows *truth = &b->rows[TRUTH];
    Dictionary *ids = dictionary_new(&b->arena);
    int64_t *until = ARENA_ARRAY(&b->arena, int64_t, truth->count), end = (o.as_of + 1) * DAY_US;
    for (size_t i = 0; i < truth->count; i++) {
        (void)dictionary_add(ids, cell(truth, i, "user_id"));
        until[i] =
            cell(truth, i, "suspended_at").size > 0 ? time_of(truth, i, "suspended_at") : end;
    }
    for (size_t file = LABELLED_ROWS; file <= UNLABELLED_ROWS; file += 2)
        for (size_t i = 0; i < b->rows[file].count; i++) {
            const Rows *rows = &b->rows[file];
            int64_t created = time_of(rows, i, "created_at");
            assert_true(created < end);
            if (cell(rows, i, "completed_at").size > 0) {
                assert_true(time_of(rows, i, "completed_at") >= created);
                assert_true(time_of(rows, i, "completed_at") < end);
            }
            uint32_t who = dictionary_find(ids, cell(rows, i, "user_id"));
            if (!is(rows, i, "type", "MANUAL")) /* an operator may clear the balance */
                assert_true(created <= until[who]);
        }
    drop(b);
}

/* ---- options ---- */

static void without_imperfections_a_customer_is_a_row(void **state)
{
    (void)state;
    SynthOptions o = options_of(500, 31);
    o.imperfections = false;
    Bank *b = make(&o);
    assert_int_equal(b->counts.labelled_users, b->counts.labelled);
    assert_int_equal(b->counts.unlabelled_users, b->counts.unlabelled);
    assert_int_equal(b->counts.unknown, 0);
    assert_int_equal(b->counts.contradictory, 0);
    assert_int_equal(b->counts.rows_of_labelled, 0);
    const Rows *users = &b->rows[LABELLED_USERS];
    for (size_t i = 0; i < users->count; i++)
        assert_true(cell(users, i, "occupation").size > 0);
    drop(b);
}

static void malformed_rows_are_made_only_when_asked_for(void **state)
{
    (void)state;
    SynthOptions o = options_of(20, 37);
    Bank *clean = make(&o);
    o.malformed = 13;
    Bank *dirty = make(&o);
    assert_int_equal(clean->counts.malformed, 0);
    assert_int_equal(dirty->counts.malformed, 13);
    uint64_t more = 0;
    for (size_t i = 0; i < FILES; i++) {
        assert_true(str_starts(dirty->text[i], clean->text[i]));
        more += dirty->rows[i].count - clean->rows[i].count;
    }
    assert_int_equal(more, 13);
    drop(clean);
    drop(dirty);
}

static void options_out_of_bounds_are_refused(void **state)
{
    (void)state;
    SynthOptions bad[6];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = synth_defaults();
    bad[0].customers = 0;
    bad[1].customers = UINT64_MAX;
    bad[2].labelled_share = 1.01;
    bad[3].labelled_share = MISSING_VALUE;
    bad[4].as_of = INT64_MAX;
    bad[5].malformed = UINT64_MAX;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Error err = {0};
        SynthCounts counts;
        Arena scratch = arena_new();
        assert_int_equal(synth_write(&counts, scratch, "/nowhere", &bad[i], &err), STATUS_USAGE);
        assert_true(err.message[0] != '\0' && err.remedy[0] != '\0');
        arena_free(&scratch);
    }
}

static void folder_that_cannot_be_written_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/synth_test.XXXXXX";
    assert_non_null(mkdtemp(folder));
    Arena arena = arena_new();
    /* A folder stands where the fourth file should. */
    const char *block = path_join(&arena, folder, file_names[UNLABELLED_ROWS]);
    Error err = {0};
    assert_int_equal(folder_make(path_join(&arena, block, "in the way"), &err), STATUS_OK);
    SynthCounts counts;
    SynthOptions o = options_of(5, 1);
    assert_int_equal(synth_write(&counts, arena, folder, &o, &err), STATUS_IO);
    for (size_t i = 0; i < FILES; i++)
        if (i != UNLABELLED_ROWS)
            assert_false(file_exists(path_join(&arena, folder, file_names[i])));
    assert_int_equal(rmdir(path_join(&arena, block, "in the way")), 0);
    assert_int_equal(rmdir(block), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_the_same_bytes),
        cmocka_unit_test(bytes_are_those_of_every_machine),
        cmocka_unit_test(first_customers_are_the_same_in_a_larger_bank),
        cmocka_unit_test(one_customer_is_a_bank),
        cmocka_unit_test(headers_are_those_of_the_home_task),
        cmocka_unit_test(counts_equal_what_the_files_hold),
        cmocka_unit_test(shares_are_those_of_the_real_files),
        cmocka_unit_test(pass_through_is_in_the_transactions),
        cmocka_unit_test(typologies_are_commoner_in_suspended_but_separate_nobody),
        cmocka_unit_test(calendar_leak_makes_recency_tell_the_label),
        cmocka_unit_test(nothing_happens_after_a_suspension_or_after_the_extract),
        cmocka_unit_test(without_imperfections_a_customer_is_a_row),
        cmocka_unit_test(malformed_rows_are_made_only_when_asked_for),
        cmocka_unit_test(options_out_of_bounds_are_refused),
        cmocka_unit_test(folder_that_cannot_be_written_is_an_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
