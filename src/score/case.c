/* case.c - what is known of customers beside their files: case facts, and what an earlier run
 * decided. Both files come from outside; a row that cannot be understood is an error, since a fact
 * that goes unread may be the one that protects. */
#include "score/score_internal.h"

enum { EVIDENCE_MAX = 200, SHOWN_MAX = 60, FACT_CELL_MAX = 1024 };

static Status refuse(Error *err, const char *path, uint64_t line, Status status, Str what)
{
    (void)error_set(err, status, "%.*s", STR_ARG(what));
    return error_place(err, path, (int64_t)line, 0);
}

/* A row set aside by the reader: its place and reason, never its text. */
static Status refuse_unread(Error *err, const char *path, const Quarantine *aside,
                            const char *remedy)
{
    if (aside->count == 0)
        return STATUS_OK;
    const QuarantineRow *row = &aside->row[0];
    (void)refuse(err, path, row->line, STATUS_FORMAT, row->reason);
    return error_remedy(err, "%s", remedy);
}

/* Ids ascend by bytes. */
static size_t find_customer(const Dataset *data, Str id)
{
    size_t from = 0, to = data->customers;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_compare(data->id[middle], id);
        if (order == 0)
            return middle;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return data->customers;
}

/* ---- case facts ---- */

static bool is_control(Str s, size_t i)
{
    unsigned char c = (unsigned char)s.data[i];
    bool second = c == 0xC2 && i + 1 < s.size && (unsigned char)s.data[i + 1] < 0xA0;
    return c < 0x20 || c == 0x7F || second;
}

/* For a message: short, and nothing that a terminal would obey. */
static Str shown(Arena *keep, Str s)
{
    Buffer b = buffer_new(keep);
    for (size_t i = 0; i < s.size && i < SHOWN_MAX; i++) {
        unsigned char c = (unsigned char)s.data[i];
        buffer_char(&b, c < 0x20 || c >= 0x7F ? '?' : (char)c);
    }
    return buffer_str(&b);
}

static const FactView *find_fact(const Policy *p, Str name)
{
    const FactView *fact;
    size_t facts = policy_facts(p, &fact);
    for (size_t i = 0; i < facts; i++)
        if (str_equal(fact[i].name, name))
            return &fact[i];
    return NULL;
}

static Status unknown_fact(Error *err, Arena *keep, const Policy *p, Str name)
{
    const FactView *fact;
    size_t facts = policy_facts(p, &fact);
    Str *names = ARENA_ARRAY(keep, Str, facts + 1);
    for (size_t i = 0; i < facts; i++)
        names[i] = fact[i].name;
    Str near = str_nearest(name, names, facts);
    (void)error_set(err, STATUS_FORMAT, "the policy book knows no fact `%.*s`",
                    STR_ARG(shown(keep, name)));
    if (near.size > 0)
        return error_remedy(err, "did you mean `%.*s`?", STR_ARG(near));
    return error_remedy(err, facts == 0 ? "the book lists none; add them to its `facts`"
                                        : "name one of the book's `facts`, or add it there");
}

static Status check_evidence(Error *err, Str evidence)
{
    bool control = false;
    for (size_t i = 0; i < evidence.size; i++)
        control = control || is_control(evidence, i);
    if (!control && evidence.size <= EVIDENCE_MAX)
        return STATUS_OK;
    (void)error_set(err, STATUS_FORMAT, "%s",
                    control ? "the evidence holds control characters"
                            : "the evidence is longer than 200 bytes");
    return error_remedy(err, "give the reference under which it is filed, not the document");
}

Status score_check_fact(CaseFact *fact, Arena *keep, const Policy *policy, Error *err)
{
    Str name = str_trim(fact->name);
    const FactView *view = find_fact(policy, name);
    if (view == NULL)
        return unknown_fact(err, keep, policy, name);
    TRY(check_evidence(err, fact->evidence));
    fact->name = view->name;
    fact->evidence = str_trim(fact->evidence);
    return STATUS_OK;
}

typedef struct FactCounts {
    uint64_t others, later, merged, undocumented;
} FactCounts;

typedef struct FactReading {
    const char *path;
    const Policy *policy;
    const Table *rows;
    Arena *keep;
    CaseFacts *out;
    FactCounts counts;
} FactReading;

static Str cell(Arena *keep, const Table *t, const char *name, size_t row)
{
    const Column *c = table_find(t, str_from(name));
    return c == NULL ? S("") : cell_text(keep, c, row);
}

static int64_t since_of(const Table *t, size_t row)
{
    const Column *c = table_find(t, S("since"));
    return c != NULL && column_valid(c, row) ? c->integer[row] : NO_TIME;
}

/* The same fact twice is one: documented if either is, since the earliest time said. */
static bool merge(CaseFact *known, size_t count, const CaseFact *fact)
{
    for (size_t i = 0; i < count; i++) {
        CaseFact *k = &known[i];
        if (!str_equal(k->name, fact->name))
            continue;
        bool better = k->evidence.size == 0 && fact->evidence.size > 0;
        bool alike = (k->evidence.size == 0) == (fact->evidence.size == 0);
        bool earlier =
            fact->since_us != NO_TIME && (k->since_us == NO_TIME || fact->since_us < k->since_us);
        if (better || (alike && earlier))
            *k = *fact;
        return true;
    }
    return false;
}

bool score_add_fact(CaseFact **list, size_t *count, Arena *keep, const CaseFact *fact,
                    const Policy *policy)
{
    const FactView *known;
    if (*list == NULL)
        *list = ARENA_ARRAY(keep, CaseFact, policy_facts(policy, &known));
    if (merge(*list, *count, fact))
        return false;
    (*list)[(*count)++] = *fact;
    return true;
}

static Status read_fact(FactReading *r, const Dataset *data, size_t row, Error *err)
{
    CaseFact fact = {.name = cell(r->keep, r->rows, "fact", row),
                     .evidence = cell(r->keep, r->rows, "evidence", row),
                     .since_us = since_of(r->rows, row)};
    if (score_check_fact(&fact, r->keep, r->policy, err) != STATUS_OK)
        return error_place(err, r->path, (int64_t)r->rows->line[row], 0);
    size_t customer = find_customer(data, cell(r->keep, r->rows, "customer_id", row));
    if (customer == data->customers) {
        r->counts.others++;
        return STATUS_OK;
    }
    if (fact.since_us > data->as_of_us) {
        r->counts.later++;
        return STATUS_OK;
    }
    r->counts.merged +=
        !score_add_fact(&r->out->of[customer], &r->out->count[customer], r->keep, &fact, r->policy);
    return STATUS_OK;
}

static void find_facts(const FactReading *r, Dataset *data)
{
    const FactCounts *c = &r->counts;
    findings_add(data->findings, SEVERITY_INFO, "case_facts_of_others", c->others,
                 str_format(r->keep,
                            "%llu rows of the case facts are about customers who are not in these "
                            "files",
                            (unsigned long long)c->others),
                 S("not used"));
    findings_add(data->findings, SEVERITY_INFO, "case_facts_later", c->later,
                 str_format(r->keep, "%llu rows of the case facts begin after as_of",
                            (unsigned long long)c->later),
                 S("not known then, not used"));
    findings_add(data->findings, SEVERITY_INFO, "case_facts_merged", c->merged,
                 str_format(r->keep, "%llu rows of the case facts repeat a customer's fact",
                            (unsigned long long)c->merged),
                 S("counted once: the documented one, or the earliest"));
    findings_add(data->findings, SEVERITY_WARNING, "case_facts_undocumented", c->undocumented,
                 str_format(r->keep,
                            "%llu case facts need evidence and name none: the policy book gives "
                            "them no effect",
                            (unsigned long long)c->undocumented),
                 S("shown with the customer as not documented"));
}

static void count_undocumented(FactReading *r, const Dataset *data)
{
    for (size_t i = 0; i < data->customers; i++)
        for (size_t k = 0; k < r->out->count[i]; k++) {
            const CaseFact *fact = &r->out->of[i][k];
            r->counts.undocumented +=
                find_fact(r->policy, fact->name)->needs_evidence && fact->evidence.size == 0;
        }
}

static Status read_rows(Table **out, Arena *keep, Arena scratch, const char *path, const Str *bytes,
                        const CsvColumn *column, size_t columns, const CsvOptions *options,
                        Quarantine *aside, Error *err)
{
    if (bytes != NULL)
        return csv_read_bytes(out, NULL, keep, scratch, *bytes, path, column, columns, options,
                              aside, err);
    return csv_read(out, NULL, keep, scratch, path, column, columns, options, aside, err);
}

Status case_facts_read(CaseFacts **out, Arena *keep, Arena scratch, const char *path,
                       const Str *bytes, uint64_t unpacked_max, const Policy *policy, Dataset *data,
                       Error *err)
{
    static const CsvColumn column[] = {
        {.name = {"customer_id", 11}, .type = TYPE_TEXT, .required = true, .key = true},
        {.name = {"fact", 4}, .type = TYPE_TEXT, .required = true, .key = true},
        {.name = {"since", 5}, .type = TYPE_TIME},
        {.name = {"evidence", 8}, .type = TYPE_TEXT}};
    const CsvOptions options = {.cell_bytes_max = FACT_CELL_MAX, .unpacked_max = unpacked_max};
    Quarantine *aside = quarantine_new(keep);
    Table *rows;
    TRY(read_rows(&rows, keep, scratch, path, bytes, column, COUNT_OF(column), &options, aside,
                  err));
    TRY(refuse_unread(err, path, aside, "mend the row; none may go unread here"));
    CaseFacts *facts = *out = ARENA_NEW(keep, CaseFacts);
    facts->of = ARENA_ARRAY(keep, CaseFact *, data->customers + 1);
    facts->count = ARENA_ARRAY(keep, size_t, data->customers + 1);
    FactReading r = {.path = path, .policy = policy, .rows = rows, .keep = keep, .out = facts};
    for (size_t i = 0; i < rows->rows; i++)
        TRY(read_fact(&r, data, i, err));
    count_undocumented(&r, data);
    find_facts(&r, data);
    return STATUS_OK;
}

Status score_read_facts(CaseFacts **out, Arena *keep, Arena scratch, const char *path,
                        uint64_t unpacked_max, const Policy *policy, Dataset *data, Error *err)
{
    return case_facts_read(out, keep, scratch, path, NULL, unpacked_max, policy, data, err);
}

/* ---- an earlier run ---- */

/* A cell that a spreadsheet would take for a formula was written behind an apostrophe. */
static size_t find_written(const Dataset *data, Str id)
{
    size_t customer = find_customer(data, id);
    if (customer == data->customers && id.size > 1 && id.data[0] == '\'')
        customer = find_customer(data, str_slice(id, 1, id.size));
    return customer;
}

static const char not_a_run[] = "give the folder of a run, as `assay run` or `assay score --out` "
                                "left it";

static Status refuse_twice(Error *err, const char *path, uint64_t line)
{
    (void)refuse(err, path, line, STATUS_FORMAT, S("the earlier run holds a customer twice"));
    return error_remedy(err, "%s", not_a_run);
}

static Status check_times(Error *err, const char *path, uint64_t line, const Earlier *e,
                          int64_t as_of_us)
{
    if (e->since_us <= as_of_us && e->lower_since_us <= as_of_us)
        return STATUS_OK;
    (void)refuse(err, path, line, STATUS_DATA,
                 S("the earlier run knows of a later time than this one's as_of"));
    return error_remedy(err, "give a run that came before, or a later --as-of");
}

Status case_earlier_read(Earlier **out, Arena *keep, Arena scratch, const char *path,
                         const Str *bytes, Dataset *data, Error *err)
{
    static const Str segments[SEGMENTS] = {{"Low", 3}, {"Medium", 6}, {"High", 4}};
    static const CsvColumn column[] = {
        {.name = {"customer_id", 11}, .type = TYPE_TEXT, .required = true, .key = true},
        {.name = {"segment", 7},
         .type = TYPE_CATEGORY,
         .required = true,
         .key = true,
         .values = segments,
         .value_count = SEGMENTS},
        {.name = {"segment_since", 13}, .type = TYPE_TIME, .required = true, .key = true},
        {.name = {"segment_lower_since", 19}, .type = TYPE_TIME, .required = true}};
    const CsvOptions options = {
        .absent_hint = S("decide the earlier customers again with this version, or leave "
                         "--previous out")};
    Quarantine *aside = quarantine_new(keep);
    Table *rows;
    TRY(read_rows(&rows, keep, scratch, path, bytes, column, COUNT_OF(column), &options, aside,
                  err));
    TRY(refuse_unread(err, path, aside, not_a_run));
    Earlier *earlier = *out = ARENA_ARRAY(keep, Earlier, data->customers + 1);
    const Column *id = &rows->column[0], *segment = &rows->column[1];
    const Column *since = &rows->column[2], *lower = &rows->column[3];
    size_t found = 0;
    for (size_t i = 0; i < rows->rows; i++) {
        size_t customer = find_written(data, id->dictionary->text[id->code[i]]);
        if (customer == data->customers)
            continue;
        Earlier e = {.known = true,
                     .since_us = since->integer[i],
                     .lower_since_us = column_valid(lower, i) ? lower->integer[i] : NO_TIME};
        for (size_t s = 0; s < SEGMENTS; s++)
            if (str_equal(segments[s], segment->dictionary->text[segment->code[i]]))
                e.segment = (Segment)s;
        TRY(check_times(err, path, rows->line[i], &e, data->as_of_us));
        if (earlier[customer].known)
            return refuse_twice(err, path, rows->line[i]);
        earlier[customer] = e;
        found++;
    }
    findings_add(data->findings, SEVERITY_WARNING, "earlier_run_of_others", found == 0,
                 S("no customer of the earlier run is in these files"),
                 S("every segment begins anew"));
    return STATUS_OK;
}

Status score_read_earlier(Earlier **out, Arena *keep, Arena scratch, const char *folder,
                          Dataset *data, Error *err)
{
    return case_earlier_read(out, keep, scratch, path_join(keep, folder, "decisions.csv"), NULL,
                             data, err);
}
