/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Names of units as systemd.unit(5) defines them. Pure. */

#define UNIT_NAME_MAX 255

/* Whether unit is the full name, with its suffix, of a unit that can be loaded: a template needs an
 * instance. No character of such a name is special in a unit file. */
bool unit_name_is_valid(const char *unit);

/* The same, or a pattern of fnmatch(3). */
bool unit_pattern_is_valid(const char *pattern);
