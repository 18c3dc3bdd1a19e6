/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases without a unikernel. A thread finds which unikernels have leases; the helper takes care of
 * libvirt's networks. */

#include "daemon/state/addresses.h"

#include <unistd.h>

#include "common/log.h"
#include "common/paths.h"
#include "unikernel/lease.h"

typedef struct Sweep {
        Manager *manager;
        GHashTable *names; /* of unikernels that have leases */
} Sweep;

static void addresses_sweep_run(void *userdata)
{
        g_autoptr(GPtrArray) leases = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        Sweep *sweep = userdata;
        int r;

        r = lease_list(NULL, NULL, &leases, &error);
        if (r < 0)
                log_warning("Cannot look for unused addresses: %s", error_message(&error, r));
        for (guint i = 0; r >= 0 && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];

                if (lease->unikernel)
                        g_hash_table_add(sweep->names, g_strdup(lease->unikernel));
        }
}

static void on_addresses_released(int r, Error *error, const char *output, void *userdata)
{
        g_autofree char *name = userdata;

        if (r < 0)
                log_warning("Cannot release the addresses of the removed unikernel '%s': %s", name,
                                error_message(error, r));
}

/* A unikernel that runs without its definition has its directory below /run, from before its start until
 * after its end. */
static bool unikernel_is_gone(const Manager *manager, const char *name)
{
        g_autofree char *runtime = paths_unikernel_runtime(name);

        return !g_hash_table_contains(manager->unikernels, name) &&
               !g_hash_table_contains(manager->changing, name) && access(runtime, F_OK) < 0;
}

static void addresses_sweep_done(void *userdata)
{
        Sweep *sweep = userdata;
        GHashTableIter iter;
        gpointer name;

        g_hash_table_iter_init(&iter, sweep->names);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                if (unikernel_is_gone(sweep->manager, name))
                        libvirt_helper_run(sweep->manager->helper, 0, "release", name, on_addresses_released,
                                        g_strdup(name));
        g_hash_table_unref(sweep->names);
        g_free(sweep);
}

void addresses_sweep(Manager *manager)
{
        Sweep *sweep = g_new(Sweep, 1);

        *sweep = (Sweep){.manager = manager,
                        .names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
        worker_run(manager->loader, 0, NULL, addresses_sweep_run, addresses_sweep_done, sweep);
}
