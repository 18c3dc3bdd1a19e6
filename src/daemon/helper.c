/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-domain as a child of the loop: pipes, time limit, output limit, error lines turned into an Error.
 */

#include "daemon/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "daemon/queue.h"

#define HELPER_PROGRAM     "shruthi-domain"
#define HELPER_TIMEOUT     (60 * G_USEC_PER_SEC)
#define HELPER_OUTPUT_MAX  (4 * 1024 * 1024)

extern char **environ;

struct Helper {
        sd_event *event;
        Queue *queue;
};

typedef struct Child {
        Helper *helper;
        QueueEntry *entry;
        char *verb, *name;
        HelperDone done;
        void *userdata;
        pid_t pid;
        int fd;
        GString *output;
        bool too_much, timed_out;
        sd_event_source *io_source, *child_source, *time_source;
} Child;

Helper *helper_new(sd_event *event, unsigned at_once)
{
        Helper *helper = g_new0(Helper, 1);

        helper->event = sd_event_ref(event);
        helper->queue = queue_new(at_once, MAX(at_once / 2, 1));
        return helper;
}

Helper *helper_free(Helper *helper)
{
        if (!helper)
                return NULL;

        sd_event_unref(helper->event);
        queue_free(helper->queue);
        g_free(helper);
        return NULL;
}

unsigned helper_count(const Helper *helper)
{
        return queue_count_running(helper->queue) + queue_count_waiting(helper->queue);
}

gboolean helper_next_line(const char **position, char **ret_key, char **ret_value)
{
        while (**position) {
                const char *line = *position, *end = strchrnul(line, '\n'), *equals;

                *position = *end ? end + 1 : end;
                equals = memchr(line, '=', (size_t) (end - line));
                if (!equals)
                        continue;

                *ret_key = g_strndup(line, (gsize) (equals - line));
                *ret_value = g_strndup(equals + 1, (gsize) (end - equals - 1));
                return TRUE;
        }

        return FALSE;
}

/* error-name= and error= of the output become the error; else what is known of its end. */
static int child_failed(Child *child, int status, Error *ret_error)
{
        g_autofree char *name = NULL, *sentence = NULL;
        const char *position = child->output->str;
        ErrorCode code;

        for (char *key, *value; helper_next_line(&position, &key, &value);) {
                if (g_str_equal(key, "error-name")) {
                        g_free(name);
                        name = g_steal_pointer(&value);
                } else if (g_str_equal(key, "error")) {
                        g_free(sentence);
                        sentence = g_steal_pointer(&value);
                }
                g_free(key);
                g_free(value);
        }

        if (child->timed_out)
                return error_set(ret_error, ERROR_TIMED_OUT, "libvirt did not answer within %u seconds",
                                (unsigned) (HELPER_TIMEOUT / G_USEC_PER_SEC));
        if (child->too_much)
                return error_set(ret_error, ERROR_FAILED, "The output of %s %s is too long", HELPER_PROGRAM,
                                child->verb);
        if (sentence) {
                code = error_code_from_bus_name(name);
                return error_set(ret_error, code >= 0 ? code : ERROR_FAILED, "%s", sentence);
        }
        if (WIFSIGNALED(status))
                return error_set(ret_error, ERROR_FAILED, "%s %s was killed by signal %d", HELPER_PROGRAM,
                                child->verb, WTERMSIG(status));

        return error_set(ret_error, ERROR_FAILED,
                        "%s %s ended with status %d: see its messages in the journal", HELPER_PROGRAM,
                        child->verb, WEXITSTATUS(status));
}

static void child_free(Child *child)
{
        sd_event_source_disable_unref(child->io_source);
        sd_event_source_disable_unref(child->child_source);
        sd_event_source_disable_unref(child->time_source);
        close_safe(child->fd);
        g_string_free(child->output, TRUE);
        queue_entry_done(child->entry);
        g_free(child->verb);
        g_free(child->name);
        g_free(child);
}

static void child_finish(Child *child, int status)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = 0;

        if (child->timed_out || child->too_much || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                r = child_failed(child, status, &error);
        child->done(r, &error, child->output->str, child->userdata);
        child_free(child);
}

/* Reads what is there; returns false at the end. */
static bool child_read(Child *child)
{
        char buffer[16 * 1024];
        ssize_t n;

        while ((n = read(child->fd, buffer, sizeof buffer)) > 0) {
                if (child->output->len + (size_t) n > HELPER_OUTPUT_MAX) {
                        child->too_much = true;
                        (void) kill(child->pid, SIGKILL);
                        return false;
                }
                g_string_append_len(child->output, buffer, n);
        }

        return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        if (!child_read(userdata))
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);

        return 0;
}

static int on_exit_of_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Child *child = userdata;
        int status = si->si_code == CLD_EXITED ? W_EXITCODE(si->si_status, 0) : W_EXITCODE(0, si->si_status);

        if (!child->too_much)
                (void) child_read(child);
        child_finish(child, status);
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Child *child = userdata;

        child->timed_out = true;
        (void) kill(child->pid, SIGKILL);
        return 0;
}

/* The signal mask is the loop's own (SIGCHLD and others are blocked for it) and must not be inherited. */
static int child_spawn(Child *child, int output_fd)
{
        g_autofree char *program = g_build_filename(paths_libexec_dir(), HELPER_PROGRAM, NULL);
        char *argv[] = {program, child->verb, child->name, NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        r = posix_spawn(&child->pid, program, &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);

        return -r;
}

static int child_start(Child *child)
{
        _cleanup_close_ int output_fd = -EBADF;
        sd_event *event = child->helper->event;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        child->fd = fds[0];
        output_fd = fds[1];
        if (fcntl(child->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        r = sd_event_add_io(event, &child->io_source, child->fd, EPOLLIN, on_output, child);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(
                        event, &child->time_source, CLOCK_MONOTONIC, HELPER_TIMEOUT, 0, on_timeout, child);
        if (r < 0)
                return r;
        r = child_spawn(child, output_fd);
        if (r < 0)
                return r;
        r = sd_event_add_child(event, &child->child_source, child->pid, WEXITED, on_exit_of_child, child);
        if (r < 0) {
                (void) kill(child->pid, SIGKILL);
                (void) waitpid(child->pid, NULL, 0);
        }

        return r;
}

static void on_turn(QueueEntry *entry, void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Child *child = userdata;
        int r;

        child->entry = entry;
        r = child_start(child);
        if (r >= 0)
                return;

        (void) error_set_errno(&error, r, "Cannot run %s", HELPER_PROGRAM);
        child->done(r, &error, "", child->userdata);
        child_free(child);
}

void helper_run(Helper *helper, uid_t uid, const char *verb, const char *name, HelperDone done,
                void *userdata)
{
        Child *child = g_new0(Child, 1);

        *child = (Child){.helper = helper, .verb = g_strdup(verb), .name = g_strdup(name), .done = done,
                .userdata = userdata, .fd = -EBADF, .output = g_string_new(NULL)};
        queue_add(helper->queue, uid, on_turn, child);
}
