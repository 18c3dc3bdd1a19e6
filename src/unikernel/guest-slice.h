/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The slice of systemd that has the QEMU of one unikernel in it, below unikernel.slice: limits of either
 * slice (systemd.resource-control(5)) apply to the guest, limits of the unikernel's unit do not. libvirt has
 * systemd-machined put QEMU there. */

/* Whether this host supports that: it needs control groups of version 2 with controllers, and
 * systemd-machined, without which libvirt accepts no slice but its own. */
bool guest_slice_is_available(void);

/* The first of the two conditions. */
bool guest_slice_has_controllers(void);

/* "unikernel-web.slice", with a '-' in the name as systemd.unit(5) escapes it. Free with g_free(). */
char *guest_slice_name(const char *name);

/* The same as libvirt's <partition>. Free with g_free(). */
char *guest_slice_partition(const char *name);

/* "systemctl set-property 'unikernel-web.slice'", for people. Free with g_free(). */
char *guest_slice_command(const char *name);
