/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much of their limits a user uses. Counted in the same way as the limits are enforced: unikernels and
 * networks from the loop, volumes and images from disk. */

#include "daemon/bus/user-limits.h"

#include "common/names.h"
#include "daemon/change/change.h"
#include "daemon/state/network.h"
#include "daemon/state/unikernel.h"
#include "image/store.h"
#include "unikernel/memory.h"
#include "volume/store.h"

#define CALLER UINT32_MAX

typedef enum Limit {
        LIMIT_UNIKERNELS,
        LIMIT_MEMORY,
        LIMIT_CPUS,
        LIMIT_NETWORKS,
        LIMIT_ADDRESSES,
        LIMIT_VOLUMES,
        LIMIT_VOLUMES_SIZE,
        LIMIT_STORE_SIZE,
        _LIMIT_MAX,
} Limit;

static const struct {
        const char *name, *unit, *setting;
} limit_table[_LIMIT_MAX] = {
                [LIMIT_UNIKERNELS] = {"Unikernels", "", "UnikernelsMaxPerUser"},
                [LIMIT_MEMORY] = {"Memory", "bytes", "MemoryMaxPerUser"},
                [LIMIT_CPUS] = {"CPUs", "", "CPUsMaxPerUser"},
                [LIMIT_NETWORKS] = {"Networks", "", "NetworksMaxPerUser"},
                [LIMIT_ADDRESSES] = {"Addresses", "", "AddressesMaxPerUser"},
                [LIMIT_VOLUMES] = {"Volumes", "", "VolumesMaxPerUser"},
                [LIMIT_VOLUMES_SIZE] = {"VolumesSize", "bytes", "VolumesSizeMaxPerUser"},
                [LIMIT_STORE_SIZE] = {"Images", "bytes", "StoreSizeMaxPerUser"},
};

typedef struct Limits {
        Call *call;
        uid_t uid;
        uint64_t used[_LIMIT_MAX];
        int result;
        Error error;
} Limits;

static void limits_count(Limits *limits)
{
        Manager *manager = limits->call->manager;
        g_autoptr(GPtrArray) claims = network_claims(manager);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const LoadedDefinition *loaded = &((const Unikernel *) value)->loaded;
                const Definition *definition = loaded->definition;
                ResourceUsage usage;

                if (!definition || definition->owner != limits->uid)
                        continue;
                usage = resource_usage_of(definition, memory_taken(loaded->process, manager_conf(manager)),
                                manager_conf(manager));
                limits->used[LIMIT_UNIKERNELS]++;
                limits->used[LIMIT_MEMORY] += usage.memory;
                limits->used[LIMIT_CPUS] += usage.cpus;
                limits->used[LIMIT_ADDRESSES] +=
                                network_count_addresses(claims, manager_conf(manager), definition);
        }
        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const NetworkRecord *record = ((const Network *) value)->loaded.record;

                if (record && record->owner == limits->uid)
                        limits->used[LIMIT_NETWORKS]++;
        }
}

static void limits_run(void *userdata)
{
        g_autoptr(GPtrArray) volumes = NULL;
        Limits *limits = userdata;

        limits->result = volume_list(&volumes, &limits->error);
        if (limits->result >= 0 && limits->uid != 0)
                limits->result =
                                store_total_of(limits->uid, &limits->used[LIMIT_STORE_SIZE], &limits->error);
        for (guint i = 0; limits->result >= 0 && i < volumes->len; i++) {
                const Volume *volume = volumes->pdata[i];

                if (volume->owner != limits->uid)
                        continue;
                limits->used[LIMIT_VOLUMES]++;
                limits->used[LIMIT_VOLUMES_SIZE] += volume->size;
        }
}

static uint64_t number_limit(unsigned limit)
{
        return limit == UINT_MAX ? UINT64_MAX : limit;
}

static int limits_append(const Limits *limits, sd_bus_message *reply)
{
        const Conf *conf = manager_conf(limits->call->manager);
        const uint64_t max[_LIMIT_MAX] = {
                        [LIMIT_UNIKERNELS] = number_limit(conf->unikernels_max_user),
                        [LIMIT_MEMORY] = conf->memory_max_user,
                        [LIMIT_CPUS] = number_limit(conf->cpus_max_user),
                        [LIMIT_NETWORKS] = number_limit(conf->networks_max_user),
                        [LIMIT_ADDRESSES] = number_limit(conf->addresses_max_user),
                        [LIMIT_VOLUMES] = number_limit(conf->volumes_max_user),
                        [LIMIT_VOLUMES_SIZE] = conf->volumes_size_max_user,
                        [LIMIT_STORE_SIZE] = conf->store_size_max_user,
        };
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssstt)");
        for (Limit i = 0; r >= 0 && i < _LIMIT_MAX; i++)
                r = sd_bus_message_append(reply, "(ssstt)", limit_table[i].name, limit_table[i].unit,
                                limit_table[i].setting, limits->used[i],
                                limits->uid == 0 ? UINT64_MAX : max[i]);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void limits_done(void *userdata)
{
        Limits *limits = userdata;
        g_autoptr(sd_bus_message) reply = NULL;
        int r = limits->result;

        if (r >= 0)
                r = call_new_reply(limits->call, &reply);
        if (r >= 0)
                r = limits_append(limits, reply);
        call_finish(limits->call, reply, r, &limits->error);
        error_clear(&limits->error);
        g_free(limits);
}

/* The user's name as their unikernels have it; the number if they own none. Free with g_free(). */
static char *owner_name(const Manager *manager, uid_t uid)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;

                if (unikernel->loaded.definition && unikernel->loaded.definition->owner == uid)
                        return g_strdup(unikernel_owner_name(unikernel));
        }

        return g_strdup_printf("%u", (unsigned) uid);
}

int method_get_limits(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        g_autofree char *owner = NULL;
        Client *client = NULL;
        Limits *limits;
        uint32_t uid;
        Call *call;
        int r;

        r = sd_bus_message_read(message, "u", &uid);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = call_identify(manager, message, &client, &error);
        if (r == 0)
                return 1;
        if (r > 0 && uid != CALLER && uid != (client ? client->uid : 0)) {
                PolkitDetails details = {.verb = "read the limits of other users"};

                details.owner = owner = owner_name(manager, uid);
                if (!call_authorize(manager, message, &details, SHRUTHI_ACTION_READ_DETAILS, &call))
                        return 1;
        } else if (r > 0)
                r = call_begin(manager, message, NULL, &call, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        limits = g_new0(Limits, 1);
        *limits = (Limits){.call = call, .uid = uid == CALLER ? call->uid : uid, .error = ERROR_INIT};
        limits_count(limits);
        worker_run(manager->worker, call->uid, NULL, limits_run, limits_done, limits);
        return 1;
}
