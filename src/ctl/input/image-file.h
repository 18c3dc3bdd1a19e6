/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* The folder input/ owns input from the user's files and standard input: secrets, volumes, text from an
 * editor, and here images named on the command line. It makes no calls; bus/, verbs/ and remote/ use it. */

#define HOST_PATH_PREFIX "host:"

/* Opens an image for reading: a local file, "host:PATH" (a file on the host of shruthid, which is this one:
 * with -H the word is only passed on), or "-" for standard input, which is copied to an unnamed file if it
 * is not a regular file. */
int image_open(const char *name, int *ret_fd, Error *ret_error);

/* Opens standard input as a regular file for reading; what is the word for messages ("image"). */
int stdin_open(const char *what, int *ret_fd, Error *ret_error);

/* The path in "host:PATH", or NULL. */
const char *image_host_path(const char *name);
