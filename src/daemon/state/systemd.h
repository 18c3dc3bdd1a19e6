/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"
#include "daemon/state/reload.h"

/* systemd, as a client of its bus interface: how our units are, and what is to be done with them. */

#define SYSTEMD_MANAGER SYSTEMD_NAME ".Manager"

/* PID 1 asks polkit on our behalf, and may be reloading. */
#define SYSTEMD_CALL_TIMEOUT (90 * G_USEC_PER_SEC)

/* Who is told of what systemd says, but for how units are, which goes into their unikernels. */
typedef struct SystemdListener {
        void (*ready)(Manager *manager); /* once: the answers about all our units are in, or do not come */
        void (*job_removed)(Manager *manager, const char *path, const char *unit, const char *result);
        void (*signals_missed)(
                        Manager *manager); /* some may have been: systemd was reloaded or re-executed */
} SystemdListener;

/* Subscribes and asks for all our units. */
int systemd_new(Manager *manager, const SystemdListener *listener, Systemd **ret_systemd);
Systemd *systemd_free(Systemd *systemd);

/* Whether there is a bus to reach it on. One that takes connections and says nothing is none. */
bool systemd_is_reachable(const Manager *manager);

/* Asks how NAME's unit is now; done is called when the unikernel shows it, or with an error when it
 * cannot be asked for. */
typedef void (*SystemdFetched)(int r, Error *error, void *userdata);
void systemd_fetch(Systemd *systemd, const char *name, SystemdFetched done, void *userdata);

/* The same with all of its status.timestamps, one of which takes a call more. */
void systemd_fetch_timestamps(Systemd *systemd, const char *name, SystemdFetched done, void *userdata);

/* Makes systemd read its units again, for the generator's sake. Those who ask while it is at it, or rests
 * from it, share the next one. */
void systemd_reload(Systemd *systemd, ReloadDone done, void *userdata);

/* Turns the error of an answer into one of ours; what names what could not be done. */
int systemd_read_error(const sd_bus_error *error, const char *what, Error *ret_error);

/* Looks again which instances "systemctl enable" has linked. */
void systemd_scan_enabled(Systemd *systemd);
