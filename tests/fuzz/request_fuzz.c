/* request_fuzz.c - any bytes as a request about one customer: refused by a code, a place and a
 * sentence that no terminal would obey, or read into cells that a row can hold; from its bytes as
 * from a tree of the whole.
 *
 * The first byte chooses whether it is what a database holds. */
#include "../unit/request_both.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
    if (!claim)
        abort();
}

static const Answerer *default_answerer(void)
{
    static Answerer *kept;
    static Arena arena;
    if (kept != NULL)
        return kept;
    arena = arena_new();
    kept = request_answerer(&arena);
    must(kept != NULL);
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
    Fault fault;
    bool held = data[0] % 4 == 0;
    Str json = {(const char *)data + 1, size - 1}, id;
    Status status;
    must(request_both(&request, &status, &fault, &keep, a, json, &limits, held) == NULL);
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
