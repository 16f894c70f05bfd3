/* screen.c - the case on a terminal: what stands out beside what the money did. */
#include "cli/screen.h"

#include "cli/pane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { REASONS_SHOWN = 5, LOTS_SHOWN = 5, MIX_SHOWN = 6, LINES_SHOWN = 3, BAR_MOST = 3, GAP = 3 };

#define SEPARATOR " \xC2\xB7 "
#define ARROW     " \xE2\x86\x92 "

typedef struct Screen {
    Arena *arena;
    const Case *c;
    Pane *p;
} Screen;

/* ---- what the terminal is ---- */

static bool has_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col < SCREEN_LEAST  ? SCREEN_LEAST
               : size.ws_col > SCREEN_MOST ? SCREEN_MOST
                                           : size.ws_col;
    return SCREEN_WIDE;
}

Status screen_look(Look *out, const Args *args, Error *err)
{
    const char *colour = args_value(args, "color", "auto");
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    int64_t width;
    TRY(args_integer(&width, args, "width", (int64_t)terminal_width(), SCREEN_LEAST, SCREEN_MOST,
                     err));
    out->width = (size_t)width;
    out->unicode = has_utf8();
    bool fit = isatty(STDOUT_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0') &&
               (term == NULL || strcmp(term, "dumb") != 0);
    if (strcmp(colour, "always") != 0 && strcmp(colour, "never") != 0 &&
        strcmp(colour, "auto") != 0) {
        (void)error_set(err, STATUS_USAGE, "--color takes auto, always or never");
        return error_remedy(err, "leave it out for auto");
    }
    out->colour = strcmp(colour, "always") == 0 || (strcmp(colour, "auto") == 0 && fit);
    return STATUS_OK;
}

/* ---- parts of a line ---- */

static void title(Screen *s, const char *english)
{
    pane_blank(s->p);
    pane_text(s->p, TINT_HEAD, 0, case_word(s->c, english));
    pane_end(s->p);
}

static void line(Screen *s, Tint tint, size_t hang, Str text)
{
    pane_to(s->p, hang);
    pane_text(s->p, tint, hang, text);
    pane_end(s->p);
}

/* A line of its own after a mark: "- ". */
static void item(Screen *s, const char *mark, Tint tint, Str text)
{
    pane_say(s->p, tint, 0, mark);
    pane_to(s->p, 2);
    pane_text(s->p, TINT_NONE, 2, text);
    pane_end(s->p);
}

static void more(Screen *s, size_t count)
{
    if (count > 0)
        line(s, TINT_SOFT, 2,
             case_plural(s->arena, s->c, count, "and {count} more", "and {count} more"));
}

/* ---- the head ---- */

static Tint tint_of(Action action)
{
    return action >= ACTION_RESTRICT                 ? TINT_GRAVE
           : action == ACTION_ENHANCED_DUE_DILIGENCE ? TINT_WARN
                                                     : TINT_STRONG;
}

static void head(Screen *s)
{
    const Case *c = s->c;
    const Decision *d = c->decision;
    pane_text(s->p, TINT_STRONG, 0, d->id);
    pane_part(s->p, SEPARATOR);
    pane_text(s->p, TINT_STRONG, 0, case_word(c, segment_name(d->segment).data));
    pane_part(s->p, SEPARATOR);
    pane_text(s->p, tint_of(d->action), 0, action_name(d->action));
    const MessagePart score[] = {{S("score"), case_percent(s->arena, c, d->probability)},
                                 {S("low"), case_percent(s->arena, c, d->probability_low)},
                                 {S("high"), case_percent(s->arena, c, d->probability_high)}};
    pane_part(s->p, SEPARATOR);
    pane_text(s->p, TINT_NONE, 0,
              case_say(s->arena, c, "score {score} ({low} to {high})", score, COUNT_OF(score)));
    pane_end(s->p);
    line(s, TINT_NONE, 0, d->because);
    if (d->queue.size > 0) {
        const MessagePart part = {S("queue"), d->queue};
        item(s, ">", TINT_STRONG, case_say(s->arena, c, "The case goes to {queue}.", &part, 1));
    }
    for (size_t i = 0; i < d->safeguards; i++)
        if (!str_contains(d->near_miss, d->safeguard[i])) /* which then says more */
            item(s, "!", TINT_WARN, d->safeguard[i]);
    if (d->segment_because.size > 0)
        item(s, "!", TINT_WARN, d->segment_because);
    if (d->insufficient_data)
        item(s, "!", TINT_WARN, case_word(c, "Insufficient data: the score says little."));
    if (d->near_miss.size > 0)
        item(s, "!", TINT_WARN, d->near_miss);
}

/* ---- what stands out ---- */

static void reason(Screen *s, size_t number, const Reason *r)
{
    Pane *p = s->p;
    bool rule = r->source == REASON_RULE;
    bool severe = str_equal(r->severity, S("severe"));
    pane_text(p, severe ? TINT_GRAVE : TINT_STRONG, 0, str_format(s->arena, "%zu", number));
    pane_to(p, 2);
    pane_text(p, TINT_NONE, 2, r->sentence);
    pane_end(p);
    if (r->also.size > 0)
        line(s, TINT_SOFT, 2, r->also);
    Buffer b = buffer_new(s->arena);
    buffer_add(
        &b, rule ? case_word(s->c, r->severity.size > 0 ? str_chars(s->arena, r->severity) : "rule")
                 : case_word(s->c, "model"));
    buffer_add(&b, S(SEPARATOR));
    buffer_add(&b, r->family);
    if (r->transactions > 0) {
        buffer_add(&b, S(SEPARATOR));
        buffer_add(&b, case_plural(s->arena, s->c, r->transactions, "{count} transaction",
                                   "{count} transactions"));
    }
    Str standing = case_standing(s->arena, s->c, r, true);
    if (standing.size > 0) {
        buffer_add(&b, S(SEPARATOR));
        buffer_add(&b, standing);
    }
    line(s, TINT_SOFT, 2, buffer_str(&b));
}

/* Who the others are, each group once. */
static void company(Screen *s)
{
    const Decision *d = s->c->decision;
    Dictionary *seen = dictionary_new(s->arena);
    for (size_t i = 0; i < d->reasons && i < REASONS_SHOWN; i++) {
        const Reason *r = &d->reason[i];
        size_t before = seen->count;
        if (r->peers == 0 || r->peer_group.size == 0 ||
            dictionary_add(seen, r->peer_group) < before)
            continue;
        const MessagePart part = {S("peers"), r->peer_group};
        line(s, TINT_SOFT, 2, case_say(s->arena, s->c, "Comparable: {peers}.", &part, 1));
    }
}

static void reasons(Screen *s)
{
    const Decision *d = s->c->decision;
    title(s, "What stands out");
    if (d->reasons == 0)
        line(s, TINT_SOFT, 0, case_word(s->c, "Nothing does."));
    for (size_t i = 0; i < d->reasons && i < REASONS_SHOWN; i++)
        reason(s, i + 1, &d->reason[i]);
    more(s, d->reasons > REASONS_SHOWN ? d->reasons - REASONS_SHOWN : 0);
    company(s);
}

static void mitigating(Screen *s)
{
    const Decision *d = s->c->decision;
    title(s, "What speaks for the customer");
    for (size_t i = 0; i < d->mitigatings; i++)
        item(s, "+", TINT_IN, d->mitigating[i]);
    if (d->mitigatings == 0)
        line(s, TINT_SOFT, 0,
             case_word(s->c, "No mitigating fact of the policy book is on record."));
}

static void change(Screen *s, const Change *change)
{
    if (change == NULL || change->sentence.size == 0)
        return;
    title(s, "What would change the outcome");
    line(s, TINT_NONE, 0, change->sentence);
    for (size_t i = 0; i < change->steps; i++)
        item(s, "-", TINT_SOFT, change->step[i].sentence);
}

static void measures(Screen *s)
{
    const Decision *d = s->c->decision;
    if (d->measures == 0)
        return;
    title(s, "Milder measures weighed");
    for (size_t i = 0; i < d->measures; i++)
        item(s, d->measure[i].suffices ? "+" : "-", TINT_SOFT, d->measure[i].sentence);
}

/* The sentences of the rules that fired, each once. */
static void each_once(Screen *s, const char *english, bool next)
{
    const Decision *d = s->c->decision;
    Dictionary *seen = dictionary_new(s->arena);
    for (size_t i = 0; i < d->reasons; i++) {
        Str text = next ? d->reason[i].next_step : d->reason[i].missing_proof;
        if (text.size == 0 || dictionary_find(seen, text) != NO_CODE)
            continue;
        if (dictionary_add(seen, text) == 0)
            title(s, english);
        if (seen->count <= LINES_SHOWN)
            item(s, next ? ">" : "?", TINT_SOFT, text);
    }
    more(s, seen->count > LINES_SHOWN ? seen->count - LINES_SHOWN : 0);
}

static void facts(Screen *s)
{
    const Case *c = s->c;
    const Decision *d = c->decision;
    if (d->facts > 0)
        title(s, "Known of the case");
    for (size_t i = 0; i < d->facts; i++) {
        const CaseFact *f = &d->fact[i];
        item(s, f->counts ? "-" : "?", TINT_SOFT, f->sentence.size > 0 ? f->sentence : f->name);
    }
    if (!c->earlier.known)
        return;
    title(s, "Before");
    const MessagePart part[] = {{S("segment"), case_word(c, segment_name(c->earlier.segment).data)},
                                {S("day"), c->earlier.since_us == NO_TIME
                                               ? case_word(c, "an unknown day")
                                               : case_day(s->arena, c->earlier.since_us)}};
    line(s, TINT_NONE, 0, case_say(s->arena, c, "In segment {segment} since {day}.", part, 2));
}

/* ---- what the money did ---- */

/* `each` periods make a bar, which is `wide` cells wide. */
static void bars(Screen *s, const char *name, Tint tint, bool in, size_t each, size_t wide,
                 int64_t peak)
{
    static const char *const blocks[] = {" ",
                                         "\xE2\x96\x81",
                                         "\xE2\x96\x82",
                                         "\xE2\x96\x83",
                                         "\xE2\x96\x84",
                                         "\xE2\x96\x85",
                                         "\xE2\x96\x86",
                                         "\xE2\x96\x87",
                                         "\xE2\x96\x88"};
    static const char ascii[] = " .:-=+*#@";
    const Case *c = s->c;
    Buffer b = buffer_new(s->arena);
    int64_t total = in ? c->total_in : c->total_out;
    size_t events = in ? c->counted_in : c->counted_out, columns = 0;
    for (size_t i = 0; i < c->periods; i += each) {
        double sum = 0;
        for (size_t k = i; k < i + each && k < c->periods; k++)
            sum += (double)(in ? c->period[k].in : c->period[k].out);
        size_t level = sum <= 0 || peak <= 0 ? 0 : (size_t)ceil(sum / (double)peak * 8);
        level = level > 8 ? 8 : level;
        for (size_t k = 0; k < wide; k++)
            buffer_add(&b, s->p->unicode ? str_from(blocks[level]) : (Str){&ascii[level], 1});
        columns += wide;
    }
    Pane *p = s->p;
    pane_cut(p, TINT_NONE, 5, case_word(c, name));
    pane_to(p, 6);
    /* Blocks are ours, and spaces in them must stay. */
    pane_cut(p, tint, columns, buffer_str(&b));
    pane_to(p, 6 + columns + 1);
    const MessagePart part[] = {{S("money"), case_money(s->arena, c, total)},
                                {S("count"), case_count(s->arena, c, events)}};
    pane_text(p, TINT_NONE, 6, case_say(s->arena, c, "{money} in {count}", part, COUNT_OF(part)));
    pane_end(p);
}

static int64_t tallest(const Case *c, size_t each)
{
    int64_t peak = 0;
    for (size_t i = 0; i < c->periods; i += each) {
        double in = 0, out = 0;
        for (size_t k = i; k < i + each && k < c->periods; k++) {
            in += (double)c->period[k].in;
            out += (double)c->period[k].out;
        }
        double most = in > out ? in : out;
        peak = most > (double)peak ? (most < 9e18 ? (int64_t)most : INT64_MAX) : peak;
    }
    return peak;
}

static void timeline(Screen *s)
{
    const Case *c = s->c;
    title(s, "Money in and out");
    if (c->events == 0) {
        line(s, TINT_SOFT, 0, case_word(c, "No transaction is on record."));
        return;
    }
    size_t most = s->p->width > 34 ? s->p->width - 28 : 6;
    size_t each = c->periods <= most ? 1 : (c->periods + most - 1) / most;
    size_t wide = c->periods == 0 ? 1 : most / ((c->periods + each - 1) / each);
    wide = wide > BAR_MOST ? BAR_MOST : wide;
    int64_t peak = tallest(c, each);
    bars(s, "In", TINT_IN, true, each, wide, peak);
    bars(s, "Out", TINT_OUT, false, each, wide, peak);
    if (c->periods == 0)
        return;
    const MessagePart part[] = {
        {S("first"), case_day(s->arena, c->first_us)},
        {S("last"), case_day(s->arena, c->last_us)},
        {S("days"), case_count(s->arena, c, (size_t)(c->period_us / DAY_US) * each)},
        {S("money"), case_money(s->arena, c, peak)},
        {S("as_of"), case_day(s->arena, c->as_of_us)}};
    const char *step =
        c->period_us * (int64_t)each == DAY_US
            ? "{first} to {last}, by day; the tallest bar is {money}. Known as of {as_of}."
            : "{first} to {last}, by {days} days; the tallest bar is {money}. Known as of {as_of}.";
    line(s, TINT_SOFT, 6, case_say(s->arena, c, step, part, COUNT_OF(part)));
}

static int largest_first(const void *left, const void *right)
{
    const CaseLot *a = *(const CaseLot *const *)left, *b = *(const CaseLot *const *)right;
    if (a->amount != b->amount)
        return a->amount > b->amount ? -1 : 1;
    return (a > b) - (a < b);
}

static int by_place(const void *left, const void *right)
{
    const CaseLot *a = *(const CaseLot *const *)left, *b = *(const CaseLot *const *)right;
    return (a > b) - (a < b);
}

static void lots(Screen *s)
{
    const Case *c = s->c;
    if (c->all_lots == 0)
        return;
    const CaseLot **lot = ARENA_ARRAY(s->arena, const CaseLot *, c->lots + 1);
    for (size_t i = 0; i < c->lots; i++)
        lot[i] = &c->lot[i];
    qsort(lot, c->lots, sizeof(CaseLot *), largest_first);
    size_t shown = c->lots < LOTS_SHOWN ? c->lots : LOTS_SHOWN;
    qsort(lot, shown, sizeof(CaseLot *), by_place);
    title(s, "Money that came in and left again");
    const MessagePart part[] = {{S("money"), case_money(s->arena, c, c->matched)},
                                {S("feature"), c->flow_feature},
                                {S("formula"), c->flow_formula}};
    line(s, TINT_SOFT, 0,
         case_say(s->arena, c, "{money}, matched as {feature} does: {formula}", part,
                  COUNT_OF(part)));
    for (size_t i = 0; i < shown; i++) {
        Pane *p = s->p;
        const CaseLot *l = lot[i];
        pane_text(p, TINT_SOFT, 2, case_day(s->arena, l->in_us));
        pane_part(p, " ");
        pane_text(p, TINT_IN, 2, case_money(s->arena, c, l->amount));
        pane_part(p, " ");
        pane_text(p, TINT_NONE, 2, l->in_kind);
        pane_part(p, ARROW);
        pane_text(p, TINT_SOFT, 2, case_lag(s->arena, c, l->lag_us));
        pane_part(p, ARROW);
        pane_text(p, TINT_OUT, 2, l->out_kind);
        pane_end(p);
    }
    more(s, c->all_lots - shown);
}

static void mix(Screen *s, const char *english, const CaseMixes *m)
{
    const Case *c = s->c;
    Pane *p = s->p;
    if (m->count == 0)
        return;
    bool wide = p->width >= 56;
    size_t money = wide ? 15 : 11, name = p->width - 6 - 2 * money;
    name = name > 24 ? 24 : name;
    pane_blank(p);
    pane_cut(p, TINT_HEAD, name, case_word(c, english));
    pane_to(p, name);
    pane_right(p, TINT_SOFT, 6, S("#"));
    pane_right(p, TINT_SOFT, money, case_word(c, "in"));
    pane_right(p, TINT_SOFT, money, case_word(c, "out"));
    pane_end(p);
    for (size_t i = 0; i < m->count && i < MIX_SHOWN; i++) {
        const CaseMix *one = &m->item[i];
        Str text = one->others > 0
                       ? case_plural(s->arena, c, one->others, "{count} other", "{count} others")
                   : one->name.size == 0 ? case_word(c, "not said")
                                         : one->name;
        pane_cut(p, TINT_NONE, name - 1, text);
        pane_to(p, name);
        pane_right(p, TINT_NONE, 6, case_count(s->arena, c, one->events));
        pane_right(p, TINT_IN, money, one->in == 0 ? S("-") : case_money(s->arena, c, one->in));
        pane_right(p, TINT_OUT, money, one->out == 0 ? S("-") : case_money(s->arena, c, one->out));
        pane_end(p);
    }
    more(s, m->count > MIX_SHOWN ? m->count - MIX_SHOWN : 0);
}

static void said_and_done(Screen *s)
{
    const Case *c = s->c;
    title(s, "Said and done");
    for (size_t i = 0; i < c->fields; i++) {
        const CaseField *f = &c->field[i];
        if (!f->declared)
            continue;
        pane_text(s->p, TINT_SOFT, 2, f->name);
        pane_part(s->p, ": ");
        pane_text(s->p, TINT_STRONG, 2,
                  f->value.size > 0 ? f->value : case_word(c, "not on record"));
        pane_end(s->p);
    }
    for (size_t i = 0; i < c->comparisons; i++)
        if (c->comparison[i].holds)
            item(s, "!", TINT_WARN, c->comparison[i].says);
    if (c->comparisons > 0 && c->holding == 0)
        line(s, TINT_SOFT, 0,
             case_plural(
                 s->arena, c, c->comparisons,
                 "The features book's comparison of both finds no conflict.",
                 "None of the features book's {count} comparisons of both finds a conflict."));
    Buffer b = buffer_new(s->arena);
    for (size_t i = 0; i < c->fields; i++) {
        const CaseField *f = &c->field[i];
        if (f->declared)
            continue;
        buffer_add(&b, b.size > 0 ? S(", ") : S(""));
        buffer_add(&b, f->name);
        buffer_char(&b, ' ');
        buffer_add(&b, f->value.size > 0 ? f->value : case_word(c, "not on record"));
    }
    if (b.size > 0)
        line(s, TINT_SOFT, 0, buffer_str(&b));
}

static void warnings(Screen *s)
{
    const Case *c = s->c;
    if (c->warnings == 0)
        return;
    title(s, "Doubts about the data");
    for (size_t i = 0; i < c->warnings; i++)
        item(s, "?", TINT_WARN, c->warning[i].sentence);
}

/* ---- the whole ---- */

static void reasoning(Screen *s)
{
    reasons(s);
    mitigating(s);
    each_once(s, "Not yet known", false);
    each_once(s, "Next steps", true);
}

static void behaviour(Screen *s, const Change *with)
{
    timeline(s);
    lots(s);
    mix(s, "Kinds", &s->c->kinds);
    mix(s, "States", &s->c->states);
    said_and_done(s);
    warnings(s);
    facts(s);
    measures(s);
    change(s, with);
}

static void foot(Screen *s, const Look *look)
{
    const Case *c = s->c;
    Buffer b = buffer_new(s->arena);
    buffer_add(&b, case_word(c, "A proposal for people to decide on."));
    if (c->hidden > 0) {
        buffer_char(&b, ' ');
        buffer_add(&b, case_plural(s->arena, c, c->hidden,
                                   "{count} value on protected grounds is not shown.",
                                   "{count} values on protected grounds are not shown."));
    }
    buffer_format(&b, " assay %.*s \xC2\xB7 %.*s", STR_ARG(look->version),
                  STR_ARG(str_slice(look->bundle, 0, 12)));
    if (c->decision_id.size > 0) {
        buffer_add(&b, S(SEPARATOR));
        buffer_add(&b, c->decision_id);
    }
    line(s, TINT_SOFT, 0, buffer_str(&b));
}

Str screen_case(Arena *arena, const Case *c, const Change *with, const Look *look)
{
    bool wide = look->width >= SCREEN_WIDE;
    size_t left = wide ? (look->width - GAP) / 2 : look->width;
    size_t right = wide ? look->width - GAP - left : look->width;
    Pane top = pane_new(arena, look->width, look->colour, look->unicode);
    Pane money = pane_new(arena, left, look->colour, look->unicode);
    Pane why = pane_new(arena, right, look->colour, look->unicode);
    Pane bottom = pane_new(arena, look->width, look->colour, look->unicode);
    Screen s = {.arena = arena, .c = c, .p = &top};
    Buffer b = buffer_new(arena);
    head(&s);
    pane_blank(&top);
    s.p = &money;
    behaviour(&s, with);
    s.p = &why;
    reasoning(&s);
    s.p = &bottom;
    foot(&s, look);
    pane_print(&b, &top);
    if (wide) {
        pane_join(&b, &money, &why, GAP);
    } else {
        pane_blank(&why);
        pane_print(&b, &why);
        pane_print(&b, &money);
    }
    buffer_char(&b, '\n');
    pane_print(&b, &bottom);
    b.size--; /* the last line's end is the answer's */
    return buffer_str(&b);
}
