/* plant.c - leaks planted on purpose, for an audit to find: columns of the customers' files, and
 * books whose last features read them. */
#include "synth/synth_internal.h"

#include "book/book.h"

typedef struct Planted {
    const char *name, *column, *type;
    const char *feature; /* the rest of it; NULL: none reads the column */
} Planted;

static const Planted planted[PLANTS] = {
    [PLANT_LABEL_COLUMN] = {"label_column", "review_code", "category",
                            "expr: review_code = 'R7', use: model, family: planted, says: Code of "
                            "the last review"},
    [PLANT_POSITIVE_ONLY_COLUMN] =
        {"positive_only_column", "closure_reason", "category",
         "expr: closure_reason is not null, use: model, family: planted, "
         "says: A reason for closing is on record"},
    [PLANT_POST_OUTCOME_COUNTER] = {"post_outcome_counter", "contacts_90d", "int64",
                                    "expr: contacts_90d, use: model, family: planted, says: "
                                    "Contacts with the service in ninety days"},
    [PLANT_COHORT_SHIFT] = {"cohort_shift", "app_build", "int64",
                            "expr: app_build, use: model, family: planted, says: Build of the app"},
    [PLANT_PERSON_TWICE] = {"person_twice", "person_id", "text", NULL}};

const char *plant_name(Plant plant)
{
    return planted[plant].name;
}

static bool has(const SynthOptions *o, Plant plant)
{
    return (o->plants & 1u << plant) != 0;
}

void plant_header(Buffer *b, const SynthOptions *o)
{
    for (unsigned k = 0; k < PLANTS; k++)
        if (has(o, (Plant)k))
            buffer_format(b, ",%s", planted[k].column);
}

/* Every version of a row has the same, so all is drawn anew from the customer's seed. */
void plant_cells(Buffer *b, const Customer *c, const SynthOptions *o, uint64_t seed)
{
    static const char *const reasons[] = {"REQUEST", "REVIEW", "PARTNER"};
    bool known = c->suspended && c->cohort == COHORT_LABELLED; /* the outcome is */
    Random r = random_new(seed_derive(seed, PART_PLANT));
    uint64_t reason = random_below(&r, COUNT_OF(reasons)), few = random_below(&r, 4);
    uint64_t many = 2 + random_below(&r, 12), build = random_below(&r, 60);
    uint64_t person = random_next(&r);
    if (has(o, PLANT_LABEL_COLUMN))
        buffer_add(b, known ? S(",R7") : S(",R1"));
    if (has(o, PLANT_POSITIVE_ONLY_COLUMN))
        buffer_format(b, ",%s",
                      known || (c->cohort != COHORT_LABELLED && person % 16 == 0) ? reasons[reason]
                                                                                  : "");
    if (has(o, PLANT_POST_OUTCOME_COUNTER))
        buffer_format(b, ",%llu", (unsigned long long)(known ? many : few));
    if (has(o, PLANT_COHORT_SHIFT)) {
        unsigned long long shifted = build;
        shifted += c->cohort == COHORT_LABELLED ? 400 : 435;
        buffer_format(b, ",%llu", shifted);
    }
    if (has(o, PLANT_PERSON_TWICE))
        buffer_format(b, ",p%016llx", (unsigned long long)person);
}

void plant_truth(Buffer *b, const Customer *c, const SynthOptions *o)
{
    const char *between = ",";
    bool known = c->suspended && c->cohort == COHORT_LABELLED;
    if (o->plants == 0)
        return;
    for (unsigned k = 0; k < PLANTS; k++) {
        bool here = k == PLANT_PERSON_TWICE   ? c->twin
                    : k == PLANT_COHORT_SHIFT ? c->cohort == COHORT_UNLABELLED
                                              : known;
        if (!has(o, (Plant)k) || !here)
            continue;
        buffer_format(b, "%s%s", between, planted[k].name);
        between = "+";
    }
    if (*between == ',')
        buffer_char(b, ',');
}

static void other_id(Uuid *id)
{
    id->high ^= 0x5A17000000000000u;
    id->low ^= 0x0000000000C0FFEEu;
}

void plant_disguise(Customer *c)
{
    other_id(&c->id);
    for (size_t i = 0; i < c->versions; i++)
        other_id(&c->version[i].session);
    for (size_t i = 0; i < c->events; i++) {
        other_id(&c->event[i].id);
        other_id(&c->event[i].reference);
    }
}

Status plant_books(Arena scratch, const char *folder, const SynthOptions *o, Error *err)
{
    Arena text = arena_new();
    Str schema = book_default_text("schema"), mark = S("\ntransactions:\n");
    size_t at = 0;
    while (at + mark.size < schema.size && !str_starts(str_slice(schema, at, schema.size), mark))
        at++;
    assert(at + mark.size < schema.size);
    Buffer b = buffer_new(&text);
    Str key = S("\n  key: user_id\n");
    size_t dated = 0;
    while (dated < at && !str_starts(str_slice(schema, dated, at), key))
        dated++;
    assert(dated < at);
    dated += key.size;
    buffer_add(&b, str_slice(schema, 0, dated));
    if (o->outcome_dates)
        buffer_add(&b, S("  outcome_at: suspended_at\n"));
    buffer_add(&b, str_slice(schema, dated, at));
    buffer_char(&b, '\n');
    if (o->outcome_dates)
        buffer_add(&b,
                   S("    - name: suspended_at\n      type: time\n      says: When suspended\n"));
    for (unsigned k = 0; k < PLANTS; k++)
        if (has(o, (Plant)k))
            buffer_format(&b, "    - name: %s\n      type: %s\n      says: Planted by synth\n",
                          planted[k].column, planted[k].type);
    buffer_add(&b, str_slice(schema, at, schema.size));
    Status status = file_write(path_join(&scratch, folder, "schema.yaml"), buffer_str(&b), err);
    if (o->plants == 0) { /* dates are no feature */
        arena_free(&text);
        return status;
    }
    b.size = 0;
    buffer_add(&b, book_default_text("features"));
    for (unsigned k = 0; k < PLANTS; k++)
        if (has(o, (Plant)k) && planted[k].feature != NULL)
            buffer_format(&b, "\n  - {name: planted_%s, %s}\n", planted[k].name,
                          planted[k].feature);
    if (status == STATUS_OK)
        status = file_write(path_join(&scratch, folder, "features.yaml"), buffer_str(&b), err);
    arena_free(&text);
    return status;
}
