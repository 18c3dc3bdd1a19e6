/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/error.h"

/* src/probe is the service that asks guests over the network whether they answer. Of its files only this one
 * is used elsewhere, by the runner's client.
 *
 * The protocol of shruthi-run and shruthi-probe over /run/shruthi/probes, a socket that preserves packet
 * boundaries, in text. A packet of the runner begins a probe that is repeated until its number is forgotten
 * or the connection is closed:
 *
 *     watch NUMBER KIND INTERFACE ADDRESS PORT INTERVAL TIMEOUT [PATH]
 *     forget NUMBER
 *
 * with a bridge as the interface, or of a user's own the station of its network (uplink/station.h), both
 * times in ms, and port 0 for a ping. TIMEOUT is for a whole answer; a sign that anybody is there has to
 * come within twice the INTERVAL. Attempts do not overlap. The service answers with the result of the first
 * round, then of each round that fails, and of the first good one after that; while all is good it says
 * nothing:
 *
 *     good NUMBER
 *     bad NUMBER REASON
 *
 * A packet that makes no sense ends the connection. Pure. */

#define PROBE_PACKET_MAX  1024
#define PROBE_REASON_MAX  200 /* characters */
#define PROBES_MAX        16  /* per connection */
#define PROBE_INTERFACE_MAX 80  /* characters; of bridges the kernel takes fewer */
#define PROBE_TIME_MS_MIN 100
#define PROBE_TIME_MS_MAX (24 * 3600 * 1000)

typedef enum ProbeKind {
        PROBE_TCP,  /* it accepts a connection */
        PROBE_HTTP, /* it answers GET with a status of 200 to 399 */
        PROBE_PING, /* it answers an ICMP echo */
        _PROBE_KIND_MAX,
        _PROBE_KIND_INVALID = -EINVAL,
} ProbeKind;

const char *probe_kind_to_string(ProbeKind kind);
ProbeKind probe_kind_from_string(const char *text);

typedef struct ProbeRequest {
        bool forget; /* else it begins a probe, and all that follows counts */
        unsigned number;
        ProbeKind kind;
        char interface[PROBE_INTERFACE_MAX + 1];
        Address address;
        uint16_t port;
        unsigned interval_ms, timeout_ms;
        char *path; /* of PROBE_HTTP */
} ProbeRequest;

void probe_request_clear(ProbeRequest *request);
#define _cleanup_probe_request_ __attribute__((cleanup(probe_request_clear)))

/* Free with g_free(). */
char *probe_request_format(const ProbeRequest *request);

/* Parses bytes of unknown origin. -EBADMSG. */
int probe_request_parse(const char *data, size_t size, ProbeRequest *ret_request);

typedef struct ProbeAnswer {
        unsigned number;
        char *reason; /* NULL if it is good */
} ProbeAnswer;

void probe_answer_clear(ProbeAnswer *answer);
#define _cleanup_probe_answer_ __attribute__((cleanup(probe_answer_clear)))

char *probe_answer_format(const ProbeAnswer *answer);
int probe_answer_parse(const char *data, size_t size, ProbeAnswer *ret_answer);
