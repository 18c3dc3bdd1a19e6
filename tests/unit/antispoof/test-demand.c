/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages between shruthi-antispoof and shruthi-demand have one form; the rules that hold packets make the
 * commands of golden/, which the system test "demand" proves against the kernel; and whatever the kernel
 * hands over, no more than an IP header is looked at, and each packet is told of. */

#include <netinet/in.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>

#include "antispoof/demand-protocol.h"
#include "antispoof/demand-ruleset.h"
#include "antispoof/packet-source.h"
#include "antispoof/protocol.h"
#include "common/netlink.h"

static void test_messages(void)
{
        static const char *const wrong[] = {
                        "", "open", "open ", "open Web", "open web ", "opens web", "ope web", "open  web"};

        for (DemandWord word = 0; word < _DEMAND_WORD_MAX; word++) {
                g_autofree char *text = demand_message_format(word, "web"), *name = NULL;
                DemandWord parsed;

                g_assert_cmpint(demand_message_parse(text, strlen(text), &parsed, &name), ==, 0);
                g_assert_cmpint(parsed, ==, word);
                g_assert_cmpstr(name, ==, "web");
        }
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autofree char *name = NULL;
                DemandWord word;

                g_test_message("%s", wrong[i]);
                g_assert_cmpint(demand_message_parse(wrong[i], strlen(wrong[i]), &word, &name), ==,
                                -EBADMSG);
        }
        {
                g_autofree char *name = NULL;
                DemandWord word;

                g_assert_cmpint(demand_message_parse("open w\0b", 8, &word, &name), ==, -EBADMSG);
        }
}

static void test_publication(void)
{
        static const char *const right[] = {
                        "shru1 virbr0 10.0.0.2/24 none web demand:0 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web demand:600 80:80 53:53/udp",
        };
        static const char *const wrong[] = {
                        "shru1 virbr0 10.0.0.2/24 none web demand: 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web demand:-1 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web demand:01 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web demand:1",
                        "shru1 virbr0 10.0.0.2/24 none web demand:99999999999 80:80",
                        "shru1 virbr0 10.0.0.2/24 none web 80:80 demand:1",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
                g_autoptr(AntispoofPublication) publication = NULL;
                g_autofree char *text = NULL;

                g_assert_cmpint(antispoof_publication_parse(right[i], &publication, NULL), ==, 0);
                g_assert_true(publication->demand);
                g_assert_cmpuint(publication->idle_sec, ==, i == 0 ? 0 : 600);
                text = antispoof_publication_format(publication);
                g_assert_cmpstr(text, ==, right[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                AntispoofPublication *none = NULL;

                g_test_message("%s", wrong[i]);
                g_assert_cmpint(antispoof_publication_parse(wrong[i], &none, NULL), <, 0);
                g_assert_null(none);
        }
}

static GArray *guests_of(const char *one, const char *other)
{
        const char *const texts[] = {one, other};
        GArray *guests = g_array_new(FALSE, FALSE, sizeof(Address));

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                Address address;

                if (!texts[i])
                        continue;
                g_assert_cmpint(address_parse_ip(texts[i], &address), ==, 0);
                g_array_append_val(guests, address);
        }
        return guests;
}

static void golden_check(const char *name, const char *text)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden", name, NULL), *golden = NULL;

        if (g_getenv("SHRUTHI_UPDATE_GOLDEN"))
                g_assert_true(g_file_set_contents(path, text, -1, NULL));
        g_assert_true(g_file_get_contents(path, &golden, NULL, NULL));
        g_assert_cmpstr(text, ==, golden);
}

static void test_table(void)
{
        g_autoptr(GArray) both = guests_of("10.0.0.2", "fd00::2"), none = guests_of(NULL, NULL);
        g_autoptr(GString) commands = g_string_new(NULL);

        demand_ruleset_append_table(commands, DEMAND_QUEUE, both, none);
        demand_ruleset_append_guests(commands, none, both);
        demand_ruleset_append_guests(commands, both, none);
        demand_ruleset_append_table(commands, DEMAND_LOG, none, none);
        demand_ruleset_append_table(commands, DEMAND_TARGET, none, none);
        demand_ruleset_append_removal(commands);
        golden_check("demand.nft", commands->str);
}

typedef struct Packet {
        struct nlmsghdr header;
        struct nfgenmsg message;
        struct rtattr id_attribute;
        struct nfqnl_msg_packet_hdr id; /* packed: 7 bytes */
        uint8_t pad;
        struct rtattr payload_attribute;
        uint8_t payload[40];
} Packet;

static Packet packet_of(uint8_t version, uint16_t payload)
{
        Packet packet = {
                        .header = {.nlmsg_len = (uint32_t) (offsetof(Packet, payload) + payload),
                                        .nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET},
                        .id_attribute = {.rta_len = (unsigned short) RTA_LENGTH(sizeof packet.id),
                                        .rta_type = NFQA_PACKET_HDR},
                        .id = {.packet_id = g_htonl(7)},
                        .payload_attribute = {.rta_len = (unsigned short) RTA_LENGTH(payload),
                                        .rta_type = NFQA_PAYLOAD},
        };

        packet.payload[0] = (uint8_t) (version << 4);
        for (size_t i = 1; i < sizeof packet.payload; i++)
                packet.payload[i] = (uint8_t) i;
        return packet;
}

typedef struct Seen {
        unsigned n;
        uint32_t id;
        Address to;
} Seen;

static void on_seen(uint32_t id, const Address *to, void *userdata)
{
        Seen *seen = userdata;

        *seen = (Seen){.n = seen->n + 1, .id = id, .to = *to};
}

static void test_packets(void)
{
        static const struct {
                uint8_t version;
                uint16_t payload;
                const char *to; /* NULL: unreadable */
        } cases[] = {
                        {4, 20, "16.17.18.19"},
                        {4, 40, "16.17.18.19"},
                        {4, 19, NULL},
                        {6, 40, "1819:1a1b:1c1d:1e1f:2021:2223:2425:2627"},
                        {6, 39, NULL},
                        {5, 40, NULL},
                        {4, 0, NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Packet packet = packet_of(cases[i].version, cases[i].payload);
                char to[ADDRESS_TEXT_MAX];
                Seen seen = {};

                g_assert_cmpint(packet_source_parse(&packet, packet.header.nlmsg_len, on_seen, &seen), ==,
                                0);
                g_assert_cmpuint(seen.n, ==, 1);
                g_assert_cmpuint(seen.id, ==, 7);
                g_assert_cmpint(address_is_set(&seen.to), ==, cases[i].to != NULL);
                if (cases[i].to) {
                        address_format_ip(&seen.to, to);
                        g_assert_cmpstr(to, ==, cases[i].to);
                }
        }
}

static void test_no_packets(void)
{
        Packet packet = packet_of(4, 20);
        Seen seen = {};

        g_assert_cmpint(packet_source_parse(&packet, 10, on_seen, &seen), ==, -EBADMSG);
        packet.header.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8;
        g_assert_cmpint(packet_source_parse(&packet, packet.header.nlmsg_len, on_seen, &seen), ==, 0);
        packet = packet_of(4, 20);
        packet.id_attribute.rta_len = 2;
        g_assert_cmpint(packet_source_parse(&packet, packet.header.nlmsg_len, on_seen, &seen), ==, 0);
        g_assert_cmpuint(seen.n, ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/antispoof/demand/messages-have-one-form", test_messages);
        g_test_add_func("/antispoof/demand/a-publication-says-that-it-stays", test_publication);
        g_test_add_func("/antispoof/demand/makes-the-table", test_table);
        g_test_add_func("/antispoof/demand/reads-the-destination-of-a-packet", test_packets);
        g_test_add_func("/antispoof/demand/leaves-what-is-no-packet", test_no_packets);

        return g_test_run();
}
