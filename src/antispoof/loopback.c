/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For IPv4 there is a switch (route_localnet of the kernel's ip-sysctl), set by rtnetlink as /proc is
 * read-only for this service; for IPv6 a local route to ::1 by the bridge does the same, behind the one by
 * "lo". Called by publish.c. */

#include "antispoof/loopback.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "common/netlink.h"

#define ROUTE_PRIORITY 2000

typedef struct LoopbackRequest {
        struct nlmsghdr header;
        union {
                struct ifinfomsg link;
                struct rtmsg route;
        } message;
        char attributes[96];
} LoopbackRequest;

static struct rtattr *request_append(
                LoopbackRequest *request, unsigned short type, const void *data, size_t size)
{
        size_t end = NLMSG_ALIGN(request->header.nlmsg_len);
        struct rtattr *attribute = (struct rtattr *) ((char *) request + end);

        attribute->rta_type = type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(attribute), data, size);
        request->header.nlmsg_len = (uint32_t) (end + RTA_SPACE(size));
        return attribute;
}

static void request_end_nest(LoopbackRequest *request, struct rtattr *nest)
{
        nest->rta_len = (unsigned short) ((char *) request + request->header.nlmsg_len - (char *) nest);
}

static int loopback_set_ipv4(int index, bool routed)
{
        LoopbackRequest request = {
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                                        .nlmsg_type = RTM_SETLINK,
                                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                        .message.link = {.ifi_index = index},
        };
        struct rtattr *spec = request_append(&request, IFLA_AF_SPEC | NLA_F_NESTED, NULL, 0);
        struct rtattr *inet = request_append(&request, AF_INET | NLA_F_NESTED, NULL, 0);
        struct rtattr *conf = request_append(&request, IFLA_INET_CONF | NLA_F_NESTED, NULL, 0);
        const uint32_t value = routed;

        (void) request_append(&request, IPV4_DEVCONF_ROUTE_LOCALNET, &value, sizeof value);
        request_end_nest(&request, conf);
        request_end_nest(&request, inet);
        request_end_nest(&request, spec);
        return netlink_ask(NETLINK_ROUTE, &request.header, NULL, NULL);
}

static int loopback_set_ipv6(int index, bool routed)
{
        LoopbackRequest request = {
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(sizeof(struct rtmsg)),
                                        .nlmsg_type = routed ? RTM_NEWROUTE : RTM_DELROUTE,
                                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
                                                       (routed ? NLM_F_CREATE | NLM_F_EXCL : 0)},
                        .message.route = {.rtm_family = AF_INET6,
                                        .rtm_dst_len = 128,
                                        .rtm_table = RT_TABLE_LOCAL,
                                        .rtm_protocol = RTPROT_STATIC,
                                        .rtm_scope = RT_SCOPE_UNIVERSE,
                                        .rtm_type = RTN_LOCAL},
        };
        const uint32_t priority = ROUTE_PRIORITY;
        int r;

        (void) request_append(&request, RTA_DST, &in6addr_loopback, sizeof in6addr_loopback);
        (void) request_append(&request, RTA_OIF, &index, sizeof index);
        (void) request_append(&request, RTA_PRIORITY, &priority, sizeof priority);
        r = netlink_ask(NETLINK_ROUTE, &request.header, NULL, NULL);
        /* It is as it is to be; or the host has no IPv6. */
        return r == -EEXIST || r == -ESRCH || r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

int loopback_set_routed(const char *bridge, bool routed)
{
        int index = (int) if_nametoindex(bridge), r, q;

        if (index == 0)
                return -ENODEV;

        r = loopback_set_ipv4(index, routed);
        q = loopback_set_ipv6(index, routed);
        return r < 0 ? r : q;
}
