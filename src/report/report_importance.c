/* report_importance.c - what the model lives on: shuffled features, contributions, curves. */
#include "report/report_internal.h"

#include <math.h>

enum { SHOWN = 12, MEMBERS_SHOWN = 12 };

static const Feature *feature_of(const Page *p, uint32_t feature)
{
    return &p->run->plan->feature[feature];
}

/* ---- bars with whiskers, one to a row of a table, all on one scale ---- */

typedef struct Scale {
    double low, high;
} Scale;

enum { BAR_WIDTH = 140, BAR_HEIGHT = 10 };

static void widen(Scale *s, Interval i)
{
    const double end[] = {i.value, i.low, i.high};
    for (size_t k = 0; k < COUNT_OF(end); k++)
        if (isfinite(end[k])) {
            s->low = fmin(s->low, end[k]);
            s->high = fmax(s->high, end[k]);
        }
}

static Str place(Page *p, Scale s, double x)
{
    double width = s.high > s.low ? s.high - s.low : 1;
    return number_fixed(p->arena, BAR_WIDTH * (x - s.low) / width, 1);
}

static void bar_cell(Page *p, Scale s, Interval i)
{
    Str zero = place(p, s, 0), from = place(p, s, fmin(i.value, 0));
    double size = s.high > s.low ? BAR_WIDTH * fabs(i.value) / (s.high - s.low) : 0;
    Str width = number_fixed(p->arena, size, 1);
    buffer_format(&p->out,
                  "<td class=\"bar\"><svg class=\"long\" viewBox=\"0 0 %d %d\" "
                  "aria-hidden=\"true\"><rect class=\"fill\" x=\"%.*s\" y=\"2\" "
                  "width=\"%.*s\" height=\"6\"/><line class=\"axis\" x1=\"%.*s\" y1=\"0\" "
                  "x2=\"%.*s\" y2=\"%d\"/>",
                  BAR_WIDTH, BAR_HEIGHT, STR_ARG(from), STR_ARG(width), STR_ARG(zero),
                  STR_ARG(zero), BAR_HEIGHT);
    if (isfinite(i.low) && isfinite(i.high)) {
        Str low = place(p, s, i.low), high = place(p, s, i.high);
        buffer_format(&p->out,
                      "<line class=\"mark solid\" x1=\"%.*s\" y1=\"5\" "
                      "x2=\"%.*s\" y2=\"5\"/>",
                      STR_ARG(low), STR_ARG(high));
    }
    html(p, "</svg></td>");
}

static void head_code(Page *p, Str name)
{
    html(p, "<th scope=\"row\"><code>");
    html_text(p, name);
    html(p, "</code></th>");
}

static void more_begin(Page *p, size_t count)
{
    html(p, "<details><summary>");
    html_text(p, number_plural(p->arena, count, "further feature", "further features"));
    html(p, "</summary>\n");
}

/* ---- shuffled ---- */

static Str names_of(Page *p, const ImportanceItem *item)
{
    Buffer b = buffer_new(p->arena);
    for (size_t k = 0; k < item->features && k < MEMBERS_SHOWN; k++) {
        if (k > 0)
            buffer_add(&b, S(", "));
        buffer_add(&b, feature_of(p, item->feature[k])->name.text);
    }
    if (item->features > MEMBERS_SHOWN)
        buffer_format(&b, " and %zu more", item->features - MEMBERS_SHOWN);
    return buffer_str(&b);
}

static size_t count_of(const Importance *m, ImportanceOf of)
{
    size_t count = 0;
    for (size_t i = 0; i < m->items; i++)
        count += m->item[i].of == of;
    return count;
}

static void item_row(Page *p, Scale s, const ImportanceItem *item)
{
    html_row(p);
    if (item->of == IMPORTANCE_FEATURE) {
        head_code(p, item->name);
        html_cell(p, feature_of(p, item->feature[0])->says.text);
    } else if (item->of == IMPORTANCE_FAMILY) {
        html_head(p, item->name);
        html_cell_number(p, number_count(p->arena, item->features));
    } else {
        html(p, "<th scope=\"row\"><code class=\"names\">");
        html_text(p, names_of(p, item));
        html(p, "</code></th>");
        html_cell_number(p, number_count(p->arena, item->features));
    }
    html_cell_interval(p, item->log_loss, 4);
    bar_cell(p, s, item->log_loss);
    html_cell_interval(p, item->auc, 3);
    html_cell_number(p, number_share(p->arena, item->harmed));
    html_row_end(p);
}

/* Rows of one kind, from and to counted within it. */
static void item_table(Page *p, Scale s, ImportanceOf of, const char *caption, size_t from,
                       size_t to)
{
    const Importance *m = p->run->importance;
    size_t at = 0;
    html_table(
        p, caption,
        of == IMPORTANCE_FEATURE
            ? "Feature|Meaning|>Rise in log loss|Compared|>Fall of the AUC|>Fold models harmed"
        : of == IMPORTANCE_FAMILY
            ? "Family|>Features|>Rise in log loss|Compared|>Fall of the AUC|>Fold models harmed"
            : "Features|>Number|>Rise in log loss|Compared|>Fall of the AUC|>Fold models "
              "harmed");
    for (size_t i = 0; i < m->items; i++)
        if (m->item[i].of == of) {
            if (at >= from && at < to)
                item_row(p, s, &m->item[i]);
            at++;
        }
    html_table_end(p);
}

static void shuffled(Page *p)
{
    const Importance *m = p->run->importance;
    Arena *a = p->arena;
    size_t features = count_of(m, IMPORTANCE_FEATURE), alone = 0, groups = 0;
    Scale s = {0, 0};
    for (size_t i = 0; i < m->items; i++) {
        widen(&s, m->item[i].log_loss);
        if (m->item[i].of == IMPORTANCE_FEATURE)
            alone += m->item[i].log_loss.low > 0;
        else if (m->item[i].of != IMPORTANCE_FAMILY)
            groups += m->item[i].log_loss.low > 0;
    }
    Str loss = number_fixed(a, m->log_loss, 3), auc = number_fixed(a, m->auc, 3);
    html(p, "<h3 id=\"importance\">What the model lives on</h3>\n");
    html_verdict(p,
                 alone + groups == 0
                     ? "Nothing by itself: no feature and no group of like ones is missed, beyond "
                       "chance, when it is shuffled."
                     : "%zu of %zu features and %zu groups of like ones are missed, beyond chance, "
                       "when they are shuffled; the rest can be spared while the others are there.",
                 alone, features, groups);
    html_paragraph(p,
                   "Each feature's values were shuffled among customers whom the model had not "
                   "learnt from, and the model was asked again: %zu models of %zu repeats, %zu "
                   "shuffles each. What gets worse is what the model needs. Unshuffled, its log "
                   "loss is %.*s and its AUC within folds %.*s, on %zu customers.",
                   m->repeats * m->folds, m->repeats, m->permutations, STR_ARG(loss), STR_ARG(auc),
                   m->customers);
    html_paragraph(p,
                   "Of %zu features, %zu cannot be spared alone (the whole interval lies above 0). "
                   "That is not to say that the others do nothing: where several say the same, "
                   "each can be spared while the others are there. So they are shuffled together "
                   "as well, by family, by group of correlated features and by group of features "
                   "that are missing for the same customers; %zu such groups cannot be spared.",
                   features, alone, groups);
    item_table(p, s, IMPORTANCE_FAMILY, "Lost when a family is shuffled", 0, SIZE_MAX);
    if (count_of(m, IMPORTANCE_CORRELATED) > 0)
        item_table(p, s, IMPORTANCE_CORRELATED,
                   "Lost when correlated features are shuffled together", 0, SIZE_MAX);
    if (count_of(m, IMPORTANCE_MISSING) > 0)
        item_table(p, s, IMPORTANCE_MISSING,
                   "Lost when features that are missing together are shuffled together", 0,
                   SIZE_MAX);
    item_table(p, s, IMPORTANCE_FEATURE, "Lost when one feature is shuffled", 0, SHOWN);
    if (features > SHOWN) {
        more_begin(p, features - SHOWN);
        item_table(p, s, IMPORTANCE_FEATURE, "Further features", SHOWN, SIZE_MAX);
        html(p, "</details>\n");
    }
    Str cut = number_fixed(a, m->correlation_cut, 1);
    html_note(p,
              "Intervals: 95 %% over fold models with Nadeau and Bengio's correction, since they "
              "share customers; one that holds 0 cannot be told from nothing, and a rise below 0 "
              "is chance or a feature that harms. Groups: average linkage of absolute rank "
              "correlations, cut at %.*s. A "
              "shuffled customer may be one that cannot exist, so this says what the model uses, "
              "not what causes risk.",
              STR_ARG(cut));
}

/* ---- contributions ---- */

static Str direction_words(Interval d)
{
    if (is_missing(d.value))
        return S("\xE2\x80\x93");
    return d.low > 0.2 ? S("more") : d.high < -0.2 ? S("less") : S("neither");
}

static size_t slice_named(const Importance *m, Str name)
{
    for (size_t k = 0; k < m->slices; k++)
        if (str_equal(m->slice[k].name, name))
            return k;
    return 0;
}

static void shap_row(Page *p, Scale s, const ImportanceShap *shap, size_t slice)
{
    Arena *a = p->arena;
    bool feature = shap->of == IMPORTANCE_FEATURE;
    html_row(p);
    if (feature) {
        head_code(p, shap->name);
        html_cell(p, direction_words(shap->direction));
    } else {
        html_head(p, shap->name);
    }
    html_cell_interval(p, shap->size[0], 3);
    bar_cell(p, s, shap->size[0]);
    if (!feature) {
        html_cell_number(p, number_fixed(a, shap->mean[1], 3));
        html_cell_number(p, number_fixed(a, shap->mean[2], 3));
    }
    if (slice > 0)
        html_cell_interval(p, shap->size[slice], 3);
    if (p->run->importance->scored > 0)
        html_cell_interval(p, shap->scored, 3);
    if (feature) {
        Str median = number_fixed(a, shap->rank.median, 1);
        Str low = number_fixed(a, shap->rank.low, 0), high = number_fixed(a, shap->rank.high, 0);
        html_cell_number(p, str_format(a, "%.*s (%.*s\xE2\x80\x93%.*s)", STR_ARG(median),
                                       STR_ARG(low), STR_ARG(high)));
        html_cell_number(p, number_share(a, shap->rank.top5));
    }
    html_row_end(p);
}

static void shap_table(Page *p, Scale s, ImportanceOf of, const char *caption, size_t slice,
                       size_t from, size_t to)
{
    const Importance *m = p->run->importance;
    Buffer b = buffer_new(p->arena);
    size_t at = 0;
    buffer_add(&b, of == IMPORTANCE_FEATURE ? S("Feature|Riskier|>Size") : S("Family|>Size"));
    buffer_add(&b, of == IMPORTANCE_FEATURE ? S("|Compared")
                                            : S("|Compared|>Mean, suspended|>Mean, others"));
    if (slice > 0)
        buffer_format(&b, "|>Size, %.*s", STR_ARG(m->slice[slice].name));
    if (m->scored > 0)
        buffer_add(&b, S("|>Size, to be scored"));
    if (of == IMPORTANCE_FEATURE)
        buffer_add(&b, S("|>Place (5\xE2\x80\x93"
                         "95 %)|>Among first 5"));
    html_table(p, caption, str_chars(p->arena, buffer_str(&b)));
    for (size_t i = 0; i < m->shaps; i++)
        if (m->shap[i].of == of) {
            if (at >= from && at < to)
                shap_row(p, s, &m->shap[i], slice);
            at++;
        }
    html_table_end(p);
}

/* The three features of greatest size, with the direction where it is clear. */
static void say_movers(Page *p)
{
    const Importance *m = p->run->importance;
    size_t told = 0;
    for (size_t i = 0; i < m->shaps && told < 3; i++) {
        const ImportanceShap *shap = &m->shap[i];
        if (shap->of != IMPORTANCE_FEATURE || !(shap->size[0].value > 0))
            continue;
        Str way = direction_words(shap->direction);
        html(p, told == 0 ? "<p class=\"say\">Most of all " : ", ");
        html(p, "<code>");
        html_text(p, shap->name);
        html(p, "</code>");
        if (str_equal(way, S("more")) || str_equal(way, S("less")))
            html_say(p, " (%.*s of it is riskier)", STR_ARG(way));
        told++;
    }
    html(p, told > 0 ? ".</p>\n" : "");
}

static void contributions(Page *p)
{
    const Importance *m = p->run->importance;
    Arena *a = p->arena;
    size_t features = count_of(m, IMPORTANCE_FEATURE);
    size_t slice = slice_named(m, p->run->training->stratum[p->run->headline]);
    Scale s = {0, 0};
    for (size_t i = 0; i < m->shaps; i++)
        widen(&s, m->shap[i].size[0]);
    Str by_loss = number_fixed(a, m->by_loss.kendall_w, 2);
    Str by_size = number_fixed(a, m->by_contribution.kendall_w, 2);
    html(p, "<h3 id=\"contributions\">What moves the score</h3>\n");
    say_movers(p);
    html_paragraph(p,
                   "By how much each feature moves the calibrated log-odds of customers whom the "
                   "model had not learnt from, up or down, on average (SHAP). It says what the "
                   "model uses, not what causes risk. Over the %zu fold models the order of "
                   "features by this measure agrees to %.*s (Kendall's W: 0 not at all, 1 always "
                   "the same); the order by what shuffling costs, which a few customers decide, to "
                   "%.*s.",
                   m->by_contribution.rankings, STR_ARG(by_size), STR_ARG(by_loss));
    shap_table(p, s, IMPORTANCE_FAMILY, "Mean absolute contribution of families", slice, 0,
               SIZE_MAX);
    shap_table(p, s, IMPORTANCE_FEATURE, "Mean absolute contribution of features", slice, 0, SHOWN);
    if (features > SHOWN) {
        more_begin(p, features - SHOWN);
        shap_table(p, s, IMPORTANCE_FEATURE, "Further features", slice, SHOWN, SIZE_MAX);
        html(p, "</details>\n");
    }
    html_note(p,
              "Size: mean absolute contribution, 95 %% over fold models with Nadeau and Bengio's "
              "correction, since they share customers; of customers to be scored, by the final "
              "model and over those customers. A family's features are summed for each customer "
              "before the size is taken, as are the columns of a category. Place: median over fold "
              "models. shap.csv has every class and slice.");
}

/* ---- curves ---- */

static Str brief(Arena *a, double x)
{
    double size = fabs(x);
    if (size >= 10000) {
        Str thousands = number_fixed(a, x / 1000, 0);
        return str_format(a, "%.*sk", STR_ARG(thousands));
    }
    Str text = number_fixed(a, x, size >= 100 ? 0 : size >= 10 ? 1 : 2);
    bool point = false;
    for (size_t i = 0; i < text.size; i++)
        point = point || text.data[i] == '.';
    while (point && (text.data[text.size - 1] == '0' || text.data[text.size - 1] == '.')) {
        point = text.data[text.size - 1] != '.';
        text.size--;
    }
    return text;
}

static Str bin_words(Arena *a, const ImportanceBin *bin, bool first)
{
    if (bin->level.size > 0)
        return bin->level;
    Str low = brief(a, bin->low), high = brief(a, bin->high);
    if (bin->low == bin->high)
        return high;
    return first ? str_format(a, "%.*s to %.*s", STR_ARG(low), STR_ARG(high))
                 : str_format(a, "above %.*s to %.*s", STR_ARG(low), STR_ARG(high));
}

/* What the effect alone would make of the average customer's probability. */
static double lifted(const Importance *m, double effect)
{
    return stable_sigmoid(stable_logit(m->base_rate) + effect);
}

/* What fits under the axis. */
static Str tick_of(Arena *a, const ImportanceBin *bin)
{
    Str tick = bin->level.size > 0 ? bin->level : brief(a, bin->high);
    size_t size = tick.size > 9 ? 9 : tick.size;
    while (size < tick.size && size > 0 && ((unsigned char)tick.data[size] & 0xC0) == 0x80)
        size--; /* a character is not parted */
    return str_slice(tick, 0, size);
}

static void draw_curve(Page *p, size_t number)
{
    const Importance *m = p->run->importance;
    const ImportanceCurve *curve = &m->curve[number];
    Arena *a = p->arena;
    Chart c;
    double *x = ARENA_ARRAY(a, double, curve->bins + 1), *y[3];
    size_t points = 0;
    for (size_t k = 0; k < COUNT_OF(y); k++)
        y[k] = ARENA_ARRAY(a, double, curve->bins + 1);
    Str id = str_format(a, "curve-%zu", number + 1);
    chart_open(&c, p, str_chars(a, id), str_chars(a, curve->name),
               str_format(a,
                          "Share suspended in %zu bins of %.*s with 95 %% intervals, and the "
                          "model's effect as a line.",
                          curve->bins, STR_ARG(curve->name)),
               "value, up to", "share suspended");
    c.x_high = (double)curve->bins;
    chart_scale(&c, 5, 1);
    for (size_t b = 0; b < curve->bins; b++) {
        const ImportanceBin *bin = &curve->bin[b];
        double at = (double)b + 0.5;
        chart_tick(&c, at, tick_of(a, bin));
        if (bin->customers > 0) {
            chart_upright(&c, at, bin->share.low, bin->share.high);
            chart_point(&c, "dot", at, bin->share.value, 3.5);
        }
        if (is_missing(bin->effect.value))
            continue;
        x[points] = at;
        y[0][points] = lifted(m, bin->effect.low);
        y[1][points] = lifted(m, bin->effect.high);
        y[2][points++] = lifted(m, bin->effect.value);
    }
    for (size_t k = 0; k < COUNT_OF(y) && points > 1; k++)
        chart_line(&c, k < 2 ? "line chance" : "line soft", x, y[k], points);
    chart_close(&c);
}

static void curve_table(Page *p, const ImportanceCurve *curve)
{
    Arena *a = p->arena;
    Str caption = str_format(a, "%.*s by value", STR_ARG(curve->name));
    html_table(p, str_chars(a, caption),
               "Value|>Customers|>Suspended|>Share|>To be scored|>Effect|>Mean contribution");
    for (size_t b = 0; b < curve->bins; b++) {
        const ImportanceBin *bin = &curve->bin[b];
        html_row(p);
        html_head(p, bin_words(a, bin, b == 0));
        html_cell_number(p, number_count(a, bin->customers));
        html_cell_number(p, number_count(a, bin->positives));
        html_cell_interval(p, bin->share, 2);
        html_cell_number(p, number_count(a, bin->scored));
        if (is_missing(bin->effect.value))
            html_cell(p, S(""));
        else
            html_cell_interval(p, bin->effect, 2);
        html_cell_number(p, number_fixed(a, bin->contribution, 2));
        html_row_end(p);
    }
    html_table_end(p);
    if (curve->scored_below + curve->scored_above > 0)
        html_note(p,
                  "Of the customers to be scored, %zu lie below and %zu above every labelled "
                  "customer: there the model extrapolates.",
                  curve->scored_below, curve->scored_above);
}

static void effects(Page *p)
{
    const Importance *m = p->run->importance;
    if (m->curves == 0)
        return;
    html(p, "<h3 id=\"effects\">How the score follows a value</h3>\n");
    html_paragraph(
        p,
        "For the %zu features that move the score most. Dots: the share suspended among "
        "labelled customers of such a value, with its 95 %% interval. Line: what the "
        "feature alone makes of the average probability, all else equal (accumulated "
        "local effect; dotted: least and greatest of the %zu fold models). Dots and line "
        "need not meet: customers of one value differ in other things too. Where a dot's "
        "interval is wide, few customers are there, and the line is the model's guess.",
        m->curves, m->repeats * m->folds);
    html(p, "<div class=\"charts\">\n");
    for (size_t c = 0; c < m->curves; c++)
        draw_curve(p, c);
    html(p, "</div>\n<details><summary>The same as tables</summary>\n");
    for (size_t c = 0; c < m->curves; c++)
        curve_table(p, &m->curve[c]);
    html_note(p, "Effect and mean contribution are on the calibrated log-odds; brackets of the "
                 "effect are the least and greatest of the fold models.");
    html(p, "</details>\n");
}

void section_importance(Page *p)
{
    shuffled(p);
    contributions(p);
    effects(p);
}
