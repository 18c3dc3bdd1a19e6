/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How an update begins: with the right to restart the unikernel, and a change that writes its record. */

#include "daemon/change/update.h"

#include <systemd/sd-id128.h>

#include "common/log.h"
#include "common/names.h"
#include "common/unikernel-name.h"

static void on_update_changed(Call *call, ChangeResult *result, void *userdata)
{
        Update *update = userdata;

        update->call = call;
        update->record.old_number = result->old_generation;
        update->record.new_number = result->generation;
        update->text = g_steal_pointer(&result->text);
        if (result->unwritten)
                update->outcome = GENERATION_SET;
        if (result->recorded) {
                update_add_twin(update);
                if (result->r < 0)
                        log_object(LOG_WARNING, &(LogObject){.unikernel = update->name}, NULL, NULL, "%s",
                                        result->error.message);
                update_advance(update, UPDATE_EVENT_DONE);
        } else if (result->r < 0) {
                error_move(&update->error, &result->error);
                update_advance(update, UPDATE_EVENT_FAILED);
        } else {
                update->outcome = GENERATION_SET;
                update_advance(update, UPDATE_EVENT_STOPPED);
        }
}

/* A guest that is being stopped need not be proven. */
static bool unikernel_is_to_be_proven(const Unikernel *unikernel)
{
        return unikernel && unikernel_is_active(unikernel) &&
               unikernel->properties.state != UNIKERNEL_STOPPING;
}

/* Takes ownership of settings. */
static void update_change(Update *update, Settings *settings)
{
        const Unikernel *unikernel = unikernel_get(update->manager, update->name);
        _cleanup_guest_ Guest guest = {};
        char boot_id[SD_ID128_STRING_MAX] = "";
        sd_id128_t boot;
        Change *change;

        guest_read(update->name, &guest);
        update->was_active = unikernel_is_to_be_proven(unikernel);
        if (sd_id128_get_boot(&boot) >= 0)
                sd_id128_to_string(boot, boot_id);
        update->record = (UpdateRecord){
                        .phase = update->change.rolling ? UPDATE_PHASE_TRYING : UPDATE_PHASE_PROVING,
                        .probation_usec = update->change.probation_usec,
                        .rolling = update->change.rolling,
                        .drain_usec = update->change.drain_usec,
                        .old_started = guest.started_at,
                        .user = update->call->uid,
                        .boot_id = g_strdup(boot_id)};
        update->change.record = update->was_active && !update->change.dry_run ? &update->record : NULL;

        change = change_new(g_steal_pointer(&update->call),
                        update->change.rollback ? CHANGE_DEFINITION : CHANGE_SETTINGS);
        change->request.update = &update->change;
        change->request.image_digest = g_strdup(settings ? settings->image_digest : NULL);
        change->request.settings = settings;
        change->done = on_update_changed;
        change->userdata = update;
        change_start(change);
}

bool update_restarts(const Call *call, const ChangeUpdate *change)
{
        return !change->dry_run && unikernel_is_to_be_proven(unikernel_get(call->manager, call->unikernel));
}

void update_ask_restart(Call *call, PolkitDone done, void *userdata)
{
        PolkitDetails details = {.verb = "restart",
                        .unikernel = call->unikernel,
                        .owner = call->owner,
                        .group = call->group};

        polkit_ask(call->manager, call->message, SHRUTHI_ACTION_RESTART, &details, done, userdata);
}

int update_refuse_restart(Decision decision, const char *name, Error *ret_error)
{
        return error_set(ret_error,
                        decision == DECISION_CHALLENGE ? ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED
                                                       : ERROR_ACCESS_DENIED,
                        "Not authorized to restart unikernel '%s' (%s), which an update of one that runs "
                        "does",
                        name, SHRUTHI_ACTION_RESTART);
}

typedef struct UpdateQuestion {
        Update *update;
        Settings *settings;
} UpdateQuestion;

/* Called when polkit has decided whether the caller may restart it too; asked before anything is changed. */
static void on_update_restart_decision(Decision decision, void *userdata)
{
        g_autofree UpdateQuestion *question = userdata;
        Update *update = question->update;

        if (decision == DECISION_YES) {
                update_change(update, question->settings);
                return;
        }

        settings_free(question->settings);
        (void) update_refuse_restart(decision, update->name, &update->error);
        update_advance(update, UPDATE_EVENT_FAILED);
}

/* Only beside a guest that serves, and not while the twin of a former update is still there. */
static int update_check_rolling(const Call *call, Error *ret_error)
{
        const Unikernel *unikernel = unikernel_get(call->manager, call->unikernel);
        g_autofree char *name = name_of_twin(call->unikernel);
        const Unikernel *twin = unikernel_get(call->manager, name);

        if (!unikernel_is_to_be_proven(unikernel))
                return error_set(ret_error, ERROR_NOT_RUNNING,
                                "Unikernel '%s' is not running, so there is nothing to keep up: update it "
                                "without --rolling",
                                call->unikernel);
        if (!unikernel_state_is_up(unikernel->properties.state))
                return error_set(ret_error, ERROR_NOT_RUNNING,
                                "Unikernel '%s' is not running yet, so there is nothing to keep up: wait "
                                "until it is ready, or update it without --rolling",
                                call->unikernel);
        if (twin && unikernel_is_active(twin))
                return error_set(ret_error, ERROR_BUSY,
                                "'%s', which a former update could not stop, still runs: try again after "
                                "'shruthictl stop %s'",
                                name, name);
        return 0;
}

void update_start(Call *call, const ChangeUpdate *request, Settings *settings)
{
        bool restart = update_restarts(call, request);
        _cleanup_error_ Error error = ERROR_INIT;
        UpdateQuestion *question;
        Update *update;
        int r;

        r = change_check_free(call->manager, call->unikernel, &error);
        if (r >= 0 && request->rolling)
                r = update_check_rolling(call, &error);
        if (r >= 0 && restart)
                r = call_check_conf(call->manager, SHRUTHI_ACTION_RESTART, &error);
        if (r < 0) {
                settings_free(settings);
                call_fail(call, &error, r);
                return;
        }

        update = update_new(call->manager, call->unikernel);
        update->call = call;
        update->change = *request;
        if (!restart || request->may_restart) {
                update_change(update, settings);
                return;
        }
        question = g_new(UpdateQuestion, 1);
        *question = (UpdateQuestion){.update = update, .settings = settings};
        update_ask_restart(call, on_update_restart_decision, question);
}
