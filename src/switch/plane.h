/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/containers.h"
#include "link/rules.h"
#include "switch/flight.h"
#include "switch/guard.h"

/* What forwards the frames of one network: ports and their members, the rules, what is under way, and what
 * is counted. It has neither sockets nor a clock: network.c gives it frames with the time at which they were
 * sent, asks for those that arrive, and says what became of them.
 *
 * A packet is a frame behind the header of virtio that a packet socket has before it (PLANE_HEADER_SIZE
 * bytes, see packet(7), PACKET_VNET_HDR). Times are of CLOCK_MONOTONIC. Pure. */

#define PLANE_HEADER_SIZE 10
#define PLANE_PACKET_MAX  (PLANE_HEADER_SIZE + FRAME_SIZE_MAX)
#define PLANE_MEMBERS_MAX RULES_MEMBERS_MAX
#define PLANE_PORTS_MAX   8192
#define PLANE_NOBODY      UINT32_MAX /* as a sender: the answer is ours */

typedef struct Plane Plane;

typedef struct PlanePort {
        char interface[IF_NAMESIZE];
        char *unikernel, *device;
        GuardAddresses addresses;
        uint32_t member;
        void *userdata; /* the caller's */
} PlanePort;

/* A packet that arrives. */
typedef struct PlanePassage {
        PlanePort *port;
        FlightPacket *packet;
} PlanePassage;

/* Called with each packet that enters a link between two members, before anything happens to it there, and
 * that has left it for the receiver. */
typedef void (*PlaneLinkSeen)(void *userdata, const char *from, const char *to, const uint8_t *packet,
                size_t size, bool entered, uint64_t nsec);

/* Called with each packet that a guest has sent, if it may, and that has got to one. */
typedef void (*PlaneSeen)(void *userdata, const PlanePort *port, const uint8_t *packet, size_t size,
                bool sent, uint64_t nsec);

typedef enum PlaneTotal {
        PLANE_PACKETS,
        PLANE_BYTES,
        PLANE_DELIVERED,
        PLANE_LOST,
        PLANE_QUEUE,
        PLANE_BLOCKED,
        PLANE_SOURCE,
        PLANE_UNKNOWN,
        PLANE_NAT,
        PLANE_RECEIVER,
        PLANE_MEMORY,
        PLANE_LATE,
        _PLANE_TOTAL_MAX,
} PlaneTotal;

Plane *plane_new(void);
void plane_free(Plane *plane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plane, plane_free)

/* NULL: nobody looks. */
void plane_set_seen(Plane *plane, PlaneSeen seen, void *userdata);

/* The same for links. */
void plane_set_link_seen(Plane *plane, PlaneLinkSeen seen, void *userdata);

/* Takes the rules. What is under way stays so. */
void plane_set_rules(Plane *plane, Rules *taken_rules);

/* -EEXIST: one with that interface or that MAC address is there; -E2BIG: too many. */
int plane_add_port(Plane *plane, const char *interface, const AntispoofFilter *filter, PlanePort **ret_port);
PlanePort *plane_find_port(const Plane *plane, const char *interface);
void plane_remove_port(Plane *plane, PlanePort *port);
GPtrArray *plane_ports(const Plane *plane); /* PlanePort, in no order; the plane's */

/* What came from a port's guest. It is changed. */
void plane_send(Plane *plane, PlanePort *port, uint8_t *packet, size_t size, uint64_t sent_nsec);

/* When the next packet arrives, or FLIGHT_NONE. */
uint64_t plane_next(const Plane *plane);

/* Takes a packet that has arrived by now. No port is removed before plane_passed() is called for it. */
bool plane_take(Plane *plane, uint64_t now_nsec, PlanePassage *ret_passage);

/* What became of it: the guest has got it, or takes no more. */
void plane_passed(Plane *plane, const PlanePassage *passage, bool delivered, uint64_t now_nsec);

uint64_t plane_total(const Plane *plane, PlaneTotal total);

/* Appends the lines of the counters of one sender, the *from'th, and before the first SWITCH_COUNTERS_HEAD;
 * false: there is none any more. It is called until then: there may be a million pairs. */
bool plane_append_counters(const Plane *plane, uint32_t *from, GString *out);

/* Appends those lines of a summary that it knows. */
void plane_append_summary(const Plane *plane, GString *out);
