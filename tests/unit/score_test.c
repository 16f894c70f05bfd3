#include "assay.h"
#include "score/score.h"
#include "synth/synth.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const files[] = {"bundle.json", "features.yaml", "model.json",
                                    "policy.yaml", "schema.yaml",   "SHA256SUMS"};
enum { FILES = 6 };

/* A made-up bank and a model put together by hand, written once for all tests. */
typedef struct World {
    Arena keep, scratch;
    const char *folder, *bundle;
    Schema *schema;
    Plan *plan;
    Dataset *data;
    Bundle *made;
    uint32_t *row;
    Str content[FILES];
} World;

static void must(Status status, const Error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s:%lld: %s", err->file, (long long)err->line, err->message);
}

static Dataset *read_bank(World *w)
{
    static const char *const names[] = {"labelled_users.csv", "labelled_transactions.csv",
                                        "unlabelled_users.csv", "unlabelled_transactions.csv"};
    Error err = {0};
    Dataset *data;
    InputFile *file = ARENA_ARRAY(&w->keep, InputFile, 4);
    for (int i = 0; i < 4; i++)
        file[i] = (InputFile){path_join(&w->keep, w->folder, names[i]), NULL};
    const DatasetInputs in = {.customers = {&file[0], 1},
                              .transactions = {&file[1], 1},
                              .score_customers = {&file[2], 1},
                              .score_transactions = {&file[3], 1},
                              .bad_rows_max = 0.01};
    must(dataset_read(&data, &w->keep, w->scratch, w->schema, &in, &err), &err);
    return data;
}

/* Population features are fitted on the labelled customers. */
static Table *features_of(World *w, Plan *plan)
{
    Error err = {0};
    Events *events;
    Table *features;
    int64_t *as_of = ARENA_ARRAY(&w->keep, int64_t, w->data->customers + 1);
    for (size_t i = 0; i < w->data->customers; i++)
        as_of[i] = w->data->as_of_us;
    must(score_events(&events, &w->keep, w->scratch, plan, w->data, as_of, &err), &err);
    Fitting labelled = {0};
    uint32_t *row = ARENA_ARRAY(&w->keep, uint32_t, w->data->customers + 1);
    uint8_t *label = ARENA_ARRAY(&w->keep, uint8_t, w->data->customers + 1);
    for (size_t i = 0; i < w->data->customers; i++)
        if (w->data->label[i] >= 0) {
            row[labelled.count] = (uint32_t)i;
            label[labelled.count++] = w->data->label[i] == LABEL_POSITIVE;
        }
    labelled.row = row;
    labelled.label = label;
    must(feature_table_fit(&features, &w->keep, w->scratch, plan, events, &labelled, NULL, &err),
         &err);
    return features;
}

/* A linear model over the plan's matrix: centred, with weights that differ in every column. */
static Bundle *bundle_by_hand(World *w, Plan *plan, uint8_t *skip, double weight)
{
    Error err = {0};
    Matrix *x;
    Policy *policy = NULL;
    Table *features = features_of(w, plan);
    plan_freeze_levels(plan, &w->keep, features, w->row, w->data->customers, 5);
    if (skip == NULL)
        skip = ARENA_ARRAY(&w->keep, uint8_t, plan->features + 1);
    must(feature_matrix(&x, &w->keep, plan, features, skip, w->data->id, w->row, w->data->customers,
                        &err),
         &err);
    if (plan == w->plan) /* another plan has no policy: it is scored, not decided on */
        must(policy_read(&policy, &w->keep, book_default_text("policy"), "policy.yaml", plan, &err),
             &err);
    Linear *m = ARENA_NEW(&w->keep, Linear);
    size_t n = x->columns;
    *m = (Linear){.columns = n,
                  .name = x->name,
                  .transform = ARENA_ARRAY(&w->keep, Transform, n),
                  .center = ARENA_ARRAY(&w->keep, double, n),
                  .scale = ARENA_ARRAY(&w->keep, double, n),
                  .weight = ARENA_ARRAY(&w->keep, double, n),
                  .weight_missing = ARENA_ARRAY(&w->keep, double, n),
                  .low = ARENA_ARRAY(&w->keep, double, n),
                  .high = ARENA_ARRAY(&w->keep, double, n),
                  .intercept = -0.75};
    for (size_t k = 0; k < n; k++) {
        m->transform[k] = k % 2 ? TRANSFORM_SIGNED_LOG : TRANSFORM_NONE;
        m->center[k] = 0.1 * (double)k;
        m->scale[k] = 1 + (double)k / 3;
        m->weight[k] = weight * (k % 3 ? 1 : -1) / (1 + (double)k);
        m->weight_missing[k] = 0.01 * (double)k;
        m->low[k] = k % 4 ? -INFINITY : -5;
        m->high[k] = k % 5 ? INFINITY : 5;
    }
    Model *model = ARENA_NEW(&w->keep, Model);
    *model = (Model){.kind = MODEL_LINEAR, .linear = m};
    static double margin[] = {-2, 0, 1.5}, p0[] = {0.1, 0.3, 0.6}, p1[] = {0.2, 0.5, 0.9};
    static VennAbers interval = {3, margin, p0, p1};
    Bundle *b = ARENA_NEW(&w->keep, Bundle);
    *b = (Bundle){.schema = w->schema,
                  .plan = plan,
                  .policy = policy,
                  .model = model,
                  .calibration = {.platt = {0.9, -0.1}},
                  .venn_abers = &interval,
                  .skip = skip,
                  .columns = matrix_plan(&w->keep, plan, skip),
                  .version = S("0.1.0"),
                  .as_of_us = w->data->as_of_us,
                  .seed = 7,
                  .customers = 100,
                  .positives = 30,
                  .data_hash = S("not hashed"),
                  .metrics = S("{\"auc\":[0.8,0.7,0.9]}")};
    bundle_reference(b, &w->keep, w->scratch, x);
    return b;
}

static int set_up(void **state)
{
    static World world; /* one for the group; freed by tear_down */
    World *w = *state = &world;
    Error err = {0};
    SynthCounts counts;
    SynthOptions options = synth_defaults();
    *w = (World){.keep = arena_new(), .scratch = arena_new()};
    char *folder = (char *)(uintptr_t)str_copy(&w->keep, S("/tmp/assay-score-XXXXXX")).data;
    if (mkdtemp(folder) == NULL)
        return -1;
    w->folder = folder;
    w->bundle = path_join(&w->keep, folder, "bundle");
    options.customers = 150;
    options.seed = 3;
    must(synth_write(&counts, w->scratch, folder, &options, &err), &err);
    must(schema_default(&w->schema, &w->keep, &err), &err);
    must(plan_read(&w->plan, &w->keep, book_default_text("features"), "features.yaml", w->schema,
                   &err),
         &err);
    w->data = read_bank(w);
    w->row = ARENA_ARRAY(&w->keep, uint32_t, w->data->customers + 1);
    for (size_t i = 0; i < w->data->customers; i++)
        w->row[i] = (uint32_t)i;
    w->made = bundle_by_hand(w, w->plan, NULL, 0.8);
    must(bundle_write(w->made, w->bundle, &err), &err);
    for (int i = 0; i < FILES; i++)
        must(file_read(&w->content[i], &w->keep, path_join(&w->keep, w->bundle, files[i]), &err),
             &err);
    return 0;
}

static int tear_down(void **state)
{
    World *w = *state;
    static const char *const data[] = {"labelled_users.csv",
                                       "labelled_transactions.csv",
                                       "unlabelled_users.csv",
                                       "unlabelled_transactions.csv",
                                       "truth.csv",
                                       "truth_transactions.csv"};
    for (int i = 0; i < FILES; i++)
        (void)unlink(path_join(&w->keep, w->bundle, files[i]));
    (void)rmdir(w->bundle);
    for (size_t i = 0; i < COUNT_OF(data); i++)
        (void)unlink(path_join(&w->keep, w->folder, data[i]));
    int left = rmdir(w->folder); /* nothing else was written */
    arena_free(&w->keep);
    arena_free(&w->scratch);
    return left;
}

/* Put every file of the bundle back as it was written. */
static void restore(World *w)
{
    Error err = {0};
    for (int i = 0; i < FILES; i++)
        must(file_write(path_join(&w->keep, w->bundle, files[i]), w->content[i], &err), &err);
}

static void put(World *w, int file, Str bytes)
{
    Error err = {0};
    must(file_write(path_join(&w->keep, w->bundle, files[file]), bytes, &err), &err);
}

/* Change a file and let SHA256SUMS speak of what is there now. */
static void put_with_sums(World *w, int file, Str bytes)
{
    Buffer sums = buffer_new(&w->keep);
    char hash[SHA256_TEXT];
    restore(w);
    put(w, file, bytes);
    for (int i = 0; i < FILES - 1; i++) {
        sha256_text(hash, i == file ? bytes : w->content[i]);
        buffer_format(&sums, "%s  %s\n", hash, files[i]);
    }
    put(w, FILES - 1, buffer_str(&sums));
}

static Scored *score_all(World *w, const Bundle *b, Team *team)
{
    Error err = {0};
    Scored *s;
    must(score_dataset(&s, &w->keep, w->scratch, b, w->data, w->row, w->data->customers, NULL, team,
                       &err),
         &err);
    return s;
}

/* Everybody, whole. */
static Decision *decide_everybody(World *w, const Bundle *b, const Scored *s, Team *team)
{
    Error err = {0};
    Decision *out;
    uint32_t *position = ARENA_ARRAY(&w->keep, uint32_t, s->count);
    for (size_t i = 0; i < s->count; i++)
        position[i] = (uint32_t)i;
    must(score_decide(&out, &w->keep, w->scratch, b, s, position, s->count, team, &err), &err);
    return out;
}

static double *contributions_of(World *w, const Bundle *b, const Scored *s, Team *team)
{
    Error err = {0};
    Matrix *x;
    must(score_matrix(&x, &w->keep, b, s, NULL, s->count, &err), &err);
    return score_contributions(&w->keep, b, x, team);
}

static void same_decision(const Decision *a, const Decision *b)
{
    assert_true(str_equal(a->id, b->id));
    assert_int_equal(a->action, b->action);
    assert_int_equal(a->segment, b->segment);
    assert_int_equal(a->reasons, b->reasons);
    for (size_t i = 0; i < a->reasons; i++) {
        assert_true(str_equal(a->reason[i].sentence, b->reason[i].sentence));
        assert_int_equal(a->reason[i].transactions, b->reason[i].transactions);
    }
    assert_int_equal(a->contributions, b->contributions);
    assert_memory_equal(a->contribution, b->contribution, a->contributions * sizeof(double));
    assert_true(str_equal(a->because, b->because));
}

static void same_scores(World *w, const Bundle *of_a, const Scored *a, const Bundle *of_b,
                        const Scored *b, Team *team)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(of_a->columns->columns, of_b->columns->columns);
    size_t bytes = a->count * sizeof(double);
    assert_memory_equal(a->margin, b->margin, bytes);
    assert_memory_equal(a->probability, b->probability, bytes);
    assert_memory_equal(a->low, b->low, bytes);
    assert_memory_equal(a->high, b->high, bytes);
    const Decision *one = decide_everybody(w, of_a, a, NULL);
    const Decision *other = decide_everybody(w, of_b, b, team);
    for (size_t i = 0; i < a->count; i++) {
        const Outcome made = policy_outcome(&one[i]);
        assert_true(made.probability == a->outcome[i].probability);
        assert_int_equal(made.action, a->outcome[i].action);
        assert_int_equal(made.families, b->outcome[i].families);
        assert_int_equal(made.segment, b->outcome[i].segment);
        same_decision(&one[i], &other[i]);
    }
}

/* What a customer's decision says does not depend on whom it is made with. */
static void a_block_of_any_size_decides_alike(void **state)
{
    World *w = *state;
    Error err = {0};
    const Scored *s = score_all(w, w->made, NULL);
    const Decision *all = decide_everybody(w, w->made, s, NULL);
    for (size_t i = 0; i < s->count; i += 7) {
        const uint32_t some[] = {(uint32_t)(s->count - 1 - i), (uint32_t)i};
        Decision *made;
        must(score_decide(&made, &w->keep, w->scratch, w->made, s, some, 2, NULL, &err), &err);
        same_decision(&made[0], &all[some[0]]);
        same_decision(&made[1], &all[some[1]]);
    }
    Decision *none;
    must(score_decide(&none, &w->keep, w->scratch, w->made, s, NULL, 0, NULL, &err), &err);
}

static void brief_decisions_say_no_reasons(void **state)
{
    World *w = *state;
    Scored brief = *score_all(w, w->made, NULL);
    const Decision *whole = decide_everybody(w, w->made, &brief, NULL);
    brief.options.brief = true;
    const Decision *made = decide_everybody(w, w->made, &brief, NULL);
    size_t reasons = 0;
    for (size_t i = 0; i < brief.count; i++) {
        assert_int_equal(made[i].action, whole[i].action);
        assert_true(str_equal(made[i].because, whole[i].because));
        assert_int_equal(made[i].reasons + made[i].contributions + made[i].mitigatings, 0);
        reasons += whole[i].reasons;
    }
    assert_true(reasons > 0);
}

static void a_sample_is_even_and_whole_when_small(void **state)
{
    World *w = *state;
    Scored s = {.count = 10};
    size_t count;
    const uint32_t *all = score_sample(&count, &w->keep, &s, 10);
    assert_int_equal(count, 10);
    assert_int_equal(all[9], 9);
    const uint32_t *some = score_sample(&count, &w->keep, &s, 4);
    assert_int_equal(count, 4);
    static const uint32_t want[] = {0, 2, 5, 7};
    assert_memory_equal(some, want, sizeof want);
}

static void bundle_scores_as_what_was_written(void **state)
{
    World *w = *state;
    Error err = {0};
    Bundle *b;
    must(bundle_open(&b, &w->keep, w->bundle, &err), &err);
    assert_string_equal(b->id, w->made->id);
    assert_int_equal(strlen(b->id), 64);
    assert_true(b->as_of_us == w->made->as_of_us);
    assert_int_equal(b->seed, 7);
    assert_int_equal(b->customers, 100);
    assert_int_equal(b->positives, 30);
    assert_true(str_equal(b->metrics, w->made->metrics));
    assert_true(str_equal(b->data_hash, w->made->data_hash));
    same_scores(w, w->made, score_all(w, w->made, NULL), b, score_all(w, b, NULL), NULL);
}

static void bundle_written_again_is_the_same_bytes(void **state)
{
    World *w = *state;
    Error err = {0};
    Bundle *b;
    must(bundle_open(&b, &w->keep, w->bundle, &err), &err);
    must(bundle_write(b, w->bundle, &err), &err);
    for (int i = 0; i < FILES; i++) {
        Str again;
        must(file_read(&again, &w->keep, path_join(&w->keep, w->bundle, files[i]), &err), &err);
        if (!str_equal(again, w->content[i]))
            fail_msg("%s has other bytes", files[i]);
    }
}

static void threads_change_no_score(void **state)
{
    World *w = *state;
    Scored *alone = score_all(w, w->made, NULL);
    Team *team = team_new(8);
    same_scores(w, w->made, alone, w->made, score_all(w, w->made, team), team);
    team_free(team);
}

static void contributions_add_up_to_the_score(void **state)
{
    World *w = *state;
    const Scored *s = score_all(w, w->made, NULL);
    size_t risky = 0, width = w->made->columns->columns + 1;
    const double *phi = contributions_of(w, w->made, s, NULL);
    for (size_t i = 0; i < s->count; i++) {
        double sum = 0;
        for (size_t k = 0; k < width; k++)
            sum += phi[i * width + k];
        assert_true(fabs(sum - (0.9 * s->margin[i] - 0.1)) < 1e-9);
        assert_true(fabs(stable_sigmoid(sum) - s->probability[i]) < 1e-9);
        assert_true(s->low[i] <= s->probability[i] && s->probability[i] <= s->high[i]);
        risky += s->probability[i] > 0.5;
    }
    assert_in_range(risky, 1, s->count - 1); /* the model tells customers apart */
}

/* ---- every kind of calibration ---- */

static double knot_margin[] = {-2.5, -1, 0.25, 2}, knot_log_odds[] = {-3, -1.25, -1.25, 1.5};
static const Isotonic steps = {4, knot_margin, knot_log_odds};
static const Calibration kinds[] = {{.platt = {0.9, -0.1}},
                                    {.kind = CALIBRATION_BETA, .beta = {0.5, 2.25, -0.4}},
                                    {.kind = CALIBRATION_ISOTONIC, .isotonic = &steps}};

static void every_kind_of_calibration_is_kept_scored_and_explained(void **state)
{
    World *w = *state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        Error err = {0};
        Bundle made = *w->made, *b;
        made.calibration = kinds[k];
        must(bundle_write(&made, w->bundle, &err), &err);
        must(bundle_open(&b, &w->keep, w->bundle, &err), &err);
        assert_int_equal(b->calibration.kind, kinds[k].kind);
        Scored *s = score_all(w, b, NULL);
        same_scores(w, &made, score_all(w, &made, NULL), b, s, NULL);
        size_t width = b->columns->columns + 1, moved = 0;
        const double *phi = contributions_of(w, b, s, NULL);
        for (size_t i = 0; i < s->count; i++) {
            double sum = 0, log_odds = calibration_log_odds(&kinds[k], s->margin[i]);
            for (size_t c = 0; c < width; c++) {
                sum += phi[i * width + c];
                moved += c + 1 < width && phi[i * width + c] != 0;
            }
            assert_true(fabs(sum - log_odds) < 1e-9);
            assert_true(s->probability[i] == stable_sigmoid(log_odds));
            assert_true(s->low[i] <= s->probability[i] && s->probability[i] <= s->high[i]);
        }
        assert_true(moved > s->count);
    }
    restore(w);
}

/* ---- a damaged bundle ---- */

static void refused(World *w, const char *claim, const char *name)
{
    Error err = {0};
    Bundle *b;
    Arena keep = arena_new();
    Status status = bundle_open(&b, &keep, w->bundle, &err);
    arena_free(&keep);
    if (status == STATUS_OK)
        fail_msg("%s: %s is taken", name, claim);
    if (strstr(err.message, name) == NULL && strstr(err.file, name) == NULL)
        fail_msg("%s: %s: the error names another file: %s (%s)", name, claim, err.message,
                 err.file);
    assert_int_not_equal(err.remedy[0], '\0');
}

/* One thing in the manifest of an isotonic or beta bundle changed, its sums made to agree. */
static void manifest_refused(World *w, const Calibration *c, const char *from, const char *to)
{
    Error err = {0};
    Bundle made = *w->made;
    Str manifest;
    made.calibration = *c;
    must(bundle_write(&made, w->bundle, &err), &err);
    must(file_read(&manifest, &w->keep, path_join(&w->keep, w->bundle, files[0]), &err), &err);
    const char *text = str_chars(&w->keep, manifest), *at = strstr(text, from);
    assert_non_null(at);
    put_with_sums(w, 0,
                  str_format(&w->keep, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)));
    refused(w, to, "bundle.json");
    restore(w);
}

static void a_calibration_that_is_none_is_refused(void **state)
{
    World *w = *state;
    static const char *const change[][2] = {
        {"-2.5,", "-0.5,"},             /* margins that do not rise */
        {"-3.0,", "3.0,"},              /* log-odds that fall */
        {"-3.0,", "-3.0, -3.0,"},       /* one too many */
        {"\"log_odds\"", "\"odds\""},   /* none */
        {"\"isotonic\"", "\"spline\""}, /* a kind of tomorrow */
        {"\"isotonic\"", "\"platt\": {\"slope\": 1, \"intercept\": 0}, \"isotonic\""}};
    for (size_t i = 0; i < COUNT_OF(change); i++)
        manifest_refused(w, &kinds[2], change[i][0], change[i][1]);
    manifest_refused(w, &kinds[1], "\"b\": 2.25", "\"b\": -2.25");
    manifest_refused(w, &kinds[1], "\"b\": 2.25", "\"b\": 2.5"); /* a golden row says otherwise */
    manifest_refused(w, &kinds[1], "\"c\": -0.4", "\"c\": null");
    manifest_refused(w, &kinds[0], "\"slope\"", "\"slop\"");
}

static void missing_file_is_refused(void **state)
{
    World *w = *state;
    for (int i = 0; i < FILES; i++) {
        assert_int_equal(unlink(path_join(&w->keep, w->bundle, files[i])), 0);
        refused(w, "a missing file", files[i]);
        restore(w);
    }
    Error err = {0};
    Bundle *b;
    assert_int_equal(bundle_open(&b, &w->keep, "/nowhere/bundle", &err), STATUS_IO);
}

static void truncated_file_is_refused(void **state)
{
    World *w = *state;
    for (int i = 0; i < FILES; i++) {
        const size_t sizes[] = {0, 1, w->content[i].size / 2, w->content[i].size - 1};
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            put(w, i, str_slice(w->content[i], 0, sizes[k]));
            refused(w, "a truncated file", files[i]);
        }
        put(w, i, str_format(&w->keep, "%.*s\n", (int)w->content[i].size, w->content[i].data));
        refused(w, "a longer file", files[i]);
        restore(w);
    }
}

static void flipped_byte_is_refused(void **state)
{
    World *w = *state;
    Random r = random_new(31);
    for (int i = 0; i < FILES; i++)
        for (int k = 0; k < 40; k++) {
            char *bytes = arena_copy(&w->keep, w->content[i].data, w->content[i].size);
            size_t at = (size_t)random_below(&r, w->content[i].size);
            bytes[at] = (char)(bytes[at] ^ (1 << random_below(&r, 8)));
            put(w, i, (Str){bytes, w->content[i].size});
            refused(w, "a flipped bit", files[i]);
            put(w, i, w->content[i]);
        }
}

/* The text of a file with one occurrence replaced. */
static Str replaced(World *w, int file, const char *from, const char *to)
{
    Str s = w->content[file];
    const char *at = memmem(s.data, s.size, from, strlen(from));
    assert_non_null(at);
    size_t before = (size_t)(at - s.data);
    Buffer b = buffer_new(&w->keep);
    buffer_add(&b, str_slice(s, 0, before));
    buffer_add(&b, str_from(to));
    buffer_add(&b, str_slice(s, before + strlen(from), s.size));
    return buffer_str(&b);
}

/* Somebody who alters a model can compute sums too: the golden rows still tell. */
static void model_that_answers_otherwise_is_refused(void **state)
{
    World *w = *state;
    put_with_sums(w, 2, replaced(w, 2, "-0.75", "-0.7500001"));
    refused(w, "another intercept", "bundle.json");
    Error err = {0};
    Bundle *b;
    assert_int_equal(bundle_open(&b, &w->keep, w->bundle, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "golden row 1 gives probability"));
    put_with_sums(w, 0, replaced(w, 0, "\"slope\": 0.9", "\"slope\": 0.91"));
    refused(w, "another slope", "bundle.json");
    restore(w);
}

static void refused_with(World *w, const char *message, const char *file)
{
    Error err = {0};
    Bundle *b;
    Arena keep = arena_new();
    assert_int_equal(bundle_open(&b, &keep, w->bundle, &err), STATUS_FORMAT);
    arena_free(&keep);
    if (strstr(err.message, message) == NULL || strstr(err.file, file) == NULL)
        fail_msg("instead of '%s': %s (%s)", message, err.message, err.file);
    assert_int_not_equal(err.remedy[0], '\0');
}

/* The figure that differs is named, for the others are the same digit by digit. */
static void golden_row_that_differs_in_one_figure_is_told_by_it(void **state)
{
    static const char *const figure[] = {"margin", "probability", "low end", "high end", "bias"};
    World *w = *state;
    const char *text = str_chars(&w->keep, w->content[0]);
    const char *at = strchr(strstr(text, "\"margin_probability_low_high_bias\""), '[') + 1;
    for (size_t i = 0; i < COUNT_OF(figure); i++) {
        char *end, want[64];
        while (*at == ',' || isspace((unsigned char)*at))
            at++;
        double was = strtod(at, &end);
        put_with_sums(
            w, 0, str_format(&w->keep, "%.*s%.17g%s", (int)(at - text), text, was + 0.125, end));
        (void)snprintf(want, sizeof want, "golden row 1 gives %s ", figure[i]);
        refused_with(w, want, "bundle.json");
        at = end;
    }
    restore(w);
}

/* Whoever edits a manifest and makes the sums agree is told which part is amiss. */
static void manifest_with_a_part_amiss_is_refused_by_its_name(void **state)
{
    static const struct {
        const char *from, *to, *part;
    } edits[] = {
        {"\"as_of\": \"", "\"as_of\": \"x", "as_of"},
        {"\"slope\": 0.9", "\"slope\": \"much\"", "calibration"},
        {"\"p0\": [", "\"p0\": [1, ", "interval table"},
        {"\"margin\": [", "\"margin\": [9, ", "interval table"},
        {"\"venn_abers\"", "\"venn\"", "interval table"},
        {"\"reference\"", "\"referenz\"", "reference distributions"},
        {"\"deciles\": [", "\"deciles\": [\"1\", ", "reference distributions"},
        {"\"golden\":", "\"silver\":", "golden rows"},
        {"\"features\": [", "\"features\": [7, ", "list of features"},
        {"{", "", "manifest"},
    };
    World *w = *state;
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        put_with_sums(w, 0, replaced(w, 0, edits[i].from, edits[i].to));
        refused_with(w, edits[i].part, "bundle.json");
    }
    put_with_sums(w, 2, replaced(w, 2, "-0.75", "\"none\""));
    refused_with(w, "intercept is not a finite number", "model.json"); /* with a remedy */
    restore(w);
}

/* The model is untouched and its golden rows hold: the made-up customers tell. */
static void feature_that_is_computed_otherwise_is_refused_by_name(void **state)
{
    static const struct {
        const char *from, *to, *feature;
    } edits[] = {
        {"money_out within 24h", "money_out within 1h", "feature early_pass_through_24h of golden"},
        {"bank_out within 6h", "bank_out within 1h", "feature early_bank_forward_6h of golden"},
        {"over: first 14d", "over: first 7d", "feature early_pass_through_24h of golden"},
        {"kyc_state <> 'COMPLETED'", "kyc_state <> 'FAILED'", "feature kyc_incomplete of golden"},
        {"amount <= 5", "amount < 5", "feature early_small_credits of golden"},
        {"over: 7d", "over: 70d", "feature attempts_7d of golden"},
        {"- name: silent_7d", "- name: quiet_7d", "feature quiet_7d stands where"},
        {"direction = 'IN'", "direction = 'OUT'", "feature early_pass_through_24h of golden"},
    };
    World *w = *state;
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        put_with_sums(w, 1, replaced(w, 1, edits[i].from, edits[i].to));
        refused_with(w, edits[i].feature, "bundle.json");
    }
    put_with_sums(w, 4, replaced(w, 4, "pending: [PENDING]", "pending: [FAILED]"));
    refused_with(w, "of golden customer 1 is", "bundle.json");
    put_with_sums(w, 0, replaced(w, 0, "\"sha256\": \"", "\"sha256\": \"0"));
    refused_with(w, "golden customers is not as it was written", "bundle.json");
    put_with_sums(w, 0, replaced(w, 0, "golden_customers", "silver_customers"));
    refused_with(w, "made with none", "bundle.json");
    restore(w);
}

/* Write, open, compare what was read; the folder is restored. */
static void goes_round(World *w, Bundle *b)
{
    Error err = {0};
    Bundle *opened;
    must(bundle_write(b, w->bundle, &err), &err);
    must(bundle_open(&opened, &w->keep, w->bundle, &err), &err);
    assert_string_equal(opened->id, b->id);
    same_scores(w, b, score_all(w, b, NULL), opened, score_all(w, opened, NULL), NULL);
    restore(w);
}

static Plan *default_plan(World *w, const Schema *schema)
{
    Error err = {0};
    Plan *plan;
    must(plan_read(&plan, &w->keep, book_default_text("features"), "features.yaml", schema, &err),
         &err);
    return plan;
}

static Bundle *bundle_of(World *w, Schema *schema, size_t skipped)
{
    Error err = {0};
    Plan *plan = default_plan(w, schema);
    uint8_t *skip = ARENA_ARRAY(&w->keep, uint8_t, plan->features + 1);
    for (size_t i = 0; i < skipped; i++)
        skip[i * 3] = 1;
    Bundle *b = bundle_by_hand(w, plan, skip, 0.8);
    b->schema = schema;
    must(policy_read(&b->policy, &w->keep, book_default_text("policy"), "policy.yaml", plan, &err),
         &err);
    return b;
}

static void bundle_that_leaves_features_out_goes_round(void **state)
{
    World *w = *state;
    Bundle *b = bundle_of(w, w->schema, 4);
    assert_int_equal(b->columns->columns + 4, w->made->columns->columns);
    goes_round(w, b);
}

static void schema_without_closed_categories_goes_round(void **state)
{
    World *w = *state;
    Error err = {0};
    Schema *schema;
    Str book = book_default_text("schema");
    Buffer open = buffer_new(&w->keep);
    for (size_t from = 0, to; from < book.size; from = to) { /* without `values:` */
        const char *end = memchr(book.data + from, '\n', book.size - from);
        to = end == NULL ? book.size : (size_t)(end - book.data) + 1;
        Str line = str_slice(book, from, to), text = str_trim(line);
        bool item = str_starts(text, S("- ")) && !str_starts(text, S("- name:"));
        if (!item && !str_starts(text, S("values:")))
            buffer_add(&open, line);
    }
    must(schema_read(&schema, &w->keep, buffer_str(&open), "schema.yaml", &err), &err);
    for (size_t i = 0; i < schema->transactions.columns.count; i++)
        assert_int_equal(((SchemaColumn *)schema->transactions.columns.item)[i].values.count, 0);
    goes_round(w, bundle_of(w, schema, 0));
}

static void unreadable_part_with_good_sums_is_refused_by_name(void **state)
{
    World *w = *state;
    for (int i = 0; i < FILES - 1; i++) {
        put_with_sums(w, i, str_slice(w->content[i], 0, w->content[i].size / 2 + 3));
        Error err = {0};
        Bundle *b;
        Status status = bundle_open(&b, &w->keep, w->bundle, &err);
        if (status == STATUS_OK || strstr(err.file, ".") == NULL)
            fail_msg("half of %s: %s (%s)", files[i], err.message, err.file);
        put_with_sums(w, i, S(""));
        refused(w, "an empty file", files[i]);
        restore(w);
    }
    put_with_sums(w, 0, replaced(w, 0, "\"assay_bundle\": 2", "\"assay_bundle\": 3"));
    refused(w, "another form", "bundle.json");
    put_with_sums(w, 1, replaced(w, 1, "expr: ", "exprr: "));
    refused(w, "a typo in a book", "features.yaml");
    restore(w);
}

/* Whatever is in a file whose sums are good: refused or opened, never anything worse. */
static void altered_parts_with_good_sums_do_no_harm(void **state)
{
    World *w = *state;
    Random r = random_new(32);
    size_t bad = 0, tries = 0;
    for (int i = 0; i < FILES - 1; i++)
        for (int k = 0; k < 60; k++) {
            Arena keep = arena_new();
            Error err = {0};
            Bundle *b;
            char *bytes = arena_copy(&w->keep, w->content[i].data, w->content[i].size);
            for (int n = 0; n < 3; n++)
                bytes[random_below(&r, w->content[i].size)] = (char)random_next(&r);
            put_with_sums(w, i, (Str){bytes, w->content[i].size});
            tries++;
            if (bundle_open(&b, &keep, w->bundle, &err) != STATUS_OK) {
                bad++;
                assert_int_not_equal(err.message[0], '\0');
            }
            arena_free(&keep);
        }
    restore(w);
    assert_in_range(bad, tries / 4, tries);
}

/* ---- silence ---- */

static void model_of_early_days_passes_the_silence_test(void **state)
{
    World *w = *state;
    Error err = {0};
    Silence s;
    must(score_silence(&s, w->scratch, w->made, w->data, w->row, w->data->customers, 28 * DAY_US,
                       NULL, &err),
         &err);
    assert_true(s.customers > 10);
    assert_true(s.passed && s.mean_change <= s.limit);
    assert_true(s.rank_correlation > 0.95);
}

static void model_of_how_long_a_customer_was_seen_fails_it(void **state)
{
    World *w = *state;
    Error err = {0};
    Plan *plan;
    Silence s;
    must(plan_read(&plan, &w->keep,
                   S("version: 1\nobserved_equally: a test\nfeatures:\n"
                     "  - {name: seen, expr: count() / 10, use: model, family: f, says: T}\n"),
                   "f.yaml", w->schema, &err),
         &err);
    Bundle *b = bundle_by_hand(w, plan, NULL, 0.8);
    must(score_silence(&s, w->scratch, b, w->data, w->row, w->data->customers, 7 * DAY_US, NULL,
                       &err),
         &err);
    assert_true(s.customers > 10);
    assert_false(s.passed);
    assert_true(s.mean_change > s.limit && s.max_change >= s.mean_change);
}

/* ---- the public library ---- */

static assay_customer *by_hand(World *w, assay_bundle *bundle, size_t customer)
{
    assay_error error = {0};
    assay_customer *c;
    char id[256];
    (void)snprintf(id, sizeof id, "%.*s", STR_ARG(w->data->id[customer]));
    assert_int_equal(assay_customer_new(&c, bundle, id, &error), ASSAY_OK);
    const Table *p = w->data->profile, *t = w->data->versions;
    for (size_t k = 0; k < p->columns; k++)
        if (!str_equal(p->column[k].name, S("records")))
            assert_int_equal(assay_customer_set(
                                 c, str_chars(&w->keep, p->column[k].name),
                                 str_chars(&w->keep, cell_text(&w->keep, &p->column[k], customer)),
                                 &error),
                             ASSAY_OK);
    const char **name = ARENA_ARRAY(&w->keep, const char *, t->columns);
    const char **value = ARENA_ARRAY(&w->keep, const char *, t->columns);
    for (size_t i = 0; i < t->rows; i++) {
        if (w->data->owner[i] != customer)
            continue;
        for (size_t k = 0; k < t->columns; k++) {
            name[k] = str_chars(&w->keep, t->column[k].name);
            value[k] = str_chars(&w->keep, cell_text(&w->keep, &t->column[k], i));
        }
        assert_int_equal(assay_customer_transaction(c, name, value, t->columns, &error), ASSAY_OK);
    }
    return c;
}

static void library_answers_as_a_run_does(void **state)
{
    World *w = *state;
    assay_error error = {0};
    assay_bundle *bundle;
    assay_decision *d;
    char as_of[TIME_TEXT];
    (void)time_text(as_of, w->data->as_of_us);
    if (assay_open(&bundle, w->bundle, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    const Scored *s = score_all(w, w->made, NULL);
    const Decision *whole = decide_everybody(w, w->made, s, NULL);
    const Column *records = table_find(w->data->profile, S("records"));
    size_t compared = 0, insufficient = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (records->integer[i] != 1)
            continue; /* a merged customer cannot be told in one row */
        assay_customer *c = by_hand(w, bundle, i);
        if (assay_decide(&d, c, as_of, &error) != ASSAY_OK)
            fail_msg("%s", error.message);
        const assay_outcome *o = assay_decision_outcome(d);
        const Decision *e = &whole[i];
        assert_true(o->probability == s->probability[i]);
        assert_true(o->probability_low == s->low[i] && o->probability_high == s->high[i]);
        assert_true(str_equal(str_from(o->action), action_name(e->action)));
        assert_true(str_equal(str_from(o->segment), segment_name(e->segment)));
        assert_true(str_equal(str_from(o->because), e->because));
        assert_int_equal(o->insufficient_data, e->insufficient_data);
        assert_non_null(strstr(assay_decision_explain(d), "\"contributions\""));
        insufficient += o->insufficient_data != 0;
        compared++;
        assay_free(c, d);
    }
    assert_true(compared > 50);
    assert_true(insufficient < compared);
    assay_close(bundle);
}

static void library_refuses_what_it_cannot_use(void **state)
{
    World *w = *state;
    assay_error error = {0};
    assay_bundle *bundle = NULL;
    assay_customer *c;
    assay_decision *d;
    assert_int_equal(assay_open(&bundle, NULL, &error), ASSAY_USAGE);
    assert_int_equal(assay_open(&bundle, "/nowhere", NULL), ASSAY_IO);
    assert_null(bundle);
    assert_int_equal(assay_open(&bundle, w->bundle, &error), ASSAY_OK);
    assert_int_equal(assay_customer_new(&c, NULL, "x", &error), ASSAY_USAGE);
    assert_int_equal(assay_customer_new(&c, bundle, "", &error), ASSAY_USAGE);
    assert_int_equal(assay_customer_new(&c, bundle, "x", &error), ASSAY_OK);
    assert_int_equal(assay_customer_set(c, "shoe_size", "44", &error), ASSAY_USAGE);
    assert_int_equal(assay_customer_set(c, NULL, "44", &error), ASSAY_USAGE);
    static const char *const names[] = {"id",           "state", "amount",    "created_at",
                                        "completed_at", "type",  "direction", "hat"};
    static const char *const good[] = {"1", "COMPLETED", "10", "2024-08-01", "", "", "IN", "top"};
    static const char *const bad[] = {"1", "COMPLETED", "ten", "2024-08-01", "", "", "IN"};
    static const char *const later[] = {"2", "COMPLETED", "10", "2099-01-01", "", "", "IN"};
    assert_int_equal(assay_customer_transaction(c, names, good, 8, &error), ASSAY_USAGE);
    assert_int_equal(assay_customer_transaction(c, names, good, 6, &error), ASSAY_USAGE);
    assert_non_null(strstr(error.message, "no column direction"));
    assert_int_equal(assay_customer_transaction(c, NULL, good, 7, &error), ASSAY_USAGE);
    assert_int_equal(assay_decide(&d, c, "yesterday", &error), ASSAY_USAGE);
    assert_int_equal(assay_decide(&d, c, NULL, &error), ASSAY_USAGE);
    assert_int_equal(assay_decide(&d, NULL, "2024-08-27", &error), ASSAY_USAGE);

    /* Without a transaction, or with one that lies ahead, little is known: that is an answer. */
    assert_int_equal(assay_decide(&d, c, "2024-08-27", &error), ASSAY_OK);
    assert_int_equal(assay_decision_outcome(d)->insufficient_data, 1);
    double alone = assay_decision_outcome(d)->probability;
    assay_free(NULL, d);
    assert_int_equal(assay_customer_transaction(c, names, later, 7, &error), ASSAY_OK);
    if (assay_decide(&d, c, "2024-08-27", &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assert_true(assay_decision_outcome(d)->probability == alone);
    assay_free(NULL, d);

    assert_int_equal(assay_customer_transaction(c, names, bad, 7, &error), ASSAY_OK);
    assert_int_equal(assay_decide(&d, c, "2024-08-27", &error), ASSAY_FORMAT);
    assert_null(d);
    assert_non_null(strstr(error.message, "transactions:2:"));
    assay_free(c, NULL);

    assert_int_equal(assay_customer_new(&c, bundle, "comma, \"quote\"\nline", &error), ASSAY_OK);
    assert_int_equal(assay_decide(&d, c, "2024-08-27", &error), ASSAY_OK);
    assay_free(c, d);
    assay_free(NULL, NULL);
    assay_close(bundle);
    assay_close(NULL);
    assert_string_equal(assay_version(), ASSAY_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_scores_as_what_was_written),
        cmocka_unit_test(bundle_written_again_is_the_same_bytes),
        cmocka_unit_test(threads_change_no_score),
        cmocka_unit_test(a_block_of_any_size_decides_alike),
        cmocka_unit_test(brief_decisions_say_no_reasons),
        cmocka_unit_test(a_sample_is_even_and_whole_when_small),
        cmocka_unit_test(contributions_add_up_to_the_score),
        cmocka_unit_test(every_kind_of_calibration_is_kept_scored_and_explained),
        cmocka_unit_test(a_calibration_that_is_none_is_refused),
        cmocka_unit_test(missing_file_is_refused),
        cmocka_unit_test(truncated_file_is_refused),
        cmocka_unit_test(flipped_byte_is_refused),
        cmocka_unit_test(model_that_answers_otherwise_is_refused),
        cmocka_unit_test(golden_row_that_differs_in_one_figure_is_told_by_it),
        cmocka_unit_test(manifest_with_a_part_amiss_is_refused_by_its_name),
        cmocka_unit_test(feature_that_is_computed_otherwise_is_refused_by_name),
        cmocka_unit_test(bundle_that_leaves_features_out_goes_round),
        cmocka_unit_test(schema_without_closed_categories_goes_round),
        cmocka_unit_test(unreadable_part_with_good_sums_is_refused_by_name),
        cmocka_unit_test(altered_parts_with_good_sums_do_no_harm),
        cmocka_unit_test(model_of_early_days_passes_the_silence_test),
        cmocka_unit_test(model_of_how_long_a_customer_was_seen_fails_it),
        cmocka_unit_test(library_answers_as_a_run_does),
        cmocka_unit_test(library_refuses_what_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
