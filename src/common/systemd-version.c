/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The version of this host's systemd. A generator cannot ask systemd itself, which waits for its
 * generators. */

#include "common/systemd-version.h"

#include <glib.h>
#include <stdlib.h>

static unsigned version_read(void)
{
        char *argv[] = {(char *) "systemctl", (char *) "--version", NULL};
        g_autofree char *output = NULL;

        /* "systemd 252 (252.39-1~deb12u1)" */
        if (!g_spawn_sync("/", argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                            &output, NULL, NULL, NULL) ||
                        !g_str_has_prefix(output, "systemd "))
                return 0;

        return (unsigned) strtoul(output + sizeof "systemd " - 1, NULL, 10);
}

unsigned systemd_version(void)
{
        static gsize version; /* plus one, since g_once_init_enter() needs a value other than 0 */

        if (g_once_init_enter(&version))
                g_once_init_leave(&version, 1 + (gsize) version_read());
        return (unsigned) (version - 1);
}
