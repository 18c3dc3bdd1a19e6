/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* show: all properties, for programs. */

#include "ctl/bus/client.h"
#include "ctl/bus/properties.h"

/* Without --property= the caller gets what they may see; if a detail was requested by name, a refusal is an
 * error. */
static int show_collect(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error)
{
        if (!name)
                return client_get_properties(ctl, NULL, ret_properties, ret_error);

        return unikernel_get_all_properties(
                        ctl, name, ctl->options.properties != NULL, ret_properties, ret_error);
}

int verb_show(Ctl *ctl, char **operands, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        return r < 0 ? r : properties_show(ctl, "", names, operands_are_single(operands), show_collect);
}
