/* Any bytes: model_read refuses them or gives a model that scores, explains, and survives
 * writing. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const Model *m, Arena *arena)
{
    const Str *name;
    Matrix *x = matrix_new(arena, 2, model_columns(m, &name));
    double *phi = ARENA_ARRAY(arena, double, 2 * (x->columns + 1)), margin[2];
    for (size_t c = 0; c < x->columns; c++) {
        x->name[c] = name[c];
        x->value[c] = c % 2 == 0 ? 1.0f : (float)MISSING_VALUE;
        x->value[x->columns + c] = (float)c - 2;
    }
    model_margin(m, x, margin);
    model_explain(m, x, *arena, phi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = arena_new();
    Error err = {0};
    Model *m, *again;
    Str json = {arena_copy(&arena, data, size), size};
    if (model_read(&m, &arena, json, &err) == STATUS_OK) {
        use(m, &arena);
        Str text = model_write(&arena, m);
        if (model_read(&again, &arena, text, &err) != STATUS_OK ||
            !str_equal(text, model_write(&arena, again)))
            abort();
    } else if (err.message[0] == '\0') {
        abort(); /* a refusal says why */
    }
    arena_free(&arena);
    return 0;
}
