/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/lifecycle/lifecycle.h"
#include "domain/lifecycle/watch.h"

/* Shared by the files of this folder. */

/* How long libvirt may take, in seconds, even on a board or an emulated machine that is fifty times slower
 * than a server: only a libvirt that hangs is given up. A start includes the start of QEMU, and on some
 * hosts the query of all QEMU's capabilities; a connection includes the start of libvirtd; a stop, the time
 * that QEMU gets to flush its disks. */
#define CONNECT_GUARD   60
#define START_GUARD     180
#define PREPARE_GUARD   60 /* a runner may wait for it */
#define ADDRESSES_GUARD 90
#define STOP_GUARD      60
#define PAUSE_GUARD     60
#define SAVE_GUARD      900 /* the guest's memory is written to a disk; shruthid waits longer */
#define RESTORE_GUARD   480 /* it is read; the runner waits longer */

/* How long after the beginning to reconnect to a libvirtd that has died. This is longer for a stop than for
 * a start, which systemd can repeat. */
#define START_WINDOW_USEC  (8 * G_USEC_PER_SEC)
#define STOP_WINDOW_USEC   (30 * G_USEC_PER_SEC)
#define ATTEMPT_PAUSE_USEC (500 * 1000)

/* Connects to libvirt, with a time limit. */
int lifecycle_open(const char *uri, virConnectPtr *ret_connection, Error *ret_error);

/* The same for what works without libvirt, too: *ret_connection is NULL if it is not wanted. */
int lifecycle_open_if_wanted(const char *uri, virConnectPtr *ret_connection, Error *ret_error);

/* Connects, finds the addresses of the guest (with acquire, allocates them) and what the host can do, and
 * makes the domain's XML from that. */
int lifecycle_format(Plan *plan, bool acquire, virConnectPtr *ret_connection, bool *ret_kvm, char **ret_xml,
                Error *ret_error);

/* save.c, for a start whose snapshot is requested: whether the guest can continue there (SNAPSHOT_UNUSABLE,
 * NO_SUCH_SNAPSHOT, BUSY), and the start. *ret_domain is NULL if the domain has already ended. */
typedef struct RestoreState {
        bool requested;
        int lock;   /* of the snapshot; -EBADF before it is prepared */
        char *path; /* of the memory; NULL before it is prepared */
} RestoreState;

int start_prepare_restore(virConnectPtr connection, const Plan *plan, RestoreState *state, Error *ret_error);
int start_restore(virConnectPtr connection, const Plan *plan, const RestoreState *state,
                virDomainPtr *ret_domain, Error *ret_error);
void restore_state_clear(RestoreState *state);
#define _cleanup_restore_state_ __attribute__((cleanup(restore_state_clear)))

/* Waits for the domain's end and reports how it ended. Returns without an Error if the runner has gone
 * before, so nobody needs to know. */
int lifecycle_monitor(Watch *watch, const char *uri, Error *ret_error);

/* process.c, for a guest that is a process (unikernel/process.h): all that it needs is made and handed to
 * the runner, which executes it. From then on it is found by its mark.
 *
 * Hands over, in one message: a memfd with the words of shruthi-tender's command line, each ended by a NUL,
 * then the descriptors that these name by their numbers, from HELPER_GUEST_FD_FIRST (helper/request.h) on.
 * credentials: of the archive, or -EBADF. Errors as for a domain. */
int process_start(Plan *plan, int credentials, Error *ret_error);

/* Of a network device of a user's own unikernel: its number among them, from 0 on (uplink/protocol.h). */
unsigned process_number_of(const Plan *plan, const DefinitionDevice *device);

/* Finds addresses and interfaces, as a start does; without a guest. */
int process_attach(Plan *plan, Error *ret_error);

/* Ends it, and waits for that. Returns 1 if it ran, 0 if not. */
int process_stop(const char *name, Error *ret_error);

/* NOT_RUNNING. */
int process_pause(const char *name, Error *ret_error);
int process_resume(const char *name, Error *ret_error);

/* Whether it runs. */
bool process_is_alive(const char *name);
