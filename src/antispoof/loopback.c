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
#include <sys/socket.h>

#include "common/netlink.h"

#define ROUTE_PRIORITY 2000

static int loopback_set_ipv4(int index, bool routed)
{
        const struct ifinfomsg message = {.ifi_index = index};
        const uint32_t value = routed;
        void *spec, *inet, *conf;
        NetlinkRequest request;

        netlink_request_begin(&request, RTM_SETLINK, 0, &message, sizeof message);
        spec = netlink_request_open(&request, IFLA_AF_SPEC);
        inet = netlink_request_open(&request, AF_INET);
        conf = netlink_request_open(&request, IFLA_INET_CONF);
        netlink_request_append(&request, IPV4_DEVCONF_ROUTE_LOCALNET, &value, sizeof value);
        netlink_request_close(&request, conf);
        netlink_request_close(&request, inet);
        netlink_request_close(&request, spec);
        return netlink_ask(NETLINK_ROUTE, &request.header, NULL, NULL);
}

static int loopback_set_ipv6(int index, bool routed)
{
        const struct rtmsg message = {.rtm_family = AF_INET6,
                        .rtm_dst_len = 128,
                        .rtm_table = RT_TABLE_LOCAL,
                        .rtm_protocol = RTPROT_STATIC,
                        .rtm_scope = RT_SCOPE_UNIVERSE,
                        .rtm_type = RTN_LOCAL};
        const uint32_t priority = ROUTE_PRIORITY;
        NetlinkRequest request;
        int r;

        netlink_request_begin(&request, routed ? RTM_NEWROUTE : RTM_DELROUTE,
                        routed ? NLM_F_CREATE | NLM_F_EXCL : 0, &message, sizeof message);
        netlink_request_append(&request, RTA_DST, &in6addr_loopback, sizeof in6addr_loopback);
        netlink_request_append(&request, RTA_OIF, &index, sizeof index);
        netlink_request_append(&request, RTA_PRIORITY, &priority, sizeof priority);
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
