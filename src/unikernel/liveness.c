/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The liveness token, which tells whether a unit is active. Called by the runner, by shruthi-domain when it
 * sweeps and when it reports what has happened to the domain, and by shruthid. */

#include "unikernel/liveness.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "unikernel/run-dir.h"

static char *liveness_path(const char *name)
{
        return name_is_valid(name) ? g_build_filename(paths_liveness(), name, NULL) : NULL;
}

/* Whether the path still leads to that file. */
static bool is_at(int fd, const char *path)
{
        struct stat opened, there;

        return fstat(fd, &opened) >= 0 && lstat(path, &there) >= 0 && opened.st_dev == there.st_dev &&
               opened.st_ino == there.st_ino && S_ISFIFO(opened.st_mode);
}

/* -EBUSY: another process has it. -ENOENT: there is none, or another file had taken its place by the time we
 * had the lock. */
static int lock_path(const char *path, int *ret_fd)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        /* The file is removed only under the lock: from here on it stays. */
        if (!is_at(fd, path))
                return -ENOENT;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int liveness_acquire(const char *name, int *ret_fd)
{
        g_autofree char *path = liveness_path(name);
        int r;

        if (!path)
                return -EINVAL;

        if (mkfifo(path, 0600) < 0 && errno != EEXIST)
                return -errno;
        r = lock_path(path, ret_fd);
        return r == -ENOENT ? -EBUSY : r;
}

bool liveness_is_stored(const char *name, int fd)
{
        g_autofree char *path = liveness_path(name);

        return path && is_at(fd, path);
}

int liveness_remove(const char *name)
{
        g_autofree char *path = liveness_path(name);

        if (!path)
                return -EINVAL;

        run_dir_remove(name);
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int liveness_watch(const char *name, int *ret_fd)
{
        g_autofree char *path = liveness_path(name);
        _cleanup_close_ int fd = -EBADF;

        if (!path)
                return -EINVAL;

        fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* Another file may have taken its place. */
        if (!is_at(fd, path))
                return -EAGAIN;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

bool liveness_is_active(const char *name)
{
        _cleanup_close_ int fd = -EBADF;

        return liveness_watch(name, &fd) >= 0;
}

int liveness_lock(const char *name, int *ret_fd)
{
        g_autofree char *path = liveness_path(name);

        return path ? lock_path(path, ret_fd) : -EINVAL;
}

static const char *const domain_event_table[_DOMAIN_EVENT_MAX] = {
                [DOMAIN_EVENT_RUNNING] = "running",
                [DOMAIN_EVENT_PAUSED] = "paused",
                [DOMAIN_EVENT_ENDED] = "ended",
};

void domain_event_format(DomainEvent word, const char *detail, uint64_t usec,
                char ret_text[static DOMAIN_EVENT_LINE_MAX])
{
        g_snprintf(ret_text, DOMAIN_EVENT_LINE_MAX, "%s%s%s %" G_GUINT64_FORMAT, domain_event_table[word],
                        detail ? " " : "", detail ?: "", usec);
}

DomainEvent domain_event_parse(char *text, const char **ret_detail, uint64_t *ret_usec)
{
        char *time = strrchr(text, ' '), *detail = strchr(text, ' ');

        if (!time || !g_ascii_string_to_unsigned(time + 1, 10, 0, INT64_MAX, ret_usec, NULL))
                return _DOMAIN_EVENT_INVALID;

        *ret_detail = detail < time ? detail + 1 : "";
        *time = *detail = 0;
        for (DomainEvent word = 0; word < _DOMAIN_EVENT_MAX; word++)
                if (g_str_equal(text, domain_event_table[word]) &&
                                (**ret_detail == 0) == (word == DOMAIN_EVENT_RUNNING))
                        return word;

        return _DOMAIN_EVENT_INVALID;
}

void liveness_notify(int fd, const char *text)
{
        char line[DOMAIN_EVENT_LINE_MAX + 1];
        int n = g_snprintf(line, sizeof line, "%s\n", text);

        /* Written whole or not at all: less than PIPE_BUF (pipe(7)). */
        if (n > 0 && n < (int) sizeof line && write(fd, line, (size_t) n) < 0)
                return;
}
