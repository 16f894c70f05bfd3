/* Population features in the table and, fitted on part of its rows again, in the matrix. */
#include "feature/feature_internal.h"
#include "feature/peer.h"

#include <assert.h>
#include <math.h>

const Column *named_column(const Plan *plan, size_t index, const Events *events,
                           const Table *features, Str name)
{
    const Column *own = table_find(events->profile, name);
    for (size_t i = 0; i < index && own == NULL; i++)
        if (str_equal(plan->feature[i].name.text, name))
            own = &features->column[i];
    return own;
}

/* The same, found when the plan was read. A feature with a column's name is that column. */
static const Column *compared_column(uint32_t feature, const Events *events, const Table *features,
                                     Str name)
{
    return feature == NO_STEP ? table_find(events->profile, name) : &features->column[feature];
}

/* What a population feature compares, and by which groups; of groups NULL for none. */
typedef struct Compared {
    const Column *value, *group; /* value: NULL where these files lack it */
} Compared;

static Compared compared_of(const Plan *plan, size_t index, const Events *events,
                            const Table *features)
{
    const Population *f = lang_population(plan->feature[index].expr);
    const Maker *m = &plan->steps->maker[index];
    return (Compared){compared_column(m->compared, events, features, f->value),
                      f->group.size == 0 ? NULL
                                         : compared_column(m->grouped, events, features, f->group)};
}

/* NULL where these files lack the column that is compared. */
static PeerColumn *column_of(Arena *keep, Arena scratch, const Plan *plan, size_t index,
                             const Events *events, const Table *features, const uint32_t *row,
                             size_t rows)
{
    const Compared c = compared_of(plan, index, events, features);
    return c.value == NULL ? NULL : peer_column(keep, scratch, c.value, c.group, row, rows);
}

static void put_place(Column *out, size_t customer, double place)
{
    if (isnan(place))
        return;
    out->real[customer] = place;
    column_set_valid(out, customer);
}

static Status peers_feature(Column *out, Arena *keep, Arena scratch, const Plan *plan, size_t index,
                            const Events *events, const Table *features, const Fitting *fitting,
                            Peers **peers)
{
    const PopulationKind kind = lang_population(plan->feature[index].expr)->kind;
    if (events->customers == 1 && fitting == NULL) { /* without what is prepared for many */
        const Compared one = compared_of(plan, index, events, features);
        if (one.value != NULL && *peers != NULL)
            put_place(out, 0, peers_place(scratch, *peers, kind, one.value, one.group, 0));
        return STATUS_OK;
    }
    const PeerColumn *c =
        column_of(&scratch, *keep, plan, index, events, features, NULL, events->customers);
    if (c == NULL)
        return STATUS_OK;
    if (fitting != NULL) {
        uint8_t *among = ARENA_ARRAY(&scratch, uint8_t, events->customers + 1);
        for (size_t i = 0; i < fitting->count; i++)
            among[fitting->row[i]] = 1;
        *peers = peers_fit(keep, scratch, c, among);
    }
    if (*peers == NULL)
        return STATUS_OK;
    double *value = ARENA_RAW(&scratch, double, events->customers + 1);
    peers_apply(value, scratch, *peers, c, kind);
    for (size_t i = 0; i < events->customers; i++)
        put_place(out, i, value[i]);
    return STATUS_OK;
}

static Status partners_feature(Column *out, Arena *keep, Arena scratch, const Plan *plan,
                               size_t index, const Events *events, const Fitting *fitting,
                               Peers **peers, Error *err)
{
    const Feature *f = &plan->feature[index];
    PartnerColumn *c;
    Arena own = arena_new(); /* keep and scratch serve the evaluation */
    Status status = partner_column(&c, &own, scratch, lang_population(f->expr), f->window, events,
                                   NULL, events->customers, err);
    if (status == STATUS_OK && fitting != NULL) {
        const Column *key = table_find(events->profile, plan->schema->customers.key.text);
        Str *id = ARENA_ARRAY(&own, Str, fitting->count + 1);
        size_t positives = 0;
        for (size_t i = 0; i < fitting->count; i++)
            if (fitting->label[i])
                id[positives++] = key->dictionary->text[key->code[fitting->row[i]]];
        *peers = partners_fit(keep, scratch, id, positives);
    }
    if (status == STATUS_OK && *peers != NULL) {
        uint8_t *risky = ARENA_ARRAY(&own, uint8_t, c->names->count + 1);
        partners_known(risky, scratch, *peers, c);
        partners_count(out->integer, c, risky);
        for (size_t i = 0; i < events->customers; i++)
            column_set_valid(out, i);
    }
    arena_free(&own);
    return status;
}

Status population_column(Column *out, Arena *keep, Arena scratch, const Plan *plan, size_t index,
                         const Events *events, const Table *features, const Fitting *fitting,
                         Peers **peers, Error *err)
{
    const Expr *e = plan->feature[index].expr;
    column_init(out, keep, plan->feature[index].name.text, lang_type(e), 0, events->customers,
                NULL);
    if (lang_population(e)->kind == POPULATION_PARTNERS)
        return partners_feature(out, keep, scratch, plan, index, events, fitting, peers, err);
    return peers_feature(out, keep, scratch, plan, index, events, features, fitting, peers);
}

/* ---- fitted again on part of the rows ---- */

typedef struct RefitColumn {
    size_t column; /* of the matrix */
    PopulationKind kind;
    const PeerColumn *peers;
    const PartnerColumn *partners;
    const uint32_t *row_of; /* [partners->names] row of the matrix, NO_CODE for no customer of it */
} RefitColumn;

struct FeatureRefit {
    const Matrix *x;
    size_t columns;
    RefitColumn *column;
};

static Status refit_column(RefitColumn *out, Arena *keep, Arena scratch, const Plan *plan,
                           size_t index, const Events *events, const Table *features,
                           const Matrix *x, const uint32_t *row, Error *err)
{
    const Feature *f = &plan->feature[index];
    out->kind = lang_population(f->expr)->kind;
    if (out->kind != POPULATION_PARTNERS) {
        out->peers = column_of(keep, scratch, plan, index, events, features, row, x->rows);
        return STATUS_OK;
    }
    PartnerColumn *c;
    TRY(partner_column(&c, keep, scratch, lang_population(f->expr), f->window, events, row, x->rows,
                       err));
    uint32_t *row_of = ARENA_ARRAY(keep, uint32_t, c->names->count + 1);
    for (size_t i = 0; i < c->names->count; i++)
        row_of[i] = NO_CODE;
    for (size_t i = 0; i < x->rows; i++) {
        uint32_t code = dictionary_find(c->names, x->id[i]);
        if (code != NO_CODE)
            row_of[code] = (uint32_t)i;
    }
    out->partners = c;
    out->row_of = row_of;
    return STATUS_OK;
}

Status feature_refit_new(FeatureRefit **out, Arena *keep, Arena scratch, const Plan *plan,
                         const Events *events, const Table *features, const uint8_t *skip,
                         const Matrix *x, const uint32_t *row, size_t count, Error *err)
{
    const MatrixPlan *m = matrix_plan(keep, plan, skip);
    FeatureRefit *r = ARENA_NEW(keep, FeatureRefit);
    assert(count == x->rows && m->columns == x->columns);
    *out = NULL;
    r->x = x;
    r->column = ARENA_ARRAY(keep, RefitColumn, m->columns + 1);
    for (size_t k = 0; k < m->columns; k++) {
        if (lang_population(plan->feature[m->feature[k]].expr) == NULL)
            continue;
        RefitColumn *c = &r->column[r->columns++];
        c->column = k;
        TRY(refit_column(c, keep, scratch, plan, m->feature[k], events, features, x, row, err));
    }
    if (r->columns > 0)
        *out = r;
    return STATUS_OK;
}

static void refit_peers(float *to, size_t stride, const RefitColumn *r, Arena own, Arena scratch,
                        const uint8_t *fitting)
{
    const PeerColumn *c = r->peers;
    const Peers *p = peers_fit(&own, scratch, c, fitting);
    double *value = ARENA_RAW(&own, double, c->rows + 1);
    peers_apply(value, scratch, p, c, r->kind);
    for (size_t i = 0; i < c->rows; i++)
        to[i * stride] = (float)value[i];
}

static void refit_partners(float *to, size_t stride, const RefitColumn *r, Arena own,
                           const uint8_t *fitting, const uint8_t *label)
{
    const PartnerColumn *c = r->partners;
    uint8_t *risky = ARENA_ARRAY(&own, uint8_t, c->names->count + 1);
    int64_t *value = ARENA_RAW(&own, int64_t, c->rows + 1);
    for (size_t i = 0; i < c->names->count; i++) {
        uint32_t row = r->row_of[i];
        risky[i] = row != NO_CODE && fitting[row] && label[row] != 0;
    }
    partners_count(value, c, risky);
    for (size_t i = 0; i < c->rows; i++)
        to[i * stride] = (float)value[i];
}

const Matrix *feature_refit(const void *context, Arena *keep, const uint32_t *part, size_t parts,
                            const uint8_t *label)
{
    const FeatureRefit *r = context;
    const Matrix *x = r->x;
    Matrix *out = ARENA_NEW(keep, Matrix);
    *out = *x; /* names and ids are shared */
    out->value = arena_copy(keep, x->value, x->rows * x->columns * sizeof(float));
    Arena own = arena_new(), scratch = arena_new();
    uint8_t *fitting = ARENA_ARRAY(&own, uint8_t, x->rows + 1);
    for (size_t i = 0; i < parts; i++)
        fitting[part[i]] = 1;
    for (size_t k = 0; k < r->columns; k++) {
        const RefitColumn *c = &r->column[k];
        float *to = out->value + c->column;
        if (c->partners != NULL)
            refit_partners(to, x->columns, c, own, fitting, label);
        else if (c->peers != NULL)
            refit_peers(to, x->columns, c, own, scratch, fitting);
    }
    arena_free(&own);
    arena_free(&scratch);
    return out;
}
