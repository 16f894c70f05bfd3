/* report_data.h - what the parts of the data chapter share. */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H

#include "report/report_internal.h"

/* ---- report_chart_bars.c: lying bars of a few series, side by side in one or two panels ---- */

enum { BAR_SERIES_MAX = 4 };
typedef struct BarSeries {
    Str name;
    const char *style; /* g0 to g3 */
    size_t panel;      /* 0 or 1 */
} BarSeries;
typedef struct Bars {
    Page *page;
    const BarSeries *series;
    size_t count, panels, deep, row; /* deep: series in the fuller panel */
    double most;                     /* the value of a bar of full length */
} Bars;
void bars_open(Bars *b, Page *p, const char *id, Str title, Str description,
               const BarSeries *series, size_t count, size_t rows, double most);
/* A value that is NaN draws nothing; text stands behind its bar, says is shown when pointed at. */
void bars_row(Bars *b, Str label, const double *value, const Str *text, const Str *says);
void bars_close(Bars *b);

/* A square table of coefficients from -1 to 1, named by row and numbered by column. */
void heat_draw(Page *p, const char *id, Str title, Str description, const Str *name,
               const double *value, size_t count);

/* Standing bars over equal steps, one series; NaN draws nothing. */
void steps_draw(Page *p, const char *id, Str title, Str description, const char *style,
                const double *value, size_t count, Str first, Str last);

/* ---- report_data_words.c ---- */

/* The chapter's groups as people call them: the label's own values where there is one of each. */
Str data_group(Page *p, DescribeGroup g);
Str data_group_said(Page *p, DescribeGroup g); /* after "of" */
/* Three significant digits, thousands parted; a date for days since 1970.  */
Str data_number(Arena *arena, double value, DescribeUnit unit);
Str data_range(Arena *arena, const DescribedColumn *c, const DescribeBin *b);
/* A count, "fewer than 5" where that is so. */
Str data_count(Arena *arena, size_t count);
bool data_few(size_t count);
/* "12 % (31)", or "fewer than 5". */
Str data_share(Arena *arena, size_t count, size_t of);
/* The features to draw: those that tell most alone, of the model where it was screened; else the
 * model's, in the book's order. Positions in description->column; answers how many. */
size_t data_main(Page *p, uint32_t *out, size_t most);
const DescribedColumn *data_find(const Description *d, Str name, bool feature);
/* A table folded away under its chart. */
void data_fold(Page *p, const char *says);
void data_fold_end(Page *p);

/* ---- report_survey_text.c: files looked at, in words ---- */
Str survey_number(Arena *arena, const SurveyColumn *c, double value);
Str survey_bytes(Arena *arena, uint64_t bytes);
const char *survey_delimiter(char delimiter);
Str survey_link_says(Arena *arena, const Survey *s, const SurveyLink *l);

/* ---- the parts ---- */
void data_coverage(Page *p);
void data_distributions(Page *p);
void data_missing(Page *p);
void data_outliers(Page *p);
void data_correlations(Page *p);
void data_drift(Page *p);

#endif
