#include "report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"

typedef struct Fixture {
    Arena arena;
    Run *run;
    Str page;
} Fixture;

static Str write_report(Arena *arena, const Run *run)
{
    char path[] = "/tmp/assay-report-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    Error err = {0};
    Str page;
    made_up_ok(report_write(run, path, &err), &err);
    made_up_ok(file_read(&page, arena, path, &err), &err);
    (void)unlink(path);
    return page;
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&f->arena);
    f->run = made_up_run(&f->arena, &inputs);
    f->page = write_report(&f->arena, f->run);
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

static void has(Str page, const char *part)
{
    if (!str_contains(page, str_from(part)))
        fail_msg("the page lacks `%s`", part);
}

static void has_not(Str page, const char *part)
{
    if (str_contains(page, str_from(part)))
        fail_msg("the page has `%s`", part);
}

static size_t count_of(Str page, const char *part)
{
    size_t count = 0, size = strlen(part);
    for (size_t i = 0; i + size <= page.size; i++)
        count += memcmp(page.data + i, part, size) == 0;
    return count;
}

/* What stands before the script: all that came from the run. */
static Str written(Str page)
{
    const char *script = memmem(page.data, page.size, "<script>", 8);
    assert_non_null(script);
    return str_slice(page, 0, (size_t)(script - page.data));
}

/* ---- a small reader of tags ---- */

static bool in_list(Str name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_equal(name, str_from(*list)))
            return true;
    return false;
}

static Str tag_name(Str tag)
{
    size_t size = 0;
    while (size < tag.size && tag.data[size] != ' ' && tag.data[size] != '\n' &&
           tag.data[size] != '/')
        size++;
    return str_slice(tag, 0, size);
}

/* Every element that is opened is closed, in order; every quote of an attribute too. Only
 * elements that the report is known to use may occur. */
static void check_nesting(Str page)
{
    static const char *const empty[] = {"meta", NULL};
    static const char *const known[] = {
        "html",    "head",       "meta",    "title",  "style",  "body",   "a",       "header",
        "h1",      "h2",         "h3",      "h4",     "h5",     "p",      "dl",      "div",
        "dt",      "dd",         "small",   "nav",    "ol",     "ul",     "li",      "main",
        "section", "table",      "caption", "thead",  "tbody",  "tr",     "th",      "td",
        "bdi",     "code",       "pre",     "span",   "b",      "strong", "details", "summary",
        "figure",  "figcaption", "svg",     "desc",   "text",   "line",   "g",       "polyline",
        "circle",  "rect",       "article", "footer", "script", NULL};
    Str stack[64];
    size_t depth = 0, elements = 0;
    size_t at = S("<!DOCTYPE html>").size;
    assert_true(str_starts(page, S("<!DOCTYPE html>")));
    while (at < page.size) {
        const char *open = memchr(page.data + at, '<', page.size - at);
        if (open == NULL)
            break;
        size_t from = (size_t)(open - page.data) + 1, to = from;
        bool quoted = false;
        for (; to < page.size && (quoted || page.data[to] != '>'); to++)
            quoted ^= page.data[to] == '"';
        assert_true(to < page.size);
        Str tag = str_slice(page, from, to);
        at = to + 1;
        if (str_equal(tag, S("script"))) { /* its text is no markup, up to its end */
            const char *end = memmem(page.data + at, page.size - at, "</script>", 9);
            assert_non_null(end);
            at = (size_t)(end - page.data) + 9;
            continue;
        }
        bool closes = str_starts(tag, S("/"));
        Str name = tag_name(str_slice(tag, closes, tag.size));
        assert_non_null(name.data);
        if (!in_list(name, known))
            fail_msg("unknown element <%.*s>", STR_ARG(tag));
        elements++;
        if (closes) {
            if (depth == 0 || !str_equal(stack[depth - 1], name))
                fail_msg("</%.*s> closes <%.*s>", STR_ARG(name),
                         STR_ARG(depth == 0 ? S("nothing") : stack[depth - 1]));
            if (depth == 0)
                return;
            depth--;
        } else if (!in_list(name, empty) && tag.data[tag.size - 1] != '/') {
            assert_true(depth < COUNT_OF(stack));
            stack[depth++] = name;
        }
    }
    assert_int_equal(depth, 0);
    assert_true(elements > 500);
}

/* ---- claims ---- */

static void every_section_is_there_in_order(void **state)
{
    Fixture *f = *state;
    static const char *const parts[] = {"<h2 id=\"data-h\">1 Data",
                                        "id=\"ledger\"",
                                        "id=\"cohorts\"",
                                        "id=\"findings\"",
                                        "<h2 id=\"model-h\">2 Mod",
                                        "id=\"tried\"",
                                        "id=\"figures\"",
                                        "id=\"curves\"",
                                        "id=\"roc-t\"",
                                        "id=\"pr-t\"",
                                        "id=\"gain\"",
                                        "id=\"gain-t\"",
                                        "id=\"confusion\"",
                                        "id=\"calibration\"",
                                        "id=\"leaks\"",
                                        "id=\"control\"",
                                        "id=\"silence\"",
                                        "id=\"importance\"",
                                        "id=\"contributions\"",
                                        "id=\"effects\"",
                                        "id=\"curve-1-t\"",
                                        "id=\"screening\"",
                                        "<h2 id=\"segments-h\">3 ",
                                        "id=\"behaviour\"",
                                        "id=\"segment-box-1-t\"",
                                        "id=\"thresholds\"",
                                        "id=\"precision-at-t\"",
                                        "id=\"decision-curve-t\"",
                                        "id=\"capacity-t\"",
                                        "<h2 id=\"offboardi",
                                        "id=\"objectives\"",
                                        "id=\"list\"",
                                        "id=\"candidates\"",
                                        "id=\"case-1\"",
                                        "id=\"near\"",
                                        "id=\"certified\"",
                                        "id=\"stability\"",
                                        "id=\"criteria\"",
                                        "id=\"contradictory\"",
                                        "<h2 id=\"limits-",
                                        "<h2 id=\"reproduce"};
    Str left = f->page;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const char *found = memmem(left.data, left.size, parts[i], strlen(parts[i]));
        if (found == NULL) {
            fail_msg("`%s` is missing or out of order", parts[i]);
            return;
        }
        left = str_slice(left, (size_t)(found - left.data), left.size);
    }
}

static void elements_are_closed_in_order(void **state)
{
    Fixture *f = *state;
    check_nesting(f->page);
}

static Str between(Str page, const char *from, const char *to)
{
    const char *start = memmem(page.data, page.size, from, strlen(from));
    assert_non_null(start);
    Str rest = str_slice(page, (size_t)(start - page.data) + strlen(from), page.size);
    const char *end = memmem(rest.data, rest.size, to, strlen(to));
    assert_non_null(end);
    return str_slice(rest, 0, (size_t)(end - rest.data));
}

static void nothing_is_fetched_and_only_our_script_runs(void **state)
{
    Fixture *f = *state;
    static const char *const never[] = {
        "http:",   "https:",    "<link",  "<img",        "src=",    "url(",
        "@import", "onclick",   "onload", "javascript:", "<iframe", "<form",
        "style=",  "innerHTML", "eval(",  "fetch(",      "unsafe-", "insertAdjacentHTML"};
    for (size_t i = 0; i < COUNT_OF(never); i++)
        has_not(f->page, never[i]);
    assert_int_equal(count_of(f->page, "<script"), 1);
    assert_true(count_of(f->page, "href=\"") == count_of(f->page, "href=\"#"));
}

/* The 32 bytes that base64 stands for, as 64 hex digits. */
static void hex_of_base64(char out[SHA256_TEXT], Str text)
{
    static const char sign[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    size_t held = 0, bytes = 0;
    assert_int_equal(text.size, 44);
    for (size_t i = 0; i < 43; i++) {
        const char *found = strchr(sign, text.data[i]);
        assert_non_null(found);
        bits = bits << 6 | (unsigned)(found - sign);
        held += 6;
        if (held >= 8 && bytes < 32) {
            held -= 8;
            (void)snprintf(out + 2 * bytes++, 3, "%02x", bits >> held & 0xFF);
        }
    }
    assert_int_equal(bytes, 32);
}

static void the_policy_allows_the_style_and_the_script_by_hash_alone(void **state)
{
    Fixture *f = *state;
    Str policy = between(f->page, "Content-Security-Policy\" content=\"", "\">");
    assert_true(str_starts(policy, S("default-src 'none'; script-src 'sha256-")));
    const char *const part[][3] = {{"<style>", "</style>", "style-src 'sha256-"},
                                   {"<script>", "</script>", "script-src 'sha256-"}};
    for (size_t i = 0; i < COUNT_OF(part); i++) {
        char named[SHA256_TEXT], is[SHA256_TEXT];
        hex_of_base64(named, between(policy, part[i][2], "'"));
        sha256_text(is, between(f->page, part[i][0], part[i][1]));
        assert_string_equal(named, is);
    }
}

static void hostile_names_stay_text(void **state)
{
    Fixture *f = *state;
    has(f->page, "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>");
    has(f->page, "<bdi>=HYPERLINK(&quot;x&quot;)</bdi>");
    has(f->page, "<bdi>a&quot;b&#39;c&amp;d&lt;e&gt;;f</bdi>");
}

static void every_text_from_outside_is_escaped(void **state)
{
    Fixture *f = *state;
    static const Str evil = {"</style></p><script>x\"'&\x01\xFF\xE2\x80\xAE", 26};
    Dataset data = *f->run->data;
    Findings *findings = findings_new(&f->arena);
    findings_add(findings, SEVERITY_SEVERE, "evil", 1, evil, evil);
    LedgerLine line = {.file = evil, .role = evil};
    data.findings = findings;
    data.ledger = &line;
    data.ledger_count = 1;
    Validation validation = *f->run->validation;
    Candidate candidate[2] = {validation.candidate[0], validation.candidate[1]};
    candidate[0].name = candidate[0].says = evil;
    validation.candidate = candidate;
    validation.reason = evil;
    Audit audit = *f->run->audit;
    Probe probe = audit.probe[0];
    probe.name = probe.use = evil;
    audit.probe = &probe;
    audit.probes = 1;
    Importance importance = *f->run->importance;
    ImportanceItem item = importance.item[importance.items - 1];
    ImportanceShap shap = importance.shap[0];
    ImportanceCurve curve = importance.curve[1];
    ImportanceBin bin = curve.bin[0];
    ImportanceSlice slice[4] = {{evil, 1}, {evil, 1}, {evil, 1}, {evil, 1}};
    item.of = IMPORTANCE_FAMILY;
    item.name = shap.name = curve.name = bin.level = evil;
    curve.bin = &bin;
    curve.bins = 1;
    importance.item = &item;
    importance.shap = &shap;
    importance.curve = &curve;
    importance.slice = slice;
    importance.items = importance.shaps = importance.curves = 1;
    Screening screening = *f->run->screening;
    Screened screened = screening.feature[0];
    screened.name = screened.use = screened.why = evil;
    screening.feature = &screened;
    screening.features = 1;
    TrainingSet set = *f->run->training;
    Str stratum[3] = {evil, evil, evil};
    assert_int_equal(set.strata, 3);
    set.stratum = stratum;
    Scored scored = *f->run->scored;
    Decision decision = f->run->listed[0];
    Str texts[2] = {evil, evil};
    Reason reason = {.source = REASON_RULE,
                     .code = evil,
                     .family = evil,
                     .severity = evil,
                     .sentence = evil,
                     .also = evil,
                     .missing_proof = evil,
                     .next_step = evil,
                     .window = evil,
                     .feature = evil,
                     .value = evil,
                     .transaction = texts,
                     .transactions = 2,
                     .percentile = 0.5,
                     .peer_group = evil,
                     .peers = 2};
    decision.id = decision.because = evil;
    decision.reason = &reason;
    decision.reasons = 1;
    decision.mitigating = decision.safeguard = texts;
    MilderMeasure measure = {evil, ACTION_MONITOR, false, evil};
    CaseFact known = {.name = evil, .evidence = evil, .counts = true, .sentence = evil};
    decision.measure = &measure;
    decision.fact = &known;
    decision.measures = decision.facts = 1;
    decision.segment_because = decision.near_miss = decision.queue = evil;
    decision.mitigatings = decision.safeguards = 2;
    uint32_t first = 0;
    Outcome outcome = policy_outcome(&decision);
    scored.outcome = &outcome;
    scored.count = 1;
    Run run = *f->run;
    run.data = &data;
    run.validation = &validation;
    run.audit = &audit;
    run.importance = &importance;
    run.screening = &screening;
    run.training = &set;
    run.scored = &scored;
    run.candidate = run.contradictory = run.near_miss = &first;
    run.listed = run.near = run.torn = &decision;
    run.listeds = 1;
    run.near_misses = 1;
    run.candidates = run.contradictories = 1;
    run.command = run.version = evil;
    Str page = write_report(&f->arena, &run);
    has_not(written(page), "<script");
    assert_int_equal(count_of(page, "<script>"), 1);
    has_not(page, "\x01");
    has_not(page, "\xE2\x80\xAE");
    assert_true(str_valid_utf8(page));
    assert_int_equal(count_of(page, "</style>"), 1);
    check_nesting(page);
}

static void equal_runs_give_equal_bytes(void **state)
{
    Fixture *f = *state;
    Arena arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&arena);
    Run *again = made_up_run(&arena, &inputs);
    again->timings = 0;
    assert_true(str_equal(f->page, write_report(&arena, again)));
    arena_free(&arena);
}

static void what_matters_stands_first(void **state)
{
    Fixture *f = *state;
    const char *brief = memmem(f->page.data, f->page.size, "id=\"brief\"", 10);
    const char *data = memmem(f->page.data, f->page.size, "id=\"data\"", 9);
    assert_true(brief != NULL && data != NULL && brief < data);
    const char *const said[] = {
        "<b>Learnt from</b>",         "<b>How good</b>",  "<b>Segments</b>",
        "<b>Why this model</b>",      "mean 40 %?</b>",   "<b>Leaks</b>",
        "<b>Nothing is known of</b>", "<b>Certified</b>", "<b>The list</b>",
        "<b>What it lives on</b>",    "<b>Groups on",     "<b>People must decide</b>"};
    for (size_t i = 0; i < COUNT_OF(said); i++)
        has(f->page, said[i]);
    has(f->page, "href=\"#brief\">In short");
    has(f->page, "with the choice of the model inside</small>");
    has(f->page, "<caption>A person must decide</caption>");
    /* Those scored besides are counted beside, and with the same words everywhere. */
    Str besides = str_format(&f->arena, " + %zu with both labels", f->run->contradictories);
    assert_true(f->run->contradictories > 0);
    has(f->page,
        str_chars(&f->arena, str_format(&f->arena, "<small>%.*s; learnt from ", STR_ARG(besides))));
    has(f->page, str_chars(&f->arena, str_format(&f->arena, "%.*s scored.", STR_ARG(besides))));
    has(report_summary(&f->arena, f->run, "out"),
        str_chars(&f->arena, str_format(&f->arena, "%.*s to be scored, as of", STR_ARG(besides))));
    has(f->page, "<caption>Each action beside doing nothing</caption>");
    has_not(f->page, "carry no information");
    has_not(f->page, "told from chance.");
}

static void whether_a_score_is_a_probability_is_answered_first(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    size_t strata = run.training->strata;
    CalibrationCheck *check = arena_copy(&f->arena, run.calibration, strata * sizeof *check);
    CalibrationCheck *c = &check[run.headline];
    run.calibration = check;
    c->ece.seen = 0.05;
    c->ece.high = 0.10;
    c->recalibration.slope = (Interval){1, 0.8, 1.2};
    c->recalibration.large = (Interval){0, -0.2, 0.2};
    Str page = write_report(&f->arena, &run);
    assert_int_equal(count_of(page, "Yes on "), 2); /* in short, and where it is shown */
    has(page, "as far as ");
    has(page, "with the highest scores, ");
    c->recalibration.large = (Interval){0.5, 0.2, 0.8};
    page = write_report(&f->arena, &run);
    has_not(page, "Yes on ");
    assert_int_equal(count_of(page, "scores are too low"), 2);
    c->recalibration.large = (Interval){0, -0.2, 0.2};
    c->recalibration.slope = (Interval){0.6, 0.4, 0.9};
    has(write_report(&f->arena, &run), "scores are too extreme");
    c->recalibration.slope = (Interval){1, 0.8, 1.2};
    c->ece.seen = 0.2;
    has(write_report(&f->arena, &run), "by more than chance explains. Read them as a ranking");
}

static void scores_without_information_are_called_that(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Validation v = *run.validation;
    Candidate *candidate = arena_copy(&f->arena, v.candidate, v.candidates * sizeof *candidate);
    v.candidate = candidate;
    run.validation = &v;
    candidate[v.chosen].constant = true;
    has(write_report(&f->arena, &run), "No model beats the average; scores carry no information.");
    has(report_summary(&f->arena, &run, "out"), "scores carry no information");
    candidate[v.chosen].constant = false;
    Strata strata = *run.strata;
    StrataSlice *slice = arena_copy(&f->arena, strata.slice, strata.slices * sizeof *slice);
    MetricSet metric = *slice[strata.headline].metric;
    metric.metric[METRIC_AUC] = (Interval){0.6, 0.45, 0.75};
    slice[strata.headline].metric = &metric;
    slice[strata.headline].told = true;
    strata.slice = slice;
    run.strata = &strata;
    has(write_report(&f->arena, &run), "the ranking cannot be told from chance.");
    has(report_summary(&f->arena, &run, "out"), "cannot be told from chance");
}

static void tables_have_captions_and_scopes(void **state)
{
    Fixture *f = *state;
    size_t tables = count_of(f->page, "<table>");
    assert_true(tables >= 20);
    assert_int_equal(count_of(f->page, "<caption>"), tables);
    assert_int_equal(count_of(f->page, "<th "), count_of(f->page, "<th scope=\""));
    assert_int_equal(count_of(f->page, "<th>"), 0);
    /* A chart is named, described, and has a table near it. */
    assert_int_equal(count_of(f->page, "role=\"img\""), count_of(f->page, "<desc id="));
    has(f->page, "<a class=\"skip\" href=\"#brief\">");
}

static void the_table_of_labels_says_which_value_is_risky(void **state)
{
    Fixture *f = *state;
    has(f->page, "SUSPENDED: counts as risky");
    has(f->page, "ACTIVE: counts as not risky");
}

static void the_split_says_who_stayed_together_and_what_held_forward(void **state)
{
    Fixture *f = *state;
    has(f->page, "2 of them are linked to another, 2 by the person behind them, 0 by a");
    has(f->page, "Judged forward in time");
    has(f->page, "2024-07-26 13:20:00 UTC");
    has(f->page, "expect the lower figure next month");
}

static void undefined_figures_say_so(void **state)
{
    Fixture *f = *state;
    has(f->page, "not defined"); /* a probe without a cohort AUC */
    has_not(f->page, "nan");
    has_not(f->page, "NaN");
    has_not(f->page, "-inf");
}

static void candidates_show_evidence_and_what_speaks_for_them(void **state)
{
    Fixture *f = *state;
    const Decision *d = &f->run->listed[0];
    assert_true(d->reasons >= 2 && d->reason[0].transactions > 0);
    const char *id =
        str_format(&f->arena, "<li><bdi>%.*s</bdi></li>", STR_ARG(d->reason[0].transaction[0]))
            .data;
    has(f->page, id);
    has(f->page, "Missing proof:");
    has(f->page, "Next step:");
    has(f->page, "What speaks for the customer");
    has(f->page, "log-odds of the score");
    has(f->page, "Is the list statistically certified?");
    has(f->page, "8 of 10 without a fold; 9 of 10 with another seed");
    assert_int_equal(count_of(f->page, "<article class=\"case\""), f->run->candidates);
}

static void a_case_shows_what_was_weighed_and_what_would_change_it(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Decision first = run.listed[0];
    MilderMeasure measure[2] = {{S("watch"), ACTION_MONITOR, false, S("Watching finds it late.")},
                                {S("limit"), ACTION_RESTRICT, true, S("A limit stops the flow.")}};
    CaseFact fact[2] = {{.name = S("appeal"),
                         .evidence = S("case 7"),
                         .counts = true,
                         .sentence = S("It appealed.")},
                        {.name = S("warned"), .sentence = S("It was warned.")}};
    Change change = {.found = true, .sentence = S("Half the transfers would do."), .steps = 1};
    change.step[0].sentence = S("Transfers: 4 and not 8.");
    first.measure = measure;
    first.fact = fact;
    first.measures = first.facts = 2;
    first.segment_because = S("A floor holds it up.");
    run.listed = &first;
    run.listeds = run.candidates = run.changes = 1;
    run.change = &change;
    run.changed = run.candidate; /* its position */
    Decision near = *run.listed;
    near.near_miss = S("Only one kind of evidence.");
    run.near = &near;
    run.near_misses = 1;
    run.near_miss = run.candidate;
    Str page = write_report(&f->arena, &run);
    has(page, "<h5>Milder measures considered</h5>");
    has(page, "<li>Watching finds it late.</li>");
    has(page, "<li>A limit stops the flow. <b>It suffices.</b></li>");
    has(page, "It appealed. <span class=\"ci\">case 7</span></li>");
    has(page, "It was warned. <b>Not documented: it does not count.</b></li>");
    has(page, "A floor holds it up.");
    has(page, "<h5>What would change the outcome</h5>\n<p>Half the transfers would do.</p>");
    has(page, "<li>Transfers: 4 and not 8. ");
    has(page, "<td>Only one kind of evidence.</td>");
    /* Where nothing of it is known nothing is said of it. */
    first.measures = first.facts = 0;
    run.changes = 0;
    page = write_report(&f->arena, &run);
    has_not(page, "Milder measures considered");
    has_not(page, "Known of the customer");
    has_not(page, "What would change the outcome");
}

/* Confusion and segments count the same customers by the same thresholds. */
static void the_segments_of_the_labelled_add_up_to_the_confusion(void **state)
{
    Fixture *f = *state;
    const Run *run = f->run;
    const TrainingSet *t = run->training;
    const Thresholds cut = policy_thresholds(run->policy);
    const double *score = store_out_of_fold(&f->arena, run);
    size_t customers[SEGMENTS] = {0}, suspended[SEGMENTS] = {0};
    for (size_t i = 0; i < t->x->rows; i++)
        if (t->in_stratum[run->headline][i]) {
            Segment s = score[i] >= cut.high     ? SEGMENT_HIGH
                        : score[i] >= cut.medium ? SEGMENT_MEDIUM
                                                 : SEGMENT_LOW;
            customers[s]++;
            suspended[s] += t->label[i];
        }
    char text[160];
    (void)snprintf(text, sizeof text,
                   "<th scope=\"row\">High</th><td class=\"n\">%zu</td><td "
                   "class=\"n\">%zu</td>",
                   customers[SEGMENT_HIGH], suspended[SEGMENT_HIGH]);
    has(f->page, text);
    (void)snprintf(text, sizeof text,
                   "<td class=\"n\">%zu</td><td class=\"n\">%zu</td><td "
                   "class=\"n\">%zu</td><td class=\"n\">%zu</td>",
                   suspended[SEGMENT_HIGH], customers[SEGMENT_HIGH] - suspended[SEGMENT_HIGH],
                   suspended[SEGMENT_LOW] + suspended[SEGMENT_MEDIUM],
                   customers[SEGMENT_LOW] + customers[SEGMENT_MEDIUM] - suspended[SEGMENT_LOW] -
                       suspended[SEGMENT_MEDIUM]);
    has(f->page, text);
}

static void thresholds_are_told_with_counts_and_exact_intervals(void **state)
{
    Fixture *f = *state;
    const ThresholdStratum *s = &f->run->thresholds->stratum[f->run->headline];
    const MetricCut *high = &s->mark[MARK_HIGH].cut;
    char want[128];
    assert_true(high->selected > 0 && high->hits > 0);
    (void)snprintf(want, sizeof want,
                   "High, from the costs</th><td class=\"n\">0.400</td><td class=\"n\">%zu</td><td "
                   "class=\"n\">%zu</td>",
                   high->selected, high->hits);
    has(f->page, want);
    has(f->page, "Analysts can do 20 reviews a batch");
    (void)snprintf(want, sizeof want, "policy proposes due diligence or more for %zu of the %zu",
                   f->run->thresholds->reviews_expected, f->run->scored->count);
    has(f->page, want);
    /* Four customers: their counts, and no interval. */
    Run run = *f->run;
    ThresholdReview review = *run.thresholds;
    ThresholdStratum *few = arena_copy(&f->arena, review.stratum, review.strata * sizeof *few);
    MetricCut *cut = &few[run.headline].mark[MARK_HIGH].cut;
    review.stratum = few;
    run.thresholds = &review;
    cut->selected = 4;
    cut->hits = 3;
    has(write_report(&f->arena, &run),
        "0.400</td><td class=\"n\">4</td><td class=\"n\">3</td><td class=\"n\">too few</td>");
}

/* Each answer to the question whether anything is certified. */
static void a_guarantee_is_said_plainly_whatever_it_is(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    ThresholdReview review = *run.thresholds;
    ThresholdStratum *s = arena_copy(&f->arena, review.stratum, review.strata * sizeof *s);
    review.stratum = s;
    run.thresholds = &review;
    MetricCertificate *c = &s[run.headline].certificate;
    const MetricCertificate asked = {.precision = 0.80,
                                     .confidence = 0.95,
                                     .customers = 107,
                                     .least = {14, 22, 30},
                                     .start = 14};
    *c = asked;
    c->selected = 22;
    c->errors = 1;
    c->threshold = 0.61;
    c->low = 0.80;
    has(write_report(&f->arena, &run),
        "Yes, a set of scores is. Of the labelled customers of MAT, the 22");
    *c = asked;
    c->first_selected = 14;
    c->first_errors = 3;
    c->first_low = 0.535;
    s[run.headline].levels_reached = 0;
    Str page = write_report(&f->arena, &run);
    has(page, "3 were not suspended, and that shows only 54\xC2\xA0%");
    has(page, "not even a precision of 50 %");
    has_not(page, "second test on the same labels");
    /* The sentence and the table are one walk: what a level proves after one that failed is not
     * told, however well it stands by itself. */
    for (size_t k = 0; k < CERTIFY_LEVELS; k++)
        s[run.headline].level[k].confidence = 0.95;
    s[run.headline].level[5].selected = 40;
    s[run.headline].levels_reached = 1;
    page = write_report(&f->arena, &run);
    has(page, "second test on the same labels");
    has(page, "certifying wrongly is at most 5.0\xC2\xA0% in each of the two");
    has(page, "upwards until one fails, MAT");
    assert_int_equal(count_of(page, "<td>not tested</td>"), CERTIFY_LEVELS - 2);
    has(page, "By threshold, MAT");
    has_not(page, "headline slice");
    has_not(page, "nobody is marked as certified");
    Strata other = *run.strata;
    other.headline = run.training->strata;
    run.strata = &other;
    has(write_report(&f->arena, &run), "nobody is marked as certified");
    run.strata = f->run->strata;
    has(page, "by 14 such cases without an error, by 22 with one, or by 30 with two");
    *c = asked;
    c->precision = 0.99;
    c->start = 299;
    has(write_report(&f->arena, &run),
        "needs a set of at least 299 customers; MAT has 107 labelled ones in all");
    *c = asked;
    c->start = c->least[0] = c->least[1] = c->least[2] = 0;
    has(write_report(&f->arena, &run), "cannot be shown by any number of customers");
    run.thresholds = NULL;
    run.stability = NULL;
    page = write_report(&f->arena, &run);
    has(page, "Nothing was learnt in this run, so nothing was tested");
    has_not(page, "id=\"thresholds\"");
    has_not(page, "id=\"stability\"");
}

static void figures_are_those_of_the_validation(void **state)
{
    Fixture *f = *state;
    const MetricSet *m = &f->run->validation->candidate[0].metric[f->run->headline];
    char want[64];
    (void)snprintf(want, sizeof want, "AUC on MAT: %.3f [%.3f, %.3f]", m->metric[METRIC_AUC].value,
                   m->metric[METRIC_AUC].low, m->metric[METRIC_AUC].high);
    has(f->page, want);
}

static void every_slice_and_weight_is_on_the_page(void **state)
{
    Fixture *f = *state;
    const Strata *s = f->run->strata;
    assert_int_equal(s->slices, f->run->training->strata + 2);
    for (size_t i = 0; i < s->slices; i++)
        has(f->page, str_chars(&f->arena, s->slice[i].name));
    has(f->page, "Cells and weights");
    has(f->page, "too few for a figure, which asks for 10 suspended and 10 others");
    has(f->page, str_chars(&f->arena, str_format(&f->arena, "%.*s", STR_ARG(s->unseen))));
}

static void no_figure_is_quoted_where_a_class_is_too_small(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Strata few = *run.strata;
    few.headline = run.training->strata; /* NOTX */
    assert_false(few.slice[few.headline].told);
    run.strata = &few;
    Str page = write_report(&f->arena, &run);
    has(page, "There is no figure to quote. NOTX:");
    has(report_summary(&f->arena, &run, "out"), "Headline      none. NOTX:");
}

static void groups_on_protected_grounds_have_their_tables(void **state)
{
    Fixture *f = *state;
    has(f->page, "Groups on protected grounds");
    has(f->page, "country_of_residence (residence)");
    has(f->page, "too few to judge");
    has(f->page, "A difference is no proof of unfair treatment");
}

static void a_failed_control_is_said_aloud(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Audit audit = *run.audit;
    Silence silence = *run.silence;
    audit.control.passed = silence.passed = false;
    silence.tested = true;
    run.audit = &audit;
    run.silence = &silence;
    Str page = write_report(&f->arena, &run);
    has(page, "The negative control failed.");
    has(page, "The silence test failed.");
    has_not(f->page, "The negative control failed.");
}

static void columns_of_cohorts_that_are_not_told_apart_are_not_listed(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Audit audit = *run.audit;
    has(f->page, "inputs by which they are told apart");
    audit.adversary.auc = (Interval){0.53, 0.46, 0.60};
    Probe column = audit.column[0];
    column.auc = (Interval){0.5, (double)NAN, (double)NAN};
    audit.column = &column;
    audit.columns = 1;
    run.audit = &audit;
    Str page = write_report(&f->arena, &run);
    has_not(page, "by which they are told apart");
    has(page, "<td>no better than chance</td>");
}

static void what_was_overruled_stands_apart_and_beside_the_verdict(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    has(f->page, "Overruled: in the model although the audit calls it a leak");
    has(f->page, "shuffles of the labels; 1 leak overruled</small>");
    has(report_summary(&f->arena, &run, "out"), "1 leak overruled");
    Audit audit = *run.audit;
    audit.kept_outs = 0;
    run.audit = &audit;
    Dataset data = *run.data;
    data.dropped_count = 0;
    run.data = &data;
    Str page = write_report(&f->arena, &run);
    has_not(page, "overruled");
    has(page, "Nothing: no feature of the model");
    static Str dropped[] = {{"branch", 6}};
    data.dropped = dropped;
    data.dropped_count = 1;
    has(write_report(&f->arena, &run),
        "Nothing more than the columns that the files of one cohort lack");
}

static void a_control_with_wide_limits_is_said_to_judge_little(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    Audit audit = *run.audit;
    audit.control.low = 0.2;
    audit.control.high = 0.8;
    run.audit = &audit;
    Str page = write_report(&f->arena, &run);
    has(page, "Leak control</dt><dd>passed, but judges little");
    has(page, "lifts the AUC of shuffled labels to 0.800 or more");
    has(page, "control judges little");
    has(report_summary(&f->arena, &run, "out"), "Leak control  passed, but judges little: AUC");
    has_not(f->page, "judges little");
    audit.control.high = 1;
    has(write_report(&f->arena, &run), "Limits this wide show no leak at all");
}

/* The page of the run if its schema did not mark this column, or "every" one. */
static Str page_unmarked(Fixture *f, const char *column)
{
    Schema schema = *f->run->plan->schema;
    Plan plan = *f->run->plan;
    Run run = *f->run;
    size_t n = schema.customers.columns.count;
    SchemaColumn *c = ARENA_ARRAY(&f->arena, SchemaColumn, n);
    memcpy(c, schema.customers.columns.item, n * sizeof *c);
    for (size_t i = 0; i < n; i++)
        if (strcmp(column, "every") == 0 || str_equal(c[i].name.text, str_from(column)))
            c[i].protected.text = S("");
    schema.customers.columns.item = c;
    plan.schema = &schema;
    run.plan = &plan;
    run.fairness = NULL; /* which knows the marks as they were */
    return write_report(&f->arena, &run);
}

static void grounds_are_those_that_the_schema_marks(void **state)
{
    Fixture *f = *state;
    has(f->page, "neither the model nor a rule reads them: residence (country_of_residence, "
                 "phone_number_country_code); economic_situation (occupation); gender (gender); "
                 "age (date_of_birth); nationality (document_issuing_country); language (locale).");
    Str page = page_unmarked(f, "gender");
    has(page, "economic_situation (occupation); age (date_of_birth)");
    has_not(page, "gender (gender)");
    page = page_unmarked(f, "every");
    has(page, "The schema book marks no column as standing for a protected ground");
    has_not(page, "neither the model nor a rule");
}

/* The page of the run if the model were kept from the features that read one of two columns. */
static Str page_without(Fixture *f, const char *one, const char *other)
{
    Bundle bundle = *f->run->bundle;
    Run run = *f->run;
    const Plan *plan = run.plan;
    bundle.skip = ARENA_ARRAY(&f->arena, uint8_t, plan->features);
    for (size_t i = 0; i < plan->features; i++)
        bundle.skip[i] = feature_reads(&plan->feature[i], str_from(one)) ||
                         feature_reads(&plan->feature[i], str_from(other));
    run.bundle = &bundle;
    return write_report(&f->arena, &run);
}

static void columns_of_customers_that_the_model_reads_are_named(void **state)
{
    Fixture *f = *state;
    static const char all[] = "the model reads has_biometrics, reason_to_use_app, kyc_state. Does";
    has(f->page, all);
    has(f->page, "stand for a protected ground (gender, age, ");
    has(page_without(f, "kyc_state", "kyc_state"),
        "the model reads has_biometrics, reason_to_use_app. Does");
    Fixture rest = *f;
    Plan plan = *f->run->plan;
    Run run = *f->run;
    plan.feature = ARENA_ARRAY(&f->arena, Feature, plan.features);
    memcpy(plan.feature, f->run->plan->feature, plan.features * sizeof(Feature));
    for (size_t i = 0; i < plan.features; i++)
        if (feature_reads(&plan.feature[i], S("has_biometrics")))
            plan.feature[i].use = USE_POLICY;
    run.plan = &plan;
    rest.run = &run;
    has(page_without(&rest, "reason_to_use_app", "kyc_state"),
        "The model reads no column of the customers' files");
}

static void sentences_in_another_language_say_so(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    run.language = LANGUAGE_FRENCH;
    Str page = write_report(&f->arena, &run);
    check_nesting(page);
    has(page, "<html lang=\"en\"");
    has(page, "<td class=\"why\"><span lang=\"fr\">");
    has(page, "<b>May also be:</b> <span lang=\"fr\">");
    assert_null(memmem(f->page.data, f->page.size, "lang=\"fr\"", 9));
}

static void what_the_candidates_rest_on_is_said_first(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    double mark = policy_thresholds(run.policy).offboarding;
    assert_true(run.listeds > 0 && run.listeds == run.candidates);
    Decision *listed = ARENA_ARRAY(&f->arena, Decision, run.listeds);
    memcpy(listed, run.listed, run.listeds * sizeof *listed);
    run.listed = listed;
    for (size_t i = 0; i < run.listeds; i++)
        listed[i].probability = i == 0 ? mark - 0.25 : mark + 0.1;
    listed[0].documented = false;
    Str page = write_report(&f->arena, &run);
    has(page, "<b>Most of the weight is on the rules.</b> 1 of ");
    has(page, "with scores from 55\xC2\xA0% to 90\xC2\xA0%");
    Str with =
        str_format(&f->arena, "Kinds of evidence: %.*s with ", STR_ARG(listed[0].reason[0].family));
    has(page, str_chars(&f->arena, with));
    /* What is documented stands for itself. */
    listed[0].documented = true;
    page = write_report(&f->arena, &run);
    has(page, ", 1 of them on a documented fact");
    assert_null(memmem(page.data, page.size, "weight is on the rules", 22));
}

static void a_run_without_learning_still_reports(void **state)
{
    Fixture *f = *state;
    Run run = *f->run;
    run.training = NULL;
    run.validation = NULL;
    run.strata = NULL;
    run.fairness = NULL;
    run.thresholds = NULL;
    run.stability = NULL;
    run.importance = NULL;
    run.screening = NULL;
    run.audit = NULL;
    run.silence = NULL;
    run.candidates = 0;
    Str page = write_report(&f->arena, &run);
    check_nesting(page);
    has(page, "Nothing was learnt in this run");
    has(page, "No customer meets the criteria.");
}

static void a_hundred_thousand_customers_fit_in_three_megabytes(void **state)
{
    enum { MANY = 100000 };
    Fixture *f = *state;
    const Scored *few = f->run->scored;
    Arena arena = arena_new();
    Scored scored = *few;
    Run run = *f->run;
    uint32_t *row = ARENA_ARRAY(&arena, uint32_t, MANY), *all = ARENA_ARRAY(&arena, uint32_t, MANY);
    scored.count = MANY;
    scored.outcome = ARENA_ARRAY(&arena, Outcome, MANY);
    Decision *listed = ARENA_ARRAY(&arena, Decision, LIST_MAX);
    for (size_t i = 0; i < MANY; i++) {
        size_t from = i % few->count;
        row[i] = few->row[from];
        scored.outcome[i] = few->outcome[from];
        all[i] = (uint32_t)i;
        if (i >= LIST_MAX)
            continue;
        /* Everybody is a candidate with the fullest evidence there is. */
        Decision worst = f->run->listed[0];
        worst.id = str_format(&arena, "%08zu-0000-4000-8000-000000000000", i);
        worst.reason = arena_copy(&arena, worst.reason, worst.reasons * sizeof(Reason));
        listed[i] = worst;
        if (i < 300) {
            for (size_t k = 0; k < worst.reasons; k++) {
                worst.reason[k].transactions = 2000;
                worst.reason[k].transaction = ARENA_ARRAY(&arena, Str, 2000);
                for (size_t t = 0; t < 2000; t++)
                    worst.reason[k].transaction[t] = worst.id;
            }
            scored.outcome[i] = policy_outcome(&worst);
        }
    }
    scored.row = row;
    run.scored = &scored;
    ThresholdReview review = *run.thresholds;
    review.certified = NULL; /* of the few */
    run.thresholds = &review;
    run.stability = NULL;
    run.candidate = run.contradictory = all;
    run.candidates = run.listeds = 300;
    run.contradictories = MANY;
    run.listed = run.torn = run.near = listed;
    run.near_miss = all;
    run.near_misses = LIST_MAX;
    Str page = write_report(&arena, &run);
    if (page.size >= 3000000)
        fail_msg("the report has %zu bytes", page.size);
    assert_int_equal(count_of(page, "<article class=\"case\""), 200);
    has(page, "Shown are the first 200 of 300");
    arena_free(&arena);
}

static void the_summary_has_ten_lines_that_no_name_can_break(void **state)
{
    Fixture *f = *state;
    Str s = report_summary(&f->arena, f->run, "out");
    assert_int_equal(count_of(s, "\n"), 10);
    has(s, "out/report.html");
    has(s, "passed: AUC 0.498");
    has(s, "again in all 10 runs without a fold (each lacks 1 in ");
    has_not(s, "seed");
    Run run = *f->run;
    Validation validation = *run.validation;
    validation.reason = S("line\nbreak \x1B[31m");
    run.validation = &validation;
    s = report_summary(&f->arena, &run, "o\nu\x1Bt");
    assert_int_equal(count_of(s, "\n"), 10);
    has_not(s, "\x1B");
    run.training = NULL;
    run.validation = NULL;
    run.thresholds = NULL;
    run.stability = NULL;
    run.importance = NULL;
    run.screening = NULL;
    run.audit = NULL;
    run.silence = NULL;
    assert_int_equal(count_of(report_summary(&f->arena, &run, "out"), "\n"), 10);
}

static void a_path_that_cannot_be_written_is_an_error_with_its_name(void **state)
{
    Fixture *f = *state;
    Error err = {0};
    assert_int_equal(report_write(f->run, "/proc/none/report.html", &err), STATUS_IO);
    assert_non_null(strstr(err.message, "/proc/none/report.html"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_is_there_in_order),
        cmocka_unit_test(elements_are_closed_in_order),
        cmocka_unit_test(nothing_is_fetched_and_only_our_script_runs),
        cmocka_unit_test(the_policy_allows_the_style_and_the_script_by_hash_alone),
        cmocka_unit_test(hostile_names_stay_text),
        cmocka_unit_test(every_text_from_outside_is_escaped),
        cmocka_unit_test(equal_runs_give_equal_bytes),
        cmocka_unit_test(what_matters_stands_first),
        cmocka_unit_test(whether_a_score_is_a_probability_is_answered_first),
        cmocka_unit_test(scores_without_information_are_called_that),
        cmocka_unit_test(tables_have_captions_and_scopes),
        cmocka_unit_test(the_table_of_labels_says_which_value_is_risky),
        cmocka_unit_test(the_split_says_who_stayed_together_and_what_held_forward),
        cmocka_unit_test(undefined_figures_say_so),
        cmocka_unit_test(candidates_show_evidence_and_what_speaks_for_them),
        cmocka_unit_test(a_case_shows_what_was_weighed_and_what_would_change_it),
        cmocka_unit_test(the_segments_of_the_labelled_add_up_to_the_confusion),
        cmocka_unit_test(thresholds_are_told_with_counts_and_exact_intervals),
        cmocka_unit_test(a_guarantee_is_said_plainly_whatever_it_is),
        cmocka_unit_test(figures_are_those_of_the_validation),
        cmocka_unit_test(every_slice_and_weight_is_on_the_page),
        cmocka_unit_test(no_figure_is_quoted_where_a_class_is_too_small),
        cmocka_unit_test(groups_on_protected_grounds_have_their_tables),
        cmocka_unit_test(a_failed_control_is_said_aloud),
        cmocka_unit_test(columns_of_cohorts_that_are_not_told_apart_are_not_listed),
        cmocka_unit_test(what_was_overruled_stands_apart_and_beside_the_verdict),
        cmocka_unit_test(a_control_with_wide_limits_is_said_to_judge_little),
        cmocka_unit_test(grounds_are_those_that_the_schema_marks),
        cmocka_unit_test(columns_of_customers_that_the_model_reads_are_named),
        cmocka_unit_test(a_run_without_learning_still_reports),
        cmocka_unit_test(sentences_in_another_language_say_so),
        cmocka_unit_test(what_the_candidates_rest_on_is_said_first),
        cmocka_unit_test(a_hundred_thousand_customers_fit_in_three_megabytes),
        cmocka_unit_test(the_summary_has_ten_lines_that_no_name_can_break),
        cmocka_unit_test(a_path_that_cannot_be_written_is_an_error_with_its_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
