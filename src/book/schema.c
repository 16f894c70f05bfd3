/* schema.c - the schema book: read, and checked against itself. */
#include "book/book_internal.h"

/* In the order of Type, so that a choice is a Type. */
static const char *const type_choices[] = {"boolean", "int64", "decimal", "double",   "category",
                                           "text",    "time",  "date",    "duration", NULL};

#define NO_SCALE INT64_MIN /* not written */
static const SchemaColumn column_defaults = {.scale = NO_SCALE};

static const Field column_fields[] = {
    {.name = "name",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaColumn, name),
     .required = true,
     .says = "the column's name in the header"},
    {.name = "type",
     .kind = FIELD_CHOICE,
     .offset = offsetof(SchemaColumn, type),
     .required = true,
     .says = "what its cells hold",
     .choices = type_choices},
    {.name = "scale",
     .kind = FIELD_INTEGER,
     .offset = offsetof(SchemaColumn, scale),
     .says = "digits after the point of a decimal, 2 unless said"},
    {.name = "values",
     .kind = FIELD_TEXTS,
     .offset = offsetof(SchemaColumn, values),
     .says = "all values of a closed category; left out, any value is taken"},
    {.name = "protected",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaColumn, protected),
     .says = "the protected ground it stands for; such a column never enters a model"},
    {.name = "says",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaColumn, says),
     .says = "one line that explains the column"},
    {0}};

static const Field label_fields[] = {{.name = "column",
                                      .kind = FIELD_TEXT,
                                      .offset = offsetof(SchemaLabel, column),
                                      .required = true,
                                      .says = "the customer column that holds the outcome"},
                                     {.name = "positive",
                                      .kind = FIELD_TEXTS,
                                      .offset = offsetof(SchemaLabel, positive),
                                      .required = true,
                                      .says = "its values that mean risky"},
                                     {.name = "negative",
                                      .kind = FIELD_TEXTS,
                                      .offset = offsetof(SchemaLabel, negative),
                                      .required = true,
                                      .says = "its values that mean not risky"},
                                     {0}};

static const Field customer_fields[] = {{.name = "key",
                                         .kind = FIELD_TEXT,
                                         .offset = offsetof(SchemaCustomers, key),
                                         .required = true,
                                         .says = "the column that names the customer"},
                                        {.name = "label",
                                         .kind = FIELD_RECORD,
                                         .offset = offsetof(SchemaCustomers, label),
                                         .required = true,
                                         .says = "the outcome to learn from",
                                         .fields = label_fields,
                                         .marked = true},
                                        {.name = "columns",
                                         .kind = FIELD_RECORDS,
                                         .offset = offsetof(SchemaCustomers, columns),
                                         .required = true,
                                         .says = "the columns of the customers' files",
                                         .fields = column_fields,
                                         .size = sizeof(SchemaColumn),
                                         .marked = true,
                                         .defaults = &column_defaults},
                                        {0}};

#define TRANSACTION_TEXT(field, must, text)                                                        \
    {                                                                                              \
        .name = #field, .kind = FIELD_TEXT, .offset = offsetof(SchemaTransactions, field),         \
        .required = must, .says = text                                                             \
    }

static const Field transaction_fields[] = {
    TRANSACTION_TEXT(key, true, "the column that names the transaction"),
    TRANSACTION_TEXT(customer, true, "the column that names its customer"),
    TRANSACTION_TEXT(created, true, "when it was begun"),
    TRANSACTION_TEXT(completed, false, "when it reached its final state"),
    TRANSACTION_TEXT(state, false, "the column of its state"),
    TRANSACTION_TEXT(amount, true, "the column of its amount, without a sign"),
    TRANSACTION_TEXT(currency, false, "the column of its currency"),
    {.name = "pending",
     .kind = FIELD_TEXTS,
     .offset = offsetof(SchemaTransactions, pending),
     .says = "states that are not final"},
    {.name = "columns",
     .kind = FIELD_RECORDS,
     .offset = offsetof(SchemaTransactions, columns),
     .required = true,
     .says = "the columns of the transactions' files",
     .fields = column_fields,
     .size = sizeof(SchemaColumn),
     .marked = true,
     .defaults = &column_defaults},
    {0}};

static const Field schema_fields[] = {{.name = "version",
                                       .kind = FIELD_INTEGER,
                                       .offset = offsetof(Schema, version),
                                       .required = true,
                                       .says = "the version of this format: 1"},
                                      {.name = "name",
                                       .kind = FIELD_TEXT,
                                       .offset = offsetof(Schema, name),
                                       .says = "a name for the data"},
                                      {.name = "currency",
                                       .kind = FIELD_TEXT,
                                       .offset = offsetof(Schema, currency),
                                       .required = true,
                                       .says = "the one currency that amounts are in"},
                                      {.name = "customers",
                                       .kind = FIELD_RECORD,
                                       .offset = offsetof(Schema, customers),
                                       .required = true,
                                       .says = "the customers' files",
                                       .fields = customer_fields,
                                       .marked = true},
                                      {.name = "transactions",
                                       .kind = FIELD_RECORD,
                                       .offset = offsetof(Schema, transactions),
                                       .required = true,
                                       .says = "the transactions' files",
                                       .fields = transaction_fields,
                                       .marked = true},
                                      {0}};

static const SchemaColumn *find(const BookRecords *columns, Str name)
{
    const SchemaColumn *column = columns->item;
    for (size_t i = 0; i < columns->count; i++)
        if (str_equal(column[i].name.text, name))
            return &column[i];
    return NULL;
}

static bool holds(const BookTexts *texts, Str text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (str_equal(texts->item[i].text, text))
            return true;
    return false;
}

static Status refuse(Error *err, const Schema *s, Mark mark, const char *message, Str about,
                     const char *remedy)
{
    char shown[BOOK_SHOWN];
    Status status = book_refuse(err, STATUS_FORMAT, s->file, mark, "`%s` %s",
                                book_shown(shown, about), message);
    (void)error_remedy(err, "%s", remedy);
    return status;
}

static Status check_values(const Schema *s, const BookTexts *values, Arena scratch, Error *err)
{
    Dictionary *seen = dictionary_new(&scratch);
    for (size_t i = 0; i < values->count; i++) {
        const BookText *value = &values->item[i];
        if (value->text.size == 0)
            return refuse(err, s, value->mark, "is an empty value", value->text,
                          "an empty cell is a missing value and need not be listed");
        if (dictionary_add(seen, value->text) != i)
            return refuse(err, s, value->mark, "is listed twice", value->text, "keep one");
    }
    return STATUS_OK;
}

static Status check_columns(const Schema *s, const BookRecords *columns, Arena scratch, Error *err)
{
    Dictionary *seen = dictionary_new(&scratch);
    SchemaColumn *column = columns->item;
    for (size_t i = 0; i < columns->count; i++) {
        SchemaColumn *c = &column[i];
        if (dictionary_add(seen, c->name.text) != i)
            return refuse(err, s, c->name.mark, "is declared twice", c->name.text,
                          "keep one of the two columns");
        if (c->type != TYPE_DECIMAL && c->scale != NO_SCALE)
            return refuse(err, s, c->mark, "has a scale but is no decimal", c->name.text,
                          "take `scale` away, or write `type: decimal`");
        if (c->scale == NO_SCALE)
            c->scale = c->type == TYPE_DECIMAL ? 2 : 0;
        if (c->scale < 0 || c->scale > DECIMAL_SCALE_MAX)
            return refuse(err, s, c->mark, "has an impossible scale", c->name.text,
                          "a decimal has 0 to 18 digits after the point");
        if (c->type != TYPE_CATEGORY && c->values.count > 0)
            return refuse(err, s, c->values.item[0].mark,
                          "cannot be listed: its column is no category", c->values.item[0].text,
                          "write `type: category`");
        TRY(check_values(s, &c->values, scratch, err));
    }
    return STATUS_OK;
}

static Status undeclared(const Schema *s, const BookText *name, const BookRecords *columns,
                         Arena scratch, Error *err)
{
    Str *known = ARENA_ARRAY(&scratch, Str, columns->count);
    for (size_t i = 0; i < columns->count; i++)
        known[i] = ((const SchemaColumn *)columns->item)[i].name.text;
    char shown[BOOK_SHOWN];
    Status status =
        book_refuse(err, STATUS_FORMAT, s->file, name->mark, "`%s` is not declared under `columns`",
                    book_shown(shown, name->text));
    book_suggest(err, name->text, known, columns->count);
    return status;
}

#define MAY(type) (1u << (type))
#define NAMES     (MAY(TYPE_TEXT) | MAY(TYPE_CATEGORY))

/* A column named for a role is declared and of a type that can play it. */
static Status check_role(const Schema *s, const BookText *name, const BookRecords *columns,
                         unsigned types, const char *must, const char *remedy, Arena scratch,
                         Error *err)
{
    if (name->text.size == 0)
        return STATUS_OK;
    const SchemaColumn *column = find(columns, name->text);
    if (column == NULL)
        return undeclared(s, name, columns, scratch, err);
    if ((types & MAY(column->type)) == 0)
        return refuse(err, s, column->mark, must, name->text, remedy);
    return STATUS_OK;
}

/* Values named elsewhere are values of their column, when it is closed. */
static Status check_named_values(const Schema *s, const BookTexts *named,
                                 const SchemaColumn *column, Arena scratch, Error *err)
{
    TRY(check_values(s, named, scratch, err));
    for (size_t i = 0; i < named->count && column->values.count > 0; i++) {
        if (holds(&column->values, named->item[i].text))
            continue;
        Str *known = ARENA_ARRAY(&scratch, Str, column->values.count);
        for (size_t k = 0; k < column->values.count; k++)
            known[k] = column->values.item[k].text;
        char shown[BOOK_SHOWN], name[BOOK_SHOWN];
        Status status = book_refuse(err, STATUS_FORMAT, s->file, named->item[i].mark,
                                    "`%s` is not one of the values of `%s`",
                                    book_shown(shown, named->item[i].text),
                                    book_shown(name, column->name.text));
        book_suggest(err, named->item[i].text, known, column->values.count);
        return status;
    }
    return STATUS_OK;
}

static Status check_customers(const Schema *s, Arena scratch, Error *err)
{
    const SchemaCustomers *c = &s->customers;
    TRY(check_columns(s, &c->columns, scratch, err));
    TRY(check_role(s, &c->key, &c->columns, NAMES, "names the customer but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &c->label.column, &c->columns, NAMES | MAY(TYPE_BOOLEAN) | MAY(TYPE_INT64),
                   "cannot be a label", "a label is a category, text, boolean or int64", scratch,
                   err));
    if (str_equal(c->key.text, c->label.column.text))
        return refuse(err, s, c->label.column.mark, "is the key and cannot be the label",
                      c->label.column.text, "name the column that holds the outcome");
    const SchemaColumn *label = find(&c->columns, c->label.column.text);
    TRY(check_named_values(s, &c->label.positive, label, scratch, err));
    TRY(check_named_values(s, &c->label.negative, label, scratch, err));
    for (size_t i = 0; i < c->label.negative.count; i++)
        if (holds(&c->label.positive, c->label.negative.item[i].text))
            return refuse(err, s, c->label.negative.item[i].mark, "is both positive and negative",
                          c->label.negative.item[i].text, "keep it in one of the two lists");
    return STATUS_OK;
}

static Status check_transactions(const Schema *s, Arena scratch, Error *err)
{
    const SchemaTransactions *t = &s->transactions;
    TRY(check_columns(s, &t->columns, scratch, err));
    TRY(check_role(s, &t->key, &t->columns, NAMES, "names the transaction but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &t->customer, &t->columns, NAMES, "names the customer but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &t->created, &t->columns, MAY(TYPE_TIME), "is no time", "write `type: time`",
                   scratch, err));
    TRY(check_role(s, &t->completed, &t->columns, MAY(TYPE_TIME), "is no time",
                   "write `type: time`", scratch, err));
    TRY(check_role(s, &t->amount, &t->columns, MAY(TYPE_DECIMAL), "is the amount but no decimal",
                   "write `type: decimal`: money is exact", scratch, err));
    TRY(check_role(s, &t->state, &t->columns, NAMES, "is the state but no category",
                   "write `type: category`", scratch, err));
    TRY(check_role(s, &t->currency, &t->columns, NAMES, "is the currency but no category",
                   "write `type: category`", scratch, err));
    if (str_equal(t->key.text, t->customer.text))
        return refuse(err, s, t->customer.mark,
                      "names the transaction and cannot name its customer", t->customer.text,
                      "name the column that holds the customer's key");
    if (str_equal(t->created.text, t->completed.text))
        return refuse(err, s, t->completed.mark, "is when it was begun and cannot be when it ended",
                      t->completed.text, "take `completed` away when there is no such column");
    if (t->pending.count > 0 && t->state.text.size == 0)
        return refuse(err, s, t->pending.item[0].mark,
                      "is a pending state, but no `state` is named", t->pending.item[0].text,
                      "write `state: ` and the column of the state");
    if (t->pending.count > 0)
        TRY(check_named_values(s, &t->pending, find(&t->columns, t->state.text), scratch, err));
    return STATUS_OK;
}

static Status check(const Schema *s, const Node *root, Error *err)
{
    if (s->version != 1) {
        Status status =
            book_refuse(err, STATUS_FORMAT, s->file, root->mark,
                        "version %lld of the schema book is not known", (long long)s->version);
        (void)error_remedy(err, "write `version: 1`");
        return status;
    }
    Arena scratch = arena_new();
    Status status = check_customers(s, scratch, err);
    if (status == STATUS_OK)
        status = check_transactions(s, scratch, err);
    arena_free(&scratch);
    return status;
}

static Status read_book(Schema *schema, Arena *keep, Str yaml, Error *err)
{
    Node *root;
    TRY(book_parse(&root, keep, yaml, schema->file, err));
    TRY(book_read(schema, keep, root, schema_fields, schema->file, err));
    return check(schema, root, err);
}

Status schema_read(Schema **out, Arena *keep, Str yaml, const char *file, Error *err)
{
    Schema *schema = *out = ARENA_NEW(keep, Schema);
    schema->file = str_chars(keep, str_from(file));
    schema->text = str_copy(keep, yaml);
    Status status = read_book(schema, keep, yaml, err);
    if (status != STATUS_OK)
        error_excerpt_file(err, schema->file, yaml);
    return status;
}

Status schema_default(Schema **out, Arena *keep, Error *err)
{
    return schema_read(out, keep, book_default_text("schema"), "schema.yaml", err);
}

Str schema_json_schema(Arena *keep)
{
    return book_json_schema(keep, schema_fields, "assay schema book: what the data is");
}

const SchemaColumn *schema_customer_column(const Schema *s, Str name)
{
    return find(&s->customers.columns, name);
}

const SchemaColumn *schema_transaction_column(const Schema *s, Str name)
{
    return find(&s->transactions.columns, name);
}
