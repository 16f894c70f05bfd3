/* assay score - decisions for new customers with a saved bundle. */
#include "cli/beside.h"
#include "cli/commands.h"

#include "report/report.h"

#include <string.h>

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle of a run or a training", true},
    {"customers", "FILE", "customers to be scored: a file, a pattern or -; may be given again",
     true},
    {"transactions", "FILE", "their transactions; likewise", false},
    {"as-of", "TIME", "the instant up to which things are known (default: the latest event)",
     false},
    {"max-bad-rows", "SHARE", "share of unreadable rows that a file may hold (default 0.01)",
     false},
    {"max-unpacked", "SIZE",
     "most that a compressed file may unpack to (default 200 times its size, 64M at least)", false},
    {"language", "en|fr", "of the sentences in decisions and lists (default en)", false},
    {"out", "FOLDER",
     "write a whole run folder, with drift and report, instead of CSV; an earlier run there is "
     "removed at once",
     false},
    {"reasons", "yes|no",
     "no: the log of a run folder says no reasons, which take most of the time; the lists do "
     "(default yes)",
     false},
    {"changes", "yes|no",
     "no: what would change the outcome is not looked for; else it is for the first 100 of either "
     "list (default yes)",
     false},
    {"quarantine", "FILE",
     "where rows that cannot be used are written, if there are any (default quarantine.csv)",
     false},
    {0}};

static const Option *const shared[] = {beside_options, NULL};

static void add_real(Buffer *b, double value)
{
    char text[NUMBER_TEXT];
    buffer_char(b, ',');
    if (!is_missing(value))
        buffer_add(b, double_text(text, value));
}

enum { ROWS_BLOCK = 4096 };

static void add_row(Buffer *b, const Decision *d)
{
    csv_write_cell(b, d->id, true);
    buffer_format(b, ",%.*s,%.*s", STR_ARG(segment_name(d->segment)),
                  STR_ARG(action_name(d->action)));
    add_real(b, d->probability);
    add_real(b, d->probability_low);
    add_real(b, d->probability_high);
    buffer_format(b, ",%s,%zu,", d->insufficient_data ? "true" : "false", d->families);
    csv_write_cell(b, d->because, true);
}

/* A block of customers at a time; nobody asks for their reasons. */
static Status answer_table(const Bundle *bundle, const Scored *scored, Team *team, Error *err)
{
    Scored brief = *scored;
    brief.options.brief = true;
    Arena own = arena_new(), text = arena_new(), scratch = arena_new();
    Status status = STATUS_OK;
    answer(S("customer_id,segment,action,probability,probability_low,probability_high,"
             "insufficient_data,families,because"));
    for (size_t first = 0; first < scored->count && status == STATUS_OK; first += ROWS_BLOCK) {
        Arena block = own;
        size_t left = scored->count - first, n = left < ROWS_BLOCK ? left : ROWS_BLOCK;
        uint32_t *position = ARENA_ARRAY(&block, uint32_t, n);
        for (size_t i = 0; i < n; i++)
            position[i] = (uint32_t)(first + i);
        Decision *made;
        status = score_decide(&made, &block, scratch, bundle, &brief, position, n, team, err);
        for (size_t i = 0; i < n && status == STATUS_OK; i++) {
            Arena one = text;
            Buffer b = buffer_new(&one);
            add_row(&b, &made[i]);
            answer(buffer_str(&b));
        }
    }
    arena_free(&own);
    arena_free(&text);
    arena_free(&scratch);
    return status;
}

static Status read_files(Dataset **out, const Args *args, const Schema *schema, Arena scratch,
                         const char *quarantine, Error *err)
{
    DatasetInputs in = {.progress = &args->progress,
                        .score_customers = args_files(args, "customers"),
                        .score_transactions = args_files(args, "transactions")};
    TRY(args_time(&in.as_of_us, &in.has_as_of, args, "as-of", err));
    TRY(args_real(&in.bad_rows_max, args, "max-bad-rows", 0.01, 0, 1, err));
    TRY(args_size(&in.unpacked_max, args, "max-unpacked", err));
    Status status = dataset_read(out, args->arena, scratch, schema, &in, err);
    const Quarantine *aside =
        status == STATUS_OK || status == STATUS_GATE ? (*out)->quarantine : NULL;
    if (aside == NULL || aside->count == 0)
        return status;
    TRY(quarantine_write(aside, quarantine, status == STATUS_OK ? err : NULL));
    talk(args, "%zu rows could not be used; each is in %s with its reason", aside->count,
         quarantine);
    return status;
}

/* A run folder as `assay run` leaves it, without what learning would add. */
static Status write_folder(const Args *args, Bundle *bundle, const Dataset *data,
                           const Scored *scored, const Drift *drift, Timing *timing,
                           Language language, bool changes, const char *out, Error *err)
{
    Run run = {.version = S(ASSAY_VERSION),
               .command = args->line,
               .seed = bundle->seed,
               .language = language,
               .data = data,
               .plan = bundle->plan,
               .policy = bundle->policy,
               .bundle = bundle,
               .events = scored->events,
               .drift = drift,
               .scored = scored,
               .case_facts = args_value(args, "case-facts", NULL),
               .previous = args_value(args, "previous", NULL),
               .timing = timing,
               .timings = 1,
               .team = args->team};
    TRY(store_lists(&run, args->arena, err));
    if (changes)
        TRY(store_changes(&run, args->arena, err));
    Arena scratch = arena_new();
    progress_tell(&args->progress, "describing the data", 0, 1);
    run.description = describe_dataset(args->arena, scratch, data, bundle->plan, scored->events,
                                       scored->features, args->team);
    arena_free(&scratch);
    TRY(report_write(&run, path_join(args->arena, out, "report.html"), err));
    TRY(report_note_write(&run, out, err));
    /* What decided goes with the decisions: they can be made again from the folder alone. */
    TRY(bundle_write(bundle, path_join(args->arena, out, "bundle"), err));
    TRY(store_run(&run, out, err));
    answer(str_trim(report_summary(args->arena, &run, out)));
    return STATUS_OK;
}

static Status yes_or_no(bool *out, const Args *args, const char *option, Error *err)
{
    const char *value = args_value(args, option, "yes");
    *out = strcmp(value, "yes") == 0;
    if (*out || strcmp(value, "no") == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--%s takes yes or no, and got `%.40s`", option, value);
    return error_remedy(err, "write --%s no", option);
}

static Status run(const Args *args, Error *err)
{
    Arena *keep = args->arena;
    Arena scratch = arena_new();
    Bundle *bundle;
    Dataset *data;
    Scored *scored;
    Drift *drift;
    int64_t began = clock_monotonic_us();
    const char *out = args_value(args, "out", NULL);
    const char *quarantine = out == NULL ? args_value(args, "quarantine", "quarantine.csv")
                                         : path_join(keep, out, "quarantine.csv");
    ScoreOptions beside;
    bool reasons, changes;
    TRY(yes_or_no(&reasons, args, "reasons", err));
    TRY(yes_or_no(&changes, args, "changes", err));
    TRY(beside_check(args, out, err));
    TRY(bundle_open(&bundle, keep, args_value(args, "bundle", ""), err));
    if (out != NULL) {
        talk_replacing(args, out);
        TRY(store_begin(out, err));
    }
    TRY(read_files(&data, args, bundle->schema, scratch, quarantine, err));
    TRY(score_check_columns(bundle->plan, bundle->skip, data, err));
    TRY(beside_read(&beside, args, bundle->policy, data, scratch, err));
    TRY(args_language(&beside.language, args, bundle->messages, err));
    beside.brief = !reasons;
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, data->customers + 1);
    for (size_t i = 0; i < data->customers; i++)
        row[i] = (uint32_t)i;
    progress_tell(&args->progress, "scoring", 0, 1);
    TRY(score_dataset(&scored, keep, scratch, bundle, data, row, data->customers, &beside,
                      args->team, err));
    progress_tell(&args->progress, "comparing with training", 0, 1);
    TRY(score_drift(&drift, keep, scratch, bundle, data, scored, args->team, err));
    progress_tell(&args->progress, "done", 1, 1);
    talk_findings(args, data->findings, 0, SEVERITY_INFO);
    Timing timing = {"score", (double)(clock_monotonic_us() - began) / 1e6};
    if (out == NULL)
        TRY(answer_table(bundle, scored, args->team, err));
    else
        TRY(write_folder(args, bundle, data, scored, drift, &timing, beside.language, changes, out,
                         err));
    arena_free(&scratch);
    return STATUS_OK;
}

const Command command_score = {
    .name = "score",
    .says = "score customers with a saved bundle; CSV on standard output",
    .example = "  assay score --bundle out/bundle --customers unlabelled_users.csv \\\n"
               "              --transactions unlabelled_transactions.csv > decisions.csv\n"
               "  assay score --bundle out/bundle --customers unlabelled_users.csv \\\n"
               "              --transactions unlabelled_transactions.csv --out next_month\n"
               "  assay score --bundle out/bundle --customers unlabelled_users.csv \\\n"
               "              --transactions unlabelled_transactions.csv --previous next_month \\\n"
               "              --case-facts case_facts.csv --out the_month_after",
    .options = options,
    .shared = shared,
    .run = run};
