/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A filter of a capture that is accepted ends, and looks at nothing but its frame; what would not is refused
 * by the number of the instruction. */

#include <glib.h>
#include <string.h>

#include "link/packet-filter.h"

/* udp port 5000, as tcpdump -ddd prints it. */
#define UDP_PORT                                                                                            \
        "20,40:0:0:12,21:0:6:34525,48:0:0:20,21:0:15:17,40:0:0:54,21:12:0:5000,40:0:0:56,21:10:11:5000,"    \
        "21:0:10:2048,48:0:0:23,21:0:8:17,40:0:0:20,69:6:0:8191,177:0:0:14,72:0:0:14,21:2:0:5000,"          \
        "72:0:0:16,21:0:1:5000,6:0:0:262144,6:0:0:0"

static PacketFilter *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        PacketFilter *filter = NULL;

        (void) packet_filter_parse(text, &filter, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return filter;
}

static void test_format(void)
{
        g_autoptr(PacketFilter) filter = parse("2,40:0:0:12,6:0:0:65535");
        g_autoptr(PacketFilter) ended = parse("1,6:0:0:65535,");
        g_autofree char *text = packet_filter_format(filter), *short_text = packet_filter_format(ended);

        g_assert_cmpstr(text, ==, "2,40:0:0:12,6:0:0:65535");
        g_assert_cmpstr(short_text, ==, "1,6:0:0:65535");
}

static void put_udp(uint8_t frame[static 60], uint16_t port)
{
        memset(frame, 0, 60);
        frame[12] = 0x08;
        frame[14] = 0x45;
        frame[23] = 17;
        frame[36] = (uint8_t) (port >> 8);
        frame[37] = (uint8_t) port;
}

static void test_match(void)
{
        g_autoptr(PacketFilter) filter = parse(UDP_PORT);
        uint8_t frame[60];

        put_udp(frame, 5000);
        g_assert_true(packet_filter_matches(filter, frame, sizeof frame));
        g_assert_false(packet_filter_matches(filter, frame, 36)); /* it ends before the port */
        frame[23] = 6;
        g_assert_false(packet_filter_matches(filter, frame, sizeof frame));
        put_udp(frame, 5001);
        g_assert_false(packet_filter_matches(filter, frame, sizeof frame));
}

/* One frame of four bytes: 1, 2, 3, 4. */
static const struct {
        const char *filter;
        bool matches;
} programs[] = {
                {"1,6:0:0:1", true}, {"1,6:0:0:0", false}, {"1,22:0:0:0", false}, /* A is 0 at first */
                {"4,32:0:0:0,21:0:1:16909060,6:0:0:1,6:0:0:0", true},             /* a word */
                {"2,32:0:0:1,6:0:0:1", false},                                    /* beyond its end */
                {"2,48:0:0:4,6:0:0:1", false},                                    /* … by one byte */
                {"2,48:0:0:3,6:0:0:1", true},                                     /* the last one */
                {"2,40:0:0:2147483647,6:0:0:1", false},                           /* far beyond */
                {"3,1:0:0:4294967295,80:0:0:4,6:0:0:1", false},                   /* the sum does not wrap */
                {"4,128:0:0:0,21:0:1:4,6:0:0:1,6:0:0:0", true},                   /* its length */
                {"5,177:0:0:2,135:0:0:0,21:0:1:12,6:0:0:1,6:0:0:0", true},        /* 4 * (3 & 15) */
                {"4,96:0:0:15,21:0:1:0,6:0:0:1,6:0:0:0", true},                   /* memory is 0 at first */
                {"7,0:0:0:7,2:0:0:15,0:0:0:0,96:0:0:15,21:0:1:7,6:0:0:1,6:0:0:0", true},
                {"7,1:0:0:7,3:0:0:0,1:0:0:0,97:0:0:0,135:0:0:0,22:0:0:0,6:0:0:0", true},
                {"3,0:0:0:7,60:0:0:0,6:0:0:1", false},                           /* by X, which is 0 */
                {"3,0:0:0:7,156:0:0:0,6:0:0:1", false},                          /* the rest, too */
                {"5,0:0:0:7,148:0:0:4,21:0:1:3,6:0:0:1,6:0:0:0", true},          /* 7 % 4 */
                {"5,0:0:0:7,164:0:0:4,21:0:1:3,6:0:0:1,6:0:0:0", true},          /* 7 ^ 4 */
                {"6,1:0:0:32,0:0:0:1,108:0:0:0,21:0:1:0,6:0:0:1,6:0:0:0", true}, /* all bits leave */
                {"5,0:0:0:1,132:0:0:0,21:0:1:4294967295,6:0:0:1,6:0:0:0", true}, /* -1 */
                {"6,0:0:0:9,7:0:0:0,0:0:0:0,12:0:0:0,22:0:0:0,6:0:0:0", true},   /* through X */
                {"3,5:0:0:1,6:0:0:0,6:0:0:1", true},                             /* jumps */
};

static void test_programs(void)
{
        static const uint8_t frame[] = {1, 2, 3, 4};

        for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
                g_autoptr(PacketFilter) filter = parse(programs[i].filter);
                /* In a block of its own, so that a sanitizer sees what is read beyond it. */
                g_autofree uint8_t *copy = g_memdup2(frame, sizeof frame);

                if (packet_filter_matches(filter, copy, sizeof frame) != programs[i].matches)
                        g_error("%s: expected %d", programs[i].filter, programs[i].matches);
        }
}

static const struct {
        const char *filter, *message;
} refusals[] = {
                {"", "no filter: it is COUNT,CODE:JT:JF:K"},
                {"udp", "no filter"},
                {"0", "no filter"},
                {"1025,", "more than 1024 instructions"},
                {"2,6:0:0:1", "says that it has 2 instructions, and has 1"},
                {"1,6:0:0:1,6:0:0:1", "says that it has 1 instructions, and has 2"},
                {"1,6:0:0", "instruction 0 of the filter, '6:0:0', is not CODE:JT:JF:K"},
                {"1,6:0:0:-1", "is not CODE:JT:JF:K"},
                {"1,6:256:0:1", "is not CODE:JT:JF:K"},
                {"1,6:0:0:4294967296", "is not CODE:JT:JF:K"},
                {"1,6:0:0:1:1", "is not CODE:JT:JF:K"},
                {"1,65535:0:0:1", "instruction 0 of the filter is none of the classic BPF"},
                {"2,36:0:0:1,6:0:0:1", ""}, /* a multiplication, which is one */
                {"2,180:0:0:1,6:0:0:1", "is none of the classic BPF"},
                {"2,85:0:0:0,6:0:0:1", "is none of the classic BPF"},
                {"2,2:0:0:16,6:0:0:1", "instruction 0 of the filter uses memory that there is not"},
                {"2,97:0:0:16,6:0:0:1", "uses memory"},
                {"2,40:0:0:4294963204,6:0:0:1", "reads what only a live capture knows"},
                {"2,52:0:0:0,6:0:0:1", "divides by 0"},
                {"2,148:0:0:0,6:0:0:1", "divides by 0"},
                {"2,100:0:0:32,6:0:0:1", "shifts by more bits"},
                {"2,6:0:0:1,5:0:0:4294967294", "instruction 1 of the filter jumps back"}, /* a loop */
                {"2,21:1:0:0,6:0:0:1", "instruction 0 of the filter jumps back, or beyond"},
                {"2,21:0:1:0,6:0:0:1", "instruction 0 of the filter jumps back, or beyond"},
                {"2,6:0:0:1,0:0:0:1", "instruction 1 of the filter is the last"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autoptr(PacketFilter) filter = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                int r = packet_filter_parse(refusals[i].filter, &filter, &error);

                if (!*refusals[i].message) {
                        g_assert_cmpint(r, ==, 0);
                        continue;
                }
                g_assert_cmpint(r, <, 0);
                g_assert_null(filter);
                g_assert_nonnull(error.message);
                if (!strstr(error.message, refusals[i].message))
                        g_error("%s: '%s' lacks '%s'", refusals[i].filter, error.message,
                                        refusals[i].message);
        }
}

/* Each instruction at its longest fits into what is said of its text. */
static void test_size(void)
{
        g_autoptr(GString) text = g_string_new("1024");
        g_autoptr(PacketFilter) filter = NULL;

        for (guint i = 0; i + 1 < PACKET_FILTER_MAX; i++)
                g_string_append(text, ",177:255:255:4294967295");
        g_string_append(text, ",6:0:0:0");
        g_assert_cmpuint(text->len, <, PACKET_FILTER_TEXT_MAX);
        filter = parse(text->str);
        g_assert_false(packet_filter_matches(filter, (const uint8_t *) "", 0));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/link/packet-filter/is-written-as-it-was-read", test_format);
        g_test_add_func("/link/packet-filter/keeps-what-matches", test_match);
        g_test_add_func("/link/packet-filter/runs-each-kind-of-instruction", test_programs);
        g_test_add_func("/link/packet-filter/refuses-what-cannot-run", test_refusals);
        g_test_add_func("/link/packet-filter/has-a-limit", test_size);
        return g_test_run();
}
