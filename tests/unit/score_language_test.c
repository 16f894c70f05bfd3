/* The same customers decided in both languages, with the built-in books and catalogue. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "made_up_run.h"

typedef struct Both {
    Arena arena;
    Run *run;
    size_t count;
    Decision *in[LANGUAGES];
} Both;

static void decide(Both *b, Language language)
{
    Arena scratch = arena_new();
    Error err = {0};
    Scored scored = *b->run->scored;
    scored.options.language = language;
    uint32_t *position = ARENA_ARRAY(&b->arena, uint32_t, scored.count);
    for (size_t i = 0; i < scored.count; i++)
        position[i] = (uint32_t)i;
    b->count = scored.count;
    made_up_ok(score_decide(&b->in[language], &b->arena, scratch, b->run->bundle, &scored, position,
                            scored.count, NULL, &err),
               &err);
    arena_free(&scratch);
}

static void open_both(Both *b, bool translated)
{
    Error err = {0};
    Messages *m = NULL;
    size_t none[LANGUAGES];
    b->arena = arena_new();
    DatasetInputs inputs = made_up_inputs(&b->arena);
    b->run = made_up_run(&b->arena, &inputs);
    if (translated)
        made_up_ok(
            messages_read(&m, &b->arena, book_default_text("messages"), "messages.yaml", &err),
            &err);
    made_up_ok(policy_translate((Policy *)(uintptr_t)b->run->policy, &b->arena, m, none, &err),
               &err);
    assert_int_equal(none[LANGUAGE_ENGLISH], 0);
    assert_int_equal(none[LANGUAGE_FRENCH] == 0, translated);
    for (Language l = 0; l < LANGUAGES; l++)
        decide(b, l);
}

static size_t sentences; /* that were compared */

/* Both are there, or neither; translated, they differ. */
static void sentence_differs(Str english, Str french)
{
    assert_int_equal(english.size > 0, french.size > 0);
    if (english.size > 0 && str_equal(english, french))
        fail_msg("`%.*s` is the same in French", STR_ARG(english));
    sentences += english.size > 0;
}

static void sentences_differ(const Str *english, size_t count, const Str *french, size_t others)
{
    assert_int_equal(count, others);
    for (size_t i = 0; i < count; i++)
        sentence_differs(english[i], french[i]);
}

static void same(Str a, Str b)
{
    assert_true(str_equal(a, b));
}

static void same_bits(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void reasons_match(const Reason *e, const Reason *f)
{
    assert_int_equal(e->source, f->source);
    same(e->code, f->code);
    same(e->family, f->family);
    same(e->severity, f->severity);
    same(e->window, f->window);
    same(e->feature, f->feature);
    same_bits(e->contribution, f->contribution);
    assert_int_equal(e->peers, f->peers);
    assert_int_equal(e->transactions, f->transactions);
    for (size_t i = 0; i < e->transactions; i++)
        same(e->transaction[i], f->transaction[i]);
    sentence_differs(e->sentence, f->sentence);
    sentence_differs(e->also, f->also);
    sentence_differs(e->missing_proof, f->missing_proof);
    sentence_differs(e->next_step, f->next_step);
}

static void language_changes_sentences_and_nothing_else(void **state)
{
    (void)state;
    Both b;
    open_both(&b, true);
    sentences = 0;
    for (size_t i = 0; i < b.count; i++) {
        const Decision *e = &b.in[LANGUAGE_ENGLISH][i], *f = &b.in[LANGUAGE_FRENCH][i];
        same(e->id, f->id);
        same_bits(e->margin, f->margin);
        same_bits(e->probability, f->probability);
        same_bits(e->probability_low, f->probability_low);
        same_bits(e->probability_high, f->probability_high);
        same_bits(e->exposure, f->exposure);
        assert_int_equal(e->segment, f->segment);
        assert_int_equal(e->segment_by_score, f->segment_by_score);
        assert_int_equal(e->insufficient_data, f->insufficient_data);
        assert_int_equal(e->action, f->action);
        assert_int_equal(e->before_safeguards, f->before_safeguards);
        assert_int_equal(e->rules, f->rules);
        assert_int_equal(e->severe_rules, f->severe_rules);
        assert_int_equal(e->families, f->families);
        assert_int_equal(e->contributions, f->contributions);
        assert_memory_equal(e->contribution, f->contribution, e->contributions * sizeof(double));
        sentence_differs(e->because, f->because);
        sentence_differs(e->segment_because, f->segment_because);
        sentence_differs(e->near_miss, f->near_miss);
        sentences_differ(e->safeguard, e->safeguards, f->safeguard, f->safeguards);
        sentences_differ(e->mitigating, e->mitigatings, f->mitigating, f->mitigatings);
        assert_int_equal(e->measures, f->measures);
        for (size_t k = 0; k < e->measures; k++) {
            same(e->measure[k].id, f->measure[k].id);
            assert_int_equal(e->measure[k].suffices, f->measure[k].suffices);
            sentence_differs(e->measure[k].sentence, f->measure[k].sentence);
        }
        assert_int_equal(e->reasons, f->reasons);
        for (size_t k = 0; k < e->reasons; k++)
            reasons_match(&e->reason[k], &f->reason[k]);
    }
    assert_true(sentences > 5 * b.count);
    arena_free(&b.arena);
}

static void without_a_catalogue_french_is_english(void **state)
{
    (void)state;
    Both b;
    open_both(&b, false);
    for (size_t i = 0; i < b.count; i++) {
        const Decision *e = &b.in[LANGUAGE_ENGLISH][i], *f = &b.in[LANGUAGE_FRENCH][i];
        same(e->because, f->because);
        for (size_t k = 0; k < e->reasons; k++)
            if (e->reason[k].source == REASON_RULE)
                same(e->reason[k].sentence, f->reason[k].sentence);
    }
    arena_free(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(language_changes_sentences_and_nothing_else),
        cmocka_unit_test(without_a_catalogue_french_is_english),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
