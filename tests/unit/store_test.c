#include "store/store.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <yyjson.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena;
    Run *run;
    char folder[64];
} Fixture;

static const char *const files[] = {
    "decisions.csv",  "offboarding.csv", "decisions.jsonl", "features.csv", "quality.json",
    "quarantine.csv", "metrics.json",    "run.json",        "timings.json", "validation.csv",
    "trials.csv",     "folds.csv",       "importance.csv",  "shap.csv",     "curves.csv",
    "screening.csv",  "calibration.csv"};

static void write_run(const Run *run, const char *folder)
{
    Error err = {0};
    made_up_ok(store_run(run, folder, &err), &err);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    strcpy(f->folder, "/tmp/assay-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    write_run(f->run, f->folder);
    *state = f;
    return 0;
}

static void remove_files(const char *folder)
{
    char path[256];
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static int teardown(void **state)
{
    Fixture *f = *state;
    remove_files(f->folder);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static Str read_text(Fixture *f, const char *folder, const char *name)
{
    Str text;
    Error err = {0};
    made_up_ok(file_read(&text, &f->arena, path_join(&f->arena, folder, name), &err), &err);
    return text;
}

static yyjson_doc *parse(Str text)
{
    yyjson_doc *doc = yyjson_read(text.data, text.size, 0);
    assert_non_null(doc);
    return doc;
}

/* A file read back by our own reader, every column as text. */
static Table *read_table(Fixture *f, const char *name)
{
    Str *names;
    size_t count;
    char delimiter;
    Error err = {0};
    Arena scratch = arena_new();
    const char *path = path_join(&f->arena, f->folder, name);
    made_up_ok(csv_header(&names, &count, &delimiter, &f->arena, path, &err), &err);
    assert_int_equal(delimiter, ',');
    CsvColumn *column = ARENA_ARRAY(&f->arena, CsvColumn, count);
    for (size_t i = 0; i < count; i++)
        column[i] = (CsvColumn){.name = names[i], .type = TYPE_TEXT};
    Table *t;
    CsvCounts counts = {0};
    Quarantine *q = quarantine_new(&f->arena);
    made_up_ok(csv_read(&t, &counts, &f->arena, scratch, path, column, count, NULL, q, &err), &err);
    assert_int_equal(counts.quarantined, 0);
    arena_free(&scratch);
    return t;
}

static Str cell(Fixture *f, const Table *t, const char *column, size_t row)
{
    const Column *c = table_find(t, str_from(column));
    if (c == NULL)
        fail_msg("no column %s", column);
    return cell_text(&f->arena, c, row);
}

static void equal_text(Str got, Str want)
{
    if (!str_equal(got, want))
        fail_msg("got `%.*s`, want `%.*s`", STR_ARG(got), STR_ARG(want));
}

/* ---- claims ---- */

static void store_writes_every_file_and_leaves_no_part_behind(void **state)
{
    Fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        assert_true(read_text(f, f->folder, files[i]).size > 0);
        const char *part = str_format(&f->arena, "%s/%s.part", f->folder, files[i]).data;
        assert_false(file_exists(part));
    }
}

static void store_writes_the_same_bytes_twice(void **state)
{
    Fixture *f = *state;
    char other[] = "/tmp/assay-store-XXXXXX";
    assert_non_null(mkdtemp(other));
    Arena arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&arena);
    Run *again = made_up_run(&arena, &inputs);
    again->timing = (Timing[]){{"read", 9.5}};
    again->timings = 1;
    write_run(again, other);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        bool same = str_equal(read_text(f, f->folder, files[i]), read_text(f, other, files[i]));
        bool timings = strcmp(files[i], "timings.json") == 0;
        if (same == timings)
            fail_msg("%s is %s", files[i], same ? "the same" : "different");
    }
    remove_files(other);
    arena_free(&arena);
}

static void decisions_list_every_scored_customer_gravest_first(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "decisions.csv");
    assert_int_equal(t->rows, f->run->scored->count);
    Dictionary *seen = dictionary_new(&f->arena);
    int gravest = ACTIONS;
    for (size_t i = 0; i < t->rows; i++) {
        equal_text(cell(f, t, "rank", i), str_format(&f->arena, "%zu", i + 1));
        (void)dictionary_add(seen, cell(f, t, "customer_id", i));
        int action = 0;
        while (!str_equal(action_name((Action)action), cell(f, t, "action", i)))
            action++;
        assert_true(action <= gravest);
        gravest = action;
    }
    assert_int_equal(seen->count, t->rows);
}

static void probabilities_read_back_equal(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "decisions.csv");
    uint32_t *order = store_order(&f->arena, f->run);
    for (size_t i = 0; i < t->rows; i++) {
        double p;
        assert_true(parse_double(cell(f, t, "probability", i), &p));
        if (p != f->run->scored->outcome[order[i]].probability)
            fail_msg("row %zu: %.17g", i, p);
    }
}

static void offboarding_gives_evidence_for_each_candidate_in_order(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "offboarding.csv");
    assert_true(f->run->candidates >= 3);
    assert_int_equal(t->rows, f->run->candidates);
    for (size_t i = 0; i < t->rows; i++) {
        const Decision *d = &f->run->listed[i];
        Str id = cell(f, t, "customer_id", i);
        if (!str_starts(id, S("'")))
            equal_text(id, d->id);
        assert_true(cell(f, t, "reason_1", i).size > 0);
        assert_true(cell(f, t, "reason_2", i).size > 0);
        assert_true(str_contains(cell(f, t, "families", i), S(";")));
        assert_true(cell(f, t, "transaction_ids", i).size > 0);
        assert_true(cell(f, t, "missing_proof", i).size > 0);
        assert_true(cell(f, t, "next_step", i).size > 0);
        size_t at = f->run->candidate[i];
        equal_text(cell(f, t, "certified", i), store_certified(f->run, at)
                                                   ? S("score in the certified set")
                                                   : S("not statistically certified"));
        equal_text(cell(f, t, "on_list_seeds", i), i == 0 ? S("9 of 10") : S("10 of 10"));
        equal_text(cell(f, t, "on_list_folds", i), i == 0 ? S("8 of 10") : S("10 of 10"));
    }
}

static void thresholds_have_every_hundredth_and_every_mark_of_each_stratum(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "thresholds.csv");
    const ThresholdReview *review = f->run->thresholds;
    assert_int_equal(t->rows, review->strata * (99 + THRESHOLD_MARKS));
    size_t row = 0, marks = 0;
    for (size_t s = 0; s < review->strata; s++)
        for (size_t k = 0; k < 99 + THRESHOLD_MARKS; k++, row++) {
            bool mark = k < THRESHOLD_MARKS;
            const ThresholdRow *one =
                mark ? &review->stratum[s].mark[k] : &review->stratum[s].grid[k - THRESHOLD_MARKS];
            double value;
            equal_text(cell(f, t, "stratum", row), f->run->training->stratum[s]);
            equal_text(cell(f, t, "mark", row),
                       mark ? threshold_mark_name((ThresholdMark)k) : S(""));
            marks += mark;
            assert_true(parse_double(cell(f, t, "threshold", row), &value));
            assert_true(value == one->cut.threshold);
            assert_true(parse_double(cell(f, t, "selected", row), &value));
            assert_true(value == (double)one->cut.selected);
            assert_true(parse_double(cell(f, t, "expected_cost_high", row), &value));
            assert_true(value == one->cost.high);
            if (one->cut.selected == 0)
                assert_int_equal(cell(f, t, "precision_low", row).size, 0);
        }
    assert_int_equal(marks, review->strata * THRESHOLD_MARKS);
}

static void stability_has_everybody_in_the_order_of_decisions(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "stability.csv"), *decisions = read_table(f, "decisions.csv");
    assert_int_equal(t->rows, f->run->scored->count);
    for (size_t i = 0; i < t->rows; i++) {
        equal_text(cell(f, t, "customer_id", i), cell(f, decisions, "customer_id", i));
        equal_text(cell(f, t, "segment", i), cell(f, decisions, "segment", i));
        equal_text(cell(f, t, "on_list", i), i < f->run->candidates ? S("true") : S("false"));
        equal_text(cell(f, t, "seeds_runs", i), S("10"));
        equal_text(cell(f, t, "folds_on_list", i), i == 0                   ? S("8")
                                                   : i < f->run->candidates ? S("10")
                                                                            : S("0"));
    }
}

static void transaction_ids_of_a_candidate_are_its_own_and_listed_once(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "offboarding.csv");
    const Table *rows = f->run->scored->events->rows;
    const Column *id = table_find(rows, S("id"));
    for (size_t i = 0; i < t->rows; i++) {
        uint32_t customer = f->run->scored->row[f->run->candidate[i]];
        const size_t *start = f->run->scored->events->start;
        Dictionary *own = dictionary_new(&f->arena), *seen = dictionary_new(&f->arena);
        for (size_t k = start[customer]; k < start[customer + 1]; k++)
            (void)dictionary_add(own, cell_text(&f->arena, id, k));
        Str left = cell(f, t, "transaction_ids", i);
        for (size_t from = 0, to; from < left.size; from = to + 1) {
            for (to = from; to < left.size && left.data[to] != ';'; to++)
                ;
            Str one = str_slice(left, from, to);
            assert_int_not_equal(dictionary_find(own, one), NO_CODE);
            assert_int_equal(dictionary_find(seen, one), NO_CODE);
            (void)dictionary_add(seen, one);
        }
    }
}

static void spreadsheet_formulas_are_defused(void **state)
{
    Fixture *f = *state;
    static const char *const sheets[] = {"decisions.csv", "offboarding.csv", "features.csv"};
    for (size_t i = 0; i < COUNT_OF(sheets); i++) {
        Str text = read_text(f, f->folder, sheets[i]);
        assert_true(str_contains(text, S("\"'=HYPERLINK(\"\"x\"\")\"")));
        assert_false(str_contains(text, S("\n=HYPERLINK")));
        assert_false(str_contains(text, S(",=HYPERLINK")));
        assert_false(str_contains(text, S("\"=HYPERLINK")));
    }
}

static void features_are_written_exactly(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "features.csv");
    const Table *features = f->run->scored->features;
    assert_int_equal(t->rows, f->run->data->customers);
    assert_int_equal(t->columns, features->columns + 2);
    for (size_t k = 0; k < features->columns; k++)
        for (size_t i = 0; i < t->rows; i++)
            equal_text(cell_text(&f->arena, &t->column[k + 2], i),
                       cell_text(&f->arena, &features->column[k], i));
}

static void each_line_of_evidence_is_json_and_contributions_sum_to_the_log_odds(void **state)
{
    Fixture *f = *state;
    Str left = read_text(f, f->folder, "decisions.jsonl");
    size_t lines = 0, hostile = 0;
    while (left.size > 0) {
        size_t end = (size_t)((const char *)memchr(left.data, '\n', left.size) - left.data);
        yyjson_doc *doc = parse(str_slice(left, 0, end));
        yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
        yyjson_val *sum = yyjson_obj_get(root, "contributions");
        double total = 0, p = yyjson_get_real(yyjson_obj_get(root, "probability"));
        size_t i, n;
        yyjson_obj_foreach(sum, i, n, key, value) total += yyjson_get_real(value);
        assert_int_equal(yyjson_obj_size(sum), f->run->bundle->columns->columns + 1);
        if (fabs(total - stable_logit(p)) > 1e-9)
            fail_msg("line %zu: %.17g is not the log-odds of %.17g", lines, total, p);
        assert_true(yyjson_is_arr(yyjson_obj_get(root, "reasons")));
        equal_text(str_from(yyjson_get_str(yyjson_obj_get(root, "bundle"))),
                   str_from(f->run->bundle->id));
        hostile +=
            strcmp(yyjson_get_str(yyjson_obj_get(root, "customer_id")), HOSTILE_FORMULA) == 0;
        yyjson_doc_free(doc);
        left = str_slice(left, end + 1, left.size);
        lines++;
    }
    assert_int_equal(lines, f->run->scored->count);
    assert_int_equal(hostile, 1); /* JSON needs no guard: the id stands as it is */
}

static void ledger_sums_account_for_every_row(void **state)
{
    Fixture *f = *state;
    yyjson_doc *doc = parse(read_text(f, f->folder, "quality.json"));
    yyjson_val *root = yyjson_doc_get_root(doc), *sums = yyjson_obj_get(root, "sums"), *item;
    uint64_t rows = 0;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(root, "ledger"), i, n, item) rows +=
        yyjson_get_uint(yyjson_obj_get(item, "rows"));
    assert_int_equal(n, 4);
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(sums, "rows")), rows);
    assert_true(yyjson_get_bool(yyjson_obj_get(sums, "accounted")));
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(sums, "quarantined")), 1);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "findings")),
                     f->run->data->findings->count);
    yyjson_doc_free(doc);
}

static void metrics_hold_every_stratum_and_undefined_figures_are_null(void **state)
{
    Fixture *f = *state;
    yyjson_doc *doc = parse(read_text(f, f->folder, "metrics.json"));
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *tried = yyjson_obj_get(yyjson_obj_get(root, "validation"), "candidates");
    assert_int_equal(yyjson_arr_size(tried), 2);
    yyjson_val *strata = yyjson_obj_get(yyjson_arr_get(tried, 0), "strata");
    assert_int_equal(yyjson_arr_size(strata), f->run->training->strata);
    yyjson_val *auc = yyjson_obj_get(yyjson_obj_get(yyjson_arr_get(strata, 0), "metrics"), "auc");
    Interval want = f->run->validation->candidate[0].metric[0].metric[METRIC_AUC];
    assert_true(yyjson_get_real(yyjson_obj_get(auc, "value")) == want.value);
    assert_true(yyjson_get_real(yyjson_obj_get(auc, "low")) == want.low);
    yyjson_val *probes = yyjson_obj_get(yyjson_obj_get(root, "audit"), "probes");
    assert_true(yyjson_is_null(yyjson_obj_get(yyjson_arr_get(probes, 3), "cohort_auc")));
    assert_true(yyjson_is_real(yyjson_obj_get(yyjson_arr_get(probes, 2), "cohort_auc")));
    yyjson_doc_free(doc);
}

static double number(Fixture *f, const Table *t, const char *column, size_t row)
{
    double value;
    Str text = cell(f, t, column, row);
    if (text.size == 0)
        return MISSING_VALUE;
    assert_true(parse_double(text, &value));
    return value;
}

static void what_the_model_lives_on_reads_back_equal(void **state)
{
    Fixture *f = *state;
    const Importance *m = f->run->importance;
    Table *t = read_table(f, "importance.csv");
    assert_int_equal(t->rows, m->items);
    for (size_t i = 0; i < t->rows; i++) {
        equal_text(cell(f, t, "of", i), importance_of_name(m->item[i].of));
        assert_true(number(f, t, "log_loss_rise", i) == m->item[i].log_loss.value);
        assert_true(number(f, t, "auc_fall_high", i) == m->item[i].auc.high);
        bool feature = m->item[i].of == IMPORTANCE_FEATURE;
        assert_true(is_missing(number(f, t, "rank_median", i)) == !feature);
    }
    size_t last = m->items - 1; /* a group: its features, by name */
    const Feature *book = f->run->plan->feature;
    equal_text(cell(f, t, "members", last),
               str_format(&f->arena, "%.*s;%.*s", STR_ARG(book[m->item[last].feature[0]].name.text),
                          STR_ARG(book[m->item[last].feature[1]].name.text)));
    t = read_table(f, "shap.csv");
    assert_int_equal(t->rows, m->shaps * (m->slices + 1)); /* and the customers scored */
    equal_text(cell(f, t, "slice", 3), S("MAT"));
    equal_text(cell(f, t, "slice", 4), S("scored"));
    assert_true(number(f, t, "size_low", 3) == m->shap[0].size[3].low);
    assert_true(number(f, t, "size", 4) == m->shap[0].scored.value);
    assert_true(number(f, t, "direction", 0) == m->shap[0].direction.value);
    t = read_table(f, "curves.csv");
    assert_int_equal(t->rows, 7);
    equal_text(cell(f, t, "level", 4), S(HOSTILE_HTML));
    equal_text(cell(f, t, "level", 5), S("'" HOSTILE_FORMULA)); /* levels come from outside */
    assert_true(is_missing(number(f, t, "effect", 3)));
    assert_true(number(f, t, "effect_greatest", 2) == m->curve[0].bin[2].effect.high);
}

static void every_feature_is_screened(void **state)
{
    Fixture *f = *state;
    const Screening *s = f->run->screening;
    Table *t = read_table(f, "screening.csv");
    assert_int_equal(t->rows, f->run->plan->features);
    for (size_t i = 0; i < t->rows; i++) {
        equal_text(cell(f, t, "feature", i), s->feature[i].name);
        assert_true(number(f, t, "information_value", i) == s->feature[i].information);
        assert_true(is_missing(number(f, t, "psi_noise_limit", i)) ==
                    is_missing(s->feature[i].psi_limit));
    }
    yyjson_doc *doc = parse(read_text(f, f->folder, "metrics.json"));
    yyjson_val *root = yyjson_doc_get_root(doc), *sum = yyjson_obj_get(root, "screening");
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(sum, "features")), s->features);
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(sum, "beyond_noise")), 6); /* 2 / 6 > .3 */
    yyjson_val *shuffled = yyjson_obj_get(yyjson_obj_get(root, "importance"), "shuffled");
    assert_int_equal(yyjson_arr_size(shuffled), f->run->importance->items);
    yyjson_val *rise = yyjson_obj_get(yyjson_arr_get(shuffled, 1), "log_loss_rise");
    assert_true(yyjson_get_real(yyjson_obj_get(rise, "low")) ==
                f->run->importance->item[1].log_loss.low);
    yyjson_doc_free(doc);
}

static void calibration_says_of_each_map_and_slice_what_was_found(void **state)
{
    Fixture *f = *state;
    yyjson_doc *doc = parse(read_text(f, f->folder, "metrics.json"));
    yyjson_val *o = yyjson_obj_get(yyjson_doc_get_root(doc), "calibration");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(o, "sample_prior")), "by_design");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(o, "kind")), "platt");
    yyjson_val *kinds = yyjson_obj_get(yyjson_obj_get(o, "choice"), "kinds");
    assert_int_equal(yyjson_arr_size(kinds), CALIBRATION_KINDS);
    assert_true(yyjson_get_bool(yyjson_obj_get(yyjson_arr_get(kinds, 1), "tried")));
    assert_false(yyjson_get_bool(yyjson_obj_get(yyjson_arr_get(kinds, 2), "tried")));
    assert_null(yyjson_obj_get(yyjson_arr_get(kinds, 2), "log_loss"));
    yyjson_val *strata = yyjson_obj_get(o, "strata"), *one;
    assert_int_equal(yyjson_arr_size(strata), f->run->training->strata);
    for (size_t s = 0; s < f->run->training->strata; s++) {
        const CalibrationCheck *c = &f->run->calibration[s];
        one = yyjson_arr_get(strata, s);
        assert_true(yyjson_get_real(yyjson_obj_get(yyjson_obj_get(one, "slope"), "low")) ==
                    c->recalibration.slope.low);
        assert_true(yyjson_get_real(yyjson_obj_get(yyjson_obj_get(one, "ece"),
                                                   "when_perfect_95")) == c->ece.high);
        yyjson_val *high =
            yyjson_obj_get(yyjson_arr_get(yyjson_obj_get(one, "prevalence"), 2), "high_corrected");
        assert_true(yyjson_get_real(yyjson_obj_get(high, "threshold")) ==
                    c->prevalence[2].corrected[1].threshold);
    }
    yyjson_doc_free(doc);
}

static void calibration_gives_back_the_probabilities_of_every_map_tried(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "calibration.csv");
    const CalibrationChoice *c = f->run->validation->calibration;
    assert_int_equal(t->rows, f->run->training->x->rows);
    assert_null(table_find(t, S("p_isotonic_1")));
    for (size_t i = 0; i < t->rows; i++) {
        double p, low;
        assert_true(parse_double(cell(f, t, "p_beta_3", i), &p));
        assert_true(parse_double(cell(f, t, "supported_low", i), &low));
        assert_true(p == c->trial[CALIBRATION_BETA].probability[2][i]);
        assert_true(low == c->low[i]);
    }
}

static void reliability_counts_every_customer_of_the_stratum_once(void **state)
{
    Fixture *f = *state;
    Arena scratch = arena_new();
    const Run *run = f->run;
    for (size_t s = 0; s < run->training->strata; s++) {
        Reliability *bin;
        size_t bins = store_reliability(&bin, &f->arena, scratch, run, s);
        size_t customers = 0, positives = 0;
        for (size_t i = 0; i < bins; i++) {
            customers += bin[i].customers;
            positives += bin[i].positives;
            assert_true(bin[i].low <= bin[i].mean && bin[i].mean <= bin[i].high);
            assert_true(i == 0 || bin[i].low > bin[i - 1].high);
        }
        const MetricSet *m = &run->validation->candidate[0].metric[s];
        assert_int_equal(customers, m->customers);
        assert_int_equal(positives, m->positives);
        assert_true(bins >= 2 && bins <= 10);
    }
    arena_free(&scratch);
}

static void validation_gives_back_the_out_of_fold_probabilities(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "validation.csv");
    const TrainingSet *set = f->run->training;
    const Candidate *forest = &f->run->validation->candidate[1];
    assert_int_equal(t->rows, set->x->rows);
    for (size_t i = 0; i < t->rows; i++) {
        double p;
        assert_true(parse_double(cell(f, t, "p_forest_2", i), &p));
        assert_true(p == forest->probability[1][i]);
        equal_text(cell(f, t, "customer_id", i), set->x->id[i]);
        equal_text(cell(f, t, "label", i), set->label[i] ? S("1") : S("0"));
        equal_text(cell(f, t, "MAT", i), set->in_stratum[2][i] ? S("1") : S("0"));
    }
}

static void a_folder_read_back_says_what_was_said_and_who_is_linked(void **state)
{
    Fixture *f = *state;
    const TrainingSet *set = f->run->training;
    Bundle bundle = *f->run->bundle;
    OutOfFoldFile file;
    Error err = {0};
    Arena scratch = arena_new();
    bundle.metrics = S("{\"model\": \"forest\"}");
    made_up_ok(store_read_validation(&file, &f->arena, scratch, f->folder, &bundle, &err), &err);
    assert_int_equal(file.customers, set->x->rows);
    assert_int_equal(file.repeats, f->run->validation->repeats);
    assert_non_null(file.group);
    assert_int_equal(file.group[1], file.group[4]); /* the linked ones of the made-up run */
    assert_int_not_equal(file.group[1], file.group[0]);
    for (size_t i = 0; i < file.customers; i++) {
        assert_int_equal(file.label[i], set->label[i]);
        assert_int_equal(file.in_stratum[2][i], set->in_stratum[2][i]);
        assert_true(file.p[1][i] == f->run->validation->candidate[1].probability[1][i]);
        assert_true(file.group[i] < file.customers);
    }
    arena_free(&scratch);
}

/* One line of the file altered, and what is said of it. */
static void refuse_validation(Fixture *f, const char *text, const char *says, int64_t line)
{
    char folder[] = "/tmp/assay-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = path_join(&f->arena, folder, "validation.csv");
    Bundle bundle = *f->run->bundle;
    OutOfFoldFile file;
    Error err = {0};
    Arena scratch = arena_new();
    bundle.metrics = S("{\"model\": \"forest\"}");
    made_up_ok(file_write(path, str_from(text), &err), &err);
    assert_int_equal(store_read_validation(&file, &f->arena, scratch, folder, &bundle, &err),
                     STATUS_FORMAT);
    if (strstr(err.message, says) == NULL)
        fail_msg("`%s` does not say `%s`", err.message, says);
    assert_int_equal(err.line, line);
    (void)unlink(path);
    (void)rmdir(folder);
    arena_free(&scratch);
}

static void a_validation_that_no_run_writes_is_refused_with_its_line(void **state)
{
    Fixture *f = *state;
    static const char head[] = "customer_id,label,ALL,TX,MAT,p_forest_1\n";
    static const struct {
        const char *rows, *says;
        int64_t line;
    } bad[] = {{"a,1,1,1,1,0.5\na,0,1,1,1,0.5\n", "a customer twice", 3},
               {"a,1,1,1,1,0.5\nb,2,1,1,1,0.5\n", "not 0 or 1", 3},
               {"a,,1,1,1,0.5\n", "cannot be read", 2},
               {"a,1,1,,1,0.5\n", "not 0 or 1", 2},
               {"a,1,1,1,-1,0.5\n", "not 0 or 1", 2},
               {"a,1,1,1,1,1.5\n", "outside 0 to 1", 2},
               {"a,1,1,1,1,\n", "outside 0 to 1", 2}};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refuse_validation(f, str_chars(&f->arena, str_format(&f->arena, "%s%s", head, bad[i].rows)),
                          bad[i].says, bad[i].line);
    /* Fewer columns than the plan has strata. */
    refuse_validation(f, "p_forest_1\n0.5\n", "customer_id", 1);
}

static void trials_have_a_line_each_with_their_settings_and_what_was_kept(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "trials.csv");
    const Validation *v = f->run->validation;
    size_t parts = validation_parts(v);
    assert_int_equal(t->rows, (size_t)2 * 2 * parts); /* two candidates, two trials */
    for (size_t i = 0; i < t->rows; i++) {
        size_t part = i / 4, candidate = i / 2 % 2, trial = i % 2;
        const Trial *one = &v->searched[candidate * parts + part].trial[trial];
        double x;
        equal_text(cell(f, t, "candidate", i), v->candidate[candidate].name);
        equal_text(cell(f, t, "repeat", i),
                   part + 1 == parts ? S("all")
                                     : str_format(&f->arena, "%zu", part / v->folds + 1));
        equal_text(cell(f, t, "trial", i), trial == 0 ? S("0") : S("1"));
        assert_true(parse_double(cell(f, t, "l2", i), &x) && x == one->tuned.value[SETTING_L2]);
        /* A setting that the candidate does not have is empty. */
        equal_text(cell(f, t, "depth", i), candidate == 0 ? S("") : S("2"));
        equal_text(cell(f, t, "trees", i), candidate == 0 ? S("") : S("120"));
        assert_true(parse_double(cell(f, t, "log_loss", i), &x) && x == one->log_loss);
        equal_text(cell(f, t, "kept", i), one->kept ? S("true") : S("false"));
    }
}

static void folds_say_who_was_judged_with_whom(void **state)
{
    Fixture *f = *state;
    Table *t = read_table(f, "folds.csv");
    const TrainingSet *set = f->run->training;
    const Validation *v = f->run->validation;
    assert_int_equal(t->rows, set->x->rows);
    for (size_t i = 0; i < t->rows; i++) {
        equal_text(cell(f, t, "customer_id", i), set->x->id[i]);
        for (size_t r = 0; r < v->repeats; r++)
            equal_text(cell(f, t, str_format(&f->arena, "fold_%zu", r + 1).data, i),
                       str_format(&f->arena, "%u", v->fold[r][i] + 1));
    }
    equal_text(cell(f, t, "group", 1), S("2"));
    equal_text(cell(f, t, "group", 4), S("2")); /* linked */
    equal_text(cell(f, t, "group", 5), S("5")); /* numbered in order of first sight */
}

static void metrics_tell_links_and_the_way_forward(void **state)
{
    Fixture *f = *state;
    yyjson_doc *doc = parse(read_text(f, f->folder, "metrics.json"));
    yyjson_val *split = yyjson_obj_get(yyjson_doc_get_root(doc), "split");
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(split, "linked_customers")), 2);
    yyjson_val *forward = yyjson_obj_get(split, "forward");
    assert_true(yyjson_get_bool(yyjson_obj_get(forward, "worse")));
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(forward, "cuts")), 2);
    yyjson_val *cut = yyjson_arr_get(yyjson_obj_get(forward, "cuts"), 1);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(cut, "at")), "2024-07-26 13:20:00 UTC");
    assert_int_equal(yyjson_get_uint(yyjson_obj_get(cut, "later")), 11);
    yyjson_doc_free(doc);
}

static void run_json_names_books_and_inputs_by_hash(void **state)
{
    Fixture *f = *state;
    yyjson_doc *doc = parse(read_text(f, f->folder, "run.json"));
    yyjson_val *root = yyjson_doc_get_root(doc);
    char hash[SHA256_TEXT];
    sha256_text(hash, policy_text(f->run->policy));
    yyjson_val *book = yyjson_obj_get(yyjson_obj_get(root, "books"), "policy");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(book, "sha256")), hash);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "inputs")), 4);
    yyjson_doc_free(doc);
}

static void an_input_file_is_hashed_by_its_bytes(void **state)
{
    Fixture *f = *state;
    char folder[] = "/tmp/assay-store-XXXXXX", hash[SHA256_TEXT];
    assert_non_null(mkdtemp(folder));
    Error err = {0};
    const char *path = path_join(&f->arena, folder, "input.csv");
    made_up_ok(file_write(path, S("abc"), &err), &err);
    Dataset data = *f->run->data;
    LedgerLine line = {.file = str_from(path), .role = S("customers")};
    data.ledger = &line;
    data.ledger_count = 1;
    Run run = *f->run;
    run.data = &data;
    write_run(&run, folder);
    sha256_text(hash, S("abc"));
    assert_true(str_contains(read_text(f, folder, "run.json"), str_from(hash)));
    (void)unlink(path);
    remove_files(folder);
}

static void a_command_that_is_not_utf8_still_gives_json(void **state)
{
    Fixture *f = *state;
    char folder[] = "/tmp/assay-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    Run run = *f->run;
    run.command = S("assay run --out caf\xE9");
    write_run(&run, folder);
    yyjson_doc *doc = parse(read_text(f, folder, "run.json"));
    const char *command = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "command"));
    assert_string_equal(command, "assay run --out caf\\xE9");
    yyjson_doc_free(doc);
    remove_files(folder);
}

static void a_run_without_learning_leaves_its_figures_out(void **state)
{
    Fixture *f = *state;
    char folder[] = "/tmp/assay-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    Run run = *f->run;
    run.training = NULL;
    run.validation = NULL;
    run.thresholds = NULL;
    run.stability = NULL;
    run.importance = NULL;
    run.screening = NULL;
    run.audit = NULL;
    run.silence = NULL;
    write_run(&run, folder);
    yyjson_doc *doc = parse(read_text(f, folder, "metrics.json"));
    assert_null(yyjson_obj_get(yyjson_doc_get_root(doc), "validation"));
    assert_false(file_exists(path_join(&f->arena, folder, "validation.csv")));
    assert_false(file_exists(path_join(&f->arena, folder, "importance.csv")));
    assert_false(file_exists(path_join(&f->arena, folder, "screening.csv")));
    assert_non_null(yyjson_obj_get(yyjson_doc_get_root(doc), "thresholds"));
    yyjson_doc_free(doc);
    remove_files(folder);
}

static void
a_folder_begun_again_holds_nothing_of_the_older_run_and_keeps_what_others_put_there(void **state)
{
    Fixture *f = *state;
    char folder[] = "/tmp/assay-store-XXXXXX";
    assert_non_null(mkdtemp(folder));
    write_run(f->run, folder);
    Error err = {0};
    static const char *const more[] = {"report.html", "evaluation.csv", "notes.txt"};
    for (size_t i = 0; i < COUNT_OF(more); i++)
        made_up_ok(file_write(path_join(&f->arena, folder, more[i]), S("old"), &err), &err);
    made_up_ok(store_begin(folder, &err), &err);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (file_exists(path_join(&f->arena, folder, files[i])))
            fail_msg("%s is still there", files[i]);
    assert_false(file_exists(path_join(&f->arena, folder, "report.html")));
    assert_false(file_exists(path_join(&f->arena, folder, "evaluation.csv")));
    equal_text(read_text(f, folder, "notes.txt"), S("old"));
    made_up_ok(file_remove(path_join(&f->arena, folder, "notes.txt"), &err), &err);
    remove_files(folder);
}

static void a_folder_that_cannot_be_made_is_an_error_with_its_name(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    assert_int_equal(store_run(f->run, "/proc/assay-cannot-be", &err), STATUS_IO);
    assert_non_null(strstr(err.message, "/proc/assay-cannot-be"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_writes_every_file_and_leaves_no_part_behind),
        cmocka_unit_test(store_writes_the_same_bytes_twice),
        cmocka_unit_test(decisions_list_every_scored_customer_gravest_first),
        cmocka_unit_test(probabilities_read_back_equal),
        cmocka_unit_test(a_folder_read_back_says_what_was_said_and_who_is_linked),
        cmocka_unit_test(a_validation_that_no_run_writes_is_refused_with_its_line),
        cmocka_unit_test(offboarding_gives_evidence_for_each_candidate_in_order),
        cmocka_unit_test(thresholds_have_every_hundredth_and_every_mark_of_each_stratum),
        cmocka_unit_test(stability_has_everybody_in_the_order_of_decisions),
        cmocka_unit_test(transaction_ids_of_a_candidate_are_its_own_and_listed_once),
        cmocka_unit_test(spreadsheet_formulas_are_defused),
        cmocka_unit_test(features_are_written_exactly),
        cmocka_unit_test(each_line_of_evidence_is_json_and_contributions_sum_to_the_log_odds),
        cmocka_unit_test(ledger_sums_account_for_every_row),
        cmocka_unit_test(metrics_hold_every_stratum_and_undefined_figures_are_null),
        cmocka_unit_test(what_the_model_lives_on_reads_back_equal),
        cmocka_unit_test(every_feature_is_screened),

        cmocka_unit_test(calibration_says_of_each_map_and_slice_what_was_found),
        cmocka_unit_test(calibration_gives_back_the_probabilities_of_every_map_tried),
        cmocka_unit_test(reliability_counts_every_customer_of_the_stratum_once),
        cmocka_unit_test(validation_gives_back_the_out_of_fold_probabilities),
        cmocka_unit_test(trials_have_a_line_each_with_their_settings_and_what_was_kept),
        cmocka_unit_test(folds_say_who_was_judged_with_whom),
        cmocka_unit_test(metrics_tell_links_and_the_way_forward),
        cmocka_unit_test(run_json_names_books_and_inputs_by_hash),
        cmocka_unit_test(an_input_file_is_hashed_by_its_bytes),
        cmocka_unit_test(a_command_that_is_not_utf8_still_gives_json),
        cmocka_unit_test(a_run_without_learning_leaves_its_figures_out),
        cmocka_unit_test(
            a_folder_begun_again_holds_nothing_of_the_older_run_and_keeps_what_others_put_there),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error_with_its_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
