/* assay compare - champion and challenger: which is better, and who would move. */
#include "cli/commands.h"
#include "cli/job.h"

#include "report/report.h"

#include <string.h>

static const Option options[] = {
    {"customers", "FILE", "labelled customers: a file, a pattern or -; may be given again", false},
    {"transactions", "FILE", "transactions of labelled customers; likewise", false},
    {"seed", "N", "seed of the bootstrap (default 1)", false},
    {"out", "FOLDER", "also write comparison.md, comparison.json and moves.csv into this folder",
     false},
    {0}};
static const Option *const shared[] = {job_scored_files, job_read_options, job_quarantine_option,
                                       NULL};

enum { REPLICATES = 1000, JUDGED_LEAST = 20, CLASS_LEAST = 10 };

/* A run folder has its bundle inside; its validation.csv then speaks for it. */
static Status open_side(Bundle **out, const char **run_folder, const Args *args, int side,
                        Error *err)
{
    const char *given = args->operand[side];
    const char *inside = path_join(args->arena, given, "bundle");
    bool whole = !file_exists(path_join(args->arena, given, "bundle.json")) &&
                 file_exists(path_join(args->arena, inside, "bundle.json"));
    *run_folder =
        whole && file_exists(path_join(args->arena, given, "validation.csv")) ? given : NULL;
    return bundle_open(out, args->arena, whole ? inside : given, err);
}

/* Strata that both books name, in the champion's order, if both define them alike: otherwise the
 * figures of one name would be about other customers on either side. */
static size_t common_strata(SideBySide *c, Arena *keep, Str *name, size_t *at)
{
    const BookPairs *champion = &c->bundle[CHAMPION]->plan->slices;
    const BookPairs *challenger = &c->bundle[CHALLENGER]->plan->slices;
    Buffer others = buffer_new(keep);
    size_t count = 0;
    for (size_t a = 0; a < champion->count; a++)
        for (size_t b = 0; b < challenger->count; b++) {
            if (!str_equal(champion->item[a].name.text, challenger->item[b].name.text))
                continue;
            if (str_equal(champion->item[a].value.text, challenger->item[b].value.text)) {
                name[count] = champion->item[a].name.text;
                at[count++] = a;
            } else
                buffer_format(&others, "%s%.*s", others.size == 0 ? "" : ", ",
                              STR_ARG(champion->item[a].name.text));
            break;
        }
    c->strata_note = buffer_str(&others);
    return count;
}

/* A cell that a spreadsheet would take for a formula was written behind an apostrophe. */
static Str unguarded(Str id)
{
    return id.size > 1 && id.data[0] == '\'' ? str_slice(id, 1, id.size) : id;
}

/* Both as they judged the same labelled customers out of fold, read from their run folders. */
static Status judge_out_of_fold(SideBySide *c, const Args *args, const char *const folder[SIDES],
                                const OutOfFoldFile file[SIDES], bool files, uint64_t seed,
                                Error *err)
{
    Arena *keep = args->arena;
    Dictionary *ids = dictionary_new(keep);
    uint32_t *at = ARENA_ARRAY(keep, uint32_t, file[CHALLENGER].customers + 1);
    for (size_t i = 0; i < file[CHALLENGER].customers; i++)
        at[dictionary_add(ids, file[CHALLENGER].id[i])] = (uint32_t)i;
    size_t n = 0, most = file[CHAMPION].customers, disagree = 0;
    uint32_t *pair[SIDES];
    for (int k = 0; k < SIDES; k++)
        pair[k] = ARENA_ARRAY(keep, uint32_t, most + 1);
    for (size_t i = 0; i < most; i++) {
        uint32_t code = dictionary_find(ids, file[CHAMPION].id[i]);
        if (code == NO_CODE)
            continue;
        if (file[CHALLENGER].label[at[code]] != file[CHAMPION].label[i]) {
            disagree++;
            continue;
        }
        pair[CHAMPION][n] = (uint32_t)i;
        pair[CHALLENGER][n++] = at[code];
    }
    if (n == 0) {
        (void)error_set(err, STATUS_DATA,
                        "%s and %s were validated on different customers: none is in both",
                        folder[CHAMPION], folder[CHALLENGER]);
        return error_remedy(err, "give labelled customers that neither learnt from: --customers "
                                 "and --transactions");
    }
    Opinions o = {.customers = n};
    Str *id = ARENA_ARRAY(keep, Str, n);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, n);
    uint32_t *group = ARENA_ARRAY(keep, uint32_t, n);
    for (size_t i = 0; i < n; i++) {
        id[i] = file[CHAMPION].id[pair[CHAMPION][i]];
        label[i] = file[CHAMPION].label[pair[CHAMPION][i]];
        if (file[CHAMPION].group != NULL)
            group[i] = file[CHAMPION].group[pair[CHAMPION][i]];
    }
    o.id = id;
    o.label = label;
    o.group = file[CHAMPION].group == NULL ? NULL : group;
    for (int k = 0; k < SIDES; k++) {
        double **p = ARENA_ARRAY(keep, double *, file[k].repeats);
        for (size_t r = 0; r < file[k].repeats; r++) {
            p[r] = ARENA_ARRAY(keep, double, n);
            for (size_t i = 0; i < n; i++)
                p[r][i] = file[k].p[r][pair[k][i]];
        }
        o.p[k] = (const double *const *)p;
        o.repeats[k] = file[k].repeats;
    }
    size_t strata = c->bundle[CHAMPION]->plan->strata + 1;
    Str *name = ARENA_ARRAY(keep, Str, strata);
    size_t *from = ARENA_ARRAY(keep, size_t, strata);
    o.strata = common_strata(c, keep, name, from);
    o.stratum = name;
    const uint8_t **in = ARENA_ARRAY(keep, const uint8_t *, strata);
    for (size_t s = 0; s < o.strata; s++) {
        uint8_t *mask = ARENA_ARRAY(keep, uint8_t, n);
        for (size_t i = 0; i < n; i++)
            mask[i] = file[CHAMPION].in_stratum[from[s]][pair[CHAMPION][i]];
        in[s] = mask;
    }
    o.in_stratum = in;
    Str few = S("");
    if (files && c->left_out == 0)
        few = str_format(keep,
                         "; the files have too few labelled customers to judge on (fewer than %d, "
                         "or than %d of a class)",
                         JUDGED_LEAST, CLASS_LEAST);
    else if (files)
        few = str_format(keep,
                         "; %zu of the files' labelled customers were learnt from, and too few are "
                         "left to judge on (fewer than %d, or than %d of a class)",
                         c->left_out, JUDGED_LEAST, CLASS_LEAST);
    c->left_out = 0;
    c->judged_on =
        str_format(keep,
                   "out of fold, from the two run folders, on the %zu labelled customers "
                   "of both (%zu more have another label in either)%.*s",
                   n, disagree, STR_ARG(few));
    judge_compare(c, keep, &o, REPLICATES, seed, args->team);
    return STATUS_OK;
}

typedef struct Side {
    Job *job;
    Scored *scored;
} Side;

/* The customers of the files as one side sees them. */
static Status score_side(Side *side, const Args *args, int k, const char *bundle, Error *err)
{
    Job *j = side->job = job_new(args);
    if (k == CHALLENGER) /* the champion's lists the same rows unless the schemas differ */
        j->quarantine = str_chars(j->keep, str_format(j->keep, "%s.challenger", j->quarantine));
    TRY(job_begin_bundle(j, bundle, NULL, err));
    uint32_t *row = ARENA_ARRAY(j->keep, uint32_t, j->data->customers + 1);
    for (size_t i = 0; i < j->data->customers; i++)
        row[i] = (uint32_t)i;
    job_stage(j, "score",
              k == CHAMPION ? "scoring with the champion" : "scoring with the challenger");
    return score_dataset(&side->scored, j->keep, j->scratch, j->bundle, j->data, row,
                         j->data->customers, NULL, args->team, err);
}

/* Of every customer that a run folder's side learnt from. */
static Dictionary *learnt_ids(Arena *keep, const char *const folder[SIDES],
                              const OutOfFoldFile file[SIDES])
{
    Dictionary *ids = dictionary_new(keep);
    for (int k = 0; k < SIDES; k++)
        for (size_t i = 0; folder[k] != NULL && i < file[k].customers; i++) {
            (void)dictionary_add(ids, file[k].id[i]);
            (void)dictionary_add(ids, unguarded(file[k].id[i]));
        }
    return ids;
}

/* Whether a plain bundle learnt from just these: then it did from any part of them, too. */
static Status look_for_training(SideBySide *c, Arena *keep, const char *const folder[SIDES],
                                const Side *side, const uint32_t *row, size_t n, Error *err)
{
    const Dataset *d = side[CHAMPION].job->data, *other = side[CHALLENGER].job->data;
    Dictionary *ids = dictionary_new(keep);
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, n + 1);
    for (size_t i = 0; i < other->customers; i++)
        (void)dictionary_add(ids, other->id[i]);
    for (int k = 0; k < SIDES; k++) {
        if (folder[k] != NULL)
            continue;
        char hash[SHA256_TEXT];
        uint32_t *of = ARENA_ARRAY(keep, uint32_t, n + 1);
        for (size_t i = 0; i < n; i++) {
            label[i] = d->label[row[i]] == LABEL_POSITIVE;
            of[i] = k == CHAMPION ? row[i] : dictionary_find(ids, d->id[row[i]]);
        }
        Matrix *x;
        TRY(score_matrix(&x, keep, c->bundle[k], side[k].scored, of, n, err));
        bundle_data_hash(hash, x, label);
        c->seen_in_training =
            c->seen_in_training || str_equal(str_from(hash), c->bundle[k]->data_hash);
    }
    return STATUS_OK;
}

/* What nobody can see: a bundle without its run folder holds no customer. */
static Str unseen(const char *const folder[SIDES])
{
    if (folder[CHAMPION] != NULL && folder[CHALLENGER] != NULL)
        return S("");
    if (folder[CHAMPION] == NULL && folder[CHALLENGER] == NULL)
        return S("; a bundle holds no customer, so whether one of the two learnt from some of them "
                 "cannot be seen");
    return folder[CHAMPION] == NULL ? S("; a bundle holds no customer, so whether the champion "
                                        "learnt from some of them cannot be seen")
                                    : S("; a bundle holds no customer, so whether the challenger "
                                        "learnt from some of them cannot be seen");
}

/* Labelled customers of the files that no run folder's side learnt from, by the two bundles as they
 * are. too_few: not enough of them are left. */
static Status judge_on_files(SideBySide *c, bool *too_few, const Args *args, Side *side,
                             const char *const folder[SIDES], const OutOfFoldFile file[SIDES],
                             uint64_t seed, Error *err)
{
    Arena *keep = args->arena;
    Dataset *d = side[CHAMPION].job->data, *other = side[CHALLENGER].job->data;
    Dictionary *ids = dictionary_new(keep), *learnt = learnt_ids(keep, folder, file);
    for (size_t i = 0; i < other->customers; i++)
        (void)dictionary_add(ids, other->id[i]);
    size_t n = 0, positives = 0, labelled = 0;
    uint8_t *label = ARENA_ARRAY(keep, uint8_t, d->customers + 1);
    Str *id = ARENA_ARRAY(keep, Str, d->customers + 1);
    uint32_t *row = ARENA_ARRAY(keep, uint32_t, d->customers + 1);
    uint32_t *every = ARENA_ARRAY(keep, uint32_t, d->customers + 1);
    uint32_t *group = ARENA_ARRAY(keep, uint32_t, d->customers + 1);
    const Links *links = quality_link(keep, side[CHAMPION].job->scratch, d);
    double *p[SIDES];
    for (int k = 0; k < SIDES; k++)
        p[k] = ARENA_ARRAY(keep, double, d->customers + 1);
    for (size_t i = 0; i < d->customers; i++) {
        uint32_t at = dictionary_find(ids, d->id[i]);
        if ((d->label[i] != LABEL_POSITIVE && d->label[i] != LABEL_NEGATIVE) || at == NO_CODE ||
            other->label[at] != d->label[i])
            continue;
        every[labelled++] = (uint32_t)i;
        if (dictionary_find(learnt, d->id[i]) != NO_CODE) {
            c->left_out++;
            continue;
        }
        label[n] = d->label[i] == LABEL_POSITIVE;
        positives += label[n];
        id[n] = d->id[i];
        row[n] = (uint32_t)i;
        group[n] = links->group[i];
        p[CHAMPION][n] = side[CHAMPION].scored->probability[i];
        p[CHALLENGER][n++] = side[CHALLENGER].scored->probability[at];
    }
    *too_few = n < JUDGED_LEAST || positives < CLASS_LEAST || n - positives < CLASS_LEAST;
    if (*too_few && folder[CHAMPION] != NULL && folder[CHALLENGER] != NULL)
        return STATUS_OK;
    TRY(look_for_training(c, keep, folder, side, every, labelled, err));
    if (n == 0)
        return STATUS_OK;
    size_t strata = c->bundle[CHAMPION]->plan->strata + 1;
    const double *one[SIDES] = {p[CHAMPION], p[CHALLENGER]};
    Str *name = ARENA_ARRAY(keep, Str, strata);
    size_t *from = ARENA_ARRAY(keep, size_t, strata);
    const uint8_t **in = ARENA_ARRAY(keep, const uint8_t *, strata);
    Opinions o = {.customers = n,
                  .id = id,
                  .label = label,
                  .group = group,
                  .p = {&one[CHAMPION], &one[CHALLENGER]},
                  .repeats = {1, 1},
                  .stratum = name,
                  .in_stratum = in};
    o.strata = common_strata(c, keep, name, from);
    uint8_t *all = ARENA_ARRAY(keep, uint8_t, d->customers + 1);
    for (size_t s = 0; s < o.strata; s++) {
        uint8_t *mask = ARENA_ARRAY(keep, uint8_t, n);
        TRY(plan_stratum(all, side[CHAMPION].job->scratch,
                         &c->bundle[CHAMPION]->plan->stratum[from[s]],
                         side[CHAMPION].scored->features, err));
        for (size_t i = 0; i < n; i++)
            mask[i] = all[row[i]];
        in[s] = mask;
    }
    Str left_out =
        c->left_out == 0
            ? S("")
            : str_format(keep,
                         "; %zu more are left out, for a run folder's validation.csv says that "
                         "they were learnt from",
                         c->left_out);
    c->judged_on = str_format(keep,
                              "on %zu labelled customers of the files (%zu suspended), by the "
                              "bundles as they are%.*s%.*s",
                              n, positives, STR_ARG(left_out), STR_ARG(unseen(folder)));
    judge_compare(c, keep, &o, REPLICATES, seed, args->team);
    return STATUS_OK;
}

enum { MOVES_BLOCK = 1024 }; /* whole decisions in memory at a time, of either side */

static Status explain_moves(SideBySide *c, const Args *args, const Side *side, Error *err)
{
    const Str *column[SIDES];
    Arena own = arena_new(), scratch = arena_new();
    Status status = STATUS_OK;
    for (int k = 0; k < SIDES; k++)
        (void)model_columns(c->bundle[k]->model, &column[k]);
    for (size_t first = 0; first < c->moves && status == STATUS_OK; first += MOVES_BLOCK) {
        Arena block = own;
        size_t n = c->moves - first < MOVES_BLOCK ? c->moves - first : MOVES_BLOCK;
        const Decision *whole[SIDES];
        for (int k = 0; k < SIDES && status == STATUS_OK; k++) {
            Decision *made = NULL;
            uint32_t *at = ARENA_ARRAY(&block, uint32_t, n);
            for (size_t i = 0; i < n; i++)
                at[i] = c->move[first + i].at[k];
            status = score_decide(&made, &block, scratch, c->bundle[k], side[k].scored, at, n,
                                  args->team, err);
            whole[k] = made;
        }
        if (status == STATUS_OK)
            judge_why(c, args->arena, whole, column, first, n);
    }
    arena_free(&own);
    arena_free(&scratch);
    return status;
}

/* The customers to be scored, or all of them when no file of those was given. */
static Status compare_moves(SideBySide *c, const Args *args, const Side *side, bool scored_files,
                            Error *err)
{
    const Scored *scored[SIDES] = {side[CHAMPION].scored, side[CHALLENGER].scored};
    uint32_t *row[SIDES];
    size_t count[SIDES] = {0, 0};
    for (int k = 0; k < SIDES; k++) {
        const Dataset *d = side[k].job->data;
        row[k] = ARENA_ARRAY(args->arena, uint32_t, d->customers + 1);
        for (size_t i = 0; i < d->customers; i++)
            if (!scored_files || (d->cohort[i] & COHORT_SCORED) != 0)
                row[k][count[k]++] = (uint32_t)i;
    }
    const uint32_t *const rows[SIDES] = {row[CHAMPION], row[CHALLENGER]};
    judge_moves(c, args->arena, side[CHAMPION].job->scratch, scored, rows, count);
    return explain_moves(c, args, side, err);
}

static Status run(const Args *args, Error *err)
{
    Arena scratch = arena_new();
    SideBySide *c = ARENA_NEW(args->arena, SideBySide);
    const char *folder[SIDES], *out = args_value(args, "out", NULL);
    int64_t seed;
    bool labelled = args_value(args, "customers", NULL) != NULL;
    bool to_score = args_value(args, "score-customers", NULL) != NULL;
    if (args->operands != SIDES) {
        (void)error_set(err, STATUS_USAGE, "compare takes two folders, and got %zu",
                        args->operands);
        return error_remedy(err, "name the champion's bundle or run folder, then the challenger's");
    }
    TRY(args_integer(&seed, args, "seed", 1, 0, INT64_MAX, err));
    for (int k = 0; k < SIDES; k++) {
        Bundle *b;
        TRY(open_side(&b, &folder[k], args, k, err));
        c->bundle[k] = b;
        c->name[k] = str_from(args->operand[k]);
    }
    OutOfFoldFile file[SIDES] = {0};
    for (int k = 0; k < SIDES; k++)
        if (folder[k] != NULL)
            TRY(store_read_validation(&file[k], args->arena, scratch, folder[k], c->bundle[k],
                                      err));
    bool too_few = true, folders = folder[CHAMPION] != NULL && folder[CHALLENGER] != NULL;
    if (!labelled && !to_score && !folders) {
        (void)error_set(err, STATUS_USAGE, "there is nobody to compare the two bundles on");
        return error_remedy(err, "give customers (--customers or --score-customers), or the run "
                                 "folders that the bundles lie in");
    }
    if (labelled || to_score) {
        Side side[SIDES];
        for (int k = 0; k < SIDES; k++) {
            const char *given = args->operand[k];
            const char *inside = path_join(args->arena, given, "bundle");
            bool whole = !file_exists(path_join(args->arena, given, "bundle.json"));
            TRY(score_side(&side[k], args, k, whole ? inside : given, err));
            c->bundle[k] = side[k].job->bundle;
        }
        if (side[CHAMPION].job->data->as_of_us != side[CHALLENGER].job->data->as_of_us) {
            (void)error_set(err, STATUS_DATA, "the two schema books find different last events");
            return error_remedy(err, "give the instant to compare at: --as-of");
        }
        talk_findings(args, side[CHALLENGER].job->data->findings, 0, SEVERITY_SEVERE);
        if (labelled)
            TRY(judge_on_files(c, &too_few, args, side, folder, file, (uint64_t)seed, err));
        TRY(compare_moves(c, args, side, to_score, err));
        for (int k = 0; k < SIDES; k++)
            arena_free(&side[k].job->scratch);
    }
    /* Out of fold is fair where the files hold too few customers that were not learnt from. */
    if (folders && too_few)
        TRY(judge_out_of_fold(c, args, folder, file, labelled, (uint64_t)seed, err));
    progress_tell(&args->progress, "done", 1, 1);
    Str page = report_comparison(args->arena, c);
    if (out != NULL)
        TRY(store_comparison(c, page, out, err));
    answer(str_trim(page));
    arena_free(&scratch);
    return STATUS_OK;
}

const Command command_compare = {
    .name = "compare",
    .says = "champion and challenger: paired differences, and who would move and why",
    .example =
        "  assay compare last_month this_month \\\n"
        "                --score-customers unlabelled_users.csv \\\n"
        "                --score-transactions unlabelled_transactions.csv --out comparison\n"
        "  assay compare champion/bundle challenger/bundle --customers labelled_in_may.csv \\\n"
        "                --transactions transactions_of_may.csv",
    .operand = "CHAMPION CHALLENGER",
    .options = options,
    .shared = shared,
    .run = run};
