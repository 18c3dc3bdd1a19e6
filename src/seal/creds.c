/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd-creds as a child: its standard input and output carry the content, its messages the reason of a
 * failure. It reads everything before it writes anything, so neither side waits for the other. */

#include "seal/creds.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "seal/archive.h"

/* It may have to wait for a TPM. */
#define CHILD_SEC 50

typedef struct CredsChild {
        pid_t pid;
        int input, output, messages; /* our ends */
} CredsChild;

static void creds_child_clear(CredsChild *child)
{
        child->input = close_safe(child->input);
        child->output = close_safe(child->output);
        child->messages = close_safe(child->messages);
        if (child->pid > 0) {
                (void) kill(child->pid, SIGKILL);
                (void) waitpid(child->pid, NULL, 0);
        }
        child->pid = 0;
}
#define _cleanup_creds_child_ __attribute__((cleanup(creds_child_clear)))
#define CREDS_CHILD_INIT      ((CredsChild){.input = -EBADF, .output = -EBADF, .messages = -EBADF})

static int creds_child_spawn(char *const argv[], int input, int output, int messages, pid_t *ret_pid)
{
        /* Only errors: otherwise it would report each time where its key is. */
        static char level[] = "SYSTEMD_LOG_LEVEL=err", target[] = "SYSTEMD_LOG_TARGET=console",
                    locale[] = "LC_ALL=C.UTF-8";
        char *const environment[] = {level, target, locale, NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t pipe_signal;
        int r;

        /* We ignore it, and that would be inherited. */
        sigemptyset(&pipe_signal);
        sigaddset(&pipe_signal, SIGPIPE);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
        r = posix_spawn(ret_pid, SYSTEMD_CREDS, &actions, &attributes, argv, environment);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);

        return -r;
}

/* input: a descriptor for the child to read, or -EBADF for a pipe of ours. */
static int creds_child_start(
                CredsChild *child, const char *verb, const char *name, int input, Error *ret_error)
{
        g_autofree char *name_option = g_strdup_printf("--name=%s", name);
        char *argv[] = {(char *) "systemd-creds", (char *) verb, name_option, (char *) "-", (char *) "-",
                        NULL};
        _cleanup_close_ int input_end = -EBADF, output_end = -EBADF, messages_end = -EBADF;
        int in[2] = {-EBADF, -EBADF}, out[2], messages[2], r;

        if (input < 0) {
                if (pipe2(in, O_CLOEXEC) < 0)
                        return error_set_errno(ret_error, errno, "Cannot create a pipe");
                input_end = in[0];
                child->input = in[1];
        }
        if (pipe2(out, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe");
        output_end = out[1];
        child->output = out[0];
        if (pipe2(messages, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe");
        messages_end = messages[1];
        child->messages = messages[0];

        r = creds_child_spawn(argv, input < 0 ? input_end : input, output_end, messages_end, &child->pid);
        if (r < 0)
                return error_set(ret_error, ERROR_CREDENTIALS_UNAVAILABLE,
                                "Cannot run %s (%s): it comes with systemd 250 and later", SYSTEMD_CREDS,
                                g_strerror(-r));

        return 0;
}

/* The last line of its messages, sanitised. Free with g_free(). */
static char *creds_child_read_reason(int fd)
{
        char buffer[4096], *line = buffer, *newline;
        ssize_t n;

        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return g_strdup("no reason was given");
        n = read(fd, buffer, sizeof buffer - 1);
        buffer[n < 0 ? 0 : n] = 0;
        g_strchomp(buffer);
        newline = strrchr(buffer, '\n');
        if (newline)
                line = newline + 1;

        return *line ? text_for_display(line, 300) : g_strdup("no reason was given");
}

static int creds_child_wait(CredsChild *child, char **ret_words)
{
        int status = 0;

        while (waitpid(child->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        child->pid = 0;
        *ret_words = creds_child_read_reason(child->messages);

        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int creds_encrypt(const char *name, const GArray *entries, char **ret_text, size_t *ret_size,
                Error *ret_error)
{
        _cleanup_creds_child_ CredsChild child = CREDS_CHILD_INIT;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL, *words = NULL;
        size_t size = 0;
        int r, written, read;

        r = creds_child_start(&child, "encrypt", name, -EBADF, ret_error);
        if (r < 0)
                return r;

        written = ustar_write(child.input, (const UstarEntry *) entries->data, entries->len, &error);
        child.input = close_safe(child.input);
        if (written == -EDQUOT || written == -EINVAL) {
                error_move(ret_error, &error);
                return written;
        }
        read = fd_read_all(child.output, SEAL_TEXT_MAX, &text, &size);
        if (read == -E2BIG)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "The sealed keys would take more than the %d bytes that systemd can load",
                                SEAL_TEXT_MAX);

        r = creds_child_wait(&child, &words);
        if (r >= 0)
                r = written < 0 ? written : read;
        if (r < 0 || size == 0)
                return error_set(ret_error, ERROR_CREDENTIALS_UNAVAILABLE, "systemd-creds cannot seal: %s",
                                words);

        *ret_text = g_steal_pointer(&text);
        *ret_size = size;
        return 0;
}

int creds_decrypt(const char *name, int fd, Secret *secret, Error *ret_error)
{
        _cleanup_creds_child_ CredsChild child = CREDS_CHILD_INIT;
        g_autofree char *words = NULL;
        int r, read;

        r = creds_child_start(&child, "decrypt", name, fd, ret_error);
        if (r < 0)
                return r;

        read = secret_read(secret, child.output, g_get_monotonic_time() + CHILD_SEC * G_USEC_PER_SEC);
        r = creds_child_wait(&child, &words);
        if (r >= 0 && read >= 0)
                return 0;

        return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED, "systemd-creds cannot unseal: %s",
                        read < 0 ? g_strerror(-read) : words);
}
