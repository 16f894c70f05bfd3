/* assay verify - is a bundle, or a whole run folder, what it was when it was written? */
#include "cli/commands.h"

#ifdef ASSAY_SERVICE
#include "database/database.h"
#endif
#include "store/store.h"

#include <string.h>

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle of a run or a training", false},
    {"run", "FOLDER", "a run folder: its files, its log of decisions and its bundle", false},
    {"head", "SUM", "the head of the chain, as it was noted elsewhere", false},
#ifdef ASSAY_SERVICE
    {"store", "URL", "a service's store (sqlite:FILE or postgresql://...): its chain", false},
#endif
    {0}};

static Status verify_bundle(const Args *args, const char *folder, Error *err)
{
    Bundle *b;
    const Str *names;
    char time[TIME_TEXT];
    TRY(bundle_open(&b, args->arena, folder, err));
    Str how = b->imported.size == 0 || b->customers > 0
                  ? str_format(args->arena, "%s on %zu customers (%zu suspended)",
                               b->imported.size == 0 ? "trained" : "imported, calibrated",
                               b->customers, b->positives)
                  : S("imported, not calibrated");
    answer(str_format(args->arena,
                      "bundle %.12s is whole: %.*s of %zu columns, %.*s as of %.*s by assay %.*s; "
                      "golden rows and customers give equal answers",
                      b->id, STR_ARG(model_kind_name(b->model)), model_columns(b->model, &names),
                      STR_ARG(how), STR_ARG(time_text(time, b->as_of_us)), STR_ARG(b->version)));
    return STATUS_OK;
}

static Status verify_run(const Args *args, const char *folder, Error *err)
{
    Verified v;
    TRY(store_verify(&v, args->arena, folder, str_from(args_value(args, "head", "")), err));
    answer(str_format(args->arena,
                      "run %s is whole: %zu decisions in one chain, %zu files, bundle %.12s\n"
                      "head %.*s",
                      folder, v.decisions, v.files, v.bundle->id, STR_ARG(v.head)));
    return STATUS_OK;
}

#ifdef ASSAY_SERVICE
/* A service may be at work on it meanwhile. */
static Status verify_store(const Args *args, const char *url, Error *err)
{
    Database *d;
    ChainState c;
    const char *head = args_value(args, "head", NULL);
    if (str_starts(str_from(url), S("sqlite:")) && !file_exists(url + strlen("sqlite:"))) {
        (void)error_set(err, STATUS_IO, "there is no such store");
        (void)error_place(err, url + strlen("sqlite:"), 0, 0);
        return error_remedy(err, "name the file that `store` in serve.yaml names");
    }
    TRY(database_open(&d, url, 1, err));
    Status s = database_verify(d, &c, str_from(head), err);
    database_close(d);
    TRY(s);
    answer(str_format(args->arena,
                      "store is whole: %zu decisions in one chain, %zu of them erased by %zu "
                      "erasures\nhead %s",
                      c.decisions, c.erased, c.erasures, c.head));
    return STATUS_OK;
}
#endif

static Status run(const Args *args, Error *err)
{
    const char *store = NULL;
#ifdef ASSAY_SERVICE
    store = args_value(args, "store", NULL);
#endif
    const char *bundle = args_value(args, "bundle", NULL), *folder = args_value(args, "run", NULL);
    if ((size_t)(bundle != NULL) + (size_t)(folder != NULL) + (size_t)(store != NULL) +
            args->operands !=
        1) {
        (void)error_set(err, STATUS_USAGE, "verify takes one folder");
        return error_remedy(err,
                            "give a run folder (--run), a bundle (--bundle), or either of them "
                            "alone");
    }
#ifdef ASSAY_SERVICE
    if (store != NULL)
        return verify_store(args, store, err);
#endif
    if (args->operands == 1) {
        const char *given = args->operand[0];
        bool plain = file_exists(path_join(args->arena, given, "bundle.json"));
        *(plain ? &bundle : &folder) = given;
    }
    return bundle != NULL ? verify_bundle(args, bundle, err) : verify_run(args, folder, err);
}

const Command command_verify = {
    .name = "verify",
    .says = "check a run folder: files, log, bundle; or a bundle: sums, books, model, golden rows",
    .example = "  assay verify out\n"
               "  assay verify --bundle out/bundle",
    .operand = "FOLDER",
    .options = options,
    .run = run};
