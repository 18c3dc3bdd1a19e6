/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder service/ owns how shruthi-domain runs: the verbs of its command line (verbs.h), and its service
 * with a pool of workers (pool.h, worker.h), an observer of libvirt's events (observer.h), the sweeper
 * (sweeper.h) and the watch of shruthi-antispoof (bridge-watch.h). Only main.c calls it.
 *
 * "shruthi-domain serve", the main process of shruthi-domain.service: accepts requests (helper/request.h) on
 * the socket that systemd passes, and gives each to a worker: a process forked beforehand, which saves it
 * from loading sixty libraries. It never calls libvirt itself.
 *
 * It also notices units that have ended (sweeper.h), and has their domains swept; notices bridges that are
 * gone or back (bridge-watch.h), and has their guests reattached; and another process listens to libvirt's
 * events (observer.h), which it passes on to the runners.
 *
 * On control, a worker gets SERVE_CONTROL_CONNECT, or SERVE_CONTROL_SERVE with the descriptor of a
 * connection. It answers each with a byte when it is done, and exits when control is closed. */

#define SERVE_CONTROL_CONNECT 'c'
#define SERVE_CONTROL_SERVE   's'

typedef struct ServeRoles {
        void (*worker)(int control);
        void (*observer)(int out);
} ServeRoles;

/* Returns the exit status. */
int serve(const ServeRoles *roles);
