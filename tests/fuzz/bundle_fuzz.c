/* bundle_fuzz.c - a good bundle with one file changed: opened or refused with a sentence, never
 * a crash; and what is accepted scores, and is accepted again when it is written.
 *
 * The first byte chooses the file (SHA256SUMS is one), the kind of calibration, whether the sums
 * are made to agree with the change, and whether the rest replaces the file or is a patch: three
 * bytes of offset, one of bytes to leave out, and the bytes to put in. */
#include "score/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 6, SUMS = 5, KIND_SHIFT = 3, KIND_MASK = 3, SUMS_STAY = 0x40, REPLACE = 0x80 };

static const char *const names[FILES] = {"bundle.json", "features.yaml", "model.json",
                                         "policy.yaml", "schema.yaml",   "SHA256SUMS"};

static const char customers[] =
    "user_id,has_biometrics,reason_to_use_app,kyc_state,screening_state,user_current_state\n"
    "a,TRUE,DAILY_PAYMENT_SERVICES,COMPLETED,COMPLETED,ACTIVE\n"
    "b,FALSE,CRYPTO_SERVICES,FAILED,TO_SOFT_REVIEW,SUSPENDED\n"
    "c,TRUE,,COMPLETED,COMPLETED,ACTIVE\n";

static const char transactions[] =
    "id,user_id,state,type,amount,currency,direction,completed_at,created_at\n"
    "1,a,COMPLETED,BANK_TRANSFER,900,EUR,IN,2024-06-01 10:00:05 UTC,2024-06-01 10:00:00 UTC\n"
    "2,a,COMPLETED,BANK_TRANSFER,890.5,EUR,OUT,2024-06-01 12:00:05 UTC,2024-06-01 12:00:00 UTC\n"
    "3,b,FAILED,CARD_TOP_UP,100,EUR,IN,2024-06-02 09:00:05 UTC,2024-06-02 09:00:00 UTC\n"
    "4,b,COMPLETED,CARD_TOP_UP,100,EUR,IN,2024-06-02 09:02:05 UTC,2024-06-02 09:02:00 UTC\n"
    "5,b,PENDING,CRYPTO_ON_RAMP,99,EUR,OUT,,2024-06-02 10:00:00 UTC\n"
    "6,c,DECLINED,CARDS,12.4,EUR,OUT,2024-06-20 10:00:00 UTC,2024-06-20 10:00:00 UTC\n";

/* Small books: the default ones would take most of the time. */
static const char features_book[] =
    "version: 1\n"
    "name: fuzz\n"
    "define:\n"
    "  money_in: state = 'COMPLETED' and direction = 'IN'\n"
    "  money_out: state = 'COMPLETED' and direction = 'OUT'\n"
    "strata: {ALL: true}\n"
    "features:\n"
    "  - {name: early_passed, expr: \"matched(money_in to money_out within 24h)\", over: first 14d,"
    " use: model, family: flow, risk: up, format: eur, says: Passed on early}\n"
    "  - {name: early_failed, expr: \"count(state = 'FAILED') / count()\", over: first 14d,"
    " use: model, family: states, format: percent, says: Share that failed}\n"
    "  - {name: reason, expr: reason_to_use_app, use: model, family: profile, says: Reason}\n"
    "  - {name: screening, expr: screening_state, use: model, family: profile, says: Screening}\n"
    "  - {name: passed, expr: \"matched(money_in to money_out within 24h)\", over: all, use: "
    "policy,"
    " family: flow, format: eur, says: Passed on}\n"
    "  - {name: inflow, expr: sum(amount where money_in), over: all, use: policy, family: flow,"
    " format: eur, says: Received}\n"
    "  - {name: events, expr: count(), over: all, use: monitor, family: seen, format: count,"
    " says: Events}\n";

static const char policy_book[] =
    "version: 1\n"
    "name: fuzz\n"
    "costs: {wrong_exit: 4, missed_risk: 1, review: 0.40, monitor: 0.15}\n"
    "exposure: inflow\n"
    "insufficient_data: {when: events = 0, because: \"Nothing is on record.\"}\n"
    "rules:\n"
    "  - id: passed\n"
    "    when: passed >= 50 and inflow >= 100\n"
    "    family: flow\n"
    "    severity: severe\n"
    "    because: \"{passed:eur} of {inflow:eur} left within a day.\"\n"
    "    evidence: passed\n"
    "    missing_proof: \"The origin is not yet known.\"\n"
    "    next_step: \"Ask.\"\n"
    "mitigating:\n"
    "  - id: little\n"
    "    when: passed < 100\n"
    "    because: \"Only {passed:eur} left.\"\n"
    "safeguards:\n"
    "  - id: none\n"
    "    when: insufficient_data\n"
    "    cap: MONITOR\n"
    "    because: \"No behaviour to judge.\"\n"
    "actions:\n"
    "  - action: PROPOSE_OFFBOARDING\n"
    "    when: probability >= threshold_high and exposure >= 100 and families >= 2\n"
    "    because: \"{families:count} families, {exposure:eur}.\"\n"
    "  - action: MONITOR\n"
    "    when: probability >= threshold_medium\n"
    "    because: \"{probability:percent}.\"\n";

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void good(Status status, const Error *err)
{
    if (status != STATUS_OK)
        (void)fprintf(stderr, "%s:%lld: %s\n", err->file, (long long)err->line, err->message);
    must(status == STATUS_OK);
}

/* The bundle that is changed, with each kind of calibration, and where it lies. */
typedef struct Base {
    Arena arena;
    const char *folder, *again; /* the second for what is written once more */
    Str content[CALIBRATION_KINDS][FILES];
    const Str *now; /* of the kind that the input asks for */
} Base;

static Base base;

static Dataset *read_bank(Arena *keep, const Schema *schema)
{
    Error err = {0};
    Dataset *data;
    Arena scratch = arena_new();
    const Str text[] = {str_from(customers), str_from(transactions)};
    const InputFile file[] = {{"users.csv", &text[0]}, {"transactions.csv", &text[1]}};
    const DatasetInputs in = {
        .customers = {&file[0], 1}, .transactions = {&file[1], 1}, .bad_rows_max = 1};
    Status status = dataset_read(&data, keep, scratch, schema, &in, &err);
    arena_free(&scratch);
    must(status == STATUS_OK || err.message[0] != '\0');
    return status == STATUS_OK ? data : NULL;
}

static Linear *linear_of(Arena *keep, const Matrix *x)
{
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
                  .intercept = -1};
    for (size_t k = 0; k < n; k++) {
        m->transform[k] = k % 2 ? TRANSFORM_SIGNED_LOG : TRANSFORM_NONE;
        m->scale[k] = 1 + (double)k / 3;
        m->weight[k] = (k % 3 ? 0.5 : -0.5) / (1 + (double)k);
        m->low[k] = -5;
        m->high[k] = 5;
    }
    return m;
}

static void remove_files(const char *folder)
{
    for (int i = 0; i < FILES; i++)
        (void)unlink(path_join(&base.arena, folder, names[i]));
    (void)rmdir(folder);
}

static void clean_up(void)
{
    remove_files(base.folder);
    remove_files(base.again);
}

static const char *make_folder(void)
{
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    Str name = str_format(&base.arena, "%s/assay-bundle-XXXXXX", where);
    must(mkdtemp((char *)(uintptr_t)name.data) != NULL);
    return name.data;
}

/* A linear model over the books' matrix, put together by hand. */
static void make_base(void)
{
    static double margin[] = {-2, 0, 1.5}, p0[] = {0.1, 0.3, 0.6}, p1[] = {0.2, 0.5, 0.9};
    static VennAbers interval = {3, margin, p0, p1};
    base.arena = arena_new();
    Arena *keep = &base.arena, scratch = arena_new();
    Error err = {0};
    static double knot_margin[] = {-1, 0.5, 2}, knot_log_odds[] = {-2, -0.5, 1};
    static const Isotonic knots = {3, knot_margin, knot_log_odds};
    static const Calibration kind[CALIBRATION_KINDS] = {
        {.platt = {0.9, -0.1}},
        {.kind = CALIBRATION_BETA, .beta = {0.5, 1.5, -0.2}},
        {.kind = CALIBRATION_ISOTONIC, .isotonic = &knots}};
    Bundle b = {.venn_abers = &interval,
                .version = S("0"),
                .data_hash = S("none"),
                .metrics = S("{\"auc\":0.7}")};
    Events *events;
    Table *features;
    Matrix *x;
    base.folder = make_folder();
    base.again = make_folder();
    must(atexit(clean_up) == 0);
    good(schema_default(&b.schema, keep, &err), &err);
    good(plan_read(&b.plan, keep, str_from(features_book), "features.yaml", b.schema, &err), &err);
    Dataset *data = read_bank(keep, b.schema);
    must(data != NULL);
    size_t n = data->customers;
    int64_t *as_of = ARENA_ARRAY(keep, int64_t, n + 1);
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        as_of[i] = data->as_of_us;
        row[i] = (uint32_t)i;
    }
    good(score_events(&events, keep, scratch, b.plan, data, as_of, &err), &err);
    good(feature_table(&features, keep, scratch, b.plan, events, NULL, &err), &err);
    plan_freeze_levels(b.plan, keep, features, row, n, 1);
    good(policy_read(&b.policy, keep, str_from(policy_book), "policy.yaml", b.plan, &err), &err);
    b.skip = ARENA_ARRAY(keep, uint8_t, b.plan->features + 1);
    good(feature_matrix(&x, keep, b.plan, features, b.skip, data->id, row, n, &err), &err);
    Model model = {.kind = MODEL_LINEAR, .linear = linear_of(keep, x)};
    b.model = &model;
    b.columns = matrix_plan(keep, b.plan, b.skip);
    b.as_of_us = data->as_of_us;
    bundle_reference(&b, keep, scratch, x);
    for (int k = 0; k < CALIBRATION_KINDS; k++) {
        b.calibration = kind[k];
        good(bundle_write(&b, base.folder, &err), &err);
        for (int i = 0; i < FILES; i++)
            must(file_read(&base.content[k][i], keep, path_join(keep, base.folder, names[i]),
                           &err) == STATUS_OK);
    }
    arena_free(&scratch);
}

static void put(Arena *arena, int file, Str bytes)
{
    must(file_write(path_join(arena, base.folder, names[file]), bytes, NULL) == STATUS_OK);
}

static Str patched(Arena *arena, Str text, const uint8_t *data, size_t size)
{
    Buffer b = buffer_new(arena);
    size_t at = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2], gone = data[3];
    at %= text.size + 1;
    buffer_add(&b, str_slice(text, 0, at));
    buffer_add(&b, (Str){(const char *)data + 4, size - 4});
    at = gone < text.size - at ? at + gone : text.size;
    buffer_add(&b, str_slice(text, at, text.size));
    return buffer_str(&b);
}

static Str sums_of(Arena *arena, int changed, Str bytes)
{
    Buffer b = buffer_new(arena);
    for (int i = 0; i < SUMS; i++) {
        char hash[SHA256_TEXT];
        sha256_text(hash, i == changed ? bytes : base.now[i]);
        buffer_format(&b, "%s  %s\n", hash, names[i]);
    }
    return buffer_str(&b);
}

static void use(Arena *keep, Bundle *b)
{
    Error err = {0};
    Scored *s;
    Arena scratch = arena_new();
    Dataset *data = read_bank(keep, b->schema);
    if (data != NULL) {
        uint32_t *row = ARENA_ARRAY(keep, uint32_t, data->customers + 1);
        for (size_t i = 0; i < data->customers; i++)
            row[i] = (uint32_t)i;
        if (score_dataset(&s, keep, scratch, b, data, row, data->customers, NULL, NULL, &err) ==
            STATUS_OK)
            for (size_t i = 0; i < s->count; i++)
                must(s->low[i] <= s->probability[i] && s->probability[i] <= s->high[i]);
        else
            must(err.message[0] != '\0');
    }
    arena_free(&scratch);
    Bundle *second;
    must(bundle_write(b, base.again, &err) == STATUS_OK);
    must(bundle_open(&second, keep, base.again, &err) == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (base.folder == NULL)
        make_base();
    if (size == 0)
        return 0;
    bool replace = (data[0] & REPLACE) != 0, stay = (data[0] & SUMS_STAY) != 0;
    if (!replace && size < 5)
        return 0;
    Arena keep = arena_new();
    Error err = {0};
    Bundle *b;
    int file = (data[0] & 7) % FILES;
    base.now = base.content[(data[0] >> KIND_SHIFT & KIND_MASK) % CALIBRATION_KINDS];
    put(&keep, 0, base.now[0]); /* the kinds differ in the manifest alone */
    put(&keep, SUMS, base.now[SUMS]);
    Str was = base.now[file];
    Str is =
        replace ? (Str){(const char *)data + 1, size - 1} : patched(&keep, was, data + 1, size - 1);
    put(&keep, file, is);
    if (file != SUMS && !stay)
        put(&keep, SUMS, sums_of(&keep, file, is));
    Status status = bundle_open(&b, &keep, base.folder, &err);
    if (status == STATUS_OK) {
        must(str_equal(was, is) || (file != SUMS && !stay));
        use(&keep, b);
    } else {
        must(err.message[0] != '\0' && err.remedy[0] != '\0');
    }
    put(&keep, file, was);
    put(&keep, SUMS, base.now[SUMS]);
    arena_free(&keep);
    return 0;
}
