/* What a population feature may compare, and who may use it. */
#include "feature/feature_internal.h"

static Status refuse(const Plan *p, Mark at, Error *err)
{
    return error_place(err, p->file, at.line, at.column);
}

/* A feature that is no further down; NULL for a column of the customer. */
static const Feature *earlier(const Plan *p, size_t index, Str name)
{
    for (size_t i = 0; i < index; i++)
        if (str_equal(p->feature[i].name.text, name))
            return &p->feature[i];
    return NULL;
}

/* What the model or the policy must not see, they must not see as a rank either. */
static Status check_compared(const Plan *p, size_t index, Str name, Error *err)
{
    static const char *const uses[] = {"model", "policy", "monitor"};
    const Feature *f = &p->feature[index], *compared = earlier(p, index, name);
    if (compared == NULL)
        return STATUS_OK;
    if (lang_population(compared->expr) != NULL) {
        (void)error_set(err, STATUS_FORMAT, "feature %.*s compares %.*s, which is a comparison",
                        STR_ARG(f->name.text), STR_ARG(name));
        (void)error_remedy(err, "compare what %.*s compares", STR_ARG(name));
        return refuse(p, f->formula.mark, err);
    }
    if (compared->use > f->use) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s is for use: %s and reads %.*s, which is kept to use: %s",
                        STR_ARG(f->name.text), uses[f->use], STR_ARG(name), uses[compared->use]);
        (void)error_remedy(err, "use %.*s no further than what it reads", STR_ARG(f->name.text));
        return refuse(p, f->formula.mark, err);
    }
    return STATUS_OK;
}

/* Whether a partner was suspended is undated, and a bundle that knows them is personal data. */
static Status check_partners(const Plan *p, const Feature *f, Error *err)
{
    if (f->use == USE_MONITOR)
        return STATUS_OK;
    if (f->reason.text.size == 0) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s counts partners that were found risky, nobody knows when; "
                        "it is for `use: monitor`",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "monitor it, or say in `reason:` why these labels were known "
                                "before the customer's own");
        return refuse(p, f->name.mark, err);
    }
    if (f->use == USE_MODEL && f->window.kind == WINDOW_TRAILING) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s gives the model a window that ends at as_of; it would see "
                        "the silence that follows a suspension",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "take `over: first 14d`, or `use: monitor`");
        return refuse(p, f->over.mark, err);
    }
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
    if (partners)
        return check_partners(p, f, err);
    if (f->over.text.size > 0) {
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s has a window, but what it compares has its own",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "leave `over` out");
        return refuse(p, f->over.mark, err);
    }
    TRY(check_compared(p, index, of->value, err));
    return of->group.size == 0 ? STATUS_OK : check_compared(p, index, of->group, err);
}
