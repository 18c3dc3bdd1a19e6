/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* What administrators have written for one unit: drop-ins of systemd, and of the definition. They are kept
 * when the unikernel is removed. */

/* Paths of all that counts for NAME of that owner, whoever it was written for: of its unit, of the slice of
 * its guest, and of its definition. Free with g_strfreev(). */
char **unit_dropins_list(const char *name, uid_t owner);

/* Paths of the links by which "systemctl enable" has it started. Free with g_strfreev(). */
char **unit_links_list(const char *name);

/* Settings in systemd's drop-ins that limit the processes in a unit's control group: "KEY=VALUE (PATH)".
 * QEMU is in another group, so they do not limit the guest: drop-ins of its unit, those for all unikernels
 * (unikernel@.service.d), and those of the slice that earlier versions used. slice is QEMU's (NULL or "":
 * none of ours). A guest that is a process is in that group, so there are none on a host that can limit it
 * at all. Free with g_strfreev(). */
char **unit_dropins_without_effect(const char *name, const char *slice, bool process);

/* Settings that limit what is in a slice, "KEY=VALUE": its own; those of all slices whose names begin as its
 * does, and of all slices (systemd.unit(5)); and those that a generator has written below dir. Some of them
 * may be removed by an empty value elsewhere. Free with g_strfreev(). */
char **unit_dropins_list_limits(const char *slice, const char *dir);
