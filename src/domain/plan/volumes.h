/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/plan/plan.h"

/* The stored volumes of a start: made where the definition is the first to name them, and refused where they
 * are another's or in use. Called by start.c; knows no libvirt. */

/* Sees to it that each of a resolved plan's stored volumes is there, is for the definition's owner and can
 * be had now; what is odd about one is told as a notice. Until *ret_turns (of descriptors) is freed no other
 * start comes between, which is for when QEMU has them. NO_SUCH_VOLUME, ACCESS_DENIED, LIMIT_EXCEEDED,
 * VOLUME_IN_USE with who uses it. */
int volumes_acquire(const Plan *plan, GArray **ret_turns, Error *ret_error);

/* QEMU found a disk locked, and said so in error's message (virt_domain_create()): puts who uses it in its
 * place, as far as that can be told. */
void volumes_explain(const Plan *plan, Error *error);
