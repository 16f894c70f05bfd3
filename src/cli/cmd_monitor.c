/* assay monitor - drift and performance from what a service wrote down, and from what became known
 * later. */
#include "cli/commands.h"

#include "monitor/monitor.h"
#include "telemetry/telemetry.h"

#include <string.h>

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle that decides; its reference is what is compared with", true},
    {"predictions", "FILE", "prediction logs, NDJSON, gzip too; patterns and several", false},
    {"labels", "FILE", "what became known: CSV of decision_id or customer_id, label, known_at",
     false},
    {"feedback", "FILE", "verdicts of analysts, NDJSON", false},
    {"groups", "FILE", "CSV of customer_id and any columns of groups to compare", false},
    {"hash-key", "FILE", "the service's key of hashes, where those files hold plain customer ids",
     false},
    {"out", "FOLDER", "where monitor.html, monitor.json and monitor.prom go", false},
    {"until", "TIME", "the end of the window; the last decision's time otherwise", false},
    {"window", "DURATION", "of what is watched and of what lies before; 7d", false},
    {"mature", "DURATION", "age from which labels of decisions count; 90d", false},
    {"floor", "SHARE", "that precision must not fall below; the policy book's otherwise", false},
    {"role", "champion|challenger", "whose decisions; champion", false},
    {"fail-on", "watch|act", "exit with 3 when an alert is so grave", false},
    {"schema", NULL, "print the prediction log's schema for BigQuery, and read no log", false},
    {0}};

static Status duration(int64_t *out, const Args *args, const char *name, const char *otherwise,
                       Error *err)
{
    const char *given = args_value(args, name, otherwise);
    if (parse_duration(str_from(given), out) && *out > 0 && *out <= 3650 * DAY_US)
        return STATUS_OK;
    (void)error_set(err, STATUS_USAGE, "--%s takes a duration such as 7d, not `%s`", name, given);
    return error_remedy(err, "90s, 10min, 6h, 14d and 2w are understood, up to 3650d");
}

static Status read_options(MonitorInputs *in, const Args *args, Error *err)
{
    const char *role = args_value(args, "role", "champion");
    InputFiles files = args_files(args, "predictions");
    const char **path = ARENA_ARRAY(args->arena, const char *, files.count + 1);
    for (size_t i = 0; i < files.count; i++)
        path[i] = files.item[i].path;
    in->predictions = path;
    in->files = files.count;
    in->labels = args_value(args, "labels", NULL);
    in->feedback = args_value(args, "feedback", NULL);
    in->groups = args_value(args, "groups", NULL);
    in->hash_key = args_value(args, "hash-key", NULL);
    in->challenger = strcmp(role, "challenger") == 0;
    in->version = S(ASSAY_VERSION);
    if (!in->challenger && strcmp(role, "champion") != 0)
        return error_set(err, STATUS_USAGE, "--role is champion or challenger, not `%s`", role);
    TRY(args_time(&in->until_us, &in->until_given, args, "until", err));
    TRY(duration(&in->window_us, args, "window", "7d", err));
    return duration(&in->mature_us, args, "mature", "90d", err);
}

static void say(const Args *args, const Monitor *m, const char *folder)
{
    static const char *const gravity[] = {"watch", "act"};
    for (size_t i = 0; i < m->alerts; i++) {
        const MonitorAlert *a = &m->alert[i];
        answer(str_format(args->arena, "%-5s %s%s%.*s: %.*s; threshold: %.*s", gravity[a->gravity],
                          a->code, a->about.size > 0 ? " " : "", STR_ARG(a->about),
                          STR_ARG(a->seen), STR_ARG(a->threshold)));
    }
    for (size_t i = 0; i < m->unknowns; i++)
        answer(str_format(args->arena, "not known: %.*s", STR_ARG(m->unknown[i])));
    answer(str_format(args->arena, "%zu alerts on %llu customers; %s has the rest", m->alerts,
                      (unsigned long long)m->now.customers,
                      path_join(args->arena, folder, "monitor.html")));
}

static Status run(const Args *args, Error *err)
{
    MonitorInputs in = {0};
    Bundle *bundle;
    Monitor *m;
    const char *folder = args_value(args, "out", NULL);
    const char *fail_on = args_value(args, "fail-on", NULL);
    if (fail_on != NULL && strcmp(fail_on, "watch") != 0 && strcmp(fail_on, "act") != 0)
        return error_set(err, STATUS_USAGE, "--fail-on is watch or act, not `%s`", fail_on);
    if (args_flag(args, "schema")) {
        TRY(bundle_open(&bundle, args->arena, args_value(args, "bundle", NULL), err));
        answer(str_trim(telemetry_prediction_schema(args->arena, bundle->plan)));
        return STATUS_OK;
    }
    TRY(args_need(args, "predictions", err));
    TRY(args_need(args, "out", err));
    TRY(read_options(&in, args, err));
    TRY(bundle_open(&bundle, args->arena, args_value(args, "bundle", NULL), err));
    in.bundle = bundle;
    TRY(args_real(&in.floor, args, "floor", policy_certify(bundle->policy).precision, 0, 1, err));
    Arena scratch = arena_new();
    Status status = monitor_read(&m, args->arena, scratch, &in, args->team, err);
    arena_free(&scratch);
    if (status != STATUS_OK)
        return status;
    TRY(monitor_write(m, folder, err));
    say(args, m, folder);
    size_t grave = 0;
    for (size_t i = 0; i < m->alerts; i++)
        grave += m->alert[i].gravity == GRAVITY_ACT || (fail_on != NULL && fail_on[0] == 'w');
    if (fail_on == NULL || grave == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_GATE, "%zu alerts are as grave as --fail-on %s asks for", grave,
                    fail_on);
    return error_remedy(err, "each alert in %s says what to do",
                        path_join(args->arena, folder, "monitor.html"));
}

const Command command_monitor = {
    .name = "monitor",
    .says = "drift, precision, reviews and alerts from a service's prediction logs",
    .example = "  assay monitor --bundle out/bundle --predictions 'logs/predictions.ndjson*' \\\n"
               "    --labels labels.csv --feedback feedback.ndjson --out monitor --fail-on act\n"
               "  assay monitor --bundle out/bundle --schema >schema.json",
    .options = options,
    .run = run};
