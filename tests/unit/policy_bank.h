/* policy_bank.h - a small made-up bank of four customers and a policy book for it, for tests of
 * what follows from a probability, from behaviour and from what is known beside. */
#ifndef TESTS_POLICY_BANK_H
#define TESTS_POLICY_BANK_H

#include "policy/policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static inline void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not within %g of %.17g", a, tolerance, b);
}

static inline void same(Str got, const char *want)
{
    if (!str_equal(got, str_from(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static inline void has(Str got, const char *part)
{
    if (!str_contains(got, str_from(part)))
        fail_msg("\"%.*s\" does not hold \"%s\"", STR_ARG(got), part);
}

/* ---- a small bank ---- */

static const char features_book[] =
    "version: 1\n"
    "name: test\n"
    "define:\n"
    "  credit: direction = 'IN'\n"
    "  debit: direction = 'OUT'\n"
    "features:\n"
    "  - {name: early_share, expr: matched(credit to debit within 24h) / sum(amount where credit),"
    " over: first 14d, use: model, family: flow, format: percent, says: Share gone in a day}\n"
    "  - {name: reason, expr: reason_to_use_app, use: model, family: profile, says: Declared "
    "reason}\n"
    "  - {name: inflow, expr: sum(amount where credit), over: all, use: policy, family: size,"
    " format: eur, says: Money received}\n"
    "  - {name: outflow, expr: sum(amount where debit), over: all, use: policy, family: size,"
    " format: eur, says: Money sent}\n"
    "  - {name: passed, expr: matched(credit to debit within 24h), over: all, use: policy,"
    " family: flow, format: eur, says: Money gone in a day}\n"
    "  - {name: share, expr: matched(credit to debit within 24h) / sum(amount where credit), over: "
    "all,"
    " use: policy, family: flow, format: percent, says: Share gone in a day}\n"
    "  - {name: credits, expr: count(credit), over: all, use: policy, family: count, format: count,"
    " says: Credits}\n"
    "  - {name: events, expr: count(), over: all, use: monitor, family: seen, format: count,"
    " says: Events}\n";

#define COSTS                                                                                      \
    "version: 1\n"                                                                                 \
    "name: test\n"                                                                                 \
    "costs: {wrong_exit: 4, missed_risk: 1, review: 0.40, monitor: 0.15}\n"                        \
    "exposure: inflow\n"

#define RULES                                                                                      \
    "insufficient_data: {when: events = 0, because: \"Nothing is on record.\"}\n"                  \
    "rules:\n"                                                                                     \
    "  - id: credits\n"                                                                            \
    "    when: credits >= 3\n"                                                                     \
    "    family: count\n"                                                                          \
    "    severity: supporting\n"                                                                   \
    "    because: \"{credits:count} credits.\"\n"                                                  \
    "    evidence: credits\n"                                                                      \
    "  - id: passed\n"                                                                             \
    "    when: passed >= 50 and inflow >= 100\n"                                                   \
    "    family: flow\n"                                                                           \
    "    severity: severe\n"                                                                       \
    "    because: \"{passed:eur} of {inflow:eur} ({share:percent}) left within a day.\"\n"         \
    "    also: \"Or {share:percent} was saved.\"\n"                                                \
    "    evidence: passed\n"                                                                       \
    "    missing_proof: \"The origin is not yet known.\"\n"                                        \
    "    next_step: \"Ask.\"\n"                                                                    \
    "  - id: share\n"                                                                              \
    "    when: share > 0.8\n"                                                                      \
    "    family: flow\n"                                                                           \
    "    severity: severe\n"                                                                       \
    "    because: \"{share:percent} left within a day.\"\n"                                        \
    "    evidence: passed\n"                                                                       \
    "mitigating:\n"                                                                                \
    "  - id: stays\n"                                                                              \
    "    when: share < 0.5\n"                                                                      \
    "    because: \"Only {share:percent} left.\"\n"

#define SAFEGUARDS                                                                                 \
    "safeguards:\n"                                                                                \
    "  - id: none\n"                                                                               \
    "    when: insufficient_data\n"                                                                \
    "    cap: MONITOR\n"                                                                           \
    "    because: \"No behaviour to judge.\"\n"                                                    \
    "  - id: short\n"                                                                              \
    "    when: credits < 2\n"                                                                      \
    "    cap: ENHANCED_DUE_DILIGENCE\n"                                                            \
    "    because: \"Only {credits:count} credit.\"\n"

#define ACTIONS_                                                                                   \
    "actions:\n"                                                                                   \
    "  - action: PROPOSE_OFFBOARDING\n"                                                            \
    "    when: probability >= threshold_high and exposure >= 100 and rules >= 1\n"                 \
    "    because: \"{families:count} families, {exposure:eur}.\"\n"                                \
    "  - action: ENHANCED_DUE_DILIGENCE\n"                                                         \
    "    when: probability >= threshold_high\n"                                                    \
    "    because: \"{probability:percent} of {threshold_high:percent}.\"\n"                        \
    "  - action: MONITOR\n"                                                                        \
    "    when: probability >= threshold_medium\n"                                                  \
    "    because: \"{probability:percent}.\"\n"

#define BOOK COSTS RULES SAFEGUARDS ACTIONS_

typedef struct Movement {
    size_t customer;
    const char *id;
    const char *direction;
    int64_t cents;
    int hour;
} Movement;

typedef struct Bank {
    Arena keep, scratch;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    PolicyInputs in;
    Decision *made;
} Bank;

static inline void read_books(Bank *b, const char *book)
{
    Error err = {0};
    b->keep = arena_new();
    b->scratch = arena_new();
    if (schema_default(&b->schema, &b->keep, &err) != STATUS_OK ||
        plan_read(&b->plan, &b->keep, str_from(features_book), "features.yaml", b->schema, &err) !=
            STATUS_OK ||
        policy_read(&b->policy, &b->keep, str_from(book), "policy.yaml", b->plan, &err) !=
            STATUS_OK)
        fail_msg("%s:%lld: %s (%s)", err.file, (long long)err.line, err.message, err.remedy);
}

static inline void close_bank(Bank *b)
{
    arena_free(&b->scratch);
    arena_free(&b->keep);
}

static inline void put(Table *t, const char *column, size_t row, const char *text)
{
    assert_true(column_parse(table_find(t, str_from(column)), row, str_from(text)));
}

static inline Table *event_rows(Bank *b, const Movement *m, size_t count)
{
    const SchemaColumn *c = b->schema->transactions.columns.item;
    size_t columns = b->schema->transactions.columns.count;
    Table *t = table_new(&b->keep, S("events"), count, columns);
    for (size_t i = 0; i < columns; i++)
        column_init(&t->column[i], &b->keep, c[i].name.text, (Type)c[i].type, (int)c[i].scale,
                    count, NULL);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        put(t, "id", i, m[i].id);
        put(t, "direction", i, m[i].direction);
        put(t, "state", i, "COMPLETED");
        put(t, "type", i, "BANK_TRANSFER");
        put(t, "currency", i, "EUR");
        (void)snprintf(text, sizeof text, "%lld.%02lld", (long long)(m[i].cents / 100),
                       (long long)(m[i].cents % 100));
        put(t, "amount", i, text);
        (void)snprintf(text, sizeof text, "2024-05-%02d %02d:00:00", 1 + m[i].hour / 24,
                       m[i].hour % 24);
        put(t, "created_at", i, text);
        put(t, "completed_at", i, text);
    }
    return t;
}

static inline Table *profiles(Bank *b, size_t customers)
{
    const SchemaColumn *c = b->schema->customers.columns.item;
    size_t columns = b->schema->customers.columns.count;
    Table *t = table_new(&b->keep, S("customers"), customers, columns);
    for (size_t i = 0; i < columns; i++)
        column_init(&t->column[i], &b->keep, c[i].name.text, (Type)c[i].type, (int)c[i].scale,
                    customers, NULL);
    for (size_t i = 0; i < customers; i++)
        put(t, "reason_to_use_app", i, i % 2 == 0 ? "SAVE" : "CRYPTO");
    return t;
}

/* Movements come sorted by customer and hour. Every customer is given probability .5. */
static inline void open_bank(Bank *b, const char *book, size_t customers, const Movement *m,
                             size_t count)
{
    Error err = {0};
    read_books(b, book);
    Table *profile = profiles(b, customers);
    Collapsed *c = ARENA_NEW(&b->keep, Collapsed);
    c->rows = event_rows(b, m, count);
    c->owner = ARENA_ARRAY(&b->keep, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++)
        c->owner[i] = (uint32_t)m[i].customer;
    int64_t *as_of = ARENA_ARRAY(&b->keep, int64_t, customers + 1);
    Str *id = ARENA_ARRAY(&b->keep, Str, customers);
    uint32_t *row = ARENA_ARRAY(&b->keep, uint32_t, customers);
    for (size_t i = 0; i < customers; i++) {
        assert_true(parse_time(S("2024-06-30"), &as_of[i]));
        id[i] = str_format(&b->keep, "customer-%04zu", i);
        row[i] = (uint32_t)i;
    }
    Events *events;
    Table *features;
    if (events_build(&events, &b->keep, b->plan, profile, c, as_of, &err) != STATUS_OK ||
        feature_table(&features, &b->keep, b->scratch, b->plan, events, NULL, &err) != STATUS_OK)
        fail_msg("%s", err.message);

    /* Three columns: the share, and two levels of the declared reason. */
    size_t columns = 3;
    MatrixPlan *plan = ARENA_NEW(&b->keep, MatrixPlan);
    plan->columns = columns;
    plan->feature = ARENA_ARRAY(&b->keep, uint32_t, columns);
    plan->feature[1] = plan->feature[2] = 1;
    plan->monotone = ARENA_ARRAY(&b->keep, int8_t, columns);
    double *zeros = ARENA_ARRAY(&b->keep, double, customers);
    double *half[3];
    for (size_t k = 0; k < 3; k++) {
        half[k] = ARENA_ARRAY(&b->keep, double, customers);
        for (size_t i = 0; i < customers; i++)
            half[k][i] = 0.5;
    }
    b->in = (PolicyInputs){.events = events,
                           .features = features,
                           .row = row,
                           .id = id,
                           .count = customers,
                           .margin = zeros,
                           .probability = half[0],
                           .probability_low = half[1],
                           .probability_high = half[2],
                           .contribution = ARENA_ARRAY(&b->keep, double, customers *(columns + 1)),
                           .matrix = matrix_new(&b->keep, customers, columns),
                           .columns = plan};
}

static inline void set_probability(Bank *b, size_t customer, double p)
{
    double *probability = (double *)(uintptr_t)b->in.probability;
    probability[customer] = p;
}

static inline double *contributions(Bank *b, size_t customer)
{
    double *all = (double *)(uintptr_t)b->in.contribution;
    return all + customer * (b->in.columns->columns + 1);
}

static inline void decide_all(Bank *b, Team *team)
{
    Error err = {0};
    if (policy_decide(&b->made, &b->keep, b->scratch, b->policy, &b->in, team, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* 0: 120 euros in three credits, all gone within the day. 1: one credit of 1000, 900 gone.
 * 2: nothing at all. 3: 100 in two credits, which stay. */
static const Movement four[9] = {
    {0, "t-2", "IN", 4000, 1},   {0, "t-1", "IN", 4000, 2},   {0, "t-3", "IN", 4000, 3},
    {0, "t-0", "OUT", 12000, 5}, {0, "t-9", "OUT", 100, 100}, {1, "u-1", "IN", 100000, 1},
    {1, "u-2", "OUT", 90000, 2}, {3, "v-1", "IN", 5000, 1},   {3, "v-2", "IN", 5000, 2},
};

static inline const Reason *reason_of(const Decision *d, const char *code)
{
    for (size_t i = 0; i < d->reasons; i++)
        if (str_equal(d->reason[i].code, str_from(code)))
            return &d->reason[i];
    return NULL;
}

/* Everything that a decision says. */
static inline Str printed(Arena *keep, const Decision *d, size_t count)
{
    Buffer out = buffer_new(keep);
    for (size_t i = 0; i < count; i++) {
        buffer_format(&out, "%.*s %a %d %d %d %zu %zu %zu %a\n", STR_ARG(d[i].id), d[i].probability,
                      (int)d[i].segment, (int)d[i].action, (int)d[i].before_safeguards, d[i].rules,
                      d[i].severe_rules, d[i].families, d[i].exposure);
        const Decision *one = &d[i];
        buffer_format(&out, "%d %d %lld %lld\n", (int)one->segment_by_score, (int)one->next.segment,
                      (long long)one->next.since_us, (long long)one->next.lower_since_us);
        buffer_add(&out, one->segment_because);
        buffer_add(&out, one->near_miss);
        buffer_add(&out, one->queue);
        for (size_t k = 0; k < one->measures; k++) {
            buffer_format(&out, "%d", one->measure[k].suffices);
            buffer_add(&out, one->measure[k].sentence);
        }
        for (size_t k = 0; k < one->facts; k++) {
            buffer_format(&out, "%d", one->fact[k].counts);
            buffer_add(&out, one->fact[k].sentence);
        }
        buffer_add(&out, d[i].because);
        for (size_t k = 0; k < d[i].safeguards; k++)
            buffer_add(&out, d[i].safeguard[k]);
        for (size_t k = 0; k < d[i].mitigatings; k++)
            buffer_add(&out, d[i].mitigating[k]);
        for (size_t k = 0; k < d[i].contributions; k++)
            buffer_format(&out, " %a", d[i].contribution[k]);
        for (size_t k = 0; k < d[i].reasons; k++) {
            const Reason *r = &d[i].reason[k];
            const Str texts[] = {r->code,    r->family,        r->severity,  r->sentence,
                                 r->also,    r->missing_proof, r->next_step, r->window,
                                 r->feature, r->value};
            for (size_t t = 0; t < COUNT_OF(texts); t++) {
                buffer_add(&out, texts[t]);
                buffer_char(&out, '|');
            }
            for (size_t t = 0; t < r->transactions; t++)
                buffer_add(&out, r->transaction[t]);
        }
    }
    return buffer_str(&out);
}

#endif
