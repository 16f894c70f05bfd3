#include "base/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS_MAX = 256 };

struct Team {
    size_t threads; /* with the caller, who works too */
    pthread_t thread[THREADS_MAX];
    Arena arena[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    uint64_t round;
    size_t busy;
    bool stop;
    size_t count;
    TeamTask *task;
    void *context;
    atomic_size_t next;
    const Progress *watcher; /* NULL: nobody watches */
    bool told;               /* of the run under way */
};

typedef struct Seat {
    Team *team;
    size_t index;
} Seat;

/* `caller`: the thread that called team_run, the only one that tells. */
static void work(Team *team, Arena scratch, bool caller)
{
    for (;;) {
        size_t task = atomic_fetch_add(&team->next, 1);
        if (task >= team->count)
            return;
        if (caller && team->told)
            team_told(team, task, team->count);
        team->task(team->context, task, scratch);
    }
}

static void *member(void *argument)
{
    Seat seat = *(Seat *)argument;
    free(argument);
    Team *team = seat.team;
    uint64_t seen = 0;
    for (;;) {
        (void)pthread_mutex_lock(&team->lock);
        while (team->round == seen && !team->stop)
            (void)pthread_cond_wait(&team->wake, &team->lock);
        seen = team->round;
        bool stop = team->stop;
        (void)pthread_mutex_unlock(&team->lock);
        if (stop)
            return NULL;
        work(team, team->arena[seat.index], false);
        (void)pthread_mutex_lock(&team->lock);
        if (--team->busy == 0)
            (void)pthread_cond_signal(&team->done);
        (void)pthread_mutex_unlock(&team->lock);
    }
}

size_t team_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (size_t)CPU_COUNT(&set);
}

Team *team_new(size_t threads)
{
    if (threads == 0)
        threads = team_processors();
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    Team *team = calloc(1, sizeof *team);
    if (team == NULL)
        return NULL; /* a NULL team is the caller alone */
    (void)pthread_mutex_init(&team->lock, NULL);
    (void)pthread_cond_init(&team->wake, NULL);
    (void)pthread_cond_init(&team->done, NULL);
    team->arena[0] = arena_new();
    team->threads = 1;
    while (team->threads < threads) {
        Seat *seat = malloc(sizeof *seat);
        if (seat == NULL)
            break;
        *seat = (Seat){team, team->threads};
        team->arena[team->threads] = arena_new();
        if (pthread_create(&team->thread[team->threads], NULL, member, seat) != 0) {
            arena_free(&team->arena[team->threads]);
            free(seat);
            break;
        }
        team->threads++;
    }
    return team;
}

void team_free(Team *team)
{
    if (team == NULL)
        return;
    (void)pthread_mutex_lock(&team->lock);
    team->stop = true;
    (void)pthread_cond_broadcast(&team->wake);
    (void)pthread_mutex_unlock(&team->lock);
    for (size_t i = 1; i < team->threads; i++)
        (void)pthread_join(team->thread[i], NULL);
    for (size_t i = 0; i < team->threads; i++)
        arena_free(&team->arena[i]);
    (void)pthread_mutex_destroy(&team->lock);
    (void)pthread_cond_destroy(&team->wake);
    (void)pthread_cond_destroy(&team->done);
    free(team);
}

size_t team_threads(const Team *team)
{
    return team == NULL ? 1 : team->threads;
}

void team_run(Team *team, size_t count, TeamTask *task, void *context)
{
    if (team == NULL || team->threads == 1 || count <= 1) {
        Arena own = team == NULL ? arena_new() : team->arena[0];
        for (size_t i = 0; i < count; i++) {
            if (team != NULL && team->told)
                team_told(team, i, count);
            task(context, i, own);
        }
        if (team == NULL)
            arena_free(&own);
        return;
    }
    (void)pthread_mutex_lock(&team->lock);
    team->count = count;
    team->task = task;
    team->context = context;
    atomic_store(&team->next, 0);
    team->busy = team->threads - 1;
    team->round++;
    (void)pthread_cond_broadcast(&team->wake);
    (void)pthread_mutex_unlock(&team->lock);
    work(team, team->arena[0], true);
    (void)pthread_mutex_lock(&team->lock);
    while (team->busy > 0)
        (void)pthread_cond_wait(&team->done, &team->lock);
    (void)pthread_mutex_unlock(&team->lock);
}

void team_watch(Team *team, const Progress *watcher)
{
    if (team != NULL)
        team->watcher = watcher;
}

void team_told(const Team *team, size_t done, size_t total)
{
    if (team != NULL)
        progress_part(team->watcher, done, total);
}

void team_run_told(Team *team, size_t count, TeamTask *task, void *context)
{
    if (team != NULL)
        team->told = true;
    team_run(team, count, task, context);
    if (team != NULL)
        team->told = false;
}
