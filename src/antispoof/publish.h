/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/protocol.h"

/* The published ports: in our records, in the kernel's tables, and in what they need beside those. */

/* Reads the records below the directory; publish_restore() makes the kernel follow them. */
int publish_open(const char *directory, Error *ret_error);

/* When it returns, the ports lead to the guest. Its interface has a filter with that address, or it is
 * FAILED; ADDRESS_IN_USE (FAILED for the client) with who has one of the ports. What the same unikernel
 * published on an interface that it no longer has is withdrawn. */
int publish_add(const AntispoofPublication *publication, Error *ret_error);

/* Negative: it is not done yet, and publish_look() tries again, once its guest is gone. */
int publish_withdraw(const char *interface);

/* A unikernel and its twin (name_of_twin()) may publish the same ports. New connections go to the unikernel
 * itself, until its twin is to lead, and back; at all times to the one that is there if the other is gone.
 * Connections that are open stay where they are. FAILED if it publishes nothing. */
int publish_lead(const char *unikernel, Error *ret_error);

/* How many connections through its ports are open. */
int publish_count_connections(const char *unikernel, unsigned *ret_count, Error *ret_error);

/* After interfaces have come or gone: withdraws what was published for a guest that is gone. Negative: that
 * could not be done, and is to be tried again; 1: the kernel was made to follow the list; 0: nothing to do.
 */
int publish_look(void);

/* Whether there is something published for an interface that is not there: one that is being started, or
 * whose start has failed. */
bool publish_is_waiting(void);

/* After somebody else has changed the packet filter. */
int publish_restore(Error *ret_error);

/* After a bridge was made anew. */
void publish_reach_loopback(void);

unsigned publish_count(void);

/* All of them (AntispoofPublication), until the next change. */
const GPtrArray *publish_list(void);

/* What stays published while the unikernel is stopped goes with its interface from now on; but not that of
 * these interfaces (NULL: there are none). As publish_look(). */
int publish_end_demand(const char *unikernel, const char *const *but);
