/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A domain's lifecycle events, across restarts of libvirtd. Called by start.c and lifecycle.c for guests
 * that print no exit message, and by host-probe.c. */

#include "domain/lifecycle/watch.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/string-util.h"
#include "domain/host/virt.h"

/* The pause between attempts to reach a libvirtd that is gone; each attempt itself takes a while. */
#define RECONNECT_PAUSE_USEC (2 * G_USEC_PER_SEC)

struct Watch {
        virConnectPtr connection;
        char *name;
        char *uuid;
        int callback; /* for this domain or for all; -1 if none */
        int timer;    /* of the current wait; -1 if none */
        int reader;   /* watches the reader of standard output; -1 if not watched */
        bool suspended, lost, timed_out, unread;
        WatchEnding ending; /* _WATCH_ENDING_INVALID if not yet ended */
};

static const char *const watch_ending_table[_WATCH_ENDING_MAX] = {
                [WATCH_SHUTDOWN] = "shutdown",
                [WATCH_DESTROYED] = "destroyed",
                [WATCH_CRASHED] = "crashed",
                [WATCH_FAILED] = "failed",
                [WATCH_SAVED] = "saved",
                [WATCH_UNKNOWN] = "unknown",
};

DEFINE_STRING_TABLE(watch_ending, WatchEnding, watch_ending_table, _WATCH_ENDING_MAX)

static WatchEnding ending_from_detail(int detail)
{
        switch (detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
                return WATCH_SHUTDOWN;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
                return WATCH_DESTROYED;
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
                return WATCH_CRASHED;
        case VIR_DOMAIN_EVENT_STOPPED_FAILED:
                return WATCH_FAILED;
        case VIR_DOMAIN_EVENT_STOPPED_SAVED:
                return WATCH_SAVED;
        default:
                return WATCH_UNKNOWN;
        }
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *data)
{
        char uuid[VIR_UUID_STRING_BUFLEN];
        Watch *watch = data;

        /* Compare the UUID, not the name: a foreign domain may have our name. */
        if (virDomainGetUUIDString(domain, uuid) < 0 || strcmp(uuid, watch->uuid) != 0)
                return 0;

        if (event == VIR_DOMAIN_EVENT_SUSPENDED)
                watch->suspended = true;
        else if (event == VIR_DOMAIN_EVENT_STOPPED && watch->ending < 0)
                watch->ending = ending_from_detail(detail);

        return 0;
}

static void on_closed(virConnectPtr connection, int reason, void *data)
{
        Watch *watch = data;

        watch->lost = true;
}

static void on_timeout(int timer, void *data)
{
        Watch *watch = data;

        watch->timed_out = true;
}

/* If the reader closes the pipe, our end reports it. */
static void on_output(int id, int fd, int events, void *data)
{
        Watch *watch = data;

        watch->unread = true;
}

static int watch_register(virConnectPtr connection, virDomainPtr domain, Watch *watch, Error *ret_error)
{
        int id = virt_listen(connection, domain, on_lifecycle, watch);

        if (id < 0)
                return virt_error_set(
                                ret_error, connection, ERROR_FAILED, "Cannot listen to libvirt's events");

        return id;
}

static void watch_detach(Watch *watch)
{
        if (!watch->connection)
                return;

        if (watch->callback >= 0)
                (void) virConnectDomainEventDeregisterAny(watch->connection, watch->callback);
        watch->callback = -1;
        (void) virConnectUnregisterCloseCallback(watch->connection, on_closed);
        virt_connection_unref(&watch->connection);
}

static int watch_attach(Watch *watch, virConnectPtr connection, virDomainPtr domain, Error *ret_error)
{
        int id;

        if (virConnectRegisterCloseCallback(connection, on_closed, watch, NULL) < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED,
                                "Cannot watch the connection to libvirt");
        (void) virConnectRef(connection);
        watch->connection = connection;
        watch->lost = false;

        id = watch_register(connection, domain, watch, ret_error);
        if (id < 0)
                return id;
        watch->callback = id;

        return 0;
}

int watch_new(virConnectPtr connection, const char *name, const char *uuid, Watch **ret_watch,
                Error *ret_error)
{
        g_autoptr(Watch) watch = g_new(Watch, 1);
        int r;

        *watch = (Watch){.name = g_strdup(name),
                        .uuid = g_strdup(uuid),
                        .callback = -1,
                        .timer = -1,
                        .reader = -1,
                        .ending = _WATCH_ENDING_INVALID};
        r = watch_attach(watch, connection, NULL, ret_error);
        if (r < 0)
                return r;

        *ret_watch = g_steal_pointer(&watch);
        return 0;
}

int watch_narrow(Watch *watch, virDomainPtr domain, Error *ret_error)
{
        int id;

        /* Register for the one before deregistering the other, so nothing is missed. */
        id = watch_register(watch->connection, domain, watch, ret_error);
        if (id < 0)
                return id;

        (void) virConnectDomainEventDeregisterAny(watch->connection, watch->callback);
        watch->callback = id;
        return 0;
}

/* libvirtd went away: whether the domain still exists shows what happened meanwhile. */
static int watch_reconnect(Watch *watch, const char *uri)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        int r;

        watch_detach(watch);
        r = virt_connect(uri, &connection, NULL);
        if (r < 0)
                return r;

        r = virt_domain_find(connection, watch->name, watch->uuid, &domain, NULL);
        if (r < 0 && r != error_code_to_errno(ERROR_FOREIGN_DOMAIN))
                return r;
        if (r <= 0) {
                watch->ending = WATCH_UNKNOWN;
                return 0;
        }

        r = watch_attach(watch, connection, domain, NULL);
        if (r < 0)
                return r;

        /* It may have ended between the check and the registration. */
        if (virDomainIsActive(domain) == 0)
                watch->ending = WATCH_UNKNOWN;

        return 0;
}

static bool output_is_read(void)
{
        struct pollfd pollfd = {.fd = STDOUT_FILENO};

        return poll(&pollfd, 1, 0) <= 0 || !(pollfd.revents & (POLLERR | POLLHUP | POLLNVAL));
}

static int watch_wait_here(Watch *watch, const char *uri, uint64_t timeout_usec, WatchEnding *ret_ending,
                Error *ret_error)
{
        if (watch->timer < 0 && timeout_usec != UINT64_MAX)
                watch->timer = virEventAddTimeout((int) (timeout_usec / 1000), on_timeout, watch, NULL);
        if (watch->reader < 0)
                watch->reader = virEventAddHandle(STDOUT_FILENO,
                                VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP, on_output, watch, NULL);

        while (watch->ending < 0) {
                if (watch->unread)
                        return -EPIPE;
                if (watch->timed_out)
                        return -ETIMEDOUT;
                if (watch->lost || !watch->connection) {
                        if (watch_reconnect(watch, uri) < 0) {
                                if (!output_is_read())
                                        return -EPIPE;
                                g_usleep(RECONNECT_PAUSE_USEC);
                        }
                        continue;
                }
                if (virEventRunDefaultImpl() < 0)
                        return virt_error_set(ret_error, watch->connection, ERROR_FAILED,
                                        "libvirt's event loop failed");
        }

        *ret_ending = watch->ending;
        return 0;
}

int watch_wait(Watch *watch, const char *uri, uint64_t timeout_usec, WatchEnding *ret_ending,
                Error *ret_error)
{
        int r;

        virt_answer_here();
        r = watch_wait_here(watch, uri, timeout_usec, ret_ending, ret_error);
        virt_answer_meanwhile();
        return r;
}

bool watch_saw_suspension(const Watch *watch)
{
        return watch->suspended;
}

Watch *watch_free(Watch *watch)
{
        if (!watch)
                return NULL;

        /* From here on no callback is running. */
        virt_answer_here();
        watch_detach(watch);
        if (watch->timer >= 0)
                (void) virEventRemoveTimeout(watch->timer);
        if (watch->reader >= 0)
                (void) virEventRemoveHandle(watch->reader);
        g_free(watch->name);
        g_free(watch->uuid);
        g_free(watch);
        virt_answer_meanwhile();
        return NULL;
}
