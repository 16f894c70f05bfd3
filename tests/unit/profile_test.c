/* What init guesses from a bank's files, claim by claim. */
#include "feature/feature.h"
#include "policy/policy.h"
#include "profile/profile_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static Arena arena, scratch;
static char folder[] = "/tmp/profile_test_XXXXXX";

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    scratch = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    arena_free(&scratch);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"c.csv", "t.csv", "s.csv", "wires.csv"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        Arena own = arena_new();
        (void)unlink(path_join(&own, folder, names[i]));
        arena_free(&own);
    }
    return rmdir(folder);
}

static const char *put(const char *name, Buffer text)
{
    const char *path = path_join(&arena, folder, name);
    assert_int_equal(file_write(path, buffer_str(&text), NULL), STATUS_OK);
    return path;
}

enum { PEOPLE = 120 };
static bool risky(int i)
{
    return i % 5 == 2;
}

/* Customers u0, u1, ... with one more column, made by the caller, and a label. */
static const char *customers(const char *column, void (*cell)(Buffer *, int))
{
    Buffer b = buffer_new(&arena);
    buffer_format(&b, "id,%s,fraud\n", column);
    for (int i = 0; i < PEOPLE; i++) {
        buffer_format(&b, "u%d,", i);
        cell(&b, i);
        buffer_format(&b, ",%d\n", risky(i));
    }
    return put("c.csv", b);
}

/* Transactions of all of them, with a column made by the caller. */
static const char *transactions(const char *head, void (*cells)(Buffer *, int, int))
{
    Buffer b = buffer_new(&arena);
    buffer_format(&b, "%s\n", head);
    for (int i = 0; i < PEOPLE; i++)
        for (int k = 0; k < 4; k++) {
            cells(&b, i, k);
            buffer_char(&b, '\n');
        }
    return put("t.csv", b);
}

static void plain_cells(Buffer *b, int i, int k)
{
    buffer_format(b, "u%d,2024-0%d-%02d 10:00:00,%d.%02d,%s", i, 1 + k, 1 + i % 28, 10 + i * 7 + k,
                  (i * 13 + k) % 100, k % 2 ? "IN" : "OUT");
}
static const char *plain_transactions(void)
{
    return transactions("user,created_at,amount,direction", plain_cells);
}

static const Profile *look(const char *c, const char *t, const char *scored)
{
    Profile *p = NULL;
    Error err = {0};
    const ProfileInputs in = {.customers = {&c, 1},
                              .transactions = {&t, 1},
                              .score_customers = {&scored, scored != NULL}};
    Status status = profile_read(&p, &arena, scratch, &in, &err);
    if (status != STATUS_OK)
        print_message("%s (%s)\n", err.message, err.remedy);
    assert_int_equal(status, STATUS_OK);
    return p;
}

/* The three books hold together, whatever was guessed. */
static void read_back(const Profile *p)
{
    Schema *s;
    Plan *plan;
    Policy *policy;
    Error err = {0};
    Str text = profile_schema_book(&arena, p);
    Status status = schema_read(&s, &arena, text, "schema.yaml", &err);
    if (status == STATUS_OK)
        status =
            plan_read(&plan, &arena, profile_features_book(&arena, p), "features.yaml", s, &err);
    if (status == STATUS_OK)
        status =
            policy_read(&policy, &arena, profile_policy_book(&arena, p), "policy.yaml", plan, &err);
    if (status != STATUS_OK)
        print_message("%s:%lld: %s (%s)\n", err.file, (long long)err.line, err.message, err.remedy);
    assert_int_equal(status, STATUS_OK);
}

static const Portrait *column(const Sheet *s, const char *name)
{
    for (size_t k = 0; k < s->columns; k++)
        if (str_equal(s->column[k].name, str_from(name)))
            return &s->column[k];
    fail_msg("no column %s", name);
    return NULL;
}

static bool noted(const Profile *p, const char *part)
{
    for (size_t i = 0; i < p->notes; i++)
        if (str_contains(p->note[i], str_from(part)))
            return true;
    return false;
}

/* ---- names and values ---- */

static void a_name_is_taken_apart_and_loses_its_accents(void **state)
{
    (void)state;
    static const struct {
        const char *name, *plain;
    } cases[] = {{"sourceNodeId", " source node id "},
                 {"Date de naissance", " date de naissance "},
                 {"N\xC2\xB0 client", " n client "},
                 {"op\xC3\xA9ration", " operation "},
                 {"Stra\xC3\x9F"
                  "e",
                  " strasse "},
                 {"BILL_AMT6", " bill amt 6 "},
                 {"IBAN", " iban "}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(
            str_equal(words_plain(&arena, str_from(cases[i].name)), str_from(cases[i].plain)));
}

static void a_name_speaks_four_languages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        Word word;
    } cases[] = {{"Staatsangeh\xC3\xB6rigkeit", WORD_NATIONALITY},
                 {"Geburtsdatum", WORD_AGE},
                 {"fecha_nacimiento", WORD_AGE},
                 {"Civilit\xC3\xA9", WORD_GENDER},
                 {"estado_civil", WORD_MARITAL},
                 {"PLZ", WORD_RESIDENCE},
                 {"Kundennummer", WORD_CUSTOMER},
                 {"dateOfBirth", WORD_AGE},
                 {"Empf\xC3\xA4nger", WORD_TARGET}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t words = words_read(words_plain(&arena, str_from(cases[i].name)));
        if (((words >> cases[i].word) & 1) == 0)
            fail_msg("%s", cases[i].name);
    }
    assert_int_equal(words_read(words_plain(&arena, S("message"))) >> WORD_AGE & 1, 0);
    assert_int_equal(words_read(words_plain(&arena, S("Post Code"))) >> WORD_RESIDENCE & 1, 1);
}

static void grounds_are_named_in_other_languages_too(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        Word word;
    } cases[] = {{"Appellativo", WORD_GENDER},
                 {"K\xC3\xB8n", WORD_GENDER},
                 {"P\xC5\x82"
                  "e\xC4\x87",
                  WORD_GENDER},
                 {"St.Civ", WORD_MARITAL},
                 {"Civilstand", WORD_MARITAL},
                 {"burgerlijke_staat", WORD_MARITAL},
                 {"Prov", WORD_RESIDENCE},
                 {"Postnr", WORD_RESIDENCE},
                 {"woonplaats", WORD_RESIDENCE},
                 {"Morada", WORD_RESIDENCE},
                 {"Tro", WORD_RELIGION},
                 {"godsdienst", WORD_RELIGION},
                 {"Cittad", WORD_NATIONALITY},
                 {"obywatelstwo", WORD_NATIONALITY},
                 {"lng", WORD_LANGUAGE},
                 {"Spr\xC3\xA5k", WORD_LANGUAGE},
                 {"data_nascita", WORD_AGE},
                 {"F\xC3\xB8"
                  "dselsdato",
                  WORD_AGE},
                 {"Professione", WORD_ECONOMIC},
                 {"zaw\xC3\xB3"
                  "d",
                  WORD_ECONOMIC},
                 {"tilstand", WORD_STATE},
                 {"Kundestatus", WORD_STATE}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (((words_read(words_plain(&arena, str_from(cases[i].name))) >> cases[i].word) & 1) == 0)
            fail_msg("%s", cases[i].name);
}

static void a_value_of_several_words_says_what_one_of_them_says(void **state)
{
    (void)state;
    assert_true(value_says(S("Cl\xC3\xB4tur\xC3\xA9 pour fraude"), SAYS_BAD, scratch));
    assert_true(value_says(S("SUSPENDED"), SAYS_BAD, scratch));
    assert_false(value_says(S("not suspended"), SAYS_BAD, scratch));
    assert_true(value_says(S("Closed - risk"), SAYS_BAD, scratch));
    assert_false(value_says(S("Low risk"), SAYS_BAD, scratch));
    assert_false(value_says(S("Actif"), SAYS_BAD, scratch));
    assert_true(value_says(S("FR"), SAYS_COUNTRY, scratch));
    assert_false(value_says(S("fr"), SAYS_COUNTRY, scratch));
    assert_true(value_says(S("fr"), SAYS_LANGUAGE, scratch));
    assert_true(value_says(S("sw"), SAYS_LANGUAGE, scratch));
    assert_true(value_says(S("Divorziato/a"), SAYS_MARITAL, scratch));
    assert_true(value_says(S("RECESSO PER FRODE"), SAYS_BAD, scratch));
    assert_true(value_says(S("Oph\xC3\xA6vet (svindel)"), SAYS_BAD, scratch));
    assert_true(value_says(S("Gennemf\xC3\xB8rt"), SAYS_DONE, scratch));
}

static void numbers_are_read_in_their_form_and_no_other(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        NumberForm form;
        double value; /* NaN: not of the form */
        int digits;
    } cases[] = {{"1.234,56", {',', {".", 1}, 0}, 1234.56, 2},
                 {"1.234,56", {'.', {",", 1}, 0}, NAN, 0},
                 {"1,234.5", {'.', {",", 1}, 0}, 1234.5, 1},
                 {"12,34.5", {'.', {",", 1}, 0}, NAN, 0},
                 {"-0.10", {'.', {"", 0}, 0}, -0.1, 2},
                 {"007", {'.', {"", 0}, 0}, NAN, 0},
                 {"12 345,6", {',', {" ", 1}, 0}, 12345.6, 1},
                 {"1.", {'.', {"", 0}, 0}, NAN, 0},
                 {"", {'.', {"", 0}, 0}, NAN, 0},
                 {"0", {'.', {"", 0}, 0}, 0, 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double value;
        int digits = 0;
        bool good = number_parse(str_from(cases[i].text), cases[i].form, &value, &digits);
        assert_int_equal(good, !isnan(cases[i].value));
        if (good) {
            assert_true(value == cases[i].value);
            assert_int_equal(digits, cases[i].digits);
        }
    }
}

/* ---- columns of customers ---- */

static void cell_sex(Buffer *b, int i)
{
    buffer_add(b, i % 3 ? S("M") : S("F"));
}
static void cell_land(Buffer *b, int i)
{
    static const char *const lands[] = {"FR", "DE", "MA", "PL"};
    buffer_format(b, "%s", lands[i % 4]);
}
static void cell_born(Buffer *b, int i)
{
    buffer_format(b, "%d-%02d-%02d", 1945 + i % 55, 1 + i % 12, 1 + i % 28);
}
static void cell_locale(Buffer *b, int i)
{
    buffer_add(b, i % 4 ? S("fr_FR") : S("en_GB"));
}
static void cell_post(Buffer *b, int i)
{
    buffer_format(b, "%05d", 1000 + i % 30 * 371);
}
static void cell_plan(Buffer *b, int i)
{
    buffer_format(b, "plan%d", i % 4);
}
static void cell_years(Buffer *b, int i)
{
    buffer_format(b, "%d", 1 + i % 14);
}

static void cell_uomo(Buffer *b, int i)
{
    buffer_add(b, i % 3 ? S("UOMO") : S("DONNA"));
}
static void cell_km(Buffer *b, int i)
{
    buffer_add(b, i % 3 ? S("K") : S("M"));
}
static void cell_belief(Buffer *b, int i)
{
    buffer_add(b, i % 40 == 7 ? S("islam") : i % 2 ? S("ingen") : S("andet"));
}
static void cell_tongue(Buffer *b, int i)
{
    static const char *const tongues[] = {"sw", "en", "lg", "am", "x9"};
    buffer_format(b, "%s", tongues[i % 5]);
}
static void cell_province(Buffer *b, int i)
{
    static const char *const provinces[] = {"MI", "RM", "QX", "TX", "BO", "QZ", "QY", "XQ", "VX"};
    buffer_format(b, "%s", provinces[i % 9]);
}
static void cell_answer(Buffer *b, int i)
{
    buffer_add(b, i % 2 ? S("si") : S("no"));
}
static void cell_strange(Buffer *b, int i)
{
    buffer_format(b, "v%c", 'a' + i % 3);
}

static void a_protected_column_is_found_by_its_values_alone(void **state)
{
    (void)state;
    static const struct {
        void (*cell)(Buffer *, int);
        const char *ground; /* NULL: none */
    } cases[] = {{cell_sex, "gender"},      {cell_land, "residence"},
                 {cell_born, "age"},        {cell_locale, "language"},
                 {cell_post, "residence"},  {cell_uomo, "gender"},
                 {cell_km, "gender"},       {cell_belief, "religion"},
                 {cell_tongue, "language"}, {cell_province, "residence"},
                 {cell_answer, NULL},       {cell_plan, NULL},
                 {cell_years, NULL}};
    const char *t = plain_transactions();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const Profile *p = look(customers("x1", cases[i].cell), t, NULL);
        const Portrait *c = column(&p->customers, "x1");
        if (cases[i].ground == NULL) {
            assert_null(c->ground);
            continue;
        }
        assert_non_null(c->ground);
        assert_string_equal(c->ground, cases[i].ground);
        assert_true(noted(p, "x1 may stand for"));
        /* Marked in the schema book, and no feature of the model reads it. */
        assert_true(str_contains(profile_schema_book(&arena, p), S("      protected: ")));
        assert_false(str_contains(profile_features_book(&arena, p), S("expr: x1")));
        read_back(p);
    }
}

static void what_no_word_explains_is_watched_and_the_model_s_columns_are_named(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("id,zq,plan,g,fraud\n"));
    for (int i = 0; i < PEOPLE; i++) {
        buffer_format(&b, "u%d,", i);
        cell_strange(&b, i);
        buffer_format(&b, ",p%d,%d,%d\n", i % 4, 1 + i % 2, risky(i));
    }
    const Profile *p = look(put("c.csv", b), plain_transactions(), NULL);
    assert_true(noted(p, "The model sees these columns of the customers: plan, g. "));
    assert_true(noted(p, "explains the name or the values of zq,"));
    Str features = profile_features_book(&arena, p);
    assert_true(str_contains(features, S("protected ground\n    use: monitor\n    family: "
                                         "observation\n    says: zq\n")));
    assert_true(str_contains(features, S("expr: plan\n    use: model\n")));
    read_back(p);
}

static void cell_step(Buffer *b, int i)
{
    buffer_format(b, "%d", risky(i) && i % 2 ? 10 + i : -1);
}
static void cell_closed(Buffer *b, int i)
{
    if (risky(i))
        buffer_format(b, "2024-05-%02d", 1 + i % 28);
}
static void cell_score(Buffer *b, int i)
{
    buffer_format(b, "%d.5", risky(i) ? 500 + i : i);
}
static void cell_noise(Buffer *b, int i)
{
    buffer_format(b, "%d.5", i * 37 % 101);
}

static void a_column_that_knows_the_outcome_is_kept_out(void **state)
{
    (void)state;
    static const struct {
        void (*cell)(Buffer *, int);
        const char *why;
    } cases[] = {{cell_step, "stands for nearly all"},
                 {cell_closed, "it is filled for 100 %"},
                 {cell_score, "AUC of 1.00"},
                 {cell_noise, ""}};
    const char *t = plain_transactions();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const Profile *p = look(customers("x2", cases[i].cell), t, NULL);
        const Portrait *c = column(&p->customers, "x2");
        if (!str_contains(c->leak, str_from(cases[i].why)))
            fail_msg("%.*s", STR_ARG(c->leak));
        assert_int_equal(c->leak.size > 0, cases[i].why[0] != '\0');
        Str features = profile_features_book(&arena, p);
        assert_int_equal(str_contains(features, S("\n    expr: x2\n")), cases[i].why[0] == '\0');
        /* A time that the risky alone have is when their outcome became known. */
        assert_int_equal(str_contains(profile_schema_book(&arena, p), S("\n  outcome_at: x2\n")),
                         cases[i].cell == cell_closed);
        read_back(p);
    }
}

static void cell_state(Buffer *b, int i)
{
    static const char *const states[] = {"ok", "asleep", "ok", "ok"};
    buffer_format(b, "%s", risky(i) ? "gesperrt" : states[i % 4]);
}

static void a_label_of_three_values_is_split_by_its_words(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("id,plan,account_status\n"));
    for (int i = 0; i < PEOPLE; i++) {
        buffer_format(&b, "u%d,p%d,", i, i % 3);
        cell_state(&b, i);
        buffer_char(&b, '\n');
    }
    const Profile *p = look(put("c.csv", b), plain_transactions(), NULL);
    assert_true(str_equal(p->label.column->name, S("account_status")));
    Str schema = profile_schema_book(&arena, p);
    assert_true(str_contains(schema, S("positive: [gesperrt]\n    negative: [ok]\n    ignored: "
                                       "[asleep]\n")));
    assert_true(noted(p, "says neither risky nor not"));
    /* Open, so that a run names a new outcome instead of setting its rows aside. */
    assert_true(str_contains(schema, S("- name: account_status\n      type: category\n      # "
                                       "seen: ok 60 %, asleep 20 %, gesperrt 20 %. A run")));
    read_back(p);
}

static void a_status_is_a_label_before_a_count_or_a_flag(void **state)
{
    (void)state;
    static const struct {
        const char *head, *good, *bad, *other;
    } cases[] = {{"Codice,Segnalazioni UIF,Stato Cliente", "REGOLARE", "RECESSO PER FRODE",
                  "SOSPESO IN VERIFICA"},
                 {"Nr,Hvidvask-markering,Kundestatus", "Aktiv", "Oph\xC3\xA6vet (svindel)",
                  "Til unders\xC3\xB8gelse"}};
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        Buffer b = buffer_new(&arena), s = buffer_new(&arena);
        buffer_format(&b, "%s\n", cases[k].head);
        buffer_add(&s, S("Nr,Codice\n"));
        for (int i = 0; i < PEOPLE; i++) {
            bool other = i % 40 == 1;
            buffer_format(&b, "u%d,", i);
            buffer_format(&b,
                          k == 0                    ? "%d"
                          : i % 11 == 2 || risky(i) ? "ja"
                                                    : "nej",
                          risky(i) ? 1 + i % 3 : 0);
            buffer_format(&b, ",%s\n",
                          risky(i) ? cases[k].bad
                          : other  ? cases[k].other
                                   : cases[k].good);
            buffer_format(&s, "n%d,n%d\n", i, i);
        }
        const Profile *p = look(put("c.csv", b), plain_transactions(), put("s.csv", s));
        if (!str_equal(p->label.column->name, str_from(strrchr(cases[k].head, ',') + 1)))
            fail_msg("%.*s", STR_ARG(p->label.column->name));
        assert_int_equal(p->label.positives, PEOPLE / 5);
        assert_int_equal(p->label.ignored, 3);
        Str line = str_format(&arena, "%s (93, not risky), %s (24, risky), %s (3, ignored)",
                              cases[k].good, cases[k].bad, cases[k].other);
        assert_true(noted(p, str_chars(&arena, line)));
        read_back(p);
    }
}

static void a_flag_of_a_good_end_is_risky_when_it_says_no(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("id,good_standing\n"));
    for (int i = 0; i < PEOPLE; i++)
        buffer_format(&b, "u%d,%d\n", i, !risky(i));
    const char *c = put("c.csv", b), *t = plain_transactions();
    const ProfileInputs in = {
        .customers = {&c, 1}, .transactions = {&t, 1}, .label = "good_standing"};
    Profile *p = NULL;
    assert_int_equal(profile_read(&p, &arena, scratch, &in, NULL), STATUS_OK);
    assert_int_equal(p->label.positives, PEOPLE / 5);
    assert_true(noted(p, "good_standing, how many rows each has and what it is taken for: 1 (96, "
                         "not risky), 0 (24, risky)"));
    read_back(p);
}

static void the_column_that_scoring_lacks_is_the_label(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena), s = buffer_new(&arena);
    buffer_add(&b, S("id,active,plan,q\n"));
    buffer_add(&s, S("id,active,plan\n"));
    for (int i = 0; i < PEOPLE; i++) {
        buffer_format(&b, "u%d,%d,p%d,%s\n", i, i % 2, i % 3, risky(i) ? "si" : "na");
        buffer_format(&s, "n%d,%d,p%d\n", i, i % 2, i % 3);
    }
    const Profile *p = look(put("c.csv", b), plain_transactions(), put("s.csv", s));
    assert_true(str_equal(p->label.column->name, S("q")));
    assert_true(str_contains(profile_schema_book(&arena, p), S("positive: [si]")));
}

static void wide_months_become_a_history(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("id,solde_2023_11,solde_2023_12,solde_2024_01,pay1,pay2,pay10,fraud\n"));
    for (int i = 0; i < PEOPLE; i++)
        buffer_format(&b, "u%d,%d.5,%d.25,%d,%d,%d,%d,%d\n", i, i, i + 1, i + 2, i, i * 3 % 17,
                      i * 7 % 23, risky(i));
    const Profile *p = look(put("c.csv", b), plain_transactions(), NULL);
    assert_int_equal(p->histories, 2);
    Str schema = profile_schema_book(&arena, p);
    assert_true(str_contains(schema, S("columns: [pay1, pay2, pay10]"))); /* by count, not text */
    assert_true(str_contains(schema, S("columns: [solde_2023_11, solde_2023_12, solde_2024_01]")));
    assert_true(str_contains(schema, S("from: 2023-11-01")));
    assert_true(noted(p, "pay1 to pay10"));
    assert_false(noted(p, "solde_2023_11 to"));
    assert_true(noted(p, "The model sees these columns of the customers: solde_2023_11, "));
    read_back(p);
}

/* ---- transactions ---- */

static void cells_sided(Buffer *b, int i, int k)
{
    buffer_format(b, "u%d,u%d,%d,%d", i, (i * 7 + k * 11 + 1) % PEOPLE, 10 + i + k, 1 + i + 20 * k);
}
static void cells_parted(Buffer *b, int i, int k)
{
    buffer_format(b, "u%d,%02d.0%d.2024,", i, 1 + i % 28, 1 + k);
    buffer_format(b, k % 2 ? "\"%d,50\"," : ",\"%d,5\"", 3 + i);
}
static void cells_signed(Buffer *b, int i, int k)
{
    buffer_format(b, "u%d,%d,%s%d.5", i, 1704067200 + i * 9999 + k * 777777, k % 2 ? "-" : "",
                  i + k);
}
static void cells_timeless(Buffer *b, int i, int k)
{
    buffer_format(b, "u%d,%d.5,k%d", i, i * 3 + k, (i + k) % 3);
}

static void the_shape_of_transactions_is_seen(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        void (*cells)(Buffer *, int, int);
        const char *part[3];
    } cases[] = {
        {"payer,payee,value,step",
         cells_sided,
         {"sides: {source: payer, target: payee}", "format: step", "created: step"}},
        {"user,Datum,Soll,Haben",
         cells_parted,
         {"debit: Soll\n  credit: Haben\n", "format: day_month_year", "decimal_mark: \",\""}},
        {"user,ts,value", cells_signed, {"signed: true", "format: epoch\n", "amount: value"}},
        {"user,value,kind", cells_timeless, {"customer: user\n  amount: value\n", "", ""}},
        {"user,created_at,amount,direction",
         plain_cells,
         {"created: created_at", "values: [", ""}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const Profile *p =
            look(customers("plan", cell_plan), transactions(cases[i].head, cases[i].cells), NULL);
        Str schema = profile_schema_book(&arena, p);
        for (size_t k = 0; k < COUNT_OF(cases[i].part); k++)
            if (!str_contains(schema, str_from(cases[i].part[k])))
                fail_msg("%s is not in\n%.*s", cases[i].part[k], STR_ARG(schema));
        read_back(p);
    }
}

/* Cards in t.csv and, in a file with other names, wires; a sign in front of theirs. */
static const Profile *look_at_two(const char *head, const char *sign)
{
    Buffer t = buffer_new(&arena), w = buffer_new(&arena);
    buffer_add(&t, S("nr,holder,when,spent\n"));
    buffer_format(&w, "%s\n", head);
    for (int i = 0; i < PEOPLE; i++)
        for (int k = 0; k < 4; k++) {
            buffer_format(&t, "k%d,u%d,2024-0%d-%02d 10:00:00,%d.50\n", i * 4 + k, i, 1 + k,
                          1 + i % 28, 3 + i);
            buffer_format(&w, "w%d,u%d,2024-0%d-%02d 11:00:00,%s%d.25,shop%d\n", i * 4 + k, i,
                          1 + k, 1 + i % 28, k % 2 ? sign : "", 90 + i, (i + 1) % PEOPLE);
        }
    const char *c = customers("plan", cell_plan);
    const char *both[] = {put("t.csv", t), put("wires.csv", w)};
    const ProfileInputs in = {.customers = {&c, 1}, .transactions = {both, 2}};
    Profile *p = NULL;
    Error err = {0};
    if (profile_read(&p, &arena, scratch, &in, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    read_back(p);
    return p;
}

static void a_file_with_other_names_is_read_by_them_when_they_are_sure(void **state)
{
    (void)state;
    const Profile *p = look_at_two("ref,client,day,amount,shop", "");
    Str schema = profile_schema_book(&arena, p);
    if (!str_contains(schema, S("  sources: # files with names of their own\n    - files: "
                                "wires.csv\n      rename: {client: holder, day: when, "
                                "amount: spent, ref: nr}\n")))
        fail_msg("%.*s", STR_ARG(schema));
    assert_int_equal(p->transactions.rows, 8 * PEOPLE);
    assert_int_equal(p->created->filled, 8 * PEOPLE);
    assert_int_equal(profile_transactions(p, false).count, 2);
    assert_true(noted(p, "wires.csv has other names than t.csv"));
}

static void a_file_with_names_that_cannot_be_told_is_left_out_and_named(void **state)
{
    (void)state;
    const Profile *p = look_at_two("ref,client,day,amount,shop", "-");
    Str schema = profile_schema_book(&arena, p);
    assert_false(str_contains(schema, S("\n  sources:")));
    assert_false(str_contains(schema, S("- name: shop")));
    assert_int_equal(p->transactions.rows, 4 * PEOPLE);
    assert_int_equal(profile_transactions(p, false).count, 1);
    assert_true(noted(p, "wires.csv is left out of these books"));
    assert_true(noted(p, "files: \"wires.csv\""));
}

/* Half of the rows name a payer, the other half a payee: two tables, not two sides. */
static void cells_halves(Buffer *b, int i, int k)
{
    buffer_format(b, k % 2 ? "u%d,,2024-0%d-%02d,%d.25" : ",u%d,2024-0%d-%02d,%d.25", i, 1 + k,
                  1 + i % 28, 10 + i);
}

static void columns_that_never_stand_in_one_row_are_no_two_sides(void **state)
{
    (void)state;
    const Profile *p = look(customers("plan", cell_plan),
                            transactions("holder,to_client,created_at,amount", cells_halves), NULL);
    assert_null(p->source);
    assert_null(p->partner);
}

static void cells_untimed(Buffer *b, int i, int k)
{
    if (k % 3 == 0)
        buffer_format(b, "u%d,,%d.25", i, 10 + i);
    else
        buffer_format(b, "u%d,2024-0%d-%02d,%d.25", i, 1 + k, 1 + i % 28, 10 + i);
}

static void a_missing_time_is_not_1970(void **state)
{
    (void)state;
    const Profile *p = look(customers("plan", cell_plan),
                            transactions("user,created_at,amount", cells_untimed), NULL);
    assert_true(p->span_days > 0 && p->span_days < 70);
}

/* Payers of this bank, payees of others. */
static void cells_abroad(Buffer *b, int i, int k)
{
    buffer_format(b, "u%d,x%d,%d,%d", i, i * 4 + k, 10 + i + k, 1 + i + 20 * k);
}
static void cells_lost(Buffer *b, int i, int k)
{
    buffer_format(b, "%s%d,2024-0%d-%02d,%d.25", k == 0 ? "z" : "u", i, 1 + k, 1 + i % 28, 10 + i);
}

static void only_what_a_run_sets_aside_is_said_to_be(void **state)
{
    (void)state;
    const Profile *p = look(customers("plan", cell_plan),
                            transactions("payee,payer,value,step", cells_abroad), NULL);
    assert_non_null(p->other);
    assert_false(noted(p, "set aside"));
    p = look(customers("plan", cell_plan), transactions("user,at_time,value", cells_lost), NULL);
    assert_true(noted(p, "25 % of the transactions name no customer"));
}

static void cells_nearly(Buffer *b, int i, int k)
{
    plain_cells(b, i, k);
    buffer_format(b, ",w%d,%s", i < 4 ? 0 : i * 4 + k, k == 3 ? "zzqa" : "zzqb");
}
static void cells_tilstand(Buffer *b, int i, int k)
{
    plain_cells(b, i, k);
    buffer_format(b, ",w%d,%s", i * 4 + k, k == 3 ? "Afvist" : "Gennemf\xC3\xB8rt");
}

static void a_key_that_nearly_is_one_and_a_missing_state_are_said(void **state)
{
    (void)state;
    const char *head = "user,created_at,amount,direction,handle,tilstand";
    const Profile *p = look(customers("plan", cell_plan), transactions(head, cells_nearly), NULL);
    assert_null(p->transaction);
    assert_true(noted(p, "handle nearly names a transaction, but 15 of its 480 values repeat"));
    assert_true(noted(p, "declined and pending too. Does one of these tell it: tilstand?"));
    p = look(customers("plan", cell_plan), transactions(head, cells_tilstand), NULL);
    assert_true(p->state == column(&p->transactions, "tilstand"));
    assert_true(p->transaction == column(&p->transactions, "handle"));
    assert_false(noted(p, "declined and pending"));
    assert_true(
        str_contains(profile_features_book(&arena, p), S("failed: tilstand in ('Afvist')")));
}

static void cells_flag(Buffer *b, int i, int k)
{
    plain_cells(b, i, k);
    buffer_format(b, ",%s", risky(i) && k == 2 ? "X" : "-");
}

static void a_flag_that_only_risky_customers_transactions_have_is_a_leak(void **state)
{
    (void)state;
    const Profile *p =
        look(customers("plan", cell_plan),
             transactions("user,created_at,amount,direction,mark", cells_flag), NULL);
    assert_true(column(&p->transactions, "mark")->leak.size > 0);
    assert_false(str_contains(profile_features_book(&arena, p), S("mark = ")));
    read_back(p);
}

static void names_of_any_kind_can_be_written(void **state)
{
    (void)state;
    Buffer b = buffer_new(&arena);
    buffer_add(&b,
               S("id,\"case\",\"we, ird: #x\",\"say \"\"it\"\"\",exposure,inflow,true,fraud\n"));
    for (int i = 0; i < PEOPLE; i++)
        buffer_format(&b, "u%d,c%d,w%d,%d,%d.5,%d,t%d,%d\n", i, i % 3, i % 2, i % 7, i * 3 % 11,
                      i * 5 % 13, i % 4, risky(i));
    const Profile *p = look(put("c.csv", b), plain_transactions(), NULL);
    read_back(p);
    Str features = profile_features_book(&arena, p);
    assert_true(str_contains(features, S("name: own_inflow")));
    assert_true(str_contains(features, S("name: column_exposure")));
    assert_true(str_contains(profile_policy_book(&arena, p), S("{own_inflow:money}")));
}

static void windows_are_half_of_what_most_customers_are_observed(void **state)
{
    (void)state;
    const Profile *p = look(customers("plan", cell_plan), plain_transactions(), NULL);
    assert_true(p->span_days >= 2 * p->window_days || p->window_days == 14);
    Str window = str_format(&arena, "over: first %dd\n", p->window_days);
    assert_true(str_contains(profile_features_book(&arena, p), window));
}

static void histories_are_cut_at_twice_the_longest_window_of_the_model(void **state)
{
    (void)state;
    static const struct {
        const char *over, *use;
        int64_t days;
    } cases[] = {{"first 3d", "model", 28},
                 {"first 14d", "model", 28},
                 {"first 90d", "model", 180},
                 {"all", "model", 28},
                 {"first 90d", "policy", 28}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Schema *s;
        Plan *plan;
        assert_int_equal(schema_default(&s, &arena, NULL), STATUS_OK);
        Str book = str_format(&arena,
                              "version: 1\nobserved_equally: a test\nfeatures:\n  - name: n\n    "
                              "expr: count()\n    over: %s\n"
                              "    use: %s\n    family: f\n    says: Transactions\n",
                              cases[i].over, cases[i].use);
        assert_int_equal(plan_read(&plan, &arena, book, "f.yaml", s, NULL), STATUS_OK);
        assert_int_equal(plan_common_age(plan), cases[i].days * DAY_US);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CLAIM(a_name_is_taken_apart_and_loses_its_accents),
        CLAIM(a_name_speaks_four_languages),
        CLAIM(grounds_are_named_in_other_languages_too),
        CLAIM(what_no_word_explains_is_watched_and_the_model_s_columns_are_named),
        CLAIM(a_flag_of_a_good_end_is_risky_when_it_says_no),
        CLAIM(a_status_is_a_label_before_a_count_or_a_flag),
        CLAIM(a_value_of_several_words_says_what_one_of_them_says),
        CLAIM(numbers_are_read_in_their_form_and_no_other),
        CLAIM(a_protected_column_is_found_by_its_values_alone),
        CLAIM(a_column_that_knows_the_outcome_is_kept_out),
        CLAIM(a_label_of_three_values_is_split_by_its_words),
        CLAIM(the_column_that_scoring_lacks_is_the_label),
        CLAIM(wide_months_become_a_history),
        CLAIM(the_shape_of_transactions_is_seen),
        CLAIM(a_flag_that_only_risky_customers_transactions_have_is_a_leak),
        CLAIM(a_file_with_other_names_is_read_by_them_when_they_are_sure),
        CLAIM(a_file_with_names_that_cannot_be_told_is_left_out_and_named),
        CLAIM(columns_that_never_stand_in_one_row_are_no_two_sides),
        CLAIM(only_what_a_run_sets_aside_is_said_to_be),
        CLAIM(a_key_that_nearly_is_one_and_a_missing_state_are_said),
        CLAIM(a_missing_time_is_not_1970),
        CLAIM(names_of_any_kind_can_be_written),
        CLAIM(histories_are_cut_at_twice_the_longest_window_of_the_model),
        CLAIM(windows_are_half_of_what_most_customers_are_observed)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
