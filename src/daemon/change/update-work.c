/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an update writes in a thread. The record exists until the rest is done, and each step may be
 * repeated. */

#include "common/log.h"
#include "daemon/change/update.h"

/* Nothing more can be done here; the next shruthid tries again. */
static void update_report(const Update *update, const char *what, const Error *error, int r)
{
        log_object(LOG_WARNING, &(LogObject){.unikernel = update->name}, NULL, NULL,
                        "Cannot %s of the update of '%s': %s", what, update->name, error_message(error, r));
}

static void update_mark(Update *update)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = generation_mark(update->name, update->record.new_number, update->outcome,
                        update->outcome == GENERATION_FAILED ? update->invocation : NULL, update->failure,
                        &error);

        if (r < 0 && error.code != ERROR_NO_SUCH_GENERATION)
                update_report(update, "write the outcome", &error, r);
}

void update_work_clear(void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Update *update = userdata;
        int r = update_record_remove(update->name);

        if (r < 0 && r != -ENOENT)
                update_report(update, "remove the record", &error, r);
}

void update_work_keep(void *userdata)
{
        update_mark(userdata);
}

static void update_write_record(const Update *update)
{
        int r = update_record_write(update->name, &update->record);

        if (r < 0)
                update_report(update, "write the record", NULL, r);
}

/* Without it the next shruthid tries the twin once more, which changes nothing. */
void update_work_note(void *userdata)
{
        Update *update = userdata;

        update->record.phase = UPDATE_PHASE_PROVING;
        update_write_record(update);
}

void update_work_interrupt(void *userdata)
{
        Update *update = userdata;

        g_free(update->record.boot_id);
        update->record.boot_id = g_strdup("");
        update_write_record(update);
}

/* A former definition that is in force needs no writing, but systemd may not have read it yet.
 *
 * The restored text may differ from the kept one, if an image path no longer has the same image. */
static int update_put_back(Update *update, Error *ret_error)
{
        g_autoptr(Generation) former = NULL;
        g_autofree char *text = NULL;
        int r = 0;

        if (!update->former_in_force) {
                r = generation_read(update->name, update->record.old_number, &former, ret_error);
                if (r < 0)
                        return r;
                text = change_generation_text(update->name, former);
                r = definition_write(update->name, text, false, ret_error);
        }
        if (r >= 0)
                update->reload = change_unit_files_differ(update->name);
        return r;
}

void update_work_return(void *userdata)
{
        Update *update = userdata;

        update->record.phase = UPDATE_PHASE_RETURNING;
        g_free(update->record.reason);
        update->record.reason = g_strdup(update->failure);
        update_write_record(update);
        (void) update_put_back(update, &update->error);
        update_mark(update);
}
