/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What administrators have written for one unit: drop-ins of systemd's, and of the definition. They stay
 * when the unikernel is removed. */

/* Paths of all that counts for NAME, whoever it was written for. */
char **unit_dropins_list(const char *name);

/* Settings in systemd's drop-ins that limit what is in a unit's control group: "KEY=VALUE (PATH)". QEMU is
 * in another, so that they hold no guest. Those of all unikernels (unikernel@.service.d) are among them. */
char **unit_dropins_without_effect(const char *name);
