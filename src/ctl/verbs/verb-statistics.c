/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* statistics: what running guests use, and the traffic of their devices. */

#include <string.h>

#include "common/paths.h"
#include "common/size.h"
#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/format.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"

/* Sums up all of its devices. What goes through passt nobody counts. */
static char *statistics_format_sum(JsonObject *statistics, const char *key)
{
        JsonArray *devices = value_array(statistics, "Devices");
        uint64_t sum = 0;

        if (paths_are_of_user() && (g_str_equal(key, "ReceivedBytes") || g_str_equal(key, "SentBytes")))
                return g_strdup("-");

        for (guint i = 0; devices && i < json_array_get_length(devices); i++)
                sum += (uint64_t) value_number(json_array_get_object_element(devices, i), key);

        return size_format(sum);
}

/* Adds a row, and the same as JSON. */
static void statistics_add(Table *table, JsonArray *array, const char *name, JsonObject *statistics)
{
        static const char *const sums[] = {"ReceivedBytes", "SentBytes", "ReadBytes", "WrittenBytes"};
        g_autofree char *time = format_span((uint64_t) value_number(statistics, "CPUTime")),
                        *memory = size_format((uint64_t) value_number(statistics, "Memory"));

        table_add(table, name, COLOR_NONE, NULL);
        table_add(table, time, COLOR_NONE, NULL);
        table_add(table, memory, COLOR_NONE, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
                g_autofree char *sum = statistics_format_sum(statistics, sums[i]);

                table_add(table, sum, COLOR_NONE, NULL);
        }
        json_object_set_string_member(statistics, "Name", name);
        json_array_add_object_element(array, json_object_ref(statistics));
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(a, b);
}

/* Gets the statistics of all that the caller may see, in one call. */
static int statistics_list_all(Ctl *ctl, Table *table, JsonArray *array, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(JsonObject) all = NULL;
        g_autoptr(GList) names = NULL;
        int r;

        r = client_call(ctl, "ListUnikernelStatistics", &reply, ret_error, "as", 0);
        if (r < 0)
                return r;
        r = value_read_object(reply, &all);
        if (r < 0)
                return client_message_error(r, ret_error);

        names = g_list_sort(json_object_get_members(all), compare_names);
        for (GList *l = names; l; l = l->next)
                statistics_add(table, array, l->data, json_object_get_object_member(all, l->data));
        return CTL_EXIT_SUCCESS;
}

static int statistics_list_named(Ctl *ctl, char **operands, Table *table, JsonArray *array, Error *ret_error)
{
        int r, exit_status = CTL_EXIT_SUCCESS;
        g_auto(GStrv) names = NULL;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        for (char **name = names; *name; name++) {
                g_autoptr(JsonObject) statistics = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                r = client_get_object(ctl, "GetUnikernelStatistics", *name, true, &statistics, &error);
                if (r >= 0) {
                        statistics_add(table, array, *name, statistics);
                        continue;
                }
                error_cannot(&error, "show statistics of %s", *name);
                terminal_print_error(&error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(ctl, &error);
        }

        return exit_status;
}

int verb_statistics(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {
                        "NAME", "CPU TIME", "MEMORY", "RECEIVED", "SENT", "READ", "WRITTEN", NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(JsonArray) array = json_array_new();
        int r;

        r = operands[0] ? statistics_list_named(ctl, operands, table, array, ret_error)
                        : statistics_list_all(ctl, table, array, ret_error);
        if (r < 0)
                return r;

        pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, operands[0] && operands_are_single(operands));
        else if (!operands[0] || json_array_get_length(array) > 0)
                table_print(table, &ctl->options, "running unikernels listed");
        return r;
}
