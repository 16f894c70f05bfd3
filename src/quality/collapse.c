#include "quality/quality_internal.h"

#include <stdlib.h>

/* One id of one customer: the version that counts at the customer's instant. */
typedef struct Pick {
    uint32_t row;     /* the version that counts */
    uint32_t records; /* versions known at that instant, at least 1 */
    bool pending;     /* not final yet at that instant */
} Pick;

typedef struct Order {
    const EventKey *event;
    const Column *created;
} Order;

/* By customer, time and id; of a payment to oneself the money out comes first. */
static int by_time(const void *a, const void *b, void *context)
{
    const Order *o = context;
    const EventKey *e = o->event;
    uint32_t i = ((const Pick *)a)->row, j = ((const Pick *)b)->row;
    if (e->owner[i] != e->owner[j])
        return e->owner[i] < e->owner[j] ? -1 : 1;
    if (o->created->integer[i] != o->created->integer[j])
        return o->created->integer[i] < o->created->integer[j] ? -1 : 1;
    if (e->key->code[i] != e->key->code[j])
        return str_compare(e->key->dictionary->text[e->key->code[i]],
                           e->key->dictionary->text[e->key->code[j]]);
    return e->side == NULL ? 0
                           : str_compare(e->side->dictionary->text[e->side->code[j]],
                                         e->side->dictionary->text[e->side->code[i]]);
}

/* One customer's rows mostly come in order, the earliest or the latest first. */
static void sort_picks(Pick *pick, size_t count, Order *o)
{
    size_t up = 1, down = 1;
    while (up < count && by_time(&pick[up - 1], &pick[up], o) <= 0)
        up++;
    while (down < count && by_time(&pick[down - 1], &pick[down], o) > 0)
        down++;
    if (up >= count)
        return;
    if (down < count) {
        qsort_r(pick, count, sizeof *pick, by_time, o);
        return;
    }
    for (size_t i = 0, k = count - 1; i < k; i++, k--) {
        const Pick last = pick[k];
        pick[k] = pick[i];
        pick[i] = last;
    }
}

typedef struct Columns {
    const Table *rows;
    const Column *created, *completed, *state;
} Columns;

/* When a version became known: a final state on completion, or on creation if that is later. */
static int64_t known_at(const Columns *c, uint32_t row, bool pending)
{
    int64_t created = c->created->integer[row];
    if (pending || c->completed == NULL || !column_valid(c->completed, row))
        return created;
    int64_t completed = c->completed->integer[row];
    return completed > created ? completed : created;
}

/* Does version b stand over version a, both known? Final over pending, later over earlier; what
 * is left is settled by what the rows hold, the state first, never by file order. */
static bool stands_over(const Schema *s, const Columns *c, uint32_t a, bool a_pending, uint32_t b,
                        bool b_pending)
{
    if (a_pending != b_pending)
        return a_pending;
    int64_t at_a = known_at(c, a, a_pending), at_b = known_at(c, b, b_pending);
    if (at_a != at_b)
        return at_b > at_a;
    return quality_row_order(s, c->rows, a, b) < 0;
}

static Pick choose(const Schema *s, const Columns *c, const uint32_t *row, size_t count,
                   int64_t as_of_us)
{
    Pick best = {.row = NO_CODE};
    Pick announced = best; /* what was on record before any final state was known */
    for (size_t i = 0; i < count; i++) {
        uint32_t r = row[i];
        if (c->created->integer[r] > as_of_us)
            continue;
        bool pending = quality_pending(s, c->state, r);
        bool known = known_at(c, r, pending) <= as_of_us;
        best.records += known; /* what becomes known later must not show, not even as a count */
        if (known &&
            (best.row == NO_CODE || stands_over(s, c, best.row, best.pending, r, pending))) {
            best.row = r;
            best.pending = pending;
        }
        /* Not final yet: an exported pending row says what was announced, else the final row's
         * own amount is all there is. The earliest known stands. */
        if (announced.row == NO_CODE ||
            stands_over(s, c, r, pending, announced.row, announced.pending)) {
            announced.row = r;
            announced.pending = pending;
        }
    }
    if (best.row != NO_CODE)
        return best;
    announced.pending = true;
    announced.records = 1;
    return announced;
}

Status quality_collapse(Collapsed **out, Arena *keep, Arena scratch, const Schema *schema,
                        const Table *versions, const uint32_t *owner, const int64_t *as_of_us,
                        Error *err)
{
    (void)err;
    const SchemaTransactions *st = &schema->transactions;
    const Columns c = {.rows = versions,
                       .created = table_find(versions, st->created.text),
                       .completed = table_find(versions, st->completed.text),
                       .state = table_find(versions, st->state.text)};
    size_t n = versions->rows;
    uint32_t *order = ARENA_RAW(&scratch, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    const EventKey event = quality_event_key(schema, versions, owner);
    Order context = {.event = &event, .created = c.created};
    quality_sort_versions(order, n, &event);

    Pick *pick = ARENA_ARRAY(&scratch, Pick, n + 1);
    size_t picks = 0;
    for (size_t from = 0, to; from < n; from = to) {
        uint32_t first = order[from];
        for (to = from; to < n && quality_same_event(&event, order[to], first);)
            to++;
        Pick p = choose(schema, &c, order + from, to - from, as_of_us[owner[first]]);
        if (p.row != NO_CODE)
            pick[picks++] = p;
    }
    sort_picks(pick, picks, &context);

    uint32_t *index = ARENA_RAW(&scratch, uint32_t, picks + 1);
    for (size_t i = 0; i < picks; i++)
        index[i] = pick[i].row;
    Table *rows = table_take(keep, versions, index, picks);
    rows->column = arena_grow(keep, rows->column, rows->columns, rows->columns + 1, sizeof(Column));
    Column *records = &rows->column[rows->columns++];
    column_init(records, keep, S("records"), TYPE_INT64, 0, picks, NULL);
    Column *state = table_find(rows, st->state.text);
    Column *completed = table_find(rows, st->completed.text);
    uint32_t pending_code = state == NULL || st->pending.count == 0
                                ? NO_CODE
                                : dictionary_find(state->dictionary, st->pending.item[0].text);
    uint32_t *out_owner = ARENA_ARRAY(keep, uint32_t, picks + 1);
    for (size_t i = 0; i < picks; i++) {
        out_owner[i] = owner[pick[i].row];
        records->integer[i] = pick[i].records;
        column_set_valid(records, i);
        if (!pick[i].pending)
            continue;
        if (completed != NULL) {
            column_set_missing(completed, i);
            completed->integer[i] = 0;
        }
        if (state == NULL || quality_pending(schema, state, i))
            continue;
        if (pending_code == NO_CODE) {
            column_set_missing(state, i);
            state->code[i] = 0;
        } else
            state->code[i] = pending_code;
    }
    *out = ARENA_NEW(keep, Collapsed);
    **out = (Collapsed){rows, out_owner};
    return STATUS_OK;
}
