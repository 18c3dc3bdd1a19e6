/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* history, diff: the generations of a unikernel, and the differences between two of them. */

#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "common/users.h"
#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/diff.h"
#include "ctl/output/format.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"
#include "ctl/verbs/verb-history.h"

#define DIGEST_SHOWN (strlen(SHRUTHI_DIGEST_PREFIX) + 12)

int history_read(Ctl *ctl, const char *name, bool interactive, GPtrArray **ret_generations, Error *ret_error)
{
        g_autoptr(GPtrArray) generations =
                        g_ptr_array_new_with_free_func((GDestroyNotify) json_object_unref);
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = name_check(name, ret_error);
        if (r >= 0)
                r = (interactive ? client_call : client_call_quietly)(
                                ctl, "ListUnikernelGenerations", &reply, ret_error, "s", name);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "a{sv}");
        while (r >= 0 && (r = sd_bus_message_at_end(reply, false)) == 0) {
                JsonObject *generation;

                r = value_read_object(reply, &generation);
                if (r >= 0)
                        g_ptr_array_add(generations, generation);
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_generations = g_steal_pointer(&generations);
        return 0;
}

static void history_add_row(Table *table, JsonObject *generation)
{
        const char *image = value_text(generation, "Image"), *state = value_text(generation, "State");
        uint64_t number = (uint64_t) value_number(generation, "Number"),
                 when = (uint64_t) value_number(generation, "Timestamp");
        uid_t uid = (uid_t) value_number(generation, "User");
        g_autofree char *shown_number = g_strdup_printf("%" G_GUINT64_FORMAT, number),
                        *shown_when = format_timestamp(when), *user = user_name(uid),
                        *shown_image = g_strndup(image, DIGEST_SHOWN);
        Color color = g_str_equal(state, "failed")    ? COLOR_RED
                      : g_str_equal(state, "current") ? COLOR_GREEN
                                                      : COLOR_NONE;

        table_add(table, shown_number, COLOR_NONE, json_number(number));
        table_add(table, shown_when, COLOR_NONE, json_number(when));
        table_add(table, user, COLOR_NONE, json_number(uid));
        table_add_fact(table, "UserName", json_text(user));
        table_add(table, shown_image, COLOR_NONE, json_text(image));
        table_add(table, state, color, NULL);
        table_add_fact(table, "Outcome", json_text(value_text(generation, "Outcome")));
        table_add_fact(table, "InvocationID", json_text(value_text(generation, "InvocationID")));
        table_add(table, value_text(generation, "Reason"), COLOR_NONE, NULL);
        table_add(table, value_text(generation, "Source"), COLOR_NONE, NULL);
}

int verb_history(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {
                        "GENERATION", "SINCE", "USER", "IMAGE", "STATE", "REASON", "SOURCE", NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(GPtrArray) generations = NULL;
        int r;

        r = history_read(ctl, operands[0], true, &generations, ret_error);
        if (r < 0) {
                error_cannot(ret_error, "show the history of %s", operands[0]);
                return r;
        }

        table_set_key(table, 0, "Number");
        table_set_key(table, 1, "Timestamp");
        for (guint i = 0; i < generations->len; i++)
                history_add_row(table, generations->pdata[i]);
        pager_open(&ctl->options);
        if (generations->len == 0 && ctl->options.json == JSON_OFF)
                printf("%s has no generations yet: it was never changed.\n", operands[0]);
        else
                table_print(table, &ctl->options, NULL);
        return CTL_EXIT_SUCCESS;
}

int generation_number_parse(const char *name, const char *text, uint64_t *ret_number, Error *ret_error)
{
        g_autofree char *shown = NULL;

        if (number_parse(text, 1, UINT32_MAX, ret_number) >= 0)
                return 0;

        shown = text_for_display(text, 40);
        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "'%s' is not a generation number; see shruthictl history %s", shown, name);
}

static uint64_t history_find_state(const GPtrArray *generations, const char *state)
{
        for (guint i = generations->len; i > 0; i--)
                if (g_str_equal(value_text(generations->pdata[i - 1], "State"), state))
                        return (uint64_t) value_number(generations->pdata[i - 1], "Number");

        return 0;
}

uint64_t history_find_former(const GPtrArray *generations)
{
        uint64_t current = history_find_state(generations, "current"), former = 0;

        /* During an update the one being proven is in force. */
        if (current == 0)
                current = history_find_state(generations, "proving") ?: UINT64_MAX;
        for (guint i = 0; i < generations->len; i++) {
                uint64_t number = (uint64_t) value_number(generations->pdata[i], "Number");

                if (number < current && number > former &&
                                !g_str_equal(value_text(generations->pdata[i], "Outcome"), "failed"))
                        former = number;
        }

        return former;
}

static int diff_find_former(Ctl *ctl, const char *name, uint64_t *ret_number, Error *ret_error)
{
        g_autoptr(GPtrArray) generations = NULL;
        uint64_t former;
        int r;

        r = history_read(ctl, name, true, &generations, ret_error);
        if (r < 0)
                return r;
        former = history_find_former(generations);
        if (former == 0)
                return error_set(ret_error, ERROR_NO_SUCH_GENERATION,
                                "There is no former generation; see shruthictl history %s", name);

        *ret_number = former;
        return 0;
}

/* number 0 is the generation in force. */
static int diff_read_text(Ctl *ctl, const char *name, uint64_t number, char **ret_text, char **ret_label,
                Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        if (number == 0) {
                *ret_label = g_strdup_printf("%s current", name);
                return client_get_text(ctl, "GetUnikernelDefinition", name, ret_text, ret_error);
        }

        *ret_label = g_strdup_printf("%s generation %" G_GUINT64_FORMAT, name, number);
        r = client_call(ctl, "GetUnikernelGeneration", &reply, ret_error, "st", name, number);
        return r < 0 ? r : client_read_text(reply, ret_text, ret_error);
}

static void diff_print(Ctl *ctl, const char *diff)
{
        pager_open(&ctl->options);
        if (*diff)
                print_foreign(diff);
        else if (!ctl->options.quiet)
                printf("They are the same.\n");
}

int verb_diff(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autofree char *from = NULL, *to = NULL, *from_label = NULL, *to_label = NULL, *diff = NULL;
        const char *name = operands[0];
        uint64_t a = 0, b = 0;
        int r;

        r = name_check(name, ret_error);
        if (r >= 0)
                r = operands[1] ? generation_number_parse(name, operands[1], &a, ret_error)
                                : diff_find_former(ctl, name, &a, ret_error);
        if (r >= 0 && operands[1] && operands[2])
                r = generation_number_parse(name, operands[2], &b, ret_error);
        if (r >= 0)
                r = diff_read_text(ctl, name, a, &from, &from_label, ret_error);
        if (r >= 0)
                r = diff_read_text(ctl, name, b, &to, &to_label, ret_error);
        if (r < 0) {
                error_cannot(ret_error, "compare the generations of %s", name);
                return r;
        }

        diff = diff_texts(from, to, from_label, to_label);
        if (ctl->options.json != JSON_OFF) {
                g_autoptr(JsonObject) object = json_object_new();
                g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

                json_object_set_string_member(object, "From", from_label);
                json_object_set_string_member(object, "To", to_label);
                json_object_set_string_member(object, "Diff", diff);
                json_node_set_object(node, object);
                json_print(&ctl->options, node);
        } else
                diff_print(ctl, diff);
        return CTL_EXIT_SUCCESS;
}
