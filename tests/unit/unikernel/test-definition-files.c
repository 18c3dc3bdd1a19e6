/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What stands first of three directories counts; what is written is on disk, and only what is shruthid's own
 * is changed. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/definition.h"

#define IMAGE "[Unikernel]\nImage=/srv/a\n"

typedef struct Fixture {
        char *root;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-definition-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_config_definitions(), 0700), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_state_definitions(), 0700), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(paths_vendor_definitions(), 0700), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        fixture_remove_tree(f->root);
        paths_set_root(NULL);
        g_free(f->root);
}

static void mask(const char *dir, const char *file)
{
        g_autofree char *path = g_build_filename(dir, file, NULL);

        g_assert_cmpint(symlink("/dev/null", path), ==, 0);
}

static void assert_origin(const char *name, DefinitionOrigin origin)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        (void)definition_load(name, &definition, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(definition->origin, ==, origin);
}

static void test_precedence(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = NULL;
        g_autofree char *path = NULL;
        DefinitionOrigin origin = _DEFINITION_ORIGIN_INVALID;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(definition_load("a", &definition, &error), ==, -ENOENT);
        g_assert_cmpstr(error.message, ==, "there is no unikernel 'a'");

        fixture_put(paths_vendor_definitions(), "a.unikernel", IMAGE);
        assert_origin("a", DEFINITION_ORIGIN_VENDOR);
        fixture_put(paths_state_definitions(), "a.unikernel", IMAGE);
        assert_origin("a", DEFINITION_ORIGIN_STATE);
        fixture_put(paths_config_definitions(), "a.unikernel", IMAGE);
        assert_origin("a", DEFINITION_ORIGIN_CONFIG);

        g_assert_cmpint(definition_find("a", &path, &origin, &error), ==, 0);
        g_assert_cmpint(origin, ==, DEFINITION_ORIGIN_CONFIG);
        g_assert_true(g_str_has_prefix(path, paths_config_definitions()));
}

static void test_drop_ins(Fixture *f, const void *data)
{
        g_autoptr(Definition) d = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        const DefinitionDevice *device;

        fixture_put(paths_state_definitions(), "a.unikernel",
                        IMAGE "Memory=32M\nCPUs=2\n[Network service]\nBridge=br0\n");
        fixture_put(paths_vendor_definitions(), "a.unikernel.d/10-cpus.conf", "[Unikernel]\nCPUs=3\n");
        fixture_put(paths_vendor_definitions(), "a.unikernel.d/20-memory.conf", "[Unikernel]\nMemory=1G\n");
        fixture_put(paths_config_definitions(), "a.unikernel.d/20-memory.conf", "[Unikernel]\nMemory=64M\n");
        fixture_put(paths_state_definitions(), "a.unikernel.d/30-net.conf",
                        "[Network service]\nBridge=\nNetwork=default\n[Network more]\n");

        g_assert_cmpint(definition_load("a", &d, &error), ==, 0);
        g_assert_cmpuint(d->memory, ==, 64 << 20);
        g_assert_cmpuint(d->cpus, ==, 3);
        g_assert_cmpuint(g_strv_length(d->dropins), ==, 3);
        g_assert_cmpuint(d->devices->len, ==, 2);
        device = d->devices->pdata[0];
        g_assert_null(device->bridge);
        g_assert_cmpstr(device->network, ==, "default");
        device = d->devices->pdata[1];
        g_assert_cmpstr(device->file, ==, d->dropins[2]);
        g_clear_pointer(&d, definition_free);

        fixture_put(paths_config_definitions(), "a.unikernel.d/99-bad.conf", "[Unikernel]\n\nMemory=much\n");
        g_assert_cmpint(definition_load("a", &d, &error), ==, -EBADMSG);
        g_assert_nonnull(strstr(error.message, "/a.unikernel.d/99-bad.conf:3: Memory=much: not a size"));
}

static void test_masked(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) names = NULL;

        fixture_put(paths_vendor_definitions(), "a.unikernel", IMAGE);
        fixture_put(paths_vendor_definitions(), "b.unikernel", IMAGE);
        mask(paths_config_definitions(), "a.unikernel");

        g_assert_cmpint(definition_load("a", &definition, &error), ==, -ENOENT);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_UNIKERNEL);
        g_assert_nonnull(strstr(error.message, "unikernel 'a' is masked: "));
        g_assert_cmpint(definition_list_names(&names, &error), ==, 0);
        g_assert_cmpuint(g_strv_length(names), ==, 1);
        g_assert_cmpstr(names[0], ==, "b");

        g_assert_cmpint(definition_write("a", IMAGE, true, &error), ==, -EROFS);
        g_assert_cmpint(definition_write("a", IMAGE, false, &error), ==, -EROFS);
        g_assert_nonnull(strstr(error.message, "masked by the administrator"));
}

/* What is no readable file is an error of that unikernel alone. */
static void test_broken_files(Fixture *f, const void *data)
{
        g_autofree char *dir = g_build_filename(paths_config_definitions(), "dir.unikernel", NULL);
        g_autofree char *fifo = g_build_filename(paths_config_definitions(), "fifo.unikernel", NULL);
        g_autofree char *dangling = g_build_filename(paths_config_definitions(), "link.unikernel", NULL);
        static const char *const names[] = {"dir", "fifo", "link"};
        g_auto(GStrv) listed = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        g_assert_cmpint(symlink("/nonexistent", dangling), ==, 0);
        fixture_put(paths_state_definitions(), "Bad_Name.unikernel", IMAGE);
        fixture_put(paths_state_definitions(), "other.txt", IMAGE);
        fixture_put(paths_state_definitions(), "dir.unikernel", IMAGE);

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(Definition) definition = NULL;

                g_assert_cmpint(definition_load(names[i], &definition, &error), ==, -EBADMSG);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
        }
        g_assert_cmpint(definition_list_names(&listed, &error), ==, 0);
        g_assert_cmpuint(g_strv_length(listed), ==, 3);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                g_assert_cmpstr(listed[i], ==, names[i]);
}

static void test_users_can_be_ignored(Fixture *f, const void *data)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        fixture_put(paths_config_definitions(), "a.unikernel",
                        IMAGE "Owner=no-such-user\nGroup=no-such-group\n");
        g_assert_cmpint(definition_load("a", &definition, &error), ==, -EBADMSG);
        g_assert_cmpint(definition_load_full("a", DEFINITION_IGNORE_USERS, &definition, &error), ==, 0);
        g_assert_cmpuint(definition->owner, ==, 0);
        g_assert_cmpuint(definition->group, ==, GID_INVALID);
}

static void test_write_and_remove(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        g_autofree char *dropins = g_build_filename(paths_state_definitions(), "a.unikernel.d", NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        struct stat st;

        g_assert_cmpint(definition_write("a", IMAGE, true, &error), ==, 0);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0640);
        g_assert_cmpint(definition_write("a", IMAGE, true, &error), ==, -EEXIST);
        g_assert_cmpint(error.code, ==, ERROR_UNIKERNEL_EXISTS);
        g_assert_cmpint(definition_write("a", IMAGE "CPUs=2\n", false, &error), ==, 0);
        fixture_put(paths_state_definitions(), "a.unikernel.d/x.conf", "");

        g_assert_cmpint(definition_remove("a", &error), ==, 0);
        g_assert_cmpint(stat(path, &st), ==, -1);
        g_assert_cmpint(stat(dropins, &st), ==, -1);
        g_assert_cmpint(definition_remove("a", &error), ==, -ENOENT);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_UNIKERNEL);
}

/* Whatever interrupts the removal, no definition is left that a drop-in does not restrict any more. */
static void test_removed_before_its_drop_ins(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        struct stat st;

        g_assert_cmpint(definition_write("a", IMAGE, true, &error), ==, 0);
        /* A directory is no drop-in, and is not removed as one. */
        fixture_put(paths_state_definitions(), "a.unikernel.d/x.conf/y", "");

        g_assert_cmpint(definition_remove("a", &error), <, 0);
        g_assert_nonnull(strstr(error.message, "a.unikernel was removed, but"));
        g_assert_nonnull(strstr(error.message, "a.unikernel.d/x.conf"));
        g_assert_cmpint(stat(path, &st), ==, -1);
}

/* In two steps, of which the first can be taken back, and the second be left to whoever comes later. */
static void test_retired_before_it_is_gone(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(paths_state_definitions(), "a.unikernel", NULL);
        g_autofree char *dropins = g_build_filename(paths_state_definitions(), "a.unikernel.d", NULL);
        g_auto(GStrv) none = NULL, one = NULL, names = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(definition_write("a", IMAGE, true, &error), ==, 0);
        fixture_put(paths_state_definitions(), "a.unikernel.d/x.conf", "");
        g_assert_cmpint(definition_retire("a", &error), ==, 0);
        g_assert_cmpint(definition_restore("a", &error), ==, 0);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));

        g_assert_cmpint(definition_retire("a", &error), ==, 0);
        g_assert_cmpint(definition_list_names(&names, &error), ==, 0);
        g_assert_cmpuint(g_strv_length(names), ==, 0);
        definitions_tidy();
        one = definition_list_retired();
        g_assert_cmpuint(g_strv_length(one), ==, 1);
        g_assert_cmpstr(one[0], ==, "a");

        /* Another that has come meanwhile is not replaced. */
        g_assert_cmpint(definition_write("a", IMAGE "CPUs=2\n", true, &error), ==, 0);
        g_assert_cmpint(definition_restore("a", &error), ==, -EEXIST);
        error_clear(&error);
        g_assert_cmpint(definition_forget_retired("a", &error), ==, 0);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        g_assert_false(g_file_test(dropins, G_FILE_TEST_EXISTS));
        none = definition_list_retired();
        g_assert_cmpuint(g_strv_length(none), ==, 0);
}

static void test_others_files_are_left_alone(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;

        fixture_put(paths_vendor_definitions(), "a.unikernel", IMAGE);
        g_assert_cmpint(definition_write("a", IMAGE, true, &error), ==, -EEXIST);
        g_assert_cmpint(definition_remove("a", &error), ==, -EROFS);
        g_assert_cmpint(error.code, ==, ERROR_NOT_MANAGED);
        g_assert_nonnull(strstr(error.message, paths_vendor_definitions()));
        g_assert_cmpint(definition_write("a", IMAGE, false, &error), ==, 0);
        assert_origin("a", DEFINITION_ORIGIN_STATE);

        fixture_put(paths_config_definitions(), "a.unikernel", IMAGE);
        g_assert_cmpint(definition_write("a", IMAGE, false, &error), ==, -EROFS);
        g_assert_nonnull(strstr(error.message, paths_config_definitions()));
        g_assert_cmpint(definition_remove("a", &error), ==, -EROFS);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/unikernel/definition-files/precedence", Fixture, NULL, set_up, test_precedence,
                        tear_down);
        g_test_add("/unikernel/definition-files/drop-ins", Fixture, NULL, set_up, test_drop_ins, tear_down);
        g_test_add("/unikernel/definition-files/masked", Fixture, NULL, set_up, test_masked, tear_down);
        g_test_add("/unikernel/definition-files/broken-files", Fixture, NULL, set_up, test_broken_files,
                        tear_down);
        g_test_add("/unikernel/definition-files/users-can-be-ignored", Fixture, NULL, set_up,
                        test_users_can_be_ignored, tear_down);
        g_test_add("/unikernel/definition-files/write-and-remove", Fixture, NULL, set_up,
                        test_write_and_remove, tear_down);
        g_test_add("/unikernel/definition-files/removed-before-its-drop-ins", Fixture, NULL, set_up,
                        test_removed_before_its_drop_ins, tear_down);
        g_test_add("/unikernel/definition-files/retired-before-it-is-gone", Fixture, NULL, set_up,
                        test_retired_before_it_is_gone, tear_down);
        g_test_add("/unikernel/definition-files/others-files-are-left-alone", Fixture, NULL, set_up,
                        test_others_files_are_left_alone, tear_down);
        return g_test_run();
}
