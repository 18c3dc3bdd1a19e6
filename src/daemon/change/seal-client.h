/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "daemon/core/manager.h"
#include "seal/protocol.h"

/* The client of shruthi-seal, which answers one request for each connection. */

/* In the loop: whether something is being done to the keys of that name. Then it is neither made nor
 * removed, so that no key meets another unikernel than the one that it was meant for. */
bool seal_is_busy(const Manager *manager, const char *name);
void seal_enter(Manager *manager, const char *name);
void seal_leave(Manager *manager, const char *name);

/* The rest blocks, and is for threads. */

/* key is NULL for verbs that take none, fd (the caller's own descriptor, never read here) negative for
 * those that take no content. ret_keys may be NULL. CREDENTIALS_UNAVAILABLE when it does not answer, else
 * what it says. */
int seal_ask(SealVerb verb, const char *name, const char *key, int fd, char ***ret_keys, Error *ret_error);

/* Before a definition is made: forgets the keys of one of that name that somebody has deleted by hand, which
 * were not meant for this one. When one is removed: forgets its own. Where nothing is sealed nobody is
 * asked. */
int seal_forget_left(const char *name, Error *ret_error);
int seal_forget_all(const char *name, Error *ret_error);
