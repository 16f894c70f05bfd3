/* Numbers and sentences for people, in both languages side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lang/lang.h"

#define EURO   "\xE2\x82\xAC"
#define NO     "\xC2\xA0"     /* no-break space */
#define NARROW "\xE2\x80\xAF" /* narrow no-break space */

static void same(Str text, const char *want)
{
    char shown[1000];
    assert_true(text.size < sizeof shown);
    memcpy(shown, text.data, text.size);
    shown[text.size] = '\0';
    assert_string_equal(shown, want);
}

static void numbers_are_written_in_both_languages(void **state)
{
    (void)state;
    static const struct {
        Type type;
        int scale;
        const char *cell;
        Format format;
        const char *want[LANGUAGES];
    } table[] = {
        {TYPE_DECIMAL, 2, "4210.00", FORMAT_EUR, {EURO "4,210.00", "4" NARROW "210,00" NO EURO}},
        {TYPE_DECIMAL,
         2,
         "-1234567.05",
         FORMAT_EUR,
         {"-" EURO "1,234,567.05", "-1" NARROW "234" NARROW "567,05" NO EURO}},
        {TYPE_DECIMAL, 2, "0.05", FORMAT_EUR, {EURO "0.05", "0,05" NO EURO}},
        {TYPE_DECIMAL, 2, "-0.05", FORMAT_EUR, {"-" EURO "0.05", "-0,05" NO EURO}},
        {TYPE_DECIMAL, 2, "999.99", FORMAT_EUR, {EURO "999.99", "999,99" NO EURO}},
        {TYPE_DECIMAL, 4, "12.3450", FORMAT_EUR, {EURO "12.345", "12,345" NO EURO}},
        {TYPE_DECIMAL,
         2,
         "-92233720368547758.08",
         FORMAT_EUR,
         {"-" EURO "92,233,720,368,547,758.08",
          "-92" NARROW "233" NARROW "720" NARROW "368" NARROW "547" NARROW "758,08" NO EURO}},
        {TYPE_DECIMAL,
         2,
         "-4210.50",
         FORMAT_MONEY,
         {"-4,210.50 PLN", "-4" NARROW "210,50" NO "PLN"}},
        {TYPE_DOUBLE, 0, "12.345678", FORMAT_EUR, {EURO "12.35", "12,35" NO EURO}},
        {TYPE_DOUBLE, 0, "1e300", FORMAT_EUR, {"1e+300", "1e+300"}},
        {TYPE_DOUBLE, 0, "0.98", FORMAT_PERCENT, {"98 %", "98" NO "%"}},
        {TYPE_DOUBLE, 0, "0.075", FORMAT_PERCENT, {"7.5 %", "7,5" NO "%"}},
        {TYPE_DOUBLE, 0, "-0.075", FORMAT_PERCENT, {"-7.5 %", "-7,5" NO "%"}},
        {TYPE_DOUBLE, 0, "0", FORMAT_PERCENT, {"0 %", "0" NO "%"}},
        {TYPE_DOUBLE, 0, "25", FORMAT_PERCENT, {"2,500 %", "2" NARROW "500" NO "%"}},
        {TYPE_DURATION, 0, "390min", FORMAT_HOURS, {"6.5 h", "6,5" NO "h"}},
        {TYPE_DURATION, 0, "90s", FORMAT_MINUTES, {"1.5 min", "1,5" NO "min"}},
        {TYPE_DURATION, 0, "12d", FORMAT_DAYS, {"12 days", "12" NO "jours"}},
        {TYPE_DURATION, 0, "24h", FORMAT_DAYS, {"1 day", "1" NO "jour"}},
        {TYPE_DURATION, 0, "36h", FORMAT_DAYS, {"1.5 days", "1,5" NO "jour"}},
        {TYPE_DURATION, 0, "48h", FORMAT_DAYS, {"2 days", "2" NO "jours"}},
        {TYPE_INT64, 0, "0", FORMAT_DAYS, {"0 days", "0" NO "jour"}},
        {TYPE_INT64, 0, "-3", FORMAT_DAYS, {"-3 days", "-3" NO "jours"}},
        {TYPE_DOUBLE, 0, "2.44", FORMAT_RATIO, {"2.4 times", "2,4" NO "fois"}},
        {TYPE_DOUBLE, 0, "1", FORMAT_RATIO, {"1 time", "1" NO "fois"}},
        {TYPE_INT64, 0, "1234567", FORMAT_COUNT, {"1,234,567", "1" NARROW "234" NARROW "567"}},
        {TYPE_INT64,
         0,
         "-9223372036854775807",
         FORMAT_COUNT,
         {"-9,223,372,036,854,775,807",
          "-9" NARROW "223" NARROW "372" NARROW "036" NARROW "854" NARROW "775" NARROW "807"}},
        {TYPE_TIME, 0, "2024-08-26 23:59", FORMAT_DATE, {"26 August 2024", "26 ao\xC3\xBBt 2024"}},
        {TYPE_DATE, 0, "2024-02-01", FORMAT_DATE, {"1 February 2024", "1er f\xC3\xA9vrier 2024"}},
        {TYPE_DATE,
         0,
         "2024-12-31",
         FORMAT_DATE,
         {"31 December 2024", "31 d\xC3\xA9"
                              "cembre 2024"}},
        {TYPE_DOUBLE, 0, "1234.567891", FORMAT_PLAIN, {"1234.5679", "1234,5679"}},
        {TYPE_DOUBLE, 0, "-0.5", FORMAT_PLAIN, {"-0.5", "-0,5"}},
        {TYPE_DOUBLE, 0, "1.5e-12", FORMAT_PLAIN, {"1.5e-12", "1,5e-12"}},
        {TYPE_DECIMAL, 2, "2.50", FORMAT_PLAIN, {"2.50", "2,50"}},
        {TYPE_TEXT, 0, "a.b", FORMAT_PLAIN, {"a.b", "a.b"}},
        {TYPE_BOOLEAN, 0, "true", FORMAT_PLAIN, {"true", "vrai"}},
        {TYPE_BOOLEAN, 0, "false", FORMAT_PLAIN, {"false", "faux"}},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        Arena arena = arena_new();
        Column c;
        column_init(&c, &arena, S("c"), table[i].type, table[i].scale, 1, NULL);
        assert_true(column_parse(&c, 0, str_from(table[i].cell)));
        for (Language l = 0; l < LANGUAGES; l++)
            same(format_cell(&arena, table[i].format, l, S("PLN"), &c, 0), table[i].want[l]);
        arena_free(&arena);
    }
}

/* Digits and signs say the same number, whatever stands between them. */
static void both_languages_write_the_same_digits(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Random r = random_new(5);
    Column c;
    column_init(&c, &arena, S("c"), TYPE_DECIMAL, 2, 1, NULL);
    column_set_valid(&c, 0);
    for (size_t i = 0; i < 2000; i++) {
        c.integer[0] = (int64_t)(random_next(&r) >> (i % 63)) * (i % 2 == 0 ? 1 : -1);
        char digits[LANGUAGES][64];
        for (Language l = 0; l < LANGUAGES; l++) {
            Str text = format_cell(&arena, FORMAT_EUR, l, S("EUR"), &c, 0);
            size_t n = 0;
            for (size_t k = 0; k < text.size; k++)
                if (text.data[k] == '-' || (text.data[k] >= '0' && text.data[k] <= '9'))
                    digits[l][n++] = text.data[k];
            digits[l][n] = '\0';
        }
        assert_string_equal(digits[LANGUAGE_FRENCH], digits[LANGUAGE_ENGLISH]);
    }
    arena_free(&arena);
}

static void numbers_by_themselves_are_written_like_cells(void **state)
{
    (void)state;
    Arena arena = arena_new();
    same(format_real(&arena, FORMAT_PERCENT, LANGUAGE_FRENCH, S(""), 0.98), "98" NO "%");
    same(format_real(&arena, FORMAT_PERCENT, LANGUAGE_ENGLISH, S(""), 0.98), "98 %");
    same(format_real(&arena, FORMAT_COUNT, LANGUAGE_FRENCH, S(""), MISSING_VALUE), "inconnu");
    same(format_decimal(&arena, LANGUAGE_FRENCH, -123456, 2), "-1" NARROW "234,56");
    same(format_decimal(&arena, LANGUAGE_ENGLISH, 41, 2), "0.41");
    arena_free(&arena);
}

static void languages_have_names(void **state)
{
    (void)state;
    for (Language l = 0; l < LANGUAGES; l++) {
        Language again;
        assert_true(language_from_name(language_name(l), &again));
        assert_int_equal(again, l);
    }
    Language l;
    assert_false(language_from_name(S("de"), &l));
    assert_false(language_from_name(S(""), &l));
}

/* ---- sentences ---- */

static const Name names[] = {{.name = {"sum", 3}, .type = TYPE_DECIMAL, .scale = 2},
                             {.name = {"share", 5}, .type = TYPE_DOUBLE},
                             {.name = {"bound", 5}, .type = TYPE_DOUBLE}};
static const Scope scope = {.customer = names, .customers = COUNT_OF(names)};

static Table *row(Arena *arena, double share, double bound)
{
    Table *t = table_new(arena, S("row"), 1, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        column_init(&t->column[i], arena, names[i].name, names[i].type, names[i].scale, 1, NULL);
        column_set_valid(&t->column[i], 0);
    }
    t->column[0].integer[0] = 421000;
    t->column[1].real[0] = share;
    t->column[2].real[0] = bound;
    return t;
}

static void sentence_is_filled_in_its_own_order_and_numbers(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    Template *t;
    assert_int_equal(
        template_read(&t, &arena, S("{share:percent} of {sum:eur}."), &scope, "p.yaml", 1, 1, &err),
        STATUS_OK);
    Table *rows = row(&arena, 0.5, 0.8);
    /* Not translated: English, numbers too. */
    same(template_fill(&arena, t, LANGUAGE_FRENCH, rows, 0), "50 % of " EURO "4,210.00.");
    assert_int_equal(template_translate(t, &arena, LANGUAGE_FRENCH,
                                        S("Sur {sum:eur}, {share:percent}."), &scope, "m.yaml", 1,
                                        1, &err),
                     STATUS_OK);
    same(template_fill(&arena, t, LANGUAGE_FRENCH, rows, 0),
         "Sur 4" NARROW "210,00" NO EURO ", 50" NO "%.");
    same(template_fill(&arena, t, LANGUAGE_ENGLISH, rows, 0), "50 % of " EURO "4,210.00.");
    same(template_fill(&arena, t, LANGUAGE_FRENCH, table_new(&arena, S("none"), 1, 0), 0),
         "Sur inconnu, inconnu.");
    arena_free(&arena);
}

static void shares_that_would_read_alike_get_a_decimal_in_french(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Error err = {0};
    Template *t;
    assert_int_equal(template_read(&t, &arena, S("{share:percent} above {bound:percent}"), &scope,
                                   "p.yaml", 1, 1, &err),
                     STATUS_OK);
    assert_int_equal(template_translate(t, &arena, LANGUAGE_FRENCH,
                                        S("{share:percent} au-dessus de {bound:percent}"), &scope,
                                        "m.yaml", 1, 1, &err),
                     STATUS_OK);
    same(template_fill(&arena, t, LANGUAGE_FRENCH, row(&arena, 0.802, 0.8), 0),
         "80,2" NO "% au-dessus de 80,0" NO "%");
    arena_free(&arena);
}

static void translation_with_other_numbers_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"Sur {sum:eur}.", "the translation leaves out {share:percent}"},
        {"{share:percent} {sum:eur} {bound}", "the translation adds {bound:plain}"},
        {"{share:percent} {sum:money}", "the translation leaves out {sum:eur}"},
        {"{share:percent} {sums:eur}", "'sums', which is not known"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Arena arena = arena_new();
        Error err = {0};
        Template *t;
        assert_int_equal(template_read(&t, &arena, S("{share:percent} of {sum:eur}."), &scope,
                                       "p.yaml", 1, 1, &err),
                         STATUS_OK);
        assert_int_equal(template_translate(t, &arena, LANGUAGE_FRENCH, str_from(bad[i].text),
                                            &scope, "m.yaml", 7, 9, &err),
                         STATUS_FORMAT);
        assert_string_equal(err.file, "m.yaml");
        assert_int_equal(err.line, 7);
        if (strstr(err.message, bad[i].words) == NULL)
            fail_msg("`%s` does not say `%s`", err.message, bad[i].words);
        same(template_fill(&arena, t, LANGUAGE_FRENCH, row(&arena, 0.5, 0.8), 0),
             "50 % of " EURO "4,210.00.");
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_in_both_languages),
        cmocka_unit_test(both_languages_write_the_same_digits),
        cmocka_unit_test(numbers_by_themselves_are_written_like_cells),
        cmocka_unit_test(languages_have_names),
        cmocka_unit_test(sentence_is_filled_in_its_own_order_and_numbers),
        cmocka_unit_test(shares_that_would_read_alike_get_a_decimal_in_french),
        cmocka_unit_test(translation_with_other_numbers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
