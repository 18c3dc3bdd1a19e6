/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a unikernel ended last, kept as a small file of KEY=VALUE lines that one program writes and another
 * reads. */

#include "unikernel/outcome.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"

#define OUTCOME_SIZE_MAX   (16 * 1024)
#define REASON_LENGTH_MAX  2048 /* characters */
#define INVOCATION_ID_SIZE 32

void outcome_clear(Outcome *outcome)
{
        g_clear_pointer(&outcome->invocation_id, g_free);
        g_clear_pointer(&outcome->reason, g_free);
        *outcome = OUTCOME_INIT;
}

static bool invocation_id_is_valid(const char *text)
{
        return text && strlen(text) == INVOCATION_ID_SIZE &&
               strspn(text, "0123456789abcdef") == INVOCATION_ID_SIZE;
}

int outcome_write(const char *name, const Outcome *outcome)
{
        const char *error = error_code_to_bus_name(outcome->error);
        g_autofree char *text = NULL, *reason = NULL;

        if (!name_is_valid(name) || !invocation_id_is_valid(outcome->invocation_id) ||
                        !result_to_string(outcome->result))
                return -EINVAL;

        reason = text_for_display(outcome->reason ?: "", REASON_LENGTH_MAX);
        text = g_strdup_printf("INVOCATION_ID=%s\nRESULT=%s\nEXIT_STATUS=%" G_GINT64_FORMAT
                               "\nSTARTED_AT=%" G_GUINT64_FORMAT "\nREASON=%s\nERROR=%s\n",
                        outcome->invocation_id, result_to_string(outcome->result), outcome->exit_status,
                        outcome->started_at, reason, error ?: "");

        return file_replace(paths_results(), name, text, strlen(text), 0640);
}

static int parse_line(Outcome *outcome, const char *line)
{
        const char *value = strchr(line, '=');
        g_autofree char *key = NULL;
        char *end = NULL;

        if (!value)
                return -EBADMSG;
        key = g_strndup(line, (size_t)(value - line));
        value++;

        if (g_str_equal(key, "INVOCATION_ID") && invocation_id_is_valid(value)) {
                g_free(outcome->invocation_id);
                outcome->invocation_id = g_strdup(value);
        } else if (g_str_equal(key, "RESULT") && (int)result_from_string(value) >= 0)
                outcome->result = result_from_string(value);
        else if (g_str_equal(key, "EXIT_STATUS") && value[0]) {
                outcome->exit_status = g_ascii_strtoll(value, &end, 10);
                if (*end)
                        return -EBADMSG;
        } else if (g_str_equal(key, "STARTED_AT") && value[0]) {
                outcome->started_at = g_ascii_strtoull(value, &end, 10);
                if (*end)
                        return -EBADMSG;
        } else if (g_str_equal(key, "REASON")) {
                g_free(outcome->reason);
                outcome->reason = g_strdup(value);
        } else if (g_str_equal(key, "ERROR"))
                /* Empty, or of a runner that knows more of them than we: none. */
                outcome->error = error_code_from_bus_name(value);
        else
                return -EBADMSG;

        return 0;
}

int outcome_read(const char *name, Outcome *ret_outcome)
{
        _cleanup_outcome_ Outcome outcome = OUTCOME_INIT;
        g_autofree char *path = NULL, *text = NULL;
        g_auto(GStrv) lines = NULL;
        int r;

        if (!name_is_valid(name))
                return -EINVAL;

        path = g_build_filename(paths_results(), name, NULL);
        r = file_read_at(AT_FDCWD, path, OUTCOME_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                r = **line ? parse_line(&outcome, *line) : 0;
                if (r < 0)
                        return r;
        }
        if (!outcome.invocation_id)
                return -EBADMSG;
        if (!outcome.reason)
                outcome.reason = g_strdup("");

        *ret_outcome = outcome;
        outcome = OUTCOME_INIT;
        return 0;
}

int outcome_remove(const char *name)
{
        return name_is_valid(name) ? file_remove(paths_results(), name) : -EINVAL;
}
