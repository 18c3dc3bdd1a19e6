/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run of shruthi-domain. */

#include "run/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"

#define HELPER_PROGRAM       "shruthi-domain"
#define HELPER_LINE_MAX      (16 * 1024)
#define HELPER_ARGUMENTS_MAX 8

struct Helper {
        pid_t pid; /* 0 once it has been waited for */
        int output;
        GString *text; /* what it said since its last whole line */
        sd_event *event;
        sd_event_source *child_source;
        sd_event_source *output_source;
        sd_event_source *timeout_source;
        HelperHooks hooks;
        void *userdata;
};

static void helper_take_lines(Helper *helper)
{
        char *newline;

        while ((newline = memchr(helper->text->str, '\n', helper->text->len))) {
                g_autofree char *line = g_strndup(helper->text->str, (size_t) (newline - helper->text->str));
                char *equals = strchr(line, '=');

                g_string_erase(helper->text, 0, newline - helper->text->str + 1);
                if (equals) {
                        *equals = 0;
                        helper->hooks.line(helper->userdata, line, equals + 1);
                }
        }
        if (helper->text->len > HELPER_LINE_MAX)
                g_string_truncate(helper->text, 0);
}

/* Returns false at the end of its output. */
static bool helper_read(Helper *helper)
{
        char buffer[1024];
        ssize_t n = read(helper->output, buffer, sizeof buffer);

        if (n < 0)
                return errno == EINTR;
        if (n == 0)
                return false;

        g_string_append_len(helper->text, buffer, n);
        helper_take_lines(helper);
        return true;
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        if (!helper_read(userdata) && (revents & EPOLLHUP))
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);

        return 0;
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Helper *helper = userdata;
        int status = si->si_code == CLD_EXITED ? si->si_status : -1;

        helper->pid = 0;
        helper->timeout_source = sd_event_source_disable_unref(helper->timeout_source);
        (void) sd_event_source_set_enabled(helper->output_source, SD_EVENT_OFF);
        while (helper_read(helper))
                ;

        helper->hooks.ended(helper->userdata, status);
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Helper *helper = userdata;

        if (helper->pid > 0)
                (void) kill(helper->pid, SIGKILL);
        return 0;
}

/* Only a start has to do with key material. */
static char **helper_environment(const char *verb)
{
        g_auto(GStrv) environment = g_get_environ();

        if (g_strcmp0(verb, "start") != 0)
                environment = g_environ_unsetenv(environment, "CREDENTIALS_DIRECTORY");
        return g_steal_pointer(&environment);
}

static int spawn(char *const *arguments, int output, pid_t *ret_pid)
{
        g_auto(GStrv) environment = helper_environment(arguments[1]);
        g_autofree char *program = g_build_filename(paths_libexec_dir(), HELPER_PROGRAM, NULL);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        (void) sigemptyset(&none);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);

        r = -posix_spawn(ret_pid, program, &actions, &attributes, arguments, environment);

        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return r;
}

static int helper_watch(Helper *helper, uint64_t usec)
{
        int r;

        r = sd_event_add_child(helper->event, &helper->child_source, helper->pid, WEXITED, on_child, helper);
        if (r >= 0)
                r = sd_event_add_io(helper->event, &helper->output_source, helper->output, EPOLLIN,
                                on_output, helper);
        if (r >= 0)
                helper_set_timeout(helper, usec);

        return r;
}

int helper_new(sd_event *event, const char *const *arguments, uint64_t usec, const HelperHooks *hooks,
                void *userdata, Helper **ret_helper)
{
        char *argv[HELPER_ARGUMENTS_MAX + 2] = {(char *) HELPER_PROGRAM};
        int ends[2] = {-EBADF, -EBADF};
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        pid_t pid = 0;
        Helper *helper;
        int r;

        for (unsigned i = 0; arguments[i] && i < HELPER_ARGUMENTS_MAX; i++)
                argv[i + 1] = (char *) arguments[i];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];
        /* Only our end: the helper's own output must not surprise it with EAGAIN. */
        if (fcntl(from, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        r = spawn(argv, to, &pid);
        if (r < 0)
                return r;

        helper = g_new(Helper, 1);
        *helper = (Helper){
                .pid = pid,
                .output = TAKE_FD(from),
                .text = g_string_new(NULL),
                .event = event,
                .hooks = *hooks,
                .userdata = userdata,
        };
        r = helper_watch(helper, usec);
        if (r < 0) {
                helper_free(helper);
                return r;
        }

        *ret_helper = helper;
        return 0;
}

void helper_free(Helper *helper)
{
        if (!helper)
                return;

        sd_event_source_disable_unref(helper->child_source);
        sd_event_source_disable_unref(helper->output_source);
        sd_event_source_disable_unref(helper->timeout_source);
        if (helper->pid > 0) {
                (void) kill(helper->pid, SIGKILL);
                (void) waitpid(helper->pid, NULL, 0);
        }
        (void) close_safe(helper->output);
        g_string_free(helper->text, TRUE);
        g_free(helper);
}

void helper_set_timeout(Helper *helper, uint64_t usec)
{
        helper->timeout_source = sd_event_source_disable_unref(helper->timeout_source);
        if (usec != UINT64_MAX && helper->pid > 0)
                (void) sd_event_add_time_relative(helper->event, &helper->timeout_source, CLOCK_MONOTONIC,
                                usec, 0, on_timeout, helper);
}
