/* assay serve - answers over HTTP until it is told to stop. */
#include "cli/commands.h"

#include "serve/serve.h"

static const Option options[] = {
    {"bundle", "FOLDER", "the bundle that answers", false},
    {"config", "FILE", "serve.yaml; what is given here as well stands above it", false},
    {"base-path", "PATH", "under which everything lives, such as /ai (default: at the root)",
     false},
    {"listen", "ADDRESS", "address and port (default 127.0.0.1:8080)", false},
    {"admin-listen", "ADDRESS", "another one, for health and metrics alone", false},
    {"store", "WHERE", "none, sqlite:FILE or postgresql://... (default none)", false},
    {"challenger", "FOLDER", "a second bundle, which answers in the shadow of the first", false},
    {"watch", NULL, "reload by itself when the bundle's SHA256SUMS changes (SIGHUP always does)",
     false},
    {"insecure", NULL, "answer anybody, though others than this machine can reach the service",
     false},
    {"check", NULL, "see whether settings, bundles and keys are in order, and serve nothing",
     false},
    {"json-schema", NULL, "print the JSON Schema of serve.yaml and serve nothing", false},
    {0}};

typedef struct Began {
    const Args *args;
    int64_t at_us;
} Began;

static void ready(void *context, const Service *s)
{
    const Began *b = context;
    talk(b->args, "ready on port %d after %.0f ms", serve_port(s),
         (double)(clock_monotonic_us() - b->at_us) / 1e3);
    if (serve_admin_port(s) != 0)
        talk(b->args, "health and metrics on port %d", serve_admin_port(s));
}

static Status settings_of(ServeSettings *out, const Args *args, Error *err)
{
    int64_t threads;
    TRY(serve_settings(out, args->arena, args_value(args, "config", NULL), err));
    TRY(serve_settings_environment(out, args->arena, err));
    out->bundle = args_value(args, "bundle", out->bundle);
    out->base_path = args_value(args, "base-path", out->base_path);
    out->listen = args_value(args, "listen", out->listen);
    out->admin_listen = args_value(args, "admin-listen", out->admin_listen);
    out->store = args_value(args, "store", out->store);
    out->challenger = args_value(args, "challenger", out->challenger);
    out->watch = out->watch || args_flag(args, "watch");
    out->insecure = out->insecure || args_flag(args, "insecure");
    TRY(args_integer(&threads, args, "threads", out->threads, 0, 256, err));
    out->threads = (int)threads;
    return STATUS_OK;
}

static Status run(const Args *args, Error *err)
{
    ServeSettings settings;
    Began began = {args, clock_monotonic_us()};
    if (args_flag(args, "json-schema")) {
        answer(str_trim(serve_settings_schema(args->arena)));
        return STATUS_OK;
    }
    TRY(settings_of(&settings, args, err));
    if (args_flag(args, "check")) {
        TRY(serve_check(&settings, err));
        answer(S("settings, bundles and keys are in order"));
        return STATUS_OK;
    }
    const atomic_int *stop = stop_gently(args, NULL);
    if (stop == NULL)
        return error_set(err, STATUS_IO, "a thread that waits for signals could not be started");
    watch_no_work(args);
    return serve_run(&settings, stop, ready, &began, err);
}

const Command command_serve = {
    .name = "serve",
    .says = "answer over HTTP: scores with reasons, one by one and in batches",
    .example = "  assay serve --bundle out/bundle\n"
               "  assay serve --bundle out/bundle --base-path /ai --config serve.yaml",
    .options = options,
    .run = run};
