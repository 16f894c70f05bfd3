/* assay profile - what any files hold, before anything is done with them. */
#include "cli/commands.h"

#include "report/report.h"

#include <string.h>

static const Option options[] = {
    {"html", "FILE", "write a page with charts there, too", false},
    {"json", NULL, "answer in JSON instead of a table", false},
    {"values", "yes|no", "show values of single rows: examples, least, greatest (default yes)",
     false},
    {"header", "yes|no", "whether the first line names the columns (default yes)", false},
    {"max-unpacked", "SIZE",
     "most that a compressed file may unpack to (default 200 times its size, 64M at least)", false},
    {0}};

static Status yes_or_no(bool *out, const Args *args, const char *name, Error *err)
{
    const char *given = args_value(args, name, "yes");
    *out = strcmp(given, "yes") == 0;
    if (*out || strcmp(given, "no") == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--%s takes yes or no, and got `%.40s`", name, given);
    return error_remedy(err, "leave it out for yes");
}

static Status run(const Args *args, Error *err)
{
    bool values, header;
    Survey *survey;
    const char **path = NULL;
    size_t count = 0, capacity = 0;
    if (args->operands == 0) {
        (void)error_set(err, STATUS_USAGE, "profile needs a file");
        return error_remedy(err, "%s profile data.csv", args->program);
    }
    for (size_t i = 0; i < args->operands; i++) {
        const char **found;
        size_t some = file_glob(&found, args->arena, args->operand[i]);
        for (size_t k = 0; k < some; k++)
            *ARENA_PUSH(args->arena, path, count, capacity) = found[k];
    }
    SurveyInputs in = {.files = {path, count}, .progress = &args->progress};
    TRY(yes_or_no(&values, args, "values", err));
    TRY(yes_or_no(&header, args, "header", err));
    TRY(args_size(&in.unpacked_max, args, "max-unpacked", err));
    in.hide_values = !values;
    in.no_header = !header;
    int64_t began = clock_monotonic_us();
    Arena scratch = arena_new();
    Status status = survey_read(&survey, args->arena, scratch, &in, err);
    arena_free(&scratch);
    TRY(status);
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    const char *page = args_value(args, "html", NULL);
    if (page != NULL)
        TRY(report_survey_write(survey, S(ASSAY_VERSION), page, err));
    answer(str_trim(args_flag(args, "json") ? store_survey(args->arena, survey)
                                            : report_survey(args->arena, survey)));
    talk(args, "%llu rows in %.2f s (%.0f rows/s)", (unsigned long long)survey->rows, seconds,
         seconds > 0 ? (double)survey->rows / seconds : 0);
    return STATUS_OK;
}

const Command command_profile = {
    .name = "profile",
    .says = "look at any CSV files: columns, missing values, distributions, what is odd, keys",
    .example = "  assay profile labelled_users.csv labelled_transactions.csv --html profile.html",
    .operand = "FILE...",
    .options = options,
    .run = run};
