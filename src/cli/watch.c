/* watch.c - what the program says of work under way, and of being told to stop.
 *
 * A thread of its own looks at the clock, so that a stage that tells nothing for a minute is heard
 * of all the same. On a terminal one line moves; elsewhere a line comes every few seconds, and none
 * for what takes less. The same thread waits for SIGINT and SIGTERM: whoever stops the program
 * reads that its results are not complete.
 */
#include "cli/cli_internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <yyjson.h>

enum {
    BAR = 24,
    SHOWN_AFTER_US = 1000000,
    LINE_EVERY_US = 5000000,
    LOOK_EVERY_MS = 250,
    SAME_US = 1000000
};

struct Watch {
    const Args *args;
    bool terminal;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows, and of stderr */
    bool stop, running, drawn;
    char stage[200]; /* empty: nothing is under way */
    int64_t began_us, said_us;
    double share;      /* of the stage that is done; 0 while nothing is known */
    int64_t shared_us; /* when that was told */
    sigset_t awaited, before;
    const char *kept;    /* the file that finished work is kept in; NULL: none is */
    bool gentle;         /* a signal waits for that */
    atomic_int stopping; /* the signal */
    int64_t stopping_us; /* when it came */
};

/* What is left of the stage, from how long its part took; negative while nothing can be said. */
static double seconds_left(const Watch *w, int64_t now)
{
    double took = (double)(w->shared_us - w->began_us) / 1e6;
    if (w->share < 0.02 || took < 0.5)
        return -1;
    double left = took / w->share * (1 - w->share) - (double)(now - w->shared_us) / 1e6;
    return left < 0 ? 0 : left;
}

static void clear(Watch *w)
{
    if (w->drawn)
        (void)fputs("\r\033[K", stderr);
    w->drawn = false;
}

static void draw(Watch *w, int64_t now)
{
    char bar[BAR + 1], after[64], left[32];
    double seconds = seconds_left(w, now);
    int filled = (int)(w->share * BAR);
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(filled > BAR ? BAR : filled));
    bar[BAR] = '\0';
    if (seconds >= 0)
        (void)snprintf(after, sizeof after, "%3.0f %%, about %s left", 100 * w->share,
                       duration_words(left, seconds));
    else
        (void)snprintf(after, sizeof after, "%s",
                       duration_words(left, (double)(now - w->began_us) / 1e6));
    (void)fprintf(stderr, "\r\033[K%s: %-30.40s [%s] %s", w->args->program, w->stage, bar, after);
    (void)fflush(stderr);
    w->drawn = true;
}

static void line(Watch *w, int64_t now)
{
    char left[32], took[32];
    double seconds = seconds_left(w, now), since = (double)(now - w->began_us) / 1e6;
    if (w->args->log == LOG_JSON)
        progress_json(w->stage, since, w->share, seconds);
    else if (seconds >= 0)
        (void)fprintf(stderr, "%s: %s: %.0f %% after %s, about %s left\n", w->args->program,
                      w->stage, 100 * w->share, duration_words(took, since),
                      duration_words(left, seconds));
    else
        (void)fprintf(stderr, "%s: %s: %s so far\n", w->args->program, w->stage,
                      duration_words(took, since));
    w->said_us = now;
}

static void look(Watch *w)
{
    int64_t now = clock_monotonic_us();
    if (w->stage[0] == '\0' || now - w->began_us < SHOWN_AFTER_US)
        return;
    if (w->terminal)
        draw(w, now);
    else if (now - (w->said_us > w->began_us ? w->said_us : w->began_us) >= LINE_EVERY_US)
        line(w, now);
}

/* The signal is passed on as if nobody had waited for it, once the person knows what it means. */
static void stop_by(Watch *w, int signal)
{
    clear(w);
    stopped_line(w->args, w->kept != NULL && file_exists(w->kept) ? w->kept : NULL);
    (void)fflush(stderr);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(signal, &usual, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &w->before, NULL);
    (void)kill(getpid(), signal);
    _exit(128 + signal); /* when it is blocked from outside */
}

static void *look_after(void *argument)
{
    Watch *w = argument;
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    for (;;) {
        int signal = sigtimedwait(&w->awaited, NULL, &pause);
        (void)pthread_mutex_lock(&w->lock);
        bool stop = w->stop;
        bool told = signal == SIGINT || signal == SIGTERM;
        bool stopping = atomic_load(&w->stopping) != 0;
        int64_t now = clock_monotonic_us();
        /* Who stops a process and then its group (timeout, a terminal, a supervisor) sends two for
         * one; a person who wants it to end at once needs longer than that for the second. */
        if (told && (!w->gentle || (stopping && now - w->stopping_us > SAME_US)))
            stop_by(w, signal);
        if (told && !stopping) {
            w->stopping_us = now;
            clear(w);
            stopping_line(w->args);
            atomic_store(&w->stopping, signal);
        }
        if (!stop && !w->args->quiet)
            look(w);
        (void)pthread_mutex_unlock(&w->lock);
        if (stop)
            return NULL;
    }
}

Watch *watch_start(const Args *args)
{
    Watch *w = ARENA_NEW(args->arena, Watch);
    const char *terminal = getenv("TERM");
    w->args = args;
    w->terminal = args->log == LOG_TEXT && isatty(STDERR_FILENO) != 0 &&
                  (terminal == NULL || strcmp(terminal, "dumb") != 0);
    (void)pthread_mutex_init(&w->lock, NULL);
    /* Until a stage is told, the command itself is what is under way. */
    (void)snprintf(w->stage, sizeof w->stage, "%s", args->command->name);
    w->began_us = clock_monotonic_us();
    (void)sigemptyset(&w->awaited);
    (void)sigaddset(&w->awaited, SIGUSR1); /* from watch_stop */
    static const int stops[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < COUNT_OF(stops); i++) {
        struct sigaction now;
        /* What a parent has told us to ignore (nohup, a shell's background) stays ignored. */
        if (sigaction(stops[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaddset(&w->awaited, stops[i]);
    }
    /* Threads that start later inherit this: the signals reach the one that waits for them. */
    (void)pthread_sigmask(SIG_BLOCK, &w->awaited, &w->before);
    w->running = pthread_create(&w->thread, NULL, look_after, w) == 0;
    if (!w->running)
        (void)pthread_sigmask(SIG_SETMASK, &w->before, NULL);
    return w;
}

void watch_stop(Watch *w)
{
    if (w->running) {
        (void)pthread_mutex_lock(&w->lock);
        w->stop = true;
        clear(w);
        w->stage[0] = '\0';
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_kill(w->thread, SIGUSR1);
        (void)pthread_join(w->thread, NULL);
        (void)pthread_sigmask(SIG_SETMASK, &w->before, NULL);
    }
    w->running = false;
    (void)pthread_mutex_destroy(&w->lock);
}

const atomic_int *stop_gently(const Args *args, const char *file)
{
    Watch *w = args->watch;
    if (!w->running)
        return NULL;
    (void)pthread_mutex_lock(&w->lock);
    w->kept = file;
    w->gentle = true;
    (void)pthread_mutex_unlock(&w->lock);
    return &w->stopping;
}

void stop_at_once(const Args *args)
{
    Watch *w = args->watch;
    if (!w->running)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->gentle = false;
    (void)pthread_mutex_unlock(&w->lock);
}

void stop_forget(const Args *args)
{
    Watch *w = args->watch;
    if (!w->running)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->kept = NULL;
    (void)pthread_mutex_unlock(&w->lock);
}

int watch_signal(Watch *w)
{
    return atomic_load(&w->stopping);
}

void watch_hush(Watch *w)
{
    if (w == NULL || !w->running)
        return;
    (void)pthread_mutex_lock(&w->lock);
    clear(w);
}

void watch_resume(Watch *w)
{
    if (w == NULL || !w->running)
        return;
    (void)pthread_mutex_unlock(&w->lock);
}

void watch_stage(void *context, const char *stage, size_t done, size_t total)
{
    Watch *w = context;
    if (!w->running)
        return;
    (void)pthread_mutex_lock(&w->lock);
    clear(w);
    (void)snprintf(w->stage, sizeof w->stage, "%s", done >= total ? "" : stage);
    w->began_us = clock_monotonic_us();
    w->share = 0;
    (void)pthread_mutex_unlock(&w->lock);
    if (done < total && !w->terminal && !w->args->quiet)
        talk(w->args, "%s", stage);
}

void watch_no_work(const Args *args)
{
    watch_stage(args->watch, "", 1, 1);
}

void watch_part(void *context, size_t done, size_t total)
{
    Watch *w = context;
    double share = total == 0 ? 0 : (double)done / (double)total;
    if (!w->running || share <= w->share) /* only this thread writes it */
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->share = share;
    w->shared_us = clock_monotonic_us();
    (void)pthread_mutex_unlock(&w->lock);
}

void watch_say(void *context, const char *sentence)
{
    const Watch *w = context;
    talk(w->args, "%s", sentence);
}

const char *duration_words(char out[32], double seconds)
{
    long long s = (long long)(seconds + 0.5);
    if (s < 60)
        (void)snprintf(out, 32, "%lld s", s);
    else if (s < 3600)
        (void)snprintf(out, 32, "%lld min %02lld s", s / 60, s % 60);
    else
        (void)snprintf(out, 32, "%lld h %02lld min", s / 3600, s / 60 % 60);
    return out;
}
