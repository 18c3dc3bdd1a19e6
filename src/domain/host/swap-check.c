/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds unencrypted swap, from /proc/swaps and what sysfs says about the underlying devices. Called by
 * check-keys.c. */

#include "domain/host/swap-check.h"

#include <glib.h>

/* Layers of device-mapper devices: nobody has that many. */
#define DEPTH_MAX 8

/* The UUID of a device-mapper device tells what created it ("CRYPT-LUKS2-…"). A device is also encrypted
 * if all devices below it are. */
static gboolean device_is_encrypted(const char *device, const char *sys, unsigned depth)
{
        g_autofree char *dir = g_build_filename(sys, "class", "block", device, NULL);
        g_autofree char *uuid_path = g_build_filename(dir, "dm", "uuid", NULL), *uuid = NULL;
        g_autofree char *slaves_path = g_build_filename(dir, "slaves", NULL);
        GDir *slaves;
        gboolean all = FALSE;

        if (g_str_has_prefix(device, "zram"))
                return TRUE;
        if (g_file_get_contents(uuid_path, &uuid, NULL, NULL) && g_str_has_prefix(uuid, "CRYPT-"))
                return TRUE;
        slaves = depth < DEPTH_MAX ? g_dir_open(slaves_path, 0, NULL) : NULL;
        if (!slaves)
                return FALSE;

        for (const char *slave; (slave = g_dir_read_name(slaves));) {
                all = device_is_encrypted(slave, sys, depth + 1);
                if (!all)
                        break;
        }
        g_dir_close(slaves);
        return all;
}

char *swap_check_find_plain(const char *text, const char *sys)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        /* The first line is a header (proc(5)); spaces in a path are written \040. */
        for (char **line = lines[0] ? lines + 1 : lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit_set(*line, " \t", 2);
                g_autofree char *path = words[0] ? g_strcompress(words[0]) : NULL, *device = NULL;

                if (!path || !*path)
                        continue;
                device = g_str_has_prefix(path, "/dev/") ? g_path_get_basename(path) : NULL;
                if (!device || !device_is_encrypted(device, sys, 0))
                        return g_steal_pointer(&path);
        }

        return NULL;
}
