/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* limits: how much a user uses of the limits that shruthi.conf sets for each user. */

#include <stdio.h>

#include "common/size.h"
#include "common/users.h"
#include "ctl/bus/client.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"

#define CALLER UINT32_MAX

static char *limits_format_amount(uint64_t amount, const char *unit)
{
        if (amount == UINT64_MAX)
                return g_strdup("no limit");

        return g_str_equal(unit, "bytes") ? size_format(amount)
                                          : g_strdup_printf("%" G_GUINT64_FORMAT, amount);
}

static void limits_add_row(Table *table, const char *name, const char *unit, const char *setting,
                uint64_t used, uint64_t max)
{
        g_autofree char *shown_used = limits_format_amount(used, unit),
                        *shown_max = limits_format_amount(max, unit);

        table_add(table, name, COLOR_NONE, NULL);
        table_add(table, shown_used, used >= max ? COLOR_YELLOW : COLOR_NONE, json_number(used));
        table_add(table, shown_max, COLOR_NONE,
                        max == UINT64_MAX ? json_node_new(JSON_NODE_NULL) : json_number(max));
        table_add(table, setting, COLOR_NONE, NULL);
}

int verb_limits(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"LIMIT", "USED", "MAX", "SETTING", NULL};
        g_autoptr(Table) table = table_new(headers);
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *name, *unit, *setting;
        uint64_t used, max;
        uid_t uid = CALLER;
        int r = 0;

        if (operands[0])
                r = user_parse("USER", operands[0], &uid, ret_error);
        if (r >= 0)
                r = client_call(ctl, "GetLimits", &reply, ret_error, "u", (uint32_t) uid);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssstt)");
        while (r >= 0 &&
                        (r = sd_bus_message_read(reply, "(ssstt)", &name, &unit, &setting, &used, &max)) > 0)
                limits_add_row(table, name, unit, setting, used, max);
        if (r < 0)
                return client_message_error(r, ret_error);

        pager_open(&ctl->options);
        table_print(table, &ctl->options, NULL);
        return CTL_EXIT_SUCCESS;
}
