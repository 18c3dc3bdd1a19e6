/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* src/switch is shruthi-switch, which forwards the frames of networks with emulated links: it is what a
 * packet on such a link goes through. Of its files only this one is used elsewhere, by shruthid, which
 * connects for others, and by the clients that it hands the connection to.
 *
 * What is said on /run/shruthi/switch (SWITCH_SOCKET), a socket that preserves packet boundaries, in text.
 * The first message says which network all others are about; it has no answer, and a connection that makes
 * no sense is closed:
 *
 *     network NAME BRIDGE
 *
 * Each of these is answered by one message, in order:
 *
 *     rules                    with a descriptor to read the rules from (link/rules.h), from its beginning.
 *                              They replace those that are there; counters, queues and packet numbers stay
 *     counters                 the answer has a descriptor with SWITCH_COUNTERS_HEAD and a line for each
 *                              pair that has sent something; "to" is * for what was for all, whose copies
 *                              are in the lines of their receivers
 *     summary                  the answer has a descriptor with lines KEY=VALUE (switch_summary_keys)
 *     capture MAXBYTES SNAPLEN [filter=PROGRAM] [by=link] [MEMBER… [/ MEMBER…]]
 *                              with a descriptor to write pcapng to: what these members, or all, send and
 *                              get, at most so many bytes in all (0: no limit) and of a frame (0: all), and
 *                              only frames that match (link/packet-filter.h). By link: what goes between
 *                              these members and those behind '/' (without it: and all others), each
 *                              direction an interface FROM>TO, when it enters the link and when it leaves
 *     capture-end NUMBER       it is whole then. One goes on until then, or until its connection ends
 *     end                      the network's emulation ends, and its rules are forgotten
 *
 *     done [WORD…]             capture: its number; capture-end: PACKETS BYTES DROPPED
 *     error LINE TEXT          nothing has changed; LINE is that of the rules, or 0
 *
 * Pure. */

#define SWITCH_SOCKET       "switch" /* in /run/shruthi */
#define SWITCH_MESSAGE_MAX  (96 * 1024)
#define SWITCH_MEMBERS_MAX  1000 /* named in one "capture": they fit into a message, with a filter */
#define SWITCH_CAPTURES_MAX 64   /* of a network */
#define SWITCH_NETWORK_MAX  63   /* characters of its name */

#define SWITCH_COUNTERS_HEAD                                                                                \
        "from,to,packets,bytes,delivered,lost,queue_dropped,blocked,duplicated,reordered,corrupted,late"

/* The keys of "summary", terminated by NULL:
 *
 *     packets bytes              that members have sent to each other
 *     delivered                  that have left, copies for each of many among them
 *     dropped_lost dropped_queue dropped_blocked dropped_source dropped_unknown dropped_nat dropped_receiver
 *                                by a link's loss, its queue, its being blocked; sent from others'
 * addresses; to nobody; by a box; a receiver took no more memory_limit_drops         too much was under way
 *     receive_overflows          that came faster than they were read: no counter above has these
 *     late_packets               left more than SWITCH_LATE_USEC after they were due
 *     lateness_p50_usec lateness_p99_usec lateness_max_usec
 *     in_flight in_flight_bytes  that wait for their time
 *     ports members pairs nat_mappings
 *     since_usec                 of CLOCK_REALTIME: when counting began
 *     cpu_usec rss_bytes         of the network's process */
extern const char *const switch_summary_keys[];

#define SWITCH_LATE_USEC 1000

typedef enum SwitchVerb {
        SWITCH_NETWORK,
        SWITCH_RULES,
        SWITCH_COUNTERS,
        SWITCH_SUMMARY,
        SWITCH_CAPTURE,
        SWITCH_CAPTURE_END,
        SWITCH_END,
        _SWITCH_VERB_MAX,
        _SWITCH_VERB_INVALID = -EINVAL,
} SwitchVerb;

const char *switch_verb_to_string(SwitchVerb verb);
SwitchVerb switch_verb_from_string(const char *text);

typedef struct SwitchRequest {
        SwitchVerb verb;
        char *network, *bridge; /* of SWITCH_NETWORK */
        uint64_t max_bytes;     /* of SWITCH_CAPTURE */
        uint32_t snaplen;
        char *filter; /* of PacketFilter, not verified yet; NULL: all frames */
        bool by_link;
        char **members;  /* NULL: all */
        char **others;   /* at the other end of links; NULL: all */
        uint32_t number; /* of SWITCH_CAPTURE_END */
} SwitchRequest;

void switch_request_clear(SwitchRequest *request);
#define _cleanup_switch_request_ __attribute__((cleanup(switch_request_clear)))

/* Free with g_free(). */
char *switch_request_format(const SwitchRequest *request);

/* Parses bytes of unknown origin. INVALID_ARGS; the message is for the answer. */
int switch_request_parse(const char *data, size_t size, SwitchRequest *ret_request, Error *ret_error);

typedef struct SwitchAnswer {
        bool done;
        char *text; /* the words behind "done", or the sentence of an error; may be empty */
        unsigned line;
} SwitchAnswer;

void switch_answer_clear(SwitchAnswer *answer);
#define _cleanup_switch_answer_ __attribute__((cleanup(switch_answer_clear)))

char *switch_answer_format(const SwitchAnswer *answer);
int switch_answer_parse(const char *data, size_t size, SwitchAnswer *ret_answer); /* -EBADMSG */

/* Whether it can be the name of a network: what libvirt's may be, without '/' and spaces. */
bool switch_network_is_valid(const char *name);
