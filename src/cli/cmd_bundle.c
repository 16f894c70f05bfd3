/* assay bundle - a model that was trained elsewhere in a bundle's place: hand out the matrix it is
 * to be trained on, and take the model in. */
#include "cli/commands.h"
#include "cli/job.h"

#include <math.h>
#include <string.h>

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle whose books, levels and columns are used", true},
    {"customers", "FILE", "labelled customers: a file, a pattern or -; may be given again", false},
    {"transactions", "FILE", "transactions of labelled customers; likewise", false},
    {"model", "FILE", "import: XGBoost's .json or .ubj, or a model.json of ours", false},
    {"out", "FOLDER", "import: where the new bundle goes", false},
    {0}};
static const Option *const shared[] = {job_read_options, job_quarantine_option, NULL};

/* Customers with one label, as a model of the bundle sees them. */
typedef struct Labelled {
    Matrix *x;
    const uint8_t *label;
    size_t positives;
} Labelled;

/* A column that features read must not pass for customers who did nothing. */
static Status check_columns(const Bundle *b, const Dataset *data, Error *err)
{
    for (size_t a = 0; a < data->absent_count; a++)
        for (size_t i = 0; i < b->plan->features; i++) {
            const Feature *f = &b->plan->feature[i];
            const Absent *absent = &data->absent[a];
            if (f->use != USE_MODEL || b->skip[i] || !feature_reads(f, absent->column))
                continue;
            (void)error_set(err, STATUS_DATA, "%.*s has no column %.*s, which feature %.*s reads",
                            STR_ARG(absent->file), STR_ARG(absent->column), STR_ARG(f->name.text));
            return error_remedy(err, "add the column, or give a bundle that does without it");
        }
    return STATUS_OK;
}

/* After job_begin_bundle. */
static Status read_labelled(Labelled *out, Job *j, Error *err)
{
    TRY(check_columns(j->bundle, j->data, err));
    TRY(job_features(j, err));
    talk_findings(j->args, j->data->findings, 0, SEVERITY_WARNING);
    out->label = j->fitting.label;
    for (size_t i = 0; i < j->fitting.count; i++)
        out->positives += out->label[i];
    return feature_matrix(&out->x, j->keep, j->plan, j->features, j->skip, j->data->id,
                          j->fitting.row, j->fitting.count, err);
}

static Status needs(const Args *args, const char *option, Error *err)
{
    if (args_value(args, option, NULL) != NULL)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "bundle %s needs --%s", args->operand[0], option);
    return error_remedy(err, "`assay bundle --help` has an example");
}

/* ---- matrix ---- */

static Status matrix(Job *j, Error *err)
{
    const Args *args = j->args;
    Labelled l = {0};
    TRY(needs(args, "customers", err));
    TRY(needs(args, "transactions", err));
    TRY(read_labelled(&l, j, err));
    Buffer out = buffer_new(args->arena);
    buffer_add(&out, S("customer_id,label"));
    for (size_t c = 0; c < l.x->columns; c++) {
        buffer_char(&out, ',');
        csv_write_cell(&out, l.x->name[c], false); /* names must come back as they are */
    }
    for (size_t i = 0; i < l.x->rows; i++) {
        buffer_char(&out, '\n');
        csv_write_cell(&out, l.x->id[i], true);
        buffer_format(&out, ",%d", l.label[i]);
        for (size_t c = 0; c < l.x->columns; c++) {
            float value = matrix_row(l.x, i)[c];
            if (isnan(value))
                buffer_char(&out, ',');
            else
                buffer_format(&out, ",%.9g", (double)value);
        }
    }
    answer(buffer_str(&out));
    return STATUS_OK;
}

/* ---- import ---- */

static Status read_model(Model **out, const Args *args, const Bundle *b, Str *bytes, Error *err)
{
    Arena *keep = args->arena;
    const char *path = args_value(args, "model", "");
    const Str *name;
    Model *m;
    TRY(file_read(bytes, keep, path, err));
    size_t columns = model_columns(b->model, &name);
    Status status = model_read(&m, keep, *bytes, err);
    if (status == STATUS_OK)
        status = model_align(out, keep, m, name, columns, err);
    if (status == STATUS_DATA)
        (void)error_remedy(err, "train on the columns of `assay bundle matrix`, under their names");
    if (status != STATUS_OK)
        (void)error_place(err, path, 0, 0);
    return status;
}

enum { EACH_LEAST = 5 }; /* customers of either class that a sigmoid is fitted on */

static Status calibrate(Bundle *b, Job *j, const Labelled *l, Error *err)
{
    const Args *args = j->args;
    Arena scratch = j->scratch;
    size_t rows = l->x->rows;
    if (l->positives < EACH_LEAST || rows - l->positives < EACH_LEAST) {
        (void)error_set(err, STATUS_DATA,
                        "%zu positive and %zu negative customers to calibrate on, at least %d of "
                        "each are needed",
                        l->positives, rows - l->positives, EACH_LEAST);
        return error_remedy(err, "give more labelled customers, or none at all: then the model's "
                                 "own probabilities stand");
    }
    double *margin = ARENA_ARRAY(j->keep, double, rows + 1);
    model_margin(b->model, l->x, margin);
    b->calibration = (Calibration){.platt = learn_platt(margin, l->label, rows)};
    if (!(b->calibration.platt.slope > 0)) {
        (void)error_set(err, STATUS_DATA,
                        "the model's scores go against the labels of these customers (slope %.3g)",
                        b->calibration.platt.slope);
        return error_remedy(err, "check that columns and labels mean what they meant when the "
                                 "model was trained");
    }
    b->venn_abers = learn_venn_abers(args->arena, scratch, margin, l->label, rows);
    bundle_reference(b, args->arena, scratch, l->x);
    b->customers = rows;
    b->positives = l->positives;
    b->as_of_us = j->data->as_of_us;
    double *probability = ARENA_ARRAY(j->keep, double, rows + 1);
    for (size_t i = 0; i < rows; i++)
        probability[i] = calibration_apply(&b->calibration, margin[i]);
    /* What the old model said of its customers is no measure for this one. */
    TRY(reference_make(&b->reference, j->keep, j->scratch, j->plan, j->policy, j->data, j->features,
                       j->fitting.row, rows, probability, err));
    TRY(policy_peers(&b->peers, j->keep, j->scratch, j->policy, b->skip, j->events, j->features,
                     j->fitting.row, rows, args->team, err));
    double auc = metric_auc(margin, l->label, rows, scratch);
    b->metrics = str_format(args->arena,
                            "{\"model\":\"imported\",\"calibration\":\"refitted\","
                            "\"customers\":%zu,\"positives\":%zu,\"auc\":%.17g}",
                            rows, l->positives, auc);
    talk(args,
         "calibrated on %zu customers (%zu suspended), AUC %.3f on them; if the model was trained "
         "on any of them, both flatter it",
         rows, l->positives, auc);
    return STATUS_OK;
}

/* Nothing is known of how the scores fare: probabilities are the model's own, and their interval
 * says nothing. */
static void leave_uncalibrated(Bundle *b, const Args *args)
{
    VennAbers *v = ARENA_NEW(args->arena, VennAbers);
    v->steps = 1;
    v->margin = ARENA_ARRAY(args->arena, double, 1);
    v->p0 = ARENA_ARRAY(args->arena, double, 1);
    v->p1 = ARENA_ARRAY(args->arena, double, 1);
    v->p1[0] = 1;
    b->venn_abers = v;
    b->calibration = (Calibration){.platt = {1, 0}};
    b->customers = b->positives = 0;
    b->reference = NULL; /* nothing is known of how its scores are distributed */
    b->metrics = S("{\"model\":\"imported\",\"calibration\":\"none\"}");
    talk(args, "not calibrated: probabilities are the model's own and their intervals run from 0 "
               "to 1; give --customers and --transactions with labels to calibrate");
}

static Status import(Job *j, Error *err)
{
    const Args *args = j->args;
    const Bundle *base = j->bundle;
    Labelled l = {0};
    Str bytes;
    Model *m;
    char hash[SHA256_TEXT];
    Bundle b = *base;
    bool labelled = args_value(args, "customers", NULL) != NULL ||
                    args_value(args, "transactions", NULL) != NULL;
    TRY(needs(args, "model", err));
    TRY(needs(args, "out", err));
    if (labelled) {
        TRY(needs(args, "customers", err));
        TRY(needs(args, "transactions", err));
    }
    TRY(read_model(&m, args, base, &bytes, err));
    sha256_text(hash, bytes);
    b.model = m;
    b.version = S(ASSAY_VERSION);
    b.imported = str_copy(args->arena, str_from(hash));
    b.data_hash = S("");
    if (labelled) {
        TRY(read_labelled(&l, j, err));
        TRY(calibrate(&b, j, &l, err));
    } else {
        leave_uncalibrated(&b, args);
    }
    const char *folder = args_value(args, "out", "");
    TRY(bundle_write(&b, folder, err));
    Bundle *made; /* what was written is opened as serving would */
    TRY(bundle_open(&made, args->arena, folder, err));
    answer(str_format(args->arena, "bundle %.12s: %.*s of %zu columns taken from %s", made->id,
                      STR_ARG(model_kind_name(m)), model_columns(m, NULL),
                      args_value(args, "model", "")));
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    bool takes = args->operands == 1 && strcmp(args->operand[0], "import") == 0;
    if (!takes && (args->operands != 1 || strcmp(args->operand[0], "matrix") != 0)) {
        (void)error_set(err, STATUS_USAGE, "bundle needs one word: import or matrix");
        return error_remedy(err, "`assay bundle --help` has an example");
    }
    Job *j = job_new(args);
    const char *bundle = args_value(args, "bundle", "");
    if (args_value(args, "customers", NULL) != NULL)
        TRY(job_begin_bundle(j, bundle, NULL, err));
    else
        TRY(bundle_open(&j->bundle, j->keep, bundle, err));
    Status status = takes ? import(j, err) : matrix(j, err);
    arena_free(&j->scratch);
    return status;
}

const Command command_bundle = {
    .name = "bundle",
    .says = "import a model trained elsewhere; print the matrix to train it on",
    .example =
        "  assay bundle matrix --bundle out/bundle --customers labelled_users.csv \\\n"
        "              --transactions labelled_transactions.csv > matrix.csv\n"
        "  assay bundle import --model out/bundle/model.json --bundle out/bundle --out imported "
        "\\\n"
        "              --customers labelled_users.csv --transactions labelled_transactions.csv",
    .operand = "import|matrix",
    .options = options,
    .shared = shared,
    .run = run};
