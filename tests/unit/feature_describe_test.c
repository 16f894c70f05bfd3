#include "feature/feature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

typedef struct Page {
    Arena keep;
    Schema *schema;
    Plan *plan;
    Error err;
    Str text;
} Page;

/* The page of a book; the built-in one for an empty text. */
static Page page_of(const char *book)
{
    Page p = {.keep = arena_new()};
    Str yaml = book[0] == '\0' ? book_default_text("features") : str_from(book);
    if (schema_default(&p.schema, &p.keep, &p.err) != STATUS_OK ||
        plan_read(&p.plan, &p.keep, yaml, "features.yaml", p.schema, &p.err) != STATUS_OK)
        fail_msg("%lld:%lld: %s", (long long)p.err.line, (long long)p.err.column, p.err.message);
    p.text = plan_describe(&p.keep, p.plan);
    return p;
}

static void has(const Page *p, const char *part)
{
    if (!str_contains(p->text, str_from(part)))
        fail_msg("no `%s` in\n%.*s", part, (int)p->text.size, p->text.data);
}

static size_t times(Str text, Str part)
{
    size_t count = 0;
    for (size_t i = 0; i + part.size <= text.size; i++)
        count += memcmp(text.data + i, part.data, part.size) == 0;
    return count;
}

#define HEAD                                                                                       \
    "version: 1\nname: Small\nobserved_equally: a test\n"                                          \
    "define:\n  arrived: direction = 'IN'\n"                                                       \
    "strata:\n  ALL: true\n"                                                                       \
    "families:\n  size: How much\n"                                                                \
    "features:\n"
#define FIRST                                                                                      \
    "  - name: early_in\n    expr: sum(amount where arrived)\n    over: first 14d\n"               \
    "    use: model\n    family: size\n    risk: up\n    format: eur\n    says: What arrived\n"
#define SECOND                                                                                     \
    "  - name: reason\n    expr: reason_to_use_app = 'a|b'\n    use: policy\n"                     \
    "    family: profile\n    says: What was said\n"
#define THIRD                                                                                      \
    "  - name: gone\n    expr: matched(arrived to direction = 'OUT' within 1h)\n    over: all\n"   \
    "    use: monitor\n    family: size\n    says: What left\n"

static void page_counts_and_explains(void **state)
{
    (void)state;
    Page p = page_of(HEAD FIRST SECOND THIRD);
    has(&p, "# Features: Small\n\n3 features in 2 families: 1 that the model sees, 1 for policy, "
            "1 only watched.\n");
    has(&p, "| `arrived` | `direction = 'IN'` |\n");
    has(&p, "| `ALL` | `true` |\n");
    arena_free(&p.keep);
}

static void features_stand_in_families_in_the_books_order(void **state)
{
    (void)state;
    Page p = page_of(HEAD FIRST SECOND THIRD);
    has(&p, "\n## size\n\nHow much.\n\n| feature |");
    has(&p, "\n## profile\n\n| feature |");
    const char *size = strstr(p.text.data, "## size"), *first = strstr(p.text.data, "`early_in`"),
               *third = strstr(p.text.data, "`gone`"), *profile = strstr(p.text.data, "## profile");
    assert_true(size < first && first < third && third < profile);
    arena_free(&p.keep);
}

static void a_row_tells_formula_window_use_direction_format_and_needs(void **state)
{
    (void)state;
    Page p = page_of(HEAD FIRST SECOND THIRD);
    has(&p,
        "| `early_in` | What arrived<br>`sum(amount where arrived)` | first 14d | **model** | up "
        "| eur | `amount`, `direction`, `created_at` |\n");
    has(&p, "| `gone` | What left<br>`matched(arrived to direction = 'OUT' within 1h)` | all | "
            "monitor |  | plain | `direction`, `amount`, `completed_at`, `created_at` |\n");
    arena_free(&p.keep);
}

static void a_bar_in_a_formula_does_not_end_the_cell(void **state)
{
    (void)state;
    Page p = page_of(HEAD FIRST SECOND THIRD);
    has(&p, "`reason_to_use_app = 'a\\|b'` |  | policy |  | plain | `reason_to_use_app` |");
    arena_free(&p.keep);
}

static void features_further_up_are_named_as_needed(void **state)
{
    (void)state;
    Page p = page_of(HEAD FIRST "  - name: half\n    expr: early_in / 2\n    use: model\n"
                                "    family: size\n    says: Half of it\n");
    has(&p,
        "| `half` | Half of it<br>`early_in / 2` |  | **model** |  | plain | feature `early_in` |");
    arena_free(&p.keep);
}

static void a_family_without_features_is_refused(void **state)
{
    (void)state;
    Page p = {.keep = arena_new()};
    assert_int_equal(schema_default(&p.schema, &p.keep, &p.err), STATUS_OK);
    assert_int_equal(plan_read(&p.plan, &p.keep,
                               S("version: 1\ndefine:\n  arrived: direction = 'IN'\nfamilies:\n  "
                                 "sise: How much\nfeatures:\n" FIRST),
                               "features.yaml", p.schema, &p.err),
                     STATUS_FORMAT);
    assert_string_equal(p.err.message, "no feature is of family `sise`");
    assert_string_equal(p.err.remedy, "did you mean `size`?");
    assert_int_equal(p.err.line, 5);
    arena_free(&p.keep);
}

static void every_feature_of_the_built_in_book_has_one_row(void **state)
{
    (void)state;
    Page p = page_of("");
    assert_true(p.plan->features >= 100);
    for (size_t i = 0; i < p.plan->features; i++) {
        Str name = p.plan->feature[i].name.text;
        Str row = str_format(&p.keep, "\n| `%.*s` | ", STR_ARG(name));
        if (times(p.text, row) != 1)
            fail_msg("%.*s has %zu rows", STR_ARG(name), times(p.text, row));
    }
    arena_free(&p.keep);
}

static void every_family_of_the_built_in_book_is_described(void **state)
{
    (void)state;
    Page p = page_of("");
    assert_int_equal(times(p.text, S(".\n\n| feature |")), times(p.text, S("\n| feature |")));
    arena_free(&p.keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_counts_and_explains),
        cmocka_unit_test(features_stand_in_families_in_the_books_order),
        cmocka_unit_test(a_row_tells_formula_window_use_direction_format_and_needs),
        cmocka_unit_test(a_bar_in_a_formula_does_not_end_the_cell),
        cmocka_unit_test(features_further_up_are_named_as_needed),
        cmocka_unit_test(a_family_without_features_is_refused),
        cmocka_unit_test(every_feature_of_the_built_in_book_has_one_row),
        cmocka_unit_test(every_family_of_the_built_in_book_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
