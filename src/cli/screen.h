/* screen.h - a case on one screen of a terminal. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "cli/cli.h"

#include "explain/explain.h"

typedef struct Look {
    size_t width; /* SCREEN_LEAST to SCREEN_MOST cells; two panes from SCREEN_WIDE on */
    bool colour, unicode;
    Str version; /* of the program */
    Str bundle;  /* its id */
} Look;
enum { SCREEN_LEAST = 40, SCREEN_WIDE = 100, SCREEN_MOST = 160 };

/* What the terminal and the options --width and --color ask for. */
MUST_USE Status screen_look(Look *out, const Args *args, Error *err);

/* The case as lines, without the last line's end.  Memory: arena. */
Str screen_case(Arena *arena, const Case *c, const Change *change, const Look *look);

#endif
