/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of a unikernel that only read: what is not for everybody, and so no property. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/names.h"
#include "daemon/call.h"
#include "daemon/console.h"
#include "daemon/image-access.h"
#include "daemon/log-stream.h"
#include "daemon/unikernel-bus.h"
#include "unikernel/identity.h"
#include "unikernel/lease.h"

#define DOMAIN_XML_MAX (1024 * 1024)

/* What has been allocated to a device, with prefix lengths and a space between. */
static char *format_addresses(const GPtrArray *leases, const char *device)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                char address[ADDRESS_TEXT_MAX];

                if (g_strcmp0(lease->device, device) != 0)
                        continue;
                address_format(&lease->address, address);
                g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", address);
        }

        return g_string_free(text, FALSE);
}

static const char *setting_to_string(const DefinitionDevice *device)
{
        bool automatic = device->setting.mode4 == ADDRESS_MODE_AUTO ||
                         device->setting.mode6 == ADDRESS_MODE_AUTO;

        if (device->address)
                return device->address;

        return automatic ? "auto" : "none";
}

static int append_network(sd_bus_message *m, const char *unikernel, const DefinitionDevice *device,
                const GPtrArray *leases)
{
        g_autofree char *addresses = format_addresses(leases, device->name);
        char mac[18] = "";

        if (!device->mac)
                (void) identity_mac(unikernel, device->name, mac);
        return sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Bridge", "s", device->bridge ?: "",
                        "Network", "s", device->network ?: "", "MACAddress", "s", device->mac ?: mac,
                        "Address", "s", addresses, "AddressSetting", "s", setting_to_string(device),
                        "Bandwidth", "s", device->bandwidth ?: "", "Isolation", "b", (int) !device->open);
}

/* Names only: where they come from is a matter of the definition. */
static int append_credentials(sd_bus_message *m, const DefinitionDevice *device)
{
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "Credentials");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (guint i = 0; r >= 0 && i < device->sources->len; i++)
                r = sd_bus_message_append(m, "s", ((DefinitionSource *) device->sources->pdata[i])->id);
        for (unsigned i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);

        return r;
}

static int append_device(sd_bus_message *m, const char *unikernel, const DefinitionDevice *device,
                const GPtrArray *leases)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "Kind", "s",
                                device->credentials ? "credentials" : device_kind_to_string(device->kind),
                                "Name", "s", device->name);
        if (r >= 0 && device->kind == DEVICE_NETWORK)
                r = append_network(m, unikernel, device, leases);
        else if (r >= 0 && device->credentials)
                r = append_credentials(m, device);
        else if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "Path", "s", device->path ?: "", "Volume",
                                "s", device->stored ?: "", "Size", "t", device->size, "ReadOnly", "b",
                                (int) device->read_only);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_devices(sd_bus_message *m, const Definition *definition, const GPtrArray *leases)
{
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "Devices");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "aa{sv}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "a{sv}");
        for (guint i = 0; r >= 0 && i < definition->devices->len; i++)
                r = append_device(m, definition->name, definition->devices->pdata[i], leases);
        for (unsigned i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);

        return r;
}

static int append_origin(sd_bus_message *m, const char *path, DefinitionOrigin origin)
{
        static const char *const origins[] = {"config", "state", "vendor"};

        return sd_bus_message_append(
                        m, "{sv}{sv}", "DefinitionPath", "s", path, "Origin", "s", origins[origin]);
}

static int append_definition(sd_bus_message *m, const Unikernel *unikernel, const GPtrArray *leases)
{
        const Definition *definition = unikernel->loaded.definition;
        int r;

        r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Image", "s", definition->image,
                        "Initrd", "s", definition->initrd ?: "", "Arguments", "s", definition->arguments,
                        "Memory", "t",
                        definition->memory ?: manager_conf(unikernel->manager)->memory_default, "CPUs", "u",
                        definition->cpus, "Group", "s", unikernel_group_name(unikernel), "Restart", "s",
                        restart_policy_to_string(definition->restart));
        if (r >= 0)
                r = append_origin(m, definition->path, definition->origin);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "DropIns");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, definition->dropins);
        for (unsigned i = 0; r >= 0 && i < 2; i++)
                r = sd_bus_message_close_container(m);

        return r < 0 ? r : append_devices(m, definition, leases);
}

/* A reading in a thread, for GetDetails and GetDefinition. */
typedef struct Reading {
        Call *call;
        char *image;    /* digest or path */
        ImageInfo *info;
        char *path;     /* of a broken definition */
        DefinitionOrigin origin;
        GPtrArray *leases; /* Lease; NULL: they cannot be read */
        char *text;
        int result;
        Error error;
} Reading;

static void reading_free(Reading *reading)
{
        g_free(reading->image);
        image_info_free(reading->info);
        g_free(reading->path);
        g_clear_pointer(&reading->leases, g_ptr_array_unref);
        g_free(reading->text);
        error_clear(&reading->error);
        g_free(reading);
}

static void details_run(void *userdata)
{
        Reading *reading = userdata;
        g_autofree char *digest = NULL;

        /* A broken definition; one that is gone has no path. */
        if (!reading->image) {
                (void) definition_find(reading->call->unikernel, &reading->path, &reading->origin, NULL);
                return;
        }

        /* That an image is not there yet is no error here: it just cannot be told what it is. */
        if (reading->image[0] == '/')
                (void) store_lookup_path(reading->image, &digest);
        else
                digest = g_strdup(reading->image);
        if (digest)
                (void) image_inspect_stored(digest, &reading->info, NULL);
        (void) lease_list(NULL, reading->call->unikernel, &reading->leases, NULL);
}

static int append_details(sd_bus_message *m, const Unikernel *unikernel, const Reading *reading)
{
        const ImageInfo *info = reading->info;
        g_autofree char *domain = g_strconcat(SHRUTHI_DOMAIN_PREFIX, unikernel->name, NULL);
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "ImageTarget", "s",
                                info ? solo5_target_to_string(info->target) : "", "BootMethod", "s",
                                info ? image_boot_to_string(info->boot) : "", "DomainName", "s", domain,
                                "SubState", "s", unikernel->status.sub_state ?: "dead", "Reason", "s",
                                unikernel->reason ?: "", "Problem", "s",
                                unikernel->loaded.problem
                                                ?: unikernel->loaded.definition
                                                ? ""
                                                : "Its definition is gone; it runs on until it is stopped");
        if (r >= 0 && unikernel->loaded.definition)
                r = append_definition(m, unikernel, reading->leases);
        else if (r >= 0 && reading->path)
                r = append_origin(m, reading->path, reading->origin);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void details_done(void *userdata)
{
        Reading *reading = userdata;
        Call *call = reading->call;
        g_autoptr(sd_bus_message) reply = NULL;
        Unikernel *unikernel;
        int r;

        r = call_check_owner(call, &reading->error);
        if (r >= 0)
                r = unikernel_find(call->manager, call->unikernel, &unikernel, &reading->error);
        if (r >= 0) {
                r = call_new_reply(call, &reply);
                if (r >= 0)
                        r = append_details(reply, unikernel, reading);
                if (r < 0)
                        (void) error_set_errno(&reading->error, r, "Cannot put the answer together");
        }
        if (r < 0)
                call_fail(call, &reading->error, r);
        else
                call_send(call, reply);
        reading_free(reading);
}

int unikernel_method_get_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        Reading *reading;
        Call *call;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        reading = g_new0(Reading, 1);
        reading->call = call;
        if (unikernel->loaded.definition)
                reading->image = g_strdup(unikernel->loaded.definition->image);
        worker_run(unikernel->manager->worker, call->uid, NULL, details_run, details_done, reading);
        return 1;
}

static void definition_run(void *userdata)
{
        Reading *reading = userdata;
        g_autofree char *path = NULL, *text = NULL;
        DefinitionOrigin origin;
        int r;

        r = definition_find(reading->call->unikernel, &path, &origin, &reading->error);
        if (r >= 0) {
                r = file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, NULL);
                if (r < 0)
                        (void) error_set_errno(&reading->error, r, "Cannot read %s", path);
                else
                        reading->text = g_utf8_make_valid(text, -1);
        }
        reading->result = r;
}

static void definition_done(void *userdata)
{
        Reading *reading = userdata;

        if (reading->result >= 0)
                reading->result = call_check_owner(reading->call, &reading->error);
        if (reading->result < 0)
                call_fail(reading->call, &reading->error, reading->result);
        else
                call_reply(reading->call, "s", reading->text);
        reading_free(reading);
}

int unikernel_method_get_definition(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        Reading *reading;
        Call *call;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        reading = g_new0(Reading, 1);
        reading->call = call;
        worker_run(unikernel->manager->worker, call->uid, NULL, definition_run, definition_done, reading);
        return 1;
}

static int check_defined(const Unikernel *unikernel, Error *ret_error)
{
        if (unikernel->loaded.definition)
                return 0;

        return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s",
                        unikernel->loaded.problem
                                        ?: "Its definition is gone; it runs on until it is stopped");
}

static void on_arguments(int r, Error *error, const char *output, void *userdata)
{
        Call *call = userdata;

        if (r >= 0 && (strlen(output) > DEFINITION_ARGUMENTS_MAX || !g_utf8_validate(output, -1, NULL)))
                r = error_set(error, ERROR_FAILED, "The arguments cannot be sent");
        if (r < 0)
                call_fail(call, error, r);
        else
                call_reply(call, "s", output);
}

int unikernel_method_get_arguments(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        r = check_defined(unikernel, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else if (strpbrk(unikernel->loaded.definition->arguments, "{}"))
                helper_run(unikernel->manager->helper, call->uid, "arguments", unikernel->name, on_arguments,
                                call);
        else
                call_reply(call, "s", unikernel->loaded.definition->arguments);
        return 1;
}

static void on_domain_xml(int r, Error *error, const char *output, void *userdata)
{
        Call *call = userdata;

        if (r >= 0)
                r = call_check_owner(call, error);
        if (r >= 0 && (strlen(output) > DOMAIN_XML_MAX || !g_utf8_validate(output, -1, NULL)))
                r = error_set(error, ERROR_FAILED, "The domain XML cannot be sent");
        if (r < 0)
                call_fail(call, error, r);
        else
                call_reply(call, "s", output);
}

int unikernel_method_get_domain_xml(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        Call *call;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        helper_run(unikernel->manager->helper, call->uid, "xml", unikernel->name, on_domain_xml, call);
        return 1;
}

/* "network.INDEX.FIELD" and "volume.INDEX.FIELD" of the helper, and what they are called on the bus. */
static const struct {
        const char *field, *key;
} statistics_fields[] = {
        {"rx-bytes", "ReceivedBytes"},
        {"rx-packets", "ReceivedPackets"},
        {"tx-bytes", "SentBytes"},
        {"tx-packets", "SentPackets"},
        {"rd-bytes", "ReadBytes"},
        {"rd-requests", "ReadRequests"},
        {"wr-bytes", "WrittenBytes"},
        {"wr-requests", "WriteRequests"},
};

static void take_device_field(GVariantDict *device, const char *kind, const char *field, const char *value)
{
        if (g_str_equal(field, "name")) {
                g_variant_dict_insert(
                                device, "Kind", "s", g_str_equal(kind, "network") ? "network" : "block");
                g_variant_dict_insert(device, "Name", "s", value);
                return;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(statistics_fields); i++)
                if (g_str_equal(field, statistics_fields[i].field))
                        g_variant_dict_insert(device, statistics_fields[i].key, "t",
                                        g_ascii_strtoull(value, NULL, 10));
}

/* One line of the helper's; devices come one after the other. */
static int append_statistic(sd_bus_message *m, const char *key, const char *value)
{
        uint64_t number = g_ascii_strtoull(value, NULL, 10);

        if (g_str_equal(key, "cpu-time-usec"))
                return sd_bus_message_append(m, "{sv}", "CPUTime", "t", number);
        if (g_str_equal(key, "memory"))
                return sd_bus_message_append(m, "{sv}", "Memory", "t", number);

        return 0;
}

static int append_device_statistics(sd_bus_message *m, GVariantDict *device)
{
        g_autoptr(GVariant) all = g_variant_ref_sink(g_variant_dict_end(device));
        GVariantIter iter;
        const char *key;
        GVariant *value;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        g_variant_iter_init(&iter, all);
        while (r >= 0 && g_variant_iter_loop(&iter, "{&sv}", &key, &value))
                r = g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)
                                ? sd_bus_message_append(
                                                  m, "{sv}", key, "s", g_variant_get_string(value, NULL))
                                : sd_bus_message_append(m, "{sv}", key, "t", g_variant_get_uint64(value));

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_statistics_devices(sd_bus_message *m, const char *output)
{
        g_autofree char *current = NULL;
        g_autoptr(GVariantDict) device = NULL;
        int r = 0;

        for (char *key, *value; r >= 0 && helper_next_line(&output, &key, &value);) {
                g_autofree char *owned_key = key, *owned_value = value, *name = NULL;
                g_auto(GStrv) parts = g_strsplit(owned_key, ".", 3);

                if (g_strv_length(parts) != 3)
                        continue;
                name = g_strconcat(parts[0], ".", parts[1], NULL);
                if (g_strcmp0(current, name) != 0) {
                        if (device)
                                r = append_device_statistics(m, device);
                        g_clear_pointer(&device, g_variant_dict_unref);
                        device = g_variant_dict_new(NULL);
                        g_free(current);
                        current = g_steal_pointer(&name);
                }
                take_device_field(device, parts[0], parts[2], owned_value);
        }
        if (r >= 0 && device)
                r = append_device_statistics(m, device);

        return r;
}

static int append_statistics(sd_bus_message *m, const char *output)
{
        const char *position = output;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (char *key, *value; r >= 0 && helper_next_line(&position, &key, &value);) {
                r = append_statistic(m, key, value);
                g_free(key);
                g_free(value);
        }
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "Devices");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "aa{sv}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "a{sv}");
        if (r >= 0)
                r = append_statistics_devices(m, output);
        for (unsigned i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(m);

        return r;
}

static void on_statistics(int r, Error *error, const char *output, void *userdata)
{
        Call *call = userdata;

        if (r >= 0)
                r = call_check_owner(call, error);
        call_reply_filled(call, r, error, append_statistics, output);
}

static int check_active(const Unikernel *unikernel, Error *ret_error)
{
        if (unikernel_is_active(unikernel))
                return 0;

        return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", unikernel->name);
}

int unikernel_method_get_statistics(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        r = check_active(unikernel, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                helper_run(unikernel->manager->helper, call->uid, "statistics", unikernel->name,
                                on_statistics, call);
        return 1;
}

int unikernel_method_open_console(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_OPEN_CONSOLE,
                            "open the console of", &call))
                return 1;

        r = check_active(unikernel, &error);
        if (r >= 0)
                r = console_connect(unikernel->name, &fd, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                call_reply(call, "h", fd);
        return 1;
}

int unikernel_method_open_log(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(LogOptions) options = NULL;
        _cleanup_close_ int fd = -EBADF;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        r = log_options_read(message, &options, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_LOG, "read the log of",
                            &call))
                return 1;

        r = log_stream_open(unikernel->manager, unikernel->name, unikernel->shown.owner, call->uid, options,
                        &fd, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                call_reply(call, "h", fd);
        return 1;
}
