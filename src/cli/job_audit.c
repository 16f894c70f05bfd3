/* job_audit.c - the leakage audit's stages: before training, and after the validation. */
#include "cli/job.h"

#include <string.h>

enum { SAMPLE_MAX = 5000, SCORED_MAX = 20000 };

/* Counts of early transactions are 0 for whom nothing is on record, so a model that sees counts
 * knows who has no record, whatever is kept from it. What that is worth is said, not hidden. */
static void find_unseen(Job *j)
{
    size_t unseen = 0, risky = 0, seen = 0, seen_risky = 0;
    for (size_t i = 0; i < j->fitting.count; i++) {
        uint32_t customer = j->training_row[i];
        bool none = j->events->start[customer] == j->events->start[customer + 1];
        unseen += none;
        seen += !none;
        risky += none && j->fitting.label[i];
        seen_risky += !none && j->fitting.label[i];
    }
    if (unseen == 0 || seen == 0)
        return;
    findings_add(j->data->findings, SEVERITY_WARNING, "no_record_is_visible", unseen,
                 str_format(j->keep,
                            "%zu labelled customers have no transaction and %.1f %% of them were "
                            "suspended, against %.1f %% of the others; early counts of 0 let the "
                            "model see this",
                            unseen, 100 * (double)risky / (double)unseen,
                            100 * (double)seen_risky / (double)seen),
                 S("judge by the strata that leave them out; they are scored with insufficient "
                   "data and never proposed"));
}

/* Loud: what the audit found is said before anything is trained on all customers. */
static void say_findings(const Job *j, size_t known)
{
    const Findings *all = j->data->findings;
    for (size_t i = known; i < all->count; i++) {
        const Finding *f = &all->item[i];
        const char *end = memchr(f->what.data, ';', f->what.size);
        Str short_form =
            end == NULL ? f->what : str_slice(f->what, 0, (size_t)(end - f->what.data));
        if (f->severity != SEVERITY_INFO)
            talk(j->args, "leakage audit: %.*s - %.*s", STR_ARG(short_form), STR_ARG(f->done));
    }
}

static const uint32_t *scored_rows(Job *j, size_t *count)
{
    const Dataset *d = j->data;
    uint32_t *row = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    uint32_t *drawn = ARENA_ARRAY(j->keep, uint32_t, d->customers + 1);
    size_t all = 0;
    for (size_t i = 0; i < d->customers; i++)
        if (d->cohort[i] == COHORT_SCORED)
            row[all++] = (uint32_t)i;
    *count = audit_pick(drawn, all, SCORED_MAX, seed_derive(j->learn.seed, 0x5C07ED), j->scratch);
    for (size_t i = 0; i < *count; i++)
        drawn[i] = row[drawn[i]];
    return drawn;
}

/* When a customer was first seen, by row. */
static const int64_t *joined(Job *j, const uint32_t *row, size_t count)
{
    int64_t *first = ARENA_ARRAY(j->keep, int64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t from = j->events->start[row[i]], to = j->events->start[row[i] + 1];
        first[i] = to > from ? j->events->created_us[from] : INT64_MAX;
    }
    return first;
}

static Status leave_out(Job *j, Error *err)
{
    size_t left = 0;
    for (size_t i = 0; i < j->audit->kept_outs; i++)
        if (j->audit->kept_out[i].overruled.size == 0)
            j->skip[j->audit->kept_out[i].feature] = 1;
    for (size_t i = 0; i < j->plan->features; i++)
        left += j->plan->feature[i].use == USE_MODEL && !j->skip[i];
    if (left > 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_DATA, "the audit leaves no feature to the model");
    return error_remedy(err, "every one reads what is as good as the label: measure behaviour, or "
                             "say per feature why it was known in time: `leak_overruled: ...`");
}

Status job_audit_columns(Job *j, Error *err)
{
    const Dataset *d = j->data;
    size_t n = j->fitting.count, m = 0, known = d->findings->count;
    const uint32_t *scored = scored_rows(j, &m);
    static const Str uses[] = {{"model", 5}, {"policy", 6}, {"monitor", 7}};
    Str *use = ARENA_ARRAY(j->keep, Str, j->plan->features + 1);
    FeatureSight *sight = ARENA_ARRAY(j->keep, FeatureSight, j->plan->features + 1);
    for (size_t i = 0; i < j->plan->features; i++)
        sight[i] = feature_sight(j->plan, &j->plan->feature[i]);
    for (size_t i = 0; i < j->plan->features; i++)
        use[i] = j->skip[i] ? S("audit") : uses[j->plan->feature[i].use];
    audit_raw(&j->raw, j->keep, j->scratch, d, j->events, j->whole, j->training_row, n, scored, m);
    const AuditInputs inputs = {
        .labelled = table_take(j->keep, j->features, j->training_row, n),
        .scored = m == 0 ? NULL : table_take(j->keep, j->features, scored, m),
        .use = use,
        .sight = sight,
        .label = j->fitting.label,
        .group = j->group,
        .whole =
            j->slices == j->features ? NULL : table_take(j->keep, j->slices, j->training_row, n),
        .plan = j->plan,
        .raw = &j->raw,
        .dropped = d->dropped,
        .dropped_count = d->dropped_count};
    find_unseen(j);
    TRY(audit_columns(&j->audit, j->keep, j->scratch, &inputs, &j->learn, d->findings,
                      j->args->team, &j->args->progress, err));
    TRY(leave_out(j, err));
    audit_shared(j->audit, j->keep, j->scratch, d, d->findings);
    if (!j->schema->timeless) {
        const JoiningInputs joining = {.labelled_us = joined(j, j->training_row, n),
                                       .scored_us = joined(j, scored, m),
                                       .labelled = n,
                                       .scored = m,
                                       .as_of_us = d->as_of_us,
                                       .by = S("by their first transaction")};
        audit_joining(j->audit, j->keep, j->scratch, &inputs, &joining, d->findings);
        audit_windows(j->audit, j->scratch, &inputs, &joining, d->findings);
    }
    j->run.audit = j->audit;
    say_findings(j, known);
    return STATUS_OK;
}

Status job_audit_cohorts(Job *j, Error *err)
{
    size_t m = 0, known = j->data->findings->count;
    const uint32_t *scored = scored_rows(j, &m);
    Matrix *x;
    if (m == 0)
        return STATUS_OK;
    TRY(feature_matrix(&x, j->keep, j->plan, j->features, j->skip, j->data->id, scored, m, err));
    Matrix *whole = NULL; /* cut histories would be told from whole ones by their length */
    if (j->slices != j->features)
        TRY(feature_matrix(&whole, j->keep, j->plan, j->slices, j->skip, j->data->id,
                           j->training_row, j->fitting.count, err));
    audit_adversary(j->audit, j->keep, j->scratch, whole != NULL ? whole : j->set.x, j->set.group,
                    x, &j->learn, j->data->findings, j->args->team);
    say_findings(j, known);
    return STATUS_OK;
}

/* ---- after the validation ---- */

/* What the procedure does it does on a sample of a large bank as well, so that a score of shuffles
 * does not cost a score of trainings. */
static Status take_sample(const TrainingSet **sample, uint32_t **row, Job *j, Error *err)
{
    const TrainingSet *set = *sample = &j->set;
    size_t n = set->x->rows;
    uint32_t *at = *row = ARENA_ARRAY(j->keep, uint32_t, n + 1);
    size_t count = audit_sample(at, set->label, n, SAMPLE_MAX, 10 * j->learn.folds,
                                seed_derive(j->learn.seed, 0xC0117801), j->scratch);
    if (count == n)
        return STATUS_OK;
    TrainingSet *out = ARENA_NEW(j->keep, TrainingSet);
    uint8_t *label = ARENA_ARRAY(j->keep, uint8_t, count);
    uint32_t *of = ARENA_ARRAY(j->keep, uint32_t, count); /* rows of the table */
    uint32_t *group = set->group == NULL ? NULL : ARENA_ARRAY(j->keep, uint32_t, count);
    const uint8_t **in = ARENA_ARRAY(j->keep, const uint8_t *, set->strata + 1);
    for (size_t s = 0; s < set->strata; s++) {
        uint8_t *inside = ARENA_ARRAY(j->keep, uint8_t, count);
        for (size_t i = 0; i < count; i++)
            inside[i] = set->in_stratum[s][at[i]];
        in[s] = inside;
    }
    for (size_t i = 0; i < count; i++) {
        label[i] = set->label[at[i]];
        of[i] = j->training_row[at[i]];
        if (group != NULL)
            group[i] = set->group[at[i]];
    }
    *out = *set;
    out->x = matrix_take(j->keep, set->x, at, count);
    out->label = label;
    out->in_stratum = in;
    out->group = group;
    out->refit = NULL;
    *sample = out;
    talk(j->args, "the negative control and the ablation use %zu of %zu customers", count, n);
    return job_refit(out, j, of, err);
}

/* Columns of t that are wanted, of some of its rows. */
static const Table *some(Arena *keep, const Table *t, const uint8_t *want, const uint32_t *row,
                         size_t rows)
{
    Table *out = table_new(keep, t->name, t->rows, t->columns);
    size_t count = 0;
    for (size_t k = 0; k < t->columns; k++)
        if (want[k])
            out->column[count++] = t->column[k];
    out->columns = count;
    return table_take(keep, out, row, rows);
}

/* What was kept out and how customers were observed, side by side. */
static const Table *suspicious(Job *j, const uint32_t *row, size_t rows)
{
    const Table *raw = j->raw.labelled, *features = j->features;
    uint8_t *want = ARENA_ARRAY(j->keep, uint8_t, raw->columns + features->columns + 1);
    uint8_t *want_raw = want + features->columns;
    uint32_t *of = ARENA_ARRAY(j->keep, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        of[i] = j->training_row[row[i]];
    for (size_t i = 0; i < j->plan->features; i++)
        want[i] = j->plan->feature[i].use != USE_MODEL &&
                  feature_sight(j->plan, &j->plan->feature[i]) == SIGHT_OBSERVATION;
    for (size_t i = 0; i < j->audit->kept_outs; i++)
        want[j->audit->kept_out[i].feature] = 1;
    for (size_t i = 0; i < j->audit->columns; i++) {
        const Probe *p = &j->audit->column[i];
        for (size_t k = 0; k < raw->columns; k++)
            want_raw[k] = want_raw[k] || (str_equal(raw->column[k].name, p->name) &&
                                          (p->leak != LEAK_NONE || p->about == PROBE_OBSERVATION));
    }
    const Table *a = some(j->keep, features, want, of, rows);
    const Table *b = some(j->keep, raw, want_raw, row, rows);
    Table *out = table_new(j->keep, S("suspicious"), rows, a->columns + b->columns);
    memcpy(out->column, a->column, a->columns * sizeof *out->column);
    memcpy(out->column + a->columns, b->column, b->columns * sizeof *out->column);
    return out;
}

static const Table *protected_columns(Job *j, const uint32_t *row, size_t rows)
{
    const Table *profile = j->data->profile;
    uint8_t *want = ARENA_ARRAY(j->keep, uint8_t, profile->columns + 1);
    uint32_t *of = ARENA_ARRAY(j->keep, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        of[i] = j->training_row[row[i]];
    for (size_t k = 0; k < profile->columns; k++) {
        const SchemaColumn *c = schema_customer_column(j->schema, profile->column[k].name);
        want[k] = c != NULL && c->protected.text.size > 0;
    }
    return some(j->keep, profile, want, of, rows);
}

/* Two repeats, fewer for more customers: the work stays about that of the control. */
static size_t ablation_repeats(const Job *j, size_t rows)
{
    size_t repeats = rows > 1000 ? 1 : 2;
    return repeats < j->learn.repeats ? repeats : j->learn.repeats;
}

static void ablate(Job *j, const TrainingSet *sample, const Candidate *chosen, const uint32_t *row)
{
    size_t rows = sample->x->rows, repeats = ablation_repeats(j, rows);
    const MatrixPlan *columns = matrix_plan(j->keep, j->plan, j->skip);
    Str *family = ARENA_ARRAY(j->keep, Str, columns->columns + 1);
    uint32_t **fold = ARENA_ARRAY(j->keep, uint32_t *, repeats);
    for (size_t k = 0; k < columns->columns; k++)
        family[k] = j->plan->feature[columns->feature[k]].family.text;
    for (size_t r = 0; r < repeats; r++) {
        if (sample == &j->set) {
            fold[r] = j->run.validation->fold[r];
            continue;
        }
        fold[r] = ARENA_ARRAY(j->keep, uint32_t, rows);
        learn_folds(fold[r], sample->label, sample->group, rows, j->learn.folds,
                    seed_derive(seed_derive(j->learn.seed, 0xAB1A7E), r));
    }
    const AblationInputs inputs = {.set = sample,
                                   .candidate = chosen,
                                   .fold = fold,
                                   .repeats = repeats,
                                   .family = family,
                                   .suspicious = suspicious(j, row, rows),
                                   .protected = protected_columns(j, row, rows)};
    audit_ablation(j->audit, j->keep, j->scratch, &inputs, &j->learn, j->data->findings,
                   j->args->team, &j->args->progress);
}

Status job_audit_procedure(Job *j, Error *err)
{
    const Validation *v = j->run.validation;
    const Candidate *chosen = &v->candidate[v->chosen];
    const TrainingSet *sample;
    uint32_t *row;
    size_t known = j->data->findings->count;
    TRY(take_sample(&sample, &row, j, err));
    TRY(audit_negative_control(j->audit, j->keep, j->scratch, sample, chosen, &j->learn,
                               j->data->findings, j->args->team, &j->args->progress, err));
    if (j->ablation) {
        job_stage(j, "ablation", NULL);
        ablate(j, sample, chosen, row);
    }
    say_findings(j, known);
    return STATUS_OK;
}
