/* job_thresholds.c - what thresholds select and prove, and who is on the list again when learning
 * is done again. */
#include "cli/job.h"

#include <string.h>

const Option job_stability_option[] = {
    {"stability", "N",
     "learn again N times with other seeds, and N times without a fold, to see who stays on the "
     "list (default 10; fewer beyond 2,000 customers; 0: none)",
     false},
    {0}};

/* Which of the customers scored are in the headline stratum. Nobody, where the figure to quote is
 * another slice's: a guarantee for the labelled mix is none for those to be scored. */
static Status find_headline(uint8_t **out, Job *j, const Scored *s, Error *err)
{
    uint8_t *all = ARENA_ARRAY(j->keep, uint8_t, j->data->customers + 1);
    uint8_t *in = *out = ARENA_ARRAY(j->keep, uint8_t, s->count + 1);
    if (j->run.strata != NULL && j->run.strata->headline != j->run.headline)
        return STATUS_OK;
    memset(all, 1, j->data->customers);
    if (j->plan->strata > 0)
        TRY(plan_stratum(all, j->scratch, &j->plan->stratum[j->run.headline], s->features, err));
    for (size_t i = 0; i < s->count; i++)
        in[i] = all[s->row[i]];
    return STATUS_OK;
}

/* A guarantee that no labels of this number can give is a slip of the book, and said as such. What
 * can be had is in the report. */
static void find_impossible(Job *j, const ThresholdReview *t)
{
    const MetricCertificate *c = &t->stratum[j->run.headline].certificate;
    if (c->start > 0 && c->start <= c->customers)
        return;
    Str name = j->set.stratum[j->run.headline];
    Str what =
        c->start == 0
            ? str_format(j->keep,
                         "the policy book asks to certify a precision of %.4g at a confidence of "
                         "%.4g, which no number of customers that anyone has can show",
                         c->precision, c->confidence)
            : str_format(
                  j->keep,
                  "to certify a precision of %.4g at a confidence of %.4g takes at least "
                  "%zu customers above the threshold; %.*s has %zu labelled customers in all",
                  c->precision, c->confidence, c->start, STR_ARG(name), c->customers);
    findings_add(j->data->findings, SEVERITY_WARNING, "certify_impossible", 1, what,
                 S("nothing is certified; the report says what these customers can show"));
}

/* A review finds no less than watching does: where it costs no more, watching is never right. That
 * any other action costs more on either kind of customer than doing nothing the book refuses. */
static void find_dominated(Job *j)
{
    const CostMatrix c = policy_costs(j->policy);
    bool dominated = c.good[COST_MONITOR] >= c.good[COST_REVIEW];
    findings_add(j->data->findings, SEVERITY_WARNING, "cost_dominated", dominated,
                 S("watching costs as much as a review, which finds no less: nobody is Medium"),
                 S("used as it is: check the costs `monitor` and `review` of the policy book"));
}

Status job_thresholds(Job *j, Error *err)
{
    ThresholdReview *review;
    ThresholdScored scored = {0};
    uint8_t *headline = NULL;
    const Scored *s = j->run.scored;
    if (j->run.validation == NULL)
        return STATUS_OK;
    job_stage(j, "thresholds", NULL);
    if (s != NULL) {
        TRY(find_headline(&headline, j, s, err));
        scored = (ThresholdScored){s->probability, s->outcome, headline, s->count};
    }
    judge_thresholds(&review, j->keep, j->scratch, &j->set, j->run.validation, j->run.headline,
                     j->policy, &scored);
    find_impossible(j, review);
    find_dominated(j);
    j->run.thresholds = review;
    return STATUS_OK;
}

/* A list of hundreds of names needs fewer runs to be judged than one of ten. */
static int64_t runs_for(size_t customers)
{
    int64_t runs = customers == 0 ? 10 : (int64_t)(20000 / customers);
    return runs < 2 ? 2 : runs > 10 ? 10 : runs;
}

Status job_stability(Job *j, Error *err)
{
    ListStability *stability;
    const Scored *s = j->run.scored;
    size_t customers = j->set.x->rows > s->count ? j->set.x->rows : s->count;
    int64_t runs = j->stability < 0 ? runs_for(customers) : j->stability;
    if (runs == 0 || j->run.validation == NULL)
        return STATUS_OK;
    job_stage(j, "stability", "learning again with other seeds and without folds");
    Matrix *x;
    TRY(score_matrix(&x, j->keep, j->bundle, s, NULL, s->count, err));
    const PolicyInputs inputs = {.events = s->events,
                                 .features = s->features,
                                 .row = s->row,
                                 .id = j->data->id,
                                 .count = s->count,
                                 .matrix = x,
                                 .columns = j->bundle->columns,
                                 .contradictory = s->contradictory,
                                 .facts = s->options.facts,
                                 .earlier = s->options.earlier};
    TRY(judge_stability(&stability, j->keep, &j->set, j->run.validation, &j->learn, j->policy,
                        &inputs, s->outcome, (size_t)runs, j->args->team, err));
    j->run.stability = stability;
    return STATUS_OK;
}
