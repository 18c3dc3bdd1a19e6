/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said when an update is over: to the journal, and to whoever has asked for it. */

#include "common/log.h"
#include "common/names.h"
#include "common/time-span.h"
#include "daemon/change/update.h"

static char *update_describe_failure(const Update *update)
{
        g_autofree char *failed =
                        g_strdup_printf("Generation %" G_GUINT64_FORMAT " of unikernel '%s' failed: %s",
                                        update->record.new_number, update->name, update->failure);

        if (update->error.message)
                return g_strdup_printf(
                                "%s; generation %" G_GUINT64_FORMAT " could not be restored: %s", failed,
                                update->record.old_number, update->error.message);
        if (update->untouched)
                return g_strdup_printf("%s; it had not taken the place of generation %" G_GUINT64_FORMAT
                                       ", which runs on",
                                failed, update->record.old_number);
        return g_strdup_printf("%s; generation %" G_GUINT64_FORMAT " is back%s", failed,
                        update->record.old_number, update->was_active ? "" : ", and was not started");
}

static void update_tell(Update *update)
{
        const Unikernel *unikernel = unikernel_get(update->manager, update->name);
        g_autofree char *owner = unikernel ? g_strdup_printf("%u", (unsigned) unikernel->properties.owner)
                                           : NULL,
                        *text = NULL, *probation = time_span_format(update->record.probation_usec);
        LogObject object = {.unikernel = update->name, .owner = owner};

        if (update->state == UPDATE_INTERRUPTED) {
                (void) error_set(&update->error, ERROR_CANCELED,
                                "systemd shuts down before generation %" G_GUINT64_FORMAT
                                " of unikernel '%s' was proven; the update goes on at the next boot, or "
                                "if the shutdown is canceled",
                                update->record.new_number, update->name);
                log_object(LOG_NOTICE, &object, NULL, NULL, "%s", update->error.message);
        } else if (update->outcome == GENERATION_FAILED) {
                text = update_describe_failure(update);
                log_object(LOG_WARNING, &object, SHRUTHI_MESSAGE_ROLLED_BACK, NULL, "%s", text);
                (void) error_set(&update->error, ERROR_UPDATE_FAILED, "%s", text);
        } else if (update->outcome == GENERATION_UNPROVEN) {
                (void) error_set(&update->error, ERROR_CANCELED,
                                "Unikernel '%s' was stopped or restarted by somebody else before generation "
                                "%" G_GUINT64_FORMAT " was proven; it stays",
                                update->name, update->record.new_number);
                log_object(LOG_NOTICE, &object, NULL, NULL, "%s", update->error.message);
        } else if (update->outcome == GENERATION_PROVEN)
                log_object(LOG_NOTICE, &object, SHRUTHI_MESSAGE_UPDATED, NULL,
                                "Unikernel '%s' was updated from generation %" G_GUINT64_FORMAT
                                " to generation %" G_GUINT64_FORMAT ", which was ready and held for %s",
                                update->name, update->record.old_number, update->record.new_number,
                                probation);
}

static void update_reply(Update *update)
{
        Call *call = g_steal_pointer(&update->call);
        g_autoptr(sd_bus_message) reply = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = call_new_reply(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "Generation", "t",
                                update->record.new_number, "Former", "t", update->record.old_number,
                                "Outcome", "s", generation_state_to_string(update->outcome));
        if (r >= 0 && update->text)
                r = sd_bus_message_append(reply, "{sv}", "Definition", "s", update->text);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        call_finish(call, reply, r, &error);
}

void update_answer(Update *update)
{
        update_tell(update);
        if (update->call && update->error.message)
                call_fail(g_steal_pointer(&update->call), &update->error,
                                error_code_to_errno(update->error.code));
        else if (update->call)
                update_reply(update);
}
