/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Updates in progress, as small files of KEY=VALUE lines. */

#include "unikernel/update-record.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define UPDATE_RECORD_SIZE_MAX (16 * 1024)
#define REASON_LENGTH_MAX      2048 /* characters */

static const char *const update_phase_table[_UPDATE_PHASE_MAX] = {
                [UPDATE_PHASE_PROVING] = "proving",
                [UPDATE_PHASE_RETURNING] = "returning",
                [UPDATE_PHASE_TRYING] = "trying",
};

DEFINE_STRING_TABLE(update_phase, UpdatePhase, update_phase_table, _UPDATE_PHASE_MAX)

void update_record_clear(UpdateRecord *record)
{
        g_free(record->boot_id);
        g_free(record->reason);
        *record = (UpdateRecord){};
}

char *update_record_format(const UpdateRecord *record)
{
        g_autofree char *reason = text_for_display(record->reason ?: "", REASON_LENGTH_MAX);
        g_autofree char *drain = record->rolling ? g_strdup_printf("DRAIN=%" G_GUINT64_FORMAT "\n",
                                                                   record->drain_usec)
                                                 : g_strdup("");

        return g_strdup_printf("PHASE=%s\nOLD=%" G_GUINT64_FORMAT "\nNEW=%" G_GUINT64_FORMAT
                               "\nPROBATION=%" G_GUINT64_FORMAT "\nOLD_STARTED=%" G_GUINT64_FORMAT
                               "\nUSER=%u\nBOOT=%s\n%sREASON=%s\n",
                        update_phase_to_string(record->phase), record->old_number, record->new_number,
                        record->probation_usec, record->old_started, (unsigned) record->user,
                        record->boot_id ?: "", drain, reason);
}

static int update_record_parse_line(UpdateRecord *record, const char *line)
{
        const char *value = strchr(line, '=');
        g_autofree char *key = NULL;
        uint64_t user;
        int r;

        if (!value)
                return -EBADMSG;
        key = g_strndup(line, (size_t) (value - line));
        value++;

        if (g_str_equal(key, "PHASE")) {
                record->phase = update_phase_from_string(value);
                return (int) record->phase < 0 ? -EBADMSG : 0;
        }
        if (g_str_equal(key, "OLD"))
                return number_parse(value, 0, UINT32_MAX, &record->old_number);
        if (g_str_equal(key, "NEW"))
                return number_parse(value, 0, UINT32_MAX, &record->new_number);
        if (g_str_equal(key, "PROBATION"))
                return number_parse(value, 0, INT64_MAX, &record->probation_usec);
        if (g_str_equal(key, "DRAIN")) {
                record->rolling = true;
                return number_parse(value, 0, INT64_MAX, &record->drain_usec);
        }
        if (g_str_equal(key, "OLD_STARTED"))
                return number_parse(value, 0, INT64_MAX, &record->old_started);
        if (g_str_equal(key, "USER")) {
                r = number_parse(value, 0, UINT32_MAX - 1, &user);
                record->user = r < 0 ? 0 : (uid_t) user;
                return r;
        }
        if (g_str_equal(key, "BOOT")) {
                g_free(record->boot_id);
                record->boot_id = g_strdup(value);
        } else if (g_str_equal(key, "REASON")) {
                g_free(record->reason);
                record->reason = *value ? g_strdup(value) : NULL;
        }
        return 0;
}

int update_record_parse(const char *text, UpdateRecord *ret_record)
{
        _cleanup_update_record_ UpdateRecord record = {};
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                int r = **line ? update_record_parse_line(&record, *line) : 0;

                if (r < 0)
                        return r;
        }
        if (record.old_number == 0 || record.new_number == 0)
                return -EBADMSG;

        *ret_record = record;
        record = (UpdateRecord){};
        return 0;
}

int update_record_write(const char *name, const UpdateRecord *record)
{
        g_autofree char *text = update_record_format(record);
        int r;

        if (!name_is_valid(name))
                return -EINVAL;

        r = directory_make(paths_updates(), 0700);
        return r < 0 ? r : file_replace(paths_updates(), name, text, strlen(text), 0640);
}

int update_record_read(const char *name, UpdateRecord *ret_record)
{
        g_autofree char *path = NULL, *text = NULL;
        int r;

        if (!name_is_valid(name))
                return -EINVAL;

        path = g_build_filename(paths_updates(), name, NULL);
        r = file_read_at(AT_FDCWD, path, UPDATE_RECORD_SIZE_MAX, &text, NULL);
        return r < 0 ? r : update_record_parse(text, ret_record);
}

int update_record_remove(const char *name)
{
        return name_is_valid(name) ? file_remove(paths_updates(), name) : -EINVAL;
}

char **update_records_list(void)
{
        return names_list(paths_updates(), NULL);
}
