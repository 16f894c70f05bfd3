/* The model card and the validation file: what they must say, and what no text may do to them. */
#include "report/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena;
    Run *run;
    Str card, validation;
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    f->card = report_model_card(&f->arena, f->run);
    f->validation = report_validation(&f->arena, f->run);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

static void has(Str paper, const char *part)
{
    if (!str_contains(paper, str_from(part)))
        fail_msg("the paper lacks `%s`", part);
}

static void has_not(Str paper, const char *part)
{
    if (str_contains(paper, str_from(part)))
        fail_msg("the paper has `%s`", part);
}

static void has_in_order(Str paper, const char *const *part, size_t parts)
{
    const char *at = paper.data, *end = paper.data + paper.size;
    for (size_t i = 0; i < parts; i++) {
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker)
        const char *found = memmem(at, (size_t)(end - at), part[i], strlen(part[i]));
        if (found == NULL) {
            fail_msg("`%s` is not there, or not in its place", part[i]);
            return;
        }
        at = found + strlen(part[i]);
    }
}

static size_t count_of(Str paper, const char *part)
{
    size_t count = 0;
    for (size_t i = 0; i + strlen(part) <= paper.size; i++)
        count += memcmp(paper.data + i, part, strlen(part)) == 0;
    return count;
}

/* Cells of a line: bars that no backslash stands before, less one. */
static size_t cells_of(Str line)
{
    size_t bars = 0;
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] == '\\')
            i++;
        else
            bars += line.data[i] == '|';
    return bars - 1;
}

/* Every row has the cells of its table's head, and every table its rule. */
static void check_tables(Str paper)
{
    size_t columns = 0, row = 0;
    for (size_t at = 0; at < paper.size;) {
        const char *end = memchr(paper.data + at, '\n', paper.size - at);
        assert_non_null(end);
        Str line = {paper.data + at, (size_t)(end - paper.data) - at};
        at += line.size + 1;
        if (line.size == 0 || line.data[0] != '|') {
            assert_int_not_equal(row, 1); /* a head without its rule */
            columns = row = 0;
            continue;
        }
        if (row == 0)
            columns = cells_of(line);
        if (cells_of(line) != columns)
            fail_msg("%zu cells instead of %zu in `%.*s`", cells_of(line), columns, STR_ARG(line));
        if (row++ == 1)
            assert_true(str_starts(line, S("|---|")));
    }
}

static void every_part_is_there_in_order(void **state)
{
    static const char *const card[] = {"# Model card\n",
                                       "\n## What it is\n",
                                       "\n## Intended use\n",
                                       "\n## Not to be used for\n",
                                       "An automatic exit",
                                       "\n## Data and labels\n",
                                       "\n## Populations\n",
                                       "\n## Figures\n",
                                       "\n## What a score is\n",
                                       "\n## Thresholds and guarantee\n",
                                       "\n## Fairness\n",
                                       "\n## Leakage: what was found and done\n",
                                       "\n## Limits that this run found\n",
                                       "\n## Monitoring and going back\n",
                                       "\n## Contact and sign-off\n",
                                       "| Owner (contact) |  |  |  |\n"};
    static const char *const validation[] = {"# Validation file\n",
                                             "\n## 1 Purpose",
                                             "\n## 2 Conceptual soundness",
                                             "\n## 3 Data lineage",
                                             "\n## 4 Label",
                                             "\n## 5 Split",
                                             "\n## 6 Candidates",
                                             "\n## 7 Outcome",
                                             "\n## 8 Leakage audit",
                                             "\n### Kept from the model",
                                             "\n### Ablation",
                                             "\n## 9 For whom it holds",
                                             "\n## 10 Calibration",
                                             "\n## 11 Thresholds",
                                             "\n### Guarantee",
                                             "\n### Stability of the list",
                                             "\n## 12 What the model lives on",
                                             "\n### Screening",
                                             "\n## 13 Fairness and proxies",
                                             "\n## 14 Sensitivity",
                                             "\n## 15 Reproducibility",
                                             "\n## 16 Open findings",
                                             "Validator's remark",
                                             "\n## 17 Limits",
                                             "\n## 18 Approval and expiry",
                                             "| Approval expires on |  |\n"};
    Fixture *f = *state;
    has_in_order(f->card, card, COUNT_OF(card));
    has_in_order(f->validation, validation, COUNT_OF(validation));
    check_tables(f->card);
    check_tables(f->validation);
}

enum { CARD_BELIEFS = 11 }; /* what it may be used for has one for both its sections */

static void every_section_says_how_far_it_goes(void **state)
{
    Fixture *f = *state;
    const char *at = strstr(str_chars(&f->arena, f->validation), "\n## ");
    size_t sections = 0;
    while (at != NULL) {
        const char *next = strstr(at + 1, "\n## ");
        const char *says = strstr(at, "**How far this goes.**");
        assert_non_null(says);
        assert_true(next == NULL || says < next);
        sections++;
        at = next;
    }
    assert_int_equal(sections, 18);
    assert_int_equal(count_of(f->card, "**How far this goes.**"), CARD_BELIEFS);
}

static void the_main_figures_are_those_of_the_run(void **state)
{
    Fixture *f = *state;
    const Run *run = f->run;
    const Validation *v = run->validation;
    const StrataSlice *quoted = &run->strata->slice[run->strata->headline];
    Interval auc = quoted->metric->metric[METRIC_AUC];
    char text[200];
    (void)snprintf(text, sizeof text, "| %.*s (quoted) | %zu | %zu | %.3f [%.3f, %.3f] |",
                   STR_ARG(quoted->name), quoted->customers, quoted->positives, auc.value, auc.low,
                   auc.high);
    has(f->card, text);
    has(f->validation, text);
    auc = v->nested.metric[run->headline].metric[METRIC_AUC];
    (void)snprintf(text, sizeof text, "| %.3f [%.3f, %.3f] |", auc.value, auc.low, auc.high);
    has(f->card, text);
    has(f->validation, text);
    for (size_t i = 0; i < v->candidates; i++) {
        (void)snprintf(text, sizeof text, "\n| %.*s%s | ", STR_ARG(v->candidate[i].name),
                       i == v->chosen ? " (chosen)" : "");
        has(f->validation, text);
    }
    (void)snprintf(text, sizeof text, "| Bundle | %s |", run->bundle->id);
    has(f->card, text);
    has(f->validation, text);
    const CalibrationCheck *c = &run->calibration[run->headline];
    (void)snprintf(text, sizeof text, "calibration error is %.3f", c->ece.seen);
    has(f->card, text);
    (void)snprintf(text, sizeof text, "%zu are proposed for off-boarding", run->candidates);
    has(f->card, text);
    has(f->validation, "the sum holds");
    has(f->validation, "| another seed, calibrated on another repeat | 10 | 0.91 | 0.75 |");
    has(f->validation, "expect the lower figure");
    has(f->validation, "| closed | closure_reason |");
    has(f->validation, "Overruled: in the model although the audit calls it a leak");
    has(f->validation, "reaches an AUC of 0.610 [0.520, 0.700]");
    has(f->validation, "| with what the audit keeps out | 13 |");
}

static void no_customer_is_named(void **state)
{
    Fixture *f = *state;
    const Dataset *d = f->run->data;
    for (size_t i = 0; i < d->customers; i++) {
        has_not(f->card, str_chars(&f->arena, d->id[i]));
        has_not(f->validation, str_chars(&f->arena, d->id[i]));
    }
    has_not(f->card, "alert(1)");
    has_not(f->validation, "alert(1)");
}

/* ---- parts of a run that are not there ---- */

typedef struct Without {
    size_t at; /* of the pointer in Run */
    const char *says;
    bool in_card;
} Without;

static void what_is_not_there_is_said(void **state)
{
    static const Without without[] = {
        {offsetof(Run, audit), "Columns were not tried against the label in this run.", true},
        {offsetof(Run, thresholds), "was not tested in this run: take it that none does.", true},
        {offsetof(Run, stability), "Learning was not done again in this run", false},
        {offsetof(Run, importance), "Importance was not measured in this run.", false},
        {offsetof(Run, screening), "Features were not screened in this run.", false},
        {offsetof(Run, silence), "Silence test: absent, it was not run.", true},
        {offsetof(Run, links), "Links between labelled customers were not looked for.", false},
        {offsetof(Run, forward), "No judgement forward in time", false},
        {offsetof(Run, drift), "Drift was not measured in this run", true},
        {offsetof(Run, calibration), "Calibration was not checked in this run.", true},
        {offsetof(Run, scored), "No customers were scored in this run.", true},
        {offsetof(Run, strata), "Slices of customers were not set side by side", true},
        {offsetof(Run, fairness), "were not compared in this run", true},
        {offsetof(Run, bundle), "nothing was kept, the procedure was judged", true},
        {offsetof(Run, validation), "Nothing was cross-validated in this run", false},
    };
    Fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(without); i++) {
        Run run = *f->run;
        memset((char *)&run + without[i].at, 0, sizeof(void *));
        if (run.scored == NULL)
            run.candidates = run.contradictories = 0;
        Str card = report_model_card(&f->arena, &run);
        Str validation = report_validation(&f->arena, &run);
        has(without[i].in_card ? card : validation, without[i].says);
        check_tables(card);
        check_tables(validation);
    }
    has_not(f->card, "Silence test: absent");
    has_not(f->validation, "Importance was not measured");
}

/* As the commands leave them: a run with too few to learn from, and a bundle that was judged. */
static void other_kinds_of_run_say_what_they_are(void **state)
{
    Fixture *f = *state;
    Run rules = *f->run;
    rules.validation = NULL;
    rules.audit = NULL;
    rules.thresholds = NULL;
    rules.stability = NULL;
    rules.importance = NULL;
    rules.screening = NULL;
    rules.strata = NULL;
    rules.calibration = NULL;
    rules.forward = NULL;
    Str card = report_model_card(&f->arena, &rules);
    has(card, "none: too few labelled customers of one kind to learn from");
    has(card, "what was decided rests on rules alone");
    has(card, "No figure was measured in this run.");
    has(card, "Everyone has the same score");
    has(card, "No model was made: rules alone decide");
    assert_int_equal(count_of(card, "**How far this goes.**"), CARD_BELIEFS);
    Str validation = report_validation(&f->arena, &rules);
    has(validation, "for there are too few labelled customers of one kind");
    has(validation, "No nested result");
    check_tables(validation);

    Run judged = rules;
    const Validation *v = f->run->validation;
    judged.judged = v->candidate[v->chosen].metric;
    judged.calibration = f->run->calibration;
    card = report_model_card(&f->arena, &judged);
    has(card, "Nothing was learnt in this run: a bundle was judged on labelled customers.");
    has(card, "No customers were scored in this run.");
    has_not(card, "(nested)");
    validation = report_validation(&f->arena, &judged);
    has(validation, "the bundle was judged on all labelled customers at once");
    has(validation, "the papers of the run that trained the bundle have them");

    Run scores = rules; /* a bundle that scored and nothing more */
    scores.training = NULL;
    scores.training_row = NULL;
    scores.fairness = NULL;
    scores.links = NULL;
    card = report_model_card(&f->arena, &scores);
    has(card, "No model was made in this run, and nothing was chosen.");
    check_tables(report_validation(&f->arena, &scores));
}

static void a_guarantee_that_is_reached_is_told_with_its_counts(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    ThresholdReview review = *run.thresholds;
    ThresholdStratum *stratum = ARENA_ARRAY(&f->arena, ThresholdStratum, review.strata);
    memcpy(stratum, review.stratum, review.strata * sizeof *stratum);
    review.stratum = stratum;
    run.thresholds = &review;
    MetricCertificate *c = &stratum[run.headline].certificate;
    c->selected = 31;
    c->errors = 2;
    c->threshold = 0.71234;
    c->precision = 0.80;
    c->confidence = 0.95;
    has(report_model_card(&f->arena, &run),
        "the 31 with a probability of 0.712 or more hold 2 who were not suspended");
    c->selected = 0;
    c->start = 14;
    c->first_selected = 14;
    c->first_errors = 3;
    c->first_low = 0.54;
    Str card = report_model_card(&f->arena, &run);
    has(card, "Not reached. Asked is a precision of 80\xC2\xA0% at 95\xC2\xA0% confidence.");
    has(card, "3 were not suspended, which shows only 54\xC2\xA0%.");
}

static void figures_that_are_not_defined_say_so(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    CalibrationCheck *check = ARENA_ARRAY(&f->arena, CalibrationCheck, run.training->strata);
    memcpy(check, run.calibration, run.training->strata * sizeof *check);
    run.calibration = check;
    check[run.headline].recalibration.slope = (Interval){NAN, NAN, NAN};
    check[run.headline].ece.seen = NAN;
    Str card = report_model_card(&f->arena, &run);
    has(card, "the calibration slope is not defined");
    has(card, "The calibration error is not defined");
    has_not(card, " nan");
    has_not(f->validation, " nan");
    has_not(f->validation, " inf");
}

/* ---- hostile texts ---- */

#define HOSTILE                                                                                    \
    "a|b\n# head\n- x `code` <script>alert(1)</script> **bold** [l](http://evil.example) "         \
    "www.evil.example \xE2\x80\xAE turned \x1B[2J &amp; $x$ ~~no~~ \xFF"

static void no_text_from_outside_is_markup(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Dataset data = *run.data;
    Findings findings = *data.findings;
    findings.item = ARENA_ARRAY(&f->arena, Finding, findings.count + 1);
    memcpy(findings.item, data.findings->item, findings.count * sizeof *findings.item);
    findings.item[findings.count++] =
        (Finding){SEVERITY_SEVERE, S(HOSTILE), 1, S(HOSTILE), S(HOSTILE)};
    LedgerLine ledger[] = {{S(HOSTILE), S("customers"), 3, 3, 0, 0}};
    Strata strata = *run.strata;
    strata.reason = S("# " HOSTILE);
    strata.unseen = S("1. " HOSTILE);
    strata.slice = ARENA_ARRAY(&f->arena, StrataSlice, strata.slices);
    memcpy(strata.slice, run.strata->slice, strata.slices * sizeof *strata.slice);
    strata.slice[0].name = strata.slice[0].condition = strata.slice[0].says = S(HOSTILE);
    data.findings = &findings;
    data.ledger = ledger;
    data.ledger_count = COUNT_OF(ledger);
    run.data = &data;
    run.strata = &strata;
    run.command = S("assay run --out 'x\n```\n# head <b>'");
    const Str paper[] = {report_model_card(&f->arena, &run), report_validation(&f->arena, &run)};
    for (size_t i = 0; i < COUNT_OF(paper); i++) {
        has_not(paper[i], "<script");
        has_not(paper[i], "\n# head");
        has_not(paper[i], "\n- x");
        has_not(paper[i], "[l](http");
        has_not(paper[i], "http://evil");
        has_not(paper[i], " www.evil");
        has_not(paper[i], " **bold**");
        has_not(paper[i], " `code`");
        has_not(paper[i], "\xE2\x80\xAE");
        has_not(paper[i], "\x1B");
        has_not(paper[i], " $x$");
        has_not(paper[i], "\n1. ");
        assert_true(str_valid_utf8(paper[i]));
        check_tables(paper[i]);
        /* The fence is longer than any in the command, which stays on one line. */
        has(paper[i], "\n````\nassay run --out 'x ``` # head <b>'\n````\n");
    }
    has(paper[0], "\n\\# a\\|b # head - x \\`code\\` &lt;script&gt;");
    has(paper[0], "\n1\\. a\\|b");
    has(paper[1], "[l\\](http\\://evil.example) www\\.evil.example");
}

/* ---- files ---- */

static void both_files_are_written_and_taken_away(void **state)
{
    Fixture *f = *state;
    char folder[] = "/tmp/assay-papers-XXXXXX";
    assert_non_null(mkdtemp(folder));
    Error err = {0};
    Str card, validation;
    const char *at[] = {path_join(&f->arena, folder, "model-card.md"),
                        path_join(&f->arena, folder, "validation.md")};
    made_up_ok(report_papers_write(f->run, folder, &err), &err);
    made_up_ok(file_read(&card, &f->arena, at[0], &err), &err);
    made_up_ok(file_read(&validation, &f->arena, at[1], &err), &err);
    assert_true(str_equal(card, f->card)); /* equal runs, equal bytes */
    assert_true(str_equal(validation, f->validation));
    made_up_ok(report_papers_remove(folder, &err), &err);
    assert_false(file_exists(at[0]) || file_exists(at[1]));
    made_up_ok(report_papers_remove(folder, &err), &err);
    (void)rmdir(folder);
    assert_int_equal(report_papers_write(f->run, "/proc/none", &err), STATUS_IO);
    assert_non_null(strstr(err.message, "/proc/none/model-card.md"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_there_in_order),
        cmocka_unit_test(every_section_says_how_far_it_goes),
        cmocka_unit_test(the_main_figures_are_those_of_the_run),
        cmocka_unit_test(no_customer_is_named),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(other_kinds_of_run_say_what_they_are),
        cmocka_unit_test(a_guarantee_that_is_reached_is_told_with_its_counts),
        cmocka_unit_test(figures_that_are_not_defined_say_so),
        cmocka_unit_test(no_text_from_outside_is_markup),
        cmocka_unit_test(both_files_are_written_and_taken_away),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
