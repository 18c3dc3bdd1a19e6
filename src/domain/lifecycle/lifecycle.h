/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "domain/lifecycle/probe.h"
#include "domain/plan/plan.h"

/* The folder lifecycle/ owns what happens to a domain: preparing, starting, watching, stopping and sweeping
 * it (this file), putting it back on its bridge (reattach.h), and finding out how this host runs one
 * (probe.h). check/ and service/ may call it.
 *
 * The verbs that concern a domain's life. Each speaks the protocol on standard output and returns a negative
 * errno with the message where it failed. */

/* credentials: see credentials_open(). */
int lifecycle_start(const char *name, int credentials, Error *ret_error);

/* Makes the domain for a start that is on its way, and lets it wait for that, not running: so that QEMU gets
 * ready while systemd makes the unit's sandbox. Does nothing where it runs, or where only the unit can start
 * it. Who starts it next takes it if they would make the same. */
int lifecycle_prepare(const char *name, Error *ret_error);

int lifecycle_watch(const char *name, bool monitor, Error *ret_error);
int lifecycle_stop(const char *name, Error *ret_error);

/* Stops the guest's processors and lets them continue; one that is in that state already is left alone.
 * NOT_RUNNING, also for a domain that waits for its start. */
int lifecycle_pause(const char *name, Error *ret_error);
int lifecycle_resume(const char *name, Error *ret_error);

/* The same for a unikernel whose unit has ended, as the file shows that unikernel/liveness.h describes.
 * prepared: also where the domain is one that was prepared; else that is left to its start, which may have
 * been asked for only after the unit was seen to be over. */
int lifecycle_sweep(const char *name, bool prepared, Error *ret_error);

/* Shows the arguments that a start now would give it, verbatim. INVALID_ARGS where they need an address that
 * it has not been given yet. */
int lifecycle_arguments(const char *name, Error *ret_error);

/* Takes its addresses as a start does, and gives them back. The latter needs no definition. */
int lifecycle_allocate(const char *name, Error *ret_error);
int lifecycle_release(const char *name, Error *ret_error);

/* Lets libvirt get to know us, where the connection is kept. */
int lifecycle_connect(Error *ret_error);

/* The XML that a start now would use, on standard output as it is. */
int lifecycle_xml(const char *name, Error *ret_error);
