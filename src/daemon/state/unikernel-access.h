/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/unikernel.h"

/* Who may do what with a unikernel. */

/* What polkit is told about the unikernel. */
PolkitDetails unikernel_polkit_details(const Unikernel *unikernel, const char *verb);

/* call_authorize() for the unikernel, for handlers. */
bool unikernel_authorize(const Unikernel *unikernel, sd_bus_message *message, const char *action,
                const char *verb, Call **ret_call);

/* Whether it still has that owner and group, by name; they may have changed while a caller waited. */
bool unikernel_belongs_to(const Unikernel *unikernel, const char *owner, const char *group);

/* For a call that had to wait: checks that the unikernel is still the one that the call was authorized for.
 * The name may belong to somebody else by now, and callers can choose to wait. */
int unikernel_check_owner(const Call *call, Error *ret_error);
