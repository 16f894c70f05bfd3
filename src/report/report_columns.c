/* report_columns.c - what the audit kept from the model, and what it found in the files' columns
 * and cohorts. */
#include "report/report_internal.h"

enum { COLUMNS_SHOWN = 10, RELATIONS_SHOWN = 8, TELLINGS_SHOWN = 8 };

Str auc_alone(Arena *arena, const Interval *auc)
{
    return is_missing(auc->low) ? S("no better than chance") : number_interval(arena, *auc, 3);
}

void html_cell_alone(Page *p, const Interval *auc)
{
    if (is_missing(auc->low))
        html_cell(p, S("no better than chance"));
    else
        html_cell_interval(p, *auc, 3);
}

size_t count_overruled(const Audit *a)
{
    size_t count = 0;
    for (size_t i = 0; a != NULL && i < a->kept_outs; i++)
        count += a->kept_out[i].overruled.size > 0;
    return count;
}

Str overruled_words(Arena *arena, const Audit *a)
{
    size_t count = count_overruled(a);
    if (count == 0)
        return S("");
    Str leaks = number_plural(arena, count, "leak", "leaks");
    return str_format(arena, "; %.*s overruled", STR_ARG(leaks));
}

static void leaks_table(Page *p, const Audit *a, bool overruled)
{
    html_table(p, overruled ? "Leaks that are in the model" : "Features that leak",
               overruled ? "Feature|Reads|Why it leaks|>AUC alone|What the book says"
                         : "Feature|Reads|Why|>AUC alone");
    for (size_t i = 0; i < a->kept_outs; i++) {
        const KeptOut *k = &a->kept_out[i];
        if ((k->overruled.size > 0) != overruled)
            continue;
        html_row(p);
        html_head(p, k->name);
        html_cell_code(p, k->column);
        html_cell(p, k->why);
        html_cell_alone(p, &k->auc);
        if (overruled)
            html_cell(p, k->overruled);
        html_row_end(p);
    }
    html_table_end(p);
}

static void overruled(Page *p, const Audit *a)
{
    if (count_overruled(a) == 0)
        return;
    html(p, "<h3 id=\"overruled\">Overruled: in the model although the audit calls it a "
            "leak</h3>\n");
    html_paragraph(p, "The audit would have kept these from the model; the features book says why "
                      "not (leak_overruled). If it is wrong, every figure of this report is too "
                      "good.");
    leaks_table(p, a, true);
}

static void kept_out(Page *p, const Audit *a)
{
    html(p, "<h3 id=\"kept-out\">Kept from the model</h3>\n");
    if (a->kept_outs == count_overruled(a))
        html_paragraph(p,
                       "%s: no %sfeature of the model, and no column that one reads, is as good as "
                       "the label.",
                       p->run->data->dropped_count > 0 ? "Nothing more than the columns that the "
                                                         "files of one cohort lack (findings)"
                                                       : "Nothing",
                       a->kept_outs > 0 ? "other " : "");
    else {
        html_paragraph(p, "These features were meant for the model and know the outcome, or what "
                          "followed it. They were left out before anything was trained.");
        leaks_table(p, a, false);
    }
    overruled(p, a);
}

static Str chance(Arena *a, double rate)
{
    return rate < 0.0001 ? S("below 0.0001") : number_fixed(a, rate, 4);
}

static void column_row(Page *p, const Probe *probe)
{
    static const char *const abouts[] = {"feature", "customers' file", "transactions' file",
                                         "how observed"};
    html_row(p);
    html_head(p, probe->name);
    html_cell(p, str_from(abouts[probe->about]));
    html_cell(p, probe->leak == LEAK_NONE ? S("") : leak_code(probe->leak));
    html_cell_alone(p, &probe->auc);
    html_cell(p, probe->higher_is_risky ? S("more") : S("less"));
    html_cell_number(p, chance(p->arena, probe->label_q));
    html_cell_number(p, number_fixed(p->arena, probe->cohort_auc, 3));
    html_cell(p, severity_name(probe->severity));
    html_row_end(p);
}

static void column_table(Page *p, const char *caption, const Audit *a, size_t from, size_t to)
{
    html_table(p, caption,
               "Column|Of|Leak|>AUC alone|Riskier|>False discovery rate|>Cohort AUC|Severity");
    for (size_t i = from; i < to; i++)
        column_row(p, &a->column[i]);
    html_table_end(p);
}

static void columns(Page *p, const Audit *a)
{
    size_t shown = a->columns < COLUMNS_SHOWN ? a->columns : COLUMNS_SHOWN;
    if (a->columns == 0)
        return;
    html(p, "<h3 id=\"columns\">Columns of the files</h3>\n");
    html_paragraph(p,
                   "The files' own columns, before any book makes features of them, and how "
                   "customers were observed: rows, transactions, the first and the last of them. "
                   "A column that was written because of the outcome shows here even when no "
                   "feature reads it.");
    column_table(p, "Columns that tell most, worst first", a, 0, shown);
    if (a->columns > shown) {
        html(p, "<details><summary>");
        html_text(p,
                  number_plural(p->arena, a->columns - shown, "further column", "further columns"));
        html(p, "</summary>\n");
        column_table(p, "Further columns", a, shown, a->columns);
        html(p, "</details>\n");
    }
    html_note(p, "False discovery rate: the share of columns named so that chance alone would "
                 "name, were the line drawn at this one (Benjamini and Hochberg).");
}

static void adversary(Page *p, const Adversary *a)
{
    if (a->labelled == 0)
        return;
    Arena *arena = p->arena;
    Str auc = number_interval(arena, a->auc, 3);
    html(p, "<h3 id=\"adversary\">Labelled customers against those to be scored</h3>\n");
    html_paragraph(p,
                   "A model that is trained to tell the two cohorts apart by what differs in the "
                   "model's inputs reaches an AUC of %.*s out of fold (%zu against %zu customers). "
                   "At 0.5 the two look alike "
                   "and figures carry over; the higher, the more they must be read by the headline "
                   "stratum.",
                   STR_ARG(auc), a->labelled, a->scored);
    if (a->tellings == 0 || !(a->auc.low > 0.5)) /* columns of what is not told apart are chance */
        return;
    html_table(p, "Columns in the model's inputs by which they are told apart",
               "Column|>AUC lost without it");
    for (size_t i = 0; i < a->tellings && i < TELLINGS_SHOWN; i++) {
        html_row(p);
        html_head(p, a->telling[i].column);
        html_cell_number(p, number_fixed(arena, a->telling[i].drop, 3));
        html_row_end(p);
    }
    html_table_end(p);
}

static void joined_table(Page *p, const Joining *j)
{
    char text[TIME_TEXT];
    Arena *a = p->arena;
    html_table(p, "Labelled customers by their first transaction",
               "Joined|>Customers|>Risky|>Share risky|>Share of those to be scored");
    for (size_t c = 0; c < j->cohorts; c++) {
        const JoinCohort *one = &j->joined[c];
        Str from = str_copy(a, str_slice(time_text(text, one->from_us), 0, 10));
        Str until = str_copy(a, str_slice(time_text(text, one->until_us), 0, 10));
        html_row(p);
        html_head(p, str_format(a, "%.*s to %.*s", STR_ARG(from), STR_ARG(until)));
        html_cell_number(p, number_count(a, one->customers));
        html_cell_number(p, number_count(a, one->positives));
        html_cell_interval(p, one->share, 3);
        html_cell_number(p, number_share(a, one->scored_share));
        html_row_end(p);
    }
    html_table_end(p);
}

static void relation_table(Page *p, const Joining *j)
{
    Arena *a = p->arena;
    html_table(p, "Features whose relation to the label differs most between these cohorts",
               j->cohorts == 3
                   ? "Feature|>AUC, first|>AUC, second|>AUC, third|>p|>False discovery rate|Changes"
                   : "Feature|>AUC, first|>AUC, second|>p|>False discovery rate|Changes");
    for (size_t i = 0; i < j->relations && i < RELATIONS_SHOWN; i++) {
        const Relation *r = &j->relation[i];
        html_row(p);
        html_head(p, r->name);
        for (size_t c = 0; c < j->cohorts; c++)
            html_cell_number(p, number_fixed(a, r->auc[c], 3));
        html_cell_number(p, chance(a, r->p));
        html_cell_number(p, chance(a, r->q));
        html_cell(p, r->changes ? S("yes") : S("not beyond chance"));
        html_row_end(p);
    }
    html_table_end(p);
    html_note(p, "AUC above 0.5: more is riskier; below: less is. p: Cochran's Q, whether the AUCs "
                 "differ by more than chance.");
}

static void joining(Page *p, const Joining *j)
{
    if (j->cohorts == 0 && j->late_days == 0)
        return;
    Arena *a = p->arena;
    html(p, "<h3 id=\"joining\">When customers joined</h3>\n");
    if (j->late_days > 0) {
        Str late = number_share(a, (double)j->late_positives / (double)j->late);
        Str others = number_share(a, (double)j->other_positives / (double)j->others);
        html_paragraph(
            p,
            "Of %zu labelled customers who joined in the last %lld days %.*s are risky, "
            "of the %zu who joined before %.*s: when someone joined tells the label, and "
            "says nothing of what they did.",
            j->late, (long long)j->late_days, STR_ARG(late), j->others, STR_ARG(others));
    }
    if (j->cohorts > 0) {
        joined_table(p, j);
        relation_table(p, j);
    }
}

static void windows(Page *p, const Audit *a)
{
    if (a->early[0].window_us == 0)
        return;
    Arena *arena = p->arena;
    html_table(p, "Fixed early windows: who was observed for all of them",
               "Window|>Labelled|>To be scored|>Features of the model that see more");
    for (size_t i = 0; i < EARLY_WINDOWS; i++) {
        const EarlyWindow *e = &a->early[i];
        html_row(p);
        html_head(p, str_format(arena, "first %lldd", (long long)(e->window_us / DAY_US)));
        html_cell_number(p, number_share(arena, e->whole_labelled));
        html_cell_number(p, number_share(arena, e->whole_scored));
        html_cell_number(p, number_count(arena, e->longer));
        html_row_end(p);
    }
    html_table_end(p);
}

static void shared(Page *p, const Audit *a)
{
    if (a->shareds == 0)
        return;
    html(p, "<h3 id=\"shared\">Shared between the cohorts</h3>\n<ul>\n");
    for (size_t i = 0; i < a->shareds; i++) {
        html(p, "<li>");
        html_text(p, a->shared[i].what);
        html(p, "</li>\n");
    }
    html(p, "</ul>\n");
}

void section_columns(Page *p, const Audit *a)
{
    kept_out(p, a);
    columns(p, a);
    adversary(p, &a->adversary);
    joining(p, &a->joining);
    windows(p, a);
    shared(p, a);
}
