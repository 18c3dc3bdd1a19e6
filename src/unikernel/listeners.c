/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sockets that programs of this host listen on: TCP from sock_diag(7), UDP from the file in proc(5),
 * since not every kernel lists UDP there. */

#include "unikernel/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/netlink.h"
#include "common/users.h"

#define UDP_SIZE_MAX (16 * 1024 * 1024)

static void on_socket_message(const struct nlmsghdr *header, void *userdata)
{
        const struct inet_diag_msg *message = NLMSG_DATA(header);
        Listener listener = {.protocol = PORT_TCP};
        static const uint8_t any[ADDRESS_SIZE_MAX];
        size_t size;

        if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
                return;

        size = message->idiag_family == AF_INET ? 4 : ADDRESS_SIZE_MAX;
        listener.port = ntohs(message->id.idiag_sport);
        listener.uid = message->idiag_uid;
        if (memcmp(message->id.idiag_src, any, size) != 0) {
                listener.address.family = message->idiag_family;
                listener.address.prefix = (unsigned) size * 8;
                memcpy(listener.address.bytes, message->id.idiag_src, size);
        }
        g_array_append_val((GArray *) userdata, listener);
}

static int listeners_read_tcp(GArray *listeners, int family)
{
        struct {
                struct nlmsghdr header;
                struct inet_diag_req_v2 body;
        } request = {
                        .header = {.nlmsg_len = sizeof request,
                                        .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                        .body = {.sdiag_family = (uint8_t) family,
                                        .sdiag_protocol = IPPROTO_TCP,
                                        .idiag_states = 1U << TCP_LISTEN},
        };

        return netlink_ask(NETLINK_SOCK_DIAG, &request.header, on_socket_message, listeners);
}

/* Words of four bytes each, as this host has them in memory. */
static bool address_parse_words(const char *text, int family, Address *ret)
{
        size_t size = family == AF_INET ? 4 : ADDRESS_SIZE_MAX;
        bool any = true;

        if (strlen(text) != 2 * size)
                return false;
        *ret = (Address){.family = family, .prefix = (unsigned) size * 8};
        for (size_t i = 0; i < size; i += 4) {
                char word[9];
                uint32_t value;

                g_strlcpy(word, text + 2 * i, sizeof word);
                value = (uint32_t) g_ascii_strtoull(word, NULL, 16);
                memcpy(ret->bytes + i, &value, sizeof value);
                any &= value == 0;
        }
        if (any)
                *ret = ADDRESS_NONE;
        return true;
}

void listeners_parse_udp(const char *text, int family, GArray *listeners)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                Listener listener = {.protocol = PORT_UDP};
                unsigned port, state, uid;
                char address[33];

                if (sscanf(*line, " %*u: %32[0-9A-F]:%4X %*[0-9A-F]:%*X %2X %*X:%*X %*X:%*X %*X %u", address,
                                    &port, &state, &uid) != 4 ||
                                state != TCP_CLOSE || port == 0 || port > UINT16_MAX ||
                                !address_parse_words(address, family, &listener.address))
                        continue;
                listener.port = (uint16_t) port;
                listener.uid = uid;
                g_array_append_val(listeners, listener);
        }
}

static int listeners_read_udp(GArray *listeners, int family)
{
        g_autofree char *text = NULL;
        int r = file_read_at(AT_FDCWD, family == AF_INET ? "/proc/net/udp" : "/proc/net/udp6", UDP_SIZE_MAX,
                        &text, NULL);

        if (r >= 0)
                listeners_parse_udp(text, family, listeners);
        return MIN(r, 0);
}

int listeners_read(GArray *listeners, Error *ret_error)
{
        static const int families[] = {AF_INET, AF_INET6};

        for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
                int tcp = listeners_read_tcp(listeners, families[i]);
                int udp = listeners_read_udp(listeners, families[i]);

                /* A kernel without IPv6 has nothing to tell of it. */
                if (tcp < 0 && tcp != -ENOENT && tcp != -EAFNOSUPPORT)
                        return error_set_errno(ret_error, tcp, "Cannot list the sockets of this host");
                if (udp < 0 && udp != -ENOENT)
                        return error_set_errno(ret_error, udp, "Cannot list the UDP sockets of this host");
        }

        return 0;
}

char *listener_format(const Listener *listener)
{
        char ip[ADDRESS_TEXT_MAX] = "-";

        if (address_is_set(&listener->address))
                address_format_ip(&listener->address, ip);
        return g_strdup_printf("%s %s %u %u", port_protocol_to_string(listener->protocol), ip,
                        (unsigned) listener->port, (unsigned) listener->uid);
}

int listener_parse(const char *text, Listener *ret_listener)
{
        g_auto(GStrv) words = g_strsplit(text, " ", 5);
        Listener listener = {};
        guint64 port, uid;

        if (g_strv_length(words) != 4)
                return -EINVAL;
        listener.protocol = port_protocol_from_string(words[0]);
        if ((int) listener.protocol < 0 ||
                        (!g_str_equal(words[1], "-") && address_parse_ip(words[1], &listener.address) < 0) ||
                        !g_ascii_string_to_unsigned(words[2], 10, 0, 65535, &port, NULL) ||
                        !g_ascii_string_to_unsigned(words[3], 10, 0, UINT32_MAX, &uid, NULL))
                return -EINVAL;

        listener.port = (uint16_t) port;
        listener.uid = (uid_t) uid;
        *ret_listener = listener;
        return 0;
}

const Listener *listeners_find(const GArray *listeners, const PublishedPort *port)
{
        for (guint i = 0; i < listeners->len; i++) {
                const Listener *listener = &g_array_index(listeners, Listener, i);
                const PublishedPort taken = {
                                .address = listener->address,
                                .first = listener->port,
                                .last = listener->port,
                                .protocol = listener->protocol,
                };

                if (published_port_overlaps(&taken, port))
                        return listener;
        }
        return NULL;
}

int listeners_check(const GArray *listeners, const GArray *ports, Error *ret_error)
{
        for (guint i = 0; i < ports->len; i++) {
                const PublishedPort *port = &g_array_index(ports, PublishedPort, i);
                const Listener *listener = listeners_find(listeners, port);
                g_autofree char *text = NULL, *user = NULL;

                if (!listener)
                        continue;
                text = published_port_format(port);
                user = user_name(listener->uid);
                return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                                "Publish=%s: a program of user %s listens on port %u/%s of this host; stop "
                                "it, or publish another port",
                                text, user, (unsigned) listener->port,
                                port_protocol_to_string(listener->protocol));
        }
        return 0;
}
