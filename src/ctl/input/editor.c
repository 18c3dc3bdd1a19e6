/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs an editor on a private file. */

#include "ctl/input/editor.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"

#define TEXT_SIZE_MAX (1024 * 1024)

int editor_file_create(EditorFile *file, const char *name, const char *text, Error *ret_error)
{
        g_autofree char *template = g_build_filename(g_get_tmp_dir(), "shruthi-XXXXXX", NULL);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!g_mkdtemp(template))
                return error_set_errno(ret_error, errno,
                                "Cannot create a directory in %s for the text to edit", g_get_tmp_dir());

        file->dir = g_steal_pointer(&template);
        file->path = g_strconcat(file->dir, "/", name, SHRUTHI_DEFINITION_SUFFIX, NULL);
        fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot create %s", file->path);
        r = write_all(fd, text, strlen(text));
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s", file->path) : 0;
}

static void editor_run(const char *path)
{
        static const char *const editors[] = {"editor", "nano", "vim", "vi"};
        const char *chosen = g_getenv("SYSTEMD_EDITOR") ?: g_getenv("EDITOR") ?: g_getenv("VISUAL");

        (void) signal(SIGINT, SIG_DFL);
        (void) signal(SIGQUIT, SIG_DFL);
        if (chosen && *chosen) {
                g_auto(GStrv) words = NULL;
                g_autoptr(GPtrArray) argv = g_ptr_array_new();

                if (!g_shell_parse_argv(chosen, NULL, &words, NULL))
                        return;
                for (char **word = words; *word; word++)
                        g_ptr_array_add(argv, *word);
                g_ptr_array_add(argv, (char *) path);
                g_ptr_array_add(argv, NULL);
                execvp(argv->pdata[0], (char **) argv->pdata);
                return;
        }

        for (size_t i = 0; i < G_N_ELEMENTS(editors); i++)
                execlp(editors[i], editors[i], path, (char *) NULL);
}

/* ^C and ^\ are for the editor. */
static int editor_wait(pid_t pid, Error *ret_error)
{
        sighandler_t interrupt = signal(SIGINT, SIG_IGN), quit = signal(SIGQUIT, SIG_IGN);
        int status = 0;

        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        (void) signal(SIGINT, interrupt);
        (void) signal(SIGQUIT, quit);

        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                return error_set(ret_error, ERROR_FAILED,
                                "No editor could be run: set $EDITOR to an installed one.");
        return error_set(ret_error, ERROR_CANCELED, "The editor failed (status %d); nothing was changed.",
                        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int editor_file_edit(EditorFile *file, char **ret_text, Error *ret_error)
{
        pid_t pid;
        int r;

        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return error_set_errno(ret_error, errno, "Cannot run an editor");
        if (pid == 0) {
                editor_run(file->path);
                _exit(127);
        }
        r = editor_wait(pid, ret_error);
        if (r < 0)
                return r;

        r = file_read_at(AT_FDCWD, file->path, TEXT_SIZE_MAX, ret_text, NULL);
        if (r == -E2BIG)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "The text is larger than 1 MiB; nothing was changed.");
        return r < 0 ? error_set_errno(ret_error, r, "Cannot read %s", file->path) : 0;
}

void editor_file_keep(EditorFile *file, Error *error)
{
        g_autofree char *message = g_strdup(error->message);

        (void) error_set(error, error->code, "%s\nYour text is kept in %s.", message, file->path);
        g_clear_pointer(&file->path, g_free);
        g_clear_pointer(&file->dir, g_free);
}

/* Editors leave files of their own beside it (NAME~, .swp), so everything in the folder is removed. */
void editor_file_clear(EditorFile *file)
{
        g_autoptr(GDir) dir = file->dir ? g_dir_open(file->dir, 0, NULL) : NULL;
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(file->dir, name, NULL);

                (void) g_unlink(path);
        }
        if (file->dir)
                (void) g_rmdir(file->dir);
        g_clear_pointer(&file->path, g_free);
        g_clear_pointer(&file->dir, g_free);
}

bool editor_can_ask(void)
{
        return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool editor_ask_again(void)
{
        char answer[16] = "";

        fprintf(stderr, "Edit it again? [Y/n] ");
        if (!fgets(answer, sizeof(answer), stdin))
                return false;

        return *answer != 'n' && *answer != 'N';
}
