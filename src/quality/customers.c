#include "quality/quality_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct Order {
    const Column *key;
} Order;

static int by_key(const void *a, const void *b, void *context)
{
    const Column *key = ((const Order *)context)->key;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int order = key->code[i] == key->code[j] ? 0
                                             : str_compare(key->dictionary->text[key->code[i]],
                                                           key->dictionary->text[key->code[j]]);
    return order != 0 ? order : (i > j) - (i < j);
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

static bool among(BookTexts list, Str value)
{
    for (size_t i = 0; i < list.count; i++)
        if (str_equal(list.item[i].text, value))
            return true;
    return false;
}

/* The row that holds the most frequent value of a column among rows of one customer, SIZE_MAX
 * when no value or no single most frequent one; *differ says whether values differ. */
static size_t settle(const Column *c, const uint32_t *row, size_t count, bool *differ)
{
    size_t best = SIZE_MAX, most = 0;
    bool tie = false;
    *differ = false;
    for (size_t i = 0; i < count; i++) {
        if (!column_valid(c, row[i]))
            continue;
        size_t same = 0;
        bool seen = false;
        for (size_t j = 0; j < count; j++) {
            bool equal = cell_equal(c, row[i], c, row[j]);
            seen = seen || (equal && j < i);
            same += equal;
            *differ = *differ || !equal;
        }
        if (seen)
            continue;
        tie = same == most ? true : same > most ? false : tie;
        if (same > most) {
            most = same;
            best = row[i];
        }
    }
    return tie ? SIZE_MAX : best;
}

typedef struct Tally {
    uint64_t exact, version_customers, contradictory, both_cohorts, no_label, ignored;
    uint64_t *differing; /* by column */
} Tally;

static void report(Dataset *d, Arena *keep, const Table *t, const Tally *n)
{
    Findings *f = d->findings;
    if (n->exact + n->version_customers + n->contradictory + n->no_label + n->ignored +
            n->both_cohorts ==
        0)
        return;
    findings_add(f, SEVERITY_INFO, "duplicate_customer_rows", n->exact,
                 str_format(keep, "%llu customer rows repeat another row exactly",
                            (unsigned long long)n->exact),
                 S("merged"));
    Buffer names = buffer_new(keep);
    for (size_t k = 0; k < t->columns; k++)
        if (n->differing[k] > 0)
            buffer_format(&names, "%s%.*s %llu", names.size > 0 ? ", " : "",
                          STR_ARG(t->column[k].name), (unsigned long long)n->differing[k]);
    findings_add(
        f, SEVERITY_WARNING, "customer_versions", n->version_customers,
        str_format(keep, "%llu customers have several rows that differ (customers by column: %.*s)",
                   (unsigned long long)n->version_customers, STR_ARG(buffer_str(&names))),
        S("merged: the most frequent value stands; on a tie the value is missing, because no "
          "row says when it held"));
    findings_add(
        f, SEVERITY_SEVERE, "contradictory_labels", n->contradictory,
        str_format(keep, "%llu customers carry both labels", (unsigned long long)n->contradictory),
        S("kept out of training and evaluation, scored, and never proposed for off-boarding: "
          "find out which label holds"));
    findings_add(
        f, SEVERITY_WARNING, "no_label", n->no_label,
        str_format(keep, "%llu labelled rows hold no label", (unsigned long long)n->no_label),
        S("these rows say nothing about the label"));
    findings_add(f, SEVERITY_INFO, "ignored_label", n->ignored,
                 str_format(keep,
                            "%llu labelled rows hold a label that the schema book lists as ignored",
                            (unsigned long long)n->ignored),
                 S("not learned from; such customers are scored"));
    findings_add(f, SEVERITY_WARNING, "customers_in_both_cohorts", n->both_cohorts,
                 str_format(keep,
                            "%llu customers are both in a labelled file and in a file to be scored",
                            (unsigned long long)n->both_cohorts),
                 S("one customer each: trained on if labelled, and scored"));
}

/* A label may have two meanings; what else it holds must be said to mean nothing. */
static Status check_labels(const Dataset *d, const Union *all, const Column *label, Arena scratch,
                           Error *err)
{
    const SchemaLabel *l = &d->schema->customers.label;
    const Table *t = all->rows;
    Dictionary *strange = dictionary_new(&scratch);
    size_t first = 0;
    for (size_t row = 0; row < t->rows; row++) {
        if (!column_valid(label, row) ||
            !str_equal(d->ledger[all->source[row]].role, S("customers")))
            continue;
        Str value = cell_text(&scratch, label, row);
        if (among(l->positive, value) || among(l->negative, value) || among(l->ignored, value))
            continue;
        if (strange->count == 0)
            first = row;
        (void)dictionary_add(strange, value);
    }
    if (strange->count == 0)
        return STATUS_OK;
    enum { SHOWN = 5 };
    size_t count = strange->count < SHOWN ? strange->count : SHOWN;
    Buffer names = buffer_new(&scratch);
    qsort(strange->text, strange->count, sizeof *strange->text, by_bytes);
    for (size_t i = 0; i < count; i++)
        buffer_format(&names, "%s`%.*s`", i > 0 ? ", " : "",
                      (int)(strange->text[i].size < 40 ? strange->text[i].size : 40),
                      strange->text[i].data);
    (void)error_set(err, STATUS_DATA,
                    "the label %.*s also holds %.*s%s, which the schema book calls neither "
                    "positive nor negative",
                    STR_ARG(label->name), STR_ARG(buffer_str(&names)),
                    strange->count > SHOWN ? " and others" : "");
    (void)error_place(err, str_chars(&scratch, t->files[t->file[first]]), (int64_t)t->line[first],
                      0);
    return error_remedy(err, "list each under `positive` or `negative`, or under `ignored` if such "
                             "customers are to be scored and not learned from");
}

/* A date without a time of day is the beginning of that day. */
static void earliest(int64_t *at_us, const Column *outcome, size_t row)
{
    int64_t at = outcome->integer[row];
    if (outcome->type == TYPE_DATE)
        at *= DAY_US;
    if (*at_us == OUTCOME_UNKNOWN || at < *at_us)
        *at_us = at;
}

Status quality_merge_customers(Dataset *d, Arena *keep, Arena scratch, const Union *all, Error *err)
{
    const Table *t = all->rows;
    const Schema *s = d->schema;
    const Column *key = table_find(t, s->customers.key.text);
    const Column *label = table_find(t, s->customers.label.column.text);
    const Column *outcome =
        s->customers.outcome_at.text.size == 0 ? NULL : table_find(t, s->customers.outcome_at.text);
    uint32_t *order = ARENA_ARRAY(&scratch, uint32_t, t->rows + 1);
    Tally tally = {.differing = ARENA_ARRAY(&scratch, uint64_t, t->columns + 1)};
    if (t->rows == 0) {
        (void)error_set(
            err, STATUS_DATA,
            "no customer could be read: the customer files have a header and no usable row");
        return error_remedy(err, "check that the files are the right ones and not cut off");
    }
    TRY(check_labels(d, all, label, scratch, err));
    for (size_t i = 0; i < t->rows; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, t->rows, sizeof *order, by_key, &(Order){key});
    for (size_t i = 0; i < t->rows; i++)
        d->customers += i == 0 || key->code[order[i]] != key->code[order[i - 1]];

    d->id = ARENA_ARRAY(keep, Str, d->customers + 1);
    d->cohort = ARENA_ARRAY(keep, uint8_t, d->customers + 1);
    d->label = ARENA_ARRAY(keep, int8_t, d->customers + 1);
    d->outcome_us = outcome == NULL ? NULL : ARENA_ARRAY(keep, int64_t, d->customers + 1);
    for (size_t i = 0; outcome != NULL && i < d->customers; i++)
        d->outcome_us[i] = OUTCOME_UNKNOWN;
    d->profile = table_new(keep, S("customers"), d->customers, t->columns);
    size_t columns = 0;
    const Column **source = ARENA_ARRAY(&scratch, const Column *, t->columns + 1);
    for (size_t k = 0; k < t->columns; k++) {
        const Column *c = &t->column[k];
        if (c == label || c == outcome)
            continue;
        source[columns] = c;
        column_init(&d->profile->column[columns++], keep, c->name, c->type, c->scale, d->customers,
                    c->dictionary);
    }
    Column *records = &d->profile->column[columns];
    column_init(records, keep, S("records"), TYPE_INT64, 0, d->customers, NULL);
    d->profile->columns = columns + 1;

    d->raw = t;
    d->raw_row = arena_copy(keep, order, (t->rows + 1) * sizeof *order);
    d->raw_first = ARENA_ARRAY(keep, size_t, d->customers + 1);
    d->raw_labelled = ARENA_ARRAY(keep, uint8_t, t->rows + 1);

    size_t customer = 0;
    for (size_t from = 0, to; from < t->rows; from = to, customer++) {
        bool positive = false, negative = false, versions = false;
        size_t repeats = 0;
        for (to = from; to < t->rows && key->code[order[to]] == key->code[order[from]];)
            to++;
        TRY(quality_check_versions(t, order[from], to - from, key->name, scratch, err));
        for (to = from; to < t->rows && key->code[order[to]] == key->code[order[from]]; to++) {
            uint32_t row = order[to];
            LedgerLine *line = &d->ledger[all->source[row]];
            bool labelled = str_equal(line->role, S("customers"));
            d->cohort[customer] |= labelled ? COHORT_LABELLED : COHORT_SCORED;
            d->raw_labelled[row] = labelled;
            if (labelled) {
                Str value = cell_text(&scratch, label, row);
                bool is_positive = among(s->customers.label.positive, value);
                bool is_negative = among(s->customers.label.negative, value);
                positive = positive || is_positive;
                negative = negative || is_negative;
                tally.no_label += value.size == 0;
                tally.ignored += among(s->customers.label.ignored, value);
                if (outcome != NULL && column_valid(outcome, row))
                    earliest(&d->outcome_us[customer], outcome, row);
            }
            if (to == from) {
                line->used++;
                continue;
            }
            line->merged++;
            bool repeated = false;
            for (size_t i = from; i < to && !repeated; i++)
                repeated = quality_same_row(t, order[i], row);
            tally.exact += repeated;
            repeats += repeated;
            versions = versions || !repeated;
        }
        d->raw_first[customer + 1] = to;
        d->id[customer] = key->dictionary->text[key->code[order[from]]];
        d->label[customer] = positive && negative ? LABEL_CONTRADICTORY
                             : positive           ? LABEL_POSITIVE
                             : negative           ? LABEL_NEGATIVE
                                                  : LABEL_NONE;
        tally.contradictory += positive && negative;
        tally.version_customers += versions;
        tally.both_cohorts += d->cohort[customer] == (COHORT_LABELLED | COHORT_SCORED);
        records->integer[customer] = (int64_t)(to - from - repeats); /* copies say nothing */
        column_set_valid(records, customer);
        for (size_t k = 0; k < columns; k++) {
            bool differ;
            size_t row = settle(source[k], order + from, to - from, &differ);
            tally.differing[source[k] - t->column] += differ;
            if (row == SIZE_MAX)
                continue;
            size_t width = type_width(source[k]->type);
            column_set_valid(&d->profile->column[k], customer);
            memcpy((char *)d->profile->column[k].data + customer * width,
                   (const char *)source[k]->data + row * width, width);
        }
    }
    report(d, keep, t, &tally);
    return STATUS_OK;
}

void dataset_take_label(Dataset *d, Arena scratch)
{
    const SchemaLabel *l = &d->schema->customers.label;
    const Column *c = table_find(d->raw, l->column.text);
    bool positive = false, negative = false;
    for (size_t i = 0; c != NULL && i < d->raw->rows; i++) {
        Str value = cell_text(&scratch, c, i);
        positive = positive || among(l->positive, value);
        negative = negative || among(l->negative, value);
    }
    d->label[0] = positive && negative ? LABEL_CONTRADICTORY
                  : positive           ? LABEL_POSITIVE
                  : negative           ? LABEL_NEGATIVE
                                       : LABEL_NONE;
}
