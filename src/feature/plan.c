#include "feature/feature_internal.h"

#include <string.h>

static const char *const uses[] = {"model", "policy", "monitor", NULL};
static const char *const risks[] = {"either", "up", "down", NULL};

/* The book, as one table of fields: it reads, and it will print the JSON Schema. */
typedef struct Book {
    int64_t version;
    BookText name;
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
     "How people read it: plain, count, eur, percent, hours, days or date", NULL, NULL, 0, false,
     NULL},
    {"says", FIELD_TEXT, offsetof(Feature, says), true, "Meaning, one sentence", NULL, NULL, 0,
     false, NULL},
    {0}};

static const Field book_fields[] = {
    {"version", FIELD_INTEGER, offsetof(Book, version), true, "Version of the book's form: 1", NULL,
     NULL, 0, false, NULL},
    {"name", FIELD_TEXT, offsetof(Book, name), false, "Name of the book", NULL, NULL, 0, false,
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
    (void)p;
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

/* The names an expression of this book may use: the schema's columns without the label, and
 * what the engine adds. */
static Scope scope_of(Arena *keep, const Schema *s, const Book *book)
{
    const SchemaColumn *customer = s->customers.columns.item;
    const SchemaColumn *event = s->transactions.columns.item;
    Name *names = ARENA_ARRAY(keep, Name, s->customers.columns.count + 2);
    Name *events = ARENA_ARRAY(keep, Name, s->transactions.columns.count + 1);
    Scope scope = {.customer = names, .event = events, .amount = s->transactions.amount.text};
    for (size_t i = 0; i < s->customers.columns.count; i++)
        if (!str_equal(customer[i].name.text, s->customers.label.column.text))
            names[scope.customers++] = name_of(keep, &customer[i]);
    names[scope.customers++] = (Name){.name = S("records"), .type = TYPE_INT64};
    names[scope.customers++] = (Name){.name = S("as_of"), .type = TYPE_TIME};
    for (size_t i = 0; i < s->transactions.columns.count; i++)
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

static Status check_ground(const Plan *p, const Feature *f, const SchemaColumn *c, Error *err)
{
    if (f->use == USE_MONITOR || c == NULL || c->protected.text.size == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT,
                    "feature %.*s reads %.*s, which stands for a protected ground (%.*s)",
                    STR_ARG(f->name.text), STR_ARG(c->name.text), STR_ARG(c->protected.text));
    (void)error_remedy(err, "leave it out, or watch it with `use: monitor`");
    return refuse(p, f->formula.mark, err);
}

/* Points in time and versions say when and how a customer was observed, not what they did. (A
 * difference of two times of one event is behaviour: it passes.) */
static Status check_observation(const Plan *p, const Feature *f, Error *err)
{
    size_t customers, events, aggregates;
    const Str *customer = lang_names(f->expr, &customers);
    const Str *event = lang_event_names(f->expr, &events);
    const Aggregate *a = lang_aggregates(f->expr, &aggregates);
    const char *tells = NULL;
    if (f->use != USE_MODEL)
        return STATUS_OK;
    for (size_t i = 0; i < customers; i++)
        tells = str_equal(customer[i], S("records")) ? "versions of a row were exported" : tells;
    for (size_t i = 0; i < events; i++)
        tells = str_equal(event[i], S("records")) ? "versions of a row were exported" : tells;
    for (size_t i = 0; i < aggregates; i++)
        tells = a[i].type == TYPE_TIME ? "a customer joined or fell silent" : tells;
    if (str_contains(lang_text(f->expr), S("time '")))
        tells = "a customer joined or fell silent";
    if (tells == NULL)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT, "feature %.*s would tell the model when or how often %s",
                    STR_ARG(f->name.text), tells);
    (void)error_remedy(err, "watch it with `use: monitor`");
    return refuse(p, f->formula.mark, err);
}

/* Design's rule on what may enter a model, checked on the expression and not on trust. */
static Status check_use(const Plan *p, const Feature *f, Error *err)
{
    size_t count, event_count;
    const Str *names = lang_names(f->expr, &count);
    const Str *events = lang_event_names(f->expr, &event_count);
    for (size_t i = 0; i < event_count; i++)
        TRY(check_ground(p, f, schema_transaction_column(p->schema, events[i]), err));
    for (size_t i = 0; i < count; i++) {
        TRY(check_ground(p, f, schema_customer_column(p->schema, names[i]), err));
        if (f->use == USE_MODEL && str_equal(names[i], S("as_of"))) {
            (void)error_set(err, STATUS_FORMAT,
                            "feature %.*s measures time up to as_of, which tells suspended "
                            "accounts by their silence",
                            STR_ARG(f->name.text));
            (void)error_remedy(err, "use it for policy or monitor, or take a window `first 14d`");
            return refuse(p, f->formula.mark, err);
        }
    }
    const Aggregate *a = lang_aggregates(f->expr, &count);
    for (size_t i = 0; i < count; i++) {
        Window w = a[i].has_window ? a[i].window : f->window;
        if (f->use == USE_MODEL && w.kind == WINDOW_TRAILING) {
            (void)error_set(err, STATUS_FORMAT,
                            "feature %.*s gives the model a window that ends at as_of; it would "
                            "see the silence that follows a suspension",
                            STR_ARG(f->name.text));
            (void)error_remedy(err, "take `over: first 14d`, or `use: policy`");
            return refuse(p, f->over.text.size > 0 ? f->over.mark : f->formula.mark, err);
        }
    }
    Type type = lang_type(f->expr);
    if (f->use == USE_MODEL && (type == TYPE_TEXT || type == TYPE_TIME || type == TYPE_DATE)) {
        Str kind = type_name(type);
        (void)error_set(err, STATUS_FORMAT,
                        "feature %.*s is of type %.*s, which a model cannot use",
                        STR_ARG(f->name.text), STR_ARG(kind));
        (void)error_remedy(err, "make it a number, a boolean or a category");
        return refuse(p, f->formula.mark, err);
    }
    return STATUS_OK;
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
        (void)error_remedy(err, "write plain, count, eur, percent, hours, days or date");
        return refuse(p, f->format_text.mark, err);
    }
    TRY(lang_read(&f->expr, keep, f->formula.text, scope, p->file, f->formula.mark.line,
                  f->formula.mark.column, err));
    TRY(check_use(p, f, err));
    return check_observation(p, f, err);
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

Status plan_read(Plan **out, Arena *keep, Str yaml, const char *file, const Schema *schema,
                 Error *err)
{
    Plan *p = *out = ARENA_NEW(keep, Plan);
    Node *root;
    Book book = {0};
    p->schema = schema;
    p->text = yaml;
    p->file = str_chars(keep, str_from(file));
    TRY(book_parse(&root, keep, yaml, file, err));
    TRY(book_read(&book, keep, root, book_fields, file, err));
    if (book.version != 1) {
        (void)error_set(err, STATUS_FORMAT,
                        "features book of version %lld; this program reads version 1",
                        (long long)book.version);
        (void)error_remedy(err, "use a newer assay, or write `version: 1`");
        return error_place(err, file, 1, 1);
    }
    Scope scope = scope_of(keep, schema, &book);
    p->feature = book.features.item;
    p->features = book.features.count;
    p->name = ARENA_ARRAY(keep, Name, p->features + 1);
    for (size_t i = 0; i < p->features; i++) {
        Feature *f = &p->feature[i];
        TRY(read_feature(p, keep, f, i, &scope, err));
        p->name[i] = (Name){f->name.text, lang_type(f->expr), lang_scale(f->expr), NULL, 0};
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

bool feature_reads(const Feature *f, Str column)
{
    size_t customers, events;
    const Str *customer = lang_names(f->expr, &customers);
    const Str *event = lang_event_names(f->expr, &events);
    return among(customer, customers, column) || among(event, events, column);
}
