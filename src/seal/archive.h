/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/error.h"
#include "common/ustar.h"

/* Changes one key among the entries of a unikernel's archive (UstarEntry, as ustar_parse() returns them).
 * Contents are pointed at and never copied. Pure. */

/* The largest archive that systemd still loads once it is sealed. Sealing writes base64 text in lines of 79
 * characters, of which systemd reads 1179648 bytes (CREDENTIAL_ENCRYPTED_SIZE_MAX, as of systemd 252):
 * 873472 bytes for the host's key and a short name; a TPM's takes some hundred bytes more. Whole blocks of
 * 512. */
#define SEAL_ARCHIVE_MAX 872448

/* The largest content, if it is alone in its archive. */
#define SEAL_CONTENT_MAX (SEAL_ARCHIVE_MAX - 3 * USTAR_BLOCK)

/* Together with the sources of a definition they must fit one archive. */
#define SEAL_KEYS_MAX 1000

/* The most that systemd reads of a sealed file. */
#define SEAL_TEXT_MAX 1179648

/* A new array without entries. */
GArray *archive_new(void);

/* unikernel is for the message. NO_SUCH_CREDENTIAL if the key must exist and does not, LIMIT_EXCEEDED if the
 * archive could not be loaded again; then entries may have been changed. */
int archive_set(GArray *entries, const char *unikernel, const UstarEntry *key, bool must_exist,
                Error *ret_error);
int archive_remove(GArray *entries, const char *unikernel, const char *key, Error *ret_error);

/* LIMIT_EXCEEDED if the entries take more than size_max, which is what the sources in the unikernel's
 * definition leave of all that systemd loads. */
int archive_check_size(const GArray *entries, const char *unikernel, uint64_t size_max, Error *ret_error);

/* Sorted, as the archive will be. Free with g_strfreev(). */
char **archive_keys(const GArray *entries);
