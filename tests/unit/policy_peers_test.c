#include "comparable_bank.h"

enum { LEAST = PEERS_LEAST };

static int set_up(void **state)
{
    *state = bank_new(400, 5, S(""));
    return 0;
}

static int tear_down(void **state)
{
    return bank_drop(*state);
}

static size_t feature_of(const Bank *b, const char *name)
{
    const Feature *f = plan_find(b->plan, str_from(name));
    assert_non_null(f);
    return (size_t)(f - b->plan->feature);
}

/* Share of the labelled customers of a set whose value is lower, half of the equal ones added, from
 * the definition. */
static double exact(const Bank *b, size_t set, size_t feature, double value, size_t *count)
{
    Error err = {0};
    Arena own = arena_new();
    uint32_t *in = ARENA_ARRAY(&own, uint32_t, b->labelled.count + 1);
    double lower = 0;
    size_t sets = b->bundle->peers->sets;
    must(policy_peer_set(in, b->scratch, b->policy, b->events, b->features, b->labelled.row,
                         b->labelled.count, &err),
         &err);
    *count = 0;
    for (size_t i = 0; i < b->labelled.count; i++) {
        double v = cell_double(&b->features->column[feature], b->labelled.row[i]);
        bool member = in[i] == set || (set + 2 >= sets && in[i] < set);
        if (!member || isnan(v))
            continue;
        (*count)++;
        lower += v < value ? 1 : v == value ? 0.5 : 0;
    }
    arena_free(&own);
    return lower / (double)*count;
}

static void percentiles_are_near_the_exact_ones(void **state)
{
    const Bank *b = *state;
    const PeerSets *p = b->bundle->peers;
    size_t looked = 0;
    for (size_t s = 0; s < p->sets; s++)
        for (size_t k = 0; k < b->plan->features; k++) {
            const PeerKnots *knots = &p->set[s].feature[k];
            for (size_t i = 0; i < b->data->customers && knots->knots > 0; i += 7) {
                double value = cell_double(&b->features->column[k], i);
                size_t count;
                if (isnan(value))
                    continue;
                double expected = exact(b, s, k, value, &count);
                assert_int_equal(count, knots->customers);
                /* Half a knot for what lies between two or beyond the last, one customer more. */
                double off = 0.5 / (double)knots->knots + 1 / (double)count + 1e-9;
                double got = peer_percentile(knots, value);
                if (fabs(got - expected) > off)
                    fail_msg("%.*s at %g of %zu: %g for %g", STR_ARG(b->plan->feature[k].name.text),
                             value, count, got, expected);
                looked++;
            }
        }
    assert_true(looked > 5000);
}

static void few_customers_leave_no_knot_and_others_few(void **state)
{
    const Bank *b = *state;
    const PeerSets *p = b->bundle->peers;
    size_t none = 0, some = 0, many = 0;
    for (size_t s = 0; s < p->sets; s++)
        for (size_t k = 0; k < b->plan->features; k++) {
            const PeerKnots *knots = &p->set[s].feature[k];
            if (knots->customers < LEAST)
                assert_int_equal(knots->knots, 0);
            else if (knots->customers < 100)
                assert_true(knots->knots <= 20);
            assert_true(knots->knots <= 100 && 3 * knots->knots <= knots->customers);
            none += knots->customers > 0 && knots->knots == 0;
            some += knots->knots > 0 && knots->customers < 100;
            many += knots->customers >= 100;
        }
    assert_true(none > 0 && some > 0 && many > 0);
}

static void equal_values_share_the_middle_of_their_place(void **state)
{
    double knot[] = {0, 0, 0, 0, 10, 20, 20, 30, 40, 50};
    const PeerKnots k = {.customers = 30, .knots = 10, .knot = knot};
    (void)state;
    assert_true(fabs(peer_percentile(&k, 0) - 0.2) < 1e-12);
    assert_true(fabs(peer_percentile(&k, 20) - 0.6) < 1e-12);
    assert_true(fabs(peer_percentile(&k, 15) - 0.5) < 1e-12); /* half-way from 0.45 to 0.55 */
    assert_true(peer_percentile(&k, -1) == 0);
    assert_true(peer_percentile(&k, 51) == 1);
    assert_true(isnan(peer_percentile(&k, NAN)));
    assert_true(isnan(peer_percentile(&(PeerKnots){.customers = 10}, 3)));
}

static void percentiles_never_fall_as_values_rise(void **state)
{
    const Bank *b = *state;
    const PeerSet *all = &b->bundle->peers->set[b->bundle->peers->sets - 1];
    const PeerKnots *k = &all->feature[feature_of(b, "inflow")];
    double last = 0;
    assert_true(k->knots > 50);
    for (double v = 0; v < 2 * k->knot[k->knots - 1]; v += k->knot[k->knots - 1] / 999) {
        double now = peer_percentile(k, v);
        assert_true(now >= last && now <= 1);
        last = now;
    }
    assert_true(last == 1);
}

static void sets_follow_the_book_and_then_the_engine(void **state)
{
    const Bank *b = *state;
    Error err = {0};
    Arena own = arena_new();
    size_t n = b->data->customers, inflow = feature_of(b, "inflow");
    size_t outflow = feature_of(b, "outflow");
    uint32_t *set = ARENA_ARRAY(&own, uint32_t, n + 1);
    must(policy_peer_set(set, b->scratch, b->policy, b->events, b->features, b->row, n, &err),
         &err);
    size_t seen[8] = {0};
    assert_int_equal(b->bundle->peers->sets, 5);
    for (size_t i = 0; i < n; i++) {
        double stake = fmax(cell_double(&b->features->column[inflow], i),
                            cell_double(&b->features->column[outflow], i));
        size_t expected = stake >= 1000                                   ? 0
                          : stake >= 100                                  ? 1
                          : stake > 0                                     ? 2
                          : b->events->start[i + 1] > b->events->start[i] ? 3
                                                                          : 4;
        assert_int_equal(set[i], expected);
        seen[set[i]]++;
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[3] + seen[4] > 0);
    arena_free(&own);
}

static void a_set_of_few_is_passed_over_for_the_engines_own(void **state)
{
    (void)state;
    PeerKnots none = {.customers = 5}, some = {.customers = 40, .knots = 13};
    PeerSet set[4] = {{.feature = &none, .quantity = &none},
                      {.feature = &some, .quantity = &some},
                      {.feature = &none, .quantity = &some},
                      {.feature = &some, .quantity = &none}};
    const PeerSets p = {.set = set, .sets = 4, .quantities = 1};
    assert_ptr_equal(peer_feature_set(&p, 0, 0), &set[3]); /* not the book's second */
    assert_ptr_equal(peer_feature_set(&p, 1, 0), &set[1]);
    assert_ptr_equal(peer_quantity_set(&p, 0, 0), &set[2]);
    assert_null(peer_quantity_set(&p, 3, 0));
}

static void reasons_say_where_their_number_stands(void **state)
{
    const Bank *b = *state;
    Error err = {0};
    Arena own = arena_new();
    Decision *d;
    size_t n = b->scored->count, told = 0, rules = 0;
    must(score_decide(&d, &own, b->scratch, b->bundle, b->scored, b->row, n, NULL, &err), &err);
    uint32_t *set = ARENA_ARRAY(&own, uint32_t, n + 1);
    must(policy_peer_set(set, b->scratch, b->policy, b->events, b->features, b->row, n, &err),
         &err);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d[i].reasons; k++) {
            const Reason *r = &d[i].reason[k];
            size_t f = (size_t)(plan_find(b->plan, r->feature) - b->plan->feature);
            const PeerSet *with = peer_feature_set(b->bundle->peers, set[i], f);
            double value = cell_double(&b->scored->features->column[f], i);
            if (with == NULL || isnan(value)) {
                assert_true(isnan(r->percentile));
                assert_int_equal(reason_standing(&own, NULL, LANGUAGE_ENGLISH, r).size, 0);
                continue;
            }
            assert_true(r->percentile == peer_percentile(&with->feature[f], value));
            assert_true(str_equal(r->peer_group, with->name));
            assert_int_equal(r->peers, with->feature[f].customers);
            assert_true(str_contains(reason_standing(&own, NULL, LANGUAGE_ENGLISH, r), with->name));
            told++;
            rules += r->source == REASON_RULE;
        }
    assert_true(told > 100 && rules > 20);
    arena_free(&own);
}

/* A rule's reason has what the model makes of its feature, a model's reason likewise. */
static void contributions_sum_to_the_score_and_to_their_reasons(void **state)
{
    const Bank *b = *state;
    Error err = {0};
    Arena own = arena_new();
    Decision *d;
    size_t n = b->scored->count, of_rules = 0;
    must(score_decide(&d, &own, b->scratch, b->bundle, b->scored, b->row, n, NULL, &err), &err);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < d[i].contributions; k++)
            sum += d[i].contribution[k];
        assert_true(fabs(sum - stable_logit(d[i].probability)) < 1e-9);
        for (size_t k = 0; k < d[i].reasons; k++) {
            const Reason *r = &d[i].reason[k];
            const MatrixPlan *columns = b->bundle->columns;
            double own_part = 0;
            for (size_t c = 0; c < columns->columns; c++)
                if (str_equal(b->plan->feature[columns->feature[c]].name.text, r->feature))
                    own_part += d[i].contribution[c];
            assert_true(r->contribution == own_part);
            of_rules += r->source == REASON_RULE && fabs(own_part) > 0;
        }
    }
    assert_true(of_rules > 0);
    arena_free(&own);
}

static Str put_for(Arena *keep, Str text, const char *from, const char *to)
{
    const char *whole = str_chars(keep, text), *at = strstr(whole, from);
    assert_non_null(at);
    Buffer out = buffer_new(keep);
    buffer_add(&out, str_slice(text, 0, (size_t)(at - whole)));
    buffer_add(&out, str_from(to));
    buffer_add(&out, str_from(at + strlen(from)));
    return buffer_str(&out);
}

/* Read by neither the model nor any rule of the book as it is. */
static void what_only_measures_and_floors_read_is_kept_too(void **state)
{
    const Bank *usual = *state;
    Arena own = arena_new();
    Str text = put_for(&own, book_default_text("policy"), "exposure < 1500", "turnover < 1500");
    text = put_for(&own, text, "when: edd_unresolved or harm_in_progress",
                   "when: edd_unresolved or per_active_day >= 1000");
    Bank *b = bank_new(200, 5, text);
    const char *const name[] = {"turnover", "per_active_day"};
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        size_t all = b->bundle->peers->sets - 1, k = feature_of(b, name[i]);
        assert_int_equal(usual->bundle->peers->set[all].feature[k].customers, 0);
        assert_true(b->bundle->peers->set[all].feature[k].customers > 0);
    }
    bank_drop(b);
    arena_free(&own);
}

/* ---- as a part of the bundle ---- */

static void what_is_written_is_read_back(void **state)
{
    const Bank *b = *state;
    const PeerSets *made = b->made.peers, *read = b->bundle->peers;
    assert_int_equal(made->sets, read->sets);
    assert_int_equal(made->quantities, read->quantities);
    for (size_t s = 0; s < made->sets; s++) {
        const PeerSet *x = &made->set[s], *y = &read->set[s];
        assert_true(str_equal(x->name, y->name));
        assert_int_equal(x->customers, y->customers);
        for (size_t i = 0; i < b->plan->features + made->quantities; i++) {
            bool feature = i < b->plan->features;
            const PeerKnots *k = feature ? &x->feature[i] : &x->quantity[i - b->plan->features];
            const PeerKnots *l = feature ? &y->feature[i] : &y->quantity[i - b->plan->features];
            assert_int_equal(k->customers, l->customers);
            assert_int_equal(k->knots, l->knots);
            for (size_t t = 0; t < k->knots; t++)
                assert_true(k->knot[t] == l->knot[t]);
        }
    }
}

/* Rewrite bundle.json with one text put for another, and its sum with it. */
static Status altered(const Bank *b, const char *from, const char *to)
{
    Error err = {0};
    Arena own = arena_new();
    const char *path = path_join(&own, b->bundle_folder, "bundle.json");
    const char *sums = path_join(&own, b->bundle_folder, "SHA256SUMS");
    Str text, list, with = str_from(to);
    must(file_read(&text, &own, path, &err), &err);
    must(file_read(&list, &own, sums, &err), &err);
    const char *whole = str_chars(&own, text), *part = strstr(whole, "\"peers\": [");
    assert_non_null(part);
    part = strstr(part, from);
    if (part == NULL)
        fail_msg("no %s in the manifest", from);
    size_t at = (size_t)(part - whole);
    Buffer out = buffer_new(&own);
    buffer_add(&out, str_slice(text, 0, at));
    buffer_add(&out, with);
    buffer_add(&out, str_slice(text, at + strlen(from), text.size));
    Str changed = buffer_str(&out);
    char hash[SHA256_TEXT];
    sha256_text(hash, changed);
    Buffer new_sums = buffer_new(&own);
    buffer_format(&new_sums, "%s%.*s", hash, STR_ARG(str_slice(list, SHA256_TEXT - 1, list.size)));
    must(file_write(path, changed, &err), &err);
    must(file_write(sums, buffer_str(&new_sums), &err), &err);
    Bundle *opened;
    Arena keep = arena_new();
    Status status = bundle_open(&opened, &keep, b->bundle_folder, &err);
    if (status != STATUS_OK && !str_contains(str_from(err.message), S("the bundle's")))
        fail_msg("%s", err.message);
    arena_free(&keep);
    Error again = {0};
    must(file_write(path, text, &again), &again);
    must(file_write(sums, list, &again), &again);
    arena_free(&own);
    return status;
}

static void altered_quantiles_are_refused(void **state)
{
    const Bank *b = *state;
    assert_int_equal(altered(b, "\"peers\": [", "\"peers\": ["), STATUS_OK);
    assert_int_equal(altered(b, "customers with 1,000", "customers with 2,000"), STATUS_FORMAT);
    assert_int_equal(altered(b, "\"inflow\": [", "\"inflow\": [-1, "), STATUS_FORMAT);
    assert_int_equal(altered(b, "\"inflow\": [", "\"inflow\": [1e999, "), STATUS_FORMAT);
    assert_int_equal(altered(b, "\"inflow\": [", "\"no_such\": ["), STATUS_FORMAT);
    assert_int_equal(altered(b, "\"inflow\": [", "\"outflow\": ["), STATUS_FORMAT);
    assert_int_equal(altered(b, "\"quantities\": {", "\"quantities\": {\"99999\": [40], "),
                     STATUS_FORMAT);
    assert_int_equal(
        altered(b, "\"quantities\": {", "\"quantities\": {\"0\": [40, 1.0, 4000000000], "),
        STATUS_FORMAT);
    assert_int_equal(altered(b, "\"quantities\": {", "\"quantities\": [], \"x\": {"),
                     STATUS_FORMAT);
    assert_int_equal(altered(b, "\"customers\": ", "\"customers\": -"), STATUS_FORMAT);
}

static void a_book_is_told_what_is_wrong_with_its_sets(void **state)
{
    Bank *b = *state;
    static const struct {
        const char *list, *message;
    } book[] = {
        {"  - name: a\n    when: inflow\n", "true or false"},
        {"  - name: a\n    when: no_such > 1\n", "no_such"},
        {"  - name: a\n    when: probability > 0.5\n", "probability"},
        {"  - name: a\n    when: night_share > 0.5\n", "only monitored"},
        {"  - name: a\n    when: inflow > 1\n  - name: a\n    when: inflow > 2\n", "one name"},
        {"  - name: a\n", "when"},
    };
    Str text = book_default_text("policy");
    const char *whole = str_chars(&b->keep, text), *at = strstr(whole, "\ncomparable:\n");
    assert_non_null(at);
    Str before = str_slice(text, 0, (size_t)(at - whole));
    for (size_t i = 0; i < COUNT_OF(book); i++) {
        Error err = {0};
        Policy *p;
        Buffer out = buffer_new(&b->keep);
        buffer_add(&out, before);
        buffer_add(&out, S("\ncomparable:\n"));
        buffer_add(&out, str_from(book[i].list));
        assert_int_equal(policy_read(&p, &b->keep, buffer_str(&out), "policy.yaml", b->plan, &err),
                         STATUS_FORMAT);
        if (strstr(err.message, book[i].message) == NULL)
            fail_msg("%s: %s", book[i].list, err.message);
        assert_true(err.line > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_near_the_exact_ones),
        cmocka_unit_test(few_customers_leave_no_knot_and_others_few),
        cmocka_unit_test(equal_values_share_the_middle_of_their_place),
        cmocka_unit_test(percentiles_never_fall_as_values_rise),
        cmocka_unit_test(sets_follow_the_book_and_then_the_engine),
        cmocka_unit_test(a_set_of_few_is_passed_over_for_the_engines_own),
        cmocka_unit_test(reasons_say_where_their_number_stands),
        cmocka_unit_test(contributions_sum_to_the_score_and_to_their_reasons),
        cmocka_unit_test(what_only_measures_and_floors_read_is_kept_too),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(altered_quantiles_are_refused),
        cmocka_unit_test(a_book_is_told_what_is_wrong_with_its_sets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
