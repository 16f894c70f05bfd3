/* address.c - whose failures are counted together: an IPv4 address, or a /64 of IPv6, for whoever
 * has one address of it has all of them. */
#include "serve/serve_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static Str of_six(uint8_t out[ADDRESS_BYTES], const struct in6_addr *six)
{
    bool mapped = IN6_IS_ADDR_V4MAPPED(six);
    memcpy(out, six->s6_addr + (mapped ? 12 : 0), mapped ? 4 : ADDRESS_BYTES);
    return (Str){(const char *)out, mapped ? 4 : ADDRESS_BYTES};
}

static Str of_socket(uint8_t out[ADDRESS_BYTES], const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return of_six(out, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    memcpy(out, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    return (Str){(const char *)out, 4};
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1" or "[2001:db8::1]:80"; empty: none of them. */
Str address_read(uint8_t out[ADDRESS_BYTES], Str text)
{
    char host[64];
    struct in6_addr six;
    text = str_trim(text);
    const char *first = memchr(text.data, ':', text.size);
    const char *closing = memchr(text.data, ']', text.size);
    if (text.size > 0 && text.data[0] == '[' && closing != NULL)
        text = str_slice(text, 1, (size_t)(closing - text.data));
    else if (first != NULL &&
             memchr(first + 1, ':', (size_t)(text.data + text.size - first - 1)) == NULL)
        text = str_slice(text, 0, (size_t)(first - text.data));
    if (text.size == 0 || text.size >= sizeof host)
        return S("");
    memcpy(host, text.data, text.size);
    host[text.size] = '\0';
    if (inet_pton(AF_INET, host, out) == 1)
        return (Str){(const char *)out, 4};
    return inet_pton(AF_INET6, host, &six) == 1 ? of_six(out, &six) : S("");
}

static enum MHD_Result join(void *context, enum MHD_ValueKind kind, const char *name,
                            const char *value)
{
    Buffer *all = context;
    (void)kind;
    if (str_equal_fold(str_from(name), S("X-Forwarded-For"))) {
        buffer_char(all, ',');
        buffer_add(all, str_from(value));
    }
    return MHD_YES;
}

/* The n-th from the end of all that was forwarded: each proxy adds whom it was asked by, and what
 * stands before that anybody may have made up. */
static Str forwarded(uint8_t out[ADDRESS_BYTES], Exchange *x, int n)
{
    Buffer all = buffer_new(x->arena);
    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, join, &all);
    Str rest = buffer_str(&all);
    while (rest.size > 0) {
        const char *comma = memrchr(rest.data, ',', rest.size);
        size_t before = (size_t)(comma - rest.data); /* one stands before every value */
        if (--n == 0)
            return address_read(out, str_slice(rest, before + 1, rest.size));
        rest = str_slice(rest, 0, before);
    }
    return S("");
}

Str address_of(uint8_t out[ADDRESS_BYTES], Exchange *x)
{
    int n = x->service->settings->forwarded;
    Str found = n > 0 ? forwarded(out, x, n) : S("");
    if (found.size > 0)
        return found;
    return of_socket(
        out,
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
}
