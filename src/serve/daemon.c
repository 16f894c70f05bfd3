/* daemon.c - sockets, the server's threads, and connections that are too slow.
 *
 * MHD closes a connection that is silent for idle_seconds. One that sends a byte now and then
 * is never silent, so every connection has an instant until which what it does must be done; the
 * keeper cuts those that are past it. Each request has an instant of its own, and who sends many
 * and reads no reply would have them all in turn; so the keeper also asks the kernel what waits to
 * be read, and cuts those that take nothing of it, or too little.
 */
#include "serve/serve_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct Daemon {
    Service *service;
    struct MHD_Daemon *mhd;
    int socket, port;
    bool admin;
    pthread_mutex_t lock; /* of the list */
    Peer *first;
};

bool listen_parse(char host[64], int *port, const char *listen)
{
    int64_t number;
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || !parse_int64(str_from(colon + 1), &number) || number < 0 || number > 65535)
        return false;
    Str name = {listen, (size_t)(colon - listen)};
    if (name.size >= 2 && name.data[0] == '[' && name.data[name.size - 1] == ']')
        name = str_slice(name, 1, name.size - 1);
    else if (memchr(name.data, ':', name.size) != NULL)
        return false;
    if (str_equal(name, S("localhost")))
        name = S("127.0.0.1");
    if (name.size >= 64)
        return false;
    memcpy(host, name.data, name.size);
    host[name.size] = '\0';
    if (name.size == 1 && host[0] == '*')
        host[0] = '\0';
    *port = (int)number;
    return true;
}

bool listen_is_loopback(const char *listen)
{
    char host[64];
    int port;
    struct in6_addr six;
    struct in_addr four;
    if (!listen_parse(host, &port, listen))
        return false;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static Status refuse_address(Error *err, const char *listen, const char *why)
{
    (void)error_set(err, STATUS_IO, "cannot listen on %.80s: %s", listen, why);
    return error_remedy(err, "give another address with --listen, or stop what uses this one");
}

static Status open_socket(int *out, const char *listen_on, Error *err)
{
    char host[64], service[16];
    int port, on = 1, off = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    if (!listen_parse(host, &port, listen_on)) {
        (void)error_set(err, STATUS_USAGE, "`%.80s` is not an address to listen on", listen_on);
        return error_remedy(err, "write it as 127.0.0.1:8080, [::1]:8080 or :8080 (everybody)");
    }
    (void)snprintf(service, sizeof service, "%d", port);
    /* Everybody is IPv6's "any", which takes IPv4 too, where there is IPv6. */
    int code = getaddrinfo(host[0] == '\0' ? "::" : host, service, &hints, &found);
    int fd = code != 0 || found == NULL
                 ? -1
                 : socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 && host[0] == '\0') {
        if (found != NULL)
            freeaddrinfo(found);
        code = getaddrinfo("0.0.0.0", service, &hints, &found);
        fd = code != 0 || found == NULL
                 ? -1
                 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    if (code != 0)
        return refuse_address(err, listen_on, gai_strerror(code));
    bool bound = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (bound && found->ai_family == AF_INET6 && host[0] == '\0')
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    bound = bound && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1024) == 0;
    int why = errno;
    freeaddrinfo(found);
    if (!bound) {
        if (fd >= 0)
            (void)close(fd);
        return refuse_address(err, listen_on, strerror(why));
    }
    *out = fd;
    return STATUS_OK;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

/* ---- connections ---- */

Peer *daemon_peer(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i->socket_context;
}

void peer_waits(Peer *p)
{
    const ServeLimits *l = &p->daemon->service->settings->limits;
    atomic_store(&p->until_us,
                 clock_monotonic_us() + (l->idle_seconds + l->request_seconds) * SECOND_US);
}

/* The pair of now, and not the one that the server was started with. */
static void show_certificate(const Daemon *d, Peer *p, struct MHD_Connection *c)
{
    Certificates *all = d->service->certificates;
    if (d->admin || all == NULL)
        return;
    p->pair = pair_take(all);
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (i == NULL || !pair_show(p->pair, i->tls_session))
        (void)shutdown(p->fd, SHUT_RDWR); /* it would be shown nothing */
}

static void peer_add(Daemon *d, struct MHD_Connection *c, void **context)
{
    Peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort(); /* as arenas do */
    p->daemon = d;
    p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    peer_waits(p);
    show_certificate(d, p, c);
    (void)pthread_mutex_lock(&d->lock);
    p->next = d->first;
    if (d->first != NULL)
        d->first->previous = p;
    d->first = p;
    (void)pthread_mutex_unlock(&d->lock);
    *context = p;
    telemetry_connections(d->service->telemetry, 1);
}

static void peer_remove(Daemon *d, Peer *p)
{
    (void)pthread_mutex_lock(&d->lock);
    if (p->previous != NULL)
        p->previous->next = p->next;
    else
        d->first = p->next;
    if (p->next != NULL)
        p->next->previous = p->previous;
    (void)pthread_mutex_unlock(&d->lock);
    pair_drop(p->pair);
    free(p);
    telemetry_connections(d->service->telemetry, -1);
}

static void notice(void *daemon, struct MHD_Connection *c, void **context,
                   enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        peer_add(daemon, c, context);
    else if (*context != NULL) {
        peer_remove(daemon, *context);
        *context = NULL;
    }
}

/* What the kernel holds for a connection, and how much of all was taken in its life. */
static bool unread(uint64_t *waiting, uint64_t *taken, int fd)
{
    int bytes = 0;
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes <= 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked)
        return false;
    *waiting = (uint64_t)bytes;
    *taken = info.tcpi_bytes_acked;
    return true;
}

/* Does it leave its replies unread: nothing taken for request_seconds, or less than 16 KiB a second
 * of what once waited? By the keeper, under the lock. */
static bool does_not_read(Peer *p, int64_t now, int64_t request_seconds)
{
    uint64_t waiting, taken;
    if (now - p->looked_us < SECOND_US / 2)
        return false;
    p->looked_us = now;
    if (!unread(&waiting, &taken, p->fd)) {
        p->to_take = 0;
        return false;
    }
    if (p->to_take == 0 || taken >= p->to_take) { /* all that waited then was read since */
        p->to_take = taken + waiting;
        p->take_until_us = now + (request_seconds + (int64_t)(waiting / SLOWEST_BYTES)) * SECOND_US;
        p->taken = taken;
        p->taken_us = now;
    }
    if (taken != p->taken) {
        p->taken = taken;
        p->taken_us = now;
    }
    return now > p->take_until_us || now - p->taken_us > request_seconds * SECOND_US;
}

void daemon_sweep(Daemon *d)
{
    int64_t seconds = d->service->settings->limits.request_seconds;
    size_t cut = 0;
    int64_t now = clock_monotonic_us();
    (void)pthread_mutex_lock(&d->lock); /* no descriptor in the list is closed meanwhile */
    for (Peer *p = d->first; p != NULL; p = p->next)
        if (!p->cut && (now > atomic_load(&p->until_us) || does_not_read(p, now, seconds))) {
            p->cut = true;
            (void)shutdown(p->fd, SHUT_RDWR);
            cut++;
        }
    (void)pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < cut; i++)
        telemetry_shed(d->service->telemetry, "slow");
}

/* ---- the server ---- */

/* Paths and arguments stay as they were sent: routes.c unescapes what it must. */
static size_t as_sent(void *context, struct MHD_Connection *c, char *text)
{
    (void)context;
    (void)c;
    return strlen(text);
}

static int threads_of(const ServeSettings *s)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int n = s->threads > 0 ? s->threads : (int)(cores < 1 ? 1 : cores);
    if (s->threads == 0 && strncmp(s->store, "postgres", 8) == 0)
        n *= 8;
    else if (s->threads == 0 && strncmp(s->store, "sqlite", 6) == 0)
        n *= 2;
    return n > 256 ? 256 : n;
}

/* A connection has credentials of its own; what the server itself would show is nothing. */
static int show_nothing(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                        const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                        gnutls_pcert_st **certificate, unsigned *length, gnutls_privkey_t *key)
{
    (void)session;
    (void)authorities;
    (void)count;
    (void)algorithms;
    (void)algorithm_count;
    (void)certificate;
    (void)length;
    (void)key;
    return -1;
}

static Status start_mhd(Daemon *d, Error *err)
{
    const ServeSettings *s = d->service->settings;
    const ServeLimits *l = &s->limits;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO;
    struct MHD_OptionItem option[17];
    size_t n = 0;
    int threads = d->admin ? 1 : threads_of(s);
    option[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                          (intptr_t)l->header_bytes, NULL};
    option[n++] =
        (struct MHD_OptionItem){MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)l->idle_seconds, NULL};
    option[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_LIMIT,
                                          d->admin ? 64 : (intptr_t)l->connections, NULL};
    if (l->connections_per_address > 0 && !d->admin)
        option[n++] = (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                              (intptr_t)l->connections_per_address, NULL};
    if (threads > 1)
        option[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
    if (!d->admin && d->service->certificates != NULL) {
        flags |= MHD_USE_TLS;
        option[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
                                              (void *)(uintptr_t)show_nothing};
        /* GnuTLS of itself still takes TLS 1.0 and 1.1, which RFC 8996 ended. */
        option[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                              "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
    }
    option[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    d->mhd = MHD_start_daemon(flags, 0, NULL, NULL, exchange_access, d, MHD_OPTION_LISTEN_SOCKET,
                              d->socket, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, d,
                              MHD_OPTION_NOTIFY_CONNECTION, notice, d, MHD_OPTION_UNESCAPE_CALLBACK,
                              as_sent, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
                              option, MHD_OPTION_END);
    if (d->mhd != NULL)
        return STATUS_OK;
    (void)error_set(err, STATUS_IO, "the HTTP server could not start");
    return error_remedy(err, "see how many threads and open files the process may have");
}

Status daemon_start(Daemon **out, Service *s, const char *listen_on, bool admin, Error *err)
{
    Daemon *d = ARENA_NEW(&s->keep, Daemon);
    *out = d;
    d->service = s;
    d->admin = admin;
    d->socket = -1;
    (void)pthread_mutex_init(&d->lock, NULL);
    TRY(open_socket(&d->socket, listen_on, err));
    d->port = port_of(d->socket);
    Status status = start_mhd(d, err);
    if (status != STATUS_OK)
        (void)close(d->socket);
    return status;
}

int daemon_port(const Daemon *d)
{
    return d->port;
}

bool daemon_is_admin(const Daemon *d)
{
    return d->admin;
}

Service *daemon_service(const Daemon *d)
{
    return d->service;
}

void daemon_refuse(Daemon *d)
{
    if (d == NULL || d->mhd == NULL || d->socket < 0)
        return;
    MHD_socket fd = MHD_quiesce_daemon(d->mhd);
    if (fd != MHD_INVALID_SOCKET)
        (void)close(fd);
    d->socket = -1;
}

bool daemon_idle(Daemon *d)
{
    (void)pthread_mutex_lock(&d->lock);
    bool idle = d->first == NULL;
    (void)pthread_mutex_unlock(&d->lock);
    return idle;
}

void daemon_stop(Daemon *d)
{
    if (d == NULL)
        return;
    if (d->mhd != NULL)
        MHD_stop_daemon(d->mhd); /* and its socket, when it still has one */
    d->mhd = NULL;
    (void)pthread_mutex_destroy(&d->lock);
}
