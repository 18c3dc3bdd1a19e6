/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "seal/secret.h"

/* The archive of a user's own unikernel, which is kept as it is, in a file that only that user may open:
 * users can seal nothing before systemd 256, and no user's manager loads what is sealed.
 * Called by store.c. */

/* The entries (UstarEntry) as an archive. INVALID_ARGS, LIMIT_EXCEEDED. */
int plain_make(const GArray *entries, Secret *ret, Error *ret_error);

/* Appends the file's content. CREDENTIALS_DAMAGED if there is not room for it. */
int plain_read(int fd, Secret *secret, Error *ret_error);
