/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdint.h>

/* The timestamps of a start, from the call to the answer, each taken by the program that does the step:
 * shruthid, systemd (the unit's own properties), the runner, and the helper that calls libvirt. All are in
 * µs of CLOCK_MONOTONIC, which is one clock for the whole host. GetStartTimes() in
 * dbus/org.dream.Shruthi.Unikernel.xml says what they mean to clients. Pure. */

typedef enum Timestamp {
        TIMESTAMP_SENT,   /* the call leaves the client, which alone knows it */
        TIMESTAMP_CALLED, /* shruthid has the call and knows its sender */
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
        TIMESTAMP_PREPARED,   /* all that the domain needs exists: now libvirt is asked to run it */
        TIMESTAMP_CREATED,    /* libvirt has started it */
        TIMESTAMP_FIRST_BYTE, /* of the console */
        TIMESTAMP_READY,      /* the runner reports that */
        TIMESTAMP_UNIT_ACTIVE,
        TIMESTAMP_ANSWERED, /* shruthid has seen the end of the job */
        _TIMESTAMP_MAX,
        _TIMESTAMP_INVALID = -EINVAL,
} Timestamp;

/* The name on the bus: "RunnerBegan". */
const char *timestamp_to_string(Timestamp timestamp);
Timestamp timestamp_from_string(const char *text);

typedef struct Timestamps {
        uint64_t at[_TIMESTAMP_MAX]; /* 0: not known */
} Timestamps;

void timestamps_record(Timestamps *timestamps, Timestamp timestamp); /* sets it to now */

/* Parses "RunnerBegan 12345", as in a runner's state and in the helper's lines. -EBADMSG if it is malformed;
 * an unknown timestamp is ignored: a newer program may have written it. */
int timestamps_parse(Timestamps *timestamps, const char *value);

/* Lines "KEY=RunnerBegan 12345", for the timestamps that are known. */
void timestamps_format(const Timestamps *timestamps, const char *key, GString *text);

/* Copies the timestamps that are known in from but not in to. */
void timestamps_merge(Timestamps *to, const Timestamps *from);
