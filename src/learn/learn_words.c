/* learn_words.c - what was learnt, in sentences. */
#include "learn/learn_internal.h"

#include <math.h>

/* ---- a candidate's settings ---- */

static Str blend_words(Arena *keep, const Candidate *c)
{
    Buffer b = buffer_new(keep);
    buffer_add(&b, S("mean of the calibrated log-odds of "));
    for (size_t i = 0; i < c->parts; i++)
        buffer_format(&b, "%s%.*s",
                      i == 0              ? ""
                      : i + 1 == c->parts ? " and "
                                          : ", ",
                      STR_ARG(c->part[i]->name));
    return buffer_str(&b);
}

/* What the searches of the outer parts settled on: how often on the default setting, and between
 * which numbers. */
static void range_words(Buffer *b, const Candidate *c, const Searched *searched, size_t parts)
{
    size_t usual = 0;
    double low = INFINITY, high = -INFINITY;
    bool one = c->dimensions == 1, trees = c->kind == MODEL_FOREST && c->forest.patience > 0;
    for (size_t i = 0; i + 1 < parts; i++) {
        const Searched *s = &searched[i];
        double x = one ? s->tuned.value[c->dimension[0].setting] : (double)s->tuned.trees;
        usual += s->trial[0].kept;
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    buffer_format(b, " (default setting kept in %zu of %zu parts", usual, parts - 1);
    if (one || trees)
        buffer_format(b, "; %s %.3g to %.3g", one ? c->dimension[0].name : "trees", low, high);
    buffer_char(b, ')');
}

Str says_of(Arena *keep, const Candidate *c, const Searched *searched, size_t parts)
{
    Buffer b = buffer_new(keep);
    const ForestOptions *f = &c->forest;
    if (c->kind == MODEL_BLEND)
        return blend_words(keep, c);
    if (c->constant)
        return S("everyone is as risky as the customers learnt from are on average");
    if (c->kind == MODEL_LINEAR)
        buffer_format(&b, "logistic regression, %s penalty %.3g", c->lasso ? "L1" : "L2",
                      c->lasso ? c->l1 : c->l2);
    else if (single_tree(f))
        buffer_format(&b,
                      "one tree of at most %zu leaves, L2 %.3g, hessian at least %.3g in a leaf",
                      f->leaves, f->l2, f->hessian_min);
    else if (f->apart)
        buffer_format(
            &b,
            "random forest: %zu trees of depth %zu at most, each on %.3g of rows, %.3g of "
            "columns for each split, L2 %.3g, hessian at least %.3g in a leaf",
            f->trees, f->depth, f->row_share, f->split_share, f->l2, f->hessian_min);
    else
        buffer_format(
            &b,
            "boosted trees%s: %zu trees of depth %zu, learning rate %.3g, L2 %.3g, hessian "
            "at least %.3g in a leaf, %.3g of rows and %.3g of columns for each tree",
            c->free_signs ? "" : " that keep the columns' signs", f->trees, f->depth,
            f->learning_rate, f->l2, f->hessian_min, f->row_share, f->column_share);
    range_words(&b, c, searched, parts);
    return buffer_str(&b);
}

/* ---- why this model ---- */

/* The candidate that came nearest to being chosen instead: of the simpler ones the last. */
Str reason_of(Arena *keep, const Validation *v)
{
    Buffer b = buffer_new(keep);
    const Candidate *chosen = &v->candidate[v->chosen], *best = &v->candidate[v->best];
    const char *measure = str_chars(keep, v->criterion_name);
    if (v->chosen == v->best) {
        buffer_format(&b, "Candidate %.*s is the best of %zu (%s %.4f)", STR_ARG(chosen->name),
                      v->candidates, measure, chosen->criterion);
        if (v->chosen > 0) {
            const Candidate *near = &v->candidate[0];
            for (size_t k = 1; k < v->chosen; k++)
                if (v->candidate[k].behind - v->candidate[k].behind_error <
                    near->behind - near->behind_error)
                    near = &v->candidate[k];
            buffer_format(&b,
                          ", and no simpler model comes within one standard error of it: the "
                          "nearest, %.*s (%.4f), is worse by %.4f (error %.4f, %zu customers).",
                          STR_ARG(near->name), near->criterion, near->behind, near->behind_error,
                          v->rows);
        } else {
            buffer_add(&b, S(" and the simplest."));
        }
    } else {
        buffer_format(&b,
                      "Candidate %.*s (%s %.4f) is kept, for it comes earlier in the order of "
                      "candidates, simplest first: the best of %zu, %.*s (%.4f), is not better "
                      "by more than one standard error (difference %.4f, error %.4f, %zu "
                      "customers).",
                      STR_ARG(chosen->name), measure, chosen->criterion, v->candidates,
                      STR_ARG(best->name), best->criterion, chosen->behind, chosen->behind_error,
                      v->rows);
    }
    size_t worse = 0, better = 0;
    for (size_t k = 0; k < v->candidates; k++) {
        Verdict verdict = chosen == &v->candidate[k]
                              ? VERDICT_SAME
                              : v->candidate[k].against_chosen[v->criterion].verdict;
        worse += verdict == VERDICT_WORSE;
        better += verdict == VERDICT_BETTER;
    }
    buffer_format(&b,
                  " Of the %zu others %zu %s worse beyond what chance explains (95 %% each, "
                  "uncorrected for their number), %zu %s better, and %zu cannot be told apart from "
                  "it.",
                  v->candidates - 1, worse, worse == 1 ? "is" : "are", better,
                  better == 1 ? "is" : "are", v->candidates - 1 - worse - better);
    return buffer_str(&b);
}

/* ---- what it costs ---- */

Str budget_words(Arena *keep, const SearchBudget *b, const LearnOptions *o)
{
    return str_format(keep,
                      "the search: %zu candidates to tune, %zu trials each in %zu rungs over %zu "
                      "inner folds, %zu inner fits a search; %zu training parts; %zu inner fits in "
                      "all",
                      b->searched, b->trials, b->rungs, o->inner_folds, b->fits_each, b->parts,
                      b->fits);
}
