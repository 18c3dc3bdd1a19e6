/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* wait: waits until unikernels are in a state, for scripts. */

#include <stdio.h>

#include "common/string-util.h"
#include "common/time-span.h"
#include "ctl/bus/client.h"
#include "ctl/bus/follow.h"
#include "ctl/bus/properties.h"
#include "ctl/output/value.h"

typedef enum WaitCondition {
        WAIT_RUNNING,
        WAIT_READY,
        WAIT_STOPPED,
        WAIT_FAILED,
        _WAIT_CONDITION_MAX,
        _WAIT_CONDITION_INVALID = -EINVAL,
} WaitCondition;

static const char *wait_condition_to_string(WaitCondition condition);
static WaitCondition wait_condition_from_string(const char *text);

static const char *const wait_condition_table[_WAIT_CONDITION_MAX] = {
                [WAIT_RUNNING] = "running",
                [WAIT_READY] = "ready",
                [WAIT_STOPPED] = "stopped",
                [WAIT_FAILED] = "failed",
};
DEFINE_STRING_TABLE(wait_condition, WaitCondition, wait_condition_table, _WAIT_CONDITION_MAX)

typedef struct Wait {
        Ctl *ctl;
        char **names;
        WaitCondition condition;
} Wait;

/* A guest that is not ready yet also runs, if it started after the last run ended. */
static bool wait_guest_runs(JsonObject *properties)
{
        return g_str_equal(value_text(properties, "State"), "starting") &&
               value_number(properties, "ActiveEnterTimestamp") >
                               value_number(properties, "InactiveEnterTimestamp");
}

static bool wait_holds(WaitCondition condition, JsonObject *properties)
{
        const char *state = value_text(properties, "State");

        switch (condition) {
        case WAIT_RUNNING:
                return g_str_equal(state, "running") || g_str_equal(state, "paused") ||
                       wait_guest_runs(properties);
        case WAIT_READY:
                return g_str_equal(state, "running");
        case WAIT_STOPPED:
                return g_str_equal(state, "stopped") || g_str_equal(state, "failed") ||
                       g_str_equal(state, "broken");
        case WAIT_FAILED:
                return g_str_equal(state, "failed");
        default:
                return false;
        }
}

static bool wait_is_over(const Wait *wait, const Follow *follow)
{
        for (char **name = wait->names; *name; name++)
                if (!wait_holds(wait->condition, follow_find(follow, *name)))
                        return false;

        return true;
}

/* A failed unikernel does not become ready by itself, because systemd has given up. */
static int wait_refuse_failed(const Wait *wait, const char *name, JsonObject *now, Error *ret_error)
{
        g_autofree char *end = unikernel_format_end(wait->ctl, name, now);

        return error_set(ret_error, ERROR_START_FAILED, "%s has failed%s%s", name, end ? ": " : "",
                        end ?: "");
}

static int on_wait_change(Follow *follow, FollowKind kind, const char *name, JsonObject *before,
                JsonObject *now, void *userdata, Error *ret_error)
{
        const Wait *wait = userdata;

        if (!g_strv_contains((const char *const *) wait->names, name))
                return 0;
        if (kind == FOLLOW_REMOVED)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL, "%s has been removed", name);
        if ((wait->condition == WAIT_RUNNING || wait->condition == WAIT_READY) &&
                        wait_holds(WAIT_FAILED, now) && !(before && wait_holds(WAIT_FAILED, before)))
                return wait_refuse_failed(wait, name, now, ret_error);

        return wait_is_over(wait, follow);
}

/* Lists the unikernels that it still waits for, with their states. */
static int wait_refuse_timeout(const Wait *wait, const Follow *follow, const char *timeout, Error *ret_error)
{
        g_autoptr(GString) rest = g_string_new(NULL);

        for (char **name = wait->names; *name; name++) {
                JsonObject *properties = follow_find(follow, *name);

                if (!wait_holds(wait->condition, properties))
                        g_string_append_printf(rest, "%s%s is %s", rest->len > 0 ? ", " : "", *name,
                                        value_text(properties, "State"));
        }

        return error_set(ret_error, ERROR_TIMED_OUT, "Not %s within %s: %s",
                        wait_condition_to_string(wait->condition), timeout, rest->str);
}

static int wait_read_condition(const char *text, WaitCondition *ret_condition, Error *ret_error)
{
        g_autofree char *shown = text_for_display(text ?: "", 80);

        *ret_condition = text ? wait_condition_from_string(text) : WAIT_READY;
        if ((int) *ret_condition < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--until= cannot be '%s': give running, ready, stopped or failed.", shown);

        return 0;
}

int verb_wait(Ctl *ctl, char **operands, Error *ret_error)
{
        uint64_t deadline = ctl->options.timeout;
        g_autofree char *timeout = time_span_format(deadline);
        g_autoptr(Follow) follow = NULL;
        g_auto(GStrv) names = NULL;
        Wait wait = {.ctl = ctl};
        int r;

        if (deadline != UINT64_MAX)
                deadline += (uint64_t) g_get_monotonic_time();
        r = wait_read_condition(ctl->options.until, &wait.condition, ret_error);
        if (r >= 0)
                r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        wait.names = names;
        r = follow_open(ctl, on_wait_change, &wait, &follow, ret_error);
        if (r >= 0)
                r = follow_check_names(follow, names, ret_error);
        if (r < 0)
                return r;

        r = wait_is_over(&wait, follow) ? 1 : follow_run(follow, deadline, ret_error);
        if (r == 0)
                return wait_refuse_timeout(&wait, follow, timeout, ret_error);
        return r < 0 ? r : CTL_EXIT_SUCCESS;
}
