/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users and groups: what is a number, a name, neither; and nobody becomes root by a slip. */

#include "common/users.h"

#include <glib.h>
#include <string.h>

static void test_numbers(void)
{
        static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x10", "root", "65535", "4294967295",
                        "4294967296", "99999999999999999999"};
        uint32_t number = 7;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(user_number_parse(bad[i], &number), ==, -EINVAL);
        g_assert_cmpuint(number, ==, 7);
        g_assert_cmpint(user_number_parse("0", &number), ==, 0);
        g_assert_cmpuint(number, ==, 0);
        g_assert_cmpint(user_number_parse("4294967294", &number), ==, 0);
        g_assert_cmpuint(number, ==, 4294967294U);
}

static void test_names(void)
{
        g_autofree char *user = user_name(0), *group = group_name(0), *nobody = user_name(4123456789U),
                        *none = group_name(4123456789U);
        uid_t uid = 7;
        gid_t gid = 7;

        g_assert_cmpstr(user, ==, "root");
        g_assert_cmpstr(group, ==, "root");
        g_assert_cmpstr(nobody, ==, "4123456789");
        g_assert_cmpstr(none, ==, "4123456789");
        g_assert_cmpint(user_find("root", &uid), ==, 0);
        g_assert_cmpuint(uid, ==, 0);
        g_assert_cmpint(group_find("root", &gid), ==, 0);
        g_assert_cmpuint(gid, ==, 0);
        g_assert_cmpint(user_find("no-such-user-here", &uid), ==, -ESRCH);
        g_assert_cmpint(group_find("no-such-group-here", &gid), ==, -ESRCH);
}

static void test_sentences(void)
{
        static const struct {
                const char *text, *word;
        } cases[] = {
                {"", "neither the name nor the number"},
                {"-1", "neither the name nor the number"},
                {"65535", "neither the name nor the number"},
                {"no-such-name-here", "there is no"},
                {"a\nb", "a\\x0ab"},
        };
        uint32_t id = 7;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(user_parse("Owner", cases[i].text, &id, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
                g_assert_nonnull(strstr(error.message, cases[i].word));
                g_assert_true(g_str_has_prefix(error.message, "Owner: "));
                g_assert_cmpint(group_parse("Group", cases[i].text, &id, &error), <, 0);
                g_assert_nonnull(strstr(error.message, cases[i].word));
        }
        g_assert_cmpuint(id, ==, 7);
        g_assert_cmpint(user_parse("Owner", "0", &id, NULL), ==, 0);
        g_assert_cmpuint(id, ==, 0);
        g_assert_cmpint(group_parse("Group", "1234", &id, NULL), ==, 0);
        g_assert_cmpuint(id, ==, 1234);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/users/numbers", test_numbers);
        g_test_add_func("/users/names", test_names);
        g_test_add_func("/users/sentences", test_sentences);
        return g_test_run();
}
