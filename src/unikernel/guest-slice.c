/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The slice of systemd in which the QEMU of a unikernel is. Called by domain/plan/plan.c, which puts it
 * there, and by code that reports limits. */

#include "unikernel/guest-slice.h"

#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"

#define CONTROLLERS_SIZE_MAX 4096

/* NULL if there are none. */
static char **controllers_read(void)
{
        g_autofree char *path = g_build_filename(paths_cgroups(), "cgroup.controllers", NULL), *text = NULL;

        if (file_read_at(AT_FDCWD, path, CONTROLLERS_SIZE_MAX, &text, NULL) < 0)
                return NULL;

        return g_strsplit_set(text, " \n", -1);
}

bool guest_slice_has_controller(const char *controller)
{
        g_auto(GStrv) words = controllers_read();

        return words && g_strv_contains((const char *const *) words, controller);
}

bool guest_slice_has_controllers(void)
{
        return guest_slice_has_controller("cpu") && guest_slice_has_controller("memory");
}

/* By whether its name can be activated, which libvirt checks, too. */
static bool has_machined(void)
{
        g_autofree char *path =
                        g_build_filename(paths_bus_services(), "org.freedesktop.machine1.service", NULL);

        return access(path, F_OK) >= 0;
}

bool guest_slice_is_available(void)
{
        return guest_slice_has_controllers() && has_machined();
}

static char *guest_slice_escape(const char *name)
{
        g_auto(GStrv) parts = g_strsplit(name, "-", -1);

        return g_strjoinv("\\x2d", parts);
}

char *guest_slice_name(uid_t owner, const char *name)
{
        g_autofree char *escaped = guest_slice_escape(name);

        return g_strdup_printf(SHRUTHI_SLICE_PREFIX "%u-%s.slice", owner, escaped);
}

char *guest_slice_former_name(const char *name)
{
        g_autofree char *escaped = guest_slice_escape(name);

        return g_strconcat(SHRUTHI_SLICE_PREFIX, escaped, ".slice", NULL);
}

char *guest_slice_partition(uid_t owner, const char *name)
{
        return g_strdup_printf("/" SHRUTHI_SLICE "/%u/%s", owner, name);
}

char *guest_slice_command(const char *slice)
{
        return g_strdup_printf("systemctl set-property '%s'", slice);
}
