/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"
#include "daemon/state/reload.h"

/* A client of systemd's bus interface: reads the state of our units, and asks for actions on them. */

#define SYSTEMD_MANAGER SYSTEMD_NAME ".Manager"

/* PID 1 asks polkit on our behalf, and may be reloading. */
#define SYSTEMD_CALL_TIMEOUT (90 * G_USEC_PER_SEC)

/* Callbacks for what systemd reports, except the state of units, which goes into their unikernels. */
typedef struct SystemdListener {
        void (*ready)(Manager *manager); /* once: all our units have been read, or cannot be */
        void (*job_removed)(Manager *manager, const char *path, const char *unit, const char *result);
        void (*signals_missed)(
                        Manager *manager); /* systemd was reloaded or re-executed: signals may be missing */
} SystemdListener;

/* Subscribes and asks for all our units. */
int systemd_new(Manager *manager, const SystemdListener *listener, Systemd **ret_systemd);
Systemd *systemd_free(Systemd *systemd);

/* Whether systemd can be reached over a bus. A bus that accepts connections but does not answer does not
 * count. */
bool systemd_is_reachable(const Manager *manager);

/* Reads the current state of the unit of name; done is called when the unikernel shows it, or with an error
 * if systemd cannot be asked. */
typedef void (*SystemdFetched)(int r, Error *error, void *userdata);
void systemd_fetch(Systemd *systemd, const char *name, SystemdFetched done, void *userdata);

/* The same, including all of status.timestamps, one of which takes another call. */
void systemd_fetch_timestamps(Systemd *systemd, const char *name, SystemdFetched done, void *userdata);

/* Conflicts with all units, and is active or has a job exactly while SystemState is "stopping"; that is so
 * for soft reboots, too (systemd.special(7), manager_state() of systemd). */
#define SYSTEMD_SHUTDOWN_UNIT "shutdown.target"

/* Finds out whether systemd shuts down, and so stops all units: SystemState in org.freedesktop.systemd1(5).
 * done is not called if the bus is gone, at which shruthid exits. */
typedef void (*SystemdShutdown)(bool shutting_down, void *userdata);
void systemd_ask_shutdown(Systemd *systemd, SystemdShutdown done, void *userdata);

/* Makes systemd reload its units, which runs the generator. Callers during a reload, or the rest after it,
 * share the next one. */
void systemd_reload(Systemd *systemd, ReloadDone done, void *userdata);

/* Converts the error of an answer to one of ours; what names the action that failed. */
int systemd_read_error(const sd_bus_error *error, const char *what, Error *ret_error);

/* Reads again which instances "systemctl enable" has linked. */
void systemd_scan_enabled(Systemd *systemd);
