/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts the domain of one unikernel, or prepares it for a start. Called by verbs.c. */

#include <glib.h>
#include <inttypes.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/users.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "domain/network/isolation.h"
#include "domain/network/publication.h"
#include "domain/plan/credentials.h"
#include "domain/plan/volumes.h"
#include "unikernel/check.h"
#include "unikernel/liveness.h"
#include "unikernel/run-dir.h"
#include "unikernel/slice-limits.h"
#include "unikernel/snapshot.h"
#include "unikernel/started.h"
#include "uplink/protocol.h"

/* Emits the volumes that it writes: only these can run out of space. */
static void emit_volumes(const Plan *plan)
{
        g_autoptr(GString) names = g_string_new(NULL);

        for (guint i = 0; i < plan->attached->len; i++) {
                const DefinitionDevice *device = plan->attached->pdata[i];

                if (device->stored && !device->read_only)
                        g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", device->stored);
        }
        if (names->len > 0)
                protocol_emit(DOMAIN_KEY_VOLUMES, "%s", names->str);
}

/* A guest that continues does not print again what a check of its console waits for. */
static void emit_checks(const Definition *definition, bool restores)
{
        g_auto(GStrv) ready = checks_split(definition->ready), healthy = checks_split(definition->healthy);

        for (char **check = ready; *check; check++)
                if (!restores || !g_str_has_prefix(*check, "console:"))
                        protocol_emit(DOMAIN_KEY_READY_CHECK, "%s", *check);
        if (*ready)
                protocol_emit(DOMAIN_KEY_READY_TIMEOUT_USEC, "%" PRIu64, definition->ready_timeout_usec);

        for (char **check = healthy; *check; check++)
                protocol_emit(DOMAIN_KEY_HEALTHY_CHECK, "%s", *check);
        if (!*healthy && !definition->watchdog)
                return;
        protocol_emit(DOMAIN_KEY_HEALTHY_INTERVAL_USEC, "%" PRIu64, definition->healthy_interval_usec);
        protocol_emit(DOMAIN_KEY_HEALTHY_RETRIES, "%u", definition_healthy_retries(definition));
        if (definition->watchdog)
                protocol_emit(DOMAIN_KEY_WATCHDOG, "yes");
}

/* Emits where the devices of its checks can be reached, if they have an address. */
static void emit_reach(const Plan *plan)
{
        const GPtrArray *devices = plan->definition->devices;
        g_auto(GStrv) ready = checks_split(plan->definition->ready),
                      healthy = checks_split(plan->definition->healthy);

        for (guint i = 0; i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];
                const PlanNetwork *network = &plan->networks[i];
                const Address *address = address_is_set(&network->facts.address4) ? &network->facts.address4
                                                                                  : &network->facts.address6;
                g_autofree char *place = NULL;
                char text[ADDRESS_TEXT_MAX];

                if ((!checks_have_device(ready, device->name) &&
                                    !checks_have_device(healthy, device->name)) ||
                                !address_is_set(address))
                        continue;
                place = paths_are_of_user() ? uplink_station_name(plan->definition->name,
                                                              process_number_of(plan, device))
                                            : g_strdup(network->at_bridge);
                if (!*place)
                        continue;
                address_format_ip(address, text);
                protocol_emit(DOMAIN_KEY_REACH, "%s %s %s", place, text, device->name);
        }
}

static void emit_slice(const Plan *plan)
{
        const Definition *definition = plan->definition;
        g_autofree char *slice = plan_slice(plan), *limits = slice_limits_format(definition), *joined = NULL;
        g_auto(GStrv) missed = slice_limits_without_effect(
                        limits, definition->path, slice || plan_is_process(plan));

        protocol_emit(DOMAIN_KEY_SLICE, "%s", slice ?: "");
        if (!*missed)
                return;

        joined = g_strjoinv(", ", missed);
        protocol_emit(DOMAIN_KEY_NOTICE,
                        "This host cannot apply these limits of the guest ('shruthictl doctor' shows why): "
                        "%s",
                        joined);
}

static void emit_plan(const Plan *plan, bool restores)
{
        emit_slice(plan);
        protocol_emit(DOMAIN_KEY_IMAGE, "%s", plan->digest);
        emit_volumes(plan);
        protocol_emit(DOMAIN_KEY_UUID, "%s", plan->uuid);
        protocol_emit(DOMAIN_KEY_MEMORY, "%" PRIu64, plan->memory);
        protocol_emit(DOMAIN_KEY_CONSOLE_RATE, "%" PRIu64, plan->conf->console_rate);
        protocol_emit(DOMAIN_KEY_CONSOLE_BURST, "%" PRIu64, plan->conf->console_burst);
        if (plan->definition->owner != 0) {
                protocol_emit(DOMAIN_KEY_CONSOLE_RATE_USER, "%" PRIu64, plan->conf->console_rate_user);
                protocol_emit(DOMAIN_KEY_CONSOLE_BURST_USER, "%" PRIu64, plan->conf->console_burst_user);
        }
        protocol_emit(DOMAIN_KEY_SILENCE_WARNING_USEC, "%" PRIu64, plan->conf->silence_warning_usec);
        emit_checks(plan->definition, restores);
        protocol_emit(DOMAIN_KEY_WITNESS, "%s", plan->monitor ? "yes" : "no");
}

/* Emitted all at once, because reading them costs the runner time. */
static void emit_timestamps(const Plan *plan)
{
        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                if (plan->timestamps.at[timestamp] > 0)
                        protocol_emit(DOMAIN_KEY_MOMENT, "%s %" PRIu64, timestamp_to_string(timestamp),
                                        plan->timestamps.at[timestamp]);
}

static void emit_started(Plan *plan, const char *how)
{
        protocol_guard(0, NULL);
        timestamps_record(&plan->timestamps, TIMESTAMP_CREATED);
        emit_timestamps(plan);
        protocol_emit(DOMAIN_KEY_STARTED, "%s", how);
}

static const char *kvm_to_string(bool kvm)
{
        return kvm ? "kvm" : "tcg";
}

/* The rest of a start of a process is the runner's. */
static int start_hand_over(Plan *plan, int credentials, Error *ret_error)
{
        int r = process_start(plan, credentials, ret_error);

        if (r < 0)
                return r;
        emit_reach(plan);
        emit_started(plan, DOMAIN_STARTED_PROCESS);
        return 0;
}

/* All that it needs is there, as it is for one that is created now. 1: it runs; 0: it is gone. */
static int start_release_prepared(
                virConnectPtr connection, Plan *plan, virDomainPtr domain, Error *ret_error)
{
        int r;

        r = publication_apply(connection, plan, ret_error);
        if (r < 0)
                return r;
        timestamps_record(&plan->timestamps, TIMESTAMP_PREPARED);
        return virt_domain_release(domain);
}

/* xml is NULL if no prepared domain is wanted. Returns 1 if a prepared domain runs now, 0 if there is no
 * domain. Ends any other domain of ours: it was left by an interrupted start or stop, or prepared before
 * something changed, so it is not the requested guest. */
static int start_handle_leftover(virConnectPtr connection, Plan *plan, const char *xml, Error *ret_error)
{
        const char *name = plan->definition->name;
        g_autofree char *prepared = run_dir_get_prepared(name);
        _cleanup_domain_ virDomainPtr domain = NULL;
        int r;

        r = virt_domain_find(connection, name, plan->uuid, &domain, ret_error);
        if (r > 0) {
                r = prepared && g_strcmp0(prepared, xml) == 0
                                    ? start_release_prepared(connection, plan, domain, ret_error)
                                    : 0;
                if (r == 0) {
                        if (!prepared)
                                protocol_emit(DOMAIN_KEY_NOTICE,
                                                "A leftover domain of an earlier start was removed");
                        r = virt_domain_destroy(connection, domain, ret_error);
                }
        }
        /* Not earlier: a runner that adopts would mistake a waiting domain for a running one. */
        if (r >= 0)
                run_dir_forget_prepared(name);

        return r;
}

/* libvirt keeps the descriptor for as long as its connection, so a separate connection is used and closed at
 * once. *ret_domain is NULL if the domain has already ended. */
static int start_create_with_credentials(virConnectPtr connection, const Plan *plan, const char *xml,
                int credentials, virDomainPtr *ret_domain, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr own = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        int r;

        r = virt_connect_apart(plan->conf->libvirt_uri, &own, ret_error);
        if (r < 0)
                return r;
        r = virt_domain_create_with(own, xml, DOMAIN_XML_FD_GROUP, credentials, &domain, ret_error);
        if (r < 0)
                return r;

        r = virt_domain_find(connection, plan->definition->name, plan->uuid, ret_domain, ret_error);
        return MIN(r, 0);
}

/* Creates a waiting domain and marks it as prepared: a runner that adopts would mistake it for a running
 * one. The mark stays on success. */
static int domain_make_waiting(virConnectPtr connection, const char *name, const char *xml,
                virDomainPtr *ret_domain, Error *ret_error)
{
        int r;

        r = run_dir_set_prepared(name, xml);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write into the directory of '%s'", name);

        r = virt_domain_create_waiting(connection, xml, ret_domain, ret_error);
        if (r < 0)
                run_dir_forget_prepared(name);
        return r;
}

/* Without a firmware a guest may end before libvirt has completed its start, which libvirt reports as a
 * failure. So it is created like a prepared domain, and then released. */
static int start_create_and_release(virConnectPtr connection, const Plan *plan, const char *xml,
                virDomainPtr *ret_domain, Error *ret_error)
{
        const char *name = plan->definition->name;
        int r;

        r = domain_make_waiting(connection, name, xml, ret_domain, ret_error);
        if (r < 0)
                return r;

        r = virt_domain_let_run(connection, *ret_domain, ret_error);
        run_dir_forget_prepared(name);
        return r;
}

static int start_create(virConnectPtr connection, const Plan *plan, const char *xml, int credentials,
                virDomainPtr *ret_domain, Error *ret_error)
{
        if (credentials >= 0)
                return start_create_with_credentials(
                                connection, plan, xml, credentials, ret_domain, ret_error);
        if (!plan->machine->firmware)
                return start_create_and_release(connection, plan, xml, ret_domain, ret_error);
        return virt_domain_create(connection, xml, ret_domain, ret_error);
}

/* credentials is the descriptor of the archive, or -EBADF. */
static int start_try(Plan *plan, RestoreState *restore, int credentials, Watch **ret_watch, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(GArray) turns = NULL;
        g_autoptr(Watch) watch = NULL;
        g_autofree char *xml = NULL;
        bool kvm;
        int r;

        if (plan_is_process(plan))
                return start_hand_over(plan, credentials, ret_error);

        r = lifecycle_format(plan, true, &connection, &kvm, &xml, ret_error);
        if (r < 0)
                return r;

        emit_reach(plan);
        protocol_guard(START_GUARD, "start the unikernel");
        r = start_handle_leftover(connection, plan, restore->requested ? NULL : xml, ret_error);
        if (r < 0)
                return r;
        if (r > 0) {
                emit_started(plan, kvm_to_string(kvm));
                return 0;
        }
        r = volumes_acquire(plan, &turns, ret_error);
        if (r < 0)
                return r;
        if (plan->monitor) {
                r = watch_new(connection, plan->definition->name, plan->uuid, &watch, ret_error);
                if (r < 0)
                        return r;
        }
        if (restore->requested) {
                r = start_prepare_restore(connection, plan, restore, ret_error);
                if (r < 0)
                        return r;
        }
        timestamps_record(&plan->timestamps, TIMESTAMP_PREPARED);
        r = publication_apply(connection, plan, ret_error);
        if (r < 0)
                return r;
        r = restore->requested ? start_restore(connection, plan, restore, &domain, ret_error)
                               : start_create(connection, plan, xml, credentials, &domain, ret_error);
        if (r < 0)
                publication_withdraw(plan);
        if (r < 0 && ret_error->code == ERROR_VOLUME_IN_USE)
                volumes_explain(plan, ret_error);
        if (r < 0)
                return r;
        if (watch && domain) {
                r = watch_narrow(watch, domain, ret_error);
                if (r < 0)
                        return r;
        }
        emit_started(plan, kvm_to_string(kvm));
        *ret_watch = g_steal_pointer(&watch);
        return 0;
}

static int start_open_credentials(const Definition *definition, int directory, int *ret_fd, Error *ret_error)
{
        g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
        int r;

        if (!definition_credentials(definition))
                return 0;

        r = credentials_open(definition, directory, notices, ret_fd, ret_error);
        for (guint i = 0; i < notices->len; i++)
                protocol_emit(DOMAIN_KEY_NOTICE, "%s", (const char *) notices->pdata[i]);
        return r;
}

int lifecycle_start(const char *name, int credentials_directory, Error *ret_error)
{
        _cleanup_close_ int credentials = -EBADF;
        g_autoptr(Plan) plan = NULL;
        g_autoptr(Watch) watch = NULL;
        _cleanup_restore_state_ RestoreState restore = {
                        .requested = snapshot_take_request(name), .lock = -EBADF};
        uint64_t begun = (uint64_t) g_get_monotonic_time();
        gint64 deadline;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        plan->timestamps.at[TIMESTAMP_HELPER_BEGAN] = begun;
        isolation_prepare(plan);
        protocol_emit(DOMAIN_KEY_OWNER, "%u", user_number_outside(plan->definition->owner));
        r = plan_resolve(plan, ret_error);
        if (r < 0)
                return r;
        if (plan->monitor && virt_keeps_connection())
                return VIRT_NEEDS_EVENTS;
        if (plan_is_process(plan) && restore.requested)
                return error_set(ret_error, ERROR_SNAPSHOT_UNUSABLE,
                                "The snapshot is of another image than '%s' has now, which runs as a "
                                "process: start it afresh",
                                name);
        emit_plan(plan, restore.requested);
        r = started_write(name, plan->definition);
        if (r < 0)
                protocol_emit(DOMAIN_KEY_NOTICE, "Cannot record how the guest is started: %s",
                                g_strerror(-r));
        r = start_open_credentials(plan->definition, credentials_directory, &credentials, ret_error);
        if (r < 0)
                return r;

        timestamps_record(&plan->timestamps, TIMESTAMP_PLANNED);
        deadline = g_get_monotonic_time() + START_WINDOW_USEC;
        for (;;) {
                _cleanup_error_ Error error = ERROR_INIT;

                r = start_try(plan, &restore, credentials, &watch, &error);
                if (r >= 0)
                        break;
                if (error.code != ERROR_LIBVIRT_UNAVAILABLE || g_get_monotonic_time() >= deadline) {
                        error_move(ret_error, &error);
                        /* systemd would try again, and the guest boot afresh. */
                        if (restore.requested && ret_error->code == ERROR_LIBVIRT_UNAVAILABLE)
                                ret_error->code = ERROR_START_FAILED;
                        return r;
                }
                protocol_emit(DOMAIN_KEY_NOTICE, "%s; trying again", error_message(&error, r));
                g_usleep(ATTEMPT_PAUSE_USEC);
        }

        /* Closed now, because the monitor stays for as long as the guest. */
        credentials = close_safe(credentials);
        return watch ? lifecycle_monitor(watch, plan->conf->libvirt_uri, ret_error) : 0;
}

/* Whether it can be prepared: it is a domain that needs no monitor from the beginning, and has no disk. The
 * unit may have to set up a disk before (ExecStartPre=, a mount), only one process can open it, and its
 * errors belong to the start. */
static bool plan_can_be_prepared(const Plan *plan)
{
        for (guint i = 0; i < plan->attached->len; i++) {
                const DefinitionDevice *device = plan->attached->pdata[i];

                if (device->kind != DEVICE_NETWORK)
                        return false;
        }

        return !plan->monitor && !plan_is_process(plan);
}

/* Runs under the lock, for which a runner may be waiting. */
static int plan_prepare_domain(virConnectPtr connection, const Plan *plan, const char *xml, Error *ret_error)
{
        const char *name = plan->definition->name;
        _cleanup_domain_ virDomainPtr domain = NULL;
        int r;

        protocol_guard(PREPARE_GUARD, "prepare the unikernel");
        r = virt_domain_find(connection, name, plan->uuid, &domain, ret_error);
        if (r != 0)
                return r;

        /* One that is left of a run with another image is found by what is in that directory. */
        r = process_stop(name, ret_error);
        if (r < 0)
                return r;
        r = run_dir_make(name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot create the directory of '%s'", name);

        r = domain_make_waiting(connection, name, xml, &domain, ret_error);
        protocol_guard(0, NULL);
        return r;
}

int lifecycle_prepare(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_close_ int liveness = -EBADF;
        g_autoptr(Plan) plan = NULL;
        g_autofree char *xml = NULL;
        bool kvm;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        isolation_prepare(plan);
        r = plan_resolve(plan, ret_error);
        if (r < 0 || snapshot_is_requested(name) || !plan_can_be_prepared(plan))
                return r;
        r = lifecycle_format(plan, true, &connection, &kvm, &xml, ret_error);
        if (r < 0)
                return r;

        /* If the unit does not use it in time, it is swept, like anything left by this. */
        r = liveness_acquire(name, &liveness);
        if (r < 0)
                return r == -EBUSY ? 0 : error_set_errno(ret_error, r, "Cannot acquire '%s'", name);

        return plan_prepare_domain(connection, plan, xml, ret_error);
}
