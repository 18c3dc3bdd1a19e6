/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exit records: how a unikernel last ended, kept as a small file of KEY=VALUE lines that one program writes
 * and another reads. */

#include "unikernel/exit-record.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define EXIT_RECORD_SIZE_MAX (16 * 1024)
#define REASON_LENGTH_MAX  2048 /* characters */
#define INVOCATION_ID_SIZE 32

void exit_record_clear(ExitRecord *exit_record)
{
        g_clear_pointer(&exit_record->invocation_id, g_free);
        g_clear_pointer(&exit_record->reason, g_free);
        *exit_record = EXIT_RECORD_INIT;
}

static bool invocation_id_is_valid(const char *text)
{
        return text && strlen(text) == INVOCATION_ID_SIZE &&
               strspn(text, "0123456789abcdef") == INVOCATION_ID_SIZE;
}

int exit_record_write(const char *name, const ExitRecord *exit_record)
{
        const char *error = error_code_to_bus_name(exit_record->error);
        g_autofree char *text = NULL, *reason = NULL;

        if (!name_is_valid(name) || !invocation_id_is_valid(exit_record->invocation_id) ||
                        !result_to_string(exit_record->result))
                return -EINVAL;

        reason = text_for_display(exit_record->reason ?: "", REASON_LENGTH_MAX);
        text = g_strdup_printf("INVOCATION_ID=%s\nRESULT=%s\nEXIT_STATUS=%" G_GINT64_FORMAT
                               "\nSTARTED_AT=%" G_GUINT64_FORMAT "\nREASON=%s\nERROR=%s\n",
                        exit_record->invocation_id, result_to_string(exit_record->result),
                        exit_record->exit_status, exit_record->started_at, reason, error ?: "");

        return file_replace(paths_results(), name, text, strlen(text), 0640);
}

static int exit_record_parse_line(ExitRecord *exit_record, const char *line)
{
        const char *value = strchr(line, '=');
        g_autofree char *key = NULL;
        char *end = NULL;

        if (!value)
                return -EBADMSG;
        key = g_strndup(line, (size_t) (value - line));
        value++;

        if (g_str_equal(key, "INVOCATION_ID")) {
                if (!invocation_id_is_valid(value))
                        return -EBADMSG;
                g_free(exit_record->invocation_id);
                exit_record->invocation_id = g_strdup(value);
        } else if (g_str_equal(key, "RESULT")) {
                exit_record->result = result_from_string(value);
                if ((int) exit_record->result < 0)
                        return -EBADMSG;
        } else if (g_str_equal(key, "EXIT_STATUS")) {
                exit_record->exit_status = g_ascii_strtoll(value, &end, 10);
                if (end == value || *end)
                        return -EBADMSG;
        } else if (g_str_equal(key, "STARTED_AT")) {
                exit_record->started_at = g_ascii_strtoull(value, &end, 10);
                if (end == value || *end)
                        return -EBADMSG;
        } else if (g_str_equal(key, "REASON")) {
                g_free(exit_record->reason);
                exit_record->reason = g_strdup(value);
        } else if (g_str_equal(key, "ERROR"))
                /* Empty, or an error that only a newer runner knows: none. */
                exit_record->error = error_code_from_bus_name(value);

        /* Other keys are those of a newer runner. */
        return 0;
}

int exit_record_read(const char *name, ExitRecord *ret_exit_record)
{
        _cleanup_exit_record_ ExitRecord exit_record = EXIT_RECORD_INIT;
        g_autofree char *path = NULL, *text = NULL;
        g_auto(GStrv) lines = NULL;
        int r;

        if (!name_is_valid(name))
                return -EINVAL;

        path = g_build_filename(paths_results(), name, NULL);
        r = file_read_at(AT_FDCWD, path, EXIT_RECORD_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                r = **line ? exit_record_parse_line(&exit_record, *line) : 0;
                if (r < 0)
                        return r;
        }
        if (!exit_record.invocation_id)
                return -EBADMSG;
        if (!exit_record.reason)
                exit_record.reason = g_strdup("");

        *ret_exit_record = exit_record;
        exit_record = EXIT_RECORD_INIT;
        return 0;
}

int exit_record_remove(const char *name)
{
        return name_is_valid(name) ? file_remove(paths_results(), name) : -EINVAL;
}
