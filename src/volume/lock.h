/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>

/* QEMU's locks on the files that it opens as disks, as others see them and take them. */

typedef enum VolumeUse {
        VOLUME_UNUSED,
        VOLUME_READ,    /* by any number */
        VOLUME_WRITTEN, /* by one */
        _VOLUME_USE_MAX,
        _VOLUME_USE_INVALID = -EINVAL,
} VolumeUse;

const char *volume_use_to_string(VolumeUse use); /* "unused", "read", "written" */
VolumeUse volume_use_from_string(const char *text);

/* How the open file is used by others. Negative errno. */
int disk_lock_look(int fd, VolumeUse *ret_use);

/* Locks the open file as a QEMU does that reads it, and lets no other write. The lock is the open file
 * description's: it goes when its last descriptor is closed. -EAGAIN if somebody writes it. */
int disk_lock_read(int fd);

/* Whether the file is open through any other open file description, locked or not. Who opens it just then
 * waits until we have looked. -EINVAL, -EACCES, …: it cannot be told of this file. */
int disk_is_open_elsewhere(int fd);
