/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "common/error.h"
#include "domain/xml/machine.h"

/* The folder host/ owns how shruthi-domain talks to its surroundings: libvirt (virt.h), the services
 * shruthi-antispoof and shruthi-neighbours (their clients), the program that runs a verb (protocol.h), and
 * the host's own files (bridges.h, path-access.h, swap-check.h, probe-state.h). It decides nothing. Every
 * folder of src/domain except xml/ may call it.
 *
 * The calls to libvirt, with its errors converted to ours. Used only by shruthi-domain, whose processes are
 * single-threaded. LIBVIRT_UNAVAILABLE always means that libvirt itself does not run, has stopped answering
 * or denies access; all other errors are about the domain. */

/* For _cleanup_; accept NULL. */
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

/* Call first: silences libvirt's own messages on standard error and installs its event loop. */
int virt_setup(Error *ret_error);

/* libvirtd closes the connection of a client that answers no keepalive for half a minute
 * (keepalive_interval= in its configuration), for example because a start takes long on a slow host. So from
 * virt_setup() on, a thread runs the event loop, including callbacks. A caller that waits for events calls
 * virt_answer_here() to run the loop itself, and virt_answer_meanwhile() when it is done. */
void virt_answer_here(void);
void virt_answer_meanwhile(void);

/* Call before virt_setup() in a process that serves one request after another: its connection is kept, and
 * tested before each use. It has no event loop; functions that need one return VIRT_NEEDS_EVENTS without an
 * Error, before they change anything. */
void virt_keep_connection(void);
bool virt_keeps_connection(void);
void virt_forget_connection(void);
#define VIRT_NEEDS_EVENTS (-EUNATCH)

/* Whether libvirt finds a QEMU with the machine, by type: "qemu" (emulated) or "kvm". If not, libvirt's last
 * error says why. */
bool virt_has_machine(virConnectPtr connection, const DomainMachine *machine, const char *type);

/* Checks whether it finds a QEMU that emulates the machine: NOT_SUPPORTED with the missing package. */
int virt_check_machine(virConnectPtr connection, const DomainMachine *machine, Error *ret_error);

/* Whether there is libvirt: a host without it (LibvirtURI=none) runs processes only. */
bool virt_is_wanted(const char *uri);

/* Connect, waiting some seconds while libvirtd is being restarted. virt_connect_apart() gives a connection
 * that is not shared. NOT_SUPPORTED if libvirt is not wanted. */
int virt_connect(const char *uri, virConnectPtr *ret_connection, Error *ret_error);
int virt_connect_apart(const char *uri, virConnectPtr *ret_connection, Error *ret_error);

/* For what works without libvirt, too: *ret_connection is NULL if it is not wanted. */
int virt_connect_if_wanted(const char *uri, virConnectPtr *ret_connection, Error *ret_error);

/* Converts libvirt's last error to ours: "FORMAT: libvirt's message", with LIBVIRT_UNAVAILABLE instead of
 * code if the connection failed. connection may be NULL. Returns the negative errno. */
int virt_error_set(Error *ret_error, virConnectPtr connection, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Finds the domain of the unikernel name by name, UUID and metadata. Returns 1 and *ret_domain, or 0 if
 * there is none. FOREIGN_DOMAIN if a domain that is not ours has the name or the UUID. */
int virt_domain_find(virConnectPtr connection, const char *name, const char *uuid, virDomainPtr *ret_domain,
                Error *ret_error);

/* A guest that ends by itself leaves its name in libvirt's list for a moment, and meanwhile no other domain
 * may have it (virdomainobjlist.c of libvirt). Whether the last call failed for that, and is to be made
 * again: true after a short pause, until the deadline, which the caller takes before the first call. */
int64_t virt_name_deadline(void);
bool virt_wait_for_name(int64_t deadline);

/* Starts a transient domain. START_FAILED with QEMU's and libvirt's messages, NO_SUCH_NETWORK if a bridge or
 * a network is missing. */
int virt_domain_create(
                virConnectPtr connection, const char *xml, virDomainPtr *ret_domain, Error *ret_error);

/* The same, but the guest does not run until virt_domain_release(), which returns false if the domain is not
 * waiting. */
int virt_domain_create_waiting(
                virConnectPtr connection, const char *xml, virDomainPtr *ret_domain, Error *ret_error);
bool virt_domain_release(virDomainPtr domain);

/* Releases a domain that was just created so; if that fails, ends it and returns START_FAILED. */
int virt_domain_let_run(virConnectPtr connection, virDomainPtr domain, Error *ret_error);

/* Starts a domain whose XML names the group of descriptors in a disk: libvirt passes fd to QEMU, and keeps
 * it until the connection is closed. libvirt 9.0 does this only for defined domains, so the domain is
 * defined during the start. */
int virt_domain_create_with(virConnectPtr connection, const char *xml, const char *group, int fd,
                virDomainPtr *ret_domain, Error *ret_error);

/* Undefines a domain that an interrupted start left defined, whether it runs or not. */
int virt_domain_forget(virConnectPtr connection, virDomainPtr domain, Error *ret_error);

/* Ends the domain and returns when it is gone: SIGTERM first, so that QEMU flushes its disks, then by force.
 * Also undefines it. Success if it is already gone. Errors: STOP_FAILED. */
int virt_domain_destroy(virConnectPtr connection, virDomainPtr domain, Error *ret_error);

/* Calls on_event at the start and end of domain, or of all (NULL). Returns the callback ID for
 * virConnectDomainEventDeregisterAny(), or a negative number with libvirt's error set. */
int virt_listen(virConnectPtr connection, virDomainPtr domain, virConnectDomainEventCallback on_event,
                void *data);

/* Our metadata element of a domain, NULL if it has none. Free with free(). */
char *virt_domain_metadata(virDomainPtr domain);
