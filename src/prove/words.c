/* words.c - findings, and the customers of a region, in words. */
#include "prove/prove_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Str proof_severity_name(ProofSeverity s)
{
    static const char *const names[] = {"error", "warning", "note"};
    return str_from(names[s]);
}

void prove_add(Proving *p, ProofSeverity severity, const char *code, const Condition *c,
               Str sentence, Str remedy)
{
    Proofs *out = p->out;
    Proof *made = ARENA_PUSH(p->keep, out->item, out->count, p->proof_capacity);
    *made = (Proof){.severity = severity,
                    .code = str_from(code),
                    .sentence = sentence,
                    .remedy = remedy,
                    .line = c == NULL ? 1 : c->line,
                    .column = c == NULL ? 1 : c->column};
    if (c != NULL)
        made->about = condition_name(p->keep, c);
    out->errors += severity == PROOF_ERROR;
    out->warnings += severity == PROOF_WARNING;
    out->notes += severity == PROOF_NOTE;
}

Str condition_name(Arena *keep, const Condition *c)
{
    switch (c->of) {
    case CONDITION_INSUFFICIENT:
        return S("insufficient_data");
    case CONDITION_RULE:
        return str_format(keep, "rule %.*s", STR_ARG(c->id));
    case CONDITION_MITIGATING:
        return str_format(keep, "mitigating fact %.*s", STR_ARG(c->id));
    case CONDITION_SAFEGUARD:
        return str_format(keep, "safeguard %.*s", STR_ARG(c->id));
    case CONDITION_MEASURE:
        return str_format(keep, "measure %.*s", STR_ARG(c->id));
    case CONDITION_FLOOR:
        return str_format(keep, "floor at %.*s", STR_ARG(c->id));
    default:
        return str_format(keep, "action %.*s", STR_ARG(c->id));
    }
}

/* ---- regions ---- */

Str number_words(Arena *keep, const Variable *v, double x)
{
    char text[NUMBER_TEXT];
    if (v->type == TYPE_DURATION && fabs(x) < 9e15) {
        Column c;
        column_init(&c, keep, v->name, TYPE_DURATION, 0, 1, NULL);
        c.integer[0] = (int64_t)x;
        column_set_valid(&c, 0);
        return cell_text(keep, &c, 0);
    }
    if ((v->type == TYPE_TIME || v->type == TYPE_DATE) && fabs(x) < 9e15) {
        char time[TIME_TEXT];
        return str_copy(keep, time_text(time, (int64_t)x));
    }
    return str_copy(keep, double_text(text, x));
}

static Str line_words(Proving *p, const Variable *v, size_t from, size_t to)
{
    const Piece *a = &v->piece[from], *b = &v->piece[to];
    Str name = v->name;
    if (from == to && a->point)
        return str_format(p->keep, "%.*s exactly %.*s", STR_ARG(name),
                          STR_ARG(number_words(p->keep, v, a->low)));
    bool below = from > 0 && isfinite(a->low);
    bool above = to + 1 < v->numbers && isfinite(b->high);
    Buffer out = buffer_new(p->keep);
    buffer_add(&out, name);
    if (below)
        buffer_format(&out, " %s %.*s", a->point ? "at least" : "above",
                      STR_ARG(number_words(p->keep, v, a->low)));
    if (below && above)
        buffer_add(&out, S(" and"));
    if (above)
        buffer_format(&out, " %s %.*s", b->point ? "at most" : "below",
                      STR_ARG(number_words(p->keep, v, b->high)));
    if (!below && !above)
        buffer_add(&out, S(" not missing"));
    return buffer_str(&out);
}

static Str variable_words(Proving *p, const Variable *v, const uint8_t *pieces)
{
    size_t from = v->pieces, to = 0;
    bool missing = v->pieces > v->numbers && pieces[v->numbers];
    for (size_t i = 0; i < v->numbers; i++)
        if (pieces[i]) {
            from = i < from ? i : from;
            to = i;
        }
    if (v->kind == VARIABLE_COUNT)
        return from == to ? str_format(p->keep, "%.*s = %zu", STR_ARG(v->name), from)
                          : str_format(p->keep, "%.*s from %zu to %zu", STR_ARG(v->name), from, to);
    if (v->kind == VARIABLE_OPAQUE) {
        const char *say = pieces[IS_TRUE] ? "" : pieces[IS_FALSE] ? "not " : "unknown: ";
        return str_format(p->keep, "%s`%.*s`", say, STR_ARG(v->name));
    }
    if (from == v->pieces)
        return str_format(p->keep, "%.*s missing", STR_ARG(v->name));
    Buffer out = buffer_new(p->keep);
    if (v->kind == VARIABLE_NUMBER) {
        while (to > from && !pieces[from + 1]) /* one stretch is enough to show */
            to = from;
        for (size_t i = from; i <= to; i++)
            if (!pieces[i]) {
                to = i - 1;
                break;
            }
        buffer_add(&out, line_words(p, v, from, to));
    } else if (v->kind == VARIABLE_TRUTH) {
        buffer_format(&out, "%.*s %s", STR_ARG(v->name),
                      from == to && from == 1 ? "true" : "false");
    } else if (from < v->values) {
        buffer_format(&out, "%.*s = '%.*s'", STR_ARG(v->name), STR_ARG(v->value[from]));
    } else {
        buffer_format(&out, "%.*s none of the values named", STR_ARG(v->name));
    }
    if (missing)
        buffer_add(&out, S(" or missing"));
    return buffer_str(&out);
}

Str region_text(Proving *p, Diagram a, uint32_t least, bool *certain)
{
    enum { UNSURE = 1000000 };
    Arena own = arena_new();
    uint32_t *price = ARENA_ARRAY(&own, uint32_t, p->variables + 1);
    uint8_t **pieces = ARENA_ARRAY(&own, uint8_t *, p->variables + 1);
    uint64_t cost;
    Buffer out = buffer_new(p->keep);
    for (size_t i = 0; i < p->variables; i++)
        price[i] = p->variable[i].kind >= VARIABLE_COUNT ? UNSURE : 1;
    bool found = diagram_way(&p->d, a, least, price, pieces, &cost, &own);
    *certain = found && cost < UNSURE;
    for (size_t i = 0; found && i < p->variables; i++) {
        if (pieces[i] == NULL)
            continue;
        if (out.size > 0)
            buffer_add(&out, S(", "));
        buffer_add(&out, variable_words(p, &p->variable[i], pieces[i]));
    }
    arena_free(&own);
    if (found && out.size == 0)
        return S("every customer");
    return buffer_str(&out);
}
