/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>

/* QEMU's locks on the files that it opens as disks, as other processes see them and take them. */

typedef enum VolumeUse {
        VOLUME_UNUSED,
        VOLUME_READ,    /* by any number of processes */
        VOLUME_WRITTEN, /* by one */
        _VOLUME_USE_MAX,
        _VOLUME_USE_INVALID = -EINVAL,
} VolumeUse;

const char *volume_use_to_string(VolumeUse use); /* "unused", "read", "written" */
VolumeUse volume_use_from_string(const char *text);

/* How others use the open file. Negative errno. */
int disk_lock_look(int fd, VolumeUse *ret_use);

/* Locks the open file as a QEMU that reads it does, so that nobody else can write it. The lock belongs to
 * the open file description and ends when its last descriptor is closed. -EAGAIN if somebody writes the
 * file. */
int disk_lock_read(int fd);

/* The same as a QEMU that writes it: nobody else can write or read it. -EAGAIN if somebody does. */
int disk_lock_write(int fd);

/* Whether the file is open through any other open file description, locked or not. A process that opens it
 * at that moment waits until we have looked. -EINVAL, -EACCES, …: that cannot be determined for this
 * file. */
int disk_is_open_elsewhere(int fd);
