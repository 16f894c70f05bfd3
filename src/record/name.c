/* name.c - the name of a decision: what it was made of, as 32 digits. */
#include "record/record.h"

#include <endian.h>
#include <string.h>

Recording recording_of(const Bundle *bundle, const Scored *scored, int64_t as_of_us)
{
    Recording r = {.bundle = bundle, .scored = scored, .as_of_us = as_of_us};
    sha256_text(r.policy_sha256, policy_text(bundle->policy));
    return r;
}

/* ---- the name ---- */

/* A text's size comes before it, so that no two lists of texts are one. */
static void name(Buffer *b, const char *what, Str text)
{
    char size[NUMBER_TEXT];
    buffer_add(b, str_from(what));
    buffer_char(b, ' ');
    buffer_add(b, decimal_text(size, (int64_t)text.size, 0));
    buffer_char(b, ':');
    buffer_add(b, text);
    buffer_char(b, '\n');
}

static void name_time(Buffer *b, const char *what, int64_t time_us)
{
    char number[NUMBER_TEXT];
    buffer_add(b, str_from(what));
    buffer_char(b, ' ');
    buffer_add(b, decimal_text(number, time_us, 0));
    buffer_char(b, '\n');
}

static bool is_text(const Column *c)
{
    return c->type == TYPE_CATEGORY || c->type == TYPE_TEXT;
}

/* Eight bytes, the least first, on any machine. */
static char *put_number(char *to, uint64_t number)
{
    number = htole64(number);
    memcpy(to, &number, sizeof number);
    return to + sizeof number;
}

static char *put_value(char *to, const Column *c, size_t row)
{
    uint64_t bits;
    Str text;
    bool valid = column_valid(c, row);
    *to++ = valid ? 1 : 0;
    if (!valid)
        return to;
    switch (c->type) {
    case TYPE_BOOLEAN:
        *to++ = c->boolean[row] != 0 ? 1 : 0;
        return to;
    case TYPE_CATEGORY:
    case TYPE_TEXT:
        text = c->dictionary->text[c->code[row]];
        to = put_number(to, text.size);
        memcpy(to, text.data, text.size);
        return to + text.size;
    case TYPE_DOUBLE:
        memcpy(&bits, &c->real[row], sizeof bits);
        return put_number(to, bits);
    default:
        return put_number(to, (uint64_t)c->integer[row]);
    }
}

void features_sha256(char out[SHA256_TEXT], Arena scratch, const Scored *s, size_t at)
{
    enum { VALUE_BYTES = 1 + sizeof(uint64_t) }; /* at most, and a text's own */
    size_t size = s->features->columns * VALUE_BYTES + 1, row = s->row[at];
    char *bytes = ARENA_RAW(&scratch, char, size), *end = bytes;
    for (size_t k = 0; k < s->features->columns; k++) {
        const Column *c = &s->features->column[k];
        if (is_text(c) && column_valid(c, row)) { /* the last piece of scratch: it stays in place */
            size_t used = (size_t)(end - bytes), text = c->dictionary->text[c->code[row]].size;
            bytes = arena_grow_raw(&scratch, bytes, size, size + text, 1);
            size += text;
            end = bytes + used;
        }
        end = put_value(end, c, row);
    }
    sha256_text(out, (Str){bytes, (size_t)(end - bytes)});
}

void decision_id(char out[DECISION_ID_TEXT], const DecisionName *n)
{
    char sum[SHA256_TEXT], margin[NUMBER_TEXT];
    Arena own = arena_new();
    Buffer b = buffer_new(&own);
    buffer_add(&b, S("assay decision "));
    buffer_add(&b, decimal_text(margin, DECISION_FORMAT, 0));
    buffer_char(&b, '\n');
    name(&b, "bundle", n->bundle);
    name(&b, "policy", n->policy_sha256);
    name_time(&b, "as_of", n->as_of_us);
    name(&b, "customer", n->customer);
    name(&b, "features", n->features_sha256);
    for (size_t i = 0; i < n->facts; i++) {
        name(&b, "fact", n->fact[i].name);
        name(&b, "evidence", n->fact[i].evidence);
        name_time(&b, "since", n->fact[i].since_us);
    }
    if (n->earlier != NULL && n->earlier->known) {
        name(&b, "earlier", segment_name(n->earlier->segment));
        name_time(&b, "since", n->earlier->since_us);
        name_time(&b, "lower_since", n->earlier->lower_since_us);
    }
    if (n->contradictory)
        buffer_add(&b, S("contradictory\n"));
    name(&b, "margin", double_text(margin, n->margin));
    sha256_text(sum, buffer_str(&b));
    memcpy(out, sum, DECISION_ID_TEXT - 1);
    out[DECISION_ID_TEXT - 1] = '\0';
    arena_free(&own);
}

DecisionName decision_name(const Recording *r, const Decision *d, size_t at, Str features)
{
    const ScoreOptions *given = &r->scored->options;
    uint32_t row = r->scored->row[at];
    return (DecisionName){.bundle = str_from(r->bundle->id),
                          .policy_sha256 = str_from(r->policy_sha256),
                          .customer = d->id,
                          .features_sha256 = features,
                          .as_of_us = r->as_of_us,
                          .fact = given->facts == NULL ? NULL : given->facts->of[row],
                          .facts = given->facts == NULL ? 0 : given->facts->count[row],
                          .earlier = given->earlier == NULL ? NULL : &given->earlier[row],
                          .contradictory = r->scored->contradictory[at] != 0,
                          .margin = d->margin};
}

Str recorded_id(Arena *keep, Arena scratch, const Recording *r, const Decision *d, size_t at)
{
    char features[SHA256_TEXT];
    char *id = ARENA_ARRAY(keep, char, DECISION_ID_TEXT);
    features_sha256(features, scratch, r->scored, at);
    const DecisionName name = decision_name(r, d, at, str_from(features));
    decision_id(id, &name);
    return str_from(id);
}
