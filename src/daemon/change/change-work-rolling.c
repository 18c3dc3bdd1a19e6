/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a rolling update of the definition being made is possible: known before anything is changed, and
 * asked again of the definition with its drop-ins when the twin is made (rolling.c). */

#include "common/paths.h"
#include "daemon/change/change-work-private.h"
#include "unikernel/twin.h"

int draft_check_rolling(const Draft *draft)
{
        const ChangeUpdate *update = draft->request->update;
        int r;

        if (!update || !update->rolling)
                return 0;

        if (paths_are_of_user())
                return error_set(&draft->result->error, ERROR_NOT_SUPPORTED,
                                "A rolling update moves ports by the host's packet filter, which is root's: "
                                "update '%s' without --rolling",
                                draft->request->name);
        r = twin_check(draft->definition, &draft->result->error);
        if (r < 0)
                return r;

        r = draft_check_twin_limits(draft);
        if (r < 0)
                error_prefix(&draft->result->error, "A rolling update runs '%s' twice for a while",
                                draft->request->name);
        return r;
}
