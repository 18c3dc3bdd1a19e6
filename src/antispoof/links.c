/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taps and bridges, and attaching the ones to the others. */

#include "antispoof/links.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antispoof/link-change.h"
#include "common/io.h"
#include "common/netlink.h"

#define SETTLE_USEC (200 * 1000)
#define BUFFER_SIZE (64 * 1024)
#define RECEIVE_MAX (1024 * 1024) /* of the socket: some thousand interfaces at once */

typedef struct Link {
        char name[IF_NAMESIZE];
        bool bridge; /* else a tap */
        bool up;     /* of a bridge */
        unsigned mtu;
        int master;  /* of a tap: the bridge's index, 0: none */
        bool lost;
        bool isolated; /* as a port of that bridge */
} Link;

struct Links {
        int fd;
        GHashTable *links; /* index → Link */
        bool reading;      /* what was there before we began */
        bool changed, gone, came, ports;
        int64_t settled; /* when a loss is reported; INT64_MAX: there is no new one */
};

Links *links_new(void)
{
        Links *links = g_new(Links, 1);

        *links = (Links){
                        .fd = -EBADF,
                        .links = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                        .settled = INT64_MAX,
        };
        return links;
}

Links *links_free(Links *links)
{
        if (!links)
                return NULL;

        close_safe(links->fd);
        g_hash_table_unref(links->links);
        g_free(links);
        return NULL;
}

/* The attribute in nested ones, which stand one behind the other in size bytes. */
static const void *attribute_find_nested(
                const void *data, size_t size, unsigned short type, size_t *ret_size)
{
        const struct rtattr *attribute = data;
        int length = (int) size; /* below 0 behind a last attribute that is not padded */

        for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
                if ((attribute->rta_type & NLA_TYPE_MASK) == type) {
                        *ret_size = RTA_PAYLOAD(attribute);
                        return RTA_DATA(attribute);
                }

        return NULL;
}

static size_t attribute_payload(const void *data)
{
        return RTA_PAYLOAD((const struct rtattr *) ((const char *) data - RTA_LENGTH(0)));
}

static bool attribute_is(const void *text, size_t size, const char *word)
{
        return text && size > strlen(word) && memcmp(text, word, strlen(word) + 1) == 0;
}

typedef enum LinkKind { LINK_OTHER, LINK_TAP, LINK_BRIDGE } LinkKind;

/* Of the same driver as a tap is a tun, which no bridge takes. */
static LinkKind link_read_kind(const struct nlmsghdr *header)
{
        const void *info = netlink_find_attribute(header, sizeof(struct ifinfomsg), IFLA_LINKINFO, 0);
        size_t size = 0, data_size = 0, type_size = 0;
        const void *kind, *data, *type = NULL;

        if (!info)
                return LINK_OTHER;
        kind = attribute_find_nested(info, attribute_payload(info), IFLA_INFO_KIND, &size);
        if (attribute_is(kind, size, "bridge"))
                return LINK_BRIDGE;
        if (!attribute_is(kind, size, "tun"))
                return LINK_OTHER;

        data = attribute_find_nested(info, attribute_payload(info), IFLA_INFO_DATA, &data_size);
        if (data)
                type = attribute_find_nested(data, data_size, IFLA_TUN_TYPE, &type_size);
        return type && type_size >= 1 && *(const uint8_t *) type == IFF_TAP ? LINK_TAP : LINK_OTHER;
}

/* What a bridge says of its port: in a message of the interface's own (IFLA_INFO_SLAVE_DATA), or in one of
 * the bridge (AF_BRIDGE), which comes when that changes. Without it: as it is. */
static bool link_read_isolated(const struct nlmsghdr *header, bool before)
{
        const struct ifinfomsg *message = NLMSG_DATA(header);
        unsigned short type =
                        message->ifi_family == AF_BRIDGE ? IFLA_PROTINFO | NLA_F_NESTED : IFLA_LINKINFO;
        const void *nest = netlink_find_attribute(header, sizeof *message, type, 0), *flag;
        size_t size = nest ? attribute_payload(nest) : 0;

        if (nest && type == IFLA_LINKINFO)
                nest = attribute_find_nested(nest, size, IFLA_INFO_SLAVE_DATA, &size);
        flag = nest ? attribute_find_nested(nest, size, IFLA_BRPORT_ISOLATED, &size) : NULL;
        return flag && size >= 1 ? *(const uint8_t *) flag != 0 : before;
}

static void link_set_isolated(Links *links, Link *link, bool isolated)
{
        links->ports |= link->isolated != isolated;
        link->isolated = isolated;
}

static void link_set_master(Links *links, Link *link, bool added, int master, int64_t now)
{
        int before = link->master;

        link->master = master;
        links->ports |= before != master;
        if (before != master) /* another bridge's port is not isolated until that says so */
                link->isolated = false;
        if (master != 0) {
                links->changed |= link->lost;
                link->lost = false;
        } else if (before != 0 || (added && links->reading)) {
                link->lost = true;
                links->settled = MIN(links->settled, now + SETTLE_USEC);
        }
}

static bool links_any_is_lost(const Links *links)
{
        GHashTableIter iter;
        gpointer link;

        g_hash_table_iter_init(&iter, links->links);
        while (g_hash_table_iter_next(&iter, NULL, &link))
                if (((Link *) link)->lost)
                        return true;
        return false;
}

static void links_update(Links *links, const struct nlmsghdr *header, const char *name, int64_t now)
{
        const struct ifinfomsg *message = NLMSG_DATA(header);
        gpointer key = GINT_TO_POINTER(message->ifi_index);
        Link *link = g_hash_table_lookup(links->links, key);
        const void *master, *mtu;
        LinkKind kind = link_read_kind(header);
        bool added = !link, renamed = link && strcmp(link->name, name) != 0;

        if (kind == LINK_OTHER)
                return;
        if (kind == LINK_TAP && !antispoof_tap_name_is_valid(name)) {
                links->ports |= g_hash_table_remove(links->links, key);
                return;
        }
        if (!link) {
                link = g_new0(Link, 1);
                link->bridge = kind == LINK_BRIDGE;
                link->mtu = ETH_DATA_LEN;
                g_hash_table_insert(links->links, key, link);
        }
        g_strlcpy(link->name, name, sizeof link->name);
        links->came |= link->bridge ? !link->up && (message->ifi_flags & IFF_UP) : added;
        link->up = message->ifi_flags & IFF_UP;
        mtu = netlink_find_attribute(header, sizeof *message, IFLA_MTU, sizeof(uint32_t));
        if (mtu)
                link->mtu = *(const uint32_t *) mtu;

        master = netlink_find_attribute(header, sizeof *message, IFLA_MASTER, sizeof(int));
        links->ports |= renamed || (link->bridge && added);
        if (!link->bridge) {
                link_set_master(links, link, added, master ? *(const int *) master : 0, now);
                link_set_isolated(links, link, master && link_read_isolated(header, link->isolated));
        } else if (added || renamed)
                links->changed |= links_any_is_lost(links);
}

static void links_update_port(Links *links, const struct nlmsghdr *header)
{
        const struct ifinfomsg *message = NLMSG_DATA(header);
        Link *link = g_hash_table_lookup(links->links, GINT_TO_POINTER(message->ifi_index));
        const void *master = netlink_find_attribute(header, sizeof *message, IFLA_MASTER, sizeof(int));

        /* Of another bridge than the one that it is known to be on: the interface's own comes, too. */
        if (link && !link->bridge && master && *(const int *) master == link->master)
                link_set_isolated(links, link, link_read_isolated(header, link->isolated));
}

typedef struct LinkReception {
        Links *links;
        int64_t now;
} LinkReception;

static void on_link_message(const struct nlmsghdr *header, void *userdata)
{
        const struct ifinfomsg *message = NLMSG_DATA(header);
        Links *links = ((LinkReception *) userdata)->links;
        const char *name;

        if ((header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK) ||
                        header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
                return;
        /* What a bridge says of its ports, interfaces that stay. */
        if (message->ifi_family == AF_BRIDGE && header->nlmsg_type == RTM_NEWLINK)
                links_update_port(links, header);
        if (message->ifi_family != AF_UNSPEC)
                return;
        name = netlink_find_attribute(header, sizeof *message, IFLA_IFNAME, 2);
        if (!name || memchr(name, 0, attribute_payload(name)) == NULL)
                return;

        if (header->nlmsg_type == RTM_NEWLINK)
                links_update(links, header, name, ((LinkReception *) userdata)->now);
        else {
                links->gone |= g_str_has_prefix(name, ANTISPOOF_INTERFACE_PREFIX);
                links->ports |= g_hash_table_remove(links->links, GINT_TO_POINTER(message->ifi_index));
        }
}

int links_parse(Links *links, const void *data, size_t size, int64_t now)
{
        LinkReception reception = {.links = links, .now = now};

        return netlink_parse(data, size, on_link_message, &reception);
}

/* All of it anew. What was lost before is lost still, for all that is known. */
static int links_read_all(Links *links, int64_t now)
{
        LinkReception reception = {.links = links, .now = now};
        int r;

        g_hash_table_remove_all(links->links);
        links->reading = true;
        r = netlink_dump(RTM_GETLINK, sizeof(struct ifinfomsg), on_link_message, &reception);
        links->reading = false;
        links->gone = links->ports = true;
        return r;
}

int links_open(Links **ret_links)
{
        const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
        g_autoptr(Links) links = links_new();
        int size = RECEIVE_MAX, r;

        links->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
        if (links->fd < 0)
                return -errno;
        (void) setsockopt(links->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        /* Listening before looking: what comes in between is seen twice, and not missed. */
        if (bind(links->fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        r = links_read_all(links, g_get_monotonic_time());
        if (r < 0)
                return r;

        *ret_links = g_steal_pointer(&links);
        return 0;
}

int links_fd(const Links *links)
{
        return links->fd;
}

void links_hear(Links *links, int64_t now)
{
        g_autofree char *buffer = g_malloc(BUFFER_SIZE);

        for (;;) {
                struct sockaddr_nl from = {};
                socklen_t length = sizeof from;
                ssize_t n = recvfrom(links->fd, buffer, BUFFER_SIZE, 0, (struct sockaddr *) &from, &length);

                if (n < 0 && errno == EINTR)
                        continue;
                /* More than the socket takes: what was missed is read anew. */
                if (n < 0 && errno == ENOBUFS) {
                        (void) links_read_all(links, now);
                        continue;
                }
                if (n <= 0)
                        return;
                if (from.nl_pid == 0)
                        (void) links_parse(links, buffer, (size_t) n, now);
        }
}

LinksNews links_fetch_news(Links *links, int64_t now, int64_t *ret_next)
{
        LinksNews news = {.changed = links->changed,
                        .gone = links->gone,
                        .came = links->came,
                        .ports = links->ports};

        if (links->settled <= now) {
                news.changed |= links_any_is_lost(links);
                links->settled = INT64_MAX;
        }
        links->changed = links->gone = links->came = links->ports = false;
        *ret_next = links->settled;
        return news;
}

char **links_lost(const Links *links)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        GHashTableIter iter;
        gpointer data;

        g_hash_table_iter_init(&iter, links->links);
        while (g_hash_table_iter_next(&iter, NULL, &data)) {
                const Link *link = data;

                if (link->lost)
                        g_strv_builder_add(names, link->name);
        }
        return g_strv_builder_end(names);
}

static const Link *links_find(const Links *links, const char *name, bool bridge, int *ret_index)
{
        GHashTableIter iter;
        gpointer key, data;

        g_hash_table_iter_init(&iter, links->links);
        while (g_hash_table_iter_next(&iter, &key, &data)) {
                const Link *link = data;

                if (link->bridge != bridge || strcmp(link->name, name) != 0)
                        continue;
                *ret_index = GPOINTER_TO_INT(key);
                return link;
        }
        return NULL;
}

GArray *links_isolated_ports(const Links *links, const char *bridge)
{
        GArray *ports = g_array_new(FALSE, TRUE, sizeof(LinksPort));
        GHashTableIter iter;
        gpointer key, data;
        int master;

        if (!links_find(links, bridge, true, &master))
                return ports;
        g_hash_table_iter_init(&iter, links->links);
        while (g_hash_table_iter_next(&iter, &key, &data)) {
                const Link *link = data;
                LinksPort port = {.index = GPOINTER_TO_INT(key)};

                if (link->bridge || link->master != master || !link->isolated)
                        continue;
                g_strlcpy(port.name, link->name, sizeof port.name);
                g_array_append_val(ports, port);
        }
        return ports;
}

int links_find_bridge(
                const Links *links, const char *name, int *ret_index, unsigned *ret_mtu, Error *ret_error)
{
        const Link *bridge = links_find(links, name, true, ret_index);

        if (bridge) {
                *ret_mtu = bridge->mtu;
                return 0;
        }

        return if_nametoindex(name) == 0
                               ? error_set(ret_error, ERROR_FAILED, "There is no bridge '%s'", name)
                               : error_set(ret_error, ERROR_FAILED, "The interface '%s' is no bridge", name);
}

int links_attach(Links *links, const AntispoofPort *port, bool *ret_attached, Error *ret_error)
{
        int index, bridge, r;
        const Link *tap;
        unsigned mtu;

        links_hear(links, g_get_monotonic_time());
        tap = links_find(links, port->interface, false, &index);
        if (!tap)
                return error_set(ret_error, ERROR_FAILED, "There is no tap '%s'", port->interface);
        r = links_find_bridge(links, port->bridge, &bridge, &mtu, ret_error);
        if (r < 0)
                return r;
        if (tap->master != 0 && tap->master != bridge)
                return error_set(ret_error, ERROR_FAILED, "The tap '%s' is on another bridge",
                                port->interface);

        *ret_attached = tap->master == 0;
        if (!*ret_attached)
                return 0;
        /* Somebody else's tap is without one for a reason. */
        if (!tap->lost)
                return error_set(ret_error, ERROR_FAILED, "The tap '%s' was never on a bridge that is gone",
                                port->interface);
        return link_join(index, bridge, port, ret_error);
}
