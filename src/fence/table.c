/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done in the kernel and in the records, in that order which never leaves an interface of a guest
 * less held than its record says. Called by main.c. */

#include "fence/table.h"

#include "common/log.h"
#include "fence/nft.h"
#include "fence/record.h"
#include "fence/ruleset.h"

#define TRIES      3
#define PAUSE_USEC 20000

static bool interface_is_there(const FenceHold *hold)
{
        char interface[IF_NAMESIZE];

        fence_interface_name(hold, interface);
        return if_nametoindex(interface) != 0;
}

/* All tables anew, in one transaction. */
static int make_whole(GPtrArray *holds, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);
        int r = 0;

        ruleset_append_tables(commands);
        for (guint i = 0; i < holds->len; i++)
                ruleset_append_hold(commands, holds->pdata[i]);

        for (int try = 0; try < TRIES; try++) {
                error_clear(ret_error);
                r = nft_run(commands->str, ret_error);
                if (r >= 0)
                        break;
                g_usleep(PAUSE_USEC);
        }

        return r;
}

static guint count_open(const GPtrArray *holds)
{
        guint n = 0;

        for (guint i = 0; i < holds->len; i++)
                n += interface_is_there(holds->pdata[i]);
        return n;
}

/* All that are on record, in tables made anew. *ret_open: how many of the guests that run were not held. */
static int restore(guint *ret_open, Error *ret_error)
{
        g_autoptr(GPtrArray) holds = record_list();
        int r;

        r = make_whole(holds, ret_error);
        if (r < 0)
                return r;

        *ret_open = count_open(holds);
        if (*ret_open > 0)
                log_warning("Somebody has emptied or changed our tables of the packet filter: %u interfaces "
                            "of guests were not held, and are again",
                                *ret_open);
        return 0;
}

/* Where the commands fail, a table is not as it should be. */
static int run(GString *commands, bool *ret_restored, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        guint n_open = 0;
        int r;

        *ret_restored = false;
        /* Twice: another's transaction at the same moment makes ours fail. */
        if (nft_run(commands->str, &error) >= 0 || nft_run(commands->str, &error) >= 0)
                return 0;

        r = restore(&n_open, ret_error);
        *ret_restored = n_open > 0;
        return r;
}

int table_hold(const FenceHold *hold, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);
        bool restored;
        int r;

        r = record_enter(hold, ret_error);
        if (r < 0)
                return r;

        ruleset_append_test(commands);
        ruleset_append_hold(commands, hold);
        return run(commands, &restored, ret_error);
}

int table_check(bool *ret_restored, Error *ret_error)
{
        g_autoptr(GString) commands = g_string_new(NULL);

        ruleset_append_test(commands);
        return run(commands, ret_restored, ret_error);
}

int table_restore(Error *ret_error)
{
        guint n_open;

        return restore(&n_open, ret_error);
}

unsigned table_tidy(void)
{
        g_autoptr(GPtrArray) holds = record_list();
        g_autoptr(GString) commands = g_string_new(NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        guint all = holds->len, n = 0;

        for (guint i = 0; i < holds->len; i++) {
                FenceHold *hold = holds->pdata[i];

                if (interface_is_there(hold) || !record_is_older(hold, TABLE_START_SEC))
                        continue;
                ruleset_append_release(commands, hold);
                holds->pdata[i] = holds->pdata[n];
                holds->pdata[n++] = hold;
        }
        if (n == 0)
                return all;

        /* From tables that are not there nothing has to be taken. */
        if (nft_run(commands->str, &error) < 0)
                log_debug("%s", error_message(&error, 0));
        for (guint i = 0; i < n; i++)
                record_remove(holds->pdata[i]);

        return all - n;
}

void table_rest(void)
{
        nft_close();
}
