/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's routes. Called by shruthi-neighbours. */

#include "unikernel/routes.h"

#include <string.h>
#include <sys/socket.h>

#include "common/netlink.h"

/* The table "local" has a route for each address itself, even if no network is routed to it. */
static void parse_route(const struct nlmsghdr *header, void *userdata)
{
        const struct rtmsg *message = NLMSG_DATA(header);
        Address network = {};
        const void *destination;
        unsigned size;

        if (header->nlmsg_type != RTM_NEWROUTE || header->nlmsg_len < NLMSG_LENGTH(sizeof *message) ||
                        (message->rtm_family != AF_INET && message->rtm_family != AF_INET6))
                return;
        if (message->rtm_dst_len == 0 || message->rtm_type == RTN_MULTICAST ||
                        message->rtm_type == RTN_BROADCAST || message->rtm_type == RTN_ANYCAST)
                return;

        size = message->rtm_family == AF_INET ? 4 : 16;
        destination = netlink_find_attribute(header, sizeof *message, RTA_DST, size);
        if (!destination || message->rtm_dst_len > size * 8)
                return;

        network = (Address){.family = message->rtm_family, .prefix = message->rtm_dst_len};
        memcpy(network.bytes, destination, size);
        network = address_first(&network);
        /* Loopback, link-local, and the rest that no network can have. */
        if (address_is_unicast(&network) &&
                        !(size == 16 && network.bytes[0] == 0xfe && (network.bytes[1] & 0xc0) == 0x80))
                g_array_append_val((GArray *) userdata, network);
}

int routes_parse(const void *data, size_t size, GArray *routes)
{
        return netlink_parse(data, size, parse_route, routes);
}

int routes_read(GArray *routes, Error *ret_error)
{
        guint before = routes->len;
        int r;

        r = netlink_dump(RTM_GETROUTE, sizeof(struct rtmsg), parse_route, routes);
        if (r >= 0)
                return 0;

        g_array_set_size(routes, before);
        return error_set_errno(ret_error, r, "Cannot read the kernel's routes");
}
