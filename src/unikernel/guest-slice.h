/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The slice of systemd's in which the QEMU of one unikernel is, below unikernel.slice: limits of either
 * (systemd.resource-control(5)) hold the guest, those of its unit do not. libvirt has systemd-machined put
 * it there. */

/* Whether this host can: not without control groups of version 2 that have controllers, nor without
 * systemd-machined, where libvirt takes no slice but its own. */
bool guest_slice_is_available(void);

/* The first of the two. */
bool guest_slice_has_controllers(void);

/* "unikernel-web.slice", with a '-' in the name as systemd.unit(5) escapes it. Free with g_free(). */
char *guest_slice_name(const char *name);

/* The same as libvirt's <partition>. Free with g_free(). */
char *guest_slice_partition(const char *name);

/* "systemctl set-property 'unikernel-web.slice'", for people. Free with g_free(). */
char *guest_slice_command(const char *name);
