/* handle_store.c - what the store holds: customers and transactions into it, decisions out of it,
 * and a person away. */
#include "serve/serve_internal.h"

#include "record/record.h"

static const char *no_store = "this service keeps nothing; start it with --store sqlite:FILE or "
                              "--store postgresql://...";

bool has_store(Exchange *x)
{
    if (x->service->database == NULL)
        reply_problem(x, 501, "store_needed", NULL, "%s", no_store);
    return x->service->database != NULL;
}

/* What is wrong with a request, or with us. */
static void refuse(Exchange *x, const Fault *fault, const Error *err)
{
    if (fault->code != NULL)
        reply_fault(x, fault);
    else
        reply_error(x, err);
}

static void put_customer(Exchange *x)
{
    Fault fault = {0};
    Error err = {0};
    Document d;
    Str json;
    bool was_new;
    if (!has_store(x))
        return;
    if (answer_hold_customer(&json, x->arena, x->scratch, x->served->champion, x->parameter,
                             x->body, &x->service->settings->limits.answer, &fault,
                             &err) != STATUS_OK ||
        database_put_customer(x->service->database, &was_new, x->parameter, json, &err) !=
            STATUS_OK) {
        refuse(x, &fault, &err);
        return;
    }
    document_open(&d, x->arena);
    document_text(&d, d.root, "customer_id", x->parameter);
    reply_json(x, 200, str_trim(document_write(&d, false)));
}

static void erase_customer(Exchange *x)
{
    Error err = {0};
    Erased erased;
    if (!has_store(x))
        return;
    if (database_erase(x->service->database, &erased, x->parameter, x->now_us, &err) != STATUS_OK)
        reply_error(x, &err);
    else if (!erased.was_there)
        reply_problem(x, 404, "not_found", NULL, "nothing is held of this customer");
    else
        reply_json(x, 200, S("{\"erased\":true}"));
}

static void add_transactions(Exchange *x)
{
    Fault fault = {0};
    Error err = {0};
    HeldVersion *version;
    size_t count, rows, added;
    if (!has_store(x))
        return;
    if (answer_hold_transactions(&version, &count, &rows, x->arena, x->scratch, x->served->champion,
                                 x->body, &x->service->settings->limits.answer, &fault,
                                 &err) != STATUS_OK) {
        refuse(x, &fault, &err);
        return;
    }
    StoredEvent *event = ARENA_ARRAY(x->arena, StoredEvent, count + 1);
    for (size_t i = 0; i < count; i++)
        event[i] = (StoredEvent){.customer = version[i].customer,
                                 .id = version[i].id,
                                 .state = version[i].state,
                                 .json = version[i].json};
    if (database_add_transactions(x->service->database, &added, NULL, event, count, &err) !=
        STATUS_OK) {
        reply_error(x, &err);
        return;
    }
    reply_json(x, 200, str_format(x->arena, "{\"received\":%zu,\"added\":%zu}", rows, added));
}

static void get_decision(Exchange *x)
{
    Error err = {0};
    StoredDecision d;
    Found found;
    if (!has_store(x))
        return;
    if (database_decision(x->service->database, &d, &found, x->arena, x->parameter, &err) !=
        STATUS_OK)
        reply_error(x, &err);
    else if (found == FOUND_NONE)
        reply_problem(x, 404, "not_found", NULL, "there is no decision of this id");
    else if (found == FOUND_ERASED)
        reply_problem(x, 410, "erased", NULL,
                      "there was a decision of this id; its person was erased");
    else {
        x->decision_id = d.id;
        reply_json(x, 200, d.json);
    }
}

const Route routes_store[] = {
    {"PUT", "/v1/customers/{id}", SCOPE_DATA, put_customer, .settles = true},
    {"DELETE", "/v1/customers/{id}", SCOPE_ERASE, .handle = erase_customer},
    {"POST", "/v1/transactions", SCOPE_DATA, add_transactions, .settles = true,
     .lines = &route_transaction_lines},
    {"GET", "/v1/decisions/{id}", SCOPE_DATA, .handle = get_decision},
    {0}};
