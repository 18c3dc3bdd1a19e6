/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdint.h>

/* The timestamps of a start, from the call to the answer, each taken by the program that does the step:
 * shruthid, systemd (the unit's own properties), the runner, and the helper that speaks to libvirt. All of
 * them in µs of CLOCK_MONOTONIC, which is one clock for the whole host. What they mean to clients stands
 * with GetStartTimes() in dbus/org.dream.Shruthi.Unikernel.xml. Pure. */

typedef enum Timestamp {
        TIMESTAMP_SENT,   /* the call leaves the client, which alone knows of it */
        TIMESTAMP_CALLED, /* shruthid has the call and knows whose it is */
        TIMESTAMP_AUTHORIZED,
        TIMESTAMP_REQUESTED, /* systemd is asked */
        TIMESTAMP_JOB_MADE,
        TIMESTAMP_RUNNER_FORKED, /* by systemd, which then sets up the sandbox of the unit in it */
        TIMESTAMP_RUNNER_BEGAN,
        TIMESTAMP_HELPER_ASKED,
        TIMESTAMP_HELPER_BEGAN,
        TIMESTAMP_PLANNED, /* definition and image are read */
        TIMESTAMP_CONNECTED,
        TIMESTAMP_ADDRESSED,
        TIMESTAMP_PREPARED,   /* all that the domain needs is there: now libvirt is asked to run it */
        TIMESTAMP_CREATED,    /* libvirt has started it */
        TIMESTAMP_FIRST_BYTE, /* of the console */
        TIMESTAMP_READY,      /* the runner says so */
        TIMESTAMP_UNIT_ACTIVE,
        TIMESTAMP_ANSWERED, /* shruthid has seen the job's end */
        _TIMESTAMP_MAX,
        _TIMESTAMP_INVALID = -EINVAL,
} Timestamp;

/* As on the bus: "RunnerBegan". */
const char *timestamp_to_string(Timestamp timestamp);
Timestamp timestamp_from_string(const char *text);

typedef struct Timestamps {
        uint64_t at[_TIMESTAMP_MAX]; /* 0: not known */
} Timestamps;

void timestamps_record(Timestamps *timestamps, Timestamp timestamp); /* it is now */

/* "RunnerBegan 12345", as it stands in a runner's state and in the helper's lines. -EBADMSG for what is
 * none; a moment that is not known is passed over: a newer one may have written it. */
int timestamps_parse(Timestamps *timestamps, const char *value);

/* Lines "KEY=RunnerBegan 12345", of those that are known. */
void timestamps_format(const Timestamps *timestamps, const char *key, GString *text);

/* What is known in from and not yet in to. */
void timestamps_merge(Timestamps *to, const Timestamps *from);
