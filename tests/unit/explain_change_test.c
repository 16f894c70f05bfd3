#include "explain/change_internal.h"
#include "comparable_bank.h"

enum { ASKED_MAX = 25 };

typedef struct World {
    Bank *bank;
    uint32_t position[ASKED_MAX];
    Subject *subject;
    Change *change;
    size_t count;
} World;

/* Those for whom something is proposed, evenly from all. */
static int set_up(void **state)
{
    static World world;
    World *w = *state = &world;
    Error err = {0};
    w->bank = bank_new(400, 5, S(""));
    Bank *b = w->bank;
    size_t proposed = 0;
    for (int a = ACTION_PROPOSE_OFFBOARDING; a > ACTION_RETAIN; a--)
        for (size_t i = 0; i < b->scored->count && w->count < ASKED_MAX; i++)
            if (b->scored->outcome[i].action == (Action)a && proposed++ % 3 == 0)
                w->position[w->count++] = (uint32_t)i;
    must(change_subjects(&w->subject, &b->keep, b->scratch, b->bundle, b->scored, w->position,
                         w->count, NULL, &err),
         &err);
    must(explain_changes(&w->change, &b->keep, b->scratch, b->bundle, b->scored, w->position,
                         w->count, NULL, &err),
         &err);
    return 0;
}

static int tear_down(void **state)
{
    return bank_drop(((World *)*state)->bank);
}

static Outcome now(const World *w, size_t i)
{
    return w->bank->scored->outcome[w->position[i]];
}

static void enough_customers_are_asked_about(void **state)
{
    const World *w = *state;
    size_t found = 0, exits = 0;
    for (size_t i = 0; i < w->count; i++) {
        found += w->change[i].found;
        exits += now(w, i).action == ACTION_PROPOSE_OFFBOARDING;
    }
    if (w->count < 20 || found < 10 || exits < 2)
        fail_msg("%zu asked about, %zu found, %zu exits", w->count, found, exits);
}

static void own_quantities_give_back_every_feature(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    for (size_t i = 0; i < w->count; i++) {
        const Subject *s = &w->subject[i];
        Decision *d;
        const Table *made;
        Arena own = arena_new();
        const Trial nothing = {.moves = 0};
        must(change_decide(&d, &made, &own, b->scratch, s, &nothing, &err), &err);
        for (size_t k = 0; k < b->plan->features; k++)
            if (!cell_equal(&made->column[k], 0, &b->scored->features->column[k],
                            b->scored->row[s->position]))
                fail_msg("feature %.*s of customer %zu", STR_ARG(b->plan->feature[k].name.text),
                         s->position);
        assert_true(d->probability == now(w, i).probability);
        assert_true(d->probability_low == now(w, i).probability_low);
        assert_int_equal(d->action, now(w, i).action);
        assert_int_equal(d->rules, now(w, i).rules);
        arena_free(&own);
    }
}

/* The search's answer is put through features, model and policy by hand. */
static void a_change_ends_in_a_milder_action_when_computed_again(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    for (size_t i = 0; i < w->count; i++) {
        const Subject *s = &w->subject[i];
        bool found;
        size_t tried;
        Trial best;
        Decision *d;
        const Table *made;
        Arena own = arena_new();
        must(change_search(&found, &best, &tried, b->scratch, s, &err), &err);
        assert_int_equal(found, w->change[i].found);
        if (found) {
            must(change_decide(&d, &made, &own, b->scratch, s, &best, &err), &err);
            Matrix *x;
            const uint32_t row = 0;
            double margin, low, high;
            must(feature_matrix(&x, &own, b->plan, made, b->bundle->skip, &d->id, &row, 1, &err),
                 &err);
            model_margin(b->bundle->model, x, &margin);
            venn_abers_apply(b->bundle->venn_abers, margin, &low, &high);
            double p = calibration_apply(&b->bundle->calibration, margin);
            assert_true(p == w->change[i].probability);
            assert_true(fmin(fmin(low, high), p) == w->change[i].probability_low);
            assert_true(d->action < now(w, i).action);
            assert_int_equal(d->action, w->change[i].action);
            assert_true(best.distance > 0 || best.moves > 0);
            assert_true(fabs(best.distance - w->change[i].distance) < 1e-12);
        }
        arena_free(&own);
    }
}

/* Every amount on a fine grid and every count is tried for each lever alone. */
static void no_single_change_is_nearer(void **state)
{
    enum { STEPS = 300 };
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    size_t looked = 0;
    for (size_t i = 0; i < w->count; i += 2) {
        const Subject *s = &w->subject[i];
        const Levers *l = s->levers;
        Arena own = arena_new();
        Trial *trial = ARENA_ARRAY(&own, Trial, STEPS + 1);
        for (uint32_t q = 0; q < l->quantities.count; q++) {
            const PeerKnots *k = l->free[q] && !isnan(s->own[q]) ? change_knots(s, q) : NULL;
            if (k == NULL)
                continue;
            double unit = s->quantity[q].type == TYPE_DECIMAL
                              ? (double)power_of_ten(s->quantity[q].scale)
                              : 1;
            double least = floor(k->knot[0] * unit + 0.5);
            double most = floor(k->knot[k->knots - 1] * unit + 0.5);
            for (size_t t = 0; t <= STEPS; t++) {
                double value = floor(least + (most - least) * (double)t / STEPS + 0.5);
                trial[t] = (Trial){.move = {{q, value, 0}}, .moves = 1};
            }
            Arena batch = own;
            Outcome *outcome;
            uint8_t *feasible;
            must(change_try(&outcome, &feasible, &batch, b->scratch, s, trial, STEPS + 1, &err),
                 &err);
            for (size_t t = 0; t <= STEPS; t++) {
                double distance = fabs(change_place(s, q, trial[t].move[0].value) -
                                       change_place(s, q, s->own[q]));
                if (!feasible[t] || !change_leaves(s, &outcome[t]))
                    continue;
                assert_true(w->change[i].found);
                if (distance < w->change[i].distance - 1e-9)
                    fail_msg("customer %zu: %.*s gives %.6f, found was %.6f", s->position,
                             STR_ARG(b->plan->feature[l->show[q]].name.text), distance,
                             w->change[i].distance);
                looked++;
            }
        }
        arena_free(&own);
    }
    assert_true(looked > 100);
}

static void what_is_fixed_stays_as_it_is(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    for (size_t i = 0; i < w->count; i++) {
        const Subject *s = &w->subject[i];
        bool found;
        size_t tried;
        Trial best;
        Decision *d;
        const Table *made;
        Arena own = arena_new();
        must(change_search(&found, &best, &tried, b->scratch, s, &err), &err);
        if (found)
            must(change_decide(&d, &made, &own, b->scratch, s, &best, &err), &err);
        for (size_t k = 0; found && k < b->plan->features; k++) {
            const Feature *f = &b->plan->feature[k];
            FeatureSight sight = feature_sight(b->plan, f);
            bool fixed = sight == SIGHT_PROFILE ||
                         (sight == SIGHT_OBSERVATION && lang_is_aggregate(f->expr));
            if (fixed && !cell_equal(&made->column[k], 0, &b->scored->features->column[k],
                                     b->scored->row[s->position]))
                fail_msg("feature %.*s of customer %zu moved", STR_ARG(f->name.text), s->position);
        }
        arena_free(&own);
    }
}

static void parts_never_exceed_their_wholes(void **state)
{
    const World *w = *state;
    Arena own = arena_new();
    size_t carried = 0;
    for (size_t i = 0; i < w->count; i++) {
        const Subject *s = &w->subject[i];
        const Levers *l = s->levers;
        double *value = ARENA_ARRAY(&own, double, l->quantities.count + 1);
        for (uint32_t q = 0; q < l->quantities.count; q++) {
            if (!l->free[q] || isnan(s->own[q]))
                continue;
            const Trial half = {.move = {{q, floor(s->own[q] / 2), 0}}, .moves = 1};
            if (!change_carry(value, s, &half))
                continue;
            for (size_t k = 0; k < l->limits; k++) {
                const Limit *m = &l->limit[k];
                if (!s->held[k] || isnan(value[m->a]) || isnan(value[m->whole]))
                    continue;
                if (m->kind == LIMIT_PART)
                    assert_false(limit_exceeded(m, value[m->a], value[m->whole]));
                if (m->kind == LIMIT_APART)
                    assert_true(!(value[m->a] + value[m->b] > value[m->whole]));
                if (m->kind == LIMIT_NONE)
                    assert_true(!(value[m->a] > 0 && value[m->whole] == 0));
            }
            for (uint32_t k = 0; k < l->quantities.count; k++) {
                carried += k != q && value[k] != s->own[k] && !isnan(value[k]);
                bool whole = s->quantity[k].type != TYPE_DOUBLE;
                assert_true(isnan(value[k]) || l->free[k] || l->bound[k] || value[k] == s->own[k]);
                assert_true(isnan(value[k]) || value[k] == s->own[k] ||
                            (value[k] >= 0 && (!whole || value[k] == floor(value[k]))));
            }
        }
    }
    assert_true(carried > 100);
    arena_free(&own);
}

static const Levers *levers_of(const World *w)
{
    return w->subject[0].levers;
}

static uint32_t quantity_of(const Levers *l, const char *feature)
{
    const Plan *p = l->bundle->plan;
    const Feature *f = plan_find(p, str_from(feature));
    assert_non_null(f);
    return l->quantities.of[f - p->feature][0];
}

static bool is_limit(const Levers *l, LimitKind kind, const char *part, const char *whole)
{
    for (size_t i = 0; i < l->limits; i++)
        if (l->limit[i].kind == kind && l->limit[i].a == quantity_of(l, part) &&
            l->limit[i].whole == quantity_of(l, whole))
            return true;
    return false;
}

static void the_plan_tells_what_is_part_of_what(void **state)
{
    const Levers *l = levers_of(*state);
    assert_true(is_limit(l, LIMIT_PART, "gone_24h", "inflow"));
    assert_true(is_limit(l, LIMIT_PART, "gone_24h", "outflow"));
    assert_true(is_limit(l, LIMIT_PART, "passed_24h", "gone_24h"));
    assert_true(is_limit(l, LIMIT_PART, "bank_forwarded_6h", "passed_24h"));
    assert_true(is_limit(l, LIMIT_PART, "early_inflow", "inflow"));
    assert_true(is_limit(l, LIMIT_PART, "card_spending", "outflow"));
    assert_true(is_limit(l, LIMIT_PART, "early_busiest_day", "early_attempts"));
    assert_true(is_limit(l, LIMIT_PART, "early_types", "early_attempts"));
    assert_true(is_limit(l, LIMIT_PART, "early_outflow_24h_max", "outflow"));
    assert_true(is_limit(l, LIMIT_PART, "early_outflow_mean", "early_outflow_max"));
    assert_true(is_limit(l, LIMIT_PART, "early_outflow_mean", "outflow"));
    assert_false(is_limit(l, LIMIT_PART, "early_busiest_day", "early_bank_in_count"));
    assert_false(is_limit(l, LIMIT_PART, "early_outflow_24h_max", "early_outflow_max"));
    assert_false(is_limit(l, LIMIT_PART, "early_outflow", "early_outflow_24h_max"));
    assert_false(is_limit(l, LIMIT_PART, "inflow", "outflow"));
    assert_false(is_limit(l, LIMIT_PART, "inflow", "early_inflow"));
    assert_false(is_limit(l, LIMIT_PART, "gone_24h", "passed_24h"));
    assert_true(l->free[quantity_of(l, "inflow")]);
    assert_true(l->free[quantity_of(l, "early_small_credits")]);
    assert_false(l->free[quantity_of(l, "early_busiest_day")]);
    assert_true(l->bound[quantity_of(l, "early_busiest_day")]);
    assert_false(l->free[quantity_of(l, "completed_events")]);
    assert_false(l->free[quantity_of(l, "events")]);
}

static void every_limit_holds_for_every_customer(void **state)
{
    const World *w = *state;
    size_t held = 0, all = 0;
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < levers_of(w)->limits; k++) {
            const Subject *s = &w->subject[i];
            const Limit *m = &s->levers->limit[k];
            if (isnan(s->own[m->a]) || isnan(s->own[m->whole]))
                continue;
            all++;
            held += s->held[k];
        }
    assert_true(all > 1000);
    assert_int_equal(held, all);
}

static double made_of(const World *w, const Table *made, const char *feature)
{
    const Plan *p = w->bank->plan;
    return cell_double(&made->column[plan_find(p, str_from(feature)) - p->feature], 0);
}

/* Two transactions have no day of twelve. */
static void fewer_transactions_make_no_busier_day(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    size_t lowered = 0;
    const uint32_t attempts = quantity_of(levers_of(w), "early_attempts");
    for (size_t i = 0; i < w->count; i++) {
        const Subject *s = &w->subject[i];
        Arena own = arena_new();
        Decision *d;
        const Table *made;
        const Trial two = {.move = {{attempts, 2, 0}}, .moves = 1};
        double *value = ARENA_ARRAY(&own, double, s->levers->quantities.count + 1);
        if (s->own[attempts] > 2 && change_carry(value, s, &two)) {
            must(change_decide(&d, &made, &own, b->scratch, s, &two, &err), &err);
            assert_true(made_of(w, made, "early_attempts") == 2);
            assert_true(made_of(w, made, "early_busiest_day") <= 2);
            assert_true(made_of(w, made, "early_types") <= 2);
            lowered++;
        }
        arena_free(&own);
    }
    assert_true(lowered > 5);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    Change *again;
    Team *team = team_new(8);
    must(explain_changes(&again, &b->keep, b->scratch, b->bundle, b->scored, w->position, w->count,
                         team, &err),
         &err);
    team_free(team);
    for (size_t i = 0; i < w->count; i++) {
        const Change *x = &w->change[i], *y = &again[i];
        assert_true(str_equal(x->sentence, y->sentence));
        assert_true(str_equal(x->because, y->because));
        assert_int_equal(x->tried, y->tried);
        assert_int_equal(x->steps, y->steps);
        assert_true(x->distance == y->distance);
        for (size_t k = 0; k < x->steps; k++)
            assert_true(str_equal(x->step[k].sentence, y->step[k].sentence));
        assert_int_equal(x->followers, y->followers);
        for (size_t k = 0; k < x->followers; k++)
            assert_true(str_equal(x->follows[k], y->follows[k]));
    }
}

static void a_step_tells_its_numbers(void **state)
{
    const World *w = *state;
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < w->change[i].steps; k++) {
            const ChangeStep *s = &w->change[i].step[k];
            assert_true(str_contains(s->sentence, s->from) && str_contains(s->sentence, s->to));
            assert_true(str_contains(s->sentence, s->says));
            assert_false(str_equal(s->from, s->to));
            assert_true(k == 0 || fabs(s->move) <= fabs(w->change[i].step[k - 1].move));
        }
}

static void who_is_retained_has_nothing_to_leave(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    Change *made;
    for (uint32_t i = 0; i < b->scored->count; i++) {
        if (b->scored->outcome[i].action != ACTION_RETAIN)
            continue;
        must(explain_changes(&made, &b->keep, b->scratch, b->bundle, b->scored, &i, 1, NULL, &err),
             &err);
        assert_false(made->found);
        assert_true(str_starts(made->sentence, S("Nothing is proposed")));
        return;
    }
    fail_msg("nobody is retained");
}

static void without_comparable_customers_nothing_is_called_feasible(void **state)
{
    const World *w = *state;
    Bank *b = w->bank;
    Error err = {0};
    Bundle without = *b->bundle;
    Change *made;
    without.peers = NULL;
    must(explain_changes(&made, &b->keep, b->scratch, &without, b->scored, w->position, w->count,
                         NULL, &err),
         &err);
    for (size_t i = 0; i < w->count; i++) {
        assert_false(made[i].found);
        assert_true(str_contains(made[i].sentence, S("no comparable customers")));
    }
}

/* What is proposed for a profile, whatever the customer does, cannot be left by doing otherwise. */
static void there_may_be_no_change(void **state)
{
    (void)state;
    Bank *b = bank_new(300, 8,
                       S("version: 1\n"
                         "name: Profile\n"
                         "costs: {wrong_exit: 4, missed_risk: 1, review: 0.4, monitor: "
                         "0.15}\n"
                         "exposure: greatest(inflow, outflow)\n"
                         "rules:\n"
                         "  - id: large\n"
                         "    when: inflow >= 1000000000\n"
                         "    family: size\n"
                         "    severity: supporting\n"
                         "    because: \"{inflow:eur} were received.\"\n"
                         "    evidence: inflow\n"
                         "actions:\n"
                         "  - action: MONITOR\n"
                         "    when: kyc_incomplete or not kyc_incomplete\n"
                         "    because: \"Everybody.\"\n"));
    Error err = {0};
    Change *made;
    const uint32_t position = 3;
    must(explain_changes(&made, &b->keep, b->scratch, b->bundle, b->scored, &position, 1, NULL,
                         &err),
         &err);
    assert_false(made->found);
    assert_int_equal(made->action, ACTION_MONITOR);
    assert_true(str_starts(made->sentence, S("No change of at most three quantities")));
    assert_int_equal(bank_drop(b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enough_customers_are_asked_about),
        cmocka_unit_test(own_quantities_give_back_every_feature),
        cmocka_unit_test(a_change_ends_in_a_milder_action_when_computed_again),
        cmocka_unit_test(no_single_change_is_nearer),
        cmocka_unit_test(what_is_fixed_stays_as_it_is),
        cmocka_unit_test(parts_never_exceed_their_wholes),
        cmocka_unit_test(the_plan_tells_what_is_part_of_what),
        cmocka_unit_test(every_limit_holds_for_every_customer),
        cmocka_unit_test(fewer_transactions_make_no_busier_day),
        cmocka_unit_test(the_number_of_threads_changes_nothing),
        cmocka_unit_test(a_step_tells_its_numbers),
        cmocka_unit_test(who_is_retained_has_nothing_to_leave),
        cmocka_unit_test(without_comparable_customers_nothing_is_called_feasible),
        cmocka_unit_test(there_may_be_no_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
