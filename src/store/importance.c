/* importance.c - importance.csv, shap.csv, curves.csv, screening.csv, and their sum in
 * metrics.json.
 *
 * Names come from books and levels from data, so texts are guarded; numbers are our own. */
#include "store/store_internal.h"

#include <math.h>

static void rank_cells(Sheet *s, const ImportanceRank *r, bool known)
{
    const double value[] = {r->median, r->low, r->high, r->top5, r->top10};
    for (size_t i = 0; i < COUNT_OF(value); i++)
        sheet_real(s, known ? value[i] : (double)NAN);
}

static Str members_of(Arena *arena, const Run *run, const ImportanceItem *item)
{
    Buffer b = buffer_new(arena);
    for (size_t k = 0; k < item->features; k++) {
        if (k > 0)
            buffer_char(&b, ';');
        buffer_add(&b, run->plan->feature[item->feature[k]].name.text);
    }
    return buffer_str(&b);
}

static Status write_items(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Importance *m = run->importance;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "importance.csv", err));
    Arena own = arena_new();
    buffer_add(&s.line,
               S("of,name,features,log_loss_rise,log_loss_rise_low,log_loss_rise_high,auc_fall,"
                 "auc_fall_low,auc_fall_high,harmed,rank_median,"
                 "rank_low,rank_high,top5,top10,members\n"));
    for (size_t i = 0; i < m->items; i++) {
        const ImportanceItem *item = &m->item[i];
        Arena row = own;
        sheet_text(&s, importance_of_name(item->of));
        sheet_text(&s, item->name);
        sheet_count(&s, item->features);
        sheet_interval(&s, item->log_loss);
        sheet_interval(&s, item->auc);
        sheet_real(&s, item->harmed);
        rank_cells(&s, &item->rank, item->of == IMPORTANCE_FEATURE);
        sheet_text(&s, members_of(&row, run, item));
        sheet_line_end(&s);
    }
    arena_free(&own);
    return sheet_close(&s, err);
}

static void shap_line(Sheet *s, const ImportanceShap *shap, Str slice, size_t customers,
                      Interval size, double mean, bool on_all)
{
    bool feature = shap->of == IMPORTANCE_FEATURE && on_all;
    Interval none = {NAN, NAN, NAN};
    sheet_text(s, importance_of_name(shap->of));
    sheet_text(s, shap->name);
    sheet_text(s, slice);
    sheet_count(s, customers);
    sheet_interval(s, size);
    sheet_real(s, mean);
    sheet_interval(s, feature ? shap->direction : none);
    rank_cells(s, &shap->rank, feature);
    sheet_line_end(s);
}

static Status write_shap(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Importance *m = run->importance;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "shap.csv", err));
    buffer_add(&s.line, S("of,name,slice,customers,size,size_low,size_high,mean,direction,"
                          "direction_low,direction_high,rank_median,rank_low,rank_high,top5,"
                          "top10\n"));
    for (size_t i = 0; i < m->shaps; i++) {
        const ImportanceShap *shap = &m->shap[i];
        for (size_t k = 0; k < m->slices; k++)
            shap_line(&s, shap, m->slice[k].name, m->slice[k].customers, shap->size[k],
                      shap->mean[k], k == 0);
        if (m->scored > 0)
            shap_line(&s, shap, S("scored"), m->scored, shap->scored, shap->scored_mean, false);
    }
    return sheet_close(&s, err);
}

static Status write_curves(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Importance *m = run->importance;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "curves.csv", err));
    buffer_add(&s.line, S("feature,bin,low,high,level,customers,positives,share,share_low,"
                          "share_high,effect,effect_least,effect_greatest,contribution,scored\n"));
    for (size_t c = 0; c < m->curves; c++)
        for (size_t b = 0; b < m->curve[c].bins; b++) {
            const ImportanceBin *bin = &m->curve[c].bin[b];
            sheet_text(&s, m->curve[c].name);
            sheet_count(&s, b + 1);
            sheet_real(&s, bin->low);
            sheet_real(&s, bin->high);
            sheet_text(&s, bin->level);
            sheet_count(&s, bin->customers);
            sheet_count(&s, bin->positives);
            sheet_interval(&s, bin->share);
            sheet_interval(&s, bin->effect);
            sheet_real(&s, bin->contribution);
            sheet_count(&s, bin->scored);
            sheet_line_end(&s);
        }
    return sheet_close(&s, err);
}

static Status write_screening(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Screening *m = run->screening;
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "screening.csv", err));
    buffer_add(&s.line, S("feature,use,family,kept,information_value,noise_95,noise_99,bins,auc,"
                          "auc_low,auc_high,higher_is_risky,distinct,missing_labelled,"
                          "missing_scored,psi,psi_noise_limit,group,nearest,correlation,why\n"));
    for (size_t i = 0; i < m->features; i++) {
        const Screened *f = &m->feature[i];
        sheet_text(&s, f->name);
        sheet_text(&s, f->use);
        sheet_text(&s, f->family);
        sheet_truth(&s, f->kept);
        sheet_real(&s, f->information);
        sheet_real(&s, f->limit_95);
        sheet_real(&s, f->limit_99);
        sheet_count(&s, f->bins);
        sheet_interval(&s, f->auc);
        sheet_truth(&s, f->higher_is_risky);
        sheet_count(&s, f->distinct);
        sheet_real(&s, f->missing_labelled);
        sheet_real(&s, f->missing_scored);
        sheet_real(&s, f->psi);
        sheet_real(&s, f->psi_limit);
        sheet_count(&s, f->group);
        sheet_text(&s, f->nearest);
        sheet_real(&s, f->correlation);
        sheet_text(&s, f->why);
        sheet_line_end(&s);
    }
    return sheet_close(&s, err);
}

Status store_importance(const Run *run, const char *folder, Arena scratch, Error *err)
{
    if (run->importance != NULL) {
        TRY(write_items(run, folder, scratch, err));
        TRY(write_shap(run, folder, scratch, err));
        TRY(write_curves(run, folder, scratch, err));
    }
    return run->screening == NULL ? STATUS_OK : write_screening(run, folder, scratch, err);
}

/* ---- metrics.json ---- */

static void add_agreement(Document *j, yyjson_mut_val *in, const char *key,
                          const ImportanceAgreement *a)
{
    yyjson_mut_val *o = document_object(j, in, key);
    document_count(j, o, "rankings", a->rankings);
    document_real(j, o, "kendall_w", a->kendall_w);
    document_real(j, o, "spearman", a->spearman);
}

static void add_items(Document *j, yyjson_mut_val *in, const Run *run)
{
    const Importance *m = run->importance;
    yyjson_mut_val *list = document_list(j, in, "shuffled");
    for (size_t i = 0; i < m->items; i++) {
        const ImportanceItem *item = &m->item[i];
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "of", importance_of_name(item->of));
        document_text(j, o, "name", item->name);
        document_interval(j, o, "log_loss_rise", item->log_loss);
        document_interval(j, o, "auc_fall", item->auc);
        if (item->of == IMPORTANCE_FEATURE)
            continue;
        yyjson_mut_val *members = document_list(j, o, "members");
        for (size_t k = 0; k < item->features; k++)
            document_text(j, members, NULL, run->plan->feature[item->feature[k]].name.text);
    }
}

static void add_shap(Document *j, yyjson_mut_val *in, const Importance *m)
{
    yyjson_mut_val *list = document_list(j, in, "contributions");
    for (size_t i = 0; i < m->shaps; i++) {
        const ImportanceShap *s = &m->shap[i];
        yyjson_mut_val *o = document_object(j, list, NULL);
        document_text(j, o, "of", importance_of_name(s->of));
        document_text(j, o, "name", s->name);
        document_interval(j, o, "size", s->size[0]);
        document_real(j, o, "size_scored", s->scored.value);
        if (s->of != IMPORTANCE_FEATURE)
            continue;
        document_real(j, o, "direction", s->direction.value);
        document_real(j, o, "rank_median", s->rank.median);
        document_real(j, o, "top10", s->rank.top10);
    }
}

void store_add_importance(Document *j, const Run *run)
{
    const Importance *m = run->importance;
    yyjson_mut_val *o = document_object(j, j->root, "importance");
    document_count(j, o, "customers", m->customers);
    document_count(j, o, "positives", m->positives);
    document_count(j, o, "repeats", m->repeats);
    document_count(j, o, "folds", m->folds);
    document_count(j, o, "permutations", m->permutations);
    document_real(j, o, "correlation_cut", m->correlation_cut);
    document_real(j, o, "log_loss", m->log_loss);
    document_real(j, o, "auc_within_folds", m->auc);
    yyjson_mut_val *agreement = document_object(j, o, "agreement");
    add_agreement(j, agreement, "by_log_loss_rise", &m->by_loss);
    add_agreement(j, agreement, "by_contribution", &m->by_contribution);
    add_items(j, o, run);
    add_shap(j, o, m);
}

void store_add_screening(Document *j, const Run *run)
{
    const Screening *m = run->screening;
    size_t kept = 0, told = 0, kept_told = 0;
    for (size_t i = 0; i < m->features; i++) {
        const Screened *f = &m->feature[i];
        bool tells = f->information > f->limit_99;
        kept += f->kept;
        told += tells;
        kept_told += f->kept && tells;
    }
    yyjson_mut_val *o = document_object(j, j->root, "screening");
    document_count(j, o, "features", m->features);
    document_count(j, o, "in_model", kept);
    document_count(j, o, "beyond_noise", told);
    document_count(j, o, "in_model_beyond_noise", kept_told);
    document_count(j, o, "permutations", m->permutations);
    document_count(j, o, "correlated_groups", m->groups);
}
