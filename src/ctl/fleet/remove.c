/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is a fleet's, and its removal. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/unikernel-name.h"
#include "common/users.h"
#include "ctl/fleet/emulation.h"
#include "ctl/fleet/state.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"
#include "fleet/plan/plan.h"

#define DETAILS_MAX 256 /* names in a call */
#define QUIET_USEC                                                                                          \
        (10 * G_USEC_PER_SEC) /* until the next member of a creation that a killed run has begun */
#define STEP_USEC (300 * 1000)
#define BUSY_USEC (60 * G_USEC_PER_SEC) /* for the creation of a network that a killed run has begun */

/* The name of a fleet: the operand, or that of the plan if it is a file. A name has neither '.' nor '/', and
 * is one whatever lies in the current folder. */
static int fleet_name(const char *operand, char **ret_name, Error *ret_error)
{
        g_autoptr(FleetPlan) plan = NULL;
        int r;

        if (name_is_valid(operand)) {
                *ret_name = g_strdup(operand);
                return 0;
        }

        r = fleet_plan_load(operand, &plan, ret_error);
        if (r < 0)
                return r;
        *ret_name = g_strdup(plan->name);
        return 0;
}

int fleet_owned_name(const char *operand, uid_t *ret_owner, char **ret_name, Error *ret_error)
{
        const char *colon = strchr(operand, ':');
        g_autofree char *user = NULL;

        *ret_owner = geteuid();
        if (!colon || !name_is_valid(colon + 1))
                return fleet_name(operand, ret_name, ret_error);

        user = g_strndup(operand, (size_t) (colon - operand));
        if (user_parse("USER", user, ret_owner, NULL) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "There is no user '%s': write USER:NAME, with USER as shruthictl fleet list "
                                "shows it",
                                user);

        *ret_name = g_strdup(colon + 1);
        return 0;
}

void fleet_found_free(gpointer data)
{
        FleetFound *found = data;

        g_free(found->name);
        g_free(found->fleet);
        g_free(found->state);
        g_clear_pointer(&found->devices, g_ptr_array_unref);
        g_free(found);
}

/* Network devices and their addresses. */
static GPtrArray *found_read_devices(JsonObject *details)
{
        GPtrArray *devices = g_ptr_array_new_with_free_func(g_free);
        JsonArray *array = value_array(details, "Devices");

        for (guint i = 0; array && i < json_array_get_length(array); i++) {
                JsonObject *device = json_array_get_object_element(array, i);

                if (!g_str_equal(value_text(device, "Kind"), "network"))
                        continue;
                g_ptr_array_add(devices, g_strdup(value_text(device, "Name")));
                g_ptr_array_add(devices, g_strdup(value_text(device, "Address")));
        }

        return devices;
}

/* Keeps of these rows those whose definition has the mark. */
static int find_marked(Ctl *ctl, UnikernelRow **rows, guint n, const char *fleet, GPtrArray *found,
                Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        g_autoptr(JsonObject) all = NULL;
        int r;

        r = client_new_call(ctl, "ListUnikernelDetails", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(call, 'a', "s");
        for (guint i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(call, "s", rows[i]->name);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r < 0)
                return client_message_error(r, ret_error);
        r = client_send(ctl, call, &reply, ret_error);
        if (r < 0)
                return r;
        r = value_read_object(reply, &all);
        if (r < 0)
                return client_message_error(r, ret_error);

        for (guint i = 0; i < n; i++) {
                JsonObject *details = json_object_has_member(all, rows[i]->name)
                                                      ? json_object_get_object_member(all, rows[i]->name)
                                                      : NULL;
                const char *mark = details ? value_text(details, "Fleet") : "";
                g_autofree char *prefix = g_strconcat(mark, "-", NULL);
                FleetFound *one;

                if (!*mark || !g_str_has_prefix(rows[i]->name, prefix) ||
                                (fleet && !g_str_equal(mark, fleet)))
                        continue;
                one = g_new0(FleetFound, 1);
                *one = (FleetFound){.name = g_strdup(rows[i]->name),
                                .fleet = g_strdup(mark),
                                .state = g_strdup(rows[i]->state),
                                .owner = rows[i]->owner,
                                .devices = found_read_devices(details)};
                g_ptr_array_add(found, one);
        }

        return 0;
}

int fleet_find_members(Ctl *ctl, const char *fleet, GPtrArray **ret_found, Error *ret_error)
{
        g_autoptr(GPtrArray) rows = NULL, candidates = g_ptr_array_new(),
                             found = g_ptr_array_new_with_free_func(fleet_found_free);
        g_autofree char *prefix = fleet ? g_strconcat(fleet, "-", NULL) : g_strdup("");
        int r;

        r = client_list(ctl, &rows, ret_error);
        if (r < 0)
                return r;
        for (guint i = 0; i < rows->len; i++) {
                UnikernelRow *row = rows->pdata[i];

                if (strchr(row->name, '-') && g_str_has_prefix(row->name, prefix) &&
                                (geteuid() == 0 || row->owner == geteuid()))
                        g_ptr_array_add(candidates, row);
        }
        for (guint i = 0; r >= 0 && i < candidates->len; i += DETAILS_MAX)
                r = find_marked(ctl, (UnikernelRow **) candidates->pdata + i,
                                MIN(candidates->len - i, DETAILS_MAX), fleet, found, ret_error);
        if (r < 0)
                return r;

        *ret_found = g_steal_pointer(&found);
        return 0;
}

uid_t fleet_found_keep(GPtrArray *found, uid_t owner)
{
        uid_t other = owner;

        for (guint i = found->len; i > 0; i--)
                if (((FleetFound *) found->pdata[i - 1])->owner != owner) {
                        other = ((FleetFound *) found->pdata[i - 1])->owner;
                        g_ptr_array_remove_index(found, i - 1);
                }

        return other;
}

int fleet_refuse_owner(const char *fleet, const char *verb, uid_t owner, uid_t other, Error *ret_error)
{
        if (other != owner)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                                "There is no fleet '%s' of yours, but one of the user %u: shruthictl fleet "
                                "%s %u:%s",
                                fleet, (unsigned) other, verb, (unsigned) other, fleet);
        if (owner != geteuid())
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                                "There is no fleet '%s' of the user %u: shruthictl fleet list", fleet,
                                (unsigned) owner);
        return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                        "There is no fleet '%s' of yours: shruthictl fleet list", fleet);
}

static int remove_members(Ctl *ctl, const GPtrArray *found)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new(), stopped = g_ptr_array_new();
        int r, removed;

        for (guint i = 0; i < found->len; i++)
                g_ptr_array_add(names, ((FleetFound *) found->pdata[i])->name);
        g_ptr_array_add(names, NULL);
        r = client_call_each(ctl, (char **) names->pdata, "stop", client_make_job_call,
                        (void *) "StopUnikernel", stopped);
        g_ptr_array_add(stopped, NULL);
        removed = client_call_each(ctl, (char **) stopped->pdata, "remove", client_make_job_call,
                        (void *) "RemoveUnikernel", NULL);
        return r != CTL_EXIT_SUCCESS ? r : removed;
}

/* The names of those that shruthid has made, and their owners. */
static int read_networks(Ctl *ctl, GHashTable **ret_owners, Error *ret_error)
{
        g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *name, *path;
        uint32_t owner;
        int r;

        r = client_call(ctl, "ListNetworks", &reply, ret_error, NULL);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ssussos)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssussos)", &name, NULL, &owner, NULL, NULL, &path,
                                          NULL)) > 0)
                if (!g_str_equal(path, "/"))
                        g_hash_table_insert(owners, g_strdup(name), GUINT_TO_POINTER(owner));
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_owners = g_steal_pointer(&owners);
        return 0;
}

/* One that is being made is not listed, and is removed when it is there. */
static int remove_network(Ctl *ctl, const char *network, Error *ret_error)
{
        int64_t until = g_get_monotonic_time() + BUSY_USEC;

        for (;;) {
                int r = client_call_quietly(ctl, "RemoveNetwork", NULL, ret_error, "s", network);

                if (r >= 0 || ret_error->code != ERROR_BUSY || g_get_monotonic_time() >= until)
                        return r;
                error_clear(ret_error);
                g_usleep(STEP_USEC);
        }
}

/* One that is gone already is as good as one that is removed, and so is one that is another's by now. */
static int remove_networks(Ctl *ctl, uid_t owner, char **networks, Error *ret_error)
{
        g_autoptr(GHashTable) owners = NULL;
        int r;

        r = *networks ? read_networks(ctl, &owners, ret_error) : 0;
        if (r < 0)
                return r;

        for (char **network = networks; *network; network++) {
                _cleanup_error_ Error error = ERROR_INIT;
                gpointer found = GUINT_TO_POINTER(owner);
                bool listed = g_hash_table_lookup_extended(owners, *network, NULL, &found);

                if (GPOINTER_TO_UINT(found) != owner)
                        continue;
                if (listed)
                        fleet_links_end(ctl, *network);
                r = remove_network(ctl, *network, &error);
                if (r < 0 && error.code != ERROR_NO_SUCH_NETWORK) {
                        error_prefix(&error, "Cannot remove the network %s", *network);
                        error_move(ret_error, &error);
                        return r;
                }
        }

        return 0;
}

/* As CreateNetwork() was told. A shruthid of an earlier version does not know. */
static bool network_is_of(Ctl *ctl, const char *name, const char *fleet)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(JsonObject) details = NULL;

        return client_call(ctl, "GetNetworkDetails", &reply, NULL, "s", name) >= 0 &&
               value_read_object(reply, &details) >= 0 && g_str_equal(value_text(details, "Fleet"), fleet);
}

/* Nobody noted here which networks were made for it. Those of which shruthid does not know it either are
 * named, and stay. */
static int remove_unnoted_networks(Ctl *ctl, const char *fleet, uid_t owner, Error *ret_error)
{
        g_autofree char *prefix = g_strconcat(fleet, "-", NULL);
        g_autoptr(GPtrArray) made = g_ptr_array_new();
        g_autoptr(GHashTable) owners = NULL;
        GHashTableIter iter;
        gpointer name, found;
        int r;

        r = read_networks(ctl, &owners, ret_error);
        if (r < 0)
                return r;
        g_hash_table_iter_init(&iter, owners);
        while (g_hash_table_iter_next(&iter, &name, &found)) {
                if (GPOINTER_TO_UINT(found) != owner || !g_str_has_prefix(name, prefix))
                        continue;
                if (network_is_of(ctl, name, fleet))
                        g_ptr_array_add(made, name);
                else
                        fprintf(stderr,
                                        "The network %s stays: whether it was made for the fleet is not "
                                        "noted "
                                        "here. To remove it: shruthictl network remove %s\n",
                                        (const char *) name, (const char *) name);
        }
        g_ptr_array_add(made, NULL);
        return remove_networks(ctl, owner, (char **) made->pdata, ret_error);
}

int fleet_remove(Ctl *ctl, const char *fleet, uid_t owner, guint *ret_n, Error *ret_error)
{
        g_auto(GStrv) networks = NULL;
        g_autofree char *plan = NULL;
        bool complete = true, known;
        uid_t other = owner;
        int64_t quiet_until;
        guint n = 0;
        int r = 0;

        if (owner == geteuid())
                r = fleet_state_read(fleet, &plan, &networks, &complete, ret_error);
        if (r < 0)
                return r;
        known = r > 0;
        quiet_until = known && !complete ? g_get_monotonic_time() + QUIET_USEC : 0;
        for (;;) {
                g_autoptr(GPtrArray) found = NULL;

                r = fleet_find_members(ctl, fleet, &found, ret_error);
                if (r < 0)
                        return r;
                other = fleet_found_keep(found, owner);
                n += found->len;
                if (found->len > 0) {
                        r = remove_members(ctl, found);
                        if (r != CTL_EXIT_SUCCESS)
                                return r;
                        if (quiet_until > 0)
                                quiet_until = g_get_monotonic_time() + QUIET_USEC;
                } else if (g_get_monotonic_time() >= quiet_until)
                        break;
                else
                        g_usleep(STEP_USEC);
        }

        if (!known && n == 0)
                return fleet_refuse_owner(fleet, "down", owner, other, ret_error);
        r = known ? remove_networks(ctl, owner, networks, ret_error)
                  : remove_unnoted_networks(ctl, fleet, owner, ret_error);
        if (r < 0)
                return r;
        if (known)
                fleet_state_remove(fleet);
        if (ret_n)
                *ret_n = n;
        return CTL_EXIT_SUCCESS;
}
