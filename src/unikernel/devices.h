/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Wiring: which device of a definition becomes which of the guest's, before anything starts. Pure. */

typedef enum WiringHint {
        WIRING_HINT_DEFINITION, /* the way out is shown as lines for the definition */
        WIRING_HINT_COMMAND,    /* … as options of shruthictl create */
} WiringHint;

/* The definition's devices in the order of the manifest (or as written, for an image without one): elements
 * const DefinitionDevice *, owned by the definition. Where they differ: DEVICE_MISMATCH with a sentence that lists what is
 * missing, what is too much, what has the wrong kind, followed by the lines (and options) to write. */
int devices_wire(const Definition *definition, const ImageInfo *image, GPtrArray **ret_devices, Error *ret_error);
