/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The station: as much of ARP (RFC 826), ICMP (RFC 792) and TCP (RFC 9293) as a caller needs who says
 * little, and hears the answer's beginning. Guests are hostile: of a frame nothing is believed but what fits
 * a call that was made. */

#include "uplink/station.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

#define RESEND_USEC  (200 * 1000)
#define ASK_USEC     (5 * G_USEC_PER_SEC) /* for whoever connects and says nothing */
#define CLOSING_USEC (2 * G_USEC_PER_SEC) /* for the guest's end of a connection */
#define REQUEST_MAX  32
#define SAID_MAX     1024 /* bytes that are on their way to the guest */
#define WINDOW       8192
#define PORT_FIRST   49152 /* IANA's dynamic ports */

enum {
        ETHERNET = 14,
        ARP_SIZE = 28,
        IP_HEADER = 20,
        TCP_HEADER = 20,
        ICMP_HEADER = 8,
        MSS_OPTION = 4,
        IP_AT = ETHERNET,
        L4_AT = ETHERNET + IP_HEADER,
        FRAME_SIZE = ETHERNET + IP_HEADER + TCP_HEADER + SAID_MAX,
};

enum {
        FIN = 1,
        SYN = 2,
        RST = 4,
        PSH = 8,
        ACK = 16,
};

/* Locally administered, as passt's own (uplink/passt.c), and not that. */
static const uint8_t station_mac[ETH_ALEN] = {0x9a, 0x55, 0x9a, 0x55, 0x9a, 0x04};

typedef enum CallState {
        CALL_ASKED,   /* not yet what for */
        CALL_CALLING, /* the guest has not answered */
        CALL_OPEN,    /* a connection */
        CALL_CLOSING, /* we have closed it, and nobody waits for it any more */
        CALL_OVER,
} CallState;

typedef struct StationCall {
        CallState state;
        int fd;
        bool ping;
        uint16_t port, own_port;
        uint32_t next;          /* the sequence number behind all that we have sent */
        uint32_t expected;      /* the guest's next one */
        uint8_t said[SAID_MAX]; /* what it has not acknowledged */
        size_t said_size;
        bool heard_all; /* the guest has closed its side */
        int64_t due;    /* when to send again, or to give up */
} StationCall;

struct Station {
        int listener;
        uint8_t address[4], guest[4];
        uint8_t guest_mac[ETH_ALEN];
        bool found; /* the guest's MAC address is known */
        uint16_t last_port;
        StationSend send;
        void *userdata;
        GPtrArray *calls;
};

static void put16(uint8_t *at, unsigned value)
{
        at[0] = (uint8_t) (value >> 8);
        at[1] = (uint8_t) value;
}

static void put32(uint8_t *at, uint32_t value)
{
        put16(at, value >> 16);
        put16(at + 2, value & 0xffff);
}

static unsigned get16(const uint8_t *at)
{
        return (unsigned) at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
        return (uint32_t) get16(at) << 16 | get16(at + 2);
}

/* RFC 1071. */
static uint32_t sum_add(uint32_t sum, const uint8_t *data, size_t size)
{
        for (size_t i = 0; i < size; i++)
                sum += i % 2 == 0 ? (uint32_t) data[i] << 8 : data[i];

        return sum;
}

static unsigned sum_end(uint32_t sum)
{
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return ~sum & 0xffff;
}

static void station_send(Station *station, const uint8_t *frame, size_t size)
{
        station->send(station->userdata, frame, size);
}

static void frame_begin(uint8_t *frame, const uint8_t *to, unsigned type)
{
        memcpy(frame, to, ETH_ALEN);
        memcpy(frame + ETH_ALEN, station_mac, ETH_ALEN);
        put16(frame + 2 * ETH_ALEN, type);
}

/* to: NULL for everybody. */
static void station_send_arp(Station *station, unsigned operation, const uint8_t *to)
{
        static const uint8_t everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        uint8_t frame[ETHERNET + ARP_SIZE] = {}, *arp = frame + ETHERNET;

        frame_begin(frame, to ?: everybody, ETH_P_ARP);
        put16(arp, 1); /* Ethernet */
        put16(arp + 2, ETH_P_IP);
        arp[4] = ETH_ALEN;
        arp[5] = 4;
        put16(arp + 6, operation);
        memcpy(arp + 8, station_mac, ETH_ALEN);
        memcpy(arp + 14, station->address, 4);
        if (to)
                memcpy(arp + 18, to, ETH_ALEN);
        memcpy(arp + 24, station->guest, 4);
        station_send(station, frame, sizeof frame);
}

/* Fills in all that stands before the size bytes at L4_AT, which are of that protocol, and sends it. */
static void station_send_ip(Station *station, uint8_t *frame, unsigned protocol, size_t size)
{
        uint8_t *ip = frame + IP_AT;

        frame_begin(frame, station->guest_mac, ETH_P_IP);
        memset(ip, 0, IP_HEADER);
        ip[0] = 0x45;
        put16(ip + 2, (unsigned) (IP_HEADER + size));
        put16(ip + 6, 0x4000); /* do not fragment */
        ip[8] = 64;
        ip[9] = (uint8_t) protocol;
        memcpy(ip + 12, station->address, 4);
        memcpy(ip + 16, station->guest, 4);
        put16(ip + 10, sum_end(sum_add(0, ip, IP_HEADER)));
        station_send(station, frame, L4_AT + size);
}

typedef struct Segment {
        uint16_t from, to;
        uint32_t sequence, acknowledged;
        unsigned flags;
        const uint8_t *data;
        size_t size;
} Segment;

static void station_send_segment(Station *station, const Segment *segment)
{
        uint8_t frame[FRAME_SIZE] = {}, *tcp = frame + L4_AT;
        size_t header = TCP_HEADER + (segment->flags & SYN ? MSS_OPTION : 0), size = header + segment->size;
        uint32_t sum;

        put16(tcp, segment->from);
        put16(tcp + 2, segment->to);
        put32(tcp + 4, segment->sequence);
        put32(tcp + 8, segment->flags & ACK ? segment->acknowledged : 0);
        tcp[12] = (uint8_t) (header / 4 << 4);
        tcp[13] = (uint8_t) segment->flags;
        put16(tcp + 14, WINDOW);
        if (segment->flags & SYN) {
                tcp[20] = 2;
                tcp[21] = MSS_OPTION;
                put16(tcp + 22, UPLINK_MTU - IP_HEADER - TCP_HEADER);
        }
        if (segment->size > 0)
                memcpy(tcp + header, segment->data, segment->size);

        sum = sum_add(IPPROTO_TCP + (uint32_t) size, station->address, 4);
        sum = sum_add(sum, station->guest, 4);
        put16(tcp + 16, sum_end(sum_add(sum, tcp, size)));
        station_send_ip(station, frame, IPPROTO_TCP, size);
}

/* next is behind what is sent here, too. */
static void call_send(
                Station *station, const StationCall *call, unsigned flags, const uint8_t *data, size_t size)
{
        const Segment segment = {
                        .from = call->own_port,
                        .to = call->port,
                        .sequence = call->next - (uint32_t) size - (flags & (SYN | FIN) ? 1 : 0),
                        .acknowledged = call->expected,
                        .flags = flags,
                        .data = data,
                        .size = size,
        };

        station_send_segment(station, &segment);
}

static void station_send_echo(Station *station, const StationCall *call)
{
        uint8_t frame[L4_AT + ICMP_HEADER] = {}, *icmp = frame + L4_AT;

        icmp[0] = 8;
        put32(icmp + 4, (uint32_t) call->own_port << 16 | (call->next & 0xffff));
        put16(icmp + 2, sum_end(sum_add(0, icmp, ICMP_HEADER)));
        station_send_ip(station, frame, IPPROTO_ICMP, ICMP_HEADER);
}

/* What the guest has to answer, now and again until it does. */
static void call_push(Station *station, StationCall *call)
{
        call->due = g_get_monotonic_time() + RESEND_USEC;
        if (!station->found)
                station_send_arp(station, 1, NULL);
        else if (call->state == CALL_OPEN)
                call_send(station, call, PSH | ACK, call->said, call->said_size);
        else if (call->ping)
                station_send_echo(station, call);
        else
                call_send(station, call, SYN, NULL, 0);
}

static void call_end(StationCall *call)
{
        call->fd = close_safe(call->fd);
        call->state = CALL_OVER;
}

/* Nobody waits for more. */
static void call_close(Station *station, StationCall *call)
{
        if (call->state != CALL_OPEN) {
                call_end(call);
                return;
        }
        call->fd = close_safe(call->fd);
        call->state = CALL_CLOSING;
        call->due = g_get_monotonic_time() + CLOSING_USEC;
        call->next++;
        call_send(station, call, FIN | ACK, NULL, 0);
}

/* Returns whether it could be told. */
static bool call_tell(StationCall *call, int error)
{
        const uint8_t byte = (uint8_t) error;
        bool told = send(call->fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;

        if (error != 0 || !told || call->ping)
                call_end(call);
        return told;
}

static bool station_has_port(const Station *station, uint16_t port)
{
        for (guint i = 0; i < station->calls->len; i++)
                if (((const StationCall *) station->calls->pdata[i])->own_port == port)
                        return true;

        return false;
}

static uint16_t station_next_port(Station *station)
{
        do
                station->last_port = station->last_port < UINT16_MAX ? (uint16_t) (station->last_port + 1)
                                                                     : PORT_FIRST;
        while (station_has_port(station, station->last_port));

        return station->last_port;
}

static bool line_parse(const char *line, StationCall *call)
{
        guint64 port;

        call->ping = g_str_equal(line, "ping\n");
        if (call->ping)
                return true;
        if (!g_str_has_prefix(line, "tcp ") || !g_str_has_suffix(line, "\n"))
                return false;

        g_autofree char *number = g_strndup(line + 4, strlen(line) - 5);

        if (number_parse(number, 1, UINT16_MAX, &port) < 0)
                return false;
        call->port = (uint16_t) port;
        return true;
}

/* It is short, so it comes at once. */
static void call_read_line(Station *station, StationCall *call)
{
        char line[REQUEST_MAX + 1];
        ssize_t n = recv(call->fd, line, REQUEST_MAX, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        line[MAX(n, 0)] = 0;
        if (n <= 0 || !line_parse(line, call)) {
                call_end(call);
                return;
        }
        call->own_port = station_next_port(station);
        call->state = CALL_CALLING;
        call->next = g_random_int() + 1;
        call_push(station, call);
}

/* What is to be said goes to the guest, one piece after the other. */
static void call_read(Station *station, StationCall *call)
{
        ssize_t n = recv(call->fd, call->said, sizeof call->said, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0 || call->state != CALL_OPEN) {
                call_close(station, call);
                return;
        }
        call->said_size = (size_t) n;
        call->next += (uint32_t) n;
        call_push(station, call);
}

static void call_answered(Station *station, StationCall *call, const Segment *segment)
{
        if (segment->flags & RST && segment->flags & ACK && segment->acknowledged == call->next)
                (void) call_tell(call, ECONNREFUSED);
        else if ((segment->flags & (SYN | ACK | RST)) == (SYN | ACK) &&
                        segment->acknowledged == call->next) {
                call->expected = segment->sequence + 1;
                call_send(station, call, ACK, NULL, 0);
                call->state = CALL_OPEN;
                call->due = INT64_MAX;
                if (!call_tell(call, 0))
                        call->state = CALL_OVER;
        }
}

/* What comes in order goes to whoever waits, or else it comes again. Returns whether all is heard. */
static bool call_hear_data(Station *station, StationCall *call, const Segment *segment)
{
        bool in_order = segment->sequence == call->expected, last = segment->flags & FIN;
        ssize_t heard = (ssize_t) segment->size;

        if (in_order && segment->size > 0 && call->state == CALL_OPEN)
                heard = send(call->fd, segment->data, segment->size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (in_order)
                call->expected += (uint32_t) MAX(heard, 0);
        last = last && in_order && heard == (ssize_t) segment->size;
        call->expected += last;
        call_send(station, call, ACK, NULL, 0);
        return last;
}

static void call_hear(Station *station, StationCall *call, const Segment *segment)
{
        bool acknowledged = segment->flags & ACK && segment->acknowledged == call->next;

        if (segment->flags & RST) {
                if (segment->sequence == call->expected)
                        call_end(call);
                return;
        }
        if (acknowledged && call->state == CALL_OPEN) {
                call->said_size = 0;
                call->due = INT64_MAX;
        }
        if (segment->size > 0 || segment->flags & (SYN | FIN))
                call->heard_all = call_hear_data(station, call, segment) || call->heard_all;
        if (call->heard_all && call->state == CALL_OPEN)
                call_close(station, call);
        else if (call->heard_all && acknowledged)
                call_end(call);
}

/* As every station does with what belongs to no connection. */
static void station_refuse(Station *station, const Segment *segment)
{
        bool acknowledges = segment->flags & ACK;
        const Segment answer = {
                        .from = segment->to,
                        .to = segment->from,
                        .sequence = acknowledges ? segment->acknowledged : 0,
                        .acknowledged = segment->sequence + (uint32_t) segment->size +
                                        !!(segment->flags & SYN) + !!(segment->flags & FIN),
                        .flags = acknowledges ? RST : RST | ACK,
        };

        if (!(segment->flags & RST) && station->found)
                station_send_segment(station, &answer);
}

static StationCall *station_find(Station *station, bool ping, uint16_t own_port)
{
        for (guint i = 0; i < station->calls->len; i++) {
                StationCall *call = station->calls->pdata[i];

                if (call->state > CALL_ASKED && call->state < CALL_OVER && call->ping == ping &&
                                call->own_port == own_port)
                        return call;
        }

        return NULL;
}

static void station_take_tcp(Station *station, const uint8_t *tcp, size_t size)
{
        size_t header = size < TCP_HEADER ? 0 : (size_t) (tcp[12] >> 4) * 4;
        Segment segment;
        StationCall *call;

        if (header < TCP_HEADER || header > size)
                return;
        segment = (Segment){
                        .from = (uint16_t) get16(tcp),
                        .to = (uint16_t) get16(tcp + 2),
                        .sequence = get32(tcp + 4),
                        .acknowledged = get32(tcp + 8),
                        .flags = tcp[13],
                        .data = tcp + header,
                        .size = size - header,
        };
        call = station_find(station, false, segment.to);
        if (!call || call->port != segment.from)
                station_refuse(station, &segment);
        else if (call->state == CALL_CALLING)
                call_answered(station, call, &segment);
        else
                call_hear(station, call, &segment);
}

static void station_take_icmp(Station *station, const uint8_t *icmp, size_t size)
{
        StationCall *call = size < ICMP_HEADER || icmp[0] != 0 || icmp[1] != 0
                                            ? NULL
                                            : station_find(station, true, (uint16_t) get16(icmp + 4));

        if (call && get16(icmp + 6) == (call->next & 0xffff))
                (void) call_tell(call, 0);
}

/* Fragments are none of ours: we send nothing that is answered by so much at once. */
static void station_take_ip(Station *station, const uint8_t *ip, size_t size)
{
        size_t header = size < IP_HEADER ? 0 : (size_t) (ip[0] & 15) * 4, all;

        if (header < IP_HEADER || ip[0] >> 4 != 4)
                return;
        all = get16(ip + 2);
        if (all < header || all > size || (get16(ip + 6) & 0x3fff) != 0 ||
                        memcmp(ip + 12, station->guest, 4) != 0 || memcmp(ip + 16, station->address, 4) != 0)
                return;
        if (ip[9] == IPPROTO_TCP)
                station_take_tcp(station, ip + header, all - header);
        else if (ip[9] == IPPROTO_ICMP)
                station_take_icmp(station, ip + header, all - header);
}

/* The guest says where it is, whomever it asks. */
static void station_learn(Station *station, const uint8_t *mac)
{
        bool news = !station->found;

        memcpy(station->guest_mac, mac, ETH_ALEN);
        station->found = true;
        for (guint i = 0; news && i < station->calls->len; i++) {
                StationCall *call = station->calls->pdata[i];

                if (call->state == CALL_CALLING)
                        call_push(station, call);
        }
}

/* Returns whether it asks for the station, or answers it. */
static bool station_take_arp(Station *station, const uint8_t *arp, size_t size)
{
        bool for_us;

        if (size < ARP_SIZE || get16(arp + 2) != ETH_P_IP || arp[4] != ETH_ALEN || arp[5] != 4)
                return false;
        for_us = memcmp(arp + 24, station->address, 4) == 0;
        if (memcmp(arp + 14, station->guest, 4) != 0)
                return for_us;

        station_learn(station, arp + 8);
        if (for_us && get16(arp + 6) == 1)
                station_send_arp(station, 2, station->guest_mac);
        return for_us;
}

bool station_take(Station *station, const uint8_t *frame, size_t size)
{
        bool for_us;

        if (size < ETHERNET)
                return false;
        for_us = memcmp(frame, station_mac, ETH_ALEN) == 0;
        if (get16(frame + 12) == ETH_P_ARP)
                return station_take_arp(station, frame + ETHERNET, size - ETHERNET) || for_us;
        if (for_us && get16(frame + 12) == ETH_P_IP)
                station_take_ip(station, frame + ETHERNET, size - ETHERNET);

        return for_us;
}

static void call_free(gpointer data)
{
        StationCall *call = data;

        (void) close_safe(call->fd);
        g_free(call);
}

Station *station_new(int listener, unsigned number, StationSend send, void *userdata)
{
        const Address address = uplink_station(number), guest = uplink_address(number);
        Station *station = g_new(Station, 1);

        *station = (Station){
                        .listener = listener,
                        .last_port = (uint16_t) g_random_int_range(PORT_FIRST, UINT16_MAX),
                        .send = send,
                        .userdata = userdata,
                        .calls = g_ptr_array_new_with_free_func(call_free),
        };
        memcpy(station->address, address.bytes, 4);
        memcpy(station->guest, guest.bytes, 4);
        return station;
}

void station_free(Station *station)
{
        g_ptr_array_unref(station->calls);
        (void) close_safe(station->listener);
        g_free(station);
}

void station_add(Station *station, int fd)
{
        StationCall *call = g_new0(StationCall, 1);

        call->fd = fd;
        call->due = g_get_monotonic_time() + ASK_USEC;
        g_ptr_array_add(station->calls, call);
}

/* Whether what it says can be taken now. */
static bool call_listens(const StationCall *call)
{
        return call->fd >= 0 && call->said_size == 0;
}

unsigned station_poll(const Station *station, struct pollfd polls[static STATION_POLLS_MAX])
{
        unsigned n = 0;

        polls[n++] = (struct pollfd){.fd = station->listener, .events = POLLIN};
        for (guint i = 0; i < station->calls->len; i++) {
                const StationCall *call = station->calls->pdata[i];

                polls[n++] = (struct pollfd){.fd = call->fd, .events = call_listens(call) ? POLLIN : 0};
        }

        return n;
}

int64_t station_due(const Station *station)
{
        int64_t due = INT64_MAX;

        for (guint i = 0; i < station->calls->len; i++)
                due = MIN(due, ((const StationCall *) station->calls->pdata[i])->due);

        return due;
}

static void call_handle_due(Station *station, StationCall *call)
{
        if (call->state == CALL_CALLING || call->state == CALL_OPEN)
                call_push(station, call);
        else if (call->state == CALL_CLOSING) {
                call_send(station, call, RST | ACK, NULL, 0);
                call_end(call);
        } else
                call_end(call);
}

static void station_accept(Station *station)
{
        int fd = accept4(station->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0 && station->calls->len < STATION_CALLS_MAX)
                station_add(station, fd);
        else
                (void) close_safe(fd);
}

void station_handle(Station *station, const struct pollfd *polls, unsigned n_polls)
{
        int64_t now = g_get_monotonic_time();

        for (unsigned i = 1; i < n_polls; i++) {
                StationCall *call = station->calls->pdata[i - 1];

                if (call->state == CALL_ASKED && polls[i].revents)
                        call_read_line(station, call);
                else if (call_listens(call) && polls[i].revents)
                        call_read(station, call);
                else if (polls[i].revents & (POLLHUP | POLLERR))
                        call_close(station, call);
        }
        for (guint i = station->calls->len; i > 0; i--) {
                StationCall *call = station->calls->pdata[i - 1];

                if (call->state != CALL_OVER && now >= call->due)
                        call_handle_due(station, call);
                if (call->state == CALL_OVER)
                        g_ptr_array_remove_index_fast(station->calls, i - 1);
        }
        if (n_polls > 0 && polls[0].revents)
                station_accept(station);
}
