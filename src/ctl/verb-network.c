/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* network create, list, show, remove. */

#include <stdio.h>

#include "ctl/client.h"
#include "ctl/facts.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/table.h"
#include "ctl/value.h"

int verb_network_create(Ctl *ctl, char **operands, Error *ret_error)
{
        const Options *options = &ctl->options;
        const struct {
                const char *key, *value;
        } settings[] = {
                        {"Subnet", options->subnet},
                        {"IPv6Subnet", options->ipv6_subnet},
                        {"Mode", options->network_mode},
                        {"Group", options->settings.group},
                        {"Owner", options->settings.owner},
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
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r < 0)
                return client_message_error(r, ret_error);

        r = client_send(ctl, call, NULL, ret_error);
        return r < 0 ? r : CTL_EXIT_SUCCESS;
}

int verb_network_list(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {
                        "NAME", "MODE", "OWNER", "SUBNET", "IPV6SUBNET", "MANAGED", NULL};
        const char *name, *mode, *subnet, *subnet6, *path;
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(Table) table = table_new(headers);
        uint32_t owner;
        int r;

        r = client_call(ctl, "ListNetworks", &reply, ret_error, NULL);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssusso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssusso)", &name, &mode, &owner, &subnet, &subnet6,
                                          &path)) > 0) {
                bool managed = !g_str_equal(path, "/");
                g_autofree char *user = managed ? format_user((uid_t) owner) : g_strdup("");

                table_add(table, name, COLOR_NONE, NULL);
                table_add(table, mode, COLOR_NONE, NULL);
                table_add(table, user, COLOR_NONE, json_number(owner));
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

static int get_details(Ctl *ctl, const char *name, JsonObject **ret_details, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = client_call(ctl, "GetNetworkDetails", &reply, ret_error, "s", name);
        if (r < 0)
                return r;
        r = value_read_object(reply, ret_details);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

int verb_network_show(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify) json_object_unref);
        int exit_status = CTL_EXIT_SUCCESS;

        for (char **name = operands; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                JsonObject *details = NULL;
                int r = get_details(ctl, *name, &details, &error);

                if (r >= 0) {
                        g_ptr_array_add(all, details);
                        continue;
                }
                ctl_print_error(&error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(&error);
        }
        if (all->len == 0)
                return exit_status;

        pager_open(&ctl->options);
        facts_print(&ctl->options, all, !operands[1]);
        return exit_status;
}

static int make_remove_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, "RemoveNetwork", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_call = g_steal_pointer(&call);
        return 0;
}

int verb_network_remove(Ctl *ctl, char **operands, Error *ret_error)
{
        int r = client_connect(ctl, ret_error);

        return r < 0 ? r : client_call_each(ctl, operands, "remove network", make_remove_call, NULL, NULL);
}
