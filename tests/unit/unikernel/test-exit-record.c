/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the runner writes about an end is what others read, whole or not at all. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/io.h"
#include "common/paths.h"
#include "unikernel/exit-record.h"

#define INVOCATION "0123456789abcdef0123456789abcdef"

typedef struct Fixture {
        char *root;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->root = g_dir_make_tmp("shruthi-exit-record-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        paths_set_root(f->root);
        g_assert_cmpint(g_mkdir_with_parents(paths_results(), 0700), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        for (g_autofree char *dir = g_strdup(paths_results()); strlen(dir) >= strlen(f->root);) {
                char *parent = g_path_get_dirname(dir);

                g_assert_cmpint(g_rmdir(dir), ==, 0);
                g_free(dir);
                dir = parent;
        }
        paths_set_root(NULL);
        g_free(f->root);
}

static void test_goes_there_and_back(Fixture *f, const void *data)
{
        ExitRecord written = {.invocation_id = (char *) INVOCATION,
                        .exit_status = 4000,
                        .started_at = 5000,
                        .reason = (char *) "a\nb",
                        .error = ERROR_FOREIGN_DOMAIN};

        for (Result result = RESULT_NONE; result < _RESULT_MAX; result++) {
                _cleanup_exit_record_ ExitRecord exit_record = {0};

                written.result = result;
                g_assert_cmpint(exit_record_write("a", &written), ==, 0);
                g_assert_cmpint(exit_record_read("a", &exit_record), ==, 0);
                g_assert_cmpstr(exit_record.invocation_id, ==, INVOCATION);
                g_assert_cmpint(exit_record.result, ==, result);
                g_assert_cmpint(exit_record.exit_status, ==, 4000);
                g_assert_cmpuint(exit_record.started_at, ==, 5000);
                g_assert_cmpint(exit_record.error, ==, ERROR_FOREIGN_DOMAIN);
                g_assert_cmpstr(exit_record.reason, ==, "a\\x0ab");
        }

        g_assert_cmpint(exit_record_remove("a"), ==, 0);
        g_assert_cmpint(exit_record_remove("a"), ==, -ENOENT);
}

/* An upgrade leaves the files of runners that said less, or say more, than is known here. */
static void test_other_versions(Fixture *f, const void *data)
{
        static const char *const texts[] = {
                        "INVOCATION_ID=" INVOCATION "\nRESULT=image\n",
                        "INVOCATION_ID=" INVOCATION "\nRESULT=image\nERROR=\n",
                        "INVOCATION_ID=" INVOCATION "\nRESULT=image\nERROR=org.example.New\n",
                        "INVOCATION_ID=" INVOCATION "\nRESULT=image\nHEALTH=sick\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_exit_record_ ExitRecord exit_record = EXIT_RECORD_INIT;

                g_assert_cmpint(file_replace(paths_results(), "a", texts[i], strlen(texts[i]), 0600), ==, 0);
                g_assert_cmpint(exit_record_read("a", &exit_record), ==, 0);
                g_assert_cmpint(exit_record.result, ==, RESULT_IMAGE);
                g_assert_cmpint(exit_record.error, ==, _ERROR_CODE_INVALID);
        }
        g_assert_cmpint(exit_record_remove("a"), ==, 0);
}

static void test_none_there(Fixture *f, const void *data)
{
        ExitRecord exit_record = {.exit_status = 17};

        g_assert_cmpint(exit_record_read("a", &exit_record), ==, -ENOENT);
        g_assert_cmpint(exit_record.exit_status, ==, 17);
}

static void test_names_and_ids_are_checked(Fixture *f, const void *data)
{
        ExitRecord exit_record = {.invocation_id = (char *) INVOCATION};

        g_assert_cmpint(exit_record_write("../a", &exit_record), ==, -EINVAL);
        g_assert_cmpint(exit_record_read("../a", &exit_record), ==, -EINVAL);
        g_assert_cmpint(exit_record_remove("../a"), ==, -EINVAL);
        exit_record.invocation_id = (char *) "0123";
        g_assert_cmpint(exit_record_write("a", &exit_record), ==, -EINVAL);
        exit_record.invocation_id = NULL;
        g_assert_cmpint(exit_record_write("a", &exit_record), ==, -EINVAL);
}

static void test_broken_files_are_refused(Fixture *f, const void *data)
{
        static const char *const texts[] = {
                        "",
                        "INVOCATION_ID=0\n",
                        "INVOCATION_ID=" INVOCATION "\nRESULT=nonsense\n",
                        "INVOCATION_ID=" INVOCATION "\nEXIT_STATUS=\n",
                        "INVOCATION_ID=" INVOCATION "\nEXIT_STATUS=7x\n",
                        "INVOCATION_ID=" INVOCATION "\nSTARTED_AT=7x\n",
                        "INVOCATION_ID=" INVOCATION "\nRESULT\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                ExitRecord exit_record = {0};

                g_assert_cmpint(file_replace(paths_results(), "a", texts[i], strlen(texts[i]), 0600), ==, 0);
                g_assert_cmpint(exit_record_read("a", &exit_record), ==, -EBADMSG);
        }
        g_assert_cmpint(exit_record_remove("a"), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/unikernel/exit-record/goes-there-and-back", Fixture, NULL, set_up, test_goes_there_and_back,
                        tear_down);
        g_test_add("/unikernel/exit-record/other-versions-are-read", Fixture, NULL, set_up,
                        test_other_versions, tear_down);
        g_test_add("/unikernel/exit-record/none-there", Fixture, NULL, set_up, test_none_there, tear_down);
        g_test_add("/unikernel/exit-record/names-and-ids-are-checked", Fixture, NULL, set_up,
                        test_names_and_ids_are_checked, tear_down);
        g_test_add("/unikernel/exit-record/broken-files-are-refused", Fixture, NULL, set_up,
                        test_broken_files_are_refused, tear_down);
        return g_test_run();
}
