/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "unikernel/timestamps.h"

/* A start, stop or restart on its way: a job of systemd's and who waits for it. job-run.c takes it there. */

typedef enum JobKind {
        JOB_START,
        JOB_STOP,
        JOB_RESTART,
        _JOB_KIND_MAX,
        _JOB_KIND_INVALID = -EINVAL,
} JobKind;

const char *job_kind_to_string(JobKind kind); /* "start", "stop", "restart" */

/* Where one is on its way.
 *
 *     WAITING ──► RESETTING ──► REQUESTING ──► RUNNING ──► CHECKING ──► ENDED
 *        │                          ▲  │                                  ▲
 *        ├──────────────────────────┘  └──── systemd refuses ─────────────┤
 *        └────────────────── the unikernel is another's now ──────────────┘
 */
typedef enum JobState {
        JOB_WAITING,    /* for its turn in the queue */
        JOB_RESETTING,  /* systemd is to forget the starts that it has counted */
        JOB_REQUESTING, /* systemd is asked for the job */
        JOB_RUNNING,    /* systemd has it */
        JOB_CHECKING,   /* systemd has finished it; how is the unit now? */
        JOB_ENDED,
        _JOB_STATE_MAX,
        _JOB_STATE_INVALID = -EINVAL,
} JobState;

typedef enum JobEvent {
        JOB_EVENT_TURN,         /* it is let in by the queue */
        JOB_EVENT_TURN_COUNTED, /* the same, and systemd counts the starts of its unit */
        JOB_EVENT_RESET,        /* systemd has answered to that */
        JOB_EVENT_ACCEPTED,     /* systemd has made a job */
        JOB_EVENT_FAILED,       /* it cannot be asked for */
        JOB_EVENT_REMOVED,      /* systemd has finished it */
        JOB_EVENT_CHECKED,      /* it is known how the unit is */
        _JOB_EVENT_MAX,
} JobEvent;

/* _JOB_STATE_INVALID where nothing leads on. Pure. */
JobState job_state_next(JobState state, JobEvent event);

/* It has its place in the queue, and systemd has not finished it. */
bool job_state_is_in_flight(JobState state);

/* error may be moved. */
typedef void (*JobDone)(int r, Error *error, void *userdata);

typedef struct Job {
        Manager *manager;
        uint64_t id;
        JobKind kind;
        JobState state;
        char *name, *unit;
        char *owner; /* the unikernel's, for the journal */
        Call *call;  /* NULL: answered, or there is none */
        JobDone done; /* who is told of its end where there is no call; NULL: nobody */
        void *userdata;
        bool no_wait;
        const char *was_done; /* before; NULL: nothing, and systemd's job is the answer */
        uid_t uid;
        Queue *queue;
        QueueEntry *entry;   /* NULL: WAITING, or it has given its place to others */
        sd_event_source *turn_source; /* when it does */
        char *path;          /* systemd's job; NULL: before RUNNING */
        char *result;        /* systemd's word for its end; NULL: before CHECKING */
        char *invocation_id; /* of the run before, or NULL */
        Timestamps timestamps;
        GHashTable *early; /* path → result: removed before we knew which one is ours */
} Job;

/* The one that is RUNNING as systemd's path; NULL: none. */
Job *job_by_path(const Manager *manager, const char *path);

/* Whether systemd is stopping NAME because somebody has asked us to. */
bool jobs_are_stopping(const Manager *manager, const char *name);

/* It gives its place in the queue to others, which it may wait for. */
void job_leave_queue(Job *job);

/* The guest of NAME runs, and its unit waits until it is ready, perhaps for long: those that start it leave
 * the queue. */
void jobs_leave_queue(Manager *manager, const char *name);

/* Pure: what a finished job and the state after it mean. state and result are those of the unikernel,
 * job_result systemd's. */
typedef struct JobEnd {
        JobKind kind;
        const char *job_result;
        const char *active_state; /* systemd's */
        bool condition;
        ErrorCode error;    /* why it did not start; _ERROR_CODE_INVALID: not known */
        const char *reason; /* in words, or NULL */
} JobEnd;
int job_end_check(const char *name, const JobEnd *end, Error *ret_error);
