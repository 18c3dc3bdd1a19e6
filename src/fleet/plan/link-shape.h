/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "link/shape.h"

/* What several lines say of the same link, put together: each key is that of the last line that has it.
 * Pure. */

/* What a line says of links. Of jitter and distribution, both are said if one is. */
typedef struct FleetShape {
        Shape shape;
        unsigned said; /* a bit for each of shape_keys[]; nothing is said of the others */
} FleetShape;

/* Sets a key as the rules name it. "10ms normal" is jitter with its distribution, "1% 30%" a burst.
 * INVALID_ARGS, as shape_set(). */
int fleet_shape_set(FleetShape *shape, const char *key, const char *value, Error *ret_error);

/* Replaces what over says. */
void fleet_shape_merge(FleetShape *shape, const FleetShape *over);
