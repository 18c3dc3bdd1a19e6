/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters are known again after a restart; an interface's name never comes to stand for another. */

#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#include "antispoof/record.h"
#include "fixture/files.h"

typedef struct Fixture {
        char *directory;
        AntispoofFilter *filter;
        char interface[IF_NAMESIZE];
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        fixture->directory = g_dir_make_tmp("antispoof-XXXXXX", NULL);
        g_assert_cmpint(record_open(fixture->directory, NULL), ==, 0);
        g_assert_cmpint(antispoof_filter_parse("web 02:00:00:00:00:01 10.0.0.2 none service",
                                        &fixture->filter, NULL),
                        ==, 0);
        antispoof_interface_name(fixture->filter, fixture->interface);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        fixture_remove_tree(fixture->directory);
        g_free(fixture->directory);
        antispoof_filter_free(fixture->filter);
}

static void test_kept(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GPtrArray) found = NULL, none = NULL;
        g_autofree char *text = NULL, *again = antispoof_filter_format(fixture->filter);

        g_assert_cmpint(record_add(fixture->filter, NULL), ==, 0);
        g_assert_cmpint(record_add(fixture->filter, NULL), ==, 0);
        g_assert_cmpint(record_open(fixture->directory, NULL), ==, 0);
        found = record_list();
        g_assert_cmpuint(found->len, ==, 1);
        text = antispoof_filter_format(found->pdata[0]);
        g_assert_cmpstr(text, ==, again);

        record_remove(fixture->filter);
        none = record_list();
        g_assert_cmpuint(none->len, ==, 0);
}

/* Two filters of one name cannot be made; a file in its place stands for the other. */
static void test_of_another(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path = g_build_filename(fixture->directory, fixture->interface, NULL), *text = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        fixture_put(fixture->directory, fixture->interface, "other 02:00:00:00:00:02 any any service");
        g_assert_cmpint(record_add(fixture->filter, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "The interface of another guest"));
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_true(g_str_has_prefix(text, "other "));
}

static void test_left_out(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GPtrArray) found = NULL;

        fixture_put(fixture->directory, "shruaaaaaaaaaaa", "web 02:00:00:00:00:01 10.0.0.2 none service");
        fixture_put(fixture->directory, "shrubbbbbbbbbbb", "nonsense");
        fixture_put(fixture->directory, "shruccccccccccc", "");
        g_assert_cmpint(record_add(fixture->filter, NULL), ==, 0);
        found = record_list();
        g_assert_cmpuint(found->len, ==, 1);
}

/* Added again, it is young again. */
static void test_age(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path = g_build_filename(fixture->directory, fixture->interface, NULL);
        const struct utimbuf old = {.actime = 1, .modtime = 1};

        g_assert_false(record_is_older(fixture->filter, 600));
        g_assert_cmpint(record_add(fixture->filter, NULL), ==, 0);
        g_assert_false(record_is_older(fixture->filter, 600));
        g_assert_cmpint(utime(path, &old), ==, 0);
        g_assert_true(record_is_older(fixture->filter, 600));
        g_assert_cmpint(record_add(fixture->filter, NULL), ==, 0);
        g_assert_false(record_is_older(fixture->filter, 600));
}

static void test_no_directory(Fixture *fixture, gconstpointer data)
{
        g_autofree char *path = g_build_filename(fixture->directory, "missing", NULL);
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(record_open(path, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "missing"));
}

#define ADD(path, function) g_test_add("/antispoof/record/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        ADD("kept-until-removed", test_kept);
        ADD("name-of-another-is-left-alone", test_of_another);
        ADD("what-is-no-record-is-left-out", test_left_out);
        ADD("added-again-is-young-again", test_age);
        ADD("needs-its-directory", test_no_directory);
        return g_test_run();
}
