/* comparison.c - two runs side by side: what they said out of fold, read back; and the files that
 * a comparison leaves. */
#include "store/store_internal.h"

#include <string.h>

/* ---- validation.csv, read ---- */

static Str model_of(Arena *keep, const Bundle *b)
{
    Str name = S("");
    yyjson_doc *doc =
        b->metrics.size == 0 ? NULL : yyjson_read(b->metrics.data, b->metrics.size, 0);
    yyjson_val *model = doc == NULL ? NULL : yyjson_obj_get(yyjson_doc_get_root(doc), "model");
    if (yyjson_is_str(model))
        name = str_copy(keep, (Str){yyjson_get_str(model), yyjson_get_len(model)});
    yyjson_doc_free(doc);
    return name;
}

static Status unusable(const char *path, uint64_t line, const char *why, Error *err)
{
    (void)error_set(err, STATUS_FORMAT, "%s %s", path, why);
    (void)error_place(err, path, (int64_t)line, 0);
    return error_remedy(err, "give the folder of a whole run, as `assay run --out` leaves it");
}

/* The columns of every candidate's probabilities end in the repeat, from 1 on without a gap. */
static size_t count_repeats(Arena *keep, const Dictionary *header, Str model)
{
    size_t repeats = 0;
    while (repeats < header->count &&
           dictionary_find(header, str_format(keep, "p_%.*s_%zu", STR_ARG(model), repeats + 1)) !=
               NO_CODE)
        repeats++;
    return repeats;
}

/* A column of nothing but 0 and 1. */
static Status read_flags(uint8_t *out, const Table *t, size_t at, const char *path, Error *err)
{
    const Column *c = &t->column[at];
    for (size_t i = 0; i < t->rows; i++) {
        if (!column_valid(c, i) || (c->integer[i] != 0 && c->integer[i] != 1))
            return unusable(path, t->line[i], "holds a label or a stratum that is not 0 or 1", err);
        out[i] = c->integer[i] == 1;
    }
    return STATUS_OK;
}

static Status read_ids(Str *id, Arena *keep, Arena scratch, const Table *t, const char *path,
                       Error *err)
{
    Dictionary *seen = dictionary_new(&scratch);
    for (size_t i = 0; i < t->rows; i++) {
        id[i] = cell_text(keep, &t->column[0], i);
        if (dictionary_add(seen, id[i]) != i)
            return unusable(path, t->line[i], "holds a customer twice", err);
    }
    return STATUS_OK;
}

/* folds.csv numbers the linked customers alike. A folder without one links nobody. */
static Status read_groups(OutOfFoldFile *out, Arena *keep, Arena scratch, const char *folder,
                          Error *err)
{
    const char *path = path_join(keep, folder, "folds.csv");
    const CsvColumn column[] = {
        {.name = S("customer_id"), .type = TYPE_TEXT, .required = true, .key = true},
        {.name = S("group"), .type = TYPE_INT64, .required = true, .key = true}};
    if (!file_exists(path))
        return STATUS_OK;
    Table *t;
    TRY(csv_read(&t, NULL, keep, scratch, path, column, COUNT_OF(column), NULL, NULL, err));
    if (t->rows != out->customers)
        return unusable(path, 0, "is not about the customers of validation.csv", err);
    out->group = ARENA_ARRAY(keep, uint32_t, t->rows + 1);
    for (size_t i = 0; i < t->rows; i++) {
        int64_t group = t->column[1].integer[i];
        if (!str_equal(cell_text(keep, &t->column[0], i), out->id[i]))
            return unusable(path, t->line[i], "is not about the customers of validation.csv", err);
        if (!column_valid(&t->column[1], i) || group < 1 || (uint64_t)group > t->rows)
            return unusable(path, t->line[i], "numbers a group that cannot be", err);
        out->group[i] = (uint32_t)group - 1;
    }
    return STATUS_OK;
}

Status store_read_validation(OutOfFoldFile *out, Arena *keep, Arena scratch, const char *folder,
                             const Bundle *bundle, Error *err)
{
    const char *path = path_join(keep, folder, "validation.csv");
    Str *names, model = model_of(keep, bundle);
    size_t count, columns = 0, strata = bundle->plan->strata;
    *out = (OutOfFoldFile){.strata = strata};
    TRY(csv_header(&names, &count, NULL, keep, path, err));
    Dictionary *header = dictionary_new(keep);
    for (size_t i = 0; i < count; i++)
        (void)dictionary_add(header, names[i]);
    out->repeats = count_repeats(keep, header, model);
    if (out->repeats == 0)
        return unusable(path, 0, "has no probabilities of the bundle's model", err);
    CsvColumn *column = ARENA_ARRAY(keep, CsvColumn, 2 + strata + out->repeats);
    column[columns++] =
        (CsvColumn){.name = S("customer_id"), .type = TYPE_TEXT, .required = true, .key = true};
    column[columns++] =
        (CsvColumn){.name = S("label"), .type = TYPE_INT64, .required = true, .key = true};
    for (size_t s = 0; s < strata; s++)
        column[columns++] = (CsvColumn){
            .name = bundle->plan->stratum[s].name, .type = TYPE_INT64, .required = true};
    size_t first = columns;
    for (size_t r = 0; r < out->repeats; r++)
        column[columns++] =
            (CsvColumn){.name = str_format(keep, "p_%.*s_%zu", STR_ARG(model), r + 1),
                        .type = TYPE_DOUBLE,
                        .required = true};
    Table *t;
    Quarantine *aside = quarantine_new(keep);
    TRY(csv_read(&t, NULL, keep, scratch, path, column, columns, NULL, aside, err));
    if (aside->count > 0)
        return unusable(path, aside->row[0].line, "holds lines that cannot be read", err);
    out->customers = t->rows;
    out->id = ARENA_ARRAY(keep, Str, t->rows + 1);
    out->label = ARENA_ARRAY(keep, uint8_t, t->rows + 1);
    out->p = ARENA_ARRAY(keep, double *, out->repeats);
    out->in_stratum = ARENA_ARRAY(keep, uint8_t *, strata + 1);
    TRY(read_ids(out->id, keep, scratch, t, path, err));
    TRY(read_flags(out->label, t, 1, path, err));
    for (size_t s = 0; s < strata; s++) {
        out->in_stratum[s] = ARENA_ARRAY(keep, uint8_t, t->rows + 1);
        TRY(read_flags(out->in_stratum[s], t, 2 + s, path, err));
    }
    for (size_t r = 0; r < out->repeats; r++) {
        out->p[r] = ARENA_ARRAY(keep, double, t->rows + 1);
        for (size_t i = 0; i < t->rows; i++) {
            double p = cell_double(&t->column[first + r], i);
            if (!(p >= 0 && p <= 1))
                return unusable(path, t->line[i], "holds a probability outside 0 to 1", err);
            out->p[r][i] = p;
        }
    }
    return read_groups(out, keep, scratch, folder, err);
}

/* ---- the files of a comparison ---- */

static Status write_moves(const SideBySide *c, const char *folder, Arena scratch, Error *err)
{
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "moves.csv", err));
    buffer_add(&s.line, S("customer_id,segment_champion,segment_challenger,action_champion,"
                          "action_challenger,probability_champion,probability_challenger,why\n"));
    for (size_t i = 0; i < c->moves; i++) {
        const Move *m = &c->move[i];
        char text[NUMBER_TEXT];
        csv_write_cell(&s.line, m->id, true);
        for (int k = 0; k < SIDES; k++)
            buffer_format(&s.line, ",%.*s", STR_ARG(segment_name(m->segment[k])));
        for (int k = 0; k < SIDES; k++)
            buffer_format(&s.line, ",%.*s", STR_ARG(action_name(m->action[k])));
        for (int k = 0; k < SIDES; k++) {
            buffer_char(&s.line, ',');
            buffer_add(&s.line, double_text(text, m->probability[k]));
        }
        buffer_char(&s.line, ',');
        csv_write_cell(&s.line, m->why, true);
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}

static void add_interval(Document *d, yyjson_mut_val *in, const char *key, Interval v)
{
    yyjson_mut_val *list = document_list(d, in, key);
    document_real(d, list, NULL, v.value);
    document_real(d, list, NULL, v.low);
    document_real(d, list, NULL, v.high);
}

static void add_judgements(Document *d, const SideBySide *c)
{
    yyjson_mut_val *strata = document_list(d, d->root, "strata");
    for (size_t s = 0; s < c->strata; s++) {
        const MetricDifference *f = &c->judgement[s].figures;
        yyjson_mut_val *one = document_object(d, strata, NULL);
        document_text(d, one, "name", c->judgement[s].stratum);
        document_count(d, one, "customers", f->one.customers);
        document_count(d, one, "positives", f->one.positives);
        for (int k = 0; k < METRIC_KINDS; k++) {
            yyjson_mut_val *metric =
                document_object(d, one, str_chars(d->arena, metric_name((MetricKind)k)));
            add_interval(d, metric, "champion", f->other.metric[k]);
            add_interval(d, metric, "challenger", f->one.metric[k]);
            add_interval(d, metric, "difference", f->difference[k]);
        }
    }
}

static Status write_figures(const SideBySide *c, const char *folder, Arena scratch, Error *err)
{
    Document d;
    Writer *w;
    document_open(&d, &scratch);
    static const char *const side[] = {"champion", "challenger"};
    for (int k = 0; k < SIDES; k++) {
        yyjson_mut_val *one = document_object(&d, d.root, side[k]);
        document_text(&d, one, "given", c->name[k]);
        document_text(&d, one, "bundle", str_from(c->bundle[k]->id));
        document_text(&d, one, "data", c->bundle[k]->data_hash);
    }
    document_text(&d, d.root, "judged_on", c->judged_on);
    document_truth(&d, d.root, "seen_in_training", c->seen_in_training);
    document_count(&d, d.root, "left_out", c->left_out);
    add_judgements(&d, c);
    document_count(&d, d.root, "customers", c->customers);
    document_count(&d, d.root, "only_champion", c->only[CHAMPION]);
    document_count(&d, d.root, "only_challenger", c->only[CHALLENGER]);
    document_count(&d, d.root, "moves", c->moves);
    document_real(&d, d.root, "mean_change", c->mean_change);
    yyjson_mut_val *segments = document_list(&d, d.root, "segments");
    for (int from = 0; from < SEGMENTS; from++)
        for (int to = 0; to < SEGMENTS; to++) {
            yyjson_mut_val *cell = document_object(&d, segments, NULL);
            document_text(&d, cell, "champion", segment_name((Segment)from));
            document_text(&d, cell, "challenger", segment_name((Segment)to));
            document_count(&d, cell, "customers", c->segment[from][to]);
        }
    TRY(writer_open(&w, &scratch, path_join(&scratch, folder, "comparison.json"), err));
    writer_add(w, document_write(&d, true));
    return writer_close(w, err);
}

Status store_comparison(const SideBySide *c, Str page, const char *folder, Error *err)
{
    Arena own = arena_new();
    Writer *w;
    Status status = folder_make(folder, err);
    if (status == STATUS_OK)
        status = write_moves(c, folder, own, err);
    if (status == STATUS_OK)
        status = write_figures(c, folder, own, err);
    if (status == STATUS_OK)
        status = writer_open(&w, &own, path_join(&own, folder, "comparison.md"), err);
    if (status == STATUS_OK) {
        writer_add(w, page);
        status = writer_close(w, err);
    }
    arena_free(&own);
    return status;
}
