/* What a feature reads, itself and through earlier features, and who may therefore use it: the
 * design's rule on what may enter a model, checked on the expression and not on trust. */
#include "feature/feature_internal.h"

static Status check_ground(const Feature *f, int use, const SchemaColumn *c, Error *err)
{
    if (use == USE_MONITOR || c == NULL || c->protected.text.size == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT,
                    "feature %.*s reads %.*s, which stands for a protected ground (%.*s)",
                    STR_ARG(f->name.text), STR_ARG(c->name.text), STR_ARG(c->protected.text));
    return error_remedy(err, "leave it out, or watch it with `use: monitor`");
}

/* A point in time, not a span: of min(created_at) inside an aggregate too. The event before this
 * one may be looked at: how long ago it was is behaviour. */
static bool tells_time(const Aggregate *a, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Expr *part[] = {a[i].argument, a[i].filter, a[i].base};
        if (a[i].type == TYPE_TIME && a[i].kind != AGGREGATE_PREVIOUS)
            return true;
        for (size_t k = 0; k < COUNT_OF(part); k++) {
            size_t nested = 0;
            const Aggregate *inner = part[k] == NULL ? NULL : lang_aggregates(part[k], &nested);
            if (tells_time(inner, nested))
                return true;
        }
    }
    return false;
}

static bool among(const Str *names, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

/* Points in time and versions say when and how a customer was observed, not what they did. (A
 * difference of two times of one event is behaviour: it passes.) */
static Status check_observation(const Feature *f, Error *err)
{
    size_t aggregates;
    const Aggregate *a = lang_aggregates(f->expr, &aggregates);
    const char *tells = NULL;
    if (among(f->reads, f->read_count, S("records")))
        tells = "versions of a row were exported";
    if (tells_time(a, aggregates) || str_contains(lang_text(f->expr), S("time '")))
        tells = "a customer joined or fell silent";
    if (tells == NULL)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT, "feature %.*s would tell the model when or how often %s",
                    STR_ARG(f->name.text), tells);
    return error_remedy(err, "watch it with `use: monitor`");
}

/* May something of this use read the feature? Its own type and place are not looked at. */
static Status check_reading(const Plan *p, const Feature *f, int use, Mark *at, Error *err)
{
    size_t count;
    *at = f->formula.mark;
    for (size_t i = 0; i < f->earlier_count; i++) {
        const Feature *other = &p->feature[f->earlier[i]];
        const Error *why = other->barred[use];
        if (why == NULL)
            continue;
        (void)error_set(err, why->status, "feature %.*s uses feature %.*s, and %s",
                        STR_ARG(f->name.text), STR_ARG(other->name.text), why->message);
        return error_remedy(err, "%s", why->remedy);
    }
    TRY(population_reading(p, f, use, err));
    const Str *names = lang_event_names(f->expr, &count);
    for (size_t i = 0; i < count; i++)
        TRY(check_ground(f, use, schema_transaction_column(p->schema, names[i]), err));
    names = lang_names(f->expr, &count);
    for (size_t i = 0; i < count; i++) {
        TRY(check_ground(f, use, schema_customer_column(p->schema, names[i]), err));
        if (use == USE_MODEL && str_equal(names[i], S("as_of"))) {
            (void)error_set(err, STATUS_FORMAT,
                            "feature %.*s measures time up to as_of, which tells suspended "
                            "accounts by their silence",
                            STR_ARG(f->name.text));
            return error_remedy(err, "use it for policy or monitor, or take a window `first 14d`");
        }
    }
    if (use != USE_MODEL)
        return STATUS_OK;
    const Aggregate *a = lang_aggregates(f->expr, &count);
    for (size_t i = 0; i < count; i++) {
        Window w = a[i].has_window ? a[i].window : f->window;
        bool answered = w.kind == WINDOW_ALL && p->observed_equally.size > 0;
        if (w.kind == WINDOW_FIRST || p->schema->timeless || answered)
            continue;
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s gives the model a window that ends at as_of; it would "
                        "see the silence that follows a suspension",
                        STR_ARG(f->name.text));
        *at = f->over.text.size > 0 ? f->over.mark : f->formula.mark;
        return error_remedy(err, "take `over: first 14d`, or `use: policy`");
    }
    return check_observation(f, err);
}

static Status check_type(const Feature *f, Error *err)
{
    Type type = lang_type(f->expr);
    if (f->use != USE_MODEL || !(type == TYPE_TEXT || type == TYPE_TIME || type == TYPE_DATE))
        return STATUS_OK;
    Str kind = type_name(type);
    (void)error_set(err, STATUS_FORMAT, "feature %.*s is of type %.*s, which a model cannot use",
                    STR_ARG(f->name.text), STR_ARG(kind));
    return error_remedy(err, "make it a number, a boolean or a category");
}

/* The longest `first` window behind a feature, and whether a comparison stands behind it. */
static void find_longest(const Plan *p, Feature *f, const uint32_t *earlier)
{
    size_t count;
    const Aggregate *a = lang_aggregates(f->expr, &count);
    const Population *of = lang_population(f->expr);
    f->compares = of != NULL;
    if (of != NULL && of->kind == POPULATION_PARTNERS && f->window.kind == WINDOW_FIRST)
        f->longest_first_us = f->window.duration_us;
    for (size_t i = 0; i < count; i++) {
        Window w = a[i].has_window ? a[i].window : f->window;
        if (w.kind == WINDOW_FIRST && w.duration_us > f->longest_first_us)
            f->longest_first_us = w.duration_us;
    }
    for (size_t i = 0; i < f->earlier_count; i++) {
        const Feature *before = &p->feature[earlier[i]];
        f->compares = f->compares || before->compares;
        if (before->longest_first_us > f->longest_first_us)
            f->longest_first_us = before->longest_first_us;
    }
}

/* Columns, and the earlier features that stand behind the other names. */
static void list_reads(const Plan *p, Arena *keep, Feature *f)
{
    size_t customers, events;
    const Str *customer = lang_names(f->expr, &customers);
    const Str *event = lang_event_names(f->expr, &events);
    Dictionary *reads = dictionary_new(keep);
    uint32_t *earlier = ARENA_ARRAY(keep, uint32_t, customers + 1);
    for (size_t i = 0; i < events; i++)
        (void)dictionary_add(reads, event[i]);
    for (size_t i = 0; i < customers; i++) {
        size_t at = 0;
        const Feature *before = p->feature;
        while (before + at < f && !str_equal(before[at].name.text, customer[i]))
            at++;
        bool column = schema_customer_column(p->schema, customer[i]) != NULL ||
                      str_equal(customer[i], S("records")) || str_equal(customer[i], S("as_of"));
        if (column || before + at == f) {
            (void)dictionary_add(reads, customer[i]);
            continue;
        }
        earlier[f->earlier_count++] = (uint32_t)at;
        for (size_t k = 0; k < before[at].read_count; k++)
            (void)dictionary_add(reads, before[at].reads[k]);
    }
    size_t aggregates;
    (void)lang_aggregates(f->expr, &aggregates);
    f->source = (uint32_t)(f - p->feature);
    for (size_t i = 0; i < f->earlier_count && aggregates == 0; i++) {
        uint32_t source = p->feature[earlier[i]].source;
        (void)lang_aggregates(p->feature[source].expr, &aggregates);
        f->source = aggregates > 0 ? source : f->source;
    }
    find_longest(p, f, earlier);
    f->earlier = earlier;
    f->reads = reads->text;
    f->read_count = reads->count;
}

/* Would the aggregate give the same whatever the order and time of the events? */
static bool timeless(const Aggregate *a)
{
    if (a->kind == AGGREGATE_FIRST || a->kind == AGGREGATE_LAST || a->kind >= AGGREGATE_MATCHED)
        return false;
    const Expr *part[] = {a->argument, a->filter, a->base};
    size_t nested = 0;
    for (size_t k = 0; k < COUNT_OF(part) && nested == 0; k++)
        if (part[k] != NULL)
            (void)lang_aggregates(part[k], &nested);
    return nested == 0; /* what looks back from an event asks which came before */
}

Status plan_check_time(const Plan *p, const Feature *f, Error *err)
{
    size_t count, names;
    const Aggregate *a = lang_aggregates(f->expr, &count);
    const Str *name = lang_names(f->expr, &names);
    const char *asks = NULL;
    Mark at = f->formula.mark;
    if (!p->schema->timeless)
        return STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        Window w = a[i].has_window ? a[i].window : f->window;
        if (w.kind != WINDOW_ALL) {
            asks = "a window";
            at = !a[i].has_window && f->over.text.size > 0 ? f->over.mark : at;
        } else if (!timeless(&a[i]))
            asks = "an order";
    }
    asks = among(name, names, S("as_of")) ? "an age" : asks;
    if (asks == NULL)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT,
                    "feature %.*s asks for %s of events, and the schema book gives them no time",
                    STR_ARG(f->name.text), asks);
    (void)error_remedy(err, "name the column of the time as `created` in the schema book, or count "
                            "over all events: `over: all`");
    return error_place(err, p->file, at.line, at.column);
}

Status plan_check_use(const Plan *p, Arena *keep, Feature *f, Error *err)
{
    Mark at;
    list_reads(p, keep, f);
    if (check_type(f, err) != STATUS_OK)
        return error_place(err, p->file, f->formula.mark.line, f->formula.mark.column);
    for (int use = USE_MODEL; use <= USE_MONITOR; use++) {
        Error why = {0};
        if (check_reading(p, f, use, &at, &why) == STATUS_OK)
            continue;
        f->barred[use] = arena_copy(keep, &why, sizeof why);
        if (use != f->use)
            continue;
        (void)error_set(err, why.status, "%s", why.message);
        (void)error_remedy(err, "%s", why.remedy);
        return error_place(err, p->file, at.line, at.column);
    }
    return STATUS_OK;
}

int64_t plan_common_age(const Plan *p)
{
    int64_t longest = 14 * DAY_US;
    for (size_t i = 0; i < p->features; i++)
        if (p->feature[i].use == USE_MODEL && p->feature[i].longest_first_us > longest)
            longest = p->feature[i].longest_first_us;
    return 2 * longest;
}

bool feature_reads(const Feature *f, Str column)
{
    return among(f->reads, f->read_count, column);
}

const Feature *feature_source(const Plan *p, const Feature *f)
{
    return &p->feature[f->source];
}

bool feature_names_value(const Plan *p, const Feature *f, Str value)
{
    Arena own = arena_new();
    bool named = str_contains(lang_text(f->expr), str_format(&own, "'%.*s'", STR_ARG(value)));
    arena_free(&own);
    for (size_t i = 0; i < f->earlier_count && !named; i++)
        named = feature_names_value(p, &p->feature[f->earlier[i]], value);
    return named;
}

/* A count over a window that ends at as_of grows with how long a customer was seen. Divided by
 * another it does not. */
static bool counts_what_was_seen(const Feature *f)
{
    size_t count;
    const Aggregate *a = lang_aggregates(f->expr, &count);
    if (count == 0 || str_contains(lang_text(f->expr), S("/")))
        return false;
    for (size_t i = 0; i < count; i++)
        if (a[i].kind != AGGREGATE_COUNT && a[i].kind != AGGREGATE_DISTINCT)
            return false;
    return true;
}

FeatureSight feature_sight(const Plan *p, const Feature *f)
{
    size_t count;
    const Aggregate *a = lang_aggregates(f->expr, &count);
    const Population *of = lang_population(f->expr);
    FeatureSight sight = SIGHT_PROFILE;
    for (size_t i = 0; i < f->earlier_count; i++) {
        FeatureSight before = feature_sight(p, &p->feature[f->earlier[i]]);
        /* A comparison of counts or a part of a count is no count. */
        if (before == SIGHT_OBSERVATION && lang_bare_name(f->expr).size == 0 &&
            !among(f->reads, f->read_count, S("as_of")) &&
            !among(f->reads, f->read_count, S("records")))
            before = SIGHT_OPEN;
        sight = before > sight ? before : sight;
    }
    if (of != NULL && of->kind == POPULATION_PARTNERS)
        sight = f->window.kind == WINDOW_FIRST ? SIGHT_EARLY : SIGHT_OPEN;
    for (size_t i = 0; i < count; i++) {
        Window w = a[i].has_window ? a[i].window : f->window;
        FeatureSight one = w.kind == WINDOW_FIRST    ? SIGHT_EARLY
                           : counts_what_was_seen(f) ? SIGHT_OBSERVATION
                                                     : SIGHT_OPEN;
        sight = one > sight ? one : sight;
    }
    if (p->schema->timeless)
        return sight == SIGHT_OBSERVATION ? SIGHT_OPEN : sight;
    if (tells_time(a, count) || among(f->reads, f->read_count, S("records")) ||
        among(f->reads, f->read_count, S("as_of")))
        return SIGHT_OBSERVATION;
    return sight;
}
