/* features_book.c - a first features book that suits what the files have. */
#include "profile/profile_internal.h"

#include <string.h>

/* One feature, in the words of the book. */
typedef struct Entry {
    const char *name, *expr, *over, *use, *family, *risk, *format, *says;
} Entry;

static void add_entry(Buffer *b, Entry e)
{
    buffer_format(b, "  - name: %s\n    expr: %s\n", e.name, e.expr);
    if (e.over != NULL)
        buffer_format(b, "    over: %s\n", e.over);
    buffer_format(b, "    use: %s\n    family: %s\n", e.use, e.family);
    if (e.risk != NULL)
        buffer_format(b, "    risk: %s\n", e.risk);
    if (e.format != NULL)
        buffer_format(b, "    format: %s\n", e.format);
    buffer_add(b, S("    says: "));
    add_yaml(b, str_from(e.says));
    buffer_char(b, '\n');
}

/* What the expressions are put together from. */
typedef struct Terms {
    Arena *arena;
    const Profile *p;
    Buffer *b;
    const char *amount, *partner; /* partner NULL: none */
    const char *money;            /* the format of amounts */
    const char *early, *days;     /* the model's window, and how it is said */
    const char *event;            /* a condition for transactions, "true" when all rows are */
    bool flows;                   /* money in and money out are known */
} Terms;

static void add(const Terms *t, const char *name, const char *over, const char *use,
                const char *family, const char *risk, const char *format, Str says, Str expr)
{
    Str own = own_name(t->arena, t->p, str_from(name));
    add_entry(t->b, (Entry){str_chars(t->arena, own), str_chars(t->arena, expr), over, use, family,
                            risk, format, str_chars(t->arena, says)});
}

#define TEXT(...) str_format(t->arena, __VA_ARGS__)
/* A feature of the model over the customer's first days. */
#define MODEL(name, family, risk, format, says, ...)                                               \
    add(t, name, t->early, "model", family, risk, format, TEXT(says ", %s", t->days),              \
        TEXT(__VA_ARGS__))
#define POLICY(name, family, format, says, ...)                                                    \
    add(t, name, "all", "policy", family, NULL, format, S(says), TEXT(__VA_ARGS__))
#define MONITOR(name, format, says, ...)                                                           \
    add(t, name, "all", "monitor", "observation", NULL, format, S(says), TEXT(__VA_ARGS__))

static const char *name_text(Arena *arena, Str name)
{
    Buffer b = buffer_new(arena);
    add_name(&b, name);
    buffer_char(&b, '\0');
    return b.data;
}

static const char *equals(Arena *arena, Str column, Str value)
{
    Buffer b = buffer_new(arena);
    add_name(&b, column);
    buffer_add(&b, S(" = "));
    add_literal(&b, value);
    buffer_char(&b, '\0');
    return b.data;
}

/* column in ('A', 'B'): the values that say so; NULL when none does. */
static const char *among(Arena *arena, const Portrait *c, Says what, bool inside)
{
    Buffer b = buffer_new(arena);
    const uint32_t *order = portrait_order(arena, c);
    size_t count = 0;
    add_name(&b, c->name);
    buffer_add(&b, inside ? S(" in (") : S(" not in ("));
    for (size_t i = 0; i < portrait_values(c); i++) {
        if (!value_says(c->value->text[order[i]], what, *arena))
            continue;
        buffer_add(&b, count++ > 0 ? S(", ") : S(""));
        add_literal(&b, c->value->text[order[i]]);
    }
    buffer_add(&b, S(")"));
    buffer_char(&b, '\0');
    return count == 0 ? NULL : b.data;
}

static void add_definitions(const Terms *t)
{
    const Profile *p = t->p;
    const char *done = p->state == NULL ? NULL : among(t->arena, p->state, SAYS_DONE, true);
    const char *failed = p->state == NULL ? NULL : among(t->arena, p->state, SAYS_FAILED, true);
    buffer_add(t->b, S("define:\n"));
    if (p->histories > 0)
        buffer_format(t->b,
                      "  # What comes from the wide columns is no transaction.\n"
                      "  event: %.*s is null\n",
                      STR_ARG(p->series));
    if (done != NULL)
        buffer_format(t->b, "  completed: %s\n", done);
    if (failed != NULL)
        buffer_format(t->b, "  failed: %s\n", failed);
    if (t->flows) {
        Str direction = p->direction == NULL ? S("direction") : p->direction->name;
        Str in = p->direction == NULL ? S("IN") : p->in_value;
        Str out = p->direction == NULL ? S("OUT") : p->out_value;
        const char *also = done == NULL ? "" : "completed and ";
        const char *event = p->histories > 0 ? "event and " : "";
        buffer_format(t->b, "  money_in: %s%s%s\n  money_out: %s%s%s\n", event, also,
                      equals(t->arena, direction, in), event, also,
                      equals(t->arena, direction, out));
    }
    if (p->histories == 0 && done == NULL && failed == NULL && !t->flows)
        buffer_add(t->b, S("  any: true\n"));
}

/* ---- what the model may see ---- */

static void add_flows(const Terms *t)
{
    const char *a = t->amount, *day = t->p->has_clock ? "24h" : "1d";
    buffer_add(t->b, S("  # ---- flow: how fast money that arrives leaves again ----\n"));
    MODEL("early_pass_through", "flow", "up", "percent",
          "Share of the money received that left again within a day",
          "matched(money_in to money_out within %s) / sum(%s where money_in)", day, a);
    MODEL("early_pass_through_3d", "flow", "up", "percent",
          "Share of the money received that left again within 3 days",
          "matched(money_in to money_out within 3d) / sum(%s where money_in)", a);
    if (t->p->has_clock)
        MODEL("early_pass_through_1h", "flow", "up", "percent",
              "Share of the money received that left again within an hour",
              "matched(money_in to money_out within 1h) / sum(%s where money_in)", a);
    MODEL("early_drain", "flow", NULL, "percent",
          "How closely outflow balances inflow (1 is a perfect balance)",
          "least(sum(%s where money_in), sum(%s where money_out)) / greatest(sum(%s where "
          "money_in), sum(%s where money_out))",
          a, a, a, a);
    MODEL("early_outflow_excess", "flow", NULL, t->money, "Outflow in excess of recorded inflow",
          "greatest(sum(%s where money_out) - sum(%s where money_in), 0)", a, a);
}

static void add_sizes(const Terms *t)
{
    const char *a = t->amount;
    buffer_add(t->b, S("\n  # ---- size: how much, and how alike ----\n"));
    static const struct {
        const char *name, *condition, *what;
    } ways[] = {{"in", "money_in", "received"}, {"out", "money_out", "sent"}, {"", NULL, "moved"}};
    size_t from = t->flows ? 0 : 2, to = t->flows ? 2 : 3; /* by direction, or all together */
    for (size_t i = from; i < to; i++) {
        const char *n = t->flows ? TEXT("%s_", ways[i].name).data : "", *w = ways[i].what;
        const char *c = t->flows ? ways[i].condition : t->event;
#define SIZE(suffix, format, says, ...)                                                            \
    add(t, TEXT("early_%s" suffix, n).data, t->early, "model", "size", NULL, format,               \
        TEXT(says " %s, %s", w, t->days), TEXT(__VA_ARGS__))
        SIZE("sum", t->money, "Money", "sum(%s where %s)", a, c);
        SIZE("count", "count", "Number of amounts", "count(%s)", c);
        SIZE("max", t->money, "Largest amount", "max(%s where %s)", a, c);
        SIZE("min", t->money, "Smallest amount", "min(%s where %s)", a, c);
        SIZE("mean", t->money, "Mean amount", "mean(%s where %s)", a, c);
        SIZE("spread", "plain", "Standard deviation over mean of the amounts",
             "sd(%s where %s) / mean(%s where %s)", a, c, a, c);
        SIZE("repeats", "percent", "Share of repeated amounts among those",
             "1 - distinct(%s where %s) / count(%s)", a, c, c);
        SIZE("round", "percent", "Share of amounts in whole hundreds among those",
             "share(mod(%s, 100) = 0 where %s)", a, c);
        if (t->p->created != NULL)
            SIZE("week", t->money, "Most money in any 7 days", "max(sum(%s where %s within 7d))", a,
                 c);
    }
}

static void add_partners(const Terms *t)
{
    const char *partner = t->partner, *a = t->amount;
    buffer_add(t->b, S("\n  # ---- partners: from whom, to whom ----\n"));
    MODEL("early_payers", "partners", NULL, "count", "Different payers",
          "distinct(%s where money_in)", partner);
    MODEL("early_payees", "partners", NULL, "count", "Different payees",
          "distinct(%s where money_out)", partner);
    MODEL("early_payer_concentration", "partners", NULL, "plain",
          "Concentration of payers (1 is a single one)", "concentration(%s where money_in)",
          partner);
    MODEL("early_payee_concentration", "partners", NULL, "plain",
          "Concentration of payees (1 is a single one)", "concentration(%s where money_out)",
          partner);
    if (t->p->created == NULL)
        return;
    MODEL("early_fan_in_7d", "partners", NULL, "count", "Most payers in any 7 days",
          "max(distinct(%s where money_in within 7d))", partner);
    MODEL("early_fan_out_7d", "partners", NULL, "count", "Most payees in any 7 days",
          "max(distinct(%s where money_out within 7d))", partner);
    MODEL("early_sent_back", "partners", NULL, "percent",
          "Share of the money sent that went to who had paid the customer before",
          "sum(%s where money_out and same(%s where money_in) > 0) / sum(%s where money_out)", a,
          partner, a);
    MODEL("early_new_payee_share", "partners", NULL, "percent", "Share of payments to someone new",
          "share(same(%s) = 0 where money_out)", partner);
}

static void add_pace(const Terms *t)
{
    buffer_add(t->b, S("\n  # ---- pace: how many, how dense ----\n"));
    MODEL("early_events", "pace", NULL, "count", "Transactions", "count(%s)", t->event);
    if (t->p->created == NULL)
        return;
    MODEL("early_busiest_day", "pace", NULL, "count", "Most transactions within any 24 hours",
          "max(count(%s within 1d))", t->event);
    MODEL("early_busiest_week", "pace", NULL, "count", "Most transactions within any 7 days",
          "max(count(%s within 7d))", t->event);
    MODEL("early_gap_mean", "pace", NULL, "hours", "Mean time between transactions",
          "mean(since(%s) where %s)", t->event, t->event);
    if (t->p->has_clock && t->p->step_us == 0)
        MODEL("early_night_share", "pace", NULL, "percent",
              "Share of transactions between midnight and 6 (UTC)", "share(hour(%s) < 6 where %s)",
              name_text(t->arena, t->p->created->name), t->event);
}

static void add_kinds(const Terms *t)
{
    const Profile *p = t->p;
    enum { TYPES_SHOWN = 6 };
    if (p->type != NULL && p->type->leak.size == 0 && p->type->ground == NULL) {
        const uint32_t *order = portrait_order(t->arena, p->type);
        buffer_add(t->b, S("\n  # ---- mix: what kinds ----\n"));
        MODEL("early_types", "mix", NULL, "count", "Kinds of transactions", "distinct(%s)",
              name_text(t->arena, p->type->name));
        for (size_t i = 0; i < portrait_values(p->type) && i < TYPES_SHOWN; i++) {
            Str value = p->type->value->text[order[i]];
            if ((size_t)p->type->count[order[i]] * 50 < p->type->filled)
                break;
            add(t, TEXT("early_type_%zu_share", i + 1).data, t->early, "model", "mix", NULL,
                "percent", TEXT("Share of transactions of kind %.*s, %s", STR_ARG(value), t->days),
                TEXT("share(%s where %s)", equals(t->arena, p->type->name, value), t->event));
        }
    }
    if (p->state == NULL || among(t->arena, p->state, SAYS_FAILED, true) == NULL)
        return;
    buffer_add(t->b, S("\n  # ---- states: how attempts ended ----\n"));
    MODEL("early_failed_share", "states", NULL, "percent", "Share of transactions that failed",
          "share(failed where %s)", t->event);
    if (among(t->arena, p->state, SAYS_DONE, true) != NULL && p->created != NULL)
        MODEL("early_failed_then_done", "states", NULL, "count",
              "Completed transactions within an hour of a failed one",
              "count(completed and count(failed within 1h) > 0)");
}

static void add_histories(const Terms *t)
{
    const Profile *p = t->p;
    for (size_t i = 0; i < p->histories; i++) {
        const History *h = &p->history[i];
        const char *mine = equals(t->arena, p->series, h->stem), *a = t->amount;
        buffer_format(t->b, "\n  # ---- the history of %.*s ----\n", STR_ARG(h->stem));
#define HISTORY(suffix, format, says, ...)                                                         \
    add(t, TEXT("history_%zu_" suffix, i + 1).data, t->early, "model", "history", NULL, format,    \
        TEXT(says " of %.*s", STR_ARG(h->stem)), TEXT(__VA_ARGS__))
        HISTORY("mean", t->money, "Mean", "mean(%s where %s)", a, mine);
        HISTORY("max", t->money, "Largest value", "max(%s where %s)", a, mine);
        HISTORY("spread", t->money, "Standard deviation", "sd(%s where %s)", a, mine);
        HISTORY("last", t->money, "Latest value", "last(%s where %s)", a, mine);
        HISTORY("change", t->money, "Latest value less the first",
                "last(%s where %s) - first(%s where %s)", a, mine, a, mine);
    }
}

Str profile_against(Arena *arena, const Profile *p, const Portrait *c)
{
    bool scored = p->customers.rows > p->customers.labelled;
    if (c->leak.size > 0)
        return str_format(arena, "suspected leak: %.*s", STR_ARG(c->leak));
    if (scored && (c->filled_in[0] == 0 || c->filled_in[1] == 0))
        return S("has values in one of the two cohorts only");
    if (c->kind == KIND_TIME)
        return S("a point in time says when a customer joined or was observed");
    if (c->kind == KIND_TEXT)
        return S("has too many different values: it names and does not describe");
    if (portrait_values(c) < 2)
        return S("has one value");
    if ((c->kind == KIND_INTEGER && portrait_values(c) == c->filled && SPEAKS(c, WORD_ID)))
        return S("has a different value for each customer: it is an identifier");
    return S("");
}

static void add_profile(const Terms *t)
{
    const Profile *p = t->p;
    buffer_add(t->b, S("\n  # ---- profile: the customers' own columns, outside the protected "
                       "grounds ----\n"));
    for (size_t k = 0; k < p->customers.columns; k++) {
        const Portrait *c = &p->customers.column[k];
        if (c == p->key || c == p->label.column || c->in_history || c->kind == KIND_EMPTY)
            continue;
        if (c->ground != NULL) {
            add_comment(
                t->b, "  ",
                TEXT("%.*s stands for %s and is not for a model.", STR_ARG(c->name), c->ground));
            continue;
        }
        Str name = name_of_feature(t->arena, c->name), why = profile_against(t->arena, p, c);
        if (is_engine_name(name))
            name = TEXT("column_%.*s", STR_ARG(name));
        const char *column = name_text(t->arena, c->name);
        if (why.size > 0) {
            add_comment(t->b, "  ",
                        TEXT("%.*s %s%.*s.", STR_ARG(c->name), c->leak.size > 0 ? "is a " : "",
                             STR_ARG(why)));
            if (c->leak.size > 0 && c->kind != KIND_TIME)
                buffer_format(t->b,
                              "  # - name: %.*s\n  #   expr: %s\n  #   use: model\n"
                              "  #   family: profile\n  #   says: %.*s\n",
                              STR_ARG(name), column, STR_ARG(name));
            continue;
        }
        buffer_format(t->b, "  - name: %.*s\n    expr: ", STR_ARG(name));
        if (column[0] == '"') /* quotes of the language inside quotes of YAML */
            buffer_format(t->b, "'%s'", column);
        else
            buffer_format(t->b, "%s", column);
        bool strange = profile_unexplained(c, *t->arena);
        if (strange)
            buffer_add(t->b, S("\n    # unsure: no word known here explains it; it may stand for "
                               "a protected ground"));
        buffer_format(t->b,
                      "\n    use: %s\n    family: %s\n    says: ", strange ? "monitor" : "model",
                      strange ? "observation" : "profile");
        add_yaml(t->b, c->name);
        buffer_char(t->b, '\n');
    }
}

/* ---- what rules and sentences speak of, and what is only watched ---- */

static void add_policy(const Terms *t)
{
    const char *a = t->amount, *day = t->p->has_clock ? "24h" : "1d";
    buffer_add(t->b, S("\n  # ---- policy: what rules and sentences speak of, over everything "
                       "known ----\n"));
    POLICY("transactions", "history", "count", "Transactions", "count(%s)", t->event);
    POLICY("largest", "size", t->money, "Largest amount", "max(%s where %s)", a, t->event);
    if (t->flows) {
        POLICY("inflow", "size", t->money, "Money received", "sum(%s where money_in)", a);
        POLICY("outflow", "size", t->money, "Money sent", "sum(%s where money_out)", a);
        POLICY("gone", "flow", t->money, "Money that left within a day of its arrival",
               "matched(money_in to money_out within %s)", day);
        POLICY("gone_share", "flow", "percent", "Share of money received that left within a day",
               "matched(money_in to money_out within %s) / sum(%s where money_in)", day, a);
        POLICY("outflow_excess", "balance", t->money, "Outflow above recorded inflow",
               "sum(%s where money_out) - sum(%s where money_in)", a, a);
    } else {
        POLICY("inflow", "size", t->money, "Money moved; its direction is not known", "sum(%s)", a);
        POLICY("outflow", "size", t->money, "Money moved; its direction is not known", "sum(%s)",
               a);
    }
    if (t->flows && t->partner != NULL && t->p->created != NULL) {
        POLICY("payers_7d", "partners", "count", "Most payers in any 7 days",
               "max(distinct(%s where money_in within 7d))", t->partner);
        POLICY("sent_back", "partners", t->money, "Money sent to who had paid the customer before",
               "sum(%s where money_out and same(%s where money_in) > 0)", a, t->partner);
    }
    if (t->p->state != NULL && among(t->arena, t->p->state, SAYS_FAILED, true) != NULL)
        POLICY("failed_attempts", "states", "count", "Transactions that failed", "count(failed)");
    if (t->p->created != NULL) {
        const char *created = name_text(t->arena, t->p->created->name);
        POLICY("busiest_day", "pace", "count", "Most transactions within any 24 hours",
               "max(count(%s within 1d))", t->event);
        POLICY("history", "history", "days", "Time since the first transaction", "as_of - min(%s)",
               created);
    }
}

static void add_monitor(const Terms *t)
{
    buffer_add(t->b, S("\n  # ---- monitor: known to know what they should not ----\n"));
    MONITOR("events", "count", "Transactions on record", "count()");
    MONITOR("has_events", NULL, "Having any transaction at all", "count() > 0");
    MONITOR("customer_records", "count", "Customer rows merged into one", "records");
    if (t->p->created == NULL)
        return;
    const char *created = name_text(t->arena, t->p->created->name);
    MONITOR("days_since_last", NULL, "Days since the last transaction", "(as_of - max(%s)) / 1d",
            created);
    MONITOR("tenure_days", NULL, "Days since the first transaction", "(as_of - min(%s)) / 1d",
            created);
    MONITOR("active_span_days", NULL, "Days between the first and the last transaction",
            "(max(%s) - min(%s)) / 1d", created, created);
    MONITOR("window_cut_short", NULL, "The first days that the model sees are not over yet",
            "as_of - min(%s) < %dd", created, t->p->window_days);
}

Str profile_features_book(Arena *keep, const Profile *p)
{
    Arena scratch = arena_new();
    Buffer b = buffer_new(keep);
    bool sided = p->source != NULL;
    Terms terms = {.arena = &scratch, .p = p, .b = &b};
    const Terms *t = &terms;
    terms.amount = name_text(&scratch, p->debit != NULL ? S("amount") : p->amount->name);
    terms.partner = sided                ? "partner"
                    : p->partner == NULL ? NULL
                                         : name_text(&scratch, p->partner->name);
    terms.money = "money";
    terms.flows = sided || p->debit != NULL || p->is_signed || p->direction != NULL;
    terms.event = p->histories > 0 ? "event" : "true";
    terms.early = p->created == NULL ? "all" : TEXT("first %dd", p->window_days).data;
    terms.days =
        p->created == NULL ? "all transactions" : TEXT("first %d days", p->window_days).data;
    buffer_add(&b, S("# What is measured, as a start for these files; `assay init` wrote it. "
                     "Change it freely.\n#\n"
                     "# use: model   what the model may see: fixed first days of each customer, "
                     "and profile columns\n"
                     "# use: policy  what rules and sentences may use\n"
                     "# use: monitor what is watched, and tried as a leak, but never decides\n"));
    if (p->created != NULL)
        add_comment(&b, "",
                    TEXT("The model sees the first %d days: three quarters of the customers are "
                         "observed for %.0f days or longer, and a window must be over for most.",
                         p->window_days, p->span_days));
    buffer_add(&b, S("version: 1\nname: "));
    add_yaml(&b, p->name);
    if (p->histories > 0)
        buffer_add(&b, S("\n# Say here why long windows tell nothing of who joined early; take it "
                         "away if months are\n# empty because a customer was not there yet.\n"
                         "observed_equally: the customers' files have the same months for "
                         "everyone"));
    buffer_add(&b, S("\n\n"));
    add_definitions(t);
    buffer_format(&b,
                  "\n# Slices that every figure is given for.\nstrata:\n  ALL: true\n"
                  "  TX: %.*s > 0\n",
                  STR_ARG(own_name(&scratch, p, S("events"))));
    if (p->created != NULL && p->histories == 0)
        buffer_format(&b, "  MAT: %.*s >= %d # those whose first days are over\n",
                      STR_ARG(own_name(&scratch, p, S("tenure_days"))), p->window_days * 2);
    buffer_add(&b, S("\nfeatures:\n"));
    if (terms.flows)
        add_flows(t);
    add_sizes(t);
    if (terms.flows && terms.partner != NULL)
        add_partners(t);
    add_pace(t);
    add_kinds(t);
    add_histories(t);
    add_profile(t);
    add_policy(t);
    add_monitor(t);
    arena_free(&scratch);
    return buffer_str(&b);
}
