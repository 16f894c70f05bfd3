/* learn_space.c - the candidates and what a search may change of each. The table of docs/search.md
 * is this one. */
#include "learn/learn_internal.h"

#include <math.h>

static const Dimension logistic[] = {
    {SETTING_L2, "l2", .usual = 30, .low = 0.3, .high = 300, .logarithmic = true}};

static const Dimension logistic_l1[] = {
    {SETTING_L1, "l1", .usual = 5, .low = 1, .high = 30, .logarithmic = true}};

static const Dimension tree[] = {
    {SETTING_LEAVES, "leaves", .usual = 4, .low = 2, .high = 16, .whole = true},
    {SETTING_HESSIAN_MIN, "hessian_min", .usual = 3, .low = 1, .high = 10, .logarithmic = true},
    {SETTING_L2, "l2", .usual = 1, .low = 0.1, .high = 10, .logarithmic = true}};

static const Dimension boosting[] = {
    {SETTING_DEPTH, "depth", .usual = 3, .low = 1, .high = 5, .whole = true},
    {SETTING_LEARNING_RATE, "learning_rate", .usual = 0.05, .low = 0.02, .high = 0.15,
     .logarithmic = true},
    {SETTING_L2, "l2", .usual = 5, .low = 0.5, .high = 50, .logarithmic = true},
    {SETTING_HESSIAN_MIN, "hessian_min", .usual = 3, .low = 0.5, .high = 8, .logarithmic = true},
    {SETTING_ROW_SHARE, "row_share", .usual = 0.8, .low = 0.5, .high = 1},
    {SETTING_COLUMN_SHARE, "column_share", .usual = 0.8, .low = 0.2, .high = 1}};

static const Dimension random_forest[] = {
    {SETTING_DEPTH, "depth", .usual = 10, .low = 3, .high = 12, .whole = true},
    {SETTING_HESSIAN_MIN, "hessian_min", .usual = 1, .low = 0.3, .high = 6, .logarithmic = true},
    {SETTING_L2, "l2", .usual = 1, .low = 0.1, .high = 10, .logarithmic = true},
    {SETTING_ROW_SHARE, "row_share", .usual = 0.632, .low = 0.4, .high = 0.9},
    {SETTING_SPLIT_SHARE, "split_share", .usual = 0.2, .low = 0.05, .high = 0.5,
     .logarithmic = true}};

/* Both kinds of boosting draw the same trials. */
static const Space spaces[] = {{{"majority", 8}, NULL, 0},
                               {{"logistic", 8}, logistic, COUNT_OF(logistic)},
                               {{"logistic_l1", 11}, logistic_l1, COUNT_OF(logistic_l1)},
                               {{"tree", 4}, tree, COUNT_OF(tree)},
                               {{"boosting", 8}, boosting, COUNT_OF(boosting)},
                               {{"random_forest", 13}, random_forest, COUNT_OF(random_forest)},
                               {{"blend", 5}, NULL, 0}};
enum {
    SPACE_MAJORITY,
    SPACE_LOGISTIC,
    SPACE_LASSO,
    SPACE_TREE,
    SPACE_BOOSTING,
    SPACE_FOREST,
    SPACE_BLEND
};

Space space_of(const Candidate *c)
{
    if (c->kind == MODEL_BLEND)
        return spaces[SPACE_BLEND];
    if (c->settled)
        return (Space){S("settled"), NULL, 0};
    if (c->kind == MODEL_LINEAR)
        return spaces[c->constant ? SPACE_MAJORITY : c->lasso ? SPACE_LASSO : SPACE_LOGISTIC];
    return spaces[single_tree(&c->forest) ? SPACE_TREE
                  : c->forest.apart       ? SPACE_FOREST
                                          : SPACE_BOOSTING];
}

Tuned tuned_as_settled(const Candidate *c)
{
    Tuned t = {{0}, c->forest.trees};
    t.value[SETTING_L2] = c->l2;
    t.value[SETTING_L1] = c->l1;
    return t;
}

Tuned trial_draw(const Space *space, size_t number, uint64_t seed)
{
    Tuned t = {{0}, 0};
    Random random = random_new(
        seed_derive(seed_derive(seed_derive(seed, STREAM_TRIALS), hash64(space->name, 0)), number));
    for (size_t i = 0; i < space->dimensions; i++) {
        const Dimension *d = &space->dimension[i];
        double share = random_uniform(&random), value = d->usual;
        if (number > 0 && d->whole)
            value = d->low + floor(share * (d->high - d->low + 1));
        else if (number > 0 && d->logarithmic)
            value = d->low * stable_exp(share * stable_log(d->high / d->low));
        else if (number > 0)
            value = d->low + share * (d->high - d->low);
        t.value[d->setting] = value;
    }
    return t;
}

ForestOptions forest_of(const Candidate *c, const Tuned *tuned)
{
    ForestOptions o = c->forest;
    Space space = space_of(c);
    for (size_t i = 0; i < space.dimensions; i++) {
        double value = tuned->value[space.dimension[i].setting];
        switch (space.dimension[i].setting) {
        case SETTING_L2:
            o.l2 = value;
            break;
        case SETTING_LEAVES:
            o.leaves = (size_t)value;
            break;
        case SETTING_DEPTH:
            o.depth = (size_t)value;
            break;
        case SETTING_LEARNING_RATE:
            o.learning_rate = value;
            break;
        case SETTING_HESSIAN_MIN:
            o.hessian_min = value;
            break;
        case SETTING_ROW_SHARE:
            o.row_share = value;
            break;
        case SETTING_COLUMN_SHARE:
            o.column_share = value;
            break;
        case SETTING_SPLIT_SHARE:
            o.split_share = value;
            break;
        case SETTING_L1:
        case SETTINGS:
            break;
        }
    }
    /* The candidate's holds the tuned number. */
    if (o.patience > 0)
        o.trees = tuned->trees > 0 ? tuned->trees : forest_options_default().trees;
    return o;
}

static Candidate forest_candidate(Str name, ForestOptions options, bool free_signs)
{
    return (Candidate){
        .name = name, .kind = MODEL_FOREST, .forest = options, .free_signs = free_signs};
}

size_t candidates_new(Candidate **out, Arena *keep, bool without_signs)
{
    enum { MOST = 8, BLENDED = 3 };
    Candidate *c = ARENA_ARRAY(keep, Candidate, MOST);
    const Candidate **part = ARENA_ARRAY(keep, const Candidate *, BLENDED);
    size_t n = 0, parts = 0;
    c[n++] = (Candidate){.name = S("majority"), .kind = MODEL_LINEAR, .constant = true};
    part[parts++] = &c[n];
    c[n++] = (Candidate){.name = S("logistic"), .kind = MODEL_LINEAR};
    c[n++] = (Candidate){.name = S("logistic_l1"), .kind = MODEL_LINEAR, .lasso = true};
    c[n++] = forest_candidate(S("tree"), forest_options_tree(), false);
    part[parts++] = &c[n];
    if (!without_signs)
        c[n++] = forest_candidate(S("boosting_monotone"), forest_options_default(), false);
    c[n++] = forest_candidate(S("boosting"), forest_options_default(), true);
    part[parts++] = &c[n];
    c[n++] = forest_candidate(S("random_forest"), forest_options_random(), false);
    c[n++] = (Candidate){.name = S("blend"), .kind = MODEL_BLEND, .parts = parts, .part = part};
    for (size_t i = 0; i < n; i++) {
        Space space = space_of(&c[i]);
        c[i].dimension = space.dimension;
        c[i].dimensions = space.dimensions;
    }
    *out = c;
    return n;
}
