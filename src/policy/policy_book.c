/* policy_book.c - the policy book: read, checked against a plan, compiled. */
#include "policy/policy_reading.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { RULES_MAX = 1000 }; /* of each list: a bound on what one customer may cost */

Str action_name(Action a)
{
    return str_from(policy_action_names[a]);
}

Str segment_name(Segment s)
{
    return str_from(policy_segment_names[s]);
}

/* ---- checks ---- */

Status reading_refuse(const Reading *r, Mark mark, const char *format, ...)
{
    char message[sizeof r->err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    Status status = error_set(r->err, STATUS_FORMAT, "%s", message);
    (void)error_place(r->err, r->file, mark.line, mark.column);
    return status;
}

static Str feature_name(const Plan *plan, size_t i)
{
    return plan->feature[i].name.text;
}

/* What is only monitored may not count against a customer. */
Status reading_refuse_monitored(const Reading *r, const Str *names, size_t count, Mark mark,
                                const char *where)
{
    for (size_t i = 0; i < count; i++) {
        const Feature *f = plan_find(r->p->plan, names[i]);
        if (f == NULL || f->use != USE_MONITOR)
            continue;
        Status status = reading_refuse(r, mark, "%s reads `%.*s`, which is only monitored", where,
                                       STR_ARG(names[i]));
        (void)error_remedy(r->err, "use a feature of `use: policy`, or give `%.*s` that use",
                           STR_ARG(names[i]));
        return status;
    }
    return STATUS_OK;
}

static Status read_condition(Expr **out, const Reading *r, const Scope *scope, BookText when)
{
    TRY(lang_read(out, r->keep, when.text, scope, r->file, when.mark.line, when.mark.column,
                  r->err));
    if (lang_type(*out) == TYPE_BOOLEAN)
        return STATUS_OK;
    Status status =
        reading_refuse(r, when.mark, "a condition must be true or false; this is a %.*s",
                       STR_ARG(type_name(lang_type(*out))));
    (void)error_remedy(r->err, "compare it with something: `... >= 0.8`");
    return status;
}

/* An absent sentence gives NULL. */
static Status read_sentence(Template **out, const Reading *r, const Scope *scope, BookText text)
{
    *out = NULL;
    if (text.text.size == 0)
        return STATUS_OK;
    TRY(template_read(out, r->keep, text.text, scope, r->file, text.mark.line, text.mark.column,
                      r->err));
    Policy *p = r->p;
    *ARENA_PUSH(r->keep, p->sentence, p->sentences, p->sentences_capacity) =
        (Sentence){text, *out, *scope};
    return STATUS_OK;
}

static Status check_costs(const Reading *r, const Costs *c)
{
    const struct {
        const char *name;
        double value;
    } cost[] = {{"wrong_exit", c->wrong_exit},
                {"missed_risk", c->missed_risk},
                {"review", c->review},
                {"monitor", c->monitor}};
    for (size_t i = 0; i < COUNT_OF(cost); i++)
        if (!(cost[i].value > 0) || cost[i].value > 1e9)
            return reading_refuse(r, c->mark, "the cost `%s` must be above 0 and at most 1e9",
                                  cost[i].name);
    Thresholds *t = &r->p->thresholds;
    t->medium = c->monitor / c->missed_risk;
    t->high = c->review / c->missed_risk;
    t->offboarding = c->wrong_exit / (c->wrong_exit + c->missed_risk);
    r->p->costs =
        (CostMatrix){.good = {0, c->monitor / c->missed_risk, c->review / c->missed_risk,
                              c->wrong_exit / c->missed_risk},
                     .risky = {1, c->monitor / c->missed_risk, c->review / c->missed_risk, 0}};
    if (t->medium <= t->high && t->high <= t->offboarding)
        return STATUS_OK;
    Status status = reading_refuse(r, c->mark,
                                   "the costs give thresholds out of order: "
                                   "medium %.4g, high %.4g, offboarding %.4g",
                                   t->medium, t->high, t->offboarding);
    (void)error_remedy(r->err, "monitoring must cost no more than a review, and a review less than "
                               "an exit: monitor <= review, and "
                               "review / missed_risk <= wrong_exit / (wrong_exit + missed_risk)");
    return status;
}

static Status check_capacity(const Reading *r, const CapacityText *c)
{
    if (c->mark.line == 0)
        return STATUS_OK;
    r->p->capacity = (Capacity){(size_t)c->reviews, c->per.text};
    if (c->reviews >= 1 && c->reviews <= 1000000000)
        return STATUS_OK;
    Status status =
        reading_refuse(r, c->mark, "`reviews` must be at least 1 and at most 1e9; this is %lld",
                       (long long)c->reviews);
    (void)error_remedy(r->err, "leave `capacity` out when nothing is known of it");
    return status;
}

/* What cannot be had (a precision or a confidence of 1) may be asked for: the run says so. What is
 * no share is a slip. */
static Status check_certify(const Reading *r, const CertifyText *c)
{
    r->p->certify = (Certify){r->p->thresholds.offboarding, 0.95};
    if (c->mark.line == 0)
        return STATUS_OK;
    r->p->certify = (Certify){c->precision, c->confidence};
    Status status = STATUS_OK;
    if (!(c->precision > 0 && c->precision <= 1))
        status = reading_refuse(r, c->mark,
                                "the `precision` to certify must be above 0 and at most 1; "
                                "this is %.4g",
                                c->precision);
    else if (!(c->confidence >= 0.5 && c->confidence <= 1))
        status = reading_refuse(r, c->mark,
                                "the `confidence` of a guarantee must be from 0.5 to 1; "
                                "this is %.4g",
                                c->confidence);
    if (status != STATUS_OK)
        (void)error_remedy(r->err, "write shares, not percent: "
                                   "`certify: {precision: 0.80, confidence: 0.95}`");
    return status;
}

static Status find_evidence(size_t *out, const Reading *r, BookText evidence)
{
    const Plan *plan = r->p->plan;
    Str *names = ARENA_ARRAY(r->keep, Str, plan->features);
    for (size_t i = 0; i < plan->features; i++) {
        names[i] = feature_name(plan, i);
        if (str_equal(names[i], evidence.text)) {
            *out = i;
            return reading_refuse_monitored(r, &names[i], 1, evidence.mark, "the evidence");
        }
    }
    Status status =
        reading_refuse(r, evidence.mark, "unknown feature `%.*s`", STR_ARG(evidence.text));
    Str near = str_nearest(evidence.text, names, plan->features);
    if (near.size > 0)
        (void)error_remedy(r->err, "did you mean `%.*s`?", STR_ARG(near));
    else
        (void)error_remedy(r->err, "name a feature of %s", plan->file);
    return status;
}

Status reading_check_id(const Reading *r, BookText id, const Str *before, size_t count,
                        const char *list)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(before[i], id.text))
            return reading_refuse(r, id.mark, "two %s are called `%.*s`", list, STR_ARG(id.text));
    return STATUS_OK;
}

Status reading_check_count(const Reading *r, size_t count, const char *list)
{
    if (count <= RULES_MAX)
        return STATUS_OK;
    Status status =
        error_set(r->err, STATUS_LIMIT, "%zu %s; at most %d are allowed", count, list, RULES_MAX);
    (void)error_place(r->err, r->file, 1, 1);
    return status;
}

/* ---- compiling ---- */

/* Rules are about behaviour; who reads a fact of the case in one is told where it belongs. */
static Status read_rule_condition(Expr **out, const Reading *r, BookText when)
{
    Error own = {0}, other = {0};
    Reading quiet = *r;
    quiet.err = &own;
    Status status = read_condition(out, &quiet, &r->features, when);
    if (status == STATUS_OK)
        return STATUS_OK;
    quiet.err = &other;
    size_t names = 0;
    const Str *name = NULL;
    if (read_condition(out, &quiet, &r->all, when) == STATUS_OK)
        name = lang_names(*out, &names);
    for (size_t i = 0; i < names; i++) {
        if (policy_fact(r->p, name[i]) == NULL)
            continue;
        status = reading_refuse(r, when.mark, "a rule reads `%.*s`, which is a fact of the case",
                                STR_ARG(name[i]));
        (void)error_remedy(r->err, "rules read features alone; read it in an action, a safeguard, "
                                   "a measure, a floor or a mitigating fact");
        return status;
    }
    if (r->err != NULL)
        *r->err = own;
    return status;
}

static Status read_rule(Rule *out, const Reading *r, const RuleText *text)
{
    *out = (Rule){.id = text->id.text,
                  .family = text->family.text,
                  .condition = text->when.text,
                  .sentence = text->because.text,
                  .severe = text->severity == 1};
    TRY(read_rule_condition(&out->when, r, text->when));
    size_t names;
    const Str *name = lang_names(out->when, &names);
    TRY(reading_refuse_monitored(r, name, names, text->when.mark, "a rule"));
    TRY(read_sentence(&out->because, r, &r->features, text->because));
    (void)template_names(out->because, &names);
    if (names == 0) {
        Status status =
            reading_refuse(r, text->because.mark,
                           "the rule's sentence carries none of the customer's own numbers");
        (void)error_remedy(r->err, "put a feature into it, like {%.*s}",
                           STR_ARG(text->evidence.text));
        return status;
    }
    TRY(read_sentence(&out->also, r, &r->features, text->also));
    TRY(read_sentence(&out->missing_proof, r, &r->features, text->missing_proof));
    TRY(read_sentence(&out->next_step, r, &r->features, text->next_step));
    return find_evidence(&out->evidence, r, text->evidence);
}

static Status read_rules(const Reading *r, const BookRecords *list)
{
    const RuleText *text = list->item;
    Policy *p = r->p;
    TRY(reading_check_count(r, list->count, "rules"));
    p->rule = ARENA_ARRAY(r->keep, Rule, list->count);
    Str *ids = ARENA_ARRAY(r->keep, Str, list->count);
    for (size_t i = 0; i < list->count; i++) {
        TRY(reading_check_id(r, text[i].id, ids, i, "rules"));
        ids[i] = text[i].id.text;
        Rule *rule = &p->rule[i];
        TRY(read_rule(rule, r, &text[i]));
        rule->family_index = p->families;
        for (size_t k = 0; k < i; k++)
            if (str_equal(p->rule[k].family, rule->family))
                rule->family_index = p->rule[k].family_index;
        p->families += rule->family_index == p->families;
    }
    p->rules = list->count;
    return STATUS_OK;
}

static Status read_clause(Clause *out, const Reading *r, const Scope *scope, const ClauseText *text)
{
    *out = (Clause){.id = text->id.text,
                    .condition = text->when.text,
                    .sentence = text->because.text,
                    .queue = text->queue.text,
                    .action = (Action)text->action,
                    .allows = (Action)text->allows,
                    .at_least = (Segment)text->at_least,
                    .uncapped = text->uncapped};
    TRY(read_condition(&out->when, r, scope, text->when));
    TRY(read_sentence(&out->because, r, scope, text->because));
    return read_sentence(&out->otherwise, r, scope, text->otherwise);
}

Status reading_clauses(Clause **out, size_t *count, const Reading *r, const BookRecords *list,
                       const char *name, bool has_ids)
{
    const ClauseText *text = list->item;
    TRY(reading_check_count(r, list->count, name));
    *out = ARENA_ARRAY(r->keep, Clause, list->count);
    Str *ids = ARENA_ARRAY(r->keep, Str, list->count);
    for (size_t i = 0; i < list->count; i++) {
        if (has_ids)
            TRY(reading_check_id(r, text[i].id, ids, i, name));
        ids[i] = text[i].id.text;
        TRY(read_clause(&(*out)[i], r, &r->all, &text[i]));
    }
    *count = list->count;
    return STATUS_OK;
}

/* What a safeguard allows must be graver than its cap, or it would say nothing. */
static Status read_safeguards(const Reading *r, const BookRecords *list)
{
    const ClauseText *text = list->item;
    Policy *p = r->p;
    TRY(reading_clauses(&p->safeguard, &p->safeguards, r, list, "safeguards", true));
    for (size_t i = 0; i < list->count; i++) {
        int allows = text[i].allows;
        if (allows == ACTIONS || (allows > text[i].action && allows != ACTION_PROPOSE_OFFBOARDING))
            continue;
        Status status =
            reading_refuse(r, text[i].mark, "a safeguard that caps at %s cannot allow %s",
                           policy_action_names[text[i].action], policy_action_names[allows]);
        (void)error_remedy(r->err, "allow an action that is graver than the cap and milder than "
                                   "PROPOSE_OFFBOARDING: RESTRICT");
        return status;
    }
    return STATUS_OK;
}

static Status read_minutes(const Reading *r, const MinutesText *text)
{
    for (size_t a = 0; a < ACTIONS; a++) {
        double minutes = text->action[a];
        r->p->minutes[a] = text->mark.line == 0 ? NAN : minutes;
        if (text->mark.line != 0 && !(minutes >= 0 && minutes <= 1e6))
            return reading_refuse(r, text->mark, "the minutes of %s must be from 0 to 1e6",
                                  policy_action_names[a]);
    }
    return STATUS_OK;
}

static Status read_exposure(const Reading *r, BookText text)
{
    TRY(lang_read(&r->p->exposure, r->keep, text.text, &r->features, r->file, text.mark.line,
                  text.mark.column, r->err));
    Type type = lang_type(r->p->exposure);
    if (type != TYPE_DECIMAL && type != TYPE_INT64 && type != TYPE_DOUBLE)
        return reading_refuse(r, text.mark, "`exposure` must be an amount; this is a %.*s",
                              STR_ARG(type_name(type)));
    size_t names;
    const Str *name = lang_names(r->p->exposure, &names);
    return reading_refuse_monitored(r, name, names, text.mark, "`exposure`");
}

/* The amount keeps its type, so that comparing and printing it stays exact. */
static void type_exposure(Policy *p)
{
    Name *name = &p->name[p->plan->features + OWN_EXPOSURE];
    name->type = lang_type(p->exposure);
    name->scale = lang_scale(p->exposure);
}

static Str *feature_windows(Arena *keep, const Plan *plan)
{
    Str *out = ARENA_ARRAY(keep, Str, plan->features);
    for (size_t i = 0; i < plan->features; i++) {
        size_t aggregates;
        const Feature *f = feature_source(plan, &plan->feature[i]);
        const Aggregate *first = lang_aggregates(f->expr, &aggregates);
        if (aggregates == 0)
            out[i] = S("profile");
        else
            out[i] = window_text(keep, first->has_window ? first->window : f->window);
    }
    return out;
}

static void note_names(uint8_t *named, const Plan *plan, const Str *name, size_t names)
{
    for (size_t i = 0; i < names; i++) {
        const Feature *f = plan_find(plan, name[i]);
        if (f != NULL)
            named[f - plan->feature] = 1;
    }
}

/* What expressions and sentences look at: of some hundred features a customer is decided by few. */
static void find_read(Policy *p, Arena *keep)
{
    const Plan *plan = p->plan;
    uint8_t *named = ARENA_ARRAY(keep, uint8_t, plan->features + 1);
    Condition *condition;
    size_t conditions = policy_conditions(p, keep, &condition), names;
    const Str *name = lang_names(p->exposure, &names);
    note_names(named, plan, name, names);
    for (size_t i = 0; i < conditions; i++) {
        name = lang_names(condition[i].when, &names);
        note_names(named, plan, name, names);
    }
    for (size_t i = 0; i < p->comparables; i++) {
        name = lang_names(p->comparable[i].when, &names);
        note_names(named, plan, name, names);
    }
    for (size_t i = 0; i < p->sentences; i++) {
        name = template_names(p->sentence[i].template, &names);
        note_names(named, plan, name, names);
    }
    p->read = ARENA_ARRAY(keep, uint32_t, plan->features + 1);
    for (size_t i = 0; i < plan->features; i++)
        if (named[i])
            p->read[p->reads++] = (uint32_t)i;
}

static Status read_book(Policy *p, Arena *keep, const char *file, const Plan *plan, Error *err)
{
    Node *node;
    PolicyText text = {0};
    Reading r = {.p = p, .keep = keep, .file = file, .err = err};

    TRY(book_parse(&node, keep, p->text, file, err));
    TRY(book_read(&text, keep, node, policy_fields, file, err));
    if (text.version != 1) {
        Status status = reading_refuse(&r, node->mark, "version %lld of a policy book is not known",
                                       (long long)text.version);
        (void)error_remedy(err, "write `version: 1`");
        return status;
    }
    p->identity.name = text.name.text;
    p->identity.revision = text.revision.text;
    TRY(check_costs(&r, &text.costs));
    TRY(check_capacity(&r, &text.capacity));
    TRY(check_certify(&r, &text.certify));
    TRY(read_minutes(&r, &text.minutes));
    TRY(reading_facts(&r, &text.facts));
    TRY(reading_scopes(&r, &text.facts));
    TRY(read_exposure(&r, text.exposure));
    type_exposure(p);
    if (text.insufficient_data.when.text.size > 0) {
        ClauseText overlay = {.when = text.insufficient_data.when,
                              .because = text.insufficient_data.because};
        p->insufficient = ARENA_NEW(keep, Clause);
        TRY(read_clause(p->insufficient, &r, &r.features, &overlay));
    }
    TRY(read_rules(&r, &text.rules));
    TRY(reading_clauses(&p->mitigating, &p->mitigatings, &r, &text.mitigating, "mitigating facts",
                        true));
    TRY(read_safeguards(&r, &text.safeguards));
    TRY(reading_actions(&r, &text.actions));
    TRY(reading_measures(&r, &text.measures));
    TRY(reading_segments(&r, &text.segments));
    reading_parts(&r);
    TRY(read_sentence(&p->otherwise, &r, &r.all, text.otherwise));
    TRY(comparable_read(p, keep, &text.comparable, &r.features, file, err));
    p->window = feature_windows(keep, plan);
    find_read(p, keep);
    slice_prepare(p, keep);
    return STATUS_OK;
}

Status policy_read(Policy **out, Arena *keep, Str yaml, const char *file, const Plan *plan,
                   Error *err)
{
    Policy *p = *out = ARENA_NEW(keep, Policy);
    char hash[SHA256_TEXT];
    p->text = str_copy(keep, yaml);
    sha256_text(hash, p->text);
    p->identity.sha256 = str_copy(keep, str_from(hash));
    p->plan = plan;
    Status status = read_book(p, keep, file, plan, err);
    if (status != STATUS_OK) {
        error_excerpt_file(err, file, p->text);
        error_excerpt_file(err, plan->file, plan->text);
    }
    return status;
}

Str policy_json_schema(Arena *keep)
{
    return book_json_schema(keep, policy_fields, "assay policy book: what follows");
}
