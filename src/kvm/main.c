/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-kvm: has /dev/kvm, which nothing else of ours can open, and gives it to a runner that starts a
 * guest for Solo5's hvt target. Started by shruthi-kvm.socket; a process of its own for each request, so
 * that one that waits delays no other. It exits when nobody has asked for a while. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"
#include "config.h"
#include "kvm/caller.h"
#include "kvm/device.h"
#include "kvm/protocol.h"

#define REQUESTS_MAX 32   /* at once; others wait in the socket */
#define REQUEST_SEC  40   /* SIGALRM ends the process */
#define ASK_MSEC     5000 /* for a client that connects and says nothing */
#define IDLE_MSEC    (30 * 1000)

static int request_open(int connection, int *ret_fd, Error *ret_error)
{
        int r = caller_check(connection);

        if (r < 0)
                return error_set_errno(ret_error, r,
                                "KVM is given to runners only, and systemd does not tell whether this is "
                                "one");
        if (r == 0) {
                log_warning("Rejected a request for /dev/kvm from a process that is not a runner about to "
                            "start a guest");
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "KVM is given to nobody but the main process of a unikernel's unit that is "
                                "being started");
        }

        return device_open(ret_fd, ret_error);
}

static int request_carry_out(int connection, int *ret_fd, Error *ret_error)
{
        struct pollfd poll_fd = {.fd = connection, .events = POLLIN};
        char word[KVM_WORD_MAX + 1];
        ssize_t n;

        if (poll(&poll_fd, 1, ASK_MSEC) <= 0)
                return error_set(ret_error, ERROR_TIMED_OUT, "Nothing was asked");
        n = recv(connection, word, KVM_WORD_MAX, MSG_DONTWAIT);
        word[MAX(n, 0)] = 0;
        if (g_str_equal(word, KVM_ASK_OPEN))
                return request_open(connection, ret_fd, ret_error);
        if (g_str_equal(word, KVM_ASK_CHECK))
                return device_check(ret_error);

        return error_set(ret_error, ERROR_INVALID_ARGS, "There is no such request");
}

_Noreturn static void request_serve(int connection)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int fd = -EBADF, r;

        (void) signal(SIGCHLD, SIG_DFL);
        (void) alarm(REQUEST_SEC);
        r = request_carry_out(connection, &fd, &error);
        (void) socket_send_with_fd(
                        connection, r < 0 ? error_message(&error, r) : KVM_DONE, fd, MSG_DONTWAIT);
        _exit(EXIT_SUCCESS);
}

static unsigned requests_reap(unsigned n)
{
        while (n > 0 && waitpid(-1, NULL, WNOHANG) > 0)
                n--;

        return n;
}

/* Returns whether there is one more. */
static bool requests_accept(int listener)
{
        _cleanup_close_ int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pid_t pid = connection < 0 ? -1 : fork();

        if (pid == 0)
                request_serve(connection);
        return pid > 0;
}

static void on_child(int signal)
{
        (void) signal; /* it only ends poll() */
}

/* A connection that comes as this process ends starts it again: the socket is systemd's. */
static void serve(int listener)
{
        unsigned n = 0;

        for (;;) {
                struct pollfd poll_fd = {.fd = n < REQUESTS_MAX ? listener : -1, .events = POLLIN};
                int ready = poll(&poll_fd, 1, n > 0 ? 1000 : IDLE_MSEC);

                n = requests_reap(n);
                if (ready > 0)
                        n += requests_accept(listener);
                else if (ready == 0 && n == 0)
                        return;
        }
}

int main(int argc, char *argv[])
{
        log_open("shruthi-kvm");
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                puts("shruthi " SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        if (sd_listen_fds(1) != 1) {
                log_error("shruthi-kvm is started by shruthi-kvm.socket");
                return EXIT_FAILURE;
        }

        (void) prctl(PR_SET_DUMPABLE, 0);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGCHLD, on_child);
        serve(SD_LISTEN_FDS_START);
        return EXIT_SUCCESS;
}
