#include "prove/prove.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char features_book[] =
    "version: 1\n"
    "name: test\n"
    "define:\n"
    "  credit: direction = 'IN'\n"
    "  debit: direction = 'OUT'\n"
    "features:\n"
    "  - {name: early, expr: share(credit), over: first 14d, use: model, family: f, says: Share}\n"
    "  - {name: n, expr: count(credit), over: all, use: policy, family: f, format: count, says: "
    "Credits}\n"
    "  - {name: some, expr: count(credit and amount > 5), over: all, use: policy, family: f, says: "
    "Credits}\n"
    "  - {name: a, expr: sum(amount where credit), over: all, use: policy, family: f, format: eur,"
    " says: Received}\n"
    "  - {name: b, expr: sum(amount where debit), over: all, use: policy, family: f, format: eur,"
    " says: Sent}\n"
    "  - {name: excess, expr: 'greatest(b - a, 0)', use: policy, family: f, says: Excess}\n"
    "  - {name: s, expr: share(debit), over: all, use: policy, family: f, format: percent, says: "
    "Share sent}\n"
    "  - {name: r, expr: reason_to_use_app, use: policy, family: f, says: Reason}\n"
    "  - {name: age, expr: as_of - date_of_birth, use: monitor, family: f, says: Age}\n"
    "  - {name: years, expr: age / 365d, use: monitor, family: f, says: Age in years}\n"
    "  - {name: events, expr: count(), over: all, use: policy, family: f, says: Events}\n";

#define COSTS                                                                                      \
    "version: 1\n"                                                                                 \
    "name: test\n"                                                                                 \
    "costs: {wrong_exit: 4, missed_risk: 1, review: 0.40, monitor: 0.15}\n"                        \
    "exposure: a\n"

typedef struct Books {
    Arena keep, scratch;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Proofs *found;
} Books;

static void read_plan(Books *b)
{
    Error err = {0};
    b->keep = arena_new();
    b->scratch = arena_new();
    if (schema_default(&b->schema, &b->keep, &err) != STATUS_OK ||
        plan_read(&b->plan, &b->keep, str_from(features_book), "features.yaml", b->schema, &err) !=
            STATUS_OK)
        fail_msg("%s:%lld: %s (%s)", err.file, (long long)err.line, err.message, err.remedy);
}

static void read_policy(Books *b, const char *book)
{
    Error err = {0};
    if (policy_read(&b->policy, &b->keep, str_from(book), "policy.yaml", b->plan, &err) !=
        STATUS_OK)
        fail_msg("%s:%lld: %s (%s) in\n%s", err.file, (long long)err.line, err.message, err.remedy,
                 book);
}

static void close_books(Books *b)
{
    arena_free(&b->scratch);
    arena_free(&b->keep);
}

static const Proof *find(const Proofs *found, const char *code, const char *about)
{
    for (size_t i = 0; i < found->count; i++)
        if (str_equal(found->item[i].code, str_from(code)) &&
            str_contains(found->item[i].about, str_from(about)))
            return &found->item[i];
    return NULL;
}

static const Proof *find_saying(const Proofs *found, const char *code, const char *part)
{
    for (size_t i = 0; i < found->count; i++)
        if (str_equal(found->item[i].code, str_from(code)) &&
            str_contains(found->item[i].sentence, str_from(part)))
            return &found->item[i];
    return NULL;
}

static void show(const Proofs *found)
{
    for (size_t i = 0; i < found->count; i++)
        print_message("%.*s %.*s %.*s: %.*s\n",
                      STR_ARG(proof_severity_name(found->item[i].severity)),
                      STR_ARG(found->item[i].code), STR_ARG(found->item[i].about),
                      STR_ARG(found->item[i].sentence));
}

static void has(const Books *b, const char *code, const char *about)
{
    if (find(b->found, code, about) == NULL) {
        show(b->found);
        fail_msg("%s is not found of %s", code, about);
    }
}

static void lacks(const Books *b, const char *code, const char *about)
{
    if (find(b->found, code, about) != NULL) {
        show(b->found);
        fail_msg("%s is found of %s", code, about);
    }
}

static void prove_book(Books *b, const char *book)
{
    read_plan(b);
    read_policy(b, book);
    b->found = prove_policy(&b->keep, b->scratch, b->policy, b->plan, NULL);
}

#define RULE(id, when, family)                                                                     \
    "  - {id: " id ", when: \"" when "\", family: " family                                         \
    ", severity: severe, because: \"{n:count} credits.\", evidence: n}\n"
#define ACTION(action, when)                                                                       \
    "  - {action: " action ", when: \"" when "\", because: \"Score {probability:percent}.\"}\n"
#define SAFEGUARD(id, when, cap)                                                                   \
    "  - {id: " id ", when: \"" when "\", cap: " cap ", because: \"Capped.\"}\n"
#define PLAIN_ACTIONS                                                                              \
    "actions:\n" ACTION("ENHANCED_DUE_DILIGENCE",                                                  \
                        "probability >= threshold_high or severe_rules >= 1")                      \
        ACTION("MONITOR", "probability >= threshold_medium")

/* ---- what is found ---- */

static void contradictions_of_one_feature_never_fire(void **state)
{
    (void)state;
    Books b;
    prove_book(&b,
               COSTS "rules:\n" RULE("empty", "n > 3 and n < 4", "x") RULE("negative", "n < 0", "x")
                   RULE("share", "s > 1", "y") RULE("cents", "a > 1.11 and a < 1.12", "y")
                       RULE("fine", "a > 1.1 and a < 1.2", "z") RULE("absent", "n is null", "z")
                           PLAIN_ACTIONS);
    has(&b, "never_fires", "rule empty");
    has(&b, "never_fires", "rule negative");
    has(&b, "never_fires", "rule share");
    has(&b, "never_fires", "rule cents");
    has(&b, "never_fires", "rule absent"); /* a count is never missing */
    lacks(&b, "never_fires", "rule fine");
    assert_int_equal(b.found->errors, 5);
    close_books(&b);
}

static void place_points_into_the_book(void **state)
{
    (void)state;
    Books b;
    prove_book(&b,
               COSTS "rules:\n  - id: one\n    family: x\n    severity: severe\n    when: n < 0\n"
                     "    because: \"{n:count}.\"\n    evidence: n\n" PLAIN_ACTIONS);
    const Proof *f = find(b.found, "never_fires", "rule one");
    assert_non_null(f);
    assert_int_equal(f->line, 9);
    assert_int_equal(f->column, 11);
    assert_true(f->severity == PROOF_ERROR);
    close_books(&b);
}

static void feature_formulas_bound_features(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("below", "excess < 0", "x")
                       RULE("part", "some > 5 and n < 3", "x")
                           RULE("nothing", "events = 0 and n >= 1", "y")
                               RULE("nobody", "events = 0 and s >= 0", "y")
                                   RULE("fine", "events = 1 and n >= 1", "y") PLAIN_ACTIONS);
    has(&b, "never_fires", "rule below");
    has(&b, "never_fires", "rule nothing");
    has(&b, "never_fires", "rule nobody");
    lacks(&b, "never_fires", "rule fine");
    /* some counts credits with a further condition that no text comparison sees through: open */
    lacks(&b, "never_fires", "rule part");
    close_books(&b);
}

static void comparisons_between_features_are_never_called_impossible(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("between", "a >= 0.5 * b and b > 100", "x")
                       RULE("pieces", "greatest(a, b) < 10 and a >= 20", "y")
                           RULE("scaled", "0.5 * a >= 10 and a < 20", "y")
                               RULE("third", "0.3 * a + 0.1 > 10.3 and a <= 34", "z")
                                   RULE("cent", "0.3 * a + 0.1 > 10.3 and a <= 34.01", "z")
                                       PLAIN_ACTIONS);
    lacks(&b, "never_fires", "rule between");
    has(&b, "never_fires", "rule pieces");
    has(&b, "never_fires", "rule scaled");
    has(&b, "never_fires", "rule third"); /* decimals are exact: 0.3 * 34 + 0.1 = 10.3 */
    lacks(&b, "never_fires", "rule cent");
    close_books(&b);
}

static void hidden_actions_name_who_hides_them(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x") "actions:\n" ACTION(
                       "ENHANCED_DUE_DILIGENCE", "probability >= 0.3")
                       ACTION("MONITOR", "probability >= 0.5 and n > 1")
                           ACTION("MONITOR", "probability >= threshold_medium"));
    has(&b, "hidden", "action MONITOR");
    const Proof *f = find(b.found, "hidden", "action MONITOR");
    assert_true(str_contains(f->sentence, S("entry 1 of the actions")));
    assert_int_equal(b.found->errors, 1);
    close_books(&b);
}

static void exits_that_the_engine_always_caps_are_found(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x")
                       RULE("two", "s >= 0.5", "x") "actions:\n" ACTION("PROPOSE_OFFBOARDING",
                                                                        "probability >= 0.8")
                           ACTION("MONITOR", "probability >= threshold_medium"));
    has(&b, "unreachable_action", "action PROPOSE_OFFBOARDING"); /* one family alone */
    close_books(&b);
}

static void rules_that_say_the_same_are_found(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x") RULE("two", "n > 2", "x")
                       RULE("three", "n >= 5", "y") RULE("four", "s > 0.5", "z") PLAIN_ACTIONS);
    has(&b, "same_rule", "rule two");
    has(&b, "families_not_independent", "rule three");
    lacks(&b, "same_rule", "rule four");
    lacks(&b, "families_not_independent", "rule four");
    close_books(&b);
}

static void idle_safeguards_are_found(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x") "safeguards:\n" SAFEGUARD(
                       "idle", "n < 3 and probability < threshold_medium", "MONITOR")
                       SAFEGUARD("works", "s < 0.5", "MONITOR")
                           SAFEGUARD("covered", "s < 0.2", "ENHANCED_DUE_DILIGENCE") PLAIN_ACTIONS);
    has(&b, "lowers_nothing", "safeguard idle");
    lacks(&b, "lowers_nothing", "safeguard works");
    has(&b, "lowers_nothing", "safeguard covered"); /* nothing graver is proposed */
    close_books(&b);
}

static void gaps_say_who_is_left_out(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x") "actions:\n" ACTION(
                       "ENHANCED_DUE_DILIGENCE", "probability >= threshold_high and s < 0.9"));
    const Proof *f = find_saying(b.found, "gap_high", "a gap");
    assert_non_null(f);
    assert_true(str_contains(f->sentence, S("probability at least 0.4")));
    assert_true(str_contains(f->sentence, S("s at least 0.9")) ||
                str_contains(f->sentence, S("s missing")));
    assert_non_null(find_saying(b.found, "gap_severe", "a severe rule"));
    close_books(&b);

    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x") PLAIN_ACTIONS);
    assert_null(find_saying(b.found, "gap_high", ""));
    assert_null(find_saying(b.found, "gap_severe", ""));
    close_books(&b);
}

static void cliffs_name_the_feature_and_the_value(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS "rules:\n" RULE("one", "n >= 3", "x")
                       RULE("two", "s >= 0.5", "y") "actions:\n" ACTION(
                           "PROPOSE_OFFBOARDING",
                           "probability >= threshold_high and families >= 2 and exposure >= 250")
                           ACTION("ENHANCED_DUE_DILIGENCE", "probability >= 0.9")
                               ACTION("MONITOR", "probability >= 0.9 or n >= 100"));
    const Proof *f = find_saying(b.found, "cliff", "probability reaching 0.4");
    if (f == NULL)
        show(b.found);
    assert_non_null(f);
    assert_true(str_contains(f->sentence, S("RETAIN to PROPOSE_OFFBOARDING")));
    close_books(&b);
}

static void paths_to_protected_columns_are_written_out(void **state)
{
    (void)state;
    Books b;
    prove_book(&b, COSTS
               "rules:\n" RULE("one", "n >= 3",
                               "x") "mitigating:\n"
                                    "  - {id: old, when: years >= 60, because: \"Old.\"}\n"
                                    "safeguards:\n" SAFEGUARD("young", "years < 20", "MONITOR")
                                        PLAIN_ACTIONS);
    const Proof *f = find(b.found, "protected_column", "safeguard young");
    assert_non_null(f);
    assert_true(f->severity == PROOF_ERROR);
    assert_true(str_contains(
        f->sentence, S("safeguard young -> feature years -> feature age -> column date_of_birth")));
    f = find(b.found, "protected_column", "mitigating fact old");
    assert_non_null(f);
    assert_true(f->severity == PROOF_WARNING);
    close_books(&b);
}

static void proxies_of_a_run_are_named(void **state)
{
    (void)state;
    Books b;
    ProveProxy proxy = {S("s"), S("gender"), S("gender"), S("F"), 0.81};
    ProveSeen seen = {.from = S("the run"), .proxy = &proxy, .proxies = 1};
    prove_book(&b, COSTS "rules:\n" RULE("one", "s >= 0.5", "x") PLAIN_ACTIONS);
    b.found = prove_policy(&b.keep, b.scratch, b.policy, b.plan, &seen);
    has(&b, "proxy", "rule one");
    assert_int_equal(b.found->errors, 0);
    close_books(&b);
}

static void counts_of_a_bundle_say_what_they_prove(void **state)
{
    (void)state;
    Books b;
    static const double cut[] = {0, 1, 4};
    static const uint64_t count[] = {40, 0, 50, 10, 0}; /* the last counts the missing */
    const ProveCounts counts = {
        .name = S("n"), .cut = cut, .count = count, .bins = COUNT_OF(count)};
    ProveSeen seen = {.from = S("the bundle"), .counts = &counts, .counted = 1};
    prove_book(&b, COSTS "rules:\n" RULE("none", "n = 1", "x") RULE("each", "n <> 1", "y")
                       RULE("rare", "n >= 100", "z") RULE("open", "n >= 3", "w")
                           RULE("zero", "n = 0", "v") PLAIN_ACTIONS);
    b.found = prove_policy(&b.keep, b.scratch, b.policy, b.plan, &seen);
    assert_non_null(find_saying(b.found, "outside_data", "`n = 1` is true of none of the 100"));
    assert_non_null(find_saying(b.found, "outside_data", "`n <> 1` is true of each of the 100"));
    assert_non_null(find_saying(b.found, "rare_in_data", "`n >= 100` is true of 10 of the 100"));
    lacks(&b, "rare_in_data", "rule open");
    lacks(&b, "outside_data", "rule open");
    lacks(&b, "outside_data", "rule zero");
    close_books(&b);
}

static void customers_of_a_run_show_what_lies_outside(void **state)
{
    (void)state;
    Books b;
    read_plan(&b);
    Table *t = table_new(&b.keep, S("features"), 3, b.plan->features);
    for (size_t i = 0; i < b.plan->features; i++)
        column_init(&t->column[i], &b.keep, b.plan->feature[i].name.text,
                    lang_type(b.plan->feature[i].expr), lang_scale(b.plan->feature[i].expr), 3,
                    NULL);
    Column *n = table_find(t, S("n")), *s = table_find(t, S("s"));
    for (size_t i = 0; i < 3; i++) {
        n->integer[i] = (int64_t)(2 * i + 1); /* 1, 3, 5 */
        column_set_valid(n, i);
    }
    s->real[2] = 0.5;
    column_set_valid(s, 2);
    static const uint32_t row[] = {0, 2}; /* the one in the middle has no score */
    static const double score[] = {0.2, 0.3}, high[] = {1, 1};
    ProveSeen seen = {.from = S("the run"),
                      .features = t,
                      .row = row,
                      .scored = 2,
                      .probability = score,
                      .probability_low = score,
                      .probability_high = high};
    read_policy(
        &b, COSTS
        "rules:\n" RULE("above", "n >= 6 or s > 0.9", "x") RULE("each", "n >= 1 and s > 0.4", "y")
            RULE("some", "n >= 3", "z") "actions:\n" ACTION("PROPOSE_OFFBOARDING", "families >= 3")
                ACTION("MONITOR", "probability >= threshold_medium"));
    b.found = prove_policy(&b.keep, b.scratch, b.policy, b.plan, &seen);
    assert_non_null(find_saying(b.found, "outside_data",
                                "`n >= 6` is true of none of the 3 customers in the run: n runs "
                                "from 1 to 5"));
    assert_non_null(find_saying(b.found, "outside_data", "`s > 0.9` is true of none of the 3"));
    assert_non_null(find_saying(b.found, "outside_data", "`n >= 1` is true of each of the 3"));
    assert_null(find_saying(b.found, "outside_data", "`s > 0.4`"));
    assert_null(find_saying(b.found, "outside_data", "`n >= 3`"));
    /* Of the scored: 0 and 2 rules of two families. */
    assert_non_null(
        find_saying(b.found, "outside_data", "`families >= 3` is true of none of the 2"));
    assert_non_null(find_saying(b.found, "outside_data",
                                "`probability >= threshold_medium` is true of each of the 2"));
    close_books(&b);
}

static void built_in_book_holds_together(void **state)
{
    (void)state;
    Books b;
    Error err = {0};
    b.keep = arena_new();
    b.scratch = arena_new();
    assert_int_equal(schema_default(&b.schema, &b.keep, &err), STATUS_OK);
    assert_int_equal(
        plan_read(&b.plan, &b.keep, book_default_text("features"), "f", b.schema, &err), STATUS_OK);
    assert_int_equal(
        policy_read(&b.policy, &b.keep, book_default_text("policy"), "p", b.plan, &err), STATUS_OK);
    b.found = prove_policy(&b.keep, b.scratch, b.policy, b.plan, NULL);
    if (b.found->errors + b.found->warnings > 0)
        show(b.found);
    assert_int_equal(b.found->errors, 0);
    assert_int_equal(b.found->warnings, 0);
    assert_int_equal(b.found->open, 0);
    close_books(&b);
}

/* Four hundred rules over everything: how many fire is more than fits. */
static void too_large_a_book_is_left_open_and_said(void **state)
{
    (void)state;
    Books b;
    read_plan(&b);
    Buffer book = buffer_new(&b.keep);
    buffer_add(&book, S(COSTS "rules:\n"));
    for (int i = 0; i < 400; i++)
        buffer_format(
            &book,
            "  - {id: r%d, when: \"n = %d or (a > %d and b > %d and s > 0.%d) or b = %d\", "
            "family: f%d, severity: severe, because: \"{n:count}.\", evidence: n}\n",
            i, i, (i * 37) % 401, (i * 91) % 401, 100 + i, (i * 53) % 401, i);
    buffer_add(&book, S(RULE("never", "n < 0", "z")));
    buffer_add(&book,
               S("actions:\n" ACTION("ENHANCED_DUE_DILIGENCE", "probability >= 0.2")
                     ACTION("MONITOR", "probability >= 0.3 and severe_rules >= 2")
                         ACTION("MONITOR", "severe_rules >= 500")
                             ACTION("MONITOR", "severe_rules >= 300")));
    read_policy(&b, str_chars(&b.keep, buffer_str(&book)));
    b.found = prove_policy(&b.keep, b.scratch, b.policy, b.plan, NULL);
    /* What one condition says by itself is still proved, and nothing is called impossible. */
    has(&b, "never_fires", "rule never");
    lacks(&b, "never_fires", "rule r");
    has(&b, "hidden", "action MONITOR");
    assert_int_equal(b.found->errors, 3);
    if (b.found->open == 0) /* then every region that rests on the counts is a may-be */
        assert_null(find_saying(b.found, "gap_severe", "fires: "));
    close_books(&b);
}

/* ---- against brute force ---- */

/* Every piece that the constants below make has a point in the grid. */
static const double grid_n[] = {0, 1, 2, 3};
static const double grid_a[] = {-1, 0, 50, 100.5, 200};
static const double grid_s[] = {NAN, 0, 0.3, 0.5, 0.7, 1};
static const char *const grid_r[] = {NULL, "A", "C"};
static const char *const facts[] = {"hard", "safe", "note"}; /* every set of them */
static const double grid_p[] = {0, 0.05, 0.1, 0.12, 0.15, 0.3, 0.4, 0.6, 0.8, 0.85, 0.9, 0.95, 1};
static const double grid_low[] = {0, 0.1, 0.15, 0.3, 0.4, 0.6, 1};
enum {
    DIMENSIONS = 7,
    POINTS = COUNT_OF(grid_n) * COUNT_OF(grid_a) * COUNT_OF(grid_s) * COUNT_OF(grid_r) *
             COUNT_OF(grid_p) * COUNT_OF(grid_low) * 8
};
static const size_t sizes[DIMENSIONS] = {COUNT_OF(grid_n),
                                         COUNT_OF(grid_a),
                                         COUNT_OF(grid_s),
                                         COUNT_OF(grid_r),
                                         COUNT_OF(grid_p),
                                         COUNT_OF(grid_low),
                                         8};

static void place(size_t point, size_t at[DIMENSIONS])
{
    for (size_t i = DIMENSIONS; i-- > 0; point /= sizes[i])
        at[i] = point % sizes[i];
}

static size_t point_of(const size_t at[DIMENSIONS])
{
    size_t out = 0;
    for (size_t i = 0; i < DIMENSIONS; i++)
        out = out * sizes[i] + at[i];
    return out;
}

typedef struct Grid {
    PolicyInputs in;
    Events events;
    MatrixPlan no_columns;
    CaseFacts facts;
    Team *team;
} Grid;

static void make_grid(Grid *g, Books *b)
{
    *g = (Grid){.team = team_new(1)};
    g->facts = (CaseFacts){ARENA_ARRAY(&b->keep, CaseFact *, POINTS),
                           ARENA_ARRAY(&b->keep, size_t, POINTS)};
    Table *t = table_new(&b->keep, S("features"), POINTS, b->plan->features);
    Str *id = ARENA_ARRAY(&b->keep, Str, POINTS);
    uint32_t *row = ARENA_ARRAY(&b->keep, uint32_t, POINTS);
    double *p = ARENA_ARRAY(&b->keep, double, POINTS), *low = ARENA_ARRAY(&b->keep, double, POINTS);
    double *high = ARENA_ARRAY(&b->keep, double, POINTS);
    double *margin = ARENA_ARRAY(&b->keep, double, POINTS);
    int64_t *as_of = ARENA_ARRAY(&b->keep, int64_t, POINTS);
    for (size_t i = 0; i < b->plan->features; i++)
        column_init(&t->column[i], &b->keep, b->plan->feature[i].name.text,
                    lang_type(b->plan->feature[i].expr), lang_scale(b->plan->feature[i].expr),
                    POINTS, NULL);
    Column *n = table_find(t, S("n")), *a = table_find(t, S("a")), *s = table_find(t, S("s")),
           *r = table_find(t, S("r"));
    for (size_t i = 0; i < POINTS; i++) {
        size_t at[DIMENSIONS];
        place(i, at);
        id[i] = S("x");
        row[i] = (uint32_t)i;
        n->integer[i] = (int64_t)grid_n[at[0]];
        column_set_valid(n, i);
        a->integer[i] = (int64_t)(grid_a[at[1]] * (double)power_of_ten(a->scale));
        column_set_valid(a, i);
        if (!isnan(grid_s[at[2]])) {
            s->real[i] = grid_s[at[2]];
            column_set_valid(s, i);
        }
        if (grid_r[at[3]] != NULL)
            assert_true(column_parse(r, i, str_from(grid_r[at[3]])));
        p[i] = grid_p[at[4]];
        low[i] = grid_low[at[5]];
        high[i] = 1;
        g->facts.of[i] = ARENA_ARRAY(&b->keep, CaseFact, COUNT_OF(facts));
        for (size_t k = 0; k < COUNT_OF(facts); k++)
            if (at[6] & ((size_t)1 << k))
                g->facts.of[i][g->facts.count[i]++] =
                    (CaseFact){str_from(facts[k]), S("case 1"), NO_TIME, false, S("")};
    }
    Table *rows = table_new(&b->keep, S("events"), 0, 1);
    column_init(&rows->column[0], &b->keep, b->schema->transactions.key.text, TYPE_TEXT, 0, 0,
                NULL);
    Matrix *x = matrix_new(&b->keep, POINTS, 0);
    g->events = (Events){.plan = b->plan, .rows = rows, .as_of_us = as_of, .customers = POINTS};
    g->in = (PolicyInputs){.events = &g->events,
                           .features = t,
                           .row = row,
                           .id = id,
                           .count = POINTS,
                           .margin = margin,
                           .probability = p,
                           .probability_low = low,
                           .probability_high = high,
                           .matrix = x,
                           .facts = &g->facts,
                           .columns = &g->no_columns};
}

static const char *pick(Random *random, const char *const *from, size_t count)
{
    return from[random_below(random, count)];
}

static void condition(Buffer *out, Random *random, int depth, bool own)
{
    static const char *const sign[] = {"=", "<>", "<", "<=", ">", ">="};
    static const char *const n[] = {"0", "2"};
    static const char *const a[] = {"0", "100.5", "2 * 50.25"};
    static const char *const s[] = {"0", "0.5", "1"};
    static const char *const r[] = {"'A'"};
    static const char *const t[] = {"threshold_medium", "threshold_high", "threshold_offboarding",
                                    "0.1", "0.9"};
    static const char *const low[] = {"threshold_medium", "threshold_high"};
    static const char *const k[] = {"0", "1", "2", "3"};
    static const char *const null[] = {"n", "a", "s", "r"};
    uint64_t what = random_below(random, depth > 0 ? 8 : 5);
    if (what >= 5) {
        const char *join = what == 5 ? " or " : " and ";
        buffer_add(out, what == 7 ? S("not (") : S("("));
        condition(out, random, depth - 1, own);
        buffer_add(out, str_from(join));
        condition(out, random, depth - 1, own);
        buffer_char(out, ')');
        return;
    }
    if (own && what < 3) {
        static const char *const counts[] = {"rules", "severe_rules", "families"};
        uint64_t which = random_below(random, 5);
        const char *op = pick(random, sign, COUNT_OF(sign));
        if (which == 0)
            buffer_format(out, "%s %s %s", pick(random, counts, 3), op, pick(random, k, 4));
        else if (which == 4)
            buffer_format(out, "%s", random_below(random, 2) ? "note" : "hard");
        else if (which == 1)
            buffer_format(out, "probability_low %s %s", op, pick(random, low, COUNT_OF(low)));
        else
            buffer_format(out, "probability %s %s", op, pick(random, t, COUNT_OF(t)));
        return;
    }
    const char *op = pick(random, sign, COUNT_OF(sign));
    switch (random_below(random, 8)) {
    case 0:
    case 1:
        buffer_format(out, "n %s %s", op, pick(random, n, COUNT_OF(n)));
        return;
    case 2:
    case 3:
        buffer_format(out, "a %s %s", op, pick(random, a, COUNT_OF(a)));
        return;
    case 4:
    case 5:
        buffer_format(out, "s %s %s", op, pick(random, s, COUNT_OF(s)));
        return;
    case 6:
        buffer_format(out, "r %s %s", random_below(random, 2) ? "=" : "<>", r[0]);
        return;
    default:
        buffer_format(out, "%s is %snull", pick(random, null, COUNT_OF(null)),
                      random_below(random, 2) ? "not " : "");
    }
}

static void random_book(Buffer *out, Random *random)
{
    static const char *const caps[] = {"MONITOR", "ENHANCED_DUE_DILIGENCE", "RESTRICT"};
    static const char *const grave[] = {"PROPOSE_OFFBOARDING", "RESTRICT", "ENHANCED_DUE_DILIGENCE",
                                        "MONITOR"};
    buffer_add(out, S(COSTS "facts:\n  - {name: hard, says: Hard, kind: hard}\n"
                            "  - {name: safe, says: Safe, kind: safeguard}\n"
                            "  - {name: note, says: Note, kind: context}\n"
                            "insufficient_data: {because: \"Little.\", when: \""));
    condition(out, random, 1, false);
    buffer_add(out, S("\"}\nrules:\n"));
    uint64_t rules = 1 + random_below(random, 4);
    for (uint64_t i = 0; i < rules; i++) {
        buffer_format(out,
                      "  - {id: r%d, family: f%d, severity: %s, because: \"{n:count}.\", "
                      "evidence: n, when: \"",
                      (int)i, (int)random_below(random, 3),
                      random_below(random, 2) ? "severe" : "supporting");
        condition(out, random, 2, false);
        buffer_add(out, S("\"}\n"));
    }
    buffer_add(out, S("safeguards:\n"));
    for (int i = 0; i < 2; i++) {
        size_t cap = random_below(random, COUNT_OF(caps));
        buffer_format(out, "  - {id: s%d, cap: %s, %sbecause: \"Capped.\", when: \"%s", i,
                      caps[cap], cap < 2 && random_below(random, 2) ? "allows: RESTRICT, " : "",
                      random_below(random, 4) == 0 ? "safe and " : "");
        condition(out, random, 1, true);
        buffer_add(out, S("\"}\n"));
    }
    buffer_add(out, S("actions:\n"));
    if (random_below(random, 2)) {
        buffer_format(out,
                      "  - {action: PROPOSE_OFFBOARDING, %sbecause: Documented., when: \"hard and ",
                      random_below(random, 2) ? "uncapped: true, " : "");
        condition(out, random, 1, true);
        buffer_add(out, S("\"}\n"));
    }
    for (size_t level = 0; level < COUNT_OF(grave); level++)
        for (uint64_t i = random_below(random, 3); i > 0; i--) {
            buffer_format(out, "  - {action: %s, because: \"Score.\", when: \"", grave[level]);
            condition(out, random, 2, true);
            buffer_add(out, S("\"}\n"));
        }
    buffer_add(out, S("  - {action: MONITOR, because: \"Score.\", when: \"n >= 2\"}\n"));
    buffer_add(out, S("measures:\n"));
    for (int i = 0; i < 2; i++) {
        buffer_format(out,
                      "  - {id: m%d, action: %s, because: Yes., otherwise: \"No: {n:count}.\", "
                      "suffices: \"",
                      i, caps[i + 1]);
        condition(out, random, 1, true);
        buffer_add(out, S("\"}\n"));
    }
    buffer_format(out, "segments:\n  floors:\n    - {at_least: %s, because: Floor., when: \"",
                  random_below(random, 2) ? "Medium" : "High");
    condition(out, random, 2, true);
    buffer_add(out, S("\"}\n"));
}

typedef struct Brute {
    Condition *c;
    size_t conditions;
    uint8_t **hold;
    Decision *made;
} Brute;

static bool any(const uint8_t *hold)
{
    return memchr(hold, 1, POINTS) != NULL;
}

static size_t taken(const Brute *w, size_t point)
{
    for (size_t i = 0; i < w->conditions; i++)
        if (w->c[i].of == CONDITION_ACTION && w->hold[i][point])
            return i;
    return w->conditions;
}

/* A finding of this code at this condition's place. */
static bool found_at(const Proofs *found, const char *code, const Condition *c)
{
    for (size_t i = 0; i < found->count; i++)
        if (str_equal(found->item[i].code, str_from(code)) && found->item[i].line == c->line &&
            found->item[i].column == c->column)
            return true;
    return false;
}

static void agree(bool prover, bool truth, const char *what, const char *book)
{
    if (prover != truth)
        fail_msg("%s: the prover says %d, the grid %d, of\n%s", what, prover, truth, book);
}

static void agree_on_cliffs(const Books *b, const Brute *w, const char *book)
{
    static const char *const names[DIMENSIONS] = {
        "n", "a", "s", "r", "probability", "probability_low", "the facts"};
    size_t step[ACTIONS] = {0}, steps = 0;
    bool seen[ACTIONS] = {false};
    for (size_t i = 0; i < POINTS; i++)
        seen[w->made[i].action] = true;
    for (size_t i = 0; i < ACTIONS; i++)
        step[i] = seen[i] ? steps++ : 0;
    for (size_t dimension = 0; dimension < DIMENSIONS; dimension++) {
        bool cliff = false;
        char text[64];
        for (size_t i = 0; i < POINTS && dimension != 3 && dimension != 6; i++) {
            size_t at[DIMENSIONS];
            place(i, at);
            if (++at[dimension] >= sizes[dimension] || (dimension == 2 && at[2] == 1))
                continue;
            size_t x = step[w->made[i].action], y = step[w->made[point_of(at)].action];
            cliff = cliff || (x < y ? y - x : x - y) >= 3;
        }
        (void)snprintf(text, sizeof text, "a cliff: %s ", names[dimension]);
        agree(find_saying(b->found, "cliff", text) != NULL, cliff, text, book);
    }
}

static void prover_and_grid_agree(void **state)
{
    (void)state;
    Books b;
    Grid g;
    Random random = random_new(5);
    size_t never = 0, hidden = 0, gaps = 0;
    read_plan(&b);
    make_grid(&g, &b);
    Arena mark = b.keep;
    for (int round = 0; round < 14; round++, b.keep = mark) {
        Error err = {0};
        Brute w;
        Buffer text = buffer_new(&b.keep);
        random_book(&text, &random);
        const char *book = str_chars(&b.keep, buffer_str(&text));
        read_policy(&b, book);
        b.found = prove_policy(&b.keep, b.scratch, b.policy, b.plan, NULL);
        assert_int_equal(b.found->open, 0);
        w.conditions = policy_conditions(b.policy, &b.keep, &w.c);
        assert_int_equal(policy_hold(&w.hold, &b.keep, b.scratch, b.policy, &g.in, &err),
                         STATUS_OK);
        assert_int_equal(policy_decide(&w.made, &b.keep, b.scratch, b.policy, &g.in, g.team, &err),
                         STATUS_OK);
        bool gap = false, level[ACTIONS] = {false};
        uint8_t *first = ARENA_ARRAY(&b.keep, uint8_t, w.conditions + 1);
        for (size_t i = 0; i < POINTS; i++) {
            size_t entry = taken(&w, i);
            first[entry] = 1;
            level[w.made[i].action] = true;
            gap = gap || (entry == w.conditions && g.in.probability[i] >= 0.4);
        }
        for (size_t i = 0; i < w.conditions; i++) {
            const Condition *c = &w.c[i];
            bool fires = any(w.hold[i]);
            agree(found_at(b.found, "never_fires", c), !fires, "never_fires", book);
            never += !fires;
            if (c->of == CONDITION_ACTION) {
                agree(found_at(b.found, "hidden", c), fires && !first[i], "hidden", book);
                hidden += fires && !first[i];
            }
            bool lowers = false;
            for (size_t k = 0; k < POINTS && c->of == CONDITION_SAFEGUARD && !lowers; k++) {
                size_t entry = taken(&w, k);
                lowers = w.hold[i][k] && entry < w.conditions && !w.c[entry].uncapped &&
                         w.c[entry].action > c->action && w.c[entry].action != c->allows;
            }
            bool lifts = false;
            for (size_t k = 0; k < POINTS && c->of == CONDITION_FLOOR; k++)
                lifts = lifts || (w.hold[i][k] && w.made[k].segment_by_score < c->at_least);
            if (c->of == CONDITION_FLOOR)
                agree(found_at(b.found, "holds_nothing_up", c), fires && !lifts, "holds_nothing_up",
                      book);
            if (c->of == CONDITION_SAFEGUARD)
                agree(found_at(b.found, "lowers_nothing", c), fires && !lowers, "lowers_nothing",
                      book);
        }
        agree(find_saying(b.found, "gap_high", "") != NULL, gap, "gap_high", book);
        gaps += gap;
        for (Action x = ACTION_MONITOR; x < ACTIONS; x++) {
            bool before = false;
            for (size_t i = 0; i < POINTS; i++)
                before = before || w.made[i].before_safeguards == x;
            agree(find_saying(b.found, "unreachable_action", str_chars(&b.keep, action_name(x))) !=
                      NULL,
                  before && !level[x], "unreachable_action", book);
        }
        agree_on_cliffs(&b, &w, book);
    }
    /* The books were strange enough to matter. */
    assert_true(never > 5 && hidden > 5 && gaps > 5);
    team_free(g.team);
    close_books(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contradictions_of_one_feature_never_fire),
        cmocka_unit_test(place_points_into_the_book),
        cmocka_unit_test(feature_formulas_bound_features),
        cmocka_unit_test(comparisons_between_features_are_never_called_impossible),
        cmocka_unit_test(hidden_actions_name_who_hides_them),
        cmocka_unit_test(exits_that_the_engine_always_caps_are_found),
        cmocka_unit_test(rules_that_say_the_same_are_found),
        cmocka_unit_test(idle_safeguards_are_found),
        cmocka_unit_test(gaps_say_who_is_left_out),
        cmocka_unit_test(cliffs_name_the_feature_and_the_value),
        cmocka_unit_test(paths_to_protected_columns_are_written_out),
        cmocka_unit_test(proxies_of_a_run_are_named),
        cmocka_unit_test(counts_of_a_bundle_say_what_they_prove),
        cmocka_unit_test(customers_of_a_run_show_what_lies_outside),
        cmocka_unit_test(built_in_book_holds_together),
        cmocka_unit_test(too_large_a_book_is_left_open_and_said),
        cmocka_unit_test(prover_and_grid_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
