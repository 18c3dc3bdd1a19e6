/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* events: prints what happens to unikernels, one line per event, until interrupted. */

#include <stdio.h>

#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/bus/follow.h"
#include "ctl/bus/properties.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"

typedef struct Events {
        Ctl *ctl;
        char **patterns;
} Events;

/* "2026-11-30 08:15:02 NAME  TEXT" */
static void events_print_line(const char *name, const char *word, Color color, const char *rest)
{
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autofree char *time = g_date_time_format(now, "%F %T");
        g_autofree char *shown = text_for_display(rest ?: "", 16 * 1024);

        printf("%s %s %s%s%s%s%s\n", time, name, color_on(color), word, color_off(color), *shown ? ": " : "",
                        shown);
        fflush(stdout);
}

static void events_print_json(const Events *events, const char *name, const char *event, JsonObject *now,
                const char *reason)
{
        static const char *const members[] = {
                        "State", "Result", "ExitStatus", "Health", "CutOff", "NeedsRestart", "InvocationID"};
        JsonObject *object = json_object_new();

        json_object_set_member(object, "Timestamp", json_number((uint64_t) g_get_real_time()));
        json_object_set_string_member(object, "Name", name);
        json_object_set_string_member(object, "Event", event);
        for (size_t i = 0; now && i < G_N_ELEMENTS(members); i++)
                if (json_object_has_member(now, members[i]))
                        json_object_set_member(object, members[i], json_object_dup_member(now, members[i]));
        if (reason)
                json_object_set_string_member(object, "Reason", reason);
        json_print(&events->ctl->options, json_node_init_object(json_node_alloc(), object));
        json_object_unref(object);
        fflush(stdout);
}

static void events_report(const Events *events, const char *name, const char *event, JsonObject *now,
                const char *word, Color color, const char *rest)
{
        if (events->ctl->options.json != JSON_OFF)
                events_print_json(events, name, event, now, rest);
        else
                events_print_line(name, word, color, rest);
}

static void events_report_state(const Events *events, const char *name, JsonObject *now)
{
        const char *state = value_text(now, "State");
        bool json = events->ctl->options.json != JSON_OFF;
        g_autofree char *rest = json ? unikernel_get_reason(events->ctl, name, now)
                                     : unikernel_format_end(events->ctl, name, now);

        events_report(events, name, "state", now, state, state_color(state), rest);
}

static bool events_differ(JsonObject *before, JsonObject *now, const char *member)
{
        return !json_node_equal(json_object_get_member(before, member), json_object_get_member(now, member));
}

/* A restart between two updates shows the same state, but another invocation ID. */
static void events_report_changes(
                const Events *events, const char *name, JsonObject *before, JsonObject *now)
{
        const char *health = value_text(now, "Health");

        if (events_differ(before, now, "State") || events_differ(before, now, "Result"))
                events_report_state(events, name, now);
        if (events_differ(before, now, "Health") && *health)
                events_report(events, name, "health", now, health,
                                g_str_equal(health, "failing") ? COLOR_RED : COLOR_NONE, NULL);
        if (events_differ(before, now, "CutOff"))
                events_report(events, name, "network", now,
                                value_flag(now, "CutOff") ? "cut off from a network"
                                                          : "attached to all of its networks",
                                value_flag(now, "CutOff") ? COLOR_RED : COLOR_NONE, NULL);
        if (events_differ(before, now, "Autostart"))
                events_report(events, name, "autostart", now,
                                value_flag(now, "Autostart") ? "enabled" : "disabled", COLOR_NONE, NULL);
}

static int on_event(Follow *follow, FollowKind kind, const char *name, JsonObject *before, JsonObject *now,
                void *userdata, Error *ret_error)
{
        const Events *events = userdata;

        if (!name_matches(name, events->patterns))
                return 0;

        switch (kind) {
        case FOLLOW_NEW:
                events_report(events, name, "new", now, "created", COLOR_NONE, NULL);
                break;
        case FOLLOW_REMOVED:
                events_report(events, name, "removed", NULL, "removed", COLOR_NONE, NULL);
                break;
        case FOLLOW_DEFINITION:
                events_report(events, name, "definition", now, "definition changed", COLOR_NONE, NULL);
                break;
        case FOLLOW_CHANGED:
                events_report_changes(events, name, before, now);
                break;
        }

        return ferror(stdout) ? error_set(ret_error, ERROR_FAILED, "Cannot write to standard output") : 0;
}

int verb_events(Ctl *ctl, char **operands, Error *ret_error)
{
        Events events = {.ctl = ctl, .patterns = operands};
        g_autoptr(Follow) follow = NULL;
        int r;

        r = follow_open(ctl, on_event, &events, &follow, ret_error);
        if (r < 0)
                return r;
        r = follow_check_names(follow, operands, ret_error);
        return r < 0 ? r : follow_run(follow, UINT64_MAX, ret_error);
}
