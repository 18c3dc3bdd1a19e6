/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One key changes and all others stay; nothing grows beyond what systemd loads. */

#include <glib.h>
#include <string.h>

#include "seal/archive.h"

static const UstarEntry *entry(const GArray *entries, const char *key)
{
        for (guint i = 0; i < entries->len; i++)
                if (g_str_equal(g_array_index(entries, UstarEntry, i).name, key))
                        return &g_array_index(entries, UstarEntry, i);

        return NULL;
}

static int set_key(GArray *entries, const char *key, const void *data, size_t size, bool must_exist,
                Error *ret_error)
{
        return archive_set(entries, "x", &(UstarEntry){.name = key, .data = data, .size = size}, must_exist,
                        ret_error);
}

static void test_set_and_remove(void)
{
        g_autoptr(GArray) entries = archive_new();
        g_auto(GStrv) keys = NULL;

        g_assert_cmpuint(entries->len, ==, 0);
        g_assert_cmpint(set_key(entries, "a", "one", 3, false, NULL), ==, 0);
        g_assert_cmpint(set_key(entries, "b", "two", 3, false, NULL), ==, 0);
        g_assert_cmpint(set_key(entries, "a", "three", 5, false, NULL), ==, 0);
        g_assert_cmpuint(entries->len, ==, 2);
        g_assert_cmpmem(entry(entries, "a")->data, entry(entries, "a")->size, "three", 5);
        g_assert_cmpmem(entry(entries, "b")->data, entry(entries, "b")->size, "two", 3);

        g_assert_cmpint(set_key(entries, "Z", "", 0, false, NULL), ==, 0);
        g_assert_cmpint(archive_remove(entries, "x", "a", NULL), ==, 0);
        keys = archive_keys(entries);
        g_assert_cmpuint(g_strv_length(keys), ==, 2);
        g_assert_cmpstr(keys[0], ==, "Z");
        g_assert_cmpstr(keys[1], ==, "b");
}

static void test_must_exist(void)
{
        g_autoptr(GArray) entries = archive_new();
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(set_key(entries, "a", "one", 3, true, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_CREDENTIAL);
        g_assert_cmpuint(entries->len, ==, 0);
        g_assert_cmpint(set_key(entries, "a", "one", 3, false, NULL), ==, 0);
        g_assert_cmpint(set_key(entries, "a", "two", 3, true, NULL), ==, 0);
        g_assert_cmpmem(entry(entries, "a")->data, entry(entries, "a")->size, "two", 3);

        g_assert_cmpint(archive_remove(entries, "x", "b", &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_CREDENTIAL);
}

/* The largest content goes in alone; one byte or one more key is too much, and the limit is named. */
static void test_limit(void)
{
        g_autofree char *data = g_malloc0(SEAL_CONTENT_MAX + 1);
        g_autoptr(GArray) entries = archive_new(), another = archive_new();
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(set_key(entries, "a", data, SEAL_CONTENT_MAX, false, NULL), ==, 0);
        g_assert_cmpuint(ustar_size((UstarEntry *) entries->data, 1), ==, SEAL_ARCHIVE_MAX);
        g_assert_cmpint(set_key(entries, "b", "", 0, false, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_LIMIT_EXCEEDED);
        g_assert_nonnull(strstr(error.message, "872448"));

        g_assert_cmpint(set_key(another, "a", data, SEAL_CONTENT_MAX + 1, false, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_LIMIT_EXCEEDED);
}

/* What other sources leave counts as well, to the byte. */
static void test_size_max(void)
{
        g_autoptr(GArray) entries = archive_new();
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(set_key(entries, "a", "one", 3, false, NULL), ==, 0);
        g_assert_cmpint(archive_check_size(entries, "x", UINT64_MAX, NULL), ==, 0);
        g_assert_cmpint(archive_check_size(entries, "x", 2048, NULL), ==, 0);
        g_assert_cmpint(archive_check_size(entries, "x", 2047, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_LIMIT_EXCEEDED);
        g_assert_nonnull(strstr(error.message, "would take 2048 bytes"));
        g_assert_nonnull(strstr(error.message, "can load 2047"));
}

static void test_number(void)
{
        g_autoptr(GArray) entries = archive_new();
        _cleanup_error_ Error error = ERROR_INIT;

        for (unsigned i = 0; i < SEAL_KEYS_MAX; i++) {
                g_autofree char *key = g_strdup_printf("%u", i);

                g_assert_cmpint(set_key(entries, key, "", 0, false, NULL), ==, 0);
        }
        g_assert_cmpint(set_key(entries, "more", "", 0, false, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_LIMIT_EXCEEDED);
        g_assert_cmpint(set_key(entries, "7", "new", 3, false, NULL), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/seal/archive/sets-and-removes-one-key", test_set_and_remove);
        g_test_add_func("/seal/archive/rotates-only-what-is-there", test_must_exist);
        g_test_add_func("/seal/archive/holds-what-systemd-loads", test_limit);
        g_test_add_func("/seal/archive/holds-what-other-sources-leave", test_size_max);
        g_test_add_func("/seal/archive/holds-a-thousand-keys", test_number);
        return g_test_run();
}
