/* words.c - what the probes found, as findings: one for each kind of thing, the worst named. */
#include "audit/audit_internal.h"

#include <math.h>
#include <stdlib.h>

void say_list(Findings *f, Severity severity, const char *code, const char *opening, Str done,
              const void *const *list, size_t count, Sentence *words)
{
    if (count == 0)
        return;
    Arena text = arena_new(), names = arena_new();
    Buffer b = buffer_new(&text);
    buffer_format(&b, "%s: ", opening);
    for (size_t i = 0; i < count && i < NAMED; i++) {
        if (i > 0)
            buffer_add(&b, S(", "));
        buffer_add(&b, words(&names, list[i]));
    }
    if (count > NAMED)
        buffer_format(&b, ", and %zu more", count - NAMED);
    findings_add(f, severity, code, count, buffer_str(&b), done);
    arena_free(&names);
    arena_free(&text);
}

static bool in_model(const Probe *p)
{
    return p->about == PROBE_FEATURE && str_equal(p->use, S("model"));
}

static bool policy(const Probe *p)
{
    return p->about == PROBE_FEATURE && str_equal(p->use, S("policy"));
}

Str probe_kind(const Probe *p)
{
    static const char *const kinds[] = {"feature", "customers' column", "transactions' column",
                                        "how observed"};
    return str_from(kinds[p->about]);
}

/* ---- which belongs where ---- */

static bool clear(const Probe *p)
{
    return p->auc.low > AUC_WATCHED && p->label_q <= FALSE_LABEL;
}

static bool strong(const Probe *p)
{
    return p->auc.value >= AUC_STRONG && p->auc.low > AUC_CLEAR && p->label_q <= FALSE_LABEL;
}

/* When and how often a customer was seen. A rule's count (policy) is said with the trailing ones:
 * what a rule reads it reads knowingly. */
static bool observation(const Probe *p)
{
    bool feature = p->about == PROBE_FEATURE && p->sight == SIGHT_OBSERVATION && !policy(p);
    return !in_model(p) && (feature || p->about == PROBE_OBSERVATION) && clear(p);
}

static bool trailing(const Probe *p)
{
    return p->about == PROBE_FEATURE && !in_model(p) && !observation(p) &&
           (p->sight == SIGHT_OPEN || p->sight == SIGHT_OBSERVATION) && clear(p);
}

static bool strong_in_model(const Probe *p)
{
    return in_model(p) && p->leak == LEAK_NONE && strong(p);
}

static bool strong_elsewhere(const Probe *p)
{
    bool feature = p->about == PROBE_FEATURE && !in_model(p) && !observation(p) && !trailing(p);
    bool column = p->about == PROBE_CUSTOMER || p->about == PROBE_TRANSACTION;
    return p->leak == LEAK_NONE && (feature || column) && strong(p);
}

static bool drifts(const Probe *p)
{
    return !p->one_cohort && p->cohort_auc >= COHORT_AUC && p->cohort_q <= FALSE_COHORT &&
           p->stability.psi > p->psi_limit;
}

static const double MISSING_DIFFERENCE = 0.10, MISSING_ERRORS = 4;

static bool missing_differs(const Probe *p, const AuditInputs *in)
{
    double n = (double)in->labelled->rows, m = in->scored == NULL ? 0 : (double)in->scored->rows;
    if (p->one_cohort || n == 0 || m == 0 || (p->about == PROBE_TRANSACTION && p->value.size > 0))
        return false;
    double a = p->missing_labelled, b = p->missing_scored, all = (a * n + b * m) / (n + m);
    double error = sqrt(all * (1 - all) * (1 / n + 1 / m));
    return fabs(a - b) >= MISSING_DIFFERENCE && fabs(a - b) > MISSING_ERRORS * error;
}

/* ---- sentences ---- */

static Str auc_words(Arena *arena, const void *item)
{
    const Probe *p = item;
    return str_format(arena, "%.*s (AUC %.2f [%.2f, %.2f], %s is riskier)", STR_ARG(p->name),
                      p->auc.value, p->auc.low, p->auc.high, p->higher_is_risky ? "more" : "less");
}

static Str drift_words(Arena *arena, const void *item)
{
    const Probe *p = item;
    return str_format(arena, "%.*s (%s, AUC %.2f, PSI %.2f, by chance at most %.2f)",
                      STR_ARG(p->name), in_model(p) ? "in the model" : "not in the model",
                      p->cohort_auc, p->stability.psi, p->psi_limit);
}

static Str missing_words(Arena *arena, const void *item)
{
    const Probe *p = item;
    return str_format(arena, "%.*s (%.0f %% against %.0f %%)", STR_ARG(p->name),
                      100 * p->missing_labelled, 100 * p->missing_scored);
}

static int by_auc(const void *a, const void *b)
{
    const Probe *x = *(const Probe *const *)a, *y = *(const Probe *const *)b;
    if (x->auc.value != y->auc.value)
        return x->auc.value > y->auc.value ? -1 : 1;
    return str_compare(x->name, y->name);
}

static int by_cohort(const void *a, const void *b)
{
    const Probe *x = *(const Probe *const *)a, *y = *(const Probe *const *)b;
    if (in_model(x) != in_model(y))
        return in_model(x) ? -1 : 1;
    if (x->cohort_auc != y->cohort_auc)
        return x->cohort_auc > y->cohort_auc ? -1 : 1;
    return str_compare(x->name, y->name);
}

static size_t choose(const Probe **list, const Audit *a, bool (*which)(const Probe *))
{
    size_t count = 0;
    for (size_t i = 0; i < a->probes; i++)
        if (which(&a->probe[i]))
            list[count++] = &a->probe[i];
    for (size_t i = 0; i < a->columns; i++)
        if (which(&a->column[i]))
            list[count++] = &a->column[i];
    qsort(list, count, sizeof(Probe *), which == drifts ? by_cohort : by_auc);
    if (which != observation)
        return count;
    /* A feature of the book often is one of ours by another name. */
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || list[kept - 1]->auc.value != list[i]->auc.value)
            list[kept++] = list[i];
    return kept;
}

/* ---- what is kept out ---- */

static Str kept_words(Arena *arena, const void *item)
{
    const KeptOut *k = item;
    return str_format(arena, "%.*s", STR_ARG(k->name));
}

static Str leak_what(Arena *arena, const Probe *p)
{
    switch (p->leak) {
    case LEAK_SEPARATES:
        return str_format(
            arena,
            "%.*s alone separates the labels at AUC %.2f [%.2f, %.2f]; %s values are "
            "risky: no honest measure does; it may know the label or what followed it",
            STR_ARG(p->name), p->auc.value, p->auc.low, p->auc.high,
            p->higher_is_risky ? "high" : "low");
    case LEAK_ONE_CLASS:
        return str_format(arena,
                          "%.*s is filled for customers of one class only (AUC alone %.2f): it was "
                          "written when the outcome was known",
                          STR_ARG(p->name), p->auc.value);
    case LEAK_VALUE:
        return str_format(arena,
                          "the value %.*s of %.*s is found with risky customers only: it may have "
                          "been set because of the outcome",
                          STR_ARG(str_slice(p->value, 0, p->value.size < 60 ? p->value.size : 60)),
                          STR_ARG(p->column));
    default:
        return str_format(arena,
                          "the values of %.*s are all different, and their order tells the labels "
                          "at AUC %.2f: it tells when the row was written",
                          STR_ARG(p->name), p->auc.value);
    }
}

/* Of one value two summaries may leak; the column is told once. */
static bool told_before(const Audit *a, const Probe *p, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (a->column[i].leak == p->leak && str_equal(a->column[i].column, p->column) &&
            str_equal(a->column[i].value, p->value))
            return true;
    return false;
}

static void say_leak(const Audit *a, const Probe *p, Findings *f, size_t customers)
{
    Arena text = arena_new(), done = arena_new();
    const void **kept = ARENA_ARRAY(&text, const void *, a->kept_outs + 1);
    size_t count = 0, overruled = 0;
    const KeptOut *reason = NULL;
    for (size_t i = 0; i < a->kept_outs; i++) {
        const KeptOut *k = &a->kept_out[i];
        bool same =
            p->about == PROBE_FEATURE
                ? k->column.size == 0 && str_equal(k->name, p->name)
                : k->column.size > 0 && str_equal(k->column, p->column) && k->leak == p->leak;
        if (!same)
            continue;
        overruled += k->overruled.size > 0;
        reason = k->overruled.size > 0 ? k : reason;
        kept[count++] = k;
    }
    Buffer b = buffer_new(&done);
    for (size_t i = 0; i < count && i < NAMED; i++)
        buffer_format(&b, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(kept_words(&text, kept[i])));
    if (count > NAMED)
        buffer_format(&b, " and %zu more", count - NAMED);
    if (count == 0)
        buffer_add(&b, p->about == PROBE_FEATURE ? S("nothing is known of the book")
                                                 : S("no feature of the model reads it"));
    else if (overruled == 0)
        buffer_format(&b,
                      " %s kept out of the model; `leak_overruled: \"why\"` in the features "
                      "book would overrule this",
                      count == 1 ? "is" : "are");
    else
        buffer_format(&b, ": %zu of %zu left in the model, for the book says of %.*s: %.*s",
                      overruled, count, STR_ARG(reason->name), STR_ARG(reason->overruled));
    Severity severity = count > 0 || p->about == PROBE_FEATURE ? SEVERITY_SEVERE : SEVERITY_WARNING;
    findings_add(f, severity, str_chars(&text, leak_code(p->leak)), customers, leak_what(&text, p),
                 buffer_str(&b));
    arena_free(&text);
    arena_free(&done);
}

void audit_words(const Audit *a, const AuditInputs *in, Findings *f)
{
    Arena own = arena_new();
    const Probe **list = ARENA_ARRAY(&own, const Probe *, a->probes + a->columns + 1);
    const void *const *all = (const void *const *)list;
    size_t count;
    for (size_t i = 0; i < a->columns; i++)
        if (a->column[i].leak != LEAK_NONE && !told_before(a, &a->column[i], i))
            say_leak(a, &a->column[i], f, in->labelled->rows);
    for (size_t i = 0; i < a->probes; i++) {
        bool column = false; /* which was told with its features */
        for (size_t k = 0; k < a->kept_outs; k++)
            column = column || (a->kept_out[k].column.size > 0 &&
                                str_equal(a->kept_out[k].name, a->probe[i].name));
        if (a->probe[i].leak != LEAK_NONE && !column)
            say_leak(a, &a->probe[i], f, in->labelled->rows);
    }
    count = choose(list, a, observation);
    say_list(f, SEVERITY_WARNING, "observation_leak",
             "when and how often customers were observed tells the label, because it follows a "
             "suspension as well as it may precede one",
             S("kept from the model: no feature of it may read how long, how lately or in how many "
               "rows a customer was seen"),
             all, count, auc_words);
    count = choose(list, a, trailing);
    say_list(f, SEVERITY_INFO, "trailing_behaviour",
             "behaviour over windows that end at the extract tells the label; a suspension cuts "
             "such windows short, so part of this may be its shadow",
             S("not in the model; rules that read it should be judged by what they find"), all,
             count, auc_words);
    count = choose(list, a, strong_in_model);
    say_list(f, SEVERITY_WARNING, "strong_feature",
             "features of the model that separate the labels well alone",
             S("used by the model: check that each is known before the label"), all, count,
             auc_words);
    count = choose(list, a, strong_elsewhere);
    say_list(f, SEVERITY_INFO, "strong_outside_model",
             "columns and features outside the model that separate the labels well alone",
             S("not in the model"), all, count, auc_words);
    count = choose(list, a, drifts);
    say_list(f, SEVERITY_WARNING, "cohort_drift",
             "columns that tell the customers to be scored from the labelled ones",
             S("judge the model by the stratum that resembles the customers to be scored"), all,
             count, drift_words);
    count = 0;
    for (size_t i = 0; i < a->probes; i++)
        if (missing_differs(&a->probe[i], in))
            list[count++] = &a->probe[i];
    for (size_t i = 0; i < a->columns; i++)
        if (missing_differs(&a->column[i], in))
            list[count++] = &a->column[i];
    say_list(f, SEVERITY_WARNING, "cohort_missing",
             "columns missing more often in one cohort than in the other (labelled against scored)",
             S("missing values keep their own place in the model; check why they differ"), all,
             count, missing_words);
    arena_free(&own);
}
