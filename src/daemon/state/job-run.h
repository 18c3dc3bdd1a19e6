/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/job.h"

/* Starts, stops and restarts: systemd jobs, a limited number in flight, each answered when it is done. */

#define SHRUTHI_FLAG_NO_WAIT UINT64_C(1)

/* Takes call and answers it: with systemd's job as soon as it exists (no_wait), otherwise when the job is
 * done. */
void job_run(Call *call, JobKind kind, bool no_wait);

/* Restarts after another action. Answers without a result, or with the error preceded by what was done ("The
 * key is sealed"), which is not undone. */
void job_restart_after(Call *call, const char *was_done);

/* Runs a job without a call, on behalf of user. */
void job_run_for(Manager *manager, const char *name, uid_t user, JobKind kind, JobDone done, void *userdata);

/* Called by systemd.c for signals. jobs_check() is for when signals may have been missed. */
void jobs_removed(Manager *manager, const char *path, const char *unit, const char *result);
void jobs_check(Manager *manager);
