/* report_screening.c - what each feature tells by itself, used or not. */
#include "report/report_internal.h"

enum { SHOWN = 15 };

static void row(Page *p, const Screened *f)
{
    Arena *a = p->arena;
    html_row(p);
    html(p, "<th scope=\"row\"><code>");
    html_text(p, f->name);
    html(p, "</code></th>");
    html_cell(p, f->use);
    Str limit = number_fixed(a, f->limit_99, 2), value = number_fixed(a, f->information, 2);
    html(p, "<td class=\"n\">");
    html_text(p, value);
    html(p, " <span class=\"ci\">");
    html_text(p, limit);
    html(p, "</span></td>");
    html_cell_interval(p, f->auc, 2);
    html_cell_number(p, number_count(a, f->distinct));
    html_cell_number(p, number_share(a, f->missing_labelled));
    html_cell_number(p, number_share(a, f->missing_scored));
    html(p, "<td class=\"n\">");
    html_text(p, number_fixed(a, f->psi, 2));
    if (!is_missing(f->psi_limit)) {
        html(p, " <span class=\"ci\">");
        html_text(p, number_fixed(a, f->psi_limit, 2));
        html(p, "</span>");
    }
    html(p, "</td>");
    if (f->group > 0)
        html_cell_number(p, number_count(a, f->group));
    else
        html_cell(p, S(""));
    html_cell(p, f->why);
    html_row_end(p);
}

/* Of those in the model or not, from and to counted among them. */
static void table(Page *p, const char *caption, bool kept, size_t from, size_t to)
{
    const Screening *s = p->run->screening;
    size_t at = 0;
    html_table(p, caption,
               "Feature|Use|>Information value (by chance)|>AUC alone|>Values|>Missing, labelled|"
               ">Missing, to be scored|>PSI (by chance)|>Group|Kept or not, and why");
    for (size_t i = 0; i < s->features; i++)
        if (s->feature[i].kept == kept) {
            if (at >= from && at < to)
                row(p, &s->feature[i]);
            at++;
        }
    html_table_end(p);
}

static void more(Page *p, size_t count, const char *caption, bool kept, size_t from)
{
    if (count <= from)
        return;
    html(p, "<details><summary>");
    html_text(p, number_plural(p->arena, count - from, "further feature", "further features"));
    html(p, kept ? " of the model</summary>\n" : " outside the model</summary>\n");
    table(p, caption, kept, from, SIZE_MAX);
    html(p, "</details>\n");
}

void section_screening(Page *p)
{
    const Screening *s = p->run->screening;
    Arena *a = p->arena;
    size_t kept = 0, told = 0, chance = 0;
    for (size_t i = 0; i < s->features; i++) {
        kept += s->feature[i].kept;
        told += s->feature[i].kept && s->feature[i].information > s->feature[i].limit_99;
        chance += !s->feature[i].kept && s->feature[i].information > s->feature[i].limit_99;
    }
    Str cut = number_fixed(a, s->correlation_cut, 1);
    html(p, "<h3 id=\"screening\">What each feature tells by itself</h3>\n");
    html_verdict(p, "%zu of the model\xE2\x80\x99s %zu features tell something alone.", told, kept);
    html_paragraph(
        p,
        "Before any model: of the %zu features that the model has, %zu alone tell more of "
        "the label than shuffled labels do in 99 of 100 shuffles; of the %zu that it does "
        "not have, %zu. Which features a model may have is decided in the features book, "
        "by what they mean and when they are known, not by this table: what tells most "
        "may be what should not be known.",
        kept, told, s->features - kept, chance);
    table(p, "Features of the model, most information first", true, 0, SHOWN);
    more(p, kept, "Further features of the model", true, SHOWN);
    more(p, s->features - kept, "Features outside the model, most information first", false, 0);
    html_note(
        p,
        "Information value: over deciles, or levels of a category, missing apart; beside it "
        "what labels shuffled over customers, %zu times, stay below in 99 of 100. PSI: labelled "
        "customers against those to be scored, with what chance alone gives where it is 0.1 or "
        "more. Group: features whose absolute rank correlation is %.*s or more on average.",
        s->permutations, STR_ARG(cut));
}
