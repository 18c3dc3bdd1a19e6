/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "daemon/core/worker.h"

/* Which unikernels "systemctl enable" has linked into a target: read off the links themselves, in a thread,
 * because systemd tells only about one unit at a time. done gets a new set of names. */
void enabled_scan(Worker *worker, void (*done)(GHashTable *enabled, void *userdata), void *userdata);

/* The part that looks: adds what is linked in the *.wants and *.requires of dir. */
void enabled_scan_directory(const char *dir, GHashTable *enabled);
