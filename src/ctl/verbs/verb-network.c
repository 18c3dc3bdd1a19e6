/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* network create, list, show, remove. */

#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/bus/properties.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"

/* A row of ListNetworks(). */
#define NETWORK_ROW "ssussos"

int verb_network_create(Ctl *ctl, char **operands, Error *ret_error)
{
        const Options *options = &ctl->options;
        const struct {
                const char *key, *value;
        } settings[] = {
                        {"Subnet", options->subnet},
                        {"IPv6Subnet", options->ipv6_subnet},
                        {"Mode", options->network_mode},
                        {"Group", options->settings.values[SETTING_GROUP]},
                        {"Owner", options->settings.values[SETTING_OWNER]},
                        {"Bridge", options->bridge},
        };
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, "CreateNetwork", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", operands[0]);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(settings); i++)
                if (settings[i].value)
                        r = sd_bus_message_append(call, "{sv}", settings[i].key, "s", settings[i].value);
        if (r >= 0 && options->emulated)
                r = sd_bus_message_append(call, "{sv}", "Emulated", "b", 1);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r < 0)
                return client_message_error(r, ret_error);

        r = client_send(ctl, call, NULL, ret_error);
        if (r < 0) {
                options_name_error(options, ret_error);
                error_cannot(ret_error, "create network %s", operands[0]);
        }
        return r < 0 ? r : CTL_EXIT_SUCCESS;
}

int verb_network_list(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {
                        "NAME", "STATE", "MODE", "OWNER", "SUBNET", "IPV6SUBNET", "MANAGED", NULL};
        const char *name, *mode, *subnet, *subnet6, *path, *state;
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(Table) table = table_new(headers);
        uint32_t owner;
        int r;

        r = client_call(ctl, "ListNetworks", &reply, ret_error, NULL);
        if (r < 0)
                return r;

        table_set_key(table, 5, "IPv6Subnet");
        r = sd_bus_message_enter_container(reply, 'a', "(" NETWORK_ROW ")");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(" NETWORK_ROW ")", &name, &mode, &owner, &subnet,
                                          &subnet6, &path, &state)) > 0) {
                bool managed = !g_str_equal(path, "/");

                table_add(table, name, COLOR_NONE, NULL);
                table_add(table, state, g_str_equal(state, "active") ? COLOR_NONE : COLOR_RED, NULL);
                table_add(table, mode, COLOR_NONE, NULL);
                if (managed)
                        table_add_owner(table, (uid_t) owner);
                else {
                        table_add(table, "", COLOR_NONE, json_number(owner));
                        table_add_fact(table, "OwnerName", json_text(""));
                }
                table_add(table, subnet, COLOR_NONE, NULL);
                table_add(table, subnet6, COLOR_NONE, NULL);
                table_add(table, managed ? "yes" : "no", COLOR_NONE, json_flag(managed));
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        pager_open(&ctl->options);
        table_print(table, &ctl->options, "networks listed");
        return CTL_EXIT_SUCCESS;
}

/* A caller who may see the list knows what exists, without a password. */
static bool network_is_missing(Ctl *ctl, const char *name)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *listed;
        bool found = false;
        int r;

        if (client_call_quietly(ctl, "ListNetworks", &reply, NULL, NULL) < 0)
                return false;

        r = sd_bus_message_enter_container(reply, 'a', "(" NETWORK_ROW ")");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(" NETWORK_ROW ")", &listed, NULL, NULL, NULL,
                                          NULL, NULL, NULL)) > 0)
                found = found || g_str_equal(listed, name);

        return r >= 0 && !found;
}

static int network_collect(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error)
{
        static const char *const lease_keys[] = {"Unikernel", "Device", "Address", NULL};
        g_autofree char *shown = text_for_display(name, 80);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = client_get_object(ctl, "GetNetworkDetails", name, false, ret_properties, &error);
        if (r < 0 && (error.code == ERROR_ACCESS_DENIED ||
                                     error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)) {
                if (network_is_missing(ctl, name))
                        return error_set(
                                        ret_error, ERROR_NO_SUCH_NETWORK, "There is no network '%s'", shown);
                error_clear(&error);
                r = client_get_object(ctl, "GetNetworkDetails", name, true, ret_properties, &error);
        }
        if (r < 0) {
                error_move(ret_error, &error);
                return r;
        }

        if (ctl->options.json != JSON_OFF) {
                json_name_members(*ret_properties, "Leases", lease_keys);
                json_name_members(*ret_properties, "DHCPLeases", lease_keys);
        }
        return 0;
}

int verb_network_show(Ctl *ctl, char **operands, Error *ret_error)
{
        return properties_show(ctl, "network ", operands, !operands[1], network_collect);
}

int verb_network_remove(Ctl *ctl, char **operands, Error *ret_error)
{
        return client_call_each(ctl, operands, "remove network", client_make_name_call,
                        (void *) "RemoveNetwork", NULL);
}
