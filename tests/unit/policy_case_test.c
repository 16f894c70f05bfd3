/* What is known beside the files, in the order of precedence: orders, safeguards, documented
 * criteria, harm in progress, the model's route; and segments, measures and near misses. */
#include "policy_bank.h"

#define FACTS                                                                                      \
    "revision: 2026-11\n"                                                                          \
    "minutes: {MONITOR: 10, ENHANCED_DUE_DILIGENCE: 90, RESTRICT: 45, PROPOSE_OFFBOARDING: 180}\n" \
    "facts:\n"                                                                                     \
    "  - {name: ordered, says: A court ordered it, kind: order}\n"                                 \
    "  - {name: unanswered, says: Two requests stayed without an answer, kind: hard}\n"            \
    "  - {name: breached, says: The terms were breached again, kind: hard}\n"                      \
    "  - {name: victim, says: Possibly a victim, kind: safeguard}\n"                               \
    "  - {name: explained, says: Explained with proof, kind: safeguard, evidence: required}\n"     \
    "  - {name: leaving, says: Reported money is leaving, kind: context}\n"                        \
    "  - {name: asked, says: Questions were asked, kind: context}\n"

#define SEGMENTS_                                                                                  \
    "segments:\n"                                                                                  \
    "  cool_down: 30d\n"                                                                           \
    "  floors:\n"                                                                                  \
    "    - {at_least: Medium, when: leaving, because: \"Money of {inflow:eur} is leaving.\"}\n"    \
    "    - {at_least: High, when: unanswered or ordered, because: On record.}\n"

#define PROTECTED                                                                                  \
    "safeguards:\n"                                                                                \
    "  - id: victim\n"                                                                             \
    "    when: victim\n"                                                                           \
    "    cap: ENHANCED_DUE_DILIGENCE\n"                                                            \
    "    allows: RESTRICT\n"                                                                       \
    "    because: \"Settle first who is harmed.\"\n"                                               \
    "  - id: explained\n"                                                                          \
    "    when: explained\n"                                                                        \
    "    cap: MONITOR\n"                                                                           \
    "    because: \"It was explained.\"\n"                                                         \
    "  - id: short\n"                                                                              \
    "    when: credits < 2\n"                                                                      \
    "    cap: ENHANCED_DUE_DILIGENCE\n"                                                            \
    "    allows: RESTRICT\n"                                                                       \
    "    because: \"Only {credits:count} credit.\"\n"

#define PRECEDENCE                                                                                 \
    "actions:\n"                                                                                   \
    "  - {action: RESTRICT, when: ordered, uncapped: true, queue: Specialists,"                    \
    " because: Ordered.}\n"                                                                        \
    "  - {action: PROPOSE_OFFBOARDING, when: unanswered or breached, uncapped: true,"              \
    " because: Documented.}\n"                                                                     \
    "  - {action: RESTRICT, when: leaving, because: Leaving.}\n"                                   \
    "  - action: PROPOSE_OFFBOARDING\n"                                                            \
    "    when: probability >= threshold_high and families >= 2 and exposure >= 100\n"              \
    "    because: \"{families:count} families.\"\n"                                                \
    "  - {action: ENHANCED_DUE_DILIGENCE, when: probability >= threshold_high, because: High.}\n"  \
    "  - {action: MONITOR, when: probability >= threshold_medium, because: Medium.}\n"

#define MEASURES                                                                                   \
    "measures:\n"                                                                                  \
    "  - id: limit\n"                                                                              \
    "    action: RESTRICT\n"                                                                       \
    "    suffices: exposure < 150\n"                                                               \
    "    because: \"A limit would do for {exposure:eur}.\"\n"                                      \
    "    otherwise: \"A limit would not do for {exposure:eur}.\"\n"                                \
    "  - id: ask\n"                                                                                \
    "    action: ENHANCED_DUE_DILIGENCE\n"                                                         \
    "    suffices: asked and not unanswered\n"                                                     \
    "    because: \"The answer comes first.\"\n"                                                   \
    "    otherwise: \"Nothing was asked about {inflow:eur}.\"\n"

#define CASE COSTS FACTS RULES SEGMENTS_ PROTECTED PRECEDENCE

/* ---- what is known ---- */

enum { CUSTOMERS = 4, KNOWN_MAX = 6 };

static int64_t at(const char *text)
{
    int64_t us;
    assert_true(parse_time(str_from(text), &us));
    return us;
}

static const char *const as_of = "2024-06-30";

static void know(Bank *b, size_t customer, const char *name, const char *evidence, int64_t since_us)
{
    CaseFacts *facts = (CaseFacts *)(uintptr_t)b->in.facts;
    if (facts == NULL) {
        facts = ARENA_NEW(&b->keep, CaseFacts);
        facts->of = ARENA_ARRAY(&b->keep, CaseFact *, CUSTOMERS);
        facts->count = ARENA_ARRAY(&b->keep, size_t, CUSTOMERS);
        for (size_t i = 0; i < CUSTOMERS; i++)
            facts->of[i] = ARENA_ARRAY(&b->keep, CaseFact, KNOWN_MAX);
        b->in.facts = facts;
    }
    assert_true(facts->count[customer] < KNOWN_MAX);
    facts->of[customer][facts->count[customer]++] =
        (CaseFact){.name = str_from(name), .evidence = str_from(evidence), .since_us = since_us};
}

/* The book with one piece replaced, until the next call. */
static const char *swapped(const char *book, const char *from, const char *to)
{
    static char out[16384];
    const char *place = strstr(book, from);
    assert_non_null(place);
    (void)snprintf(out, sizeof out, "%.*s%s%s", (int)(place - book), book, to,
                   place + strlen(from));
    return out;
}

static void open_case(Bank *b, const char *book)
{
    open_bank(b, book, CUSTOMERS, four, COUNT_OF(four));
}

/* ---- the book ---- */

static void the_book_says_which_it_is(void **state)
{
    (void)state;
    Bank b;
    char hash[SHA256_TEXT];
    read_books(&b, CASE);
    PolicyIdentity id = policy_identity(b.policy);
    same(id.name, "test");
    same(id.revision, "2026-11");
    sha256_text(hash, S(CASE));
    same(id.sha256, hash);
    near(policy_minutes(b.policy, ACTION_ENHANCED_DUE_DILIGENCE), 90, 0);
    near(policy_minutes(b.policy, ACTION_RETAIN), 0, 0);
    const FactView *fact;
    assert_int_equal(policy_facts(b.policy, &fact), 7);
    same(fact[1].name, "unanswered");
    assert_int_equal(fact[1].kind, FACT_HARD);
    assert_true(fact[0].needs_evidence && fact[1].needs_evidence && fact[4].needs_evidence);
    assert_false(fact[3].needs_evidence || fact[5].needs_evidence);
    assert_int_equal(policy_cool_down(b.policy), 30 * DAY_US);
    ActionView *floor, *measure;
    assert_int_equal(policy_floors(b.policy, &b.keep, &floor), 2);
    same(floor[0].action, "Medium");
    same(floor[1].condition, "unanswered or ordered");
    assert_int_equal(policy_measures(b.policy, &b.keep, &measure), 0);
    close_bank(&b);
    read_books(&b, CASE MEASURES);
    assert_int_equal(policy_measures(b.policy, &b.keep, &measure), 2);
    same(measure[0].action, "ENHANCED_DUE_DILIGENCE"); /* mildest first */
    same(measure[1].because, "A limit would do for {exposure:eur}.");
    close_bank(&b);
    read_books(&b, BOOK);
    assert_int_equal(policy_identity(b.policy).revision.size, 0);
    assert_true(isnan(policy_minutes(b.policy, ACTION_MONITOR)));
    assert_int_equal(policy_facts(b.policy, &fact), 0);
    close_bank(&b);
}

static void books_that_cannot_be_meant_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says, *remedy;
    } bad[] = {
        {"kind: hard}", "kind: hard, evidence: optional}", "would count without evidence",
         "must be documented"},
        {"name: leaving", "name: victim", "two facts are called `victim`", ""},
        {"name: leaving", "name: inflow", "has the name of a feature", "another name"},
        {"name: leaving", "name: families", "something that the engine computes", "another name"},
        {"kind: context", "kind: contxt", "cannot be `contxt`", "context"},
        {"when: credits >= 3", "when: credits >= 3 or leaving", "which is a fact of the case",
         "rules read features alone"},
        {"when: credits >= 3", "when: credits >= 3 or leving", "leving", ""},
        {"when: ordered, uncapped", "when: leaving, uncapped", "needs no documented fact",
         "kind order or hard"},
        {"when: unanswered or breached", "when: unanswered or leaving",
         "no safeguard would cap this PROPOSE_OFFBOARDING", "kind order or hard"},
        {"and exposure >= 100", "and victim", "may only protect", "write a safeguard"},
        {"when: leaving, because: \"", "when: victim, because: \"", "may only protect",
         "write a safeguard"},
        {"when: leaving, because: \"", "when: events > 1, because: \"", "only monitored", ""},
        {"at_least: Medium", "at_least: Low", "holds nothing up", "Medium"},
        {"allows: RESTRICT", "allows: MONITOR", "cannot allow MONITOR", "RESTRICT"},
        {"allows: RESTRICT", "allows: PROPOSE_OFFBOARDING", "cannot allow", "RESTRICT"},
        {"MONITOR: 10", "MONITOR: -1", "minutes of MONITOR", ""},
        {"cool_down: 30d", "cool_down: soon", "duration", ""},
        {"action: RESTRICT\n    suffices", "action: RETAIN\n    suffices", "no milder measure", ""},
        {"action: RESTRICT\n    suffices", "action: PROPOSE_OFFBOARDING\n    suffices",
         "no milder measure", "MONITOR"},
        {"would do for {exposure:eur}", "would do for {exposed:eur}", "exposed", ""},
        {"id: ask", "id: limit", "two measures", ""},
        {"suffices: asked", "suffices: askd", "askd", "asked"},
    };
    Bank b;
    read_books(&b, CASE MEASURES);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Error err = {0};
        Policy *p;
        const char *book = swapped(CASE MEASURES, bad[i].from, bad[i].to);
        if (policy_read(&p, &b.keep, str_from(book), "policy.yaml", b.plan, &err) != STATUS_FORMAT)
            fail_msg("`%s` is not refused", bad[i].to);
        if (strstr(err.message, bad[i].says) == NULL || strstr(err.remedy, bad[i].remedy) == NULL)
            fail_msg("`%s`: %s (%s)", bad[i].to, err.message, err.remedy);
        assert_true(err.line > 0);
    }
    close_bank(&b);
}

static void an_exit_may_follow_a_restriction_and_nothing_else(void **state)
{
    (void)state;
    Bank b;
    Error err = {0};
    Policy *p;
    read_books(&b, CASE); /* RESTRICT, PROPOSE_OFFBOARDING, RESTRICT, PROPOSE_OFFBOARDING */
    const char *book =
        COSTS RULES "actions:\n"
                    "  - {action: MONITOR, when: rules >= 1, because: One.}\n"
                    "  - {action: PROPOSE_OFFBOARDING, when: rules >= 2, because: Two.}\n";
    assert_int_equal(policy_read(&p, &b.keep, str_from(book), "policy.yaml", b.plan, &err),
                     STATUS_FORMAT);
    assert_non_null(strstr(err.message, "PROPOSE_OFFBOARDING stands below the milder MONITOR"));
    close_bank(&b);
}

/* ---- precedence ---- */

/* Customer 0 has two families and 120 euros; 1 one family; 2 nothing; 3 nothing that fires. */
static void the_first_route_that_holds_is_taken(void **state)
{
    (void)state;
    static const struct {
        size_t customer;
        double p;
        const char *fact[3];
        Action before, action;
        const char *because;
    } route[] = {
        {3, 0.01, {"ordered"}, ACTION_RESTRICT, ACTION_RESTRICT, "Ordered."},
        {0, 0.99, {"ordered", "unanswered"}, ACTION_RESTRICT, ACTION_RESTRICT, "Ordered."},
        {3,
         0.01,
         {"unanswered"},
         ACTION_PROPOSE_OFFBOARDING,
         ACTION_PROPOSE_OFFBOARDING,
         "Documented."},
        {2,
         0.01,
         {"breached", "leaving"},
         ACTION_PROPOSE_OFFBOARDING,
         ACTION_PROPOSE_OFFBOARDING,
         "Documented."},
        {0, 0.99, {"leaving"}, ACTION_RESTRICT, ACTION_RESTRICT, "Leaving."},
        {0, 0.50, {NULL}, ACTION_PROPOSE_OFFBOARDING, ACTION_PROPOSE_OFFBOARDING, "2 families."},
        {1, 0.50, {NULL}, ACTION_ENHANCED_DUE_DILIGENCE, ACTION_ENHANCED_DUE_DILIGENCE, "High."},
        {0, 0.20, {NULL}, ACTION_MONITOR, ACTION_MONITOR, "Medium."},
        /* Safeguards cap an exit at due diligence and let a restriction that protects through; */
        {0,
         0.50,
         {"victim"},
         ACTION_PROPOSE_OFFBOARDING,
         ACTION_ENHANCED_DUE_DILIGENCE,
         "2 families."},
        {0, 0.50, {"explained"}, ACTION_PROPOSE_OFFBOARDING, ACTION_MONITOR, "2 families."},
        {0, 0.50, {"victim", "leaving"}, ACTION_RESTRICT, ACTION_RESTRICT, "Leaving."},
        {1, 0.50, {"leaving"}, ACTION_RESTRICT, ACTION_RESTRICT, "Leaving."},
        {0, 0.50, {"explained", "leaving"}, ACTION_RESTRICT, ACTION_MONITOR, "Leaving."},
        /* what is ordered or documented is not capped. */
        {1, 0.50, {"victim", "explained", "ordered"}, ACTION_RESTRICT, ACTION_RESTRICT, "Ordered."},
        {1,
         0.50,
         {"victim", "explained", "breached"},
         ACTION_PROPOSE_OFFBOARDING,
         ACTION_PROPOSE_OFFBOARDING,
         "Documented."},
    };
    for (size_t i = 0; i < COUNT_OF(route); i++) {
        Bank b;
        open_case(&b, CASE);
        size_t k = route[i].customer;
        set_probability(&b, k, route[i].p);
        for (size_t f = 0; f < 3 && route[i].fact[f] != NULL; f++)
            know(&b, k, route[i].fact[f], "file 7", NO_TIME);
        decide_all(&b, NULL);
        if (b.made[k].before_safeguards != route[i].before || b.made[k].action != route[i].action)
            fail_msg("route %zu: %.*s, then %.*s", i,
                     STR_ARG(action_name(b.made[k].before_safeguards)),
                     STR_ARG(action_name(b.made[k].action)));
        same(b.made[k].because, route[i].because);
        same(b.made[k].queue, route[i].fact[0] != NULL && route[i].before == ACTION_RESTRICT &&
                                      strcmp(route[i].because, "Ordered.") == 0
                                  ? "Specialists"
                                  : "");
        close_bank(&b);
    }
}

static void a_safeguard_lets_through_what_it_allows_and_nothing_milder(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, swapped(CASE, "    cap: MONITOR\n", "    cap: MONITOR\n    allows: RESTRICT\n"));
    for (size_t i = 0; i < CUSTOMERS; i++)
        know(&b, i, "explained", "mail 4", NO_TIME);
    know(&b, 1, "leaving", "", NO_TIME);
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].before_safeguards, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(b.made[0].action, ACTION_MONITOR);
    assert_int_equal(b.made[1].before_safeguards, ACTION_RESTRICT);
    assert_int_equal(b.made[1].action, ACTION_RESTRICT);
    assert_int_equal(b.made[3].before_safeguards, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(b.made[3].action, ACTION_MONITOR);
    close_bank(&b);
}

static void a_criterion_without_evidence_has_no_effect_and_is_shown(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, CASE);
    set_probability(&b, 3, 0.01);
    know(&b, 3, "unanswered", "", at("2024-05-03"));
    know(&b, 3, "ordered", "", NO_TIME);
    know(&b, 3, "leaving", "", NO_TIME); /* needs none */
    decide_all(&b, NULL);
    const Decision *d = &b.made[3];
    assert_int_equal(d->action, ACTION_RESTRICT);
    same(d->because, "Leaving.");
    assert_int_equal(d->segment, SEGMENT_MEDIUM);
    assert_int_equal(d->facts, 3);
    assert_false(d->fact[0].counts);
    same(d->fact[0].sentence, "Two requests stayed without an answer: noted since 3 May 2024, but "
                              "not documented, so it has no effect.");
    assert_false(d->fact[1].counts);
    assert_true(d->fact[2].counts);
    same(d->fact[2].sentence, "Reported money is leaving: on record.");
    know(&b, 3, "unanswered", "case 12", at("2024-05-03"));
    decide_all(&b, NULL);
    d = &b.made[3];
    assert_int_equal(d->action, ACTION_PROPOSE_OFFBOARDING);
    same(d->fact[3].sentence, "Two requests stayed without an answer: on record since 3 May 2024 "
                              "(evidence: case 12).");
    close_bank(&b);
}

static void what_begins_after_as_of_or_is_not_of_the_book_is_not_known(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, CASE);
    set_probability(&b, 3, 0.01);
    know(&b, 3, "unanswered", "case 12", at(as_of) + 1);
    know(&b, 3, "elsewhere", "case 12", NO_TIME);
    decide_all(&b, NULL);
    assert_int_equal(b.made[3].action, ACTION_RETAIN);
    assert_int_equal(b.made[3].facts, 0);
    know(&b, 3, "unanswered", "case 12", at(as_of));
    decide_all(&b, NULL);
    assert_int_equal(b.made[3].action, ACTION_PROPOSE_OFFBOARDING);
    close_bank(&b);
}

static void labels_that_contradict_do_not_undo_what_is_documented(void **state)
{
    (void)state;
    static const uint8_t torn[CUSTOMERS] = {1, 1, 1, 1};
    Bank b;
    open_case(&b, CASE);
    b.in.contradictory = torn;
    know(&b, 3, "unanswered", "case 12", NO_TIME);
    know(&b, 1, "leaving", "", NO_TIME);
    decide_all(&b, NULL);
    assert_int_equal(b.made[3].action, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(b.made[0].action, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(b.made[1].action, ACTION_ENHANCED_DUE_DILIGENCE);
    close_bank(&b);
}

/* Whatever a book says, an exit without a documented fact needs all three. */
static void the_engine_holds_exits_to_score_families_and_exposure(void **state)
{
    (void)state;
    const char *book = COSTS FACTS RULES "actions:\n"
                                         "  - action: PROPOSE_OFFBOARDING\n"
                                         "    when: unanswered or probability > 0\n"
                                         "    because: \"Anything.\"\n";
    Bank b;
    open_case(&b, book);
    set_probability(&b, 0, 0.40);
    set_probability(&b, 1, 0.99);
    set_probability(&b, 2, 0.99);
    set_probability(&b, 3, 0.01);
    know(&b, 3, "unanswered", "case 12", NO_TIME);
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(b.made[1].action, ACTION_ENHANCED_DUE_DILIGENCE); /* one family */
    assert_int_equal(b.made[2].action, ACTION_ENHANCED_DUE_DILIGENCE); /* no family, no money */
    assert_int_equal(b.made[2].safeguards, 2);
    has(b.made[2].safeguard[1], "No money is at stake");
    assert_int_equal(b.made[3].action, ACTION_PROPOSE_OFFBOARDING); /* documented */
    set_probability(&b, 0, 0.39);
    double *low = (double *)(uintptr_t)b.in.probability_low;
    low[0] = 0.1;
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_ENHANCED_DUE_DILIGENCE);
    same(b.made[0].safeguard[0], "The score of 39 % is below the review bound of 40 %, and no "
                                 "documented criterion stands for an exit.");
    low[0] = 0.45; /* the interval is the calibration's, and may lie above the score */
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_PROPOSE_OFFBOARDING);
    close_bank(&b);
}

/* ---- segments ---- */

static void floors_hold_a_segment_up_and_say_why(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, CASE);
    for (size_t i = 0; i < CUSTOMERS; i++)
        set_probability(&b, i, 0.01);
    know(&b, 0, "leaving", "", NO_TIME);
    know(&b, 1, "leaving", "", NO_TIME);
    know(&b, 1, "ordered", "court 3", NO_TIME);
    set_probability(&b, 3, 0.5);
    know(&b, 3, "leaving", "", NO_TIME);
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].segment, SEGMENT_MEDIUM);
    assert_int_equal(b.made[0].segment_by_score, SEGMENT_LOW);
    has(b.made[0].segment_because, "Money of \xE2\x82\xAC"
                                   "120.00 is leaving.");
    assert_int_equal(b.made[1].segment, SEGMENT_HIGH);
    same(b.made[1].segment_because, "On record.");
    assert_int_equal(b.made[2].segment, SEGMENT_LOW);
    assert_int_equal(b.made[2].segment_because.size, 0);
    assert_int_equal(b.made[3].segment, SEGMENT_HIGH); /* by the score: no floor holds it */
    assert_int_equal(b.made[3].segment_because.size, 0);
    close_bank(&b);
}

static void a_segment_goes_up_at_once_and_down_after_the_wait(void **state)
{
    (void)state;
    const int64_t now = at(as_of), long_ago = at("2024-01-01");
    const int64_t before = now - 30 * DAY_US;
    const struct {
        Earlier was;
        double p;
        Segment segment;
        int64_t since_us, lower_since_us;
    } step[] = {
        /* nothing known: the score's, from now on */
        {{0}, 0.5, SEGMENT_HIGH, now, NO_TIME},
        /* up at once */
        {{true, SEGMENT_LOW, long_ago, NO_TIME}, 0.2, SEGMENT_MEDIUM, now, NO_TIME},
        {{true, SEGMENT_MEDIUM, long_ago, before}, 0.5, SEGMENT_HIGH, now, NO_TIME},
        /* the same: it stays, and a wait that had begun is forgotten */
        {{true, SEGMENT_HIGH, long_ago, before}, 0.5, SEGMENT_HIGH, long_ago, NO_TIME},
        /* lower for the first time: the wait begins */
        {{true, SEGMENT_HIGH, long_ago, NO_TIME}, 0.2, SEGMENT_HIGH, long_ago, now},
        /* not long enough, by a microsecond */
        {{true, SEGMENT_HIGH, long_ago, before + 1}, 0.2, SEGMENT_HIGH, long_ago, before + 1},
        /* long enough: down to where the score is */
        {{true, SEGMENT_HIGH, long_ago, before}, 0.2, SEGMENT_MEDIUM, now, NO_TIME},
        {{true, SEGMENT_HIGH, long_ago, before}, 0.01, SEGMENT_LOW, now, NO_TIME},
    };
    for (size_t i = 0; i < COUNT_OF(step); i++) {
        Bank b;
        open_case(&b, CASE);
        Earlier earlier[CUSTOMERS] = {[3] = step[i].was};
        b.in.earlier = earlier;
        set_probability(&b, 3, step[i].p);
        decide_all(&b, NULL);
        const Decision *d = &b.made[3];
        if (d->segment != step[i].segment || d->next.segment != step[i].segment ||
            d->next.since_us != step[i].since_us ||
            d->next.lower_since_us != step[i].lower_since_us || !d->next.known)
            fail_msg("step %zu: %d since %lld, lower since %lld", i, (int)d->segment,
                     (long long)d->next.since_us, (long long)d->next.lower_since_us);
        assert_int_equal(d->segment_because.size > 0, step[i].lower_since_us != NO_TIME);
        close_bank(&b);
    }
}

static void the_wait_is_said_in_words_and_a_floor_counts_in_it(void **state)
{
    (void)state;
    Bank b;
    Earlier earlier[CUSTOMERS] = {
        [0] = {true, SEGMENT_HIGH, at("2024-01-01"), at("2024-06-20")},
        [3] = {true, SEGMENT_HIGH, at("2024-01-01"), at("2024-01-02")},
    };
    open_case(&b, CASE);
    b.in.earlier = earlier;
    set_probability(&b, 0, 0.01);
    set_probability(&b, 3, 0.01);
    know(&b, 3, "ordered", "court 3", NO_TIME);
    decide_all(&b, NULL);
    same(b.made[0].segment_because, "The score alone has been below the segment High since 20 June "
                                    "2024; the segment comes down when that has lasted for 30 "
                                    "days.");
    assert_int_equal(b.made[3].segment, SEGMENT_HIGH);
    same(b.made[3].segment_because, "On record.");
    assert_int_equal(b.made[3].next.lower_since_us, NO_TIME);
    close_bank(&b);
    open_case(&b, BOOK); /* no cool-down: down at once */
    b.in.earlier = earlier;
    set_probability(&b, 0, 0.01);
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].segment, SEGMENT_LOW);
    close_bank(&b);
}

/* ---- milder measures ---- */

static void the_mildest_measure_that_suffices_takes_the_exits_place(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, CASE MEASURES);
    know(&b, 0, "asked", "", NO_TIME);
    decide_all(&b, NULL);
    const Decision *d = &b.made[0]; /* both suffice; the list is mildest first */
    assert_int_equal(d->before_safeguards, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(d->action, ACTION_ENHANCED_DUE_DILIGENCE);
    assert_int_equal(d->measures, 2);
    same(d->measure[0].id, "ask");
    assert_true(d->measure[0].suffices && d->measure[1].suffices);
    same(d->measure[1].sentence, "A limit would do for \xE2\x82\xAC"
                                 "120.00.");
    same(d->near_miss, "Not proposed, because a milder measure suffices: The answer comes first.");
    close_bank(&b);

    open_case(&b, CASE MEASURES);
    decide_all(&b, NULL);
    d = &b.made[0];
    assert_int_equal(d->action, ACTION_RESTRICT);
    assert_false(d->measure[0].suffices);
    same(d->measure[0].sentence, "Nothing was asked about \xE2\x82\xAC"
                                 "120.00.");
    /* Where no exit is left after the safeguards, nothing is weighed. */
    assert_int_equal(b.made[1].measures, 0);
    assert_int_equal(b.made[2].measures, 0);
    close_bank(&b);
}

static void no_measure_answers_a_documented_criterion_unless_the_book_says_so(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, CASE MEASURES);
    know(&b, 1, "unanswered", "case 12", NO_TIME); /* 1,000 euros: the limit would not do */
    know(&b, 3, "unanswered", "case 13", NO_TIME); /* 100 euros: the book says that it does */
    decide_all(&b, NULL);
    const Decision *d = &b.made[1];
    assert_int_equal(d->action, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(d->measures, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_false(d->measure[i].suffices);
        same(d->measure[i].sentence, "It would not answer what is documented: Two requests stayed "
                                     "without an answer.");
    }
    assert_int_equal(d->near_miss.size, 0);
    assert_int_equal(b.made[3].action, ACTION_RESTRICT);
    close_bank(&b);
}

/* ---- near misses ---- */

static void a_near_miss_says_which_part_fails_with_the_customers_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *condition, *says;
    } miss[] = {
        {"rules >= 1 and families >= 2 and exposure >= 1000",
         "Not proposed: the exposure is \xE2\x82\xAC"
         "120.00, below \xE2\x82\xAC"
         "1,000.00."},
        {"rules >= 1 and families >= 3 and exposure > 0",
         "Not proposed: the number of independent kinds of evidence is 2, below 3."},
        {"rules >= 1 and families >= 2 and threshold_offboarding < probability",
         "Not proposed: the score is 50 %, not above 80 %."},
        {"rules >= 1 and families >= 2 and 500 <= inflow",
         "Not proposed: Money received: \xE2\x82\xAC"
         "120.00, below \xE2\x82\xAC"
         "500.00."},
        {"rules >= 1 and families >= 2 and share < 0.5",
         "Not proposed: Share gone in a day: 100 %, not below 50 %."},
        {"rules >= 1 and families >= 2 and probability >= 0.5000001",
         "Not proposed: the score is 0.5, below 0.5000001."},
        {"rules >= 1 and families >= 2 and asked",
         "Not proposed: the book asks for a fact that is not on record: Questions were asked."},
        {"rules >= 1 and families >= 2 and not leaving",
         "Not proposed: a fact on record speaks against it: Reported money is leaving."},
        {"rules >= 1 and families >= 2 and (share < 0.1 or inflow > 500)",
         "Not proposed: `share < 0.1 or inflow > 500` does not hold: share is 100 %, inflow is "
         "\xE2\x82\xAC"
         "120.00."},
        /* two parts fail, too few parts, or a documented criterion that nearly everybody lacks */
        {"rules >= 9 and families >= 9 and exposure >= 100", ""},
        {"rules >= 1 and families >= 3", ""},
        {"rules >= 1 and families >= 2 and unanswered", ""},
    };
    for (size_t i = 0; i < COUNT_OF(miss); i++) {
        static char book[16384];
        (void)snprintf(book, sizeof book,
                       COSTS FACTS RULES "actions:\n"
                                         "  - action: PROPOSE_OFFBOARDING\n"
                                         "    when: %s\n"
                                         "    because: \"All.\"\n"
                                         "  - {action: MONITOR, when: rules >= 1, because: One.}\n",
                       miss[i].condition);
        Bank b;
        open_case(&b, book);
        know(&b, 0, "leaving", "", NO_TIME);
        decide_all(&b, NULL);
        same(b.made[0].near_miss, miss[i].says);
        assert_int_equal(b.made[0].action, ACTION_MONITOR);
        close_bank(&b);
    }
}

static void the_closest_miss_is_the_one_told(void **state)
{
    (void)state;
    const char *book = COSTS RULES "actions:\n"
                                   "  - action: PROPOSE_OFFBOARDING\n"
                                   "    when: rules >= 1 and families >= 2 and exposure >= 5000\n"
                                   "    because: \"Much.\"\n"
                                   "  - action: PROPOSE_OFFBOARDING\n"
                                   "    when: rules >= 1 and families >= 2 and exposure >= 125\n"
                                   "    because: \"Little.\"\n";
    Bank b;
    open_case(&b, book);
    decide_all(&b, NULL);
    has(b.made[0].near_miss, "below \xE2\x82\xAC"
                             "125.00.");
    close_bank(&b);
}

static void what_lowered_an_exit_or_went_before_it_is_a_near_miss(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, CASE);
    know(&b, 0, "victim", "", NO_TIME);
    know(&b, 0, "explained", "mail 4", NO_TIME);
    decide_all(&b, NULL);
    same(b.made[0].near_miss, "Not proposed, because a safeguard holds: Settle first who is "
                              "harmed. (2 safeguards hold in all.)");
    close_bank(&b);
    open_case(&b, CASE);
    know(&b, 0, "leaving", "", NO_TIME);
    decide_all(&b, NULL);
    same(b.made[0].near_miss, "Not proposed, because RESTRICT goes first: Leaving.");
    assert_int_equal(b.made[2].near_miss.size, 0);
    close_bank(&b);
    open_case(&b, CASE); /* who is proposed is no near miss */
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].action, ACTION_PROPOSE_OFFBOARDING);
    assert_int_equal(b.made[0].near_miss.size, 0);
    close_bank(&b);
}

/* ---- mitigating facts, and determinism ---- */

static void a_mitigating_fact_may_come_from_the_bank(void **state)
{
    (void)state;
    Bank b;
    open_case(&b, swapped(CASE, "when: share < 0.5", "when: explained"));
    know(&b, 0, "explained", "mail 4", NO_TIME);
    know(&b, 1, "explained", "", NO_TIME);
    decide_all(&b, NULL);
    assert_int_equal(b.made[0].mitigatings, 1);
    same(b.made[0].mitigating[0], "Only 100 % left.");
    assert_int_equal(b.made[1].mitigatings, 0); /* not documented */
    close_bank(&b);
}

static void facts_and_earlier_runs_are_decided_alike_by_any_number_of_threads(void **state)
{
    (void)state;
    enum { MANY = 1500 };
    static const char *const names[] = {"ordered", "unanswered", "victim", "leaving", "asked"};
    Arena arena = arena_new();
    Movement *m = ARENA_ARRAY(&arena, Movement, MANY * 4);
    size_t count = 0;
    for (size_t i = 0; i < MANY; i++)
        for (int k = 0; k < 4; k++) {
            m[count] = (Movement){i, str_chars(&arena, str_format(&arena, "y%zu", count)),
                                  k == 3 ? "OUT" : "IN", k == 3 ? 12000 : 4000 + (int64_t)i, k};
            count++;
        }
    Bank b;
    open_bank(&b, CASE MEASURES, MANY, m, count);
    CaseFacts facts = {ARENA_ARRAY(&arena, CaseFact *, MANY), ARENA_ARRAY(&arena, size_t, MANY)};
    Earlier *earlier = ARENA_ARRAY(&arena, Earlier, MANY);
    Random random = random_new(5);
    for (size_t i = 0; i < MANY; i++) {
        set_probability(&b, i, random_uniform(&random));
        facts.count[i] = random_below(&random, 3);
        facts.of[i] = ARENA_ARRAY(&arena, CaseFact, 3);
        for (size_t k = 0; k < facts.count[i]; k++) {
            size_t name = random_below(&random, COUNT_OF(names));
            bool documented = random_below(&random, 2) == 0;
            facts.of[i][k] = (CaseFact){.name = str_from(names[name]),
                                        .evidence = documented ? S("case") : S(""),
                                        .since_us = NO_TIME};
        }
        earlier[i] = (Earlier){random_below(&random, 2) == 0, SEGMENT_HIGH, at("2024-01-01"),
                               at("2024-06-20")};
    }
    b.in.facts = &facts;
    b.in.earlier = earlier;
    Str want = S("");
    static const size_t threads[] = {1, 2, 8};
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        Team *team = team_new(threads[i]);
        decide_all(&b, team);
        Str got = printed(&arena, b.made, MANY);
        want = i == 0 ? got : want;
        assert_true(str_equal(want, got));
        team_free(team);
    }
    size_t near_misses = 0, held = 0, weighed = 0;
    for (size_t i = 0; i < MANY; i++) {
        near_misses += b.made[i].near_miss.size > 0;
        held += b.made[i].segment_because.size > 0;
        weighed += b.made[i].measures > 0;
    }
    assert_true(near_misses > 20 && held > 20 && weighed > 20);
    close_bank(&b);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_book_says_which_it_is),
        cmocka_unit_test(books_that_cannot_be_meant_are_refused),
        cmocka_unit_test(an_exit_may_follow_a_restriction_and_nothing_else),
        cmocka_unit_test(the_first_route_that_holds_is_taken),
        cmocka_unit_test(a_safeguard_lets_through_what_it_allows_and_nothing_milder),
        cmocka_unit_test(a_criterion_without_evidence_has_no_effect_and_is_shown),
        cmocka_unit_test(what_begins_after_as_of_or_is_not_of_the_book_is_not_known),
        cmocka_unit_test(labels_that_contradict_do_not_undo_what_is_documented),
        cmocka_unit_test(the_engine_holds_exits_to_score_families_and_exposure),
        cmocka_unit_test(floors_hold_a_segment_up_and_say_why),
        cmocka_unit_test(a_segment_goes_up_at_once_and_down_after_the_wait),
        cmocka_unit_test(the_wait_is_said_in_words_and_a_floor_counts_in_it),
        cmocka_unit_test(the_mildest_measure_that_suffices_takes_the_exits_place),
        cmocka_unit_test(no_measure_answers_a_documented_criterion_unless_the_book_says_so),
        cmocka_unit_test(a_near_miss_says_which_part_fails_with_the_customers_numbers),
        cmocka_unit_test(the_closest_miss_is_the_one_told),
        cmocka_unit_test(what_lowered_an_exit_or_went_before_it_is_a_near_miss),
        cmocka_unit_test(a_mitigating_fact_may_come_from_the_bank),
        cmocka_unit_test(facts_and_earlier_runs_are_decided_alike_by_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
