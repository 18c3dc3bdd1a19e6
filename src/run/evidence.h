/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "unikernel/exit-parser.h"

/* What is known about how the guest ended, besides what it said itself, and what follows from that. Pure;
 * the runner fills it in. */

/* Whether we were asked to stop the guest. */
typedef enum StopRequest {
        STOP_NOT_REQUESTED,
        STOP_REQUESTED,
        STOP_REQUESTED_LATE, /* it had already printed its exit message */
} StopRequest;

/* The helper that asks libvirt only about the end of the domain. Where shruthi-domain.service reports events
 * there is none. */
typedef enum Monitor {
        MONITOR_NONE,
        MONITOR_WATCHING, /* or will be asked again soon */
        MONITOR_ANSWERED,
} Monitor;

/* What shruthi-domain.service has reported, see unikernel/liveness.h. */
typedef enum EventReports {
        EVENT_REPORTS_NONE,
        EVENT_REPORTS_HEARD, /* about something other than its end */
        EVENT_REPORTS_ENDED,
} EventReports;

/* The guest's own process, where it is one: nothing else tells how that ends. */
typedef enum GuestProcess {
        GUEST_PROCESS_NONE, /* it is a domain, or not there yet */
        GUEST_PROCESS_RUNNING,
        GUEST_PROCESS_ENDED,
        GUEST_PROCESS_LOST, /* it was not found, or has ended and nobody can tell how */
} GuestProcess;

typedef struct Evidence {
        StopRequest stop;
        GuestProcess process;
        int process_code, process_status; /* as waitid(2) tells, if it has ended */
        bool stop_tried; /* we have had the domain ended, on request or not */
        Monitor monitor;
        TerminationCause monitor_cause; /* what it answered */
        EventReports reports;
        TerminationCause reports_cause; /* the cause that was reported */
        bool timed_out;                 /* what was waited for has not come */
} Evidence;

/* How long to wait for better evidence after the end: µs, or 0 if there is nothing to wait for. reporting:
 * shruthi-domain.service is there to report. */
uint64_t evidence_wait_usec(const Evidence *evidence, const ExitParser *exit_parser, bool reporting);

TerminationCause evidence_cause(const Evidence *evidence, const ExitParser *exit_parser);
