#include "model/model_internal.h"

#include <string.h>

/* to[c]: where the model's column c stands among the matrix's. */
static Status places(size_t *to, const Str *of, size_t count, const Str *name, size_t columns,
                     Arena scratch, Error *err)
{
    Dictionary *known = dictionary_new(&scratch);
    size_t absent = 0, first = 0;
    for (size_t c = 0; c < columns; c++)
        (void)dictionary_add(known, name[c]);
    for (size_t c = 0; c < count; c++) {
        to[c] = dictionary_find(known, of[c]);
        if (to[c] >= columns && absent++ == 0)
            first = c;
    }
    if (absent == 0)
        return STATUS_OK;
    return error_set(
        err, STATUS_DATA,
        "%zu of the model's %zu columns are not columns of the matrix, such as \"%.*s\"", absent,
        count, STR_ARG(of[first]));
}

static Forest *align_forest(Arena *keep, const Forest *f, const Str *name, size_t columns,
                            const size_t *to)
{
    Forest *out = ARENA_NEW(keep, Forest);
    *out = *f; /* trees are shared: only columns and their names are others */
    out->paths = NULL;
    out->columns = columns;
    out->name = arena_copy(keep, name, columns * sizeof *name);
    out->column = ARENA_ARRAY(keep, uint32_t, f->nodes);
    for (size_t i = 0; i < f->nodes; i++)
        out->column[i] = f->left[i] == 0 ? 0 : (uint32_t)to[f->column[i]];
    return out;
}

static Linear *align_linear(Arena *keep, const Linear *l, const Str *name, size_t columns,
                            const size_t *to)
{
    Linear *out = linear_new(keep, columns);
    out->intercept = l->intercept;
    memcpy(out->name, name, columns * sizeof *name);
    for (size_t c = 0; c < l->columns; c++) {
        size_t at = to[c];
        out->transform[at] = l->transform[c];
        out->center[at] = l->center[c];
        out->scale[at] = l->scale[c];
        out->weight[at] = l->weight[c];
        out->weight_missing[at] = l->weight_missing[c];
        out->low[at] = l->low[c];
        out->high[at] = l->high[c];
    }
    return out;
}

Status model_align(Model **out, Arena *keep, const Model *m, const Str *name, size_t columns,
                   Error *err)
{
    const Str *of;
    size_t count = model_columns(m, &of);
    size_t *to = ARENA_ARRAY(keep, size_t, count + 1);
    TRY(places(to, of, count, name, columns, *keep, err));
    Model *made = ARENA_NEW(keep, Model);
    made->kind = m->kind;
    if (m->kind == MODEL_FOREST) {
        made->forest = align_forest(keep, m->forest, name, columns, to);
    } else if (m->kind == MODEL_LINEAR) {
        made->linear = align_linear(keep, m->linear, name, columns, to);
    } else {
        Blend *b = ARENA_NEW(keep, Blend);
        *b = *m->blend;
        b->part = ARENA_ARRAY(keep, const Model *, b->parts);
        for (size_t i = 0; i < b->parts; i++) {
            Model *part;
            TRY(model_align(&part, keep, m->blend->part[i], name, columns, err));
            b->part[i] = part;
        }
        made->blend = b;
    }
    *out = made;
    return STATUS_OK;
}
