/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every error has a name of its own and keeps its sentence. */

#include <glib.h>

#include "common/error.h"

static void test_every_code_has_a_name(void)
{
        for (ErrorCode code = 0; code < _ERROR_CODE_MAX; code++) {
                g_assert_nonnull(error_code_to_bus_name(code));
                g_assert_cmpint(error_code_to_errno(code), <, 0);
                g_assert_cmpint(error_code_from_bus_name(error_code_to_bus_name(code)), ==, code);
        }
        g_assert_null(error_code_to_bus_name(_ERROR_CODE_MAX));
        g_assert_cmpint(error_code_from_bus_name("org.example.Other"), ==, _ERROR_CODE_INVALID);
}

static void test_set_replaces_and_prefixes(void)
{
        _cleanup_error_ Error error = ERROR_INIT, moved = ERROR_INIT;

        g_assert_cmpint(error_set(&error, ERROR_INVALID_NAME, "first"), ==, -EINVAL);
        g_assert_cmpint(error_set(&error, ERROR_NO_SUCH_IMAGE, "no image '%s'", "x"), ==, -ENOENT);
        error_prefix(&error, "%s", "msgrouter");
        g_assert_cmpstr(error_message(&error, -EIO), ==, "msgrouter: no image 'x'");

        error_move(&moved, &error);
        g_assert_null(error.message);
        g_assert_cmpint(moved.code, ==, ERROR_NO_SUCH_IMAGE);
        g_assert_cmpstr(error_message(&error, -ENOENT), ==, g_strerror(ENOENT));
}

static void test_errno_keeps_its_number(void)
{
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(error_set_errno(&error, ENOSPC, "Cannot write %s", "a"), ==, -ENOSPC);
        g_assert_cmpstr(error.message, ==, "Cannot write a: No space left on device");
        g_assert_cmpint(error_set_errno(&error, -ENOMEM, "Cannot write"), ==, -ENOMEM);
        g_assert_cmpint(error.code, ==, ERROR_NO_MEMORY);
        g_assert_cmpint(error_set(NULL, ERROR_BUSY, "nobody listens"), ==, -EBUSY);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/error/every-code-has-a-name", test_every_code_has_a_name);
        g_test_add_func("/common/error/set-replaces-and-prefixes", test_set_replaces_and_prefixes);
        g_test_add_func("/common/error/errno-keeps-its-number", test_errno_keeps_its_number);
        return g_test_run();
}
