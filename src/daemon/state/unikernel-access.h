/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/unikernel.h"

/* Who may do what with a unikernel. */

/* What polkit is told of it. */
PolkitDetails unikernel_polkit_details(const Unikernel *unikernel, const char *verb);

/* call_authorize() about it, for handlers. */
bool unikernel_authorize(const Unikernel *unikernel, sd_bus_message *message, const char *action,
                const char *verb, Call **ret_call);

/* Whether it belongs to those still, by their names, who can have changed while a caller waited. */
bool unikernel_belongs_to(const Unikernel *unikernel, const char *owner, const char *group);

/* For a call that had to wait: its unikernel is still the one that the caller was let in for. The name can
 * have become another's meanwhile, and callers can make themselves wait. */
int unikernel_check_owner(const Call *call, Error *ret_error);
