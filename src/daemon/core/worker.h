/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

/* A few threads for work that may block: hashing and copying images, reading and writing definitions, asking
 * NSS for names. A caller can block a thread for as long as they like (with a descriptor from their own file
 * system), so each user gets only a share of the threads. */

typedef struct Worker Worker;

/* run is called in a thread and touches only userdata; start (or NULL) is called before it and done after
 * it, both in the loop. */
typedef void (*WorkerFunction)(void *userdata);

int worker_new(sd_event *event, unsigned threads, unsigned per_user, Worker **ret_worker);
Worker *worker_free(Worker *worker);

void worker_run(Worker *worker, uid_t uid, WorkerFunction start, WorkerFunction run, WorkerFunction done,
                void *userdata);

unsigned worker_count(const Worker *worker); /* waiting and running */
