/* split.c - who was judged with whom, and when: folds.csv and `split` of metrics.json. */
#include "store/store_internal.h"

/* folds.csv: who was judged with whom. `group` numbers customers who are linked alike, and everyone
 * else alone; fold_r is the fold of repeat r, 1 to the number of folds. */
Status store_folds(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const TrainingSet *set = run->training;
    const Validation *v = run->validation;
    uint32_t *number = ARENA_ARRAY(&scratch, uint32_t, v->rows + 1), groups = 0;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "folds.csv", err));
    buffer_add(&s.line, S("customer_id,group"));
    for (size_t r = 0; r < v->repeats; r++)
        buffer_format(&s.line, ",fold_%zu", r + 1);
    buffer_char(&s.line, '\n');
    for (size_t i = 0; i < v->rows; i++) {
        size_t first = set->group == NULL ? i : set->group[i]; /* a training row */
        if (number[first] == 0)
            number[first] = ++groups;
        csv_write_cell(&s.line, set->x->id[i], true);
        buffer_format(&s.line, ",%u", number[first]);
        for (size_t r = 0; r < v->repeats; r++)
            buffer_format(&s.line, ",%u", v->fold[r][i] + 1);
        buffer_char(&s.line, '\n');
        sheet_flush(&s, false);
    }
    return sheet_close(&s, err);
}

static void add_forward(Document *j, yyjson_mut_val *in, const Forward *f)
{
    char text[TIME_TEXT];
    yyjson_mut_val *o = document_object(j, in, "forward");
    document_interval(j, o, "auc", f->auc);
    document_interval(j, o, "cross_validated", f->cross_validated);
    document_truth(j, o, "worse", f->worse);
    yyjson_mut_val *list = document_list(j, o, "cuts");
    for (size_t k = 0; k < f->cuts; k++) {
        const ForwardCut *c = &f->cut[k];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "at", str_copy(j->arena, time_text(text, c->at_us)));
        document_count(j, one, "known", c->known);
        document_count(j, one, "judged", c->judged);
        document_count(j, one, "later", c->later);
        document_interval(j, one, "auc", c->auc);
    }
}

void store_add_split(Document *j, const Run *run)
{
    yyjson_mut_val *o = document_object(j, j->root, "split");
    document_count(j, o, "customers", run->validation->rows);
    document_count(j, o, "folds", run->validation->folds);
    document_count(j, o, "repeats", run->validation->repeats);
    if (run->links != NULL) {
        document_count(j, o, "groups", run->links->groups);
        document_count(j, o, "linked_customers", run->links->linked);
        document_count(j, o, "largest_group", run->links->largest);
        document_count(j, o, "linked_by_person", run->links->by_person);
        document_count(j, o, "linked_by_transaction", run->links->by_transaction);
        document_count(j, o, "linked_by_history", run->links->by_history);
    }
    if (run->forward != NULL)
        add_forward(j, o, run->forward);
}
