/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether volumes can still grow to the size that their guests see. Called by the runner, whom nobody
 * tells of a write that failed. */

#include "volume/room.h"

char *volume_list_without_room(const char *volumes, uint64_t least)
{
        g_auto(GStrv) names = g_strsplit(volumes, " ", -1);
        g_autoptr(GString) found = g_string_new(NULL);
        uint64_t left, total;

        if (volume_space(&left, &total, NULL) < 0 || left >= least)
                return NULL;

        for (char **name = names; *name; name++) {
                g_autoptr(Volume) volume = NULL;

                if (volume_load(*name, &volume, NULL) >= 0 && volume->allocated < volume->size)
                        g_string_append_printf(found, "%s%s", found->len > 0 ? " " : "", *name);
        }

        return found->len > 0 ? g_string_free(g_steal_pointer(&found), FALSE) : NULL;
}
