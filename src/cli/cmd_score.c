/* assay score - decisions for new customers with a saved bundle. */
#include "cli/commands.h"

#include "score/score.h"

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle of a run", true},
    {"customers", "FILE", "customers to be scored: a file, a pattern or -; may be given again",
     true},
    {"transactions", "FILE", "their transactions; likewise", false},
    {"as-of", "TIME", "the instant up to which things are known (default: the latest event)",
     false},
    {"max-bad-rows", "SHARE", "share of unreadable rows that a file may hold (default 0.01)",
     false},
    {"max-unpacked", "SIZE",
     "most that a compressed file may unpack to (default 200 times its size, 64M at least)", false},
    {"quarantine", "FILE",
     "where rows that cannot be used are written, if there are any (default quarantine.csv)",
     false},
    {0}};

static void add_real(Buffer *b, double value)
{
    char text[NUMBER_TEXT];
    buffer_char(b, ',');
    if (!is_missing(value))
        buffer_add(b, double_text(text, value));
}

static Str table_of(Arena *keep, const Scored *s)
{
    Buffer b = buffer_new(keep);
    buffer_add(&b, S("customer_id,segment,action,probability,probability_low,probability_high,"
                     "insufficient_data,families,because\n"));
    for (size_t i = 0; i < s->count; i++) {
        const Decision *d = &s->decision[i];
        csv_write_cell(&b, d->id, true);
        buffer_format(&b, ",%.*s,%.*s", STR_ARG(segment_name(d->segment)),
                      STR_ARG(action_name(d->action)));
        add_real(&b, d->probability);
        add_real(&b, d->probability_low);
        add_real(&b, d->probability_high);
        buffer_format(&b, ",%s,%zu,", d->insufficient_data ? "true" : "false", d->families);
        csv_write_cell(&b, d->because, true);
        buffer_char(&b, '\n');
    }
    b.size--; /* the last line's end is the answer's */
    return buffer_str(&b);
}

static Status run(const Args *args, Error *err)
{
    Arena *keep = args->arena;
    Arena scratch = arena_new();
    Bundle *bundle;
    Dataset *data;
    Scored *scored;
    DatasetInputs in = {.score_customers = args_files(args, "customers"),
                        .score_transactions = args_files(args, "transactions")};
    TRY(args_time(&in.as_of_us, &in.has_as_of, args, "as-of", err));
    TRY(args_real(&in.bad_rows_max, args, "max-bad-rows", 0.01, 0, 1, err));
    TRY(args_size(&in.unpacked_max, args, "max-unpacked", err));
    TRY(bundle_open(&bundle, keep, args_value(args, "bundle", ""), err));
    Status status = dataset_read(&data, keep, scratch, bundle->schema, &in, err);
    const char *quarantine = args_value(args, "quarantine", "quarantine.csv");
    if ((status == STATUS_OK || status == STATUS_GATE) && data->quarantine->count > 0) {
        TRY(quarantine_write(data->quarantine, quarantine, status == STATUS_OK ? err : NULL));
        talk(args, "%zu rows could not be used; each is in %s with its reason",
             data->quarantine->count, quarantine);
    }
    TRY(status);
    TRY(score_check_columns(bundle->plan, bundle->skip, data, err));
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, data->customers + 1);
    for (size_t i = 0; i < data->customers; i++)
        row[i] = (uint32_t)i;
    TRY(score_dataset(&scored, keep, scratch, bundle, data, row, data->customers, args->team, err));
    answer(table_of(keep, scored));
    for (size_t i = 0; i < data->findings->count; i++)
        talk(args, "%.*s: %.*s", STR_ARG(data->findings->item[i].what),
             STR_ARG(data->findings->item[i].done));
    arena_free(&scratch);
    return STATUS_OK;
}

const Command command_score = {
    .name = "score",
    .says = "score customers with a saved bundle; CSV on standard output",
    .example = "  assay score --bundle out/bundle --customers unlabelled_users.csv \\\n"
               "              --transactions unlabelled_transactions.csv > decisions.csv",
    .options = options,
    .run = run};
