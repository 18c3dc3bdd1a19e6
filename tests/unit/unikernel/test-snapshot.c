/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A snapshot is whole or not there, is used only when that is asked for, and only for what it was made of.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/snapshot.h"
#include "unikernel/started.h"

#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"
#define TEXT   "[Unikernel]\nImage=" DIGEST "\nMemory=64M\n"

typedef struct Fixture {
        char *root;
        Definition *definition;
} Fixture;

static Definition *parse(const char *text)
{
        Definition *definition = NULL;

        g_assert_cmpint(definition_parse("a", "a", text, strlen(text), &definition, NULL), ==, 0);
        return definition;
}

static void set_up(Fixture *f, const void *data)
{
        g_autofree char *run = NULL;

        f->root = g_dir_make_tmp("shruthi-snapshot-XXXXXX", NULL);
        paths_set_root(f->root);
        run = paths_unikernel_runtime("a");
        g_assert_cmpint(g_mkdir_with_parents(run, 0700), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_dir(), 0700), ==, 0);
        f->definition = parse(TEXT);
        g_assert_cmpint(started_write("a", f->definition), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        definition_free(f->definition);
        fixture_remove_tree(f->root);
        paths_set_root(NULL);
        g_free(f->root);
}

static void save(const char *memory)
{
        g_autofree char *path = NULL;

        g_assert_cmpint(snapshot_begin("a", &path, NULL), ==, 0);
        g_assert_true(g_file_set_contents(path, memory, -1, NULL));
        g_assert_cmpint(snapshot_complete("a", NULL), ==, 0);
}

static void expect_memory(const char *memory)
{
        g_autofree char *path = snapshot_requested("a"), *text = NULL;

        g_assert_nonnull(path);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, memory);
}

static void test_is_there_once_complete(Fixture *f, const void *data)
{
        g_autofree char *path = NULL;
        Snapshot snapshot;

        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 0);
        g_assert_cmpint(snapshot_begin("a", &path, NULL), ==, 0);
        g_assert_true(g_file_set_contents(path, "1234", -1, NULL));
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 0);
        g_assert_cmpint(snapshot_complete("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 1);
        g_assert_cmpint(snapshot.size, ==, 4);
        g_assert_cmpint(snapshot.time, >, 0);
}

static void test_stays_when_the_next_one_fails(Fixture *f, const void *data)
{
        g_autofree char *path = NULL;

        save("first");
        g_assert_cmpint(snapshot_begin("a", &path, NULL), ==, 0);
        snapshot_abandon("a");
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        expect_memory("first");
}

static void test_is_replaced(Fixture *f, const void *data)
{
        save("first");
        save("second");
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        expect_memory("second");
        save("third");
        g_assert_null(snapshot_requested("a"));
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        expect_memory("third");
}

static void test_needs_what_the_guest_was_started_with(Fixture *f, const void *data)
{
        g_autofree char *run = paths_unikernel_runtime("a"), *path = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        fixture_remove_tree(run);
        g_assert_cmpint(snapshot_begin("a", &path, &error), <, 0);
        g_assert_null(path);
}

static void test_is_used_on_request_only(Fixture *f, const void *data)
{
        Snapshot snapshot;

        save("x");
        g_assert_null(snapshot_requested("a"));
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        /* One that an interrupted request left. */
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 1);
        snapshot_withdraw("a");
        g_assert_null(snapshot_requested("a"));
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 1);
}

static void test_is_missed_by_name(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(snapshot_request("a", &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_SNAPSHOT);
        error_clear(&error);
        g_assert_cmpint(snapshot_remove("a", &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_SNAPSHOT);
}

static void test_is_removed_in_each_state(Fixture *f, const void *data)
{
        g_autofree char *path = NULL;
        Snapshot snapshot;

        save("x");
        g_assert_cmpint(snapshot_begin("a", &path, NULL), ==, 0);
        g_assert_cmpint(snapshot_remove("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 0);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

        save("x");
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_remove("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 0);
}

static void test_is_for_what_was_saved(Fixture *f, const void *data)
{
        static const struct {
                const char *text;
                bool usable;
        } table[] = {
                        {TEXT, true},
                        {"[Unikernel]\nImage=" DIGEST "\n# the same\nMemory=65536K\nAutostart=yes\n", true},
                        {"[Unikernel]\nImage=" DIGEST "\nMemory=32M\n", false},
                        {TEXT "Arguments=--other\n", false},
                        {TEXT "[Network service]\nBridge=br0\n", false},
        };

        save("x");
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(Definition) definition = parse(table[i].text);
                _cleanup_error_ Error error = ERROR_INIT;
                int r = snapshot_check_definition("a", definition, &error);

                g_assert_cmpint(r >= 0, ==, table[i].usable);
                if (!table[i].usable)
                        g_assert_cmpint(error.code, ==, ERROR_SNAPSHOT_UNUSABLE);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/snapshot/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("is-there-once-complete", test_is_there_once_complete);
        ADD("stays-when-the-next-one-fails", test_stays_when_the_next_one_fails);
        ADD("is-replaced", test_is_replaced);
        ADD("needs-what-the-guest-was-started-with", test_needs_what_the_guest_was_started_with);
        ADD("is-used-on-request-only", test_is_used_on_request_only);
        ADD("is-missed-by-name", test_is_missed_by_name);
        ADD("is-removed-in-each-state", test_is_removed_in_each_state);
        ADD("is-for-what-was-saved", test_is_for_what_was_saved);
#undef ADD
        return g_test_run();
}
