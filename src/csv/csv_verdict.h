/* csv_verdict.h - why a row cannot be used, and the words for it.
 *
 * A row has one verdict: what is wrong with its shape comes first, then its leftmost bad cell.
 * The words name columns and expected forms, never what the row holds. */
#ifndef CSV_VERDICT_H
#define CSV_VERDICT_H

#include "csv/csv.h"
#include "csv/csv_scan.h"

typedef enum Blame {
    BLAME_NONE,
    BLAME_FAULT, /* the scan's CsvFault */
    BLAME_NUL_BYTE,
    BLAME_UTF8,
    BLAME_RAGGED,
    BLAME_TOO_LONG,
    BLAME_MISSING_KEY,
    BLAME_BAD_VALUE,
    BLAME_UNKNOWN_VALUE
} Blame;

typedef struct Verdict {
    Blame blame;
    uint32_t column;      /* 1-based in the file, 0 for the whole row */
    const CsvColumn *ask; /* of a bad cell */
} Verdict;

typedef struct CsvLimits {
    size_t columns; /* of the header */
    size_t cell_bytes_max;
} CsvLimits;

/* Judge a row's shape and bytes; `plain` says that the whole block is ASCII without NUL.
 * Cost: O(1) when plain, else O(bytes of the row). */
Verdict csv_judge(const CsvRow *row, const CsvCell *cell, CsvLimits limits, bool plain);

/* Write a row that is not sound into the quarantine.  Memory: the quarantine's arena. */
void csv_set_aside(Quarantine *q, Str file, const CsvRow *row, Verdict verdict, CsvLimits limits,
                   Arena scratch);

#endif
