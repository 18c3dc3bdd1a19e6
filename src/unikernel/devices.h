/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Wiring: which device of a definition becomes which of the guest's, before anything starts. Pure. */

/* The definition's devices in the order of the manifest (or as written, for an image without one): elements
 * const DefinitionDevice *, owned by the definition. Where they differ: DEVICE_MISMATCH with one message
 * (one line) that lists what is missing, what is too much and what is of the other kind, with the lines of
 * the definition and the options of shruthictl create to write. */
int devices_match(const Definition *definition, const ImageInfo *image, GPtrArray **ret_devices,
                Error *ret_error);
