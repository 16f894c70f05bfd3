/* What must hold when things go wrong: threads, kill -9, a full disk, a server that is stopped. */
#include "database_stores.h"

#include "database/database_internal.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum { THREADS = 6 };

/* ---- threads ---- */

typedef struct Worker {
    const Store *store;
    Database *database;
    int number;
    size_t done, taken, claimed;
    StoredDecision decision;
    Error error;
} Worker;

static void run_threads(Store *s, Worker worker[THREADS], void *(*body)(void *))
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        worker[i] = (Worker){.store = s, .database = s->database, .number = i};
        assert_int_equal(0, pthread_create(&thread[i], NULL, body, &worker[i]));
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS; i++)
        store_ok_at(worker[i].error.status, &worker[i].error, __LINE__);
}

static void *decide(void *context)
{
    Worker *w = context;
    Arena arena = arena_new();
    for (int i = 0; i < 30 && w->error.status == STATUS_OK; i++) {
        StoredDecision d = made_up_decision(&arena, "ann", 1000 * w->number + i);
        if (database_add_decision(w->database, &d, &w->error) == STATUS_OK)
            w->done++;
    }
    arena_free(&arena);
    return NULL;
}

static void decisions_of_many_threads_are_one_chain(void **state)
{
    Store *s = *state;
    Worker worker[THREADS];
    ChainState chain;
    run_threads(s, worker, decide);
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(THREADS * 30, chain.decisions);
}

/* One that cannot be kept must not take those along that share its transaction. */
static void *decide_with_faults(void *context)
{
    Worker *w = context;
    Arena arena = arena_new();
    for (int i = 0; i < 20; i++) {
        Error err = {0};
        StoredDecision d = made_up_decision(&arena, "ann", 1000 * w->number + i);
        Feedback none = {.verdict = S("agree")};
        Found found;
        if (i % 4 == 0) {
            w->done += database_add_feedback(w->database, &found, &none, &err) == STATUS_USAGE;
            continue;
        }
        w->done += database_add_decision(w->database, &d, &err) == STATUS_OK;
    }
    arena_free(&arena);
    return NULL;
}

static void faulty_calls_do_not_disturb_others(void **state)
{
    Store *s = *state;
    Worker worker[THREADS];
    run_threads(s, worker, decide_with_faults);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(20, worker[i].done);
}

/* More at once than one transaction takes along. */
static void *decide_once(void *context)
{
    Worker *w = context;
    w->done = database_add_decision(w->database, &w->decision, &w->error) == STATUS_OK;
    return NULL;
}

static void crowd_is_served_to_the_last(void **state)
{
    enum { CROWD = 150 };
    Store *s = *state;
    static Worker worker[CROWD];
    pthread_t thread[CROWD];
    ChainState chain;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CROWD; i++) {
            worker[i] = (Worker){.database = s->database,
                                 .decision = made_up_decision(&s->arena, "ann", round * CROWD + i)};
            assert_int_equal(0, pthread_create(&thread[i], NULL, decide_once, &worker[i]));
        }
        for (int i = 0; i < CROWD; i++) {
            (void)pthread_join(thread[i], NULL);
            store_ok_at(worker[i].error.status, &worker[i].error, __LINE__);
        }
    }
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(3 * CROWD, chain.decisions);
}

static Status not_this_one(Link *l, void *context, Error *err)
{
    (void)l;
    (void)context;
    return error_set(err, STATUS_FORMAT, "not this one");
}

static void *decide_or_fail(void *context)
{
    Worker *w = context;
    if (w->number % 2 == 0)
        return decide(context);
    for (int i = 0; i < 30; i++) {
        Error err = {0};
        w->done += database_write_in_turn(w->database, not_this_one, NULL, &err) == STATUS_FORMAT;
    }
    return NULL;
}

static void failed_work_is_rolled_back_alone(void **state)
{
    Store *s = *state;
    Worker worker[THREADS];
    ChainState chain;
    run_threads(s, worker, decide_or_fail);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(30, worker[i].done);
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(THREADS / 2 * 30, chain.decisions);
}

static void *claim_and_take(void *context)
{
    Worker *w = context;
    Arena arena = arena_new();
    for (int i = 0; i < 20 && w->error.status == STATUS_OK; i++) {
        Claimed c;
        Job job;
        bool found;
        Str key = str_format(&arena, "k%d", i), owner = str_format(&arena, "o%d", w->number);
        if (database_claim(w->database, &c, &arena, S("me"), key, S("1"), 5 * DAY_US, &w->error) ==
            STATUS_OK)
            w->claimed += c.claim == CLAIM_NEW;
        if (w->error.status == STATUS_OK &&
            database_take_job(w->database, &job, &found, &arena, owner, 100, 50, &w->error) ==
                STATUS_OK)
            w->taken += found;
    }
    arena_free(&arena);
    return NULL;
}

static void key_and_job_go_to_one_only(void **state)
{
    Store *s = *state;
    Worker worker[THREADS];
    size_t claimed = 0, taken = 0;
    for (int i = 0; i < 40; i++) {
        Job job = {.id = str_format(&s->arena, "j%d", i), .created_us = i};
        OK(database_add_job(s->database, &job, err));
    }
    run_threads(s, worker, claim_and_take);
    for (int i = 0; i < THREADS; i++) {
        claimed += worker[i].claimed;
        taken += worker[i].taken;
    }
    assert_int_equal(20, claimed);
    assert_int_equal(40, taken);
}

/* ---- two services on one store ---- */

static void two_processes_make_one_chain(void **state)
{
    Store *s = *state;
    ChainState chain;
    pid_t child = fork();
    assert_true(child >= 0);
    Worker w = {.store = s, .number = child == 0 ? 1 : 2};
    Database *own = NULL;
    if (database_open(&own, s->url, 2, &w.error) == STATUS_OK) {
        w.database = own;
        (void)decide(&w);
    }
    if (child == 0)
        _exit(w.error.status == STATUS_OK && w.done == 30 ? 0 : 1);
    database_close(own);
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    store_ok_at(w.error.status, &w.error, __LINE__);
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(60, chain.decisions);
}

/* ---- kill -9 ---- */

typedef struct Writing {
    Database *database;
    int pipe, number;
} Writing;

/* Say what was accepted, and only then. */
static void *write_and_say(void *context)
{
    const Writing *w = context;
    Arena arena = arena_new(), empty = arena;
    for (int i = 0;; i++) {
        Error err = {0};
        int number = 100000 * w->number + i;
        arena = empty;
        Str id = str_format(&arena, "%032x", number);
        StoredDecision d = made_up_decision(&arena, "ann", number);
        StoredEvent event = {S("ann"), id, S("PENDING"), S("{}")};
        Job job = {.id = id, .created_us = i};
        size_t added;
        if (database_add_decision(w->database, &d, &err) != STATUS_OK ||
            database_add_transactions(w->database, &added, NULL, &event, 1, &err) != STATUS_OK ||
            database_add_job(w->database, &job, &err) != STATUS_OK ||
            write(w->pipe, &number, sizeof number) != sizeof number)
            _exit(3);
    }
    return NULL;
}

static pid_t start_writing(const Store *s, int in[2])
{
    assert_int_equal(0, pipe(in));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) {
        (void)close(in[1]);
        return child;
    }
    Database *own;
    Error err = {0};
    Writing w[3];
    pthread_t thread[3];
    if (database_open(&own, s->url, 0, &err) != STATUS_OK)
        _exit(2);
    for (int i = 0; i < 3; i++) {
        w[i] = (Writing){own, in[1], i + 1};
        (void)pthread_create(&thread[i], NULL, write_and_say, &w[i]);
    }
    (void)pthread_join(thread[0], NULL);
    _exit(4);
}

static void killed_in_the_middle_it_loses_nothing_accepted(void **state)
{
    Store *s = *state;
    int in[2], number;
    size_t accepted = 0;
    static int said[100000];
    pid_t child = start_writing(s, in);
    /* let it get going, and end it wherever it is then */
    while (accepted < 40 && read(in[0], &number, sizeof number) == sizeof number)
        said[accepted++] = number;
    assert_int_equal(40, accepted);
    assert_int_equal(0, kill(child, SIGKILL));
    while (accepted < COUNT_OF(said) && read(in[0], &number, sizeof number) == sizeof number)
        said[accepted++] = number;
    (void)close(in[0]);
    (void)waitpid(child, NULL, 0);

    Database *after;
    ChainState chain;
    OK(database_open(&after, s->url, 0, err));
    OK(database_verify(after, &chain, S(""), err));
    Str history;
    OK(database_history(after, &history, &s->arena, S("ann"), err));
    assert_true(chain.decisions >= accepted);
    for (size_t i = 0; i < accepted; i++) {
        StoredDecision d;
        Found found;
        Job job;
        bool there;
        Arena arena = s->arena;
        Str id = str_format(&arena, "%032x", said[i]);
        OK(database_decision(after, &d, &found, &arena, id, err));
        assert_int_equal(FOUND_HELD, found);
        OK(database_job(after, &job, &there, &arena, id, err));
        assert_true(there);
    }
    /* as many versions as accepted, at least */
    size_t versions = 0;
    for (size_t i = 0; i + 1 < history.size; i++)
        versions += history.data[i] == '{' && history.data[i + 1] == '}';
    assert_true(versions >= accepted);
    database_close(after);
}

/* ---- a full disk ---- */

static void full_disk_is_said_and_what_was_kept_stays(void **state)
{
    Store *s = *state;
    struct rlimit before, small;
    Error full = {0};
    Found found;
    ChainState chain;
    int kept = 0;
    StoredDecision first = made_up_decision(&s->arena, "ann", 0), out;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
    small = before;
    small.rlim_cur = 1000000;
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
    for (; kept < 5000 && full.status == STATUS_OK; kept += full.status == STATUS_OK) {
        StoredDecision d = made_up_decision(&s->arena, "ann", kept);
        d.json = str_format(&s->arena, "{\"a\":\"%04000d\"}", kept);
        (void)(database_add_decision(s->database, &d, &full) == STATUS_OK);
    }
    assert_int_equal(STATUS_IO, full.status);
    assert_true(full.remedy[0] != '\0');
    assert_true(kept > 5 && kept < 5000);
    /* reading goes on, and so does writing once there is room */
    OK(database_decision(s->database, &out, &found, &s->arena, first.id, err));
    assert_int_equal(FOUND_HELD, found);
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
    StoredDecision more = made_up_decision(&s->arena, "ann", 9999);
    OK(database_add_decision(s->database, &more, err));
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(kept + 1, chain.decisions);
}

#ifdef ASSAY_POSTGRESQL
/* ---- a server that goes away ---- */

static void stopped_server_is_said_and_started_again_it_goes_on(void **state)
{
    Store *s = *state;
    StoredDecision a = made_up_decision(&s->arena, "ann", 1);
    StoredDecision b = made_up_decision(&s->arena, "ann", 2);
    StoredDecision c = made_up_decision(&s->arena, "ann", 3);
    ChainState chain;
    Error gone = {0}, still = {0};
    OK(database_add_decision(s->database, &a, err));
    assert_int_equal(0, shell("tests/service/postgres.sh stop %s", postgres_folder));
    int64_t began = clock_monotonic_us();
    assert_int_equal(STATUS_IO, database_add_decision(s->database, &b, &gone));
    assert_int_equal(STATUS_IO, database_ping(s->database, &still));
    assert_true(clock_monotonic_us() - began < 5 * SECOND_US);
    assert_non_null(strstr(still.message, "PostgreSQL"));
    assert_int_equal(0, shell("tests/service/postgres.sh start %s >/dev/null", postgres_folder));
    (void)usleep(600000);
    OK(database_add_decision(s->database, &b, err));
    /* restarted between two calls, the second does not even notice */
    assert_int_equal(0, shell("tests/service/postgres.sh stop %s", postgres_folder));
    assert_int_equal(0, shell("tests/service/postgres.sh start %s >/dev/null", postgres_folder));
    OK(database_add_decision(s->database, &c, err));
    OK(database_verify(s->database, &chain, S(""), err));
    assert_int_equal(3, chain.decisions);
}

static atomic_bool enough;

static void *decide_through_outages(void *context)
{
    Worker *w = context;
    Arena arena = arena_new(), empty = arena;
    for (int i = 0; !atomic_load(&enough); i++) {
        Error err = {0};
        arena = empty;
        StoredDecision d = made_up_decision(&arena, "ann", 10000 * w->number + i);
        if (database_add_decision(w->database, &d, &err) == STATUS_OK)
            w->done++;
        else if (err.status != STATUS_IO)
            w->error = err;
        else
            (void)usleep(20000);
    }
    arena_free(&arena);
    return NULL;
}

static void killed_server_under_use_loses_nothing_accepted(void **state)
{
    Store *s = *state;
    Worker worker[THREADS];
    pthread_t thread[THREADS];
    ChainState chain;
    size_t done = 0;
    atomic_store(&enough, false);
    for (int i = 0; i < THREADS; i++) {
        worker[i] = (Worker){.database = s->database, .number = i};
        assert_int_equal(0, pthread_create(&thread[i], NULL, decide_through_outages, &worker[i]));
    }
    (void)usleep(200000);
    assert_int_equal(0, shell("tests/service/postgres.sh kill %s", postgres_folder));
    (void)usleep(100000);
    assert_int_equal(0, shell("tests/service/postgres.sh start %s >/dev/null", postgres_folder));
    (void)usleep(900000);
    atomic_store(&enough, true);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(thread[i], NULL);
        store_ok_at(worker[i].error.status, &worker[i].error, __LINE__);
        done += worker[i].done;
    }
    OK(database_verify(s->database, &chain, S(""), err));
    assert_true(done > 20);
    /* what was not accepted may be there: its COMMIT was sent and the answer never came */
    assert_in_range(chain.decisions, done, done + (size_t)4 * THREADS);
}

static void frozen_server_costs_a_bounded_time(void **state)
{
    Store *s = *state;
    StoredDecision d = made_up_decision(&s->arena, "ann", 1);
    Error late = {0};
    OK(database_ping(s->database, err));
    s->database->transaction_us = SECOND_US / 4;
    assert_int_equal(0, shell("tests/service/postgres.sh freeze %s", postgres_folder));
    int64_t began = clock_monotonic_us();
    Status frozen = database_add_decision(s->database, &d, &late);
    int64_t took = clock_monotonic_us() - began;
    assert_int_equal(0, shell("tests/service/postgres.sh thaw %s", postgres_folder));
    s->database->transaction_us = TRANSACTION_US;
    assert_int_equal(STATUS_IO, frozen);
    assert_true(took < 2 * SECOND_US);
    assert_non_null(strstr(late.message, "in time"));
    OK(database_add_decision(s->database, &d, err));
}

static void row_lock_held_by_another_is_waited_for_or_given_up(void **state)
{
    Store *s = *state;
    StoredDecision d = made_up_decision(&s->arena, "ann", 1);
    Error late = {0};
    PGconn *other = PQconnectdb(s->url);
    PQclear(PQexec(other, "BEGIN"));
    PQclear(PQexec(other, "SELECT * FROM assay_chain_end FOR UPDATE"));
    s->database->transaction_us = SECOND_US / 4;
    assert_int_equal(STATUS_IO, database_add_decision(s->database, &d, &late));
    s->database->transaction_us = TRANSACTION_US;
    PQfinish(other);
    OK(database_add_decision(s->database, &d, err));
}

static void details_of_the_server_stay_out_of_errors(void **state)
{
    Store *s = *state;
    bool was_new;
    Error err = {0};
    by_hand(s, "ALTER TABLE assay_customers ADD CHECK (json <> 'secret-4711')");
    assert_int_equal(
        STATUS_IO, database_put_customer(s->database, &was_new, S("ann"), S("secret-4711"), &err));
    assert_null(strstr(err.message, "secret-4711"));
    assert_null(strstr(err.remedy, "secret-4711"));
}

static void unreachable_server_is_said_without_the_password(void **state)
{
    Database *d;
    Error err = {0};
    (void)state;
    assert_int_equal(STATUS_IO,
                     database_open(&d, "postgresql://me:hunter2@127.0.0.1:1/x", 0, &err));
    assert_null(strstr(err.message, "hunter2"));
    assert_non_null(strstr(err.message, "no connection to PostgreSQL"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(decisions_of_many_threads_are_one_chain),
        OVER_BOTH(crowd_is_served_to_the_last),
        OVER_BOTH(faulty_calls_do_not_disturb_others),
        OVER_BOTH(failed_work_is_rolled_back_alone),
        OVER_BOTH(key_and_job_go_to_one_only),
        OVER_BOTH(two_processes_make_one_chain),
        OVER_BOTH(killed_in_the_middle_it_loses_nothing_accepted),
        OVER_SQLITE(full_disk_is_said_and_what_was_kept_stays),
#ifdef ASSAY_POSTGRESQL
        OVER_POSTGRESQL(stopped_server_is_said_and_started_again_it_goes_on),
        OVER_POSTGRESQL(killed_server_under_use_loses_nothing_accepted),
        OVER_POSTGRESQL(frozen_server_costs_a_bounded_time),
        OVER_POSTGRESQL(row_lock_held_by_another_is_waited_for_or_given_up),
        OVER_POSTGRESQL(details_of_the_server_stay_out_of_errors),
        OVER_POSTGRESQL(unreachable_server_is_said_without_the_password),
#endif
    };
    return cmocka_run_group_tests(tests, postgres_start, postgres_end);
}
