/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/lifecycle/lifecycle.h"
#include "domain/lifecycle/watch.h"

/* Between start.c and lifecycle.c. */

/* How long libvirt may take, in seconds, on a board or an emulated machine that is fifty times slower than a
 * server, too: only one that hangs is to be given up. A start includes QEMU's, and that of a host which asks
 * QEMU for all it can do at each start; a connection, the start of libvirtd; a stop, the time that QEMU gets
 * to flush its disks. */
#define CONNECT_GUARD   60
#define START_GUARD     180
#define PREPARE_GUARD   60 /* a runner may wait for it */
#define ADDRESSES_GUARD 90
#define STOP_GUARD      60
#define PAUSE_GUARD     60

/* A libvirtd that dies in the middle is connected to again, within so long from the beginning. That is
 * longer for a stop than for a start, which systemd can repeat. */
#define START_WINDOW_USEC  (8 * G_USEC_PER_SEC)
#define STOP_WINDOW_USEC   (30 * G_USEC_PER_SEC)
#define ATTEMPT_PAUSE_USEC (500 * 1000)

/* Connects to libvirt, with a limit to how long that may take. */
int lifecycle_open(const char *uri, virConnectPtr *ret_connection, Error *ret_error);

/* Connects, finds out which addresses the guest has (with acquire: gives it some) and what the host can do,
 * and writes the domain's XML for that. */
int lifecycle_format(Plan *plan, bool acquire, virConnectPtr *ret_connection, bool *ret_kvm, char **ret_xml,
                Error *ret_error);

/* Waits for the domain's end and says how it was. Returns without an Error where the runner went before, and
 * nobody needs to know any more. */
int lifecycle_monitor(Watch *watch, const char *uri, Error *ret_error);
