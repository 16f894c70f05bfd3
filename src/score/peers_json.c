/* peers_json.c - comparable customers, written into the bundle's manifest and read from it.
 *
 * A set is its name, how many are in it, and for each number a list: how many have it, then its
 * knots, equal ones once with how often: [62, 0, 12, 17.5, 1, ...]. Few have none.
 */
#include "score/score_internal.h"

#include <math.h>

enum { KNOTS_MAX = 1000 };

static yyjson_mut_val *text(yyjson_mut_doc *doc, Str s)
{
    return yyjson_mut_strncpy(doc, s.data == NULL ? "" : s.data, s.size);
}

static void put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, yyjson_mut_val *value)
{
    (void)yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, key), value);
}

/* ---- writing ---- */

static yyjson_mut_val *knots_part(yyjson_mut_doc *doc, const PeerKnots *k)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    (void)yyjson_mut_arr_add_uint(doc, list, k->customers);
    for (size_t i = 0; i < k->knots;) {
        size_t to = i + 1;
        while (to < k->knots && k->knot[to] == k->knot[i])
            to++;
        (void)yyjson_mut_arr_add_real(doc, list, k->knot[i]);
        (void)yyjson_mut_arr_add_uint(doc, list, to - i);
        i = to;
    }
    return list;
}

yyjson_mut_val *peers_write(yyjson_mut_doc *doc, const PeerSets *p, const Plan *plan)
{
    yyjson_mut_val *sets = yyjson_mut_arr(doc);
    for (size_t s = 0; s < p->sets; s++) {
        const PeerSet *set = &p->set[s];
        yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, sets);
        yyjson_mut_val *features = yyjson_mut_obj(doc), *quantities = yyjson_mut_obj(doc);
        put(doc, o, "name", text(doc, set->name));
        put(doc, o, "customers", yyjson_mut_uint(doc, set->customers));
        for (size_t i = 0; i < plan->features; i++)
            if (set->feature[i].customers > 0)
                (void)yyjson_mut_obj_add(features, text(doc, plan->feature[i].name.text),
                                         knots_part(doc, &set->feature[i]));
        for (size_t i = 0; i < p->quantities; i++) {
            char number[NUMBER_TEXT];
            if (set->quantity[i].customers > 0)
                (void)yyjson_mut_obj_add(quantities, text(doc, decimal_text(number, (int64_t)i, 0)),
                                         knots_part(doc, &set->quantity[i]));
        }
        put(doc, o, "features", features);
        put(doc, o, "quantities", quantities);
    }
    return sets;
}

/* ---- reading ---- */

static bool same_text(yyjson_val *v, Str expected)
{
    return yyjson_is_str(v) && str_equal((Str){yyjson_get_str(v), yyjson_get_len(v)}, expected);
}

static bool take_count(size_t *out, yyjson_val *v)
{
    *out = (size_t)yyjson_get_uint(v);
    return yyjson_is_uint(v) && yyjson_get_uint(v) <= SIZE_MAX / 2;
}

static bool read_knots(PeerKnots *k, Arena *keep, yyjson_val *list, size_t of)
{
    size_t size = yyjson_arr_size(list), times[KNOTS_MAX];
    if (!yyjson_is_arr(list) || size % 2 != 1 || size / 2 > KNOTS_MAX ||
        !take_count(&k->customers, yyjson_arr_get_first(list)) || k->customers > of ||
        k->customers == 0)
        return false;
    double *value = ARENA_ARRAY(keep, double, size / 2 + 1);
    yyjson_val *v;
    size_t at, n;
    yyjson_arr_foreach(list, at, n, v)
    {
        size_t i = (at - 1) / 2;
        if (at == 0)
            continue;
        if (at % 2 == 1) {
            value[i] = yyjson_get_num(v);
            if (!yyjson_is_num(v) || !isfinite(value[i]) || (i > 0 && !(value[i] > value[i - 1])))
                return false;
            continue;
        }
        if (!take_count(&times[i], v) || times[i] == 0 || times[i] > KNOTS_MAX - k->knots)
            return false;
        k->knots += times[i];
    }
    k->knot = ARENA_ARRAY(keep, double, k->knots + 1);
    for (size_t i = 0, to = 0; i < size / 2; i++)
        for (size_t t = 0; t < times[i]; t++)
            k->knot[to++] = value[i];
    return (k->knots == 0) == (k->customers < PEERS_LEAST);
}

static bool read_features(PeerSet *set, Arena *keep, yyjson_val *o, const Plan *plan)
{
    yyjson_val *key, *value;
    size_t at, n;
    if (!yyjson_is_obj(o))
        return false;
    yyjson_obj_foreach(o, at, n, key, value)
    {
        const Feature *f = plan_find(plan, (Str){yyjson_get_str(key), yyjson_get_len(key)});
        if (f == NULL || set->feature[f - plan->feature].customers > 0 ||
            !read_knots(&set->feature[f - plan->feature], keep, value, set->customers))
            return false;
    }
    return true;
}

static bool read_quantities(PeerSet *set, Arena *keep, yyjson_val *o, size_t quantities)
{
    yyjson_val *key, *value;
    size_t at, n;
    if (!yyjson_is_obj(o))
        return false;
    yyjson_obj_foreach(o, at, n, key, value)
    {
        int64_t i;
        if (!parse_int64((Str){yyjson_get_str(key), yyjson_get_len(key)}, &i) || i < 0 ||
            (size_t)i >= quantities || set->quantity[i].customers > 0 ||
            !read_knots(&set->quantity[i], keep, value, set->customers))
            return false;
    }
    return true;
}

PeerSets *peers_read(Arena *keep, yyjson_val *v, const Policy *policy, const Plan *plan)
{
    PeerSets *out = policy_peer_sets(keep, policy);
    yyjson_val *o;
    size_t s, n;
    if (!yyjson_is_arr(v) || yyjson_arr_size(v) != out->sets)
        return NULL;
    yyjson_arr_foreach(v, s, n, o)
    {
        PeerSet *set = &out->set[s];
        if (!same_text(yyjson_obj_get(o, "name"), set->name) ||
            !take_count(&set->customers, yyjson_obj_get(o, "customers")) ||
            !read_features(set, keep, yyjson_obj_get(o, "features"), plan) ||
            !read_quantities(set, keep, yyjson_obj_get(o, "quantities"), out->quantities))
            return NULL;
    }
    return out;
}
