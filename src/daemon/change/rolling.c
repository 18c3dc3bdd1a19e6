/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes a twin through the states of rolling-state.h. Called by update.c. */

#include "daemon/change/rolling-private.h"

#include <string.h>

#include "common/log.h"
#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "daemon/change/change-work.h"
#include "daemon/core/libvirt-helper.h"
#include "daemon/state/job-run.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"
#include "unikernel/exit-record.h"
#include "unikernel/snapshot.h"
#include "unikernel/twin.h"

static void rolling_enter(Rolling *rolling);

Rolling *rolling_new(
                Manager *manager, const char *name, uid_t user, uint64_t probation_usec, uint64_t drain_usec)
{
        Rolling *rolling = g_new(Rolling, 1);

        *rolling = (Rolling){.manager = manager,
                        .name = g_strdup(name),
                        .twin = name_of_twin(name),
                        .user = user,
                        .probation_usec = probation_usec,
                        .drain_usec = drain_usec,
                        .state = ROLLING_ENDED};
        return rolling;
}

static void rolling_stop_waiting(Rolling *rolling)
{
        rolling->timer = sd_event_source_disable_unref(rolling->timer);
        rolling->look_source = sd_event_source_disable_unref(rolling->look_source);
}

Rolling *rolling_free(Rolling *rolling)
{
        if (!rolling)
                return NULL;

        rolling_stop_waiting(rolling);
        g_free(rolling->failure);
        g_free(rolling->invocation);
        g_free(rolling->name);
        g_free(rolling->twin);
        g_free(rolling);
        return NULL;
}

bool rolling_one_serves(Manager *manager, const char *name)
{
        const Unikernel *unikernel = unikernel_get(manager, name);

        return unikernel && unikernel_state_is_up(unikernel->properties.state);
}

static bool unikernel_was_stopped(const Unikernel *unikernel)
{
        const char *result = unikernel->properties.result;

        return g_strcmp0(result, result_to_string(RESULT_STOPPED)) == 0 ||
               g_strcmp0(result, result_to_string(RESULT_SAVED)) == 0;
}

/* Nobody has stopped the unikernel itself. If its guest has ended otherwise, the new generation is wanted
 * all the more. */
static bool rolling_is_wanted(const Rolling *rolling)
{
        const Unikernel *unikernel = unikernel_get(rolling->manager, rolling->name);

        if (!unikernel)
                return false;
        /* A unit that stops by itself is not a success while it does. */
        if (unikernel->properties.state == UNIKERNEL_STOPPING)
                return !jobs_are_stopping(rolling->manager, rolling->name) &&
                       g_strcmp0(unikernel->status.result ?: "success", "success") != 0;
        return unikernel_is_active(unikernel) || !unikernel_was_stopped(unikernel);
}

bool rolling_is_undecided(const Rolling *rolling)
{
        const Unikernel *unikernel = unikernel_get(rolling->manager, rolling->name);

        return unikernel && unikernel->properties.state == UNIKERNEL_STOPPING &&
               !jobs_are_stopping(rolling->manager, rolling->name);
}

void rolling_set_failure(Rolling *rolling, const char *failure)
{
        g_free(rolling->failure);
        rolling->failure = g_strdup(failure);
}

/* May free rolling, as done may. */
static void rolling_end(Rolling *rolling, UpdateEvent event)
{
        rolling->trying = false;
        rolling_stop_waiting(rolling);
        rolling->done(event, rolling->userdata);
}

void rolling_advance(Rolling *rolling, RollingEvent event)
{
        RollingState next = rolling_state_next(rolling->state, event);

        g_assert(next >= 0);
        rolling_stop_waiting(rolling);
        rolling->state = next;
        rolling_enter(rolling);
}

void rolling_advance_by(Rolling *rolling, int r)
{
        rolling_advance(rolling, r < 0 ? ROLLING_EVENT_FAILED : ROLLING_EVENT_DONE);
}

/* --- SERVING, FAILED --- */

/* Notes the reason in words, and the run. otherwise is the reason if none is known. */
static void rolling_note_failure(Rolling *rolling, const char *otherwise)
{
        const Unikernel *twin = unikernel_get(rolling->manager, rolling->twin);
        _cleanup_exit_record_ ExitRecord end = EXIT_RECORD_INIT;
        bool ended = exit_record_read(rolling->twin, &end) >= 0;

        rolling_set_failure(rolling, ended && end.reason[0] ? end.reason
                                     : twin && twin->reason ? twin->reason
                                                            : otherwise);
        g_free(rolling->invocation);
        rolling->invocation = g_strdup(ended ? end.invocation_id : twin ? twin->status.invocation_id : NULL);
}

/* A twin that has ended while its ports were moved serves nobody. */
static void rolling_end_trial(Rolling *rolling)
{
        if (!rolling_is_wanted(rolling)) {
                rolling_end(rolling, UPDATE_EVENT_STOPPED);
                return;
        }
        if (rolling->state == ROLLING_SERVING && !rolling_one_serves(rolling->manager, rolling->twin)) {
                rolling_note_failure(rolling, "it ended");
                rolling->state = ROLLING_FAILED;
        }
        rolling_end(rolling, rolling->state == ROLLING_FAILED ? UPDATE_EVENT_FAILED : UPDATE_EVENT_DONE);
}

/* --- WRITING, READING, RELOADING --- */

/* The drop-ins of the unikernel are in force for its twin too, so they are part of its text. */
static void rolling_write(void *userdata)
{
        Rolling *rolling = userdata;
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL;
        int r;

        (void) exit_record_remove(rolling->twin);
        r = definition_load(rolling->name, &definition, &error);
        if (r >= 0)
                r = twin_check(definition, &error);
        if (r >= 0) {
                text = twin_format(definition);
                r = definition_write(rolling->twin, text, false, &error);
        }
        if (r < 0)
                rolling_set_failure(rolling, error_message(&error, r));
        else
                rolling->reload = change_unit_files_differ(rolling->twin);
}

static void on_rolling_written(void *userdata)
{
        Rolling *rolling = userdata;

        rolling_advance(rolling, rolling->failure ? ROLLING_EVENT_FAILED : ROLLING_EVENT_DONE);
}

static void on_rolling_read(void *userdata)
{
        rolling_advance(userdata, ROLLING_EVENT_DONE);
}

static void on_rolling_reloaded(int r, Error *error, void *userdata)
{
        Rolling *rolling = userdata;

        if (r < 0 && rolling->trying)
                rolling_set_failure(rolling, error_message(error, r));
        rolling_advance_by(rolling, r);
}

static void rolling_reload(Rolling *rolling)
{
        if (rolling->reload)
                systemd_reload(rolling->manager->systemd, on_rolling_reloaded, rolling);
        else
                rolling_advance(rolling, ROLLING_EVENT_DONE);
}

/* --- STARTING, PROVING --- */

static void on_rolling_started(int r, Error *error, void *userdata)
{
        Rolling *rolling = userdata;

        if (r < 0)
                rolling_note_failure(rolling, error_message(error, r));
        rolling_advance_by(rolling, r);
}

static void rolling_start(Rolling *rolling)
{
        rolling->given_up = false;
        if (rolling_is_wanted(rolling) || rolling_is_undecided(rolling))
                job_run_for(rolling->manager, rolling->twin, rolling->user, JOB_START, on_rolling_started,
                                rolling);
        else
                rolling_advance(rolling, ROLLING_EVENT_FAILED);
}

/* Ends the start of a twin that is not wanted any more: on_rolling_started() follows. */
static void rolling_give_up(Rolling *rolling)
{
        if (rolling->given_up)
                return;
        rolling->given_up = true;
        job_run_for(rolling->manager, rolling->twin, rolling->user, JOB_STOP, NULL, NULL);
}

static UpdateVerdict rolling_judge(Rolling *rolling)
{
        const Unikernel *twin = unikernel_get(rolling->manager, rolling->twin);
        _cleanup_exit_record_ ExitRecord end = EXIT_RECORD_INIT;
        _cleanup_guest_ Guest guest = {};
        UpdateFacts facts = {.state = UNIKERNEL_BROKEN};

        if (twin) {
                guest_read(rolling->twin, &guest);
                facts = (UpdateFacts){.state = twin->properties.state,
                                .started = guest.started_at,
                                .failing = g_strcmp0(twin->properties.health, "failing") == 0,
                                .due = (uint64_t) g_get_monotonic_time() >= rolling->due,
                                .have_end = exit_record_read(rolling->twin, &end) >= 0};
                if (rolling->new_started == 0 && unikernel_state_is_up(facts.state))
                        rolling->new_started = guest.started_at;
                facts.new_started = rolling->new_started;
        }
        return update_judge(&facts);
}

static void rolling_look_at_twin(Rolling *rolling)
{
        switch (rolling_judge(rolling)) {
        case UPDATE_WAIT:
                break;
        case UPDATE_HELD:
                rolling_advance(rolling, ROLLING_EVENT_DONE);
                break;
        default:
                rolling_note_failure(rolling, "it ended");
                rolling_advance(rolling, ROLLING_EVENT_FAILED);
        }
}

/* If it does not serve any more, nothing is gained by waiting for connections of the other. */
static void rolling_look_while_draining(Rolling *rolling)
{
        if (rolling_one_serves(rolling->manager, rolling->twin))
                return;
        rolling_note_failure(rolling, "it ended");
        rolling_advance(rolling, ROLLING_EVENT_FAILED);
}

static int on_rolling_look(sd_event_source *source, void *userdata)
{
        Rolling *rolling = userdata;

        rolling->look_source = sd_event_source_disable_unref(rolling->look_source);
        if (rolling->counting || rolling_is_undecided(rolling))
                return 0;
        if (!rolling_is_wanted(rolling) && rolling->state == ROLLING_STARTING)
                rolling_give_up(rolling);
        else if (!rolling_is_wanted(rolling))
                rolling_end(rolling, UPDATE_EVENT_STOPPED);
        else if (rolling->state == ROLLING_PROVING)
                rolling_look_at_twin(rolling);
        else if (rolling->state == ROLLING_DRAINING)
                rolling_look_while_draining(rolling);
        return 0;
}

/* Deferred, because the code that changed it is still running. */
void rolling_look(Rolling *rolling)
{
        bool looks = rolling->state == ROLLING_STARTING || rolling->state == ROLLING_PROVING ||
                     rolling->state == ROLLING_DRAINING;

        if (looks && rolling->trying && !rolling->look_source)
                (void) sd_event_add_defer(
                                rolling->manager->event, &rolling->look_source, on_rolling_look, rolling);
}

static int on_rolling_due(sd_event_source *source, uint64_t usec, void *userdata)
{
        rolling_look(userdata);
        return 0;
}

/* It may have become ready under a former shruthid. */
static void rolling_prove(Rolling *rolling)
{
        const Unikernel *twin = unikernel_get(rolling->manager, rolling->twin);
        uint64_t now = (uint64_t) g_get_monotonic_time();
        uint64_t active = twin ? twin->status.timestamps.at[TIMESTAMP_UNIT_ACTIVE] : 0;

        rolling->new_started = 0;
        rolling->due = (active > 0 && active < now ? active : now) + rolling->probation_usec;
        if (sd_event_add_time(rolling->manager->event, &rolling->timer, CLOCK_MONOTONIC, rolling->due, 1,
                            on_rolling_due, rolling) < 0)
                rolling->due = 1; /* Without a timer, what is known now decides. */
        rolling_look(rolling);
}

/* --- STOPPING, REMOVING, FORGETTING, RELEASING --- */

static void on_rolling_stopped(int r, Error *error, void *userdata)
{
        Rolling *rolling = userdata;

        if (r < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = rolling->name}, NULL, NULL,
                                "Cannot stop '%s': %s", rolling->twin, error_message(error, r));
        rolling_advance_by(rolling, r);
}

static void rolling_stop(Rolling *rolling)
{
        const Unikernel *twin = unikernel_get(rolling->manager, rolling->twin);

        if (twin && unikernel_is_active(twin))
                job_run_for(rolling->manager, rolling->twin, rolling->user, JOB_STOP, on_rolling_stopped,
                                rolling);
        else
                rolling_advance(rolling, ROLLING_EVENT_DONE);
}

static void rolling_remove(void *userdata)
{
        Rolling *rolling = userdata;
        _cleanup_error_ Error error = ERROR_INIT;
        int r = definition_remove(rolling->twin, &error);

        if (r < 0 && error.code != ERROR_NO_SUCH_UNIKERNEL)
                log_object(LOG_WARNING, &(LogObject){.unikernel = rolling->name}, NULL, NULL,
                                "Cannot remove '%s': %s", rolling->twin, error_message(&error, r));
        (void) exit_record_remove(rolling->twin);
        (void) snapshot_remove(rolling->twin, NULL);
        rolling->reload = change_unit_files_differ(rolling->twin);
}

static void on_rolling_removed(void *userdata)
{
        rolling_advance(userdata, ROLLING_EVENT_DONE);
}

/* systemd keeps a failed unit until it is told to forget it. */
static void rolling_forget(Rolling *rolling)
{
        g_autofree char *unit = unit_name_for(rolling->twin);

        if (rolling->manager->bus)
                (void) sd_bus_call_method_async(rolling->manager->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                                SYSTEMD_MANAGER, "ResetFailedUnit", NULL, NULL, "s", unit);
        registry_refresh(rolling->manager->registry, rolling->twin, on_rolling_read, rolling);
}

/* What is not released now is released when shruthid starts. */
static void on_rolling_released(int r, Error *error, const char *output, void *userdata)
{
        Rolling *rolling = userdata;

        if (r < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = rolling->name}, NULL, NULL,
                                "Cannot release the addresses of '%s' yet: %s", rolling->twin,
                                error_message(error, r));
        rolling_advance_by(rolling, r);
}

static void rolling_enter_end(Rolling *rolling)
{
        Manager *manager = rolling->manager;

        switch (rolling->state) {
        case ROLLING_LEAVING:
                rolling_leave(rolling);
                break;
        case ROLLING_EMPTYING:
                rolling_drain(rolling);
                break;
        case ROLLING_STOPPING:
                rolling_stop(rolling);
                break;
        case ROLLING_REMOVING:
                worker_run(manager->loader, 0, NULL, rolling_remove, on_rolling_removed, rolling);
                break;
        case ROLLING_FORGETTING:
                rolling_forget(rolling);
                break;
        case ROLLING_UNLOADING:
                rolling_reload(rolling);
                break;
        case ROLLING_RELEASING:
                libvirt_helper_run(manager->helper, rolling->user, "release", rolling->twin,
                                on_rolling_released, rolling);
                break;
        default:
                rolling_end(rolling, UPDATE_EVENT_DONE);
        }
}

static void rolling_enter(Rolling *rolling)
{
        Manager *manager = rolling->manager;

        switch (rolling->state) {
        case ROLLING_WRITING:
                worker_run(manager->loader, 0, NULL, rolling_write, on_rolling_written, rolling);
                break;
        case ROLLING_READING:
                registry_refresh(manager->registry, rolling->twin, on_rolling_read, rolling);
                break;
        case ROLLING_RELOADING:
                rolling_reload(rolling);
                break;
        case ROLLING_STARTING:
                rolling_start(rolling);
                break;
        case ROLLING_PROVING:
                rolling_prove(rolling);
                break;
        case ROLLING_MOVING:
                rolling->attempts = 0;
                rolling_move(rolling);
                break;
        case ROLLING_DRAINING:
                rolling_drain(rolling);
                break;
        case ROLLING_SERVING:
        case ROLLING_FAILED:
                rolling_end_trial(rolling);
                break;
        default:
                rolling_enter_end(rolling);
        }
}

void rolling_try(Rolling *rolling, RollingDone done, void *userdata)
{
        rolling->done = done;
        rolling->userdata = userdata;
        rolling->trying = true;
        if (rolling_is_wanted(rolling)) {
                rolling->state = ROLLING_WRITING;
                rolling_enter(rolling);
        } else
                rolling_end(rolling, UPDATE_EVENT_STOPPED);
}

void rolling_retire(Rolling *rolling, RollingDone done, void *userdata)
{
        rolling->done = done;
        rolling->userdata = userdata;
        rolling->trying = false;
        rolling->state = ROLLING_LEAVING;
        rolling_enter(rolling);
}

/* --- Left-over twins --- */

static void on_rolling_swept(UpdateEvent event, void *userdata)
{
        Rolling *rolling = userdata;

        g_hash_table_remove(rolling->manager->sweeping, rolling->name);
        rolling_free(rolling);
}

/* Only what shruthid has written is its own to remove. */
static bool unikernel_is_left_over(const Unikernel *unikernel)
{
        const Definition *definition = unikernel->loaded.definition;
        g_autofree char *own = name_without_twin(unikernel->name);

        return name_is_twin(unikernel->name) &&
               (!definition || definition->origin == DEFINITION_ORIGIN_STATE) &&
               !g_hash_table_contains(unikernel->manager->updates, own);
}

void rolling_sweep(Manager *manager)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        GHashTableIter iter;
        gpointer name, unikernel;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, &name, &unikernel))
                if (unikernel_is_left_over(unikernel))
                        g_ptr_array_add(names, name_without_twin(name));
        for (guint i = 0; i < names->len; i++) {
                Rolling *rolling = rolling_new(manager, names->pdata[i], 0, 0, 0);

                g_hash_table_add(manager->sweeping, g_strdup(rolling->name));
                rolling_retire(rolling, on_rolling_swept, rolling);
        }
}
