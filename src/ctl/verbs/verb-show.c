/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* show: every fact, for programs. */

#include "ctl/bus/client.h"
#include "ctl/bus/facts.h"

/* Asked for nothing in particular, the caller gets what they may see; asked for a detail by name, the
 * refusal is an error. */
static int collect(Ctl *ctl, const char *name, JsonObject **ret_facts, Error *ret_error)
{
        if (!name)
                return client_get_properties(ctl, NULL, ret_facts, ret_error);

        return facts_of_unikernel(ctl, name, ctl->options.properties != NULL, ret_facts, ret_error);
}

int verb_show(Ctl *ctl, char **operands, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        return r < 0 ? r : facts_show(ctl, "", names, operands_are_single(operands), collect);
}
