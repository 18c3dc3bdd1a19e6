/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes in the kernel and in the records, in an order that never leaves an interface of a guest without a
 * filter that its record has. Called by main.c. */

#include "antispoof/table.h"

#include "antispoof/nft.h"
#include "antispoof/record.h"
#include "antispoof/ruleset.h"
#include "common/log.h"

static bool filter_has_interface(const AntispoofFilter *filter)
{
        char interface[IF_NAMESIZE];

        antispoof_interface_name(filter, interface);
        return if_nametoindex(interface) != 0;
}

/* All tables anew, in one transaction. */
static int table_make(GPtrArray *filters, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_tables(commands);
        for (guint i = 0; i < filters->len; i++)
                ruleset_append_filter(commands, filters->pdata[i]);

        return nft_run_retrying(commands->str, ret_error);
}

static guint filters_count_interfaces(const GPtrArray *filters)
{
        guint n = 0;

        for (guint i = 0; i < filters->len; i++)
                n += filter_has_interface(filters->pdata[i]);
        return n;
}

/* All filters on record, in tables made anew. *ret_open: how many interfaces that are there had none. */
static int table_restore_all(guint *ret_open, Error *ret_error)
{
        g_autoptr(GPtrArray) filters = record_list();
        int r;

        r = table_make(filters, ret_error);
        if (r < 0)
                return r;

        *ret_open = filters_count_interfaces(filters);
        if (*ret_open > 0)
                log_warning("The nftables tables of SHRUTHI were flushed or changed: %u interfaces of "
                            "guests were not filtered, and are filtered again",
                                *ret_open);
        return 0;
}

/* Where the commands fail, a table is not as it should be. */
static int table_run(GString *commands, bool *ret_restored, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        guint n_open = 0;
        int r;

        *ret_restored = false;
        /* Twice: somebody else's transaction at the same moment makes ours fail. */
        if (nft_run(commands->str, &error) >= 0 || nft_run(commands->str, &error) >= 0)
                return 0;

        r = table_restore_all(&n_open, ret_error);
        *ret_restored = n_open > 0;
        return r;
}

int table_add_filter(const AntispoofFilter *filter, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);
        bool restored;
        int r;

        r = record_add(filter, ret_error);
        if (r < 0)
                return r;

        ruleset_append_test(commands);
        ruleset_append_filter(commands, filter);
        return table_run(commands, &restored, ret_error);
}

int table_check(bool *ret_restored, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_test(commands);
        return table_run(commands, ret_restored, ret_error);
}

int table_restore(Error *ret_error)
{
        guint n_open;

        return table_restore_all(&n_open, ret_error);
}

unsigned table_tidy(void)
{
        g_autoptr(GPtrArray) filters = record_list();
        g_autoptr(GString) commands = g_string_new(NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        guint all = filters->len, n = 0;

        for (guint i = 0; i < filters->len; i++) {
                AntispoofFilter *filter = filters->pdata[i];

                if (filter_has_interface(filter) || !record_is_older(filter, TABLE_START_SEC))
                        continue;
                ruleset_append_removal(commands, filter);
                filters->pdata[i] = filters->pdata[n];
                filters->pdata[n++] = filter;
        }
        if (n == 0)
                return all;

        /* From tables that are not there nothing has to be removed. */
        if (nft_run(commands->str, &error) < 0)
                log_debug("%s", error_message(&error, 0));
        for (guint i = 0; i < n; i++)
                record_remove(filters->pdata[i]);

        return all - n;
}

void table_free_memory(void)
{
        nft_close();
}
