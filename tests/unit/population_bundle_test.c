/* The frozen tables of population features answer as the fit did. */
#include "population_bank.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char policy_book[] =
    "version: 1\n"
    "name: test\n"
    "costs: {wrong_exit: 4, missed_risk: 1, review: 0.40, monitor: 0.15}\n"
    "exposure: total\n"
    "insufficient_data: {when: events = 0, because: Nothing is on record.}\n"
    "rules:\n"
    "  - {id: much, when: total > 100, family: f, severity: supporting, because: \"{total} "
    "moved.\","
    " evidence: total}\n"
    "safeguards:\n"
    "  - {id: none, when: insufficient_data, cap: MONITOR, because: Nothing to judge.}\n"
    "actions:\n"
    "  - {action: MONITOR, when: probability >= threshold_medium, because: Likely.}\n";

static Bundle *bundle_of(Bank *b, Matrix **x)
{
    size_t n = b->fitting.count;
    Policy *policy;
    must(policy_read(&policy, &b->keep, S(policy_book), "policy.yaml", b->plan, &b->err), &b->err);
    plan_freeze_levels(b->plan, &b->keep, b->features, b->row, n, 5);
    must(feature_matrix(x, &b->keep, b->plan, b->features, NULL, b->data->id, b->row, n, &b->err),
         &b->err);
    TrainingSet set = {.x = *x, .label = b->label};
    Linear *linear;
    must(learn_linear(&linear, &b->keep, b->scratch, &set, NULL, n, 10, &b->err), &b->err);
    Model *m = ARENA_NEW(&b->keep, Model);
    *m = (Model){.kind = MODEL_LINEAR, .linear = linear};
    static double margin[] = {0}, p0[] = {0.3}, p1[] = {0.5};
    static VennAbers interval = {1, margin, p0, p1};
    Bundle *made = ARENA_NEW(&b->keep, Bundle);
    *made = (Bundle){.schema = b->schema,
                     .plan = b->plan,
                     .policy = policy,
                     .model = m,
                     .calibration = {.platt = {1, 0}},
                     .venn_abers = &interval,
                     .skip = ARENA_ARRAY(&b->keep, uint8_t, b->plan->features + 1),
                     .columns = matrix_plan(&b->keep, b->plan, NULL),
                     .version = S("0.1.0"),
                     .as_of_us = b->data->as_of_us,
                     .customers = n,
                     .positives = n / 3,
                     .data_hash = S("none")};
    bundle_reference(made, &b->keep, b->scratch, *x);
    return made;
}

static const char *const files[] = {"bundle.json", "features.yaml", "model.json",
                                    "policy.yaml", "schema.yaml",   "SHA256SUMS"};

static const char *temporary(Arena *keep)
{
    char *folder = (char *)(uintptr_t)str_copy(keep, S("/tmp/assay-population-XXXXXX")).data;
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void put_away(Arena *keep, const char *folder)
{
    for (size_t i = 0; i < COUNT_OF(files); i++)
        (void)unlink(path_join(keep, folder, files[i]));
    assert_int_equal(rmdir(folder), 0);
}

/* Training parity: the opened bundle gives training customers, to the bit, what they were learnt
 * from with. */
static void opened_bundle_answers_as_the_fit_did(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 21, book_text);
    Matrix *x;
    Bundle *opened;
    Table *again;
    fit(b, NULL);
    Bundle *made = bundle_of(b, &x);
    const char *folder = temporary(&b->keep);
    must(bundle_write(made, folder, &b->err), &b->err);
    must(bundle_open(&opened, &b->keep, folder, &b->err), &b->err);
    b->events->plan = opened->plan;
    must(feature_table(&again, &b->keep, b->scratch, opened->plan, b->events, NULL, &b->err),
         &b->err);
    same_tables(b->features, again, "fitted and opened");
    put_away(&b->keep, folder);
    bank_free(b);
}

/* Later files with the same customers, and others, give the same values: whom a customer is scored
 * with does not matter. */
static void company_changes_no_score(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 22, book_text);
    fit(b, NULL);
    Bank *few = bank_new(300, 22, book_text);
    for (size_t k = 0; k < b->plan->features; k++)
        few->plan->feature[k].peers = b->plan->feature[k].peers;
    /* The first hundred alone, with their events. */
    Events part = *few->events;
    part.customers = 100;
    Table *t, *profile = table_new(&few->keep, S("p"), 100, part.profile->columns);
    memcpy(profile->column, part.profile->column, profile->columns * sizeof(Column));
    part.profile = profile;
    must(feature_table(&t, &few->keep, few->scratch, few->plan, &part, NULL, &few->err), &few->err);
    for (size_t k = 0; k < t->columns; k++)
        for (size_t i = 0; i < 100; i++)
            assert_true(cell_equal(&t->column[k], i, &b->features->column[k], i));
    bank_free(b);
    bank_free(few);
}

static void bundle_holds_no_id(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 23, book_text);
    Matrix *x;
    Str json;
    fit(b, NULL);
    Bundle *made = bundle_of(b, &x);
    const char *folder = temporary(&b->keep);
    must(bundle_write(made, folder, &b->err), &b->err);
    must(file_read(&json, &b->keep, path_join(&b->keep, folder, "bundle.json"), &b->err), &b->err);
    assert_true(str_contains(json, S("\"fingerprints\"")));
    for (size_t i = 0; i < b->data->customers; i++)
        assert_false(str_contains(json, str_format(&b->keep, "\"%.*s\"", STR_ARG(b->data->id[i]))));
    put_away(&b->keep, folder);
    bank_free(b);
}

/* A table that was altered is refused even when the sums are right. */
static void altered_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *after, *from, *to, *message;
    } change[] = {
        {"\"name\": \"z2\"", "\"median\": ", "\"median\": 1", "golden customer"},
        {"", "\"fingerprints\": [", "\"fingerprints\": [7, ", "table of population features"},
        {"", "\"knots\": [", "\"knots\": [1e300, ", "table of population features"},
        {"", "\"name\": \"p5\"", "\"name\": \"p9\"", "table of population features"},
        {"", "\"population\": [", "\"population\": [{}, ", "table of population features"}};
    Bank *b = bank_new(300, 24, book_text);
    Matrix *x;
    Str json;
    fit(b, NULL);
    Bundle *made = bundle_of(b, &x);
    const char *folder = temporary(&b->keep);
    must(bundle_write(made, folder, &b->err), &b->err);
    const char *path = path_join(&b->keep, folder, files[0]);
    must(file_read(&json, &b->keep, path, &b->err), &b->err);
    for (size_t i = 0; i < COUNT_OF(change); i++) {
        const char *text = str_chars(&b->keep, json), *after = strstr(text, change[i].after);
        assert_non_null(after);
        const char *at = strstr(after, change[i].from);
        assert_non_null(at);
        Buffer out = buffer_new(&b->keep);
        buffer_add(&out, (Str){text, (size_t)(at - text)});
        buffer_add(&out, str_from(change[i].to));
        buffer_add(&out, str_from(at + strlen(change[i].from)));
        must(file_write(path, buffer_str(&out), &b->err), &b->err);
        Buffer sums = buffer_new(&b->keep);
        for (size_t k = 0; k + 1 < COUNT_OF(files); k++) {
            char hash[SHA256_TEXT];
            Str content;
            Arena own = b->scratch;
            must(file_read(&content, &own, path_join(&own, folder, files[k]), &b->err), &b->err);
            sha256_text(hash, content);
            buffer_format(&sums, "%s  %s\n", hash, files[k]);
        }
        must(file_write(path_join(&b->keep, folder, files[5]), buffer_str(&sums), &b->err),
             &b->err);
        Bundle *opened;
        Error err = {0};
        Status status = bundle_open(&opened, &b->keep, folder, &err);
        if (status != STATUS_FORMAT || strstr(err.message, change[i].message) == NULL)
            fail_msg("%s: %d %s", change[i].to, (int)status, err.message);
    }
    put_away(&b->keep, folder);
    bank_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened_bundle_answers_as_the_fit_did),
        cmocka_unit_test(company_changes_no_score),
        cmocka_unit_test(bundle_holds_no_id),
        cmocka_unit_test(altered_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
