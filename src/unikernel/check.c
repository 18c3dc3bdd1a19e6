/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks: their syntax, and the patterns of console lines. Called for definitions, by shruthi-domain and by
 * the runner. */

#include "unikernel/check.h"

#include <string.h>

#include "common/http-path.h"
#include "common/string-util.h"

/* pcre2api(3): a pattern itself can only lower these limits. They are enough for any line of CHECK_LINE_MAX
 * that is not searched by nested repetitions. A step may go through a whole line, so the worst case takes
 * some milliseconds; the runner adds up the time that its patterns have taken. */
#define PATTERN_LIMITS "(*LIMIT_MATCH=5000)(*LIMIT_DEPTH=2000)(*LIMIT_HEAP=512)"

/* The bytes of a console have no encoding that could be relied upon. */
#define PATTERN_FLAGS (G_REGEX_RAW | G_REGEX_NO_AUTO_CAPTURE)

static const char *const check_kind_table[_CHECK_KIND_MAX] = {
                [CHECK_STARTED] = "started",
                [CHECK_CONSOLE] = "console",
                [CHECK_TCP] = "tcp",
                [CHECK_HTTP] = "http",
                [CHECK_PING] = "ping",
};
DEFINE_STRING_TABLE(check_kind, CheckKind, check_kind_table, _CHECK_KIND_MAX)

void check_clear(Check *check)
{
        g_clear_pointer(&check->pattern, g_free);
        g_clear_pointer(&check->device, g_free);
        g_clear_pointer(&check->path, g_free);
        *check = (Check){};
}

static int check_refuse(Error *ret_error, const char *right)
{
        return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s", right);
}

static int check_parse_console(Check *check, const char *rest, Error *ret_error)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GRegex) regex = NULL;

        if (!*rest)
                return check_refuse(ret_error,
                                "no pattern: write console: and a regular expression, such as "
                                "console:^Listening");
        if (strlen(rest) > CHECK_PATTERN_MAX)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "a pattern of %zu bytes is too long: write one of at most %d", strlen(rest),
                                CHECK_PATTERN_MAX);
        for (const char *p = rest; *p; p++)
                if (g_ascii_iscntrl(*p))
                        return check_refuse(ret_error,
                                        "a pattern has no control characters: write \\t for a "
                                        "tab");

        /* Compiled without the limits in front, so that the position in the message is right. */
        regex = g_regex_new(rest, PATTERN_FLAGS, 0, &error);
        if (!regex)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "not a regular expression (pcre2pattern(3)): %s", error->message);

        check->pattern = g_strdup(rest);
        return 0;
}

bool check_kind_is_of_network(CheckKind kind)
{
        return kind == CHECK_TCP || kind == CHECK_HTTP || kind == CHECK_PING;
}

static int check_parse_port(Check *check, const char *text, Error *ret_error)
{
        g_autofree char *shown = text_for_display(text, 20);
        guint64 port;

        if (!g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "'%s' is no port: write a number from 1 to 65535", shown);

        check->port = (uint16_t) port;
        return 0;
}

/* "DEVICE", "DEVICE:PORT" or "DEVICE:PORT/PATH". A device's name may have colons, but no '/'. */
static int check_parse_target(Check *check, const char *rest, Error *ret_error)
{
        const char *slash = strchr(rest, '/'), *end = slash ?: rest + strlen(rest);
        const char *colon = check->kind == CHECK_PING ? NULL : memrchr(rest, ':', (size_t) (end - rest));
        g_autofree char *port = NULL;

        if (check->kind != CHECK_PING && !colon)
                return check_refuse(ret_error,
                                check->kind == CHECK_TCP
                                                ? "no port: write tcp:DEVICE:PORT, such as tcp:service:80"
                                                : "no port: write http:DEVICE:PORT/PATH, such as "
                                                  "http:service:80/");
        check->device = g_strndup(rest, (size_t) ((colon ?: end) - rest));
        if (!*check->device)
                return check_refuse(
                                ret_error, "no device: name one of the [Network] sections, such as service");
        if (slash && check->kind != CHECK_HTTP)
                return check_refuse(ret_error, "only http takes a path: remove it");
        if (check->kind == CHECK_HTTP && !slash)
                return check_refuse(
                                ret_error, "no path: write http:DEVICE:PORT/PATH, such as http:service:80/");
        if (slash && !http_path_is_valid(slash))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "its path is none of a URL: write at most %d printable ASCII characters "
                                "without space, quotes, '#', '<', '>', '\\', '^', '`', '{', '|' and '}'; "
                                "others as %%XX",
                                HTTP_PATH_MAX);
        check->path = g_strdup(slash);
        if (!colon)
                return 0;

        port = g_strndup(colon + 1, (size_t) (end - colon - 1));
        return check_parse_port(check, port, ret_error);
}

int check_parse(const char *text, Check *ret_check, Error *ret_error)
{
        static const char known[] =
                        "write started, console:REGEX, tcp:DEVICE:PORT, http:DEVICE:PORT/PATH or "
                        "ping:DEVICE";
        const char *colon = strchr(text, ':');
        g_autofree char *word = colon ? g_strndup(text, (size_t) (colon - text)) : g_strdup(text);
        _cleanup_check_ Check check = {.kind = check_kind_from_string(word)};
        int r = 0;

        if ((int) check.kind < 0)
                return check_refuse(ret_error, known);
        if (check.kind == CHECK_STARTED && colon)
                return check_refuse(ret_error, "started takes no more: write started alone");
        if (check.kind != CHECK_STARTED && !colon)
                return error_set(ret_error, ERROR_INVALID_DEFINITION, "nothing follows '%s': %s", word,
                                known);

        if (check.kind == CHECK_CONSOLE)
                r = check_parse_console(&check, colon + 1, ret_error);
        else if (check_kind_is_of_network(check.kind))
                r = check_parse_target(&check, colon + 1, ret_error);
        if (r < 0)
                return r;

        *ret_check = check;
        check = (Check){};
        return 0;
}

GRegex *check_pattern_compile(const char *pattern)
{
        g_autofree char *limited = g_strconcat(PATTERN_LIMITS, pattern, NULL);

        return g_regex_new(limited, PATTERN_FLAGS, 0, NULL);
}

bool check_pattern_matches(const GRegex *regex, const char *line, size_t size)
{
        return g_regex_match_full(
                        regex, line, (gssize) MIN(size, (size_t) CHECK_LINE_MAX), 0, 0, NULL, NULL);
}

char **checks_split(const char *list)
{
        g_auto(GStrv) lines = g_strsplit(list ?: "", "\n", -1);
        g_autoptr(GPtrArray) checks = g_ptr_array_new();

        for (char **line = lines; *line; line++)
                if (**line && !g_str_equal(*line, check_kind_to_string(CHECK_STARTED)))
                        g_ptr_array_add(checks, g_strdup(*line));

        g_ptr_array_add(checks, NULL);
        return (char **) g_ptr_array_free(g_steal_pointer(&checks), FALSE);
}

bool checks_have_device(char *const *checks, const char *device)
{
        for (char *const *text = checks; *text; text++) {
                _cleanup_check_ Check check = {};

                if (check_parse(*text, &check, NULL) >= 0 && g_strcmp0(check.device, device) == 0)
                        return true;
        }

        return false;
}
