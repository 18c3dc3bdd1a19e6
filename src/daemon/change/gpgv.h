/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/error.h"

/* A process of gpgv(1), which tells whether an OpenPGP signature is that of a key in a keyring, of what is
 * written to it. It gets nothing else than the three, and has the sandbox of shruthid. For threads. */

typedef struct Gpgv Gpgv;

/* Their content. */
typedef struct GpgvFiles {
        const void *keyring, *signature;
        size_t keyring_size, signature_size;
} GpgvFiles;

/* A signature made with SHA-1 or MD5 counts for nothing. FAILED: no gpgv on this host, or it cannot be
 * started. */
int gpgv_start(const GpgvFiles *files, Gpgv **ret_gpgv, Error *ret_error);

/* Passes the next bytes of the file. What gpgv does not want any more is dropped: its answer counts. */
int gpgv_write(Gpgv *gpgv, const void *data, size_t size, Error *ret_error);

/* Waits for the answer: the fingerprint of the key. VERIFICATION_FAILED with the reason. Frees nothing. */
int gpgv_finish(Gpgv *gpgv, char **ret_fingerprint, Error *ret_error);

/* Kills it if it still runs. */
void gpgv_free(Gpgv *gpgv); /* takes NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Gpgv, gpgv_free)

/* What gpgv has written to --status-fd= (see doc/DETAILS of GnuPG), and exit_status as of wait(2). Pure. */
int gpgv_status_parse(const char *text, int exit_status, char **ret_fingerprint, Error *ret_error);
