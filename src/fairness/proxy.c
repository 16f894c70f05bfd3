#include "fairness/fairness_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Can the model's inputs tell who is of a group? A logistic regression learns it on four folds of
 * customers and is judged on the fifth. Its strength of penalty is fixed: tuning it for every group
 * would cost more than it tells. */
static const double MARK = 0.65, L2 = 10;
enum { FOLDS = 5, CUSTOMERS_MAX = 1000 };

typedef struct Test {
    const FairnessInputs *in;
    const ProxyTarget *target;
    const LearnOptions *options;
    const double *out_of_fold;
    const uint32_t *row; /* [rows] customers of the sample */
    size_t rows;
    const Matrix *x; /* of the sample */
    Proxy *proxy;
} Test;

/* Members and others of a target among the sample, in a set of their own. */
typedef struct Part {
    TrainingSet set;
    uint8_t *label;
    uint32_t *fold;
    size_t rows, members;
} Part;

static bool known(const Test *t, const ProxyTarget *target, uint32_t customer)
{
    return target->attribute->known_scored ||
           (t->in->data->cohort[customer] & COHORT_LABELLED) != 0;
}

static bool part_new(Part *out, Arena *arena, const Test *t, const ProxyTarget *target,
                     uint64_t seed)
{
    uint32_t *take = ARENA_RAW(arena, uint32_t, t->rows + 1);
    uint32_t *group = t->in->group == NULL ? NULL : ARENA_RAW(arena, uint32_t, t->rows + 1);
    *out = (Part){.label = ARENA_ARRAY(arena, uint8_t, t->rows + 1),
                  .fold = ARENA_ARRAY(arena, uint32_t, t->rows + 1)};
    for (size_t i = 0; i < t->rows; i++) {
        uint32_t customer = t->row[i];
        if (!known(t, target, customer))
            continue;
        if (group != NULL)
            group[out->rows] = t->in->group[customer];
        out->label[out->rows] = target->group_of[customer] == target->group;
        out->members += out->label[out->rows];
        take[out->rows++] = (uint32_t)i;
    }
    if (out->members < GROUP_JUDGED_MIN || out->rows - out->members < GROUP_JUDGED_MIN)
        return false;
    learn_folds(out->fold, out->label, group, out->rows, FOLDS, seed);
    out->set = (TrainingSet){
        .x = matrix_take(arena, t->x, take, out->rows), .label = out->label, .group = group};
    return true;
}

/* Every customer's margin by the model of the other folds; false when a class is missing there. */
static bool fit_folds(const Linear **model, double *margin, Arena *arena, const Part *p)
{
    uint32_t *row = ARENA_RAW(arena, uint32_t, p->rows + 1);
    for (uint32_t k = 0; k < FOLDS; k++) {
        Arena scratch = arena_new();
        Linear *made = NULL;
        Error err = {0};
        size_t rows = 0;
        for (size_t i = 0; i < p->rows; i++)
            if (p->fold[i] != k)
                row[rows++] = (uint32_t)i;
        Status status = learn_linear(&made, arena, scratch, &p->set, row, rows, L2, &err);
        arena_free(&scratch);
        if (status != STATUS_OK)
            return false;
        model[k] = made;
    }
    double *all = ARENA_RAW(arena, double, p->rows + 1);
    for (uint32_t k = 0; k < FOLDS; k++) {
        const Model m = {.kind = MODEL_LINEAR, .linear = model[k]};
        model_margin(&m, p->set.x, all);
        for (size_t i = 0; i < p->rows; i++)
            if (p->fold[i] == k)
                margin[i] = all[i];
    }
    return true;
}

/* What is left of the AUC when a feature's columns are shuffled over the customers of each fold. */
static double shuffled_auc(const Part *p, const Linear *const *model, const MatrixPlan *columns,
                           uint32_t feature, uint64_t seed, Arena scratch)
{
    size_t width = p->set.x->columns;
    double *margin = ARENA_RAW(&scratch, double, p->rows);
    for (uint32_t k = 0; k < FOLDS; k++) {
        Arena own = scratch;
        uint32_t *row = ARENA_RAW(&own, uint32_t, p->rows + 1);
        uint32_t *other = ARENA_RAW(&own, uint32_t, p->rows + 1);
        size_t rows = 0;
        for (size_t i = 0; i < p->rows; i++)
            if (p->fold[i] == k)
                row[rows++] = (uint32_t)i;
        memcpy(other, row, rows * sizeof *row);
        Random r = random_new(seed_derive(seed, k));
        random_shuffle(&r, other, rows);
        Matrix *x = matrix_take(&own, p->set.x, row, rows);
        for (size_t i = 0; i < rows; i++)
            for (size_t c = 0; c < width; c++)
                if (columns->feature[c] == feature)
                    x->value[i * width + c] = matrix_row(p->set.x, other[i])[c];
        double *part = ARENA_RAW(&own, double, rows + 1);
        const Model m = {.kind = MODEL_LINEAR, .linear = model[k]};
        model_margin(&m, x, part);
        for (size_t i = 0; i < rows; i++)
            margin[row[i]] = part[i];
    }
    return metric_auc(margin, p->label, p->rows, scratch);
}

/* The best of a feature's columns alone, in either direction, a missing value below or above all.
 */
static double alone(const Part *p, const MatrixPlan *columns, uint32_t feature, Arena scratch)
{
    double *score = ARENA_RAW(&scratch, double, p->rows), best = 0.5;
    for (size_t c = 0; c < p->set.x->columns; c++)
        for (int side = 0; side < 2 && columns->feature[c] == feature; side++) {
            for (size_t i = 0; i < p->rows; i++) {
                float value = matrix_row(p->set.x, i)[c];
                score[i] = value != value ? (side == 0 ? -INFINITY : INFINITY) : (double)value;
            }
            double auc = metric_auc(score, p->label, p->rows, scratch);
            best = fmax(best, fmax(auc, 1 - auc));
        }
    return best;
}

static int strongest_input(const void *a, const void *b)
{
    const ProxyInput *x = a, *y = b;
    if (x->drop != y->drop)
        return x->drop > y->drop ? -1 : 1;
    return str_compare(x->feature, y->feature);
}

static void find_inputs(Proxy *out, const Test *t, const Part *p, const Linear *const *model,
                        uint64_t seed, Arena scratch)
{
    const MatrixPlan *columns = t->in->columns;
    size_t features = t->in->plan->features, n = 0;
    uint8_t *seen = ARENA_ARRAY(&scratch, uint8_t, features + 1);
    ProxyInput *input = ARENA_ARRAY(&scratch, ProxyInput, features + 1);
    uint32_t *feature = ARENA_ARRAY(&scratch, uint32_t, features + 1);
    for (size_t c = 0; c < columns->columns; c++) {
        uint32_t one = columns->feature[c];
        if (seen[one]++ > 0)
            continue;
        feature[n] = one;
        double left = shuffled_auc(p, model, columns, one, seed_derive(seed, one), scratch);
        input[n++] =
            (ProxyInput){t->in->plan->feature[one].name.text, MISSING_VALUE, out->auc.value - left};
    }
    qsort(input, n, sizeof *input, strongest_input);
    for (size_t i = 0; i < n && i < PROXY_INPUTS && input[i].drop > 0; i++) {
        for (size_t k = 0; k < n; k++)
            if (str_equal(t->in->plan->feature[feature[k]].name.text, input[i].feature))
                input[i].auc = alone(p, columns, feature[k], scratch);
        out->input[out->inputs++] = input[i];
    }
}

/* The score of the labelled customers, out of fold, as a test of who is of the group. */
static Interval score_auc(const Test *t, const ProxyTarget *target, uint64_t seed, Arena scratch)
{
    size_t rows = t->in->validation->rows;
    uint8_t *member = ARENA_ARRAY(&scratch, uint8_t, rows + 1);
    const double *p[] = {t->out_of_fold};
    MetricSet m;
    for (size_t i = 0; i < rows; i++)
        member[i] = target->group_of[t->in->training_row[i]] == target->group;
    metric_evaluate_groups(&m, p, 1, member, NULL, t->in->set->group, rows, 0.5,
                           t->options->replicates, seed, NULL);
    return m.metric[METRIC_AUC];
}

static void proxy_task(void *context, size_t task, Arena scratch)
{
    const Test *t = context;
    const ProxyTarget *target = &t->target[task];
    const FairnessAttribute *a = target->attribute;
    const FairnessGroup *g = &a->group[target->group];
    Proxy *out = &t->proxy[task];
    Part part;
    uint64_t seed = seed_derive(seed_derive(t->options->seed, STREAM_PROXY), task);
    if (str_equal(g->name, S("other")) || str_equal(g->name, S("(missing)")) ||
        g->labelled < GROUP_JUDGED_MIN)
        return;
    if (!part_new(&part, &scratch, t, target, seed))
        return;
    const Linear *model[FOLDS];
    double *margin = ARENA_ARRAY(&scratch, double, part.rows + 1);
    if (!fit_folds(model, margin, &scratch, &part))
        return;
    const double *p[] = {margin};
    MetricSet m;
    metric_evaluate_groups(&m, p, 1, part.label, NULL, part.set.group, part.rows, 0,
                           t->options->replicates, seed_derive(seed, 1), NULL);
    *out = (Proxy){.column = a->column,
                   .ground = a->ground,
                   .group = g->name,
                   .customers = part.rows,
                   .members = part.members,
                   .auc = m.metric[METRIC_AUC],
                   .score = score_auc(t, target, seed_derive(seed, 2), scratch)};
    out->clear = out->auc.low > MARK;
    find_inputs(out, t, &part, model, seed_derive(seed, 3), scratch);
}

static int strongest_first(const void *a, const void *b)
{
    const Proxy *x = a, *y = b;
    if (x->auc.value != y->auc.value)
        return x->auc.value > y->auc.value ? -1 : 1;
    int order = str_compare(x->column, y->column);
    return order != 0 ? order : str_compare(x->group, y->group);
}

static void say_proxy(const Proxy *p, Findings *findings, Arena scratch)
{
    Arena text = arena_new();
    Buffer b = buffer_new(&text);
    buffer_format(&b,
                  "the model's inputs tell who has %.*s %.*s (%.*s) at AUC %.2f [%.2f, %.2f]; the "
                  "score itself at %.2f [%.2f, %.2f]",
                  STR_ARG(p->column), STR_ARG(p->group), STR_ARG(p->ground), p->auc.value,
                  p->auc.low, p->auc.high, p->score.value, p->score.low, p->score.high);
    for (size_t i = 0; i < p->inputs && i < 3; i++)
        buffer_format(&b, "%s%.*s (alone %.2f)", i == 0 ? "; mostly by " : ", ",
                      STR_ARG(p->input[i].feature), p->input[i].auc);
    findings_add(findings, SEVERITY_WARNING, "proxy", p->members, buffer_str(&b),
                 S("kept in the model: look at these inputs, and take out what says more of the "
                   "group than of conduct (use: policy)"));
    (void)scratch;
    arena_free(&text);
}

void fairness_proxies(Fairness *out, Arena *keep, Arena scratch, const FairnessInputs *in,
                      const ProxyTarget *target, size_t targets, const double *out_of_fold,
                      const LearnOptions *options, Team *team)
{
    size_t rows = in->data->customers;
    uint32_t *row = ARENA_ARRAY(&scratch, uint32_t, rows + 1);
    for (size_t i = 0; i < rows; i++)
        row[i] = (uint32_t)i;
    if (rows > CUSTOMERS_MAX) {
        Random r = random_new(seed_derive(options->seed, STREAM_PROXY));
        random_shuffle(&r, row, rows);
        rows = CUSTOMERS_MAX;
    }
    Test t = {.in = in,
              .target = target,
              .options = options,
              .out_of_fold = out_of_fold,
              .row = row,
              .rows = rows,
              .x = matrix_take(&scratch, in->x, row, rows),
              .proxy = ARENA_ARRAY(keep, Proxy, targets + 1)};
    team_run(team, targets, proxy_task, &t);
    size_t tested = 0;
    for (size_t i = 0; i < targets; i++)
        if (t.proxy[i].customers > 0 && !is_missing(t.proxy[i].auc.value))
            t.proxy[tested++] = t.proxy[i];
    qsort(t.proxy, tested, sizeof *t.proxy, strongest_first);
    out->proxies = tested;
    out->proxy = t.proxy;
    out->proxy_customers = rows;
    out->proxy_mark = MARK;
    for (size_t i = 0; i < tested; i++)
        if (t.proxy[i].clear)
            say_proxy(&t.proxy[i], in->data->findings, scratch);
}
