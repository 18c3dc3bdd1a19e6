/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Access to a unikernel depends on its current owner and group. */

#include "daemon/state/unikernel-access.h"

PolkitDetails unikernel_polkit_details(const Unikernel *unikernel, const char *verb)
{
        return (PolkitDetails){.verb = verb,
                        .unikernel = unikernel->name,
                        .owner = unikernel_owner_name(unikernel),
                        .group = unikernel_group_name(unikernel)};
}

bool unikernel_authorize(const Unikernel *unikernel, sd_bus_message *message, const char *action,
                const char *verb, Call **ret_call)
{
        PolkitDetails details = unikernel_polkit_details(unikernel, verb);

        return call_authorize(unikernel->manager, message, &details, action, ret_call);
}

bool unikernel_belongs_to(const Unikernel *unikernel, const char *owner, const char *group)
{
        return g_strcmp0(owner, unikernel_owner_name(unikernel)) == 0 &&
               g_strcmp0(group, unikernel_group_name(unikernel)) == 0;
}

int unikernel_check_owner(const Call *call, Error *ret_error)
{
        Unikernel *unikernel;
        int r;

        r = unikernel_find(call->manager, call->unikernel, &unikernel, ret_error);
        if (r < 0)
                return r;
        if (!unikernel_belongs_to(unikernel, call->owner, call->group))
                return error_set(ret_error, ERROR_BUSY,
                                "The owner of unikernel '%s' has changed meanwhile; try again",
                                call->unikernel);

        return 0;
}
