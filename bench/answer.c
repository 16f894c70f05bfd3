/* answer.c - how long a bundle takes to open, and to answer one customer's request in process.
 *
 *   answer BUNDLE CUSTOMERS.csv TRANSACTIONS.csv [TRANSACTIONS [SECONDS]]
 *   answer BUNDLE CUSTOMERS.csv TRANSACTIONS.csv TRANSACTIONS times COUNT [alone]
 *
 * First every customer of the files is asked for and compared, byte for byte, with what a run
 * records; then the customer whose history is nearest to 30 transactions is asked for again and
 * again, on one thread and on two. Prints the median and the 99th percentile in microseconds and
 * answers a second; what the machine does beside counts, so run it on a quiet one.
 *
 * The second form asks COUNT times on one thread, with reasons or the score alone, and measures
 * nothing: it is for valgrind --tool=callgrind --toggle-collect=ask_times, whose count of
 * instructions does not depend on what else the machine does (bench/instructions). */
#include "answer/answer.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tests/unit/request_of.h"

static const AnswerLimits limits = {100000, 16};

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(Status status, const Error *err)
{
    if (status == STATUS_OK)
        return;
    (void)fprintf(stderr, "answer: %s\n", err->message);
    exit(1);
}

static long resident_kib(void)
{
    char text[128], *second = NULL;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL && fgets(text, sizeof text, f) != NULL)
        (void)strtol(text, &second, 10); /* all pages; those in memory follow */
    if (f != NULL)
        (void)fclose(f);
    return second == NULL ? 0 : strtol(second, NULL, 10) * 4;
}

/* ---- the same bytes ---- */

static size_t compare(const Answerer *a, Dataset *d, const ScoreOptions *options, const char *json)
{
    Error err = {0};
    Arena keep = arena_new(), scratch = arena_new(), one = arena_new();
    uint32_t *row = ARENA_ARRAY(&keep, uint32_t, d->customers + 1);
    size_t different = 0;
    Scored *scored;
    for (size_t i = 0; i < d->customers; i++)
        row[i] = (uint32_t)i;
    must(score_dataset(&scored, &keep, scratch, answer_bundle(a), d, row, d->customers, options,
                       NULL, &err),
         &err);
    const Recording recording = recording_of(answer_bundle(a), scored, d->as_of_us);
    for (size_t i = 0; i < d->customers; i++) {
        Arena own = one;
        Decision *decision;
        Document j;
        Answer answer = {0};
        Fault fault = {0};
        must(score_decide(&decision, &own, scratch, answer_bundle(a), scored, row + i, 1, NULL,
                          &err),
             &err);
        document_open(&j, &own);
        document_decision(&j, scratch, &recording, decision, i);
        Str wanted = document_write(&j, false);
        const AnswerInputs in = {.request = request_of(&own, d, i, d->as_of_us, json, SIZE_MAX),
                                 .limits = limits};
        Status status = answer_score(&answer, &own, scratch, a, &in, &fault, &err);
        if (status == STATUS_OK && str_equal(answer.record, str_slice(wanted, 1, wanted.size - 2)))
            continue;
        if (different++ < 3)
            (void)fprintf(stderr, "customer %zu: %s %s\n", i, fault.pointer,
                          fault.code == NULL ? "other bytes" : fault.detail);
    }
    arena_free(&keep);
    arena_free(&scratch);
    arena_free(&one);
    return different;
}

/* ---- time ---- */

typedef struct Asking {
    const Answerer *a;
    Str request;
    double seconds, *took, cpu;
    size_t count, capacity;
    AnswerTimes sum;
} Asking;

static void *ask(void *context)
{
    Asking *w = context;
    Arena keep = arena_new(), scratch = arena_new();
    double begun = now_us(), at = begun, spent = cpu_us();
    while (at - begun < w->seconds * 1e6 && w->count < w->capacity) {
        Arena own = keep;
        Answer answer;
        Fault fault;
        Error err = {0};
        const AnswerInputs in = {.request = w->request, .limits = limits};
        must(answer_score(&answer, &own, scratch, w->a, &in, &fault, &err), &err);
        double end = now_us();
        w->took[w->count++] = end - at;
        w->sum.read_ns += answer.took.read_ns;
        w->sum.features_ns += answer.took.features_ns;
        w->sum.score_ns += answer.took.score_ns;
        w->sum.reasons_ns += answer.took.reasons_ns;
        w->sum.write_ns += answer.took.write_ns;
        at = end;
    }
    w->cpu = cpu_us() - spent;
    arena_free(&keep);
    arena_free(&scratch);
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, const Answerer *a, Str request, size_t threads,
                    double seconds)
{
    enum { MOST = 2 };
    Asking asking[MOST];
    pthread_t thread[MOST];
    double begun = now_us();
    size_t count = 0;
    for (size_t i = 0; i < threads; i++) {
        asking[i] = (Asking){.a = a, .request = request, .seconds = seconds, .capacity = 2000000};
        asking[i].took = malloc(asking[i].capacity * sizeof(double));
        if (asking[i].took == NULL || pthread_create(&thread[i], NULL, ask, &asking[i]) != 0)
            exit(1);
    }
    for (size_t i = 0; i < threads; i++)
        (void)pthread_join(thread[i], NULL);
    double wall = now_us() - begun;
    for (size_t i = 0; i < threads; i++)
        count += asking[i].count;
    qsort(asking[0].took, asking[0].count, sizeof(double), ascending);
    const AnswerTimes *t = &asking[0].sum;
    double n = (double)asking[0].count * 1000;
    (void)printf("%-13s %zu thread%s  p50 %7.1f us  p99 %7.1f us  CPU %6.1f us  %8.0f/s   read "
                 "%.0f, features "
                 "%.0f, score %.0f, reasons %.0f, write %.0f\n",
                 what, threads, threads == 1 ? " " : "s", asking[0].took[asking[0].count / 2],
                 asking[0].took[asking[0].count * 99 / 100],
                 asking[0].cpu / (double)asking[0].count, (double)count / wall * 1e6,
                 (double)t->read_ns / n, (double)t->features_ns / n, (double)t->score_ns / n,
                 (double)t->reasons_ns / n, (double)t->write_ns / n);
    for (size_t i = 0; i < threads; i++)
        free(asking[i].took);
}

/* The first answers fill what a thread finds once; they are not counted. */
static void ask_first(const Answerer *a, Str request, size_t times);
__attribute__((noinline)) static void ask_times(const Answerer *a, Str request, size_t times)
{
    ask_first(a, request, times);
}

static void ask_first(const Answerer *a, Str request, size_t times)
{
    Arena keep = arena_new(), scratch = arena_new();
    for (size_t i = 0; i < times; i++) {
        Arena own = keep;
        Answer answer;
        Fault fault;
        Error err = {0};
        const AnswerInputs in = {.request = request, .limits = limits};
        must(answer_score(&answer, &own, scratch, a, &in, &fault, &err), &err);
    }
    arena_free(&keep);
    arena_free(&scratch);
}

int main(int count, char **args)
{
    bool counted = count > 6 && strcmp(args[5], "times") == 0;
    if (count < 4) {
        (void)fprintf(stderr, "usage: answer BUNDLE CUSTOMERS.csv TRANSACTIONS.csv [TRANSACTIONS "
                              "[SECONDS | times COUNT [alone]]]\n");
        return 2;
    }
    Error err = {0};
    Answerer *a;
    Arena keep = arena_new(), scratch = arena_new();
    double begun = now_us(), spent = cpu_us();
    must(answer_open(&a, args[1], &err), &err);
    (void)printf("opened in %.1f ms, CPU %.1f ms, %ld KiB resident\n", (now_us() - begun) / 1000,
                 (cpu_us() - spent) / 1000, resident_kib());
    const InputFile file[2] = {{args[2], NULL}, {args[3], NULL}};
    const DatasetInputs in = {
        .score_customers = {&file[0], 1}, .score_transactions = {&file[1], 1}, .bad_rows_max = 1};
    Dataset *d;
    must(dataset_read(&d, &keep, scratch, answer_bundle(a)->schema, &in, &err), &err);
    size_t wanted = count > 4 ? (size_t)strtoul(args[4], NULL, 10) : 30, best = 0, gap = SIZE_MAX;
    double seconds = counted ? -1 : count > 5 ? strtod(args[5], NULL) : 3;
    const ScoreOptions brief = {.brief = true}, whole = {.brief = false};
    size_t different =
        seconds < 0 ? 0
                    : compare(a, d, &whole, NULL) + compare(a, d, &brief, "{\"reasons\":false}");
    if (seconds >= 0)
        (void)printf("%zu customers asked for with and without reasons: %zu answers differ from a "
                     "run's\n",
                     d->customers, different);
    size_t *rows = ARENA_ARRAY(&keep, size_t, d->customers);
    for (size_t i = 0; i < d->versions->rows; i++)
        rows[d->owner[i]]++;
    for (size_t i = 0; i < d->customers; i++) {
        size_t off = rows[i] > wanted ? rows[i] - wanted : wanted - rows[i];
        if (off < gap) {
            gap = off;
            best = i;
        }
    }
    Str with = request_of(&keep, d, best, d->as_of_us, NULL, wanted);
    Str without = request_of(&keep, d, best, d->as_of_us, "{\"reasons\":false}", wanted);
    (void)printf("a request of %zu transactions, %zu bytes\n",
                 rows[best] < wanted ? rows[best] : wanted, with.size);
    if (counted) {
        Str asked = count > 7 && strcmp(args[7], "alone") == 0 ? without : with;
        ask_first(a, asked, 3);
        ask_times(a, asked, (size_t)strtoul(args[6], NULL, 10));
    }
    for (size_t threads = 1; threads <= 2 && !counted; threads++) {
        measure("score alone", a, without, threads, fabs(seconds));
        measure("with reasons", a, with, threads, fabs(seconds));
    }
    (void)printf("%ld KiB resident\n", resident_kib());
    answer_close(a);
    arena_free(&keep);
    arena_free(&scratch);
    return different == 0 ? 0 : 1;
}
