/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to our domains: pause, resume, and above all how they end, about which libvirt's own events
 * say less than QEMU's (they report a reset as a power-off). Called by serve.c after a fork. */

#include "domain/service/observer.h"

#include <glib.h>
#include <libvirt/libvirt-qemu.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/names.h"
#include "domain/host/virt.h"
#include "domain/plan/plan.h"
#include "domain/service/domain-end.h"
#include "unikernel/liveness.h"

#define PAUSE_USEC (2 * G_USEC_PER_SEC) /* between attempts to reach libvirtd */

typedef struct ObservedDomain {
        bool changed;    /* its state must be read */
        const char *end; /* how its run ended, as far as is known (domain-end.h) */
} ObservedDomain;

typedef struct Observer {
        int out;
        bool lost, unread;
        GHashTable *domains; /* unikernel's name → ObservedDomain */
} Observer;

/* Returns NULL if the domain is not ours, by name and UUID. */
static const char *domain_unikernel(virDomainPtr domain)
{
        const char *name = virDomainGetName(domain);
        char found[VIR_UUID_STRING_BUFLEN], expected[37];

        if (!name || !g_str_has_prefix(name, SHRUTHI_DOMAIN_PREFIX))
                return NULL;

        name += strlen(SHRUTHI_DOMAIN_PREFIX);
        if (plan_identity(name, expected, NULL) < 0 || virDomainGetUUIDString(domain, found) < 0 ||
                        strcmp(found, expected) != 0)
                return NULL;
        return name;
}

static ObservedDomain *observer_find_domain(Observer *observer, const char *name)
{
        ObservedDomain *seen = g_hash_table_lookup(observer->domains, name);

        if (!seen) {
                seen = g_new0(ObservedDomain, 1);
                g_hash_table_insert(observer->domains, g_strdup(name), seen);
        }
        return seen;
}

static void observer_report(Observer *observer, const char *name, DomainEvent word, const char *detail)
{
        char text[DOMAIN_EVENT_LINE_MAX];
        g_autofree char *packet = NULL;

        domain_event_format(word, detail, (uint64_t) g_get_monotonic_time(), text);
        packet = g_strdup_printf("%s %s", name, text);
        if (send(observer->out, packet, strlen(packet), MSG_NOSIGNAL) < 0)
                observer->unread = true;
}

/* From libvirt's event alone, if QEMU could not report anything. */
static const char *domain_end_from_detail(int detail)
{
        switch (detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
                return DOMAIN_END_POWERED_OFF;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
        case VIR_DOMAIN_EVENT_STOPPED_FAILED:
                return DOMAIN_END_DESTROYED;
        case VIR_DOMAIN_EVENT_STOPPED_SAVED:
                return DOMAIN_END_SAVED;
        default:
                return DOMAIN_END_UNKNOWN;
        }
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *data)
{
        const char *name = domain_unikernel(domain);
        Observer *observer = data;

        if (!name)
                return 0;

        switch (event) {
        case VIR_DOMAIN_EVENT_STARTED:
                observer_find_domain(observer, name)->end = NULL;
                observer_find_domain(observer, name)->changed = true;
                break;
        case VIR_DOMAIN_EVENT_SUSPENDED:
        case VIR_DOMAIN_EVENT_RESUMED:
                observer_find_domain(observer, name)->changed = true;
                break;
        case VIR_DOMAIN_EVENT_STOPPED:
                observer_report(observer, name, DOMAIN_EVENT_ENDED,
                                domain_end_take_stopped(&observer_find_domain(observer, name)->end,
                                                domain_end_from_detail(detail)));
                g_hash_table_remove(observer->domains, name);
                break;
        default:
                break;
        }
        return 0;
}

/* QEMU's own SHUTDOWN and RESET. */
static void on_monitor(virConnectPtr connection, virDomainPtr domain, const char *event, long long seconds,
                unsigned micros, const char *details, void *data)
{
        const char *name = domain_unikernel(domain), *end;
        Observer *observer = data;

        if (!name || !details)
                return;

        end = domain_end_take_monitor(&observer_find_domain(observer, name)->end, event, details);
        if (end)
                observer_report(observer, name, DOMAIN_EVENT_ENDED, end);
}

static void on_closed(virConnectPtr connection, int reason, void *data)
{
        ((Observer *) data)->lost = true;
}

static void on_output(int id, int fd, int events, void *data)
{
        ((Observer *) data)->unread = true;
}

/* Returns NULL if it is not a pause, but a start or an end. */
static const char *domain_pause_reason(int reason)
{
        switch (reason) {
        case VIR_DOMAIN_PAUSED_USER:
                return "user";
        case VIR_DOMAIN_PAUSED_IOERROR:
                return "io-error";
        case VIR_DOMAIN_PAUSED_WATCHDOG:
                return "watchdog";
        case VIR_DOMAIN_PAUSED_CRASHED:
                return "crashed";
        case VIR_DOMAIN_PAUSED_MIGRATION:
        case VIR_DOMAIN_PAUSED_SAVE:
        case VIR_DOMAIN_PAUSED_DUMP:
        case VIR_DOMAIN_PAUSED_FROM_SNAPSHOT:
        case VIR_DOMAIN_PAUSED_SNAPSHOT:
                return "saving";
        case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
        case VIR_DOMAIN_PAUSED_STARTING_UP:
                return NULL;
        default:
                return "unknown";
        }
}

static void observer_ask_state(Observer *observer, virConnectPtr connection, const char *name)
{
        g_autofree char *domain_name = g_strconcat(SHRUTHI_DOMAIN_PREFIX, name, NULL);
        _cleanup_domain_ virDomainPtr domain = virDomainLookupByName(connection, domain_name);
        int state, reason;

        if (!domain || virDomainGetState(domain, &state, &reason, 0) < 0)
                return;
        if (state == VIR_DOMAIN_RUNNING)
                observer_report(observer, name, DOMAIN_EVENT_RUNNING, NULL);
        else if (state == VIR_DOMAIN_PAUSED && domain_pause_reason(reason))
                observer_report(observer, name, DOMAIN_EVENT_PAUSED, domain_pause_reason(reason));
}

/* Runs outside of the callbacks, which must not call libvirt. The state in an event may be outdated, so the
 * current one is read. */
static void observer_ask_states(Observer *observer, virConnectPtr connection)
{
        GHashTableIter iter;
        gpointer name, value;

        g_hash_table_iter_init(&iter, observer->domains);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
                ObservedDomain *seen = value;

                if (!seen->changed)
                        continue;
                seen->changed = false;
                if (!seen->end)
                        observer_ask_state(observer, connection, name);
        }
}

static void observer_list(Observer *observer, virConnectPtr connection)
{
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

        g_hash_table_remove_all(observer->domains);
        for (int i = 0; i < n; i++) {
                const char *name = domain_unikernel(domains[i]);

                if (name)
                        observer_find_domain(observer, name)->changed = true;
                (void) virDomainFree(domains[i]);
        }
        free(domains);
}

/* Returns when libvirtd is gone, or nobody listens. */
static void observer_listen(Observer *observer, virConnectPtr connection)
{
        observer->lost = false;
        if (virConnectRegisterCloseCallback(connection, on_closed, observer, NULL) < 0)
                return;
        if (virt_listen(connection, NULL, on_lifecycle, observer) >= 0 &&
                        virConnectDomainQemuMonitorEventRegister(connection, NULL, "^(SHUTDOWN|RESET)$",
                                        on_monitor, observer, NULL,
                                        VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX) >= 0) {
                /* Listens before it reads, so nothing is missed. */
                observer_list(observer, connection);
                while (!observer->lost && !observer->unread) {
                        observer_ask_states(observer, connection);
                        if (virEventRunDefaultImpl() < 0)
                                break;
                }
        }
        (void) virConnectUnregisterCloseCallback(connection, on_closed);
}

void observer_run(int out)
{
        Observer observer = {.out = out,
                        .domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};

        /* For process lists: it is not a worker of the pool. */
        (void) prctl(PR_SET_NAME, "shruthi-observe");
        if (virt_setup(NULL) < 0 || virEventAddHandle(out, VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP,
                                                    on_output, &observer, NULL) < 0)
                return;
        virt_answer_here();

        while (!observer.unread) {
                _cleanup_connection_ virConnectPtr connection = NULL;
                g_autofree char *uri = plan_find_uri();
                struct pollfd pollfd = {.fd = out};

                if (virt_is_wanted(uri) && virt_connect(uri, &connection, NULL) >= 0)
                        observer_listen(&observer, connection);
                if (!observer.unread)
                        observer.unread = poll(&pollfd, 1, (int) (PAUSE_USEC / 1000)) > 0;
        }
        g_hash_table_unref(observer.domains);
}
