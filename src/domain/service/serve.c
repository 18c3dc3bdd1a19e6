/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The main process of shruthi-domain.service. Called by main.c. */

#include "domain/service/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "body/body.h"
#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "domain/service/bridge-watch.h"
#include "domain/service/pool.h"
#include "domain/service/sweeper.h"
#include "helper/request.h"

#define LISTENER 3 /* SD_LISTEN_FDS_START of sd_listen_fds(3) */

/* systemd closes the descriptors stored for a unit a moment after the unit has ended, and at a shutdown
 * stops us at once. */
#define LAST_LOOK_USEC (300 * 1000)

/* Pause before a new observer after the last one has died. */
#define OBSERVER_PAUSE_USEC (1 * G_USEC_PER_SEC)
#define OBSERVER_STEP_USEC  (5 * 1000)

typedef struct Server {
        ServeRoles roles;
        int signals;
        pid_t observer;       /* 0 if none */
        int observed;         /* its packets; negative if none */
        int64_t observer_due; /* when to fork a new one */
        int64_t ending;       /* when we were told to stop; 0 if not yet */
        int64_t used;         /* of the last activity, monotonic */
        Pool pool;
        Sweeper *sweeper;
        BridgeWatch *antispoof;
} Server;

/* Without libsystemd, which would also load its code for the bus. */
static bool listener_is_there(void)
{
        const char *pid = g_getenv("LISTEN_PID"), *fds = g_getenv("LISTEN_FDS");
        int type = 0, listening = 0;
        socklen_t type_size = sizeof type, listening_size = sizeof listening;

        if (!pid || !fds || strtol(pid, NULL, 10) != getpid() || !g_str_equal(fds, "1"))
                return false;

        return getsockopt(LISTENER, SOL_SOCKET, SO_TYPE, &type, &type_size) >= 0 && type == SOCK_SEQPACKET &&
               getsockopt(LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_size) >= 0 &&
               listening;
}

/* Runs in the new process: closes everything of the server except its own end of the socket pair. */
static void server_become(Server *server, void (*role)(int socket), int socket)
{
        sigset_t none;

        for (unsigned i = 0; i < server->pool.n; i++)
                (void) close_safe(server->pool.workers[i].control);
        sweeper_free(server->sweeper);
        bridge_watch_free(server->antispoof);
        (void) close_safe(server->observed);
        (void) close_safe(server->signals);
        (void) close_safe(LISTENER);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);

        role(socket);
        _exit(EXIT_SUCCESS);
}

/* Returns our end, or a negative value if fork fails. */
static int server_fork(Server *server, void (*role)(int socket), pid_t *ret_pid)
{
        _cleanup_close_ int ours = -EBADF, its = -EBADF;
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        ours = ends[0];
        its = ends[1];
        pid = fork();
        if (pid < 0) {
                log_warning("Cannot fork: %s", g_strerror(errno));
                return -EAGAIN;
        }
        if (pid == 0) {
                ours = close_safe(ours);
                server_become(server, role, its);
        }

        *ret_pid = pid;
        return TAKE_FD(ours);
}

/* Returns a busy worker, or NULL if fork fails. */
static PoolWorker *server_fork_worker(Server *server)
{
        pid_t pid;
        int control = server_fork(server, server->roles.worker, &pid);

        return control < 0 ? NULL : pool_add(&server->pool, pid, control);
}

/* Keeps an observer running for as long as we run. */
static void server_observe(Server *server, int64_t now)
{
        if (server->observer > 0 || now < server->observer_due || server->ending > 0)
                return;

        server->observer_due = now + OBSERVER_PAUSE_USEC;
        server->observed = server_fork(server, server->roles.observer, &server->observer);
        if (server->observed < 0)
                server->observer = 0;
}

/* The observer notices our exit by itself, but may be waiting for libvirt. */
static void server_dismiss_observer(Server *server)
{
        int64_t deadline = g_get_monotonic_time() + OBSERVER_PAUSE_USEC;

        server->observed = close_safe(server->observed);
        while (server->observer > 0 && waitpid(server->observer, NULL, WNOHANG) == 0) {
                if (g_get_monotonic_time() >= deadline)
                        (void) kill(server->observer, SIGKILL);
                g_usleep(OBSERVER_STEP_USEC);
        }
        server->observer = 0;
}

/* Reads packets "NAME WORD". */
static void server_hear_observer(Server *server, int64_t now)
{
        char text[256];
        ssize_t n;

        while ((n = recv(server->observed, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
                char *space;

                text[n] = 0;
                space = strchr(text, ' ');
                if (!space)
                        continue;
                *space = 0;
                sweeper_tell(server->sweeper, text, space + 1, now);
        }
        if (n == 0)
                server->observed = close_safe(server->observed);
}

/* fd is a descriptor to pass, or negative. */
static int worker_tell(PoolWorker *worker, char what, int fd)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof fd)];
        } control = {};
        struct iovec part = {.iov_base = &what, .iov_len = sizeof what};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

        if (fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof control;
                control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS,
                                .cmsg_len = CMSG_LEN(sizeof fd)};
                memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        }
        if (sendmsg(worker->control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                return -errno;

        worker->busy = true;
        return 0;
}

/* The worker exits after its current request. */
static void worker_dismiss(PoolWorker *worker)
{
        worker->control = close_safe(worker->control);
        worker->leaving = true;
}

/* Only our own services and root may. */
static bool client_may_ask(int connection)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (peer.uid == getuid() || peer.uid == 0)
                return true;

        log_warning("Rejected a request from UID %u, PID %d", (unsigned) peer.uid, (int) peer.pid);
        return false;
}

/* Called before a connection is accepted, because no other process may have that open. */
static void server_prepare_worker(Server *server, int64_t now)
{
        PoolWorker *worker = pool_pick(&server->pool);

        if (!worker)
                worker = server_fork_worker(server);
        if (worker)
                pool_set_idle(worker, now);
}

/* Returns false if no worker takes it. */
static bool server_give(Server *server, int connection)
{
        PoolWorker *worker;

        while ((worker = pool_pick(&server->pool))) {
                if (worker_tell(worker, SERVE_CONTROL_SERVE, connection) >= 0)
                        return true;
                worker_dismiss(worker);
        }
        return false;
}

/* A client that cannot be served sees the connection close, and runs shruthi-domain itself. */
static void server_accept(Server *server, int64_t now)
{
        _cleanup_close_ int connection = -EBADF;

        server_prepare_worker(server, now);
        connection = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
                return;
        if (!client_may_ask(connection))
                return;

        server->used = now;
        (void) server_give(server, connection);
}

/* Makes a request as a client would. Returns the socket of the answer, or a negative errno. */
static int server_ask(Server *server, const char *const *words)
{
        _cleanup_close_ int ours = -EBADF, its = -EBADF, null = -EBADF;
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        ours = ends[0];
        its = ends[1];
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null < 0)
                return -errno;
        r = domain_request_send(ours, words, null, STDERR_FILENO, -EBADF);
        if (r < 0)
                return r;

        return server_give(server, its) ? TAKE_FD(ours) : -EAGAIN;
}

/* Has domains swept whose units have ended, while workers are free. */
static void server_sweep(Server *server, int64_t now)
{
        const char *name;
        bool unclaimed;

        while (pool_has_capacity(&server->pool) &&
                        (name = sweeper_find_ended(server->sweeper, now, &unclaimed))) {
                BodyRequest request =
                                body_for(name)->request(unclaimed ? BODY_SWEEP_PREPARED : BODY_SWEEP, name);

                server_prepare_worker(server, now);
                sweeper_set_sweeping(server->sweeper, name, server_ask(server, request.words), now);
                server->used = now;
        }
}

/* Has guests reattached whose bridge is gone, or back. */
static void server_reattach(Server *server, int64_t now)
{
        static const char *const words[] = {"reattach", NULL};

        bridge_watch_set_wanted(
                        server->antispoof, server->ending == 0 && sweeper_is_needed(server->sweeper), now);
        if (!bridge_watch_is_due(server->antispoof, now) || !pool_has_capacity(&server->pool))
                return;
        server_prepare_worker(server, now);
        bridge_watch_set_asked(server->antispoof, server_ask(server, words), now);
}

static void server_hear_worker(PoolWorker *worker, int64_t now)
{
        char done;
        ssize_t n = recv(worker->control, &done, sizeof done, MSG_DONTWAIT);

        if (n > 0)
                pool_set_idle(worker, now);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                worker_dismiss(worker);
}

static void server_reap(Server *server)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                PoolWorker *worker = pool_find(&server->pool, pid);

                if (pid == server->observer) {
                        log_warning("The observer exited; starting another one");
                        server->observer = 0;
                        server->observed = close_safe(server->observed);
                }
                if (!worker)
                        continue;
                /* SIGIO means that the client is gone. A worker that exits with a status has logged the
                 * reason itself. */
                if (WIFSIGNALED(status) && WTERMSIG(status) != SIGIO)
                        log_warning("Worker %d was killed by signal %d (%s)", (int) pid, WTERMSIG(status),
                                        strsignal(WTERMSIG(status)));
                else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
                        log_warning("Worker %d exited", (int) pid);
                (void) close_safe(worker->control);
                pool_remove(&server->pool, worker);
        }
}

static void server_hear_signals(Server *server)
{
        struct signalfd_siginfo signal;

        while (read(server->signals, &signal, sizeof signal) == sizeof signal)
                if (signal.ssi_signo == SIGCHLD)
                        server_reap(server);
                else if (server->ending == 0)
                        server->ending = g_get_monotonic_time();
}

/* Domains of ended units are swept before we exit. */
static bool server_may_end(const Server *server, int64_t now)
{
        return !sweeper_is_needed(server->sweeper) ||
               (!sweeper_is_busy(server->sweeper) && now - server->ending >= LAST_LOOK_USEC);
}

/* Dismisses idle workers. Returns false when no worker is left and no request is expected: while there are
 * unikernels, one will have to be stopped. */
static bool server_trim(Server *server, int64_t now)
{
        bool leaving = server->ending > 0 && server_may_end(server, now);
        PoolWorker *worker;

        while ((worker = pool_find_idle(&server->pool, leaving ? INT64_MAX : now - POOL_IDLE_USEC)))
                worker_dismiss(worker);

        if (server->pool.n > 0)
                return true;
        if (server->ending > 0)
                return !leaving;
        return now - server->used < POOL_IDLE_USEC || sweeper_is_needed(server->sweeper);
}

/* The timeout for poll(2). */
static int server_timeout(Server *server, int64_t now)
{
        int64_t next = pool_next_idle(&server->pool);

        if (pool_has_capacity(&server->pool))
                next = MIN(next, MIN(sweeper_next(server->sweeper), bridge_watch_next(server->antispoof)));
        if (server->observer == 0 && server->ending == 0)
                next = MIN(next, server->observer_due);
        if (server->ending > 0 && server->ending + LAST_LOOK_USEC > now)
                next = MIN(next, server->ending + LAST_LOOK_USEC);
        else if (server->ending == 0 && server->pool.n == 0 && !sweeper_is_needed(server->sweeper))
                next = MIN(next, server->used + POOL_IDLE_USEC);
        return next == INT64_MAX ? -1 : (int) (MAX(next - now, 0) / 1000 + 1);
}

#define FIXED 5 /* descriptors that are always polled */

static void server_wait(Server *server, int64_t now)
{
        struct pollfd polls[POOL_MAX + FIXED] = {
                        {.fd = server->signals, .events = POLLIN},
                        {.fd = sweeper_fd(server->sweeper), .events = POLLIN},
                        {.fd = server->ending > 0 || !pool_has_capacity(&server->pool) ? -1 : LISTENER,
                                        .events = POLLIN},
                        {.fd = bridge_watch_fd(server->antispoof), .events = POLLIN},
                        {.fd = server->observed, .events = POLLIN},
        };
        unsigned n = server->pool.n;

        /* A worker that is leaving has a negative descriptor, which poll(2) ignores. */
        for (unsigned i = 0; i < n; i++)
                polls[i + FIXED] = (struct pollfd){.fd = server->pool.workers[i].control, .events = POLLIN};
        if (poll(polls, n + FIXED, server_timeout(server, now)) <= 0)
                return;

        now = g_get_monotonic_time();
        for (unsigned i = 0; i < n; i++)
                if (polls[i + FIXED].revents)
                        server_hear_worker(&server->pool.workers[i], now);
        if (polls[0].revents)
                server_hear_signals(server);
        if (polls[1].revents)
                sweeper_hear(server->sweeper, now);
        if (polls[3].revents)
                bridge_watch_hear(server->antispoof, now);
        /* Handled after the sweeper, which must know the unikernels first. */
        if (polls[4].revents)
                server_hear_observer(server, now);
        if (polls[2].revents && server->ending == 0)
                server_accept(server, now);
}

static int server_block_signals(void)
{
        sigset_t mask;

        (void) signal(SIGPIPE, SIG_IGN);
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int server_begin_watching(Server *server)
{
        int r;

        r = bridge_watch_new(&server->antispoof);
        return r < 0 ? r : sweeper_new(server->used, &server->sweeper);
}

int serve(const ServeRoles *roles)
{
        Server server = {.roles = *roles, .used = g_get_monotonic_time(), .observed = -EBADF};
        PoolWorker *first;
        int64_t now;
        int r;

        if (!listener_is_there()) {
                log_error("shruthi-domain serve is only run by shruthi-domain.service");
                return EXIT_FAILURE;
        }
        /* Listen again ourselves: clients check the listening process to see that the service runs. */
        if (listen(LISTENER, SOMAXCONN) < 0) {
                log_error("Cannot listen: %s", g_strerror(errno));
                return EXIT_FAILURE;
        }
        server.signals = server_block_signals();
        if (server.signals < 0) {
                log_error("Cannot wait for signals: %s", g_strerror(errno));
                return EXIT_FAILURE;
        }
        r = server_begin_watching(&server);
        if (r < 0) {
                log_error("Cannot watch '%s': %s", paths_liveness(), g_strerror(-r));
                return EXIT_FAILURE;
        }

        /* A request will arrive soon: the first worker connects meanwhile. */
        first = server_fork_worker(&server);
        if (first)
                (void) worker_tell(first, SERVE_CONTROL_CONNECT, -EBADF);

        for (now = g_get_monotonic_time(); server_trim(&server, now); now = g_get_monotonic_time()) {
                server_observe(&server, now);
                server_wait(&server, now);
                server_sweep(&server, g_get_monotonic_time());
                server_reattach(&server, g_get_monotonic_time());
        }

        sweeper_free(server.sweeper);
        bridge_watch_free(server.antispoof);
        server_dismiss_observer(&server);
        (void) close_safe(server.signals);
        return EXIT_SUCCESS;
}
