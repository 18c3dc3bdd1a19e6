/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The source of the content of a key. Content with its own descriptor is never read here; a typed line is,
 * and its memory is overwritten. */

#include "ctl/input/secret-input.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/io.h"

#define LINE_MAX_SIZE 4096 /* the longest line of a terminal (termios(3)) */

static struct termios saved;

void secret_input_clear(SecretInput *input)
{
        if (input->fd != STDIN_FILENO)
                close_safe(input->fd);
        input->fd = -EBADF;
        if (input->pump > 0) {
                (void) kill(input->pump, SIGKILL);
                (void) waitpid(input->pump, NULL, 0);
        }
        input->pump = 0;
}

/* Turns the terminal's echo on again before the signal takes effect. */
static void secret_on_signal(int number)
{
        (void) tcsetattr(STDIN_FILENO, TCSANOW, &saved);
        (void) signal(number, SIG_DFL);
        (void) raise(number);
}

/* The echo is off before the prompt is printed, so that no input is shown or lost. */
static int secret_read_line(
                const char *name, const char *key, char line[static LINE_MAX_SIZE], size_t *ret_size)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};
        struct termios silent;
        ssize_t n;

        if (tcgetattr(STDIN_FILENO, &saved) < 0)
                return -errno;
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
                (void) signal(signals[i], secret_on_signal);
        silent = saved;
        silent.c_lflag &= ~(tcflag_t) (ECHO | ECHOE | ECHOK | ECHONL);
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
                return -errno;
        fprintf(stderr, "Key %s of %s (one line, not shown): ", key, name);
        n = read(STDIN_FILENO, line, LINE_MAX_SIZE);
        (void) tcsetattr(STDIN_FILENO, TCSANOW, &saved);
        fputc('\n', stderr);
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
                (void) signal(signals[i], SIG_DFL);
        if (n < 0)
                return -errno;

        *ret_size = n > 0 && line[n - 1] == '\n' ? (size_t) n - 1 : (size_t) n;
        return 0;
}

/* A line always fits in a pipe (pipe(7): at least 4096 bytes). */
static int secret_ask(const char *name, const char *key, int writer, Error *ret_error)
{
        char line[LINE_MAX_SIZE];
        size_t size = 0;
        int r;

        r = secret_read_line(name, key, line, &size);
        if (r >= 0)
                r = write_all(writer, line, size);
        explicit_bzero(line, sizeof line);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read from the terminal");
        if (size == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "Nothing was entered; nothing was changed.");

        return 0;
}

static void secret_pump(int writer)
{
        char buffer[4096];
        ssize_t n;

        while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0 &&
                        write_all(writer, buffer, (size_t) n) >= 0)
                ;
        explicit_bzero(buffer, sizeof buffer);
}

static int secret_start_pump(int reader, int writer, pid_t *ret_pid, Error *ret_error)
{
        pid_t pid;

        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return error_set_errno(ret_error, errno, "Cannot copy standard input");
        if (pid == 0) {
                close_safe(reader);
                secret_pump(writer);
                _exit(0);
        }

        *ret_pid = pid;
        return 0;
}

int secret_input_open(const char *name, const char *key, SecretInput *ret, Error *ret_error)
{
        _cleanup_secret_input_ SecretInput input = SECRET_INPUT_INIT;
        _cleanup_close_ int writer = -EBADF;
        struct stat st;
        int fds[2], r;

        if (fstat(STDIN_FILENO, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot read standard input");
        if (S_ISDIR(st.st_mode))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Standard input is a directory.");
        if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)) {
                *ret = (SecretInput){.fd = STDIN_FILENO};
                return 0;
        }

        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe");
        input.fd = fds[0];
        writer = fds[1];
        r = isatty(STDIN_FILENO) ? secret_ask(name, key, writer, ret_error)
                                 : secret_start_pump(input.fd, writer, &input.pump, ret_error);
        if (r < 0)
                return r;

        *ret = input;
        input = SECRET_INPUT_INIT;
        return 0;
}
