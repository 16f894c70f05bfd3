/* job_split.c - who may be learnt from, and who must stay together: groups, folds, outcome dates.
 */
#include "cli/job.h"

#include <math.h>

const uint32_t *job_groups(Job *j)
{
    const Links *links = j->run.links = quality_link(j->keep, j->scratch, j->data);
    if (links->groups == 0)
        return NULL;
    /* A group's number is the training row of its first customer. */
    uint32_t *group = ARENA_ARRAY(j->keep, uint32_t, j->fitting.count + 1);
    Arena scratch = j->scratch;
    uint32_t *first = ARENA_ARRAY(&scratch, uint32_t, j->data->customers + 1);
    for (size_t i = 0; i < j->fitting.count; i++) {
        uint32_t number = links->group[j->training_row[i]];
        if (first[number] == 0)
            first[number] = (uint32_t)i + 1;
        group[i] = first[number] - 1;
    }
    return group;
}

void job_histories(const Job *j, Arena scratch, int64_t *first_us, int64_t *end_us,
                   int64_t until_us)
{
    const Dataset *d = j->data;
    const Column *created = table_find(d->versions, d->schema->transactions.created.text);
    int64_t *first = ARENA_RAW(&scratch, int64_t, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++)
        first[i] = NO_HISTORY;
    for (size_t row = 0; row < d->versions->rows; row++) {
        int64_t *at = &first[d->owner[row]];
        if (created->integer[row] <= until_us && created->integer[row] < *at)
            *at = created->integer[row];
    }
    for (size_t i = 0; i < j->fitting.count; i++) {
        int64_t outcome = d->outcome_us[j->training_row[i]];
        first_us[i] = first[j->training_row[i]];
        /* At the instant of a suspension its customer is known to be suspended. */
        int64_t last = j->fitting.label[i] ? outcome - 1 : outcome;
        end_us[i] = outcome == OUTCOME_UNKNOWN || last > until_us ? until_us : last;
    }
}

typedef struct After {
    size_t rows, customers, undated, future;
} After;

static After count_after(const Job *j)
{
    const Dataset *d = j->data;
    After n = {0};
    const Column *created = table_find(d->versions, d->schema->transactions.created.text);
    Arena scratch = j->scratch;
    uint8_t *has = ARENA_ARRAY(&scratch, uint8_t, d->customers + 1);
    for (size_t row = 0; row < d->versions->rows; row++) {
        uint32_t customer = d->owner[row];
        int64_t outcome = d->outcome_us[customer];
        if (d->label[customer] != LABEL_POSITIVE || outcome == OUTCOME_UNKNOWN ||
            created->integer[row] < outcome)
            continue;
        n.rows++;
        n.customers += !has[customer];
        has[customer] = 1;
    }
    for (size_t i = 0; i < d->customers; i++) {
        n.undated += d->label[i] == LABEL_POSITIVE && d->outcome_us[i] == OUTCOME_UNKNOWN;
        n.future += d->outcome_us[i] != OUTCOME_UNKNOWN && d->outcome_us[i] > d->as_of_us;
    }
    return n;
}

static void say_cut(Job *j, const After *n, size_t unmatched)
{
    Findings *f = j->data->findings;
    Str column = j->schema->customers.outcome_at.text;
    Arena scratch = j->scratch;
    findings_add(f, SEVERITY_WARNING, "after_outcome", n->rows,
                 str_format(&scratch,
                            "%zu transaction rows of %zu risky customers began when their outcome "
                            "was known already, by %.*s",
                            n->rows, n->customers, STR_ARG(column)),
                 S("left out of what is learnt from, and the others' histories are cut at the ages "
                   "that risky customers' had, so that length tells nothing"));
    findings_add(
        f, SEVERITY_WARNING, "outcome_undated", n->undated,
        str_format(&scratch, "%zu risky customers have no %.*s", n->undated, STR_ARG(column)),
        S("their whole history is learnt from, and may hold what followed the outcome"));
    findings_add(f, SEVERITY_WARNING, "outcome_after_as_of", n->future,
                 str_format(&scratch, "%zu customers have an outcome after as_of", n->future),
                 S("taken as labelled; look whether as_of or the column is right"));
    findings_add(f, SEVERITY_INFO, "outcome_unmatched", unmatched,
                 str_format(&scratch,
                            "%zu customers who are not risky were observed for less time than any "
                            "age that was left to match",
                            unmatched),
                 S("their whole history is learnt from"));
}

void job_cut_histories(Job *j, int64_t *as_of)
{
    const Dataset *d = j->data;
    size_t n = j->fitting.count;
    if (d->outcome_us == NULL || n == 0)
        return;
    Arena scratch = j->scratch;
    int64_t *first = ARENA_RAW(&scratch, int64_t, n), *end = ARENA_RAW(&scratch, int64_t, n);
    int64_t *cut = ARENA_RAW(&scratch, int64_t, n);
    job_histories(j, scratch, first, end, d->as_of_us);
    size_t unmatched = learn_cut_histories(cut, first, end, j->fitting.label, n,
                                           seed_derive(j->learn.seed, 0xC07));
    for (size_t i = 0; i < n; i++)
        as_of[j->training_row[i]] = cut[i];
    const After after = count_after(j);
    say_cut(j, &after, unmatched);
}

Status job_slices(Job *j, Error *err)
{
    const Dataset *d = j->data;
    j->slices = j->features;
    j->whole = j->events;
    if (d->outcome_us == NULL || j->fitting.count == 0)
        return STATUS_OK;
    int64_t *as_of = ARENA_RAW(j->keep, int64_t, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++)
        as_of[i] = d->as_of_us;
    TRY(score_events(&j->whole, j->keep, j->scratch, j->plan, d, as_of, err));
    return feature_table(&j->slices, j->keep, j->scratch, j->plan, j->whole, j->args->team, err);
}

enum { POSITIVES_FEW = 10 };

/* Fewer than ten positives are learnt from, and what that is worth is said beside the figures. */
static void say_few(Job *j, size_t positives, size_t folds)
{
    Arena scratch = j->scratch;
    bool fewer = folds < j->learn.folds;
    /* Of the Mann-Whitney statistic where nothing tells; percentiles of a bootstrap over so few
     * cannot see how far they may stray. */
    double m = (double)positives, n = (double)(j->set.x->rows - positives);
    double chance = 1.96 * sqrt((m + n + 1) / (12 * m * n));
    findings_add(j->data->findings, SEVERITY_WARNING, "fewer_folds", fewer ? folds : 0,
                 str_format(&scratch,
                            "both classes fill %zu folds and not %zu: a fold without one of them "
                            "judges nothing",
                            folds, j->learn.folds),
                 str_format(&scratch, "cross-validated with %zu folds", folds));
    findings_add(j->data->findings, SEVERITY_SEVERE, "few_positives",
                 positives < POSITIVES_FEW ? positives : 0,
                 str_format(&scratch,
                            "only %zu labelled customers are risky: an AUC between %.2f and %.2f "
                            "cannot be told from chance, the intervals of the figures are too "
                            "narrow, and nothing can be certified",
                            positives, 0.5 - chance, 0.5 + chance),
                 S("learnt from all the same; let rules and people decide"));
}

/* Matrix columns that differ between any two of the labelled customers. */
static size_t varying(const Matrix *x)
{
    size_t count = 0;
    for (size_t k = 0; k < x->columns; k++) {
        bool varies = false;
        for (size_t i = 1; i < x->rows && !varies; i++) {
            float a = matrix_row(x, 0)[k], b = matrix_row(x, i)[k];
            varies = isnan(a) != isnan(b) || (!isnan(a) && a != b);
        }
        count += varies;
    }
    return count;
}

bool job_enough(const Job *j)
{
    return learn_least_groups(j->fitting.label, j->group, j->fitting.count) >= LEARN_LEAST;
}

bool job_settle_folds(Job *j)
{
    const TrainingSet *set = &j->set;
    size_t n = set->x->rows, positives = 0;
    size_t least = learn_least_groups(set->label, set->group, n);
    for (size_t i = 0; i < n; i++)
        positives += set->label[i];
    if (least < LEARN_LEAST) {
        findings_add(j->data->findings, SEVERITY_SEVERE, "too_few_to_learn", n,
                     str_format(j->keep,
                                "%zu labelled customers are risky and %zu are not: at least %d of "
                                "each are needed to learn from, linked ones counted as one",
                                positives, n - positives, LEARN_LEAST),
                     S("no model was made: everyone has the same probability, which says nothing, "
                       "and rules alone decide"));
        return false;
    }
    if (varying(set->x) == 0)
        findings_add(j->data->findings, SEVERITY_SEVERE, "constant_features", n,
                     str_format(j->keep,
                                "every feature of the model is the same for all %zu labelled "
                                "customers: there is nothing to learn from",
                                n),
                     S("everyone gets the share of risky customers as probability, an AUC of .5 "
                       "but for the luck of folds; rules alone tell customers apart"));
    size_t folds = least < j->learn.folds ? least : j->learn.folds;
    say_few(j, positives, folds);
    j->learn.folds = folds;
    return true;
}
