/* csv.h - bytes to a Table, and nothing lost on the way.
 *
 * RFC 4180 with what files really contain: LF, CRLF or both, a byte-order mark, `,` `;` tab
 * or `|` found by looking, embedded newlines, columns in any order, extra columns. A row that
 * cannot be read is set aside with its file, line, column, reason and raw text, and reading
 * goes on. docs/csv.md says what is accepted, repaired and refused.
 *
 * Inside, text flows in blocks (bytes that end at a row's end) and batches (the cells of a
 * block's rows as slices): csv_scan, which finds the cells, knows nothing of types, so a
 * faster scanner can take its place, and blocks can be given to threads.
 */
#ifndef CSV_CSV_H
#define CSV_CSV_H

#include "table/table.h"

/* What the caller expects of one column. */
typedef struct CsvColumn {
    Str name; /* of the table's column too: not copied */
    Type type;
    int scale;
    bool required;     /* its absence from the header is an error */
    bool key;          /* an empty cell sets the row aside */
    const Str *values; /* a closed category's values, if any; another sets the row aside ... */
    size_t value_count;
    bool open;              /* ... unless open: then it is kept */
    Dictionary *dictionary; /* shared codes, or NULL */
    TimeFormat time;        /* of times and dates; zeros are ISO 8601 */
    char decimal_mark;      /* of numbers; 0 is a point */
    Str thousands;          /* what may stand between thousands; empty: nothing may */
} CsvColumn;

typedef struct QuarantineRow {
    uint32_t file;  /* position in Quarantine.files */
    uint64_t line;  /* where the row starts, 1-based */
    int64_t column; /* 1-based cell, 0 for the whole row */
    Str reason;     /* a short sentence without personal data */
    Str code;       /* stable; docs/csv.md lists them */
    Str raw;        /* the row's bytes, cut at 4096 */
} QuarantineRow;

typedef struct Quarantine {
    Arena *arena;
    Dictionary *files;
    QuarantineRow *row;
    size_t count, capacity;
} Quarantine;

Quarantine *quarantine_new(Arena *keep);
void quarantine_add(Quarantine *q, Str file,
                    QuarantineRow row); /* row.file is set here; texts copied */
/* Write quarantine.csv: file,line,column,code,reason,raw. */
MUST_USE Status quarantine_write(const Quarantine *q, const char *path, Error *err);

/* A column of the file that goes by another name. */
typedef struct CsvRename {
    Str from, to;
} CsvRename;

typedef struct CsvOptions {
    char delimiter;          /* 0 finds it by looking */
    size_t cell_bytes_max;   /* 0: 1 MiB; a longer cell sets its row aside */
    size_t columns_max;      /* 0: 4096 */
    uint64_t unpacked_max;   /* of a compressed file; 0 as in base/unpack.h */
    const CsvRename *rename; /* names that stand for others; a new name that is also there under
                                its own is an error */
    size_t renames;
    Str absent_hint;          /* ends the remedy when a required column is absent; may be empty */
    const Progress *progress; /* told the part of the bytes that is read; may be NULL */
} CsvOptions;

typedef struct CsvCounts {
    uint64_t rows;        /* data rows seen, blank lines not counted */
    uint64_t quarantined; /* of these, set aside */
    char delimiter;
    uint64_t content; /* a hash of the bytes read, unpacked */
    Str *extra;       /* header names that were not asked for */
    size_t extra_count;
    Str *header; /* every header name, in the file's order */
    size_t header_count;
} CsvCounts;

/* Read a file into a table with exactly the columns asked for that the header has (in the order
 * asked; an absent optional column is absent from the table). FORMAT: empty file, no header,
 * a required column absent (with the nearest name), a column twice, a binary file.
 * counts, options and quarantine may be NULL: rows set aside are then only counted.
 * Memory: keep.  Cost: O(bytes). */
MUST_USE Status csv_read(Table **out, CsvCounts *counts, Arena *keep, Arena scratch,
                         const char *path, const CsvColumn *column, size_t columns,
                         const CsvOptions *options, Quarantine *quarantine, Error *err);

/* The same from bytes in memory; `path` is for messages. */
MUST_USE Status csv_read_bytes(Table **out, CsvCounts *counts, Arena *keep, Arena scratch,
                               Str bytes, const char *path, const CsvColumn *column, size_t columns,
                               const CsvOptions *options, Quarantine *quarantine, Error *err);

/* Rows that came otherwise than as a file (a request): cells as they would stand in one, an empty
 * one missing. Their lines are their positions, from 1. */
typedef struct CsvCells {
    const Str *name; /* [columns] distinct */
    size_t columns;
    const Str *cell; /* [rows][columns] UTF-8, each as if quoted: no space is taken away */
    size_t rows;
} CsvCells;

/* The same from those; of options only cell_bytes_max counts. */
MUST_USE Status csv_read_cells(Table **out, CsvCounts *counts, Arena *keep, Arena scratch,
                               const CsvCells *cells, const char *path, const CsvColumn *column,
                               size_t columns, const CsvOptions *options, Quarantine *quarantine,
                               Error *err);

/* The header's names alone, for profile and init; every column can then be read as TEXT. */
MUST_USE Status csv_header(Str **names, size_t *count, char *delimiter, Arena *keep,
                           const char *path, Error *err);

/* Write one cell, quoted when it must be. `guard` also defuses text that a spreadsheet would
 * take for a formula (= + - @ tab CR at the start) by a leading apostrophe; numbers that we
 * wrote ourselves need no guard. */
void csv_write_cell(Buffer *b, Str cell, bool guard);

#endif
