/* decisions.c - everybody's whole decision, made and written a block at a time.
 *
 * What is kept of all customers is numbers; sentences, reasons and contributions live as long as
 * their block, so that memory does not grow with the customers. */
#include "store/store_internal.h"

enum { BLOCK = 2048 };

typedef void BlockTask(void *context, size_t rank, const Decision *d, size_t at, Arena scratch);

/* one() for each of the positions, in their order. */
static Status each_decision(const Run *run, const Scored *scored, const uint32_t *position,
                            size_t count, BlockTask *one, void *context, Error *err)
{
    Status status = STATUS_OK;
    Arena own = arena_new(), scratch = arena_new();
    for (size_t first = 0; first < count && status == STATUS_OK; first += BLOCK) {
        Arena block = own;
        Decision *made;
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        status = score_decide(&made, &block, scratch, run->bundle, scored, position + first, n,
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
    return each_decision(run, run->scored, order, run->scored->count, log_one, log, err);
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

/* ---- the two lists ---- */

typedef struct List {
    const Run *run;
    const Recording *recording;
    bool near;
    Sheet table, lines;
} List;

static void list_one(void *context, size_t rank, const Decision *d, size_t at, Arena scratch)
{
    List *list = context;
    Arena own = arena_new();
    const Listed listed = {.rank = rank,
                           .at = at,
                           .decision = d,
                           .id = recorded_id(&own, scratch, list->recording, d, at),
                           .near = list->near};
    listed_row(&list->table, scratch, list->run, &listed);
    sheet_flush(&list->table, false);
    Document j;
    document_open(&j, &own);
    document_listed(&j, list->run, &listed);
    buffer_add(&list->lines.line, document_write(&j, false));
    sheet_flush(&list->lines, false);
    arena_free(&own);
}

static Status write_list(List *list, const char *const name[2], const uint32_t *position,
                         size_t count, const char *folder, Arena scratch, Error *err)
{
    Scored explained = *list->run->scored; /* whoever is on a list is told why */
    explained.options.brief = false;
    TRY(sheet_open(&list->table, &scratch, folder, name[0], err));
    Status status = sheet_open(&list->lines, &scratch, folder, name[1], err);
    if (status == STATUS_OK) {
        listed_names(&list->table, list->near);
        status = each_decision(list->run, &explained, position, count, list_one, list, err);
    }
    status = close_sheet(&list->lines, status, err);
    return close_sheet(&list->table, status, err);
}

Status store_listed(const Run *run, const char *folder, Arena scratch, Error *err)
{
    static const char *const proposed[] = {"offboarding.csv", "offboarding.jsonl"};
    static const char *const nearly[] = {"near_misses.csv", "near_misses.jsonl"};
    const Recording recording = recording_of(run->bundle, run->scored, run->data->as_of_us);
    List list = {.run = run, .recording = &recording};
    TRY(write_list(&list, proposed, run->candidate, run->candidates, folder, scratch, err));
    list = (List){.run = run, .recording = &recording, .near = true};
    return write_list(&list, nearly, run->near_miss, run->near_misses, folder, scratch, err);
}
