/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pager, opened in the same way as by systemctl. */

#include "ctl/output/pager.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/output/terminal.h"

static pid_t pager_pid;

static char **pager_command(void)
{
        const char *value = g_getenv("SYSTEMD_PAGER") ?: g_getenv("PAGER") ?: "less";
        char **words = NULL;

        if (!*value || g_str_equal(value, "cat") || !g_shell_parse_argv(value, NULL, &words, NULL))
                return NULL;

        return words;
}

static G_GNUC_NORETURN void pager_child(int input, char **words)
{
        (void) dup2(input, STDIN_FILENO);
        (void) signal(SIGINT, SIG_DFL);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);

        /* The options of systemctl: quit if it fits on one screen, colors, no clearing, cut long lines, exit
         * at ^C. */
        (void) g_setenv("LESS", g_getenv("SYSTEMD_LESS") ?: "FRSXMK", TRUE);
        (void) g_setenv("LESSCHARSET", g_getenv("SYSTEMD_LESSCHARSET") ?: "utf-8", TRUE);
        /* Run by sudo, less must not offer a root shell. */
        if (geteuid() != getuid() || g_getenv("SUDO_UID"))
                (void) g_setenv("LESSSECURE", "1", TRUE);

        execvp(words[0], words);
        execlp("more", "more", (char *) NULL);
        execlp("cat", "cat", (char *) NULL);
        _exit(1);
}

void pager_open(const Options *options)
{
        g_auto(GStrv) words = NULL;
        _cleanup_close_ int input = -EBADF, output = -EBADF;
        int pipes[2];

        if (pager_pid > 0 || options->no_pager || !terminal_is_output())
                return;
        words = pager_command();
        if (!words || pipe2(pipes, O_CLOEXEC) < 0)
                return;
        input = pipes[0];
        output = pipes[1];

        fflush(stdout);
        pager_pid = fork();
        if (pager_pid == 0)
                pager_child(input, words);
        if (pager_pid < 0)
                return;

        (void) dup2(output, STDOUT_FILENO);
        /* ^C is for the pager, which keeps running. */
        (void) signal(SIGINT, SIG_IGN);
}

void pager_close(void)
{
        _cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (pager_pid <= 0)
                return;

        fflush(stdout);
        /* Ends its input. Later output is discarded. */
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
                (void) close(STDOUT_FILENO);
        while (waitpid(pager_pid, NULL, 0) < 0 && errno == EINTR)
                ;
        pager_pid = 0;
}
