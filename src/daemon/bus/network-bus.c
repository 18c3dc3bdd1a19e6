/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.dream.Shruthi.Network, and the Manager's methods that create and remove networks. Methods that only
 * read are in network-details.c, those about links in network-links.c. */

#include "daemon/bus/network-bus.h"

#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "daemon/change/network-change.h"
#include "daemon/core/dictionary.h"

static const struct {
        const char *key, *type;
        size_t offset;
} request_keys[] = {
                {"Subnet", "s", offsetof(NetworkRequest, subnet)},
                {"IPv6Subnet", "s", offsetof(NetworkRequest, subnet6)},
                {"Mode", "s", offsetof(NetworkRequest, mode)},
                {"Group", "s", offsetof(NetworkRequest, group)},
                {"Owner", "s", offsetof(NetworkRequest, owner)},
                {"Bridge", "s", offsetof(NetworkRequest, bridge)},
                {"Emulated", "b", offsetof(NetworkRequest, emulated)},
                {"Fleet", "s", offsetof(NetworkRequest, fleet)},
};

static int network_request_refuse_key(const char *key, Error *ret_error)
{
        g_autoptr(GString) known = g_string_new(NULL);
        g_autofree char *shown = text_for_display(key, 40);

        for (size_t i = 0; i < G_N_ELEMENTS(request_keys); i++)
                g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", request_keys[i].key);

        return error_set(ret_error, ERROR_INVALID_ARGS, "Unknown key '%s'; known: %s", shown, known->str);
}

/* Free with g_free(). */
static int request_value_read(sd_bus_message *message, const char *type, char **ret_value)
{
        const char *text;
        int r, flag;

        if (g_str_equal(type, "b")) {
                r = sd_bus_message_read(message, "v", "b", &flag);
                text = r >= 0 && flag ? "yes" : "no";
        } else
                r = sd_bus_message_read(message, "v", "s", &text);
        if (r < 0)
                return r;

        *ret_value = g_strdup(text);
        return 0;
}

static int network_request_read_value(
                sd_bus_message *message, const char *key, void *userdata, Error *ret_error)
{
        NetworkRequest *request = userdata;

        for (size_t i = 0; i < G_N_ELEMENTS(request_keys); i++) {
                char **field = (char **) ((char *) request + request_keys[i].offset);

                if (!g_str_equal(request_keys[i].key, key))
                        continue;
                if (*field)
                        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: given twice", key);
                if (request_value_read(message, request_keys[i].type, field) < 0)
                        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: expected a value of type '%s'",
                                        key, request_keys[i].type);

                return 0;
        }

        return network_request_refuse_key(key, ret_error);
}

static int network_request_read(sd_bus_message *message, NetworkRequest **ret_request, Error *ret_error)
{
        g_autoptr(NetworkRequest) request = g_new0(NetworkRequest, 1);
        int r;

        r = dictionary_read(message, "settings", network_request_read_value, request, ret_error);
        if (r < 0)
                return r;

        *ret_request = g_steal_pointer(&request);
        return 0;
}

int method_create_network(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(NetworkRequest) request = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        PolkitDetails details = {.verb = "create"};
        Manager *manager = userdata;
        Call *call;
        int r;

        r = sd_bus_message_read(message, "s", &details.network);
        if (r < 0)
                return reply_invalid_args(message, r);
        r = network_request_read(message, &request, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        r = network_name_check(details.network, &error);
        if (r >= 0 && paths_are_of_user())
                r = error_set(&error, ERROR_NOT_SUPPORTED,
                                "A user's own unikernels each have a network of their own, and none of "
                                "libvirt's: "
                                "leave out --user for those of the system");
        if (r < 0)
                return reply_error(message, &error, r);

        if (!call_authorize(manager, message, &details, SHRUTHI_ACTION_CREATE_NETWORK, &call))
                return 1;

        network_change_create(call, details.network, g_steal_pointer(&request));
        return 1;
}

static int network_method_remove(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Network *network = userdata;
        PolkitDetails details = network_polkit_details(network, "remove");
        Call *call;

        if (!call_authorize(network->manager, message, &details, SHRUTHI_ACTION_REMOVE_NETWORK, &call))
                return 1;

        network_change_remove(call, network);
        return 1;
}

int network_method_by_name(sd_bus_message *message, Manager *manager, sd_bus_message_handler_t method,
                sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Network *network;
        const char *name;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = network_find(manager, name, &network, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        return method(message, network, ret_error);
}

int method_remove_network(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return network_method_by_name(message, userdata, network_method_remove, ret_error);
}

static int network_method_get_path(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_reply_method_return(message, "o", ((Network *) userdata)->path);
}

int method_get_network(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return network_method_by_name(message, userdata, network_method_get_path, ret_error);
}

static int property_get_owner(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "u", (uint32_t) ((Network *) userdata)->loaded.record->owner);
}

static int property_get_mode(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(
                        reply, "s", network_mode_to_string(((Network *) userdata)->loaded.record->mode));
}

static int property_get_emulated(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "b", (int) ((Network *) userdata)->loaded.record->emulated);
}

static int property_get_active(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "b", (int) ((Network *) userdata)->active);
}

int network_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *ret_error)
{
        g_autofree char *name = NULL;
        Network *network;

        if (sd_bus_path_decode(path, SHRUTHI_NETWORK_PATH, &name) <= 0)
                return 0;
        network = network_get(userdata, name);
        if (!network || !network->announced)
                return 0;

        *ret_found = network;
        return 1;
}

int network_node_enumerate(
                sd_bus *bus, const char *path, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        Manager *manager = userdata;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (((Network *) value)->announced)
                        g_ptr_array_add(nodes, g_strdup(((Network *) value)->path));
        g_ptr_array_add(nodes, NULL);

        *ret_nodes = (char **) g_ptr_array_steal(nodes, NULL);
        return 1;
}

const sd_bus_vtable network_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, network_method_remove,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetDetails", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", details),
                                network_method_get_details, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenLinks", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", connection),
                                network_method_open_links, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_PROPERTY("Name", "s", NULL, offsetof(Network, name), SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("Owner", "u", property_get_owner, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Mode", "s", property_get_mode, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Emulated", "b", property_get_emulated, 0,
                                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("Active", "b", property_get_active, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_VTABLE_END,
};
