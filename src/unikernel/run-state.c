/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a restarted runner must know. Written and read by the runner, read by shruthid. */

#include "unikernel/run-state.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "unikernel/check.h"

#define RUN_STATE_SIZE_MAX (16 * 1024)
#define REACH_MAX          32

void run_state_clear(RunState *state)
{
        g_free(state->invocation_id);
        g_free(state->owner);
        g_free(state->slice);
        g_free(state->cgroup);
        g_free(state->image);
        g_free(state->volumes);
        g_free(state->paused);
        g_strfreev(state->ready_checks);
        g_strfreev(state->reach);
        g_strfreev(state->healthy_checks);
        g_free(state->health);
        *state = RUN_STATE_INIT;
}

static void list_append(char ***list, const char *text)
{
        guint n = *list ? g_strv_length(*list) : 0;

        *list = g_renew(char *, *list, n + 2);
        (*list)[n] = g_strdup(text);
        (*list)[n + 1] = NULL;
}

static void checks_append(char ***checks, const char *check)
{
        guint n = *checks ? g_strv_length(*checks) : 0;

        if (n < CHECKS_MAX && (n == 0 || !g_strv_contains((const char *const *) *checks, check)))
                list_append(checks, check);
}

void run_state_add_ready_check(RunState *state, const char *check)
{
        checks_append(&state->ready_checks, check);
}

void run_state_add_healthy_check(RunState *state, const char *check)
{
        checks_append(&state->healthy_checks, check);
}

/* The device in "BRIDGE ADDRESS DEVICE", whose name may have spaces; NULL if reach is malformed. */
static const char *reach_device(const char *reach)
{
        const char *space = strchr(reach, ' ');

        space = space ? strchr(space + 1, ' ') : NULL;
        return space ? space + 1 : NULL;
}

static char **run_state_reach_of(const RunState *state, const char *device)
{
        for (char **reach = state->reach; reach && *reach; reach++)
                if (g_strcmp0(reach_device(*reach), device) == 0)
                        return reach;

        return NULL;
}

void run_state_add_reach(RunState *state, const char *reach)
{
        const char *device = reach_device(reach);
        char **known = device ? run_state_reach_of(state, device) : NULL;

        if (known) {
                g_free(*known);
                *known = g_strdup(reach);
        } else if (device && (!state->reach || g_strv_length(state->reach) < REACH_MAX))
                list_append(&state->reach, reach);
}

char *run_state_find_reach(const RunState *state, const char *device, Address *ret_address)
{
        char **reach = run_state_reach_of(state, device);
        g_auto(GStrv) words = reach ? g_strsplit(*reach, " ", 3) : NULL;

        return words && address_parse_ip(words[1], ret_address) >= 0 ? g_strdup(words[0]) : NULL;
}

bool run_state_is_ready(const RunState *state)
{
        guint n = state->ready_checks ? g_strv_length(state->ready_checks) : 0;
        uint64_t all = (UINT64_C(1) << n) - 1;

        return (state->ready_held & all) == all;
}

static void run_state_format_ready(const RunState *state, GString *text)
{
        for (char **reach = state->reach; reach && *reach; reach++)
                g_string_append_printf(text, "reach=%s\n", *reach);
        if (!state->ready_checks)
                return;

        for (char **check = state->ready_checks; *check; check++)
                g_string_append_printf(text, "ready-check=%s\n", *check);
        g_string_append_printf(text,
                        "ready-held=%" G_GUINT64_FORMAT "\nready-timeout-usec=%" G_GUINT64_FORMAT
                        "\nready-deadline=%" G_GUINT64_FORMAT "\n",
                        state->ready_held, state->ready_timeout_usec, state->ready_deadline);
}

static void run_state_format_health(const RunState *state, GString *text)
{
        for (char **check = state->healthy_checks; check && *check; check++)
                g_string_append_printf(text, "healthy-check=%s\n", *check);
        if (state->healthy_checks || state->watchdog)
                g_string_append_printf(text,
                                "healthy-interval-usec=%" G_GUINT64_FORMAT
                                "\nhealthy-retries=%" G_GUINT64_FORMAT "\nwatchdog=%s\nhealth=%s\n",
                                state->healthy_interval_usec, state->healthy_retries,
                                state->watchdog ? "yes" : "no", state->health ?: "");
}

char *run_state_format(const RunState *state)
{
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "started=%s\nspoke=%s\nwitness=%s\n", state->started ? "yes" : "no",
                        state->spoke ? "yes" : "no", state->witness ? "yes" : "no");
        if (state->invocation_id)
                g_string_append_printf(text, "invocation-id=%s\n", state->invocation_id);
        timestamps_format(&state->timestamps, "moment", text);
        if (state->started_at > 0)
                g_string_append_printf(text, "started-at=%" G_GUINT64_FORMAT "\n", state->started_at);
        if (state->changed_at > 0)
                g_string_append_printf(text, "changed-at=%" G_GUINT64_FORMAT "\n", state->changed_at);
        if (state->paused)
                g_string_append_printf(text, "paused=%s\n", state->paused);
        if (state->owner)
                g_string_append_printf(text, "owner=%s\n", state->owner);
        if (state->slice)
                g_string_append_printf(text, "slice=%s\n", state->slice);
        if (state->process)
                g_string_append(text, "process=yes\n");
        if (state->cgroup)
                g_string_append_printf(text, "cgroup=%s\n", state->cgroup);
        if (state->image)
                g_string_append_printf(text, "image=%s\n", state->image);
        if (state->memory > 0)
                g_string_append_printf(text, "memory=%" G_GUINT64_FORMAT "\n", state->memory);
        if (state->volumes)
                g_string_append_printf(text, "volumes=%s\n", state->volumes);
        g_string_append_printf(text,
                        "console-rate=%" G_GUINT64_FORMAT "\nconsole-burst=%" G_GUINT64_FORMAT
                        "\nconsole-rate-user=%" G_GUINT64_FORMAT "\nconsole-burst-user=%" G_GUINT64_FORMAT
                        "\nsilence-warning-usec=%" G_GUINT64_FORMAT "\n",
                        state->console_rate, state->console_burst, state->console_rate_user,
                        state->console_burst_user, state->silence_warning_usec);
        run_state_format_ready(state, text);
        run_state_format_health(state, text);
        g_string_append_printf(text,
                        "result=%s\nexit-status=%" G_GINT64_FORMAT
                        "\nhalted=%s\nshort-of-memory=%s\ndetail=%s\n",
                        result_to_string(state->exit_parser.result), state->exit_parser.exit_status,
                        state->exit_parser.halted ? "yes" : "no",
                        state->exit_parser.short_of_memory ? "yes" : "no", state->exit_parser.detail);

        return g_string_free(text, FALSE);
}

static int text_set(char **text, const char *value)
{
        g_free(*text);
        *text = g_strdup(value);
        return 0;
}

static int status_set(int64_t *status, const char *value)
{
        return g_ascii_string_to_signed(value, 10, INT64_MIN, INT64_MAX, status, NULL) ? 0 : -EBADMSG;
}

static int result_set(Result *result, const char *value)
{
        *result = result_from_string(value);
        return (int) *result < 0 ? -EBADMSG : 0;
}

static int detail_set(ExitParser *exit_parser, const char *value)
{
        if (g_strlcpy(exit_parser->detail, value, sizeof exit_parser->detail) >= sizeof exit_parser->detail)
                return -EBADMSG;

        return 0;
}

/* -ENOENT if the key is none of them. */
static int run_state_set_checks(RunState *state, const char *key, const char *value)
{
        if (g_str_equal(key, "reach")) {
                run_state_add_reach(state, value);
                return 0;
        }
        if (g_str_equal(key, "ready-check")) {
                run_state_add_ready_check(state, value);
                return 0;
        }
        if (g_str_equal(key, "ready-held"))
                return number_parse(value, 0, UINT64_MAX, &state->ready_held);
        if (g_str_equal(key, "ready-timeout-usec"))
                return number_parse(value, 0, UINT64_MAX, &state->ready_timeout_usec);
        if (g_str_equal(key, "ready-deadline"))
                return number_parse(value, 0, UINT64_MAX, &state->ready_deadline);
        if (g_str_equal(key, "healthy-check")) {
                run_state_add_healthy_check(state, value);
                return 0;
        }
        if (g_str_equal(key, "healthy-interval-usec"))
                return number_parse(value, 0, UINT64_MAX, &state->healthy_interval_usec);
        if (g_str_equal(key, "healthy-retries"))
                return number_parse(value, 0, UINT64_MAX, &state->healthy_retries);
        if (g_str_equal(key, "watchdog"))
                return boolean_parse(value, &state->watchdog);
        if (g_str_equal(key, "health"))
                return *value ? text_set(&state->health, value) : 0;

        return -ENOENT;
}

static int run_state_set(RunState *state, const char *key, const char *value)
{
        int r = run_state_set_checks(state, key, value);

        if (r != -ENOENT)
                return r;
        if (g_str_equal(key, "started"))
                return boolean_parse(value, &state->started);
        if (g_str_equal(key, "spoke"))
                return boolean_parse(value, &state->spoke);
        if (g_str_equal(key, "witness"))
                return boolean_parse(value, &state->witness);
        if (g_str_equal(key, "invocation-id"))
                return text_set(&state->invocation_id, value);
        if (g_str_equal(key, "moment"))
                return timestamps_parse(&state->timestamps, value);
        if (g_str_equal(key, "owner"))
                return text_set(&state->owner, value);
        if (g_str_equal(key, "slice"))
                return text_set(&state->slice, value);
        if (g_str_equal(key, "process"))
                return boolean_parse(value, &state->process);
        if (g_str_equal(key, "cgroup"))
                return text_set(&state->cgroup, value);
        if (g_str_equal(key, "image"))
                return text_set(&state->image, value);
        if (g_str_equal(key, "memory"))
                return number_parse(value, 0, UINT64_MAX, &state->memory);
        if (g_str_equal(key, "volumes"))
                return text_set(&state->volumes, value);
        if (g_str_equal(key, "console-rate"))
                return number_parse(value, 0, UINT64_MAX, &state->console_rate);
        if (g_str_equal(key, "console-burst"))
                return number_parse(value, 0, UINT64_MAX, &state->console_burst);
        if (g_str_equal(key, "console-rate-user"))
                return number_parse(value, 0, UINT64_MAX, &state->console_rate_user);
        if (g_str_equal(key, "console-burst-user"))
                return number_parse(value, 0, UINT64_MAX, &state->console_burst_user);
        if (g_str_equal(key, "silence-warning-usec"))
                return number_parse(value, 0, UINT64_MAX, &state->silence_warning_usec);
        if (g_str_equal(key, "result"))
                return result_set(&state->exit_parser.result, value);
        if (g_str_equal(key, "exit-status"))
                return status_set(&state->exit_parser.exit_status, value);
        if (g_str_equal(key, "halted"))
                return boolean_parse(value, &state->exit_parser.halted);
        if (g_str_equal(key, "short-of-memory"))
                return boolean_parse(value, &state->exit_parser.short_of_memory);
        if (g_str_equal(key, "started-at"))
                return number_parse(value, 0, UINT64_MAX, &state->started_at);
        if (g_str_equal(key, "paused"))
                return text_set(&state->paused, value);
        if (g_str_equal(key, "changed-at"))
                return number_parse(value, 0, UINT64_MAX, &state->changed_at);
        if (g_str_equal(key, "detail"))
                return detail_set(&state->exit_parser, value);

        return 0;
}

int run_state_parse(const char *text, RunState *ret_state)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                char *equals = strchr(*line, '=');

                if (**line == 0)
                        continue;
                if (!equals)
                        return -EBADMSG;
                *equals = 0;
                if (run_state_set(&state, *line, equals + 1) < 0)
                        return -EBADMSG;
        }

        *ret_state = state;
        state = RUN_STATE_INIT;
        return 0;
}

int run_state_write(const char *dir, const RunState *state)
{
        g_autofree char *text = run_state_format(state);

        return file_replace(dir, RUN_STATE_FILE, text, strlen(text), 0600);
}

int run_state_read(const char *dir, RunState *ret_state)
{
        g_autofree char *path = g_build_filename(dir, RUN_STATE_FILE, NULL), *text = NULL;
        int r;

        r = file_read_at(AT_FDCWD, path, RUN_STATE_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        return run_state_parse(text, ret_state);
}
