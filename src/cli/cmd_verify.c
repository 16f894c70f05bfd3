/* assay verify - open a bundle as serving would, and say what it is. */
#include "cli/commands.h"

#include "score/score.h"

static const Option options[] = {{"bundle", "FOLDER", "the bundle of a run or a training", true},
                                 {0}};

static Status run(const Args *args, Error *err)
{
    Bundle *b;
    const Str *names;
    char time[TIME_TEXT];
    TRY(bundle_open(&b, args->arena, args_value(args, "bundle", ""), err));
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

const Command command_verify = {.name = "verify",
                                .says = "check a bundle: sums, books, model, golden rows",
                                .example = "  assay verify --bundle out/bundle",
                                .options = options,
                                .run = run};
