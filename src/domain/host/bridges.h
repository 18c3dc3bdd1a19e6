/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The bridges of this host, as the kernel shows them in /sys/class/net. */

/* Returns 1 if there is such a bridge, 0 if not, -ENOTUNIQ if an interface with that name is not a bridge,
 * -ENODATA if this process sees no interfaces of the host (it has its own network namespace). */
int bridge_exists(const char *name);

/* The names of all visible bridges. Free with g_strfreev(). */
char **bridge_list(void);
