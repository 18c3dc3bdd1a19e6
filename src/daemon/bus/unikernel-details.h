/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "body/body.h"
#include "daemon/state/unikernel.h"

/* What GetDetails() and GetStatistics() return for one unikernel; also for the methods that return it for
 * many. */

typedef struct Details Details;

/* Prepares the read, in the loop. */
Details *details_new(const Unikernel *unikernel);
Details *details_free(Details *details);

/* Reads the details, in a thread. leases are those of this unikernel (Lease); if NULL, they are read too.
 * has_slices is guest_slice_is_available(). */
void details_read(Details *details, GPtrArray *leases, bool has_slices);

/* Appends the dictionary, in the loop. */
int details_append(sd_bus_message *reply, const Unikernel *unikernel, const Details *details);

/* Parse what a body has answered about one unikernel, and append it as a dictionary. */
BodyStatistics *statistics_read_one(const char *unikernel, const char *output);
int statistics_append(sd_bus_message *reply, const BodyStatistics *statistics);
