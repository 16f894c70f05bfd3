#include "model/model.h"

#include "model/model_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

Str json_text(yyjson_val *value)
{
    if (yyjson_is_str(value))
        return (Str){yyjson_get_str(value), yyjson_get_len(value)};
    if (yyjson_is_raw(value))
        return (Str){yyjson_get_raw(value), yyjson_get_len(value)};
    return (Str){"", 0};
}

Status json_distinct(const Str *name, size_t count, Arena scratch, Error *err)
{
    Dictionary *seen = dictionary_new(&scratch);
    for (size_t i = 0; i < count; i++) {
        if (name[i].size == 0)
            return error_set(err, STATUS_FORMAT, "column %zu has no name", i);
        if (dictionary_add(seen, name[i]) != i)
            return error_set(err, STATUS_FORMAT, "two columns are named \"%.*s\"",
                             STR_ARG(name[i]));
    }
    return STATUS_OK;
}

void json_quote(Buffer *b, Str text)
{
    buffer_char(b, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20) {
            buffer_format(b, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\')
            buffer_char(b, '\\');
        buffer_char(b, (char)c);
    }
    buffer_char(b, '"');
}

size_t model_columns(const Model *m, const Str **names)
{
    if (names != NULL)
        *names = m->kind == MODEL_FOREST ? m->forest->name : m->linear->name;
    return m->kind == MODEL_FOREST ? m->forest->columns : m->linear->columns;
}

static Status read_root(Model **out, Arena *keep, yyjson_val *root, Error *err)
{
    Model *m = ARENA_NEW(keep, Model);
    if (yyjson_obj_get(root, "assay_linear") != NULL) {
        Linear *linear;
        TRY(linear_read(&linear, keep, root, err));
        m->kind = MODEL_LINEAR;
        m->linear = linear;
    } else if (yyjson_obj_get(root, "learner") != NULL) {
        Forest *forest;
        TRY(forest_read(&forest, keep, root, err));
        m->kind = MODEL_FOREST;
        m->forest = forest;
    } else {
        (void)error_set(err, STATUS_FORMAT,
                        "this JSON is not a model: neither \"learner\" nor \"assay_linear\"");
        (void)error_remedy(err, "save an XGBoost model with save_model(\"model.json\"); "
                                "dump_model writes text that cannot be read back");
        return STATUS_FORMAT;
    }
    *out = m;
    return STATUS_OK;
}

Status model_read(Model **out, Arena *keep, Str json, Error *err)
{
    if (json.size > MODEL_BYTES_MAX)
        return error_set(err, STATUS_LIMIT, "the model has %zu bytes, %d are allowed", json.size,
                         MODEL_BYTES_MAX);
    /* yyjson reads without recursion, so nesting costs memory in proportion and no stack. Its
     * reader does not write to the input unless asked to. */
    yyjson_read_err fault = {0};
    yyjson_read_flag flags = YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_ALLOW_INF_AND_NAN;
    union {
        const char *constant;
        char *plain;
    } text = {json.size > 0 ? json.data : ""};
    yyjson_doc *doc = yyjson_read_opts(text.plain, json.size, flags, NULL, &fault);
    if (doc == NULL) {
        if (fault.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
            return error_set(err, STATUS_LIMIT, "not enough memory for a model of %zu bytes",
                             json.size);
        (void)error_set(err, STATUS_FORMAT, "the model is not JSON: %s at byte %zu", fault.msg,
                        fault.pos);
        (void)error_remedy(err, "XGBoost's binary formats (.ubj, .bin) are not read: save the "
                                "model as .json");
        return STATUS_FORMAT;
    }
    Status status = read_root(out, keep, yyjson_doc_get_root(doc), err);
    yyjson_doc_free(doc);
    return status;
}

Str model_write(Arena *keep, const Model *m)
{
    return m->kind == MODEL_FOREST ? forest_write(keep, m->forest) : linear_write(keep, m->linear);
}

static void assert_columns(const Model *m, const Matrix *x)
{
    const Str *name;
    size_t columns = model_columns(m, &name);
    assert(x->columns == columns);
    for (size_t c = 0; c < columns; c++)
        assert(str_equal(x->name[c], name[c]));
    (void)name;
    (void)columns;
}

/* Sums are float32, from the base margin and in the order of trees, as XGBoost takes them. */
static double forest_row(const Forest *f, const float *row)
{
    float sum = f->base_margin;
    for (size_t t = 0; t < f->trees; t++) {
        uint32_t node = f->root[t];
        while (f->left[node] != 0) {
            float value = row[f->column[node]];
            bool left = value != value ? f->default_left[node] : value < f->threshold[node];
            node = left ? f->left[node] : f->right[node];
        }
        sum += f->threshold[node];
    }
    return (double)sum;
}

double linear_part(const Linear *l, size_t column, float x)
{
    if (x != x)
        return l->weight_missing[column];
    double value = (double)x;
    if (l->transform[column] == TRANSFORM_SIGNED_LOG)
        value = value < 0 ? -stable_log1p(-value) : stable_log1p(value);
    if (value < l->low[column])
        value = l->low[column];
    if (value > l->high[column])
        value = l->high[column];
    return l->weight[column] * ((value - l->center[column]) / l->scale[column]);
}

void model_margin(const Model *m, const Matrix *x, double *margin)
{
    assert_columns(m, x);
    for (size_t r = 0; r < x->rows; r++) {
        const float *row = matrix_row(x, r);
        if (m->kind == MODEL_FOREST) {
            margin[r] = forest_row(m->forest, row);
            continue;
        }
        double sum = m->linear->intercept;
        for (size_t c = 0; c < x->columns; c++)
            sum += linear_part(m->linear, c, row[c]);
        margin[r] = sum;
    }
}

void model_explain(const Model *m, const Matrix *x, Arena scratch, double *phi)
{
    assert_columns(m, x);
    size_t width = x->columns + 1;
    if (m->kind == MODEL_LINEAR) {
        for (size_t r = 0; r < x->rows; r++) {
            for (size_t c = 0; c < x->columns; c++)
                phi[r * width + c] = linear_part(m->linear, c, matrix_row(x, r)[c]);
            phi[r * width + x->columns] = m->linear->intercept;
        }
        return;
    }
    forest_explain(m->forest, x, scratch, phi);
    /* What is left is the mean over the training covers, and what float32 rounded off. */
    for (size_t r = 0; r < x->rows; r++) {
        double rest = forest_row(m->forest, matrix_row(x, r));
        for (size_t c = 0; c < x->columns; c++)
            rest -= phi[r * width + c];
        phi[r * width + x->columns] = rest;
    }
}

double platt_apply(Platt c, double margin)
{
    return stable_sigmoid(c.slope * margin + c.intercept);
}

void venn_abers_apply(const VennAbers *v, double margin, double *p0, double *p1)
{
    *p0 = 0;
    *p1 = 1;
    if (v->steps == 0)
        return;
    size_t low = 0, high = v->steps; /* margin[low] <= margin < margin[high], but for low = 0 */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (v->margin[middle] <= margin)
            low = middle;
        else
            high = middle;
    }
    *p0 = v->p0[low];
    *p1 = v->p1[low];
}
