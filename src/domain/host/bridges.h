/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The bridges of this host, as the kernel shows them in /sys/class/net. */

/* 1: there is such a bridge; 0: there is none; -ENOTUNIQ: there is an interface of that name that is no
 * bridge; -ENODATA: this process sees no interface of the host (a network namespace of its own), and cannot
 * tell. */
int bridge_exists(const char *name);

/* Names of all that are seen. Free with g_strfreev(). */
char **bridge_list(void);
