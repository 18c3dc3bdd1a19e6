/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Before a fleet is made: whether it can be. */

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "config.h"
#include "ctl/bus/client-image.h"
#include "ctl/cli/error-context.h"
#include "ctl/fleet/admission.h"
#include "ctl/fleet/run.h"
#include "ctl/fleet/state.h"
#include "ctl/fleet/view.h"
#include "ctl/output/value.h"

static int prepare_check_names(FleetRun *run, Error *ret_error)
{
        g_autoptr(GPtrArray) rows = NULL;
        int r;

        r = client_list(run->ctl, &rows, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < rows->len; i++) {
                const UnikernelRow *row = rows->pdata[i];

                if (g_hash_table_contains(run->members, row->name))
                        return error_set(ret_error, ERROR_UNIKERNEL_EXISTS,
                                        "The unikernel %s is there already: give the fleet another Name=, "
                                        "or remove "
                                        "what has this one (a fleet of another user: shruthictl fleet list "
                                        "as root)",
                                        row->name);
        }

        return 0;
}

/* Those of a fleet whose file is elsewhere, or gone. */
static int prepare_check_mark(FleetRun *run, Error *ret_error)
{
        const char *fleet = run->plan->name;
        g_autoptr(GPtrArray) found = NULL;
        int r;

        r = fleet_find_members(run->ctl, fleet, &found, ret_error);
        if (r < 0)
                return r;
        (void) fleet_found_keep(found, geteuid());
        if (found->len > 0)
                return error_set(ret_error, ERROR_UNIKERNEL_EXISTS,
                                "There are %u members of a fleet %s of yours, such as %s, whose plan is not "
                                "noted here: shruthictl fleet down %s",
                                found->len, fleet, ((FleetFound *) found->pdata[0])->name, fleet);

        return 0;
}

/* A network is noted before it is made, so one that is there already must never be. */
static int prepare_check_networks(FleetRun *run, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const char *name;
        int r;

        if (run->plan->networks->len == 0)
                return 0;
        r = client_call(run->ctl, "ListNetworks", &reply, ret_error, NULL);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ssussos)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssussos)", &name, NULL, NULL, NULL, NULL, NULL,
                                          NULL)) > 0)
                g_hash_table_add(names, g_strdup(name));
        if (r < 0)
                return client_message_error(r, ret_error);

        for (guint i = 0; i < run->plan->networks->len; i++) {
                const FleetNetwork *network = run->plan->networks->pdata[i];
                g_autofree char *host_name = fleet_network_host_name(run->plan, network);

                if (!network->network && !network->bridge && g_hash_table_contains(names, host_name))
                        return error_set(ret_error, ERROR_NETWORK_EXISTS,
                                        "The network %s is there already: give the fleet another Name=, or "
                                        "remove it (shruthictl network remove %s)",
                                        host_name, host_name);
        }

        return 0;
}

static int prepare_import(FleetRun *run, const FleetGroup *group, char **ret_digest, Error *ret_error)
{
        if (digest_is_valid(group->image)) {
                *ret_digest = g_strdup(group->image);
                return 0;
        }

        return client_import_image(run->ctl, group->image, NULL, ret_digest, ret_error);
}

static int prepare_images(FleetRun *run, FleetAdmission *admission, Error *ret_error)
{
        for (guint i = 0; i < run->plan->groups->len; i++) {
                const FleetGroup *group = run->plan->groups->pdata[i];
                g_autoptr(JsonObject) info = NULL;
                char *digest = NULL;
                int r;

                r = prepare_import(run, group, &digest, ret_error);
                if (r >= 0) {
                        g_ptr_array_add(run->record->digests, digest);
                        r = client_inspect_image(run->ctl, digest, &info, ret_error);
                }
                if (r < 0) {
                        error_prefix(ret_error, "Cannot use the image of [Group %s]", group->name);
                        return r;
                }
                if (!value_flag(info, "Hostable"))
                        return error_set(ret_error, ERROR_UNSUPPORTED_IMAGE,
                                        "The image of [Group %s], %s, is %s", group->name, group->image,
                                        value_text(info, "Problem"));
                fleet_admission_add(admission, run->expansion, group,
                                g_str_equal(value_text(info, "BootMethod"), "process"));
        }

        return 0;
}

/* Takes the value. Of what is not known, as Acceleration before the first domain, nothing is said. */
static void prepare_fact(FleetRun *run, const char *key, char *value)
{
        if (!value || !*value) {
                g_free(value);
                return;
        }
        g_ptr_array_add(run->record->facts, g_strdup(key));
        g_ptr_array_add(run->record->facts, value);
}

static void prepare_facts(FleetRun *run)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(JsonObject) manager = NULL;
        struct utsname name;

        prepare_fact(run, "Version", g_strdup(SHRUTHI_VERSION));
        if (client_get_properties(run->ctl, NULL, &manager, &error) >= 0) {
                prepare_fact(run, "DaemonVersion", g_strdup(value_text(manager, "Version")));
                prepare_fact(run, "Acceleration", g_strdup(value_text(manager, "Acceleration")));
        }
        if (uname(&name) >= 0) {
                prepare_fact(run, "Host", g_strdup(name.nodename));
                prepare_fact(run, "Kernel", g_strdup_printf("%s %s", name.sysname, name.release));
                prepare_fact(run, "Machine", g_strdup(name.machine));
        }
        prepare_fact(run, "Processors", g_strdup_printf("%ld", sysconf(_SC_NPROCESSORS_ONLN)));
        prepare_fact(run, "MemoryAvailable",
                        g_strdup_printf("%" G_GUINT64_FORMAT, fleet_memory_available()));
}

int fleet_prepare(FleetRun *run, Error *ret_error)
{
        FleetAdmission admission = {};
        int r;

        fleet_view_phase(run, "preparing");
        r = fleet_state_begin(run->plan->name, run->plan->path, ret_error);
        if (r < 0)
                return r;
        r = prepare_check_names(run, ret_error);
        if (r >= 0)
                r = prepare_check_mark(run, ret_error);
        if (r >= 0)
                r = prepare_check_networks(run, ret_error);
        if (r >= 0)
                r = fleet_admission_begin(&admission, ret_error);
        if (r >= 0)
                r = prepare_images(run, &admission, ret_error);
        if (r >= 0)
                r = fleet_admission_check(&admission, ret_error);
        if (r < 0) {
                fleet_state_remove(run->plan->name);
                return r;
        }

        prepare_facts(run);
        return 0;
}
