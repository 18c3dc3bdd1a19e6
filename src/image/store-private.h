/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/store.h"

/* Shared by the files of the store: names in its directory, its lock, and the owners of images. */

#define STORE_TEMPORARY_PREFIX ".import-"

/* "HEX" of "sha256:HEX", within digest. */
const char *store_file_name(const char *digest);

/* INVALID_ARGS with a message unless digest is valid. */
int store_check_digest(const char *digest, Error *ret_error);

/* Directories of fingerprints: of stored images, by HEX, and of paths, by the HEX of the path's digest. Free
 * with g_free(). */
char *store_verified_dir(void);
char *store_paths_dir(void);

/* Opens the store's directory and locks it against other changes, until the descriptor is closed. */
int store_lock(int *ret_fd, Error *ret_error);

/* The bytes of all images together. */
int store_total(uint64_t *ret_bytes, Error *ret_error);

/* store-owners.c: who has imported an image: .owners/HEX beside the images, with a user ID on each line. An
 * image without one belongs to nobody. Call all but the look-up under the store's lock. */

/* Whether user has imported it, and whether anybody else has. */
bool store_owners_have(const char *digest, uid_t user, bool *ret_shared);

int store_owners_add(const char *digest, uid_t user);
int store_owners_remove(const char *digest, uid_t user);

/* Removes the owners together with the image. */
void store_owners_forget(const char *digest);

/* Removes the owners of images that are gone. */
void store_owners_clean(void);
