/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list: all unikernels, or those that match. */

#include "common/unikernel-name.h"
#include "ctl/bus/client.h"
#include "ctl/bus/needs-restart.h"
#include "ctl/bus/overrides.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"

static bool list_has_name(const GPtrArray *rows, const char *name)
{
        for (guint i = 0; i < rows->len; i++)
                if (g_str_equal(((const UnikernelRow *) rows->pdata[i])->name, name))
                        return true;

        return false;
}

/* Patterns may match nothing, but a name must exist. */
static int list_report_missing(const Ctl *ctl, const GPtrArray *rows, char **operands)
{
        int exit_status = CTL_EXIT_SUCCESS;

        for (char **name = operands; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = 0;

                if (name_is_pattern(*name) || list_has_name(rows, *name))
                        continue;
                r = name_check(*name, &error);
                if (r >= 0)
                        r = client_refuse_name(*name, &error);
                terminal_print_error(&error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(ctl, &error);
        }

        return exit_status;
}

/* Name → fact, for unikernels that have it: none if shruthid is too old to tell. */
static GHashTable *list_read_facts(Ctl *ctl, const char *method)
{
        GHashTable *facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *name, *fact;

        if (client_call_quietly(ctl, method, &reply, NULL, NULL) < 0 ||
                        sd_bus_message_enter_container(reply, 'a', "{ss}") < 0)
                return facts;

        while (sd_bus_message_read(reply, "{ss}", &name, &fact) > 0)
                g_hash_table_insert(facts, g_strdup(name), g_strdup(fact));
        return facts;
}

typedef struct ListFacts {
        GHashTable *changed, *healths, *activations;
} ListFacts;

static void list_add_row(Table *table, const UnikernelRow *row, const ListFacts *facts)
{
        const char *health = g_hash_table_lookup(facts->healths, row->name) ?: "";
        const char *activation = g_hash_table_lookup(facts->activations, row->name) ?: "";
        bool differs = g_hash_table_contains(facts->changed, row->name), masked = unit_is_masked(row->name);
        g_autofree char *state = g_strconcat(row->state, *activation ? ", " : "", activation,
                        differs ? ", changed" : "", masked ? ", masked" : "", NULL);

        table_add(table, row->name, COLOR_NONE, NULL);
        table_add(table, state, state_color(row->state), json_text(row->state));
        table_add_fact(table, "ActivationState", json_text(activation));
        table_add_fact(table, "NeedsRestart", json_flag(differs));
        table_add_fact(table, "Masked", json_flag(masked));
        table_add(table, health, g_str_equal(health, "failing") ? COLOR_RED : COLOR_NONE, NULL);
        table_add_owner(table, (uid_t) row->owner);
        table_add(table, row->result, COLOR_NONE, NULL);
        table_add(table, row->unit, COLOR_NONE, NULL);
}

int verb_list(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GHashTable) changed = NULL, healths = NULL, activations = NULL;
        static const char *const headers[] = {"NAME", "STATE", "HEALTH", "OWNER", "RESULT", "UNIT", NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(GPtrArray) rows = NULL;
        ListFacts facts;
        int r;

        r = client_list(ctl, &rows, ret_error);
        if (r < 0)
                return r;

        changed = needs_restart_list(ctl);
        healths = list_read_facts(ctl, "ListUnikernelHealth");
        activations = list_read_facts(ctl, "ListUnikernelActivations");
        facts = (ListFacts){.changed = changed, .healths = healths, .activations = activations};
        for (guint i = 0; i < rows->len; i++)
                if (name_matches(((const UnikernelRow *) rows->pdata[i])->name, operands))
                        list_add_row(table, rows->pdata[i], &facts);

        pager_open(&ctl->options);
        table_print(table, &ctl->options, "unikernels listed");
        return list_report_missing(ctl, rows, operands);
}
