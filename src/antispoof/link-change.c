/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages to rtnetlink that change an interface. */

#include "antispoof/link-change.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "common/netlink.h"

static void link_change_begin(NetlinkRequest *change, unsigned char family, int index)
{
        const struct ifinfomsg message = {.ifi_family = family, .ifi_index = index};

        netlink_request_begin(change, RTM_SETLINK, 0, &message, sizeof message);
}

static int link_change_apply(const NetlinkRequest *change)
{
        return netlink_ask(NETLINK_ROUTE, &change->header, NULL, NULL);
}

/* master 0: none. */
static int link_set_master(int index, int master)
{
        NetlinkRequest change;

        link_change_begin(&change, AF_UNSPEC, index);
        netlink_request_append(&change, IFLA_MASTER, &master, sizeof master);
        return link_change_apply(&change);
}

static int link_set_isolated(int index)
{
        NetlinkRequest change;
        void *nest;
        const uint8_t yes = 1;

        link_change_begin(&change, AF_BRIDGE, index);
        nest = netlink_request_open(&change, IFLA_PROTINFO);
        netlink_request_append(&change, IFLA_BRPORT_ISOLATED, &yes, sizeof yes);
        netlink_request_close(&change, nest);
        return link_change_apply(&change);
}

int link_join(int index, int bridge, const AntispoofPort *port, Error *ret_error)
{
        int r;

        r = link_set_master(index, bridge);
        if (r >= 0 && port->isolated) {
                r = link_set_isolated(index);
                /* Cut off is better than heard by guests that must not hear it. */
                if (r < 0)
                        (void) link_set_master(index, 0);
        }
        if (r == -EXFULL)
                return error_set(ret_error, ERROR_FAILED, "Bridge '%s' is full (1023 interfaces)",
                                port->bridge);
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED, "Cannot attach '%s' to bridge '%s': %s",
                                port->interface, port->bridge, g_strerror(-r));
        return 0;
}

static int link_set_no_ipv6_address(int index)
{
        NetlinkRequest change;
        void *spec, *inet6;
        const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
        int r;

        link_change_begin(&change, AF_UNSPEC, index);
        spec = netlink_request_open(&change, IFLA_AF_SPEC);
        inet6 = netlink_request_open(&change, AF_INET6);
        netlink_request_append(&change, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
        netlink_request_close(&change, inet6);
        netlink_request_close(&change, spec);
        r = link_change_apply(&change);
        /* The host has no IPv6, or not with an MTU as small. */
        return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

int link_prepare(int index, const uint8_t mac[static 6], unsigned mtu)
{
        NetlinkRequest change;
        const uint32_t size = mtu;
        int r;

        link_change_begin(&change, AF_UNSPEC, index);
        netlink_request_append(&change, IFLA_ADDRESS, mac, 6);
        netlink_request_append(&change, IFLA_MTU, &size, sizeof size);
        r = link_change_apply(&change);
        return r < 0 ? r : link_set_no_ipv6_address(index);
}

int link_set_up(int index)
{
        const struct ifinfomsg message = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
        NetlinkRequest change;

        netlink_request_begin(&change, RTM_SETLINK, 0, &message, sizeof message);
        return link_change_apply(&change);
}
