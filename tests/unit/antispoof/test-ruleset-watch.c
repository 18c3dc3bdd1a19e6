/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transaction of somebody else's that touches our tables is noticed; our own, and those about other
 * tables, are not. */

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/prctl.h>

#include "antispoof/ruleset-watch.h"
#include "common/netlink.h"

#include <glib.h>

static void add(GByteArray *packet, int message, int family, uint16_t type, const char *text)
{
        struct {
                struct nlmsghdr header;
                struct nfgenmsg body;
                struct rtattr attribute;
                char text[20];
        } whole = {
                        .header = {.nlmsg_len = sizeof whole,
                                        .nlmsg_type = (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | message)},
                        .body = {.nfgen_family = (unsigned char) family},
                        .attribute = {.rta_len = (unsigned short) RTA_LENGTH(strlen(text) + 1),
                                        .rta_type = type},
        };

        g_strlcpy(whole.text, text, sizeof whole.text);
        g_byte_array_append(packet, (const guint8 *) &whole, sizeof whole);
}

static void add_end(GByteArray *packet, const char *name)
{
        add(packet, NFT_MSG_NEWGEN, NFPROTO_UNSPEC, NFTA_GEN_PROC_NAME, name);
}

static unsigned changes(const GByteArray *packet)
{
        RulesetWatch watch = RULESET_WATCH_INIT;
        unsigned changed = 0;

        g_assert_cmpint(ruleset_watch_parse(&watch, packet->data, packet->len, &changed), ==, 0);
        return changed;
}

static void test_transactions(void)
{
        static const struct {
                int message, family;
                const char *table, *by;
                unsigned changed;
        } cases[] = {
                        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "shruthi", "nft", RULESET_FILTERS},
                        {NFT_MSG_DELTABLE, NFPROTO_INET, "shruthi", "nft", RULESET_FILTERS},
                        {NFT_MSG_DELTABLE, NFPROTO_ARP, "shruthi", "nft", RULESET_FILTERS},
                        {NFT_MSG_DELTABLE, NFPROTO_IPV4, "shruthi", "nft", 0},
                        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "shruthi2", "nft", 0},
                        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "shruth", "nft", 0},
                        {NFT_MSG_NEWRULE, NFPROTO_BRIDGE, "shruthi", "nft", RULESET_FILTERS},
                        {NFT_MSG_DELRULE, NFPROTO_BRIDGE, "shruthi", "nft", RULESET_FILTERS},
                        {NFT_MSG_DELSETELEM, NFPROTO_BRIDGE, "shruthi", "nft", RULESET_FILTERS},
                        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "shruthi", "rules", 0},
                        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "shruthi", "rules2", RULESET_FILTERS},
                        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "shruthi", "", RULESET_FILTERS},
                        {NFT_MSG_DELTABLE, NFPROTO_INET, "shruthi_publish", "nft", RULESET_PUBLISHED},
                        {NFT_MSG_DELTABLE, NFPROTO_INET, "shruthi_publish", "rules", 0},
                        {NFT_MSG_DELRULE, NFPROTO_IPV4, "filter", "iptables", RULESET_PUBLISHED},
                        {NFT_MSG_DELRULE, NFPROTO_IPV6, "filter", "ip6tables", RULESET_PUBLISHED},
                        {NFT_MSG_NEWCHAIN, NFPROTO_IPV4, "libvirt_network", "nft", RULESET_PUBLISHED},
                        {NFT_MSG_DELRULE, NFPROTO_INET, "filter", "nft", 0},
                        {NFT_MSG_DELRULE, NFPROTO_IPV4, "nat", "iptables", 0},
        };

        g_assert_cmpint(prctl(PR_SET_NAME, "rules"), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GByteArray) packet = g_byte_array_new();

                g_test_message("%d %s %s", cases[i].message, cases[i].table, cases[i].by);
                add(packet, cases[i].message, cases[i].family, NFTA_TABLE_NAME, cases[i].table);
                add_end(packet, cases[i].by);
                g_assert_cmpuint(changes(packet), ==, cases[i].changed);
        }
}

/* One behind the other: each is judged by itself. */
static void test_in_a_row(void)
{
        g_autoptr(GByteArray) packet = g_byte_array_new();

        add(packet, NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, NFTA_TABLE_NAME, "shruthi");
        add_end(packet, "rules");
        add(packet, NFT_MSG_NEWTABLE, NFPROTO_INET, NFTA_TABLE_NAME, "filter");
        add_end(packet, "nft");
        g_assert_cmpuint(changes(packet), ==, 0);
        add(packet, NFT_MSG_DELTABLE, NFPROTO_BRIDGE, NFTA_TABLE_NAME, "shruthi");
        g_assert_cmpuint(changes(packet), ==, 0);
        add_end(packet, "nft");
        g_assert_cmpuint(changes(packet), ==, RULESET_FILTERS);
}

static void test_cut(void)
{
        g_autoptr(GByteArray) packet = g_byte_array_new();
        RulesetWatch watch = RULESET_WATCH_INIT;
        unsigned changed = 0;

        add(packet, NFT_MSG_DELTABLE, NFPROTO_BRIDGE, NFTA_TABLE_NAME, "shruthi");
        for (guint size = 1; size < packet->len; size++) {
                g_autofree guint8 *data = g_memdup2(packet->data, size);
                uint32_t length = size;

                (void) ruleset_watch_parse(&watch, data, size, &changed);
                if (size < sizeof length)
                        continue;
                memcpy(data, &length, sizeof length);
                (void) ruleset_watch_parse(&watch, data, size, &changed);
        }
        g_assert_cmpuint(changed, ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/antispoof/ruleset-watch/whose-transaction", test_transactions);
        g_test_add_func("/antispoof/ruleset-watch/one-behind-the-other", test_in_a_row);
        g_test_add_func("/antispoof/ruleset-watch/cut-off-messages", test_cut);
        return g_test_run();
}
