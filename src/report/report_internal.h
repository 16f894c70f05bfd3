/* report_internal.h - the page while it is being written, and what its sections share.
 *
 * Two doors lead onto the page. html() takes literals of ours, tags and all; everything else
 * (html_text, html_say, cells) is escaped, whatever it holds. So no text from a file, a book
 * or a command line can become markup.
 */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include "report/report.h"

typedef struct Page {
    Arena *arena; /* figures and texts of the whole report; not where `out` grows */
    Arena spare;  /* handed by value to functions that want a scratch arena */
    Buffer out;
    const Run *run;
} Page;

enum { TEXT_BYTES_MAX = 600, ID_BYTES_MAX = 96 };
enum { SELECTED_MIN = 5 }; /* customers whom a precision is told of */

/* ---- report_html.c: escaping, prose, tables ---- */

void html(Page *p, const char *markup);
/* Escaped; controls, text-direction overrides and bytes that are not UTF-8 become U+FFFD;
 * cut at TEXT_BYTES_MAX. */
void html_text(Page *p, Str text);
void html_spoken(Page *p, Str text); /* a sentence about a customer, in the run's language */
void html_say(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
void html_paragraph(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* The answer of a section in one sentence, before its evidence. */
void html_verdict(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
void html_note(Page *p, const char *format, ...) PRINTF_LIKE(2, 3); /* smaller */
void html_id(Page *p, Str id); /* an identifier, on its own in any text direction */

/* Escape a text character by character: one() is given what is left of it and the bytes of its
 * first character, which is neither a control nor a turn of direction. */
typedef void EscapeOne(Buffer *b, Str rest, size_t size);
void text_escape(Buffer *b, Str text, size_t bytes_max, EscapeOne *one);

/* ---- report_shell.c: what every page stands in; p->run may be NULL ---- */

/* From the doctype to <body>, with the style and a policy that allows it and the script alone.
 * language: "en"; kind: report or dossier. */
void html_open(Page *p, const char *language, Str title, const char *kind);
void html_close(Page *p); /* the script, and the end */

/* A caption and columns "Name|>Rows|>Used"; '>' marks a column of numbers. */
void html_table(Page *p, const char *caption, const char *columns);
void html_row(Page *p);
void html_head(Page *p, Str text); /* the cell that names the row */
void html_head_id(Page *p, Str id);
void html_cell(Page *p, Str text);
void html_cell_code(Page *p, Str text);
void html_cell_number(Page *p, Str number);
void html_cell_interval(Page *p, Interval i, int digits);
void html_row_end(Page *p);
void html_table_end(Page *p);

/* Numbers for people. A figure that is NaN reads "not defined".  Memory: arena. */
Str number_fixed(Arena *arena, double value, int digits);
Str number_count(Arena *arena, uint64_t value);
Str number_share(Arena *arena, double share); /* 83 %, 8.3 % */
Str number_interval(Arena *arena, Interval i, int digits);
Str number_money(Arena *arena, const Run *run, double value);
Str number_plural(Arena *arena, uint64_t count, const char *one, const char *many);

/* With its sign, as a difference is written. */
Str number_change(Arena *arena, Interval i, int digits);

/* ---- report_markdown.c: the same two doors for Markdown ----
 *
 * markdown() takes literals of ours; whatever else comes is escaped, so that no text can end a
 * line, a cell or a table, begin a heading, or become a tag, a link or emphasis (CommonMark, and
 * GitHub's tables and links). Texts are cut at MARKDOWN_BYTES_MAX. */

enum { MARKDOWN_BYTES_MAX = 4000 };
void markdown(Page *p, const char *markup);
void markdown_escape(Buffer *b, Str text);
void markdown_text(Page *p, Str text); /* its first character stands within a line */
void markdown_title(Page *p, const char *marks, const char *title); /* marks: ##, ### */
void markdown_paragraph(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
void markdown_sentences(Page *p, Str text); /* a paragraph as it is, of any length */
void markdown_item(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* How far the section can be believed. */
void markdown_belief(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* That a part of the run is not there, and why. */
void markdown_absent(Page *p, const char *format, ...) PRINTF_LIKE(2, 3);
void markdown_code(Page *p, Str text); /* a block, on one line */

/* Columns as in html_table, then rows: markdown_row, a cell for each column, markdown_row_end. */
void markdown_table(Page *p, const char *columns);
void markdown_row(Page *p);
void markdown_cell(Page *p, Str text);
void markdown_say(Page *p, const char *format, ...) PRINTF_LIKE(2, 3); /* a cell */
void markdown_row_end(Page *p);
void markdown_pair(Page *p, const char *name, Str value); /* a row of two cells */

/* Numbers as in the report, for formats. */
const char *say_count(Page *p, uint64_t value);
const char *say_fixed(Page *p, double value, int digits);
const char *say_share(Page *p, double share);
const char *say_interval(Page *p, Interval i, int digits);
const char *say_text(Page *p, Str text);

/* ---- report_paper.c: what the model card and the validation file say alike ---- */

typedef enum PaperKind {
    PAPER_LEARNT, /* the procedure was judged out of fold */
    PAPER_JUDGED, /* a bundle was judged on customers it had not learnt from */
    PAPER_RULES   /* too few to learn from, or a bundle that only scored */
} PaperKind;
PaperKind paper_kind(const Run *run);
const char *paper_headline(Page *p);   /* the slice of run->headline, in words */
void paper_identity(Page *p);          /* table of versions and hashes, and the command */
void paper_strata(Page *p, bool full); /* slices side by side; full: every figure */
void paper_score_is(Page *p);          /* what a score is and is not */
void paper_guarantee(Page *p);
void paper_fairness(Page *p);
/* What the negative control can see and what it leaves out, in sentences. */
size_t count_overruled(const Audit *audit); /* leaks that the book left in the model; NULL: 0 */
Str overruled_words(Arena *arena, const Audit *audit); /* "; 1 leak overruled", or nothing */
Str auc_alone(Arena *arena, const Interval *auc);      /* of a probe: "no better than chance" */
void html_cell_alone(Page *p, const Interval *auc);
const char *control_verdict(const Control *c); /* passed; passed, but judges little; FAILED */
Str control_sees(Arena *arena, const Control *c);
void paper_controls(Page *p); /* negative control and silence test */
void paper_sign_offs(Page *p, const char *const *role, size_t roles);
size_t paper_findings(const Run *run, Severity severity);

/* ---- report_validation_model.c: the middle of the validation file ---- */

void validation_candidates(Page *p);
void validation_audit(Page *p); /* report_validation_audit.c */
void validation_calibration(Page *p);
void validation_thresholds(Page *p);
void validation_importance(Page *p);
void validation_screening(Page *p);
void validation_sensitivity(Page *p);

/* ---- report_chart.c: SVG, drawn in a box of its own units ---- */

typedef struct Chart {
    Page *page;
    double x_low, x_high, y_low, y_high;
    const char *x_label, *y_label;
} Chart;

void chart_open(Chart *c, Page *p, const char *id, const char *title, Str description,
                const char *x_label, const char *y_label);
/* Ticks at every 1/steps of the ranges, which must be set before. */
void chart_axes(Chart *c, int steps, int x_digits, int y_digits);
/* The same for y alone, and a word under the axis, where x has names. */
void chart_scale(Chart *c, int steps, int digits);
void chart_tick(Chart *c, double x, Str text);
void chart_line(Chart *c, const char *style, const double *x, const double *y, size_t count);
void chart_point(Chart *c, const char *style, double x, double y, double radius);
void chart_bar(Chart *c, const char *style, double x_low, double x_high, double y);
/* The middle half around a median: quartiles in rising order. */
void chart_box(Chart *c, double x, const double quartile[3]);
/* A bar that stands or hangs anywhere. */
void chart_span(Chart *c, const char *style, double x_low, double x_high, double y_low,
                double y_high);
void chart_upright(Chart *c, double x, double low, double high); /* a whisker */
void chart_mark(Chart *c, double x, Str label);                  /* a dashed line over the height */
/* With what the script needs to read the marks out as values. */
void chart_close(Chart *c);

/* ---- report_curve.c ---- */

/* How well the scores part the classes as the threshold falls, at most CURVE_POINTS_MAX points. */
enum { CURVE_POINTS_MAX = 240 };
typedef struct Curve {
    size_t points;
    double false_share[CURVE_POINTS_MAX + 2]; /* ROC x */
    double true_share[CURVE_POINTS_MAX + 2];  /* ROC y, and recall */
    double precision[CURVE_POINTS_MAX + 2];
} Curve;
void curve_make(Curve *out, Arena scratch, const double *p, const uint8_t *label, const uint8_t *in,
                size_t n);

/* ---- the sections ---- */

void section_brief(Page *p);
void section_data(Page *p);
void section_model(Page *p);
void section_strata(Page *p);
void section_fairness(Page *p);
void section_gain(Page *p); /* report_confusion.c */
void section_confusion(Page *p);
void section_calibration(Page *p);
void section_audit(Page *p);
void section_split(Page *p);
void section_importance(Page *p);
void section_screening(Page *p);
void section_columns(Page *p, const Audit *a); /* parts of the audit's */
void section_ablation(Page *p, const Ablation *a);
void section_segments(Page *p);
void section_behaviour(Page *p);
void section_thresholds(Page *p); /* parts of section_segments */
void section_objectives(Page *p);
/* Which objectives a condition serves, by the names that it uses. */
Str clause_serves(Arena *arena, const Policy *policy, Str condition);
void section_criteria(Page *p);
void section_certified(Page *p); /* parts of section_offboarding */
void section_stability(Page *p);
void change_words(Page *p, size_t at);    /* of a position in scored; nothing where none is known */
Str stability_of(Page *p, size_t scored); /* one customer's, in words; empty when not known */
void section_offboarding(Page *p);
void section_limits(Page *p);
void section_reproduce(Page *p);

/* ---- report_brief.c: verdicts, in the same words wherever they stand ---- */

bool finding_for_people(const Finding *f);     /* must somebody decide? Severe ones always */
Str signal_says(Arena *arena, const Run *run); /* that there is none; empty where there is */
Str calibration_says(Page *p);                 /* does .4 mean .4? empty where not judged */

/* ---- report_choice.c: below the table of candidates ---- */
void report_choice(Page *p);

/* The figure to quote; where there is none, says tells why. */
typedef struct Quoted {
    Str name;
    const MetricSet *metric;
    bool told;
    Str says;
} Quoted;
Quoted headline_quoted(const Run *run); /* of a run that has a validation */
/* Is that the figure of another slice than the one whose curves, thresholds and certificates are
 * shown: reweighted, or of those without transactions? */
bool headline_elsewhere(const Run *run);

/* A figure with its interval, or "too few" where a class has fewer than FIGURE_CLASS_MIN. */
void html_cell_figure(Page *p, const MetricSet *m, MetricKind kind);

/* What sections count alike. */
typedef struct Tally {
    size_t labelled, to_score, both;
    size_t positive, negative, contradictory, unlabelled;
    size_t scored_torn, scored_unlabelled; /* scored besides to_score: labels both ways, or none */
    size_t rows, used, merged, quarantined;
    size_t severe, warnings, notes;
    size_t segment[SEGMENTS], insufficient, action[ACTIONS];
} Tally;
Tally tally_run(const Run *run);
Str tally_scored(Arena *arena, const Tally *t); /* "263 + 4 with both labels" */
/* Labelled customers of the quoted slice, by the segment that their score out of fold falls in; and
 * what that says of the segments, as a sentence (empty: too few). Runs that learnt. */
typedef struct SegmentPast {
    size_t customers, suspended;
} SegmentPast;
void segments_past(SegmentPast past[SEGMENTS], Page *p);
Str segments_parted(Page *p);
size_t tally_certified(const Run *run); /* candidates with a score in the certified set */
size_t events_of(const Run *run, size_t customer);

#endif
