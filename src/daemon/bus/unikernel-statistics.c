/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest uses: GetStatistics(). */

#include "body/body-domain.h"
#include "common/names.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/bus/unikernel-details.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel-access.h"

/* "network.INDEX.FIELD" and "volume.INDEX.FIELD" of the helper, and what they are called on the bus. */
static const struct {
        DomainField field;
        const char *key;
} statistics_fields[] = {
                {DOMAIN_FIELD_RX_BYTES, "ReceivedBytes"},
                {DOMAIN_FIELD_RX_PACKETS, "ReceivedPackets"},
                {DOMAIN_FIELD_TX_BYTES, "SentBytes"},
                {DOMAIN_FIELD_TX_PACKETS, "SentPackets"},
                {DOMAIN_FIELD_RD_BYTES, "ReadBytes"},
                {DOMAIN_FIELD_RD_REQUESTS, "ReadRequests"},
                {DOMAIN_FIELD_WR_BYTES, "WrittenBytes"},
                {DOMAIN_FIELD_WR_REQUESTS, "WriteRequests"},
};

static void device_statistics_insert(
                GVariantDict *device, const char *kind, DomainField field, const char *value)
{
        if (field == DOMAIN_FIELD_NAME) {
                g_variant_dict_insert(
                                device, "Kind", "s", g_str_equal(kind, "network") ? "network" : "block");
                g_variant_dict_insert(device, "Name", "s", value);
                return;
        }
        if (field == DOMAIN_FIELD_ADDRESSES)
                g_variant_dict_insert(device, "Addresses", "s", value);
        for (size_t i = 0; i < G_N_ELEMENTS(statistics_fields); i++)
                if (field == statistics_fields[i].field)
                        g_variant_dict_insert(device, statistics_fields[i].key, "t",
                                        g_ascii_strtoull(value, NULL, 10));
}

/* One line of the helper's; devices come one after the other. */
static int statistics_append_line(sd_bus_message *m, DomainKey key, const char *value)
{
        uint64_t number = g_ascii_strtoull(value, NULL, 10);

        if (key == DOMAIN_KEY_CPU_TIME_USEC)
                return sd_bus_message_append(m, "{sv}", "CPUTime", "t", number);
        if (key == DOMAIN_KEY_MEMORY)
                return sd_bus_message_append(m, "{sv}", "Memory", "t", number);

        return 0;
}

static int device_statistics_append(sd_bus_message *m, GVariantDict *device)
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
                                    : sd_bus_message_append(
                                                      m, "{sv}", key, "t", g_variant_get_uint64(value));

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int statistics_append_devices(sd_bus_message *m, const char *output)
{
        g_autofree char *current = NULL;
        g_autoptr(GVariantDict) device = NULL;
        int r = 0;

        for (char *key, *value; r >= 0 && libvirt_helper_next_line(&output, &key, &value);) {
                g_autofree char *owned_key = key, *owned_value = value, *name = NULL;
                g_auto(GStrv) parts = g_strsplit(owned_key, ".", 3);

                if (g_strv_length(parts) != 3)
                        continue;
                name = g_strconcat(parts[0], ".", parts[1], NULL);
                if (g_strcmp0(current, name) != 0) {
                        if (device)
                                r = device_statistics_append(m, device);
                        g_clear_pointer(&device, g_variant_dict_unref);
                        device = g_variant_dict_new(NULL);
                        g_free(current);
                        current = g_steal_pointer(&name);
                }
                device_statistics_insert(device, parts[0], domain_field_from_string(parts[2]), owned_value);
        }
        if (r >= 0 && device)
                r = device_statistics_append(m, device);

        return r;
}

int statistics_append(sd_bus_message *m, const char *output)
{
        DomainKey key;
        const char *position = output;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (char *value; r >= 0 && libvirt_helper_next_key(&position, &key, &value);) {
                r = statistics_append_line(m, key, value);
                g_free(value);
        }
        if (r >= 0)
                r = dictionary_open_array(m, "Devices", "a{sv}");
        if (r >= 0)
                r = statistics_append_devices(m, output);
        if (r >= 0)
                r = dictionary_close_array(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_unikernel_statistics(int r, Error *error, const char *output, void *userdata)
{
        Call *call = userdata;

        if (r >= 0)
                r = unikernel_check_owner(call, error);
        call_reply_filled(call, r, error, statistics_append, output);
}

int unikernel_method_get_statistics(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        BodyRequest request = body_domain.request(BODY_STATISTICS, unikernel->name);
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        r = unikernel_check_active(unikernel, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                libvirt_helper_run_body(unikernel->manager->helper, call->uid, &request,
                                on_unikernel_statistics, call);
        return 1;
}
