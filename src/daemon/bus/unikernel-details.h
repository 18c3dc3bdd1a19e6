/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "body/body.h"
#include "daemon/state/unikernel.h"

/* What GetDetails() and GetStatistics() say of one unikernel, for the methods that say it of many. */

typedef struct Details Details;

/* What there is to be read for them: in the loop. */
Details *details_new(const Unikernel *unikernel);
Details *details_free(Details *details);

/* Reads it, in a thread. leases (or NULL: they are read too) are those of this unikernel (Lease);
 * has_slices: guest_slice_is_available(). */
void details_read(Details *details, GPtrArray *leases, bool has_slices);

/* The dictionary, in the loop. */
int details_append(sd_bus_message *reply, const Unikernel *unikernel, const Details *details);

/* What a body has answered of one, and its dictionary. */
BodyStatistics *statistics_read_one(const char *unikernel, const char *output);
int statistics_append(sd_bus_message *reply, const BodyStatistics *statistics);
