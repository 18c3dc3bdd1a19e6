/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "seal/protocol.h"

/* The client of shruthi-seal, which answers one request for each connection. Both block: for threads. */

/* key is NULL for verbs that take none, fd (the caller's own descriptor, never read here) negative for
 * those that take no content. ret_keys may be NULL. CREDENTIALS_UNAVAILABLE when it does not answer, else
 * what it says. */
int seal_ask(SealVerb verb, const char *name, const char *key, int fd, char ***ret_keys, Error *ret_error);

/* Before a definition is made: forgets the keys of one of that name that somebody has deleted by hand, which
 * were not meant for this one. When one is removed: forgets its own. Where nothing is sealed nobody is
 * asked. */
int seal_forget_left(const char *name, Error *ret_error);
int seal_forget_all(const char *name, Error *ret_error);
