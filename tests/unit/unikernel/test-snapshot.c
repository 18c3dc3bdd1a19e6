/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A snapshot is whole or not there, is used only when that is asked for, and only for what it was made of.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/snapshot.h"

#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"
#define TEXT   "[Unikernel]\nImage=" DIGEST "\nMemory=64M\n"

typedef struct Fixture {
        char *root;
        Definition *definition;
} Fixture;

static Definition *current; /* the fixture's */

static Definition *parse(const char *text)
{
        Definition *definition = NULL;

        g_assert_cmpint(definition_parse("a", "a", text, strlen(text), &definition, NULL), ==, 0);
        return definition;
}

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-snapshot-XXXXXX", NULL);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_snapshots(), 0700), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_restores(), 0700), ==, 0);
        current = f->definition = parse(TEXT);
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
        _cleanup_close_ int lock = -EBADF;
        g_autofree char *path = NULL;

        g_assert_cmpint(snapshot_lock("a", &lock, NULL), ==, 0);
        g_assert_cmpint(snapshot_begin("a", TEXT, &path, NULL), ==, 0);
        g_assert_true(g_file_set_contents(path, memory, -1, NULL));
        g_assert_cmpint(snapshot_note_volumes("a", current, NULL), ==, 0);
        g_assert_cmpint(snapshot_complete("a", NULL), ==, 0);
}

static void expect_memory(bool whole, const char *memory)
{
        g_autofree char *path = snapshot_memory("a", whole), *text = NULL;

        if (!memory) {
                g_assert_null(path);
                return;
        }
        g_assert_nonnull(path);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, memory);
}

static void test_is_there_once_complete(Fixture *f, const void *data)
{
        g_autofree char *path = NULL;
        Snapshot snapshot;

        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 0);
        g_assert_cmpint(snapshot_begin("a", TEXT, &path, NULL), ==, 0);
        /* libvirt has not written it. */
        g_assert_cmpint(snapshot_complete("a", NULL), <, 0);
        g_assert_true(g_file_set_contents(path, "1234", -1, NULL));
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 0);
        g_assert_cmpint(snapshot_complete("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_find("a", &snapshot), ==, 1);
        g_assert_cmpint(snapshot.size, ==, 4);
        g_assert_cmpint(snapshot.time, >, 0);
}

static void test_stays_when_the_next_one_fails(Fixture *f, const void *data)
{
        g_autofree char *path = NULL, *other = NULL;

        save("first");
        g_assert_cmpint(snapshot_begin("a", TEXT, &path, NULL), ==, 0);
        snapshot_abandon("a");
        expect_memory(true, "first");
        expect_memory(false, NULL);
        g_assert_cmpint(snapshot_begin("a", TEXT, &other, NULL), ==, 0);
        g_assert_cmpint(snapshot_complete("a", NULL), <, 0);
        expect_memory(true, "first");
}

static void test_is_replaced(Fixture *f, const void *data)
{
        save("first");
        save("second");
        expect_memory(true, "second");
        expect_memory(false, NULL);
}

static void test_is_made_by_one_at_a_time(Fixture *f, const void *data)
{
        _cleanup_close_ int lock = -EBADF, other = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        save("x");
        g_assert_cmpint(snapshot_lock("a", &lock, NULL), ==, 0);
        g_assert_cmpint(snapshot_lock("a", &other, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_BUSY);
        error_clear(&error);
        g_assert_cmpint(snapshot_remove("a", &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_BUSY);
        expect_memory(true, "x");
        lock = close_safe(lock);
        g_assert_cmpint(snapshot_remove("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_lock("a", &other, NULL), ==, 0);
}

static void test_is_restored_once_and_on_request_only(Fixture *f, const void *data)
{
        save("x");
        g_assert_false(snapshot_take_request("a"));
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        g_assert_true(snapshot_is_requested("a"));
        g_assert_true(snapshot_take_request("a"));
        g_assert_false(snapshot_take_request("a"));
        g_assert_false(snapshot_withdraw("a"));

        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        g_assert_true(snapshot_withdraw("a"));
        g_assert_false(snapshot_take_request("a"));
        expect_memory(true, "x");
}

static void test_is_not_restored_long_after_a_request(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(paths_restores(), "a", NULL);
        const struct utimbuf past = {.actime = 1, .modtime = 1};

        save("x");
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        g_assert_cmpint(g_utime(path, (struct utimbuf *) &past), ==, 0);
        g_assert_false(snapshot_is_requested("a"));
        g_assert_false(snapshot_take_request("a"));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
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

        save("x");
        g_assert_cmpint(snapshot_begin("a", TEXT, &path, NULL), ==, 0);
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        g_assert_cmpint(snapshot_remove("a", NULL), ==, 0);
        expect_memory(true, NULL);
        expect_memory(false, NULL);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
        g_assert_false(snapshot_take_request("a"));
}

/* One that a killed process has left can still be asked for. */
static void test_is_found_where_it_was_left(Fixture *f, const void *data)
{
        _cleanup_close_ int lock = -EBADF;
        g_autofree char *path = NULL;

        g_assert_cmpint(snapshot_lock("a", &lock, NULL), ==, 0);
        g_assert_cmpint(snapshot_begin("a", TEXT, &path, NULL), ==, 0);
        g_assert_true(g_file_set_contents(path, "left", -1, NULL));
        g_assert_cmpint(snapshot_request("a", NULL), ==, 0);
        expect_memory(true, NULL);
        expect_memory(false, "left");
        g_assert_cmpint(snapshot_complete("a", NULL), ==, 0);
        expect_memory(true, "left");
        g_assert_cmpint(snapshot_check("a", f->definition, NULL), ==, 0);
}

static void expect_use(const char *text, const char *refusal)
{
        g_autoptr(Definition) definition = parse(text);
        _cleanup_error_ Error error = ERROR_INIT;
        int r = snapshot_check("a", definition, &error);

        g_assert_cmpint(r >= 0, ==, !refusal);
        if (!refusal)
                return;
        g_assert_cmpint(error.code, ==, ERROR_SNAPSHOT_UNUSABLE);
        g_assert_nonnull(strstr(error.message, refusal));
}

static void test_is_for_what_was_saved(Fixture *f, const void *data)
{
        save("x");
        expect_use(TEXT, NULL);
        expect_use("[Unikernel]\nImage=" DIGEST "\n# the same\nMemory=65536K\nAutostart=yes\n", NULL);
        expect_use("[Unikernel]\nImage=" DIGEST "\nMemory=32M\n", "settings");
        expect_use(TEXT "Arguments=--other\n", "settings");
        expect_use(TEXT "[Network service]\nBridge=br0\n", "settings");
}

static void test_is_for_the_volumes_of_then(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->root, "disk", NULL);
        g_autofree char *text = g_strdup_printf(TEXT "[Volume storage]\nPath=%s\nReadOnly=yes\n", path);
        const struct utimbuf past = {.actime = 1, .modtime = 1};
        _cleanup_close_ int lock = -EBADF;
        g_autofree char *memory = NULL;

        g_assert_true(g_file_set_contents(path, "1234", -1, NULL));
        definition_free(f->definition);
        current = f->definition = parse(text);
        g_assert_cmpint(snapshot_lock("a", &lock, NULL), ==, 0);
        g_assert_cmpint(snapshot_begin("a", text, &memory, NULL), ==, 0);
        g_assert_true(g_file_set_contents(memory, "x", -1, NULL));
        g_assert_cmpint(snapshot_note_volumes("a", f->definition, NULL), ==, 0);
        g_assert_cmpint(snapshot_complete("a", NULL), ==, 0);

        expect_use(text, NULL);
        /* Also an older one, such as a backup that is put back. */
        g_assert_cmpint(g_utime(path, (struct utimbuf *) &past), ==, 0);
        expect_use(text, "'storage' was changed");
        g_assert_cmpint(g_unlink(path), ==, 0);
        expect_use(text, "'storage' was changed");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/snapshot/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("is-there-once-complete", test_is_there_once_complete);
        ADD("stays-when-the-next-one-fails", test_stays_when_the_next_one_fails);
        ADD("is-replaced", test_is_replaced);
        ADD("is-made-by-one-at-a-time", test_is_made_by_one_at_a_time);
        ADD("is-restored-once-and-on-request-only", test_is_restored_once_and_on_request_only);
        ADD("is-not-restored-long-after-a-request", test_is_not_restored_long_after_a_request);
        ADD("is-missed-by-name", test_is_missed_by_name);
        ADD("is-removed-in-each-state", test_is_removed_in_each_state);
        ADD("is-found-where-it-was-left", test_is_found_where_it_was_left);
        ADD("is-for-what-was-saved", test_is_for_what_was_saved);
        ADD("is-for-the-volumes-of-then", test_is_for_the_volumes_of_then);
#undef ADD
        return g_test_run();
}
