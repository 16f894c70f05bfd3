/* trials.c - how settings were searched for and candidates chosen: trials.csv and its part of
 * metrics.json. */
#include "store/store_internal.h"

#include <math.h>

/* ---- trials.csv: every trial of every search ---- */

/* Settings that some candidate of the run has, in the order of their kinds. */
static void columns_of(const char **name, const Validation *v)
{
    for (size_t s = 0; s < SETTINGS; s++) {
        name[s] = NULL;
        for (size_t k = 0; k < v->candidates; k++)
            for (size_t d = 0; d < v->candidate[k].dimensions; d++)
                if (v->candidate[k].dimension[d].setting == s)
                    name[s] = v->candidate[k].dimension[d].name;
    }
}

static bool has(const Candidate *c, size_t setting)
{
    for (size_t d = 0; d < c->dimensions; d++)
        if (c->dimension[d].setting == setting)
            return true;
    return false;
}

static void add_real(Buffer *b, double value)
{
    char text[NUMBER_TEXT];
    buffer_char(b, ',');
    if (isfinite(value))
        buffer_add(b, double_text(text, value));
}

static void add_trial(Buffer *b, const Candidate *c, const char *const *name, size_t number,
                      const Trial *t)
{
    buffer_format(b, ",%zu", number);
    for (size_t s = 0; s < SETTINGS; s++) {
        if (name[s] == NULL)
            continue;
        if (has(c, s))
            add_real(b, t->tuned.value[s]);
        else
            buffer_char(b, ',');
    }
    buffer_format(b, ",%u,%u", t->rungs, t->folds);
    add_real(b, t->log_loss);
    add_real(b, t->error);
    if (c->kind == MODEL_FOREST)
        buffer_format(b, ",%zu", t->tuned.trees);
    else
        buffer_char(b, ',');
    buffer_add(b, t->kept ? S(",true\n") : S(",false\n"));
}

Status store_trials(const Run *run, const char *folder, Arena scratch, Error *err)
{
    const Validation *v = run->validation;
    const char *name[SETTINGS];
    Sheet s;
    TRY(sheet_open(&s, &scratch, folder, "trials.csv", err));
    columns_of(name, v);
    buffer_add(&s.line, S("repeat,fold,candidate,trial"));
    for (size_t k = 0; k < SETTINGS; k++)
        if (name[k] != NULL)
            buffer_format(&s.line, ",%s", name[k]);
    buffer_add(&s.line, S(",rung,inner_folds,log_loss,log_loss_error,trees,kept\n"));
    for (size_t at = 0; at < validation_parts(v); at++)
        for (size_t k = 0; k < v->candidates; k++) {
            const Candidate *c = &v->candidate[k];
            const Searched *found = &v->searched[k * validation_parts(v) + at];
            for (size_t i = 0; i < found->trials; i++) {
                if (at + 1 == validation_parts(v))
                    buffer_add(&s.line, S("all,all,"));
                else
                    buffer_format(&s.line, "%zu,%zu,", at / v->folds + 1, at % v->folds + 1);
                csv_write_cell(&s.line, c->name, true);
                add_trial(&s.line, c, name, i, &found->trial[i]);
                sheet_flush(&s, false);
            }
        }
    return sheet_close(&s, err);
}

/* ---- metrics.json ---- */

static const char *const criteria[CRITERIA] = {"log_loss", "brier", "auc", "pr_auc"};

static void add_budget(Document *j, yyjson_mut_val *in, const SearchBudget *b)
{
    yyjson_mut_val *o = document_object(j, in, "search");
    document_count(j, o, "candidates", b->searched);
    document_count(j, o, "trials", b->trials);
    document_count(j, o, "rungs", b->rungs);
    document_count(j, o, "fits_of_a_search", b->fits_each);
    document_count(j, o, "training_parts", b->parts);
    document_count(j, o, "fits_planned", b->fits);
    document_count(j, o, "fits_made", b->made);
}

static void add_nested(Document *j, yyjson_mut_val *in, const Run *run)
{
    const Validation *v = run->validation;
    yyjson_mut_val *o = document_object(j, in, "nested");
    document_real(j, o, "log_loss", v->nested.log_loss);
    document_real(j, o, "log_loss_error", v->nested.log_loss_error);
    yyjson_mut_val *times = document_object(j, o, "chosen");
    for (size_t k = 0; k < v->candidates; k++)
        document_count(j, times, str_chars(j->arena, v->candidate[k].name), v->nested.times[k]);
    yyjson_mut_val *strata = document_list(j, o, "strata");
    for (size_t s = 0; s < run->training->strata; s++)
        document_metrics(j, strata, run->training->stratum[s], &v->nested.metric[s]);
}

void document_choice(Document *j, yyjson_mut_val *validation, const Run *run)
{
    const Validation *v = run->validation;
    document_text(j, validation, "criterion", str_from(criteria[v->criterion]));
    document_text(j, validation, "best", v->candidate[v->best].name);
    add_budget(j, validation, &v->budget);
    add_nested(j, validation, run);
}

static Str verdict_name(Verdict verdict)
{
    return verdict == VERDICT_BETTER  ? S("better")
           : verdict == VERDICT_WORSE ? S("worse")
                                      : S("cannot be told apart");
}

void document_candidate_choice(Document *j, yyjson_mut_val *in, const Validation *v,
                               const Candidate *c)
{
    document_real(j, in, "criterion", c->criterion);
    document_real(j, in, "behind_best", c->behind);
    document_real(j, in, "behind_best_error", c->behind_error);
    yyjson_mut_val *space = document_list(j, in, "search_space");
    for (size_t i = 0; i < c->dimensions; i++) {
        const Dimension *d = &c->dimension[i];
        yyjson_mut_val *o = document_object(j, space, NULL);
        document_text(j, o, "setting", str_from(d->name));
        document_real(j, o, "default", d->usual);
        document_real(j, o, "low", d->low);
        document_real(j, o, "high", d->high);
        document_text(j, o, "drawn",
                      d->whole         ? S("whole")
                      : d->logarithmic ? S("log")
                                       : S("uniform"));
    }
    if (c == &v->candidate[v->chosen])
        return;
    yyjson_mut_val *against = document_object(j, in, "against_chosen");
    for (size_t m = 0; m < CRITERIA; m++) {
        yyjson_mut_val *o = document_object(j, against, criteria[m]);
        document_interval(j, o, "difference", c->against_chosen[m].difference);
        document_text(j, o, "verdict", verdict_name(c->against_chosen[m].verdict));
    }
}
