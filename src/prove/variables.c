/* variables.c - the names that conditions read, each cut into pieces on which every comparison
 * with a constant has one answer. */
#include "prove/prove_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const char *const derived_names[DERIVED] = {"rules", "severe_rules", "families",
                                                   "insufficient_data"};

int derived_find(Str name)
{
    for (int i = 0; i < DERIVED; i++)
        if (str_equal(name, str_from(derived_names[i])))
            return i;
    return -1;
}

Str derived_name(int which)
{
    return str_from(derived_names[which]);
}

Variable *variable_find(Proving *p, Str name)
{
    for (size_t i = 0; i < p->variables; i++)
        if (p->variable[i].kind < VARIABLE_COUNT && str_equal(p->variable[i].name, name))
            return &p->variable[i];
    return NULL;
}

static bool threshold_of(const Proving *p, Str name, double *out)
{
    const struct {
        Str name;
        double value;
    } known[] = {{S("threshold_medium"), p->thresholds.medium},
                 {S("threshold_high"), p->thresholds.high},
                 {S("threshold_offboarding"), p->thresholds.offboarding}};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_equal(name, known[i].name)) {
            *out = known[i].value;
            return true;
        }
    return false;
}

enum { WORLD_NODES = 20000 };

/* ---- bounds: what a feature can be, from its formula ---- */

typedef struct Bounding {
    const Plan *plan;
    const Feature *feature;
    bool without_transactions;
    const Value *before; /* of the features that stand further up */
} Bounding;

/* docs/language.md, "Aggregates": what each gives, and without rows. */
static Value bound_aggregate(void *context, size_t index, Type type)
{
    const Bounding *b = context;
    size_t count;
    const Aggregate *a = &lang_aggregates(b->feature->expr, &count)[index];
    Value out = value_anything(type);
    switch (a->kind) {
    case AGGREGATE_COUNT:
    case AGGREGATE_DISTINCT:
    case AGGREGATE_MODAL:
    case AGGREGATE_DRAINED:
    case AGGREGATE_FOLLOWED:
    case AGGREGATE_MATCHED:
        return b->without_transactions ? value_number(0) : value_between(0, INFINITY);
    case AGGREGATE_SUM:
        if (b->without_transactions)
            return value_number(0);
        out.may_miss = false;
        return out;
    case AGGREGATE_SHARE:
    case AGGREGATE_CONCENTRATION:
        out = value_between(0, 1);
        break;
    case AGGREGATE_SD:
    case AGGREGATE_ENTROPY:
    case AGGREGATE_MATCHED_LAG:
        out = value_between(0, INFINITY);
        break;
    default:
        break;
    }
    if (b->without_transactions)
        return value_missing(type);
    if (out.kind == VALUE_NUMBER)
        out.may_miss = true;
    return out;
}

static Value bound_name(void *context, Str name, Type type)
{
    const Bounding *b = context;
    const Feature *f = plan_find(b->plan, name);
    /* A column of the customer may have the name of a feature further down. */
    if (f == NULL || f >= b->feature || schema_customer_column(b->plan->schema, name) != NULL)
        return value_anything(type);
    return b->before[f - b->plan->feature];
}

static Value feature_bound(const Plan *plan, const Feature *f, bool without_transactions,
                           const Value *before)
{
    const Population *population = lang_population(f->expr);
    if (population != NULL) {
        Value out = population->kind == POPULATION_PERCENTILE ? value_between(0, 1)
                    : population->kind == POPULATION_PARTNERS ? value_between(0, INFINITY)
                                                              : value_anything(TYPE_DOUBLE);
        out.may_miss = true;
        return out;
    }
    Bounding b = {plan, f, without_transactions, before};
    Lookup lookup = {&b, bound_name, bound_aggregate};
    return value_of(lang_root(f->expr), &lookup);
}

static void bound_features(Proving *p)
{
    for (int empty = 0; empty < 2; empty++) {
        Value *bound = p->bound[empty] = ARENA_ARRAY(p->keep, Value, p->plan->features + 1);
        for (size_t i = 0; i < p->plan->features; i++)
            bound[i] = feature_bound(p->plan, &p->plan->feature[i], empty == 1, bound);
    }
}

/* ---- cuts ---- */

static Value constant_name(void *context, Str name, Type type)
{
    double x;
    return threshold_of(context, name, &x) ? value_number(x) : value_anything(type);
}

/* The number that a part is whatever the customer. */
static bool is_constant(Proving *p, const ExprNode *n, double *out)
{
    Lookup lookup = {p, constant_name, NULL};
    Value v = value_of(n, &lookup);
    *out = v.low;
    return v.kind == VALUE_NUMBER && v.may_have && !v.may_miss && v.low == v.high;
}

static void add_cut(Proving *p, Variable *v, double x)
{
    if (!isfinite(x))
        return;
    *ARENA_PUSH(p->keep, v->cut, v->cuts, v->cut_capacity) = x == 0 ? 0 : x;
}

static void add_value(Proving *p, Variable *v, Str text)
{
    for (size_t i = 0; i < v->values; i++)
        if (str_equal(v->value[i], text))
            return;
    *ARENA_PUSH(p->keep, v->value, v->values, v->value_capacity) = text;
}

/* The part is compared with x: cut the names in it where that changes the answer. */
static void pull(Proving *p, const ExprNode *n, double x)
{
    View v = lang_view(n);
    double k;
    Variable *named;
    switch (v.kind) {
    case VIEW_NAME:
        if (str_equal(v.text, S("exposure")))
            pull(p, lang_root(policy_exposure(p->policy)), x);
        else if ((named = variable_find(p, v.text)) != NULL && named->kind == VARIABLE_NUMBER)
            add_cut(p, named, x);
        return;
    case VIEW_NEGATE:
        pull(p, lang_child(n, 0), -x);
        return;
    case VIEW_ABS:
        pull(p, lang_child(n, 0), -x);
        pull(p, lang_child(n, 0), x);
        return;
    case VIEW_LEAST:
    case VIEW_GREATEST:
    case VIEW_COALESCE:
        for (size_t i = 0; i < v.children; i++)
            pull(p, lang_child(n, i), x);
        return;
    case VIEW_CASE:
        for (size_t i = 0; i < v.children; i++)
            if (i % 2 == 1 || i + 1 == v.children)
                pull(p, lang_child(n, i), x);
        return;
    case VIEW_ADD:
    case VIEW_SUBTRACT:
        if (is_constant(p, lang_child(n, 1), &k))
            pull(p, lang_child(n, 0), v.kind == VIEW_ADD ? x - k : x + k);
        else if (is_constant(p, lang_child(n, 0), &k))
            pull(p, lang_child(n, 1), v.kind == VIEW_ADD ? x - k : k - x);
        return;
    case VIEW_MULTIPLY:
        if (is_constant(p, lang_child(n, 1), &k) && k != 0)
            pull(p, lang_child(n, 0), x / k);
        else if (is_constant(p, lang_child(n, 0), &k) && k != 0)
            pull(p, lang_child(n, 1), x / k);
        return;
    case VIEW_DIVIDE:
        if (is_constant(p, lang_child(n, 1), &k))
            pull(p, lang_child(n, 0), x * k);
        return;
    default:
        return;
    }
}

static void name_texts(Proving *p, const ExprNode *n, const ExprNode *literal)
{
    View v = lang_view(n), l = lang_view(literal);
    if (l.kind != VIEW_STRING)
        return;
    if (v.kind == VIEW_NAME) {
        Variable *named = variable_find(p, v.text);
        if (named != NULL && named->kind == VARIABLE_TEXT)
            add_value(p, named, l.text);
        return;
    }
    for (size_t i = 0; i < v.children; i++) /* coalesce, case */
        name_texts(p, lang_child(n, i), literal);
}

static void cut_part(Proving *p, const ExprNode *n)
{
    View v = lang_view(n);
    double x;
    for (size_t i = 0; i < v.children; i++)
        cut_part(p, lang_child(n, i));
    bool compares = v.kind >= VIEW_EQUAL && v.kind <= VIEW_BETWEEN;
    for (size_t i = 1; compares && i < v.children; i++) {
        const ExprNode *a = lang_child(n, 0), *b = lang_child(n, i);
        name_texts(p, a, b);
        name_texts(p, b, a);
        if (is_constant(p, b, &x))
            pull(p, a, x);
        else if (is_constant(p, a, &x))
            pull(p, b, x);
    }
}

/* ---- names ---- */

static void add_variable(Proving *p, Str name, Type type, int scale)
{
    double x;
    if (derived_find(name) >= 0 || threshold_of(p, name, &x) || variable_find(p, name) != NULL)
        return;
    const Feature *f = plan_find(p->plan, name);
    Variable *v = ARENA_PUSH(p->keep, p->variable, p->variables, p->variable_capacity);
    *v = (Variable){.name = name, .type = type, .scale = scale, .feature = f};
    v->kind = type == TYPE_BOOLEAN                         ? VARIABLE_TRUTH
              : type == TYPE_CATEGORY || type == TYPE_TEXT ? VARIABLE_TEXT
                                                           : VARIABLE_NUMBER;
    v->format = f == NULL ? FORMAT_PLAIN : f->format;
    if (f != NULL)
        v->bound = p->bound[0][f - p->plan->feature];
    else if (str_starts(name, S("probability")))
        v->bound = value_between(0, 1);
    else if (type == TYPE_BOOLEAN) /* a fact of the case is known or it is not */
        v->bound = value_truth(MAY_TRUE | MAY_FALSE);
    else
        v->bound = value_anything(type);
    if (v->kind != VARIABLE_NUMBER)
        return;
    add_cut(p, v, v->bound.low);
    add_cut(p, v, v->bound.high);
    if (f == NULL && v->bound.high == 1) {
        add_cut(p, v, p->thresholds.medium);
        add_cut(p, v, p->thresholds.high);
    }
}

static void add_names(Proving *p, const ExprNode *n)
{
    View v = lang_view(n);
    if (v.kind == VIEW_NAME && str_equal(v.text, S("exposure")))
        add_names(p, lang_root(policy_exposure(p->policy)));
    else if (v.kind == VIEW_NAME)
        add_variable(p, v.text, v.type, v.scale);
    for (size_t i = 0; i < v.children; i++)
        add_names(p, lang_child(n, i));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Does a number of this type lie strictly between, or on the point? */
static bool can_be(const Variable *v, double low, double high, bool point)
{
    double unit;
    if (v->type == TYPE_DECIMAL)
        unit = (double)power_of_ten(v->scale);
    else if (v->type == TYPE_INT64)
        unit = 1;
    else
        return true;
    if (!isfinite(low) || !isfinite(high) || fabs(low) > 1e15 / unit || fabs(high) > 1e15 / unit)
        return true;
    int64_t k = (int64_t)floor(low * unit) - 1;
    int scale = v->type == TYPE_DECIMAL ? v->scale : 0;
    while (decimal_to_double(k, scale) < low || (!point && decimal_to_double(k, scale) <= low))
        k++;
    return point ? decimal_to_double(k, scale) == low : decimal_to_double(k, scale) < high;
}

static void add_piece(Variable *v, double low, double high, bool point)
{
    const Value *b = &v->bound;
    bool below = point ? low < b->low || (low == b->low && b->low_open) : high <= b->low;
    bool above = point ? low > b->high || (low == b->high && b->high_open) : low >= b->high;
    if (below || above || !b->may_have || !can_be(v, low, high, point))
        return;
    v->piece[v->numbers++] = (Piece){low, high, point};
}

static void cut_line(Proving *p, Variable *v)
{
    size_t kept = 0;
    if (v->cuts > 1)
        qsort(v->cut, v->cuts, sizeof *v->cut, by_size);
    for (size_t i = 0; i < v->cuts; i++)
        if (kept == 0 || v->cut[i] != v->cut[kept - 1])
            v->cut[kept++] = v->cut[i];
    v->cuts = kept;
    v->piece = ARENA_ARRAY(p->keep, Piece, 2 * kept + 1);
    for (size_t i = 0; i <= kept; i++) {
        double low = i == 0 ? -INFINITY : v->cut[i - 1], high = i == kept ? INFINITY : v->cut[i];
        add_piece(v, low, high, false);
        if (i < kept)
            add_piece(v, high, high, true);
    }
}

static void count_pieces(Proving *p, Variable *v)
{
    bool missing = v->bound.may_miss;
    if (v->kind == VARIABLE_NUMBER)
        cut_line(p, v);
    else if (v->kind == VARIABLE_TRUTH) {
        v->numbers = 2; /* false, true */
        missing = (v->bound.truth & MAY_UNKNOWN) != 0;
    } else
        v->numbers = v->values + 1;
    v->pieces = v->numbers + missing;
    if (v->pieces == 0) { /* a formula that is never anything */
        v->pieces = 1;
        v->bound.may_miss = true;
    }
}

void variables_collect(Proving *p)
{
    static const ConditionOf order[] = {CONDITION_INSUFFICIENT, CONDITION_RULE,    CONDITION_ACTION,
                                        CONDITION_SAFEGUARD,    CONDITION_MEASURE, CONDITION_FLOOR,
                                        CONDITION_MITIGATING};
    bound_features(p);
    /* The score first: nearly every action asks for it. */
    add_variable(p, S("probability"), TYPE_DOUBLE, 0);
    add_variable(p, S("probability_low"), TYPE_DOUBLE, 0);
    for (size_t k = 0; k < COUNT_OF(order); k++)
        for (size_t i = 0; i < p->conditions; i++)
            if (p->condition[i].of == order[k])
                add_names(p, lang_root(p->condition[i].when));
    add_names(p, lang_root(policy_exposure(p->policy)));
    for (size_t i = 0; i < p->conditions; i++)
        cut_part(p, lang_root(p->condition[i].when));
    pull(p, lang_root(policy_exposure(p->policy)), 0); /* is anything at stake? */
    for (size_t i = 0; i < p->variables; i++) {
        count_pieces(p, &p->variable[i]);
        uint32_t number = diagrams_variable(&p->d, (uint32_t)p->variable[i].pieces);
        assert(number == i);
        (void)number;
    }
}

Value variable_value(const Variable *v, size_t piece)
{
    if (piece >= v->numbers)
        return value_missing(v->type);
    if (v->kind == VARIABLE_TRUTH)
        return value_truth(piece == 1 ? MAY_TRUE : MAY_FALSE);
    if (v->kind == VARIABLE_TEXT) {
        Value out = {.kind = VALUE_TEXT, .may_have = true};
        if (piece < v->values) {
            out.known = true;
            out.text = v->value[piece];
        } else {
            out.others = v->value;
            out.other_count = v->values;
        }
        return out;
    }
    Piece piece_at = v->piece[piece];
    Value out = value_between(piece_at.low, piece_at.high);
    out.low_open = out.high_open = !piece_at.point;
    return out;
}

/* ---- which pieces go together ---- */

/* pairs(context, piece of a, piece of b) */
static Diagram together(Proving *p, size_t a, size_t b,
                        bool (*pairs)(const Proving *, size_t, size_t, size_t, size_t))
{
    size_t first = a < b ? a : b, second = a < b ? b : a;
    Diagram *outer = ARENA_ARRAY(&p->scratch, Diagram, p->variable[first].pieces);
    Diagram *inner = ARENA_ARRAY(&p->scratch, Diagram, p->variable[second].pieces);
    for (size_t i = 0; i < p->variable[first].pieces; i++) {
        for (size_t k = 0; k < p->variable[second].pieces; k++)
            inner[k] = (a < b ? pairs(p, a, b, i, k) : pairs(p, a, b, k, i)) ? IS_TRUE : IS_FALSE;
        outer[i] = diagram_node(&p->d, (uint32_t)second, inner);
    }
    return diagram_node(&p->d, (uint32_t)first, outer);
}

static bool in_order(const Proving *p, size_t a, size_t b, size_t i, size_t k)
{
    Value x = variable_value(&p->variable[a], i), y = variable_value(&p->variable[b], k);
    if (!x.may_have || !y.may_have)
        return true;
    return x.low < y.high || (x.low == y.high && !x.low_open && !y.high_open);
}

/* Does the feature count events that the other one counts, too? */
static bool counts_part_of(const Feature *part, const Feature *whole)
{
    size_t parts, wholes;
    const Aggregate *a = lang_aggregates(part->expr, &parts);
    const Aggregate *b = lang_aggregates(whole->expr, &wholes);
    if (lang_view(lang_root(part->expr)).kind != VIEW_AGGREGATE ||
        lang_view(lang_root(whole->expr)).kind != VIEW_AGGREGATE || a->kind != AGGREGATE_COUNT ||
        b->kind != AGGREGATE_COUNT)
        return false;
    Window x = a->has_window ? a->window : part->window;
    Window y = b->has_window ? b->window : whole->window;
    bool window = y.kind == WINDOW_ALL || (x.kind == y.kind && x.duration_us <= y.duration_us);
    bool filter = b->filter == NULL ||
                  (a->filter != NULL && str_equal(lang_text(a->filter), lang_text(b->filter)));
    return window && filter;
}

static bool counts_everything(const Feature *f)
{
    size_t count;
    const Aggregate *a = lang_aggregates(f->expr, &count);
    return lang_view(lang_root(f->expr)).kind == VIEW_AGGREGATE && a->kind == AGGREGATE_COUNT &&
           a->filter == NULL && (a->has_window ? a->window : f->window).kind == WINDOW_ALL;
}

/* Without a transaction every measure of transactions is what it is of none. */
static bool of_nothing(const Proving *p, size_t a, size_t b, size_t i, size_t k)
{
    Value count = variable_value(&p->variable[a], i), x = variable_value(&p->variable[b], k);
    if (!count.may_have || count.low != 0 || count.high != 0)
        return true;
    Value empty = p->bound[1][p->variable[b].feature - p->plan->feature];
    if (x.kind == VALUE_TRUTH)
        return (x.truth & empty.truth) != 0;
    if ((x.may_miss && empty.may_miss) || x.kind == VALUE_TEXT)
        return true;
    if (!x.may_have || !empty.may_have)
        return false;
    double low = x.low > empty.low ? x.low : empty.low;
    double high = x.high < empty.high ? x.high : empty.high;
    bool open = (x.low == low && x.low_open) || (x.high == high && x.high_open);
    return low < high || (low == high && !open);
}

/* One more thing that pieces have to meet. What does not fit is left out: that allows more customers
 * than there can be, never fewer. */
static void narrow(Proving *p, size_t a, size_t b,
                   bool (*pairs)(const Proving *, size_t, size_t, size_t, size_t))
{
    diagrams_begin(&p->d, WORLD_NODES);
    Diagram world = diagram_and(&p->d, p->world, together(p, a, b, pairs));
    if (p->d.full)
        return;
    p->world = world;
    diagrams_keep(&p->d);
}

void world_make(Proving *p)
{
    const Variable *low = variable_find(p, S("probability_low"));
    const Variable *high = variable_find(p, S("probability_high"));
    p->world = IS_TRUE;
    if (low != NULL && high != NULL)
        narrow(p, (size_t)(low - p->variable), (size_t)(high - p->variable), in_order);
    for (size_t a = 0; a < p->variables; a++)
        for (size_t b = 0; b < p->variables; b++) {
            const Feature *f = p->variable[a].feature, *g = p->variable[b].feature;
            if (a == b || f == NULL || g == NULL)
                continue;
            if (counts_part_of(f, g))
                narrow(p, a, b, in_order);
            if (counts_everything(f) && !g->compares)
                narrow(p, a, b, of_nothing);
        }
}

/* ---- what names are at the moment ---- */

static Value moment(void *context, Str name, Type type)
{
    Proving *p = context;
    double x;
    int derived = derived_find(name);
    if (derived == DERIVED_INSUFFICIENT)
        return value_truth(p->derived_at[derived] != 0 ? MAY_TRUE : MAY_FALSE);
    if (derived >= 0)
        return value_number((double)p->derived_at[derived]);
    if (threshold_of(p, name, &x))
        return value_number(x);
    if (str_equal(name, S("exposure"))) {
        Lookup lookup = proving_lookup(p);
        return value_of(lang_root(policy_exposure(p->policy)), &lookup);
    }
    const Variable *v = variable_find(p, name);
    return v == NULL ? value_anything(type) : p->at[v - p->variable];
}

Lookup proving_lookup(Proving *p)
{
    return (Lookup){p, moment, NULL};
}
