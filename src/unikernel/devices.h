/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Wiring: which device of a definition becomes which device of the guest, known before anything starts.
 * Pure. */

/* The definition's devices in the order of the manifest (or as written, for an image without one): elements
 * const DefinitionDevice *, owned by the definition. If they differ: DEVICE_MISMATCH with one message (one
 * line) that lists the devices that are missing, superfluous and of the wrong kind, with the lines of the
 * definition and the options of shruthictl create to write. */
int devices_match(const Definition *definition, const ImageInfo *image, GPtrArray **ret_devices,
                Error *ret_error);
