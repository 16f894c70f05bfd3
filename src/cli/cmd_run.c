/* assay run - the main job: profile, train, evaluate, score, decide, report. */
#include "cli/commands.h"

#include "report/report.h"

#include <string.h>

static const Option options[] = {
    {"customers", "FILE", "labelled customers: a file, a pattern or -; may be given again", true},
    {"transactions", "FILE", "transactions of labelled customers; likewise", false},
    {"score-customers", "FILE", "customers to be scored; likewise", false},
    {"score-transactions", "FILE", "transactions of customers to be scored; likewise", false},
    {"out", "FOLDER", "where the results go (default out)", false},
    {"schema", "FILE", "schema book (default: built in, for the home task's files)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"policy", "FILE", "policy book (default: built in)", false},
    {"as-of", "TIME", "the instant up to which things are known (default: the latest event)",
     false},
    {"seed", "N", "seed of every random choice (default 1)", false},
    {"folds", "N", "folds of the cross-validation (default 5)", false},
    {"repeats", "N", "repeats of the cross-validation (default 10; fewer beyond 2,000 customers)",
     false},
    {"shuffles", "N", "label shuffles of the negative control (default 20)", false},
    {"max-bad-rows", "SHARE", "share of unreadable rows that a file may hold (default 0.01)",
     false},
    {"max-unpacked", "SIZE",
     "most that a compressed file may unpack to (default 200 times its size, 64M at least)", false},
    {0}};

/* The stages of a run and when each began, for timings.json. */
typedef struct Clock {
    Timing timing[16];
    size_t count;
    int64_t started_us;
} Clock;

static void clock_stage(Clock *c, const char *stage)
{
    int64_t now = clock_monotonic_us();
    if (c->count > 0)
        c->timing[c->count - 1].seconds = (double)(now - c->started_us) / 1e6;
    c->started_us = now;
    if (stage != NULL && c->count < COUNT_OF(c->timing))
        c->timing[c->count++] = (Timing){stage, 0};
}

typedef struct Job {
    const Args *args;
    Arena *keep;
    Arena scratch;
    Clock clock;
    Schema *schema;
    Plan *plan;
    Policy *policy;
    Dataset *data;
    const char *out;
    LearnOptions learn;
    Events *events;
    Table *features;
    uint8_t *skip;
    TrainingSet set;
    uint32_t *training_row;
    Learned learned;
    Bundle *bundle;
    Run run;
} Job;

static Status read_books(Job *j, Error *err)
{
    Str text;
    const char *file;
    TRY(args_book(&text, &file, j->args, "schema", err));
    TRY(schema_read(&j->schema, j->keep, text, file, err));
    TRY(args_book(&text, &file, j->args, "features", err));
    TRY(plan_read(&j->plan, j->keep, text, file, j->schema, err));
    TRY(args_book(&text, &file, j->args, "policy", err));
    return policy_read(&j->policy, j->keep, text, file, j->plan, err);
}

static Status read_options(Job *j, DatasetInputs *in, Error *err)
{
    const Args *a = j->args;
    int64_t seed, folds, repeats, shuffles;
    *in = (DatasetInputs){.customers = args_files(a, "customers"),
                          .transactions = args_files(a, "transactions"),
                          .score_customers = args_files(a, "score-customers"),
                          .score_transactions = args_files(a, "score-transactions")};
    TRY(args_time(&in->as_of_us, &in->has_as_of, a, "as-of", err));
    TRY(args_real(&in->bad_rows_max, a, "max-bad-rows", 0.01, 0, 1, err));
    TRY(args_size(&in->unpacked_max, a, "max-unpacked", err));
    TRY(args_integer(&seed, a, "seed", 1, 0, INT64_MAX, err));
    TRY(args_integer(&folds, a, "folds", 5, 2, 50, err));
    TRY(args_integer(&repeats, a, "repeats", 0, 0, 1000, err));
    TRY(args_integer(&shuffles, a, "shuffles", 20, 1, 1000, err));
    j->learn = learn_options_default();
    j->learn.seed = (uint64_t)seed;
    j->learn.folds = (size_t)folds;
    j->learn.repeats = (size_t)repeats;
    j->learn.shuffles = (size_t)shuffles;
    j->out = args_value(a, "out", "out");
    return STATUS_OK;
}

/* A quality gate that says no still leaves its quarantine behind. */
static Status read_data(Job *j, const DatasetInputs *in, Error *err)
{
    TRY(folder_make(j->out, err));
    /* The marks of a complete run go first: whatever happens, old and new are never mixed. */
    static const char *const marks[] = {"run.json", "report.html", "offboarding.csv"};
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        TRY(file_remove(path_join(j->keep, j->out, marks[i]), err));
    Status status = dataset_read(&j->data, j->keep, j->scratch, j->schema, in, err);
    if (status == STATUS_GATE) {
        /* The gate's own error stands; a failure to write adds nothing that it does not say. */
        Status written = quarantine_write(j->data->quarantine,
                                          path_join(j->keep, j->out, "quarantine.csv"), NULL);
        (void)written;
    }
    return status;
}

/* Features that read a column which scoring lacks cannot be used by a model that must score. */
static void skip_features(Job *j)
{
    j->skip = ARENA_ARRAY(j->keep, uint8_t, j->plan->features + 1);
    for (size_t i = 0; i < j->plan->features; i++) {
        const Feature *f = &j->plan->feature[i];
        for (size_t d = 0; d < j->data->dropped_count; d++)
            if (f->use == USE_MODEL && feature_reads(f, j->data->dropped[d])) {
                j->skip[i] = 1;
                findings_add(
                    j->data->findings, SEVERITY_WARNING, "feature_skipped", 1,
                    str_format(j->keep,
                               "feature %.*s reads %.*s, which the files to be scored lack",
                               STR_ARG(f->name.text), STR_ARG(j->data->dropped[d])),
                    S("left out of the model"));
            }
    }
}

static Status make_features(Job *j, Error *err)
{
    int64_t *as_of = ARENA_ARRAY(j->keep, int64_t, j->data->customers + 1);
    for (size_t i = 0; i < j->data->customers; i++)
        as_of[i] = j->data->as_of_us;
    TRY(score_events(&j->events, j->keep, j->scratch, j->plan, j->data, as_of, err));
    return feature_table(&j->features, j->keep, j->scratch, j->plan, j->events, j->args->team, err);
}

/* Customers with one label and the slices they fall in. */
static Status make_training_set(Job *j, Error *err)
{
    const Dataset *d = j->data;
    size_t n = 0, strata = j->plan->strata == 0 ? 1 : j->plan->strata;
    uint32_t *row = j->training_row = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    uint8_t *label = ARENA_ARRAY(j->keep, uint8_t, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++)
        if (d->label[i] == LABEL_POSITIVE || d->label[i] == LABEL_NEGATIVE) {
            label[n] = d->label[i] == LABEL_POSITIVE;
            row[n++] = (uint32_t)i;
        }
    size_t share = n / 100; /* a level is worth a column when 1 % of customers, and 5, have it */
    plan_freeze_levels(j->plan, j->keep, j->features, row, n, share > 5 ? share : 5);
    Matrix *x;
    TRY(feature_matrix(&x, j->keep, j->plan, j->features, j->skip, d->id, row, n, err));

    Str *name = ARENA_ARRAY(j->keep, Str, strata);
    const uint8_t **in = ARENA_ARRAY(j->keep, const uint8_t *, strata);
    uint8_t *all = ARENA_ARRAY(j->keep, uint8_t, d->customers + 1);
    j->run.stratum_share_scored = ARENA_ARRAY(j->keep, double, strata);
    size_t smallest = SIZE_MAX, scored = 0;
    for (size_t i = 0; i < d->customers; i++)
        scored += (d->cohort[i] & COHORT_SCORED) != 0;
    for (size_t s = 0; s < strata; s++) {
        uint8_t *mask = ARENA_ARRAY(j->keep, uint8_t, n + 1);
        size_t inside = 0, inside_scored = 0;
        name[s] = S("ALL");
        memset(all, 1, d->customers);
        if (j->plan->strata > 0) {
            name[s] = j->plan->stratum[s].name;
            TRY(plan_stratum(all, j->scratch, &j->plan->stratum[s], j->features, err));
        }
        for (size_t i = 0; i < n; i++)
            inside += mask[i] = all[row[i]];
        for (size_t i = 0; i < d->customers; i++)
            inside_scored += (d->cohort[i] & COHORT_SCORED) != 0 && all[i];
        in[s] = mask;
        j->run.stratum_share_scored[s] = scored == 0 ? 0 : (double)inside_scored / (double)scored;
        /* The headline: the narrowest slice that holds most of the customers to be scored. */
        if (inside < smallest && (s == 0 || j->run.stratum_share_scored[s] >= 0.5)) {
            smallest = inside;
            j->run.headline = s;
        }
    }
    j->set = (TrainingSet){.x = x,
                           .label = label,
                           .monotone = matrix_plan(j->keep, j->plan, j->skip)->monotone,
                           .strata = strata,
                           .stratum = name,
                           .in_stratum = in};
    return STATUS_OK;
}

/* Repeats exist to average out the luck of the folds, which fades as customers grow in number:
 * beyond 2,000 the number falls so that the work stays about the same. */
static size_t repeats_for(size_t customers)
{
    size_t repeats = customers == 0 ? 10 : 20000 / customers;
    return repeats < 1 ? 1 : repeats > 10 ? 10 : repeats;
}

enum { CONTROL_CUSTOMERS_MAX = 5000 };

/* The negative control asks whether the procedure invents signal; a sample of a large bank
 * answers that as well, so that a score of shuffles does not cost a score of trainings. */
static const TrainingSet *control_set(Job *j)
{
    const TrainingSet *set = &j->set;
    size_t n = set->x->rows, count = 0;
    if (n <= CONTROL_CUSTOMERS_MAX)
        return set;
    uint32_t *row = ARENA_ARRAY(j->keep, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        row[i] = (uint32_t)i;
    Random r = random_new(seed_derive(j->learn.seed, 0xC0117801));
    random_shuffle(&r, row, n);
    count = CONTROL_CUSTOMERS_MAX;
    TrainingSet *out = ARENA_NEW(j->keep, TrainingSet);
    uint8_t *label = ARENA_ARRAY(j->keep, uint8_t, count);
    uint8_t *all = ARENA_ARRAY(j->keep, uint8_t, count);
    const uint8_t **in = ARENA_ARRAY(j->keep, const uint8_t *, 1);
    static const Str name[] = {{"ALL", 3}};
    for (size_t i = 0; i < count; i++) {
        label[i] = set->label[row[i]];
        all[i] = 1;
    }
    in[0] = all;
    *out = (TrainingSet){.x = matrix_take(j->keep, set->x, row, count),
                         .label = label,
                         .monotone = set->monotone,
                         .strata = 1,
                         .stratum = name,
                         .in_stratum = in};
    talk(j->args, "the negative control uses %zu of %zu customers", count, n);
    return out;
}

/* Counts of early transactions are 0 for whom nothing is on record, so a model that sees counts
 * knows who has no record, whatever is kept from it. What that is worth is said, not hidden. */
static void find_unseen(Job *j)
{
    size_t unseen = 0, risky = 0, seen = 0, seen_risky = 0;
    for (size_t i = 0; i < j->set.x->rows; i++) {
        uint32_t customer = j->training_row[i];
        bool none = j->events->start[customer] == j->events->start[customer + 1];
        unseen += none;
        seen += !none;
        risky += none && j->set.label[i];
        seen_risky += !none && j->set.label[i];
    }
    if (unseen == 0 || seen == 0)
        return;
    findings_add(j->data->findings, SEVERITY_WARNING, "no_record_is_visible", unseen,
                 str_format(j->keep,
                            "%zu labelled customers have no transaction and %.1f %% of them were "
                            "suspended, against %.1f %% of the others; early counts of 0 let the "
                            "model see this",
                            unseen, 100 * (double)risky / (double)unseen,
                            100 * (double)seen_risky / (double)seen),
                 S("judge by the strata that leave them out; they are scored with insufficient "
                   "data and never proposed"));
}

/* Tables of the same features for the two cohorts, for the probes of the audit. */
static Status audit(Job *j, const Validation *v, Audit **out, Error *err)
{
    const Dataset *d = j->data;
    uint32_t *scored = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    size_t count = 0;
    for (size_t i = 0; i < d->customers; i++)
        if (d->cohort[i] == COHORT_SCORED)
            scored[count++] = (uint32_t)i;
    static const Str uses[] = {{"model", 5}, {"policy", 6}, {"monitor", 7}};
    Str *use = ARENA_ARRAY(j->keep, Str, j->plan->features + 1);
    for (size_t i = 0; i < j->plan->features; i++)
        use[i] = j->skip[i] ? S("audit") : uses[j->plan->feature[i].use];
    const AuditInputs inputs = {
        .labelled = table_take(j->keep, j->features, j->training_row, j->set.x->rows),
        .scored = count == 0 ? NULL : table_take(j->keep, j->features, scored, count),
        .use = use,
        .label = j->set.label};
    size_t known = d->findings->count;
    find_unseen(j);
    TRY(learn_audit(out, j->keep, j->scratch, &inputs, control_set(j), v, &j->learn, d->findings,
                    j->args->team, &j->args->progress, err));
    /* Loud: what the audit found is said before anything is trained on all customers. */
    for (size_t i = known; i < d->findings->count; i++) {
        const Finding *f = &d->findings->item[i];
        const char *end = memchr(f->what.data, ';', f->what.size);
        Str short_form =
            end == NULL ? f->what : str_slice(f->what, 0, (size_t)(end - f->what.data));
        if (f->severity != SEVERITY_INFO)
            talk(j->args, "leakage audit: %.*s - %.*s", STR_ARG(short_form), STR_ARG(f->done));
    }
    return STATUS_OK;
}

static Str training_hash(Arena *keep, const TrainingSet *set)
{
    Buffer b = buffer_new(keep);
    for (size_t k = 0; k < set->x->columns; k++) {
        buffer_add(&b, set->x->name[k]);
        buffer_char(&b, '\n');
    }
    buffer_add(&b,
               (Str){(const char *)set->x->value, set->x->rows * set->x->columns * sizeof(float)});
    buffer_add(&b, (Str){(const char *)set->label, set->x->rows});
    char hash[SHA256_TEXT];
    sha256_text(hash, buffer_str(&b));
    return str_copy(keep, str_from(hash));
}

static void add_interval(Buffer *b, const char *name, Interval v)
{
    char text[3][NUMBER_TEXT];
    const double values[3] = {v.value, v.low, v.high};
    buffer_format(b, ",\"%s\":[", name);
    for (size_t i = 0; i < 3; i++) {
        buffer_add(b, i > 0 ? S(",") : S(""));
        buffer_add(b, is_missing(values[i]) ? S("null") : double_text(text[i], values[i]));
    }
    buffer_char(b, ']');
}

/* What a bundle says of itself: the chosen candidate's figures, [value, low, high]. */
static Str bundle_metrics(Arena *keep, const TrainingSet *set, const Validation *v)
{
    const Candidate *c = &v->candidate[v->chosen];
    Buffer b = buffer_new(keep);
    buffer_format(&b, "{\"model\":\"%.*s\",\"strata\":[", STR_ARG(c->name));
    for (size_t s = 0; s < set->strata; s++) {
        buffer_format(&b, "%s{\"customers\":%zu,\"positives\":%zu", s > 0 ? "," : "",
                      c->metric[s].customers, c->metric[s].positives);
        for (int k = 0; k < METRIC_KINDS; k++) {
            Str name = metric_name((MetricKind)k);
            add_interval(&b, str_chars(keep, name), c->metric[s].metric[k]);
        }
        buffer_char(&b, '}');
    }
    buffer_add(&b, S("]}"));
    return buffer_str(&b);
}

static Status make_bundle(Job *j, Error *err)
{
    const char *folder = path_join(j->keep, j->out, "bundle");
    size_t positives = 0;
    for (size_t i = 0; i < j->set.x->rows; i++)
        positives += j->set.label[i];
    Bundle b = {.schema = j->schema,
                .plan = j->plan,
                .policy = j->policy,
                .model = j->learned.model,
                .platt = j->learned.platt,
                .venn_abers = j->learned.venn_abers,
                .skip = j->skip,
                .columns = matrix_plan(j->keep, j->plan, j->skip),
                .version = S(ASSAY_VERSION),
                .as_of_us = j->data->as_of_us,
                .seed = j->learn.seed,
                .customers = j->set.x->rows,
                .positives = positives,
                .data_hash = training_hash(j->keep, &j->set),
                .metrics = bundle_metrics(j->keep, &j->set, j->run.validation)};
    bundle_reference(&b, j->keep, j->scratch, j->set.x);
    TRY(bundle_write(&b, folder, err));
    /* Scored with what was written, not with what is in memory: what is served is what was
     * trained, or the run fails here. */
    return bundle_open(&j->bundle, j->keep, folder, err);
}

/* Customers to be scored, those with contradictory or unknown labels among them. */
static Status score(Job *j, Scored **out, Error *err)
{
    const Dataset *d = j->data;
    uint32_t *row = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    uint32_t *contradictory = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    size_t count = 0;
    for (size_t i = 0; i < d->customers; i++) {
        bool unjudged = d->label[i] == LABEL_CONTRADICTORY || d->label[i] == LABEL_NONE;
        if ((d->cohort[i] & COHORT_SCORED) == 0 && !unjudged)
            continue;
        if (d->label[i] == LABEL_CONTRADICTORY)
            contradictory[j->run.contradictories++] = (uint32_t)count;
        row[count++] = (uint32_t)i;
    }
    j->run.contradictory = contradictory;
    TRY(score_dataset(out, j->keep, j->scratch, j->bundle, j->data, row, count, j->args->team,
                      err));
    uint32_t *candidate = ARENA_ARRAY(j->keep, uint32_t, count + 1);
    j->run.candidates = policy_rank(candidate, (*out)->decision, count);
    j->run.candidate = candidate;
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    Job *j = ARENA_NEW(args->arena, Job);
    j->args = args;
    j->keep = args->arena;
    j->scratch = arena_new();
    DatasetInputs in;
    Validation *validation;
    Audit *leaks;
    Scored *scored;
    Silence silence;
    char age[TIME_TEXT];

    TRY(read_options(j, &in, err));
    clock_stage(&j->clock, "read");
    progress_tell(&args->progress, "reading", 0, 1);
    TRY(read_books(j, err));
    TRY(read_data(j, &in, err));
    skip_features(j);
    TRY(score_check_columns(j->plan, j->skip, j->data, err));
    clock_stage(&j->clock, "features");
    progress_tell(&args->progress, "computing features", 0, 1);
    TRY(make_features(j, err));
    TRY(make_training_set(j, err));
    j->learn.threshold = policy_thresholds(j->policy).high;
    if (j->learn.repeats == 0)
        j->learn.repeats = repeats_for(j->set.x->rows);
    clock_stage(&j->clock, "validate");
    TRY(learn_validate(&validation, j->keep, j->scratch, &j->set, &j->learn, args->team,
                       &args->progress, err));
    j->run.validation = validation;
    clock_stage(&j->clock, "audit");
    TRY(audit(j, validation, &leaks, err));
    clock_stage(&j->clock, "train");
    progress_tell(&args->progress, "training the chosen model", 0, 1);
    TRY(learn_final(&j->learned, j->keep, j->scratch, &j->set, validation, &j->learn, args->team,
                    err));
    TRY(make_bundle(j, err));
    clock_stage(&j->clock, "score");
    progress_tell(&args->progress, "scoring", 0, 1);
    TRY(score(j, &scored, err));
    uint32_t *all = ARENA_ARRAY(j->keep, uint32_t, j->data->customers + 1);
    for (size_t i = 0; i < j->data->customers; i++)
        all[i] = (uint32_t)i;
    TRY(score_silence(&silence, j->scratch, j->bundle, j->data, all, j->data->customers,
                      plan_common_age(j->plan), args->team, err));
    if (!silence.passed)
        findings_add(
            j->data->findings, SEVERITY_SEVERE, "silence_test", silence.customers,
            str_format(j->keep, "cutting every history at %.*s moves the mean probability by %.3f",
                       STR_ARG(duration_text(age, silence.age_us)), silence.mean_change),
            S("the model has learnt from how long customers were observed: look at its features"));
    if (!silence.tested && silence.age_us > 28 * DAY_US)
        findings_add(
            j->data->findings, SEVERITY_WARNING, "silence_untested", silence.customers,
            str_format(j->keep,
                       "the model's windows are so long that only %zu customers are observed for "
                       "twice as long, %.*s: the silence test is not possible",
                       silence.customers, STR_ARG(duration_text(age, silence.age_us))),
            S("take shorter windows, or make sure that all customers were observed equally long"));
    clock_stage(&j->clock, "write");

    Run *r = &j->run;
    r->version = S(ASSAY_VERSION);
    r->command = args->line;
    r->seed = j->learn.seed;
    r->data = j->data;
    r->plan = j->plan;
    r->policy = j->policy;
    r->bundle = j->bundle;
    r->training = &j->set;
    r->training_row = j->training_row;
    r->audit = leaks;
    r->silence = &silence;
    r->scored = scored;
    r->timing = j->clock.timing;
    r->timings = j->clock.count;
    progress_tell(&args->progress, "writing the report", 0, 1);
    TRY(report_write(r, path_join(j->keep, j->out, "report.html"), err));
    clock_stage(&j->clock, NULL);
    TRY(store_run(r, j->out, err));
    progress_tell(&args->progress, "done", 1, 1);
    answer(str_trim(report_summary(j->keep, r, j->out)));
    arena_free(&j->scratch);
    if (!silence.passed) {
        (void)error_set(err, STATUS_GATE,
                        "the silence test failed: cutting every history at %.*s moves "
                        "probabilities by %.3f on average (limit %.3f), rank correlation %.3f",
                        STR_ARG(duration_text(age, silence.age_us)), silence.mean_change,
                        silence.limit, silence.rank_correlation);
        return error_remedy(err, "the model has learnt from how long customers were observed: "
                                 "look at its features, and do not use these results");
    }
    if (leaks->control.passed)
        return STATUS_OK;
    (void)error_set(err, STATUS_GATE,
                    "the negative control failed: on shuffled labels the mean AUC is %.3f, outside "
                    "%.3f to %.3f",
                    leaks->control.mean, leaks->control.low, leaks->control.high);
    return error_remedy(err, "the procedure finds signal where there is none: do not use these "
                             "results; see the leakage audit in report.html");
}

const Command command_run = {
    .name = "run",
    .says = "learn from labelled customers, score others, propose candidates for off-boarding",
    .example =
        "  assay run --customers labelled_users.csv --transactions labelled_transactions.csv \\\n"
        "            --score-customers unlabelled_users.csv \\\n"
        "            --score-transactions unlabelled_transactions.csv --out out",
    .options = options,
    .run = run};
