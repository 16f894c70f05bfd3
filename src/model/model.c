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

Status json_fields(yyjson_val *object, const char *where, const char *const *known, Error *err)
{
    size_t i, count, next = 0, names = 0;
    uint64_t seen = 0;
    while (known[names] != NULL)
        names++;
    yyjson_val *key, *value;
    if (!yyjson_is_obj(object)) /* absent blocks have their defaults, or are missed where read */
        return STATUS_OK;
    yyjson_obj_foreach(object, i, count, key, value)
    {
        Str name = json_text(key);
        size_t k = next, tried = 0; /* programs write fields in one order, and so do we */
        while (tried < names && !str_equal(name, str_from(known[k]))) {
            k = k + 1 == names ? 0 : k + 1;
            tried++;
        }
        if (tried == names) {
            (void)error_set(err, STATUS_FORMAT, "%s has a field \"%.*s\" that is not known", where,
                            (int)(name.size < 60 ? name.size : 60), name.data);
            return error_remedy(err, "docs/model.md lists what is read; what is not understood is "
                                     "not passed over");
        }
        if (seen >> k & 1)
            return error_set(err, STATUS_FORMAT, "%s has its field \"%s\" twice", where, known[k]);
        seen |= (uint64_t)1 << k;
        next = k + 1 == names ? 0 : k + 1;
    }
    return STATUS_OK;
}

Str model_kind_name(const Model *m)
{
    return m->kind == MODEL_FOREST   ? S("forest")
           : m->kind == MODEL_LINEAR ? S("logistic regression")
                                     : S("blend");
}

size_t model_columns(const Model *m, const Str **names)
{
    if (m->kind == MODEL_BLEND)
        return model_columns(m->blend->part[0], names);
    if (names != NULL)
        *names = m->kind == MODEL_FOREST ? m->forest->name : m->linear->name;
    return m->kind == MODEL_FOREST ? m->forest->columns : m->linear->columns;
}

Status model_read_value(Model **out, Arena *keep, yyjson_val *root, Error *err)
{
    Model *m = ARENA_NEW(keep, Model);
    if (yyjson_obj_get(root, "assay_linear") != NULL) {
        Linear *linear;
        TRY(linear_read(&linear, keep, root, err));
        m->kind = MODEL_LINEAR;
        m->linear = linear;
    } else if (yyjson_obj_get(root, "assay_blend") != NULL) {
        Blend *blend;
        TRY(blend_read(&blend, keep, root, err));
        m->kind = MODEL_BLEND;
        m->blend = blend;
    } else if (yyjson_obj_get(root, "learner") != NULL) {
        Forest *forest;
        TRY(forest_read(&forest, keep, root, NULL, err));
        m->kind = MODEL_FOREST;
        m->forest = forest;
    } else {
        (void)error_set(err, STATUS_FORMAT,
                        "this is not a model: none of \"learner\", \"assay_linear\" and "
                        "\"assay_blend\"");
        (void)error_remedy(err, "save an XGBoost model with save_model(\"model.json\"); "
                                "dump_model writes text that cannot be read back");
        return STATUS_FORMAT;
    }
    *out = m;
    return STATUS_OK;
}

/* false: it must be read at once. */
static bool read_cut(Model **out, Arena *keep, Str json)
{
    Arena own = arena_new(), before = *keep;
    ForestCut cut;
    Error err = {0};
    Forest *forest = NULL;
    yyjson_doc *doc = NULL;
    if (forest_cut(&cut, &own, json))
        doc =
            yyjson_read_opts(cut.rest, cut.size, MODEL_READ_FLAGS | YYJSON_READ_INSITU, NULL, NULL);
    bool read = doc != NULL &&
                forest_read(&forest, keep, yyjson_doc_get_root(doc), &cut, &err) == STATUS_OK;
    yyjson_doc_free(doc);
    arena_free(&own);
    if (!read) {
        *keep = before;
        return false;
    }
    Model *m = ARENA_NEW(keep, Model);
    m->kind = MODEL_FOREST;
    m->forest = forest;
    *out = m;
    return true;
}

static Status read_json(Model **out, Arena *keep, Str json, Error *err)
{
    /* yyjson reads without recursion, so nesting costs memory in proportion and no stack. Its
     * reader does not write to the input unless asked to. */
    if (read_cut(out, keep, json))
        return STATUS_OK;
    yyjson_read_err fault = {0};
    union {
        const char *constant;
        char *plain;
    } text = {json.size > 0 ? json.data : ""};
    yyjson_doc *doc = yyjson_read_opts(text.plain, json.size, MODEL_READ_FLAGS, NULL, &fault);
    if (doc == NULL) {
        if (fault.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
            return error_set(err, STATUS_LIMIT, "not enough memory for a model of %zu bytes",
                             json.size);
        (void)error_set(err, STATUS_FORMAT, "the model is neither JSON nor UBJSON: %s at byte %zu",
                        fault.msg, fault.pos);
        (void)error_remedy(err, "XGBoost's old binary format (.bin, .model) is not read: save the "
                                "model as .json or .ubj");
        return STATUS_FORMAT;
    }
    Status status = model_read_value(out, keep, yyjson_doc_get_root(doc), err);
    yyjson_doc_free(doc);
    return status;
}

void forest_room(Forest *f, Arena *keep, size_t nodes)
{
    f->root = ARENA_ARRAY(keep, uint32_t, f->trees + 1);
    f->left = ARENA_RAW(keep, uint32_t, nodes);
    f->right = ARENA_RAW(keep, uint32_t, nodes);
    f->column = ARENA_RAW(keep, uint32_t, nodes);
    f->threshold = ARENA_RAW(keep, float, nodes);
    f->default_left = ARENA_RAW(keep, uint8_t, nodes);
    f->cover = ARENA_RAW(keep, float, nodes);
    f->gain = ARENA_RAW(keep, float, nodes);
}

Status model_read(Model **out, Arena *keep, Str bytes, Error *err)
{
    if (bytes.size > MODEL_BYTES_MAX)
        return error_set(err, STATUS_LIMIT, "the model has %zu bytes, %d are allowed", bytes.size,
                         MODEL_BYTES_MAX);
    if (!ubj_is(bytes))
        return read_json(out, keep, bytes, err);
    Arena own = arena_new();
    Str json = {0};
    Status status = ubj_to_json(&json, &own, bytes, err);
    if (status == STATUS_OK)
        status = read_json(out, keep, json, err);
    arena_free(&own);
    return status;
}

Str model_write(Arena *keep, const Model *m)
{
    return m->kind == MODEL_FOREST   ? forest_write(keep, m->forest)
           : m->kind == MODEL_LINEAR ? linear_write(keep, m->linear)
                                     : blend_write(keep, m->blend);
}

static void assert_columns(const Model *m, const Matrix *x)
{
    const Str *name;
    size_t columns = model_columns(m, &name);
    assert(x->columns == columns);
    for (size_t c = 0; c < columns; c++)
        assert(x->name[c].data == name[c].data || str_equal(x->name[c], name[c]));
    (void)name;
    (void)columns;
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

static void linear_margin(const Linear *l, const Matrix *x, double *margin)
{
    for (size_t r = 0; r < x->rows; r++) {
        const float *row = matrix_row(x, r);
        margin[r] = l->intercept;
        for (size_t c = 0; c < x->columns; c++)
            margin[r] += linear_part(l, c, row[c]);
    }
}

/* One part's share of a blend's margin; the first begins it. */
static void blend_add(double *margin, const Blend *b, size_t i, const double *part, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        margin[r] =
            (i == 0 ? 0 : margin[r]) + b->weight[i] * (b->slope[i] * part[r] + b->intercept[i]);
}

static void blend_margin(const Blend *b, const Matrix *x, double *margin)
{
    Arena own = arena_new();
    double *part = ARENA_RAW(&own, double, x->rows);
    for (size_t i = 0; i < b->parts; i++) {
        model_margin(b->part[i], x, part);
        blend_add(margin, b, i, part, x->rows);
    }
    arena_free(&own);
}

void model_margin(const Model *m, const Matrix *x, double *margin)
{
    assert_columns(m, x);
    if (m->kind == MODEL_FOREST)
        forest_margin(m->forest, x, margin);
    else if (m->kind == MODEL_LINEAR)
        linear_margin(m->linear, x, margin);
    else
        blend_margin(m->blend, x, margin);
}

static void linear_explain(const Linear *l, const Matrix *x, double *phi)
{
    for (size_t r = 0; r < x->rows; r++, phi += x->columns + 1) {
        for (size_t c = 0; c < x->columns; c++)
            phi[c] = linear_part(l, c, matrix_row(x, r)[c]);
        phi[x->columns] = l->intercept;
    }
}

static void blend_explain(const Blend *b, const Matrix *x, Arena scratch, double *margin,
                          double *phi)
{
    size_t width = x->columns + 1, cells = x->rows * width;
    double *part = ARENA_RAW(&scratch, double, cells);
    double *margin_part = ARENA_RAW(&scratch, double, x->rows);
    for (size_t i = 0; i < b->parts; i++) {
        model_answer(b->part[i], x, scratch, margin_part, part);
        blend_add(margin, b, i, margin_part, x->rows);
        for (size_t k = 0; k < cells; k++) {
            double own = b->weight[i] * b->slope[i] * part[k];
            if (k % width == x->columns)
                own += b->weight[i] * b->intercept[i];
            phi[k] = (i == 0 ? 0 : phi[k]) + own;
        }
    }
}

/* A margin that does not fit a double has no parts that could add up to it. */
static void assert_additive(const Matrix *x, const double *margin, const double *phi)
{
    for (size_t r = 0; r < x->rows; r++) {
        double sum = 0, size = fabs(margin[r]);
        for (size_t c = 0; c <= x->columns; c++) {
            sum += phi[r * (x->columns + 1) + c];
            size += fabs(phi[r * (x->columns + 1) + c]);
        }
        assert(fabs(sum - margin[r]) <= 1e-9 * size || !isfinite(size));
        (void)sum;
    }
}

void model_prepare(Model *m, Arena *keep)
{
    if (m->kind == MODEL_FOREST) {
        Forest *f = ARENA_NEW(keep, Forest);
        *f = *m->forest;
        forest_prepare(f, keep);
        m->forest = f;
    } else if (m->kind == MODEL_BLEND) {
        Blend *b = ARENA_NEW(keep, Blend);
        *b = *m->blend;
        b->part = ARENA_ARRAY(keep, const Model *, b->parts);
        for (size_t i = 0; i < b->parts; i++) {
            Model *part = arena_copy(keep, m->blend->part[i], sizeof *part);
            model_prepare(part, keep);
            b->part[i] = part;
        }
        m->blend = b;
    }
}

void model_answer(const Model *m, const Matrix *x, Arena scratch, double *margin, double *phi)
{
    assert_columns(m, x);
    if (m->kind == MODEL_FOREST) {
        forest_explain(m->forest, x, scratch, margin, phi);
    } else if (m->kind == MODEL_LINEAR) {
        linear_margin(m->linear, x, margin);
        linear_explain(m->linear, x, phi);
    } else {
        blend_explain(m->blend, x, scratch, margin, phi);
    }
    assert_additive(x, margin, phi);
}

void model_explain(const Model *m, const Matrix *x, Arena scratch, double *phi)
{
    double *margin = ARENA_RAW(&scratch, double, x->rows);
    model_answer(m, x, scratch, margin, phi);
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
