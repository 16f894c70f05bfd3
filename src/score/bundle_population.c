/* The tables of population features, written into the bundle's manifest and read from it. */
#include "score/score_internal.h"

#include <assert.h>
#include <math.h>

static yyjson_mut_val *text(yyjson_mut_doc *doc, Str s)
{
    return yyjson_mut_strncpy(doc, s.data == NULL ? "" : s.data, s.size);
}

static void put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, yyjson_mut_val *value)
{
    (void)yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, key), value);
}

static yyjson_mut_val *groups_part(yyjson_mut_doc *doc, const Peers *p)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < p->groups; i++) {
        const PeerGroup *g = &p->group[i];
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list), *knots = yyjson_mut_arr(doc);
        put(doc, o, "group", text(doc, g->name));
        put(doc, o, "customers", yyjson_mut_uint(doc, g->customers));
        put(doc, o, "median", yyjson_mut_real(doc, g->median));
        put(doc, o, "spread", yyjson_mut_real(doc, g->spread));
        for (size_t k = 0; k < g->knots; k++)
            (void)yyjson_mut_arr_append(knots, yyjson_mut_real(doc, g->knot[k]));
        put(doc, o, "knots", knots);
    }
    return list;
}

yyjson_mut_val *population_part(yyjson_mut_doc *doc, const Plan *plan)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < plan->features; i++) {
        const Feature *f = &plan->feature[i];
        const Population *of = lang_population(f->expr);
        if (of == NULL)
            continue;
        assert(f->peers != NULL); /* fitted before a model is */
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
        put(doc, o, "name", text(doc, f->name.text));
        if (of->kind != POPULATION_PARTNERS) {
            put(doc, o, "groups", groups_part(doc, f->peers));
            continue;
        }
        yyjson_mut_val *positive = yyjson_mut_arr(doc);
        put(doc, o, "salt", text(doc, f->peers->salt));
        for (size_t k = 0; k < f->peers->positives; k++)
            (void)yyjson_mut_arr_append(positive, text(doc, f->peers->positive[k]));
        put(doc, o, "fingerprints", positive);
    }
    return list;
}

/* ---- reading ---- */

static bool take_text(Str *out, Arena *keep, yyjson_val *v)
{
    if (!yyjson_is_str(v))
        return false;
    *out = str_copy(keep, (Str){yyjson_get_str(v), yyjson_get_len(v)});
    return true;
}

static bool take_real(double *out, yyjson_val *v)
{
    *out = yyjson_get_num(v);
    return yyjson_is_num(v) && isfinite(*out);
}

static bool read_group(PeerGroup *g, Arena *keep, yyjson_val *v)
{
    yyjson_val *customers = yyjson_obj_get(v, "customers"), *knots = yyjson_obj_get(v, "knots");
    if (!take_text(&g->name, keep, yyjson_obj_get(v, "group")) || !yyjson_is_uint(customers) ||
        !take_real(&g->median, yyjson_obj_get(v, "median")) ||
        !take_real(&g->spread, yyjson_obj_get(v, "spread")) || g->spread < 0 ||
        !yyjson_is_arr(knots))
        return false;
    g->customers = yyjson_get_uint(customers);
    g->knots = yyjson_arr_size(knots);
    g->knot = ARENA_ARRAY(keep, double, g->knots + 1);
    yyjson_val *knot;
    size_t k, n;
    yyjson_arr_foreach(knots, k, n, knot)
    {
        if (!take_real(&g->knot[k], knot) || (k > 0 && g->knot[k] < g->knot[k - 1]))
            return false;
    }
    return (g->knots == 0) == (g->customers == 0);
}

static bool read_groups(Peers *p, Arena *keep, yyjson_val *list)
{
    yyjson_val *v;
    size_t i, n;
    p->groups = yyjson_arr_size(list);
    p->group = ARENA_ARRAY(keep, PeerGroup, p->groups + 1);
    if (p->groups == 0)
        return false;
    yyjson_arr_foreach(list, i, n, v)
    {
        if (!read_group(&p->group[i], keep, v) || (i == 0) != (p->group[i].name.size == 0) ||
            (i > 1 && str_compare(p->group[i - 1].name, p->group[i].name) >= 0))
            return false;
    }
    return true;
}

static bool read_fingerprints(Peers *p, Arena *keep, yyjson_val *entry)
{
    yyjson_val *list = yyjson_obj_get(entry, "fingerprints"), *v;
    size_t i, n;
    if (!take_text(&p->salt, keep, yyjson_obj_get(entry, "salt")) || !yyjson_is_arr(list))
        return false;
    p->positives = yyjson_arr_size(list);
    p->positive = ARENA_ARRAY(keep, Str, p->positives + 1);
    yyjson_arr_foreach(list, i, n, v)
    {
        if (!take_text(&p->positive[i], keep, v) || p->positive[i].size != FINGERPRINT_TEXT ||
            (i > 0 && str_compare(p->positive[i - 1], p->positive[i]) > 0))
            return false;
    }
    return true;
}

bool population_part_read(Plan *plan, Arena *keep, yyjson_val *list)
{
    size_t at = 0;
    for (size_t i = 0; i < plan->features; i++) {
        Feature *f = &plan->feature[i];
        const Population *of = lang_population(f->expr);
        Str name;
        if (of == NULL)
            continue;
        yyjson_val *entry = yyjson_arr_get(list, at++);
        f->peers = ARENA_NEW(keep, Peers);
        if (!take_text(&name, keep, yyjson_obj_get(entry, "name")) ||
            !str_equal(name, f->name.text))
            return false;
        if (of->kind == POPULATION_PARTNERS
                ? !read_fingerprints(f->peers, keep, entry)
                : !read_groups(f->peers, keep, yyjson_obj_get(entry, "groups")))
            return false;
    }
    return yyjson_arr_size(list) == at;
}
