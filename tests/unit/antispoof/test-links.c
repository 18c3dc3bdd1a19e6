/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A tap that loses its bridge is reported once that has lasted for a moment, nothing else is, and malformed
 * messages are read no further than they go. */

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/socket.h>

#include "antispoof/links.h"
#include "common/netlink.h"

#define MOMENT (1 * G_USEC_PER_SEC)

static guint attribute_open(GByteArray *message, uint16_t type)
{
        struct rtattr attribute = {.rta_type = type};
        guint start = message->len;

        g_byte_array_append(message, (const guint8 *) &attribute, sizeof attribute);
        return start;
}

static void attribute_close(GByteArray *message, guint start)
{
        uint16_t length = (uint16_t) (message->len - start);
        static const guint8 padding[4];

        memcpy(message->data + start, &length, sizeof length);
        g_byte_array_append(message, padding, (guint) (RTA_ALIGN(length) - length));
}

static void attribute(GByteArray *message, uint16_t type, const void *data, size_t size)
{
        guint start = attribute_open(message, type);

        g_byte_array_append(message, data, (guint) size);
        attribute_close(message, start);
}

/* kind "tap" is the driver's "tun" with its type. */
static GByteArray *link_message(
                uint16_t type, int family, int index, const char *name, const char *kind, int master)
{
        const uint32_t mtu = 1000 + (uint32_t) index;
        struct {
                struct nlmsghdr header;
                struct ifinfomsg body;
        } head = {.header = {.nlmsg_type = type},
                        .body = {.ifi_family = (unsigned char) family, .ifi_index = index}};
        GByteArray *message = g_byte_array_new();
        const char *driver = g_str_equal(kind, "tap") ? "tun" : kind;
        const uint8_t mode = g_str_equal(kind, "tap") ? IFF_TAP : IFF_TUN;
        guint info, data;
        uint32_t length;

        g_byte_array_append(message, (const guint8 *) &head, sizeof head);
        attribute(message, IFLA_IFNAME, name, strlen(name) + 1);
        attribute(message, IFLA_MTU, &mtu, sizeof mtu);
        if (master != 0)
                attribute(message, IFLA_MASTER, &master, sizeof master);
        info = attribute_open(message, IFLA_LINKINFO);
        attribute(message, IFLA_INFO_KIND, driver, strlen(driver) + 1);
        data = attribute_open(message, IFLA_INFO_DATA);
        attribute(message, IFLA_TUN_TYPE, &mode, 1);
        attribute_close(message, data);
        attribute_close(message, info);
        length = message->len;
        memcpy(message->data, &length, sizeof length);
        return message;
}

static void hear(Links *links, uint16_t type, int index, const char *name, const char *kind, int master,
                int64_t now)
{
        g_autoptr(GByteArray) message = link_message(type, AF_UNSPEC, index, name, kind, master);

        g_assert_cmpint(links_parse(links, message->data, message->len, now), ==, 0);
}

static char *lost(const Links *links)
{
        g_auto(GStrv) names = links_lost(links);

        return g_strjoinv(" ", names);
}

static void assert_lost(const Links *links, const char *names)
{
        g_autofree char *found = lost(links);

        g_assert_cmpstr(found, ==, names);
}

static bool is_changed(Links *links, int64_t now)
{
        int64_t next;

        return links_fetch_news(links, now, &next).changed;
}

/* A bridge with a guest and a tap of somebody's that has no bridge, and did not lose one. */
static Links *sample(void)
{
        Links *links = links_new();

        hear(links, RTM_NEWLINK, 7, "br7", "bridge", 0, 0);
        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 7, 0);
        hear(links, RTM_NEWLINK, 9, "vnet9", "tap", 0, 0);
        assert_lost(links, "");
        g_assert_false(is_changed(links, MOMENT));
        return links;
}

static void test_goes_and_comes(void)
{
        g_autoptr(Links) links = sample();
        int64_t next;

        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 0, 0);
        hear(links, RTM_DELLINK, 7, "br7", "bridge", 0, 0);
        assert_lost(links, "vnet0");
        g_assert_false(links_fetch_news(links, 0, &next).changed);
        g_assert_cmpint(next, <, MOMENT);
        g_assert_true(links_fetch_news(links, next, &next).changed);
        g_assert_cmpint(next, ==, INT64_MAX);
        g_assert_false(is_changed(links, 9 * MOMENT));

        hear(links, RTM_NEWLINK, 17, "br7", "bridge", 0, 0);
        g_assert_true(is_changed(links, 0));
        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 17, 0);
        assert_lost(links, "");
        g_assert_true(is_changed(links, 0));
        g_assert_false(is_changed(links, 9 * MOMENT));
}

/* A guest that ends loses its bridge, too, in the moment before its tap goes. */
static void test_guest_ends(void)
{
        g_autoptr(Links) links = sample();

        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 0, 0);
        hear(links, RTM_DELLINK, 8, "vnet0", "tap", 0, 0);
        assert_lost(links, "");
        g_assert_false(is_changed(links, MOMENT));
}

/* While nobody waits for one, a bridge that comes is no news. */
static void test_bridge_comes(void)
{
        g_autoptr(Links) links = sample();

        hear(links, RTM_NEWLINK, 20, "docker0", "bridge", 0, 0);
        g_assert_false(is_changed(links, MOMENT));
}

static void test_bridge_renamed(void)
{
        g_autoptr(Links) links = sample();

        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 0, 0);
        g_assert_true(is_changed(links, MOMENT));
        hear(links, RTM_NEWLINK, 20, "new0", "bridge", 0, 0);
        g_assert_true(is_changed(links, 0));
        hear(links, RTM_NEWLINK, 20, "new0", "bridge", 0, 0);
        g_assert_false(is_changed(links, 0));
        hear(links, RTM_NEWLINK, 20, "br7", "bridge", 0, 0);
        g_assert_true(is_changed(links, 0));
}

/* What no bridge takes, or is not QEMU's. */
static void test_others(void)
{
        g_autoptr(GByteArray) port = link_message(RTM_NEWLINK, AF_BRIDGE, 8, "vnet0", "tap", 0);
        g_autoptr(Links) links = sample();

        hear(links, RTM_NEWLINK, 30, "tun0", "tun", 7, 0);
        hear(links, RTM_NEWLINK, 30, "tun0", "tun", 0, 0);
        hear(links, RTM_NEWLINK, 31, "veth0", "veth", 7, 0);
        hear(links, RTM_NEWLINK, 31, "veth0", "veth", 0, 0);
        g_assert_cmpint(links_parse(links, port->data, port->len, 0), ==, 0);
        assert_lost(links, "");
        g_assert_false(is_changed(links, MOMENT));
}

/* A VPN's tap that its owner takes off a bridge is not put on one again. */
static void test_others_taps(void)
{
        const AntispoofPort port = {.interface = "vpn0", .bridge = "br7"};
        g_autoptr(Links) links = sample();
        bool put = false;

        hear(links, RTM_NEWLINK, 32, "vpn0", "tap", 7, 0);
        hear(links, RTM_NEWLINK, 32, "vpn0", "tap", 0, 0);
        assert_lost(links, "");
        g_assert_false(is_changed(links, MOMENT));
        g_assert_cmpint(links_attach(links, &port, &put, NULL), <, 0);

        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 0, 0);
        assert_lost(links, "vnet0");
        hear(links, RTM_NEWLINK, 8, "mine", "tap", 0, 0);
        assert_lost(links, "");
}

/* What a tap is to be made for is told from what is none. */
static void test_find_bridge(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Links) links = sample();
        unsigned mtu = 0;
        int index = 0;

        g_assert_cmpint(links_find_bridge(links, "br7", &index, &mtu, NULL), ==, 0);
        g_assert_cmpint(index, ==, 7);
        g_assert_cmpuint(mtu, ==, 1007);

        g_assert_cmpint(links_find_bridge(links, "br8", &index, &mtu, &error), <, 0);
        g_assert_cmpstr(error.message, ==, "There is no bridge 'br8'");
        error_clear(&error);
        g_assert_cmpint(links_find_bridge(links, "lo", &index, &mtu, &error), <, 0);
        g_assert_cmpstr(error.message, ==, "The interface 'lo' is no bridge");
        g_assert_cmpint(index, ==, 7);
        g_assert_cmpuint(mtu, ==, 1007);
}

/* A tap that was made here has no bridge for a moment, and has lost none. */
static void test_made(void)
{
        g_autoptr(Links) links = sample();

        hear(links, RTM_NEWLINK, 33, "shruaaaaaaaaaaa", "tap", 0, 0);
        hear(links, RTM_NEWLINK, 33, "shruaaaaaaaaaaa", "tap", 7, 0);
        assert_lost(links, "");
        g_assert_false(is_changed(links, MOMENT));
        hear(links, RTM_NEWLINK, 33, "shruaaaaaaaaaaa", "tap", 0, MOMENT);
        assert_lost(links, "shruaaaaaaaaaaa");
        g_assert_true(is_changed(links, 2 * MOMENT));
}

/* What the bridge says of its port, or of itself: as the kernel sends it to all who listen. */
static void hear_port(Links *links, int index, int master, bool isolated)
{
        struct {
                struct nlmsghdr header;
                struct ifinfomsg body;
        } head = {.header = {.nlmsg_type = RTM_NEWLINK},
                        .body = {.ifi_family = AF_BRIDGE, .ifi_index = index}};
        g_autoptr(GByteArray) message = g_byte_array_new();
        const uint8_t flag = isolated;
        uint32_t length;
        guint nest;

        g_byte_array_append(message, (const guint8 *) &head, sizeof head);
        attribute(message, IFLA_IFNAME, "any", strlen("any") + 1);
        attribute(message, IFLA_MASTER, &master, sizeof master);
        nest = attribute_open(message, IFLA_PROTINFO | NLA_F_NESTED);
        attribute(message, IFLA_BRPORT_ISOLATED, &flag, sizeof flag);
        attribute_close(message, nest);
        length = message->len;
        memcpy(message->data, &length, sizeof length);
        g_assert_cmpint(links_parse(links, message->data, message->len, 0), ==, 0);
}

static char *isolated(const Links *links, const char *bridge)
{
        g_autoptr(GArray) ports = links_isolated_ports(links, bridge);
        GString *names = g_string_new(NULL);

        for (guint i = 0; i < ports->len; i++)
                g_string_append_printf(names, "%s%s:%d", i > 0 ? " " : "",
                                g_array_index(ports, LinksPort, i).name,
                                g_array_index(ports, LinksPort, i).index);
        return g_string_free(names, FALSE);
}

/* Whether there is news of ports, and which are isolated then. */
static void assert_isolated(Links *links, const char *bridge, bool news, const char *names)
{
        g_autofree char *found = isolated(links, bridge);
        int64_t next;

        g_assert_cmpint(links_fetch_news(links, 0, &next).ports, ==, news);
        g_assert_cmpstr(found, ==, names);
}

/* A port counts for as long as it is isolated and of that bridge, and no other's ever does. */
static void test_isolated_ports(void)
{
        g_autoptr(Links) links = sample();

        assert_isolated(links, "br7", false, "");
        hear_port(links, 8, 7, true);
        assert_isolated(links, "br7", true, "vnet0:8");
        assert_isolated(links, "br8", false, "");
        assert_isolated(links, "vnet0", false, "");
        hear_port(links, 8, 7, true);
        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 7, 0); /* which says nothing of that */
        assert_isolated(links, "br7", false, "vnet0:8");
        hear_port(links, 8, 7, false);
        assert_isolated(links, "br7", true, "");

        hear_port(links, 8, 7, true);
        hear(links, RTM_NEWLINK, 20, "br20", "bridge", 0, 0);
        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 20, 0);
        assert_isolated(links, "br7", true, "");
        assert_isolated(links, "br20", false, "");
        hear_port(links, 8, 7, true); /* late, of the bridge that it is no longer on */
        assert_isolated(links, "br20", false, "");
        hear_port(links, 8, 20, true);
        assert_isolated(links, "br20", true, "vnet0:8");

        hear(links, RTM_NEWLINK, 8, "vnet0", "tap", 0, 0);
        assert_isolated(links, "br20", true, "");
        hear_port(links, 7, 7, true);
        hear_port(links, 99, 7, true);
        assert_isolated(links, "br7", false, "");
}

/* One that goes, and one that comes in its place, have different numbers. */
static void test_isolated_port_again(void)
{
        g_autoptr(Links) links = sample();

        hear_port(links, 8, 7, true);
        hear(links, RTM_DELLINK, 8, "vnet0", "tap", 7, 0);
        assert_isolated(links, "br7", true, "");
        hear(links, RTM_NEWLINK, 50, "vnet0", "tap", 7, 0);
        hear_port(links, 50, 7, true);
        assert_isolated(links, "br7", true, "vnet0:50");
}

/* By its name: an interface that is filtered may be gone. */
static void test_gone(void)
{
        g_autoptr(Links) links = sample();
        int64_t next;

        hear(links, RTM_DELLINK, 9, "vnet9", "tap", 0, 0);
        g_assert_false(links_fetch_news(links, 0, &next).gone);
        hear(links, RTM_DELLINK, 40, "shruaaaaaaaaaaa", "veth", 0, 0);
        g_assert_true(links_fetch_news(links, 0, &next).gone);
        g_assert_false(links_fetch_news(links, 0, &next).gone);
}

/* Of each prefix of a message no more is read than there is. */
static void test_cut(void)
{
        g_autoptr(GByteArray) message = link_message(RTM_NEWLINK, AF_UNSPEC, 8, "vnet0", "tap", 7);

        for (guint size = 0; size < message->len; size++) {
                g_autofree guint8 *data = g_memdup2(message->data, size + (size == 0));
                g_autoptr(Links) links = links_new();
                uint32_t length = size;

                (void) links_parse(links, data, size, 0);
                if (size < sizeof length)
                        continue;
                memcpy(data, &length, sizeof length);
                (void) links_parse(links, data, size, 0);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/antispoof/links/bridge-goes-and-comes", test_goes_and_comes);
        g_test_add_func("/antispoof/links/guest-ends", test_guest_ends);
        g_test_add_func("/antispoof/links/bridge-that-nobody-waits-for", test_bridge_comes);
        g_test_add_func("/antispoof/links/bridge-is-renamed", test_bridge_renamed);
        g_test_add_func("/antispoof/links/no-taps", test_others);
        g_test_add_func("/antispoof/links/taps-of-others", test_others_taps);
        g_test_add_func("/antispoof/links/finds-bridge", test_find_bridge);
        g_test_add_func("/antispoof/links/tap-of-ours", test_made);
        g_test_add_func("/antispoof/links/filtered-one-is-gone", test_gone);
        g_test_add_func("/antispoof/links/isolated-ports", test_isolated_ports);
        g_test_add_func("/antispoof/links/isolated-port-comes-again", test_isolated_port_again);
        g_test_add_func("/antispoof/links/cut-off-messages", test_cut);
        return g_test_run();
}
