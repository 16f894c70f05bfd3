#include "record/record.h"
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "made_up_run.h"

enum { SMALL = 2 };

/* A folder as `assay score --out` leaves it, of every customer of the made-up files, and one of two
 * customers. */
typedef struct Fixture {
    Arena arena, scratch;
    Run *run;
    char whole[64], small[64];
} Fixture;

/* Scored again for some customers, and written with its bundle. */
static void write_folder(Fixture *f, const char *folder, size_t customers, Team *team)
{
    Error err = {0};
    const Run *made = f->run;
    Bundle *bundle = ARENA_NEW(&f->arena, Bundle);
    *bundle = *made->bundle;
    made_up_ok(store_begin(folder, &err), &err);
    made_up_ok(bundle_write(bundle, path_join(&f->arena, folder, "bundle"), &err), &err);
    uint32_t *row = ARENA_ARRAY(&f->arena, uint32_t, customers);
    for (size_t i = 0; i < customers; i++)
        row[i] = (uint32_t)i;
    Scored *scored;
    made_up_ok(score_dataset(&scored, &f->arena, f->scratch, bundle,
                             (Dataset *)(uintptr_t)made->data, row, customers, NULL, team, &err),
               &err);
    Run run = {.version = made->version,
               .command = made->command,
               .seed = 1,
               .data = made->data,
               .plan = made->plan,
               .policy = made->policy,
               .bundle = bundle,
               .events = scored->events,
               .scored = scored,
               .team = team};
    made_up_ok(store_lists(&run, &f->arena, &err), &err);
    made_up_ok(store_run(&run, folder, &err), &err);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    f->scratch = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    strcpy(f->whole, "/tmp/assay-replay-XXXXXX");
    strcpy(f->small, "/tmp/assay-replay-XXXXXX");
    assert_non_null(mkdtemp(f->whole));
    assert_non_null(mkdtemp(f->small));
    Matrix *x;
    Error err = {0};
    const Run *run = f->run;
    uint32_t *row = ARENA_ARRAY(&f->arena, uint32_t, run->data->customers);
    uint8_t *label = ARENA_ARRAY(&f->arena, uint8_t, run->data->customers);
    Fitting labelled = {.row = row, .label = label};
    for (size_t i = 0; i < run->data->customers; i++)
        if (run->data->label[i] >= 0) {
            row[labelled.count] = (uint32_t)i;
            label[labelled.count++] = run->data->label[i] == LABEL_POSITIVE;
        }
    Table *fitted;
    made_up_ok(feature_table_fit(&fitted, &f->arena, f->scratch, (Plan *)(uintptr_t)run->plan,
                                 run->events, &labelled, NULL, &err),
               &err);
    made_up_ok(score_matrix(&x, &f->arena, f->run->bundle, f->run->scored, NULL,
                            f->run->scored->count, &err),
               &err);
    bundle_reference((Bundle *)(uintptr_t)f->run->bundle, &f->arena, f->scratch, x);
    write_folder(f, f->whole, f->run->data->customers, NULL);
    write_folder(f, f->small, SMALL, NULL);
    *state = f;
    return 0;
}

static void remove_folder(Fixture *f, const char *folder)
{
    const char *command = str_format(&f->arena, "rm -r '%s'", folder).data;
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path of the test's own
}

static int teardown(void **state)
{
    Fixture *f = *state;
    remove_folder(f, f->whole);
    remove_folder(f, f->small);
    arena_free(&f->arena);
    arena_free(&f->scratch);
    free(f);
    return 0;
}

static Str read_text(Fixture *f, const char *folder, const char *name)
{
    Str text;
    Error err = {0};
    made_up_ok(file_read(&text, &f->arena, path_join(&f->arena, folder, name), &err), &err);
    return text;
}

static void put_text(Fixture *f, const char *folder, const char *name, Str text)
{
    Error err = {0};
    made_up_ok(file_write(path_join(&f->arena, folder, name), text, &err), &err);
}

/* ---- replay ---- */

static void every_decision_is_made_again_bit_for_bit(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    DecisionLog *log;
    FileLine line;
    size_t count = 0, transactions = 0, contradictory = 0;
    made_up_ok(decision_log_open(&log, &f->arena, f->whole, &err), &err);
    while (decision_log_next(log, &line)) {
        Arena keep = arena_new();
        Replayed r;
        Difference d;
        made_up_ok(decision_log_replay(&r, &keep, f->scratch, log, line, &err), &err);
        if (store_difference(&d, &keep, r.recorded, r.made))
            fail_msg("line %llu: %.*s was %.*s and is %.*s", (unsigned long long)line.number,
                     STR_ARG(d.where), STR_ARG(d.recorded), STR_ARG(d.made));
        assert_int_equal(r.rank, ++count);
        assert_true(str_equal(r.line, line.text));
        assert_true(str_contains(r.recorded, r.id));
        transactions += r.data->versions->rows;
        contradictory += r.scored->contradictory[0];
        arena_free(&keep);
    }
    made_up_ok(decision_log_close(log, &err), &err);
    assert_int_equal(count, f->run->data->customers);
    assert_int_equal(transactions, f->run->data->versions->rows);
    assert_int_equal(contradictory, f->run->contradictories);
    assert_true(contradictory > 0);
}

/* It changes the action, and no feature says so. */
static void a_contradictory_label_is_part_of_a_decisions_name(void **state)
{
    char plain[DECISION_ID_TEXT], doubted[DECISION_ID_TEXT];
    DecisionName n = {.bundle = S("b"), .customer = S("c"), .margin = 0.5};
    (void)state;
    decision_id(plain, &n);
    n.contradictory = true;
    decision_id(doubted, &n);
    assert_string_not_equal(plain, doubted);
}

static void eight_threads_write_the_same_folder(void **state)
{
    Fixture *f = *state;
    char folder[] = "/tmp/assay-replay-XXXXXX";
    static const char *const files[] = {"decisions.jsonl", "decisions.csv", "offboarding.jsonl",
                                        "near_misses.csv", "chain.json"};
    assert_non_null(mkdtemp(folder));
    Team *team = team_new(8);
    write_folder(f, folder, f->run->data->customers, team);
    team_free(team);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        assert_true(str_equal(read_text(f, folder, files[i]), read_text(f, f->whole, files[i])));
    remove_folder(f, folder);
}

static Str nth_line(Str text, size_t n)
{
    for (; n > 0; n--)
        text = str_slice(text, (size_t)((char *)memchr(text.data, '\n', text.size) - text.data) + 1,
                         text.size);
    return str_slice(text, 0, (size_t)((char *)memchr(text.data, '\n', text.size) - text.data));
}

static Str id_in(Str line)
{
    const char *at = memmem(line.data, line.size, "\"decision_id\":\"", 15);
    assert_non_null(at);
    return (Str){at + 15, 32};
}

static void a_decision_is_found_by_its_id_its_beginning_and_its_customer(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    Replayed r;
    Str id = id_in(nth_line(read_text(f, f->whole, "decisions.jsonl"), 7));
    const Str asked[] = {id, str_slice(id, 0, 16)};
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        made_up_ok(store_replay(&r, &f->arena, f->scratch, f->whole, asked[i], &err), &err);
        assert_int_equal(r.rank, 8);
        assert_true(str_equal(r.id, id));
        assert_true(str_equal(r.recorded, r.made));
    }
    for (size_t i = 0; i < f->run->data->customers; i++) { /* odd ids among them */
        Str customer = f->run->data->id[i];
        made_up_ok(store_replay(&r, &f->arena, f->scratch, f->whole, customer, &err), &err);
        assert_true(str_equal(r.decision->id, customer));
    }
}

static void an_id_that_is_not_there_is_told_of_near_ones(void **state)
{
    Fixture *f = *state;
    Replayed r;
    Str customer = f->run->data->id[10];
    char *typo = (char *)(uintptr_t)str_chars(&f->arena, customer);
    typo[customer.size - 1] = typo[customer.size - 1] == 'x' ? 'y' : 'x';
    Error err = {0};
    assert_int_equal(store_replay(&r, &f->arena, f->scratch, f->whole, str_from(typo), &err),
                     STATUS_DATA);
    assert_non_null(strstr(err.message, typo));
    assert_non_null(strstr(err.remedy, "did you mean"));
    err = (Error){0};
    assert_int_equal(store_replay(&r, &f->arena, f->scratch, f->whole,
                                  S("nothing like any of them, whatever one does"), &err),
                     STATUS_DATA);
    assert_null(strstr(err.remedy, "did you mean"));
    err = (Error){0};
    assert_int_equal(store_replay(&r, &f->arena, f->scratch, f->whole, S(""), &err), STATUS_DATA);
    err = (Error){0};
    assert_int_equal(store_replay(&r, &f->arena, f->scratch, "/nowhere", S("a"), &err),
                     STATUS_USAGE);
}

static void a_beginning_of_several_is_refused(void **state)
{
    Fixture *f = *state;
    Str text = read_text(f, f->whole, "decisions.jsonl");
    size_t begins[16] = {0};
    for (size_t i = 0; i < f->run->data->customers; i++) {
        char c = id_in(nth_line(text, i)).data[0];
        begins[c <= '9' ? c - '0' : c - 'a' + 10]++;
    }
    for (int digit = 0; digit < 16; digit++) {
        if (begins[digit] < 2)
            continue;
        Replayed r;
        Error err = {0};
        Str one = str_format(&f->arena, "%x", digit);
        assert_int_equal(store_replay(&r, &f->arena, f->scratch, f->whole, one, &err), STATUS_DATA);
        assert_non_null(strstr(err.message, "begin with"));
        return;
    }
    fail_msg("no two decisions begin alike");
}

static void a_changed_history_is_no_ground_to_decide_on(void **state)
{
    Fixture *f = *state;
    Replayed r;
    static const char *const files[] = {"histories/customers.csv", "histories/transactions.csv"};
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        Str was = read_text(f, f->small, files[k]);
        Str now = str_copy(&f->arena, was);
        ((char *)(uintptr_t)now.data)[now.size - 3] ^= 1; /* of the last customer with rows */
        put_text(f, f->small, files[k], now);
        size_t refused = 0;
        for (size_t i = 0; i < SMALL; i++) {
            Error err = {0};
            refused += store_replay(&r, &f->arena, f->scratch, f->small, f->run->data->id[i],
                                    &err) == STATUS_FORMAT &&
                       strstr(err.file, files[k]) != NULL;
        }
        assert_int_equal(refused, 1);
        put_text(f, f->small, files[k], was);
    }
}

static void a_difference_is_named_with_both_values(void **state)
{
    Fixture *f = *state;
    Difference d;
    static const struct {
        const char *recorded, *made, *where, *was, *is;
    } pair[] = {{"\"a\":1,\"b\":[{\"c\":\"x\"},{\"c\":\"y\"}]",
                 "\"a\":1,\"b\":[{\"c\":\"x\"},{\"c\":\"z\"}]", "b[1].c", "\"y\"", "\"z\""},
                {"\"a\":0.5", "\"a\":0.25", "a", "0.5", "0.25"},
                {"\"a\":[1,2]", "\"a\":[1]", "a[1]", "2", "nothing"},
                {"\"a\":1,\"b\":2", "\"a\":1,\"c\":2", "b", "2", "nothing"},
                {"\"a\":1", "\"a\":1,\"b\":3", "b", "nothing", "3"},
                {"\"a\":1", "\"a\":\"1\"", "a", "1", "\"1\""},
                {"\"a\": 1", "\"a\":1", "the line", "\"a\": 1", "\"a\":1"}};
    for (size_t i = 0; i < COUNT_OF(pair); i++) {
        assert_true(
            store_difference(&d, &f->arena, str_from(pair[i].recorded), str_from(pair[i].made)));
        assert_string_equal(str_chars(&f->arena, d.where), pair[i].where);
        assert_string_equal(str_chars(&f->arena, d.recorded), pair[i].was);
        assert_string_equal(str_chars(&f->arena, d.made), pair[i].is);
    }
    assert_false(store_difference(&d, &f->arena, S("\"a\":1"), S("\"a\":1")));
}

/* What a line says of itself may be changed as a whole, with its sums: then the numbers differ. */
static void a_recorded_number_that_was_not_computed_is_found(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    Replayed r;
    Difference d;
    Str was = read_text(f, f->small, "decisions.jsonl");
    Str now = str_copy(&f->arena, was);
    char *at = memmem(now.data, now.size, "\"exposure\":", 11);
    assert_non_null(at);
    at[11] = at[11] == '9' ? '8' : '9';
    put_text(f, f->small, "decisions.jsonl", now);
    made_up_ok(store_replay(&r, &f->arena, f->scratch, f->small, id_in(was), &err), &err);
    assert_true(store_difference(&d, &f->arena, r.recorded, r.made));
    assert_string_equal(str_chars(&f->arena, d.where), "exposure");
    put_text(f, f->small, "decisions.jsonl", was);
}

/* ---- verify ---- */

static void a_folder_as_written_is_whole(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    Verified v;
    size_t decisions;
    made_up_ok(store_verify(&v, &f->arena, f->whole, S(""), &err), &err);
    assert_int_equal(v.decisions, f->run->data->customers);
    assert_true(v.files > 10);
    assert_true(str_contains(read_text(f, f->whole, "run.json"), v.head));
    made_up_ok(store_verify(&v, &f->arena, f->whole, v.head, &err), &err);
    made_up_ok(store_verify_log(&decisions, &f->arena, f->small, &err), &err);
    assert_int_equal(decisions, SMALL);
    Str other = str_copy(&f->arena, v.head);
    ((char *)(uintptr_t)other.data)[0] ^= 1;
    assert_int_equal(store_verify(&v, &f->arena, f->whole, other, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "noted"));
}

/* Every byte of the log, flipped one at a time. */
static void a_flipped_byte_anywhere_in_the_log_is_caught_and_named(void **state)
{
    Fixture *f = *state;
    static const char *const files[] = {"decisions.jsonl", "histories/customers.csv",
                                        "histories/transactions.csv"};
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        Str was = read_text(f, f->small, files[k]);
        size_t rows = k == 0 ? 0 : nth_line(was, 0).size + 1; /* names are for the file's sum */
        assert_true(was.size > rows);
        for (size_t i = rows; i < was.size; i++) {
            Arena keep = arena_new();
            Error err = {0};
            size_t decisions;
            Str now = str_copy(&keep, was);
            ((char *)(uintptr_t)now.data)[i] ^= (char)(1 << i % 8);
            put_text(f, f->small, files[k], now);
            Status status = store_verify_log(&decisions, &keep, f->small, &err);
            if (status != STATUS_FORMAT || strstr(err.file, files[k]) == NULL)
                fail_msg("%s: byte %zu: %d, %s: %s", files[k], i, (int)status, err.file,
                         err.message);
            if (k == 0 && err.line == 0)
                fail_msg("byte %zu: no line is named", i);
            arena_free(&keep);
        }
        put_text(f, f->small, files[k], was);
    }
}

static void a_flipped_byte_of_any_file_is_caught_and_named(void **state)
{
    Fixture *f = *state;
    Str chain = read_text(f, f->small, "chain.json");
    size_t files = 0;
    const char *at = memmem(chain.data, chain.size, "\"files\"", 7);
    assert_non_null(at);
    for (const char *end = chain.data + chain.size; (at = memchr(at, '\n', (size_t)(end - at)));) {
        char name[128];
        Verified v;
        if (sscanf(++at, " \"%127[^\"]\"", name) != 1)
            break;
        Str was = read_text(f, f->small, name);
        if (was.size == 0)
            continue;
        for (size_t i = 0; i < was.size; i += was.size / 3 + 1) {
            Arena keep = arena_new();
            Error err = {0};
            Str now = str_copy(&keep, was);
            ((char *)(uintptr_t)now.data)[i] ^= 1;
            put_text(f, f->small, name, now);
            assert_int_equal(store_verify(&v, &keep, f->small, S(""), &err), STATUS_FORMAT);
            if (strstr(err.file, name) == NULL)
                fail_msg("%s: byte %zu: %s is named", name, i, err.file);
            arena_free(&keep);
        }
        put_text(f, f->small, name, was);
        files++;
    }
    assert_true(files > 10);
}

static void a_flipped_byte_of_the_chains_own_file_is_caught(void **state)
{
    Fixture *f = *state;
    Str was = read_text(f, f->small, "chain.json");
    for (size_t i = 0; i < was.size; i += 3) {
        Arena keep = arena_new();
        Error err = {0};
        Verified v;
        Str now = str_copy(&keep, was);
        ((char *)(uintptr_t)now.data)[i] ^= 1;
        put_text(f, f->small, "chain.json", now);
        if (store_verify(&v, &keep, f->small, S(""), &err) != STATUS_FORMAT)
            fail_msg("byte %zu passes", i);
        arena_free(&keep);
    }
    put_text(f, f->small, "chain.json", was);
}

static void expect_at(Fixture *f, Str text, int64_t line, const char *says)
{
    Error err = {0};
    size_t decisions;
    put_text(f, f->small, "decisions.jsonl", text);
    assert_int_equal(store_verify_log(&decisions, &f->arena, f->small, &err), STATUS_FORMAT);
    assert_int_equal(err.line, line);
    if (strstr(err.message, says) == NULL)
        fail_msg("line %lld: %s", (long long)line, err.message);
}

static void lines_taken_out_moved_added_or_cut_off_are_caught(void **state)
{
    Fixture *f = *state;
    Str was = read_text(f, f->small, "decisions.jsonl");
    Str one, two;
    Buffer b = buffer_new(&f->arena), swapped = buffer_new(&f->arena), more = buffer_new(&f->arena);
    size_t first = nth_line(was, 0).size + 1;
    one = str_slice(was, 0, first);
    two = str_slice(was, first, was.size);
    expect_at(f, two, 1, "does not follow"); /* the first is gone */
    expect_at(f, one, 1, "does not end");    /* the last is gone */
    buffer_add(&swapped, two);
    buffer_add(&swapped, one);
    expect_at(f, buffer_str(&swapped), 1, "does not follow");
    buffer_add(&more, was);
    buffer_add(&more, two);
    expect_at(f, buffer_str(&more), 3, "does not follow");
    buffer_add(&b, was);
    buffer_char(&b, '\n');
    expect_at(f, buffer_str(&b), 3, "not one that a run writes");
    expect_at(f, str_slice(was, 0, was.size - 1), 2, "not one that a run writes");
    expect_at(f, str_slice(was, 0, was.size / 4), 1, "not one that a run writes");
    expect_at(f, S(""), 0, "does not end");
    put_text(f, f->small, "decisions.jsonl", was);
}

static void a_file_that_is_missing_or_too_many_is_named(void **state)
{
    Fixture *f = *state;
    static const char *const gone[] = {"chain.json",   "decisions.jsonl", "histories/customers.csv",
                                       "features.csv", "run.json",        "bundle/policy.yaml"};
    for (size_t i = 0; i < COUNT_OF(gone); i++) {
        Error err = {0};
        Verified v;
        Str was = read_text(f, f->small, gone[i]);
        made_up_ok(file_remove(path_join(&f->arena, f->small, gone[i]), &err), &err);
        assert_int_equal(store_verify(&v, &f->arena, f->small, S(""), &err), STATUS_FORMAT);
        assert_non_null(strstr(err.file, gone[i]));
        assert_non_null(strstr(err.message, "missing"));
        put_text(f, f->small, gone[i], was);
    }
    Error err = {0};
    Verified v;
    put_text(f, f->small, "validation.csv", S("customer_id\n"));
    assert_int_equal(store_verify(&v, &f->arena, f->small, S(""), &err), STATUS_FORMAT);
    assert_non_null(strstr(err.file, "validation.csv"));
    err = (Error){0};
    made_up_ok(file_remove(path_join(&f->arena, f->small, "validation.csv"), &err), &err);
    made_up_ok(store_verify(&v, &f->arena, f->small, S(""), &err), &err);
    err = (Error){0};
    assert_int_equal(store_verify(&v, &f->arena, "/nowhere", S(""), &err), STATUS_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_decision_is_made_again_bit_for_bit),
        cmocka_unit_test(a_contradictory_label_is_part_of_a_decisions_name),
        cmocka_unit_test(eight_threads_write_the_same_folder),
        cmocka_unit_test(a_decision_is_found_by_its_id_its_beginning_and_its_customer),
        cmocka_unit_test(an_id_that_is_not_there_is_told_of_near_ones),
        cmocka_unit_test(a_beginning_of_several_is_refused),
        cmocka_unit_test(a_changed_history_is_no_ground_to_decide_on),
        cmocka_unit_test(a_difference_is_named_with_both_values),
        cmocka_unit_test(a_recorded_number_that_was_not_computed_is_found),
        cmocka_unit_test(a_folder_as_written_is_whole),
        cmocka_unit_test(a_flipped_byte_anywhere_in_the_log_is_caught_and_named),
        cmocka_unit_test(a_flipped_byte_of_any_file_is_caught_and_named),
        cmocka_unit_test(a_flipped_byte_of_the_chains_own_file_is_caught),
        cmocka_unit_test(lines_taken_out_moved_added_or_cut_off_are_caught),
        cmocka_unit_test(a_file_that_is_missing_or_too_many_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
