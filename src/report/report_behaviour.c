/* report_behaviour.c - what the customers of each segment are like, and what sets them apart from
 * the others: medians, standardised differences, shares. Aggregates of at least GROUP_MIN. */
#include "report/report_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMPARED_MAX = 20000, /* customers; of more, every second, third ... is taken */
    GROUP_MIN = 5,
    APART_SHOWN = 6, /* features of a segment, one a family */
    MEDIANS_SHOWN = 16,
    CHARTS = 6,
    LEVELS_MAX = 40,
    LEVELS_SHOWN = 3,
    PROFILE_ROWS_MAX = 24
};
static const double discovery_rate = 0.05;

/* One feature, one segment against all others, on ranks: a few very large sums decide nothing. */
typedef struct Gap {
    double
        d; /* difference of mean ranks in pooled standard deviations; NAN: too few, or all equal */
    double low, high, q;
    size_t inside, outside; /* customers whose value is known */
} Gap;

typedef struct Compared {
    uint32_t feature;
    const Column *column;
    Gap gap[SEGMENTS];
    double most;               /* the greatest |d| of a segment that can be told from noise */
    uint32_t median[SEGMENTS]; /* row of the lower median; UINT32_MAX: too few */
    uint32_t median_others[SEGMENTS];
    double quartile[SEGMENTS][3]; /* of the rank's share, 0 to 1 */
} Compared;

typedef struct Value {
    double value, rank; /* rank: share of those compared that are lower, half of the equal added */
    uint32_t row;
    uint8_t segment;
} Value;

/* Who is compared: positions in scored with data enough to be judged. */
typedef struct Sample {
    uint32_t *position;
    size_t count, of; /* of: before every k-th was taken */
    size_t segment[SEGMENTS];
} Sample;

static int ascending(const void *left, const void *right)
{
    const Value *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static Sample sample_of(Page *p)
{
    const Scored *s = p->run->scored;
    Sample out = {.position = ARENA_RAW(p->arena, uint32_t, COMPARED_MAX + 1)};
    for (size_t i = 0; i < s->count; i++)
        out.of += !s->outcome[i].insufficient_data;
    size_t step = out.of / COMPARED_MAX + (out.of % COMPARED_MAX > 0), seen = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->outcome[i].insufficient_data || seen++ % step != 0)
            continue;
        out.position[out.count++] = (uint32_t)i;
        out.segment[s->outcome[i].segment]++;
    }
    return out;
}

/* Text and times have no order that says more or less; a boolean has. */
static bool ordered(const Column *c)
{
    return c != NULL && c->type != TYPE_CATEGORY && c->type != TYPE_TEXT && c->type != TYPE_TIME &&
           c->type != TYPE_DATE;
}

/* Values in ascending order with their ranks; ties share one. */
static size_t ranks_of(Value *value, const Run *run, const Sample *sample, const Column *c)
{
    size_t n = 0;
    for (size_t i = 0; i < sample->count; i++) {
        uint32_t at = sample->position[i], row = run->scored->row[at];
        double x = cell_double(c, row);
        if (!is_missing(x))
            value[n++] = (Value){x, 0, row, (uint8_t)run->scored->outcome[at].segment};
    }
    qsort(value, n, sizeof *value, ascending);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && value[to].value == value[from].value; to++)
            ;
        for (size_t i = from; i < to; i++)
            value[i].rank = ((double)from + (double)(to - from) / 2) / (double)n;
    }
    return n;
}

/* The p of Mann and Whitney's test (1947), corrected for ties, is that of the ranks' means; the
 * interval of d is Hedges and Olkin's (1985). */
static double set_apart(Gap *g, const Value *value, size_t n, Segment segment)
{
    double sum[2] = {0, 0}, mean = 0, within = 0, total = 0;
    size_t count[2] = {0, 0};
    *g = (Gap){.d = MISSING_VALUE, .low = MISSING_VALUE, .high = MISSING_VALUE};
    for (size_t i = 0; i < n; i++) {
        bool in = value[i].segment == segment;
        sum[in] += value[i].rank;
        count[in]++;
        mean += value[i].rank / (double)n;
    }
    g->inside = count[1];
    g->outside = count[0];
    if (count[0] < GROUP_MIN || count[1] < GROUP_MIN)
        return MISSING_VALUE;
    const double centre[2] = {sum[0] / (double)count[0], sum[1] / (double)count[1]};
    for (size_t i = 0; i < n; i++) {
        double off = value[i].rank - centre[value[i].segment == segment];
        within += off * off;
        total += (value[i].rank - mean) * (value[i].rank - mean);
    }
    double each = 1 / (double)count[0] + 1 / (double)count[1];
    double pooled = sqrt(within / (double)(n - 2)), all = sqrt(total / (double)(n - 1));
    if (!(pooled > 0))
        return MISSING_VALUE;
    g->d = (centre[1] - centre[0]) / pooled;
    double error = sqrt(each + g->d * g->d / (2 * (double)n));
    g->low = g->d - 1.96 * error;
    g->high = g->d + 1.96 * error;
    return 2 * metric_normal_tail(fabs(centre[1] - centre[0]) / (all * sqrt(each)));
}

/* Lower medians, which are some customer's own value and are shown as exactly as theirs. */
static void middles(Compared *c, const Value *value, size_t n)
{
    for (int s = 0; s < SEGMENTS; s++) {
        size_t in = c->gap[s].inside, out = c->gap[s].outside, k = 0, m = 0;
        c->median[s] = c->median_others[s] = UINT32_MAX;
        c->quartile[s][0] = MISSING_VALUE;
        for (size_t i = 0; i < n; i++)
            if (value[i].segment == s) {
                for (size_t part = 1; in >= GROUP_MIN && part <= 3; part++)
                    if (k == (in - 1) * part / 4)
                        c->quartile[s][part - 1] = value[i].rank;
                if (k++ == (in - 1) / 2 && in >= GROUP_MIN)
                    c->median[s] = value[i].row;
            } else if (m++ == (out - 1) / 2 && out >= GROUP_MIN) {
                c->median_others[s] = value[i].row;
            }
    }
}

/* Every ordered feature that the model or the policy may read, but for those that set a customer
 * beside others, which say the same again in other words. What is only watched (how long
 * somebody was observed) would describe the files and not the customers. */
static size_t compare(Compared **out, Page *p, const Sample *sample)
{
    const Run *run = p->run;
    Arena scratch = p->spare;
    size_t count = 0, features = run->plan->features;
    Compared *made = ARENA_ARRAY(p->arena, Compared, features + 1);
    double *chance = ARENA_RAW(p->arena, double, SEGMENTS *features + 1);
    double *q = ARENA_RAW(p->arena, double, SEGMENTS *features + 1);
    Value *value = ARENA_RAW(&scratch, Value, sample->count + 1);
    for (size_t f = 0; f < features; f++) {
        const Feature *feature = &run->plan->feature[f];
        const Column *column = table_find(run->scored->features, feature->name.text);
        if (feature->use == USE_MONITOR || feature->compares || !ordered(column))
            continue;
        Compared *c = &made[count];
        *c = (Compared){.feature = (uint32_t)f, .column = column};
        size_t n = ranks_of(value, run, sample, column);
        for (int s = 0; s < SEGMENTS; s++)
            chance[SEGMENTS * count + (size_t)s] = set_apart(&c->gap[s], value, n, (Segment)s);
        middles(c, value, n);
        count++;
    }
    metric_false_discovery(q, chance, SEGMENTS * count, scratch);
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < SEGMENTS; s++) {
            Gap *g = &made[i].gap[s];
            g->q = q[SEGMENTS * i + s];
            if (g->q < discovery_rate && fabs(g->d) > made[i].most)
                made[i].most = fabs(g->d);
        }
    *out = made;
    return count;
}

/* ---- words ---- */

static Str value_at(Page *p, const Compared *c, uint32_t row)
{
    const Run *run = p->run;
    if (row == UINT32_MAX)
        return S("too few");
    if (c->column->type == TYPE_BOOLEAN)
        return cell_double(c->column, row) > 0 ? S("yes") : S("no");
    return format_cell(p->arena, run->plan->feature[c->feature].format, LANGUAGE_ENGLISH,
                       run->plan->schema->currency.text, c->column, row);
}

static bool family_in(const Run *run, const Compared *of, const size_t *taken, size_t count,
                      size_t one, size_t most)
{
    size_t alike = 0;
    Str family = run->plan->feature[of[one].feature].family.text;
    for (size_t i = 0; i < count; i++)
        alike += str_equal(run->plan->feature[of[taken[i]].feature].family.text, family);
    return alike >= most;
}

/* The features of the greatest size, at most `most` of a family. */
static size_t greatest(size_t *taken, size_t room, const Run *run, const Compared *of, size_t count,
                       int segment, size_t most)
{
    size_t picked = 0;
    while (picked < room) {
        size_t best = SIZE_MAX;
        double size = 0;
        for (size_t i = 0; i < count; i++) {
            double one = segment < 0 ? of[i].most : fabs(of[i].gap[segment].d);
            bool used = false;
            for (size_t k = 0; k < picked; k++)
                used = used || taken[k] == i;
            if (!used && one > size && !family_in(run, of, taken, picked, i, most)) {
                best = i;
                size = one;
            }
        }
        if (best == SIZE_MAX)
            break;
        taken[picked++] = best;
    }
    return picked;
}

/* One direction in words, at most three features. */
static void clause(Page *p, const Compared *of, const size_t *taken, size_t count, Segment s,
                   bool more)
{
    Arena *a = p->arena;
    size_t told = 0;
    for (size_t i = 0; i < count && told < 3; i++) {
        const Compared *c = &of[taken[i]];
        const Gap *g = &c->gap[s];
        if (!(g->q < discovery_rate) || (g->d > 0) != more)
            continue;
        html(p, told > 0 ? "; "
                : more   ? "<p><b>More than the others:</b> "
                         : "<p><b>Less than the others:</b> ");
        Str here = value_at(p, c, c->median[s]), there = value_at(p, c, c->median_others[s]);
        html_text(p, p->run->plan->feature[c->feature].says.text);
        html_text(
            p, str_equal(here, there)
                   ? str_format(a, " (median %.*s, as the others; the rest differs)", STR_ARG(here))
                   : str_format(a, " (median %.*s against %.*s)", STR_ARG(here), STR_ARG(there)));
        told++;
    }
    html(p, told > 0 ? ".</p>\n" : "");
}

static void clauses(Page *p, const Compared *of, const size_t *taken, size_t count, Segment s,
                    size_t customers)
{
    size_t told = 0;
    for (size_t i = 0; i < count; i++)
        told += of[taken[i]].gap[s].q < discovery_rate;
    clause(p, of, taken, count, s, true);
    clause(p, of, taken, count, s, false);
    if (told == 0)
        html_paragraph(p,
                       "Nothing sets its %zu customers apart from the others that could not be "
                       "chance.",
                       customers);
}

static void apart_table(Page *p, const Sample *sample, const Compared *of, size_t count, Segment s)
{
    Arena *a = p->arena;
    const Run *run = p->run;
    size_t taken[APART_SHOWN];
    size_t shown = greatest(taken, APART_SHOWN, run, of, count, (int)s, 1);
    Str name = segment_name(s);
    html(p, "<h4>");
    html_text(p, name);
    html(p, "</h4>\n");
    if (sample->segment[s] < GROUP_MIN || shown == 0) {
        html_paragraph(p, "Too few customers of %.*s have data enough to be described.",
                       STR_ARG(name));
        return;
    }
    clauses(p, of, taken, shown, s, sample->segment[s]);
    html_table(
        p, str_chars(a, str_format(a, "What sets %.*s apart, one feature a family", STR_ARG(name))),
        "Feature|>Median here|>Median of the others|>Standardised difference|>Here|"
        ">Others|Told from chance");
    for (size_t i = 0; i < shown; i++) {
        const Compared *c = &of[taken[i]];
        const Gap *g = &c->gap[s];
        html_row(p);
        html_head(p, run->plan->feature[c->feature].says.text);
        html_cell_number(p, value_at(p, c, c->median[s]));
        html_cell_number(p, value_at(p, c, c->median_others[s]));
        html_cell_interval(p, (Interval){g->d, g->low, g->high}, 2);
        html_cell_number(p, number_count(a, g->inside));
        html_cell_number(p, number_count(a, g->outside));
        html_cell(p, g->q < discovery_rate ? S("yes") : S("no"));
        html_row_end(p);
    }
    html_table_end(p);
}

static void median_table(Page *p, const Compared *of, size_t count)
{
    const Run *run = p->run;
    size_t taken[MEDIANS_SHOWN];
    size_t shown = greatest(taken, MEDIANS_SHOWN, run, of, count, -1, 2);
    if (shown == 0)
        return;
    html_table(p, "Median customer of each segment", "Feature|>Low|>Medium|>High");
    for (size_t i = 0; i < shown; i++) {
        const Compared *c = &of[taken[i]];
        html_row(p);
        html_head(p, run->plan->feature[c->feature].says.text);
        for (size_t s = 0; s < SEGMENTS; s++)
            html_cell_number(p, value_at(p, c, c->median[s]));
        html_row_end(p);
    }
    html_table_end(p);
}

static void boxes(Page *p, const Compared *of, size_t count)
{
    const Run *run = p->run;
    size_t taken[CHARTS];
    size_t shown = greatest(taken, CHARTS, run, of, count, -1, 1);
    if (shown == 0)
        return;
    html_paragraph(p, "Boxes: where the middle half of each segment stands among all customers "
                      "compared, from the least of them (0) to the most (1); the line is its "
                      "median. A segment like all others would lie between 0.25 and 0.75.");
    html(p, "<div class=\"charts\">\n");
    for (size_t i = 0; i < shown; i++) {
        const Compared *c = &of[taken[i]];
        Chart chart;
        Str id = str_format(p->arena, "segment-box-%zu", i + 1);
        chart_open(&chart, p, str_chars(p->arena, id),
                   str_chars(p->arena, run->plan->feature[c->feature].says.text),
                   S("Quartiles of each segment's rank among the customers compared; the medians "
                     "themselves are in the table below."),
                   "segment", "rank among all compared");
        chart.x_high = SEGMENTS;
        chart_scale(&chart, 4, 2);
        for (int s = 0; s < SEGMENTS; s++) {
            chart_tick(&chart, s + 0.5, segment_name((Segment)s));
            if (!is_missing(c->quartile[s][0]))
                chart_box(&chart, s + 0.5, c->quartile[s]);
        }
        chart_close(&chart);
    }
    html(p, "</div>\n");
}

/* ---- shares ---- */

/* A share of so few that it could name somebody is not told. */
static void share_cell(Page *p, size_t count, size_t of)
{
    Arena *a = p->arena;
    if (of < GROUP_MIN)
        html_cell_number(p, S("too few"));
    else if (count > 0 && count < GROUP_MIN)
        html_cell_number(p, str_format(a, "fewer than %d", GROUP_MIN));
    else {
        Str share = number_share(a, (double)count / (double)of);
        html_cell_number(p, str_format(a, "%.*s (%zu of %zu)", STR_ARG(share), count, of));
    }
}

static void share_row(Page *p, Str name, const size_t *count, const size_t *of)
{
    html_row(p);
    html_head(p, name);
    for (size_t s = 0; s < SEGMENTS; s++)
        share_cell(p, count[s], of[s]);
    html_row_end(p);
}

static size_t boolean_row(Page *p, const Feature *f, const Column *c)
{
    const Scored *s = p->run->scored;
    size_t count[SEGMENTS] = {0}, of[SEGMENTS] = {0}, yes = 0;
    for (size_t i = 0; i < s->count; i++) {
        double x = cell_double(c, s->row[i]);
        if (is_missing(x))
            continue;
        of[s->outcome[i].segment]++;
        count[s->outcome[i].segment] += x > 0;
        yes += x > 0;
    }
    if (yes < GROUP_MIN)
        return 0;
    share_row(p, f->says.text, count, of);
    return 1;
}

/* The commonest values of a category, as levels of what they are a value of. */
static size_t category_rows(Page *p, const Feature *f, const Column *c)
{
    const Scored *s = p->run->scored;
    Dictionary *level = dictionary_new(p->arena);
    size_t(*count)[SEGMENTS] = arena_alloc(p->arena, LEVELS_MAX, sizeof *count);
    size_t of[SEGMENTS] = {0}, rows = 0;
    bool told[LEVELS_MAX] = {false};
    memset(count, 0, LEVELS_MAX * sizeof *count);
    for (size_t i = 0; i < s->count; i++) {
        if (!column_valid(c, s->row[i]))
            continue;
        size_t at = dictionary_add(level, cell_text(p->arena, c, s->row[i]));
        if (at >= LEVELS_MAX)
            return 0; /* so many values describe nobody */
        count[at][s->outcome[i].segment]++;
        of[s->outcome[i].segment]++;
    }
    for (; rows < LEVELS_SHOWN; rows++) {
        size_t best = SIZE_MAX, most = GROUP_MIN - 1;
        for (size_t k = 0; k < level->count; k++) {
            size_t all = count[k][SEGMENT_LOW] + count[k][SEGMENT_MEDIUM] + count[k][SEGMENT_HIGH];
            if (!told[k] && all > most) {
                best = k;
                most = all;
            }
        }
        if (best == SIZE_MAX)
            break;
        told[best] = true;
        Str value = level->text[best];
        share_row(p, str_format(p->arena, "%.*s: %.*s", STR_ARG(f->says.text), STR_ARG(value)),
                  count[best], of);
    }
    return rows;
}

static void profile(Page *p)
{
    const Run *run = p->run;
    const Scored *s = run->scored;
    size_t of[SEGMENTS] = {0}, active[SEGMENTS] = {0}, thin[SEGMENTS] = {0}, rows = 0;
    for (size_t i = 0; i < s->count; i++) {
        Segment in = s->outcome[i].segment;
        of[in]++;
        active[in] += events_of(run, s->row[i]) > 0;
        thin[in] += s->outcome[i].insufficient_data;
    }
    html_table(p, "Who is in each segment", "Share of customers|>Low|>Medium|>High");
    share_row(p, S("Have transactions"), active, of);
    share_row(p, S("INSUFFICIENT_DATA"), thin, of);
    for (size_t f = 0; f < run->plan->features && rows < PROFILE_ROWS_MAX; f++) {
        const Feature *feature = &run->plan->feature[f];
        const Column *c = table_find(s->features, feature->name.text);
        if (feature->use == USE_MONITOR || c == NULL)
            continue;
        if (c->type == TYPE_BOOLEAN)
            rows += boolean_row(p, feature, c);
        else if (c->type == TYPE_CATEGORY)
            rows += category_rows(p, feature, c);
    }
    html_table_end(p);
    html_note(p,
              "Shares of the customers whose value is known, all scored customers of the segment; "
              "of a category its %d commonest values. Groups of fewer than %d are not told.",
              LEVELS_SHOWN, GROUP_MIN);
}

void section_behaviour(Page *p)
{
    const Sample sample = sample_of(p);
    Compared *compared;
    html(p, "<h3 id=\"behaviour\">How each segment behaves</h3>\n");
    if (sample.count == 0) {
        html_paragraph(p, "No customer scored has data enough to be described.");
        profile(p);
        return;
    }
    size_t count = compare(&compared, p, &sample);
    html_paragraph(p,
                   "Each segment is set beside the customers of the other two, on the %zu "
                   "features that the model or the policy reads, over the %zu customers with data "
                   "enough to judge (Low %zu, Medium %zu, High %zu). The segments are cut by the "
                   "score alone, so features of the model differ by construction; what follows "
                   "describes them and proves nothing about anybody.",
                   count, sample.count, sample.segment[SEGMENT_LOW], sample.segment[SEGMENT_MEDIUM],
                   sample.segment[SEGMENT_HIGH]);
    for (int s = SEGMENTS - 1; s >= 0; s--)
        apart_table(p, &sample, compared, count, (Segment)s);
    html_note(p,
              "Standardised difference: of mean ranks, in standard deviations within the groups, "
              "so that a few very large sums decide nothing; 95 %% interval by Hedges and Olkin. "
              "0.2 is called small, 0.5 medium, 0.8 large (Cohen). Told from chance: Mann and "
              "Whitney's test, at most 5 %% false discoveries over all features and segments "
              "(Benjamini and Hochberg).");
    if (sample.count < sample.of)
        html_note(p, "Of %zu such customers %zu were taken, evenly by their place in the files.",
                  sample.of, sample.count);
    html(p, "<h4>Side by side</h4>\n");
    boxes(p, compared, count);
    median_table(p, compared, count);
    profile(p);
}
