/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The folder service/ owns how shruthi-domain runs: the verbs of its command line (verbs.h), and its service
 * with a pool of workers (pool.h, worker.h), an observer of libvirt's events (observer.h), the sweeper
 * (sweeper.h) and the watch of shruthi-antispoof (bridge-watch.h). main.c alone calls it.
 *
 * "shruthi-domain serve", the main process of shruthi-domain.service: takes requests (helper/request.h)
 * on the socket that systemd hands over, and gives each to a worker: a process that was made beforehand,
 * by a fork that spares it the loading of sixty libraries. It never calls libvirt itself.
 *
 * Besides it sees whose unit has ended (sweeper.h), and has those domains swept; hears whose bridge has
 * gone or come back (bridge-watch.h), and has those attached again; and one process more listens to
 * libvirt's events (observer.h), which it passes on to the runners.
 *
 * A worker gets SERVE_CONTROL_CONNECT, or SERVE_CONTROL_SERVE with the descriptor of a connection, on
 * control, answers each with a byte when it is done, and ends at the end of control. */

#define SERVE_CONTROL_CONNECT 'c'
#define SERVE_CONTROL_SERVE   's'

typedef struct ServeRoles {
        void (*worker)(int control);
        void (*observer)(int out);
} ServeRoles;

/* Returns the exit status. */
int serve(const ServeRoles *roles);
