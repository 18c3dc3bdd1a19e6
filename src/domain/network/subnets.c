/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the subnets in use on this host, and chooses one for a new network. */

#include "domain/network/subnets.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "domain/host/neighbours-client.h"
#include "domain/host/virt.h"
#include "domain/network/attachment.h"
#include "domain/xml/network-create.h"

/* The subnets of all libvirt networks, including inactive ones. */
static int taken_subnets_add_libvirt(virConnectPtr connection, GArray *taken, Error *ret_error)
{
        virNetworkPtr *networks = NULL;
        int n = virConnectListAllNetworks(connection, &networks, 0), r = 0;

        if (n < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot list libvirt's networks");

        for (int i = 0; i < n; i++) {
                g_autoptr(NetworkInfo) info = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                /* A network that is removed while the list is read takes no subnet. */
                r = r < 0 ? r : attachment_read_info(connection, networks[i], &info, &error);
                if (r < 0 && virGetLastErrorCode() == VIR_ERR_NO_NETWORK)
                        r = 0;
                else if (r < 0 && error.message)
                        error_move(ret_error, &error);
                for (guint k = 0; info && k < info->reserved->len; k++) {
                        const SeenAddress *own = &g_array_index(info->reserved, SeenAddress, k);

                        if (own->by == SEEN_BY_HOST)
                                taken_subnets_add(taken, &own->address, "libvirt network '%s'", info->name);
                }
                (void) virNetworkFree(networks[i]);
        }
        free(networks);

        return r;
}

static void taken_subnets_add_subnet(GArray *taken, const Subnet *subnet, const char *what, const char *name)
{
        if (address_is_set(&subnet->network))
                taken_subnets_add(taken, &subnet->network, "%s '%s'", what, name);
}

/* The subnets of our networks that libvirt has lost, and that will be restored. */
static int taken_subnets_add_records(const NetworkRecord *self, GArray *taken, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        int r;

        r = network_record_list(&names, ret_error);
        for (char **name = names; r >= 0 && *name; name++) {
                g_autoptr(NetworkRecord) record = NULL;

                if (g_str_equal(*name, self->name) || network_record_load(*name, &record, NULL) < 0 ||
                                record->state == NETWORK_CREATING)
                        continue;
                taken_subnets_add_subnet(taken, &record->subnet4, "network", *name);
                taken_subnets_add_subnet(taken, &record->subnet6, "network", *name);
        }

        return r;
}

static int taken_subnets_collect(virConnectPtr connection, const Conf *conf, const NetworkRecord *record,
                GArray *taken, Error *ret_error)
{
        g_autoptr(GArray) routes = g_array_new(FALSE, TRUE, sizeof(Address));
        int r;

        r = taken_subnets_add_libvirt(connection, taken, ret_error);
        if (r >= 0)
                r = taken_subnets_add_records(record, taken, ret_error);
        if (r >= 0)
                r = neighbours_ask_routes(routes, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < conf->bridges->len; i++) {
                const ConfBridge *bridge = conf->bridges->pdata[i];

                taken_subnets_add_subnet(
                                taken, &bridge->subnet4, "shruthi.conf's bridge", bridge->name);
                taken_subnets_add_subnet(
                                taken, &bridge->subnet6, "shruthi.conf's bridge", bridge->name);
        }
        for (guint i = 0; i < routes->len; i++)
                taken_subnets_add(taken, &g_array_index(routes, Address, i), "this host (ip route)");

        return 0;
}

static int network_subnet_settle(const Conf *conf, int family, bool choose, const GArray *taken,
                Subnet *subnet, Error *ret_error)
{
        if (choose)
                return subnet_choose(conf->network_pool, family, taken, subnet, ret_error);

        return address_is_set(&subnet->network) ? subnet_check_free(subnet, taken, ret_error) : 0;
}

int network_subnets_settle(
                virConnectPtr connection, const Conf *conf, NetworkRecord *record, Error *ret_error)
{
        g_autoptr(GArray) taken = taken_subnets_new();
        int r;

        r = taken_subnets_collect(connection, conf, record, taken, ret_error);
        if (r >= 0)
                r = network_subnet_settle(
                                conf, AF_INET, record->choose4, taken, &record->subnet4, ret_error);
        if (r >= 0)
                r = network_subnet_settle(
                                conf, AF_INET6, record->choose6, taken, &record->subnet6, ret_error);
        if (r < 0)
                return r;

        record->choose4 = record->choose6 = false;
        return 0;
}
