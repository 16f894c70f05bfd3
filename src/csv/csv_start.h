/* csv_start.h - what the beginning of a file says: delimiter, header, where the data begins. */
#ifndef CSV_START_H
#define CSV_START_H

#include "csv/csv.h"
#include "csv/csv_scan.h"

typedef struct CsvStart {
    CsvDialect dialect; /* cells_max is the number of columns */
    const Str *header;  /* by column, as they stand there     */
    Str *name;          /* the same, for the reader to rename */
    size_t columns;
    uint64_t header_line;
    Str bytes;     /* the file without its byte-order mark */
    size_t at;     /* the first byte after the header ...  */
    uint64_t line; /* ... and its line                     */
} CsvStart;

/* FORMAT: no bytes, not text, no sound header, a name twice. LIMIT: too many columns.
 * Memory: keep (the names).  Cost: O(header), and a look at the first rows. */
MUST_USE Status csv_start(CsvStart *out, Arena *keep, Arena scratch, Str bytes, const char *path,
                          const CsvOptions *options, Error *err);

/* Whether all bytes are ASCII and none is NUL. */
bool csv_plain(Str bytes);

#endif
