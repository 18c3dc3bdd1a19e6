/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checks of doctor for a user's own unikernels: what the host has of what these can use. Called by
 * check.c. */

#include <errno.h>
#include <glib.h>
#include <unistd.h>

#include "common/users.h"
#include "domain/check/check-private.h"

#define LINGER_DIR "/var/lib/systemd/linger" /* of systemd-logind */

void check_uplinks(void)
{
        g_autofree char *program = g_find_program_in_path("passt");

        if (program)
                check_emit("uplinks", "ok", "", "%s can give unikernels a network", program);
        else
                check_emit("uplinks", "warning", "install passt (in Debian: apt install passt)",
                                "passt is not installed, so only unikernels without a network can start");
}

void check_lingering(void)
{
        g_autofree char *user = user_name(getuid()), *path = g_build_filename(LINGER_DIR, user, NULL);

        if (access(path, F_OK) >= 0)
                check_emit("lingering", "ok", "",
                                "The user's manager runs from boot on, and so do unikernels with "
                                "Autostart=yes");
        else
                check_emit("lingering", "ok", "",
                                "Unikernels run for as long as the user is logged in; for longer: loginctl "
                                "enable-linger %s",
                                user);
}
