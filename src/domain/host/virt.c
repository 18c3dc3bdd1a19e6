/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connects to libvirt, and finds, creates and destroys domains. Called by all other files here that include
 * libvirt. */

#include "domain/host/virt.h"

#include <libvirt/virterror.h>
#include <malloc.h>
#include <string.h>

#include "common/conf.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "domain/xml/domain-xml.h"
#include "unikernel/host-network.h"

/* How long to retry a connection while libvirtd is down: a restart takes about a second. */
#define CONNECT_WAIT_USEC (8 * G_USEC_PER_SEC)
#define CONNECT_STEP_USEC (200 * 1000)

/* How long libvirt may take to forget a domain that has ended. */
#define GONE_WAIT_USEC (60 * G_USEC_PER_SEC)
#define GONE_STEP_USEC (5 * 1000)

/* The connection of a process that keeps it between requests. */
static struct {
        bool wanted;
        virConnectPtr connection;
        char *uri;
} kept;

/* The event loop: the thread that runs it while nobody waits for events. */
static struct {
        GThread *thread;
        int timer; /* ends the loop; -1 if not created yet */
        bool registered, ended;
} events = {.timer = -1};

static void on_error_ignore(void *data, virErrorPtr error)
{
}

void virt_keep_connection(void)
{
        kept.wanted = true;
}

bool virt_keeps_connection(void)
{
        return kept.wanted;
}

static void on_events_end(int timer, void *data)
{
        virEventUpdateTimeout(timer, -1);
        events.ended = true;
}

static void *events_run(void *data)
{
        while (!events.ended && virEventRunDefaultImpl() >= 0)
                ;

        return NULL;
}

void virt_answer_meanwhile(void)
{
        if (!events.registered || events.thread)
                return;

        /* No separate malloc arena for the thread: this process may live for as long as a guest runs. */
        (void) mallopt(M_ARENA_MAX, 1);
        events.ended = false;
        if (events.timer < 0)
                events.timer = virEventAddTimeout(-1, on_events_end, NULL, NULL);
        if (events.timer >= 0)
                events.thread = g_thread_try_new("events", events_run, NULL, NULL);
}

void virt_answer_here(void)
{
        if (!events.thread)
                return;

        virEventUpdateTimeout(events.timer, 0);
        (void) g_thread_join(g_steal_pointer(&events.thread));
}

int virt_setup(Error *ret_error)
{
        static bool done;

        if (done)
                return 0;

        virSetErrorFunc(NULL, on_error_ignore);
        /* An event loop that does not run between requests answers no keepalive, and libvirtd would close
         * the connection. Without a loop libvirt's client does not announce keepalives. */
        if (virInitialize() < 0 || (!kept.wanted && virEventRegisterDefaultImpl() < 0))
                return virt_error_set(ret_error, NULL, ERROR_LIBVIRT_UNAVAILABLE,
                                "Cannot set up libvirt's client");

        done = true;
        events.registered = !kept.wanted;
        virt_answer_meanwhile();
        return 0;
}

static bool error_is_connection(virConnectPtr connection, const virError *error)
{
        if (connection && virConnectIsAlive(connection) == 0)
                return true;

        switch (error ? error->code : VIR_ERR_OK) {
        case VIR_ERR_NO_CONNECT:
        case VIR_ERR_INVALID_CONN:
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_RPC:
                return true;
        default:
                return error && error->domain == VIR_FROM_RPC;
        }
}

int virt_error_set(Error *ret_error, virConnectPtr connection, ErrorCode code, const char *format, ...)
{
        const virError *error = virGetLastError();
        const char *message = error && error->message ? error->message : "unknown error";
        g_autofree char *text = NULL, *line = g_strdup(message);
        va_list ap;

        if (error_is_connection(connection, error))
                code = ERROR_LIBVIRT_UNAVAILABLE;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);

        /* QEMU's own output has several lines. */
        return error_set(ret_error, code, "%s: %s", text, g_strdelimit(g_strchomp(line), "\r\n", ' '));
}

/* Whether another attempt may help: the socket is missing, or libvirtd went away during a call. Waiting does
 * not help if access is denied. */
static bool error_is_passing(void)
{
        const virError *error = virGetLastError();

        if (!error)
                return false;
        if (error->code == VIR_ERR_SYSTEM_ERROR)
                return error->int1 != EACCES && error->int1 != EPERM;

        return error->domain == VIR_FROM_RPC &&
               (error->code == VIR_ERR_INTERNAL_ERROR || error->code == VIR_ERR_RPC);
}

bool virt_is_wanted(const char *uri)
{
        return g_strcmp0(uri, CONF_NO_LIBVIRT) != 0;
}

int virt_connect_apart(const char *uri, virConnectPtr *ret_connection, Error *ret_error)
{
        gint64 deadline = g_get_monotonic_time() + CONNECT_WAIT_USEC;

        if (!virt_is_wanted(uri) && paths_are_of_user())
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "A user's own unikernels have neither libvirt nor its networks: leave out "
                                "--user for those of the system");
        if (!virt_is_wanted(uri))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "This host has no libvirt (LibvirtURI=none in shruthi.conf), so it has no "
                                "virtual machines and no libvirt networks: use an image for Solo5's spt "
                                "target, on a bridge");
        for (;;) {
                virConnectPtr connection = virConnectOpen(uri);

                if (connection) {
                        *ret_connection = connection;
                        return 0;
                }
                if (!error_is_passing() || g_get_monotonic_time() >= deadline)
                        break;
                g_usleep(CONNECT_STEP_USEC);
        }

        return virt_error_set(
                        ret_error, NULL, ERROR_LIBVIRT_UNAVAILABLE, "Cannot connect to libvirt at %s", uri);
}

/* Whether there is a kept connection to uri, and libvirtd still answers on it. */
static bool kept_connection_is_good(const char *uri)
{
        unsigned long version;

        return kept.connection && g_strcmp0(kept.uri, uri) == 0 &&
               virConnectGetLibVersion(kept.connection, &version) >= 0;
}

int virt_connect(const char *uri, virConnectPtr *ret_connection, Error *ret_error)
{
        int r;

        if (!kept.wanted)
                return virt_connect_apart(uri, ret_connection, ret_error);

        if (!kept_connection_is_good(uri)) {
                virt_connection_unref(&kept.connection);
                r = virt_connect_apart(uri, &kept.connection, ret_error);
                if (r < 0)
                        return r;
                g_free(kept.uri);
                kept.uri = g_strdup(uri);
        }

        (void) virConnectRef(kept.connection);
        *ret_connection = kept.connection;
        return 0;
}

int virt_connect_if_wanted(const char *uri, virConnectPtr *ret_connection, Error *ret_error)
{
        if (virt_is_wanted(uri))
                return virt_connect(uri, ret_connection, ret_error);

        *ret_connection = NULL;
        return 0;
}

bool virt_has_machine(virConnectPtr connection, const DomainMachine *machine, const char *type)
{
        char *capabilities = virConnectGetDomainCapabilities(
                        connection, NULL, machine->arch, machine->type, type, 0);
        bool found = capabilities != NULL;

        free(capabilities);
        return found;
}

int virt_check_machine(virConnectPtr connection, const DomainMachine *machine, Error *ret_error)
{
        if (virt_has_machine(connection, machine, "qemu"))
                return 0;

        return virt_error_set(ret_error, connection, ERROR_NOT_SUPPORTED,
                        "QEMU does not support machine '%s' for %s; install %s, which is in package %s",
                        machine->type, machine->arch, machine->emulator, machine->packages);
}

void virt_forget_connection(void)
{
        virt_connection_unref(&kept.connection);
}

int virt_listen(virConnectPtr connection, virDomainPtr domain, virConnectDomainEventCallback on_event,
                void *data)
{
        /* libvirt accepts all kinds of callbacks as one type, and calls each with its own. */
        const union {
                virConnectDomainEventCallback typed;
                virConnectDomainEventGenericCallback any;
        } callback = {.typed = on_event};

        return virConnectDomainEventRegisterAny(
                        connection, domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE, callback.any, data, NULL);
}

char *virt_domain_metadata(virDomainPtr domain)
{
        return virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, SHRUTHI_METADATA_NAMESPACE, 0);
}

static int domain_check_ours(virConnectPtr connection, virDomainPtr domain, const char *name,
                const char *uuid, Error *ret_error)
{
        char found_uuid[VIR_UUID_STRING_BUFLEN] = "";
        const char *found_name = virDomainGetName(domain);
        g_autofree char *domain_name = g_strconcat(SHRUTHI_DOMAIN_PREFIX, name, NULL);
        char *metadata;
        bool ours;

        if (virDomainGetUUIDString(domain, found_uuid) < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED,
                                "Cannot read the UUID of domain '%s'", domain_name);

        metadata = virt_domain_metadata(domain);
        if (!metadata && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA)
                return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN
                                       ? 0
                                       : virt_error_set(ret_error, connection, ERROR_FAILED,
                                                         "Cannot read the metadata of domain '%s'",
                                                         domain_name);

        ours = domain_xml_metadata_is(metadata, name);
        free(metadata);
        if (ours && strcmp(found_uuid, uuid) == 0 && g_strcmp0(found_name, domain_name) == 0)
                return 1;

        return error_set(ret_error, ERROR_FOREIGN_DOMAIN,
                        "libvirt domain '%s' with UUID %s does not belong to SHRUTHI; inspect it with "
                        "'virsh dumpxml %s', and rename or remove it to run unikernel '%s'",
                        found_name, found_uuid, found_uuid, name);
}

int virt_domain_find(virConnectPtr connection, const char *name, const char *uuid, virDomainPtr *ret_domain,
                Error *ret_error)
{
        g_autofree char *domain_name = g_strconcat(SHRUTHI_DOMAIN_PREFIX, name, NULL);
        _cleanup_domain_ virDomainPtr domain = virDomainLookupByName(connection, domain_name);
        int r;

        if (!domain && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
                domain = virDomainLookupByUUIDString(connection, uuid);
        if (!domain)
                return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN
                                       ? 0
                                       : virt_error_set(ret_error, connection, ERROR_FAILED,
                                                         "Cannot look up domain '%s'", domain_name);

        r = domain_check_ours(connection, domain, name, uuid, ret_error);
        if (r <= 0)
                return r;

        *ret_domain = g_steal_pointer(&domain);
        return 1;
}

/* "Unable to add bridge BRIDGE port INTERFACE: Exchange full", by src/util/virnetdevbridge.c of libvirt. */
static int domain_refuse_full_bridge(const virError *error, Error *ret_error)
{
        const char *name = error->message ? strstr(error->message, "bridge ") : NULL;
        g_autofree char *bridge =
                        name ? g_strndup(name + strlen("bridge "), strcspn(name + strlen("bridge "), " "))
                             : NULL;
        g_autofree char *shown = bridge ? text_for_display(bridge, 40) : NULL;

        return error_set(ret_error, ERROR_START_FAILED,
                        "The bridge %s%s%sis full (%d interfaces); attach the unikernel to another bridge, "
                        "or detach others from it",
                        shown ? "'" : "of the unikernel ", shown ?: "", shown ? "' " : "", BRIDGE_PORTS_MAX);
}

static int domain_refuse_start(virConnectPtr connection, Error *ret_error)
{
        const virError *error = virGetLastError();

        /* block/file-posix.c of QEMU: 'Failed to get "write" lock', 'Failed to get shared "write" lock'. */
        if (error && error->message && strstr(error->message, "Failed to get ") &&
                        strstr(error->message, " lock"))
                return virt_error_set(ret_error, connection, ERROR_VOLUME_IN_USE,
                                "A volume of the unikernel is in use");

        /* libvirt runs tc(8) for this; src/util/virnetdevbandwidth.c of libvirt shows what it needs. */
        if (error && error->message && strstr(error->message, "Child process (tc "))
                return virt_error_set(ret_error, connection, ERROR_START_FAILED,
                                "The kernel cannot apply Bandwidth=: it needs the modules sch_htb, sch_sfq, "
                                "sch_ingress, cls_u32, cls_fw and act_police");

        if (error && error->code == VIR_ERR_SYSTEM_ERROR && error->int1 == EXFULL)
                return domain_refuse_full_bridge(error, ret_error);

        /* The kernel returns ENODEV for a missing bridge. */
        if (error && (error->code == VIR_ERR_NO_NETWORK ||
                                     (error->code == VIR_ERR_SYSTEM_ERROR && error->int1 == ENODEV)))
                return virt_error_set(ret_error, connection, ERROR_NO_SUCH_NETWORK,
                                "A network of the unikernel is missing on this host");

        if (error && error->domain == VIR_FROM_NETWORK && error->code == VIR_ERR_OPERATION_INVALID)
                return virt_error_set(ret_error, connection, ERROR_NO_SUCH_NETWORK,
                                "A libvirt network of the unikernel is not active ('virsh net-start')");

        return virt_error_set(
                        ret_error, connection, ERROR_START_FAILED, "libvirt could not start the unikernel");
}

int64_t virt_name_deadline(void)
{
        return g_get_monotonic_time() + GONE_WAIT_USEC;
}

bool virt_wait_for_name(int64_t deadline)
{
        const virError *error = virGetLastError();

        if (!error || error->code != VIR_ERR_OPERATION_FAILED || !error->message ||
                        !strstr(error->message, "is already being removed") ||
                        g_get_monotonic_time() >= deadline)
                return false;

        g_usleep(GONE_STEP_USEC);
        return true;
}

static int domain_create(virConnectPtr connection, const char *xml, unsigned flags, virDomainPtr *ret_domain,
                Error *ret_error)
{
        int64_t deadline = virt_name_deadline();
        virDomainPtr domain;

        do
                domain = virDomainCreateXML(connection, xml, flags);
        while (!domain && virt_wait_for_name(deadline));
        if (!domain)
                return domain_refuse_start(connection, ret_error);

        *ret_domain = domain;
        return 0;
}

int virt_domain_create(virConnectPtr connection, const char *xml, virDomainPtr *ret_domain, Error *ret_error)
{
        return domain_create(connection, xml, 0, ret_domain, ret_error);
}

int virt_domain_create_waiting(
                virConnectPtr connection, const char *xml, virDomainPtr *ret_domain, Error *ret_error)
{
        return domain_create(connection, xml, VIR_DOMAIN_START_PAUSED, ret_domain, ret_error);
}

static bool error_is_gone(void)
{
        int code = virGetLastErrorCode();

        return code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_OPERATION_INVALID;
}

/* Whether the guest has run, also if it has ended meanwhile. */
static bool domain_has_run(virDomainPtr domain)
{
        int state, reason;

        return virDomainGetState(domain, &state, &reason, 0) >= 0 ? state != VIR_DOMAIN_PAUSED
                                                                  : error_is_gone();
}

/* A guest that ends at once is gone before libvirt has QEMU's answer, and libvirt reports a failure. */
bool virt_domain_release(virDomainPtr domain)
{
        int state, reason;

        if (virDomainGetState(domain, &state, &reason, 0) < 0 || state != VIR_DOMAIN_PAUSED ||
                        reason != VIR_DOMAIN_PAUSED_USER)
                return false;

        return virDomainResume(domain) >= 0 || domain_has_run(domain);
}

int virt_domain_forget(virConnectPtr connection, virDomainPtr domain, Error *ret_error)
{
        const char *name = virDomainGetName(domain); /* read first: this call clears the last error */

        if (virDomainIsPersistent(domain) != 1 ||
                        virDomainUndefineFlags(domain,
                                        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                                                        VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA) >= 0 ||
                        error_is_gone())
                return 0;

        return virt_error_set(ret_error, connection, ERROR_STOP_FAILED,
                        "libvirt could not undefine domain '%s'", name);
}

int virt_domain_create_with(virConnectPtr connection, const char *xml, const char *group, int fd,
                virDomainPtr *ret_domain, Error *ret_error)
{
        int64_t deadline = virt_name_deadline();
        _cleanup_domain_ virDomainPtr domain = NULL;
        int r;

        do
                domain = virDomainDefineXML(connection, xml);
        while (!domain && virt_wait_for_name(deadline));
        if (!domain)
                return domain_refuse_start(connection, ret_error);
        if (virDomainFDAssociate(domain, group, 1, &fd, 0) < 0 || virDomainCreate(domain) < 0) {
                r = domain_refuse_start(connection, ret_error);
                (void) virt_domain_forget(connection, domain, NULL);
                return r;
        }

        r = virt_domain_forget(connection, domain, ret_error);
        if (r < 0)
                return r;

        *ret_domain = g_steal_pointer(&domain);
        return 0;
}

/* libvirt reports the end of a domain, and refuses to end it again, before it removes the domain from its
 * list: until then another UUID cannot use the name. */
static void domain_wait_until_forgotten(virDomainPtr domain)
{
        gint64 deadline = g_get_monotonic_time() + GONE_WAIT_USEC;
        int state, reason;

        /* If somebody has defined it by hand, it stays. */
        if (virDomainIsPersistent(domain) == 1)
                return;

        while (virDomainGetState(domain, &state, &reason, 0) >= 0 && state == VIR_DOMAIN_SHUTOFF &&
                        g_get_monotonic_time() < deadline)
                g_usleep(GONE_STEP_USEC);
}

int virt_domain_destroy(virConnectPtr connection, virDomainPtr domain, Error *ret_error)
{
        const char *name = virDomainGetName(domain);
        int r;

        /* Done first, so that an interruption between the two leaves just a running domain, as any start
         * may. */
        r = virt_domain_forget(connection, domain, ret_error);
        if (r < 0)
                return r;
        /* The latter is for a QEMU that does not exit within the time that libvirt waits after SIGTERM. */
        if (virDomainDestroyFlags(domain, VIR_DOMAIN_DESTROY_GRACEFUL) >= 0 || error_is_gone() ||
                        virDomainDestroy(domain) >= 0 || error_is_gone()) {
                domain_wait_until_forgotten(domain);
                return 0;
        }

        return virt_error_set(
                        ret_error, connection, ERROR_STOP_FAILED, "libvirt could not end domain '%s'", name);
}

int virt_domain_let_run(virConnectPtr connection, virDomainPtr domain, Error *ret_error)
{
        int r;

        if (virt_domain_release(domain))
                return 0;

        r = virt_error_set(ret_error, connection, ERROR_START_FAILED, "libvirt could not resume the guest");
        (void) virt_domain_destroy(connection, domain, NULL);
        return r;
}
