#include "score/score_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

/* The manifest while it is read: every getter refuses by name what is not as it must be. */
typedef struct Reader {
    Arena *keep;
    const char *file;
    Error *err;
} Reader;

static Status refuse(const Reader *r, const char *what)
{
    (void)error_set(r->err, STATUS_FORMAT, "the bundle's %s is not as it was written", what);
    (void)error_place(r->err, r->file, 0, 0);
    return error_remedy(r->err,
                        "take the bundle again from where it was made; it must not be edited");
}

static Status get_real(double *out, yyjson_val *v, const Reader *r, const char *what)
{
    if (!yyjson_is_num(v))
        return refuse(r, what);
    *out = yyjson_get_num(v);
    return STATUS_OK;
}

static Status get_reals(double **out, size_t *count, yyjson_val *list, const Reader *r,
                        const char *what)
{
    if (!yyjson_is_arr(list))
        return refuse(r, what);
    *count = yyjson_arr_size(list);
    *out = ARENA_ARRAY(r->keep, double, *count + 1);
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, v)
    {
        TRY(get_real(&(*out)[i], v, r, what));
    }
    return STATUS_OK;
}

static Status get_single(float *out, yyjson_val *v, const Reader *r, const char *what)
{
    if (yyjson_is_null(v)) {
        *out = NAN;
        return STATUS_OK;
    }
    char *end;
    const char *text = yyjson_get_str(v);
    if (text == NULL)
        return refuse(r, what);
    *out = strtof(text, &end);
    return *text != '\0' && *end == '\0' && isfinite(*out) ? STATUS_OK : refuse(r, what);
}

static Str get_text(const Reader *r, yyjson_val *v)
{
    return yyjson_is_str(v) ? str_copy(r->keep, (Str){yyjson_get_str(v), yyjson_get_len(v)})
                            : S("");
}

static Status read_features(Bundle *b, yyjson_val *list, const Reader *r)
{
    b->skip = ARENA_ARRAY(r->keep, uint8_t, b->plan->features + 1);
    yyjson_val *v;
    size_t i, n, model_features = 0;
    for (size_t k = 0; k < b->plan->features; k++)
        model_features += b->plan->feature[k].use == USE_MODEL;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != model_features)
        return refuse(r, "list of features");
    yyjson_arr_foreach(list, i, n, v)
    {
        const Feature *found = plan_find(b->plan, get_text(r, yyjson_obj_get(v, "name")));
        if (found == NULL || found->use != USE_MODEL)
            return refuse(r, "list of features");
        Feature *f = &b->plan->feature[found - b->plan->feature];
        b->skip[found - b->plan->feature] = yyjson_get_bool(yyjson_obj_get(v, "skip"));
        yyjson_val *levels = yyjson_obj_get(v, "levels"), *level;
        f->levels = 0;
        f->level = ARENA_ARRAY(r->keep, Str, yyjson_arr_size(levels) + 1);
        size_t k, m;
        yyjson_arr_foreach(levels, k, m, level)
        {
            f->level[f->levels++] = get_text(r, level);
        }
    }
    return STATUS_OK;
}

static Status read_isotonic(Calibration *c, yyjson_val *v, const Reader *r)
{
    Isotonic *t = ARENA_NEW(r->keep, Isotonic);
    size_t count;
    TRY(get_reals(&t->margin, &t->knots, yyjson_obj_get(v, "margin"), r, "calibration"));
    TRY(get_reals(&t->log_odds, &count, yyjson_obj_get(v, "log_odds"), r, "calibration"));
    if (t->knots == 0 || count != t->knots)
        return refuse(r, "calibration");
    for (size_t i = 1; i < t->knots; i++)
        if (!(t->margin[i] > t->margin[i - 1]) || !(t->log_odds[i] >= t->log_odds[i - 1]))
            return refuse(r, "calibration");
    c->isotonic = t;
    return STATUS_OK;
}

/* One of three keys says which map it is. */
static Status read_calibration(Calibration *c, yyjson_val *root, const Reader *r)
{
    size_t found = 0;
    yyjson_val *v = NULL;
    for (int kind = 0; kind < CALIBRATION_KINDS; kind++) {
        Str name = calibration_name((CalibrationKind)kind);
        yyjson_val *one = yyjson_obj_getn(root, name.data, name.size);
        if (one == NULL)
            continue;
        found++;
        v = one;
        c->kind = (CalibrationKind)kind;
    }
    if (found != 1)
        return refuse(r, "calibration");
    if (c->kind == CALIBRATION_ISOTONIC)
        return read_isotonic(c, v, r);
    if (c->kind == CALIBRATION_PLATT) {
        TRY(get_real(&c->platt.slope, yyjson_obj_get(v, "slope"), r, "calibration"));
        return get_real(&c->platt.intercept, yyjson_obj_get(v, "intercept"), r, "calibration");
    }
    TRY(get_real(&c->beta.a, yyjson_obj_get(v, "a"), r, "calibration"));
    TRY(get_real(&c->beta.b, yyjson_obj_get(v, "b"), r, "calibration"));
    TRY(get_real(&c->beta.c, yyjson_obj_get(v, "c"), r, "calibration"));
    return c->beta.a >= 0 && c->beta.b >= 0 ? STATUS_OK : refuse(r, "calibration");
}

static Status read_venn_abers(Bundle *b, yyjson_val *v, const Reader *r)
{
    VennAbers *t = b->venn_abers = ARENA_NEW(r->keep, VennAbers);
    size_t n0, n1;
    TRY(get_reals(&t->margin, &t->steps, yyjson_obj_get(v, "margin"), r, "interval table"));
    TRY(get_reals(&t->p0, &n0, yyjson_obj_get(v, "p0"), r, "interval table"));
    TRY(get_reals(&t->p1, &n1, yyjson_obj_get(v, "p1"), r, "interval table"));
    if (t->steps == 0 || n0 != t->steps || n1 != t->steps)
        return refuse(r, "interval table");
    for (size_t i = 1; i < t->steps; i++)
        if (!(t->margin[i] > t->margin[i - 1]))
            return refuse(r, "interval table");
    return STATUS_OK;
}

static Status read_reference(Bundle *b, yyjson_val *list, const Reader *r)
{
    const Str *names;
    size_t columns = model_columns(b->model, &names), i, n;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != columns)
        return refuse(r, "reference distributions");
    b->decile = arena_alloc(r->keep, columns + 1, sizeof *b->decile);
    b->missing = ARENA_ARRAY(r->keep, double, columns + 1);
    yyjson_val *v;
    yyjson_arr_foreach(list, i, n, v)
    {
        yyjson_val *deciles = yyjson_obj_get(v, "deciles");
        if (!str_equal(get_text(r, yyjson_obj_get(v, "column")), names[i]) ||
            yyjson_arr_size(deciles) != 11)
            return refuse(r, "reference distributions");
        TRY(get_real(&b->missing[i], yyjson_obj_get(v, "missing"), r, "reference distributions"));
        for (size_t d = 0; d <= 10; d++)
            TRY(get_single(&b->decile[i][d], yyjson_arr_get(deciles, d), r,
                           "reference distributions"));
    }
    return STATUS_OK;
}

/* The first of a row's figures that differs is named, with what it is and what it was. */
static Status compare_row(const Answer *is, const Answer *was, size_t row, const Reader *r)
{
    const struct {
        const char *name;
        double is, was;
    } figure[] = {{"probability", is->probability, was->probability},
                  {"margin", is->margin, was->margin},
                  {"low end", is->low, was->low},
                  {"high end", is->high, was->high},
                  {"bias", is->bias, was->bias}};
    for (size_t i = 0; i < COUNT_OF(figure); i++) {
        if (figure[i].is == figure[i].was)
            continue;
        (void)error_set(r->err, STATUS_FORMAT,
                        "golden row %zu gives %s %.17g where the bundle says %.17g", row,
                        figure[i].name, figure[i].is, figure[i].was);
        (void)error_place(r->err, r->file, 0, 0);
        return error_remedy(r->err, "this program computes otherwise than the one that made the "
                                    "bundle; serve it with that version, or train again");
    }
    return STATUS_OK;
}

/* What is known beforehand of the answers, and the answers. */
enum { ROWS_AT_ONCE = 4, GOLDEN_TASKS = 1 + GOLDEN_ROWS / ROWS_AT_ONCE };
typedef struct Golden {
    const Bundle *b;
    Matrix *x;
    Answer expected[GOLDEN_ROWS], answer[GOLDEN_ROWS];
    Arena *keep; /* of the customers, whose own features these are */
    GoldenCustomers customers;
    Status status;
    Error err;
} Golden;

static Status read_rows(Golden *g, yyjson_val *list, const Reader *r)
{
    const Str *names;
    size_t columns = model_columns(g->b->model, &names), i, n;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != GOLDEN_ROWS)
        return refuse(r, "golden rows");
    Matrix *x = g->x = matrix_new(r->keep, GOLDEN_ROWS, columns);
    for (size_t k = 0; k < columns; k++)
        x->name[k] = names[k];
    yyjson_val *v;
    yyjson_arr_foreach(list, i, n, v)
    {
        yyjson_val *row = yyjson_obj_get(v, "row");
        double *values;
        size_t count;
        if (yyjson_arr_size(row) != columns)
            return refuse(r, "golden rows");
        for (size_t k = 0; k < columns; k++)
            TRY(get_single(&x->value[i * columns + k], yyjson_arr_get(row, k), r, "golden rows"));
        TRY(get_reals(&values, &count, yyjson_obj_get(v, "margin_probability_low_high_bias"), r,
                      "golden rows"));
        if (count != 5)
            return refuse(r, "golden rows");
        g->expected[i] = (Answer){values[0], values[1], values[2], values[3], values[4]};
    }
    return STATUS_OK;
}

/* The customers are the longest of the tasks, so they come first. */
static void answer_golden(void *context, size_t task, Arena scratch)
{
    Golden *g = context;
    if (task == 0) {
        g->status = golden_customers(&g->customers, g->keep, g->b, &g->err);
        return;
    }
    size_t first = (task - 1) * ROWS_AT_ONCE;
    Matrix x = *g->x;
    x.rows = ROWS_AT_ONCE;
    x.value += first * x.columns;
    bundle_answer(g->answer + first, NULL, scratch, g->b, &x);
}

/* The model that was read must answer exactly as the model that was written. */
static Status compare_rows(const Golden *g, const Reader *r)
{
    for (size_t i = 0; i < GOLDEN_ROWS; i++)
        TRY(compare_row(&g->answer[i], &g->expected[i], i + 1, r));
    return STATUS_OK;
}

static Status otherwise(const Reader *r)
{
    (void)error_place(r->err, r->file, 0, 0);
    return error_remedy(r->err,
                        "features.yaml, schema.yaml or this program is not the one that the "
                        "bundle was made with; take the bundle again from where it was "
                        "made, serve it with that version, or train again");
}

/* Books and program must make of the made-up customers what they made when it was written. */
static Status compare_customers(const Bundle *b, const GoldenCustomers *g, yyjson_val *v,
                                const Reader *r)
{
    yyjson_val *list = yyjson_obj_get(v, "features");
    for (size_t k = 0; k < g->features; k++) {
        yyjson_val *o = yyjson_arr_get(list, k), *values = yyjson_obj_get(o, "values");
        Str name = b->plan->feature[k].name.text, said = get_text(r, yyjson_obj_get(o, "name"));
        if (!str_equal(name, said)) {
            (void)error_set(
                r->err, STATUS_FORMAT, "feature %.60s stands where the bundle was made with %.60s",
                str_chars(r->keep, name), said.size == 0 ? "none" : str_chars(r->keep, said));
            return otherwise(r);
        }
        for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++) {
            Str was = get_text(r, yyjson_arr_get(values, i)), is = g->value[k][i];
            if (str_equal(was, is))
                continue;
            (void)error_set(
                r->err, STATUS_FORMAT,
                "feature %.60s of golden customer %zu is %.60s where the bundle says %.60s",
                str_chars(r->keep, name), i + 1, is.size == 0 ? "missing" : str_chars(r->keep, is),
                was.size == 0 ? "missing" : str_chars(r->keep, was));
            return otherwise(r);
        }
    }
    if (yyjson_arr_size(list) != g->features ||
        !str_equal(get_text(r, yyjson_obj_get(v, "sha256")), str_from(g->hash)))
        return refuse(r, "list of golden customers");
    double *probability;
    size_t count;
    TRY(get_reals(&probability, &count, yyjson_obj_get(v, "probability"), r, "golden customers"));
    if (count != GOLDEN_CUSTOMERS)
        return refuse(r, "list of golden customers");
    for (size_t i = 0; i < GOLDEN_CUSTOMERS; i++) {
        if (probability[i] == g->probability[i])
            continue;
        (void)error_set(r->err, STATUS_FORMAT,
                        "golden customer %zu has probability %.17g where the bundle says %.17g",
                        i + 1, g->probability[i], probability[i]);
        return otherwise(r);
    }
    return STATUS_OK;
}

static Status check_golden(const Bundle *b, Team *team, yyjson_val *root, const Reader *manifest)
{
    Arena own = arena_new();
    Reader r = {&own, manifest->file, manifest->err};
    Golden g = {.b = b, .keep = &own};
    Status status = read_rows(&g, yyjson_obj_get(root, "golden"), &r);
    if (status == STATUS_OK) {
        team_run(team, GOLDEN_TASKS, answer_golden, &g);
        status = compare_rows(&g, &r);
    }
    if (status == STATUS_OK && g.status != STATUS_OK) {
        error_pass(r.err, &g.err);
        status = otherwise(&r);
    } else if (status == STATUS_OK)
        status = compare_customers(b, &g.customers, yyjson_obj_get(root, "golden_customers"), &r);
    arena_free(&own);
    return status;
}

static Status read_manifest(Bundle *b, yyjson_val *root, const Reader *r)
{
    if (yyjson_get_uint(yyjson_obj_get(root, "assay_bundle")) != BUNDLE_FORMAT) {
        (void)error_set(r->err, STATUS_FORMAT, "this is not a bundle of form %d", BUNDLE_FORMAT);
        (void)error_place(r->err, r->file, 0, 0);
        return error_remedy(r->err, "give the bundle/ folder of a run of this version of assay");
    }
    b->version = get_text(r, yyjson_obj_get(root, "version"));
    b->imported = get_text(r, yyjson_obj_get(root, "imported_sha256"));
    if (!parse_time(get_text(r, yyjson_obj_get(root, "as_of")), &b->as_of_us))
        return refuse(r, "as_of");
    b->seed = yyjson_get_uint(yyjson_obj_get(root, "seed"));
    b->customers = yyjson_get_uint(yyjson_obj_get(root, "customers"));
    b->positives = yyjson_get_uint(yyjson_obj_get(root, "positives"));
    b->data_hash = get_text(r, yyjson_obj_get(root, "data_sha256"));
    TRY(read_features(b, yyjson_obj_get(root, "features"), r));
    if (!population_part_read(b->plan, r->keep, yyjson_obj_get(root, "population")))
        return refuse(r, "table of population features");
    yyjson_val *metrics = yyjson_obj_get(root, "metrics");
    TRY(read_calibration(&b->calibration, root, r));
    TRY(read_venn_abers(b, yyjson_obj_get(root, "venn_abers"), r));
    TRY(read_reference(b, yyjson_obj_get(root, "reference"), r));
    yyjson_val *distributions = yyjson_obj_get(root, "distributions");
    if (distributions != NULL &&
        (b->reference = reference_read(r->keep, distributions, b->plan)) == NULL)
        return refuse(r, "distributions of the customers it learnt from");
    yyjson_val *peers = yyjson_obj_get(root, "peers");
    if (peers != NULL && (b->peers = peers_read(r->keep, peers, b->policy, b->plan)) == NULL)
        return refuse(r, "quantiles of comparable customers");
    if (metrics != NULL) {
        size_t size;
        char *json = yyjson_val_write(metrics, 0, &size);
        b->metrics = str_copy(r->keep, (Str){json, json == NULL ? 0 : size});
        free(json);
    }
    b->columns = matrix_plan(r->keep, b->plan, b->skip);
    const Str *names;
    if (b->columns->columns != model_columns(b->model, &names))
        return refuse(r, "list of columns");
    for (size_t k = 0; k < b->columns->columns; k++) {
        if (!str_equal(b->columns->name[k], names[k]))
            return refuse(r, "order of columns");
        b->columns->name[k] = names[k]; /* the model's own: then it sees at once that it is equal */
    }
    return STATUS_OK;
}

/* A run writes run.json last; quarantine.csv is there from its first stage on. */
static bool unfinished(Arena *keep, const char *run)
{
    return !file_exists(path_join(keep, run, "run.json")) &&
           (file_exists(path_join(keep, run, "resume")) ||
            file_exists(path_join(keep, run, "quarantine.csv")));
}

/* Bundles of before there was a catalogue of messages have none. */
static bool has_messages(Str sums)
{
    return str_contains(sums, str_from("  messages.yaml\n"));
}

static Status read_sums(Str *sums, Arena *keep, const char *folder, Error *err)
{
    const char *inner = path_join(keep, folder, "bundle");
    if (!file_exists(path_join(keep, folder, "SHA256SUMS")) &&
        file_exists(path_join(keep, inner, "SHA256SUMS"))) {
        (void)error_set(err, STATUS_USAGE, "%s is the folder of a run, not its bundle", folder);
        return error_remedy(err, "the bundle is %s", inner);
    }
    Str above = str_from(folder), last = S("/bundle");
    size_t rest = above.size > last.size ? above.size - last.size : 0;
    if (rest > 0 && str_equal(str_slice(above, rest, above.size), last))
        above = str_slice(above, 0, rest); /* the run that would have made this bundle */
    if (!file_exists(path_join(keep, folder, "SHA256SUMS")) &&
        unfinished(keep, str_chars(keep, above))) {
        (void)error_set(err, STATUS_USAGE,
                        "%.*s is the folder of a run that was not finished: it has no bundle yet",
                        STR_ARG(above));
        return error_remedy(err, "run the same command again: it goes on where it stopped");
    }
    return file_read(sums, keep, path_join(keep, folder, "SHA256SUMS"), err);
}

/* What one thread reads: the model, which is most of most bundles, or all the rest. */
typedef struct Part {
    Arena *keep;
    Status status;
    Error err;
    size_t unread; /* the file that could not be read, or BUNDLE_FILES */
} Part;

typedef struct Opening {
    Bundle *b;
    Str sums;
    const char *path[BUNDLE_FILES];
    char hash[BUNDLE_FILES][SHA256_TEXT];
    yyjson_doc *manifest; /* NULL: it is no JSON */
    Part books, model;
} Opening;

static Status take_file(Str *out, Opening *o, Part *p, Arena *keep, size_t i)
{
    Status status = file_read(out, keep, o->path[i], &p->err);
    if (status == STATUS_OK)
        sha256_text(o->hash[i], *out);
    else
        p->unread = i;
    return status;
}

/* What is laid out of the model lies where its text was: those pages are there already. */
static Status take_model(Opening *o)
{
    Part *p = &o->model;
    Arena laid = arena_new(), was = laid;
    Str text;
    arena_adopt(p->keep, laid);
    TRY(take_file(&text, o, p, &was, BUNDLE_MODEL));
    Status read = model_read(&o->b->model, p->keep, text, &p->err);
    if (read != STATUS_OK) {
        (void)error_place(&p->err, o->path[BUNDLE_MODEL], 0, 0); /* its reader knows no file */
        return read;
    }
    model_prepare(o->b->model, &laid);
    arena_trim(&laid, 0);
    return STATUS_OK;
}

static Status take_books(Opening *o, Arena scratch)
{
    Part *p = &o->books;
    Bundle *b = o->b;
    Str content[BUNDLE_FILES] = {{0}};
    for (size_t i = 0; i < BUNDLE_FILES; i++)
        if (i != BUNDLE_MODEL && (i != BUNDLE_MESSAGES || has_messages(o->sums)))
            TRY(take_file(&content[i], o, p, i == BUNDLE_MANIFEST ? &scratch : p->keep, i));
    o->manifest = yyjson_read_opts((char *)(uintptr_t)content[BUNDLE_MANIFEST].data,
                                   content[BUNDLE_MANIFEST].size, 0, NULL, NULL);
    const char *const *path = o->path;
    TRY(schema_read(&b->schema, p->keep, content[BUNDLE_SCHEMA], path[BUNDLE_SCHEMA], &p->err));
    TRY(plan_read(&b->plan, p->keep, content[BUNDLE_FEATURES], path[BUNDLE_FEATURES], b->schema,
                  &p->err));
    TRY(policy_read(&b->policy, p->keep, content[BUNDLE_POLICY], path[BUNDLE_POLICY], b->plan,
                    &p->err));
    if (content[BUNDLE_MESSAGES].data == NULL)
        return STATUS_OK;
    TRY(messages_read(&b->messages, p->keep, content[BUNDLE_MESSAGES], path[BUNDLE_MESSAGES],
                      &p->err));
    return policy_translate(b->policy, p->keep, b->messages, NULL, &p->err);
}

static void take_part(void *opening, size_t task, Arena scratch)
{
    Opening *o = opening;
    if (task == 0)
        o->model.status = take_model(o);
    else
        o->books.status = take_books(o, scratch);
}

static Status pass_up(Error *err, const Part *p)
{
    if (p->status != STATUS_OK)
        error_pass(err, &p->err);
    return p->status;
}

/* Every file must be there, whole, and as SHA256SUMS says. */
static Status check_files(const Opening *o, Arena *keep, const char *folder, Error *err)
{
    Buffer expected = buffer_new(keep);
    for (size_t i = 0; i < COUNT_OF(bundle_files); i++) {
        const Part *p = i == BUNDLE_MODEL ? &o->model : &o->books;
        if (i == BUNDLE_MESSAGES && !has_messages(o->sums))
            continue;
        if (p->unread == i)
            return pass_up(err, p);
        Str line = str_format(keep, "%s  %s\n", o->hash[i], bundle_files[i]);
        if (!str_contains(o->sums, line)) {
            (void)error_set(
                err, STATUS_FORMAT,
                "%s is not the file that SHA256SUMS speaks of: it was cut off or altered",
                bundle_files[i]);
            (void)error_place(err, o->path[i], 0, 0);
            return error_remedy(err, "take the bundle again from where it was made");
        }
        buffer_add(&expected, line);
    }
    if (!str_equal(o->sums, buffer_str(&expected))) {
        (void)error_set(err, STATUS_FORMAT, "SHA256SUMS has lines that do not belong to a bundle");
        (void)error_place(err, path_join(keep, folder, "SHA256SUMS"), 0, 0);
        return error_remedy(err, "take the bundle again from where it was made");
    }
    sha256_text(o->b->id, o->sums);
    return STATUS_OK;
}

/* The files first, then the books, then the model: which thread was quicker changes no error. */
static Status check_parts(const Opening *o, Arena *keep, const char *folder, Team *team, Error *err)
{
    Reader r = {keep, o->path[BUNDLE_MANIFEST], err};
    yyjson_val *root = yyjson_doc_get_root(o->manifest);
    TRY(check_files(o, keep, folder, err));
    TRY(pass_up(err, &o->books));
    TRY(pass_up(err, &o->model));
    if (o->manifest == NULL)
        return refuse(&r, "manifest");
    TRY(read_manifest(o->b, root, &r));
    return check_golden(o->b, team, root, &r);
}

static Status read_bundle(Bundle *b, Arena *keep, const char *folder, Error *err)
{
    Arena model = arena_new();
    Opening o = {.b = b,
                 .books = {.keep = keep, .unread = BUNDLE_FILES},
                 .model = {.keep = &model, .unread = BUNDLE_FILES}};
    arena_adopt(keep, model);
    TRY(read_sums(&o.sums, keep, folder, err));
    for (size_t i = 0; i < BUNDLE_FILES; i++)
        o.path[i] = path_join(keep, folder, bundle_files[i]);
    Team *team = team_new(team_processors() > 1 ? 2 : 1);
    team_run(team, 2, take_part, &o);
    Status status = check_parts(&o, keep, folder, team, err);
    team_free(team);
    yyjson_doc_free(o.manifest);
    return status;
}

/* Readers of books and models know what is wrong in their file, but not that it lies in a bundle,
 * which nobody should mend by hand. */
Status bundle_open(Bundle **out, Arena *keep, const char *folder, Error *err)
{
    *out = ARENA_NEW(keep, Bundle);
    Status status = read_bundle(*out, keep, folder, err);
    if (status != STATUS_OK)
        (void)error_remedy(err, "take the bundle again from where it was made; it must not be "
                                "edited");
    return status;
}
