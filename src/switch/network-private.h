/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/capture.h"
#include "switch/network.h"
#include "switch/plane.h"
#include "switch/priority.h"

/* What the files of a network's process share: network.c has the loop, network-ports.c the ports and what
 * passes them, network-clients.c the clients, network-rules.c the rules that they send. */

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)

/* What a descriptor in the loop belongs to. */
typedef enum SourceKind {
        SOURCE_PORT,
        SOURCE_CLIENT,
        SOURCE_ANTISPOOF,
        SOURCE_CONTROL,
        SOURCE_NEWS, /* of threads */
        SOURCE_GONE, /* what it was of is freed when all events of this turn are done with */
} SourceKind;

typedef struct LoopSource {
        SourceKind kind;
        int fd;
} LoopSource;

typedef struct NetworkPort {
        LoopSource source; /* the first: an event has its address */
        PlanePort *port;
        int interface;      /* index */
        bool unconfirmed;   /* shruthi-antispoof is connected anew, and has not named it yet */
        uint64_t overflows; /* frames that its guest has sent and nobody has read */
        int first, last;    /* of the packets that are about to be sent to it, or -1 */
} NetworkPort;

typedef struct NetworkClient {
        LoopSource source; /* the first */
        uint32_t number;
        bool is_busy;          /* with rules, counters or the end of a capture: no other request is read */
        uint32_t next_counter; /* of the counters that are being written */
        int counters_fd;       /* negative: none are */
        uint32_t awaited;      /* number of the capture whose end is awaited */
} NetworkClient;

typedef struct NetworkCapture {
        uint32_t number, client; /* client 0: it has left */
        Capture *capture;
} NetworkCapture;

typedef struct Exchange Exchange; /* buffers, see network-ports.c */

typedef struct SwitchNetwork {
        const SwitchedNetwork *task;
        int epoll_fd;
        LoopSource antispoof, control, news;
        Plane *plane;
        GPtrArray *ports;    /* NetworkPort */
        GPtrArray *clients;  /* NetworkClient */
        GPtrArray *captures; /* NetworkCapture */
        GPtrArray *graveyard;
        GThreadPool *readers; /* of rules, one at a time */
        GAsyncQueue *read;    /* RulesReading that are done */
        Exchange *exchange;
        Priority priority;
        uint64_t now_nsec;
        uint64_t reconnect_nsec, confirm_nsec, idle_nsec, flush_nsec; /* when; FLIGHT_NONE: not at all */
        uint64_t overflows;                                           /* of ports that are gone */
        uint64_t since_usec;
        uint32_t last_number;
        bool has_ended, is_forgotten;
} SwitchNetwork;

uint64_t clock_nsec(int clock);

/* network.c */
int network_watch(SwitchNetwork *network, LoopSource *source);
void network_unwatch(SwitchNetwork *network, LoopSource *source);
void network_bury(SwitchNetwork *network, gpointer taken_object);

/* network-ports.c */
Exchange *exchange_new(void);
void exchange_free(Exchange *exchange);
void network_port_free(gpointer data);
void network_connect_antispoof(SwitchNetwork *network);
void network_hear_antispoof(SwitchNetwork *network);
void network_drop_unconfirmed(SwitchNetwork *network);
void network_receive(SwitchNetwork *network, NetworkPort *port);
void network_pass_due(SwitchNetwork *network);
uint64_t network_count_overflows(SwitchNetwork *network);

/* network-clients.c */
void network_client_free(gpointer data);
void network_capture_free(gpointer data);
void network_add_client(SwitchNetwork *network, int taken_fd);
void network_hear_client(SwitchNetwork *network, NetworkClient *client);
NetworkClient *network_find_client(const SwitchNetwork *network, uint32_t number);
void network_answer(SwitchNetwork *network, NetworkClient *client, bool done, unsigned line,
                const char *text, int fd);
void network_set_busy(SwitchNetwork *network, NetworkClient *client, bool is_busy);
void network_close_client(SwitchNetwork *network, NetworkClient *client);
bool network_write_counters(SwitchNetwork *network); /* a part; whether more is to be written */
void network_end_captures(SwitchNetwork *network);   /* those that are finished */
void network_flush_captures(SwitchNetwork *network);
void network_abandon_captures(SwitchNetwork *network);
void on_packet_seen(void *userdata, const PlanePort *port, const uint8_t *packet, size_t size, bool sent,
                uint64_t nsec);
void on_link_seen(void *userdata, const char *from, const char *to, const uint8_t *packet, size_t size,
                bool entered, uint64_t nsec);

/* network-rules.c */
void network_begin_rules(SwitchNetwork *network);
void network_read_rules(SwitchNetwork *network, NetworkClient *client, int taken_fd);
void network_take_rules(SwitchNetwork *network);
void network_stop_rules(SwitchNetwork *network);
