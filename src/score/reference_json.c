/* reference_json.c - reference distributions as a part of bundle.json. */
#include "score/score_internal.h"

static const char *const of_name[] = {"feature", "score", "segment", "stratum"};
static const char *const kind_name[] = {"customers", "transactions"};

static yyjson_mut_val *texts(yyjson_mut_doc *doc, const Str *text, size_t count)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < count; i++)
        (void)yyjson_mut_arr_add_strncpy(doc, list, text[i].data, text[i].size);
    return list;
}

static yyjson_mut_val *layouts(yyjson_mut_doc *doc, const Layout *l, size_t count)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
        if (l[i].source.size > 0)
            (void)yyjson_mut_obj_add_strncpy(doc, o, "source", l[i].source.data, l[i].source.size);
        (void)yyjson_mut_obj_add_val(doc, o, "names", texts(doc, l[i].column, l[i].columns));
    }
    return list;
}

yyjson_mut_val *reference_write(yyjson_mut_doc *doc, const Reference *r)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc), *list = yyjson_mut_arr(doc);
    (void)yyjson_mut_obj_add_uint(doc, root, "customers", r->customers);
    yyjson_mut_val *columns = yyjson_mut_obj(doc);
    for (size_t k = 0; k < 2; k++)
        (void)yyjson_mut_obj_add_val(doc, columns, kind_name[k],
                                     layouts(doc, r->layout[k], r->layouts[k]));
    (void)yyjson_mut_obj_add_val(doc, root, "columns", columns);
    for (size_t i = 0; i < r->count; i++) {
        const Distribution *d = &r->item[i];
        yyjson_mut_val *o = yyjson_mut_obj(doc);
        (void)yyjson_mut_obj_add_str(doc, o, "of", of_name[d->of]);
        (void)yyjson_mut_obj_add_strncpy(doc, o, "name", d->name.data, d->name.size);
        if (d->by_value)
            (void)yyjson_mut_obj_add_val(doc, o, "values", texts(doc, d->value, d->bins - 2));
        else
            (void)yyjson_mut_obj_add_val(doc, o, "cuts",
                                         yyjson_mut_arr_with_real(doc, d->cut, d->bins - 2));
        (void)yyjson_mut_obj_add_val(doc, o, "counts",
                                     yyjson_mut_arr_with_uint64(doc, d->count, d->bins));
        (void)yyjson_mut_arr_append(list, o);
    }
    (void)yyjson_mut_obj_add_val(doc, root, "list", list);
    return root;
}

static bool get_text(Str *out, Arena *keep, yyjson_val *v)
{
    if (!yyjson_is_str(v))
        return false;
    *out = str_copy(keep, (Str){yyjson_get_str(v), yyjson_get_len(v)});
    return true;
}

static bool get_texts(Str **out, size_t *count, Arena *keep, yyjson_val *list)
{
    if (!yyjson_is_arr(list))
        return false;
    size_t i, n;
    yyjson_val *v;
    *out = ARENA_ARRAY(keep, Str, yyjson_arr_size(list) + 1);
    *count = yyjson_arr_size(list);
    yyjson_arr_foreach(list, i, n, v)
    {
        if (!get_text(&(*out)[i], keep, v))
            return false;
    }
    return true;
}

/* A bundle of old has one list of names for all files of a kind. */
static bool get_layouts(Layout **out, size_t *count, Arena *keep, yyjson_val *list)
{
    size_t i, n;
    yyjson_val *o;
    if (!yyjson_is_arr(list))
        return false;
    *out = ARENA_ARRAY(keep, Layout, yyjson_arr_size(list) + 1);
    *count = yyjson_arr_size(list);
    if (yyjson_is_str(yyjson_arr_get_first(list))) {
        *count = 1;
        return get_texts(&(*out)->column, &(*out)->columns, keep, list);
    }
    yyjson_arr_foreach(list, i, n, o)
    {
        Layout *l = &(*out)[i];
        yyjson_val *source = yyjson_obj_get(o, "source");
        if ((source != NULL && !get_text(&l->source, keep, source)) ||
            !get_texts(&l->column, &l->columns, keep, yyjson_obj_get(o, "names")))
            return false;
    }
    return true;
}

/* Values and cuts ascend, each once: that is how they are searched. */
static bool get_bins(Distribution *d, Arena *keep, yyjson_val *o)
{
    yyjson_val *cuts = yyjson_obj_get(o, "cuts"), *values = yyjson_obj_get(o, "values");
    yyjson_val *counts = yyjson_obj_get(o, "counts"), *v;
    size_t limits, i, n;
    d->by_value = values != NULL;
    if (d->by_value) {
        if (!get_texts(&d->value, &limits, keep, values))
            return false;
        for (i = 1; i < limits; i++)
            if (str_compare(d->value[i - 1], d->value[i]) >= 0)
                return false;
    } else {
        if (!yyjson_is_arr(cuts))
            return false;
        limits = yyjson_arr_size(cuts);
        d->cut = ARENA_ARRAY(keep, double, limits + 1);
        yyjson_arr_foreach(cuts, i, n, v)
        {
            if (!yyjson_is_num(v))
                return false;
            d->cut[i] = yyjson_get_num(v);
            if (i > 0 && !(d->cut[i] > d->cut[i - 1]))
                return false;
        }
    }
    d->bins = limits + 2;
    if (!yyjson_is_arr(counts) || yyjson_arr_size(counts) != d->bins)
        return false;
    d->count = ARENA_ARRAY(keep, uint64_t, d->bins);
    yyjson_arr_foreach(counts, i, n, v)
    {
        /* Counts of customers; the bound keeps their sum from wrapping round. */
        if (!yyjson_is_uint(v) || yyjson_get_uint(v) > UINT32_MAX)
            return false;
        d->count[i] = yyjson_get_uint(v);
    }
    return true;
}

/* The features in the plan's order, then the score, the segments and the plan's strata. */
static bool belongs(const Distribution *d, size_t i, const Plan *plan)
{
    if (i < plan->features)
        return d->of == OF_FEATURE && str_equal(d->name, plan->feature[i].name.text);
    i -= plan->features;
    if (i < 2)
        return d->of == (i == 0 ? OF_SCORE : OF_SEGMENT);
    return d->of == OF_STRATUM && str_equal(d->name, plan->stratum[i - 2].name);
}

static bool get_item(Distribution *d, Arena *keep, yyjson_val *o)
{
    Str of;
    if (!get_text(&of, keep, yyjson_obj_get(o, "of")) ||
        !get_text(&d->name, keep, yyjson_obj_get(o, "name")))
        return false;
    size_t k = 0;
    while (k < COUNT_OF(of_name) && !str_equal(of, str_from(of_name[k])))
        k++;
    d->of = (DistributionOf)k;
    return k < COUNT_OF(of_name) && get_bins(d, keep, o);
}

Reference *reference_read(Arena *keep, yyjson_val *root, const Plan *plan)
{
    Reference *r = ARENA_NEW(keep, Reference);
    yyjson_val *list = yyjson_obj_get(root, "list"), *o;
    yyjson_val *columns = yyjson_obj_get(root, "columns");
    r->count = plan->features + 2 + plan->strata;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != r->count)
        return NULL;
    r->customers = yyjson_get_uint(yyjson_obj_get(root, "customers"));
    r->item = ARENA_ARRAY(keep, Distribution, r->count);
    for (size_t k = 0; k < 2; k++)
        if (!get_layouts(&r->layout[k], &r->layouts[k], keep,
                         yyjson_obj_get(columns, kind_name[k])))
            return NULL;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, o)
    {
        uint64_t customers = 0;
        if (!get_item(&r->item[i], keep, o) || !belongs(&r->item[i], i, plan))
            return NULL;
        for (size_t b = 0; b < r->item[i].bins; b++)
            customers += r->item[i].count[b];
        if (customers != r->customers)
            return NULL;
    }
    return r;
}
