/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds bridges. Called by plan.c and report.c. */

#include "domain/host/bridges.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SYS_CLASS_NET "/sys/class/net"

static bool interface_is_bridge(const char *name)
{
        g_autofree char *path = g_strdup_printf(SYS_CLASS_NET "/%s/bridge", name);

        return access(path, F_OK) >= 0;
}

/* In a network namespace with its own /sys there is only lo. */
static bool host_interfaces_are_visible(void)
{
        g_autoptr(GDir) dir = g_dir_open(SYS_CLASS_NET, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (strcmp(name, "lo") != 0)
                        return true;

        return false;
}

int bridge_exists(const char *name)
{
        g_autofree char *link = g_strdup_printf(SYS_CLASS_NET "/%s", name);

        if (interface_is_bridge(name))
                return 1;
        if (!host_interfaces_are_visible())
                return -ENODATA;

        return access(link, F_OK) >= 0 ? -ENOTUNIQ : 0;
}

char **bridge_list(void)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        g_autoptr(GDir) dir = g_dir_open(SYS_CLASS_NET, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (interface_is_bridge(name))
                        g_strv_builder_add(names, name);

        return g_strv_builder_end(names);
}
