/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Swap counts as safe only where all below it is encrypted, or it is in memory. */

#include <glib.h>

#include "domain/host/swap-check.h"
#include "fixture/files.h"

#define HEADER     "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define LINE(path) path "                               partition\t1048572\t\t0\t\t-2\n"

static void test_table(void)
{
        static const struct {
                const char *text, *plain;
        } cases[] = {
                        {"", NULL},
                        {HEADER, NULL},
                        {HEADER LINE("/dev/sda2"), "/dev/sda2"},
                        {HEADER LINE("/dev/zram0"), NULL},
                        {HEADER LINE("/dev/dm-0"), NULL},        /* dm-crypt */
                        {HEADER LINE("/dev/dm-1"), NULL},        /* LVM on dm-crypt */
                        {HEADER LINE("/dev/dm-2"), "/dev/dm-2"}, /* LVM on both */
                        {HEADER LINE("/dev/dm-3"), "/dev/dm-3"}, /* on itself */
                        {HEADER LINE("/dev/dm-9"), "/dev/dm-9"}, /* unknown */
                        {HEADER LINE("/swap\\040file"), "/swap file"},
                        {HEADER LINE("/dev/dm-0") LINE("/dev/sda2"), "/dev/sda2"},
        };
        g_autofree char *sys = g_dir_make_tmp("shruthi-swap-XXXXXX", NULL);

        fixture_put(sys, "class/block/dm-0/dm/uuid", "CRYPT-PLAIN-swap\n");
        fixture_put(sys, "class/block/dm-0/slaves/sda3", "");
        fixture_put(sys, "class/block/dm-1/dm/uuid", "LVM-abc\n");
        fixture_put(sys, "class/block/dm-1/slaves/dm-0", "");
        fixture_put(sys, "class/block/dm-2/dm/uuid", "LVM-def\n");
        fixture_put(sys, "class/block/dm-2/slaves/dm-0", "");
        fixture_put(sys, "class/block/dm-2/slaves/sda2", "");
        fixture_put(sys, "class/block/dm-3/slaves/dm-3", "");
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *plain = swap_check_find_plain(cases[i].text, sys);

                g_test_message("%s", cases[i].text);
                g_assert_cmpstr(plain, ==, cases[i].plain);
        }
        fixture_remove_tree(sys);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/swap-check/finds-what-is-not-encrypted", test_table);
        return g_test_run();
}
