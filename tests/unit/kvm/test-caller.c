/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nobody is given /dev/kvm but a runner before its guest runs, whoever else has its user. */

#include <glib.h>

#include "kvm/caller.h"

#define PID 4711

static void test_starting(void)
{
        const Caller caller = {.unit = "unikernel@web.service", .state = "activating", .main = PID};

        g_assert_true(caller_is_starting(&caller, PID));
}

static void test_others(void)
{
        static const Caller callers[] = {
                        {"unikernel@web.service", "activating", PID + 1}, /* a guest that has got out */
                        {"unikernel@web.service", "activating", 0},
                        {"unikernel@web.service", "active", PID}, /* a runner that a guest took over */
                        {"unikernel@web.service", "deactivating", PID},
                        {"unikernel@web.service", "", PID},
                        {"shruthi-domain.service", "activating", PID},
                        {"unikernel@.service", "activating", PID},
                        {"unikernel@we/b.service", "activating", PID},
                        {"unikernel@web.scope", "activating", PID},
                        {"unikernel-web.slice", "activating", PID},
                        {"", "activating", PID},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(callers); i++) {
                g_test_message("%s %s", callers[i].unit, callers[i].state);
                g_assert_false(caller_is_starting(&callers[i], PID));
        }
}

/* As of a process in another namespace. */
static void test_no_process(void)
{
        const Caller caller = {.unit = "unikernel@web.service", .state = "activating", .main = 0};

        g_assert_false(caller_is_starting(&caller, 0));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/kvm/caller/is-a-runner-that-starts-a-guest", test_starting);
        g_test_add_func("/kvm/caller/is-nobody-else", test_others);
        g_test_add_func("/kvm/caller/is-a-process-that-can-be-told", test_no_process);
        return g_test_run();
}
