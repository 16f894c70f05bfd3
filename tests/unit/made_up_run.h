/* made_up_run.h - a whole Run for tests of the rooms that write it down.
 *
 * Data, events, features and decisions are the real rooms' work on a small made-up bank;
 * probabilities, validation and audit are made up, so that no test here waits for learning.
 * Some names are hostile on purpose.
 */
#ifndef TESTS_MADE_UP_RUN_H
#define TESTS_MADE_UP_RUN_H

#include "store/store.h"

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
    *set = (TrainingSet){
        .x = x, .label = label, .strata = run->plan->strata, .stratum = name, .in_stratum = in};
    return set;
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
                      .difference = -0.004,
                      .difference_error = 0.006};
    Random r = random_new(5);
    for (size_t i = 0; i < v->rows; i++)
        v->positives += set->label[i];
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
    return v;
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
    a->control = (Control){COUNT_OF(auc), auc, 0.498, 0.47, 0.53, true};
    made_up_audit_more(a, keep, plan, set);
    return a;
}

/* ---- scores and decisions ---- */

static inline double made_up_feature(const Table *features, const char *name, size_t row)
{
    const Column *c = table_find(features, str_from(name));
    double x = c == NULL ? 0 : cell_double(c, row);
    return is_missing(x) ? 0 : x;
}

static inline Scored *made_up_scores(Arena *keep, Run *run, Events *events, Table *features)
{
    const Dataset *d = run->data;
    Scored *s = ARENA_NEW(keep, Scored);
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, d->customers);
    uint32_t *contradictory = ARENA_ARRAY(keep, uint32_t, d->customers);
    Error err = {0};
    for (size_t i = 0; i < d->customers; i++) {
        if (d->label[i] == LABEL_CONTRADICTORY)
            contradictory[run->contradictories++] = (uint32_t)s->count;
        if (d->label[i] == LABEL_CONTRADICTORY || (d->cohort[i] & COHORT_SCORED))
            row[s->count++] = (uint32_t)i;
    }
    run->contradictory = contradictory;
    s->row = row;
    s->events = events;
    s->features = features;
    made_up_ok(feature_matrix(&s->x, keep, run->plan, features, NULL, d->id, row, s->count, &err),
               &err);
    size_t width = s->x->columns + 1;
    s->margin = ARENA_ARRAY(keep, double, s->count);
    s->probability = ARENA_ARRAY(keep, double, s->count);
    s->low = ARENA_ARRAY(keep, double, s->count);
    s->high = ARENA_ARRAY(keep, double, s->count);
    s->contribution = ARENA_ARRAY(keep, double, s->count *width);
    Random r = random_new(9);
    for (size_t i = 0; i < s->count; i++) {
        double gone = made_up_feature(features, "gone_share_24h", row[i]);
        double excess = made_up_feature(features, "outflow_excess", row[i]);
        double margin = -2 + 1.6 * gone + (excess > 100 ? 0.9 : 0) + 0.6 * random_normal(&r);
        double left = margin + 1.5, *phi = s->contribution + i * width;
        for (size_t k = 0; k + 2 < width; k++) {
            phi[k] = left * 0.12 * random_normal(&r);
            left -= phi[k];
        }
        phi[width - 2] = left;
        phi[width - 1] = -1.5;
        s->margin[i] = margin;
        s->probability[i] = stable_sigmoid(margin);
        s->low[i] = stable_sigmoid(margin - 0.5);
        s->high[i] = stable_sigmoid(margin + 0.4);
    }
    const PolicyInputs inputs = {.events = events,
                                 .features = features,
                                 .row = row,
                                 .id = d->id,
                                 .count = s->count,
                                 .margin = s->margin,
                                 .probability = s->probability,
                                 .probability_low = s->low,
                                 .probability_high = s->high,
                                 .contribution = s->contribution,
                                 .matrix = s->x,
                                 .columns = matrix_plan(keep, run->plan, NULL)};
    Arena scratch = arena_new();
    made_up_ok(policy_decide(&s->decision, keep, scratch, run->policy, &inputs, NULL, &err), &err);
    arena_free(&scratch);
    uint32_t *candidate = ARENA_ARRAY(keep, uint32_t, s->count);
    run->candidates = policy_rank(candidate, s->decision, s->count);
    run->candidate = candidate;
    return s;
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
    run->audit = made_up_audit(keep, plan, run->training);
    run->scored = made_up_scores(keep, run, events, features);
    *silence = (Silence){.age_us = 28 * DAY_US,
                         .customers = 41,
                         .mean_change = 0.013,
                         .max_change = 0.11,
                         .rank_correlation = 0.97,
                         .limit = 0.05,
                         .passed = true};
    *bundle = (Bundle){.schema = schema,
                       .plan = plan,
                       .policy = policy,
                       .platt = {0.93, -0.04},
                       .columns = matrix_plan(keep, plan, NULL),
                       .version = S("0.1.0"),
                       .as_of_us = data->as_of_us,
                       .seed = 1,
                       .customers = run->training->x->rows,
                       .positives = run->validation->positives};
    sha256_text(bundle->id, S("made up"));
    bundle->data_hash = str_copy(keep, str_from(bundle->id));
    return run;
}

#endif
