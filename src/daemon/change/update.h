/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/change.h"
#include "daemon/change/update-state.h"
#include "daemon/state/job.h"
#include "unikernel/update-record.h"

/* Updates and rollbacks: a change (change.h) after which the unikernel is restarted, and watched for a
 * while; where it does not become ready, ends, or becomes unhealthy, the former definition comes back and is
 * started. One at a time of a name, and no other change of it meanwhile. What is under way is in a record on
 * disk, so that it goes on when shruthid has been killed. One that does not run is changed, and that is
 * all. */

#define UPDATE_PROBATION_DEFAULT (30 * G_USEC_PER_SEC)
#define UPDATE_PROBATION_MAX     (UINT64_C(86400) * G_USEC_PER_SEC)

typedef struct Update {
        Manager *manager;
        char *name;
        UpdateState state;
        Call *call;          /* NULL: it was begun by a former shruthid */
        ChangeUpdate change; /* what was asked for */
        UpdateRecord record;
        GenerationState outcome; /* of the new generation */
        uint64_t new_started;    /* of its guest, once that was ready */
        char *invocation;        /* … and its unit's; after its end: of the run that failed */
        char *text;              /* of a dry run */
        JobKind start;           /* how the new one is started */
        bool was_active;         /* the former one ran, and is to run again */
        bool reload;             /* systemd has something to learn */
        char *failure;           /* of the new generation, in words; NULL: it did not fail */
        Error error;             /* what to answer, if it is set */
        uint64_t due;            /* µs, CLOCK_MONOTONIC: the end of the probation */
        sd_event_source *due_source, *look_source;
} Update;

/* Takes call and settings (NULL: a rollback) and answers the call when all is over: a{sv}. change says what
 * is asked for; what of it is to be known of the unikernel is filled in here. */
void update_start(Call *call, const ChangeUpdate *change, Settings *settings);

/* The updates that a former shruthid has left, once systemd has told how the units are. */
void updates_resume(Manager *manager);

/* What is shown of NAME has changed. */
void updates_look(Manager *manager, const char *name);

/* update-answer.c: says how it ended, and answers the call, if there is one. */
void update_answer(Update *update);

/* update-work.c, for threads: writes how the new generation came out, and removes the record; puts the
 * former definition back; removes the record alone. Those that fail set update's error. */
void update_work_keep(void *update);
void update_work_return(void *update);
void update_work_clear(void *update);
