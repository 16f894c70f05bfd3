/* profile.c - files looked at, step by step; each step reads what the ones before it found. */
#include "profile/profile_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void profile_note(Profile *p, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    Str *note = ARENA_PUSH(p->arena, p->note, p->notes, p->note_capacity);
    *note = str_copy(p->arena, str_from(text));
}

/* "data/labelled_users.csv" names the book "labelled_users". */
static Str name_of(Arena *keep, const char *path)
{
    const char *slash = strrchr(path, '/');
    Str base = str_from(slash == NULL ? path : slash + 1);
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

Status profile_read(Profile **out, Arena *keep, Arena scratch, const ProfileInputs *in, Error *err)
{
    Profile *p = *out = ARENA_NEW(keep, Profile);
    p->arena = keep;
    p->name = name_of(keep, in->customers.path[0]);
    TRY(sheet_read(&p->customers, keep, scratch, "customers", in->customers, in->score_customers,
                   err));
    TRY(sheet_read(&p->transactions, keep, scratch, "transactions", in->transactions,
                   in->score_transactions, err));
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
    return STATUS_OK;
}
