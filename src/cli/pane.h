/* pane.h - lines of text for a terminal: escaped, wrapped, coloured or not, side by side.
 *
 * Whatever comes from outside goes through pane_text: controls, turns of text direction and what
 * has no width are shown as \u{..}, so that no file can move the cursor, colour or hide anything.
 * Without UTF-8 a text is written in ASCII. Widths are those of a terminal's cells, roughly: East
 * Asian wide characters and pictures take two, marks above a letter none.
 */
#ifndef CLI_PANE_H
#define CLI_PANE_H

#include "base/base.h"

typedef enum Tint {
    TINT_NONE,
    TINT_STRONG,
    TINT_SOFT,
    TINT_HEAD,
    TINT_IN,
    TINT_OUT,
    TINT_WARN,
    TINT_GRAVE
} Tint;

typedef struct Pane {
    Arena *arena;
    size_t width; /* of a line */
    bool colour, unicode;
    Str *line;     /* with colours */
    size_t *cells; /* that each takes */
    size_t lines, capacity, cells_capacity;
    Buffer at; /* the line being written */
    size_t used;
    Tint tint;        /* in force where the line is being written */
    const char *owed; /* goes before the next text, if that still fits the line */
} Pane;

Pane pane_new(Arena *arena, size_t width, bool colour, bool unicode);

/* Add to the line being written; what does not fit goes on in the next, between words, indented by
 * `hang` cells. */
void pane_text(Pane *p, Tint tint, size_t hang, Str text);
/* The same of a text of ours. */
void pane_say(Pane *p, Tint tint, size_t hang, const char *text);
/* What parts the next text from the one before; nothing when that begins a line. */
void pane_part(Pane *p, const char *separator);
/* Spaces up to a cell; nothing when the line is longer. */
void pane_to(Pane *p, size_t cell);
void pane_end(Pane *p);   /* the line is done */
void pane_blank(Pane *p); /* an empty line, unless the one before is */
/* The text cut to so many cells, with an ellipsis. */
void pane_cut(Pane *p, Tint tint, size_t cells, Str text);
/* At the right end of `cells`. */
void pane_right(Pane *p, Tint tint, size_t cells, Str text);

/* Put the panes' lines side by side, `gap` cells apart, into b. */
void pane_join(Buffer *b, const Pane *left, const Pane *right, size_t gap);
void pane_print(Buffer *b, const Pane *p);

/* Text made harmless for a terminal.  Memory: arena. */
Str terminal_text(Arena *arena, Str text, bool unicode);
size_t terminal_cells(Str text); /* of a text that is harmless already */

#endif
