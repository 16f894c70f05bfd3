/* assay explain - one customer's case on the terminal, as a page, as JSON. */
#include "cli/commands.h"

#include "cli/beside.h"
#include "cli/pane.h"
#include "cli/screen.h"
#include "record/record.h"
#include "report/report.h"

static const Option options[] = {
    {"run", "FOLDER", "the run folder that the decision is in", false},
    {"bundle", "FOLDER", "instead of --run: a bundle to decide with anew", false},
    {"customers", "FILE", "with --bundle: customers to be scored; may be given again", false},
    {"transactions", "FILE", "with --bundle: their transactions; likewise", false},
    {"as-of", "TIME",
     "with --bundle: the instant up to which things are known (default: the "
     "latest event)",
     false},
    {"html", "FILE", "write the case as a page of its own", false},
    {"json", NULL, "print the case as JSON", false},
    {"language", "en|fr", "of sentences and labels (default en)", false},
    {"width", "N", "cells of a line, 40 to 160 (default: the terminal's, else 100)", false},
    {"color", "auto|always|never", "colours (default auto: on a terminal, unless NO_COLOR is set)",
     false},
    {"max-bad-rows", "SHARE", "share of unreadable rows that a file may hold (default 0.01)",
     false},
    {"max-unpacked", "SIZE",
     "most that a compressed file may unpack to (default 200 times its size, 64M at least)", false},
    {0}};

static const Option *const shared[] = {beside_options, NULL};

static const uint32_t first; /* the one position there is */

/* What a case is made of, wherever it came from. */
typedef struct Found {
    const Bundle *bundle;
    const Dataset *data;
    const Scored *scored;
    const Decision *decision;
    size_t position;
    Str decision_id;
    bool other; /* the decision made again is not the one recorded */
} Found;

static Status not_found(const Args *args, Str wanted, const Str *id, size_t count, Error *err)
{
    Str *near;
    Arena scratch = arena_new();
    size_t found = explain_near(&near, args->arena, scratch, id, count, wanted);
    arena_free(&scratch);
    Str shown = terminal_text(args->arena, str_slice(wanted, 0, 80), true);
    (void)error_set(err, STATUS_DATA, "there is no customer %.*s", STR_ARG(shown));
    Buffer b = buffer_new(args->arena);
    for (size_t i = 0; i < found; i++) {
        Str one = terminal_text(args->arena, str_slice(near[i], 0, 60), true);
        buffer_format(&b, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(one));
    }
    Str list = buffer_str(&b);
    if (found == 0)
        return error_remedy(err, "give an id as it stands in the files; none is like it");
    return error_remedy(err, "the nearest: %.*s", STR_ARG(list));
}

static Status from_files(Found *f, const Args *args, Str wanted, Language language, Error *err)
{
    Arena *keep = args->arena;
    Arena scratch = arena_new();
    Bundle *bundle;
    Dataset *data;
    Scored *scored;
    Decision *decision;
    ScoreOptions with;
    size_t customer;
    DatasetInputs in = {.progress = &args->progress,
                        .score_customers = args_files(args, "customers"),
                        .score_transactions = args_files(args, "transactions")};
    TRY(args_need(args, "customers", err));
    TRY(args_time(&in.as_of_us, &in.has_as_of, args, "as-of", err));
    TRY(args_real(&in.bad_rows_max, args, "max-bad-rows", 0.01, 0, 1, err));
    TRY(args_size(&in.unpacked_max, args, "max-unpacked", err));
    TRY(bundle_open(&bundle, keep, args_value(args, "bundle", ""), err));
    TRY(dataset_read(&data, keep, scratch, bundle->schema, &in, err));
    TRY(score_check_columns(bundle->plan, bundle->skip, data, err));
    if (!explain_find(&customer, data, wanted))
        return not_found(args, wanted, data->id, data->customers, err);
    TRY(beside_read(&with, args, bundle->policy, data, scratch, err));
    with.language = language;
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, 1);
    row[0] = (uint32_t)customer;
    TRY(score_dataset(&scored, keep, scratch, bundle, data, row, 1, &with, args->team, err));
    TRY(score_decide(&decision, keep, scratch, bundle, scored, &first, 1, args->team, err));
    *f = (Found){.bundle = bundle, .data = data, .scored = scored, .decision = decision};
    arena_free(&scratch);
    return STATUS_OK;
}

/* The decision made again from the run folder alone; in the language that it was made in unless
 * another one is asked for. */
static Status from_run(Found *f, const Args *args, Str wanted, Language language, Error *err)
{
    Arena *keep = args->arena;
    Arena scratch = arena_new();
    Replayed r;
    TRY(store_replay(&r, keep, scratch, args_value(args, "run", ""), wanted, err));
    *f = (Found){.bundle = r.bundle,
                 .data = r.data,
                 .scored = r.scored,
                 .decision = r.decision,
                 .decision_id = r.id,
                 .other = !str_equal(r.recorded, r.made)};
    if (args_value(args, "language", NULL) != NULL && language != r.scored->options.language) {
        Decision *decision;
        Scored *scored = ARENA_NEW(keep, Scored);
        *scored = *r.scored;
        scored->options.language = language;
        TRY(score_decide(&decision, keep, scratch, r.bundle, scored, &first, 1, args->team, err));
        f->scored = scored;
        f->decision = decision;
    }
    arena_free(&scratch);
    return STATUS_OK;
}

static Status find(Found *f, const Args *args, Language language, Error *err)
{
    bool run = args_value(args, "run", NULL) != NULL, files = args_value(args, "bundle", NULL);
    if (args->operands != 1) {
        (void)error_set(err, STATUS_USAGE, "explain takes one customer, and got %zu",
                        args->operands);
        return error_remedy(err, "write the customer's id, in quotes where it holds a space");
    }
    Str wanted = str_from(args->operand[0]);
    if (str_trim(wanted).size == 0) {
        (void)error_set(err, STATUS_USAGE, "the id of a customer is not empty");
        return error_remedy(err, "write it as it stands in the files");
    }
    if (run == files) {
        (void)error_set(err, STATUS_USAGE, "explain needs %s",
                        run ? "one of --run and --bundle, not both" : "--run or --bundle");
        return error_remedy(err,
                            "--run explains a decision of a run; --bundle, with --customers and "
                            "--transactions, decides anew");
    }
    return run ? from_run(f, args, wanted, language, err)
               : from_files(f, args, wanted, language, err);
}

static Status show(const Args *args, const Found *f, const Case *c, const Change *change,
                   Look *look, Error *err)
{
    const char *page = args_value(args, "html", NULL);
    look->version = S(ASSAY_VERSION);
    look->bundle = str_from(f->bundle->id);
    if (page != NULL) {
        TRY(file_write(page, report_dossier(args->arena, c, change, look->version, f->bundle),
                       err));
        talk(args, "the case is in %s; it holds personal data", page);
    }
    if (args_flag(args, "json"))
        answer(str_trim(record_case(args->arena, c, change, look->version, f->bundle)));
    else if (page == NULL)
        answer(screen_case(args->arena, c, change, look));
    if (!f->other)
        return STATUS_OK;
    (void)error_set(err, STATUS_GATE, "the decision made again is not the one that is recorded");
    return error_remedy(err, "`assay replay` says where they differ, `assay verify` what was "
                             "changed; do not rely on this case");
}

static Status run(const Args *args, Error *err)
{
    Found f = {0};
    Case *c;
    Change *change;
    Messages *words;
    Language language;
    Look look;
    TRY(screen_look(&look, args, err));
    TRY(args_messages(&words, args, err));
    TRY(args_language(&language, args, words, err));
    TRY(find(&f, args, language, err));
    Arena scratch = arena_new();
    const CaseInputs inputs = {.bundle = f.bundle,
                               .data = f.data,
                               .scored = f.scored,
                               .position = f.position,
                               .decision = f.decision,
                               .decision_id = f.decision_id,
                               .words = words};
    const uint32_t position = (uint32_t)f.position;
    TRY(explain_case(&c, args->arena, scratch, &inputs, err));
    TRY(explain_changes(&change, args->arena, scratch, f.bundle, f.scored, &position, 1, args->team,
                        err));
    arena_free(&scratch);
    return show(args, &f, c, change, &look, err);
}

const Command command_explain = {
    .name = "explain",
    .says = "one customer's case: what stands out, what the money did, what speaks for the "
            "customer",
    .operand = "CUSTOMER",
    .example = "  assay explain C000042 --run out\n"
               "  assay explain C000042 --run out --html case.html --language fr\n"
               "  assay explain C000042 --bundle out/bundle --customers unlabelled_users.csv \\\n"
               "                --transactions unlabelled_transactions.csv",
    .options = options,
    .shared = shared,
    .run = run};
