/* dataset_columns.c - what is found of the columns of all files of a kind. */
#include "quality/dataset_internal.h"

/* Does any of these files have the column, or its source set it? */
static bool any_knows(const Part *part, size_t parts, Str column)
{
    for (size_t i = 0; i < parts; i++)
        if (table_find(part[i].table, column) != NULL)
            return true;
    return false;
}

/* `shared`: a file may lack what another one has. */
void columns_note_absent(Dataset *d, Arena *keep, Request want, const Part *part, size_t parts,
                         bool shared)
{
    for (size_t i = 0; i < parts; i++)
        for (size_t k = 0; k < want.columns; k++) {
            Str name = want.column[k].name;
            const Part *having = shared ? part : &part[i];
            if (any_knows(having, shared ? parts : 1, name))
                continue;
            const LedgerLine *file = &d->ledger[part[i].line];
            d->absent = arena_grow(keep, d->absent, d->absent_count, d->absent_count + 1,
                                   sizeof *d->absent);
            d->absent[d->absent_count++] = (Absent){file->role, file->file, name};
        }
}

/* The columns that no file has. They are no empty columns; who trains is told, and who scores is
 * told by what the files of training had. */
Dictionary *columns_find_lacking(Dataset *d, Arena *keep, Request want, const Part *part,
                                 size_t parts, bool training, Str kind)
{
    Dictionary *lacking = dictionary_new(keep);
    for (size_t k = 0; k < want.columns; k++) {
        Str name = want.column[k].name;
        if (any_knows(part, parts, name))
            continue;
        (void)dictionary_add(lacking, name);
        findings_add(d->findings, SEVERITY_INFO, "absent_column", training,
                     str_format(keep, "no file of %.*s has the column %.*s of the schema book",
                                STR_ARG(kind), STR_ARG(name)),
                     S("missing everywhere"));
    }
    return lacking;
}

/* Does any of these files bring a value of the column? */
static bool any_has(const Part *part, size_t from, size_t to, Str column)
{
    for (size_t i = from; i < to; i++) {
        const Column *c = table_find(part[i].table, column);
        for (size_t row = 0; c != NULL && row < part[i].table->rows; row++)
            if (column_valid(c, row))
                return true;
    }
    return false;
}

/* Columns that have values in one cohort's files and none in the other's: a model that used them
 * could not score, or could not have learnt. The label is expected to be among them. */
void columns_find_dropped(Dataset *d, Arena *keep, Request want, const Part *part, size_t split,
                          size_t parts, Str label)
{
    if (split == 0 || split == parts)
        return;
    for (size_t k = 0; k < want.columns; k++) {
        Str name = want.column[k].name;
        bool training = any_has(part, 0, split, name), scoring = any_has(part, split, parts, name);
        bool outcome = label.size > 0 && schema_is_outcome(d->schema, name);
        if (outcome || training == scoring)
            continue;
        d->dropped = arena_grow(keep, d->dropped, d->dropped_count, d->dropped_count + 1,
                                sizeof *d->dropped);
        d->dropped[d->dropped_count++] = name;
        findings_add(d->findings, SEVERITY_WARNING,
                     training ? "absent_at_scoring" : "absent_at_training", 1,
                     str_format(keep,
                                training ? "column %.*s is in the labelled files and not in the "
                                           "files to be scored"
                                         : "column %.*s is in the files to be scored and not in "
                                           "the labelled files",
                                STR_ARG(name)),
                     S("kept from the model"));
    }
}

void columns_find_constants(Dataset *d, Arena *keep, Arena scratch, const Table *t,
                            const Dictionary *lacking)
{
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = &t->column[k];
        size_t first = SIZE_MAX, same = 0, valid = 0;
        /* One currency is what the schema book asks for, and `records` and #... are ours. */
        if (str_equal(c->name, S("records")) || str_starts(c->name, S("#")) ||
            str_equal(c->name, d->schema->transactions.currency.text) ||
            dictionary_find(lacking, c->name) != NO_CODE)
            continue;
        for (size_t row = 0; row < t->rows; row++) {
            if (!column_valid(c, row))
                continue;
            valid++;
            if (first == SIZE_MAX)
                first = row;
            same += cell_equal(c, first, c, row);
            if (same < valid)
                break; /* two values: neither is to be said */
        }
        if (t->rows > 1 && valid == 0)
            findings_add(d->findings, SEVERITY_INFO, "empty_column", 1,
                         str_format(keep, "%.*s column %.*s has no value at all", STR_ARG(t->name),
                                    STR_ARG(c->name)),
                         S("carries no information"));
        else if (t->rows > 1 && same == t->rows)
            findings_add(d->findings, SEVERITY_INFO, "constant_column", 1,
                         str_format(keep, "%.*s column %.*s is %.*s in every row", STR_ARG(t->name),
                                    STR_ARG(c->name), STR_ARG(cell_text(&scratch, c, first))),
                         S("carries no information"));
    }
}
