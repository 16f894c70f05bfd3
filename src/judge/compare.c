#include "judge/judge.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

void judge_compare(SideBySide *out, Arena *keep, const Opinions *o, size_t replicates,
                   uint64_t seed, Team *team)
{
    out->strata = o->strata;
    out->judgement = ARENA_ARRAY(keep, Judgement, o->strata + 1);
    for (size_t s = 0; s < o->strata; s++) {
        MetricSide side[SIDES];
        for (int k = 0; k < SIDES; k++)
            side[k] = (MetricSide){.p = o->p[k],
                                   .repeats = o->repeats[k],
                                   .threshold = policy_thresholds(out->bundle[k]->policy).high};
        out->judgement[s].stratum = o->stratum[s];
        metric_compare(&out->judgement[s].figures, &side[CHALLENGER], &side[CHAMPION], o->label,
                       o->in_stratum[s], o->group, o->customers, replicates, seed_derive(seed, s),
                       team);
    }
}

/* ---- why ---- */

enum { NAMED = 3 }; /* columns in a sentence */

/* Columns of both models: a position in either, SIZE_MAX where a model has none of that name. */
typedef struct Columns {
    size_t count;
    Str *name;
    size_t *at[SIDES];
} Columns;

static Columns columns_of(Arena *keep, const Scored *const scored[SIDES])
{
    size_t most = scored[CHAMPION]->x->columns + scored[CHALLENGER]->x->columns;
    Columns c = {.name = ARENA_ARRAY(keep, Str, most + 1)};
    Dictionary *names = dictionary_new(keep);
    for (int k = 0; k < SIDES; k++) {
        c.at[k] = ARENA_ARRAY(keep, size_t, most + 1);
        for (size_t i = 0; i < most; i++)
            c.at[k][i] = SIZE_MAX;
    }
    for (int k = 0; k < SIDES; k++)
        for (size_t i = 0; i < scored[k]->x->columns; i++) {
            size_t at = dictionary_add(names, scored[k]->x->name[i]);
            c.name[at] = scored[k]->x->name[i];
            c.at[k][at] = i;
        }
    c.count = names->count;
    return c;
}

typedef struct Shift {
    Str name;
    double change; /* of the calibrated log-odds */
} Shift;

static int largest_first(const void *a, const void *b)
{
    const Shift *x = a, *y = b;
    double left = fabs(x->change), right = fabs(y->change);
    if (left != right)
        return left > right ? -1 : 1;
    return str_compare(x->name, y->name);
}

static double contribution(const Scored *s, size_t row, size_t column)
{
    return column == SIZE_MAX ? 0 : s->contribution[row * (s->x->columns + 1) + column];
}

/* Rules that fired for one side alone. */
static void say_rules(Buffer *b, const Decision *d, const Decision *other, const char *says)
{
    for (size_t i = 0; i < d->reasons; i++) {
        bool both = false;
        if (d->reason[i].source != REASON_RULE)
            continue;
        for (size_t k = 0; k < other->reasons; k++)
            both = both || (other->reason[k].source == REASON_RULE &&
                            str_equal(other->reason[k].code, d->reason[i].code));
        if (!both)
            buffer_format(b, "; rule %.*s %s", STR_ARG(d->reason[i].code), says);
    }
}

static bool same_thresholds(Thresholds a, Thresholds b)
{
    return a.medium == b.medium && a.high == b.high && a.offboarding == b.offboarding;
}

static Str why_moved(Arena *keep, Arena scratch, const SideBySide *out, const Columns *columns,
                     const Scored *const scored[SIDES], const size_t row[SIDES])
{
    Shift *shift = ARENA_ARRAY(&scratch, Shift, columns->count + 1);
    double whole = 0, named = 0;
    for (size_t i = 0; i < columns->count; i++) {
        double change =
            contribution(scored[CHALLENGER], row[CHALLENGER], columns->at[CHALLENGER][i]) -
            contribution(scored[CHAMPION], row[CHAMPION], columns->at[CHAMPION][i]);
        shift[i] = (Shift){columns->name[i], change};
        whole += change;
    }
    double level =
        contribution(scored[CHALLENGER], row[CHALLENGER], scored[CHALLENGER]->x->columns) -
        contribution(scored[CHAMPION], row[CHAMPION], scored[CHAMPION]->x->columns);
    shift[columns->count] = (Shift){S("the level of all customers"), level};
    whole += level;
    qsort(shift, columns->count + 1, sizeof *shift, largest_first);

    Arena own = arena_new(); /* the buffer grows there */
    Buffer b = buffer_new(&own);
    buffer_format(&b, "log-odds %+.2f", whole);
    size_t shown = 0;
    for (; shown < NAMED && shown <= columns->count && shift[shown].change != 0; shown++) {
        named += shift[shown].change;
        buffer_format(&b, "%s%.*s %+.2f", shown == 0 ? ": " : ", ", STR_ARG(shift[shown].name),
                      shift[shown].change);
    }
    if (shown == NAMED && columns->count + 1 > NAMED)
        buffer_format(&b, ", others %+.2f", whole - named);
    const Policy *policy[] = {out->bundle[CHAMPION]->policy, out->bundle[CHALLENGER]->policy};
    Thresholds before = policy_thresholds(policy[CHAMPION]);
    Thresholds after = policy_thresholds(policy[CHALLENGER]);
    if (!same_thresholds(before, after))
        buffer_format(&b, "; thresholds %.2f, %.2f, %.2f instead of %.2f, %.2f, %.2f", after.medium,
                      after.high, after.offboarding, before.medium, before.high,
                      before.offboarding);
    const Decision *d[] = {&scored[CHAMPION]->decision[row[CHAMPION]],
                           &scored[CHALLENGER]->decision[row[CHALLENGER]]};
    say_rules(&b, d[CHALLENGER], d[CHAMPION], "fires only now");
    say_rules(&b, d[CHAMPION], d[CHALLENGER], "fires no more");
    Str text = str_copy(keep, buffer_str(&b));
    arena_free(&own);
    return text;
}

/* ---- who ---- */

static int gravest_first(const void *a, const void *b)
{
    const Move *x = a, *y = b;
    if (x->action[CHALLENGER] != y->action[CHALLENGER])
        return x->action[CHALLENGER] > y->action[CHALLENGER] ? -1 : 1;
    double left = fabs(x->probability[CHALLENGER] - x->probability[CHAMPION]);
    double right = fabs(y->probability[CHALLENGER] - y->probability[CHAMPION]);
    if (left != right)
        return left > right ? -1 : 1;
    return str_compare(x->id, y->id);
}

void judge_moves(SideBySide *out, Arena *keep, Arena scratch, const Scored *const scored[SIDES],
                 const uint32_t *const row[SIDES], const size_t count[SIDES])
{
    Dictionary *ids = dictionary_new(&scratch);
    size_t *of = ARENA_ARRAY(&scratch, size_t, count[CHALLENGER] + 1);
    for (size_t i = 0; i < count[CHALLENGER]; i++) {
        size_t at = dictionary_add(ids, scored[CHALLENGER]->decision[row[CHALLENGER][i]].id);
        assert(at == i); /* an id is one customer */
        of[at] = row[CHALLENGER][i];
    }
    Arena names = arena_new();
    Columns columns = columns_of(&names, scored);
    out->move = ARENA_ARRAY(keep, Move, count[CHAMPION] + 1);
    for (size_t i = 0; i < count[CHAMPION]; i++) {
        size_t at[SIDES] = {row[CHAMPION][i], 0};
        const Decision *before = &scored[CHAMPION]->decision[at[CHAMPION]];
        uint32_t code = dictionary_find(ids, before->id);
        if (code == NO_CODE) {
            out->only[CHAMPION]++;
            continue;
        }
        at[CHALLENGER] = of[code];
        const Decision *after = &scored[CHALLENGER]->decision[at[CHALLENGER]];
        out->customers++;
        out->segment[before->segment][after->segment]++;
        out->action[before->action][after->action]++;
        out->mean_change += fabs(after->probability - before->probability);
        if (before->segment == after->segment && before->action == after->action)
            continue;
        out->move[out->moves++] =
            (Move){.id = before->id,
                   .probability = {before->probability, after->probability},
                   .segment = {before->segment, after->segment},
                   .action = {before->action, after->action},
                   .why = why_moved(keep, scratch, out, &columns, scored, at)};
    }
    arena_free(&names);
    out->only[CHALLENGER] = count[CHALLENGER] - out->customers;
    if (out->customers > 0)
        out->mean_change /= (double)out->customers;
    qsort(out->move, out->moves, sizeof *out->move, gravest_first);
}
