/* decisions.c - everybody's whole decision, made and written a block at a time.
 *
 * What is kept of all customers is numbers; sentences, reasons and contributions live as long as
 * their block, so that memory does not grow with the customers. */
#include "store/store_internal.h"

enum { BLOCK = 2048 };

typedef void BlockTask(void *context, size_t rank, const Decision *d, size_t at, Arena scratch);

/* one() for each of the positions, in their order. */
static Status each_decision(const Run *run, const uint32_t *position, size_t count, BlockTask *one,
                            void *context, Error *err)
{
    Status status = STATUS_OK;
    Arena own = arena_new(), scratch = arena_new();
    for (size_t first = 0; first < count && status == STATUS_OK; first += BLOCK) {
        Arena block = own;
        Decision *made;
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        status = score_decide(&made, &block, scratch, run->bundle, run->scored, position + first, n,
                              run->team, err);
        for (size_t i = 0; i < n && status == STATUS_OK; i++)
            one(context, first + i + 1, &made[i], position[first + i], scratch);
    }
    arena_free(&own);
    arena_free(&scratch);
    return status;
}

typedef struct Log {
    const Run *run;
    const uint8_t *contradictory;
    Sheet table, lines;
} Log;

static void log_one(void *context, size_t rank, const Decision *d, size_t at, Arena scratch)
{
    Log *log = context;
    decision_row(&log->table, scratch, rank, d, log->contradictory[at]);
    sheet_flush(&log->table, false);
    Document j;
    document_open(&j, &scratch);
    document_count(&j, j.root, "rank", rank);
    document_decision(&j, log->run, d, at, log->contradictory[at]);
    buffer_add(&log->lines.line, document_write(&j, false));
    sheet_flush(&log->lines, false);
}

Status store_decisions(const Run *run, const uint32_t *order, const char *folder, Arena scratch,
                       Error *err)
{
    Log log = {.run = run, .contradictory = store_contradictory(&scratch, run)};
    TRY(sheet_open(&log.table, &scratch, folder, "decisions.csv", err));
    Status status = sheet_open(&log.lines, &scratch, folder, "decisions.jsonl", err);
    if (status == STATUS_OK) {
        decision_names(&log.table);
        status = each_decision(run, order, run->scored->count, log_one, &log, err);
        Status closed = sheet_close(&log.lines, status == STATUS_OK ? err : NULL);
        status = status == STATUS_OK ? closed : status;
    }
    Status closed = sheet_close(&log.table, status == STATUS_OK ? err : NULL);
    return status == STATUS_OK ? closed : status;
}

typedef struct List {
    const Run *run;
    Sheet table;
} List;

static void list_one(void *context, size_t rank, const Decision *d, size_t at, Arena scratch)
{
    List *list = context;
    candidate_row(&list->table, scratch, list->run, rank, d, at);
    sheet_flush(&list->table, false);
}

Status store_offboarding(const Run *run, const char *folder, Arena scratch, Error *err)
{
    List list = {.run = run};
    TRY(sheet_open(&list.table, &scratch, folder, "offboarding.csv", err));
    candidate_names(&list.table);
    Status status = each_decision(run, run->candidate, run->candidates, list_one, &list, err);
    Status closed = sheet_close(&list.table, status == STATUS_OK ? err : NULL);
    return status == STATUS_OK ? closed : status;
}
