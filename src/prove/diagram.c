/* diagram.c - multi-valued decision diagrams: one node for each different function. */
#include "prove/prove_internal.h"

#include <assert.h>
#include <string.h>

enum { UNIQUE_BITS = 20, MEMO_BITS = 18 };

void diagrams_open(Diagrams *d, size_t most)
{
    *d = (Diagrams){.keep = arena_new(), .most = most, .room = most};
    d->unique_size = (size_t)1 << UNIQUE_BITS;
    d->unique = ARENA_ARRAY(&d->keep, uint32_t, d->unique_size);
    d->memo = ARENA_ARRAY(&d->keep, Memo, (size_t)1 << MEMO_BITS);
    assert(most < d->unique_size / 2);
    /* In place from the start, so that growing arrays do not chase one another. */
    d->node = ARENA_RAW(&d->keep, DiagramNode, most + 1);
    d->node_capacity = most + 1;
    d->child_capacity = 16 * (most + 1);
    d->child = ARENA_RAW(&d->keep, uint32_t, d->child_capacity);
}

void diagrams_close(Diagrams *d)
{
    arena_free(&d->keep);
}

uint32_t diagrams_variable(Diagrams *d, uint32_t width)
{
    *ARENA_PUSH(&d->keep, d->width, d->variables, d->variable_capacity) = width;
    return (uint32_t)(d->variables - 1);
}

static bool is_constant(Diagram a)
{
    return a < DIAGRAM_VALUES;
}

static const DiagramNode *inner(const Diagrams *d, Diagram a)
{
    return &d->node[a - DIAGRAM_VALUES];
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t hash_node(uint32_t variable, const uint32_t *child, uint32_t width)
{
    uint64_t hash = mix(1469598103934665603u, variable);
    for (uint32_t i = 0; i < width; i++)
        hash = mix(hash, child[i]);
    return hash;
}

Diagram diagram_node(Diagrams *d, uint32_t variable, const Diagram *child)
{
    uint32_t width = d->width[variable];
    bool equal = true;
    for (uint32_t i = 1; i < width; i++)
        equal = equal && child[i] == child[0];
    if (equal)
        return child[0];
    size_t mask = d->unique_size - 1, at = hash_node(variable, child, width) & mask;
    for (; d->unique[at] != 0; at = (at + 1) & mask) {
        const DiagramNode *n = &d->node[d->unique[at] - 1];
        if (n->variable == variable &&
            memcmp(&d->child[n->first], child, width * sizeof *child) == 0)
            return DIAGRAM_VALUES + d->unique[at] - 1;
    }
    if (d->full || d->nodes >= d->most || d->children + width > d->child_capacity) {
        d->full = true;
        return IS_FALSE;
    }
    memcpy(&d->child[d->children], child, width * sizeof *child);
    d->node[d->nodes] = (DiagramNode){variable, (uint32_t)d->children};
    d->children += width;
    d->unique[at] = (uint32_t)++d->nodes;
    return (Diagram)(DIAGRAM_VALUES + d->nodes - 1);
}

/* What two constants give. */
static Diagram constant(Operation op, Diagram a, Diagram b)
{
    switch (op) {
    case OPERATION_AND:
        return a == IS_FALSE || b == IS_FALSE ? IS_FALSE
               : a == IS_TRUE && b == IS_TRUE ? IS_TRUE
                                              : IS_UNKNOWN;
    case OPERATION_OR:
        return a == IS_TRUE || b == IS_TRUE     ? IS_TRUE
               : a == IS_FALSE && b == IS_FALSE ? IS_FALSE
                                                : IS_UNKNOWN;
    case OPERATION_NOT:
        return a == IS_UNKNOWN ? IS_UNKNOWN : a == IS_TRUE ? IS_FALSE : IS_TRUE;
    case OPERATION_ADD:
        return a + b < DIAGRAM_VALUES ? a + b : DIAGRAM_VALUES - 1;
    case OPERATION_EQUAL:
        return a == b ? IS_TRUE : IS_FALSE;
    case OPERATION_LEAST:
        return a < b ? a : b;
    default:
        return a < b ? b - a : a - b;
    }
}

/* Where one side settles it. */
static bool settled(Operation op, Diagram a, Diagram b, Diagram *out)
{
    bool both = is_constant(a) && is_constant(b);
    if (both)
        *out = constant(op, a, b);
    else if (op == OPERATION_AND && (a == IS_FALSE || b == IS_FALSE))
        *out = IS_FALSE;
    else if (op == OPERATION_OR && (a == IS_TRUE || b == IS_TRUE))
        *out = IS_TRUE;
    else if ((op == OPERATION_AND && a == IS_TRUE) || (op == OPERATION_OR && a == IS_FALSE) ||
             (op == OPERATION_ADD && a == 0))
        *out = b;
    else if ((op == OPERATION_AND && b == IS_TRUE) || (op == OPERATION_OR && b == IS_FALSE) ||
             (op == OPERATION_ADD && b == 0) ||
             ((op == OPERATION_AND || op == OPERATION_OR || op == OPERATION_LEAST) && a == b))
        *out = a;
    else if (op == OPERATION_DISTANCE && a == b)
        *out = 0;
    else
        return false;
    return true;
}

/* The last node placed is the first taken away, so every chain of places is again what it was. */
void diagrams_begin(Diagrams *d, size_t share)
{
    while (d->nodes > d->kept) {
        const DiagramNode *n = &d->node[d->nodes - 1];
        size_t mask = d->unique_size - 1;
        size_t at = hash_node(n->variable, &d->child[n->first], d->width[n->variable]) & mask;
        while (d->unique[at] != d->nodes)
            at = (at + 1) & mask;
        d->unique[at] = 0;
        d->children = n->first;
        d->nodes--;
    }
    d->most = d->kept + share < d->room ? d->kept + share : d->room;
    d->full = false;
    d->stamp++;
}

void diagrams_keep(Diagrams *d)
{
    d->kept = d->nodes;
}

static Memo *memo_at(Diagrams *d, uint32_t op, uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t hash = mix(mix(mix(mix(7, op), a), b), c);
    return &d->memo[hash >> (64 - MEMO_BITS)];
}

/* What was made for an earlier question may speak of nodes that are gone. */
static bool memo_has(const Diagrams *d, const Memo *m, uint32_t op, uint32_t a, uint32_t b,
                     uint32_t c)
{
    /* An empty place has operation 0; real ones are counted from 1. */
    return m->stamp == d->stamp && m->operation == op + 1 && m->a == a && m->b == b && m->c == c;
}

static uint32_t top(const Diagrams *d, Diagram a)
{
    return is_constant(a) ? UINT32_MAX : inner(d, a)->variable;
}

static Diagram child_of(const Diagrams *d, Diagram a, uint32_t variable, uint32_t piece)
{
    return top(d, a) == variable ? d->child[inner(d, a)->first + piece] : a;
}

Diagram diagram_apply(Diagrams *d, Operation op, Diagram a, Diagram b)
{
    Diagram out;
    if (settled(op, a, b, &out))
        return out;
    if (d->full)
        return IS_FALSE;
    bool commutes = op != OPERATION_EQUAL && op != OPERATION_NOT;
    if (commutes && a > b) {
        Diagram swap = a;
        a = b;
        b = swap;
    }
    Memo *m = memo_at(d, op, a, b, 0);
    if (memo_has(d, m, op, a, b, 0))
        return m->result;
    uint32_t left = top(d, a), right = top(d, b), variable = left < right ? left : right;
    uint32_t width = d->width[variable];
    Arena mark = d->keep;
    Diagram *child = ARENA_ARRAY(&d->keep, Diagram, width);
    for (uint32_t i = 0; i < width; i++)
        child[i] = diagram_apply(d, op, child_of(d, a, variable, i), child_of(d, b, variable, i));
    out = diagram_node(d, variable, child);
    d->keep = mark;
    if (!d->full)
        *m = (Memo){(uint32_t)op + 1, a, b, 0, out, d->stamp};
    return out;
}

Diagram diagram_choose(Diagrams *d, Diagram condition, Diagram yes, Diagram no)
{
    if (is_constant(condition))
        return condition == IS_TRUE ? yes : no;
    if (yes == no)
        return yes;
    if (d->full)
        return IS_FALSE;
    Memo *m = memo_at(d, OPERATION_CHOOSE, condition, yes, no);
    if (memo_has(d, m, OPERATION_CHOOSE, condition, yes, no))
        return m->result;
    uint32_t variable = top(d, condition);
    variable = top(d, yes) < variable ? top(d, yes) : variable;
    variable = top(d, no) < variable ? top(d, no) : variable;
    uint32_t width = d->width[variable];
    Arena mark = d->keep;
    Diagram *child = ARENA_ARRAY(&d->keep, Diagram, width);
    for (uint32_t i = 0; i < width; i++)
        child[i] = diagram_choose(d, child_of(d, condition, variable, i),
                                  child_of(d, yes, variable, i), child_of(d, no, variable, i));
    Diagram out = diagram_node(d, variable, child);
    d->keep = mark;
    if (!d->full)
        *m = (Memo){OPERATION_CHOOSE + 1, condition, yes, no, out, d->stamp};
    return out;
}

Diagram diagram_restrict(Diagrams *d, Diagram a, uint32_t variable, uint32_t piece)
{
    if (is_constant(a) || top(d, a) > variable)
        return a;
    if (top(d, a) == variable)
        return d->child[inner(d, a)->first + piece];
    if (d->full)
        return IS_FALSE;
    Memo *m = memo_at(d, OPERATION_RESTRICT, a, variable, piece);
    if (memo_has(d, m, OPERATION_RESTRICT, a, variable, piece))
        return m->result;
    uint32_t own = top(d, a), width = d->width[own];
    Arena mark = d->keep;
    Diagram *child = ARENA_ARRAY(&d->keep, Diagram, width);
    for (uint32_t i = 0; i < width; i++)
        child[i] = diagram_restrict(d, child_of(d, a, own, i), variable, piece);
    Diagram out = diagram_node(d, own, child);
    d->keep = mark;
    if (!d->full)
        *m = (Memo){OPERATION_RESTRICT + 1, a, variable, piece, out, d->stamp};
    return out;
}

/* ---- ways ---- */

#define NO_WAY UINT64_MAX

/* A node's number is larger than its children's, so going up the numbers is going up the
 * diagrams. */
static uint64_t *costs(const Diagrams *d, Diagram a, uint32_t least, const uint32_t *price,
                       Arena *scratch)
{
    uint64_t *cost = ARENA_RAW(scratch, uint64_t, a + 1);
    for (Diagram i = 0; i < DIAGRAM_VALUES && i <= a; i++)
        cost[i] = i >= least ? 0 : NO_WAY;
    for (Diagram i = DIAGRAM_VALUES; i <= a; i++) {
        const DiagramNode *n = inner(d, i);
        cost[i] = NO_WAY;
        for (uint32_t k = 0; k < d->width[n->variable]; k++) {
            uint64_t below = cost[d->child[n->first + k]];
            if (below < cost[i])
                cost[i] = below;
        }
        if (cost[i] != NO_WAY)
            cost[i] += price[n->variable];
    }
    return cost;
}

bool diagram_way(const Diagrams *d, Diagram a, uint32_t least, const uint32_t *price,
                 uint8_t **pieces, uint64_t *total, Arena *keep)
{
    Arena own = arena_new();
    const uint64_t *cost = costs(d, a, least, price, &own);
    bool found = cost[a] != NO_WAY;
    *total = cost[a];
    memset(pieces, 0, d->variables * sizeof *pieces);
    while (found && !is_constant(a)) {
        const DiagramNode *n = inner(d, a);
        uint32_t width = d->width[n->variable];
        Diagram best = d->child[n->first];
        for (uint32_t k = 1; k < width; k++)
            if (cost[d->child[n->first + k]] < cost[best])
                best = d->child[n->first + k];
        pieces[n->variable] = ARENA_ARRAY(keep, uint8_t, width);
        for (uint32_t k = 0; k < width; k++)
            pieces[n->variable][k] = d->child[n->first + k] == best;
        a = best;
    }
    arena_free(&own);
    return found;
}

uint32_t diagram_largest(const Diagrams *d, Diagram a, Arena scratch)
{
    uint32_t *most = ARENA_RAW(&scratch, uint32_t, a + 1);
    for (Diagram i = 0; i <= a; i++) {
        most[i] = i;
        if (is_constant(i))
            continue;
        const DiagramNode *n = inner(d, i);
        most[i] = 0;
        for (uint32_t k = 0; k < d->width[n->variable]; k++) {
            uint32_t below = most[d->child[n->first + k]];
            most[i] = below > most[i] ? below : most[i];
        }
    }
    return most[a];
}
