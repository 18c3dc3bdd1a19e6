/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The slice of systemd that has the QEMU of one unikernel in it, below the slice of its owner, which is
 * below unikernel.slice: limits of any of the three (systemd.resource-control(5)) apply to the guest, limits
 * of the unikernel's unit do not. libvirt has systemd-machined put QEMU there. */

/* Whether this host supports that: it needs control groups of version 2 with controllers, and
 * systemd-machined, without which libvirt accepts no slice but its own. */
bool guest_slice_is_available(void);

/* The first of the two conditions. */
bool guest_slice_has_controllers(void);

/* Whether the host has one controller: "cpu", "cpuset", "io", "memory". */
bool guest_slice_has_controller(const char *controller);

/* "unikernel-1000-web.slice", with a '-' in the name as systemd.unit(5) escapes it. Root's are in
 * unikernel-0.slice, so that a name that is a number is not taken for an owner. Free with g_free(). */
char *guest_slice_name(uid_t owner, const char *name);

/* The slice of a guest that an earlier version has started and that still runs: "unikernel-web.slice". Free
 * with g_free(). */
char *guest_slice_former_name(const char *name);

/* The same as guest_slice_name(), as libvirt's <partition>. Free with g_free(). */
char *guest_slice_partition(uid_t owner, const char *name);

/* "systemctl set-property 'unikernel-1000-web.slice'", for people. Free with g_free(). */
char *guest_slice_command(const char *slice);
