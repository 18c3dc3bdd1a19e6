/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host whose own name only DNS knows is found, and no other. */

#include "common/own-name.h"

#include <glib.h>

static const struct {
        const char *name, *hosts, *nsswitch;
        bool resolved, needs_dns;
} cases[] = {
                {"box", NULL, NULL, false, true},
                {"box", "127.0.0.1 localhost\n", "hosts: files dns\n", false, true},
                {"box", "127.0.0.1 localhost\n127.0.1.1\tBox.example.org box\n", "hosts: files dns\n", false, false},
                {"box", "127.0.0.1 localhost box", NULL, false, false},
                {"box", "127.0.1.1 boxes # box\n#127.0.1.1 box\nbox\n", "hosts: files dns\n", false, true},
                {"box", "127.0.1.1 box\n", "hosts: dns files\n", false, true},
                {"box", "", "passwd: files\nhosts:\tfiles myhostname dns\n", false, false},
                {"box", "", "hosts: files dns myhostname\n", false, true},
                {"box", "", "hosts: files mdns4_minimal [NOTFOUND=return] dns # myhostname\n", false, true},
                {"box", "", "hosts: resolve [!UNAVAIL=return] files dns\n", true, false},
                {"box", "", "hosts: resolve [!UNAVAIL=return] files dns\n", false, true},
                {"box", "", "#hosts: myhostname\nhosts: files\n", false, false},
                {"box.example.org", "", "hosts: dns\n", false, false},
                {"localhost", "", "hosts: dns\n", false, false},
};

static void test_tells_who_answers(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("case %zu", i);
                g_assert_cmpint(own_name_needs_dns(cases[i].name, cases[i].hosts, cases[i].nsswitch,
                                                cases[i].resolved),
                                ==, cases[i].needs_dns);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/own-name/tells-who-answers", test_tells_who_answers);
        return g_test_run();
}
