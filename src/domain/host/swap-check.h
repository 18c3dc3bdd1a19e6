/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether memory may be swapped to a disk in clear. */

/* The first swap in text (/proc/swaps) that is neither in memory (zram) nor on dm-crypt, by sysfs (mounted
 * at sys), or NULL. A swap file, or a device that sysfs does not know, counts as unencrypted. Free with
 * g_free(). */
char *swap_check_find_plain(const char *text, const char *sys);
