/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs ssh, and sends files through it. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "ctl/input/image-file.h"
#include "ctl/input/volume-file.h"
#include "ctl/remote/remote.h"

#define PROGRESS_SIZE_MIN (1024 * 1024)
#define PROGRESS_USEC     (100 * 1000)
#define DIGEST_OUTPUT_MAX 4096

/* A remote terminal, if all our streams are terminals: for passwords, pagers, editors and consoles. */
static bool remote_wants_terminal(int input, int output)
{
        return input < 0 && output < 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
               isatty(STDERR_FILENO);
}

static int ssh_spawn(const char *host, const GPtrArray *words, int input, int output, pid_t *ret_pid,
                Error *ret_error)
{
        g_autofree char *command = remote_command(words);
        bool terminal = remote_wants_terminal(input, output);
        pid_t pid;

        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return error_set_errno(ret_error, errno, "Cannot run ssh");
        if (pid == 0) {
                if (input >= 0)
                        (void) dup2(input, STDIN_FILENO);
                if (output >= 0)
                        (void) dup2(output, STDOUT_FILENO);
                (void) signal(SIGPIPE, SIG_DFL);
                /* LogLevel suppresses "Connection to … closed." at the end of each command. */
                execlp("ssh", "ssh", "-x", terminal ? "-t" : "-T", "-o", "LogLevel=ERROR", "--", host,
                                command, (char *) NULL);
                fprintf(stderr, "Cannot run ssh: %s. Is it installed?\n", g_strerror(errno));
                _exit(255);
        }

        *ret_pid = pid;
        return 0;
}

static int ssh_wait(const char *host, pid_t pid, Error *ret_error)
{
        int status = 0;

        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
                g_autofree char *shown = text_for_display(host, 200);

                return error_set(ret_error, ERROR_FAILED,
                                "There is no shruthictl on %s: install SHRUTHI there.", shown);
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) == 255) {
                g_autofree char *shown = text_for_display(host, 200);

                return error_set(ret_error, ERROR_FAILED,
                                "The connection to %s failed or broke: try 'ssh %s true'.", shown, shown);
        }

        return WEXITSTATUS(status);
}

static void remote_show_progress(uint64_t sent, uint64_t size, bool last)
{
        g_autofree char *done = size_format(sent), *all = size_format(size);

        fprintf(stderr, "\rSending %s of %s (%u%%)\x1b[K%s", done, all,
                        (unsigned) (size > 0 ? sent * 100 / size : 100), last ? "\n" : "");
}

/* If the remote side stops reading, it reports the reason itself. */
static void remote_send_with_progress(int from, int to, uint64_t size)
{
        g_autofree char *buffer = g_malloc(64 * 1024);
        uint64_t sent = 0;
        gint64 shown = 0;

        for (;;) {
                ssize_t n = read(from, buffer, 64 * 1024);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0 || write_all(to, buffer, (size_t) n) < 0)
                        break;
                sent += (uint64_t) n;
                if (g_get_monotonic_time() - shown > PROGRESS_USEC) {
                        remote_show_progress(sent, size, false);
                        shown = g_get_monotonic_time();
                }
        }
        remote_show_progress(sent, size, true);
}

/* Runs the remote command with the file (or nothing) as its standard input. */
static int remote_run_with_file(Ctl *ctl, const GPtrArray *words, int file, int output, Error *ret_error)
{
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        struct stat st;
        int pipes[2], r;
        pid_t pid;

        if (file < 0 || ctl->options.quiet || !isatty(STDERR_FILENO) || fstat(file, &st) < 0 ||
                        st.st_size < PROGRESS_SIZE_MIN) {
                r = ssh_spawn(ctl->options.host, words, file, output, &pid, ret_error);
                return r < 0 ? r : ssh_wait(ctl->options.host, pid, ret_error);
        }

        if (pipe2(pipes, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe to ssh");
        reader = pipes[0];
        writer = pipes[1];
        r = ssh_spawn(ctl->options.host, words, reader, output, &pid, ret_error);
        if (r < 0)
                return r;

        reader = close_safe(reader);
        (void) signal(SIGPIPE, SIG_IGN);
        remote_send_with_progress(file, writer, (uint64_t) st.st_size);
        writer = close_safe(writer);
        return ssh_wait(ctl->options.host, pid, ret_error);
}

/* Standard input can carry only one file: an initial RAM disk is imported into the remote store first, by a
 * separate command. */
static int remote_import_initrd(Ctl *ctl, const char *name, char **ret_digest, Error *ret_error)
{
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        _cleanup_close_ int file = -EBADF, reader = -EBADF, writer = -EBADF;
        g_autofree char *output = NULL;
        int pipes[2], r;

        r = image_open(name, &file, ret_error);
        if (r < 0)
                return r;
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe to ssh");
        reader = pipes[0];
        writer = pipes[1];

        g_ptr_array_add(words, (char *) "shruthictl");
        g_ptr_array_add(words, (char *) "image");
        g_ptr_array_add(words, (char *) "import");
        g_ptr_array_add(words, (char *) "-");
        /* A digest fits in any pipe, and stays there until ssh has ended. */
        r = remote_run_with_file(ctl, words, file, writer, ret_error);
        writer = close_safe(writer);
        if (r > 0)
                return error_set(ret_error, ERROR_FAILED, "The initial RAM disk was not accepted.");
        if (r >= 0)
                r = fd_read_all(reader, DIGEST_OUTPUT_MAX, &output, NULL);
        if (r < 0)
                return r;

        g_strstrip(output);
        if (!digest_is_valid(output))
                return error_set(ret_error, ERROR_FAILED,
                                "The remote shruthictl did not reply with a digest.");
        *ret_digest = g_steal_pointer(&output);
        return 0;
}

static void remote_replace_name(GPtrArray *words, const RemoteFile *file, const char *name)
{
        char *word = words->pdata[file->index];

        words->pdata[file->index] = g_strdup_printf("%.*s%s", (int) file->prefix, word, name);
        g_free(word);
}

/* Sends all initial RAM disks, replaces their words in the remote command, and opens the image if it is a
 * local file. */
static int remote_send_initrds(Ctl *ctl, GPtrArray *words, const GArray *files, Error *ret_error)
{
        for (guint i = 0; i < files->len; i++) {
                const RemoteFile *file = &g_array_index(files, RemoteFile, i);
                g_autofree char *digest = NULL;
                int r;

                if (!file->initrd)
                        continue;
                r = remote_import_initrd(ctl, (const char *) words->pdata[file->index] + file->prefix,
                                &digest, ret_error);
                if (r < 0)
                        return r;
                remote_replace_name(words, file, digest);
        }

        return 0;
}

static int remote_run_once(Ctl *ctl, const Verb *verb, char **operands, Error *ret_error)
{
        g_autoptr(GPtrArray) words = remote_words(&ctl->options, verb, operands);
        g_autoptr(GArray) files = remote_files(verb, words, g_strv_length(operands));
        _cleanup_close_ int image = -EBADF;
        int r;

        /* Nothing is sent before the local image is known to exist. */
        for (guint i = 0; i < files->len; i++) {
                const RemoteFile *file = &g_array_index(files, RemoteFile, i);

                if (file->initrd)
                        continue;
                image = close_safe(image);
                r = image_open((const char *) words->pdata[file->index] + file->prefix, &image, ret_error);
                if (r < 0)
                        return r;
                remote_replace_name(words, file, "-");
        }
        r = remote_send_initrds(ctl, words, files, ret_error);
        if (r < 0)
                return r;

        return remote_run_with_file(ctl, words, image, -1, ret_error);
}

/* Writes the output of the remote command to a local file. */
static int remote_run_into_file(Ctl *ctl, const Verb *verb, char **operands, Error *ret_error)
{
        const char *name = operands[verb->output_operand - 1];
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        _cleanup_volume_file_ VolumeFile file = VOLUME_FILE_INIT;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(GPtrArray) words = NULL;
        int pipes[2], copied, r;
        pid_t pid;

        r = volume_file_create(name, &file, ret_error);
        if (r < 0)
                return r;
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe to ssh");
        reader = pipes[0];
        writer = pipes[1];

        operands[verb->output_operand - 1] = NULL;
        words = remote_words(&ctl->options, verb, operands);
        r = ssh_spawn(ctl->options.host, words, -1, writer, &pid, ret_error);
        if (r < 0)
                return r;
        writer = close_safe(writer);
        copied = volume_file_fill(&file, reader, &error);
        /* The remote command reports the reason itself, also if nobody reads any more. */
        reader = close_safe(reader);
        r = ssh_wait(ctl->options.host, pid, ret_error);
        if (copied < 0) {
                error_move(ret_error, &error);
                return copied;
        }

        if (r == CTL_EXIT_SUCCESS)
                copied = volume_file_commit(&file, ret_error);
        return copied < 0 ? copied : r;
}

int remote_run(Ctl *ctl, const Verb *verb, char **operands, Error *ret_error)
{
        int r, exit_status = CTL_EXIT_SUCCESS;

        if (verb->output_operand > 0)
                return remote_run_into_file(ctl, verb, operands, ret_error);
        /* A verb for many files is run with one at a time. */
        if (verb->n_files <= 1)
                return remote_run_once(ctl, verb, operands, ret_error);

        for (char **file = operands; *file; file++) {
                char *only[] = {*file, NULL};

                r = remote_run_once(ctl, verb, only, ret_error);
                if (r < 0)
                        return r;
                exit_status = MAX(exit_status, r);
        }

        return exit_status;
}
