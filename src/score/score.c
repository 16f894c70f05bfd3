#include "score/score_internal.h"

Status score_events(Events **out, Arena *keep, Arena scratch, const Plan *plan, const Dataset *data,
                    const int64_t *as_of_us, Error *err)
{
    Collapsed *collapsed;
    TRY(quality_collapse(&collapsed, keep, scratch, data->schema, data->versions, data->owner,
                         as_of_us, err));
    return events_build(out, keep, plan, data->profile, collapsed, as_of_us, err);
}

Status score_check_columns(const Plan *plan, const uint8_t *skip, const Dataset *data, Error *err)
{
    for (size_t a = 0; a < data->absent_count; a++) {
        const Absent *absent = &data->absent[a];
        if (!str_starts(absent->role, S("score_")))
            continue;
        for (size_t i = 0; i < plan->features; i++) {
            const Feature *f = &plan->feature[i];
            bool needed = f->use == USE_POLICY || (f->use == USE_MODEL && !skip[i]);
            if (!needed || !feature_reads(f, absent->column))
                continue;
            (void)error_set(err, STATUS_DATA, "%.*s has no column %.*s, which feature %.*s reads",
                            STR_ARG(absent->file), STR_ARG(absent->column), STR_ARG(f->name.text));
            return error_remedy(err, "add the column, or take the feature out of the features book "
                                     "and train again");
        }
    }
    return STATUS_OK;
}

/* A value of a category that the model has no level for: scored as none of the known ones. */
static void find_new_levels(Dataset *data, Arena *keep, const Bundle *b, const Table *features,
                            const uint32_t *row, size_t count)
{
    for (size_t i = 0; i < b->plan->features; i++) {
        const Column *c = &features->column[i];
        if (c->type != TYPE_CATEGORY || b->skip[i] || b->plan->feature[i].use != USE_MODEL)
            continue;
        const Feature *f = &b->plan->feature[i];
        uint64_t unknown = 0;
        Str example = S("");
        for (size_t k = 0; k < count; k++) {
            if (!column_valid(c, row[k]))
                continue;
            Str value = c->dictionary->text[c->code[row[k]]];
            bool known = false;
            for (size_t l = 0; l < f->levels && !known; l++)
                known = str_equal(f->level[l], value);
            if (!known && (unknown++ == 0 || str_compare(value, example) < 0))
                example = value;
        }
        if (unknown == 0)
            continue;
        findings_add(data->findings, SEVERITY_WARNING, "unknown_category", unknown,
                     str_format(keep,
                                "%llu customers to be scored have a value of %.*s that the model "
                                "has not learnt, such as %.*s",
                                (unsigned long long)unknown, STR_ARG(f->name.text),
                                STR_ARG(example)),
                     S("scored as none of the known values"));
    }
}

/* ---- everybody, a part at a time ---- */

enum { ROWS_TASK = 256, TASKS_MAX = 64 }; /* a matrix of at most so many rows is in memory */
enum { FEW = 4 };

static void take_answers(double *margin, double *probability, double *low, double *high,
                         const Answer *answer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        margin[i] = answer[i].margin;
        probability[i] = answer[i].probability;
        low[i] = answer[i].low;
        high[i] = answer[i].high;
    }
}

void score_rows(double *margin, double *probability, double *low, double *high, Arena scratch,
                const Bundle *b, const Matrix *x)
{
    Answer *answer = ARENA_ARRAY(&scratch, Answer, x->rows + 1);
    bundle_score(answer, scratch, b, x);
    take_answers(margin, probability, low, high, answer, x->rows);
}

typedef struct Answering {
    const Bundle *bundle;
    Scored *scored;
    const Matrix *x; /* of the customers from `first` on */
    size_t first;
} Answering;

static Matrix part_of(const Matrix *x, size_t task)
{
    Matrix part = *x;
    size_t from = task * ROWS_TASK;
    part.rows = x->rows - from < ROWS_TASK ? x->rows - from : ROWS_TASK;
    part.value = x->value + from * x->columns;
    return part;
}

static void answer_task(void *context, size_t task, Arena scratch)
{
    const Answering *w = context;
    Scored *s = w->scored;
    const Matrix part = part_of(w->x, task);
    size_t at = w->first + task * ROWS_TASK;
    score_rows(s->margin + at, s->probability + at, s->low + at, s->high + at, scratch, w->bundle,
               &part);
}

/* Few customers are scored where they stand, and their matrix is there when they are explained. */
static Status answer_few(Scored *s, Arena *keep, const Bundle *b, Error *err)
{
    Matrix *x;
    Answer answer[FEW];
    TRY(feature_matrix_planned(&x, keep, b->columns, s->features, s->id, s->row, s->count, err));
    if (s->options.brief) {
        bundle_score(answer, *keep, b, x);
    } else { /* the way to a margin is half of the way to its reasons */
        double *contribution = ARENA_RAW(keep, double, x->rows *(x->columns + 1) + 1);
        bundle_answer(answer, contribution, *keep, b, x);
        s->contribution = contribution;
    }
    take_answers(s->margin, s->probability, s->low, s->high, answer, s->count);
    s->matrix = x;
    return STATUS_OK;
}

static Status answer_all(Scored *s, Arena *keep, const Bundle *b, Team *team, Error *err)
{
    Status status = STATUS_OK;
    s->margin = ARENA_ARRAY(keep, double, s->count + 1);
    s->probability = ARENA_ARRAY(keep, double, s->count + 1);
    s->low = ARENA_ARRAY(keep, double, s->count + 1);
    s->high = ARENA_ARRAY(keep, double, s->count + 1);
    if (s->count <= FEW)
        return answer_few(s, keep, b, err);
    Arena own = arena_new();
    Answering w = {.bundle = b, .scored = s};
    for (; w.first < s->count && status == STATUS_OK; w.first += (size_t)ROWS_TASK * TASKS_MAX) {
        Arena block = own;
        Matrix *x;
        size_t left = s->count - w.first;
        size_t rows = left < (size_t)ROWS_TASK * TASKS_MAX ? left : (size_t)ROWS_TASK * TASKS_MAX;
        status = feature_matrix_planned(&x, &block, b->columns, s->features, s->id,
                                        s->row + w.first, rows, err);
        w.x = x;
        if (status == STATUS_OK)
            team_run(team, (rows + ROWS_TASK - 1) / ROWS_TASK, answer_task, &w);
    }
    arena_free(&own);
    return status;
}

Status score_features(Scored **out, Arena *keep, Arena scratch, const Bundle *b, Dataset *data,
                      const uint32_t *row, size_t count, const ScoreOptions *options, Team *team,
                      Error *err)
{
    Scored *s = *out = ARENA_NEW(keep, Scored);
    int64_t *as_of = ARENA_ARRAY(keep, int64_t, data->customers + 1);
    for (size_t i = 0; i < data->customers; i++)
        as_of[i] = data->as_of_us;
    s->count = count;
    s->row = row;
    s->id = data->id;
    if (options != NULL)
        s->options = *options;
    TRY(score_events(&s->events, keep, scratch, b->plan, data, as_of, err));
    TRY(feature_table_keeping(&s->features, keep, scratch, b->plan, s->events, team, err));
    find_new_levels(data, keep, b, s->features, row, count);
    s->contradictory = ARENA_ARRAY(keep, uint8_t, count + 1);
    for (size_t i = 0; i < count; i++)
        s->contradictory[i] = data->label[row[i]] == LABEL_CONTRADICTORY;
    return STATUS_OK;
}

Status score_model(Scored *s, Arena *keep, const Bundle *b, Team *team, Error *err)
{
    return answer_all(s, keep, b, team, err);
}

Status score_dataset(Scored **out, Arena *keep, Arena scratch, const Bundle *b, Dataset *data,
                     const uint32_t *row, size_t count, const ScoreOptions *options, Team *team,
                     Error *err)
{
    TRY(score_features(out, keep, scratch, b, data, row, count, options, team, err));
    Scored *s = *out;
    TRY(score_model(s, keep, b, team, err));
    const PolicyInputs inputs = {.events = s->events,
                                 .features = s->features,
                                 .row = row,
                                 .id = data->id,
                                 .count = count,
                                 .margin = s->margin,
                                 .probability = s->probability,
                                 .probability_low = s->low,
                                 .probability_high = s->high,
                                 .columns = b->columns,
                                 .contradictory = s->contradictory,
                                 .facts = s->options.facts,
                                 .earlier = s->options.earlier,
                                 .peers = b->peers,
                                 .language = s->options.language};
    return policy_outcomes(&s->outcome, &s->fired, keep, scratch, b->policy, &inputs, team, err);
}

/* ---- some of them, whole ---- */

static bool is_whole(const Scored *s, const uint32_t *position, size_t count)
{
    bool whole = count == s->count;
    for (size_t i = 0; i < count && whole; i++)
        whole = position == NULL || position[i] == i;
    return whole;
}

Status score_matrix(Matrix **out, Arena *keep, const Bundle *b, const Scored *s,
                    const uint32_t *position, size_t count, Error *err)
{
    if (s->matrix != NULL && is_whole(s, position, count)) {
        *out = arena_copy(keep, s->matrix, sizeof **out);
        return STATUS_OK;
    }
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, count + 1);
    for (size_t i = 0; i < count; i++)
        row[i] = s->row[position == NULL ? i : position[i]];
    return feature_matrix_planned(out, keep, b->columns, s->features, s->id, row, count, err);
}

typedef struct Explaining {
    const Bundle *bundle;
    const Matrix *x;
    double *phi;
} Explaining;

static void explain_task(void *context, size_t task, Arena scratch)
{
    const Explaining *w = context;
    const Matrix part = part_of(w->x, task);
    bundle_contributions(w->phi + task * ROWS_TASK * (part.columns + 1), scratch, w->bundle, &part);
}

double *score_contributions(Arena *keep, const Bundle *b, const Matrix *x, Team *team)
{
    double *phi = ARENA_RAW(keep, double, x->rows *(x->columns + 1) + 1);
    team_run(team, (x->rows + ROWS_TASK - 1) / ROWS_TASK, explain_task, &(Explaining){b, x, phi});
    return phi;
}

Status score_decide(Decision **out, Arena *keep, Arena scratch, const Bundle *b, const Scored *s,
                    const uint32_t *position, size_t count, Team *team, Error *err)
{
    Matrix *x = NULL;
    uint32_t *row = ARENA_ARRAY(&scratch, uint32_t, count + 1);
    uint8_t *contradictory = ARENA_ARRAY(&scratch, uint8_t, count + 1);
    const double *from[] = {s->margin, s->probability, s->low, s->high};
    double *number[COUNT_OF(from)];
    for (size_t k = 0; k < COUNT_OF(from); k++) {
        number[k] = ARENA_ARRAY(&scratch, double, count + 1);
        for (size_t i = 0; i < count; i++)
            number[k][i] = from[k][position[i]];
    }
    for (size_t i = 0; i < count; i++) {
        row[i] = s->row[position[i]];
        contradictory[i] = s->contradictory[position[i]];
    }
    const double *contribution = NULL;
    if (!s->options.brief) {
        TRY(score_matrix(&x, &scratch, b, s, position, count, err));
        bool known = s->contribution != NULL && is_whole(s, position, count);
        contribution = known ? s->contribution : score_contributions(&scratch, b, x, team);
    }
    const PolicyInputs inputs = {.events = s->events,
                                 .features = s->features,
                                 .row = row,
                                 .id = s->id,
                                 .count = count,
                                 .margin = number[0],
                                 .probability = number[1],
                                 .probability_low = number[2],
                                 .probability_high = number[3],
                                 .contribution = contribution,
                                 .matrix = x,
                                 .columns = b->columns,
                                 .contradictory = contradictory,
                                 .facts = s->options.facts,
                                 .earlier = s->options.earlier,
                                 .peers = b->peers,
                                 .language = s->options.language};
    return policy_decide(out, keep, scratch, b->policy, &inputs, team, err);
}

uint32_t *score_sample(size_t *count, Arena *keep, const Scored *s, size_t most)
{
    size_t n = *count = s->count < most ? s->count : most;
    uint32_t *position = ARENA_ARRAY(keep, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        position[i] = (uint32_t)(i * s->count / n);
    return position;
}
