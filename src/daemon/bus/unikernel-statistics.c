/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest uses: GetStatistics(). */

#include "body/body.h"
#include "common/names.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/bus/unikernel-details.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel-access.h"

static const char *const counter_keys[_BODY_COUNTER_MAX] = {
                [BODY_RECEIVED_BYTES] = "ReceivedBytes",
                [BODY_RECEIVED_PACKETS] = "ReceivedPackets",
                [BODY_SENT_BYTES] = "SentBytes",
                [BODY_SENT_PACKETS] = "SentPackets",
                [BODY_READ_BYTES] = "ReadBytes",
                [BODY_READ_REQUESTS] = "ReadRequests",
                [BODY_WRITTEN_BYTES] = "WrittenBytes",
                [BODY_WRITE_REQUESTS] = "WriteRequests",
};

static int number_append(sd_bus_message *m, const char *key, const BodyNumber *number)
{
        return number->known ? sd_bus_message_append(m, "{sv}", key, "t", number->value) : 0;
}

static int device_statistics_append(sd_bus_message *m, const BodyDeviceStatistics *device)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "Kind", "s", device->is_network ? "network" : "block");
        if (r >= 0 && device->name)
                r = sd_bus_message_append(m, "{sv}", "Name", "s", device->name);
        if (r >= 0 && device->addresses)
                r = sd_bus_message_append(m, "{sv}", "Addresses", "s", device->addresses);
        for (BodyCounter counter = 0; r >= 0 && counter < _BODY_COUNTER_MAX; counter++)
                r = number_append(m, counter_keys[counter], &device->counters[counter]);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

int statistics_append(sd_bus_message *m, const BodyStatistics *statistics)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = number_append(m, "CPUTime", &statistics->cpu_time_usec);
        if (r >= 0)
                r = number_append(m, "Memory", &statistics->memory);
        if (r >= 0)
                r = dictionary_open_array(m, "Devices", "a{sv}");
        for (guint i = 0; r >= 0 && i < statistics->devices->len; i++)
                r = device_statistics_append(m, statistics->devices->pdata[i]);
        if (r >= 0)
                r = dictionary_close_array(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

BodyStatistics *statistics_read_one(const char *unikernel, const char *output)
{
        g_autoptr(GPtrArray) all = body_for(unikernel)->read_statistics(output);

        return all->len > 0 ? g_ptr_array_steal_index(all, 0) : body_statistics_new(NULL);
}

static void on_unikernel_statistics(int r, Error *error, const char *output, void *userdata)
{
        Call *call = userdata;
        g_autoptr(BodyStatistics) statistics = NULL;
        g_autoptr(sd_bus_message) reply = NULL;

        if (r >= 0)
                r = unikernel_check_owner(call, error);
        if (r >= 0)
                r = call_new_reply(call, &reply);
        if (r >= 0) {
                statistics = statistics_read_one(call->unikernel, output);
                r = statistics_append(reply, statistics);
        }
        call_finish(call, reply, r, error);
}

int unikernel_method_get_statistics(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        BodyRequest request = body_for(unikernel->name)->request(BODY_STATISTICS, unikernel->name);
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
