/* model.c - what the model is and reads, and the Open Inference Protocol: columns of its matrix in,
 * probabilities out. */
#include "answer/answer_internal.h"

#include <math.h>
#include <string.h>

/* ---- what it is ---- */

static void add_policy(Document *d, const Bundle *b)
{
    PolicyIdentity policy = policy_identity(b->policy);
    Thresholds t = policy_thresholds(b->policy);
    yyjson_mut_val *o = document_object(d, d->root, "policy");
    document_text(d, o, "name", policy.name);
    document_text(d, o, "revision", policy.revision);
    document_text(d, o, "sha256", str_copy(d->arena, policy.sha256));
    o = document_object(d, d->root, "thresholds");
    document_real(d, o, "medium", t.medium);
    document_real(d, o, "high", t.high);
    document_real(d, o, "offboarding", t.offboarding);
}

static void add_features(Document *d, const Bundle *b)
{
    yyjson_mut_val *list = document_list(d, d->root, "features");
    for (size_t i = 0; i < b->plan->features; i++) {
        const Feature *f = &b->plan->feature[i];
        if (f->use != USE_MODEL || b->skip[i])
            continue;
        yyjson_mut_val *o = document_object(d, list, NULL);
        document_text(d, o, "name", f->name.text);
        document_text(d, o, "says", f->says.text);
        document_text(d, o, "family", f->family.text);
        document_text(d, o, "formula", f->formula.text);
        document_text(d, o, "over", f->over.text);
        if (f->levels > 0)
            document_texts(d, o, "levels", f->level, f->levels);
    }
}

Str answer_model(Arena *keep, const Answerer *a)
{
    const Bundle *b = a->bundle;
    const Str *column;
    Document d;
    document_open(&d, keep);
    document_text(&d, d.root, "name", S("assay"));
    document_text(&d, d.root, "version", S(ASSAY_VERSION));
    document_text(&d, d.root, "bundle", str_from(b->id));
    document_text(&d, d.root, "made_by", b->version);
    document_text(&d, d.root, "kind", model_kind_name(b->model));
    document_time(&d, d.root, "as_of", b->as_of_us);
    document_text(&d, d.root, "imported_sha256", b->imported);
    document_count(&d, d.root, "customers", b->customers);
    document_count(&d, d.root, "positives", b->positives);
    document_text(&d, d.root, "schema", b->schema->name.text);
    add_policy(&d, b);
    document_count(&d, d.root, "columns", model_columns(b->model, &column));
    add_features(&d, b);
    return str_trim(document_write(&d, false));
}

static void add_tensor(Document *d, yyjson_mut_val *list, Str name, const char *type)
{
    yyjson_mut_val *o = document_object(d, list, NULL);
    document_text(d, o, "name", name);
    document_text(d, o, "datatype", str_from(type));
    yyjson_mut_val *shape = document_list(d, o, "shape");
    (void)yyjson_mut_arr_add_int(d->doc, shape, -1);
}

Str answer_model_metadata(Arena *keep, const Answerer *a)
{
    const Str *column;
    Document d;
    size_t columns = model_columns(a->bundle->model, &column);
    Str id = str_from(a->bundle->id);
    document_open(&d, keep);
    document_text(&d, d.root, "name", S("assay"));
    document_texts(&d, d.root, "versions", &id, 1);
    document_text(&d, d.root, "platform", S("assay"));
    yyjson_mut_val *list = document_list(&d, d.root, "inputs");
    for (size_t i = 0; i < columns; i++)
        add_tensor(&d, list, column[i], "FP32");
    list = document_list(&d, d.root, "outputs");
    add_tensor(&d, list, S("probability"), "FP64");
    add_tensor(&d, list, S("probability_low"), "FP64");
    add_tensor(&d, list, S("probability_high"), "FP64");
    add_tensor(&d, list, S("segment"), "BYTES");
    return str_trim(document_write(&d, false));
}

/* ---- inference ---- */

static Str text_of(yyjson_val *v)
{
    return (Str){yyjson_get_str(v), yyjson_get_len(v)};
}

static Status refuse(Fault *fault, const char *code, size_t at, const char *field,
                     const char *sentence)
{
    return fault_set(fault, (Place){"/inputs", at, str_from(field)}, code, "%s", sentence);
}

/* A cell as the matrix has it; false: neither a number, a truth nor null. */
static bool cell(float *out, yyjson_val *v)
{
    if (yyjson_is_null(v))
        *out = NAN;
    else if (yyjson_is_bool(v))
        *out = yyjson_get_bool(v) ? 1 : 0;
    else if (yyjson_is_num(v))
        *out = (float)yyjson_get_num(v);
    else
        return false;
    return true;
}

/* How many rows a shape means: [n], or [n, 1]. */
static bool rows_of(size_t *rows, yyjson_val *shape)
{
    yyjson_val *first = yyjson_arr_get(shape, 0), *second = yyjson_arr_get(shape, 1);
    if (!yyjson_is_uint(first) || yyjson_arr_size(shape) > 2 ||
        (second != NULL && !(yyjson_is_uint(second) && yyjson_get_uint(second) == 1)))
        return false;
    *rows = (size_t)yyjson_get_uint(first);
    return true;
}

static Status read_tensor(Matrix *x, size_t column, size_t at, yyjson_val *tensor, Fault *fault)
{
    static const char *const types[] = {"FP32", "FP64", "INT64", "BOOL"};
    size_t rows, i, count, known = 0;
    yyjson_val *data = yyjson_obj_get(tensor, "data"), *v;
    Str type = text_of(yyjson_obj_get(tensor, "datatype"));
    while (known < COUNT_OF(types) && !str_equal(type, str_from(types[known])))
        known++;
    if (known == COUNT_OF(types))
        return refuse(fault, "bad_value", at, "datatype",
                      "The datatype must be FP32, FP64, INT64 or BOOL.");
    if (!rows_of(&rows, yyjson_obj_get(tensor, "shape")) || rows != x->rows)
        return refuse(fault, "bad_value", at, "shape",
                      "The shape must be [n] or [n, 1], with the n of the first input.");
    if (!yyjson_is_arr(data) || yyjson_arr_size(data) != rows)
        return refuse(fault, "bad_value", at, "data",
                      "The data must be one flat list, as long as the shape says.");
    yyjson_arr_foreach(data, i, count, v)
    {
        if (!cell(&x->value[i * x->columns + column], v))
            return refuse(fault, "wrong_type", at, "data",
                          "The data must be numbers, true, false or null.");
    }
    return STATUS_OK;
}

/* Every column of the model once, in any order. */
static Status read_inputs(Matrix *x, Arena scratch, yyjson_val *inputs, Fault *fault)
{
    uint8_t *seen = ARENA_ARRAY(&scratch, uint8_t, x->columns + 1);
    yyjson_val *tensor;
    size_t at, count, next = 0;
    yyjson_arr_foreach(inputs, at, count, tensor)
    {
        Str name = text_of(yyjson_obj_get(tensor, "name"));
        size_t tried = 0;
        if (!yyjson_is_str(yyjson_obj_get(tensor, "name")))
            return refuse(fault, "missing_field", at, "name", "Every input needs its name.");
        while (tried < x->columns && !str_equal(x->name[next], name)) {
            next = next + 1 == x->columns ? 0 : next + 1;
            tried++;
        }
        if (tried == x->columns)
            return refuse(fault, "unknown_field", at, "name",
                          "The model has no input of this name; GET /v2/models/assay lists them.");
        if (seen[next])
            return refuse(fault, "duplicate_field", at, "name", "This input is there twice.");
        seen[next] = 1;
        TRY(read_tensor(x, next, at, tensor, fault));
    }
    for (size_t k = 0; k < x->columns; k++)
        if (!seen[k])
            return fault_set(fault, (Place){"/inputs", no_at, S("")}, "missing_field",
                             "The input %.*s is missing; null stands for a value not known.",
                             STR_ARG(fault_shown(&scratch, x->name[k])));
    return STATUS_OK;
}

static Status matrix_of(Matrix **out, Arena *keep, Arena scratch, const Answerer *a, Str body,
                        const AnswerLimits *limits, yyjson_val **id, Fault *fault)
{
    const Str *column;
    size_t rows, columns = model_columns(a->bundle->model, &column);
    yyjson_alc memory = arena_memory(keep);
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)body.data, body.size, 0, &memory, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc), *inputs = yyjson_obj_get(root, "inputs");
    if (!yyjson_is_obj(root))
        return fault_set(fault, (Place){NULL, no_at, S("")}, "not_json",
                         "The body is not a JSON object.");
    *id = yyjson_obj_get(root, "id");
    if (*id != NULL && !yyjson_is_str(*id))
        return fault_set(fault, (Place){"", no_at, S("id")}, "wrong_type", "An id is text.");
    if (!yyjson_is_arr(inputs) || yyjson_arr_size(inputs) == 0)
        return fault_set(fault, (Place){"", no_at, S("inputs")}, "missing_field",
                         "Send inputs: a tensor for each column that the model reads.");
    if (!rows_of(&rows, yyjson_obj_get(yyjson_arr_get_first(inputs), "shape")))
        return refuse(fault, "bad_value", 0, "shape", "The shape must be [n] or [n, 1].");
    if (rows > limits->transactions_max)
        return fault_set(fault, (Place){"/inputs", 0, S("shape")}, "too_many",
                         "At most %zu rows are taken in one request.", limits->transactions_max);
    Matrix *x = *out = matrix_new(keep, rows, columns);
    for (size_t k = 0; k < columns; k++)
        x->name[k] = column[k];
    return read_inputs(x, scratch, inputs, fault);
}

static yyjson_mut_val *output(Document *d, yyjson_mut_val *list, const char *name, const char *type,
                              size_t rows)
{
    yyjson_mut_val *o = document_object(d, list, NULL);
    document_text(d, o, "name", str_from(name));
    document_text(d, o, "datatype", str_from(type));
    yyjson_mut_val *shape = document_list(d, o, "shape");
    (void)yyjson_mut_arr_add_uint(d->doc, shape, rows);
    return document_list(d, o, "data");
}

static Segment segment_by(Thresholds t, double probability)
{
    return probability >= t.high     ? SEGMENT_HIGH
           : probability >= t.medium ? SEGMENT_MEDIUM
                                     : SEGMENT_LOW;
}

Status answer_infer(Str *out, size_t *rows, Arena *keep, Arena scratch, const Answerer *a, Str body,
                    const AnswerLimits *limits, Fault *fault, Error *err)
{
    Matrix *x = NULL;
    yyjson_val *id = NULL;
    (void)err;
    *fault = (Fault){0};
    TRY(matrix_of(&x, keep, scratch, a, body, limits, &id, fault));
    size_t n = *rows = x->rows;
    double *figure[4]; /* margin, probability, low, high */
    for (size_t k = 0; k < COUNT_OF(figure); k++)
        figure[k] = ARENA_ARRAY(keep, double, n + 1);
    score_rows(figure[0], figure[1], figure[2], figure[3], scratch, a->bundle, x);

    static const char *const names[] = {"probability", "probability_low", "probability_high"};
    Document d;
    document_open(&d, keep);
    document_text(&d, d.root, "model_name", S("assay"));
    document_text(&d, d.root, "model_version", str_from(a->bundle->id));
    if (id != NULL)
        document_text(&d, d.root, "id", text_of(id));
    yyjson_mut_val *list = document_list(&d, d.root, "outputs");
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        yyjson_mut_val *data = output(&d, list, names[k], "FP64", n);
        for (size_t i = 0; i < n; i++)
            document_real(&d, data, NULL, figure[k + 1][i]);
    }
    Thresholds t = policy_thresholds(a->bundle->policy);
    yyjson_mut_val *data = output(&d, list, "segment", "BYTES", n);
    for (size_t i = 0; i < n; i++)
        document_text(&d, data, NULL, segment_name(segment_by(t, figure[1][i])));
    *out = str_trim(document_write(&d, false));
    return STATUS_OK;
}
