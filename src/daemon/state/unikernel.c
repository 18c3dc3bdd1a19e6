/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unikernel. Its properties are derived again from its definition, from systemd and from its runner's
 * files each time one of them changes, so none can become stale. */

#include "daemon/state/unikernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "common/users.h"
#include "daemon/state/job.h"
#include "unikernel/cut-off.h"
#include "unikernel/exit-record.h"
#include "unikernel/identity.h"
#include "unikernel/refusal.h"
#include "unikernel/started.h"

#define LOOK_USEC (50 * 1000)

static void properties_clear(UnikernelProperties *properties)
{
        g_free(properties->result);
        g_free(properties->health);
        g_free(properties->invocation_id);
        *properties = (UnikernelProperties){};
}

char *unikernel_path(const char *name)
{
        char *path = NULL;

        if (sd_bus_path_encode(SHRUTHI_UNIKERNEL_PATH, name, &path) < 0)
                return NULL;

        return path;
}

int unikernel_new(Manager *manager, const char *name, Unikernel **ret_unikernel)
{
        Unikernel *unikernel;
        UnikernelId id;
        int r;

        r = identity_uuid(name, &id);
        if (r < 0)
                return r;

        unikernel = g_new0(Unikernel, 1);
        *unikernel = (Unikernel){.manager = manager,
                        .name = g_strdup(name),
                        .unit = unit_name_for(name),
                        .path = unikernel_path(name),
                        .properties.exit_status = -1};
        identity_uuid_format(&id, unikernel->uuid);
        g_hash_table_insert(manager->unikernels, unikernel->name, unikernel);
        g_hash_table_insert(manager->by_uuid, unikernel->uuid, unikernel);

        *ret_unikernel = unikernel;
        return 0;
}

void unikernel_free(Unikernel *unikernel)
{
        if (!unikernel)
                return;

        g_hash_table_remove(unikernel->manager->by_uuid, unikernel->uuid);
        loaded_definition_clear(&unikernel->loaded);
        unit_status_clear(&unikernel->status);
        properties_clear(&unikernel->properties);
        g_free(unikernel->own_start.invocation_id);
        definition_free(unikernel->running);
        sd_event_source_disable_unref(unikernel->look_source);
        g_free(unikernel->fleet);
        g_free(unikernel->reason);
        g_free(unikernel->forgotten);
        g_free(unikernel->path);
        g_free(unikernel->unit);
        g_free(unikernel->name);
        g_free(unikernel);
}

Unikernel *unikernel_get(Manager *manager, const char *name)
{
        return g_hash_table_lookup(manager->unikernels, name);
}

Unikernel *unikernel_acquire(Manager *manager, const char *name)
{
        Unikernel *unikernel = unikernel_get(manager, name);

        if (!unikernel && unikernel_new(manager, name, &unikernel) < 0)
                return NULL;

        return unikernel;
}

int unikernel_find(Manager *manager, const char *name, Unikernel **ret_unikernel, Error *ret_error)
{
        Unikernel *unikernel;
        int r;

        r = name_check(name, ret_error);
        if (r < 0)
                return r;

        unikernel = unikernel_get(manager, name);
        if (!unikernel || !unikernel->announced)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL, "There is no unikernel '%s'", name);

        *ret_unikernel = unikernel;
        return 0;
}

const Definition *unikernel_effective(const Unikernel *unikernel)
{
        return unikernel->running ?: unikernel->loaded.definition;
}

void unikernel_note_start(Unikernel *unikernel, const char *before, const Timestamps *timestamps)
{
        const char *now = unikernel->status.invocation_id;

        /* Stopped, or it ran already. */
        if (!now || !*now || g_strcmp0(before, now) == 0)
                return;

        g_free(unikernel->own_start.invocation_id);
        unikernel->own_start = (OwnStart){.invocation_id = g_strdup(now), .timestamps = *timestamps};
}

const char *unikernel_owner_name(const Unikernel *unikernel)
{
        return unikernel->loaded.owner_name ?: "root";
}

const char *unikernel_group_name(const Unikernel *unikernel)
{
        return unikernel->loaded.group_name ?: "";
}

static bool unit_status_is_active(const UnitStatus *status)
{
        UnikernelState state = unikernel_state_of_unit(status->active_state);

        return state != UNIKERNEL_STOPPED && state != UNIKERNEL_FAILED;
}

bool unikernel_is_active(const Unikernel *unikernel)
{
        return unit_status_is_active(&unikernel->status) ||
               unikernel_state_is_up(unikernel->properties.state);
}

const char *unikernel_activation_state(const Unikernel *unikernel)
{
        const Definition *definition = unikernel->loaded.definition;
        UnikernelState state = unikernel->properties.state;

        if (!definition || !definition_is_on_demand(definition) ||
                        (state != UNIKERNEL_STOPPED && state != UNIKERNEL_FAILED))
                return "";
        return refusal_is_noted(unikernel->name) ? "refusing" : "waiting";
}

int unikernel_refuse_inactive(const char *name, Error *ret_error)
{
        return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);
}

int unikernel_check_own(const char *name, Error *ret_error)
{
        g_autofree char *own = name_without_twin(name);

        if (!name_is_twin(name))
                return 0;

        return error_set(ret_error, ERROR_BUSY,
                        "'%s' is what a rolling update runs beside '%s' for a while: it is removed when "
                        "that "
                        "has ended, and cannot be changed or started",
                        name, own);
}

int unikernel_check_active(const Unikernel *unikernel, Error *ret_error)
{
        return unikernel_is_active(unikernel) ? 0 : unikernel_refuse_inactive(unikernel->name, ret_error);
}

bool unikernel_is_without_runner(const Unikernel *unikernel)
{
        return unikernel_state_is_up(unikernel->properties.state) &&
               unikernel_state_of_unit(unikernel->status.active_state) != UNIKERNEL_RUNNING;
}

/* When the runner wrote the exit record: systemd forgets the times of a unit that it unloads. */
static uint64_t unikernel_exit_record_time(const char *name)
{
        g_autofree char *path = g_build_filename(paths_results(), name, NULL);
        struct stat st;

        if (stat(path, &st) < 0)
                return 0;

        return (uint64_t) st.st_mtim.tv_sec * G_USEC_PER_SEC + (uint64_t) st.st_mtim.tv_nsec / 1000;
}

/* Whether systemd would have restarted it: by Restart= of the definition, otherwise by on-abnormal of the
 * template. */
static bool unikernel_is_restarted(const Unikernel *unikernel)
{
        static const char *const abnormal[] = {"signal", "core-dump", "watchdog", NULL};
        const UnitStatus *status = &unikernel->status;
        const Definition *definition = unikernel->loaded.definition;

        if (g_strv_contains(abnormal, status->result ?: ""))
                return true;

        return g_strcmp0(status->result, "exit-code") == 0 && definition &&
               definition->restart != RESTART_NO && !unit_status_is_final(status->exit_status);
}

/* Up to version 257 systemd reports this only if the last run did not itself fail, which would remain the
 * result; a later version (262) always does. */
static bool unikernel_is_at_start_limit(const Unikernel *unikernel)
{
        const UnitStatus *status = &unikernel->status;

        return g_strcmp0(status->active_state, "failed") == 0 &&
               (g_strcmp0(status->result, "start-limit-hit") == 0 ||
                               (status->restarts > 0 && unikernel_is_restarted(unikernel)));
}

/* Takes ownership of the message about the run itself, or NULL. */
static char *unikernel_add_start_limit(const Unikernel *unikernel, char *taken_reason)
{
        g_autoptr(GDateTime) since = g_date_time_new_from_unix_local(
                        (gint64) (unikernel->status.inactive_enter / G_USEC_PER_SEC));
        g_autofree char *when = since ? g_date_time_format(since, "%F %T") : g_strdup("its last end");
        g_autofree char *reason = taken_reason;

        return g_strdup_printf("%s%sit was started too often within a short time (StartLimitBurst=); since "
                               "%s systemd does not restart it, use 'shruthictl start %s'",
                        reason ?: "", reason && reason[0] ? "; " : "", when, unikernel->name);
}

/* Keeps what we know of the last run, which nobody else knows any more. */
static void properties_keep(UnikernelProperties *properties, const UnikernelProperties *old)
{
        g_free(properties->invocation_id);
        properties->invocation_id = g_strdup(old->invocation_id);
        properties->result = g_strdup(old->result);
        properties->exit_status = old->exit_status;
        properties->state_change = old->state_change;
        properties->active_enter = old->active_enter;
        properties->inactive_enter = old->inactive_enter;
}

/* Derives the end of the last run. Uses the exit record if it is about the run that systemd reports, or if
 * systemd has forgotten all runs; otherwise what systemd says, for a runner that wrote no record. A start
 * that systemd refused after that run does not hide its failure. */
static void unikernel_derive_end(const Unikernel *unikernel, const UnikernelProperties *old,
                UnikernelProperties *properties, ErrorCode *ret_end_error, char **ret_reason)
{
        const UnitStatus *status = &unikernel->status;
        _cleanup_exit_record_ ExitRecord exit_record = EXIT_RECORD_INIT;
        bool known = status->invocation_id && status->invocation_id[0];
        bool told = exit_record_read(unikernel->name, &exit_record) >= 0;

        /* A unit that is about to start already has the ID of the new run, and nothing of the previous
         * one. */
        if (known && g_strcmp0(status->active_state, "inactive") == 0 &&
                        (!told || !g_str_equal(status->invocation_id, exit_record.invocation_id)) &&
                        (status->state_change == 0 ||
                                        g_strcmp0(status->invocation_id, old->invocation_id) != 0))
                known = false;

        /* A run that ended without a runner, which only systemd knew about. */
        if (!known && old->inactive_enter > unikernel_exit_record_time(unikernel->name)) {
                properties_keep(properties, old);
                return;
        }

        if (told && (!known || g_str_equal(status->invocation_id, exit_record.invocation_id)) &&
                        (!status->result || !g_str_equal(status->result, "start-limit-hit") ||
                                        exit_record.result != RESULT_SUCCESS)) {
                bool began = exit_record.result != RESULT_DEPENDENCY;

                properties->result = g_strdup(result_to_string(exit_record.result));
                properties->exit_status = exit_record.exit_status;
                if (!known && began) {
                        g_free(properties->invocation_id);
                        properties->invocation_id = g_strdup(exit_record.invocation_id);
                }
                /* Not systemd's times, which are lost when the unit is unloaded, or when a runner adopts. */
                properties->inactive_enter = properties->state_change =
                                unikernel_exit_record_time(unikernel->name);
                properties->active_enter = exit_record.started_at ?: properties->active_enter;
                *ret_end_error = exit_record.error;
                *ret_reason = g_steal_pointer(&exit_record.reason);
                return;
        }

        properties->result = g_strdup(
                        known || g_strcmp0(status->active_state, "failed") == 0 ? status->result : "");
        if (g_str_equal(properties->result, "exit-code"))
                properties->exit_status = status->exit_status;
        if (g_str_equal(properties->result, "exit-code") &&
                        status->exit_status == SYSTEMD_EXIT_CREDENTIALS) {
                const ExitParser exit_parser = {.result = RESULT_CREDENTIALS};
                g_autofree char *message = exit_parser_message(&exit_parser, NULL);

                g_free(properties->result);
                properties->result = g_strdup(result_to_string(exit_parser.result));
                *ret_reason = g_strdup_printf(
                                "%s: systemd could not load it, because it is missing, damaged, larger than "
                                "1 MiB, or sealed with another TPM2 chip or host key (journalctl -u %s); if "
                                "these are lost, run 'shruthictl credential remove %s --all' and set the "
                                "keys again",
                                message, unikernel->unit, unikernel->name);
        } else if (properties->result[0] && !g_str_equal(properties->result, "success") &&
                        !g_str_equal(properties->result, "start-limit-hit"))
                *ret_reason = g_strdup_printf("systemd says: %s", properties->result);
}

/* Whether to ignore what systemd knows of the last run, see unikernel_forget_run(). systemd keeps a unit,
 * and what it knows of it, as long as another one refers to it. */
static bool unikernel_is_forgotten(const Unikernel *unikernel)
{
        return unikernel->forgotten && !unikernel_is_active(unikernel) &&
               g_strcmp0(unikernel->status.invocation_id ?: "", unikernel->forgotten) == 0;
}

void unikernel_forget_run(Unikernel *unikernel)
{
        if (unikernel_is_active(unikernel))
                return;

        g_free(unikernel->forgotten);
        unikernel->forgotten = g_strdup(unikernel->status.invocation_id ?: "");
        (void) unikernel_refresh(unikernel);
}

/* Derives the times. During a run nothing ends, and systemd's times are those of the runners, not of the
 * guest. A guest that is not ready yet has begun to run too. */
static void unikernel_derive_times(const Unikernel *unikernel, const Guest *guest, bool runs,
                const UnikernelProperties *old, UnikernelProperties *properties)
{
        if (guest->lives && guest->started_at > 0) {
                properties->active_enter = guest->started_at;
                if (runs)
                        properties->state_change = guest->changed_at;
        } else if (!runs && old->active_enter > 0)
                properties->active_enter = old->active_enter;
        if (!runs && old->state == properties->state && old->state_change > 0)
                properties->state_change = old->state_change;

        if (old->inactive_enter > 0)
                properties->inactive_enter = old->inactive_enter;
        else if (properties->inactive_enter > properties->active_enter)
                properties->inactive_enter = unikernel_exit_record_time(unikernel->name);
}

static void unikernel_derive_properties(const Unikernel *unikernel, const Guest *guest,
                const UnikernelProperties *old, UnikernelProperties *ret_properties,
                ErrorCode *ret_end_error, char **ret_reason)
{
        const Definition *definition = unikernel->loaded.definition;
        const UnitStatus *status = &unikernel->status;
        UnikernelState before = unikernel->announced ? old->state : UNIKERNEL_RUNNING;
        bool stopping = jobs_are_stopping(unikernel->manager, unikernel->name), runs, pauses;

        *ret_properties = (UnikernelProperties){
                        .state = unikernel_derive_state(status, guest, before, stopping, !definition),
                        .owner = user_number_outside(definition ? definition->owner : 0),
                        .autostart = (definition && definition->autostart) ||
                                     g_hash_table_contains(unikernel->manager->enabled, unikernel->name),
                        .generation = unikernel->loaded.generation,
                        .exit_status = -1,
                        .invocation_id = g_strdup(status->invocation_id ?: ""),
                        .state_change = status->state_change,
                        .active_enter = status->active_enter,
                        .inactive_enter = status->inactive_enter,
        };

        /* While systemd waits before a restart, the last run is over. */
        runs = unikernel_state_is_up(ret_properties->state);
        pauses = !guest->lives && unit_status_is_in_pause(status);
        if (runs || ret_properties->state == UNIKERNEL_STOPPING ||
                        (ret_properties->state == UNIKERNEL_STARTING && !pauses)) {
                ret_properties->result = g_strdup("");
                *ret_reason = guest->paused ? g_strconcat("paused ", guest->paused, NULL) : NULL;
                unikernel_derive_times(unikernel, guest, runs, old, ret_properties);
        } else if (unikernel_is_forgotten(unikernel)) {
                g_clear_pointer(&ret_properties->invocation_id, g_free);
                ret_properties->invocation_id = g_strdup("");
                ret_properties->state_change = ret_properties->active_enter =
                                ret_properties->inactive_enter = 0;
        } else {
                unikernel_derive_end(unikernel, old, ret_properties, ret_end_error, ret_reason);
                if (unikernel_is_at_start_limit(unikernel))
                        *ret_reason = unikernel_add_start_limit(unikernel, *ret_reason);
        }
        ret_properties->health = g_strdup(runs && guest->health ? guest->health : "");
        ret_properties->cut_off = runs && cut_off_is_noted(unikernel->name);
        if (!ret_properties->result)
                ret_properties->result = g_strdup("");
}

/* Looks up what the guest runs with, once for each run and each definition. */
static void unikernel_derive_running(Unikernel *unikernel, const UnikernelProperties *old)
{
        UnikernelProperties *properties = &unikernel->properties;
        bool up = unikernel_state_is_up(properties->state) || properties->state == UNIKERNEL_STOPPING;

        if (!up || !unikernel->compared || g_strcmp0(old->invocation_id, properties->invocation_id) != 0) {
                g_clear_pointer(&unikernel->running, definition_free);
                if (up)
                        unikernel->running =
                                        started_load_other(unikernel->name, unikernel->loaded.definition);
                unikernel->compared = up;
        }
        properties->needs_restart = unikernel->running && unikernel->loaded.definition;
}

/* Emits the properties that differ; the names are constants. */
static void unikernel_emit_changes(Unikernel *unikernel, const UnikernelProperties *old)
{
        const UnikernelProperties *now = &unikernel->properties;
        char *names[14];
        size_t n = 0;

        if (old->state != now->state)
                names[n++] = (char *) "State";
        if (old->owner != now->owner)
                names[n++] = (char *) "Owner";
        if (old->autostart != now->autostart)
                names[n++] = (char *) "Autostart";
        if (old->generation != now->generation)
                names[n++] = (char *) "Generation";
        if (old->cut_off != now->cut_off)
                names[n++] = (char *) "CutOff";
        if (g_strcmp0(old->health, now->health) != 0)
                names[n++] = (char *) "Health";
        if (g_strcmp0(old->result, now->result) != 0)
                names[n++] = (char *) "Result";
        if (old->exit_status != now->exit_status)
                names[n++] = (char *) "ExitStatus";
        if (g_strcmp0(old->invocation_id, now->invocation_id) != 0)
                names[n++] = (char *) "InvocationID";
        if (old->state_change != now->state_change)
                names[n++] = (char *) "StateChangeTimestamp";
        if (old->active_enter != now->active_enter)
                names[n++] = (char *) "ActiveEnterTimestamp";
        if (old->inactive_enter != now->inactive_enter)
                names[n++] = (char *) "InactiveEnterTimestamp";
        if (old->needs_restart != now->needs_restart)
                names[n++] = (char *) "NeedsRestart";
        names[n] = NULL;

        if (n > 0)
                manager_emit_changed(
                                unikernel->manager, unikernel->path, SHRUTHI_INTERFACE_UNIKERNEL, names);
}

/* Whether it exists: while it has a definition, or until its unit has ended. A unit that is started without
 * any definition fails and does not become a unikernel. */
static bool unikernel_exists(const Unikernel *unikernel)
{
        if (unikernel->loaded.definition || unikernel->loaded.problem)
                return true;

        return unikernel_is_active(unikernel) &&
               (unikernel->announced || g_strcmp0(unikernel->status.active_state, "activating") != 0);
}

static int on_unikernel_look_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Unikernel *unikernel = userdata;

        unikernel->look_source = sd_event_source_disable_unref(unikernel->look_source);
        (void) unikernel_refresh(unikernel);
        return 0;
}

/* Between the end of a unit and its restart, it is briefly inactive. Whether it has ended for good shows in
 * its descriptor store, which systemd clears without a signal. */
static void unikernel_look_again(Unikernel *unikernel)
{
        UnikernelState state = unikernel_state_of_unit(unikernel->status.active_state);

        if ((unikernel_state_is_up(unikernel->properties.state) ||
                            unikernel->properties.state == UNIKERNEL_STARTING) &&
                        !unikernel->look_source && (state == UNIKERNEL_FAILED || state == UNIKERNEL_STOPPED))
                (void) sd_event_add_time_relative(unikernel->manager->event, &unikernel->look_source,
                                CLOCK_MONOTONIC, LOOK_USEC, 0, on_unikernel_look_time, unikernel);
}

Unikernel *unikernel_refresh(Unikernel *unikernel)
{
        Manager *manager = unikernel->manager;
        UnikernelProperties old = unikernel->properties;
        _cleanup_guest_ Guest guest = {};

        if (!unikernel_exists(unikernel)) {
                /* Sent while it can still be found: its interfaces are listed by a lookup. */
                if (unikernel->announced)
                        manager_emit_object(manager, false, "UnikernelRemoved", unikernel->name,
                                        unikernel->path);
                manager->hooks->unikernel_gone(manager, unikernel->name);
                g_hash_table_remove(manager->unikernels, unikernel->name);
                return NULL;
        }

        if (unikernel_is_active(unikernel))
                g_clear_pointer(&unikernel->forgotten, g_free);
        g_clear_pointer(&unikernel->reason, g_free);
        unikernel->end_error = _ERROR_CODE_INVALID;
        unikernel->properties = (UnikernelProperties){};
        guest_read(unikernel->name, &guest);
        unikernel_derive_properties(unikernel, &guest, &old, &unikernel->properties, &unikernel->end_error,
                        &unikernel->reason);
        unikernel_look_again(unikernel);
        unikernel_derive_running(unikernel, &old);

        if (!unikernel->announced) {
                unikernel->announced = true;
                manager_emit_object(manager, true, "UnikernelNew", unikernel->name, unikernel->path);
        } else
                unikernel_emit_changes(unikernel, &old);
        properties_clear(&old);
        if (guest.lives && !guest.ready)
                jobs_leave_queue(manager, unikernel->name);
        manager->hooks->unikernel_changed(manager, unikernel->name);

        return unikernel;
}

void unikernel_apply_loaded(Manager *manager, const char *name, LoadedDefinition *loaded)
{
        Unikernel *unikernel = unikernel_get(manager, name);
        bool changed;

        if (!unikernel) {
                int r;

                if (!loaded->definition && !loaded->problem) {
                        loaded_definition_clear(loaded);
                        return;
                }
                r = unikernel_new(manager, name, &unikernel);
                if (r < 0) {
                        log_warning("Cannot add unikernel '%s': %s", name, g_strerror(-r));
                        loaded_definition_clear(loaded);
                        return;
                }
        }

        if (loaded->problem && g_strcmp0(loaded->problem, unikernel->loaded.problem) != 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = name}, SHRUTHI_MESSAGE_BROKEN, NULL, "%s",
                                loaded->problem);
        changed = unikernel->announced && !loaded_definition_equal(&unikernel->loaded, loaded);
        loaded_definition_clear(&unikernel->loaded);
        unikernel->loaded = *loaded;
        *loaded = (LoadedDefinition){};
        unikernel->compared = false;
        unikernel = unikernel_refresh(unikernel);
        if (changed && unikernel)
                manager_emit_signal(
                                manager, unikernel->path, SHRUTHI_INTERFACE_UNIKERNEL, "DefinitionChanged");
}
