/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "unikernel/update-source.h"

/* Whether an image is what UpdateVerify= demands. For threads. */

/* The most that is read of what is beside an image: a signature, or a list of digests. */
#define SOURCE_BESIDE_SIZE_MAX (1024 * 1024)

typedef struct SourceImage {
        const char *file;   /* name, for a list of digests */
        int fd;             /* a regular file, not moved */
        uint64_t size_max;  /* bytes */
        const void *beside; /* content of the signature or list; NULL if nothing is verified */
        size_t beside_size;
        const char *beside_name; /* its path, for messages */
        char **directories;      /* ImageDirectories=, for a keyring */
} SourceImage;

/* Reads the image once, and returns the digest of exactly what was verified, which an import then demands;
 * and how it was verified, in words ("" if it was not). VERIFICATION_FAILED, DIGEST_MISMATCH,
 * LIMIT_EXCEEDED; BUSY: the file was changed meanwhile. */
int source_verify(const UpdateVerify *verify, const SourceImage *image, char **ret_digest, char **ret_words,
                Error *ret_error);
