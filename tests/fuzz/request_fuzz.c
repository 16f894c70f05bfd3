/* request_fuzz.c - any bytes as a request about one customer: refused by a code, a place and a
 * sentence that no terminal would obey, or read into cells that a row can hold.
 *
 * The first byte chooses whether it is what a database holds. */
#include "answer/answer_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
    if (!claim)
        abort();
}

/* Only what is read here of a bundle: the default books' columns. */
static const Answerer *default_answerer(void)
{
    static Answerer *kept;
    static Arena arena;
    Error err = {0};
    Schema *schema;
    if (kept != NULL)
        return kept;
    arena = arena_new();
    must(schema_default(&schema, &arena, &err) == STATUS_OK);
    kept = ARENA_NEW(&arena, Answerer);
    kept->bundle = ARENA_NEW(&arena, Bundle);
    kept->bundle->schema = schema;
    AnswerColumns *out[] = {&kept->customer, &kept->transaction};
    const BookRecords from[] = {schema->customers.columns, schema->transactions.columns};
    const Str owner[] = {schema->customers.key.text, schema->transactions.customer.text};
    for (size_t k = 0; k < COUNT_OF(out); k++) {
        const SchemaColumn *c = from[k].item;
        *out[k] = (AnswerColumns){ARENA_ARRAY(&arena, AnswerColumn, from[k].count), from[k].count};
        kept->column_names[k] = ARENA_ARRAY(&arena, Str, from[k].count);
        for (size_t i = 0; i < from[k].count; i++) {
            out[k]->item[i] = (AnswerColumn){.schema = &c[i],
                                             .name = c[i].name.text,
                                             .key = str_equal(c[i].name.text, owner[k])};
            kept->column_names[k][i] = c[i].name.text;
        }
    }
    return kept;
}

static void check_fault(const Fault *f)
{
    must(f->code != NULL && f->code[0] != '\0' && f->detail[0] != '\0');
    must(f->pointer[0] == '\0' || f->pointer[0] == '/');
    for (const char *c = f->pointer; *c != '\0'; c++)
        must((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7F);
    for (const char *c = f->detail; *c != '\0'; c++)
        must((unsigned char)*c >= 0x20);
}

static void check_rows(const RequestRows *rows, size_t columns)
{
    for (size_t i = 0; i < rows->rows * columns; i++) {
        Str cell = rows->cell[i];
        must(cell.size <= TEXT_BYTES_MAX);
        must(cell.size == 0 ||
             (memchr(cell.data, '\0', cell.size) == NULL && str_valid_utf8(cell)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const AnswerLimits limits = {1000, 16};
    const Answerer *a = default_answerer();
    if (size == 0)
        return 0;
    Arena keep = arena_new();
    Request request;
    Fault fault = {0};
    bool held = data[0] % 4 == 0;
    Str json = {(const char *)data + 1, size - 1}, id;
    Status status = request_read(&request, &keep, a, json, &limits, 0, held, &fault);
    must((status == STATUS_OK) == (fault.code == NULL));
    bool named = answer_customer(&id, &keep, json, &limits);
    if (status != STATUS_OK) {
        must(status == STATUS_FORMAT);
        check_fault(&fault);
    } else {
        check_rows(&request.customer, a->customer.count);
        check_rows(&request.transactions, a->transaction.count);
        must(request.transactions.rows <= limits.transactions_max);
        must(held || str_trim(request.customer_id).size > 0);
        must(!named || held || str_equal(id, request.customer_id));
        if (request.customer_id.size > 0)
            request_merge(&request, &keep, a, &request);
    }
    arena_free(&keep);
    return 0;
}
