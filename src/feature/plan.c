#include "feature/feature_internal.h"

#include <string.h>

static const char *const uses[] = {"model", "policy", "monitor", NULL};
static const char *const risks[] = {"either", "up", "down", NULL};

/* The book, as one table of fields: it reads, and it prints the JSON Schema. */
typedef struct Book {
    int64_t version;
    BookText name, zone, observed_equally;
    BookPairs define, strata, families;
    BookRecords features;
} Book;

static const Field feature_fields[] = {
    {"name", FIELD_TEXT, offsetof(Feature, name), true, "Name, used in rules and in the model",
     NULL, NULL, 0, false, NULL},
    {"expr", FIELD_TEXT, offsetof(Feature, formula), true, "Expression, see docs/language.md", NULL,
     NULL, 0, false, NULL},
    {"over", FIELD_TEXT, offsetof(Feature, over), false,
     "Window of its aggregates: first 14d, 30d or all", NULL, NULL, 0, false, NULL},
    {"use", FIELD_CHOICE, offsetof(Feature, use), true, "Who may use it: model, policy or monitor",
     uses, NULL, 0, false, NULL},
    {"family", FIELD_TEXT, offsetof(Feature, family), true, "Family of evidence it belongs to",
     NULL, NULL, 0, false, NULL},
    {"risk", FIELD_CHOICE, offsetof(Feature, risk), false,
     "Direction that can only raise (up) or lower (down) the score", risks, NULL, 0, false, NULL},
    {"format", FIELD_TEXT, offsetof(Feature, format_text), false,
     "How people read it: plain, count, money, eur, percent, ratio, minutes, hours, days or date",
     NULL, NULL, 0, false, NULL},
    {"reason", FIELD_TEXT, offsetof(Feature, reason), false,
     "Why risky_partners may go beyond monitoring: how the partners' labels were known in time",
     NULL, NULL, 0, false, NULL},
    {"leak_overruled", FIELD_REASON, offsetof(Feature, leak_overruled), false,
     "Why the model may use it although the leakage audit would keep it out: one sentence", NULL,
     NULL, 0, false, NULL},
    {"says", FIELD_TEXT, offsetof(Feature, says), true, "Meaning, one sentence", NULL, NULL, 0,
     false, NULL},
    {0}};

static const Field book_fields[] = {
    {"version", FIELD_INTEGER, offsetof(Book, version), true, "Version of the book's form: 1", NULL,
     NULL, 0, false, NULL},
    {"name", FIELD_TEXT, offsetof(Book, name), false, "Name of the book", NULL, NULL, 0, false,
     NULL},
    {"observed_equally", FIELD_TEXT, offsetof(Book, observed_equally), false,
     "Why windows longer than customers were observed tell the model nothing of who joined early",
     NULL, NULL, 0, false, NULL},
    {"zone", FIELD_TEXT, offsetof(Book, zone), false,
     "Offset from UTC in which hour, weekday and day are taken: +02:00", NULL, NULL, 0, false,
     NULL},
    {"define", FIELD_PAIRS, offsetof(Book, define), false, "Named expressions, put in where used",
     NULL, NULL, 0, false, NULL},
    {"strata", FIELD_PAIRS, offsetof(Book, strata), false,
     "Slices that every figure is given for: conditions over the features", NULL, NULL, 0, false,
     NULL},
    {"families", FIELD_PAIRS, offsetof(Book, families), false,
     "What each family of features is about, in a few words", NULL, NULL, 0, false, NULL},
    {"features", FIELD_RECORDS, offsetof(Book, features), true, "What is measured", NULL,
     feature_fields, sizeof(Feature), true, NULL},
    {0}};

static Status refuse(const Plan *p, Mark at, Error *err)
{
    return error_place(err, p->file, at.line, at.column);
}

static bool among(const Str *names, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

static Name name_of(Arena *keep, const SchemaColumn *c)
{
    Str *values = ARENA_ARRAY(keep, Str, c->values.count + 1);
    for (size_t i = 0; i < c->values.count; i++)
        values[i] = c->values.item[i].text;
    return (Name){c->name.text, (Type)c->type, (int)c->scale, values, c->values.count};
}

/* The names an expression of this book may use: the schema's columns without the outcome, and
 * what the engine adds. There is room for the features, which join as they are read. */
static Scope scope_of(Arena *keep, const Schema *s, const Book *book, Name **customers)
{
    const SchemaColumn *customer = s->customers.columns.item;
    const SchemaColumn *event = s->events.item;
    Name *names = ARENA_ARRAY(keep, Name, s->customers.columns.count + 2 + book->features.count);
    Name *events = ARENA_ARRAY(keep, Name, s->events.count + 1);
    *customers = names;
    Scope scope = {.customer = names, .event = events, .amount = s->transactions.amount.text};
    for (size_t i = 0; i < s->customers.columns.count; i++)
        if (!schema_is_outcome(s, customer[i].name.text))
            names[scope.customers++] = name_of(keep, &customer[i]);
    names[scope.customers++] = (Name){.name = S("records"), .type = TYPE_INT64};
    names[scope.customers++] = (Name){.name = S("as_of"), .type = TYPE_TIME};
    for (size_t i = 0; i < s->events.count; i++)
        events[scope.events++] = name_of(keep, &event[i]);
    events[scope.events++] = (Name){.name = S("records"), .type = TYPE_INT64};
    Definition *definition = ARENA_ARRAY(keep, Definition, book->define.count + 1);
    for (size_t i = 0; i < book->define.count; i++) {
        const BookPair *pair = &book->define.item[i];
        definition[i] = (Definition){pair->name.text, pair->value.text, pair->value.mark.line,
                                     pair->value.mark.column};
    }
    scope.definition = definition;
    scope.definitions = book->define.count;
    return scope;
}

static bool good_name(Str name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return name.size > 0 && name.size <= 64;
}

/* "+02:00", "-03:30" or "UTC" */
static Status read_zone(int64_t *out_us, const Plan *p, const BookText *zone, Error *err)
{
    Str s = zone->text;
    int64_t hours = 0, minutes = 0;
    *out_us = 0;
    if (s.size == 0 || str_equal_fold(s, S("UTC")) || str_equal(s, S("Z")))
        return STATUS_OK;
    bool sign = s.data[0] == '+' || s.data[0] == '-';
    if (sign && s.size == 6 && s.data[3] == ':' && s.data[1] != '-' && s.data[4] != '-' &&
        s.data[1] != '+' && s.data[4] != '+' && parse_int64(str_slice(s, 1, 3), &hours) &&
        parse_int64(str_slice(s, 4, 6), &minutes) && hours <= 14 && minutes < 60) {
        *out_us = (hours * HOUR_US + minutes * MINUTE_US) * (s.data[0] == '-' ? -1 : 1);
        return STATUS_OK;
    }
    (void)error_set(err, STATUS_FORMAT, "`%.*s` is not an offset from UTC",
                    STR_ARG(str_slice(s, 0, 60)));
    (void)error_remedy(err, "write `+02:00` or `UTC`; one offset holds for the whole book, and "
                            "places by name are not known");
    return refuse(p, zone->mark, err);
}

/* A feature may be named like a column of the customer only when it is that column. */
static Status own_name(const Plan *p, const Feature *f, const Scope *scope, Error *err)
{
    bool taken = schema_is_outcome(p->schema, f->name.text);
    for (size_t i = 0; i < scope->customers; i++)
        taken = taken || str_equal(scope->customer[i].name, f->name.text);
    if (!taken || str_equal(lang_bare_name(f->expr), f->name.text))
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT,
                    "feature %.*s has the name of a customer column and is something else",
                    STR_ARG(f->name.text));
    (void)error_remedy(err, "rename it: other expressions could not tell the two apart");
    return refuse(p, f->name.mark, err);
}

/* From here on the feature may be used by those below it. */
static void join_scope(const Plan *p, Scope *scope, Name *names, size_t index)
{
    const Name *name = &p->name[index];
    bool column = false; /* then the column itself is there already */
    for (size_t i = 0; i < scope->customers && !column; i++)
        column = str_equal(names[i].name, name->name);
    if (!column)
        names[scope->customers++] = *name;
    scope->later++;
    scope->laters--;
}

/* Whoever sets the audit aside says why, and only where there is something to set aside. */
static Status check_overruling(const Plan *p, const Feature *f, Error *err)
{
    if (f->leak_overruled.mark.line == 0)
        return STATUS_OK;
    if (str_trim(f->leak_overruled.text).size == 0) {
        (void)error_set(err, STATUS_FORMAT, "feature %.*s overrules the audit without a reason",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "say in one sentence why what it reads was known in time");
        return refuse(p, f->leak_overruled.mark, err);
    }
    if (f->use == USE_MODEL)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT,
                    "feature %.*s overrules the audit, which keeps features from the model, and is "
                    "not in the model",
                    STR_ARG(f->name.text));
    (void)error_remedy(err, "leave `leak_overruled` out, or say `use: model`");
    return refuse(p, f->leak_overruled.mark, err);
}

static Status read_feature(Plan *p, Arena *keep, Feature *f, size_t index, const Scope *scope,
                           Error *err)
{
    if (!good_name(f->name.text)) {
        (void)error_set(err, STATUS_FORMAT, "`%.*s` cannot be a feature's name",
                        STR_ARG(f->name.text));
        (void)error_remedy(err, "use letters, digits and _, at most 64, not starting with a digit");
        return refuse(p, f->name.mark, err);
    }
    for (size_t i = 0; i < index; i++)
        if (str_equal(p->feature[i].name.text, f->name.text)) {
            (void)error_set(err, STATUS_FORMAT, "feature %.*s is there twice",
                            STR_ARG(f->name.text));
            (void)error_remedy(err, "the first is on line %lld; rename one",
                               (long long)p->feature[i].name.mark.line);
            return refuse(p, f->name.mark, err);
        }
    if (f->over.text.size > 0 && !window_parse(f->over.text, &f->window)) {
        (void)error_set(err, STATUS_FORMAT, "`%.*s` is not a window", STR_ARG(f->over.text));
        (void)error_remedy(err, "write `first 14d`, `30d` or `all`");
        return refuse(p, f->over.mark, err);
    }
    if (f->format_text.text.size > 0 && !format_from_name(f->format_text.text, &f->format)) {
        (void)error_set(err, STATUS_FORMAT, "`%.*s` is not a format", STR_ARG(f->format_text.text));
        (void)error_remedy(
            err, "write plain, count, money, eur, percent, ratio, minutes, hours, days or date");
        return refuse(p, f->format_text.mark, err);
    }
    if (format_wrong_currency(f->format, p->schema->currency.text)) {
        (void)error_set(err, STATUS_FORMAT, "eur writes a euro sign, and amounts are in %.*s",
                        STR_ARG(str_slice(p->schema->currency.text, 0, 60)));
        (void)error_remedy(err, "write `money`, which names the currency");
        return refuse(p, f->format_text.mark, err);
    }
    TRY(lang_read(&f->expr, keep, f->formula.text, scope, p->file, f->formula.mark.line,
                  f->formula.mark.column, err));
    TRY(own_name(p, f, scope, err));
    TRY(check_overruling(p, f, err));
    TRY(plan_check_time(p, f, err));
    TRY(plan_check_use(p, keep, f, err));
    return population_check(p, index, err);
}

/* A family that is described but has no feature is a slip of the pen. */
static Status check_families(const Plan *p, Arena *keep, Error *err)
{
    Str *known = ARENA_ARRAY(keep, Str, p->features + 1);
    for (size_t i = 0; i < p->features; i++)
        known[i] = p->feature[i].family.text;
    for (size_t i = 0; i < p->families.count; i++) {
        const BookText *name = &p->families.item[i].name;
        if (among(known, p->features, name->text))
            continue;
        Str nearest = str_nearest(name->text, known, p->features);
        (void)error_set(err, STATUS_FORMAT, "no feature is of family `%.*s`", STR_ARG(name->text));
        if (nearest.size > 0)
            (void)error_remedy(err, "did you mean `%.*s`?", STR_ARG(nearest));
        else
            (void)error_remedy(err, "leave it out of `families`");
        return refuse(p, name->mark, err);
    }
    return STATUS_OK;
}

static Status read_book(Plan *p, Arena *keep, Str yaml, const char *file, Error *err)
{
    Node *root;
    Book book = {0};
    TRY(book_parse(&root, keep, yaml, file, err));
    TRY(book_read(&book, keep, root, book_fields, file, err));
    if (book.version != 1) {
        (void)error_set(err, STATUS_FORMAT,
                        "features book of version %lld; this program reads version 1",
                        (long long)book.version);
        (void)error_remedy(err, "use a newer assay, or write `version: 1`");
        return error_place(err, file, 1, 1);
    }
    Name *names;
    Scope scope = scope_of(keep, p->schema, &book, &names);
    p->observed_equally = book.observed_equally.text;
    TRY(read_zone(&scope.zone_us, p, &book.zone, err));
    p->feature = book.features.item;
    p->features = book.features.count;
    p->name = ARENA_ARRAY(keep, Name, p->features + 1);
    Str *later = ARENA_ARRAY(keep, Str, p->features + 1);
    for (size_t i = 0; i < p->features; i++)
        later[i] = p->feature[i].name.text;
    scope.later = later;
    scope.laters = p->features;
    for (size_t i = 0; i < p->features; i++) {
        Feature *f = &p->feature[i];
        TRY(read_feature(p, keep, f, i, &scope, err));
        p->name[i] = (Name){f->name.text, lang_type(f->expr), lang_scale(f->expr), NULL, 0};
        join_scope(p, &scope, names, i);
    }
    p->title = book.name.text;
    p->define = book.define;
    p->slices = book.strata;
    p->families = book.families;
    TRY(check_families(p, keep, err));
    p->strata = book.strata.count;
    p->stratum = ARENA_ARRAY(keep, Stratum, p->strata + 1);
    Scope over_features = {.customer = p->name, .customers = p->features};
    for (size_t i = 0; i < p->strata; i++) {
        const BookPair *pair = &book.strata.item[i];
        p->stratum[i].name = pair->name.text;
        TRY(lang_read(&p->stratum[i].condition, keep, pair->value.text, &over_features, file,
                      pair->value.mark.line, pair->value.mark.column, err));
        if (lang_type(p->stratum[i].condition) != TYPE_BOOLEAN) {
            (void)error_set(err, STATUS_FORMAT, "stratum %.*s is not a condition",
                            STR_ARG(pair->name.text));
            (void)error_remedy(err, "write a comparison, such as `events > 0`");
            return refuse(p, pair->value.mark, err);
        }
    }
    return STATUS_OK;
}

Status plan_read(Plan **out, Arena *keep, Str yaml, const char *file, const Schema *schema,
                 Error *err)
{
    Plan *p = *out = ARENA_NEW(keep, Plan);
    p->schema = schema;
    p->text = yaml;
    p->file = str_chars(keep, str_from(file));
    Status status = read_book(p, keep, yaml, file, err);
    if (status != STATUS_OK)
        error_excerpt_file(err, p->file, yaml);
    else
        p->steps = plan_steps(keep, p, NULL);
    return status;
}

Str plan_json_schema(Arena *keep)
{
    return book_json_schema(keep, book_fields, "assay features book: what is measured");
}

const Feature *plan_find(const Plan *p, Str name)
{
    for (size_t i = 0; i < p->features; i++)
        if (str_equal(p->feature[i].name.text, name))
            return &p->feature[i];
    return NULL;
}

Status plan_stratum(uint8_t *in, Arena scratch, const Stratum *s, const Table *features, Error *err)
{
    Arena own = arena_new(); /* the result may not share a range with the temporaries */
    Column value;
    Status status = lang_evaluate(&value, &own, scratch, s->condition, features, NULL, err);
    for (size_t i = 0; i < features->rows && status == STATUS_OK; i++)
        in[i] = column_valid(&value, i) && value.boolean[i];
    arena_free(&own);
    return status;
}
