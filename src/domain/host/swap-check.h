/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether what is in memory may come to lie on a disk in clear. */

/* The first swap in text (/proc/swaps) that neither is in memory (zram) nor lies on dm-crypt, by sysfs
 * (mounted at sys), or NULL. Of a swap file, and of what sysfs does not know, the worst is believed. Free
 * with g_free(). */
char *swap_check_find_plain(const char *text, const char *sys);
