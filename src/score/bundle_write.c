#include "score/score_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

const char *const bundle_files[BUNDLE_FILES] = {"bundle.json", "features.yaml", "messages.yaml",
                                                "model.json",  "policy.yaml",   "schema.yaml"};

typedef struct Doc {
    yyjson_mut_doc *doc;
    Arena *keep;
} Doc;

static yyjson_mut_val *text(Doc d, Str s)
{
    return yyjson_mut_strncpy(d.doc, s.data == NULL ? "" : s.data, s.size);
}

/* A float as its nearest double would print as many digits as a double has; a string of nine
 * digits reads back to the same float. */
static yyjson_mut_val *single(Doc d, float value)
{
    if (isnan(value))
        return yyjson_mut_null(d.doc);
    return text(d, str_format(d.keep, "%.9g", (double)value));
}

static void put(Doc d, yyjson_mut_val *object, const char *key, yyjson_mut_val *value)
{
    (void)yyjson_mut_obj_add(object, yyjson_mut_strcpy(d.doc, key), value);
}

static yyjson_mut_val *reals(Doc d, const double *value, size_t count)
{
    yyjson_mut_val *list = yyjson_mut_arr(d.doc);
    for (size_t i = 0; i < count; i++)
        (void)yyjson_mut_arr_append(list, isnan(value[i]) ? yyjson_mut_null(d.doc)
                                                          : yyjson_mut_real(d.doc, value[i]));
    return list;
}

/* The manifest's key names the kind: platt, beta or isotonic. */
static yyjson_mut_val *calibration_part(Doc d, const Calibration *c)
{
    yyjson_mut_val *o = yyjson_mut_obj(d.doc);
    if (c->kind == CALIBRATION_PLATT) {
        put(d, o, "slope", yyjson_mut_real(d.doc, c->platt.slope));
        put(d, o, "intercept", yyjson_mut_real(d.doc, c->platt.intercept));
    } else if (c->kind == CALIBRATION_BETA) {
        put(d, o, "a", yyjson_mut_real(d.doc, c->beta.a));
        put(d, o, "b", yyjson_mut_real(d.doc, c->beta.b));
        put(d, o, "c", yyjson_mut_real(d.doc, c->beta.c));
    } else {
        put(d, o, "margin", reals(d, c->isotonic->margin, c->isotonic->knots));
        put(d, o, "log_odds", reals(d, c->isotonic->log_odds, c->isotonic->knots));
    }
    return o;
}

static yyjson_mut_val *features_part(Doc d, const Bundle *b)
{
    yyjson_mut_val *list = yyjson_mut_arr(d.doc);
    for (size_t i = 0; i < b->plan->features; i++) {
        const Feature *f = &b->plan->feature[i];
        if (f->use != USE_MODEL)
            continue;
        yyjson_mut_val *o = yyjson_mut_obj(d.doc);
        put(d, o, "name", text(d, f->name.text));
        put(d, o, "skip", yyjson_mut_bool(d.doc, b->skip != NULL && b->skip[i]));
        if (lang_type(f->expr) == TYPE_CATEGORY) {
            yyjson_mut_val *levels = yyjson_mut_arr(d.doc);
            for (size_t k = 0; k < f->levels; k++)
                (void)yyjson_mut_arr_append(levels, text(d, f->level[k]));
            put(d, o, "levels", levels);
        }
        (void)yyjson_mut_arr_append(list, o);
    }
    return list;
}

static yyjson_mut_val *reference_part(Doc d, const Bundle *b)
{
    const Str *names;
    size_t columns = model_columns(b->model, &names);
    yyjson_mut_val *list = yyjson_mut_arr(d.doc);
    for (size_t k = 0; k < columns; k++) {
        yyjson_mut_val *o = yyjson_mut_obj(d.doc), *deciles = yyjson_mut_arr(d.doc);
        put(d, o, "column", text(d, names[k]));
        put(d, o, "missing", yyjson_mut_real(d.doc, b->missing[k]));
        for (size_t i = 0; i <= 10; i++)
            (void)yyjson_mut_arr_append(deciles, single(d, b->decile[k][i]));
        put(d, o, "deciles", deciles);
        (void)yyjson_mut_arr_append(list, o);
    }
    return list;
}

static yyjson_mut_val *golden_part(Doc d, const Bundle *b)
{
    Arena scratch = arena_new(); /* apart from d.keep, which moves while the rows are read */
    Matrix *x = golden_inputs(&scratch, b);
    Answer answer[GOLDEN_ROWS];
    bundle_answer(answer, NULL, scratch, b, x);
    yyjson_mut_val *list = yyjson_mut_arr(d.doc);
    for (size_t i = 0; i < x->rows; i++) {
        yyjson_mut_val *o = yyjson_mut_obj(d.doc), *row = yyjson_mut_arr(d.doc);
        for (size_t k = 0; k < x->columns; k++)
            (void)yyjson_mut_arr_append(row, single(d, matrix_row(x, i)[k]));
        put(d, o, "row", row);
        double values[5] = {answer[i].margin, answer[i].probability, answer[i].low, answer[i].high,
                            answer[i].bias};
        put(d, o, "margin_probability_low_high_bias", reals(d, values, 5));
        (void)yyjson_mut_arr_append(list, o);
    }
    arena_free(&scratch);
    return list;
}

static yyjson_mut_val *golden_customers_part(Doc d, const Bundle *b, const GoldenCustomers *g)
{
    yyjson_mut_val *root = yyjson_mut_obj(d.doc), *list = yyjson_mut_arr(d.doc);
    put(d, root, "sha256", text(d, str_from(g->hash)));
    put(d, root, "probability", reals(d, g->probability, GOLDEN_CUSTOMERS));
    for (size_t k = 0; k < g->features; k++) {
        yyjson_mut_val *o = yyjson_mut_obj(d.doc), *values = yyjson_mut_arr(d.doc);
        put(d, o, "name", text(d, b->plan->feature[k].name.text));
        for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++)
            (void)yyjson_mut_arr_append(values, text(d, g->value[k][i]));
        put(d, o, "values", values);
        (void)yyjson_mut_arr_append(list, o);
    }
    put(d, root, "features", list);
    return root;
}

static Str manifest(Arena *keep, const Bundle *b, const GoldenCustomers *customers)
{
    Doc d = {yyjson_mut_doc_new(NULL), keep};
    char time[TIME_TEXT];
    yyjson_mut_val *root = yyjson_mut_obj(d.doc), *o;
    yyjson_mut_doc_set_root(d.doc, root);
    put(d, root, "assay_bundle", yyjson_mut_uint(d.doc, BUNDLE_FORMAT));
    put(d, root, "version", text(d, b->version));
    if (b->imported.size > 0)
        put(d, root, "imported_sha256", text(d, b->imported));
    put(d, root, "as_of", text(d, time_text(time, b->as_of_us)));
    put(d, root, "seed", yyjson_mut_uint(d.doc, b->seed));
    put(d, root, "customers", yyjson_mut_uint(d.doc, b->customers));
    put(d, root, "positives", yyjson_mut_uint(d.doc, b->positives));
    put(d, root, "data_sha256", text(d, b->data_hash));
    put(d, root, "features", features_part(d, b));
    put(d, root, "population", population_part(d.doc, b->plan));
    put(d, root, str_chars(keep, calibration_name(b->calibration.kind)),
        calibration_part(d, &b->calibration));
    o = yyjson_mut_obj(d.doc);
    put(d, o, "margin", reals(d, b->venn_abers->margin, b->venn_abers->steps));
    put(d, o, "p0", reals(d, b->venn_abers->p0, b->venn_abers->steps));
    put(d, o, "p1", reals(d, b->venn_abers->p1, b->venn_abers->steps));
    put(d, root, "venn_abers", o);
    put(d, root, "reference", reference_part(d, b));
    if (b->reference != NULL)
        put(d, root, "distributions", reference_write(d.doc, b->reference));
    if (b->peers != NULL)
        put(d, root, "peers", peers_write(d.doc, b->peers, b->plan));
    put(d, root, "golden", golden_part(d, b));
    put(d, root, "golden_customers", golden_customers_part(d, b, customers));
    yyjson_doc *metrics =
        b->metrics.size == 0 ? NULL : yyjson_read(b->metrics.data, b->metrics.size, 0);
    if (metrics != NULL)
        put(d, root, "metrics", yyjson_val_mut_copy(d.doc, yyjson_doc_get_root(metrics)));
    size_t size = 0;
    char *json = yyjson_mut_write(d.doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &size);
    Buffer out = buffer_new(keep);
    buffer_add(&out, (Str){json, size});
    buffer_char(&out, '\n');
    free(json);
    yyjson_doc_free(metrics);
    yyjson_mut_doc_free(d.doc);
    return buffer_str(&out);
}

void bundle_data_hash(char out[SHA256_TEXT], const Matrix *x, const uint8_t *label)
{
    Arena own = arena_new();
    Buffer b = buffer_new(&own);
    for (size_t k = 0; k < x->columns; k++) {
        buffer_add(&b, x->name[k]);
        buffer_char(&b, '\n');
    }
    buffer_add(&b, (Str){(const char *)x->value, x->rows * x->columns * sizeof(float)});
    buffer_add(&b, (Str){(const char *)label, x->rows});
    sha256_text(out, buffer_str(&b));
    arena_free(&own);
}

Status bundle_write(Bundle *b, const char *folder, Error *err)
{
    Arena own = arena_new();
    GoldenCustomers customers;
    Status status = golden_customers(&customers, &own, b, err);
    if (status != STATUS_OK) {
        arena_free(&own);
        return status;
    }
    const Str content[BUNDLE_FILES] = {[BUNDLE_MANIFEST] = manifest(&own, b, &customers),
                                       [BUNDLE_FEATURES] = b->plan->text,
                                       [BUNDLE_MESSAGES] =
                                           b->messages == NULL ? S("") : messages_text(b->messages),
                                       [BUNDLE_MODEL] = model_write(&own, b->model),
                                       [BUNDLE_POLICY] = policy_text(b->policy),
                                       [BUNDLE_SCHEMA] = b->schema->text};
    Buffer sums = buffer_new(&own);
    status = folder_make(folder, err);
    /* The sums go first and come back last: a write that is cut short leaves no bundle. */
    if (status == STATUS_OK)
        status = bundle_remove(folder, err);
    for (size_t i = 0; i < COUNT_OF(bundle_files) && status == STATUS_OK; i++) {
        char hash[SHA256_TEXT];
        if (i == BUNDLE_MESSAGES && b->messages == NULL)
            continue;
        sha256_text(hash, content[i]);
        buffer_format(&sums, "%s  %s\n", hash, bundle_files[i]);
        status = file_write(path_join(&own, folder, bundle_files[i]), content[i], err);
    }
    if (status == STATUS_OK)
        status = file_write(path_join(&own, folder, "SHA256SUMS"), buffer_str(&sums), err);
    char id[SHA256_TEXT];
    sha256_text(id, buffer_str(&sums));
    if (status == STATUS_OK)
        memcpy(b->id, id, sizeof id);
    arena_free(&own);
    return status;
}

Status bundle_remove(const char *folder, Error *err)
{
    Arena own = arena_new();
    Status status = file_remove(path_join(&own, folder, "SHA256SUMS"), err);
    for (size_t i = 0; i < COUNT_OF(bundle_files) && status == STATUS_OK; i++)
        status = file_remove(path_join(&own, folder, bundle_files[i]), err);
    arena_free(&own);
    return status;
}
