#include "made_up_bank.h"

#include <sys/resource.h>
#include <sys/wait.h>

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

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    SynthOptions o = options_of(2500, 7); /* more than one round of blocks */
    o.defects = 0.05;
    o.missing = 0.05;
    o.malformed = 9;
    Bank *alone = make(&o);
    for (size_t threads = 1; threads <= 8; threads += 7) {
        o.team = team_new(threads);
        Bank *b = make(&o);
        for (size_t i = 0; i < FILES; i++)
            assert_true(str_equal(b->text[i], alone->text[i]));
        assert_memory_equal(&b->counts, &alone->counts, sizeof b->counts);
        drop(b);
        team_free(o.team);
    }
    drop(alone);
}

/* Peak memory, in kilobytes, of a process that makes a bank and throws it away. */
static long peak_of(uint64_t customers)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        SynthOptions o = options_of(customers, 3);
        SynthCounts counts;
        Arena scratch = arena_new();
        bool quiet = freopen("/dev/null", "w", stdout) != NULL;
        _exit(quiet && synth_print(&counts, scratch, SYNTH_TRUTH, &o, NULL) == STATUS_OK ? 0 : 1);
    }
    int status = 0;
    struct rusage usage;
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_int_equal(status, 0);
    return usage.ru_maxrss;
}

static void memory_does_not_grow_with_the_number_of_customers(void **state)
{
    (void)state;
    long small = peak_of(2000), large = peak_of(20000); /* 0.3 and 3 MB a thousand on disk */
    if (large > small + 8192)
        fail_msg("2,000 customers took %ld kB and 20,000 took %ld kB", small, large);
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
    assert_string_equal(digest, "3ea0386c25eff8d97c25dd59ff4f64be1b1e0085ac6ab6441ef63953fa9d0047");
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
    static const size_t columns[] = {16, 11, 14, 10, 9, 3};
    for (size_t i = 0; i < FILES; i++)
        assert_int_equal(b->rows[i].header.count, columns[i]);
    for (size_t i = 0; i < TRUTH; i++) {
        const char *path =
            str_format(&b->arena, "../shared/data/deblock/%s", synth_file_name((SynthFile)i)).data;
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
        for (unsigned t = 0; t < PATTERNS; t++)
            seen.planted[t] += has_pattern(truth, i, t);
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
    seen.planted_transactions = b->rows[PLANTED].count;
    seen.labelled_users = b->rows[LABELLED_USERS].count;
    seen.unlabelled_users = b->rows[UNLABELLED_USERS].count;
    seen.labelled_transactions = b->rows[LABELLED_ROWS].count;
    seen.unlabelled_transactions = b->rows[UNLABELLED_ROWS].count;
    assert_memory_equal(&seen, n, sizeof seen);
    for (unsigned t = 0; t < PATTERNS; t++)
        assert_true(n->planted[t] > 0);
    assert_true(n->contradictory > 0 && n->silent > 0);
    drop(b);
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

/* ---- leaks, noise and drift ---- */

/* Share of the labelled with and without a suspension of whom `found` says yes. */
static void shares_of(double share[2], const Bank *b, bool (*found)(const Bank *, Str user))
{
    uint64_t all[2] = {0}, yes[2] = {0};
    const Rows *truth = &b->rows[TRUTH];
    for (size_t i = 0; i < truth->count; i++) {
        if (!is(truth, i, "cohort", "labelled"))
            continue;
        size_t bad = is(truth, i, "label", "SUSPENDED");
        all[bad]++;
        yes[bad] += found(b, cell(truth, i, "user_id"));
    }
    for (size_t k = 0; k < 2; k++)
        share[k] = (double)yes[k] / (double)all[k];
}

static size_t rows_of(const Bank *b, Str user, bool rejected)
{
    size_t count = 0;
    const Rows *users = &b->rows[LABELLED_USERS];
    for (size_t i = 0; i < users->count; i++)
        count += str_equal(cell(users, i, "user_id"), user) &&
                 (!rejected || is(users, i, "screening_state", "REJECTED"));
    return count;
}

static bool was_rejected(const Bank *b, Str user)
{
    return rows_of(b, user, true) > 0;
}

static bool has_copies(const Bank *b, Str user)
{
    return rows_of(b, user, false) > 1;
}

static void planted_leaks_tell_the_label_of_the_labelled_alone(void **state)
{
    (void)state;
    double share[2];
    SynthOptions o = options_of(800, 61);
    Bank *b = make(&o);
    shares_of(share, b, was_rejected);
    assert_true(share[0] == 0 && share[1] == 0);
    shares_of(share, b, has_copies);
    assert_true(share[1] < 0.3);
    drop(b);
    o.column_leak = o.copies_leak = true;
    b = make(&o);
    shares_of(share, b, was_rejected);
    assert_true(share[0] == 0 && share[1] > 0.7);
    shares_of(share, b, has_copies);
    assert_true(share[0] < 0.3 && share[1] > 0.7);
    const Rows *users = &b->rows[UNLABELLED_USERS];
    for (size_t i = 0; i < users->count; i++)
        assert_false(is(users, i, "screening_state", "REJECTED"));
    drop(b);
}

static void label_noise_writes_the_wrong_label_and_the_truth_says_so(void **state)
{
    (void)state;
    SynthOptions o = options_of(2000, 67);
    o.imperfections = false;
    Bank *clean = make(&o);
    assert_int_equal(clean->counts.mislabelled, 0);
    o.label_noise = 0.1;
    Bank *b = make(&o);
    share_between("mislabelled", b->counts.mislabelled, b->counts.labelled, 0.08, 0.12);
    const Rows *truth = &b->rows[TRUTH], *users = &b->rows[LABELLED_USERS];
    size_t at = 0; /* without imperfections a row is a labelled customer, in order */
    for (size_t i = 0; i < truth->count; i++) {
        bool wrong = is(truth, i, "mislabelled", "TRUE");
        assert_true(str_equal(cell(truth, i, "label"), cell(&clean->rows[TRUTH], i, "label")));
        if (!is(truth, i, "cohort", "labelled")) {
            assert_false(wrong);
            continue;
        }
        assert_true(str_equal(cell(users, at, "user_id"), cell(truth, i, "user_id")));
        bool same = str_equal(cell(users, at++, "user_current_state"), cell(truth, i, "label"));
        assert_int_equal(same, !wrong);
    }
    assert_int_equal(at, users->count);
    for (size_t i = LABELLED_ROWS; i <= UNLABELLED_ROWS; i++)
        assert_true(str_equal(b->text[i], clean->text[i]));
    drop(b);
    drop(clean);
}

static void missing_empties_cells_and_changes_nothing_else(void **state)
{
    (void)state;
    SynthOptions o = options_of(600, 71);
    Bank *clean = make(&o);
    o.missing = 0.2;
    Bank *b = make(&o);
    for (size_t file = 0; file < FILES; file++) {
        const Rows *rows = &b->rows[file], *full = &clean->rows[file];
        uint64_t emptied = 0, cells = 0;
        assert_int_equal(rows->count, full->count);
        for (size_t i = 0; i < rows->count; i++) {
            assert_int_equal(rows->row[i].count, full->row[i].count);
            for (size_t k = 0; k < rows->row[i].count; k++) {
                bool same = str_equal(rows->row[i].cell[k], full->row[i].cell[k]);
                assert_true(same || rows->row[i].cell[k].size == 0);
                emptied += !same;
                cells++;
            }
        }
        if (file == LABELLED_USERS || file == UNLABELLED_USERS)
            share_between("cells emptied", emptied, cells, 0.10, 0.16); /* 10 or 11 of 16 may be */
        else if (file != LABELLED_ROWS)
            assert_int_equal(emptied, 0);
        else
            share_between("categories emptied", emptied, rows->count, 0.17, 0.23);
    }
    drop(b);
    drop(clean);
}

/* Without its damaged copies a bank is the bank without defects. */
static void defects_are_damaged_copies_and_nothing_true_is_lost(void **state)
{
    (void)state;
    SynthOptions o = options_of(600, 73);
    Bank *clean = make(&o);
    o.defects = 0.1;
    Bank *b = make(&o);
    uint64_t damaged = 0, rows_read = 0;
    for (size_t file = LABELLED_USERS; file <= UNLABELLED_ROWS; file++) {
        const Rows *rows = &b->rows[file], *full = &clean->rows[file];
        size_t at = 0;
        for (size_t i = 0; i < rows->count; i++) {
            const Cells *seen = &rows->row[i], *want = at < full->count ? &full->row[at] : NULL;
            bool same = want != NULL && seen->count == want->count;
            for (size_t k = 0; same && k < seen->count; k++)
                same = str_equal(seen->cell[k], want->cell[k]);
            at += same;
            damaged += !same;
        }
        assert_int_equal(at, full->count);
        rows_read += full->count;
    }
    assert_int_equal(damaged, b->counts.malformed);
    share_between("damaged copies", damaged, rows_read, 0.09, 0.11);
    drop(b);
    drop(clean);
}

typedef struct Habits {
    double card_euros; /* of log(1 + amount) of card payments */
    double crypto;     /* share of crypto among transactions */
    double pass_through, structuring;
} Habits;

static Habits habits_of(const Bank *b, int file, const char *cohort)
{
    const Rows *rows = &b->rows[file], *truth = &b->rows[TRUTH];
    Habits out = {0};
    size_t cards = 0, people = 0;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t amount = 0;
        bool crypto =
            is(rows, i, "type", "CRYPTO_ON_RAMP") || is(rows, i, "type", "CRYPTO_OFF_RAMP");
        assert_true(parse_decimal(cell(rows, i, "amount"), 2, &amount));
        out.crypto += crypto;
        if (is(rows, i, "type", "CARDS") && amount > 0) {
            out.card_euros += stable_log(1 + (double)amount / 100);
            cards++;
        }
    }
    for (size_t i = 0; i < truth->count; i++) {
        bool counts = is(truth, i, "cohort", cohort) && is(truth, i, "label", "SUSPENDED");
        people += counts;
        out.pass_through += counts && has_pattern(truth, i, TYPOLOGY_PASS_THROUGH);
        out.structuring += counts && has_pattern(truth, i, TYPOLOGY_STRUCTURING);
    }
    out.card_euros /= (double)cards;
    out.crypto /= (double)rows->count;
    out.pass_through /= (double)people;
    out.structuring /= (double)people;
    return out;
}

static void drift_moves_the_scored_cohort_away_and_leaves_the_labelled(void **state)
{
    (void)state;
    SynthOptions o = options_of(3000, 79);
    o.imperfections = false;
    o.share[TYPOLOGY_STRUCTURING] = 0.2;
    Bank *still = make(&o);
    o.drift = 1;
    Bank *moved = make(&o);
    assert_true(str_equal(still->text[LABELLED_USERS], moved->text[LABELLED_USERS]));
    assert_true(str_equal(still->text[LABELLED_ROWS], moved->text[LABELLED_ROWS]));
    Habits labelled = habits_of(still, LABELLED_ROWS, "labelled");
    Habits before = habits_of(still, UNLABELLED_ROWS, "unlabelled");
    Habits after = habits_of(moved, UNLABELLED_ROWS, "unlabelled");
    assert_true(before.card_euros < labelled.card_euros + 0.15);
    assert_true(after.card_euros > before.card_euros + 0.2);
    assert_true(after.crypto > before.crypto * 1.5);
    assert_true(after.pass_through < before.pass_through * 0.7);
    assert_true(after.structuring > before.structuring * 1.5);
    drop(still);
    drop(moved);
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
    SynthOptions bad[12];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = synth_defaults();
    bad[0].customers = 0;
    bad[1].customers = UINT64_MAX;
    bad[2].labelled_share = 1.01;
    bad[3].labelled_share = MISSING_VALUE;
    bad[4].as_of = INT64_MAX;
    bad[5].malformed = UINT64_MAX;
    bad[6].suspended = -0.1;
    bad[7].share[TYPOLOGY_FUNNEL] = 1.1;
    bad[8].overlap = MISSING_VALUE;
    bad[9].drift = 2;
    bad[10].label_noise = -1;
    bad[11].defects = 1.5;
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
    const char *block = path_join(&arena, folder, synth_file_name(SYNTH_UNLABELLED_TRANSACTIONS));
    Error err = {0};
    assert_int_equal(folder_make(path_join(&arena, block, "in the way"), &err), STATUS_OK);
    SynthCounts counts;
    SynthOptions o = options_of(5, 1);
    assert_int_equal(synth_write(&counts, arena, folder, &o, &err), STATUS_IO);
    for (size_t i = 0; i < FILES; i++)
        if (i != UNLABELLED_ROWS)
            assert_false(file_exists(path_join(&arena, folder, synth_file_name((SynthFile)i))));
    assert_int_equal(rmdir(path_join(&arena, block, "in the way")), 0);
    assert_int_equal(rmdir(block), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_the_same_bytes),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(memory_does_not_grow_with_the_number_of_customers),
        cmocka_unit_test(bytes_are_those_of_every_machine),
        cmocka_unit_test(first_customers_are_the_same_in_a_larger_bank),
        cmocka_unit_test(one_customer_is_a_bank),
        cmocka_unit_test(headers_are_those_of_the_home_task),
        cmocka_unit_test(counts_equal_what_the_files_hold),
        cmocka_unit_test(shares_are_those_of_the_real_files),
        cmocka_unit_test(typologies_are_commoner_in_suspended_but_separate_nobody),
        cmocka_unit_test(calendar_leak_makes_recency_tell_the_label),
        cmocka_unit_test(nothing_happens_after_a_suspension_or_after_the_extract),
        cmocka_unit_test(planted_leaks_tell_the_label_of_the_labelled_alone),
        cmocka_unit_test(label_noise_writes_the_wrong_label_and_the_truth_says_so),
        cmocka_unit_test(missing_empties_cells_and_changes_nothing_else),
        cmocka_unit_test(defects_are_damaged_copies_and_nothing_true_is_lost),
        cmocka_unit_test(drift_moves_the_scored_cohort_away_and_leaves_the_labelled),
        cmocka_unit_test(without_imperfections_a_customer_is_a_row),
        cmocka_unit_test(malformed_rows_are_made_only_when_asked_for),
        cmocka_unit_test(options_out_of_bounds_are_refused),
        cmocka_unit_test(folder_that_cannot_be_written_is_an_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
