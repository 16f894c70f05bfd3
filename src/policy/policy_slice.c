/* policy_slice.c - everything that a book's expressions say about some customers, column by column.
 */
#include "policy/policy_internal.h"

#include <math.h>
#include <string.h>

bool slice_holds(const Column *c, size_t row)
{
    return column_valid(c, row) && c->boolean[row] != 0;
}

Str slice_fill(Arena *keep, const Template *t, const Slice *s, size_t row)
{
    return t == NULL || s->wordless ? S("") : template_fill(keep, t, s->language, s->table, row);
}

Str slice_say(const Slice *s, Str english)
{
    return message(s->messages, s->language, english);
}

Str slice_words(Arena *keep, const Slice *s, Str english, const MessagePart *part, size_t parts)
{
    return s->wordless ? english
                       : message_fill(keep, s->messages, s->language, english, part, parts);
}

Str instant_words(Arena *keep, Language language, int64_t time_us)
{
    Column c;
    column_init(&c, keep, S(""), TYPE_TIME, 0, 1, NULL);
    c.integer[0] = time_us;
    column_set_valid(&c, 0);
    return format_cell(keep, FORMAT_DATE, language, S(""), &c, 0);
}

int64_t slice_as_of(const Deciding *d, size_t k)
{
    return d->in->events->as_of_us[d->in->row[k]];
}

/* ---- columns ---- */

static void ask_clauses(Asked *a, const Clause *clause, size_t count)
{
    for (size_t i = 0; i < count; i++)
        a->of[a->count++] = clause[i].when;
}

void slice_prepare(Policy *p, Arena *keep)
{
    Asked *early = &p->early, *late = &p->late;
    size_t most = p->mitigatings + p->comparables + p->safeguards + p->measures + p->floors;
    for (size_t i = 0; i < p->actions; i++)
        most += 1 + p->action[i].parts;
    early->of = ARENA_ARRAY(keep, const Expr *, 2 + p->rules);
    late->of = ARENA_ARRAY(keep, const Expr *, most);
    early->of[early->count++] = p->exposure;
    if (p->insufficient != NULL)
        early->of[early->count++] = p->insufficient->when;
    for (size_t i = 0; i < p->rules; i++)
        early->of[early->count++] = p->rule[i].when;
    ask_clauses(late, p->mitigating, p->mitigatings);
    for (size_t i = 0; i < p->comparables; i++)
        late->of[late->count++] = p->comparable[i].when;
    ask_clauses(late, p->safeguard, p->safeguards);
    ask_clauses(late, p->measure, p->measures);
    ask_clauses(late, p->floor, p->floors);
    ask_clauses(late, p->action, p->actions);
    for (size_t i = 0; i < p->actions; i++)
        for (size_t k = 0; k < p->action[i].parts; k++)
            late->of[late->count++] = p->action[i].part[k].when;
    early->set = lang_set(keep, early->of, early->count);
    late->set = late->count > 0 ? lang_set(keep, late->of, late->count) : NULL;
}

/* Columns go to scratch. Temporaries of lang_evaluate take the free end of keep: an arena
 * that results grow in must never be the one passed by value. */
static Status evaluate(Column **out, Arena *scratch, Arena spare, const Asked *a, const Slice *s,
                       Error *err)
{
    *out = ARENA_ARRAY(scratch, Column, a->count);
    if (s->rows == 1 && a->set != NULL && lang_evaluate_set(*out, scratch, a->set, s->table))
        return STATUS_OK;
    for (size_t i = 0; i < a->count; i++)
        TRY(lang_evaluate(&(*out)[i], scratch, spare, a->of[i], s->table, NULL, err));
    return STATUS_OK;
}

/* The next of the columns. */
static Column *next(Column **from, size_t count)
{
    Column *first = *from;
    *from += count;
    return first;
}

/* Are the slice's customers all there are, in their order? Then their columns serve as they are. */
static bool is_whole(const Slice *s, const Deciding *d)
{
    if (s->rows != d->in->features->rows)
        return false;
    for (size_t k = 0; k < s->rows; k++)
        if (d->in->row[s->from + k] != k)
            return false;
    return true;
}

const Column *deciding_feature(const Deciding *d, size_t feature)
{
    const Table *features = d->in->features;
    Str name = d->p->plan->feature[feature].name.text;
    bool in_place = feature < features->columns && str_equal(features->column[feature].name, name);
    return in_place ? &features->column[feature] : table_find(features, name);
}

static void take_features(Slice *s, Arena *scratch, const Deciding *d)
{
    const Policy *p = d->p;
    bool whole = is_whole(s, d);
    s->table = table_new(scratch, S("policy"), s->rows, p->reads + OWN_NAMES + p->facts);
    s->table->columns = 0; /* the engine's own follow once they are known */
    for (size_t i = 0; i < p->reads; i++) {
        const Column *from = deciding_feature(d, p->read[i]);
        if (from == NULL)
            continue;
        Column *to = &s->table->column[s->table->columns++];
        if (whole)
            *to = *from;
        else
            column_take(to, scratch, from, d->in->row + s->from, s->rows);
    }
}

static void count_rules(Slice *s, Arena *scratch, const Policy *p)
{
    uint8_t *seen = ARENA_ARRAY(scratch, uint8_t, p->families);
    s->rules = ARENA_ARRAY(scratch, uint32_t, s->rows);
    s->severe_rules = ARENA_ARRAY(scratch, uint32_t, s->rows);
    s->families = ARENA_ARRAY(scratch, uint32_t, s->rows);
    for (size_t row = 0; row < s->rows; row++) {
        memset(seen, 0, p->families);
        for (size_t i = 0; i < p->rules; i++) {
            if (!slice_holds(&s->rule[i], row))
                continue;
            s->rules[row]++;
            s->severe_rules[row] += p->rule[i].severe;
            s->families[row] += !seen[p->rule[i].family_index];
            seen[p->rule[i].family_index] = 1;
        }
    }
}

static Column *own(Slice *s, Arena *scratch, const Policy *p, size_t which)
{
    const Name *name = &p->name[p->plan->features + which];
    Column *c = &s->table->column[s->table->columns++];
    column_init(c, scratch, name->name, name->type, name->scale, s->rows, NULL);
    return c;
}

/* What is not a number is missing, and so makes no condition true. */
static void own_reals(Slice *s, Arena *scratch, const Policy *p, size_t which, const double *value)
{
    Column *c = own(s, scratch, p, which);
    for (size_t row = 0; row < s->rows; row++) {
        double v = value[row];
        if (!isfinite(v))
            continue;
        c->real[row] = v;
        column_set_valid(c, row);
    }
}

static void own_constant(Slice *s, Arena *scratch, const Policy *p, size_t which, double value)
{
    Column *c = own(s, scratch, p, which);
    for (size_t row = 0; row < s->rows; row++) {
        c->real[row] = value;
        column_set_valid(c, row);
    }
}

static void own_counts(Slice *s, Arena *scratch, const Policy *p, size_t which,
                       const uint32_t *value)
{
    Column *c = own(s, scratch, p, which);
    for (size_t row = 0; row < s->rows; row++) {
        c->integer[row] = value[row];
        column_set_valid(c, row);
    }
}

static void add_own_names(Slice *s, Arena *scratch, const Deciding *d, const Column *exposure)
{
    const Policy *p = d->p;
    const PolicyInputs *in = d->in;
    own_reals(s, scratch, p, OWN_PROBABILITY, in->probability + s->from);
    own_reals(s, scratch, p, OWN_PROBABILITY_LOW, in->probability_low + s->from);
    own_reals(s, scratch, p, OWN_PROBABILITY_HIGH, in->probability_high + s->from);
    own_constant(s, scratch, p, OWN_THRESHOLD_MEDIUM, p->thresholds.medium);
    own_constant(s, scratch, p, OWN_THRESHOLD_HIGH, p->thresholds.high);
    own_constant(s, scratch, p, OWN_THRESHOLD_OFFBOARDING, p->thresholds.offboarding);
    own_counts(s, scratch, p, OWN_RULES, s->rules);
    own_counts(s, scratch, p, OWN_SEVERE_RULES, s->severe_rules);
    own_counts(s, scratch, p, OWN_FAMILIES, s->families);

    Column *stake = &s->table->column[s->table->columns++];
    *stake = *exposure;
    stake->name = p->name[p->plan->features + OWN_EXPOSURE].name;

    Column *overlay = own(s, scratch, p, OWN_INSUFFICIENT_DATA);
    for (size_t row = 0; row < s->rows; row++) {
        overlay->boolean[row] = p->insufficient != NULL && slice_holds(&s->insufficient, row);
        column_set_valid(overlay, row);
    }
}

Status slice_gather(Slice *s, Arena *scratch, Arena spare, const Deciding *d, Error *err)
{
    const Policy *p = d->p;
    Column *found;

    take_features(s, scratch, d);
    TRY(evaluate(&found, scratch, spare, &p->early, s, err));
    const Column *exposure = next(&found, 1);
    s->exposure = ARENA_ARRAY(scratch, double, s->rows);
    for (size_t row = 0; row < s->rows; row++) {
        double value = cell_double(exposure, row);
        s->exposure[row] = isfinite(value) ? value : 0;
    }
    if (p->insufficient != NULL)
        s->insufficient = *next(&found, 1);
    s->rule = found;
    count_rules(s, scratch, p);
    add_own_names(s, scratch, d, exposure);
    facts_gather(s, scratch, d);
    TRY(evaluate(&found, scratch, spare, &p->late, s, err));
    s->mitigating = next(&found, p->mitigatings);
    s->comparable = next(&found, p->comparables);
    s->safeguard = next(&found, p->safeguards);
    s->measure = next(&found, p->measures);
    s->floor = next(&found, p->floors);
    s->action = next(&found, p->actions);
    return near_gather(s, scratch, spare, p, found, err);
}
