/* report_data_correlations.c - which features move together. */
#include "report/report_data.h"

#include <math.h>

enum { HEAT_SHOWN = 12, PAIRS_SHOWN = 15 };

static bool in_model(const Run *run, const DescribedColumn *c)
{
    bool skipped = run->bundle != NULL && run->bundle->skip != NULL && run->bundle->skip[c->index];
    return run->plan->feature[c->index].use == USE_MODEL && !skipped;
}

static void heat(Page *p)
{
    const Description *d = p->run->description;
    const Correlations *c = &d->correlations;
    uint32_t main[2 * HEAT_SHOWN];
    size_t offered = data_main(p, main, (size_t)2 * HEAT_SHOWN), count = 0;
    Str name[HEAT_SHOWN];
    size_t at[HEAT_SHOWN];
    for (size_t i = 0; i < offered && count < HEAT_SHOWN; i++)
        for (size_t k = 0; k < c->numbers; k++)
            if (c->number[k] == main[i]) {
                name[count] = d->column[main[i]].name;
                at[count++] = k;
                break;
            }
    if (count < 2)
        return;
    double value[HEAT_SHOWN * HEAT_SHOWN];
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            value[a * count + b] = c->rho[at[a] * c->numbers + at[b]];
    html(p, "<div class=\"charts one data\">\n");
    heat_draw(p, "heat", S("Rank correlations of the main features, in tenths"),
              S("A square table; the darker a cell, the more two features move together; the sign "
                "stands in the cell."),
              name, value, count);
    data_fold(p, "The figures");
    html_table(p, "Spearman's coefficient", "Feature|>1|>2|>3|>4|>5|>6|>7|>8|>9|>10|>11|>12");
    for (size_t a = 0; a < count; a++) {
        html_row(p);
        html_head(p, str_format(p->arena, "%zu %.*s", a + 1, STR_ARG(name[a])));
        for (size_t b = 0; b < HEAT_SHOWN; b++)
            html_cell_number(p, b >= count ? S("")
                                : is_missing(value[a * count + b])
                                    ? S("too few")
                                    : number_fixed(p->arena, value[a * count + b], 2));
        html_row_end(p);
    }
    html_table_end(p);
    data_fold_end(p);
    html(p, "</figure>\n</div>\n");
}

static void pairs(Page *p, const char *caption, bool model)
{
    const Run *run = p->run;
    const Description *d = run->description;
    const Correlations *c = &d->correlations;
    size_t shown = 0;
    html_table(p, caption, "Feature|And|>Customers with both|>Spearman, 95 %|Beyond noise");
    for (size_t i = 0; i < c->pairs && shown < PAIRS_SHOWN; i++) {
        const DescribedPair *pair = &c->pair[i];
        const DescribedColumn *a = &d->column[c->number[pair->a]];
        const DescribedColumn *b = &d->column[c->number[pair->b]];
        if (model && !(in_model(run, a) && in_model(run, b)))
            continue;
        shown++;
        html_row(p);
        html_head(p, a->name);
        html_cell(p, b->name);
        html_cell_number(p, number_count(p->arena, pair->customers));
        html_cell_interval(p, pair->rho, 2);
        html_cell(p, pair->beyond ? S("yes") : S("no"));
        html_row_end(p);
    }
    html_table_end(p);
}

void data_correlations(Page *p)
{
    const Correlations *c = &p->run->description->correlations;
    html(p, "<h3 id=\"correlations\">Correlations among features</h3>\n");
    if (c->tested == 0) {
        html_paragraph(p, "No two numeric features vary for enough of the same customers.");
        return;
    }
    Str noise = number_fixed(p->arena, c->noise_z / sqrt((double)c->customers - 1), 2);
    size_t strong = 0, likewise = 0;
    for (size_t i = 0; i < c->pairs; i++) {
        bool model = in_model(p->run, &p->run->description->column[c->number[c->pair[i].a]]) &&
                     in_model(p->run, &p->run->description->column[c->number[c->pair[i].b]]);
        strong += model && fabs(c->pair[i].rho.value) >= 0.7;
        likewise += model && fabs(c->pair[i].rho.value) >= 0.999;
    }
    html_paragraph(
        p,
        "Of %s pairs of numeric features, %s move together more than chance would make the "
        "strongest of "
        "so many (with all %zu customers: beyond %.*s either way). Within the model %zu pairs are "
        "at 0.7 or more%s: there the importance of one is shared with the other, and "
        "the groups under importance say which.",
        say_count(p, c->tested), say_count(p, c->beyond), c->customers, STR_ARG(noise), strong,
        likewise > 0 ? ", some of them nearly the same" : "");
    heat(p);
    pairs(p, "Strongest pairs among the model's features", true);
    data_fold(p, "Strongest pairs of all features");
    pairs(p, "Strongest pairs, whether the model sees them or not", false);
    data_fold_end(p);
    html_note(
        p,
        "Spearman's rank coefficient over customers of both cohorts who have both values (%d at "
        "least); intervals after Bonett and Wright. Measured on %zu of %zu customers. "
        "correlations.csv has the strongest %s of %s pairs.",
        DESCRIBE_PAIR_LEAST, c->customers, c->of, say_count(p, c->pairs), say_count(p, c->tested));
}
