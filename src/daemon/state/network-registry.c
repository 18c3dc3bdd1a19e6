/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the records of networks, and compares them with what libvirt has. */

#include "daemon/state/network-registry.h"

#include <string.h>

#include "common/log.h"

/* One read of all records. */
typedef struct NetworksReading {
        Manager *manager;
        unsigned network_changes; /* the manager's when this began */
        GHashTable *found;        /* name → LoadedNetwork; without a record if it cannot be read */
        bool failed;
        void (*done)(void *userdata);
        void *userdata;
} NetworksReading;

static void loaded_network_free(gpointer data)
{
        loaded_network_clear(data);
        g_free(data);
}

static NetworksReading *networks_reading_new(Manager *manager, void (*done)(void *userdata), void *userdata)
{
        NetworksReading *reading = g_new0(NetworksReading, 1);

        *reading = (NetworksReading){.manager = manager,
                        .found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, loaded_network_free),
                        .done = done,
                        .userdata = userdata};
        return reading;
}

static void networks_reading_free(NetworksReading *reading)
{
        g_hash_table_unref(reading->found);
        g_free(reading);
}

static void networks_reading_run(void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) names = NULL;
        NetworksReading *reading = userdata;

        if (network_record_list(&names, &error) < 0) {
                log_warning("Cannot list the networks: %s", error.message);
                reading->failed = true;
                return;
        }
        for (char **name = names; *name; name++) {
                LoadedNetwork *loaded = g_new0(LoadedNetwork, 1);

                if (loaded_network_read(*name, loaded, &error) < 0)
                        log_warning("Network '%s' is ignored: %s", *name, error.message);
                g_hash_table_insert(reading->found, g_strdup(*name), loaded);
        }
}

/* Ignores networks that are being changed: what was read before is older. */
static void networks_reading_apply(NetworksReading *reading)
{
        g_autoptr(GList) known = g_hash_table_get_values(reading->manager->networks);
        GHashTableIter iter;
        gpointer name, value;

        for (GList *l = known; !reading->failed && l; l = l->next) {
                Network *network = l->data;

                if (!network->changing && !g_hash_table_contains(reading->found, network->name))
                        network_gone(network);
        }

        g_hash_table_iter_init(&iter, reading->found);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
                Network *network = network_get(reading->manager, name);
                LoadedNetwork *loaded = value;

                if (loaded->record && (!network || !network->changing))
                        network_apply(network ?: network_new(reading->manager, name), loaded);
        }
}

static void networks_reading_done(void *userdata);

static void networks_reading_start(NetworksReading *reading)
{
        g_hash_table_remove_all(reading->found);
        reading->failed = false;
        reading->network_changes = reading->manager->network_changes;
        worker_run(reading->manager->loader, 0, NULL, networks_reading_run, networks_reading_done, reading);
}

static void networks_reading_done(void *userdata)
{
        NetworksReading *reading = userdata;

        /* A network that was removed meanwhile must not come back from an old read. */
        if (reading->network_changes != reading->manager->network_changes) {
                networks_reading_start(reading);
                return;
        }

        networks_reading_apply(reading);
        networks_repair(reading->manager);
        if (reading->done)
                reading->done(reading->userdata);
        networks_reading_free(reading);
}

void networks_load(Manager *manager)
{
        NetworksReading *reading = networks_reading_new(manager, NULL, NULL);

        network_records_tidy();
        networks_reading_run(reading);
        networks_reading_apply(reading);
        networks_reading_free(reading);
}

void networks_refresh(Manager *manager, void (*done)(void *userdata), void *userdata)
{
        networks_reading_start(networks_reading_new(manager, done, userdata));
}

void seen_network_free(SeenNetwork *seen)
{
        if (!seen)
                return;

        g_free(seen->name);
        g_free(seen->mode);
        g_free(seen->bridge);
        g_free(seen->subnet);
        g_free(seen->gateway);
        g_free(seen->dns);
        g_free(seen->subnet6);
        g_free(seen->gateway6);
        g_free(seen->dns6);
        g_free(seen);
}

static gint seen_network_compare(gconstpointer a, gconstpointer b)
{
        return strcmp((*(SeenNetwork *const *) a)->name, (*(SeenNetwork *const *) b)->name);
}

static SeenNetwork *seen_network_new(const char *name)
{
        SeenNetwork *seen = g_new0(SeenNetwork, 1);

        *seen = (SeenNetwork){.name = g_strdup(name),
                        .mode = g_strdup(""),
                        .bridge = g_strdup(""),
                        .subnet = g_strdup(""),
                        .gateway = g_strdup(""),
                        .dns = g_strdup(""),
                        .subnet6 = g_strdup(""),
                        .gateway6 = g_strdup(""),
                        .dns6 = g_strdup("")};
        return seen;
}

SeenNetwork *seen_network_copy(const SeenNetwork *seen)
{
        SeenNetwork *copy;

        if (!seen)
                return NULL;

        copy = g_new0(SeenNetwork, 1);
        *copy = (SeenNetwork){.name = g_strdup(seen->name),
                        .mode = g_strdup(seen->mode),
                        .bridge = g_strdup(seen->bridge),
                        .subnet = g_strdup(seen->subnet),
                        .gateway = g_strdup(seen->gateway),
                        .dns = g_strdup(seen->dns),
                        .subnet6 = g_strdup(seen->subnet6),
                        .gateway6 = g_strdup(seen->gateway6),
                        .dns6 = g_strdup(seen->dns6),
                        .active = seen->active,
                        .former = seen->former};
        return copy;
}

static void seen_network_set(SeenNetwork *seen, DomainKey key, const char *value)
{
        const struct {
                DomainKey key;
                char **field;
        } fields[] = {
                        {DOMAIN_KEY_MODE, &seen->mode},
                        {DOMAIN_KEY_BRIDGE, &seen->bridge},
                        {DOMAIN_KEY_SUBNET, &seen->subnet},
                        {DOMAIN_KEY_GATEWAY, &seen->gateway},
                        {DOMAIN_KEY_DNS, &seen->dns},
                        {DOMAIN_KEY_IPV6_SUBNET, &seen->subnet6},
                        {DOMAIN_KEY_IPV6_GATEWAY, &seen->gateway6},
                        {DOMAIN_KEY_IPV6_DNS, &seen->dns6},
        };

        if (key == DOMAIN_KEY_FORMER)
                seen->former = g_str_equal(value, "yes");
        if (key == DOMAIN_KEY_ACTIVE)
                seen->active = g_str_equal(value, "yes");
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                if (fields[i].key == key) {
                        g_free(*fields[i].field);
                        *fields[i].field = g_utf8_make_valid(value, -1);
                }
}

GPtrArray *seen_networks_parse(const char *output)
{
        DomainKey key;
        GPtrArray *all = g_ptr_array_new_with_free_func(seen_network_destroy);
        SeenNetwork *seen = NULL;

        for (char *value; domain_next_key(&output, &key, &value);) {
                if (key == DOMAIN_KEY_NETWORK) {
                        g_autofree char *name = g_utf8_make_valid(value, -1);

                        seen = seen_network_new(name);
                        g_ptr_array_add(all, seen);
                } else if (seen)
                        seen_network_set(seen, key, value);
                g_free(value);
        }

        g_ptr_array_sort(all, seen_network_compare);
        return all;
}

const SeenNetwork *seen_networks_find(const GPtrArray *seen, const char *name)
{
        for (guint i = 0; i < seen->len; i++) {
                const SeenNetwork *one = seen->pdata[i];

                if (g_str_equal(one->name, name))
                        return one;
        }

        return NULL;
}

static void networks_apply_seen(Manager *manager, const GPtrArray *seen)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Network *network = value;
                const SeenNetwork *one = seen_networks_find(seen, network->name);

                if (!network->changing)
                        network_set_active(network, one && one->active, one ? one->bridge : NULL);
        }
}

/* Creates and starts again the networks that libvirt has lost or somebody has stopped: our records are
 * authoritative. */
static void networks_repair_missing(Manager *manager, const GPtrArray *seen)
{
        g_autoptr(GList) networks = g_hash_table_get_values(manager->networks);

        for (GList *l = networks; l; l = l->next) {
                Network *network = l->data;
                const SeenNetwork *one = seen_networks_find(seen, network->name);
                bool active = network->active || (one && one->active);

                if (!network->changing && network->loaded.record &&
                                (network->loaded.record->state != NETWORK_READY || !active))
                        manager->hooks->network_repair(network);
        }
}

typedef struct NetworksLook {
        Manager *manager;
        unsigned network_changes; /* the manager's when this began */
        NetworksLooked done;
        void *userdata;
} NetworksLook;

static void on_networks_looked(int r, Error *error, const char *output, void *userdata)
{
        g_autoptr(GPtrArray) seen = r < 0 ? NULL : seen_networks_parse(output);
        g_autofree NetworksLook *look = userdata;

        /* If networks were created or removed meanwhile, this answer is stale. */
        if (seen && look->network_changes == look->manager->network_changes)
                networks_apply_seen(look->manager, seen);
        look->done(r, error, seen, look->userdata);
        if (seen)
                networks_repair_missing(look->manager, seen);
}

void networks_look(Manager *manager, uid_t uid, NetworksLooked done, void *userdata)
{
        NetworksLook *look = g_new(NetworksLook, 1);

        *look = (NetworksLook){.manager = manager,
                        .network_changes = manager->network_changes,
                        .done = done,
                        .userdata = userdata};
        libvirt_helper_run(manager->helper, uid, "network-list", NULL, on_networks_looked, look);
}

static void on_networks_seen(int r, Error *error, const GPtrArray *seen, void *userdata)
{
        g_autoptr(GList) networks = NULL;
        Manager *manager = userdata;

        if (r < 0) {
                log_warning("Cannot check the networks: %s", error_message(error, r));
                return;
        }

        /* Repaired only now: a network that guests use stays as it is, however often it is checked. */
        networks = g_hash_table_get_values(manager->networks);
        for (GList *l = networks; l; l = l->next) {
                Network *network = l->data;
                const SeenNetwork *one = seen_networks_find(seen, network->name);

                if (one && one->former && !network->changing && network->loaded.record)
                        manager->hooks->network_repair(network);
        }
}

void networks_repair(Manager *manager)
{
        if (g_hash_table_size(manager->networks) > 0)
                networks_look(manager, 0, on_networks_seen, manager);
}
