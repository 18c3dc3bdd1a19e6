/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/error.h"

/* rhyzome.conf, the JSON of the predecessor → a drop-in of shruthi.conf. Pure. */

/* ret_conf is the drop-in's text, NULL where nothing in the file has a counterpart; ret_notes are messages
 * on what has none, one a line, "" if there is nothing to say. INVALID_DEFINITION where it is no
 * rhyzome.conf. */
int rhyzome_convert(const char *json, size_t size, char **ret_conf, char **ret_notes, Error *ret_error);
