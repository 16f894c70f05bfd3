#include "model/model_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The layout that XGBoost 1.7 to 3.x open: their common fields, in their (alphabetic) order. */

/* XGBoost takes a number without point or exponent for an integer and refuses it among floats. */
static void add_float(Buffer *b, float value)
{
    char text[32];
    assert(isfinite(value));
    (void)snprintf(text, sizeof text, "%.9g", (double)value);
    buffer_add(b, str_from(text));
    if (strpbrk(text, ".e") == NULL)
        buffer_add(b, S("E0"));
}

/* The file holds base_score, the forest its log-odds: find the score that gives this margin. It
 * is the sigmoid's nearest float or, where log-odds are coarse beside it, not far away. */
static float base_score(float margin)
{
    float down = (float)stable_sigmoid((double)margin), up = down;
    if (down >= 1.0f)
        down = up = nextafterf(1.0f, 0.0f);
    for (int step = 0; step < 512; step++) {
        if (forest_base_margin(down) == margin)
            return down;
        if (forest_base_margin(up) == margin)
            return up;
        down = nextafterf(down, 0.0f);
        up = up < 1.0f ? nextafterf(up, 1.0f) : up;
    }
    assert(false && "base_margin comes from forest_base_margin");
    return 0.5f;
}

typedef struct Part {
    const Forest *forest;
    uint32_t first, end; /* nodes of one tree */
} Part;

typedef void AddEntry(Buffer *b, const Part *part, uint32_t node);

static bool leaf(const Part *p, uint32_t node)
{
    return p->forest->left[node] == 0;
}

static void add_base_weight(Buffer *b, const Part *p, uint32_t node)
{
    add_float(b, leaf(p, node) ? p->forest->threshold[node] : 0.0f);
}

static void add_default_left(Buffer *b, const Part *p, uint32_t node)
{
    buffer_char(b, !leaf(p, node) && p->forest->default_left[node] ? '1' : '0');
}

static void add_child(Buffer *b, const Part *p, uint32_t node, const uint32_t *child)
{
    if (leaf(p, node))
        buffer_add(b, S("-1"));
    else
        buffer_format(b, "%u", child[node] - p->first);
}

static void add_left(Buffer *b, const Part *p, uint32_t node)
{
    add_child(b, p, node, p->forest->left);
}

static void add_right(Buffer *b, const Part *p, uint32_t node)
{
    add_child(b, p, node, p->forest->right);
}

static void add_gain(Buffer *b, const Part *p, uint32_t node)
{
    add_float(b, leaf(p, node) ? 0.0f : p->forest->gain[node]);
}

static void add_threshold(Buffer *b, const Part *p, uint32_t node)
{
    add_float(b, p->forest->threshold[node]);
}

static void add_column(Buffer *b, const Part *p, uint32_t node)
{
    buffer_format(b, "%u", leaf(p, node) ? 0 : p->forest->column[node]);
}

static void add_zero(Buffer *b, const Part *p, uint32_t node)
{
    (void)p;
    (void)node;
    buffer_char(b, '0');
}

static void add_cover(Buffer *b, const Part *p, uint32_t node)
{
    add_float(b, p->forest->cover[node]);
}

static void add_array(Buffer *b, const char *name, const Part *p, AddEntry *add)
{
    buffer_format(b, "\"%s\":[", name);
    for (uint32_t node = p->first; node < p->end; node++) {
        if (node > p->first)
            buffer_char(b, ',');
        add(b, p, node);
    }
    buffer_add(b, S("],"));
}

static void add_parents(Buffer *b, const Part *p, Arena scratch)
{
    uint32_t *parent = ARENA_ARRAY(&scratch, uint32_t, p->end - p->first);
    for (uint32_t node = p->first; node < p->end; node++)
        if (!leaf(p, node)) {
            parent[p->forest->left[node] - p->first] = node - p->first;
            parent[p->forest->right[node] - p->first] = node - p->first;
        }
    parent[0] = INT32_MAX; /* XGBoost's mark of a root */
    buffer_add(b, S("\"parents\":["));
    for (uint32_t i = 0; i < p->end - p->first; i++)
        buffer_format(b, i == 0 ? "%u" : ",%u", parent[i]);
    buffer_add(b, S("],"));
}

static void add_tree(Buffer *b, const Forest *f, size_t t, Arena scratch)
{
    Part p = {f, f->root[t], f->root[t + 1]};
    buffer_char(b, '{');
    add_array(b, "base_weights", &p, add_base_weight);
    buffer_add(b, S("\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],"
                    "\"categories_sizes\":[],"));
    add_array(b, "default_left", &p, add_default_left);
    buffer_format(b, "\"id\":%zu,", t);
    add_array(b, "left_children", &p, add_left);
    add_array(b, "loss_changes", &p, add_gain);
    add_parents(b, &p, scratch);
    add_array(b, "right_children", &p, add_right);
    add_array(b, "split_conditions", &p, add_threshold);
    add_array(b, "split_indices", &p, add_column);
    add_array(b, "split_type", &p, add_zero);
    add_array(b, "sum_hessian", &p, add_cover);
    buffer_format(b,
                  "\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"%zu\","
                  "\"num_nodes\":\"%u\",\"size_leaf_vector\":\"1\"}}",
                  f->columns, p.end - p.first);
}

Str forest_write(Arena *keep, const Forest *f)
{
    Arena scratch = arena_new(); /* the buffer must stay last in keep to grow in place */
    Buffer out = buffer_new(keep), *b = &out;
    buffer_add(b, S("{\"learner\":{\"attributes\":{},\"feature_names\":["));
    for (size_t c = 0; c < f->columns; c++) {
        if (c > 0)
            buffer_char(b, ',');
        json_quote(b, f->name[c]);
    }
    buffer_add(b, S("],\"feature_types\":["));
    for (size_t c = 0; c < f->columns; c++)
        buffer_add(b, c > 0 ? S(",\"float\"") : S("\"float\""));
    buffer_format(b,
                  "],\"gradient_booster\":{\"model\":{\"gbtree_model_param\":"
                  "{\"num_parallel_tree\":\"1\",\"num_trees\":\"%zu\",\"size_leaf_vector\":\"0\"},"
                  "\"iteration_indptr\":[0",
                  f->trees);
    for (size_t t = 0; t < f->trees; t++)
        buffer_format(b, ",%zu", t + 1);
    buffer_add(b, S("],\"tree_info\":["));
    for (size_t t = 0; t < f->trees; t++)
        buffer_add(b, t > 0 ? S(",0") : S("0"));
    buffer_add(b, S("],\"trees\":["));
    for (size_t t = 0; t < f->trees; t++) {
        if (t > 0)
            buffer_char(b, ',');
        add_tree(b, f, t, scratch);
    }
    buffer_add(b, S("]},\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\""));
    add_float(b, base_score(f->base_margin));
    buffer_format(b,
                  "\",\"boost_from_average\":\"1\",\"num_class\":\"0\",\"num_feature\":\"%zu\","
                  "\"num_target\":\"1\"},\"objective\":{\"name\":\"binary:logistic\","
                  "\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}},\"version\":[2,1,4]}",
                  f->columns);
    arena_free(&scratch);
    return buffer_str(b);
}
