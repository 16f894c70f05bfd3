/* Any bytes taken for XGBoost's UBJSON: what is turned into JSON is JSON and no deeper than
 * allowed; a model that is accepted is written as JSON, read again, and laid over a wider matrix
 * gives the same margins; sums of contributions are asserted inside. */
#include "model/model_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void turned_round(const Model *m, Arena *arena)
{
    const Str *name;
    size_t columns = model_columns(m, &name), wide = columns + 1;
    Matrix *x = matrix_new(arena, 2, columns), *y = matrix_new(arena, 2, wide);
    y->name[columns] = S("\001 stranger");
    for (size_t c = 0; c < columns; c++) {
        x->name[c] = name[c];
        y->name[columns - 1 - c] = name[c];
        if (str_equal(name[c], y->name[columns]))
            return;
        for (size_t r = 0; r < 2; r++) {
            float value = (c + r) % 3 == 0 ? (float)MISSING_VALUE : (float)c - (float)r;
            x->value[r * columns + c] = value;
            y->value[r * wide + columns - 1 - c] = value;
        }
    }
    Model *aligned;
    Error err = {0};
    double before[2], after[2];
    double *phi = ARENA_ARRAY(arena, double, 2 * (wide + 1));
    if (model_align(&aligned, arena, m, y->name, wide, &err) != STATUS_OK)
        abort();
    model_margin(m, x, before);
    model_margin(aligned, y, after);
    if (m->kind == MODEL_FOREST && (before[0] != after[0] || before[1] != after[1]))
        abort();
    model_explain(aligned, y, *arena, phi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = arena_new();
    Error err = {0};
    Str bytes = {arena_copy(&arena, data, size), size}, json = {0};
    Model *m, *again;
    if (ubj_to_json(&json, &arena, bytes, &err) == STATUS_OK) {
        yyjson_read_err why;
        yyjson_doc *doc =
            yyjson_read_opts((char *)(uintptr_t)json.data, json.size,
                             YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_ALLOW_INF_AND_NAN, NULL, &why);
        if (doc == NULL &&
            why.code != YYJSON_READ_ERROR_INVALID_STRING) /* names need not be UTF-8 */
            abort();
        yyjson_doc_free(doc);
    } else if (err.message[0] == '\0') {
        abort(); /* a refusal says why */
    }
    err = (Error){0};
    if (model_read(&m, &arena, bytes, &err) == STATUS_OK) {
        Str text = model_write(&arena, m);
        if (model_read(&again, &arena, text, &err) != STATUS_OK ||
            !str_equal(text, model_write(&arena, again)))
            abort();
        turned_round(m, &arena);
    }
    arena_free(&arena);
    return 0;
}
