/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our networks, as the event loop holds them. */

#include "daemon/state/network.h"

#include "common/containers.h"
#include "common/log.h"
#include "common/names.h"
#include "common/users.h"
#include "daemon/state/unikernel.h"

void loaded_network_clear(LoadedNetwork *loaded)
{
        network_record_free(loaded->record);
        g_free(loaded->owner_name);
        g_free(loaded->group_name);
        *loaded = (LoadedNetwork){};
}

int loaded_network_read(const char *name, LoadedNetwork *ret_loaded, Error *ret_error)
{
        LoadedNetwork loaded = {};
        int r;

        r = network_record_load(name, &loaded.record, ret_error);
        if (r < 0)
                return r;

        loaded.owner_name = user_name(loaded.record->owner);
        loaded.group_name = loaded.record->group == GID_INVALID ? g_strdup("")
                                                                : group_name(loaded.record->group);
        *ret_loaded = loaded;
        return 0;
}

char *network_path(const char *name)
{
        char *path = NULL;

        return sd_bus_path_encode(SHRUTHI_NETWORK_PATH, name, &path) < 0 ? NULL : path;
}

Network *network_new(Manager *manager, const char *name)
{
        Network *network = g_new0(Network, 1);

        *network = (Network){.manager = manager, .name = g_strdup(name), .path = network_path(name)};
        g_hash_table_insert(manager->networks, network->name, network);
        return network;
}

void network_free(Network *network)
{
        if (!network)
                return;

        loaded_network_clear(&network->loaded);
        g_free(network->bridge);
        free(network->path);
        g_free(network->name);
        g_free(network);
}

Network *network_get(Manager *manager, const char *name)
{
        return g_hash_table_lookup(manager->networks, name);
}

PolkitDetails network_polkit_details(const Network *network, const char *verb)
{
        return (PolkitDetails){.verb = verb,
                        .network = network->name,
                        .owner = network->loaded.owner_name,
                        .group = network->loaded.group_name};
}

int network_find(Manager *manager, const char *name, Network **ret_network, Error *ret_error)
{
        Network *network;
        int r;

        r = network_name_check(name, ret_error);
        if (r < 0)
                return r;

        network = network_get(manager, name);
        if (network && !network->announced && network->changing)
                return error_set(ret_error, ERROR_BUSY,
                                "Network '%s' is being created or removed; try again", name);
        if (!network || !network->announced)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, "SHRUTHI has no network '%s'", name);

        *ret_network = network;
        return 0;
}

void network_apply(Network *network, LoadedNetwork *loaded)
{
        LoadedNetwork old = network->loaded;
        char *names[4];
        size_t n = 0;

        network->loaded = *loaded;
        *loaded = (LoadedNetwork){};
        if (!network->announced && network->loaded.record->state == NETWORK_READY) {
                network->announced = true;
                manager_emit_object(network->manager, true, "NetworkNew", network->name, network->path);
        } else if (network->announced && old.record) {
                if (old.record->owner != network->loaded.record->owner)
                        names[n++] = (char *) "Owner";
                if (old.record->mode != network->loaded.record->mode)
                        names[n++] = (char *) "Mode";
                if (old.record->emulated != network->loaded.record->emulated)
                        names[n++] = (char *) "Emulated";
                names[n] = NULL;
                if (n > 0)
                        manager_emit_changed(
                                        network->manager, network->path, SHRUTHI_INTERFACE_NETWORK, names);
        }
        loaded_network_clear(&old);
}

void network_set_bridge(Network *network, const char *bridge)
{
        g_free(network->bridge);
        network->bridge = bridge && bridge[0] ? g_strdup(bridge) : NULL;
}

void network_set_active(Network *network, bool active, const char *bridge)
{
        char *names[] = {(char *) "Active", NULL};
        bool changed = network->active != active;

        network->active = active;
        network_set_bridge(network, bridge);
        if (changed && network->announced)
                manager_emit_changed(network->manager, network->path, SHRUTHI_INTERFACE_NETWORK, names);
}

void network_gone(Network *network)
{
        /* Sent while it can still be found: its interfaces are listed by a lookup. */
        if (network->announced)
                manager_emit_object(network->manager, false, "NetworkRemoved", network->name, network->path);
        g_hash_table_remove(network->manager->networks, network->name);
}

/* A device without Network= and Bridge= is on the default bridge. */
bool network_device_is_on(
                Manager *manager, const char *network, const char *bridge, const DefinitionDevice *device)
{
        const char *named = device->bridge;

        if (device->kind != DEVICE_NETWORK)
                return false;
        if (device->network)
                return g_str_equal(device->network, network);
        if (!named)
                named = manager_conf(manager)->bridge_interface;

        return named && g_strcmp0(named, bridge) == 0;
}

char *network_users(const Network *network)
{
        g_autoptr(GList) all =
                        g_list_sort(g_hash_table_get_keys(network->manager->unikernels), compare_texts);
        GString *names = g_string_new(NULL);

        for (GList *l = all; l; l = l->next) {
                const Unikernel *unikernel = unikernel_get(network->manager, l->data);
                const Definition *definition = unikernel->loaded.definition;
                bool on = false;

                for (guint i = 0; definition && i < definition->devices->len; i++)
                        on |= network_device_is_on(network->manager, network->name, network->bridge,
                                        definition->devices->pdata[i]);
                if (on)
                        g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "", unikernel->name);
        }

        return g_string_free(names, FALSE);
}

static void claim_free(gpointer data)
{
        NetworkClaim *claim = data;

        g_free(claim->name);
        g_free(claim->bridge);
        g_free(claim);
}

GPtrArray *network_claims(Manager *manager)
{
        GPtrArray *claims = g_ptr_array_new_with_free_func(claim_free);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Network *network = value;
                const NetworkRecord *record = network->loaded.record;
                NetworkClaim *claim;

                if (!record)
                        continue;
                claim = g_new0(NetworkClaim, 1);
                *claim = (NetworkClaim){.name = g_strdup(network->name),
                                .bridge = g_strdup(network->bridge ?: record->bridge),
                                .bridge_is_named = record->bridge != NULL,
                                .owner = record->owner,
                                .group = record->group};
                g_ptr_array_add(claims, claim);
        }

        return claims;
}

const NetworkClaim *network_claim_find(
                const GPtrArray *claims, const DefinitionDevice *device, const char *bridge)
{
        for (guint i = 0; i < claims->len; i++) {
                const NetworkClaim *claim = claims->pdata[i];

                if (bridge ? g_strcmp0(claim->bridge, bridge) == 0
                           : g_strcmp0(claim->name, device->network) == 0)
                        return claim;
        }

        return NULL;
}

unsigned network_count_addresses(const GPtrArray *claims, const Conf *conf, const Definition *definition)
{
        unsigned n = 0;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                const char *bridge = device->network ? NULL : device->bridge ?: conf->bridge_interface;
                const NetworkClaim *claim;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                claim = network_claim_find(claims, device, bridge);
                n += !claim || claim->owner != definition->owner;
        }

        return n;
}
