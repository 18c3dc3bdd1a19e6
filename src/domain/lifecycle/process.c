/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepares, stops and pauses guests that are processes. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/published-port.h"
#include "domain/host/antispoof-client.h"
#include "domain/host/protocol.h"
#include "domain/host/uplink-client.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "domain/network/addresses.h"
#include "domain/network/attachment.h"
#include "domain/network/isolation.h"
#include "domain/network/networks.h"
#include "domain/network/publication.h"
#include "domain/plan/volumes.h"
#include "helper/request.h"
#include "image/solo5-load.h"
#include "image/store.h"
#include "unikernel/liveness.h"
#include "unikernel/process.h"
#include "unikernel/run-dir.h"
#include "volume/lock.h"

#define END_MSEC 10000 /* until a process that was killed is gone: it may wait for a disk */

/* What is handed over. */
typedef struct Handover {
        GString *words;
        GArray *fds;      /* int, owned; the first is for the words */
        GPtrArray *ports; /* ProcessPort */
} Handover;

static void handover_clear(Handover *handover)
{
        g_string_free(handover->words, TRUE);
        for (guint i = 0; i < handover->fds->len; i++)
                (void) close_safe(g_array_index(handover->fds, int, i));
        g_array_unref(handover->fds);
        g_ptr_array_unref(handover->ports);
}
#define _cleanup_handover_ __attribute__((cleanup(handover_clear)))

__attribute__((format(printf, 2, 3)))
static void handover_add_word(Handover *handover, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        g_string_append_vprintf(handover->words, format, ap);
        va_end(ap);
        g_string_append_c(handover->words, '\0');
}

/* Takes ownership of fd; returns its number in the guest's process. */
static unsigned handover_add_fd(Handover *handover, int fd)
{
        g_array_append_val(handover->fds, fd);
        return HELPER_GUEST_FD_FIRST + handover->fds->len - 2;
}

/* The bridge of a network of libvirt, which is started if it is one of ours. */
static int network_find_attachment(virConnectPtr connection, const Plan *plan,
                const DefinitionDevice *device, const PlanNetwork *network, Attachment **ret_attachment,
                Error *ret_error)
{
        g_autoptr(Attachment) attachment = NULL;
        int r;

        r = device->network && connection ? networks_restore(connection, device->network, ret_error) : 0;
        if (r >= 0)
                r = attachment_find(connection, plan->conf, device->network, network->bridge, &attachment,
                                ret_error);
        if (r < 0)
                return r;
        if (!attachment->bridge)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': libvirt network '%s' is not on a Linux bridge, which a "
                                "unikernel that runs as a process needs; attach it to another network",
                                device->name, attachment->info->name);
        if (attachment->network && virNetworkIsActive(attachment->network) != 1)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': libvirt network '%s' is not active; start it with 'virsh "
                                "net-start %s'",
                                device->name, attachment->info->name, attachment->info->name);

        *ret_attachment = g_steal_pointer(&attachment);
        return 0;
}

unsigned process_number_of(const Plan *plan, const DefinitionDevice *device)
{
        const GPtrArray *devices = plan->definition->devices;
        unsigned number = 0;

        for (guint i = 0; devices->pdata[i] != device; i++)
                number += ((const DefinitionDevice *) devices->pdata[i])->kind == DEVICE_NETWORK;

        return number;
}

static int handover_add_network(Handover *handover, virConnectPtr connection, const Plan *plan,
                const DefinitionDevice *device, Error *ret_error)
{
        const PlanNetwork *network = plan_find_network(plan, device);
        g_autoptr(Attachment) attachment = NULL;
        AntispoofTap tap = {.rate_in = device->rate_in, .rate_out = device->rate_out};
        ProcessPort *port;
        unsigned mtu, number;
        int fd, r;

        r = network_find_attachment(connection, plan, device, network, &attachment, ret_error);
        if (r < 0)
                return r;

        g_strlcpy(tap.port.interface, network->interface, sizeof tap.port.interface);
        g_strlcpy(tap.port.bridge, attachment->bridge, sizeof tap.port.bridge);
        tap.port.isolated = attachment->info && attachment->info->isolated;
        r = antispoof_make_tap(&tap, &fd, &mtu, ret_error);
        if (r < 0)
                return isolation_refuse(device, r, ret_error);

        number = handover_add_fd(handover, fd);
        handover_add_word(
                        handover, "--network=%s=%u,mac=%s,mtu=%u", device->name, number, network->mac, mtu);
        port = g_new(ProcessPort, 1);
        *port = (ProcessPort){
                        .device = g_strdup(device->name),
                        .mac = g_strdup(network->mac),
                        .interface = g_strdup(tap.port.interface),
                        .bridge = g_strdup(tap.port.bridge),
                        .network = g_strdup(device->network),
                        .isolated = tap.port.isolated,
        };
        g_ptr_array_add(handover->ports, port);
        return 0;
}

/* A user's own unikernel has no bridge. */
static int handover_add_uplink(
                Handover *handover, const Plan *plan, const DefinitionDevice *device, Error *ret_error)
{
        const PlanNetwork *network = plan_find_network(plan, device);
        g_autoptr(GArray) ports = published_ports_split(device->publish);
        UplinkRequest request = {
                        .unikernel = plan->definition->name,
                        .device = device->name,
                        .number = process_number_of(plan, device),
                        .ports = ports,
        };
        int fd, r;

        r = uplink_make(&request, &fd, ret_error);
        if (r >= 0)
                handover_add_word(handover, "--network=%s=%u,mac=%s,mtu=%d", device->name,
                                handover_add_fd(handover, fd), network->mac, UPLINK_MTU);
        return r;
}

/* Another user's file, and one outside of the state directory, cannot be opened, or not be written, from
 * here, where QEMU could. */
static int volume_open(const DefinitionDevice *device, const char *path, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = open(path, (device->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY);
        int r;

        if (fd < 0 && device->stored)
                return error_set_errno(ret_error, -errno, "Volume '%s' cannot be opened", device->stored);
        if (fd < 0)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "%s:%u: volume '%s' is at %s, which cannot be opened: %s. A unikernel that "
                                "runs as a process can use stored volumes, and files that user shruthi may "
                                "read (ReadOnly=yes); import it with 'shruthictl volume import'",
                                device->file, device->line, device->name, path, g_strerror(errno));
        r = device->read_only ? disk_lock_read(fd) : disk_lock_write(fd);
        if (r == -EAGAIN)
                return error_set(ret_error, ERROR_VOLUME_IN_USE,
                                "Volume '%s' is used by another program: stop that first, or set "
                                "ReadOnly=yes in all that use it",
                                device->stored ?: device->name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Volume '%s' cannot be locked",
                                device->stored ?: device->name);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int handover_add_volume(
                Handover *handover, const Plan *plan, guint i, int credentials, Error *ret_error)
{
        const DefinitionDevice *device = plan->attached->pdata[i];
        int fd = -EBADF, r = 0;

        if (device->credentials) {
                fd = fcntl(credentials, F_DUPFD_CLOEXEC, 0);
                if (fd < 0)
                        r = error_set_errno(ret_error, -errno, "The key material cannot be handed over");
        } else
                r = volume_open(device, plan->devices[i].path, &fd, ret_error);
        if (r < 0)
                return r;

        handover_add_word(handover, "--block=%s=%u", device->name, handover_add_fd(handover, fd));
        return 0;
}

static int handover_add_devices(Handover *handover, virConnectPtr connection, const Plan *plan,
                int credentials, Error *ret_error)
{
        for (guint i = 0; i < plan->attached->len; i++) {
                const DefinitionDevice *device = plan->attached->pdata[i];
                int r;

                if (device->kind != DEVICE_NETWORK)
                        r = handover_add_volume(handover, plan, i, credentials, ret_error);
                else if (paths_are_of_user())
                        r = handover_add_uplink(handover, plan, device, ret_error);
                else
                        r = handover_add_network(handover, connection, plan, device, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int handover_write_words(Handover *handover, Error *ret_error)
{
        _cleanup_close_ int fd = memfd_create("shruthi-tender", MFD_CLOEXEC);
        int r;

        r = fd < 0 ? -errno : write_all(fd, handover->words->str, handover->words->len);
        if (r < 0)
                return error_set_errno(ret_error, r, "The guest's command line cannot be handed over");

        g_array_index(handover->fds, int, 0) = TAKE_FD(fd);
        return 0;
}

static int handover_fill(Handover *handover, virConnectPtr connection, const Plan *plan, int credentials,
                Error *ret_error)
{
        int none = -EBADF, image, r;

        g_array_append_val(handover->fds, none);
        r = store_open(plan->digest, &image, ret_error);
        if (r < 0)
                return r;
        handover_add_word(handover, "--image=%u", handover_add_fd(handover, image));
        handover_add_word(handover, "--memory=%" PRIu64, plan->memory & ~(SOLO5_PAGE_SIZE - 1));
        /* The runner asks for it: we have not got it (kvm/protocol.h). */
        if (image_needs_kvm(plan->image))
                handover_add_word(handover, "%s", HELPER_WORD_KVM);
        if (image_needs_kvm(plan->image) && plan->conf->network_ring)
                handover_add_word(handover, "--ring");
        r = handover_add_devices(handover, connection, plan, credentials, ret_error);
        if (r < 0)
                return r;
        handover_add_word(handover, "--");
        if (plan->arguments[0])
                handover_add_word(handover, "%s", plan->arguments);

        return handover_write_words(handover, ret_error);
}

/* libvirt is asked about networks, also about a bridge, which may be of one of them: then addresses, names
 * and isolation are that network's. And it is asked to end a domain that the last start may have left. */
static bool plan_needs_libvirt(const Plan *plan)
{
        for (guint i = 0; i < plan->definition->devices->len; i++)
                if (((const DefinitionDevice *) plan->definition->devices->pdata[i])->kind == DEVICE_NETWORK)
                        return true;

        return run_dir_may_have_domain(plan->definition->name);
}

static int end_left_domain(virConnectPtr connection, const Plan *plan, Error *ret_error)
{
        _cleanup_domain_ virDomainPtr domain = NULL;
        const char *name = plan->definition->name;
        int r;

        if (!connection || !run_dir_may_have_domain(name))
                return 0;

        r = virt_domain_find(connection, name, plan->uuid, &domain, ret_error);
        if (r > 0)
                r = virt_domain_destroy(connection, domain, ret_error);
        return r;
}

static int attach(Plan *plan, virConnectPtr *ret_connection, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        int r;

        r = plan_needs_libvirt(plan)
                            ? lifecycle_open_if_wanted(plan->conf->libvirt_uri, &connection, ret_error)
                            : 0;
        if (r >= 0)
                r = end_left_domain(connection, plan, ret_error);
        if (r < 0)
                return r;
        timestamps_record(&plan->timestamps, TIMESTAMP_CONNECTED);

        protocol_guard(ADDRESSES_GUARD, "list its networks");
        r = addresses_acquire(connection, plan, ret_error);
        if (r < 0)
                return r;
        timestamps_record(&plan->timestamps, TIMESTAMP_ADDRESSED);
        if (paths_are_of_user())
                return 0;
        r = isolation_apply_to_process(plan, ret_error);
        if (r < 0)
                return r;
        r = publication_apply(connection, plan, ret_error);
        if (r < 0)
                return r;

        *ret_connection = g_steal_pointer(&connection);
        return 0;
}

int process_attach(Plan *plan, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;

        return attach(plan, &connection, ret_error);
}

int process_start(Plan *plan, int credentials, Error *ret_error)
{
        _cleanup_handover_ Handover handover = {
                        .words = g_string_new(NULL),
                        .fds = g_array_new(FALSE, FALSE, sizeof(int)),
                        .ports = g_ptr_array_new_with_free_func(process_port_destroy),
        };
        _cleanup_connection_ virConnectPtr connection = NULL;
        g_autoptr(GArray) turns = NULL;
        int r;

        r = volumes_acquire(plan, &turns, ret_error);
        if (r >= 0)
                r = attach(plan, &connection, ret_error);
        if (r < 0)
                return r;
        timestamps_record(&plan->timestamps, TIMESTAMP_PREPARED);
        r = handover_fill(&handover, connection, plan, credentials, ret_error);
        if (r >= 0)
                r = process_write(plan->definition->name, handover.ports);
        if (r >= 0)
                r = protocol_hand_over((const int *) handover.fds->data, handover.fds->len);
        if (r < 0) {
                if (!paths_are_of_user())
                        publication_withdraw(plan);
                return ret_error->message ? r
                                          : error_set_errno(ret_error, r,
                                                            "The guest cannot be handed to its runner");
        }

        return 0;
}

static int process_signal(const char *name, int signal_number, const char *what, Error *ret_error)
{
        _cleanup_close_ int pidfd = -EBADF;
        pid_t pid;
        int r;

        r = process_find(name, &pid, &pidfd);
        if (r == -ESRCH || r == -ENOENT)
                return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);
        if (r >= 0 && syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) < 0)
                r = -errno;

        return r < 0 ? error_set_errno(ret_error, r, "Cannot %s unikernel '%s'", what, name) : 0;
}

/* Its runner is told, as of what happens to a domain. */
static void process_report(const char *name, DomainEvent event, const char *detail)
{
        char text[DOMAIN_EVENT_LINE_MAX];
        _cleanup_close_ int fd = -EBADF;

        if (liveness_watch(name, &fd) < 0)
                return;
        domain_event_format(event, detail, (uint64_t) g_get_monotonic_time(), text);
        liveness_notify(fd, text);
}

int process_pause(const char *name, Error *ret_error)
{
        int r = process_signal(name, SIGSTOP, "pause", ret_error);

        if (r >= 0)
                process_report(name, DOMAIN_EVENT_PAUSED, "signal");
        return r;
}

int process_resume(const char *name, Error *ret_error)
{
        int r = process_signal(name, SIGCONT, "resume", ret_error);

        if (r >= 0)
                process_report(name, DOMAIN_EVENT_RUNNING, NULL);
        return r;
}

/* SIGKILL, since it has nothing to do before its end, and may be paused. */
int process_stop(const char *name, Error *ret_error)
{
        _cleanup_close_ int pidfd = -EBADF;
        struct pollfd end = {.events = POLLIN};
        pid_t pid;
        int r;

        r = process_find(name, &pid, &pidfd);
        if (r == -ESRCH || r == -ENOENT)
                return 0;
        if (r >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
                r = errno == ESRCH ? 0 : -errno;
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot end the process of unikernel '%s'", name);

        end.fd = pidfd;
        r = poll(&end, 1, END_MSEC);
        if (r > 0)
                return 1;

        return error_set(ret_error, ERROR_STOP_FAILED,
                        "The process %d of unikernel '%s' was killed and does not end; does it wait for a "
                        "disk that hangs?",
                        pid, name);
}

bool process_is_alive(const char *name)
{
        _cleanup_close_ int pidfd = -EBADF;
        pid_t pid;

        return process_find(name, &pid, &pidfd) >= 0;
}

GPtrArray *lifecycle_process_ports(const char *name, char ***ret_devices)
{
        g_autoptr(GPtrArray) ports = process_read_ports(name);
        GPtrArray *found = domain_ports_new();
        g_autoptr(GStrvBuilder) devices = g_strv_builder_new();

        for (guint i = 0; i < ports->len; i++) {
                const ProcessPort *port = ports->pdata[i];
                DomainPort *one = g_new(DomainPort, 1);

                *one = (DomainPort){
                                .interface = g_strdup(port->interface),
                                .mac = g_strdup(port->mac),
                                .network = g_strdup(port->network),
                                .bridge = g_strdup(port->bridge),
                                .isolated = port->isolated,
                };
                g_ptr_array_add(found, one);
                g_strv_builder_add(devices, port->device);
        }
        if (ret_devices)
                *ret_devices = g_strv_builder_end(devices);

        return found;
}
