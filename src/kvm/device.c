/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kvm/device.h"

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/users.h"
#include "kvm/protocol.h"

#define DEVICE      "/dev/kvm"
#define DRIVER      "/sys/class/misc/kvm"
#define TENDER      "shruthi-tender"
#define TENDER_KVM  3
#define MESSAGE_MAX 1000 /* bytes */
#ifdef __aarch64__
#define MAKE_IT                                                                                             \
        "its kernel has to be started at EL2, which the firmware, or the virtual machine that this host "   \
        "is, must offer"
#else
#define MAKE_IT "load the module kvm_intel or kvm_amd"
#endif
#define NEEDED "The image is for Solo5's hvt target, which needs KVM, and "

/* A user's manager has the groups that the user had when it started. */
static int device_refuse_user(int r, Error *ret_error)
{
        g_autofree char *user = user_name(getuid());

        if (r == -EACCES || r == -EPERM)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                NEEDED "user %s may not open " DEVICE
                                       ": have an administrator run 'usermod -a -G kvm %s', and restart the "
                                       "user's manager ('systemctl restart user@%u', or log out "
                                       "everywhere); or " KVM_WAY_OUT_USER,
                                user, user, (unsigned) getuid());

        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                        NEEDED DEVICE " cannot be opened (%s): " KVM_WAY_OUT_USER, g_strerror(-r));
}

static int device_refuse(int r, Error *ret_error)
{
        bool missing = r == -ENOENT || r == -ENODEV || r == -ENXIO;

        if (missing && access(DRIVER, F_OK) < 0)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                NEEDED "this host has none: " MAKE_IT ", or %s",
                                paths_are_of_user() ? KVM_WAY_OUT_USER : KVM_WAY_OUT);
        if (paths_are_of_user())
                return device_refuse_user(r, ret_error);
        if (missing)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                NEEDED "shruthi-kvm.service has no " DEVICE
                                       ": if the host has it, run 'systemctl restart shruthi-kvm.service'; "
                                       "or " KVM_WAY_OUT);
        if (r == -EACCES || r == -EPERM)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                NEEDED "group kvm may not open " DEVICE ": run 'chgrp kvm " DEVICE
                                       " && chmod 0660 " DEVICE "', or " KVM_WAY_OUT);

        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                        NEEDED DEVICE " cannot be opened (%s): " KVM_WAY_OUT, g_strerror(-r));
}

int device_open(int *ret_fd, Error *ret_error)
{
        int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return device_refuse(-errno, ret_error);

        *ret_fd = fd;
        return 0;
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

/* To the end, or as much as fits. */
static void text_read(int fd, char ret[static MESSAGE_MAX + 1])
{
        size_t n = 0;
        ssize_t read_now;

        while (n < MESSAGE_MAX && (read_now = read(fd, ret + n, MESSAGE_MAX - n)) > 0)
                n += (size_t) read_now;
        ret[n] = '\0';
}

int device_check(Error *ret_error)
{
        g_autofree char *program = g_build_filename(paths_libexec_dir(), TENDER, NULL), *shown = NULL;
        _cleanup_close_ int device = -EBADF, kvm = -EBADF, from = -EBADF, to = -EBADF;
        char message[MESSAGE_MAX + 1] = "";
        int ends[2], status, r;
        pid_t pid;

        r = device_open(&device, ret_error);
        if (r < 0)
                return r;
        /* What has that number already would stay close-on-exec. */
        kvm = fcntl(device, F_DUPFD_CLOEXEC, TENDER_KVM + 1);
        if (kvm < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "KVM cannot be tried");
        from = ends[0];
        to = ends[1];
        r = check_spawn(program, kvm, to, &pid);
        if (r < 0)
                return error_set_errno(ret_error, r, "%s cannot be executed", program);

        to = close_safe(to);
        text_read(from, message);
        if (waitpid(pid, &status, 0) != pid)
                return error_set_errno(ret_error, errno, "KVM was tried, and how that went is not known");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;

        shown = text_for_display(g_strchomp(message), MESSAGE_MAX);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "A guest of a few instructions does not end with it");
        return error_set(ret_error, ERROR_NOT_SUPPORTED, "%s",
                        g_str_has_prefix(shown, TENDER ": ") ? shown + strlen(TENDER ": ") : shown);
}
