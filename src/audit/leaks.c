#include "audit/audit_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* From here on a column is remarkable. The AUC must reach its mark and the interval must lie
 * clear of chance, so that five suspended customers do not make a leak. Of a watched column
 * (monitor, audit) the interval alone decides. */
static const double AUC_MODEL_SEVERE = 0.90, AUC_KEPT_OUT = 0.80, AUC_CLEAR = 0.65,
                    AUC_WATCHED = 0.55;
static const double COHORT_AUC = 0.75;
static const double MISSING_DIFFERENCE = 0.10, MISSING_ERRORS = 4;
enum { LISTED = 5, NAMED = 8 }; /* findings of one column each; names in a sentence */
enum { SHUFFLES_ENOUGH = 20 };  /* fewer judge little */

/* ---- one column as numbers ---- */

typedef struct Probing {
    const AuditInputs *inputs;
    uint64_t seed;
    Probe *probe;
} Probing;

/* Levels of a category in both cohorts by one dictionary, so that equal texts are equal
 * levels; missing is a level too. Answers how many there are. */
static size_t levels_of(uint32_t *level, const Column *c, size_t rows, Dictionary *names)
{
    for (size_t i = 0; i < rows; i++)
        level[i] =
            column_valid(c, i) ? 1 + dictionary_add(names, c->dictionary->text[c->code[i]]) : 0;
    return names->count + 1;
}

/* The share of positives of each row's level, counted on the other folds, so that a level of
 * one customer says nothing about itself: an identifier scores chance, not 1. */
static void level_scores(double *score, const uint32_t *level, size_t levels, const uint8_t *label,
                         size_t rows, uint64_t seed, Arena scratch)
{
    enum { FOLDS = 5 };
    uint32_t *fold = ARENA_RAW(&scratch, uint32_t, rows);
    learn_folds(fold, label, NULL, rows, FOLDS, seed);
    size_t positives = 0;
    for (size_t i = 0; i < rows; i++)
        positives += label[i] != 0;
    double prior = (double)positives / (double)rows;
    for (uint32_t k = 0; k < FOLDS; k++) {
        Arena own = scratch;
        double *risky = ARENA_ARRAY(&own, double, levels), *all = ARENA_ARRAY(&own, double, levels);
        for (size_t i = 0; i < rows; i++)
            if (fold[i] != k) {
                risky[level[i]] += label[i] != 0;
                all[level[i]] += 1;
            }
        for (size_t i = 0; i < rows; i++)
            if (fold[i] == k)
                score[i] = (risky[level[i]] + prior) / (all[level[i]] + 1);
    }
}

/* Direction-free AUC of a column against a label. Of numbers a missing one stands below or
 * above all, whichever tells more; of categories missing is a level. */
static double column_auc(const double *value, const uint8_t *label, size_t rows, bool *higher,
                         Arena scratch)
{
    double *score = ARENA_RAW(&scratch, double, rows), best = 0.5;
    *higher = true;
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < rows; i++)
            score[i] = is_missing(value[i]) ? (side == 0 ? -INFINITY : INFINITY) : value[i];
        double auc = metric_auc(score, label, rows, scratch);
        if (auc > best || 1 - auc > best) {
            *higher = auc > 0.5;
            best = *higher ? auc : 1 - auc;
        }
    }
    return best;
}

/* Source: Hanley and McNeil 1982, equations 1 and 2. */
static Interval auc_interval(double auc, size_t positives, size_t negatives)
{
    double q1 = auc / (2 - auc), q2 = 2 * auc * auc / (1 + auc);
    double m = (double)positives, n = (double)negatives;
    double variance =
        (auc * (1 - auc) + (m - 1) * (q1 - auc * auc) + (n - 1) * (q2 - auc * auc)) / (m * n);
    double error = 1.959963984540054 * sqrt(variance > 0 ? variance : 0);
    double low = auc - error, high = auc + error;
    return (Interval){auc, low < 0 ? 0 : low, high > 1 ? 1 : high};
}

static double missing_share(const Column *c, size_t rows)
{
    size_t missing = 0;
    for (size_t i = 0; i < rows; i++)
        missing += !column_valid(c, i);
    return rows == 0 ? 0 : (double)missing / (double)rows;
}

/* Population stability over levels, the rest of metric_psi's rules kept: an empty side counts
 * as half a customer. */
static Stability level_stability(const uint32_t *level, size_t n, const uint32_t *scored, size_t m,
                                 size_t levels, Arena scratch)
{
    size_t *before = ARENA_ARRAY(&scratch, size_t, levels);
    size_t *after = ARENA_ARRAY(&scratch, size_t, levels);
    for (size_t i = 0; i < n; i++)
        before[level[i]]++;
    for (size_t i = 0; i < m; i++)
        after[scored[i]]++;
    Stability out = {0};
    for (size_t k = 0; k < levels; k++) {
        if (before[k] + after[k] == 0)
            continue;
        out.bins++;
        double e = (before[k] == 0 ? 0.5 : (double)before[k]) / (double)n;
        double a = (after[k] == 0 ? 0.5 : (double)after[k]) / (double)m;
        out.psi += (a - e) * stable_log(a / e);
    }
    out.null_mean = ((double)out.bins - 1) * (1 / (double)n + 1 / (double)m);
    return out;
}

/* Without drift PSI is about (1/n + 1/m) times a chi-squared of bins - 1 degrees (Yurdakul
 * 2018): beyond three of its standard deviations is beyond noise. */
static bool drifts(const Probe *p, size_t n, size_t m)
{
    if (!(p->cohort_auc >= COHORT_AUC) || p->stability.bins < 2)
        return false;
    double unit = 1 / (double)n + 1 / (double)m, degrees = (double)p->stability.bins - 1;
    return p->stability.psi > unit * (degrees + 3 * sqrt(2 * degrees));
}

typedef struct Numbers {
    double *value;   /* of both cohorts, labelled first */
    float *narrow;   /* the same for metric_psi */
    uint32_t *level; /* of a category */
    size_t levels;
} Numbers;

static Numbers numbers_of(Arena *arena, const Column *a, size_t n, const Column *b, size_t m)
{
    Numbers out = {0};
    if (a->type == TYPE_CATEGORY || a->type == TYPE_TEXT) {
        Dictionary *names = dictionary_new(arena);
        out.level = ARENA_RAW(arena, uint32_t, n + m);
        out.levels = levels_of(out.level, a, n, names);
        if (b != NULL)
            out.levels = levels_of(out.level + n, b, m, names);
    } else {
        out.value = ARENA_RAW(arena, double, n + m);
        out.narrow = ARENA_RAW(arena, float, n + m);
        for (size_t i = 0; i < n + m; i++) {
            out.value[i] = i < n ? cell_double(a, i) : cell_double(b, i - n);
            out.narrow[i] = (float)out.value[i];
        }
    }
    return out;
}

static double numbers_auc(const Numbers *numbers, const uint8_t *label, size_t rows, bool *higher,
                          uint64_t seed, Arena scratch)
{
    if (numbers->level == NULL)
        return column_auc(numbers->value, label, rows, higher, scratch);
    double *score = ARENA_RAW(&scratch, double, rows);
    level_scores(score, numbers->level, numbers->levels, label, rows, seed, scratch);
    *higher = true;
    /* Rates on other folds have a direction already: below chance is chance. */
    double auc = metric_auc(score, label, rows, scratch);
    return auc > 0.5 ? auc : 0.5;
}

static void probe_task(void *context, size_t task, Arena scratch)
{
    Probing *t = context;
    const Table *labelled = t->inputs->labelled, *scored = t->inputs->scored;
    const Column *a = &labelled->column[task];
    const Column *b = scored == NULL ? NULL : &scored->column[task];
    size_t n = labelled->rows, m = scored == NULL ? 0 : scored->rows, positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += t->inputs->label[i] != 0;
    Numbers numbers = numbers_of(&scratch, a, n, b, m);
    uint64_t seed = seed_derive(t->seed, task);

    Probe *p = &t->probe[task];
    *p = (Probe){.name = a->name, .use = t->inputs->use[task], .cohort_auc = (double)NAN};
    double auc = numbers_auc(&numbers, t->inputs->label, n, &p->higher_is_risky, seed, scratch);
    p->auc = auc_interval(auc, positives, n - positives);
    p->missing_labelled = missing_share(a, n);
    if (m > 0 && n > 0) {
        uint8_t *cohort = ARENA_ARRAY(&scratch, uint8_t, n + m);
        for (size_t i = n; i < n + m; i++)
            cohort[i] = 1;
        bool higher;
        p->missing_scored = missing_share(b, m);
        p->cohort_auc = numbers_auc(&numbers, cohort, n + m, &higher, seed, scratch);
        p->stability =
            numbers.level == NULL
                ? metric_psi(numbers.narrow, n, numbers.narrow + n, m, scratch)
                : level_stability(numbers.level, n, numbers.level + n, m, numbers.levels, scratch);
    }
}

/* ---- judging ---- */

static bool in_model(const Probe *p)
{
    return str_equal(p->use, S("model"));
}

static bool missing_differs(const Probe *p, size_t n, size_t m)
{
    if (n == 0 || m == 0)
        return false;
    double a = p->missing_labelled, b = p->missing_scored;
    double all = (a * (double)n + b * (double)m) / (double)(n + m);
    double error = sqrt(all * (1 - all) * (1 / (double)n + 1 / (double)m));
    return fabs(a - b) >= MISSING_DIFFERENCE && fabs(a - b) > MISSING_ERRORS * error;
}

/* Columns that are only watched: the book holds that they say how a customer was observed, so
 * any clear separation by them is a leak worth naming. */
static bool watched(const Probe *p)
{
    return str_equal(p->use, S("monitor")) || str_equal(p->use, S("audit"));
}

static bool separates(const Probe *p)
{
    if (watched(p))
        return p->auc.low > AUC_WATCHED;
    return p->auc.value >= AUC_KEPT_OUT && p->auc.low > AUC_CLEAR;
}

static Severity severity_of(const Probe *p, size_t n, size_t m)
{
    if (in_model(p) && separates(p) && p->auc.value >= AUC_MODEL_SEVERE)
        return SEVERITY_SEVERE;
    bool warn = separates(p) || drifts(p, n, m) || missing_differs(p, n, m);
    return warn ? SEVERITY_WARNING : SEVERITY_INFO;
}

static int worst_first(const void *a, const void *b)
{
    const Probe *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->auc.value != y->auc.value)
        return x->auc.value > y->auc.value ? -1 : 1;
    return str_compare(x->name, y->name);
}

/* ---- in words ---- */

static void say_leak(Findings *f, const Probe *p, uint64_t rows, Arena scratch)
{
    Str what = str_format(
        &scratch, "%.*s alone separates the labels at AUC %.2f [%.2f, %.2f]; %s values are risky",
        STR_ARG(p->name), p->auc.value, p->auc.low, p->auc.high,
        p->higher_is_risky ? "high" : "low");
    if (!in_model(p) && !watched(p))
        findings_add(f, SEVERITY_WARNING, "observation_leak", rows,
                     str_format(&scratch, "%.*s; not in the model", STR_ARG(what)),
                     str_format(&scratch, "kept out of the model (use: %.*s)", STR_ARG(p->use)));
    else if (!in_model(p))
        findings_add(f, SEVERITY_WARNING, "observation_leak", rows,
                     str_format(&scratch,
                                "%.*s: it tells how long, how lately or in how many rows a "
                                "customer was observed, which follows a suspension, not what "
                                "led to it",
                                STR_ARG(what)),
                     str_format(&scratch, "kept out of the model (use: %.*s)", STR_ARG(p->use)));
    else if (p->severity == SEVERITY_SEVERE)
        findings_add(f, SEVERITY_SEVERE, "observation_leak", rows,
                     str_format(&scratch,
                                "%.*s: no honest measure of behaviour does; it may know the label "
                                "or what followed it",
                                STR_ARG(what)),
                     S("used by the model: check its definition, or set its use to monitor"));
    else
        findings_add(f, SEVERITY_WARNING, "strong_feature", rows, what,
                     S("used by the model: check that it is known before the label"));
}

typedef Str Sentence(Arena *arena, const Probe *p);

static Str drift_words(Arena *arena, const Probe *p)
{
    return str_format(arena, "%.*s (%s, AUC %.2f, PSI %.2f against %.2f by chance)",
                      STR_ARG(p->name), in_model(p) ? "in the model" : "not in the model",
                      p->cohort_auc, p->stability.psi, p->stability.null_mean);
}

static Str missing_words(Arena *arena, const Probe *p)
{
    return str_format(arena, "%.*s (%.0f %% against %.0f %%)", STR_ARG(p->name),
                      100 * p->missing_labelled, 100 * p->missing_scored);
}

static void say_list(Findings *f, const char *code, const char *opening, Str done,
                     const Probe *const *list, size_t count, Sentence *words, Arena scratch)
{
    Buffer b = buffer_new(&scratch);
    buffer_format(&b, "%s: ", opening);
    Arena names = arena_new(); /* the buffer grows in scratch */
    for (size_t i = 0; i < count && i < NAMED; i++) {
        if (i > 0)
            buffer_add(&b, S(", "));
        buffer_add(&b, words(&names, list[i]));
    }
    if (count > NAMED)
        buffer_format(&b, ", and %zu more", count - NAMED);
    findings_add(f, SEVERITY_WARNING, code, count, buffer_str(&b), done);
    arena_free(&names);
}

static void say_control(Findings *f, const Control *c, const Candidate *candidate, Arena scratch)
{
    Str what = str_format(&scratch,
                          "with labels shuffled over customers the whole procedure (%.*s) reaches "
                          "a mean AUC of %.3f over %zu shuffles; clean data stays within %.3f and "
                          "%.3f",
                          STR_ARG(candidate->name), c->mean, c->shuffles, c->low, c->high);
    findings_add(f, c->passed ? SEVERITY_INFO : SEVERITY_SEVERE, "negative_control", c->shuffles,
                 what,
                 c->passed ? S("nothing: the validation finds no signal where there is none")
                           : S("do not trust the validation: something of a customer reaches the "
                               "fold that judges it"));
    if (c->shuffles < SHUFFLES_ENOUGH)
        findings_add(f, SEVERITY_WARNING, "few_shuffles", c->shuffles,
                     str_format(&scratch,
                                "the negative control ran on %zu shuffle%s of the labels: it "
                                "judges little, for its limits are wide and rest on a spread that "
                                "was hardly seen",
                                c->shuffles, c->shuffles == 1 ? "" : "s"),
                     str_format(&scratch, "take its verdict for little; run it on %d shuffles",
                                SHUFFLES_ENOUGH));
}

Status audit_leaks(Audit **out, Arena *keep, Arena scratch, const AuditInputs *inputs,
                   const TrainingSet *set, const Validation *validation,
                   const LearnOptions *options, Findings *findings, Team *team,
                   const Progress *progress, Error *err)
{
    const Table *labelled = inputs->labelled;
    size_t probes = labelled->columns, n = labelled->rows;
    size_t m = inputs->scored == NULL ? 0 : inputs->scored->rows;
    assert(inputs->scored == NULL || inputs->scored->columns == probes);
    TRY(learn_check_classes(inputs->label, NULL, n, 2, err));
    TRY(learn_check_classes(set->label, NULL, set->x->rows, options->folds > 4 ? options->folds : 4,
                            err));

    Audit *audit = ARENA_NEW(keep, Audit);
    audit->probes = probes;
    audit->probe = ARENA_ARRAY(keep, Probe, probes);
    Probing probing = {
        .inputs = inputs, .seed = seed_derive(options->seed, STREAM_PROBE), .probe = audit->probe};
    progress_tell(progress, "looking for leaks", 0, 1);
    team_run_told(team, probes, probe_task, &probing);

    const Probe **drifting = ARENA_ARRAY(&scratch, const Probe *, probes);
    const Probe **lacking = ARENA_ARRAY(&scratch, const Probe *, probes);
    size_t drifted = 0, lacks = 0, leaks = 0;
    for (size_t i = 0; i < probes; i++) {
        Probe *p = &audit->probe[i];
        p->name = str_copy(keep, p->name);
        p->use = str_copy(keep, p->use);
        p->severity = severity_of(p, n, m);
    }
    qsort(audit->probe, probes, sizeof *audit->probe, worst_first);
    for (size_t i = 0; i < probes; i++) {
        Probe *p = &audit->probe[i];
        if (drifts(p, n, m))
            drifting[drifted++] = p;
        if (missing_differs(p, n, m))
            lacking[lacks++] = p;
        if (!separates(p))
            continue;
        leaks += p->auc.value >= AUC_KEPT_OUT;
        if (leaks <= LISTED || in_model(p) || watched(p))
            say_leak(findings, p, n, scratch);
    }
    if (leaks > LISTED) {
        Str what = str_format(&scratch,
                              "%zu columns reach an AUC of %.2f or more against the labels alone",
                              leaks, AUC_KEPT_OUT);
        findings_add(findings, SEVERITY_WARNING, "observation_leaks", leaks, what,
                     S("the audit lists every one of them"));
    }
    say_list(findings, "cohort_drift",
             "columns that tell the customers to be scored from the labelled ones",
             S("judge the model by the stratum that resembles the customers to be scored"),
             drifting, drifted, drift_words, scratch);
    say_list(findings, "cohort_missing",
             "columns missing more often in one cohort than in the other (labelled against scored)",
             S("missing values keep their own place in the model; check why they differ"), lacking,
             lacks, missing_words, scratch);

    const Candidate *chosen = &validation->candidate[validation->chosen];
    audit_control(&audit->control, keep, scratch, set, chosen, NULL, options, team, progress);
    say_control(findings, &audit->control, chosen, scratch);
    *out = audit;
    return STATUS_OK;
}
