/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long shruthid waits for shruthi-domain. */

#include <glib.h>

#include "daemon/core/libvirt-helper.h"

static gint64 seconds(const BodyRequest *request)
{
        return libvirt_helper_timeout(request) / G_USEC_PER_SEC;
}

/* Each of the requests that share one is waited for as long as alone: 90 s is shruthi-domain's limit for the
 * addresses of one unikernel. */
static void test_each_name_has_its_time(void)
{
        BodyRequest request = {.words = {"allocate", "one"}};

        g_assert_cmpint(seconds(&request), ==, 180);
        request.words[2] = "two";
        g_assert_cmpint(seconds(&request), >=, 180 + 90);
        for (unsigned i = 2; i < DOMAIN_WORDS_MAX; i++)
                request.words[i] = "more";
        g_assert_cmpint(seconds(&request), >=, 90 * (DOMAIN_WORDS_MAX - 1));
}

static void test_verbs_that_take_long_have_more(void)
{
        static const struct {
                const char *verb;
                gint64 seconds;
        } cases[] = {{"networks", 180}, {"release", 180}, {"check", 660}, {"probe", 660}, {"save", 960}};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const BodyRequest request = {.words = {cases[i].verb}};

                g_assert_cmpint(seconds(&request), ==, cases[i].seconds);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/libvirt-helper/each-name-of-a-request-has-its-time",
                        test_each_name_has_its_time);
        g_test_add_func("/daemon/libvirt-helper/verbs-that-take-long-have-more",
                        test_verbs_that_take_long_have_more);
        return g_test_run();
}
