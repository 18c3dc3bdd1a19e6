/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "domain/lifecycle/host-probe.h"
#include "domain/plan/plan.h"
#include "domain/xml/network-xml.h"

/* The folder lifecycle/ owns what happens to a domain: preparing, starting, watching, stopping and sweeping
 * it (this file), reattaching it to its bridge (reattach.h), and finding out how this host runs one
 * (host-probe.h). check/ and service/ may call it.
 *
 * The verbs that concern a domain's life. Each speaks the protocol on standard output, and on failure
 * returns a negative errno with the message. */

/* credentials: see credentials_open(). */
int lifecycle_start(const char *name, int credentials, Error *ret_error);

/* Creates the domain, paused, for a start in progress, so that QEMU gets ready while systemd sets up the
 * unit's sandbox. Does nothing if the domain runs, or if only the unit can start it. The next start uses it
 * if it would create the same. */
int lifecycle_prepare(const char *name, Error *ret_error);

int lifecycle_watch(const char *name, bool monitor, Error *ret_error);
int lifecycle_stop(const char *name, Error *ret_error);

/* Stop the guest's processors, and let them continue; do nothing if that is already so. NOT_RUNNING, also
 * for a prepared domain. */
int lifecycle_pause(const char *name, Error *ret_error);
int lifecycle_resume(const char *name, Error *ret_error);

/* Saves the guest with its memory (unikernel/snapshot.h), which ends it. If it fails, the guest runs on.
 * NOT_RUNNING; NOT_SUPPORTED for what must not be, or cannot be, in a file. */
int lifecycle_save(const char *name, Error *ret_error);

/* Stops the domain of a unikernel whose unit has ended, as the file described in unikernel/liveness.h shows.
 * prepared includes a prepared domain; otherwise that is left for its start, which may have been requested
 * only after the unit had ended. */
int lifecycle_sweep(const char *name, bool prepared, Error *ret_error);

/* Prints the arguments that a start now would use, verbatim. INVALID_ARGS if they need an address that is
 * not allocated yet. */
int lifecycle_arguments(const char *name, Error *ret_error);

/* Allocate its addresses as a start does, and release them. The latter needs no definition. */
int lifecycle_allocate(const char *name, Error *ret_error);
int lifecycle_release(const char *name, Error *ret_error);

/* Between these, for many names in a row, networks and leases are looked at once, and the DHCP and DNS
 * servers are told at the end. */
void lifecycle_batch_begin(void);
void lifecycle_batch_end(void);

/* Publishes the ports of one with Activation=traffic, which is stopped: what comes there is held, and starts
 * it. Does nothing for others. */
int lifecycle_listen(const char *name, Error *ret_error);

/* How the networks of a guest that is a process are attached (DomainPort), and their devices (NULL: not
 * wanted). Free with g_ptr_array_unref() and g_strfreev(). */
GPtrArray *lifecycle_process_ports(const char *name, char ***ret_devices);

/* Connects to libvirt in advance, if the connection is kept. */
int lifecycle_connect(Error *ret_error);

/* Prints the XML that a start now would use, verbatim, on standard output. */
int lifecycle_xml(const char *name, Error *ret_error);
