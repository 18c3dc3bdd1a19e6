/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

/* A few threads for what may block: hashing and copying images, reading and writing definitions, asking NSS
 * for names. A caller can make a thread wait for as long as they like (a descriptor of a file system of
 * their own), so no user has more than a share of them. */

typedef struct Worker Worker;

/* run is called in a thread and touches nothing but userdata; start (or NULL) before and done after it in
 * the loop. */
typedef void (*WorkerFunction)(void *userdata);

int worker_new(sd_event *event, unsigned threads, unsigned per_user, Worker **ret_worker);
Worker *worker_free(Worker *worker);

void worker_run(Worker *worker, uid_t uid, WorkerFunction start, WorkerFunction run, WorkerFunction done,
                void *userdata);

unsigned worker_count(const Worker *worker); /* waiting and running */
