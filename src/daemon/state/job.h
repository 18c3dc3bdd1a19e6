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

typedef struct Job {
        Manager *manager;
        uint64_t id;
        JobKind kind;
        char *name, *unit;
        char *owner; /* the unikernel's, for the journal */
        Call *call;  /* NULL: answered */
        bool no_wait;
        const char *was_done; /* before; NULL: nothing, and systemd's job is the answer */
        uid_t uid;
        Queue *queue;
        QueueEntry *entry; /* NULL: waits for its turn */
        char *path;        /* systemd's job; NULL: not known yet */
        char *result;
        char *invocation_id; /* of the run before, or NULL */
        Timestamps timestamps;
        GHashTable *early; /* path → result: removed before we knew which one is ours */
} Job;

/* The one of systemd's path that has not ended; NULL: none. */
Job *job_by_path(const Manager *manager, const char *path);

/* Whether systemd is stopping NAME because somebody has asked us to. */
bool jobs_are_stopping(const Manager *manager, const char *name);

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
int job_end_judge(const char *name, const JobEnd *end, Error *ret_error);
