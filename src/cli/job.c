#include "cli/job.h"

#include <string.h>

const Option job_labelled_files[] = {
    {"customers", "FILE", "labelled customers: a file, a pattern or -; may be given again", true},
    {"transactions", "FILE", "transactions of labelled customers; likewise", false},
    {0}};

const Option job_scored_files[] = {
    {"score-customers", "FILE", "customers to be scored; likewise", false},
    {"score-transactions", "FILE", "transactions of customers to be scored; likewise", false},
    {0}};

const Option job_book_options[] = {
    {"schema", "FILE", "schema book (default: built in, for the home task's files)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"policy", "FILE", "policy book (default: built in)", false},
    {"messages", "FILE", "the books' sentences in other languages (default: built in)", false},
    {0}};

const Option job_language_option[] = {
    {"language", "en|fr", "of the sentences in decisions and lists (default en)", false}, {0}};

const Option job_read_options[] = {
    {"as-of", "TIME", "the instant up to which things are known (default: the latest event)",
     false},
    {"max-bad-rows", "SHARE", "share of unreadable rows that a file may hold (default 0.01)",
     false},
    {"max-unpacked", "SIZE",
     "most that a compressed file may unpack to (default 200 times its size, 64M at least)", false},
    {0}};

const Option job_learn_options[] = {
    {"seed", "N", "seed of every random choice (default 1)", false},
    {"folds", "N", "folds of the cross-validation (default 5)", false},
    {"repeats", "N", "repeats of the cross-validation (default 10; fewer beyond 2,000 customers)",
     false},
    {"trials", "N", "settings tried in each search (default 6; fewer beyond 2,000 customers)",
     false},
    {"fits", "N", "most inner fits of one search; trials are cut to keep to it", false},
    {"criterion", "log_loss|brier|auc|pr_auc", "what candidates are chosen by (default log_loss)",
     false},
    {"shuffles", "N", "label shuffles of the negative control (default 20)", false},
    {"ablation", "WHICH", "full: weigh families of features, leaks and protected columns; none",
     false},
    {0}};

const Option job_quarantine_option[] = {
    {"quarantine", "FILE",
     "where rows that cannot be used are written, if there are any (default quarantine.csv)",
     false},
    {0}};

static void clock_stage(Clock *c, const char *stage)
{
    int64_t now = clock_monotonic_us();
    if (c->count > 0)
        c->timing[c->count - 1].seconds = (double)(now - c->started_us) / 1e6;
    c->started_us = now;
    if (stage != NULL && c->count < COUNT_OF(c->timing))
        c->timing[c->count++] = (Timing){stage, 0};
}

void job_stage(Job *j, const char *name, const char *says)
{
    clock_stage(&j->clock, name);
    if (says != NULL)
        progress_tell(&j->args->progress, says, 0, 1);
}

Job *job_new(const Args *args)
{
    Job *j = ARENA_NEW(args->arena, Job);
    j->args = args;
    j->keep = args->arena;
    j->scratch = arena_new();
    j->quarantine = args_value(args, "quarantine", "quarantine.csv");
    return j;
}

static Status read_measures(Job *j, Error *err)
{
    Str text;
    const char *file;
    TRY(args_book(&text, &file, j->args, "schema", err));
    TRY(schema_read(&j->schema, j->keep, text, file, err));
    TRY(args_book(&text, &file, j->args, "features", err));
    return plan_read(&j->plan, j->keep, text, file, j->schema, err);
}

static Status read_books(Job *j, Error *err)
{
    TRY(read_measures(j, err));
    TRY(args_policy(&j->policy, j->args, j->plan, err));
    TRY(args_messages(&j->messages, j->args, err));
    TRY(args_language(&j->language, j->args, j->messages, err));
    size_t untranslated[LANGUAGES];
    TRY(policy_translate(j->policy, j->keep, j->messages, untranslated, err));
    if (untranslated[j->language] > 0)
        talk(j->args,
             "%zu sentences of the policy are not translated and stay English; "
             "`assay check --messages FILE` lists them",
             untranslated[j->language]);
    return STATUS_OK;
}

static Status read_criterion(Job *j, Error *err)
{
    static const char *const names[CRITERIA] = {"log_loss", "brier", "auc", "pr_auc"};
    const char *given = args_value(j->args, "criterion", names[CRITERION_LOG_LOSS]);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(given, names[i]) == 0) {
            j->learn.criterion = (Criterion)i;
            return STATUS_OK;
        }
    (void)error_set(err, STATUS_USAGE,
                    "--criterion takes log_loss, brier, auc or pr_auc, and got `%.40s`", given);
    return error_remedy(err, "write --criterion log_loss");
}

static Status read_options(Job *j, DatasetInputs *in, Error *err)
{
    const Args *a = j->args;
    int64_t seed, folds, repeats, shuffles, trials, fits;
    *in = (DatasetInputs){.progress = &a->progress,
                          .customers = args_files(a, "customers"),
                          .transactions = args_files(a, "transactions"),
                          .score_customers = args_files(a, "score-customers"),
                          .score_transactions = args_files(a, "score-transactions")};
    TRY(args_time(&in->as_of_us, &in->has_as_of, a, "as-of", err));
    TRY(args_real(&in->bad_rows_max, a, "max-bad-rows", 0.01, 0, 1, err));
    TRY(args_size(&in->unpacked_max, a, "max-unpacked", err));
    TRY(args_integer(&seed, a, "seed", 1, 0, INT64_MAX, err));
    TRY(args_integer(&folds, a, "folds", 5, 2, 50, err));
    TRY(args_integer(&repeats, a, "repeats", 0, 1, 1000, err));
    TRY(args_integer(&shuffles, a, "shuffles", 20, 1, 1000, err));
    TRY(args_integer(&j->stability, a, "stability", -1, 0, 1000, err));
    TRY(args_integer(&trials, a, "trials", 0, 1, 1000, err));
    TRY(args_integer(&fits, a, "fits", 0, 1, 1000000, err));
    Str ablation = str_from(args_value(a, "ablation", "full"));
    j->ablation = str_equal(ablation, S("full"));
    if (!j->ablation && !str_equal(ablation, S("none"))) {
        (void)error_set(err, STATUS_USAGE, "--ablation is full or none, not `%.*s`",
                        STR_ARG(ablation));
        return error_remedy(err, "leave it out for the whole table");
    }
    j->learn = learn_options_default();
    TRY(read_criterion(j, err));
    j->learn.trials = (size_t)trials;
    j->learn.fits = (size_t)fits;
    j->learn.seed = (uint64_t)seed;
    j->learn.folds = (size_t)folds;
    j->learn.repeats = (size_t)repeats;
    j->learn.shuffles = (size_t)shuffles;
    return STATUS_OK;
}

/* Rows that cannot be used are written even when a quality gate says no. A run folder always has
 * its quarantine; without one the file is made when there is something to put in it. */
static Status read_data(Job *j, const DatasetInputs *in, Error *err)
{
    Status status = dataset_read(&j->data, j->keep, j->scratch, j->schema, in, err);
    if ((status != STATUS_OK && status != STATUS_GATE) || j->data->quarantine->count == 0)
        return status;
    /* The gate's own error stands. */
    TRY(quarantine_write(j->data->quarantine, j->quarantine, status == STATUS_OK ? err : NULL));
    talk(j->args, "%zu rows could not be used; each is in %s with its reason",
         j->data->quarantine->count, j->quarantine);
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

/* Customers with one label: those that are learnt from. */
static void find_labelled(Job *j)
{
    const Dataset *d = j->data;
    size_t n = 0;
    uint32_t *row = j->training_row = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    uint8_t *label = ARENA_ARRAY(j->keep, uint8_t, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++)
        if (d->label[i] == LABEL_POSITIVE || d->label[i] == LABEL_NEGATIVE) {
            label[n] = d->label[i] == LABEL_POSITIVE;
            row[n++] = (uint32_t)i;
        }
    j->fitting = (Fitting){row, label, n};
}

Status job_features(Job *j, Error *err)
{
    job_stage(j, "features", "computing features");
    int64_t *as_of = ARENA_ARRAY(j->keep, int64_t, j->data->customers + 1);
    for (size_t i = 0; i < j->data->customers; i++)
        as_of[i] = j->data->as_of_us;
    find_labelled(j);
    Fitting peers = j->fitting;
    if (peers.count == 0 &&
        j->bundle == NULL) { /* nobody is learnt from: each customer is seen among all of them */
        uint32_t *row = ARENA_ARRAY(j->keep, uint32_t, j->data->customers + 1);
        for (size_t i = 0; i < j->data->customers; i++)
            row[i] = (uint32_t)i;
        peers = (Fitting){row, ARENA_ARRAY(j->keep, uint8_t, j->data->customers + 1),
                          j->data->customers};
    }
    job_cut_histories(j, as_of);
    TRY(score_events(&j->events, j->keep, j->scratch, j->plan, j->data, as_of, err));
    if (j->bundle != NULL) /* whose tables stand */
        return feature_table(&j->features, j->keep, j->scratch, j->plan, j->events, j->args->team,
                             err);
    TRY(feature_table_fit(&j->features, j->keep, j->scratch, j->plan, j->events, &peers,
                          j->args->team, err));
    return job_slices(j, err);
}

/* The slices that the customers of the set fall in. */
static Status find_strata(Job *j, Error *err)
{
    const Dataset *d = j->data;
    const uint32_t *row = j->training_row;
    size_t n = j->set.x->rows, strata = j->plan->strata == 0 ? 1 : j->plan->strata;
    Str *name = ARENA_ARRAY(j->keep, Str, strata);
    const uint8_t **in = ARENA_ARRAY(j->keep, const uint8_t *, strata);
    uint8_t *all = ARENA_ARRAY(j->keep, uint8_t, d->customers + 1);
    j->run.stratum_share_scored = ARENA_ARRAY(j->keep, double, strata);
    size_t scored = 0;
    for (size_t i = 0; i < d->customers; i++)
        scored += (d->cohort[i] & COHORT_SCORED) != 0;
    for (size_t s = 0; s < strata; s++) {
        uint8_t *mask = ARENA_ARRAY(j->keep, uint8_t, n + 1);
        size_t inside_scored = 0;
        name[s] = S("ALL");
        memset(all, 1, d->customers);
        if (j->plan->strata > 0) {
            name[s] = j->plan->stratum[s].name;
            TRY(plan_stratum(all, j->scratch, &j->plan->stratum[s], j->slices, err));
        }
        for (size_t i = 0; i < n; i++)
            mask[i] = all[row[i]];
        for (size_t i = 0; i < d->customers; i++)
            inside_scored += (d->cohort[i] & COHORT_SCORED) != 0 && all[i];
        in[s] = mask;
        j->run.stratum_share_scored[s] = scored == 0 ? 0 : (double)inside_scored / (double)scored;
    }
    j->set.strata = strata;
    j->set.stratum = name;
    j->set.in_stratum = in;
    return STATUS_OK;
}

/* Set what the set needs to make population columns again for rows row[0 .. ] of the table. */
Status job_refit(TrainingSet *set, Job *j, const uint32_t *row, Error *err)
{
    FeatureRefit *context;
    TRY(feature_refit_new(&context, j->keep, j->scratch, j->plan, j->events, j->features, j->skip,
                          set->x, row, set->x->rows, err));
    if (context == NULL)
        return STATUS_OK;
    Refit *refit = ARENA_NEW(j->keep, Refit);
    *refit = (Refit){feature_refit, context};
    set->refit = refit;
    return STATUS_OK;
}

static Status make_training_set(Job *j, Error *err)
{
    size_t n = j->fitting.count;
    size_t share = n / 100; /* a level is worth a column when 1 % of customers, and 5, have it */
    plan_freeze_levels(j->plan, j->keep, j->features, j->training_row, n, share > 5 ? share : 5);
    Matrix *x;
    TRY(feature_matrix(&x, j->keep, j->plan, j->features, j->skip, j->data->id, j->training_row, n,
                       err));
    j->set = (TrainingSet){.x = x,
                           .label = j->fitting.label,
                           .monotone = matrix_plan(j->keep, j->plan, j->skip)->monotone};
    j->set.group = j->group;
    TRY(find_strata(j, err));
    return job_refit(&j->set, j, j->training_row, err);
}

/* Repeats exist to average out the luck of the folds, which fades as customers grow in number:
 * beyond 2,000 the number falls so that the work stays about the same. */
static size_t repeats_for(size_t customers)
{
    size_t repeats = customers == 0 ? 10 : 20000 / customers;
    return repeats < 1 ? 1 : repeats > 10 ? 10 : repeats;
}

/* Many customers tell settings apart that a few cannot, but each trial costs them all: beyond 2,000
 * the number falls likewise. */
static size_t trials_for(size_t customers)
{
    size_t usual = learn_options_default().trials;
    size_t trials = customers == 0 ? usual : 2000 * usual / customers;
    return trials < 1 ? 1 : trials > usual ? usual : trials;
}

/* Customers to be scored, those with contradictory or unknown labels among them. */
Status job_score(Job *j, Error *err)
{
    Scored *scored;
    job_stage(j, "score", "scoring");
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
    j->beside.language = j->language;
    TRY(score_dataset(&scored, j->keep, j->scratch, j->bundle, j->data, row, count, &j->beside,
                      j->args->team, err));
    j->run.scored = scored;
    j->run.bundle = j->bundle;
    j->run.team = j->args->team;
    j->run.case_facts = args_value(j->args, "case-facts", NULL);
    j->run.previous = args_value(j->args, "previous", NULL);
    TRY(store_lists(&j->run, j->keep, err));
    return store_changes(&j->run, j->keep, err);
}

static Status begin_folder(Job *j, const char *folder, Error *err)
{
    if (folder == NULL)
        return STATUS_OK;
    j->quarantine = path_join(j->keep, folder, "quarantine.csv");
    talk_replacing(j->args, folder);
    return store_begin(folder, err);
}

Status job_begin(Job *j, const char *folder, Error *err)
{
    DatasetInputs in;
    TRY(read_options(j, &in, err));
    job_stage(j, "read", NULL);
    TRY(read_books(j, err));
    TRY(begin_folder(j, folder, err));
    TRY(read_data(j, &in, err));
    skip_features(j);
    return score_check_columns(j->plan, j->skip, j->data, err);
}

Status job_refuse_books(const Args *args, Error *err)
{
    static const char *const names[] = {"schema", "features", "policy", "messages"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (args_value(args, names[i], NULL) != NULL) {
            (void)error_set(err, STATUS_USAGE, "--%s has no place beside --bundle", names[i]);
            return error_remedy(err, "a bundle brings its own books: leave one of the two out");
        }
    return STATUS_OK;
}

static Status use_bundle(Job *j, const char *bundle, Error *err)
{
    TRY(bundle_open(&j->bundle, j->keep, bundle, err));
    j->schema = j->bundle->schema;
    j->plan = j->bundle->plan;
    j->policy = j->bundle->policy;
    j->messages = j->bundle->messages;
    j->skip = j->bundle->skip;
    return STATUS_OK;
}

Status job_begin_bundle(Job *j, const char *bundle, const char *folder, Error *err)
{
    DatasetInputs in;
    TRY(read_options(j, &in, err));
    job_stage(j, "read", "reading");
    TRY(use_bundle(j, bundle, err));
    TRY(begin_folder(j, folder, err));
    TRY(read_data(j, &in, err));
    return score_check_columns(j->plan, j->skip, j->data, err);
}

Status job_begin_unlabelled(Job *j, const char *bundle, Error *err)
{
    DatasetInputs in;
    TRY(read_options(j, &in, err));
    in.score_customers = in.customers;
    in.score_transactions = in.transactions;
    in.customers = in.transactions = (InputFiles){NULL, 0};
    job_stage(j, "read", "reading");
    if (bundle != NULL) {
        TRY(job_refuse_books(j->args, err));
        TRY(use_bundle(j, bundle, err));
    } else {
        TRY(read_measures(j, err));
        j->skip = ARENA_ARRAY(j->keep, uint8_t, j->plan->features + 1);
    }
    TRY(read_data(j, &in, err));
    return score_check_columns(j->plan, j->skip, j->data, err);
}

Status job_validate(Job *j, Error *err)
{
    Validation *validation;
    j->group = job_groups(j);
    j->learn.threshold = policy_thresholds(j->policy).high;
    job_stage(j, "audit", NULL);
    if (job_enough(j))
        TRY(job_audit_columns(j, err));
    TRY(make_training_set(j, err));
    if (!job_settle_folds(j))
        return STATUS_OK;
    TRY(job_audit_cohorts(j, err));
    if (j->learn.repeats == 0)
        j->learn.repeats = repeats_for(j->set.x->rows);
    if (j->learn.trials == 0)
        j->learn.trials = trials_for(j->set.x->rows);
    job_stage(j, "validate", NULL);
    job_resume_begin(j);
    Status status = learn_validate(&validation, j->keep, j->scratch, &j->set, &j->learn,
                                   j->args->team, &j->args->progress, err);
    TRY(job_resume_end(j, status, err));
    j->run.validation = validation;
    job_stage(j, "control", NULL);
    return job_audit_procedure(j, err);
}

Status job_train(Job *j, const char *folder, Error *err)
{
    job_stage(j, "train", "training the chosen model");
    if (j->run.validation == NULL)
        learn_nothing(&j->learned, j->keep, j->scratch, &j->set);
    else
        TRY(learn_final(&j->learned, j->keep, j->scratch, &j->set, j->run.validation, &j->learn,
                        j->args->team, err));
    return job_write_bundle(j, folder, err);
}

Status job_judge(Job *j, Error *err)
{
    MetricSet *judged;
    Scored *scored;
    char *hash = ARENA_ARRAY(j->keep, char, SHA256_TEXT);
    find_labelled(j);
    const uint8_t *label = j->fitting.label;
    size_t n = j->fitting.count;
    job_stage(j, "score", "scoring");
    TRY(score_dataset(&scored, j->keep, j->scratch, j->bundle, j->data, j->training_row, n, NULL,
                      j->args->team, err));
    j->run.scored = scored;
    j->events = scored->events;
    j->features = j->slices = scored->features;
    Matrix *x;
    TRY(score_matrix(&x, j->keep, j->bundle, scored, NULL, n, err));
    j->set = (TrainingSet){.x = x, .label = label, .group = job_groups(j)};
    TRY(find_strata(j, err));
    bundle_data_hash(hash, x, label);
    if (str_equal(str_from(hash), j->bundle->data_hash))
        findings_add(j->data->findings, SEVERITY_SEVERE, "same_customers", n,
                     S("these are the very customers that the bundle was trained on"),
                     S("judge it on others: these figures are better than it is"));
    job_stage(j, "evaluate", "estimating intervals");
    judged = ARENA_ARRAY(j->keep, MetricSet, j->set.strata);
    for (size_t s = 0; s < j->set.strata; s++) {
        const double *p[] = {scored->probability};
        metric_evaluate_groups(&judged[s], p, 1, label, j->set.in_stratum[s], j->set.group, n,
                               policy_thresholds(j->policy).high, j->learn.replicates,
                               seed_derive(j->learn.seed, s), j->args->team);
    }
    j->run.judged = judged;
    Drift *drift;
    TRY(score_drift(&drift, j->keep, j->scratch, j->bundle, j->data, scored, j->args->team, err));
    j->run.drift = drift;
    return STATUS_OK;
}

const Run *job_record(Job *j)
{
    Run *r = &j->run;
    r->version = S(ASSAY_VERSION);
    r->command = j->args->line;
    r->seed = j->learn.seed;
    r->language = j->language;
    r->data = j->data;
    r->plan = j->plan;
    r->policy = j->policy;
    r->bundle = j->bundle;
    r->events = j->events;
    r->team = j->args->team;
    r->training = j->set.x == NULL ? NULL : &j->set;
    r->training_row = j->training_row;
    r->timing = j->clock.timing;
    r->timings = j->clock.count;
    return r;
}
