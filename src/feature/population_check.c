/* What a population feature may compare, and who may use it. */
#include "feature/feature_internal.h"

/* Whether a partner was suspended is undated, and a bundle that knows them is personal data. */
static Status check_partners(const Feature *f, int use, bool any_window, Error *err)
{
    if (use == USE_MONITOR)
        return STATUS_OK;
    if (f->reason.text.size == 0) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s counts partners that were found risky, nobody knows when; "
                        "it is for `use: monitor`",
                        STR_ARG(f->name.text));
        return error_remedy(err, "monitor it, or say in `reason:` why these labels were known "
                                 "before the customer's own");
    }
    if (use == USE_MODEL && f->window.kind != WINDOW_FIRST && !any_window) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s gives the model a window that ends at as_of; it would see "
                        "the silence that follows a suspension",
                        STR_ARG(f->name.text));
        return error_remedy(err, "take `over: first 14d`, or `use: monitor`");
    }
    return STATUS_OK;
}

/* A population feature itself is fitted inside folds again; what is made of it is not. */
Status population_reading(const Plan *p, const Feature *f, int use, Error *err)
{
    const Population *of = lang_population(f->expr);
    if (of != NULL && of->kind == POPULATION_PARTNERS)
        return check_partners(f, use,
                              p->schema->timeless ||
                                  (f->window.kind == WINDOW_ALL && p->observed_equally.size > 0),
                              err);
    for (size_t i = 0; i < f->earlier_count && use == USE_MODEL; i++) {
        Str name = p->feature[f->earlier[i]].name.text;
        if (lang_population(p->feature[f->earlier[i]].expr) == NULL)
            continue;
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s makes something of %.*s, which is fitted anew for every "
                        "part that a model learns from",
                        STR_ARG(f->name.text), STR_ARG(name));
        return error_remedy(err, "give the model %.*s itself", STR_ARG(name));
    }
    return STATUS_OK;
}

static Status refuse(const Plan *p, Mark at, Error *err)
{
    return error_place(err, p->file, at.line, at.column);
}

static Status check_peers(const Plan *p, const Feature *f, Error *err)
{
    if (f->over.text.size > 0) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s has a window, but what it compares has its own",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "leave `over` out");
        return refuse(p, f->over.mark, err);
    }
    for (size_t i = 0; i < f->earlier_count; i++) {
        const Feature *other = &p->feature[f->earlier[i]];
        if (!other->compares)
            continue;
        (void)error_set(err, STATUS_FORMAT, "feature %.*s compares %.*s, which is a comparison",
                        STR_ARG(f->name.text), STR_ARG(other->name.text));
        (void)error_remedy(err, "compare what %.*s compares", STR_ARG(other->name.text));
        return refuse(p, f->formula.mark, err);
    }
    return STATUS_OK;
}

Status population_check(const Plan *p, size_t index, Error *err)
{
    const Feature *f = &p->feature[index];
    const Population *of = lang_population(f->expr);
    bool partners = of != NULL && of->kind == POPULATION_PARTNERS;
    if (!partners && f->reason.text.size > 0) {
        (void)error_set(err, STATUS_FORMAT, "feature %.*s gives a reason where none is asked",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "only risky_partners asks for one; leave it out");
        return refuse(p, f->reason.mark, err);
    }
    if (of == NULL)
        return STATUS_OK;
    if (!partners)
        return check_peers(p, f, err);
    if (f->use == USE_MODEL && f->risk != RISK_UP) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s needs `risk: up`: a risky customer has one risky partner "
                        "less than its neighbours, itself, and a model would learn that",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "write `risk: up`, or `use: monitor`");
        return refuse(p, f->name.mark, err);
    }
    return STATUS_OK;
}
