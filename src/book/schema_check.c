/* schema_check.c - the schema book checked against itself, and what it leaves open settled. */
#include "book/book_internal.h"

#include <stdio.h>
#include <string.h>

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

/* How times are written, from `format`, `step` and `from`. */
static Status check_time_form(const Schema *s, SchemaColumn *c, Error *err)
{
    TimeForm form = (TimeForm)c->format;
    bool counts =
        form == TIME_EPOCH || form == TIME_EPOCH_MS || form == TIME_EPOCH_US || form == TIME_STEP;
    c->time = (TimeFormat){form, c->step_us, form == TIME_STEP ? 0 : TIME_CENTURY_US};
    if (form != TIME_ISO && c->type != TYPE_TIME && (c->type != TYPE_DATE || counts))
        return refuse(err, s, c->mark, "has a format but is no time of that kind", c->name.text,
                      "write `type: time`; a date may have a calendar format");
    if (form == TIME_STEP && c->step_us <= 0)
        return refuse(err, s, c->mark, "counts steps, but not how long one is", c->name.text,
                      "write `step: 1d` or `step: 1h`");
    if (form != TIME_STEP && c->step_us != 0)
        return refuse(err, s, c->mark, "has a step but does not count steps", c->name.text,
                      "write `format: step`, or take `step` away");
    if (c->from.text.size == 0)
        return STATUS_OK;
    if (form == TIME_ISO || form == TIME_YYYYMMDD || (counts && form != TIME_STEP))
        return refuse(err, s, c->from.mark, "is of no use to this format", c->from.text,
                      "take `from` away: only steps and years of two digits begin somewhere");
    if (!parse_time(c->from.text, &c->time.from_us))
        return refuse(err, s, c->from.mark, "is no time", c->from.text, "write `from: 2020-01-01`");
    return STATUS_OK;
}

/* One character, of one to four bytes. */
static bool one_character(Str text)
{
    return str_characters(text) == 1 && str_valid_utf8(text);
}

static Status check_marks(const Schema *s, const SchemaColumn *c, Error *err)
{
    Str mark = c->decimal_mark.text, thousands = c->thousands.text;
    bool fractions = c->type == TYPE_DECIMAL || c->type == TYPE_DOUBLE;
    if (mark.size > 0 && (!fractions || (!str_equal(mark, S(".")) && !str_equal(mark, S(",")))))
        return refuse(err, s, c->decimal_mark.mark,
                      fractions ? "cannot be a decimal mark"
                                : "is of no use: its column has no "
                                  "decimals",
                      mark,
                      "write `decimal_mark: \",\"` for a decimal or a double, or leave it out");
    if (thousands.size == 0)
        return STATUS_OK;
    if (!fractions && c->type != TYPE_INT64)
        return refuse(err, s, c->thousands.mark, "is of no use: its column is no number", thousands,
                      "take `thousands` away");
    if (!one_character(thousands) || strchr("0123456789+-eE\"\n\r", thousands.data[0]) != NULL)
        return refuse(err, s, c->thousands.mark, "cannot stand between thousands", thousands,
                      "write one character, such as `thousands: \".\"` or `thousands: \" \"`");
    if (str_equal(thousands, mark.size > 0 ? mark : S(".")))
        return refuse(err, s, c->thousands.mark, "is the decimal mark and cannot part thousands",
                      thousands, "write the other of the two as `decimal_mark`");
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
        if (c->type != TYPE_DECIMAL && c->scale != SCHEMA_NO_SCALE)
            return refuse(err, s, c->mark, "has a scale but is no decimal", c->name.text,
                          "take `scale` away, or write `type: decimal`");
        if (c->scale == SCHEMA_NO_SCALE)
            c->scale = c->type == TYPE_DECIMAL ? 2 : 0;
        if (c->scale < 0 || c->scale > DECIMAL_SCALE_MAX)
            return refuse(err, s, c->mark, "has an impossible scale", c->name.text,
                          "a decimal has 0 to 18 digits after the point");
        if (c->type != TYPE_CATEGORY && c->values.count > 0)
            return refuse(err, s, c->values.item[0].mark,
                          "cannot be listed: its column is no category", c->values.item[0].text,
                          "write `type: category`");
        TRY(check_values(s, &c->values, scratch, err));
        TRY(check_time_form(s, c, err));
        TRY(check_marks(s, c, err));
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

/* A value as the column will hold it: `TRUE` of a boolean is `true`, `01` of an int64 is `1`. */
static Status settle_value(const Schema *s, BookText *value, const SchemaColumn *column,
                           Arena *keep, Error *err)
{
    Column cell;
    column_init(&cell, keep, column->name.text, (Type)column->type, (int)column->scale, 1, NULL);
    if (!column_parse(&cell, 0, value->text)) {
        Str type = type_name((Type)column->type);
        char remedy[128];
        (void)snprintf(remedy, sizeof remedy, "its column is of type %.*s", STR_ARG(type));
        return refuse(err, s, value->mark, "is no value of its column", value->text, remedy);
    }
    value->text = cell_text(keep, &cell, 0);
    return STATUS_OK;
}

static Status check_label(const Schema *s, SchemaLabel *l, Arena *keep, Arena scratch, Error *err)
{
    const SchemaColumn *column = find(&s->customers.columns, l->column.text);
    BookTexts *const lists[] = {&l->positive, &l->negative, &l->ignored};
    static const char *const both[] = {"", "is both positive and negative",
                                       "is ignored and cannot mean something as well"};
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (size_t k = 0; k < lists[i]->count; k++)
            if (lists[i]->item[k].text.size > 0)
                TRY(settle_value(s, &lists[i]->item[k], column, keep, err));
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        TRY(check_named_values(s, lists[i], column, scratch, err));
        for (size_t k = 0; k < lists[i]->count && i > 0; k++)
            if (holds(lists[0], lists[i]->item[k].text) ||
                (i > 1 && holds(lists[1], lists[i]->item[k].text)))
                return refuse(err, s, lists[i]->item[k].mark, both[i], lists[i]->item[k].text,
                              "keep it in one of the lists");
    }
    for (size_t i = 0; i < column->values.count; i++) {
        const BookText *value = &column->values.item[i];
        if (!holds(&l->positive, value->text) && !holds(&l->negative, value->text) &&
            !holds(&l->ignored, value->text))
            return refuse(err, s, value->mark,
                          "is a value of the label and neither positive, negative nor ignored",
                          value->text, "write it in one of the label's three lists");
    }
    return STATUS_OK;
}

static Status check_customers(Schema *s, Arena *keep, Arena scratch, Error *err)
{
    SchemaCustomers *c = &s->customers;
    TRY(check_columns(s, &c->columns, scratch, err));
    TRY(check_role(s, &c->key, &c->columns, NAMES, "names the customer but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &c->person, &c->columns, NAMES, "names the person but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &c->outcome_at, &c->columns, MAY(TYPE_TIME) | MAY(TYPE_DATE),
                   "says when the label became known but is no time", "write `type: time`", scratch,
                   err));
    TRY(check_role(s, &c->label.column, &c->columns, NAMES | MAY(TYPE_BOOLEAN) | MAY(TYPE_INT64),
                   "cannot be a label", "a label is a category, text, boolean or int64", scratch,
                   err));
    if (str_equal(c->key.text, c->label.column.text))
        return refuse(err, s, c->label.column.mark, "is the key and cannot be the label",
                      c->label.column.text, "name the column that holds the outcome");
    if (str_equal(c->person.text, c->label.column.text))
        return refuse(err, s, c->person.mark, "is the label and cannot name the person",
                      c->person.text, "name the column that holds the person's key");
    return check_label(s, &c->label, keep, scratch, err);
}

/* ---- transactions ---- */

/* Who an event belongs to: one customer, or the two sides. */
static Status check_owner(const Schema *s, Arena scratch, Error *err)
{
    const SchemaTransactions *t = &s->transactions;
    if (t->customer.text.size > 0 && schema_two_sided(s))
        return refuse(err, s, t->sides.mark, "names the customer, and so do the two `sides`",
                      t->customer.text,
                      "keep `customer` or `sides`: a transaction has one owner, "
                      "or two sides that each see it");
    if (t->customer.text.size == 0 && !schema_two_sided(s)) {
        Status status = book_refuse(err, STATUS_FORMAT, s->file, t->mark,
                                    "nothing says whose a transaction is");
        (void)error_remedy(err, "write `customer: ` and the column that names the customer, or "
                                "`sides: {source: ..., target: ...}`");
        return status;
    }
    TRY(check_role(s, &t->customer, &t->columns, NAMES, "names the customer but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &t->sides.source, &t->columns, NAMES, "names a side but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &t->sides.target, &t->columns, NAMES, "names a side but is no text",
                   "write `type: text`", scratch, err));
    if (schema_two_sided(s) && str_equal(t->sides.source.text, t->sides.target.text))
        return refuse(err, s, t->sides.target.mark, "cannot be both sides", t->sides.target.text,
                      "name the column of who is paid as `target`");
    const BookText owner[] = {t->customer, t->sides.source, t->sides.target};
    for (size_t i = 0; i < COUNT_OF(owner); i++)
        if (t->key.text.size > 0 && str_equal(t->key.text, owner[i].text))
            return refuse(err, s, owner[i].mark,
                          "names the transaction and cannot name its customer", owner[i].text,
                          "name the column that holds the customer's key");
    return STATUS_OK;
}

/* How much, and which way: an amount, an amount with a sign, or debit and credit. */
static Status check_amount(const Schema *s, Arena scratch, Error *err)
{
    const SchemaTransactions *t = &s->transactions;
    bool parted = t->debit.text.size > 0 || t->credit.text.size > 0;
    const BookText *one = t->debit.text.size > 0 ? &t->debit : &t->credit;
    TRY(check_role(s, &t->amount, &t->columns, MAY(TYPE_DECIMAL), "is the amount but no decimal",
                   "write `type: decimal`: money is exact", scratch, err));
    TRY(check_role(s, &t->debit, &t->columns, MAY(TYPE_DECIMAL), "is an amount but no decimal",
                   "write `type: decimal`: money is exact", scratch, err));
    TRY(check_role(s, &t->credit, &t->columns, MAY(TYPE_DECIMAL), "is an amount but no decimal",
                   "write `type: decimal`: money is exact", scratch, err));
    if (t->amount.text.size == 0 && !parted) {
        Status status = book_refuse(err, STATUS_FORMAT, s->file, t->mark,
                                    "nothing says how much a transaction moves");
        (void)error_remedy(err, "write `amount: ` and the column of the amount, or `debit: ` and "
                                "`credit: ` and their columns");
        return status;
    }
    if (t->amount.text.size > 0 && parted)
        return refuse(err, s, one->mark, "is an amount beside `amount`", one->text,
                      "keep `amount`, or `debit` and `credit`");
    if (parted && (t->debit.text.size == 0 || t->credit.text.size == 0))
        return refuse(err, s, one->mark, "is one of debit and credit, and the other is not named",
                      one->text,
                      "name both; if there is but one column with signs, write "
                      "`amount: ` and `signed: true`");
    if (parted && str_equal(t->debit.text, t->credit.text))
        return refuse(err, s, t->credit.mark, "cannot be both debit and credit", t->credit.text,
                      "write `amount: ` and `signed: true` if one column holds both");
    if (parted &&
        find(&t->columns, t->debit.text)->scale != find(&t->columns, t->credit.text)->scale)
        return refuse(err, s, t->credit.mark, "has another scale than debit", t->credit.text,
                      "give both the larger `scale`");
    if (t->is_signed && parted)
        return refuse(err, s, one->mark, "is a debit or credit column, which needs no sign",
                      one->text, "take `signed` away");
    if (schema_two_sided(s) && (t->is_signed || parted))
        return refuse(err, s, t->sides.mark, "pays, so the amount has no sign of its own",
                      t->sides.source.text,
                      "keep `sides` and a plain `amount`, or `customer` and a signed amount");
    return STATUS_OK;
}

/* A name that the engine gives its own columns cannot also be the bank's. */
static Status check_free(const Schema *s, const char *name, const char *gives, Error *err)
{
    const SchemaColumn *c = find(&s->transactions.columns, str_from(name));
    if (c == NULL)
        return STATUS_OK;
    char message[128];
    (void)snprintf(message, sizeof message, "is a column that %s gives", gives);
    return refuse(err, s, c->name.mark, message, c->name.text,
                  "declare it under another name, and `rename` it in `sources`, or leave it out");
}

static SchemaColumn made_column(const char *name, Type type, int64_t scale, const char *says)
{
    return (SchemaColumn){.name.text = str_from(name),
                          .type = (int)type,
                          .scale = scale,
                          .says.text = str_from(says)};
}

/* The columns of an event: those of the files, then those that the book makes; and the roles
 * that it leaves to us. */
static Status make_events(Schema *s, Arena *keep, Error *err)
{
    SchemaTransactions *t = &s->transactions;
    bool parted = t->debit.text.size > 0;
    size_t count = t->columns.count;
    SchemaColumn *column = ARENA_ARRAY(keep, SchemaColumn, count + 3);
    if (count > 0)
        memcpy(column, t->columns.item, count * sizeof *column);
    s->keyless = t->key.text.size == 0;
    s->timeless = t->created.text.size == 0;
    s->makes_direction = schema_two_sided(s) || t->is_signed || parted;
    if (s->makes_direction) {
        TRY(check_free(s, SCHEMA_DIRECTION,
                       schema_two_sided(s) ? "`sides`"
                       : parted            ? "debit and credit"
                                           : "the sign of the amount",
                       err));
        SchemaColumn c = made_column(SCHEMA_DIRECTION, TYPE_CATEGORY, 0,
                                     "Into the customer's account, or out of it");
        c.values = (BookTexts){ARENA_ARRAY(keep, BookText, 2), 2};
        c.values.item[0].text = S("IN");
        c.values.item[1].text = S("OUT");
        column[count++] = c;
    }
    if (schema_two_sided(s)) {
        TRY(check_free(s, SCHEMA_PARTNER, "`sides`", err));
        column[count++] = made_column(SCHEMA_PARTNER, TYPE_TEXT, 0, "The other side");
    }
    if (parted) {
        TRY(check_free(s, SCHEMA_AMOUNT, "debit and credit", err));
        column[count++] =
            made_column(SCHEMA_AMOUNT, TYPE_DECIMAL, find(&t->columns, t->debit.text)->scale,
                        "How much, without a sign");
        t->amount.text = S(SCHEMA_AMOUNT);
    }
    TRY(check_free(s, SCHEMA_MADE_KEY, "the engine", err));
    TRY(check_free(s, SCHEMA_MADE_TIME, "the engine", err));
    if (s->keyless)
        t->key.text = S(SCHEMA_MADE_KEY);
    if (s->timeless)
        t->created.text = S(SCHEMA_MADE_TIME);
    s->events = (BookRecords){column, count};
    return STATUS_OK;
}

static bool is_role(const Schema *s, Str name)
{
    const SchemaTransactions *t = &s->transactions;
    const BookText role[] = {t->key, t->customer, t->created, t->sides.source, t->sides.target};
    for (size_t i = 0; i < COUNT_OF(role); i++)
        if (str_equal(role[i].text, name))
            return true;
    return false;
}

/* `set: {column: value}` names columns of an event and gives values that they can hold. */
static Status check_set(const Schema *s, BookPairs *set, Arena *keep, Arena scratch, Error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        BookPair *pair = &set->item[i];
        const SchemaColumn *column = find(&s->events, pair->name.text);
        if (column == NULL)
            return undeclared(s, &pair->name, &s->events, scratch, err);
        if (is_role(s, pair->name.text))
            return refuse(err, s, pair->name.mark, "cannot be the same in every row",
                          pair->name.text, "`set` is for columns such as type, state or direction");
        TRY(settle_value(s, &pair->value, column, keep, err));
        TRY(check_named_values(s, &(BookTexts){&pair->value, 1}, column, scratch, err));
    }
    return STATUS_OK;
}

static Status check_source(const Schema *s, SchemaSource *source, Arena *keep, Arena scratch,
                           Error *err)
{
    const BookRecords *columns = &s->transactions.columns;
    Dictionary *taken = dictionary_new(&scratch);
    if (memchr(source->files.text.data, '/', source->files.text.size) != NULL)
        return refuse(err, s, source->files.mark, "names a folder", source->files.text,
                      "write the pattern of the file's name alone, such as cards*.csv");
    for (size_t i = 0; i < source->rename.count; i++) {
        const BookPair *pair = &source->rename.item[i];
        if (find(columns, pair->value.text) == NULL)
            return undeclared(s, &pair->value, columns, scratch, err);
        if (dictionary_add(taken, pair->value.text) != i)
            return refuse(err, s, pair->value.mark, "is the new name of two columns",
                          pair->value.text, "keep one of them");
    }
    TRY(check_set(s, &source->set, keep, scratch, err));
    for (size_t i = 0; i < source->set.count; i++) {
        const BookText *name = &source->set.item[i].name;
        if (dictionary_find(taken, name->text) != NO_CODE)
            return refuse(err, s, name->mark, "is both renamed and set", name->text,
                          "keep one of the two");
        if (schema_two_sided(s) && str_equal(name->text, S(SCHEMA_DIRECTION)))
            return refuse(err, s, name->mark, "is given by the two sides", name->text,
                          "take it away: each side sees its own direction");
    }
    return STATUS_OK;
}

static Status check_history(const Schema *s, SchemaHistory *h, Arena *keep, Arena scratch,
                            Error *err)
{
    const SchemaColumn *into = find(&s->events, h->into.text);
    if (into == NULL)
        return undeclared(s, &h->into, &s->events, scratch, err);
    if (into->type == TYPE_TEXT || into->type == TYPE_CATEGORY)
        return refuse(err, s, h->into.mark, "holds words, and a history holds numbers",
                      h->into.text, "name the amount, or another column of numbers");
    if (s->timeless)
        return refuse(err, s, h->from.mark, "is a time, but the transactions name no `created`",
                      h->from.text, "name the column of the time as `created`");
    if (!parse_time(h->from.text, &h->from_us))
        return refuse(err, s, h->from.mark, "is no time", h->from.text, "write `from: 2005-04-01`");
    if (h->step_us <= 0)
        return refuse(err, s, h->columns.item[0].mark, "and the next lie no time apart",
                      h->columns.item[0].text, "write `step: 30d`");
    TRY(check_values(s, &h->columns, scratch, err));
    for (size_t i = 0; i < h->columns.count; i++) {
        const BookText *name = &h->columns.item[i];
        const SchemaColumn *c = find(&s->customers.columns, name->text);
        if (c == NULL)
            return undeclared(s, name, &s->customers.columns, scratch, err);
        if (c->type != into->type || c->scale != into->scale)
            return refuse(err, s, c->mark,
                          "is not of the type and scale of the event column that "
                          "takes its values",
                          name->text, "give both the same `type` and `scale`");
        int64_t at;
        if (__builtin_mul_overflow((int64_t)i, h->step_us, &at) || at > 36600 * DAY_US)
            return refuse(err, s, name->mark, "lies more than a century after the first",
                          name->text, "write a shorter `step`");
    }
    for (size_t i = 0; i < h->set.count; i++)
        if (str_equal(h->set.item[i].name.text, h->into.text))
            return refuse(err, s, h->set.item[i].name.mark, "takes the values of the columns",
                          h->into.text, "take it out of `set`");
    if (is_role(s, h->into.text))
        return refuse(err, s, h->into.mark, "cannot take the values of a history", h->into.text,
                      "name the amount, or another column of values");
    TRY(check_set(s, &h->set, keep, scratch, err));
    for (size_t i = 0; i < h->set.count; i++)
        if (str_equal(h->set.item[i].name.text, s->transactions.state.text))
            return STATUS_OK;
    if (s->transactions.state.text.size > 0)
        return refuse(err, s, h->mark, "is the state, and these events have none",
                      s->transactions.state.text,
                      "write `set: {state: ...}` with your column and its final state");
    return STATUS_OK;
}

static Status check_transactions(Schema *s, Arena *keep, Arena scratch, Error *err)
{
    SchemaTransactions *t = &s->transactions;
    TRY(check_columns(s, &t->columns, scratch, err));
    TRY(check_role(s, &t->key, &t->columns, NAMES, "names the transaction but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_owner(s, scratch, err));
    TRY(check_role(s, &t->created, &t->columns, MAY(TYPE_TIME), "is no time", "write `type: time`",
                   scratch, err));
    TRY(check_role(s, &t->completed, &t->columns, MAY(TYPE_TIME), "is no time",
                   "write `type: time`", scratch, err));
    TRY(check_amount(s, scratch, err));
    TRY(check_role(s, &t->state, &t->columns, NAMES, "is the state but no category",
                   "write `type: category`", scratch, err));
    TRY(check_role(s, &t->reference, &t->columns, NAMES, "names a transaction but is no text",
                   "write `type: text`", scratch, err));
    TRY(check_role(s, &t->currency, &t->columns, NAMES, "is the currency but no category",
                   "write `type: category`", scratch, err));
    if (t->completed.text.size > 0 && t->created.text.size == 0)
        return refuse(err, s, t->completed.mark, "is when it ended, and nothing says when it began",
                      t->completed.text, "write `created: ` and the column of the time");
    if (t->completed.text.size > 0 && str_equal(t->created.text, t->completed.text))
        return refuse(err, s, t->completed.mark, "is when it was begun and cannot be when it ended",
                      t->completed.text, "take `completed` away when there is no such column");
    if (t->pending.count > 0 && t->state.text.size == 0)
        return refuse(err, s, t->pending.item[0].mark,
                      "is a pending state, but no `state` is named", t->pending.item[0].text,
                      "write `state: ` and the column of the state");
    if (t->pending.count > 0)
        TRY(check_named_values(s, &t->pending, find(&t->columns, t->state.text), scratch, err));
    TRY(make_events(s, keep, err));
    SchemaSource *source = t->sources.item;
    for (size_t i = 0; i < t->sources.count; i++)
        TRY(check_source(s, &source[i], keep, scratch, err));
    SchemaHistory *history = s->customers.history.item;
    for (size_t i = 0; i < s->customers.history.count; i++)
        TRY(check_history(s, &history[i], keep, scratch, err));
    return STATUS_OK;
}

Status schema_check(Schema *s, Arena *keep, Mark root, Error *err)
{
    if (s->version != 1) {
        Status status =
            book_refuse(err, STATUS_FORMAT, s->file, root,
                        "version %lld of the schema book is not known", (long long)s->version);
        (void)error_remedy(err, "write `version: 1`");
        return status;
    }
    Arena scratch = arena_new();
    Status status = check_customers(s, keep, scratch, err);
    if (status == STATUS_OK)
        status = check_transactions(s, keep, scratch, err);
    arena_free(&scratch);
    return status;
}
