/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd says of a unit, read off its messages. */

#include <glib.h>

#include "../bus-message.h"
#include "daemon/state/unit-status.h"

/* Those that follow in one signal, and those that are none of ours between them. */
static void test_properties(void)
{
        UnitStatus status = {};
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 10, "ActiveState", "s", "failed", "Following", "s",
                                        "", "SubState", "s", "failed", "Result", "s", "exit-code",
                                        "ExecMainStatus", "i", 7, "NRestarts", "u", 2, "ConditionResult",
                                        "b", 1, "StateChangeTimestamp", "t", UINT64_C(5),
                                        "ExecMainStartTimestampMonotonic", "t", UINT64_C(6), "InvocationID",
                                        "ay", 2, 0x0a, 0xff),
                        >=, 0);
        g_assert_cmpint(unit_status_read(&status, message_sealed(m)), >=, 0);
        g_assert_cmpstr(status.active_state, ==, "failed");
        g_assert_cmpstr(status.sub_state, ==, "failed");
        g_assert_cmpstr(status.result, ==, "exit-code");
        g_assert_cmpint(status.exit_status, ==, 7);
        g_assert_cmpuint(status.restarts, ==, 2);
        g_assert_true(status.condition_result);
        g_assert_cmpuint(status.state_change, ==, 5);
        g_assert_cmpuint(status.timestamps.at[TIMESTAMP_RUNNER_FORKED], ==, 6);
        g_assert_cmpstr(status.invocation_id, ==, "0aff");
        unit_status_clear(&status);
        g_assert_null(status.active_state);
        sd_bus_message_unref(m);
}

/* What a message does not tell stays as it was; an ID of no bytes is none. */
static void test_partial(void)
{
        UnitStatus status = {.active_state = g_strdup("active"), .result = g_strdup("success")};
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 2, "ActiveState", "s", "inactive", "InvocationID",
                                        "ay", 0),
                        >=, 0);
        g_assert_cmpint(unit_status_read(&status, message_sealed(m)), >=, 0);
        g_assert_cmpstr(status.active_state, ==, "inactive");
        g_assert_cmpstr(status.result, ==, "success");
        g_assert_cmpstr(status.invocation_id, ==, "");
        unit_status_clear(&status);
        sd_bus_message_unref(m);
}

/* Another type than systemd documents is an error, and changes nothing. */
static void test_wrong_type(void)
{
        UnitStatus status = {.active_state = g_strdup("active")};
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 1, "ActiveState", "u", 1), >=, 0);
        g_assert_cmpint(unit_status_read(&status, message_sealed(m)), <, 0);
        g_assert_cmpstr(status.active_state, ==, "active");
        unit_status_clear(&status);
        sd_bus_message_unref(m);
}

static void test_one_property(void)
{
        UnitStatus status = {};
        sd_bus_message *m = message_new();

        g_assert_cmpint(sd_bus_message_append(m, "v", "s", "timeout"), >=, 0);
        g_assert_cmpint(unit_status_read_property(&status, "Result", message_sealed(m)), >=, 0);
        g_assert_cmpstr(status.result, ==, "timeout");
        unit_status_clear(&status);
        sd_bus_message_unref(m);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/unit-status/properties", test_properties);
        g_test_add_func("/daemon/unit-status/what-is-not-told-stays", test_partial);
        g_test_add_func("/daemon/unit-status/refuses-other-types", test_wrong_type);
        g_test_add_func("/daemon/unit-status/one-property", test_one_property);
        return g_test_run();
}
