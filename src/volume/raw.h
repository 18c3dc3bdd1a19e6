/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Whether the file for a guest's disk has bytes that the guest can read: it is no disk image of another
 * format and no compressed file. INVALID_ARGS with the command that converts it. A file that cannot be read
 * here is left to those who need it. */

/* For the content of an import. */
int volume_check_import(int fd, Error *ret_error);

/* For the file at path, which is open. A disk that a guest writes may begin with anything but a disk
 * image. */
int volume_check_file(int fd, const char *path, bool read_only, Error *ret_error);
