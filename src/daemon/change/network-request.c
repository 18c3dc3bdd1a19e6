/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a caller may ask for in a new network, and what needs an administrator. */

#include "daemon/change/network-change.h"

#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "common/users.h"
#include "unikernel/definition.h"

NetworkRequest *network_request_free(NetworkRequest *request)
{
        if (!request)
                return NULL;

        g_free(request->subnet);
        g_free(request->subnet6);
        g_free(request->mode);
        g_free(request->group);
        g_free(request->owner);
        g_free(request->bridge);
        g_free(request->emulated);
        g_free(request->fleet);
        g_free(request);
        return NULL;
}

static int network_request_read_bridge(
                const NetworkRequest *request, NetworkRecord *record, Error *ret_error)
{
        g_autofree char *shown = text_for_display(request->bridge ?: "", 60);

        if (!request->bridge || !request->bridge[0])
                return 0;
        if (!conf_bridge_name_is_valid(request->bridge))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Bridge: '%s' is not a valid bridge name: use 1 to 15 printable characters "
                                "without '/', ':', '%%' and space",
                                shown);

        record->bridge = g_strdup(request->bridge);
        return 0;
}

static int network_request_read_mode(const NetworkRequest *request, NetworkRecord *record, Error *ret_error)
{
        g_autofree char *shown = text_for_display(request->mode ?: "", 40);
        NetworkMode mode = request->mode ? network_mode_from_string(request->mode) : NETWORK_NAT;

        if ((int) mode < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Mode: '%s' is invalid; use isolated, nat or routed", shown);

        record->mode = mode;
        return 0;
}

static int network_request_read_subnets(
                const NetworkRequest *request, NetworkRecord *record, Error *ret_error)
{
        const char *subnet = request->subnet && request->subnet[0] ? request->subnet : "auto";
        const char *subnet6 = request->subnet6 && request->subnet6[0] ? request->subnet6 : "none";
        int r;

        r = network_record_set_subnet(record, AF_INET, subnet, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "Subnet");
                return r;
        }
        r = network_record_set_subnet(record, AF_INET6, subnet6, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "IPv6Subnet");
                return r;
        }
        if (g_str_equal(subnet, "none") && g_str_equal(subnet6, "none"))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "A network needs an IPv4 subnet, an IPv6 subnet, or both");

        return 0;
}

static int network_request_read_fleet(const NetworkRequest *request, NetworkRecord *record, Error *ret_error)
{
        g_autofree char *shown = text_for_display(request->fleet ?: "", 80);

        if (!request->fleet || !request->fleet[0])
                return 0;
        if (!name_is_valid(request->fleet))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Fleet: '%s' is not a valid name: see NAME in shruthi.fleet(5)", shown);

        record->fleet = g_strdup(request->fleet);
        return 0;
}

static int network_request_read(
                const NetworkRequest *request, const Call *call, NetworkRecord *record, Error *ret_error)
{
        int r;

        record->state = NETWORK_CREATING;
        record->owner = call->uid;
        record->emulated = g_strcmp0(request->emulated, "yes") == 0;
        r = network_request_read_mode(request, record, ret_error);
        if (r >= 0)
                r = network_request_read_fleet(request, record, ret_error);
        if (r >= 0)
                r = network_request_read_bridge(request, record, ret_error);
        if (r >= 0)
                r = network_request_read_subnets(request, record, ret_error);
        if (r >= 0 && request->owner)
                r = user_parse("Owner", request->owner, &record->owner, ret_error);
        if (r >= 0 && request->group && request->group[0])
                r = group_parse("Group", request->group, &record->group, ret_error);

        return r;
}

static int network_request_check_pool(const Conf *conf, const Subnet *subnet, Error *ret_error)
{
        g_autofree char *pools = g_strjoinv(" ", conf->network_pool);
        char network[ADDRESS_TEXT_MAX];

        if (!address_is_set(&subnet->network) || subnet_in_pools(conf->network_pool, subnet))
                return 0;

        address_format(&subnet->network, network);
        return error_set(ret_error, ERROR_NETWORK_NOT_ALLOWED,
                        "Users may not use subnet %s; choose one in NetworkPool=%s, for IPv4 no larger than "
                        "a /%d",
                        network, pools, NETWORK_PREFIX_MIN_USER);
}

static int network_request_check_rights(const NetworkRecord *record, const Conf *conf, const Call *call,
                unsigned owned, Error *ret_error)
{
        int r;

        if (record->owner != call->uid)
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "Only an administrator may create network '%s' for another owner",
                                record->name);
        if (record->group != GID_INVALID && !call_in_group(call, record->group)) {
                g_autofree char *name = group_name(record->group);

                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "Only an administrator may name a group that the caller is not in (%s)",
                                name);
        }
        if (record->mode == NETWORK_ROUTED)
                return error_set(ret_error, ERROR_NETWORK_NOT_ALLOWED,
                                "Only an administrator may create a routed network, because its guests can "
                                "be reached from outside and from other networks");
        if (record->bridge)
                return error_set(ret_error, ERROR_NETWORK_NOT_ALLOWED,
                                "Only an administrator may name the bridge of a network");
        /* shruthi.conf allows networks by name, whoever created them. */
        if (g_str_equal(record->name, "default") ||
                        (conf->allowed_networks &&
                                        g_strv_contains((const char *const *) conf->allowed_networks,
                                                        record->name)))
                return error_set(ret_error, ERROR_NETWORK_NOT_ALLOWED,
                                "Only an administrator may create network '%s', because all users may "
                                "attach unikernels to a network of this name",
                                record->name);
        r = network_request_check_pool(conf, &record->subnet4, ret_error);
        if (r >= 0)
                r = network_request_check_pool(conf, &record->subnet6, ret_error);
        if (r < 0)
                return r;
        if (owned >= conf->networks_max_user) {
                g_autofree char *owner = user_name(record->owner);

                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Limit reached: user %s has %u networks (NetworksMaxPerUser=%u)", owner,
                                owned, conf->networks_max_user);
        }

        return 0;
}

int network_request_record(const NetworkRequest *request, const char *name, const Conf *conf,
                const Call *call, unsigned owned, bool administer, NetworkRecord **ret_record,
                bool *ret_needs_administer, Error *ret_error)
{
        g_autoptr(NetworkRecord) record = network_record_new(name);
        int r;

        *ret_needs_administer = false;
        r = network_request_read(request, call, record, ret_error);
        if (r >= 0 && !administer && call->uid != 0) {
                r = network_request_check_rights(record, conf, call, owned, ret_error);
                *ret_needs_administer = r < 0;
        }
        if (r < 0)
                return r;

        *ret_record = g_steal_pointer(&record);
        return 0;
}
