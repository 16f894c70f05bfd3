/* comparable_bank.h - a made-up bank scored with a model put together by hand, whose bundle knows
 * comparable customers. */
#ifndef UNIT_COMPARABLE_BANK_H
#define UNIT_COMPARABLE_BANK_H

#include "score/score.h"
#include "synth/synth.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Bank {
    Arena keep, scratch;
    const char *folder, *bundle_folder;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Dataset *data;
    Events *events;
    Table *features;
    Matrix *x; /* of the labelled customers */
    Fitting labelled;
    uint32_t *row; /* all customers */
    Bundle made;
    Bundle *bundle; /* as it was written and opened */
    Scored *scored; /* all customers */
} Bank;

static inline void must(Status status, const Error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s:%lld: %s", err->file, (long long)err->line, err->message);
}

static inline void read_bank(Bank *b, uint64_t customers, uint64_t seed)
{
    static const char *const names[] = {"labelled_users.csv",
                                        "labelled_transactions.csv",
                                        "unlabelled_users.csv",
                                        "unlabelled_transactions.csv",
                                        "truth.csv",
                                        "truth_transactions.csv"};
    Error err = {0};
    SynthCounts counts;
    SynthOptions options = synth_defaults();
    options.customers = customers;
    options.seed = seed;
    must(synth_write(&counts, b->scratch, b->folder, &options, &err), &err);
    InputFile file[4];
    for (int i = 0; i < 4; i++)
        file[i] = (InputFile){path_join(&b->keep, b->folder, names[i]), NULL};
    const DatasetInputs in = {.customers = {&file[0], 1},
                              .transactions = {&file[1], 1},
                              .score_customers = {&file[2], 1},
                              .score_transactions = {&file[3], 1},
                              .bad_rows_max = 0.01};
    must(dataset_read(&b->data, &b->keep, b->scratch, b->schema, &in, &err), &err);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        (void)unlink(path_join(&b->keep, b->folder, names[i]));
}

static inline void measure_bank(Bank *b)
{
    Error err = {0};
    size_t n = b->data->customers;
    int64_t *as_of = ARENA_ARRAY(&b->keep, int64_t, n + 1);
    uint32_t *row = ARENA_ARRAY(&b->keep, uint32_t, n + 1);
    uint8_t *label = ARENA_ARRAY(&b->keep, uint8_t, n + 1);
    b->row = ARENA_ARRAY(&b->keep, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        as_of[i] = b->data->as_of_us;
        b->row[i] = (uint32_t)i;
        if (b->data->label[i] < 0)
            continue;
        row[b->labelled.count] = (uint32_t)i;
        label[b->labelled.count++] = b->data->label[i] == LABEL_POSITIVE;
    }
    b->labelled.row = row;
    b->labelled.label = label;
    must(score_events(&b->events, &b->keep, b->scratch, b->plan, b->data, as_of, &err), &err);
    must(feature_table_fit(&b->features, &b->keep, b->scratch, b->plan, b->events, &b->labelled,
                           NULL, &err),
         &err);
    plan_freeze_levels(b->plan, &b->keep, b->features, b->row, n, 5);
}

/* Rising in every column whose more is not less risk; spread over the labelled customers' range. */
static inline Linear *model_by_hand(Bank *b, const Matrix *x)
{
    size_t n = x->columns;
    Linear *m = ARENA_NEW(&b->keep, Linear);
    *m = (Linear){.columns = n,
                  .name = x->name,
                  .transform = ARENA_ARRAY(&b->keep, Transform, n),
                  .center = ARENA_ARRAY(&b->keep, double, n),
                  .scale = ARENA_ARRAY(&b->keep, double, n),
                  .weight = ARENA_ARRAY(&b->keep, double, n),
                  .weight_missing = ARENA_ARRAY(&b->keep, double, n),
                  .low = ARENA_ARRAY(&b->keep, double, n),
                  .high = ARENA_ARRAY(&b->keep, double, n),
                  .intercept = -0.7};
    for (size_t k = 0; k < n; k++) {
        double sum = 0, squares = 0, known = 1e-9;
        m->transform[k] = TRANSFORM_SIGNED_LOG;
        for (size_t i = 0; i < x->rows; i++) {
            double v = (double)matrix_row(x, i)[k];
            double z = isnan(v) ? 0 : v < 0 ? -stable_log1p(-v) : stable_log1p(v);
            known += !isnan(v);
            sum += z;
            squares += z * z;
        }
        m->center[k] = sum / known;
        m->scale[k] = sqrt(fmax(squares / known - m->center[k] * m->center[k], 0)) + 0.05;
        m->weight[k] = k % 3 == 0 ? 0.25 : k % 3 == 1 ? 0.12 : -0.05;
        m->low[k] = -INFINITY;
        m->high[k] = INFINITY;
    }
    return m;
}

static inline void bundle_bank(Bank *b)
{
    Error err = {0};
    uint8_t *skip = ARENA_ARRAY(&b->keep, uint8_t, b->plan->features + 1);
    must(feature_matrix(&b->x, &b->keep, b->plan, b->features, skip, b->data->id, b->labelled.row,
                        b->labelled.count, &err),
         &err);
    Model *model = ARENA_NEW(&b->keep, Model);
    *model = (Model){.kind = MODEL_LINEAR, .linear = model_by_hand(b, b->x)};
    static double margin[] = {-2, 0, 1.5}, p0[] = {0.1, 0.3, 0.6}, p1[] = {0.2, 0.5, 0.9};
    static VennAbers interval = {3, margin, p0, p1};
    b->made = (Bundle){.schema = b->schema,
                       .plan = b->plan,
                       .policy = b->policy,
                       .model = model,
                       .calibration = {.platt = {0.9, -0.1}},
                       .venn_abers = &interval,
                       .skip = skip,
                       .columns = matrix_plan(&b->keep, b->plan, skip),
                       .version = S("0.1.0"),
                       .as_of_us = b->data->as_of_us,
                       .seed = 7,
                       .customers = b->labelled.count,
                       .positives = 30,
                       .data_hash = S("not hashed"),
                       .metrics = S("{}")};
    bundle_reference(&b->made, &b->keep, b->scratch, b->x);
    must(policy_peers(&b->made.peers, &b->keep, b->scratch, b->policy, skip, b->events, b->features,
                      b->labelled.row, b->labelled.count, NULL, &err),
         &err);
    must(bundle_write(&b->made, b->bundle_folder, &err), &err);
    must(bundle_open(&b->bundle, &b->keep, b->bundle_folder, &err), &err);
}

/* policy: the book's text; empty for the built-in one. */
static inline Bank *bank_new(uint64_t customers, uint64_t seed, Str policy)
{
    Arena keep = arena_new();
    Bank *b = ARENA_NEW(&keep, Bank);
    Error err = {0};
    *b = (Bank){.keep = keep, .scratch = arena_new()};
    char *folder = (char *)(uintptr_t)str_copy(&b->keep, S("/tmp/assay-peers-XXXXXX")).data;
    assert_non_null(mkdtemp(folder));
    b->folder = folder;
    b->bundle_folder = path_join(&b->keep, folder, "bundle");
    must(schema_default(&b->schema, &b->keep, &err), &err);
    must(plan_read(&b->plan, &b->keep, book_default_text("features"), "features.yaml", b->schema,
                   &err),
         &err);
    Str text = policy.size > 0 ? policy : book_default_text("policy");
    must(policy_read(&b->policy, &b->keep, text, "policy.yaml", b->plan, &err), &err);
    read_bank(b, customers, seed);
    measure_bank(b);
    bundle_bank(b);
    must(score_dataset(&b->scored, &b->keep, b->scratch, b->bundle, b->data, b->row,
                       b->data->customers, NULL, NULL, &err),
         &err);
    return b;
}

static inline int bank_drop(Bank *b)
{
    Error err = {0};
    must(bundle_remove(b->bundle_folder, &err), &err);
    int left = rmdir(b->bundle_folder) + rmdir(b->folder);
    Arena keep = b->keep, scratch = b->scratch;
    arena_free(&scratch);
    arena_free(&keep);
    return left;
}

#endif
