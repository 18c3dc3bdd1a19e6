/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "common/error.h"
#include "image/image.h"

/* The content-addressed store below paths_images(): a file SHA256-HEX for each image, mode 0440, in a directory that
 * QEMU's group may enter (2750). Written by shruthid and by the runner's helper, both as user shruthi, at the same
 * time: every change is a rename. Digests are "sha256:HEX" everywhere. */

typedef struct StoreLimits {
        uint64_t image_size; /* bytes of one image */
        uint64_t store_size; /* bytes of all */
} StoreLimits;

/* Copies fd (regular file, from offset 0) into the store, hashing while copying (reflink where the file system can,
 * then hashing the copy, so that what is hashed is what is stored); fsync and rename. The same content twice is one
 * file. expected (or NULL) is the digest that the caller demands: ERROR_DIGEST_MISMATCH otherwise, nothing is
 * kept. LIMIT_EXCEEDED when too large. Does not judge the content: callers image_inspect() the stored file. */
int store_import(int fd, const char *expected, const StoreLimits *limits, char **ret_digest, Error *ret_error);

/* The same for a path named in a definition: opened without following a link in the last component, and free of
 * charge when the file has not changed since it was taken in last time (device, inode, size, mtime, ctime kept
 * beside the store and trusted only for files that have not been written within the last seconds). */
int store_import_path(const char *path, const StoreLimits *limits, char **ret_digest, Error *ret_error);

/* Opens a stored image read-only; NO_SUCH_IMAGE if there is none. */
int store_open(const char *digest, int *ret_fd, Error *ret_error);

/* The file's path, free of spaces, whether it exists or not. Free with g_free(). */
char *store_path(const char *digest);

/* Makes sure that the stored file still has that digest: cheaply (one stat) where it cannot have changed since it
 * was verified last, else by hashing. INVALID_IMAGE with the way out if it differs. */
int store_verify(const char *digest, Error *ret_error);

typedef struct StoreEntry {
        char *digest;
        uint64_t size;       /* bytes */
        uint64_t added;      /* µs since the epoch */
} StoreEntry;

void store_entry_free(StoreEntry *entry);

/* All images, sorted by digest; elements StoreEntry. */
int store_list(GPtrArray **ret_entries, Error *ret_error);

/* Removes one; the caller knows that nobody uses it. NO_SUCH_IMAGE if there is none. */
int store_remove(const char *digest, Error *ret_error);

/* Removes what an import that was cut off left behind (older than an hour). */
void store_clean(void);
