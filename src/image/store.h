/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "image/image.h"

/* The content-addressed store below paths_images(): a file SHA256-HEX for each image, mode 0440, in a
 * directory that QEMU's group may enter but not list (2710). shruthid and the runner's helper write it, both
 * as user shruthi, at the same time: every change is a rename under a lock. Digests are "sha256:HEX"
 * everywhere. .verified and .paths beside the images remember what was hashed, so that it need not be hashed
 * again; .owners remembers who imported each image.
 *
 * All functions block and may be called from any thread. */

typedef struct StoreLimits {
        uint64_t image_size; /* bytes of one image */
        uint64_t store_size; /* bytes of all; a stored image can be imported again even if the store is
                              * full */
        uint64_t free_min;   /* bytes that stay free on its file system, with the same exception */
        uid_t user;          /* who imports; 0: counted for nobody */
        uint64_t user_size;  /* bytes of all that the user has imported */
} StoreLimits;

/* Imports fd (a regular file, from offset 0; its position is neither used nor moved) into the store, hashing
 * while copying (by reflink if the file system can, then hashing the copy, so that what is hashed is what is
 * stored); then fsyncs and renames. The same content is stored once; a damaged stored file is replaced.
 * expected (or NULL) is the digest that the caller demands. limits NULL: none. Does not check the content:
 * callers call image_inspect() on the stored file. On any failure, nothing is left behind.
 *
 * INVALID_IMAGE: not a regular file, or empty. INVALID_ARGS: not open for reading, or expected is no digest.
 * DIGEST_MISMATCH, LIMIT_EXCEEDED. BUSY: the file was written meanwhile. FAILED: no room, or an error of the
 * system. */
int store_import(int fd, const char *expected, const StoreLimits *limits, char **ret_digest,
                Error *ret_error);

/* Examines an image without importing it, in one consistent state (BUSY: it was written meanwhile). stop (or
 * NULL) is checked on the way: CANCELED once it is not 0. Other errors as above; an empty file is no
 * error. */
int image_examine(int fd, uint64_t size_max, const int *stop, uint64_t *ret_size, char **ret_digest,
                ImageInfo **ret_info, Error *ret_error);

/* The same as store_import() for a path in a definition, which an administrator wrote (so links are
 * followed). It costs nothing if the file has not changed since its last import: device, inode, size, mtime,
 * ctime, trusted only for files that had not been written within the last seconds before. NO_SUCH_IMAGE if
 * our user finds no such file or may not read it. */
int store_import_path(const char *path, const StoreLimits *limits, char **ret_digest, Error *ret_error);

/* Whether the file at path, which is never imported, has that digest; hashes it unless it has not changed
 * since its last import. */
bool store_path_has(const char *path, const char *digest);

/* The digest under which store_import_path() last imported that path, without looking at the file or the
 * store: the image that a definition with a path uses, for listing and pruning. -ENOENT if never. */
int store_lookup_path(const char *path, char **ret_digest);

/* Opens a stored image read-only; NO_SUCH_IMAGE if there is none, INVALID_ARGS if digest is not valid. */
int store_open(const char *digest, int *ret_fd, Error *ret_error);

/* The size of a stored image in bytes; the same errors. */
int store_size(const char *digest, uint64_t *ret_size, Error *ret_error);

/* The file's path, which has no spaces, even if it does not exist; NULL if digest is not valid. Free with
 * g_free(). */
char *store_path(const char *digest);

/* Checks that the stored file still has that digest: cheaply (one stat) if it cannot have changed since it
 * was last verified, else by hashing. INVALID_IMAGE with the way out if it differs. */
int store_verify(const char *digest, Error *ret_error);

typedef struct StoreEntry {
        char *digest;
        uint64_t size;       /* bytes */
        uint64_t added;      /* µs since the epoch */
} StoreEntry;

/* All images, sorted by digest; elements StoreEntry. */
int store_list(GPtrArray **ret_entries, Error *ret_error);

/* Whether that user has imported it, and whether anybody else has; and the bytes of all images that the user
 * has. */
bool store_is_of(const char *digest, uid_t user, bool *ret_shared);
int store_total_of(uid_t user, uint64_t *ret_bytes, Error *ret_error);

/* The image no longer belongs to that user, but still counts for the others that have imported it. */
int store_disown(const char *digest, uid_t user, Error *ret_error);

/* Removes an image; the caller knows that nobody uses it. NO_SUCH_IMAGE if there is none. */
int store_remove(const char *digest, Error *ret_error);

/* Removes the remains of interrupted imports (older than an hour), and what is remembered about images that
 * are gone. */
void store_clean(void);
