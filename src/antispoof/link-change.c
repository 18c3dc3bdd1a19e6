/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages to rtnetlink that change an interface. */

#include "antispoof/link-change.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "common/netlink.h"

typedef struct LinkChange {
        struct nlmsghdr header;
        struct ifinfomsg message;
        char attributes[64];
} LinkChange;

static void *link_change_append(LinkChange *change, unsigned short type, const void *data, size_t size)
{
        size_t end = NLMSG_ALIGN(change->header.nlmsg_len);
        struct rtattr *attribute = (struct rtattr *) ((char *) change + end);

        attribute->rta_type = type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(attribute), data, size);
        change->header.nlmsg_len = (uint32_t) (end + RTA_SPACE(size));
        return attribute;
}

static struct rtattr *link_change_open(LinkChange *change, unsigned short type)
{
        return link_change_append(change, type | NLA_F_NESTED, NULL, 0);
}

static void link_change_close(LinkChange *change, struct rtattr *nest)
{
        nest->rta_len = (unsigned short) ((char *) change + change->header.nlmsg_len - (char *) nest);
}

static int link_change_apply(const LinkChange *change)
{
        return netlink_ask(NETLINK_ROUTE, &change->header, NULL, NULL);
}

static LinkChange link_change_for(unsigned char family, int index)
{
        return (LinkChange){
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                                        .nlmsg_type = RTM_SETLINK,
                                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                        .message = {.ifi_family = family, .ifi_index = index},
        };
}

/* master 0: none. */
static int link_set_master(int index, int master)
{
        LinkChange change = link_change_for(AF_UNSPEC, index);

        (void) link_change_append(&change, IFLA_MASTER, &master, sizeof master);
        return link_change_apply(&change);
}

static int link_set_isolated(int index)
{
        LinkChange change = link_change_for(AF_BRIDGE, index);
        struct rtattr *nest = link_change_open(&change, IFLA_PROTINFO);
        const uint8_t yes = 1;

        (void) link_change_append(&change, IFLA_BRPORT_ISOLATED, &yes, sizeof yes);
        link_change_close(&change, nest);
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
        LinkChange change = link_change_for(AF_UNSPEC, index);
        struct rtattr *spec = link_change_open(&change, IFLA_AF_SPEC);
        struct rtattr *inet6 = link_change_open(&change, AF_INET6);
        const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
        int r;

        (void) link_change_append(&change, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
        link_change_close(&change, inet6);
        link_change_close(&change, spec);
        r = link_change_apply(&change);
        /* The host has no IPv6, or not with an MTU as small. */
        return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

int link_prepare(int index, const uint8_t mac[static 6], unsigned mtu)
{
        LinkChange change = link_change_for(AF_UNSPEC, index);
        const uint32_t size = mtu;
        int r;

        (void) link_change_append(&change, IFLA_ADDRESS, mac, 6);
        (void) link_change_append(&change, IFLA_MTU, &size, sizeof size);
        r = link_change_apply(&change);
        return r < 0 ? r : link_set_no_ipv6_address(index);
}

int link_set_up(int index)
{
        LinkChange change = link_change_for(AF_UNSPEC, index);

        change.message.ifi_flags = change.message.ifi_change = IFF_UP;
        return link_change_apply(&change);
}
