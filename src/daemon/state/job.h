/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "unikernel/timestamps.h"

/* A start, stop or restart in progress: a systemd job and the call that waits for it. job-run.c carries it
 * out. */

typedef enum JobKind {
        JOB_START,
        JOB_STOP,
        JOB_RESTART,
        _JOB_KIND_MAX,
        _JOB_KIND_INVALID = -EINVAL,
} JobKind;

const char *job_kind_to_string(JobKind kind); /* "start", "stop", "restart" */

/* The states of a job.
 *
 *     WAITING ──► RESETTING ──► REQUESTING ──► RUNNING ──► CHECKING ──► ENDED
 *        │                          ▲  │                                  ▲
 *        ├──────────────────────────┘  └──── systemd refuses ─────────────┤
 *        └────────────────── the unikernel is another's now ──────────────┘ */
typedef enum JobState {
        JOB_WAITING,    /* waits for its turn in the queue */
        JOB_RESETTING,  /* systemd is asked to forget the starts that it has counted */
        JOB_REQUESTING, /* systemd is asked for the job */
        JOB_RUNNING,    /* systemd has it */
        JOB_CHECKING,   /* systemd has finished it; the unit's state is read */
        JOB_ENDED,
        _JOB_STATE_MAX,
        _JOB_STATE_INVALID = -EINVAL,
} JobState;

typedef enum JobEvent {
        JOB_EVENT_TURN,         /* its turn in the queue */
        JOB_EVENT_TURN_COUNTED, /* its turn, and systemd counts the starts of its unit */
        JOB_EVENT_RESET,        /* systemd has answered the reset */
        JOB_EVENT_ACCEPTED,     /* systemd has created the job */
        JOB_EVENT_FAILED,       /* systemd cannot be asked, or refuses */
        JOB_EVENT_REMOVED,      /* systemd has finished it */
        JOB_EVENT_CHECKED,      /* the unit's state is known */
        _JOB_EVENT_MAX,
} JobEvent;

/* Returns _JOB_STATE_INVALID if the event is not valid in that state. Pure. */
JobState job_state_next(JobState state, JobEvent event);

/* Whether the job has its place in the queue and systemd has not finished it. */
bool job_state_is_in_flight(JobState state);

/* The callee may move error. */
typedef void (*JobDone)(int r, Error *error, void *userdata);

typedef struct Job {
        Manager *manager;
        uint64_t id;
        JobKind kind;
        JobState state;
        char *name, *unit;
        char *owner; /* of the unikernel, for the journal */
        Call *call;  /* NULL if answered, or there is none */
        JobDone done; /* called at its end if there is no call; may be NULL */
        void *userdata;
        bool no_wait;
        const char *was_done; /* before the job; NULL if nothing, then systemd's job is the answer */
        uid_t uid;
        Queue *queue;
        QueueEntry *entry;   /* NULL while WAITING, or once it has given its place to others */
        sd_event_source *turn_source; /* fires when it gives its place to others */
        char *path;          /* of systemd's job; NULL before RUNNING */
        char *result;        /* systemd's result of the job; NULL before CHECKING */
        char *invocation_id; /* of the previous run, or NULL */
        Timestamps timestamps;
        GHashTable *early; /* path → result: of jobs removed before we knew which one is ours */
} Job;

/* The job that is RUNNING with systemd's path; NULL if none. */
Job *job_by_path(const Manager *manager, const char *path);

/* Whether systemd is stopping NAME at our request. */
bool jobs_are_stopping(const Manager *manager, const char *name);

/* Gives the job's place in the queue to others, which it may be waiting for. */
void job_leave_queue(Job *job);

/* Called when the guest of NAME runs and its unit waits, perhaps for long, until it is ready: the jobs that
 * start it leave the queue. */
void jobs_leave_queue(Manager *manager, const char *name);

/* Whether a finished job did what it was for, from systemd's result of the job and the state of the unit
 * after it. Pure. */
typedef struct JobEnd {
        JobKind kind;
        const char *job_result;
        const char *active_state; /* systemd's */
        bool condition;
        ErrorCode error;    /* why it did not start; _ERROR_CODE_INVALID if not known */
        const char *reason; /* in words, or NULL */
} JobEnd;
int job_end_check(const char *name, const JobEnd *end, Error *ret_error);
