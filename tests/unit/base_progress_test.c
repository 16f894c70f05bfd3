#include "base/base.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdatomic.h>

enum { TASKS = 40 };

/* Who was told what. */
typedef struct Told {
    pthread_t caller;
    size_t times, last_done, last_total;
    bool elsewhere, backwards;
} Told;

static void part(void *context, size_t done, size_t total)
{
    Told *t = context;
    t->elsewhere = t->elsewhere || !pthread_equal(pthread_self(), t->caller);
    t->backwards = t->backwards || (t->times > 0 && done <= t->last_done);
    t->last_done = done;
    t->last_total = total;
    t->times++;
}

static void count_task(void *context, size_t task, Arena scratch)
{
    (void)task;
    (void)scratch;
    (void)atomic_fetch_add((atomic_size_t *)context, 1);
}

static void parts_are_told_by_the_caller_and_only_go_up(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 4; threads += 3) {
        Told told = {.caller = pthread_self()};
        const Progress watcher = {.context = &told, .part = part};
        atomic_size_t done = 0;
        Team *team = team_new(threads);
        team_watch(team, &watcher);
        team_run_told(team, TASKS, count_task, &done);
        team_free(team);
        assert_int_equal(done, TASKS);
        assert_false(told.elsewhere);
        assert_false(told.backwards);
        assert_true(told.times <= TASKS);
        if (threads == 1) /* with others at work the caller may come too late for any task */
            assert_int_equal(told.times, TASKS);
        if (told.times > 0) {
            assert_int_equal(told.last_total, TASKS);
            assert_true(told.last_done < TASKS);
        }
    }
}

static void usual_runs_tell_nothing(void **state)
{
    (void)state;
    Told told = {.caller = pthread_self()};
    const Progress watcher = {.context = &told, .part = part};
    atomic_size_t done = 0;
    Team *team = team_new(2);
    team_watch(team, &watcher);
    team_run_told(team, 1, count_task, &done);
    size_t times = told.times;
    team_run(team, TASKS, count_task, &done);
    assert_int_equal(told.times, times);
    team_told(team, 3, 10);
    assert_int_equal(told.times, times + 1);
    assert_int_equal(told.last_done, 3);
    team_free(team);
    assert_int_equal(done, TASKS + 1);
}

static void nobody_need_watch(void **state)
{
    (void)state;
    atomic_size_t done = 0;
    Team *team = team_new(2);
    team_run_told(team, TASKS, count_task, &done);
    team_told(team, 1, 2);
    team_free(team);
    team_watch(NULL, NULL);
    team_told(NULL, 1, 2);
    team_run_told(NULL, TASKS, count_task, &done);
    progress_part(NULL, 1, 2);
    progress_tell(NULL, "stage", 0, 1);
    assert_int_equal(done, 2 * TASKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_told_by_the_caller_and_only_go_up),
        cmocka_unit_test(usual_runs_tell_nothing),
        cmocka_unit_test(nobody_need_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
