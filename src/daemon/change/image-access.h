/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/conf.h"
#include "common/error.h"
#include "image/store.h"

/* The image store as callers may use it: import of files that they name by path, and pruning that never
 * removes an image that a change is about to use. All of it blocks; for threads. */

/* The limits for imports by user; 0 is root. */
StoreLimits image_limits(const Conf *conf, uid_t user);

/* Calls store_import() and pins the image, which protects it from pruning until image_unpin(). If only the
 * user's share is too small, the oldest images that the user has imported and no unikernel uses are removed,
 * if that frees enough; other users who have imported the same image keep it. */
int image_acquire(int fd, const char *expected, const StoreLimits *limits, char **ret_digest,
                Error *ret_error);

/* Pins an image that is in the store. NO_SUCH_IMAGE if it is not. */
int image_pin(const char *digest, Error *ret_error);
void image_unpin(const char *digest); /* takes NULL */

int image_inspect_stored(
                const char *digest, ImageArchitecture asked, ImageInfo **ret_info, Error *ret_error);

/* Which unikernels use which image, in their definition or because they were started from it: digest →
 * GPtrArray of names. ret_broken gets the name of a definition that cannot be read, or NULL. */
int images_used(GHashTable **ret_users, char **ret_broken, Error *ret_error);

/* Removes the images that nobody uses. INVALID_DEFINITION while a definition is broken, because it may name
 * any of them. */
int images_prune(char ***ret_removed, uint64_t *ret_freed, Error *ret_error);

/* Opens a path that a caller named, without following links: below one of directories, or anywhere for an
 * administrator. */
int image_path_open(const char *path, char **directories, bool administer, int *ret_fd, Error *ret_error);

/* Returns the one of directories that contains path, or NULL. Pure. */
const char *image_path_directory(const char *path, char **directories);
