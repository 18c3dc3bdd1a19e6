/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The relay. Of a frame the destination is looked at, no more, unless it is for our station. */

#include "uplink/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "unikernel/process.h"
#include "uplink/passt.h"
#include "uplink/station.h"

#define FRAME_MAX    65535
#define HEAD_SIZE    sizeof(uint32_t)
#define LOOK_MSEC    20   /* for the guest's process, which comes at once */
#define RESTART_MSEC 1000 /* of passt */
#define RELAY_POLLS    3    /* besides the station's */
#define FRAMES_AT_ONCE 64 /* of the guest's, before passt is looked after */

typedef struct Relay {
        const UplinkRequest *request;
        Station *station;
        int frames;
        int stream; /* negative: passt has ended */
        int pidfd;  /* negative: the guest does not run yet */
        int64_t begun;
        int64_t restart; /* when passt is started again */
        uint8_t in[4 * (HEAD_SIZE + FRAME_MAX)]; /* from passt */
        size_t in_size;
        bool full; /* the guest takes no more now */
        uint8_t out[HEAD_SIZE + FRAME_MAX]; /* for passt, one frame */
        size_t out_size, out_sent;
        uint8_t lost[FRAME_MAX]; /* what passt does not take */
} Relay;

ssize_t relay_split(const uint8_t *buffer, size_t size,
                bool (*take)(void *userdata, const uint8_t *frame, size_t frame_size), void *userdata)
{
        size_t done = 0;

        while (size - done >= HEAD_SIZE) {
                uint32_t head, length;

                memcpy(&head, buffer + done, HEAD_SIZE);
                length = ntohl(head);
                if (length > FRAME_MAX)
                        return -EBADMSG;
                if (size - done - HEAD_SIZE < length || !take(userdata, buffer + done + HEAD_SIZE, length))
                        break;
                done += HEAD_SIZE + length;
        }

        return (ssize_t) done;
}

static bool relay_give_guest(void *userdata, const uint8_t *frame, size_t size)
{
        Relay *relay = userdata;

        /* Nothing else can be wrong than that the guest has gone, which is noticed elsewhere. */
        relay->full = send(relay->frames, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN;
        return !relay->full;
}

static void on_relay_station_frame(void *userdata, const uint8_t *frame, size_t size)
{
        const Relay *relay = userdata;

        (void) send(relay->frames, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void relay_lose_passt(Relay *relay, const char *why)
{
        log_warning("passt of unikernel '%s' has ended (%s); starting it again", relay->request->unikernel,
                        why);
        relay->stream = close_safe(relay->stream);
        relay->in_size = relay->out_size = relay->out_sent = 0;
        relay->full = false;
        relay->restart = g_get_monotonic_time() + RESTART_MSEC * 1000;
}

static void relay_restart_passt(Relay *relay)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = passt_start(relay->request, &relay->stream, &error);

        if (r < 0) {
                log_warning("%s", error_message(&error, r));
                relay->restart = g_get_monotonic_time() + RESTART_MSEC * 1000;
        }
}

static void relay_empty_in(Relay *relay)
{
        ssize_t done = relay_split(relay->in, relay->in_size, relay_give_guest, relay);

        if (done < 0) {
                relay_lose_passt(relay, "it sent a malformed frame");
                return;
        }
        relay->in_size -= (size_t) done;
        memmove(relay->in, relay->in + done, relay->in_size);
}

static void relay_read_passt(Relay *relay)
{
        ssize_t n = recv(relay->stream, relay->in + relay->in_size, sizeof relay->in - relay->in_size,
                        MSG_DONTWAIT);

        if (n == 0)
                relay_lose_passt(relay, "its socket is closed");
        else if (n > 0) {
                relay->in_size += (size_t) n;
                relay_empty_in(relay);
        } else if (errno != EAGAIN && errno != EINTR)
                relay_lose_passt(relay, g_strerror(errno));
}

static void relay_write_passt(Relay *relay)
{
        ssize_t n = send(relay->stream, relay->out + relay->out_sent, relay->out_size - relay->out_sent,
                        MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n >= 0)
                relay->out_sent += (size_t) n;
        else if (errno != EAGAIN && errno != EINTR)
                relay_lose_passt(relay, g_strerror(errno));
        if (relay->out_sent == relay->out_size)
                relay->out_size = relay->out_sent = 0;
}

bool relay_passes(const uint8_t *frame, size_t size)
{
        enum {
                HEADER = 14, /* Ethernet's */
                IPV4_DESTINATION = HEADER + 16,
                IPV6_DESTINATION = HEADER + 24,
                IPV4_END = HEADER + 20,
                IPV6_END = HEADER + 40,
                /* What the guest is told, and room for a tag. */
                SIZE_MAX_FRAME = UPLINK_MTU + HEADER + 4,
        };
        static const uint8_t none[12] = {};
        uint16_t type;

        if (size < HEADER || size > SIZE_MAX_FRAME)
                return false;

        type = (uint16_t) (frame[12] << 8 | frame[13]);
        if (type == ETH_P_IP)
                return size >= IPV4_END && frame[IPV4_DESTINATION] != 127 && frame[IPV4_DESTINATION] != 0;
        /* ::, ::1, and addresses of IPv4 in either form. */
        if (type == ETH_P_IPV6)
                return size >= IPV6_END && memcmp(frame + IPV6_DESTINATION, none, 10) != 0;

        return type == ETH_P_ARP;
}

/* Without passt, or while that has not taken the frame before, it goes nowhere, as on every network: a guest
 * whose frames nobody read would be told of an error, which no tap has. Returns false if there is none. */
static bool relay_read_guest(Relay *relay)
{
        bool sending = relay->out_size > 0;
        uint8_t *frame = sending ? relay->lost : relay->out + HEAD_SIZE;
        ssize_t n = recv(relay->frames, frame, FRAME_MAX, MSG_DONTWAIT | MSG_TRUNC);
        uint32_t head = htonl((uint32_t) MAX(n, 0));

        if (n <= 0)
                return false;
        if (n > FRAME_MAX || station_take(relay->station, frame, (size_t) n) || sending ||
                        relay->stream < 0 || !relay_passes(frame, (size_t) n))
                return true;

        memcpy(relay->out, &head, HEAD_SIZE);
        relay->out_size = HEAD_SIZE + (size_t) n;
        relay->out_sent = 0;
        relay_write_passt(relay);
        return true;
}

static void relay_read_frames(Relay *relay)
{
        for (unsigned i = 0; i < FRAMES_AT_ONCE && relay_read_guest(relay); i++)
                ;
}

static int relay_timeout(const Relay *relay)
{
        int64_t due = station_due(relay->station);

        if (relay->pidfd < 0)
                return LOOK_MSEC;
        if (relay->stream < 0)
                due = MIN(due, relay->restart);

        return due == INT64_MAX ? -1 : (int) MAX((due - g_get_monotonic_time()) / 1000 + 1, 0);
}

/* Returns whether the guest runs, or may still come. */
static bool relay_look_for_guest(Relay *relay)
{
        pid_t pid;

        if (relay->pidfd < 0 && process_find(relay->request->unikernel, &pid, &relay->pidfd) < 0)
                relay->pidfd = -EBADF;

        return relay->pidfd >= 0 || g_get_monotonic_time() < relay->begun + RELAY_START_SEC * G_USEC_PER_SEC;
}

static bool relay_step(Relay *relay)
{
        bool sending = relay->out_size > 0;
        struct pollfd polls[RELAY_POLLS + STATION_POLLS_MAX] = {
                        {.fd = relay->frames, .events = (short) (POLLIN | (relay->full ? POLLOUT : 0))},
                        {.fd = relay->stream,
                                        .events = (short) ((relay->full ? 0 : POLLIN) |
                                                           (sending ? POLLOUT : 0))},
                        {.fd = relay->pidfd, .events = POLLIN},
        };
        unsigned n_station = station_poll(relay->station, polls + RELAY_POLLS);

        if (poll(polls, RELAY_POLLS + n_station, relay_timeout(relay)) < 0 && errno != EINTR)
                return false;
        if (relay->pidfd >= 0 && polls[2].revents)
                return false;
        if (relay->stream >= 0 && (polls[1].revents & POLLOUT))
                relay_write_passt(relay);
        if (polls[0].revents & POLLOUT)
                relay_empty_in(relay);
        if (relay->stream >= 0 && (polls[1].revents & (POLLIN | POLLHUP | POLLERR)))
                relay_read_passt(relay);
        if (polls[0].revents & (POLLIN | POLLERR))
                relay_read_frames(relay);
        station_handle(relay->station, polls + RELAY_POLLS, n_station);
        if (relay->stream < 0 && g_get_monotonic_time() >= relay->restart)
                relay_restart_passt(relay);

        return relay_look_for_guest(relay);
}

void relay_run(const UplinkRequest *request, int frames, int stream, int station)
{
        g_autofree Relay *relay = g_new0(Relay, 1);

        relay->request = request;
        relay->frames = frames;
        relay->stream = stream;
        relay->station = station_new(station, request->number, on_relay_station_frame, relay);
        relay->pidfd = -EBADF;
        relay->begun = g_get_monotonic_time();
        while (relay_step(relay))
                ;

        station_free(relay->station);
        (void) close_safe(relay->frames);
        (void) close_safe(relay->stream);
        (void) close_safe(relay->pidfd);
}
