#include "quality/dataset_internal.h"

#include <math.h>
#include <string.h>

/* What a file held, to know it again under another name. */
typedef struct Content {
    uint64_t hash;
    const char *path;
} Content;

typedef struct Reading {
    Dataset *d;
    Arena *keep;
    Arena scratch;
    const DatasetInputs *inputs;
    Str malformed; /* the first file with too many bad rows; empty when none */
    double malformed_share;
    Content *content; /* [contents] of files whose rows have no key; room for every file */
    size_t contents;
} Reading;

/* ---- several files with columns of their own ---- */

static Status read_one(Table **out, CsvCounts *counts, Reading *r, const InputFile *f,
                       const CsvCells *cells, const CsvColumn *column, size_t columns,
                       const CsvOptions *options, Error *err)
{
    Quarantine *aside = r->d->quarantine;
    if (cells != NULL)
        return csv_read_cells(out, counts, r->keep, r->scratch, cells, f->path, column, columns,
                              options, aside, err);
    if (f->bytes != NULL)
        return csv_read_bytes(out, counts, r->keep, r->scratch, *f->bytes, f->path, column, columns,
                              options, aside, err);
    return csv_read(out, counts, r->keep, r->scratch, f->path, column, columns, options, aside,
                    err);
}

/* Add the columns that a source sets, the same in every row. `all` has every column there is. */
static void add_set(Table *t, Arena *keep, Request all, const SchemaSource *source)
{
    size_t columns = t->columns + source->set.count;
    t->column = arena_grow(keep, t->column, t->columns, columns + 1, sizeof(Column));
    for (size_t k = 0; k < all.columns; k++) {
        const BookPair *pair = quality_pair_of(&source->set, all.column[k].name);
        if (pair == NULL)
            continue;
        Column *c = &t->column[t->columns++];
        column_init(c, keep, all.column[k].name, all.column[k].type, all.column[k].scale, t->rows,
                    all.column[k].dictionary);
        for (size_t row = 0; row < t->rows; row++)
            (void)column_parse(c, row, pair->value.text);
    }
}

/* `sources`: the book has some that could fit. */
static CsvOptions options_of(Arena *keep, const DatasetInputs *in, bool sources,
                             const SchemaSource *source)
{
    CsvOptions out = {.unpacked_max = in->unpacked_max, .progress = in->progress};
    if (source == NULL) {
        out.absent_hint =
            sources ? S("no pattern of `sources` in the schema book fits its name") : S("");
        return out;
    }
    CsvRename *rename = ARENA_ARRAY(keep, CsvRename, source->rename.count + 1);
    for (size_t i = 0; i < source->rename.count; i++)
        rename[i] =
            (CsvRename){source->rename.item[i].name.text, source->rename.item[i].value.text};
    out.rename = rename;
    out.renames = source->rename.count;
    return out;
}

/* Rows without a key would count twice when their file stands beside a copy of it. */
static Status check_copy(Reading *r, uint64_t hash, const char *path, Error *err)
{
    for (size_t i = 0; i < r->contents; i++)
        if (r->content[i].hash == hash) {
            (void)error_set(err, STATUS_USAGE,
                            "%s and %s hold the same, and without a `key` its rows would count "
                            "twice",
                            r->content[i].path, path);
            return error_remedy(err, "give one of them");
        }
    r->content[r->contents++] = (Content){hash, path};
    return STATUS_OK;
}

/* `all`: every column of the kind, made ones among them; empty for customers, which have no
 * sources. */
static Status read_files(Reading *r, InputFiles files, const CsvCells *cells, const char *role,
                         Request wanted, Request all, Part *part, size_t *parts, Error *err)
{
    size_t usable = 0, first = *parts;
    bool sources = all.columns > 0 && r->d->schema->transactions.sources.count > 0;
    for (size_t i = 0; i < files.count; i++) {
        const char *path = files.item[i].path;
        bool memory = cells != NULL || files.item[i].bytes != NULL;
        CsvCounts counts = {0};
        Arena spare = r->scratch;
        if (r->inputs->progress != NULL)
            progress_tell(r->inputs->progress, str_format(&spare, "reading %s", path).data, 0, 1);
        Part *p = &part[*parts];
        /* A request in memory speaks the book's own names. */
        bool fit = sources && !memory;
        Request wanted_here =
            memory && all.columns > 0 ? request_with_made(r->keep, wanted, all) : wanted;
        const SchemaSource *source = fit ? quality_source_of(r->d->schema, path, r->scratch) : NULL;
        Request want = source == NULL ? wanted_here : request_without_set(r->keep, wanted, source);
        CsvOptions options = options_of(r->keep, r->inputs, fit, source);
        TRY(read_one(&p->table, &counts, r, &files.item[i], cells, want.column, want.columns,
                     &options, err));
        if (all.columns > 0 && r->d->schema->keyless && !memory && counts.rows > 0)
            TRY(check_copy(r, counts.content, path, err));
        if (source != NULL)
            add_set(p->table, r->keep, all, source);
        p->line = (uint32_t)r->d->ledger_count;
        r->d->header[p->line] =
            (Header){str_from(role), str_from(path), counts.header, counts.header_count,
                     source == NULL ? S("") : source->files.text};
        r->d->ledger[r->d->ledger_count++] = (LedgerLine){.file = str_from(path),
                                                          .role = str_from(role),
                                                          .rows = counts.rows,
                                                          .quarantined = counts.quarantined};
        (*parts)++;
        usable += p->table->rows;
        double share = counts.rows == 0 ? 0 : (double)counts.quarantined / (double)counts.rows;
        if (share > r->inputs->bad_rows_max && r->malformed.size == 0) {
            r->malformed = str_from(path);
            r->malformed_share = share;
        }
        if (counts.quarantined > 0)
            findings_add(r->d->findings, SEVERITY_WARNING, "malformed_rows", counts.quarantined,
                         str_format(r->keep, "%llu of %llu rows of %s cannot be read",
                                    (unsigned long long)counts.quarantined,
                                    (unsigned long long)counts.rows, path),
                         S("set aside in quarantine.csv with file, line and reason"));
        if (counts.extra_count > 0) {
            Buffer names = buffer_new(r->keep);
            for (size_t k = 0; k < counts.extra_count && k < 12; k++)
                buffer_format(&names, "%s%.*s", k > 0 ? ", " : "", STR_ARG(counts.extra[k]));
            findings_add(r->d->findings, SEVERITY_INFO, "extra_columns", counts.extra_count,
                         str_format(r->keep,
                                    "%s has columns that the schema book does not name: %.*s", path,
                                    STR_ARG(buffer_str(&names))),
                         S("not read"));
        }
    }
    columns_note_absent(r->d, r->keep, wanted, part + first, files.count, sources);
    /* A request in memory may bring no transaction; a file that brings nothing is a mistake. */
    if (files.count == 0 || cells != NULL || files.item[0].bytes != NULL || usable > 0 ||
        r->malformed.size > 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_DATA, "%s has a header and no usable row", files.item[0].path);
    return error_remedy(err,
                        "check that the file is the right one and not cut off; it was given "
                        "as %s",
                        role);
}

/* Add the rows of a part below those that are there. */
static void append(Table *t, size_t at, Request want, const Table *from)
{
    for (size_t k = 0; k < want.columns; k++) {
        const Column *source = table_find(from, want.column[k].name);
        Column *to = &t->column[k];
        if (source == NULL)
            continue;
        size_t width = type_width(to->type);
        memcpy((char *)to->data + at * width, source->data, from->rows * width);
        for (size_t row = 0; row < from->rows; row++)
            if (column_valid(source, row))
                column_set_valid(to, at + row);
    }
}

/* All parts one under the other, with every column asked for; one part alone gives its columns.
 * Dictionaries are shared already. */
static Union unite(Arena *keep, Str name, Request want, const Part *part, size_t parts)
{
    size_t rows = 0, at = 0;
    for (size_t i = 0; i < parts; i++)
        rows += part[i].table->rows;
    Union u = {table_new(keep, name, rows, want.columns), ARENA_RAW(keep, uint32_t, rows + 1)};
    Table *t = u.rows;
    t->files = ARENA_ARRAY(keep, Str, parts + 1);
    t->file_count = parts;
    t->file = ARENA_RAW(keep, uint32_t, rows + 1);
    t->line = ARENA_RAW(keep, uint64_t, rows + 1);
    for (size_t k = 0; k < want.columns; k++) {
        const Column *own = parts == 1 ? table_find(part->table, want.column[k].name) : NULL;
        if (own != NULL)
            t->column[k] = *own;
        else
            column_init(&t->column[k], keep, want.column[k].name, want.column[k].type,
                        want.column[k].scale, rows, want.column[k].dictionary);
    }
    for (size_t i = 0; i < parts; i++) {
        const Table *from = part[i].table;
        t->files[i] = from->file_count > 0 ? from->files[0] : from->name;
        if (parts > 1)
            append(t, at, want, from);
        for (size_t row = 0; row < from->rows; row++) {
            u.source[at + row] = part[i].line;
            t->file[at + row] = (uint32_t)i;
            t->line[at + row] = from->line == NULL ? 0 : from->line[row];
        }
        at += from->rows;
    }
    return u;
}

static Status check_sums(const Dataset *d, Error *err)
{
    for (size_t i = 0; i < d->ledger_count; i++) {
        const LedgerLine *l = &d->ledger[i];
        if (l->rows != l->used + l->merged + l->quarantined)
            return error_set(
                err, STATUS_DATA,
                "rows of %.*s do not add up: %llu read, %llu used, %llu merged, %llu quarantined",
                STR_ARG(l->file), (unsigned long long)l->rows, (unsigned long long)l->used,
                (unsigned long long)l->merged, (unsigned long long)l->quarantined);
    }
    return STATUS_OK;
}

/* More risky customers than others is what a label read the wrong way round looks like. */
static void find_majority(Dataset *d, Arena *keep, size_t positives, size_t negatives)
{
    if (positives <= negatives)
        return;
    findings_add(d->findings, SEVERITY_SEVERE, "label_majority_positive", positives,
                 str_format(keep,
                            "%zu of %zu labelled customers are risky; if `positive` and `negative` "
                            "of the schema book are the wrong way round, every figure is upside "
                            "down",
                            positives, positives + negatives),
                 S("taken as the schema book says; look at `label` in it before a figure is "
                   "believed"));
}

static Status check_classes(Dataset *d, Arena *keep, const Schema *s, const DatasetInputs *in,
                            Error *err)
{
    size_t positives = 0, negatives = 0, labelled = 0;
    for (size_t i = 0; i < d->customers; i++) {
        labelled += (d->cohort[i] & COHORT_LABELLED) != 0;
        positives += d->label[i] == LABEL_POSITIVE;
        negatives += d->label[i] == LABEL_NEGATIVE;
    }
    if (in->customers.count == 0 || (positives > 0 && negatives > 0)) {
        find_majority(d, keep, positives, negatives);
        return STATUS_OK;
    }
    if (labelled == 0) {
        (void)error_set(err, STATUS_DATA,
                        "no labelled customer could be read: the files of "
                        "labelled customers have a header and no usable row");
        return error_remedy(err, "check that the files are the right ones and not cut off");
    }
    (void)error_set(err, STATUS_DATA,
                    "one class only: %zu customers labelled risky and %zu not, in column %.*s",
                    positives, negatives, STR_ARG(s->customers.label.column.text));
    return error_remedy(
        err,
        "learning needs both; check `label` in the schema book against the values in the file");
}

/* Standard input can be read once; and of rows without a key nobody can tell that they were read
 * before. */
static Status check_once(const Schema *s, const DatasetInputs *in, Arena scratch, Error *err)
{
    const InputFiles list[] = {in->customers, in->score_customers, in->transactions,
                               in->score_transactions};
    Dictionary *customers = dictionary_new(&scratch), *transactions = dictionary_new(&scratch);
    size_t streams = 0;
    const char *twice = NULL;
    for (size_t i = 0; i < COUNT_OF(list); i++)
        for (size_t k = 0; k < list[i].count; k++) {
            const char *path = list[i].item[k].path;
            Dictionary *seen = i < 2 ? customers : transactions;
            size_t known = seen->count;
            if (list[i].item[k].bytes != NULL)
                continue;
            streams += strcmp(path, "-") == 0;
            if (dictionary_add(seen, str_from(path)) < known && seen == transactions)
                twice = path;
        }
    if (streams > 1) {
        (void)error_set(err, STATUS_USAGE, "standard input was given twice, and can be read once");
        return error_remedy(err, "give one of the two by the name of a file");
    }
    if (twice == NULL || !s->keyless)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE,
                    "%s was given twice, and without a `key` its rows would count twice", twice);
    return error_remedy(err, "give it once: a transaction reaches its customer from any file");
}

/* A share in per cent, by so many digits that one above a limit reads as above it. */
static Str percent(Arena *arena, double share)
{
    double rounded = floor(1000 * share + 0.5) / 1000;
    return fabs(rounded - share) < 1e-12 ? str_format(arena, "%.1f", 100 * share)
                                         : str_format(arena, "%.4g", 100 * share);
}

Status dataset_read(Dataset **out, Arena *keep, Arena scratch, const Schema *schema,
                    const DatasetInputs *in, Error *err)
{
    Dataset *d = *out = ARENA_NEW(keep, Dataset);
    d->schema = schema;
    d->findings = findings_new(keep);
    d->quarantine = quarantine_new(keep);
    static const InputFile named[2] = {{"customer", NULL}, {"transactions", NULL}};
    const InputFiles files[2] = {
        in->customer_cells == NULL ? in->score_customers : (InputFiles){&named[0], 1},
        in->transaction_cells == NULL ? in->score_transactions : (InputFiles){&named[1], 1}};
    size_t customer_files = in->customers.count + files[0].count;
    size_t transaction_files = in->transactions.count + files[1].count;
    d->ledger = ARENA_ARRAY(keep, LedgerLine, customer_files + transaction_files + 1);
    d->header = ARENA_ARRAY(keep, Header, customer_files + transaction_files + 1);
    if (customer_files == 0 || (transaction_files == 0 && schema->customers.history.count == 0)) {
        (void)error_set(err, STATUS_USAGE, "no %s file was given",
                        customer_files == 0 ? "customer" : "transaction");
        return error_remedy(
            err,
            "give --customers and --transactions (or --score-customers and --score-transactions)");
    }

    if (files[1].count > 0 && files[0].count == 0) {
        (void)error_set(err, STATUS_USAGE,
                        "transactions to be scored were given without customers");
        return error_remedy(err, "give --score-customers too");
    }

    TRY(check_once(schema, in, scratch, err));
    const SchemaCustomers *sc = &schema->customers;
    const SchemaTransactions *st = &schema->transactions;
    size_t needs;
    BookText *need = request_needs(keep, sc, &needs); /* the outcome comes last */
    Request labelled = request_columns(keep, sc->columns, &sc->key, 1, need, needs);
    Request scored = request_needing(keep, labelled, need, needs - 2);
    const Request none = {0};
    Request all = request_events(keep, schema);
    Request events = all; /* what files can have: the made columns come last */
    events.columns = st->columns.count;

    Reading r = {.d = d,
                 .keep = keep,
                 .scratch = scratch,
                 .inputs = in,
                 .content = ARENA_ARRAY(keep, Content, transaction_files + 1)};
    Part *part = ARENA_ARRAY(keep, Part, customer_files + transaction_files + 2);
    size_t parts = 0;
    TRY(read_files(&r, in->customers, NULL, "customers", labelled, none, part, &parts, err));
    TRY(read_files(&r, files[0], in->customer_cells, "score_customers", scored, none, part, &parts,
                   err));
    Union customers = unite(keep, S("customers"), labelled, part, parts);
    columns_find_dropped(d, keep, labelled, part, in->customers.count, parts,
                         sc->label.column.text);
    const Dictionary *no_customers =
        in->no_findings ? NULL
                        : columns_find_lacking(d, keep, labelled, part, parts,
                                               in->customers.count > 0, S("customers"));

    parts = 0;
    TRY(read_files(&r, in->transactions, NULL, "transactions", events, all, part, &parts, err));
    TRY(read_files(&r, files[1], in->transaction_cells, "score_transactions", events, all, part,
                   &parts, err));
    columns_find_dropped(d, keep, events, part, in->transactions.count, parts, S(""));
    const Dictionary *no_transactions =
        in->no_findings ? NULL
                        : columns_find_lacking(d, keep, events, part, parts,
                                               in->transactions.count > 0, S("transactions"));

    if (r.malformed.size > 0) {
        Arena said = arena_new();
        Str share = percent(&said, r.malformed_share), most = percent(&said, in->bad_rows_max);
        (void)error_set(err, STATUS_GATE,
                        "%.*s %% of the rows of %.*s cannot be read, more than %.*s %%",
                        STR_ARG(share), STR_ARG(r.malformed), STR_ARG(most));
        arena_free(&said);
        return error_remedy(
            err,
            "see quarantine.csv for each row and reason; mend the file or raise --max-bad-rows");
    }
    progress_tell(in->progress, "merging versions", 0, 1);
    TRY(quality_merge_customers(d, keep, scratch, &customers, err));
    TRY(check_classes(d, keep, schema, in, err));
    if (sc->history.count > 0) {
        Union like = unite(keep, S("transactions"), all, part, 0);
        part[parts++] = (Part){quality_history(d, keep, like.rows), NO_CODE};
    }
    Union transactions = unite(keep, S("transactions"), all, part, parts);
    TRY(quality_route_transactions(d, keep, scratch, &transactions, in, err));
    if (!in->no_findings) {
        columns_find_constants(d, keep, scratch, d->profile, no_customers);
        columns_find_constants(d, keep, scratch, d->versions, no_transactions);
    }
    return check_sums(d, err);
}
