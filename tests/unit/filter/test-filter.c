/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What shruthi-filter compiles matches here what it matches for libpcap, and what is no filter is refused
 * with libpcap's own words. */

#include <glib.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/wait.h>

#include "link/packet-filter.h"

#define FRAMES            2000U
#define SIZE_MAX_OF_FRAME 120

/* Returns the exit status. */
static int compile(const char *text, char **ret_program, char **ret_message)
{
        const char *words[] = {g_getenv("SHRUTHI_FILTER"), "--", text, NULL};
        g_autoptr(GError) error = NULL;
        int status = 0;

        (void) g_spawn_sync(NULL, (char **) words, NULL, G_SPAWN_DEFAULT, NULL, NULL, ret_program,
                        ret_message, &status, &error);
        g_assert_no_error(error);
        if (!WIFEXITED(status))
                g_error("%s: ended with status %x", text, (unsigned) status);
        g_strstrip(*ret_program);
        g_strstrip(*ret_message);
        return WEXITSTATUS(status);
}

/* One that is like those of a network more often than chance would have it. */
static size_t draw_frame(GRand *random, uint8_t frame[static SIZE_MAX_OF_FRAME])
{
        static const uint16_t types[] = {0x0800, 0x0806, 0x86dd, 0x8100};
        static const uint8_t protocols[] = {1, 6, 17, 58};
        size_t size = (size_t) g_rand_int_range(random, 14, SIZE_MAX_OF_FRAME + 1);
        uint16_t type = types[g_rand_int_range(random, 0, G_N_ELEMENTS(types))];

        for (size_t i = 0; i < SIZE_MAX_OF_FRAME; i++)
                frame[i] = (uint8_t) g_rand_int_range(random, 0, 4);
        frame[12] = (uint8_t) (type >> 8);
        frame[13] = (uint8_t) type;
        frame[14] = (uint8_t) (type == 0x0800 ? 0x45 : 0x60);
        frame[type == 0x0800 ? 23 : 20] = protocols[g_rand_int_range(random, 0, G_N_ELEMENTS(protocols))];
        frame[type == 0x0800 ? 36 : 56] = 0x13;
        frame[type == 0x0800 ? 37 : 57] = (uint8_t) g_rand_int_range(random, 0x87, 0x8a);
        return size;
}

static const char *const filters[] = {
                "udp",
                "udp port 5000",
                "tcp portrange 4999-5001 or icmp or icmp6",
                "not arp",
                "ip6 and udp dst port 5000",
                "ether[0] & 1 != 0",
                "host 1.2.3.0 or net 0.0.0.0/7",
                "ip[8] % 3 = 1 or ip[2:2] ^ 3 > 512",
                "less 60",
                "greater 100 and udp[8:4] / ip[8] < 70000",
                "vlan and udp",
                "udp port domain or tcp port http",
                "(ip[6] << 3) >> ip[7] >= 8",
                "-ip[9] < 100",
};

static void test_same(void)
{
        pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);

        g_assert_nonnull(pcap);
        for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
                g_autofree char *program = NULL, *message = NULL;
                g_autoptr(PacketFilter) filter = NULL;
                g_autoptr(GRand) random = g_rand_new_with_seed((guint32) i);
                _cleanup_error_ Error error = ERROR_INIT;
                struct bpf_program theirs;
                unsigned n = 0;

                g_assert_cmpint(pcap_compile(pcap, &theirs, filters[i], 0, PCAP_NETMASK_UNKNOWN), ==, 0);
                if (compile(filters[i], &program, &message) != 0)
                        g_error("%s: %s", filters[i], message);
                (void) packet_filter_parse(program, &filter, &error);
                g_assert_cmpstr(error.message, ==, NULL);
                for (unsigned k = 0; k < FRAMES; k++) {
                        uint8_t drawn[SIZE_MAX_OF_FRAME];
                        size_t size = draw_frame(random, drawn);
                        g_autofree uint8_t *frame = g_memdup2(drawn, size);
                        struct pcap_pkthdr header = {
                                        .caplen = (bpf_u_int32) size, .len = (bpf_u_int32) size};
                        bool matches = packet_filter_matches(filter, frame, size);

                        if (matches != (pcap_offline_filter(&theirs, &header, frame) != 0))
                                g_error("%s: frame %u is %smatched here", filters[i], k,
                                                matches ? "" : "not ");
                        n += matches;
                }
                g_test_message("%s: %u of %u", filters[i], n, FRAMES);
                pcap_freecode(&theirs);
        }
        pcap_close(pcap);
}

static const struct {
        const char *filter, *message;
} refusals[] = {
                {"udp prt 5000", "syntax error"},
                {"host 10.0.0.256", "invalid IPv4 address"},
                {"port 65536", "illegal port number"},
                {"host nowhere.invalid", "unknown host 'nowhere.invalid'"},
                {"inbound", "reads what only a live capture knows of a frame"},
                {"ip broadcast", "netmask not known"},
                {"ip6 protochain 17", "jumps back"},
                {"\x1b[31m", "syntax error"},
                {"'; reboot; '", ""},
                {"((((((((((((((((((((((((((((((((", "syntax error"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *program = NULL, *message = NULL;

                g_assert_cmpint(compile(refusals[i].filter, &program, &message), ==, 2);
                g_assert_cmpstr(program, ==, "");
                g_assert_cmpstr(message, !=, "");
                g_assert_true(g_utf8_validate(message, -1, NULL));
                g_assert_null(strpbrk(message, "\n\x1b"));
                if (!strstr(message, refusals[i].message))
                        g_error("%s: '%s' lacks '%s'", refusals[i].filter, message, refusals[i].message);
        }
}

static void test_long(void)
{
        g_autofree char *program = NULL, *message = NULL, *other_program = NULL, *other_message = NULL;
        g_autoptr(GString) text = g_string_new("udp");

        /* It is not too long as text, but as a program. */
        for (unsigned i = 0; text->len + 20 < PACKET_FILTER_SOURCE_MAX; i++)
                g_string_append_printf(text, "||ether[%u]=%u", i, i % 7);
        g_assert_cmpint(compile(text->str, &program, &message), !=, 1);
        g_test_message("%s", message);

        while (text->len <= PACKET_FILTER_SOURCE_MAX)
                g_string_append_c(text, ' ');
        g_assert_cmpint(compile(text->str, &other_program, &other_message), ==, 2);
        g_assert_cmpstr(other_message, ==, "it is longer than 4096 bytes");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/filter/matches-what-libpcap-matches", test_same);
        g_test_add_func("/filter/refuses-with-the-words-of-libpcap", test_refusals);
        g_test_add_func("/filter/has-limits", test_long);
        return g_test_run();
}
