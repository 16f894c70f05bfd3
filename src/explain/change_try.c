/* change_try.c - changed customers scored and decided on, many at a time. */
#include "explain/change_internal.h"

#include <math.h>
#include <string.h>

const PeerKnots *change_knots(const Subject *s, uint32_t quantity)
{
    const PeerSet *set = peer_quantity_set(s->levers->bundle->peers, s->set, quantity);
    return set == NULL ? NULL : &set->quantity[quantity];
}

/* A value in a column's own units, as cell_double gives it. */
static double in_numbers(const Column *c, double units)
{
    return c->type == TYPE_DECIMAL ? units / (double)power_of_ten(c->scale) : units;
}

double change_place(const Subject *s, uint32_t quantity, double value)
{
    const PeerKnots *k = change_knots(s, quantity);
    return k == NULL ? NAN : peer_percentile(k, in_numbers(&s->quantity[quantity], value));
}

bool change_leaves(const Subject *s, const Outcome *o)
{
    const Outcome *now = &s->scored->outcome[s->position];
    return o->action < now->action && (now->insufficient_data || !o->insufficient_data);
}

static void put(Column *c, size_t row, double units)
{
    if (isnan(units))
        return;
    if (c->type == TYPE_DOUBLE)
        c->real[row] = units;
    else
        c->integer[row] = (int64_t)units;
    column_set_valid(c, row);
}

/* A column of the customer's own value in every row: what is no number stays what it is. */
static void own_column(Column *out, Arena *keep, const Column *from, size_t at, size_t rows)
{
    size_t width = type_width(from->type);
    column_init(out, keep, from->name, from->type, from->scale, rows, from->dictionary);
    for (size_t i = 0; i < rows && column_valid(from, at); i++) {
        memcpy((char *)out->data + i * width, (const char *)from->data + at * width, width);
        column_set_valid(out, i);
    }
}

static Column *columns_of(uint8_t *feasible, Arena *keep, const Subject *s, const Trial *trial,
                          size_t count)
{
    const Levers *l = s->levers;
    size_t n = l->quantities.count;
    Column *out = ARENA_ARRAY(keep, Column, n + 1);
    double *value = ARENA_ARRAY(keep, double, n + 1);
    for (size_t k = 0; k < n; k++) {
        const Column *from = &s->quantity[k];
        if (l->free[k] || l->bound[k])
            column_init(&out[k], keep, from->name, from->type, from->scale, count, NULL);
        else if (l->read[k])
            own_column(&out[k], keep, from, s->at, count);
    }
    for (size_t i = 0; i < count; i++) {
        feasible[i] = change_carry(value, s, &trial[i]);
        for (size_t k = 0; k < n; k++)
            if (l->free[k] || l->bound[k])
                put(&out[k], i, feasible[i] ? value[k] : s->own[k]);
    }
    return out;
}

/* Every number that the model or the book reads stays within what comparable customers show, or
 * comes closer to it. A knot may lie between two customers, half a unit off. */
static void keep_in_range(uint8_t *feasible, const Subject *s, const Table *made, size_t count)
{
    const Levers *l = s->levers;
    const Scored *scored = s->scored;
    size_t customer = scored->row[s->position];
    for (size_t k = 0; k < l->bundle->plan->features; k++) {
        const PeerSet *set = !l->used[k] ? NULL : peer_feature_set(l->bundle->peers, s->set, k);
        if (set == NULL)
            continue;
        const PeerKnots *knots = &set->feature[k];
        double now = cell_double(&scored->features->column[k], customer);
        double least = knots->knot[0] - 1e-5 * fabs(knots->knot[0]);
        double most = knots->knot[knots->knots - 1];
        most += 1e-5 * fabs(most);
        least = now < least ? now : least;
        most = now > most ? now : most;
        for (size_t i = 0; i < count; i++) {
            double value = cell_double(&made->column[k], i);
            if (value < least || value > most)
                feasible[i] = 0;
        }
    }
}

/* Customers of one kind, without transactions of their own: their features are made already. */
static const Events *stand_ins(Arena *keep, const Subject *s, size_t count)
{
    uint32_t *index = ARENA_ARRAY(keep, uint32_t, count + 1);
    int64_t *as_of = ARENA_ARRAY(keep, int64_t, count + 1);
    Events *e = ARENA_NEW(keep, Events);
    for (size_t i = 0; i < count; i++) {
        index[i] = (uint32_t)s->at;
        as_of[i] = s->events->as_of_us[s->at];
    }
    *e = *s->events;
    e->parts = NULL; /* of the customer's own transactions */
    e->customers = count;
    e->profile = table_take(keep, s->events->profile, index, count);
    e->start = ARENA_ARRAY(keep, size_t, count + 1);
    e->as_of_us = as_of;
    return e;
}

typedef struct Known {
    CaseFacts facts;
    Earlier *earlier;
    uint8_t *contradictory;
    uint32_t *row;
    Str *id;
} Known;

/* What is known of the customer beside files and bundle is known of each of them. */
static Known known_of(Arena *keep, const Subject *s, size_t count)
{
    const Scored *scored = s->scored;
    const ScoreOptions *o = &scored->options;
    size_t customer = scored->row[s->position];
    Known k = {
        .facts = {ARENA_ARRAY(keep, CaseFact *, count + 1), ARENA_ARRAY(keep, size_t, count + 1)},
        .earlier = ARENA_ARRAY(keep, Earlier, count + 1),
        .contradictory = ARENA_ARRAY(keep, uint8_t, count + 1),
        .row = ARENA_ARRAY(keep, uint32_t, count + 1),
        .id = ARENA_ARRAY(keep, Str, count + 1)};
    for (size_t i = 0; i < count; i++) {
        if (o->facts != NULL) {
            k.facts.of[i] = o->facts->of[customer];
            k.facts.count[i] = o->facts->count[customer];
        }
        if (o->earlier != NULL)
            k.earlier[i] = o->earlier[customer];
        k.contradictory[i] = scored->contradictory[s->position];
        k.row[i] = (uint32_t)i;
        k.id[i] = scored->id[customer];
    }
    return k;
}

/* What policy is to decide on: scored already. */
static Status prepare(PolicyInputs *out, uint8_t *feasible, Arena *keep, Arena scratch,
                      const Subject *s, const Trial *trial, size_t count, Error *err)
{
    const Bundle *b = s->levers->bundle;
    const ScoreOptions *o = &s->scored->options;
    Table *made;
    Matrix *x;
    const Column *value = columns_of(feasible, keep, s, trial, count);
    TRY(feature_table_varied(&made, keep, scratch, b->plan, &s->levers->quantities, value, count,
                             s->scored->events, s->scored->features, s->scored->row[s->position],
                             err));
    keep_in_range(feasible, s, made, count);
    Known *known = ARENA_NEW(keep, Known);
    *known = known_of(keep, s, count);
    TRY(feature_matrix(&x, keep, b->plan, made, b->skip, known->id, known->row, count, err));
    double *number[4];
    for (size_t k = 0; k < COUNT_OF(number); k++)
        number[k] = ARENA_ARRAY(keep, double, count + 1);
    score_rows(number[0], number[1], number[2], number[3], scratch, b, x);
    *out = (PolicyInputs){.events = stand_ins(keep, s, count),
                          .features = made,
                          .row = known->row,
                          .id = known->id,
                          .count = count,
                          .margin = number[0],
                          .probability = number[1],
                          .probability_low = number[2],
                          .probability_high = number[3],
                          .columns = b->columns,
                          .contradictory = known->contradictory,
                          .facts = o->facts == NULL ? NULL : &known->facts,
                          .earlier = o->earlier == NULL ? NULL : known->earlier,
                          .language = o->language};
    return STATUS_OK;
}

Status change_try(Outcome **out, uint8_t **feasible, Arena *keep, Arena scratch, const Subject *s,
                  const Trial *trial, size_t count, Error *err)
{
    PolicyInputs in;
    *feasible = ARENA_ARRAY(keep, uint8_t, count + 1);
    TRY(prepare(&in, *feasible, keep, scratch, s, trial, count, err));
    return policy_outcomes(out, NULL, keep, scratch, s->levers->bundle->policy, &in, NULL, err);
}

Status change_decide(Decision **out, const Table **features, Arena *keep, Arena scratch,
                     const Subject *s, const Trial *trial, Error *err)
{
    PolicyInputs in;
    uint8_t feasible;
    TRY(prepare(&in, &feasible, keep, scratch, s, trial, 1, err));
    *features = in.features;
    return policy_decide(out, keep, scratch, s->levers->bundle->policy, &in, NULL, err);
}
