/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* SHA-256, written "sha256:HEX". */

#define DIGEST_BUFFER_SIZE (256 * 1024)

/* libgcrypt must be initialised once by whoever uses it first; libsystemd does the same. */
void digest_initialise(void);

typedef struct Digest Digest;

/* Never NULL: running out of memory ends the program, as with GLib. */
Digest *digest_new(void);
void digest_update(Digest *digest, const void *data, size_t size);

/* Returns the digest of all data so far; no more can be added. Free the text with g_free(). */
char *digest_finish(Digest *digest);

void digest_clear_pointer(Digest **digest);
#define _cleanup_digest_ __attribute__((cleanup(digest_clear_pointer)))

/* The digest of the first size bytes of a file, whatever fd's position; with size, even a file that grows
 * meanwhile has an end. -ENODATA if it has fewer. stop (or NULL) is checked on the way: -ECANCELED once it
 * is not 0. */
int digest_of_fd(int fd, uint64_t size, const int *stop, char **ret_digest);
char *digest_of_text(const char *text);
