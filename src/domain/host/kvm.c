/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain/host/kvm.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/string-util.h"
#include "domain/host/protocol.h"
#include "helper/request.h"

#define DEVICE       "/dev/kvm"
#define DRIVER       "/sys/class/misc/kvm"
#define TENDER      "shruthi-tender"
#define TENDER_KVM  3
#define MESSAGE_MAX  2000 /* bytes */
#define SERVICE_SEC  10   /* for it to be started */
#define SERVICE_MSEC 20000

#define WAY_OUT "build the image for another target (MirageOS: `mirage configure -t virtio`, or `-t spt`)"

static int device_open(void)
{
        int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int device_refuse(int r, Error *ret_error)
{
        bool missing = r == -ENOENT || r == -ENODEV || r == -ENXIO;

        if (missing && access(DRIVER, F_OK) < 0)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's hvt target, which needs KVM, and this host has "
                                "none: load "
                                "the module kvm_intel or kvm_amd, or " WAY_OUT);
        if (missing)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's hvt target, which needs KVM, and "
                                "shruthi-domain.service has "
                                "no " DEVICE
                                ": if the host has it, run 'systemctl restart shruthi-domain.service'; "
                                "or " WAY_OUT);
        if (r == -EACCES || r == -EPERM)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's hvt target, which needs KVM, and user shruthi may "
                                "not open " DEVICE ": run 'chgrp kvm " DEVICE " && chmod 0660 " DEVICE
                                "', or " WAY_OUT);

        (void) error_set_errno(ret_error, r,
                        "The image is for Solo5's hvt target, which needs KVM, and " DEVICE
                        " cannot be opened: " WAY_OUT);
        ret_error->code = ERROR_NOT_SUPPORTED;
        return error_code_to_errno(ERROR_NOT_SUPPORTED);
}

/* Until the service has answered: the device, or nothing, and then it has said why. */
static int service_receive(int service)
{
        struct pollfd poll_fd = {.fd = service, .events = POLLIN};
        int answer, fds[DOMAIN_HANDED_MAX], kvm = -ENODATA;
        unsigned n_fds;

        while (poll(&poll_fd, 1, SERVICE_MSEC) > 0) {
                int r = domain_answer_receive(service, &answer, fds, &n_fds);

                if (r == -EAGAIN || r == -EINTR)
                        continue;
                if (r <= 0 || (answer != DOMAIN_BEGUN && answer != DOMAIN_HANDED))
                        return kvm;
                for (unsigned i = 0; answer == DOMAIN_HANDED && i < n_fds; i++)
                        if (kvm < 0)
                                kvm = fds[i];
                        else
                                (void) close(fds[i]);
        }

        return kvm;
}

/* To the end, or as much as fits. */
static void text_read(int fd, char ret[static MESSAGE_MAX + 1])
{
        size_t n = 0;
        ssize_t read_now;

        while (n < MESSAGE_MAX && (read_now = read(fd, ret + n, MESSAGE_MAX - n)) > 0)
                n += (size_t) read_now;
        ret[n] = '\0';
}

/* Its error, if it has said one. */
static int service_refuse(int output, int reason, Error *ret_error)
{
        char text[MESSAGE_MAX + 1];
        const char *position = text;
        DomainKey key;

        text_read(output, text);
        for (char *value; domain_next_key(&position, &key, &value);) {
                g_autofree char *owned = value;

                if (key == DOMAIN_KEY_ERROR)
                        return error_set(ret_error, ERROR_NOT_SUPPORTED, "%s", owned);
        }

        return device_refuse(reason, ret_error);
}

static int service_open(int reason, int *ret_fd, Error *ret_error)
{
        static const char *const words[] = {"kvm", NULL};
        _cleanup_close_ int service = -EBADF, from = -EBADF, to = -EBADF;
        int ends[2], kvm;

        if (socket_connect(DOMAIN_SOCKET, SOCK_SEQPACKET | SOCK_NONBLOCK, SERVICE_SEC, &service) < 0)
                return device_refuse(reason, ret_error);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, -errno, "KVM cannot be asked for");
        from = ends[0];
        to = ends[1];
        if (domain_request_send(service, words, to, STDERR_FILENO, -EBADF) < 0)
                return device_refuse(reason, ret_error);

        to = close_safe(to);
        kvm = service_receive(service);
        if (kvm < 0)
                return service_refuse(from, reason, ret_error);

        *ret_fd = kvm;
        return 0;
}

int kvm_open(int *ret_fd, Error *ret_error)
{
        int fd = device_open();

        if (fd < 0)
                return service_open(fd, ret_fd, ret_error);

        *ret_fd = fd;
        return 0;
}

int kvm_hand_over(Error *ret_error)
{
        _cleanup_close_ int fd = device_open();
        int r;

        if (fd < 0)
                return device_refuse(fd, ret_error);
        r = protocol_hand_over(&fd, 1);
        return r < 0 ? error_set_errno(ret_error, r, "KVM cannot be handed over") : 0;
}

/* With the device and a pipe for its messages. */
static int check_spawn(const char *program, int kvm, int messages, pid_t *ret_pid)
{
        char *words[] = {(char *) TENDER, (char *) "--kvm=3", (char *) "--check", NULL},
             *environment[] = {NULL};
        posix_spawn_file_actions_t actions;
        int r;

        (void) posix_spawn_file_actions_init(&actions);
        r = posix_spawn_file_actions_adddup2(&actions, messages, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, kvm, TENDER_KVM);
        if (r == 0)
                r = posix_spawn(ret_pid, program, &actions, NULL, words, environment);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int kvm_check(Error *ret_error)
{
        g_autofree char *program = g_build_filename(paths_libexec_dir(), TENDER, NULL), *shown = NULL;
        _cleanup_close_ int device = -EBADF, kvm = -EBADF, from = -EBADF, to = -EBADF;
        char message[MESSAGE_MAX + 1] = "";
        int ends[2], status, r;
        pid_t pid;

        r = kvm_open(&device, ret_error);
        if (r < 0)
                return r;
        /* What has that number already would stay close-on-exec. */
        kvm = fcntl(device, F_DUPFD_CLOEXEC, TENDER_KVM + 1);
        if (kvm < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, -errno, "KVM cannot be tried");
        from = ends[0];
        to = ends[1];
        r = check_spawn(program, kvm, to, &pid);
        if (r < 0)
                return error_set_errno(ret_error, r, "%s cannot be executed", program);

        to = close_safe(to);
        text_read(from, message);
        if (waitpid(pid, &status, 0) != pid)
                return error_set_errno(ret_error, -errno, "KVM was tried, and how that went is not known");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;

        shown = text_for_display(g_strchomp(message), MESSAGE_MAX);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "A guest of a few instructions does not end with it");
        return error_set(ret_error, ERROR_NOT_SUPPORTED, "%s",
                        g_str_has_prefix(shown, TENDER ": ") ? shown + strlen(TENDER ": ") : shown);
}
