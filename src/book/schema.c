/* schema.c - the schema book: its fields, read by one table. */
#include "book/book_internal.h"

/* In the order of Type, so that a choice is a Type. */
static const char *const type_choices[] = {"boolean", "int64", "decimal", "double",   "category",
                                           "text",    "time",  "date",    "duration", NULL};

/* In the order of TimeForm. */
static const char *const format_choices[] = {
    "iso",    "epoch",    "epoch_ms",       "epoch_us",       "step",
    "yymmdd", "yyyymmdd", "day_month_year", "month_day_year", NULL};

static const SchemaColumn column_defaults = {.scale = SCHEMA_NO_SCALE};

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
    {.name = "format",
     .kind = FIELD_CHOICE,
     .offset = offsetof(SchemaColumn, format),
     .says = "how its times or dates are written; iso unless said",
     .choices = format_choices},
    {.name = "step",
     .kind = FIELD_DURATION,
     .offset = offsetof(SchemaColumn, step_us),
     .says = "of `format: step`: how long one step is"},
    {.name = "from",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaColumn, from),
     .says = "of `format: step`: when step 0 is, 1970-01-01 unless said; where years have two "
             "digits: the year that begins their hundred, 1969 unless said"},
    {.name = "decimal_mark",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaColumn, decimal_mark),
     .says = "what stands before the decimals: \".\" unless said, or \",\""},
    {.name = "thousands",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaColumn, thousands),
     .says = "one character that may stand between thousands; none unless said"},
    {0}};

/* In the order of LabelPrior. */
static const char *const prior_choices[] = {"by_design", "population", NULL};

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
                                     {.name = "ignored",
                                      .kind = FIELD_TEXTS,
                                      .offset = offsetof(SchemaLabel, ignored),
                                      .says = "its values that say neither: such customers are "
                                              "scored and not learned from"},
                                     {.name = "prior",
                                      .kind = FIELD_CHOICE,
                                      .offset = offsetof(SchemaLabel, prior),
                                      .says = "what the share of positives is: by_design when the "
                                              "sample was made so or nobody knows (unless said), "
                                              "population when it is the bank's own",
                                      .choices = prior_choices},
                                     {0}};

static const Field history_fields[] = {
    {.name = "columns",
     .kind = FIELD_TEXTS,
     .offset = offsetof(SchemaHistory, columns),
     .required = true,
     .says = "columns of the customers' files that become events, oldest first"},
    {.name = "into",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaHistory, into),
     .required = true,
     .says = "the event column that takes their values"},
    {.name = "from",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaHistory, from),
     .required = true,
     .says = "the time of the first column's events"},
    {.name = "step",
     .kind = FIELD_DURATION,
     .offset = offsetof(SchemaHistory, step_us),
     .required = true,
     .says = "the time from one column to the next"},
    {.name = "set",
     .kind = FIELD_PAIRS,
     .offset = offsetof(SchemaHistory, set),
     .says = "event columns and the values that these events have there"},
    {0}};

static const Field customer_fields[] = {{.name = "key",
                                         .kind = FIELD_TEXT,
                                         .offset = offsetof(SchemaCustomers, key),
                                         .required = true,
                                         .says = "the column that names the customer"},
                                        {.name = "person",
                                         .kind = FIELD_TEXT,
                                         .offset = offsetof(SchemaCustomers, person),
                                         .says = "the column that names the person, when one "
                                                 "person may be several customers"},
                                        {.name = "outcome_at",
                                         .kind = FIELD_TEXT,
                                         .offset = offsetof(SchemaCustomers, outcome_at),
                                         .says = "the column that says when the label became "
                                                 "known: nothing later is learnt from"},
                                        {.name = "label",
                                         .kind = FIELD_RECORD,
                                         .offset = offsetof(SchemaCustomers, label),
                                         .required = true,
                                         .says = "the outcome to learn from",
                                         .fields = label_fields,
                                         .marked = true},
                                        {.name = "history",
                                         .kind = FIELD_RECORDS,
                                         .offset = offsetof(SchemaCustomers, history),
                                         .says = "columns that hold one value a period",
                                         .fields = history_fields,
                                         .size = sizeof(SchemaHistory),
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

static const Field side_fields[] = {{.name = "source",
                                     .kind = FIELD_TEXT,
                                     .offset = offsetof(SchemaSides, source),
                                     .required = true,
                                     .says = "the column that names who pays"},
                                    {.name = "target",
                                     .kind = FIELD_TEXT,
                                     .offset = offsetof(SchemaSides, target),
                                     .required = true,
                                     .says = "the column that names who is paid"},
                                    {0}};

static const Field source_fields[] = {
    {.name = "files",
     .kind = FIELD_TEXT,
     .offset = offsetof(SchemaSource, files),
     .required = true,
     .says = "a pattern of file names without folder, such as cards*.csv"},
    {.name = "rename",
     .kind = FIELD_PAIRS,
     .offset = offsetof(SchemaSource, rename),
     .says = "the file's column: the name it has in this book"},
    {.name = "set",
     .kind = FIELD_PAIRS,
     .offset = offsetof(SchemaSource, set),
     .says = "a column of this book: the value it has in every row of the file"},
    {0}};

#define TRANSACTION_TEXT(field, text)                                                              \
    {                                                                                              \
        .name = #field, .kind = FIELD_TEXT, .offset = offsetof(SchemaTransactions, field),         \
        .says = text                                                                               \
    }

static const Field transaction_fields[] = {
    TRANSACTION_TEXT(key,
                     "the column that names the transaction; without one every row is an event"),
    TRANSACTION_TEXT(customer, "the column that names its customer"),
    {.name = "sides",
     .kind = FIELD_RECORD,
     .offset = offsetof(SchemaTransactions, sides),
     .says = "instead of `customer`: the columns of who pays and who is paid",
     .fields = side_fields,
     .marked = true},
    TRANSACTION_TEXT(created, "when it was begun; without it events have no time"),
    TRANSACTION_TEXT(completed, "when it reached its final state"),
    TRANSACTION_TEXT(state, "the column of its state; without one every row is final"),
    TRANSACTION_TEXT(amount, "the column of its amount, without a sign unless `signed`"),
    {.name = "signed",
     .kind = FIELD_BOOLEAN,
     .offset = offsetof(SchemaTransactions, is_signed),
     .says = "the amount has a sign: below zero the money goes out"},
    TRANSACTION_TEXT(debit, "instead of `amount`: the column of money that goes out"),
    TRANSACTION_TEXT(credit, "instead of `amount`: the column of money that comes in"),
    TRANSACTION_TEXT(currency, "the column of its currency"),
    TRANSACTION_TEXT(reference, "the column of the transaction it refers to: customers who share "
                                "one are linked"),
    {.name = "pending",
     .kind = FIELD_TEXTS,
     .offset = offsetof(SchemaTransactions, pending),
     .says = "states that are not final"},
    {.name = "sources",
     .kind = FIELD_RECORDS,
     .offset = offsetof(SchemaTransactions, sources),
     .says = "files whose columns have other names, or lack some",
     .fields = source_fields,
     .size = sizeof(SchemaSource),
     .marked = true},
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

static Status read_book(Schema *schema, Arena *keep, Str yaml, Error *err)
{
    Node *root;
    TRY(book_parse(&root, keep, yaml, schema->file, err));
    TRY(book_read(schema, keep, root, schema_fields, schema->file, err));
    return schema_check(schema, keep, root->mark, err);
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

static const SchemaColumn *find(const BookRecords *columns, Str name)
{
    const SchemaColumn *column = columns->item;
    for (size_t i = 0; i < columns->count; i++)
        if (str_equal(column[i].name.text, name))
            return &column[i];
    return NULL;
}

const SchemaColumn *schema_customer_column(const Schema *s, Str name)
{
    return find(&s->customers.columns, name);
}

const SchemaColumn *schema_transaction_column(const Schema *s, Str name)
{
    return find(&s->events, name);
}

bool schema_is_outcome(const Schema *s, Str name)
{
    return str_equal(name, s->customers.label.column.text) ||
           str_equal(name, s->customers.outcome_at.text);
}

bool schema_is_pending(const Schema *s, Str state)
{
    for (size_t i = 0; i < s->transactions.pending.count; i++)
        if (str_equal(s->transactions.pending.item[i].text, state))
            return true;
    return false;
}

bool schema_two_sided(const Schema *s)
{
    return s->transactions.sides.source.text.size > 0;
}
