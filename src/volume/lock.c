/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* QEMU's locks on the files that it opens as disks (block/file-posix.c, raw_apply_lock_bytes()): a shared
 * lock of an open file description on one byte for each thing that it does, and on another for each thing
 * that it allows nobody else to do; then it checks whether anybody has a conflicting byte. The locks are
 * advisory: they bind only those who check. */

#include "volume/lock.h"

#include <fcntl.h>
#include <signal.h>

#include "common/string-util.h"

/* Byte PERM + n: does n. Byte SHARED + n: allows nobody else to do n. */
#define LOCK_PERM_BASE   100
#define LOCK_SHARED_BASE 200

/* The bits of BLK_PERM_CONSISTENT_READ and BLK_PERM_WRITE (include/block/block-common.h). */
#define PERM_READ  0
#define PERM_WRITE 1
#define PERM_COUNT 64

static const char *const volume_use_table[_VOLUME_USE_MAX] = {
        [VOLUME_UNUSED] = "unused",
        [VOLUME_READ] = "read",
        [VOLUME_WRITTEN] = "written",
};
DEFINE_STRING_TABLE(volume_use, VolumeUse, volume_use_table, _VOLUME_USE_MAX)

/* Whether another open file description has any lock there. */
static int range_is_locked(int fd, off_t start, off_t length)
{
        struct flock lock = {
                        .l_type = F_WRLCK,
                        .l_whence = SEEK_SET,
                        .l_start = start,
                        .l_len = length,
        };

        return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -errno : lock.l_type != F_UNLCK;
}

static int range_lock_shared(int fd, off_t start)
{
        struct flock lock = {
                        .l_type = F_RDLCK,
                        .l_whence = SEEK_SET,
                        .l_start = start,
                        .l_len = 1,
        };

        return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

int disk_lock_look(int fd, VolumeUse *ret_use)
{
        int r;

        r = range_is_locked(fd, LOCK_PERM_BASE + PERM_WRITE, 1);
        if (r < 0)
                return r;
        if (r > 0) {
                *ret_use = VOLUME_WRITTEN;
                return 0;
        }

        r = range_is_locked(fd, LOCK_PERM_BASE, LOCK_SHARED_BASE + PERM_COUNT - LOCK_PERM_BASE);
        if (r < 0)
                return r;

        *ret_use = r > 0 ? VOLUME_READ : VOLUME_UNUSED;
        return 0;
}

int disk_lock_read(int fd)
{
        int r;

        /* First locks, then looks, as QEMU does: of two at the same time at least one sees the other. */
        r = range_lock_shared(fd, LOCK_PERM_BASE + PERM_READ);
        if (r >= 0)
                r = range_lock_shared(fd, LOCK_SHARED_BASE + PERM_WRITE);
        if (r >= 0)
                r = range_is_locked(fd, LOCK_PERM_BASE + PERM_WRITE, 1);
        if (r < 0)
                return r;

        return r > 0 ? -EAGAIN : 0;
}

int disk_lock_write(int fd)
{
        static const off_t taken[] = {LOCK_PERM_BASE + PERM_READ, LOCK_PERM_BASE + PERM_WRITE,
                        LOCK_SHARED_BASE + PERM_WRITE};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < sizeof taken / sizeof *taken; i++)
                r = range_lock_shared(fd, taken[i]);
        /* Who writes, and who wants nobody to. */
        if (r >= 0)
                r = range_is_locked(fd, LOCK_PERM_BASE + PERM_WRITE, 1);
        if (r == 0)
                r = range_is_locked(fd, LOCK_SHARED_BASE + PERM_WRITE, 1);
        if (r < 0)
                return r;

        return r > 0 ? -EAGAIN : 0;
}

/* A write lease is given only on a file that nobody else has open (fcntl(2)). */
int disk_is_open_elsewhere(int fd)
{
        /* If somebody wants to open it meanwhile, we get a signal, which must be one that is ignored by
         * default, or it would end the process. */
        if (fcntl(fd, F_SETSIG, SIGURG) < 0)
                return -errno;
        if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
                return errno == EAGAIN ? 1 : -errno;

        return fcntl(fd, F_SETLEASE, F_UNLCK) < 0 ? -errno : 0;
}
