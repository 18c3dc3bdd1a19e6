/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "image/image.h"

/* The content-addressed store below paths_images(): a file SHA256-HEX for each image, mode 0440, in a
 * directory that QEMU's group may enter and not list (2710). Written by shruthid and by the runner's helper,
 * both as user shruthi, at the same time: every change is a rename under a lock. Digests are "sha256:HEX"
 * everywhere. .verified and .paths beside the images remember what was hashed, so that it need not be hashed
 * again; .owners, by whom each was taken in.
 *
 * All of it blocks and may be called from any thread. */

typedef struct StoreLimits {
        uint64_t image_size; /* bytes of one image */
        uint64_t store_size; /* bytes of all; what is stored already can be imported again in a full store */
        uint64_t free_min;   /* bytes that stay free on its file system, likewise */
        uid_t user;          /* who takes it in; 0: nobody's share */
        uint64_t user_size;  /* bytes of all that the user has taken in */
} StoreLimits;

/* Takes fd (regular file, from offset 0, its position neither used nor moved) into the store, hashing while
 * copying (reflink where the file system can, then hashing the copy, so that what is hashed is what is
 * stored); fsync and rename. The same content twice is one file; a stored file that was damaged is replaced.
 * expected (or NULL) is the digest that the caller demands. limits NULL: none. Does not check the content:
 * callers image_inspect() the stored file. Whatever fails, nothing is left behind.
 *
 * INVALID_IMAGE: no regular file, or empty. INVALID_ARGS: not open for reading, expected is no digest.
 * DIGEST_MISMATCH, LIMIT_EXCEEDED. BUSY: it was being written meanwhile. FAILED: no room, or what the system
 * said. */
int store_import(int fd, const char *expected, const StoreLimits *limits, char **ret_digest,
                Error *ret_error);

/* What an image is, without taking it: all of one moment (BUSY: it was being written meanwhile). stop (or
 * NULL) is looked at on the way: CANCELED once it is not 0. Other errors as above; an empty file is none. */
int image_examine(int fd, uint64_t size_max, const int *stop, uint64_t *ret_size, char **ret_digest,
                ImageInfo **ret_info, Error *ret_error);

/* The same as store_import() for a path in a definition, an administrator's word (so links are followed),
 * and free of charge when the file has not changed since it was taken in last time: device, inode, size,
 * mtime, ctime, trusted only for files that had not been written within the last seconds before.
 * NO_SUCH_IMAGE when our user finds no such file or may not read it. */
int store_import_path(const char *path, const StoreLimits *limits, char **ret_digest, Error *ret_error);

/* The digest under which store_import_path() took that path last, without looking at the file or the store:
 * which image a definition with a path uses, for listing and pruning. -ENOENT if never. */
int store_lookup_path(const char *path, char **ret_digest);

/* Opens a stored image read-only; NO_SUCH_IMAGE if there is none, INVALID_ARGS if digest is none. */
int store_open(const char *digest, int *ret_fd, Error *ret_error);

/* The bytes of a stored image; the same errors. */
int store_size(const char *digest, uint64_t *ret_size, Error *ret_error);

/* The file's path, free of spaces, whether it exists or not; NULL if digest is none. Free with g_free(). */
char *store_path(const char *digest);

/* Makes sure that the stored file still has that digest: cheaply (one stat) where it cannot have changed
 * since it was verified last, else by hashing. INVALID_IMAGE with the way out if it differs. */
int store_verify(const char *digest, Error *ret_error);

typedef struct StoreEntry {
        char *digest;
        uint64_t size;       /* bytes */
        uint64_t added;      /* µs since the epoch */
} StoreEntry;

/* All images, sorted by digest; elements StoreEntry. */
int store_list(GPtrArray **ret_entries, Error *ret_error);

/* Whether that user has taken it in, and whether anybody else has; and the bytes of all that the user
 * has. */
bool store_is_of(const char *digest, uid_t user, bool *ret_shared);
int store_total_of(uid_t user, uint64_t *ret_bytes, Error *ret_error);

/* It is that user's no more, and counts for the others that have taken it in. */
int store_disown(const char *digest, uid_t user, Error *ret_error);

/* Removes one; the caller knows that nobody uses it. NO_SUCH_IMAGE if there is none. */
int store_remove(const char *digest, Error *ret_error);

/* Removes what an import that was cut off left behind (older than an hour), and memories of images that are
 * gone. */
void store_clean(void);
