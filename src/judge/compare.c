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

static Columns columns_of(Arena *keep, const Decision *const whole[SIDES],
                          const Str *const column[SIDES])
{
    size_t has[SIDES] = {whole[CHAMPION]->contributions - 1, whole[CHALLENGER]->contributions - 1};
    size_t most = has[CHAMPION] + has[CHALLENGER];
    Columns c = {.name = ARENA_ARRAY(keep, Str, most + 1)};
    Dictionary *names = dictionary_new(keep);
    for (int k = 0; k < SIDES; k++) {
        c.at[k] = ARENA_ARRAY(keep, size_t, most + 1);
        for (size_t i = 0; i < most; i++)
            c.at[k][i] = SIZE_MAX;
    }
    for (int k = 0; k < SIDES; k++)
        for (size_t i = 0; i < has[k]; i++) {
            size_t at = dictionary_add(names, column[k][i]);
            c.name[at] = column[k][i];
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

static double contribution(const Decision *d, size_t column)
{
    return column == SIZE_MAX ? 0 : d->contribution[column];
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
                     const Decision *before, const Decision *after)
{
    Shift *shift = ARENA_ARRAY(&scratch, Shift, columns->count + 1);
    double whole = 0, named = 0;
    for (size_t i = 0; i < columns->count; i++) {
        double change = contribution(after, columns->at[CHALLENGER][i]) -
                        contribution(before, columns->at[CHAMPION][i]);
        shift[i] = (Shift){columns->name[i], change};
        whole += change;
    }
    double level = contribution(after, after->contributions - 1) -
                   contribution(before, before->contributions - 1);
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
    Thresholds was = policy_thresholds(policy[CHAMPION]);
    Thresholds is = policy_thresholds(policy[CHALLENGER]);
    if (!same_thresholds(was, is))
        buffer_format(&b, "; thresholds %.2f, %.2f, %.2f instead of %.2f, %.2f, %.2f", is.medium,
                      is.high, is.offboarding, was.medium, was.high, was.offboarding);
    say_rules(&b, after, before, "fires only now");
    say_rules(&b, before, after, "fires no more");
    Str text = str_copy(keep, buffer_str(&b));
    arena_free(&own);
    return text;
}

void judge_why(SideBySide *out, Arena *keep, const Decision *const whole[SIDES],
               const Str *const column[SIDES], size_t first, size_t count)
{
    if (count == 0)
        return;
    Arena names = arena_new(), scratch = arena_new();
    Columns columns = columns_of(&names, whole, column);
    for (size_t i = 0; i < count; i++)
        out->move[first + i].why =
            why_moved(keep, scratch, out, &columns, &whole[CHAMPION][i], &whole[CHALLENGER][i]);
    arena_free(&names);
    arena_free(&scratch);
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
    uint32_t *of = ARENA_ARRAY(&scratch, uint32_t, count[CHALLENGER] + 1);
    for (size_t i = 0; i < count[CHALLENGER]; i++) {
        size_t at = dictionary_add(ids, scored[CHALLENGER]->outcome[row[CHALLENGER][i]].id);
        assert(at == i); /* an id is one customer */
        of[at] = row[CHALLENGER][i];
    }
    out->move = ARENA_ARRAY(keep, Move, count[CHAMPION] + 1);
    for (size_t i = 0; i < count[CHAMPION]; i++) {
        uint32_t at[SIDES] = {row[CHAMPION][i], 0};
        const Outcome *before = &scored[CHAMPION]->outcome[at[CHAMPION]];
        uint32_t code = dictionary_find(ids, before->id);
        if (code == NO_CODE) {
            out->only[CHAMPION]++;
            continue;
        }
        at[CHALLENGER] = of[code];
        const Outcome *after = &scored[CHALLENGER]->outcome[at[CHALLENGER]];
        out->customers++;
        out->segment[before->segment][after->segment]++;
        out->action[before->action][after->action]++;
        out->mean_change += fabs(after->probability - before->probability);
        if (before->segment == after->segment && before->action == after->action)
            continue;
        out->move[out->moves++] = (Move){.id = before->id,
                                         .probability = {before->probability, after->probability},
                                         .segment = {before->segment, after->segment},
                                         .action = {before->action, after->action},
                                         .at = {at[CHAMPION], at[CHALLENGER]}};
    }
    out->only[CHALLENGER] = count[CHALLENGER] - out->customers;
    if (out->customers > 0)
        out->mean_change /= (double)out->customers;
    qsort(out->move, out->moves, sizeof *out->move, gravest_first);
}
