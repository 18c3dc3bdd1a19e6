/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting, watching and stopping the domain of one unikernel. Called by main.c. */

#include "domain/lifecycle.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/io.h"
#include "common/paths.h"
#include "domain/addresses.h"
#include "domain/credentials.h"
#include "domain/isolation.h"
#include "domain/protocol.h"
#include "domain/virt.h"
#include "domain/volumes.h"
#include "domain/watch.h"
#include "unikernel/life.h"

/* How long libvirt may take, in seconds. A start includes QEMU's, and that of a host which asks QEMU for all
 * it can do at each start; a stop includes the time that QEMU gets to flush its disks. */
#define CONNECT_GUARD 20
#define PROBE_GUARD   120
#define START_GUARD   90
#define ADDRESSES_GUARD 30
#define STOP_GUARD    60

/* A libvirtd that dies in the middle is met again, within so long from the beginning. A stop is worth more
 * patience than a start, which systemd can repeat. */
#define START_WINDOW_USEC  (8 * G_USEC_PER_SEC)
#define STOP_WINDOW_USEC   (30 * G_USEC_PER_SEC)
#define ATTEMPT_PAUSE_USEC (500 * 1000)

#define STARTING_PAUSE_USEC (20 * 1000)

/* Those that it writes: only they can be in want of room. */
static void emit_volumes(const Plan *plan)
{
        g_autoptr(GString) names = g_string_new(NULL);

        for (guint i = 0; i < plan->wired->len; i++) {
                const DefinitionDevice *device = plan->wired->pdata[i];

                if (device->stored && !device->read_only)
                        g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", device->stored);
        }
        if (names->len > 0)
                protocol_emit("volumes", "%s", names->str);
}

static void emit_plan(const Plan *plan)
{
        protocol_emit("image", "%s", plan->digest);
        emit_volumes(plan);
        protocol_emit("uuid", "%s", plan->uuid);
        protocol_emit("memory", "%" PRIu64, plan->memory);
        protocol_emit("console-rate", "%" PRIu64, plan->conf->console_rate);
        protocol_emit("console-burst", "%" PRIu64, plan->conf->console_burst);
        protocol_emit("silence-warning-usec", "%" PRIu64, plan->conf->silence_warning_usec);
        protocol_emit("witness", "%s", plan->witness ? "yes" : "no");
}

/* All at once, for whom it costs something to read them. */
static void emit_moments(const Plan *plan)
{
        for (Moment moment = 0; moment < _MOMENT_MAX; moment++)
                if (plan->moments.at[moment] > 0)
                        protocol_emit("moment", "%s %" PRIu64, moment_to_string(moment),
                                        plan->moments.at[moment]);
}

static int connect_guarded(const char *uri, virConnectPtr *ret_connection, Error *ret_error)
{
        int r;

        r = virt_setup(ret_error);
        if (r < 0)
                return r;

        protocol_guard(CONNECT_GUARD, "let us in");
        return virt_connect(uri, ret_connection, ret_error);
}

/* Connects, finds out which addresses the guest has (with take: gives it some) and what the host can do, and
 * writes the domain's XML for that. */
static int connect_and_format(Plan *plan, bool take, virConnectPtr *ret_connection, bool *ret_kvm,
                char **ret_xml, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_probe_result_ ProbeResult host = {};
        int r;

        r = connect_guarded(plan->conf->libvirt_uri, &connection, ret_error);
        if (r < 0)
                return r;
        moments_note(&plan->moments, MOMENT_CONNECTED);

        protocol_guard(ADDRESSES_GUARD, "tell about its networks");
        r = take ? addresses_take(connection, plan, ret_error) : addresses_look(connection, plan, ret_error);
        if (r < 0)
                return r;
        moments_note(&plan->moments, MOMENT_ADDRESSED);

        protocol_guard(PROBE_GUARD, "try what this host can do");
        r = probe_host(connection, plan->conf, &host, ret_error);
        if (r < 0)
                return r;

        r = isolation_choose(connection, plan, take, ret_error);
        if (r < 0)
                return r;
        r = plan_format(plan, host.kvm, host.fast_start, ret_xml, ret_error);
        if (r < 0)
                return r;

        *ret_connection = g_steal_pointer(&connection);
        *ret_kvm = host.kvm;
        return 0;
}

/* One that still runs was left by a start or a stop that was cut off: it is not the guest that is asked for
 * now. */
static int remove_remains(virConnectPtr connection, const Plan *plan, Error *ret_error)
{
        _cleanup_domain_ virDomainPtr domain = NULL;
        int r;

        r = virt_domain_find(connection, plan->definition->name, plan->uuid, &domain, ret_error);
        if (r <= 0)
                return r;

        protocol_emit("notice", "A domain of an earlier start was still there; it was ended");
        return virt_domain_destroy(connection, domain, ret_error);
}

/* libvirt keeps a descriptor as long as the connection that brought it, so this one is closed at once,
 * however long another is kept. *ret_domain NULL: it has ended already. */
static int create_with_credentials(virConnectPtr connection, const Plan *plan, const char *xml,
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

/* credentials: the descriptor of the archive, or -EBADF. */
static int start_once(Plan *plan, int credentials, Watch **ret_watch, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(GArray) turns = NULL;
        g_autoptr(Watch) watch = NULL;
        g_autofree char *xml = NULL;
        bool kvm;
        int r;

        r = connect_and_format(plan, true, &connection, &kvm, &xml, ret_error);
        if (r < 0)
                return r;

        protocol_guard(START_GUARD, "start the unikernel");
        r = remove_remains(connection, plan, ret_error);
        if (r < 0)
                return r;
        r = volumes_take(plan, &turns, ret_error);
        if (r < 0)
                return r;
        if (plan->witness) {
                r = watch_new(connection, plan->definition->name, plan->uuid, &watch, ret_error);
                if (r < 0)
                        return r;
        }
        moments_note(&plan->moments, MOMENT_PREPARED);
        r = credentials >= 0
                            ? create_with_credentials(connection, plan, xml, credentials, &domain, ret_error)
                            : virt_domain_create(connection, xml, &domain, ret_error);
        if (r < 0 && ret_error->code == ERROR_VOLUME_IN_USE)
                volumes_explain(plan, ret_error);
        if (r < 0)
                return r;
        if (watch && domain) {
                r = watch_narrow(watch, domain, ret_error);
                if (r < 0)
                        return r;
        }
        protocol_guard(0, NULL);
        moments_note(&plan->moments, MOMENT_CREATED);

        emit_moments(plan);
        protocol_emit("started", "%s", kvm ? "kvm" : "tcg");
        *ret_watch = g_steal_pointer(&watch);
        return 0;
}

/* -EPIPE without an Error: the runner went, and nobody wants to know any more. */
static int witness_end(Watch *watch, const char *uri, Error *ret_error)
{
        WatchEnding ending;
        int r;

        protocol_guard(0, NULL);
        r = watch_wait(watch, uri, UINT64_MAX, &ending, ret_error);
        if (r < 0)
                return r == -EPIPE ? 0 : r;

        protocol_emit("ended", "%s", watch_ending_to_string(ending));
        return 0;
}

static int open_credentials(const Definition *definition, int directory, int *ret_fd, Error *ret_error)
{
        g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
        int r;

        if (!definition_credentials(definition))
                return 0;

        r = credentials_open(definition, directory, notices, ret_fd, ret_error);
        for (guint i = 0; i < notices->len; i++)
                protocol_emit("notice", "%s", (const char *) notices->pdata[i]);
        return r;
}

int lifecycle_start(const char *name, int credentials_directory, Error *ret_error)
{
        _cleanup_close_ int credentials = -EBADF;
        g_autoptr(Plan) plan = NULL;
        g_autoptr(Watch) watch = NULL;
        uint64_t begun = (uint64_t) g_get_monotonic_time();
        gint64 deadline;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        plan->moments.at[MOMENT_HELPER_BEGAN] = begun;
        isolation_prepare(plan);
        protocol_emit("owner", "%u", plan->definition->owner);
        r = plan_resolve(plan, ret_error);
        if (r < 0)
                return r;
        if (plan->witness && virt_keeps_connection())
                return VIRT_NEEDS_EVENTS;
        emit_plan(plan);
        r = open_credentials(plan->definition, credentials_directory, &credentials, ret_error);
        if (r < 0)
                return r;

        moments_note(&plan->moments, MOMENT_PLANNED);
        deadline = g_get_monotonic_time() + START_WINDOW_USEC;
        for (;;) {
                _cleanup_error_ Error error = ERROR_INIT;

                r = start_once(plan, credentials, &watch, &error);
                if (r >= 0)
                        break;
                if (error.code != ERROR_LIBVIRT_UNAVAILABLE || g_get_monotonic_time() >= deadline) {
                        error_move(ret_error, &error);
                        return r;
                }
                protocol_emit("notice", "%s; trying again", error_message(&error, r));
                g_usleep(ATTEMPT_PAUSE_USEC);
        }

        /* A witness stays as long as the guest. */
        credentials = close_safe(credentials);
        return watch ? witness_end(watch, plan->conf->libvirt_uri, ret_error) : 0;
}

/* What is running can be watched and stopped also where somebody has broken shruthi.conf meanwhile. */
static char *find_uri(void)
{
        g_autoptr(Conf) conf = NULL;

        return g_strdup(conf_load(&conf, NULL) >= 0 ? conf->libvirt_uri : "qemu:///system");
}

/* A start whose asker was killed goes on in libvirt: until that has ended there is a domain and no guest. */
static bool is_alive(virDomainPtr domain)
{
        int state, reason;

        protocol_guard(START_GUARD, "start the unikernel");
        while (virDomainGetState(domain, &state, &reason, 0) >= 0 && state == VIR_DOMAIN_PAUSED &&
                        reason == VIR_DOMAIN_PAUSED_STARTING_UP)
                g_usleep(STARTING_PAUSE_USEC);

        return virDomainIsActive(domain) == 1;
}

int lifecycle_watch(const char *name, bool witness, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(Watch) watch = NULL;
        g_autofree char *uri = find_uri();
        char uuid[37];
        bool alive;
        int r;

        if (witness && virt_keeps_connection())
                return VIRT_NEEDS_EVENTS;
        r = plan_identity(name, uuid, ret_error);
        if (r < 0)
                return r;
        r = connect_guarded(uri, &connection, ret_error);
        if (r < 0)
                return r;

        /* Listening before looking: an end in between is seen. */
        if (witness) {
                r = watch_new(connection, name, uuid, &watch, ret_error);
                if (r < 0)
                        return r;
        }
        r = virt_domain_find(connection, name, uuid, &domain, ret_error);
        if (r < 0 && r != error_code_to_errno(ERROR_FOREIGN_DOMAIN))
                return r;

        alive = r > 0 && is_alive(domain);
        /* A start may have been cut off just before its end. */
        if (alive)
                (void) virt_domain_forget(connection, domain, NULL);
        protocol_emit("alive", "%s", alive ? "yes" : "no");
        if (!alive || !watch)
                return 0;

        r = watch_narrow(watch, domain, ret_error);
        if (r < 0)
                return r;
        return witness_end(watch, uri, ret_error);
}

/* 1: it ran and is gone, 0: there was none of ours. *met: libvirt let us in. */
static int stop_once(const char *uri, const char *name, const char *uuid, bool *met, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = connect_guarded(uri, &connection, ret_error);
        *met = r >= 0;
        if (r < 0)
                return r;

        protocol_guard(STOP_GUARD, "end the domain");
        r = virt_domain_find(connection, name, uuid, &domain, &error);
        if (error.message && error.code == ERROR_FOREIGN_DOMAIN) {
                protocol_emit("notice", "%s", error.message);
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

int lifecycle_stop(const char *name, Error *ret_error)
{
        g_autofree char *uri = NULL;
        gint64 deadline;
        char uuid[37];
        int r;

        r = plan_identity(name, uuid, ret_error);
        if (r < 0)
                return r;

        uri = find_uri();
        deadline = g_get_monotonic_time() + STOP_WINDOW_USEC;
        for (;;) {
                _cleanup_error_ Error error = ERROR_INIT;
                bool met;

                r = stop_once(uri, name, uuid, &met, &error);
                if (r >= 0)
                        break;
                /* One that did not even let us in for as long as a connection is tried for is not about to
                 * return, and our unit is ordered after it: whoever starts it waits for us. */
                if (!met || g_get_monotonic_time() >= deadline) {
                        error_move(ret_error, &error);
                        return r;
                }
                g_usleep(ATTEMPT_PAUSE_USEC);
        }

        protocol_emit("stopped", "%s", r > 0 ? "yes" : "no");
        return 0;
}

int lifecycle_sweep(const char *name, Error *ret_error)
{
        _cleanup_close_ int life = -EBADF;
        int r;

        r = life_lock(name, &life);
        if (r == -EBUSY || r == -ENOENT)
                return 0;
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED, "'%s/%s' cannot be locked: %s", paths_lives(), name,
                                g_strerror(-r));

        r = lifecycle_stop(name, ret_error);
        return r < 0 ? r : life_end(name);
}

int lifecycle_connect(Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autofree char *uri = find_uri();
        int r;

        r = connect_guarded(uri, &connection, ret_error);
        protocol_guard(0, NULL);
        return r;
}

/* For all that needs the definition and its addresses, but no image. */
static int load_and_connect(
                const char *name, Plan **ret_plan, virConnectPtr *ret_connection, Error *ret_error)
{
        g_autoptr(Plan) plan = NULL;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        r = connect_guarded(plan->conf->libvirt_uri, ret_connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(ADDRESSES_GUARD, "tell about its networks");
        *ret_plan = g_steal_pointer(&plan);
        return 0;
}

int lifecycle_arguments(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Plan) plan = NULL;
        int r;

        r = load_and_connect(name, &plan, &connection, ret_error);
        if (r >= 0)
                r = addresses_look(connection, plan, ret_error);
        if (r < 0)
                return r;

        return fputs(plan->arguments, stdout) == EOF || fflush(stdout) == EOF ? -errno : 0;
}

int lifecycle_allocate(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(Plan) plan = NULL;
        int r;

        r = load_and_connect(name, &plan, &connection, ret_error);
        return r < 0 ? r : addresses_take(connection, plan, ret_error);
}

int lifecycle_release(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autofree char *uri = find_uri();
        int r;

        r = connect_guarded(uri, &connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(ADDRESSES_GUARD, "take an address out of its networks");
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
        r = connect_and_format(plan, false, &connection, &kvm, &xml, ret_error);
        if (r < 0)
                return r;

        return fputs(xml, stdout) == EOF || fflush(stdout) == EOF ? -errno : 0;
}
