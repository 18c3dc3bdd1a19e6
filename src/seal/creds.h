/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "seal/secret.h"

/* systemd-creds(1), which seals with the host's key, with its TPM, or both. What is secret goes through
 * pipes only. name is the credential's, which is sealed in: a file under another name is refused. */

/* Seals the entries (UstarEntry) as an archive into text. LIMIT_EXCEEDED when systemd could not load it
 * again, CREDENTIALS_UNAVAILABLE with systemd's words. */
int creds_encrypt(const char *name, const GArray *entries, char **ret_text, size_t *ret_size,
                Error *ret_error);

/* Unseals fd, a file that is read from where it stands, into secret. CREDENTIALS_DAMAGED with systemd's
 * words. */
int creds_decrypt(const char *name, int fd, Secret *secret, Error *ret_error);
