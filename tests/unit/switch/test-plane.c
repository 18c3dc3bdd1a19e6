/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A packet goes where it is to go, when it is to be there, and nowhere else; two runs with one seed have the
 * same fates. */

#include <glib.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "link/frame.h"
#include "switch/plane.h"
#include "switch/protocol.h"

#define MS      UINT64_C(1000000)
#define BEGIN   (UINT64_C(1000) * 1000 * MS)
#define HOST(n) (UINT32_C(0x0a000000) + (n))
#define OUTER   HOST(200)

typedef struct Fixture {
        Plane *plane;
        PlanePort *ports[4]; /* a to d, with the addresses 10.0.0.10 to 13 */
} Fixture;

static AntispoofFilter *filter_of(const char *name, unsigned index, bool any)
{
        g_autofree char *text = any ? g_strdup_printf("%s 52:54:00:00:00:%02x any any service", name, index)
                                    : g_strdup_printf("%s 52:54:00:00:00:%02x 10.0.0.%u fd00::%x service",
                                                      name, index, 10 + index, 10 + index);
        AntispoofFilter *filter = NULL;

        g_assert_cmpint(antispoof_filter_parse(text, &filter, NULL), ==, 0);
        return filter;
}

static void set_rules(Fixture *fixture, const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Rules *rules = NULL;

        (void) rules_parse(text, strlen(text), &rules, NULL, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        plane_set_rules(fixture->plane, rules);
}

static void fixture_set_up(Fixture *fixture, gconstpointer rules)
{
        static const char *const names[] = {"a", "b", "c", "d"};

        fixture->plane = plane_new();
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(AntispoofFilter) filter = filter_of(names[i], i, false);
                g_autofree char *interface = g_strdup_printf("shru%u", i);

                g_assert_cmpint(plane_add_port(fixture->plane, interface, filter, &fixture->ports[i]), ==,
                                0);
        }
        if (rules)
                set_rules(fixture, rules);
}

static void fixture_tear_down(Fixture *fixture, gconstpointer rules)
{
        plane_free(fixture->plane);
}

/* UDP of IPv4, behind an empty header of virtio. */
static size_t make_packet(uint8_t *packet, const uint8_t *from_mac, const uint8_t *to_mac, uint32_t from,
                uint16_t from_port, uint32_t to, uint16_t to_port, uint32_t mark)
{
        uint8_t *frame = packet + PLANE_HEADER_SIZE, *ip = frame + FRAME_HEADER_SIZE, *udp = ip + 20;

        memset(packet, 0, PLANE_HEADER_SIZE + 64);
        /* memcpy() from these makes gcc 14 warn with -fsanitize=address. */
        for (size_t i = 0; i < FRAME_MAC_SIZE; i++) {
                frame[i] = to_mac[i];
                frame[FRAME_MAC_SIZE + i] = from_mac[i];
        }
        frame_put16(frame + 12, FRAME_TYPE_IPV4);
        ip[0] = 0x45;
        frame_put16(ip + 2, 20 + 8 + 4);
        ip[8] = 64;
        ip[9] = 17;
        frame_put32(ip + 12, from);
        frame_put32(ip + 16, to);
        frame_put16(ip + 10, frame_checksum(ip, 20, 0));
        frame_put16(udp, from_port);
        frame_put16(udp + 2, to_port);
        frame_put16(udp + 4, 12);
        frame_put32(udp + 8, mark);
        return PLANE_HEADER_SIZE + FRAME_HEADER_SIZE + 20 + 12;
}

static void send_between(Fixture *fixture, unsigned from, unsigned to, uint32_t mark, uint64_t now)
{
        uint8_t packet[PLANE_HEADER_SIZE + 64];
        size_t size = make_packet(packet, fixture->ports[from]->addresses.mac,
                        fixture->ports[to]->addresses.mac, HOST(10 + from), 5000, HOST(10 + to), 6000, mark);

        plane_send(fixture->plane, fixture->ports[from], packet, size, now);
}

/* "b:7 c:8": who gets which marks by then. */
static char *arrivals(Fixture *fixture, uint64_t now)
{
        g_autoptr(GString) text = g_string_new(NULL);
        PlanePassage passage;

        while (plane_take(fixture->plane, now, &passage)) {
                g_string_append_printf(text, "%s%s:%u", text->len > 0 ? " " : "", passage.port->unikernel,
                                frame_get32(passage.packet->data + PLANE_HEADER_SIZE + 42));
                plane_passed(fixture->plane, &passage, true, now);
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void expect_arrivals(Fixture *fixture, uint64_t now, const char *expected)
{
        g_autofree char *text = arrivals(fixture, now);

        g_assert_cmpstr(text, ==, expected);
}

static void test_delay(Fixture *fixture, gconstpointer rules)
{
        send_between(fixture, 0, 1, 1, BEGIN);
        send_between(fixture, 1, 0, 2, BEGIN);
        g_assert_cmpuint(plane_next(fixture->plane), ==, BEGIN);
        expect_arrivals(fixture, BEGIN, "a:2");
        expect_arrivals(fixture, BEGIN + 50 * MS - 1, "");
        expect_arrivals(fixture, BEGIN + 50 * MS, "b:1");
        g_assert_cmpuint(plane_next(fixture->plane), ==, FLIGHT_NONE);
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_DELIVERED), ==, 2);
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_LATE), ==, 0);
        send_between(fixture, 0, 1, 1, BEGIN + 100 * MS);
        expect_arrivals(fixture, BEGIN + 200 * MS, "b:1");
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_LATE), ==, 1);
}

static void test_new_rules(Fixture *fixture, gconstpointer rules)
{
        send_between(fixture, 0, 1, 1, BEGIN);
        set_rules(fixture, "link * * blocked\n");
        send_between(fixture, 0, 1, 2, BEGIN);
        expect_arrivals(fixture, BEGIN + 50 * MS, "b:1");
        set_rules(fixture, "");
        send_between(fixture, 0, 1, 3, BEGIN + 60 * MS);
        expect_arrivals(fixture, BEGIN + 60 * MS, "b:3");
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_BLOCKED), ==, 1);
}

static void on_link_seen(void *userdata, const char *from, const char *to, const uint8_t *packet,
                size_t size, bool entered, uint64_t nsec)
{
        g_assert_cmpuint(size, >, PLANE_HEADER_SIZE);
        g_string_append_printf(userdata, "%s>%s %s %" G_GUINT64_FORMAT "\n", from, to,
                        entered ? "enters" : "leaves", (nsec - BEGIN) / MS);
}

/* What is lost on a link is seen to enter it, and what nobody asks for is not seen. */
static void test_link_seen(Fixture *fixture, gconstpointer rules)
{
        g_autoptr(GString) seen = g_string_new(NULL);

        plane_set_link_seen(fixture->plane, on_link_seen, seen);
        send_between(fixture, 0, 1, 1, BEGIN);
        expect_arrivals(fixture, BEGIN + 51 * MS, "b:1");
        set_rules(fixture, "shape all loss=100%\nlink * * all\n");
        send_between(fixture, 1, 0, 2, BEGIN + 60 * MS);
        expect_arrivals(fixture, BEGIN + 200 * MS, "");
        g_assert_cmpstr(seen->str, ==, "a>b enters 0\na>b leaves 51\nb>a enters 60\n");
        plane_set_link_seen(fixture->plane, NULL, NULL);
        send_between(fixture, 1, 0, 3, BEGIN + 300 * MS);
        g_assert_cmpstr(seen->str, ==, "a>b enters 0\na>b leaves 51\nb>a enters 60\n");
}

static void test_to_all(Fixture *fixture, gconstpointer rules)
{
        static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        uint8_t packet[PLANE_HEADER_SIZE + 64];
        size_t size = make_packet(
                        packet, fixture->ports[0]->addresses.mac, all, HOST(10), 5000, UINT32_MAX, 6000, 9);
        g_autoptr(GString) text = g_string_new(NULL);
        uint32_t from = 0;

        plane_send(fixture->plane, fixture->ports[0], packet, size, BEGIN);
        expect_arrivals(fixture, BEGIN, "b:9 d:9");
        while (plane_append_counters(fixture->plane, &from, text))
                ;
        g_assert_cmpstr(text->str, ==,
                        SWITCH_COUNTERS_HEAD "\na,b,1,46,1,0,0,0,0,0,0,0\na,d,1,46,1,0,0,0,0,0,0,0\n"
                                             "a,*,1,46,0,0,0,0,0,0,0,0\n");
}

static void test_gone(Fixture *fixture, gconstpointer rules)
{
        g_autoptr(AntispoofFilter) filter = filter_of("b", 1, false);

        send_between(fixture, 0, 1, 1, BEGIN);
        plane_remove_port(fixture->plane, fixture->ports[1]);
        expect_arrivals(fixture, BEGIN + 50 * MS, "");
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_RECEIVER), ==, 1);
        g_assert_cmpint(plane_add_port(fixture->plane, "shru9", filter, &fixture->ports[1]), ==, 0);
        g_assert_cmpint(plane_add_port(fixture->plane, "shru8", filter, &fixture->ports[2]), ==, -EEXIST);
        send_between(fixture, 0, 1, 2, BEGIN + 60 * MS);
        expect_arrivals(fixture, BEGIN + 200 * MS, "b:2");
}

/* Byte for byte, whatever the times and the other links. */
static void test_same_fates(void)
{
        static const char rules[] = "seed 7\nshape s loss=20% corrupt=10% duplicate=10%\nlink * * s\n";
        char *texts[2] = {};

        for (unsigned run = 0; run < G_N_ELEMENTS(texts); run++) {
                Fixture fixture;
                g_autoptr(GString) text = g_string_new(NULL);
                PlanePassage passage;

                fixture_set_up(&fixture, rules);
                for (uint32_t i = 0; i < 1000; i++) {
                        uint64_t now = BEGIN + i * (run + 1) * 777;

                        send_between(&fixture, 0, 1, i, now);
                        if (run > 0)
                                send_between(&fixture, 2, 1, i, now);
                        while (plane_take(fixture.plane, now, &passage)) {
                                if (passage.packet->from == fixture.ports[0]->member) {
                                        for (uint32_t j = 0; j < passage.packet->size; j++)
                                                g_string_append_printf(
                                                                text, "%02x", passage.packet->data[j]);
                                        g_string_append_c(text, '\n');
                                }
                                plane_passed(fixture.plane, &passage, true, now);
                        }
                }
                texts[run] = g_strdup(text->str);
                fixture_tear_down(&fixture, NULL);
        }
        g_assert_cmpuint(strlen(texts[0]), >, 1000 * 100);
        g_assert_cmpstr(texts[0], ==, texts[1]);
        g_free(texts[0]);
        g_free(texts[1]);
}

/* One bit is turned, and the checksum of before stands: who looks sees it. */
static void test_corruption(Fixture *fixture, gconstpointer rules)
{
        uint8_t packet[PLANE_HEADER_SIZE + 64], *frame = packet + PLANE_HEADER_SIZE;
        struct virtio_net_hdr header = {
                        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
        size_t size = make_packet(packet, fixture->ports[0]->addresses.mac, fixture->ports[1]->addresses.mac,
                        HOST(10), 5000, HOST(11), 6000, 1);
        uint8_t whole[sizeof packet];
        PlanePassage passage;
        unsigned bits = 0;

        memcpy(packet, &header, sizeof header);
        memcpy(whole, packet, sizeof packet);
        g_assert_true(frame_complete_checksum(whole + PLANE_HEADER_SIZE, size - PLANE_HEADER_SIZE, 34, 6));
        plane_send(fixture->plane, fixture->ports[0], packet, size, BEGIN);
        g_assert_true(plane_take(fixture->plane, BEGIN, &passage));
        memcpy(&header, passage.packet->data, sizeof header);
        g_assert_cmpuint(header.flags, ==, 0);
        for (size_t i = PLANE_HEADER_SIZE; i < size; i++)
                bits += (unsigned) __builtin_popcount((unsigned) (passage.packet->data[i] ^ whole[i]));
        g_assert_cmpuint(bits, ==, 1);
        g_assert_cmpmem(passage.packet->data + PLANE_HEADER_SIZE, 14, frame, 14);
        plane_passed(fixture->plane, &passage, true, BEGIN);
}

/* What a box lets in is decided when the packet arrives, not when it was sent. */
static void test_box_decides_at_arrival(Fixture *fixture, gconstpointer rules)
{
        static const uint8_t box_mac[6] = {2, 0, 10, 0, 0, 200};
        uint8_t packet[PLANE_HEADER_SIZE + 64];
        size_t size;

        /* a speaks with d, so it has the port 5000 outside, and then c knocks: too early. */
        send_between(fixture, 0, 3, 1, BEGIN);
        expect_arrivals(fixture, BEGIN, "d:1");
        size = make_packet(
                        packet, fixture->ports[2]->addresses.mac, box_mac, HOST(12), 6000, OUTER, 5000, 2);
        plane_send(fixture->plane, fixture->ports[2], packet, size, BEGIN);
        expect_arrivals(fixture, BEGIN + 50 * MS, "");
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_NAT), ==, 1);

        /* a speaks to c while the knock is under way. */
        size = make_packet(
                        packet, fixture->ports[2]->addresses.mac, box_mac, HOST(12), 6000, OUTER, 5000, 3);
        plane_send(fixture->plane, fixture->ports[2], packet, size, BEGIN + 60 * MS);
        send_between(fixture, 0, 2, 4, BEGIN + 80 * MS);
        expect_arrivals(fixture, BEGIN + 110 * MS, "c:4 a:3");
}

static void test_inside_is_unreachable(Fixture *fixture, gconstpointer rules)
{
        send_between(fixture, 2, 0, 1, BEGIN);
        expect_arrivals(fixture, BEGIN + 1000 * MS, "");
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_NAT), ==, 1);
        /* Those behind one box reach each other. */
        send_between(fixture, 0, 1, 2, BEGIN);
        expect_arrivals(fixture, BEGIN, "b:2");
}

typedef struct ForgedCase {
        const char *what;
        size_t offset; /* in the frame */
        uint8_t value;
} ForgedCase;

static void test_forged(Fixture *fixture, gconstpointer rules)
{
        static const ForgedCase cases[] = {
                        {"MAC address", 11, 9}, {"type", 12, 0x81}, {"version", 14, 0x65},
                        {"header's length", 14, 0x41}, {"packet's length", 17, 3}, {"IPv4 address", 29, 99},
                        {"server of DHCP", 35, 67}, /* 5000 is 0x1388: the port is 0x1343 then */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint8_t packet[PLANE_HEADER_SIZE + 64];
                size_t size = make_packet(packet, fixture->ports[0]->addresses.mac,
                                fixture->ports[1]->addresses.mac, HOST(10), 5000, HOST(11), 6000, 1);

                packet[PLANE_HEADER_SIZE + cases[i].offset] = cases[i].value;
                if (cases[i].offset == 35)
                        packet[PLANE_HEADER_SIZE + 34] = 0;
                plane_send(fixture->plane, fixture->ports[0], packet, size, BEGIN);
                if (plane_total(fixture->plane, PLANE_SOURCE) != i + 1)
                        g_error("%s is let through", cases[i].what);
        }
        expect_arrivals(fixture, BEGIN, "");
}

/* Frames of any length end where they end. */
static void test_short(Fixture *fixture, gconstpointer rules)
{
        uint8_t packet[PLANE_HEADER_SIZE + 64];
        size_t size = make_packet(packet, fixture->ports[0]->addresses.mac, fixture->ports[1]->addresses.mac,
                        HOST(10), 5000, HOST(11), 6000, 1);

        for (size_t n = 0; n < size; n++) {
                g_autofree uint8_t *cut = g_memdup2(packet, n);

                plane_send(fixture->plane, fixture->ports[0], cut, n, BEGIN);
        }
        g_assert_cmpuint(plane_total(fixture->plane, PLANE_SOURCE), >, PLANE_HEADER_SIZE);
}

/* A guest whose address nobody knows is asked itself, and heard. */
static void test_any_address(Fixture *fixture, gconstpointer rules)
{
        g_autoptr(AntispoofFilter) filter = filter_of("free", 77, true);
        uint8_t packet[PLANE_HEADER_SIZE + 64] = {}, *frame = packet + PLANE_HEADER_SIZE, *arp = frame + 14;
        PlanePort *port;
        PlanePassage passage;

        g_assert_cmpint(plane_add_port(fixture->plane, "shru77", filter, &port), ==, 0);
        memset(frame, 0xff, 6);
        memcpy(frame + 6, fixture->ports[0]->addresses.mac, 6);
        frame_put16(frame + 12, FRAME_TYPE_ARP);
        frame_put32(arp, 0x00010800);
        frame_put32(arp + 4, 0x06040001);
        memcpy(arp + 8, fixture->ports[0]->addresses.mac, 6);
        frame_put32(arp + 14, HOST(10));
        frame_put32(arp + 24, HOST(123));
        plane_send(fixture->plane, fixture->ports[0], packet, PLANE_HEADER_SIZE + 42, BEGIN);
        g_assert_true(plane_take(fixture->plane, BEGIN, &passage));
        g_assert_true(passage.port == port);
        plane_passed(fixture->plane, &passage, true, BEGIN);
        g_assert_false(plane_take(fixture->plane, BEGIN, &passage));

        memcpy(frame, fixture->ports[0]->addresses.mac, 6);
        memcpy(frame + 6, port->addresses.mac, 6);
        frame_put16(arp + 6, 2);
        memcpy(arp + 8, port->addresses.mac, 6);
        frame_put32(arp + 14, HOST(123));
        plane_send(fixture->plane, port, packet, PLANE_HEADER_SIZE + 42, BEGIN);
        g_assert_true(plane_take(fixture->plane, BEGIN, &passage));
        g_assert_true(passage.port == fixture->ports[0]);
        plane_passed(fixture->plane, &passage, true, BEGIN);
}

static void test_summary(Fixture *fixture, gconstpointer rules)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;

        plane_append_summary(fixture->plane, text);
        g_strchomp(text->str);
        lines = g_strsplit(text->str, "\n", -1);
        for (char **line = lines; *line; line++) {
                *strchr(*line, '=') = '\0';
                if (!g_strv_contains(switch_summary_keys, *line))
                        g_error("%s is no key of a summary", *line);
        }
}

int main(int argc, char *argv[])
{
        static const char delay[] = "shape slow latency=50ms\nmember a x\nlink x * slow\n";
        static const char some[] = "pair a c blocked\n";
        static const char corrupt[] = "shape bad corrupt=100%\nlink * * bad\n";
        static const char box[] =
                        "nat home 10.0.0.200 filtering=address-dependent\nbehind a home\nbehind b home\n"
                        "shape slow latency=50ms\npair c a slow\n";

        g_test_init(&argc, &argv, NULL);
#define ADD(path, rules, function)                                                                          \
        g_test_add("/switch/plane/" path, Fixture, rules, fixture_set_up, function, fixture_tear_down)
        ADD("a-packet-arrives-when-it-is-due", delay, test_delay);
        ADD("what-is-under-way-stays-so-with-new-rules", delay, test_new_rules);
        ADD("what-enters-and-leaves-a-link-is-seen", delay, test_link_seen);
        ADD("what-is-for-all-goes-to-those-that-are-not-blocked", some, test_to_all);
        ADD("a-port-may-go-while-a-packet-is-under-way", delay, test_gone);
        ADD("corruption-turns-one-bit", corrupt, test_corruption);
        ADD("a-box-decides-when-a-packet-arrives", box, test_box_decides_at_arrival);
        ADD("nobody-reaches-the-inside-of-a-box", box, test_inside_is_unreachable);
        ADD("what-is-forged-does-not-pass", NULL, test_forged);
        ADD("what-is-cut-short-does-not-pass", NULL, test_short);
        ADD("one-with-any-address-is-asked-itself", NULL, test_any_address);
        ADD("the-summary-has-keys-that-are-documented", NULL, test_summary);
#undef ADD
        g_test_add_func("/switch/plane/two-runs-have-the-same-fates", test_same_fates);
        return g_test_run();
}
