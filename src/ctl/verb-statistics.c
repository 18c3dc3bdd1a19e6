/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* statistics: what running guests use, and what went through their devices. */

#include "common/string-util.h"
#include "ctl/client.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/table.h"
#include "ctl/value.h"
#include "ctl/words.h"

/* Over all of its devices. */
static char *format_sum(JsonObject *statistics, const char *key)
{
        JsonArray *devices = value_array(statistics, "Devices");
        uint64_t sum = 0;

        for (guint i = 0; devices && i < json_array_get_length(devices); i++)
                sum += (uint64_t) value_number(json_array_get_object_element(devices, i), key);

        return size_format(sum);
}

static void add_row(Table *table, const char *name, JsonObject *statistics)
{
        static const char *const sums[] = {"ReceivedBytes", "SentBytes", "ReadBytes", "WrittenBytes"};
        g_autofree char *time = format_span((uint64_t) value_number(statistics, "CPUTime")),
                        *memory = size_format((uint64_t) value_number(statistics, "Memory"));

        table_add(table, name, COLOR_NONE, NULL);
        table_add(table, time, COLOR_NONE, NULL);
        table_add(table, memory, COLOR_NONE, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
                g_autofree char *sum = format_sum(statistics, sums[i]);

                table_add(table, sum, COLOR_NONE, NULL);
        }
}

/* Those that run; which of them the caller may look at is seen when they are asked about. */
static int list_running(Ctl *ctl, char ***ret_names, Error *ret_error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), rows = NULL;
        int r;

        r = client_list(ctl, &rows, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < rows->len; i++) {
                const UnikernelRow *row = rows->pdata[i];

                if (g_str_equal(row->state, "running"))
                        g_ptr_array_add(names, g_strdup(row->name));
        }
        g_ptr_array_add(names, NULL);
        *ret_names = (char **) g_ptr_array_steal(names, NULL);
        return 0;
}

/* Without a name, what the caller may not see, or has just ended, is left out. */
static bool is_left_out(const Error *error, bool all)
{
        return all && (error->code == ERROR_ACCESS_DENIED || error->code == ERROR_NOT_RUNNING ||
                                      error->code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED ||
                                      error->code == ERROR_NO_SUCH_UNIKERNEL);
}

int verb_statistics(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"NAME", "CPU TIME", "MEMORY", "RECEIVED", "SENT", "READ", "WRITTEN",
                        NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(JsonArray) array = json_array_new();
        int r, exit_status = CTL_EXIT_SUCCESS;
        g_auto(GStrv) names = NULL;
        bool all = !operands[0];

        r = all ? list_running(ctl, &names, ret_error) : client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        for (char **name = names; *name; name++) {
                g_autoptr(JsonObject) statistics = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                r = client_get_object(ctl, "GetUnikernelStatistics", *name, !all, &statistics, &error);
                if (r < 0 && is_left_out(&error, all))
                        continue;
                if (r < 0) {
                        error_cannot(&error, "show statistics of %s", *name);
                        ctl_print_error(&error, r);
                        if (exit_status == CTL_EXIT_SUCCESS)
                                exit_status = ctl_exit_status(ctl, &error);
                        continue;
                }
                json_object_set_string_member(statistics, "Name", *name);
                json_array_add_object_element(array, json_object_ref(statistics));
                add_row(table, *name, statistics);
        }

        pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, !all && operands_are_single(operands));
        else if (all || json_array_get_length(array) > 0)
                table_print(table, &ctl->options, "running unikernels listed");
        return exit_status;
}
