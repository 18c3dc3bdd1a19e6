/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* update --all: every unikernel that the caller may see and that has UpdateFrom=, one after the other, so
 * that a bad build brings down one at a time. */

#include <stdio.h>
#include <string.h>

#include "common/unikernel-name.h"
#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/table.h"
#include "ctl/output/value.h"
#include "ctl/verbs/verb-update.h"

static int update_all_find(Ctl *ctl, char ***ret_names, Error *ret_error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(JsonObject) all = NULL;
        g_autoptr(GList) members = NULL;
        int r;

        r = client_call(ctl, "ListUnikernelDetails", &reply, ret_error, "as", 0);
        if (r < 0)
                return r;
        r = value_read_object(reply, &all);
        if (r < 0)
                return client_message_error(r, ret_error);

        members = g_list_sort(json_object_get_members(all), (GCompareFunc) strcmp);
        for (const GList *member = members; member; member = member->next) {
                JsonObject *details = json_object_get_object_member(all, member->data);

                /* A twin is updated with its unikernel. */
                if (*value_text(details, "UpdateFrom") && !name_is_twin(member->data))
                        g_ptr_array_add(names, g_strdup(member->data));
        }
        g_ptr_array_add(names, NULL);

        *ret_names = (char **) g_ptr_array_steal(names, NULL);
        return 0;
}

static int update_all_one(Ctl *ctl, const char *name, JsonObject **ret_outcome, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = client_new_call(ctl, "UpdateUnikernelFromSource", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r < 0)
                return client_message_error(r, ret_error);
        r = update_append_options(call, &ctl->options, ret_error);
        if (r >= 0)
                r = client_send(ctl, call, &reply, ret_error);
        if (r < 0)
                return r;
        r = value_read_object(reply, ret_outcome);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

/* The outcome as it is shown: a unikernel that does not run is changed, and nothing was proven. */
static const char *update_all_describe(const Options *options, const char *outcome)
{
        if (g_str_equal(outcome, "up-to-date"))
                return "up to date";
        if (options->dry_run)
                return "would be updated";

        return g_str_equal(outcome, "proven") ? "updated" : "changed, not running";
}

static void update_all_add_row(Table *table, const Options *options, const char *name, JsonObject *outcome)
{
        const char *word = value_text(outcome, "Outcome");
        uint64_t number = (uint64_t) value_number(outcome, "Generation");
        g_autofree char *shown = number > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, number) : NULL;

        table_add(table, name, COLOR_NONE, NULL);
        table_add(table, update_all_describe(options, word), COLOR_NONE, json_text(word));
        table_add(table, shown ?: "", COLOR_NONE, json_number(number));
        table_add(table, "", COLOR_NONE, NULL);
}

static void update_all_add_failure(Table *table, const char *name, const Error *error, int r)
{
        table_add(table, name, COLOR_NONE, NULL);
        table_add(table, "failed", COLOR_RED, NULL);
        table_add(table, "", COLOR_NONE, json_number(0));
        table_add(table, error_message(error, r), COLOR_NONE, NULL);
}

int update_all(Ctl *ctl, Error *ret_error)
{
        static const char *const headers[] = {"NAME", "OUTCOME", "GENERATION", "REASON", NULL};
        g_autoptr(Table) table = table_new(headers);
        int r, exit_status = CTL_EXIT_SUCCESS;
        g_auto(GStrv) names = NULL;

        r = update_all_find(ctl, &names, ret_error);
        if (r < 0) {
                error_cannot(ret_error, "update all");
                return r;
        }

        for (char **name = names; *name; name++) {
                g_autoptr(JsonObject) outcome = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                r = update_all_one(ctl, *name, &outcome, &error);
                if (r >= 0) {
                        update_all_add_row(table, &ctl->options, *name, outcome);
                        continue;
                }
                update_all_add_failure(table, *name, &error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(ctl, &error);
        }

        if (names[0] || ctl->options.json != JSON_OFF)
                table_print(table, &ctl->options, NULL);
        else if (!ctl->options.quiet)
                printf("No unikernel has UpdateFrom=, so there is nothing to update.\n");
        return exit_status;
}
