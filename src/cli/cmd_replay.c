/* assay replay - make a decision again from the run folder alone, and compare. */
#include "cli/commands.h"
#include "cli/pane.h"

#include "store/store.h"

#include <string.h>

static const Option options[] = {
    {"run", "FOLDER", "the run folder (default out)", false},
    {"all", NULL, "replay every decision, and say how many a second", false},
    {0}};

enum { SHOWN_BYTES = 200 };

/* A log that somebody edited may hold anything. */
static Str shown(Arena *keep, Str text)
{
    return terminal_text(
        keep, str_slice(text, 0, text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES), true);
}

/* GATE where the decision made again is another one; *said has the first difference. */
static Status compare(Str *said, const Replayed *r, Arena *keep, const char *folder, uint64_t line,
                      Error *err)
{
    Difference d;
    if (!store_difference(&d, keep, r->recorded, r->made))
        return STATUS_OK;
    Str where = shown(keep, d.where);
    Str recorded = shown(keep, d.recorded), made = shown(keep, d.made);
    *said = str_format(keep, "different: %.*s of decision %.*s\n  recorded: %.*s\n  made now: %.*s",
                       STR_ARG(where), STR_ARG(r->id), STR_ARG(recorded), STR_ARG(made));
    (void)error_set(err, STATUS_GATE, "decision %.*s is not what it was", STR_ARG(r->id));
    (void)error_place(err, path_join(keep, folder, "decisions.jsonl"), (int64_t)line, 0);
    return error_remedy(err, "see what was changed with `assay verify --run %s`", folder);
}

static Status replay_one(const Args *args, const char *folder, Str id, Error *err)
{
    Replayed r = {0};
    char number[NUMBER_TEXT];
    Arena scratch = arena_new();
    TRY(store_replay(&r, args->arena, scratch, folder, id, err));
    Str said;
    Status same = compare(&said, &r, args->arena, folder, r.rank, err);
    arena_free(&scratch);
    if (same != STATUS_OK)
        answer(said);
    TRY(same);
    answer(str_format(args->arena, "identical: decision %.*s, probability %.*s, %.*s",
                      STR_ARG(r.id), STR_ARG(double_text(number, r.decision->probability)),
                      STR_ARG(action_name(r.decision->action))));
    return STATUS_OK;
}

/* ---- all of them, some at a time ---- */

enum { TASK_LINES = 16, TASKS_MAX = 64 };

typedef struct Replaying {
    const DecisionLog *log;
    const char *folder;
    FileLine *line;
    size_t lines;
    Status status[TASKS_MAX];
    Error err[TASKS_MAX];
} Replaying;

static void replay_task(void *context, size_t task, Arena scratch)
{
    Replaying *w = context;
    Arena own = arena_new();
    for (size_t i = task * TASK_LINES; i < (task + 1) * TASK_LINES && i < w->lines; i++) {
        Arena keep = own;
        Replayed r = {0};
        Str said;
        if (w->status[task] == STATUS_OK)
            w->status[task] =
                decision_log_replay(&r, &keep, scratch, w->log, w->line[i], &w->err[task]);
        if (w->status[task] == STATUS_OK)
            w->status[task] =
                compare(&said, &r, &keep, w->folder, w->line[i].number, &w->err[task]);
    }
    arena_free(&own);
}

/* As many lines as a wave of tasks takes; false when there is none. */
static bool read_wave(Replaying *w, DecisionLog *log, Arena *block)
{
    FileLine line;
    w->lines = 0;
    w->line = ARENA_ARRAY(block, FileLine, (size_t)TASK_LINES * TASKS_MAX);
    while (w->lines < (size_t)TASK_LINES * TASKS_MAX && decision_log_next(log, &line)) {
        line.text = str_copy(block, line.text);
        w->line[w->lines++] = line;
    }
    memset(w->status, 0, sizeof w->status);
    memset(w->err, 0, sizeof w->err);
    return w->lines > 0;
}

static Status replay_wave(Replaying *w, Team *team, Error *err)
{
    team_run(team, (w->lines + TASK_LINES - 1) / TASK_LINES, replay_task, w);
    for (size_t t = 0; t < TASKS_MAX; t++)
        if (w->status[t] != STATUS_OK) {
            *err = w->err[t];
            return w->status[t];
        }
    return STATUS_OK;
}

static Status replay_all(const Args *args, const char *folder, Error *err)
{
    DecisionLog *log;
    int64_t began = clock_monotonic_us();
    size_t count = 0;
    TRY(decision_log_open(&log, args->arena, folder, err));
    Replaying *w = ARENA_NEW(args->arena, Replaying);
    w->log = log;
    w->folder = folder;
    Arena own = arena_new();
    Status status = STATUS_OK;
    for (bool more = true; more && status == STATUS_OK;) {
        Arena block = own;
        more = read_wave(w, log, &block);
        if (more)
            status = replay_wave(w, args->team, err);
        count += w->lines;
    }
    arena_free(&own);
    Status closed = decision_log_close(log, status == STATUS_OK ? err : NULL);
    TRY(status == STATUS_OK ? closed : status);
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    talk(args, "%.0f decisions a second", (double)count / (seconds > 1e-6 ? seconds : 1e-6));
    answer(str_format(args->arena, "identical: all %zu decisions of %s", count, folder));
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    const char *folder = args_value(args, "run", "out");
    bool all = args_flag(args, "all");
    if (args->operands == (all ? 0 : 1))
        return all ? replay_all(args, folder, err)
                   : replay_one(args, folder, str_from(args->operand[0]), err);
    (void)error_set(err, STATUS_USAGE,
                    all ? "--all replays every decision, and takes no id"
                        : "replay takes one decision, and got %zu",
                    args->operands);
    return error_remedy(err, "name a decision_id of decisions.jsonl, its beginning, or a customer; "
                             "or give --all");
}

const Command command_replay = {
    .name = "replay",
    .says = "make a decision again from the run folder alone, and compare it bit for bit",
    .example = "  assay replay 0123abcd --run out\n"
               "  assay replay --all --run out",
    .operand = "ID",
    .options = options,
    .run = run};
