/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes an update through the loop, once it has its record (update-start.c): starts the new generation,
 * watches it, and returns to the former one if it fails. */

#include "daemon/change/update.h"

#include "common/log.h"
#include "common/unikernel-name.h"
#include "daemon/state/job-run.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"
#include "unikernel/exit-record.h"

static void update_enter(Update *update);
static void update_resume(Manager *manager, const char *name, bool shutdown_canceled);

Update *update_new(Manager *manager, const char *name)
{
        Update *update = g_new0(Update, 1);

        *update = (Update){.manager = manager,
                        .name = g_strdup(name),
                        .outcome = GENERATION_PROVING,
                        .start = JOB_RESTART,
                        .error = ERROR_INIT};
        g_hash_table_insert(manager->updates, g_strdup(name), update);
        return update;
}

static void update_free(Update *update)
{
        g_hash_table_remove(update->manager->updates, update->name);
        sd_event_source_disable_unref(update->due_source);
        sd_event_source_disable_unref(update->look_source);
        rolling_free(update->rolling);
        update_record_clear(&update->record);
        error_clear(&update->error);
        g_free(update->invocation);
        g_free(update->failure);
        g_free(update->text);
        g_free(update->name);
        g_free(update);
}

void update_add_twin(Update *update)
{
        if (update->record.rolling)
                update->rolling = rolling_new(update->manager, update->name, update->record.user,
                                update->record.probation_usec, update->record.drain_usec);
}

static void update_set_failure(Update *update, const char *failure)
{
        char *copy = g_strdup(failure);

        g_free(update->failure);
        update->failure = copy;
}

/* Records the outcome of the new generation, which is known when one of these states is entered. */
static void update_note_outcome(Update *update, UpdateEvent event)
{
        if (update->state == UPDATE_RETURNING)
                update->outcome = GENERATION_FAILED;
        else if (update->state == UPDATE_KEEPING && event == UPDATE_EVENT_DONE)
                update->outcome = GENERATION_PROVEN;
        else if (update->state == UPDATE_KEEPING) {
                update->outcome = GENERATION_UNPROVEN;
                update_set_failure(update, "stopped or restarted by somebody else before it was proven");
        }
}

void update_advance(Update *update, UpdateEvent event)
{
        UpdateState next = update_state_next(update->state, event);

        g_assert(next >= 0);
        if (next == UPDATE_ASKING)
                update->asked = event;
        update->state = next;
        update_note_outcome(update, event);
        update_enter(update);
}

/* A thread has written what belongs to the state. */
static void on_update_written(void *userdata)
{
        Update *update = userdata;

        update_advance(update, update->error.message ? UPDATE_EVENT_FAILED : UPDATE_EVENT_DONE);
}

/* --- What is known of the unikernel --- */

/* Reads how the run that is being proven has ended, if it has. */
static bool update_read_end(const Update *update, ExitRecord *ret_record)
{
        if (exit_record_read(update->name, ret_record) < 0)
                return false;
        if (update->record.old_started > 0 && ret_record->started_at == update->record.old_started) {
                exit_record_clear(ret_record);
                return false;
        }

        return true;
}

static void update_collect_facts(const Update *update, const Unikernel *unikernel, UpdateFacts *ret_facts)
{
        _cleanup_exit_record_ ExitRecord end = EXIT_RECORD_INIT;
        _cleanup_guest_ Guest guest = {};

        guest_read(update->name, &guest);
        *ret_facts = (UpdateFacts){.state = unikernel->properties.state,
                        .started = guest.started_at,
                        .old_started = update->record.old_started,
                        .new_started = update->new_started,
                        .failing = g_strcmp0(unikernel->properties.health, "failing") == 0,
                        .due = update->due > 0 && (uint64_t) g_get_monotonic_time() >= update->due};
        ret_facts->have_end = update_read_end(update, &end);
        ret_facts->stopped =
                        ret_facts->have_end && (end.result == RESULT_STOPPED || end.result == RESULT_SAVED);
}

/* Records the reason in words, and the run. otherwise is the reason if none is known. */
static void update_note_failure(Update *update, const char *otherwise)
{
        const Unikernel *unikernel = unikernel_get(update->manager, update->name);
        _cleanup_exit_record_ ExitRecord end = EXIT_RECORD_INIT;
        bool ended = update_read_end(update, &end);
        const char *invocation = ended       ? end.invocation_id
                                 : unikernel ? unikernel->status.invocation_id
                                             : NULL;
        const char *reason = ended && end.reason[0]           ? end.reason
                             : unikernel && unikernel->reason ? unikernel->reason
                                                              : otherwise;

        update_set_failure(update, reason);
        g_free(update->invocation);
        update->invocation = g_strdup(invocation);
}

/* --- TRYING, RETIRING --- */

static void on_update_tried(UpdateEvent event, void *userdata)
{
        Update *update = userdata;

        if (event == UPDATE_EVENT_FAILED) {
                update->untouched = true;
                update_set_failure(update, update->rolling->failure);
                update->invocation = g_strdup(update->rolling->invocation);
        }
        update_advance(update, event);
}

static void update_try(Update *update)
{
        if (update->rolling)
                rolling_try(update->rolling, on_update_tried, update);
        else
                update_advance(update, UPDATE_EVENT_DONE);
}

static void on_update_retired(UpdateEvent event, void *userdata)
{
        update_advance(userdata, UPDATE_EVENT_DONE);
}

static void update_retire(Update *update)
{
        if (update->rolling)
                rolling_retire(update->rolling, on_update_retired, update);
        else
                update_advance(update, UPDATE_EVENT_DONE);
}

/* --- LOOKING --- */

/* Whatever became of a guest that a canceled shutdown has stopped says nothing. */
static bool update_needs_start(const Update *update, const UpdateFacts *facts)
{
        return facts->state == UNIKERNEL_STOPPING ||
               (update->shutdown_canceled && !unikernel_state_is_up(facts->state) &&
                               facts->state != UNIKERNEL_STARTING);
}

static void update_look_at_start(Update *update)
{
        const Unikernel *unikernel = unikernel_get(update->manager, update->name);
        UpdateFacts facts;

        update_collect_facts(update, unikernel, &facts);
        if (update_was_left_behind(update, unikernel)) {
                update->was_active = false;
                update_set_failure(update, "the host was restarted before it was proven");
                update_advance(update, UPDATE_EVENT_FAILED);
                return;
        }

        switch (update_needs_start(update, &facts) ? UPDATE_START : update_judge(&facts)) {
        case UPDATE_START:
                update->start = unikernel_state_is_up(facts.state) ? JOB_RESTART : JOB_START;
                update_advance(update, UPDATE_EVENT_DONE);
                break;
        case UPDATE_WAS_STOPPED:
                update_advance(update, UPDATE_EVENT_STOPPED);
                break;
        case UPDATE_FAILED:
                update_note_failure(update, "it ended");
                update_advance(update, UPDATE_EVENT_FAILED);
                break;
        default:
                update_advance(update, UPDATE_EVENT_READY);
        }
}

/* --- STARTING --- */

static void on_update_started(int r, Error *error, void *userdata)
{
        Update *update = userdata;

        if (r >= 0)
                update_advance(update, UPDATE_EVENT_DONE);
        else if (error->code == ERROR_CANCELED)
                update_advance(update, UPDATE_EVENT_STOPPED);
        else {
                update_note_failure(update, error_message(error, r));
                update_advance(update, UPDATE_EVENT_FAILED);
        }
}

/* --- PROVING --- */

static void update_stop_watching(Update *update)
{
        update->due_source = sd_event_source_disable_unref(update->due_source);
        update->look_source = sd_event_source_disable_unref(update->look_source);
}

static int on_update_look(sd_event_source *source, void *userdata)
{
        Update *update = userdata;
        const Unikernel *unikernel = unikernel_get(update->manager, update->name);
        UpdateFacts facts = {.state = UNIKERNEL_BROKEN};

        update->look_source = sd_event_source_disable_unref(update->look_source);
        if (unikernel)
                update_collect_facts(update, unikernel, &facts);
        if (update->new_started == 0 && unikernel_state_is_up(facts.state))
                update->new_started = facts.new_started = facts.started;

        switch (update_judge(&facts)) {
        case UPDATE_WAIT:
                break;
        case UPDATE_HELD:
                update_advance(update, UPDATE_EVENT_DONE);
                break;
        case UPDATE_WAS_STOPPED:
                update_advance(update, UPDATE_EVENT_STOPPED);
                break;
        default:
                update_note_failure(update, "it ended");
                update_advance(update, UPDATE_EVENT_FAILED);
        }
        return 0;
}

/* Deferred, because the code that changed it is still running. */
void updates_look(Manager *manager, const char *name)
{
        g_autofree char *own = name_without_twin(name);
        Update *update = g_hash_table_lookup(manager->updates, own);

        if (update && update->rolling)
                rolling_look(update->rolling);
        if (name_is_twin(name))
                return;
        if (update && update->state == UPDATE_PROVING && !update->look_source)
                (void) sd_event_add_defer(manager->event, &update->look_source, on_update_look, update);
}

static int on_update_due(sd_event_source *source, uint64_t usec, void *userdata)
{
        Update *update = userdata;

        updates_look(update->manager, update->name);
        return 0;
}

/* When it became ready: a former shruthid may have watched it for a while. */
static uint64_t update_ready_at(const Update *update, bool resumed)
{
        const Unikernel *unikernel = unikernel_get(update->manager, update->name);
        uint64_t now = (uint64_t) g_get_monotonic_time();
        uint64_t active = resumed && unikernel ? unikernel->status.timestamps.at[TIMESTAMP_UNIT_ACTIVE] : 0;

        return active > 0 && active < now ? active : now;
}

static void update_watch(Update *update)
{
        bool resumed = !update->call;

        update->due = update_ready_at(update, resumed) + update->record.probation_usec;
        if (sd_event_add_time(update->manager->event, &update->due_source, CLOCK_MONOTONIC, update->due, 1,
                            on_update_due, update) < 0)
                update->due = 1; /* Without a timer, what is known now decides. */
        updates_look(update->manager, update->name);
}

/* --- ASKING, SUSPENDING --- */

/* If the host goes down, systemd knew it before it stopped the first guest. */
static void on_update_asked(bool shutting_down, void *userdata)
{
        Update *update = userdata;

        shutting_down = shutting_down || update->shutdown_over;
        update_advance(update, shutting_down ? UPDATE_EVENT_SHUTDOWN : update->asked);
}

/* The run that the shutdown ends is forgotten as that of the former generation is: where /run stays, as in a
 * soft reboot, its end is still there when the update goes on. */
static void update_suspend(Update *update)
{
        _cleanup_exit_record_ ExitRecord end = EXIT_RECORD_INIT;
        _cleanup_guest_ Guest guest = {};

        guest_read(update->name, &guest);
        if (guest.started_at > 0)
                update->record.old_started = guest.started_at;
        else if (exit_record_read(update->name, &end) >= 0 && end.started_at > 0)
                update->record.old_started = end.started_at;

        worker_run(update->manager->loader, 0, NULL, update_work_interrupt, on_update_written, update);
}

/* --- READING, RELOADING, RESTARTING --- */

static void on_update_read(void *userdata)
{
        update_advance(userdata, UPDATE_EVENT_DONE);
}

static void on_update_reloaded(int r, Error *error, void *userdata)
{
        Update *update = userdata;

        if (r < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = update->name}, NULL, NULL,
                                "The former definition of '%s' is back, but %s", update->name,
                                error_message(error, r));
        update_advance(update, UPDATE_EVENT_DONE);
}

static void on_update_restarted(int r, Error *error, void *userdata)
{
        Update *update = userdata;

        /* If somebody has replaced the job, they decide what runs. */
        if (r < 0 && error->code != ERROR_CANCELED)
                error_move(&update->error, error);
        update_advance(update, UPDATE_EVENT_DONE);
}

/* If the new definition was not in force, all that runs since a boot is the former one. */
static void update_restart_former(Update *update)
{
        bool started_by_boot = update->former_in_force && !update_is_of_this_boot(update);
        _cleanup_guest_ Guest guest = {};
        bool runs_on;

        guest_read(update->name, &guest);
        runs_on = guest.lives && guest.started_at == update->record.old_started;
        update->untouched = update->untouched && runs_on;
        if (!update->was_active || started_by_boot || runs_on)
                update_advance(update, UPDATE_EVENT_DONE);
        else
                job_run_for(update->manager, update->name, update->record.user, JOB_RESTART,
                                on_update_restarted, update);
}

/* --- INTERRUPTED, ENDED --- */

/* Frees update. */
static void update_go_on(Update *update)
{
        Manager *manager = update->manager;
        g_autofree char *name = g_strdup(update->name);

        update_free(update);
        update_resume(manager, name, true);
}

/* It is not freed, so that nothing else changes the unikernel while this shruthid lives. */
static void update_wait_for_boot(Update *update)
{
        update_answer(update);
        if (update->shutdown_over)
                update_go_on(update);
}

static void update_end(Update *update)
{
        update_answer(update);
        update_free(update);
}

static void update_enter(Update *update)
{
        Manager *manager = update->manager;
        uid_t user = update->record.user;

        switch (update->state) {
        case UPDATE_TRYING:
                update_try(update);
                break;
        case UPDATE_NOTING:
                if (update->rolling)
                        worker_run(manager->loader, 0, NULL, update_work_note, on_update_written, update);
                else
                        update_advance(update, UPDATE_EVENT_DONE);
                break;
        case UPDATE_LOOKING:
                update_look_at_start(update);
                break;
        case UPDATE_STARTING:
                job_run_for(manager, update->name, user, update->start, on_update_started, update);
                break;
        case UPDATE_PROVING:
                update_watch(update);
                break;
        case UPDATE_ASKING:
                update_stop_watching(update);
                systemd_ask_shutdown(manager->systemd, on_update_asked, update);
                break;
        case UPDATE_SUSPENDING:
                update_suspend(update);
                break;
        case UPDATE_INTERRUPTED:
                update_wait_for_boot(update);
                break;
        case UPDATE_KEEPING:
                update_stop_watching(update);
                worker_run(manager->loader, 0, NULL, update_work_keep, on_update_written, update);
                break;
        case UPDATE_RETURNING:
                worker_run(manager->loader, 0, NULL, update_work_return, on_update_written, update);
                break;
        case UPDATE_READING:
                registry_refresh(manager->registry, update->name, on_update_read, update);
                break;
        case UPDATE_RELOADING:
                if (update->reload)
                        systemd_reload(manager->systemd, on_update_reloaded, update);
                else
                        update_advance(update, UPDATE_EVENT_DONE);
                break;
        case UPDATE_RESTARTING:
                update_restart_former(update);
                break;
        case UPDATE_RETIRING:
                update_retire(update);
                break;
        case UPDATE_CLEARING:
                worker_run(manager->loader, 0, NULL, update_work_clear, on_update_written, update);
                break;
        default:
                update_end(update);
        }
}

static void update_resume(Manager *manager, const char *name, bool shutdown_canceled)
{
        const Unikernel *unikernel = unikernel_get(manager, name);
        _cleanup_update_record_ UpdateRecord record = {};
        Update *update;
        int r;

        r = update_record_read(name, &record);
        if (r < 0 || !unikernel) {
                log_object(LOG_WARNING, &(LogObject){.unikernel = name}, NULL, NULL,
                                "The update of '%s' that was interrupted cannot go on: %s", name,
                                r < 0 ? g_strerror(-r) : "the unikernel is gone");
                (void) update_record_remove(name);
                return;
        }

        log_object(LOG_INFO, &(LogObject){.unikernel = name}, NULL, NULL,
                        "The update of '%s' that was interrupted goes on", name);
        update = update_new(manager, name);
        update->record = record;
        record = (UpdateRecord){};
        update->shutdown_canceled = shutdown_canceled;
        update_add_twin(update);
        update_find_state(update, unikernel);
        update_enter(update);
}

void updates_resume(Manager *manager)
{
        g_auto(GStrv) names = update_records_list();

        for (char **name = names; *name; name++)
                update_resume(manager, *name, false);
        rolling_sweep(manager);
}

/* Of the guest that is being proven, or of its twin. */
static bool update_is_being_stopped(const Update *update)
{
        g_autofree char *twin = name_of_twin(update->name);
        const char *const names[] = {update->name, update->rolling ? twin : NULL, NULL};

        for (const char *const *name = names; *name; name++) {
                const Unikernel *unikernel = unikernel_get(update->manager, *name);

                if (unikernel && unikernel->properties.state == UNIKERNEL_STOPPING)
                        return true;
        }

        return false;
}

/* Stops that the shutdown has begun go on after it was canceled. */
static void on_updates_shutdown(bool shutting_down, void *userdata)
{
        Manager *manager = userdata;
        g_autoptr(GList) updates = g_hash_table_get_values(manager->updates);

        for (GList *l = shutting_down ? NULL : updates; l; l = l->next) {
                Update *update = l->data;

                if (update->state == UPDATE_INTERRUPTED)
                        update_go_on(update);
                else if (update->state == UPDATE_ASKING || update->state == UPDATE_SUSPENDING ||
                                update_is_being_stopped(update))
                        update->shutdown_over = true;
        }
}

void updates_check_shutdown(Manager *manager)
{
        if (g_hash_table_size(manager->updates) > 0)
                systemd_ask_shutdown(manager->systemd, on_updates_shutdown, manager);
}
