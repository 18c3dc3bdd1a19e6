/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes in is what the guest's own splitter gives back. */

#include <glib.h>
#include <string.h>

#include "unikernel/arguments.h"
#include "unikernel/definition.h"

/* As MirageOS does it: split on spaces, '\x' is x, "…" groups, empty pieces are dropped. */
static GPtrArray *mirage_split(const char *text)
{
        GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) word = g_string_new(NULL);
        bool quoted = false;

        for (const char *p = text; *p; p++) {
                if (*p == '\\') {
                        g_assert_cmpint(p[1], !=, 0);
                        g_string_append_c(word, *++p);
                } else if (*p == '"')
                        quoted = !quoted;
                else if (*p == ' ' && !quoted) {
                        if (word->len > 0)
                                g_ptr_array_add(list, g_strdup(word->str));
                        g_string_truncate(word, 0);
                } else
                        g_string_append_c(word, *p);
        }
        g_assert_false(quoted);
        if (word->len > 0)
                g_ptr_array_add(list, g_strdup(word->str));

        return list;
}

static void test_join_comes_back(void)
{
        static const char *const lists[][4] = {
                {NULL},
                {"--ipv4=10.0.0.2/24", "--ipv4-gateway=10.0.0.1", NULL},
                {"a b", "\"quoted\"", "back\\slash", NULL},
                {"ends with space ", "  ", "\\", NULL},
                {" ", " a", "a\\ ", NULL},
                {"'single'", "{brace}", "ä", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_autoptr(GPtrArray) split = NULL;
                g_autofree char *joined = NULL, *stripped = NULL;
                guint n = g_strv_length((char **)lists[i]);

                g_assert_cmpint(arguments_join(lists[i], true, &joined, NULL), ==, 0);
                g_assert_cmpint(arguments_check(joined, NULL), ==, 0);

                /* A definition does not keep white space at a line's end. */
                stripped = g_strstrip(g_strdup(joined));
                split = mirage_split(stripped);
                g_assert_cmpuint(split->len, ==, n);
                for (guint j = 0; j < n; j++)
                        g_assert_cmpstr(split->pdata[j], ==, lists[i][j]);
        }
}

static void test_join_form(void)
{
        static const char *const list[] = {"a b", "c\"d", "e\\f", "g ", NULL};
        g_autofree char *joined = NULL;

        g_assert_cmpint(arguments_join(list, true, &joined, NULL), ==, 0);
        g_assert_cmpstr(joined, ==, "a\\ b c\\\"d e\\\\f g\" \"");
}

/* Unikraft takes quotes and brackets for what they are. Only MirageOS' way of quoting is known, so all others
 * are passed what was written. */
static void test_other_guests_get_it_as_it_stands(void)
{
        static const char *const list[] = {
                        "vfs.fstab=[ \"initrd0:/:extract:::\" ]", "--", "a\\b", "{service.address}", NULL};
        g_autofree char *joined = NULL;

        g_assert_cmpint(arguments_join(list, false, &joined, NULL), ==, 0);
        g_assert_cmpstr(joined, ==, "vfs.fstab=[ \"initrd0:/:extract:::\" ] -- a\\b {service.address}");

        g_assert_true(arguments_are_quoted(NULL));
        g_assert_true(arguments_are_quoted(&(ImageInfo){.target = SOLO5_TARGET_VIRTIO}));
        g_assert_false(arguments_are_quoted(&(ImageInfo){.boot = IMAGE_BOOT_MULTIBOOT}));
        g_assert_false(arguments_are_quoted(&(ImageInfo){.boot = IMAGE_BOOT_LINUX}));
}

static void test_empty_argument_is_refused(void)
{
        static const char *const list[] = {"a", "", NULL};
        g_autofree char *joined = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(arguments_join(list, true, &joined, &error), ==, -EINVAL);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
        g_assert_cmpstr(error.message, ==,
                        "argument 2 is empty: a guest cannot get an empty argument; remove it");
        g_assert_null(joined);
}

static void test_check(void)
{
        static const struct {
                const char *arguments, *message;
        } cases[] = {
                {"", NULL},
                {"--a b\tc \"d", NULL},
                {"ends with \\\\", NULL},
                {"ends with \\\\ ", NULL},
                {"a\nb", "the arguments have the control character U+000A at byte 2: only tabs can "
                         "be passed"},
                {"a\x1b", "the arguments have the control character U+001B at byte 2: only tabs can "
                          "be passed"},
                {"\x7f", "the arguments have the control character U+007F at byte 1: only tabs can "
                         "be passed"},
                {"\xef\xbf\xbf", "the arguments have the control character U+FFFF at byte 1: only "
                                 "tabs can be passed"},
                {"a\xff", "the arguments are not valid UTF-8"},
                {"a\\", "the arguments end with a '\\' that escapes nothing: write '\\\\' for a "
                        "backslash itself"},
                {"a\\\\\\", "the arguments end with a '\\' that escapes nothing: write '\\\\' for a "
                            "backslash itself"},
                {"a\\ ", "the arguments end with a '\\' that escapes a space: write the last space "
                         "as \" \""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = arguments_check(cases[i].arguments, &error);

                g_assert_cmpstr(error.message, ==, cases[i].message);
                g_assert_cmpint(r, ==, cases[i].message ? -EINVAL : 0);
        }
}

/* Solo5 would cut the rest with nothing but a warning. */
static void test_length(void)
{
        g_autofree char *most = g_strnfill(ARGUMENTS_MAX, 'x'), *more = g_strconcat(most, "x", NULL);
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(arguments_check(most, NULL), ==, 0);
        g_assert_cmpint(arguments_check(more, &error), ==, -EINVAL);
        g_assert_cmpstr(error.message, ==,
                        "the arguments are 8192 bytes long: the guest keeps 8191 and drops the rest");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/arguments/other-guests-get-them-as-they-stand", test_other_guests_get_it_as_it_stands);
        g_test_add_func("/unikernel/arguments/join-comes-back", test_join_comes_back);
        g_test_add_func("/unikernel/arguments/join-form", test_join_form);
        g_test_add_func("/unikernel/arguments/empty-argument-is-refused", test_empty_argument_is_refused);
        g_test_add_func("/unikernel/arguments/check", test_check);
        g_test_add_func("/unikernel/arguments/length", test_length);
        return g_test_run();
}
