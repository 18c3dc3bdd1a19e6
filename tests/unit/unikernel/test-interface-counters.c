/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest's counters are those of its own interface, seen from its side, and nothing else is taken for some.
 */

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "common/netlink.h"
#include "unikernel/interface-counters.h"

#define N_STATS 8 /* as many of rtnl_link_stats64 as are looked at */

static const char *const text = "shruaaaaaaaaaaa 4 2 8 3 1 7";

static void test_text(void)
{
        static const char *const wrong[] = {"", "shruaaaaaaaaaaa", "shruaaaaaaaaaaa 1 2 3 4 5",
                        "shruaaaaaaaaaaa 1 2 3 4 5 6 7", "shruaaaaaaaaaaa 1 2 3 4 5 -6",
                        "shruaaaaaaaaaaa 1 2 3 4 5 18446744073709551616", "shruaaaaaaaaaaa 1 2  4 5 6",
                        "vnet0 1 2 3 4 5 6", "shruaaaaaaaaaaaa 1 2 3 4 5 6", "shru/ 1 2 3 4 5 6"};
        static const char *const right[] = {"shruaaaaaaaaaaa 1 2 3 4 5 6", "shrua 0 0 0 0 0 0",
                        "shrua 18446744073709551615 0 0 0 0 18446744073709551615"};
        InterfaceCounters counters;

        for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
                g_autofree char *again = NULL;

                g_assert_cmpint(interface_counters_parse(right[i], &counters), ==, 0);
                again = interface_counters_format(&counters);
                g_assert_cmpstr(again, ==, right[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                g_assert_cmpint(interface_counters_parse(wrong[i], &counters), ==, -EINVAL);
}

static void append_stats(GByteArray *message, unsigned index, uint16_t type, size_t size)
{
        uint64_t stats[N_STATS];
        struct {
                struct nlmsghdr header;
                struct if_stats_msg body;
                struct rtattr attribute;
        } head = {
                        .header = {.nlmsg_len = (uint32_t) (NLMSG_LENGTH(sizeof head.body) +
                                                            RTA_LENGTH(size)),
                                        .nlmsg_type = RTM_NEWSTATS},
                        .body = {.ifindex = index},
                        .attribute = {.rta_type = type, .rta_len = (uint16_t) RTA_LENGTH(size)},
        };

        for (size_t i = 0; i < N_STATS; i++)
                stats[i] = i + 1;
        g_byte_array_append(message, (const guint8 *) &head, sizeof head);
        g_byte_array_append(message, (const guint8 *) stats, (guint) size);
}

static GHashTable *names_new(void)
{
        GHashTable *names = g_hash_table_new(NULL, NULL);

        g_hash_table_insert(names, GUINT_TO_POINTER(7), (char *) "shruaaaaaaaaaaa");
        g_hash_table_insert(names, GUINT_TO_POINTER(8), (char *) "shrubbbbbbbbbbb");
        return names;
}

/* Of an interface that was not asked about, of another kind, cut short; and the one that is wanted. */
static GByteArray *sample(void)
{
        GByteArray *message = g_byte_array_new();

        append_stats(message, 6, IFLA_STATS_LINK_64, N_STATS * 8);
        append_stats(message, 8, IFLA_STATS_LINK_XSTATS, N_STATS * 8);
        append_stats(message, 8, IFLA_STATS_LINK_64, (N_STATS - 1) * 8);
        append_stats(message, 7, IFLA_STATS_LINK_64, N_STATS * 8);
        return message;
}

static void test_netlink(void)
{
        g_autoptr(GArray) counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));
        g_autoptr(GHashTable) names = names_new();
        g_autoptr(GByteArray) message = sample();
        g_autofree char *found = NULL;

        g_assert_cmpint(interface_counters_parse_netlink(message->data, message->len, names, counters), ==,
                        0);
        g_assert_cmpuint(counters->len, ==, 1);
        found = interface_counters_format(&g_array_index(counters, InterfaceCounters, 0));
        g_assert_cmpstr(found, ==, text);
}

/* As in test-neighbours.c. */
static void test_netlink_damaged(void)
{
        g_autoptr(GHashTable) names = names_new();
        g_autoptr(GByteArray) message = sample();

        for (guint size = 0; size < message->len; size++) {
                g_autoptr(GArray) counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));
                g_autofree void *copy = g_memdup2(message->data, size);
                int r = interface_counters_parse_netlink(copy, size, names, counters);

                g_assert_true(r == 0 || r == -EBADMSG);
                g_assert_cmpuint(counters->len, ==, 0);
        }

        for (guint i = 0; i < message->len; i++)
                for (unsigned value = 0; value < 256; value += 51) {
                        g_autoptr(GArray) counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));
                        g_autofree uint8_t *copy = g_memdup2(message->data, message->len);

                        copy[i] = (uint8_t) value;
                        g_assert_cmpint(interface_counters_parse_netlink(
                                                        copy, message->len, names, counters),
                                        <=, 1);
                }
}

static void test_names(void)
{
        g_assert_true(interface_name_is_guests("shruaaaaaaaaaaa"));
        g_assert_false(interface_name_is_guests("lo"));
        g_assert_false(interface_name_is_guests("eth0"));
        g_assert_false(interface_name_is_guests("vnet0"));
        g_assert_false(interface_name_is_guests("shru/x"));
        g_assert_false(interface_name_is_guests("shruaaaaaaaaaaaa"));
}

/* An interface that is gone has none, and is no error. */
static void test_gone(void)
{
        g_autoptr(GArray) counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));
        static const char *const interfaces[] = {"shruaaaaaaaaaaa", NULL};

        g_assert_cmpint(interface_counters_read(interfaces, counters, NULL), ==, 0);
        g_assert_cmpuint(counters->len, ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/interface-counters/text-there-and-back", test_text);
        g_test_add_func("/interface-counters/from-the-guest-s-side", test_netlink);
        g_test_add_func("/interface-counters/damaged-messages", test_netlink_damaged);
        g_test_add_func("/interface-counters/names-of-guests-only", test_names);
        g_test_add_func("/interface-counters/one-that-is-gone", test_gone);
        return g_test_run();
}
