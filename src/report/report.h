/* report.h - one self-contained HTML file that walks through a run: what came in, what was
 * learnt, the segments, the candidates, and what should make the reader doubt it. No network; a
 * script, allowed by its hash, sorts and filters and reads charts out, and everything is there
 * without it; plain SVG with a table behind each chart; every text from outside is escaped. It
 * shows aggregates and the cases proposed, never every row. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "profile/profile.h"
#include "store/store.h"

/* Write the report.  Cost: O(customers + candidates). */
MUST_USE Status report_write(const Run *run, const char *path, Error *err);

/* report.md: a page of Markdown for whoever reviews a change. It names no customer. */
MUST_USE Status report_note_write(const Run *run, const char *folder, Error *err);
Str report_note(Arena *keep, const Run *run);

/* The papers that go to a validator, in Markdown: model-card.md and validation.md. Both name what
 * was not computed instead of leaving it out, and no customer.  Cost: O(customers). */
MUST_USE Status report_papers_write(const Run *run, const char *folder, Error *err);
/* So that those of an older training cannot pass for this one's. */
MUST_USE Status report_papers_remove(const char *folder, Error *err);
Str report_model_card(Arena *keep, const Run *run);
Str report_validation(Arena *keep, const Run *run);

/* The ten lines that end a run on a terminal. */
Str report_summary(Arena *keep, const Run *run, const char *folder);

/* The lines that end a training; folder is the bundle's. */
Str report_learnt(Arena *keep, const Run *run, const char *folder);

/* Files looked at: for a terminal, and as a page of its own. */
Str report_survey(Arena *keep, const Survey *survey);
MUST_USE Status report_survey_write(const Survey *survey, Str version, const char *path,
                                    Error *err);

/* Champion and challenger in Markdown: figures with paired differences, segments, actions, the
 * first moves with their reasons. */
Str report_comparison(Arena *keep, const SideBySide *comparison);

/* One customer's case on a page of its own; change NULL: it was not looked for. The score and what
 * is proposed come after the evidence, for who sees a number first reads the rest by it.
 * Memory: keep. */
Str report_dossier(Arena *keep, const Case *c, const Change *change, Str version,
                   const Bundle *bundle);

/* ---- a page of another room's figures, in the same shell ----
 *
 * Sections, sentences, tables and lying bars, in the order of the calls. Whatever is given is
 * escaped; captions, columns and ids are the caller's own words. */
typedef struct ReportSheet ReportSheet;
typedef struct ReportPart {
    const char *id, *title;
} ReportPart;
/* part[parts] is what the contents list; each is to be begun, in that order. */
ReportSheet *report_sheet_open(Str title, Str meta, const ReportPart *part, size_t parts);
void report_sheet_part(ReportSheet *s); /* begins the next one */
void report_sheet_verdict(ReportSheet *s, Str sentence);
void report_sheet_paragraph(ReportSheet *s, Str sentence);
void report_sheet_note(ReportSheet *s, Str sentence);
/* Columns "Name|>Number"; folded: under what `folded` says, NULL: open. */
void report_sheet_table(ReportSheet *s, const char *folded, const char *caption,
                        const char *columns);
void report_sheet_row(ReportSheet *s, const Str *cell); /* one for each column */
void report_sheet_table_end(ReportSheet *s);
/* value[rows][count]; NaN draws nothing; text[rows][count] stands behind the bars. */
enum { REPORT_SERIES_MAX = 3 };
void report_sheet_bars(ReportSheet *s, const char *id, Str title, Str description,
                       const Str *series, size_t count, const Str *label, const double *value,
                       const Str *text, size_t rows);
/* Write it and give everything back. */
MUST_USE Status report_sheet_close(ReportSheet *s, Str footer, const char *path, Error *err);

#endif
