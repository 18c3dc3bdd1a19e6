/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/plan/plan.h"

/* The stored volumes of a start: created if the definition is the first to name them, and refused if they
 * belong to somebody else or are in use. Called by start.c; knows no libvirt. */

/* Ensures that each stored volume of a resolved plan exists, that the definition's owner may use it, and
 * that it is not in use; emits a notice about anything unusual. Until *ret_turns (descriptors) is freed, no
 * other start can acquire the volumes; free it when QEMU has them. Errors: NO_SUCH_VOLUME, ACCESS_DENIED,
 * LIMIT_EXCEEDED, VOLUME_IN_USE with the user of the volume. */
int volumes_acquire(const Plan *plan, GArray **ret_turns, Error *ret_error);

/* For the case that QEMU found a disk locked (error from virt_domain_create()): replaces the message by one
 * that names the user of the volume, if that can be found. */
void volumes_explain(const Plan *plan, Error *error);
