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
    const Recording *recording;
    Chain *chain;
    Histories *histories;
    Sheet table, lines;
    Arena spare; /* of one line */
} Log;

static void log_one(void *context, size_t rank, const Decision *d, size_t at, Arena scratch)
{
    Log *log = context;
    HistorySlice history[HISTORY_FILES];
    decision_row(&log->table, scratch, rank, d, log->run->scored->contradictory[at] != 0);
    sheet_flush(&log->table, false);
    histories_add(log->histories, history, log->run->scored->row[at], scratch);
    Document j;
    Arena own = log->spare;
    document_open(&j, &own);
    document_record(&j, log->run, rank, at, history);
    document_decision(&j, scratch, log->recording, d, at);
    Str line = document_write(&j, false);
    buffer_add(&log->lines.line, chain_line(log->chain, &own, str_slice(line, 0, line.size - 1)));
    sheet_flush(&log->lines, false);
}

static Status write_log(Log *log, const uint32_t *order, const char *folder, Arena *keep,
                        Error *err)
{
    const Run *run = log->run;
    TRY(sheet_open(&log->table, keep, folder, "decisions.csv", err));
    TRY(sheet_open(&log->lines, keep, folder, "decisions.jsonl", err));
    TRY(histories_open(&log->histories, keep, run->data, folder, err));
    decision_names(&log->table);
    return each_decision(run, order, run->scored->count, log_one, log, err);
}

static Status close_sheet(Sheet *s, Status status, Error *err)
{
    if (s->writer == NULL)
        return status;
    Status closed = sheet_close(s, status == STATUS_OK ? err : NULL);
    return status == STATUS_OK ? closed : status;
}

Status store_decisions(Chain *chain, Arena *keep, const Run *run, const uint32_t *order,
                       const char *folder, Error *err)
{
    const Recording recording = recording_of(run->bundle, run->scored, run->data->as_of_us);
    *chain = chain_begin(keep, &recording, run->scored->count);
    Log log = {.run = run, .recording = &recording, .chain = chain, .spare = arena_new()};
    Status status = write_log(&log, order, folder, keep, err);
    if (log.histories != NULL) {
        Status closed = histories_close(log.histories, status == STATUS_OK ? err : NULL);
        status = status == STATUS_OK ? closed : status;
    }
    status = close_sheet(&log.lines, status, err);
    status = close_sheet(&log.table, status, err);
    arena_free(&log.spare);
    return status;
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
