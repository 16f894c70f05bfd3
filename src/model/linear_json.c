#include "model/model_internal.h"

#include <assert.h>
#include <math.h>

static const char *const transform_text[] = {"none", "signed_log"};

static Status read_number(double *out, yyjson_val *value, double absent, size_t column,
                          const char *name, Error *err)
{
    *out = absent;
    if (yyjson_is_null(value) && isinf(absent))
        return STATUS_OK;
    if (yyjson_is_raw(value) && parse_double(json_text(value), out))
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "columns[%zu].%s is not a finite number", column, name);
}

/* Each field once and no other: what is misspelt must not fall back to a default. */
static Status read_column(Linear *l, Arena *keep, size_t i, yyjson_val *column, Error *err)
{
    struct {
        const char *name;
        double *to;
        double absent; /* what null means: no bound */
    } field[] = {{"low", &l->low[i], -INFINITY}, {"high", &l->high[i], INFINITY},
                 {"center", &l->center[i], 0},   {"scale", &l->scale[i], 0},
                 {"weight", &l->weight[i], 0},   {"weight_missing", &l->weight_missing[i], 0}};
    yyjson_val *name = yyjson_obj_get(column, "name");
    Str transform = json_text(yyjson_obj_get(column, "transform"));
    if (!yyjson_is_str(name))
        return error_set(err, STATUS_FORMAT, "columns[%zu] has no name", i);
    l->name[i] = str_copy(keep, json_text(name));
    if (str_equal(transform, str_from(transform_text[TRANSFORM_SIGNED_LOG])))
        l->transform[i] = TRANSFORM_SIGNED_LOG;
    else if (!str_equal(transform, str_from(transform_text[TRANSFORM_NONE])))
        return error_set(err, STATUS_FORMAT, "columns[%zu].transform \"%.*s\" is not known", i,
                         STR_ARG(transform));
    for (size_t k = 0; k < COUNT_OF(field); k++)
        TRY(read_number(field[k].to, yyjson_obj_get(column, field[k].name), field[k].absent, i,
                        field[k].name, err));
    if (yyjson_obj_size(column) != COUNT_OF(field) + 2)
        return error_set(err, STATUS_FORMAT, "columns[%zu] has %zu fields, not %zu", i,
                         yyjson_obj_size(column), COUNT_OF(field) + 2);
    if (!(l->scale[i] > 0))
        return error_set(err, STATUS_FORMAT, "columns[%zu].scale is not positive", i);
    if (l->low[i] > l->high[i])
        return error_set(err, STATUS_FORMAT, "columns[%zu].low is above high", i);
    return STATUS_OK;
}

Linear *linear_new(Arena *keep, size_t columns)
{
    Linear *l = ARENA_NEW(keep, Linear);
    l->columns = columns;
    l->name = ARENA_ARRAY(keep, Str, columns);
    l->transform = ARENA_ARRAY(keep, Transform, columns);
    l->center = ARENA_ARRAY(keep, double, columns);
    l->scale = ARENA_ARRAY(keep, double, columns);
    l->weight = ARENA_ARRAY(keep, double, columns);
    l->weight_missing = ARENA_ARRAY(keep, double, columns);
    l->low = ARENA_ARRAY(keep, double, columns);
    l->high = ARENA_ARRAY(keep, double, columns);
    for (size_t c = 0; c < columns; c++) {
        l->scale[c] = 1;
        l->low[c] = -INFINITY;
        l->high[c] = INFINITY;
    }
    return l;
}

Status linear_read(Linear **out, Arena *keep, yyjson_val *root, Error *err)
{
    yyjson_val *columns = yyjson_obj_get(root, "columns"), *value;
    size_t i, count;
    Str version = json_text(yyjson_obj_get(root, "assay_linear"));
    if (!str_equal(version, S("1"))) {
        (void)error_set(err, STATUS_FORMAT, "linear model version %.*s is not known",
                        STR_ARG(version));
        return error_remedy(err, "this program reads version 1");
    }
    if (!yyjson_is_arr(columns))
        return error_set(err, STATUS_FORMAT, "the linear model has no array of columns");
    size_t width = yyjson_arr_size(columns);
    if (width > MODEL_COLUMNS_MAX)
        return error_set(err, STATUS_LIMIT, "the model has %zu columns, %d are allowed", width,
                         MODEL_COLUMNS_MAX);
    Linear *l = linear_new(keep, width);
    if (!parse_double(json_text(yyjson_obj_get(root, "intercept")), &l->intercept))
        return error_set(err, STATUS_FORMAT, "intercept is not a finite number");
    yyjson_arr_foreach(columns, i, count, value)
    {
        TRY(read_column(l, keep, i, value, err));
    }
    TRY(json_distinct(l->name, l->columns, *keep, err));
    *out = l;
    return STATUS_OK;
}

static void add_number(Buffer *b, const char *name, double value, double absent)
{
    if (isinf(absent) && value == absent) {
        buffer_format(b, ",\"%s\":null", name);
        return;
    }
    assert(isfinite(value));
    buffer_format(b, ",\"%s\":%.17g", name, value);
}

Str linear_write(Arena *keep, const Linear *l)
{
    Buffer out = buffer_new(keep), *b = &out;
    buffer_add(b, S("{\"assay_linear\":1"));
    add_number(b, "intercept", l->intercept, 0);
    buffer_add(b, S(",\"columns\":["));
    for (size_t c = 0; c < l->columns; c++) {
        buffer_add(b, c > 0 ? S(",\n{\"name\":") : S("\n{\"name\":"));
        json_quote(b, l->name[c]);
        buffer_format(b, ",\"transform\":\"%s\"", transform_text[l->transform[c]]);
        add_number(b, "low", l->low[c], -INFINITY);
        add_number(b, "high", l->high[c], INFINITY);
        add_number(b, "center", l->center[c], 0);
        add_number(b, "scale", l->scale[c], 0);
        add_number(b, "weight", l->weight[c], 0);
        add_number(b, "weight_missing", l->weight_missing[c], 0);
        buffer_char(b, '}');
    }
    buffer_add(b, S("]}\n"));
    return buffer_str(b);
}
