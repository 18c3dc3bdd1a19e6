/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest that is a process. Written by shruthi-domain, executed and watched by the runner, found by both.
 */

#include "unikernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/unikernel-name.h"

#define PROCESS     "process"
#define PROCESS_MAX (64 * 1024) /* bytes */
#define NONE        "-"
#define ISOLATED    "isolated"
#define OPEN        "open"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* linux/pidfd.h as of Linux 6.15. A kernel takes as much of it as it knows. */
typedef struct PidfdInfo {
        uint64_t mask;
        uint64_t cgroup_id;
        uint32_t pid, tgid, ppid;
        uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
        int32_t exit_code;
} PidfdInfo;

#define PIDFD_ASK_INFO  _IOWR(0xff, 11, PidfdInfo)
#define PIDFD_MASK_EXIT (UINT64_C(1) << 3)

void process_port_free(ProcessPort *port)
{
        if (!port)
                return;

        g_free(port->device);
        g_free(port->mac);
        g_free(port->interface);
        g_free(port->bridge);
        g_free(port->network);
        g_free(port);
}

char *process_ports_format(const GPtrArray *ports)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < ports->len; i++) {
                const ProcessPort *port = ports->pdata[i];

                g_string_append_printf(text, "%s %s %s %s %s %s\n", port->device, port->mac, port->interface,
                                port->bridge, port->network ?: NONE, port->isolated ? ISOLATED : OPEN);
        }

        return g_strdup(text->str);
}

GPtrArray *process_ports_parse(const char *text)
{
        GPtrArray *ports = g_ptr_array_new_with_free_func(process_port_destroy);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit(*line, " ", -1);
                ProcessPort *port;

                if (g_strv_length(words) != 6)
                        continue;
                port = g_new(ProcessPort, 1);
                *port = (ProcessPort){
                                .device = g_strdup(words[0]),
                                .mac = g_strdup(words[1]),
                                .interface = g_strdup(words[2]),
                                .bridge = g_strdup(words[3]),
                                .network = g_str_equal(words[4], NONE) ? NULL : g_strdup(words[4]),
                                .isolated = g_str_equal(words[5], ISOLATED),
                };
                g_ptr_array_add(ports, port);
        }

        return ports;
}

static char *process_path(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        return g_build_filename(dir, PROCESS, NULL);
}

bool process_is_body(const char *name)
{
        g_autofree char *path = process_path(name);

        return access(path, F_OK) >= 0;
}

int process_write(const char *name, const GPtrArray *ports)
{
        g_autofree char *dir = paths_unikernel_runtime(name), *text = process_ports_format(ports);

        return file_replace(dir, PROCESS, text, strlen(text), 0600);
}

GPtrArray *process_read_ports(const char *name)
{
        g_autofree char *path = process_path(name), *text = NULL;

        (void) file_read_at(AT_FDCWD, path, PROCESS_MAX, &text, NULL);
        return process_ports_parse(text ?: "");
}

int process_open_mark(const char *name, int *ret_fd)
{
        g_autofree char *path = process_path(name);

        *ret_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
        return *ret_fd < 0 ? -errno : 0;
}

int process_take_mark(int fd)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

        return fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

static pid_t mark_holder(int fd)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

        return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

int process_find(const char *name, pid_t *ret_pid, int *ret_pidfd)
{
        g_autofree char *path = process_path(name);
        _cleanup_close_ int mark = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY), pidfd = -EBADF;
        pid_t pid;

        if (mark < 0)
                return -errno;
        pid = mark_holder(mark);
        if (pid <= 0)
                return -ESRCH;
        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
                return -errno;
        /* The number may have gone to another process before it was opened. */
        if (mark_holder(mark) != pid)
                return -ESRCH;

        *ret_pid = pid;
        *ret_pidfd = TAKE_FD(pidfd);
        return 0;
}

char **process_list(void)
{
        g_autofree char *dir = paths_unikernel_runtime("");
        g_auto(GStrv) names = names_list(dir, NULL);
        g_autoptr(GStrvBuilder) found = g_strv_builder_new();

        for (char **name = names; names && *name; name++) {
                _cleanup_close_ int pidfd = -EBADF;
                pid_t pid;

                if (process_find(*name, &pid, &pidfd) >= 0)
                        g_strv_builder_add(found, *name);
        }

        return g_strv_builder_end(found);
}

int process_status(int pidfd, int *ret_code, int *ret_status)
{
        PidfdInfo info = {.mask = PIDFD_MASK_EXIT};
        siginfo_t child = {};

        if (waitid((idtype_t) P_PIDFD, (id_t) pidfd, &child, WEXITED | WNOHANG) >= 0 && child.si_pid != 0) {
                *ret_code = child.si_code;
                *ret_status = child.si_status;
                return 0;
        }
        if (ioctl(pidfd, PIDFD_ASK_INFO, &info) < 0 || !(info.mask & PIDFD_MASK_EXIT))
                return -ENODATA;

        *ret_code = WIFEXITED(info.exit_code) ? CLD_EXITED : CLD_KILLED;
        *ret_status = WIFEXITED(info.exit_code) ? WEXITSTATUS(info.exit_code) : WTERMSIG(info.exit_code);
        return 0;
}
