/* What is read beside the files: case facts, and an earlier run. Hostile bytes included. */
#include "score/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Desk {
    Arena keep, scratch;
    char folder[40];
    const char *path;
    Policy *policy;
    Dataset data;
    Error err;
} Desk;

/* Customers a, b, 'c, =d and é, as a bank may call them. */
static void open_desk(Desk *d)
{
    static Str ids[] = {{"'c", 2}, {"=d", 2}, {"a", 1}, {"b", 1}, {"\xC3\xA9", 2}};
    Schema *schema;
    Plan *plan;
    *d = (Desk){.keep = arena_new(), .scratch = arena_new()};
    (void)snprintf(d->folder, sizeof d->folder, "/tmp/assay-case-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    if (schema_default(&schema, &d->keep, &d->err) != STATUS_OK ||
        plan_read(&plan, &d->keep, book_default_text("features"), "features.yaml", schema,
                  &d->err) != STATUS_OK ||
        policy_read(&d->policy, &d->keep, book_default_text("policy"), "policy.yaml", plan,
                    &d->err) != STATUS_OK)
        fail_msg("%s:%lld: %s", d->err.file, (long long)d->err.line, d->err.message);
    d->data = (Dataset){.customers = COUNT_OF(ids), .id = ids, .findings = findings_new(&d->keep)};
    assert_true(parse_time(S("2024-06-30"), &d->data.as_of_us));
    d->path = path_join(&d->keep, d->folder, "decisions.csv");
}

static void close_desk(Desk *d)
{
    (void)unlink(d->path);
    (void)rmdir(d->folder);
    arena_free(&d->scratch);
    arena_free(&d->keep);
}

static void put(Desk *d, Str text)
{
    assert_int_equal(file_write(d->path, text, &d->err), STATUS_OK);
    d->err = (Error){0};
    d->data.findings = findings_new(&d->keep);
}

static Status facts_of(Desk *d, CaseFacts **out, Str text)
{
    put(d, text);
    return score_read_facts(out, &d->keep, d->scratch, d->path, 0, d->policy, &d->data, &d->err);
}

static Status earlier_of(Desk *d, Earlier **out, Str text)
{
    put(d, text);
    return score_read_earlier(out, &d->keep, d->scratch, d->folder, &d->data, &d->err);
}

static uint64_t found(const Desk *d, const char *code)
{
    const Finding *f = findings_find(d->data.findings, code);
    return f == NULL ? 0 : f->count;
}

static void same(Str got, const char *want)
{
    if (!str_equal(got, str_from(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

/* ---- case facts ---- */

static void facts_go_to_their_customers(void **state)
{
    (void)state;
    Desk d;
    CaseFacts *facts;
    int64_t since;
    open_desk(&d);
    assert_int_equal(facts_of(&d, &facts,
                              S("since,fact,customer_id,evidence,remark\n"
                                "2024-05-03,open_appeal,b,\"letter, 4\",x\n"
                                ",court_order,\xC3\xA9, order 9 ,y\n"
                                ",vulnerable,=d,,\n")),
                     STATUS_OK);
    assert_int_equal(facts->count[3], 1);
    same(facts->of[3][0].name, "open_appeal");
    same(facts->of[3][0].evidence, "letter, 4");
    assert_true(parse_time(S("2024-05-03"), &since));
    assert_int_equal(facts->of[3][0].since_us, since);
    same(facts->of[4][0].evidence, "order 9");
    assert_int_equal(facts->of[4][0].since_us, NO_TIME);
    assert_int_equal(facts->count[1], 1);
    assert_int_equal(facts->count[0] + facts->count[2], 0);
    assert_int_equal(d.data.findings->count, 0);
    close_desk(&d);
}

static void other_customers_and_later_facts_are_found_and_not_used(void **state)
{
    (void)state;
    Desk d;
    CaseFacts *facts;
    open_desk(&d);
    assert_int_equal(facts_of(&d, &facts,
                              S("customer_id,fact,since,evidence\n"
                                "zz,vulnerable,,\n"
                                "a,open_appeal,2024-06-30 00:00:00.000001,\n"
                                "a,vulnerable,2024-06-30,\n"
                                "b,cdd_failed,,\n")),
                     STATUS_OK);
    assert_int_equal(facts->count[2], 1);
    same(facts->of[2][0].name, "vulnerable");
    assert_int_equal(found(&d, "case_facts_of_others"), 1);
    assert_int_equal(found(&d, "case_facts_later"), 1);
    assert_int_equal(found(&d, "case_facts_undocumented"), 1);
    close_desk(&d);
}

static void the_same_fact_twice_is_one_documented_if_either_is(void **state)
{
    (void)state;
    Desk d;
    CaseFacts *facts;
    int64_t since;
    open_desk(&d);
    assert_int_equal(facts_of(&d, &facts,
                              S("customer_id,fact,since,evidence\n"
                                "a,cdd_failed,2024-01-01,\n"
                                "a,cdd_failed,2024-05-03,case 1\n"
                                "a,cdd_failed,2024-04-03,case 2\n"
                                "a,cdd_failed,2024-01-02,\n")),
                     STATUS_OK);
    assert_int_equal(facts->count[2], 1);
    assert_true(parse_time(S("2024-04-03"), &since));
    same(facts->of[2][0].evidence, "case 2");
    assert_int_equal(facts->of[2][0].since_us, since);
    assert_int_equal(found(&d, "case_facts_merged"), 3);
    assert_int_equal(found(&d, "case_facts_undocumented"), 0);
    close_desk(&d);
}

static void a_row_that_cannot_be_understood_is_an_error_with_its_line(void **state)
{
    (void)state;
    Desk d;
    open_desk(&d);
    Buffer longest = buffer_new(&d.keep), control = buffer_new(&d.keep);
    buffer_add(&longest, S("customer_id,fact,evidence\na,vulnerable,"));
    for (size_t i = 0; i < 201; i++)
        buffer_char(&longest, 'x');
    buffer_add(&control, S("customer_id,fact\nb,vulnerable\na,vul\x1B[2J"
                           "nerable\n"));
    const struct {
        Str text;
        int64_t line;
        const char *says, *remedy;
    } bad[] = {
        {S("customer_id,fact\na,vulnerable\na,open_apeal\n"), 3, "no fact `open_apeal`",
         "did you mean `open_appeal`"},
        {S("customer_id,fact\na,xxxxxxxxxxxxxxxx\n"), 2, "no fact", "name one of the book's"},
        {S("customer_id,fact,since\na,vulnerable,yesterday\n"), 2, "since", "mend the row"},
        {S("customer_id,fact,since\na,vulnerable,2024-02-30\n"), 2, "since", "mend the row"},
        {S("customer_id,fact\n,vulnerable\n"), 2, "customer_id is empty", "mend the row"},
        {S("customer_id,fact\na,\n"), 2, "fact is empty", "mend the row"},
        {S("customer_id,fact\na\n"), 2, "cells", "mend the row"},
        {S("customer_id,fact\na,vulner\xFF"
           "able\n"),
         2, "UTF-8", "mend the row"},
        {S("customer_id,facts\na,vulnerable\n"), 1, "fact", ""},
        {S("customer_id,fact,evidence\na,vulnerable,\"one\ntwo\"\n"), 2, "control characters",
         "reference"},
        {S("customer_id,fact,evidence\na,vulnerable,\x1B[2J\n"), 2, "control characters",
         "reference"},
        {S("customer_id,fact,evidence\na,vulnerable,x\xC2\x9By\n"), 2, "control characters",
         "reference"},
        {buffer_str(&longest), 2, "longer than 200 bytes", "reference"},
        {buffer_str(&control), 3, "no fact `vul?[2Jnerable`", ""},
        {S(""), 0, "", ""},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CaseFacts *facts;
        if (facts_of(&d, &facts, bad[i].text) != STATUS_FORMAT)
            fail_msg("file %zu is not refused", i);
        if (strstr(d.err.message, bad[i].says) == NULL ||
            strstr(d.err.remedy, bad[i].remedy) == NULL)
            fail_msg("file %zu: %s (%s)", i, d.err.message, d.err.remedy);
        assert_string_equal(d.err.file, d.path);
        if (bad[i].line > 0)
            assert_int_equal(d.err.line, bad[i].line);
        assert_null(strchr(d.err.message, 0x1B));
    }
    close_desk(&d);
}

static void a_book_without_facts_says_so(void **state)
{
    (void)state;
    Desk d;
    CaseFacts *facts;
    Schema *schema;
    Plan *plan;
    open_desk(&d);
    assert_int_equal(schema_default(&schema, &d.keep, &d.err), STATUS_OK);
    assert_int_equal(
        plan_read(&plan, &d.keep, book_default_text("features"), "features.yaml", schema, &d.err),
        STATUS_OK);
    const char *book = "version: 1\nname: none\nexposure: inflow\n"
                       "rules: [{id: a, when: inflow > 1, family: f, severity: severe,"
                       " because: \"{inflow}\", evidence: inflow}]\n"
                       "actions: [{action: MONITOR, when: rules > 0, because: One.}]\n"
                       "costs: {wrong_exit: 4, missed_risk: 1, review: 0.4, monitor: 0.15}\n";
    if (policy_read(&d.policy, &d.keep, str_from(book), "p.yaml", plan, &d.err) != STATUS_OK)
        fail_msg("%s", d.err.message);
    assert_int_equal(facts_of(&d, &facts, S("customer_id,fact\na,vulnerable\n")), STATUS_FORMAT);
    assert_non_null(strstr(d.err.remedy, "the book lists none"));
    close_desk(&d);
}

/* ---- an earlier run ---- */

#define HEADER "rank,customer_id,segment,segment_since,segment_lower_since\n"

static void an_earlier_run_is_read_by_customer(void **state)
{
    (void)state;
    Desk d;
    Earlier *e;
    int64_t since, lower = 0;
    open_desk(&d);
    assert_int_equal(earlier_of(&d, &e,
                                S(HEADER "1,b,High,2024-05-01 00:00:00 UTC,2024-06-01\n"
                                         "2,zz,High,2024-05-01,\n"
                                         "3,'=d,Low,2024-05-01,\n"
                                         "4,'c,Medium,2024-06-30,\n")),
                     STATUS_OK);
    assert_true(parse_time(S("2024-05-01"), &since) && parse_time(S("2024-06-01"), &lower));
    assert_true(e[3].known && e[3].segment == SEGMENT_HIGH);
    assert_int_equal(e[3].since_us, since);
    assert_int_equal(e[3].lower_since_us, lower);
    assert_true(e[1].known && e[1].segment == SEGMENT_LOW); /* guarded against spreadsheets */
    assert_int_equal(e[1].lower_since_us, NO_TIME);
    assert_true(e[0].known && e[0].segment == SEGMENT_MEDIUM); /* called so */
    assert_false(e[2].known || e[4].known);
    assert_int_equal(d.data.findings->count, 0);
    close_desk(&d);
}

static void an_earlier_run_that_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        Status status;
        int64_t line;
        const char *says;
    } bad[] = {
        {HEADER "1,b,Highest,2024-05-01,\n", STATUS_FORMAT, 2, "segment"},
        {HEADER "1,b,High,,\n", STATUS_FORMAT, 2, "segment_since is empty"},
        {HEADER "1,b,High,soon,\n", STATUS_FORMAT, 2, "segment_since"},
        {HEADER "1,b,High,2024-05-01,\n2,b,Low,2024-05-01,\n", STATUS_FORMAT, 3, "twice"},
        {HEADER "1,b,High,2024-07-01,\n", STATUS_DATA, 2, "later time"},
        {HEADER "1,b,High,2024-05-01,2024-07-01\n", STATUS_DATA, 2, "later time"},
        {"customer_id,segment\nb,High\n", STATUS_FORMAT, 1, "segment_since"},
        {"", STATUS_FORMAT, 0, ""},
    };
    Desk d;
    open_desk(&d);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Earlier *e;
        if (earlier_of(&d, &e, str_from(bad[i].text)) != bad[i].status)
            fail_msg("file %zu: %s", i, d.err.message);
        if (strstr(d.err.message, bad[i].says) == NULL)
            fail_msg("file %zu: %s", i, d.err.message);
        if (bad[i].line > 0)
            assert_int_equal(d.err.line, bad[i].line);
    }
    Earlier *e;
    assert_int_equal(earlier_of(&d, &e, S(HEADER "1,zz,High,2024-05-01,\n")), STATUS_OK);
    assert_int_equal(found(&d, "earlier_run_of_others"), 1);
    (void)unlink(d.path);
    assert_int_equal(score_read_earlier(&e, &d.keep, d.scratch, d.folder, &d.data, &d.err),
                     STATUS_IO);
    close_desk(&d);
}

static void every_fact_of_the_default_book_can_be_given(void **state)
{
    (void)state;
    Desk d;
    CaseFacts *facts;
    open_desk(&d);
    const FactView *view;
    assert_true(policy_facts(d.policy, &view) > 10);
    for (size_t i = 0; i < policy_facts(d.policy, &view); i++) {
        Buffer b = buffer_new(&d.keep);
        buffer_add(&b, S("customer_id,fact,evidence\nb,"));
        buffer_add(&b, view[i].name);
        buffer_add(&b, S(",case 1\n"));
        assert_int_equal(facts_of(&d, &facts, buffer_str(&b)), STATUS_OK);
        assert_int_equal(facts->count[3], 1);
        assert_int_equal(found(&d, "case_facts_undocumented"), 0);
    }
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_go_to_their_customers),
        cmocka_unit_test(other_customers_and_later_facts_are_found_and_not_used),
        cmocka_unit_test(the_same_fact_twice_is_one_documented_if_either_is),
        cmocka_unit_test(a_row_that_cannot_be_understood_is_an_error_with_its_line),
        cmocka_unit_test(a_book_without_facts_says_so),
        cmocka_unit_test(an_earlier_run_is_read_by_customer),
        cmocka_unit_test(an_earlier_run_that_is_none_is_refused),
        cmocka_unit_test(every_fact_of_the_default_book_can_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
