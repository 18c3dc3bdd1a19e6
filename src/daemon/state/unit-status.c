/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of units: org.freedesktop.systemd1(5). */

#include "daemon/state/unit-status.h"

#include <glib.h>

void unit_status_clear(UnitStatus *status)
{
        g_free(status->active_state);
        g_free(status->sub_state);
        g_free(status->result);
        g_free(status->invocation_id);
        *status = (UnitStatus){};
}

bool unit_status_is_in_pause(const UnitStatus *status)
{
        return g_strcmp0(status->sub_state, "auto-restart") == 0 ||
               g_strcmp0(status->sub_state, "auto-restart-queued") == 0;
}

static int variant_read_string(sd_bus_message *m, char **ret)
{
        const char *s;
        int r = sd_bus_message_read(m, "v", "s", &s);

        if (r >= 0) {
                g_free(*ret);
                *ret = g_strdup(s);
        }
        return r;
}

static int variant_read_id(sd_bus_message *m, char **ret)
{
        g_autoptr(GString) hex = g_string_new(NULL);
        const void *bytes;
        size_t size;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &bytes, &size);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        for (size_t i = 0; i < size; i++)
                g_string_append_printf(hex, "%02x", ((const uint8_t *) bytes)[i]);
        g_free(*ret);
        *ret = g_string_free(g_steal_pointer(&hex), FALSE);
        return 0;
}

int unit_status_read_property(UnitStatus *status, const char *key, sd_bus_message *m)
{
        if (g_str_equal(key, "ActiveState"))
                return variant_read_string(m, &status->active_state);
        if (g_str_equal(key, "SubState"))
                return variant_read_string(m, &status->sub_state);
        if (g_str_equal(key, "Result"))
                return variant_read_string(m, &status->result);
        if (g_str_equal(key, "ExecMainStatus"))
                return sd_bus_message_read(m, "v", "i", &status->exit_status);
        if (g_str_equal(key, "NRestarts"))
                return sd_bus_message_read(m, "v", "u", &status->restarts);
        if (g_str_equal(key, "InvocationID"))
                return variant_read_id(m, &status->invocation_id);
        if (g_str_equal(key, "StateChangeTimestamp"))
                return sd_bus_message_read(m, "v", "t", &status->state_change);
        if (g_str_equal(key, "ActiveEnterTimestamp"))
                return sd_bus_message_read(m, "v", "t", &status->active_enter);
        if (g_str_equal(key, "InactiveEnterTimestamp"))
                return sd_bus_message_read(m, "v", "t", &status->inactive_enter);
        if (g_str_equal(key, "ExecMainStartTimestampMonotonic"))
                return sd_bus_message_read(m, "v", "t", &status->timestamps.at[TIMESTAMP_RUNNER_FORKED]);
        if (g_str_equal(key, "ActiveEnterTimestampMonotonic"))
                return sd_bus_message_read(m, "v", "t", &status->timestamps.at[TIMESTAMP_UNIT_ACTIVE]);
        if (g_str_equal(key, "ConditionResult")) {
                int b, r = sd_bus_message_read(m, "v", "b", &b);

                status->condition_result = r >= 0 && b;
                return r;
        }

        return sd_bus_message_skip(m, "v");
}

int unit_status_read(UnitStatus *status, sd_bus_message *m)
{
        const char *key;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0)
                        r = unit_status_read_property(status, key, m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}
