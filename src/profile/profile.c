/* profile.c - files looked at, step by step; each step reads what the ones before it found. */
#include "profile/profile_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void profile_note(Profile *p, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    size_t size = (size_t)vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *text = ARENA_ARRAY(p->arena, char, size + 1);
    (void)vsnprintf(text, size + 1, format, again);
    va_end(again);
    Str *note = ARENA_PUSH(p->arena, p->note, p->notes, p->note_capacity);
    *note = (Str){text, size};
}

/* "data/labelled_users.csv" names the book "labelled_users". */
static Str name_of(Arena *keep, const char *path)
{
    Str base = path_base(path);
    size_t end = 0;
    while (end < base.size && base.data[end] != '.')
        end++;
    return str_copy(keep, end == 0 ? S("bank") : str_slice(base, 0, end));
}

/* What is written in a way that the schema book cannot take whole. */
static void note_cells(Profile *p, const Sheet *s)
{
    for (size_t k = 0; k < s->columns; k++) {
        const Portrait *c = &s->column[k];
        if (c->misfits > 0)
            profile_note(p, "%zu cells of %.*s are not of its kind; their rows will be set aside.",
                         c->misfits, STR_ARG(c->name));
        if (c->unsure.size > 0)
            profile_note(p, "%.*s: %.*s; only an empty cell is missing.", STR_ARG(c->name),
                         STR_ARG(c->unsure));
        if (c->form_unsure && c->kind == KIND_TIME)
            profile_note(p,
                         "%.*s: every date can be read day first and month first; day first is "
                         "taken.",
                         STR_ARG(c->name));
        else if (c->form_unsure)
            profile_note(p,
                         "%.*s: every mark has three digits after it, so it may part thousands "
                         "or decimals; %s is taken.",
                         STR_ARG(c->name),
                         c->number_form.thousands.size > 0 ? "thousands" : "decimals");
    }
}

/* What the model will see of the customers themselves, for a person to read: a ground behind a
 * name that no word of ours explains is found by nobody else. */
static void note_model(Profile *p, Arena scratch)
{
    Buffer seen = buffer_new(&scratch), set_aside = buffer_new(&scratch);
    size_t count = 0, unexplained = 0;
    for (size_t k = 0; k < p->customers.columns; k++) {
        const Portrait *c = &p->customers.column[k];
        if (c == p->key || c == p->label.column || c->kind == KIND_EMPTY || c->ground != NULL ||
            (!c->in_history && profile_against(&scratch, p, c).size > 0))
            continue;
        bool strange = !c->in_history && profile_unexplained(c, scratch);
        size_t *number = strange ? &unexplained : &count;
        buffer_format(strange ? &set_aside : &seen, "%s%.*s", (*number)++ > 0 ? ", " : "",
                      STR_ARG(c->name));
    }
    if (count > 0)
        profile_note(p,
                     "The model sees these columns of the customers: %.*s. Does any of them stand "
                     "for a protected ground (gender, age, origin, residence, religion, family, "
                     "...), under whatever name or code? Then write `protected:` in the schema "
                     "book and take it out of the features book.",
                     STR_ARG(buffer_str(&seen)));
    if (unexplained > 0)
        profile_note(p,
                     "No word known here explains the name or the values of %.*s, which may stand "
                     "for a protected ground; `use: monitor` keeps them from the model. Write "
                     "`use: model` for one that says nothing of a person, `protected:` for one "
                     "that does.",
                     STR_ARG(buffer_str(&set_aside)));
}

Status profile_read(Profile **out, Arena *keep, Arena scratch, const ProfileInputs *in, Error *err)
{
    Profile *p = *out = ARENA_NEW(keep, Profile);
    p->arena = keep;
    p->name = name_of(keep, in->customers.path[0]);
    TRY(sheet_read(&p->customers, keep, scratch, "customers", in->customers, in->score_customers,
                   NULL, 0, err));
    TRY(files_choose(p, in, scratch, err));
    TRY(sheet_read(&p->transactions, keep, scratch, "transactions", p->files[0], p->files[1],
                   p->source_file, p->sources, err));
    TRY(roles_join(p, scratch, err));
    TRY(label_find(p, in->label, scratch, err));
    TRY(roles_transactions(p, scratch, err));
    const Portrait *amount = p->debit != NULL ? p->debit : p->amount;
    p->scale = amount->number_form.digits;
    if (p->credit != NULL && p->credit->number_form.digits > p->scale)
        p->scale = p->credit->number_form.digits;
    note_cells(p, &p->customers);
    note_cells(p, &p->transactions);
    grounds_find(p, scratch);
    leaks_find(p, scratch);
    history_find(p, scratch);
    cohorts_compare(p, scratch);
    note_model(p, scratch);
    return STATUS_OK;
}
