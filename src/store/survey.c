/* survey.c - files looked at, as JSON. */
#include "store/store_internal.h"

static void real_or_time(Document *d, yyjson_mut_val *in, const char *key, const SurveyColumn *c,
                         double value)
{
    char text[TIME_TEXT];
    if (c->time && !is_missing(value))
        document_text(d, in, key, str_copy(d->arena, time_text(text, (int64_t)value)));
    else
        document_real(d, in, key, value);
}

static void column(Document *d, yyjson_mut_val *list, const SurveyColumn *c)
{
    yyjson_mut_val *o = document_object(d, list, NULL);
    document_text(d, o, "name", c->name);
    document_text(d, o, "holds", c->holds);
    document_count(d, o, "filled", c->filled);
    document_count(d, o, "distinct", c->distinct);
    document_text(d, o, "values_hidden", c->hidden_why);
    document_count(d, o, "shortest", c->shortest);
    document_count(d, o, "longest", c->longest);
    if (c->number || c->time) {
        real_or_time(d, o, "least", c, c->low);
        real_or_time(d, o, "q1", c, c->q1);
        real_or_time(d, o, "median", c, c->median);
        real_or_time(d, o, "q3", c, c->q3);
        real_or_time(d, o, "greatest", c, c->high);
        real_or_time(d, o, "mean", c, c->mean);
        document_count(d, o, "far_below", c->below);
        document_count(d, o, "far_above", c->above);
        real_or_time(d, o, "steps_from", c, c->from);
        real_or_time(d, o, "steps_to", c, c->to);
        yyjson_mut_val *steps = document_list(d, o, "steps");
        for (size_t i = 0; i < c->steps; i++)
            document_count(d, steps, NULL, c->step[i]);
    } else {
        yyjson_mut_val *tops = document_list(d, o, "most_frequent");
        for (size_t i = 0; i < c->tops; i++) {
            yyjson_mut_val *top = document_object(d, tops, NULL);
            document_text(d, top, "value", c->top[i].text);
            document_count(d, top, "rows", c->top[i].rows);
        }
    }
    document_texts(d, o, "findings", c->finding, c->findings);
}

static void file(Document *d, yyjson_mut_val *list, const SurveyFile *f)
{
    yyjson_mut_val *o = document_object(d, list, NULL);
    document_text(d, o, "file", str_from(f->path));
    document_count(d, o, "bytes", f->bytes);
    document_truth(d, o, "empty", f->empty);
    if (!f->empty)
        document_text(d, o, "delimiter", (Str){&f->delimiter, 1});
    document_count(d, o, "rows", f->rows);
    document_count(d, o, "set_aside", f->set_aside);
    document_count(d, o, "repeated", f->repeated);
    yyjson_mut_val *columns = document_list(d, o, "columns");
    for (size_t k = 0; k < f->columns; k++)
        column(d, columns, &f->column[k]);
    yyjson_mut_val *pairs = document_list(d, o, "correlations");
    for (size_t i = 0; i < f->pairs; i++) {
        yyjson_mut_val *pair = document_object(d, pairs, NULL);
        document_text(d, pair, "column", f->column[f->pair[i].a].name);
        document_text(d, pair, "other", f->column[f->pair[i].b].name);
        document_count(d, pair, "rows", f->pair[i].rows);
        document_real(d, pair, "spearman", f->pair[i].rho);
    }
    document_texts(d, o, "findings", f->finding, f->findings);
}

Str store_survey(Arena *keep, const Survey *s)
{
    Document d;
    document_open(&d, keep);
    yyjson_mut_val *files = document_list(&d, d.root, "files");
    for (size_t i = 0; i < s->files; i++)
        file(&d, files, &s->file[i]);
    yyjson_mut_val *links = document_list(&d, d.root, "links");
    for (size_t i = 0; i < s->links; i++) {
        const SurveyLink *l = &s->link[i];
        yyjson_mut_val *o = document_object(&d, links, NULL);
        yyjson_mut_val *sides = document_list(&d, o, "sides");
        for (size_t k = 0; k < 2; k++) {
            yyjson_mut_val *side = document_object(&d, sides, NULL);
            document_text(&d, side, "file", str_from(s->file[l->file[k]].path));
            document_text(&d, side, "column", s->file[l->file[k]].column[l->column[k]].name);
            document_truth(&d, side, "key", l->key[k]);
            document_count(&d, side, "rows_matched", l->rows[k]);
        }
        document_count(&d, o, "values", l->values);
    }
    return document_write(&d, true);
}
