/* assay policy - what a change of the policy book would do to the customers of a run. */
#include "cli/commands.h"
#include "cli/pane.h"
#include "cli/recorded.h"

#include "csv/csv.h"
#include "prove/prove.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static const Option options[] = {
    {"run", "FOLDER", "the run folder whose customers are decided on again", true},
    {"bundle", "FOLDER", "the bundle of that run, when the folder has none", false},
    {"csv", NULL, "print who moves as CSV, every one of them", false},
    {"json", NULL, "print all of it as one JSON object", false},
    {0}};

enum { SHOWN = 50 };

static Str one_decimal(Arena *keep, double x)
{
    char text[NUMBER_TEXT];
    double tenths = floor(fabs(x) * 10 + 0.5);
    Str out = decimal_text(text, (int64_t)(x < 0 ? -tenths : tenths), 1);
    return str_copy(keep, out);
}

/* ---- the terminal ---- */

static void matrix(Buffer *out, const PolicyDiff *d)
{
    static const char *const head[ACTIONS] = {"RETAIN", "MONITOR", "EDD", "RESTRICT", "PROPOSE"};
    buffer_format(out, "\n%-24s", "from \\ to");
    for (Action to = 0; to < ACTIONS; to++)
        buffer_format(out, " %9s", head[to]);
    for (Action from = 0; from < ACTIONS; from++) {
        buffer_format(out, "\n%-24s", str_chars(out->arena, action_name(from)));
        for (Action to = 0; to < ACTIONS; to++)
            buffer_format(out, " %9zu", d->action[from][to]);
    }
    buffer_add(out, S("\n"));
    buffer_format(out, "\n%-24s", "segment");
    for (Segment to = 0; to < SEGMENTS; to++)
        buffer_format(out, " %9s", str_chars(out->arena, segment_name(to)));
    for (Segment from = 0; from < SEGMENTS; from++) {
        buffer_format(out, "\n%-24s", str_chars(out->arena, segment_name(from)));
        for (Segment to = 0; to < SEGMENTS; to++)
            buffer_format(out, " %9zu", d->segment[from][to]);
    }
    buffer_add(out, S("\n"));
}

static size_t moved_actions(const PolicyDiff *d)
{
    size_t out = 0;
    for (size_t i = 0; i < d->moves; i++)
        out += d->move[i].from != d->move[i].to;
    return out;
}

static void hours(Buffer *out, const PolicyDiff *d)
{
    Arena *keep = out->arena;
    static const char *const which[2] = {"old", "new"};
    for (int side = 0; side < 2; side++)
        if (isnan(d->hours[side]))
            buffer_format(out, "\nhours of analysts are not known: the %s book gives no `minutes`",
                          which[side]);
    if (isnan(d->hours[0]) || isnan(d->hours[1]))
        return;
    double more = d->hours[1] - d->hours[0];
    buffer_format(out, "\nhours of analysts: %.*s before, %.*s after (%s%.*s)",
                  STR_ARG(one_decimal(keep, d->hours[0])), STR_ARG(one_decimal(keep, d->hours[1])),
                  more >= 0 ? "+" : "", STR_ARG(one_decimal(keep, more)));
}

static void move_line(Buffer *out, const PolicyDiff *d, const PolicyInputs *in, const PolicyMove *m)
{
    char text[NUMBER_TEXT];
    (void)d;
    buffer_char(out, '\n');
    buffer_add(out, terminal_text(out->arena, in->id[in->row[m->at]], true));
    if (m->from != m->to)
        buffer_format(out, "  %.*s -> %.*s", STR_ARG(action_name(m->from)),
                      STR_ARG(action_name(m->to)));
    else
        buffer_format(out, "  %.*s", STR_ARG(action_name(m->to)));
    if (m->from_segment != m->to_segment)
        buffer_format(out, ", %.*s -> %.*s", STR_ARG(segment_name(m->from_segment)),
                      STR_ARG(segment_name(m->to_segment)));
    buffer_format(out, ", score %.*s",
                  STR_ARG(double_text(text, floor(in->probability[m->at] * 1000 + 0.5) / 1000)));
    for (size_t i = 0; i < m->whys; i++) {
        buffer_add(out, S("\n    "));
        buffer_add(out, terminal_text(out->arena, m->why[i], true));
    }
}

static void tell(const Args *args, const PolicyDiff *d, const PolicyInputs *in)
{
    Buffer out = buffer_new(args->arena);
    buffer_format(&out, "policy diff %s -> %s on %s: %zu customers", args->operand[1],
                  args->operand[2], args_value(args, "run", ""), d->customers);
    buffer_add(&out, d->changes == 0 ? S("\nthe books decide by the same conditions")
                                     : S("\nwhat changes in the book:"));
    for (size_t i = 0; i < d->changes; i++) {
        buffer_add(&out, S("\n  "));
        buffer_add(&out, terminal_text(args->arena, d->change[i], true));
    }
    buffer_char(&out, '\n');
    matrix(&out, d);
    size_t actions = moved_actions(d);
    buffer_format(&out,
                  "\n%zu of %zu customers move: %zu to another action, %zu to another segment "
                  "alone",
                  d->moves, d->customers, actions, d->moves - actions);
    hours(&out, d);
    if (d->moves > 0)
        buffer_add(&out, S("\n\nwho moves, and why:"));
    for (size_t i = 0; i < d->moves && i < SHOWN; i++)
        move_line(&out, d, in, &d->move[i]);
    if (d->moves > SHOWN)
        buffer_format(&out, "\nand %zu more; --csv and --json have every one", d->moves - SHOWN);
    answer(buffer_str(&out));
}

/* ---- files ---- */

static void cell(Buffer *out, Str text, bool guard)
{
    buffer_char(out, ',');
    csv_write_cell(out, text, guard);
}

static void real_cell(Buffer *out, double x)
{
    char text[NUMBER_TEXT];
    cell(out, isnan(x) ? S("") : double_text(text, x), false);
}

static Str join(Arena *keep, const Str *text, size_t count)
{
    Buffer out = buffer_new(keep);
    for (size_t i = 0; i < count; i++) {
        buffer_add(&out, i > 0 ? S("; ") : S(""));
        buffer_add(&out, text[i]);
    }
    return buffer_str(&out);
}

static void tell_csv(const Args *args, const PolicyDiff *d, const PolicyInputs *in)
{
    Buffer out = buffer_new(args->arena);
    buffer_add(&out, S("customer_id,action_before,action_after,segment_before,segment_after,"
                       "probability,minutes_before,minutes_after,why"));
    for (size_t i = 0; i < d->moves; i++) {
        const PolicyMove *m = &d->move[i];
        buffer_char(&out, '\n');
        csv_write_cell(&out, in->id[in->row[m->at]], true);
        cell(&out, action_name(m->from), false);
        cell(&out, action_name(m->to), false);
        cell(&out, segment_name(m->from_segment), false);
        cell(&out, segment_name(m->to_segment), false);
        real_cell(&out, in->probability[m->at]);
        real_cell(&out, d->minutes[0][m->from]);
        real_cell(&out, d->minutes[1][m->to]);
        cell(&out, join(args->arena, m->why, m->whys), true);
    }
    answer(buffer_str(&out));
}

typedef struct Json {
    yyjson_mut_doc *doc;
} Json;

static void json_text(const Json *j, yyjson_mut_val *in, const char *key, Str text)
{
    (void)yyjson_mut_obj_add_strncpy(j->doc, in, key, text.data == NULL ? "" : text.data,
                                     text.size);
}

static void json_real(const Json *j, yyjson_mut_val *in, const char *key, double x)
{
    if (isfinite(x))
        (void)yyjson_mut_obj_add_real(j->doc, in, key, x);
    else
        (void)yyjson_mut_obj_add_null(j->doc, in, key);
}

static void json_texts(const Json *j, yyjson_mut_val *in, const char *key, const Str *text,
                       size_t count)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(j->doc, in, key);
    for (size_t i = 0; i < count; i++)
        (void)yyjson_mut_arr_add_strncpy(j->doc, list, text[i].data, text[i].size);
}

static void json_flows(const Json *j, yyjson_mut_val *root, const PolicyDiff *d)
{
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(j->doc, root, "actions");
    for (Action from = 0; from < ACTIONS; from++)
        for (Action to = 0; to < ACTIONS; to++) {
            if (d->action[from][to] == 0)
                continue;
            yyjson_mut_val *one = yyjson_mut_arr_add_obj(j->doc, list);
            json_text(j, one, "from", action_name(from));
            json_text(j, one, "to", action_name(to));
            (void)yyjson_mut_obj_add_uint(j->doc, one, "customers", d->action[from][to]);
        }
    list = yyjson_mut_obj_add_arr(j->doc, root, "segments");
    for (Segment from = 0; from < SEGMENTS; from++)
        for (Segment to = 0; to < SEGMENTS; to++) {
            if (d->segment[from][to] == 0)
                continue;
            yyjson_mut_val *one = yyjson_mut_arr_add_obj(j->doc, list);
            json_text(j, one, "from", segment_name(from));
            json_text(j, one, "to", segment_name(to));
            (void)yyjson_mut_obj_add_uint(j->doc, one, "customers", d->segment[from][to]);
        }
}

static void tell_json(const Args *args, const PolicyDiff *d, const PolicyInputs *in)
{
    Json j = {yyjson_mut_doc_new(NULL)};
    yyjson_mut_val *root = yyjson_mut_obj(j.doc);
    size_t size;
    yyjson_mut_doc_set_root(j.doc, root);
    json_text(&j, root, "old", str_from(args->operand[1]));
    json_text(&j, root, "new", str_from(args->operand[2]));
    (void)yyjson_mut_obj_add_uint(j.doc, root, "customers", d->customers);
    (void)yyjson_mut_obj_add_uint(j.doc, root, "moved", d->moves);
    (void)yyjson_mut_obj_add_uint(j.doc, root, "moved_actions", moved_actions(d));
    json_real(&j, root, "hours_before", d->hours[0]);
    json_real(&j, root, "hours_after", d->hours[1]);
    json_texts(&j, root, "changes", d->change, d->changes);
    json_flows(&j, root, d);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(j.doc, root, "moves");
    for (size_t i = 0; i < d->moves; i++) {
        const PolicyMove *m = &d->move[i];
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(j.doc, list);
        json_text(&j, one, "customer_id", in->id[in->row[m->at]]);
        json_text(&j, one, "action_before", action_name(m->from));
        json_text(&j, one, "action_after", action_name(m->to));
        json_text(&j, one, "segment_before", segment_name(m->from_segment));
        json_text(&j, one, "segment_after", segment_name(m->to_segment));
        json_real(&j, one, "probability", in->probability[m->at]);
        json_real(&j, one, "minutes_before", d->minutes[0][m->from]);
        json_real(&j, one, "minutes_after", d->minutes[1][m->to]);
        json_texts(&j, one, "why", m->why, m->whys);
    }
    char *text = yyjson_mut_write(j.doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &size);
    answer(str_copy(args->arena, (Str){text == NULL ? "" : text, text == NULL ? 0 : size}));
    free(text);
    yyjson_mut_doc_free(j.doc);
}

/* ---- the books ---- */

/* A book that reads what the run has not measured cannot be tried on it. */
static Status read_book(Policy **out, const Args *args, const char *file, const Recorded *r,
                        Error *err)
{
    Str text;
    Error own = {0};
    TRY(file_read(&text, args->arena, file, err));
    Status status = policy_read(out, args->arena, text, file, r->bundle->plan, &own);
    if (status == STATUS_OK)
        return status;
    Str message = str_from(own.message);
    bool unknown = str_starts(message, S("unknown feature")) ||
                   str_starts(message, S("there is no customer column"));
    if (unknown) {
        char was[sizeof own.message];
        (void)memcpy(was, own.message, sizeof was);
        own.message[0] = '\0';
        own.status = STATUS_OK;
        (void)error_set(&own, STATUS_FORMAT, "%s; the run in %.150s has not measured it", was,
                        r->folder);
        if (own.remedy[0] == '\0')
            (void)error_remedy(&own, "run again with a features book that has it, then compare");
    }
    if (err != NULL)
        *err = own;
    return status;
}

static Status diff(const Args *args, Error *err)
{
    Recorded *r;
    Policy *before, *after;
    PolicyDiff *d;
    Arena scratch = arena_new();
    const char *folder = args_value(args, "run", "");
    TRY(recorded_read(&r, args->arena, scratch, folder, args_value(args, "bundle", NULL), err));
    TRY(recorded_check(r, scratch, args->team, err));
    TRY(read_book(&before, args, args->operand[1], r, err));
    TRY(read_book(&after, args, args->operand[2], r, err));
    if (!str_equal(policy_text(before), policy_text(r->bundle->policy)))
        talk(args,
             "%s is not the policy book that decided in %s; both are applied to its customers",
             args->operand[1], folder);
    TRY(prove_diff(&d, args->arena, scratch, before, after, &r->in, args->team, err));
    if (args_flag(args, "json"))
        tell_json(args, d, &r->in);
    else if (args_flag(args, "csv"))
        tell_csv(args, d, &r->in);
    else
        tell(args, d, &r->in);
    arena_free(&scratch);
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    if (args->operands == 0 || strcmp(args->operand[0], "diff") != 0) {
        (void)error_set(err, STATUS_USAGE, "policy needs the word diff, and two books");
        return error_remedy(err, "`assay policy --help` has an example");
    }
    if (args->operands != 3) {
        (void)error_set(err, STATUS_USAGE, "policy diff needs two books, the old and the new");
        return error_remedy(err, "assay policy diff old.yaml new.yaml --run out");
    }
    if (args_flag(args, "json") && args_flag(args, "csv")) {
        (void)error_set(err, STATUS_USAGE, "--json and --csv cannot both be printed");
        return error_remedy(err, "leave one of them out");
    }
    return diff(args, err);
}

const Command command_policy = {
    .name = "policy",
    .says = "who moves, and why, if a policy book changes",
    .example = "  assay policy diff out/bundle/policy.yaml policy.yaml --run out",
    .operand = "diff OLD NEW",
    .options = options,
    .run = run};
