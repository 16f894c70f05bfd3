/* csv_scan.h - finds the rows and cells of a block of bytes; knows nothing of types.
 *
 * A scan copies nothing: a cell is a slice of the file. Rows are gathered in a batch, which
 * is emptied and filled again block by block, so its memory follows the block and not the
 * file. A scan that starts at a row's start needs nothing else: blocks may be handed to
 * threads once their starts are known, and a faster kernel has only csv_scan to replace.
 *
 * A row whose quotes make no sense ends, by decree, at the end of the line it starts on, and
 * the scan resumes at the next line: one lost quote costs one line, not the rest of the file.
 * No byte is looked at more than a few times for that: while a faulty row was inside quotes
 * at a line's end, a scan resumed on that line is outside them there, so it ends with it.
 */
#ifndef CSV_SCAN_H
#define CSV_SCAN_H

#include "base/base.h"

typedef enum CsvFault {
    CSV_SOUND,
    CSV_STRAY_QUOTE, /* a quote inside an unquoted cell, or text after a closing quote */
    CSV_OPEN_QUOTE,  /* opened and never closed                                        */
    CSV_STRAY_RETURN /* a carriage return outside quotes that ends no line             */
} CsvFault;

typedef struct CsvCell {
    const char *data; /* inside the quotes when quoted */
    size_t size;
    bool quoted;
    bool doubled; /* holds "" that stands for one quote */
} CsvCell;

typedef struct CsvRow {
    size_t first;      /* its first cell in the batch                           */
    size_t cells;      /* all it has; the batch keeps only the first cells_max  */
    Str raw;           /* without its line end; one line only when faulty       */
    uint64_t line;     /* where it starts, 1-based                              */
    uint64_t lines;    /* how many it spans                                     */
    size_t longest;    /* bytes of its longest cell ...                         */
    size_t longest_at; /* ... and which that is, 0-based                        */
    size_t fault_at;   /* the cell at fault, 0-based                            */
    CsvFault fault;
} CsvRow;

typedef struct CsvBatch {
    Arena *arena; /* of the arrays */
    CsvRow *row;
    size_t rows, row_capacity;
    CsvCell *cell;
    size_t cells, cell_capacity;
    uint64_t line; /* of the next byte to scan */
} CsvBatch;

typedef struct CsvDialect {
    char delimiter;
    size_t cells_max; /* cells kept of a row; the rest are only counted */
} CsvDialect;

CsvBatch csv_batch(Arena *arena, uint64_t line);

/* Fill the emptied batch with whole rows from bytes[at] on until `block` bytes are passed or
 * the bytes end. Blank lines are skipped. Returns where the next scan starts.
 * Memory: the batch's arena.  Cost: O(bytes passed). */
size_t csv_scan(CsvBatch *batch, CsvDialect dialect, Str bytes, size_t at, size_t block);

/* The cell's text, quotes undoubled.  Memory: arena, only when some are doubled. */
Str csv_cell_text(CsvCell cell, Arena *arena);

#endif
