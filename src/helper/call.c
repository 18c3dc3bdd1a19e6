/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asking shruthi-domain. Called by run/body-call.c and daemon/core/libvirt-helper.c. */

#include "helper/call.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/socket.h"
#include "helper/request.h"

#define PROGRAM "shruthi-domain"

/* The service is there to be quick. If it is overloaded, or hangs, callers run processes of their own. */
#define SERVICE_CONNECT_SEC  1
#define SERVICE_TIMEOUT_USEC (8 * G_USEC_PER_SEC)

struct DomainCall {
        sd_event *event;
        char *words[DOMAIN_WORDS_MAX + 1]; /* NULL-terminated */
        int service; /* the connection to it; or else there is a process: */
        pid_t pid;   /* 0 once it has been waited for */
        bool begun;  /* the service has begun */
        bool killed;
        int output;
        int hands; /* our end of the socket that the process has at DOMAIN_HANDS_FD */
        sd_event_source *end_source;
        sd_event_source *output_source;
        sd_event_source *timeout_source;
        sd_event_source *service_source;
        DomainCallHooks hooks;
        void *userdata;
};

static int call_spawn(DomainCall *call);

/* Returns false at the end of its output. */
static bool call_read(DomainCall *call)
{
        char buffer[16 * 1024];
        ssize_t n = read(call->output, buffer, sizeof buffer);

        if (n < 0)
                return errno == EINTR;
        if (n == 0)
                return false;

        call->hooks.output(call->userdata, buffer, (size_t) n);
        return true;
}

static int on_call_output(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        if (!call_read(userdata) && (revents & EPOLLHUP))
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);

        return 0;
}

static void call_take_handed(DomainCall *call, const int *fds, unsigned n_fds)
{
        if (n_fds > 0 && call->hooks.handed)
                call->hooks.handed(call->userdata, fds, n_fds);
        else
                for (unsigned i = 0; i < n_fds; i++)
                        (void) close(fds[i]);
}

static void call_forget(DomainCall *call)
{
        call->end_source = sd_event_source_disable_unref(call->end_source);
        call->output_source = sd_event_source_disable_unref(call->output_source);
        call->service_source = sd_event_source_disable_unref(call->service_source);
        call->service = close_safe(call->service);
        call->hands = close_safe(call->hands);
        if (call->pid > 0) {
                (void) kill(call->pid, SIGKILL);
                (void) waitpid(call->pid, NULL, 0);
                call->pid = 0;
        }
}

static void call_ended(DomainCall *call, int status)
{
        call_forget(call);
        call->timeout_source = sd_event_source_disable_unref(call->timeout_source);
        while (call_read(call))
                ;

        call->hooks.ended(call->userdata, status);
}

static void call_fall_back(DomainCall *call)
{
        call_forget(call);
        if (call_spawn(call) < 0)
                call_ended(call, -1);
}

static int on_call_service_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        call_fall_back(userdata);
        return 0;
}

static int on_call_answer(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        DomainCall *call = userdata;
        int answer, fds[DOMAIN_HANDED_MAX];
        unsigned n_fds = 0;
        int r = domain_answer_receive(fd, &answer, fds, &n_fds);

        if (r == -EAGAIN || r == -EINTR)
                return 0;

        if (r > 0 && answer == DOMAIN_HANDED)
                call_take_handed(call, fds, n_fds);
        else if (call->killed)
                call_ended(call, -1);
        else if (r > 0 && answer == DOMAIN_BEGUN && !call->begun) {
                call->begun = true;
                call->service_source = sd_event_source_disable_unref(call->service_source);
        } else if (!call->begun || (r > 0 && answer == DOMAIN_ELSEWHERE))
                call_fall_back(call);
        else
                call_ended(call, r > 0 && answer >= 0 ? answer : -1);

        return 0;
}

static int on_call_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        DomainCall *call = userdata;
        int answer, fds[DOMAIN_HANDED_MAX];
        unsigned n_fds = 0;

        if (call->hands >= 0 && domain_answer_receive(call->hands, &answer, fds, &n_fds) > 0)
                call_take_handed(call, fds, n_fds);
        call->pid = 0;
        call_ended(call, si->si_code == CLD_EXITED ? si->si_status : -1);
        return 0;
}

static int on_call_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        domain_call_kill(userdata);
        return 0;
}

/* A pipe for its output. Only our end is non-blocking: the other must not get an unexpected EAGAIN. */
static int call_open_output(DomainCall *call, int *ret_fd)
{
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];
        if (fcntl(from, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        r = sd_event_add_io(call->event, &call->output_source, from, EPOLLIN, on_call_output, call);
        if (r < 0)
                return r;

        (void) close_safe(call->output);
        call->output = TAKE_FD(from);
        *ret_fd = TAKE_FD(to);
        return 0;
}

/* Only a start needs key material. */
static char **call_environment(const char *verb)
{
        g_auto(GStrv) environment = g_get_environ();

        if (!g_str_equal(verb, "start"))
                environment = g_environ_unsetenv(environment, "CREDENTIALS_DIRECTORY");
        return g_steal_pointer(&environment);
}

/* Only a start hands descriptors over. */
static int call_open_hands(DomainCall *call, int *ret_fd)
{
        int ends[2];

        if (!g_str_equal(call->words[0], "start"))
                return 0;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;

        call->hands = ends[0];
        *ret_fd = ends[1];
        return 0;
}

/* The signal mask is for the event loop and must not be inherited. */
static int call_execute(DomainCall *call, int output, int hands)
{
        g_auto(GStrv) environment = call_environment(call->words[0]);
        g_autofree char *program = g_build_filename(paths_libexec_dir(), PROGRAM, NULL);
        char *arguments[DOMAIN_WORDS_MAX + 3] = {(char *) PROGRAM};
        unsigned n = 1;
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        if (paths_are_of_user())
                arguments[n++] = (char *) "--user";
        for (char **word = call->words; *word; word++)
                arguments[n++] = *word;

        (void) sigemptyset(&none);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (hands >= 0)
                posix_spawn_file_actions_adddup2(&actions, hands, DOMAIN_HANDS_FD);

        r = -posix_spawn(&call->pid, program, &actions, &attributes, arguments, environment);

        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return r;
}

static int call_spawn(DomainCall *call)
{
        _cleanup_close_ int output = -EBADF, hands = -EBADF;
        int r;

        /* Preparing only gains time, less than a process would take. */
        if (g_str_equal(call->words[0], "prepare"))
                return -EAGAIN;

        r = call_open_output(call, &output);
        if (r >= 0)
                r = call_open_hands(call, &hands);
        if (r >= 0)
                r = call_execute(call, output, hands);
        if (r >= 0)
                r = sd_event_add_child(
                                call->event, &call->end_source, call->pid, WEXITED, on_call_child, call);
        if (r < 0)
                call_forget(call);

        return r;
}

static int call_open_credentials(const char *verb, int *ret_fd)
{
        const char *directory = g_str_equal(verb, "start") ? g_getenv("CREDENTIALS_DIRECTORY") : NULL;
        int fd = directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;

        /* If something is wrong with it, the process reports that. */
        if (directory && fd < 0)
                return -errno;

        *ret_fd = fd;
        return 0;
}

/* Whether the service itself listens, not systemd, as at first: waiting until systemd has loaded and started
 * the service would take longer than a process takes. The connection activates it all the same, for the next
 * call. */
static bool call_service_is_there(int service)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(service, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 1)
                return false;

        return kill(peer.pid, 0) >= 0 || errno != ESRCH;
}

static int call_ask(DomainCall *call)
{
        const char *const *words = (const char *const *) call->words;
        _cleanup_close_ int output = -EBADF, credentials = -EBADF;
        int r;

        r = call_open_credentials(words[0], &credentials);
        if (r >= 0)
                r = socket_connect(DOMAIN_SOCKET, SOCK_SEQPACKET | SOCK_NONBLOCK, SERVICE_CONNECT_SEC,
                                &call->service);
        if (r >= 0 && !call_service_is_there(call->service))
                r = -EAGAIN;
        if (r >= 0)
                r = call_open_output(call, &output);
        if (r >= 0)
                r = domain_request_send(call->service, words, output, STDERR_FILENO, credentials);
        if (r >= 0)
                r = sd_event_add_io(call->event, &call->end_source, call->service, EPOLLIN, on_call_answer,
                                call);
        if (r >= 0)
                r = sd_event_add_time_relative(call->event, &call->service_source, CLOCK_MONOTONIC,
                                SERVICE_TIMEOUT_USEC, 0, on_call_service_timeout, call);
        if (r < 0)
                call_forget(call);

        return r;
}

int domain_call_new(sd_event *event, const char *const *words, uint64_t usec, const DomainCallHooks *hooks,
                void *userdata, DomainCall **ret_call)
{
        DomainCall *call = g_new(DomainCall, 1);
        int r;

        *call = (DomainCall){
                .event = sd_event_ref(event),
                .service = -EBADF,
                .output = -EBADF,
                .hands = -EBADF,
                .hooks = *hooks,
                .userdata = userdata,
        };
        for (unsigned i = 0; i < DOMAIN_WORDS_MAX && words[i]; i++)
                call->words[i] = g_strdup(words[i]);

        r = call_ask(call);
        if (r < 0)
                r = call_spawn(call);
        if (r < 0) {
                domain_call_free(call);
                return r;
        }
        domain_call_set_timeout(call, usec);

        *ret_call = call;
        return 0;
}

DomainCall *domain_call_free(DomainCall *call)
{
        if (!call)
                return NULL;

        call_forget(call);
        sd_event_source_disable_unref(call->timeout_source);
        (void) close_safe(call->output);
        sd_event_unref(call->event);
        for (unsigned i = 0; i < G_N_ELEMENTS(call->words); i++)
                g_free(call->words[i]);
        g_free(call);
        return NULL;
}

void domain_call_kill(DomainCall *call)
{
        call->killed = true;
        if (call->pid > 0)
                (void) kill(call->pid, SIGKILL);
        /* Our own end sees it too, and reports it. */
        if (call->service >= 0)
                (void) shutdown(call->service, SHUT_RDWR);
}

void domain_call_set_timeout(DomainCall *call, uint64_t usec)
{
        call->timeout_source = sd_event_source_disable_unref(call->timeout_source);
        if (usec != UINT64_MAX && (call->pid > 0 || call->service >= 0))
                (void) sd_event_add_time_relative(call->event, &call->timeout_source, CLOCK_MONOTONIC, usec,
                                0, on_call_timeout, call);
}
