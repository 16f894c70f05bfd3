/* assay synth - a made-up bank with the truth beside it. */
#include "cli/commands.h"

#include "synth/synth.h"

static const Option options[] = {
    {"customers", "N", "how many customers (default 1000)", false},
    {"seed", "N", "seed: the same seed gives the same files (default 1)", false},
    {"as-of", "DAY", "day of the extract (default 2024-08-27)", false},
    {"labelled", "SHARE", "share of customers that are labelled (default 0.55)", false},
    {"no-calendar-leak", NULL, "suspended accounts do not fall silent", false},
    {"no-imperfections", NULL, "no duplicate, contradictory or incomplete rows", false},
    {"malformed", "N", "rows that cannot be read (default 0)", false},
    {"out", "FOLDER", "where the files go (default synth)", false},
    {0}};

static Status run(const Args *args, Error *err)
{
    SynthOptions o = synth_defaults();
    SynthCounts n;
    int64_t customers, seed, malformed, as_of;
    bool given;
    const char *out = args_value(args, "out", "synth");
    TRY(args_integer(&customers, args, "customers", (int64_t)o.customers, 1, 100000000, err));
    TRY(args_integer(&seed, args, "seed", (int64_t)o.seed, 0, INT64_MAX, err));
    TRY(args_integer(&malformed, args, "malformed", 0, 0, 1000000, err));
    TRY(args_real(&o.labelled_share, args, "labelled", o.labelled_share, 0.01, 1, err));
    TRY(args_time(&as_of, &given, args, "as-of", err));
    if (given)
        o.as_of = as_of / DAY_US;
    o.customers = (uint64_t)customers;
    o.seed = (uint64_t)seed;
    o.malformed = (uint64_t)malformed;
    o.calendar_leak = !args_flag(args, "no-calendar-leak");
    o.imperfections = !args_flag(args, "no-imperfections");
    TRY(synth_write(&n, *args->arena, out, &o, err));
    answer(str_format(args->arena,
                      "%s: %llu labelled customers (%llu suspended), %llu to be scored, %llu "
                      "transactions; the truth is in truth.csv",
                      out, (unsigned long long)n.labelled, (unsigned long long)n.suspended,
                      (unsigned long long)n.unlabelled, (unsigned long long)n.transactions));
    return STATUS_OK;
}

const Command command_synth = {
    .name = "synth",
    .says = "make a sample data set in the home task's form, with the truth beside it",
    .example = "  assay synth --customers 3000 --seed 7 --out data",
    .options = options,
    .run = run};
