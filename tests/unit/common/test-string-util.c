/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names, sizes and text of unknown origin. */

#include <errno.h>
#include <glib.h>

#include "common/size.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"


static void test_names_are_dns_labels(void)
{
        static const char *const good[] = {"a", "0", "msgrouter", "a-b", "1-2-3",
                        "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"};
        static const char *const bad[] = {"", "-a", "a-", "A", "a.b", "a_b", "a/b", "..", "a b", "a\n", "ä",
                        "a@b", "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz0"};

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(name_is_valid(good[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(name_is_valid(bad[i]));
        g_assert_false(name_is_valid(NULL));
}

/* A twin's name is read like any other, and nobody can take it. */
static void test_twins_have_names(void)
{
        static const char *const bad[] = {"_next", "a_nex", "a_next_next", "-_next", "a-_next", "a_nextb"};
        g_autofree char *longest = g_strnfill(63, 'a'), *of_longest = name_of_twin(longest), *own = NULL,
                        *same = name_without_twin("next");

        g_assert_true(name_is_twin("a-b_next"));
        g_assert_true(name_is_twin(of_longest));
        g_assert_false(name_is_twin("next"));
        g_assert_cmpstr(same, ==, "next");
        own = name_without_twin(of_longest);
        g_assert_cmpstr(own, ==, longest);
        g_assert_cmpint(name_check("a_next", NULL), ==, 0);
        g_assert_cmpint(name_check_new("a_next", NULL), <, 0);
        g_assert_cmpint(name_check_new("a", NULL), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(name_is_valid(bad[i]));
}

static void test_units_go_there_and_back(void)
{
        g_autofree char *unit = unit_name_for("a-b"), *name = NULL, *none = NULL;

        g_assert_cmpstr(unit, ==, "unikernel@a-b.service");
        g_assert_cmpint(unit_name_parse(unit, &name), ==, 0);
        g_assert_cmpstr(name, ==, "a-b");
        g_assert_cmpint(unit_name_parse("unikernel@.service", &none), ==, -EINVAL);
        g_assert_cmpint(unit_name_parse("unikernel@service", &none), ==, -EINVAL);
        g_assert_cmpint(unit_name_parse("unikernel-x@a.service", &none), ==, -EINVAL);
        g_assert_cmpint(unit_name_parse("unikernel@A.service", &none), ==, -EINVAL);
}

static void test_sizes(void)
{
        static const struct {
                const char *text;
                int r;
                uint64_t bytes;
        } cases[] = {
                {"0", 0, 0},
                {"32M", 0, 32 << 20},
                {"1K", 0, 1024},
                {"2KiB", 0, 2048},
                {"17B", 0, 17},
                {"16777215T", 0, 16777215ULL << 40},
                {"16777216T", -ERANGE, 0},
                {"99999999999999999999", -ERANGE, 0},
                {"", -EINVAL, 0},
                {"-1", -EINVAL, 0},
                {" 1", -EINVAL, 0},
                {"1 M", -EINVAL, 0},
                {"1m", -EINVAL, 0},
                {"1.5G", -EINVAL, 0},
                {"M", -EINVAL, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint64_t bytes = 0;

                g_assert_cmpint(size_parse(cases[i].text, &bytes), ==, cases[i].r);
                g_assert_cmpuint(bytes, ==, cases[i].bytes);
        }
}

static void test_sizes_for_people(void)
{
        static const struct {
                uint64_t bytes;
                const char *shown, *exact;
        } cases[] = {
                {0, "0B", "0"},
                {1000, "1000B", "1000"},
                {32 << 20, "32M", "32M"},
                {3ULL << 29, "1.5G", "1536M"},
                {(1 << 20) + 1, "1M", "1048577"},
                {UINT64_MAX, "15.9E", "18446744073709551615"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *shown = size_format(cases[i].bytes),
                                *exact = size_format_exact(cases[i].bytes);

                g_assert_cmpstr(shown, ==, cases[i].shown);
                g_assert_cmpstr(exact, ==, cases[i].exact);
        }
}

static void test_booleans(void)
{
        bool value = false;

        g_assert_cmpint(boolean_parse("Yes", &value), ==, 0);
        g_assert_true(value);
        g_assert_cmpint(boolean_parse("off", &value), ==, 0);
        g_assert_false(value);
        g_assert_cmpint(boolean_parse("maybe", &value), ==, -EINVAL);
        g_assert_cmpint(boolean_parse(NULL, &value), ==, -EINVAL);
}

/* Whatever a guest or caller wrote, a message stays one line and sends no escape sequence to a terminal. */
static void test_display_is_harmless(void)
{
        g_autofree char *a = text_for_display("a\x1b[2J\nb\xff", 100), *b = text_for_display("äöü", 2);

        g_assert_cmpstr(a, ==, "a\\x1b[2J\\x0ab\\xff");
        g_assert_cmpstr(b, ==, "äö…");
}

static void test_digests(void)
{
        g_assert_true(digest_is_valid(
                        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        g_assert_false(digest_is_valid(
                        "sha256:E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        g_assert_false(digest_is_valid("sha256:e3b0"));
        g_assert_false(digest_is_valid("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        g_assert_false(digest_is_valid(NULL));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/name/is-a-dns-label", test_names_are_dns_labels);
        g_test_add_func("/names/twins-have-names", test_twins_have_names);
        g_test_add_func("/common/unit/goes-there-and-back", test_units_go_there_and_back);
        g_test_add_func("/common/size/parse", test_sizes);
        g_test_add_func("/common/size/format", test_sizes_for_people);
        g_test_add_func("/common/boolean/parse", test_booleans);
        g_test_add_func("/common/display/is-harmless", test_display_is_harmless);
        g_test_add_func("/common/digest/is-valid", test_digests);
        return g_test_run();
}
