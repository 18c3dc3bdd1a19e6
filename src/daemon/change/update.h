/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/change.h"
#include "daemon/change/rolling.h"
#include "daemon/change/update-state.h"
#include "daemon/state/job.h"
#include "unikernel/update-record.h"

/* Updates and rollbacks: a change (change.h) after which the unikernel is restarted and watched for a while.
 * If it does not become ready, ends, or becomes unhealthy, the former definition is restored and started.
 * Only one update of a name at a time, and no other change of it meanwhile. An update in progress has a
 * record on disk, so that it continues after shruthid was killed. A unikernel that does not run is only
 * changed. */

#define UPDATE_PROBATION_DEFAULT (30 * G_USEC_PER_SEC)
#define UPDATE_PROBATION_MAX     (UINT64_C(86400) * G_USEC_PER_SEC)

typedef struct Update {
        Manager *manager;
        char *name;
        UpdateState state;
        Call *call;          /* NULL if a former shruthid began it */
        ChangeUpdate change; /* the request */
        UpdateRecord record;
        GenerationState outcome; /* of the new generation */
        uint64_t new_started;    /* of its guest, once that is ready */
        char *invocation;        /* … of its unit; after a failure, of the run that failed */
        char *text;              /* of a dry run */
        UpdateEvent asked;       /* ASKING: what it is if systemd does not shut down */
        JobKind start;           /* how the new one is started */
        bool was_active;         /* the former one ran, and must run again */
        bool former_in_force;    /* resumed: the definition is not that of the new generation */
        bool shutdown_over;      /* what stops the guest is a shutdown, which has been canceled */
        bool shutdown_canceled;  /* resumed: because of that */
        bool reload;             /* systemd has to reload its units */
        bool untouched;          /* the new one failed as a twin, so the former one runs on */
        Rolling *rolling;        /* the twin; NULL if there is none */
        char *failure;           /* of the new generation, in words; NULL if it did not fail */
        Error error;             /* the answer, if set */
        uint64_t due;            /* µs, CLOCK_MONOTONIC: the end of the probation */
        sd_event_source *due_source, *look_source;
} Update;

/* update-start.c: takes call and settings (NULL for a rollback), and answers the call with an a{sv} at the
 * end. change is the request; the fields that depend on the unikernel are filled in here. */
void update_start(Call *call, const ChangeUpdate *change, Settings *settings);

/* Whether it would restart the unikernel now; and the question to polkit, for a caller whose image comes
 * later, who then sets may_restart. */
bool update_restarts(const Call *call, const ChangeUpdate *change);
void update_ask_restart(Call *call, PolkitDone done, void *userdata);
int update_refuse_restart(Decision decision, const char *name, Error *ret_error);

/* Resumes the updates that a former shruthid has left, once the state of the units is known. */
void updates_resume(Manager *manager);

/* Called when the properties of name, which may be a twin, have changed. */
void updates_look(Manager *manager, const char *name);

/* Called when a shutdown may have been canceled: updates that it has interrupted go on. */
void updates_check_shutdown(Manager *manager);

/* update.c, for its other files: an update in the table of those in progress; what becomes of it, after
 * which it may be freed; and the twin that its record speaks of, if there is one. */
Update *update_new(Manager *manager, const char *name);
void update_advance(Update *update, UpdateEvent event);
void update_add_twin(Update *update);

/* update-resume.c: where an update goes on that has a record and a name only: sets its state, was_active,
 * and what is known of a failure. Reads files, but nobody is served yet. */
void update_find_state(Update *update, const Unikernel *unikernel);
bool update_is_of_this_boot(const Update *update);

/* The host was restarted meanwhile, and after a boot only Autostart= starts it. What a shutdown has
 * stopped that was canceled, is started by the update. */
bool update_was_left_behind(const Update *update, const Unikernel *unikernel);

/* update-answer.c: says how it ended, or that it goes on at the next boot, and answers the call, if there is
 * one. */
void update_answer(Update *update);

/* update-work.c, for threads: the first notes in the record that the twin serves; the second writes the
 * outcome of the new generation; the third restores the former definition, if it is not in force, and
 * writes the outcome in any case; the fourth removes the record; the last notes in it that its boot is
 * over, which that of a user's manager, or one before a soft reboot, may be when that of the host is not.
 * On failure they set update's error. */
void update_work_note(void *update);
void update_work_keep(void *update);
void update_work_return(void *update);
void update_work_clear(void *update);
void update_work_interrupt(void *update);
