/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* The folder input/ owns what is read from the user's files and standard input: secrets, volumes, text from
 * an editor, and here images named on the command line. It makes no calls; bus/, verbs/ and remote/ use it.
 */

#define HOST_PATH_PREFIX "host:"

/* Opens it for reading: a file here, "host:PATH" (a file of the host that shruthid runs on, which is this
 * one: with -H it is only handed on), or "-" for standard input, which is copied into an unnamed file where
 * it is none. */
int image_open(const char *name, int *ret_fd, Error *ret_error);

/* Standard input as a regular file, open for reading; what is the word for it ("image"). */
int stdin_open(const char *what, int *ret_fd, Error *ret_error);

/* The path in "host:PATH", or NULL. */
const char *image_host_path(const char *name);
