/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image.h"
#include "image/source.h"

/* Inspects the content of fd (any position, never moved), to be hosted as Architecture= says: on the machine
 * of that architecture, and with UNKNOWN only on this host's own processor. An image that cannot be hosted
 * is no error: the problem says why, and all that was understood before is set too (for a muen image, target
 * and devices; for one of another architecture, how it boots). INVALID_IMAGE if fd is not a regular file;
 * other errors are those of reading. */
int image_inspect(int fd, ImageArchitecture asked, ImageInfo **ret_info, Error *ret_error);

/* The same for bytes in memory, as if on a host of that machine (as uname -m says; NULL: this one). For
 * tests and fuzzing. */
int image_inspect_bytes(const uint8_t *data, size_t size, const char *machine, ImageArchitecture asked,
                ImageInfo **ret_info, Error *ret_error);

/* The same for any source of bytes. */
int image_inspect_source(Source *source, const char *machine, ImageArchitecture asked, ImageInfo **ret_info,
                Error *ret_error);
