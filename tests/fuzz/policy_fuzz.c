/* policy_fuzz.c - any bytes as a policy book against the default features: an answer or a
 * refusal with a sentence, never a crash; and what is accepted decides a customer and can be
 * reasoned about. */
#include "prove/prove.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every fact of the book is known, with and without evidence by turns. */
static CaseFacts know_all(Arena *keep, const Policy *policy)
{
    const FactView *fact;
    size_t facts = policy_facts(policy, &fact);
    CaseFacts out = {ARENA_ARRAY(keep, CaseFact *, 1), ARENA_ARRAY(keep, size_t, 1)};
    out.of[0] = ARENA_ARRAY(keep, CaseFact, facts);
    out.count[0] = facts;
    for (size_t i = 0; i < facts; i++)
        out.of[0][i] = (CaseFact){.name = fact[i].name,
                                  .evidence = i % 2 == 0 ? S("case") : S(""),
                                  .since_us = i % 3 == 0 ? 0 : NO_TIME};
    return out;
}

/* One customer without any event: every feature is missing or zero. */
static void decide(Arena *keep, const Plan *plan, const Policy *policy)
{
    Error err = {0};
    Events *events;
    Table *features;
    Decision *made;
    int64_t as_of = 0;
    uint32_t row = 0;
    Str id = S("one");
    double margin = 0, half = 0.5;
    Table *profile = table_new(keep, S("customers"), 1, 0);
    Collapsed none = {
        .rows = table_new(keep, S("events"), 0, plan->schema->transactions.columns.count)};
    const SchemaColumn *c = plan->schema->transactions.columns.item;
    for (size_t i = 0; i < none.rows->columns; i++)
        column_init(&none.rows->column[i], keep, c[i].name.text, (Type)c[i].type, (int)c[i].scale,
                    0, NULL);
    none.owner = &row;
    Arena scratch = arena_new();
    MatrixPlan *columns = matrix_plan(keep, plan, NULL);
    const CaseFacts facts = know_all(keep, policy);
    const Earlier earlier = {true, SEGMENT_HIGH, -1, -1};
    if (events_build(&events, keep, plan, profile, &none, &as_of, &err) != STATUS_OK ||
        feature_table(&features, keep, scratch, plan, events, NULL, &err) != STATUS_OK)
        abort();
    PolicyInputs in = {.events = events,
                       .features = features,
                       .row = &row,
                       .id = &id,
                       .count = 1,
                       .margin = &margin,
                       .probability = &half,
                       .probability_low = &half,
                       .probability_high = &half,
                       .contribution = ARENA_ARRAY(keep, double, columns->columns + 1),
                       .matrix = matrix_new(keep, 1, columns->columns),
                       .columns = columns,
                       .facts = &facts,
                       .earlier = &earlier};
    Status status = policy_decide(&made, keep, scratch, policy, &in, NULL, &err);
    if (status == STATUS_OK) {
        if (made->because.size == 0 && made->action != ACTION_RETAIN)
            abort();
        if (made->action == ACTION_PROPOSE_OFFBOARDING && made->families < 2 && !made->documented)
            abort();
        if (made->action != ACTION_PROPOSE_OFFBOARDING &&
            made->before_safeguards == ACTION_PROPOSE_OFFBOARDING && made->near_miss.size == 0)
            abort();
        if (made->segment < made->segment_by_score)
            abort();
    } else if (err.message[0] == '\0') {
        abort();
    }
    arena_free(&scratch);
}

/* Read once: the books do not change between inputs. */
static const Plan *default_plan(void)
{
    static const Plan *kept;
    static Arena arena;
    Error err = {0};
    Schema *schema;
    Plan *plan;
    if (kept != NULL)
        return kept;
    arena = arena_new();
    if (schema_default(&schema, &arena, &err) != STATUS_OK ||
        plan_read(&plan, &arena, book_default_text("features"), "features.yaml", schema, &err) !=
            STATUS_OK)
        abort();
    return kept = plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena keep = arena_new();
    Error err = {0};
    Policy *policy;
    const Plan *plan = default_plan();
    Str yaml = {(const char *)data, size};
    if (policy_read(&policy, &keep, yaml, "fuzz.yaml", plan, &err) == STATUS_OK) {
        Thresholds t = policy_thresholds(policy);
        if (!(t.medium > 0 && t.medium <= t.high && t.high <= t.offboarding && t.offboarding <= 1))
            abort();
        decide(&keep, plan, policy);
        Arena scratch = arena_new();
        const Proofs *found = prove_policy(&keep, scratch, policy, plan, NULL);
        if (found->errors + found->warnings + found->notes != found->count)
            abort();
        arena_free(&scratch);
    } else if (err.message[0] == '\0') {
        abort();
    }
    arena_free(&keep);
    return 0;
}
