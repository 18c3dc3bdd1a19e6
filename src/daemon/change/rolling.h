/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/rolling-state.h"
#include "daemon/change/update-state.h"
#include "daemon/core/manager.h"

/* The twin of a unikernel that is updated without an interruption.
 *
 * A rolling update of NAME first runs the new generation beside it, as a unikernel NAME_next that nobody
 * else can make: the same definition, with addresses of its own, without Restart= and what orders units.
 * When it is ready and has held for the probation, shruthi-antispoof has new connections to the published
 * ports go to it. Those that are open stay where they are, and are given some time to end. Then NAME itself
 * is restarted with the new generation, and proven as in any update, while its twin serves. When that is
 * over, new connections go to NAME again, and the twin is given the same time, and removed. So NAME stays
 * what it is, with its unit, its addresses and its journal, and at each moment one of the two answers; and a
 * new generation that fails as a twin has never taken the place of the former one.
 *
 * What the twin is and how far it is stands in systemd, in its definition in /var/lib and in the records of
 * shruthi-antispoof; each step may be repeated, so a shruthid that finds the record of such an update begins
 * the trial or the end of the twin again. */

#define ROLLING_DRAIN_DEFAULT (30 * G_USEC_PER_SEC)
#define ROLLING_DRAIN_MAX     (UINT64_C(86400) * G_USEC_PER_SEC)

/* event is DONE or FAILED; after a trial also STOPPED: the unikernel itself was stopped by somebody. */
typedef void (*RollingDone)(UpdateEvent event, void *userdata);

typedef struct Rolling {
        Manager *manager;
        char *name, *twin;
        uid_t user; /* who asked for the update */
        uint64_t probation_usec, drain_usec;
        RollingDone done;
        void *userdata;

        RollingState state;
        bool trying;          /* rolling_try() is not over */
        bool reload;          /* systemd has to reload its units */
        bool counting;        /* shruthi-domain counts connections */
        bool given_up;        /* STARTING: the start is being ended */
        uint64_t new_started; /* of its guest, once that is ready */
        unsigned attempts;    /* to move ports */
        uint64_t due;         /* µs, CLOCK_MONOTONIC: the end of the probation, or of draining */
        uint64_t count_usec;  /* draining: how long it waits until connections are counted again */
        sd_event_source *timer, *look_source;
        char *failure;    /* why the trial failed, in words; NULL if it did not */
        char *invocation; /* of the twin's unit in the run that failed; NULL if there is none */
} Rolling;

Rolling *rolling_new(Manager *manager, const char *name, uid_t user, uint64_t probation_usec,
                uint64_t drain_usec);
Rolling *rolling_free(Rolling *rolling);

/* Each calls done once, perhaps before it returns. */
void rolling_try(Rolling *rolling, RollingDone done, void *userdata);
void rolling_retire(Rolling *rolling, RollingDone done, void *userdata);

/* Called when the properties of the unikernel or its twin have changed. */
void rolling_look(Rolling *rolling);

/* Ends all twins that belong to no update. */
void rolling_sweep(Manager *manager);
