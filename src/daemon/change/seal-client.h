/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "daemon/core/manager.h"
#include "seal/protocol.h"

/* The client of shruthi-seal, which answers one request per connection. */

/* For the loop: whether an operation on the keys of name is in progress. Meanwhile the unikernel is neither
 * created nor removed, so that no key reaches a different unikernel than intended. */
bool seal_is_busy(const Manager *manager, const char *name);
void seal_enter(Manager *manager, const char *name);
void seal_leave(Manager *manager, const char *name);

/* The following functions block; for threads. */

/* Sends a request. key is NULL for verbs without a key; fd (the caller's own descriptor, never read here) is
 * negative for verbs without content. ret_keys may be NULL. CREDENTIALS_UNAVAILABLE if shruthi-seal does not
 * answer, otherwise the error that it reports. */
int seal_ask(SealVerb verb, const char *name, const char *key, int fd, char ***ret_keys, Error *ret_error);

/* Forgets the keys of name. Before a definition is created: those of a former one with that name that was
 * deleted by hand. When a definition is removed: its own. Does not ask shruthi-seal if nothing is sealed. */
int seal_forget_left(const char *name, Error *ret_error);
int seal_forget_all(const char *name, Error *ret_error);
