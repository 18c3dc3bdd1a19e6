/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks, after shruthid has started, whether systemd knows our definitions. Definitions of administrators
 * are left alone: administrators decide when systemd reads them. */

#include "daemon/state/units.h"

#include "common/log.h"
#include "common/paths.h"
#include "daemon/state/systemd.h"
#include "daemon/state/unikernel.h"
#include "unikernel/unit-files.h"

/* Returns a name whose current definition systemd does not know, or NULL. The generator also skips a broken
 * one. */
static const char *units_find_different(Manager *manager)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;

                if (definition && definition->origin == DEFINITION_ORIGIN_STATE &&
                                !g_hash_table_contains(manager->changing, unikernel->name) &&
                                !unit_files_are_there(paths_generated_units(), unikernel->name, definition))
                        return unikernel->name;
        }

        return NULL;
}

static void on_units_reloaded(int r, Error *error, void *userdata)
{
        Manager *manager = userdata;
        const char *name;

        if (r < 0) {
                log_warning("Cannot check whether systemd knows all definitions: %s",
                                error_message(error, r));
                return;
        }
        name = units_find_different(manager);
        if (name)
                log_warning("systemd still does not have the settings of '%s' after a reload; does "
                            "shruthi-generator run?",
                                name);
}

void units_repair(Manager *manager)
{
        const char *name = units_find_different(manager);

        if (!name)
                return;

        log_info("systemd does not have the settings of '%s' yet; reloading its units", name);
        systemd_reload(manager->systemd, on_units_reloaded, manager);
}
