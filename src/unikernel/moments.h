/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdint.h>

/* The moments of a start, from the call to the answer, each told by who was there: shruthid, systemd (the
 * unit's own properties), the runner, and the helper that speaks to libvirt. All of them in µs of
 * CLOCK_MONOTONIC, which is one clock for the whole host. What they mean to clients stands with
 * GetStartTimes() in dbus/org.dream.Shruthi.Unikernel.xml. Pure. */

typedef enum Moment {
        MOMENT_SENT,           /* the call leaves the client, which alone knows of it */
        MOMENT_CALLED,         /* shruthid has the call and knows whose it is */
        MOMENT_AUTHORIZED,
        MOMENT_REQUESTED,      /* systemd is asked */
        MOMENT_JOB_MADE,
        MOMENT_RUNNER_FORKED,  /* by systemd, which then sets up the sandbox of the unit in it */
        MOMENT_RUNNER_BEGAN,
        MOMENT_HELPER_ASKED,
        MOMENT_HELPER_BEGAN,
        MOMENT_PLANNED,        /* definition and image are read */
        MOMENT_CONNECTED,
        MOMENT_ADDRESSED,
        MOMENT_PREPARED,       /* all that the domain needs is there */
        MOMENT_CREATED,        /* libvirt has started it */
        MOMENT_FIRST_BYTE,     /* of the console */
        MOMENT_READY,          /* the runner says so */
        MOMENT_UNIT_ACTIVE,
        MOMENT_ANSWERED,       /* shruthid has seen the job's end */
        _MOMENT_MAX,
        _MOMENT_INVALID = -EINVAL,
} Moment;

/* As on the bus: "RunnerBegan". */
const char *moment_to_string(Moment moment);
Moment moment_from_string(const char *text);

typedef struct Moments {
        uint64_t at[_MOMENT_MAX]; /* 0: not known */
} Moments;

void moments_note(Moments *moments, Moment moment); /* it is now */

/* "RunnerBegan 12345", as it stands in a runner's state and in the helper's lines. -EBADMSG for what is
 * none; a moment that is not known is passed over: a newer one may have written it. */
int moments_take(Moments *moments, const char *value);

/* Lines "KEY=RunnerBegan 12345", of those that are known. */
void moments_format(const Moments *moments, const char *key, GString *text);

/* What is known in from and not yet in to. */
void moments_add(Moments *to, const Moments *from);
