/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands are those of golden/, which system test "antispoof" proves against the kernel; whatever a
 * request says, nothing of it but checked addresses is in them. */

#include <string.h>

#include "antispoof/ruleset.h"

static AntispoofFilter *filter_of(const char *text)
{
        AntispoofFilter *filter = NULL;

        g_assert_cmpint(antispoof_filter_parse(text, &filter, NULL), ==, 0);
        return filter;
}

static void assert_golden(const char *name, const GString *commands)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden", name, NULL), *golden = NULL;

        g_assert_true(g_file_get_contents(path, &golden, NULL, NULL));
        g_assert_cmpstr(commands->str, ==, golden);
}

static void test_tables(void)
{
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_tables(commands);
        assert_golden("tables.nft", commands);
}

static void test_there(void)
{
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_test(commands);
        assert_golden("test.nft", commands);
}

static void test_filters(void)
{
        g_autoptr(AntispoofFilter) both = filter_of("web 02:00:00:00:00:01 10.0.0.2 fd00::2 service");
        g_autoptr(AntispoofFilter) any = filter_of("web 02:00:00:00:00:01 any any service");
        g_autoptr(AntispoofFilter) none = filter_of("web 02:00:00:00:00:01 none none service");
        g_autoptr(AntispoofFilter) local = filter_of("web 02:00:00:00:00:01 none fe80::ff:fe00:1 service");
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_filter(commands, both);
        ruleset_append_filter(commands, any);
        ruleset_append_filter(commands, none);
        ruleset_append_filter(commands, local);
        assert_golden("filter.nft", commands);
}

static void test_removes(void)
{
        g_autoptr(AntispoofFilter) filter = filter_of("web 02:00:00:00:00:01 10.0.0.2 any service");
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_removal(commands, filter);
        assert_golden("release.nft", commands);
}

/* What users write stays out. */
static void test_hostile(void)
{
        g_autoptr(AntispoofFilter) filter =
                        filter_of("flush 02:00:00:00:00:01 any any \" }; flush ruleset; #");
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_filter(commands, filter);
        ruleset_append_removal(commands, filter);
        g_assert_null(strstr(commands->str, "flush"));
        g_assert_null(strpbrk(commands->str, ";#"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/antispoof/ruleset/tables", test_tables);
        g_test_add_func("/antispoof/ruleset/finds-them-gone", test_there);
        g_test_add_func("/antispoof/ruleset/adds-filters", test_filters);
        g_test_add_func("/antispoof/ruleset/removes-filters", test_removes);
        g_test_add_func("/antispoof/ruleset/takes-no-words-of-users", test_hostile);
        return g_test_run();
}
