/* process.c - what the system says of this process. What it does not say is 0. */
#include "telemetry/telemetry_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t read_small(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        (void)close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static uint64_t open_files(void)
{
    uint64_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n - 1; /* not the one it is read with */
}

static double boot_seconds(void)
{
    char text[8192];
    (void)read_small("/proc/stat", text, sizeof text);
    const char *at = strstr(text, "btime ");
    return at == NULL ? 0 : strtod(at + 6, NULL);
}

ProcessFigures process_figures(void)
{
    ProcessFigures f = {0};
    char text[1024];
    unsigned long user, kernel, threads, virtual;
    unsigned long long start;
    long resident;
    double tick = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    (void)read_small("/proc/self/stat", text, sizeof text);
    const char *at = strrchr(text, ')'); /* the name may hold anything */
    // NOLINTNEXTLINE(cert-err34-c): the kernel writes it
    if (at != NULL && sscanf(at + 1,
                             " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d "
                             "%*d %lu %*d %llu %lu %ld",
                             &user, &kernel, &threads, &start, &virtual, &resident) == 6) {
        f.cpu_seconds = (double)(user + kernel) / tick;
        f.threads = threads;
        f.start_seconds = boot_seconds() + (double)start / tick;
        f.virtual_bytes = virtual;
        f.resident_bytes = (uint64_t)((double)resident * page);
    }
    f.open_fds = open_files();
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        f.max_fds = limit.rlim_cur;
    return f;
}
