/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* logs: console and messages, as in journalctl, also for users who are in no journal group. */

#include <string.h>

#include "common/string-util.h"
#include "ctl/bus/log-reader.h"
#include "ctl/output/pager.h"

#define FOLLOW_LINES_DEFAULT 10
#define CALENDAR_PROGRAM     "systemd-analyze"

/* Finds " UNIX seconds: @1764414223.123456" in the output. */
static bool logs_find_seconds(const char *output, uint64_t *ret_usec)
{
        const char *at = strstr(output, "UNIX seconds: @");
        char *end = NULL;
        double seconds;

        if (!at)
                return false;
        at += strlen("UNIX seconds: @");
        seconds = g_ascii_strtod(at, &end);
        if (end == at || seconds < 0)
                return false;

        *ret_usec = (uint64_t) (seconds * G_USEC_PER_SEC + 0.5);
        return true;
}

/* Times as in systemd.time(7), parsed by systemd itself. */
static int logs_read_time(const char *option, const char *value, uint64_t *ret_usec, Error *ret_error)
{
        const char *argv[] = {CALENDAR_PROGRAM, "timestamp", "--", value, NULL};
        g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
        g_autofree char *output = NULL, *shown = text_for_display(value, 80);
        g_autoptr(GError) error = NULL;
        int status;

        if (!g_spawn_sync(NULL, (char **) argv, environment,
                            G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                            &status, &error))
                return error_set(ret_error, ERROR_FAILED, "%s: cannot ask " CALENDAR_PROGRAM ": %s", option,
                                error->message);
        if (status != 0 || !logs_find_seconds(output, ret_usec))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s cannot be '%s': give a time as in systemd.time(7), such as yesterday, "
                                "\"-1h 30min\" or \"2026-11-01 12:00\".",
                                option, shown);

        return 0;
}

/* As in journalctl, a lower-case pattern ignores case. */
static int logs_read_pattern(const char *value, GRegex **ret_regex, Error *ret_error)
{
        g_autofree char *lower = g_utf8_validate(value, -1, NULL) ? g_utf8_strdown(value, -1) : NULL;
        g_autoptr(GError) error = NULL;
        GRegexCompileFlags flags = G_REGEX_OPTIMIZE;

        if (!lower)
                return error_set(ret_error, ERROR_INVALID_ARGS, "--grep= is not valid UTF-8.");
        if (g_str_equal(lower, value))
                flags |= G_REGEX_CASELESS;
        *ret_regex = g_regex_new(value, flags, 0, &error);
        if (!*ret_regex)
                return error_set(ret_error, ERROR_INVALID_ARGS, "--grep= is not a valid pattern: %s.",
                                error->message);

        return 0;
}

static int logs_read_request(const Options *options, LogRequest *request, Error *ret_error)
{
        int r = 0;

        if (options->follow && ((options->boot && !g_str_equal(options->boot, "0")) || options->until))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--follow shows new entries of this boot: omit --boot= and --until=.");

        if (options->since)
                r = logs_read_time("--since=", options->since, &request->since, ret_error);
        if (r >= 0 && options->until)
                r = logs_read_time("--until=", options->until, &request->until, ret_error);
        if (r >= 0 && options->grep)
                r = logs_read_pattern(options->grep, &request->grep, ret_error);
        if (r < 0)
                return r;

        request->boot = options->boot;
        if (!request->boot && (request->since || request->until) && !options->follow)
                request->boot = "all";
        if (request->lines == LINES_UNSET)
                request->lines = options->follow ? FOLLOW_LINES_DEFAULT : LINES_ALL;
        if (request->format == LOG_FORMAT_SHORT && options->json != JSON_OFF)
                request->format = LOG_FORMAT_JSON;
        request->filtered = options->grep || request->boot || options->priority >= 0;
        return 0;
}

int verb_logs(Ctl *ctl, char **operands, Error *ret_error)
{
        const Options *options = &ctl->options;
        g_auto(GStrv) names = NULL;
        LogRequest request = {.lines = options->lines,
                        .follow = options->follow,
                        .format = options->output,
                        .priority = options->priority};
        int r;

        r = logs_read_request(options, &request, ret_error);
        if (r >= 0)
                r = client_expand(ctl, operands, &names, ret_error);
        if (r >= 0) {
                if (!options->follow)
                        pager_open(options);
                r = log_print(ctl, names, &request, ret_error);
        }

        g_clear_pointer(&request.grep, g_regex_unref);
        return r;
}
