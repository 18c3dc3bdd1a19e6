/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "seal/secret.h"

/* systemd-creds(1), which seals with the host's key, with its TPM, or both. Secrets pass through pipes only.
 * name is the credential's, and is sealed in: a file under another name is refused. */

/* Seals the entries (UstarEntry) as an archive into text. LIMIT_EXCEEDED if systemd could not load it again,
 * CREDENTIALS_UNAVAILABLE with systemd's message. */
int creds_encrypt(const char *name, const GArray *entries, char **ret_text, size_t *ret_size,
                Error *ret_error);

/* Unseals the file fd, from its current position, into secret. CREDENTIALS_DAMAGED with systemd's
 * message. */
int creds_decrypt(const char *name, int fd, Secret *secret, Error *ret_error);
