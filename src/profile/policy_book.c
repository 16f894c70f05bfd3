/* policy_book.c - a first policy book over the features of the first features book. */
#include "profile/profile_internal.h"

static void add_rule(Buffer *b, const char *id, Str when, const char *family, const char *severity,
                     const char *because, const char *also, const char *evidence,
                     const char *missing, const char *next)
{
    buffer_format(b,
                  "  - id: %s\n    when: %.*s\n    family: %s\n    severity: %s\n"
                  "    because: \"%s\"\n    also: \"%s\"\n    evidence: %s\n"
                  "    missing_proof: \"%s\"\n    next_step: \"%s\"\n",
                  id, STR_ARG(when), family, severity, because, also, evidence, missing, next);
}

/* A tenth of what the median customer moves is worth a look. */
static double bound(const Profile *p)
{
    return p->typical < 10 ? 1 : p->typical / 10;
}

static bool fails(const Profile *p, Arena scratch)
{
    return p->state != NULL && portrait_saying(p->state, SAYS_FAILED, scratch) > 0;
}

static void add_rules(const Profile *p, Buffer *b, Arena scratch)
{
    bool flows = p->source != NULL || p->debit != NULL || p->is_signed || p->direction != NULL;
    bool partners = p->source != NULL || p->partner != NULL;
    Arena *a = &scratch;
#define MONEY(text)  str_format(a, text, ":money").data
#define MONEY2(text) str_format(a, text, ":money", ":money").data
    buffer_add(b, S("rules:\n"));
    if (flows) {
        add_rule(b, "gone_within_a_day",
                 str_format(a, "gone_share >= 0.8 and inflow >= %.0f", bound(p)), "pass_through",
                 "severe",
                 MONEY2("{gone%s} of {inflow%s} received ({gone_share:percent}) left again within "
                        "a day. Consistent with money that only passes through."),
                 "Everyday spending soon after a salary, or saving elsewhere, is also possible.",
                 "gone", "Where the money came from, and to whom it went, is not yet explained.",
                 "Ask for the origin of the largest credits and the purpose of what followed.");
        add_rule(b, "unrecorded_funds", str_format(a, "outflow_excess > %.0f", bound(p)), "balance",
                 "supporting",
                 MONEY2("{outflow%s} left against {inflow%s} of recorded inflow. The source of the "
                        "difference is not yet explained."),
                 "Credits before the data begins are also possible.", "outflow",
                 "The credits that funded the difference are not on record.",
                 "Look for the missing credits in the ledger; only then ask the customer.");
    }
    if (flows && partners && p->created != NULL) {
        add_rule(b, "many_payers", str_format(a, "payers_7d >= %d", p->many_payers), "collection",
                 "supporting",
                 "{payers_7d:count} different payers sent money within 7 days. Consistent with "
                 "collecting for others.",
                 "Selling things, or collecting for a common gift, is also possible.", "payers_7d",
                 "What these payments are for is not yet known.", "Ask what the payments are for.");
        add_rule(b, "sent_back", str_format(a, "sent_back >= %.0f", bound(p)), "circle",
                 "supporting",
                 MONEY("{sent_back%s} went to accounts that had paid the customer before. "
                       "Consistent with money that goes in a circle."),
                 "Refunds, shared expenses and own accounts elsewhere are also possible.",
                 "sent_back", "The relation to these partners is not yet known.",
                 "Ask for the relation to the partners and the purpose of the payments.");
    }
    if (fails(p, scratch))
        add_rule(b, "failed_attempts",
                 S("failed_attempts >= 5 and failed_attempts >= 0.5 * "
                   "transactions"),
                 "testing", "supporting",
                 "{failed_attempts:count} of {transactions:count} transactions failed. Consistent "
                 "with trying out what works.",
                 "A card or account without cover looks the same.", "failed_attempts",
                 "Why the attempts failed is not yet known.",
                 "Look at the reasons of the failures.");
    if (p->created != NULL)
        add_rule(b, "burst", str_format(a, "busiest_day >= %d", p->busy_day), "pace", "supporting",
                 "{busiest_day:count} transactions within 24 hours.",
                 "A business, or one busy day of a person, looks the same.", "busiest_day",
                 "What the transactions of that day were for is not yet known.",
                 "Look at the transactions of that day together.");
    else
        add_rule(b, "large_amount", str_format(a, "largest >= %.0f", 20 * p->typical), "size",
                 "supporting", MONEY("An amount of {largest%s} was moved."),
                 "A house or a car is also possible.", "largest",
                 "What the amount was for is not yet known.", "Ask for its purpose.");
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
}

/* The words of conditions and placeholders under the names that the features book gave them. */
static Str with_own_names(Arena *keep, const Profile *p, Str text)
{
    static const char *const places[] = {"when: ", "exposure: ", "evidence: "};
    Buffer b = buffer_new(keep);
    bool condition = false;
    for (size_t i = 0; i < text.size;) {
        char c = text.data[i], before = i > 0 ? text.data[i - 1] : '\n';
        for (size_t k = 0; k < COUNT_OF(places); k++)
            condition = condition || str_starts(str_slice(text, i, text.size), str_from(places[k]));
        condition = condition && c != '\n';
        size_t end = i;
        while (end < text.size && is_name_byte(text.data[end]))
            end++;
        if (end == i) {
            buffer_char(&b, c);
            i++;
            continue;
        }
        Str word = str_slice(text, i, end);
        bool place = end < text.size && text.data[end] == ':' && before != '{';
        bool names = ((condition && !place) || before == '{') && !is_engine_name(word);
        buffer_add(&b, names ? own_name(keep, p, word) : word);
        i = end;
    }
    return buffer_str(&b);
}

Str profile_policy_book(Arena *keep, const Profile *p)
{
    Arena scratch = arena_new();
    Buffer b = buffer_new(keep);
    bool timed = p->created != NULL;
    const char *money = ":money";
    buffer_add(
        &b, S("# What follows from a probability and from a customer's facts, as a start for these "
              "files;\n# `assay init` wrote it. assay proposes, people decide; docs/policy.md "
              "explains every key.\n#\n"));
    add_comment(&b, "",
                str_format(&scratch,
                           "The bounds on money are a tenth of the median customer's turnover in "
                           "these files, about %.0f; those on counts are what one customer in "
                           "twenty reaches. They are not tested: look at some customers with each "
                           "pattern, and set them.",
                           p->typical));
    buffer_add(&b, S("version: 1\nname: "));
    add_yaml(&b, p->name);
    buffer_add(
        &b,
        S("\n\n# Relative to the cost of missing one risky customer; they are the bank's to set.\n"
          "costs:\n  missed_risk: 1\n  wrong_exit: 4   # above 4 / (4 + 1) = 0.80: "
          "threshold_offboarding\n  review: 0.40    # above 0.40: threshold_high\n"
          "  monitor: 0.15   # above 0.15: threshold_medium\n\n"
          "# What analysts can review of the customers scored together; say it, and the report "
          "says\n"
          "# whether they can keep up.\n"
          "# capacity: {reviews: 20, per: month}\n\n"
          "# The guarantee that the report looks for.\n"
          "certify: {precision: 0.80, confidence: 0.95}\n\n"
          "exposure: greatest(inflow, outflow)\n\n"
          "insufficient_data:\n  when: events = 0\n"
          "  because: \"No transaction is on record, so the score rests on the profile alone and "
          "says little.\"\n\n"
          "# A family is one kind of evidence and counts once, however many of its rules fire.\n"));
    add_rules(p, &b, scratch);
    buffer_format(&b,
                  "\nmitigating:\n  - id: small_amounts\n    when: inflow < %.0f and outflow < "
                  "%.0f\n    because: \"The amounts are small: {inflow%s} received and "
                  "{outflow%s} sent in all.\"\n",
                  bound(p), bound(p), money, money);
    if (timed)
        buffer_add(&b, S("  - id: long_history\n    when: history >= 180d and transactions >= 50\n"
                         "    because: \"The account shows {transactions:count} transactions over "
                         "{history:days}.\"\n"));
    buffer_add(&b,
               S("\nsafeguards:\n  - id: no_transactions\n    when: insufficient_data\n"
                 "    cap: MONITOR\n    because: \"Without any transaction there is no behaviour "
                 "to judge.\"\n  - id: little_history\n"));
    buffer_format(&b,
                  "    when: %s\n    cap: ENHANCED_DUE_DILIGENCE\n    because: \"The history is "
                  "short: {transactions:count} transactions%s.\"\n",
                  timed ? "transactions < 5 or history < 14d" : "transactions < 5",
                  timed ? " over {history:days}" : "");
    buffer_add(
        &b,
        S("  - id: uncertain_score\n    when: probability_low < threshold_medium\n"
          "    cap: ENHANCED_DUE_DILIGENCE\n    because: \"The score is uncertain: its interval "
          "runs from {probability_low:percent} to {probability_high:percent}.\"\n\n"
          "# The first whose condition holds, gravest first; RETAIN is the rest.\nactions:\n"));
    buffer_format(
        &b,
        "  - action: PROPOSE_OFFBOARDING\n    when: probability >= threshold_high and families >= "
        "2 and severe_rules >= 1 and exposure >= %.0f\n    because: \"The score of "
        "{probability:percent} is above the review bound of {threshold_high:percent}, "
        "{families:count} independent kinds of evidence agree, at least one of them severe, and "
        "{exposure%s} is at stake.\"\n",
        bound(p), money);
    buffer_format(
        &b,
        "  - action: PROPOSE_OFFBOARDING\n    when: probability >= threshold_offboarding and "
        "families >= 2 and exposure >= %.0f\n    because: \"The score of "
        "{probability:percent} is above the bound of {threshold_offboarding:percent}, "
        "{families:count} independent kinds of evidence agree, and {exposure%s} is at stake.\"\n",
        bound(p), money);
    buffer_add(&b,
               S("  - action: ENHANCED_DUE_DILIGENCE\n    when: probability >= threshold_high\n"
                 "    because: \"The score of {probability:percent} is above the review bound of "
                 "{threshold_high:percent}.\"\n"
                 "  - action: ENHANCED_DUE_DILIGENCE\n    when: severe_rules >= 1\n"
                 "    because: \"Severe patterns not yet explained: {severe_rules:count}, with a "
                 "score of {probability:percent}.\"\n"
                 "  - action: MONITOR\n    when: probability >= threshold_medium\n"
                 "    because: \"The score of {probability:percent} is above the monitoring bound "
                 "of {threshold_medium:percent}.\"\n"
                 "  - action: MONITOR\n    when: rules >= 1\n"
                 "    because: \"Supporting patterns seen: {rules:count}, with a score of "
                 "{probability:percent}.\"\n\n"
                 "otherwise: \"The score of {probability:percent} is below the monitoring bound of "
                 "{threshold_medium:percent} and no pattern of the rules was seen.\"\n"));
    arena_free(&scratch);
    return with_own_names(keep, p, buffer_str(&b));
}
