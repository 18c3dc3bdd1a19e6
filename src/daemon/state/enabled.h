/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "daemon/core/worker.h"

/* Which unikernels "systemctl enable" has linked into a target. A thread reads the links themselves, because
 * systemd can be asked about only one unit at a time. done gets a new set of names. */
void enabled_scan(Worker *worker, void (*done)(GHashTable *enabled, void *userdata), void *userdata);

/* Scans one directory: adds the unikernels linked in the *.wants and *.requires of dir. */
void enabled_scan_directory(const char *dir, GHashTable *enabled);
