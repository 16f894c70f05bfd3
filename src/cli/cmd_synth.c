/* assay synth - a made-up bank with the truth beside it. */
#include "cli/commands.h"

#include "synth/synth.h"

#include <string.h>

static const Option options[] = {
    {"customers", "N", "how many customers, to 100000000 (default 1000)", false},
    {"seed", "N", "seed: the same seed gives the same files (default 1)", false},
    {"as-of", "DAY", "day of the extract (default 2024-08-27)", false},
    {"labelled", "SHARE", "share of customers that are labelled (default 0.55)", false},
    {"suspended", "SHARE", "share of customers that are risky (default 0.17)", false},
    {"typology", "NAME=SHARE", "share of these who do it, or all=SHARE; may be repeated", false},
    {"overlap", "FACTOR", "the others do it this many times as often (default 0.11)", false},
    {"lookalikes", "SHARE", "share of the others who only look alike (default 0.04)", false},
    {"drift", "SIZE", "how far the scored are from the labelled, 0 to 1 (default 0)", false},
    {"label-noise", "SHARE", "share of written labels that are wrong (default 0)", false},
    {"missing", "SHARE", "share of cells left empty (default 0)", false},
    {"defects", "SHARE", "unreadable copies of rows, a row (default 0)", false},
    {"leak", "NAME", "plant a leak: `column` or `copies`; may be repeated", false},
    {"outcome-dates", NULL,
     "say in labelled_users.csv when an account was suspended, and a schema book that reads it",
     false},
    {"plant", "NAME",
     "plant a leak that the audit must find, and books that read it (docs/synth.md)", false},
    {"clean", NULL, "nothing tells but behaviour: no leak, no imperfections", false},
    {"no-calendar-leak", NULL, "suspended accounts do not fall silent", false},
    {"no-imperfections", NULL, "no duplicate, contradictory or incomplete rows", false},
    {"malformed", "N", "rows that cannot be read, at the end (default 0)", false},
    {"out", "FOLDER", "where the files go (default synth)", false},
    {"print", "FILE", "print one of the files, such as truth.csv, and write none", false},
    {0}};

/* Each NAME=SHARE in the order given. */
static Status read_typologies(SynthOptions *o, const Args *args, Error *err)
{
    for (size_t i = 0; i < args->given; i++) {
        if (strcmp(args->option[i], "typology") != 0)
            continue;
        Str text = str_from(args->value[i]);
        size_t equals = 0;
        while (equals < text.size && text.data[equals] != '=')
            equals++;
        Str name = str_slice(text, 0, equals);
        double share = -1;
        bool read = equals < text.size &&
                    parse_double(str_slice(text, equals + 1, text.size), &share) && share >= 0 &&
                    share <= 1;
        if (!read) {
            (void)error_set(err, STATUS_USAGE,
                            "--typology takes a name and a share, and got `%.*s`", STR_ARG(text));
            return error_remedy(err, "write it as pass_through=0.3, with a number from 0 to 1");
        }
        Str names[TYPOLOGIES];
        bool found = str_equal(name, S("all")), all = found;
        for (unsigned t = 0; t < TYPOLOGIES; t++) {
            names[t] = str_from(typology_name((Typology)t));
            if (!all && !str_equal(names[t], name))
                continue;
            o->share[t] = share;
            found = true;
        }
        if (found)
            continue;
        Str near = str_nearest(name, names, TYPOLOGIES);
        (void)error_set(err, STATUS_USAGE, "there is no typology `%.*s`", STR_ARG(name));
        if (near.size > 0)
            return error_remedy(err, "did you mean %.*s?", STR_ARG(near));
        return error_remedy(err, "docs/synth.md lists them; `all` is every one");
    }
    return STATUS_OK;
}

static Status read_leaks(SynthOptions *o, const Args *args, Error *err)
{
    for (size_t i = 0; i < args->given; i++) {
        if (strcmp(args->option[i], "leak") != 0)
            continue;
        if (strcmp(args->value[i], "column") == 0) {
            o->column_leak = true;
        } else if (strcmp(args->value[i], "copies") == 0) {
            o->copies_leak = true;
        } else {
            (void)error_set(err, STATUS_USAGE, "there is no leak `%.40s`", args->value[i]);
            return error_remedy(err, "write column or copies; the calendar leaks unless "
                                     "--no-calendar-leak is given");
        }
    }
    return STATUS_OK;
}

static Status read_plants(SynthOptions *o, const Args *args, Error *err)
{
    Str names[PLANTS];
    for (unsigned k = 0; k < PLANTS; k++)
        names[k] = str_from(plant_name((Plant)k));
    for (size_t i = 0; i < args->given; i++) {
        if (strcmp(args->option[i], "plant") != 0)
            continue;
        Str name = str_from(args->value[i]);
        bool found = false;
        for (unsigned k = 0; k < PLANTS; k++)
            if (str_equal(name, names[k])) {
                o->plants |= 1u << k;
                found = true;
            }
        if (found)
            continue;
        Str near = str_nearest(name, names, PLANTS);
        (void)error_set(err, STATUS_USAGE, "there is no leak `%.40s` to plant", args->value[i]);
        if (near.size > 0)
            return error_remedy(err, "did you mean %.*s?", STR_ARG(near));
        return error_remedy(err, "label_column, positive_only_column, post_outcome_counter, "
                                 "cohort_shift or person_twice");
    }
    return STATUS_OK;
}

static Status read_file(SynthFile *out, const char *name, Error *err)
{
    Str names[SYNTH_FILES];
    for (unsigned i = 0; i < SYNTH_FILES; i++) {
        names[i] = str_from(synth_file_name((SynthFile)i));
        if (strcmp(name, names[i].data) == 0) {
            *out = (SynthFile)i;
            return STATUS_OK;
        }
    }
    Str near = str_nearest(str_from(name), names, SYNTH_FILES);
    (void)error_set(err, STATUS_USAGE, "there is no file `%.40s` to print", name);
    return error_remedy(err, "did you mean %s?", near.size > 0 ? near.data : names[0].data);
}

static Status read_options(SynthOptions *o, const Args *args, Error *err)
{
    int64_t customers, seed, malformed, as_of;
    bool given;
    const struct {
        const char *name;
        double *value;
        double least;
    } shares[] = {{"labelled", &o->labelled_share, 0.01},
                  {"suspended", &o->suspended, 0},
                  {"overlap", &o->overlap, 0},
                  {"lookalikes", &o->lookalikes, 0},
                  {"drift", &o->drift, 0},
                  {"label-noise", &o->label_noise, 0},
                  {"missing", &o->missing, 0},
                  {"defects", &o->defects, 0}};
    TRY(args_integer(&customers, args, "customers", (int64_t)o->customers, 1, 100000000, err));
    TRY(args_integer(&seed, args, "seed", (int64_t)o->seed, 0, INT64_MAX, err));
    TRY(args_integer(&malformed, args, "malformed", 0, 0, 1000000, err));
    for (size_t i = 0; i < COUNT_OF(shares); i++)
        TRY(args_real(shares[i].value, args, shares[i].name, *shares[i].value, shares[i].least, 1,
                      err));
    TRY(args_time(&as_of, &given, args, "as-of", err));
    TRY(read_typologies(o, args, err));
    TRY(read_leaks(o, args, err));
    TRY(read_plants(o, args, err));
    o->clean = args_flag(args, "clean");
    if (given)
        o->as_of = as_of / DAY_US;
    o->customers = (uint64_t)customers;
    o->seed = (uint64_t)seed;
    o->malformed = (uint64_t)malformed;
    o->calendar_leak = !args_flag(args, "no-calendar-leak");
    o->outcome_dates = args_flag(args, "outcome-dates");
    o->imperfections = !args_flag(args, "no-imperfections") && !o->clean;
    o->team = args->team;
    o->progress = &args->progress;
    return STATUS_OK;
}

/* The command that comes next, with the books that know of what was asked for. */
static Str next_command(const Args *args, const char *out, const SynthOptions *o)
{
    Buffer b = buffer_new(args->arena);
    buffer_format(&b, "next: %s run --schema %s/schema.yaml", args->program, out);
    if (o->plants != 0)
        buffer_format(&b, " --features %s/features.yaml", out);
    buffer_format(
        &b,
        " \\\n      --customers %s/labelled_users.csv \\\n      --transactions "
        "%s/labelled_transactions.csv \\\n      --score-customers %s/unlabelled_users.csv "
        "\\\n      --score-transactions %s/unlabelled_transactions.csv",
        out, out, out, out);
    return buffer_str(&b);
}

static Status run(const Args *args, Error *err)
{
    SynthOptions o = synth_defaults();
    SynthCounts n;
    const char *out = args_value(args, "out", "synth"), *print = args_value(args, "print", NULL);
    TRY(read_options(&o, args, err));
    if (print != NULL) {
        SynthFile file = SYNTH_TRUTH;
        TRY(read_file(&file, print, err));
        return synth_print(&n, *args->arena, file, &o, err);
    }
    TRY(synth_write(&n, *args->arena, out, &o, err));
    answer(str_format(args->arena,
                      "%s: %llu labelled customers (%llu suspended), %llu to be scored, %llu "
                      "transactions; the truth is in truth.csv",
                      out, (unsigned long long)n.labelled, (unsigned long long)n.suspended,
                      (unsigned long long)n.unlabelled, (unsigned long long)n.transactions));
    if (o.plants != 0 || o.outcome_dates)
        answer(next_command(args, out, &o));
    return STATUS_OK;
}

const Command command_synth = {
    .name = "synth",
    .says = "make a sample data set in the home task's form, with the truth beside it",
    .example = "  assay synth --customers 3000 --seed 7 --out data\n"
               "  assay synth --typology all=0 --typology structuring=0.5 --drift 0.5 \\\n"
               "    --label-noise 0.02 --defects 0.01 --out hard\n"
               "  assay synth --customers 20000 --print truth.csv | grep -c account_takeover",
    .options = options,
    .run = run};
