/* case_fuzz.c - any bytes as a file of case facts, and as the decisions of an earlier run: read or
 * refused with a sentence that no terminal would obey; what is read is the book's and known by
 * then.
 *
 * The first byte chooses which of the two, the rest is the file. */
#include "score/score_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUSTOMERS = 3, EVIDENCE_MAX = 200 };

static void must(bool claim)
{
    if (!claim)
        abort();
}

static const Policy *default_policy(void)
{
    static const Policy *kept;
    static Arena arena;
    Error err = {0};
    Schema *schema;
    Plan *plan;
    Policy *policy;
    if (kept != NULL)
        return kept;
    arena = arena_new();
    must(schema_default(&schema, &arena, &err) == STATUS_OK);
    must(plan_read(&plan, &arena, book_default_text("features"), "features.yaml", schema, &err) ==
         STATUS_OK);
    must(policy_read(&policy, &arena, book_default_text("policy"), "policy.yaml", plan, &err) ==
         STATUS_OK);
    return kept = policy;
}

static void check_facts(const CaseFacts *facts, const Policy *policy, int64_t as_of_us)
{
    const FactView *view;
    size_t views = policy_facts(policy, &view);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        must(facts->count[i] <= views);
        for (size_t k = 0; k < facts->count[i]; k++) {
            const CaseFact *fact = &facts->of[i][k];
            bool known = false;
            for (size_t v = 0; v < views; v++)
                known = known || str_equal(view[v].name, fact->name);
            must(known && fact->since_us <= as_of_us && fact->evidence.size <= EVIDENCE_MAX);
            for (size_t c = 0; c < fact->evidence.size; c++)
                must((unsigned char)fact->evidence.data[c] >= 0x20);
        }
    }
}

static void check_error(const Error *err)
{
    must(err->message[0] != '\0');
    for (const char *c = err->message; *c != '\0'; c++)
        must((unsigned char)*c >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Str ids[CUSTOMERS] = {{"a", 1}, {"b", 1}, {"c", 1}};
    const Policy *policy = default_policy();
    if (size == 0)
        return 0;
    Arena keep = arena_new(), scratch = arena_new();
    Error err = {0};
    Str text = {(const char *)data + 1, size - 1};
    Dataset d = {.customers = CUSTOMERS, .id = ids, .findings = findings_new(&keep)};
    must(parse_time(S("2024-06-30"), &d.as_of_us));
    CaseFacts *facts;
    Earlier *earlier;
    Status status;
    if (data[0] % 2 == 0) {
        status = case_facts_read(&facts, &keep, scratch, "fuzz.csv", &text, 0, policy, &d, &err);
        if (status == STATUS_OK)
            check_facts(facts, policy, d.as_of_us);
    } else {
        status = case_earlier_read(&earlier, &keep, scratch, "fuzz.csv", &text, &d, &err);
        for (size_t i = 0; status == STATUS_OK && i < CUSTOMERS; i++)
            must(!earlier[i].known ||
                 (earlier[i].since_us <= d.as_of_us && earlier[i].lower_since_us <= d.as_of_us));
    }
    if (status != STATUS_OK)
        check_error(&err);
    arena_free(&scratch);
    arena_free(&keep);
    return 0;
}
