/* The report of many customers: it shows aggregates and the cases proposed, never every row. */
#include "report/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made_up_run.h"

enum { MANY = 100000, BYTES_MAX = 3000000 };

#define MANY_OF(arena, from, count) many(arena, from, sizeof *(from), count)

/* The same values again and again. */
static void *many(Arena *arena, const void *from, size_t size, size_t count)
{
    char *out = arena_alloc(arena, MANY, size);
    for (size_t i = 0; i < MANY; i++)
        memcpy(out + i * size, (const char *)from + i % count * size, size);
    return out;
}

static const Decision *decisions(Arena *arena, const Decision *of, size_t count)
{
    Decision *out = ARENA_ARRAY(arena, Decision, LIST_MAX);
    for (size_t i = 0; i < LIST_MAX; i++)
        out[i] = of[i % count];
    return out;
}

/* Every list at its longest, and every customer a candidate, near or torn. */
static Run *of_many(Arena *arena)
{
    DatasetInputs inputs = made_up_inputs(arena);
    Run *run = made_up_run(arena, &inputs);
    Scored *s = arena_copy(arena, run->scored, sizeof *s);
    size_t n = s->count;
    s->row = MANY_OF(arena, s->row, n);
    s->margin = MANY_OF(arena, s->margin, n);
    s->probability = MANY_OF(arena, s->probability, n);
    s->low = MANY_OF(arena, s->low, n);
    s->high = MANY_OF(arena, s->high, n);
    s->outcome = MANY_OF(arena, s->outcome, n);
    s->contradictory = MANY_OF(arena, s->contradictory, n);
    s->count = MANY;
    ListStability *stable = arena_copy(arena, run->stability, sizeof *stable);
    for (size_t k = 0; k < RERUN_KINDS; k++) {
        Reruns *r = &stable->kind[k];
        r->on_list = MANY_OF(arena, r->on_list, n);
        r->segment = MANY_OF(arena, r->segment, n);
        r->mean = MANY_OF(arena, r->mean, n);
        r->deviation = MANY_OF(arena, r->deviation, n);
    }
    stable->customers = MANY;
    uint32_t *everybody = ARENA_ARRAY(arena, uint32_t, MANY);
    for (size_t i = 0; i < MANY; i++)
        everybody[i] = (uint32_t)i;
    assert_true(run->candidates > 0 && run->contradictories > 0);
    const Decision *listed = decisions(arena, run->listed, run->listeds);
    run->near = run->near_misses > 0 ? decisions(arena, run->near, run->near_misses) : listed;
    run->torn = decisions(arena, run->torn, run->contradictories);
    run->listed = listed;
    run->listeds = run->near_misses = LIST_MAX;
    run->candidate = run->near_miss = run->contradictory = everybody;
    run->candidates = run->contradictories = MANY;
    run->scored = s;
    run->stability = stable;
    return run;
}

static void a_hundred_thousand_customers_make_less_than_three_megabytes(void **state)
{
    (void)state;
    Arena arena = arena_new();
    char path[] = "/tmp/assay-report-XXXXXX";
    int fd = mkstemp(path);
    Error err = {0};
    Str page;
    assert_true(fd >= 0);
    (void)close(fd);
    made_up_ok(report_write(of_many(&arena), path, &err), &err);
    made_up_ok(file_read(&page, &arena, path, &err), &err);
    (void)unlink(path);
    print_message("%zu bytes\n", page.size);
    assert_true(str_contains(page, S("100,000")));
    assert_true(page.size > 100000);
    if (page.size >= BYTES_MAX)
        fail_msg("the report of %d customers has %zu bytes", MANY, page.size);
    assert_true(report_note(&arena, of_many(&arena)).size < 20000);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_customers_make_less_than_three_megabytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
