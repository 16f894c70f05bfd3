/* files.c - several files of transactions: those that speak the first one's names are read as they
 * are, others by the names that `sources:` gives them, or not at all. Two tables put one under the
 * other by chance would make rows that no bank has. */
#include "profile/profile_internal.h"

#include <string.h>

/* The columns of one file by role, looked at alone. */
typedef struct Alone {
    const char *path;
    Profile *p;
    size_t times, amounts; /* columns that could be the one */
} Alone;

static bool has(const Str *names, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

static Status look_alone(Alone *out, const Profile *p, const char *path, Arena *keep, Arena scratch,
                         Error *err)
{
    Profile *alone = ARENA_NEW(keep, Profile);
    *out = (Alone){.path = path, .p = alone};
    alone->arena = keep;
    alone->customers = p->customers;
    TRY(sheet_read(&alone->transactions, keep, scratch, "transactions", (ProfileFiles){&path, 1},
                   (ProfileFiles){NULL, 0}, NULL, 0, err));
    TRY(roles_join(alone, scratch, err));
    TRY(roles_transactions(alone, scratch, err));
    size_t decimals = 0, named = 0;
    for (size_t k = 0; k < alone->transactions.columns; k++) {
        const Portrait *c = &alone->transactions.column[k];
        out->times += c->kind == KIND_TIME && !SPEAKS(c, WORD_AGE) && c != alone->completed;
        decimals += c->kind == KIND_DECIMAL && !SPEAKS(c, WORD_BALANCE);
        named += portrait_numeric(c) && SPEAKS(c, WORD_AMOUNT) && !SPEAKS(c, WORD_ID);
    }
    out->amounts = decimals > 0 ? decimals : named;
    return STATUS_OK;
}

/* The columns without which a row of the first file means nothing. */
static bool speaks_the_same(const Alone *first, const Str *names, size_t count)
{
    const Profile *p = first->p;
    const Portrait *const roles[] = {p->customer, p->source, p->target, p->created,
                                     p->amount,   p->debit,  p->credit, p->direction};
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (roles[i] != NULL && !has(names, count, roles[i]->name))
            return false;
    return true;
}

static bool share_a_value(const Portrait *a, const Portrait *b)
{
    for (size_t i = 0; i < portrait_values(b); i++)
        if (dictionary_find(a->value, b->value->text[i]) != NO_CODE)
            return true;
    return false;
}

/* Why the columns of two files cannot be told to be the same; NULL when they can. */
static const char *differs(const Alone *first, const Alone *other)
{
    const Profile *a = first->p, *b = other->p;
    if (a->source != NULL || b->source != NULL || a->debit != NULL || b->debit != NULL)
        return "one of the two has two sides, or debit and credit";
    if (a->key != b->key)
        return "the two name the customers by different keys";
    if (a->created == NULL || b->created == NULL || first->times != 1 || other->times != 1)
        return "not each of the two has one column of time";
    if (first->amounts != 1 || other->amounts != 1)
        return "not each of the two has one column that is surely the amount";
    if (a->created->form != b->created->form || a->step_us != b->step_us)
        return "their times are written in different forms";
    NumberForm x = a->amount->number_form, y = b->amount->number_form;
    bool marks = x.digits == 0 || y.digits == 0 || x.mark == y.mark;
    bool thousands = x.thousands.size == 0 || y.thousands.size == 0 ||
                     str_equal(x.thousands, y.thousands); /* small amounts have none to part */
    if (!marks || !thousands)
        return "their amounts are written in different forms";
    if (a->is_signed != b->is_signed || (a->direction == NULL) != (b->direction == NULL) ||
        !str_equal(a->in_value, b->in_value) || !str_equal(a->out_value, b->out_value))
        return "they say in different ways whether money comes in or goes out";
    if ((a->state == NULL) != (b->state == NULL))
        return "one of the two has a column of state";
    if (a->transaction != NULL && b->transaction == NULL)
        return "one of the two has no key of its transactions";
    if (a->transaction != NULL && share_a_value(a->transaction, b->transaction))
        return "the same key stands for a transaction in both";
    return NULL;
}

/* The other file's names in the first one's words; false when a name is taken already. */
static bool rename_roles(Source *s, const Alone *first, const Alone *other, Arena *keep)
{
    const Profile *a = first->p, *b = other->p;
    const Portrait *const pairs[][2] = {
        {a->customer, b->customer},       {a->created, b->created},     {a->amount, b->amount},
        {a->transaction, b->transaction}, {a->direction, b->direction}, {a->state, b->state},
        {a->currency, b->currency},       {a->partner, b->partner}};
    s->rename = ARENA_ARRAY(keep, CsvRename, COUNT_OF(pairs));
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        const Portrait *to = pairs[i][0], *from = pairs[i][1];
        if (to == NULL || from == NULL || str_equal(to->name, from->name))
            continue;
        for (size_t k = 0; k < b->transactions.columns; k++)
            if (str_equal(b->transactions.column[k].name, to->name))
                return false;
        s->rename[s->renames++] = (CsvRename){str_copy(keep, from->name), str_copy(keep, to->name)};
    }
    return true;
}

static void note_renamed(Profile *p, const Source *s, const char *first, Arena scratch)
{
    Buffer b = buffer_new(&scratch);
    for (size_t i = 0; i < s->renames; i++)
        buffer_format(&b, "%s%.*s for %.*s", i > 0 ? ", " : "", STR_ARG(s->rename[i].from),
                      STR_ARG(s->rename[i].to));
    profile_note(
        p,
        "%.*s has other names than %.*s; `sources:` takes its %.*s. Do they mean the same? "
        "If all its rows are of one kind or direction, say so there with `set`.",
        STR_ARG(s->file), STR_ARG(path_base(first)), STR_ARG(buffer_str(&b)));
}

static void note_left_out(Profile *p, const char *path, const char *first, const char *why)
{
    profile_note(p,
                 "%.*s is left out of these books and of the next command: its columns are not "
                 "those of %.*s, and %s. Under `sources:` of the transactions write `files: "
                 "\"%.*s\"`, with `rename` from its names to this book's and `set` for what it "
                 "lacks (docs/schema.md), and then give it to run.",
                 STR_ARG(path_base(path)), STR_ARG(path_base(first)), why,
                 STR_ARG(path_base(path)));
}

/* One file beside the first: as it is, under other names, or left out. */
static Status place(Profile *p, const Alone *first, const char *path, bool *out_used, Arena scratch,
                    Error *err)
{
    Str *names, base = path_base(path);
    size_t count;
    char delimiter;
    *out_used = true;
    TRY(csv_header(&names, &count, &delimiter, &scratch, path, err));
    for (size_t i = 0; i < p->sources; i++)
        if (str_equal(p->source_file[i].file, base) && speaks_the_same(first, names, count)) {
            *out_used = false;
            note_left_out(p, path, first->path,
                          "a file of the same name with other columns has its place there");
            return STATUS_OK;
        }
    if (speaks_the_same(first, names, count))
        return STATUS_OK;
    Arena own = arena_new();
    Alone other;
    Error unseen = {0};
    const char *why = "alone it does not look like transactions of these customers";
    Source source = {.file = str_copy(p->arena, base)};
    Status status = look_alone(&other, p, path, &own, scratch, &unseen);
    if (status == STATUS_OK)
        why = differs(first, &other);
    if (why == NULL && (strpbrk(path, "*?[") != NULL || str_equal(base, path_base(first->path))))
        why = "its file name cannot stand in a pattern of its own";
    if (why == NULL && !rename_roles(&source, first, &other, p->arena))
        why = "a name of the one means something else in the other";
    arena_free(&own);
    *out_used = why == NULL;
    if (why != NULL) {
        note_left_out(p, path, first->path, why);
        return STATUS_OK;
    }
    bool known = false;
    for (size_t i = 0; i < p->sources; i++)
        known = known || str_equal(p->source_file[i].file, base);
    if (known)
        return STATUS_OK;
    p->source_file[p->sources++] = source;
    note_renamed(p, &source, first->path, scratch);
    return STATUS_OK;
}

Status files_choose(Profile *p, const ProfileInputs *in, Arena scratch, Error *err)
{
    const ProfileFiles given[2] = {in->transactions, in->score_transactions};
    size_t all = given[0].count + given[1].count;
    p->source_file = ARENA_ARRAY(p->arena, Source, all + 1);
    p->files[0] = given[0];
    p->files[1] = given[1];
    Str *first_names = NULL;
    size_t first_count = 0;
    bool same = true;
    for (size_t i = 0; i < all; i++) {
        Str *names;
        size_t count, part = i >= given[0].count;
        char delimiter;
        TRY(csv_header(&names, &count, &delimiter, &scratch,
                       given[part].path[part ? i - given[0].count : i], err));
        if (i == 0) {
            first_names = names;
            first_count = count;
        }
        for (size_t k = 0; k < first_count; k++)
            same = same && has(names, count, first_names[k]);
    }
    if (same)
        return STATUS_OK;
    Arena own = arena_new();
    Alone first;
    Status status = look_alone(&first, p, given[0].path[0], &own, scratch, err);
    for (size_t part = 0; part < 2 && status == STATUS_OK; part++) {
        const char **path = ARENA_ARRAY(p->arena, const char *, given[part].count + 1);
        size_t used = 0;
        for (size_t i = 0; i < given[part].count && status == STATUS_OK; i++) {
            bool use = true;
            if (part > 0 || i > 0)
                status = place(p, &first, given[part].path[i], &use, scratch, err);
            if (use)
                path[used++] = given[part].path[i];
        }
        p->files[part] = (ProfileFiles){path, used};
    }
    arena_free(&own);
    return status;
}

ProfileFiles profile_transactions(const Profile *p, bool scored)
{
    return p->files[scored];
}
