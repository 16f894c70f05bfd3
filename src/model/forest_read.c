#include "model/model_internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* XGBoost's JSON, versions 1.0 to 3.x; docs/model.md lists what is read and what refused. Each
 * tree is first read whole into scratch, then walked from its root, and only what the walk
 * reached is kept: no later code meets a cycle or an index out of range. */

float forest_base_margin(float base_score)
{
    return (float)-stable_log((double)(1.0f / base_score - 1.0f));
}

/* What 1.0 to 3.x write. The blocks of parameters are read by name, the rest of these fields is
 * either checked or says nothing about a margin (docs/model.md). */
static const char *const root_fields[] = {"learner", "version", NULL};
static const char *const learner_fields[] = {"attributes",
                                             "feature_names",
                                             "feature_types",
                                             "gradient_booster",
                                             "learner_model_param",
                                             "objective",
                                             NULL};
static const char *const base_fields[] = {"base_score",  "boost_from_average", "num_class",
                                          "num_feature", "num_target",         NULL};
static const char *const objective_fields[] = {"name", "reg_loss_param", NULL};
static const char *const booster_fields[] = {"model", "name", NULL};
static const char *const model_fields[] = {"cats",  "gbtree_model_param", "iteration_indptr",
                                           "trees", "tree_info",          NULL};
static const char *const cats_fields[] = {"enc", "feature_segments", "sorted_idx", NULL};
static const char *const size_fields[] = {"num_parallel_tree", "num_trees", "size_leaf_vector",
                                          NULL};
static const char *const tree_fields[] = {"base_weights",
                                          "categories",
                                          "categories_nodes",
                                          "categories_segments",
                                          "categories_sizes",
                                          "default_left",
                                          "id",
                                          "leaf_child_counts",
                                          "left_children",
                                          "loss_changes",
                                          "parents",
                                          "right_children",
                                          "split_conditions",
                                          "split_indices",
                                          "split_type",
                                          "sum_hessian",
                                          "tree_param",
                                          NULL};
static const char *const tree_param_fields[] = {"num_deleted", "num_feature", "num_nodes",
                                                "size_leaf_vector", NULL};

/* One tree as it stands in the file. */
typedef struct Draft {
    size_t tree, nodes;
    int64_t *left, *right, *column, *default_left, *split_type;
    float *threshold, *cover, *gain;
} Draft;

static yyjson_val *member(yyjson_val *object, const char *name)
{
    return yyjson_obj_get(object, name);
}

/* An integer of the parameter blocks, where XGBoost writes every number as a string. */
static Status parameter(int64_t *out, yyjson_val *object, const char *name, int64_t absent,
                        Error *err)
{
    yyjson_val *value = member(object, name);
    *out = absent;
    if (value == NULL || parse_int64(json_text(value), out))
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "%s is not a whole number", name);
}

static Status refuse(Error *err, const char *what, Str which)
{
    (void)error_set(err, STATUS_FORMAT, "%s \"%.*s\" is not supported", what, STR_ARG(which));
    (void)error_remedy(err, "train one tree ensemble with booster gbtree and objective "
                            "binary:logistic on numeric (one-hot) columns");
    return STATUS_FORMAT;
}

static Status read_kind(yyjson_val *learner, Error *err)
{
    Str name = json_text(member(member(learner, "objective"), "name"));
    if (!str_equal(name, S("binary:logistic")) && !str_equal(name, S("reg:logistic")))
        return refuse(err, "objective", name);
    name = json_text(member(member(learner, "gradient_booster"), "name"));
    if (!str_equal(name, S("gbtree")))
        return refuse(err, "booster", name);
    return STATUS_OK;
}

/* After read_kind: another booster's fields are better refused by the booster's name. */
static Status check_fields(yyjson_val *root, Error *err)
{
    yyjson_val *learner = member(root, "learner"), *booster = member(learner, "gradient_booster");
    yyjson_val *model = member(booster, "model"), *cats = member(model, "cats");
    const struct {
        yyjson_val *object;
        const char *where;
        const char *const *known;
    } block[] = {{root, "the model", root_fields},
                 {learner, "learner", learner_fields},
                 {member(learner, "objective"), "objective", objective_fields},
                 {member(learner, "learner_model_param"), "learner_model_param", base_fields},
                 {booster, "gradient_booster", booster_fields},
                 {model, "gradient_booster.model", model_fields},
                 {member(model, "gbtree_model_param"), "gbtree_model_param", size_fields},
                 {cats, "cats", cats_fields}};
    for (size_t i = 0; i < COUNT_OF(block); i++)
        TRY(json_fields(block[i].object, block[i].where, block[i].known, err));
    if (yyjson_arr_size(member(cats, "enc")) > 0)
        return refuse(err, "categorical encoding", S("cats"));
    return STATUS_OK;
}

static Status check_single_output(yyjson_val *learner, Error *err)
{
    yyjson_val *block = member(learner, "learner_model_param");
    yyjson_val *model = member(member(learner, "gradient_booster"), "model");
    int64_t classes, targets, vector;
    TRY(parameter(&classes, block, "num_class", 0, err));
    TRY(parameter(&targets, block, "num_target", 1, err));
    TRY(parameter(&vector, member(model, "gbtree_model_param"), "size_leaf_vector", 0, err));
    if (classes > 1)
        return refuse(err, "multiclass num_class", json_text(member(block, "num_class")));
    if (targets > 1)
        return refuse(err, "multi-target num_target", json_text(member(block, "num_target")));
    if (vector > 1)
        return refuse(err, "multi-target size_leaf_vector", S("more than 1"));
    return STATUS_OK;
}

/* base_score is "5E-1" up to version 3.0 and "[5E-1]" since. */
static Status read_base_score(Forest *f, yyjson_val *learner, Error *err)
{
    Str all = json_text(member(member(learner, "learner_model_param"), "base_score")), text = all;
    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        text = str_slice(text, 1, text.size - 1);
    float score;
    if (memchr(text.data, ',', text.size) != NULL)
        return refuse(err, "multi-target base_score", all);
    if (!json_single(text, &score) || !(score > 0 && score < 1) ||
        !isfinite(forest_base_margin(score)))
        return error_set(err, STATUS_FORMAT, "base_score \"%.*s\" is not a probability",
                         STR_ARG(all));
    f->base_margin = forest_base_margin(score);
    return STATUS_OK;
}

static Status read_names(Forest *f, Arena *keep, yyjson_val *learner, Error *err)
{
    int64_t columns;
    yyjson_val *names = member(learner, "feature_names"), *types = member(learner, "feature_types");
    TRY(parameter(&columns, member(learner, "learner_model_param"), "num_feature", 0, err));
    if (columns > MODEL_COLUMNS_MAX)
        return error_set(err, STATUS_LIMIT, "num_feature is %lld, %d are allowed",
                         (long long)columns, MODEL_COLUMNS_MAX);
    if (columns < 1)
        return error_set(err, STATUS_FORMAT, "num_feature is missing or not positive");
    f->columns = (size_t)columns;
    f->name = ARENA_ARRAY(keep, Str, f->columns);
    size_t named = yyjson_arr_size(names), i, count;
    if (named != 0 && named != f->columns)
        return error_set(err, STATUS_FORMAT, "feature_names has %zu names, num_feature is %zu",
                         named, f->columns);
    yyjson_val *value;
    yyjson_arr_foreach(types, i, count, value)
    {
        if (str_equal(json_text(value), S("c")))
            return refuse(err, "categorical feature type", json_text(value));
    }
    yyjson_arr_foreach(names, i, count, value)
    {
        if (!yyjson_is_str(value))
            return error_set(err, STATUS_FORMAT, "feature_names[%zu] is not a string", i);
        f->name[i] = str_copy(keep, json_text(value));
    }
    for (i = named; i < f->columns; i++) /* XGBoost's own names where it was told none */
        f->name[i] = str_format(keep, "f%zu", i);
    return json_distinct(f->name, f->columns, *keep, err);
}

/* The array `name` of a tree, of as many entries as the tree has nodes. */
static Status node_array(yyjson_val **out, const Draft *d, yyjson_val *tree, const char *name,
                         Error *err)
{
    *out = member(tree, name);
    if (!yyjson_is_arr(*out))
        return error_set(err, STATUS_FORMAT, "tree %zu: %s is not an array", d->tree, name);
    if (yyjson_arr_size(*out) != d->nodes)
        return error_set(err, STATUS_FORMAT, "tree %zu: %s has %zu entries for %zu nodes", d->tree,
                         name, yyjson_arr_size(*out), d->nodes);
    return STATUS_OK;
}

static Status read_floats(float *out, const Draft *d, yyjson_val *tree, const char *name,
                          Error *err)
{
    yyjson_val *array, *value;
    size_t i, count;
    TRY(node_array(&array, d, tree, name, err));
    yyjson_arr_foreach(array, i, count, value)
    {
        if (!yyjson_is_raw(value) || !json_single(json_text(value), &out[i]))
            return error_set(err, STATUS_FORMAT, "tree %zu node %zu: %s is not a finite number",
                             d->tree, i, name);
    }
    return STATUS_OK;
}

/* Nearly all are indexes: a few digits. */
static bool parse_index(Str text, int64_t *out)
{
    int64_t value = 0;
    if (text.size == 0 || text.size > 9)
        return parse_int64(text, out);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return parse_int64(text, out);
        value = 10 * value + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

static Status read_integers(int64_t *out, const Draft *d, yyjson_val *tree, const char *name,
                            Error *err)
{
    yyjson_val *array, *value;
    size_t i, count;
    TRY(node_array(&array, d, tree, name, err));
    yyjson_arr_foreach(array, i, count, value)
    {
        if (yyjson_is_bool(value)) /* default_left, before version 1.3 */
            out[i] = yyjson_get_bool(value);
        else if (!yyjson_is_raw(value) || !parse_index(json_text(value), &out[i]))
            return error_set(err, STATUS_FORMAT, "tree %zu node %zu: %s is not a whole number",
                             d->tree, i, name);
    }
    return STATUS_OK;
}

static Status read_draft(Draft *d, Arena *scratch, size_t number, yyjson_val *tree, Error *err)
{
    int64_t declared, vector;
    char where[32];
    (void)snprintf(where, sizeof where, "tree %zu", number);
    TRY(json_fields(tree, where, tree_fields, err));
    TRY(json_fields(member(tree, "tree_param"), where, tree_param_fields, err));
    *d = (Draft){.tree = number, .nodes = yyjson_arr_size(member(tree, "left_children"))};
    if (d->nodes == 0)
        return error_set(err, STATUS_FORMAT, "tree %zu has no nodes", number);
    yyjson_val *block = member(tree, "tree_param");
    TRY(parameter(&declared, block, "num_nodes", (int64_t)d->nodes, err));
    TRY(parameter(&vector, block, "size_leaf_vector", 0, err));
    if (declared != (int64_t)d->nodes)
        return error_set(err, STATUS_FORMAT, "tree %zu: num_nodes is %lld for %zu left_children",
                         number, (long long)declared, d->nodes);
    if (vector > 1)
        return refuse(err, "multi-target size_leaf_vector", S("more than 1"));
    d->left = ARENA_RAW(scratch, int64_t, d->nodes);
    d->right = ARENA_RAW(scratch, int64_t, d->nodes);
    d->column = ARENA_RAW(scratch, int64_t, d->nodes);
    d->default_left = ARENA_RAW(scratch, int64_t, d->nodes);
    d->split_type = ARENA_ARRAY(scratch, int64_t, d->nodes);
    d->threshold = ARENA_RAW(scratch, float, d->nodes);
    d->cover = ARENA_RAW(scratch, float, d->nodes);
    d->gain = ARENA_RAW(scratch, float, d->nodes);
    TRY(read_integers(d->left, d, tree, "left_children", err));
    TRY(read_integers(d->right, d, tree, "right_children", err));
    TRY(read_integers(d->column, d, tree, "split_indices", err));
    TRY(read_integers(d->default_left, d, tree, "default_left", err));
    TRY(read_floats(d->threshold, d, tree, "split_conditions", err));
    TRY(read_floats(d->cover, d, tree, "sum_hessian", err));
    TRY(read_floats(d->gain, d, tree, "loss_changes", err));
    if (member(tree, "split_type") != NULL) /* since version 1.3 */
        TRY(read_integers(d->split_type, d, tree, "split_type", err));
    if (yyjson_arr_size(member(tree, "categories_nodes")) > 0)
        return refuse(err, "categorical split in tree", str_format(scratch, "%zu", number));
    return STATUS_OK;
}

static Status check_node(const Draft *d, size_t i, size_t columns, Error *err)
{
    if (d->cover[i] < 0)
        return error_set(err, STATUS_FORMAT, "tree %zu node %zu: sum_hessian is negative", d->tree,
                         i);
    if (d->left[i] == -1 && d->right[i] == -1)
        return STATUS_OK;
    for (int side = 0; side < 2; side++) {
        int64_t child = side == 0 ? d->left[i] : d->right[i];
        if (child < 1 || child >= (int64_t)d->nodes)
            return error_set(err, STATUS_FORMAT,
                             "tree %zu node %zu: %s child %lld is outside the tree", d->tree, i,
                             side == 0 ? "left" : "right", (long long)child);
    }
    if (d->split_type[i] != 0)
        return error_set(err, STATUS_FORMAT,
                         "tree %zu node %zu: categorical splits are not supported", d->tree, i);
    if (d->column[i] < 0 || d->column[i] >= (int64_t)columns)
        return error_set(err, STATUS_FORMAT, "tree %zu node %zu: column %lld of %zu", d->tree, i,
                         (long long)d->column[i], columns);
    if (d->default_left[i] != 0 && d->default_left[i] != 1)
        return error_set(err, STATUS_FORMAT, "tree %zu node %zu: default_left is not 0 or 1",
                         d->tree, i);
    return STATUS_OK;
}

typedef struct Place {
    size_t node, depth;
} Place;

/* Mark in reached[] what the root leads to. Each node once: two ways to a node are a cycle or a
 * shared child. */
static Status walk(uint8_t *reached, size_t *count, const Draft *d, size_t columns, Error *err)
{
    Place stack[FOREST_DEPTH_MAX + 2] = {{0, 0}};
    size_t height = 1;
    *count = 0;
    while (height > 0) {
        Place at = stack[--height];
        if (reached[at.node])
            return error_set(err, STATUS_FORMAT,
                             "tree %zu node %zu has two parents (a cycle or a shared child)",
                             d->tree, at.node);
        reached[at.node] = 1;
        *count += 1;
        TRY(check_node(d, at.node, columns, err));
        if (d->left[at.node] == -1)
            continue;
        if (at.depth == FOREST_DEPTH_MAX)
            return error_set(err, STATUS_LIMIT, "tree %zu is deeper than %d splits", d->tree,
                             FOREST_DEPTH_MAX);
        stack[height++] = (Place){(size_t)d->right[at.node], at.depth + 1};
        stack[height++] = (Place){(size_t)d->left[at.node], at.depth + 1};
    }
    return STATUS_OK;
}

/* The largest |margin| there can be must be a number: leaves are added in float32, and sums of
 * contributions are checked against it. */
static Status check_sum(const Forest *f, Error *err)
{
    double sum = fabs((double)f->base_margin);
    for (size_t t = 0; t < f->trees; t++) {
        double most = 0;
        for (uint32_t i = f->root[t]; i < f->root[t + 1]; i++)
            if (f->left[i] == 0 && fabs((double)f->threshold[i]) > most)
                most = fabs((double)f->threshold[i]);
        sum += most;
    }
    if (sum < (double)FLT_MAX / 2)
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT, "the leaves of the trees add up beyond a float's range");
}

/* Append the tree to the forest. Nodes that XGBoost pruned stay in its file, counted by
 * num_deleted; they are left out here and the rest keep their order. */
static Status read_tree(Forest *f, Arena scratch, size_t number, yyjson_val *tree, Error *err)
{
    Draft d;
    size_t count;
    int64_t deleted;
    TRY(read_draft(&d, &scratch, number, tree, err));
    uint8_t *reached = ARENA_ARRAY(&scratch, uint8_t, d.nodes);
    TRY(walk(reached, &count, &d, f->columns, err));
    TRY(parameter(&deleted, member(tree, "tree_param"), "num_deleted", 0, err));
    if (deleted != (int64_t)(d.nodes - count))
        return error_set(err, STATUS_FORMAT,
                         "tree %zu: %zu of %zu nodes are not reached from the root, num_deleted "
                         "is %lld",
                         number, d.nodes - count, d.nodes, (long long)deleted);
    uint32_t *place = ARENA_RAW(&scratch, uint32_t, d.nodes), next = (uint32_t)f->nodes;
    for (size_t i = 0; i < d.nodes; i++)
        if (reached[i])
            place[i] = next++;
    for (size_t i = 0; i < d.nodes; i++) {
        if (!reached[i])
            continue;
        uint32_t at = place[i];
        f->threshold[at] = d.threshold[i];
        f->cover[at] = d.cover[i];
        bool leaf = d.left[i] == -1; /* of which the rest is zero */
        f->left[at] = leaf ? 0 : place[d.left[i]];
        f->right[at] = leaf ? 0 : place[d.right[i]];
        f->column[at] = leaf ? 0 : (uint32_t)d.column[i];
        f->default_left[at] = leaf ? 0 : (uint8_t)d.default_left[i];
        f->gain[at] = leaf ? 0 : d.gain[i];
    }
    f->nodes = next;
    f->root[number + 1] = next;
    return STATUS_OK;
}

/* A tree that was cut out, in the same pages as all of them. */
static Status read_tree_text(Forest *f, Arena scratch, size_t number, Str text, Error *err)
{
    size_t size = yyjson_read_max_memory_usage(text.size, MODEL_READ_FLAGS);
    yyjson_alc memory;
    union {
        const char *constant;
        char *plain;
    } bytes = {text.data};
    yyjson_doc *doc = NULL;
    if (yyjson_alc_pool_init(&memory, arena_raw(&scratch, size, 1), size))
        doc = yyjson_read_opts(bytes.plain, text.size, MODEL_READ_FLAGS, &memory, NULL);
    if (doc == NULL)
        return error_set(err, STATUS_FORMAT, "tree %zu cannot be read by itself", number);
    return read_tree(f, scratch, number, yyjson_doc_get_root(doc), err);
}

/* Trees that were cut out are read by two threads. How many nodes the first half has is not known
 * before, so the second is laid where the first cannot reach, and then moved up to it. */
enum { HALVES = 2, ALONE_BYTES = 1 << 20 }; /* less is read sooner than a thread is started */
typedef struct Half {
    Forest forest; /* the whole one's arrays; its nodes end where the next tree begins */
    size_t first, last, from;
    Status status;
} Half;

typedef struct Halves {
    const ForestCut *cut;
    Half half[HALVES];
} Halves;

/* At most how many nodes: a node has an entry and a comma in each of seven arrays. */
static size_t nodes_at_most(const ForestCut *cut, size_t first, size_t last)
{
    size_t nodes = 0;
    for (size_t i = first; i < last; i++)
        nodes += cut->tree[i].size / 14;
    return nodes;
}

static void read_half(void *context, size_t task, Arena scratch)
{
    Halves *w = context;
    Half *h = &w->half[task];
    Error err = {0}; /* the whole is read again and says it */
    for (size_t i = h->first; i < h->last && h->status == STATUS_OK; i++)
        h->status = read_tree_text(&h->forest, scratch, i, w->cut->tree[i], &err);
}

static void move_up(Forest *f, const Half *h)
{
    size_t to = f->nodes, count = h->forest.nodes - h->from;
    uint32_t by = (uint32_t)(h->from - to);
    for (size_t i = 0; i < count; i++) {
        uint32_t left = f->left[h->from + i], right = f->right[h->from + i];
        f->left[to + i] = left == 0 ? 0 : left - by;
        f->right[to + i] = right == 0 ? 0 : right - by;
    }
    memmove(f->column + to, f->column + h->from, count * sizeof *f->column);
    memmove(f->threshold + to, f->threshold + h->from, count * sizeof *f->threshold);
    memmove(f->default_left + to, f->default_left + h->from, count * sizeof *f->default_left);
    memmove(f->cover + to, f->cover + h->from, count * sizeof *f->cover);
    memmove(f->gain + to, f->gain + h->from, count * sizeof *f->gain);
    for (size_t t = h->first; t < h->last; t++)
        f->root[t + 1] -= by;
    f->nodes += count;
}

static Status read_halves(Forest *f, const ForestCut *cut)
{
    Halves w = {.cut = cut};
    size_t bytes = 0;
    for (size_t i = 0; i < cut->trees; i++)
        bytes += cut->tree[i].size;
    for (size_t k = 0; k < HALVES; k++) {
        size_t first = cut->trees * k / HALVES, last = cut->trees * (k + 1) / HALVES;
        w.half[k] = (Half){.forest = *f, .first = first, .last = last};
        w.half[k].forest.nodes = w.half[k].from = nodes_at_most(cut, 0, first);
    }
    Team *team = bytes > ALONE_BYTES && team_processors() > 1 ? team_new(HALVES) : NULL;
    team_run(team, HALVES, read_half, &w);
    team_free(team);
    for (size_t k = 0; k < HALVES; k++) {
        TRY(w.half[k].status);
        if (w.half[k].from > f->nodes)
            move_up(f, &w.half[k]);
        else
            f->nodes = w.half[k].forest.nodes;
    }
    return STATUS_OK;
}

/* How many nodes the trees have, or at most have. */
static size_t count_nodes(yyjson_val *trees, const ForestCut *cut)
{
    yyjson_val *value;
    size_t i, count, nodes = 0;
    if (cut != NULL)
        return nodes_at_most(cut, 0, cut->trees);
    yyjson_arr_foreach(trees, i, count, value)
    {
        nodes += yyjson_arr_size(member(value, "left_children"));
    }
    return nodes;
}

static Status read_trees(Forest *f, Arena *keep, yyjson_val *model, const ForestCut *cut,
                         Error *err)
{
    yyjson_val *trees = member(model, "trees"), *groups = member(model, "tree_info"), *value;
    size_t i, count;
    int64_t declared;
    if (!yyjson_is_arr(trees))
        return error_set(err, STATUS_FORMAT, "the model has no array of trees");
    f->trees = yyjson_arr_size(trees);
    TRY(parameter(&declared, member(model, "gbtree_model_param"), "num_trees", (int64_t)f->trees,
                  err));
    if (f->trees > FOREST_TREES_MAX)
        return error_set(err, STATUS_LIMIT, "the model has %zu trees, %d are allowed", f->trees,
                         FOREST_TREES_MAX);
    if (declared != (int64_t)f->trees || yyjson_arr_size(groups) != f->trees)
        return error_set(err, STATUS_FORMAT,
                         "num_trees is %lld and tree_info has %zu entries for %zu trees",
                         (long long)declared, yyjson_arr_size(groups), f->trees);
    yyjson_arr_foreach(groups, i, count, value)
    {
        if (!str_equal(json_text(value), S("0")))
            return refuse(err, "multiclass tree_info", json_text(value));
    }
    size_t nodes = count_nodes(trees, cut);
    if (nodes > FOREST_NODES_MAX)
        return error_set(err, STATUS_LIMIT, "the model has %zu nodes, %d are allowed", nodes,
                         FOREST_NODES_MAX);
    forest_room(f, keep, nodes);
    if (cut != NULL)
        return read_halves(f, cut);
    yyjson_arr_foreach(trees, i, count, value)
    {
        TRY(read_tree(f, *keep, i, value, err));
    }
    return STATUS_OK;
}

Status forest_read(Forest **out, Arena *keep, yyjson_val *root, const ForestCut *cut, Error *err)
{
    yyjson_val *learner = member(root, "learner");
    Forest *f = ARENA_NEW(keep, Forest);
    TRY(read_kind(learner, err));
    TRY(check_fields(root, err));
    TRY(check_single_output(learner, err));
    TRY(read_base_score(f, learner, err));
    TRY(read_names(f, keep, learner, err));
    yyjson_val *model = member(member(learner, "gradient_booster"), "model");
    if (cut != NULL && !forest_cut_fits(cut, member(model, "trees")))
        return error_set(err, STATUS_FORMAT, "the trees are elsewhere");
    TRY(read_trees(f, keep, model, cut, err));
    TRY(check_sum(f, err));
    *out = f;
    return STATUS_OK;
}
