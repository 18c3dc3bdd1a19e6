/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/error.h"
#include "image/image.h"
#include "unikernel/definition.h"

/* What a guest may use of the host, in the words of systemd.resource-control(5): the keys CPUWeight= to
 * MemoryMax= of a definition. They are settings of the slice that QEMU is in (guest-slice.h), to which
 * shruthi-generator brings them (unit-files.h). Pure except for slice_limits_without_effect() and for the
 * number of the host's processors. */

/* The settings of the slice, one a line; "" if there are none. Free with g_free(). */
char *slice_limits_format(const Definition *definition);

/* Whether the guest can work with them on this host: memory is what the guest gets, to which is added what
 * is needed besides (memory_overhead()). info NULL: the image is not known. INVALID_DEFINITION with the
 * figure that would be right. */
int slice_limits_check(const Definition *definition, uint64_t memory, const ImageInfo *info,
                const Conf *conf, Error *ret_error);

/* Whether a guest that is a process has limits of its own, or of an owner's. */
bool slice_limits_need_slice(const Definition *definition);

/* Whether two definitions (NULL: none) set the same. */
bool slice_limits_equal(const Definition *a, const Definition *b);

/* Those of the definition at path that do not limit the guest, as "KEY=VALUE (PATH)": all if it is not
 * there, in the slice that has them, else those for which this host has no controller. limits is from
 * slice_limits_format(). Free with g_strfreev(). */
char **slice_limits_without_effect(const char *limits, const char *path, bool there);
