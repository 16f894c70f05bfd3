/* assay explain - one customer's case on the terminal, as a page, as JSON. */
#include "cli/commands.h"

#include "cli/beside.h"
#include "cli/pane.h"
#include "cli/screen.h"
#include "report/report.h"

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle to decide with", false},
    {"customers", "FILE", "with --bundle: customers to be scored; may be given again", false},
    {"transactions", "FILE", "with --bundle: their transactions; likewise", false},
    {"as-of", "TIME",
     "with --bundle: the instant up to which things are known (default: the "
     "latest event)",
     false},
    {"html", "FILE", "write the case as a page of its own instead", false},
    {"json", NULL, "print the case as JSON instead", false},
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

/* What a case is made of, wherever it came from. */
typedef struct Found {
    Bundle *bundle;
    Dataset *data;
    Scored *scored;
    Decision *decision;
    size_t position;
    Str decision_id;
    ScoreOptions options;
} Found;

static Status not_found(const Args *args, Str wanted, const Str *id, size_t count, Error *err)
{
    Str *near;
    Arena scratch = arena_new();
    size_t found = explain_near(&near, args->arena, scratch, id, count, wanted);
    arena_free(&scratch);
    Str shown = terminal_text(args->arena, str_slice(wanted, 0, 80), true);
    if (str_trim(wanted).size == 0)
        (void)error_set(err, STATUS_DATA, "the id of a customer is not empty");
    else
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

static Status from_files(Found *f, const Args *args, Str wanted, Error *err)
{
    Arena *keep = args->arena;
    Arena scratch = arena_new();
    DatasetInputs in = {.progress = &args->progress,
                        .score_customers = args_files(args, "customers"),
                        .score_transactions = args_files(args, "transactions")};
    TRY(args_need(args, "customers", err));
    TRY(args_time(&in.as_of_us, &in.has_as_of, args, "as-of", err));
    TRY(args_real(&in.bad_rows_max, args, "max-bad-rows", 0.01, 0, 1, err));
    TRY(args_size(&in.unpacked_max, args, "max-unpacked", err));
    TRY(bundle_open(&f->bundle, keep, args_value(args, "bundle", ""), err));
    TRY(dataset_read(&f->data, keep, scratch, f->bundle->schema, &in, err));
    TRY(score_check_columns(f->bundle->plan, f->bundle->skip, f->data, err));
    size_t customer;
    if (!explain_find(&customer, f->data, wanted))
        return not_found(args, wanted, f->data->id, f->data->customers, err);
    Language language = f->options.language;
    TRY(beside_read(&f->options, args, f->bundle->policy, f->data, scratch, err));
    f->options.language = language;
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, 1);
    row[0] = (uint32_t)customer;
    TRY(score_dataset(&f->scored, keep, scratch, f->bundle, f->data, row, 1, &f->options,
                      args->team, err));
    TRY(score_decide(&f->decision, keep, scratch, f->bundle, f->scored, (uint32_t[]){0}, 1,
                     args->team, err));
    arena_free(&scratch);
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    Found f = {0};
    Case *c;
    Change *change;
    Messages *words;
    Look look;
    TRY(screen_look(&look, args, err));
    if (args->operands != 1) {
        (void)error_set(err, STATUS_USAGE, "explain takes one customer, and got %zu",
                        args->operands);
        return error_remedy(err, "write the customer's id, in quotes where it holds a space");
    }
    TRY(args_messages(&words, args, err));
    TRY(args_language(&f.options.language, args, words, err));
    TRY(args_need(args, "bundle", err));
    TRY(from_files(&f, args, str_from(args->operand[0]), err));
    Arena scratch = arena_new();
    const CaseInputs inputs = {.bundle = f.bundle,
                               .data = f.data,
                               .scored = f.scored,
                               .position = f.position,
                               .decision = f.decision,
                               .decision_id = f.decision_id,
                               .words = words};
    TRY(explain_case(&c, args->arena, scratch, &inputs, err));
    const uint32_t position = (uint32_t)f.position;
    TRY(explain_changes(&change, args->arena, scratch, f.bundle, f.scored, &position, 1, args->team,
                        err));
    look.version = S(ASSAY_VERSION);
    look.bundle = str_from(f.bundle->id);
    const char *page = args_value(args, "html", NULL);
    if (page != NULL) {
        TRY(file_write(page, report_dossier(args->arena, c, change, look.version, f.bundle), err));
        talk(args, "the case is in %s; it holds personal data", page);
    } else if (args_flag(args, "json"))
        answer(str_trim(store_case(args->arena, c, change, look.version, f.bundle)));
    else
        answer(screen_case(args->arena, c, change, &look));
    arena_free(&scratch);
    return STATUS_OK;
}

const Command command_explain = {
    .name = "explain",
    .says = "one customer's case: what stands out, what the money did, what speaks for the "
            "customer",
    .operand = "CUSTOMER",
    .example = "  assay explain S-0042 --bundle out/bundle --customers unlabelled_users.csv \\\n"
               "                --transactions unlabelled_transactions.csv",
    .options = options,
    .shared = shared,
    .run = run};
