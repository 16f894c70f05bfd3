#include "judge/judge.h"

#include <math.h>
#include <string.h>

enum { GRID_STEPS = 100 };

/* Arrivals should not take all of the analysts' time: queues grow without end at 1. */
static const double worked_share = 0.8;

static const double levels[CERTIFY_LEVELS] = {0.50, 0.55, 0.60, 0.65, 0.70,
                                              0.75, 0.80, 0.85, 0.90, 0.95};

typedef struct Reviewing {
    const double *p; /* [rows] out of fold, averaged over repeats */
    const TrainingSet *set;
    const uint8_t *in;
    const CostMatrix *costs;
    const ThresholdScored *scored;
} Reviewing;

/* A mean of n values of which `count` are `value` each and the others are in sum and square
 * already. */
static Interval mean_interval(double sum, double square, size_t n)
{
    if (n < 2)
        return (Interval){MISSING_VALUE, MISSING_VALUE, MISSING_VALUE};
    double mean = sum / (double)n, variance = square / (double)n - mean * mean;
    double half = 1.959963984540054 * sqrt((variance > 0 ? variance : 0) / (double)(n - 1));
    return (Interval){mean, mean - half, mean + half};
}

static ThresholdRow row_of(const Reviewing *r, MetricCut cut)
{
    const double missed = r->costs->risky[COST_NOTHING], review = r->costs->risky[COST_REVIEW];
    ThresholdRow row = {.cut = cut};
    MetricCut all = cut;
    all.selected = cut.customers;
    all.hits = cut.positives;
    for (size_t i = 0; i < r->scored->count; i++)
        row.reviews += r->scored->probability[i] >= cut.threshold;
    double selected = (double)cut.selected, passed = (double)(cut.positives - cut.hits);
    row.cost = mean_interval(selected * review + passed * missed,
                             selected * review * review + passed * missed * missed, cut.customers);
    row.net_benefit = metric_net_benefit(&cut, cut.threshold);
    row.net_benefit_all = metric_net_benefit(&all, cut.threshold);
    return row;
}

static ThresholdRow row_at(const Reviewing *r, double threshold)
{
    return row_of(r, metric_cut(r->p, r->set->label, r->in, r->set->x->rows, threshold));
}

/* blind: watching finds nothing, so what is watched is missed as well. */
static Interval cost_of_segments(const Reviewing *r, Thresholds t, bool blind)
{
    double sum = 0, square = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->set->x->rows; i++) {
        if (r->in != NULL && !r->in[i])
            continue;
        static const CostAction action[SEGMENTS] = {
            [SEGMENT_LOW] = COST_NOTHING,
            [SEGMENT_MEDIUM] = COST_MONITOR,
            [SEGMENT_HIGH] = COST_REVIEW,
        };
        CostAction a = action[policy_segment(t, r->p[i])];
        double cost = r->set->label[i] ? r->costs->risky[a] : r->costs->good[a];
        if (blind && a == COST_MONITOR && r->set->label[i])
            cost += r->costs->risky[COST_NOTHING];
        sum += cost;
        square += cost * cost;
        n++;
    }
    return mean_interval(sum, square, n);
}

/* The lowest threshold that no more scored customers reach than can be reviewed. */
static double fitting_threshold(const ThresholdScored *s, size_t reviews, Arena scratch)
{
    uint8_t *nobody = ARENA_ARRAY(&scratch, uint8_t, s->count + 1);
    return metric_top(s->probability, nobody, NULL, s->count, reviews, scratch).threshold;
}

static void review_stratum(ThresholdStratum *out, Arena *keep, Arena scratch, const Reviewing *r,
                           const Validation *v, const ThresholdReview *review, Thresholds t)
{
    size_t rows = r->set->x->rows;
    const uint8_t *label = r->set->label;
    out->mark[MARK_MEDIUM] = row_at(r, t.medium);
    out->mark[MARK_HIGH] = row_at(r, t.high);
    out->mark[MARK_OFFBOARDING] = row_at(r, t.offboarding);
    if (review->capacity.reviews > 0) {
        size_t reviews = review->capacity.reviews;
        size_t worked = (size_t)(worked_share * (double)reviews);
        out->mark[MARK_TOP] = row_of(r, metric_top(r->p, label, r->in, rows, reviews, scratch));
        if (review->scored > 0) {
            out->mark[MARK_CAPACITY] = row_at(r, fitting_threshold(r->scored, reviews, scratch));
            out->mark[MARK_CAPACITY_WORKED] =
                row_at(r, fitting_threshold(r->scored, worked, scratch));
        }
    }
    out->grid = ARENA_ARRAY(keep, ThresholdRow, GRID_STEPS);
    for (size_t i = 1; i < GRID_STEPS; i++)
        out->grid[out->grid_rows++] = row_at(r, (double)i / GRID_STEPS);
    out->cost_segments = cost_of_segments(r, t, false);
    out->cost_segments_blind = cost_of_segments(r, t, true);
    MetricCut all = metric_cut(r->p, label, r->in, rows, 0);
    double customers = (double)all.customers;
    out->cost_nobody = all.customers == 0
                           ? MISSING_VALUE
                           : (double)all.positives / customers * r->costs->risky[COST_NOTHING];
    out->cost_everybody = r->costs->good[COST_REVIEW];

    const Certify asked = review->certify;
    out->certificate =
        metric_certify(r->p, label, r->in, rows, asked.precision, asked.confidence, scratch);
    const Candidate *chosen = &v->candidate[v->chosen];
    for (size_t k = 0; k < v->repeats; k++)
        out->repeats_certified += metric_certify(chosen->probability[k], label, r->in, rows,
                                                 asked.precision, asked.confidence, scratch)
                                      .selected > 0;
    /* Nothing is proven at a confidence of 1; the usual one shows what could be. */
    double confidence = asked.confidence < 1 ? asked.confidence : 0.95;
    for (size_t k = 0; k < CERTIFY_LEVELS; k++)
        out->level[k] = metric_certify(r->p, label, r->in, rows, levels[k], confidence, scratch);
    while (out->levels_reached < CERTIFY_LEVELS && out->level[out->levels_reached].selected > 0)
        out->levels_reached++;
}

static void mark_certified(ThresholdReview *out, Arena *keep, size_t headline,
                           const ThresholdScored *s)
{
    const MetricCertificate *c = &out->stratum[headline].certificate;
    out->certified = ARENA_ARRAY(keep, uint8_t, s->count + 1);
    for (size_t i = 0; i < s->count; i++)
        out->certified[i] = c->selected > 0 && s->headline[i] && s->probability[i] >= c->threshold;
}

static size_t linked_customers(const TrainingSet *set, Arena scratch)
{
    size_t rows = set->x->rows, numbers = 0, linked = 0;
    if (set->group == NULL)
        return 0;
    for (size_t i = 0; i < rows; i++)
        numbers = set->group[i] >= numbers ? (size_t)set->group[i] + 1 : numbers;
    size_t *members = ARENA_ARRAY(&scratch, size_t, numbers + 1);
    for (size_t i = 0; i < rows; i++)
        members[set->group[i]]++;
    for (size_t i = 0; i < rows; i++)
        linked += members[set->group[i]] > 1;
    return linked;
}

void judge_thresholds(ThresholdReview **out, Arena *keep, Arena scratch, const TrainingSet *set,
                      const Validation *v, size_t headline, const Policy *policy,
                      const ThresholdScored *scored)
{
    const Candidate *chosen = &v->candidate[v->chosen];
    ThresholdReview *review = *out = ARENA_NEW(keep, ThresholdReview);
    *review = (ThresholdReview){.costs = policy_costs(policy),
                                .capacity = policy_capacity(policy),
                                .certify = policy_certify(policy),
                                .scored = scored->count,
                                .repeats = v->repeats,
                                .linked = linked_customers(set, scratch),
                                .strata = set->strata,
                                .stratum = ARENA_ARRAY(keep, ThresholdStratum, set->strata)};
    for (size_t i = 0; i < scored->count; i++) {
        bool reviewed = scored->outcome[i].action >= ACTION_ENHANCED_DUE_DILIGENCE;
        review->reviews_expected += reviewed;
        review->reviews_by_rules +=
            reviewed && scored->probability[i] < policy_thresholds(policy).high;
    }
    double *p = ARENA_ARRAY(&scratch, double, v->rows + 1);
    for (size_t i = 0; i < v->rows; i++) {
        for (size_t k = 0; k < v->repeats; k++)
            p[i] += chosen->probability[k][i];
        p[i] /= (double)v->repeats;
    }
    for (size_t s = 0; s < set->strata; s++) {
        const Reviewing r = {p, set, set->in_stratum[s], &review->costs, scored};
        review_stratum(&review->stratum[s], keep, scratch, &r, v, review,
                       policy_thresholds(policy));
    }
    if (scored->count > 0)
        mark_certified(review, keep, headline, scored);
}
