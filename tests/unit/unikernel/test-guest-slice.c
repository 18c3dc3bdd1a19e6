/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Only where libvirt can have QEMU put into a slice is it asked to; and the slice that people are told is the one that
 * libvirt makes of the partition (virSystemdMakeSliceName() there). */

#include <glib.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/guest-slice.h"

static void test_names(void)
{
        static const struct {
                uid_t owner;
                const char *name, *slice, *partition, *former;
        } cases[] = {
                        {1000, "web", "unikernel-1000-web.slice", "/unikernel/1000/web",
                                        "unikernel-web.slice"},
                        {0, "1000", "unikernel-0-1000.slice", "/unikernel/0/1000", "unikernel-1000.slice"},
                        {4294967294, "a-b--c", "unikernel-4294967294-a\\x2db\\x2d\\x2dc.slice",
                                        "/unikernel/4294967294/a-b--c",
                                        "unikernel-a\\x2db\\x2d\\x2dc.slice"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *slice = guest_slice_name(cases[i].owner, cases[i].name),
                                *partition = guest_slice_partition(cases[i].owner, cases[i].name),
                                *former = guest_slice_former_name(cases[i].name),
                                *command = guest_slice_command(slice),
                                *expected = g_strdup_printf("systemctl set-property '%s'", cases[i].slice);

                g_assert_cmpstr(slice, ==, cases[i].slice);
                g_assert_cmpstr(partition, ==, cases[i].partition);
                g_assert_cmpstr(former, ==, cases[i].former);
                g_assert_cmpstr(command, ==, expected);
        }
}

static void test_available(void)
{
        static const struct {
                const char *controllers;
                bool machined, available;
        } cases[] = {
                {NULL, true, false},
                {"", true, false},
                {"pids\n", true, false},
                {"cpuset io memory pids\n", true, false},
                {"cpuset cpu io memory pids\n", false, false},
                {"cpuset cpu io memory pids\n", true, true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *root = g_dir_make_tmp("guest-slice-XXXXXX", NULL);

                paths_set_root(root);
                if (cases[i].controllers)
                        fixture_put(paths_cgroups(), "cgroup.controllers", cases[i].controllers);
                if (cases[i].machined)
                        fixture_put(paths_bus_services(), "org.freedesktop.machine1.service", "");
                g_assert_cmpint(guest_slice_is_available(), ==, cases[i].available);
                paths_set_root(NULL);
                fixture_remove_tree(root);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest-slice/is-named-as-libvirt-names-it", test_names);
        g_test_add_func("/guest-slice/wants-controllers-and-machined", test_available);
        return g_test_run();
}
