/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/store.h"

/* What the two files of the store share: names of things in its directory, and its lock. */

#define STORE_TEMPORARY_PREFIX ".import-"

/* "HEX" of "sha256:HEX", within digest. */
const char *store_file_name(const char *digest);

/* INVALID_ARGS with a sentence unless digest is one. */
int store_check_digest(const char *digest, Error *ret_error);

/* Directories of stamps: of stored images by HEX, and of paths by the HEX of the path's digest. Free with
 * g_free(). */
char *store_verified_dir(void);
char *store_paths_dir(void);

/* Opens the store's directory and locks it against other changes, until the descriptor is closed. */
int store_lock(int *ret_fd, Error *ret_error);

/* The bytes of all images together. */
int store_total(uint64_t *ret_bytes, Error *ret_error);
