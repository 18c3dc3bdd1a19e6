/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list: all unikernels, or those that match. */

#include <fnmatch.h>

#include "ctl/changed.h"
#include "ctl/client.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/table.h"

static bool row_matches(const UnikernelRow *row, char **patterns)
{
        if (!*patterns)
                return true;

        for (char **pattern = patterns; *pattern; pattern++)
                if (fnmatch(*pattern, row->name, FNM_NOESCAPE) == 0)
                        return true;

        return false;
}

int verb_list(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GHashTable) changed = NULL;
        static const char *const headers[] = {"NAME", "STATE", "OWNER", "RESULT", "UNIT", NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(GPtrArray) rows = NULL;
        int r;

        r = client_list(ctl, &rows, ret_error);
        if (r < 0)
                return r;

        changed = changed_list(ctl);
        for (guint i = 0; i < rows->len; i++) {
                const UnikernelRow *row = rows->pdata[i];
                bool differs = g_hash_table_contains(changed, row->name);
                g_autofree char *owner = NULL, *state = g_strconcat(row->state, differs ? ", changed" : "", NULL);

                if (!row_matches(row, operands))
                        continue;

                owner = format_user((uid_t) row->owner);
                table_add(table, row->name, COLOR_NONE, NULL);
                table_add(table, state, state_color(row->state), json_text(row->state));
                table_add(table, owner, COLOR_NONE, json_number(row->owner));
                table_add(table, row->result, COLOR_NONE, NULL);
                table_add(table, row->unit, COLOR_NONE, NULL);
        }

        pager_open(&ctl->options);
        table_print(table, &ctl->options, "unikernels listed");
        return CTL_EXIT_SUCCESS;
}
