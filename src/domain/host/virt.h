/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "common/error.h"
#include "domain/xml/machine.h"

/* The folder host/ owns how shruthi-domain talks to what surrounds it: libvirt (virt.h), the services
 * shruthi-antispoof and shruthi-neighbours (their clients), whoever runs a verb (protocol.h), and the host's
 * own files (bridges.h, path-access.h, swap-check.h, probe-state.h). It decides nothing. Every folder of
 * src/domain but xml/ may call it.
 *
 * The calls to libvirt, with its errors turned into ours. Used by shruthi-domain alone, whose processes are
 * single-threaded. LIBVIRT_UNAVAILABLE always means that libvirt itself is not there, stopped answering or
 * does not let us in; all else is about the domain. */

/* For scope. A NULL is fine. */
static inline void virt_connection_unref(virConnectPtr *connection)
{
        if (*connection)
                (void) virConnectClose(*connection);
        *connection = NULL;
}

static inline void virt_domain_unref(virDomainPtr *domain)
{
        if (*domain)
                (void) virDomainFree(*domain);
        *domain = NULL;
}

#define _cleanup_connection_ __attribute__((cleanup(virt_connection_unref)))
#define _cleanup_domain_     __attribute__((cleanup(virt_domain_unref)))

/* Before any other: silences libvirt's own messages on standard error and installs its event loop. */
int virt_setup(Error *ret_error);

/* libvirtd hangs up on a client that answers no keepalive for half a minute (keepalive_interval= in its
 * configuration), which is what one looks like that does something else for so long; on a slow host a start
 * does. So from virt_setup() on a thread runs the event loop, callbacks with it, until virt_answer_here():
 * who waits for events runs it then, and calls virt_answer_meanwhile() when it does no longer. */
void virt_answer_here(void);
void virt_answer_meanwhile(void);

/* Before virt_setup(), for a process that does one thing after another: its connection is kept, and proved
 * at each use. It has no event loop; what needs one returns VIRT_NEEDS_EVENTS without an Error, and does so
 * before it changes anything. */
void virt_keep_connection(void);
bool virt_keeps_connection(void);
void virt_forget_connection(void);
#define VIRT_NEEDS_EVENTS (-EUNATCH)

/* Whether libvirt finds a QEMU that has the machine, by type: "qemu" (emulated) or "kvm". If not, libvirt's
 * last error says why. */
bool virt_has_machine(virConnectPtr connection, const DomainMachine *machine, const char *type);

/* Whether it finds one that emulates it: NOT_SUPPORTED with the package that is missing. */
int virt_check_machine(virConnectPtr connection, const DomainMachine *machine, Error *ret_error);

/* Connects, waiting some seconds where libvirtd is just being restarted. The second gives one that is nobody
 * else's. */
int virt_connect(const char *uri, virConnectPtr *ret_connection, Error *ret_error);
int virt_connect_apart(const char *uri, virConnectPtr *ret_connection, Error *ret_error);

/* libvirt's last error as ours: "FORMAT: libvirt's message", code being LIBVIRT_UNAVAILABLE instead where
 * the connection is what failed. connection may be NULL. Returns the negative errno. */
int virt_error_set(Error *ret_error, virConnectPtr connection, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* The domain of the unikernel NAME, told by name, UUID and metadata: 1 and *ret_domain where there is one, 0
 * where there is none. FOREIGN_DOMAIN where the name or the UUID is taken by one that is not ours. */
int virt_domain_find(virConnectPtr connection, const char *name, const char *uuid, virDomainPtr *ret_domain,
                Error *ret_error);

/* Starts a transient domain. START_FAILED with QEMU's and libvirt's words, NO_SUCH_NETWORK where a bridge or
 * a network is missing. */
int virt_domain_create(
                virConnectPtr connection, const char *xml, virDomainPtr *ret_domain, Error *ret_error);

/* The same, but the guest does not run before it is released: false where it is not one that waits. */
int virt_domain_create_waiting(
                virConnectPtr connection, const char *xml, virDomainPtr *ret_domain, Error *ret_error);
bool virt_domain_release(virDomainPtr domain);

/* Releases one that was just made so; ends it where that fails, which is START_FAILED. */
int virt_domain_let_run(virConnectPtr connection, virDomainPtr domain, Error *ret_error);

/* The same for XML whose disk names the group of descriptors: libvirt hands fd over to QEMU, and keeps it
 * until the connection is closed. libvirt 9.0 does that for defined domains only, so it is defined for as
 * long as the start takes. */
int virt_domain_create_with(virConnectPtr connection, const char *xml, const char *group, int fd,
                virDomainPtr *ret_domain, Error *ret_error);

/* A domain that was left defined when the above was cut off: it is no longer, whether it runs or not. */
int virt_domain_forget(virConnectPtr connection, virDomainPtr domain, Error *ret_error);

/* Ends it and returns when it is gone: SIGTERM first, so that QEMU flushes its disks, then by force. What of
 * it is still defined goes, too. Gone already is success. STOP_FAILED. */
int virt_domain_destroy(virConnectPtr connection, virDomainPtr domain, Error *ret_error);

/* Has on_event called with the beginning and end of domain, or of all (NULL). Returns what
 * virConnectDomainEventDeregisterAny() wants, or a negative number with libvirt's error. */
int virt_listen(virConnectPtr connection, virDomainPtr domain, virConnectDomainEventCallback on_event,
                void *data);

/* Our metadata element of a domain: NULL if it has none. Free with free(). */
char *virt_domain_metadata(virDomainPtr domain);
