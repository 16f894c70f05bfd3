/* report_dossier.h - what the files of a case's page share. */
#ifndef REPORT_DOSSIER_H
#define REPORT_DOSSIER_H

#include "report/report_internal.h"

typedef struct Dossier {
    Page *p;
    Arena *arena;
    const Case *c;
    const Change *change; /* NULL: not looked for */
} Dossier;

/* A text of ours, in the case's language. */
void dossier_words(Dossier *d, const char *english);
/* Nothing where the text is empty. */
void dossier_paragraph(Dossier *d, const char *class, Str text);
void dossier_section(Dossier *d, const char *id, const char *title);
void dossier_section_end(Dossier *d);
void dossier_subtitle(Dossier *d, const char *title);
void dossier_figure(Dossier *d, const char *name, Str value, Str more);
void dossier_table(Dossier *d, const char *caption, const char *columns); /* as html_table */
void dossier_cell_money(Dossier *d, int64_t amount);
Str dossier_minute(Dossier *d, int64_t at_us);

/* ---- report_dossier_parts.c ---- */

void dossier_reasons(Dossier *d);
void dossier_record(Dossier *d);
void dossier_doubts(Dossier *d);
void dossier_outcome(Dossier *d);
void dossier_signatures(Dossier *d);
void dossier_events(Dossier *d);

#endif
