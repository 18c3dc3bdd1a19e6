/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "unikernel/definition.h"

/* What a guest may use of the host, in the words of systemd.resource-control(5): the keys CPUWeight= to
 * MemoryMax= of a definition. They are settings of the slice that QEMU is in (guest-slice.h), to which
 * shruthi-generator brings them (unit-files.h). Pure except for slice_limits_without_effect() and for the
 * number of the host's processors. */

/* The settings of the slice, one a line; "" if there are none. Free with g_free(). */
char *slice_limits_format(const Definition *definition);

/* Whether the guest can work with them on this host: memory is what the guest gets, overhead what QEMU itself
 * needs (MemoryOverhead=), or 0. INVALID_DEFINITION with the figure that would be right. */
int slice_limits_check(const Definition *definition, uint64_t memory, uint64_t overhead, Error *ret_error);

/* Whether two definitions (NULL: none) set the same. */
bool slice_limits_equal(const Definition *a, const Definition *b);

/* Those of the definition at path that do not limit the guest, as "KEY=VALUE (PATH)": all if it is not
 * there, in the slice that has them, else those for which this host has no controller. limits is from
 * slice_limits_format(). Free with g_strfreev(). */
char **slice_limits_without_effect(const char *limits, const char *path, bool there);
