/* made_up_run.h - a whole Run for tests of the rooms that write it down.
 *
 * Data, events, features and decisions are the real rooms' work on a small made-up bank;
 * probabilities, validation and audit are made up, so that no test here waits for learning.
 * Some names are hostile on purpose.
 */
#ifndef TESTS_MADE_UP_RUN_H
#define TESTS_MADE_UP_RUN_H

#include "store/store.h"

#include <math.h>
#include <stdlib.h>

/* Three candidates whose ids attack HTML, spreadsheets and both. */
#define HOSTILE_HTML    "<script>alert(1)</script>"
#define HOSTILE_FORMULA "=HYPERLINK(\"x\")"
#define HOSTILE_QUOTES  "a\"b'c&d<e>;f"

static inline void made_up_ok(Status status, const Error *err)
{
    if (status != STATUS_OK) {
        print_error("%s (%s:%lld)\n", err->message, err->file, (long long)err->line);
        fail();
    }
}

/* ---- the bank ---- */

typedef struct MadeUpBank {
    Buffer customers, transactions;
    Random random;
    size_t next;
} MadeUpBank;

static inline void made_up_transaction(MadeUpBank *b, Str customer, const char *type,
                                       const char *direction, int64_t cents, int64_t at_us)
{
    char time[TIME_TEXT], amount[NUMBER_TEXT];
    csv_write_cell(&b->transactions, str_format(b->transactions.arena, "t%zu", b->next++), false);
    buffer_char(&b->transactions, ',');
    csv_write_cell(&b->transactions, customer, false);
    buffer_format(&b->transactions, ",COMPLETED,%s,%.*s,EUR,%s,", type,
                  STR_ARG(decimal_text(amount, cents, 2)), direction);
    buffer_format(&b->transactions, "%.*s,", STR_ARG(time_text(time, at_us + SECOND_US)));
    buffer_format(&b->transactions, "%.*s\n", STR_ARG(time_text(time, at_us)));
}

static inline void made_up_customer(MadeUpBank *b, Str id, const char *label, bool risky, bool idle)
{
    static const char *const why[] = {"CRYPTO", "DAILY_PAYMENTS", ""};
    csv_write_cell(&b->customers, id, false);
    buffer_format(&b->customers, ",FR,TRUE,%s,COMPLETED%s\n",
                  why[random_below(&b->random, COUNT_OF(why))], label);
    if (idle)
        return;
    int64_t at = 19800 * DAY_US + (int64_t)random_below(&b->random, 60) * DAY_US;
    for (int i = 0; i < 4; i++) {
        int64_t cents = 10000 + (int64_t)random_below(&b->random, 90000);
        at += DAY_US + (int64_t)random_below(&b->random, (uint64_t)(6 * DAY_US));
        made_up_transaction(b, id, "BANK_TRANSFER", "IN", cents, at);
        at += HOUR_US;
        if (risky)
            made_up_transaction(b, id, "BANK_TRANSFER", "OUT", cents + 20000, at);
        else
            made_up_transaction(b, id, "CARDS", "OUT", cents / 5, at + 5 * DAY_US);
    }
}

static inline DatasetInputs made_up_inputs(Arena *keep)
{
    static InputFile file[4];
    static Str text[4];
    static const char *const names[] = {"labelled.csv", "labelled_tx.csv", "new.csv", "new_tx.csv"};
    for (size_t part = 0; part < 2; part++) {
        MadeUpBank b = {buffer_new(keep), buffer_new(keep), random_new(11 + part), part * 100000};
        buffer_add(&b.customers, S("user_id,country_of_residence,has_biometrics,reason_to_use_app,"
                                   "kyc_state"));
        buffer_add(&b.customers, part == 0 ? S(",user_current_state\n") : S("\n"));
        buffer_add(&b.transactions,
                   S("id,user_id,state,type,amount,currency,direction,completed_at,created_at\n"));
        for (size_t i = 0; i < (part == 0 ? 160u : 60u); i++) {
            bool suspended = i % 4 == 0;
            Str id = str_format(keep, "%s-%03zu", part == 0 ? "L" : "S", i);
            made_up_customer(&b, id,
                             part == 1   ? ""
                             : suspended ? ",SUSPENDED"
                                         : ",ACTIVE",
                             suspended && i % 3 != 0, i % 7 == 6);
        }
        if (part == 0) { /* a customer of both labels, and a row nobody can read */
            made_up_customer(&b, S("L-both"), ",ACTIVE", true, false);
            made_up_customer(&b, S("L-both"), ",SUSPENDED", true, true);
            buffer_add(&b.transactions, S("t-bad,L-001,COMPLETED,CARDS,not a number,EUR,OUT,,\n"));
        } else {
            made_up_customer(&b, S(HOSTILE_HTML), "", true, false);
            made_up_customer(&b, S(HOSTILE_FORMULA), "", true, false);
            made_up_customer(&b, S(HOSTILE_QUOTES), "", true, false);
        }
        text[part * 2] = buffer_str(&b.customers);
        text[part * 2 + 1] = buffer_str(&b.transactions);
    }
    for (size_t i = 0; i < 4; i++)
        file[i] = (InputFile){names[i], &text[i]};
    return (DatasetInputs){.customers = {&file[0], 1},
                           .transactions = {&file[1], 1},
                           .score_customers = {&file[2], 1},
                           .score_transactions = {&file[3], 1},
                           .bad_rows_max = 0.05};
}

/* ---- what learning would have said ---- */

static inline TrainingSet *made_up_training(Arena *keep, Run *run, const Table *features)
{
    const Dataset *d = run->data;
    TrainingSet *set = ARENA_NEW(keep, TrainingSet);
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, d->customers);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, d->customers);
    size_t n = 0;
    Matrix *x;
    Error err = {0};
    for (size_t i = 0; i < d->customers; i++)
        if (d->label[i] >= 0) {
            label[n] = (uint8_t)d->label[i];
            row[n++] = (uint32_t)i;
        }
    run->training_row = row;
    plan_freeze_levels((Plan *)(uintptr_t)run->plan, keep, features, row, n, 5);
    made_up_ok(feature_matrix(&x, keep, run->plan, features, NULL, d->id, row, n, &err), &err);
    Str *name = ARENA_ARRAY(keep, Str, run->plan->strata);
    const uint8_t **in = ARENA_ARRAY(keep, const uint8_t *, run->plan->strata);
    run->stratum_share_scored = ARENA_ARRAY(keep, double, run->plan->strata);
    Arena scratch = arena_new();
    for (size_t s = 0; s < run->plan->strata; s++) {
        uint8_t *all = ARENA_ARRAY(keep, uint8_t, d->customers);
        uint8_t *mask = ARENA_ARRAY(keep, uint8_t, n);
        made_up_ok(plan_stratum(all, scratch, &run->plan->stratum[s], features, &err), &err);
        size_t scored = 0, inside = 0;
        for (size_t i = 0; i < d->customers; i++)
            if (d->cohort[i] & COHORT_SCORED) {
                scored++;
                inside += all[i];
            }
        run->stratum_share_scored[s] = (double)inside / (double)scored;
        for (size_t i = 0; i < n; i++)
            mask[i] = all[row[i]];
        name[s] = run->plan->stratum[s].name;
        in[s] = mask;
    }
    arena_free(&scratch);
    run->headline = run->plan->strata - 1;
    /* The second customer is linked to the fifth. */
    uint32_t *group = ARENA_ARRAY(keep, uint32_t, n);
    for (size_t i = 0; i < n; i++)
        group[i] = i == 4 ? 1 : (uint32_t)i;
    *set = (TrainingSet){.x = x,
                         .label = label,
                         .strata = run->plan->strata,
                         .stratum = name,
                         .in_stratum = in,
                         .group = group};
    Links *links = ARENA_NEW(keep, Links);
    *links = (Links){.groups = 1, .linked = 2, .largest = 2, .by_person = 2};
    run->links = links;
    return set;
}

/* What the searches, the choice and its own validation would have said. */
static inline void made_up_choice(Validation *v, Arena *keep, const TrainingSet *set)
{
    static const Dimension dimension[2][2] = {
        {{SETTING_L2, "l2", .usual = 30, .low = 0.3, .high = 300, .logarithmic = true}},
        {{SETTING_DEPTH, "depth", .usual = 3, .low = 1, .high = 5, .whole = true},
         {SETTING_L2, "l2", .usual = 5, .low = 0.5, .high = 50, .logarithmic = true}}};
    static Comparison against[2][CRITERIA];
    size_t parts = validation_parts(v);
    Searched *searched = ARENA_ARRAY(keep, Searched, 2 * parts);
    v->searched = searched;
    for (size_t c = 0; c < 2; c++) {
        Candidate *one = &v->candidate[c];
        one->dimension = dimension[c];
        one->dimensions = c + 1;
        one->criterion = one->log_loss;
        one->behind = c == 0 ? 0.004 : 0;
        one->behind_error = c == 0 ? 0.006 : 0;
        one->against_chosen = against[c];
        for (size_t k = 0; k < CRITERIA && c == 1; k++)
            against[c][k] = (Comparison){{-0.004, -0.015, 0.007}, VERDICT_SAME};
        for (size_t at = 0; at < parts; at++) {
            Searched *s = &searched[c * parts + at];
            *s = (Searched){.trial = ARENA_ARRAY(keep, Trial, 2), .trials = 2, .whole = true};
            for (size_t t = 0; t < 2; t++) {
                s->trial[t] = (Trial){.rungs = 1,
                                      .folds = 5,
                                      .kept = t == at % 2,
                                      .log_loss = 0.41 + 0.01 * (double)t,
                                      .error = 0.02};
                s->trial[t].tuned.value[SETTING_L2] = t == 0 ? 30 : 7.5;
                s->trial[t].tuned.value[SETTING_DEPTH] = 2;
                s->trial[t].tuned.trees = c == 0 ? 0 : 120;
            }
        }
    }
    v->budget = (SearchBudget){.searched = 2,
                               .trials = 2,
                               .rungs = 1,
                               .fits_each = 10,
                               .parts = parts,
                               .fits = 20 * parts,
                               .made = 20 * parts};
    v->nested.probability = v->candidate[0].probability;
    v->nested.times = ARENA_ARRAY(keep, size_t, 2);
    v->nested.times[0] = 11;
    v->nested.times[1] = 4;
    v->nested.log_loss = 0.402;
    v->nested.log_loss_error = 0.022;
    v->nested.metric = ARENA_ARRAY(keep, MetricSet, set->strata);
    for (size_t s = 0; s < set->strata; s++)
        metric_evaluate(&v->nested.metric[s], (const double *const *)v->nested.probability,
                        v->repeats, set->label, set->in_stratum[s], v->rows, 0.4, 200, 3, NULL);
}

static inline Validation *made_up_validation(Arena *keep, const TrainingSet *set)
{
    enum { REPEATS = 3 };
    Validation *v = ARENA_NEW(keep, Validation);
    *v = (Validation){.rows = set->x->rows,
                      .repeats = REPEATS,
                      .folds = 5,
                      .candidates = 2,
                      .candidate = ARENA_ARRAY(keep, Candidate, 2),
                      .reason = S("the forest's log loss is lower by 0.004, less than one standard "
                                  "error of the difference (0.006), so the simpler model stands"),
                      .best = 1,
                      .criterion_name = S("log loss")};
    Random r = random_new(5);
    for (size_t i = 0; i < v->rows; i++)
        v->positives += set->label[i];
    v->fold = ARENA_ARRAY(keep, uint32_t *, REPEATS);
    for (size_t k = 0; k < REPEATS; k++) {
        v->fold[k] = ARENA_ARRAY(keep, uint32_t, v->rows);
        for (size_t i = 0; i < v->rows; i++)
            v->fold[k][i] = (uint32_t)((set->group == NULL ? i : set->group[i]) * 7 + k) % 5;
    }
    for (size_t c = 0; c < 2; c++) {
        Candidate *one = &v->candidate[c];
        *one = (Candidate){.name = c == 0 ? S("logistic") : S("forest"),
                           .says = c == 0 ? S("L2 penalty 10, chosen inside each training part")
                                          : S("120 trees of depth 3, learning rate 0.05"),
                           .kind = c == 0 ? MODEL_LINEAR : MODEL_FOREST,
                           .l2 = 10,
                           .margin = ARENA_ARRAY(keep, double *, REPEATS),
                           .probability = ARENA_ARRAY(keep, double *, REPEATS),
                           .log_loss = 0.40 - 0.004 * (double)c,
                           .log_loss_error = 0.021,
                           .metric = ARENA_ARRAY(keep, MetricSet, set->strata)};
        for (size_t k = 0; k < REPEATS; k++) {
            one->margin[k] = ARENA_ARRAY(keep, double, v->rows);
            one->probability[k] = ARENA_ARRAY(keep, double, v->rows);
        }
        for (size_t i = 0; i < v->rows; i++) {
            double center = -1.6 + 1.5 * set->label[i] + 1.1 * random_normal(&r);
            for (size_t k = 0; k < REPEATS; k++) {
                one->margin[k][i] = center + 0.2 * random_normal(&r);
                one->probability[k][i] = stable_sigmoid(one->margin[k][i]);
            }
        }
        for (size_t s = 0; s < set->strata; s++)
            metric_evaluate(&one->metric[s], (const double *const *)one->probability, REPEATS,
                            set->label, set->in_stratum[s], v->rows, 0.4, 200, 3, NULL);
    }
    made_up_choice(v, keep, set);
    return v;
}

/* Platt's sigmoid against a beta map; too few customers for an isotonic one. */
static inline CalibrationChoice *made_up_calibration(Arena *keep, const Validation *v)
{
    CalibrationChoice *c = ARENA_NEW(keep, CalibrationChoice);
    *c = (CalibrationChoice){.customers = v->rows * 4 / 5,
                             .positives = v->positives * 4 / 5,
                             .reason = S("Scores are calibrated by Platt's sigmoid: no other map "
                                         "does better.")};
    for (size_t kind = 0; kind < 2; kind++)
        c->trial[kind] = (CalibrationTrial){.tried = true,
                                            .probability = v->candidate[v->chosen].probability,
                                            .log_loss = 0.4 + 0.003 * (double)kind,
                                            .log_loss_error = 0.021,
                                            .difference = 0.003 * (double)kind,
                                            .difference_error = 0.002 * (double)kind};
    c->low = ARENA_ARRAY(keep, double, v->rows);
    c->high = ARENA_ARRAY(keep, double, v->rows);
    for (size_t i = 0; i < v->rows; i++) {
        double margin = v->candidate[v->chosen].margin[0][i];
        c->low[i] = stable_sigmoid(margin - 0.5);
        c->high[i] = stable_sigmoid(margin + 0.5);
    }
    return c;
}

static inline CalibrationCheck *made_up_check(Arena *keep, const TrainingSet *set,
                                              const Validation *v)
{
    static const double threshold[PREVALENCE_RULES] = {0.15, 0.4};
    CalibrationCheck *check = ARENA_ARRAY(keep, CalibrationCheck, set->strata);
    for (size_t s = 0; s < set->strata; s++)
        metric_calibration(&check[s], (const double *const *)v->candidate[v->chosen].probability,
                           v->repeats, set->label, set->in_stratum[s], v->rows, threshold, 100, 7,
                           NULL);
    return check;
}

/* What was kept out, the files' columns, the cohorts, and the table of what columns are worth. */
static inline void made_up_audit_more(Audit *a, Arena *keep, const Plan *plan,
                                      const TrainingSet *set)
{
    static Probe column[] = {{.name = {"closure_reason", 14},
                              .use = {"column", 6},
                              .about = PROBE_CUSTOMER,
                              .column = {"closure_reason", 14},
                              .auc = {0.96, 0.93, 0.99},
                              .higher_is_risky = true,
                              .cohort_auc = 0.52,
                              .cohort_q = 0.8,
                              .psi_limit = MISSING_VALUE,
                              .leak = LEAK_ONE_CLASS,
                              .severity = SEVERITY_WARNING},
                             {.name = {"days since the last transaction", 31},
                              .use = {"observed", 8},
                              .about = PROBE_OBSERVATION,
                              .auc = {0.91, 0.87, 0.95},
                              .higher_is_risky = true,
                              .cohort_auc = MISSING_VALUE,
                              .cohort_q = MISSING_VALUE,
                              .psi_limit = MISSING_VALUE,
                              .severity = SEVERITY_WARNING}};
    static KeptOut kept[] = {
        {.name = {"closed", 6},
         .leak = LEAK_ONE_CLASS,
         .column = {"closure_reason", 14},
         .auc = {0.96, 0.93, 0.99},
         .why = {"closure_reason is filled for customers of one class only", 56}},
        {.name = {"told", 4},
         .leak = LEAK_SEPARATES,
         .auc = {0.93, 0.90, 0.96},
         .why = {"told alone separates the labels", 31},
         .overruled = {"asked at opening <b>only</b>", 28}}};
    static Telling telling[] = {{{"early_inflow", 12}, 0.041}, {{"early_types", 11}, 0.012}};
    static Relation relation[] = {{.name = {"early_inflow", 12},
                                   .use = {"model", 5},
                                   .auc = {0.71, 0.52, 0.44},
                                   .p = 0.0001,
                                   .q = 0.004,
                                   .changes = true}};
    static Shared shared[] = {{.what = {"3 customers are both labelled and to be scored", 46},
                               .values = 3,
                               .customers = 3}};
    a->column = column;
    a->columns = COUNT_OF(column);
    a->kept_out = kept;
    a->kept_outs = COUNT_OF(kept);
    a->adversary = (Adversary){40, 30, {0.61, 0.52, 0.70}, COUNT_OF(telling), telling};
    a->joining = (Joining){.cohorts = 2,
                           .joined = {{0, 5 * DAY_US, 30, 12, {0.4, 0.25, 0.58}, 0.6},
                                      {6 * DAY_US, 9 * DAY_US, 40, 11, {0.28, 0.16, 0.43}, 0.4}},
                           .late_days = 7,
                           .late = 25,
                           .late_positives = 1,
                           .others = 45,
                           .other_positives = 22,
                           .p = 0.0002,
                           .relations = COUNT_OF(relation),
                           .relation = relation};
    a->shared = shared;
    a->shareds = COUNT_OF(shared);
    a->early[0] = (EarlyWindow){3 * DAY_US, 0.97, 0.99, 31};
    a->early[1] = (EarlyWindow){7 * DAY_US, 0.90, 0.98, 20};
    a->early[2] = (EarlyWindow){14 * DAY_US, 0.71, 0.96, 0};
    a->early_fits_us = 3 * DAY_US;
    Ablation *b = a->ablation = ARENA_NEW(keep, Ablation);
    static const AblationKind kinds[] = {ABLATION_FULL, ABLATION_WITHOUT, ABLATION_ONLY,
                                         ABLATION_SUSPICIOUS, ABLATION_PROTECTED};
    *b = (Ablation){.candidate = S("logistic"),
                    .repeats = 2,
                    .customers = set->x->rows,
                    .strata = set->strata,
                    .replicates = 500,
                    .stratum = set->stratum,
                    .rows = COUNT_OF(kinds),
                    .row = ARENA_ARRAY(keep, AblationRow, COUNT_OF(kinds))};
    for (size_t i = 0; i < b->rows; i++) {
        AblationRow *row = &b->row[i];
        bool family = kinds[i] == ABLATION_WITHOUT || kinds[i] == ABLATION_ONLY;
        *row = (AblationRow){.kind = kinds[i],
                             .name = family ? plan->feature[0].family.text : S(""),
                             .columns = 10 + i,
                             .auc = ARENA_ARRAY(keep, Interval, set->strata),
                             .auc_gain = ARENA_ARRAY(keep, Interval, set->strata),
                             .log_loss = {0.40, 0.35, 0.45},
                             .log_loss_gain = {0.01, -0.02, 0.04}};
        for (size_t s = 0; s < set->strata; s++) {
            row->auc[s] = (Interval){0.80 + 0.03 * (double)i, 0.7, 0.97};
            row->auc_gain[s] = (Interval){0.03 * (double)i, -0.01, 0.2};
        }
    }
}

static inline Audit *made_up_audit(Arena *keep, const Plan *plan, const TrainingSet *set)
{
    static double auc[20];
    Audit *a = ARENA_NEW(keep, Audit);
    a->probes = plan->features;
    a->probe = ARENA_ARRAY(keep, Probe, a->probes);
    static const char *const uses[] = {"model", "policy", "monitor"};
    for (size_t i = 0; i < a->probes; i++) {
        const Feature *f = &plan->feature[a->probes - 1 - i];
        double value = 0.91 * stable_exp(-0.012 * (double)i);
        value = value < 0.5 ? 0.5 : value;
        a->probe[i] = (Probe){.name = f->name.text,
                              .use = str_from(uses[f->use]),
                              .auc = {value, value - 0.05, value + 0.03},
                              .higher_is_risky = i % 3 != 0,
                              .missing_labelled = (double)(i % 5) / 10,
                              .missing_scored = (double)(i % 4) / 10,
                              .cohort_auc = i == 3 ? MISSING_VALUE : 0.55 + 0.004 * (double)(i % 9),
                              .stability = {0.05 + 0.3 * (double)(i % 7 == 0), 0.08, 10},
                              .psi_limit = i % 7 == 0 ? 0.21 : MISSING_VALUE,
                              .label_q = 0.01 * (double)(i % 6),
                              .cohort_q = i == 3 ? MISSING_VALUE : 0.2,
                              .severity = value > 0.88   ? SEVERITY_SEVERE
                                          : value > 0.75 ? SEVERITY_WARNING
                                                         : SEVERITY_INFO};
    }
    for (size_t i = 0; i < COUNT_OF(auc); i++)
        auc[i] = 0.46 + 0.004 * (double)i;
    a->control = (Control){COUNT_OF(auc), auc, 0.498, 0.47, 0.53, true, S("forest")};
    made_up_audit_more(a, keep, plan, set);
    return a;
}

/* ---- what inspecting would have said ---- */

static inline Interval made_up_interval(double value, double half)
{
    return (Interval){value, value - half, value + half};
}

static inline void made_up_curves(Importance *m, Arena *keep, const Run *run)
{
    static const Str level[] = {{HOSTILE_HTML, sizeof HOSTILE_HTML - 1},
                                {HOSTILE_FORMULA, sizeof HOSTILE_FORMULA - 1},
                                {"other", 5},
                                {"missing", 7}};
    m->curves = 2;
    m->curve = ARENA_ARRAY(keep, ImportanceCurve, 2);
    for (size_t c = 0; c < 2; c++) {
        ImportanceCurve *curve = &m->curve[c];
        *curve = (ImportanceCurve){.feature = m->item[c].feature[0],
                                   .name = m->item[c].name,
                                   .levels = c == 1,
                                   .bins = c == 1 ? 3 : 4,
                                   .bin = ARENA_ARRAY(keep, ImportanceBin, 4),
                                   .scored_above = c == 0 ? 2 : 0};
        for (size_t b = 0; b < curve->bins; b++) {
            bool value = c == 0 && b < 3;
            curve->bin[b] = (ImportanceBin){
                .low = value ? (double)b * 100 : MISSING_VALUE,
                .high = value ? (double)(b + 1) * 100 : MISSING_VALUE,
                .level = value ? S("") : level[b],
                .missing = c == 0 && b == 3,
                .customers = b == 2 ? 0 : 20,
                .positives = b == 2 ? 0 : 2 * b + 1,
                .scored = 5,
                .share = metric_proportion(b == 2 ? 0 : 2 * b + 1, b == 2 ? 0 : 20),
                .effect = value ? made_up_interval((double)b - 1, 0.2)
                                : (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE},
                .contribution = b == 2 ? MISSING_VALUE : 0.3 * (double)b - 0.4};
        }
    }
    (void)run;
}

static inline Importance *made_up_importance(Arena *keep, const Run *run)
{
    const MatrixPlan *columns = matrix_plan(keep, run->plan, NULL);
    Importance *m = ARENA_NEW(keep, Importance);
    *m = (Importance){.customers = run->training->x->rows,
                      .positives = run->validation->positives,
                      .rows = run->training->x->rows,
                      .repeats = 2,
                      .folds = 5,
                      .permutations = 5,
                      .log_loss = 0.41,
                      .auc = 0.83,
                      .correlation_cut = 0.7,
                      .by_loss = {10, 0.31, 0.25},
                      .by_contribution = {10, 0.85, 0.84},
                      .slices = 4,
                      .slice = ARENA_ARRAY(keep, ImportanceSlice, 4),
                      .scored = run->scored->count,
                      .base_rate = 0.25};
    static const Str slice[] = {{"ALL", 3}, {"positive", 8}, {"negative", 8}, {"MAT", 3}};
    for (size_t k = 0; k < m->slices; k++)
        m->slice[k] = (ImportanceSlice){slice[k], 40 - 10 * k};
    m->item = ARENA_ARRAY(keep, ImportanceItem, columns->columns + 3);
    m->shap = ARENA_ARRAY(keep, ImportanceShap, columns->columns + 1);
    static const Str made[] = {{"made", 4}};
    uint32_t *all = ARENA_ARRAY(keep, uint32_t, columns->columns);
    size_t features = 0;
    for (size_t c = 0; c < columns->columns; c++)
        if (c == 0 || columns->feature[c] != columns->feature[c - 1])
            all[features++] = columns->feature[c];
    for (size_t i = 0; i < features + 3; i++) { /* features, then one of each other kind */
        bool one = i < features;
        m->item[m->items++] = (ImportanceItem){
            .of = one ? IMPORTANCE_FEATURE : (ImportanceOf)(i - features + 1),
            .name = i == features ? made[0] : run->plan->feature[all[one ? i : 0]].name.text,
            .features = one             ? 1
                        : i == features ? features
                                        : 2,
            .feature = one ? &all[i] : all,
            .log_loss = made_up_interval(0.03 / (double)(i + 1), 0.01),
            .auc = made_up_interval(0.02 / (double)(i + 1), 0.015),
            .harmed = one && i > 4 ? 0.4 : 1,
            .rank = {(double)(i + 1), (double)i, (double)(i + 4), i < 5, i < 10}};
        if (i > features)
            continue;
        ImportanceShap *s = &m->shap[m->shaps++];
        *s = (ImportanceShap){
            .of = one ? IMPORTANCE_FEATURE : IMPORTANCE_FAMILY,
            .name = m->item[i].name,
            .feature = m->item[i].feature[0],
            .size = ARENA_ARRAY(keep, Interval, m->slices),
            .mean = ARENA_ARRAY(keep, double, m->slices),
            .direction = one && i != 1 ? made_up_interval(0.6, 0.1)
                                       : (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE},
            .rank = m->item[i].rank,
            .scored = made_up_interval(0.3 / (double)(i + 1), 0.02),
            .scored_mean = -0.01};
        for (size_t k = 0; k < m->slices; k++) {
            s->size[k] = made_up_interval((0.4 + 0.1 * (double)k) / (double)(i + 1), 0.001);
            s->mean[k] = k == 1 ? 0.2 : -0.1;
        }
    }
    made_up_curves(m, keep, run);
    return m;
}

static inline Screening *made_up_screening(Arena *keep, const Run *run)
{
    static const char *const uses[] = {"model", "policy", "monitor"};
    Screening *s = ARENA_NEW(keep, Screening);
    *s = (Screening){.labelled = run->training->x->rows,
                     .scored = run->scored->count,
                     .permutations = 999,
                     .features = run->plan->features,
                     .groups = 1,
                     .correlation_cut = 0.7,
                     .feature = ARENA_ARRAY(keep, Screened, run->plan->features)};
    for (size_t i = 0; i < s->features; i++) {
        const Feature *f = &run->plan->feature[i];
        s->feature[i] =
            (Screened){.name = f->name.text,
                       .use = str_from(uses[f->use]),
                       .family = f->family.text,
                       .feature = (uint32_t)i,
                       .distinct = i + 2,
                       .bins = 11,
                       .missing_labelled = (double)(i % 5) / 10,
                       .missing_scored = (double)(i % 4) / 10,
                       .information = 2 / (double)(i + 1),
                       .limit_95 = 0.2,
                       .limit_99 = 0.3,
                       .auc = made_up_interval(0.75, 0.05),
                       .psi = i % 7 == 0 ? 0.3 : 0.05,
                       .psi_limit = i % 7 == 0 ? 0.2 : MISSING_VALUE,
                       .group = i < 2,
                       .nearest = run->plan->feature[i == 0].name.text,
                       .correlation = 0.8,
                       .kept = f->use == USE_MODEL,
                       .why = f->use == USE_MODEL ? S("in the model by the features book")
                                                  : S("not offered to the model")};
    }
    return s;
}

/* ---- scores and decisions ---- */

/* A linear model over the plan's matrix that the files make sense of: money that leaves as fast as
 * it came raises the score, and every column has a little say. */
static inline const Model *made_up_model(Arena *keep, const Run *run, const Table *features)
{
    const Dataset *d = run->data;
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, d->customers);
    Error err = {0};
    Matrix *x;
    for (size_t i = 0; i < d->customers; i++)
        row[i] = (uint32_t)i;
    made_up_ok(feature_matrix(&x, keep, run->plan, features, NULL, d->id, row, d->customers, &err),
               &err);
    size_t n = x->columns;
    Linear *m = ARENA_NEW(keep, Linear);
    *m = (Linear){.columns = n,
                  .name = x->name,
                  .transform = ARENA_ARRAY(keep, Transform, n),
                  .center = ARENA_ARRAY(keep, double, n),
                  .scale = ARENA_ARRAY(keep, double, n),
                  .weight = ARENA_ARRAY(keep, double, n),
                  .weight_missing = ARENA_ARRAY(keep, double, n),
                  .low = ARENA_ARRAY(keep, double, n),
                  .high = ARENA_ARRAY(keep, double, n),
                  .intercept = -1.5};
    Random r = random_new(9);
    for (size_t k = 0; k < n; k++) {
        double sum = 0, square = 0, known = 0;
        for (size_t i = 0; i < x->rows; i++) {
            double v = (double)matrix_row(x, i)[k];
            v = is_missing(v) ? 0 : v < 0 ? -stable_log(1 - v) : stable_log(1 + v);
            known += !is_missing((double)matrix_row(x, i)[k]);
            sum += v;
            square += v * v;
        }
        double mean = known > 0 ? sum / known : 0;
        double variance = known > 0 ? square / known - mean * mean : 0;
        m->transform[k] = TRANSFORM_SIGNED_LOG;
        m->center[k] = mean;
        m->scale[k] = variance > 1e-12 ? sqrt(variance) : 1;
        m->weight[k] = 0.12 * random_normal(&r);
        m->weight_missing[k] = 0.05 * random_normal(&r);
        m->low[k] = -1e9;
        m->high[k] = 1e9;
        if (str_equal(x->name[k], S("early_exit_through_24h")) ||
            str_equal(x->name[k], S("early_outflow_excess")))
            m->weight[k] = 0.9;
    }
    Model *model = ARENA_NEW(keep, Model);
    *model = (Model){.kind = MODEL_LINEAR, .linear = m};
    return model;
}

/* What the real corridor says with that model of the customers of the made-up files. */
static inline Scored *made_up_scores(Arena *keep, Run *run, Dataset *data)
{
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, data->customers);
    uint32_t *contradictory = ARENA_ARRAY(keep, uint32_t, data->customers);
    size_t count = 0;
    for (size_t i = 0; i < data->customers; i++) {
        if (data->label[i] == LABEL_CONTRADICTORY)
            contradictory[run->contradictories++] = (uint32_t)count;
        if (data->label[i] == LABEL_CONTRADICTORY || (data->cohort[i] & COHORT_SCORED))
            row[count++] = (uint32_t)i;
    }
    run->contradictory = contradictory;
    Scored *s;
    Error err = {0};
    Arena scratch = arena_new();
    made_up_ok(score_dataset(&s, keep, scratch, run->bundle, data, row, count, NULL, NULL, &err),
               &err);
    arena_free(&scratch);
    run->scored = s;
    made_up_ok(store_lists(run, keep, &err), &err);
    return s;
}

/* ---- for whom it holds, and how groups fare: the real room's work on the made-up figures ---- */

static inline const Strata *made_up_strata(Arena *keep, const Run *run, const LearnOptions *options)
{
    static const Str names[] = {{"no transactions", 15}, {"has transactions", 16}};
    const Dataset *d = run->data;
    const TrainingSet *set = run->training;
    size_t *in_cell = ARENA_ARRAY(keep, size_t, 2);
    size_t *in_stratum = ARENA_ARRAY(keep, size_t, set->strata), scored = 0;
    uint32_t *cell = ARENA_ARRAY(keep, uint32_t, set->x->rows);
    Str *condition = ARENA_ARRAY(keep, Str, set->strata);
    Strata *out;
    for (size_t i = 0; i < set->x->rows; i++) {
        uint32_t customer = run->training_row[i];
        cell[i] = run->events->start[customer + 1] > run->events->start[customer];
    }
    for (size_t i = 0; i < d->customers; i++)
        if (d->cohort[i] & COHORT_SCORED) {
            scored++;
            in_cell[run->events->start[i + 1] > run->events->start[i]]++;
        }
    for (size_t s = 0; s < set->strata; s++) {
        condition[s] = lang_text(run->plan->stratum[s].condition);
        in_stratum[s] = (size_t)(run->stratum_share_scored[s] * (double)scored + 0.5);
    }
    const StrataInputs inputs = {.set = set,
                                 .validation = run->validation,
                                 .condition = condition,
                                 .scored_in_stratum = in_stratum,
                                 .scored = scored,
                                 .cells = 2,
                                 .cell_name = names,
                                 .cell = cell,
                                 .scored_in_cell = in_cell,
                                 .unseen = 0};
    judge_strata(&out, keep, &inputs, options, NULL);
    return out;
}

static inline const Fairness *made_up_fairness(Arena *keep, const Run *run, const Matrix *x,
                                               const LearnOptions *options)
{
    Fairness *out;
    Arena scratch = arena_new();
    const FairnessInputs inputs = {.data = run->data,
                                   .plan = run->plan,
                                   .set = run->training,
                                   .training_row = run->training_row,
                                   .validation = run->validation,
                                   .scored = run->scored,
                                   .candidate = run->candidate,
                                   .candidates = run->candidates,
                                   .thresholds = policy_thresholds(run->policy),
                                   .x = x,
                                   .columns = run->bundle->columns};
    fairness_measure(&out, keep, scratch, &inputs, options, NULL);
    arena_free(&scratch);
    return out;
}

/* Thresholds are the real room's work on the made-up probabilities; learning again is made up. */
static inline void made_up_inspection(Arena *keep, Run *run)
{
    const Scored *s = run->scored;
    uint8_t *headline = ARENA_ARRAY(keep, uint8_t, s->count);
    for (size_t i = 0; i < s->count; i++)
        headline[i] = i % 3 != 0;
    ThresholdReview *review;
    const ThresholdScored scored = {s->probability, s->outcome, headline, s->count};
    Arena scratch = arena_new();
    judge_thresholds(&review, keep, scratch, run->training, run->validation, run->headline,
                     run->policy, &scored);
    arena_free(&scratch);
    run->thresholds = review;
    ListStability *stability = ARENA_NEW(keep, ListStability);
    *stability = (ListStability){.customers = s->count, .listed = run->candidates, .drawn = true};
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        Reruns *r = &stability->kind[k];
        *r = (Reruns){.runs = 10,
                      .on_list = ARENA_ARRAY(keep, uint32_t, s->count),
                      .segment = arena_alloc(keep, s->count, sizeof *r->segment),
                      .mean = ARENA_ARRAY(keep, double, s->count),
                      .deviation = ARENA_ARRAY(keep, double, s->count),
                      .listed = ARENA_ARRAY(keep, size_t, 10),
                      .jaccard = ARENA_ARRAY(keep, double, 10),
                      .jaccard_mean = 0.91,
                      .jaccard_low = 0.75,
                      .always = run->candidates - 1,
                      .mostly = 1,
                      .newcomers = 1};
        for (size_t i = 0; i < s->count; i++) {
            r->mean[i] = s->probability[i];
            r->deviation[i] = 0.03;
            r->segment[i][s->outcome[i].segment] = 10;
            r->on_list[i] = s->outcome[i].action == ACTION_PROPOSE_OFFBOARDING ? 10 : 0;
        }
        r->on_list[run->candidate[0]] = k == 0 ? 9 : 8;
        for (size_t i = 0; i < 10; i++) {
            r->listed[i] = run->candidates;
            r->jaccard[i] = 0.91;
        }
    }
    run->stability = stability;
}

static inline Run *made_up_run(Arena *keep, const DatasetInputs *inputs)
{
    static Timing timing[] = {{"read", 0.25}, {"learn", 1.5}};
    Run *run = ARENA_NEW(keep, Run);
    Bundle *bundle = ARENA_NEW(keep, Bundle);
    Silence *silence = ARENA_NEW(keep, Silence);
    Arena scratch = arena_new();
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Dataset *data;
    Collapsed *collapsed;
    Events *events;
    Table *features;
    Error err = {0};
    made_up_ok(schema_default(&schema, keep, &err), &err);
    made_up_ok(plan_read(&plan, keep, book_default_text("features"), "features", schema, &err),
               &err);
    made_up_ok(policy_read(&policy, keep, book_default_text("policy"), "policy", plan, &err), &err);
    made_up_ok(dataset_read(&data, keep, scratch, schema, inputs, &err), &err);
    int64_t *as_of = ARENA_ARRAY(keep, int64_t, data->customers);
    for (size_t i = 0; i < data->customers; i++)
        as_of[i] = data->as_of_us;
    made_up_ok(quality_collapse(&collapsed, keep, scratch, schema, data->versions, data->owner,
                                as_of, &err),
               &err);
    made_up_ok(events_build(&events, keep, plan, data->profile, collapsed, as_of, &err), &err);
    made_up_ok(feature_table(&features, keep, scratch, plan, events, NULL, &err), &err);
    arena_free(&scratch);
    *run = (Run){.version = S("0.1.0"),
                 .command = S("assay run --customers labelled.csv --transactions labelled_tx.csv "
                              "--score-customers new.csv --score-transactions new_tx.csv"),
                 .seed = 1,
                 .data = data,
                 .plan = plan,
                 .policy = policy,
                 .bundle = bundle,
                 .events = events,
                 .silence = silence,
                 .timing = timing,
                 .timings = COUNT_OF(timing)};
    run->training = made_up_training(keep, run, features);
    run->validation = made_up_validation(keep, run->training);
    ((Validation *)(uintptr_t)run->validation)->calibration =
        made_up_calibration(keep, run->validation);
    run->calibration = made_up_check(keep, run->training, run->validation);
    run->audit = made_up_audit(keep, plan, run->training);
    static const Forward forward = {.cuts = 2,
                                    .cut = {{.at_us = 1720000000000000,
                                             .known = 12,
                                             .judged = 40,
                                             .later = 14,
                                             .auc = {0.66, 0.52, 0.79}},
                                            {.at_us = 1722000000000000,
                                             .known = 15,
                                             .judged = 43,
                                             .later = 11,
                                             .auc = {0.71, 0.55, 0.84}}},
                                    .auc = {0.68, 0.57, 0.78},
                                    .cross_validated = {0.80, 0.71, 0.88},
                                    .worse = true};
    run->forward = &forward;
    static double margin[] = {-3, -1, 1}, p0[] = {0.03, 0.2, 0.6}, p1[] = {0.15, 0.45, 0.9};
    static VennAbers interval = {3, margin, p0, p1};
    *bundle = (Bundle){.schema = schema,
                       .plan = plan,
                       .policy = policy,
                       .model = (Model *)(uintptr_t)made_up_model(keep, run, features),
                       .calibration = {.platt = {0.93, -0.04}},
                       .venn_abers = &interval,
                       .skip = ARENA_ARRAY(keep, uint8_t, plan->features + 1),
                       .columns = matrix_plan(keep, plan, NULL),
                       .version = S("0.1.0"),
                       .imported = S(""),
                       .metrics = S("{}"),
                       .as_of_us = data->as_of_us,
                       .seed = 1,
                       .customers = run->training->x->rows,
                       .positives = run->validation->positives};
    sha256_text(bundle->id, S("made up"));
    bundle->data_hash = str_copy(keep, str_from(bundle->id));
    run->scored = made_up_scores(keep, run, data);
    run->events = run->scored->events;
    made_up_inspection(keep, run);
    Arena work = arena_new();
    run->description = describe_dataset(keep, work, data, plan, events, features, NULL);
    arena_free(&work);

    run->importance = made_up_importance(keep, run);
    run->screening = made_up_screening(keep, run);
    *silence = (Silence){.age_us = 28 * DAY_US,
                         .customers = 41,
                         .mean_change = 0.013,
                         .max_change = 0.11,
                         .rank_correlation = 0.97,
                         .limit = 0.05,
                         .passed = true};
    LearnOptions options = learn_options_default();
    options.replicates = 100;
    options.threshold = policy_thresholds(policy).high;
    uint32_t *everybody = ARENA_ARRAY(keep, uint32_t, data->customers);
    Matrix *x;
    for (size_t i = 0; i < data->customers; i++)
        everybody[i] = (uint32_t)i;
    made_up_ok(
        feature_matrix(&x, keep, plan, features, NULL, data->id, everybody, data->customers, &err),
        &err);
    run->strata = made_up_strata(keep, run, &options);
    run->headline = run->strata->stratum;
    run->fairness = made_up_fairness(keep, run, x, &options);
    return run;
}

#endif
