/* Each typology's signature, looked for in the transactions alone: it must be in every customer
 * of whom the truth says so, and be rare in those of whom it says nothing. */
#include "made_up_bank.h"

typedef enum Means { BANK, TOP_UP, RAMP, CARD, PAYMENT, REWARD, OTHER } Means;

typedef struct Move {
    int64_t at, amount; /* cents */
    Means means;
    bool in, ok, failed, reversed;
} Move;

typedef struct Person {
    Move *move; /* by time, one an id */
    size_t count, capacity;
    unsigned conflicts; /* of the profile with the residence */
} Person;

typedef bool Signature(const Person *p);

static bool is_in(const Move *m) /* external inflow that arrived */
{
    return m->ok && m->in && m->means != CARD && m->means != REWARD && m->means != OTHER;
}

static bool is_out(const Move *m)
{
    return m->ok && !m->in && m->means != OTHER;
}

static bool is_out_not_card(const Move *m)
{
    return is_out(m) && m->means != CARD;
}

static size_t until(const Person *p, size_t from, int64_t length)
{
    size_t to = from;
    while (to < p->count && p->move[to].at < p->move[from].at + length)
        to++;
    return to;
}

#define MOVES_MAX 800

/* First in, first out: take what left from the credits since `from` that are not older than a
 * day, into left[]. Returns how much was found there. */
static int64_t match(const Person *p, size_t from, size_t out, int64_t *left)
{
    int64_t rest = p->move[out].amount;
    for (size_t i = from; i < out && rest > 0; i++) {
        if (!is_in(&p->move[i]) || p->move[out].at - p->move[i].at > DAY_US)
            continue;
        int64_t take = p->move[i].amount - left[i];
        take = take < rest ? take : rest;
        left[i] += take;
        rest -= take;
    }
    return p->move[out].amount - rest;
}

static bool pass_through(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        int64_t left[MOVES_MAX] = {0}, came = 0, went = 0;
        for (size_t i = from; i < until(p, from, 10 * DAY_US); i++) {
            came += is_in(&p->move[i]) ? p->move[i].amount : 0;
            went += is_out_not_card(&p->move[i]) ? match(p, from, i, left) : 0;
            if (came >= 100000 && went * 10 >= came * 8)
                return true;
        }
    }
    return false;
}

static bool funnel(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        size_t to = until(p, from, 7 * DAY_US), in = 0, out = 0;
        for (size_t i = from; i < to; i++) {
            in += p->move[i].means == BANK && is_in(&p->move[i]);
            out += p->move[i].means == BANK && is_out(&p->move[i]);
        }
        if (in >= 5 && out >= 1 && out <= 2)
            return true;
    }
    return false;
}

static bool structuring(const Person *p)
{
    static const int64_t thresholds[] = {100000, 1000000};
    for (size_t k = 0; k < COUNT_OF(thresholds); k++)
        for (size_t from = 0; from < p->count; from++) {
            size_t to = until(p, from, 7 * DAY_US), near = 0;
            for (size_t i = from; i < to; i++) {
                const Move *m = &p->move[i];
                near += (is_in(m) || is_out(m)) && m->amount < thresholds[k] &&
                        m->amount * 10 >= thresholds[k] * 9;
            }
            if (near >= 3)
                return true;
        }
    return false;
}

static bool card_testing(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        size_t to = until(p, from, HOUR_US), small = 0, last = from;
        for (size_t i = from; i < to; i++)
            if (p->move[i].means == CARD && !p->move[i].in && p->move[i].amount > 0 &&
                p->move[i].amount <= 200) {
                small++;
                last = i;
            }
        if (small < 3)
            continue;
        for (size_t i = last; i < until(p, last, DAY_US); i++)
            if (p->move[i].means == CARD && is_out(&p->move[i]) && p->move[i].amount >= 10000)
                return true;
    }
    return false;
}

static bool stolen_card(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        size_t failures = 0;
        for (size_t i = from; i < until(p, from, 10 * MINUTE_US); i++) {
            const Move *m = &p->move[i];
            if (m->means != TOP_UP)
                continue;
            failures += m->failed;
            if (!m->ok || failures < 2)
                continue;
            for (size_t k = i; k < until(p, i, DAY_US); k++)
                if (p->move[k].means == RAMP && is_out(&p->move[k]))
                    return true;
        }
    }
    return false;
}

static bool cycling(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        int64_t left[MOVES_MAX] = {0};
        size_t to = until(p, from, 9 * DAY_US), spent = 0;
        for (size_t i = from; i < to; i++)
            if (is_out(&p->move[i]))
                (void)match(p, from, i, left);
        for (size_t i = from; i < to; i++)
            spent += p->move[i].means == TOP_UP && is_in(&p->move[i]) &&
                     p->move[i].amount >= 5000 && left[i] * 10 >= p->move[i].amount * 9;
        if (spent >= 3)
            return true;
    }
    return false;
}

static bool first_party(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        int64_t reversed = 0, kept = 0;
        for (size_t i = from; i < until(p, from, 8 * DAY_US); i++) {
            const Move *m = &p->move[i];
            if (m->means != CARD || m->in)
                continue;
            reversed += m->reversed ? m->amount : 0;
            kept += m->ok ? m->amount : 0;
        }
        if (reversed >= 30000 && reversed >= kept)
            return true;
    }
    return false;
}

static bool takeover(const Person *p)
{
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        const Move *m = &p->move[i];
        if (!is_out(m) || m->amount == 0)
            continue;
        double x = stable_log((double)m->amount), mean = n == 0 ? 0 : sum / (double)n;
        double variance = n == 0 ? 0 : squares / (double)n - mean * mean;
        bool far = n >= 8 && x > mean && (x - mean) * (x - mean) > 16 * variance;
        size_t first = 0;
        while (p->move[first].means != m->means)
            first++;
        if (far && p->move[first].at >= m->at - DAY_US)
            return true;
        sum += x;
        squares += x * x;
        n++;
    }
    return false;
}

static bool bonus(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        size_t to = until(p, from, 2 * DAY_US), last = from;
        int64_t rewards = 0, came = 0, went = 0;
        if (p->move[from].means != REWARD)
            continue;
        for (size_t i = from; i < to; i++) {
            came += p->move[i].in && p->move[i].ok ? p->move[i].amount : 0;
            rewards += p->move[i].means == REWARD ? p->move[i].amount : 0;
            last = p->move[i].means == REWARD ? i : last;
        }
        for (size_t i = last; i < until(p, last, DAY_US); i++)
            went += is_out(&p->move[i]) ? p->move[i].amount : 0;
        if (rewards >= 2000 && rewards * 2 >= came && went * 10 >= rewards * 9)
            return true;
    }
    return false;
}

static bool burst(const Person *p)
{
    for (size_t i = 1; i < p->count; i++)
        if (p->move[i].at - p->move[i - 1].at >= 14 * DAY_US && until(p, i, DAY_US) - i >= 5)
            return true;
    return false;
}

static bool synthetic_identity(const Person *p)
{
    return p->conflicts >= 2;
}

static bool geo_mismatch(const Person *p)
{
    return p->conflicts >= 1;
}

static bool layering(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        int64_t on = 0, off = 0;
        size_t rounds = 0;
        for (size_t i = from; i < until(p, from, 8 * DAY_US); i++) {
            const Move *m = &p->move[i];
            if (m->means != RAMP || !m->ok)
                continue;
            on += m->in ? 0 : m->amount;
            off += m->in ? m->amount : 0;
            rounds += m->in;
        }
        int64_t low = on < off ? on : off, high = on < off ? off : on;
        if (rounds >= 2 && low >= 30000 && low * 10 > high * 7)
            return true;
    }
    return false;
}

static bool bank_to_crypto(const Person *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->move[i].means != BANK || !is_in(&p->move[i]) || p->move[i].amount < 5000)
            continue;
        for (size_t k = i; k < until(p, i, 48 * HOUR_US + MINUTE_US); k++)
            if (p->move[k].means == RAMP && is_out(&p->move[k]) &&
                p->move[k].amount * 100 >= p->move[i].amount * 79)
                return true;
    }
    return false;
}

static bool outflow(const Person *p)
{
    for (size_t from = 0; from < p->count; from++) {
        int64_t came = 0, went = 0;
        size_t times = 0;
        for (size_t i = from; i < until(p, from, 9 * DAY_US); i++) {
            const Move *m = &p->move[i];
            came += m->in && m->ok ? m->amount : 0;
            if (is_out_not_card(m) && m->amount >= 5000) {
                went += m->amount;
                times++;
            }
        }
        if (times >= 2 && went > came + came / 5)
            return true;
    }
    return false;
}

static const struct {
    Signature *seen;
    double elsewhere; /* at most this share of those of whom the truth says nothing */
} signatures[TYPOLOGIES] = {[TYPOLOGY_PASS_THROUGH] = {pass_through, 0.10},
                            [TYPOLOGY_FUNNEL] = {funnel, 0.15},
                            [TYPOLOGY_STRUCTURING] = {structuring, 0.01},
                            [TYPOLOGY_CARD_TESTING] = {card_testing, 0.01},
                            [TYPOLOGY_STOLEN_CARD_TO_CRYPTO] = {stolen_card, 0.01},
                            [TYPOLOGY_TOP_UP_CYCLING] = {cycling, 0.02},
                            [TYPOLOGY_FIRST_PARTY_ABUSE] = {first_party, 0.04},
                            [TYPOLOGY_ACCOUNT_TAKEOVER] = {takeover, 0.02},
                            [TYPOLOGY_BONUS_ABUSE] = {bonus, 0.02},
                            [TYPOLOGY_DORMANT_BURST] = {burst, 0.01},
                            [TYPOLOGY_SYNTHETIC_IDENTITY] = {synthetic_identity, 0.02},
                            [TYPOLOGY_GEO_MISMATCH] = {geo_mismatch, 0.15},
                            [TYPOLOGY_CRYPTO_LAYERING] = {layering, 0.02},
                            [TYPOLOGY_BANK_TO_CRYPTO] = {bank_to_crypto, 0.20},
                            [TYPOLOGY_OUTFLOW_ABOVE_INFLOW] = {outflow, 0.15}};

/* ---- the bank as people ---- */

static Means means_of(Str type)
{
    static const struct {
        const char *type;
        Means means;
    } all[] = {{"BANK_TRANSFER", BANK},   {"CARD_TOP_UP", TOP_UP}, {"CRYPTO_ON_RAMP", RAMP},
               {"CRYPTO_OFF_RAMP", RAMP}, {"CARDS", CARD},         {"PAYMENTS", PAYMENT},
               {"USER_REWARD", REWARD}};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (str_equal(type, str_from(all[i].type)))
            return all[i].means;
    return OTHER;
}

static int by_at(const void *left, const void *right)
{
    const Move *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

static bool is_french(Str phone)
{
    static const char *const codes[] = {"+33", "+68", "+26", "+59"};
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (str_starts(phone, str_from(codes[i])))
            return true;
    return false;
}

/* All residences are French, overseas territories among them. English is a language of phones
 * everywhere. */
static unsigned conflicts_of(const Rows *users, size_t i)
{
    Str locale = cell(users, i, "locale");
    bool phone = !is_french(cell(users, i, "phone_number_country_code"));
    bool document = !is(users, i, "document_issuing_country", "FR");
    bool language = !str_starts(locale, S("fr_")) && !str_starts(locale, S("en_"));
    return (unsigned)phone + (unsigned)document + (unsigned)language;
}

static Person *people_of(Bank *b, Dictionary *ids)
{
    const Rows *truth = &b->rows[TRUTH];
    for (size_t i = 0; i < truth->count; i++)
        (void)dictionary_add(ids, cell(truth, i, "user_id"));
    Person *person = ARENA_ARRAY(&b->arena, Person, ids->count);
    for (size_t file = LABELLED_USERS; file <= UNLABELLED_USERS; file += 2)
        for (size_t i = 0; i < b->rows[file].count; i++) {
            const Rows *rows = &b->rows[file];
            person[dictionary_find(ids, cell(rows, i, "user_id"))].conflicts =
                conflicts_of(rows, i);
        }
    for (size_t file = LABELLED_ROWS; file <= UNLABELLED_ROWS; file += 2) {
        const Rows *rows = &b->rows[file];
        for (size_t i = 0; i < rows->count; i++) {
            if (is(rows, i, "state", "PENDING"))
                continue;
            Person *p = &person[dictionary_find(ids, cell(rows, i, "user_id"))];
            Move m = {.at = time_of(rows, i, "created_at"),
                      .means = means_of(cell(rows, i, "type")),
                      .in = is(rows, i, "direction", "IN"),
                      .ok = is(rows, i, "state", "COMPLETED"),
                      .failed = is(rows, i, "state", "FAILED"),
                      .reversed = is(rows, i, "state", "REVERSED")};
            assert_true(parse_decimal(cell(rows, i, "amount"), 2, &m.amount));
            *ARENA_PUSH(&b->arena, p->move, p->count, p->capacity) = m;
        }
    }
    for (size_t i = 0; i < ids->count; i++) {
        assert_true(person[i].count <= MOVES_MAX);
        if (person[i].count > 0)
            qsort(person[i].move, person[i].count, sizeof(Move), by_at);
    }
    return person;
}

/* Every row in the file of its cohort, once, and every typology common. */
static SynthOptions rich(uint64_t customers, uint64_t seed)
{
    SynthOptions o = options_of(customers, seed);
    o.imperfections = false;
    o.suspended = 0.5;
    o.lookalikes = 0.2;
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        o.share[t] = 0.08;
    return o;
}

static void signature_is_in_every_customer_with_the_typology_and_rare_elsewhere(void **state)
{
    (void)state;
    SynthOptions o = rich(3000, 41);
    Bank *b = make(&o);
    Dictionary *ids = dictionary_new(&b->arena);
    const Person *person = people_of(b, ids);
    const Rows *truth = &b->rows[TRUTH];
    for (unsigned t = 0; t < TYPOLOGIES; t++) {
        uint64_t with = 0, seen = 0, clean = 0, elsewhere = 0;
        for (size_t i = 0; i < truth->count; i++) {
            bool has = has_pattern(truth, i, t), found;
            bool none =
                cell(truth, i, "typology").size == 0 && cell(truth, i, "lookalike").size == 0;
            if (!has && !none)
                continue;
            found = signatures[t].seen(&person[i]);
            with += has;
            seen += has && found;
            clean += none;
            elsewhere += none && found;
        }
        const char *name = typology_name((Typology)t);
        print_message("%-22s in %4llu of %4llu with it, in %6.3f of %llu without\n", name,
                      (unsigned long long)seen, (unsigned long long)with,
                      (double)elsewhere / (double)clean, (unsigned long long)clean);
        assert_true(with >= 40);
        if (seen != with)
            fail_msg("%s is in %llu of %llu customers who have it", name, (unsigned long long)seen,
                     (unsigned long long)with);
        share_between(name, elsewhere, clean, 0, signatures[t].elsewhere);
    }
    drop(b);
}

static void honest_customers_look_alike(void **state)
{
    (void)state;
    SynthOptions o = rich(1500, 43);
    Bank *b = make(&o);
    Dictionary *ids = dictionary_new(&b->arena);
    const Person *person = people_of(b, ids);
    const Rows *truth = &b->rows[TRUTH];
    uint64_t forwarders = 0, passed = 0, savers = 0, bought = 0;
    for (size_t i = 0; i < truth->count; i++) {
        bool forwarder = has_pattern(truth, i, LOOKALIKE_SALARY_FORWARDER);
        bool saver = has_pattern(truth, i, LOOKALIKE_CRYPTO_SAVER);
        forwarders += forwarder;
        passed += forwarder && pass_through(&person[i]);
        savers += saver;
        bought += saver && bank_to_crypto(&person[i]);
        if (forwarder || saver) {
            assert_true(is(truth, i, "label", "ACTIVE"));
            assert_int_equal(cell(truth, i, "typology").size, 0);
        }
    }
    assert_true(forwarders >= 30 && savers >= 30);
    share_between("salary forwarders who look like pass-through", passed, forwarders, 0.4, 1);
    share_between("savers who look like bank to crypto", bought, savers, 0.95, 1);
    drop(b);
}

static void truth_names_the_transactions_and_their_onset(void **state)
{
    (void)state;
    SynthOptions o = rich(600, 47);
    Bank *b = make(&o);
    Dictionary *moves = dictionary_new(&b->arena);
    size_t total = b->rows[LABELLED_ROWS].count + b->rows[UNLABELLED_ROWS].count;
    Str *user = ARENA_ARRAY(&b->arena, Str, total);
    int64_t *created = ARENA_ARRAY(&b->arena, int64_t, total);
    for (size_t file = LABELLED_ROWS; file <= UNLABELLED_ROWS; file += 2)
        for (size_t i = 0; i < b->rows[file].count; i++) {
            uint32_t id = dictionary_add(moves, cell(&b->rows[file], i, "id"));
            user[id] = cell(&b->rows[file], i, "user_id");
            created[id] = time_of(&b->rows[file], i, "created_at");
        }
    const Rows *truth = &b->rows[TRUTH], *planted = &b->rows[PLANTED];
    size_t at = 0, checked = 0; /* both files are in the order of the customers */
    for (size_t i = 0; i < truth->count; i++) {
        int64_t first[PATTERNS] = {0};
        for (; at < planted->count &&
               str_equal(cell(planted, at, "user_id"), cell(truth, i, "user_id"));
             at++) {
            uint32_t id = dictionary_find(moves, cell(planted, at, "id"));
            assert_true(id < moves->count);
            assert_true(str_equal(user[id], cell(truth, i, "user_id")));
            unsigned t = 0;
            while (!is(planted, at, "typology", typology_name((Typology)t)))
                assert_true(++t < PATTERNS);
            assert_true(has_pattern(truth, i, t));
            if (first[t] == 0 || created[id] < first[t])
                first[t] = created[id];
        }
        Str onset = cell(truth, i, "onset");
        for (unsigned t = 0; t < TYPOLOGIES; t++) {
            if (!has_pattern(truth, i, t))
                continue;
            size_t end = 0;
            while (end < onset.size && onset.data[end] != '+')
                end++;
            int64_t time = 0;
            assert_true(parse_time(str_slice(onset, 0, end), &time));
            onset = end < onset.size ? str_slice(onset, end + 1, onset.size) : S("");
            bool profile = t == TYPOLOGY_SYNTHETIC_IDENTITY || t == TYPOLOGY_GEO_MISMATCH;
            assert_int_equal(first[t] == 0, profile);
            if (!profile)
                assert_int_equal(first[t], time);
            checked++;
        }
        assert_int_equal(onset.size, 0);
    }
    assert_int_equal(at, planted->count);
    assert_true(checked > 200);
    drop(b);
}

static void prevalence_is_what_was_asked_for(void **state)
{
    (void)state;
    SynthOptions o = options_of(4000, 53);
    o.suspended = 0.4;
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        o.share[t] = 0;
    o.share[TYPOLOGY_STRUCTURING] = 0.5;
    o.share[TYPOLOGY_DORMANT_BURST] = 0.1;
    o.overlap = 0.2;
    o.lookalikes = 0;
    Bank *b = make(&o);
    const SynthCounts *n = &b->counts;
    const Rows *truth = &b->rows[TRUTH];
    share_between("suspended", n->suspended + n->suspended_unlabelled, 4000, 0.37, 0.43);
    uint64_t bad = 0, good = 0, structuring_of[2] = {0}, burst_of[2] = {0};
    for (size_t i = 0; i < truth->count; i++) {
        bool suspended = is(truth, i, "label", "SUSPENDED");
        bad += suspended;
        good += !suspended;
        structuring_of[suspended] += has_pattern(truth, i, TYPOLOGY_STRUCTURING);
        burst_of[suspended] += has_pattern(truth, i, TYPOLOGY_DORMANT_BURST);
    }
    share_between("structuring of the suspended", structuring_of[1], bad, 0.46, 0.54);
    share_between("structuring of the others", structuring_of[0], good, 0.08, 0.12);
    share_between("bursts of the suspended", burst_of[1], bad, 0.08, 0.12);
    share_between("bursts of the others", burst_of[0], good, 0.01, 0.03);
    for (unsigned t = 0; t < PATTERNS; t++)
        assert_int_equal(n->planted[t] > 0,
                         t == TYPOLOGY_STRUCTURING || t == TYPOLOGY_DORMANT_BURST);
    drop(b);
}

static void every_typology_at_once_has_room(void **state)
{
    (void)state;
    SynthOptions o = options_of(60, 59);
    o.suspended = 1;
    for (unsigned t = 0; t < TYPOLOGIES; t++)
        o.share[t] = t == TYPOLOGY_ACCOUNT_TAKEOVER ? 0 : 1;
    o.imperfections = false;
    Bank *b = make(&o);
    Dictionary *ids = dictionary_new(&b->arena);
    const Person *person = people_of(b, ids);
    for (size_t i = 0; i < b->rows[TRUTH].count; i++)
        for (unsigned t = 0; t < TYPOLOGIES; t++)
            if (t != TYPOLOGY_ACCOUNT_TAKEOVER) {
                assert_true(has_pattern(&b->rows[TRUTH], i, t));
                if (!signatures[t].seen(&person[i]))
                    fail_msg("%s is not in customer %zu", typology_name((Typology)t), i);
            }
    drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_is_in_every_customer_with_the_typology_and_rare_elsewhere),
        cmocka_unit_test(honest_customers_look_alike),
        cmocka_unit_test(truth_names_the_transactions_and_their_onset),
        cmocka_unit_test(prevalence_is_what_was_asked_for),
        cmocka_unit_test(every_typology_at_once_has_room),
    };
    return cmocka_run_group_tests_name("synth typologies", tests, NULL, NULL);
}
