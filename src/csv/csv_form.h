/* csv_form.h - cells as files write them: times in their form, numbers with their marks. */
#ifndef CSV_FORM_H
#define CSV_FORM_H

#include "csv/csv.h"

/* Read the text of a cell without a code into row `row`, in the form its column is said to have.
 * Empty text is missing. False when the text is not of that form (the cell is then missing). */
bool csv_form_parse(Column *c, size_t row, Str text, const CsvColumn *ask);

/* Are the column's cells written as column_parse reads them? */
bool csv_form_plain(const CsvColumn *ask);

/* What such a cell should look like, for the words of a verdict.  Memory: arena. */
Str csv_form_expected(const CsvColumn *ask, Arena *arena);

#endif
