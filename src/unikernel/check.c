/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks: how they are written, and the patterns of console lines. Called for definitions, by shruthi-domain
 * and by the runner. */

#include "unikernel/check.h"

#include <string.h>

#include "common/string-util.h"

/* pcre2api(3): what a pattern itself says of these only lowers them. Enough for any line of CHECK_LINE_MAX
 * that is not searched by nested repetitions. A step may go through a line, so the worst takes some
 * milliseconds; the runner adds up what its patterns have taken. */
#define PATTERN_LIMITS "(*LIMIT_MATCH=5000)(*LIMIT_DEPTH=2000)(*LIMIT_HEAP=512)"

/* The bytes of a console are in no encoding that could be relied upon. */
#define PATTERN_FLAGS (G_REGEX_RAW | G_REGEX_NO_AUTO_CAPTURE)

static const char *const check_kind_table[_CHECK_KIND_MAX] = {
                [CHECK_STARTED] = "started",
                [CHECK_CONSOLE] = "console",
};
DEFINE_STRING_TABLE(check_kind, CheckKind, check_kind_table, _CHECK_KIND_MAX)

void check_clear(Check *check)
{
        g_clear_pointer(&check->pattern, g_free);
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

        /* Without the limits before it, so that the position in the message is right. */
        regex = g_regex_new(rest, PATTERN_FLAGS, 0, &error);
        if (!regex)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "not a regular expression (pcre2pattern(3)): %s", error->message);

        check->pattern = g_strdup(rest);
        return 0;
}

int check_parse(const char *text, Check *ret_check, Error *ret_error)
{
        static const char known[] = "write started or console:REGEX";
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
