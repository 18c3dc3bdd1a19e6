/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all bodies have in common, and which of them a unikernel has. */

#include "body/body-private.h"
#include "helper/keys.h"

const Body *body_for(const char *name)
{
        return &body_domain;
}

static void body_device_statistics_destroy(gpointer data)
{
        BodyDeviceStatistics *device = data;

        g_free(device->name);
        g_free(device->addresses);
        g_free(device);
}

BodyStatistics *body_statistics_new(const char *unikernel)
{
        BodyStatistics *statistics = g_new(BodyStatistics, 1);

        *statistics = (BodyStatistics){
                        .unikernel = g_strdup(unikernel),
                        .devices = g_ptr_array_new_with_free_func(body_device_statistics_destroy),
        };
        return statistics;
}

BodyDeviceStatistics *body_statistics_add_device(BodyStatistics *statistics, bool is_network)
{
        BodyDeviceStatistics *device = g_new0(BodyDeviceStatistics, 1);

        device->is_network = is_network;
        g_ptr_array_add(statistics->devices, device);
        return device;
}

void body_number_read(BodyNumber *number, const char *text)
{
        guint64 value;

        if (g_ascii_string_to_unsigned(text, 10, 0, UINT64_MAX, &value, NULL))
                *number = (BodyNumber){.known = true, .value = value};
}

void body_statistics_free(BodyStatistics *statistics)
{
        if (!statistics)
                return;

        g_free(statistics->unikernel);
        g_ptr_array_unref(statistics->devices);
        g_free(statistics);
}

void body_failure_clear(BodyFailure *failure)
{
        g_free(failure->message);
        *failure = BODY_FAILURE_INIT;
}

void body_failure_read(BodyFailure *failure, const char *key, const char *value)
{
        Result result;

        switch (domain_key_from_string(key)) {
        case DOMAIN_KEY_RESULT:
                result = result_from_string(value);
                failure->result = (int) result < 0 ? RESULT_RUNNER : result;
                break;
        case DOMAIN_KEY_ERROR_NAME:
                failure->error = error_code_from_bus_name(value);
                break;
        case DOMAIN_KEY_ERROR:
                g_free(failure->message);
                failure->message = g_strdup(value);
                break;
        default:
                break;
        }
}
