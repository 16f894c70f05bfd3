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
        const Feature *f = &b->plan->feature[i];
        const Column *c = &features->column[i];
        if (f->use != USE_MODEL || b->skip[i] || lang_type(f->expr) != TYPE_CATEGORY)
            continue;
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
        findings_add(data->findings, SEVERITY_WARNING, "unknown_category", unknown,
                     str_format(keep,
                                "%llu customers to be scored have a value of %.*s that the model "
                                "has not learnt, such as %.*s",
                                (unsigned long long)unknown, STR_ARG(f->name.text),
                                STR_ARG(example)),
                     S("scored as none of the known values"));
    }
}

enum { ROWS_TASK = 256 };

typedef struct Answering {
    const Bundle *bundle;
    Scored *scored;
} Answering;

static void answer_task(void *context, size_t task, Arena scratch)
{
    const Answering *w = context;
    Scored *s = w->scored;
    size_t from = task * ROWS_TASK;
    Matrix part = *s->x;
    part.rows = s->count - from < ROWS_TASK ? s->count - from : ROWS_TASK;
    part.value = s->x->value + from * part.columns;
    Answer *answer = ARENA_ARRAY(&scratch, Answer, part.rows);
    bundle_answer(answer, s->contribution + from * (part.columns + 1), scratch, w->bundle, &part);
    for (size_t i = 0; i < part.rows; i++) {
        s->margin[from + i] = answer[i].margin;
        s->probability[from + i] = answer[i].probability;
        s->low[from + i] = answer[i].low;
        s->high[from + i] = answer[i].high;
    }
}

Status score_dataset(Scored **out, Arena *keep, Arena scratch, const Bundle *b, Dataset *data,
                     const uint32_t *row, size_t count, const ScoreOptions *options, Team *team,
                     Error *err)
{
    Scored *s = *out = ARENA_NEW(keep, Scored);
    int64_t *as_of = ARENA_ARRAY(keep, int64_t, data->customers + 1);
    for (size_t i = 0; i < data->customers; i++)
        as_of[i] = data->as_of_us;
    s->count = count;
    s->row = row;
    TRY(score_events(&s->events, keep, scratch, b->plan, data, as_of, err));
    TRY(feature_table(&s->features, keep, scratch, b->plan, s->events, team, err));
    TRY(feature_matrix(&s->x, keep, b->plan, s->features, b->skip, data->id, row, count, err));
    find_new_levels(data, keep, b, s->features, row, count);

    s->margin = ARENA_ARRAY(keep, double, count + 1);
    s->probability = ARENA_ARRAY(keep, double, count + 1);
    s->low = ARENA_ARRAY(keep, double, count + 1);
    s->high = ARENA_ARRAY(keep, double, count + 1);
    s->contribution = ARENA_RAW(keep, double, count *(s->x->columns + 1) + 1);
    team_run(team, (count + ROWS_TASK - 1) / ROWS_TASK, answer_task, &(Answering){b, s});
    s->facts = options == NULL ? NULL : options->facts;
    s->earlier = options == NULL ? NULL : options->earlier;
    s->contradictory = ARENA_ARRAY(keep, uint8_t, count + 1);
    for (size_t i = 0; i < count; i++)
        s->contradictory[i] = data->label[row[i]] == LABEL_CONTRADICTORY;
    const PolicyInputs inputs = {.events = s->events,
                                 .features = s->features,
                                 .row = row,
                                 .id = data->id,
                                 .count = count,
                                 .margin = s->margin,
                                 .probability = s->probability,
                                 .probability_low = s->low,
                                 .probability_high = s->high,
                                 .contribution = s->contribution,
                                 .matrix = s->x,
                                 .columns = b->columns,
                                 .contradictory = s->contradictory,
                                 .facts = s->facts,
                                 .earlier = s->earlier};
    return policy_decide(&s->decision, keep, scratch, b->policy, &inputs, team, err);
}
