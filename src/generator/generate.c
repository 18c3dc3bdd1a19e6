/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions → files that systemd needs at boot (unikernel/unit-files.h). We are root here, and user
 * shruthi can write most of what is read: so it is read with that user's rights, and none of its content
 * gets into the log. */

#include "generator/generate.h"

#include <errno.h>
#include <glib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/names.h"
#include "common/paths.h"
#include "config.h"
#include "generator/kmsg.h"
#include "generator/release.h"
#include "generator/rights.h"
#include "unikernel/order.h"
#include "unikernel/unit-files.h"
#include "unikernel/update-record.h"

/* While nobody can tell yet who has keys, systemd loads what was set for each unikernel. The link has the
 * definitions read as soon as they are there. */
static int write_late(const char *dir)
{
        static const char text[] = "# Made by shruthi-generator: the definitions in the state directory are "
                                   "not there yet\n[Service]\n" UNIT_FILES_LOAD_ARCHIVE;
        g_autofree char *path = unit_files_credentials_path(SHRUTHI_UNIT_PREFIX SHRUTHI_UNIT_SUFFIX),
                        *target = g_build_filename(paths_units(), SHRUTHI_LATE_UNIT, NULL);
        UnitFile dropin = {.path = path, .text = (char *) text};
        UnitFile link = {.path = (char *) SHRUTHI_TARGET ".wants/" SHRUTHI_LATE_UNIT,
                        .text = target,
                        .link = true};
        g_autoptr(GPtrArray) files = g_ptr_array_new();

        g_ptr_array_add(files, &dropin);
        g_ptr_array_add(files, &link);
        return unit_files_write(dir, files);
}

/* That unit starts with unikernels.target. Of shruthid, because an update that a power failure has
 * interrupted continues when it starts; of shruthi-demand, because it has ports published for unikernels
 * that are stopped. Nobody else may request either at boot. */
static int write_wanted(const char *dir, const char *unit)
{
        g_autofree char *path = g_strconcat(SHRUTHI_TARGET ".wants/", unit, NULL),
                        *target = g_build_filename(paths_units(), unit, NULL);
        UnitFile link = {.path = path, .text = target, .link = true};
        g_autoptr(GPtrArray) files = g_ptr_array_new();

        g_ptr_array_add(files, &link);
        return unit_files_write(dir, files);
}

/* The sandboxes of a user's services let through where the state is unless XDG_STATE_HOME says otherwise. */
static int write_places(const char *dir)
{
        static const char *const units[] = {SHRUTHI_DAEMON_UNIT, SHRUTHI_DOMAIN_UNIT, SHRUTHI_SEAL_UNIT};
        g_autofree char *usual = g_build_filename(g_get_home_dir(), ".local/state/shruthi", NULL),
                        *path = NULL, *text = NULL;
        g_autoptr(GPtrArray) files = g_ptr_array_new();
        UnitFile dropins[G_N_ELEMENTS(units)];
        int r;

        if (!paths_are_of_user() || g_str_equal(usual, paths_state_dir()))
                return 0;

        path = unit_files_quote(paths_state_dir());
        text = g_strdup_printf("# Made by shruthi-generator: XDG_STATE_HOME\n[Service]\n"
                               "ReadWritePaths=\"%s\"\n",
                        path);
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                dropins[i] = (UnitFile){.path = g_strconcat(units[i], ".d/50-shruthi-places.conf", NULL),
                                .text = text};
                g_ptr_array_add(files, &dropins[i]);
        }
        r = unit_files_write(dir, files);
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                g_free(dropins[i].path);
        return r;
}

/* Whether the state directory has a file of NAME: those are for their owner only, but everybody can read the
 * kernel's log. */
static bool is_of_users(const char *name)
{
        g_autofree char *path =
                        g_strdup_printf("%s/%s" SHRUTHI_DEFINITION_SUFFIX, paths_state_definitions(), name);
        g_autofree char *dropins = g_strconcat(path, ".d", NULL);
        struct stat st;

        return lstat(path, &st) >= 0 || lstat(dropins, &st) >= 0;
}

/* Collects the files to be written for NAME, and what it says about order, if anything. demand: set if it is
 * started by traffic. */
static int read_one(const char *name, GPtrArray *orders, bool *demand, GPtrArray **ret_files)
{
        g_autoptr(Definition) definition = NULL;
        g_autofree char *hidden = paths_command("its definition is invalid ('shruthictl status' shows why)");
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        /* Nothing may be up yet that could tell a user's number, and it does not matter here. */
        r = rights_lower();
        if (r >= 0)
                r = definition_load_full(name, DEFINITION_IGNORE_USERS, &definition, &error);
        if (r >= 0)
                *ret_files = unit_files_new(definition);
        rights_raise();
        if (r < 0)
                kmsg_log(LOG_WARNING, "Skipping %s: %s", name,
                                is_of_users(name)
                                                ? hidden
                                                : error_message(&error, r));
        else {
                *demand = *demand || definition_is_on_demand(definition);
                if (order_is_any(definition))
                        g_ptr_array_add(orders, order_node_new(definition));
        }

        return r;
}

static int generate_one(const char *dir, const char *name, GPtrArray *orders, bool *demand)
{
        g_autoptr(GPtrArray) files = NULL;
        int r;

        r = read_one(name, orders, demand, &files);
        if (r < 0)
                return r;

        r = unit_files_write(dir, files);
        if (r < 0)
                kmsg_log(LOG_ERR, "%s: cannot write below %s: %s", name, dir, g_strerror(-r));
        return r;
}

static int list_names(char ***ret_names, bool *ret_late, bool *ret_updates)
{
        g_auto(GStrv) updates = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = rights_lower();
        if (r >= 0) {
                updates = update_records_list();
                *ret_updates = updates[0] != NULL;
                *ret_late = !paths_are_of_user() && access(paths_state_definitions(), F_OK) < 0;
                r = definition_list_names(ret_names, &error);
        }
        rights_raise();
        if (r < 0)
                kmsg_log(LOG_ERR, "%s", error_message(&error, r));

        return r;
}

int generate(const char *dir)
{
        g_autoptr(GPtrArray) orders = g_ptr_array_new_with_free_func(order_node_destroy);
        g_auto(GStrv) names = NULL;
        g_autofree char *loop = NULL;
        bool late = false, updates = false, demand = false;
        int r, used = 0;

        r = list_names(&names, &late, &updates);
        if (r < 0)
                return r;
        r = late ? write_late(dir) : write_places(dir);
        if (r >= 0 && updates)
                r = write_wanted(dir, SHRUTHI_DAEMON_UNIT);
        if (r < 0)
                kmsg_log(LOG_ERR, "Cannot write below %s: %s", dir, g_strerror(-r));

        for (char **name = names; *name; name++)
                if (generate_one(dir, *name, orders, &demand) >= 0)
                        used++;
        /* A user has no such service, and such a unikernel is refused. */
        r = demand && !paths_are_of_user() ? write_wanted(dir, SHRUTHI_DEMAND_UNIT) : 0;
        if (r >= 0)
                r = release_limits(dir);
        if (r < 0)
                kmsg_log(LOG_ERR, "Cannot write below %s: %s", dir, g_strerror(-r));
        loop = order_find_loop(orders, NULL);
        if (loop)
                kmsg_log(LOG_WARNING, ORDER_LOOP_MESSAGE ". systemd leaves one of them out at a start",
                                loop);

        return used;
}
