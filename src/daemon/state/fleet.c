/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fleets, from their members. */

#include "daemon/state/fleet.h"

#include <string.h>

#include "common/names.h"

/* A thousand members that start change a thousand times; the bus is told ten times a second. */
#define CHANGED_USEC (100 * 1000)

static void fleet_free(gpointer data)
{
        Fleet *fleet = data;

        sd_event_source_disable_unref(fleet->changed_source);
        g_hash_table_unref(fleet->members);
        g_free(fleet->key);
        g_free(fleet->name);
        g_free(fleet->path);
        g_free(fleet);
}

GHashTable *fleets_new(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, fleet_free);
}

static char *fleet_key(const char *name, uid_t owner)
{
        return g_strdup_printf("%s:%u", name, (unsigned) owner);
}

char *fleet_path(const char *key)
{
        char *path = NULL;

        return sd_bus_path_encode(SHRUTHI_FLEET_PATH, key, &path) < 0 ? NULL : path;
}

Fleet *fleet_get(Manager *manager, const char *key)
{
        return g_hash_table_lookup(manager->fleets, key);
}

Fleet *fleet_find(Manager *manager, const char *name, uid_t owner)
{
        g_autofree char *key = fleet_key(name, owner);

        return fleet_get(manager, key);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *fleet_list_members(const Fleet *fleet)
{
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        GHashTableIter iter;
        gpointer name;

        g_hash_table_iter_init(&iter, fleet->members);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, compare_names);
        return names;
}

static int on_fleet_changed(sd_event_source *source, uint64_t usec, void *userdata)
{
        static const char *const names[] = {"Members", "Stopped", "Starting", "Running", "Paused",
                        "Stopping", "Failed", "Broken", NULL};
        Fleet *fleet = userdata;

        fleet->changed_source = sd_event_source_disable_unref(fleet->changed_source);
        manager_emit_changed(fleet->manager, fleet->path, SHRUTHI_INTERFACE_FLEET, (char **) names);
        return 0;
}

static void fleet_note_change(Fleet *fleet)
{
        if (!fleet->changed_source)
                (void) sd_event_add_time_relative(fleet->manager->event, &fleet->changed_source,
                                CLOCK_MONOTONIC, CHANGED_USEC, 0, on_fleet_changed, fleet);
}

static Fleet *fleet_new(Manager *manager, const char *name, uid_t owner)
{
        Fleet *fleet = g_new0(Fleet, 1);

        *fleet = (Fleet){.manager = manager,
                        .key = fleet_key(name, owner),
                        .name = g_strdup(name),
                        .owner = owner,
                        .members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
        fleet->path = fleet_path(fleet->key);
        g_hash_table_insert(manager->fleets, fleet->key, fleet);
        manager_emit_object(manager, true, "FleetNew", fleet->name, fleet->path);
        return fleet;
}

static void fleet_leave(Unikernel *unikernel)
{
        Fleet *fleet = unikernel->fleet ? fleet_get(unikernel->manager, unikernel->fleet) : NULL;
        gpointer state;

        if (fleet && g_hash_table_lookup_extended(fleet->members, unikernel->name, NULL, &state)) {
                fleet->counts[GPOINTER_TO_UINT(state) - 1]--;
                g_hash_table_remove(fleet->members, unikernel->name);
                fleet_note_change(fleet);
                /* Sent while it can still be found. */
                if (g_hash_table_size(fleet->members) == 0) {
                        manager_emit_object(fleet->manager, false, "FleetRemoved", fleet->name, fleet->path);
                        g_hash_table_remove(fleet->manager->fleets, fleet->key);
                }
        }
        g_clear_pointer(&unikernel->fleet, g_free);
}

void fleets_forget(Manager *manager, const char *name)
{
        Unikernel *unikernel = unikernel_get(manager, name);

        if (unikernel)
                fleet_leave(unikernel);
}

/* Its fleet by its definition; NULL if it is in none. */
static const char *unikernel_fleet_name(const Unikernel *unikernel)
{
        const Definition *definition = unikernel->loaded.definition;
        const char *name = definition ? definition->fleet : NULL;
        size_t length = name ? strlen(name) : 0;

        return length > 0 && g_str_has_prefix(unikernel->name, name) && unikernel->name[length] == '-'
                               ? name
                               : NULL;
}

static void fleet_note(Unikernel *unikernel)
{
        const char *name = unikernel_fleet_name(unikernel);
        uid_t owner = unikernel->properties.owner;
        g_autofree char *key = name ? fleet_key(name, owner) : NULL;
        UnikernelState state = unikernel->properties.state;
        gpointer before;
        Fleet *fleet;

        if (g_strcmp0(key, unikernel->fleet) != 0)
                fleet_leave(unikernel);
        if (!key)
                return;

        fleet = fleet_get(unikernel->manager, key);
        if (fleet && g_hash_table_lookup_extended(fleet->members, unikernel->name, NULL, &before)) {
                if (GPOINTER_TO_UINT(before) == (guint) state + 1)
                        return;
                fleet->counts[GPOINTER_TO_UINT(before) - 1]--;
        }
        if (!fleet)
                fleet = fleet_new(unikernel->manager, name, owner);
        g_hash_table_replace(fleet->members, g_strdup(unikernel->name), GUINT_TO_POINTER((guint) state + 1));
        fleet->counts[state]++;
        if (!unikernel->fleet)
                unikernel->fleet = g_steal_pointer(&key);
        fleet_note_change(fleet);
}

void fleets_note(Manager *manager, const char *name)
{
        Unikernel *unikernel = unikernel_get(manager, name);

        if (unikernel)
                fleet_note(unikernel);
}
