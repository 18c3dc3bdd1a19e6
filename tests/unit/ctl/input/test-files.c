/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images from the command line arrive as read-only regular files; texts in an editor are private and leave
 * nothing. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/input/editor.h"
#include "ctl/input/image-file.h"

static void assert_holds(int fd, const char *text)
{
        char data[64] = "";
        struct stat st;

        g_assert_cmpint(pread_all(fd, data, sizeof(data) - 1, 0), ==, (ssize_t) strlen(text));
        g_assert_cmpstr(data, ==, text);
        g_assert_cmpint(fstat(fd, &st), ==, 0);
        g_assert_true(S_ISREG(st.st_mode));
        g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
}

static void with_stdin(int fd, const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int image = -EBADF;
        int saved = dup(STDIN_FILENO);

        g_assert_cmpint(dup2(fd, STDIN_FILENO), >=, 0);
        g_assert_cmpint(image_open("-", &image, &error), ==, 0);
        assert_holds(image, text);
        g_assert_cmpint(dup2(saved, STDIN_FILENO), >=, 0);
        close(saved);
}

static void test_image_from_a_pipe(void)
{
        int pipes[2];

        g_assert_cmpint(pipe(pipes), ==, 0);
        g_assert_cmpint(write_all(pipes[1], "image", 5), ==, 0);
        close(pipes[1]);
        with_stdin(pipes[0], "image");
        close(pipes[0]);
}

/* From where it stands: what was read already is not part of it. */
static void test_image_from_a_file_on_stdin(void)
{
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "shruthi-image-XXXXXX", NULL);
        int fd = g_mkstemp(path);

        g_assert_cmpint(write_all(fd, "image", 5), ==, 0);
        g_assert_cmpint(lseek(fd, 2, SEEK_SET), ==, 2);
        with_stdin(fd, "age");
        g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
        with_stdin(fd, "image");
        close(fd);
        g_unlink(path);
}

static void test_image_must_be_a_file(void)
{
        static const struct {
                const char *name, *word;
        } cases[] = {
                        {"/", "a directory"},
                        {"/dev/null", "a device"},
                        {"host:/dev/null", "a device"},
                        {"/nonexistent\x1b", "\\x1b"},
                        {"host:/nonexistent", "/nonexistent"},
                        {"", "No such file"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int fd = -EBADF;

                g_assert_cmpint(image_open(cases[i].name, &fd, &error), <, 0);
                g_assert_cmpint(fd, ==, -EBADF);
                g_assert_nonnull(strstr(error.message, cases[i].word));
        }
}

static void test_editor_changes_and_leaves_nothing(void)
{
        EditorFile file = EDITOR_FILE_INIT;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL, *dir = NULL;
        struct stat st;

        g_setenv("SYSTEMD_EDITOR", "sh -c 'printf more >>\"$0\"; touch \"$0~\"'", TRUE);
        g_assert_cmpint(editor_file_create(&file, "msg", "text ", &error), ==, 0);
        g_assert_true(g_str_has_suffix(file.path, "/msg.unikernel"));
        g_assert_cmpint(stat(file.dir, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0700);
        g_assert_cmpint(editor_file_edit(&file, &text, &error), ==, 0);
        g_assert_cmpstr(text, ==, "text more");

        dir = g_strdup(file.dir);
        editor_file_clear(&file);
        g_assert_cmpint(stat(dir, &st), <, 0);
}

static void test_editor_that_fails(void)
{
        static const struct {
                const char *editor, *word;
        } cases[] = {{"false", "status 1"}, {"/nonexistent/editor", "$EDITOR"}, {"'unbalanced", "$EDITOR"}};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_editor_ EditorFile file = EDITOR_FILE_INIT;
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *text = NULL;

                g_setenv("SYSTEMD_EDITOR", cases[i].editor, TRUE);
                g_assert_cmpint(editor_file_create(&file, "msg", "text", &error), ==, 0);
                g_assert_cmpint(editor_file_edit(&file, &text, &error), <, 0);
                g_assert_nonnull(strstr(error.message, cases[i].word));
                g_assert_null(text);
        }
}

static void test_editor_keeps_what_was_refused(void)
{
        EditorFile file = EDITOR_FILE_INIT;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = NULL, *dir = NULL, *kept = NULL;

        g_assert_cmpint(editor_file_create(&file, "msg", "text", &error), ==, 0);
        path = g_strdup(file.path);
        dir = g_strdup(file.dir);
        (void) error_set(&error, ERROR_INVALID_DEFINITION, "bad");
        editor_file_keep(&file, &error);
        editor_file_clear(&file);

        g_assert_nonnull(strstr(error.message, path));
        g_assert_true(g_str_has_prefix(error.message, "bad\n"));
        g_assert_true(g_file_get_contents(path, &kept, NULL, NULL));
        g_assert_cmpstr(kept, ==, "text");
        g_unlink(path);
        g_rmdir(dir);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/image/from-a-pipe", test_image_from_a_pipe);
        g_test_add_func("/ctl/image/from-a-file-on-stdin", test_image_from_a_file_on_stdin);
        g_test_add_func("/ctl/image/must-be-a-file", test_image_must_be_a_file);
        g_test_add_func("/ctl/editor/changes-and-leaves-nothing", test_editor_changes_and_leaves_nothing);
        g_test_add_func("/ctl/editor/that-fails", test_editor_that_fails);
        g_test_add_func("/ctl/editor/keeps-what-was-refused", test_editor_keeps_what_was_refused);
        return g_test_run();
}
