/* fixed_body - the HTTP library alone: every request is read whole and answered with one body.
 *
 *     fixed_body PORT THREADS BODY_FILE
 *
 * What bench/service.py holds the service against: no program on this library can be faster. The
 * library is set up as the service sets it up (src/serve/daemon.c).
 */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static char body[1 << 20];
static size_t size;

static enum MHD_Result answer(void *context, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static int seen;
    (void)context, (void)url, (void)method, (void)version, (void)upload;
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result done = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return done;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    FILE *f = fopen(argv[3], "rb");
    if (f == NULL)
        return 1;
    size = fread(body, 1, sizeof body, f);
    (void)fclose(f);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int threads = atoi(argv[2]);
    struct MHD_OptionItem pool[] = {{MHD_OPTION_THREAD_POOL_SIZE, threads, NULL},
                                    {MHD_OPTION_END, 0, NULL}};
    struct MHD_Daemon *d = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO, (uint16_t)atoi(argv[1]), NULL,
        NULL, answer, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16 << 10,
        MHD_OPTION_CONNECTION_LIMIT, 4096u, MHD_OPTION_ARRAY, threads > 1 ? pool : &pool[1],
        MHD_OPTION_END);
    if (d == NULL)
        return 1;
    int got;
    (void)sigwait(&ends, &got);
    MHD_stop_daemon(d);
    return 0;
}
