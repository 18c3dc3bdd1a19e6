/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel tells about a bridge is understood, what is about another interface or stale is left out,
 * and a malformed message is read no further than it goes. */

#include <glib.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "fixture/files.h"
#include "unikernel/neighbours.h"

static GArray *seen_new(void)
{
        return g_array_new(FALSE, TRUE, sizeof(SeenAddress));
}

static void assert_seen(const GArray *seen, guint index, const char *ip, const char *mac, SeenBy by)
{
        const SeenAddress *entry = &g_array_index(seen, SeenAddress, index);
        char text[ADDRESS_TEXT_MAX];

        g_assert_cmpuint(index, <, seen->len);
        address_format_ip(&entry->address, text);
        g_assert_cmpstr(text, ==, ip);
        g_assert_cmpstr(entry->mac, ==, mac);
        g_assert_cmpint(entry->by, ==, by);
}

static void test_arp(void)
{
        static const char text[] =
                        "IP address       HW type     Flags       HW address            Mask     Device\n"
                        "10.0.0.2         0x1         0x2         52:54:00:AB:cd:01     *        virbr0\n"
                        "10.0.0.3         0x1         0x0         00:00:00:00:00:00     *        virbr0\n"
                        "10.0.0.4         0x1         0x6         52:54:00:ab:cd:02     *        virbr0\n"
                        "10.0.0.5         0x1         0x2         52:54:00:ab:cd:03     *        virbr01\n"
                        "10.0.0.999       0x1         0x2         52:54:00:ab:cd:03     *        virbr0\n"
                        "10.0.0.6         0x1         0x2         52:54:00:ab:cd        *        virbr0\n"
                        "nonsense\n";
        g_autoptr(GArray) seen = seen_new();

        neighbours_parse_arp(text, "virbr0", seen);
        g_assert_cmpuint(seen->len, ==, 2);
        assert_seen(seen, 0, "10.0.0.2", "52:54:00:ab:cd:01", SEEN_BY_NEIGHBOUR);
        assert_seen(seen, 1, "10.0.0.4", "52:54:00:ab:cd:02", SEEN_BY_NEIGHBOUR);
        neighbours_parse_arp("", "virbr0", seen);
        g_assert_cmpuint(seen->len, ==, 2);
}

static void test_if_inet6(void)
{
        static const char text[] = "00000000000000000000000000000001 01 80 10 80       lo\n"
                                   "fd000000000000000000000000000002 02 40 00 80   virbr0\n"
                                   "fd0000000000000000000000000000zz 02 40 00 80   virbr0\n"
                                   "fd00 02 40 00 80   virbr0\n"
                                   "nonsense\n";
        g_autoptr(GArray) seen = seen_new();

        neighbours_parse_if_inet6(text, "virbr0", seen);
        g_assert_cmpuint(seen->len, ==, 1);
        assert_seen(seen, 0, "fd00::2", "", SEEN_BY_HOST);
}

/* Appends an attribute to message, which is padded to 4 bytes. */
static void add_attribute(GByteArray *message, uint16_t type, const void *data, size_t size)
{
        struct rtattr attribute = {.rta_type = type, .rta_len = (unsigned short) RTA_LENGTH(size)};
        static const guint8 padding[4];

        g_byte_array_append(message, (const guint8 *) &attribute, sizeof attribute);
        g_byte_array_append(message, data, (guint) size);
        g_byte_array_append(message, padding, (guint) (RTA_ALIGN(size) - size));
}

/* Sets the length in the header at start once its attributes are there. */
static void close_message(GByteArray *message, guint start)
{
        struct nlmsghdr header;

        memcpy(&header, message->data + start, sizeof header);
        header.nlmsg_len = message->len - start;
        memcpy(message->data + start, &header, sizeof header);
}

static void add_neighbour(GByteArray *message, int ifindex, uint16_t state, int family, const void *ip,
                const void *mac)
{
        struct {
                struct nlmsghdr header;
                struct ndmsg body;
        } head = {.header = {.nlmsg_type = RTM_NEWNEIGH},
                        .body = {.ndm_family = (unsigned char) family,
                                        .ndm_ifindex = ifindex,
                                        .ndm_state = state}};
        guint start = message->len;

        g_byte_array_append(message, (const guint8 *) &head, sizeof head);
        if (mac)
                add_attribute(message, NDA_LLADDR, mac, 6);
        add_attribute(message, NDA_DST, ip, family == AF_INET ? 4 : 16);
        close_message(message, start);
}

static void add_own(GByteArray *message, unsigned ifindex, const void *local, const void *address)
{
        struct {
                struct nlmsghdr header;
                struct ifaddrmsg body;
        } head = {.header = {.nlmsg_type = RTM_NEWADDR},
                        .body = {.ifa_family = AF_INET, .ifa_index = ifindex}};
        guint start = message->len;

        g_byte_array_append(message, (const guint8 *) &head, sizeof head);
        add_attribute(message, IFA_ADDRESS, address, 4);
        if (local)
                add_attribute(message, IFA_LOCAL, local, 4);
        close_message(message, start);
}

static void add_route(GByteArray *message, int ifindex, const void *gateway)
{
        struct {
                struct nlmsghdr header;
                struct rtmsg body;
        } head = {.header = {.nlmsg_type = RTM_NEWROUTE}, .body = {.rtm_family = AF_INET}};
        guint start = message->len;

        g_byte_array_append(message, (const guint8 *) &head, sizeof head);
        if (gateway)
                add_attribute(message, RTA_GATEWAY, gateway, 4);
        add_attribute(message, RTA_OIF, &ifindex, sizeof ifindex);
        close_message(message, start);
}

static void add_end(GByteArray *message, uint16_t type, int error)
{
        struct {
                struct nlmsghdr header;
                struct nlmsgerr body;
        } end = {.header = {.nlmsg_type = type, .nlmsg_len = sizeof end}, .body = {.error = error}};

        g_byte_array_append(message, (const guint8 *) &end, sizeof end);
}

static const uint8_t mac[6] = {0x52, 0x54, 0, 0xab, 0xcd, 1},
                     v4[3][4] = {{10, 0, 0, 2}, {10, 0, 0, 3}, {10, 0, 0, 4}};
static const uint8_t v6[16] = {0xfd, [15] = 2};

static GByteArray *sample(void)
{
        GByteArray *message = g_byte_array_new();

        add_neighbour(message, 7, NUD_REACHABLE, AF_INET, v4[0], mac);
        add_neighbour(message, 7, NUD_STALE, AF_INET6, v6, mac);
        add_neighbour(message, 8, NUD_REACHABLE, AF_INET, v4[1], mac);
        add_neighbour(message, 7, NUD_FAILED, AF_INET, v4[1], NULL);
        add_neighbour(message, 7, NUD_INCOMPLETE, AF_INET, v4[1], NULL);
        add_neighbour(message, 7, NUD_NOARP, AF_INET, v4[1], mac);
        add_neighbour(message, 7, NUD_NONE, AF_INET, v4[1], mac);
        add_neighbour(message, 7, NUD_PERMANENT, AF_INET, v4[1], NULL);
        add_own(message, 7, v4[2], v4[1]);
        add_own(message, 8, v4[2], v4[2]);
        add_own(message, 7, NULL, v4[0]);
        add_route(message, 7, v4[1]);
        add_route(message, 8, v4[2]);
        add_route(message, 7, NULL);
        return message;
}

static void test_netlink(void)
{
        g_autoptr(GByteArray) message = sample();
        g_autoptr(GArray) seen = seen_new();

        g_assert_cmpint(neighbours_parse_netlink(message->data, message->len, 7, seen), ==, 0);
        g_assert_cmpuint(seen->len, ==, 6);
        assert_seen(seen, 0, "10.0.0.2", "52:54:00:ab:cd:01", SEEN_BY_NEIGHBOUR);
        assert_seen(seen, 1, "fd00::2", "52:54:00:ab:cd:01", SEEN_BY_NEIGHBOUR);
        assert_seen(seen, 2, "10.0.0.3", "", SEEN_BY_NEIGHBOUR);
        assert_seen(seen, 3, "10.0.0.4", "", SEEN_BY_HOST);
        assert_seen(seen, 4, "10.0.0.2", "", SEEN_BY_HOST);
        assert_seen(seen, 5, "10.0.0.3", "", SEEN_BY_ROUTE);
}

static void test_netlink_ends(void)
{
        static const struct {
                uint16_t type;
                int error, r;
        } cases[] = {
                        {NLMSG_DONE, 0, 1},
                        {NLMSG_ERROR, 0, 1},
                        {NLMSG_ERROR, -EPERM, -EPERM},
                        {NLMSG_ERROR, 7, -EBADMSG},
                        {NLMSG_NOOP, 0, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GByteArray) message = g_byte_array_new();
                g_autoptr(GArray) seen = seen_new();

                add_end(message, cases[i].type, cases[i].error);
                g_assert_cmpint(neighbours_parse_netlink(message->data, message->len, 7, seen), ==,
                                cases[i].r);
        }
}

/* Cut anywhere, or with any byte changed, it is refused or understood, and never read beyond its end (which
 * the allocation of exactly its size lets AddressSanitizer see). */
static void test_netlink_damaged(void)
{
        g_autoptr(GByteArray) message = sample();

        for (guint size = 0; size < message->len; size++) {
                g_autofree void *copy = g_memdup2(message->data, size);
                g_autoptr(GArray) seen = seen_new();
                int r = neighbours_parse_netlink(copy, size, 7, seen);

                g_assert_true(r == 0 || r == -EBADMSG);
                g_assert_cmpuint(seen->len, <=, 6);
        }

        for (guint i = 0; i < message->len; i++)
                for (unsigned value = 0; value < 256; value += 51) {
                        g_autofree uint8_t *copy = g_memdup2(message->data, message->len);
                        g_autoptr(GArray) seen = seen_new();

                        copy[i] = (uint8_t) value;
                        g_assert_cmpint(neighbours_parse_netlink(copy, message->len, 7, seen), <=, 1);
                }
}

/* The real kernel: the loopback interface is everywhere, and has the address 127.0.0.1 where it is up. */
static void test_kernel(void)
{
        g_autoptr(GArray) seen = seen_new();
        static const char *const bad[] = {"", "nonexistent0", "..", "a/b", "a-name-that-is-too-long"};
        _cleanup_error_ Error error = ERROR_INIT;
        int r = neighbours_read("lo", seen, &error);

        /* QEMU translates no question about neighbours to the kernel. */
        if (fixture_is_emulated())
                g_assert_cmpint(r, ==, -EOPNOTSUPP);
        else if (r < 0)
                g_error("%s", error.message);
        for (guint i = 0; i < seen->len; i++) {
                const SeenAddress *entry = &g_array_index(seen, SeenAddress, i);

                g_assert_true(entry->address.family == AF_INET || entry->address.family == AF_INET6);
        }

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_assert_cmpint(neighbours_read(bad[i], seen, &error), ==, -ENODEV);
                g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_NETWORK);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/neighbours/arp", test_arp);
        g_test_add_func("/unikernel/neighbours/if-inet6", test_if_inet6);
        g_test_add_func("/unikernel/neighbours/netlink", test_netlink);
        g_test_add_func("/unikernel/neighbours/netlink-ends", test_netlink_ends);
        g_test_add_func("/unikernel/neighbours/netlink-damaged", test_netlink_damaged);
        g_test_add_func("/unikernel/neighbours/kernel", test_kernel);
        return g_test_run();
}
