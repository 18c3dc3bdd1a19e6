/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/conf.h"
#include "common/error.h"
#include "image/store.h"

/* The store as callers may use it: files they name by path, and pruning that never takes away what a change
 * is about to use. All of it blocks, for use in threads. */

/* The limits of what user takes in; 0: root. */
StoreLimits image_limits(const Conf *conf, uid_t user);

/* store_import(), and pins the image, which keeps it from pruning until image_unpin(). Where nothing but the
 * user's share is too small, the oldest of the images that the user has taken in and no unikernel uses make
 * room, if they are enough; others who have taken in the same keep it. */
int image_acquire(int fd, const char *expected, const StoreLimits *limits, char **ret_digest,
                Error *ret_error);

/* The same for one that is there already: NO_SUCH_IMAGE if it is not. */
int image_pin(const char *digest, Error *ret_error);
void image_unpin(const char *digest); /* takes NULL */

int image_inspect_stored(
                const char *digest, ImageArchitecture asked, ImageInfo **ret_info, Error *ret_error);

/* Who uses which image, by definition or because it was started from it: digest → GPtrArray of names.
 * ret_broken: the name of a definition that cannot be read, or NULL. */
int images_used(GHashTable **ret_users, char **ret_broken, Error *ret_error);

/* Removes the images that nobody uses. INVALID_DEFINITION while one is broken: it may name any of
 * them. */
int images_prune(char ***ret_removed, uint64_t *ret_freed, Error *ret_error);

/* Opens a path that a caller named, without following a link: below one of directories, or anywhere for an
 * administrator. */
int image_path_open(const char *path, char **directories, bool administer, int *ret_fd, Error *ret_error);

/* The one of directories (or NULL) that path is below. Pure. */
const char *image_path_directory(const char *path, char **directories);
