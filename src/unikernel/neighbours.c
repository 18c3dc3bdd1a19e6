/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses that are in use on a bridge, from the kernel (rtnetlink(7), arp(7)). Called before an address is
 * chosen. */

#include "unikernel/neighbours.h"

#include <fcntl.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/netlink.h"

#define PROC_SIZE_MAX  (4 * 1024 * 1024)
#define SYS_CLASS_NET  "/sys/class/net"
#define ARP_COMPLETE   0x2 /* ATF_COM of linux/if_arp.h: the hardware address is known */

static void add_seen(GArray *seen, SeenBy by, int family, const void *bytes, const uint8_t *mac)
{
        SeenAddress entry = {
                        .by = by, .address = {.family = family, .prefix = family == AF_INET ? 32 : 128}};

        memcpy(entry.address.bytes, bytes, family == AF_INET ? 4 : 16);
        if (mac)
                g_snprintf(entry.mac, sizeof entry.mac, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
                                mac[2], mac[3], mac[4], mac[5]);
        g_array_append_val(seen, entry);
}

/* What a dump is read for: the addresses of one interface. */
typedef struct Reading {
        int ifindex;
        GArray *seen;
} Reading;

static size_t family_size(int family)
{
        return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static void parse_neighbour(const struct nlmsghdr *header, int ifindex, GArray *seen)
{
        const struct ndmsg *message = NLMSG_DATA(header);
        const void *destination, *mac;

        if (header->nlmsg_len < NLMSG_LENGTH(sizeof *message) || message->ndm_ifindex != ifindex ||
                        family_size(message->ndm_family) == 0)
                return;
        /* Nobody answered, or nobody has to be asked (broadcast and multicast). */
        if (message->ndm_state == NUD_NONE || message->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP))
                return;

        destination = netlink_find_attribute(
                        header, sizeof *message, NDA_DST, family_size(message->ndm_family));
        mac = netlink_find_attribute(header, sizeof *message, NDA_LLADDR, 6);
        if (destination)
                add_seen(seen, SEEN_BY_NEIGHBOUR, message->ndm_family, destination, mac);
}

static void parse_own_address(const struct nlmsghdr *header, int ifindex, GArray *seen)
{
        const struct ifaddrmsg *message = NLMSG_DATA(header);
        const void *address;
        size_t size;

        if (header->nlmsg_len < NLMSG_LENGTH(sizeof *message) || message->ifa_index != (unsigned) ifindex ||
                        family_size(message->ifa_family) == 0)
                return;

        /* On a point-to-point link IFA_ADDRESS is the other end. */
        size = family_size(message->ifa_family);
        address = netlink_find_attribute(header, sizeof *message, IFA_LOCAL, size)
                                  ?: netlink_find_attribute(header, sizeof *message, IFA_ADDRESS, size);
        if (address)
                add_seen(seen, SEEN_BY_HOST, message->ifa_family, address, NULL);
}

/* The gateways through which this host sends elsewhere. */
static void parse_route(const struct nlmsghdr *header, int ifindex, GArray *seen)
{
        const struct rtmsg *message = NLMSG_DATA(header);
        const void *gateway, *interface;

        if (header->nlmsg_len < NLMSG_LENGTH(sizeof *message) || family_size(message->rtm_family) == 0)
                return;
        interface = netlink_find_attribute(header, sizeof *message, RTA_OIF, sizeof(int));
        gateway = netlink_find_attribute(
                        header, sizeof *message, RTA_GATEWAY, family_size(message->rtm_family));
        if (gateway && interface && *(const int *) interface == ifindex)
                add_seen(seen, SEEN_BY_ROUTE, message->rtm_family, gateway, NULL);
}

static void parse_message(const struct nlmsghdr *header, void *userdata)
{
        const Reading *reading = userdata;

        if (header->nlmsg_type == RTM_NEWNEIGH)
                parse_neighbour(header, reading->ifindex, reading->seen);
        else if (header->nlmsg_type == RTM_NEWADDR)
                parse_own_address(header, reading->ifindex, reading->seen);
        else if (header->nlmsg_type == RTM_NEWROUTE)
                parse_route(header, reading->ifindex, reading->seen);
}

int neighbours_parse_netlink(const void *data, size_t size, int ifindex, GArray *seen)
{
        Reading reading = {.ifindex = ifindex, .seen = seen};

        return netlink_parse(data, size, parse_message, &reading);
}

static int read_netlink(int ifindex, GArray *seen)
{
        Reading reading = {.ifindex = ifindex, .seen = seen};
        int r;

        r = netlink_dump(RTM_GETNEIGH, sizeof(struct ndmsg), parse_message, &reading);
        if (r < 0)
                return r;

        r = netlink_dump(RTM_GETADDR, sizeof(struct ifaddrmsg), parse_message, &reading);
        if (r < 0)
                return r;

        return netlink_dump(RTM_GETROUTE, sizeof(struct rtmsg), parse_message, &reading);
}

void neighbours_parse_arp(const char *text, const char *bridge, GArray *seen)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        /* "IP address  HW type  Flags  HW address  Mask  Device" */
        for (char **line = lines; *line && line[0][0]; line++) {
                char ip[64], device[IFNAMSIZ + 1];
                unsigned type, flags, mac[6];
                uint8_t bytes[6];
                Address address;

                if (sscanf(*line, "%63s 0x%x 0x%x %2x:%2x:%2x:%2x:%2x:%2x %*s %16s", ip, &type, &flags,
                                    &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], device) != 10)
                        continue;
                if (!(flags & ARP_COMPLETE) || !g_str_equal(device, bridge) ||
                                address_parse_ip(ip, &address) < 0)
                        continue;

                for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++)
                        bytes[i] = (uint8_t) mac[i];
                add_seen(seen, SEEN_BY_NEIGHBOUR, address.family, address.bytes, bytes);
        }
}

void neighbours_parse_if_inet6(const char *text, const char *bridge, GArray *seen)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        /* 32 hexadecimal digits, then index, prefix, scope and flags, then the interface. */
        for (char **line = lines; *line; line++) {
                char digits[33], device[IFNAMSIZ + 1];
                uint8_t bytes[16];

                if (sscanf(*line, "%32s %*x %*x %*x %*x %16s", digits, device) != 2 ||
                                !g_str_equal(device, bridge) || strspn(digits, "0123456789abcdef") != 32)
                        continue;

                for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++)
                        bytes[i] = (uint8_t) (g_ascii_xdigit_value(digits[2 * i]) << 4 |
                                              g_ascii_xdigit_value(digits[2 * i + 1]));
                add_seen(seen, SEEN_BY_HOST, AF_INET6, bytes, NULL);
        }
}

/* Any of the files may be missing: IPv6 off, or /proc without the network's. The bridge's own IPv4 address
 * cannot be read this way; it is the subnet's gateway, which no guest gets anyway. */
static void read_proc(const char *bridge, GArray *seen)
{
        g_autofree char *arp = NULL, *if_inet6 = NULL;

        if (file_read_at(AT_FDCWD, "/proc/self/net/arp", PROC_SIZE_MAX, &arp, NULL) >= 0)
                neighbours_parse_arp(arp, bridge, seen);
        if (file_read_at(AT_FDCWD, "/proc/self/net/if_inet6", PROC_SIZE_MAX, &if_inet6, NULL) >= 0)
                neighbours_parse_if_inet6(if_inet6, bridge, seen);
}

/* if_nametoindex(3) needs an internet socket, which a sandbox may forbid. */
static int find_ifindex(const char *bridge)
{
        g_autofree char *path = NULL, *text = NULL;
        gint64 index;
        int r;

        if (!bridge[0] || strlen(bridge) >= IFNAMSIZ || strchr(bridge, '/') || bridge[0] == '.')
                return -ENODEV;

        path = g_build_filename(SYS_CLASS_NET, bridge, "ifindex", NULL);
        r = file_read_at(AT_FDCWD, path, 4096, &text, NULL);
        if (r < 0)
                return r == -ENOENT ? -ENODEV : r;
        if (!g_ascii_string_to_signed(g_strchomp(text), 10, 1, G_MAXINT, &index, NULL))
                return -EBADMSG;

        return (int) index;
}

int neighbours_read(const char *bridge, GArray *seen, Error *ret_error)
{
        guint before = seen->len;
        int ifindex, r;

        ifindex = find_ifindex(bridge);
        if (ifindex == -ENODEV)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, "there is no bridge '%s'", bridge);
        if (ifindex < 0)
                return error_set_errno(ret_error, ifindex, "Cannot look up the bridge '%s'", bridge);

        r = read_netlink(ifindex, seen);
        if (r >= 0)
                return 0;

        g_array_set_size(seen, before);
        if (r != -EAFNOSUPPORT && r != -EPERM && r != -EACCES)
                return error_set_errno(ret_error, r, "Cannot read the kernel's neighbour table");

        read_proc(bridge, seen);
        return 0;
}
