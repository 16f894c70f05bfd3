#include "score/score_internal.h"
#include "synth/synth.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two made-up banks of one population, and what is measured of their customers. */
typedef struct Bank {
    Dataset *data;
    Scored scored;
} Bank;

typedef struct World {
    Arena keep, scratch;
    const char *folder;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Bank was, is, shifted;
    Bundle bundle;
} World;

static void must(Status status, const Error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s:%lld: %s", err->file, (long long)err->line, err->message);
}

static Str bytes_of(World *w, const char *name)
{
    Error err = {0};
    Str out;
    const char *path = path_join(&w->keep, w->folder, name);
    must(file_read(&out, &w->keep, path, &err), &err);
    (void)unlink(path);
    return out;
}

/* Twenty times every amount: the tenth-largest customer of before is an ordinary one. */
static Str times_twenty(World *w, Str csv)
{
    Buffer b = buffer_new(&w->keep);
    size_t column = 0, amount = SIZE_MAX, start = 0;
    for (size_t i = 0, row = 0; i < csv.size; i++) {
        char c = csv.data[i];
        if (c != ',' && c != '\n')
            continue;
        Str cell = str_slice(csv, start, i);
        if (row == 0 && str_equal(cell, S("amount")))
            amount = column;
        double value;
        if (row > 0 && column == amount && parse_double(cell, &value))
            buffer_format(&b, "%.2f", value * 20);
        else
            buffer_add(&b, cell);
        buffer_char(&b, c);
        row += c == '\n';
        column = c == '\n' ? 0 : column + 1;
        start = i + 1;
    }
    return buffer_str(&b);
}

static Bank measure(World *w, const Str text[4])
{
    static const char *const names[] = {"labelled_users.csv", "unlabelled_users.csv",
                                        "labelled_transactions.csv", "unlabelled_transactions.csv"};
    Error err = {0};
    Bank b = {0};
    InputFile *file = ARENA_ARRAY(&w->keep, InputFile, 4);
    for (int i = 0; i < 4; i++)
        file[i] = (InputFile){names[i], &text[i]};
    const DatasetInputs in = {
        .customers = {file, 1}, .transactions = {file + 2, 1}, .bad_rows_max = 0.01};
    must(dataset_read(&b.data, &w->keep, w->scratch, w->schema, &in, &err), &err);
    size_t n = b.data->customers;
    int64_t *as_of = ARENA_ARRAY(&w->keep, int64_t, n);
    uint32_t *row = ARENA_ARRAY(&w->keep, uint32_t, n);
    b.scored.probability = ARENA_ARRAY(&w->keep, double, n);
    for (size_t i = 0; i < n; i++) {
        Random r = random_new(hash64(b.data->id[i], 1));
        as_of[i] = b.data->as_of_us;
        row[i] = (uint32_t)i;
        b.scored.probability[i] = random_uniform(&r);
    }
    b.scored.count = n;
    b.scored.row = row;
    must(score_events(&b.scored.events, &w->keep, w->scratch, w->plan, b.data, as_of, &err), &err);
    must(feature_table(&b.scored.features, &w->keep, w->scratch, w->plan, b.scored.events, NULL,
                       &err),
         &err);
    return b;
}

static Bank bank(World *w, uint64_t seed, bool shift)
{
    Error err = {0};
    SynthCounts counts;
    SynthOptions options = synth_defaults();
    options.customers = 700;
    options.seed = seed;
    options.imperfections = false;
    must(synth_write(&counts, w->scratch, w->folder, &options, &err), &err);
    Str text[4] = {bytes_of(w, "labelled_users.csv"), bytes_of(w, "unlabelled_users.csv"),
                   bytes_of(w, "labelled_transactions.csv"),
                   bytes_of(w, "unlabelled_transactions.csv")};
    (void)bytes_of(w, "truth.csv");
    (void)bytes_of(w, "truth_transactions.csv");
    if (shift)
        text[2] = times_twenty(w, text[2]);
    return measure(w, text);
}

static int set_up(void **state)
{
    static World world; /* one for the group; freed by tear_down */
    World *w = *state = &world;
    Error err = {0};
    *w = (World){.keep = arena_new(), .scratch = arena_new()};
    char *folder = (char *)(uintptr_t)str_copy(&w->keep, S("/tmp/assay-drift-XXXXXX")).data;
    if (mkdtemp(folder) == NULL)
        return -1;
    w->folder = folder;
    must(schema_default(&w->schema, &w->keep, &err), &err);
    must(plan_read(&w->plan, &w->keep, book_default_text("features"), "features.yaml", w->schema,
                   &err),
         &err);
    must(policy_read(&w->policy, &w->keep, book_default_text("policy"), "policy.yaml", w->plan,
                     &err),
         &err);
    w->was = bank(w, 3, false);
    w->is = bank(w, 4, false);
    w->shifted = bank(w, 4, true);
    w->bundle = (Bundle){.plan = w->plan, .policy = w->policy};
    const Scored *s = &w->was.scored;
    must(reference_make(&w->bundle.reference, &w->keep, w->scratch, w->plan, w->policy, w->was.data,
                        s->features, s->row, s->count, s->probability, &err),
         &err);
    return 0;
}

static int tear_down(void **state)
{
    World *w = *state;
    int left = rmdir(w->folder);
    arena_free(&w->keep);
    arena_free(&w->scratch);
    return left;
}

static Drift *drift_of(World *w, Bank *b, Team *team)
{
    Error err = {0};
    Drift *d;
    b->data->findings = findings_new(&w->keep);
    must(score_drift(&d, &w->keep, w->scratch, &w->bundle, b->data, &b->scored, team, &err), &err);
    return d;
}

static const DriftItem *item_of(const Drift *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (str_equal(d->item[i].before->name, str_from(name)))
            return &d->item[i];
    fail_msg("no item %s", name);
    return NULL;
}

static void same_customers_do_not_drift_at_all(void **state)
{
    World *w = *state;
    const Drift *d = drift_of(w, &w->was, NULL);
    assert_int_equal(d->before, d->now);
    for (size_t i = 0; i < d->count; i++) {
        assert_true(d->item[i].stability.psi == 0);
        assert_int_equal(d->item[i].verdict, DRIFT_STABLE);
        assert_false(d->item[i].missing_changed);
    }
    assert_non_null(findings_find(w->was.data->findings, "drift_score"));
}

static void customers_of_the_same_population_do_not_drift(void **state)
{
    World *w = *state;
    const Drift *d = drift_of(w, &w->is, NULL);
    for (size_t i = 0; i < d->count; i++)
        if (d->item[i].verdict >= DRIFT_WATCH)
            fail_msg("%s: PSI %.3f, limit %.3f", str_chars(&w->keep, d->item[i].before->name),
                     d->item[i].stability.psi, d->item[i].limit);
    const Findings *f = w->is.data->findings;
    assert_null(findings_find(f, "drift_act"));
    assert_null(findings_find(f, "drift_watch"));
    assert_null(findings_find(f, "columns_gone"));
    assert_null(findings_find(f, "columns_moved"));
}

static void amounts_times_twenty_are_named(void **state)
{
    World *w = *state;
    const Drift *d = drift_of(w, &w->shifted, NULL);
    const Finding *f = findings_find(w->shifted.data->findings, "drift_act");
    assert_non_null(f);
    assert_int_equal(f->severity, SEVERITY_SEVERE);
    assert_true(str_contains(f->what, S("early_inflow")));
    assert_int_equal(item_of(d, "early_inflow")->verdict, DRIFT_ACT);
    /* Counts of transactions did not change. */
    assert_true(item_of(d, "early_attempts")->verdict < DRIFT_WATCH);
    assert_true(item_of(d, "score")->verdict < DRIFT_WATCH);
}

static void threads_change_no_drift(void **state)
{
    World *w = *state;
    const Drift *alone = drift_of(w, &w->shifted, NULL);
    Team *team = team_new(8);
    const Drift *shared = drift_of(w, &w->shifted, team);
    team_free(team);
    assert_int_equal(alone->count, shared->count);
    for (size_t i = 0; i < alone->count; i++) {
        assert_true(alone->item[i].stability.psi == shared->item[i].stability.psi);
        assert_true(alone->item[i].limit == shared->item[i].limit);
        assert_memory_equal(alone->item[i].count, shared->item[i].count,
                            alone->item[i].before->bins * sizeof(uint64_t));
    }
}

static void missing_values_that_appear_are_named(void **state)
{
    World *w = *state;
    Bank b = w->is;
    b.scored.features = table_take(&w->keep, b.scored.features, b.scored.row, b.scored.count);
    Column *c = table_find(b.scored.features, S("early_inflow"));
    for (size_t i = 0; i < b.scored.count; i += 4)
        column_set_missing(c, i);
    const Drift *d = drift_of(w, &b, NULL);
    assert_true(item_of(d, "early_inflow")->missing_changed);
    const Finding *f = findings_find(b.data->findings, "drift_missing");
    assert_non_null(f);
    assert_int_equal(f->count, 1);
    assert_true(str_contains(f->what, S("early_inflow (0 % at training, 25 % now)")));
}

static void columns_gone_new_and_moved_are_named(void **state)
{
    World *w = *state;
    Bank b = w->is;
    Dataset data = *b.data;
    b.data = &data;
    const Header *h = &data.header[0];
    Header changed = {h->role, S("users.csv"), ARENA_ARRAY(&w->keep, Str, h->count), 0, S("")};
    for (size_t i = h->count; i-- > 0;) /* the other way round, without locale */
        if (!str_equal(h->name[i], S("locale")))
            changed.name[changed.count++] = h->name[i];
    changed.name[changed.count++] = S("shoe_size");
    data.header = &changed;
    data.ledger_count = 1;
    (void)drift_of(w, &b, NULL);
    const Finding *gone = findings_find(data.findings, "columns_gone");
    const Finding *fresh = findings_find(data.findings, "columns_new");
    const Finding *moved = findings_find(data.findings, "columns_moved");
    assert_non_null(gone);
    assert_true(str_contains(gone->what, S("users.csv lacks")));
    assert_true(str_contains(gone->what, S(": locale")));
    assert_non_null(fresh);
    assert_true(str_contains(fresh->what, S(": shoe_size")));
    assert_non_null(moved);
    assert_int_equal(moved->severity, SEVERITY_INFO);
}

/* Files of one role that differ from each other, some of a source: each beside its like. */
static void a_file_is_compared_with_the_like_of_it(void **state)
{
    World *w = *state;
    Str plain[] = {S("id"), S("amount"), S("fee")}, turned[] = {S("fee"), S("amount"), S("id")};
    Str card[] = {S("amount"), S("shop"), S("id")};
    const Str role = S("transactions"), none = S(""), cards = S("cards*");
    Header header[] = {{role, S("p1"), plain, 3, none},
                       {role, S("p2"), turned, 3, none},
                       {role, S("p3"), plain, 3, none},
                       {role, S("c1"), card, 3, cards}};
    Bank b = w->was;
    Dataset data = *b.data;
    b.data = &data;
    data.header = header;
    data.ledger_count = 4;
    Error err = {0};
    Bundle bundle = w->bundle;
    const Scored *s = &w->was.scored;
    must(reference_make(&bundle.reference, &w->keep, w->scratch, w->plan, w->policy, &data,
                        s->features, s->row, s->count, s->probability, &err),
         &err);
    assert_int_equal(bundle.reference->layouts[1], 3); /* that of p3 was there */
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, reference_write(doc, bundle.reference));
    yyjson_doc *copy = yyjson_mut_doc_imut_copy(doc, NULL);
    bundle.reference = reference_read(&w->keep, yyjson_doc_get_root(copy), w->plan);
    yyjson_doc_free(copy);
    yyjson_mut_doc_free(doc);
    assert_non_null(bundle.reference);

    Drift *d;
    data.findings = findings_new(&w->keep);
    must(score_drift(&d, &w->keep, w->scratch, &bundle, &data, s, NULL, &err), &err);
    static const char *const codes[] = {"columns_gone", "columns_new", "columns_moved"};
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        assert_null(findings_find(data.findings, codes[i]));

    /* A card file that lacks what card files had, though other files lacked it as well. */
    header[3] = (Header){role, S("c2"), plain, 2, cards};
    data.findings = findings_new(&w->keep);
    must(score_drift(&d, &w->keep, w->scratch, &bundle, &data, s, NULL, &err), &err);
    const Finding *gone = findings_find(data.findings, "columns_gone");
    assert_non_null(gone);
    assert_int_equal(gone->count, 1);
    assert_true(str_contains(gone->what, S("c2 lacks")) && str_contains(gone->what, S(": shop")));
    assert_non_null(findings_find(data.findings, "columns_moved"));

    /* A source that training had not: nothing to compare with. */
    header[3].source = S("new*");
    data.findings = findings_new(&w->keep);
    must(score_drift(&d, &w->keep, w->scratch, &bundle, &data, s, NULL, &err), &err);
    assert_null(findings_find(data.findings, "columns_gone"));
}

/* Names alone, as bundles of old have them, stand for one layout. */
static void columns_of_an_old_bundle_are_one_layout(void **state)
{
    World *w = *state;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = reference_write(doc, w->bundle.reference);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *columns = yyjson_mut_obj_get(root, "columns");
    const char *names[] = {"id", "amount"};
    (void)yyjson_mut_obj_put(columns, yyjson_mut_str(doc, "transactions"),
                             yyjson_mut_arr_with_str(doc, names, 2));
    yyjson_doc *copy = yyjson_mut_doc_imut_copy(doc, NULL);
    const Reference *r = reference_read(&w->keep, yyjson_doc_get_root(copy), w->plan);
    yyjson_doc_free(copy);
    yyjson_mut_doc_free(doc);
    assert_non_null(r);
    assert_int_equal(r->layouts[1], 1);
    assert_int_equal(r->layout[1][0].columns, 2);
    assert_true(str_equal(r->layout[1][0].column[1], S("amount")));
}

static void a_bundle_without_reference_says_so(void **state)
{
    World *w = *state;
    Error err = {0};
    Drift *d;
    Bundle bare = w->bundle;
    bare.reference = NULL;
    w->is.data->findings = findings_new(&w->keep);
    must(score_drift(&d, &w->keep, w->scratch, &bare, w->is.data, &w->is.scored, NULL, &err), &err);
    assert_int_equal(d->count, 0);
    assert_non_null(findings_find(w->is.data->findings, "no_reference"));
}

static void reference_is_read_as_it_was_written(void **state)
{
    World *w = *state;
    const Reference *made = w->bundle.reference;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(doc, reference_write(doc, made));
    size_t size;
    char *json = yyjson_mut_write(doc, 0, &size);
    yyjson_doc *read = yyjson_read(json, size, 0);
    const Reference *r = reference_read(&w->keep, yyjson_doc_get_root(read), w->plan);
    assert_non_null(r);
    assert_int_equal(r->customers, made->customers);
    assert_int_equal(r->count, made->count);
    for (size_t i = 0; i < r->count; i++) {
        const Distribution *a = &r->item[i], *b = &made->item[i];
        assert_true(str_equal(a->name, b->name));
        assert_int_equal(a->of, b->of);
        assert_int_equal(a->by_value, b->by_value);
        assert_int_equal(a->bins, b->bins);
        assert_memory_equal(a->count, b->count, a->bins * sizeof *a->count);
        for (size_t k = 0; k + 2 < a->bins; k++)
            assert_true(a->by_value ? str_equal(a->value[k], b->value[k]) : a->cut[k] == b->cut[k]);
    }
    /* One customer more in one bin: not what was written. */
    made->item[0].count[0]++;
    yyjson_mut_doc *other = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(other, reference_write(other, made));
    made->item[0].count[0]--;
    yyjson_doc *copy = yyjson_mut_doc_imut_copy(other, NULL);
    assert_null(reference_read(&w->keep, yyjson_doc_get_root(copy), w->plan));
    yyjson_doc_free(copy);
    yyjson_mut_doc_free(other);
    yyjson_doc_free(read);
    yyjson_mut_doc_free(doc);
    free(json);
}

static void reference_names_no_value_of_few_customers(void **state)
{
    World *w = *state;
    const Reference *r = w->bundle.reference;
    size_t seen = 0;
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; r->item[i].by_value && k + 2 < r->item[i].bins; k++, seen++)
            assert_true(r->item[i].count[k] >= 5);
    assert_true(seen > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_customers_do_not_drift_at_all),
        cmocka_unit_test(customers_of_the_same_population_do_not_drift),
        cmocka_unit_test(amounts_times_twenty_are_named),
        cmocka_unit_test(threads_change_no_drift),
        cmocka_unit_test(missing_values_that_appear_are_named),
        cmocka_unit_test(columns_gone_new_and_moved_are_named),
        cmocka_unit_test(a_file_is_compared_with_the_like_of_it),
        cmocka_unit_test(columns_of_an_old_bundle_are_one_layout),
        cmocka_unit_test(a_bundle_without_reference_says_so),
        cmocka_unit_test(reference_is_read_as_it_was_written),
        cmocka_unit_test(reference_names_no_value_of_few_customers)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
