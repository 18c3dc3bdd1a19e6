/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/job.h"

/* Starting, stopping and restarting: systemd's jobs, a limited number of them in flight, each answered when
 * it is done. */

#define SHRUTHI_FLAG_NO_WAIT UINT64_C(1)

/* Takes call and answers it: with systemd's job as soon as there is one (no_wait), else when the job is
 * done. */
void job_run(Call *call, JobKind kind, bool no_wait);

/* Restarts after something else was done; answered without a result, or with the error behind what was done
 * ("The key is sealed"), which stays valid. */
void job_restart_after(Call *call, const char *was_done);

/* Of our own accord, on behalf of user. */
void job_run_for(Manager *manager, const char *name, uid_t user, JobKind kind, JobDone done, void *userdata);

/* Sends a signal to the runner; takes call and answers it. */
void job_kill(Call *call, int signal);

/* What systemd.c hears. jobs_check(): signals may have been missed. */
void jobs_removed(Manager *manager, const char *path, const char *unit, const char *result);
void jobs_check(Manager *manager);
