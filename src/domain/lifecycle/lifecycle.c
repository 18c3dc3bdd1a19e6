/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches and stops the domain of one unikernel, and shows what it would be made of. Called by verbs.c. */

#include "domain/lifecycle/lifecycle.h"

#include <stdio.h>

#include "common/io.h"
#include "common/paths.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "domain/lifecycle/watch.h"
#include "domain/network/addresses.h"
#include "domain/network/attachment.h"
#include "domain/network/isolation.h"
#include "domain/network/publication.h"
#include "unikernel/lease.h"
#include "unikernel/liveness.h"
#include "unikernel/process.h"
#include "unikernel/run-dir.h"
#include "unikernel/run-state.h"

#define STARTING_PAUSE_USEC (20 * 1000)

int lifecycle_open(const char *uri, virConnectPtr *ret_connection, Error *ret_error)
{
        int r;

        r = virt_setup(ret_error);
        if (r < 0)
                return r;

        protocol_guard(CONNECT_GUARD, "accept the connection");
        return virt_connect(uri, ret_connection, ret_error);
}

int lifecycle_open_if_wanted(const char *uri, virConnectPtr *ret_connection, Error *ret_error)
{
        if (virt_is_wanted(uri))
                return lifecycle_open(uri, ret_connection, ret_error);

        *ret_connection = NULL;
        return 0;
}

int lifecycle_format(Plan *plan, bool acquire, virConnectPtr *ret_connection, bool *ret_kvm, char **ret_xml,
                Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_probe_result_ ProbeResult host = {};
        int r;

        r = lifecycle_open(plan->conf->libvirt_uri, &connection, ret_error);
        if (r < 0)
                return r;
        timestamps_record(&plan->timestamps, TIMESTAMP_CONNECTED);

        protocol_guard(ADDRESSES_GUARD, "list its networks");
        r = acquire ? addresses_acquire(connection, plan, ret_error)
                    : addresses_read(connection, plan, ret_error);
        if (r < 0)
                return r;
        timestamps_record(&plan->timestamps, TIMESTAMP_ADDRESSED);

        /* The probe of the host's processor does not apply to an emulated one. */
        probe_guard();
        r = plan_is_native(plan) ? probe_host(connection, plan->conf, &host, ret_error)
                                 : virt_check_machine(connection, plan->machine, ret_error);
        if (r >= 0 && acquire && plan_is_native(plan))
                r = probe_result_check(&host, plan->conf->acceleration, ret_error);
        if (r < 0)
                return r;

        r = isolation_choose(connection, plan, acquire, ret_error);
        if (r < 0)
                return r;
        r = plan_format(plan, host.kvm, host.fast_start, ret_xml, ret_error);
        if (r < 0)
                return r;

        *ret_connection = g_steal_pointer(&connection);
        *ret_kvm = host.kvm;
        return 0;
}

int lifecycle_monitor(Watch *watch, const char *uri, Error *ret_error)
{
        WatchEnding ending;
        int r;

        protocol_guard(0, NULL);
        r = watch_wait(watch, uri, UINT64_MAX, &ending, ret_error);
        if (r < 0)
                return r == -EPIPE ? 0 : r;

        protocol_emit(DOMAIN_KEY_ENDED, "%s", watch_ending_to_string(ending));
        return 0;
}

/* A start continues in libvirt if its caller is killed: until it completes there is a domain without a
 * guest. */
static bool domain_is_alive(virDomainPtr domain)
{
        int state, reason;

        protocol_guard(START_GUARD, "start the unikernel");
        while (virDomainGetState(domain, &state, &reason, 0) >= 0 && state == VIR_DOMAIN_PAUSED &&
                        reason == VIR_DOMAIN_PAUSED_STARTING_UP)
                g_usleep(STARTING_PAUSE_USEC);

        return virDomainIsActive(domain) == 1;
}

/* Whether the current run has a domain, or may have: then only libvirt can tell, whatever shruthi.conf says
 * by now. */
static bool run_is_of_domain(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);
        _cleanup_run_state_ RunState run = RUN_STATE_INIT;

        return run_dir_may_have_domain(name) ||
               (run_state_read(dir, &run) >= 0 && run.started && !run.process);
}

int lifecycle_watch(const char *name, bool monitor, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(Watch) watch = NULL;
        g_autofree char *uri = plan_find_uri();
        char uuid[37];
        bool alive;
        int r;

        if (process_is_body(name)) {
                protocol_emit(DOMAIN_KEY_ALIVE, "%s", process_is_alive(name) ? "yes" : "no");
                return 0;
        }
        if (!virt_is_wanted(uri) && !run_is_of_domain(name)) {
                protocol_emit(DOMAIN_KEY_ALIVE, "no");
                return 0;
        }
        if (monitor && virt_keeps_connection())
                return VIRT_NEEDS_EVENTS;
        if (run_dir_is_prepared(name)) {
                /* The start that it was prepared for is gone. */
                r = lifecycle_stop(name, ret_error);
                if (r >= 0)
                        protocol_emit(DOMAIN_KEY_ALIVE, "no");
                return r;
        }
        r = plan_identity(name, uuid, ret_error);
        if (r < 0)
                return r;
        r = lifecycle_open(uri, &connection, ret_error);
        if (r < 0)
                return r;

        /* Listens before it checks, so that an end in between is noticed. */
        if (monitor) {
                r = watch_new(connection, name, uuid, &watch, ret_error);
                if (r < 0)
                        return r;
        }
        r = virt_domain_find(connection, name, uuid, &domain, ret_error);
        if (r < 0 && r != error_code_to_errno(ERROR_FOREIGN_DOMAIN))
                return r;

        alive = r > 0 && domain_is_alive(domain);
        /* A start may have been interrupted just before its end. */
        if (alive)
                (void) virt_domain_forget(connection, domain, NULL);
        protocol_emit(DOMAIN_KEY_ALIVE, "%s", alive ? "yes" : "no");
        if (!alive || !watch)
                return 0;

        r = watch_narrow(watch, domain, ret_error);
        if (r < 0)
                return r;
        return lifecycle_monitor(watch, uri, ret_error);
}

/* Returns 1 if it ran and is gone, 0 if there was none of ours. *connected says that the connection
 * succeeded. */
static int lifecycle_stop_once(
                const char *uri, const char *name, const char *uuid, bool *connected, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = lifecycle_open(uri, &connection, ret_error);
        *connected = r >= 0;
        if (r < 0)
                return r;

        protocol_guard(STOP_GUARD, "end the domain");
        r = virt_domain_find(connection, name, uuid, &domain, &error);
        if (error.message && error.code == ERROR_FOREIGN_DOMAIN) {
                protocol_emit(DOMAIN_KEY_NOTICE, "%s", error.message);
                return 0;
        }
        if (r <= 0) {
                error_move(ret_error, &error);
                return r;
        }

        r = virt_domain_destroy(connection, domain, ret_error);
        if (r < 0)
                return r;

        return 1;
}

/* The same as lifecycle_stop_once(), for as long as it is worth trying. */
static int lifecycle_stop_domain(const char *name, Error *ret_error)
{
        g_autofree char *uri = NULL;
        gint64 deadline;
        char uuid[37];
        int r;

        r = plan_identity(name, uuid, ret_error);
        if (r < 0)
                return r;

        uri = plan_find_uri();
        if (!virt_is_wanted(uri) && !run_is_of_domain(name))
                return 0;
        deadline = g_get_monotonic_time() + STOP_WINDOW_USEC;
        for (;;) {
                _cleanup_error_ Error error = ERROR_INIT;
                bool connected;

                r = lifecycle_stop_once(uri, name, uuid, &connected, &error);
                if (r >= 0)
                        return r;
                /* A libvirtd that could not be reached during all attempts to connect will not return soon,
                 * and our unit is ordered after it: its start waits for us. */
                if (!connected || g_get_monotonic_time() >= deadline) {
                        error_move(ret_error, &error);
                        return r;
                }
                g_usleep(ATTEMPT_PAUSE_USEC);
        }
}

int lifecycle_stop(const char *name, Error *ret_error)
{
        int r = process_is_body(name) ? process_stop(name, ret_error)
                                      : lifecycle_stop_domain(name, ret_error);

        if (r < 0)
                return r;

        protocol_emit(DOMAIN_KEY_STOPPED, "%s", r > 0 ? "yes" : "no");
        return 0;
}

int lifecycle_sweep(const char *name, bool prepared, Error *ret_error)
{
        _cleanup_close_ int liveness = -EBADF;
        int r;

        r = liveness_lock(name, &liveness);
        if (r == -EBUSY || r == -ENOENT)
                return 0;
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED, "'%s/%s' cannot be locked: %s", paths_liveness(),
                                name, g_strerror(-r));
        if (!prepared && run_dir_is_prepared(name))
                return 0;

        r = lifecycle_stop(name, ret_error);
        return r < 0 ? r : liveness_remove(name);
}

int lifecycle_connect(Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autofree char *uri = plan_find_uri();
        int r;

        r = lifecycle_open(uri, &connection, ret_error);
        protocol_guard(0, NULL);
        return r;
}

/* For verbs that need the definition and its addresses, but no image. */
static int lifecycle_load_and_connect(
                const char *name, Plan **ret_plan, virConnectPtr *ret_connection, Error *ret_error)
{
        g_autoptr(Plan) plan = NULL;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        r = lifecycle_open_if_wanted(plan->conf->libvirt_uri, ret_connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(ADDRESSES_GUARD, "list its networks");
        *ret_plan = g_steal_pointer(&plan);
        return 0;
}

int lifecycle_arguments(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Plan) plan = NULL;
        int r;

        r = lifecycle_load_and_connect(name, &plan, &connection, ret_error);
        if (r >= 0)
                r = addresses_read(connection, plan, ret_error);
        if (r < 0)
                return r;

        return fputs(plan->arguments, stdout) == EOF || fflush(stdout) == EOF ? -errno : 0;
}

int lifecycle_allocate(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Plan) plan = NULL;
        int r;

        r = lifecycle_load_and_connect(name, &plan, &connection, ret_error);
        return r < 0 ? r : addresses_allocate(connection, plan, ret_error);
}

void lifecycle_batch_begin(void)
{
        attachment_batch_begin();
        lease_list_hold();
}

/* The addresses are right even if DHCP and DNS do not know them yet; the next change tells them. */
void lifecycle_batch_end(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        lease_list_release();
        protocol_guard(ADDRESSES_GUARD, "tell its networks of addresses");
        r = attachment_batch_end(true, &error);
        protocol_guard(0, NULL);
        if (r < 0)
                protocol_emit(DOMAIN_KEY_NOTICE, "%s", error_message(&error, r));
}

int lifecycle_listen(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Plan) plan = NULL;
        g_autofree char *xml = NULL;
        bool kvm;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0 || !definition_is_on_demand(plan->definition))
                return r;
        isolation_prepare(plan);
        r = plan_resolve(plan, ret_error);
        if (r >= 0 && plan_is_process(plan)) {
                r = process_attach(plan, ret_error);
                protocol_guard(0, NULL);
                return r;
        }
        if (r >= 0)
                r = lifecycle_format(plan, true, &connection, &kvm, &xml, ret_error);
        if (r >= 0)
                r = publication_apply(connection, plan, ret_error);
        protocol_guard(0, NULL);
        return r;
}

int lifecycle_release(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autofree char *uri = plan_find_uri();
        int r;

        r = lifecycle_open_if_wanted(uri, &connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(ADDRESSES_GUARD, "remove an address from its networks");
        return addresses_release(connection, name, ret_error);
}

int lifecycle_xml(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Plan) plan = NULL;
        g_autofree char *xml = NULL;
        bool kvm;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        r = plan_resolve(plan, ret_error);
        if (r < 0)
                return r;
        if (plan_is_process(plan))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "'%s' runs as a process (Solo5 spt), so it has no domain and no XML", name);
        r = lifecycle_format(plan, false, &connection, &kvm, &xml, ret_error);
        if (r < 0)
                return r;

        return fputs(xml, stdout) == EOF || fflush(stdout) == EOF ? -errno : 0;
}
