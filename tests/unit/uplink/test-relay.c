/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No frame of the stream is lost, doubled or cut, wherever its pieces end. */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uplink/relay.h"

typedef struct Taker {
        GString *frames; /* with ';' behind each */
        unsigned room;   /* for how many */
} Taker;

static bool take(void *userdata, const uint8_t *frame, size_t size)
{
        Taker *taker = userdata;

        if (taker->room == 0)
                return false;
        taker->room--;
        g_string_append_len(taker->frames, (const char *) frame, (gssize) size);
        g_string_append_c(taker->frames, ';');
        return true;
}

static const uint8_t stream[] = "\0\0\0\3abc\0\0\0\0\0\0\0\5defgh";
#define SIZE (sizeof stream - 1)

static void test_pieces(void)
{
        for (size_t piece = 1; piece <= SIZE; piece++) {
                Taker taker = {.frames = g_string_new(NULL), .room = UINT_MAX};
                uint8_t buffer[SIZE];
                size_t size = 0;

                for (size_t at = 0; at < SIZE; at += piece) {
                        size_t n = MIN(piece, SIZE - at);
                        ssize_t done;

                        memcpy(buffer + size, stream + at, n);
                        size += n;
                        done = relay_split(buffer, size, take, &taker);
                        g_assert_cmpint(done, >=, 0);
                        size -= (size_t) done;
                        memmove(buffer, buffer + done, size);
                }
                g_assert_cmpuint(size, ==, 0);
                g_assert_cmpstr(taker.frames->str, ==, "abc;;defgh;");
                g_string_free(taker.frames, TRUE);
        }
}

static void test_full(void)
{
        Taker taker = {.frames = g_string_new(NULL), .room = 1};

        g_assert_cmpint(relay_split(stream, SIZE, take, &taker), ==, 7);
        g_assert_cmpint(relay_split(stream + 7, SIZE - 7, take, &taker), ==, 0);
        taker.room = 2;
        g_assert_cmpint(relay_split(stream + 7, SIZE - 7, take, &taker), ==, SIZE - 7);
        g_assert_cmpstr(taker.frames->str, ==, "abc;;defgh;");
        g_string_free(taker.frames, TRUE);
}

static void test_malformed(void)
{
        static const uint8_t huge[] = {0, 1, 0, 0, 'x'};
        Taker taker = {.frames = g_string_new(NULL), .room = 1};

        g_assert_cmpint(relay_split(huge, sizeof huge, take, &taker), ==, -EBADMSG);
        g_string_free(taker.frames, TRUE);
}

/* While passt takes nothing, the guest gets rid of its frames all the same: they are lost, as on a wire. */
static void test_stuck(void)
{
        UplinkRequest request = {.unikernel = (char *) "no-such-unikernel", .device = (char *) "service"};
        uint8_t frame[1514] = {[12] = 8, [30] = 192};
        int frames[2], passt[2];
        uint32_t head;
        pid_t pid;

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, frames), ==, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, passt), ==, 0);
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                relay_run(&request, frames[0], passt[0], -EBADF);
                _exit(EXIT_SUCCESS);
        }

        for (unsigned i = 0; i < 5000; i++) {
                struct pollfd room = {.fd = frames[1], .events = POLLOUT};

                g_assert_cmpint(poll(&room, 1, 20 * 1000), ==, 1);
                g_assert_cmpint((int) send(frames[1], frame, sizeof frame, MSG_DONTWAIT), ==, sizeof frame);
        }
        /* What it took it has whole. */
        g_assert_cmpint((int) recv(passt[1], &head, sizeof head, MSG_WAITALL), ==, sizeof head);
        g_assert_cmpuint(ntohl(head), ==, sizeof frame);
        g_assert_cmpint((int) recv(passt[1], frame, sizeof frame, MSG_WAITALL), ==, sizeof frame);
        g_assert_cmpint((int) recv(passt[1], &head, sizeof head, MSG_WAITALL), ==, sizeof head);
        g_assert_cmpuint(ntohl(head), ==, sizeof frame);

        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        for (unsigned i = 0; i < 2; i++) {
                (void) close(frames[i]);
                (void) close(passt[i]);
        }
}

/* A frame of that type, to that destination, of all zeros else. */
static bool passes(uint16_t type, const char *destination, size_t size)
{
        uint8_t frame[2000] = {[12] = (uint8_t) (type >> 8), [13] = (uint8_t) type};

        if (destination)
                g_assert_cmpint(inet_pton(type == ETH_P_IP ? AF_INET : AF_INET6, destination,
                                                frame + (type == ETH_P_IP ? 30 : 38)),
                                ==, 1);
        return relay_passes(frame, size);
}

static void test_destinations(void)
{
        static const char *const good4[] = {"10.0.2.2", "8.8.8.8", "255.255.255.255", "224.0.0.251", "128.0.0.1"},
                                 *const bad4[] = {"127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3"},
                                 *const good6[] = {"fe80::2", "ff02::1", "2001:db8::1"},
                                 *const bad6[] = {"::", "::1", "::ffff:127.0.0.1", "::127.0.0.1"};

        for (size_t i = 0; i < G_N_ELEMENTS(good4); i++)
                g_assert_true(passes(ETH_P_IP, good4[i], 60));
        for (size_t i = 0; i < G_N_ELEMENTS(bad4); i++)
                g_assert_false(passes(ETH_P_IP, bad4[i], 60));
        for (size_t i = 0; i < G_N_ELEMENTS(good6); i++)
                g_assert_true(passes(ETH_P_IPV6, good6[i], 60));
        for (size_t i = 0; i < G_N_ELEMENTS(bad6); i++)
                g_assert_false(passes(ETH_P_IPV6, bad6[i], 60));

        g_assert_true(passes(ETH_P_ARP, NULL, 42));
        g_assert_false(passes(0x88cc, NULL, 60));
        g_assert_false(passes(ETH_P_IP, "8.8.8.8", 33));
        g_assert_false(passes(ETH_P_IPV6, "2001:db8::1", 53));
        g_assert_false(passes(ETH_P_ARP, NULL, 13));
        g_assert_true(passes(ETH_P_IP, "8.8.8.8", 1514));
        g_assert_false(passes(ETH_P_IP, "8.8.8.8", 1600));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/uplink/relay/frames-come-whole", test_pieces);
        g_test_add_func("/uplink/relay/waits-for-a-guest-that-takes-no-more", test_full);
        g_test_add_func("/uplink/relay/refuses-what-is-no-frame", test_malformed);
        g_test_add_func("/uplink/relay/a-guest-does-not-wait-for-passt", test_stuck);
        g_test_add_func("/uplink/relay/passes-nothing-to-the-loopback", test_destinations);
        return g_test_run();
}
