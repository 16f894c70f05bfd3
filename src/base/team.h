/* team.h - a team of threads that shares out numbered tasks.
 *
 * Tasks are taken from one counter, so which thread runs a task is chance; a task must
 * write only to its own place, and results are combined afterwards in task order. That is
 * why the number of threads never changes a result. */
#ifndef BASE_TEAM_H
#define BASE_TEAM_H

typedef struct Team Team;

/* scratch is empty at the start of every task and gone at its end. */
typedef void TeamTask(void *context, size_t task, Arena scratch);

size_t team_processors(void); /* that the process may use */

/* threads 0 means one for each of these. Never fails: when a
 * thread cannot be started the team is smaller. */
Team *team_new(size_t threads);
void team_free(Team *team);
size_t team_threads(const Team *team);

/* Run tasks 0 .. count - 1 and wait for all. A NULL team runs them in the caller. Not to be
 * called from inside a task of the same team (pass NULL there). */
void team_run(Team *team, size_t count, TeamTask *task, void *context);

/* The same for the one run of tasks that makes up a stage: whoever watches the team is told how
 * many of them are taken up. team_told says the part in other words than tasks. */
void team_watch(Team *team, const Progress *watcher);
void team_run_told(Team *team, size_t count, TeamTask *task, void *context);
void team_told(const Team *team, size_t done, size_t total);

#endif
