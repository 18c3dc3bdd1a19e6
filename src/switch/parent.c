/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections, and the processes that they are handed to. A connection says first which network it is about,
 * and has a few seconds for that. Called by main.c. */

#include "switch/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"
#include "switch/network.h"
#include "switch/protocol.h"
#include "switch/rules-file.h"

#define PENDING_MAX  64
#define PENDING_USEC (5 * G_USEC_PER_SEC)
#define IDLE_USEC    (30 * G_USEC_PER_SEC)
#define AGAIN_USEC   G_USEC_PER_SEC /* between two tries of one that crashes */
#define HAND_OVER    "client"

typedef struct SwitchChild {
        char *name, *bridge;
        pid_t pid;   /* 0: it is to be made anew */
        int control; /* negative: likewise */
        int64_t begun, again;
} SwitchChild;

typedef struct PendingClient {
        int fd;
        int64_t until;
} PendingClient;

typedef struct SwitchParent {
        int listen_fd, signal_fd;
        uid_t user;
        const char *directory;
        GPtrArray *children; /* SwitchChild */
        GArray *pending;     /* PendingClient */
        int64_t idle;
} SwitchParent;

static void switch_child_free(gpointer data)
{
        SwitchChild *child = data;

        (void) close_safe(child->control);
        g_free(child->name);
        g_free(child->bridge);
        g_free(child);
}

/* In the new process. Of the descriptors only its own stays, beside the standard ones. */
static _Noreturn void child_run(const SwitchParent *parent, const SwitchChild *child, int control)
{
        SwitchedNetwork task = {.name = child->name,
                        .bridge = child->bridge,
                        .directory = parent->directory,
                        .control = STDERR_FILENO + 1};
        sigset_t none;

        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (control != task.control && dup3(control, task.control, O_CLOEXEC) < 0)
                _exit(EXIT_FAILURE);
        (void) close_range((unsigned) task.control + 1, ~0U, 0);
        (void) fcntl(task.control, F_SETFL, O_NONBLOCK);
        _exit(network_run(&task) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int child_start(SwitchParent *parent, SwitchChild *child)
{
        int sockets[2];
        pid_t pid;

        child->begun = g_get_monotonic_time();
        child->again = child->begun + AGAIN_USEC;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return -errno;
        pid = fork();
        if (pid < 0) {
                int r = -errno;

                (void) close(sockets[0]);
                (void) close(sockets[1]);
                return r;
        }
        if (pid == 0)
                child_run(parent, child, sockets[1]);

        (void) close(sockets[1]);
        child->pid = pid;
        child->control = sockets[0];
        return 0;
}

static SwitchChild *parent_find(const SwitchParent *parent, const char *name)
{
        for (guint i = 0; i < parent->children->len; i++) {
                SwitchChild *child = parent->children->pdata[i];

                if (g_str_equal(child->name, name))
                        return child;
        }
        return NULL;
}

/* A network that was removed and made again has another bridge, and its rules are not these. */
static void parent_end_child(SwitchParent *parent, SwitchChild *child)
{
        if (child->pid > 0) {
                (void) kill(child->pid, SIGKILL);
                (void) TEMP_FAILURE_RETRY(waitpid(child->pid, NULL, 0));
        }
        g_ptr_array_remove_fast(parent->children, child);
}

static int parent_get(SwitchParent *parent, const char *name, const char *bridge, SwitchChild **ret_child)
{
        SwitchChild *child = parent_find(parent, name);
        int r;

        if (child && !g_str_equal(child->bridge, bridge)) {
                parent_end_child(parent, child);
                child = NULL;
        }
        if (!child) {
                if (parent->children->len >= PARENT_NETWORKS_MAX)
                        return -E2BIG;
                child = g_new(SwitchChild, 1);
                *child = (SwitchChild){
                                .name = g_strdup(name), .bridge = g_strdup(bridge), .control = -EBADF};
                g_ptr_array_add(parent->children, child);
        }
        if (child->pid == 0) {
                r = child_start(parent, child);
                if (r < 0)
                        return r;
        }
        *ret_child = child;
        return 0;
}

/* Those of a parent before this one. */
static void parent_restore(SwitchParent *parent)
{
        g_autoptr(GDir) directory = g_dir_open(parent->directory, 0, NULL);
        const char *name;

        file_remove_remains(AT_FDCWD, parent->directory, NULL);
        while (directory && (name = g_dir_read_name(directory))) {
                g_autofree char *bridge = NULL;
                SwitchChild *child;
                int r;

                if (!switch_network_is_valid(name) ||
                                rules_file_read(parent->directory, name, &bridge, NULL) < 0)
                        continue;
                r = parent_get(parent, name, bridge, &child);
                if (r < 0)
                        log_warning("The links of network %s cannot be emulated: %s", name, g_strerror(-r));
        }
}

/* One that has ended is done with; one that has crashed goes on, but not faster than once in a while. */
static void parent_reap(SwitchParent *parent)
{
        struct signalfd_siginfo info;
        int status;
        pid_t pid;

        while (read(parent->signal_fd, &info, sizeof info) > 0)
                ;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                for (guint i = parent->children->len; i > 0; i--) {
                        SwitchChild *child = parent->children->pdata[i - 1];

                        if (child->pid != pid)
                                continue;
                        child->pid = 0;
                        child->control = close_safe(child->control);
                        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
                                g_ptr_array_remove_index_fast(parent->children, i - 1);
                        else
                                log_warning("The process of network %s has died, and is started again",
                                                child->name);
                }
}

static int64_t parent_restart(SwitchParent *parent)
{
        int64_t now = g_get_monotonic_time(), next = INT64_MAX;

        for (guint i = 0; i < parent->children->len; i++) {
                SwitchChild *child = parent->children->pdata[i];

                if (child->pid == 0 && child->again <= now)
                        (void) child_start(parent, child);
                if (child->pid == 0)
                        next = MIN(next, child->again);
        }
        return next;
}

/* What a client has sent before it is handed over waits in its socket, and is the child's to read. */
static void parent_hear_pending(SwitchParent *parent, const PendingClient *pending)
{
        _cleanup_switch_request_ SwitchRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;
        char data[256];
        ssize_t n = recv(pending->fd, data, sizeof data, MSG_DONTWAIT);
        SwitchChild *child;
        int r;

        if (n <= 0)
                return;
        r = switch_request_parse(data, (size_t) n, &request, &error);
        if (r >= 0 && request.verb != SWITCH_NETWORK)
                r = error_set(&error, ERROR_INVALID_ARGS, "write network NAME BRIDGE first");
        if (r >= 0)
                r = parent_get(parent, request.network, request.bridge, &child);
        if (r >= 0)
                r = socket_send_with_fd(child->control, HAND_OVER, pending->fd, MSG_DONTWAIT);
        if (r < 0)
                log_warning("Closed a connection: %s", error_message(&error, r));
}

static bool parent_lets_in(const SwitchParent *parent, int fd)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (peer.uid == 0 || peer.uid == parent->user || peer.uid == geteuid())
                return true;

        log_warning("Rejected a request from UID %u, PID %d", (unsigned) peer.uid, (int) peer.pid);
        return false;
}

static void parent_accept(SwitchParent *parent)
{
        PendingClient pending = {.until = g_get_monotonic_time() + PENDING_USEC};

        pending.fd = accept4(parent->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (pending.fd < 0)
                return;
        if (parent->pending->len < PENDING_MAX && parent_lets_in(parent, pending.fd))
                g_array_append_val(parent->pending, pending);
        else
                (void) close(pending.fd);
}

static int parent_timeout(const SwitchParent *parent, int64_t next)
{
        int64_t now = g_get_monotonic_time();

        for (guint i = 0; i < parent->pending->len; i++)
                next = MIN(next, g_array_index(parent->pending, PendingClient, i).until);
        if (parent->children->len == 0 && parent->pending->len == 0)
                next = MIN(next, parent->idle);
        return next == INT64_MAX ? -1 : (int) (MAX(next - now, 0) / 1000 + 1);
}

static int parent_turn(SwitchParent *parent)
{
        struct pollfd polls[2 + PENDING_MAX] = {
                        {.fd = parent->listen_fd, .events = POLLIN},
                        {.fd = parent->signal_fd, .events = POLLIN},
        };
        guint n = parent->pending->len;
        int64_t next = parent_restart(parent), now;

        for (guint i = 0; i < n; i++)
                polls[2 + i] = (struct pollfd){
                                .fd = g_array_index(parent->pending, PendingClient, i).fd, .events = POLLIN};
        if (poll(polls, 2 + n, parent_timeout(parent, next)) < 0 && errno != EINTR)
                return -errno;

        now = g_get_monotonic_time();
        if (polls[1].revents)
                parent_reap(parent);
        for (guint i = n; i > 0; i--) {
                PendingClient pending = g_array_index(parent->pending, PendingClient, i - 1);

                if (!polls[1 + i].revents && pending.until > now)
                        continue;
                if (polls[1 + i].revents)
                        parent_hear_pending(parent, &pending);
                (void) close(pending.fd);
                g_array_remove_index_fast(parent->pending, i - 1);
        }
        if (polls[0].revents)
                parent_accept(parent);
        if (parent->children->len > 0 || parent->pending->len > 0)
                parent->idle = now + IDLE_USEC;
        return 0;
}

int parent_run(int listen_fd, uid_t user, const char *directory)
{
        SwitchParent parent = {
                        .listen_fd = listen_fd,
                        .user = user,
                        .directory = directory,
                        .children = g_ptr_array_new_with_free_func(switch_child_free),
                        .pending = g_array_new(FALSE, FALSE, sizeof(PendingClient)),
                        .idle = g_get_monotonic_time() + IDLE_USEC,
        };
        sigset_t child;
        int r = 0;

        (void) sigemptyset(&child);
        (void) sigaddset(&child, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &child, NULL) < 0)
                return -errno;
        parent.signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
        if (parent.signal_fd < 0 || fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        parent_restore(&parent);
        while (r >= 0 && (parent.children->len > 0 || parent.pending->len > 0 ||
                                         parent.idle > g_get_monotonic_time()))
                r = parent_turn(&parent);
        g_array_unref(parent.pending);
        g_ptr_array_unref(parent.children);
        return r;
}
