/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Whether what a guest is to have as its disk is bytes that it can read: no disk image of another format and
 * no compressed file. INVALID_ARGS with the command that makes it so. What cannot be read is left to those
 * who need it. */

/* Of what is imported. */
int volume_check_import(int fd, Error *ret_error);

/* Of the file at path, which is open. What a guest writes may begin with anything but a disk image. */
int volume_check_file(int fd, const char *path, bool read_only, Error *ret_error);
