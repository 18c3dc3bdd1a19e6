/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which running guests need a restart. Called by set, edit and list. */

#include "ctl/bus/needs-restart.h"

#include <stdio.h>

#include "ctl/bus/client.h"
#include "ctl/output/value.h"

bool needs_restart_report(Ctl *ctl, const char *name)
{
        g_autoptr(JsonObject) properties = NULL;

        if (client_get_properties(ctl, name, &properties, NULL) < 0 ||
                        !value_flag(properties, "NeedsRestart"))
                return false;

        if (!ctl->options.quiet)
                printf("%s keeps running with the settings it was started with. To see what the next start "
                       "changes: shruthictl status %s\nTo apply the changes now: shruthictl restart %s\n",
                                name, name, name);
        return true;
}

GHashTable *needs_restart_list(Ctl *ctl)
{
        GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_auto(GStrv) listed = NULL;

        if (client_call_quietly(ctl, "ListChangedUnikernels", &reply, NULL, NULL) < 0 ||
                        sd_bus_message_read_strv(reply, &listed) < 0)
                return names;

        for (char **name = listed; name && *name; name++)
                g_hash_table_add(names, g_strdup(*name));
        return names;
}
