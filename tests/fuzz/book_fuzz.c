/* book_fuzz.c - any bytes as a YAML book and as a schema book: an answer or a refusal with a
 * sentence, never a crash, and what is accepted is within the bounds and reads the same twice. */
#include "book/book.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const Node *node, size_t depth)
{
    size_t all = 1;
    if (depth > 33 || !str_valid_utf8(node->text))
        abort();
    for (size_t i = 0; i < node->count; i++)
        all += count(&node->item[i], depth + 1);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena keep = arena_new();
    Str yaml = {(const char *)data, size};
    Error err = {0}, again = {0};
    Node *node = NULL;
    Schema *schema = NULL, *second = NULL;
    if (book_parse(&node, &keep, yaml, "fuzz.yaml", &err) == STATUS_OK) {
        if (count(node, 1) > 100000)
            abort();
    } else if (err.message[0] == '\0') {
        abort();
    }
    err = (Error){0};
    Status status = schema_read(&schema, &keep, yaml, "fuzz.yaml", &err);
    if (status != schema_read(&second, &keep, yaml, "fuzz.yaml", &again) ||
        err.line != again.line || err.column != again.column)
        abort();
    if (status == STATUS_OK && schema_customer_column(schema, schema->customers.key.text) == NULL)
        abort();
    arena_free(&keep);
    return 0;
}
