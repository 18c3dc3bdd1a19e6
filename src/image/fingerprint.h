/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What a file looked like when its content was hashed, so that it need not be hashed again while it looks
 * the same. This follows git's rule for its index: a file changed within the last moments before it was
 * hashed may change once more without its times showing it, so such a fingerprint is not trusted. */

#define FINGERPRINT_RACY_NSEC (2 * INT64_C(1000000000))

typedef struct Fingerprint {
        uint64_t device, inode, size;
        int64_t modified, changed; /* ns since the epoch */
        int64_t hashed;            /* when hashing began */
        char *digest;
} Fingerprint;

void fingerprint_clear(Fingerprint *fingerprint);
#define _cleanup_fingerprint_ __attribute__((cleanup(fingerprint_clear)))

int64_t fingerprint_now(void);

/* The digest is copied. */
Fingerprint fingerprint_make(const struct stat *st, int64_t hashed, const char *digest);

/* Whether a file that looks like st now certainly still has the fingerprint's digest. */
bool fingerprint_proves(const Fingerprint *fingerprint, const struct stat *st);

/* Stored as dir/name; a missing dir is created. -ENOENT if there is no fingerprint, or none that can be
 * read: it is only a cache, and is not synced to disk. */
int fingerprint_write(const char *dir, const char *name, const Fingerprint *fingerprint);
int fingerprint_read(const char *dir, const char *name, Fingerprint *ret);
