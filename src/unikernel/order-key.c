/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of names of other units. */

#include "unikernel/order-key.h"

#include <string.h>

#include "common/string-util.h"

static const char *const order_key_table[_ORDER_KEY_MAX] = {
                [ORDER_REQUIRES] = "Requires",
                [ORDER_WANTS] = "Wants",
                [ORDER_BINDS_TO] = "BindsTo",
                [ORDER_AFTER] = "After",
                [ORDER_BEFORE] = "Before",
                [ORDER_CONFLICTS] = "Conflicts",
                [ORDER_PART_OF] = "PartOf",
                [ORDER_UPHOLDS] = "Upholds",
                [ORDER_ON_FAILURE] = "OnFailure",
};
DEFINE_STRING_TABLE(order_key, OrderKey, order_key_table, _ORDER_KEY_MAX)

bool order_name_is_unikernel(const char *name)
{
        return !strchr(name, '.');
}

bool order_list_has(const char *list, const char *name)
{
        size_t length = strlen(name);

        for (const char *p = list; p && (p = strstr(p, name)); p++)
                if ((p == list || p[-1] == ' ') && (p[length] == ' ' || p[length] == 0))
                        return true;

        return false;
}
