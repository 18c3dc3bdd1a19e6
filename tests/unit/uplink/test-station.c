/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who calls a guest by the station hears the truth: what the guest answers, and nothing as long as it does
 * not; and what the guest sends beside that changes nothing. */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uplink/station.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

typedef struct Fixture {
        Station *station;
        int caller;
        GPtrArray *frames; /* GByteArray: what the guest was sent */
        guint seen;
} Fixture;

static const uint8_t guest_mac[ETH_ALEN] = {0x52, 0x54, 0, 1, 2, 3},
                     station_mac[ETH_ALEN] = {0x9a, 0x55, 0x9a, 0x55, 0x9a, 0x04};
static const uint8_t guest_ip[] = {10, 0, 2, 15}, station_ip[] = {10, 0, 2, 4};

static void on_frame(void *userdata, const uint8_t *frame, size_t size)
{
        Fixture *f = userdata;
        GByteArray *one = g_byte_array_new();

        g_byte_array_append(one, frame, (guint) size);
        g_ptr_array_add(f->frames, one);
}

static void frame_destroy(gpointer data)
{
        g_byte_array_unref(data);
}

static void step(Fixture *f)
{
        struct pollfd polls[STATION_POLLS_MAX];
        unsigned n = station_poll(f->station, polls);

        (void) poll(polls, n, 0);
        station_handle(f->station, polls, n);
}

static void setup(Fixture *f, gconstpointer data)
{
        const char *words = data;
        int ends[2];

        f->frames = g_ptr_array_new_with_free_func(frame_destroy);
        f->seen = 0;
        f->station = station_new(-EBADF, 0, on_frame, f);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
        f->caller = ends[0];
        station_add(f->station, ends[1]);
        g_assert_cmpint((int) send(f->caller, words, strlen(words), 0), ==, (int) strlen(words));
        step(f);
}

static void teardown(Fixture *f, gconstpointer data)
{
        (void) data;
        (void) close(f->caller);
        station_free(f->station);
        g_ptr_array_unref(f->frames);
}

/* The next one that it was sent. */
static const uint8_t *next_frame(Fixture *f)
{
        g_assert_cmpuint(f->seen, <, f->frames->len);
        return ((const GByteArray *) f->frames->pdata[f->seen++])->data;
}

/* What the caller has been told: a byte, 'w' for nothing yet, 'c' for the end. */
static int told(const Fixture *f)
{
        uint8_t byte;
        ssize_t n = recv(f->caller, &byte, 1, MSG_DONTWAIT);

        return n > 0 ? byte : n == 0 ? 'c' : 'w';
}

static void put32(uint8_t *at, uint32_t value)
{
        value = htonl(value);
        memcpy(at, &value, sizeof value);
}

static uint32_t get32(const uint8_t *at)
{
        uint32_t value;

        memcpy(&value, at, sizeof value);
        return ntohl(value);
}

static bool guest_says_arp(Fixture *f, uint8_t operation, const uint8_t *target)
{
        uint8_t frame[42] = {[12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = operation};

        memcpy(frame, operation == 1 ? "\xff\xff\xff\xff\xff\xff" : (const char *) station_mac, 6);
        memcpy(frame + 22, guest_mac, 6);
        memcpy(frame + 28, guest_ip, 4);
        memcpy(frame + 38, target, 4);
        return station_take(f->station, frame, sizeof frame);
}

typedef struct Says {
        uint16_t from, to;
        uint32_t sequence, acknowledged;
        uint8_t flags;
        const char *data;
} Says;

static bool guest_says_ip(Fixture *f, uint8_t protocol, const uint8_t *data, size_t size)
{
        uint8_t frame[1514] = {[12] = 8, [14] = 0x45, [22] = 64, [23] = protocol};

        memcpy(frame, station_mac, 6);
        memcpy(frame + 6, guest_mac, 6);
        frame[16] = (uint8_t) ((20 + size) >> 8);
        frame[17] = (uint8_t) (20 + size);
        memcpy(frame + 26, guest_ip, 4);
        memcpy(frame + 30, station_ip, 4);
        memcpy(frame + 34, data, size);
        return station_take(f->station, frame, 34 + size);
}

static bool guest_says(Fixture *f, const Says *says)
{
        size_t size = says->data ? strlen(says->data) : 0;
        uint8_t tcp[1000] = {[0] = (uint8_t) (says->from >> 8),
                        [1] = (uint8_t) says->from,
                        [2] = (uint8_t) (says->to >> 8),
                        [3] = (uint8_t) says->to,
                        [12] = 0x50,
                        [13] = says->flags};

        put32(tcp + 4, says->sequence);
        put32(tcp + 8, says->acknowledged);
        memcpy(tcp + 20, says->data ?: "", size);
        return guest_says_ip(f, IPPROTO_TCP, tcp, 20 + size);
}

/* A segment that the guest was sent. */
static Says read_segment(const uint8_t *frame)
{
        const uint8_t *tcp = frame + 34;

        g_assert_cmpint(memcmp(frame, guest_mac, 6), ==, 0);
        g_assert_cmpint(memcmp(frame + 26, station_ip, 4), ==, 0);
        g_assert_cmpint(memcmp(frame + 30, guest_ip, 4), ==, 0);
        g_assert_cmpint(frame[23], ==, IPPROTO_TCP);
        return (Says){.from = (uint16_t) (tcp[0] << 8 | tcp[1]),
                        .to = (uint16_t) (tcp[2] << 8 | tcp[3]),
                        .sequence = get32(tcp + 4),
                        .acknowledged = get32(tcp + 8),
                        .flags = tcp[13],
                        .data = (const char *) tcp + (tcp[12] >> 4) * 4};
}

/* From the question where the guest is to the first segment. */
static Says reach_syn(Fixture *f)
{
        const uint8_t *arp = next_frame(f);

        g_assert_cmpint(arp[13], ==, 6);
        g_assert_cmpint(memcmp(arp + 38, guest_ip, 4), ==, 0);
        g_assert_true(guest_says_arp(f, 2, station_ip));
        return read_segment(next_frame(f));
}

static Says reach_open(Fixture *f)
{
        Says syn = reach_syn(f);

        g_assert_cmpint(syn.flags, ==, SYN);
        g_assert_cmpint(syn.to, ==, 80);
        g_assert_cmpint(told(f), ==, 'w');
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1000,
                                                    .acknowledged = syn.sequence + 1,
                                                    .flags = SYN | ACK}));
        g_assert_cmpint(told(f), ==, 0);
        g_assert_cmpint(read_segment(next_frame(f)).flags, ==, ACK);
        return syn;
}

static void test_refused(Fixture *f, gconstpointer data)
{
        Says syn = reach_syn(f);

        (void) data;
        /* Not of this call. */
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .acknowledged = syn.sequence,
                                                    .flags = RST | ACK}));
        g_assert_true(guest_says(f, &(Says){.from = 81,
                                                    .to = syn.from,
                                                    .acknowledged = syn.sequence + 1,
                                                    .flags = RST | ACK}));
        g_assert_cmpint(told(f), ==, 'w');
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .acknowledged = syn.sequence + 1,
                                                    .flags = RST | ACK}));
        g_assert_cmpint(told(f), ==, ECONNREFUSED);
        g_assert_cmpint(told(f), ==, 'c');
}

static void test_silent(Fixture *f, gconstpointer data)
{
        (void) data;
        (void) reach_syn(f);
        g_usleep(250 * 1000);
        step(f);
        g_assert_cmpint(read_segment(next_frame(f)).flags, ==, SYN);
        g_assert_cmpint(told(f), ==, 'w');
}

static void test_talk(Fixture *f, gconstpointer data)
{
        Says syn = reach_open(f), said;
        uint32_t sequence = syn.sequence + 1;
        char answer[8] = "";

        (void) data;
        g_assert_cmpint((int) send(f->caller, "GET", 3, 0), ==, 3);
        step(f);
        said = read_segment(next_frame(f));
        g_assert_cmpint(memcmp(said.data, "GET", 3), ==, 0);
        g_assert_cmpuint(said.sequence, ==, sequence);
        /* Lost, so it comes again. */
        g_usleep(250 * 1000);
        step(f);
        g_assert_cmpuint(read_segment(next_frame(f)).sequence, ==, sequence);

        /* Out of order, then in order, then twice. */
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1003,
                                                    .acknowledged = sequence + 3,
                                                    .flags = ACK,
                                                    .data = "de"}));
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1001,
                                                    .acknowledged = sequence + 3,
                                                    .flags = ACK,
                                                    .data = "abc"}));
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1001,
                                                    .acknowledged = sequence + 3,
                                                    .flags = ACK,
                                                    .data = "abc"}));
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1004,
                                                    .acknowledged = sequence + 3,
                                                    .flags = ACK | FIN,
                                                    .data = "d"}));
        g_assert_cmpint((int) recv(f->caller, answer, sizeof answer, 0), ==, 4);
        g_assert_cmpstr(answer, ==, "abcd");
        g_assert_cmpint(told(f), ==, 'c');

        /* The end is acknowledged, and so is ours. */
        f->seen = f->frames->len - 2;
        g_assert_cmpuint(read_segment(next_frame(f)).acknowledged, ==, 1006);
        said = read_segment(next_frame(f));
        g_assert_cmpint(said.flags, ==, FIN | ACK);
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1006,
                                                    .acknowledged = said.sequence + 1,
                                                    .flags = ACK}));
        step(f);
        g_assert_cmpuint(f->seen, ==, f->frames->len);
        g_assert_cmpint(station_due(f->station) == INT64_MAX, ==, true);
}

static void test_close(Fixture *f, gconstpointer data)
{
        Says syn = reach_open(f), fin;

        (void) data;
        (void) shutdown(f->caller, SHUT_RDWR);
        step(f);
        fin = read_segment(next_frame(f));
        g_assert_cmpint(fin.flags, ==, FIN | ACK);
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1001,
                                                    .acknowledged = fin.sequence + 1,
                                                    .flags = FIN | ACK}));
        g_assert_cmpint(read_segment(next_frame(f)).flags, ==, ACK);
        step(f);
        /* Of what is over nothing is known. */
        g_assert_true(guest_says(f, &(Says){.from = 80,
                                                    .to = syn.from,
                                                    .sequence = 1002,
                                                    .acknowledged = fin.sequence + 1,
                                                    .flags = ACK}));
        g_assert_cmpint(read_segment(next_frame(f)).flags, ==, RST);
}

static void test_ping(Fixture *f, gconstpointer data)
{
        const uint8_t *echo;
        uint8_t reply[8];

        (void) data;
        (void) next_frame(f);
        g_assert_true(guest_says_arp(f, 2, station_ip));
        echo = next_frame(f) + 34;
        g_assert_cmpint(echo[0], ==, 8);
        memcpy(reply, echo, sizeof reply);
        reply[0] = 0;
        reply[7] ^= 1;
        g_assert_true(guest_says_ip(f, IPPROTO_ICMP, reply, sizeof reply));
        g_assert_cmpint(told(f), ==, 'w');
        reply[7] ^= 1;
        g_assert_true(guest_says_ip(f, IPPROTO_ICMP, reply, sizeof reply));
        g_assert_cmpint(told(f), ==, 0);
        g_assert_cmpint(told(f), ==, 'c');
}

static void test_nonsense(Fixture *f, gconstpointer data)
{
        (void) data;
        g_assert_cmpint(told(f), ==, 'c');
        g_assert_cmpuint(f->frames->len, ==, 0);
}

/* What is not for the station goes on to passt, and what the guest says to it changes nothing. */
static void test_others(Fixture *f, gconstpointer data)
{
        static const uint8_t router[] = {10, 0, 2, 2};
        g_autoptr(GRand) rand = g_rand_new_with_seed(1);
        uint8_t frame[128];

        (void) data;
        (void) next_frame(f);
        g_assert_false(guest_says_arp(f, 1, router));
        (void) next_frame(f); /* it was learned all the same */
        g_assert_true(guest_says_arp(f, 1, station_ip));
        g_assert_cmpint(next_frame(f)[21], ==, 2);
        for (unsigned i = 0; i < 100000; i++) {
                size_t size = (size_t) g_rand_int_range(rand, 0, sizeof frame);

                for (size_t j = 0; j < size; j++)
                        frame[j] = (uint8_t) g_rand_int(rand);
                if (size >= 34) {
                        memcpy(frame, station_mac, 6);
                        frame[12] = 8;
                        frame[13] = i % 4 ? 0 : 6;
                        frame[14] = 0x45;
                        frame[16] = frame[20] = frame[21] = 0;
                        frame[17] = (uint8_t) (size - 14);
                        frame[23] = i % 2 ? IPPROTO_TCP : IPPROTO_ICMP;
                        memcpy(frame + 26, guest_ip, 4);
                        memcpy(frame + 30, station_ip, 4);
                }
                (void) station_take(f->station, frame, size);
        }
        g_assert_cmpint(told(f), ==, 'w');
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/uplink/station/tells-of-a-port-that-is-closed", Fixture, "tcp 80\n", setup,
                        test_refused, teardown);
        g_test_add("/uplink/station/asks-a-silent-guest-again", Fixture, "tcp 80\n", setup, test_silent,
                        teardown);
        g_test_add("/uplink/station/carries-what-is-said", Fixture, "tcp 80\n", setup, test_talk, teardown);
        g_test_add("/uplink/station/closes-a-connection", Fixture, "tcp 80\n", setup, test_close, teardown);
        g_test_add("/uplink/station/pings", Fixture, "ping\n", setup, test_ping, teardown);
        g_test_add("/uplink/station/closes-what-makes-no-sense", Fixture, "tcp 0\n", setup, test_nonsense,
                        teardown);
        g_test_add("/uplink/station/believes-nothing-else", Fixture, "tcp 80\n", setup, test_others,
                        teardown);
        return g_test_run();
}
