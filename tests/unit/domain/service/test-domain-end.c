/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* QEMU tells more than libvirt about how a guest ended, except for one that libvirt has saved: that has not
 * been ended from outside, whichever event comes first. */

#include <glib.h>

#include "domain/service/domain-end.h"
#include "unikernel/liveness.h"

#define GUEST_OFF   "{\"guest\":true,\"reason\":\"guest-shutdown\"}"
#define GUEST_RESET "{\"guest\":true,\"reason\":\"guest-reset\"}"
#define BY_SIGNAL   "{\"guest\":false,\"reason\":\"host-signal\"}"
#define BY_QMP      "{\"guest\":false,\"reason\":\"host-qmp-quit\"}"
#define HOST_RESET  "{\"guest\":false,\"reason\":\"host-qmp-system-reset\"}"

static void test_ends(void)
{
        static const struct {
                const char *event, *details; /* NULL: QEMU says nothing */
                const char *at_once;         /* is reported before libvirt's event */
                const char *stopped;         /* what that tells */
                const char *end;
        } runs[] = {
                        {"SHUTDOWN", GUEST_OFF, DOMAIN_END_POWERED_OFF, DOMAIN_END_POWERED_OFF,
                                        DOMAIN_END_POWERED_OFF},
                        /* libvirt calls a reset a power-off. */
                        {"RESET", GUEST_RESET, DOMAIN_END_RESET, DOMAIN_END_POWERED_OFF, DOMAIN_END_RESET},
                        {"SHUTDOWN", GUEST_RESET, DOMAIN_END_RESET, DOMAIN_END_POWERED_OFF,
                                        DOMAIN_END_RESET},
                        /* Whoever kills QEMU. */
                        {"SHUTDOWN", BY_SIGNAL, NULL, DOMAIN_END_POWERED_OFF, DOMAIN_END_DESTROYED},
                        {"SHUTDOWN", BY_SIGNAL, NULL, DOMAIN_END_DESTROYED, DOMAIN_END_DESTROYED},
                        {NULL, NULL, NULL, DOMAIN_END_DESTROYED, DOMAIN_END_DESTROYED},
                        {NULL, NULL, NULL, DOMAIN_END_UNKNOWN, DOMAIN_END_UNKNOWN},
                        /* libvirt, 9 and 11. */
                        {NULL, NULL, NULL, DOMAIN_END_SAVED, DOMAIN_END_SAVED},
                        {"SHUTDOWN", BY_SIGNAL, NULL, DOMAIN_END_SAVED, DOMAIN_END_SAVED},
                        {"SHUTDOWN", BY_QMP, NULL, DOMAIN_END_SAVED, DOMAIN_END_SAVED},
                        /* It runs on. */
                        {"RESET", HOST_RESET, NULL, DOMAIN_END_DESTROYED, DOMAIN_END_DESTROYED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(runs); i++) {
                const char *end = NULL;

                if (runs[i].event)
                        g_assert_cmpstr(domain_end_take_monitor(&end, runs[i].event, runs[i].details), ==,
                                        runs[i].at_once);
                g_assert_cmpstr(domain_end_take_stopped(&end, runs[i].stopped), ==, runs[i].end);
                g_assert_cmpstr(end, ==, runs[i].end);
        }
}

/* libvirt's own signal follows a guest's power-off. */
static void test_first(void)
{
        const char *end = NULL;

        g_assert_cmpstr(domain_end_take_monitor(&end, "SHUTDOWN", GUEST_OFF), ==, DOMAIN_END_POWERED_OFF);
        g_assert_null(domain_end_take_monitor(&end, "SHUTDOWN", BY_SIGNAL));
        g_assert_cmpstr(domain_end_take_stopped(&end, DOMAIN_END_DESTROYED), ==, DOMAIN_END_POWERED_OFF);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain-end/is-what-the-events-come-to", test_ends);
        g_test_add_func("/domain-end/is-the-first-that-tells", test_first);
        return g_test_run();
}
