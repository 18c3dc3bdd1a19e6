/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/error.h"

/* Converts rhyzome.conf, the JSON of the predecessor, to a drop-in of shruthi.conf. Pure. */

/* ret_conf is the text of the drop-in, NULL if nothing in the file has an equivalent; ret_notes are messages
 * about what has none, one per line, "" if there are none. INVALID_DEFINITION if it is not a
 * rhyzome.conf. */
int rhyzome_convert(const char *json, size_t size, char **ret_conf, char **ret_notes, Error *ret_error);
