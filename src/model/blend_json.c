#include "model/model_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

static const char *const blend_fields[] = {"assay_blend", "parts", NULL};
static const char *const part_fields[] = {"weight", "slope", "intercept", "model", NULL};

static Status read_real(double *out, yyjson_val *part, size_t i, const char *name, Error *err)
{
    yyjson_val *value = yyjson_obj_get(part, name);
    if (yyjson_is_raw(value) && parse_double(json_text(value), out))
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "parts[%zu].%s is not a finite number", i, name);
}

static Status read_part(Blend *b, Arena *keep, size_t i, yyjson_val *value, Error *err)
{
    char where[32];
    Model *part;
    yyjson_val *model = yyjson_obj_get(value, "model");
    (void)snprintf(where, sizeof where, "parts[%zu]", i);
    TRY(json_fields(value, where, part_fields, err));
    TRY(read_real(&b->weight[i], value, i, "weight", err));
    TRY(read_real(&b->slope[i], value, i, "slope", err));
    TRY(read_real(&b->intercept[i], value, i, "intercept", err));
    if (yyjson_obj_get(model, "assay_blend") != NULL)
        return error_set(err, STATUS_FORMAT, "%s is itself a blend, which is not supported", where);
    TRY(model_read_value(&part, keep, model, err));
    b->part[i] = part;
    const Str *name, *first;
    size_t columns = model_columns(part, &name);
    bool same = columns == model_columns(b->part[0], &first);
    for (size_t c = 0; c < columns && same; c++)
        same = str_equal(name[c], first[c]);
    return same ? STATUS_OK
                : error_set(err, STATUS_FORMAT, "%s has other columns than parts[0]", where);
}

Status blend_read(Blend **out, Arena *keep, yyjson_val *root, Error *err)
{
    yyjson_val *parts = yyjson_obj_get(root, "parts"), *value;
    size_t i, count;
    Str version = json_text(yyjson_obj_get(root, "assay_blend"));
    if (!str_equal(version, S("1"))) {
        (void)error_set(err, STATUS_FORMAT, "blend version %.*s is not known", STR_ARG(version));
        return error_remedy(err, "this program reads version 1");
    }
    TRY(json_fields(root, "the blend", blend_fields, err));
    Blend *b = ARENA_NEW(keep, Blend);
    b->parts = yyjson_arr_size(parts);
    if (b->parts == 0)
        return error_set(err, STATUS_FORMAT, "the blend has no array of parts");
    if (b->parts > BLEND_PARTS_MAX)
        return error_set(err, STATUS_LIMIT, "the blend has %zu parts, %d are allowed", b->parts,
                         BLEND_PARTS_MAX);
    b->part = ARENA_ARRAY(keep, const Model *, b->parts);
    b->weight = ARENA_ARRAY(keep, double, b->parts);
    b->slope = ARENA_ARRAY(keep, double, b->parts);
    b->intercept = ARENA_ARRAY(keep, double, b->parts);
    yyjson_arr_foreach(parts, i, count, value)
    {
        TRY(read_part(b, keep, i, value, err));
    }
    *out = b;
    return STATUS_OK;
}

Str blend_write(Arena *keep, const Blend *b)
{
    Str *text = ARENA_ARRAY(keep, Str, b->parts); /* first: the buffer must stay last in keep */
    for (size_t i = 0; i < b->parts; i++)
        text[i] = model_write(keep, b->part[i]);
    Buffer out = buffer_new(keep);
    buffer_add(&out, S("{\"assay_blend\":1,\"parts\":["));
    for (size_t i = 0; i < b->parts; i++) {
        assert(isfinite(b->weight[i]) && isfinite(b->slope[i]) && isfinite(b->intercept[i]));
        buffer_format(&out, "%s\n{\"weight\":%.17g,\"slope\":%.17g,\"intercept\":%.17g,\"model\":",
                      i > 0 ? "," : "", b->weight[i], b->slope[i], b->intercept[i]);
        buffer_add(&out, str_trim(text[i]));
        buffer_char(&out, '}');
    }
    buffer_add(&out, S("]}\n"));
    return buffer_str(&out);
}
